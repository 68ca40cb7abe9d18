//! The host itself: its functions give known values, and what a runtime may not do ends the call and nothing else.

use wasmelt_runtime_tests::engines::{Breadth, load_everywhere};
use wasmelt_runtime_tests::report::{CallError, CallOptions, CallReport, SetupError};
use wasmelt_runtime_tests::state::{HostError, HostKind};
use wasmelt_tests::corpus::{Corpus, hex};

/// What every hand-made runtime starts with: one page, and a heap behind the first 4 KiB.
const PRELUDE: &str = r#"
    (import "env" "memory" (memory 1))
    (global (export "__heap_base") i32 (i32.const 4096))"#;

/// Calls `run` of the module on every engine, with these options, and requires the same report everywhere.
fn check(fields: &str, options: CallOptions) -> CallReport {
    // Imports come before everything else, also before the prelude's global.
    let (imports, rest): (Vec<&str>, Vec<&str>) = fields
        .lines()
        .partition(|line| line.trim_start().starts_with("(import"));
    let text = format!(
        "(module {} {PRELUDE} {})",
        imports.join("\n"),
        rest.join("\n")
    );
    let wasm = wat::parse_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let mut reports = load_everywhere(&wasm, Breadth::Every)
        .expect("the module is sound")
        .into_iter()
        .map(|on| {
            (
                on.runtime
                    .call("run", b"argument", options)
                    .expect("it can be instantiated"),
                on.engine,
            )
        });
    let (first, _) = reports.next().expect("there is always the interpreter");
    for (report, engine) in reports {
        assert_eq!(first.result, report.result, "{engine}");
        assert_eq!(
            first.trace.first_difference(&report.trace),
            None,
            "{engine}"
        );
        assert_eq!(
            (&first.messages, first.pages),
            (&report.messages, report.pages),
            "{engine}"
        );
    }
    first
}

/// What `run` returns when its body is `body`, with these imports.
fn full(imports: &str, body: &str) -> Result<Vec<u8>, CallError> {
    let run = format!("{imports}\n(func (export \"run\") (param i32 i32) (result i64) {body})");
    check(&run, CallOptions::new(HostKind::Full)).result
}

/// A pointer and a length in one number, as text.
fn packed(pointer: u64, len_bytes: u64) -> String {
    format!("(i64.const {})", len_bytes << 32 | pointer)
}

#[test]
fn hashes_are_the_known_ones() {
    for (name, input, digest) in [
        ("twox_64", "abc", "990977adf52cbc44"),
        ("twox_128", "System", "26aa394eea5630e07c48ae0c9558cef7"),
        ("blake2_128", "", "cae66941d9efbd404e4d88758ea67670"),
        (
            "blake2_256",
            "\\00",
            "03170a2e7597b7b7e3d84c05391d139a62b157e78786d8c082f29dcf4c111314",
        ),
        (
            "keccak_256",
            "",
            "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470",
        ),
        (
            "sha2_256",
            "abc",
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        ),
    ] {
        let len_bytes = if input == "\\00" {
            1
        } else {
            input.len() as u64
        };
        let output = full(
            &format!(
                "(import \"env\" \"ext_hashing_{name}_version_1\" (func $hash (param i64) (result i32)))"
            ),
            &format!(
                "(i64.or (i64.extend_i32_u (call $hash {})) (i64.const {}))) (data (i32.const 64) \"{input}\"",
                packed(64, len_bytes),
                (digest.len() as u64 / 2) << 32
            ),
        );
        assert_eq!(
            output.map(|bytes| hex(&bytes)),
            Ok(digest.to_owned()),
            "{name}"
        );
    }
}

#[test]
fn the_longest_hashes_are_the_known_ones() {
    for (name, len_bytes, start) in [
        ("twox_256", 32, "99e9d85137db46ef"),
        ("keccak_512", 64, "0eab42de4c3ceb92"),
    ] {
        let output = full(
            &format!(
                "(import \"env\" \"ext_hashing_{name}_version_1\" (func $hash (param i64) (result i32)))"
            ),
            &format!(
                "(i64.or (i64.extend_i32_u (call $hash (i64.const 64))) (i64.const {}))",
                len_bytes << 32
            ),
        )
        .unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(
            u64::try_from(output.len()).expect("it is short"),
            len_bytes,
            "{name}"
        );
        assert!(
            hex(&output).starts_with(start),
            "{name} gives {}",
            hex(&output)
        );
    }
}

