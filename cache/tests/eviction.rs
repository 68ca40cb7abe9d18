//! What goes and what stays: sizes, ages, pins, entries in use, and folders beneath.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

use tempfile::TempDir;
use wasmelt_cache::{Cache, CacheError, CacheOptions, EntryFault, EvictLimits, Key, Mode};

const DAY: Duration = Duration::from_hours(24);

struct Fixture {
    _home: TempDir,
    cache: Cache,
}

impl Fixture {
    fn new() -> Self {
        Self::with(&CacheOptions::new())
    }

    fn with(options: &CacheOptions) -> Self {
        let home = tempfile::tempdir().expect("a temporary folder");
        let cache = options
            .open(home.path().join("cache"))
            .expect("a new cache");
        Self { _home: home, cache }
    }

    /// Publishes 100 bytes that were last used so many days ago.
    fn publish(&self, byte: u8, days: u32) -> Key {
        let key = key(byte);
        self.cache.publish(&key, &[byte; 100]).expect("it has room");
        set_age(&self.cache.path().join(key.to_string()), days);
        key
    }

    fn has(&self, key: &Key) -> bool {
        self.cache.path().join(key.to_string()).exists()
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.cache.path()).expect("a folder");
        let mut names: Vec<_> = entries
            .map(|entry| entry.expect("listed").file_name().into_string())
            .map(|name| name.expect("text"))
            .collect();
        names.sort();
        names
    }
}

fn key(byte: u8) -> Key {
    Key::from_bytes([byte; 32])
}

fn set_age(path: &Path, days: u32) {
    let time = SystemTime::now() - days * DAY;
    let file = File::open(path).expect("it is there");
    file.set_modified(time).expect("it is ours");
}

fn limits(max_len_bytes: u64) -> EvictLimits {
    EvictLimits {
        max_len_bytes: Some(max_len_bytes),
        ..EvictLimits::default()
    }
}

#[test]
fn what_was_used_longest_ago_goes_first_and_no_more_than_has_to() {
    let fixture = Fixture::new();
    let [newest, oldest, middle] = [(1, 1), (2, 30), (3, 9)].map(|(b, d)| fixture.publish(b, d));
    let evicted = fixture.cache.evict(&limits(299)).expect("it may write");
    assert_eq!(evicted.entries, [(oldest, 100)]);
    assert_eq!(evicted.left_len_bytes, 200);
    let evicted = fixture.cache.evict(&limits(200)).expect("it may write");
    assert_eq!(evicted.entries, []);

    // Having been found counts as a use.
    fixture
        .cache
        .lookup(&middle)
        .expect("a look-up")
        .expect("a hit");
    let evicted = fixture.cache.evict(&limits(100)).expect("it may write");
    assert_eq!(evicted.entries, [(newest, 100)]);
    assert!(fixture.has(&middle));
    fixture.cache.evict(&limits(0)).expect("it may write");
    assert_eq!(fixture.names(), [""; 0], "no note of a use is left");
}

#[test]
fn a_use_is_noted_at_most_once_in_an_hour() {
    let fixture = Fixture::new();
    let key = fixture.publish(1, 3);
    let note = fixture.cache.path().join(format!("{key}.used"));
    let look_up = || {
        fixture
            .cache
            .lookup(&key)
            .expect("a look-up")
            .expect("a hit")
    };
    let noted = || {
        fs::metadata(&note)
            .expect("noted")
            .modified()
            .expect("known")
    };
    look_up();
    set_age(&note, 1);
    let before = noted();
    look_up();
    assert!(noted() > before);
    let before = noted();
    look_up();
    assert_eq!(noted(), before);
    let entries = fixture.cache.entries().expect("a list");
    assert_eq!(entries[0].used, before);
}

#[test]
fn entries_go_by_age_and_a_clock_that_jumped_spoils_nothing() {
    let fixture = Fixture::new();
    let [old, young, future] = [(1, 31), (2, 2), (3, 0)].map(|(b, d)| fixture.publish(b, d));
    let path = fixture.cache.path().join(future.to_string());
    let file = File::open(path).expect("it is there");
    file.set_modified(SystemTime::now() + 400 * DAY)
        .expect("it is ours");
    let by_age = EvictLimits {
        max_age: Some(30 * DAY),
        ..EvictLimits::default()
    };
    let evicted = fixture.cache.evict(&by_age).expect("it may write");
    assert_eq!(evicted.entries, [(old, 100)]);
    assert!(fixture.has(&young) && fixture.has(&future));
    let unlimited = fixture.cache.evict(&EvictLimits::default());
    assert_eq!(unlimited.expect("it may write").entries, []);
}

