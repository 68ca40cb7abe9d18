//! Compiles modules with the program `wasmelt`, as an operator does before a node loads them: nothing here links a
//! compiler.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use crate::report::SetupError;

/// An artifact in a folder that goes with it.
pub struct Artifact {
    folder: tempfile::TempDir,
}

impl Artifact {
    /// Where it is.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.folder.path().join("runtime.so")
    }
}

/// Compiles `wasm` with these arguments of `wasmelt compile`.
///
/// # Errors
///
/// What the program said, if it refuses.
pub fn precompile(wasm: &[u8], arguments: &[&str]) -> Result<Artifact, SetupError> {
    let artifact = Artifact {
        folder: tempfile::tempdir().map_err(|error| SetupError::Engine(error.to_string()))?,
    };
    let input = artifact.folder.path().join("runtime.wasm");
    std::fs::write(&input, wasm).map_err(|error| SetupError::Engine(error.to_string()))?;
    let output = Command::new(program())
        .args(["compile", "--quiet"])
        .args(arguments)
        .arg(&input)
        .arg("--output")
        .arg(artifact.path())
        .stdin(Stdio::null())
        .output()
        .map_err(|error| SetupError::Engine(error.to_string()))?;
    if output.status.success() {
        Ok(artifact)
    } else {
        Err(SetupError::Engine(stderr(&output)))
    }
}

/// The program, built once.
fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let output = Command::new(cargo)
            .args(["build", "--quiet", "--bin", "wasmelt"])
            .args(["--message-format", "json"])
            .current_dir(root)
            .stdin(Stdio::null())
            .output()
            .expect("cargo can be started");
        assert!(
            output.status.success(),
            "wasmelt-cli does not build: {}",
            stderr(&output)
        );
        String::from_utf8_lossy(&output.stdout)
            .lines()
            .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
            .find_map(|message| Some(PathBuf::from(message["executable"].as_str()?)))
            .expect("cargo says where it put the program")
    })
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
