//! The store from outside: publishing, refusing, surviving damage and attack.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use wasmelt_cache::{Cache, CacheError, EntryFault, Key, Mode};

const BYTES: &[u8] = b"as if compiled";

struct Fixture {
    home: TempDir,
    cache: Cache,
}

impl Fixture {
    fn new() -> Self {
        let home = tempfile::tempdir().expect("a temporary folder");
        let cache = Cache::open(home.path().join("cache")).expect("a new cache");
        Self { home, cache }
    }

    fn entry_path(&self, key: &Key) -> PathBuf {
        self.cache.path().join(key.to_string())
    }

    /// Puts a fault under a fresh key with `plant`; it must be reported as `expected`, be a miss
    /// for everybody, and not stand in the way of a new entry.
    fn check_fault(&self, expected: EntryFault, plant: impl Fn(&Path)) {
        let key = key(0xfa);
        let path = self.entry_path(&key);
        let open = |mode| Cache::open_with(self.cache.path(), mode).expect("the cache");
        plant(&path);

        for error in [
            self.cache.lookup_strict(&key).expect_err("a fault"),
            open(Mode::MustHit).lookup(&key).expect_err("a fault"),
        ] {
            assert!(
                matches!(&error, CacheError::BadEntry { path: p, fault } if *p == path && *fault == expected),
                "{error:?}"
            );
        }
        assert!(open(Mode::ReadOnly).lookup(&key).expect("a miss").is_none());
        assert!(path.symlink_metadata().is_ok(), "reading moves nothing");
        assert!(self.cache.lookup(&key).expect("a miss").is_none());
        assert!(path.symlink_metadata().is_err(), "moved aside");
        let why = fs::read_to_string(self.entry_path(&key).with_extension("why"));
        assert_eq!(why.expect("a note"), format!("{expected}\n"));

        plant(&path);
        self.cache
            .publish(&key, BYTES)
            .expect("a fault is replaced");
        check_hit(&self.cache, &key, BYTES);
    }
}

fn key(byte: u8) -> Key {
    Key::from_bytes([byte; 32])
}

fn check_hit(cache: &Cache, key: &Key, bytes: &[u8]) {
    let entry = cache.lookup(key).expect("a look-up").expect("a hit");
    assert_eq!(entry.read().expect("readable"), bytes);
    assert_eq!(
        entry.len_bytes(),
        u64::try_from(bytes.len()).expect("small")
    );
    assert_eq!(entry.key(), key);
    let facts = entry.file().metadata().expect("open");
    assert_eq!((facts.mode() & 0o7777, facts.nlink()), (0o400, 1));
    assert_eq!(
        facts.ino(),
        fs::metadata(entry.path()).expect("there").ino()
    );
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| {
            entry
                .expect("listed")
                .file_name()
                .into_string()
                .expect("text")
        })
        .collect();
    names.sort();
    names
}

fn am_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[test]
fn what_is_published_is_found_with_the_same_bytes() {
    let f = Fixture::new();
    assert!(f.cache.lookup(&key(1)).expect("a look-up").is_none());
    let entry = f.cache.publish(&key(1), BYTES).expect("published");
    assert_eq!(entry.read().expect("readable"), BYTES);
    assert_eq!(entry.path(), f.entry_path(&key(1)));
    check_hit(&f.cache, &key(1), BYTES);
    assert!(f.cache.lookup(&key(2)).expect("a look-up").is_none());
    assert_eq!(
        names(f.cache.path()),
        [key(1).to_string()],
        "no temporary file is left"
    );
}

#[test]
fn entries_survive_in_a_new_cache_on_the_same_folder() {
    let f = Fixture::new();
    f.cache.publish(&key(1), BYTES).expect("published");
    for mode in [Mode::ReadWrite, Mode::ReadOnly, Mode::MustHit] {
        check_hit(
            &Cache::open_with(f.cache.path(), mode).expect("the folder"),
            &key(1),
            BYTES,
        );
    }
}

#[test]
fn the_folder_and_its_missing_parents_are_created_private() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let cache = Cache::open(home.path().join("a/b")).expect("created");
    for folder in [cache.path(), cache.path().parent().expect("a parent")] {
        assert_eq!(fs::metadata(folder).expect("there").mode() & 0o7777, 0o700);
    }
}

