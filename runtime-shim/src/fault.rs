//! Says of every error whose fault it is, and whether every machine would have met it.
//!
//! `docs/errors.md` has the same facts for people; a test compares the two.

use crate::{
    error::{Error, ErrorKind},
    errors::{
        ArtifactError, FuelError, HostFailure, InputError, InstanceError, InstantiationError,
        LinkerError, MemoryError, TableError, TranslationError,
    },
};
use wasmelt_abi::FaultKind;

/// Whose fault something is, and whether every machine would have met it.
type Fault = (FaultKind, bool);

/// What is no statement about the guest.
const HOST: Fault = (FaultKind::Host, false);
const ARTIFACT: Fault = (FaultKind::Artifact, false);
/// What follows from the module, from what it was given, and from limits that were set.
const GUEST: Fault = (FaultKind::Guest, true);
const MODULE: Fault = (FaultKind::Module, true);
const LIMIT: Fault = (FaultKind::Limit, true);

impl Error {
    /// Whose fault it is.
    ///
    /// # Example
    ///
    /// ```
    /// use wasmelt::{Error, FaultKind, TrapCode};
    ///
    /// let error = Error::from(TrapCode::IntegerDivisionByZero);
    /// assert_eq!((error.fault_kind(), error.is_deterministic()), (FaultKind::Guest, true));
    ///
    /// // A native stack has another size elsewhere.
    /// let error = Error::from(TrapCode::StackOverflow);
    /// assert_eq!((error.fault_kind(), error.is_deterministic()), (FaultKind::Limit, false));
    /// ```
    #[must_use]
    pub fn fault_kind(&self) -> FaultKind {
        self.kind().fault_kind()
    }

    /// Whether every correct engine, on every machine, gives this error for the same module, the same
    /// imports and arguments, and the same limits.
    ///
    /// Only such an error may decide what other nodes must decide alike: a dispute, a slashing, a block's
    /// validity. An error that the host itself returned ([`Error::new`], [`Error::host`]) is not
    /// deterministic as far as this crate knows; the host may know better. A stack overflow is
    /// deterministic if the limit of active calls was exceeded
    /// ([`Config::set_max_recursion_depth`](crate::Config::set_max_recursion_depth)).
    #[must_use]
    pub fn is_deterministic(&self) -> bool {
        self.is_call_depth() || self.kind().is_deterministic()
    }
}

impl ErrorKind {
    /// Whose fault it is.
    #[must_use]
    pub fn fault_kind(&self) -> FaultKind {
        self.fault().0
    }

    /// Whether every correct engine, on every machine, gives this error: see
    /// [`Error::is_deterministic`].
    #[must_use]
    pub fn is_deterministic(&self) -> bool {
        self.fault().1
    }

    fn fault(&self) -> Fault {
        match self {
            Self::TrapCode(code) => (code.fault_kind(), code.is_deterministic()),
            Self::I32ExitStatus(_) => GUEST,
            Self::Memory(error) => memory(error),
            Self::Table(error) => table(error),
            Self::Linker(error) => linker(error),
            Self::Instantiation(error) => instantiation(error),
            Self::Fuel(FuelError::OutOfFuel { .. }) | Self::UserLimits(_) => LIMIT,
            Self::HostFailure(
                HostFailure::Reservation { .. }
                | HostFailure::OperatingSystem { .. }
                | HostFailure::FloatEnvironment { .. },
            )
            // What the host returned, or did wrong.
            | Self::Message(_)
            | Self::Host(_)
            | Self::Global(_)
            | Self::Instance(InstanceError::GuestActive | InstanceError::Shared { .. } | InstanceError::UnknownImport { .. })
            | Self::Func(_)
            | Self::Read(_)
            | Self::Config(_)
            | Self::Fuel(FuelError::FuelMeteringDisabled) => HOST,
            Self::Artifact(
                ArtifactError::NeedsSignals { .. }
                | ArtifactError::Metering { .. }
                | ArtifactError::FuelSchedule { .. }
                | ArtifactError::NoCallDepth { .. }
                | ArtifactError::NoInterruption { .. },
            )
            | Self::Input(InputError::OtherModule) => ARTIFACT,
            Self::Input(InputError::IsElf)
            | Self::Translation(TranslationError::DisallowedStartFn) => MODULE,
            Self::Load(error) => (error.fault_kind(), false),
            #[cfg(feature = "compile")]
            Self::Wasm(error) => (error.fault_kind(), error.is_deterministic()),
            #[cfg(feature = "cache")]
            Self::Cache(_) => HOST,
            #[cfg(feature = "wat")]
            Self::Wat(_) => MODULE,
        }
    }
}

const fn memory(error: &MemoryError) -> Fault {
    match error {
        MemoryError::OutOfBoundsAccess => GUEST,
        MemoryError::OutOfBoundsGrowth
        | MemoryError::ResourceLimiterDeniedAllocation
        | MemoryError::OutOfFuel { .. } => LIMIT,
        MemoryError::OutOfSystemMemory
        | MemoryError::InvalidMemoryType
        | MemoryError::InvalidStaticBufferSize
        | MemoryError::MinimumSizeOverflow
        | MemoryError::MaximumSizeOverflow => HOST,
    }
}

const fn table(error: &TableError) -> Fault {
    match error {
        TableError::InitOutOfBounds
        | TableError::FillOutOfBounds
        | TableError::SetOutOfBounds
        | TableError::CopyOutOfBounds
        | TableError::ElementTypeMismatch => GUEST,
        TableError::GrowOutOfBounds
        | TableError::ResourceLimiterDeniedAllocation
        | TableError::OutOfFuel { .. } => LIMIT,
        TableError::OutOfSystemMemory
        | TableError::MinimumSizeOverflow
        | TableError::MaximumSizeOverflow => HOST,
    }
}

const fn linker(error: &LinkerError) -> Fault {
    match error {
        LinkerError::DuplicateDefinition { .. } => HOST,
        LinkerError::MissingDefinition { .. } | LinkerError::InvalidTypeDefinition { .. } => MODULE,
    }
}

const fn instantiation(error: &InstantiationError) -> Fault {
    match error {
        InstantiationError::MismatchedNumberOfImports { .. } => HOST,
        InstantiationError::ImportTypeMismatch { .. }
        | InstantiationError::GlobalTypeMismatch { .. }
        | InstantiationError::FuncTypeMismatch { .. }
        | InstantiationError::TableTypeMismatch { .. }
        | InstantiationError::MemoryTypeMismatch { .. }
        | InstantiationError::UnexpectedStartFn { .. } => MODULE,
        // Other code of the same module could be instantiated.
        InstantiationError::MemoryTooLarge { .. }
        | InstantiationError::MemoryStrategyMismatch { .. } => ARTIFACT,
        InstantiationError::ElementSegmentDoesNotFit { .. } => GUEST,
        InstantiationError::TooManyInstances
        | InstantiationError::TooManyTables
        | InstantiationError::TooManyMemories => LIMIT,
        InstantiationError::FailedToInstantiateMemory(error) => memory(error),
        InstantiationError::FailedToInstantiateTable(error) => table(error),
    }
}

#[cfg(test)]
mod tests;
