//! wasmi 2.0, the peer: configured to the language of the 1.0 suite.

use super::{Family, interpreter_backend};
use crate::engine::{Engine, Failure, InstanceId, LinkKind, ModuleId, Session, TrapKind};
use crate::value::Value;
use std::sync::Arc;

interpreter_backend!(WasmiEngine, wasmi);

pub(super) fn family() -> Family {
    Family {
        name: "wasmi",
        configurations: vec![Arc::new(WasmiEngine::new(
            "wasmi",
            wasm1_config(),
            compile_binary,
        ))],
    }
}

/// WebAssembly 1.0 with import and export of mutable globals, and nothing later.
fn wasm1_config() -> wasmi::Config {
    let mut config = wasmi::Config::default();
    config
        .wasm_mutable_global(true)
        .wasm_sign_extension(false)
        .wasm_saturating_float_to_int(false)
        .wasm_multi_value(false)
        .wasm_multi_memory(false)
        .wasm_bulk_memory(false)
        .wasm_reference_types(false)
        .wasm_tail_call(false)
        .wasm_extended_const(false)
        .wasm_custom_page_sizes(false)
        .wasm_memory64(false)
        .wasm_wide_arithmetic(false);
    config
}

/// With its feature `wat`, which another crate of a build may turn on, `wasmi::Module::new` takes text as well: an empty
/// "binary" would be an empty module. Scripts mean bytes, so what is not a binary is refused here.
fn compile_binary(engine: &wasmi::Engine, wasm: &[u8]) -> Result<wasmi::Module, wasmi::Error> {
    if !wasm.starts_with(b"\0asm") {
        return Err(wasmi::Error::new("magic header not detected"));
    }
    wasmi::Module::new(engine, wasm)
}

/// Validation and translation are one step here: any error is a refusal.
fn compile_failure(error: &wasmi::Error) -> Failure {
    Failure::Refused {
        message: error.to_string(),
    }
}
