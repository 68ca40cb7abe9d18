//! The verb `wasmelt wast`: its arguments, and both sides of running each script in a process of its own.
//!
//! A program that offers the verb flattens [`WastArgs`] into its subcommand and calls [`main_with_args`]; and before it
//! parses anything it calls [`run_as_child`], which takes over when the program was started as the child of such a run.

use crate::backend::{self, Family, UnknownEngine};
use crate::collect::{self, CollectError, Filter, ScriptFile};
use crate::execute::{self, Isolation};
use crate::format::{Format, Writer};
use crate::report::{FileReport, Tally};
use crate::skip_list::{SkipList, SkipListError};
use crate::suite::{self, Settings};
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

/// First argument of a program that was started to run one script. Not for people.
pub const CHILD_VERB: &str = "__wast-child";

/// Everything as the scripts expect.
const EXIT_PASS: u8 = 0;
/// At least one failure.
const EXIT_FAIL: u8 = 1;
/// An unreadable script, no directive, or arguments that cannot be followed.
const EXIT_UNUSABLE: u8 = 2;

/// Arguments of `wasmelt wast`.
#[derive(Debug, Clone, clap::Args)]
pub struct WastArgs {
    /// Scripts, folders of scripts, or globs
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<String>,

    /// Engines, separated by commas: each script runs on all of them, and results that differ are a failure
    #[arg(long, value_name = "NAMES", value_delimiter = ',', default_value = backend::DEFAULT_ENGINE)]
    pub engine: Vec<String>,

    /// Run every configuration of each engine
    #[arg(long)]
    pub matrix: bool,

    /// How many scripts run at the same time [default: the number of cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub jobs: Option<u16>,

    /// Only scripts whose path contains PART, only directives that start on these lines
    #[arg(long, value_name = "[PART][:LINE[-LINE]]")]
    pub filter: Option<Filter>,

    /// Stop at the first failure
    #[arg(long)]
    pub fail_fast: bool,

    /// Seconds that one script may take; 0 for no limit
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = parse_seconds)]
    pub timeout: Duration,

    /// Expected failures, one per line: `path[:line] [@engine] reason`; one that passes is a failure
    #[arg(long, value_name = "FILE")]
    pub skip: Option<PathBuf>,

    /// How results are written
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,

    /// Run each script in a process of its own, so that a crash fails only that script (the default)
    #[arg(long, overrides_with = "no_isolate")]
    pub isolate: bool,

    /// Run all scripts in this process
    #[arg(long)]
    pub no_isolate: bool,
}

/// Whether progress is shown while scripts run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// On standard error if that is a terminal.
    Auto,
    /// Never, and people are shown failures and the sum only.
    Never,
}

/// Runs the verb on the engines of this build and gives the program's exit code: 0 if all is as the scripts expect, 1
/// for a failure, 2 for an unreadable script, no directive, or arguments that cannot be followed.
#[must_use]
pub fn main_with_args(args: &WastArgs, progress: Progress) -> ExitCode {
    main_with_families(args, progress, &backend::families())
}

/// [`main_with_args`] with a choice of engines. The child process must choose from the same.
#[must_use]
pub fn main_with_families(args: &WastArgs, progress: Progress, families: &[Family]) -> ExitCode {
    let code = run(args, progress, families).unwrap_or_else(|error| {
        eprintln!("error: {}", with_sources(&error));
        EXIT_UNUSABLE
    });
    ExitCode::from(code)
}

/// Takes over if this process was started to run one script, which its first argument says. To be called first in
/// `main`.
#[must_use]
pub fn run_as_child() -> Option<ExitCode> {
    run_as_child_with_families(backend::families)
}

/// [`run_as_child`] with a choice of engines.
#[must_use]
pub fn run_as_child_with_families(families: impl FnOnce() -> Vec<Family>) -> Option<ExitCode> {
    if std::env::args_os()
        .nth(1)
        .is_none_or(|verb| verb != CHILD_VERB)
    {
        return None;
    }
    let families = families();
    let result = execute::run_child(|name| {
        let all = families.iter().flat_map(|family| &family.configurations);
        all.filter(|engine| engine.name() == name)
            .map(Arc::clone)
            .next()
    });
    Some(match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", with_sources(&error));
            ExitCode::FAILURE
        }
    })
}

