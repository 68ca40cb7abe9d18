//! Finds the corpus of real modules beside the project and reads its manifest and its recorded results.
//!
//! The corpus is data of other projects under their own licences; it is never copied into this one. It is looked for
//! in the folder that `WASMELT_CORPUS` names, otherwise in `../shared/corpus` beside the workspace root. A test that
//! needs it calls [`Corpus::open`], which says `not run: corpus missing` where there is none.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::blob::{self, BlobError};

/// Names the folder of the corpus where it is not beside the workspace.
pub const CORPUS_VARIABLE: &str = "WASMELT_CORPUS";

/// How many exported functions of one module the manifest lists.
pub const MAX_LISTED_EXPORTS: usize = 60;

/// What a test says that could not run because there is no corpus.
pub const NOT_RUN: &str = "not run: corpus missing";

/// Why a corpus that is there could not be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CorpusError {
    /// A file cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A description does not have the expected shape.
    #[error("cannot understand {path}")]
    Parse {
        /// The description.
        path: PathBuf,
        /// Where it differs.
        source: serde_json::Error,
    },
    /// A file is not the one that the manifest describes.
    #[error("{path} has SHA-256 {found}, the manifest says {expected}")]
    Digest {
        /// The file.
        path: PathBuf,
        /// The manifest's digest, in hexadecimal.
        expected: String,
        /// The file's digest, in hexadecimal.
        found: String,
    },
    /// A compressed runtime does not open.
    #[error("cannot open {path}")]
    Blob {
        /// The file.
        path: PathBuf,
        /// Why.
        source: BlobError,
    },
}

/// The corpus: where it is, what is in it, and what running it is known to give.
#[derive(Debug)]
pub struct Corpus {
    root: PathBuf,
    entries: Vec<Entry>,
    expected: Expected,
}

/// One file of the corpus, as `manifest.json` describes it.
#[derive(Debug, Deserialize)]
#[non_exhaustive]
pub struct Entry {
    /// Path below the corpus, with `/` between folders.
    pub file: String,
    /// Length of the stored file.
    #[serde(rename = "size")]
    pub len_bytes: u64,
    /// SHA-256 of the stored file, in lowercase hexadecimal.
    pub sha256: String,
    /// Free text: what the file is good for, or why it must be refused.
    pub note: String,
    /// Whether the module validates with every feature on; `None` for files that are not modules.
    #[serde(default)]
    pub valid: Option<bool>,
    /// Smallest set of features beyond the MVP under which the module validates; `None` where it never does.
    #[serde(default)]
    pub needs: Option<Vec<String>>,
    /// Why the module does not validate; empty where it does.
    #[serde(default)]
    pub error: String,
    /// Imports in order.
    #[serde(default)]
    pub imports: Option<Vec<Import>>,
    /// Names of the exported functions, in order; the manifest stops after [`MAX_LISTED_EXPORTS`].
    #[serde(default)]
    pub export_funcs: Option<Vec<String>>,
    /// Bytes of all function bodies.
    #[serde(default)]
    pub code_bytes: u64,
    /// Bytes of the largest function body.
    #[serde(default)]
    pub largest_body: u64,
    /// Whether there is a start function.
    #[serde(default)]
    pub start: bool,
}

/// An import as the manifest writes it: module, name, and its type in the manifest's own notation.
#[derive(Debug, Deserialize, PartialEq, Eq)]
pub struct Import(pub String, pub String, pub String);

/// `expected.json`: what runs of the corpus are known to give.
#[derive(Debug, Deserialize)]
#[non_exhaustive]
pub struct Expected {
    /// How each group was recorded, in words.
    pub about: BTreeMap<String, String>,
    /// Results of `Core_version` and `Metadata_metadata` of every runtime.
    pub runtimes: Vec<RuntimeRow>,
}

