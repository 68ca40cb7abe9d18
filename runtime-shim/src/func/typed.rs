//! Functions whose type is known at compile time.

use super::{Func, WasmParams, WasmResults};
use crate::{
    TypedResumableCall,
    error::Error,
    resumable,
    store::{AsContextMut, StoreInner},
    vm::TypedEntry,
};
use core::fmt;

/// A handle of a function whose type was compared with `Params` and `Results`.
///
/// A call passes parameters in registers, straight to compiled code.
pub struct TypedFunc<Params, Results> {
    func: Func,
    entry: TypedEntry<Params, Results>,
}

impl<Params, Results> Copy for TypedFunc<Params, Results> {}

impl<Params, Results> Clone for TypedFunc<Params, Results> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<Params, Results> fmt::Debug for TypedFunc<Params, Results> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TypedFunc")
            .field("func", &self.func)
            .finish_non_exhaustive()
    }
}

impl<Params, Results> TypedFunc<Params, Results> {
    /// The function without its static type.
    #[must_use]
    pub fn func(&self) -> &Func {
        &self.func
    }
}

impl<Params, Results> TypedFunc<Params, Results>
where
    Params: WasmParams,
    Results: WasmResults,
{
    pub(crate) fn new(store: &StoreInner, func: Func) -> Result<Self, Error> {
        let entry = TypedEntry::new(store, func)?;
        Ok(Self { func, entry })
    }

    /// Calls the function.
    ///
    /// # Errors
    ///
    /// If the call ends abnormally.
    ///
    /// # Panics
    ///
    /// If the store does not own the function.
    #[inline]
    pub fn call(&self, mut ctx: impl AsContextMut, params: Params) -> Result<Results, Error> {
        self.entry
            .call(ctx.as_context_mut().store, self.func, params)
    }

    /// Calls the function so that it can be resumed when a host function fails, or fuel runs out.
    ///
    /// The guest runs on a stack of its own, which costs about a microsecond; see
    /// [`TypedResumableCall`].
    ///
    /// # Errors
    ///
    /// If the call ends in a way that cannot be resumed: a trap; or any error of a host function that
    /// the host itself calls.
    ///
    /// # Panics
    ///
    /// If the store does not own the function.
    pub fn call_resumable(
        &self,
        mut ctx: impl AsContextMut,
        params: Params,
    ) -> Result<TypedResumableCall<Results>, Error> {
        resumable::call_typed(ctx.as_context_mut().store, self.func, params)
    }
}
