//! Breaks one fact of a manifest or table at a time, and expects one exact error.

#![allow(
    unsafe_code,
    clippy::unwrap_used,
    reason = "the support module calls loaded code, and tests stop at the first surprise"
)]

mod support;

use support::{Parts, answer, digest};
use wasmelt_abi::{
    ConstExpr, DataSegment, ElementSegment, Export, ExternKind, FuelSchedule, FuncType, Global,
    GlobalType, ImageInfo, Import, InlineFrame, Limits, Memory, OffsetMapBuilder, SectionId,
    SourceLine, SourceRow, SourceScope, Table, ValType, encode_source_lines,
};
use wasmelt_loader::{LoadError, Source, Trust, load};

/// A module with something of everything: function 0 is imported, function 1 is `answer`.
fn rich() -> Parts {
    let mut parts = answer(42);
    let manifest = &mut parts.manifest;
    manifest.types.push(FuncType {
        params: vec![],
        results: vec![],
    });
    manifest.types.push(manifest.types[0].clone());
    manifest.local_signature_ids = vec![0, 1, 0];
    manifest.imports = vec![
        import("log", ExternKind::Func, 1),
        import("base", ExternKind::Global, 0),
        import("limit", ExternKind::Global, 1),
    ];
    manifest.functions = vec![1, 2];
    manifest.imported_function_count = 1;
    manifest.table = Some(Table {
        limits: Limits {
            min: 2,
            max: Some(2),
        },
        imported: false,
        exported: true,
    });
    manifest.memory = Some(Memory {
        limits: Limits {
            min: 1,
            max: Some(2),
        },
        imported: false,
    });
    manifest.globals = vec![
        global(ValType::I32, false, None),
        global(ValType::I64, false, None),
        global(ValType::I64, true, Some(ConstExpr::Bits(u64::MAX))),
        global(ValType::I32, false, Some(ConstExpr::Global(0))),
    ];
    manifest.exports = vec![
        export("answer", ExternKind::Func, 1),
        export("table", ExternKind::Table, 0),
        export("memory", ExternKind::Memory, 0),
        export("count", ExternKind::Global, 2),
    ];
    manifest.start = Some(0);
    manifest.elements = vec![ElementSegment {
        offset: ConstExpr::Global(0),
        funcs: vec![0, 1],
    }];
    manifest.data = vec![
        DataSegment {
            offset: ConstExpr::Bits(4096 + 10),
            in_image: true,
            start: 10,
            len_bytes: 5,
        },
        DataSegment {
            offset: ConstExpr::Global(0),
            in_image: false,
            start: 2,
            len_bytes: 6,
        },
    ];
    manifest.image = Some(ImageInfo {
        memory_offset: 4096,
        len_bytes: 4096,
    });
    parts.data = b"12345678".to_vec();
    parts.image = vec![0; 4096];
    parts.names = names(&[(0, b"log"), (1, b"answer")]);
    parts.lines = lines(Some(1), None);
    parts
}

fn import(name: &str, kind: ExternKind, index: u32) -> Import {
    Import {
        module: "env".into(),
        name: name.into(),
        kind,
        index,
    }
}

fn export(name: &str, kind: ExternKind, index: u32) -> Export {
    Export {
        name: name.into(),
        kind,
        index,
    }
}

fn global(content: ValType, mutable: bool, init: Option<ConstExpr>) -> Global {
    Global {
        ty: GlobalType { content, mutable },
        init,
    }
}

