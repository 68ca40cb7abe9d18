//! The error that every fallible operation returns.

use crate::{
    backtrace::WasmBacktrace,
    errors::{
        ArtifactError, ConfigError, EnforcedLimitsError, FuelError, FuncError, GlobalError,
        HostError, HostFailure, InputError, InstanceError, InstantiationError, LinkerError,
        MemoryError, ReadError, TableError, TranslationError,
    },
};
use core::fmt;
use wasmelt_abi::TrapCode;
use wasmelt_loader::LoadError;

/// Why an operation failed. One pointer wide.
///
/// [`Error::kind`] says what happened; [`Error::backtrace`] says where in the guest, when it
/// happened there. `Display` writes both.
pub struct Error {
    inner: Box<ErrorInner>,
}

struct ErrorInner {
    kind: ErrorKind,
    backtrace: Option<WasmBacktrace>,
    detail: Option<TrapDetail>,
}

/// What is known of a trap beside its code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TrapDetail {
    /// How much more fuel was needed to go on.
    RequiredFuel(u64),
    /// The stack was not exhausted: as many calls were active as may be.
    CallDepth,
}

impl Error {
    #[cold]
    pub(crate) fn from_kind(kind: ErrorKind) -> Self {
        Self {
            inner: Box::new(ErrorInner {
                kind,
                backtrace: None,
                detail: None,
            }),
        }
    }

    /// The trap of a guest that needs so much more fuel.
    #[cold]
    pub(crate) fn out_of_fuel(required_fuel: u64) -> Self {
        let mut error = Self::from(TrapCode::OutOfFuel);
        error.inner.detail = Some(TrapDetail::RequiredFuel(required_fuel));
        error
    }

    /// The trap of a guest of which as many calls are active as may be.
    #[cold]
    pub(crate) fn call_depth_exceeded() -> Self {
        let mut error = Self::from(TrapCode::StackOverflow);
        error.inner.detail = Some(TrapDetail::CallDepth);
        error
    }

    /// An error that is only a message.
    #[cold]
    pub fn new<T: Into<String>>(message: T) -> Self {
        Self::from_kind(ErrorKind::Message(message.into().into_boxed_str()))
    }

    /// A host's own error.
    #[cold]
    pub fn host<E: HostError>(host_error: E) -> Self {
        Self::from_kind(ErrorKind::Host(Box::new(host_error)))
    }

    /// The wish of a guest to end with an exit status.
    #[cold]
    #[must_use]
    pub fn i32_exit(status: i32) -> Self {
        Self::from_kind(ErrorKind::I32ExitStatus(status))
    }

    /// What happened.
    #[must_use]
    pub fn kind(&self) -> &ErrorKind {
        &self.inner.kind
    }

    /// The trap, if the guest trapped.
    #[must_use]
    pub fn as_trap_code(&self) -> Option<TrapCode> {
        self.kind().as_trap_code()
    }

    /// If the guest ran out of fuel, how much more it needed to go on from there: what was charged
    /// less what was left. It is the same number on every machine.
    #[must_use]
    pub fn required_fuel(&self) -> Option<u64> {
        match (self.inner.detail, self.kind()) {
            (Some(TrapDetail::RequiredFuel(required_fuel)), _) => Some(required_fuel),
            (
                _,
                ErrorKind::Fuel(FuelError::OutOfFuel { required_fuel })
                | ErrorKind::Memory(MemoryError::OutOfFuel { required_fuel })
                | ErrorKind::Table(TableError::OutOfFuel { required_fuel }),
            ) => Some(*required_fuel),
            _ => None,
        }
    }

    /// Whether the stack overflowed because as many calls were active as
    /// [`Config::set_max_recursion_depth`](crate::Config::set_max_recursion_depth) allows.
    pub(crate) fn is_call_depth(&self) -> bool {
        self.inner.detail == Some(TrapDetail::CallDepth)
    }