#[test]
fn publishing_the_same_bytes_again_keeps_the_inode() {
    let f = Fixture::new();
    let inode = |entry: &wasmelt_cache::Entry| entry.file().metadata().expect("open").ino();
    let first = f.cache.publish(&key(1), BYTES).expect("published");
    let second = f.cache.publish(&key(1), BYTES).expect("published");
    assert_eq!(inode(&first), inode(&second));
}

#[test]
fn a_replaced_entry_stays_whole_for_whoever_has_it_open() {
    let f = Fixture::new();
    let old = f.cache.publish(&key(1), BYTES).expect("published");
    let new = f.cache.publish(&key(1), b"other bytes").expect("published");
    assert_eq!(old.read().expect("open"), BYTES);
    assert_eq!(new.read().expect("open"), b"other bytes");
    check_hit(&f.cache, &key(1), b"other bytes");
}

#[test]
fn an_empty_entry_is_refused() {
    let f = Fixture::new();
    let error = f.cache.publish(&key(1), b"").expect_err("refused");
    assert!(matches!(error, CacheError::EmptyEntry { key: k } if k == key(1)));
    assert!(names(f.cache.path()).is_empty());
}

#[test]
fn read_only_and_must_hit_write_nothing() {
    let f = Fixture::new();
    f.cache.publish(&key(1), BYTES).expect("published");
    for mode in [Mode::ReadOnly, Mode::MustHit] {
        let cache = Cache::open_with(f.cache.path(), mode).expect("the folder");
        assert_eq!(cache.mode(), mode);
        for error in [
            cache.publish(&key(2), BYTES).expect_err("refused"),
            cache.quarantine(&key(1), "test").expect_err("refused"),
            cache.remove_leftovers().expect_err("refused"),
        ] {
            assert!(matches!(error, CacheError::ReadOnlyMode { mode: m, .. } if m == mode));
        }
    }
    assert_eq!(names(f.cache.path()), [key(1).to_string()]);
}

#[test]
fn a_miss_is_an_error_only_where_every_look_up_must_hit() {
    let f = Fixture::new();
    let open = |mode| Cache::open_with(f.cache.path(), mode).expect("the folder");
    assert!(
        open(Mode::ReadOnly)
            .lookup(&key(1))
            .expect("a miss")
            .is_none()
    );
    let error = open(Mode::MustHit).lookup(&key(1)).expect_err("not there");
    assert!(matches!(&error, CacheError::NotCached { key: k, .. } if *k == key(1)));
    assert!(error.to_string().contains(&key(1).to_string()));
}

#[test]
fn a_missing_folder_is_an_error_where_it_may_not_be_created() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let path = home.path().join("none");
    for mode in [Mode::ReadOnly, Mode::MustHit] {
        let error = Cache::open_with(&path, mode).expect_err("missing");
        assert!(matches!(&error, CacheError::MissingFolder { path: p } if *p == path));
    }
    assert!(!path.exists());
}

#[test]
fn a_folder_deleted_under_us_is_a_miss_and_a_typed_error() {
    let f = Fixture::new();
    fs::remove_dir_all(f.cache.path()).expect("ours");
    assert!(f.cache.lookup(&key(1)).expect("a miss").is_none());
    let error = f
        .cache
        .publish(&key(1), BYTES)
        .expect_err("nowhere to write");
    assert!(
        matches!(error, CacheError::MissingFolder { .. }),
        "{error:?}"
    );
}

#[test]
fn a_file_in_place_of_the_folder_is_refused() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let path = home.path().join("file");
    File::create(&path).expect("a file");
    for path in [path.clone(), path.join("below")] {
        let error = Cache::open(&path).expect_err("no folder");
        assert!(matches!(error, CacheError::NotAFolder { .. }), "{error:?}");
    }
}

#[test]
fn a_folder_that_is_a_symbolic_link_is_refused_but_a_linked_parent_is_not() {
    let f = Fixture::new();
    let link = f.home.path().join("link");
    symlink(f.cache.path(), &link).expect("a link");
    let error = Cache::open(&link).expect_err("a link");
    assert!(
        matches!(&error, CacheError::FolderIsSymlink { path } if *path == link),
        "{error:?}"
    );

    let parent = f.home.path().join("parent");
    symlink(f.home.path(), &parent).expect("a link");
    Cache::open(parent.join("cache")).expect("links above are the user's business");
}

