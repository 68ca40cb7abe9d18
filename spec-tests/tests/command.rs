//! The verb `wasmelt wast` as a user meets it: output, exit codes, crashes, time limits.
//!
//! This test has a `main` of its own, because it is also the program under test and its child processes: started with
//! the argument `wast` it is that program, started by itself as a child it runs one script, and otherwise it runs the
//! checks. Beside the real engines it offers two that misbehave on request.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use clap::Parser;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Output};
use std::sync::Arc;
use wasmelt_spec_tests::backend::{self, Family};
use wasmelt_spec_tests::cli::{self, Progress, WastArgs};
use wasmelt_spec_tests::engine::{Engine, Failure, InstanceId, ModuleId, Session};
use wasmelt_spec_tests::value::Value;

fn main() -> ExitCode {
    if let Some(code) = cli::run_as_child_with_families(families) {
        return code;
    }
    if std::env::args().nth(1).as_deref() == Some("wast") {
        let ProgramUnderTest { args } = ProgramUnderTest::parse_from(std::env::args().skip(1));
        return cli::main_with_families(&args, Progress::Auto, &families());
    }
    run_checks()
}

#[derive(Parser)]
struct ProgramUnderTest {
    #[command(flatten)]
    args: WastArgs,
}

fn families() -> Vec<Family> {
    let mut families = backend::families();
    families.push(Family {
        name: "misbehaving",
        configurations: vec![Arc::new(Misbehaving {
            name: "misbehaving",
        })],
    });
    families
}

/// Accepts every module, and does what the name of the called function says.
struct Misbehaving {
    name: &'static str,
}

impl Engine for Misbehaving {
    fn name(&self) -> &str {
        self.name
    }

    fn open(&self) -> Result<Box<dyn Session>, Failure> {
        Ok(Box::new(Self { name: self.name }))
    }
}

impl Session for Misbehaving {
    fn compile(&mut self, _: &[u8]) -> Result<ModuleId, Failure> {
        Ok(ModuleId(0))
    }

    fn instantiate(&mut self, _: ModuleId) -> Result<InstanceId, Failure> {
        Ok(InstanceId(0))
    }

    fn register(&mut self, _: InstanceId, _: &str) -> Result<(), Failure> {
        Ok(())
    }

    fn invoke(&mut self, _: InstanceId, field: &str, _: &[Value]) -> Result<Vec<Value>, Failure> {
        match field {
            "abort" => {
                eprintln!("about to abort");
                std::process::abort()
            }
            "panic" => panic!("a bug in the engine"),
            "exit" => std::process::exit(0),
            "hang" => loop {
                std::thread::sleep(std::time::Duration::from_millis(10));
            },
            "seven" => Ok(vec![Value::I32(7)]),
            _ => Ok(Vec::new()),
        }
    }

    fn global(&mut self, _: InstanceId, _: &str) -> Result<Value, Failure> {
        Ok(Value::I32(7))
    }
}

/// A module whose functions every engine has.
const MODULE: &str = r#"(module
  (func (export "one") (result i32) (i32.const 1))
  (func (export "seven") (result i32) (i32.const 7))
  (func (export "abort")) (func (export "panic")) (func (export "hang")) (func (export "exit"))
  (func (export "trap") unreachable))
"#;

/// Where [`MODULE`] ends: what a script adds starts on this line.
const FIRST_LINE: u32 = 6;

/// A folder with scripts, and what the program under test does in it.
struct Place {
    folder: tempfile::TempDir,
}

struct Done {
    code: i32,
    stdout: String,
    stderr: String,
}

impl Place {
    fn new(scripts: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let place = Self { folder };
        for (name, text) in scripts {
            place.write(name, &format!("{MODULE}{text}"));
        }
        place
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn write(&self, name: &str, text: &str) {
        let path: PathBuf = self.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).expect("a folder can be made");
        std::fs::write(path, text).expect("a file can be written");
    }

    fn run(&self, arguments: &str) -> Done {
        let program = std::env::current_exe().expect("this program has a path");
        let output: Output = Command::new(program)
            .arg("wast")
            .args(arguments.split_whitespace())
            .current_dir(self.path())
            .output()
            .expect("this program can be started");
        Done {
            code: output.status.code().expect("the program ends by itself"),
            stdout: String::from_utf8(output.stdout).expect("the output is UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("the output is UTF-8"),
        }
    }
}

impl Done {
    #[track_caller]
    fn check(&self, code: i32, last_line: &str) {
        let Self {
            code: actual,
            stdout,
            stderr,
        } = self;
        assert_eq!(*actual, code, "exit code\n{stdout}\n{stderr}");
        assert_eq!(
            stdout.lines().last().unwrap_or_default(),
            last_line,
            "{stdout}\n{stderr}"
        );
    }

