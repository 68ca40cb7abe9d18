//! Lists every way in which a compilation can be refused.

use crate::recognise::Container;
use std::fmt;
use thiserror::Error;
use wasmelt_abi::FaultKind;

/// Why a module was not compiled.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CompileError {
    /// The input is something else than a core wasm module.
    #[error("input is {container}, not a wasm module; {}", container.advice())]
    NotWasm {
        /// What it is.
        container: Container,
    },
    /// The module is malformed or invalid.
    #[error("invalid module: {0}")]
    Invalid(InvalidModule),
    /// The module uses a proposal that the preset does not include.
    #[error("{0}")]
    Unsupported(Box<UnsupportedProposal>),
    /// The module has floats, and the options allow none.
    #[error("floats are not allowed: {}", FloatPlace(.operator.as_deref(), *.function, *.offset))]
    Floats {
        /// The operator, in text format, if it is one.
        operator: Option<String>,
        /// Index of the function it is in.
        function: Option<u32>,
        /// Offset in the module.
        offset: usize,
    },
    /// The module breaks a rule of the preset.
    #[error(
        "preset `{preset}` does not allow {rule} (offset {offset:#x}): build the module without it, or choose another \
         preset"
    )]
    PresetRule {
        /// The preset.
        preset: &'static str,
        /// What it forbids.
        rule: &'static str,
        /// Offset in the module.
        offset: usize,
    },
    /// The module exceeds an implementation limit.
    #[error("{what} is {found}, but at most {limit} is supported: make the module smaller")]
    LimitExceeded {
        /// What is too large.
        what: &'static str,
        /// How large it may be.
        limit: u64,
        /// How large it is.
        found: u64,
    },
    /// Two options that exclude each other.
    #[error("{first} cannot be combined with {second}: leave one of them out")]
    OptionsContradict {
        /// One.
        first: &'static str,
        /// The other.
        second: &'static str,
    },
    /// The code generator refused a function.
    #[error(
        "function {function} cannot be compiled: {reason}; please report this with the module, and try \
         optimisation level `none` meanwhile"
    )]
    Codegen {
        /// Function index.
        function: u32,
        /// The code generator's words.
        reason: String,
    },
    /// The artifact could not be written.
    #[error("artifact cannot be laid out: {reason}; please report this with the module")]
    Emit {
        /// Which rule of the format is in the way.
        reason: String,
    },
}

impl CompileError {
    /// Whose fault it is.
    #[must_use]
    pub const fn fault_kind(&self) -> FaultKind {
        match self {
            Self::NotWasm { .. }
            | Self::Invalid(_)
            | Self::Unsupported(_)
            | Self::Floats { .. }
            | Self::PresetRule { .. } => FaultKind::Module,
            Self::LimitExceeded { .. } => FaultKind::Limit,
            // A mistake of whoever configured the compiler, or of the compiler.
            Self::OptionsContradict { .. } | Self::Codegen { .. } | Self::Emit { .. } => {
                FaultKind::Host
            }
        }
    }

    /// Whether every correct compiler refuses this module for the same language, on every machine.
    #[must_use]
    pub const fn is_deterministic(&self) -> bool {
        matches!(self.fault_kind(), FaultKind::Module)
    }
}

/// What has floats: operator, function and offset.
struct FloatPlace<'a>(Option<&'a str>, Option<u32>, usize);

impl fmt::Display for FloatPlace<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(operator, function, offset) = self;
        match operator {
            Some(operator) => write!(f, "`{operator}`")?,
            None => f.write_str("a type")?,
        }
        if let Some(function) = function {
            write!(f, " in function {function}")?;
        }
        write!(f, " (offset {offset:#x})")
    }
}

/// A module that the specification does not accept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidModule {
    /// The broken rule.
    pub message: String,
    /// Offset in the module.
    pub offset: usize,
    /// Index of the function it is in.
    pub function: Option<u32>,
}

impl fmt::Display for InvalidModule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if let Some(function) = self.function {
            write!(f, " in function {function}")?;
        }
        write!(f, " (offset {:#x})", self.offset)
    }
}

/// A module that needs a later proposal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnsupportedProposal {
    /// Name of the proposal.
    pub proposal: &'static str,
    /// The preset that does not include it.
    pub preset: &'static str,
    /// The operator that needs it, in text format.
    pub operator: Option<String>,
    /// Index of the function it is in.
    pub function: Option<u32>,
    /// Offset in the module.
    pub offset: usize,
    /// What the validator said.
    pub message: String,
    /// How to build the module without it.
    pub way_out: &'static str,
}

impl fmt::Display for UnsupportedProposal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "module needs the proposal `{}`, ", self.proposal)?;
        write!(f, "which preset `{}` does not include: ", self.preset)?;
        match &self.operator {
            Some(operator) => write!(f, "`{operator}`")?,
            None => f.write_str(&self.message)?,
        }
        if let Some(function) = self.function {
            write!(f, " in function {function}")?;
        }
        write!(f, " (offset {:#x}); {}", self.offset, self.way_out)
    }
}