fn names(names: &[(u32, &[u8])]) -> Vec<u8> {
    let mut writer = wasmelt_abi::Writer::new();
    writer.count(names.len());
    let mut start = 0;
    for (index, name) in names {
        writer.u32(*index);
        writer.count(start);
        writer.count(name.len());
        start += name.len();
    }
    for (_, name) in names {
        writer.raw(name);
    }
    writer.u8(0);
    writer.finish()
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

/// The section that is found broken, the rule, and how it is broken.
type Case = (SectionId, &'static str, fn(&mut Parts));

fn check(cases: &[Case]) {
    for (section, rule, change) in cases {
        let mut parts = rich();
        change(&mut parts);
        let file = parts.write();
        let trust = Trust::Digest(digest(&file));
        let error = load(Source::Bytes(&file), &trust).expect_err(rule);
        assert!(error.is_artifact_refused());
        let (found, text) = match &error {
            LoadError::Contents { section, rule, .. } => (section, *rule),
            LoadError::Section { section, error } => (section, error.what),
            _ => panic!("{rule}: {error}"),
        };
        assert_eq!((found, text), (section, *rule), "{error}");
    }
}

#[test]
fn the_unbroken_module_is_good() {
    let file = rich().write();
    let library = load(Source::Bytes(&file), &Trust::Named).expect("it is good");
    assert_eq!(support::call_answer(&library), 42);
    assert_eq!(library.data(), b"12345678");
    assert_eq!(library.image().len(), 4096);
    assert_eq!(library.function_name(0), Some("log"));
    let symbols = library.source_lines().lookup(7);
    assert_eq!((symbols[0].name, symbols[0].file), (Some("f"), Some("a.c")));
}

#[test]
fn broken_types_and_functions_are_refused() {
    use SectionId::Manifest;
    check(&[
        (Manifest, "end of manifest", |p| p.manifest_suffix.push(0)),
        (Manifest, "every type has a local signature id", |p| {
            p.manifest.local_signature_ids.pop();
        }),
        (Manifest, "a type has at most one result", |p| {
            p.manifest.types[1].results = vec![ValType::I32, ValType::I32];
        }),
        (
            Manifest,
            "a local signature id is the first index of an equal type",
            |p| p.manifest.local_signature_ids[2] = 2,
        ),
        (
            Manifest,
            "a local signature id is the first index of an equal type",
            |p| p.manifest.local_signature_ids[1] = 9,
        ),
        (Manifest, "imported functions are functions", |p| {
            p.manifest.imported_function_count = 3;
        }),
        (Manifest, "a function has a type", |p| {
            p.manifest.functions[1] = 3
        }),
        (
            Manifest,
            "an imported function has the type that its import says",
            |p| p.manifest.imports[0].index = 0,
        ),
        (Manifest, "imported functions are imports", |p| {
            p.manifest.imported_function_count = 2;
        }),
        (Manifest, "the start function exists", |p| {
            p.manifest.start = Some(2)
        }),
        (
            Manifest,
            "the start function takes and returns nothing",
            |p| {
                p.manifest.start = Some(1);
            },
        ),
    ]);
}

#[test]
fn a_schedule_of_fuel_stands_where_fuel_is_metered() {
    let rule = "a schedule of fuel is named where fuel is metered, and nowhere else";
    let schedule = Some(FuelSchedule {
        version: 1,
        costs_hash: [0; 32],
    });
    check(&[
        (SectionId::Manifest, rule, |p| {
            p.descriptor.options.fuel = true
        }),
        (SectionId::Manifest, rule, |p| {
            p.manifest.fuel_schedule = Some(FuelSchedule {
                version: 1,
                costs_hash: [0; 32],
            });
        }),
    ]);
    let mut parts = rich();
    parts.descriptor.options.fuel = true;
    parts.manifest.fuel_schedule = schedule;
    let library = load(Source::Bytes(&parts.write()), &Trust::Named).expect("it is good");
    assert_eq!(library.manifest().fuel_schedule, schedule);
}

#[test]
fn broken_imports_and_exports_are_refused() {
    use SectionId::Manifest;
    check(&[
        (
            Manifest,
            "imported globals are numbered in their order",
            |p| {
                p.manifest.imports[2].index = 0;
            },
        ),
        (Manifest, "imported globals are imports", |p| {
            p.manifest.imports.pop();
        }),
        (Manifest, "an imported table is an import", |p| {
            p.manifest.table.as_mut().unwrap().imported = true;
        }),
        (Manifest, "an imported table is an import", |p| {
            p.manifest.imports.push(import("t", ExternKind::Table, 0));
        }),
        (Manifest, "an imported table is table 0", |p| {
            p.manifest.imports.push(import("t", ExternKind::Table, 1));
        }),
        (Manifest, "an imported memory is an import", |p| {
            p.manifest.memory.as_mut().unwrap().imported = true;
        }),
        (Manifest, "an imported memory is an import", |p| {
            p.manifest.memory.as_mut().unwrap().imported = true;
            for _ in 0..2 {
                p.manifest.imports.push(import("m", ExternKind::Memory, 0));
            }
        }),
        (Manifest, "an imported memory is memory 0", |p| {
            p.manifest.imports.push(import("m", ExternKind::Memory, 1));
        }),
        (Manifest, "export names are unique", |p| {
            p.manifest.exports[1].name = "answer".into();
        }),
        (Manifest, "an export names something that exists", |p| {
            p.manifest.exports[0].index = 2;
        }),
        (Manifest, "an export names something that exists", |p| {
            p.manifest.exports[1].index = 1;
        }),
        (Manifest, "an export names something that exists", |p| {
            p.manifest.exports[3].index = 4;
        }),
        (Manifest, "an exported table is marked as such", |p| {
            p.manifest.table.as_mut().unwrap().exported = false;
        }),
        (Manifest, "an exported table is marked as such", |p| {
            p.manifest.exports.remove(1);
        }),
    ]);
}

#[test]
fn broken_limits_and_globals_are_refused() {
    use SectionId::Manifest;
    check(&[
        (Manifest, "a table's minimum is at most its maximum", |p| {
            p.manifest.table.as_mut().unwrap().limits.min = 3;
        }),
        (Manifest, "a memory's minimum is at most its maximum", |p| {
            p.manifest.memory.as_mut().unwrap().limits.min = 3;
        }),
        (Manifest, "a memory has at most 65536 pages", |p| {
            p.manifest.memory.as_mut().unwrap().limits.max = Some(65_537);
        }),
        (Manifest, "a memory has at most 65536 pages", |p| {
            p.manifest.memory.as_mut().unwrap().limits = Limits {
                min: u32::MAX,
                max: None,
            };
        }),
        (Manifest, "imported globals come first", |p| {
            p.manifest.globals[3].init = None
        }),
        (Manifest, "a 32-bit constant has 32 bits", |p| {
            p.manifest.globals[3].init = Some(ConstExpr::Bits(1 << 32));
        }),
        (Manifest, "an initialiser reads an imported global", |p| {
            p.manifest.globals[3].init = Some(ConstExpr::Global(2));
        }),
        (Manifest, "an initialiser reads an imported global", |p| {
            p.manifest.globals[3].init = Some(ConstExpr::Global(u32::MAX));
        }),
        (
            Manifest,
            "an initialiser reads an immutable global of its type",
            |p| {
                p.manifest.globals[3].init = Some(ConstExpr::Global(1));
            },
        ),
        (
            Manifest,
            "an initialiser reads an immutable global of its type",
            |p| {
                p.manifest.globals[0].ty.mutable = true;
            },
        ),
    ]);
}

#[test]
fn broken_segments_are_refused() {
    use SectionId::Manifest;
    check(&[
        (Manifest, "an element is a function", |p| {
            p.manifest.elements[0].funcs[1] = 2
        }),
        (Manifest, "an element segment has a table to go to", |p| {
            p.manifest.table = None;
            p.manifest.exports.remove(1);
        }),
        (Manifest, "a 32-bit constant has 32 bits", |p| {
            p.manifest.elements[0].offset = ConstExpr::Bits(u64::MAX);
        }),
        (Manifest, "a data segment has a memory to go to", |p| {
            p.manifest.memory = None;
            p.manifest.exports.remove(2);
            p.manifest.image = None;
            p.image.clear();
        }),
        (Manifest, "the bytes of a data segment are there", |p| {
            p.manifest.data[1].len_bytes = 7;
        }),
        (Manifest, "the bytes of a data segment are there", |p| {
            p.manifest.data[1].start = u64::MAX;
        }),
        (Manifest, "the bytes of a data segment are there", |p| {
            p.manifest.data[0].len_bytes = 4087;
        }),
        (
            Manifest,
            "a data segment in the image lies where the image puts it",
            |p| p.manifest.data[0].offset = ConstExpr::Bits(10),
        ),
        (
            Manifest,
            "a data segment in the image lies where the image puts it",
            |p| p.manifest.data[0].offset = ConstExpr::Global(0),
        ),
        (Manifest, "a memory image is described", |p| {
            p.manifest.image = None
        }),
        (
            Manifest,
            "the memory image has the length of its section",
            |p| {
                p.image.resize(8192, 0);
            },
        ),
        (
            Manifest,
            "the memory image has the length of its section",
            |p| {
                p.image.clear();
            },
        ),
        (Manifest, "the memory image covers whole host pages", |p| {
            p.manifest.image.as_mut().unwrap().memory_offset = 1;
        }),
        (
            Manifest,
            "a memory image belongs to a defined memory",
            |p| {
                p.manifest.memory.as_mut().unwrap().imported = true;
                p.manifest.imports.push(import("m", ExternKind::Memory, 0));
            },
        ),
        (
            Manifest,
            "the memory image lies in the memory's minimum",
            |p| {
                p.manifest.image.as_mut().unwrap().memory_offset = 65_536;
            },
        ),
        (
            Manifest,
            "the memory image lies in the memory's minimum",
            |p| {
                p.manifest.image.as_mut().unwrap().memory_offset = u64::MAX - 4095;
            },
        ),
    ]);
}

#[test]
fn broken_tables_are_refused() {
    use SectionId::{FunctionTable, Lines, Names, OffsetMap, TrapTable};
    check(&[
        (FunctionTable, "number of functions", |p| {
            p.function_table.clear()
        }),
        (FunctionTable, "number of functions", |p| {
            p.function_table
                .extend_from_slice(&[6, 0, 0, 0, 1, 0, 0, 0]);
        }),
        (FunctionTable, "a function lies in the text", |p| {
            p.function_table[4] = 9
        }),
        (FunctionTable, "a function lies in the text", |p| {
            p.function_table = words(&[u32::MAX, u32::MAX]);
        }),
        (FunctionTable, "a function has code", |p| {
            p.function_table[4] = 0
        }),
        (FunctionTable, "functions lie one behind the other", |p| {
            p.manifest.functions.push(0);
            p.function_table = words(&[0, 4, 3, 2]);
        }),
        (TrapTable, "count", |p| p.trap_table[0] = 9),
        (TrapTable, "end of trap table", |p| p.trap_table.push(0)),
        (TrapTable, "a site lies in the text", |p| {
            p.trap_table[4] = 8
        }),
        (TrapTable, "a site has a trap code that exists", |p| {
            p.trap_table[8] = 0
        }),
        (TrapTable, "sites ascend", |p| {
            p.trap_table = [words(&[2, 4, 4]), vec![1, 1]].concat();
        }),
        (OffsetMap, "number of functions", |p| {
            p.offset_map = OffsetMapBuilder::new(false).finish();
        }),
        (OffsetMap, "the streams fill the section", |p| {
            p.offset_map.push(0)
        }),
        (OffsetMap, "the first stream starts at once", |p| {
            p.offset_map[8] = 1
        }),
        (OffsetMap, "streams lie one behind the other", |p| {
            p.manifest.functions.push(0);
            p.function_table = words(&[0, 6, 6, 1]);
            p.offset_map = [words(&[2, 0, 0, 3, 2]), vec![0; 2]].concat();
        }),
        (OffsetMap, "an inline node names a function", |p| {
            p.offset_map = inline_tree(2, None);
        }),
        (OffsetMap, "an inline node comes behind its parent", |p| {
            p.offset_map = inline_tree(1, Some(0));
        }),
        (Names, "count", |p| p.names[0] = 200),
        (Names, "names lie one behind the other", |p| p.names[20] = 2),
        (Names, "a name belongs to a function", |p| {
            p.names = names(&[(2, b"x")]);
        }),
        (Names, "names are in the order of their functions", |p| {
            p.names = names(&[(1, b"x"), (0, b"y")]);
        }),
        (Names, "names are in the order of their functions", |p| {
            p.names = names(&[(1, b"x"), (1, b"y")]);
        }),
        (Names, "a name lies in the section and is UTF-8", |p| {
            p.names = names(&[(1, b"\xff")])
        }),
        (Names, "one zero ends the strings", |p| {
            p.names.truncate(p.names.len() - 1);
        }),
        (Names, "one zero ends the strings", |p| p.names.push(0)),
        (Names, "a name lies in the section and is UTF-8", |p| {
            p.names[24..28].fill(0xff);
        }),
        (Lines, "count", |p| p.lines[0] = 200),
        (Lines, "start of the first string", |p| p.lines[8] = 1),
        (Lines, "order of the strings", |p| p.lines[12] = 9),
        (Lines, "length", |p| p.lines[16] = 200),
        (Lines, "string in UTF-8", |p| p.lines[40] = 0xff),
        (Lines, "scope", |p| p.lines = lines(Some(2), None)),
        (Lines, "scope", |p| p.lines = lines(None, Some(0))),
    ]);
}

/// A line in a function with a name and in a file; one scope.
fn lines(name: Option<u32>, parent: Option<u32>) -> Vec<u8> {
    let scope = SourceScope {
        name,
        call: SourceLine::default(),
        parent,
    };
    let row = SourceRow {
        line: SourceLine {
            file: Some(0),
            line: 1,
            column: 2,
        },
        scope: Some(0),
    };
    encode_source_lines(&["a.c", "f"], &[scope], [(5, row)])
}

fn inline_tree(func_index: u32, parent: Option<u32>) -> Vec<u8> {
    let mut builder = OffsetMapBuilder::new(false);
    builder.begin_function();
    builder.push_inline_frame(InlineFrame {
        func_index,
        call_wasm_offset: 0,
        parent,
    });
    builder.finish()
}

#[test]
fn sections_that_lie_elsewhere_are_refused() {
    for id in SectionId::ALL {
        for (field, change) in [
            (0, 8u64),
            (0, u64::MAX),
            (0, 1 << 63),
            (8, 1 << 40),
            (8, u64::MAX),
        ] {
            let mut file = rich().write();
            let at = support::DESCRIPTOR + 112 + 16 * *id as usize + field;
            let value = support::get64(&file, at).wrapping_add(change);
            support::put64(&mut file, at, value);
            support::reseal(&mut file);
            let trust = Trust::Digest(digest(&file));
            let error = load(Source::Bytes(&file), &trust).expect_err(id.name());
            // One byte less moves nothing; then the content does not fit.
            let moved = matches!(
                error,
                LoadError::SectionRange { .. } | LoadError::Length { .. }
            );
            assert!(
                error.is_artifact_refused() && (moved || change == u64::MAX && field == 8),
                "{} field {field} + {change:#x}: {error}",
                id.name()
            );
        }
    }
}
