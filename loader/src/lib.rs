//! Checks an artifact, makes it executable, and gives typed views of it.
//!
//! An artifact is native code, and loading it is a security boundary: nothing becomes executable
//! before its magic, ABI version, target, CPU features, lengths and digest were checked, every
//! byte that the dynamic linker reads was compared with what the emitter writes, and every index
//! that the runtime will use was found to be in range. `docs/artifact-format.md` has the format
//! byte by byte, `docs/trust.md` what is promised and what is not.
//!
//! This crate knows neither wasm nor a compiler, and runs nothing: embedders use the crate
//! `wasmelt`. It needs Linux on x86-64 with glibc.
//!
//! # Example
//!
//! ```no_run
//! use std::path::Path;
//! use wasmelt_loader::{Source, Trust};
//!
//! # fn digest_from_a_trusted_place() -> [u8; 32] { [0; 32] }
//! let trust = Trust::Digest(digest_from_a_trusted_place());
//! let library = wasmelt_loader::load(Source::Path(Path::new("module.so")), &trust)?;
//! for export in &library.manifest().exports {
//!     println!("{}", export.name);
//! }
//! # Ok::<(), wasmelt_loader::LoadError>(())
//! ```

#[cfg(not(target_os = "linux"))]
compile_error!("wasmelt-loader loads artifacts on Linux only; wasmelt-compiler builds here");

#[cfg(all(target_os = "linux", not(target_arch = "x86_64")))]
compile_error!("wasmelt-loader loads artifacts on x86-64 only, so far");

#[cfg(all(target_os = "linux", target_arch = "x86_64", not(target_env = "gnu")))]
compile_error!(
    "wasmelt-loader needs glibc: what it checks is what glibc's dynamic linker reads, and musl \
     never unloads a library"
);

#[cfg(all(target_env = "gnu", target_feature = "crt-static"))]
compile_error!(
    "wasmelt-loader cannot be linked statically: a static program has no dynamic linker to load \
     artifacts with; build without `-C target-feature=+crt-static`"
);

mod check;
mod elf;
mod error;
mod files;
mod host;
mod inspect;
mod library;
mod manifest;
mod route;
mod signature;
mod source;
mod sys;
mod tables;
mod unwind;

pub use error::{Attempt, ElfPart, LoadError};
pub use host::host_cpu_features;
pub use inspect::{FunctionSize, Inspection, inspect, unsigned, verify};
pub use library::Library;
#[doc(hidden)]
pub use route::{Policy, load_with_policy};
pub use route::{from_static, load, load_unchecked};
pub use signature::{KeyError, KeyId, KeyTrust, SignatureInfo, Signer, SignerKey};
pub use source::{Route, Source, Trust};
pub use sys::StaticDescriptor;
