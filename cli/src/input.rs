//! Reads what a verb works on: a file or standard input, binary or text.

use crate::failure::{Exit, Failure};
use anyhow::Error;
use std::{
    ffi::OsStr,
    fs::{self, File, Metadata},
    io::{self, Read},
    path::{Path, PathBuf},
};
use wasmelt_abi::{DESCRIPTOR_FILE_OFFSET, ModuleDescriptor};
use wasmelt_compiler::{Container, recognise};

/// The name that stands for standard input.
pub(crate) const STDIN: &str = "-";

/// More bytes than a module or artifact can have; reading stops there.
const LIMIT_BYTES: u64 = u32::MAX as u64 + 2;

/// Bytes and where they came from.
#[derive(Debug)]
pub(crate) struct Input {
    /// How messages call it.
    pub(crate) name: String,
    /// What is in it.
    pub(crate) bytes: Vec<u8>,
    /// Where it is; `None` for standard input.
    path: Option<PathBuf>,
}

impl Input {
    /// Reads a file, or standard input if the path is `-`.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let is_stdin = path == Path::new(STDIN);
        let name = if is_stdin {
            "<stdin>".to_owned()
        } else {
            path.display().to_string()
        };
        let bytes = if is_stdin {
            read_all(io::stdin().lock())
        } else {
            File::open(path).and_then(|file| {
                // Reading a folder fails too, but with a message that depends on its file system.
                if file.metadata()?.is_dir() {
                    return Err(io::ErrorKind::IsADirectory.into());
                }
                read_all(file)
            })
        };
        match bytes {
            Ok(bytes) => Ok(Self {
                name,
                bytes,
                path: (!is_stdin).then(|| path.to_path_buf()),
            }),
            Err(error) => Err(refuse_to_read(name, error)),
        }
    }

    /// Metadata of the file, for telling whether another name is the same file.
    pub(crate) fn metadata(&self) -> Option<Metadata> {
        let path = self.path.as_deref().unwrap_or(Path::new("/dev/stdin"));
        fs::metadata(path).ok()
    }

    /// Whether this is wasm text: judged by content, and by name only where the content is not
    /// something else that is known.
    pub(crate) fn is_text(&self) -> bool {
        match recognise(&self.bytes) {
            Container::Text => true,
            Container::Unknown => self.has_extension("wat"),
            _ => false,
        }
    }

    fn has_extension(&self, extension: &str) -> bool {
        let path = self.path.as_deref();
        path.and_then(Path::extension) == Some(OsStr::new(extension))
    }

    /// The bytes, assembled if they are text.
    pub(crate) fn into_binary(self) -> Result<Vec<u8>, Failure> {
        if !self.is_text() {
            return Ok(self.bytes);
        }
        if self.has_extension("wast") {
            return Err(Failure::refused_because(
                self.name,
                "this is a script of modules and assertions: `wasmelt wast` runs it",
            ));
        }
        wat::parse_bytes(&self.bytes)
            .map(std::borrow::Cow::into_owned)
            .map_err(|mut error| {
                error.set_path(&self.name);
                let text = format!("invalid wasm text: {error}");
                Failure::refused_because(&self.name, text)
            })
    }
}

fn read_all(reader: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.take(LIMIT_BYTES).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Why a file cannot be read.
pub(crate) fn refuse_to_read(name: String, error: io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::NotFound => Failure::refused_because(name, "there is no such file"),
        io::ErrorKind::IsADirectory => {
            Failure::refused_because(name, "this is a folder, not a file")
        }
        _ => Failure::new(Exit::Host, name, Error::new(error).context("cannot read")),
    }
}

/// What an artifact says of itself; nothing of it is checked yet.
pub(crate) fn stored_descriptor(artifact: &[u8]) -> Option<ModuleDescriptor> {
    let start = usize::try_from(DESCRIPTOR_FILE_OFFSET).ok()?;
    ModuleDescriptor::decode(artifact.get(start..)?).ok()
}
