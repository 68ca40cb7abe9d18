//! Writes results: to standard output, or to a file that is replaced as a whole or not at all.

use crate::failure::{Exit, Failure};
use anyhow::Error;
use serde::Serialize;
use std::{
    fs::{self, File, Metadata, OpenOptions, Permissions},
    hash::{BuildHasher as _, RandomState},
    io::{self, IsTerminal, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    process,
};

/// Prints text on standard output.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    print_bytes(text.as_bytes())
}

/// Prints bytes on standard output.
pub(crate) fn print_bytes(bytes: &[u8]) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    stdout
        .write_all(bytes)
        .and_then(|()| stdout.flush())
        .map_err(Failure::from_stdout)
}

/// Prints one JSON document on standard output.
pub(crate) fn print_json(document: &impl Serialize) -> Result<(), Failure> {
    print_bytes(&to_json(document))
}

/// Prints one JSON document on a line of standard output.
pub(crate) fn print_json_line(document: &impl Serialize) -> Result<(), Failure> {
    let mut text = serde_json::to_vec(document).expect("reports have string keys only");
    text.push(b'\n');
    print_bytes(&text)
}

/// A JSON document as it is printed.
pub(crate) fn to_json(document: &impl Serialize) -> Vec<u8> {
    let mut text = serde_json::to_vec_pretty(document).expect("reports have string keys only");
    text.push(b'\n');
    text
}

/// Where a result goes.
#[derive(Debug)]
pub(crate) enum Output {
    /// Standard output.
    Stdout,
    /// A file that is replaced.
    File {
        /// How messages call it.
        name: String,
        /// The file itself, symbolic links followed.
        target: PathBuf,
    },
    /// A device or pipe, which cannot be replaced.
    Special {
        /// How messages call it.
        name: String,
        /// Where it is.
        path: PathBuf,
    },
}

impl Output {
    /// Checks where a result is to go, before any work is done for it.
    pub(crate) fn prepare(path: &Path, input: Option<&Metadata>) -> Result<Self, Failure> {
        let name = path.display().to_string();
        let refuse = |reason: &str| Failure::refused_because(&name, reason);
        match fs::metadata(path) {
            Ok(found) if found.is_dir() => Err(refuse("the output is a folder, not a file")),
            Ok(found) if input.is_some_and(|input| is_same_file(input, &found)) => {
                Err(refuse("input and output are the same file"))
            }
            Ok(found) if !found.is_file() => Ok(Output::Special {
                name,
                path: path.to_path_buf(),
            }),
            Ok(_) => {
                let target = fs::canonicalize(path).map_err(|error| cannot_write(&name, error))?;
                Self::prepare_file(name, target)
            }
            Err(_) if path.is_symlink() => Err(refuse("the output is a symbolic link to nothing")),
            Err(_) => Self::prepare_file(name, path.to_path_buf()),
        }
    }

    fn prepare_file(name: String, target: PathBuf) -> Result<Self, Failure> {
        if !folder_of(&target).is_dir() {
            let reason = "the folder of the output does not exist";
            return Err(Failure::refused_because(name, reason));
        }
        // A long compilation should not end with the news that its result cannot be written.
        Staged::create(&target).map_err(|error| cannot_write(&name, error))?;
        Ok(Output::File { name, target })
    }

    /// How messages call it.
    pub(crate) fn name(&self) -> &str {
        match self {
            Output::Stdout => "<stdout>",
            Output::File { name, .. } | Output::Special { name, .. } => name,
        }
    }

    /// Whether it is standard output and that is a terminal.
    pub(crate) fn is_terminal(&self) -> bool {
        matches!(self, Output::Stdout) && io::stdout().is_terminal()
    }

    /// Writes the result. A file is replaced by a complete one, or stays as it was: whoever has
    /// the old one open or mapped keeps it.
    pub(crate) fn write(&self, bytes: &[u8]) -> Result<(), Failure> {
        self.write_with(bytes, None)
    }

