//! From the host into compiled code and back.
//!
//! A typed call passes its parameters in the registers in which compiled code expects them. The
//! trampoline for k integer parameters finds the [`Activation`] in the integer register behind
//! them, where a compiled function never looks (it is the place of the caller's vmctx):
//!
//! ```text
//!   rdi    rsi   rdx   rcx   r8    r9        xmm0..xmm7
//!   vmctx  p1    ...   pk    activation      float parameters, untouched
//! ```
//!
//! More parameters, and calls whose type is known at run time only, go through one trampoline
//! that loads all registers from an array.
#![allow(unsafe_code, reason = "calls compiled code by address")]

use super::{
    activation::{Activation, CODE, ENTRY_SP, FUEL, SAME_LIMIT, ThreadState, thread},
    signals, stack,
    store_vm::StoreBlock,
};
use crate::{
    error::Error,
    errors::HostFailure,
    func::{Caller, Func, WasmParams, WasmResults, WasmTy, WasmTyList},
    store::{AsContextMut, CallHook, Store, StoreInner},
    value::Val,
};
use core::{
    arch::{asm, naked_asm},
    ffi::c_void,
    marker::PhantomData,
    mem::{offset_of, transmute},
    ptr,
};
use wasmelt_abi::{TrapCode, VMContext};

mod sealed {
    /// Keeps traits that trampolines rely on to this crate.
    pub trait Sealed {}

    impl Sealed for () {}
    impl Sealed for u32 {}
    impl Sealed for u64 {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
}

/// A value in a register.
#[doc(hidden)]
pub trait AbiValue: AbiResult + Copy {
    /// Whether the register is an integer one.
    const IS_INTEGER: bool;

    /// The bits, zero-extended.
    fn to_bits(self) -> u64;
}

/// What a function returns in registers.
#[doc(hidden)]
pub trait AbiResult: sealed::Sealed + Copy + 'static {
    /// The result, given both registers that it may be in.
    fn from_registers(integer: u64, float: u64) -> Self;
}

impl AbiResult for () {
    fn from_registers(_integer: u64, _float: u64) {}
}

impl AbiResult for u32 {
    fn from_registers(integer: u64, _float: u64) -> Self {
        crate::value::low_half(integer)
    }
}

impl AbiResult for u64 {
    fn from_registers(integer: u64, _float: u64) -> Self {
        integer
    }
}

impl AbiResult for f32 {
    fn from_registers(_integer: u64, float: u64) -> Self {
        f32::from_bits(crate::value::low_half(float))
    }
}

impl AbiResult for f64 {
    fn from_registers(_integer: u64, float: u64) -> Self {
        f64::from_bits(float)
    }
}

impl AbiValue for u32 {
    const IS_INTEGER: bool = true;

    fn to_bits(self) -> u64 {
        u64::from(self)
    }
}

impl AbiValue for u64 {
    const IS_INTEGER: bool = true;

    fn to_bits(self) -> u64 {
        self
    }
}

impl AbiValue for f32 {
    const IS_INTEGER: bool = false;

    fn to_bits(self) -> u64 {
        u64::from(f32::to_bits(self))
    }
}

impl AbiValue for f64 {
    const IS_INTEGER: bool = false;

    fn to_bits(self) -> u64 {
        f64::to_bits(self)
    }
}

/// Most integer parameters, besides vmctx, of a call that passes them in registers directly.
const MAX_DIRECT_INTEGERS: usize = 4;
/// Float parameters that are passed in registers.
const FLOAT_REGISTERS: usize = 8;
/// Integer parameters, besides vmctx, that are passed in registers.
const INTEGER_REGISTERS: usize = 5;

/// Saves the registers that belong to the caller, and the stack pointer in the activation; calls
/// the activation's code with its fuel, and takes back what is left; restores. `super::activation::leave` ends like this, too.
macro_rules! entry_trampoline {
    ($name:ident, $activation:literal) => {
        #[unsafe(naked)]
        unsafe extern "C-unwind" fn $name() {
            naked_asm!(
                ".cfi_startproc",
                "push rbp",
                ".cfi_def_cfa_offset 16",
                ".cfi_offset rbp, -16",
                "mov rbp, rsp",
                ".cfi_def_cfa_register rbp",
                "push rbx",
                ".cfi_offset rbx, -24",
                "push r12",
                ".cfi_offset r12, -32",
                "push r13",
                ".cfi_offset r13, -40",
                "push r14",
                ".cfi_offset r14, -48",
                "push r15",
                ".cfi_offset r15, -56",
                concat!("push ", $activation),
                concat!("mov [", $activation, " + {entry_sp}], rsp"),
                concat!("mov r15, [", $activation, " + {fuel}]"),
                concat!("call [", $activation, " + {code}]"),
                "pop rcx",
                "mov [rcx + {fuel}], r15",
                "pop r15",
                "pop r14",
                "pop r13",
                "pop r12",
                "pop rbx",
                "pop rbp",
                ".cfi_def_cfa rsp, 8",
                "ret",
                ".cfi_endproc",
                entry_sp = const ENTRY_SP,
                code = const CODE,
                fuel = const FUEL,
            )
        }
    };
}

