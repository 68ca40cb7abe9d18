//! Calls that can be paused: compiled code on a stack of its own.
//!
//! ```text
//!   base   ┌──────────────────────────┐
//!          │ compiled code, and host  │
//!          │ functions it calls       │
//!          ├──────────────────────────┤ ← limit
//!          │ reserve: host functions  │
//!          │ called near the limit    │
//!   low    ├──────────────────────────┤
//!          │ guard page               │
//!          └──────────────────────────┘
//! ```
//!
//! Whoever starts or resumes such a call does on its own stack what an ordinary entry does: it makes
//! the activation the innermost one, lends out the store, and takes both back when the call ends or
//! pauses. On the coroutine's stack are only the entry trampoline, compiled code, and the one host
//! trampoline or libcall that paused; none of them knows the thread, or holds anything of the store
//! that a later borrow could not find again. So a paused call may be resumed by another thread, after
//! its store has moved, and dropped after its store.
//!
//! Ordinary calls pay nothing for this: only a host function that has failed, and a guest that is out
//! of fuel, ask whether their activation can be paused.
#![allow(unsafe_code, reason = "moves compiled code between stacks and threads")]

use super::{
    activation::{Activation, SAME_LIMIT, ThreadState, thread},
    entry::{EntryGuard, check_float_environment, enter_with_bits},
    os::host_page_size,
    signals, stack,
    store_vm::StoreBlock,
    unwind,
};
use crate::{
    error::Error,
    errors::HostFailure,
    func::Func,
    store::{Store, StoreInner},
};
use core::{
    cell::Cell,
    fmt,
    ptr::{self, NonNull},
};
use corosensei::{
    Coroutine, CoroutineResult, Yielder,
    stack::{DefaultStack, Stack},
};
use std::sync::{
    Arc, Mutex, MutexGuard, TryLockError,
    atomic::{AtomicUsize, Ordering},
};
use wasmelt_abi::VMContext;

/// Stacks of calls that can be paused, for the next ones.
pub(crate) struct StackPool {
    stacks: Mutex<Vec<DefaultStack>>,
    max_stacks: usize,
    stack_len_bytes: usize,
}

impl fmt::Debug for StackPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StackPool")
            .field("max_stacks", &self.max_stacks)
            .field("stack_len_bytes", &self.stack_len_bytes)
            .finish_non_exhaustive()
    }
}

impl StackPool {
    /// A pool that keeps at most `max_stacks` stacks of `stack_len_bytes` bytes each.
    pub(crate) fn new(max_stacks: usize, stack_len_bytes: usize) -> Self {
        Self {
            stacks: Mutex::default(),
            max_stacks,
            stack_len_bytes,
        }
    }

    fn take(&self) -> Result<DefaultStack, HostFailure> {
        match self.lock().and_then(|mut stacks| stacks.pop()) {
            Some(stack) => Ok(stack),
            None => DefaultStack::new(self.stack_len_bytes).map_err(|error| {
                HostFailure::OperatingSystem {
                    operation: "map a stack for a resumable call",
                    error: error.to_string(),
                }
            }),
        }
    }

    fn give_back(&self, stack: DefaultStack) {
        if let Some(mut stacks) = self.lock()
            && stacks.len() < self.max_stacks
        {
            stacks.push(stack);
        }
    }

    /// The stacks that are kept, unless somebody else has them just now: in a child process that may be
    /// a thread which is not there.
    fn lock(&self) -> Option<MutexGuard<'_, Vec<DefaultStack>>> {
        match self.stacks.try_lock() {
            Ok(stacks) => Some(stacks),
            // Nothing that can panic is done while it is held.
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }
}

/// What a call is told when it is started or resumed.
#[derive(Debug, Clone, Copy)]
enum Command {
    /// Begin.
    Start,
    /// Go on as if the host function that failed had returned these bits.
    Return(u64),
    /// Go on: there is fuel.
    Refuel,
    /// Leave all frames.
    Leave,
}

/// Why a call has paused.
enum Pause {
    /// A host function failed, the one with this context.
    HostError {
        error: Error,
        context: *const VMContext,
    },
    /// The guest needs so much fuel to go on. It has charged that already if there is `pending`, which is
    /// not subtracted yet from the register that compiled code loads afterwards. Else nothing was charged,
    /// and it keeps the register.
    OutOfFuel { required: u64, pending: Option<u32> },
}

