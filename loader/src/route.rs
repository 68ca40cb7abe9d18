//! Finds a way to make a checked artifact executable, and falls back to the next one.

use crate::{
    check::{Checked, DigestRule, check_file, check_head, check_linked},
    error::{Attempt, LoadError},
    files::{
        Content, FileRule, OpenFile, PrivateFile, Step, allows_execution, failure, private_copy,
        proc_path, sealed_copy, unlinked_copy,
    },
    host::{Host, host_cpu_features},
    library::Library,
    signature::KeyTrust,
    source::{Route, Source, Trust},
    sys::{Image, Mapping, OpenError, StaticDescriptor},
};
use rustix::io::fcntl_dupfd_cloexec;
use std::{
    env, fmt,
    fs::File,
    io,
    os::fd::AsRawFd as _,
    path::{Path, PathBuf},
};
use wasmelt_abi::CpuFeatures;

/// Checks an artifact and loads its code into this process.
///
/// # Errors
///
/// If the artifact is not what `trust` says, does not fit this host, is damaged, is not in every
/// byte what the emitter writes, or contradicts itself; or if the host refuses to load it. The
/// checks come in the order of the variants of [`LoadError`], and nothing is executable before
/// all of them succeeded.
pub fn load(source: Source<'_>, trust: &Trust) -> Result<Library, LoadError> {
    load_with_policy(source, trust, &Policy::default())
}

/// Loads an artifact whose digest nobody checks.
///
/// Its form is checked as [`load`] does.
///
/// # Errors
///
/// As [`load`].
///
/// # Safety
///
/// - The artifact was written by wasmelt, and nobody changed it since.
#[expect(
    unsafe_code,
    reason = "declares an obligation of the caller; the body has none"
)]
pub unsafe fn load_unchecked(source: Source<'_>) -> Result<Library, LoadError> {
    let demands = Demands {
        file: FileRule::Any,
        digest: DigestRule::Unhashed,
        digest_of_copies: DigestRule::Unhashed,
        keys: None,
        in_place: false,
    };
    load_by_demands(source, demands, &Policy::default())
}

/// Checks a module that was compiled to an object and linked into this program.
///
/// # Errors
///
/// If the descriptor is of another ABI version, target or kind, this CPU lacks a feature that the
/// code may use, or the sections contradict each other.
pub fn from_static(descriptor: &'static StaticDescriptor) -> Result<Library, LoadError> {
    let checked = check_linked(descriptor, &Host::detect())?;
    Ok(Library::linked(descriptor, checked))
}

/// Which routes are open, and what the host is. Tests close some; everybody else calls [`load`].
#[doc(hidden)]
pub struct Policy {
    /// Whether private cache entries are opened where they are.
    pub in_place: bool,
    /// Whether memory files are there.
    pub memfd: bool,
    /// Whether `/proc` is there.
    pub proc_fd: bool,
    /// Where private folders may be made, best first.
    pub private_folders: Vec<PathBuf>,
    /// Features of this CPU.
    pub cpu_features: CpuFeatures,
    /// Called between the last check and the dynamic linker.
    pub after_check: Option<Box<dyn Fn()>>,
}

impl Default for Policy {
    fn default() -> Self {
        let runtime_folder = env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
        let private_folders = runtime_folder
            .filter(|folder| folder.is_absolute())
            .into_iter()
            .chain([env::temp_dir(), "/dev/shm".into(), "/var/tmp".into()])
            .collect();
        Self {
            in_place: true,
            memfd: true,
            proc_fd: true,
            private_folders,
            cpu_features: host_cpu_features(),
            after_check: None,
        }
    }
}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Policy")
            .field("in_place", &self.in_place)
            .field("memfd", &self.memfd)
            .field("proc_fd", &self.proc_fd)
            .field("private_folders", &self.private_folders)
            .finish_non_exhaustive()
    }
}

/// Like [`load`], by the routes of a policy.
///
/// # Errors
///
/// As [`load`].
#[doc(hidden)]
pub fn load_with_policy(
    source: Source<'_>,
    trust: &Trust,
    policy: &Policy,
) -> Result<Library, LoadError> {
    load_by_demands(source, Demands::of(trust), policy)
}

/// What a trust demands.
#[derive(Debug, Clone, Copy)]
struct Demands<'a> {
    file: FileRule,
    digest: DigestRule,
    digest_of_copies: DigestRule,
    /// Who must have signed.
    keys: Option<&'a KeyTrust>,
    in_place: bool,
}

