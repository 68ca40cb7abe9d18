//! Builds debug information for native debuggers and profilers (DWARF 4): lines, functions, and what was
//! inlined where.
//!
//! Of code that has lines of source these are named; of any other code the file is the module, and the
//! line is the offset in it. Nothing of the machine that compiles is in here.

use super::{ArtifactParts, text::FunctionRange};
use crate::{
    VERSION,
    codegen::{CompiledFunction, Place},
    source::Source,
};
use gimli::{
    Encoding, Format, LineEncoding, RunTimeEndian, constants,
    write::{
        Address, AttributeValue, DirectoryId, DwarfUnit, EndianVec, FileId, LineProgram,
        LineString, Range, RangeList, Sections, UnitEntryId,
    },
};
use std::collections::BTreeMap;
use wasmelt_abi::{SectionName, SourceLine};

/// Version 5 would number files from 0, which addr2line of binutils 2.40 does not know.
const ENCODING: Encoding = Encoding {
    format: Format::Dwarf32,
    version: 4,
    address_size: 8,
};

/// Most ranges of inlined code for each place in the code of a function; what is beyond is left out. In what
/// compilers write it is 0.3 at most; alternating between two deep chains would take 64.
const MAX_RANGES_PER_PLACE: usize = 2;

/// The sections that have it, each with its content.
pub(super) type DebugSections = Vec<(SectionName, Vec<u8>)>;

/// Builds the sections for a text at an address.
pub(super) fn build_debug_sections(parts: &ArtifactParts, text_address: u64) -> DebugSections {
    let mut builder = Builder::new(parts, text_address);
    for ((function, range), name) in parts
        .functions
        .iter()
        .zip(&parts.text.functions)
        .zip(&parts.symbol_names)
    {
        builder.push_function(function, *range, name);
    }
    builder.finish()
}

struct Builder<'a> {
    parts: &'a ArtifactParts,
    source: &'a Source,
    text_address: u64,
    dwarf: DwarfUnit,
    /// The module itself as a file.
    module_file: FileId,
    /// Files of the source, by number of their path.
    files: BTreeMap<u32, FileId>,
    directories: BTreeMap<String, DirectoryId>,
    /// Functions that were inlined somewhere, by name.
    origins: BTreeMap<String, UnitEntryId>,
}

/// What tells one inlined function from its neighbours in the same parent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    /// The module's compiler inlined it.
    Scope(u32),
    /// This compiler did: position of the call.
    Call(u32),
}

/// A function that was inlined around a place.
struct Inlined {
    key: Key,
    /// Where the module's code says so; what the call's line is told by where the source has none.
    wasm_offset: u32,
}

/// An entry for what was inlined, and where its code is in the text.
struct Node {
    entry: UnitEntryId,
    ranges: Vec<(u32, u32)>,
}

impl<'a> Builder<'a> {
    fn new(parts: &'a ArtifactParts, text_address: u64) -> Self {
        let mut dwarf = DwarfUnit::new(ENCODING);
        let name = module_file_name(parts.manifest.name.as_deref());
        let mut line_string =
            |text: &str| LineString::new(text.as_bytes(), ENCODING, &mut dwarf.line_strings);
        let (folder, file) = (line_string("."), line_string(&name));
        let mut program = LineProgram::new(
            ENCODING,
            LineEncoding::default(),
            folder,
            None,
            file.clone(),
            None,
        );
        let module_file = program.add_file(file, program.default_directory(), None);
        dwarf.unit.line_program = program;
        let name = dwarf.strings.add(name);
        let folder = dwarf.strings.add(".");
        let producer = dwarf.strings.add(format!("wasmelt {VERSION}"));
        let root = dwarf.unit.get_mut(dwarf.unit.root());
        root.set(
            constants::DW_AT_producer,
            AttributeValue::StringRef(producer),
        );
        root.set(
            constants::DW_AT_language,
            AttributeValue::Language(constants::DW_LANG_C11),
        );
        root.set(constants::DW_AT_name, AttributeValue::StringRef(name));
        root.set(constants::DW_AT_comp_dir, AttributeValue::StringRef(folder));
        set_range(root, text_address, parts.text.bytes.len() as u64);
        Self {
            parts,
            source: &parts.source,
            text_address,
            dwarf,
            module_file,
            files: BTreeMap::new(),
            directories: BTreeMap::new(),
            origins: BTreeMap::new(),
        }
    }

    fn push_function(&mut self, function: &CompiledFunction, range: FunctionRange, name: &str) {
        let root = self.dwarf.unit.root();
        let entry = self.dwarf.unit.add(root, constants::DW_TAG_subprogram);
        let name = self.name(name);
        let address = self.text_address + u64::from(range.offset);
        let subprogram = self.dwarf.unit.get_mut(entry);
        subprogram.set(constants::DW_AT_name, name);
        subprogram.set(constants::DW_AT_external, AttributeValue::Flag(true));
        set_range(subprogram, address, u64::from(range.len_bytes));
        if function.places.is_empty() {
            return;
        }
        self.push_lines(function, address, range.len_bytes);
        self.push_inlined(function, range, entry);
    }

