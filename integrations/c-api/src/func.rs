//! Functions: C's own as imports, and calls of any.
#![allow(
    unsafe_code,
    reason = "calls C's functions, and exports functions by unmangled names"
)]

use crate::caller::CallerObject;
use crate::export::{caught, export};
use crate::failure::Failure;
use crate::host_info::{Finalizer, HostInfo};
use crate::object::Object;
use crate::reference::{self, Ref};
use crate::signature::{CValue, Shape};
use crate::store::{self, HostData, StoreObject, StoreState};
use crate::trap::{self, TrapObject};
use crate::types::ExternType;
use crate::val::{Val, Vals, zeros};
use crate::vec::CVec;
use std::ffi::c_void;
use std::sync::{Arc, Weak};
use wasmelt::{AsContextMut, Caller, Func, FuncType};

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
    call: impl Fn(&CallerObject, &Vals, &mut Vals) -> Option<Box<Ref>> + Send + Sync + 'static,
) -> Result<Option<Box<Ref>>, Failure> {
    let state = store::given(store)?;
    let ty = ty.ok_or_else(|| Failure::null("functype"))?.to_func()?;
    let body_ty = ty.clone();
    let func = state.with(|ctx| {
        Ok(Func::new(ctx, ty, move |caller, params, results| {
            run(caller, &body_ty, params, results, &call)
        }))
    })?;
    Ok(Some(Ref::of_extern(func, state)))
}

/// Runs one of C's functions for a guest.
fn run(
    mut caller: Caller<'_, HostData>,
    ty: &FuncType,
    params: &[wasmelt::Val],
    results: &mut [wasmelt::Val],
    call: &impl Fn(&CallerObject, &Vals, &mut Vals) -> Option<Box<Ref>>,
) -> Result<(), wasmelt::Error> {
    let state = caller.data().state.upgrade();
    let state = state.expect("whoever called the guest keeps the store");
    let ctx = caller.as_context_mut();
    let args = to_c(params, &state, &ctx).map_err(to_error)?;
    // Values of the right types, so that what C leaves as it is has a meaning.
    let mut outs = to_c(&zeros(ty.results()), &state, &ctx).map_err(to_error)?;
    let handle = CallerObject::new(&state);
    let trap = state.lend(&mut caller, || call(&handle, &args, &mut outs));
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
    ctx: &wasmelt::StoreContextMut<'_, HostData>,
) -> Result<Vals, Failure> {
    let vals: Result<Vec<_>, _> = vals.iter().map(|val| Val::of(val, state, ctx)).collect();
    CVec::collected(vals?)
}

fn to_error(failure: Failure) -> wasmelt::Error {
    wasmelt::Error::new(failure.message)
}

/// Calls a function, and gives the trap that ended the call, if one did.
fn call(
    func: Option<&Ref>,
    args: Option<&Vals>,
    results: Option<&Vals>,
) -> Result<Option<Box<Ref>>, Failure> {
    let (func, state) = reference::func(func)?;
    let args = args.map_or(&[][..], Vals::as_slice);
    let (count, places) = results.map_or((0, std::ptr::null_mut()), Vals::places);
    // The guest may let go of the reference that is called.
    let state = &Arc::clone(state);
    state.with(|mut ctx| {
        let ty = func.ty(&ctx);
        if count != ty.results().len() {
            let wanted = ty.results().len();
            let message =
                format!("the function has {wanted} results, and there is room for {count}");
            return Err(Failure::usage(message));
        }
        let inputs = args.iter().map(|arg| arg.to_wasmelt(state, &mut ctx));
        let inputs = inputs.collect::<Result<Vec<_>, _>>()?;
        let mut outputs = zeros(ty.results());
        if let Err(error) = func.call(&mut ctx, &inputs, &mut outputs) {
            return Ok(Some(Ref::free(Object::Trap(TrapObject::of(&error, state)))));
        }
        for (position, output) in outputs.iter().enumerate() {
            let output = Val::of(output, state, &ctx)?;
            // SAFETY: C says that there is room for so many. What was there before has no meaning.
            unsafe { places.add(position).write(output) };
        }
        Ok(None)
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
        create(store, ty, move |caller, args, results| {
            // SAFETY: C gave it to be called like this.
            unsafe { callback(env.data(), caller, args, results) }
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
        // Null would mean that all went well: what goes wrong is a trap here.
        Ok(caught(|| call(func, args, results)).unwrap_or_else(|failure| {
            let store = func.and_then(Ref::store);
            Some(trap::boxed(failure, store.map_or_else(Weak::new, Arc::downgrade)))
        }))
    }
}
