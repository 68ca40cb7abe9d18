//! Single flight: one makes an entry while others wait, and who dies blocks nobody.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use wasmelt_cache::{Cache, Key, Mode};

const CHILD_FOLDER: &str = "WASMELT_CACHE_TEST_FLIGHT_FOLDER";
const PATIENCE: Duration = Duration::from_mins(1);
const KEY: Key = Key::from_bytes([5; 32]);

#[test]
fn of_many_threads_that_miss_one_makes_the_entry() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let path = home.path().join("cache");
    let made = AtomicU32::new(0);
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                let cache = Cache::open(&path).expect("a cache");
                let flight = cache.take_flight(&KEY, PATIENCE).expect("it may write");
                let _flight = flight.expect("there is patience");
                if cache.lookup(&KEY).expect("a look-up").is_none() {
                    made.fetch_add(1, Ordering::Relaxed);
                    std::thread::sleep(Duration::from_millis(5));
                    cache.publish(&KEY, b"made").expect("there is room");
                }
            });
        }
    });
    assert_eq!(made.into_inner(), 1);
    let left = std::fs::read_dir(&path).expect("a folder").count();
    assert_eq!(left, 1, "the entry, and no lock");
}

#[test]
fn no_key_waits_for_another_and_patience_ends() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let cache = Cache::open(home.path().join("cache")).expect("a cache");
    let take = |byte, patience| {
        let flight = cache.take_flight(&Key::from_bytes([byte; 32]), patience);
        flight.expect("it may write")
    };
    let flight = take(5, Duration::ZERO).expect("nobody has it");
    assert!(take(6, Duration::ZERO).is_some());
    assert!(take(5, Duration::from_millis(20)).is_none());
    drop(flight);
    assert!(take(5, Duration::ZERO).is_some());
    for mode in [Mode::ReadOnly, Mode::MustHit] {
        let cache = Cache::open_with(cache.path(), mode).expect("it is there");
        let flight = cache.take_flight(&KEY, PATIENCE).expect("no error");
        assert!(flight.is_none(), "nothing can be made in the mode {mode}");
    }
}

/// Starts this test again as a child that takes the flight, and waits until it has.
fn start_holder(folder: &Path) -> Child {
    let mut child = Command::new(std::env::current_exe().expect("a test has a path"))
        .args([
            "--exact",
            "a_holder_that_is_killed_blocks_nobody",
            "--nocapture",
        ])
        .env(CHILD_FOLDER, folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a test can start itself");
    let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    let mut lines = lines.by_ref().map_while(Result::ok);
    assert!(lines.any(|line| line == "taken"), "the child takes it");
    child
}

#[test]
fn a_holder_that_is_killed_blocks_nobody() {
    if let Some(folder) = std::env::var_os(CHILD_FOLDER) {
        let cache = Cache::open(folder).expect("the parent made it");
        let flight = cache
            .take_flight(&KEY, Duration::ZERO)
            .expect("it may write");
        let _flight = flight.expect("the parent does not have it");
        println!("\ntaken");
        std::io::stdout().flush().expect("the parent reads");
        std::thread::sleep(PATIENCE);
        return;
    }
    let home = tempfile::tempdir().expect("a temporary folder");
    let cache = Cache::open(home.path().join("cache")).expect("a cache");
    let mut child = start_holder(cache.path());
    let take = |patience| cache.take_flight(&KEY, patience).expect("it may write");
    assert!(take(Duration::from_millis(20)).is_none());

    child.kill().expect("it is ours");
    child.wait().expect("it was started");
    let lock = cache.path().join(format!("{KEY}.lock"));
    assert!(lock.exists(), "the dead one's file is there");
    drop(take(PATIENCE).expect("the kernel gave its lock back"));
    assert!(!lock.exists());
}

#[test]
fn locks_of_the_dead_are_removed_with_the_next_eviction_and_those_of_the_living_are_not() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let cache = Cache::open(home.path().join("cache")).expect("a cache");
    let mut child = start_holder(cache.path());
    let lock = cache.path().join(format!("{KEY}.lock"));
    let evict = || cache.evict(&wasmelt_cache::EvictLimits::default());
    evict().expect("it may write");
    assert!(lock.exists());
    child.kill().expect("it is ours");
    child.wait().expect("it was started");
    evict().expect("it may write");
    assert!(!lock.exists());
}
