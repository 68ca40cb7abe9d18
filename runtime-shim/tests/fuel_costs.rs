//! Custom costs of operators and of growth: what is charged, what is refused, and what was missing.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]
#![allow(
    clippy::cast_possible_truncation,
    reason = "small numbers are written in LEB128"
)]

mod support;

use support::Mode;
use wasmelt::{
    Cache, Config, CustomFuelCosts, Engine, Error, Module, OperatorCost, Origin, Store,
    StoreLimitsBuilder, TrapCode, Trust,
    errors::{ArtifactError, ErrorKind},
};
use wasmelt_abi::{DESCRIPTOR_FILE_OFFSET, ModuleDescriptor};

/// Configurations that must all charge the same.
fn configs(costs: OperatorCost) -> Vec<Config> {
    let configs = Mode::all().into_iter().map(Mode::config);
    configs
        .map(|mut config| config.consume_fuel(true).operator_cost(costs).clone())
        .collect()
}

fn growth(bytes_copied_per_fuel: u32) -> CustomFuelCosts {
    CustomFuelCosts {
        bytes_copied_per_fuel,
        fuel_per_bytes_translated: u32::MAX,
        fuel_per_bytes_validated: u32::MAX,
    }
}

/// Calls the export `f` of a module with so much fuel: how it ended, and how much is gone.
fn call(config: &Config, wasm: &[u8], argument: i32, fuel: u64) -> (Result<i32, Error>, u64) {
    let engine = Engine::new(config);
    let module = Module::new(&engine, wasm).expect("a valid module");
    let mut store = Store::new(
        &engine,
        StoreLimitsBuilder::new().memory_size(4 << 16).build(),
    );
    store.limiter(|limits| limits);
    store.set_fuel(fuel).expect("metered");
    let linker = wasmelt::Linker::new(&engine);
    let instance = linker.instantiate_and_start(&mut store, &module);
    let f = instance
        .expect("no imports")
        .get_typed_func::<i32, i32>(&store, "f");
    let result = f.expect("of that type").call(&mut store, argument);
    (result, fuel - store.get_fuel().expect("metered"))
}

