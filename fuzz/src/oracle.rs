//! What an engine must be able to do to be compared: start a module, call it, show its state.

use std::fmt;

use crate::value::{Type, Value};

/// An engine, in one configuration.
pub trait Engine {
    /// Its name and configuration, for reports.
    fn name(&self) -> &str;

    /// Compiles and instantiates `wasm`.
    ///
    /// Whatever it imports is supplied: a function whose results are a fixed mixture of its name
    /// and arguments, and which writes every call to the session's log (if its name begins with
    /// `grow`, it also grows the exported memory by a page); globals with a value made from their
    /// name; memories and tables as declared.
    ///
    /// # Errors
    ///
    /// Why the module is not running.
    fn start(&self, wasm: &[u8]) -> Result<Box<dyn Session>, Stop>;
}

/// A running module.
pub trait Session {
    /// Exported functions and the types of their parameters, in the order of the exports.
    fn functions(&self) -> Vec<(String, Vec<Type>)>;

    /// Gives so much fuel to the calls from now on, where fuel is metered and a call is not given its own.
    fn set_fuel(&mut self, _fuel: u64) {}

    /// Calls the exported function `name`.
    ///
    /// # Errors
    ///
    /// How the call ended otherwise.
    fn call(&mut self, name: &str, arguments: &[Value]) -> Result<Vec<Value>, Stop>;

    /// Names and values of the exported and the imported globals.
    fn globals(&self) -> Vec<(String, Value)>;

    /// The exported or imported memory, if there is one.
    fn memory(&self) -> Option<&[u8]>;

    /// Number and hash of all calls of imported functions so far.
    fn host_calls(&self) -> (u64, u64);
}

/// How a start or a call ends other than with results.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// A trap that the specification demands: all engines agree on it.
    Trap(Trap),
    /// A limit of this engine: others need not have the same.
    Limit(Limit),
    /// The module is not valid, or the engine does not take it.
    Refused(String),
    /// Anything else.
    Failed(String),
}

/// Traps of the specification; the discriminants are those that both engines' codes have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Trap {
    /// `unreachable` was executed.
    Unreachable = 1,
    /// An access outside of the memory.
    MemoryOutOfBounds = 2,
    /// An index outside of the table.
    TableOutOfBounds = 3,
    /// An element of the table that is not set.
    IndirectCallToNull = 4,
    /// An integer was divided by zero.
    IntegerDivisionByZero = 5,
    /// The smallest integer was divided by −1, or a float does not fit in an integer.
    IntegerOverflow = 6,
    /// A NaN was converted to an integer.
    BadConversionToInteger = 7,
    /// An element of the table with another type.
    BadSignature = 9,
    /// As many calls were active as may be, which is a trap of the specification only where engines count them alike.
    TooManyCalls = 8,
    /// More fuel was charged than there was: no trap of the specification, but of the schedule.
    OutOfFuel = 10,
}

/// Limits that are an engine's own affair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Limit {
    /// Too many calls inside each other.
    StackOverflow,
    /// The host has no memory left, or does not give it.
    OutOfMemory,
}

impl Trap {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Unreachable,
        Self::MemoryOutOfBounds,
        Self::TableOutOfBounds,
        Self::IndirectCallToNull,
        Self::IntegerDivisionByZero,
        Self::IntegerOverflow,
        Self::BadConversionToInteger,
        Self::BadSignature,
        Self::TooManyCalls,
        Self::OutOfFuel,
    ];
}

impl Stop {
    /// Reads the code that both engines use.
    #[must_use]
    pub fn from_code(code: u8) -> Self {
        match code {
            8 => Self::Limit(Limit::StackOverflow),
            11 | 12 => Self::Limit(Limit::OutOfMemory),
            code => match Trap::ALL.into_iter().find(|trap| *trap as u8 == code) {
                Some(trap) => Self::Trap(trap),
                None => Self::Failed(format!("trap code {code}")),
            },
        }
    }
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Trap(trap) => write!(f, "trap {trap:?}"),
            Self::Limit(limit) => write!(f, "limit {limit:?}"),
            Self::Refused(why) => write!(f, "refused: {why}"),
            Self::Failed(why) => write!(f, "failed: {why}"),
        }
    }
}
