//! Installs the libraries that cargo built for these tests, and compiles and runs programs against them.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;
use tempfile::TempDir;

/// The package's own folder.
pub(crate) const HERE: &str = env!("CARGO_MANIFEST_DIR");

/// Where `cargo xtask c-api` installed everything; programs are put there, too.
static INSTALLED: LazyLock<TempDir> = LazyLock::new(install);

/// The folder that everything is installed in.
pub(crate) fn prefix() -> &'static Path {
    INSTALLED.path()
}

fn install() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder for temporary files");
    let program = std::env::current_exe().expect("this program has a path");
    let built = program.parent().expect("it is a file in a folder");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    // No package is named: what the tests of all packages built is used again.
    let output = Command::new(cargo)
        .args([
            "run", "--quiet", "--bin", "xtask", "--", "c-api", "--prefix",
        ])
        .arg(folder.path())
        .arg("--built")
        .arg(built)
        .current_dir(here("../.."))
        .output()
        .expect("cargo can be started");
    succeeded("cargo xtask c-api", &output);
    folder
}

/// What a program wrote, if it ended with 0.
pub(crate) fn succeeded(what: &str, output: &Output) -> String {
    let stdout = String::from_utf8_lossy(&output.stdout);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{what} ended with {}\n{stdout}\n{stderr}",
        output.status
    );
    stdout.into_owned()
}

/// A compiler for C, with warnings as errors.
pub(crate) fn c_compiler() -> Command {
    let mut compiler = Command::new("cc");
    compiler.args([
        "-std=c11", "-O1", "-g", "-Wall", "-Wextra", "-Werror", "-pthread",
    ]);
    compiler.arg("-I").arg(prefix().join("include"));
    compiler
}

/// How a program is linked with the shared library that was installed.
fn link_arguments() -> Vec<String> {
    let libraries = prefix().join("lib");
    let libraries = libraries.display();
    vec![
        format!("-L{libraries}"),
        "-lwasmelt".to_owned(),
        format!("-Wl,-rpath,{libraries}"),
    ]
}

/// Compiles one file to a program with a name of its own.
fn compile(source: &Path) -> PathBuf {
    let (program, output) = try_compile(source, "shared", &link_arguments());
    succeeded(&format!("compiling {}", source.display()), &output);
    program
}

fn try_compile(source: &Path, suffix: &str, arguments: &[String]) -> (PathBuf, Output) {
    let name = source.file_stem().expect("a file has a name");
    let program = prefix().join(format!("{}-{suffix}", name.to_string_lossy()));
    let mut compiler = c_compiler();
    compiler.arg(source).arg("-o").arg(&program).args(arguments);
    let output = compiler.output();
    (
        program,
        output.expect("a C compiler, which Rust links with"),
    )
}

/// Runs a program, and gives what it wrote.
fn run(program: &Path) -> String {
    let output = Command::new(program)
        .arg(prefix())
        .output()
        .expect("it was just compiled");
    succeeded(&program.display().to_string(), &output)
}

/// Compiles a file and runs the program, plain and watched: it prints the same both times.
pub(crate) fn check(source: &Path, expected: &str) {
    let program = compile(source);
    assert_eq!(run(&program), expected);
    if let Some(output) = run_watched(source, &program) {
        let what = format!("{}, watched,", program.display());
        assert_eq!(succeeded(&what, &output), expected, "watched");
    }
}

/// Runs a program that accesses what it must not, or forgets to delete something, and is found out.
pub(crate) fn check_is_found_out(source: &Path, by_itself: &str, by_watch: [&str; 2]) {
    let program = compile(source);
    let plain = Command::new(&program).output().expect("just compiled");
    let stderr = String::from_utf8_lossy(&plain.stderr);
    assert!(
        !plain.status.success() && stderr.contains(by_itself),
        "{stderr}"
    );
    if let Some(output) = run_watched(source, &program) {
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(
            !output.status.success() && by_watch.iter().any(|word| stderr.contains(word)),
            "{stderr}"
        );
    }
}

/// Runs a program under valgrind, or else with the compiler's own watch; says so if there is neither.
fn run_watched(source: &Path, program: &Path) -> Option<Output> {
    let output = run_under_valgrind(program).or_else(|| run_with_asan(source));
    if output.is_none() {
        println!("not run: valgrind missing");
    }
    output
}

/// Under valgrind a program fails when there are errors or leaks; `None` if there is no valgrind.
fn run_under_valgrind(program: &Path) -> Option<Output> {
    Command::new("valgrind")
        .args(["-q", "--error-exitcode=99", "--leak-check=full"])
        // What Rust's hash maps and shared slices own, they point into: valgrind calls that possibly lost.
        .args(["--errors-for-leak-kinds=definite,indirect"])
        .args(["--show-leak-kinds=definite,indirect"])
        .args([program, prefix()])
        .env("NO_SIGNALS", "1")
        .output()
        .ok()
}

/// Compiles a file so that the program fails when there are errors or leaks; `None` if the compiler cannot.
fn run_with_asan(source: &Path) -> Option<Output> {
    let mut arguments = link_arguments();
    arguments.push("-fsanitize=address".to_owned());
    let (program, compiled) = try_compile(source, "asan", &arguments);
    if !compiled.status.success() {
        return None;
    }
    let output = Command::new(&program)
        .arg(prefix())
        .env("NO_SIGNALS", "1")
        // As everywhere else, what is too large is refused.
        .env("ASAN_OPTIONS", "allocator_may_return_null=1")
        .output();
    Some(output.expect("it was just compiled"))
}

/// A file below the package's folder.
pub(crate) fn here(path: &str) -> PathBuf {
    Path::new(HERE).join(path)
}
