//! The host on wasmi, the interpreter that wasmelt is compared with.

use wasmi as engine;

#[allow(
    clippy::duplicate_mod,
    reason = "one host, compiled once for each engine"
)]
#[path = "host.rs"]
mod host;

pub use host::Runtime;

/// The engine's configurations that runtimes run in, each with a name.
#[must_use]
pub fn engines() -> Vec<(&'static str, engine::Engine)> {
    vec![("wasmi", engine::Engine::default())]
}
