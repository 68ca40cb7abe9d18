//! Traps that arrive as signals.
//!
//! The handlers claim a signal only if it is a guest's trap beyond doubt:
//!
//! - SIGSEGV and SIGBUS: the instruction is in the code of a module of the store that this thread
//!   is in, and the address is in the inaccessible part of the reservation of one of the store's
//!   memories;
//! - SIGILL and SIGFPE: the instruction is a site of the module's trap table.
//!
//! Everything else goes to the handler that was there before. Handlers touch only what is safe in
//! a signal handler: a thread-local pointer, lists that are only ever appended to while the guest
//! runs, tables of the mapped artifact, and the context that the system gave them. A claimed
//! signal lets the guest's thread continue in [`land`], outside the handler.
#![allow(unsafe_code, reason = "signal handlers")]

use super::{
    activation::{self, Activation, Fault, land, thread},
    os::{Mapping, address, host_page_size},
    store_vm::StoreBlock,
};
use crate::{error::Error, errors::HostFailure};
use core::{
    cell::RefCell,
    ffi::{c_int, c_void},
    mem, ptr,
};
use std::{
    io,
    sync::{Once, OnceLock},
};
use wasmelt_abi::{GUARD_IN_FRONT_LEN_BYTES, TrapCode};

const SIGNALS: [c_int; 4] = [libc::SIGSEGV, libc::SIGBUS, libc::SIGILL, libc::SIGFPE];

/// The handlers that were there before, in the order of [`SIGNALS`].
static PREVIOUS: [OnceLock<libc::sigaction>; 4] = [const { OnceLock::new() }; 4];

/// Installs the handlers, once per process.
pub(crate) fn install_signal_handlers() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        for (signal, previous) in SIGNALS.into_iter().zip(&PREVIOUS) {
            // SAFETY: an all-zero sigaction is a valid value of that C struct.
            let mut action: libc::sigaction = unsafe { mem::zeroed() };
            action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_NODEFER;
            let handler: extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void) = handle;
            action.sa_sigaction = handler as usize;
            // SAFETY: both are valid places; the previous action is known before the new one is in
            // force, so that the handler finds it.
            unsafe {
                libc::sigemptyset(&raw mut action.sa_mask);
                let mut old: libc::sigaction = mem::zeroed();
                let status = libc::sigaction(signal, ptr::null(), &raw mut old);
                assert_eq!(status, 0, "sigaction knows the signals of a fault");
                let _ = previous.set(old);
                libc::sigaction(signal, &raw const action, ptr::null_mut());
            }
        }
    });
}

extern "C" fn handle(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    let activation = activation::current();
    if !activation.is_null() {
        // SAFETY: activations live while they are current, and the system gave us a context.
        let claimed = unsafe { claim(signal, info, context.cast(), &*activation) };
        if claimed {
            return;
        }
    }
    // SAFETY: the arguments are those the system gave us.
    unsafe { pass_on(signal, info, context) };
}

/// Lets the guest continue in [`land`] if the signal is its trap.
///
/// # Safety
///
/// - `info` and `context` are those of a signal that was delivered to this thread, and
///   `activation` is its innermost one.
unsafe fn claim(
    signal: c_int,
    info: *mut libc::siginfo_t,
    context: *mut libc::ucontext_t,
    activation: &Activation,
) -> bool {
    // SAFETY: the caller promises that it is valid.
    if unsafe { (*info).si_code } <= 0 {
        // Somebody sent it: it has no address, and says nothing about the guest.
        return false;
    }
    // SAFETY: the block lives as long as the activation.
    let block = unsafe { &*activation.block };
    // SAFETY: the caller promises that the context is valid.
    let registers = unsafe { &mut (*context).uc_mcontext.gregs };
    let register = |index: c_int| address(registers[register_index(index)].cast_unsigned());
    let pc = register(libc::REG_RIP);
    let Some((module, text_offset)) = block.lookup_code(pc) else {
        return false;
    };
    let code = match signal {
        libc::SIGSEGV | libc::SIGBUS => {
            // SAFETY: a fault has an address.
            let address = unsafe { (*info).si_addr() }.addr();
            is_out_of_bounds(block, address).then_some(TrapCode::MemoryOutOfBounds)
        }
        _ => module.library().trap_table().lookup(text_offset),
    };
    let Some(code) = code else {
        say(b"wasmelt: a signal in compiled code is no trap of the guest\n");
        return false;
    };
    let frame = register(libc::REG_RBP);
    let sp = register(libc::REG_RSP);
    let fuel = registers[register_index(libc::REG_R15)];
    activation.set_fault(Fault {
        code,
        pc,
        frame,
        fuel,
    });
    // As if `land` had been called: below the red zone, aligned, with a return address.
    let landing_sp = ((sp - 128) & !15) - 8;
    let landing: unsafe extern "C" fn(*mut Activation) -> ! = land;
    for (index, value) in [
        (libc::REG_RIP, landing as usize),
        (libc::REG_RSP, landing_sp),
        (libc::REG_RDI, ptr::from_ref(activation).addr()),
    ] {
        registers[register_index(index)] = (value as u64).cast_signed();
    }
    true
}

