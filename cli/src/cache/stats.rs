//! `wasmelt cache stats`: counts for people, for programs, and for Prometheus.

use super::listing::size;
use serde::Serialize;
use std::fmt::Write as _;
use wasmelt::CacheStats;

/// What `--format json` prints.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    entries: u64,
    entries_len_bytes: u64,
    pinned: u64,
    in_use: u64,
    quarantined: u64,
    quarantined_len_bytes: u64,
    temporary: u64,
}

impl Report {
    pub(super) fn new(stats: &CacheStats) -> Self {
        Self {
            entries: stats.entries,
            entries_len_bytes: stats.entries_len_bytes,
            pinned: stats.pinned,
            in_use: stats.in_use,
            quarantined: stats.quarantined,
            quarantined_len_bytes: stats.quarantined_len_bytes,
            temporary: stats.temporary,
        }
    }
}

/// For people.
pub(super) fn text(stats: &CacheStats) -> String {
    format!(
        "entries      {:>8}  {}\n  pinned     {:>8}\n  in use     {:>8}\nmoved aside  {:>8}  {}\ntemporary    {:>8}\n",
        stats.entries,
        size(stats.entries_len_bytes),
        stats.pinned,
        stats.in_use,
        stats.quarantined,
        size(stats.quarantined_len_bytes),
        stats.temporary,
    )
}

/// The text format of Prometheus, version 0.0.4.
pub(super) fn prometheus(stats: &CacheStats) -> String {
    let mut text = String::new();
    for (name, help, value) in [
        ("entries", "Entries in the cache.", stats.entries),
        (
            "entries_bytes",
            "Length of all entries.",
            stats.entries_len_bytes,
        ),
        ("pinned_entries", "Entries that are pinned.", stats.pinned),
        (
            "in_use_entries",
            "Entries that a process has open.",
            stats.in_use,
        ),
        (
            "quarantined_entries",
            "Entries that were moved aside.",
            stats.quarantined,
        ),
        (
            "quarantined_bytes",
            "Length of what was moved aside.",
            stats.quarantined_len_bytes,
        ),
        (
            "temporary_files",
            "Files that are being written, or that killed writers left.",
            stats.temporary,
        ),
    ] {
        write!(
            text,
            "# HELP wasmelt_cache_{name} {help}\n# TYPE wasmelt_cache_{name} gauge\nwasmelt_cache_{name} {value}\n"
        )
        .expect("writing to a string succeeds");
    }
    text
}
