//! The programs see the same with wasmi and with wasmelt, except for what is listed with its reason.

use std::collections::BTreeMap;

use wasmelt_twins::PROGRAMS;
use wasmelt_twins_oracle::PROGRAMS as ORACLES;

/// Lines that differ: a program, a key, what wasmi gives, what wasmelt gives.
const DIFFERENCES: &str = include_str!("differences.txt");

/// What both give, by program and key.
#[derive(Debug, PartialEq, Eq)]
struct Difference {
    wasmi: String,
    wasmelt: String,
}

type Differences = BTreeMap<(String, String), Difference>;

/// A missing line, which one of both wrote.
const NOTHING: &str = "-";

/// One entry for each line that one of both writes, and the other does not write alike.
fn compare() -> Differences {
    let mut differences = Differences::new();
    for (program, oracle) in PROGRAMS.iter().zip(ORACLES) {
        assert_eq!(
            program.0, oracle.0,
            "both are compiled from the same sources"
        );
        let ours = wasmelt_twins::run(program);
        let theirs = wasmelt_twins_oracle::run(oracle);
        assert!(
            theirs.len() > 1,
            "{}: it has hardly seen anything",
            program.0
        );
        let texts = |lines: Vec<(String, String)>| {
            let mut texts: BTreeMap<String, String> = BTreeMap::new();
            for (key, text) in lines {
                let key = unify(&key);
                // What happens again under the same key is another line.
                let times = (1..).map(|time| match time {
                    1 => key.clone(),
                    time => format!("{key} (time {time})"),
                });
                let key = times
                    .into_iter()
                    .find(|key| !texts.contains_key(key))
                    .expect("there are numbers enough");
                texts.insert(key, unify(&text));
            }
            texts
        };
        let (ours, theirs) = (texts(ours), texts(theirs));
        for key in ours.keys().chain(theirs.keys()) {
            let text = |texts: &BTreeMap<String, String>| {
                texts
                    .get(key)
                    .cloned()
                    .unwrap_or_else(|| NOTHING.to_owned())
            };
            let (wasmi, wasmelt) = (text(&theirs), text(&ours));
            if wasmi != wasmelt {
                let at = (program.0.to_owned(), key.clone());
                differences.insert(at, Difference { wasmi, wasmelt });
            }
        }
    }
    differences
}

/// What the debug forms of types and handles have of each crate's own making, and what both have.
const FORMS: [(&str, &str); 9] = [
    ("core: FuncType { ", ""),
    ("core: TableType { ", ""),
    ("core: MemoryType { inner: MemoryTypeInner { ", ""),
    (", page_size_log2: 16", ""),
    ("index_type: I", "is_64: I"),
    ("index_ty: I", "is_64: I"),
    ("min: ", "minimum: "),
    ("max: ", "maximum: "),
    (" }", ""),
];

/// One line in which debug forms differ only in what they say.
fn unify(text: &str) -> String {
    let mut text = text
        .replace("is_64: false", "is_64: I32")
        .replace("is_64: true", "is_64: I64");
    for handle in ["(Stored {", "(Owned {"] {
        while let Some(start) = text.find(handle) {
            let len = text[start..].find("})").expect("it is closed");
            text.replace_range(start..start + len + 2, "(handle)");
        }
    }
    for (from, to) in FORMS {
        text = text.replace(from, to);
    }
    escape(&text)
}

/// One line, whatever it was.
fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\n', "\\n")
}

/// Reads the list; an entry without a reason is none.
fn listed() -> Differences {
    let mut differences = Differences::new();
    let mut has_reason = false;
    let mut program = String::new();
    let mut key = None;
    let mut wasmi = None;
    for (at, line) in DIFFERENCES.lines().enumerate() {
        let line_number = at + 1;
        if let Some(text) = line.strip_prefix("    wasmi: ") {
            wasmi = Some(text.to_owned());
        } else if let Some(text) = line.strip_prefix("    wasmelt: ") {
            assert!(has_reason, "line {line_number}: nothing says why");
            let key = key.take().expect("a key above it");
            let wasmi = wasmi.take().expect("wasmi's line above it");
            let wasmelt = text.to_owned();
            differences.insert((program.clone(), key), Difference { wasmi, wasmelt });
        } else if let Some(text) = line.strip_prefix("  ") {
            key = Some(text.to_owned());
        } else if let Some(text) = line.strip_prefix("program: ") {
            program = text.to_owned();
            has_reason = false;
        } else if line.starts_with("why: ") {
            has_reason = true;
        } else {
            assert!(
                line.is_empty() || line.starts_with('#'),
                "line {line_number}: {line}"
            );
        }
    }
    differences
}

fn lines(differences: &Differences, other: &Differences) -> String {
    let mut text = String::new();
    for ((program, key), difference) in differences {
        if other.get(&(program.clone(), key.clone())) != Some(difference) {
            text += &format!(
                "program: {program}\n  {key}\n    wasmi: {}\n    wasmelt: {}\n",
                difference.wasmi, difference.wasmelt
            );
        }
    }
    text
}

#[test]
fn programs_see_the_same_except_for_what_is_listed() {
    let (found, listed) = (compare(), listed());
    let (new, old) = (lines(&found, &listed), lines(&listed, &found));
    assert!(
        new.is_empty() && old.is_empty(),
        "not listed:\n{new}\nlisted, but no longer so:\n{old}"
    );
}

#[test]
fn every_example_of_the_documentation_is_found() {
    let examples = PROGRAMS
        .iter()
        .find(|(name, _)| name.starts_with("examples"));
    let lines = wasmelt_twins::run(examples.expect("it is a program"));
    assert_ne!(lines[0], ("number".to_owned(), "0".to_owned()));
    assert!(
        lines.iter().any(|(_, text)| text.contains("WebAssembly")),
        "{lines:?}"
    );
}
