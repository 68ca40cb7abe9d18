//! Runs each example as its reader would, and checks what it prints.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

use wasmelt_compiler::{CompileOptions, compile};

/// Runs a program that must succeed, and gives its standard output.
#[track_caller]
fn run(command: &mut Command) -> String {
    let output = command.output().expect("the program can be started");
    assert!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).expect("examples print text")
}

fn cargo(subcommand: &str) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command
        .args([subcommand, "--quiet", "--offline"])
        // The root, where cargo selects the same packages, and so the same features, as for the tests.
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."));
    command
}

#[test]
fn embed_counts_primes() {
    let printed = run(&mut Command::new(env!("CARGO_BIN_EXE_embed")));
    assert_eq!(printed, "168 primes below 1000\n");
}

#[test]
fn host_functions_stop_the_guest_at_the_second_message() {
    let printed = run(&mut Command::new(env!("CARGO_BIN_EXE_host-functions")));
    assert!(printed.contains("and was then stopped:\n"), "{printed}");
    assert!(printed.contains("wasm backtrace:"), "{printed}");
}

#[test]
fn the_light_client_fetches_what_it_lacks_and_pauses_in_between() {
    let printed = run(&mut Command::new(env!("CARGO_BIN_EXE_light-client")));
    let lines: Vec<_> = printed.lines().collect();
    let fetched = ["6: 6000", "4: 4000", "3: 3000", "1: 1000"];
    let fetched = fetched.map(|item| format!("fetched the balance of account {item}"));
    let end = lines.len() - 1;
    assert_eq!(lines[..end], fetched);
    assert!(
        lines[end].starts_with("total issuance: 21000, with "),
        "{printed}"
    );
    assert!(
        !lines[end].ends_with(" 0 pauses for other work"),
        "{printed}"
    );
}

#[test]
fn what_one_program_compiles_another_loads_by_its_digest() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let artifact = folder.path().join("primes.so");
    let digest = run(Command::new(env!("CARGO_BIN_EXE_precompile")).arg(&artifact));
    let load = |digest: &str| {
        let mut command = cargo("run");
        command
            .args(["-p", "wasmelt-example-load-only", "--"])
            .args([artifact.as_os_str(), OsStr::new(digest)]);
        command
    };
    assert_eq!(
        run(&mut load(digest.trim())),
        "78498 primes below 1000000\n"
    );
    let refused = load(&"0".repeat(64))
        .output()
        .expect("cargo can be started");
    assert_eq!(refused.status.code(), Some(1));
    let stderr = String::from_utf8_lossy(&refused.stderr);
    assert!(stderr.contains("digest"), "{stderr}");
}

#[test]
fn an_object_is_linked_into_a_rust_program() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let object = folder.path().join("primes.o");
    let wasm = wat::parse_file(Path::new(env!("CARGO_MANIFEST_DIR")).join("primes.wat"))
        .expect("the example's module is text");
    let compiled = compile(&wasm, &CompileOptions::default()).expect("it is a sound module");
    std::fs::write(
        &object,
        compiled.object().expect("an object can be written"),
    )
    .expect("the folder is writable");
    run(cargo("build")
        .args(["--features", "wasmelt-examples/linked", "--bin", "linked"])
        .env("WASMELT_OBJECT", &object));
    let program = Path::new(env!("CARGO_BIN_EXE_embed")).with_file_name("linked");
    assert_eq!(run(&mut Command::new(program)), "168 primes below 1000\n");
}
