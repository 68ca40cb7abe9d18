//! Temporary files: written and synchronised first, renamed to their entry last.
//!
//! A writer holds the lock (`flock`) of its temporary file until the rename. The kernel drops the
//! lock of a process that dies, so a temporary file that can be locked is a leftover, whatever its
//! age and whatever process id its name has.

use std::fs::File;
use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::CacheError;
use crate::folder::{Folder, Found, link_count, make_read_only, try_lock};
use crate::names::{Name, TEMPORARY_PREFIX};

/// How often a writer begins anew when a cleaner took its file between creation and lock.
const ATTEMPTS: u32 = 16;

/// A complete temporary file that is not an entry yet; dropping it deletes it.
pub(crate) struct Staged<'a> {
    folder: &'a Folder,
    name: String,
    /// Holds the lock.
    file: File,
}

impl<'a> Staged<'a> {
    /// Writes `bytes` to a new temporary file with mode 0400 and waits until they are on disk.
    pub(crate) fn write(folder: &'a Folder, bytes: &[u8]) -> Result<Self, CacheError> {
        let len_bytes = u64::try_from(bytes.len()).expect("a length in memory fits in 64 bits");
        let error = |source| CacheError::from_write("write to", folder.path(), len_bytes, source);
        let mut staged = Self::create(folder).map_err(error)?;
        staged
            .file
            .write_all(bytes)
            .and_then(|()| make_read_only(&staged.file))
            .and_then(|()| staged.file.sync_all())
            .map_err(error)?;
        Ok(staged)
    }

    /// The temporary file's name in the folder.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Opens the same file for reading.
    pub(crate) fn reopen(&self) -> Result<File, CacheError> {
        match self.folder.open_file(&self.name)? {
            Found::File(file, _) => Ok(file),
            Found::Nothing | Found::Fault(_) => Err(CacheError::io(
                "open",
                &self.folder.path().join(&self.name),
                io::Error::from(io::ErrorKind::NotFound),
            )),
        }
    }

    fn create(folder: &'a Folder) -> io::Result<Self> {
        for _ in 0..ATTEMPTS {
            let name = fresh_name();
            let file = match folder.create_file(&name) {
                Ok(file) => file,
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                Err(error) => return Err(error),
            };
            let staged = Self { folder, name, file };
            // A file system without locks has no cleaners either.
            let locked = try_lock(&staged.file).unwrap_or(true);
            if locked && link_count(&staged.file)? == 1 {
                return Ok(staged);
            }
        }
        Err(io::Error::from(io::ErrorKind::ResourceBusy))
    }
}

impl Drop for Staged<'_> {
    fn drop(&mut self) {
        // After the rename the name is free and this does nothing. If it fails, the next cleaner
        // does the same.
        let _ = self.folder.remove(&self.name);
    }
}

/// Deletes the temporary files of writers that no longer live, and says how many.
pub(crate) fn remove_leftovers(folder: &Folder) -> Result<usize, CacheError> {
    let names = folder
        .names()
        .map_err(|source| CacheError::io("list", folder.path(), source))?;
    let mut removed = 0;
    let is_temporary = |name: &&String| Name::parse(name) == Some(Name::Temporary);
    for name in names.iter().filter(is_temporary) {
        // Only the lock tells; anything that cannot be opened or locked is left alone, and so is what no
        // writer of ours has made.
        let Ok(Found::File(file, facts)) = folder.open_file(name) else {
            continue;
        };
        let is_ours = facts.is_regular
            && facts.links == 1
            && folder.owners().contains(&facts.owner)
            && [0o600, 0o400].contains(&facts.mode);
        if !is_ours {
            continue;
        }
        if matches!(try_lock(&file), Ok(true)) && folder.remove(name).is_ok() {
            removed += 1;
        }
    }
    Ok(removed)
}

