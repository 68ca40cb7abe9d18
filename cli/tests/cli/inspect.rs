//! The verb `inspect`: modules, artifacts, and what is neither.

use crate::support::{CALCULATOR, Folder, Outcome, check_golden, wasm, without_figures};

#[test]
fn a_module_is_described() {
    let folder = Folder::new();
    folder.write(
        "a.wat",
        r#"(module $described
            (import "env" "log" (func $log (param i32 f64)))
            (import "env" "base" (global i32))
            (memory (export "memory") 2)
            (table (export "table") 3 3 funcref)
            (elem (i32.const 1) $start)
            (data (i32.const 16) "some data")
            (global (export "counter") (mut i64) (i64.const 0))
            (func $start)
            (start $start)
            (func (export "run") (param i32) (result f32) (f32.const 1.5)))"#,
    );
    let outcome = folder.succeed(&["inspect", "a.wat"]);
    check_golden("inspect-module.txt", &outcome.stdout);
    let report = folder.json(&["inspect", "a.wat", "--format", "json"]);
    assert_eq!(report["kind"], "module");
    assert_eq!(report["contents"]["start"], 1);
    assert_eq!(report["contents"]["imports"][0]["type"], "func(i32, f64)");
    assert_eq!(report["needs"][0]["proposal"], "mutable-global");
}

#[test]
fn proposals_are_listed_where_no_preset_is_enough() {
    let folder = Folder::new();
    folder.write(
        "late.wat",
        r#"(module
            (memory 1)
            (global (export "g") (mut i32) (i32.const 0))
            (func (param i32) (result i32)
                (memory.fill (i32.const 0) (i32.const 0) (i32.const 0))
                (i32.extend8_s (local.get 0))))"#,
    );
    let outcome = folder.succeed(&["inspect", "late.wat"]);
    check_golden("inspect-proposals.txt", &outcome.stdout);
    let report = folder.json(&["inspect", "late.wat", "--format", "json"]);
    let needs = report["needs"].as_array().unwrap();
    let proposals: Vec<_> = needs.iter().map(|need| need["proposal"].as_str()).collect();
    assert_eq!(
        proposals,
        [
            Some("mutable-global"),
            Some("bulk-memory"),
            Some("sign-extension")
        ]
    );
    assert_eq!(report["contents"], serde_json::Value::Null);
}

#[test]
fn an_artifact_is_described() {
    let folder = Folder::new();
    folder.write(
        "a.wat",
        r#"(module $described
            (import "env" "log" (func $log (param i32)))
            (memory (export "memory") 1 16)
            (table 2 2 funcref)
            (data (i32.const 8) "hello")
            (func $start (call $log (i32.const 1)))
            (start $start))"#,
    );
    folder.succeed(&["compile", "a.wat", "-o", "a.so", "-q"]);
    let outcome = folder.succeed(&["inspect", "a.so"]);
    check_golden("inspect-artifact.txt", &without_figures(&outcome.stdout));
}

#[test]
fn the_largest_functions_come_first_and_have_names() {
    let folder = Folder::with_calculator();
    let report = folder.json(&["inspect", "calculator.so", "--format", "json"]);
    assert_eq!(report["kind"], "artifact");
    assert_eq!(report["loads"], true);
    assert_eq!(report["intact"], true);
    assert_eq!(report["wasm_bytes"], wasm(CALCULATOR).len());
    let functions = report["largest_functions"].as_array().unwrap();
    let sizes: Vec<_> = functions.iter().map(|f| f["len_bytes"].as_u64()).collect();
    assert_eq!(sizes.len(), 8);
    assert!(
        functions
            .iter()
            .all(|function| function["name"].is_string()),
        "{functions:?}"
    );
    assert!(sizes.is_sorted_by(|left, right| left >= right), "{sizes:?}");
}

#[test]
fn at_most_ten_functions_are_listed() {
    let folder = Folder::new();
    folder.write("many.wat", format!("(module {})", "(func)".repeat(30)));
    folder.succeed(&["compile", "many.wat", "-o", "many.so", "-q"]);
    let report = folder.json(&["inspect", "many.so", "--format", "json"]);
    assert_eq!(report["defined_functions"], 30);
    assert_eq!(report["largest_functions"].as_array().unwrap().len(), 10);
}

#[test]
fn an_artifact_for_another_machine_is_described_and_would_not_load() {
    let folder = Folder::new();
    folder.write("a.wat", CALCULATOR);
    folder.succeed(&[
        "compile", "a.wat", "-o", "a.so", "-q", "--target", "aarch64",
    ]);
    let report = folder.json(&["inspect", "a.so", "--format", "json"]);
    assert_eq!(report["target"], "aarch64-unknown-linux-gnu");
    assert_eq!(report["loads"], false);
    assert_eq!(
        report["refusal"],
        "compiled for aarch64-unknown-linux-gnu, and this host is x86_64-unknown-linux-gnu: \
         compile it for this target"
    );
    let text = folder.succeed(&["inspect", "a.so"]).stdout;
    assert!(
        text.contains("\n  CPU             armv8-a: no feature beyond the baseline; for another"),
        "{text}"
    );
}

