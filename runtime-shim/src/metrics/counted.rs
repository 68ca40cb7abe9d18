//! Names, labels and descriptions of what is counted.

use crate::error::Error;
use metrics::{Unit, counter, describe_counter, describe_histogram};
use std::sync::Once;
#[cfg(feature = "compile")]
use std::time::Instant;

const CACHE_HITS: &str = "wasmelt_cache_hits_total";
const CACHE_MISSES: &str = "wasmelt_cache_misses_total";
const CACHE_FAILURES: &str = "wasmelt_cache_failures_total";
const COMPILE_SECONDS: &str = "wasmelt_compile_seconds";
const REFUSALS: &str = "wasmelt_refusals_total";
const TRAPS: &str = "wasmelt_traps_total";
const HOST_ERRORS: &str = "wasmelt_host_errors_total";

/// Tells the recorder what each name means; the recorder has to be installed before the first engine.
pub(crate) fn describe() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        for (name, help) in [
            (CACHE_HITS, "Modules that the cache had."),
            (
                CACHE_MISSES,
                "Modules that were looked up in the cache, and compiled.",
            ),
            (
                CACHE_FAILURES,
                "Failures of the cache: a full disk, for example.",
            ),
            (
                REFUSALS,
                "Modules and artifacts that were refused, by whose fault it was.",
            ),
            (TRAPS, "Guests that trapped, by trap code."),
            (
                HOST_ERRORS,
                "Guests that an error of a host function stopped.",
            ),
        ] {
            describe_counter!(name, help);
        }
        describe_histogram!(
            COMPILE_SECONDS,
            Unit::Seconds,
            "Wall time of compiling one module."
        );
    });
}

/// A module came from the cache.
#[cfg(all(feature = "cache", feature = "compile"))]
pub(crate) fn cache_hit() {
    counter!(CACHE_HITS).increment(1);
}

/// A module that was looked up has to be compiled.
#[cfg(all(feature = "cache", feature = "compile"))]
pub(crate) fn cache_missed() {
    counter!(CACHE_MISSES).increment(1);
}

/// The cache could not do what it was asked.
#[cfg(all(feature = "cache", feature = "compile"))]
pub(crate) fn cache_failed() {
    counter!(CACHE_FAILURES).increment(1);
}

/// A module was compiled, well or not, since a moment.
#[cfg(feature = "compile")]
pub(crate) fn compiled(begin: Instant) {
    metrics::histogram!(COMPILE_SECONDS).record(begin.elapsed());
}

/// A module or an artifact was refused.
pub(crate) fn refused(error: &Error) {
    counter!(REFUSALS, "kind" => error.fault_kind().name()).increment(1);
}

/// A guest was stopped.
pub(crate) fn stopped(error: &Error) {
    match error.as_trap_code() {
        Some(code) => counter!(TRAPS, "code" => format!("{code:?}")).increment(1),
        None => counter!(HOST_ERRORS).increment(1),
    }
}
