//! The ways in which wasmelt keeps guests inside their memory, as suites run in each of them.

use wasmelt::{BoundsChecks, Config, Engine};

/// How accesses are checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// By guard pages.
    Guard,
    /// By compares; other traps are signals.
    Explicit,
    /// By compares; no trap is a signal.
    SignalFree,
}

impl Mode {
    /// Every mode.
    pub(crate) const ALL: [Self; 3] = [Self::Guard, Self::Explicit, Self::SignalFree];

    /// How reports call it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Guard => "guard",
            Self::Explicit => "explicit",
            Self::SignalFree => "signal-free",
        }
    }

    /// An engine that compiles in this mode.
    pub(crate) fn engine(self) -> Engine {
        let mut config = Config::default();
        match self {
            Self::Guard => config.bounds_checks(BoundsChecks::Guard),
            Self::Explicit => config.bounds_checks(BoundsChecks::Explicit),
            Self::SignalFree => config.signals(false),
        };
        Engine::new(&config)
    }
}
