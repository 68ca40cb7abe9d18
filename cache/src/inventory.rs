//! What is in a cache's folder: entries with their last use, and everything beside them.

use std::collections::BTreeMap;
use std::time::SystemTime;

use crate::folder::{Folder, Found, try_lock};
use crate::names::{Beside, Name};
use crate::{Cache, CacheError, EntryFault, Key};

/// An entry as a listing shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EntryInfo {
    /// Its key.
    pub key: Key,
    /// Its length.
    pub len_bytes: u64,
    /// When it was published or found last, to the hour.
    pub used: SystemTime,
    /// Who pins it, in alphabetical order.
    pub holders: Vec<String>,
    /// Whether some process has it open now.
    pub is_in_use: bool,
    /// Why it is no entry that is ever handed out.
    pub fault: Option<EntryFault>,
}

/// How much is in a store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CacheStats {
    /// Entries.
    pub entries: u64,
    /// Their lengths in all.
    pub entries_len_bytes: u64,
    /// How many of them are pinned.
    pub pinned: u64,
    /// How many of them some process has open now.
    pub in_use: u64,
    /// What was moved aside.
    pub quarantined: u64,
    /// Its length in all.
    pub quarantined_len_bytes: u64,
    /// Files that are being written, or were left by writers that were killed.
    pub temporary: u64,
}

/// What is there under one key.
#[derive(Debug, Default)]
pub(crate) struct Slot {
    /// Length and time of modification of the entry.
    pub(crate) entry: Option<(u64, SystemTime)>,
    pub(crate) used: Option<SystemTime>,
    pub(crate) is_pinned: bool,
    pub(crate) has_lock: bool,
    /// Names, lengths and times of what was moved aside.
    pub(crate) bad: Vec<(String, u64, SystemTime)>,
}

impl Slot {
    /// When the entry was last used; the times on disk may be anything, also in the future.
    pub(crate) fn last_use(&self) -> SystemTime {
        let published = self.entry.map_or(SystemTime::UNIX_EPOCH, |(_, time)| time);
        self.used.map_or(published, |used| used.max(published))
    }
}

/// Everything that is ours in a folder.
#[derive(Debug, Default)]
pub(crate) struct Inventory {
    pub(crate) slots: BTreeMap<Key, Slot>,
    pub(crate) temporary: u64,
}

impl Inventory {
    /// Lists the folder. What disappears meanwhile is left out.
    pub(crate) fn read(folder: &Folder) -> Result<Self, CacheError> {
        let names = folder
            .names()
            .map_err(|source| CacheError::io("list", folder.path(), source))?;
        let mut inventory = Self::default();
        for name in names {
            let Some(parsed) = Name::parse(&name) else {
                continue;
            };
            let slot = match parsed {
                Name::Temporary => {
                    inventory.temporary += 1;
                    continue;
                }
                Name::Entry(key) | Name::Beside(key, _) => inventory.slots.entry(key).or_default(),
            };
            let Ok(Some((len_bytes, modified))) = folder.length_and_time(&name) else {
                continue;
            };
            match parsed {
                Name::Entry(_) => slot.entry = Some((len_bytes, modified)),
                Name::Beside(_, Beside::Used) => slot.used = Some(modified),
                Name::Beside(_, Beside::Pins) => slot.is_pinned = true,
                Name::Beside(_, Beside::Lock) => slot.has_lock = true,
                Name::Beside(_, Beside::Bad) => slot.bad.push((name, len_bytes, modified)),
                Name::Beside(_, Beside::Why) | Name::Temporary => {}
            }
        }
        Ok(inventory)
    }
}

impl Cache {
    /// Lists the entries of the store's own folder by key, also what has an entry's name and is none.
    ///
    /// # Errors
    ///
    /// [`CacheError::Io`] when the folder cannot be listed.
    pub fn entries(&self) -> Result<Vec<EntryInfo>, CacheError> {
        let inventory = Inventory::read(self.folder())?;
        let mut entries = Vec::new();
        for (key, slot) in &inventory.slots {
            let Some((len_bytes, _)) = slot.entry else {
                continue;
            };
            let fault = match self.lookup_strict(key) {
                Ok(Some(_)) => None,
                Err(CacheError::BadEntry { fault, .. }) => Some(fault),
                // It is gone by now.
                Ok(None) | Err(_) => continue,
            };
            // What is in place of the list may say anything: somebody pins it.
            let unknown = |_| vec!["unknown".to_owned()];
            entries.push(EntryInfo {
                key: *key,
                len_bytes,
                used: slot.last_use(),
                holders: self.holders(key).unwrap_or_else(unknown),
                is_in_use: fault.is_none() && self.is_in_use(key),
                fault,
            });
        }
        Ok(entries)
    }

    /// Counts what is in the store's own folder.
    ///
    /// # Errors
    ///
    /// As [`Cache::entries`].
    pub fn stats(&self) -> Result<CacheStats, CacheError> {
        let inventory = Inventory::read(self.folder())?;
        let mut stats = CacheStats {
            temporary: inventory.temporary,
            ..CacheStats::default()
        };
        for (key, slot) in &inventory.slots {
            if let Some((len_bytes, _)) = slot.entry {
                stats.entries += 1;
                stats.entries_len_bytes += len_bytes;
                stats.pinned += u64::from(self.is_pinned(key));
                stats.in_use += u64::from(self.is_in_use(key));
            }
            for (_, len_bytes, _) in &slot.bad {
                stats.quarantined += 1;
                stats.quarantined_len_bytes += len_bytes;
            }
        }
        Ok(stats)
    }

    /// Whether somebody has the entry's lock, as whoever has it open does.
    fn is_in_use(&self, key: &Key) -> bool {
        match self.folder().open_file(&key.to_string()) {
            Ok(Found::File(file, _)) => !matches!(try_lock(&file), Ok(true)),
            _ => false,
        }
    }
}
