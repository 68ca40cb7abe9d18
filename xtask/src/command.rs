//! Starts programs: says what it runs, gives no standard input, and can count test results.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::tally::Tally;

/// A command line with its folder and environment.
#[derive(Clone, Debug)]
pub(crate) struct Cmd {
    program: OsString,
    arguments: Vec<OsString>,
    folder: Option<PathBuf>,
    env: Vec<(&'static str, OsString)>,
}

impl Cmd {
    pub(crate) fn new(program: impl AsRef<OsStr>) -> Self {
        Self {
            program: program.as_ref().to_owned(),
            arguments: Vec::new(),
            folder: None,
            env: Vec::new(),
        }
    }

    pub(crate) fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.arguments.push(argument.as_ref().to_owned());
        self
    }

    pub(crate) fn args<T: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = T>) -> Self {
        self.arguments.extend(
            arguments
                .into_iter()
                .map(|argument| argument.as_ref().to_owned()),
        );
        self
    }

    pub(crate) fn dir(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = Some(folder.into());
        self
    }

    pub(crate) fn env(mut self, name: &'static str, value: impl AsRef<OsStr>) -> Self {
        self.env.push((name, value.as_ref().to_owned()));
        self
    }

    /// Runs to the end; any exit code but 0 is an error.
    pub(crate) fn run(&self) -> Result<()> {
        println!("$ {self}");
        let status = self
            .prepare()
            .status()
            .with_context(|| format!("cannot start `{self}`"))?;
        if !status.success() {
            bail!("`{self}` ended with {status}");
        }
        Ok(())
    }

    /// Runs to the end and gives what it prints; any exit code but 0 is an error.
    pub(crate) fn read_output(&self) -> Result<String> {
        let output = self
            .prepare()
            .stderr(Stdio::inherit())
            .output()
            .with_context(|| format!("cannot start `{self}`"))?;
        if !output.status.success() {
            bail!("`{self}` ended with {}", output.status);
        }
        String::from_utf8(output.stdout).with_context(|| format!("the output of `{self}`"))
    }

    /// Whether it can be started and ends with 0, without any output.
    pub(crate) fn succeeds(&self) -> bool {
        let status = self
            .prepare()
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        status.is_ok_and(|status| status.success())
    }

    /// Runs to the end, passing the output on and counting the results of tests in it. An exit code
    /// that no failed test explains counts as one failure.
    pub(crate) fn run_tests(&self) -> Result<Tally> {
        self.run_tests_into(&mut std::io::stdout())
    }

    fn run_tests_into(&self, report: &mut impl Write) -> Result<Tally> {
        writeln!(report, "$ {self}")?;
        let mut child = self
            .prepare()
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start `{self}`"))?;
        let mut tally = Tally::default();
        let mut output = BufReader::new(child.stdout.take().expect("asked for a pipe"));
        let mut line = Vec::new();
        while output.read_until(b'\n', &mut line)? > 0 {
            report.write_all(&line)?;
            tally.read_line(&String::from_utf8_lossy(&line));
            line.clear();
        }
        let status = child.wait()?;
        if !status.success() && tally.failed == 0 {
            writeln!(report, "`{self}` ended with {status}")?;
            tally.failed = 1;
        }
        Ok(tally)
    }

    fn prepare(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).stdin(Stdio::null());
        if let Some(folder) = &self.folder {
            command.current_dir(folder);
        }
        for (name, value) in &self.env {
            command.env(name, value);
        }
        command
    }
}

impl fmt::Display for Cmd {
    /// As one would type it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quoted = |text: &OsStr| {
            let text = text.to_string_lossy();
            let is_plain = |c: char| c.is_alphanumeric() || "-_=/.,:+@%".contains(c);
            if !text.is_empty() && text.chars().all(is_plain) {
                text.into_owned()
            } else {
                format!("'{}'", text.replace('\'', r"'\''"))
            }
        };
        for (name, value) in &self.env {
            write!(f, "{name}={} ", quoted(value))?;
        }
        write!(f, "{}", quoted(&self.program))?;
        self.arguments
            .iter()
            .try_for_each(|argument| write!(f, " {}", quoted(argument)))
    }
}

#[cfg(test)]
mod tests {
    use super::Cmd;

    #[test]
    fn a_command_prints_as_one_would_type_it() {
        let command = Cmd::new("sh")
            .args(["-c", "it's $HOME", "", "a/b.c"])
            .env("X", "1 2");
        assert_eq!(
            command.to_string(),
            r"X='1 2' sh -c 'it'\''s $HOME' '' a/b.c"
        );
    }

    #[test]
    fn an_exit_code_that_no_test_explains_counts_as_a_failure() {
        let run = |script| {
            // Not to standard output, where a report about this run would be counted too.
            let mut report = Vec::new();
            let command = Cmd::new("sh").args(["-c", script]);
            let tally = command.run_tests_into(&mut report).expect("sh starts");
            assert!(
                String::from_utf8(report)
                    .expect("text")
                    .starts_with("$ sh -c ")
            );
            (tally.passed, tally.failed)
        };
        assert_eq!(run("exit 0"), (0, 0));
        assert_eq!(run("exit 7"), (0, 1));
        let failed = "echo 'test result: FAILED. 2 passed; 1 failed; 0 ignored'; exit 7";
        assert_eq!(run(failed), (2, 1));
    }

    #[test]
    fn a_program_that_is_not_there_is_an_error_that_names_it() {
        let error = Cmd::new("/no/such/program")
            .run()
            .expect_err("cannot start");
        assert!(error.to_string().contains("/no/such/program"), "{error}");
    }
}
