//! `compile` of many modules: to a folder and to a cache, with lines, interrupted, and again.

use crate::support::{Folder, Outcome};
use std::{collections::BTreeMap, fs, process::Stdio, time::Duration};

/// A module whose answer is the number.
fn module(number: u32) -> String {
    format!(r#"(module (func (export "f") (result i32) (i32.const {number})))"#)
}

/// A folder with so many modules in two folders.
fn folder_with_modules(count: u32) -> Folder {
    let folder = Folder::new();
    fs::create_dir_all(folder.path("in/more")).unwrap();
    for number in 0..count {
        let inner = if number % 2 == 0 { "in" } else { "in/more" };
        folder.write(&format!("{inner}/{number}.wat"), module(number));
    }
    folder
}

/// The lines of the modules by path, and the summary.
fn lines(outcome: &Outcome) -> (BTreeMap<String, serde_json::Value>, serde_json::Value) {
    let mut lines: Vec<serde_json::Value> = outcome
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let summary = lines.pop().unwrap()["summary"].clone();
    let lines = lines.into_iter();
    let lines = lines.map(|line| (line["input"].as_str().unwrap().to_owned(), line));
    (lines.collect(), summary)
}

const TO_FOLDER: [&str; 6] = ["compile", "in", "--out-dir", "out", "--format", "json"];

fn summary(modules: u32, [compiled, cached, refused, failed, left]: [u32; 5]) -> serde_json::Value {
    serde_json::json!({
        "modules": modules, "compiled": compiled, "cached": cached, "refused": refused, "failed": failed,
        "left": left
    })
}

#[test]
fn every_module_of_a_folder_has_an_artifact_and_a_line() {
    let folder = folder_with_modules(9);
    for options in [&["--jobs", "1"][..], &["--jobs", "4"]] {
        let _ = fs::remove_dir_all(folder.path("out"));
        let outcome = folder.succeed(&[&TO_FOLDER, options].concat());
        let (lines, counts) = lines(&outcome);
        assert_eq!(counts, summary(9, [9, 0, 0, 0, 0]));
        for number in 0..9 {
            let inner = if number % 2 == 0 { "" } else { "more/" };
            let line = &lines[&format!("in/{inner}{number}.wat")];
            assert_eq!(line["status"], "compiled");
            let output = format!("out/{inner}{number}.so");
            assert_eq!(line["output"], output);
            folder.print(&["run", &output, "--invoke", "f"], &format!("{number}\n"));
            // The same as one at a time.
            let input = format!("in/{inner}{number}.wat");
            folder.succeed(&["compile", &input, "-o", "one.so", "-q"]);
            assert_eq!(folder.read("one.so"), folder.read(&output));
        }
    }
}

#[test]
fn what_is_there_is_not_compiled_again_unless_it_is_of_another_module_or_options_or_damaged() {
    let folder = folder_with_modules(5);
    folder.succeed(&TO_FOLDER);
    let again = |options: &[&str]| lines(&folder.succeed(&[&TO_FOLDER, options].concat())).1;
    assert_eq!(again(&[]), summary(5, [0, 5, 0, 0, 0]));
    folder.write("in/0.wat", module(100));
    assert_eq!(again(&[]), summary(5, [1, 4, 0, 0, 0]));
    folder.print(&["run", "out/0.so", "--invoke", "f"], "100\n");
    let mut bytes = folder.read("out/2.so");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    folder.write("out/2.so", bytes);
    assert_eq!(again(&[]), summary(5, [1, 4, 0, 0, 0]));
    fs::remove_file(folder.path("out/4.so")).unwrap();
    assert_eq!(again(&[]), summary(5, [1, 4, 0, 0, 0]));
    assert_eq!(again(&["--opt", "none"]), summary(5, [5, 0, 0, 0, 0]));
    assert_eq!(again(&["--fuel"]), summary(5, [5, 0, 0, 0, 0]));
    assert_eq!(
        again(&["--fuel", "--jobs", "3"]),
        summary(5, [0, 5, 0, 0, 0])
    );
}

#[test]
fn artifacts_that_no_loader_takes_are_made_again() {
    let folder = folder_with_modules(4);
    folder.succeed(&TO_FOLDER);
    let change = |name: &str, change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = folder.read(name);
        change(&mut bytes);
        folder.write(name, bytes);
    };
    // None of these is under the digest.
    change("out/0.so", &|bytes| bytes.push(0));
    change("out/2.so", &|bytes| {
        let at = bytes.len() - 16;
        bytes[at] ^= 1;
    });
    change("out/more/1.so", &|bytes| bytes.truncate(bytes.len() - 9));
    let (_, counts) = lines(&folder.succeed(&TO_FOLDER));
    assert_eq!(counts, summary(4, [3, 1, 0, 0, 0]));
    folder.print(&["run", "out/0.so", "--invoke", "f"], "0\n");
}

#[test]
fn what_is_no_file_is_refused_and_not_waited_for() {
    let folder = folder_with_modules(2);
    folder.program("mkfifo").arg("in/a.wasm").status().unwrap();
    let outcome = folder.run(&[&TO_FOLDER[..], &["--keep-going"]].concat());
    assert_eq!(outcome.code, Some(2));
    let (found, counts) = lines(&outcome);
    assert_eq!(counts, summary(3, [2, 0, 1, 0, 0]));
    assert_eq!(found["in/a.wasm"]["error"], "it is no regular file");
}

