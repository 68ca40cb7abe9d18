//! The store under several threads and processes, and with a disk or a limit that is full.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use wasmelt_cache::{Cache, CacheError, Key};

/// Set in a child process: the test that runs is to play the child's part in this folder.
const FOLDER: &str = "WASMELT_CACHE_TEST_FOLDER";

/// A contents that tells a torn or mixed file from a whole one: every byte says which it is.
fn contents(seed: u8) -> Vec<u8> {
    (0..200_000u32)
        .map(|i| seed.wrapping_add(i.to_le_bytes()[i as usize % 3]))
        .collect()
}

fn key(byte: u8) -> Key {
    Key::from_bytes([byte; 32])
}

/// This test binary again, running only the test `name`, which finds that it is the child.
fn child_of(name: &str, folder: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("a test has a path"));
    command
        .args(["--exact", name, "--nocapture"])
        .env(FOLDER, folder)
        .stdin(Stdio::null());
    command
}

/// The folder to work in, if this process is a child that a test started.
fn child_folder() -> Option<PathBuf> {
    std::env::var_os(FOLDER).map(PathBuf::from)
}

fn publish_until_killed(folder: &Path) {
    let cache = Cache::open(folder).expect("the cache");
    for turn in 0u32.. {
        // Two contents take turns, so that every publication really replaces the file.
        let seed = if turn % 2 == 0 { 10 } else { 20 };
        cache
            .publish(&key(1), &contents(seed))
            .expect("the folder is writable");
    }
}

fn publish_same_keys(cache: &Cache, turns: u32) {
    for turn in 0..turns {
        let id = u8::try_from(turn % 3).expect("below 3");
        let expected = contents(id);
        let entry = cache.publish(&key(id), &expected).expect("published");
        assert_eq!(entry.read().expect("open"), expected);
        let found = cache
            .lookup(&key(id))
            .expect("a look-up")
            .expect("nobody removes it");
        assert_eq!(found.read().expect("open"), expected);
    }
}

fn report_publish(folder: &Path) {
    let cache = Cache::open(folder).expect("the cache");
    let report = match cache.publish(&key(1), &contents(1)) {
        Ok(_) => "published".to_owned(),
        Err(CacheError::DiskFull { len_bytes, .. }) => format!("disk full at {len_bytes}"),
        Err(CacheError::FileTooLarge { len_bytes, .. }) => format!("file too large at {len_bytes}"),
        Err(other) => format!("{other:?}"),
    };
    println!("\nreport: {report}");
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

#[test]
fn threads_and_processes_that_publish_the_same_keys_agree() {
    if let Some(folder) = child_folder() {
        return publish_same_keys(&Cache::open(folder).expect("the cache"), 30);
    }
    let home = tempfile::tempdir().expect("a temporary folder");
    let cache = Cache::open(home.path().join("cache")).expect("a new cache");
    let mut children: Vec<_> = (0..3)
        .map(|_| {
            child_of(
                "threads_and_processes_that_publish_the_same_keys_agree",
                cache.path(),
            )
            .stdout(Stdio::null())
            .spawn()
            .expect("started")
        })
        .collect();
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| publish_same_keys(&cache, 30));
        }
    });
    for child in &mut children {
        assert!(child.wait().expect("started").success());
    }
    let expected: Vec<_> = (0..3).map(|id| key(id).to_string()).collect();
    assert_eq!(
        names(cache.path()),
        expected,
        "three entries and no leftover"
    );
}

#[test]
fn a_publisher_killed_at_any_moment_leaves_a_whole_entry_or_none() {
    if let Some(folder) = child_folder() {
        return publish_until_killed(&folder);
    }
    let home = tempfile::tempdir().expect("a temporary folder");
    let path = home.path().join("cache");
    let cache = Cache::open(&path).expect("a new cache");
    let (even, odd) = (contents(10), contents(20));
    let mut hits = 0;
    for turn in 0..20u64 {
        let mut child = child_of(
            "a_publisher_killed_at_any_moment_leaves_a_whole_entry_or_none",
            &path,
        )
        .stdout(Stdio::null())
        .spawn()
        .expect("started");
        // Read while the child writes, then kill it at a moment that moves from turn to turn.
        let deadline = Instant::now() + Duration::from_millis(25 + turn * 3);
        while Instant::now() < deadline {
            if let Some(entry) = cache.lookup(&key(1)).expect("never bad") {
                let bytes = entry.read().expect("open");
                assert!(
                    bytes == even || bytes == odd,
                    "a torn entry of {} bytes",
                    bytes.len()
                );
                hits += 1;
            }
        }
        child.kill().expect("it is ours");
        child.wait().expect("it was started");
    }
    assert!(hits > 0, "the children published nothing");
    Cache::open(&path).expect("the cache again");
    assert_eq!(names(&path), [key(1).to_string()], "leftovers are removed");
}

#[test]
fn a_file_size_limit_is_a_typed_error_and_leaves_nothing() {
    if let Some(folder) = child_folder() {
        return report_publish(&folder);
    }
    let home = tempfile::tempdir().expect("a temporary folder");
    let path = home.path().join("cache");
    Cache::open(&path).expect("a new cache");
    let child = child_of(
        "a_file_size_limit_is_a_typed_error_and_leaves_nothing",
        &path,
    );
    // The shell lowers the limit (in blocks of 512 or 1024 bytes) and has the signal ignored, so
    // that the write fails instead.
    let output = through_shell("trap '' XFSZ; ulimit -f 16; exec \"$0\" \"$@\"", &child);
    assert!(
        output.contains("report: file too large at 200000"),
        "{output}"
    );
    assert!(names(&path).is_empty(), "the partial file is deleted");
}

#[test]
fn a_full_disk_is_a_typed_error_and_leaves_nothing() {
    if let Some(folder) = child_folder() {
        return report_publish(&folder);
    }
    let home = tempfile::tempdir().expect("a temporary folder");
    let path: PathBuf = home.path().join("disk/cache");
    fs::create_dir(home.path().join("disk")).expect("a place to mount at");
    let child = child_of("a_full_disk_is_a_typed_error_and_leaves_nothing", &path);
    // A file system of 64 KiB in a mount namespace of its own, gone with the shell.
    let script = format!(
        "mount -t tmpfs -o size=64k,mode=700 tmpfs '{0}' || {{ echo 'cannot mount'; exit 0; }}; \
         \"$0\" \"$@\"; echo \"left: $(ls -A '{0}/cache')\"",
        home.path().join("disk").display()
    );
    let unshare = [
        "unshare",
        "--user",
        "--map-root-user",
        "--mount",
        "sh",
        "-c",
        script.as_str(),
    ];
    let output = through(&unshare, &child);
    if !output.contains("report:") && !output.contains("left:") {
        println!("not run: mount namespaces missing ({})", output.trim());
        return;
    }
    assert!(output.contains("report: disk full at 200000"), "{output}");
    assert!(output.lines().any(|line| line == "left: "), "{output}");
}

fn through_shell(script: &str, child: &Command) -> String {
    through(&["sh", "-c", script], child)
}

/// Runs `child`'s command line as further arguments of `wrapper`, in its environment.
fn through(wrapper: &[&str], child: &Command) -> String {
    let mut command = Command::new(wrapper[0]);
    command
        .args(&wrapper[1..])
        .arg(child.get_program())
        .args(child.get_args());
    for (name, value) in child.get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    match command.stdin(Stdio::null()).output() {
        Ok(output) => {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            text(&output.stdout) + &text(&output.stderr)
        }
        Err(error) => format!("cannot start {}: {error}", wrapper[0]),
    }
}
