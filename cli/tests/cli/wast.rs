//! The verb `wast`, as far as this program has a part in it; its own tests are in `spec-tests`.

use crate::support::Folder;

#[test]
fn scripts_pass_fail_or_cannot_be_read() {
    let folder = Folder::new();
    let module = r#"(module (func (export "f") (result i32) (i32.const 1)))"#;
    let script =
        |expected: u32| format!(r#"{module} (assert_return (invoke "f") (i32.const {expected}))"#);
    folder.write("pass.wast", script(1));
    folder.write("fail.wast", script(2));
    folder.write("broken.wast", "(module");
    let last_line = |arguments: &[&str], code: i32| {
        let outcome = folder.run(&[&["wast"], arguments].concat());
        assert_eq!(outcome.code, Some(code), "{outcome:?}");
        outcome.stdout.lines().last().unwrap_or_default().to_owned()
    };
    assert_eq!(last_line(&["pass.wast"], 0), "2 passed, 0 failed");
    assert_eq!(
        last_line(&["pass.wast", "--no-isolate"], 0),
        "2 passed, 0 failed"
    );
    assert_eq!(last_line(&["fail.wast"], 1), "1 passed, 1 failed");
    let quiet = folder.run(&["wast", "-q", "pass.wast", "fail.wast"]);
    assert!(quiet.stdout.contains("fail.wast:1:"), "{quiet:?}");
    assert!(!quiet.stdout.contains("pass.wast"), "{quiet:?}");
    assert!(quiet.stdout.ends_with("3 passed, 1 failed\n"), "{quiet:?}");
    last_line(&["broken.wast"], 2);
    last_line(&["gone.wast"], 2);
}

#[test]
fn help_has_every_option_with_examples() {
    let help = Folder::new().succeed(&["wast", "--help"]).stdout;
    for option in [
        "--engine",
        "--matrix",
        "--jobs",
        "--filter",
        "--fail-fast",
        "--timeout",
        "--skip",
        "--format",
        "Examples:",
    ] {
        assert!(help.contains(option), "{option}");
    }
}
