//! Benchmarks of wasmelt and its peers.
//!
//! One registry of kernels ([`kernels`]) and a few programs for the other phases ([`programs`]) feed two tools:
//!
//! - `cargo bench -p wasmelt-benches`: criterion, groups named `phase/program`, one id per engine;
//! - `cargo xtask bench`, which runs [`report`]: engines sampled in turns, ratios to wasmtime with their spread, JSON
//!   and a picture.
//!
//! Both compare each engine's result with the registry before they time it, and neither counts compilation as
//! execution. The kernels are C sources with their wasm beside them in `kernels/`; `kernels/build.sh` makes the one
//! from the other.
//!
//! ```
//! use wasmelt_benches::{engines, kernels};
//!
//! let kernel = kernels::lookup_kernel("fib").expect("a kernel of that name");
//! for engine in engines::engines()? {
//!     let mut instance = engine.compile(kernel.wasm)?.instantiate()?;
//!     instance.check(kernel.small)?;
//! }
//! # anyhow::Ok(())
//! ```
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "statistics on small counts; nothing here is stored or trusted"
)]

pub mod engines;
pub mod kernels;
pub mod machine;
pub mod phases;
pub mod programs;
pub mod report;
pub mod sampling;

pub use wasmelt_measure::{clock, stats};

mod picture;
mod table;