#[test]
fn a_reader_that_goes_away_does_not_end_the_batch() {
    let folder = folder_with_modules(40);
    let script = "{ \"$@\"; echo $? >code; } | head -n 1";
    let arguments = [&TO_FOLDER[..], &["--jobs", "1"]].concat();
    let output = folder.run_in_shell(script, &arguments);
    assert!(output.status.success());
    assert_eq!(folder.read("code"), b"0\n");
    let (_, counts) = lines(&folder.succeed(&TO_FOLDER));
    assert_eq!(counts, summary(40, [0, 40, 0, 0, 0]));
}

#[test]
fn a_refused_module_ends_the_batch_unless_it_is_told_to_go_on() {
    let folder = folder_with_modules(4);
    folder.write("in/1.wat", "(module (func (result i32)))");
    let run = |options: &[&str]| {
        let outcome = folder.run(&[&TO_FOLDER[..], &["--jobs", "1"], options].concat());
        assert_eq!(outcome.code, Some(2), "{outcome:?}");
        let message = "error: compile: 1 modules were refused and 0 failed: their lines say why\n";
        assert_eq!(outcome.stderr, message);
        lines(&outcome)
    };
    // `in/0.wat` comes first.
    let (lines, counts) = run(&[]);
    assert_eq!(counts, summary(5, [1, 0, 1, 0, 3]));
    let refused = &lines["in/1.wat"];
    assert_eq!(refused["status"], "refused");
    assert!(
        refused["error"].as_str().unwrap().contains("type mismatch"),
        "{refused}"
    );
    assert!(!folder.path("out/1.so").exists());
    let (_, counts) = run(&["--keep-going"]);
    assert_eq!(counts, summary(5, [3, 1, 1, 0, 0]));
}

#[test]
fn a_list_names_modules_and_the_cache_is_where_run_finds_them() {
    let folder = folder_with_modules(3);
    folder.write("list", "# two of them\nin/0.wat\n\nin/more/1.wat\n");
    let to_cache = ["compile", "list", "--cache", "--format", "json"];
    let (found, counts) = lines(&folder.succeed(&to_cache));
    assert_eq!(counts, summary(2, [2, 0, 0, 0, 0]));
    assert_eq!(found["in/0.wat"]["output"], "cache");
    let (_, counts) = lines(&folder.succeed(&to_cache));
    assert_eq!(counts, summary(2, [0, 2, 0, 0, 0]));
    let run = [
        "run",
        "in/more/1.wat",
        "--cache-mode",
        "must-hit",
        "--invoke",
        "f",
    ];
    folder.print(&run, "1\n");
    let outcome = folder.run(&[
        "run",
        "in/2.wat",
        "--cache-mode",
        "must-hit",
        "--invoke",
        "f",
    ]);
    assert_eq!(outcome.code, Some(3));

    folder.print(&["compile", "list", "--out-dir", "out", "-q"], "");
    assert!(folder.path("out/0.so").exists() && folder.path("out/1.so").exists());
}

#[test]
fn a_batch_that_is_killed_goes_on_where_it_was() {
    let folder = folder_with_modules(300);
    let mut compiled = 0;
    for _ in 0..3 {
        let mut child = folder
            .wasmelt(&[&TO_FOLDER[..], &["--jobs", "2"]].concat())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(60));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let (lines, counts) = lines(&folder.succeed(&TO_FOLDER));
    assert_eq!(counts["refused"], 0);
    let count = |name: &str| counts[name].as_u64().unwrap();
    compiled += count("compiled");
    assert_eq!(compiled + count("cached"), 300);
    assert!(count("cached") > 0, "something was done before");
    // Each artifact is whole, and that of its module.
    for number in [0, 7, 150, 299] {
        let inner = if number % 2 == 0 { "in" } else { "in/more" };
        let output = lines[&format!("{inner}/{number}.wat")]["output"].clone();
        folder.print(
            &["run", output.as_str().unwrap(), "--invoke", "f"],
            &format!("{number}\n"),
        );
    }
    let (_, counts) = self::lines(&folder.succeed(&TO_FOLDER));
    assert_eq!(counts, summary(300, [0, 300, 0, 0, 0]));
}

#[test]
fn arguments_that_do_not_fit_many_modules_are_refused() {
    let folder = folder_with_modules(1);
    let refused = |arguments: &[&str], reason: &str| {
        let outcome = folder.run(&[&["compile"], arguments].concat());
        assert_eq!(outcome.code, Some(2), "{outcome:?}");
        assert!(outcome.stderr.contains(reason), "{outcome:?}");
    };
    refused(
        &["in", "--out-dir", "out", "-o", "a.so"],
        "cannot be used with",
    );
    refused(
        &["in", "--out-dir", "out", "--cache"],
        "cannot be used with",
    );
    refused(
        &["in", "--out-dir", "out", "--emit", "obj"],
        "of many modules only artifacts",
    );
    refused(&["in", "--cache", "--target", "x86_64"], "for this machine");
    refused(
        &["in/0.wat", "-o", "a.so", "--keep-going"],
        "are for many modules",
    );
    refused(
        &["in/0.wat", "-o", "a.so", "--cache-dir", "x"],
        "are for many modules",
    );
    refused(&["in", "-o", "a.so"], "this is a folder, not a file");
    fs::create_dir(folder.path("empty")).unwrap();
    refused(&["empty", "--out-dir", "out"], "there is no module in it");
    refused(&["missing", "--out-dir", "out"], "cannot look at it");
    assert!(!folder.path("out").exists());
}
