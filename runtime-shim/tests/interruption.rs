//! Interruption: a guest that runs for ever ends soon after another thread asks for it.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

use std::{
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};
use wasmelt::{
    BoundsChecks, Caller, Config, Engine, Extern, Linker, Module, OptLevel, Store, TrapCode,
};

const FOREVER: &str = r#"(module
    (import "host" "wait" (func $wait))
    (func (export "loop") (loop (br 0)))
    (func (export "branch") (loop (br_if 0 (i32.const 1))))
    (func (export "floats") (result f64) (local f64)
        (loop (local.set 0 (f64.add (local.get 0) (f64.const 1))) (br 0)) (local.get 0))
    ;; 2^64 calls, and never more than 64 at a time.
    (func $tree (param i32)
        (if (local.get 0) (then
            (call $tree (i32.sub (local.get 0) (i32.const 1)))
            (call $tree (i32.sub (local.get 0) (i32.const 1))))))
    (func (export "calls") (call $tree (i32.const 64)))
    (func (export "host") (loop (call $wait) (br 0)))
    (func (export "fine")))"#;

fn engines() -> Vec<Engine> {
    let mut engines = Vec::new();
    for level in [OptLevel::Speed, OptLevel::None] {
        for (signals, fuel) in [(true, false), (false, false), (true, true)] {
            let mut config = Config::new();
            config
                .interruption(true)
                .consume_fuel(fuel)
                .opt_level(level)
                .bounds_checks(BoundsChecks::Auto)
                .signals(signals);
            engines.push(Engine::new(&config));
        }
    }
    engines
}

fn start(engine: &Engine) -> (Store<()>, wasmelt::Instance) {
    let module = Module::new(engine, FOREVER).expect("valid");
    let mut store = Store::new(engine, ());
    if store.get_fuel().is_ok() {
        store.set_fuel(u64::MAX).expect("metered");
    }
    let mut linker = Linker::new(engine);
    linker
        .func_wrap("host", "wait", || thread::sleep(Duration::from_millis(1)))
        .expect("one of a name");
    let instance = linker
        .instantiate_and_start(&mut store, &module)
        .expect("it has all imports");
    (store, instance)
}

#[test]
fn every_endless_guest_ends() {
    for engine in engines() {
        let (mut store, instance) = start(&engine);
        for name in ["loop", "branch", "floats", "calls", "host"] {
            let handle = store.interrupt_handle().expect("enabled");
            let (said, asked) = mpsc::channel();
            let stopper = thread::spawn(move || {
                thread::sleep(Duration::from_millis(5));
                said.send(Instant::now()).expect("somebody waits");
                handle.interrupt();
            });
            let f = instance.get_func(&store, name).expect("exported");
            let mut results = vec![wasmelt::Val::F64(0.0.into()); f.ty(&store).results().len()];
            let error = f
                .call(&mut store, &[], &mut results)
                .expect_err("it does not end by itself");
            assert_eq!(error.as_trap_code(), Some(TrapCode::Interrupted), "{name}");
            let asked = asked.recv().expect("it was said");
            // Milliseconds on a quiet machine; this only has to tell it from never.
            assert!(asked.elapsed() < Duration::from_secs(60), "{name}");
            stopper.join().expect("it does not panic");
            // The request has ended with the call.
            let fine = instance.get_typed_func::<(), ()>(&store, "fine");
            fine.expect("exported")
                .call(&mut store, ())
                .expect("no request");
        }
    }
}

#[test]
fn a_request_waits_for_the_next_call_unless_it_is_withdrawn() {
    let mut config = Config::new();
    let engine = Engine::new(config.interruption(true));
    let module = Module::new(
        &engine,
        r#"(module (func (export "f") (param i32)
            (loop (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))))"#,
    )
    .expect("valid");
    let mut store = Store::new(&engine, ());
    let handle = store.interrupt_handle().expect("enabled");
    // An instance that is made after the request knows of it.
    handle.interrupt();
    let instance = wasmelt::Instance::new(&mut store, &module, &[]).expect("no imports");
    let f = instance
        .get_typed_func::<i32, ()>(&store, "f")
        .expect("exported");
    let error = f.call(&mut store, 10).expect_err("a request was made");
    assert_eq!(error.as_trap_code(), Some(TrapCode::Interrupted));
    f.call(&mut store, 10).expect("no request");
    handle.interrupt();
    handle.clone().withdraw();
    f.call(&mut store, 10).expect("it was withdrawn");
    drop(store);
    // Nobody is there any more.
    handle.interrupt();
}

