//! Opens, judges, copies and seals files.

use crate::{check::HEAD_LEN_BYTES, error::LoadError};
use rustix::{
    fs::{
        AtFlags, FileType, MemfdFlags, Mode, OFlags, SealFlags, Stat, StatVfsMountFlags,
        fcntl_add_seals, fstat, fstatvfs, memfd_create, mkdir, open, openat, sendfile, stat,
        unlinkat,
    },
    io::Errno,
    process::geteuid,
};
use std::{
    fs::{File, remove_dir, remove_file},
    io::{self, Write as _},
    os::{fd::AsFd as _, unix::fs::FileExt as _},
    path::{Path, PathBuf},
    process,
    sync::atomic::{AtomicU64, Ordering},
};

/// A file to load, as it was when it was opened.
#[derive(Debug)]
pub(crate) struct OpenFile {
    pub(crate) file: File,
    pub(crate) path: Option<PathBuf>,
    status: Stat,
}

/// What a trust demands of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FileRule {
    /// Nothing: its digest was named.
    Any,
    /// Not everybody may write it.
    NotWorldWritable,
    /// It belongs to this user, and nobody else may write it.
    Own,
    /// It belongs to this user or to root, and nobody else may write it.
    OwnOrRoots,
}

impl OpenFile {
    /// Opens a file by name.
    pub(crate) fn open(path: &Path) -> Result<Self, LoadError> {
        // Without `NONBLOCK`, opening a pipe would wait for its other end.
        let flags =
            OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
        let file = open(path, flags, Mode::empty()).map_err(|error| {
            if error == Errno::LOOP && path.is_symlink() {
                LoadError::SymbolicLink { path: path.into() }
            } else {
                failure("open", Some(path), error.into())
            }
        })?;
        Self::new(file.into(), Some(path.into()))
    }

    /// Takes a file that is open already.
    pub(crate) fn new(file: File, path: Option<PathBuf>) -> Result<Self, LoadError> {
        let status =
            fstat(&file).map_err(|error| failure("examine", path.as_deref(), error.into()))?;
        if FileType::from_raw_mode(status.st_mode) != FileType::RegularFile {
            return Err(LoadError::NotRegularFile { path });
        }
        Ok(Self { file, path, status })
    }

    /// Length when it was opened.
    pub(crate) fn len_bytes(&self) -> u64 {
        u64::try_from(self.status.st_size).unwrap_or(0)
    }

    /// The first bytes, fewer when the file has fewer.
    pub(crate) fn read_head(&self) -> Result<Vec<u8>, LoadError> {
        let mut head = vec![0; HEAD_LEN_BYTES];
        let mut len = 0;
        while len < head.len() {
            match self.file.read_at(&mut head[len..], len as u64) {
                Ok(0) => break,
                Ok(count) => len += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(failure("read", self.path.as_deref(), error)),
            }
        }
        head.truncate(len);
        Ok(head)
    }

    /// Checks owner and mode.
    pub(crate) fn check_rule(&self, rule: FileRule) -> Result<(), LoadError> {
        let expected_owner = geteuid().as_raw();
        let writable_by = |mask: u32| self.mode() & mask != 0;
        let holds = match rule {
            FileRule::Any => true,
            FileRule::NotWorldWritable => !writable_by(0o002),
            FileRule::Own => self.status.st_uid == expected_owner && !writable_by(0o022),
            FileRule::OwnOrRoots => {
                [expected_owner, 0].contains(&self.status.st_uid) && !writable_by(0o022)
            }
        };
        if holds {
            return Ok(());
        }
        Err(LoadError::NotPrivate {
            path: self.path.clone(),
            expected_owner,
            owner: self.status.st_uid,
            mode: self.mode(),
        })
    }

    /// Whether the file is a finished entry of a cache that keeps this rule: nobody writes it, and it
    /// has one name.
    pub(crate) fn is_entry(&self, rule: FileRule) -> bool {
        let has_mode = match rule {
            FileRule::Own => self.mode() == 0o400,
            FileRule::OwnOrRoots => self.mode() & !0o444 == 0,
            FileRule::Any | FileRule::NotWorldWritable => false,
        };
        has_mode && self.check_rule(rule).is_ok() && self.status.st_nlink == 1
    }

