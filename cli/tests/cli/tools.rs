//! Programs that watch a run: perf finds wasm functions by their names, valgrind finds nothing wrong.

use crate::support::{Folder, WASMELT};

/// Counts down from the argument.
const COUNTDOWN: &str = r#"(module
    (memory (export "memory") 1)
    (func $count_down (export "count_down") (param i32) (result i32)
        (loop $again
            (i32.store (i32.const 16) (local.get 0))
            (local.set 0 (i32.sub (i32.load (i32.const 16)) (i32.const 1)))
            (br_if $again (local.get 0)))
        (i32.load (i32.const 16))))"#;

/// How often is enough for perf to see it.
const LONG: &str = "200000000";

/// What `perf report` says about a run with these arguments; none where perf cannot record.
fn perf_report(folder: &Folder, record: &[&str], run: &[&str], fields: &str) -> Option<String> {
    let recorded = folder
        .program("perf")
        .args(["record", "-q", "-e", "cpu-clock", "-o", "perf.data"])
        .args(record)
        .args(["--", WASMELT, "run"])
        .args(run)
        .args(["--invoke", "count_down", LONG])
        .output();
    let Ok(recorded) = recorded else {
        println!("not run: perf missing");
        return None;
    };
    let stderr = String::from_utf8_lossy(&recorded.stderr);
    if !recorded.status.success() || !folder.path("perf.data").exists() {
        // A container may withhold the system call whatever is installed.
        println!("not run: performance events missing ({})", stderr.trim());
        return None;
    }
    let report = folder
        .program("perf")
        .args(["report", "-i", "perf.data", "--stdio", "-F", fields])
        .output()
        .expect("perf was there a moment ago");
    let report = String::from_utf8_lossy(&report.stdout);
    Some(format!("{report}\n{stderr}"))
}

/// perf reads names from the mapped file; a cache entry is mapped where it lies.
#[test]
fn perf_names_a_function_of_a_cached_module() {
    let folder = Folder::new();
    folder.write("countdown.wat", COUNTDOWN);
    folder.succeed(&["run", "countdown.wat", "--invoke", "count_down", "1"]);
    let Some(report) = perf_report(&folder, &[], &["countdown.wat"], "overhead,sym") else {
        return;
    };
    assert!(report.contains("wasm::count_down"), "{report}");
}

#[test]
fn perf_has_lines_of_a_module_with_debug_information() {
    let folder = Folder::new();
    folder.write("countdown.wat", COUNTDOWN);
    folder.succeed(&["run", "-g", "countdown.wat", "--invoke", "count_down", "1"]);
    let run = ["-g", "countdown.wat"];
    let Some(report) = perf_report(&folder, &[], &run, "overhead,sym,srcline") else {
        return;
    };
    let line = report
        .lines()
        .find(|line| line.contains("wasm::count_down"));
    assert!(
        line.is_some_and(|line| line.contains("module.wasm:")),
        "{report}"
    );
}

/// A file that is no cache entry is mapped as a sealed copy without a name; perf knows it by its build id.
#[test]
fn perf_names_a_function_of_an_artifact_whose_build_id_it_was_told() {
    let folder = Folder::new();
    folder.write("countdown.wat", COUNTDOWN);
    folder.succeed(&["compile", "countdown.wat", "-o", "countdown.so", "-q"]);
    let told = folder
        .program("perf")
        .args(["buildid-cache", "--add", "countdown.so"])
        .output();
    if told.is_err() {
        println!("not run: perf missing");
        return;
    }
    let record = ["--buildid-mmap"];
    let Some(report) = perf_report(&folder, &record, &["countdown.so"], "overhead,sym") else {
        return;
    };
    assert!(report.contains("wasm::count_down"), "{report}");
}

/// Neither guard pages nor signal handlers disturb valgrind, and it reports no error in either mode.
#[test]
fn valgrind_finds_no_error() {
    let folder = Folder::new();
    folder.write("countdown.wat", COUNTDOWN);
    for mode in [&[][..], &["--no-signals"]] {
        let compile = [
            &["compile", "countdown.wat", "-o", "countdown.so", "-q"],
            mode,
        ]
        .concat();
        folder.succeed(&compile);
        let output = folder
            .program("valgrind")
            .args(["-q", "--error-exitcode=99", WASMELT])
            .args(["run", "countdown.so", "--invoke", "count_down", "1000"])
            .output();
        let Ok(output) = output else {
            println!("not run: valgrind missing");
            return;
        };
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{mode:?}: {stderr}");
        assert_eq!(
            String::from_utf8_lossy(&output.stdout),
            "1\n",
            "{mode:?}: {stderr}"
        );
    }
}
