//! The verb `cache`: what is in a cache, and what has to go or stay.

use super::{PlaceArgs, failure, listing, parse_size, stats};
use crate::{
    args::Format,
    failure::{Exit, Failure},
    output,
};
use clap::{Subcommand, ValueEnum};
use serde::Serialize;
use std::{fmt::Write as _, time::Duration};
use wasmelt::{Cache, CacheKey, CacheMode, CacheStats, EvictLimits, Module, errors::CacheError};

const EXAMPLES: &str = "\
Examples:
  wasmelt cache ls                          what is there, and when it was used
  wasmelt cache stats --format prometheus   for a monitoring agent
  wasmelt cache verify                      read everything, move aside what is damaged
  wasmelt cache gc --max-size 2G --max-age 30d
  wasmelt cache pin 6411f0 --holder node-3  keep it, whatever gc is told
  wasmelt cache rm 6411f0 99a2c7
  wasmelt cache path

A key may be shortened to its first digits, at least 4, where one entry only begins with them.";

/// Arguments of `wasmelt cache`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, subcommand_value_name = "ACTION", subcommand_help_heading = "Actions")]
pub(crate) struct CacheArgs {
    #[command(subcommand)]
    action: Action,
}

/// What to do with a cache.
#[derive(Debug, Subcommand)]
enum Action {
    /// List the entries, those that were used last first
    #[command(after_help = "Example:\n  wasmelt cache ls --format json")]
    Ls {
        #[command(flatten)]
        place: PlaceArgs,
        /// How the list is written
        #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
        format: Format,
    },
    /// Print the folder, whether or not it is there
    #[command(after_help = "Example:\n  du -sh \"$(wasmelt cache path)\"")]
    Path {
        #[command(flatten)]
        place: PlaceArgs,
    },
    /// Read every entry, and move aside those that are damaged
    #[command(after_help = "Example:\n  wasmelt cache verify || echo 'some were damaged'")]
    Verify {
        #[command(flatten)]
        place: PlaceArgs,
        /// How the result is written
        #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
        format: Format,
    },
    /// Remove what is beyond limits, unless it is pinned or in use, and what killed processes left
    #[command(after_help = "Example:\n  wasmelt cache gc --max-size 2G --max-age 30d")]
    Gc {
        #[command(flatten)]
        place: PlaceArgs,
        /// Keep the entries that were used last, up to this size in all: 500M, 2G
        #[arg(long, value_name = "SIZE", value_parser = parse_size)]
        max_size: Option<u64>,
        /// Keep entries that were used since: 12h, 30d
        #[arg(long, value_name = "AGE", value_parser = parse_age)]
        max_age: Option<Duration>,
        /// Remove everything that was moved aside
        #[arg(long)]
        quarantine: bool,
        /// How the result is written
        #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
        format: Format,
    },
    /// Remove entries, unless they are pinned or in use
    #[command(after_help = "Example:\n  wasmelt cache rm 6411f0 99a2c7")]
    Rm {
        #[command(flatten)]
        place: PlaceArgs,
        /// Keys of the entries
        #[arg(value_name = "KEY", required = true)]
        keys: Vec<String>,
    },
    /// Keep an entry from being removed
    #[command(after_help = "Example:\n  wasmelt cache pin 6411f0 --holder node-3")]
    Pin {
        #[command(flatten)]
        place: PlaceArgs,
        /// Key of the entry
        key: String,
        /// On whose behalf
        #[arg(long, value_name = "NAME", default_value = "operator")]
        holder: String,
    },
    /// Take back a pin
    #[command(after_help = "Example:\n  wasmelt cache unpin 6411f0 --holder node-3")]
    Unpin {
        #[command(flatten)]
        place: PlaceArgs,
        /// Key of the entry
        key: String,
        /// Whose pin
        #[arg(long, value_name = "NAME", default_value = "operator")]
        holder: String,
    },
    /// Count what is there
    #[command(after_help = "Example:\n  wasmelt cache stats --format prometheus")]
    Stats {
        #[command(flatten)]
        place: PlaceArgs,
        /// How the counts are written
        #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
        format: StatsFormat,
    },
}

/// How counts are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum StatsFormat {
    /// For people
    #[default]
    Human,
    /// One JSON document on standard output
    Json,
    /// Prometheus' text format
    Prometheus,
}

/// What `verify --format json` prints.
#[derive(Debug, Serialize)]
struct Verified {
    good: usize,
    damaged: Vec<Damaged>,
}