const STORAGE: &str = r#"
    (import "env" "ext_storage_set_version_1" (func $set (param i64 i64)))
    (import "env" "ext_storage_get_version_1" (func $get (param i64) (result i64)))
    (import "env" "ext_storage_read_version_1" (func $read (param i64 i64 i32) (result i64)))
    (import "env" "ext_storage_clear_version_1" (func $clear (param i64)))
    (import "env" "ext_storage_exists_version_1" (func $exists (param i64) (result i32)))
    (import "env" "ext_storage_next_key_version_1" (func $next (param i64) (result i64)))
    (import "env" "ext_storage_start_transaction_version_1" (func $start))
    (import "env" "ext_storage_commit_transaction_version_1" (func $commit))
    (import "env" "ext_storage_rollback_transaction_version_1" (func $rollback))
    (data (i32.const 0) "keykez value")"#;

#[test]
fn storage_answers_as_the_specification_says() {
    let (key, other, value) = (packed(0, 3), packed(3, 3), packed(7, 5));
    let set = format!("(call $set {key} {value})");
    for (body, expected) in [
        (format!("(call $get {key})"), "00"),
        (format!("{set} (call $get {key})"), "011476616c7565"),
        (format!("{set} (call $clear {key}) (call $get {key})"), "00"),
        (format!("{set} (call $next {other})"), "00"),
        (format!("(call $set {other} {value}) (call $next {key})"), "010c6b657a"),
        (format!("(call $read {key} {} (i32.const 0))", packed(100, 2)), "00"),
        // Two of the four bytes from offset 1 fit; four are reported.
        (format!("{set} (call $read {key} {} (i32.const 1))", packed(100, 2)), "0104000000"),
        (format!("{set} (drop (call $read {key} {} (i32.const 1))) {}", packed(100, 2), packed(100, 3)), "616c00"),
        (format!("{set} (call $read {key} {} (i32.const 9))", packed(100, 2)), "0100000000"),
        (format!("(call $start) {set} (call $rollback) (call $get {key})"), "00"),
        (format!("(call $start) {set} (call $commit) (call $get {key})"), "011476616c7565"),
        (
            format!("{set} (i32.store8 (i32.const 0) (i32.add (i32.mul (call $exists {key}) (i32.const 16))
                        (call $exists {other}))) {}", packed(0, 1)),
            "10",
        ),
    ] {
        let output = full(STORAGE, &body).map(|bytes| hex(&bytes));
        assert_eq!(output, Ok(expected.to_owned()), "{body}");
    }
    assert_eq!(
        full(STORAGE, "(call $rollback) (i64.const 0)"),
        Err(CallError::Host(HostError::NoTransaction))
    );
}

#[test]
fn logging_reaches_the_full_host_and_is_asked_for_at_level_4() {
    let report = check(
        &format!(
            r#"
            (import "env" "ext_logging_log_version_1" (func $log (param i32 i64 i64)))
            (import "env" "ext_logging_max_level_version_1" (func $level (result i32)))
            (import "env" "ext_misc_print_num_version_1" (func $print (param i64)))
            (data (i32.const 0) "runtimehello")
            (func (export "run") (param i32 i32) (result i64)
                (call $log (i32.const 2) {} {}) (call $print (i64.const 7))
                (i32.store8 (i32.const 0) (call $level)) {})"#,
            packed(0, 7),
            packed(7, 5),
            packed(0, 1)
        ),
        CallOptions::new(HostKind::Full),
    );
    assert_eq!(report.result, Ok(vec![4]));
    assert_eq!(report.messages, ["2 runtime: hello", "7"]);
}

#[test]
fn the_argument_is_placed_in_the_heap() {
    let argument = "(i64.or (i64.extend_i32_u (local.get 0)) (i64.shl (i64.extend_i32_u (local.get 1)) (i64.const 32)))";
    assert_eq!(full("", argument), Ok(b"argument".to_vec()));
}

#[test]
fn an_unknown_import_traps_with_its_name_when_it_is_called_and_not_before() {
    let import = r#"(import "env" "ext_future_version_9" (func $future (param i64)))"#;
    assert_eq!(full(import, &packed(0, 0)), Ok(Vec::new()));
    let failed = full(import, "(call $future (i64.const 1)) (i64.const 0)");
    assert_eq!(
        failed,
        Err(CallError::Host(HostError::NotProvided {
            name: "ext_future_version_9".into()
        }))
    );
}