    /// Whether nothing happened to the file since it was opened.
    pub(crate) fn is_unchanged(&self) -> Result<bool, LoadError> {
        let now = fstat(&self.file)
            .map_err(|error| failure("examine", self.path.as_deref(), error.into()))?;
        let facts = |status: &Stat| {
            (
                (status.st_ctime, status.st_ctime_nsec),
                (status.st_mode, status.st_uid, status.st_nlink),
                status.st_size,
            )
        };
        Ok(facts(&now) == facts(&self.status))
    }

    fn mode(&self) -> u32 {
        self.status.st_mode & 0o7777
    }
}

/// The bytes of an artifact before they are copied.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Content<'a> {
    Bytes(&'a [u8]),
    File(&'a OpenFile),
}

impl Content<'_> {
    pub(crate) fn len_bytes(&self) -> u64 {
        match self {
            Content::Bytes(bytes) => bytes.len() as u64,
            Content::File(file) => file.len_bytes(),
        }
    }

    /// Writes all bytes to the end of `target`.
    fn copy_to(&self, target: &File) -> io::Result<()> {
        match self {
            Content::Bytes(bytes) => {
                let mut target = target;
                target.write_all(bytes)
            }
            Content::File(file) => copy_file(&file.file, file.len_bytes(), target),
        }
    }
}

