//! Probes modules on wasmelt, in its default configuration.

use wasmelt as engine;

#[allow(
    clippy::duplicate_mod,
    reason = "one probe, compiled once for each engine"
)]
#[path = "probe.rs"]
mod probe;

pub(crate) use probe::Probe;

/// The default engine.
fn engine() -> engine::Engine {
    engine::Engine::default()
}
