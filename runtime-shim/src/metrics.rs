//! Counters and histograms, there only with the crate feature `metrics`. `docs/metrics.md` lists them.

#[cfg(feature = "metrics")]
mod counted;

#[cfg(all(feature = "metrics", feature = "compile"))]
pub(crate) use self::counted::compiled;
#[cfg(all(feature = "metrics", feature = "cache", feature = "compile"))]
pub(crate) use self::counted::{cache_failed, cache_hit, cache_missed};
#[cfg(feature = "metrics")]
pub(crate) use self::counted::{describe, refused, stopped};

/// Statements that count, in the place where they stand.
#[cfg(feature = "metrics")]
macro_rules! count {
    ($($statements:tt)*) => { $($statements)* };
}

/// Statements that count: none.
#[cfg(not(feature = "metrics"))]
macro_rules! count {
    ($($statements:tt)*) => {};
}