#[test]
fn a_dangling_link_as_folder_is_refused_and_nothing_is_created_behind_it() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let (link, target) = (home.path().join("link"), home.path().join("target"));
    symlink(&target, &link).expect("a link");
    let error = Cache::open(&link).expect_err("a link");
    assert!(
        matches!(error, CacheError::FolderIsSymlink { .. }),
        "{error:?}"
    );
    assert!(!target.exists());
}

#[test]
fn a_folder_that_others_may_write_is_refused() {
    let f = Fixture::new();
    for mode in [0o770, 0o702, 0o777, 0o1777] {
        fs::set_permissions(f.cache.path(), Permissions::from_mode(mode)).expect("ours");
        let error = Cache::open(f.cache.path()).expect_err("not private");
        assert!(
            matches!(error, CacheError::FolderWritableByOthers { mode: m, .. } if m == mode),
            "{error:?}"
        );
    }
}

#[test]
fn a_folder_of_another_user_is_refused() {
    let f = Fixture::new();
    // Root can give its folder away; anybody else has root's.
    let path = if am_root() {
        std::os::unix::fs::chown(f.cache.path(), Some(12345), None).expect("root may");
        f.cache.path()
    } else {
        Path::new("/")
    };
    let error = Cache::open_with(path, Mode::ReadOnly).expect_err("not ours");
    let owner = if am_root() { 12345 } else { 0 };
    assert!(
        matches!(error, CacheError::FolderNotOurs { owner: o, .. } if o == owner),
        "{error:?}"
    );
}

#[test]
fn a_link_planted_as_an_entry_is_neither_followed_nor_written_through() {
    let f = Fixture::new();
    let victim = f.home.path().join("victim");
    fs::write(&victim, b"secret").expect("written");
    f.check_fault(EntryFault::Symlink, |path| {
        symlink(&victim, path).expect("planted")
    });
    assert_eq!(fs::read(&victim).expect("still there"), b"secret");
}

#[test]
fn an_entry_with_a_second_name_is_bad() {
    let f = Fixture::new();
    let other = f.home.path().join("other");
    f.check_fault(EntryFault::Linked { links: 2 }, |path| {
        let _ = fs::remove_file(&other);
        fs::write(path, b"code").expect("written");
        fs::set_permissions(path, Permissions::from_mode(0o400)).expect("ours");
        fs::hard_link(path, &other).expect("linked");
    });
}

#[test]
fn an_entry_that_others_may_write_is_bad() {
    let f = Fixture::new();
    f.check_fault(EntryFault::WritableByOthers { mode: 0o620 }, |path| {
        fs::write(path, b"code").expect("written");
        fs::set_permissions(path, Permissions::from_mode(0o620)).expect("ours");
    });
}

#[test]
fn an_entry_of_another_user_is_bad() {
    if !am_root() {
        println!("not run: root missing");
        return;
    }
    let f = Fixture::new();
    f.check_fault(
        EntryFault::NotOurs {
            owner: 12345,
            expected: 0,
        },
        |path| {
            fs::write(path, b"code").expect("written");
            fs::set_permissions(path, Permissions::from_mode(0o400)).expect("ours");
            std::os::unix::fs::chown(path, Some(12345), None).expect("root may");
        },
    );
}

#[test]
fn an_empty_entry_is_bad() {
    let f = Fixture::new();
    f.check_fault(EntryFault::Empty, |path| {
        File::create(path).expect("created");
        fs::set_permissions(path, Permissions::from_mode(0o400)).expect("ours");
    });
}

#[test]
fn a_folder_in_place_of_an_entry_is_bad() {
    let f = Fixture::new();
    f.check_fault(EntryFault::NotRegular, |path| {
        fs::create_dir(path).expect("created");
        fs::write(path.join("full"), b"x").expect("written");
    });
}

#[test]
fn a_pipe_in_place_of_an_entry_is_bad_and_nobody_waits_for_it() {
    let f = Fixture::new();
    let start = Instant::now();
    f.check_fault(EntryFault::NotRegular, |path| {
        rustix::fs::mknodat(
            rustix::fs::CWD,
            path,
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::RUSR,
            0,
        )
        .expect("a pipe");
    });
    assert!(start.elapsed() < Duration::from_secs(30));
}

