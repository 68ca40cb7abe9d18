//! Checks that the commands and paths that documents name exist.
//!
//! Looked at are the code spans (`` `like this` ``) and the fenced blocks of a Markdown file. A span is a path when it
//! has a `/` in it and its first folder exists, or when it is a bare file name with a known extension and stands in
//! the root; a command is a line of a shell block, or a span, that starts with `cargo` or `wasmelt`.

use std::path::Path;

/// Something in code type in a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeText {
    /// The line it is in, from 1.
    pub line: usize,
    /// What it says.
    pub text: String,
}

/// What commands may name.
#[derive(Debug, Default)]
pub struct Commands {
    /// Chores that `cargo xtask` knows.
    pub chores: Vec<String>,
    /// Packages of the workspace.
    pub packages: Vec<String>,
    /// Verbs of the program `wasmelt`.
    pub verbs: Vec<String>,
}

/// Extensions that make a word without a `/` the name of a file in the root.
const ROOT_EXTENSIONS: &[&str] = &["md", "toml"];

/// Code spans and lines of shell blocks in a Markdown text.
#[must_use]
pub fn parse_code_texts(markdown: &str) -> Vec<CodeText> {
    let mut texts = Vec::new();
    let mut fence: Option<String> = None;
    for (index, line) in markdown.lines().enumerate() {
        let trimmed = line.trim_start();
        if let Some(language) = trimmed.strip_prefix("```") {
            fence = if fence.is_some() {
                None
            } else {
                Some(language.trim().to_owned())
            };
        } else if let Some(language) = &fence {
            if matches!(language.as_str(), "sh" | "bash" | "console" | "shell") {
                let command = trimmed.strip_prefix("$ ").unwrap_or(trimmed);
                texts.push(CodeText {
                    line: index + 1,
                    text: command.trim_end().to_owned(),
                });
            }
        } else {
            // Every second piece between backticks is a span.
            let spans = line.split('`').skip(1).step_by(2);
            texts.extend(spans.map(|text| CodeText {
                line: index + 1,
                text: text.to_owned(),
            }));
        }
    }
    texts
}

/// One sentence for each path in `markdown` that does not exist below `workspace_root`.
#[must_use]
pub fn check_paths(document: &str, markdown: &str, workspace_root: &Path) -> Vec<String> {
    parse_code_texts(markdown)
        .iter()
        .flat_map(|code| code.text.split_whitespace().map(|word| (code.line, word)))
        .filter_map(|(line, word)| {
            let path = lookup_path(word, workspace_root)?;
            let missing = !workspace_root.join(path).exists();
            missing.then(|| format!("{document}:{line}: there is no {path}"))
        })
        .collect()
}

/// One sentence for each command in `markdown` that names a chore, package or verb that does not exist.
#[must_use]
pub fn check_commands(document: &str, markdown: &str, commands: &Commands) -> Vec<String> {
    parse_code_texts(markdown)
        .iter()
        .flat_map(|code| code.text.split("&&").map(|command| (code.line, command)))
        .filter_map(|(line, command)| {
            Some(format!(
                "{document}:{line}: {}",
                command_fault(command, commands)?
            ))
        })
        .collect()
}

/// The part of `word` that must exist, if it is a path of this workspace.
fn lookup_path<'a>(word: &'a str, workspace_root: &Path) -> Option<&'a str> {
    // A path may carry a line, a glob or a closing mark; what stands before those must exist.
    let word = word
        .trim_start_matches("./")
        .trim_end_matches([',', ';', ')', '.', ':']);
    let is_plain =
        |character: char| character.is_ascii_alphanumeric() || "._/-".contains(character);
    if word.starts_with(['/', '-', '<', '~']) || word.contains("://") || word.contains("..") {
        return None;
    }
    let plain = &word[..word
        .find(|character| !is_plain(character))
        .unwrap_or(word.len())];
    if let Some((first, _)) = plain.split_once('/') {
        let path = if plain.len() == word.len() {
            plain
        } else {
            &plain[..plain.rfind('/')?]
        };
        let in_this_tree =
            !first.is_empty() && first != "target" && workspace_root.join(first).is_dir();
        return in_this_tree.then_some(path);
    }
    let is_root_file = plain.len() == word.len()
        && Path::new(plain)
            .extension()
            .and_then(|extension| extension.to_str())
            .is_some_and(|extension| ROOT_EXTENSIONS.contains(&extension))
        && plain.starts_with(|character: char| character.is_ascii_uppercase());
    is_root_file.then_some(plain)
}

