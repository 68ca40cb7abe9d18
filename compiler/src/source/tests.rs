//! Good, damaged and hostile debug information.

use super::{Source, find_source};
use crate::{compile, options::CompileOptions, wasm::parse_module};
use gimli::{
    Encoding, Format, LineEncoding, LittleEndian, constants,
    write::{
        Address, AttributeValue, DwarfUnit, EndianVec, LineProgram, LineString, Range, RangeList,
        Sections, UnitEntryId,
    },
};
use std::{ops::Range as Offsets, slice::from_ref};
use wasmelt_abi::{Arch, DebugInfo, MAX_SOURCE_DEPTH, ModuleDescriptor, SectionId, SourceLines};

/// Debug information: sections by name.
type Debug = Vec<(&'static str, Vec<u8>)>;

const MODULE: &str = r#"(module
    (func (param i32) (result i32)
        local.get 0 i32.const 1 i32.add
        local.get 0 i32.mul
        local.get 0 i32.sub)
    (func (result i32)
        i32.const 12 call 0
        i32.const 13 call 0
        i32.add))"#;

/// The module, and the addresses of its functions: offsets from the start of the code section.
struct Program {
    wasm: Vec<u8>,
    functions: [Offsets<u64>; 2],
}

impl Program {
    fn new() -> Self {
        Self::parse(MODULE)
    }

    /// A module of two functions.
    fn parse(text: &str) -> Self {
        let wasm = wat::parse_str(text).expect("it is text");
        let module = parse_module(&wasm, &CompileOptions::for_target(Arch::X86_64));
        let module = module.expect("it is valid");
        let range = |index: usize| {
            let range = module.bodies[index].range();
            (range.start - module.code_start) as u64..(range.end - module.code_start) as u64
        };
        let functions = [range(0), range(1)];
        Self { wasm, functions }
    }

    /// What is found out about addresses.
    fn find(&self, debug: &Debug, addresses: &[u64]) -> Source {
        let options = CompileOptions::for_target(Arch::X86_64);
        let mut module = parse_module(&self.wasm, &options).expect("it is valid");
        module.debug_sections = debug
            .iter()
            .map(|(name, bytes)| (*name, bytes.as_slice()))
            .collect();
        let start = module.code_start as u64;
        let offset = |address: &u64| u32::try_from(start + address).expect("it is short");
        find_source(&module, addresses.iter().map(offset).collect())
    }

    /// An artifact of the module with debug information.
    fn compile(&self, debug: &Debug, kept: DebugInfo) -> Vec<u8> {
        let mut wasm = self.wasm.clone();
        for (name, bytes) in debug {
            push_custom_section(&mut wasm, name, bytes);
        }
        let mut options = CompileOptions::for_target(Arch::X86_64);
        options.codegen.debug_info = kept;
        options.threads = 1;
        let compiled = compile(&wasm, &options).expect("it is valid");
        compiled.shared_object()
    }

    /// For every address `FUNCTION FILE:LINE`, functions that were inlined first.
    fn describe(&self, debug: &Debug, addresses: &[u64]) -> Vec<String> {
        let source = self.find(debug, addresses);
        assert_eq!(source.ignored, None);
        let string = |number: Option<u32>| match number {
            Some(number) => source.strings[number as usize].as_str(),
            None => "?",
        };
        let rows = source.rows.iter().map(|row| {
            let mut parts = Vec::new();
            let (mut line, mut next) = (row.line, row.scope);
            while let Some(number) = next {
                let scope = source.scopes[number as usize];
                let name = string(scope.name);
                parts.push(format!("{name} {}:{}", string(line.file), line.line));
                (line, next) = (scope.call, scope.parent);
            }
            parts.join(", ")
        });
        rows.collect()
    }
}

/// Debug information as a compiler writes it, in a version of DWARF.
struct Writer {
    dwarf: DwarfUnit,
    root: UnitEntryId,
}

impl Writer {
    fn new(version: u16) -> Self {
        let encoding = Encoding {
            format: Format::Dwarf32,
            version,
            address_size: 4,
        };
        let mut dwarf = DwarfUnit::new(encoding);
        let mut text =
            |text: &str| LineString::new(text.as_bytes(), encoding, &mut dwarf.line_strings);
        let folder = text("/src");
        let file = text("main.c");
        let mut program =
            LineProgram::new(encoding, LineEncoding::default(), folder, None, file, None);
        let include = program.add_directory(text("include"));
        program.add_file(text("main.c"), program.default_directory(), None);
        program.add_file(text("twice.h"), include, None);
        dwarf.unit.line_program = program;
        let root = dwarf.unit.root();
        let folder = dwarf.strings.add("/src");
        let entry = dwarf.unit.get_mut(root);
        entry.set(constants::DW_AT_comp_dir, AttributeValue::StringRef(folder));
        entry.set(
            constants::DW_AT_low_pc,
            AttributeValue::Address(Address::Constant(0)),
        );
        Self { dwarf, root }
    }

