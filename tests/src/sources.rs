//! Checks what every source file owes its reader: a caption, and an entry in the list of unsafe modules.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;

/// The document that lists every module with unsafe code.
pub const UNSAFE_LIST: &str = "docs/unsafe.md";

/// A source file: its path below the workspace, with `/` between folders, and its text.
#[derive(Debug)]
pub struct SourceFile {
    /// Where it is.
    pub path: String,
    /// What it says.
    pub text: String,
}

/// Every file below `workspace_root` with this extension, in order of paths; build output and hidden folders excepted.
///
/// # Errors
///
/// When a folder or file cannot be read.
pub fn files_with_extension(workspace_root: &Path, extension: &str) -> io::Result<Vec<SourceFile>> {
    let mut files = Vec::new();
    let mut folders = vec![workspace_root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            if path.is_dir() {
                if !is_build_output(&path) && !name.starts_with('.') {
                    folders.push(path);
                }
            } else if path.extension().is_some_and(|found| found == extension) {
                let text = fs::read_to_string(&path)?;
                let below = path
                    .strip_prefix(workspace_root)
                    .expect("found below the root");
                files.push(SourceFile {
                    path: below.to_string_lossy().replace('\\', "/"),
                    text,
                });
            }
        }
    }
    files.sort_by(|left, right| left.path.cmp(&right.path));
    Ok(files)
}

/// One sentence for each file that does not start with a caption: a line `//! What it is, in a sentence.`
///
/// Scripts (`#!/…`) and generated files (`@generated` in the first line) need none.
#[must_use]
pub fn check_captions(files: &[SourceFile]) -> Vec<String> {
    files
        .iter()
        .filter_map(|file| Some(format!("{}: {}", file.path, caption_fault(&file.text)?)))
        .collect()
}

/// One sentence for each difference between the files that allow unsafe code and those that `list` names.
///
/// Tests may be named in running text; a row of a table claims that its file is such a module.
#[must_use]
pub fn check_unsafe_list(files: &[SourceFile], list: &str) -> Vec<String> {
    let allowing: BTreeSet<&str> = files
        .iter()
        .filter(|file| allows_unsafe(&file.text))
        .map(|file| file.path.as_str())
        .collect();
    let is_source = |word: &&str| {
        Path::new(word)
            .extension()
            .is_some_and(|found| found == "rs")
    };
    let named: BTreeSet<&str> = list.split('`').filter(is_source).collect();
    let claimed: BTreeSet<&str> = list
        .lines()
        .filter(|line| line.starts_with('|'))
        .filter_map(|row| row.split('`').nth(1))
        .filter(is_source)
        .collect();
    let missing = allowing
        .difference(&named)
        .map(|path| format!("{path} allows unsafe code, but {UNSAFE_LIST} does not list it"));
    let stale = claimed.difference(&allowing).map(|path| {
        format!("{UNSAFE_LIST} lists {path}, which has no unsafe code or does not exist")
    });
    missing.chain(stale).collect()
}

fn caption_fault(text: &str) -> Option<&'static str> {
    let first = text.lines().next().unwrap_or_default();
    if first.starts_with("#!/") || first.contains("@generated") {
        return None;
    }
    let Some(caption) = first.strip_prefix("//! ") else {
        return Some("the first line is not a caption (`//! What this file is.`)");
    };
    if caption.split_whitespace().count() < 3 {
        return Some("the caption does not say what the file is");
    }
    None
}

/// Whether an attribute of the file, or of an item in it, allows unsafe code.
fn allows_unsafe(text: &str) -> bool {
    let starts = text.match_indices("unsafe_code").filter_map(|(lint, _)| {
        // The attribute that the word stands in opens at the last `#`, and it opens a line.
        let opening = text[..lint].rfind('#')?;
        let line_start = text[..opening].rfind('\n').map_or(0, |newline| newline + 1);
        text[line_start..opening]
            .trim()
            .is_empty()
            .then_some(&text[opening..lint])
    });
    let openings = ["#![allow(", "#![expect(", "#[allow(", "#[expect("];
    starts.into_iter().any(|attribute| {
        openings
            .iter()
            .any(|opening| attribute.starts_with(opening))
            && !attribute.contains(")]")
    })
}

/// A folder that cargo writes into: it says so itself.
fn is_build_output(folder: &Path) -> bool {
    folder.join("CACHEDIR.TAG").is_file()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> SourceFile {
        SourceFile {
            path: path.into(),
            text: text.into(),
        }
    }

    #[test]
    fn a_caption_is_a_sentence_in_the_first_line() {
        for (text, fault) in [
            ("//! Decides every section.\n", false),
            ("#!/usr/bin/env -S cargo -Zscript\n", false),
            ("// @generated by something\n", false),
            ("//! Placeholder.\n", true),
            ("\n//! Decides every section.\n", true),
            ("use std::fs;\n", true),
            ("", true),
        ] {
            assert_eq!(
                check_captions(&[file("a.rs", text)]).len(),
                usize::from(fault),
                "{text:?}"
            );
        }
    }

    #[test]
    fn the_list_names_exactly_the_files_that_allow_unsafe_code() {
        let files = [
            file(
                "a/one.rs",
                "#![allow(unsafe_code, reason = \"maps memory\")]\n",
            ),
            file(
                "a/two.rs",
                "mod x {\n    #[expect(\n        unsafe_code,\n        reason = \"y\"\n    )]\n}\n",
            ),
            file(
                "a/three.rs",
                "#![allow(\n    unsafe_code,\n    reason = \"z\"\n)]\n",
            ),
            file("a/four.rs", "#![forbid(unsafe_code)]\n// unsafe_code\n"),
        ];
        let complete =
            "| `a/one.rs` | maps |\n| `a/two.rs` | enters |\n\nand in `a/three.rs`, `b.rs`\n";
        assert_eq!(check_unsafe_list(&files, complete), Vec::<String>::new());
        assert_eq!(
            check_unsafe_list(
                &files,
                "| `a/one.rs` | maps `a/three.rs` |\n| `a/four.rs` | gone |\n"
            ),
            [
                "a/two.rs allows unsafe code, but docs/unsafe.md does not list it",
                "docs/unsafe.md lists a/four.rs, which has no unsafe code or does not exist",
            ]
        );
    }
}
