//! Limits on what modules may declare: exactly enforced, and before anything else.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

use std::fs;
use wasmelt::{
    Cache, Config, EnforcedLimits, Engine, Error, Module, Trust,
    errors::{EnforcedLimitsError as E, ErrorKind},
};

fn engine(change: impl FnOnce(&mut EnforcedLimits)) -> Engine {
    let mut limits = EnforcedLimits::default();
    change(&mut limits);
    let mut config = Config::new();
    config.enforced_limits(limits);
    Engine::new(&config)
}

fn refusal(result: Result<Module, Error>) -> Option<E> {
    match result {
        Ok(_) => None,
        Err(error) => match error.kind() {
            ErrorKind::UserLimits(refusal) => Some(*refusal),
            _ => panic!("{error}"),
        },
    }
}

type Set = fn(&mut EnforcedLimits, Option<u32>);
type Limited = (&'static str, Set, fn(u32) -> E);

/// Each limit: a module that has two of what is limited, how the limit is set, and its error.
fn limits() -> [Limited; 8] {
    [
        (
            "(module (global i32 (i32.const 0)) (global i64 (i64.const 0)))",
            |l, n| {
                l.max_globals(n);
            },
            |limit| E::TooManyGlobals { limit },
        ),
        (
            "(module (import \"m\" \"f\" (func)) (func) (func))",
            |l, n| {
                l.max_functions(n);
            },
            |limit| E::TooManyFunctions { limit },
        ),
        (
            "(module (table 1 funcref) (func) (elem (i32.const 0) 0) (elem (i32.const 0) 0))",
            |l, n| {
                l.max_element_segments(n);
            },
            |limit| E::TooManyElementSegments { limit },
        ),
        (
            "(module (memory 1) (data (i32.const 0) \"a\") (data (i32.const 1) \"b\"))",
            |l, n| {
                l.max_data_segments(n);
            },
            |limit| E::TooManyDataSegments { limit },
        ),
        (
            "(module (func (param i32 i32)))",
            |l, n| {
                l.max_params(n.map(|n| n as usize));
            },
            |limit| E::TooManyParameters {
                limit: limit as usize,
            },
        ),
        (
            "(module (func (result i32) (i32.const 0)))",
            |l, n| {
                l.max_results(n.map(|n| n as usize));
            },
            |limit| E::TooManyResults {
                limit: limit as usize,
            },
        ),
        (
            "(module (table 1 funcref))",
            |l, n| {
                l.max_tables(n);
            },
            |limit| E::TooManyTables { limit },
        ),
        (
            "(module (memory 1))",
            |l, n| {
                l.max_memories(n);
            },
            |limit| E::TooManyMemories { limit },
        ),
    ]
}

#[test]
fn each_limit_is_enforced_exactly_for_modules_and_for_artifacts() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("module.so");
    for (wat, set, error) in limits() {
        let artifact = Module::compile(&Engine::default(), wat).expect("valid");
        fs::write(&path, artifact).expect("a file");
        let wasm = wat::parse_str(wat).expect("well-formed");
        // The MVP has at most one of some.
        let has = if wat.contains("result") || wat == limits()[6].0 || wat == limits()[7].0 {
            1
        } else {
            2
        };
        for limit in [None, Some(0), Some(has - 1), Some(has), Some(u32::MAX)] {
            let expected = limit.filter(|limit| *limit < has).map(error);
            let engine = engine(|limits| set(limits, limit));
            assert_eq!(
                refusal(Module::new(&engine, wat)),
                expected,
                "{wat} {limit:?}"
            );
            let loaded = Module::load(&engine, path.as_path(), &Trust::Named);
            assert_eq!(refusal(loaded), expected, "{wat} {limit:?}");
            assert_eq!(Module::compile(&engine, wat).is_err(), expected.is_some());
            assert_eq!(
                Module::validate(&engine, &wasm).is_err(),
                expected.is_some()
            );
        }
    }
}

