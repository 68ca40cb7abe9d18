//! Writes the table of all items with their verdicts, `docs/wasmi-compatibility.md`.

use std::fmt::Write;

use crate::compat::judge::{Judged, Judgement};
use crate::compat::verdicts::Kind;

/// Of implementations for tuples of 1, 2, 3 … types, those that stand for all others.
const SHOWN_TUPLES: [usize; 3] = [0, 1, 16];

/// How many items have which verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) same: usize,
    pub(crate) different: usize,
    pub(crate) absent: usize,
}

impl Counts {
    pub(crate) fn of(judgement: &Judgement<'_>) -> Self {
        let mut counts = Self::default();
        for judged in judgement.owners.values().flatten() {
            match judged.entry.map(|entry| entry.kind) {
                None => counts.same += 1,
                Some(Kind::Different | Kind::Behaviour) => counts.different += 1,
                Some(Kind::Absent) => counts.absent += 1,
            }
        }
        counts
    }
}

/// The whole document.
pub(crate) fn write(judgement: &Judgement<'_>, version: &str) -> String {
    let Counts {
        same,
        different,
        absent,
    } = Counts::of(judgement);
    let mut text = format!(
        "# Every public item of wasmi {version}, and whether wasmelt has it

`cargo xtask compat` writes this page from what rustdoc says about both crates and from the reasons in
[wasmi-differences.txt](wasmi-differences.txt); do not edit it. CI fails if it is not up to date. What the differences
mean for a program is in [switching-from-wasmi.md](switching-from-wasmi.md).

| same | different | absent | items |
|---|---|---|---|
| {same} | {different} | {absent} | {} |

*Same*: path, kind, parameters, bounds and result are equal. *Different*: it is declared differently, or does something
else, and the reason says what. *Absent*: it does not exist. Both crates have their default
features; the two methods of `Config` that wasmi's feature `simd` adds always exist here. Names of parameters are left
out, and those of modules except where an item is defined. `impl`s that a macro writes for tuples of each length are
counted, but only those for 1 and 16 types are listed.
",
        same + different + absent
    );
    for (owner, rows) in &judgement.owners {
        let _ = write!(text, "\n## {owner}\n\n| item | verdict |\n|---|---|\n");
        for judged in rows {
            write_row(&mut text, judged);
        }
    }
    text
}

fn write_row(text: &mut String, Judged { row, entry }: &Judged<'_>) {
    let item = row.text().replace('|', "\\|");
    let _ = match entry {
        Some(entry) => writeln!(text, "| `{item}` | {}: {} |", entry.kind, entry.reason),
        None if SHOWN_TUPLES.contains(&row.tuple_len()) => writeln!(text, "| `{item}` | same |"),
        None => Ok(()),
    };
}
