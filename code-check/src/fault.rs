//! Says what is wrong with the code, and where.

use std::fmt;
use thiserror::Error;
use wasmelt_abi::{Arch, DecodeError};

macro_rules! rules {
    ($( $(#[$doc:meta])* $name:ident, $text:literal; )*) => {
        /// A rule that machine code must keep.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Rule { $( $(#[$doc])* $name, )* }

        impl Rule {
            /// Every rule.
            pub const ALL: &'static [Rule] = &[ $( Rule::$name, )* ];

            /// What must hold, in words.
            #[must_use]
            pub const fn text(self) -> &'static str {
                match self { $( Rule::$name => $text, )* }
            }
        }
    };
}

rules! {
    /// Bytes that control reaches are one whole instruction of the function.
    Decodes, "what control reaches is an instruction that ends inside its function";
    /// The instruction is one of those that the compiler is known to write.
    KnownInstruction, "only instructions of the list are used, without prefixes for segments, locks or repetition";
    /// The processor that the descriptor asks for has the instruction.
    NamedFeature, "the descriptor names the processor's feature";
    /// No byte is part of two instructions, or of one and of data.
    OneReading, "each byte is part of one instruction or of data, not of both";
    /// A jump stays in its function.
    JumpInside, "a jump stays in its function";
    /// A jump by a register goes through a table behind a bounds check.
    JumpTable, "a jump by a register goes through a table of the function, by an index with a known bound";
    /// Calls go to where functions and stubs begin.
    CallTarget, "a direct call goes to the first byte of a function or a stub";
    /// Calls by a register use what was loaded from a place that holds functions.
    CallPointer, "an indirect call uses what was loaded from an import slot, a table or the libcalls";
    /// The callee gets the vmctx that belongs to it, and a foreign one the caller's.
    CallArgument, "a callee is passed the vmctx that belongs to it";
    /// Loads and stores go through pointers of known origin.
    KnownPointer, "memory is accessed through vmctx, what it points to, the stack, or the linear memory";
    /// Nothing is stored where only the host or nobody writes.
    WritablePlace, "only the linear memory, the frame, mutable globals, fuel and calls left are written";
    /// What is read of the host's structures exists.
    ReadablePlace, "only fields that the module has are read";
    /// Constants in the text are in the function's own part.
    ConstantInside, "constants are read from the function's own bytes";
    /// Frames are accessed inside.
    FrameInside, "the stack is accessed in the function's own frame, or at its own arguments";
    /// The stack pointer is moved by constants.
    StackPointer, "the stack pointer changes by constants, and is the same on every way to a place";
    /// Nothing is left on the stack.
    StackBalance, "a function returns to its caller with the stack pointer that it got";
    /// Calls are made with an aligned stack.
    StackAlignment, "the stack pointer is a multiple of 16 at each call";
    /// Frames are compared with the limit first.
    StackCheck, "what is taken of the stack was compared with the stack limit before";
    /// Registers of the caller are what they were.
    KeptRegisters, "registers that belong to the caller are restored";
    /// Code is of a size that can be judged.
    Effort, "the states of a function settle within a bounded number of steps";
    /// Functions and stubs fill the text.
    Layout, "functions and stubs lie one behind the other, and zeros between them";
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

/// Why machine code is refused, or could not be judged.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CodeFault {
    /// The machine code of this target is not judged.
    #[error("machine code for {arch} is not checked; only x86-64 is supported")]
    Unsupported {
        /// The artifact's target.
        arch: Arch,
    },
    /// The artifact's tables cannot be read; the loader would refuse it as well.
    #[error("the artifact's {part} cannot be read")]
    Malformed {
        /// Which part.
        part: &'static str,
        /// What is wrong with it.
        source: DecodeError,
    },
    /// A function or a stub breaks a rule.
    #[error("{place} at text offset {text_offset:#x}: `{instruction}` breaks the rule: {rule}")]
    Broken {
        /// The function or stub.
        place: Place,
        /// Where the instruction is in the text.
        text_offset: u64,
        /// The instruction as text, or its first bytes when it is none.
        instruction: String,
        /// The rule that it breaks.
        rule: Rule,
    },
}

impl CodeFault {
    /// The broken rule, if that is what is wrong.
    #[must_use]
    pub const fn rule(&self) -> Option<Rule> {
        match self {
            CodeFault::Broken { rule, .. } => Some(*rule),
            _ => None,
        }
    }
}

/// A function or a stub of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Place {
    /// A defined function.
    Function {
        /// Its index, imports counted first.
        index: u32,
        /// Its name, when the artifact has one.
        name: Option<String>,
    },
    /// A stub, by its position behind the functions.
    Stub {
        /// The position.
        position: usize,
    },
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Function { index, name: None } => write!(f, "function {index}"),
            Place::Function {
                index,
                name: Some(name),
            } => write!(f, "function {index} ({name})"),
            Place::Stub { position } => write!(f, "stub {position}"),
        }
    }
}
