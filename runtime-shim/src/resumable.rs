//! Calls that can be resumed after a host error, or when fuel ran out.

use crate::{
    error::Error,
    errors::FuncError,
    func::{Func, WasmParams, WasmResults, WasmTyList},
    store::{AsContextMut, CallHook, Store},
    value::Val,
    vm::{self, AbiResult, PausedCall, Progress},
};
use core::{fmt, marker::PhantomData, ops::Deref};

/// What [`Func::call_resumable`] gives: the call has finished, or waits to be resumed.
///
/// A host function that the guest calls pauses the call by returning an error; so does a guest whose
/// fuel runs out. What waits is on a stack of its own, which the engine keeps for other calls
/// afterwards. It may be resumed later, by any thread, with the store that it began in; other calls in
/// the store may come before. Whoever drops it leaves all its frames. Only the call that was started
/// resumably pauses: an error inside of another call, which a host function makes, ends that one.
///
/// # Example
///
/// ```
/// use wasmelt::{Engine, Error, Linker, Module, ResumableCall, Store, Val};
///
/// let engine = Engine::default();
/// let module = Module::new(&engine, r#"
///     (module
///         (import "host" "fetch" (func $fetch (param i32) (result i32)))
///         (func (export "double") (param i32) (result i32)
///             (i32.mul (call $fetch (local.get 0)) (i32.const 2))))
/// "#)?;
/// let mut linker = Linker::<()>::new(&engine);
/// // What is asked for is not here yet.
/// linker.func_wrap("host", "fetch", |key: i32| -> Result<i32, Error> {
///     Err(Error::new(format!("wait for {key}")))
/// })?;
/// let mut store = Store::new(&engine, ());
/// let instance = linker.instantiate_and_start(&mut store, &module)?;
/// let double = instance.get_func(&store, "double").unwrap();
///
/// let mut results = [Val::I32(0)];
/// let ResumableCall::HostTrap(waiting) =
///     double.call_resumable(&mut store, &[Val::I32(7)], &mut results)?
/// else {
///     panic!("it asks the host");
/// };
/// assert!(waiting.host_error().to_string().starts_with("wait for 7"));
/// let call = waiting.resume(&mut store, &[Val::I32(21)], &mut results)?;
/// assert!(matches!(call, ResumableCall::Finished));
/// assert_eq!(results[0].i32(), Some(42));
/// # Ok::<(), wasmelt::Error>(())
/// ```
#[derive(Debug)]
pub enum ResumableCall {
    /// The call has returned.
    Finished,
    /// A host function has failed.
    HostTrap(ResumableCallHostTrap),
    /// The fuel ran out.
    OutOfFuel(ResumableCallOutOfFuel),
}

/// A call that waits for the result of a host function that has failed.
#[derive(Debug)]
pub struct ResumableCallHostTrap {
    call: PausedCall,
    host_func: Func,
    host_error: Error,
}

/// A call that waits for fuel.
#[derive(Debug)]
pub struct ResumableCallOutOfFuel {
    call: PausedCall,
    required_fuel: u64,
}

/// Calls a function resumably.
pub(crate) fn call<T>(
    store: &mut Store<T>,
    func: Func,
    inputs: &[Val],
    outputs: &mut [Val],
) -> Result<ResumableCall, Error> {
    let ty = store.inner.func_type(func);
    ty.check_params(inputs)?;
    ty.prepare_outputs(outputs)?;
    if store.inner.is_host_func(func) {
        vm::call_dynamic(store, func, inputs, outputs)?;
        return Ok(ResumableCall::Finished);
    }
    let progress = start(store, func, inputs)?;
    Ok(ResumableCall::new(progress, outputs))
}

/// Calls a function of known type resumably.
pub(crate) fn call_typed<T, Params: WasmParams, Results: WasmResults>(
    store: &mut Store<T>,
    func: Func,
    params: Params,
) -> Result<TypedResumableCall<Results>, Error> {
    if store.inner.is_host_func(func) {
        let results = func
            .typed::<Params, Results>(&*store)?
            .call(store, params)?;
        return Ok(TypedResumableCall::Finished(results));
    }
    let progress = start(store, func, &params.into_vals())?;
    Ok(TypedResumableCall::new(progress))
}

fn start<T>(store: &mut Store<T>, func: Func, inputs: &[Val]) -> Result<Progress, Error> {
    let params = inputs.iter().map(|input| {
        let bits = input.to_bits().expect("functions of modules take numbers");
        (!input.ty().is_float(), bits)
    });
    let params = params.collect();
    run(store, func, |store| {
        vm::start_resumable(store, func, params)
    })
}