entry_trampoline!(enter_0, "rsi");
entry_trampoline!(enter_1, "rdx");
entry_trampoline!(enter_2, "rcx");
entry_trampoline!(enter_3, "r8");
entry_trampoline!(enter_4, "r9");

/// The trampoline for so many integer parameters.
const ENTER: [unsafe extern "C-unwind" fn(); MAX_DIRECT_INTEGERS + 1] =
    [enter_0, enter_1, enter_2, enter_3, enter_4];

/// Parameters of a call, by the place they are passed in, and its result.
#[repr(C)]
struct Registers {
    integers: [u64; INTEGER_REGISTERS],
    floats: [u64; FLOAT_REGISTERS],
    /// Parameters that no register is left for, in their order.
    stack: *const u64,
    stack_len: usize,
    integer_result: u64,
    float_result: u64,
    fuel_result: i64,
}

/// As the other trampolines, with every register loaded from an array, and both registers that a
/// result may be in stored back.
#[unsafe(naked)]
unsafe extern "C-unwind" fn enter_with_array(
    vmctx: *mut VMContext,
    registers: *mut Registers,
    activation: *mut Activation,
) {
    naked_asm!(
        ".cfi_startproc",
        "push rbp",
        ".cfi_def_cfa_offset 16",
        ".cfi_offset rbp, -16",
        "mov rbp, rsp",
        ".cfi_def_cfa_register rbp",
        "push rbx",
        ".cfi_offset rbx, -24",
        "push r12",
        ".cfi_offset r12, -32",
        "push r13",
        ".cfi_offset r13, -40",
        "push r14",
        ".cfi_offset r14, -48",
        "push r15",
        ".cfi_offset r15, -56",
        "push rsi",
        "mov [rdx + {entry_sp}], rsp",
        "mov rax, rdx",
        "mov r15, [rdx + {fuel}]",
        "mov r10, rsi",
        // Parameters on the stack, the last one first; an odd number needs eight bytes more for
        // the alignment.
        "mov r11, [r10 + {stack}]",
        "mov rcx, [r10 + {stack_len}]",
        "test cl, 1",
        "jz 2f",
        "sub rsp, 8",
        "2:",
        "test rcx, rcx",
        "jz 3f",
        "push qword ptr [r11 + 8*rcx - 8]",
        "dec rcx",
        "jmp 2b",
        "3:",
        "movsd xmm0, qword ptr [r10 + {floats}]",
        "movsd xmm1, qword ptr [r10 + {floats} + 8]",
        "movsd xmm2, qword ptr [r10 + {floats} + 16]",
        "movsd xmm3, qword ptr [r10 + {floats} + 24]",
        "movsd xmm4, qword ptr [r10 + {floats} + 32]",
        "movsd xmm5, qword ptr [r10 + {floats} + 40]",
        "movsd xmm6, qword ptr [r10 + {floats} + 48]",
        "movsd xmm7, qword ptr [r10 + {floats} + 56]",
        "mov rsi, [r10 + {integers}]",
        "mov rdx, [r10 + {integers} + 8]",
        "mov rcx, [r10 + {integers} + 16]",
        "mov r8, [r10 + {integers} + 24]",
        "mov r9, [r10 + {integers} + 32]",
        "call [rax + {code}]",
        "lea rsp, [rbp - 48]",
        "pop rsi",
        "mov [rsi + {integer_result}], rax",
        "movsd qword ptr [rsi + {float_result}], xmm0",
        "mov [rsi + {fuel_result}], r15",
        "pop r15",
        "pop r14",
        "pop r13",
        "pop r12",
        "pop rbx",
        "pop rbp",
        ".cfi_def_cfa rsp, 8",
        "ret",
        ".cfi_endproc",
        entry_sp = const ENTRY_SP,
        code = const CODE,
        integers = const offset_of!(Registers, integers),
        floats = const offset_of!(Registers, floats),
        stack = const offset_of!(Registers, stack),
        stack_len = const offset_of!(Registers, stack_len),
        integer_result = const offset_of!(Registers, integer_result),
        float_result = const offset_of!(Registers, float_result),
        fuel = const FUEL,
        fuel_result = const offset_of!(Registers, fuel_result),
    )
}

