//! The errors of single operations; [`Error`](crate::Error) holds any of them.

use crate::{
    instance::Extern,
    table::Table,
    types::{ExternType, FuncType, GlobalType, MemoryType, TableType},
};
use core::{any::Any, fmt};
use thiserror::Error;
use wasmelt_abi::{CodegenOptions, FuelSchedule};

pub use crate::{error::ErrorKind, limits::LimiterError};
#[cfg(feature = "cache")]
pub use wasmelt_cache::CacheError;
#[cfg(feature = "compile")]
pub use wasmelt_compiler::CompileError;
pub use wasmelt_loader::LoadError;

/// An error type of a host, which ends a guest's call and comes back to the host as it was.
///
/// ```
/// use wasmelt::{Error, errors::HostError};
///
/// #[derive(Debug)]
/// struct OutOfCoffee;
///
/// impl std::fmt::Display for OutOfCoffee {
///     fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
///         f.write_str("out of coffee")
///     }
/// }
///
/// impl HostError for OutOfCoffee {}
///
/// let error = Error::host(OutOfCoffee);
/// assert!(error.downcast_ref::<OutOfCoffee>().is_some());
/// ```
pub trait HostError: 'static + fmt::Display + fmt::Debug + Any + Send + Sync {}

impl dyn HostError {
    /// Whether it is of type `T`.
    #[must_use]
    pub fn is<T: HostError>(&self) -> bool {
        (self as &dyn Any).is::<T>()
    }

    /// The error as type `T`, if it is one.
    #[must_use]
    pub fn downcast_ref<T: HostError>(&self) -> Option<&T> {
        (self as &dyn Any).downcast_ref()
    }

    /// The error as type `T`, if it is one.
    pub fn downcast_mut<T: HostError>(&mut self) -> Option<&mut T> {
        (self as &mut dyn Any).downcast_mut()
    }

    /// The error as type `T`.
    ///
    /// # Errors
    ///
    /// The error itself, if it is of another type.
    pub fn downcast<T: HostError>(self: Box<Self>) -> Result<Box<T>, Box<Self>> {
        if self.is::<T>() {
            let any: Box<dyn Any> = self;
            Ok(any.downcast().expect("the type was just compared"))
        } else {
            Err(self)
        }
    }
}

/// A function's type is not the one that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum FuncError {
    /// There is no exported function of that name.
    #[error("could not find exported function")]
    ExportedFuncNotFound,
    /// A parameter has another type.
    #[error("encountered incorrect function parameter type")]
    MismatchingParameterType,
    /// The number of parameters is another.
    #[error("encountered an incorrect number of parameters")]
    MismatchingParameterLen,
    /// A result has another type.
    #[error("encountered incorrect function result type")]
    MismatchingResultType,
    /// The number of results is another.
    #[error("encountered an incorrect number of results")]
    MismatchingResultLen,
}

/// A global was not set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum GlobalError {
    /// It is immutable.
    #[error("tried to write to immutable global variable")]
    ImmutableWrite,
    /// The value has another type.
    #[error("tried to write value of non-matching type to global variable")]
    TypeMismatch,
}

/// A memory was not created, grown or accessed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum MemoryError {
    /// The operating system had no memory left.
    #[error("tried to allocate more virtual memory than available on the system")]
    OutOfSystemMemory,
    /// It would grow beyond its maximum, or the limiter refused.
    #[error("out of bounds memory growth")]
    OutOfBoundsGrowth,
    /// The access reaches outside it.
    #[error("out of bounds memory access")]
    OutOfBoundsAccess,
    /// There is no such memory type.
    #[error("tried to create an invalid linear memory type")]
    InvalidMemoryType,
    /// The buffer is smaller than the memory's initial size.
    #[error("tried to use too small static buffer")]
    InvalidStaticBufferSize,
    /// The limiter refused.
    #[error("a resource limiter denied to allocate or grow the linear memory")]
    ResourceLimiterDeniedAllocation,
    /// The initial size does not fit in this host's addresses.
    #[error("the minimum size of the memory type overflows the system index type")]
    MinimumSizeOverflow,
    /// The maximum size does not fit in this host's addresses.
    #[error("the maximum size of the memory type overflows the system index type")]
    MaximumSizeOverflow,
    /// The fuel was spent.
    #[error("not enough fuel. required={required_fuel}")]
    OutOfFuel {
        /// How much more was needed.
        required_fuel: u64,
    },
}