    /// A sequence of rows: distance from its start, name of the file, line.
    fn lines(&mut self, start: u64, rows: &[(u64, &str, u64)], len_bytes: u64) {
        let strings = &self.dwarf.line_strings;
        let program = &mut self.dwarf.unit.line_program;
        program.begin_sequence(Some(Address::Constant(start)));
        for (offset, name, line) in rows {
            let file = program
                .files()
                .find(|(_, file, _)| file.get(&self.dwarf.strings, strings) == name.as_bytes())
                .expect("the file was added")
                .0;
            let row = program.row();
            (row.address_offset, row.file, row.line) = (*offset, file, *line);
            program.generate_row();
        }
        program.end_sequence(len_bytes);
    }

    fn function(&mut self, name: &str, range: Offsets<u64>) -> UnitEntryId {
        let name = self.dwarf.strings.add(name);
        let id = self.dwarf.unit.add(self.root, constants::DW_TAG_subprogram);
        let entry = self.dwarf.unit.get_mut(id);
        entry.set(constants::DW_AT_name, AttributeValue::StringRef(name));
        if !range.is_empty() {
            let low = Address::Constant(range.start);
            entry.set(constants::DW_AT_low_pc, AttributeValue::Address(low));
            let len_bytes = range.end - range.start;
            entry.set(constants::DW_AT_high_pc, AttributeValue::Udata(len_bytes));
        }
        id
    }

    fn inlined(
        &mut self,
        parent: UnitEntryId,
        origin: UnitEntryId,
        line: u64,
        ranges: &[Offsets<u64>],
    ) -> UnitEntryId {
        let id = self
            .dwarf
            .unit
            .add(parent, constants::DW_TAG_inlined_subroutine);
        let list = ranges.iter().map(|range| Range::OffsetPair {
            begin: range.start,
            end: range.end,
        });
        let list = self.dwarf.unit.ranges.add(RangeList(list.collect()));
        let entry = self.dwarf.unit.get_mut(id);
        for (attribute, value) in [
            (
                constants::DW_AT_abstract_origin,
                AttributeValue::UnitRef(origin),
            ),
            (constants::DW_AT_ranges, AttributeValue::RangeListRef(list)),
            (constants::DW_AT_call_line, AttributeValue::Udata(line)),
        ] {
            entry.set(attribute, value);
        }
        id
    }

    fn finish(mut self) -> Debug {
        let mut sections = Sections::new(EndianVec::new(LittleEndian));
        self.dwarf.write(&mut sections).expect("it is short");
        let mut debug = Vec::new();
        sections
            .for_each(|id, bytes| {
                debug.push((id.name(), bytes.slice().to_vec()));
                Ok::<_, gimli::write::Error>(())
            })
            .expect("nothing fails");
        debug
    }
}

/// Function 0 is `twice`, partly inlined in function 1, `main`; beside it there is what a linker dropped.
fn example(program: &Program, version: u16) -> Debug {
    let [twice, main] = program.functions.clone();
    let mut writer = Writer::new(version);
    writer.lines(
        twice.start,
        &[(0, "twice.h", 3), (5, "twice.h", 4)],
        twice.end - twice.start,
    );
    writer.lines(
        main.start,
        &[(0, "main.c", 10), (3, "twice.h", 7), (6, "main.c", 11)],
        main.end - main.start,
    );
    // Dropped by older linkers, and by newer ones.
    writer.lines(0, &[(0, "main.c", 90)], 100);
    writer.lines(u64::from(u32::MAX) - 200, &[(0, "main.c", 91)], 100);
    writer.function("twice", twice);
    let origin = writer.function("helper", 0..0);
    let outer = writer.function("main", main.clone());
    let inlined = [main.start + 3..main.start + 6, main.end - 1..main.end];
    let middle = writer.inlined(outer, origin, 12, &inlined);
    // It claims more than what it lies in.
    let deepest = writer.function("deepest", 0..0);
    writer.inlined(middle, deepest, 13, from_ref(&(main.start..main.start + 5)));
    let dropped = writer.function("dropped", 0..100);
    writer.inlined(dropped, origin, 92, from_ref(&(1..90)));
    writer.finish()
}

