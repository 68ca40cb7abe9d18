//! Stores: who may use one when, and what closing one ends.
//!
//! A store belongs to one thread at a time: to the one that is in a call of this interface, or in a host function that
//! the store's guest called. Another thread's call is refused, and so is one on a store that is being closed.
#![allow(
    unsafe_code,
    reason = "lends a store to host functions behind C's back, and exports functions by unmangled names"
)]

use crate::caller::CallerObject;
use crate::engine::{EngineObject, EngineState, lock};
use crate::export::export;
use crate::failure::Failure;
use crate::host_info::HostInfo;
use crate::live::{Counted, Kind};
use crate::object::Identity;
use crate::signature::opaque;
use std::cell::{Cell, UnsafeCell};
use std::collections::HashMap;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};
use wasmelt::{
    AsContextMut, Caller, ExternRef, Instance, InterruptHandle, Module, Store, StoreContextMut,
    StoreLimits,
};

/// What a store has for the C interface.
pub(crate) struct HostData {
    pub(crate) limits: StoreLimits,
    pub(crate) state: Weak<StoreState>,
    /// References to host objects, so that one that is passed again is not kept twice.
    pub(crate) extern_refs: HashMap<Identity, ExternRef>,
    /// What the host attached to functions, memories and so on.
    pub(crate) host_infos: HashMap<Identity, HostInfo>,
}

/// How the thread that uses a store reaches it.
#[derive(Clone, Copy)]
enum Access {
    /// Through the owner.
    Owner,
    /// Not now: a call has it.
    Lent,
    /// Through what the innermost host function was lent.
    Caller(NonNull<Caller<'static, HostData>>),
}

/// What the handles of a store share.
pub(crate) struct StoreState {
    engine: Arc<EngineState>,
    /// The thread that uses the store, or [`NOBODY`].
    user: AtomicUsize,
    /// Only for the user.
    access: Cell<Access>,
    /// Only for the user; `None` when closed.
    store: UnsafeCell<Option<Opened>>,
    interrupt: Option<InterruptHandle>,
    /// For backtraces.
    known: Mutex<Vec<Known>>,
    /// Callers that no host function is passed now.
    spare_callers: Mutex<Vec<Arc<CallerObject>>>,
}

// SAFETY: the cells are touched only by the thread that `user` names, which it does as a lock does, and what is in them
// may go from thread to thread.
unsafe impl Send for StoreState {}
// SAFETY: as above.
unsafe impl Sync for StoreState {}

/// A module that was instantiated here.
struct Known {
    module: Module,
    /// Its instance; `None` when there is more than one, or one that nobody got.
    only_instance: Option<Instance>,
    /// Its bytes, if they are known.
    wasm: Option<Arc<[u8]>>,
}

/// A store that is not closed.
struct Opened {
    store: Box<Store<HostData>>,
    _counted: Counted,
}

/// `wasm_store_t`.
pub(crate) struct StoreObject {
    state: Arc<StoreState>,
    _counted: Counted,
}

opaque!(StoreObject);

const NOBODY: usize = 0;

/// A number that no other running thread has.
fn this_thread() -> usize {
    thread_local! {
        static PLACE: u8 = const { 0 };
    }
    // At the end of a thread its own storage is gone, and nothing may be called any more.
    PLACE
        .try_with(|place| std::ptr::from_ref(place).addr())
        .unwrap_or(NOBODY)
}

/// The store is this thread's until it is dropped; then access is what it was before.
struct Lease<'a> {
    state: &'a StoreState,
    previous: Access,
    is_outermost: bool,
}

impl<'a> Lease<'a> {
    fn take(state: &'a StoreState) -> Result<Self, Failure> {
        let thread = this_thread();
        let user = state
            .user
            .compare_exchange(NOBODY, thread, Ordering::Acquire, Ordering::Relaxed)
            .unwrap_or_else(|user| user);
        if user != NOBODY && user != thread {
            return Err(Failure::usage("the store is in use by another thread"));
        }
        Ok(Self {
            state,
            previous: state.access.replace(Access::Lent),
            is_outermost: user == NOBODY,
        })
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        self.state.access.set(self.previous);
        if self.is_outermost {
            self.state.user.store(NOBODY, Ordering::Release);
        }
    }
}

fn closed() -> Failure {
    Failure::usage("the store is closed")
}

impl StoreState {
    pub(crate) fn new(engine: &Arc<EngineState>) -> Result<Arc<Self>, Failure> {
        let wasmelt = engine.engine()?;
        let state = Arc::new_cyclic(|state| {
            let mut store = Store::new(
                &wasmelt,
                HostData {
                    limits: StoreLimits::default(),
                    state: state.clone(),
                    extern_refs: HashMap::new(),
                    host_infos: HashMap::new(),
                },
            );
            store.limiter(|data| &mut data.limits);
            Self {
                engine: Arc::clone(engine),
                user: AtomicUsize::new(NOBODY),
                access: Cell::new(Access::Owner),
                interrupt: store.interrupt_handle().ok(),
                store: UnsafeCell::new(Some(Opened {
                    store: Box::new(store),
                    _counted: Counted::new(Kind::OpenStore),
                })),
                known: Mutex::default(),
                spare_callers: Mutex::default(),
            }
        });
        engine.add_store(&state)?;
        Ok(state)
    }

