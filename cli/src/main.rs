//! The program `wasmelt`: arguments to library calls, results to exit codes.
//!
//! Each verb is a module with a function `run`; `args` has the command line, `failure` the exit
//! codes and how errors are shown.
#![forbid(unsafe_code)]

mod args;
mod batch;
#[cfg(feature = "bench")]
mod bench;
mod cache;
mod codegen;
mod compile;
mod describe;
mod doctor;
mod extension;
mod failure;
mod fuel_costs;
mod guard;
mod input;
mod inspect;
mod keygen;
mod keys;
mod output;
mod progress;
mod run;
mod secret;
mod sign;
mod verify;
mod verify_code;
mod version;

use args::{Cli, Verb};
use clap::{CommandFactory, Parser};
use failure::Failure;
use std::process::ExitCode;

fn main() -> ExitCode {
    #[cfg(feature = "wast")]
    if let Some(code) = wasmelt_spec_tests::cli::run_as_child() {
        return code;
    }
    guard::run(|| match Cli::try_parse() {
        Ok(cli) => dispatch(cli).unwrap_or_else(|failure| failure.report()),
        Err(error) => print_usage(&error),
    })
}

fn dispatch(cli: Cli) -> Result<ExitCode, Failure> {
    let quiet = cli.quiet;
    match cli.verb {
        Verb::Compile(args) => compile::run(&args, quiet).map(|()| ExitCode::SUCCESS),
        Verb::Inspect(args) => inspect::run(&args, quiet).map(|()| ExitCode::SUCCESS),
        Verb::Doctor(args) => doctor::run(&args).map(|()| ExitCode::SUCCESS),
        Verb::Cache(args) => cache::run(&args).map(|()| ExitCode::SUCCESS),
        Verb::Run(args) => run::run(&args, quiet).map(|()| ExitCode::SUCCESS),
        Verb::Keygen(args) => keygen::run(&args, quiet).map(|()| ExitCode::SUCCESS),
        Verb::Sign(args) => sign::run(&args, quiet).map(|()| ExitCode::SUCCESS),
        Verb::Verify(args) => verify::run(&args, quiet).map(|()| ExitCode::SUCCESS),
        #[cfg(feature = "bench")]
        Verb::Bench(args) => bench::run(&args).map(|()| ExitCode::SUCCESS),
        #[cfg(feature = "wast")]
        Verb::Wast(args) => Ok(run_wast(&args, quiet)),
        Verb::Completions { shell } => print_completions(shell).map(|()| ExitCode::SUCCESS),
        Verb::Extension(words) => Err(extension::exec(&words)),
    }
}

#[cfg(feature = "wast")]
fn run_wast(args: &wasmelt_spec_tests::cli::WastArgs, quiet: bool) -> ExitCode {
    use wasmelt_spec_tests::cli::{Progress, main_with_args};
    let progress = if quiet {
        Progress::Never
    } else {
        Progress::Auto
    };
    main_with_args(args, progress)
}

fn print_completions(shell: clap_complete::Shell) -> Result<(), Failure> {
    // Into memory first: clap_complete panics when standard output is closed.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "wasmelt", &mut script);
    output::print_bytes(&script)
}

/// Prints help, the version, or what is wrong with the arguments.
fn print_usage(error: &clap::Error) -> ExitCode {
    // A reader that went away does not change what the outcome is.
    let _ = error.print();
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(failure::Exit::Refused as u8))
}
