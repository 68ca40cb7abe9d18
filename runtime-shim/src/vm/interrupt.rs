//! Stops a running guest from another thread.
#![allow(unsafe_code, reason = "flags that compiled code reads")]

use core::{
    fmt,
    sync::atomic::{AtomicU32, Ordering},
};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use wasmelt_abi::VMContext;

/// Stops the guest of a store, from any thread.
///
/// The guest looks for a request at each round of a loop and when a function begins that calls
/// others, and ends with [`TrapCode::Interrupted`](crate::TrapCode::Interrupted). One that is in a
/// host function ends after that has returned. A request for a store whose guest does not run is
/// for its next call. Ending a call is the end of the request.
///
/// # Example
///
/// ```
/// use wasmelt::{Config, Engine, Instance, Module, Store, TrapCode};
///
/// let mut config = Config::new();
/// config.interruption(true);
/// let engine = Engine::new(&config);
/// let module = Module::new(&engine, r#"(module (func (export "f") (loop (br 0))))"#)?;
/// let mut store = Store::new(&engine, ());
/// let handle = store.interrupt_handle()?;
/// let instance = Instance::new(&mut store, &module, &[])?;
/// let forever = instance.get_typed_func::<(), ()>(&store, "f")?;
/// let stopper = std::thread::spawn(move || handle.interrupt());
/// let error = forever.call(&mut store, ()).unwrap_err();
/// assert_eq!(error.as_trap_code(), Some(TrapCode::Interrupted));
/// stopper.join().unwrap();
/// # Ok::<(), wasmelt::Error>(())
/// ```
#[derive(Clone)]
pub struct InterruptHandle {
    shared: Arc<Mutex<Request>>,
}

/// Whether the guest shall stop, and who must know.
#[derive(Default)]
struct Request {
    /// Whether somebody asked, and no call has ended for it yet.
    is_made: bool,
    /// How many deadlines have passed, and are in force.
    passed_deadlines: usize,
    instances: Vec<Flag>,
}

/// The vmctx of an instance that is alive.
struct Flag(*mut VMContext);

// SAFETY: only the flag is touched, which is atomic, and only while the instance is listed.
unsafe impl Send for Flag {}

impl Request {
    fn set(&mut self, is_made: bool) {
        self.is_made = is_made;
        self.tell();
    }

    fn must_stop(&self) -> bool {
        self.is_made || self.passed_deadlines != 0
    }

    fn tell(&self) {
        for instance in &self.instances {
            instance.set(self.must_stop());
        }
    }
}

impl Flag {
    fn set(&self, is_made: bool) {
        // SAFETY: the instance is alive, and its flag is only used as an atomic.
        let flag: &AtomicU32 = unsafe { &(*self.0).interrupt };
        flag.store(u32::from(is_made), Ordering::Release);
    }
}

impl InterruptHandle {
    /// Ends the call of the guest that runs now, or else the next one.
    pub fn interrupt(&self) {
        self.lock().set(true);
    }

    /// Takes a request back that no call has ended for yet.
    pub fn withdraw(&self) {
        self.lock().set(false);
    }

    pub(super) fn new() -> Self {
        Self {
            shared: Arc::default(),
        }
    }

    /// Tells an instance, from now on.
    ///
    /// # Safety
    ///
    /// - The instance lives until [`Self::remove_last`] or [`Self::clear`] is called.
    pub(super) unsafe fn add(&self, vmctx: *mut VMContext) {
        let mut request = self.lock();
        let flag = Flag(vmctx);
        flag.set(request.must_stop());
        request.instances.push(flag);
    }

    /// Forgets the instance added last.
    pub(super) fn remove_last(&self) {
        self.lock().instances.pop();
    }

    /// Forgets all instances.
    pub(super) fn clear(&self) {
        self.lock().instances.clear();
    }

    /// Whether the guest must stop. A request is taken; a deadline that has passed stays in force.
    pub(super) fn take(&self) -> bool {
        let mut request = self.lock();
        let must_stop = request.must_stop();
        request.set(false);
        must_stop
    }

    /// Stops the guest until [`Self::remove_passed_deadline`].
    pub(crate) fn add_passed_deadline(&self) {
        let mut request = self.lock();
        request.passed_deadlines += 1;
        request.tell();
    }

    /// Takes back one [`Self::add_passed_deadline`].
    pub(crate) fn remove_passed_deadline(&self) {
        let mut request = self.lock();
        request.passed_deadlines -= 1;
        request.tell();
    }

    fn lock(&self) -> MutexGuard<'_, Request> {
        // Nothing that can panic is done while it is held.
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for InterruptHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InterruptHandle")
            .field("is_made", &self.lock().is_made)
            .finish_non_exhaustive()
    }
}
