//! Sorts the runtime's errors into exit codes, and puts traps into words.

use crate::failure::{Exit, Failure};
use anyhow::anyhow;
use serde::Serialize;
use wasmelt::{
    Error, FrameSymbol, TrapCode,
    errors::{ErrorKind, HostFailure, InstantiationError, MemoryError},
};

/// A trap, for `--format json`.
#[derive(Debug, Serialize)]
pub(super) struct TrapText {
    message: &'static str,
    kind: &'static str,
    deterministic: bool,
    backtrace: Vec<FrameText>,
}

#[derive(Debug, Serialize)]
struct FrameText {
    module: Option<String>,
    function: u32,
    name: Option<String>,
    offset: Option<u32>,
    /// What the debug information says, functions that were inlined first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    source: Vec<SymbolText>,
}

#[derive(Debug, Serialize)]
struct SymbolText {
    name: Option<String>,
    file: Option<String>,
    line: Option<u32>,
    column: Option<u32>,
}

impl SymbolText {
    fn new(symbol: &FrameSymbol) -> Self {
        Self {
            name: symbol.demangled_name(),
            file: symbol.file().map(str::to_owned),
            line: symbol.line(),
            column: symbol.column(),
        }
    }
}

impl TrapText {
    /// The trap, if the error is one.
    pub(super) fn new(error: &Error) -> Option<Self> {
        let code = error.as_trap_code()?;
        let frames = error.backtrace().map(wasmelt::WasmBacktrace::frames);
        Some(Self {
            message: code.trap_message(),
            kind: code.fault_kind().name(),
            deterministic: code.is_deterministic(),
            backtrace: frames
                .unwrap_or_default()
                .iter()
                .map(|frame| FrameText {
                    module: frame.module_name().map(str::to_owned),
                    function: frame.func_index(),
                    name: frame.func_name().map(str::to_owned),
                    offset: frame.wasm_offset(),
                    source: frame.symbols().iter().map(SymbolText::new).collect(),
                })
                .collect(),
        })
    }
}

/// The failure that an error of the runtime means for a file.
pub(crate) fn failure(file: &str, error: &Error) -> Failure {
    Failure::new(exit(error), file, anyhow!(message(error)))
}

/// The error with all its causes, and the backtrace if it has one.
pub(super) fn message(error: &Error) -> String {
    let cause = match error.kind() {
        ErrorKind::Load(error) => std::error::Error::source(error),
        ErrorKind::Cache(error) => std::error::Error::source(error),
        ErrorKind::HostFailure(HostFailure::Reservation { .. }) => {
            return format!("{error} (here: --bounds explicit)");
        }
        _ => None,
    };
    match cause {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

fn exit(error: &Error) -> Exit {
    if let Some(code) = error.as_trap_code() {
        return match code {
            TrapCode::OutOfSystemMemory => Exit::Host,
            _ => Exit::Guest,
        };
    }
    match error.kind() {
        ErrorKind::Load(error) if error.is_host_failure() => Exit::Host,
        ErrorKind::Instantiation(InstantiationError::FailedToInstantiateMemory(
            MemoryError::OutOfSystemMemory,
        ))
        | ErrorKind::HostFailure(_)
        | ErrorKind::Cache(_) => Exit::Host,
        _ => Exit::Refused,
    }
}

#[cfg(test)]
mod tests {
    use super::exit;
    use crate::failure::Exit;
    use wasmelt::{
        Error, TrapCode,
        errors::{HostFailure, InputError},
    };

    #[test]
    fn kinds_of_errors_have_their_exit_codes() {
        let host = HostFailure::OperatingSystem {
            operation: "map memory",
            error: "no".to_owned(),
        };
        for (error, expected) in [
            (Error::from(TrapCode::IntegerOverflow), Exit::Guest),
            (Error::from(TrapCode::StackOverflow), Exit::Guest),
            (Error::from(TrapCode::OutOfSystemMemory), Exit::Host),
            (Error::from(InputError::IsElf), Exit::Refused),
            (Error::from(host), Exit::Host),
        ] {
            assert_eq!(exit(&error), expected, "{error}");
        }
    }
}
