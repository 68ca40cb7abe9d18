//! wasmi's own tests, from its published sources, compiled with wasmelt under its name.

#![allow(warnings, reason = "the code is not ours")]

include!(concat!(env!("OUT_DIR"), "/integration.rs"));