/// Calls compiled code with parameters given as bits, and returns both registers that a result
/// may be in.
///
/// # Safety
///
/// - The activation's code is a compiled function of `vmctx` with these parameters.
pub(super) unsafe fn enter_with_bits(
    vmctx: *mut VMContext,
    activation: *mut Activation,
    params: impl Iterator<Item = (bool, u64)>,
) -> (u64, u64) {
    let (mut integers, mut integer_count) = ([0; INTEGER_REGISTERS], 0);
    let (mut floats, mut float_count) = ([0; FLOAT_REGISTERS], 0);
    let mut stack = Vec::new();
    for (is_integer, bits) in params {
        let (registers, count): (&mut [u64], _) = if is_integer {
            (&mut integers, &mut integer_count)
        } else {
            (&mut floats, &mut float_count)
        };
        match registers.get_mut(*count) {
            Some(register) => {
                *register = bits;
                *count += 1;
            }
            None => stack.push(bits),
        }
    }
    let mut registers = Registers {
        integers,
        floats,
        stack: stack.as_ptr(),
        stack_len: stack.len(),
        integer_result: 0,
        float_result: 0,
        fuel_result: 0,
    };
    // SAFETY: the caller promises that the code takes these parameters, and that the activation is
    // alive.
    unsafe {
        enter_with_array(vmctx, &raw mut registers, activation);
        (*activation).fuel.set(registers.fuel_result);
    }
    (registers.integer_result, registers.float_result)
}

/// The bits of a few integers; `None` for other parameters.
fn integers(params: &[Val]) -> Option<[u64; MAX_DIRECT_INTEGERS]> {
    let mut integers = [0; MAX_DIRECT_INTEGERS];
    if params.len() > MAX_DIRECT_INTEGERS {
        return None;
    }
    for (integer, param) in integers.iter_mut().zip(params) {
        *integer = match param {
            Val::I32(value) => u64::from(value.cast_unsigned()),
            Val::I64(value) => value.cast_unsigned(),
            _ => return None,
        };
    }
    Some(integers)
}

/// Calls compiled code with the first `len` of these parameters, and returns an integer result.
///
/// # Safety
///
/// - The activation's code is a compiled function of `vmctx` with so many integer parameters, and
///   without a float result.
unsafe fn enter_with_integers(
    vmctx: *mut VMContext,
    activation: *mut Activation,
    [a, b, c, d]: [u64; MAX_DIRECT_INTEGERS],
    len: usize,
) -> u64 {
    macro_rules! enter {
        ($($param:ident: $ty:ty),*) => {{
            type Direct =
                unsafe extern "C-unwind" fn(*mut VMContext, $($ty,)* *mut Activation) -> u64;
            const LEN: usize = 0 $( + { let _: $ty = 0; 1 } )*;
            // SAFETY: the trampoline for so many integers passes them on, and the caller promises
            // that the code takes them.
            unsafe {
                let enter: Direct = transmute(ENTER[LEN]);
                enter(vmctx, $($param,)* activation)
            }
        }};
    }
    match len {
        0 => enter!(),
        1 => enter!(a: u64),
        2 => enter!(a: u64, b: u64),
        3 => enter!(a: u64, b: u64, c: u64),
        _ => enter!(a: u64, b: u64, c: u64, d: u64),
    }
}

/// Parameters that can be passed to compiled code.
#[doc(hidden)]
pub trait EnterWasm: Sized {
    /// Calls the activation's code. The result means nothing if the activation was stopped.
    ///
    /// # Safety
    ///
    /// - `activation` points to an activation whose code is a compiled function of the instance
    ///   that `vmctx` points to, with these parameters and the result `R`.
    #[doc(hidden)]
    unsafe fn enter<R: AbiResult>(self, vmctx: *mut c_void, activation: *mut c_void) -> R;
}

impl<T1: WasmTy> EnterWasm for T1 {
    #[inline]
    unsafe fn enter<R: AbiResult>(self, vmctx: *mut c_void, activation: *mut c_void) -> R {
        // SAFETY: the same function with the same parameters.
        unsafe { (self,).enter(vmctx, activation) }
    }
}

