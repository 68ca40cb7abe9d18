//! The verb `doctor`: what this host allows, and what to do about what it does not.

mod checks;
mod process;

use crate::{
    args::Format,
    cache::PlaceArgs,
    failure::{Exit, Failure},
    output,
};
use serde::Serialize;
use std::fmt::Write as _;

const EXAMPLES: &str = "\
Examples:
  wasmelt doctor                                 what this host allows
  wasmelt doctor --cache-dir /var/cache/wasm     with the cache that will be used
  wasmelt doctor --pid 4711                      limits and signal handlers of that process
  wasmelt doctor --format json

Exit codes: 0 if everything that wasmelt needs is there, 3 if something is missing. Warnings are
about what it does without, or what makes it slower.";

/// Arguments of `wasmelt doctor`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct DoctorArgs {
    #[command(flatten)]
    place: PlaceArgs,

    /// Look at the limits and signal handlers of this process [default: those that a program started here has]
    #[arg(long, value_name = "PID")]
    pid: Option<u32>,

    /// How the report is written
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    format: Format,
}

/// What one line says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Verdict {
    /// As it should be.
    Ok,
    /// It works, but slower, or without a protection.
    Warning,
    /// It does not work.
    Problem,
}

/// One line of the report.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Check {
    name: &'static str,
    verdict: Verdict,
    found: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<&'static str>,
}

impl Check {
    fn ok(name: &'static str, found: impl Into<String>) -> Self {
        Self {
            name,
            verdict: Verdict::Ok,
            found: found.into(),
            remedy: None,
        }
    }

    fn warning(name: &'static str, found: impl Into<String>, remedy: &'static str) -> Self {
        Self {
            name,
            verdict: Verdict::Warning,
            found: found.into(),
            remedy: Some(remedy),
        }
    }

    fn problem(name: &'static str, found: impl Into<String>, remedy: &'static str) -> Self {
        Self {
            verdict: Verdict::Problem,
            ..Self::warning(name, found, remedy)
        }
    }
}

/// Looks at everything, and prints the report.
pub(crate) fn run(args: &DoctorArgs) -> Result<(), Failure> {
    let status = process::Status::read(args.pid)
        .map_err(|error| Failure::new(Exit::Refused, "--pid", error))?;
    let mut all = vec![
        checks::cpu_level(),
        checks::address_space(status.address_space_limit),
        checks::reservation(),
        checks::code(),
        checks::memory_files(),
        checks::proc_files(),
        checks::signal_handlers(&status),
        checks::landlock(),
        checks::seccomp(&status),
    ];
    all.extend(checks::cache(&args.place));
    match args.format {
        Format::Json => output::print_json(&all)?,
        Format::Human => output::print(&text(&all))?,
    }
    let problems = all
        .iter()
        .filter(|check| check.verdict == Verdict::Problem)
        .count();
    if problems == 0 {
        return Ok(());
    }
    Err(Failure::new(
        Exit::Host,
        "doctor",
        anyhow::anyhow!("{problems} of {} lines are problems", all.len()),
    ))
}

fn text(checks: &[Check]) -> String {
    let mut text = String::new();
    for check in checks {
        let verdict = match check.verdict {
            Verdict::Ok => "ok",
            Verdict::Warning => "warning",
            Verdict::Problem => "PROBLEM",
        };
        writeln!(text, "{verdict:<8} {:<16} {}", check.name, check.found)
            .expect("writing to a string succeeds");
        if let Some(remedy) = check.remedy {
            writeln!(text, "{:<8} {:<16} -> {remedy}", "", "")
                .expect("writing to a string succeeds");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{Check, text};

    #[test]
    fn each_line_has_a_verdict_and_what_is_wrong_has_a_remedy() {
        let checks = [
            Check::ok("one", "fine"),
            Check::warning("two", "slow", "make it fast"),
            Check::problem("three", "gone", "bring it back"),
        ];
        assert_eq!(
            text(&checks),
            "\
ok       one              fine
warning  two              slow
                          -> make it fast
PROBLEM  three            gone
                          -> bring it back
"
        );
    }
}
