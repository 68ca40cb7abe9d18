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

impl Folder {
    /// Opens `path`, creating it and its missing parents with mode 0700 if `create`.
    pub(crate) fn open(path: &Path, create: bool) -> Result<Self, CacheError> {
        let path = std::path::absolute(path)
            .map_err(|source| CacheError::io("make absolute the path", path, source))?;
        if create {
            create_private(&path)?;
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = fs::open(&path, flags, Mode::empty()).map_err(|errno| open_error(&path, errno))?;
        let stat = fs::fstat(&fd).map_err(|errno| CacheError::io("inspect", &path, errno))?;
        check_folder(&path, &stat)?;
        Ok(Self { fd, path })
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

    /// Makes renames durable.
    pub(crate) fn sync(&self) -> io::Result<()> {
        match fs::fsync(&self.fd) {
            // Some network file systems cannot synchronise a folder; there is nothing to wait for.
            Ok(()) | Err(Errno::INVAL) => Ok(()),
            Err(errno) => Err(errno.into()),
        }
    }

    /// Names of everything in the folder that is text.
    pub(crate) fn names(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in Dir::read_from(&self.fd)? {
            if let Ok(name) = entry?.file_name().to_str() {
                names.push(name.to_owned());
            }
        }
        Ok(names)
    }
}

/// Takes the exclusive lock of an open file, if nobody has it.
pub(crate) fn try_lock(file: &File) -> io::Result<bool> {
    match fs::flock(file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(true),
        Err(Errno::WOULDBLOCK) => Ok(false),
        Err(errno) => Err(errno.into()),
    }
}

/// How many names an open file has.
pub(crate) fn link_count(file: &File) -> io::Result<u64> {
    Ok(facts(&fs::fstat(file)?).links)
}

/// Makes an open file readable by its owner and nothing else.
pub(crate) fn make_read_only(file: &File) -> io::Result<()> {
    Ok(fs::fchmod(file, Mode::RUSR)?)
}

/// Our effective user id.
pub(crate) fn our_uid() -> u32 {
    rustix::process::geteuid().as_raw()
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

fn check_folder(path: &Path, stat: &Stat) -> Result<(), CacheError> {
    let (owner, expected, mode) = (stat.st_uid, our_uid(), stat.st_mode & 0o7777);
    if owner != expected {
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
