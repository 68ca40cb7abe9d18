//! Says why a call failed, and keeps it for the thread until C asks.
#![allow(unsafe_code, reason = "exports functions by unmangled names")]

use crate::export::export;
use crate::live::{Counted, Kind};
use crate::signature::opaque;
use crate::vec::{ByteVec, Out, emptied};
use std::cell::RefCell;
use std::fmt;
use wasmelt::errors::{CompileError, ErrorKind, InstantiationError, MemoryError, TableError};
use wasmelt::{FaultKind, TrapCode};

/// Whose fault a failure is. `wasmelt.h` has the same list in the same order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Fault {
    /// The guest trapped.
    Guest,
    /// The module is refused.
    Module,
    /// The artifact is refused.
    Artifact,
    /// This host, or what the embedder had it do.
    Host,
    /// A limit that the embedder set.
    Limit,
    /// The call is one that the interface does not allow.
    Usage,
    /// An error in wasmelt.
    Bug,
}

/// Why something failed.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    pub(crate) fault: Fault,
    /// Whether every correct engine on every machine fails in the same way.
    pub(crate) is_deterministic: bool,
    pub(crate) code: Option<TrapCode>,
    pub(crate) message: String,
}

impl Failure {
    fn new(fault: Fault, message: impl Into<String>) -> Self {
        Self {
            fault,
            is_deterministic: false,
            code: None,
            message: message.into(),
        }
    }

    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Fault::Usage, message)
    }

    pub(crate) fn null(what: &str) -> Self {
        Self::usage(format!("the {what} is null"))
    }

    pub(crate) fn host(message: impl Into<String>) -> Self {
        Self::new(Fault::Host, message)
    }

    pub(crate) fn artifact(message: impl Into<String>) -> Self {
        Self::new(Fault::Artifact, message)
    }

    pub(crate) fn bug(message: impl Into<String>) -> Self {
        Self::new(Fault::Bug, message)
    }

    /// The same for any of the errors that [`wasmelt::Error`] holds.
    pub(crate) fn of(error: impl Into<wasmelt::Error>) -> Self {
        error.into().into()
    }
}

impl From<wasmelt::Error> for Failure {
    fn from(error: wasmelt::Error) -> Self {
        Self::from(&error)
    }
}

impl From<&wasmelt::Error> for Failure {
    fn from(error: &wasmelt::Error) -> Self {
        Self {
            fault: fault(error),
            is_deterministic: error.is_deterministic(),
            code: error.as_trap_code(),
            message: error.kind().to_string(),
        }
    }
}

/// Whose fault it is. What the crate calls the host's fault is the embedder's, if a call was not what the
/// interface allows.
fn fault(error: &wasmelt::Error) -> Fault {
    match error.fault_kind() {
        // Of the embedder's own calls: those of a guest are traps.
        FaultKind::Guest if matches!(error.kind(), ErrorKind::Memory(_) | ErrorKind::Table(_)) => {
            Fault::Usage
        }
        FaultKind::Guest => Fault::Guest,
        FaultKind::Module => Fault::Module,
        FaultKind::Artifact => Fault::Artifact,
        FaultKind::Limit => Fault::Limit,
        FaultKind::Host => match error.kind() {
            ErrorKind::Memory(MemoryError::OutOfSystemMemory)
            | ErrorKind::Table(TableError::OutOfSystemMemory)
            | ErrorKind::Instantiation(
                InstantiationError::FailedToInstantiateMemory(MemoryError::OutOfSystemMemory)
                | InstantiationError::FailedToInstantiateTable(TableError::OutOfSystemMemory),
            ) => Fault::Host,
            ErrorKind::Global(_)
            | ErrorKind::Linker(_)
            | ErrorKind::Instantiation(_)
            | ErrorKind::Instance(_)
            | ErrorKind::Fuel(_)
            | ErrorKind::Func(_)
            | ErrorKind::Memory(_)
            | ErrorKind::Table(_)
            | ErrorKind::Config(_)
            | ErrorKind::Input(_) => Fault::Usage,
            ErrorKind::Wasm(CompileError::OptionsContradict { .. }) => Fault::Usage,
            _ => Fault::Host,
        },
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

thread_local! {
    static LAST: RefCell<Option<Failure>> = const { RefCell::new(None) };
}

/// Makes it the last error of this thread.
pub(crate) fn set_last(failure: Failure) {
    // At the end of a thread there is nobody left to ask.
    let _ = LAST.try_with(|last| last.replace(Some(failure)));
}

pub(crate) fn take_last() -> Option<Failure> {
    LAST.try_with(|last| last.take()).ok().flatten()
}

/// `wasmelt_error_t`.
pub(crate) struct ErrorObject {
    failure: Failure,
    _counted: Counted,
}

opaque!(ErrorObject);

/// The trap code as C has it: 0 for none.
pub(crate) fn code_number(failure: &Failure) -> u8 {
    failure.code.map_or(0, u8::from)
}

export! { EXPORTS;
    fn wasmelt_last_error() -> Option<Box<ErrorObject>> {
        Ok(take_last().map(|failure| {
            Box::new(ErrorObject { failure, _counted: Counted::new(Kind::Error) })
        }))
    }

    fn wasmelt_error_delete(error: Option<Box<ErrorObject>>) {
        drop(error);
        Ok(())
    }

    fn wasmelt_error_fault(error: Option<&ErrorObject>) -> u8 {
        Ok(error.ok_or_else(|| Failure::null("error"))?.failure.fault as u8)
    }

    fn wasmelt_error_is_deterministic(error: Option<&ErrorObject>) -> bool {
        Ok(error.ok_or_else(|| Failure::null("error"))?.failure.is_deterministic)
    }

    fn wasmelt_error_trap_code(error: Option<&ErrorObject>) -> u8 {
        Ok(code_number(&error.ok_or_else(|| Failure::null("error"))?.failure))
    }

    fn wasmelt_error_message(error: Option<&ErrorObject>, out: Out<'_, ByteVec>) {
        let out = emptied(out, "message")?;
        let message = error.map_or("", |error| &error.failure.message);
        *out = ByteVec::nul_terminated(message);
        Ok(())
    }
}
