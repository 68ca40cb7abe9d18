//! Expected failures, each with a reason, and the check that they still fail.
//!
//! One entry per line: `path[:line] [@engine] reason`. The path matches every script whose path ends with it (whole
//! components); with a line the entry covers the directives that start there, otherwise all that fail in the file.
//! `@engine` limits an entry to engines whose name is that or starts with it and a slash. Empty lines and lines that
//! start with `#` are comments. Paths with spaces cannot be listed.
//!
//! What an entry covers is run all the same: a failure counts as skipped, and if nothing fails the entry itself counts
//! as a failure, so that a list never grows old.

use crate::report::{DirectiveReport, FileReport, Outcome, StaleEntry};
use crate::run::Selection;
use crate::script::Location;
use std::path::Path;
use std::sync::Arc;

/// A list of expected failures.
#[derive(Debug, Clone, Default)]
pub struct SkipList {
    entries: Arc<[SkipEntry]>,
}

/// One expected failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SkipEntry {
    /// The end of the script's path.
    pub path: String,
    /// The line on which the directive starts; none for the whole file.
    pub line: Option<u32>,
    /// The engine, or the engine and its configuration; none for all.
    pub engine: Option<String>,
    /// Why the failure is expected.
    pub reason: String,
}

/// A line of a skip list that is not an entry, or a list that cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SkipListError {
    /// The file cannot be read.
    #[error("cannot read the skip list {path}")]
    Unreadable {
        /// Its path.
        path: String,
        /// The system's error.
        source: std::io::Error,
    },
    /// An entry without a reason.
    #[error("line {line}: the entry {entry:?} gives no reason")]
    NoReason {
        /// The line of the list.
        line: usize,
        /// The entry without it.
        entry: String,
    },
    /// A line number that is none.
    #[error("line {line}: {number:?} is not the number of a line")]
    BadLineNumber {
        /// The line of the list.
        line: usize,
        /// What stands in its place.
        number: String,
    },
}

impl SkipList {
    /// Reads a list from a file.
    ///
    /// # Errors
    ///
    /// [`SkipListError`] if the file cannot be read or has a line that is no entry.
    pub fn read(path: &Path) -> Result<Self, SkipListError> {
        let text = std::fs::read_to_string(path).map_err(|source| SkipListError::Unreadable {
            path: path.display().to_string(),
            source,
        })?;
        Self::parse(&text)
    }

    /// Parses a list.
    ///
    /// # Errors
    ///
    /// [`SkipListError`] if a line is no entry.
    pub fn parse(text: &str) -> Result<Self, SkipListError> {
        let entries = text
            .lines()
            .enumerate()
            .map(|(index, line)| (index + 1, line.trim()))
            .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
            .map(|(number, line)| SkipEntry::parse(number, line))
            .collect::<Result<_, _>>()?;
        Ok(Self { entries })
    }

    /// All entries.
    #[must_use]
    pub fn entries(&self) -> &[SkipEntry] {
        &self.entries
    }

    /// Whether a failure on `line` of `file` is expected.
    #[must_use]
    pub fn expects_failure(&self, file: &str, engine: &str, line: u32) -> bool {
        self.entries_of(file, engine)
            .any(|entry| entry.line.is_none_or(|listed| listed == line))
    }

    /// Turns the expected failures of `report` into skips and notes the entries that do not hold. `complete` says that
    /// every directive of `selection` was run.
    pub fn apply(&self, report: &mut FileReport, selection: &Selection, complete: bool) {
        let entries: Vec<_> = self
            .entries_of(&report.file, &report.engine)
            .cloned()
            .collect();
        for entry in entries {
            if let Some(problem) = apply_entry(&entry, report, selection, complete) {
                let SkipEntry { line, reason, .. } = entry;
                report.stale_entries.push(StaleEntry {
                    line,
                    reason,
                    problem,
                });
            }
        }
    }

