//! What compiled code calls by position.
//!
//! Each entry is a few instructions that remember where compiled code was, so that a backtrace can
//! begin there, and call a Rust function. That one says whether compiled code goes on or is left.
#![allow(unsafe_code, reason = "called by compiled code")]

use super::{
    activation::{self, Activation, leave},
    coroutine::pause_for_fuel,
    instance_block::instance_index,
    interrupt::InterruptHandle,
    store_vm::StoreBlock,
    unwind,
};
use crate::{error::Error, errors::MemoryError, instance::Instance, store::Store};
use core::{arch::naked_asm, ffi::c_void, ptr};
use wasmelt_abi::{CALL_DEPTH_EXCEEDED, TrapCode, VMContext, VMFuncRef, VMLibcalls};

/// The table that every vmctx points to.
pub(super) static LIBCALLS: VMLibcalls = VMLibcalls {
    raise,
    memory_grow,
    raise_indirect,
    out_of_fuel,
    interrupted,
};

/// How a libcall ends, in the two registers of a C result.
#[repr(C)]
struct Outcome {
    /// Result, if compiled code goes on.
    value: u64,
    /// The activation to leave; null if compiled code goes on.
    leave: *mut Activation,
}

macro_rules! libcall_entry {
    ($name:ident($($arg:ident: $ty:ty),*) -> $ret:ty = $implementation:path, $frame:literal) => {
        /// Calls the implementation with the frame of this entry, whose link is compiled code's.
        #[unsafe(naked)]
        unsafe extern "C-unwind" fn $name($($arg: $ty),*) -> $ret {
            naked_asm!(
                ".cfi_startproc",
                "push rbp",
                ".cfi_def_cfa_offset 16",
                ".cfi_offset rbp, -16",
                "mov rbp, rsp",
                ".cfi_def_cfa_register rbp",
                concat!("mov ", $frame, ", rbp"),
                "call {implementation}",
                "test rdx, rdx",
                "jnz 2f",
                "pop rbp",
                ".cfi_remember_state",
                ".cfi_def_cfa rsp, 8",
                "ret",
                ".cfi_restore_state",
                "2:",
                "mov rdi, rdx",
                "jmp {leave}",
                ".cfi_endproc",
                implementation = sym $implementation,
                leave = sym leave,
            )
        }
    };
}

libcall_entry!(raise(_vmctx: *mut VMContext, _code: u32) -> () = raise_trap, "rdx");
libcall_entry!(raise_indirect(_vmctx: *mut VMContext, _id: u32) -> () = raise_indirect_trap, "rdx");
libcall_entry!(memory_grow(_vmctx: *mut VMContext, _delta: u32) -> u32 = grow, "rdx");
libcall_entry!(out_of_fuel(_vmctx: *mut VMContext) -> () = ask_for_fuel, "rsi");
libcall_entry!(interrupted(_vmctx: *mut VMContext) -> () = see_interrupt, "rsi");

/// Stops the innermost activation. Who may have paused must not ask for it again: on another thread,
/// the compiler may take what it found for this one.
///
/// # Safety
///
/// - `activation` is the innermost one, and `frame` that of a libcall entry that its compiled code
///   called.
unsafe fn stop(activation: *mut Activation, error: Error, frame: usize) -> Outcome {
    // SAFETY: compiled code runs in an activation.
    let current = unsafe { &*activation };
    // SAFETY: the entry's frame links to those of compiled code.
    let frames = unsafe { unwind::walk(None, frame, current.entry_frame()) };
    // SAFETY: the block lives as long as the activation.
    let block = unsafe { &*current.block };
    if block.is_metered {
        block.charge(frames.pending_fuel(block));
    }
    current.stop(error, frames);
    Outcome {
        value: 0,
        leave: activation,
    }
}

/// Lets compiled code go on.
const GO_ON: Outcome = Outcome {
    value: 0,
    leave: ptr::null_mut(),
};

unsafe extern "C" fn raise_trap(_vmctx: *mut VMContext, code: u32, frame: usize) -> Outcome {
    if code == CALL_DEPTH_EXCEEDED {
        // SAFETY: called by a libcall entry.
        return unsafe { stop(activation::current(), Error::call_depth_exceeded(), frame) };
    }
    let code = u8::try_from(code)
        .ok()
        .and_then(|code| TrapCode::try_from(code).ok());
    let code = code.expect("compiled code raises trap codes that exist");
    // SAFETY: called by a libcall entry.
    unsafe { stop(activation::current(), code.into(), frame) }
}

unsafe extern "C" fn raise_indirect_trap(
    _vmctx: *mut VMContext,
    entry_signature_id: u32,
    frame: usize,
) -> Outcome {
    let code = if entry_signature_id == VMFuncRef::NULL_SIGNATURE_ID {
        TrapCode::IndirectCallToNull
    } else {
        TrapCode::BadSignature
    };
    // SAFETY: called by a libcall entry.
    unsafe { stop(activation::current(), code.into(), frame) }
}