impl From<LimiterError> for MemoryError {
    fn from(error: LimiterError) -> Self {
        match error {
            LimiterError::ResourceLimiterDeniedAllocation => Self::ResourceLimiterDeniedAllocation,
        }
    }
}

/// A table was not created, grown or accessed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TableError {
    /// The operating system had no memory left.
    #[error("tried to allocate more virtual memory than available on the system")]
    OutOfSystemMemory,
    /// The initial size does not fit in this host's addresses.
    #[error("the minimum table size overflows the system bounds")]
    MinimumSizeOverflow,
    /// The maximum size does not fit in this host's addresses.
    #[error("the maximum table size overflows the system bounds")]
    MaximumSizeOverflow,
    /// The limiter refused.
    #[error("a resource limiter denied to allocate or grow the table")]
    ResourceLimiterDeniedAllocation,
    /// It would grow beyond its maximum, or the limiter refused.
    #[error("out of bounds table access: `table.growth`")]
    GrowOutOfBounds,
    /// An element segment reaches outside it.
    #[error("out of bounds table access: `table.init`")]
    InitOutOfBounds,
    /// The range to fill reaches outside it.
    #[error("out of bounds table access: `table.fill`")]
    FillOutOfBounds,
    /// The index is outside it.
    #[error("out of bounds table access: `table.set`")]
    SetOutOfBounds,
    /// A range to copy reaches outside a table.
    #[error("out of bounds table access: `table.copy`")]
    CopyOutOfBounds,
    /// The reference is of another type than the elements.
    #[error("encountered mismatching table element type")]
    ElementTypeMismatch,
    /// The fuel was spent.
    #[error("not enough fuel: required={required_fuel}")]
    OutOfFuel {
        /// How much more was needed.
        required_fuel: u64,
    },
}

impl From<LimiterError> for TableError {
    fn from(error: LimiterError) -> Self {
        match error {
            LimiterError::ResourceLimiterDeniedAllocation => Self::ResourceLimiterDeniedAllocation,
        }
    }
}

/// Fuel was asked for or spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum FuelError {
    /// The engine's configuration has no fuel metering.
    #[error("fuel metering is disabled")]
    FuelMeteringDisabled,
    /// The fuel was spent.
    #[error("ran out of fuel: required={required_fuel}")]
    OutOfFuel {
        /// How much more was needed.
        required_fuel: u64,
    },
}

impl FuelError {
    /// [`FuelError::FuelMeteringDisabled`].
    #[must_use]
    pub fn fuel_metering_disabled() -> Self {
        Self::FuelMeteringDisabled
    }

    /// [`FuelError::OutOfFuel`].
    #[must_use]
    pub fn out_of_fuel(required_fuel: u64) -> Self {
        Self::OutOfFuel { required_fuel }
    }
}

/// A stream could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ReadError {
    /// It ended too early.
    #[error("encountered unexpected end of stream")]
    EndOfStream,
    /// Anything else.
    #[error("encountered unknown error")]
    UnknownError,
}

/// The two names of an import.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ImportName {
    module: Box<str>,
    name: Box<str>,
}

impl ImportName {
    pub(crate) fn new(module: &str, name: &str) -> Self {
        Self {
            module: module.into(),
            name: name.into(),
        }
    }

    /// Module name.
    #[must_use]
    pub fn module(&self) -> &str {
        &self.module
    }

    /// Field name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for ImportName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({},{})", self.module, self.name)
    }
}

impl fmt::Debug for ImportName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A name was defined twice, or an import has no fitting definition.
#[derive(Debug, Clone, Error)]
pub enum LinkerError {
    /// The name is defined already.
    #[error("encountered duplicate definition with name `{import_name}`")]
    DuplicateDefinition {
        /// The name.
        import_name: ImportName,
    },
    /// Nothing is defined under the import's name.
    #[error("cannot find definition for import {name} with type {ty:?}")]
    MissingDefinition {
        /// Names of the import.
        name: ImportName,
        /// Its type.
        ty: ExternType,
    },
    /// What is defined under the import's name is of another kind.
    #[error("found definition for import {name} with type {expected:?} but found type {found:?}")]
    InvalidTypeDefinition {
        /// Names of the import.
        name: ImportName,
        /// Its type.
        expected: ExternType,
        /// Type of the definition.
        found: ExternType,
    },
}

