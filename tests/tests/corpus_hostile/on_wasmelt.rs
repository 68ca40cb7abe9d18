//! Probes modules on wasmelt, in the configuration that the child was started for.

use std::sync::OnceLock;

use wasmelt as engine;

use super::Mode;

#[allow(
    clippy::duplicate_mod,
    reason = "one probe, compiled once for each engine"
)]
#[path = "probe.rs"]
mod probe;

pub(crate) use probe::Probe;

static MODE: OnceLock<Mode> = OnceLock::new();

/// Chooses the configuration, before the first module.
pub(crate) fn choose(mode: Mode) {
    MODE.get_or_init(|| mode);
}

fn engine() -> engine::Engine {
    let mut config = engine::Config::default();
    match MODE.get() {
        None | Some(Mode::Guard) => {}
        Some(Mode::Explicit) => {
            config.bounds_checks(engine::BoundsChecks::Explicit);
        }
        Some(Mode::SignalFree) => {
            config.signals(false);
        }
    }
    engine::Engine::new(&config)
}
