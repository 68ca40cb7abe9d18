//! Opens artifacts by every route, and checks that nobody can slip in other code on the way.

#![allow(
    unsafe_code,
    clippy::unwrap_used,
    reason = "test code calls into what it loaded, and stops at the first surprise"
)]

mod support;

use std::{
    fs::{self, File, Permissions},
    io::{Read as _, Seek as _, SeekFrom},
    os::{
        fd::AsRawFd as _,
        unix::fs::{MetadataExt as _, PermissionsExt as _, symlink},
    },
    path::{Path, PathBuf},
    process::Command,
};
use support::{answer, call_answer, compiled, digest, run_child, write_entry};
use wasmelt_loader::{Library, LoadError, Policy, Route, Source, Trust, load, load_with_policy};

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("there is a folder for temporary files"))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// A finished cache entry.
    fn entry(&self, value: u32) -> PathBuf {
        let path = self.path().join("entry.so");
        write_entry(&path, &answer(value).write());
        path
    }

    fn policy(&self) -> Policy {
        Policy {
            private_folders: vec![self.path().into()],
            ..Policy::default()
        }
    }

    fn is_empty(&self) -> bool {
        fs::read_dir(self.path()).unwrap().next().is_none()
    }
}

/// A policy under which the first route is this one.
fn policy_for(route: Route, folder: &Folder) -> Policy {
    let mut policy = folder.policy();
    policy.in_place = route == Route::InPlace;
    policy.memfd = route == Route::Memfd;
    policy.proc_fd = route != Route::NamedFile;
    policy
}

const ROUTES: [Route; 4] = [
    Route::InPlace,
    Route::Memfd,
    Route::UnlinkedFile,
    Route::NamedFile,
];

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

fn load_entry(path: &Path, policy: &Policy) -> Result<Library, LoadError> {
    load_with_policy(Source::Path(path), &Trust::OwnCache, policy)
}

#[test]
fn every_route_runs_the_code() {
    let (cache, private) = (Folder::new(), Folder::new());
    let path = cache.entry(42);
    for route in ROUTES {
        let library = load_entry(&path, &policy_for(route, &private)).expect("it is good");
        assert_eq!(library.route(), route);
        assert_eq!(call_answer(&library), 42);
        drop(library);
        assert!(private.is_empty(), "{route} leaves nothing behind");
    }
}

#[test]
fn every_route_gives_the_memory_image_a_file() {
    let (cache, private) = (Folder::new(), Folder::new());
    let path = cache.path().join("entry.so");
    write_entry(&path, &compiled(3));
    for route in ROUTES {
        let library = load_entry(&path, &policy_for(route, &private)).expect("it is good");
        let (fd, file_offset) = library.image_file().expect("it has an image");
        let mut bytes = vec![0; library.image().len()];
        let count = rustix::io::pread(fd, &mut bytes, file_offset).unwrap();
        assert_eq!(count, bytes.len());
        assert_eq!(bytes, library.image(), "{route}");
    }
}

#[test]
fn a_memory_file_is_sealed() {
    let file = compiled(42);
    let library = load(Source::Bytes(&file), &Trust::Named).expect("it is good");
    assert_eq!(library.route(), Route::Memfd);
    let (fd, _) = library.image_file().expect("it has an image");
    let seals = rustix::fs::fcntl_get_seals(fd).unwrap();
    let all = rustix::fs::SealFlags::WRITE
        | rustix::fs::SealFlags::SHRINK
        | rustix::fs::SealFlags::GROW
        | rustix::fs::SealFlags::SEAL;
    assert!(seals.contains(all), "{seals:?}");
    assert_eq!(
        rustix::io::pwrite(fd, b"x", 0),
        Err(rustix::io::Errno::PERM)
    );
    assert_eq!(rustix::fs::ftruncate(fd, 0), Err(rustix::io::Errno::PERM));
    let flags = rustix::io::fcntl_getfd(fd).unwrap();
    assert!(flags.contains(rustix::io::FdFlags::CLOEXEC));
}

