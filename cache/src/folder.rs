//! Opens and judges the cache's folder, and does every operation relative to its descriptor.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{self, AtFlags, Dir, FileType, FlockOperation, Mode, OFlags, RenameFlags, Stat};
use rustix::io::Errno;

use crate::CacheError;
use crate::entry::{EntryFault, FileFacts};

/// The folder: an open descriptor, and the absolute path for messages.
#[derive(Debug)]
pub(crate) struct Folder {
    fd: OwnedFd,
    path: PathBuf,
    /// Who may own it and its entries; this user comes first.
    owners: Vec<u32>,
}

/// Whose a folder may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FolderRule {
    /// This user's.
    Own,
    /// This user's, or root's, who can do everything as this user.
    Shared,
}

/// What opening an entry by name found.
pub(crate) enum Found {
    Nothing,
    File(File, FileFacts),
    Fault(EntryFault),
}

/// Whether a rename that must not replace anything did its work.
#[derive(PartialEq, Eq)]
pub(crate) enum Renamed {
    Done,
    TargetExists,
}

/// Whether a lock that others may have too was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shared {
    Taken,
    Busy,
}

impl Folder {
    /// Opens `path`, creating it and its missing parents with mode 0700 if `create`.
    pub(crate) fn open(path: &Path, create: bool, rule: FolderRule) -> Result<Self, CacheError> {
        let path = std::path::absolute(path)
            .map_err(|source| CacheError::io("make absolute the path", path, source))?;
        if create {
            create_private(&path)?;
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = fs::open(&path, flags, Mode::empty()).map_err(|errno| open_error(&path, errno))?;
        let stat = fs::fstat(&fd).map_err(|errno| CacheError::io("inspect", &path, errno))?;
        let mut owners = vec![rustix::process::geteuid().as_raw()];
        if rule == FolderRule::Shared {
            owners.push(0);
        }
        check_folder(&path, &stat, &owners)?;
        Ok(Self { fd, path, owners })
    }

    pub(crate) fn owners(&self) -> &[u32] {
        &self.owners
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Opens `name` for reading. Neither a link nor a pipe makes this go anywhere else or wait.
    pub(crate) fn open_file(&self, name: &str) -> Result<Found, CacheError> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let fd = match fs::openat(&self.fd, name, flags, Mode::empty()) {
            Ok(fd) => fd,
            Err(Errno::NOENT) => return Ok(Found::Nothing),
            Err(Errno::LOOP) => return Ok(Found::Fault(EntryFault::Symlink)),
            Err(Errno::NXIO) => return Ok(Found::Fault(EntryFault::NotRegular)),
            Err(Errno::ACCESS) => return Ok(Found::Fault(EntryFault::Unreadable)),
            Err(errno) => return Err(CacheError::io("open", &self.path.join(name), errno)),
        };
        let stat = fs::fstat(&fd)
            .map_err(|errno| CacheError::io("inspect", &self.path.join(name), errno))?;
        Ok(Found::File(File::from(fd), facts(&stat)))
    }

    /// Creates `name`, which must not exist, for writing by us alone.
    pub(crate) fn create_file(&self, name: &str) -> io::Result<File> {
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(File::from(fs::openat(
            &self.fd,
            name,
            flags,
            Mode::RUSR | Mode::WUSR,
        )?))
    }

    /// Renames within the folder, replacing the target.
    pub(crate) fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        Ok(fs::renameat(&self.fd, from, &self.fd, to)?)
    }

    /// Renames within the folder unless the target exists. Where the file system cannot do that in
    /// one step, the target is replaced: its bytes are the same by the meaning of a key.
    pub(crate) fn rename_new(&self, from: &str, to: &str) -> io::Result<Renamed> {
        match fs::renameat_with(&self.fd, from, &self.fd, to, RenameFlags::NOREPLACE) {
            Ok(()) => Ok(Renamed::Done),
            Err(Errno::EXIST) => Ok(Renamed::TargetExists),
            Err(Errno::INVAL | Errno::NOSYS) => self.rename(from, to).map(|()| Renamed::Done),
            Err(errno) => Err(errno.into()),
        }
    }

