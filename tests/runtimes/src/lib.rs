//! Runs real Polkadot-family runtimes on wasmelt and on an interpreter with one host, and compares every host call.
//!
//! The allocator is the one that nodes use (the crate `sc-allocator`), over the memory of the engine. Everything that
//! does not touch an engine is in [`state`] and its neighbours; `host.rs` is the rest, written once against the
//! interface that both engines share and compiled once for each of them, as [`on_wasmi`] and [`on_wasmelt`].
//!
//! This is a workspace of its own because of what `sc-allocator` depends on. Run it with `cargo test` in this folder.

pub mod allocator;
pub mod calls;
pub mod engines;
pub mod goldens;
pub mod on_wasmelt;
pub mod on_wasmi;
pub mod precompile;
pub mod report;
pub mod state;
pub mod storage;
pub mod trace;