/// A module was not instantiated.
#[derive(Debug, Error)]
pub enum InstantiationError {
    /// The number of externs is not that of the imports.
    #[error("mismatched number of imports: expected {expected} but found {actual}")]
    MismatchedNumberOfImports {
        /// Number of imports.
        expected: usize,
        /// Number of externs.
        actual: usize,
    },
    /// The extern is of another kind than the import.
    #[error("mismatched {name} import type: expected {expected:?} but found {actual:?}")]
    ImportTypeMismatch {
        /// Names of the import.
        name: ImportName,
        /// Its type.
        expected: ExternType,
        /// The extern.
        actual: Extern,
    },
    /// The global's type does not match.
    #[error("imported global {name} type mismatch. expected {expected:?} but found {actual:?}")]
    GlobalTypeMismatch {
        /// Names of the import.
        name: ImportName,
        /// Its type.
        expected: GlobalType,
        /// The global's type.
        actual: GlobalType,
    },
    /// The function's type does not match.
    #[error("imported function {name} type mismatch. expected {expected:?} but found {actual:?}")]
    FuncTypeMismatch {
        /// Names of the import.
        name: ImportName,
        /// Its type.
        expected: FuncType,
        /// The function's type.
        actual: FuncType,
    },
    /// The table's type does not match.
    #[error("imported table {name} type mismatch. expected {expected:?} but found {actual:?}")]
    TableTypeMismatch {
        /// Names of the import.
        name: ImportName,
        /// Its type.
        expected: TableType,
        /// The table's type.
        actual: TableType,
    },
    /// The memory's type does not match.
    #[error("imported memory {name} type mismatch. expected {expected:?} but found {actual:?}")]
    MemoryTypeMismatch {
        /// Names of the import.
        name: ImportName,
        /// Its type.
        expected: MemoryType,
        /// The memory's type.
        actual: MemoryType,
    },
    /// The memory has all 65 536 pages, which its import does not declare.
    #[error(
        "imported memory {name} has 65536 pages: a module may import it only if it declares that minimum; \
         give it a smaller memory, or compile the module with `(memory 65536)` as the import's type"
    )]
    MemoryTooLarge {
        /// Names of the import.
        name: ImportName,
    },
    /// The module relies on guard pages, and the memory that it imports has none.
    #[error(
        "imported memory {name} has no guard pages, and the module was compiled to rely on them: \
         compile it with bounds_checks(Explicit)"
    )]
    MemoryStrategyMismatch {
        /// Names of the import.
        name: ImportName,
    },
    /// An active element segment reaches outside its table.
    #[error(
        "out of bounds table access: {table:?} does not fit {len} elements starting from offset \
         {table_index}"
    )]
    ElementSegmentDoesNotFit {
        /// The table.
        table: Table,
        /// Where the segment begins.
        table_index: u64,
        /// How many elements it has.
        len: u32,
    },
    /// The module has a start function, and the engine allows none.
    #[error("found an unexpected start function with index {index}")]
    UnexpectedStartFn {
        /// Function index.
        index: u32,
    },
    /// The store may have no more instances.
    #[error("tried to instantiate too many instances")]
    TooManyInstances,
    /// The store may have no more tables.
    #[error("tried to instantiate too many tables")]
    TooManyTables,
    /// The store may have no more memories.
    #[error("tried to instantiate too many linear memories")]
    TooManyMemories,
    /// The memory was not created.
    #[error("failed to instantiate memory: {0}")]
    FailedToInstantiateMemory(MemoryError),
    /// The table was not created.
    #[error("failed to instantiate table: {0}")]
    FailedToInstantiateTable(TableError),
}