unsafe extern "C" fn ask_for_fuel(vmctx: *mut VMContext, frame: usize) -> Outcome {
    let activation = activation::current();
    // SAFETY: compiled code runs in an activation, and passes its own vmctx, whose store is alive.
    let (current, block) = unsafe { (&*activation, &*(*vmctx).store.cast::<StoreBlock>()) };
    // SAFETY: the entry's frame links to those of compiled code.
    let frames = unsafe { unwind::walk(None, frame, current.entry_frame()) };
    let pending = frames.pending_fuel(block);
    // Who pauses has nothing left to drop.
    drop(frames);
    let Err(required) = block.refill(pending) else {
        return GO_ON;
    };
    match pause_for_fuel(required, Some(pending)) {
        Some(true) => GO_ON,
        Some(false) => Outcome {
            value: 0,
            leave: activation,
        },
        // SAFETY: called by a libcall entry.
        None => unsafe { stop(activation, Error::out_of_fuel(required), frame) },
    }
}

unsafe extern "C" fn see_interrupt(vmctx: *mut VMContext, frame: usize) -> Outcome {
    // SAFETY: compiled code passes its own vmctx, whose store is alive.
    let block = unsafe { &*(*vmctx).store.cast::<StoreBlock>() };
    // Whoever asked may have taken it back meanwhile.
    if block.interrupt.as_ref().is_some_and(InterruptHandle::take) {
        // SAFETY: called by a libcall entry.
        return unsafe { stop(activation::current(), TrapCode::Interrupted.into(), frame) };
    }
    GO_ON
}

/// A limiter of the embedder may panic in here.
unsafe extern "C-unwind" fn grow(vmctx: *mut VMContext, delta_pages: u32, frame: usize) -> Outcome {
    // SAFETY: compiled code passes its own vmctx, whose instance and store are alive. The store may
    // be elsewhere after a pause.
    let grow = || unsafe {
        let block: *const StoreBlock = (*vmctx).store.cast();
        let store = (*block).store.get();
        ((*block).grow_memory)(store, instance_index(vmctx), delta_pages)
    };
    let activation = activation::current();
    loop {
        let error = match grow() {
            Ok(previous_pages) => {
                return Outcome {
                    value: u64::from(previous_pages),
                    leave: ptr::null_mut(),
                };
            }
            Err(error) => error,
        };
        let Some(missing) = error.required_fuel() else {
            // SAFETY: called by a libcall entry.
            return unsafe { stop(activation, error, frame) };
        };
        // SAFETY: compiled code passes its own vmctx, whose store is alive.
        let block = unsafe { &*(*vmctx).store.cast::<StoreBlock>() };
        let required = block.left().saturating_add(missing);
        // Who pauses has nothing left to drop.
        drop(error);
        match pause_for_fuel(required, None) {
            // Everything else is asked again.
            Some(true) => {}
            Some(false) => {
                return Outcome {
                    value: 0,
                    leave: activation,
                };
            }
            None => {
                block.spend_all();
                // SAFETY: called by a libcall entry.
                return unsafe { stop(activation, Error::out_of_fuel(missing), frame) };
            }
        }
    }
}

/// Grows the memory of an instance for the guest: −1 if its maximum or the limiter refuses, an
/// error if the limiter or the host ends the call.
///
/// # Safety
///
/// - `store` is a `Store<T>` that was lent exclusively to the guest that calls.
pub(super) unsafe fn grow_memory<T>(
    store: *mut c_void,
    instance: u32,
    delta_pages: u32,
) -> Result<u32, Error> {
    // SAFETY: the caller promises that the store is lent to the guest, which waits for us.
    let store = unsafe { &mut *store.cast::<Store<T>>() };
    let instance = Instance(store.inner.id().own(instance));
    let memory = store.inner.instance_memory(instance);
    let (inner, limiter) = store.with_limiter();
    // SAFETY: the block lives as long as the store.
    let block = unsafe { &*inner.vm.block() };
    let mut charge = |grown_bytes| block.charge_growth(grown_bytes);
    match inner
        .memory_mut(memory)
        .grow(u64::from(delta_pages), limiter, &mut charge)
    {
        Ok(pages) => Ok(u32::try_from(pages).expect("memories have at most 65536 pages")),
        Err(MemoryError::ResourceLimiterDeniedAllocation) => {
            Err(TrapCode::GrowthOperationLimited.into())
        }
        Err(MemoryError::OutOfFuel { required_fuel }) => Err(Error::out_of_fuel(required_fuel)),
        Err(MemoryError::OutOfSystemMemory) => Err(TrapCode::OutOfSystemMemory.into()),
        Err(_) => Ok(u32::MAX),
    }
}
