//! Does what a newcomer does: clone into an empty folder, then the README's commands.

use std::time::Instant;

use anyhow::{Context, Result};

use crate::command::Cmd;
use crate::{no_arguments, readme, root};

pub(crate) fn run(arguments: &[String]) -> Result<()> {
    no_arguments(arguments)?;
    let folder = tempfile::tempdir().context("cannot create an empty folder")?;
    let clone = folder.path().join("wasmelt");
    Cmd::new("git")
        .args(["clone", "--quiet", "--no-hardlinks"])
        .arg(root())
        .arg(&clone)
        .run()?;
    for name in readme::COMMANDS {
        let command = readme::read_command(&clone, name)?;
        let start = Instant::now();
        // The clone builds from nothing, in its own folder.
        Cmd::new("env")
            .args(["-u", "CARGO_TARGET_DIR", "bash", "-euc", &command])
            .dir(&clone)
            .run()
            .with_context(|| format!("the README's command {name:?} fails in a fresh clone"))?;
        println!(
            "{name}: {:.0} s from a fresh clone",
            start.elapsed().as_secs_f64()
        );
    }
    Ok(())
}