#[test]
fn lines_and_inlined_functions_are_found_in_both_versions() {
    let program = Program::new();
    let [twice, main] = program.functions.clone();
    for version in [4, 5] {
        let debug = example(&program, version);
        let addresses = [
            twice.start,
            twice.start + 6,
            main.start,
            main.start + 4,
            main.start + 5,
            main.start + 6,
        ];
        assert_eq!(
            program.describe(&debug, &addresses),
            [
                "twice /src/include/twice.h:3",
                "twice /src/include/twice.h:4",
                "main /src/main.c:10",
                "deepest /src/include/twice.h:7, helper ?:13, main ?:12",
                "helper /src/include/twice.h:7, main ?:12",
                "main /src/main.c:11",
            ],
            "DWARF {version}"
        );
    }
}

#[test]
fn debug_information_of_other_code_is_ignored() {
    let program = Program::new();
    let [twice, main] = program.functions.clone();
    let mut writer = Writer::new(4);
    writer.lines(twice.start + 2, &[(0, "main.c", 3)], 3);
    writer.function("moved", main.start + 1..main.end);
    let source = program.find(&writer.finish(), &[twice.start + 3]);
    assert_eq!(source.ignored.as_deref(), Some("it describes other code"));
    assert!(source.strings.is_empty() && source.rows.is_empty());
}

#[test]
fn damaged_debug_information_costs_lines_and_nothing_else() {
    let program = Program::new();
    let [twice, main] = program.functions.clone();
    let addresses: Vec<u64> = (twice.start..main.end).collect();
    let mut state = 1u32;
    let mut random = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 16) as usize
    };
    for version in [4, 5] {
        let good = example(&program, version);
        for section in 0..good.len() {
            for position in 0..good[section].1.len() {
                for _ in 0..2 {
                    let mut debug = good.clone();
                    debug[section].1[position] = random().to_le_bytes()[0];
                    check_bounds(&program.find(&debug, &addresses), &good);
                }
            }
            let mut debug = good.clone();
            debug[section].1.truncate(good[section].1.len() / 2);
            check_bounds(&program.find(&debug, &addresses), &good);
        }
        // Several at once, which get further.
        for _ in 0..1000 {
            let mut debug = good.clone();
            for _ in 0..1 + random() % 6 {
                let section = random() % debug.len();
                let bytes = &mut debug[section].1;
                if !bytes.is_empty() {
                    let position = random() % bytes.len();
                    bytes[position] = random().to_le_bytes()[0];
                }
            }
            check_bounds(&program.find(&debug, &addresses), &good);
        }
    }
}

#[test]
fn damaged_debug_information_never_spoils_an_artifact() {
    let program = Program::new();
    let good = example(&program, 4);
    let mut state = 7u32;
    let mut random = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 16) as usize
    };
    let mut with_lines = 0;
    for round in 0..400 {
        let mut debug = good.clone();
        for _ in 0..round % 7 {
            let section = random() % debug.len();
            let bytes = &mut debug[section].1;
            if !bytes.is_empty() {
                let position = random() % bytes.len();
                bytes[position] = random().to_le_bytes()[0];
            }
        }
        let artifact = program.compile(&debug, DebugInfo::Full);
        let descriptor = ModuleDescriptor::decode(&artifact[512..]).expect("it is an artifact");
        let range = descriptor.section(SectionId::Lines);
        let start = usize::try_from(512 + range.offset).expect("it lies in the file");
        let len_bytes = usize::try_from(range.len_bytes).expect("it lies in the file");
        let lines = SourceLines::parse(&artifact[start..start + len_bytes]);
        lines.expect("the loader would take it");
        with_lines += usize::from(len_bytes != 0);
    }
    assert!(with_lines > 200, "{with_lines}");
}

fn push_custom_section(wasm: &mut Vec<u8>, name: &str, content: &[u8]) {
    let uleb = |mut number: usize| {
        let mut bytes = Vec::new();
        while number >= 0x80 {
            bytes.push(number.to_le_bytes()[0] | 0x80);
            number >>= 7;
        }
        bytes.push(number.to_le_bytes()[0]);
        bytes
    };
    let body = [&uleb(name.len()), name.as_bytes(), content].concat();
    wasm.push(0);
    wasm.extend(uleb(body.len()));
    wasm.extend(body);
}

