//! Compares the dependencies between our crates with the table of who may know whom.
//!
//! The edges are the real ones, from `cargo metadata`. A new edge is a change of the design: it belongs in the table
//! of `ARCHITECTURE.md` and in [`RULES`] before it belongs in a `Cargo.toml`. Dev-dependencies are free, since nothing
//! that is shipped follows them.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use serde::Deserialize;
use thiserror::Error;

/// Which of our packages one of our packages may depend on.
#[derive(Debug)]
pub struct Rule {
    /// The package.
    pub package: &'static str,
    /// Packages it may depend on in every build.
    pub always: &'static [&'static str],
    /// Packages it may depend on behind a feature only.
    pub optional: &'static [&'static str],
}

/// What an embedder can link: everything but the command line, the chores and the evidence.
const LIBRARIES: &[&str] = &[
    "wasmelt",
    "wasmelt-abi",
    "wasmelt-cache",
    "wasmelt-code-check",
    "wasmelt-compiler",
    "wasmelt-loader",
];

/// The table. Packages that are not in it are refused until they are; see also [`check_edges`] on evidence.
pub const RULES: &[Rule] = &[
    Rule {
        package: "wasmelt-abi",
        always: &[],
        optional: &[],
    },
    Rule {
        package: "wasmelt-compiler",
        always: &["wasmelt-abi"],
        optional: &[],
    },
    Rule {
        package: "wasmelt-loader",
        always: &["wasmelt-abi"],
        optional: &[],
    },
    Rule {
        package: "wasmelt",
        always: &["wasmelt-abi", "wasmelt-loader"],
        optional: &["wasmelt-cache", "wasmelt-compiler"],
    },
    Rule {
        package: "wasmelt-cache",
        always: &[],
        optional: &[],
    },
    Rule {
        package: "wasmelt-code-check",
        always: &["wasmelt-abi"],
        optional: &[],
    },
    Rule {
        package: "wasmelt-cli",
        always: LIBRARIES,
        optional: &["wasmelt-measure", "wasmelt-spec-tests"],
    },
    Rule {
        package: "wasmelt-runtime-layer",
        always: &["wasmelt"],
        optional: &[],
    },
    Rule {
        package: "wasmelt-c-api",
        always: &["wasmelt", "wasmelt-abi", "wasmelt-loader"],
        optional: &[],
    },
    Rule {
        package: "wasmelt-sightglass",
        always: &["wasmelt", "wasmelt-abi"],
        optional: &[],
    },
    Rule {
        package: "xtask",
        always: &[],
        optional: &[],
    },
];

/// Packages that are evidence: they may depend on the libraries and on each other, and nothing else on them.
pub const EVIDENCE: &[&str] = &[
    "wasmelt-benches",
    "wasmelt-example-load-only",
    "wasmelt-example-opentelemetry",
    "wasmelt-example-prometheus",
    "wasmelt-examples",
    "wasmelt-fuzz",
    "wasmelt-measure",
    "wasmelt-runtime-layer-suite",
    "wasmelt-spec-tests",
    "wasmelt-tests",
    "wasmelt-twins",
    "wasmelt-twins-oracle",
];

/// One of our packages depending on another package, ours or not.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edge {
    /// Who depends.
    pub from: String,
    /// On what.
    pub to: String,
    /// Whether only behind a feature.
    pub optional: bool,
}

/// The packages of a workspace and what they depend on, dev-dependencies left out.
#[derive(Debug)]
pub struct Graph {
    /// Names of the workspace's packages.
    pub packages: BTreeSet<String>,
    /// What they depend on.
    pub edges: BTreeSet<Edge>,
}

