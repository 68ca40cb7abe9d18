//! What a module says of itself, and modules that are refused.

use super::Notes;
use super::notes::instance;
use wasmi::errors::ErrorKind;
use wasmi::{Config, Engine, Module};

const TEXT: &str = r#"(module $named
    (import "z" "func" (func (param i32 i64 f32 f64))) (import "a" "memory" (memory 1 2))
    (import "z" "" (global (mut f32))) (import "a" "table" (table 1 funcref))
    (func (export "second") (result i32) (i32.const 1))
    (export "first" (func 0)) (global (export "g") i64 (i64.const 5))
    (export "m" (memory 0)) (export "t" (table 0)) (export "" (func 1))
    (@custom "one" "bytes") (@custom "two" (after last) "") (@custom "one" "again"))"#;

/// A module with custom sections before, between and behind the others.
const SECTIONS: &[u8] =
    b"\0asm\x01\0\0\0\x00\x06\x03onehi\x05\x03\x01\x00\x01\x00\x04\x03two\x00\x06\x03one\x01\x02";

fn sections(notes: &mut Notes, key: &str, module: &Module) {
    let sections: Vec<_> = module
        .custom_sections()
        .map(|section| (section.name().to_owned(), section.data().to_vec()))
        .collect();
    notes.debug(key, (module.custom_sections().size_hint(), sections));
}

pub(crate) fn run(notes: &mut Notes) {
    let engine = Engine::default();
    let text = TEXT.split("(@custom").next().expect("something").to_owned() + ")";
    let module = Module::new(&engine, &text).expect("valid");
    for import in module.imports() {
        notes.debug(
            format!("import {} {}", import.module(), import.name()),
            import.ty(),
        );
    }
    notes.debug(
        "imports",
        (module.imports().len(), module.imports().size_hint()),
    );
    for export in module.exports() {
        notes.debug(format!("export {}", export.name()), export.ty());
    }
    notes.debug("export by name", module.get_export("g"));
    notes.debug("no export", module.get_export("h").is_none());
    notes.debug("same engine", Engine::same(module.engine(), &engine));
    let module = Module::new(&engine, SECTIONS).expect("valid");
    sections(notes, "custom sections", &module);
    let mut config = Config::default();
    config.ignore_custom_sections(true);
    let ignoring = Engine::new(&config);
    let module = Module::new(&ignoring, SECTIONS).expect("valid");
    sections(notes, "custom sections, ignored", &module);
    notes.outcome("validate", Module::validate(&engine, SECTIONS));
    notes.debug(
        "validate text",
        Module::validate(&engine, b"(module)").is_err(),
    );
    let (store, instance) = instance(
        r#"(module (func (export "z")) (memory (export "a") 1) (global (export "m") i32 (i32.const 0)) (table (export "b") 1 funcref))"#,
    );
    let mut names: Vec<_> = instance
        .exports(&store)
        .map(|export| export.name().to_owned())
        .collect();
    names.sort();
    notes.debug("names of exports", names);
    let in_order: Vec<_> = instance
        .exports(&store)
        .map(|export| export.name().to_owned())
        .collect();
    notes.debug("names of exports in order", in_order);
    for export in instance.exports(&store) {
        let name = export.name().to_owned();
        notes.debug(format!("{name}: type"), export.ty(&store));
        let (func, memory) = (
            export.clone().into_func().is_some(),
            export.clone().into_memory().is_some(),
        );
        let (table, global) = (
            export.clone().into_table().is_some(),
            export.clone().into_global().is_some(),
        );
        notes.debug(
            format!("{name}: as func, memory, table, global"),
            (func, memory, table, global),
        );
    }
    notes.debug(
        "exports",
        (
            instance.exports(&store).len(),
            instance.get_export(&store, "y").is_none(),
            instance.get_memory(&store, "z").is_none(),
        ),
    );
}

/// Which kind of error it is, since the words are those of another validator.
fn refusal(notes: &mut Notes, key: &str, engine: &Engine, module: impl AsRef<[u8]>) {
    let outcome = Module::new(engine, module).map(drop);
    let kind = match outcome.as_ref().map_err(wasmi::Error::kind) {
        Ok(()) => "accepted",
        Err(ErrorKind::Wasm(_)) => "refused",
        Err(ErrorKind::Wat(_)) => "not understood",
        Err(_) => "something else",
    };
    notes.note(key, kind);
}

pub(crate) fn run_refused(notes: &mut Notes) {
    let engine = Engine::default();
    for (key, bytes) in [
        ("nothing", b"".as_slice()),
        ("magic", b"\0asm"),
        ("another version", b"\0asm\x02\0\0\0"),
        ("a component", b"\0asm\x0d\0\x01\0"),
        ("cut", &SECTIONS[..14]),
        ("empty module", b"\0asm\x01\0\0\0"),
        ("text with an error", b"(module (func (export)))"),
        ("text with a comment", b";; nothing\n(module)"),
        ("text without a module", b"(func)"),
        ("text that is invalid", b"(module (func (result i32)))"),
        (
            "duplicate export",
            b"(module (func (export \"a\")) (func (export \"a\")))",
        ),
        ("unknown function", b"(module (func (call 7)))"),
        ("two memories", b"(module (memory 1) (memory 1))"),
        ("no text", b"hello"),
        ("not UTF-8", b"\xff\xff"),
    ] {
        refusal(notes, key, &engine, bytes);
    }
    type Configure = fn(&mut Config) -> &mut Config;
    let configurations: [(&str, Configure, &str); 6] = [
        (
            "floats(false)",
            |config| config.floats(false),
            "(module (func (drop (f32.const 1))))",
        ),
        (
            "floats(false), no floats",
            |config| config.floats(false),
            "(module (func (drop (i32.const 1))))",
        ),
        (
            "floats(false), a type",
            |config| config.floats(false),
            "(module (func (param f64)))",
        ),
        (
            "mutable globals off",
            |config| config.wasm_mutable_global(false),
            "(module (global (export \"a\") (mut i32) (i32.const 0)))",
        ),
        (
            "sign extension off",
            |config| config.wasm_sign_extension(false),
            "(module (func (drop (i32.extend8_s (i32.const 0)))))",
        ),
        (
            "bulk memory off",
            |config| config.wasm_bulk_memory(false).wasm_reference_types(false),
            "(module (memory 1) (func (memory.fill (i32.const 0) (i32.const 0) (i32.const 0))))",
        ),
    ];
    for (key, configure, text) in configurations {
        let mut config = Config::default();
        configure(&mut config);
        refusal(notes, key, &Engine::new(&config), text);
    }
    // On by default in wasmi, and refused here.
    for text in [
        "(module (func (drop (i32.extend8_s (i32.const 0)))))",
        "(module (func (drop (i32.trunc_sat_f32_s (f32.const 0)))))",
        "(module (func (result i32 i32) i32.const 0 i32.const 0))",
        "(module (memory 1) (func (memory.fill (i32.const 0) (i32.const 0) (i32.const 0))))",
        "(module (func (param externref)))",
        "(module (func return_call 0))",
        "(module (global i32 (i32.add (i32.const 0) (i32.const 0))))",
    ] {
        refusal(notes, text, &engine, text);
    }
}