    fn entries_of<'a>(
        &'a self,
        file: &'a str,
        engine: &'a str,
    ) -> impl Iterator<Item = &'a SkipEntry> {
        self.entries
            .iter()
            .filter(move |entry| entry.covers(file, engine))
    }
}

impl SkipEntry {
    fn parse(line_of_list: usize, text: &str) -> Result<Self, SkipListError> {
        let (place, rest) = split_word(text);
        let (engine, reason) = match split_word(rest) {
            (word, rest) if word.starts_with('@') => (Some(word[1..].to_owned()), rest),
            _ => (None, rest),
        };
        if reason.is_empty() {
            return Err(SkipListError::NoReason {
                line: line_of_list,
                entry: text.to_owned(),
            });
        }
        let (path, line) = match place.rsplit_once(':') {
            None => (place, None),
            Some((path, number)) => {
                let line = number.parse().map_err(|_| SkipListError::BadLineNumber {
                    line: line_of_list,
                    number: number.to_owned(),
                })?;
                (path, Some(line))
            }
        };
        Ok(Self {
            path: path.to_owned(),
            line,
            engine,
            reason: reason.to_owned(),
        })
    }

    fn covers(&self, file: &str, engine: &str) -> bool {
        let engine_fits = self.engine.as_deref().is_none_or(|listed| {
            engine
                .strip_prefix(listed)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        });
        engine_fits && Path::new(file).ends_with(&self.path)
    }
}

fn split_word(text: &str) -> (&str, &str) {
    let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    (word, rest.trim_start())
}