#[test]
fn a_damaged_artifact_is_described_and_would_not_load() {
    let folder = Folder::with_calculator();
    let mut bytes = folder.read("calculator.so");
    // In the padding between segments: nothing but the digest notices.
    let padding = 4090;
    assert_eq!(bytes[padding], 0);
    bytes[padding] = 1;
    folder.write("damaged.so", &bytes);
    let report = folder.json(&["inspect", "damaged.so", "--format", "json"]);
    assert_eq!(report["intact"], false);
    assert_eq!(report["loads"], false);
    let refusal = report["refusal"].as_str().unwrap();
    assert!(refusal.starts_with("digest "), "{refusal}");
    let text = folder.succeed(&["inspect", "damaged.so"]).stdout;
    assert!(text.contains("(the file is DAMAGED)"), "{text}");
}

#[test]
fn an_artifact_of_another_abi_version_is_refused() {
    let folder = Folder::with_calculator();
    let mut bytes = folder.read("calculator.so");
    bytes[512 + 8] = 99;
    folder.write("old.so", &bytes);
    folder.fail(
        &["inspect", "old.so"],
        2,
        &format!(
            "error: old.so: ABI version 99, and this loader reads version {}: compile it again\n",
            wasmelt_abi::ABI_VERSION
        ),
    );
}

#[test]
fn other_containers_are_named() {
    let folder = Folder::new();
    for (bytes, report) in [
        (
            &b"\0asm\x0d\0\x01\0"[..],
            "input: a wasm component, 8 bytes; components are built of modules: compile the core \
             module inside (wasm-tools component unbundle extracts it)\n",
        ),
        (
            b"\x52\xbc\x53\x76\x46\xdb\x8e\x05\x28\xb5\x2f\xfd",
            "input: a compressed Substrate runtime (magic 52bc5376), 12 bytes; drop the first 8 \
             bytes and decompress the rest with zstd\n",
        ),
        (
            b"PVM\0\x01",
            "input: a PolkaVM program, 5 bytes; wasmelt runs wasm: build the program for a wasm target\n",
        ),
        (
            b"0061736d01000000",
            "input: hexadecimal text, 16 bytes; decode the hexadecimal digits to bytes first\n",
        ),
        (
            b"\x7fELF\x02\x01\x01\0",
            "input: an ELF file, but not a wasmelt artifact, 8 bytes; artifacts are made with \
             `wasmelt compile`\n",
        ),
    ] {
        folder.write("input", bytes);
        folder.print(&["inspect", "input"], report);
        let json = folder.json(&["inspect", "input", "--format", "json"]);
        assert_eq!(json["kind"], "foreign");
        assert_eq!(json["len_bytes"], bytes.len());
    }
    folder.write("a.wat", CALCULATOR);
    folder.succeed(&["compile", "a.wat", "-o", "a.o", "-q", "--emit", "obj"]);
    let report = folder.succeed(&["inspect", "a.o"]).stdout;
    assert!(
        report
            .starts_with("a.o: an ELF relocatable object for x86-64, but not a wasmelt artifact, "),
        "{report}"
    );
    let this = folder.succeed(&["inspect", crate::support::WASMELT]).stdout;
    assert!(
        this.contains(" position-independent executable for x86-64, but not"),
        "{this}"
    );
}

#[test]
fn what_has_no_name_is_refused() {
    let folder = Folder::new();
    for (bytes, message) in [
        (
            &b""[..],
            "the file is empty; look whether the step that wrote it failed",
        ),
        (
            b"\0asm\x01",
            "the file is a truncated wasm file; it ends inside the wasm header: fetch or build it again",
        ),
        (
            b"GIF89a",
            "the file is of unknown kind; name a module: it begins with the bytes 00 61 73 6d 01 00 00 00",
        ),
        (
            b"\0asm\x01\0\0\0\x01\x04\x01",
            "invalid module: unexpected end-of-file (offset 0xa)",
        ),
    ] {
        folder.write("input", bytes);
        folder.fail(
            &["inspect", "input"],
            2,
            &format!("error: input: {message}\n"),
        );
        let from_stdin = folder.run_with_stdin(&["inspect", "-"], bytes);
        let expected = Outcome {
            code: Some(2),
            stdout: String::new(),
            stderr: format!("error: <stdin>: {message}\n"),
        };
        assert_eq!(from_stdin, expected);
    }
    folder.fail(
        &["inspect", "gone"],
        2,
        "error: gone: there is no such file\n",
    );
}
