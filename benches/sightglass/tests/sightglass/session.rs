//! Describes a session with the library, and runs it in a child process.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use tempfile::TempDir;

use crate::recorder::{ABSENT, CHILD};

/// One benchmark, and how the library is asked to run it.
pub(crate) struct Session {
    /// The working directory; the module and the output are beside its files.
    folder: TempDir,
    working_dir: Option<String>,
    stdout: Option<String>,
    stdin: Option<String>,
    flags: Option<String>,
    environment: Vec<(&'static str, &'static str)>,
}

/// What a session gave.
pub(crate) struct Outcome {
    /// Each call with its code, and what the clocks were told, in lines.
    pub(crate) transcript: String,
    /// What the library said on standard error.
    pub(crate) messages: String,
    /// What the guest wrote on its standard output, unless that went elsewhere.
    pub(crate) stdout: Vec<u8>,
    /// What the guest wrote on its standard error.
    pub(crate) stderr: Vec<u8>,
}

impl Session {
    /// All calls that one benchmark needs.
    pub(crate) const ALL: &str = "create compile instantiate execute free";

    /// What [`Self::ALL`] gives without a failure.
    pub(crate) const ALL_WELL: &str = "\
create: 0
compilation start
compilation end
compile: 0
instantiation start
instantiation end
instantiate: 0
execution start
execution end
execute: 0
free: 0
";

    /// A session for a module in the binary format.
    pub(crate) fn new(wasm: &[u8]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let session = Self {
            folder,
            working_dir: None,
            stdout: None,
            stdin: None,
            flags: None,
            environment: Vec::new(),
        };
        session.file("benchmark.wasm", wasm)
    }

    /// A session for a module in the text format.
    pub(crate) fn of_text(text: &str) -> Self {
        Self::new(&wat::parse_str(text).expect("the test writes a well-formed module"))
    }

    /// Puts a file into the working directory.
    pub(crate) fn file(self, name: &str, content: &[u8]) -> Self {
        fs::write(self.path(name), content).expect("the folder is writable");
        self
    }

    /// Has the file `name` changed last a second before the time that WASI counts from.
    pub(crate) fn changed_before_1970(self, name: &str) -> Self {
        let file = File::options().write(true).open(self.path(name));
        let time = SystemTime::UNIX_EPOCH - Duration::from_secs(1);
        let changed = file.and_then(|file| file.set_modified(time));
        changed.expect("the file takes any time");
        self
    }

    /// Has the file `name` of the working directory as standard input.
    pub(crate) fn stdin(mut self, name: &str) -> Self {
        self.stdin = Some(self.text(name));
        self
    }

    /// Has another place for standard output.
    pub(crate) fn stdout(mut self, path: &str) -> Self {
        self.stdout = Some(path.to_owned());
        self
    }

    /// Has another working directory.
    pub(crate) fn working_dir(mut self, path: &str) -> Self {
        self.working_dir = Some(path.to_owned());
        self
    }

    pub(crate) fn flags(mut self, flags: &str) -> Self {
        self.flags = Some(flags.to_owned());
        self
    }

    /// Sets a variable of the process that loads the library.
    pub(crate) fn environment(mut self, name: &'static str, value: &'static str) -> Self {
        self.environment.push((name, value));
        self
    }

    /// Makes the calls, between which there are spaces. The process must end well, whatever they give.
    pub(crate) fn run(&self, calls: &str) -> Outcome {
        let or = |chosen: &Option<String>, usual: &str| chosen.clone().unwrap_or(usual.to_owned());
        let program = std::env::current_exe().expect("this program has a path");
        let output = Command::new(program)
            .arg(CHILD)
            .arg(self.text("benchmark.wasm"))
            .arg(or(&self.working_dir, &self.text(".")))
            .arg(or(&self.stdout, &self.text("stdout")))
            .arg(self.text("stderr"))
            .arg(or(&self.stdin, ABSENT))
            .arg(or(&self.flags, ABSENT))
            .args(calls.split_whitespace())
            .envs(self.environment.iter().copied())
            .stdin(Stdio::null())
            .output()
            .expect("this program can be started once more");
        let messages = String::from_utf8(output.stderr).expect("messages are text");
        assert!(output.status.success(), "{}: {messages}", output.status);
        Outcome {
            transcript: String::from_utf8_lossy(&output.stdout).into_owned(),
            messages,
            stdout: fs::read(self.path("stdout")).unwrap_or_default(),
            stderr: fs::read(self.path("stderr")).unwrap_or_default(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        let path = self.path(name).into_os_string();
        path.into_string().expect("temporary folders are text")
    }
}