    #[track_caller]
    fn shows(&self, text: &str) {
        assert!(
            self.stdout.contains(text),
            "no {text:?} in\n{}\n{}",
            self.stdout,
            self.stderr
        );
    }

    #[track_caller]
    fn complains(&self, code: i32, text: &str) {
        assert_eq!(self.code, code, "{}\n{}", self.stdout, self.stderr);
        assert!(
            self.stderr.contains(text),
            "no {text:?} in {:?}",
            self.stderr
        );
    }
}

fn passing_scripts_exit_with_zero_and_counts() {
    let place = Place::new(&[
        ("a.wast", r#"(assert_return (invoke "one") (i32.const 1))"#),
        (
            "sub/b.wast",
            r#"(assert_trap (invoke "trap") "unreachable")"#,
        ),
    ]);
    place.run(".").check(0, "4 passed, 0 failed");
    place
        .run("a.wast sub/*.wast --jobs 1")
        .check(0, "4 passed, 0 failed");
    place.run(". --filter sub").check(0, "2 passed, 0 failed");
    place.run(". --no-isolate").check(0, "4 passed, 0 failed");
}

fn failure_shows_place_directive_expected_got_and_the_command_that_repeats_it() {
    let place = Place::new(&[(
        "a.wast",
        "(assert_return (invoke \"one\") (i32.const 2))\n(assert_return (invoke \"one\") (i32.const 1))",
    )]);
    let done = place.run("a.wast --engine wasmi");
    done.check(1, "2 passed, 1 failed");
    done.shows("a.wast:6:2\n    directive: assert_return (invoke \"one\")\n");
    done.shows("    expected:  (i32.const 2)\n    got:       (i32.const 1)\n");
    let repeat = "wasmelt wast a.wast --engine wasmi --filter :6";
    done.shows(&format!("    repeat:    {repeat}\n"));
    let arguments = repeat.strip_prefix("wasmelt wast ").unwrap();
    place.run(arguments).check(1, "0 passed, 1 failed");
    place
        .run("a.wast --engine wasmi --filter :7")
        .check(0, "1 passed, 0 failed");
}

fn every_kind_of_wrong_expectation_is_a_failure() {
    let wrong = [
        r#"(assert_return (invoke "one") (i64.const 1))"#,
        r#"(assert_return (invoke "one"))"#,
        r#"(assert_return (invoke "trap"))"#,
        r#"(assert_return (invoke "no such function"))"#,
        r#"(assert_return (get "one") (i32.const 1))"#,
        r#"(assert_return (invoke $no "one") (i32.const 1))"#,
        r#"(assert_trap (invoke "one") "unreachable")"#,
        r#"(assert_trap (invoke "trap") "integer divide by zero")"#,
        r#"(assert_trap (module (func)) "unreachable")"#,
        r#"(assert_exhaustion (invoke "one") "call stack exhausted")"#,
        r#"(assert_exhaustion (invoke "trap") "call stack exhausted")"#,
        r#"(assert_malformed (module quote "(func)") "unexpected token")"#,
        r#"(assert_invalid (module (func)) "type mismatch")"#,
        r#"(assert_unlinkable (module (func)) "unknown import")"#,
        r#"(assert_unlinkable (module (import "spectest" "memory" (func))) "unknown import")"#,
        r#"(assert_unlinkable (module (import "no" "no" (func))) "incompatible import type")"#,
        r#"(assert_unlinkable (module (func unreachable) (start 0)) "unknown import")"#,
        r#"(invoke "trap")"#,
        r#"(register "m" $no)"#,
        r#"(module (func (result i32)))"#,
        r#"(module (import "no" "no" (func)))"#,
        r#"(module (func unreachable) (start 0))"#,
        r#"(module quote "(func")"#,
    ];
    let place = Place::new(&[]);
    for (index, directive) in wrong.iter().enumerate() {
        place.write(&format!("{index:02}.wast"), &format!("{MODULE}{directive}"));
    }
    let done = place.run(".");
    for (index, directive) in wrong.iter().enumerate() {
        assert!(
            done.stdout
                .contains(&format!("{index:02}.wast:{FIRST_LINE}:")),
            "{directive} did not fail:\n{}",
            done.stdout
        );
    }
    done.check(1, &format!("{0} passed, {0} failed", wrong.len()));
}

fn what_depends_on_a_failed_module_fails_and_on_a_skipped_one_is_skipped() {
    let dependents = "(invoke \"f\") (register \"m\") (module (import \"m\" \"f\" (func)))";
    let place = Place::new(&[]);
    place.write(
        "failed.wast",
        &format!("(module (func (result i32))) {dependents}"),
    );
    place.write(
        "skipped.wast",
        &format!("(module (table 0 externref)) {dependents}"),
    );
    place.run("failed.wast").check(1, "0 passed, 4 failed");
    place
        .run("skipped.wast")
        .check(2, "0 passed, 0 failed, 4 skipped");
    let done = place.run("skipped.wast --format tap");
    done.shows("# SKIP needs reference-types\n");
    done.shows("# SKIP needs reference-types (module at 1:2)\n");
}

fn unreadable_script_no_directive_and_bad_arguments_exit_with_two() {
    let place = Place::new(&[("a.wast", "")]);
    place.write("broken.wast", "(module)\n(assert_nothing)\n");
    place.write("binary.wast", "(module) ;; ");
    std::fs::write(place.path().join("binary.wast"), b"(module) ;; \xff\n").unwrap();
    place.write("empty.wast", ";; nothing\n");
    place.write("skip.txt", "a.wast\n");
    let done = place.run("a.wast broken.wast");
    done.check(2, "1 passed, 1 failed");
    done.shows("broken.wast:2:2\n");
    place.run("binary.wast").check(2, "0 passed, 1 failed");
    place
        .run("empty.wast")
        .complains(2, "there is no directive to run");
    place
        .run("a.wast --filter :99")
        .complains(2, "there is no directive to run");
    place
        .run("no.wast")
        .complains(2, "there is no file, folder or glob match \"no.wast\"");
    place
        .run("a.wast --filter b")
        .complains(2, "matches none of the 1 scripts");
    place
        .run("a.wast --filter :x")
        .complains(2, "\"x\" is neither LINE nor LINE-LINE");
    place
        .run("a.wast --engine lucet")
        .complains(2, "no engine is called \"lucet\"; known: ");
    place
        .run("a.wast --skip skip.txt")
        .complains(2, "the entry \"a.wast\" gives no reason");
    place
        .run("a.wast --skip no.txt")
        .complains(2, "cannot read the skip list no.txt: ");
    place
        .run("")
        .complains(2, "required arguments were not provided");
}

fn crash_fails_its_file_at_the_directive_and_no_other_file() {
    let place = Place::new(&[
        ("a.wast", "(invoke \"one\")"),
        (
            "b.wast",
            "(invoke \"one\")\n(invoke \"abort\") (invoke \"one\")",
        ),
        ("c.wast", "(invoke \"one\")"),
    ]);
    let done = place.run(". --engine misbehaving");
    done.check(1, "6 passed, 1 failed");
    done.shows("b.wast:7:2\n");
    done.shows("the process ended with signal 6 (SIGABRT) while it ran invoke \"abort\"\n");
    done.shows("| about to abort\n");
    done.shows("--filter :7\n");
}

fn process_that_ends_without_a_word_fails_its_file() {
    let place = Place::new(&[("a.wast", "(invoke \"exit\")")]);
    let done = place.run("a.wast --engine misbehaving");
    done.check(1, "1 passed, 1 failed");
    done.shows("the process ended with exit code 0 while it ran invoke \"exit\"\n");
}

fn panic_fails_its_file_with_and_without_isolation() {
    let place = Place::new(&[
        ("a.wast", "(invoke \"panic\")"),
        ("b.wast", "(invoke \"one\")"),
    ]);
    for isolation in ["--isolate", "--no-isolate"] {
        let done = place.run(&format!(". --engine misbehaving {isolation}"));
        done.check(1, "3 passed, 1 failed");
        done.shows("while it ran invoke \"panic\"\n");
    }
}

fn script_without_end_fails_at_its_time_limit_with_and_without_isolation() {
    let place = Place::new(&[
        ("a.wast", "(invoke \"hang\")"),
        ("b.wast", "(invoke \"one\")"),
    ]);
    for isolation in ["--isolate", "--no-isolate"] {
        let done = place.run(&format!(". --engine misbehaving --timeout 0.5 {isolation}"));
        done.check(1, "3 passed, 1 failed");
        done.shows("no end after 0.5 s while it ran invoke \"hang\"\n");
    }
}

fn engines_that_differ_are_a_failure_although_no_directive_fails() {
    let place = Place::new(&[(
        "a.wast",
        "(invoke \"seven\")\n(invoke \"one\")\n(invoke \"one\")",
    )]);
    place
        .run("a.wast --engine wasmi")
        .check(0, "4 passed, 0 failed");
    let done = place.run("a.wast --engine wasmi,misbehaving");
    done.check(1, "8 passed, 1 failed");
    done.shows("directive: invoke \"one\" (the first of 2 directives that differ)\n");
    done.shows("expected:  (i32.const 1) on wasmi\n    got:       no value on misbehaving\n");
    done.shows("--engine wasmi,misbehaving --filter :7\n");
}

fn skip_list_covers_failures_and_fails_when_they_pass() {
    let place = Place::new(&[(
        "a.wast",
        "(assert_return (invoke \"one\") (i32.const 2))\n(assert_return (invoke \"one\") (i32.const 1))",
    )]);
    place.write("good.txt", "# known\na.wast:6 one is not two\n");
    place.write(
        "stale.txt",
        "a.wast:6 one is not two\na.wast:7 but one is one\n",
    );
    place
        .run("a.wast --skip good.txt")
        .check(0, "2 passed, 0 failed, 1 skipped");
    place
        .run("a.wast --skip good.txt --fail-fast")
        .check(0, "2 passed, 0 failed, 1 skipped");
    let done = place.run("a.wast --skip stale.txt");
    done.check(1, "2 passed, 1 failed, 1 skipped");
    done.shows("the entry in the skip list with the reason \"but one is one\"\n");
    done.shows("expected:  a failure\n    got:       passes\n");
}

fn fail_fast_stops_at_the_first_failure() {
    let failing = "(assert_return (invoke \"one\"))\n(assert_return (invoke \"one\"))";
    let place = Place::new(&[
        ("a.wast", failing),
        ("b.wast", failing),
        ("c.wast", failing),
    ]);
    place.run(". --jobs 1").check(1, "3 passed, 6 failed");
    place
        .run(". --jobs 1 --fail-fast")
        .check(1, "1 passed, 1 failed");
    place
        .run(". --jobs 1 --fail-fast --no-isolate")
        .check(1, "1 passed, 1 failed");
}

fn machine_formats_carry_every_directive() {
    let place = Place::new(&[(
        "a.wast",
        "(assert_return (invoke \"one\"))\n(invoke \"one\")",
    )]);
    let json = place.run("a.wast --format json");
    json.complains(1, "2 passed, 1 failed\n");
    let document: serde_json::Value = serde_json::from_str(&json.stdout).expect("it is JSON");
    assert_eq!(
        document["files"][0]["directives"].as_array().map(Vec::len),
        Some(3)
    );
    let junit = place.run("a.wast --format junit");
    junit.check(1, "</testsuites>");
    assert_eq!(junit.stdout.matches("<testcase ").count(), 3);
    let tap = place.run("a.wast --format tap");
    tap.check(1, "# 2 passed, 1 failed");
    tap.shows("\n1..3\n");
}

fn old_text_is_rewritten_and_counted() {
    let place = Place::new(&[]);
    place.write(
        "old.wast",
        "(module (memory 1) (table 0 anyfunc) (func (export \"f\") (param i64) (result i32) (local f32)
           (drop (current_memory)) (i32.wrap/i64 (get_local 0)))
           (func (export \"nan\") (result f64) (f64.promote/f32 (f32.const nan))))
         (assert_return (invoke \"f\" (i64.const -1)) (i32.const -1))
         (assert_return_arithmetic_nan (invoke \"nan\"))",
    );
    let done = place.run("old.wast");
    done.check(0, "3 passed, 0 failed");
    done.shows("(7 tokens of old text rewritten)");
}

type Check = (&'static str, fn());

macro_rules! checks {
    ($($name:ident),* $(,)?) => { [$((stringify!($name), $name as fn())),*] };
}

fn run_checks() -> ExitCode {
    let checks: &[Check] = &checks![
        passing_scripts_exit_with_zero_and_counts,
        failure_shows_place_directive_expected_got_and_the_command_that_repeats_it,
        every_kind_of_wrong_expectation_is_a_failure,
        what_depends_on_a_failed_module_fails_and_on_a_skipped_one_is_skipped,
        unreadable_script_no_directive_and_bad_arguments_exit_with_two,
        crash_fails_its_file_at_the_directive_and_no_other_file,
        process_that_ends_without_a_word_fails_its_file,
        panic_fails_its_file_with_and_without_isolation,
        script_without_end_fails_at_its_time_limit_with_and_without_isolation,
        engines_that_differ_are_a_failure_although_no_directive_fails,
        skip_list_covers_failures_and_fails_when_they_pass,
        fail_fast_stops_at_the_first_failure,
        machine_formats_carry_every_directive,
        old_text_is_rewritten_and_counted,
    ];
    let wanted: Vec<_> = std::env::args()
        .skip(1)
        .filter(|word| !word.starts_with('-'))
        .collect();
    let mut failed = 0;
    for (name, check) in checks {
        if !wanted.is_empty() && !wanted.iter().any(|part| name.contains(part.as_str())) {
            continue;
        }
        let passed = std::panic::catch_unwind(check).is_ok();
        println!("{name} ... {}", if passed { "ok" } else { "FAILED" });
        failed += usize::from(!passed);
    }
    println!("{failed} of {} checks failed", checks.len());
    if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
