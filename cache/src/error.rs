//! Everything that can go wrong with the store, each with the path it concerns.

use std::io;
use std::path::{Path, PathBuf};

use crate::{EntryFault, Key, Mode};

/// Why the store could not do what it was asked.
///
/// Every variant is a failure of this host or of its configuration: none says anything about the
/// module that was to be compiled, and a caller may always go on without a cache.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CacheError {
    /// There is no home folder to put a user's cache in.
    #[error(
        "no folder for a cache: neither XDG_CACHE_HOME nor HOME is an absolute path; set one, or name a folder"
    )]
    NoHome,
    /// The folder is not there (and the mode forbids to create it), or it was deleted under us.
    #[error("cache folder {} does not exist: create it, or open the cache in the mode read-write", path.display())]
    MissingFolder {
        /// The folder.
        path: PathBuf,
    },
    /// The path names something that is not a folder.
    #[error("cache folder {} is not a folder: name another one", path.display())]
    NotAFolder {
        /// What was to be the folder.
        path: PathBuf,
    },
    /// The folder itself is a symbolic link.
    #[error("cache folder {} is a symbolic link; name the folder it points to", path.display())]
    FolderIsSymlink {
        /// The link.
        path: PathBuf,
    },
    /// The folder belongs to another user.
    #[error("cache folder {} belongs to user {owner}, not to user {expected}: use a folder of your own", path.display())]
    FolderNotOurs {
        /// The folder.
        path: PathBuf,
        /// Its owner's numeric id.
        owner: u32,
        /// Our effective user id.
        expected: u32,
    },
    /// Users other than the owner may write the folder.
    #[error("cache folder {} is writable by others (mode {mode:04o}); remove that with chmod go-w", path.display())]
    FolderWritableByOthers {
        /// The folder.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The file system refuses to let us write.
    #[error("no permission to write {}: allow it, or open the cache in the mode read-only", path.display())]
    NotWritable {
        /// The folder or file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The disk or the user's quota is full.
    #[error("no space left to write {len_bytes} bytes to {}: make room, or name a folder elsewhere", path.display())]
    DiskFull {
        /// The folder.
        path: PathBuf,
        /// Size of the entry that did not fit.
        len_bytes: u64,
        /// What the operating system said.
        source: io::Error,
    },
    /// The entry is larger than this process or file system may write in one file.
    #[error("{len_bytes} bytes are more than a file in {} may have: raise that limit (`ulimit -f`), or go without a cache", path.display())]
    FileTooLarge {
        /// The folder.
        path: PathBuf,
        /// Size of the entry that was refused.
        len_bytes: u64,
        /// What the operating system said.
        source: io::Error,
    },
    /// The store was opened in a mode that does not write.
    #[error("cache {} is open in the mode {mode}, which writes nothing: open it in the mode read-write", path.display())]
    ReadOnlyMode {
        /// The folder.
        path: PathBuf,
        /// The mode it was opened in.
        mode: Mode,
    },
    /// The store was opened with [`Mode::MustHit`], and the entry is not there.
    #[error("entry {key} is not in the cache {}, which was opened to be always hit: fill it in the mode read-write first", path.display())]
    NotCached {
        /// The key that was looked up.
        key: Key,
        /// The folder.
        path: PathBuf,
    },
    /// What is stored under the key is not something that we alone wrote.
    #[error("cache entry {} {fault}: delete it, and look who can write there", path.display())]
    BadEntry {
        /// The entry.
        path: PathBuf,
        /// What is wrong with it.
        fault: EntryFault,
    },
    /// There is no entry under the key that was named.
    #[error("no entry {key} is in the cache {}: `wasmelt cache ls` lists them", path.display())]
    NoEntry {
        /// The key.
        key: Key,
        /// The folder.
        path: PathBuf,
    },
    /// The entry must stay, since somebody pins it.
    #[error("entry {key} is pinned by {}: unpin it first", holders.join(", "))]
    Pinned {
        /// The key.
        key: Key,
        /// Who pins it.
        holders: Vec<String>,
    },
    /// The entry must stay, since a process has it open.
    #[error("entry {key} is in use: stop the process that has loaded it first")]
    InUse {
        /// The key.
        key: Key,
    },
    /// What was to pin an entry has no name that can be a file's.
    #[error(
        "{name:?} cannot be the name of who pins an entry: give 1 to 64 letters, digits, '-', '_' and '.', the \
         first a letter or digit"
    )]
    HolderName {
        /// The name.
        name: String,
    },
    /// Asked to publish nothing: no artifact is empty, but a failed compile might look like that.
    #[error("refusing to publish an empty entry {key}: look whether the step that made it failed")]
    EmptyEntry {
        /// The key it was to have.
        key: Key,
    },
    /// Any other refusal of the operating system.
    #[error("cannot {operation} {}", path.display())]
    Io {
        /// What was tried, as a verb.
        operation: &'static str,
        /// On what.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
}

impl CacheError {
    /// Sorts an error of an operation that writes `len_bytes` somewhere at `path`.
    pub(crate) fn from_write(
        operation: &'static str,
        path: &Path,
        len_bytes: u64,
        source: io::Error,
    ) -> Self {
        let path = path.to_path_buf();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull {
                path,
                len_bytes,
                source,
            },
            io::ErrorKind::FileTooLarge => Self::FileTooLarge {
                path,
                len_bytes,
                source,
            },
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                Self::NotWritable { path, source }
            }
            io::ErrorKind::NotFound => Self::MissingFolder { path },
            _ => Self::Io {
                operation,
                path,
                source,
            },
        }
    }

    pub(crate) fn io(operation: &'static str, path: &Path, source: impl Into<io::Error>) -> Self {
        Self::Io {
            operation,
            path: path.to_path_buf(),
            source: source.into(),
        }
    }
}