fn register_index(index: c_int) -> usize {
    index.cast_unsigned() as usize
}

/// Whether an address is in the inaccessible part of a memory's reservation. A fault in the
/// accessible part is the host's: the system could not provide a page.
fn is_out_of_bounds(block: &StoreBlock, address: usize) -> bool {
    block.reservations().any(|reservation| {
        let offset = address.wrapping_sub(reservation.base);
        let in_front = (reservation.base.wrapping_sub(address)) as u64;
        // SAFETY: the memory lives as long as its reservation is listed.
        let len_bytes = unsafe { (*reservation.memory).len_bytes };
        (1..=GUARD_IN_FRONT_LEN_BYTES).contains(&in_front)
            || offset < reservation.len_bytes && offset as u64 >= len_bytes
    })
}

/// Does what would have happened without this crate.
///
/// # Safety
///
/// - The arguments are those the system gave the handler.
unsafe fn pass_on(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    let position = SIGNALS.iter().position(|known| *known == signal);
    let Some(previous) = position.and_then(|position| PREVIOUS[position].get()) else {
        return;
    };
    let is_handler = !matches!(previous.sa_sigaction, libc::SIG_DFL | libc::SIG_IGN);
    if is_handler && previous.sa_flags & libc::SA_RESETHAND != 0 {
        // That handler is to be called once; the next such signal ends the process.
        // SAFETY: all zero is the default action with an empty mask, which any signal may have.
        unsafe {
            let default: libc::sigaction = mem::zeroed();
            libc::sigaction(signal, &raw const default, ptr::null_mut());
        }
    }
    // SAFETY: the caller promises that it is valid.
    let is_sent = unsafe { (*info).si_code } <= 0;
    match previous.sa_sigaction {
        // Only what somebody sent can be ignored; our handler stays.
        libc::SIG_IGN if is_sent => {}
        libc::SIG_DFL | libc::SIG_IGN => {
            // SAFETY: the action was in force before. The instruction faults again after the
            // return, or the signal that somebody sent is sent again.
            unsafe {
                libc::sigaction(signal, previous, ptr::null_mut());
                if is_sent {
                    libc::raise(signal);
                }
            }
        }
        handler if previous.sa_flags & libc::SA_SIGINFO != 0 => {
            // SAFETY: the action says that this is such a function.
            unsafe {
                let handler: extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void) =
                    mem::transmute(handler);
                handler(signal, info, context);
            }
        }
        handler => {
            // SAFETY: the action says that this is such a function.
            unsafe {
                let handler: extern "C" fn(c_int) = mem::transmute(handler);
                handler(signal);
            }
        }
    }
}

/// Writes to the standard error stream, without locks.
fn say(message: &[u8]) {
    // SAFETY: `message` is valid for its length. If nobody reads it, nothing can be done.
    let _ = unsafe { libc::write(libc::STDERR_FILENO, message.as_ptr().cast(), message.len()) };
}

/// Room for the handler and for the handlers it passes signals on to.
const SIGNAL_STACK_LEN_BYTES: usize = 64 << 10;
/// What a stack that is there already must have, beyond what the system itself needs.
const MIN_FREE_LEN_BYTES: usize = 16 << 10;

