//! What guests get from WASI, and what comes of guests that fail or cannot run.

use crate::cases;
use crate::session::{Outcome, Session};

cases! {
    standard_input_is_the_file,
    absent_standard_input_is_empty,
    the_working_directory_is_open_as_a_dot,
    the_wish_for_a_small_workload_is_passed_on,
    other_variables_are_not_passed_on,
    exit_with_status_0_is_success,
    exit_with_another_status_is_a_failure,
    a_trap_is_a_failure_that_names_the_function,
    an_access_outside_memory_is_a_failure,
    a_stack_overflow_is_a_failure,
    bytes_that_are_no_module_are_refused,
    no_bytes_are_refused,
    a_missing_import_is_named,
    an_operator_of_a_later_proposal_is_named,
    a_panic_of_wasi_is_a_failure,
    a_guest_without_start_is_refused,
    a_guest_without_memory_gets_no_wasi,
}

/// A module around `body`, which finds functions of WASI, and some of its own to print and copy.
fn guest(body: &str) -> Session {
    Session::of_text(&format!(
        r#"(module
            (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
            (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
            (import "wasi_snapshot_preview1" "fd_prestat_get" (func $fd_prestat_get (param i32 i32) (result i32)))
            (import "wasi_snapshot_preview1" "fd_prestat_dir_name"
                (func $fd_prestat_dir_name (param i32 i32 i32) (result i32)))
            (import "wasi_snapshot_preview1" "path_open"
                (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
            (import "wasi_snapshot_preview1" "path_filestat_get"
                (func $path_filestat_get (param i32 i32 i32 i32 i32) (result i32)))
            (import "wasi_snapshot_preview1" "environ_sizes_get" (func $environ_sizes_get (param i32 i32) (result i32)))
            (import "wasi_snapshot_preview1" "environ_get" (func $environ_get (param i32 i32) (result i32)))
            (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
            (memory (export "memory") 1)
            ;; A vector of one buffer, of 100 bytes at 16; the number of bytes that were read or written is at 8.
            (data (i32.const 0) "\10\00\00\00\64\00\00\00")
            (data (i32.const 1024) "input")
            (func $expect_success (param i32)
                (if (local.get 0) (then (call $proc_exit (local.get 0)))))
            (func $print (param $len i32)
                (i32.store (i32.const 4) (local.get $len))
                (call $expect_success
                    (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))))
            (func $copy (param $fd i32)
                (call $expect_success
                    (call $fd_read (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 8)))
                (call $print (i32.load (i32.const 8))))
            {body})"#
    ))
}

/// Runs the guest to its end.
fn run(session: &Session) -> Outcome {
    session.run(Session::ALL)
}

/// The guest must end well and have written this.
fn check_output(session: &Session, expected: &str) {
    let outcome = run(session);
    assert_eq!(outcome.messages, "");
    assert!(
        outcome.transcript.contains("execute: 0\n"),
        "{}",
        outcome.transcript
    );
    assert_eq!(String::from_utf8_lossy(&outcome.stdout), expected);
}

/// The call must be the first that fails, for this reason.
fn check_failure(session: &Session, call: &str, reason: &str) {
    let outcome = run(session);
    let failed = outcome
        .transcript
        .lines()
        .find(|line| line.ends_with(": -1"));
    assert_eq!(
        failed,
        Some(format!("{call}: -1").as_str()),
        "{}",
        outcome.messages
    );
    let message = format!("error: cannot {call}: {reason}");
    assert!(
        outcome.messages.starts_with(&message),
        "{}",
        outcome.messages
    );
    assert!(
        outcome.transcript.contains("free: 0\n"),
        "{}",
        outcome.transcript
    );
}

fn standard_input_is_the_file() {
    let session = guest(r#"(func (export "_start") (call $copy (i32.const 0)))"#);
    let session = session.file("input", b"some input").stdin("input");
    check_output(&session, "some input");
}

fn absent_standard_input_is_empty() {
    let session = guest(r#"(func (export "_start") (call $copy (i32.const 0)))"#);
    check_output(&session, "");
}

fn the_working_directory_is_open_as_a_dot() {
    let name = guest(
        r#"(func (export "_start")
            (call $expect_success (call $fd_prestat_get (i32.const 3) (i32.const 16)))
            (call $expect_success
                (call $fd_prestat_dir_name (i32.const 3) (i32.const 16) (i32.load (i32.const 20))))
            (call $print (i32.const 1)))"#,
    );
    check_output(&name, ".");
    let file = guest(
        r#"(func (export "_start")
            (call $expect_success
                (call $path_open (i32.const 3) (i32.const 0) (i32.const 1024) (i32.const 5) (i32.const 0)
                    (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 16)))
            (call $copy (i32.load (i32.const 16))))"#,
    );
    check_output(&file.file("input", b"found"), "found");
}

/// Writes the environment.
const PRINT_ENVIRONMENT: &str = r#"
    (func (export "_start")
        (call $expect_success (call $environ_sizes_get (i32.const 2048) (i32.const 2052)))
        (call $expect_success (call $environ_get (i32.const 4096) (i32.const 16)))
        (call $print (i32.load (i32.const 2052))))"#;

fn the_wish_for_a_small_workload_is_passed_on() {
    let session = guest(PRINT_ENVIRONMENT).environment("WASM_BENCH_USE_SMALL_WORKLOAD", "1");
    check_output(&session, "WASM_BENCH_USE_SMALL_WORKLOAD=1\0");
}

fn other_variables_are_not_passed_on() {
    check_output(&guest(PRINT_ENVIRONMENT).environment("SECRET", "1"), "");
}

fn exit_with_status_0_is_success() {
    let session = guest(
        r#"(func (export "_start") (call $proc_exit (i32.const 0)) (call $print (i32.const 9)))"#,
    );
    check_output(&session, "");
}

fn exit_with_another_status_is_a_failure() {
    let session = guest(r#"(func (export "_start") (call $proc_exit (i32.const 3)))"#);
    check_failure(&session, "execute", "the guest exited with status 3\n");
}

fn a_trap_is_a_failure_that_names_the_function() {
    let session = guest(
        r#"(func (export "_start") (call $innermost))
           (func $innermost unreachable)"#,
    );
    check_failure(
        &session,
        "execute",
        "wasm `unreachable` instruction executed\n",
    );
    let messages = run(&session).messages;
    assert!(messages.contains("innermost"), "{messages}");
}

fn an_access_outside_memory_is_a_failure() {
    let session = guest(r#"(func (export "_start") (drop (i32.load (i32.const -4))))"#);
    check_failure(&session, "execute", "out of bounds memory access\n");
}

fn a_stack_overflow_is_a_failure() {
    let session = guest(r#"(func $start (export "_start") (call $start) (call $start))"#);
    check_failure(&session, "execute", "call stack exhausted\n");
}

fn bytes_that_are_no_module_are_refused() {
    check_failure(&Session::new(b"\x7fnonsense"), "compile", "");
}

fn no_bytes_are_refused() {
    let outcome = guest("").run("create compile-nothing free");
    assert!(
        outcome
            .transcript
            .contains("compile-nothing: -1\nfree: 0\n"),
        "{}",
        outcome.transcript
    );
    assert!(
        outcome.messages.starts_with("error: cannot compile: "),
        "{}",
        outcome.messages
    );
}

fn a_missing_import_is_named() {
    let session =
        Session::of_text(r#"(module (import "env" "nothing" (func)) (func (export "_start")))"#);
    check_failure(
        &session,
        "instantiate",
        "cannot find definition for import (env,nothing)",
    );
}

fn an_operator_of_a_later_proposal_is_named() {
    let session = guest(
        r#"(func (export "_start") (memory.fill (i32.const 0) (i32.const 0) (i32.const 0)))"#,
    );
    check_failure(
        &session,
        "compile",
        "module needs the proposal `bulk-memory`, which preset `wasm1` does not include: `memory.fill`",
    );
}

fn a_panic_of_wasi_is_a_failure() {
    let session = guest(
        r#"(func (export "_start")
            (call $expect_success
                (call $path_filestat_get (i32.const 3) (i32.const 0) (i32.const 1024) (i32.const 5) (i32.const 16))))"#,
    );
    let session = session.file("input", b"");
    check_output(&session, "");
    // The crate `wasi-common` subtracts without looking.
    let outcome = run(&session.changed_before_1970("input"));
    assert!(
        outcome.transcript.contains("execute: -1\nfree: 0\n"),
        "{}",
        outcome.transcript
    );
    let message = "error: cannot execute: this library panicked\n";
    assert!(outcome.messages.ends_with(message), "{}", outcome.messages);
}

fn a_guest_without_start_is_refused() {
    check_failure(&guest(""), "execute", "could not find exported function\n");
}

fn a_guest_without_memory_gets_no_wasi() {
    let session = Session::of_text(
        r#"(module
            (import "wasi_snapshot_preview1" "sched_yield" (func $yield (result i32)))
            (func (export "_start") (drop (call $yield))))"#,
    );
    check_failure(&session, "execute", "the guest exports no memory\n");
}
