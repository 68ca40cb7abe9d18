//! The engine's cache: look up, compile, publish; a bad entry is a miss.
#![allow(clippy::unwrap_used, reason = "test code")]

mod support;

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};
use support::call;
use wasmelt::{
    BoundsChecks, Cache, CacheFailure, CacheMode, CacheOptions, Config, CpuLevel, DebugInfo,
    Engine, Error, EvictLimits, Instance, Module, OptLevel, Origin, Preset, Store,
    errors::{CacheError, ErrorKind},
};

const ANSWER: &str = r#"(module (func (export "answer") (result i32) i32.const 42))"#;

fn engine(folder: &Path, configure: impl FnOnce(&mut Config)) -> Engine {
    let mut config = Config::default();
    config
        .cache(Cache::open(folder).unwrap())
        .compile_threads(1);
    configure(&mut config);
    Engine::new(&config)
}

/// Makes the module and checks that it works.
fn origin(engine: &Engine, wat: &str) -> Result<Origin, Error> {
    let module = Module::new(engine, wat)?;
    let mut store = Store::new(engine, ());
    let instance = Instance::new(&mut store, &module, &[])?;
    assert_eq!(call::<_, (), i32>(&mut store, instance, "answer", ())?, 42);
    Ok(module.origin())
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let names = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut entries: Vec<PathBuf> = names.filter(|path| path.extension().is_none()).collect();
    entries.sort();
    entries
}

#[test]
fn the_second_time_a_module_comes_from_the_cache() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("cache");
    let compiled = Arc::new(AtomicUsize::new(0));
    let counter = compiled.clone();
    let engine = engine(&folder, |config| {
        config.on_progress(move |_| {
            counter.fetch_add(1, Ordering::Relaxed);
        });
    });
    assert_eq!(origin(&engine, ANSWER).unwrap(), Origin::Compiled);
    let reports = compiled.load(Ordering::Relaxed);
    assert!(reports > 0);
    for _ in 0..3 {
        assert_eq!(origin(&engine, ANSWER).unwrap(), Origin::Cache);
    }
    assert_eq!(
        compiled.load(Ordering::Relaxed),
        reports,
        "nothing was compiled again"
    );
    assert_eq!(entries(&folder).len(), 1);
    // The binary format of the same module is the same module.
    let wasm = wat::parse_str(ANSWER).unwrap();
    assert_eq!(Module::new(&engine, wasm).unwrap().origin(), Origin::Cache);
}

#[test]
fn without_a_cache_a_module_is_compiled_each_time() {
    let engine = Engine::default();
    for _ in 0..2 {
        assert_eq!(origin(&engine, ANSWER).unwrap(), Origin::Compiled);
    }
}

#[test]
fn every_option_that_changes_code_has_an_entry_of_its_own() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("cache");
    type Configure = fn(&mut Config);
    let variants: [Configure; 11] = [
        |_| {},
        |config| {
            config.opt_level(OptLevel::None);
        },
        |config| {
            config.bounds_checks(BoundsChecks::Explicit);
        },
        |config| {
            config.signals(false);
        },
        |config| {
            config.nan_canonicalization(true);
        },
        |config| {
            config.preset(Preset::StrictMvp);
        },
        |config| {
            config.preset(Preset::Polkadot);
        },
        |config| {
            config.cpu(CpuLevel::X86_64V3);
        },
        |config| {
            config
                .spectre_mitigation(true)
                .bounds_checks(BoundsChecks::Explicit);
        },
        |config| {
            config.debug_info(DebugInfo::None);
        },
        |config| {
            config.debug_info(DebugInfo::Full);
        },
    ];
    let mut expected = 0;
    for configure in variants {
        match origin(&engine(&folder, configure), ANSWER) {
            Ok(found) => {
                assert_eq!(found, Origin::Compiled);
                expected += 1;
            }
            // A host without AVX2 compiles for it, and then refuses to load.
            Err(error) => assert!(error.to_string().contains("CPU lacks"), "{error}"),
        }
        assert!(entries(&folder).len() >= expected);
    }
    assert!(expected >= 8);
    // What does not change code does not change the entry.
    let same = engine(&folder, |config| {
        config
            .compile_threads(2)
            .max_wasm_stack(1 << 19)
            .ignore_custom_sections(true);
    });
    assert_eq!(origin(&same, ANSWER).unwrap(), Origin::Cache);
    let other =
        r#"(module (func (export "answer") (result i32) i32.const 40 i32.const 2 i32.add))"#;
    assert_eq!(origin(&same, other).unwrap(), Origin::Compiled);
}