    /// Deletes `name`; that it is gone already is as good.
    pub(crate) fn remove(&self, name: &str) -> io::Result<()> {
        match fs::unlinkat(&self.fd, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(errno) => Err(errno.into()),
        }
    }

    /// Deletes `name`, whatever it is; an empty folder, too.
    pub(crate) fn remove_any(&self, name: &str) -> io::Result<()> {
        match self.remove(name) {
            Err(error) if error.kind() == io::ErrorKind::IsADirectory => {
                Ok(fs::unlinkat(&self.fd, name, AtFlags::REMOVEDIR)?)
            }
            result => result,
        }
    }

    /// Opens or creates `name` for its lock alone.
    pub(crate) fn open_lock(&self, name: &str) -> io::Result<File> {
        let flags =
            OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let mode = Mode::RUSR | Mode::WUSR;
        Ok(File::from(fs::openat(&self.fd, name, flags, mode)?))
    }

    /// Sets the time of modification of `name` to now, creating it if it is not there.
    pub(crate) fn touch(&self, name: &str) -> io::Result<()> {
        let now = std::time::SystemTime::now();
        self.open_lock(name)?.set_modified(now)
    }

    /// Length and time of modification of `name`, if it is there.
    pub(crate) fn length_and_time(
        &self,
        name: &str,
    ) -> io::Result<Option<(u64, std::time::SystemTime)>> {
        match fs::statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some((facts(&stat).len_bytes, modified(&stat)))),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(errno.into()),
        }
    }

    /// Creates a folder in the folder; that it is there already is as good.
    pub(crate) fn create_folder(&self, name: &str) -> io::Result<()> {
        match fs::mkdirat(&self.fd, name, Mode::RWXU) {
            Ok(()) | Err(Errno::EXIST) => Ok(()),
            Err(errno) => Err(errno.into()),
        }
    }

    /// Creates an empty file in a folder in the folder; that it is there already is as good.
    pub(crate) fn create_empty(&self, folder: &str, name: &str) -> io::Result<()> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let folder = self.open_folder(folder)?;
        fs::openat(&folder, name, flags, Mode::RUSR)?;
        sync(&folder)
    }

    /// Deletes a file in a folder in the folder, and says whether it was there.
    pub(crate) fn remove_in(&self, folder: &str, name: &str) -> io::Result<bool> {
        let removed = self
            .open_folder(folder)
            .and_then(|folder| Ok(fs::unlinkat(&folder, name, AtFlags::empty())?));
        match removed {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Deletes a folder in the folder, if it is empty.
    pub(crate) fn remove_empty_folder(&self, name: &str) -> io::Result<()> {
        match fs::unlinkat(&self.fd, name, AtFlags::REMOVEDIR) {
            Ok(()) | Err(Errno::NOENT | Errno::NOTEMPTY | Errno::EXIST) => Ok(()),
            Err(errno) => Err(errno.into()),
        }
    }

    /// Names of everything in a folder in the folder; none if it is not there.
    pub(crate) fn names_in(&self, folder: &str) -> io::Result<Vec<String>> {
        match self.open_folder(folder) {
            Ok(folder) => list(&folder),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    fn open_folder(&self, name: &str) -> io::Result<OwnedFd> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(fs::openat(&self.fd, name, flags, Mode::empty())?)
    }

    /// Makes renames durable.
    pub(crate) fn sync(&self) -> io::Result<()> {
        sync(&self.fd)
    }

    /// Names of everything in the folder that is text.
    pub(crate) fn names(&self) -> io::Result<Vec<String>> {
        list(&self.fd)
    }
}

/// Makes what was created or renamed in an open folder durable.
fn sync(folder: &OwnedFd) -> io::Result<()> {
    match fs::fsync(folder) {
        // Some network file systems cannot synchronise a folder; there is nothing to wait for.
        Ok(()) | Err(Errno::INVAL) => Ok(()),
        Err(errno) => Err(errno.into()),
    }
}

/// Names of everything in an open folder that is text.
fn list(folder: &OwnedFd) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in Dir::read_from(folder)? {
        match entry?.file_name().to_str() {
            Ok("." | "..") | Err(_) => {}
            Ok(name) => names.push(name.to_owned()),
        }
    }
    Ok(names)
}

/// Takes the exclusive lock of an open file, if nobody has it.
pub(crate) fn try_lock(file: &File) -> io::Result<bool> {
    match fs::flock(file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(true),
        Err(Errno::WOULDBLOCK) => Ok(false),
        Err(errno) => Err(errno.into()),
    }
}

/// Takes a lock of an open file that others may have too, and says whether somebody has the exclusive one.
/// On a file system without locks there is none to take. It is given back when the file is closed.
pub(crate) fn lock_shared(file: &File) -> Shared {
    match fs::flock(file, FlockOperation::NonBlockingLockShared) {
        Err(Errno::WOULDBLOCK) => Shared::Busy,
        _ => Shared::Taken,
    }
}

/// Whether a name in the folder is that of an open file.
pub(crate) fn is_named(folder: &Folder, name: &str, file: &File) -> bool {
    let named = fs::statat(&folder.fd, name, AtFlags::SYMLINK_NOFOLLOW);
    match (named, fs::fstat(file)) {
        (Ok(named), Ok(open)) => (named.st_dev, named.st_ino) == (open.st_dev, open.st_ino),
        _ => false,
    }
}

/// What the operating system says about an open file.
pub(crate) fn file_facts(file: &File) -> io::Result<FileFacts> {
    Ok(facts(&fs::fstat(file)?))
}

/// How many names an open file has.
pub(crate) fn link_count(file: &File) -> io::Result<u64> {
    Ok(file_facts(file)?.links)
}

/// Makes an open file readable by its owner and nothing else.
pub(crate) fn make_read_only(file: &File) -> io::Result<()> {
    Ok(fs::fchmod(file, Mode::RUSR)?)
}

#[allow(
    clippy::useless_conversion,
    reason = "the width of `st_nlink` differs between targets"
)]
fn facts(stat: &Stat) -> FileFacts {
    FileFacts {
        is_regular: FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile,
        owner: stat.st_uid,
        mode: stat.st_mode & 0o7777,
        links: u64::from(stat.st_nlink),
        len_bytes: u64::try_from(stat.st_size).unwrap_or(0),
    }
}

