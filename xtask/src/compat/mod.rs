//! Compares the public items of wasmelt with those of wasmi, and writes or checks the table of them.

mod canonical;
mod document;
mod features;
mod judge;
mod row;
mod surface;
mod verdicts;

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::compat::surface::Surface;
use crate::{cargo, root};

const TABLE: &str = "docs/wasmi-compatibility.md";
const DIFFERENCES: &str = "docs/wasmi-differences.txt";

/// Writes the table, or with `--check` only says whether it is up to date.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let is_check = match arguments {
        [] => false,
        [only] if only == "--check" => true,
        [first, ..] => bail!("this chore takes no argument but --check, and was given {first:?}"),
    };
    let folder = document_crates()?;
    let mut theirs = Surface::read(&folder, "wasmi", &["wasmi_core"])?;
    let mut ours = Surface::read(&folder, "wasmelt", &["wasmelt_abi"])?;
    for (surface, package) in [(&mut theirs, "wasmi"), (&mut ours, "wasmelt")] {
        surface.add_features(features::features_of(package)?);
    }
    let differences = root().join(DIFFERENCES);
    let entries = fs::read_to_string(&differences)
        .with_context(|| format!("cannot read {DIFFERENCES}"))
        .and_then(|text| verdicts::parse(&text).context(DIFFERENCES))?;
    let judgement = judge::judge(&theirs, &ours, &entries);
    if !judgement.complaints.is_empty() {
        let complaints = judgement.complaints.join("\n");
        bail!("{DIFFERENCES} does not describe the crates:\n{complaints}");
    }
    let text = document::write(&judgement, &wasmi_version()?);
    let table = root().join(TABLE);
    if !is_check {
        fs::write(&table, &text).with_context(|| format!("cannot write {TABLE}"))?;
    } else if fs::read_to_string(&table).ok().as_ref() != Some(&text) {
        bail!("{TABLE} is not up to date: run `cargo xtask compat`");
    }
    println!("{:?}", document::Counts::of(&judgement));
    Ok(())
}

/// Has rustdoc describe the crates; gives the folder of its files.
fn document_crates() -> Result<PathBuf> {
    let script = root().join("xtask/src/compat/rustdoc.sh");
    for package in ["wasmi", "wasmi_core", "wasmelt-abi", "wasmelt"] {
        cargo("rustdoc")
            .args(["--quiet", "-p", package, "--lib"])
            .args(["--", "-Zunstable-options", "--output-format", "json"])
            .env("RUSTDOC", &script)
            .run()?;
    }
    let target = std::env::var_os("CARGO_TARGET_DIR");
    Ok(target
        .map_or_else(|| root().join("target"), PathBuf::from)
        .join("doc"))
}

/// The version that the workspace builds.
fn wasmi_version() -> Result<String> {
    let lock = fs::read_to_string(root().join("Cargo.lock")).context("cannot read Cargo.lock")?;
    let mut lines = lock.lines().skip_while(|line| *line != "name = \"wasmi\"");
    let version = lines.nth(1).and_then(|line| line.split('"').nth(1));
    version
        .map(str::to_owned)
        .context("Cargo.lock does not mention wasmi")
}
