//! Decides exit codes and how errors are shown.

use anyhow::Error;
use std::{
    fmt::Write as _,
    io::{self, Write as _},
    process::ExitCode,
};

/// Why the program ends without success. The numbers are its exit codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// The guest trapped, or an assertion about it failed.
    Guest = 1,
    /// The input is refused, or the arguments cannot be followed.
    Refused = 2,
    /// This host could not do it, or this program is wrong.
    Host = 3,
}

/// How a verb ends that does not succeed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// With an error to show.
    Error {
        /// Whose fault it is.
        exit: Exit,
        /// The file, argument or function that it is about.
        subject: Option<String>,
        /// What is wrong.
        error: Error,
    },
    /// Whoever read standard output went away: nobody is left to tell.
    OutputClosed,
}

impl Failure {
    /// A failure that concerns `subject`.
    pub(crate) fn new(exit: Exit, subject: impl Into<String>, error: impl Into<Error>) -> Self {
        Failure::Error {
            exit,
            subject: Some(subject.into()),
            error: error.into(),
        }
    }

    /// The input or an argument is refused.
    pub(crate) fn refused(subject: impl Into<String>, error: impl Into<Error>) -> Self {
        Self::new(Exit::Refused, subject, error)
    }

    /// The input or an argument is refused, for a reason in words.
    pub(crate) fn refused_because(subject: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::refused(subject, Error::msg(reason.into()))
    }

    /// Arguments that contradict each other or lack something; the reason says it all.
    pub(crate) fn usage(reason: impl Into<String>) -> Self {
        Failure::Error {
            exit: Exit::Refused,
            subject: None,
            error: Error::msg(reason.into()),
        }
    }

    /// Standard output could not be written.
    pub(crate) fn from_stdout(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Failure::OutputClosed,
            _ => Self::new(
                Exit::Host,
                "<stdout>",
                Error::new(error).context("cannot write"),
            ),
        }
    }

    /// Shows the error and gives the exit code.
    pub(crate) fn report(&self) -> ExitCode {
        let exit = match self {
            Failure::OutputClosed => return ExitCode::SUCCESS,
            Failure::Error { exit, .. } => {
                // Nobody is left to tell when standard error is closed as well.
                let _ = writeln!(io::stderr(), "{}", self.line());
                *exit
            }
        };
        ExitCode::from(exit as u8)
    }

    /// The exit code, if there is an error.
    pub(crate) fn exit(&self) -> Option<Exit> {
        match self {
            Failure::OutputClosed => None,
            Failure::Error { exit, .. } => Some(*exit),
        }
    }

    /// What is wrong and why, without the subject.
    pub(crate) fn message(&self) -> String {
        match self {
            Failure::OutputClosed => "standard output was closed".to_owned(),
            Failure::Error { error, .. } => printable(&format!("{error:#}")),
        }
    }

    /// `error: SUBJECT: what is wrong: why`.
    fn line(&self) -> String {
        let mut line = String::from("error");
        if let Failure::Error { subject, error, .. } = self {
            if let Some(subject) = subject {
                write!(line, ": {}", printable(subject)).expect("writing to a string succeeds");
            }
            write!(line, ": {}", printable(&format!("{error:#}")))
                .expect("writing to a string succeeds");
        }
        line
    }
}

/// Text that comes from a file, without what could command a terminal: control characters other
/// than line breaks, and those that reorder text, are escaped.
pub(crate) fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        let reorders = matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if (c.is_control() && c != '\n') || reorders {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    shown
}

/// Like [`printable`], for names: line breaks are escaped as well.
pub(crate) fn printable_name(name: &str) -> String {
    printable(name).replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::{Failure, printable, printable_name};
    use anyhow::anyhow;

    #[test]
    fn an_error_names_its_subject_and_every_cause() {
        let error = anyhow!("disk full").context("cannot write");
        let failure = Failure::refused("a.so", error);
        assert_eq!(failure.line(), "error: a.so: cannot write: disk full");
        assert_eq!(Failure::usage("no").line(), "error: no");
    }

    #[test]
    fn names_cannot_command_a_terminal() {
        assert_eq!(
            printable("a\u{1b}[31m\u{202e}é\n"),
            "a\\u{1b}[31m\\u{202e}é\n"
        );
        assert_eq!(printable_name("a\nb"), "a\\nb");
    }
}