#[test]
fn a_damaged_entry_that_its_reader_moves_aside_is_a_miss_and_is_published_again() {
    let f = Fixture::new();
    f.cache.publish(&key(1), BYTES).expect("published");
    let path = f.entry_path(&key(1));
    fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("ours");
    fs::write(&path, b"as if c0mpiled").expect("damaged");

    let entry = f
        .cache
        .lookup(&key(1))
        .expect("a look-up")
        .expect("the cache cannot tell");
    assert_ne!(entry.read().expect("readable"), BYTES);
    let aside = f
        .cache
        .quarantine(&key(1), "digest differs\nin block 1")
        .expect("moved");
    assert_eq!(aside.as_deref(), Some(path.with_extension("bad").as_path()));
    assert_eq!(
        fs::read_to_string(path.with_extension("why")).expect("a note"),
        "digest differs in block 1\n"
    );
    assert!(f.cache.lookup(&key(1)).expect("a look-up").is_none());
    f.cache.publish(&key(1), BYTES).expect("published");
    check_hit(&f.cache, &key(1), BYTES);
}

#[test]
fn a_damaged_entry_is_replaced_also_without_being_moved_aside() {
    let f = Fixture::new();
    f.cache.publish(&key(1), BYTES).expect("published");
    let path = f.entry_path(&key(1));
    fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("ours");
    fs::write(&path, &BYTES[..3]).expect("truncated");
    f.cache.publish(&key(1), BYTES).expect("published");
    check_hit(&f.cache, &key(1), BYTES);
}

#[test]
fn moving_aside_what_is_not_there_does_nothing() {
    let f = Fixture::new();
    assert_eq!(
        f.cache.quarantine(&key(1), "test").expect("nothing to do"),
        None
    );
    assert!(names(f.cache.path()).is_empty());
}

#[test]
fn moving_aside_keeps_one_bad_entry_per_key() {
    let f = Fixture::new();
    for bytes in [b"first", b"again"] {
        f.cache.publish(&key(1), bytes).expect("published");
        f.cache.quarantine(&key(1), "test").expect("moved");
    }
    let path = f.entry_path(&key(1));
    assert_eq!(names(f.cache.path()).len(), 2);
    assert_eq!(
        fs::read(path.with_extension("bad")).expect("kept"),
        b"again"
    );
}

#[test]
fn a_folder_we_may_not_write_is_a_typed_error_and_still_readable() {
    let f = Fixture::new();
    f.cache.publish(&key(1), BYTES).expect("published");
    fs::set_permissions(f.cache.path(), Permissions::from_mode(0o500)).expect("ours");
    // Permission bits do not bind root, so the attempt is made on a thread without that privilege.
    let (published, created) = std::thread::scope(|scope| {
        let attempt = scope.spawn(|| {
            drop_file_privileges();
            let published = f.cache.publish(&key(2), BYTES).map(|_| ());
            let created = Cache::open(f.cache.path().join("below")).map(|_| ());
            check_hit(&f.cache, &key(1), BYTES);
            check_hit(
                &Cache::open(f.cache.path()).expect("readable"),
                &key(1),
                BYTES,
            );
            (published, created)
        });
        attempt.join().expect("the thread does not panic")
    });
    for error in [
        published.expect_err("refused"),
        created.expect_err("refused"),
    ] {
        assert!(
            matches!(&error, CacheError::NotWritable { path, .. } if path.starts_with(f.cache.path())),
            "{error:?}"
        );
    }
    fs::set_permissions(f.cache.path(), Permissions::from_mode(0o700)).expect("ours");
    assert_eq!(names(f.cache.path()), [key(1).to_string()]);
}

/// Gives up the calling thread's right to ignore permission bits.
fn drop_file_privileges() {
    use rustix::thread::{CapabilitySet, capabilities, set_capabilities};

    let mut sets = capabilities(None).expect("our own capabilities");
    let privileges = CapabilitySet::DAC_OVERRIDE | CapabilitySet::DAC_READ_SEARCH;
    sets.effective.remove(privileges);
    set_capabilities(None, sets).expect("less is always allowed");
}

#[test]
fn a_relative_folder_stays_the_same_after_the_working_folder_changed() {
    let f = Fixture::new();
    let cwd = std::env::current_dir().expect("a working folder");
    let up = "../".repeat(cwd.components().count() - 1);
    let inside = f.cache.path().strip_prefix("/").expect("absolute");
    let cache = Cache::open(Path::new(&up).join(inside)).expect("the same folder");
    assert!(cache.path().is_absolute());
    cache.publish(&key(1), BYTES).expect("published");
    check_hit(&f.cache, &key(1), BYTES);
}
