//! What a script needs from an engine: compile, instantiate, register, invoke, read a global.
//!
//! [`Engine`] is one engine in one configuration, shared between threads. [`Session`] is one script's world: a store
//! with the host module `spectest`, into which all its modules are instantiated. The place where bytes become a module
//! is [`Session::compile`] alone, so that a backend can take another way there (through an artifact, through objects
//! linked with `cc`) without the runner noticing.

use crate::value::Value;

/// One engine in one configuration.
pub trait Engine: Send + Sync {
    /// Name and configuration, such as `wasmelt/guard/speed`: what `--engine` takes and reports show.
    fn name(&self) -> &str;

    /// A fresh store with `spectest` in it.
    ///
    /// # Errors
    ///
    /// [`Failure::Host`] if the engine cannot be set up on this host.
    fn open(&self) -> Result<Box<dyn Session>, Failure>;
}

/// A compiled module of a [`Session`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ModuleId(pub usize);

/// An instance of a [`Session`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InstanceId(pub usize);

/// The world of one script. Everything instantiated stays alive until the session is dropped.
pub trait Session {
    /// Checks and compiles a binary module.
    ///
    /// # Errors
    ///
    /// [`Failure::Refused`] for a malformed or invalid module.
    fn compile(&mut self, wasm: &[u8]) -> Result<ModuleId, Failure>;

    /// Instantiates a module with the registered instances and `spectest`, and runs its start function.
    ///
    /// # Errors
    ///
    /// [`Failure::Link`] for an import that is missing or of another type, [`Failure::Trap`] and
    /// [`Failure::Exhausted`] for a segment out of bounds or from the start function.
    fn instantiate(&mut self, module: ModuleId) -> Result<InstanceId, Failure>;

    /// Makes the exports of `instance` importable as module `name`.
    ///
    /// # Errors
    ///
    /// [`Failure::Host`] if the engine does not let them be defined.
    fn register(&mut self, instance: InstanceId, name: &str) -> Result<(), Failure>;

    /// Calls an exported function.
    ///
    /// # Errors
    ///
    /// [`Failure::Trap`], [`Failure::Exhausted`], and [`Failure::Host`] for a name or arguments that do not fit.
    fn invoke(
        &mut self,
        instance: InstanceId,
        field: &str,
        args: &[Value],
    ) -> Result<Vec<Value>, Failure>;

    /// Reads an exported global.
    ///
    /// # Errors
    ///
    /// [`Failure::Host`] if there is no such global.
    fn global(&mut self, instance: InstanceId, field: &str) -> Result<Value, Failure>;
}

/// Why an engine did not do what it was asked to. `Display` is what reports show as "got".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The module is malformed or invalid. Engines do not tell the two apart reliably, so neither does the runner.
    #[error("refused: {message}")]
    Refused {
        /// The engine's words.
        message: String,
    },
    /// Imports cannot be satisfied.
    #[error("unlinkable, {}: {message}", kind.spec_message())]
    Link {
        /// In the specification's classes.
        kind: LinkKind,
        /// The engine's words.
        message: String,
    },
    /// The guest trapped.
    #[error("trap: {}", kind.describe(message))]
    Trap {
        /// In the specification's classes.
        kind: TrapKind,
        /// The engine's words.
        message: String,
    },
    /// The call stack is exhausted.
    #[error("exhaustion: {message}")]
    Exhausted {
        /// The engine's words.
        message: String,
    },
    /// Anything else: the script or the engine is at fault, not the guest.
    #[error("host failure: {message}")]
    Host {
        /// The engine's words.
        message: String,
    },
}

impl Failure {
    /// What is compared between two engines: the class, without the engine's own words.
    #[must_use]
    pub fn comparable(&self) -> String {
        match self {
            Self::Refused { .. } => "refused".to_owned(),
            Self::Link { kind, .. } => format!("unlinkable, {}", kind.spec_message()),
            Self::Trap { kind, message } => format!("trap: {}", kind.describe(message)),
            Self::Exhausted { .. } => "exhaustion".to_owned(),
            Self::Host { .. } => "host failure".to_owned(),
        }
    }
}

