//! Lists every trap code once: number, message, and whether a node may act on it.

use core::fmt;

/// Whose fault a failure is, or what stood in the way. The kinds never mix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FaultKind {
    /// The guest did it: a trap that the specification defines.
    Guest,
    /// The module is refused: it is malformed, invalid, or asks for what is not there.
    Module,
    /// The artifact is refused: it is damaged, foreign, not trusted, or made for another engine. That says
    /// nothing about its module.
    Artifact,
    /// The host did it: its program, its configuration, its system.
    Host,
    /// A limit was reached that somebody set: on fuel, time, stack, pages, instances.
    Limit,
}

impl FaultKind {
    /// Every kind.
    pub const ALL: &'static [FaultKind] = &[
        FaultKind::Guest,
        FaultKind::Module,
        FaultKind::Artifact,
        FaultKind::Host,
        FaultKind::Limit,
    ];

    /// A word or two for people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            FaultKind::Guest => "guest",
            FaultKind::Module => "module refused",
            FaultKind::Artifact => "artifact refused",
            FaultKind::Host => "host",
            FaultKind::Limit => "limit",
        }
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

macro_rules! trap_codes {
    ($(
        $(#[$doc:meta])*
        $name:ident = $number:literal, $kind:ident, deterministic: $deterministic:literal, $message:literal;
    )*) => {
        /// Why compiled code stopped. The numbers up to 12 are wasmi 2.0's.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum TrapCode {
            $( $(#[$doc])* $name = $number, )*
        }

        impl TrapCode {
            /// Every trap code, in the order of their numbers.
            pub const ALL: &'static [TrapCode] = &[ $( TrapCode::$name, )* ];

            /// One sentence for people, in lowercase, without a full stop.
            #[must_use]
            pub const fn trap_message(&self) -> &'static str {
                match self { $( TrapCode::$name => $message, )* }
            }

            /// Whether every correct engine, on every machine, ends this call in the same way.
            ///
            /// A node may base a decision that other nodes must share (a dispute, a slashing)
            /// only on a deterministic code.
            #[must_use]
            pub const fn is_deterministic(&self) -> bool {
                match self { $( TrapCode::$name => $deterministic, )* }
            }

            /// Whose fault this is.
            #[must_use]
            pub const fn fault_kind(&self) -> FaultKind {
                match self { $( TrapCode::$name => FaultKind::$kind, )* }
            }
        }

        impl TryFrom<u8> for TrapCode {
            type Error = InvalidTrapCode;

            fn try_from(value: u8) -> Result<Self, Self::Error> {
                match value {
                    $( $number => Ok(TrapCode::$name), )*
                    _ => Err(InvalidTrapCode),
                }
            }
        }
    };
}

trap_codes! {
    /// An `unreachable` instruction was executed.
    UnreachableCodeReached = 1, Guest, deterministic: true, "wasm `unreachable` instruction executed";
    /// A load, store or data segment reached outside linear memory.
    MemoryOutOfBounds = 2, Guest, deterministic: true, "out of bounds memory access";
    /// A table index or element segment reached outside the table.
    TableOutOfBounds = 3, Guest, deterministic: true, "undefined element: out of bounds table access";
    /// `call_indirect` met an uninitialised table element.
    IndirectCallToNull = 4, Guest, deterministic: true, "uninitialized element";
    /// Integer division or remainder by zero.
    IntegerDivisionByZero = 5, Guest, deterministic: true, "integer divide by zero";
    /// Signed division overflowed, or a float was out of range for the integer type.
    IntegerOverflow = 6, Guest, deterministic: true, "integer overflow";
    /// A NaN was converted to an integer.
    BadConversionToInteger = 7, Guest, deterministic: true, "invalid conversion to integer";
    /// The native stack was exhausted.
    StackOverflow = 8, Limit, deterministic: false, "call stack exhausted";
    /// `call_indirect` met a function of another type.
    BadSignature = 9, Guest, deterministic: true, "indirect call type mismatch";
    /// The call spent all its fuel.
    OutOfFuel = 10, Limit, deterministic: true, "all fuel consumed by WebAssembly";
    /// The embedder's limiter refused to let a memory or table grow.
    GrowthOperationLimited = 11, Limit, deterministic: true, "growth operation limited";
    /// The operating system had no memory left.
    OutOfSystemMemory = 12, Host, deterministic: false, "out of system memory";
    /// The embedder interrupted the call.
    Interrupted = 13, Limit, deterministic: false, "interrupted by the embedder";
}

impl From<TrapCode> for u8 {
    fn from(code: TrapCode) -> Self {
        code as u8
    }
}

impl fmt::Display for TrapCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.trap_message())
    }
}

impl core::error::Error for TrapCode {}

/// A number that is no [`TrapCode`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidTrapCode;

impl fmt::Display for InvalidTrapCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("invalid trap code")
    }
}

impl core::error::Error for InvalidTrapCode {}

#[cfg(test)]
mod tests {
    use super::TrapCode;

    #[test]
    fn every_number_maps_back_to_its_code() {
        for code in TrapCode::ALL {
            assert_eq!(TrapCode::try_from(*code as u8), Ok(*code));
        }
        assert!(TrapCode::try_from(0).is_err());
        assert!(TrapCode::try_from(u8::MAX).is_err());
    }
}