/// The recorded results of one runtime.
#[derive(Debug, Deserialize)]
#[non_exhaustive]
pub struct RuntimeRow {
    /// Path below the corpus.
    pub file: String,
    /// Name the runtime gives itself; absent where it has no version to ask for.
    #[serde(default)]
    pub spec_name: Option<String>,
    /// Version the runtime gives itself.
    #[serde(default)]
    pub spec_version: Option<u32>,
    /// Result of `Core_version`.
    #[serde(rename = "Core_version")]
    pub core_version: Recorded,
    /// Result of `Metadata_metadata`.
    #[serde(rename = "Metadata_metadata")]
    pub metadata: Recorded,
}

/// What calling an export gave when it was recorded.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum Recorded {
    /// It returned bytes.
    Returned {
        /// Their number.
        len: usize,
        /// Their SHA-256, in lowercase hexadecimal.
        sha256: String,
        /// The bytes themselves, where they are few.
        #[serde(default)]
        hex: Option<String>,
    },
    /// It could not be called: there is no such export.
    NotRun {
        /// The name that was missing, as the recorder wrote it.
        not_run: String,
    },
}

impl Corpus {
    /// The installed corpus, or `None` and the line [`NOT_RUN`] on stderr.
    ///
    /// # Errors
    ///
    /// When there is a corpus but its descriptions cannot be read.
    pub fn open() -> Result<Option<Self>, CorpusError> {
        match root() {
            Some(root) => Self::load(root).map(Some),
            None => {
                // Written past the test harness's capture, which hides what a passing test prints.
                let _ = writeln!(io::stderr(), "{NOT_RUN}");
                Ok(None)
            }
        }
    }

    /// The corpus in folder `root`.
    ///
    /// # Errors
    ///
    /// When its descriptions cannot be read or understood.
    pub fn load(root: PathBuf) -> Result<Self, CorpusError> {
        let entries = read_json(&root.join("manifest.json"))?;
        let expected = read_json(&root.join("expected.json"))?;
        Ok(Self {
            root,
            entries,
            expected,
        })
    }

    /// The folder of the corpus.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Every file, modules or not.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// What runs are known to give.
    #[must_use]
    pub fn expected(&self) -> &Expected {
        &self.expected
    }

    /// Every module, also those that must be refused.
    pub fn modules(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| entry.valid.is_some())
    }

    /// Every module below the folder `group`, such as `hostile` or `bench/fizzy`.
    pub fn modules_in(&self, group: &str) -> impl Iterator<Item = &Entry> {
        self.modules().filter(move |entry| entry.is_in(group))
    }

    /// Every file below the folder `group` whose name ends in `.extension`.
    pub fn files_in(&self, group: &str, extension: &str) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(move |entry| {
            entry.is_in(group)
                && Path::new(&entry.file)
                    .extension()
                    .is_some_and(|found| found == extension)
        })
    }

    /// The file called `file`.
    #[must_use]
    pub fn lookup_file(&self, file: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.file == file)
    }

    /// The bytes of `entry`, exactly as stored, compared with the manifest's digest.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or is not the one described.
    pub fn read(&self, entry: &Entry) -> Result<Vec<u8>, CorpusError> {
        let path = self.root.join(&entry.file);
        let bytes = fs::read(&path).map_err(|source| CorpusError::Read {
            path: path.clone(),
            source,
        })?;
        let found = hex(&Sha256::digest(&bytes));
        if found != entry.sha256 {
            return Err(CorpusError::Digest {
                path,
                expected: entry.sha256.clone(),
                found,
            });
        }
        Ok(bytes)
    }

    /// The module in `entry`, decompressed where it is stored as a node gets it.
    ///
    /// # Errors
    ///
    /// As [`Self::read`], and when a compressed runtime does not open.
    pub fn read_module(&self, entry: &Entry) -> Result<Vec<u8>, CorpusError> {
        let stored = self.read(entry)?;
        let module = blob::decompress(&stored).map_err(|source| CorpusError::Blob {
            path: self.root.join(&entry.file),
            source,
        })?;
        Ok(module.into_owned())
    }
}