impl<'a> Demands<'a> {
    const fn of(trust: &'a Trust) -> Self {
        let (file, digest, digest_of_copies, in_place) = match trust {
            Trust::Digest(digest) => {
                let rule = DigestRule::Exactly(*digest);
                (FileRule::Any, rule, rule, false)
            }
            Trust::OwnCache => (FileRule::Own, DigestRule::Intact, DigestRule::Intact, true),
            Trust::SharedCache => (
                FileRule::OwnOrRoots,
                DigestRule::Intact,
                DigestRule::Intact,
                true,
            ),
            Trust::OwnCacheUnhashed => (
                FileRule::Own,
                DigestRule::Unhashed,
                DigestRule::Intact,
                true,
            ),
            Trust::Keys(_) => {
                let rule = DigestRule::Intact;
                (FileRule::Any, rule, rule, false)
            }
            Trust::Named => {
                let rule = DigestRule::Intact;
                (FileRule::NotWorldWritable, rule, rule, false)
            }
        };
        let keys = match trust {
            Trust::Keys(keys) => Some(keys),
            _ => None,
        };
        Self {
            file,
            digest,
            digest_of_copies,
            keys,
            in_place,
        }
    }
}

fn load_by_demands(
    source: Source<'_>,
    demands: Demands<'_>,
    policy: &Policy,
) -> Result<Library, LoadError> {
    let host = Host {
        cpu_features: policy.cpu_features,
        ..Host::detect()
    };
    match source {
        Source::Bytes(_) if matches!(demands.file, FileRule::Own | FileRule::OwnOrRoots) => {
            Err(LoadError::TrustNeedsFile)
        }
        Source::Bytes(bytes) => {
            let descriptor = check_head(bytes, bytes.len() as u64, &host)?;
            let content = Content::Bytes(bytes);
            Loading::new(content, &descriptor.digest, demands, policy, host).by_any_route()
        }
        Source::Path(path) => load_file(&OpenFile::open(path)?, demands, policy, host),
        Source::File { file, path } => {
            load_file(&OpenFile::new(file, path)?, demands, policy, host)
        }
    }
}

fn load_file(
    file: &OpenFile,
    demands: Demands<'_>,
    policy: &Policy,
    host: Host,
) -> Result<Library, LoadError> {
    file.check_rule(demands.file)?;
    let descriptor = check_head(&file.read_head()?, file.len_bytes(), &host)?;
    let content = Content::File(file);
    Loading::new(content, &descriptor.digest, demands, policy, host).by_any_route()
}

/// Why a route did not lead to a library.
enum RouteError {
    /// The host closed it: try the next one.
    Closed(&'static str, String),
    /// The artifact is refused, or the host fails in a way that no route avoids.
    Final(LoadError),
}

impl From<LoadError> for RouteError {
    fn from(error: LoadError) -> Self {
        RouteError::Final(error)
    }
}

/// An artifact of which the head was checked, on its way.
struct Loading<'a> {
    content: Content<'a>,
    file_name: String,
    demands: Demands<'a>,
    policy: &'a Policy,
    host: Host,
}

impl<'a> Loading<'a> {
    fn new(
        content: Content<'a>,
        digest: &[u8; 32],
        demands: Demands<'a>,
        policy: &'a Policy,
        host: Host,
    ) -> Self {
        let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        Self {
            content,
            file_name: format!("{hex}.so"),
            demands,
            policy,
            host,
        }
    }

    fn by_any_route(&self) -> Result<Library, LoadError> {
        let mut attempts = Vec::new();
        for route in self.routes() {
            match self.by_route(route) {
                Ok(library) => return Ok(library),
                Err(RouteError::Final(error)) => return Err(error),
                Err(RouteError::Closed(action, reason)) => attempts.push(Attempt {
                    route,
                    action,
                    reason,
                }),
            }
        }
        Err(LoadError::NoRoute { attempts })
    }

    /// The routes to try, in this order.
    fn routes(&self) -> Vec<Route> {
        let mut routes = Vec::new();
        if self.policy.proc_fd {
            let in_place = self.demands.in_place && self.policy.in_place;
            let rule = self.demands.file;
            if in_place && matches!(self.content, Content::File(file) if file.is_entry(rule)) {
                routes.push(Route::InPlace);
            }
            if self.policy.memfd {
                routes.push(Route::Memfd);
            }
            routes.push(Route::UnlinkedFile);
        }
        routes.push(Route::NamedFile);
        routes
    }

    fn by_route(&self, route: Route) -> Result<Library, RouteError> {
        match route {
            Route::InPlace => match self.content {
                Content::File(file) => self.in_place(file),
                Content::Bytes(_) => Err(RouteError::Final(LoadError::TrustNeedsFile)),
            },
            Route::Memfd => {
                let copy = self.closed(sealed_copy(self.content))?;
                self.by_descriptor(copy, route)
            }
            Route::UnlinkedFile => {
                let copy =
                    self.closed(unlinked_copy(self.content, &self.policy.private_folders))?;
                self.by_descriptor(copy, route)
            }
            Route::NamedFile => {
                let folders = &self.policy.private_folders;
                let (copy, named) =
                    self.closed(private_copy(self.content, folders, &self.file_name))?;
                self.by_name(copy, named)
            }
            Route::Static => unreachable!("linked modules have no route to try"),
        }
    }