/// A name that no other writer uses: process id, 64 random bits per process, a count.
fn fresh_name() -> String {
    use std::hash::{BuildHasher, RandomState};

    static COUNT: AtomicU64 = AtomicU64::new(0);
    let random = RandomState::new().hash_one(0u8);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!(
        "{TEMPORARY_PREFIX}{}-{random:016x}-{count}",
        std::process::id()
    )
}

#[cfg(test)]
mod tests {
    use super::{Staged, remove_leftovers};
    use crate::folder::{Folder, FolderRule};
    use crate::{Cache, Key};
    use std::io::{BufRead, BufReader, Write};
    use std::path::Path;
    use std::process::{Child, Command, Stdio};

    const CHILD_FOLDER: &str = "WASMELT_CACHE_TEST_CHILD_FOLDER";
    const BYTES: &[u8] = b"as if compiled";

    /// The child's part: it has written everything, and waits where the rename would come.
    fn stop_before_the_rename(path: &Path) {
        let folder =
            Folder::open(path, false, FolderRule::Own).expect("the parent made the folder");
        let staged = Staged::write(&folder, BYTES).expect("the folder is writable");
        println!("\nstaged {}", staged.name());
        std::io::stdout().flush().expect("the parent reads");
        std::thread::sleep(std::time::Duration::from_secs(60));
    }

    /// Starts this test binary again with only `the_file_of_a_living_writer_is_not_a_leftover`, which plays the
    /// child's part when it finds the folder in its environment.
    fn start_writer(folder: &Path) -> (Child, String) {
        let mut child = Command::new(std::env::current_exe().expect("a test has a path"))
            .args([
                "--exact",
                "staged::tests::the_file_of_a_living_writer_is_not_a_leftover",
                "--nocapture",
            ])
            .env(CHILD_FOLDER, folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a test can start itself");
        let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let name = lines
            .map_while(Result::ok)
            .find_map(|line| line.strip_prefix("staged ").map(str::to_owned))
            .expect("the child stages a file");
        (child, name)
    }

    #[test]
    fn a_writer_killed_before_the_rename_leaves_a_miss_and_one_file_that_the_next_open_removes() {
        let home = tempfile::tempdir().expect("a temporary folder");
        let path = home.path().join("cache");
        let key = Key::from_bytes([1; 32]);
        let cache = Cache::open(&path).expect("a new cache");

        let (mut child, name) = start_writer(&path);
        child.kill().expect("it is ours");
        child.wait().expect("it was started");

        assert!(path.join(&name).exists(), "the dead writer's file is there");
        assert!(cache.lookup(&key).expect("a look-up").is_none());
        let cache = Cache::open(&path).expect("the same cache again");
        assert!(!path.join(&name).exists(), "the leftover is gone");
        cache.publish(&key, BYTES).expect("nothing is in the way");
        assert_eq!(std::fs::read_dir(&path).expect("a folder").count(), 1);
    }

    #[test]
    fn the_file_of_a_living_writer_is_not_a_leftover() {
        if let Some(path) = std::env::var_os(CHILD_FOLDER) {
            return stop_before_the_rename(Path::new(&path));
        }
        let home = tempfile::tempdir().expect("a temporary folder");
        let path = home.path().join("cache");
        let folder = Folder::open(&path, true, FolderRule::Own).expect("a new folder");

        let (mut child, name) = start_writer(&path);
        assert_eq!(remove_leftovers(&folder).expect("a list"), 0);
        assert!(path.join(&name).exists());
        child.kill().expect("it is ours");
        child.wait().expect("it was started");
        assert_eq!(remove_leftovers(&folder).expect("a list"), 1);
    }

    #[test]
    fn a_staged_file_that_is_given_up_deletes_itself() {
        let home = tempfile::tempdir().expect("a temporary folder");
        let folder =
            Folder::open(&home.path().join("cache"), true, FolderRule::Own).expect("a new folder");
        let staged = Staged::write(&folder, BYTES).expect("a writable folder");
        assert!(folder.path().join(staged.name()).exists());
        drop(staged);
        assert_eq!(
            std::fs::read_dir(folder.path()).expect("a folder").count(),
            0
        );
    }
}