    /// The exit status, if the guest wished to end.
    #[must_use]
    pub fn i32_exit_status(&self) -> Option<i32> {
        self.kind().as_i32_exit_status()
    }

    /// The host's error as type `T`, if it is one.
    #[must_use]
    pub fn downcast_ref<T: HostError>(&self) -> Option<&T> {
        self.kind()
            .as_host()
            .and_then(<dyn HostError>::downcast_ref)
    }

    /// The host's error as type `T`, if it is one.
    pub fn downcast_mut<T: HostError>(&mut self) -> Option<&mut T> {
        self.inner
            .kind
            .as_host_mut()
            .and_then(<dyn HostError>::downcast_mut)
    }

    /// The host's error as type `T`, if it is one.
    #[must_use]
    pub fn downcast<T: HostError>(self) -> Option<T> {
        let error = self.inner.kind.into_host()?.downcast().ok()?;
        Some(*error)
    }

    /// Which functions of the guest were active, innermost first; `None` if the error did not
    /// pass through a guest.
    #[must_use]
    pub fn backtrace(&self) -> Option<&WasmBacktrace> {
        self.inner.backtrace.as_ref()
    }

    /// Adds the frames of one more activation, outside those that are there.
    pub(crate) fn extend_backtrace(&mut self, outer: WasmBacktrace) {
        match &mut self.inner.backtrace {
            Some(backtrace) => backtrace.extend(outer),
            none => *none = Some(outer),
        }
    }
}

impl core::error::Error for Error {}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.inner.kind)
            .field("backtrace", &self.inner.backtrace)
            .finish()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.inner.kind, f)?;
        match self.inner.detail {
            Some(TrapDetail::RequiredFuel(required)) => write!(f, ": {required} more required")?,
            Some(TrapDetail::CallDepth) => f.write_str(": too many active calls")?,
            None => {}
        }
        match &self.inner.backtrace {
            Some(backtrace) => write!(f, "\n{backtrace}"),
            None => Ok(()),
        }
    }
}

