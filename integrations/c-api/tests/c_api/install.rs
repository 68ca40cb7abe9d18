//! What is installed is what pkg-config says: programs are compiled and linked by that alone.

use crate::support::{here, prefix, succeeded};
use std::process::Command;

/// What pkg-config says of the installed library, one argument each; `None` if there is no such program.
fn pkg_config(questions: &[&str]) -> Option<Vec<String>> {
    let output = Command::new("pkg-config")
        .args(questions)
        .arg("wasmelt")
        .env("PKG_CONFIG_PATH", prefix().join("lib/pkgconfig"))
        .output();
    let Ok(output) = output else {
        println!("not run: pkg-config missing");
        return None;
    };
    let text = succeeded("pkg-config", &output);
    Some(text.split_whitespace().map(str::to_owned).collect())
}

/// Compiles the first example with these arguments, and runs it where it finds the shared library only if `finds_shared`.
fn check(name: &str, arguments: &[String], finds_shared: bool) {
    let program = prefix().join(name);
    let output = Command::new("cc")
        .arg(here("examples/hello.c"))
        .arg("-o")
        .arg(&program)
        .args(arguments)
        .output()
        .expect("a C compiler, which Rust links with");
    succeeded("cc hello.c", &output);
    let mut run = Command::new(&program);
    run.env_remove("LD_LIBRARY_PATH");
    if finds_shared {
        run.env("LD_LIBRARY_PATH", prefix().join("lib"));
    }
    let output = run.output().expect("it was just compiled");
    assert_eq!(succeeded(name, &output), "hello, 21\n42 after 1 greeting\n");
}

#[test]
fn a_program_is_linked_with_the_shared_library() {
    if let Some(arguments) = pkg_config(&["--cflags", "--libs"]) {
        check("by-pkg-config", &arguments, true);
    }
}

#[test]
fn a_program_is_linked_with_the_static_library() {
    let Some(arguments) = pkg_config(&["--cflags", "--static", "--libs"]) else {
        return;
    };
    // Where both libraries are, the linker takes the shared one unless it is told.
    let arguments: Vec<_> = arguments
        .iter()
        .map(|argument| argument.replace("-lwasmelt", "-l:libwasmelt.a"))
        .collect();
    check("static-by-pkg-config", &arguments, false);
}

#[test]
fn the_version_is_the_librarys() {
    if let Some(version) = pkg_config(&["--modversion"]) {
        assert_eq!(version, [env!("CARGO_PKG_VERSION")]);
    }
}
