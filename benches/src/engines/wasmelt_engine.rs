//! wasmelt, the engine that this project builds.

use wasmelt::{InstancePre, Trust};

use crate::engines::engine_with_interpreter_interface;

engine_with_interpreter_interface! {
    /// wasmelt with its default settings: guard pages, signals, no fuel, no cache.
    WasmeltEngine, wasmelt,
    settings: "defaults (cranelift, speed); load checks the digest and seals a copy",
    config: |_| {},
    precompile: |engine, wasm| Ok(Some(Module::compile(engine, wasm)?)),
    load: |engine, bytes| Ok(Module::load(engine, bytes, &Trust::Named)?),
    prepare: |linker, module| Ok(linker.instantiate_pre(module)?) => InstancePre<()>,
    instantiate: |_, pre, store| Ok(pre.instantiate(store)?),
}