#[test]
fn a_failed_instantiation_leaves_no_instance_to_interrupt() {
    let mut config = Config::new();
    let engine = Engine::new(config.interruption(true));
    let wat = r#"(module (memory 1) (data (i32.const 70000) "x"))"#;
    let module = Module::new(&engine, wat).expect("valid");
    let mut store = Store::new(&engine, ());
    let handle = store.interrupt_handle().expect("enabled");
    for _ in 0..10 {
        wasmelt::Instance::new(&mut store, &module, &[]).expect_err("out of bounds");
        handle.interrupt();
    }
}

#[test]
fn an_inner_guest_is_interrupted_through_the_host() {
    let mut config = Config::new();
    let engine = Engine::new(config.interruption(true));
    let wat = r#"(module
        (import "host" "again" (func $again))
        (func (export "inner") (loop (br 0)))
        (func (export "outer") (call $again)))"#;
    let module = Module::new(&engine, wat).expect("valid");
    let mut store = Store::new(&engine, ());
    let mut linker = Linker::new(&engine);
    linker
        .func_wrap("host", "again", |mut caller: Caller<'_, ()>| {
            let inner = caller.get_export("inner").and_then(Extern::into_func);
            inner.expect("exported").call(&mut caller, &[], &mut [])
        })
        .expect("one of a name");
    let instance = linker
        .instantiate_and_start(&mut store, &module)
        .expect("it has all imports");
    let handle = store.interrupt_handle().expect("enabled");
    let stopper = thread::spawn(move || {
        thread::sleep(Duration::from_millis(5));
        handle.interrupt();
    });
    let outer = instance
        .get_typed_func::<(), ()>(&store, "outer")
        .expect("exported");
    let error = outer.call(&mut store, ()).expect_err("interrupted");
    assert_eq!(error.as_trap_code(), Some(TrapCode::Interrupted));
    stopper.join().expect("it does not panic");
}

#[test]
fn an_engine_without_interruption_has_no_handle() {
    let store = Store::new(&Engine::default(), ());
    let error = store.interrupt_handle().expect_err("not enabled");
    assert!(error.to_string().contains("interruption(true)"), "{error}");
}

#[test]
fn a_deadline_stops_guests_until_it_is_dropped() {
    for engine in engines() {
        let (mut store, instance) = start(&engine);
        let call = |store: &mut Store<()>, name: &str| {
            let func = instance.get_func(&*store, name).expect("exported");
            let mut result = vec![wasmelt::Val::I32(0); func.ty(&*store).results().len()];
            let error = func.call(store, &[], &mut result).err()?;
            error.as_trap_code()
        };
        let near = store.deadline(Duration::from_millis(2)).expect("enabled");
        let far = store.deadline(Duration::MAX).expect("enabled");
        let dropped = store.deadline(Duration::from_millis(1)).expect("enabled");
        drop(dropped);
        assert!(!far.has_passed());
        for name in ["loop", "host", "calls", "floats"] {
            assert_eq!(
                call(&mut store, name),
                Some(TrapCode::Interrupted),
                "{name}"
            );
            assert!(near.has_passed());
        }
        drop(near);
        assert_eq!(call(&mut store, "fine"), None);
        // Another store is not concerned.
        let _zero = store.deadline(Duration::ZERO).expect("enabled");
        assert_eq!(call(&mut store, "calls"), Some(TrapCode::Interrupted));
        let (mut other, fine) = start(&engine);
        let fine = fine.get_func(&other, "fine").expect("exported");
        assert!(fine.call(&mut other, &[], &mut []).is_ok());
    }
}

#[test]
fn a_deadline_needs_an_engine_that_can_interrupt() {
    let store = Store::new(&Engine::default(), ());
    let error = store.deadline(Duration::ZERO).expect_err("not enabled");
    assert!(error.to_string().contains("interruption(true)"), "{error}");
}

#[test]
fn many_deadlines_pass_in_any_order() {
    let mut config = Config::new();
    config.interruption(true);
    let engine = Engine::new(&config);
    let stores: Vec<_> = (0..40).map(|_| Store::new(&engine, ())).collect();
    let deadlines = stores.iter().zip((0..40_u64).rev()).map(|(store, after)| {
        let deadline = store.deadline(Duration::from_micros(after * 100));
        deadline.expect("enabled")
    });
    let deadlines: Vec<_> = deadlines.collect();
    // It comes for each, however long that takes on a busy machine.
    while !deadlines.iter().all(wasmelt::Deadline::has_passed) {
        thread::sleep(Duration::from_millis(1));
    }
}
