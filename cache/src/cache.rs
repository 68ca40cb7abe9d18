//! Look up, publish, move aside: the store itself.

use std::fmt;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::entry::check_facts;
use crate::folder::{Folder, Found, Renamed, our_uid};
use crate::staged::{Staged, remove_leftovers};
use crate::{CacheError, Entry, EntryFault, Key, user_default_folder};

/// How often a look-up begins anew when the entry is replaced under it.
const ATTEMPTS: u32 = 8;

/// A store of entries in one folder. Clones share it; use one from any number of threads.
#[derive(Clone, Debug)]
pub struct Cache {
    folder: Arc<Folder>,
    mode: Mode,
}

/// What a [`Cache`] may do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mode {
    /// Looks up and publishes; creates the folder.
    #[default]
    ReadWrite,
    /// Looks up; never changes anything on disk, and never creates the folder.
    ReadOnly,
    /// Like [`Mode::ReadOnly`], and a miss is an error: for a process that must never compile.
    MustHit,
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ReadWrite => "read-write",
            Self::ReadOnly => "read-only",
            Self::MustHit => "must-hit",
        })
    }
}

impl Cache {
    /// Opens the store in `folder` for reading and writing, creating what is missing of the path
    /// with mode 0700, and removes what killed writers left there.
    ///
    /// # Errors
    ///
    /// The folder cannot be created or opened, is a symbolic link or no folder, belongs to another
    /// user, or is writable by group or others.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self, CacheError> {
        Self::open_with(folder, Mode::ReadWrite)
    }

    /// Opens the store in `folder` in a given mode.
    ///
    /// # Errors
    ///
    /// As [`Cache::open`]; also [`CacheError::MissingFolder`] in a mode that does not write.
    pub fn open_with(folder: impl AsRef<Path>, mode: Mode) -> Result<Self, CacheError> {
        let writes = mode == Mode::ReadWrite;
        let folder = Folder::open(folder.as_ref(), writes)?;
        if writes {
            remove_leftovers(&folder)?;
        }
        Ok(Self {
            folder: Arc::new(folder),
            mode,
        })
    }

    /// Opens this user's own store, in the folder that [`user_default_folder`] names.
    ///
    /// # Errors
    ///
    /// [`CacheError::NoHome`] when there is no such folder; otherwise as [`Cache::open`].
    pub fn user_default() -> Result<Self, CacheError> {
        Self::open(user_default_folder()?)
    }

    /// What this store may do.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// The folder's absolute path.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Opens the entry under `key`, or says that there is none.
    ///
    /// Something under that name that is no entry of ours (see [`EntryFault`]) is a miss; in
    /// [`Mode::ReadWrite`] it is moved aside at once.
    ///
    /// # Errors
    ///
    /// The operating system refuses; or, in [`Mode::MustHit`], [`CacheError::NotCached`] or
    /// [`CacheError::BadEntry`].
    pub fn lookup(&self, key: &Key) -> Result<Option<Entry>, CacheError> {
        match (self.lookup_strict(key), self.mode) {
            (Ok(None), Mode::MustHit) => Err(CacheError::NotCached {
                key: *key,
                path: self.path().to_path_buf(),
            }),
            (Err(CacheError::BadEntry { fault, .. }), Mode::ReadWrite) => {
                self.quarantine(key, &fault.to_string())?;
                Ok(None)
            }
            (Err(CacheError::BadEntry { .. }), Mode::ReadOnly) => Ok(None),
            (found, _) => found,
        }
    }

    /// Like [`Cache::lookup`], but reports what is no entry of ours instead of passing over it, and
    /// changes nothing in any mode.
    ///
    /// # Errors
    ///
    /// The operating system refuses, or [`CacheError::BadEntry`].
    pub fn lookup_strict(&self, key: &Key) -> Result<Option<Entry>, CacheError> {
        let name = key.to_string();
        let path = self.path().join(&name);
        for _ in 0..ATTEMPTS {
            let (file, facts) = match self.folder.open_file(&name)? {
                Found::Nothing => return Ok(None),
                Found::Fault(fault) => return Err(CacheError::BadEntry { path, fault }),
                Found::File(file, facts) => (file, facts),
            };
            // Replaced or moved aside between opening and looking: look again.
            if facts.links == 0 {
                continue;
            }
            return match check_facts(facts, our_uid()) {
                Ok(()) => Ok(Some(Entry::new(*key, file, path, facts.len_bytes))),
                Err(fault) => Err(CacheError::BadEntry { path, fault }),
            };
        }
        Ok(None)
    }

    /// Stores `bytes` under `key` and returns the entry.
    ///
    /// An entry that is there already with the same bytes is kept and returned, so that an inode
    /// that others have mapped stays the one in the folder; anything else under that name is
    /// replaced. Of several that publish at once, all return an entry with their bytes.
    ///
    /// # Errors
    ///
    /// [`CacheError::ReadOnlyMode`] unless the mode is [`Mode::ReadWrite`];
    /// [`CacheError::EmptyEntry`] for no bytes; [`CacheError::DiskFull`],
    /// [`CacheError::FileTooLarge`], [`CacheError::NotWritable`], [`CacheError::MissingFolder`] or
    /// [`CacheError::Io`] when the operating system refuses. On an error nothing was published, except
    /// when only the last step failed, the synchronisation of the folder.
    pub fn publish(&self, key: &Key, bytes: &[u8]) -> Result<Entry, CacheError> {
        self.check_writes()?;
        if bytes.is_empty() {
            return Err(CacheError::EmptyEntry { key: *key });
        }
        let name = key.to_string();
        let staged = Staged::write(&self.folder, bytes)?;
        let file = staged.reopen()?;
        let error = |source| CacheError::from_write("rename an entry in", self.path(), 0, source);
        if self
            .folder
            .rename_new(staged.name(), &name)
            .map_err(error)?
            == Renamed::TargetExists
        {
            if let Some(entry) = self.lookup_equal(key, bytes) {
                return Ok(entry);
            }
            self.replace(staged.name(), &name)?;
        }
        self.folder
            .sync()
            .map_err(|source| CacheError::io("synchronise", self.path(), source))?;
        Ok(self.entry_of(key, file, bytes))
    }

    /// Moves the entry under `key` aside, so that it is a miss from now on, and notes the reason in
    /// a file beside it. Returns where it went, or `None` if there was nothing.
    ///
    /// One bad entry is kept per key, for whoever wants to look at it; a later one replaces it.
    ///
    /// # Errors
    ///
    /// [`CacheError::ReadOnlyMode`] unless the mode is [`Mode::ReadWrite`]; otherwise the operating
    /// system refuses.
    pub fn quarantine(&self, key: &Key, reason: &str) -> Result<Option<PathBuf>, CacheError> {
        self.check_writes()?;
        let name = key.to_string();
        let error =
            |source| CacheError::from_write("move aside an entry in", self.path(), 0, source);
        let Some(aside) = self.move_aside(&name).map_err(error)? else {
            return Ok(None);
        };
        // The note is a help for people: that it cannot be written (a full disk, say) must not keep
        // the caller from what matters, which is that the entry is gone.
        let note = format!("{}\n", reason.replace(['\n', '\r'], " "));
        let _ = Staged::write(&self.folder, note.as_bytes()).and_then(|staged| {
            self.folder
                .rename(staged.name(), &format!("{name}.why"))
                .map_err(error)
        });
        Ok(Some(self.path().join(aside)))
    }

    /// Deletes the temporary files of writers that were killed, and says how many there were.
    /// [`Cache::open`] does this by itself; a process that runs for months may want to repeat it.
    ///
    /// # Errors
    ///
    /// [`CacheError::ReadOnlyMode`] unless the mode is [`Mode::ReadWrite`]; [`CacheError::Io`] when
    /// the folder cannot be listed.
    pub fn remove_leftovers(&self) -> Result<usize, CacheError> {
        self.check_writes()?;
        remove_leftovers(&self.folder)
    }

    fn check_writes(&self) -> Result<(), CacheError> {
        match self.mode {
            Mode::ReadWrite => Ok(()),
            mode => Err(CacheError::ReadOnlyMode {
                path: self.path().to_path_buf(),
                mode,
            }),
        }
    }

    fn entry_of(&self, key: &Key, file: File, bytes: &[u8]) -> Entry {
        let len_bytes = u64::try_from(bytes.len()).expect("a length in memory fits in 64 bits");
        Entry::new(*key, file, self.path().join(key.to_string()), len_bytes)
    }

    /// The sound entry under `key`, if its bytes are these.
    fn lookup_equal(&self, key: &Key, bytes: &[u8]) -> Option<Entry> {
        let entry = self.lookup_strict(key).ok().flatten()?;
        let same_length = u64::try_from(bytes.len()).is_ok_and(|len| len == entry.len_bytes());
        (same_length && entry.read().ok()? == bytes).then_some(entry)
    }

    /// Puts `from` in the place of whatever is called `to`.
    fn replace(&self, from: &str, to: &str) -> Result<(), CacheError> {
        let error = |source| CacheError::from_write("rename an entry in", self.path(), 0, source);
        if self.folder.rename(from, to).is_ok() {
            return Ok(());
        }
        // A folder has the entry's name: no file can replace that.
        self.move_aside(to).map_err(error)?;
        self.folder.rename(from, to).map_err(error)
    }

    fn move_aside(&self, name: &str) -> std::io::Result<Option<String>> {
        let mut aside = format!("{name}.bad");
        let mut count = 0u32;
        loop {
            match self.folder.rename(name, &aside) {
                Ok(()) => return Ok(Some(aside)),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
                // A file cannot replace a folder, nor a folder a file or a full folder.
                Err(error) if is_kind_conflict(&error) && count < 1000 => {
                    count += 1;
                    aside = format!("{name}.bad.{count}");
                }
                Err(error) => return Err(error),
            }
        }
    }
}

fn is_kind_conflict(error: &std::io::Error) -> bool {
    use std::io::ErrorKind;

    matches!(
        error.kind(),
        ErrorKind::IsADirectory
            | ErrorKind::NotADirectory
            | ErrorKind::DirectoryNotEmpty
            | ErrorKind::AlreadyExists
    )
}

const _: () = {
    const fn is_shareable<T: Send + Sync>() {}
    is_shareable::<Cache>();
    is_shareable::<Entry>();
    is_shareable::<EntryFault>();
};
