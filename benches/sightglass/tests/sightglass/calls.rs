//! The order of calls: what each gives, when the clocks are told, and what comes of calls out of order.

use crate::cases;
use crate::recorder::NOT_UTF8;
use crate::session::Session;

cases! {
    a_benchmark_passes_through_its_phases,
    only_what_is_between_start_and_end_is_timed,
    an_engine_is_made_used_and_freed_again_and_again,
    a_module_is_instantiated_and_executed_many_times,
    a_module_takes_the_place_of_the_one_before,
    a_benchmark_may_be_freed_after_any_call,
    calls_out_of_order_fail,
    a_null_engine_fails,
    an_engine_without_a_place_fails,
    a_missing_working_directory_is_named,
    a_path_that_is_not_text_is_refused,
    a_place_that_cannot_be_written_to_is_named,
    flags_are_followed,
    an_unknown_flag_is_refused,
    a_value_that_a_flag_does_not_take_is_refused,
}

/// Writes three lines, of which the second is timed.
const THREE_LINES: &str = r#"
    (module
        (import "bench" "start" (func $bench_start))
        (import "bench" "end" (func $bench_end))
        (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
        (memory (export "memory") 1)
        (data (i32.const 0) "\10\00\00\00\07\00\00\00")
        (data (i32.const 16) "before\0atimed \0aafter \0a")
        (func $write (param $text i32)
            (i32.store (i32.const 0) (local.get $text))
            (if (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))
                (then unreachable)))
        (func (export "_start")
            (call $write (i32.const 16))
            (call $bench_start)
            (call $write (i32.const 23))
            (call $bench_end)
            (call $write (i32.const 30))))"#;

const OUTPUT: &[u8] = b"before\ntimed \nafter \n";

/// A session must give this transcript, and as many messages, which begin like these.
fn check(session: &Session, calls: &str, transcript: &str, messages: &[&str]) {
    let outcome = session.run(calls);
    assert_eq!(outcome.transcript, transcript, "{}", outcome.messages);
    let found: Vec<_> = outcome.messages.split("error: cannot ").skip(1).collect();
    assert_eq!(found.len(), messages.len(), "{found:#?}");
    for (found, message) in found.iter().zip(messages) {
        assert!(found.starts_with(message), "{found}");
    }
}

fn a_benchmark_passes_through_its_phases() {
    let session = Session::of_text(THREE_LINES);
    check(&session, Session::ALL, Session::ALL_WELL, &[]);
    assert_eq!(session.run(Session::ALL).stdout, OUTPUT);
}

fn only_what_is_between_start_and_end_is_timed() {
    // The guest writes into the transcript.
    let session = Session::of_text(THREE_LINES).stdout("/dev/stdout");
    let transcript = Session::ALL_WELL
        .replace("execution start\n", "before\nexecution start\ntimed \n")
        .replace("execution end\n", "execution end\nafter \n");
    check(&session, Session::ALL, &transcript, &[]);
}

fn an_engine_is_made_used_and_freed_again_and_again() {
    let session = Session::of_text(THREE_LINES);
    check(
        &session,
        &[Session::ALL; 3].join(" "),
        &Session::ALL_WELL.repeat(3),
        &[],
    );
    // Each instance made the file anew.
    assert_eq!(session.run(&[Session::ALL; 3].join(" ")).stdout, OUTPUT);
}

fn a_module_is_instantiated_and_executed_many_times() {
    let session = Session::of_text(THREE_LINES);
    let (instantiate, execute) = (
        "instantiation start\ninstantiation end\ninstantiate: 0\n",
        "execution start\nexecution end\nexecute: 0\n",
    );
    check(
        &session,
        "create compile instantiate instantiate execute instantiate execute free",
        &format!(
            "create: 0\ncompilation start\ncompilation end\ncompile: 0\n\
             {instantiate}{instantiate}{execute}{instantiate}{execute}free: 0\n"
        ),
        &[],
    );
}

