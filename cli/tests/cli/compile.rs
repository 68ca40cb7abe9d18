//! The verb `compile`: forms of output, options, and what is refused.

use crate::support::{CALCULATOR, Folder, Outcome, wasm};

#[test]
fn the_summary_is_one_line() {
    let folder = Folder::new();
    folder.write("calculator.wat", CALCULATOR);
    let outcome = folder.succeed(&["compile", "calculator.wat", "-o", "calculator.so"]);
    let (wasm_bytes, artifact_bytes) = (wasm(CALCULATOR).len(), folder.read("calculator.so").len());
    let (line, seconds) = outcome.stdout.rsplit_once(", ").unwrap();
    assert_eq!(
        line,
        format!(
            "calculator.so: 8 functions, {wasm_bytes} bytes of wasm, {artifact_bytes} bytes of \
             artifact"
        )
    );
    let seconds = seconds.strip_suffix(" s\n").unwrap();
    assert!(seconds.parse::<f64>().unwrap() >= 0.0);
    assert_eq!(outcome.stderr, "");
    folder.print(
        &["compile", "calculator.wat", "-o", "calculator.so", "-q"],
        "",
    );
}

#[test]
fn the_summary_as_json_has_every_figure() {
    let folder = Folder::new();
    folder.write("calculator.wat", CALCULATOR);
    let arguments = [
        "compile",
        "calculator.wat",
        "-o",
        "a.so",
        "--format",
        "json",
    ];
    let summary = folder.json(&arguments);
    for (key, expected) in [
        ("output", "a.so".into()),
        ("emit", "so".into()),
        ("target", "x86_64-unknown-linux-gnu".into()),
        ("cpu", "x86-64-v2".into()),
        ("preset", "wasm1".into()),
        ("functions", 8.into()),
        ("unoptimised_functions", 0.into()),
        ("wasm_bytes", wasm(CALCULATOR).len().into()),
        ("output_bytes", folder.read("a.so").len().into()),
    ] {
        let expected: serde_json::Value = expected;
        assert_eq!(summary[key], expected, "{key}");
    }
    assert!(summary["seconds"].as_f64().unwrap() > 0.0);
    assert_eq!(
        summary["digest"],
        folder.json(&["inspect", "a.so", "--format", "json"])["digest"]
    );
}

#[test]
fn binary_text_and_standard_input_give_the_same_artifact() {
    let folder = Folder::new();
    let binary = wasm(CALCULATOR);
    folder.write("a.wat", CALCULATOR);
    folder.write("a.wasm", &binary);
    folder.succeed(&["compile", "a.wat", "-o", "text.so", "-q", "--jobs", "1"]);
    folder.succeed(&["compile", "a.wasm", "-o", "binary.so", "-q", "--jobs", "4"]);
    let arguments = ["compile", "-", "-o", "stdin.so", "-q"];
    assert_eq!(folder.run_with_stdin(&arguments, &binary).code, Some(0));
    let expected = folder.read("text.so");
    assert!(expected == folder.read("binary.so"));
    assert!(expected == folder.read("stdin.so"));
    // Standard output gets the same bytes, and the summary goes elsewhere.
    let output = folder
        .wasmelt(&["compile", "a.wasm", "-o", "-"])
        .output()
        .unwrap();
    assert!(output.stdout == expected);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.starts_with("<stdout>: 8 functions, "), "{stderr}");
}

#[test]
fn text_without_a_module_around_it_is_known_by_its_name() {
    let folder = Folder::new();
    folder.write("bare.wat", "\n(func (export \"f\"))");
    folder.succeed(&["compile", "bare.wat", "-o", "bare.so", "-q"]);
    folder.write("bare.txt", "\n(func (export \"f\"))");
    folder.fail(
        &["compile", "bare.txt", "-o", "bare.so"],
        2,
        "error: bare.txt: input is of unknown kind, not a wasm module; name a module: it begins with the \
         bytes 00 61 73 6d 01 00 00 00\n",
    );
}

#[test]
fn an_object_exports_the_symbol_that_was_asked_for() {
    let folder = Folder::new();
    folder.write("a.wat", CALCULATOR);
    let emit = |arguments: &[&str]| {
        let fixed = ["compile", "a.wat", "-o", "a.o", "-q", "--emit", "obj"];
        folder.succeed(&[&fixed, arguments].concat());
        String::from_utf8_lossy(&folder.read("a.o")).into_owned()
    };
    assert!(emit(&[]).contains("\0wasmelt_module\0"));
    let renamed = emit(&["--symbol", "my_module"]);
    assert!(renamed.contains("\0my_module\0"));
    assert!(!renamed.contains("wasmelt_module"));
}