macro_rules! impl_enter {
    ($len:literal $($T:ident)*) => {
        impl<$($T: WasmTy),*> EnterWasm for ($($T,)*) {
            #[inline]
            #[allow(non_snake_case, reason = "variables are named after their types")]
            unsafe fn enter<R: AbiResult>(
                self,
                vmctx: *mut c_void,
                activation: *mut c_void,
            ) -> R {
                let ($($T,)*) = self;
                $( let $T = $T.into_abi(); )*
                let integers = 0 $( + usize::from(<$T::Abi as AbiValue>::IS_INTEGER) )*;
                let floats = $len - integers;
                if integers <= MAX_DIRECT_INTEGERS && floats <= FLOAT_REGISTERS {
                    type Direct<$($T,)* R> =
                        unsafe extern "C-unwind" fn(*mut c_void, $($T,)* *mut c_void) -> R;
                    // SAFETY: the trampoline for so many integers passes on every register that
                    // the function type says, and returns what the code returns.
                    let enter: Direct<$($T::Abi,)* R> = unsafe { transmute(ENTER[integers]) };
                    // SAFETY: the caller promises that the code takes these parameters.
                    unsafe { enter(vmctx, $($T,)* activation) }
                } else {
                    let params = [$( (<$T::Abi as AbiValue>::IS_INTEGER, $T.to_bits()) ),*];
                    // SAFETY: as above.
                    let (integer, float) = unsafe {
                        enter_with_bits(vmctx.cast(), activation.cast(), params.into_iter())
                    };
                    R::from_registers(integer, float)
                }
            }
        }
    };
}

for_each_tuple!(impl_enter);

/// Bits of MXCSR that change results: rounding, flushing to zero, and which exceptions trap. The
/// others record what happened.
const MXCSR_CONTROL: u32 = 0xffc0;
/// All exceptions masked, rounding to nearest, denormals kept.
const MXCSR_DEFAULT: u32 = 0x1f80;

/// Checks that floating-point instructions do what the specification says: of modules that have any,
/// since reading the register costs as much as the rest of an entry. Compiled code uses SSE only, so the control word of the x87 unit does not matter.
#[inline(always)]
pub(super) fn check_float_environment() -> Result<(), Error> {
    let mut mxcsr = 0u32;
    // SAFETY: stores a register into a local.
    unsafe {
        asm!("stmxcsr [{}]", in(reg) &raw mut mxcsr, options(nostack, preserves_flags));
    }
    if mxcsr & MXCSR_CONTROL == MXCSR_DEFAULT {
        return Ok(());
    }
    Err(wrong_float_environment(mxcsr & MXCSR_CONTROL))
}

#[cold]
fn wrong_float_environment(found: u32) -> Error {
    HostFailure::FloatEnvironment {
        expected: MXCSR_DEFAULT,
        found,
    }
    .into()
}

/// Takes back what an entry changed, when it returns and when a panic passes through it.
pub(super) struct EntryGuard<T> {
    store: *mut Store<T>,
    activation: *const Activation,
}

impl<T> EntryGuard<T> {
    /// Makes an activation the innermost one of this thread, and lends it the store.
    ///
    /// # Safety
    ///
    /// - Both live until the guard is dropped, and until then the store is used only by the guest.
    #[inline(always)]
    pub(super) unsafe fn new(
        store: *mut Store<T>,
        activation: *mut Activation,
        previous_stack_limit: usize,
    ) -> Self {
        let thread = thread();
        // SAFETY: the caller promises that both live. The block lives as long as the store.
        unsafe {
            let block = &*(*activation).block;
            (*activation).previous = thread.activation.get();
            (*activation).previous_store = block.store.replace(store.cast());
            (*activation).previous_stack_limit = previous_stack_limit;
            if block.is_metered {
                let (in_use, outer) = block.enter_fuel();
                (*activation).fuel.set(in_use);
                (*activation).outer_fuel = outer;
            }
            if block.counts_calls {
                (*activation).calls_left = block.calls_left();
            }
        }
        thread.activation.set(activation);
        Self { store, activation }
    }
}

impl<T> Drop for EntryGuard<T> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: the activation is a local of the entry.
        let activation = unsafe { &*self.activation };
        thread().activation.set(activation.previous);
        // SAFETY: the block lives as long as the activation.
        let block = unsafe { &*activation.block };
        block.store.set(activation.previous_store);
        if block.is_metered {
            block.leave_fuel(activation.outer_fuel);
        }
        if block.counts_calls {
            block.set_calls_left(activation.calls_left);
        }
        if activation.previous_stack_limit != SAME_LIMIT {
            // SAFETY: the entry has the store exclusively.
            let store = unsafe { &mut *self.store };
            store
                .inner
                .vm
                .set_stack_limit(activation.previous_stack_limit);
        }
    }
}

