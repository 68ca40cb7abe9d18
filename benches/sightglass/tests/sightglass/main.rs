//! Drives the library as the suite does, and compares what it called back, wrote and said with what it must.
//!
//! Each case runs in a process of its own, which is this program once more: `recorder.rs` is that side, `session.rs`
//! starts it.

mod calls;
mod corpus;
mod guests;
mod recorder;
mod session;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [first, rest @ ..] = arguments.as_slice()
        && first == recorder::CHILD
    {
        recorder::run(rest);
        return ExitCode::SUCCESS;
    }
    let own = calls::CASES.iter().chain(guests::CASES);
    let trials = own.map(|(name, case)| {
        Trial::test(*name, || {
            case();
            Ok(())
        })
    });
    let trials = trials.chain(corpus::trials()).collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// Names functions as cases of the suite.
macro_rules! cases {
    ($($name:ident,)*) => {
        pub(crate) const CASES: &[(&str, fn())] = &[$((stringify!($name), $name),)*];
    };
}
use cases;
