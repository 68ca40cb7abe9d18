//! Takes the programs out of the layer's own tests, which its package ships.
//!
//! A file of these tests is a function that is generic over the backend, `fn NAME(engine: &Engine<impl WasmEngine>)`,
//! and, before it, one `#[test]` for each backend that the layer's author knows. The function is taken, with what it
//! imports; `tests/programs.rs` calls it with our backend.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

const PROGRAMS: [&str; 2] = ["add_one", "multi_value"];
/// What stands before a program's function.
const START: &str = "#[allow(unused)]\n";

fn main() {
    // As it runs, not as it was compiled: a copy of the workspace may share the build.
    let folder = env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it");
    let lock = Path::new(&folder).join("../../../Cargo.lock");
    println!("cargo::rerun-if-changed={}", lock.display());
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(layer_is_unpacked)");
    let version = locked_version(&fs::read_to_string(lock).expect("the workspace is locked"));
    // Sources that cargo has vendored elsewhere are not found; the tests then say so.
    let Some(tests) = unpacked_tests(&version) else {
        return;
    };
    println!("cargo::rustc-cfg=layer_is_unpacked");
    let output = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    for program in PROGRAMS {
        let path = tests.join(program).with_extension("rs");
        println!("cargo::rerun-if-changed={}", path.display());
        let text = fs::read_to_string(&path).expect("the layer has this test");
        let taken = take_program(&text).expect("the test is written like the others");
        fs::write(output.join(program).with_extension("rs"), taken).expect("cargo made the folder");
    }
}

/// The version of the layer that this workspace uses.
fn locked_version(lock: &str) -> String {
    let (_, package) = lock
        .split_once("name = \"wasm_runtime_layer\"\nversion = \"")
        .expect("the suite depends on the layer");
    let version = package.split('"').next();
    version.expect("something stands before a quote").to_owned()
}

/// The folder of the layer's tests, where cargo unpacks packages of a registry.
fn unpacked_tests(version: &str) -> Option<PathBuf> {
    let home = match env::var_os("CARGO_HOME") {
        Some(home) => PathBuf::from(home),
        None => env::home_dir()?.join(".cargo"),
    };
    let registries = fs::read_dir(home.join("registry/src")).ok()?;
    let folders: io::Result<Vec<_>> = registries.map(|entry| Ok(entry?.path())).collect();
    let tests = format!("wasm_runtime_layer-{version}/tests");
    let mut tests = folders.ok()?.into_iter().map(|folder| folder.join(&tests));
    tests.find(|folder| folder.is_dir())
}

/// The imports and the program itself, without the tests between them.
fn take_program(text: &str) -> Option<String> {
    let (imports, _) = text.split_once("#[test]\n")?;
    let (_, program) = text.split_once(START)?;
    Some(format!("{imports}{program}"))
}
