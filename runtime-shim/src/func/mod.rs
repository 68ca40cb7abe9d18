//! Functions of guests and of the host.

mod caller;
mod typed;
mod wasm_type;

pub use self::{
    caller::Caller,
    typed::TypedFunc,
    wasm_type::{WasmParams, WasmResults, WasmRet, WasmTy, WasmTyList},
};
pub(crate) use crate::vm::HostFuncDefinition;
pub use crate::vm::IntoFunc;

use crate::{
    ResumableCall,
    error::Error,
    resumable,
    store::{AsContext, AsContextMut, Owned},
    types::FuncType,
    value::Val,
    vm::{self, FuncIndex},
};

/// A handle of a function in a store: a guest's or the host's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Func(pub(crate) Owned<FuncIndex>);

impl Func {
    /// Creates a host function of a type that is known at run time only.
    ///
    /// The function receives the parameters, and a slice of zeros to put the results into.
    ///
    /// # Panics
    ///
    /// When it is called by a guest: if it puts a value of another type into the results.
    pub fn new<T>(
        mut ctx: impl AsContextMut<Data = T>,
        ty: FuncType,
        func: impl Fn(Caller<'_, T>, &[Val], &mut [Val]) -> Result<(), Error> + Send + Sync + 'static,
    ) -> Self {
        let definition = HostFuncDefinition::new(ty, func);
        ctx.as_context_mut().store.create_host_func(definition)
    }

    /// Creates a host function from a closure, whose type decides the function's.
    ///
    /// When it returns, MXCSR (rounding, denormals) must be what it was when it was called: it is
    /// checked when wasm is entered, not when a host function comes back. And it may not return
    /// after another call of wasm that began later on the same thread, on another stack, and has
    /// not ended: calls are nested.
    ///
    /// ```
    /// use wasmelt::{Caller, Engine, Func, Store};
    ///
    /// let mut store = Store::new(&Engine::default(), 0u32);
    /// let add = Func::wrap(&mut store, |mut caller: Caller<'_, u32>, a: i32, b: i32| -> i32 {
    ///     *caller.data_mut() += 1;
    ///     a + b
    /// });
    /// let add = add.typed::<(i32, i32), i32>(&store)?;
    /// assert_eq!(add.call(&mut store, (2, 3))?, 5);
    /// assert_eq!(*store.data(), 1);
    /// # Ok::<(), wasmelt::Error>(())
    /// ```
    pub fn wrap<T, Params, Results>(
        mut ctx: impl AsContextMut<Data = T>,
        func: impl IntoFunc<T, Params, Results>,
    ) -> Self {
        ctx.as_context_mut()
            .store
            .create_host_func(func.into_func())
    }

    /// Its type.
    ///
    /// # Panics
    ///
    /// If the store does not own it; so for all methods.
    pub fn ty(&self, ctx: impl AsContext) -> FuncType {
        ctx.as_context().store.inner.func_type(*self).clone()
    }

    /// Calls it with values whose types are known at run time only. `outputs` has as many values
    /// as the function has results; what they were does not matter.
    ///
    /// # Errors
    ///
    /// If the numbers or types of values do not fit, or the call ends abnormally.
    pub fn call<T>(
        &self,
        mut ctx: impl AsContextMut<Data = T>,
        inputs: &[Val],
        outputs: &mut [Val],
    ) -> Result<(), Error> {
        vm::call_dynamic(ctx.as_context_mut().store, *self, inputs, outputs)
    }

    /// Calls it so that it can be resumed when a host function fails, or fuel runs out. `outputs` are
    /// written when the call has finished.
    ///
    /// The guest runs on a stack of its own, which costs about a microsecond; see
    /// [`ResumableCall`].
    ///
    /// # Errors
    ///
    /// If the numbers or types of values do not fit, or the call ends in a way that cannot be resumed:
    /// a trap; or any error of a host function that the host itself calls.
    pub fn call_resumable<T>(
        &self,
        mut ctx: impl AsContextMut<Data = T>,
        inputs: &[Val],
        outputs: &mut [Val],
    ) -> Result<ResumableCall, Error> {
        resumable::call(ctx.as_context_mut().store, *self, inputs, outputs)
    }

    /// The function with its type known at compile time, which makes calls faster.
    ///
    /// # Errors
    ///
    /// If its type is another.
    pub fn typed<Params, Results>(
        &self,
        ctx: impl AsContext,
    ) -> Result<TypedFunc<Params, Results>, Error>
    where
        Params: WasmParams,
        Results: WasmResults,
    {
        TypedFunc::new(&ctx.as_context().store.inner, *self)
    }
}
