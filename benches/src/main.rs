//! The program behind `cargo xtask bench`: measures, prints a table, writes JSON and a picture.

use std::process::ExitCode;

use clap::Parser;
use wasmelt_benches::report::{Options, list_kernels, report};

fn main() -> ExitCode {
    let options = Options::parse();
    let mut out = std::io::stdout().lock();
    let outcome = if options.list {
        list_kernels(&mut out)
    } else {
        report(&options, &mut out).map(drop)
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench-report: {error:#}");
            ExitCode::FAILURE
        }
    }
}
