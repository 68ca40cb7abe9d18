//! Look up, publish, move aside: the store itself.

use std::fmt;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use std::time::{Duration, SystemTime};

use crate::entry::check_facts;
use crate::folder::{
    Folder, FolderRule, Found, Renamed, Shared, file_facts, is_named, lock_shared, try_lock,
};
use crate::names::Beside;
use crate::staged::{Staged, remove_leftovers};
use crate::{CacheError, CacheOptions, Entry, EntryFault, EvictLimits, Key, user_default_folder};

/// How often a look-up begins anew when the entry is replaced under it.
const ATTEMPTS: u32 = 8;
/// How often whoever must have an entry's lock waits for as long as [`ATTEMPTS`] take: a second or so.
const HOLD_ATTEMPTS: u32 = 128;
/// How exact the time of an entry's last use is: noting it costs a write to disk.
const USE_GRAIN: Duration = Duration::from_hours(1);

/// A store of entries in one folder. Clones share it; use one from any number of threads.
#[derive(Clone, Debug)]
pub struct Cache {
    folder: Arc<Folder>,
    /// Where a look-up goes on, in this order.
    shared: Arc<[Folder]>,
    mode: Mode,
    max_len_bytes: Option<u64>,
}

/// How an attempt to remove an entry ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Removed {
    Done,
    /// There is none.
    Nothing,
    Pinned,
    /// Somebody has it open, or it cannot be removed.
    InUse,
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
        CacheOptions::new().mode(mode).open(folder)
    }

    pub(crate) fn open_as(folder: &Path, options: &CacheOptions) -> Result<Self, CacheError> {
        let writes = options.mode == Mode::ReadWrite;
        let folder = Folder::open(folder, writes, FolderRule::Own)?;
        if writes {
            remove_leftovers(&folder)?;
        }
        let shared = options.shared.iter();
        let shared = shared.map(|path| Folder::open(path, false, FolderRule::Shared));
        Ok(Self {
            folder: Arc::new(folder),
            shared: shared.collect::<Result<_, _>>()?,
            mode: options.mode,
            max_len_bytes: options.max_len_bytes,
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

    /// Opens the entry under `key`, in the store's own folder or else in a
    /// [shared](CacheOptions::shared) one, or says that there is none.
    ///
    /// Something under that name that is no entry of ours (see [`EntryFault`]) is a miss; in
    /// [`Mode::ReadWrite`] it is moved aside at once, though not in a shared folder.
    ///
    /// # Errors
    ///
    /// The operating system refuses; or, in [`Mode::MustHit`], [`CacheError::NotCached`] or
    /// [`CacheError::BadEntry`].
    pub fn lookup(&self, key: &Key) -> Result<Option<Entry>, CacheError> {
        let own = match (self.lookup_strict(key), self.mode) {
            (Err(CacheError::BadEntry { fault, .. }), Mode::ReadWrite) => {
                self.quarantine(key, &fault.to_string())?;
                Ok(None)
            }
            (Err(CacheError::BadEntry { .. }), Mode::ReadOnly) => Ok(None),
            (found, _) => found,
        };
        if let Some(entry) = own? {
            self.note_use(&entry);
            return Ok(Some(entry));
        }
        for folder in self.shared.iter() {
            // It is not ours to clear up.
            if let Ok(Some((entry, _))) = open_entry(folder, key) {
                return Ok(Some(entry.into_shared()));
            }
        }
        if self.mode == Mode::MustHit {
            return Err(CacheError::NotCached {
                key: *key,
                path: self.path().to_path_buf(),
            });
        }
        Ok(None)
    }

    /// Like [`Cache::lookup`] in the store's own folder, but reports what is no entry of ours instead
    /// of passing over it, and changes nothing in any mode.
    ///
    /// # Errors
    ///
    /// The operating system refuses, or [`CacheError::BadEntry`].
    pub fn lookup_strict(&self, key: &Key) -> Result<Option<Entry>, CacheError> {
        Ok(open_entry(&self.folder, key)?.map(|(entry, _)| entry))
    }

    /// Opens the entry so that it is certain not to be evicted meanwhile.
    pub(crate) fn hold(&self, key: &Key) -> Result<Option<Entry>, CacheError> {
        for _ in 0..HOLD_ATTEMPTS {
            match open_entry(&self.folder, key)? {
                None => return Ok(None),
                Some((entry, Shared::Taken)) => return Ok(Some(entry)),
                Some((_, Shared::Busy)) => {}
            }
        }
        Err(CacheError::InUse { key: *key })
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
                // Whoever published it may have died before this.
                self.sync_folder()?;
                return Ok(entry);
            }
            self.replace(staged.name(), &name)?;
        }
        // From writing to using: the lock is that of the same file.
        drop(staged);
        lock_shared(&file);
        self.sync_folder()?;
        let entry = self.entry_of(key, file, bytes);
        if self.max_len_bytes.is_some() {
            // The entry is there, whether or not there is room for it.
            let _ = self.evict(&EvictLimits {
                max_len_bytes: self.max_len_bytes,
                ..EvictLimits::default()
            });
        }
        Ok(entry)
    }

    /// Removes the entry under `key`, and says whether there was one.
    ///
    /// # Errors
    ///
    /// [`CacheError::Pinned`] or [`CacheError::InUse`] if somebody needs it;
    /// [`CacheError::ReadOnlyMode`] unless the mode is [`Mode::ReadWrite`]; [`CacheError::NotWritable`]
    /// or [`CacheError::Io`] when the operating system refuses.
    pub fn remove(&self, key: &Key) -> Result<bool, CacheError> {
        self.check_writes()?;
        match self.try_remove(key) {
            Removed::Done => {
                self.sync_folder()?;
                Ok(true)
            }
            Removed::Nothing => Ok(false),
            Removed::Pinned => Err(CacheError::Pinned {
                key: *key,
                holders: self.holders(key)?,
            }),
            Removed::InUse => Err(CacheError::InUse { key: *key }),
        }
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
        let _ = self.folder.remove(&Beside::Used.of(key));
        #[cfg(feature = "metrics")]
        metrics::counter!("wasmelt_cache_quarantines_total").increment(1);
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

    pub(crate) fn folder(&self) -> &Folder {
        &self.folder
    }

    pub(crate) fn sync_folder(&self) -> Result<(), CacheError> {
        self.folder
            .sync()
            .map_err(|source| CacheError::io("synchronise", self.path(), source))
    }

    /// Removes an entry that nobody pins or has open.
    pub(crate) fn try_remove(&self, key: &Key) -> Removed {
        let name = key.to_string();
        let file = match self.folder.open_file(&name) {
            Ok(Found::File(file, _)) => file,
            Ok(Found::Nothing) => return Removed::Nothing,
            // Nobody can use what is none of ours.
            Ok(Found::Fault(_)) if self.is_pinned(key) => return Removed::Pinned,
            Ok(Found::Fault(_)) => {
                return match self.folder.remove_any(&name) {
                    Ok(()) => Removed::Done,
                    Err(_) => Removed::InUse,
                };
            }
            Err(_) => return Removed::InUse,
        };
        // With this lock nobody opens it, and nobody who opened it pins it.
        if !matches!(try_lock(&file), Ok(true)) || !is_named(&self.folder, &name, &file) {
            return Removed::InUse;
        }
        if self.is_pinned(key) {
            return Removed::Pinned;
        }
        match self.folder.remove(&name) {
            Ok(()) => {
                let _ = self.folder.remove(&Beside::Used.of(key));
                Removed::Done
            }
            Err(_) => Removed::InUse,
        }
    }

    /// Notes that an entry was found, if that was not noted within the hour. It is a help for
    /// eviction, which finds entries old for which this fails.
    fn note_use(&self, entry: &Entry) {
        if self.mode != Mode::ReadWrite {
            return;
        }
        let is_recent = |time: SystemTime| {
            let age = SystemTime::now().duration_since(time);
            age.is_ok_and(|age| age < USE_GRAIN)
        };
        let published = entry.file().metadata().and_then(|facts| facts.modified());
        if published.is_ok_and(is_recent) {
            return;
        }
        let name = Beside::Used.of(entry.key());
        match self.folder.length_and_time(&name) {
            Ok(Some((_, noted))) if is_recent(noted) => {}
            _ => drop(self.folder.touch(&name)),
        }
    }

    pub(crate) fn check_writes(&self) -> Result<(), CacheError> {
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

/// Opens the entry of a folder, and keeps it from being evicted for as long as it is open.
fn open_entry(folder: &Folder, key: &Key) -> Result<Option<(Entry, Shared)>, CacheError> {
    let name = key.to_string();
    let path = folder.path().join(&name);
    for attempt in 1..=ATTEMPTS {
        let file = match folder.open_file(&name)? {
            Found::Nothing => return Ok(None),
            Found::Fault(fault) => return Err(CacheError::BadEntry { path, fault }),
            Found::File(file, facts) if !facts.is_regular => {
                drop(file);
                let fault = EntryFault::NotRegular;
                return Err(CacheError::BadEntry { path, fault });
            }
            Found::File(file, _) => file,
        };
        // Whoever has it for himself removes the entry, or only looks whether it is in use.
        let lock = lock_shared(&file);
        if lock == Shared::Busy && attempt < ATTEMPTS {
            std::thread::sleep(Duration::from_millis(1));
            continue;
        }
        let facts = file_facts(&file).map_err(|source| CacheError::io("inspect", &path, source))?;
        // Replaced, moved aside or evicted between opening and looking: look again.
        if facts.links == 0 {
            continue;
        }
        return match check_facts(facts, folder.owners()) {
            Ok(()) => {
                let entry = Entry::new(*key, file, path, facts.len_bytes);
                Ok(Some((entry, lock)))
            }
            Err(fault) => Err(CacheError::BadEntry { path, fault }),
        };
    }
    Ok(None)
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