/// Both registers that a result may be in.
type Results = (u64, u64);
type GuestCoroutine = Coroutine<Command, Pause, Results, DefaultStack>;

/// What a running call is found by: its activation, and how it pauses.
pub(super) struct Pausable {
    activation: Activation,
    yielder: Cell<*const Yielder<Command, Pause>>,
}

/// A call on a stack of its own, between two of its runs.
pub(crate) struct PausedCall {
    /// Present until the call is dropped.
    coroutine: Option<GuestCoroutine>,
    /// From a box; the coroutine knows it, too.
    pausable: NonNull<Pausable>,
    /// The function that was called, whose store the call belongs to.
    func: Func,
    pool: Arc<StackPool>,
    /// Whether the store has such calls.
    _count: Counted,
    bounds: StackBounds,
    fuel: PausedFuel,
}

/// Counts the paused calls of a store, as long as they are there.
#[derive(Debug)]
struct Counted(Arc<AtomicUsize>);

impl Counted {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(count))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

// SAFETY: the frames on the coroutine's stack hold pointers to the store's entities only, and bits;
// they are used only while `resume` has the store exclusively. No frame keeps anything of a thread.
unsafe impl Send for PausedCall {}
// SAFETY: nothing can be done with a shared reference.
unsafe impl Sync for PausedCall {}

impl fmt::Debug for PausedCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PausedCall").finish_non_exhaustive()
    }
}

/// What compiled code knows of fuel while it waits.
#[derive(Debug, Clone, Copy)]
enum PausedFuel {
    /// It has this in its register, and adds afterwards what the host added.
    InRegister(i64),
    /// It has spent `required` more than there was. It loads the register anew, and will subtract
    /// `pending`.
    Owed { required: u64, pending: u32 },
    /// It needs `required`, has charged nothing, and has this in its register.
    Needed { required: u64, register: i64 },
}

/// How a call that was started or resumed has come to an end, for now or for good.
pub(crate) enum Progress {
    /// It has returned; its result is in one of these registers.
    Finished(Results),
    /// A host function failed.
    HostError {
        call: PausedCall,
        host_func: Func,
        error: Error,
    },
    /// It needs so much more fuel.
    OutOfFuel { call: PausedCall, required: u64 },
}

/// Where a stack is.
#[derive(Debug, Clone, Copy)]
struct StackBounds {
    low: usize,
    len_bytes: usize,
    reserve_limit: usize,
    /// The stack limit of compiled code.
    limit: usize,
}

impl StackBounds {
    fn new(stack: &DefaultStack, max_wasm_stack_bytes: usize) -> Self {
        let base = stack.base().get();
        let low = stack.limit().get() + host_page_size();
        let len_bytes = base - low;
        let reserve_limit = low + stack::reserve_len_bytes(len_bytes);
        Self {
            low,
            len_bytes,
            reserve_limit,
            limit: base.saturating_sub(max_wasm_stack_bytes).max(reserve_limit),
        }
    }
}

/// Makes a call the running one of this thread, until it is dropped.
struct Running<'a> {
    thread: &'a ThreadState,
    pausable: *const Pausable,
    low: usize,
    len_bytes: usize,
    reserve_limit: usize,
}

impl<'a> Running<'a> {
    fn new(thread: &'a ThreadState, pausable: *const Pausable, bounds: StackBounds) -> Self {
        Self {
            thread,
            pausable: thread.pausable.replace(pausable),
            low: thread.stack_low.replace(bounds.low),
            len_bytes: thread.stack_len_bytes.replace(bounds.len_bytes),
            reserve_limit: thread.stack_reserve_limit.replace(bounds.reserve_limit),
        }
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.thread.pausable.set(self.pausable);
        self.thread.stack_low.set(self.low);
        self.thread.stack_len_bytes.set(self.len_bytes);
        self.thread.stack_reserve_limit.set(self.reserve_limit);
    }
}

