//! Probes modules on wasmi, with fuel, so that calls that would never end are known.

use wasmi as engine;

#[allow(
    clippy::duplicate_mod,
    reason = "one probe, compiled once for each engine"
)]
#[path = "probe.rs"]
mod probe;

pub(crate) use probe::Probe;

/// An interpreter that counts fuel.
fn engine() -> engine::Engine {
    let mut config = engine::Config::default();
    config.consume_fuel(true);
    engine::Engine::new(&config)
}
