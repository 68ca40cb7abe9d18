//! wasmi, the interpreter whose call interface wasmelt has.

use crate::engines::engine_with_interpreter_interface;

impl WasmiEngine {
    /// wasmi with its default settings, except that functions are translated when the module is made.
    pub(crate) fn new() -> Result<Self> {
        Self::configured("wasmi", "defaults, eager translation", |config| {
            config.compilation_mode(wasmi::CompilationMode::Eager);
        })
    }
}

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
