//! Reads the cargo features of a package, which are a part of what programs rely on.

use anyhow::{Context, Result};
use serde_json::Value;

use crate::cargo;

/// Names of the features that a package of the workspace or below it has.
pub(crate) fn features_of(package: &str) -> Result<Vec<String>> {
    let metadata = cargo("metadata")
        .args(["--format-version", "1"])
        .read_output()?;
    let metadata: Value = serde_json::from_str(&metadata).context("cargo metadata")?;
    let packages = metadata["packages"].as_array().into_iter().flatten();
    let features = packages
        .filter(|found| found["name"] == package)
        .find_map(|found| found["features"].as_object())
        .with_context(|| format!("cargo metadata does not describe {package}"))?;
    Ok(features.keys().cloned().collect())
}