/// Runs the guest until it ends or pauses, and tells the host of both.
fn run<T>(
    store: &mut Store<T>,
    func: Func,
    run: impl FnOnce(&mut Store<T>) -> Result<Progress, Error>,
) -> Result<Progress, Error> {
    // Before the hooks of a store that has nothing to do with the call.
    func.0.index(&store.inner);
    trace! { let _span = crate::trace::call(&store.inner, func); }
    store.run_call_hook(CallHook::CallingWasm)?;
    let progress = run(store);
    trace! {
        if let Ok(progress) = &progress {
            crate::trace::paused(progress);
        }
    }
    store.run_call_hook(CallHook::ReturningFromWasm)?;
    progress
}

impl ResumableCall {
    /// Writes the results, if the call has finished.
    fn new(progress: Progress, outputs: &mut [Val]) -> Self {
        match progress {
            Progress::Finished((integer, float)) => {
                // It has the type of the result.
                if let Some(output) = outputs.first_mut() {
                    let ty = output.ty();
                    let bits = if ty.is_float() { float } else { integer };
                    let ty = ty.to_abi().expect("functions of modules return numbers");
                    *output = Val::from_bits(ty, bits);
                }
                Self::Finished
            }
            Progress::HostError {
                call,
                host_func,
                error,
            } => Self::HostTrap(ResumableCallHostTrap {
                call,
                host_func,
                host_error: error,
            }),
            Progress::OutOfFuel { call, required } => Self::OutOfFuel(ResumableCallOutOfFuel {
                call,
                required_fuel: required,
            }),
        }
    }
}

impl ResumableCallHostTrap {
    /// The host function that failed, whose results are awaited.
    #[must_use]
    pub fn host_func(&self) -> Func {
        self.host_func
    }

    /// Its error.
    #[must_use]
    pub fn host_error(&self) -> &Error {
        &self.host_error
    }

    /// Its error; the call is dropped.
    #[must_use]
    pub fn into_host_error(self) -> Error {
        self.host_error
    }

    /// Goes on as if the host function had returned `inputs`. `outputs` are written when the call has
    /// finished.
    ///
    /// # Errors
    ///
    /// If the numbers or types of values do not fit, or the call ends in a way that cannot be resumed.
    /// The call is dropped then.
    ///
    /// # Panics
    ///
    /// If the store is not the one that the call began in.
    pub fn resume<T>(
        self,
        mut ctx: impl AsContextMut<Data = T>,
        inputs: &[Val],
        outputs: &mut [Val],
    ) -> Result<ResumableCall, Error> {
        let store = ctx.as_context_mut().store;
        let bits = self.check_inputs(store, inputs)?;
        prepare_outputs(&self.call, store, outputs)?;
        let progress = self.resume_with(store, bits)?;
        Ok(ResumableCall::new(progress, outputs))
    }

    /// The bits of the result, if its type is the host function's.
    fn check_inputs<T>(&self, store: &Store<T>, inputs: &[Val]) -> Result<u64, FuncError> {
        store
            .inner
            .func_type(self.host_func)
            .check_results(inputs)?;
        Ok(inputs.first().and_then(Val::to_bits).unwrap_or_default())
    }

    fn resume_with<T>(self, store: &mut Store<T>, bits: u64) -> Result<Progress, Error> {
        let func = self.call.func();
        run(store, func, |store| self.call.resume_with(store, bits))
    }
}

impl ResumableCallOutOfFuel {
    /// How much fuel the call needs to go on.
    #[must_use]
    pub fn required_fuel(&self) -> u64 {
        self.required_fuel
    }

    /// Goes on, if the store has [the fuel](Self::required_fuel) by now. `outputs` are written when the
    /// call has finished.
    ///
    /// # Errors
    ///
    /// If the number of outputs does not fit, or the call ends in a way that cannot be resumed. The call
    /// is dropped then.
    ///
    /// # Panics
    ///
    /// If the store is not the one that the call began in.
    pub fn resume<T>(
        self,
        mut ctx: impl AsContextMut<Data = T>,
        outputs: &mut [Val],
    ) -> Result<ResumableCall, Error> {
        let store = ctx.as_context_mut().store;
        prepare_outputs(&self.call, store, outputs)?;
        let progress = self.resume_with_fuel(store)?;
        Ok(ResumableCall::new(progress, outputs))
    }

    fn resume_with_fuel<T>(self, store: &mut Store<T>) -> Result<Progress, Error> {
        let func = self.call.func();
        run(store, func, |store| self.call.resume_with_fuel(store))
    }
}

