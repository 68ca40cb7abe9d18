//! Which functions of the guest were active when a call ended abnormally.

use crate::{demangle::demangle, module::Module};
use core::fmt;
use wasmelt_abi::SourceSymbol;

/// Most frames that are kept of one activation: the innermost ones.
pub(crate) const MAX_FRAMES: usize = 128;

/// Where lines of a backtrace begin that say where a function is.
const PLACE_INDENT: &str = "             ";
/// Where they begin for a function that another one was inlined into.
const NAME_INDENT: &str = "       ";

/// A place in a module's code, as an address found it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CodeAddress {
    /// Index among the functions that the module defines.
    pub(crate) defined_func: usize,
    /// Offset in the function of the instruction; for a caller, of the call's last byte.
    pub(crate) function_offset: u32,
}

/// The active functions of the guest, innermost first.
///
/// Addresses are collected when the call ends; names and offsets are looked up when they are
/// asked for.
#[derive(Clone, Default)]
pub struct WasmBacktrace {
    frames: Vec<(Module, CodeAddress)>,
    is_truncated: bool,
}

impl WasmBacktrace {
    pub(crate) fn new(frames: Vec<(Module, CodeAddress)>, is_truncated: bool) -> Self {
        Self {
            frames,
            is_truncated,
        }
    }

    pub(crate) fn extend(&mut self, outer: Self) {
        self.frames.extend(outer.frames);
        self.is_truncated |= outer.is_truncated;
    }

    /// The frames, with the names that the module has for its functions.
    #[must_use]
    pub fn frames(&self) -> Vec<WasmFrame> {
        self.frames
            .iter()
            .flat_map(|(module, address)| module.symbolize(*address))
            .collect()
    }

    /// The module that each of [`WasmBacktrace::frames`] is in, in their order.
    #[must_use]
    pub fn modules(&self) -> Vec<Module> {
        self.frames
            .iter()
            .flat_map(|(module, address)| {
                let inlined = module.symbolize(*address).len();
                core::iter::repeat_n(module.clone(), inlined)
            })
            .collect()
    }

    /// Whether frames are missing: of each activation the innermost 128 are kept.
    #[must_use]
    pub fn is_truncated(&self) -> bool {
        self.is_truncated
    }
}

impl fmt::Display for WasmBacktrace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("wasm backtrace:")?;
        for (number, frame) in self.frames().iter().enumerate() {
            write!(f, "\n{number:>5}: {frame}")?;
        }
        if self.is_truncated {
            f.write_str("\n       ... more frames")?;
        }
        Ok(())
    }
}

impl fmt::Debug for WasmBacktrace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WasmBacktrace")
            .field("frames", &self.frames())
            .field("is_truncated", &self.is_truncated)
            .finish()
    }
}

/// One active function of the guest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WasmFrame {
    pub(crate) module_name: Option<String>,
    pub(crate) func_index: u32,
    pub(crate) func_name: Option<String>,
    pub(crate) wasm_offset: Option<u32>,
    pub(crate) symbols: Vec<FrameSymbol>,
}

impl WasmFrame {
    /// Name of the module, if it has one.
    #[must_use]
    pub fn module_name(&self) -> Option<&str> {
        self.module_name.as_deref()
    }

    /// Index of the function, imports first.
    #[must_use]
    pub fn func_index(&self) -> u32 {
        self.func_index
    }

    /// Name of the function as the module has it, if it has a name section or exports it.
    #[must_use]
    pub fn func_name(&self) -> Option<&str> {
        self.func_name.as_deref()
    }

    /// Name of the function as its source has it: of symbols of Rust and C++ what they stand for, without
    /// hash; any other name is as [`WasmFrame::func_name`] gives it.
    #[must_use]
    pub fn demangled_func_name(&self) -> Option<String> {
        Some(demangle(self.func_name()?))
    }

    /// Offset in the module of the instruction that was executing.
    #[must_use]
    pub fn wasm_offset(&self) -> Option<u32> {
        self.wasm_offset
    }

    /// What the module's debug information says about the place: more than one where the module's
    /// compiler inlined functions, innermost first. Empty when the module has none, or the artifact was
    /// compiled with [`DebugInfo::None`](crate::DebugInfo::None).
    #[must_use]
    pub fn symbols(&self) -> &[FrameSymbol] {
        &self.symbols
    }
}

/// A function of the source that was active, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrameSymbol {
    name: Option<String>,
    file: Option<String>,
    line: u32,
    column: u32,
}

impl FrameSymbol {
    pub(crate) fn new(symbol: SourceSymbol<'_>) -> Self {
        Self {
            name: symbol.name.map(str::to_owned),
            file: symbol.file.map(str::to_owned),
            line: symbol.line,
            column: symbol.column,
        }
    }

    /// Name of the function, as its linker knows it.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Name of the function as its source has it.
    #[must_use]
    pub fn demangled_name(&self) -> Option<String> {
        Some(demangle(self.name()?))
    }

    /// Path of the file, as the module's compiler knew it.
    #[must_use]
    pub fn file(&self) -> Option<&str> {
        self.file.as_deref()
    }

    /// Line, from 1 on.
    #[must_use]
    pub fn line(&self) -> Option<u32> {
        (self.line != 0).then_some(self.line)
    }

    /// Column, from 1 on.
    #[must_use]
    pub fn column(&self) -> Option<u32> {
        (self.column != 0).then_some(self.column)
    }
}

/// `FILE:LINE:COLUMN`, as much as is known.
impl fmt::Display for FrameSymbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.file().unwrap_or("?"))?;
        for number in [self.line(), self.column()] {
            let Some(number) = number else { break };
            write!(f, ":{number}")?;
        }
        Ok(())
    }
}

impl fmt::Display for WasmFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.wasm_offset {
            Some(offset) => write!(f, "{offset:#x} - ")?,
            None => f.write_str("? - ")?,
        }
        if let Some(module) = &self.module_name {
            write!(f, "{module}!")?;
        }
        // The last symbol is the function itself; those before it were inlined into it.
        if let Some((_, inlined)) = self.symbols.split_last() {
            for symbol in inlined {
                let name = symbol.demangled_name();
                f.write_str(name.as_deref().unwrap_or("<inlined function>"))?;
                write!(f, " (inlined)\n{PLACE_INDENT}at {symbol}\n{NAME_INDENT}")?;
            }
        }
        let function = self.symbols.last();
        let name = self.demangled_func_name();
        match name.or_else(|| function?.demangled_name()) {
            Some(name) => f.write_str(&name)?,
            None => write!(f, "<wasm function {}>", self.func_index)?,
        }
        match function {
            Some(symbol) => write!(f, "\n{PLACE_INDENT}at {symbol}"),
            None => Ok(()),
        }
    }
}
