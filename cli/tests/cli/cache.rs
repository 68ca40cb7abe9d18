//! The verb `cache`, and the options of verbs that use one.

use crate::support::{CALCULATOR, Folder, Outcome};
use std::{
    fs::{self, File, Permissions},
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    process::Stdio,
    time::{Duration, SystemTime},
};

/// A module that never ends.
const ENDLESS: &str = r#"(module (func (export "f") (loop br 0)))"#;

/// A folder with a cache of three entries.
fn folder_with_entries() -> Folder {
    let folder = Folder::new();
    folder.write("calculator.wat", CALCULATOR);
    for options in [&[][..], &["--opt", "none"], &["--no-signals"]] {
        run(&folder, options);
    }
    folder
}

fn run(folder: &Folder, options: &[&str]) -> Outcome {
    let fixed = [
        "run",
        "calculator.wat",
        "--timings",
        "--invoke",
        "add",
        "1",
        "2",
    ];
    let outcome = folder.run(&[&fixed[..3], options, &fixed[3..]].concat());
    assert_eq!(
        (outcome.code, outcome.stdout.as_str()),
        (Some(0), "3\n"),
        "{outcome:?}"
    );
    outcome
}

/// The entries as `ls --format json` shows them.
fn list(folder: &Folder) -> Vec<serde_json::Value> {
    let list = folder.json(&["cache", "ls", "--format", "json"]);
    list.as_array().unwrap().clone()
}

fn keys(folder: &Folder) -> Vec<String> {
    let keys = list(folder);
    let keys = keys
        .iter()
        .map(|row| row["key"].as_str().unwrap().to_owned());
    keys.collect()
}

fn entry(folder: &Folder, key: &str) -> PathBuf {
    folder.path("cache/wasmelt").join(key)
}

#[test]
fn a_list_says_what_is_there_and_creates_nothing() {
    let folder = Folder::new();
    folder.print(&["cache", "ls"], "no entries\n");
    folder.print(&["cache", "ls", "--format", "json"], "[]\n");
    let path = folder.path("cache/wasmelt");
    folder.print(&["cache", "path"], &format!("{}\n", path.display()));
    folder.print(&["cache", "path", "--cache-dir", "mine"], "mine\n");
    assert_eq!(
        folder.json(&["cache", "stats", "--format", "json"])["entries"],
        0
    );
    assert_eq!(folder.names(), [""; 0]);

    let folder = folder_with_entries();
    let rows = list(&folder);
    assert_eq!(rows.len(), 3);
    for row in &rows {
        assert_eq!(row["key"].as_str().unwrap().len(), 64);
        assert_eq!(row["cpu_level"], "x86-64-v2");
        assert_eq!(row["wasm_sha256"], rows[0]["wasm_sha256"]);
        assert_eq!(row["in_use"], false);
        assert!(row["len_bytes"].as_u64().unwrap() > 1000);
    }
    let text = folder.succeed(&["cache", "ls"]).stdout;
    assert_eq!(text.lines().count(), 4, "{text}");
    assert!(text.starts_with("KEY "), "{text}");
}

#[test]
fn pinned_entries_stay_and_others_are_collected_by_size_and_age() {
    let folder = folder_with_entries();
    for (days, key) in keys(&folder).iter().enumerate() {
        let age = Duration::from_hours(24 * (1 + days as u64));
        let file = File::open(entry(&folder, key)).unwrap();
        file.set_modified(SystemTime::now() - age).unwrap();
    }
    // Those that were used last come first.
    let [newest, middle, oldest] = &keys(&folder)[..] else {
        panic!("three");
    };
    folder.print(&["cache", "pin", &oldest[..12], "--holder", "node-3"], "");
    let collect =
        |options: &[&str]| folder.json(&[&["cache", "gc", "--format", "json"], options].concat());
    let report = collect(&["--max-age", "36h"]);
    assert_eq!(report["removed"], serde_json::json!([middle]));
    assert_eq!(report["pinned"], 1);
    folder.fail(
        &["cache", "rm", oldest],
        3,
        &format!("error: cache: entry {oldest} is pinned by node-3: unpin it first\n"),
    );
    folder.fail(
        &["cache", "unpin", oldest],
        2,
        &format!("error: cache: entry {oldest} is not pinned by operator\n"),
    );
    let text = folder.succeed(&["cache", "ls"]).stdout;
    assert!(
        text.contains("2 d ago") || text.contains("3 d ago"),
        "{text}"
    );
    assert!(text.contains("pinned by node-3"), "{text}");
    folder.print(&["cache", "unpin", oldest, "--holder", "node-3"], "");
    let report = collect(&["--max-size", "20K"]);
    assert_eq!(report["removed"], serde_json::json!([oldest]));
    folder.print(&["cache", "rm", &newest[..8]], "");
    assert_eq!(keys(&folder).len(), 0);
}