/// Checks that the result is whole, and no longer than what it was made of.
fn check_bounds(source: &Source, debug: &Debug) {
    let given: usize = debug.iter().map(|(_, bytes)| bytes.len()).sum();
    let strings: usize = source.strings.iter().map(String::len).sum();
    assert!(strings <= given + (16 << 10));
    let is_string =
        |number: Option<u32>| number.is_none_or(|number| (number as usize) < source.strings.len());
    for (index, scope) in source.scopes.iter().enumerate() {
        assert!(is_string(scope.name) && is_string(scope.call.file));
        assert!(scope.parent.is_none_or(|parent| (parent as usize) < index));
    }
    for row in &source.rows {
        assert!(is_string(row.line.file));
        assert!(
            row.scope
                .is_none_or(|scope| (scope as usize) < source.scopes.len())
        );
    }
}

/// A unit of DWARF 4 with this content behind its header.
fn unit(content: &[u8]) -> Vec<u8> {
    let len_bytes = u32::try_from(7 + content.len()).expect("it is short");
    let mut unit = len_bytes.to_le_bytes().to_vec();
    // Version, offset of the forms, size of an address.
    unit.extend_from_slice(&[4, 0, 0, 0, 0, 0, 4]);
    unit.extend_from_slice(content);
    unit
}

fn check_is_too_much(debug: &Debug) {
    let program = Program::new();
    let [twice, _] = program.functions.clone();
    let source = program.find(debug, &[twice.start]);
    let reason = source.ignored.expect("it is too much");
    assert!(
        [
            "it refers to the same bytes too often",
            "an entry has too many attributes"
        ]
        .contains(&reason.as_str()),
        "{reason}"
    );
}

#[test]
fn a_line_table_that_every_unit_names_is_not_read_for_each() {
    // Form 1: a unit with DW_AT_stmt_list as DW_FORM_sec_offset.
    let forms = vec![1, 0x11, 0, 0x10, 0x17, 0, 0, 0];
    let units = unit(&[1, 0, 0, 0, 0]).repeat(20_000);
    let mut table = vec![0; 4];
    // Version 4, length of the header, and the header: no folders, no files.
    table.extend_from_slice(&[4, 0, 9, 0, 0, 0, 1, 1, 1, 0, 1, 1, 0, 0, 0]);
    table.resize(table.len() + 200_000, 1);
    let len_bytes = u32::try_from(table.len() - 4).expect("it is short");
    table[..4].copy_from_slice(&len_bytes.to_le_bytes());
    check_is_too_much(&vec![
        (".debug_abbrev", forms),
        (".debug_info", units),
        (".debug_line", table),
    ]);
}

#[test]
fn a_list_of_ranges_that_every_function_names_is_not_read_for_each() {
    // Form 1: a unit with children; form 2: a function with DW_AT_ranges.
    let forms = vec![1, 0x11, 1, 0, 0, 2, 0x2e, 0, 0x55, 0x17, 0, 0, 0];
    let mut entries = vec![1];
    entries.extend([2, 0, 0, 0, 0].repeat(50_000));
    entries.push(0);
    // Base addresses, which are no ranges.
    let mut ranges = [0xff, 0xff, 0xff, 0xff, 1, 0, 0, 0].repeat(50_000);
    ranges.extend([0; 8]);
    check_is_too_much(&vec![
        (".debug_abbrev", forms),
        (".debug_info", unit(&entries)),
        (".debug_ranges", ranges),
    ]);
}

#[test]
fn forms_that_overlap_or_are_long_are_not_read_for_each_unit() {
    // Every fifth byte begins a table that reaches to the end.
    let mut forms: Vec<u8> = [1, 0x11, 0, 0, 0].repeat(20_000);
    forms.push(0);
    let units = (0..20_000u32).flat_map(|index| {
        let mut unit = unit(&[1]);
        unit[6..10].copy_from_slice(&(5 * index).to_le_bytes());
        unit
    });
    check_is_too_much(&vec![
        (".debug_abbrev", forms),
        (".debug_info", units.collect()),
    ]);
    // A form whose attributes take no bytes.
    let mut forms = vec![1, 0x11, 0];
    forms.extend([0x20, 0x19].repeat(50_000));
    forms.extend([0, 0, 0]);
    check_is_too_much(&vec![(".debug_abbrev", forms), (".debug_info", unit(&[1]))]);
}

