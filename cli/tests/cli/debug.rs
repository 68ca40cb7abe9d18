//! Lines of source: in backtraces, and in what gdb and addr2line say about compiled code.

use crate::support::Folder;
use std::process::Command;

/// What `visit` reads may lie outside the memory; `twice` is inlined by the C compiler.
const PROGRAM: &str = r#"__attribute__((noinline)) static int visit(int *cells, int count) {
    int sum = 0;
    for (int i = 0; i < count; i++) {
        sum += cells[i] * 3 + (sum ^ i);
    }
    return sum;
}

static inline int twice(int *cells, int count) {
    return 2 * visit(cells, count);
}

__attribute__((export_name("run"))) int run(int at) {
    return twice((int *)at, 4) + visit((int *)16, 2);
}
"#;

/// The address that `run` cannot read.
const OUTSIDE: &str = "2147483632";

/// A folder with the program as a module that has DWARF; none where there is no compiler.
fn folder_with_program() -> Option<Folder> {
    let folder = Folder::new();
    folder.write("program.c", PROGRAM);
    let compiled = folder
        .program("clang")
        .args(["--target=wasm32", "-mcpu=mvp", "-nostdlib", "-O1", "-g"])
        .args(["-Wl,--no-entry", "program.c", "-o", "program.wasm"])
        .output();
    match compiled {
        Err(_) => {
            println!("not run: clang missing");
            None
        }
        Ok(output) if output.status.success() => Some(folder),
        Ok(output) => {
            let stderr = String::from_utf8_lossy(&output.stderr);
            assert!(stderr.contains("wasm-ld"), "{stderr}");
            println!("not run: wasm-ld missing");
            None
        }
    }
}

/// What gdb says to commands about a run; none where it is missing or may not trace.
fn gdb(folder: &Folder, commands: &[&str], arguments: &[&str]) -> Option<String> {
    let mut command = folder.program("timeout");
    command.args(["120", "gdb", "-nx", "-batch"]);
    command.args(["-iex", "set debuginfod enabled off"]);
    command.args(["-ex", "set breakpoint pending on"]);
    for line in commands {
        command.args(["-ex", line]);
    }
    command.args(["-ex", "kill", "--args", crate::support::WASMELT]);
    if Command::new("gdb").arg("--version").output().is_err() {
        println!("not run: gdb missing");
        return None;
    }
    let output = command.args(arguments).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    if errors.contains("ptrace: Operation not permitted") {
        println!("not run: permission to trace missing");
        return None;
    }
    let report = String::from_utf8_lossy(&output.stdout);
    Some(format!("{report}{errors}"))
}

/// Checks that the parts come in this order.
fn check_order(text: &str, parts: &[&str]) {
    let mut rest = text;
    for part in parts {
        let Some((_, behind)) = rest.split_once(part) else {
            panic!("`{part}` is not where it should be in:\n{text}");
        };
        rest = behind;
    }
}

#[test]
fn a_backtrace_has_lines_of_source_and_what_was_inlined() {
    let Some(folder) = folder_with_program() else {
        return;
    };
    for mode in [&[][..], &["--no-signals"], &["--opt", "none"], &["-g"]] {
        let arguments = [
            &["run", "program.wasm", "--no-cache", "--invoke", "run"],
            mode,
            &[OUTSIDE],
        ]
        .concat();
        let outcome = folder.run(&arguments);
        assert_eq!(outcome.code, Some(1), "{outcome:?}");
        check_order(
            &outcome.stderr,
            &[
                " - visit\n",
                "/program.c:4:",
                " - twice (inlined)\n",
                "/program.c:10:",
                "\n       run\n",
                "/program.c:14:",
            ],
        );
    }
    let arguments = [
        "run",
        "program.wasm",
        "--no-cache",
        "--debug-info",
        "none",
        "--invoke",
        "run",
        OUTSIDE,
    ];
    let outcome = folder.run(&arguments);
    assert!(outcome.stderr.contains(" - visit\n"), "{outcome:?}");
    assert!(!outcome.stderr.contains("program.c"), "{outcome:?}");
}

#[test]
fn a_trap_as_json_has_the_lines_too() {
    let Some(folder) = folder_with_program() else {
        return;
    };
    let arguments = [
        "run",
        "program.wasm",
        "--no-cache",
        "--format",
        "json",
        "--invoke",
        "run",
        OUTSIDE,
    ];
    let outcome = folder.run(&arguments);
    let report: serde_json::Value = serde_json::from_str(&outcome.stdout).unwrap();
    let trap = &report["trap"];
    assert_eq!(
        (&trap["kind"], &trap["deterministic"]),
        (&"guest".into(), &true.into())
    );
    let frames = trap["backtrace"].as_array().unwrap();
    assert_eq!(frames[0]["source"][0]["line"], 4, "{report}");
    assert_eq!(frames[1]["source"][0]["name"], "twice", "{report}");
    assert_eq!(frames[1]["source"][1]["line"], 14, "{report}");
}

