//! One entry: an open file that only we can have written, and the rules that say so.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use crate::{CacheError, Key};

/// An entry, opened for reading.
///
/// The file was opened relative to the cache's folder, without following a link, and its owner,
/// mode, kind and link count were checked on the open descriptor. The contents were *not* looked
/// at: that is the job of whoever knows what they should be.
///
/// The file stays readable and unchanged for as long as it is open, also when another process
/// moves the entry aside or replaces it; its link count is then 0, which is no reason to mistrust
/// it.
#[derive(Debug)]
pub struct Entry {
    key: Key,
    file: File,
    path: PathBuf,
    len_bytes: u64,
    is_shared: bool,
}

/// What makes a file in the cache's folder no entry of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EntryFault {
    /// It is a symbolic link.
    #[error("is a symbolic link")]
    Symlink,
    /// It is a folder, a pipe, a socket or a device.
    #[error("is not a regular file")]
    NotRegular,
    /// It belongs to another user.
    #[error("belongs to user {owner}, not to user {expected}")]
    NotOurs {
        /// The owner's numeric id.
        owner: u32,
        /// Our effective user id.
        expected: u32,
    },
    /// Users other than the owner may write it.
    #[error("is writable by others (mode {mode:04o})")]
    WritableByOthers {
        /// Its permission bits.
        mode: u32,
    },
    /// It has a second name, through which it could be changed.
    #[error("has {links} links")]
    Linked {
        /// Number of links.
        links: u64,
    },
    /// It has no contents.
    #[error("is empty")]
    Empty,
    /// Its mode does not let us read it.
    #[error("is not readable by its owner")]
    Unreadable,
}

/// What the operating system says about an open file, reduced to what the rules need.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FileFacts {
    pub(crate) is_regular: bool,
    pub(crate) owner: u32,
    pub(crate) mode: u32,
    pub(crate) links: u64,
    pub(crate) len_bytes: u64,
}

impl Entry {
    pub(crate) fn new(key: Key, file: File, path: PathBuf, len_bytes: u64) -> Self {
        Self {
            key,
            file,
            path,
            len_bytes,
            is_shared: false,
        }
    }

    /// Notes that it was found in a shared folder.
    pub(crate) fn into_shared(self) -> Self {
        Self {
            is_shared: true,
            ..self
        }
    }

    /// Whether it was found in a [shared folder](crate::CacheOptions::shared), which may be root's.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        self.is_shared
    }

    /// The key it is stored under.
    #[must_use]
    pub fn key(&self) -> &Key {
        &self.key
    }

    /// The open file, read-only and close-on-exec.
    #[must_use]
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Hands over the open file.
    #[must_use]
    pub fn into_file(self) -> File {
        self.file
    }

    /// Where it was found. For messages: the path may name another file by the time it is used.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its length when it was opened; entries never change.
    #[must_use]
    pub fn len_bytes(&self) -> u64 {
        self.len_bytes
    }

    /// Reads the whole contents.
    ///
    /// # Errors
    ///
    /// [`CacheError::Io`] when the file cannot be read.
    pub fn read(&self) -> Result<Vec<u8>, CacheError> {
        // No artifact is longer; a sparse file may say any length.
        if self.len_bytes > u64::from(u32::MAX) {
            let too_large = std::io::Error::from(std::io::ErrorKind::FileTooLarge);
            return Err(CacheError::io("read", &self.path, too_large));
        }
        let mut bytes = Vec::with_capacity(usize::try_from(self.len_bytes).unwrap_or(0));
        let mut file = &self.file;
        file.seek(SeekFrom::Start(0))
            .and_then(|_| file.read_to_end(&mut bytes))
            .map_err(|source| CacheError::io("read", &self.path, source))?;
        Ok(bytes)
    }
}

/// Judges an open file. A link count of 0 is the caller's business: the name is gone already.
/// The first of the owners that an entry may have is this user.
pub(crate) fn check_facts(facts: FileFacts, owners: &[u32]) -> Result<(), EntryFault> {
    if !facts.is_regular {
        Err(EntryFault::NotRegular)
    } else if !owners.contains(&facts.owner) {
        Err(EntryFault::NotOurs {
            owner: facts.owner,
            expected: owners[0],
        })
    } else if facts.mode & 0o022 != 0 {
        Err(EntryFault::WritableByOthers { mode: facts.mode })
    } else if facts.links > 1 {
        Err(EntryFault::Linked { links: facts.links })
    } else if facts.len_bytes == 0 {
        Err(EntryFault::Empty)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{EntryFault, FileFacts, check_facts};

    const GOOD: FileFacts = FileFacts {
        is_regular: true,
        owner: 7,
        mode: 0o400,
        links: 1,
        len_bytes: 9,
    };

    #[test]
    fn each_rule_has_its_own_fault() {
        let check = |facts| check_facts(facts, &[7]);
        assert_eq!(check(GOOD), Ok(()));
        assert_eq!(
            check(FileFacts {
                is_regular: false,
                ..GOOD
            }),
            Err(EntryFault::NotRegular)
        );
        assert_eq!(
            check(FileFacts { owner: 8, ..GOOD }),
            Err(EntryFault::NotOurs {
                owner: 8,
                expected: 7
            })
        );
        for mode in [0o420, 0o402, 0o422] {
            assert_eq!(
                check(FileFacts { mode, ..GOOD }),
                Err(EntryFault::WritableByOthers { mode })
            );
        }
        assert_eq!(
            check(FileFacts { links: 2, ..GOOD }),
            Err(EntryFault::Linked { links: 2 })
        );
        let of_another = FileFacts { owner: 8, ..GOOD };
        assert_eq!(check_facts(of_another, &[7, 8]), Ok(()));
        assert_eq!(
            check(FileFacts {
                len_bytes: 0,
                ..GOOD
            }),
            Err(EntryFault::Empty)
        );
    }
}
