//! The host on wasmi, the interpreter that wasmelt is compared with.

use wasmi as engine;

#[allow(
    clippy::duplicate_mod,
    reason = "one host, compiled once for each engine"
)]
#[path = "host.rs"]
mod host;

pub use host::Runtime;

use crate::report::SetupError;

/// Loads a runtime.
///
/// # Errors
///
/// When the engine refuses it.
pub fn load(wasm: &[u8]) -> Result<Runtime, SetupError> {
    let engine = engine::Engine::default();
    engine::Module::new(&engine, wasm)
        .map(Runtime::new)
        .map_err(|error| SetupError::Engine(error.to_string()))
}