/// Writes over an entry as whoever owns the folder can.
fn damage(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(path).unwrap();
    change(&mut bytes);
    fs::remove_file(path).unwrap();
    fs::write(path, bytes).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o400)).unwrap();
}

#[test]
fn a_damaged_entry_is_moved_aside_and_compiled_again() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("cache");
    let engine = engine(&folder, |_| {});
    assert_eq!(origin(&engine, ANSWER).unwrap(), Origin::Compiled);
    let path = entries(&folder).remove(0);
    type Damage = fn(&mut Vec<u8>);
    let damages: [Damage; 5] = [
        |bytes| bytes.truncate(100),
        Vec::clear,
        |bytes| *bytes = b"not an artifact at all".repeat(100),
        // A bit of the code.
        |bytes| {
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
        },
        // The ABI version.
        |bytes| bytes[520] ^= 0x40,
    ];
    for change in damages {
        damage(&path, change);
        assert_eq!(origin(&engine, ANSWER).unwrap(), Origin::Compiled);
        assert_eq!(origin(&engine, ANSWER).unwrap(), Origin::Cache);
    }
}

#[test]
fn an_entry_with_the_artifact_of_another_module_is_not_used() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("cache");
    let engine = engine(&folder, |_| {});
    assert_eq!(origin(&engine, ANSWER).unwrap(), Origin::Compiled);
    let path = entries(&folder).remove(0);
    let wrong = r#"(module (func (export "answer") (result i32) i32.const 41))"#;
    let other = Module::compile(&engine, wrong).unwrap();
    damage(&path, |bytes| *bytes = other);
    assert_eq!(origin(&engine, ANSWER).unwrap(), Origin::Compiled);
    assert_eq!(origin(&engine, ANSWER).unwrap(), Origin::Cache);
}

#[test]
fn many_threads_share_a_cache() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("cache");
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let engine = engine(&folder, |_| {});
                for _ in 0..10 {
                    origin(&engine, ANSWER).unwrap();
                }
            });
        }
    });
    assert_eq!(entries(&folder).len(), 1);
}

#[test]
fn a_mapped_entry_survives_its_replacement() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("cache");
    let engine = engine(&folder, |_| {});
    origin(&engine, ANSWER).unwrap();
    let module = Module::new(&engine, ANSWER).unwrap();
    assert_eq!(module.origin(), Origin::Cache);
    for path in entries(&folder) {
        fs::remove_file(path).unwrap();
    }
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    assert_eq!(
        call::<_, (), i32>(&mut store, instance, "answer", ()).unwrap(),
        42
    );
    assert_eq!(origin(&engine, ANSWER).unwrap(), Origin::Compiled);
}

#[test]
fn a_read_only_cache_serves_what_it_has_and_is_left_alone() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("cache");
    assert_eq!(
        origin(&engine(&folder, |_| {}), ANSWER).unwrap(),
        Origin::Compiled
    );
    let path = entries(&folder).remove(0);
    let open = |mode| {
        engine(&folder, |config| {
            config.cache(Cache::open_with(&folder, mode).unwrap());
        })
    };
    let other = r#"(module (func (export "answer") (result i32) i32.const 6 i32.const 7 i32.mul))"#;
    let read_only = open(CacheMode::ReadOnly);
    assert_eq!(origin(&read_only, ANSWER).unwrap(), Origin::Cache);
    assert_eq!(origin(&read_only, other).unwrap(), Origin::Compiled);
    assert!(
        Module::new(&read_only, other)
            .unwrap()
            .cache_failure()
            .is_none()
    );
    assert_eq!(entries(&folder).len(), 1);

    let must_hit = open(CacheMode::MustHit);
    assert_eq!(origin(&must_hit, ANSWER).unwrap(), Origin::Cache);
    let error = origin(&must_hit, other).unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::Cache(CacheError::NotCached { .. })),
        "{error}"
    );

    damage(&path, |bytes| {
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
    });
    let damaged = fs::read(&path).unwrap();
    assert_eq!(origin(&read_only, ANSWER).unwrap(), Origin::Compiled);
    let error = origin(&must_hit, ANSWER).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Load(_)), "{error}");
    assert_eq!(fs::read(&path).unwrap(), damaged, "nothing was moved aside");
}

