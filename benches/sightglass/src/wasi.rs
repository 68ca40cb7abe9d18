//! Opens the files that a benchmark may use, and makes the context of WASI for each instance.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use thiserror::Error;
use wasi_common::WasiCtx;
use wasi_common::sync::{self, Dir, WasiCtxBuilder};

/// Asks benchmarks that have a smaller input to use it; the suite's `--small-workloads` sets it.
const SMALL_WORKLOAD_VARIABLE: &str = "WASM_BENCH_USE_SMALL_WORKLOAD";

/// What a benchmark may use of this system.
pub(crate) struct Files {
    working_dir: Dir,
    stdout: PathBuf,
    stderr: PathBuf,
    stdin: Option<PathBuf>,
}

/// Why there is no context.
#[derive(Debug, Error)]
pub(crate) enum ContextError {
    #[error("cannot open {path}")]
    Open { path: PathBuf, source: io::Error },
    #[error("cannot open the working directory once more")]
    WorkingDir(#[source] io::Error),
    #[error("cannot give the guest the working directory")]
    Preopen(#[source] wasi_common::Error),
    #[error("cannot pass {SMALL_WORKLOAD_VARIABLE} on")]
    Environment(#[source] wasi_common::StringArrayError),
}

impl Files {
    /// Opens the working directory, and remembers where the other files are.
    ///
    /// # Errors
    ///
    /// If it cannot be opened.
    pub(crate) fn open(
        working_dir: &Path,
        stdout: PathBuf,
        stderr: PathBuf,
        stdin: Option<PathBuf>,
    ) -> Result<Self, ContextError> {
        let opened = Dir::open_ambient_dir(working_dir, sync::ambient_authority());
        Ok(Self {
            working_dir: opened.map_err(|source| ContextError::Open {
                path: working_dir.to_path_buf(),
                source,
            })?,
            stdout,
            stderr,
            stdin,
        })
    }

    /// A context with the output files made anew.
    ///
    /// # Errors
    ///
    /// If a file cannot be opened or made.
    pub(crate) fn context(&self) -> Result<WasiCtx, ContextError> {
        let mut context = WasiCtxBuilder::new();
        context.stdout(open(&self.stdout, |path| File::create(path))?);
        context.stderr(open(&self.stderr, |path| File::create(path))?);
        if let Some(stdin) = &self.stdin {
            context.stdin(open(stdin, |path| File::open(path))?);
        }
        let working_dir = self
            .working_dir
            .try_clone()
            .map_err(ContextError::WorkingDir)?;
        context
            .preopened_dir(working_dir, ".")
            .map_err(ContextError::Preopen)?;
        if let Ok(value) = std::env::var(SMALL_WORKLOAD_VARIABLE) {
            context
                .env(SMALL_WORKLOAD_VARIABLE, &value)
                .map_err(ContextError::Environment)?;
        }
        Ok(context.build())
    }
}

fn open(
    path: &Path,
    open: impl FnOnce(&Path) -> io::Result<File>,
) -> Result<Box<sync::file::File>, ContextError> {
    let file = open(path).map_err(|source| ContextError::Open {
        path: path.to_path_buf(),
        source,
    })?;
    let file = sync::file::File::from_cap_std(OwnedFd::from(file).into());
    Ok(Box::new(file))
}
