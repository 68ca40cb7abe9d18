//! What concerns the program as a whole: help, versions, unknown verbs, closed pipes.

use crate::support::{CALCULATOR, Folder, Outcome, check_golden};
use std::{fs, os::unix::fs::PermissionsExt, process::Stdio};

#[test]
fn every_verb_has_complete_help_with_examples() {
    let folder = Folder::new();
    for (name, arguments) in [
        ("help.txt", &["--help"][..]),
        ("help-compile.txt", &["compile", "--help"]),
        ("help-run.txt", &["run", "--help"]),
        ("help-inspect.txt", &["inspect", "--help"]),
        ("help-doctor.txt", &["doctor", "--help"]),
        ("help-cache.txt", &["cache", "--help"]),
        ("help-cache-gc.txt", &["cache", "gc", "--help"]),
        ("help-keygen.txt", &["keygen", "--help"]),
        ("help-sign.txt", &["sign", "--help"]),
        ("help-verify.txt", &["verify", "--help"]),
        ("help-completions.txt", &["completions", "--help"]),
    ] {
        let outcome = folder.succeed(arguments);
        assert_eq!(outcome.stderr, "");
        let has_examples = ["Examples:", "Example:"].map(|title| outcome.stdout.contains(title));
        assert!(has_examples.contains(&true), "{name}");
        if cfg!(feature = "wast") || name != "help.txt" {
            check_golden(name, &outcome.stdout);
        }
    }
}

#[test]
fn the_version_names_crate_abi_code_generator_and_target() {
    Folder::new().print(
        &["--version"],
        &format!(
            "wasmelt {} (ABI {}, Cranelift 0.135.8, x86_64-unknown-linux-gnu)\n",
            env!("CARGO_PKG_VERSION"),
            wasmelt_abi::ABI_VERSION
        ),
    );
}

#[test]
fn without_a_verb_help_is_shown_and_the_exit_code_is_2() {
    let outcome = Folder::new().run(&[]);
    assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(2), ""));
    assert!(outcome.stderr.contains("Usage: wasmelt [OPTIONS] <VERB>"));
}

#[test]
fn an_unknown_verb_is_refused_unless_a_program_offers_it() {
    let folder = Folder::new();
    let refusal = |verb: &str| {
        format!(
            "error: unknown verb `{verb}`: neither wasmelt knows it, nor is there a program \
             `wasmelt-{verb}` beside it or on PATH (wasmelt --help lists the verbs)\n"
        )
    };
    folder.fail(&["greet", "you"], 2, &refusal("greet"));
    folder.fail(&["../greet"], 2, &refusal("../greet"));

    folder.write("wasmelt-greet", "#!/bin/sh\necho \"hello $1 $2\"\nexit 7\n");
    let with_path = |arguments: &[&str]| {
        let mut command = folder.wasmelt(arguments);
        command.env("PATH", folder.path(""));
        Outcome::from(command.output().unwrap())
    };
    // A file that cannot be executed is no program.
    assert_eq!(with_path(&["greet"]).stderr, refusal("greet"));
    let program = folder.path("wasmelt-greet");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let outcome = with_path(&["greet", "you", "--quiet"]);
    assert_eq!(outcome.stdout, "hello you --quiet\n");
    assert_eq!((outcome.code, outcome.stderr.as_str()), (Some(7), ""));
}

#[test]
fn completions_know_the_verbs_and_options() {
    let folder = Folder::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = folder.succeed(&["completions", shell]).stdout;
        for word in ["wasmelt", "compile", "inspect", "nan-canonicalization"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
    let outcome = folder.run(&["completions", "cmd"]);
    assert_eq!(outcome.code, Some(2));
    assert!(
        outcome
            .stderr
            .starts_with("error: invalid value 'cmd' for '<SHELL>'")
    );
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let folder = Folder::with_calculator();
    for arguments in [
        &["--help"][..],
        &["completions", "bash"],
        &["inspect", "calculator.so"],
        &["compile", "calculator.wat", "--emit", "clif"],
        &["compile", "calculator.wat", "-o", "-", "-q"],
        &[
            "run",
            "calculator.wat",
            "--no-cache",
            "--invoke",
            "add",
            "1",
            "2",
        ],
    ] {
        let mut child = folder
            .wasmelt(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let outcome = Outcome::from(child.wait_with_output().unwrap());
        assert_eq!(outcome.code, Some(0), "{arguments:?}: {}", outcome.stderr);
        assert_eq!(outcome.stderr, "", "{arguments:?}");
    }
}

#[test]
fn a_standard_output_that_cannot_be_written_is_a_host_failure() {
    let folder = Folder::with_calculator();
    let output = folder.run_in_shell("\"$@\" > /dev/full", &["inspect", "calculator.so"]);
    assert_eq!(
        Outcome::from(output),
        Outcome {
            code: Some(3),
            stdout: String::new(),
            stderr: "error: <stdout>: cannot write: No space left on device (os error 28)\n"
                .to_owned(),
        }
    );
}

#[test]
fn names_of_a_module_cannot_command_a_terminal() {
    let folder = Folder::new();
    folder.write(
        "evil.wat",
        r#"(module $a\1b[31m (import "e\1b" "\0a\e2\80\ae" (func)))"#.replace("$a\\1b[31m", "$a"),
    );
    let report = folder.succeed(&["inspect", "evil.wat"]).stdout;
    assert!(
        report.contains("  e\\u{1b}.\\n\\u{202e}: func()\n"),
        "{report}"
    );
    let outcome = folder.run(&["run", "evil.wat", "--no-cache"]);
    assert_eq!(outcome.code, Some(2));
    assert!(!outcome.stderr.contains('\u{1b}'), "{}", outcome.stderr);
}

#[test]
fn progress_is_shown_on_a_terminal_and_silenced_by_quiet() {
    let folder = Folder::new();
    folder.write("calculator.wat", CALCULATOR);
    let on_terminal = |quiet: &str| {
        let program = crate::support::WASMELT;
        let command = format!("{program} compile calculator.wat -o calculator.so {quiet}");
        folder
            .program("script")
            .args(["-qec", &command, "/dev/null"])
            .env("TERM", "xterm")
            .output()
    };
    let Ok(output) = on_terminal("") else {
        eprintln!("not run: script missing");
        return;
    };
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(shown.contains("calculator.wat"), "{shown}");
    assert!(shown.contains("8 functions, 2"), "{shown}");
    let silent = on_terminal("--quiet").unwrap();
    assert_eq!(String::from_utf8_lossy(&silent.stdout), "");

    let piped = folder.succeed(&["compile", "calculator.wat", "-o", "calculator.so"]);
    assert_eq!(piped.stderr, "");
}
