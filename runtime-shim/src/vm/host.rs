//! From compiled code into host functions and back.
//!
//! A host function made of a closure is called by compiled code directly: its trampoline is an
//! `extern "C-unwind"` function with the closure's own parameters, between the context pointer
//! and the caller's vmctx. A host function whose type is known at run time only has one assembly
//! trampoline that saves all registers that may hold parameters.
//!
//! A host error is stored in the activation, and compiled code is left without returning through
//! it; at that point nothing in the trampoline has anything to drop. A panic unwinds through
//! compiled code, which has unwind information.
#![allow(unsafe_code, reason = "called by compiled code")]

use super::{
    activation::{self, Activation},
    coroutine::{AfterHostError, pause_with_error},
    entry::AbiResult,
    instance_block::instance_index,
    os::address,
    signature::canonical_signature_id,
    store_vm::{Callable, StoreBlock},
    unwind,
};
use crate::{
    error::Error,
    func::{Caller, WasmRet, WasmTy, WasmTyList},
    instance::Instance,
    store::{AsContextMut, CallHook, Store},
    types::FuncType,
    value::Val,
};
use core::{arch::naked_asm, fmt};
use std::sync::Arc;
use wasmelt_abi::{VMContext, ValType};

type DynamicCall<T> =
    dyn Fn(Caller<'_, T>, &[Val], &mut [Val]) -> Result<(), Error> + Send + Sync + 'static;

/// A host function that belongs to no store.
pub struct HostFuncDefinition<T> {
    ty: FuncType,
    signature_id: u32,
    /// The trampoline.
    code: *const u8,
    /// The closure, as the trampoline gets it. `call` keeps it alive.
    context: *mut VMContext,
    call: Arc<DynamicCall<T>>,
}

// SAFETY: the pointers are to code, and to a closure that is `Send` and `Sync`.
unsafe impl<T> Send for HostFuncDefinition<T> {}
// SAFETY: as above.
unsafe impl<T> Sync for HostFuncDefinition<T> {}

impl<T> Clone for HostFuncDefinition<T> {
    fn clone(&self) -> Self {
        Self {
            ty: self.ty.clone(),
            call: Arc::clone(&self.call),
            ..*self
        }
    }
}

impl<T> fmt::Debug for HostFuncDefinition<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostFuncDefinition")
            .field("ty", &self.ty)
            .finish_non_exhaustive()
    }
}

impl<T> HostFuncDefinition<T> {
    /// A host function of a type that is known at run time only.
    pub(crate) fn new<F>(ty: FuncType, func: F) -> Self
    where
        F: Fn(Caller<'_, T>, &[Val], &mut [Val]) -> Result<(), Error> + Send + Sync + 'static,
    {
        let closure = Arc::new(DynamicClosure {
            handle: handle_dynamic::<T, F>,
            ty: ty.clone(),
            func,
        });
        let context = Arc::as_ptr(&closure).cast_mut().cast();
        let call = move |caller: Caller<'_, T>, params: &[Val], results: &mut [Val]| {
            (closure.func)(caller, params, results)
        };
        Self {
            signature_id: canonical_signature_id(&ty),
            ty,
            code: dynamic_trampoline as *const () as *const u8,
            context,
            call: Arc::new(call),
        }
    }

    pub(crate) fn ty(&self) -> &FuncType {
        &self.ty
    }

    pub(super) fn callable(&self) -> Callable {
        Callable {
            code: self.code,
            vmctx: self.context,
            signature_id: self.signature_id,
        }
    }

    /// Calls it from the host.
    pub(crate) fn call(
        &self,
        caller: Caller<'_, T>,
        params: &[Val],
        results: &mut [Val],
    ) -> Result<(), Error> {
        (self.call)(caller, params, results)
    }
}

