//! Probes modules on wasmelt, in the configuration that the child was started for.

use std::sync::OnceLock;

use wasmelt as engine;

use super::modes::Mode;

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
    let mode = MODE.get().expect("the child chose a mode first");
    mode.engine()
}
