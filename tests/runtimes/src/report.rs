//! Says what calling a runtime gave, in terms that both engines share.

use thiserror::Error;

use crate::state::{HostError, HostKind};
use crate::trace::Trace;

/// How to call an export.
#[derive(Debug, Clone, Copy)]
pub struct CallOptions {
    /// Which host answers.
    pub kind: HostKind,
    /// Most pages that the host grows the memory to.
    pub max_pages: Option<u32>,
}

impl CallOptions {
    /// A call with this host and no limit but the memory's own.
    #[must_use]
    pub const fn new(kind: HostKind) -> Self {
        Self {
            kind,
            max_pages: None,
        }
    }
}

/// What a call gave, and what happened on the way.
#[derive(Debug)]
pub struct CallReport {
    /// The bytes it returned.
    pub result: Result<Vec<u8>, CallError>,
    /// Every host call.
    pub trace: Trace,
    /// Pages of the memory in the end.
    pub pages: u32,
    /// What was logged and printed.
    pub messages: Vec<String>,
}

/// Why a call gave no bytes.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CallError {
    /// There is no such function, or it has another type than entry points have.
    #[error("no entry point {name} of type (i32, i32) -> i64")]
    NoEntryPoint {
        /// What was asked for.
        name: String,
    },
    /// The guest trapped; the name of the trap's code, which both engines share.
    #[error("trap: {0}")]
    Trap(String),
    /// The host ended the call.
    #[error("host: {0}")]
    Host(#[source] HostError),
    /// The engine failed in another way.
    #[error("engine: {0}")]
    Engine(String),
}

/// Why a runtime cannot be instantiated with this host.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SetupError {
    /// It imports something else than functions and the memory.
    #[error("import {name} is neither a function nor the memory")]
    Import {
        /// The import's name.
        name: String,
    },
    /// It imports a host function with another type than it has.
    #[error("import {name} has the type {found}, but the host function has {expected}")]
    ImportType {
        /// The import's name.
        name: String,
        /// The host function's type.
        expected: String,
        /// The import's type.
        found: String,
    },
    /// It has no exported memory and imports none.
    #[error("there is no memory")]
    NoMemory,
    /// It does not say where its heap starts.
    #[error("there is no exported i32 global __heap_base")]
    NoHeapBase,
    /// The engine refused it.
    #[error("engine: {0}")]
    Engine(String),
}