/// An instance was not changed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InstanceError {
    /// A guest of its store runs, or waits in a resumable call.
    #[error(
        "an instance cannot be reset while a guest of its store runs or waits in a resumable call: \
         let the call end, or drop it, first"
    )]
    GuestActive,
    /// Another module imports its memory or table, and relies on more than it has when it is new.
    #[error(
        "an instance cannot be reset whose {what} another module imports that declares more of it: make a new \
         store instead"
    )]
    Shared {
        /// `memory` or `table`.
        what: &'static str,
    },
    /// Its module imports no function of that name.
    #[error("the module imports no function {name}: see Module::imports for what it imports")]
    UnknownImport {
        /// The name that was asked for.
        name: ImportName,
    },
}

impl InstanceError {
    pub(crate) fn unknown_import(module: &str, name: &str) -> Self {
        Self::UnknownImport {
            name: ImportName::new(module, name),
        }
    }
}

/// Functions that make one kind of error of references to its parts.
macro_rules! mismatches {
    ($( $function:ident = $variant:ident($ty:ty, $actual:ty); )*) => {
        impl InstantiationError {
            /// [`InstantiationError::MismatchedNumberOfImports`].
            #[must_use]
            pub fn mismatched_number_of_imports(expected: usize, actual: usize) -> Self {
                Self::MismatchedNumberOfImports { expected, actual }
            }

            $(
                #[doc = concat!("[`InstantiationError::", stringify!($variant), "`].")]
                #[must_use]
                pub fn $function(name: &ImportName, expected: &$ty, actual: &$actual) -> Self {
                    Self::$variant {
                        name: name.clone(),
                        expected: expected.clone(),
                        actual: actual.clone(),
                    }
                }
            )*
        }
    };
}

mismatches! {
    import_type_mismatch = ImportTypeMismatch(ExternType, Extern);
    global_type_mismatch = GlobalTypeMismatch(GlobalType, GlobalType);
    func_type_mismatch = FuncTypeMismatch(FuncType, FuncType);
    table_type_mismatch = TableTypeMismatch(TableType, TableType);
    memory_type_mismatch = MemoryTypeMismatch(MemoryType, MemoryType);
}

/// This host, not the guest, made it impossible to go on.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum HostFailure {
    /// The address space of a guard-page memory could not be reserved.
    #[error(
        "cannot reserve {requested_bytes} bytes of address space for a linear memory: {}; use \
         bounds_checks(Explicit) or bounds_checks(Auto), or raise that limit",
        Limit(*address_space_limit_bytes)
    )]
    Reservation {
        /// How much was asked for.
        requested_bytes: u64,
        /// The limit of this process (`RLIMIT_AS`, `ulimit -v`), if it has one.
        address_space_limit_bytes: Option<u64>,
    },
    /// The operating system refused to map memory.
    #[error(
        "the operating system refused to {operation}: {error}; look at the limits of this process and at free \
         memory"
    )]
    OperatingSystem {
        /// What was asked of it.
        operation: &'static str,
        /// Its error, as text.
        error: String,
    },
    /// A thread's floating-point environment is not the default, which would change results.
    #[error(
        "MXCSR is {found:#06x} where compiled code needs {expected:#06x}: this thread changed the \
         rounding mode, unmasked a floating-point exception or flushes denormals to zero; set MXCSR \
         back before the call"
    )]
    FloatEnvironment {
        /// The bits compiled code needs.
        expected: u32,
        /// The bits found.
        found: u32,
    },
}

struct Limit(Option<u64>);

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(bytes) => write!(f, "RLIMIT_AS (`ulimit -v`) is {bytes} bytes"),
            None => f.write_str(
                "no RLIMIT_AS is set, so the limit is vm.max_map_count, vm.overcommit_memory or \
                 the address space of the machine",
            ),
        }
    }
}

/// A module is valid and can be compiled, and is refused all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TranslationError {
    /// It has a start function, and [`Config::allow_start_fn`](crate::Config::allow_start_fn) allows none.
    #[error("configuration disallows start functions but found one")]
    DisallowedStartFn,
}

