//! Runs many scripts on several engines, in parallel, and reports in the order of the scripts.

use crate::collect::ScriptFile;
use crate::engine::Engine;
use crate::execute::{self, Isolation, Task};
use crate::report::{Difference, FileReport, Outcome};
use crate::run::Selection;
use crate::skip_list::SkipList;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

/// How to run scripts.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How many scripts run at the same time.
    pub jobs: usize,
    /// Which directives are judged.
    pub selection: Selection,
    /// Whether the first failure ends the run.
    pub fail_fast: bool,
    /// How long one script may take.
    pub timeout: Option<Duration>,
    /// How to give each script a process of its own.
    pub isolation: Option<Isolation>,
    /// Failures that are expected.
    pub skip_list: SkipList,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            jobs: thread::available_parallelism().map_or(1, std::num::NonZero::get),
            selection: Selection::All,
            fail_fast: false,
            timeout: None,
            isolation: None,
            skip_list: SkipList::default(),
        }
    }
}

/// Runs every script on every engine. `on_report` gets each report as soon as all before it are there: by script, and
/// for each script by engine.
pub fn run_suite(
    files: &[ScriptFile],
    engines: &[Arc<dyn Engine>],
    settings: &Settings,
    mut on_report: impl FnMut(&FileReport),
) -> Vec<FileReport> {
    let next = AtomicUsize::new(0);
    let stop = AtomicBool::new(false);
    let count = files.len() * engines.len();
    let (sender, receiver) = mpsc::channel();
    let mut reports = Vec::new();
    thread::scope(|scope| {
        for _ in 0..settings.jobs.clamp(1, count.max(1)) {
            let sender = sender.clone();
            let (next, stop) = (&next, &stop);
            scope.spawn(move || {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    if index >= count || stop.load(Ordering::Relaxed) {
                        break;
                    }
                    let (file, engine) = (
                        &files[index / engines.len()],
                        &engines[index % engines.len()],
                    );
                    let report = run_one(file, engine, settings);
                    if settings.fail_fast && report.tally().failed > 0 {
                        stop.store(true, Ordering::Relaxed);
                    }
                    if sender.send((index, report)).is_err() {
                        break;
                    }
                }
            });
        }
        drop(sender);
        let mut waiting = BTreeMap::new();
        let mut first_of_file: Option<FileReport> = None;
        let mut expected = 0;
        let mut accept = |index: usize, mut report: FileReport| {
            if index.is_multiple_of(engines.len()) {
                first_of_file = (engines.len() > 1).then(|| report.clone());
            } else if let Some(first) = &first_of_file {
                report.difference = first_difference(first, &report);
            }
            on_report(&report);
            reports.push(report);
        };
        for (index, report) in receiver {
            waiting.insert(index, report);
            while let Some(report) = waiting.remove(&expected) {
                accept(expected, report);
                expected += 1;
            }
        }
        // After a failure that ended the run, reports behind a gap are still worth having.
        for (index, report) in waiting {
            accept(index, report);
        }
    });
    reports
}

fn run_one(file: &ScriptFile, engine: &Arc<dyn Engine>, settings: &Settings) -> FileReport {
    let task = Task {
        file,
        engine,
        selection: &settings.selection,
        timeout: settings.timeout,
        isolation: settings.isolation.as_ref(),
    };
    let (mut report, complete) = execute::execute(&task, &|at| {
        settings.fail_fast
            && !settings
                .skip_list
                .expects_failure(&file.label, engine.name(), at.line)
    });
    settings
        .skip_list
        .apply(&mut report, &settings.selection, complete);
    report
}

/// The first directive that both engines ran and that went differently, whether or not the script minds. What one of
/// them skipped is left out.
fn first_difference(first: &FileReport, second: &FileReport) -> Option<Difference> {
    if first.file != second.file {
        return None;
    }
    let judged = |outcome: &Outcome| !matches!(outcome, Outcome::Skip { .. });
    let differing: Vec<_> = first
        .directives
        .iter()
        .zip(&second.directives)
        .filter(|(left, right)| left.at == right.at && left.observed != right.observed)
        .filter(|(left, right)| judged(&left.outcome) && judged(&right.outcome))
        .collect();
    let (left, right) = differing.first()?;
    let implied = differing
        .iter()
        .all(|(left, right)| left.outcome != Outcome::Pass || right.outcome != Outcome::Pass);
    Some(Difference {
        at: right.at,
        directive: right.directive.clone(),
        first_engine: first.engine.clone(),
        first_observed: left.observed.clone(),
        observed: right.observed.clone(),
        count: differing.len(),
        implied,
    })
}

#[cfg(test)]
mod tests {
    use super::first_difference;
    use crate::report::{DirectiveReport, FileReport, Outcome};
    use crate::script::Location;

    fn report(engine: &str, observed: &[&str]) -> FileReport {
        let mut report = FileReport::new("a.wast", engine);
        for (line, observed) in (1..).zip(observed) {
            report.directives.push(DirectiveReport {
                at: Location { line, column: 2 },
                directive: "invoke".to_owned(),
                outcome: Outcome::Pass,
                observed: (*observed).to_owned(),
            });
        }
        report
    }

    #[test]
    fn difference_counts_although_both_engines_pass() {
        let mut second = report("two", &["(i32.const 1)", "(i32.const 3)", "(i32.const 4)"]);
        let first = report("one", &["(i32.const 1)", "(i32.const 2)", "(i32.const 3)"]);
        let difference = first_difference(&first, &second).expect("line 2 differs");
        assert_eq!(
            (difference.at.line, difference.count, difference.implied),
            (2, 2, false)
        );
        second.difference = Some(difference);
        assert_eq!(second.tally().failed, 1);
    }

    #[test]
    fn difference_that_is_a_failure_already_is_not_counted_twice() {
        let first = report("one", &["(i32.const 1)"]);
        let mut second = report("two", &["(i32.const 2)"]);
        second.directives[0].outcome = Outcome::Fail {
            expected: "(i32.const 1)".to_owned(),
            got: "(i32.const 2)".to_owned(),
        };
        second.difference = first_difference(&first, &second);
        assert!(
            second
                .difference
                .as_ref()
                .is_some_and(|difference| difference.implied)
        );
        assert_eq!(second.tally().failed, 1);
    }

    #[test]
    fn what_one_engine_skipped_is_no_difference() {
        let first = report("one", &["(i32.const 1)"]);
        let mut second = report("two", &["skipped"]);
        second.directives[0].outcome = Outcome::Skip {
            reason: "needs simd".to_owned(),
        };
        assert_eq!(first_difference(&first, &second), None);
    }
}