#[test]
fn an_unlinked_file_has_no_name_and_no_writer() {
    let private = Folder::new();
    let policy = policy_for(Route::UnlinkedFile, &private);
    let file = compiled(42);
    let library = load_with_policy(Source::Bytes(&file), &Trust::Named, &policy).unwrap();
    assert_eq!(library.route(), Route::UnlinkedFile);
    let (fd, _) = library.image_file().expect("it has an image");
    let status = rustix::fs::fstat(fd).unwrap();
    assert_eq!(status.st_nlink, 0);
    assert_eq!(status.st_mode & 0o7777, 0o400);
    assert_eq!(
        rustix::io::pwrite(fd, b"x", 0),
        Err(rustix::io::Errno::BADF)
    );
    assert!(private.is_empty());
}

#[test]
fn a_named_file_is_private_and_goes_with_the_library() {
    let private = Folder::new();
    let policy = policy_for(Route::NamedFile, &private);
    let bytes = answer(42).write();
    let first = load_with_policy(Source::Bytes(&bytes), &Trust::Named, &policy).unwrap();
    let second = load_with_policy(Source::Bytes(&bytes), &Trust::Named, &policy).unwrap();
    let folders: Vec<_> = fs::read_dir(private.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert_eq!(folders.len(), 2);
    let hex: String = digest(&bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    for folder in folders {
        assert_eq!(fs::metadata(&folder).unwrap().mode() & 0o7777, 0o700);
        let file = fs::metadata(folder.join(format!("{hex}.so"))).unwrap();
        assert_eq!(file.mode() & 0o7777, 0o400);
    }
    assert_ne!(first.text(), second.text(), "each name is used once");
    drop((first, second));
    assert!(private.is_empty());
}

#[test]
fn only_finished_private_entries_are_opened_in_place() {
    let folder = Folder::new();
    let path = folder.entry(42);
    let route = |path: &Path| load(Source::Path(path), &Trust::OwnCache).map(|it| it.route());
    assert_eq!(route(&path).unwrap(), Route::InPlace);

    set_mode(&path, 0o600);
    assert_eq!(
        route(&path).unwrap(),
        Route::Memfd,
        "somebody may still write it"
    );
    set_mode(&path, 0o400);
    fs::hard_link(&path, folder.path().join("second")).unwrap();
    assert_eq!(route(&path).unwrap(), Route::Memfd, "it has another name");
    fs::remove_file(folder.path().join("second")).unwrap();
    assert_eq!(route(&path).unwrap(), Route::InPlace);

    for mode in [0o420, 0o402, 0o666] {
        set_mode(&path, mode);
        let error = route(&path).expect_err("others may write it");
        assert!(
            matches!(error, LoadError::NotPrivate { mode: found, .. } if found == mode),
            "{error}"
        );
    }
    set_mode(&path, 0o400);
    for trust in [Trust::Named, Trust::Digest(digest(&answer(42).write()))] {
        let library = load(Source::Path(&path), &trust).unwrap();
        assert_eq!(
            library.route(),
            Route::Memfd,
            "only a cache is opened in place"
        );
    }
}

#[test]
fn another_users_file_is_no_cache_entry() {
    let folder = Folder::new();
    let path = folder.entry(42);
    if std::os::unix::fs::chown(&path, Some(12_345), None).is_err() {
        println!("not run: root missing");
        return;
    }
    for trust in [Trust::OwnCache, Trust::OwnCacheUnhashed] {
        let error = load(Source::Path(&path), &trust).expect_err("it is not ours");
        assert!(
            matches!(error, LoadError::NotPrivate { owner: 12_345, .. }),
            "{error}"
        );
    }
    load(Source::Path(&path), &Trust::Named).expect("a person named it");
}

#[test]
fn a_cache_has_files_and_not_bytes() {
    let bytes = answer(42).write();
    let error = load(Source::Bytes(&bytes), &Trust::OwnCache).expect_err("no file");
    assert!(matches!(error, LoadError::TrustNeedsFile));
}

#[test]
fn an_entry_is_hashed_unless_that_is_waived_by_name() {
    let folder = Folder::new();
    let path = folder.path().join("entry.so");
    let mut bytes = answer(42).write();
    bytes[1050] ^= 1; // In the build id, which nobody reads.
    write_entry(&path, &bytes);
    let error = load(Source::Path(&path), &Trust::OwnCache).expect_err("damaged");
    assert!(matches!(error, LoadError::Digest { .. }), "{error}");
    let library = load(Source::Path(&path), &Trust::OwnCacheUnhashed).expect("nobody looks");
    assert_eq!(library.route(), Route::InPlace);
    drop(library);
    set_mode(&path, 0o600);
    let error = load(Source::Path(&path), &Trust::OwnCacheUnhashed).expect_err("copies are hashed");
    assert!(matches!(error, LoadError::Digest { .. }), "{error}");
}

#[test]
fn files_that_are_no_artifacts_are_refused_without_waiting() {
    let folder = Folder::new();
    let path = folder.entry(42);
    let link = folder.path().join("link");
    symlink(&path, &link).unwrap();
    let refusal = |path: &Path| load(Source::Path(path), &Trust::Named).expect_err("refused");
    assert!(matches!(refusal(&link), LoadError::SymbolicLink { path } if path == link));
    assert!(matches!(
        refusal(folder.path()),
        LoadError::NotRegularFile { .. }
    ));
    assert!(matches!(
        refusal(Path::new("/dev/null")),
        LoadError::NotRegularFile { .. }
    ));
    let pipe = folder.path().join("pipe");
    let made = Command::new("mkfifo").arg(&pipe).status();
    if made.is_ok_and(|status| status.success()) {
        assert!(matches!(refusal(&pipe), LoadError::NotRegularFile { .. }));
    } else {
        println!("not run: mkfifo missing");
    }
    let missing = folder.path().join("missing");
    let error = refusal(&missing);
    assert!(error.is_host_failure());
    assert_eq!(
        error.to_string(),
        format!("cannot open `{}`", missing.display())
    );
    set_mode(&path, 0o606);
    let error = refusal(&path);
    assert!(
        matches!(error, LoadError::NotPrivate { mode: 0o606, .. }),
        "{error}"
    );
}

#[test]
fn an_open_file_is_read_from_its_start_and_its_cursor_stays() {
    let folder = Folder::new();
    let path = folder.entry(42);
    let mut file = File::open(&path).unwrap();
    file.seek(SeekFrom::Start(7)).unwrap();
    let source = Source::File {
        file: file.try_clone().unwrap(),
        path: Some(path),
    };
    let library = load(source, &Trust::Named).expect("it is good");
    assert_eq!(call_answer(&library), 42);
    assert_eq!(file.stream_position().unwrap(), 7);
}

#[test]
fn a_file_replaced_at_the_same_path_runs_the_new_code() {
    let (cache, private) = (Folder::new(), Folder::new());
    for route in ROUTES {
        let policy = policy_for(route, &private);
        let path = cache.entry(1);
        let first = load_entry(&path, &policy).expect("it is good");
        let next = cache.path().join("next");
        write_entry(&next, &answer(2).write());
        fs::rename(&next, &path).unwrap();
        let second = load_entry(&path, &policy).expect("it is good");
        assert_eq!(
            (call_answer(&first), call_answer(&second)),
            (1, 2),
            "{route}"
        );
        drop(first);
        write_entry(&next, &answer(3).write());
        fs::rename(&next, &path).unwrap();
        let third = load_entry(&path, &policy).expect("it is good");
        assert_eq!(
            (call_answer(&second), call_answer(&third)),
            (2, 3),
            "{route}"
        );
        assert_eq!(second.route(), route);
    }
}

#[test]
fn a_file_changed_after_the_check_changes_nothing() {
    let (cache, private) = (Folder::new(), Folder::new());
    for route in [Route::Memfd, Route::UnlinkedFile, Route::NamedFile] {
        let path = cache.entry(42);
        let mut policy = policy_for(route, &private);
        let target = path.clone();
        policy.after_check = Some(Box::new(move || {
            set_mode(&target, 0o600);
            fs::write(&target, answer(666).write()).unwrap();
        }));
        let library = load_entry(&path, &policy).expect("it is good");
        assert_eq!(library.route(), route);
        assert_eq!(call_answer(&library), 42);
        assert_eq!(fs::read(&path).unwrap(), answer(666).write());
        assert_eq!(library.digest(), &digest(&answer(42).write()));
    }
}

#[test]
fn an_entry_that_changes_under_the_loader_is_copied_and_checked_again() {
    let (cache, private) = (Folder::new(), Folder::new());
    type Change = fn(&Path);
    let changes: [(&str, u32, Change); 5] = [
        ("content", 666, |path| {
            set_mode(path, 0o600);
            fs::write(path, answer(666).write()).unwrap();
        }),
        ("mode and back", 42, |path| {
            set_mode(path, 0o600);
            set_mode(path, 0o400);
        }),
        ("another name", 42, |path| {
            fs::hard_link(path, path.with_extension("second")).unwrap();
        }),
        ("replaced", 42, |path| {
            let next = path.with_extension("next");
            write_entry(&next, &answer(666).write());
            fs::rename(&next, path).unwrap();
        }),
        ("longer", 42, |path| {
            set_mode(path, 0o600);
            let file = File::options().append(true).open(path).unwrap();
            file.set_len(1 << 20).unwrap();
        }),
    ];
    for (name, answer, change) in changes {
        let path = cache.entry(42);
        let mut policy = policy_for(Route::InPlace, &private);
        policy.memfd = true;
        let target = path.clone();
        let changed = std::cell::Cell::new(false);
        policy.after_check = Some(Box::new(move || {
            if !changed.replace(true) {
                change(&target);
            }
        }));
        // File systems stamp changes by the clock's tick: let one pass.
        std::thread::sleep(std::time::Duration::from_millis(20));
        let library = load_entry(&path, &policy).expect(name);
        assert_eq!(library.route(), Route::Memfd, "{name}");
        assert_eq!(call_answer(&library), answer, "{name}");
    }
}

#[test]
fn an_entry_that_becomes_invalid_under_the_loader_is_refused() {
    let (cache, private) = (Folder::new(), Folder::new());
    type Change = fn(&File);
    let changes: [(&str, Change); 2] = [
        ("damaged", |file| {
            rustix::io::pwrite(file, b"\xcc", 8192).unwrap();
        }),
        ("shorter", |file| file.set_len(2000).unwrap()),
    ];
    for (name, change) in changes {
        let path = cache.entry(42);
        set_mode(&path, 0o600);
        let writer = File::options().write(true).open(&path).unwrap();
        set_mode(&path, 0o400);
        let mut policy = policy_for(Route::InPlace, &private);
        policy.memfd = true;
        policy.after_check = Some(Box::new(move || change(&writer)));
        std::thread::sleep(std::time::Duration::from_millis(20));
        let error = load_entry(&path, &policy).expect_err(name);
        let expected = match name {
            "damaged" => matches!(error, LoadError::Digest { .. }),
            _ => matches!(error, LoadError::ChangedWhileLoading { .. }),
        };
        assert!(expected, "{name}: {error}");
    }
}

#[test]
fn a_descriptor_number_that_is_used_again_does_not_bring_back_old_code() {
    let (cache, private) = (Folder::new(), Folder::new());
    let policy = policy_for(Route::InPlace, &private);
    let path = cache.entry(1);
    // The dynamic linker knows one library under two names, and keeps both while one is in use.
    let first = load_entry(&path, &policy).expect("it is good");
    let second = load_entry(&path, &policy).expect("it is good");
    assert_eq!(first.text(), second.text(), "one inode is one library");
    drop(first);
    // One of these takes the number that is free again.
    let others: Vec<_> = (2..10)
        .map(|value| {
            let bytes = answer(value).write();
            (
                value,
                load(Source::Bytes(&bytes), &Trust::Named).expect("it is good"),
            )
        })
        .collect();
    for (value, library) in &others {
        assert_eq!(call_answer(library), *value);
    }
    assert_eq!(call_answer(&second), 1);
}

#[test]
fn many_numbers_that_are_used_again_do_not_bring_back_old_code() {
    let (cache, private) = (Folder::new(), Folder::new());
    let policy = policy_for(Route::InPlace, &private);
    let path = cache.entry(1);
    let mut same: Vec<_> = (0..200)
        .map(|_| load_entry(&path, &policy).expect("it is good"))
        .collect();
    let last = same.pop().expect("there are many");
    drop(same);
    let bytes = answer(2).write();
    let library = load(Source::Bytes(&bytes), &Trust::Named).expect("it is good");
    assert_eq!((call_answer(&last), call_answer(&library)), (1, 2));
}

#[test]
fn dropping_the_last_library_unloads_the_code() {
    let bytes = answer(42).write();
    let library = load(Source::Bytes(&bytes), &Trust::Named).expect("it is good");
    let text = library.text().start;
    // Another test may map its own file at the same place as soon as this one is gone, so the
    // file is what is looked for.
    let maps = || fs::read_to_string("/proc/self/maps").unwrap();
    let inode = |line: &str| line.split_whitespace().nth(4).map(str::to_owned);
    let ours = maps().lines().find_map(|line| {
        let (start, end) = line.split(' ').next()?.split_once('-')?;
        let bound = |text| usize::from_str_radix(text, 16).unwrap();
        let is_ours = (bound(start)..bound(end)).contains(&text) && line.contains("memfd:wasmelt");
        is_ours.then(|| inode(line))
    });
    let ours = ours.expect("the text is mapped from the memory file");
    drop(library);
    let maps = maps();
    let mut files = maps.lines().filter(|line| line.contains("memfd:wasmelt"));
    assert!(!files.any(|line| inode(line) == ours), "{maps}");
}

#[test]
fn without_any_route_the_error_lists_what_was_tried() {
    let folder = Folder::new();
    let exposed = folder.path().join("exposed");
    fs::create_dir(&exposed).unwrap();
    set_mode(&exposed, 0o777);
    let policy = Policy {
        memfd: false,
        private_folders: vec![folder.path().join("missing"), exposed],
        ..Policy::default()
    };
    let bytes = answer(42).write();
    let error = load_with_policy(Source::Bytes(&bytes), &Trust::Named, &policy).unwrap_err();
    assert!(error.is_host_failure());
    assert_eq!(
        error.to_string(),
        "no way to load native code is open on this host: allow one of these; \
         unlinked file: cannot trust a folder for private files: permission denied; \
         file in a private folder: cannot trust a folder for private files: permission denied"
    );
}

#[test]
fn a_folder_that_cannot_be_used_is_passed_over() {
    let (private, parent) = (Folder::new(), Folder::new());
    let mut policy = policy_for(Route::UnlinkedFile, &private);
    policy
        .private_folders
        .insert(0, parent.path().join("missing"));
    let bytes = answer(42).write();
    let library = load_with_policy(Source::Bytes(&bytes), &Trust::Named, &policy).unwrap();
    assert_eq!(library.route(), Route::UnlinkedFile);
}

/// Not a case: others run it in a child process under other circumstances.
#[test]
fn child_loads_by_the_default_policy() {
    let Some(path) = std::env::var_os("WASMELT_CHILD_FILE") else {
        return;
    };
    if std::env::var_os("WASMELT_CHILD_DENY_MEMFD").is_some() {
        deny_memfd();
    }
    let library = load(Source::Path(Path::new(&path)), &Trust::OwnCache).expect("it is good");
    println!(
        "route: {}; answer: {}",
        library.route(),
        call_answer(&library)
    );
}

/// Makes `memfd_create` fail with `EPERM` for the rest of this process, as a sandbox does.
fn deny_memfd() {
    // Load the system call's number; if it is `memfd_create`'s, return EPERM; else allow.
    let op = |code: u32, jt: u8, jf: u8, k: u32| libc::sock_filter {
        code: u16::try_from(code).unwrap(),
        jt,
        jf,
        k,
    };
    let mut filter = [
        op(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, 0),
        op(
            libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K,
            0,
            1,
            u32::try_from(libc::SYS_memfd_create).unwrap(),
        ),
        op(
            libc::BPF_RET | libc::BPF_K,
            0,
            0,
            libc::SECCOMP_RET_ERRNO | 1,
        ),
        op(libc::BPF_RET | libc::BPF_K, 0, 0, libc::SECCOMP_RET_ALLOW),
    ];
    let program = libc::sock_fprog {
        len: u16::try_from(filter.len()).unwrap(),
        filter: filter.as_mut_ptr(),
    };
    // SAFETY: both calls only restrict this process, and the filter outlives them.
    let denied = unsafe {
        libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
            && libc::prctl(
                libc::PR_SET_SECCOMP,
                libc::SECCOMP_MODE_FILTER,
                &raw const program,
            ) == 0
    };
    assert!(denied, "a process may always restrict itself");
}

#[test]
fn where_a_sandbox_denies_memory_files_an_unlinked_file_is_used() {
    let folder = Folder::new();
    let path = folder.entry(42);
    set_mode(&path, 0o600); // Not opened in place.
    let input = [
        ("WASMELT_CHILD_FILE", path.to_str().unwrap()),
        ("WASMELT_CHILD_DENY_MEMFD", "1"),
    ];
    let output = run_child("child_loads_by_the_default_policy", &input);
    let report = String::from_utf8_lossy(&output.stdout);
    assert!(
        report.contains("route: unlinked file; answer: 42"),
        "{report}"
    );
}

/// Runs a shell script in a mount namespace of its own, with the test binary as `$0`.
fn in_other_mounts(script: &str, input: &[(&str, &str)]) -> Option<String> {
    let binary = support::this_binary();
    let output = Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "sh", "-c", script])
        .arg(binary)
        .envs(input.iter().copied())
        .output();
    match output {
        Ok(output) if output.status.success() => {
            Some(String::from_utf8_lossy(&output.stdout).into_owned())
        }
        Ok(output) => {
            let reason = String::from_utf8_lossy(&output.stderr).into_owned();
            println!("not run: mount namespaces missing ({})", reason.trim());
            None
        }
        Err(_) => {
            println!("not run: unshare missing");
            None
        }
    }
}