const LOOP: &str = r#"(module (memory 1) (global $g (mut i32) (i32.const 0))
  (func $half (param i32) (result i32) (i32.shr_u (local.get 0) (i32.const 1)))
  (func (export "f") (param i32) (result i32)
    (loop $next
      (global.set $g (i32.add (global.get $g) (call $half (local.get 0))))
      (br_if $next (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
    (global.get $g)))"#;

#[test]
fn each_operator_costs_what_the_table_says() {
    let costs = OperatorCost {
        i32_shr_u: 3,
        call: 50,
        br_if: 7,
        loop_: 100,
        end: 9,
        global_set: 0,
        ..OperatorCost::default()
    };
    // A round: global.get, local.get, call; add, global.set; local.get, const, sub, tee, br_if. The
    // function called: local.get, const, shr_u, end.
    let round = (2 + 50) + 1 + (4 + 7) + (2 + 3 + 9);
    let expected = 100 + 10 * round + 9 + (1 + 9);
    for config in configs(costs) {
        let (result, used) = call(&config, LOOP.as_bytes(), 10, 10_000);
        assert_eq!((result.ok(), used), (Some(25), expected), "{config:?}");
    }
}

#[test]
fn the_default_table_is_that_of_an_engine_that_was_given_none() {
    let mut without = Config::new();
    without.consume_fuel(true);
    let (_, expected) = call(&without, LOOP.as_bytes(), 10, 10_000);
    let (_, used) = call(
        &configs(OperatorCost::default())[0],
        LOOP.as_bytes(),
        10,
        10_000,
    );
    assert_eq!(used, expected);
    let (_, free) = call(
        &configs(OperatorCost::uniform(0))[0],
        LOOP.as_bytes(),
        10,
        0,
    );
    assert_eq!(free, 0);
}

/// The longest body that validation accepts, of operators that cost the most: sums do not wrap.
#[test]
fn the_largest_segment_is_charged_in_full() {
    const NOPS: usize = 7_654_000;
    let body = [&[0][..], &[0x01].repeat(NOPS), &[0x20, 0, 0x0b]].concat();
    let mut wasm = b"\0asm\x01\0\0\0\x01\x06\x01\x60\x01\x7f\x01\x7f\x03\x02\x01\0".to_vec();
    wasm.extend(b"\x07\x05\x01\x01f\0\0");
    let code = [leb(1), leb(body.len()), body].concat();
    wasm.extend([vec![10], leb(code.len()), code].concat());
    // The nops, local.get and end.
    let expected = 255 * (NOPS as u64 + 2);
    let config = &configs(OperatorCost::uniform(u8::MAX))[0];
    let (result, used) = call(config, &wasm, 5, u64::MAX);
    assert_eq!((result.ok(), used), (Some(5), expected));
    let (result, used) = call(config, &wasm, 5, 1);
    let error = result.expect_err("not enough");
    assert_eq!((error.required_fuel(), used), (Some(expected - 1), 1));
}

fn leb(mut value: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

const GROW: &str = r#"(module (memory 1 8)
  (func (export "f") (param i32) (result i32) (memory.grow (local.get 0))))"#;

#[test]
fn growth_is_charged_by_the_byte_when_it_grows() {
    for mut config in configs(OperatorCost::default()) {
        let grow = |config: &Config, pages| {
            let (result, used) = call(config, GROW.as_bytes(), pages, 1 << 32);
            (result.expect("enough fuel"), used)
        };
        assert_eq!(grow(&config, 2), (1, 2), "no cost beside the operator's");
        config.fuel_cost(growth(64));
        assert_eq!(grow(&config, 2), (1, 2 + 2 * 1024));
        assert_eq!(grow(&config, 0), (1, 2));
        assert_eq!(grow(&config, 8), (-1, 2), "beyond the maximum");
        assert_eq!(grow(&config, 5), (-1, 2), "refused by the limiter");
        config.fuel_cost(growth(u32::MAX));
        assert_eq!(grow(&config, 3), (1, 2));
    }
}

#[test]
fn growth_that_cannot_be_paid_ends_the_call_before_it_happens() {
    for mut config in configs(OperatorCost::default()) {
        config.fuel_cost(growth(64));
        for fuel in [2, 500, 1025] {
            let (result, used) = call(&config, GROW.as_bytes(), 1, fuel);
            let error = result.expect_err("not enough");
            assert_eq!(error.as_trap_code(), Some(TrapCode::OutOfFuel));
            assert_eq!((error.required_fuel(), used), (Some(1026 - fuel), fuel));
        }
        let (result, used) = call(&config, GROW.as_bytes(), 1, 1026);
        assert_eq!((result.ok(), used), (Some(1), 1026));
        config.fuel_cost(growth(0));
        let (result, used) = call(&config, GROW.as_bytes(), 1, u64::MAX);
        let required = result.expect_err("never enough").required_fuel();
        assert_eq!((required, used), (Some(2), u64::MAX));
    }
}

#[test]
fn running_out_says_how_much_more_was_needed() {
    for config in configs(OperatorCost::default()) {
        // The loop's first segment costs 3, its check is left to the function that is called, which
        // costs 3 more; then come 7.
        for (fuel, required) in [(0, 3 + 3), (1, 2 + 3), (5, 1), (6, 7 + 3 + 3)] {
            let (result, used) = call(&config, LOOP.as_bytes(), 3, fuel);
            let error = result.expect_err("not enough");
            assert!(matches!(
                error.kind(),
                ErrorKind::TrapCode(TrapCode::OutOfFuel)
            ));
            assert_eq!(
                (error.required_fuel(), used),
                (Some(required), fuel),
                "{fuel}"
            );
            let message = format!("all fuel consumed by WebAssembly: {required} more required");
            assert!(error.to_string().starts_with(&message), "{error}");
        }
    }
    assert_eq!(Error::new("else").required_fuel(), None);
}

#[test]
fn an_artifact_with_other_costs_is_refused_by_name() {
    let mut config = configs(OperatorCost::default())[0].clone();
    let plain = Engine::new(&config);
    let artifact = Module::compile(&plain, LOOP).expect("valid");
    let place = ModuleDescriptor::DIGEST_OFFSET + DESCRIPTOR_FILE_OFFSET as usize;
    let digest = *artifact[place..].first_chunk().expect("a whole file");
    let trust = Trust::Digest(digest);
    Module::load(&plain, &artifact, &trust).expect("the same costs");
    config.fuel_cost(growth(64));
    let with_growth = Engine::new(&config);
    let one_more = Engine::new(
        &configs(OperatorCost {
            nop: 1,
            ..OperatorCost::default()
        })[0],
    );
    for engine in [&with_growth, &one_more] {
        let error = Module::load(engine, &artifact, &trust).expect_err("other costs");
        let ErrorKind::Artifact(ArtifactError::FuelSchedule { expected, found }) = error.kind()
        else {
            panic!("{error}");
        };
        assert_ne!(expected.costs_hash, found.costs_hash);
        assert_eq!(expected.version, found.version);
        for schedule in [expected, found] {
            assert!(error.to_string().contains(&schedule.to_string()), "{error}");
        }
        // Nor is one instantiated that another engine has loaded.
        let module = Module::load(&plain, &artifact, &trust).expect("its own");
        let mut store = Store::new(engine, ());
        let error = wasmelt::Instance::new(&mut store, &module, &[]).expect_err("other costs");
        assert!(matches!(
            error.kind(),
            ErrorKind::Artifact(ArtifactError::FuelSchedule { .. })
        ));
    }
    // Where nothing is metered, costs make no difference.
    let unmetered = |costs| {
        let mut config = Config::new();
        config.operator_cost(costs);
        Module::compile(&Engine::new(&config), LOOP).expect("valid")
    };
    assert_eq!(
        unmetered(OperatorCost::default()),
        unmetered(OperatorCost::uniform(9))
    );
}

#[test]
fn costs_are_part_of_the_key_in_the_cache() {
    let folder = tempfile::tempdir().expect("a folder");
    let cache = Cache::open(folder.path().join("cache")).expect("a cache");
    let origin = |costs: OperatorCost, bytes: Option<u32>| {
        let mut config = configs(costs)[0].clone();
        config.cache(cache.clone());
        if let Some(bytes) = bytes {
            config.fuel_cost(growth(bytes));
        }
        Module::new(&Engine::new(&config), LOOP)
            .expect("valid")
            .origin()
    };
    for (costs, bytes) in [
        (OperatorCost::default(), None),
        (OperatorCost::uniform(2), None),
        (OperatorCost::default(), Some(64)),
    ] {
        assert_eq!(origin(costs, bytes), Origin::Compiled);
        assert_eq!(origin(costs, bytes), Origin::Cache);
    }
}
