//! Builds the tables that describe the text: functions, traps, offsets, names.

use super::{ArtifactParts, text::FunctionRange};
use crate::codegen::CompiledFunction;
use wasmelt_abi::{InlineFrame, OffsetEntry, OffsetMapBuilder, TrapTableBuilder, Writer};

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
    let mut offsets = OffsetMapBuilder::new(parts.options.codegen.fuel);
    for (function, range) in parts.functions.iter().zip(functions) {
        function_table.u32(range.offset);
        function_table.u32(range.len_bytes);
        offsets.begin_function();
        push_offsets(&mut offsets, function);
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

/// Adds a function's offsets, and those of its inlined calls that an offset refers to.
fn push_offsets(offsets: &mut OffsetMapBuilder, function: &CompiledFunction) {
    let mut is_used = vec![false; function.inlined.len()];
    for site in &function.offsets {
        let mut call = site.call;
        while let Some(position) = call
            && !std::mem::replace(&mut is_used[position as usize], true)
        {
            call = function.inlined[position as usize].parent;
        }
    }
    let mut nodes: Vec<Option<u32>> = Vec::with_capacity(function.inlined.len());
    for (inlined, is_used) in function.inlined.iter().zip(is_used) {
        let node = is_used.then(|| {
            offsets.push_inline_frame(InlineFrame {
                func_index: inlined.function,
                call_wasm_offset: inlined.call_offset,
                parent: inlined.parent.and_then(|parent| nodes[parent as usize]),
            })
        });
        nodes.push(node);
    }
    for site in &function.offsets {
        offsets.push(OffsetEntry {
            function_offset: site.offset,
            wasm_offset: site.wasm_offset,
            node: site.call.and_then(|call| nodes[call as usize]),
            pending_fuel: site.pending_fuel,
        });
    }
}