    /// Like [`Output::write`], with permissions of the file where it is one that is replaced.
    pub(crate) fn write_with(
        &self,
        bytes: &[u8],
        permissions: Option<Permissions>,
    ) -> Result<(), Failure> {
        match self {
            Output::Stdout => print_bytes(bytes),
            Output::File { name, target } => Staged::create(target)
                .and_then(|staged| match permissions {
                    Some(permissions) => staged.file.set_permissions(permissions).map(|()| staged),
                    None => Ok(staged),
                })
                .and_then(|staged| staged.publish(target, bytes))
                .map_err(|error| cannot_write(name, error)),
            Output::Special { name, path } => OpenOptions::new()
                .write(true)
                .open(path)
                .and_then(|mut file| file.write_all(bytes))
                .map_err(|error| cannot_write(name, error)),
        }
    }
}

/// A file beside the target that does not have its name yet; removed unless it is published.
struct Staged {
    file: File,
    path: PathBuf,
    is_published: bool,
}

impl Staged {
    fn create(target: &Path) -> io::Result<Self> {
        // Names that are taken belong to another process in another namespace, or to one that was
        // killed; neither is ours to remove.
        for attempt in 0..100 {
            let random = RandomState::new().hash_one(attempt);
            let name = format!(".wasmelt-{}-{random:016x}.tmp", process::id());
            let path = folder_of(target).join(name);
            let opened = OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o644)
                .open(&path);
            match opened {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                opened => {
                    return opened.map(|file| Self {
                        file,
                        path,
                        is_published: false,
                    });
                }
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }

    fn publish(mut self, target: &Path, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.file.sync_all()?;
        fs::rename(&self.path, target)?;
        self.is_published = true;
        // The rename itself reaches the disk with the folder.
        File::open(folder_of(target))?.sync_all()
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if !self.is_published {
            // It is only a leftover; the error that led here is the one to show.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Creates a folder and those around it that are missing, so that they are still there after a power cut.
pub(crate) fn create_folder(folder: &Path) -> io::Result<()> {
    if folder.as_os_str().is_empty() || folder.is_dir() {
        return Ok(());
    }
    let around = folder_of(folder);
    create_folder(around)?;
    match fs::create_dir(folder) {
        // Another worker was faster.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => {}
        created => created?,
    }
    File::open(around)?.sync_all()
}

fn folder_of(target: &Path) -> &Path {
    match target.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

fn is_same_file(left: &Metadata, right: &Metadata) -> bool {
    left.is_file() && (left.dev(), left.ino()) == (right.dev(), right.ino())
}

fn cannot_write(name: &str, error: io::Error) -> Failure {
    Failure::new(Exit::Host, name, Error::new(error).context("cannot write"))
}

#[cfg(test)]
mod tests {
    use super::{Output, Staged};
    use std::{fs, io::Read};

    #[test]
    fn a_replaced_file_stays_for_whoever_has_it_open() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let target = folder.path().join("out.so");
        fs::write(&target, "old").expect("writable");
        let mut old = fs::File::open(&target).expect("readable");
        Output::prepare(&target, None)
            .and_then(|output| output.write(b"new"))
            .expect("writable");
        let mut text = String::new();
        old.read_to_string(&mut text).expect("readable");
        assert_eq!(text, "old");
        assert_eq!(fs::read(&target).expect("readable"), b"new");
        assert_eq!(fs::read_dir(folder.path()).expect("readable").count(), 1);
    }

    #[test]
    fn what_is_not_published_leaves_nothing_behind() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let staged = Staged::create(&folder.path().join("out.so")).expect("writable");
        assert_eq!(fs::read_dir(folder.path()).expect("readable").count(), 1);
        drop(staged);
        assert_eq!(fs::read_dir(folder.path()).expect("readable").count(), 0);
    }
}