/// Calls a function of a guest, on a stack of its own.
pub(crate) fn start<T>(
    store: &mut Store<T>,
    func: Func,
    params: Vec<(bool, u64)>,
) -> Result<Progress, Error> {
    let callable = store.inner.callable(func);
    let vmctx = callable.vmctx;
    let block = store.inner.vm.block_ref();
    let pool = Arc::clone(store.engine().stack_pool());
    let stack = pool.take()?;
    let bounds = StackBounds::new(&stack, block.max_wasm_stack_bytes);
    let pausable = NonNull::from(Box::leak(Box::new(Pausable {
        activation: Activation::new(callable.code, store.inner.vm.block()),
        yielder: Cell::new(ptr::null()),
    })));
    let coroutine = GuestCoroutine::with_stack(stack, move |yielder, _start| {
        let pausable = pausable.as_ptr();
        // SAFETY: the box lives until the coroutine has ended. The code is a function of the
        // instance, its type was compared with the parameters, and whoever runs the coroutine has the
        // store that owns both.
        unsafe {
            (*pausable).yielder.set(yielder);
            enter_with_bits(vmctx, &raw mut (*pausable).activation, params.into_iter())
        }
    });
    let call = PausedCall {
        coroutine: Some(coroutine),
        pausable,
        func,
        pool,
        _count: Counted::new(&store.inner.vm.paused_calls),
        bounds,
        fuel: PausedFuel::InRegister(0),
    };
    call.run(store, Command::Start)
}

impl PausedCall {
    /// The function that was called.
    pub(crate) fn func(&self) -> Func {
        self.func
    }

    /// Where the activation is.
    fn activation(&self) -> *mut Activation {
        // SAFETY: the box lives as long as `self`.
        unsafe { &raw mut (*self.pausable.as_ptr()).activation }
    }

    /// Goes on as if the host function that failed had returned these bits.
    pub(crate) fn resume_with<T>(self, store: &mut Store<T>, bits: u64) -> Result<Progress, Error> {
        self.run(store, Command::Return(bits))
    }

    /// Goes on if there is fuel enough now.
    pub(crate) fn resume_with_fuel<T>(self, store: &mut Store<T>) -> Result<Progress, Error> {
        match self.fuel {
            PausedFuel::Owed { required, .. } | PausedFuel::Needed { required, .. }
                if store.inner.vm.fuel() < required =>
            {
                Ok(Progress::OutOfFuel {
                    call: self,
                    required,
                })
            }
            _ => self.run(store, Command::Refuel),
        }
    }

    fn run<T>(mut self, store: &mut Store<T>, command: Command) -> Result<Progress, Error> {
        // Whatever else the call needs belongs to the same store.
        self.func.0.index(&store.inner);
        let store: *mut Store<T> = store;
        // SAFETY: the caller lends the store exclusively; from here on only this pointer is used, also
        // by host functions, through the block.
        let block: &StoreBlock = unsafe { &*(*store).inner.vm.block() };
        if block.computes_floats.get() {
            check_float_environment()?;
        }
        let thread = thread();
        if block.has_signals && !thread.has_signal_stack.get() {
            signals::ensure_signal_stack()?;
        }
        // SAFETY: the store is lent exclusively, and its guest does not run now.
        let previous_limit = unsafe { set_limit(&mut (*store).inner, self.bounds.limit) };
        let activation = self.activation();
        // SAFETY: both outlive the guard; the store is used only by it and by the guest.
        let guard = unsafe { EntryGuard::new(store, activation, previous_limit) };
        if block.is_metered && !matches!(command, Command::Start) {
            self.restore_fuel(block);
        }
        let running = Running::new(thread, self.pausable.as_ptr(), self.bounds);
        let coroutine = self.coroutine.as_mut().expect("the call has not ended");
        let result = coroutine.resume(command);
        drop(running);
        // SAFETY: the box lives as long as `self`, and nothing runs in the activation now.
        let activation = unsafe { &*activation };
        match &result {
            CoroutineResult::Yield(pause) => self.fuel = take_fuel(block, pause),
            CoroutineResult::Return(_) if block.is_metered && !activation.is_stopped() => {
                block.set_fuel_register(activation.fuel.get());
            }
            CoroutineResult::Return(_) => {}
        }
        drop(guard);
        match result {
            CoroutineResult::Return(_) if activation.is_stopped() => Err(activation.take_error()),
            CoroutineResult::Return(results) => Ok(Progress::Finished(results)),
            CoroutineResult::Yield(Pause::HostError { error, context }) => {
                // SAFETY: the store is lent exclusively, and its guest does not run now.
                let host_func = unsafe { (*store).inner.host_func_of_context(context) };
                Ok(Progress::HostError {
                    call: self,
                    host_func: host_func.expect("the store owns the function that was called"),
                    error,
                })
            }
            CoroutineResult::Yield(Pause::OutOfFuel { required, .. }) => Ok(Progress::OutOfFuel {
                call: self,
                required,
            }),
        }
    }

