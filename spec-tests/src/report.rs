//! What came of directives, files and runs.

use crate::script::Location;
use std::fmt;
use std::time::Duration;

/// What came of one directive.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "status", rename_all = "lowercase")]
pub enum Outcome {
    /// As the script expects.
    Pass,
    /// Not as the script expects.
    Fail {
        /// What the script expects.
        expected: String,
        /// What happened.
        got: String,
    },
    /// Not judged.
    Skip {
        /// Why.
        reason: String,
    },
}

/// One directive and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct DirectiveReport {
    /// Where its keyword stands.
    pub at: Location,
    /// The directive in short.
    pub directive: String,
    /// What came of it.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// What happened, in words that are the same on every engine; NaNs are all alike here.
    pub observed: String,
}

/// What ended a file before its last directive.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize, thiserror::Error)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum FileError {
    /// The file cannot be read.
    #[error("cannot read the script: {message}")]
    Unreadable {
        /// The system's words.
        message: String,
    },
    /// The text is not a script.
    #[error("cannot parse the script: {message}")]
    Unparsable {
        /// Where parsing stopped.
        at: Location,
        /// The parser's words.
        message: String,
    },
    /// The engine could not be set up.
    #[error("cannot set up the engine: {message}")]
    Engine {
        /// The engine's words.
        message: String,
    },
    /// The process that ran the file died.
    #[error("the process ended with {status} while it ran {}", directive.as_deref().unwrap_or("no directive"))]
    Crash {
        /// The signal or exit status.
        status: String,
        /// Where the directive stands that was running.
        at: Option<Location>,
        /// That directive in short.
        directive: Option<String>,
        /// The last lines that the process wrote to its standard error.
        stderr: String,
    },
    /// The file took longer than it may.
    #[error("no end after {seconds} s while it ran {}", directive.as_deref().unwrap_or("no directive"))]
    Timeout {
        /// The limit.
        seconds: f64,
        /// Where the directive stands that was running.
        at: Option<Location>,
        /// That directive in short.
        directive: Option<String>,
    },
}

impl FileError {
    /// Where the file ended, if it is known.
    #[must_use]
    pub fn at(&self) -> Option<Location> {
        match self {
            Self::Unparsable { at, .. } => Some(*at),
            Self::Crash { at, .. } | Self::Timeout { at, .. } => *at,
            Self::Unreadable { .. } | Self::Engine { .. } => None,
        }
    }

    /// Whether the script itself is unusable, which ends the command with code 2.
    #[must_use]
    pub fn is_unreadable(&self) -> bool {
        matches!(self, Self::Unreadable { .. } | Self::Unparsable { .. })
    }
}

/// One file on one engine.
#[derive(Debug, Clone, serde::Serialize)]
pub struct FileReport {
    /// The path as it was given, or the label of a script in memory.
    pub file: String,
    /// The engine and its configuration.
    pub engine: String,
    /// Every directive that was judged.
    pub directives: Vec<DirectiveReport>,
    /// What ended the file early.
    pub error: Option<FileError>,
    /// Entries of the skip list that do not hold.
    pub stale_entries: Vec<StaleEntry>,
    /// The first difference from the first engine of the run.
    pub difference: Option<Difference>,
    /// How many tokens of old text were rewritten.
    pub rewritten_tokens: usize,
    /// Wall time.
    #[serde(serialize_with = "as_seconds")]
    pub duration: Duration,
}

impl FileReport {
    /// A report in which nothing has happened yet.
    #[must_use]
    pub fn new(file: impl Into<String>, engine: impl Into<String>) -> Self {
        Self {
            file: file.into(),
            engine: engine.into(),
            directives: Vec::new(),
            error: None,
            stale_entries: Vec::new(),
            difference: None,
            rewritten_tokens: 0,
            duration: Duration::ZERO,
        }
    }

    /// The counts of this file.
    #[must_use]
    pub fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        for report in &self.directives {
            match report.outcome {
                Outcome::Pass => tally.passed += 1,
                Outcome::Fail { .. } => tally.failed += 1,
                Outcome::Skip { .. } => tally.skipped += 1,
            }
        }
        tally.failed += usize::from(self.error.is_some())
            + self.stale_entries.len()
            + usize::from(
                self.difference
                    .as_ref()
                    .is_some_and(|difference| !difference.implied),
            );
        tally
    }
}

/// An entry of the skip list that does not hold for this run.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct StaleEntry {
    /// The line of the script, if the entry names one.
    pub line: Option<u32>,
    /// The reason that the entry gives.
    pub reason: String,
    /// What is wrong with it.
    pub problem: String,
}

/// Where two engines did different things.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Difference {
    /// Where the directive stands.
    pub at: Location,
    /// The directive in short.
    pub directive: String,
    /// The first engine of the run.
    pub first_engine: String,
    /// What it did.
    pub first_observed: String,
    /// What this engine did.
    pub observed: String,
    /// How many directives differ in this file.
    pub count: usize,
    /// Whether every difference is already counted as a failure of one of the two engines.
    pub implied: bool,
}

/// Counts of directives. What is wrong with a file as a whole counts as one failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct Tally {
    /// As expected.
    pub passed: usize,
    /// Not as expected.
    pub failed: usize,
    /// Not judged.
    pub skipped: usize,
}

impl Tally {
    /// All directives and failures counted.
    #[must_use]
    pub fn total(self) -> usize {
        self.passed + self.failed + self.skipped
    }
}

impl std::ops::AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl std::iter::Sum for Tally {
    fn sum<I: Iterator<Item = Self>>(tallies: I) -> Self {
        tallies.fold(Self::default(), |mut sum, tally| {
            sum += tally;
            sum
        })
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)?;
        if self.skipped > 0 {
            write!(f, ", {} skipped", self.skipped)
        } else {
            Ok(())
        }
    }
}

fn as_seconds<S: serde::Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(duration.as_secs_f64())
}
