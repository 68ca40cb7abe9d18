//! Artifacts: compiled here or elsewhere, loaded with a reason to trust them, refused otherwise.
#![allow(clippy::unwrap_used, unsafe_code, reason = "test code")]

mod support;

use std::{fs, process::Command};
use support::{Mode, call, in_every_mode};
use wasmelt::{
    Config, CpuLevel, Engine, Instance, Module, Origin, Store, Trust,
    errors::{ErrorKind, InputError},
};

const ANSWER: &str = r#"(module (func (export "answer") (result i32) i32.const 42))"#;

fn answer(engine: &Engine, module: &Module) -> i32 {
    let mut store = Store::new(engine, ());
    let instance = Instance::new(&mut store, module, &[]).unwrap();
    call::<_, (), i32>(&mut store, instance, "answer", ()).unwrap()
}

/// The digest that an artifact carries.
fn digest(artifact: &[u8]) -> [u8; 32] {
    artifact[552..584].try_into().unwrap()
}

#[test]
fn an_artifact_is_loaded_from_bytes_and_from_a_file() {
    in_every_mode(|mode| {
        let engine = mode.engine();
        let artifact = Module::compile(&engine, ANSWER).unwrap();
        let trust = Trust::Digest(digest(&artifact));
        let module = Module::load(&engine, &artifact, &trust).unwrap();
        assert_eq!(
            (module.origin(), answer(&engine, &module)),
            (Origin::Artifact, 42)
        );

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("answer.so");
        fs::write(&path, &artifact).unwrap();
        for trust in [trust, Trust::Named] {
            let module = Module::load(&engine, path.as_path(), &trust).unwrap();
            assert_eq!(answer(&engine, &module), 42);
        }
        // SAFETY: the artifact was compiled a few lines above.
        let module = unsafe { Module::load_unchecked(&engine, &path) }.unwrap();
        assert_eq!(answer(&engine, &module), 42);
        assert_eq!(
            Module::new(&engine, ANSWER).unwrap().origin(),
            Origin::Compiled
        );
    });
}

#[test]
fn an_artifact_that_is_not_trusted_is_refused() {
    let engine = Engine::default();
    let mut artifact = Module::compile(&engine, ANSWER).unwrap();
    let error = Module::load(&engine, &artifact, &Trust::Digest([1; 32])).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Load(_)), "{error}");
    let trust = Trust::Digest(digest(&artifact));
    let last = artifact.len() - 40;
    artifact[last] ^= 1;
    let error = Module::load(&engine, &artifact, &trust).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Load(_)), "{error}");
    assert!(Module::load(&engine, b"\0asm".as_slice(), &trust).is_err());
}

#[test]
fn modules_compiled_twice_are_the_same_bytes() {
    let engine = Engine::default();
    let first = Module::compile(&engine, ANSWER).unwrap();
    assert_eq!(first, Module::compile(&engine, ANSWER).unwrap());
    let mut config = Config::default();
    config.compile_threads(2);
    assert_eq!(
        first,
        Module::compile(&Engine::new(&config), ANSWER).unwrap()
    );
}

#[test]
fn an_artifact_given_as_a_module_says_what_to_call() {
    let engine = Engine::default();
    let artifact = Module::compile(&engine, ANSWER).unwrap();
    for error in [
        Module::new(&engine, &artifact).unwrap_err(),
        Module::compile(&engine, &artifact).unwrap_err(),
        Module::validate(&engine, &artifact).unwrap_err(),
    ] {
        assert!(matches!(error.kind(), ErrorKind::Input(InputError::IsElf)));
        assert!(error.to_string().contains("Module::load"), "{error}");
    }
}

#[test]
fn input_that_is_no_module_is_a_typed_error() {
    let engine = Engine::default();
    let zstd = b"\x28\xb5\x2f\xfd rest".as_slice();
    for input in [
        b"".as_slice(),
        b"\0asm",
        b"\0asm\x0d\0\x01\0",
        b"0061736d01000000",
        zstd,
        b"\xff",
    ] {
        let error = Module::new(&engine, input).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Wasm(_)), "{error}");
    }
    let error = Module::new(&engine, "(module (func (export)))").unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Wat(_)), "{error}");
    let error = Module::new(&engine, "(module (func (result i32)))").unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Wasm(_)), "{error}");
    let later = r#"(module (memory 1) (func i32.const 0 i32.const 0 i32.const 0 memory.fill))"#;
    let error = Module::new(&engine, later).unwrap_err();
    assert!(error.to_string().contains("bulk"), "{error}");
}

#[test]
fn validation_accepts_what_compiles() {
    let engine = Engine::default();
    let wasm = wat::parse_str(ANSWER).unwrap();
    Module::validate(&engine, &wasm).unwrap();
    let mut broken = wasm.clone();
    *broken.last_mut().unwrap() ^= 1;
    assert!(Module::validate(&engine, &broken).is_err());
    // The text format is for `Module::new` only.
    assert!(Module::validate(&engine, ANSWER.as_bytes()).is_err());
    // SAFETY: nothing is asked of the caller.
    let module = unsafe { Module::new_unchecked(&engine, &wasm) }.unwrap();
    assert_eq!(answer(&engine, &module), 42);
}

#[test]
fn code_for_another_machine_is_compiled_but_not_loaded() {
    let mut config = Config::default();
    config.cpu(CpuLevel::Armv8A);
    let error = Module::compile(&Engine::new(&config), ANSWER).unwrap_err();
    assert!(error.to_string().contains("armv8-a"), "{error}");
    config.cpu(CpuLevel::Native);
    let engine = Engine::new(&config);
    assert_eq!(answer(&engine, &Module::new(&engine, ANSWER).unwrap()), 42);
}

#[test]
fn an_engine_runs_artifacts_of_every_mode() {
    let engine = Engine::default();
    for mode in Mode::all() {
        let artifact = Module::compile(&mode.engine(), ANSWER).unwrap();
        let trust = Trust::Digest(digest(&artifact));
        assert_eq!(
            answer(&engine, &Module::load(&engine, &artifact, &trust).unwrap()),
            42
        );
    }
}

#[test]
fn without_default_features_there_is_no_cranelift_and_no_wasmparser() {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let tree = |features: &[&str]| {
        let output = Command::new(env!("CARGO"))
            .args(["tree", "--offline", "--edges", "normal", "--prefix", "none"])
            .args(["--manifest-path", manifest])
            .args(features)
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    };
    let without = tree(&["--no-default-features"]);
    assert!(without.contains("wasmelt-loader"));
    for name in [
        "cranelift",
        "wasmparser",
        "wasmelt-compiler",
        "wasmelt-cache",
        "wat ",
    ] {
        assert!(!without.contains(name), "{name} is in\n{without}");
    }
    // The check would notice: with default features they are there.
    let with = tree(&[]);
    assert!(with.contains("cranelift-codegen") && with.contains("wasmparser"));
}
