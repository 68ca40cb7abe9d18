//! What must pass before a merge, step by step, with the time each takes.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::command::Cmd;
use crate::tally::Tally;
use crate::{readme, root};

/// One step: a check counts as one result, a suite as many as it has tests.
struct Step {
    name: &'static str,
    run: fn() -> Result<Tally>,
}

/// From cheap to dear, so that a slip is reported early.
const STEPS: &[Step] = &[
    Step {
        name: "fmt",
        run: || check(crate::fmt, &["--check"]),
    },
    Step {
        name: "deny",
        run: || check(crate::deny, &[]),
    },
    Step {
        name: "lint",
        run: || check(crate::lint, &[]),
    },
    Step {
        name: "doc",
        run: || check(crate::doc, &[]),
    },
    Step {
        name: "compat",
        run: || check(crate::compat::run, &["--check"]),
    },
    Step {
        name: "readme-demo",
        run: || readme_command("demo"),
    },
    Step {
        name: "readme-test",
        run: readme_test,
    },
    Step {
        name: "install",
        run: install,
    },
    Step {
        name: "bench-smoke",
        run: || check(crate::bench, &["--smoke"]),
    },
    Step {
        name: "runtimes",
        run: || {
            crate::runtimes_lint()?;
            crate::runtimes_test(&[]).run_tests()
        },
    },
];

/// Runs the named steps, or all. Every step runs, also after one has failed.
pub(crate) fn run(names: &[String]) -> Result<()> {
    let known = |name: &String| STEPS.iter().any(|step| step.name == name);
    if let Some(name) = names.iter().find(|name| !known(name)) {
        let all: Vec<_> = STEPS.iter().map(|step| step.name).collect();
        bail!("no step is called {name:?}; there are {}", all.join(", "));
    }
    let wanted = |step: &&Step| names.is_empty() || names.iter().any(|name| name == step.name);
    let results: Vec<_> = STEPS.iter().filter(wanted).map(run_step).collect();

    let mut sum = Tally::default();
    println!(
        "\n{:<12} {:>8} {:>7} {:>7}",
        "step", "seconds", "passed", "failed"
    );
    for (name, seconds, tally) in results {
        println!(
            "{name:<12} {seconds:>8.1} {:>7} {:>7}",
            tally.passed, tally.failed
        );
        sum += tally;
    }
    for line in sum.not_run_lines() {
        println!("{line}");
    }
    let verdict = sum.check();
    if let Err(error) = &verdict {
        println!("ci: {error:#}");
    }
    println!("{sum}");
    verdict
}

fn run_step(step: &Step) -> (&'static str, f64, Tally) {
    println!("\n=== {}", step.name);
    let start = Instant::now();
    let tally = (step.run)().and_then(|tally| match tally {
        Tally {
            passed: 0,
            failed: 0,
            ..
        } => bail!("no test ran"),
        tally => Ok(tally),
    });
    let tally = tally.unwrap_or_else(|error| {
        println!("{}: {error:#}", step.name);
        Tally::of_check(false)
    });
    (step.name, Duration::as_secs_f64(&start.elapsed()), tally)
}

fn check(chore: fn(&[String]) -> Result<()>, arguments: &[&str]) -> Result<Tally> {
    let arguments: Vec<_> = arguments.iter().map(ToString::to_string).collect();
    chore(&arguments).map(|()| Tally::of_check(true))
}

fn readme_command(name: &str) -> Result<Tally> {
    let command = readme::read_command(&root(), name)?;
    Cmd::new("bash")
        .args(["-euc", &command])
        .dir(root())
        .run()
        .map(|()| Tally::of_check(true))
}

fn readme_test() -> Result<Tally> {
    let command = readme::read_command(&root(), "test")?;
    Cmd::new("bash")
        .args(["-euc", &command])
        .dir(root())
        .run_tests()
}

/// Installs the program as the README says, though unoptimised, and starts it. It shares no dependency's
/// build with the steps before: alone, the program asks for fewer features of them.
fn install() -> Result<Tally> {
    let folder = root().join("target/installed");
    let unoptimised = |packages: &str| format!("profile.dev.package.{packages}.opt-level=0");
    Cmd::new("cargo")
        .args(["install", "--path", "cli", "--debug", "--locked", "--force"])
        .args(["--config", &unoptimised("\"*\"")])
        .args(["--config", &unoptimised("wasmelt-compiler")])
        .arg("--root")
        .arg(&folder)
        .dir(root())
        .run()?;
    Cmd::new(folder.join("bin/wasmelt"))
        .arg("--version")
        .run()
        .map(|()| Tally::of_check(true))
}

#[cfg(test)]
mod tests {
    use super::{STEPS, Step, Tally, run_step};

    #[test]
    fn a_suite_that_runs_nothing_is_a_failure() {
        let (_, _, tally) = run_step(&Step {
            name: "empty",
            run: || Ok(Tally::default()),
        });
        assert_eq!(tally, Tally::of_check(false));
    }

    #[test]
    fn a_step_that_cannot_run_is_a_failure() {
        let (_, _, tally) = run_step(&Step {
            name: "broken",
            run: || anyhow::bail!("no disk"),
        });
        assert_eq!(tally, Tally::of_check(false));
    }

    #[test]
    fn a_step_that_is_not_there_is_named_with_those_that_are() {
        let error = super::run(&["nonsense".to_owned()])
            .expect_err("not a step")
            .to_string();
        assert!(
            STEPS.iter().all(|step| error.contains(step.name)),
            "{error}"
        );
    }
}