macro_rules! error_kinds {
    ($( #[doc = $doc:literal] $(#[cfg($cfg:meta)])? $name:ident($ty:ty), )*) => {
        /// What happened.
        #[derive(Debug)]
        #[non_exhaustive]
        pub enum ErrorKind {
            /// The guest trapped.
            TrapCode(TrapCode),
            /// A message of the host.
            Message(Box<str>),
            /// The guest wished to end with this status.
            I32ExitStatus(i32),
            /// The host's own error.
            Host(Box<dyn HostError>),
            $( #[doc = $doc] $(#[cfg($cfg)])? $name($ty), )*
        }

        impl fmt::Display for ErrorKind {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    Self::TrapCode(code) => fmt::Display::fmt(code, f),
                    Self::Message(message) => f.write_str(message),
                    Self::I32ExitStatus(status) => {
                        write!(f, "exited with i32 exit status {status}")
                    }
                    Self::Host(error) => fmt::Display::fmt(error, f),
                    $( $(#[cfg($cfg)])? Self::$name(error) => fmt::Display::fmt(error, f), )*
                }
            }
        }

        $(
            $(#[cfg($cfg)])?
            impl From<$ty> for Error {
                #[cold]
                fn from(error: $ty) -> Self {
                    Self::from_kind(ErrorKind::$name(error))
                }
            }
        )*
    };
}

error_kinds! {
    /// A global was not set.
    Global(GlobalError),
    /// A memory was not created, grown or accessed.
    Memory(MemoryError),
    /// A table was not created, grown or accessed.
    Table(TableError),
    /// A name was defined twice, or an import has no fitting definition.
    Linker(LinkerError),
    /// A module was not instantiated.
    Instantiation(InstantiationError),
    /// An instance was not changed.
    Instance(InstanceError),
    /// Fuel was asked for or spent.
    Fuel(FuelError),
    /// A function's type is not the one that was asked for.
    Func(FuncError),
    /// A module is not made into code, though nothing is wrong with it.
    Translation(TranslationError),
    /// A stream could not be read.
    Read(ReadError),
    /// This host, not the guest, made it impossible to go on.
    HostFailure(HostFailure),
    /// An option of the configuration cannot be honoured.
    Config(ConfigError),
    /// A module declares more than the engine's configuration allows.
    UserLimits(EnforcedLimitsError),
    /// An artifact is intact, but this engine does not run it.
    Artifact(ArtifactError),
    /// What was given is not what is taken.
    Input(InputError),
    /// An artifact was not loaded.
    Load(LoadError),
    /// A module is malformed or invalid, uses what is not supported or allowed, or cannot be compiled as it was asked.
    #[cfg(feature = "compile")]
    Wasm(wasmelt_compiler::CompileError),
    /// The cache failed.
    #[cfg(feature = "cache")]
    Cache(wasmelt_cache::CacheError),
    /// The text format was not understood.
    #[cfg(feature = "wat")]
    Wat(wat::Error),
}

impl From<TrapCode> for Error {
    #[cold]
    fn from(code: TrapCode) -> Self {
        Self::from_kind(ErrorKind::TrapCode(code))
    }
}

impl ErrorKind {
    /// The trap, if it is one.
    #[must_use]
    pub fn as_trap_code(&self) -> Option<TrapCode> {
        Some(match self {
            Self::TrapCode(code) => *code,
            Self::Fuel(FuelError::OutOfFuel { .. })
            | Self::Memory(MemoryError::OutOfFuel { .. })
            | Self::Table(TableError::OutOfFuel { .. }) => TrapCode::OutOfFuel,
            Self::Memory(MemoryError::OutOfBoundsAccess | MemoryError::OutOfBoundsGrowth) => {
                TrapCode::MemoryOutOfBounds
            }
            Self::Table(TableError::ElementTypeMismatch) => TrapCode::BadSignature,
            Self::Table(
                TableError::SetOutOfBounds
                | TableError::FillOutOfBounds
                | TableError::GrowOutOfBounds
                | TableError::InitOutOfBounds,
            )
            | Self::Instantiation(InstantiationError::ElementSegmentDoesNotFit { .. }) => {
                TrapCode::TableOutOfBounds
            }
            _ => return None,
        })
    }

    /// The exit status, if the guest wished to end.
    #[must_use]
    pub fn as_i32_exit_status(&self) -> Option<i32> {
        match self {
            Self::I32ExitStatus(status) => Some(*status),
            _ => None,
        }
    }

    /// The host's error, if it is one.
    #[must_use]
    pub fn as_host(&self) -> Option<&dyn HostError> {
        match self {
            Self::Host(error) => Some(error.as_ref()),
            _ => None,
        }
    }

    /// The host's error, if it is one.
    pub fn as_host_mut(&mut self) -> Option<&mut dyn HostError> {
        match self {
            Self::Host(error) => Some(error.as_mut()),
            _ => None,
        }
    }

    /// The host's error, if it is one.
    #[must_use]
    pub fn into_host(self) -> Option<Box<dyn HostError>> {
        match self {
            Self::Host(error) => Some(error),
            _ => None,
        }
    }
}

impl core::error::Error for ErrorKind {}

#[cfg(test)]
mod tests {
    use super::Error;
    use wasmelt_abi::TrapCode;

    #[test]
    fn an_error_is_one_pointer_wide() {
        assert_eq!(size_of::<Error>(), size_of::<usize>());
    }

    #[test]
    fn a_trap_is_told_from_a_message() {
        assert_eq!(
            Error::from(TrapCode::BadSignature).as_trap_code(),
            Some(TrapCode::BadSignature)
        );
        let message = Error::new("no");
        assert_eq!(
            (message.as_trap_code(), message.to_string()),
            (None, "no".into())
        );
        assert_eq!(Error::i32_exit(3).i32_exit_status(), Some(3));
    }
}
