//! wasmelt, the engine that this project builds.

use wasmelt::{BoundsChecks, CpuLevel, InstancePre, OptLevel, Trust};

use crate::engines::{Variant, engine_with_interpreter_interface};

/// wasmelt's settings.
pub(crate) const VARIANTS: &[Variant<Config>] = &[
    Variant {
        name: "wasmelt",
        settings: "defaults (cranelift, speed, x86-64-v2); load checks the digest and seals a copy",
        configure: |_| {},
    },
    Variant {
        name: "wasmelt-v3",
        settings: "defaults, but for x86-64-v3",
        configure: |config| {
            config.cpu(CpuLevel::X86_64V3);
        },
    },
    // As wasmtime emits by default: what remains of a difference is not the instruction set.
    Variant {
        name: "wasmelt-native",
        settings: "defaults, but for this processor",
        configure: |config| {
            config.cpu(CpuLevel::Native);
        },
    },
    Variant {
        name: "wasmelt-none",
        settings: "defaults, but not optimised",
        configure: |config| {
            config.opt_level(OptLevel::None);
        },
    },
    Variant {
        name: "wasmelt-fuel",
        settings: "defaults, but with fuel",
        configure: |config| {
            config.consume_fuel(true);
        },
    },
    Variant {
        name: "wasmelt-interrupt",
        settings: "defaults, but with interruption",
        configure: |config| {
            config.interruption(true);
        },
    },
    Variant {
        name: "wasmelt-explicit",
        settings: "defaults, but with explicit bounds checks",
        configure: |config| {
            config.bounds_checks(BoundsChecks::Explicit);
        },
    },
    Variant {
        name: "wasmelt-no-signals",
        settings: "defaults, but without signals",
        configure: |config| {
            config.signals(false);
        },
    },
    Variant {
        name: "wasmelt-nan",
        settings: "defaults, but with NaN canonicalisation",
        configure: |config| {
            config.nan_canonicalization(true);
        },
    },
];

engine_with_interpreter_interface! {
    /// wasmelt, an ahead-of-time compiler.
    WasmeltEngine, wasmelt,
    precompile: |engine, wasm| Ok(Some(Module::compile(engine, wasm)?)),
    load: |engine, bytes| Ok(Module::load(engine, bytes, &Trust::Named)?),
    prepare: |linker, module| Ok(linker.instantiate_pre(module)?) => InstancePre<()>,
    instantiate: |_, pre, store| Ok(pre.instantiate(store)?),
}
