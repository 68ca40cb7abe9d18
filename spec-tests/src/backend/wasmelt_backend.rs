//! wasmelt, the engine under test, in every configuration that changes its code.

use super::{Family, interpreter_backend};
use crate::engine::{Engine, Failure, InstanceId, LinkKind, ModuleId, Session, TrapKind};
use crate::value::Value;
use std::sync::Arc;
use wasmelt::errors::ErrorKind;
use wasmelt::{BoundsChecks, Config, Module, OptLevel};
use wasmelt_compiler::CompileError;

interpreter_backend!(WasmeltEngine, wasmelt);

/// The default configuration first.
const MODES: [(&str, BoundsChecks, bool); 3] = [
    ("guard", BoundsChecks::Guard, true),
    ("explicit", BoundsChecks::Explicit, true),
    ("signal-free", BoundsChecks::Explicit, false),
];

const OPT_LEVELS: [(&str, OptLevel); 2] = [("speed", OptLevel::Speed), ("none", OptLevel::None)];

pub(super) fn family() -> Family {
    let mut configurations = Vec::new();
    for (mode, bounds_checks, signals) in MODES {
        for (level, opt_level) in OPT_LEVELS {
            let mut config = Config::default();
            config
                .bounds_checks(bounds_checks)
                .signals(signals)
                .opt_level(opt_level);
            configurations.push(engine(format!("wasmelt/{mode}/{level}"), config));
        }
    }
    let mut config = Config::default();
    config.nan_canonicalization(true);
    configurations.push(engine("wasmelt/canonical-nan".to_owned(), config));
    let mut config = Config::default();
    config.consume_fuel(true).interruption(true);
    configurations.push(engine("wasmelt/metered".to_owned(), config));
    Family {
        name: "wasmelt",
        configurations,
    }
}

fn engine(name: String, mut config: Config) -> Arc<dyn Engine> {
    // Scripts run in parallel already, and their modules are small.
    config.compile_threads(1);
    Arc::new(WasmeltEngine::new(name, config, |engine, wasm| {
        Module::new(engine, wasm)
    }))
}

/// Only what is wrong with the module counts as a refusal: a function that the code generator cannot compile, or an
/// artifact that the loader does not like, must not satisfy a script that expects an invalid module.
fn compile_failure(error: &wasmelt::Error) -> Failure {
    let message = error.to_string();
    match error.kind() {
        ErrorKind::Input(_)
        | ErrorKind::Wasm(
            CompileError::NotWasm { .. }
            | CompileError::Invalid(_)
            | CompileError::Unsupported(_)
            | CompileError::PresetRule { .. },
        ) => Failure::Refused { message },
        _ => Failure::Host { message },
    }
}
