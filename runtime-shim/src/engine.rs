//! The configuration that modules and stores share.

use crate::{config::Config, vm};
use std::sync::{Arc, Weak};
use wasmelt_abi::FuelSchedule;

/// A configuration in force. Cheap to clone; modules, stores and linkers of one engine fit
/// together.
#[derive(Debug, Clone)]
pub struct Engine {
    inner: Arc<EngineInner>,
}

#[derive(Debug)]
struct EngineInner {
    config: Config,
    /// By what modules must be metered: nothing if they are not.
    fuel_schedule: Option<FuelSchedule>,
    /// Reservations of memories that are used again.
    memory_pool: Arc<vm::MemoryPool>,
    /// Stacks of resumable calls.
    stack_pool: Arc<vm::StackPool>,
}

/// An [`Engine`] that does not keep it alive.
#[derive(Debug, Clone)]
pub struct EngineWeak {
    inner: Weak<EngineInner>,
}

impl EngineWeak {
    /// The engine, if it is still alive.
    #[must_use]
    pub fn upgrade(&self) -> Option<Engine> {
        self.inner.upgrade().map(|inner| Engine { inner })
    }
}

impl Default for Engine {
    fn default() -> Self {
        Self::new(&Config::default())
    }
}

impl Engine {
    /// Puts a configuration in force.
    ///
    /// With [`Config::signals`], the first engine of a process installs the handlers of SIGSEGV,
    /// SIGBUS, SIGFPE and SIGILL, which pass on every signal that is not a guest's.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        count! { crate::metrics::describe(); }
        let mut config = config.clone();
        config.resolve(vm::can_reserve_guard_memory);
        if config.codegen().signals {
            vm::install_signal_handlers();
        }
        let memory_pool = Arc::new(vm::MemoryPool::new(
            config.resolve_pool(vm::address_space_limit()),
        ));
        let stack_pool = Arc::new(vm::StackPool::new(
            config.max_cached_stacks(),
            config.resumable_stack_len_bytes(),
        ));
        Self {
            inner: Arc::new(EngineInner {
                fuel_schedule: config.fuel_schedule(),
                config,
                memory_pool,
                stack_pool,
            }),
        }
    }

    /// A reference that does not keep the engine alive.
    #[must_use]
    pub fn weak(&self) -> EngineWeak {
        EngineWeak {
            inner: Arc::downgrade(&self.inner),
        }
    }

    /// The configuration.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.inner.config
    }

    pub(crate) fn fuel_schedule(&self) -> Option<FuelSchedule> {
        self.inner.fuel_schedule
    }

    pub(crate) fn memory_pool(&self) -> &Arc<vm::MemoryPool> {
        &self.inner.memory_pool
    }

    pub(crate) fn stack_pool(&self) -> &Arc<vm::StackPool> {
        &self.inner.stack_pool
    }

    /// Whether both are the same engine.
    #[must_use]
    pub fn same(a: &Engine, b: &Engine) -> bool {
        Arc::ptr_eq(&a.inner, &b.inner)
    }
}
