//! How a store is opened.

use std::path::{Path, PathBuf};

use crate::{Cache, CacheError, Mode};

/// How a [`Cache`] is opened: mode, folders beneath it, and how large it may become.
///
/// # Example
///
/// ```
/// use wasmelt_cache::CacheOptions;
///
/// # let home = tempfile::tempdir()?;
/// # let (folder, image) = (home.path().join("cache"), home.path().join("image"));
/// # std::fs::create_dir(&image)?;
/// # std::fs::set_permissions(&image, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
/// let cache = CacheOptions::new()
///     .shared(image)
///     .max_len_bytes(2 << 30)
///     .open(folder)?;
/// assert_eq!(cache.stats()?.entries, 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct CacheOptions {
    pub(crate) mode: Mode,
    pub(crate) shared: Vec<PathBuf>,
    pub(crate) max_len_bytes: Option<u64>,
}

impl CacheOptions {
    /// Reading and writing, nothing beneath, no bound.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What the store may do.
    #[must_use]
    pub fn mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    /// A folder in which a look-up goes on that found nothing in the store and in the ones that were
    /// named before. It is never written to; it and its entries belong to this user or to root, and
    /// nobody else may write them.
    #[must_use]
    pub fn shared(mut self, folder: impl AsRef<Path>) -> Self {
        self.shared.push(folder.as_ref().to_path_buf());
        self
    }

    /// How many bytes the entries may have in all: publishing evicts what was not used for longest
    /// ([`Cache::evict`]) until they have no more. Entries that are pinned or in use stay, so it can
    /// be exceeded.
    #[must_use]
    pub fn max_len_bytes(mut self, max_len_bytes: u64) -> Self {
        self.max_len_bytes = Some(max_len_bytes);
        self
    }

    /// Opens the store in `folder`.
    ///
    /// # Errors
    ///
    /// As [`Cache::open_with`], of this folder and of the shared ones, which have to be there.
    pub fn open(&self, folder: impl AsRef<Path>) -> Result<Cache, CacheError> {
        Cache::open_as(folder.as_ref(), self)
    }
}
