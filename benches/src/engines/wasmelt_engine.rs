//! wasmelt, the engine that this project builds.

use wasmelt::{CpuLevel, InstancePre, Trust};

use crate::engines::engine_with_interpreter_interface;

impl WasmeltEngine {
    /// wasmelt with its default settings: guard pages, signals, no fuel, no cache, code for a baseline processor.
    pub(crate) fn new() -> Result<Self> {
        const SETTINGS: &str =
            "defaults (cranelift, speed, x86-64-v2); load checks the digest and seals a copy";
        Self::configured("wasmelt", SETTINGS, |_| {})
    }

    /// The same with code for this processor, as wasmtime emits by default: what remains of a difference is not the
    /// instruction set.
    pub(crate) fn native() -> Result<Self> {
        Self::configured(
            "wasmelt-native",
            "defaults, but for this processor",
            |config| {
                config.cpu(CpuLevel::Native);
            },
        )
    }
}

engine_with_interpreter_interface! {
    /// wasmelt, an ahead-of-time compiler.
    WasmeltEngine, wasmelt,
    precompile: |engine, wasm| Ok(Some(Module::compile(engine, wasm)?)),
    load: |engine, bytes| Ok(Module::load(engine, bytes, &Trust::Named)?),
    prepare: |linker, module| Ok(linker.instantiate_pre(module)?) => InstancePre<()>,
    instantiate: |_, pre, store| Ok(pre.instantiate(store)?),
}
