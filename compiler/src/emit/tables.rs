//! Builds the tables that describe the text: functions, traps, offsets, names.

use super::{ArtifactParts, text::FunctionRange};
use wasmelt_abi::{OffsetMapBuilder, TrapTableBuilder, Writer};

/// The tables in their stored form.
pub(super) struct Tables {
    pub manifest: Vec<u8>,
    pub functions: Vec<u8>,
    pub traps: Vec<u8>,
    pub offsets: Vec<u8>,
    pub names: Vec<u8>,
}

/// Builds all tables for functions at these places, defined ones before stubs.
pub(super) fn build_tables(
    parts: &ArtifactParts,
    functions: &[FunctionRange],
    stubs: &[FunctionRange],
) -> Tables {
    let mut function_table = Writer::new();
    let mut offsets = OffsetMapBuilder::default();
    for (function, range) in parts.functions.iter().zip(functions) {
        function_table.u32(range.offset);
        function_table.u32(range.len_bytes);
        offsets.begin_function();
        for (offset, wasm_offset) in &function.offsets {
            offsets.push(*offset, *wasm_offset, None);
        }
    }
    let mut traps = TrapTableBuilder::default();
    for (function, range) in parts.functions.iter().zip(functions.iter().chain(stubs)) {
        for (offset, code) in &function.traps {
            traps.push(range.offset + offset, *code);
        }
    }
    let mut names = Writer::new();
    names.count(parts.names.len());
    for (index, name) in &parts.names {
        names.u32(*index);
        names.bytes(name.as_bytes());
    }
    Tables {
        manifest: parts.manifest.encode(),
        functions: function_table.finish(),
        traps: traps.finish(),
        offsets: offsets.finish(),
        names: names.finish(),
    }
}