/// An entry that was moved aside.
#[derive(Debug, Serialize)]
struct Damaged {
    key: String,
    why: String,
}

/// What `gc --format json` prints.
#[derive(Debug, Serialize)]
struct Collected {
    removed: Vec<String>,
    removed_len_bytes: u64,
    pinned: u64,
    in_use: u64,
    quarantined_removed: u64,
    temporary_removed: u64,
    left_len_bytes: u64,
}

/// Does it.
pub(crate) fn run(args: &CacheArgs) -> Result<(), Failure> {
    let open = |place: &PlaceArgs| place.open(CacheMode::ReadWrite).map_err(failure);
    // What only looks creates no folder, and notes nothing.
    let look_into = |place: &PlaceArgs| match place.open(CacheMode::ReadOnly) {
        Ok(cache) => Ok(Some(cache)),
        Err(CacheError::MissingFolder { .. }) => Ok(None),
        Err(error) => Err(failure(error)),
    };
    match &args.action {
        Action::Ls { place, format } => listing::run(look_into(place)?.as_ref(), *format),
        Action::Path { place } => {
            let folder = place.folder().map_err(failure)?;
            output::print(&format!("{}\n", folder.display()))
        }
        Action::Verify { place, format } => verify(&open(place)?, *format),
        Action::Gc {
            place,
            max_size,
            max_age,
            quarantine,
            format,
        } => {
            let limits = EvictLimits {
                max_len_bytes: *max_size,
                max_age: *max_age,
                is_quarantine_emptied: *quarantine,
            };
            collect(&open(place)?, &limits, *format)
        }
        Action::Rm { place, keys } => remove(&open(place)?, keys),
        Action::Pin { place, key, holder } => {
            let cache = open(place)?;
            cache.pin(&resolve(&cache, key)?, holder).map_err(failure)
        }
        Action::Unpin { place, key, holder } => {
            let cache = open(place)?;
            // A pin may outlive its entry.
            let key = match key.parse() {
                Ok(key) => key,
                Err(_) => resolve(&cache, key)?,
            };
            match cache.unpin(&key, holder).map_err(failure)? {
                true => Ok(()),
                false => Err(Failure::refused_because(
                    "cache",
                    format!("entry {key} is not pinned by {holder}"),
                )),
            }
        }
        Action::Stats { place, format } => {
            let counts = match look_into(place)? {
                Some(cache) => cache.stats().map_err(failure)?,
                None => CacheStats::default(),
            };
            match format {
                StatsFormat::Human => output::print(&stats::text(&counts)),
                StatsFormat::Json => output::print_json(&stats::Report::new(&counts)),
                StatsFormat::Prometheus => output::print(&stats::prometheus(&counts)),
            }
        }
    }
}

fn verify(cache: &Cache, format: Format) -> Result<(), Failure> {
    let mut verified = Verified {
        good: 0,
        damaged: Vec::new(),
    };
    for info in cache.entries().map_err(failure)? {
        let fault = match info.fault {
            Some(fault) => Err(fault.to_string()),
            None => check(cache, &info.key),
        };
        match fault {
            Ok(()) => verified.good += 1,
            Err(why) => {
                cache.quarantine(&info.key, &why).map_err(failure)?;
                verified.damaged.push(Damaged {
                    key: info.key.to_string(),
                    why,
                });
            }
        }
    }
    match format {
        Format::Json => output::print_json(&verified)?,
        Format::Human => {
            let mut text = String::new();
            for damaged in &verified.damaged {
                writeln!(text, "{}  moved aside: {}", damaged.key, damaged.why)
                    .expect("writing to a string succeeds");
            }
            let counts = (verified.good, verified.damaged.len());
            writeln!(text, "{} good, {} damaged", counts.0, counts.1)
                .expect("writing to a string succeeds");
            output::print(&text)?;
        }
    }
    if verified.damaged.is_empty() {
        return Ok(());
    }
    Err(Failure::new(
        Exit::Host,
        "cache",
        anyhow::anyhow!(
            "{} damaged entries were moved aside: look at the disk, and who can write in {}",
            verified.damaged.len(),
            cache.path().display()
        ),
    ))
}

