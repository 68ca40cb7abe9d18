//! Functions: C's own as imports, and calls of any.
#![allow(
    unsafe_code,
    reason = "calls C's functions, and exports functions by unmangled names"
)]

use crate::caller::{ActiveCaller, CallerObject, Guest};
use crate::export::{caught, export};
use crate::failure::Failure;
use crate::host_info::{Finalizer, HostInfo};
use crate::reference::{self, Ref};
use crate::signature::{CValue, Shape};
use crate::store::{self, HostData, StoreObject, StoreState};
use crate::trap::{self, TrapObject};
use crate::types::ExternType;
use crate::val::{Val, Vals, zeros};
use crate::vec::CVec;
use std::ffi::c_void;
use std::sync::Arc;
use wasmelt::{AsContextMut, Caller, Func, FuncType, StoreContextMut};

/// `wasm_func_callback_t`.
type Callback = unsafe extern "C" fn(&Vals, &mut Vals) -> Option<Box<Ref>>;
/// `wasm_func_callback_with_env_t`.
type CallbackWithEnv = unsafe extern "C" fn(*mut c_void, &Vals, &mut Vals) -> Option<Box<Ref>>;
/// `wasmelt_func_callback_t`.
type CallbackWithCaller =
    unsafe extern "C" fn(*mut c_void, &CallerObject, &Vals, &mut Vals) -> Option<Box<Ref>>;

macro_rules! function_pointers {
    ($($ty:ty)*) => { $(
        impl CValue for Option<$ty> {
            const SHAPE: Shape = Shape { size: size_of::<Self>(), pointee: None };
        }
    )* };
}

function_pointers!(Callback CallbackWithEnv CallbackWithCaller);

/// What C gave with a function: passed to each call, and finalized with the store.
struct Env(HostInfo);

impl Env {
    fn new(env: *mut c_void, finalizer: Option<Finalizer>) -> Self {
        Self(HostInfo::new(env, finalizer))
    }

    fn data(&self) -> *mut c_void {
        self.0.data()
    }
}