const RUN_CHILD: &str =
    r#"exec "$0" --exact child_loads_by_the_default_policy --nocapture --test-threads=1"#;

#[test]
fn without_proc_a_named_file_is_used() {
    let folder = Folder::new();
    let path = folder.entry(42);
    let script = format!("mount -t tmpfs none /proc && {RUN_CHILD}");
    let input = [("WASMELT_CHILD_FILE", path.to_str().unwrap())];
    if let Some(report) = in_other_mounts(&script, &input) {
        let expected = "route: file in a private folder; answer: 42";
        assert!(report.contains(expected), "{report}");
    }
}

#[test]
fn an_entry_on_a_file_system_without_execution_is_copied() {
    let folder = Folder::new();
    let path = folder.entry(42);
    let mount = folder.path().join("mount");
    fs::create_dir(&mount).unwrap();
    let (path, mount) = (path.to_str().unwrap(), mount.to_str().unwrap());
    let script = format!(
        "mount -t tmpfs -o noexec none {mount} && cp -p {path} {mount}/entry.so && {RUN_CHILD}"
    );
    let moved = format!("{mount}/entry.so");
    let input = [("WASMELT_CHILD_FILE", moved.as_str())];
    if let Some(report) = in_other_mounts(&script, &input) {
        assert!(
            report.contains("route: memory file; answer: 42"),
            "{report}"
        );
    }
    // And a private folder there is passed over.
    let input = [
        ("WASMELT_CHILD_FILE", moved.as_str()),
        ("WASMELT_CHILD_DENY_MEMFD", "1"),
        ("TMPDIR", mount),
        ("XDG_RUNTIME_DIR", mount),
    ];
    if let Some(report) = in_other_mounts(&script, &input) {
        assert!(
            report.contains("route: unlinked file; answer: 42"),
            "{report}"
        );
    }
}

#[test]
fn a_descriptor_is_kept_for_the_life_of_a_library() {
    let bytes = compiled(42);
    let library = load(Source::Bytes(&bytes), &Trust::Named).expect("it is good");
    let (fd, _) = library.image_file().expect("it has an image");
    let mut found = Vec::new();
    File::open(format!("/proc/self/fd/{}", fd.as_raw_fd()))
        .unwrap()
        .read_to_end(&mut found)
        .unwrap();
    assert_eq!(found, bytes);
}
