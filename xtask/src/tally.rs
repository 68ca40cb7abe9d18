//! Counts what a test run's output says: passed, failed, and what could not run for want of a tool.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::AddAssign;

use anyhow::{Result, bail};

/// What tests cannot be given by installing a package, and may therefore miss anywhere: the
/// optional folder of real inputs, and privileges that a container may withhold.
const MAY_BE_MISSING: &[&str] = &[
    "corpus",
    "root",
    "mount namespaces",
    "performance events",
    "permission to trace",
];

/// How a line of [`Tally::not_run_lines`] ends.
const SUM_SUFFIX: &str = " times)";

/// Results of one or more test runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    /// How many times a test said `not run: …`, by what followed.
    pub(crate) not_run: BTreeMap<String, u64>,
}

impl Tally {
    /// One check that is no test suite.
    pub(crate) fn of_check(passed: bool) -> Self {
        Self {
            passed: passed.into(),
            failed: (!passed).into(),
            ..Self::default()
        }
    }

    /// Takes one line of output into account.
    pub(crate) fn read_line(&mut self, line: &str) {
        if let Some(result) = line.strip_prefix("test result: ") {
            self.passed += count_before(result, " passed");
            self.failed += count_before(result, " failed");
        } else if let Some((_, what)) = line.split_once("not run: ")
            // The sum that a chore printed within this run.
            && !what.ends_with(SUM_SUFFIX)
        {
            *self.not_run.entry(lack(what)).or_default() += 1;
        }
    }

    /// Fails if a test failed, if none ran, or, under continuous integration, if one could not run
    /// for want of something that can be installed.
    pub(crate) fn check(&self) -> Result<()> {
        self.check_in(std::env::var_os("CI").is_some())
    }

    fn check_in(&self, is_ci: bool) -> Result<()> {
        if self.failed > 0 {
            bail!("{} failed", self.failed);
        }
        if self.passed == 0 {
            bail!("no test ran");
        }
        if is_ci && let Some(what) = self.missing_tools().next() {
            bail!("a test was not run because {what} is missing here");
        }
        Ok(())
    }

    fn missing_tools(&self) -> impl Iterator<Item = &str> {
        let missing = self
            .not_run
            .keys()
            .map(|what| what.strip_suffix(" missing").unwrap_or(what));
        missing.filter(|what| !MAY_BE_MISSING.contains(what))
    }

    /// One line per thing that was missing.
    pub(crate) fn not_run_lines(&self) -> impl Iterator<Item = String> {
        self.not_run
            .iter()
            .map(|(what, count)| format!("not run: {what} ({count}{SUM_SUFFIX}"))
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        for (what, count) in other.not_run {
            *self.not_run.entry(what).or_default() += count;
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)
    }
}

/// What was lacking, without the details: `a missing (denied)` is `a missing`.
fn lack(what: &str) -> String {
    match what.split_once(" missing") {
        Some((tool, _)) => format!("{} missing", tool.trim()),
        None => what.trim().to_owned(),
    }
}

/// The number that stands directly before `word`.
fn count_before(text: &str, word: &str) -> u64 {
    let Some((before, _)) = text.split_once(word) else {
        return 0;
    };
    before
        .rsplit(' ')
        .next()
        .and_then(|number| number.parse().ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::Tally;

    fn tally(output: &str) -> Tally {
        let mut tally = Tally::default();
        output.lines().for_each(|line| tally.read_line(line));
        tally
    }

    #[test]
    fn the_results_of_several_suites_are_added() {
        let tally = tally(
            "running 3 tests\n\
             test a ... ok\n\
             test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out\n\
             test result: FAILED. 10 passed; 2 failed; 0 ignored\n\
             nothing: 5 passed; 5 failed",
        );
        assert_eq!(tally.to_string(), "13 passed, 2 failed");
        assert!(tally.check_in(false).is_err());
    }

    #[test]
    fn a_run_without_any_test_fails() {
        let error = tally("test result: ok. 0 passed; 0 failed").check_in(false);
        assert_eq!(error.expect_err("nothing ran").to_string(), "no test ran");
    }

    #[test]
    fn a_missing_tool_fails_only_under_continuous_integration() {
        let tally = tally("not run: gdb missing\nnot run: gdb missing\ntest result: ok. 1 passed;");
        assert_eq!(
            tally.not_run_lines().collect::<Vec<_>>(),
            ["not run: gdb missing (2 times)"]
        );
        tally.check_in(false).expect("fine at home");
        let error = tally.check_in(true).expect_err("not in CI");
        assert!(error.to_string().contains("gdb"), "{error}");
    }

    #[test]
    fn what_cannot_be_installed_may_be_missing_everywhere() {
        let tally = tally(
            "not run: corpus missing\n\
             test a ... not run: mount namespaces missing (not permitted)\n\
             not run: permission to trace missing\n\
             not run: root missing (2 times)\n\
             test result: ok. 1 passed; 0 failed",
        );
        assert_eq!(tally.not_run.len(), 3);
        tally.check_in(true).expect("allowed");
    }
}
