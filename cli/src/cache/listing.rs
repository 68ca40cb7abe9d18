//! `wasmelt cache ls`: the entries as a table or as JSON.

use super::failure;
use crate::{args::Format, describe::hex, failure::Failure, input::stored_descriptor, output};
use serde::Serialize;
use std::{
    cmp::Reverse,
    fmt::Write as _,
    io::Read as _,
    time::{Duration, SystemTime},
};
use wasmelt::{Cache, EntryInfo};

/// Digits of a key that a table shows; they are enough to name an entry.
const SHOWN_DIGITS: usize = 16;
/// How much of an entry says what it is.
const HEAD_LEN_BYTES: u64 = 4096;

/// An entry, and what it says of itself.
#[derive(Debug, Serialize)]
struct Row {
    key: String,
    len_bytes: u64,
    /// Seconds since 1970.
    last_used: u64,
    pinned_by: Vec<String>,
    in_use: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    fault: Option<String>,
    /// Nothing, if it is no artifact of this version.
    #[serde(flatten)]
    artifact: Option<Artifact>,
}

/// What an artifact says of itself; it is not checked.
#[derive(Debug, Serialize)]
struct Artifact {
    compiler: String,
    cpu_level: String,
    wasm_sha256: String,
}

/// Prints the list; without a cache there are no entries.
pub(super) fn run(cache: Option<&Cache>, format: Format) -> Result<(), Failure> {
    let mut rows = Vec::new();
    if let Some(cache) = cache {
        let mut entries = cache.entries().map_err(failure)?;
        entries.sort_by_key(|entry| Reverse(entry.used));
        rows.extend(entries.into_iter().map(|entry| Row::new(cache, entry)));
    }
    match format {
        Format::Json => output::print_json(&rows),
        Format::Human => output::print(&table(&rows, SystemTime::now())),
    }
}

impl Row {
    fn new(cache: &Cache, info: EntryInfo) -> Self {
        let since = info.used.duration_since(SystemTime::UNIX_EPOCH);
        Self {
            key: info.key.to_string(),
            len_bytes: info.len_bytes,
            last_used: since.unwrap_or_default().as_secs(),
            artifact: read_artifact(cache, &info),
            fault: info.fault.map(|fault| fault.to_string()),
            pinned_by: info.holders,
            in_use: info.is_in_use,
        }
    }
}

fn read_artifact(cache: &Cache, info: &EntryInfo) -> Option<Artifact> {
    let entry = cache.lookup_strict(&info.key).ok()??;
    let mut head = Vec::new();
    let mut file = entry.file().take(HEAD_LEN_BYTES);
    file.read_to_end(&mut head).ok()?;
    let descriptor = stored_descriptor(&head)?;
    Some(Artifact {
        compiler: descriptor.compiler_version().to_owned(),
        cpu_level: descriptor.cpu_level.to_string(),
        wasm_sha256: hex(&descriptor.wasm_sha256),
    })
}

fn table(rows: &[Row], now: SystemTime) -> String {
    if rows.is_empty() {
        return "no entries\n".to_owned();
    }
    let mut text = format!(
        "{:<SHOWN_DIGITS$}  {:>10}  {:>9}  {:<16}  {:<10}  {:<10}  NOTES\n",
        "KEY", "SIZE", "USED", "MODULE", "CPU", "COMPILER"
    );
    for row in rows {
        let used = SystemTime::UNIX_EPOCH + Duration::from_secs(row.last_used);
        let [module, cpu, compiler] = match &row.artifact {
            Some(artifact) => [
                &artifact.wasm_sha256[..16],
                &artifact.cpu_level,
                &artifact.compiler,
            ],
            None => ["not ours", "", ""],
        };
        let mut notes = Vec::new();
        if let Some(fault) = &row.fault {
            notes.push(format!("never used: it {fault}"));
        }
        if row.in_use {
            notes.push("in use".to_owned());
        }
        if !row.pinned_by.is_empty() {
            notes.push(format!("pinned by {}", row.pinned_by.join(", ")));
        }
        let line = format!(
            "{:<SHOWN_DIGITS$}  {:>10}  {:>9}  {module:<16}  {cpu:<10}  {compiler:<10}  {}",
            &row.key[..SHOWN_DIGITS],
            size(row.len_bytes),
            age(now.duration_since(used).unwrap_or_default()),
            notes.join("; "),
        );
        writeln!(text, "{}", line.trim_end()).expect("writing to a string succeeds");
    }
    text
}

/// A length for people.
pub(super) fn size(len_bytes: u64) -> String {
    indicatif::BinaryBytes(len_bytes).to_string()
}

/// How long ago something was, for people.
fn age(age: Duration) -> String {
    match age.as_secs() {
        0..3600 => "now".to_owned(),
        seconds @ 3600..172_800 => format!("{} h ago", seconds / 3600),
        seconds => format!("{} d ago", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::{Artifact, Row, age, table};
    use std::time::{Duration, SystemTime};

    #[test]
    fn a_table_shows_each_entry_on_a_line() {
        let row = |byte: u8, hours: u64, artifact| Row {
            key: format!("{byte:02x}").repeat(32),
            len_bytes: 3 << 20,
            last_used: 1_000_000 - hours * 3600,
            pinned_by: Vec::new(),
            in_use: false,
            fault: None,
            artifact,
        };
        let artifact = Artifact {
            compiler: "0.1.0".into(),
            cpu_level: "x86-64-v2".into(),
            wasm_sha256: "5a".repeat(32),
        };
        let pinned = Row {
            pinned_by: vec!["a".into(), "b".into()],
            in_use: true,
            ..row(0xab, 0, Some(artifact))
        };
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        assert_eq!(
            table(&[pinned, row(0xcd, 50, None)], now),
            "\
KEY                     SIZE       USED  MODULE            CPU         COMPILER    NOTES
abababababababab    3.00 MiB        now  5a5a5a5a5a5a5a5a  x86-64-v2   0.1.0       in use; pinned by a, b
cdcdcdcdcdcdcdcd    3.00 MiB    2 d ago  not ours
"
        );
        assert_eq!(table(&[], now), "no entries\n");
    }

    #[test]
    fn ages_are_as_coarse_as_what_is_noted() {
        let hours = |hours| age(Duration::from_hours(hours));
        assert_eq!(hours(0), "now");
        assert_eq!(hours(1), "1 h ago");
        assert_eq!(hours(47), "47 h ago");
        assert_eq!(hours(48), "2 d ago");
    }
}
