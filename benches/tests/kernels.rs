//! The registry, the sources and the wasm files agree; every engine gives the registered results.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use wasmelt_benches::engines::{BASELINE, Instance, select_engines};
use wasmelt_benches::kernels::{Category, KERNELS, Kernel};
use wasmparser::{
    ExternalKind, FuncType, KnownCustom, Name, Parser, Payload, ValType, Validator, WasmFeatures,
};

/// The compiler that the committed wasm files come from.
const CLANG_VERSION: &str = "Debian clang version 14.0.6";

/// What makes the sources build natively with the results of wasm: no `errno`, no contraction of floating point.
const NATIVE_FLAGS: [&str; 4] = ["-std=c11", "-O2", "-fno-math-errno", "-ffp-contract=off"];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("kernels")
}

fn stems(extension: &str) -> BTreeSet<String> {
    fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect()
}

fn instance(engine: &str, kernel: &Kernel) -> Box<dyn Instance> {
    let engines = select_engines(&[engine.to_owned()], BASELINE).unwrap();
    let engine = engines
        .iter()
        .find(|candidate| candidate.name() == engine)
        .unwrap();
    engine.compile(kernel.wasm).unwrap().instantiate().unwrap()
}

#[test]
fn registry_sources_and_wasm_files_have_the_same_names() {
    let registered: BTreeSet<String> = KERNELS
        .iter()
        .map(|kernel| kernel.name.to_owned())
        .collect();
    assert_eq!(
        registered.len(),
        KERNELS.len(),
        "a name is registered twice"
    );
    assert_eq!(registered, stems("c"));
    assert_eq!(registered, stems("wasm"));
}

#[test]
fn kernels_are_many_of_every_category_and_few_are_mostly_calls() {
    assert!(KERNELS.len() >= 24, "{} kernels", KERNELS.len());
    for category in Category::ALL {
        let count = KERNELS
            .iter()
            .filter(|kernel| kernel.category == category)
            .count();
        assert!(count >= 2, "{count} kernels of category {category}");
    }
    let calls: Vec<_> = KERNELS
        .iter()
        .filter(|kernel| kernel.call_dominated)
        .map(|kernel| kernel.name)
        .collect();
    assert_eq!(calls, ["fib", "leaf_calls"]);
}

#[test]
fn sources_start_with_a_caption_and_include_only_the_shared_header() {
    for kernel in KERNELS {
        let source = fs::read_to_string(folder().join(kernel.name).with_extension("c")).unwrap();
        let first = source.lines().next().unwrap();
        assert!(
            first.starts_with("// ") && first.ends_with('.'),
            "{}: {first}",
            kernel.name
        );
        let includes: Vec<_> = source
            .lines()
            .filter(|line| line.starts_with("#include"))
            .collect();
        assert_eq!(includes, ["#include \"kernel.h\""], "{}", kernel.name);
    }
}

#[test]
fn kernels_are_strict_mvp_without_imports_and_export_run() {
    for kernel in KERNELS {
        let name = kernel.name;
        let mut validator = Validator::new_with_features(WasmFeatures::MVP);
        let types = validator
            .validate_all(kernel.wasm)
            .unwrap_or_else(|error| panic!("{name} is not strict MVP: {error}"));
        let mut exports = Vec::new();
        let mut named = false;
        for payload in Parser::new(0).parse_all(kernel.wasm) {
            match payload.unwrap() {
                Payload::ImportSection(_) => panic!("{name} has imports"),
                Payload::StartSection { .. } => panic!("{name} has a start function"),
                Payload::ExportSection(section) => {
                    exports.extend(section.into_iter().map(Result::unwrap));
                }
                Payload::CustomSection(section) => {
                    if let KnownCustom::Name(names) = section.as_known() {
                        for subsection in names {
                            if let Name::Function(functions) = subsection.unwrap() {
                                named |= functions.into_iter().any(|f| f.unwrap().name == "run");
                            }
                        }
                    }
                }
                _ => {}
            }
        }
        assert!(named, "{name} has no name section that names `run`");
        let found: Vec<_> = exports
            .iter()
            .map(|export| (export.name, export.kind))
            .collect();
        assert_eq!(
            found,
            [
                ("memory", ExternalKind::Memory),
                ("run", ExternalKind::Func)
            ],
            "{name}"
        );
        let run = types[types.as_ref().core_function_at(exports[1].index)].unwrap_func();
        assert_eq!(
            *run,
            FuncType::new([ValType::I32], [ValType::I32]),
            "{name}"
        );
    }
}