#[test]
fn gdb_stops_at_a_trap_and_shows_names_and_lines() {
    let Some(folder) = folder_with_program() else {
        return;
    };
    folder.succeed(&["compile", "program.wasm", "-g", "-o", "program.so", "-q"]);
    let arguments = ["run", "program.so", "--invoke", "run", OUTSIDE];
    let Some(report) = gdb(&folder, &["run", "backtrace 3"], &arguments) else {
        return;
    };
    check_order(
        &report,
        &[
            "SIGSEGV",
            "#0 ",
            "wasm::visit () at ",
            "/program.c:4\n",
            "#1 ",
            "twice () at ",
            "/program.c:10\n",
            "#2 ",
            "wasm::run () at ",
            "/program.c:14\n",
        ],
    );
}

#[test]
fn gdb_finds_names_at_a_trap_without_being_asked_for_debug_information() {
    let Some(folder) = folder_with_program() else {
        return;
    };
    folder.succeed(&["compile", "program.wasm", "-o", "program.so", "-q"]);
    let arguments = ["run", "program.so", "--invoke", "run", OUTSIDE];
    let Some(report) = gdb(&folder, &["run", "backtrace 2"], &arguments) else {
        return;
    };
    check_order(
        &report,
        &["SIGSEGV", "#0 ", "wasm::visit ()", "#1 ", "wasm::run ()"],
    );
}

#[test]
fn gdb_breaks_in_a_function_by_name_and_steps_by_lines() {
    let Some(folder) = folder_with_program() else {
        return;
    };
    folder.succeed(&["compile", "program.wasm", "-g", "-o", "program.so", "-q"]);
    let commands = ["break wasm::visit", "run", "next", "next", "info source"];
    let arguments = ["run", "program.so", "--invoke", "run", "16"];
    let Some(report) = gdb(&folder, &commands, &arguments) else {
        return;
    };
    check_order(
        &report,
        &[
            "Breakpoint 1, wasm::visit () at ",
            "/program.c:",
            // gdb shows the lines themselves: the file is where the C compiler saw it.
            "sum += cells[i]",
            "Located in ",
            "/program.c\n",
            "Producer is wasmelt",
        ],
    );
}

#[test]
fn without_dwarf_lines_are_offsets_in_the_module() {
    let folder = Folder::new();
    folder.write(
        "loop.wat",
        r#"(module $loop (func $count (export "count") (param i32) (result i32)
            (loop $again (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
            (local.get 0)))"#,
    );
    folder.succeed(&["compile", "loop.wat", "-g", "-o", "loop.so", "-q"]);
    let commands = ["break wasm::count", "run", "info line"];
    let arguments = ["run", "loop.so", "--invoke", "count", "2"];
    if let Some(report) = gdb(&folder, &commands, &arguments) {
        check_order(
            &report,
            &[
                "Breakpoint 1, wasm::count () at loop.wasm:",
                "Line ",
                "of \"loop.wasm\"",
            ],
        );
    }
    // What is no line of anything is not in there: an artifact for nodes is as short as before.
    folder.succeed(&["compile", "loop.wat", "-o", "plain.so", "-q"]);
    folder.succeed(&[
        "compile",
        "loop.wat",
        "--debug-info",
        "none",
        "-o",
        "none.so",
        "-q",
    ]);
    let [full, plain, none] = ["loop.so", "plain.so", "none.so"].map(|name| folder.read(name));
    assert_eq!(plain.len(), none.len());
    assert!(plain.len() < full.len());
    let has = |bytes: &[u8], text: &str| bytes.windows(text.len()).any(|it| it == text.as_bytes());
    assert!(has(&full, ".debug_line") && !has(&plain, ".debug_line"));
    // The code is the same, and so is the build id by which debuggers know it.
    assert_eq!(full[1040..1060], none[1040..1060]);
    // The folder is the compiling machine's.
    let home = folder.path("");
    assert!(!has(&full, home.to_str().unwrap().trim_end_matches('/')));
}

#[test]
fn addr2line_gives_the_line_of_an_address() {
    let Some(folder) = folder_with_program() else {
        return;
    };
    folder.succeed(&["compile", "program.wasm", "-g", "-o", "program.so", "-q"]);
    let symbols = folder.program("nm").arg("program.so").output();
    let Ok(symbols) = symbols else {
        println!("not run: nm missing");
        return;
    };
    let symbols = String::from_utf8_lossy(&symbols.stdout).into_owned();
    let line = symbols.lines().find(|line| line.ends_with("wasm::visit"));
    let address = line.unwrap().split_once(' ').unwrap().0;
    let output = folder
        .program("addr2line")
        .args(["-f", "-e", "program.so", address])
        .output()
        .expect("it comes with nm");
    let text = String::from_utf8_lossy(&output.stdout);
    check_order(&text, &["wasm::visit\n", "/program.c:1\n"]);
}