    fn push_lines(&mut self, function: &CompiledFunction, address: u64, len_bytes: u32) {
        let lines: Vec<_> = function
            .places
            .iter()
            .map(|place| (place.offset, self.line(place.wasm_offset)))
            .collect();
        let program = &mut self.dwarf.unit.line_program;
        program.begin_sequence(Some(Address::Constant(address)));
        let mut previous = None;
        for (offset, line) in lines {
            if previous.replace(line) == Some(line) {
                continue;
            }
            let row = program.row();
            row.address_offset = u64::from(offset);
            (row.file, row.line, row.column) = line;
            program.generate_row();
        }
        program.end_sequence(u64::from(len_bytes));
    }

    /// Adds an entry for everything that was inlined into a function.
    fn push_inlined(
        &mut self,
        function: &CompiledFunction,
        range: FunctionRange,
        entry: UnitEntryId,
    ) {
        let mut nodes: Vec<Node> = Vec::new();
        let mut known: BTreeMap<(Option<usize>, Key), usize> = BTreeMap::new();
        let mut left = 64 + MAX_RANGES_PER_PLACE * function.places.len();
        let ends = function.places.iter().skip(1).map(|place| place.offset);
        'places: for (place, end) in function.places.iter().zip(ends.chain([range.len_bytes])) {
            let mut parent = None;
            for inlined in self.inlined_around(function, *place) {
                let node = match known.get(&(parent, inlined.key)) {
                    Some(node) => *node,
                    None => {
                        let around = parent.map_or(entry, |parent: usize| nodes[parent].entry);
                        nodes.push(Node {
                            entry: self.add_inlined(around, function, &inlined),
                            ranges: Vec::new(),
                        });
                        known.insert((parent, inlined.key), nodes.len() - 1);
                        nodes.len() - 1
                    }
                };
                let ranges = &mut nodes[node].ranges;
                match ranges.last_mut() {
                    Some(last) if last.1 == place.offset => last.1 = end,
                    _ => {
                        ranges.push((place.offset, end));
                        left -= 1;
                    }
                }
                parent = Some(node);
                if left == 0 {
                    break 'places;
                }
            }
        }
        for node in nodes {
            self.set_ranges(node.entry, range.offset, &node.ranges);
        }
    }

    /// What was inlined around a place, outermost first.
    fn inlined_around(&self, function: &CompiledFunction, place: Place) -> Vec<Inlined> {
        let mut all = Vec::new();
        let (mut wasm_offset, mut call) = (place.wasm_offset, place.call);
        loop {
            // Scopes of the source in one function of the module; the last one is that function.
            let mut scope = self.source.row(wasm_offset).scope;
            while let Some(number) = scope {
                scope = self.source.scopes[number as usize].parent;
                if scope.is_some() {
                    let key = Key::Scope(number);
                    all.push(Inlined { key, wasm_offset });
                }
            }
            let Some(position) = call else { break };
            let inlined = &function.inlined[position as usize];
            (wasm_offset, call) = (inlined.call_offset, inlined.parent);
            let key = Key::Call(position);
            all.push(Inlined { key, wasm_offset });
        }
        all.reverse();
        all
    }

    fn add_inlined(
        &mut self,
        parent: UnitEntryId,
        function: &CompiledFunction,
        inlined: &Inlined,
    ) -> UnitEntryId {
        let (origin, call) = match inlined.key {
            Key::Scope(number) => {
                let scope = self.source.scopes[number as usize];
                let name = scope.name.map(|name| &*self.source.strings[name as usize]);
                (
                    self.origin(name.unwrap_or("<inlined function>")),
                    self.source_line(scope.call, inlined.wasm_offset),
                )
            }
            Key::Call(position) => {
                let callee = function.inlined[position as usize].function;
                let first = self.parts.manifest.imported_function_count;
                let name = symbol(&self.parts.symbol_names[(callee - first) as usize]);
                (self.origin(&name), self.line(inlined.wasm_offset))
            }
        };
        let (file, line, column) = call;
        let unit = &mut self.dwarf.unit;
        let id = unit.add(parent, constants::DW_TAG_inlined_subroutine);
        let entry = unit.get_mut(id);
        entry.set(
            constants::DW_AT_abstract_origin,
            AttributeValue::UnitRef(origin),
        );
        entry.set(
            constants::DW_AT_call_file,
            AttributeValue::FileIndex(Some(file)),
        );
        entry.set(constants::DW_AT_call_line, AttributeValue::Udata(line));
        if column != 0 {
            entry.set(constants::DW_AT_call_column, AttributeValue::Udata(column));
        }
        id
    }

    /// The entry of a function that was inlined, which has its name.
    fn origin(&mut self, name: &str) -> UnitEntryId {
        if let Some(origin) = self.origins.get(name) {
            return *origin;
        }
        let text = self.dwarf.strings.add(without_zeros(name));
        let root = self.dwarf.unit.root();
        let id = self.dwarf.unit.add(root, constants::DW_TAG_subprogram);
        let entry = self.dwarf.unit.get_mut(id);
        entry.set(constants::DW_AT_name, AttributeValue::StringRef(text));
        entry.set(
            constants::DW_AT_inline,
            AttributeValue::Inline(constants::DW_INL_inlined),
        );
        self.origins.insert(name.to_owned(), id);
        id
    }

    fn set_ranges(&mut self, entry: UnitEntryId, function_offset: u32, ranges: &[(u32, u32)]) {
        let in_text = |offset: u32| u64::from(function_offset) + u64::from(offset);
        if let [(start, end)] = ranges {
            let address = self.text_address + in_text(*start);
            let entry = self.dwarf.unit.get_mut(entry);
            set_range(entry, address, u64::from(end - start));
            return;
        }
        // They count from the unit's first address, that of the text.
        let ranges = ranges.iter().map(|(start, end)| Range::OffsetPair {
            begin: in_text(*start),
            end: in_text(*end),
        });
        let list = self.dwarf.unit.ranges.add(RangeList(ranges.collect()));
        let entry = self.dwarf.unit.get_mut(entry);
        entry.set(constants::DW_AT_ranges, AttributeValue::RangeListRef(list));
    }

    fn name(&mut self, name: &str) -> AttributeValue {
        AttributeValue::StringRef(self.dwarf.strings.add(without_zeros(&symbol(name))))
    }

    /// File, line and column of an offset in the module.
    fn line(&mut self, wasm_offset: u32) -> (FileId, u64, u64) {
        let row = self.source.row(wasm_offset);
        self.source_line(row.line, wasm_offset)
    }

    fn source_line(&mut self, line: SourceLine, wasm_offset: u32) -> (FileId, u64, u64) {
        match line.file {
            Some(path) => (self.file(path), line.line.into(), line.column.into()),
            None => (self.module_file, wasm_offset.into(), 0),
        }
    }

    fn file(&mut self, path: u32) -> FileId {
        if let Some(file) = self.files.get(&path) {
            return *file;
        }
        let text = &self.source.strings[path as usize];
        let (folder, name) = match text.rsplit_once('/') {
            Some((folder, name)) if !folder.is_empty() && !name.is_empty() => (folder, name),
            _ => (".", text.as_str()),
        };
        let strings = &mut self.dwarf.line_strings;
        let mut line_string =
            |text: &str| LineString::new(without_zeros(text).into_bytes(), ENCODING, strings);
        let program = &mut self.dwarf.unit.line_program;
        let directory = *self
            .directories
            .entry(folder.to_owned())
            .or_insert_with(|| program.add_directory(line_string(folder)));
        let file = program.add_file(line_string(name), directory, None);
        self.files.insert(path, file);
        file
    }

    fn finish(mut self) -> DebugSections {
        let mut sections = Sections::new(EndianVec::new(RunTimeEndian::Little));
        if self.dwarf.write(&mut sections).is_err() {
            // Beyond 4 GiB, which the form of its offsets cannot say.
            return Vec::new();
        }
        let mut all = Vec::new();
        let collected = sections.for_each(|id, data| {
            let name = SectionName::ALL
                .iter()
                .find(|name| name.as_str() == id.name());
            if let Some(name) = name
                && !data.slice().is_empty()
            {
                all.push((*name, data.slice().to_vec()));
            }
            Ok::<_, gimli::write::Error>(())
        });
        collected.expect("nothing here fails");
        all
    }
}

/// The name of a function's symbol, without the part that no string table can hold.
fn symbol(name: &str) -> String {
    format!("wasm::{name}")
}

fn without_zeros(text: &str) -> String {
    text.split('\0').next().unwrap_or_default().to_owned()
}

/// What the module is called as a file.
fn module_file_name(name: Option<&str>) -> String {
    let name = without_zeros(name.unwrap_or_default());
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let stem = name.strip_suffix(".wasm").unwrap_or(name);
    let stem = if stem.is_empty() { "module" } else { stem };
    format!("{stem}.wasm")
}

fn set_range(entry: &mut gimli::write::DebuggingInformationEntry, address: u64, len_bytes: u64) {
    entry.set(
        constants::DW_AT_low_pc,
        AttributeValue::Address(Address::Constant(address)),
    );
    entry.set(constants::DW_AT_high_pc, AttributeValue::Udata(len_bytes));
}