/// Reads an entry, and checks it as far as that goes without loading it.
fn check(cache: &Cache, key: &CacheKey) -> Result<(), String> {
    let entry = cache
        .lookup_strict(key)
        .map_err(|error| error.to_string())?;
    // One that is gone by now is not damaged.
    let Some(entry) = entry else { return Ok(()) };
    let bytes = entry.read().map_err(|error| error.to_string())?;
    Module::artifact_digest(&bytes).map_err(|error| error.to_string())?;
    Ok(())
}

fn collect(cache: &Cache, limits: &EvictLimits, format: Format) -> Result<(), Failure> {
    let evicted = cache.evict(limits).map_err(failure)?;
    let removed_len_bytes = evicted.entries.iter().map(|(_, len_bytes)| len_bytes).sum();
    let collected = Collected {
        removed: evicted
            .entries
            .iter()
            .map(|(key, _)| key.to_string())
            .collect(),
        removed_len_bytes,
        pinned: evicted.pinned,
        in_use: evicted.in_use,
        quarantined_removed: evicted.quarantined,
        temporary_removed: evicted.temporary,
        left_len_bytes: evicted.left_len_bytes,
    };
    if format == Format::Json {
        return output::print_json(&collected);
    }
    let mut text = format!(
        "removed {} entries ({}), {} that had been moved aside, {} temporary files; {} left\n",
        collected.removed.len(),
        listing::size(collected.removed_len_bytes),
        collected.quarantined_removed,
        collected.temporary_removed,
        listing::size(collected.left_len_bytes),
    );
    if collected.pinned + collected.in_use > 0 {
        writeln!(
            text,
            "beyond the limits, but kept: {} pinned, {} in use",
            collected.pinned, collected.in_use
        )
        .expect("writing to a string succeeds");
    }
    output::print(&text)
}

fn remove(cache: &Cache, keys: &[String]) -> Result<(), Failure> {
    // All or, if one cannot be found, none.
    let keys: Vec<_> = keys
        .iter()
        .map(|key| resolve(cache, key))
        .collect::<Result<_, _>>()?;
    for key in keys {
        cache.remove(&key).map_err(failure)?;
    }
    Ok(())
}

/// The entry whose key begins with these digits.
fn resolve(cache: &Cache, digits: &str) -> Result<CacheKey, Failure> {
    let refuse = |reason: String| Failure::refused_because("cache", reason);
    let is_hex = |digit: char| matches!(digit, '0'..='9' | 'a'..='f');
    if !(4..=64).contains(&digits.len()) || !digits.chars().all(is_hex) {
        return Err(refuse(format!(
            "{digits:?} is no key: give at least 4 of its hexadecimal digits, as `wasmelt cache ls` shows them"
        )));
    }
    let entries = cache.entries().map_err(failure)?;
    let mut found = entries
        .iter()
        .filter(|entry| entry.key.to_string().starts_with(digits));
    match (found.next(), found.next()) {
        (Some(entry), None) => Ok(entry.key),
        (None, _) => Err(refuse(format!(
            "no entry begins with {digits}: `wasmelt cache ls` lists them"
        ))),
        (Some(_), Some(_)) => Err(refuse(format!(
            "more than one entry begins with {digits}: give more digits"
        ))),
    }
}

/// A time that has passed: a number with `s`, `m`, `h` or `d`.
fn parse_age(text: &str) -> Result<Duration, String> {
    let hint = || "give a number with s, m, h or d".to_owned();
    let digits = text.trim_end_matches(|unit: char| unit.is_ascii_alphabetic());
    let seconds = match &text[digits.len()..] {
        "s" => 1,
        "m" => 60,
        "h" => 60 * 60,
        "d" => 24 * 60 * 60,
        _ => return Err(hint()),
    };
    let number: u64 = digits.parse().map_err(|_| hint())?;
    let seconds = number.checked_mul(seconds).ok_or_else(hint)?;
    Ok(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::parse_age;
    use std::time::Duration;

    #[test]
    fn ages_have_units() {
        assert_eq!(parse_age("0s"), Ok(Duration::ZERO));
        assert_eq!(parse_age("90m"), Ok(Duration::from_mins(90)));
        assert_eq!(parse_age("12h"), Ok(Duration::from_hours(12)));
        assert_eq!(parse_age("30d"), Ok(Duration::from_hours(720)));
        for text in [
            "",
            "d",
            "30",
            "1.5d",
            "-1d",
            "1w",
            "é",
            "99999999999999999999d",
        ] {
            assert!(parse_age(text).is_err(), "{text}");
        }
        assert!(parse_age(&format!("{}d", u64::MAX)).is_err());
    }
}