/// Makes a function of one of C's, which `call` calls.
fn create(
    store: Option<&StoreObject>,
    ty: Option<&ExternType>,
    call: impl Fn(&Guest<'_>, &Vals, &mut Vals) -> Option<Box<Ref>> + Send + Sync + 'static,
) -> Result<Option<Box<Ref>>, Failure> {
    // If the store refuses, the finalizer may let go of its last handle.
    let state = Arc::clone(store::given(store)?);
    let ty = ty.ok_or_else(|| Failure::null("functype"))?.to_func()?;
    let body_ty = ty.clone();
    let func = state.with(|ctx| {
        Ok(Func::new(ctx, ty, move |caller, params, results| {
            run(caller, &body_ty, params, results, &call)
        }))
    })?;
    Ok(Some(Ref::of_extern(func, &state)))
}

/// Runs one of C's functions for a guest.
fn run(
    mut caller: Caller<'_, HostData>,
    ty: &FuncType,
    params: &[wasmelt::Val],
    results: &mut [wasmelt::Val],
    call: &impl Fn(&Guest<'_>, &Vals, &mut Vals) -> Option<Box<Ref>>,
) -> Result<(), wasmelt::Error> {
    let state = caller.data().state.upgrade();
    let state = state.expect("whoever called the guest keeps the store");
    let ctx = caller.as_context_mut();
    let args = to_vec(params, &state, &ctx).map_err(to_error)?;
    // Values of the right types, so that what C leaves as it is has a meaning.
    let mut outs = to_vec(&zeros(ty.results()), &state, &ctx).map_err(to_error)?;
    let guest = Guest {
        state: &state,
        instance: caller.instance(),
    };
    let trap = state.lend(&mut caller, || call(&guest, &args, &mut outs));
    if let Some(trap) = trap {
        return Err(trap::to_error(&trap));
    }
    let mut ctx = caller.as_context_mut();
    for ((result, out), ty) in results.iter_mut().zip(outs.as_slice()).zip(ty.results()) {
        *result = out.to_wasmelt(&state, &mut ctx).map_err(to_error)?;
        if result.ty() != *ty {
            return Err(wasmelt::Error::new(
                "a host function gave a result of another type",
            ));
        }
    }
    Ok(())
}

fn to_c(
    vals: &[wasmelt::Val],
    state: &Arc<StoreState>,
    ctx: &StoreContextMut<'_, HostData>,
) -> Result<Vec<Val>, Failure> {
    vals.iter().map(|val| Val::of(val, state, ctx)).collect()
}

fn to_vec(
    vals: &[wasmelt::Val],
    state: &Arc<StoreState>,
    ctx: &StoreContextMut<'_, HostData>,
) -> Result<Vals, Failure> {
    CVec::collected(to_c(vals, state, ctx)?)
}

fn to_error(failure: Failure) -> wasmelt::Error {
    wasmelt::Error::new(failure.message)
}

/// How a call ended.
struct Outcome {
    /// Zeros if there is a trap.
    results: Vec<Val>,
    trap: Option<TrapObject>,
}

/// Calls a function that has so many results.
fn call(func: Option<&Ref>, args: Option<&Vals>, room: usize) -> Result<Outcome, Failure> {
    let (func, state) = reference::func(func)?;
    // The guest may let go of all that C gave: nothing of it is used then.
    let state = Arc::clone(state);
    let args = args.map_or(&[][..], Vals::as_slice);
    state.with(|mut ctx| {
        let ty = func.ty(&ctx);
        if room != ty.results().len() {
            let wanted = ty.results().len();
            let message =
                format!("the function has {wanted} results, and there is room for {room}");
            return Err(Failure::usage(message));
        }
        let inputs = args.iter().map(|arg| arg.to_wasmelt(&state, &mut ctx));
        let inputs = inputs.collect::<Result<Vec<_>, _>>()?;
        let mut outputs = zeros(ty.results());
        let called = func.call(&mut ctx, &inputs, &mut outputs);
        let trap = called.err().map(|error| TrapObject::of(&error, &state));
        if trap.is_some() {
            outputs = zeros(ty.results());
        }
        let results = to_c(&outputs, &state, &ctx)?;
        Ok(Outcome { results, trap })
    })
}

fn type_of(func: Option<&Ref>) -> Result<FuncType, Failure> {
    let (func, state) = reference::func(func)?;
    state.with(|ctx| Ok(func.ty(ctx)))
}

export! { EXPORTS;
    fn wasm_func_new(
        store: Option<&StoreObject>,
        ty: Option<&ExternType>,
        callback: Option<Callback>,
    ) -> Option<Box<Ref>> {
        let callback = callback.ok_or_else(|| Failure::null("callback"))?;
        create(store, ty, move |_, args, results| {
            // SAFETY: C gave it to be called like this.
            unsafe { callback(args, results) }
        })
    }

    fn wasm_func_new_with_env(
        store: Option<&StoreObject>,
        ty: Option<&ExternType>,
        callback: Option<CallbackWithEnv>,
        env: *mut c_void,
        finalizer: Option<Finalizer>,
    ) -> Option<Box<Ref>> {
        let env = Env::new(env, finalizer);
        let callback = callback.ok_or_else(|| Failure::null("callback"))?;
        create(store, ty, move |_, args, results| {
            // SAFETY: C gave it to be called like this.
            unsafe { callback(env.data(), args, results) }
        })
    }

    fn wasmelt_func_new(
        store: Option<&StoreObject>,
        ty: Option<&ExternType>,
        callback: Option<CallbackWithCaller>,
        env: *mut c_void,
        finalizer: Option<Finalizer>,
    ) -> Option<Box<Ref>> {
        let env = Env::new(env, finalizer);
        let callback = callback.ok_or_else(|| Failure::null("callback"))?;
        create(store, ty, move |guest, args, results| {
            let caller = ActiveCaller::new(guest);
            // SAFETY: C gave it to be called like this.
            unsafe { callback(env.data(), &caller, args, results) }
        })
    }

    fn wasm_func_type(func: Option<&Ref>) -> Option<Box<ExternType>> {
        Ok(Some(ExternType::of(&type_of(func)?.into())?))
    }

    fn wasm_func_param_arity(func: Option<&Ref>) -> usize {
        Ok(type_of(func)?.params().len())
    }

    fn wasm_func_result_arity(func: Option<&Ref>) -> usize {
        Ok(type_of(func)?.results().len())
    }

    fn wasm_func_call(func: Option<&Ref>, args: Option<&Vals>, results: Option<&Vals>)
        -> Option<Box<Ref>>
    {
        let (room, places) = results.map_or((0, std::ptr::null_mut()), Vals::places);
        // Null would mean that all went well: what goes wrong is a trap here.
        let outcome = caught(|| call(func, args, room)).unwrap_or_else(|failure| Outcome {
            results: Vec::new(),
            trap: Some(TrapObject::new(failure)),
        });
        let mut results = outcome.results.into_iter();
        for position in 0..room {
            // SAFETY: C says that there is room for so many. What was there before has no meaning.
            unsafe { places.add(position).write(results.next().unwrap_or_default()) };
        }
        Ok(outcome.trap.map(TrapObject::boxed))
    }
}

#[cfg(test)]
mod tests {
    use super::{Vals, wasm_func_call};
    use crate::engine::{EngineState, lock};
    use crate::failure::{Failure, Fault};
    use crate::live::Kind;
    use crate::object::Object;
    use crate::reference::Ref;
    use crate::store::{HostData, StoreState};
    use std::sync::{Arc, Mutex};
    use wasmelt::{Caller, Config, Extern, ExternRef, Func, FuncType, Nullable, Val, ValType};

    /// A function that lets go of the reference by which it is called, and gives itself and what C cannot have.
    fn unrepresentable(
        state: &StoreState,
        own: &Arc<Mutex<Option<Box<Ref>>>>,
    ) -> Result<Func, Failure> {
        let own = Arc::clone(own);
        let give = move |mut caller: Caller<'_, HostData>, _: &[Val], results: &mut [Val]| {
            let reference = lock(&own).take().expect("it is called once");
            let Object::Extern(Extern::Func(func)) = *reference.object() else {
                return Err(wasmelt::Error::new("it is a function's"));
            };
            results[0] = Nullable::Val(func).into();
            results[1] = Nullable::Val(ExternRef::new(&mut caller, 5_u8)).into();
            Ok(())
        };
        let ty = FuncType::new([], [ValType::FuncRef, ValType::ExternRef]);
        state.with(|ctx| Ok(Func::new(ctx, ty, give)))
    }

    #[test]
    fn results_before_one_that_c_cannot_have_are_dropped() -> Result<(), Failure> {
        let engine = EngineState::new(&Config::new(), Default::default());
        let state = StoreState::new(&Arc::new(engine))?;
        let own = Arc::default();
        let reference = Ref::of_extern(unrepresentable(&state, &own)?, &state);
        let address: *const Ref = &raw const *reference;
        *lock(&own) = Some(reference);
        assert_eq!(Kind::Func.count(), 1);

        let results = Vals::zeroed(2)?;
        // SAFETY: the reference is there when the call begins.
        let trap = wasm_func_call(unsafe { address.as_ref() }, None, Some(&results));
        let trap = trap.expect("a result that C cannot have");
        let Object::Trap(trap) = trap.object() else {
            panic!("a call gives traps");
        };
        assert_eq!(trap.failure().message, "a reference that C did not make");
        assert_eq!(trap.failure().fault, Fault::Bug);
        assert_eq!(Kind::Func.count(), 0);
        Ok(())
    }
}