#[test]
fn a_string_without_an_end_is_not_looked_through_for_each_unit() {
    // Form 1: a unit with DW_AT_name and DW_AT_comp_dir as DW_FORM_strp.
    let forms = vec![1, 0x11, 0, 0x03, 0x0e, 0x1b, 0x0e, 0, 0, 0];
    check_is_too_much(&vec![
        (".debug_abbrev", forms),
        (
            ".debug_info",
            unit(&[1, 0, 0, 0, 0, 1, 0, 0, 0]).repeat(20_000),
        ),
        (".debug_str", vec![b'a'; 1_000_000]),
    ]);
}

#[test]
fn a_line_table_with_more_files_than_anyone_has_costs_its_unit() {
    let program = Program::new();
    let [twice, _] = program.functions.clone();
    let mut debug = example(&program, 4);
    let section = |debug: &mut Debug, wanted: &str, bytes: &[u8]| {
        let found = debug.iter_mut().find(|(name, _)| *name == wanted);
        let (_, section) = found.expect("it is there");
        let offset = u32::try_from(section.len()).expect("it is short");
        section.extend_from_slice(bytes);
        offset.to_le_bytes()
    };
    // One more unit, behind the one that is good.
    let files_len_bytes: u32 = 2 << 20;
    let mut table = (files_len_bytes + 6).to_le_bytes().to_vec();
    table.extend_from_slice(&[4, 0]);
    table.extend_from_slice(&files_len_bytes.to_le_bytes());
    table.resize(table.len() + files_len_bytes as usize, 1);
    let table = section(&mut debug, ".debug_line", &table);
    let forms = [1, 0x11, 0, 0x10, 0x17, 0, 0, 0];
    let forms = section(&mut debug, ".debug_abbrev", &forms);
    let mut another = unit(&[&[1][..], &table].concat());
    another[6..10].copy_from_slice(&forms);
    section(&mut debug, ".debug_info", &another);

    let source = program.find(&debug, &[twice.start]);
    let reason = source.ignored.expect("a unit is left out");
    assert_eq!(reason, "its line table has too many files");
    assert_eq!(source.rows[0].line.line, 3, "the other unit is there");
}

#[test]
fn a_line_table_that_is_named_twice_is_paid_for() {
    // Form 1: a unit with DW_AT_stmt_list as DW_FORM_udata, which is no offset, and as DW_FORM_sec_offset.
    let forms = vec![1, 0x11, 0, 0x10, 0x0f, 0x10, 0x17, 0, 0, 0];
    let units = unit(&[1, 0, 0, 0, 0, 0]).repeat(20_000);
    // A header of 200 KB of folders.
    let mut header = vec![1, 1, 1, 0, 1, 1];
    header.extend([b'a', 0].repeat(100_000));
    header.extend([0, 0]);
    let header_len_bytes = u32::try_from(header.len()).expect("it is short");
    let mut table = (header_len_bytes + 6).to_le_bytes().to_vec();
    table.extend_from_slice(&[4, 0]);
    table.extend_from_slice(&header_len_bytes.to_le_bytes());
    table.extend_from_slice(&header);
    check_is_too_much(&vec![
        (".debug_abbrev", forms),
        (".debug_info", units),
        (".debug_line", table),
    ]);
}

#[test]
fn an_entry_of_forms_that_say_which_form_follows_is_paid_for() {
    let program = Program::new();
    let [twice, main] = program.functions.clone();
    let addresses: Vec<u64> = twice.clone().chain(main.clone()).collect();
    // Form 1: a unit; 2: a function from DW_AT_low_pc to DW_AT_high_pc; 3: one that was inlined, with
    // DW_AT_abstract_origin besides; 22: an entry with one attribute of DW_FORM_indirect.
    let forms = vec![
        1, 0x11, 1, 0, 0, // unit
        2, 0x2e, 1, 0x11, 0x01, 0x12, 0x06, 0, 0, // function
        3, 0x1d, 1, 0x11, 0x01, 0x12, 0x06, 0x31, 0x13, 0, 0, // inlined
        22, 0x2e, 0, 0x20, 0x16, 0, 0, 0,
    ];
    let word = |number: u64| u32::try_from(number).expect("it is short").to_le_bytes();
    // The entry comes first, behind header and root; each of its bytes but the last begins such an entry.
    let mut origins = (12..).map(word);
    let mut entries = vec![1];
    entries.extend([22; 400_000]);
    entries.push(0x19);
    for range in [twice, main] {
        entries.push(2);
        entries.extend(word(range.start));
        entries.extend(word(range.end - range.start));
        for address in range {
            entries.push(3);
            entries.extend(word(address));
            entries.extend(word(1));
            entries.extend(origins.next().expect("there are enough"));
            entries.push(0);
        }
        entries.push(0);
    }
    entries.push(0);
    let source = program.find(
        &vec![(".debug_abbrev", forms), (".debug_info", unit(&entries))],
        &addresses,
    );
    let reason = source.ignored.expect("it is too much");
    assert_eq!(reason, "it refers to the same bytes too often");
}