/// Runs a host function that compiled code calls. On an error the activation to leave is
/// returned, with the error in it; unless the call is paused and resumed, with the result's bits.
///
/// # Safety
///
/// - `caller` is the vmctx of the instance that makes the call, in a `Store<T>`, and `context` that
///   of the function.
/// - `call` holds nothing that has to be dropped.
#[inline]
unsafe fn run<T, R>(
    context: *const VMContext,
    caller: *mut VMContext,
    call: impl FnOnce(Caller<'_, T>) -> Result<R, Error>,
    from_bits: impl FnOnce(u64) -> R,
) -> Result<R, *mut Activation> {
    // SAFETY: the caller promises that the instance is alive, and so is its store's block, which
    // the VMStoreContext is the first part of.
    let (instance, store) = unsafe {
        let block: *const StoreBlock = (*caller).store.cast();
        (
            instance_index(caller),
            (*block).store.get().cast::<Store<T>>(),
        )
    };
    // SAFETY: whoever entered compiled code lent the store exclusively and does not use it while
    // compiled code runs, which now waits for us.
    let store = unsafe { &mut *store };
    match run_with_hooks(store, instance, call) {
        Ok(result) => Ok(result),
        // SAFETY: this is a host trampoline, and the caller promises the rest.
        Err(error) => match unsafe { fail(error, context) } {
            AfterHostError::Return(bits) => Ok(from_bits(bits)),
            AfterHostError::Leave(activation) => Err(activation),
        },
    }
}

/// Pauses the innermost activation if it can be, or else stops it.
///
/// # Safety
///
/// - As for [`pause_with_error`].
#[cold]
#[inline(never)]
unsafe fn fail(error: Error, context: *const VMContext) -> AfterHostError {
    // SAFETY: the caller promises the same.
    match unsafe { pause_with_error(error, context) } {
        Ok(after) => after,
        Err(error) => AfterHostError::Leave(stop(error)),
    }
}

#[inline]
fn run_with_hooks<T, R>(
    store: &mut Store<T>,
    instance: u32,
    call: impl FnOnce(Caller<'_, T>) -> Result<R, Error>,
) -> Result<R, Error> {
    store.run_call_hook(CallHook::CallingHost)?;
    let instance = Instance(store.inner.id().own(instance));
    let result = call(Caller::new(store.as_context_mut(), Some(instance)))?;
    store.run_call_hook(CallHook::ReturningFromHost)?;
    Ok(result)
}

/// Stores a host error in the innermost activation.
#[cold]
#[inline(never)]
fn stop(error: Error) -> *mut Activation {
    let activation = activation::current();
    // SAFETY: compiled code calls host functions in an activation.
    let current = unsafe { &*activation };
    // SAFETY: it is the innermost one.
    let frames = unsafe { unwind::walk_from_host(current) };
    current.stop(error, frames);
    activation
}

/// A closure whose type decides the type of a host function.
///
/// Implemented for closures and functions that are `Send`, `Sync` and `'static`, have up to 16
/// [`WasmTy`] parameters, optionally a [`Caller`] before them, and return a [`WasmRet`].
pub trait IntoFunc<T, Params, Results>: Send + Sync + 'static {
    /// The parameters.
    #[doc(hidden)]
    type Params: WasmTyList;
    /// The results.
    #[doc(hidden)]
    type Results: WasmTyList;

    #[doc(hidden)]
    fn into_func(self) -> HostFuncDefinition<T>;
}

macro_rules! impl_into_func {
    ($len:literal $($T:ident)*) => {
        impl<T, F, $($T,)* R> IntoFunc<T, ($($T,)*), R> for F
        where
            F: Fn($($T),*) -> R + Send + Sync + 'static,
            $($T: WasmTy,)*
            R: WasmRet,
        {
            type Params = ($($T,)*);
            type Results = R::Ok;

            #[allow(non_snake_case, reason = "variables are named after their types")]
            fn into_func(self) -> HostFuncDefinition<T> {
                IntoFunc::into_func(move |_: Caller<'_, T>, $($T: $T),*| self($($T),*))
            }
        }

        impl<T, F, $($T,)* R> IntoFunc<T, (Caller<'_, T>, $($T,)*), R> for F
        where
            F: Fn(Caller<'_, T>, $($T),*) -> R + Send + Sync + 'static,
            $($T: WasmTy,)*
            R: WasmRet,
        {
            type Params = ($($T,)*);
            type Results = R::Ok;

            #[allow(non_snake_case, reason = "variables are named after their types")]
            fn into_func(self) -> HostFuncDefinition<T> {
                /// # Safety
                ///
                /// - `context` is the closure, and `caller` as in [`run`].
                unsafe extern "C-unwind" fn trampoline<T, F, $($T,)* R>(
                    context: *const F,
                    $($T: $T::Abi,)*
                    caller: *mut VMContext,
                ) -> <R::Ok as WasmTyList>::Abi
                where
                    F: Fn(Caller<'_, T>, $($T),*) -> R,
                    $($T: WasmTy,)*
                    R: WasmRet,
                {
                    // SAFETY: the table entry or import slot that led here has both, and keeps
                    // the closure alive in the store.
                    let outcome = unsafe {
                        run::<T, _>(
                            context.cast(),
                            caller,
                            |caller| {
                                let results = (*context)(caller, $($T::from_abi($T)),*);
                                Ok(results.into_fallible()?.into_abi_result())
                            },
                            |bits| AbiResult::from_registers(bits, bits),
                        )
                    };
                    match outcome {
                        Ok(result) => result,
                        // SAFETY: the error is stored, and nothing is left to drop here.
                        Err(activation) => unsafe { activation::leave(activation) },
                    }
                }

                let closure = Arc::new(self);
                let context = Arc::as_ptr(&closure).cast_mut().cast();
                let call = move |caller: Caller<'_, T>, params: &[Val], results: &mut [Val]| {
                    let ($($T,)*) = <($($T,)*)>::from_vals(params)
                        .expect("the caller compared the types");
                    let returned = closure(caller, $($T),*).into_fallible()?;
                    for (result, value) in results.iter_mut().zip(returned.into_vals()) {
                        *result = value;
                    }
                    Ok(())
                };
                let ty = FuncType::new(<($($T,)*)>::types(), R::Ok::types());
                HostFuncDefinition {
                    signature_id: canonical_signature_id(&ty),
                    ty,
                    code: trampoline::<T, F, $($T,)* R> as *const () as *const u8,
                    context,
                    call: Arc::new(call),
                }
            }
        }
    };
}

for_each_tuple!(impl_into_func);

/// The context of a host function whose type is known at run time only. What the trampoline reads
/// comes first.
#[repr(C)]
struct DynamicClosure<F> {
    /// Decodes the parameters, for the type of store that the function is in.
    handle: unsafe extern "C-unwind" fn(*const SavedRegisters, *const u64) -> u64,
    ty: FuncType,
    func: F,
}

/// The registers that may hold parameters, as the trampoline saves them.
#[repr(C)]
struct SavedRegisters {
    integers: [u64; 6],
    floats: [u64; 8],
}

/// Saves the registers that may hold parameters and hands them to the closure's handler, with the
/// parameters on the stack. Returns the result in both registers that it may be expected in.
#[unsafe(naked)]
unsafe extern "C-unwind" fn dynamic_trampoline() {
    naked_asm!(
        ".cfi_startproc",
        "push rbp",
        ".cfi_def_cfa_offset 16",
        ".cfi_offset rbp, -16",
        "mov rbp, rsp",
        ".cfi_def_cfa_register rbp",
        "sub rsp, 112",
        "mov [rsp], rdi",
        "mov [rsp + 8], rsi",
        "mov [rsp + 16], rdx",
        "mov [rsp + 24], rcx",
        "mov [rsp + 32], r8",
        "mov [rsp + 40], r9",
        "movsd qword ptr [rsp + 48], xmm0",
        "movsd qword ptr [rsp + 56], xmm1",
        "movsd qword ptr [rsp + 64], xmm2",
        "movsd qword ptr [rsp + 72], xmm3",
        "movsd qword ptr [rsp + 80], xmm4",
        "movsd qword ptr [rsp + 88], xmm5",
        "movsd qword ptr [rsp + 96], xmm6",
        "movsd qword ptr [rsp + 104], xmm7",
        "mov rax, [rdi]",
        "mov rdi, rsp",
        "lea rsi, [rbp + 16]",
        "call rax",
        "movq xmm0, rax",
        "leave",
        ".cfi_def_cfa rsp, 8",
        "ret",
        ".cfi_endproc",
    )
}

/// Decodes parameters, runs the closure, and encodes its result.
///
/// # Safety
///
/// - The registers and the stack are those of a call by compiled code of a function whose context
///   is a `DynamicClosure<F>` in a `Store<T>`.
unsafe extern "C-unwind" fn handle_dynamic<T, F>(
    registers: *const SavedRegisters,
    stack: *const u64,
) -> u64
where
    F: Fn(Caller<'_, T>, &[Val], &mut [Val]) -> Result<(), Error>,
{
    // SAFETY: the caller promises what the parts of this need.
    let outcome = unsafe {
        let closure: *const DynamicClosure<F> =
            core::ptr::with_exposed_provenance(address((*registers).integers[0]));
        let closure = &*closure;
        let mut arguments = Arguments::new(&*registers, stack);
        let types = closure.ty.params();
        // Usual functions need no allocation.
        let (mut few, mut many) = ([const { Val::I32(0) }; 8], Vec::new());
        let params = if types.len() <= few.len() {
            &mut few[..types.len()]
        } else {
            many.resize(types.len(), Val::I32(0));
            &mut many[..]
        };
        for (param, ty) in params.iter_mut().zip(types) {
            let ty = ty.to_abi().expect("compiled code passes numbers");
            *param = Val::from_bits(ty, arguments.next(ty));
        }
        let caller = core::ptr::with_exposed_provenance_mut(address(arguments.next(ValType::I64)));
        run::<T, _>(
            (&raw const *closure).cast(),
            caller,
            |caller| {
                let mut results = [Val::I32(0)];
                let results = &mut results[..closure.ty.results().len()];
                closure.ty.prepare_outputs(results)?;
                (closure.func)(caller, params, results)?;
                closure.ty.check_results(results)?;
                Ok(results.first().and_then(Val::to_bits).unwrap_or_default())
            },
            |bits| bits,
        )
    };
    match outcome {
        Ok(bits) => bits,
        // SAFETY: the error is stored, and nothing is left to drop here.
        Err(activation) => unsafe { activation::leave(activation) },
    }
}

/// Finds parameters one by one, as the C convention of x86-64 places them.
struct Arguments<'a> {
    registers: &'a SavedRegisters,
    /// The first integer register holds the context.
    integers: usize,
    floats: usize,
    stack: *const u64,
}

impl<'a> Arguments<'a> {
    fn new(registers: &'a SavedRegisters, stack: *const u64) -> Self {
        Self {
            registers,
            integers: 1,
            floats: 0,
            stack,
        }
    }

    /// The bits of the next parameter.
    ///
    /// # Safety
    ///
    /// - The function has one more parameter, and it has the type.
    unsafe fn next(&mut self, ty: ValType) -> u64 {
        let (registers, used): (&[u64], _) = match ty {
            ValType::I32 | ValType::I64 => (&self.registers.integers, &mut self.integers),
            ValType::F32 | ValType::F64 => (&self.registers.floats, &mut self.floats),
        };
        if let Some(bits) = registers.get(*used) {
            *used += 1;
            return *bits;
        }
        // SAFETY: the caller promises that there is one more parameter, and every register that
        // it could be in is used.
        unsafe {
            let bits = self.stack.read();
            self.stack = self.stack.add(1);
            bits
        }
    }
}