#[test]
fn short_functions_are_refused_where_there_are_enough_of_them() {
    // Five bytes each: length, locals, two operators, end.
    let wat = "(module (func nop nop) (func nop nop))";
    let check = |wat: &str, from, min, expected| {
        let engine = engine(|limits| {
            limits.min_avg_bytes_per_function(from, min);
        });
        assert_eq!(refusal(Module::new(&engine, wat)), expected, "{from} {min}");
    };
    let short = |limit| Some(E::MinAvgBytesPerFunction { limit, avg: 5 });
    check(wat, 0, 5, None);
    check(wat, 0, 6, short(6));
    check(wat, 10, 6, short(6));
    check(wat, 11, 6, None);
    check(wat, 0, u32::MAX, short(u32::MAX));
    check("(module)", 0, u32::MAX, None);
    // An artifact does not tell how long they were.
    let artifact = Module::compile(&Engine::default(), wat).expect("valid");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("module.so");
    fs::write(&path, artifact).expect("a file");
    let engine = engine(|limits| {
        limits.min_avg_bytes_per_function(0, 6);
    });
    Module::load(&engine, path.as_path(), &Trust::Named).expect("nothing to see");
}

#[test]
fn the_cache_makes_no_difference() {
    let folder = tempfile::tempdir().expect("a folder");
    let cache = Cache::open(folder.path().join("cache")).expect("a cache");
    let new = |limits: EnforcedLimits| {
        let mut config = Config::new();
        config.cache(cache.clone()).enforced_limits(limits);
        Module::new(&Engine::new(&config), "(module (memory 1))")
    };
    new(EnforcedLimits::default()).expect("no limit");
    let mut none = EnforcedLimits::default();
    none.max_memories(Some(0));
    assert_eq!(refusal(new(none)), Some(E::TooManyMemories { limit: 0 }));
    let module = new(EnforcedLimits::strict()).expect("one may be");
    assert_eq!(module.origin(), wasmelt::Origin::Cache);
}

#[test]
fn strict_limits_are_those_that_are_documented() {
    let strict = |wat: &str| {
        let mut config = Config::new();
        config.enforced_limits(EnforcedLimits::strict());
        refusal(Module::new(&Engine::new(&config), wat))
    };
    let globals = |count| format!("(module {})", "(global i32 (i32.const 0))".repeat(count));
    assert_eq!(strict(&globals(1000)), None);
    assert_eq!(
        strict(&globals(1001)),
        Some(E::TooManyGlobals { limit: 1000 })
    );
    let params = |count| format!("(module (func (param {})))", "i32 ".repeat(count));
    assert_eq!(strict(&params(32)), None);
    assert_eq!(
        strict(&params(33)),
        Some(E::TooManyParameters { limit: 32 })
    );
    let functions = |count| format!("(module {})", "(func)".repeat(count));
    assert_eq!(strict(&functions(333)), None);
    let short = E::MinAvgBytesPerFunction { limit: 40, avg: 3 };
    assert_eq!(strict(&functions(334)), Some(short));
    let too_many = E::TooManyFunctions { limit: 10_000 };
    assert_eq!(strict(&functions(10_001)), Some(too_many));
    let segments = |count| {
        format!(
            "(module (memory 1) {})",
            "(data (i32.const 0))".repeat(count)
        )
    };
    assert_eq!(strict(&segments(1000)), None);
    let too_many = E::TooManyDataSegments { limit: 1000 };
    assert_eq!(strict(&segments(1001)), Some(too_many));
}

/// A module that is no module any more behind its declarations is refused for what it declares, and one that is
/// invalid within the limits for that.
#[test]
fn limits_come_before_validation() {
    let wasm = wat::parse_str("(module (memory 1) (func (drop (i32.const 1))))").expect("valid");
    let cut = &wasm[..wasm.len() - 2];
    let none = engine(|limits| {
        limits.max_memories(Some(0));
    });
    assert_eq!(
        refusal(Module::new(&none, cut)),
        Some(E::TooManyMemories { limit: 0 })
    );
    let one = engine(|limits| {
        limits.max_memories(Some(1));
    });
    let error = Module::new(&one, cut).expect_err("cut off");
    assert!(matches!(error.kind(), ErrorKind::Wasm(_)), "{error}");
}