#[test]
fn listings_show_one_function_or_all_on_standard_output() {
    let folder = Folder::new();
    folder.write("a.wat", CALCULATOR);
    let list = |arguments: &[&str]| {
        let outcome = folder.succeed(&[&["compile", "a.wat"], arguments].concat());
        assert_eq!(outcome.stderr, "");
        outcome.stdout
    };
    let all = list(&["--emit", "clif"]);
    assert_eq!(all.matches(";; function ").count(), 8);
    let by_name = list(&["--emit", "clif", "--function", "divide"]);
    assert!(by_name.starts_with(";; function 1: divide\n"), "{by_name}");
    assert!(by_name.contains("sdiv"), "{by_name}");
    assert_eq!(by_name, list(&["--emit", "clif", "--function", "1"]));
    assert!(all.contains(&by_name));
    let x86_64 = list(&["--emit", "asm", "--function", "add", "--target", "x86_64"]);
    assert!(x86_64.contains("%rbp"), "{x86_64}");
    let triple = "aarch64-unknown-linux-gnu";
    let aarch64 = list(&["--emit", "asm", "--function", "add", "--target", triple]);
    assert!(aarch64.contains("ret"), "{aarch64}");
    assert!(!aarch64.contains("%rbp"), "{aarch64}");

    folder.succeed(&["compile", "a.wat", "--emit", "clif", "-o", "a.clif", "-q"]);
    assert_eq!(folder.read("a.clif"), all.as_bytes());
    folder.fail(
        &["compile", "a.wat", "--emit", "asm", "--function", "gone"],
        2,
        "error: a.wat: no function of this module is called `gone` or has that index\n",
    );
}

#[test]
fn arguments_that_make_no_sense_together_are_refused() {
    let folder = Folder::new();
    folder.write("a.wat", CALCULATOR);
    for (arguments, message) in [
        (&["a.wat"][..], "name the file to write: -o OUT"),
        (
            &["a.wat", "-o", "a.so", "--function", "f"],
            "--function chooses what is listed: it needs --emit clif or --emit asm",
        ),
        (
            &["a.wat", "-o", "a.so", "--symbol", "s"],
            "--symbol names what an object exports: it needs --emit obj (a shared object always \
             exports wasmelt_module)",
        ),
        (
            &["a.wat", "--emit", "clif", "--format", "json"],
            "--format json would mix with the output on standard output: name a file (-o OUT)",
        ),
        (
            &[
                "a.wat", "-o", "a.so", "--cpu", "native", "--target", "aarch64",
            ],
            "--cpu native means this machine, which is no aarch64-unknown-linux-gnu: name a level",
        ),
        (
            &[
                "a.wat", "-o", "a.so", "--cpu", "armv8-a", "--target", "x86_64",
            ],
            "armv8-a cannot be combined with x86-64: leave one of them out",
        ),
        (
            &["a.wat", "-o", "a.so", "--bounds", "guard", "--no-signals"],
            "guard-page bounds checks cannot be combined with no signals: leave one of them out",
        ),
    ] {
        let arguments = [&["compile"], arguments].concat();
        folder.fail(&arguments, 2, &format!("error: {message}\n"));
    }
    assert_eq!(folder.names(), ["a.wat"]);
}

#[test]
fn names_that_do_not_exist_are_refused_with_those_that_do() {
    let folder = Folder::new();
    folder.write("a.wat", CALCULATOR);
    for (option, metavariable, value, possible) in [
        ("--preset", "NAME", "pvf", "strict-mvp, wasm1, polkadot"),
        (
            "--target",
            "TRIPLE",
            "riscv64",
            "x86_64-unknown-linux-gnu, aarch64-unknown-linux-gnu",
        ),
        (
            "--cpu",
            "LEVEL",
            "i386",
            "x86-64-v2, x86-64-v3, armv8-a, native",
        ),
        ("--opt", "LEVEL", "max", "none, speed"),
        ("--bounds", "KIND", "maybe", "guard, explicit"),
        ("--emit", "FORM", "exe", "so, obj, clif, asm"),
    ] {
        folder.fail(
            &["compile", "a.wat", "-o", "a.so", option, value],
            2,
            &format!(
                "error: invalid value '{value}' for '{option} <{metavariable}>'\n  [possible \
                 values: {possible}]\n\nFor more information, try '--help'.\n"
            ),
        );
    }
    let outcome = folder.run(&[
        "compile", "a.wat", "-o", "a.o", "--emit", "obj", "--symbol", "1x",
    ]);
    assert_eq!(outcome.code, Some(2));
    assert!(
        outcome.stderr.starts_with(
            "error: invalid value '1x' for '--symbol <NAME>': a symbol is a C identifier"
        ),
        "{}",
        outcome.stderr
    );
}

#[test]
fn inputs_that_cannot_be_read_are_named() {
    let folder = Folder::new();
    folder.fail(
        &["compile", "gone.wasm", "-o", "a.so"],
        2,
        "error: gone.wasm: there is no such file\n",
    );
    folder.fail(
        &["compile", ".", "-o", "a.so"],
        2,
        "error: .: this is a folder, not a file\n",
    );
}

