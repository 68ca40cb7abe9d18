//! Programs that use wasmi's interface and note what they see: compiled once with wasmi, and once with wasmelt under that
//! name.

mod callers;
mod configured;
mod errors;
mod examples;
mod functions;
mod globals;
mod hooks;
mod instantiation;
mod limits;
mod linking;
mod memories;
mod modules;
mod notes;
mod references;
mod resumable;
mod stores;
mod tables;
mod traps;
mod types;
mod values;

pub use notes::{Notes, run};
/// What they are compiled with.
pub use wasmi;

/// A program: its name, and what it does.
pub type Program = (&'static str, fn(&mut Notes));

/// All of them.
pub const PROGRAMS: &[Program] = &[
    ("callers", callers::run),
    ("call depth", configured::run_call_depth),
    ("enforced limits", configured::run_enforced_limits),
    ("errors", errors::run),
    ("examples of wasmi's documentation", examples::run),
    ("functions", functions::run),
    ("globals", globals::run),
    ("hooks", hooks::run),
    ("host errors", errors::run_host_errors),
    ("instantiation", instantiation::run),
    ("start functions", instantiation::run_start),
    ("limiter", limits::run_limiter),
    ("limits", limits::run_limits),
    ("linking", linking::run),
    ("memories", memories::run),
    ("modules", modules::run),
    ("refused modules", modules::run_refused),
    ("references", references::run),
    ("resumable calls", resumable::run),
    ("fuel", stores::run_fuel),
    ("stores", stores::run),
    ("tables", tables::run),
    ("traps", traps::run),
    ("types", types::run),
    ("typed functions", functions::run_typed),
    ("values", values::run),
];
