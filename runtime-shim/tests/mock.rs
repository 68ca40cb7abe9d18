//! The host for tests: scripts, overrides, records.
#![allow(clippy::unwrap_used, reason = "test code")]

mod support;

use support::{call, module};
use wasmelt::{
    Engine, Error, Extern, Func, Instance, Linker, Module, Store, TrapCode, Val,
    mock::{Answer, AnsweredBy, MockHost},
};

const GUEST: &str = r#"(module
    (import "env" "get" (func $get (param i32) (result i32)))
    (import "env" "put" (func $put (param i32 i64)))
    (import "env" "get" (func $wide (param i32) (result i64)))
    (memory (export "memory") 1)
    (func (export "run") (param i32) (result i32)
        (call $put (local.get 0) (call $wide (local.get 0)))
        (i32.add (call $get (local.get 0)) (i32.load8_u (i32.const 7)))))"#;

fn start(linker: &Linker<u32>, module: &Module) -> (Store<u32>, Instance) {
    let mut store = Store::new(linker.engine(), 0);
    let instance = linker.instantiate_and_start(&mut store, module).unwrap();
    (store, instance)
}

fn run(store: &mut Store<u32>, instance: Instance) -> Result<i32, Error> {
    call(store, instance, "run", 5)
}

#[test]
fn a_script_overrides_the_host_call_by_call_and_all_is_recorded() {
    let engine = Engine::default();
    let module = module(&engine, GUEST);
    let mut linker = Linker::<u32>::new(&engine);
    linker.allow_overloads(true);
    linker.func_wrap("env", "get", |key: i32| key * 2).unwrap();
    linker
        .func_wrap("env", "get", |key: i32| i64::from(key) << 32)
        .unwrap();
    linker.func_wrap("env", "put", |_: i32, _: i64| {}).unwrap();
    let mock = MockHost::new();
    let mocked = mock.link(&linker, &module).unwrap();
    let (mut store, instance) = start(&mocked, &module);

    // Nothing is scripted: all goes to the host.
    assert_eq!(run(&mut store, instance).unwrap(), 10);
    let calls = mock.take_calls();
    let texts: Vec<_> = calls.iter().map(ToString::to_string).collect();
    assert_eq!(
        texts,
        [
            "env::get[I32(5)] = [I64(21474836480)]",
            "env::put[I32(5), I64(21474836480)] = []",
            "env::get[I32(5)] = [I32(10)]",
        ]
    );
    assert!(
        calls
            .iter()
            .all(|call| call.answered_by == AnsweredBy::Host)
    );

    // The first call of the two that share a name is of the wide one.
    mock.answer("env", "get", Answer::values([Val::I64(1)]));
    mock.answer("env", "get", Answer::values([Val::I32(30)]));
    assert_eq!(run(&mut store, instance).unwrap(), 30);
    assert_eq!(mock.calls_of("env", "put")[0].params[1].i64(), Some(1));
    assert_eq!(
        mock.calls_of("env", "get")[1].answered_by,
        AnsweredBy::Script
    );
    assert_eq!(
        run(&mut store, instance).unwrap(),
        10,
        "the script has ended"
    );

    // The linker that was given is as before.
    let (mut store, instance) = start(&linker, &module);
    let before = mock.calls().len();
    assert_eq!(run(&mut store, instance).unwrap(), 10);
    assert_eq!(mock.calls().len(), before);
}

#[test]
fn answers_fail_trap_and_reach_the_guest() {
    let engine = Engine::default();
    let module = module(&engine, GUEST);
    let mock = MockHost::<u32>::new();
    let linker = mock.link(&Linker::new(&engine), &module).unwrap();
    let (mut store, instance) = start(&linker, &module);
    let wide = || Answer::values([Val::I64(0)]);

    let error = run(&mut store, instance).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("no answer for this call of (env,get)"),
        "{error}"
    );
    assert_eq!(mock.take_calls()[0].answered_by, AnsweredBy::Nobody);

    mock.answer_always("env", "put", Answer::values([]));
    mock.answer("env", "get", Answer::trap(TrapCode::IntegerOverflow));
    let error = run(&mut store, instance).unwrap_err();
    assert_eq!(error.as_trap_code(), Some(TrapCode::IntegerOverflow));

    mock.answer("env", "get", wide());
    mock.answer("env", "get", Answer::error(|| Error::i32_exit(3)));
    let error = run(&mut store, instance).unwrap_err();
    assert_eq!(error.i32_exit_status(), Some(3));
    assert!(mock.calls().last().unwrap().outcome.is_err());

    // A value of the wrong type is an error of the script.
    mock.answer("env", "get", Answer::values([Val::I32(0)]));
    let error = run(&mut store, instance).unwrap_err();
    assert!(error.to_string().contains("result type"), "{error}");

    mock.answer("env", "get", wide());
    mock.answer(
        "env",
        "get",
        Answer::call(|mut caller, params, results| {
            *caller.data_mut() += 1;
            let memory = caller
                .get_export("memory")
                .and_then(Extern::into_memory)
                .unwrap();
            memory.write(&mut caller, 7, &[50])?;
            results[0] = params[0].clone();
            Ok(())
        }),
    );
    assert_eq!(run(&mut store, instance).unwrap(), 55);
    assert_eq!(*store.data(), 1);
    assert!(mock.unused_answers().is_empty());
    mock.answer("env", "never", wide());
    let unused = mock.unused_answers();
    assert_eq!(
        (&*unused[0].0, &*unused[0].1, unused[0].2),
        ("env", "never", 1)
    );
}

#[test]
fn functions_of_the_store_are_overridden_and_passed_on_to_as_well() {
    let engine = Engine::default();
    let module = module(
        &engine,
        r#"(module (import "env" "get" (func $get (result i32))) (export "get" (func $get)))"#,
    );
    let mut store = Store::new(&engine, 0);
    let func = Func::wrap(&mut store, || 9_i32);
    let mut linker = Linker::new(&engine);
    linker.define("env", "get", func).unwrap();
    let mock = MockHost::new();
    let mocked = mock.link(&linker, &module).unwrap();
    let instance = mocked.instantiate_and_start(&mut store, &module).unwrap();
    assert_eq!(
        call::<_, (), i32>(&mut store, instance, "get", ()).unwrap(),
        9
    );
    mock.answer("env", "get", Answer::values([Val::I32(1)]));
    assert_eq!(
        call::<_, (), i32>(&mut store, instance, "get", ()).unwrap(),
        1
    );
    assert_eq!(mock.calls().len(), 2);
}

#[test]
fn a_function_of_another_type_is_not_what_the_import_means() {
    let engine = Engine::default();
    let module = module(
        &engine,
        r#"(module (import "env" "f" (func $f (param i64))) (func (export "run") (call $f (i64.const 1))))"#,
    );
    let mut linker = Linker::<u32>::new(&engine);
    linker.func_wrap("env", "f", |_: i32| {}).unwrap();
    let mock = MockHost::new();
    let (mut store, instance) = start(&mock.link(&linker, &module).unwrap(), &module);
    let error = call::<_, (), ()>(&mut store, instance, "run", ()).unwrap_err();
    assert!(error.to_string().contains("no answer"), "{error}");
}
