//! Backtraces have names as people wrote them, and lines of source where the module has them.
#![allow(clippy::unwrap_used, reason = "test code stops at the first surprise")]

mod support;

use support::{Mode, call, in_every_mode};
use wasmelt::{DebugInfo, Engine, Error, Linker, Module, Store};

/// Functions named as linkers name them; the innermost one is inlined.
const SYMBOLS: &str = r#"(module
    (func $_ZN5crate4fail17h0123456789abcdefE unreachable)
    (func $_ZNK5Outer4callEi (param i32) call $_ZN5crate4fail17h0123456789abcdefE)
    (func $plain (export "run") i32.const 1 call $_ZNK5Outer4callEi))"#;

fn trap(engine: &Engine, wasm: impl AsRef<[u8]>) -> Error {
    let module = Module::new(engine, wasm).unwrap();
    let mut store = Store::new(engine, ());
    let instance = Linker::new(engine)
        .instantiate_and_start(&mut store, &module)
        .unwrap();
    call::<_, (), ()>(&mut store, instance, "run", ()).unwrap_err()
}

#[test]
fn symbols_are_demangled_where_people_read_them() {
    in_every_mode(|mode| {
        let error = trap(&mode.engine(), SYMBOLS);
        let frames = error.backtrace().unwrap().frames();
        let names: Vec<_> = frames
            .iter()
            .map(|frame| {
                let name = frame.demangled_func_name().unwrap();
                (frame.func_name().unwrap().to_owned(), name)
            })
            .collect();
        let expected = [
            ("_ZN5crate4fail17h0123456789abcdefE", "crate::fail"),
            ("_ZNK5Outer4callEi", "Outer::call(int) const"),
            ("plain", "plain"),
        ];
        let expected = expected.map(|(raw, name)| (raw.to_owned(), name.to_owned()));
        assert_eq!(names, expected);
        let text = error.to_string();
        for (_, name) in expected {
            assert!(
                text.contains(&format!(" - {name}\n")) || text.ends_with(&name),
                "{text}"
            );
        }
        assert!(!text.contains("_ZN"), "{text}");
        assert!(frames.iter().all(|frame| frame.symbols().is_empty()));
    });
}

const LINES: &str = r#"(module
    (func $fail nop unreachable)
    (func (export "run") call $fail))"#;

/// [`LINES`] with a line table: `fail` is line 4 of `src/lines.c`, and what is exported line 6.
fn with_dwarf() -> Vec<u8> {
    // A unit without children, whose line table is the first.
    let forms = [1, 0x11, 0, 0x10, 0x17, 0, 0, 0];
    let unit = [12, 0, 0, 0, 4, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0, 0];
    // Version 4; standard opcodes are 1 to 9; one folder, one file.
    let mut header = vec![1, 1, 1, 0, 1, 10, 0, 1, 1, 1, 1, 0, 0, 0, 1];
    header.extend_from_slice(b"src\0\0lines.c\0\x01\0\0\0");
    let mut lines = vec![4, 0];
    lines.extend_from_slice(&u32::try_from(header.len()).unwrap().to_le_bytes());
    lines.extend(header);
    // Bodies of four bytes: behind the count and a length, and behind another length.
    for (address, line) in [(2, 4), (7, 6)] {
        lines.extend([0, 5, 2, address, 0, 0, 0]);
        // Advance to the line, set the column, a row, advance by the body, the end.
        lines.extend([3, line - 1, 5, 9, 1, 2, 4, 0, 1, 1]);
    }
    let mut table = u32::try_from(lines.len()).unwrap().to_le_bytes().to_vec();
    table.extend(lines);
    let mut wasm = wat::parse_str(LINES).unwrap();
    for (name, content) in [
        (".debug_abbrev", &forms[..]),
        (".debug_info", &unit),
        (".debug_line", &table),
    ] {
        let len_bytes = u8::try_from(1 + name.len() + content.len()).unwrap();
        assert!(len_bytes < 128, "one byte holds the length");
        wasm.extend([0, len_bytes, u8::try_from(name.len()).unwrap()]);
        wasm.extend_from_slice(name.as_bytes());
        wasm.extend_from_slice(content);
    }
    wasm
}

#[test]
fn frames_have_the_lines_of_the_source() {
    let wasm = with_dwarf();
    in_every_mode(|mode| {
        for debug_info in [DebugInfo::Lines, DebugInfo::Full] {
            let mut config = mode.config();
            config.debug_info(debug_info);
            let error = trap(&Engine::new(&config), &wasm);
            let frames = error.backtrace().unwrap().frames();
            let places: Vec<_> = frames
                .iter()
                .flat_map(wasmelt::WasmFrame::symbols)
                .map(|symbol| (symbol.file().unwrap() == "src/lines.c", symbol.line()))
                .collect();
            assert_eq!(places, [(true, Some(4)), (true, Some(6))], "{frames:?}");
            let text = error.to_string();
            assert!(text.contains("src/lines.c:4:9\n"), "{text}");
            assert!(text.ends_with("src/lines.c:6:9"), "{text}");
        }
        let mut config = mode.config();
        config.debug_info(DebugInfo::None);
        let error = trap(&Engine::new(&config), &wasm);
        let frames = error.backtrace().unwrap().frames();
        assert!(frames.iter().all(|frame| frame.symbols().is_empty()));
    });
}

#[test]
fn an_artifact_keeps_its_lines() {
    let engine = Mode::GUARD.engine();
    let artifact = Module::compile(&engine, with_dwarf()).unwrap();
    let module = Module::load(&engine, artifact.as_slice(), &wasmelt::Trust::Named).unwrap();
    let mut store = Store::new(&engine, ());
    let instance = Linker::new(&engine)
        .instantiate_and_start(&mut store, &module)
        .unwrap();
    let error = call::<_, (), ()>(&mut store, instance, "run", ()).unwrap_err();
    assert!(error.to_string().contains("src/lines.c:4:9"), "{error}");
}
