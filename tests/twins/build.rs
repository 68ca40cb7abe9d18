//! Finds the sources of wasmi and of its script runner where cargo keeps them, and makes programs of what is in them.

use std::collections::BTreeMap;
use std::env;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// Files of wasmi's own tests that need what wasmelt does not have, and what that is.
const NOT_TAKEN: [(&str, &str); 3] = [
    ("aliased_copy", "operators of bulk memory"),
    ("multi_memory", "modules with several memories"),
    (
        "resource_limiter",
        "`table.grow`; programs/limits.rs does the same without",
    ),
];

/// Tests of theirs that fail here, and how they do: were one to pass, or to fail otherwise, it would count as a failure.
const FAILING: [(&str, &str); 10] = [
    // They need tail calls.
    ("host_tail_calls_0", "proposal: \"tail-call\""),
    ("host_tail_calls_1", "proposal: \"tail-call\""),
    ("host_tail_call_grow_memory", "proposal: \"tail-call\""),
    ("resumable_call_smoldot_tail_01", "proposal: \"tail-call\""),
    ("resumable_call_smoldot_tail_02", "proposal: \"tail-call\""),
    // It needs a memory with 64-bit indices.
    ("instantiate_out_of_memory", "proposal: \"memory64\""),
    // They know what wasmi charges; see docs/fuel.md.
    ("fuel_consumption_01", "assertion `left == right` failed"),
    ("metered_i32_add_eager", "assertion `left == right` failed"),
    ("metered_i32_add_lazy", "assertion `left == right` failed"),
    (
        "metered_i32_add_lazy_translation",
        "assertion `left == right` failed",
    ),
];

fn main() {
    let packages = find_packages();
    let folder = |name: &str| {
        packages
            .get(name)
            .unwrap_or_else(|| panic!("{name} is there"))
    };
    let wasmi = folder("wasmi");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    let mut sources = rust_files(&wasmi.join("src"));
    sources.push(wasmi.join("README.md"));
    fs::write(out.join("examples.rs"), examples(wasmi, &sources)).expect("a folder to write to");
    fs::write(out.join("integration.rs"), integration(wasmi, &out)).expect("a folder to write to");
    let runner = folder("wasmi_wast").join("src/lib.rs");
    let module = format!("#[path = {runner:?}]\nmod wasmi_wast;\n");
    fs::write(out.join("wast.rs"), module).expect("a folder to write to");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={}", wasmi.display());
}

/// The folders of the packages that this workspace builds, and of those that it may build.
fn find_packages() -> BTreeMap<String, PathBuf> {
    let cargo = env::var_os("CARGO").expect("cargo sets it");
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--locked"])
        .args(["--all-features", "--filter-platform"])
        .arg(env::var_os("TARGET").expect("cargo sets it"))
        .output()
        .expect("cargo runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cargo metadata: {errors}");
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo writes JSON");
    let packages = metadata["packages"].as_array().into_iter().flatten();
    let folders = packages.filter_map(|package| {
        let manifest = Path::new(package["manifest_path"].as_str()?);
        Some((
            package["name"].as_str()?.to_owned(),
            manifest.parent()?.to_owned(),
        ))
    });
    folders.collect()
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("wasmi's sources are readable");
    let mut paths: Vec<_> = entries
        .map(|entry| entry.expect("readable").path())
        .collect();
    paths.sort();
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

/// One module for each example, and a table of them.
fn examples(wasmi: &Path, sources: &[PathBuf]) -> String {
    let mut modules = String::new();
    let mut table = String::new();
    for path in sources {
        let text = fs::read_to_string(path).expect("wasmi's sources are text");
        let name = path
            .strip_prefix(wasmi)
            .expect("below it")
            .display()
            .to_string();
        let is_rust = name.ends_with(".rs");
        for (line, code) in blocks(&text, is_rust) {
            let at = table.lines().count();
            let code = if code.contains("fn main()") {
                code
            } else {
                format!(
                    "fn main() {{ let _ = (|| {{ {code} ; Ok::<(), wasmi::Error>(()) }})().expect(\"no error\"); }}"
                )
            };
            let _ = write!(
                modules,
                "#[allow(warnings, reason = \"the code is not ours\")]\nmod example_{at} {{\n{code}\npub(super) fn run() {{ let _ = main(); }}\n}}\n"
            );
            let _ = writeln!(table, "    (\"{name}:{line}\", example_{at}::run),");
        }
    }
    format!("{modules}\npub(super) const EXAMPLES: &[(&str, fn())] = &[\n{table}];\n")
}

/// Code blocks that rustdoc would run, with the lines at which they begin.
fn blocks(text: &str, is_rust: bool) -> Vec<(usize, String)> {
    let mut blocks = Vec::new();
    let mut open: Option<(usize, bool, String)> = None;
    for (line, text) in (1..).zip(text.lines()) {
        let text = match is_rust.then(|| text.trim_start()) {
            None => text,
            Some(text) => match text.strip_prefix("///").or(text.strip_prefix("//!")) {
                Some(text) => text.strip_prefix(' ').unwrap_or(text),
                None => continue,
            },
        };
        match (text.trim().strip_prefix("```"), &mut open) {
            (Some(language), None) => {
                // A README's are run only if they say that they are Rust.
                let is_run = matches!(language, "rust") || (is_rust && language.is_empty());
                open = Some((line, is_run, String::new()));
            }
            (Some(_), Some(_)) => {
                let (line, is_run, code) = open.take().expect("just seen");
                if is_run {
                    blocks.push((line, code));
                }
            }
            (None, Some((_, _, code))) => {
                let hidden = text.strip_prefix("# ").or((text == "#").then_some(""));
                let _ = writeln!(code, "{}", hidden.unwrap_or(text));
            }
            (None, None) => {}
        }
    }
    blocks
}

/// wasmi's own tests, as modules of one program. Types that they take from the crate below wasmi are wasmi's, too.
fn integration(wasmi: &Path, out: &Path) -> String {
    let mut text = String::new();
    for path in rust_files(&wasmi.join("tests/integration")) {
        let name = path.file_stem().expect("a file").to_string_lossy();
        if name != "mod" && !NOT_TAKEN.iter().any(|(not_taken, _)| *not_taken == name) {
            let code = fs::read_to_string(&path).expect("wasmi's tests are text");
            let mut code = code.replace("wasmi_core::", "wasmi::");
            for (test, how) in FAILING {
                let head = format!("fn {test}()");
                code = code.replace(
                    &head,
                    &format!("#[should_panic(expected = {how:?})]\n{head}"),
                );
            }
            let copy = out.join(format!("integration_{name}.rs"));
            fs::write(&copy, code).expect("a folder to write to");
            let _ = writeln!(text, "#[path = {copy:?}]\nmod {name};");
        }
    }
    text
}