/// A stack for signal handlers that this crate mapped for a thread.
struct SignalStack {
    mapping: Mapping,
    previous: libc::stack_t,
}

thread_local! {
    static SIGNAL_STACK: RefCell<Option<SignalStack>> = const { RefCell::new(None) };
}

/// Gives this thread a stack for signal handlers, unless it has one that is big enough: handlers
/// must run when the thread's own stack is exhausted. Unblocks the signals that traps arrive as:
/// the system ends a process that faults while it blocks the fault's signal, so that blocking them
/// serves nobody, and threads are often made with all signals blocked.
#[cold]
pub(super) fn ensure_signal_stack() -> Result<(), Error> {
    if !has_signal_stack() {
        let stack = SignalStack::install().map_err(|error| HostFailure::OperatingSystem {
            operation: "install a stack for signal handlers",
            error: error.to_string(),
        })?;
        let mut stack = Some(stack);
        let stored = SIGNAL_STACK.try_with(|place| *place.borrow_mut() = stack.take());
        if stored.is_err() {
            // The thread is ending, and its destructors call compiled code: the stack stays.
            mem::forget(stack);
        }
    }
    unblock_signals();
    thread().has_signal_stack.set(true);
    Ok(())
}

fn unblock_signals() {
    // SAFETY: the set is initialised before it is used; the old mask is not asked for.
    unsafe {
        let mut set: libc::sigset_t = mem::zeroed();
        libc::sigemptyset(&raw mut set);
        for signal in SIGNALS {
            libc::sigaddset(&raw mut set, signal);
        }
        libc::pthread_sigmask(libc::SIG_UNBLOCK, &raw const set, ptr::null_mut());
    }
}

/// Whether this thread has a stack for signal handlers that is big enough.
fn has_signal_stack() -> bool {
    // SAFETY: an all-zero stack_t is a valid value, and a valid place for the answer.
    let stack = unsafe {
        let mut stack: libc::stack_t = mem::zeroed();
        if libc::sigaltstack(ptr::null(), &raw mut stack) != 0 {
            return false;
        }
        stack
    };
    // SAFETY: asks for a constant of the system.
    let system = unsafe { libc::getauxval(libc::AT_MINSIGSTKSZ) };
    let needed = usize::try_from(system).unwrap_or(0) + MIN_FREE_LEN_BYTES;
    stack.ss_flags & libc::SS_DISABLE == 0 && stack.ss_size >= needed
}

impl SignalStack {
    fn install() -> io::Result<Self> {
        // A guard page, then the stack.
        let mut mapping = Mapping::reserve(host_page_size(), SIGNAL_STACK_LEN_BYTES)?;
        mapping.make_accessible(0, SIGNAL_STACK_LEN_BYTES)?;
        let stack = libc::stack_t {
            ss_sp: mapping.base().cast(),
            ss_flags: 0,
            ss_size: SIGNAL_STACK_LEN_BYTES,
        };
        // SAFETY: an all-zero stack_t is a valid value.
        let mut previous: libc::stack_t = unsafe { mem::zeroed() };
        // SAFETY: the stack is mapped, and stays so until it is replaced in `drop`.
        if unsafe { libc::sigaltstack(&raw const stack, &raw mut previous) } != 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(Self { mapping, previous })
    }
}

impl Drop for SignalStack {
    fn drop(&mut self) {
        // SAFETY: an all-zero stack_t is a valid value, and a valid place for the answer.
        unsafe {
            let mut current: libc::stack_t = mem::zeroed();
            libc::sigaltstack(ptr::null(), &raw mut current);
            let ours =
                self.mapping.base().addr()..self.mapping.base().addr() + self.mapping.len_bytes();
            // Somebody else's stack, installed later, stays.
            if ours.contains(&current.ss_sp.addr()) {
                libc::sigaltstack(&raw const self.previous, ptr::null_mut());
            }
        }
        // Compiled code that a later destructor of this thread calls gets a stack again.
        thread().has_signal_stack.set(false);
    }
}