fn modified(stat: &Stat) -> std::time::SystemTime {
    let since = std::time::Duration::new(
        u64::try_from(stat.st_mtime).unwrap_or(0),
        u32::try_from(stat.st_mtime_nsec).unwrap_or(0),
    );
    std::time::SystemTime::UNIX_EPOCH
        .checked_add(since)
        .unwrap_or(std::time::SystemTime::UNIX_EPOCH)
}

fn check_folder(path: &Path, stat: &Stat, owners: &[u32]) -> Result<(), CacheError> {
    let (owner, expected, mode) = (stat.st_uid, owners[0], stat.st_mode & 0o7777);
    if !owners.contains(&owner) {
        return Err(CacheError::FolderNotOurs {
            path: path.to_path_buf(),
            owner,
            expected,
        });
    }
    if mode & 0o022 != 0 {
        return Err(CacheError::FolderWritableByOthers {
            path: path.to_path_buf(),
            mode,
        });
    }
    Ok(())
}

fn create_private(path: &Path) -> Result<(), CacheError> {
    use std::os::unix::fs::DirBuilderExt;

    match std::fs::DirBuilder::new()
        .mode(0o700)
        .recursive(true)
        .create(path)
    {
        Ok(()) => Ok(()),
        // Something else has the name: opening it says what.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => Err(CacheError::NotAFolder {
            path: path.to_path_buf(),
        }),
        Err(source) => Err(CacheError::from_write("create the folder", path, 0, source)),
    }
}

fn open_error(path: &Path, errno: Errno) -> CacheError {
    let path = path.to_path_buf();
    let is_link = || {
        path.symlink_metadata()
            .is_ok_and(|facts| facts.is_symlink())
    };
    match errno {
        Errno::NOENT => CacheError::MissingFolder { path },
        Errno::LOOP | Errno::NOTDIR if is_link() => CacheError::FolderIsSymlink { path },
        Errno::NOTDIR => CacheError::NotAFolder { path },
        errno => CacheError::io("open", &path, errno),
    }
}