#[test]
fn wasmi_gives_the_small_results_twice() {
    for kernel in KERNELS {
        let mut instance = instance("wasmi", kernel);
        for call in ["first", "second"] {
            instance
                .check(kernel.small)
                .unwrap_or_else(|error| panic!("{}, {call} call: {error:#}", kernel.name));
        }
    }
}

#[test]
fn compiled_code_gives_the_timing_results_and_still_the_small_ones_after() {
    for engine in ["wasmtime", "wasmelt"] {
        for kernel in KERNELS {
            let mut instance = instance(engine, kernel);
            for input in [kernel.timing, kernel.small] {
                instance
                    .check(input)
                    .unwrap_or_else(|error| panic!("{} on {engine}: {error:#}", kernel.name));
            }
        }
    }
}

#[test]
fn a_wrong_result_is_reported_with_both_values() {
    let kernel = &KERNELS[0];
    let mut input = kernel.small;
    input.expected ^= 1;
    let error = instance("wasmi", kernel)
        .check(input)
        .unwrap_err()
        .to_string();
    let (found, expected) = (kernel.small.expected, input.expected);
    assert_eq!(
        error,
        format!(
            "run({}) gave {found:#010x}, expected {expected:#010x}",
            input.n
        )
    );
}

#[test]
fn rebuilding_gives_the_committed_bytes() {
    match Command::new("clang").arg("--version").output() {
        Err(_) => return println!("not run: clang missing"),
        Ok(Output { stdout, .. }) => {
            let version = String::from_utf8_lossy(&stdout).into_owned();
            if !version.starts_with(CLANG_VERSION) {
                return println!("not run: clang missing in version `{CLANG_VERSION}`");
            }
        }
    }
    if Command::new("wasm-ld").arg("--version").output().is_err() {
        return println!("not run: wasm-ld missing");
    }
    let out = tempfile::tempdir().unwrap();
    let built = Command::new(folder().join("build.sh"))
        .arg(out.path())
        .output()
        .unwrap();
    assert!(
        built.status.success(),
        "{}",
        String::from_utf8_lossy(&built.stderr)
    );
    for kernel in KERNELS {
        let path = out.path().join(kernel.name).with_extension("wasm");
        assert!(
            fs::read(path).unwrap() == kernel.wasm,
            "{} differs when rebuilt",
            kernel.name
        );
    }
}

#[test]
fn native_builds_give_the_same_results() {
    if Command::new("cc").arg("--version").output().is_err() {
        return println!("not run: cc missing");
    }
    let out = tempfile::tempdir().unwrap();
    let main = out.path().join("main.c");
    fs::write(
        &main,
        "#include <stdint.h>\n#include <stdio.h>\n#include <stdlib.h>\nuint32_t run(uint32_t n);\n\
         int main(int count, char **words) {\n    for (int k = 1; k < count; k++)\n        \
         printf(\"%u\\n\", run((uint32_t)strtoul(words[k], 0, 10)));\n}\n",
    )
    .unwrap();
    for kernel in KERNELS {
        let program = out.path().join(kernel.name);
        let built = Command::new("cc")
            .args(NATIVE_FLAGS)
            .arg("-o")
            .arg(&program)
            .arg(&main)
            .arg(folder().join(kernel.name).with_extension("c"))
            .output()
            .unwrap();
        assert!(
            built.status.success(),
            "{}",
            String::from_utf8_lossy(&built.stderr)
        );
        let inputs = [kernel.small, kernel.timing];
        let ran = Command::new(&program)
            .args(inputs.map(|input| input.n.to_string()))
            .output();
        let expected = inputs.map(|input| format!("{}\n", input.expected)).concat();
        assert_eq!(
            String::from_utf8(ran.unwrap().stdout).unwrap(),
            expected,
            "{}",
            kernel.name
        );
    }
}
