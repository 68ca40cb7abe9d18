//! Eviction: what was not used for longest goes, unless somebody needs it.

use std::time::{Duration, SystemTime};

use crate::cache::Removed;
use crate::flight::remove_free_lock;
use crate::inventory::Inventory;
use crate::names::Beside;
use crate::{Cache, CacheError, Key};

/// What may stay. Without a limit, everything may.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EvictLimits {
    /// How many bytes entries, and what was moved aside, may have in all.
    pub max_len_bytes: Option<u64>,
    /// How long ago the last use may be.
    pub max_age: Option<Duration>,
    /// Whether what was moved aside has to go, whatever its age.
    pub is_quarantine_emptied: bool,
}

/// What an eviction did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Evicted {
    /// Entries that are gone, those that were used longest ago first, with their lengths.
    pub entries: Vec<(Key, u64)>,
    /// How many entries were to go, and stay because they are pinned.
    pub pinned: u64,
    /// How many entries were to go, and stay because some process has them open.
    pub in_use: u64,
    /// How many were removed of what had been moved aside.
    pub quarantined: u64,
    /// How many temporary files of dead writers were removed.
    pub temporary: u64,
    /// Length of entries, and of what was moved aside, that is still there.
    pub left_len_bytes: u64,
}

impl Cache {
    /// Removes what is beyond the limits: first what was moved aside, then entries in the order of
    /// their last use; and files that killed processes have left.
    ///
    /// No entry goes that is pinned, or that any process has open: whoever has looked it up and
    /// keeps the [`Entry`](crate::Entry) or its file, as code that is mapped from it does. Other
    /// processes may look up, publish and evict meanwhile.
    ///
    /// # Errors
    ///
    /// [`CacheError::ReadOnlyMode`] unless the mode is [`Mode::ReadWrite`](crate::Mode::ReadWrite);
    /// [`CacheError::Io`] when the folder cannot be listed. What cannot be removed stays, and counts
    /// as in use.
    pub fn evict(&self, limits: &EvictLimits) -> Result<Evicted, CacheError> {
        let mut evicted = Evicted {
            temporary: self.remove_leftovers()? as u64,
            ..Evicted::default()
        };
        let inventory = Inventory::read(self.folder())?;
        let now = SystemTime::now();
        // A time in the future is no age.
        let is_old = |time| match (limits.max_age, now.duration_since(time)) {
            (Some(max), Ok(age)) => age > max,
            _ => false,
        };
        let mut entries = Vec::new();
        let mut aside = Vec::new();
        for (key, slot) in &inventory.slots {
            if let Some((len_bytes, _)) = slot.entry {
                entries.push((slot.last_use(), *key, len_bytes));
            } else if slot.used.is_some() {
                let _ = self.folder().remove(&Beside::Used.of(key));
            }
            if slot.has_lock {
                remove_free_lock(self.folder(), key);
            }
            for (name, len_bytes, time) in &slot.bad {
                aside.push((*time, *key, name, *len_bytes));
            }
        }
        entries.sort();
        aside.sort();
        let lengths = entries.iter().map(|(_, _, len_bytes)| len_bytes);
        let aside_lengths = aside.iter().map(|(_, _, _, len_bytes)| len_bytes);
        evicted.left_len_bytes = lengths.chain(aside_lengths).sum();
        let is_too_much =
            |left_len_bytes| limits.max_len_bytes.is_some_and(|max| left_len_bytes > max);

        for (time, key, name, len_bytes) in aside {
            let must_go = limits.is_quarantine_emptied || is_old(time);
            if (must_go || is_too_much(evicted.left_len_bytes))
                && self.folder().remove_any(name).is_ok()
            {
                let _ = self.folder().remove(&Beside::Why.of(&key));
                evicted.quarantined += 1;
                evicted.left_len_bytes -= len_bytes;
            }
        }
        for (time, key, len_bytes) in entries {
            if !is_old(time) && !is_too_much(evicted.left_len_bytes) {
                break;
            }
            match self.try_remove(&key) {
                Removed::Done => {
                    #[cfg(feature = "metrics")]
                    metrics::counter!("wasmelt_cache_evictions_total").increment(1);
                    evicted.entries.push((key, len_bytes));
                }
                Removed::Nothing => {}
                Removed::Pinned => {
                    evicted.pinned += 1;
                    continue;
                }
                Removed::InUse => {
                    evicted.in_use += 1;
                    continue;
                }
            }
            evicted.left_len_bytes -= len_bytes;
        }
        Ok(evicted)
    }
}
