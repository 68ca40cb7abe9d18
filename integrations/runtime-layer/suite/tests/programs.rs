//! The programs of the layer's own tests, as its package ships them, on wasmelt.
//!
//! Of `add_one` everything passes. `multi_value` is a module with functions of two results, a proposal after
//! WebAssembly 1.0: asserted is that it gets as far as `Module::new`, and what it is told there. What that program does
//! within WebAssembly 1.0 is `add_and_subtract_with_one_result_each`.
#![allow(clippy::unwrap_used, reason = "test code, also the layer's")]

use wasm_runtime_layer::{
    Engine, Extern, Func, FuncType, Imports, Instance, Module, Store, Val, ValType,
};

fn engine() -> Engine<wasmelt_runtime_layer::Engine> {
    Engine::new(wasmelt_runtime_layer::Engine::default())
}

#[cfg(layer_is_unpacked)]
mod add_one {
    include!(concat!(env!("OUT_DIR"), "/add_one.rs"));

    #[test]
    fn the_layers_program_add_one_passes() {
        add_one(&super::engine());
    }
}

#[cfg(layer_is_unpacked)]
mod multi_value {
    include!(concat!(env!("OUT_DIR"), "/multi_value.rs"));

    #[test]
    fn the_layers_program_multi_value_is_told_that_wasmelt_lacks_the_proposal() {
        let panic = std::panic::catch_unwind(|| multi_value(&super::engine())).unwrap_err();
        let message = panic.downcast_ref::<String>().unwrap();
        assert!(message.contains("multi-value"), "{message}");
    }
}

#[cfg(not(layer_is_unpacked))]
#[test]
fn the_layers_programs_need_its_sources() {
    println!("not run: unpacked sources of wasm_runtime_layer missing");
}

#[test]
fn add_and_subtract_with_one_result_each() {
    let engine = engine();
    let mut store = Store::new(&engine, ());
    let mut imports = Imports::new();
    for (name, value) in [("five", 5), ("four", 4)] {
        let ty = FuncType::new([], [ValType::I32]);
        let func = Func::new(&mut store, ty, move |_, _, results| {
            results[0] = Val::I32(value);
            Ok(())
        });
        imports.define("host", name, Extern::Func(func));
    }
    let wasm = wat::parse_str(
        r#"(module
            (import "host" "five" (func $five (result i32)))
            (import "host" "four" (func $four (result i32)))
            (func (export "add") (param i32 i32) (result i32)
                (i32.add (local.get 0) (local.get 1)))
            (func (export "sub") (result i32)
                (i32.sub (call $five) (call $four))))"#,
    )
    .unwrap();
    let module = Module::new(&engine, &wasm).unwrap();
    let instance = Instance::new(&mut store, &module, &imports).unwrap();
    let mut call = |name, args: &[Val]| {
        let func = instance.get_export(&store, name).unwrap().into_func();
        let mut results = [Val::I32(0)];
        func.unwrap().call(&mut store, args, &mut results).unwrap();
        results
    };
    assert_eq!(call("add", &[Val::I32(5), Val::I32(7)]), [Val::I32(12)]);
    assert_eq!(call("sub", &[]), [Val::I32(1)]);
}
