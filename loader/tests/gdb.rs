//! Checks that gdb finds wasm functions by name, whatever the route.

#![allow(
    unsafe_code,
    clippy::unwrap_used,
    reason = "test code calls into what it loaded, and stops at the first surprise"
)]

mod support;

use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Command, Stdio},
};
use support::{call_answer, child_command, compiled, this_binary, write_entry};
use wasmelt_loader::{Policy, Source, Trust, load_with_policy};

const ROUTES: [&str; 4] = [
    "cache entry in place",
    "memory file",
    "unlinked file",
    "file in a private folder",
];

fn gdb_is_missing() -> bool {
    let missing = Command::new("gdb").arg("--version").output().is_err();
    if missing {
        println!("not run: gdb missing");
    }
    missing
}

fn gdb() -> Command {
    let mut command = Command::new("timeout");
    command.args([
        "120",
        "gdb",
        "-nx",
        "-batch",
        "-iex",
        "set debuginfod enabled off",
    ]);
    command
}

/// Not a case: loads by the route in the environment, calls, and waits for a line.
#[test]
fn child_runs_wasm() {
    let Some(route) = std::env::var_os("WASMELT_CHILD_ROUTE") else {
        return;
    };
    let route = route.to_str().unwrap();
    let policy = Policy {
        in_place: route == ROUTES[0],
        memfd: route == ROUTES[1],
        proc_fd: route != ROUTES[3],
        ..Policy::default()
    };
    let path = std::env::var_os("WASMELT_CHILD_FILE").unwrap();
    let library =
        load_with_policy(Source::Path(Path::new(&path)), &Trust::OwnCache, &policy).unwrap();
    assert_eq!(library.route().to_string(), route);
    println!("answer: {}", call_answer(&library));
    println!("address: {:#x}", library.function_address(0).addr());
    if std::env::var_os("WASMELT_CHILD_WAITS").is_some() {
        std::io::stdout().flush().unwrap();
        std::io::stdin().read_line(&mut String::new()).unwrap();
    }
}

#[test]
fn gdb_breaks_in_a_wasm_function_by_name() {
    if gdb_is_missing() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("entry.so");
    write_entry(&path, &compiled(42));
    for route in ROUTES {
        let output = gdb()
            .args(["-ex", "set breakpoint pending on"])
            .args(["-ex", "break 'wasm::answer'", "-ex", "run"])
            .args([
                "-ex",
                "info symbol $pc",
                "-ex",
                "backtrace 3",
                "-ex",
                "kill",
                "--args",
            ])
            .arg(this_binary())
            .args([
                "--exact",
                "child_runs_wasm",
                "--nocapture",
                "--test-threads=1",
            ])
            .env("WASMELT_CHILD_ROUTE", route)
            .env("WASMELT_CHILD_FILE", &path)
            .output()
            .unwrap();
        let report = String::from_utf8_lossy(&output.stdout);
        let errors = String::from_utf8_lossy(&output.stderr);
        if errors.contains("ptrace: Operation not permitted") {
            println!("not run: permission to trace missing");
            return;
        }
        // The stopped frame, the symbol at its pc, and its caller, found by frame pointer or CFI.
        assert!(report.contains("wasm::answer"), "{route}: {report}{errors}");
        assert!(
            report.contains("in section .text of /"),
            "{route}: {report}{errors}"
        );
        assert!(report.contains("call_answer"), "{route}: {report}{errors}");
    }
}

#[test]
fn gdb_attaches_and_finds_the_symbol_of_an_address() {
    if gdb_is_missing() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("entry.so");
    write_entry(&path, &compiled(42));
    for route in ROUTES {
        let input = [
            ("WASMELT_CHILD_ROUTE", route),
            ("WASMELT_CHILD_FILE", path.to_str().unwrap()),
            ("WASMELT_CHILD_WAITS", "1"),
        ];
        let mut child = child_command("child_runs_wasm", &input)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        // Kept to the end: the child reports to it.
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = lines
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| line.split_once("address: ").map(|(_, it)| it.to_owned()))
            .expect("the child loads the artifact");
        let output = gdb()
            .args(["-p", &child.id().to_string()])
            .args(["-ex", &format!("info symbol {address}")])
            .output()
            .unwrap();
        writeln!(child.stdin.take().unwrap()).unwrap();
        assert!(
            child.wait().unwrap().success(),
            "{route}: the child goes on"
        );
        let report = String::from_utf8_lossy(&output.stdout);
        let errors = String::from_utf8_lossy(&output.stderr);
        if errors.contains("ptrace: Operation not permitted") {
            println!("not run: permission to trace missing");
            return;
        }
        assert!(
            report.contains("wasm::answer in section .text of /"),
            "{route}: {report}{errors}"
        );
    }
}
