//! Engines, what closing one closes, and what artifacts one vouches for.
#![allow(unsafe_code, reason = "exports functions by unmangled names")]

use crate::config::ConfigObject;
use crate::export::export;
use crate::failure::Failure;
use crate::live::{Counted, Kind};
use crate::module::ModuleObject;
use crate::signature::opaque;
use crate::store::StoreState;
use crate::trust::{Decision, DeserializePolicy};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use wasmelt::{Config, Engine};

/// What the handles of an engine share.
pub(crate) struct EngineState {
    /// `None` when closed.
    engine: Mutex<Option<Engine>>,
    policy: DeserializePolicy,
    /// Digests of artifacts that were made here.
    own: Mutex<BTreeSet<[u8; 32]>>,
    stores: Mutex<Vec<Weak<StoreState>>>,
    modules: Mutex<Vec<Weak<ModuleObject>>>,
}

/// `wasm_engine_t`.
pub(crate) struct EngineObject {
    state: Arc<EngineState>,
    _counted: Counted,
}

opaque!(EngineObject);

/// Nothing that can panic is done while one of the locks here is held.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Adds to a list of weak references, and forgets those whose objects are gone.
fn remember<T>(list: &Mutex<Vec<Weak<T>>>, object: &Arc<T>) {
    let mut list = lock(list);
    if list.len() == list.capacity() {
        list.retain(|object| object.strong_count() > 0);
    }
    list.push(Arc::downgrade(object));
}

impl EngineState {
    pub(crate) fn new(config: &Config, policy: DeserializePolicy) -> Self {
        Self {
            engine: Mutex::new(Some(Engine::new(config))),
            policy,
            own: Mutex::default(),
            stores: Mutex::default(),
            modules: Mutex::default(),
        }
    }

    pub(crate) fn engine(&self) -> Result<Engine, Failure> {
        let engine = lock(&self.engine).clone();
        engine.ok_or_else(|| Failure::usage("the engine is closed"))
    }

    /// Takes a new store in, unless the engine was closed meanwhile.
    pub(crate) fn add_store(&self, store: &Arc<StoreState>) -> Result<(), Failure> {
        remember(&self.stores, store);
        self.engine().map(drop)
    }

    pub(crate) fn add_module(&self, module: &Arc<ModuleObject>) {
        remember(&self.modules, module);
    }

    /// Remembers the digest of an artifact that this engine made.
    pub(crate) fn vouch_for(&self, digest: [u8; 32]) {
        lock(&self.own).insert(digest);
    }

    pub(crate) fn decide(&self, bytes: &[u8]) -> Result<Decision, Failure> {
        self.policy.decide(bytes, &lock(&self.own))
    }

    /// Closes its stores, lets go of its modules, and makes nothing any more.
    fn close(&self) -> Result<(), Failure> {
        // From here on no store comes that the list does not have.
        let engine = lock(&self.engine).take();
        let stores = alive(&self.stores);
        if let Err(failure) = stores.iter().try_for_each(|store| store.close()) {
            *lock(&self.engine) = engine;
            return Err(failure);
        }
        for module in alive(&self.modules) {
            module.close();
        }
        drop(engine);
        Ok(())
    }
}

/// The objects of a list that are not gone.
fn alive<T>(list: &Mutex<Vec<Weak<T>>>) -> Vec<Arc<T>> {
    lock(list).iter().filter_map(Weak::upgrade).collect()
}

impl EngineObject {
    fn new(config: &Config, policy: DeserializePolicy) -> Box<Self> {
        Box::new(Self {
            state: Arc::new(EngineState::new(config, policy)),
            _counted: Counted::new(Kind::Engine),
        })
    }

    pub(crate) fn state(&self) -> &Arc<EngineState> {
        &self.state
    }
}

export! { EXPORTS;
    fn wasm_engine_new() -> Option<Box<EngineObject>> {
        Ok(Some(EngineObject::new(&Config::new(), DeserializePolicy::default())))
    }

    fn wasm_engine_new_with_config(config: Option<Box<ConfigObject>>) -> Option<Box<EngineObject>> {
        let config = config.ok_or_else(|| Failure::null("config"))?;
        Ok(Some(EngineObject::new(&config.config, config.policy)))
    }

    fn wasm_engine_delete(engine: Option<Box<EngineObject>>) {
        drop(engine);
        Ok(())
    }

    fn wasmelt_engine_close(engine: Option<&EngineObject>) -> bool {
        // A finalizer may let go of the last handle.
        let state = Arc::clone(engine.ok_or_else(|| Failure::null("engine"))?.state());
        state.close()?;
        Ok(true)
    }
}