/// Why the verb could not run anything.
#[derive(Debug, thiserror::Error)]
enum WastError {
    #[error(transparent)]
    Collect(#[from] CollectError),
    #[error(transparent)]
    Engine(#[from] UnknownEngine),
    #[error(transparent)]
    SkipList(#[from] SkipListError),
    #[error("the filter {part:?} matches none of the {count} scripts")]
    FilterMatchesNothing { part: String, count: usize },
    #[error("cannot find this program to run scripts in processes of their own; try --no-isolate")]
    NoProgram(#[source] io::Error),
    #[error("cannot write the results")]
    Output(#[source] io::Error),
}

fn run(args: &WastArgs, progress: Progress, families: &[Family]) -> Result<u8, WastError> {
    let engines = backend::select(families, &args.engine, args.matrix)?;
    let filter = args.filter.clone().unwrap_or_default();
    let files = filtered(collect::collect(&args.paths)?, &filter)?;
    let settings = settings(args, &filter)?;
    let only_failures = progress == Progress::Never && args.format == Format::Human;
    let mut progress = ProgressLine::new(progress, files.len() * engines.len());
    let stdout = io::stdout().lock();
    let mut writer = Writer::new(args.format, stdout).map_err(WastError::Output)?;
    let mut output = Ok(());
    let reports = suite::run_suite(&files, &engines, &settings, |report| {
        progress.clear();
        let is_shown = !only_failures || report.tally().failed > 0 || report.error.is_some();
        if output.is_ok() && is_shown {
            output = writer.report(report);
        }
        progress.advance(&report.file);
    });
    progress.clear();
    let tally: Tally = reports.iter().map(FileReport::tally).sum();
    output
        .and_then(|()| writer.finish(tally))
        .map_err(WastError::Output)?;
    if matches!(args.format, Format::Json | Format::Junit) {
        eprintln!("{tally}");
    }
    Ok(exit_code(&reports, tally))
}

fn filtered(files: Vec<ScriptFile>, filter: &Filter) -> Result<Vec<ScriptFile>, WastError> {
    let count = files.len();
    let files: Vec<_> = files
        .into_iter()
        .filter(|file| file.label.contains(&filter.path_part))
        .collect();
    if files.is_empty() {
        return Err(WastError::FilterMatchesNothing {
            part: filter.path_part.clone(),
            count,
        });
    }
    Ok(files)
}

fn settings(args: &WastArgs, filter: &Filter) -> Result<Settings, WastError> {
    let defaults = Settings::default();
    let skip_list = args
        .skip
        .as_deref()
        .map(SkipList::read)
        .transpose()?
        .unwrap_or_default();
    let isolation = (!args.no_isolate)
        .then(std::env::current_exe)
        .transpose()
        .map_err(WastError::NoProgram)?
        .map(|program| Isolation {
            program,
            args: vec![CHILD_VERB.to_owned()],
        });
    Ok(Settings {
        jobs: args.jobs.map_or(defaults.jobs, usize::from),
        selection: filter.selection.clone(),
        fail_fast: args.fail_fast,
        timeout: (!args.timeout.is_zero()).then_some(args.timeout),
        isolation,
        skip_list,
    })
}

fn exit_code(reports: &[FileReport], tally: Tally) -> u8 {
    let unreadable = |report: &FileReport| report.error.as_ref().is_some_and(|e| e.is_unreadable());
    if tally.total() == 0 {
        eprintln!("error: there is no directive to run");
        EXIT_UNUSABLE
    } else if tally.passed + tally.failed == 0 {
        eprintln!("error: nothing was run: all directives are skipped");
        EXIT_UNUSABLE
    } else if reports.iter().any(unreadable) {
        EXIT_UNUSABLE
    } else if tally.failed > 0 {
        EXIT_FAIL
    } else {
        EXIT_PASS
    }
}

fn parse_seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text
        .parse()
        .map_err(|_| "not a number of seconds".to_owned())?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}

fn with_sources(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}

/// One line on a terminal that is overwritten as scripts end.
struct ProgressLine {
    shown: bool,
    done: usize,
    count: usize,
}

impl ProgressLine {
    fn new(progress: Progress, count: usize) -> Self {
        Self {
            shown: progress == Progress::Auto && io::stderr().is_terminal(),
            done: 0,
            count,
        }
    }

    fn clear(&self) {
        if self.shown {
            eprint!("\r\x1b[K");
            let _ = io::stderr().flush();
        }
    }

    fn advance(&mut self, file: &str) {
        self.done += 1;
        if self.shown {
            eprint!("[{}/{}] {file}", self.done, self.count);
            let _ = io::stderr().flush();
        }
    }
}