/// Why a module cannot be linked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkKind {
    /// No such module or no such name in it.
    UnknownImport,
    /// There is one, but its type does not fit.
    IncompatibleImportType,
}

impl LinkKind {
    /// The specification's message.
    #[must_use]
    pub fn spec_message(self) -> &'static str {
        match self {
            Self::UnknownImport => "unknown import",
            Self::IncompatibleImportType => "incompatible import type",
        }
    }
}

/// Why a guest trapped, in the specification's classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrapKind {
    /// `unreachable` was executed.
    Unreachable,
    /// A load, store or data segment outside the memory.
    MemoryOutOfBounds,
    /// A table index or element segment outside the table.
    TableOutOfBounds,
    /// `call_indirect` through an empty table element.
    UninitializedElement,
    /// Division or remainder by zero.
    IntegerDivideByZero,
    /// A quotient or a truncated float that does not fit.
    IntegerOverflow,
    /// Truncation of a NaN.
    InvalidConversion,
    /// `call_indirect` of a function of another type.
    IndirectCallTypeMismatch,
    /// Anything that is not in WebAssembly 1.0: fuel, limiter, host error.
    Other,
}

impl TrapKind {
    /// Every message by which the specification's scripts call this trap. The first one is shown.
    #[must_use]
    pub fn spec_messages(self) -> &'static [&'static str] {
        match self {
            Self::Unreachable => &["unreachable"],
            Self::MemoryOutOfBounds => &["out of bounds memory access"],
            Self::TableOutOfBounds => &["undefined element", "out of bounds table access"],
            Self::UninitializedElement => &["uninitialized element"],
            Self::IntegerDivideByZero => &["integer divide by zero"],
            Self::IntegerOverflow => &["integer overflow"],
            Self::InvalidConversion => &["invalid conversion to integer"],
            Self::IndirectCallTypeMismatch => &[
                "indirect call type mismatch",
                "indirect call signature mismatch",
            ],
            Self::Other => &[],
        }
    }

    /// Whether a script that expects `expected` is satisfied: the actual message starts with the expected one, as in
    /// the reference interpreter. That one also appends the index of an uninitialized element, which may follow here.
    #[must_use]
    pub fn satisfies(self, expected: &str) -> bool {
        let numbered = |message: &str| {
            self == Self::UninitializedElement
                && expected
                    .strip_prefix(message)
                    .and_then(|rest| rest.strip_prefix(' '))
                    .is_some_and(|index| index.parse::<u32>().is_ok())
        };
        self.spec_messages()
            .iter()
            .any(|message| message.starts_with(expected) || numbered(message))
    }

    fn describe(self, message: &str) -> String {
        self.spec_messages()
            .first()
            .map_or_else(|| message.to_owned(), |&known| known.to_owned())
    }
}

/// The message of stack exhaustion in the specification's scripts.
pub const EXHAUSTION_MESSAGE: &str = "call stack exhausted";

#[cfg(test)]
mod tests {
    use super::TrapKind;

    #[test]
    fn trap_message_is_matched_by_prefix() {
        assert!(TrapKind::UninitializedElement.satisfies("uninitialized"));
        assert!(TrapKind::UninitializedElement.satisfies("uninitialized element 7"));
        assert!(!TrapKind::UninitializedElement.satisfies("uninitialized element seven"));
        assert!(!TrapKind::UninitializedElement.satisfies("undefined element"));
        assert!(TrapKind::TableOutOfBounds.satisfies("out of bounds table access"));
        assert!(!TrapKind::MemoryOutOfBounds.satisfies("out of bounds table access"));
        assert!(!TrapKind::IntegerOverflow.satisfies("integer overflow and more"));
    }

    #[test]
    fn unknown_trap_satisfies_nothing() {
        assert!(!TrapKind::Other.satisfies(""));
        assert!(!TrapKind::Other.satisfies("unreachable"));
    }
}