#[test]
fn what_is_pinned_stays_until_nobody_pins_it() {
    let fixture = Fixture::new();
    let cache = &fixture.cache;
    let [pinned, other] = [(1, 9), (2, 1)].map(|(b, d)| fixture.publish(b, d));
    cache.pin(&pinned, "node").expect("it is there");
    cache
        .pin(&pinned, "node")
        .expect("twice is as good as once");
    cache.pin(&pinned, "backup.2").expect("it is there");
    assert_eq!(
        cache.holders(&pinned).expect("a list"),
        ["backup.2", "node"]
    );

    let evicted = cache.evict(&limits(0)).expect("it may write");
    assert_eq!((evicted.entries, evicted.pinned), (vec![(other, 100)], 1));
    let error = cache.remove(&pinned).expect_err("it is pinned");
    assert_eq!(
        error.to_string(),
        format!("entry {pinned} is pinned by backup.2, node: unpin it first")
    );

    assert!(cache.unpin(&pinned, "node").expect("it is there"));
    assert!(!cache.unpin(&pinned, "node").expect("it was there"));
    assert!(cache.remove(&pinned).is_err(), "another holder is left");
    assert!(cache.unpin(&pinned, "backup.2").expect("it is there"));
    assert!(cache.remove(&pinned).expect("nobody holds it"));
    assert!(!cache.remove(&pinned).expect("it was there"));
    assert_eq!(fixture.names(), [""; 0]);
}

#[test]
fn a_pin_needs_an_entry_and_a_name() {
    let fixture = Fixture::new();
    let error = fixture.cache.pin(&key(1), "node").expect_err("no entry");
    assert!(matches!(error, CacheError::NoEntry { .. }), "{error}");
    fixture.publish(1, 0);
    let long = "a".repeat(65);
    for name in ["", ".", "..", "../x", "a/b", ".hidden", "a b", "é", &long] {
        let error = fixture.cache.pin(&key(1), name).expect_err(name);
        assert!(matches!(error, CacheError::HolderName { .. }), "{error}");
        assert!(fixture.cache.unpin(&key(1), name).is_err());
    }
    assert_eq!(fixture.names().len(), 1);
}

#[test]
fn a_pin_stays_when_its_entry_is_moved_aside_and_made_again() {
    let fixture = Fixture::new();
    let key = fixture.publish(1, 9);
    fixture.cache.pin(&key, "node").expect("it is there");
    fixture
        .cache
        .quarantine(&key, "a test")
        .expect("it may write");
    fixture.publish(1, 9);
    let evicted = fixture.cache.evict(&limits(0)).expect("it may write");
    assert_eq!((evicted.entries.len(), evicted.pinned), (0, 1));
    assert_eq!(evicted.quarantined, 1);
}

#[test]
fn what_is_open_stays_until_it_is_closed() {
    let fixture = Fixture::new();
    let key = fixture.publish(1, 9);
    let entry = fixture
        .cache
        .lookup(&key)
        .expect("a look-up")
        .expect("a hit");
    let file = entry.into_file();
    let error = fixture.cache.remove(&key).expect_err("it is in use");
    assert!(matches!(error, CacheError::InUse { .. }), "{error}");
    let evicted = fixture.cache.evict(&limits(0)).expect("it may write");
    assert_eq!((evicted.entries.len(), evicted.in_use), (0, 1));
    assert!(fixture.cache.entries().expect("a list")[0].is_in_use);
    drop(file);
    assert!(!fixture.cache.entries().expect("a list")[0].is_in_use);
    let evicted = fixture.cache.evict(&limits(0)).expect("it may write");
    assert_eq!(evicted.entries, [(key, 100)]);
}