fn a_module_takes_the_place_of_the_one_before() {
    let session = Session::of_text(THREE_LINES);
    let compile = "compilation start\ncompilation end\ncompile: 0\n";
    check(
        &session,
        "create compile compile instantiate compile execute free",
        &format!(
            "create: 0\n{compile}{compile}instantiation start\ninstantiation end\ninstantiate: 0\n\
             {compile}execute: -1\nfree: 0\n"
        ),
        &["execute: no module was instantiated"],
    );
}

fn a_benchmark_may_be_freed_after_any_call() {
    let session = Session::of_text(THREE_LINES);
    for calls in [
        "create free",
        "create compile free",
        "create compile instantiate free",
    ] {
        let transcript = session.run(calls).transcript;
        assert!(transcript.ends_with(": 0\nfree: 0\n"), "{transcript}");
    }
}

fn calls_out_of_order_fail() {
    check(
        &Session::of_text(THREE_LINES),
        "create execute instantiate compile execute free",
        "create: 0\nexecute: -1\ninstantiate: -1\n\
         compilation start\ncompilation end\ncompile: 0\nexecute: -1\nfree: 0\n",
        &[
            "execute: no module was instantiated since the last execution",
            "instantiate: no module was compiled",
            "execute: no module was instantiated since the last execution",
        ],
    );
}

fn a_null_engine_fails() {
    check(
        &Session::of_text(THREE_LINES),
        "compile instantiate execute free",
        "compile: -1\ninstantiate: -1\nexecute: -1\nfree: 0\n",
        &[
            "compile: the pointer to the engine is null",
            "instantiate: the pointer to the engine is null",
            "execute: the pointer to the engine is null",
        ],
    );
}

fn an_engine_without_a_place_fails() {
    check(
        &Session::of_text(THREE_LINES),
        "create-nowhere",
        "create-nowhere: -1\n",
        &["create the engine: the pointer for the result is null"],
    );
}

fn a_missing_working_directory_is_named() {
    check(
        &Session::of_text(THREE_LINES).working_dir("/no/such/folder"),
        "create",
        "create: -1\n",
        &[
            "create the engine: cannot use the working directory: cannot open /no/such/folder: No such file",
        ],
    );
}

fn a_path_that_is_not_text_is_refused() {
    check(
        &Session::of_text(THREE_LINES).stdout(NOT_UTF8),
        "create",
        "create: -1\n",
        &["create the engine: the path of standard output is not UTF-8"],
    );
}

fn a_place_that_cannot_be_written_to_is_named() {
    check(
        &Session::of_text(THREE_LINES).stdout("/no/such/folder/stdout"),
        "create compile instantiate free",
        "create: 0\ncompilation start\ncompilation end\ncompile: 0\ninstantiate: -1\nfree: 0\n",
        &["instantiate: cannot set up WASI: cannot open /no/such/folder/stdout: No such file"],
    );
}

fn flags_are_followed() {
    for flags in [
        "",
        "--opt none",
        "--opt=speed --cpu  native --jobs 1",
        "--bounds explicit --spectre",
        "--no-signals --fuel --interruption --nan-canonicalization --call-depth",
    ] {
        let session = Session::of_text(THREE_LINES).flags(flags);
        check(&session, Session::ALL, Session::ALL_WELL, &[]);
    }
    // Another processor's code is refused, so the level arrives.
    check(
        &Session::of_text(THREE_LINES).flags("--cpu armv8-a"),
        "create compile free",
        "create: 0\ncompilation start\ncompile: -1\nfree: 0\n",
        &["compile: "],
    );
}

fn an_unknown_flag_is_refused() {
    check(
        &Session::of_text(THREE_LINES).flags("--opt none --epoch-interruption"),
        "create",
        "create: -1\n",
        &["create the engine: cannot follow the engine's flags: \
             error: unexpected argument '--epoch-interruption' found"],
    );
}

fn a_value_that_a_flag_does_not_take_is_refused() {
    check(
        &Session::of_text(THREE_LINES).flags("--opt 3"),
        "create",
        "create: -1\n",
        &["create the engine: cannot follow the engine's flags: \
             error: invalid value '3' for '--opt <LEVEL>'"],
    );
}