    pub(crate) fn engine(&self) -> &Arc<EngineState> {
        &self.engine
    }

    pub(crate) fn interrupt_handle(&self) -> Option<&InterruptHandle> {
        self.interrupt.as_ref()
    }

    /// Uses the store.
    ///
    /// # Errors
    ///
    /// If it is closed or in use.
    pub(crate) fn with<R>(
        &self,
        work: impl FnOnce(StoreContextMut<'_, HostData>) -> Result<R, Failure>,
    ) -> Result<R, Failure> {
        let lease = Lease::take(self)?;
        match lease.previous {
            Access::Lent => Err(Failure::usage("the store is in use by this thread")),
            Access::Owner => {
                // SAFETY: this thread is the user, and nobody has it lent.
                let opened = unsafe { &mut *self.store.get() };
                let opened = opened.as_mut().ok_or_else(closed)?;
                work(opened.store.as_context_mut())
            }
            Access::Caller(mut caller) => {
                // SAFETY: the host function that was lent it is running, and waits for this call.
                let caller = unsafe { caller.as_mut() };
                work(caller.as_context_mut())
            }
        }
    }

    /// Lets C use the store during a host function.
    pub(crate) fn lend<R>(&self, caller: &mut Caller<'_, HostData>, work: impl FnOnce() -> R) -> R {
        let caller = NonNull::from(caller).cast::<Caller<'static, HostData>>();
        let previous = self.access.replace(Access::Caller(caller));
        let back = Back {
            state: self,
            previous,
        };
        let result = work();
        drop(back);
        result
    }

    /// A caller that no host function is passed now. There are never more than calls of host functions at once.
    pub(crate) fn spare_caller(&self) -> Arc<CallerObject> {
        lock(&self.spare_callers).pop().unwrap_or_default()
    }

    /// Takes a caller back.
    pub(crate) fn spare(&self, caller: Arc<CallerObject>) {
        lock(&self.spare_callers).push(caller);
    }

    /// Frees everything in it, now. Handles stay valid, and what they are asked to do is refused.
    ///
    /// # Errors
    ///
    /// If the store is in use.
    pub(crate) fn close(&self) -> Result<(), Failure> {
        let lease = Lease::take(self)?;
        if !matches!(lease.previous, Access::Owner) {
            return Err(Failure::usage(
                "a store cannot be closed while its guest or a call of the store is running",
            ));
        }
        // SAFETY: this thread is the user, and nobody has it lent.
        let opened = unsafe { (*self.store.get()).take() };
        let known = std::mem::take(&mut *lock(&self.known));
        // Finalizers run here. What they ask of the store is refused.
        drop((known, opened));
        Ok(())
    }

    /// Notes that a module was instantiated. An instantiation that failed may have left an instance behind, which others
    /// reach through a table.
    pub(crate) fn note_instance(
        &self,
        module: &Module,
        instance: Option<Instance>,
        wasm: Option<Arc<[u8]>>,
    ) {
        let mut all = lock(&self.known);
        let known = all
            .iter_mut()
            .find(|known| Module::same(&known.module, module));
        match known {
            Some(known) => known.only_instance = None,
            None => all.push(Known {
                module: module.clone(),
                only_instance: instance,
                wasm,
            }),
        }
    }

    /// The instance of a module, if there is exactly one.
    pub(crate) fn only_instance_of(&self, module: &Module) -> Option<Instance> {
        self.known_of(module, |known| known.only_instance)
    }

    /// The bytes of a module that was instantiated here, if they are known.
    pub(crate) fn wasm_of(&self, module: &Module) -> Option<Arc<[u8]>> {
        self.known_of(module, |known| known.wasm.clone())
    }

    fn known_of<R>(&self, module: &Module, ask: impl FnOnce(&Known) -> Option<R>) -> Option<R> {
        let all = lock(&self.known);
        let mut all = all.iter();
        ask(all.find(|known| Module::same(&known.module, module))?)
    }
}

/// Gives access back as it was, also when a panic passes.
struct Back<'a> {
    state: &'a StoreState,
    previous: Access,
}

impl Drop for Back<'_> {
    fn drop(&mut self) {
        self.state.access.set(self.previous);
    }
}

impl StoreObject {
    pub(crate) fn of(state: Arc<StoreState>) -> Self {
        Self {
            state,
            _counted: Counted::new(Kind::Store),
        }
    }

    pub(crate) fn state(&self) -> &Arc<StoreState> {
        &self.state
    }
}

pub(crate) fn given(store: Option<&StoreObject>) -> Result<&Arc<StoreState>, Failure> {
    Ok(store.ok_or_else(|| Failure::null("store"))?.state())
}

export! { EXPORTS;
    fn wasm_store_new(engine: Option<&EngineObject>) -> Option<Box<StoreObject>> {
        let engine = engine.ok_or_else(|| Failure::null("engine"))?;
        Ok(Some(Box::new(StoreObject::of(StoreState::new(engine.state())?))))
    }

    fn wasm_store_delete(store: Option<Box<StoreObject>>) {
        drop(store);
        Ok(())
    }

    fn wasmelt_store_close(store: Option<&StoreObject>) -> bool {
        // A finalizer may let go of the last handle.
        let state = Arc::clone(given(store)?);
        state.close()?;
        Ok(true)
    }
}