#[test]
fn what_was_moved_aside_goes_before_any_entry() {
    let fixture = Fixture::new();
    let [entry, bad] = [(1, 9), (2, 1)].map(|(b, d)| fixture.publish(b, d));
    fixture
        .cache
        .quarantine(&bad, "a test")
        .expect("it may write");
    let stats = fixture.cache.stats().expect("a list");
    assert_eq!((stats.entries, stats.quarantined), (1, 1));
    assert_eq!(stats.quarantined_len_bytes, 100);
    let evicted = fixture.cache.evict(&limits(100)).expect("it may write");
    assert_eq!((evicted.entries.len(), evicted.quarantined), (0, 1));
    assert_eq!(fixture.names(), [entry.to_string()]);

    fixture
        .cache
        .quarantine(&entry, "a test")
        .expect("it may write");
    let emptied = EvictLimits {
        is_quarantine_emptied: true,
        ..EvictLimits::default()
    };
    fixture.cache.evict(&emptied).expect("it may write");
    assert_eq!(fixture.names(), [""; 0]);
}

#[test]
fn a_bounded_store_makes_room_but_not_of_what_it_has_just_published() {
    let fixture = Fixture::with(&CacheOptions::new().max_len_bytes(250));
    let [old, young] = [(1, 9), (2, 1)].map(|(b, d)| fixture.publish(b, d));
    let entry = fixture
        .cache
        .publish(&key(3), &[3; 100])
        .expect("there is room");
    assert!(!fixture.has(&old) && fixture.has(&young));
    let large = fixture
        .cache
        .publish(&key(4), &[4; 1000])
        .expect("there is room");
    assert!(!fixture.has(&young) && fixture.has(&key(3)) && fixture.has(&key(4)));
    drop((entry, large));
    // Beyond the bound, but the only one.
    fixture
        .cache
        .publish(&key(5), &[5; 10])
        .expect("there is room");
    assert_eq!(fixture.names(), [key(5).to_string()]);
}

#[test]
fn nothing_is_evicted_pinned_or_removed_in_a_mode_that_does_not_write() {
    let fixture = Fixture::new();
    let key = fixture.publish(1, 9);
    for mode in [Mode::ReadOnly, Mode::MustHit] {
        let cache = Cache::open_with(fixture.cache.path(), mode).expect("it is there");
        for error in [
            cache.evict(&limits(0)).expect_err("a mode"),
            cache.pin(&key, "node").expect_err("a mode"),
            cache.unpin(&key, "node").expect_err("a mode"),
            cache.remove(&key).expect_err("a mode"),
        ] {
            assert!(matches!(error, CacheError::ReadOnlyMode { .. }), "{error}");
        }
        cache.lookup(&key).expect("a look-up").expect("a hit");
        assert_eq!(cache.entries().expect("a list").len(), 1);
    }
    assert_eq!(fixture.names(), [key.to_string()]);
}

#[test]
fn a_look_up_goes_on_in_the_folders_beneath() {
    let image = Fixture::new();
    let [below, both] = [(1, 9), (2, 9)].map(|(b, d)| image.publish(b, d));
    fs::set_permissions(image.cache.path(), Permissions::from_mode(0o555)).expect("it is ours");
    let options = CacheOptions::new().shared(image.cache.path());
    let fixture = Fixture::with(&options);
    fixture
        .cache
        .publish(&both, b"above")
        .expect("there is room");

    let read = |cache: &Cache, key| {
        let entry = cache.lookup(key).expect("a look-up").expect("a hit");
        entry.read().expect("readable")
    };
    assert_eq!(read(&fixture.cache, &below), [1; 100]);
    assert_eq!(read(&fixture.cache, &both), b"above");
    let before = image.names();
    fixture.cache.evict(&limits(0)).expect("it may write");
    assert_eq!(read(&fixture.cache, &both), [2; 100]);
    assert_eq!(image.names(), before, "nothing was noted or removed there");

    // An empty store of one's own above is enough where every look-up must hit.
    let must_hit = options.mode(Mode::MustHit).open(fixture.cache.path());
    let must_hit = must_hit.expect("it is there");
    assert_eq!(read(&must_hit, &below), [1; 100]);
    let error = must_hit.lookup(&key(9)).expect_err("a miss");
    assert!(matches!(error, CacheError::NotCached { .. }), "{error}");
}

