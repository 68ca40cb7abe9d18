//! Builds the tables that describe the text: functions, traps, offsets, names, lines of source.

use super::{ArtifactParts, text::FunctionRange};
use crate::{codegen::CompiledFunction, translate::Stub};
use wasmelt_abi::{
    InlineFrame, OffsetEntry, OffsetMapBuilder, SourceRow, TrapTableBuilder, Writer,
    encode_source_lines,
};

/// The tables in their stored form.
pub(super) struct Tables {
    pub manifest: Vec<u8>,
    pub functions: Vec<u8>,
    pub traps: Vec<u8>,
    pub offsets: Vec<u8>,
    pub names: Names,
    pub lines: Vec<u8>,
}

/// The names, which are stored once for backtraces and for the symbols of debuggers.
pub(super) struct Names {
    /// What function has which of the strings, then the strings.
    pub section: Vec<u8>,
    /// Where the strings begin, in the form of an ELF string table.
    pub strings_offset: usize,
    /// Where in the strings the symbol of each function and stub begins.
    pub symbols: Vec<u32>,
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
    Tables {
        manifest: parts.manifest.encode(),
        functions: function_table.finish(),
        traps: traps.finish(),
        offsets: offsets.finish(),
        names: build_names(parts),
        lines: build_lines(parts),
    }
}

fn build_names(parts: &ArtifactParts) -> Names {
    let mut entries = Writer::new();
    entries.count(parts.names.len());
    // A string table begins and ends with a zero.
    let mut strings = vec![0];
    // Where the string begins, and the text in it.
    let mut push = |prefix: &str, text: &str| {
        let start = strings.len();
        strings.extend_from_slice(prefix.as_bytes());
        strings.extend_from_slice(text.as_bytes());
        strings.push(0);
        [start, start + prefix.len()]
            .map(|at| u32::try_from(at).expect("names are part of a module, which is below 4 GiB"))
    };
    let mut enter = |index, start, name: &str| {
        entries.u32(index);
        entries.u32(start);
        entries.count(name.len());
    };
    let imported = parts.manifest.imported_function_count;
    let mut named = parts.names.iter().peekable();
    while let Some((index, name)) = named.next_if(|(index, _)| *index < imported) {
        let [_, text_start] = push("", name);
        enter(*index, text_start, name);
    }
    let mut symbols = Vec::with_capacity(parts.symbol_names.len() + Stub::ALL.len());
    for (index, symbol_name) in (imported..).zip(&parts.symbol_names) {
        let name = named.next_if(|(named, _)| *named == index);
        let text = name.map_or(symbol_name, |(_, name)| name);
        let [start, text_start] = push("wasm::", text);
        symbols.push(start);
        if name.is_some() {
            enter(index, text_start, text);
        }
    }
    for stub in Stub::ALL {
        let [start, _] = push("", &stub.name());
        symbols.push(start);
    }
    let mut section = entries;
    let strings_offset = section.len_bytes();
    section.raw(&strings);
    Names {
        section: section.finish(),
        strings_offset,
        symbols,
    }
}

/// Lines of source for every offset that is in the offset map; empty when none has one.
fn build_lines(parts: &ArtifactParts) -> Vec<u8> {
    let source = &parts.source;
    let mut offsets: Vec<u32> = parts
        .functions
        .iter()
        .flat_map(|function| {
            let sites = function.offsets.iter().map(|site| site.wasm_offset);
            sites.chain(function.inlined.iter().map(|call| call.call_offset))
        })
        .collect();
    offsets.sort_unstable();
    offsets.dedup();
    let mut previous = SourceRow::default();
    let rows: Vec<(u32, SourceRow)> = offsets
        .into_iter()
        .map(|offset| (offset, source.row(offset)))
        .filter(|(_, row)| std::mem::replace(&mut previous, *row) != *row)
        .collect();
    if rows.is_empty() {
        return Vec::new();
    }
    encode_source_lines(&source.strings, &source.scopes, rows)
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
