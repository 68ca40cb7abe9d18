//! Code that is there only with the crate feature `tracing`.
//!
//! What the crates `compiler`, `loader` and `cache` do is traced around their calls, so that they
//! need not know of it. `docs/tracing.md` lists spans, events and fields.

#[cfg(feature = "tracing")]
mod spans;

#[cfg(all(feature = "tracing", feature = "cache", feature = "compile"))]
pub(crate) use self::spans::{
    cache_lookup, cache_publish, cache_wait, looked_up, published, refused, waited,
};
#[cfg(feature = "tracing")]
pub(crate) use self::spans::{call, instantiate, load, loaded, paused, stopped, wants_calls};
#[cfg(all(feature = "tracing", feature = "compile"))]
pub(crate) use self::spans::{compile, compiled};

/// Statements for tracing, in the place where they stand.
#[cfg(feature = "tracing")]
macro_rules! trace {
    ($($statements:tt)*) => { $($statements)* };
}

/// Statements for tracing: none.
#[cfg(not(feature = "tracing"))]
macro_rules! trace {
    ($($statements:tt)*) => {};
}
