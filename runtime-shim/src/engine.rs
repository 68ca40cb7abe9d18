//! The configuration that modules and stores share.

use crate::{config::Config, vm};
use std::sync::{Arc, Weak};

/// A configuration in force. Cheap to clone; modules, stores and linkers of one engine fit
/// together.
#[derive(Debug, Clone)]
pub struct Engine {
    config: Arc<Config>,
}

/// An [`Engine`] that does not keep it alive.
#[derive(Debug, Clone)]
pub struct EngineWeak {
    config: Weak<Config>,
}

impl EngineWeak {
    /// The engine, if it is still alive.
    #[must_use]
    pub fn upgrade(&self) -> Option<Engine> {
        self.config.upgrade().map(|config| Engine { config })
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
        let mut config = config.clone();
        config.resolve(vm::can_reserve_guard_memory);
        if config.codegen().signals {
            vm::install_signal_handlers();
        }
        Self {
            config: Arc::new(config),
        }
    }

    /// A reference that does not keep the engine alive.
    #[must_use]
    pub fn weak(&self) -> EngineWeak {
        EngineWeak {
            config: Arc::downgrade(&self.config),
        }
    }

    /// The configuration.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Whether both are the same engine.
    #[must_use]
    pub fn same(a: &Engine, b: &Engine) -> bool {
        Arc::ptr_eq(&a.config, &b.config)
    }
}
