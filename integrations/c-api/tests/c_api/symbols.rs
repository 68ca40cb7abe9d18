//! The shared library exports what the headers declare, and nothing else.

use crate::support::{c_compiler, here, prefix, succeeded};
use std::collections::BTreeSet;
use std::process::Command;

/// Names of the functions that the headers declare, found where the preprocessor's output has a name before a
/// parenthesis, not in a body or another declaration's parameters.
fn declared() -> BTreeSet<String> {
    let output = c_compiler()
        .args(["-E", "-P"])
        .arg(prefix().join("include/wasmelt.h"))
        .output()
        .expect("a C compiler");
    let text = succeeded("cc -E", &output);
    let text = without_bodies(&text);
    text.split(';')
        .filter(|declaration| !declaration.contains("typedef"))
        .filter_map(|declaration| {
            let (before, _) = declaration.split_once('(')?;
            let name = before
                .rsplit(|c: char| !c.is_alphanumeric() && c != '_')
                .next()?;
            name.starts_with("wasm").then(|| name.to_owned())
        })
        .collect()
}

/// The text with every body, of functions, structures and enumerations, replaced; what had the body of a function is
/// no declaration any more.
fn without_bodies(text: &str) -> String {
    let (mut kept, mut depth) = (String::new(), 0);
    for c in text.chars() {
        match c {
            '{' => {
                if depth == 0 && kept.trim_end().ends_with(')') {
                    let start = kept.rfind([';', '}']).map_or(0, |end| end + 1);
                    kept.truncate(start);
                }
                depth += 1;
            }
            '}' => depth -= 1,
            c if depth == 0 => kept.push(c),
            _ => {}
        }
    }
    kept
}

fn exported() -> BTreeSet<String> {
    let output = Command::new("nm")
        .args(["-D", "--defined-only", "--format=posix"])
        .arg(prefix().join("lib/libwasmelt.so"))
        .output()
        .expect("nm, which comes with the linker");
    succeeded("nm", &output)
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_declared_function_is_exported_and_nothing_else() {
    let (declared, exported) = (declared(), exported());
    let missing: Vec<_> = declared.difference(&exported).collect();
    let more: Vec<_> = exported.difference(&declared).collect();
    assert!(
        missing.is_empty(),
        "declared, but not exported: {missing:?}"
    );
    assert!(more.is_empty(), "exported, but not declared: {more:?}");
    // The parser would find nothing in headers of another style.
    assert!(declared.len() > 300, "only {} functions", declared.len());
    for name in ["wasm_name_new_from_string", "wasm_functype_new_0_0"] {
        assert!(!declared.contains(name), "{name} is defined in the header");
    }
}

#[test]
fn every_exported_function_has_a_signature() {
    let described: BTreeSet<String> = wasmelt_c_api::signatures()
        .iter()
        .map(|signature| signature.name.to_owned())
        .collect();
    assert_eq!(described, exported());
}

#[test]
fn the_library_is_asked_for_by_a_name_with_the_version_of_the_interface() {
    let header = std::fs::read_to_string(here("include/wasmelt.h")).expect("the header");
    let version = header
        .lines()
        .find_map(|line| line.strip_prefix("#define WASMELT_API_VERSION "))
        .expect("the version of the interface");
    let output = Command::new("readelf")
        .args(["-d", "--wide"])
        .arg(prefix().join("lib/libwasmelt.so"))
        .output();
    let Ok(output) = output else {
        println!("not run: readelf missing");
        return;
    };
    let dynamic = succeeded("readelf", &output);
    assert!(
        dynamic.contains(&format!("soname: [libwasmelt.so.{version}]")),
        "{dynamic}"
    );
    // The handlers of signals stay when a program closes the library.
    assert!(dynamic.contains("NODELETE"), "{dynamic}");
}
