//! Compiles WebAssembly MVP modules ahead of time: wasm bytes in, object or shared-object bytes out.
//!
//! A compilation is a pure function of the module and the [`CompileOptions`]: it reads no file, no
//! clock and no environment, and its output is the same over threads, folders and hosts. It never
//! panics on any input; what it cannot compile it refuses with a [`CompileError`] that names the
//! place and the rule.
//!
//! It is not for running modules: the crate `wasmelt` does that, and calls this one.
//!
//! # Example
//!
//! ```
//! use wasmelt_compiler::{CompileOptions, compile};
//!
//! let wasm = wat::parse_str(r#"(module (func (export "answer") (result i32) i32.const 42))"#)?;
//! let module = compile(&wasm, &CompileOptions::default())?;
//! let artifact = module.shared_object();
//! assert_eq!(&artifact[..4], b"\x7fELF");
//! assert_eq!(module.manifest().exports[0].name, "answer");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]

mod canonicalize;
mod codegen;
mod emit;
mod error;
mod features;
mod fingerprint;
mod governor;
mod listing;
mod optimize;
mod options;
mod pipeline;
mod recognise;
mod sections;
mod source;
mod stack_overflow;
mod translate;
mod wasm;

pub use error::{CompileError, InvalidModule, UnsupportedProposal};
pub use features::{FeatureUse, features_needed};
pub use fingerprint::{codegen_fingerprint, pinned_dependencies};
pub use governor::{Governor, GovernorLimits};
pub use listing::{Listing, list_functions};
pub use options::{CompileOptions, Phase, Progress, ProgressFn, available_presets};
pub use pipeline::{CompiledFunctionSize, CompiledModule, compile};
pub use recognise::{Container, recognise};
pub use sections::{SectionCounts, count_sections};
pub use wasm::{ModuleInfo, parse_module};

/// Version of this crate, recorded in every artifact.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
