//! Checks the machine code of an artifact without trusting the compiler that made it.
//!
//! [`check_code`] follows every way that control can take through each function of an x86-64 artifact, with a decoder
//! that the compiler knows nothing of, and keeps account of what registers and stack slots hold: vmctx, what was loaded
//! through it, places in the linear memory, numbers and their bounds. `docs/code-check.md` says exactly what that
//! proves, and what not.
//!
//! It is for whoever wants a second opinion on an artifact before it is trusted: a release process, an auditor, a test
//! of the compiler. It is not the loader's check, takes longer, and does not replace a reason to trust the origin.
//!
//! # Example
//!
//! ```no_run
//! use wasmelt_code_check::{ArtifactParts, check_code};
//!
//! let artifact = std::fs::read("module.so")?;
//! let report = check_code(&ArtifactParts::read(&artifact)?)?;
//! println!("{report}");
//! assert_eq!(report.unproven(), 0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]

mod access;
mod allowed;
mod calls;
mod check;
mod fault;
mod function;
mod parts;
mod report;
mod state;
mod step;
mod value;

pub use check::check_code;
pub use fault::{CodeFault, Place, Rule};
pub use parts::{ArtifactParts, FunctionRange};
pub use report::{Accesses, Report};
