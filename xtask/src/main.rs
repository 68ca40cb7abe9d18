//! Every chore of the repository, in one table: `cargo xtask <chore> [arguments]`.
//!
//! `.ci/run` and the README call the same chores, so what fails there fails at home.

#![forbid(unsafe_code)]

mod c_api;
mod ci;
mod command;
mod compat;
mod new_user;
mod readme;
mod tally;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::command::Cmd;
use crate::tally::Tally;

/// One line of the table.
struct Chore {
    name: &'static str,
    arguments: &'static str,
    about: &'static str,
    run: fn(&[String]) -> Result<()>,
}

const CHORES: &[Chore] = &[
    Chore {
        name: "ci",
        arguments: "[STEP…]",
        about: "everything that must pass before a merge, or only the named steps",
        run: ci::run,
    },
    Chore {
        name: "fmt",
        arguments: "[--check]",
        about: "format all sources, or only say which are not",
        run: fmt,
    },
    Chore {
        name: "lint",
        arguments: "",
        about: "clippy, with warnings denied",
        run: lint,
    },
    Chore {
        name: "test",
        arguments: "[ARGUMENTS OF cargo test…]",
        about: "the tests of all crates, with counts of what passed, failed and could not run",
        run: test,
    },
    Chore {
        name: "spec",
        arguments: "[ARGUMENTS OF cargo test…]",
        about: "the specification suite alone",
        run: spec,
    },
    Chore {
        name: "runtimes",
        arguments: "[ARGUMENTS OF cargo test…]",
        about: "lint and test the workspace that runs real runtimes with Substrate's allocator",
        run: runtimes,
    },
    Chore {
        name: "bless",
        arguments: "[FILTER]",
        about: "write the expected listings of the snapshot tests anew",
        run: bless,
    },
    Chore {
        name: "compat",
        arguments: "[--check]",
        about: "compare the interface with wasmi's: write docs/wasmi-compatibility.md, or say whether it is up to date",
        run: compat::run,
    },
    Chore {
        name: "doc",
        arguments: "",
        about: "build the documentation, with warnings denied",
        run: doc,
    },
    Chore {
        name: "bench",
        arguments: "[--smoke] [ARGUMENTS…]",
        about: "compare the engines, interleaved, in one table of ratios",
        run: bench,
    },
    Chore {
        name: "fuzz",
        arguments: "[ARGUMENTS…]",
        about: "compare wasmelt with wasmi on generated modules (--help lists the arguments)",
        run: fuzz,
    },
    Chore {
        name: "kernels",
        arguments: "[FOLDER]",
        about: "compile the benchmark kernels' sources to wasm (needs clang and wasm-ld)",
        run: kernels,
    },
    Chore {
        name: "c-api",
        arguments: "--prefix FOLDER [--built FOLDER]",
        about: "install the C interface: headers, libraries and the file for pkg-config",
        run: c_api::run,
    },
    Chore {
        name: "deny",
        arguments: "",
        about: "check licences, bans and sources of dependencies (needs cargo-deny)",
        run: deny,
    },
    Chore {
        name: "new-user",
        arguments: "",
        about: "clone the last commit into an empty folder and run the README's commands there",
        run: new_user::run,
    },
];

