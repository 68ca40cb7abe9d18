//! Every module of the corpus in wasmelt's language compiles, loads, and imports and exports what the manifest says.

mod modes;

use std::fmt::Write as _;

use modes::Mode;
use wasmelt::{Engine, ExternType, FuncType, Module, ValType};
use wasmelt_tests::corpus::{Corpus, Entry, Import, MAX_LISTED_EXPORTS};

/// Compiles and loads a module, and compares its interface with the manifest's.
fn check(engine: &Engine, entry: &Entry, wasm: &[u8]) -> Result<(), String> {
    let module = Module::new(engine, wasm).map_err(|error| format!("refused: {error}"))?;
    let exports: Vec<&str> = module
        .exports()
        .filter(|export| matches!(export.ty(), ExternType::Func(_)))
        .map(|export| export.name())
        .collect();
    let expected: Vec<&str> = entry
        .export_funcs
        .iter()
        .flatten()
        .map(String::as_str)
        .collect();
    // The manifest stops after so many; up to there the lists are equal.
    let listed = &exports[..exports.len().min(MAX_LISTED_EXPORTS)];
    if listed != expected {
        return Err(format!("exports {exports:?}, expected {expected:?}"));
    }
    let imports: Vec<Import> = module
        .imports()
        .map(|import| {
            Import(
                import.module().to_owned(),
                import.name().to_owned(),
                describe_type(import.ty()),
            )
        })
        .collect();
    let expected = entry.imports.as_deref().unwrap_or_default();
    if imports != expected {
        return Err(format!("imports {imports:?}, expected {expected:?}"));
    }
    Ok(())
}

/// A type in the manifest's notation.
fn describe_type(ty: &ExternType) -> String {
    match ty {
        ExternType::Func(ty) => describe_function_type(ty),
        ExternType::Memory(_) => "memory".to_owned(),
        ExternType::Table(_) => "table".to_owned(),
        ExternType::Global(ty) => format!("global {}", describe_value_type(ty.content())),
    }
}

fn describe_function_type(ty: &FuncType) -> String {
    let list = |types: &[ValType]| {
        types
            .iter()
            .map(|&ty| describe_value_type(ty))
            .collect::<Vec<_>>()
            .join(", ")
    };
    format!("func ({}) -> ({})", list(ty.params()), list(ty.results()))
}

fn describe_value_type(ty: ValType) -> String {
    format!("{ty:?}").to_lowercase()
}

/// Runtimes of nodes: megabytes each, and alike. They are compiled with guard pages only; the workspace
/// `tests/runtimes` runs four of them in every mode.
const FOLDERS_OF_RUNTIMES: [&str; 2] = ["substrate/", "gosemble/"];

#[test]
fn every_module_of_the_language_compiles_loads_and_lists_its_interface() {
    let Some(corpus) = Corpus::open().expect("a corpus that is there is readable") else {
        return;
    };
    let engines = Mode::ALL.map(|mode| (mode.name(), mode.engine()));
    let (mut modules, mut need_wasi, mut failures) = (0, 0, String::new());
    for entry in corpus.modules().filter(|entry| entry.is_wasm1()) {
        let wasm = corpus.read_module(entry).expect("the corpus is whole");
        let is_runtime = FOLDERS_OF_RUNTIMES
            .iter()
            .any(|folder| entry.file.starts_with(folder));
        let modes = if is_runtime { 1 } else { engines.len() };
        for (mode, engine) in &engines[..modes] {
            if let Err(failure) = check(engine, entry, &wasm) {
                writeln!(failures, "{} ({mode}): {failure}", entry.file).expect("to a string");
            }
        }
        modules += 1;
        need_wasi += usize::from(entry.needs_wasi());
    }
    println!(
        "{modules} modules compile, load and list their interface; {need_wasi} of them need WASI to run"
    );
    assert!(failures.is_empty(), "\n{failures}");
    assert!(
        modules > 250,
        "the corpus has {modules} modules of the language only"
    );
}
