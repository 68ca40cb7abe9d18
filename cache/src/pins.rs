//! Pins: names of those for whom an entry has to stay.

use rustix::io::Errno;

use crate::names::Beside;
use crate::{Cache, CacheError, Key};

/// Longest name of a holder.
const MAX_HOLDER_LEN_BYTES: usize = 64;
/// How often a pin begins anew when the folder of pins is removed under it.
const ATTEMPTS: u32 = 8;

impl Cache {
    /// Keeps the entry under `key` from being evicted or removed, on behalf of `holder`: a name of 1
    /// to 64 letters, digits, `-`, `_` and `.`, which begins with a letter or digit. Pinning twice is
    /// as good as once. A pin outlives this process, and an entry that is moved aside and made again.
    ///
    /// # Errors
    ///
    /// [`CacheError::NoEntry`] if there is none, [`CacheError::InUse`] if somebody is removing it for
    /// longer than a second, [`CacheError::HolderName`],
    /// [`CacheError::ReadOnlyMode`], or the operating system refuses.
    pub fn pin(&self, key: &Key, holder: &str) -> Result<(), CacheError> {
        self.check_writes()?;
        check_holder(holder)?;
        // Whoever has the entry open keeps it from being evicted meanwhile.
        let Some(_entry) = self.hold(key)? else {
            return Err(self.no_entry(key));
        };
        let pins = Beside::Pins.of(key);
        let error = |source| CacheError::from_write("pin an entry in", self.path(), 0, source);
        for _ in 0..ATTEMPTS {
            self.folder().create_folder(&pins).map_err(error)?;
            match self.folder().create_empty(&pins, holder) {
                Ok(()) => return self.sync_folder(),
                Err(gone) if gone.kind() == std::io::ErrorKind::NotFound => {}
                Err(source) => return Err(error(source)),
            }
        }
        Err(error(Errno::AGAIN.into()))
    }

    /// Takes back a pin of `holder`, and says whether there was one.
    ///
    /// # Errors
    ///
    /// [`CacheError::HolderName`], [`CacheError::ReadOnlyMode`], or the operating system refuses.
    pub fn unpin(&self, key: &Key, holder: &str) -> Result<bool, CacheError> {
        self.check_writes()?;
        check_holder(holder)?;
        let pins = Beside::Pins.of(key);
        let error = |source| CacheError::from_write("unpin an entry in", self.path(), 0, source);
        let was_there = self.folder().remove_in(&pins, holder).map_err(error)?;
        // As long as others pin it, the folder is not empty, and stays.
        self.folder().remove_empty_folder(&pins).map_err(error)?;
        self.sync_folder()?;
        Ok(was_there)
    }

    /// Who pins the entry under `key`, in alphabetical order.
    ///
    /// # Errors
    ///
    /// The operating system refuses.
    pub fn holders(&self, key: &Key) -> Result<Vec<String>, CacheError> {
        let pins = Beside::Pins.of(key);
        let mut holders = self
            .folder()
            .names_in(&pins)
            .map_err(|source| CacheError::io("list", &self.path().join(&pins), source))?;
        holders.sort();
        Ok(holders)
    }

    /// Whether anybody pins the entry. If that cannot be found out, somebody does.
    pub(crate) fn is_pinned(&self, key: &Key) -> bool {
        !matches!(self.holders(key), Ok(holders) if holders.is_empty())
    }

    pub(crate) fn no_entry(&self, key: &Key) -> CacheError {
        CacheError::NoEntry {
            key: *key,
            path: self.path().to_path_buf(),
        }
    }
}

fn check_holder(holder: &str) -> Result<(), CacheError> {
    let is_good = holder.len() <= MAX_HOLDER_LEN_BYTES
        && holder.starts_with(|first: char| first.is_ascii_alphanumeric())
        && holder
            .chars()
            .all(|char| char.is_ascii_alphanumeric() || "-_.".contains(char));
    if is_good {
        return Ok(());
    }
    Err(CacheError::HolderName {
        name: holder.to_owned(),
    })
}
