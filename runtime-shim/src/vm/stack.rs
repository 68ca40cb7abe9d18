//! Decides how deep compiled code may go on the stack of the thread that calls it.
//!
//! ```text
//!   high  ┌──────────────────────────┐
//!         │ frames of the host       │
//!         │ outermost entry          │ ← sp
//!         │ compiled code, and host  │
//!         │ functions it calls       │
//!         ├──────────────────────────┤ ← limit = sp - max_wasm_stack, but never below
//!         │ reserve: host functions  │          low + reserve
//!         │ called near the limit    │
//!   low   └──────────────────────────┘
//! ```
#![allow(unsafe_code, reason = "asks the C library for the bounds of the stack")]

use super::{
    activation::{Activation, ThreadState},
    store_vm::StoreBlock,
};
use core::{arch::asm, mem::MaybeUninit, ptr};

/// A limit that no stack pointer is below: the store was not entered yet.
pub(super) const NO_LIMIT: usize = 0;

/// What stays free below the limit on a stack of usual size.
const RESERVE_LEN_BYTES: usize = 128 << 10;
/// Limits are multiples of this, so that they rarely change from one call to the next.
const GRANULARITY_BYTES: usize = 16 << 10;

/// The stack pointer of the caller, roughly.
#[inline(always)]
pub(super) fn stack_pointer() -> usize {
    let sp: usize;
    // SAFETY: reads a register.
    unsafe { asm!("mov {}, rsp", out(reg) sp, options(nomem, nostack, preserves_flags)) };
    sp
}

/// Whether an outermost entry at `sp` is like the last one of this store: the limit is right, and the
/// thread has what signal handlers need.
#[inline(always)]
pub(super) fn is_ready(thread: &ThreadState, block: &StoreBlock, sp: usize) -> bool {
    let limit = wanted_limit(block, sp).max(thread.stack_reserve_limit.get());
    thread.activation.get().is_null()
        && sp.wrapping_sub(thread.stack_low.get()) < thread.stack_len_bytes.get()
        && limit == block.stack_limit()
        && limit < sp
        && (thread.has_signal_stack.get() || !block.has_signals)
}

#[inline(always)]
fn wanted_limit(block: &StoreBlock, sp: usize) -> usize {
    sp.saturating_sub(block.max_wasm_stack_bytes) & !(GRANULARITY_BYTES - 1)
}

/// The limit for an entry at `sp`, nested in `previous`.
pub(super) fn limit(
    thread: &ThreadState,
    block: &StoreBlock,
    previous: *const Activation,
    sp: usize,
) -> usize {
    // SAFETY: activations live while they are nested in, and so do the stores they entered.
    let outer = unsafe { previous.as_ref().map(|outer| &*outer.block) };
    let Some(outer) = outer else {
        return outermost_limit(thread, block, sp);
    };
    // SAFETY: as above.
    let outer_sp = unsafe { (*previous).entry_sp() };
    if !is_same_stack(outer.stack_limit(), outer_sp, sp) {
        return outermost_limit(thread, block, sp);
    }
    if ptr::eq(outer, block) {
        return block.stack_limit();
    }
    outermost_limit(thread, block, sp).max(outer.stack_limit())
}

/// Whether `sp` is on the stack of an outer activation, rather than on that of a coroutine which a
/// host function runs. The outer limit is at most a reserve above the end of its stack.
#[inline]
fn is_same_stack(outer_limit: usize, outer_sp: usize, sp: usize) -> bool {
    sp < outer_sp && sp >= outer_limit.saturating_sub(RESERVE_LEN_BYTES)
}

#[inline]
fn outermost_limit(thread: &ThreadState, block: &StoreBlock, sp: usize) -> usize {
    let wanted = wanted_limit(block, sp);
    if sp.wrapping_sub(thread.stack_low.get()) < thread.stack_len_bytes.get() {
        return wanted.max(thread.stack_reserve_limit.get());
    }
    unknown_stack_limit(thread, sp, wanted)
}

/// The stack is not known yet, or is not the thread's own: a coroutine's, whose owner answers for
/// its size.
#[cold]
fn unknown_stack_limit(thread: &ThreadState, sp: usize, wanted: usize) -> usize {
    if thread.stack_len_bytes.get() != 0 {
        return wanted;
    }
    let Some((low, len_bytes)) = thread_stack() else {
        return wanted;
    };
    thread.stack_low.set(low);
    thread.stack_len_bytes.set(len_bytes);
    thread
        .stack_reserve_limit
        .set(low + reserve_len_bytes(len_bytes));
    if sp.wrapping_sub(low) < len_bytes {
        wanted.max(thread.stack_reserve_limit.get())
    } else {
        wanted
    }
}

/// What stays free on a stack of this size: less on a small one, or no guest could run there.
pub(super) fn reserve_len_bytes(stack_len_bytes: usize) -> usize {
    RESERVE_LEN_BYTES.min((stack_len_bytes / 4).max(32 << 10))
}

/// Lowest address and length of the current thread's stack.
fn thread_stack() -> Option<(usize, usize)> {
    let mut attributes = MaybeUninit::<libc::pthread_attr_t>::uninit();
    let (mut low, mut len_bytes) = (ptr::null_mut(), 0usize);
    // SAFETY: the attributes are initialised by the first call, whose success is checked, and
    // destroyed once.
    unsafe {
        if libc::pthread_getattr_np(libc::pthread_self(), attributes.as_mut_ptr()) != 0 {
            return None;
        }
        let status =
            libc::pthread_attr_getstack(attributes.as_ptr(), &raw mut low, &raw mut len_bytes);
        libc::pthread_attr_destroy(attributes.as_mut_ptr());
        (status == 0).then_some((low.addr(), len_bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::{reserve_len_bytes, stack_pointer, thread_stack};

    #[test]
    fn the_stack_pointer_lies_in_the_bounds_of_its_thread() {
        let check = || {
            let (low, len_bytes) = thread_stack().expect("glibc knows");
            let sp = stack_pointer();
            assert!(sp > low && sp < low + len_bytes);
            len_bytes
        };
        check();
        let small = std::thread::Builder::new()
            .stack_size(256 << 10)
            .spawn(check);
        let len_bytes = small
            .expect("one thread")
            .join()
            .expect("it does not panic");
        assert!((256 << 10..1 << 20).contains(&len_bytes));
    }

    #[test]
    fn a_small_stack_has_a_small_reserve() {
        assert_eq!(reserve_len_bytes(8 << 20), 128 << 10);
        assert_eq!(reserve_len_bytes(256 << 10), 64 << 10);
        assert_eq!(reserve_len_bytes(64 << 10), 32 << 10);
    }
}
