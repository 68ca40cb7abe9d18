//! Says where an artifact comes from, why it is trusted, and by which route it was opened.

use crate::signature::KeyTrust;
use std::{
    fmt,
    fs::File,
    path::{Path, PathBuf},
};

/// Where the bytes of an artifact are.
#[derive(Debug)]
#[non_exhaustive]
pub enum Source<'a> {
    /// A file. A symbolic link in the last place is refused.
    Path(&'a Path),
    /// The whole artifact in memory.
    Bytes(&'a [u8]),
    /// A file that is already open, for example an entry of a cache; the path is for messages.
    File {
        /// The file, open for reading.
        file: File,
        /// Where it was found, if that is known.
        path: Option<PathBuf>,
    },
}

/// Why the code in an artifact may run in this process.
///
/// A digest inside a file proves that the file is intact, never where it came from: that is what
/// this type says. `docs/trust.md` has the reasoning.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Trust {
    /// Somebody trusted named this digest: any file that has it will do.
    Digest([u8; 32]),
    /// The file is an entry of a cache that only this user can write.
    OwnCache,
    /// Like [`Trust::OwnCache`], but an entry opened in place is not hashed again. What the disk
    /// or another process of this user changed in it goes unnoticed.
    OwnCacheUnhashed,
    /// The file is an entry of a cache that this user or root has filled, and that nobody else can write:
    /// an image that many machines start from, for example.
    SharedCache,
    /// Enough people of a list signed the artifact, in the file or beside it.
    Keys(KeyTrust),
    /// A person named the file, as one names a program to run. A file that everybody may write
    /// is refused.
    Named,
}

/// How an artifact became executable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Route {
    /// A private cache entry, opened where it is.
    InPlace,
    /// A sealed copy in a memory file.
    Memfd,
    /// A copy in a file that has no name any more, where memory files are denied.
    UnlinkedFile,
    /// A copy in a private folder under a name that is used once, where `/proc` is missing.
    NamedFile,
    /// Linked into the program.
    Static,
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Route::InPlace => "cache entry in place",
            Route::Memfd => "memory file",
            Route::UnlinkedFile => "unlinked file",
            Route::NamedFile => "file in a private folder",
            Route::Static => "linked into the program",
        })
    }
}
