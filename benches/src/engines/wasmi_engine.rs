//! wasmi, the interpreter whose call interface wasmelt has.

use wasmi::CompilationMode;

use crate::engines::{Variant, engine_with_interpreter_interface};

/// wasmi's settings: functions are translated when the module is made.
pub(crate) const VARIANTS: &[Variant<Config>] = &[
    Variant {
        name: "wasmi",
        settings: "defaults, eager translation",
        configure: |config| {
            config.compilation_mode(CompilationMode::Eager);
        },
    },
    Variant {
        name: "wasmi-fuel",
        settings: "defaults, eager translation, with fuel",
        configure: |config| {
            config
                .compilation_mode(CompilationMode::Eager)
                .consume_fuel(true);
        },
    },
];

engine_with_interpreter_interface! {
    /// wasmi, an interpreter.
    WasmiEngine, wasmi,
    precompile: |_, _| Ok(None),
    load: |_, _| Err(anyhow!("wasmi does not store compiled code")),
    prepare: |_, _| Ok(()) => (),
    instantiate: |compiled, (), store| {
        Ok(compiled.linker.instantiate_and_start(store, &compiled.module)?)
    },
}