/// Runs `enter`, which calls compiled code, as an activation of its own.
#[inline]
fn run<T, R>(
    store: &mut Store<T>,
    code: *const u8,
    enter: impl FnOnce(*mut Activation) -> R,
) -> Result<R, Error> {
    let store: *mut Store<T> = store;
    // SAFETY: the caller lends the store exclusively; from here on only this pointer is used,
    // also by host functions, through the block.
    let block = unsafe { (*store).inner.vm.block() };
    // SAFETY: the block lives as long as the store.
    let block_ref: &StoreBlock = unsafe { &*block };
    if block_ref.computes_floats.get() {
        check_float_environment()?;
    }
    let thread = thread();
    let sp = stack::stack_pointer();
    let previous_stack_limit = if stack::is_ready(thread, block_ref, sp) {
        SAME_LIMIT
    } else {
        // SAFETY: the store is lent exclusively, and its guest does not run now.
        prepare_stack(unsafe { &mut (*store).inner }, thread, sp)?
    };
    let mut activation = Activation::new(code, block);
    let activation = &raw mut activation;
    // SAFETY: the activation is a local, and the store is lent exclusively.
    let guard = unsafe { EntryGuard::new(store, activation, previous_stack_limit) };
    let result = enter(activation);
    // SAFETY: the activation is a local.
    let activation = unsafe { &*activation };
    if block_ref.is_metered && !activation.is_stopped() {
        block_ref.set_fuel_register(activation.fuel.get());
    }
    drop(guard);
    if activation.is_stopped() {
        return Err(activation.take_error());
    }
    Ok(result)
}

/// Sets the stack limit for an entry that is not like the one before. The result is what to set it
/// back to.
#[cold]
#[inline(never)]
fn prepare_stack(store: &mut StoreInner, thread: &ThreadState, sp: usize) -> Result<usize, Error> {
    let block = store.vm.block_ref();
    let limit = stack::limit(thread, block, thread.activation.get(), sp);
    if sp <= limit {
        let error = TrapCode::StackOverflow.into();
        // What stops a guest that waits for this entry is told when that guest is left.
        trace! { if thread.activation.get().is_null() { crate::trace::stopped(&error); } }
        count! { if thread.activation.get().is_null() { crate::metrics::stopped(&error); } }
        return Err(error);
    }
    if block.has_signals && !thread.has_signal_stack.get() {
        signals::ensure_signal_stack()?;
    }
    let old_limit = block.stack_limit();
    if limit == old_limit {
        return Ok(SAME_LIMIT);
    }
    let is_nested = !block.store.get().is_null();
    store.vm.set_stack_limit(limit);
    Ok(if is_nested { old_limit } else { SAME_LIMIT })
}

/// Where a function of a known type begins.
pub(crate) struct TypedEntry<Params, Results> {
    /// Null for a host function.
    code: *const u8,
    vmctx: *mut VMContext,
    signature: PhantomData<fn(Params) -> Results>,
}

impl<Params, Results> Copy for TypedEntry<Params, Results> {}

impl<Params, Results> Clone for TypedEntry<Params, Results> {
    fn clone(&self) -> Self {
        *self
    }
}

// SAFETY: the pointers are used only together with the store that owns what they point to.
unsafe impl<Params, Results> Send for TypedEntry<Params, Results> {}
// SAFETY: as above.
unsafe impl<Params, Results> Sync for TypedEntry<Params, Results> {}

impl<Params: WasmParams, Results: WasmResults> TypedEntry<Params, Results> {
    /// Compares the function's type with `Params` and `Results`.
    pub(crate) fn new(store: &StoreInner, func: Func) -> Result<Self, Error> {
        let (params, results) = (Params::types(), Results::types());
        store
            .func_type(func)
            .check_types(params.as_ref(), results.as_ref())?;
        let (code, vmctx) = match func.0.index(store).as_host() {
            Some(_) => (ptr::null(), ptr::null_mut()),
            None => {
                let callable = store.callable(func);
                (callable.code, callable.vmctx)
            }
        };
        Ok(Self {
            code,
            vmctx,
            signature: PhantomData,
        })
    }

