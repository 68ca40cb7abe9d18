//! Runs WebAssembly specification scripts (`.wast`) on wasmelt and on its peers.
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