/// Compares the outputs with the type of the function that was called.
fn prepare_outputs<T>(
    call: &PausedCall,
    store: &Store<T>,
    outputs: &mut [Val],
) -> Result<(), FuncError> {
    store.inner.func_type(call.func()).prepare_outputs(outputs)
}

/// What [`TypedFunc::call_resumable`](crate::TypedFunc::call_resumable) gives: the call has finished,
/// or waits to be resumed, as [`ResumableCall`] explains.
#[derive(Debug)]
pub enum TypedResumableCall<T> {
    /// The call has returned.
    Finished(T),
    /// A host function has failed.
    HostTrap(TypedResumableCallHostTrap<T>),
    /// The fuel ran out.
    OutOfFuel(TypedResumableCallOutOfFuel<T>),
}

impl<Results: WasmTyList> TypedResumableCall<Results> {
    fn new(progress: Progress) -> Self {
        match progress {
            Progress::Finished((integer, float)) => {
                let result = <Results::Abi as AbiResult>::from_registers(integer, float);
                Self::Finished(Results::from_abi_result(result))
            }
            Progress::HostError {
                call,
                host_func,
                error,
            } => Self::HostTrap(TypedResumableCallHostTrap {
                call: ResumableCallHostTrap {
                    call,
                    host_func,
                    host_error: error,
                },
                results: PhantomData,
            }),
            Progress::OutOfFuel { call, required } => {
                Self::OutOfFuel(TypedResumableCallOutOfFuel {
                    call: ResumableCallOutOfFuel {
                        call,
                        required_fuel: required,
                    },
                    results: PhantomData,
                })
            }
        }
    }
}

/// A call of known result that waits for the result of a host function that has failed.
pub struct TypedResumableCallHostTrap<Results> {
    call: ResumableCallHostTrap,
    results: PhantomData<fn() -> Results>,
}

impl<Results> TypedResumableCallHostTrap<Results> {
    /// Goes on as if the host function had returned `inputs`.
    ///
    /// # Errors
    ///
    /// If the number or types of values do not fit, or the call ends in a way that cannot be resumed.
    /// The call is dropped then.
    ///
    /// # Panics
    ///
    /// If the store is not the one that the call began in.
    pub fn resume<T>(
        self,
        mut ctx: impl AsContextMut<Data = T>,
        inputs: &[Val],
    ) -> Result<TypedResumableCall<Results>, Error>
    where
        Results: WasmResults,
    {
        let store = ctx.as_context_mut().store;
        let bits = self.call.check_inputs(store, inputs)?;
        let progress = self.call.resume_with(store, bits)?;
        Ok(TypedResumableCall::new(progress))
    }
}

impl<Results> Deref for TypedResumableCallHostTrap<Results> {
    type Target = ResumableCallHostTrap;

    fn deref(&self) -> &ResumableCallHostTrap {
        &self.call
    }
}

impl<Results> fmt::Debug for TypedResumableCallHostTrap<Results> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TypedResumableCallHostTrap")
            .field(&self.call)
            .finish()
    }
}

/// A call of known result that waits for fuel.
pub struct TypedResumableCallOutOfFuel<Results> {
    call: ResumableCallOutOfFuel,
    results: PhantomData<fn() -> Results>,
}

impl<Results> TypedResumableCallOutOfFuel<Results> {
    /// Goes on, if the store has the fuel by now.
    ///
    /// # Errors
    ///
    /// If the call ends in a way that cannot be resumed.
    ///
    /// # Panics
    ///
    /// If the store is not the one that the call began in.
    pub fn resume<T>(
        self,
        mut ctx: impl AsContextMut<Data = T>,
    ) -> Result<TypedResumableCall<Results>, Error>
    where
        Results: WasmResults,
    {
        let store = ctx.as_context_mut().store;
        let progress = self.call.resume_with_fuel(store)?;
        Ok(TypedResumableCall::new(progress))
    }
}

impl<Results> Deref for TypedResumableCallOutOfFuel<Results> {
    type Target = ResumableCallOutOfFuel;

    fn deref(&self) -> &ResumableCallOutOfFuel {
        &self.call
    }
}

impl<Results> fmt::Debug for TypedResumableCallOutOfFuel<Results> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TypedResumableCallOutOfFuel")
            .field(&self.call)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::{ResumableCall, TypedResumableCall};

    const fn goes_between_threads<S: Send + Sync>() {}

    #[test]
    fn a_paused_call_goes_between_threads() {
        const { goes_between_threads::<ResumableCall>() };
        const { goes_between_threads::<TypedResumableCall<i32>>() };
    }
}