#[test]
fn keys_that_name_no_entry_or_more_than_one_are_refused() {
    let folder = folder_with_entries();
    let refused = |key: &str, reason: &str| {
        folder.fail(
            &["cache", "rm", key],
            2,
            &format!("error: cache: {reason}\n"),
        );
    };
    let hint = "give at least 4 of its hexadecimal digits, as `wasmelt cache ls` shows them";
    refused("abc", &format!("\"abc\" is no key: {hint}"));
    refused("../x", &format!("\"../x\" is no key: {hint}"));
    refused("ABCD", &format!("\"ABCD\" is no key: {hint}"));
    let absent = "0".repeat(64);
    refused(
        &absent,
        &format!("no entry begins with {absent}: `wasmelt cache ls` lists them"),
    );
    let keys = keys(&folder);
    folder.fail(
        &["cache", "rm", &keys[0], &absent],
        2,
        &format!("error: cache: no entry begins with {absent}: `wasmelt cache ls` lists them\n"),
    );
    assert_eq!(list(&folder).len(), 3, "none, where one cannot be found");
    let outcome = folder.run(&["cache", "pin", &keys[0], "--holder", "../x"]);
    assert_eq!(outcome.code, Some(2));
    assert!(
        outcome.stderr.contains("cannot be the name of who pins"),
        "{outcome:?}"
    );
}

#[test]
fn damaged_entries_are_found_moved_aside_and_made_again() {
    let folder = folder_with_entries();
    folder.print(&["cache", "verify"], "3 good, 0 damaged\n");
    let key = keys(&folder).remove(1);
    let path = entry(&folder, &key);
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::remove_file(&path).unwrap();
    fs::write(&path, bytes).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o400)).unwrap();

    let outcome = folder.run(&["cache", "verify"]);
    assert_eq!(outcome.code, Some(3));
    assert!(
        outcome.stdout.contains(&format!("{key}  moved aside: ")),
        "{outcome:?}"
    );
    assert!(
        outcome.stdout.ends_with("2 good, 1 damaged\n"),
        "{outcome:?}"
    );
    assert!(
        outcome
            .stderr
            .starts_with("error: cache: 1 damaged entries were moved aside")
    );
    folder.print(&["cache", "verify"], "2 good, 0 damaged\n");
    let stats = folder.json(&["cache", "stats", "--format", "json"]);
    assert_eq!(
        (&stats["entries"], &stats["quarantined"]),
        (&2.into(), &1.into())
    );

    let again: usize = [&[][..], &["--opt", "none"], &["--no-signals"]]
        .into_iter()
        .filter(|options| run(&folder, options).stderr.contains(": compiled in "))
        .count();
    assert_eq!(again, 1);
    let report = folder.json(&["cache", "gc", "--quarantine", "--format", "json"]);
    assert_eq!(report["quarantined_removed"], 1);
    folder.print(&["cache", "verify"], "3 good, 0 damaged\n");
}

#[test]
fn entries_that_are_never_used_are_found_as_well() {
    let folder = folder_with_entries();
    let keys = keys(&folder);
    let longer = entry(&folder, &keys[0]);
    let mut bytes = fs::read(&longer).unwrap();
    // Behind what the digest covers.
    bytes.push(0);
    fs::remove_file(&longer).unwrap();
    fs::write(&longer, bytes).unwrap();
    fs::set_permissions(&longer, Permissions::from_mode(0o400)).unwrap();
    fs::set_permissions(entry(&folder, &keys[1]), Permissions::from_mode(0o420)).unwrap();
    let text = folder.succeed(&["cache", "ls"]).stdout;
    assert!(
        text.contains("never used: it is writable by others (mode 0420)"),
        "{text}"
    );
    let outcome = folder.run(&["cache", "verify"]);
    assert_eq!(outcome.code, Some(3));
    assert!(
        outcome.stdout.ends_with("1 good, 2 damaged\n"),
        "{outcome:?}"
    );
    folder.print(&["cache", "verify"], "1 good, 0 damaged\n");
}

