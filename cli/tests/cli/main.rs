//! Runs the program `wasmelt` as a user does: each message, each exit code, each file it leaves.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot prepare its input fails"
)]

mod batch;
mod bench;
mod cache;
mod compile;
mod debug;
mod doctor;
mod general;
mod inspect;
mod output;
mod reproducible;
mod run;
mod sign;
mod support;
mod tools;
mod verify_code;
#[cfg(feature = "wast")]
mod wast;
