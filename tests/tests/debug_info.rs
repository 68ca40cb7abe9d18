//! Debug information of real modules, of several compilers, fits the code it is found for.

use std::collections::BTreeSet;

use wasmelt::{Config, Engine, Module, OptLevel};
use wasmelt_tests::corpus::Corpus;

/// Modules of clang, rustc and TinyGo, and one whose debug information a tool wrote anew; how many functions at
/// least have lines.
const MODULES: [(&str, usize); 5] = [
    ("bench/sightglass-mvp/bz2.wasm", 18),
    ("bench/sightglass-mvp/pulldown-cmark.wasm", 230),
    ("bench/ewasm/blake2b-2805-bytes.wasm", 14),
    ("wasi/wapc-go/12-testdata-go-hello.wasm", 75),
    ("hostile/binaryen/test-unit-input-dwarf-zlib.wasm", 60),
];

/// Modules whose debug information describes code that a tool has changed since.
const STALE: [&str; 2] = [
    "wasi/wascc-host/echo.wasm",
    "substrate/polkadot-2019-build-0-e0e17607.wasm",
];

/// Places in each function that are asked about.
const PLACES: u32 = 4;

/// The linker gives the symbol of the first name the second one.
const RENAMED: (&str, &str) = ("main", "__main_argc_argv");

fn module(corpus: &Corpus, file: &str) -> Module {
    let mut config = Config::new();
    config.opt_level(OptLevel::None);
    let entry = corpus.lookup_file(file);
    let wasm = corpus
        .read(entry.expect("the corpus has it"))
        .expect("the corpus is readable");
    Module::new(&Engine::new(&config), wasm).expect("it is in the language")
}

/// The names of functions that have lines: as the module's name section and as its debug information has them.
fn names(module: &Module) -> BTreeSet<(String, String)> {
    let library = module.library();
    let (offsets, lines) = (library.offset_map(), library.source_lines());
    let first = library.manifest().imported_function_count;
    let mut names = BTreeSet::new();
    for (index, defined) in (first..).zip(0..library.function_count()) {
        let range = library.function_range(defined);
        let step = ((range.end - range.start) / PLACES).max(1) as usize;
        for offset in (0..range.end - range.start).step_by(step) {
            let place = offsets.lookup(defined, offset).pop();
            let symbols = place.map(|place| lines.lookup(place.wasm_offset));
            if let Some(symbol) = symbols.unwrap_or_default().pop()
                && let (Some(known), Some(found)) = (library.function_name(index), symbol.name)
            {
                names.insert((known.to_owned(), found.to_owned()));
            }
        }
    }
    names
}

/// What compilers add to a symbol, or to one of its names only.
fn stem(name: &str) -> &str {
    let name = name.split(".llvm.").next().unwrap_or(name);
    name.rsplit_once('.')
        .filter(|(_, suffix)| suffix.bytes().all(|byte| byte.is_ascii_digit()))
        .map_or(name, |(stem, _)| stem)
}

#[test]
fn functions_of_the_source_are_those_of_the_name_section() {
    let Some(corpus) = Corpus::open().expect("a corpus that is there is readable") else {
        return;
    };
    for (file, at_least) in MODULES {
        let names = names(&module(&corpus, file));
        assert!(names.len() >= at_least, "{file}: {} names", names.len());
        for (known, found) in &names {
            let is_same = stem(known) == stem(found) || (known.as_str(), found.as_str()) == RENAMED;
            assert!(is_same, "{file}: {known} is called {found}");
        }
    }
}

#[test]
fn debug_information_of_code_that_has_changed_is_not_believed() {
    let Some(corpus) = Corpus::open().expect("a corpus that is there is readable") else {
        return;
    };
    for file in STALE {
        assert_eq!(names(&module(&corpus, file)), BTreeSet::new(), "{file}");
    }
}
