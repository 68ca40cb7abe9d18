//! The contract between a wasmelt artifact and whoever runs it.
//!
//! This crate holds every fact that the compiler, which writes artifacts, and the loader and the
//! runtime, which read and run them, must agree on: the layout of the block that compiled code
//! receives ([`VMContext`]), the list of [`Libcall`]s and [`TrapCode`]s, and the stored formats
//! ([`ModuleDescriptor`], [`Manifest`], trap table, offset map, lines of source). It has no dependency and does no
//! I/O. `docs/artifact-format.md` draws the same formats byte by byte.
//!
//! It is not for embedders: they use the crate `wasmelt`.
//!
//! # Example
//!
//! ```
//! use wasmelt_abi::{TrapCode, VMContext};
//!
//! assert_eq!(VMContext::STACK_LIMIT, 16);
//! assert_eq!(TrapCode::MemoryOutOfBounds as u8, 2);
//! ```
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod bytes;
mod descriptor;
mod elf;
mod fuel_costs;
mod libcall;
mod manifest;
mod offset_map;
mod operators;
mod options;
mod signatures;
mod source_lines;
mod target;
mod trap;
mod trap_table;
mod types;
mod version;
mod vmctx;

pub use bytes::{DecodeError, Reader, Writer};
pub use descriptor::{ModuleDescriptor, SECTION_COUNT, SectionId, SectionRange};
pub use elf::{
    DESCRIPTOR_FILE_OFFSET, DESCRIPTOR_SYMBOL, DYNAMIC_TAGS, PROGRAM_HEADER_COUNT,
    SIGNATURE_BLOCK_LEN_BYTES, SIGNATURE_BLOCK_MAGIC, SectionName,
};
pub use fuel_costs::{
    FUEL_SCHEDULE_VERSION, FuelCosts, FuelSchedule, OperatorCost, UnknownOperator,
};
pub use libcall::{CALL_DEPTH_EXCEEDED, Libcall, VMLibcalls};
pub use manifest::{
    ConstExpr, CustomSection, DataSegment, ElementSegment, Export, Global, ImageInfo, Import,
    Manifest, Memory, Table,
};
pub use offset_map::{InlineFrame, OffsetEntry, OffsetMap, OffsetMapBuilder, SourceFrame};
pub use options::{BoundsStrategy, CodegenOptions, DebugInfo, OptLevel, Preset};
pub use signatures::{
    MAX_SIGNATURE_PAYLOAD_LEN_BYTES, MAX_SIGNATURES, decode_signature_block, encode_signature_block,
};
pub use source_lines::{
    MAX_SOURCE_DEPTH, SourceLine, SourceLines, SourceRow, SourceScope, SourceSymbol,
    encode_source_lines,
};
pub use target::{Arch, CpuFeature, CpuFeatures, CpuLevel};
pub use trap::{FaultKind, InvalidTrapCode, TrapCode};
pub use trap_table::{TrapTable, TrapTableBuilder};
pub use types::{ExternKind, FuncType, GlobalType, Limits, TABLE_MAX_ELEMENTS, ValType};
pub use types::{MEMORY_MAX_GROWN_PAGES, MEMORY_MAX_PAGES, WASM_PAGE_SIZE};
pub use version::{ABI_VERSION, MAGIC};
pub use vmctx::{
    GUARD_IN_FRONT_LEN_BYTES, GUARD_RESERVATION_LEN_BYTES, VMContext, VMFuncRef, VMGlobal,
    VMImportSlot, VMMemory, VMStoreContext, VMTable,
};