/// Why the dependencies cannot be read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum GraphError {
    /// Cargo cannot be started.
    #[error("cannot start cargo {arguments}")]
    Start {
        /// What it should have done.
        arguments: String,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// Cargo failed.
    #[error("cargo {arguments} failed: {stderr}")]
    Failed {
        /// What it should have done.
        arguments: String,
        /// What it said.
        stderr: String,
    },
    /// Cargo's description does not have the expected shape.
    #[error("cannot understand cargo metadata")]
    Parse(#[from] serde_json::Error),
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    kind: Option<String>,
    optional: bool,
}

impl Graph {
    /// The dependencies of the workspace at `workspace_root`.
    ///
    /// # Errors
    ///
    /// When cargo cannot be asked.
    pub fn of_workspace(workspace_root: &Path) -> Result<Self, GraphError> {
        let arguments = [
            "metadata",
            "--format-version",
            "1",
            "--no-deps",
            "--offline",
        ];
        Ok(Self::parse(&cargo(workspace_root, &arguments)?)?)
    }

    /// The dependencies that the output of `cargo metadata` describes.
    ///
    /// # Errors
    ///
    /// When it does not have the expected shape.
    pub fn parse(metadata: &str) -> Result<Self, serde_json::Error> {
        let metadata: Metadata = serde_json::from_str(metadata)?;
        let mut graph = Self {
            packages: BTreeSet::new(),
            edges: BTreeSet::new(),
        };
        for package in metadata.packages {
            for dependency in package.dependencies {
                if dependency.kind.as_deref() != Some("dev") {
                    graph.edges.insert(Edge {
                        from: package.name.clone(),
                        to: dependency.name,
                        optional: dependency.optional,
                    });
                }
            }
            graph.packages.insert(package.name);
        }
        Ok(graph)
    }
}

/// Compares `graph` with [`RULES`] and gives one sentence for each deviation.
#[must_use]
pub fn check_edges(graph: &Graph) -> Vec<String> {
    let mut deviations = Vec::new();
    for package in &graph.packages {
        let known = RULES.iter().any(|rule| rule.package == package)
            || EVIDENCE.contains(&package.as_str())
            || is_integration(package);
        if !known {
            deviations.push(format!(
                "{package} is not in the table of who may know whom"
            ));
        }
    }
    for edge in graph
        .edges
        .iter()
        .filter(|edge| graph.packages.contains(&edge.to))
    {
        if !is_allowed(edge) {
            let how = if edge.optional {
                "behind a feature"
            } else {
                "in every build"
            };
            deviations.push(format!("{} depends on {} {how}", edge.from, edge.to));
        }
    }
    deviations
}

/// Names of all packages that `package` is built from when it has no default feature, itself included.
///
/// # Errors
///
/// When cargo cannot be asked.
pub fn packages_without_default_features(
    workspace_root: &Path,
    package: &str,
) -> Result<BTreeSet<String>, GraphError> {
    let tree = cargo(
        workspace_root,
        &[
            "tree",
            "--offline",
            "-p",
            package,
            "--no-default-features",
            "-e",
            "normal",
            "--prefix",
            "none",
            "--format",
            "{p}",
        ],
    )?;
    Ok(tree
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .map(str::to_owned)
        .collect())
}

fn is_allowed(edge: &Edge) -> bool {
    if let Some(rule) = RULES.iter().find(|rule| rule.package == edge.from) {
        return rule.always.contains(&edge.to.as_str())
            || edge.optional && rule.optional.contains(&edge.to.as_str());
    }
    if EVIDENCE.contains(&edge.from.as_str()) {
        return LIBRARIES.contains(&edge.to.as_str()) || EVIDENCE.contains(&edge.to.as_str());
    }
    is_integration(&edge.from) && edge.to == "wasmelt"
}

/// Adapters to host worlds lie in `integrations/` and are called after them.
fn is_integration(package: &str) -> bool {
    package.starts_with("wasmelt-integration-")
}

fn cargo(folder: &Path, arguments: &[&str]) -> Result<String, GraphError> {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .output()
        .map_err(|source| GraphError::Start {
            arguments: arguments.join(" "),
            source,
        })?;
    if !output.status.success() {
        return Err(GraphError::Failed {
            arguments: arguments.join(" "),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        });
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(package: &str, dependency: &str, kind: &str, optional: bool) -> Graph {
        let metadata = format!(
            r#"{{"packages": [
                {{"name": "{package}", "dependencies":
                    [{{"name": "{dependency}", "kind": {kind}, "optional": {optional}}}]}},
                {{"name": "{dependency}", "dependencies": []}}]}}"#
        );
        Graph::parse(&metadata).expect("the test writes well-formed metadata")
    }

    #[test]
    fn edges_of_the_table_are_allowed() {
        assert!(check_edges(&graph("wasmelt", "wasmelt-loader", "null", false)).is_empty());
        assert!(check_edges(&graph("wasmelt", "wasmelt-compiler", "null", true)).is_empty());
        assert!(check_edges(&graph("wasmelt-tests", "wasmelt-cache", "null", false)).is_empty());
    }

    #[test]
    fn other_edges_are_named() {
        for (from, to, kind, optional, message) in [
            (
                "wasmelt",
                "wasmelt-compiler",
                "null",
                false,
                "wasmelt depends on wasmelt-compiler in every build",
            ),
            (
                "wasmelt-compiler",
                "wasmelt-loader",
                "null",
                true,
                "wasmelt-compiler depends on wasmelt-loader behind a feature",
            ),
            (
                "wasmelt-cache",
                "wasmelt-abi",
                r#""build""#,
                false,
                "wasmelt-cache depends on wasmelt-abi in every build",
            ),
            (
                "wasmelt-loader",
                "wasmelt-tests",
                "null",
                false,
                "wasmelt-loader depends on wasmelt-tests in every build",
            ),
        ] {
            assert_eq!(check_edges(&graph(from, to, kind, optional)), [message]);
        }
    }

    #[test]
    fn dev_dependencies_are_free() {
        assert!(
            check_edges(&graph("wasmelt-abi", "wasmelt-compiler", r#""dev""#, false)).is_empty()
        );
    }

    #[test]
    fn a_package_outside_the_table_is_named() {
        let deviations = check_edges(&graph("wasmelt-new", "wasmelt-abi", r#""dev""#, false));
        assert_eq!(
            deviations,
            ["wasmelt-new is not in the table of who may know whom"]
        );
    }
}