    /// Gives compiled code back what it knows of fuel, with what the host set meanwhile.
    fn restore_fuel(&self, block: &StoreBlock) {
        // SAFETY: the activation lives as long as `self`.
        let in_use = unsafe { (*self.activation()).fuel.get() };
        match self.fuel {
            PausedFuel::InRegister(register) | PausedFuel::Needed { register, .. } => {
                block.resume_register(in_use, register);
            }
            PausedFuel::Owed { required, pending } => {
                let in_use = block.pay(in_use, required);
                block.set_fuel_register(in_use + i64::from(pending));
            }
        }
    }
}

/// What compiled code knows of fuel when it pauses.
fn take_fuel(block: &StoreBlock, pause: &Pause) -> PausedFuel {
    match pause {
        Pause::HostError { .. } => PausedFuel::InRegister(block.register()),
        Pause::OutOfFuel { required, pending } => {
            let (required, register) = (*required, block.register());
            let Some(pending) = *pending else {
                return PausedFuel::Needed { required, register };
            };
            // All that there was is spent.
            block.set_fuel_register(0);
            PausedFuel::Owed { required, pending }
        }
    }
}

impl Drop for PausedCall {
    fn drop(&mut self) {
        let Some(mut coroutine) = self.coroutine.take() else {
            return;
        };
        if coroutine.started() {
            if !coroutine.done() {
                // What has paused leaves to the entry trampoline, without touching the store or
                // compiled code, which may be gone.
                let result = coroutine.resume(Command::Leave);
                debug_assert!(matches!(result, CoroutineResult::Return(_)));
            }
            self.pool.give_back(coroutine.into_stack());
        } else {
            drop(coroutine);
        }
        // SAFETY: the pointer came from a box, and the coroutine, which knew it, has ended.
        drop(unsafe { Box::from_raw(self.pausable.as_ptr()) });
    }
}

/// Sets the stack limit of a store for one run. The result is what to set it back to.
fn set_limit(store: &mut StoreInner, limit: usize) -> usize {
    let block = store.vm.block_ref();
    let old_limit = block.stack_limit();
    let is_nested = !block.store.get().is_null();
    if limit == old_limit {
        return SAME_LIMIT;
    }
    store.vm.set_stack_limit(limit);
    if is_nested { old_limit } else { SAME_LIMIT }
}

/// The call that an activation belongs to, if it can be paused.
fn pausable<'a>(activation: *const Activation) -> Option<&'a Pausable> {
    // SAFETY: the pointer is that of a call which runs on this thread, and so lives.
    let pausable = unsafe { thread().pausable.get().as_ref() }?;
    ptr::eq(&raw const pausable.activation, activation).then_some(pausable)
}

/// How a host function that failed goes on.
pub(super) enum AfterHostError {
    /// It returns these bits.
    Return(u64),
    /// It leaves the activation.
    Leave(*mut Activation),
}

/// Pauses the innermost activation if it can be, with a host error; gives the error back if not.
///
/// # Safety
///
/// - Called by a host trampoline of compiled code, in whose frames nothing has anything to drop that
///   may not wait for ever.
#[cold]
#[inline(never)]
pub(super) unsafe fn pause_with_error(
    error: Error,
    context: *const VMContext,
) -> Result<AfterHostError, Error> {
    let activation = super::activation::current();
    let Some(pausable) = pausable(activation) else {
        return Err(error);
    };
    let mut error = error;
    // SAFETY: it is the innermost one, and its block lives.
    unsafe {
        let frames = unwind::walk_from_host(&*activation);
        error.extend_backtrace(frames.resolve(&*(*activation).block));
    }
    Ok(match pausable.pause(Pause::HostError { error, context }) {
        Command::Return(bits) => AfterHostError::Return(bits),
        _ => AfterHostError::Leave(activation),
    })
}

/// Pauses the innermost activation if it can be, for fuel. Whether it goes on.
#[cold]
#[inline(never)]
pub(super) fn pause_for_fuel(required: u64, pending: Option<u32>) -> Option<bool> {
    let pausable = pausable(super::activation::current())?;
    let command = pausable.pause(Pause::OutOfFuel { required, pending });
    Some(matches!(command, Command::Refuel))
}

impl Pausable {
    /// Goes to whoever started or resumed the call. Another thread may come back.
    fn pause(&self, pause: Pause) -> Command {
        // SAFETY: the call runs, so that its coroutine has set this, and lives.
        unsafe { (*self.yielder.get()).suspend(pause) }
    }
}
