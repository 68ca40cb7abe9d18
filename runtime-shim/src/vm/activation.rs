//! The record of one entry into compiled code, and the pointer by which a thread finds it.
#![allow(
    unsafe_code,
    reason = "leaves compiled code without returning through it"
)]

use super::{
    coroutine::Pausable,
    store_vm::StoreBlock,
    unwind::{self, Frames},
};
use crate::error::Error;
use core::{
    arch::naked_asm,
    cell::{Cell, UnsafeCell},
    ffi::c_void,
    mem::{MaybeUninit, offset_of},
    ptr,
};
use wasmelt_abi::TrapCode;

/// One entry into compiled code, on the stack of whoever entered.
#[repr(C)]
pub(super) struct Activation {
    /// Stack pointer of the entry trampoline, with the registers it saved: where leaving begins.
    entry_sp: Cell<usize>,
    /// What the trampoline calls.
    code: *const u8,
    /// The fuel register when compiled code is entered, and when it has returned.
    pub(super) fuel: Cell<i64>,
    /// The activation of this thread that this one is nested in.
    pub(super) previous: *mut Activation,
    /// The `Store<T>` of the store's activation before this one.
    pub(super) previous_store: *mut c_void,
    /// Where a nested entry changed the limit of the store for its own duration, the one before;
    /// else [`SAME_LIMIT`].
    pub(super) previous_stack_limit: usize,
    /// The fuel register of the guest that waits for this one, if fuel is metered.
    pub(super) outer_fuel: i64,
    /// How many more calls may be active than those that wait for this entry, where that is counted.
    pub(super) calls_left: u64,
    pub(super) block: *mut StoreBlock,
    /// Why compiled code was left without returning; null if it was not.
    stop: Cell<*mut Stop>,
    /// Written by the signal handler for [`land`], and by nobody else.
    fault: Cell<MaybeUninit<Fault>>,
}

/// No stack limit: none is so high.
pub(super) const SAME_LIMIT: usize = usize::MAX;

/// Offset of the saved stack pointer, for trampolines.
pub(super) const ENTRY_SP: usize = offset_of!(Activation, entry_sp);
/// Offset of the code to call, for trampolines.
pub(super) const CODE: usize = offset_of!(Activation, code);
/// Offset of the fuel register, for trampolines.
pub(super) const FUEL: usize = offset_of!(Activation, fuel);
/// From the saved stack pointer to the trampoline's frame, where the chain of frames ends.
const ENTRY_FRAME_DISTANCE: usize = 48;

/// A trap that arrived as a signal.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fault {
    pub(super) code: TrapCode,
    pub(super) pc: usize,
    pub(super) frame: usize,
    /// The fuel register, if fuel is metered.
    pub(super) fuel: i64,
}

/// Why compiled code was left without returning, and where it was.
pub(super) struct Stop {
    error: Error,
    frames: Frames,
}

impl Activation {
    #[inline]
    pub(super) fn new(code: *const u8, block: *mut StoreBlock) -> Self {
        Self {
            entry_sp: Cell::new(0),
            code,
            fuel: Cell::new(0),
            previous: ptr::null_mut(),
            previous_store: ptr::null_mut(),
            previous_stack_limit: SAME_LIMIT,
            outer_fuel: 0,
            calls_left: 0,
            block,
            stop: Cell::new(ptr::null_mut()),
            fault: Cell::new(MaybeUninit::uninit()),
        }
    }

    /// Stack pointer of the entry, if it has begun.
    pub(super) fn entry_sp(&self) -> usize {
        self.entry_sp.get()
    }

    /// Frame of the entry trampoline.
    pub(super) fn entry_frame(&self) -> usize {
        self.entry_sp.get() + ENTRY_FRAME_DISTANCE
    }

    pub(super) fn set_fault(&self, fault: Fault) {
        self.fault.set(MaybeUninit::new(fault));
    }

    /// Whether compiled code was left without returning.
    #[inline]
    pub(super) fn is_stopped(&self) -> bool {
        !self.stop.get().is_null()
    }

    /// Records why compiled code is about to be left; [`leave`] must follow.
    #[cold]
    pub(super) fn stop(&self, error: Error, frames: Frames) {
        debug_assert!(!self.is_stopped(), "an activation ends once");
        self.stop
            .set(Box::into_raw(Box::new(Stop { error, frames })));
    }

