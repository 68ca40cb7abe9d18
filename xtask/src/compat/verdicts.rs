//! Reads why an item of wasmi is not the same here: the hand-written list of differences.

use std::fmt;

use anyhow::{Context, Result, bail};

/// What is said of an item that is not simply the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It is there, but is declared differently.
    Different,
    /// It is declared the same, and does something else.
    Behaviour,
    /// It is not there.
    Absent,
}

/// Items that differ for one reason.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) kind: Kind,
    pub(crate) reason: String,
    pub(crate) patterns: Vec<Pattern>,
}

/// The text of an item, in which `*` stands for anything.
#[derive(Debug)]
pub(crate) struct Pattern {
    text: String,
    pub(crate) line: usize,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Different | Self::Behaviour => "different",
            Self::Absent => "absent",
        })
    }
}

impl Pattern {
    pub(crate) fn matches(&self, item: &str) -> bool {
        let mut parts = self.text.split('*');
        let Some(mut rest) = parts.next().and_then(|first| item.strip_prefix(first)) else {
            return false;
        };
        let mut parts: Vec<_> = parts.collect();
        let Some(last) = parts.pop() else {
            return rest.is_empty();
        };
        for part in parts {
            let Some(at) = rest.find(part) else {
                return false;
            };
            rest = &rest[at + part.len()..];
        }
        rest.ends_with(last)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Reads entries: a line `different: REASON`, `behaviour: REASON` or `absent: REASON`, then one indented line for each item.
pub(crate) fn parse(text: &str) -> Result<Vec<Entry>> {
    let mut entries: Vec<Entry> = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let number = at + 1;
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        if line.starts_with(' ') {
            let entry = entries
                .last_mut()
                .with_context(|| format!("line {number}: an item without a reason above it"))?;
            entry.patterns.push(Pattern {
                text: line.trim().to_owned(),
                line: number,
            });
            continue;
        }
        let (kind, reason) = line
            .split_once(": ")
            .with_context(|| format!("line {number}: neither an item nor a reason"))?;
        let kind = match kind {
            "different" => Kind::Different,
            "behaviour" => Kind::Behaviour,
            "absent" => Kind::Absent,
            other => bail!("line {number}: {other:?} is no verdict"),
        };
        entries.push(Entry {
            kind,
            reason: reason.to_owned(),
            patterns: Vec::new(),
        });
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::{Kind, parse};

    #[test]
    fn an_entry_is_a_reason_and_the_items_below_it() {
        let text =
            "# note\nabsent: no such thing\n  pub fn A::*\n  pub B\n\ndifferent: so\n  pub C\n";
        let entries = parse(text).expect("the list is well formed");
        assert_eq!(entries.len(), 2);
        assert_eq!(entries[0].kind, Kind::Absent);
        assert_eq!(entries[0].reason, "no such thing");
        assert_eq!(entries[0].patterns[1].line, 4);
    }

    #[test]
    fn a_star_stands_for_anything() {
        let check = |pattern: &str, item: &str| {
            let entries = parse(&format!("absent: x\n  {pattern}\n")).expect("well formed");
            entries[0].patterns[0].matches(item)
        };
        assert!(check("pub fn A::*", "pub fn A::b()"));
        assert!(check("*A*c*", "impl A for bcd"));
        assert!(check("pub A", "pub A"));
        assert!(!check("pub A", "pub AB"));
        assert!(!check("*b", "ba"));
        assert!(!check("ab*b", "ab"));
    }

    #[test]
    fn what_is_neither_is_refused_with_its_line() {
        for (text, expected) in [
            ("  pub A", "line 1"),
            ("\nmaybe: x", "line 2"),
            ("nothing", "line 1"),
        ] {
            let error = parse(text).expect_err("not well formed").to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
