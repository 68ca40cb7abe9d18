//! Gives each item of wasmi its verdict, and complains about what has none and about entries that say nothing.

use std::collections::{BTreeMap, BTreeSet};

use crate::compat::row::Row;
use crate::compat::surface::Surface;
use crate::compat::verdicts::{Entry, Kind};

/// Verdicts by owner, in the order in which they are printed.
pub(crate) struct Judgement<'a> {
    pub(crate) owners: BTreeMap<String, Vec<Judged<'a>>>,
    /// What is wrong with the list of differences, a line each.
    pub(crate) complaints: Vec<String>,
}

/// An item with what is said of it; nothing, if it is the same.
pub(crate) struct Judged<'a> {
    pub(crate) row: &'a Row,
    pub(crate) entry: Option<&'a Entry>,
}

pub(crate) fn judge<'a>(
    theirs: &'a Surface,
    ours: &Surface,
    entries: &'a [Entry],
) -> Judgement<'a> {
    let mut owners: BTreeMap<String, Vec<Judged<'a>>> = BTreeMap::new();
    let mut complaints = Vec::new();
    let mut used = BTreeSet::new();
    for row in theirs.rows() {
        let found = ours.lookup_path(&row.path());
        let is_same = ours.contains(row);
        let kinds: &[Kind] = match found {
            _ if is_same => &[Kind::Behaviour],
            Some(_) => &[Kind::Different],
            None if row.is_impl() => &[Kind::Absent, Kind::Different],
            None => &[Kind::Absent],
        };
        let mut matching = entries.iter().flat_map(|entry| {
            let patterns = entry.patterns.iter().map(move |pattern| (entry, pattern));
            patterns.filter(|(_, pattern)| pattern.matches(row.text()))
        });
        let entry = matching.find(|(entry, _)| kinds.contains(&entry.kind));
        if let Some((_, pattern)) = entry {
            used.insert(pattern.line);
        } else if !is_same {
            complaints.push(match found {
                Some(found) => format!("differs: {}\n     but: {}", row.text(), found.text()),
                None => format!("absent:  {}", row.text()),
            });
        }
        owners.entry(theirs.owner(row)).or_default().push(Judged {
            row,
            entry: entry.map(|(entry, _)| entry),
        });
    }
    let patterns = entries.iter().flat_map(|entry| &entry.patterns);
    for pattern in patterns.filter(|pattern| !used.contains(&pattern.line)) {
        complaints.push(format!(
            "line {}: superfluous, no item has this verdict: {pattern}",
            pattern.line
        ));
    }
    Judgement { owners, complaints }
}