    /// Calls the function.
    #[inline]
    pub(crate) fn call<T>(
        &self,
        store: &mut Store<T>,
        func: Func,
        params: Params,
    ) -> Result<Results, Error> {
        // The store that owns the function owns the instance that vmctx belongs to.
        func.0.index(&store.inner);
        if self.code.is_null() {
            return call_host_typed(store, func, params);
        }
        trace! {
            if crate::trace::wants_calls() {
                return self.call_in_span(store, func, params);
            }
        }
        self.call_guest(store, params)
    }

    /// A span that only may be there would cost every call as much as half of an entry.
    #[cfg(feature = "tracing")]
    #[cold]
    #[inline(never)]
    fn call_in_span<T>(
        &self,
        store: &mut Store<T>,
        func: Func,
        params: Params,
    ) -> Result<Results, Error> {
        let _span = crate::trace::call(&store.inner, func);
        self.call_guest(store, params)
    }

    #[inline(always)]
    fn call_guest<T>(&self, store: &mut Store<T>, params: Params) -> Result<Results, Error> {
        store.run_call_hook(CallHook::CallingWasm)?;
        let result = run(store, self.code, |activation| {
            // SAFETY: the code is a function of the instance, its type was compared, and the
            // store that owns both is alive.
            unsafe { params.enter(self.vmctx.cast(), activation.cast()) }
        });
        store.run_call_hook(CallHook::ReturningFromWasm)?;
        Ok(Results::from_abi_result(result?))
    }
}

#[cold]
fn call_host_typed<T, Params: WasmTyList, Results: WasmTyList>(
    store: &mut Store<T>,
    func: Func,
    params: Params,
) -> Result<Results, Error> {
    let mut results: Vec<Val> = Results::types()
        .into_iter()
        .map(Val::default_for_ty)
        .collect();
    call_host(store, func, &params.into_vals(), &mut results)?;
    Ok(Results::from_vals(&results).expect("a host function keeps the types of its results"))
}

/// Calls a host function from the host, without going through compiled code.
fn call_host<T>(
    store: &mut Store<T>,
    func: Func,
    params: &[Val],
    results: &mut [Val],
) -> Result<(), Error> {
    let host = func.0.index(&store.inner).as_host();
    let definition = store.typed.host_funcs[host.expect("a host function")].clone();
    definition.call(Caller::new(store.as_context_mut(), None), params, results)?;
    definition.ty().check_results(results)?;
    Ok(())
}

/// Calls a function with values whose types are compared now.
pub(crate) fn call_dynamic<T>(
    store: &mut Store<T>,
    func: Func,
    inputs: &[Val],
    outputs: &mut [Val],
) -> Result<(), Error> {
    let ty = store.inner.func_type(func);
    ty.check_params(inputs)?;
    ty.prepare_outputs(outputs)?;
    if func.0.index(&store.inner).as_host().is_some() {
        return call_host(store, func, inputs, outputs);
    }
    trace! { let _span = crate::trace::call(&store.inner, func); }
    store.run_call_hook(CallHook::CallingWasm)?;
    let callable = store.inner.callable(func);
    let vmctx = callable.vmctx;
    let returns_float = outputs.first().is_some_and(|output| output.ty().is_float());
    let result = match integers(inputs).filter(|_| !returns_float) {
        Some(params) => run(store, callable.code, |activation| {
            // SAFETY: the code is a function of the instance, its type was compared, and the store
            // that owns both is alive.
            (
                unsafe { enter_with_integers(vmctx, activation, params, inputs.len()) },
                0,
            )
        }),
        None => run(store, callable.code, |activation| {
            let params = inputs.iter().map(|input| {
                let bits = input.to_bits().expect("functions of modules take numbers");
                (!input.ty().is_float(), bits)
            });
            // SAFETY: as above.
            unsafe { enter_with_bits(vmctx, activation, params) }
        }),
    };
    store.run_call_hook(CallHook::ReturningFromWasm)?;
    let (integer, float) = result?;
    if let Some(output) = outputs.first_mut() {
        // It has the type of the result.
        let ty = output.ty();
        let bits = if ty.is_float() { float } else { integer };
        let ty = ty.to_abi().expect("functions of modules return numbers");
        *output = Val::from_bits(ty, bits);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{MXCSR_CONTROL, MXCSR_DEFAULT, check_float_environment};

    #[test]
    fn rust_code_runs_with_the_default_float_environment() {
        assert!(check_float_environment().is_ok());
        assert_eq!(MXCSR_DEFAULT & !MXCSR_CONTROL, 0);
    }
}