#[test]
fn inputs_that_are_no_module_are_recognised() {
    let folder = Folder::new();
    let component = b"\0asm\x0d\0\x01\0";
    for (bytes, message) in [
        (
            &b""[..],
            "input is empty, not a wasm module; look whether the step that wrote it failed",
        ),
        (
            b"\0asm\x01",
            "input is a truncated wasm file, not a wasm module; it ends inside the \
             wasm header: fetch or build it again",
        ),
        (
            b"\0asm\x01\0\0\0\x01\x04\x01",
            "invalid module: unexpected end-of-file (offset 0xa)",
        ),
        (
            component,
            "input is a wasm component, not a wasm module; components are built of modules: \
             compile the core module inside (wasm-tools component unbundle extracts it)",
        ),
        (
            b"\x7fELF\x02\x01\x01\0",
            "input is an ELF file, not a wasm module; if it is a wasmelt artifact, load it \
             instead of compiling it",
        ),
        (
            b"\x52\xbc\x53\x76\x46\xdb\x8e\x05\x28\xb5\x2f\xfd",
            "input is a compressed Substrate runtime (magic 52bc5376), not a wasm module; drop \
             the first 8 bytes and decompress the rest with zstd",
        ),
        (
            b"\x28\xb5\x2f\xfd\x04",
            "input is a zstd-compressed file, not a wasm module; decompress it with zstd first",
        ),
        (
            b"0x0061736d01000000",
            "input is hexadecimal text, not a wasm module; decode the hexadecimal digits to \
             bytes first",
        ),
    ] {
        folder.write("input", bytes);
        let expected = Outcome {
            code: Some(2),
            stdout: String::new(),
            stderr: format!("error: input: {message}\n"),
        };
        assert_eq!(folder.run(&["compile", "input", "-o", "a.so"]), expected);
        let from_stdin = folder.run_with_stdin(&["compile", "-", "-o", "a.so"], bytes);
        let expected = Outcome {
            stderr: format!("error: <stdin>: {message}\n"),
            ..expected
        };
        assert_eq!(from_stdin, expected);
    }
    assert_eq!(folder.names(), ["input"]);
}

#[test]
fn scripts_and_wrong_text_are_refused_with_the_place() {
    let folder = Folder::new();
    folder.write("suite.wast", "(module) (assert_return (invoke \"f\"))");
    folder.fail(
        &["compile", "suite.wast", "-o", "a.so"],
        2,
        "error: suite.wast: this is a script of modules and assertions: `wasmelt wast` runs it\n",
    );
    folder.write("wrong.wat", "(module\n  (func (i32.ad)))");
    folder.fail(
        &["compile", "wrong.wat", "-o", "a.so"],
        2,
        "error: wrong.wat: invalid wasm text: unknown operator or unexpected token\n     --> \
         wrong.wat:2:10\n      |\n    2 |   (func (i32.ad)))\n      |          ^\n",
    );
}

#[test]
fn a_later_proposal_is_named_with_operator_function_offset_and_a_way_out() {
    let folder = Folder::new();
    let text = "(module (func) (func (param i32) (result i32) (i32.extend8_s (local.get 0))))";
    folder.write("late.wasm", wasm(text));
    folder.fail(
        &["compile", "late.wasm", "-o", "a.so"],
        2,
        "error: late.wasm: module needs the proposal `sign-extension`, which preset `wasm1` does \
         not include: `i32.extend8_s` in function 1 (offset 0x22); build it for the MVP (Rust \
         target wasm32v1-none, clang -mcpu=mvp) or lower it with wasm-opt --signext-lowering\n",
    );
    folder.succeed(&[
        "compile",
        "late.wasm",
        "-o",
        "a.so",
        "--preset",
        "polkadot",
        "-q",
    ]);
}

#[test]
fn options_reach_the_artifact() {
    let folder = Folder::new();
    folder.write("a.wat", CALCULATOR);
    let options = |arguments: &[&str]| {
        folder.succeed(&[&["compile", "a.wat", "-o", "a.so", "-q"], arguments].concat());
        folder.json(&["inspect", "a.so", "--format", "json"])
    };
    let plain = options(&[]);
    assert_eq!(plain["options"]["bounds"], "guard");
    assert_eq!(plain["options"]["signals"], true);
    let signal_free = options(&["--no-signals", "--spectre"]);
    assert_eq!(signal_free["options"]["bounds"], "explicit");
    assert_eq!(signal_free["options"]["signals"], false);
    assert_eq!(signal_free["options"]["spectre"], true);
    let other = options(&[
        "--opt",
        "none",
        "--bounds",
        "explicit",
        "--preset",
        "strict-mvp",
        "--cpu",
        "x86-64-v3",
        "--nan-canonicalization",
    ]);
    assert_eq!(other["options"]["opt"], "none");
    assert_eq!(other["options"]["bounds"], "explicit");
    assert_eq!(other["options"]["preset"], "strict-mvp");
    assert_eq!(other["options"]["nan_canonicalization"], true);
    assert_eq!(other["cpu"], "x86-64-v3");
    assert_eq!(options(&["--cpu", "native"])["cpu"], "native");
}
