//! Differential fuzzing: generated modules must behave alike on wasmelt and on an interpreter.
//!
//! A generator makes a [`Case`] (a module, and calls of its exports) from a seed, and the same seed
//! always makes the same case. [`compare`] runs it on the reference ([`reference()`]) and on wasmelt
//! in several configurations, in step, and after each call compares results or trap, globals,
//! memory and what reached the host, bit for bit. Floating-point arithmetic may give any NaN, so the
//! generators make NaNs canonical in wasm itself; where the specification says which bits come out
//! (loads, negation, `copysign`, reinterpretation), they are compared as they are.
//!
//! A call that exceeds a limit of one engine (stack, memory) ends its case without a verdict, and
//! is counted.
//!
//! `cargo xtask fuzz --help` says how to run any number of seeds; a few hundred run under
//! `cargo test`.
//!
//! # Example
//!
//! ```
//! use wasmelt_fuzz::{Generator, Stats, Verdict, compare, reference, wasmelt};
//!
//! let case = Generator::named("control").expect("there is one").generate(7);
//! let subject = wasmelt("guard-speed").expect("there is one");
//! let mut stats = Stats::default();
//! let verdict = compare(&case, &reference(), &[&subject], &mut stats);
//! assert!(matches!(verdict, Verdict::Equal));
//! ```

#![forbid(unsafe_code)]
#![allow(
    clippy::cast_possible_truncation,
    reason = "generators cut random numbers to size on purpose"
)]

mod backend;
mod builder;
mod compare;
mod generators;
mod meter;
mod oracle;
mod reference;
mod rewrite;
mod rng;
mod runner;
mod value;
mod wasmtime_engine;

pub use crate::backend::{CONFIGURATIONS, WasmeltEngine, WasmiEngine, wasmelt};
pub use crate::backend::{FUEL_REQUIRED, FUEL_USED};
pub use crate::compare::{Call, Case, Difference, Stats, Verdict, compare};
pub use crate::generators::{GENERATORS, Generator};
pub use crate::oracle::{Engine, Limit, Session, Stop, Trap};
pub use crate::reference::{costly_reference, metered_reference, reference};
pub use crate::runner::{Runner, repro_command, write_case};
pub use crate::value::{Type, Value};
