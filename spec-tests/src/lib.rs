//! Runs WebAssembly specification scripts (`.wast`) on wasmelt and on its peers.
//!
//! For the verb `wasmelt wast` and for the suites in this package's `tests`. Not for embedders: they want the crate
//! `wasmelt`.
//!
//! From text to report: [`script`] parses (after [`old_text`] has rewritten what is out of date), [`run`] takes one
//! script through a session of an [`engine`] and judges each directive, [`execute`] does so in a thread or a process of
//! its own under a time limit, [`suite`] runs many scripts on many engines in parallel and compares engines,
//! [`skip_list`] says which failures are expected, [`report`] holds what came of it and [`format`](mod@format) writes
//! it. [`cli`] is the verb's arguments and exit codes. [`backend`] has the engines, and [`needs`] finds out which
//! proposals a module needs.
//!
//! # Example
//!
//! ```
//! use wasmelt_spec_tests::collect::ScriptFile;
//! use wasmelt_spec_tests::suite::{self, Settings};
//!
//! let script = ScriptFile::in_memory(
//!     "double.wast",
//!     r#"
//!     (module (func (export "double") (param i32) (result i32) (i32.mul (local.get 0) (i32.const 2))))
//!     (assert_return (invoke "double" (i32.const 21)) (i32.const 42))
//!     "#,
//! );
//! let engines = wasmelt_spec_tests::backend::select_by_name(&["wasmi"], false)?;
//! let reports = suite::run_suite(&[script], &engines, &Settings::default(), |_| {});
//! assert_eq!(reports[0].tally().to_string(), "2 passed, 0 failed");
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]

pub mod backend;
pub mod cli;
pub mod collect;
pub mod engine;
pub mod execute;
pub mod format;
pub mod needs;
pub mod old_text;
pub mod report;
pub mod run;
pub mod script;
pub mod skip_list;
pub mod suite;
pub mod value;
