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
use crate::precompile::precompile;
use crate::report::SetupError;

/// What runtimes are compiled with: a name, and arguments of `wasmelt compile`. The first is what nodes are expected to
/// use.
const CONFIGURATIONS: [(&str, &[&str]); 6] = [
    ("wasmelt", &["--preset", "polkadot"]),
    (
        "wasmelt, explicit",
        &["--preset", "polkadot", "--bounds", "explicit"],
    ),
    (
        "wasmelt, signal-free",
        &["--preset", "polkadot", "--no-signals"],
    ),
    (
        "wasmelt, not optimised",
        &["--preset", "polkadot", "--opt", "none"],
    ),
    ("wasmelt, memory imported", &["--preset", "wasm1"]),
    (
        "wasmelt, memory imported, explicit",
        &["--preset", "wasm1", "--bounds", "explicit"],
    ),
];

/// Compiles a runtime in each configuration, and loads it.
///
/// # Errors
///
/// When the compiler or the loader refuses it.
pub fn load(wasm: &[u8], breadth: Breadth) -> Result<Vec<(&'static str, Runtime)>, SetupError> {
    let count = match breadth {
        Breadth::Main => 1,
        Breadth::Every => CONFIGURATIONS.len(),
    };
    let load = |(name, arguments): &(&'static str, &[&str])| {
        let artifact = precompile(wasm, arguments)?;
        let mut config = engine::Config::default();
        config.signals(!arguments.contains(&"--no-signals"));
        let engine = engine::Engine::new(&config);
        engine::Module::load(&engine, &artifact.path(), &engine::Trust::Named)
            .map(|module| (*name, Runtime::new(module)))
            .map_err(|error| SetupError::Engine(error.to_string()))
    };
    CONFIGURATIONS[..count].iter().map(load).collect()
}