    /// Tells a source that became shorter from a step that the host refused.
    fn closed<T>(&self, step: Step<T>) -> Result<T, RouteError> {
        step.map_err(|(action, error)| match self.content {
            Content::File(file) if error.kind() == io::ErrorKind::UnexpectedEof => {
                let path = file.path.clone();
                RouteError::Final(LoadError::ChangedWhileLoading { path })
            }
            _ => RouteError::Closed(action, error.to_string()),
        })
    }

    /// Opens a private cache entry where it is.
    fn in_place(&self, file: &OpenFile) -> Result<Library, RouteError> {
        let examine = |error| failure("examine the file system of", file.path.as_deref(), error);
        if !allows_execution(&file.file).map_err(examine)? {
            let reason = "the file system is mounted noexec".into();
            return Err(RouteError::Closed("map the cache entry", reason));
        }
        let duplicate = file
            .file
            .try_clone()
            .map_err(|error| failure("duplicate", file.path.as_deref(), error))?;
        let checked = self.check(&duplicate, self.demands.digest)?;
        require_unchanged(file)?;
        let (image, kept) = open_by_descriptor(duplicate, &checked)?;
        require_unchanged(file)?;
        Ok(Library::opened(image, kept, None, checked, Route::InPlace))
    }

    /// Opens a copy that nobody can change through its descriptor.
    fn by_descriptor(&self, copy: File, route: Route) -> Result<Library, RouteError> {
        let checked = self.check(&copy, self.demands.digest_of_copies)?;
        let (image, kept) = open_by_descriptor(copy, &checked)?;
        Ok(Library::opened(image, kept, None, checked, route))
    }

    /// Opens a copy by a name that is used once.
    fn by_name(&self, copy: File, named: PrivateFile) -> Result<Library, RouteError> {
        let checked = self.check(&copy, self.demands.digest_of_copies)?;
        let image = open_image(named.path(), &checked)?;
        let route = Route::NamedFile;
        Ok(Library::opened(image, copy, Some(named), checked, route))
    }

    /// Runs every check on the file that will be executed.
    fn check(&self, file: &File, digest: DigestRule) -> Result<Checked, LoadError> {
        let len_bytes = usize::try_from(self.content.len_bytes()).unwrap_or(usize::MAX);
        let mapping = Mapping::new(file, len_bytes).map_err(|error| failure("map", None, error))?;
        let checked = check_file(mapping.bytes(), digest, self.demands.keys, &self.host)?;
        if let Some(after_check) = &self.policy.after_check {
            after_check();
        }
        Ok(checked)
    }
}

/// Closes the route in place when somebody touched the entry, for example replaced it: a copy is
/// taken and checked instead.
fn require_unchanged(file: &OpenFile) -> Result<(), RouteError> {
    if file.is_unchanged()? {
        return Ok(());
    }
    let reason = "it changed meanwhile".into();
    Err(RouteError::Closed("open the cache entry in place", reason))
}

fn open_image(path: &Path, checked: &Checked) -> Result<Image, RouteError> {
    Image::open(path, checked).map_err(|error| match error {
        OpenError::Refused(reason) => RouteError::Closed("open the library", reason),
        OpenError::Other(what) => RouteError::Final(LoadError::OtherLibrary { what }),
    })
}

/// Opens a file by its descriptor, and returns the descriptor by which it was opened.
///
/// The dynamic linker remembers every name under which a library was asked for. When a cache entry
/// was opened twice and the first descriptor is closed, its number is free again, but the name
/// with that number still leads to the entry's library: then another number is taken. Such
/// numbers lie close together, so that each step doubles the number.
fn open_by_descriptor(file: File, checked: &Checked) -> Result<(Image, File), RouteError> {
    let mut taken = vec![file];
    loop {
        let file = &taken[taken.len() - 1];
        let Some(path) = proc_path(file) else {
            let reason = "/proc does not have it".into();
            return Err(RouteError::Closed("name the open file", reason));
        };
        match Image::open(&path, checked) {
            Ok(image) => {
                let file = taken.pop().expect("it was opened by the last one");
                return Ok((image, file));
            }
            Err(OpenError::Refused(reason)) => {
                return Err(RouteError::Closed("open the library", reason));
            }
            Err(OpenError::Other(_)) => {
                let next = file.as_raw_fd().saturating_mul(2).saturating_add(1);
                let next = fcntl_dupfd_cloexec(file, next).map_err(|error| {
                    RouteError::Closed("find a name that is not taken", error.to_string())
                })?;
                taken.push(next.into());
            }
        }
    }
}
