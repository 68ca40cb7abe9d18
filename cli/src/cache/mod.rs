//! Caches on the command line: the options of verbs that use one, and the verb `cache`.

mod listing;
mod stats;
mod verbs;

use crate::failure::{Exit, Failure, printable};
use anyhow::Error;
use clap::ValueEnum;
use std::{
    io::{self, Write as _},
    path::PathBuf,
};
pub(crate) use verbs::{CacheArgs, run};
use wasmelt::{Cache, CacheFailure, CacheMode, CacheOptions, errors::CacheError};

/// Which cache a verb uses, and what becomes of it when that fails.
#[derive(Debug, clap::Args)]
pub(crate) struct UseArgs {
    /// Do not use a cache
    #[arg(long, conflicts_with = "cache_dir")]
    no_cache: bool,

    #[command(flatten)]
    place: PlaceArgs,

    /// Look in this folder too, which is only read; may be given several times
    #[arg(long, value_name = "DIR")]
    cache_shared: Vec<PathBuf>,

    /// Evict what was not used for longest when the cache becomes larger than this: 500M, 2G
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    cache_max_size: Option<u64>,

    /// What the cache is for
    #[arg(long, value_enum, value_name = "MODE", default_value_t)]
    cache_mode: Mode,

    /// What to do when the cache fails, as with a full disk
    #[arg(long, value_enum, value_name = "POLICY", default_value_t)]
    cache_failure: Policy,
}

/// Where a cache is.
#[derive(Debug, clap::Args)]
pub(crate) struct PlaceArgs {
    /// The cache in this folder [default: this user's cache]
    #[arg(long, value_name = "DIR")]
    cache_dir: Option<PathBuf>,
}

/// What a cache is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum Mode {
    /// Look up, and keep what is compiled
    #[default]
    ReadWrite,
    /// Look up only
    ReadOnly,
    /// Look up, and never compile: what is not there is an error
    MustHit,
}

/// What to do when a cache fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum Policy {
    /// Warn once, and compile without its help
    #[default]
    RunWithout,
    /// Fail
    Error,
}

impl UseArgs {
    /// The cache, unless there is to be none or it fails.
    pub(crate) fn open(&self, quiet: bool) -> Result<Option<Cache>, Failure> {
        if self.no_cache {
            return Ok(None);
        }
        let mode = match self.cache_mode {
            Mode::ReadWrite => CacheMode::ReadWrite,
            Mode::ReadOnly => CacheMode::ReadOnly,
            Mode::MustHit => CacheMode::MustHit,
        };
        match self.open_as(mode) {
            Ok(cache) => Ok(Some(cache)),
            Err(error) if self.policy() == CacheFailure::RunWithout => {
                warn_without(quiet, &error);
                Ok(None)
            }
            Err(error) => Err(failure(error)),
        }
    }

    fn open_as(&self, mode: CacheMode) -> Result<Cache, CacheError> {
        let mut options = CacheOptions::new().mode(mode);
        for folder in &self.cache_shared {
            options = options.shared(folder);
        }
        if let Some(max_len_bytes) = self.cache_max_size {
            options = options.max_len_bytes(max_len_bytes);
        }
        options.open(self.place.folder()?)
    }

    /// What becomes of a module when the cache fails later.
    pub(crate) fn policy(&self) -> CacheFailure {
        match (self.cache_failure, self.cache_mode) {
            (Policy::RunWithout, Mode::ReadWrite | Mode::ReadOnly) => CacheFailure::RunWithout,
            // Without a cache one would have to compile.
            (Policy::Error, _) | (_, Mode::MustHit) => CacheFailure::Error,
        }
    }
}

impl PlaceArgs {
    /// Opens the cache.
    pub(crate) fn open(&self, mode: CacheMode) -> Result<Cache, CacheError> {
        Cache::open_with(self.folder()?, mode)
    }

    /// Whether a folder was named.
    pub(crate) fn is_named(&self) -> bool {
        self.cache_dir.is_some()
    }

    /// Where it is, whether or not it is there.
    pub(crate) fn folder(&self) -> Result<PathBuf, CacheError> {
        match &self.cache_dir {
            Some(folder) => Ok(folder.clone()),
            None => wasmelt::default_cache_folder(),
        }
    }
}

/// A failure of a cache.
pub(crate) fn failure(error: CacheError) -> Failure {
    let exit = match error {
        CacheError::NoEntry { .. } | CacheError::HolderName { .. } => Exit::Refused,
        _ => Exit::Host,
    };
    Failure::new(exit, "cache", Error::new(error))
}

/// Says on standard error why there is no cache.
pub(crate) fn warn_without(quiet: bool, error: &CacheError) {
    if !quiet {
        // Nobody is left to tell when standard error is closed.
        let _ = writeln!(
            io::stderr(),
            "warning: running without a cache: {}",
            printable(&describe(error))
        );
    }
}

/// An error with its cause.
fn describe(error: &CacheError) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

/// A number of bytes with an optional unit of 1024: `K`, `M`, `G` or `T`.
fn parse_size(text: &str) -> Result<u64, String> {
    let digits = text.trim_end_matches(|unit: char| unit.is_ascii_alphabetic());
    let shift = match &text[digits.len()..] {
        "" => 0,
        "K" => 10,
        "M" => 20,
        "G" => 30,
        "T" => 40,
        _ => return Err("give bytes, or a number with K, M, G or T".to_owned()),
    };
    let number: u64 = digits
        .parse()
        .map_err(|_| "give bytes, or a number with K, M, G or T".to_owned())?;
    number
        .checked_mul(1 << shift)
        .ok_or_else(|| "that is more than a disk can have".to_owned())
}

#[cfg(test)]
mod tests {
    use super::parse_size;

    #[test]
    fn sizes_have_units_of_1024() {
        assert_eq!(parse_size("0"), Ok(0));
        assert_eq!(parse_size("1023"), Ok(1023));
        assert_eq!(parse_size("3K"), Ok(3 << 10));
        assert_eq!(parse_size("500M"), Ok(500 << 20));
        assert_eq!(parse_size("2G"), Ok(2 << 30));
        assert_eq!(parse_size("1T"), Ok(1 << 40));
        for text in ["", "G", "1g", "1 G", "-1", "1.5G", "1GB", "é", "99999999T"] {
            assert!(parse_size(text).is_err(), "{text}");
        }
    }
}