/// For each address a chain of so many functions inlined into one another, with names that only differ in
/// which entry says so.
fn deeply_inlined(program: &Program, addresses: &[u64], depth: usize, name: &str) -> Debug {
    let mut writer = Writer::new(4);
    let linkage = writer.function("", 0..0);
    let linkage_name = writer.dwarf.strings.add("mangled");
    writer.dwarf.unit.get_mut(linkage).set(
        constants::DW_AT_linkage_name,
        AttributeValue::StringRef(linkage_name),
    );
    for (outer, range) in ["twice", "main"].into_iter().zip(&program.functions) {
        let outer = writer.function(outer, range.clone());
        for address in addresses.iter().filter(|address| range.contains(address)) {
            let mut parent = outer;
            for _ in 0..depth {
                let origin = writer.function(name, 0..0);
                writer.dwarf.unit.get_mut(origin).set(
                    constants::DW_AT_specification,
                    AttributeValue::UnitRef(linkage),
                );
                parent = writer.inlined(parent, origin, 1, from_ref(&(*address..address + 1)));
            }
        }
    }
    writer.finish()
}

#[test]
fn a_long_name_is_not_looked_through_for_each_function() {
    let program = Program::new();
    let [twice, main] = program.functions.clone();
    let addresses: Vec<u64> = twice.chain(main).collect();
    let debug = deeply_inlined(&program, &addresses, 60, "short");
    assert_eq!(program.find(&debug, &addresses).ignored, None);

    let debug = deeply_inlined(&program, &addresses, 60, &"long".repeat(1 << 18));
    let source = program.find(&debug, &addresses);
    let reason = source.ignored.expect("it is too much");
    assert_eq!(reason, "it refers to the same bytes too often");
}

#[test]
fn functions_inlined_too_deeply_are_left_out() {
    let program = Program::new();
    let [twice, _] = program.functions.clone();
    let address = twice.start + 3;
    let debug = deeply_inlined(&program, &[address], 3 * MAX_SOURCE_DEPTH, "short");
    let found = program.describe(&debug, &[address, twice.start + 4]);
    let inner: Vec<&str> = found[0].split(", ").collect();
    assert_eq!(inner.len(), MAX_SOURCE_DEPTH);
    assert_eq!(inner[0], "mangled ?:0");
    assert_eq!(inner[MAX_SOURCE_DEPTH - 1], "twice ?:1");
    assert_eq!(found[1], "twice ?:0");
}

#[test]
fn ranges_of_what_is_inlined_stay_in_proportion_to_the_code() {
    let text = format!(
        "(module (memory 1) (func (param i32) (result i32) local.get 0 {}) (func))",
        "i32.load ".repeat(200)
    );
    let program = Program::parse(&text);
    let [loads, _] = program.functions.clone();
    let mut writer = Writer::new(4);
    let origin = writer.function("inlined", 0..0);
    let outer = writer.function("loads", loads.clone());
    // Two chains take turns: each place ends a range of every function of one, and begins those of the other.
    let places: Vec<_> = (loads.start + 4..loads.end - 3)
        .step_by(3)
        .map(|start| start..start + 3)
        .collect();
    for turn in 0..2 {
        let ranges: Vec<_> = places.iter().skip(turn).step_by(2).cloned().collect();
        let mut parent = outer;
        for depth in 1..MAX_SOURCE_DEPTH {
            // Equal lists would be kept once.
            parent = writer.inlined(parent, origin, 1, &ranges[depth..]);
        }
    }
    let debug = writer.finish();
    let lines = program.compile(&debug, DebugInfo::Lines);
    let full = program.compile(&debug, DebugInfo::Full);
    let has = |text: &[u8]| full.windows(text.len()).any(|window| window == text);
    assert!(has(b".debug_ranges") && has(b"inlined"));
    // One range takes 16 bytes; all of them would take 130 KB.
    let added = full.len() - lines.len();
    assert!((1000..40_000).contains(&added), "{added}");
}