/// Copies `len_bytes` bytes from the start of `source`, without moving its cursor, which others
/// may share.
fn copy_file(source: &File, len_bytes: u64, target: &File) -> io::Result<()> {
    let mut offset = 0;
    while offset < len_bytes {
        let chunk = usize::try_from(len_bytes - offset).unwrap_or(usize::MAX);
        match sendfile(target, source, Some(&mut offset), chunk.min(1 << 30)) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(_) | Err(Errno::INTR) => {}
            Err(Errno::INVAL | Errno::NOSYS) => {
                return copy_file_by_reading(source, offset..len_bytes, target);
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

fn copy_file_by_reading(
    source: &File,
    range: core::ops::Range<u64>,
    mut target: &File,
) -> io::Result<()> {
    let mut buffer = vec![0; 1 << 16];
    let mut offset = range.start;
    while offset < range.end {
        let left = usize::try_from(range.end - offset).unwrap_or(usize::MAX);
        let chunk = left.min(buffer.len());
        let count = source.read_at(&mut buffer[..chunk], offset)?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        target.write_all(&buffer[..count])?;
        offset += count as u64;
    }
    Ok(())
}

/// A step of a route that the host refused.
pub(crate) type Step<T> = Result<T, (&'static str, io::Error)>;

fn step<T>(action: &'static str, result: Result<T, impl Into<io::Error>>) -> Step<T> {
    result.map_err(|error| (action, error.into()))
}

/// Copies the content to a memory file that nobody can change any more.
pub(crate) fn sealed_copy(content: Content<'_>) -> Step<File> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    // `NOEXEC_SEAL` takes away the execute *mode*, so that the file cannot be run as a program,
    // and is what hosts demand that set `vm.memfd_noexec`; mapping it executable, as the dynamic
    // linker does, asks for no mode. Kernels before 6.3 do not know the flag.
    let created = match memfd_create(c"wasmelt", flags | MemfdFlags::NOEXEC_SEAL) {
        Err(Errno::INVAL) => memfd_create(c"wasmelt", flags),
        created => created,
    };
    let file = File::from(step("create a memory file", created)?);
    step("write a memory file", content.copy_to(&file))?;
    let seals = SealFlags::WRITE | SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL;
    step("seal a memory file", fcntl_add_seals(&file, seals))?;
    Ok(file)
}

/// A file of ours in a folder of ours, both removed when dropped.
#[derive(Debug)]
pub(crate) struct PrivateFile {
    folder: PathBuf,
    path: PathBuf,
}

impl PrivateFile {
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for PrivateFile {
    fn drop(&mut self) {
        // Nothing is lost when this fails: the folder is private, and its name is not used again.
        let _ = remove_file(&self.path);
        let _ = remove_dir(&self.folder);
    }
}

/// Copies the content to a file with mode 0400 in a fresh private folder under the first parent
/// that allows it, and opens it for reading.
pub(crate) fn private_copy(
    content: Content<'_>,
    parents: &[PathBuf],
    file_name: &str,
) -> Step<(File, PrivateFile)> {
    let mut last = (
        "find a folder for private files",
        io::ErrorKind::NotFound.into(),
    );
    for parent in parents {
        match private_copy_in(content, parent, file_name) {
            Ok(copy) => return Ok(copy),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn private_copy_in(
    content: Content<'_>,
    parent: &Path,
    file_name: &str,
) -> Step<(File, PrivateFile)> {
    check_parent(parent)?;
    let folder = create_folder(parent)?;
    let copy = PrivateFile {
        path: folder.join(file_name),
        folder,
    };
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let folder = step(
        "open a private folder",
        open(&copy.folder, flags, Mode::empty()),
    )?;
    let status = step("examine a private folder", fstat(&folder))?;
    if status.st_uid != geteuid().as_raw() || status.st_mode & 0o077 != 0 {
        let error = io::ErrorKind::PermissionDenied.into();
        return Err(("keep a private folder private", error));
    }
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let created = openat(&folder, file_name, flags, Mode::RUSR);
    let writer = File::from(step("create a private file", created)?);
    step("write a private file", content.copy_to(&writer))?;
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let opened = openat(&folder, file_name, flags, Mode::empty());
    let reader = File::from(step("open a private file", opened)?);
    if !step("examine a private file", same_file(&writer, &reader))? {
        let error = io::ErrorKind::PermissionDenied.into();
        return Err(("keep a private file private", error));
    }
    Ok((reader, copy))
}

/// Like [`private_copy`], but the file has no name any more.
pub(crate) fn unlinked_copy(content: Content<'_>, parents: &[PathBuf]) -> Step<File> {
    let (file, named) = private_copy(content, parents, "artifact.so")?;
    let folder = step(
        "open a private folder",
        open(
            &named.folder,
            OFlags::DIRECTORY | OFlags::CLOEXEC,
            Mode::empty(),
        ),
    )?;
    step(
        "unlink a private file",
        unlinkat(&folder, "artifact.so", AtFlags::empty()),
    )?;
    Ok(file)
}

/// Checks that files under `parent` can be executed, and that only their owner can replace them.
fn check_parent(parent: &Path) -> Step<()> {
    let status = step("examine a folder for private files", stat(parent))?;
    let owned = status.st_uid == 0 || status.st_uid == geteuid().as_raw();
    let exposed = status.st_mode & 0o022 != 0 && status.st_mode & 0o1000 == 0;
    if !owned || exposed {
        let error = io::ErrorKind::PermissionDenied.into();
        return Err(("trust a folder for private files", error));
    }
    let flags = OFlags::DIRECTORY | OFlags::CLOEXEC;
    let folder = step(
        "open a folder for private files",
        open(parent, flags, Mode::empty()),
    )?;
    if !step(
        "examine a file system",
        allows_execution(&File::from(folder)),
    )? {
        let error = io::ErrorKind::PermissionDenied.into();
        return Err(("execute on a file system mounted noexec", error));
    }
    Ok(())
}

fn create_folder(parent: &Path) -> Step<PathBuf> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    loop {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let folder = parent.join(format!("wasmelt-{}-{number}", process::id()));
        match mkdir(&folder, Mode::RWXU) {
            Err(Errno::EXIST) => {}
            created => return step("create a private folder", created).map(|()| folder),
        }
    }
}

/// Whether the file system of `file` may be mapped executable.
pub(crate) fn allows_execution(file: &File) -> io::Result<bool> {
    let status = fstatvfs(file)?;
    Ok(!status.f_flag.contains(StatVfsMountFlags::NOEXEC))
}

/// Whether two open files are the same file.
fn same_file(left: &File, right: &File) -> io::Result<bool> {
    let (left, right) = (fstat(left)?, fstat(right)?);
    Ok((left.st_dev, left.st_ino) == (right.st_dev, right.st_ino))
}

/// The name under which the dynamic linker and debuggers find an open file of this process, if
/// `/proc` has it.
///
/// It is `/proc/<pid>`, not `/proc/self`: a debugger would look into itself.
pub(crate) fn proc_path(file: &File) -> Option<PathBuf> {
    use std::os::fd::AsRawFd as _;
    let path = format!("/proc/{}/fd/{}", process::id(), file.as_fd().as_raw_fd());
    let path = PathBuf::from(path);
    let (named, opened) = (stat(&path).ok()?, fstat(file).ok()?);
    ((named.st_dev, named.st_ino) == (opened.st_dev, opened.st_ino)).then_some(path)
}

/// A failure of the operating system.
pub(crate) fn failure(action: &'static str, path: Option<&Path>, source: io::Error) -> LoadError {
    LoadError::Io {
        action,
        path: path.map(Path::to_path_buf),
        source,
    }
}
