//! Calls in both directions, in every mode.
#![allow(clippy::unwrap_used, reason = "test code")]

use wasmelt::{BoundsChecks, Caller, Config, Engine, Linker, Module, Store, TrapCode, Val};

#[test]
fn smoke() {
    let mut config = Config::default();
    config.bounds_checks(BoundsChecks::Guard);
    let engine = Engine::new(&config);
    let module = Module::new(
        &engine,
        r#"(module
            (import "h" "f" (func $f (param i32 f64) (result i32)))
            (memory (export "memory") 1 3)
            (func (export "add") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add)
            (func (export "call") (param i32) (result i32) local.get 0 f64.const 1.5 call $f)
            (func (export "load") (param i32) (result i32) local.get 0 i32.load)
            (func (export "div") (param i32 i32) (result i32) local.get 0 local.get 1 i32.div_s)
            (func $unreachable (export "unreachable") unreachable)
            (func (export "deep") call $unreachable)
            (func $recurse (export "recurse") call $recurse)
            (func (export "grow") (param i32) (result i32) local.get 0 memory.grow)
        )"#,
    )
    .unwrap();
    let mut linker = Linker::<u32>::new(&engine);
    linker
        .func_wrap("h", "f", |mut caller: Caller<'_, u32>, a: i32, b: f64| -> i32 {
            *caller.data_mut() += 1;
            assert!(caller.get_export("memory").is_some());
            a + b as i32
        })
        .unwrap();
    let mut store = Store::new(&engine, 0);
    let instance = linker.instantiate_and_start(&mut store, &module).unwrap();
    let add = instance.get_typed_func::<(i32, i32), i32>(&store, "add").unwrap();
    assert_eq!(add.call(&mut store, (2, 3)).unwrap(), 5);
    let mut out = [Val::I32(0)];
    add.func().call(&mut store, &[Val::I32(7), Val::I32(8)], &mut out).unwrap();
    assert_eq!(out[0].i32(), Some(15));
    let call = instance.get_typed_func::<i32, i32>(&store, "call").unwrap();
    assert_eq!(call.call(&mut store, 41).unwrap(), 42);
    assert_eq!(*store.data(), 1);
    let load = instance.get_typed_func::<i32, i32>(&store, "load").unwrap();
    assert_eq!(load.call(&mut store, 0).unwrap(), 0);
    let error = load.call(&mut store, 70_000).unwrap_err();
    println!("{error}");
    assert_eq!(error.as_trap_code(), Some(TrapCode::MemoryOutOfBounds));
    let div = instance.get_typed_func::<(i32, i32), i32>(&store, "div").unwrap();
    let error = div.call(&mut store, (1, 0)).unwrap_err();
    println!("{error}");
    let error = div.call(&mut store, (i32::MIN, -1)).unwrap_err();
    println!("{error}");
    for name in ["unreachable", "deep", "recurse"] {
        let func = instance.get_typed_func::<(), ()>(&store, name).unwrap();
        let error = func.call(&mut store, ()).unwrap_err();
        println!("{}", error.to_string().chars().take(400).collect::<String>());
    }
    let grow = instance.get_typed_func::<i32, i32>(&store, "grow").unwrap();
    assert_eq!(grow.call(&mut store, 1).unwrap(), 1);
    assert_eq!(grow.call(&mut store, 2).unwrap(), -1);
    assert_eq!(load.call(&mut store, 70_000).unwrap(), 0);
}
