//! Single flight: of all processes that miss the same entry, one makes it, and the others wait.

use std::fs::File;
use std::time::{Duration, Instant};

use crate::folder::{Folder, link_count, try_lock};
use crate::names::Beside;
use crate::{Cache, CacheError, Key, Mode};

/// Longest pause between two looks whether the lock is free.
const MAX_PAUSE: Duration = Duration::from_millis(50);

/// The right to make the entry under a key. Dropping it, also by dying, hands it on.
///
/// It is a lock of the kernel on a file of the key's own: no key waits for another, and nothing that
/// is left on disk blocks anyone.
#[derive(Debug)]
pub struct Flight {
    cache: Cache,
    name: String,
    file: File,
}

impl Cache {
    /// Waits for the right to make the entry under `key`, for as long as `patience`. Look up again
    /// when it is there: whoever had it before has probably published the entry.
    ///
    /// Without the right one may make the entry all the same: it is then made twice, and no harm is
    /// done. So none is given where it cannot be had: when the patience is over, in a mode that does
    /// not write, and in a folder whose file system has no locks.
    ///
    /// # Errors
    ///
    /// The lock's file cannot be made: [`CacheError::DiskFull`], [`CacheError::NotWritable`],
    /// [`CacheError::MissingFolder`] or [`CacheError::Io`].
    pub fn take_flight(&self, key: &Key, patience: Duration) -> Result<Option<Flight>, CacheError> {
        if self.mode() != Mode::ReadWrite {
            return Ok(None);
        }
        let name = Beside::Lock.of(key);
        let begin = Instant::now();
        let mut pause = Duration::from_millis(1);
        loop {
            let file = self.folder().open_lock(&name).map_err(|source| {
                CacheError::from_write("lock an entry in", self.path(), 0, source)
            })?;
            match try_lock(&file) {
                // Its last holder has removed it; there may be another by now.
                Ok(true) if !is_linked(&file) && begin.elapsed() < patience => continue,
                Ok(true) if !is_linked(&file) => return Ok(None),
                Ok(true) => {
                    let cache = self.clone();
                    return Ok(Some(Flight { cache, name, file }));
                }
                Ok(false) => {}
                Err(_) => return Ok(None),
            }
            if begin.elapsed() >= patience {
                return Ok(None);
            }
            std::thread::sleep(pause);
            pause = MAX_PAUSE.min(2 * pause);
        }
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        // While it is locked, so that nobody takes a file that is about to go. If it stays, it is
        // used again, or removed by the next eviction.
        if is_linked(&self.file) {
            let _ = self.cache.folder().remove(&self.name);
        }
    }
}

/// Removes the file of a lock that nobody has.
pub(crate) fn remove_free_lock(folder: &Folder, key: &Key) {
    let name = Beside::Lock.of(key);
    if let Ok(file) = folder.open_lock(&name)
        && matches!(try_lock(&file), Ok(true))
        && is_linked(&file)
    {
        let _ = folder.remove(&name);
    }
}

fn is_linked(file: &File) -> bool {
    link_count(file).is_ok_and(|links| links > 0)
}
