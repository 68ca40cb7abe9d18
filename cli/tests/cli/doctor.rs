//! The verb `doctor`, and that what it allows is enough: on hosts that forbid things, code runs all the same.

use crate::support::{CALCULATOR, Folder, Outcome, WASMELT};
use std::{fs, os::unix::fs::PermissionsExt, process::Stdio};

/// The lines by name, with verdict and what was found.
fn examine(outcome: &Outcome) -> Vec<(String, String, String)> {
    let lines: serde_json::Value = serde_json::from_str(&outcome.stdout).expect("it is JSON");
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let lines = lines.as_array().unwrap().iter().map(|line| {
        assert_eq!(
            line["verdict"] == "ok",
            line.get("remedy").is_none(),
            "{line}"
        );
        (
            text(&line["name"]),
            text(&line["verdict"]),
            text(&line["found"]),
        )
    });
    lines.collect()
}

fn line(outcome: &Outcome, name: &str) -> (String, String) {
    let lines = examine(outcome);
    let found = lines.into_iter().find(|(found, ..)| found == name);
    let (_, verdict, found) = found.unwrap_or_else(|| panic!("{name}: {outcome:?}"));
    (verdict, found)
}

const JSON: [&str; 3] = ["doctor", "--format", "json"];

#[test]
fn this_host_is_examined_and_nothing_is_left_behind() {
    let folder = Folder::new();
    let outcome = folder.succeed(&JSON);
    let names: Vec<_> = examine(&outcome)
        .into_iter()
        .map(|(name, ..)| name)
        .collect();
    assert_eq!(
        names,
        [
            "processor",
            "address space",
            "guard pages",
            "native code",
            "memory files",
            "/proc",
            "signal handlers",
            "landlock",
            "seccomp",
            "cache"
        ]
    );
    for name in ["processor", "native code"] {
        assert_eq!(line(&outcome, name).0, "ok");
    }
    assert_eq!(folder.names(), [""; 0]);
    let text = folder.succeed(&["doctor"]).stdout;
    assert!(
        text.starts_with("ok       processor        x86-64-v"),
        "{text}"
    );

    // With a cache there is a disk to look at.
    folder.write("calculator.wat", CALCULATOR);
    folder.succeed(&["run", "calculator.wat", "--invoke", "nothing"]);
    let outcome = folder.succeed(&JSON);
    assert!(
        line(&outcome, "cache")
            .1
            .ends_with("cache/wasmelt, 1 entries")
    );
    assert_eq!(
        line(&outcome, "cache code"),
        ("ok".into(), "can be run where it lies".into())
    );
    fs::set_permissions(
        folder.path("cache/wasmelt"),
        fs::Permissions::from_mode(0o777),
    )
    .unwrap();
    assert_eq!(line(&folder.succeed(&JSON), "cache").0, "warning");
}

#[test]
fn a_limit_of_address_space_is_told_with_what_it_means() {
    let folder = Folder::new();
    let limited = |kilobytes: u64| {
        let script = format!("ulimit -v {kilobytes}; exec \"$@\"");
        Outcome::from(folder.run_in_shell(&script, &JSON))
    };
    let outcome = limited(4_000_000);
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    let (verdict, found) = line(&outcome, "address space");
    assert_eq!(verdict, "warning");
    assert!(found.starts_with("limited to 3906 MiB"), "{found}");
    let (verdict, found) = line(&outcome, "guard pages");
    assert_eq!(verdict, "warning");
    assert!(found.contains("RLIMIT_AS"), "{found}");
    assert_eq!(line(&outcome, "native code").0, "ok");

    let outcome = limited(80_000_000);
    assert_eq!(
        line(&outcome, "address space"),
        (
            "ok".into(),
            "limited to 76 GiB: about 9 memories with guard pages at a time".into()
        )
    );
}

#[test]
fn another_process_is_examined_by_its_number() {
    let folder = Folder::new();
    let script = "ulimit -v 5000000; trap '' USR1; echo ready; exec sleep 60";
    let mut process = folder
        .program("sh")
        .args(["-c", script])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut ready = [0; 6];
    std::io::Read::read_exact(process.stdout.as_mut().unwrap(), &mut ready).unwrap();
    let pid = process.id().to_string();
    let outcome = folder.run(&["doctor", "--format", "json", "--pid", &pid]);
    process.kill().unwrap();
    process.wait().unwrap();
    assert!(
        line(&outcome, "address space")
            .1
            .starts_with("limited to 4882 MiB")
    );
    let handlers = line(&outcome, "signal handlers");
    assert_eq!(
        handlers,
        (
            "ok".into(),
            "the process catches none of the signals of traps".into()
        )
    );

    // A program of Rust catches SIGSEGV.
    let own = std::process::id().to_string();
    let outcome = folder.run(&["doctor", "--format", "json", "--pid", &own]);
    let (verdict, found) = line(&outcome, "signal handlers");
    assert_eq!(verdict, "warning");
    assert!(found.contains("SIGSEGV"), "{found}");

    let outcome = folder.run(&["doctor", "--pid", "4194305"]);
    assert_eq!(outcome.code, Some(2));
    assert_eq!(
        outcome.stderr.split(": ").take(3).collect::<Vec<_>>(),
        [
            "error",
            "--pid",
            "there is no such process, or /proc does not show it"
        ]
    );
}

/// File-backed code needs no page that becomes executable after it was writable.
#[test]
fn code_runs_where_no_memory_may_become_executable() {
    let folder = Folder::new();
    folder.write("calculator.wat", CALCULATOR);
    // PR_SET_MDWE with PR_MDWE_REFUSE_EXEC_GAIN (prctl(2), Linux 6.3), which children inherit; and that it
    // is in force: an anonymous page that is made executable is refused.
    let program = "\
import ctypes, mmap, os, sys
libc = ctypes.CDLL(None, use_errno=True)
if libc.prctl(65, 1, 0, 0, 0) != 0: sys.exit(77)
page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE)
address = ctypes.addressof(ctypes.c_char.from_buffer(page))
if libc.mprotect(ctypes.c_void_p(address), 4096, mmap.PROT_READ | mmap.PROT_EXEC) == 0: sys.exit(78)
os.execv(sys.argv[1], sys.argv[1:])";
    let run = |arguments: &[&str]| {
        let mut command = folder.program("python3");
        command.args(["-c", program, WASMELT]).args(arguments);
        command.output().map(Outcome::from)
    };
    let Ok(outcome) = run(&JSON) else {
        println!("not run: python3 missing");
        return;
    };
    if outcome.code == Some(77) {
        println!("not run: a kernel with PR_SET_MDWE missing");
        return;
    }
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    assert_eq!(line(&outcome, "native code").0, "ok", "{outcome:?}");
    // Compiled here; from the cache, where it lies; and through a trap.
    for origin in ["compiled", "taken from the cache"] {
        let add = [
            "run",
            "calculator.wat",
            "--timings",
            "--invoke",
            "add",
            "1",
            "2",
        ];
        let outcome = run(&add).unwrap();
        assert_eq!(
            (outcome.code, outcome.stdout.as_str()),
            (Some(0), "3\n"),
            "{outcome:?}"
        );
        assert!(outcome.stderr.contains(origin), "{outcome:?}");
    }
    let divide = ["run", "calculator.wat", "--invoke", "quotient", "1", "0"];
    assert_eq!(run(&divide).unwrap().code, Some(1));
}
