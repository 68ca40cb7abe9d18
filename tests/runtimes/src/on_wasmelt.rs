//! The host on wasmelt, in each way of checking bounds, with the memory as a preset for nodes defines it and as the
//! module imports it.

use wasmelt as engine;

#[allow(
    clippy::duplicate_mod,
    reason = "one host, compiled once for each engine"
)]
#[path = "host.rs"]
mod host;

pub use host::Runtime;

use crate::engines::Breadth;

/// The engine's configurations that runtimes run in, each with a name.
#[must_use]
pub fn engines(breadth: Breadth) -> Vec<(&'static str, engine::Engine)> {
    use engine::{BoundsChecks, Config, Engine, OptLevel, Preset};

    let node = |change: fn(&mut Config)| {
        let mut config = Config::default();
        config.preset(Preset::Polkadot);
        change(&mut config);
        Engine::new(&config)
    };
    let mut engines = vec![("wasmelt", node(|_| {}))];
    if breadth == Breadth::Every {
        engines.push((
            "wasmelt, explicit",
            node(|config| {
                config.bounds_checks(BoundsChecks::Explicit);
            }),
        ));
        engines.push((
            "wasmelt, signal-free",
            node(|config| {
                config.bounds_checks(BoundsChecks::Explicit).signals(false);
            }),
        ));
        engines.push((
            "wasmelt, not optimised",
            node(|config| {
                config.opt_level(OptLevel::None);
            }),
        ));
        engines.push((
            "wasmelt, memory imported",
            node(|config| {
                config.preset(Preset::Wasm1);
            }),
        ));
        engines.push((
            "wasmelt, memory imported, explicit",
            node(|config| {
                config
                    .preset(Preset::Wasm1)
                    .bounds_checks(BoundsChecks::Explicit);
            }),
        ));
    }
    engines
}