    /// The error of an activation that was stopped, with its backtrace.
    #[cold]
    pub(super) fn take_error(&self) -> Error {
        let stop = self.stop.replace(ptr::null_mut());
        assert!(!stop.is_null(), "the activation was stopped");
        // SAFETY: `stop` came from a box, and nobody else has it any more.
        let Stop { mut error, frames } = *unsafe { Box::from_raw(stop) };
        trace! { let is_new = error.backtrace().is_none(); }
        count! { let is_uncounted = error.backtrace().is_none(); }
        // SAFETY: the block lives as long as the store that was entered.
        error.extend_backtrace(frames.resolve(unsafe { &*self.block }));
        // An error that has passed through a guest was told there.
        trace! { if is_new { crate::trace::stopped(&error); } }
        count! { if is_uncounted { crate::metrics::stopped(&error); } }
        error
    }
}

/// What this crate keeps of a thread.
pub(super) struct ThreadState {
    /// The innermost activation.
    pub(super) activation: Cell<*mut Activation>,
    /// Lowest address of the stack that the thread is on, its own or that of a call that can be
    /// paused, and how many bytes it has; 0 if not asked yet.
    pub(super) stack_low: Cell<usize>,
    pub(super) stack_len_bytes: Cell<usize>,
    /// The stack limit that keeps the reserve free.
    pub(super) stack_reserve_limit: Cell<usize>,
    /// Whether the thread has a stack for signal handlers.
    pub(super) has_signal_stack: Cell<bool>,
    /// The innermost call that can be paused; null outside of such calls.
    pub(super) pausable: Cell<*const Pausable>,
}

thread_local! {
    static THREAD: UnsafeCell<ThreadState> = const {
        UnsafeCell::new(ThreadState {
            activation: Cell::new(ptr::null_mut()),
            stack_low: Cell::new(0),
            stack_len_bytes: Cell::new(0),
            stack_reserve_limit: Cell::new(0),
            has_signal_stack: Cell::new(false),
            pausable: Cell::new(ptr::null()),
        })
    };
}

/// What this crate keeps of the current thread, for as long as a function runs in it. Safe in a signal
/// handler: the state has no destructor, and needs no initialisation.
#[inline(always)]
pub(super) fn thread<'a>() -> &'a ThreadState {
    let state = THREAD.with(UnsafeCell::get);
    // SAFETY: the state is only ever borrowed shared, by functions, which end before their thread.
    unsafe { &*state }
}

/// The innermost activation of this thread; null outside compiled code and what it calls.
#[inline]
pub(super) fn current() -> *mut Activation {
    thread().activation.get()
}

/// Leaves compiled code and everything it called: the entry trampoline returns to whoever called
/// it.
///
/// # Safety
///
/// - `activation` is the innermost one of this thread, and [`Activation::stop`] was called on it.
/// - No frame between here and the trampoline has anything left to drop.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn leave(activation: *mut Activation) -> ! {
    naked_asm!(
        "mov rsp, [rdi + {entry_sp}]",
        "add rsp, 8",
        "pop r15",
        "pop r14",
        "pop r13",
        "pop r12",
        "pop rbx",
        "pop rbp",
        "ret",
        entry_sp = const ENTRY_SP,
    )
}

/// Where the signal handler lets a trapped guest continue, on the guest's stack.
///
/// # Safety
///
/// - `activation` is the innermost one of this thread, and its fault was recorded.
pub(super) unsafe extern "C" fn land(activation: *mut Activation) -> ! {
    {
        // SAFETY: the caller promises that the activation is alive.
        let activation = unsafe { &*activation };
        // SAFETY: the caller promises that the fault was recorded.
        let fault = unsafe { activation.fault.get().assume_init() };
        // SAFETY: the guest's frames are intact: the fault was in one of them.
        let frames = unsafe { unwind::walk(Some(fault.pc), fault.frame, activation.entry_frame()) };
        // SAFETY: the block lives as long as the activation.
        let block = unsafe { &*activation.block };
        if block.is_metered {
            block.set_fuel_register(fault.fuel);
            block.charge(frames.pending_fuel(block));
        }
        activation.stop(fault.code.into(), frames);
    }
    // SAFETY: stop was called, and the frames on the way are compiled code.
    unsafe { leave(activation) }
}