/// Gives what is wrong with the entry, if anything.
fn apply_entry(
    entry: &SkipEntry,
    report: &mut FileReport,
    selection: &Selection,
    complete: bool,
) -> Option<String> {
    if entry.line.is_some_and(|line| !selection.contains(line)) {
        return None;
    }
    let covered = |at: Location| entry.line.is_none_or(|line| line == at.line);
    let (mut failed, mut seen, mut unjudged) = (0, 0, None);
    for directive in report
        .directives
        .iter_mut()
        .filter(|directive| covered(directive.at))
    {
        seen += 1;
        match &directive.outcome {
            Outcome::Pass => {}
            Outcome::Skip { reason } => unjudged = Some(reason.clone()),
            Outcome::Fail { .. } => {
                failed += 1;
                directive.outcome = Outcome::Skip {
                    reason: entry.reason.clone(),
                };
            }
        }
    }
    let error_at = report.error.as_ref().map(|error| error.at());
    if let Some(at) = error_at.filter(|at| at.map_or(entry.line.is_none(), covered)) {
        failed += 1;
        let error = report
            .error
            .take()
            .map_or_else(String::new, |error| error.to_string());
        report.directives.push(DirectiveReport {
            at: at.unwrap_or(Location { line: 1, column: 1 }),
            directive: error,
            outcome: Outcome::Skip {
                reason: entry.reason.clone(),
            },
            observed: "skipped".to_owned(),
        });
    }
    let ended_early = !complete || report.error.is_some();
    match (failed, seen, unjudged) {
        (0, 0, _) if ended_early => None,
        (0, 0, _) => Some("no directive starts there".to_owned()),
        (0, _, Some(reason)) => Some(format!("is not judged anyway: {reason}")),
        (0, _, None) if entry.line.is_none() && ended_early => None,
        (0, _, None) => Some("passes".to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{SkipEntry, SkipList};
    use crate::report::{DirectiveReport, FileError, FileReport, Outcome, Tally};
    use crate::run::Selection;
    use crate::script::Location;

    fn report(outcomes: &[Outcome]) -> FileReport {
        let mut report = FileReport::new("suite/a.wast", "wasmi");
        for (line, outcome) in (1..).zip(outcomes) {
            report.directives.push(DirectiveReport {
                at: Location { line, column: 2 },
                directive: "invoke".to_owned(),
                outcome: outcome.clone(),
                observed: String::new(),
            });
        }
        report
    }

    fn fail() -> Outcome {
        Outcome::Fail {
            expected: "this".to_owned(),
            got: "that".to_owned(),
        }
    }

    #[track_caller]
    fn check(list: &str, outcomes: &[Outcome], tally: Tally, problems: &[&str]) {
        let mut report = report(outcomes);
        SkipList::parse(list)
            .expect("the list parses")
            .apply(&mut report, &Selection::All, true);
        let found: Vec<_> = report
            .stale_entries
            .iter()
            .map(|entry| entry.problem.as_str())
            .collect();
        assert_eq!(found, problems);
        assert_eq!(report.tally(), tally);
    }

    #[test]
    fn entry_has_a_path_a_line_an_engine_and_a_reason() {
        let list =
            SkipList::parse("# comment\n\n a/b.wast:12 @wasmi  old semantics \nc.wast all of it\n")
                .expect("the list parses");
        let expected = [
            SkipEntry {
                path: "a/b.wast".to_owned(),
                line: Some(12),
                engine: Some("wasmi".to_owned()),
                reason: "old semantics".to_owned(),
            },
            SkipEntry {
                path: "c.wast".to_owned(),
                line: None,
                engine: None,
                reason: "all of it".to_owned(),
            },
        ];
        assert_eq!(list.entries(), expected);
    }

    #[test]
    fn entry_without_reason_or_with_a_bad_line_is_an_error() {
        let error = SkipList::parse("\na.wast:1\n").expect_err("there is no reason");
        assert_eq!(
            error.to_string(),
            "line 2: the entry \"a.wast:1\" gives no reason"
        );
        let error = SkipList::parse("a.wast:x because").expect_err("x is no line");
        assert_eq!(
            error.to_string(),
            "line 1: \"x\" is not the number of a line"
        );
    }

    #[test]
    fn expected_failure_is_skipped() {
        let tally = Tally {
            passed: 1,
            failed: 0,
            skipped: 1,
        };
        check("a.wast:2 known", &[Outcome::Pass, fail()], tally, &[]);
        check("a.wast known", &[Outcome::Pass, fail()], tally, &[]);
    }

    #[test]
    fn entry_that_passes_is_a_failure() {
        let tally = Tally {
            passed: 1,
            failed: 2,
            skipped: 0,
        };
        check(
            "a.wast:1 known",
            &[Outcome::Pass, fail()],
            tally,
            &["passes"],
        );
        let tally = Tally {
            passed: 1,
            failed: 1,
            skipped: 0,
        };
        check("a.wast known", &[Outcome::Pass], tally, &["passes"]);
    }

    #[test]
    fn entry_for_nothing_is_a_failure() {
        let tally = Tally {
            passed: 1,
            failed: 1,
            skipped: 0,
        };
        check(
            "a.wast:7 known",
            &[Outcome::Pass],
            tally,
            &["no directive starts there"],
        );
    }

    #[test]
    fn entry_for_another_file_or_engine_is_ignored() {
        let tally = Tally {
            passed: 0,
            failed: 1,
            skipped: 0,
        };
        check(
            "b.wast known\na.wast @wasmelt known\na.wast @was known",
            &[fail()],
            tally,
            &[],
        );
    }

    #[test]
    fn crash_can_be_an_expected_failure() {
        let mut report = report(&[Outcome::Pass]);
        report.error = Some(FileError::Crash {
            status: "signal 11".to_owned(),
            at: Some(Location { line: 2, column: 2 }),
            directive: Some("invoke".to_owned()),
            stderr: String::new(),
        });
        let list = SkipList::parse("a.wast:2 known").expect("the list parses");
        list.apply(&mut report, &Selection::All, true);
        assert_eq!(
            report.tally(),
            Tally {
                passed: 1,
                failed: 0,
                skipped: 1
            }
        );
    }
}
