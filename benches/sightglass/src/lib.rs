//! wasmelt as an engine of sightglass, the benchmark suite of the Bytecode Alliance.
//!
//! For people who run that suite: it loads an engine as a shared library and calls five C functions, which are
//! [`interface`]'s. `docs/performance/README.md` has the commands. Who compares engines on this project's own kernels
//! uses `cargo xtask bench` instead.
//!
//! The interface is that of `wasmtime-bench-api` (bytecodealliance/wasmtime, `crates/bench-api/src/lib.rs`), as the
//! suite's recorder declares it (bytecodealliance/sightglass, `crates/recorder/src/bench_api.rs`).
//!
//! # What each phase contains
//!
//! | phase | timed | done before the clock starts |
//! |---|---|---|
//! | compilation | compile to the bytes of an artifact, check them, load them | |
//! | instantiation | make a store, look up imports, set up memory, table and globals, run the start function | open the files of WASI |
//! | execution | what the guest does between its calls of `bench.start` and `bench.end` | look up and enter `_start` |
//!
//! A clock that was started is stopped only if the phase succeeds. Compilation uses one thread per core unless the flags
//! say otherwise, and no cache. An engine keeps a few memories for later instances, so the second instantiation of a
//! module may find one.
//!
//! # What a benchmark may import
//!
//! `bench.start` and `bench.end`, and all of `wasi_snapshot_preview1`, from the crate `wasi-common`: the working
//! directory is open as `.`, standard output and error are files that are made anew for each instance, standard input is
//! a file or empty, and there are no arguments. The one environment variable that a guest sees is
//! `WASM_BENCH_USE_SMALL_WORKLOAD`, if it is set.
//!
//! `wasi_unstable`, which came before, is absent: no benchmark of the suite uses it.

mod bench;
mod flags;
pub mod interface;
mod snapshot;
mod timer;
mod wasi;