#[test]
fn a_bad_entry_in_a_folder_beneath_is_a_miss_and_stays_there() {
    let image = Fixture::new();
    let bad = image.publish(1, 0);
    let path = image.cache.path().join(bad.to_string());
    fs::set_permissions(&path, Permissions::from_mode(0o666)).expect("it is ours");
    let options = CacheOptions::new().shared(image.cache.path());
    let fixture = Fixture::with(&options);
    assert!(fixture.cache.lookup(&bad).expect("a miss").is_none());
    assert!(path.exists());

    fs::set_permissions(image.cache.path(), Permissions::from_mode(0o777)).expect("it is ours");
    let error = options
        .open(fixture.cache.path())
        .expect_err("anyone may write there");
    assert!(
        matches!(error, CacheError::FolderWritableByOthers { .. }),
        "{error}"
    );
    let missing = CacheOptions::new().shared("/nonexistent/image");
    let error = missing.open(fixture.cache.path()).expect_err("not there");
    assert!(matches!(error, CacheError::MissingFolder { .. }), "{error}");
}

#[test]
fn files_of_others_that_look_like_temporary_ones_are_left_alone() {
    let fixture = Fixture::new();
    let path = |name: &str| fixture.cache.path().join(name);
    let ours = "tmp-1-00000000000000af-0";
    for name in [
        "tmp-notes.txt",
        "tmp-1-2-3",
        ours,
        "tmp-1-00000000000000af-1",
    ] {
        fs::write(path(name), "text").expect("it is ours");
    }
    for name in ["tmp-notes.txt", "tmp-1-2-3", ours] {
        fs::set_permissions(path(name), Permissions::from_mode(0o600)).expect("it is ours");
    }
    // No writer of ours makes a file that others may read.
    let readable = Permissions::from_mode(0o644);
    fs::set_permissions(path("tmp-1-00000000000000af-1"), readable).expect("it is ours");
    Cache::open(fixture.cache.path()).expect("it is there");
    let left = ["tmp-1-00000000000000af-1", "tmp-1-2-3", "tmp-notes.txt"];
    assert_eq!(fixture.names(), left);
}

#[test]
fn what_is_no_entry_is_listed_with_its_fault_and_can_be_removed() {
    let fixture = Fixture::new();
    let [linked, empty, good] = [1, 2, 3].map(|byte| fixture.publish(byte, 9));
    let path = |key: &Key| fixture.cache.path().join(key.to_string());
    fs::remove_file(path(&linked)).expect("it is ours");
    std::os::unix::fs::symlink("/etc/passwd", path(&linked)).expect("it is free");
    fs::remove_file(path(&empty)).expect("it is ours");
    fs::write(path(&empty), "").expect("it is free");
    // In place of the list of who pins it.
    fs::write(fixture.cache.path().join(format!("{good}.pins")), "").expect("it is free");

    let entries = fixture.cache.entries().expect("a list");
    let faults: Vec<_> = entries.iter().map(|entry| entry.fault).collect();
    assert_eq!(
        faults,
        [Some(EntryFault::Symlink), Some(EntryFault::Empty), None]
    );
    assert_eq!(entries[2].holders, ["unknown"]);
    assert!(fixture.cache.remove(&linked).expect("nobody needs it"));
    let evicted = fixture.cache.evict(&limits(0)).expect("it may write");
    assert_eq!((evicted.entries, evicted.pinned), (vec![(empty, 0)], 1));
    assert!(Path::new("/etc/passwd").exists());
}

#[test]
fn a_pin_waits_for_whoever_may_be_removing_the_entry() {
    let fixture = Fixture::new();
    let key = fixture.publish(1, 9);
    let path = fixture.cache.path().join(key.to_string());
    // As an evictor that has looked for pins, and is stopped.
    let evictor = File::open(&path).expect("it is there");
    evictor.lock().expect("nobody has it");
    let error = fixture
        .cache
        .pin(&key, "node")
        .expect_err("it may be gone at any time");
    assert!(matches!(error, CacheError::InUse { .. }), "{error}");
    drop(evictor);
    fixture.cache.pin(&key, "node").expect("it stays");
    assert_eq!(
        fixture
            .cache
            .evict(&limits(0))
            .expect("it may write")
            .pinned,
        1
    );
}
