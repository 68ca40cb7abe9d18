//! wasmelt, the engine that this project builds.

use crate::engines::engine_with_interpreter_interface;

engine_with_interpreter_interface! {
    /// wasmelt with its default settings: guard pages, signals, no fuel, no cache.
    WasmeltEngine, wasmelt,
    settings: "defaults",
    config: |_| {},
    precompile: |_, _| Ok(None),
    load: |_, _| Err(anyhow!("not loaded from an artifact here")),
}
