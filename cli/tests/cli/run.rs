//! The verb `run`: calls, traps, imports, artifacts, and the cache.

use crate::support::{CALCULATOR, Folder, Outcome, outcome, wasm};
use std::{fs, os::unix::fs::PermissionsExt};

/// Runs an export of the calculator without a cache.
fn calculate(folder: &Folder, words: &[&str]) -> Outcome {
    let fixed = ["run", "--no-cache", "calculator.wat", "--invoke"];
    folder.run(&[&fixed, words].concat())
}

fn folder_with_module() -> Folder {
    let folder = Folder::new();
    folder.write("calculator.wat", CALCULATOR);
    folder
}

#[test]
fn each_result_is_on_a_line_of_its_own() {
    let folder = folder_with_module();
    for (words, result) in [
        (&["add", "1", "2"][..], "3\n"),
        (&["add", "-1", "-2"], "-3\n"),
        (&["add", "0xffffffff", "0"], "-1\n"),
        (&["add", "4294967295", "2"], "1\n"),
        (
            &["add64", "-9223372036854775808", "-0x1"],
            "9223372036854775807\n",
        ),
        (&["negate32", "1.5"], "-1.5\n"),
        (&["negate32", "-inf"], "inf\n"),
        (&["negate64", "nan"], "NaN\n"),
        (&["negate64", "-0x1.8p1"], "3\n"),
        (&["negate64", "0"], "-0\n"),
        (&["nothing"], ""),
    ] {
        let expected = Outcome {
            code: Some(0),
            stdout: result.to_owned(),
            stderr: String::new(),
        };
        assert_eq!(calculate(&folder, words), expected, "{words:?}");
    }
}

#[test]
fn every_strategy_gives_the_same_result() {
    let folder = folder_with_module();
    for options in [
        &["--bounds", "guard"][..],
        &["--bounds", "explicit", "--spectre"],
        &["--no-signals"],
        &["--opt", "none", "--jobs", "1"],
        &["--cpu", "native", "--nan-canonicalization"],
        &["--preset", "polkadot"],
    ] {
        let fixed = [
            "run",
            "calculator.wat",
            "--no-cache",
            "--invoke",
            "quotient",
        ];
        folder.print(&[&fixed, options, &["--", "-7", "2"]].concat(), "-3\n");
        let trapped = folder.run(&[&fixed, options, &["7", "0"]].concat());
        assert_eq!(trapped.code, Some(1), "{options:?}: {trapped:?}");
        assert!(
            trapped
                .stderr
                .starts_with("error: calculator.wat: integer divide by zero\n")
        );
    }
}

#[test]
fn fuel_is_metered_and_limited() {
    let folder = folder_with_module();
    let add = ["--invoke", "add", "1", "2"];
    // Two reads of parameters and an addition.
    let run = ["run", "--no-cache", "calculator.wat", "--format", "json"];
    let json = folder.json(&[&run[..], &["--fuel"], &add].concat());
    assert_eq!(json["fuel_used"], 3);
    let json = folder.json(&[&run[..], &add].concat());
    assert_eq!(json.get("fuel_used"), None);
    folder.print(
        &[&["run", "calculator.wat", "--fuel-limit", "3"], &add[..]].concat(),
        "3\n",
    );
    let spent = folder.run(&[&["run", "calculator.wat", "--fuel-limit", "2"], &add[..]].concat());
    assert_eq!(spent.code, Some(1), "{spent:?}");
    let message = "error: calculator.wat: all fuel consumed by WebAssembly: 1 more required\n";
    assert!(spent.stderr.starts_with(message), "{spent:?}");

    // How an artifact was compiled decides.
    folder.succeed(&[
        "compile",
        "calculator.wat",
        "-o",
        "metered.so",
        "--fuel",
        "-q",
    ]);
    folder.print(&[&["run", "metered.so"], &add[..]].concat(), "3\n");
    let spent = folder.run(&[&["run", "metered.so", "--fuel-limit", "2"], &add[..]].concat());
    assert_eq!(spent.code, Some(1), "{spent:?}");
    folder.succeed(&["compile", "calculator.wat", "-o", "plain.so", "-q"]);
    folder.fail(
        &[&["run", "plain.so", "--fuel-limit", "2"], &add[..]].concat(),
        2,
        "error: plain.so: --fuel-limit is for code that meters fuel, and this artifact was \
         compiled without --fuel\n",
    );
}