#[test]
fn a_cache_that_fails_keeps_a_module_from_running_only_where_that_is_the_policy() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("cache");
    let strict = engine(&folder, |_| {});
    let lenient = engine(&folder, |config| {
        config.cache_failure(CacheFailure::RunWithout);
    });
    fs::remove_dir(&folder).unwrap();
    let error = Module::new(&strict, ANSWER).unwrap_err();
    let ErrorKind::Cache(CacheError::MissingFolder { path }) = error.kind() else {
        panic!("{error}");
    };
    assert_eq!(*path, folder);

    let module = Module::new(&lenient, ANSWER).unwrap();
    assert_eq!(module.origin(), Origin::Compiled);
    let failure = module.cache_failure().unwrap();
    assert_eq!(failure.to_string(), error.to_string());
    assert_eq!(origin(&lenient, ANSWER).unwrap(), Origin::Compiled);

    // A bad entry is no failure.
    assert_eq!(
        origin(&engine(&folder, |_| {}), ANSWER).unwrap(),
        Origin::Compiled
    );
    damage(&entries(&folder).remove(0), Vec::clear);
    assert_eq!(
        origin(&strict, ANSWER).unwrap_err().to_string(),
        error.to_string()
    );
    let again = engine(&folder, |_| {});
    assert_eq!(origin(&again, ANSWER).unwrap(), Origin::Compiled);
    assert_eq!(origin(&again, ANSWER).unwrap(), Origin::Cache);
}

#[test]
fn of_many_engines_that_miss_a_module_one_compiles_it() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("cache");
    let compiled = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let engine = engine(&folder, |_| {});
                if origin(&engine, ANSWER).unwrap() == Origin::Compiled {
                    compiled.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    assert_eq!(compiled.into_inner(), 1);
}

#[test]
fn code_that_is_mapped_from_the_cache_is_not_evicted() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("cache");
    let engine = engine(&folder, |_| {});
    let all = EvictLimits {
        max_len_bytes: Some(0),
        ..EvictLimits::default()
    };
    let cache = Cache::open(&folder).unwrap();
    Module::new(&engine, ANSWER).unwrap();
    let module = Module::new(&engine, ANSWER).unwrap();
    assert_eq!(module.origin(), Origin::Cache);
    assert!(cache.entries().unwrap()[0].is_in_use);
    let evicted = cache.evict(&all).unwrap();
    assert_eq!((evicted.in_use, entries(&folder).len()), (1, 1));

    drop(module);
    assert_eq!(cache.evict(&all).unwrap().entries.len(), 1);
    assert_eq!(entries(&folder).len(), 0);
}

#[test]
fn a_module_is_found_in_a_folder_beneath() {
    let home = tempfile::tempdir().unwrap();
    let (image, folder) = (home.path().join("image"), home.path().join("cache"));
    assert_eq!(
        origin(&engine(&image, |_| {}), ANSWER).unwrap(),
        Origin::Compiled
    );
    for path in entries(&image) {
        fs::set_permissions(path, fs::Permissions::from_mode(0o444)).unwrap();
    }
    let over = |mode| {
        let options = CacheOptions::new().mode(mode).shared(&image);
        engine(&folder, |config| {
            config.cache(options.open(&folder).unwrap());
        })
    };
    for mode in [
        CacheMode::ReadWrite,
        CacheMode::ReadOnly,
        CacheMode::MustHit,
    ] {
        assert_eq!(
            origin(&over(mode), ANSWER).unwrap(),
            Origin::Cache,
            "{mode}"
        );
    }
    assert_eq!(entries(&folder).len(), 0);

    // What is damaged there is compiled once, and found above from then on.
    let path = entries(&image).remove(0);
    damage(&path, |bytes| bytes.truncate(2000));
    let above = over(CacheMode::ReadWrite);
    assert_eq!(origin(&above, ANSWER).unwrap(), Origin::Compiled);
    assert_eq!(origin(&above, ANSWER).unwrap(), Origin::Cache);
    assert_eq!((entries(&folder).len(), entries(&image).len()), (1, 1));
}
