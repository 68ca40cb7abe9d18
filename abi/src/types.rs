//! WebAssembly types as artifacts store them (core specification 1.0, section 2.3).

use alloc::vec::Vec;
use core::fmt;

/// Bytes in a wasm page.
pub const WASM_PAGE_SIZE: u32 = 65_536;
/// Pages that a 32-bit memory can have.
pub const MEMORY_MAX_PAGES: u32 = 65_536;
/// Pages that a memory can grow to: an implementation limit, as the specification allows. A memory has more only
/// if its type's minimum says so, and only modules that declare this minimum may import it: the code of
/// others relies on there being nothing in the last page of the 4 GiB.
pub const MEMORY_MAX_GROWN_PAGES: u32 = MEMORY_MAX_PAGES - 1;
/// Elements that a table may have here: an implementation limit, as the specification allows.
pub const TABLE_MAX_ELEMENTS: u32 = 10_000_000;

/// A value type. The numbers are those of the binary format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum ValType {
    /// 32-bit integer.
    I32 = 0x7f,
    /// 64-bit integer.
    I64 = 0x7e,
    /// 32-bit float.
    F32 = 0x7d,
    /// 64-bit float.
    F64 = 0x7c,
}

impl ValType {
    /// The type with this number.
    #[must_use]
    pub const fn from_number(number: u8) -> Option<Self> {
        Some(match number {
            0x7f => ValType::I32,
            0x7e => ValType::I64,
            0x7d => ValType::F32,
            0x7c => ValType::F64,
            _ => return None,
        })
    }
}

impl fmt::Display for ValType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ValType::I32 => "i32",
            ValType::I64 => "i64",
            ValType::F32 => "f32",
            ValType::F64 => "f64",
        })
    }
}

/// A function type. The MVP allows at most one result.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FuncType {
    /// Parameter types.
    pub params: Vec<ValType>,
    /// Result types.
    pub results: Vec<ValType>,
}

/// The type of a global.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct GlobalType {
    /// Type of its value.
    pub content: ValType,
    /// Whether it can be set.
    pub mutable: bool,
}

/// Minimum and optional maximum size: pages for a memory, elements for a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Limits {
    /// Initial size.
    pub min: u32,
    /// Largest size, if declared.
    pub max: Option<u32>,
}

/// What kind of thing is imported or exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum ExternKind {
    /// A function.
    Func = 0,
    /// A table.
    Table = 1,
    /// A linear memory.
    Memory = 2,
    /// A global.
    Global = 3,
}

impl ExternKind {
    /// The kind with this number.
    #[must_use]
    pub const fn from_number(number: u8) -> Option<Self> {
        Some(match number {
            0 => ExternKind::Func,
            1 => ExternKind::Table,
            2 => ExternKind::Memory,
            3 => ExternKind::Global,
            _ => return None,
        })
    }
}