#[test]
fn active_calls_are_counted_and_limited() {
    let folder = folder_with_module();
    let down = "(module (func $down (export \"down\") (param i32)
        (if (local.get 0) (then (call $down (i32.sub (local.get 0) (i32.const 1)))))))";
    folder.write("down.wat", down);
    let limit = ["--max-call-depth", "100", "--invoke", "down"];
    folder.print(&[&["run", "down.wat"], &limit[..], &["99"]].concat(), "");
    let outcome = folder.run(&[&["run", "down.wat"], &limit[..], &["100"]].concat());
    let message = "error: down.wat: call stack exhausted: too many active calls\n";
    assert!(outcome.stderr.starts_with(message), "{outcome:?}");
    assert_eq!(outcome.code, Some(1));

    folder.succeed(&[
        "compile",
        "down.wat",
        "-o",
        "counted.so",
        "-q",
        "--call-depth",
    ]);
    let options = folder.json(&["inspect", "counted.so", "--format", "json"]);
    assert_eq!(options["options"]["call_depth"], true);
    folder.print(&[&["run", "counted.so"], &limit[..], &["99"]].concat(), "");
    folder.succeed(&["compile", "down.wat", "-o", "plain.so", "-q"]);
    let outcome = folder.run(&[&["run", "plain.so"], &limit[..], &["99"]].concat());
    let message = "error: plain.so: the artifact was compiled without counting active calls";
    assert!(outcome.stderr.starts_with(message), "{outcome:?}");
}