#[test]
fn the_simple_host_does_not_know_storage() {
    let report = check(
        "(import \"env\" \"ext_storage_start_transaction_version_1\" (func $start))
         (func (export \"run\") (param i32 i32) (result i64) (call $start) (i64.const 0))",
        CallOptions::new(HostKind::Bump),
    );
    let name = "ext_storage_start_transaction_version_1".into();
    assert_eq!(
        report.result,
        Err(CallError::Host(HostError::NotProvided { name }))
    );
}

#[test]
fn an_import_with_another_type_is_refused_by_name() {
    let text = format!(
        "(module (import \"env\" \"ext_allocator_malloc_version_1\" (func (param i64) (result i32))) {PRELUDE})"
    );
    let wasm = wat::parse_str(text).expect("the test writes well-formed text");
    for on in load_everywhere(&wasm, Breadth::Main).expect("the module is sound") {
        let refused = on
            .runtime
            .call("run", &[], CallOptions::new(HostKind::Full));
        assert!(
            matches!(&refused, Err(SetupError::ImportType { name, .. }) if name == "ext_allocator_malloc_version_1"),
            "{} gives {refused:?}",
            on.engine
        );
    }
}

#[test]
fn an_entry_point_of_another_type_is_an_error() {
    for function in [
        "(func (export \"run\") (param i32) (result i64) (i64.const 0))",
        "(global (export \"run\") i32 (i32.const 0))",
        "",
    ] {
        let report = check(function, CallOptions::new(HostKind::Full));
        assert_eq!(
            report.result,
            Err(CallError::NoEntryPoint { name: "run".into() }),
            "{function}"
        );
    }
}

#[test]
fn a_result_outside_the_memory_is_an_error_before_anything_is_allocated_for_it() {
    let failed = full("", &packed(65_536, u64::from(u32::MAX)));
    let expected = HostError::OutOfRange {
        pointer: 65_536,
        len_bytes: u32::MAX.into(),
        memory_len_bytes: 65_536,
    };
    assert_eq!(failed, Err(CallError::Host(expected)));
    assert_eq!(full("", &packed(65_536, 0)), Ok(Vec::new()));
}

#[test]
fn a_refusing_allocator_ends_the_call_and_the_next_one_is_sound() {
    let malloc = r#"(import "env" "ext_allocator_malloc_version_1" (func $malloc (param i32) (result i32)))"#;
    let too_large = full(
        malloc,
        "(drop (call $malloc (i32.const 33554433))) (i64.const 0)",
    );
    let reason = "Requested allocation size is too large".to_owned();
    assert_eq!(
        too_large,
        Err(CallError::Host(HostError::Allocator { reason }))
    );
    // The largest size is given, and the memory grows for it in the middle of the host call.
    let stored = "(i32.store8 (call $malloc (i32.const 33554432)) (i32.const 1)) (i64.const 0)";
    assert_eq!(full(malloc, stored), Ok(Vec::new()));
}

#[test]
fn a_trap_is_the_same_trap_everywhere() {
    for (body, code) in [
        ("unreachable", "UnreachableCodeReached"),
        (
            "(i64.div_u (i64.const 1) (i64.const 0))",
            "IntegerDivisionByZero",
        ),
        ("(i64.load (i32.const -1))", "MemoryOutOfBounds"),
    ] {
        assert_eq!(full("", body), Err(CallError::Trap(code.to_owned())));
    }
}

#[test]
fn a_limit_of_pages_is_an_error_of_the_allocator() {
    let Some(corpus) = Corpus::open().expect("a corpus that is there is readable") else {
        return;
    };
    let entry = corpus
        .lookup_file("gosemble/rust_node_template_runtime.wasm")
        .expect("the corpus has the node template");
    let wasm = corpus.read_module(entry).expect("the corpus is whole");
    // What the call needs was found by trying: one page less is refused by the allocator.
    let needed = 24;
    for on in load_everywhere(&wasm, Breadth::Main).expect("it is a sound runtime") {
        let call = |max_pages| {
            let options = CallOptions {
                kind: HostKind::Full,
                max_pages: Some(max_pages),
            };
            let report = on.runtime.call("Metadata_metadata", &[], options);
            let report = report.unwrap_or_else(|error| panic!("{}: {error}", on.engine));
            assert!(report.pages <= max_pages, "{}", on.engine);
            report.result.map(|output| output.len())
        };
        let reason = "Allocator ran out of space".to_owned();
        let refused = Err(CallError::Host(HostError::Allocator { reason }));
        assert_eq!(call(needed - 1), refused, "{}", on.engine);
        assert_eq!(call(needed), Ok(33_195), "{}", on.engine);
    }
}