fn main() -> ExitCode {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let name = if arguments.is_empty() {
        String::new()
    } else {
        arguments.remove(0)
    };
    let Some(chore) = CHORES.iter().find(|chore| chore.name == name) else {
        print_chores();
        let asked_for_help = ["", "help", "-h", "--help"].contains(&name.as_str());
        if !asked_for_help {
            eprintln!("error: no chore is called {name:?}");
        }
        return ExitCode::from(if asked_for_help { 0 } else { 2 });
    };
    match (chore.run)(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn print_chores() {
    println!("usage: cargo xtask CHORE [ARGUMENTS]\n");
    for Chore {
        name,
        arguments,
        about,
        ..
    } in CHORES
    {
        println!("  {name:<9} {about}");
        if !arguments.is_empty() {
            println!("            {arguments}");
        }
    }
}

/// The root of the workspace.
fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent()
        .expect("xtask is a folder of the workspace")
        .to_path_buf()
}

/// Manifests of the workspaces: the root's, and those with a lock file of their own.
fn workspaces() -> Vec<PathBuf> {
    ["Cargo.toml", RUNTIMES]
        .iter()
        .map(|path| root().join(path))
        .filter(|p| p.exists())
        .collect()
}

/// The workspace that needs a heavy foreign tree.
const RUNTIMES: &str = "tests/runtimes/Cargo.toml";

fn cargo(subcommand: &str) -> Cmd {
    // Not `$CARGO`: rustup's proxy picks the toolchain that `rust-toolchain.toml` names.
    Cmd::new("cargo").arg(subcommand).dir(root())
}

fn no_arguments(arguments: &[String]) -> Result<()> {
    match arguments {
        [] => Ok(()),
        [first, ..] => bail!("this chore takes no argument, but was given {first:?}"),
    }
}

fn fmt(arguments: &[String]) -> Result<()> {
    workspaces().iter().try_for_each(|manifest| {
        cargo("fmt")
            .arg("--all")
            .arg("--manifest-path")
            .arg(manifest)
            .args(arguments)
            .run()
    })
}

fn lint(arguments: &[String]) -> Result<()> {
    no_arguments(arguments)?;
    let clippy = || cargo("clippy");
    let deny = ["--", "-D", "warnings"];
    clippy()
        .args(["--workspace", "--all-targets"])
        .args(deny)
        .run()?;
    // The embedder's crate also has to build without its compiler, without its cache, and with the features of wasmi's
    // that change it. (The workspace as a whole has the feature `tracing` from an example, and the tests do not.)
    for features in [
        "",
        "std",
        "cache",
        "tracing",
        "metrics",
        "std,deterministic,extra-checks",
    ] {
        clippy()
            .args([
                "-p",
                "wasmelt",
                "--lib",
                "--no-default-features",
                "--features",
                features,
            ])
            .args(deny)
            .run()?;
    }
    Ok(())
}

fn test(arguments: &[String]) -> Result<()> {
    let command = cargo("test").arg("--no-fail-fast");
    let mut commands = vec![with_output_shown(command, arguments)];
    if arguments.is_empty() {
        commands.push(with_output_shown(traced_tests(), arguments));
    }
    finish_tests(&commands)
}

/// Tests of what is there only with the features `tracing` and `metrics`, which examples turn on for all
/// that is built with them: the other tests are of a build without. The other features are the same.
fn traced_tests() -> Cmd {
    cargo("test").args(["--no-fail-fast", "--workspace"]).args([
        "--test",
        "tracing",
        "--test",
        "opentelemetry",
        "--test",
        "prometheus",
    ])
}

fn spec(arguments: &[String]) -> Result<()> {
    finish_tests(&[with_output_shown(
        cargo("test").args(["-p", "wasmelt-spec-tests"]),
        arguments,
    )])
}

/// It builds into the root's folder, where procedural macros and build scripts are shared.
const RUNTIMES_ARGUMENTS: [&str; 4] = ["--manifest-path", RUNTIMES, "--target-dir", "target"];

/// A workspace of its own, so that the root needs none of Substrate's tree.
fn runtimes(arguments: &[String]) -> Result<()> {
    runtimes_lint()?;
    finish_tests(&[runtimes_test(arguments)])
}

fn runtimes_lint() -> Result<()> {
    cargo("clippy")
        .args(RUNTIMES_ARGUMENTS)
        .args(["--all-targets", "--", "-D", "warnings"])
        .run()
}

fn runtimes_test(arguments: &[String]) -> Cmd {
    let test = cargo("test").arg("--no-fail-fast").args(RUNTIMES_ARGUMENTS);
    with_output_shown(test, arguments)
}

/// Appends a caller's arguments for `cargo test`, and asks the tests to show what passing ones
/// print: that is where they say what they could not run.
fn with_output_shown(command: Cmd, arguments: &[String]) -> Cmd {
    let separator = arguments.iter().position(|argument| argument == "--");
    let (ours, theirs) = arguments.split_at(separator.unwrap_or(arguments.len()));
    let theirs = theirs.get(1..).unwrap_or_default();
    command
        .args(ours)
        .args(["--", "--show-output"])
        .args(theirs)
}

/// Runs test commands to the end, prints the sum, and fails if anything did or nothing ran.
fn finish_tests(commands: &[Cmd]) -> Result<()> {
    let mut sum = Tally::default();
    for command in commands {
        sum += command.run_tests()?;
    }
    for line in sum.not_run_lines() {
        println!("{line}");
    }
    println!("{sum}");
    sum.check()
}

fn bless(arguments: &[String]) -> Result<()> {
    cargo("test")
        .args(["-p", "wasmelt-compiler", "--test", "disas"])
        .args(["-p", "wasmelt-cli", "--test", "cli", "--"])
        .args(arguments)
        .env("WASMELT_BLESS", "1")
        .run()?;
    Cmd::new("git")
        .args(["status", "--short", "--", "tests"])
        .dir(root())
        .run()
}

fn doc(arguments: &[String]) -> Result<()> {
    no_arguments(arguments)?;
    cargo("doc")
        .args(["--workspace", "--no-deps"])
        .env("RUSTDOCFLAGS", "-D warnings")
        .run()
}

fn bench(arguments: &[String]) -> Result<()> {
    if arguments.iter().any(|argument| argument == "--smoke") {
        // Each benchmark once, unoptimised but with optimised dependencies, those of the tests: does it still run?
        cargo("test").args(["--bench", "engines"]).run()?;
        return cargo("run")
            .args(["--bin", "bench-report", "--"])
            .args(arguments)
            .run();
    }
    cargo("run")
        .args([
            "--release",
            "-p",
            "wasmelt-benches",
            "--bin",
            "bench-report",
            "--",
        ])
        .args(arguments)
        .run()
}

fn fuzz(arguments: &[String]) -> Result<()> {
    cargo("run")
        .args(["--release", "-p", "wasmelt-fuzz", "--"])
        .args(arguments)
        .run()
}

fn kernels(arguments: &[String]) -> Result<()> {
    Cmd::new("sh")
        .arg("benches/kernels/build.sh")
        .args(arguments)
        .dir(root())
        .run()
}

fn deny(arguments: &[String]) -> Result<()> {
    no_arguments(arguments)?;
    if !Cmd::new("cargo")
        .args(["deny", "--version"])
        .dir(root())
        .succeeds()
    {
        bail!("cargo-deny is missing: install it with `cargo install cargo-deny --locked`");
    }
    workspaces().iter().try_for_each(|manifest| {
        cargo("deny")
            .arg("--config")
            .arg(root().join("deny.toml"))
            .arg("--manifest-path")
            .arg(manifest)
            .args(["--all-features", "check", "--hide-inclusion-graph"])
            .args(["licenses", "bans", "sources"])
            .run()
    })
}

#[cfg(test)]
mod tests {
    use super::{CHORES, Cmd, with_output_shown};

    #[test]
    fn every_chore_has_a_name_of_its_own_and_says_what_it_does() {
        for (at, chore) in CHORES.iter().enumerate() {
            assert!(!chore.about.is_empty(), "{}", chore.name);
            assert!(
                CHORES[..at].iter().all(|other| other.name != chore.name),
                "{}",
                chore.name
            );
        }
    }

    #[test]
    fn arguments_for_cargo_and_for_the_tests_end_up_on_their_sides() {
        let check = |arguments: &[&str], expected: &str| {
            let arguments: Vec<_> = arguments.iter().map(ToString::to_string).collect();
            let command = with_output_shown(Cmd::new("cargo").arg("test"), &arguments);
            assert_eq!(command.to_string(), expected);
        };
        check(&[], "cargo test -- --show-output");
        check(&["-p", "a"], "cargo test -p a -- --show-output");
        check(
            &["x", "--", "--exact"],
            "cargo test x -- --show-output --exact",
        );
        check(&["--", "y"], "cargo test -- --show-output y");
    }
}
