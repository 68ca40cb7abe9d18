//! `verify --code`: machine code that keeps the rules, breaks one, or is not checked.

use crate::support::Folder;

#[test]
fn machine_code_is_checked_on_request() {
    let folder = Folder::with_calculator();
    let outcome = folder.succeed(&["verify", "calculator.so", "--code"]);
    let text = outcome.stdout;
    assert!(text.starts_with("calculator.so: intact, "), "{text}");
    let code = "calculator.so: the machine code breaks no rule\n  8 functions, 11 stubs\n";
    assert!(text.contains(code), "{text}");
}

#[test]
fn machine_code_that_breaks_a_rule_is_refused_even_if_the_digest_is_right() {
    let folder = Folder::with_calculator();
    let path = folder.path("calculator.so");
    let mut bytes = std::fs::read(&path).unwrap();
    // push rbp; mov rbp, rsp: becomes syscall.
    let prologue = [0x55, 0x48, 0x89, 0xe5];
    let at = bytes
        .windows(4)
        .position(|window| window == prologue)
        .unwrap();
    bytes[at..at + 2].copy_from_slice(&[0x0f, 0x05]);
    let mut hasher = blake3::Hasher::new();
    hasher.update(&bytes[..552]);
    hasher.update(&bytes[584..bytes.len() - 16]);
    let digest = *hasher.finalize().as_bytes();
    bytes[552..584].copy_from_slice(&digest);
    std::fs::write(&path, bytes).unwrap();
    assert_eq!(
        folder.json(&["inspect", "calculator.so", "--format", "json"])["loads"],
        true
    );
    let outcome = folder.run(&["verify", "calculator.so", "--code"]);
    assert_eq!(outcome.code, Some(2));
    assert!(
        outcome.stderr.contains(
            "at text offset 0x0: `syscall` breaks the rule: only instructions of the list"
        ),
        "{}",
        outcome.stderr
    );
}

#[test]
fn only_code_of_intact_artifacts_for_x86_64_is_checked() {
    let folder = Folder::with_calculator();
    folder.succeed(&[
        "compile",
        "calculator.wat",
        "-o",
        "arm.so",
        "-q",
        "--target",
        "aarch64",
    ]);
    for (file, reason) in [
        ("calculator.wat", "not an ELF file"),
        (
            "arm.so",
            "machine code for aarch64-unknown-linux-gnu is not checked; only x86-64 is supported",
        ),
    ] {
        let outcome = folder.run(&["verify", file, "--code"]);
        assert_eq!(outcome.code, Some(2));
        assert!(outcome.stderr.contains(reason), "{}", outcome.stderr);
    }
}