fn command_fault(command: &str, commands: &Commands) -> Option<String> {
    let mut words = command
        .split_whitespace()
        .skip_while(|word| word.contains('='));
    match words.next()? {
        "cargo" => {
            let words: Vec<&str> = words.filter(|word| !word.starts_with('+')).collect();
            if words.first() == Some(&"xtask") {
                let chore = words.get(1).filter(|word| is_name(word))?;
                let known = commands.chores.iter().any(|known| known == chore);
                return (!known).then(|| format!("`cargo xtask` has no chore {chore}"));
            }
            let flag = words
                .iter()
                .position(|word| matches!(*word, "-p" | "--package"))?;
            let package = words.get(flag + 1).filter(|word| is_name(word))?;
            let known = commands.packages.iter().any(|known| known == package);
            (!known).then(|| format!("there is no package {package}"))
        }
        "wasmelt" => {
            let verb = words.next().filter(|word| is_name(word))?;
            let known = commands.verbs.iter().any(|known| known == verb);
            (!known).then(|| format!("`wasmelt` has no verb {verb}"))
        }
        _ => None,
    }
}

/// Whether `word` is a literal name, not an option or a placeholder.
fn is_name(word: &str) -> bool {
    word.starts_with(|character: char| character.is_ascii_lowercase())
        && word.chars().all(|character| {
            character.is_ascii_lowercase() || character.is_ascii_digit() || character == '-'
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::workspace_root;

    #[test]
    fn spans_and_shell_lines_are_code_and_other_blocks_are_not() {
        let markdown = "Run `a b`, then `c`.\n```sh\n$ d e\n```\n```rust\nuse f;\n```\nand `g`\n";
        let texts: Vec<(usize, String)> = parse_code_texts(markdown)
            .into_iter()
            .map(|code| (code.line, code.text))
            .collect();
        let expected = [(1, "a b"), (1, "c"), (3, "d e"), (8, "g")];
        assert_eq!(texts, expected.map(|(line, text)| (line, text.to_owned())));
    }

    #[test]
    fn a_path_that_does_not_exist_is_named_with_its_line() {
        let markdown = "See `tests/src/corpus.rs`,\n`tests/src/nowhere.rs` and `NOWHERE.md`.\n";
        let expected = [
            "a.md:2: there is no tests/src/nowhere.rs",
            "a.md:2: there is no NOWHERE.md",
        ];
        assert_eq!(check_paths("a.md", markdown, workspace_root()), expected);
    }

    #[test]
    fn what_is_not_a_path_of_this_tree_is_left_alone() {
        let markdown = "`i32/i64`, `/proc/self/fd`, `https://example.org/tests/x`, `tests/src/*.rs`, `../shared/x`, \
                        `target/debug/x`, `tests/src/corpus.rs:12`, `a.wasm`, `--flag=tests/x`\n";
        assert!(check_paths("a.md", markdown, workspace_root()).is_empty());
    }

    #[test]
    fn commands_name_chores_packages_and_verbs_that_exist() {
        let commands = Commands {
            chores: vec!["lint".into()],
            packages: vec!["wasmelt-abi".into()],
            verbs: vec!["run".into()],
        };
        let sound = "`cargo xtask lint`\n```sh\nA=1 cargo test -p wasmelt-abi && wasmelt run x.wasm\n```\n`wasmelt`, \
                     `cargo xtask <chore>`, `cargo xtask`\n";
        assert!(check_commands("a.md", sound, &commands).is_empty());
        let unsound = "`cargo xtask lin`\n`cargo test -p wasmelt-ab`\n`wasmelt go`\n";
        let expected = [
            "a.md:1: `cargo xtask` has no chore lin",
            "a.md:2: there is no package wasmelt-ab",
            "a.md:3: `wasmelt` has no verb go",
        ];
        assert_eq!(check_commands("a.md", unsound, &commands), expected);
    }
}