#[test]
fn a_pin_may_be_taken_back_when_its_entry_is_gone() {
    let folder = folder_with_entries();
    let key = keys(&folder).remove(0);
    folder.print(&["cache", "pin", &key], "");
    fs::remove_file(entry(&folder, &key)).unwrap();
    folder.print(&["cache", "unpin", &key], "");
    assert!(!entry(&folder, &format!("{key}.pins")).exists());
}

#[test]
fn counts_are_written_for_people_and_for_prometheus() {
    let folder = folder_with_entries();
    let text = folder.succeed(&["cache", "stats"]).stdout;
    assert!(text.starts_with("entries             3  "), "{text}");
    let text = folder
        .succeed(&["cache", "stats", "--format", "prometheus"])
        .stdout;
    let mut names = Vec::new();
    for lines in text.lines().collect::<Vec<_>>().chunks(3) {
        let [help, kind, sample] = lines else {
            panic!("{text}");
        };
        let (name, value) = sample.split_once(' ').unwrap();
        assert!(help.starts_with(&format!("# HELP {name} ")), "{help}");
        assert_eq!(*kind, format!("# TYPE {name} gauge"));
        value.parse::<u64>().unwrap();
        names.push(name);
    }
    assert!(text.contains("\nwasmelt_cache_entries 3\n"), "{text}");
    assert!(
        names.contains(&"wasmelt_cache_quarantined_bytes"),
        "{names:?}"
    );
}

#[test]
fn what_a_process_runs_is_not_removed() {
    let folder = Folder::new();
    folder.write("endless.wat", ENDLESS);
    folder.write("calculator.wat", CALCULATOR);
    let arguments = ["run", "endless.wat", "--invoke", "f"];
    // The first one maps a copy, the second one the entry.
    let mut first = folder
        .wasmelt(&arguments)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    wait_until(|| keys(&folder).len() == 1);
    let mut second = folder
        .wasmelt(&arguments)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    first.kill().unwrap();
    first.wait().unwrap();
    wait_until(|| list(&folder)[0]["in_use"] == true);
    run(&folder, &[]);
    let report = folder.json(&["cache", "gc", "--max-size", "0", "--format", "json"]);
    assert_eq!(
        (
            &report["in_use"],
            report["removed"].as_array().unwrap().len()
        ),
        (&1.into(), 1)
    );
    let key = keys(&folder).remove(0);
    folder.fail(
        &["cache", "rm", &key],
        3,
        &format!(
            "error: cache: entry {key} is in use: stop the process that has loaded it first\n"
        ),
    );
    second.kill().unwrap();
    second.wait().unwrap();
    folder.print(&["cache", "rm", &key], "");
}

fn wait_until(mut condition: impl FnMut() -> bool) {
    for _ in 0..6000 {
        if condition() {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("it does not become so within a minute");
}

#[test]
fn a_cache_that_must_hit_compiles_nothing_and_a_folder_beneath_is_enough() {
    let folder = folder_with_entries();
    let strict = ["--cache-mode", "must-hit"];
    assert!(
        run(&folder, &strict)
            .stderr
            .contains(": taken from the cache in ")
    );
    let outcome = folder.run(
        &[
            &["run", "calculator.wat", "--nan-canonicalization"][..],
            &strict,
        ]
        .concat(),
    );
    assert_eq!(outcome.code, Some(3), "{outcome:?}");
    assert!(
        outcome.stderr.contains("which was opened to be always hit"),
        "{outcome:?}"
    );

    let beneath = folder.path("cache/wasmelt");
    let beneath = beneath.to_str().unwrap();
    let above = ["--cache-dir", "mine", "--cache-shared", beneath];
    assert!(
        run(&folder, &above)
            .stderr
            .contains(": taken from the cache in ")
    );
    assert_eq!(fs::read_dir(folder.path("mine")).unwrap().count(), 0);
    let read_only = ["--cache-dir", "mine", "--cache-mode", "read-only"];
    assert!(run(&folder, &read_only).stderr.contains(": compiled in "));
    assert_eq!(fs::read_dir(folder.path("mine")).unwrap().count(), 0);
}

#[test]
fn a_bounded_cache_makes_room() {
    let folder = folder_with_entries();
    run(
        &folder,
        &["--nan-canonicalization", "--cache-max-size", "1"],
    );
    assert_eq!(keys(&folder).len(), 1);
    let outcome = folder.run(&["cache", "gc", "--max-size", "lots"]);
    assert_eq!(outcome.code, Some(2));
    assert!(
        outcome
            .stderr
            .contains("give bytes, or a number with K, M, G or T")
    );
}