impl Entry {
    /// Whether this is a valid module of the language that wasmelt accepts by default: the MVP with mutable globals
    /// imported and exported.
    #[must_use]
    pub fn is_wasm1(&self) -> bool {
        self.valid == Some(true)
            && self
                .needs
                .as_ref()
                .is_some_and(|needs| needs.iter().all(|need| need == "mutable-global"))
    }

    /// Whether the module imports from WASI, and so needs a host that provides it before it can run.
    #[must_use]
    pub fn needs_wasi(&self) -> bool {
        self.imports
            .iter()
            .flatten()
            .any(|Import(module, _, _)| module.starts_with("wasi_"))
    }

    /// Whether the file lies below the folder `group`.
    #[must_use]
    pub fn is_in(&self, group: &str) -> bool {
        self.file
            .strip_prefix(group)
            .is_some_and(|rest| rest.starts_with('/'))
    }
}

/// The folder of the corpus: what `WASMELT_CORPUS` names, otherwise `../shared/corpus` beside the workspace root.
#[must_use]
pub fn root() -> Option<PathBuf> {
    let folder = match std::env::var_os(CORPUS_VARIABLE) {
        Some(named) => PathBuf::from(named),
        None => workspace_root().parent()?.join("shared").join("corpus"),
    };
    folder.join("manifest.json").is_file().then_some(folder)
}

/// The root folder of the workspace that this crate belongs to.
#[must_use]
pub fn workspace_root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("this crate lies in a folder of the workspace")
}

/// `bytes` in lowercase hexadecimal, as the corpus writes digests.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, CorpusError> {
    let text = fs::read(path).map_err(|source| CorpusError::Read {
        path: path.to_path_buf(),
        source,
    })?;
    serde_json::from_slice(&text).map_err(|source| CorpusError::Parse {
        path: path.to_path_buf(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(json: &str) -> Entry {
        serde_json::from_str(json).expect("the test writes a well-formed entry")
    }

    const MODULE: &str = r#"{"file": "a/b/c.wasm", "size": 8, "sha256": "", "note": "", "valid": true, "needs": [],
        "imports": [["wasi_snapshot_preview1", "fd_write", "func (i32, i32, i32, i32) -> (i32)"]]}"#;

    #[test]
    fn a_group_is_a_whole_folder_name() {
        let module = entry(MODULE);
        assert!(module.is_in("a") && module.is_in("a/b"));
        assert!(!module.is_in("a/b/c") && !module.is_in("a/") && !module.is_in("b"));
    }

    #[test]
    fn a_module_that_imports_wasi_needs_wasi() {
        assert!(entry(MODULE).needs_wasi());
        assert!(!entry(&MODULE.replace("wasi_snapshot_preview1", "env")).needs_wasi());
    }

    #[test]
    fn later_proposals_and_invalid_modules_are_not_wasm1() {
        assert!(entry(MODULE).is_wasm1());
        assert!(entry(&MODULE.replace("[],", r#"["mutable-global"],"#)).is_wasm1());
        assert!(!entry(&MODULE.replace("[],", r#"["mutable-global", "simd"],"#)).is_wasm1());
        assert!(!entry(&MODULE.replace("[],", "null,").replace("true", "false")).is_wasm1());
    }

    #[test]
    fn a_file_that_is_not_the_one_described_is_refused() {
        let root = std::env::temp_dir().join(format!("wasmelt-corpus-{}", std::process::id()));
        fs::create_dir_all(root.join("a/b")).expect("the temporary folder is writable");
        fs::write(root.join("a/b/c.wasm"), b"\0asm").expect("the temporary folder is writable");
        let corpus = Corpus {
            root: root.clone(),
            entries: vec![entry(MODULE)],
            expected: Expected {
                about: BTreeMap::new(),
                runtimes: Vec::new(),
            },
        };
        let refused = corpus
            .read_module(&corpus.entries[0])
            .expect_err("the digest differs");
        fs::remove_dir_all(root).expect("the temporary folder is ours");
        assert!(matches!(refused, CorpusError::Digest { found, .. }
            if found == "cd5d4935a48c0672cb06407bb443bc0087aff947c6b864bac886982c73b3027f"));
    }
}
