//! Finds the commands that the README promises, so that CI runs the very same ones.
//!
//! A command is the fenced code block after a line `<!-- command: NAME -->`.

use anyhow::{Context, Result, bail};

/// The README's two promises, in the order in which a newcomer reads them.
pub(crate) const COMMANDS: [&str; 2] = ["demo", "test"];

/// The command called `name` in the README of the folder `root`.
pub(crate) fn read_command(root: &std::path::Path, name: &str) -> Result<String> {
    let path = root.join("README.md");
    let text = std::fs::read_to_string(&path)
        .with_context(|| format!("cannot read {}", path.display()))?;
    find_command(&text, name).with_context(|| format!("{}", path.display()))
}

fn find_command(text: &str, name: &str) -> Result<String> {
    let marker = format!("<!-- command: {name} -->");
    let mut lines = text.lines().skip_while(|line| line.trim() != marker);
    if lines.next().is_none() {
        bail!("no line says `{marker}`");
    }
    let mut lines = lines.skip_while(|line| line.trim().is_empty());
    if !lines
        .next()
        .is_some_and(|line| line.trim().starts_with("```"))
    {
        bail!("no code block follows `{marker}`");
    }
    let mut command = String::new();
    for line in lines {
        if line.trim() == "```" {
            if command.trim().is_empty() {
                bail!("the code block after `{marker}` is empty");
            }
            return Ok(command);
        }
        command.push_str(line.trim_start().strip_prefix("$ ").unwrap_or(line));
        command.push('\n');
    }
    bail!("the code block after `{marker}` does not end");
}

#[cfg(test)]
mod tests {
    use super::find_command;

    const README: &str = "# x\n\n<!-- command: demo -->\n```sh\n$ cargo run\n$ echo done\n```\n\n\
                          <!-- command: test -->\n\n```\ncargo test\n```\n\
                          <!-- command: bare -->\ntext\n<!-- command: open -->\n```\nx\n";

    #[test]
    fn the_block_after_the_marker_is_the_command() {
        let find = |name| find_command(README, name).expect("it is there");
        assert_eq!(find("demo"), "cargo run\necho done\n");
        assert_eq!(find("test"), "cargo test\n");
    }

    #[test]
    fn a_command_that_is_not_there_is_an_error() {
        for (name, expected) in [
            ("none", "no line says `<!-- command: none -->`"),
            ("bare", "no code block follows `<!-- command: bare -->`"),
            (
                "open",
                "the code block after `<!-- command: open -->` does not end",
            ),
        ] {
            assert_eq!(
                find_command(README, name).expect_err(name).to_string(),
                expected
            );
        }
    }
}