#[test]
fn costs_of_operators_are_read_from_a_file_and_compared() {
    let folder = folder_with_module();
    folder.write("costs.json", r#"{"i32.add": 10, "local.get": 2}"#);
    folder.write("typo.json", r#"{"i32.addd": 10}"#);
    let add = ["--invoke", "add", "1", "2"];
    let run = [
        "run",
        "--no-cache",
        "--format",
        "json",
        "--fuel-costs",
        "costs.json",
    ];
    let json = folder.json(&[&run[..], &["calculator.wat"], &add].concat());
    assert_eq!(json["fuel_used"], 14);
    folder.fail(
        &["run", "calculator.wat", "--fuel-costs", "typo.json"],
        2,
        "error: invalid value 'typo.json' for '--fuel-costs <FILE>': `i32.addd`: there is no such \
         operator\n\nFor more information, try '--help'.\n",
    );

    let compile = [
        "compile",
        "calculator.wat",
        "-q",
        "--fuel-costs",
        "costs.json",
    ];
    folder.succeed(&[&compile[..], &["-o", "costly.so"]].concat());
    let json = folder.json(&[&run[..], &["costly.so"], &add].concat());
    assert_eq!(json["fuel_used"], 14);
    let schedule = folder.json(&["inspect", "costly.so", "--format", "json"]);
    let hash = schedule["fuel_schedule"]["costs_hash"].as_str().unwrap();
    assert_eq!(
        (schedule["fuel_schedule"]["version"].as_u64(), hash.len()),
        (Some(2), 64)
    );
    let outcome = folder.run(&[&["run", "costly.so"], &add[..]].concat());
    let message = format!("error: costly.so: the artifact meters fuel by version 2, costs {hash}");
    assert!(outcome.stderr.starts_with(&message), "{outcome:?}");
    folder.succeed(&["compile", "calculator.wat", "-o", "free.so", "-q"]);
    folder.fail(
        &[&["run", "free.so", "--fuel-costs", "costs.json"], &add[..]].concat(),
        2,
        "error: free.so: --fuel-costs is for code that meters fuel, and this artifact was compiled \
         without --fuel\n",
    );
}

#[test]
fn calls_that_cannot_be_made_are_refused() {
    let folder = folder_with_module();
    let exported = "functions exported: add, quotient, add64, negate32, negate64, down, nothing";
    for (words, message) in [
        (
            &["gone"][..],
            format!("there is no export `gone`; {exported}"),
        ),
        (
            &["memory"],
            format!("the export `memory` is a memory, not a function; {exported}"),
        ),
        (
            &["add", "1"],
            "`add` takes (i32, i32), that is 2 arguments, and 1 are given".to_owned(),
        ),
        (
            &["add", "1", "two"],
            "argument 2 of `add`, `two`, is not an i32: decimal or hexadecimal (0x), signed or \
             unsigned"
                .to_owned(),
        ),
        (
            &["add", "4294967296", "0"],
            "argument 1 of `add`, `4294967296`, is out of range for an i32".to_owned(),
        ),
        (
            &["negate64", "x"],
            "argument 1 of `negate64`, `x`, is not an f64: decimal or hexadecimal (0x1.8p3), \
             inf, nan or nan:0x…"
                .to_owned(),
        ),
    ] {
        let expected = Outcome {
            code: Some(2),
            stdout: String::new(),
            stderr: format!("error: calculator.wat: {message}\n"),
        };
        assert_eq!(calculate(&folder, words), expected, "{words:?}");
    }
}

#[test]
fn a_trap_prints_its_message_and_the_backtrace() {
    let folder = Folder::new();
    let binary = wasm(CALCULATOR);
    folder.write("calculator.wasm", &binary);
    let arguments = [
        "run",
        "calculator.wasm",
        "--no-cache",
        "--invoke",
        "quotient",
    ];
    let trapped = folder.run(&[&arguments[..], &["1", "0"]].concat());
    assert_eq!((trapped.code, trapped.stdout.as_str()), (Some(1), ""));
    let lines: Vec<_> = trapped.stderr.lines().collect();
    assert_eq!(lines[0], "error: calculator.wasm: integer divide by zero");
    assert_eq!(lines[1], "wasm backtrace:");
    assert!(lines[2].starts_with("    0: 0x"), "{trapped:?}");
    assert!(lines[2].ends_with(" - calculator!divide"), "{trapped:?}");
    assert!(lines[3].ends_with(" - calculator!quotient"), "{trapped:?}");
    assert_eq!(lines.len(), 4);
    // The offset is that of the instruction: `i32.div_s` is 6d.
    let offset = lines[2]["    0: 0x".len()..].split(' ').next().unwrap();
    let offset = usize::from_str_radix(offset, 16).unwrap();
    assert_eq!(binary[offset], 0x6d);
}

#[test]
fn stack_exhaustion_is_a_trap() {
    let outcome = calculate(&folder_with_module(), &["down"]);
    assert_eq!(outcome.code, Some(1), "{outcome:?}");
    let first = outcome.stderr.lines().next();
    assert_eq!(first, Some("error: calculator.wat: call stack exhausted"));
}

#[test]
fn json_has_results_or_the_trap() {
    let folder = folder_with_module();
    let run = |words: &[&str]| {
        let fixed = [
            "run",
            "calculator.wat",
            "--no-cache",
            "--format",
            "json",
            "--invoke",
        ];
        folder.json(&[&fixed, words].concat())
    };
    let report = run(&["negate32", "nan:0x1"]);
    assert_eq!(report["origin"], "compiled");
    assert_eq!(report["function"], "negate32");
    assert_eq!(
        report["results"],
        serde_json::json!([{"type": "f32", "value": "NaN", "bits": "0xff800001"}])
    );
    assert!(report["load_seconds"].as_f64().unwrap() > 0.0);
    assert!(report.get("trap").is_none());
    let report = run(&["quotient", "1", "0"]);
    assert!(report.get("results").is_none());
    assert_eq!(report["trap"]["message"], "integer divide by zero");
    assert_eq!(report["trap"]["deterministic"], true);
    assert_eq!(report["trap"]["backtrace"][0]["name"], "divide");
    assert_eq!(report["trap"]["backtrace"][1]["function"], 2);
}

#[test]
fn missing_imports_are_all_listed_with_their_types() {
    let folder = Folder::new();
    folder.write(
        "needy.wat",
        r#"(module
            (import "env" "log" (func (param i32 i64) (result f32)))
            (import "env" "memory" (memory 2 4))
            (import "env" "table" (table 10 funcref))
            (import "env" "base" (global (mut i32)))
            (func (export "f")))"#,
    );
    folder.fail(
        &["run", "needy.wat", "--no-cache", "--invoke", "f"],
        2,
        "error: needy.wat: the module imports what this command does not provide (it provides \
         nothing; a host program can, with the crate wasmelt):\n  env.log: func(i32, i64) -> \
         f32\n  env.memory: memory, 2 to 4 pages\n  env.table: table, at least 10 elements\n  \
         env.base: global mut i32\n",
    );
}

#[test]
fn without_a_name_start_is_called_or_the_start_function_runs() {
    let folder = Folder::new();
    let run = |text: &str| {
        folder.write("a.wat", text);
        folder.run(&["run", "a.wat", "--no-cache"])
    };
    let started = run(r#"(module (func (export "_start") unreachable))"#);
    assert_eq!(started.code, Some(1), "{started:?}");
    assert!(
        started
            .stderr
            .starts_with("error: a.wat: wasm `unreachable` instruction executed\n"),
        "{started:?}"
    );
    let silent = Outcome {
        code: Some(0),
        stdout: String::new(),
        stderr: String::new(),
    };
    assert_eq!(run("(module (func $s) (start $s))"), silent);
    assert_eq!(run(r#"(module (func (export "_start")))"#), silent);
    assert_eq!(
        run("(module (func $s unreachable) (start $s))").code,
        Some(1)
    );
    assert_eq!(
        run(r#"(module (func (export "f")))"#).stderr,
        "error: a.wat: there is neither an export `_start` nor a start function: name one with \
         --invoke; functions exported: f\n"
    );
    assert_eq!(
        run("(module)").stderr,
        "error: a.wat: there is neither an export `_start` nor a start function: name one with \
         --invoke; no function is exported\n"
    );
    folder.fail(
        &["run", "a.wat", "--no-cache", "1"],
        2,
        "error: a.wat: arguments need a function: --invoke NAME\n",
    );
    // A `_start` that takes something cannot be called without it.
    let outcome = run(r#"(module (func (export "_start") (param i32)))"#);
    assert_eq!(
        outcome.stderr,
        "error: a.wat: `_start` takes (i32), that is 1 arguments, and 0 are given\n"
    );
}

#[test]
fn an_artifact_is_run_by_its_content_not_its_name() {
    let folder = Folder::with_calculator();
    let run = ["--invoke", "add", "1", "2"];
    folder.print(&[&["run", "calculator.so"], &run[..]].concat(), "3\n");
    fs::rename(folder.path("calculator.so"), folder.path("calculator.wasm")).unwrap();
    folder.print(&[&["run", "calculator.wasm"], &run[..]].concat(), "3\n");
    let bytes = folder.read("calculator.wasm");
    let from_stdin = folder.run_with_stdin(&[&["run", "-"], &run[..]].concat(), &bytes);
    assert_eq!(from_stdin.stdout, "3\n", "{from_stdin:?}");
    // An artifact brings its code: the cache stays out of it.
    assert!(!folder.path("cache").exists());
}

#[test]
fn a_digest_narrows_which_artifact_is_accepted() {
    let folder = Folder::with_calculator();
    let report = folder.json(&["inspect", "calculator.so", "--format", "json"]);
    let digest = report["digest"].as_str().unwrap();
    let run = |file: &str, digest: &str| {
        folder.run(&[
            "run",
            file,
            "--no-cache",
            "--digest",
            digest,
            "--invoke",
            "nothing",
        ])
    };
    assert_eq!(run("calculator.so", digest).code, Some(0));
    let other = "0".repeat(64);
    let refused = run("calculator.so", &other);
    assert_eq!(refused.code, Some(2));
    assert_eq!(
        refused.stderr,
        format!(
            "error: calculator.so: digest {digest}, and {other} is trusted: load the artifact \
             that was trusted, or ask who vouches for this one\n"
        )
    );
    assert_eq!(
        run("calculator.wat", digest).stderr,
        "error: calculator.wat: --digest is for artifacts, and this is none\n"
    );
    let malformed = run("calculator.so", "12");
    assert_eq!(malformed.code, Some(2));
    assert!(
        malformed.stderr.starts_with(
            "error: invalid value '12' for '--digest <HEX>': a digest has 64 hexadecimal digits"
        ),
        "{malformed:?}"
    );
}

#[test]
fn artifacts_that_should_not_be_trusted_are_refused() {
    let folder = Folder::with_calculator();
    let run = |name: &str| folder.run(&["run", name, "--invoke", "nothing"]);
    let mut bytes = folder.read("calculator.so");
    bytes[4090] ^= 1;
    folder.write("damaged.so", &bytes);
    let outcome = run("damaged.so");
    assert_eq!(outcome.code, Some(2));
    assert!(
        outcome.stderr.starts_with("error: damaged.so: digest "),
        "{outcome:?}"
    );

    folder.write("short.so", &bytes[..300]);
    assert_eq!(
        run("short.so").stderr,
        "error: short.so: 300 bytes are fewer than the 1040 that every artifact has: compile the \
         module again, or fetch the artifact again\n"
    );

    let everybody = fs::Permissions::from_mode(0o666);
    fs::set_permissions(folder.path("calculator.so"), everybody).unwrap();
    let outcome = run("calculator.so");
    assert_eq!(outcome.code, Some(2), "{outcome:?}");
    assert!(outcome.stderr.contains("mode 0666"), "{outcome:?}");
}

#[test]
fn how_an_artifact_was_compiled_cannot_be_changed() {
    let folder = Folder::with_calculator();
    folder.fail(
        &[
            "run",
            "calculator.so",
            "--opt",
            "none",
            "--invoke",
            "nothing",
        ],
        2,
        "error: calculator.so: this is an artifact, and how it was compiled cannot be changed: \
         of the options for code generation only --no-signals and --fuel-costs apply\n",
    );
    folder.fail(
        &[
            "run",
            "calculator.so",
            "--no-signals",
            "--invoke",
            "nothing",
        ],
        2,
        "error: calculator.so: the artifact was compiled with signals, and this engine has \
         signals(false): compile it with signals(false) too\n",
    );
}

#[test]
fn refused_modules_name_file_offset_and_rule() {
    let folder = Folder::new();
    folder.write("broken.wasm", b"\0asm\x01\0\0\0\x01\x04\x01");
    folder.fail(
        &["run", "broken.wasm", "--no-cache"],
        2,
        "error: broken.wasm: invalid module: unexpected end-of-file (offset 0xa)\n",
    );
    folder.fail(
        &["run", "gone.wasm"],
        2,
        "error: gone.wasm: there is no such file\n",
    );
    folder.write("empty.wasm", b"");
    folder.fail(
        &["run", "empty.wasm", "--no-cache"],
        2,
        "error: empty.wasm: input is empty, not a wasm module; look whether the step that wrote it failed\n",
    );
}

#[test]
fn the_second_run_takes_the_module_from_the_cache() {
    let folder = folder_with_module();
    let origin = |options: &[&str]| {
        let fixed = [
            "run",
            "calculator.wat",
            "--format",
            "json",
            "--invoke",
            "nothing",
        ];
        folder.json(&[&fixed, options].concat())["origin"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(origin(&["--no-cache"]), "compiled");
    assert!(!folder.path("cache").exists(), "--no-cache writes nothing");
    assert_eq!(origin(&[]), "compiled");
    assert_eq!(origin(&[]), "cache");
    assert_eq!(
        fs::read_dir(folder.path("cache/wasmelt")).unwrap().count(),
        1
    );
    // Other options are another artifact.
    assert_eq!(origin(&["--opt", "none"]), "compiled");
    assert_eq!(origin(&["--no-cache"]), "compiled");
    assert_eq!(origin(&["--cache-dir", "mine"]), "compiled");
    assert_eq!(origin(&["--cache-dir", "mine"]), "cache");

    let timed = folder.run(&[
        "run",
        "calculator.wat",
        "--timings",
        "--invoke",
        "add",
        "1",
        "2",
    ]);
    assert_eq!(timed.stdout, "3\n");
    assert!(
        timed
            .stderr
            .starts_with("calculator.wat: taken from the cache in "),
        "{timed:?}"
    );
}

#[test]
fn a_cache_that_nobody_asked_for_stops_nothing() {
    let folder = folder_with_module();
    folder.write("file", "");
    let arguments = ["run", "calculator.wat", "--invoke", "add", "1", "2"];
    let mut command = folder.wasmelt(&arguments);
    let found = outcome(command.env_remove("HOME").env_remove("XDG_CACHE_HOME"));
    assert_eq!((found.code, found.stdout.as_str()), (Some(0), "3\n"));
    assert_eq!(
        found.stderr,
        "warning: running without a cache: no folder for a cache: neither XDG_CACHE_HOME nor \
         HOME is an absolute path; set one, or name a folder\n"
    );
    let mut command = folder.wasmelt(&[&arguments[..1], &["-q"], &arguments[1..]].concat());
    let found = outcome(command.env_remove("HOME").env_remove("XDG_CACHE_HOME"));
    assert_eq!(found.stderr, "");

    let mut command = folder.wasmelt(&arguments);
    let found = outcome(command.env("XDG_CACHE_HOME", folder.path("file")));
    assert_eq!((found.code, found.stdout.as_str()), (Some(0), "3\n"));
    assert!(
        found
            .stderr
            .starts_with("warning: running without a cache: "),
        "{found:?}"
    );

    // Unless that is the policy.
    let run = |options: &[&str]| folder.run(&[&arguments[..2], options, &arguments[2..]].concat());
    let of_file = ["--cache-dir", "file"];
    let reason = format!(
        "cache folder {} is not a folder: name another one\n",
        folder.path("file").display()
    );
    let outcome = run(&of_file);
    assert_eq!(
        outcome.stderr,
        format!("warning: running without a cache: {reason}")
    );
    assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(0), "3\n"));
    let strict = ["--cache-failure", "error"];
    let outcome = run(&[of_file, strict].concat());
    assert_eq!(outcome.stderr, format!("error: cache: {reason}"));
    assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(3), ""));
}

#[test]
fn an_address_space_limit_is_adapted_to_or_named_with_the_remedy() {
    let folder = folder_with_module();
    let run = |options: &[&str]| {
        let fixed = ["run", "calculator.wat", "--no-cache", "--invoke", "add"];
        let arguments = [&fixed, options, &["1", "2"]].concat();
        Outcome::from(folder.run_in_shell("ulimit -v 6000000; exec \"$@\"", &arguments))
    };
    let adapted = run(&[]);
    assert_eq!(
        (adapted.code, adapted.stdout.as_str()),
        (Some(0), "3\n"),
        "{adapted:?}"
    );
    let refused = run(&["--bounds", "guard"]);
    assert_eq!(refused.code, Some(3), "{refused:?}");
    assert!(
        refused
            .stderr
            .contains("RLIMIT_AS (`ulimit -v`) is 6144000000 bytes"),
        "{refused:?}"
    );
    assert!(
        refused.stderr.ends_with("(here: --bounds explicit)\n"),
        "{refused:?}"
    );
}