/// An option of the configuration that this engine cannot honour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// It says what modules may be, and what was compiled elsewhere does not say whether it is that.
    #[error(
        "what was compiled elsewhere does not say whether it keeps to the option {option}: give Module::new of \
         this engine the wasm, or use an engine without the option"
    )]
    UnknownOfArtifacts {
        /// The method of [`Config`](crate::Config) and its argument.
        option: &'static str,
    },
    /// Something was asked for that needs an option which the engine does not have.
    #[error("this needs an engine with Config::{option}")]
    NotEnabled {
        /// The method of [`Config`](crate::Config) and its argument.
        option: &'static str,
    },
}

/// A module declares more than [`EnforcedLimits`](crate::EnforcedLimits) allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum EnforcedLimitsError {
    /// Too many globals.
    #[error("the module defines more than {limit} globals")]
    TooManyGlobals {
        /// How many it may define.
        limit: u32,
    },
    /// Too many tables.
    #[error("the module defines more than {limit} tables")]
    TooManyTables {
        /// How many it may define.
        limit: u32,
    },
    /// Too many functions.
    #[error("the module defines more than {limit} functions")]
    TooManyFunctions {
        /// How many it may define.
        limit: u32,
    },
    /// Too many memories.
    #[error("the module defines more than {limit} memories")]
    TooManyMemories {
        /// How many it may define.
        limit: u32,
    },
    /// Too many element segments.
    #[error("the module has more than {limit} element segments")]
    TooManyElementSegments {
        /// How many it may have.
        limit: u32,
    },
    /// Too many data segments.
    #[error("the module has more than {limit} data segments")]
    TooManyDataSegments {
        /// How many it may have.
        limit: u32,
    },
    /// Too many parameters of a function type.
    #[error("a function type has more than {limit} parameters")]
    TooManyParameters {
        /// How many it may have.
        limit: usize,
    },
    /// Too many results of a function type.
    #[error("a function type has more than {limit} results")]
    TooManyResults {
        /// How many it may have.
        limit: usize,
    },
    /// Functions are too short on average.
    #[error("functions have {avg} bytes on average, and must have {limit}")]
    MinAvgBytesPerFunction {
        /// How many bytes they must have.
        limit: u32,
        /// How many they have, rounded down.
        avg: u32,
    },
}

/// An artifact is intact, but this engine does not run it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ArtifactError {
    /// It traps by signals, and the engine has `signals(false)`.
    #[error(
        "the artifact was compiled with signals, and this engine has signals(false): compile it \
         with signals(false) too"
    )]
    NeedsSignals {
        /// How it was compiled.
        options: CodegenOptions,
    },
    /// It meters fuel and the engine does not, or the other way round.
    #[error(
        "the artifact was compiled with consume_fuel({}), and this engine has consume_fuel({}): \
         both must be the same: compile it again, or change the engine", .options.fuel, !.options.fuel
    )]
    Metering {
        /// How it was compiled.
        options: CodegenOptions,
    },
    /// It meters fuel by another schedule than the engine, or with other costs.
    #[error(
        "the artifact meters fuel by {found}, and this engine by {expected}: both must have the same \
         operator_cost and fuel_cost, and be of versions of wasmelt with the same schedule"
    )]
    FuelSchedule {
        /// That of the engine.
        expected: FuelSchedule,
        /// That of the artifact.
        found: FuelSchedule,
    },
    /// It cannot be interrupted, and the engine has `interruption(true)`.
    #[error(
        "the artifact was compiled without interruption, and this engine has interruption(true): \
         compile it with interruption(true) too"
    )]
    NoInterruption {
        /// How it was compiled.
        options: CodegenOptions,
    },
    /// It does not count active calls, and the engine limits them.
    #[error(
        "the artifact was compiled without counting active calls, and this engine has \
         set_max_recursion_depth: compile it with set_max_recursion_depth (--call-depth) too"
    )]
    NoCallDepth {
        /// How it was compiled.
        options: CodegenOptions,
    },
}

/// What was given is not what is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InputError {
    /// It is an artifact.
    #[error(
        "the input is an ELF file, not a wasm module: if it is an artifact of wasmelt, call \
         Module::load, which needs to be told why the file is trusted"
    )]
    IsElf,
    /// It is an artifact, but not of the module that was asked for.
    #[error(
        "the artifact is that of another module, or was compiled with other options: delete the cache entry"
    )]
    OtherModule,
}
