//! A folder to work in, and the program started in it.

use std::{
    ffi::OsStr,
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};
use tempfile::TempDir;

/// The program under test.
pub(crate) const WASMELT: &str = env!("CARGO_BIN_EXE_wasmelt");

/// A module with something of everything that can be called without imports.
pub(crate) const CALCULATOR: &str = r#"(module $calculator
    (memory (export "memory") 1 16)
    (table 2 2 funcref)
    (elem (i32.const 0) $add)
    (data (i32.const 8) "hello")
    (func $add (export "add") (param i32 i32) (result i32)
        (i32.add (local.get 0) (local.get 1)))
    (func $divide (param i32 i32) (result i32)
        (i32.div_s (local.get 0) (local.get 1)))
    (func (export "quotient") (param i32 i32) (result i32)
        (call $divide (local.get 0) (local.get 1)))
    (func (export "add64") (param i64 i64) (result i64)
        (i64.add (local.get 0) (local.get 1)))
    (func (export "negate32") (param f32) (result f32) (f32.neg (local.get 0)))
    (func (export "negate64") (param f64) (result f64) (f64.neg (local.get 0)))
    (func $down (export "down") (call $down))
    (func (export "nothing")))"#;

/// A private folder, with a home and a cache in it.
pub(crate) struct Folder(TempDir);

/// How a run of the program ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// Exit code; `None` after a signal.
    pub(crate) code: Option<i32>,
    /// Standard output.
    pub(crate) stdout: String,
    /// Standard error.
    pub(crate) stderr: String,
}

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// A folder with the calculator, as text and as an artifact.
    pub(crate) fn with_calculator() -> Self {
        let folder = Self::new();
        folder.write("calculator.wat", CALCULATOR);
        folder.succeed(&["compile", "calculator.wat", "-o", "calculator.so", "-q"]);
        folder
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, contents: impl AsRef<[u8]>) {
        fs::write(self.path(name), contents).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    /// Names of what is in the folder, in order.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0.path()).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// A program that is started in the folder, with nothing of this process's environment that
    /// could change what it does.
    pub(crate) fn program(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(self.0.path())
            .env_clear()
            .env("HOME", self.0.path())
            .env("XDG_CACHE_HOME", self.path("cache"))
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .stdin(Stdio::null());
        command
    }

    /// The program under test.
    pub(crate) fn wasmelt(&self, arguments: &[&str]) -> Command {
        let mut command = self.program(WASMELT);
        command.args(arguments);
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Outcome {
        outcome(&mut self.wasmelt(arguments))
    }

    /// Runs with these bytes on standard input.
    pub(crate) fn run_with_stdin(&self, arguments: &[&str], stdin: &[u8]) -> Outcome {
        let mut child = self
            .wasmelt(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(stdin).unwrap();
        child.wait_with_output().unwrap().into()
    }

    /// Runs a shell script in which `"$@"` is the command.
    pub(crate) fn run_in_shell(&self, script: &str, arguments: &[&str]) -> Output {
        self.program("sh")
            .args(["-c", script, "sh", WASMELT])
            .args(arguments)
            .output()
            .unwrap()
    }

    /// Runs, and demands success.
    pub(crate) fn succeed(&self, arguments: &[&str]) -> Outcome {
        let outcome = self.run(arguments);
        assert_eq!(outcome.code, Some(0), "{arguments:?}: {outcome:?}");
        outcome
    }

    /// Runs, and demands this exit code, this message and nothing on standard output.
    pub(crate) fn fail(&self, arguments: &[&str], code: i32, stderr: &str) {
        let expected = Outcome {
            code: Some(code),
            stdout: String::new(),
            stderr: stderr.to_owned(),
        };
        assert_eq!(self.run(arguments), expected, "{arguments:?}");
    }

    /// Runs, and demands success, this output and nothing on standard error.
    pub(crate) fn print(&self, arguments: &[&str], stdout: &str) {
        let expected = Outcome {
            code: Some(0),
            stdout: stdout.to_owned(),
            stderr: String::new(),
        };
        assert_eq!(self.run(arguments), expected, "{arguments:?}");
    }

    /// Runs, and gives the JSON document on standard output.
    pub(crate) fn json(&self, arguments: &[&str]) -> serde_json::Value {
        let outcome = self.run(arguments);
        serde_json::from_str(&outcome.stdout)
            .unwrap_or_else(|error| panic!("{arguments:?}: {error}: {outcome:?}"))
    }
}

impl From<Output> for Outcome {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

pub(crate) fn outcome(command: &mut Command) -> Outcome {
    command.output().unwrap().into()
}

/// Assembles text.
pub(crate) fn wasm(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap()
}

/// Compares text with the file of that name, which `WASMELT_BLESS=1` writes anew.
pub(crate) fn check_golden(name: &str, found: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/cli/golden")
        .join(name);
    if std::env::var_os("WASMELT_BLESS").is_some() {
        fs::write(&path, found).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(
        found, expected,
        "{name} differs; bless it with WASMELT_BLESS=1"
    );
}

/// Replaces what differs from compiler to compiler: digests and sizes.
pub(crate) fn without_figures(text: &str) -> String {
    let mut shown = String::new();
    for line in text.lines() {
        let words: Vec<_> = line
            .split(' ')
            .map(|word| {
                let is_digest = word.len() == 64 && word.bytes().all(|b| b.is_ascii_hexdigit());
                if is_digest { "[digest]" } else { word }
            })
            .collect();
        let words: Vec<_> = (0..words.len())
            .map(|at| match words.get(at + 1) {
                Some(&"bytes") => "[n]",
                _ => words[at],
            })
            .collect();
        shown.push_str(&words.join(" "));
        shown.push('\n');
    }
    shown
}
