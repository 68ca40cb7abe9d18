//! Every trait of the layer, each method through the layer's own types.
//!
//! `integrations/runtime-layer/suite` runs the programs that the layer's own tests are made of. What they use is here
//! too, and what they leave out:
//!
//! | trait | methods | test |
//! |---|---|---|
//! | `WasmEngine` | conversions from and to wasmelt's | `an_engine_with_options_stays_what_it_is` |
//! | `WasmStore`, `WasmStoreContext`, `WasmStoreContextMut` | `new`, `engine`, `data`, `data_mut`, `into_data` | `data_is_reached_through_the_store_and_its_borrows` |
//! | `WasmModule` | `new`, `exports`, `get_export`, `imports` | `a_module_lists_what_it_imports_and_exports`, `a_refused_module_says_why` |
//! | `WasmInstance` | `new`, `exports`, `get_export` | `an_instance_is_made_of_named_imports`, `an_import_that_is_missing_or_does_not_fit_is_an_error` |
//! | `WasmFunc` | `new`, `ty`, `call` | `numbers_of_every_type_pass_through_a_host_function`, and those on errors |
//! | `WasmGlobal` | `new`, `ty`, `set`, `get` | `globals_are_shared_with_the_guest` |
//! | `WasmMemory` | `new`, `ty`, `grow`, `current_pages`, `read`, `write` | `memories_are_shared_with_the_guest` |
//! | `WasmTable` | `new`, `ty`, `size`, `grow`, `get`, `set` | `tables_are_shared_with_the_guest` |
//! | `WasmExternRef` | `new`, `downcast` | `host_objects_stay_among_the_host` |
#![allow(clippy::unwrap_used, reason = "test code")]

use core::fmt;

use wasm_runtime_layer::{
    AsContextMut, Extern, ExternRef, ExternType, Func, FuncType, Global, GlobalType, Imports,
    Instance, MemoryType, Ref, RefType, TableType, Val, ValType,
};
use wasmelt::{
    TrapCode,
    errors::{
        ErrorKind, FuelError, FuncError, GlobalError, InstantiationError, LinkerError, MemoryError,
        TableError,
    },
};
use wasmelt_runtime_layer::{GuestContext, OtherType};

type Backend = wasmelt_runtime_layer::Engine;
type Engine = wasm_runtime_layer::Engine<Backend>;
type Store<T> = wasm_runtime_layer::Store<T, Backend>;

fn engine() -> Engine {
    Engine::new(Backend::default())
}

fn module(text: &str) -> wasm_runtime_layer::Module {
    wasm_runtime_layer::Module::new(&engine(), &wat::parse_str(text).unwrap()).unwrap()
}

fn instance<T>(store: &mut Store<T>, text: &str, imports: &Imports) -> Instance {
    Instance::new(store, &module(text), imports).unwrap()
}

fn func<T>(store: &Store<T>, instance: &Instance, name: &str) -> Func {
    let item = instance.get_export(store, name).unwrap();
    item.into_func().unwrap()
}

fn imports<const N: usize>(items: [(&str, Extern); N]) -> Imports {
    let mut imports = Imports::new();
    for (name, item) in items {
        imports.define("host", name, item);
    }
    imports
}

/// What wasmelt says happened.
#[track_caller]
fn kind(error: &anyhow::Error) -> &ErrorKind {
    error.downcast_ref::<wasmelt::Error>().unwrap().kind()
}

#[track_caller]
fn trap_code(error: &anyhow::Error) -> Option<TrapCode> {
    kind(error).as_trap_code()
}

#[test]
fn an_engine_with_options_stays_what_it_is() {
    let mut config = wasmelt::Config::default();
    config.consume_fuel(true);
    let ours = wasmelt::Engine::new(&config);
    let engine = Engine::new(ours.clone().into());
    let mut store = Store::new(&engine, ());
    let of_store = store.engine().clone().into_backend();
    assert!(wasmelt::Engine::same(&ours, &of_store));
    assert!(wasmelt::Engine::same(&ours, &of_store.into()));

    // What the layer has no name for is reached through the borrow's field.
    store.as_context_mut().inner.set_fuel(1).unwrap();
    assert_eq!(store.as_context_mut().inner.get_fuel().unwrap(), 1);
    let text = r#"(module (func (export "f") (loop (br 0))))"#;
    let wasm = wat::parse_str(text).unwrap();
    let module = wasm_runtime_layer::Module::new(&engine, &wasm).unwrap();
    let instance = Instance::new(&mut store, &module, &Imports::default()).unwrap();
    let f = func(&store, &instance, "f");
    let error = f.call(&mut store, &[], &mut []).unwrap_err();
    assert_eq!(trap_code(&error), Some(TrapCode::OutOfFuel));
}

#[test]
fn data_is_reached_through_the_store_and_its_borrows() {
    let engine = engine();
    let mut store = Store::new(&engine, 1);
    assert_eq!(*store.data(), 1);
    *store.data_mut() += 1;
    {
        let mut ctx = store.as_context_mut();
        assert_eq!(*ctx.data(), 2);
        *ctx.data_mut() += 1;
        let backend = ctx.engine().clone().into_backend();
        assert!(wasmelt::Engine::same(
            &backend,
            &engine.clone().into_backend()
        ));
    }
    let ctx = wasm_runtime_layer::AsContext::as_context(&store);
    assert_eq!(*ctx.data(), 3);
    let backend = ctx.engine().clone().into_backend();
    assert!(wasmelt::Engine::same(&backend, &engine.into_backend()));
    assert_eq!(store.into_data(), 3);
}

#[test]
fn a_module_lists_what_it_imports_and_exports() {
    let engine = engine();
    let module = module(
        r#"(module
            (import "host" "f" (func (param i32 i64) (result f32)))
            (import "host" "t" (table 1 2 funcref))
            (func (export "g") (param f64))
            (memory (export "m") 3)
            (global (export "x") (mut i64) (i64.const 0)))"#,
    );
    let func = |params: &[ValType], results: &[ValType]| {
        FuncType::new(params.iter().copied(), results.iter().copied())
    };
    let imports: Vec<_> = module.imports(&engine).collect();
    let names: Vec<_> = imports
        .iter()
        .map(|import| (import.module, import.name))
        .collect();
    assert_eq!(names, [("host", "f"), ("host", "t")]);
    assert_eq!(
        imports[0].ty.func(),
        Some(&func(&[ValType::I32, ValType::I64], &[ValType::F32]))
    );
    assert_eq!(
        imports[1].ty.table(),
        Some(&TableType::new(RefType::FuncRef, 1, Some(2)))
    );
    let exports: Vec<_> = module.exports(&engine).map(|export| export.name).collect();
    assert_eq!(exports, ["g", "m", "x"]);
    let export = |name| module.get_export(&engine, name);
    assert_eq!(
        export("g").unwrap().func(),
        Some(&func(&[ValType::F64], &[]))
    );
    assert_eq!(
        export("m").unwrap().memory(),
        Some(&MemoryType::new(3, None))
    );
    assert_eq!(
        export("x").unwrap().global(),
        Some(&GlobalType::new(ValType::I64, true))
    );
    assert!(export("f").is_none());
}

#[test]
fn a_refused_module_says_why() {
    let refusal = |wasm: &[u8]| {
        let error = wasm_runtime_layer::Module::new(&engine(), wasm).unwrap_err();
        assert!(matches!(kind(&error), ErrorKind::Wasm(_)), "{error:?}");
        error.to_string()
    };
    for (text, reason) in [
        (
            r"(module (func (result i32 i32) (i32.const 1) (i32.const 2)))",
            "multi-value",
        ),
        (r"(module (func (param externref)))", "reference"),
        (r"(module (func (param v128)))", "simd"),
    ] {
        let message = refusal(&wat::parse_str(text).unwrap()).to_lowercase();
        assert!(message.contains(reason), "{message}");
    }
    assert!(!refusal(b"\0asm\x02\0\0\0").is_empty());
}

#[test]
fn an_instance_is_made_of_named_imports() {
    let mut store = Store::new(&engine(), ());
    let one = Func::new(
        &mut store,
        FuncType::new([], [ValType::I32]),
        |_, _, results| {
            results[0] = Val::I32(1);
            Ok(())
        },
    );
    let items = imports([
        ("one", Extern::Func(one.clone())),
        ("not wanted", Extern::Func(one)),
    ]);
    let instance = instance(
        &mut store,
        r#"(module
            (import "host" "one" (func $one (result i32)))
            (func (export "two") (result i32) (i32.add (call $one) (call $one)))
            (memory (export "memory") 1))"#,
        &items,
    );
    let exports: Vec<_> = instance
        .exports(&store)
        .map(|export| (export.name, export.value.ty(&store)))
        .collect();
    assert!(matches!(
        &exports[..],
        [(two, ExternType::Func(_)), (memory, ExternType::Memory(_))]
            if two == "two" && memory == "memory"
    ));
    let two = func(&store, &instance, "two");
    let mut results = [Val::I32(0)];
    two.call(&mut store, &[], &mut results).unwrap();
    assert_eq!(results, [Val::I32(2)]);
    assert!(instance.get_export(&store, "three").is_none());
}

#[test]
fn an_import_that_is_missing_or_does_not_fit_is_an_error() {
    let mut store = Store::new(&engine(), ());
    let module = module(r#"(module (import "host" "f" (func (param i32))))"#);
    let missing = Instance::new(&mut store, &module, &Imports::new()).unwrap_err();
    assert!(matches!(
        kind(&missing),
        ErrorKind::Linker(LinkerError::MissingDefinition { .. })
    ));
    let global = Extern::Global(Global::new(&mut store, Val::I32(0), false));
    let other_kind = Instance::new(&mut store, &module, &imports([("f", global)])).unwrap_err();
    assert!(matches!(
        kind(&other_kind),
        ErrorKind::Linker(LinkerError::InvalidTypeDefinition { .. })
    ));
    // Types that no module can name do not fit either.
    for ty in [
        FuncType::new([ValType::I64], []),
        FuncType::new([ValType::ExternRef], []),
        FuncType::new([ValType::I32], [ValType::I32, ValType::I32]),
    ] {
        let f = Extern::Func(Func::new(&mut store, ty, |_, _, _| Ok(())));
        let error = Instance::new(&mut store, &module, &imports([("f", f)])).unwrap_err();
        assert!(
            matches!(
                kind(&error),
                ErrorKind::Instantiation(InstantiationError::FuncTypeMismatch { .. })
            ),
            "{error:?}"
        );
    }
}

#[test]
fn a_start_function_that_traps_makes_no_instance() {
    let mut store = Store::new(&engine(), ());
    let module = module("(module (func $start unreachable) (start $start))");
    let error = Instance::new(&mut store, &module, &Imports::new()).unwrap_err();
    assert_eq!(trap_code(&error), Some(TrapCode::UnreachableCodeReached));
}

#[test]
fn numbers_of_every_type_pass_through_a_host_function() {
    let mut store = Store::new(&engine(), Vec::new());
    let types = [ValType::I32, ValType::I64, ValType::F32, ValType::F64];
    for (ty, name, value) in [
        (ValType::I32, "i32", Val::I32(i32::MIN)),
        (ValType::I64, "i64", Val::I64(i64::MAX)),
        (ValType::F32, "f32", Val::F32(-0.5)),
        (ValType::F64, "f64", Val::F64(1e300)),
    ] {
        let host = Func::new(
            &mut store,
            FuncType::new(types, [ty]),
            |mut ctx, args, results| {
                assert_eq!(args.len(), 4);
                let wanted = results[0].ty();
                results[0] = args.iter().find(|arg| arg.ty() == wanted).unwrap().clone();
                ctx.data_mut().push(wanted);
                Ok(())
            },
        );
        assert_eq!(host.ty(&store), FuncType::new(types, [ty]));
        let text = format!(
            r#"(module
                (import "host" "f" (func $f (param i32 i64 f32 f64) (result {name})))
                (func (export "g") (param i32 i64 f32 f64) (result {name})
                    (call $f (local.get 0) (local.get 1) (local.get 2) (local.get 3))))"#
        );
        let instance = instance(&mut store, &text, &imports([("f", Extern::Func(host))]));
        let args = [
            Val::I32(i32::MIN),
            Val::I64(i64::MAX),
            Val::F32(-0.5),
            Val::F64(1e300),
        ];
        let g = func(&store, &instance, "g");
        assert_eq!(g.ty(&store), FuncType::new(types, [ty]));
        // What the results were does not matter.
        let mut results = [Val::FuncRef(None)];
        g.call(&mut store, &args, &mut results).unwrap();
        assert_eq!(results, [value]);
    }
    assert_eq!(store.into_data(), types);
}

#[test]
fn a_host_function_that_the_host_calls_has_any_type() {
    let mut store = Store::new(&engine(), ());
    let swap = Func::new(
        &mut store,
        FuncType::new(
            [ValType::V128, ValType::FuncRef],
            [ValType::FuncRef, ValType::V128],
        ),
        |_, args, results| {
            results.clone_from_slice(&[args[1].clone(), args[0].clone()]);
            Ok(())
        },
    );
    let mut results = [Val::I32(0), Val::I32(0)];
    let args = [Val::V128(u128::MAX - 1), Val::FuncRef(Some(swap.clone()))];
    swap.call(&mut store, &args, &mut results).unwrap();
    let [Val::FuncRef(Some(func)), Val::V128(vector)] = &results else {
        panic!("{results:?}");
    };
    assert_eq!(*vector, u128::MAX - 1);
    assert_eq!(func.ty(&store).params(), [ValType::V128, ValType::FuncRef]);
}

#[test]
fn values_that_do_not_fit_are_errors() {
    let mut store = Store::new(&engine(), ());
    let text = r#"(module (func (export "f") (param i32) (result i32) (local.get 0)))"#;
    let instance = instance(&mut store, text, &Imports::new());
    let f = func(&store, &instance, "f");
    let mut call = |args: &[Val], results: &mut [Val]| {
        let error = f.call(&mut store, args, results).unwrap_err();
        match kind(&error) {
            ErrorKind::Func(error) => *error,
            other => panic!("{other:?}"),
        }
    };
    let zero = || [Val::I32(0)];
    assert_eq!(call(&[], &mut zero()), FuncError::MismatchingParameterLen);
    assert_eq!(call(&zero(), &mut []), FuncError::MismatchingResultLen);
    for other in [
        Val::F32(0.0),
        Val::V128(0),
        Val::FuncRef(None),
        Val::ExternRef(None),
    ] {
        let error = call(&[other], &mut zero());
        assert_eq!(error, FuncError::MismatchingParameterType);
    }
}

#[test]
fn a_host_function_that_returns_another_type_fails_its_call() {
    let mut store = Store::new(&engine(), ());
    let wrong = Func::new(
        &mut store,
        FuncType::new([], [ValType::I32]),
        |_, _, results| {
            results[0] = Val::I64(0);
            Ok(())
        },
    );
    let instance = instance(
        &mut store,
        r#"(module
            (import "host" "f" (func $f (result i32)))
            (func (export "g") (result i32) (call $f)))"#,
        &imports([("f", Extern::Func(wrong.clone()))]),
    );
    for f in [wrong, func(&store, &instance, "g")] {
        let error = f.call(&mut store, &[], &mut [Val::I32(0)]).unwrap_err();
        assert!(matches!(
            kind(&error),
            ErrorKind::Func(FuncError::MismatchingResultType)
        ));
    }
}

#[derive(Debug, PartialEq)]
struct OutOfPaper {
    tray: u32,
}

impl fmt::Display for OutOfPaper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tray {} is empty", self.tray)
    }
}

impl std::error::Error for OutOfPaper {}

const PRINTER: &str = r#"(module
    (import "host" "print" (func $print))
    (func $page (call $print))
    (func (export "document") (call $page)))"#;

#[test]
fn a_host_functions_error_comes_back_as_it_was() {
    let mut store = Store::new(&engine(), ());
    let print = Func::new(&mut store, FuncType::new([], []), |_, _, _| {
        Err(OutOfPaper { tray: 2 }.into())
    });
    let error = print.call(&mut store, &[], &mut []).unwrap_err();
    assert_eq!(error.downcast::<OutOfPaper>().unwrap().tray, 2);

    let printer = instance(
        &mut store,
        PRINTER,
        &imports([("print", Extern::Func(print))]),
    );
    let document = func(&store, &printer, "document");
    let error = document.call(&mut store, &[], &mut []).unwrap_err();
    assert_eq!(
        error.downcast_ref::<OutOfPaper>(),
        Some(&OutOfPaper { tray: 2 })
    );
    assert!(
        error
            .to_string()
            .starts_with("tray 2 is empty\nwasm backtrace:"),
        "{error}"
    );
    let frames = error
        .downcast_ref::<GuestContext>()
        .unwrap()
        .backtrace()
        .frames();
    let names: Vec<_> = frames
        .iter()
        .map(|frame| frame.func_name().unwrap())
        .collect();
    assert_eq!(names, ["page", "document"]);
}

#[test]
fn a_trap_in_a_call_of_a_host_function_stays_a_trap() {
    let mut store = Store::new(&engine(), ());
    let text = r#"(module (func (export "f") unreachable))"#;
    let inner = instance(&mut store, text, &Imports::new());
    let f = func(&store, &inner, "f");
    let error = f.call(&mut store, &[], &mut []).unwrap_err();
    assert_eq!(trap_code(&error), Some(TrapCode::UnreachableCodeReached));

    let print = Func::new(&mut store, FuncType::new([], []), move |ctx, _, _| {
        f.call(ctx, &[], &mut [])
    });
    let printer = instance(
        &mut store,
        PRINTER,
        &imports([("print", Extern::Func(print))]),
    );
    let document = func(&store, &printer, "document");
    let error = document.call(&mut store, &[], &mut []).unwrap_err();
    assert_eq!(trap_code(&error), Some(TrapCode::UnreachableCodeReached));
    let backtrace = error.downcast_ref::<wasmelt::Error>().unwrap().backtrace();
    let frames = backtrace.unwrap().frames();
    let names: Vec<_> = frames
        .iter()
        .map(|frame| frame.func_name().unwrap())
        .collect();
    assert_eq!(names, ["f", "page", "document"]);
}

#[test]
fn globals_are_shared_with_the_guest() {
    let mut store = Store::new(&engine(), ());
    let shared = Global::new(&mut store, Val::I64(5), true);
    assert_eq!(shared.ty(&store), GlobalType::new(ValType::I64, true));
    let instance = instance(
        &mut store,
        r#"(module
            (import "host" "x" (global $x (mut i64)))
            (global (export "c") f64 (f64.const 1.5))
            (func (export "add") (global.set $x (i64.add (global.get $x) (i64.const 2)))))"#,
        &imports([("x", Extern::Global(shared.clone()))]),
    );
    let add = func(&store, &instance, "add");
    add.call(&mut store, &[], &mut []).unwrap();
    assert_eq!(shared.get(&mut store), Val::I64(7));
    shared.set(&mut store, Val::I64(-2)).unwrap();
    add.call(&mut store, &[], &mut []).unwrap();
    assert_eq!(shared.get(&mut store), Val::I64(0));

    let error = shared.set(&mut store, Val::I32(0)).unwrap_err();
    assert!(matches!(
        kind(&error),
        ErrorKind::Global(GlobalError::TypeMismatch)
    ));
    let constant = instance
        .get_export(&store, "c")
        .unwrap()
        .into_global()
        .unwrap();
    assert_eq!(constant.get(&mut store), Val::F64(1.5));
    let error = constant.set(&mut store, Val::F64(0.0)).unwrap_err();
    assert!(matches!(
        kind(&error),
        ErrorKind::Global(GlobalError::ImmutableWrite)
    ));
}

#[test]
fn a_global_of_the_host_holds_any_value() {
    let mut store = Store::new(&engine(), ());
    let object = ExternRef::new(&mut store, "text");
    for (value, ty) in [
        (Val::V128(7), ValType::V128),
        (Val::FuncRef(None), ValType::FuncRef),
        (Val::ExternRef(Some(object)), ValType::ExternRef),
    ] {
        let global = Global::new(&mut store, value, true);
        assert_eq!(global.ty(&store).content(), ty);
        assert_eq!(global.get(&mut store).ty(), ty);
        let module = module(r#"(module (import "host" "x" (global (mut i32))))"#);
        let items = imports([("x", Extern::Global(global))]);
        let error = Instance::new(&mut store, &module, &items).unwrap_err();
        assert!(matches!(
            kind(&error),
            ErrorKind::Instantiation(InstantiationError::GlobalTypeMismatch { .. })
        ));
    }
}

#[test]
fn memories_are_shared_with_the_guest() {
    let mut store = Store::new(&engine(), ());
    let shared = wasm_runtime_layer::Memory::new(&mut store, MemoryType::new(1, Some(2))).unwrap();
    assert_eq!(shared.ty(&store), MemoryType::new(1, Some(2)));
    let instance = instance(
        &mut store,
        r#"(module
            (import "host" "m" (memory 1 2))
            (func (export "copy") (i32.store (i32.const 65540) (i32.load (i32.const 8)))))"#,
        &imports([("m", Extern::Memory(shared.clone()))]),
    );
    let copy = func(&store, &instance, "copy");
    shared.write(&mut store, 8, b"past").unwrap();
    let error = copy.call(&mut store, &[], &mut []).unwrap_err();
    assert_eq!(trap_code(&error), Some(TrapCode::MemoryOutOfBounds));

    assert_eq!(shared.grow(&mut store, 1).unwrap(), 1);
    assert_eq!(shared.current_pages(&store), 2);
    copy.call(&mut store, &[], &mut []).unwrap();
    let mut bytes = [0; 4];
    shared.read(&store, 65540, &mut bytes).unwrap();
    assert_eq!(&bytes, b"past");

    let memory_error = |error: anyhow::Error| match kind(&error) {
        ErrorKind::Memory(error) => *error,
        other => panic!("{other:?}"),
    };
    let error = shared.grow(&mut store, 1).unwrap_err();
    assert_eq!(memory_error(error), MemoryError::OutOfBoundsGrowth);
    let error = shared.read(&store, 131_069, &mut bytes).unwrap_err();
    assert_eq!(memory_error(error), MemoryError::OutOfBoundsAccess);
    let error = shared.write(&mut store, usize::MAX, &bytes).unwrap_err();
    assert_eq!(memory_error(error), MemoryError::OutOfBoundsAccess);
    for (initial, maximum) in [(65_537, None), (2, Some(1))] {
        let ty = MemoryType::new(initial, maximum);
        let error = wasm_runtime_layer::Memory::new(&mut store, ty).unwrap_err();
        assert_eq!(memory_error(error), MemoryError::InvalidMemoryType);
    }
}

#[test]
fn tables_are_shared_with_the_guest() {
    let mut store = Store::new(&engine(), ());
    let ty = TableType::new(RefType::FuncRef, 1, Some(2));
    let shared = wasm_runtime_layer::Table::new(&mut store, ty, Ref::FuncRef(None)).unwrap();
    assert_eq!((shared.ty(&store), shared.size(&store)), (ty, 1));
    let instance = instance(
        &mut store,
        r#"(module
            (import "host" "t" (table 1 2 funcref))
            (type $number (func (result i32)))
            (func (export "seven") (result i32) (i32.const 7))
            (func (export "call") (param i32) (result i32)
                (call_indirect (type $number) (local.get 0))))"#,
        &imports([("t", Extern::Table(shared.clone()))]),
    );
    let seven = func(&store, &instance, "seven");
    let call = func(&store, &instance, "call");
    let mut results = [Val::I32(0)];
    let error = call
        .call(&mut store, &[Val::I32(0)], &mut results)
        .unwrap_err();
    assert_eq!(trap_code(&error), Some(TrapCode::IndirectCallToNull));
    let error = call
        .call(&mut store, &[Val::I32(1)], &mut results)
        .unwrap_err();
    assert_eq!(trap_code(&error), Some(TrapCode::TableOutOfBounds));

    let to_seven = || Ref::FuncRef(Some(seven.clone()));
    assert_eq!(shared.grow(&mut store, 1, to_seven()).unwrap(), 1);
    call.call(&mut store, &[Val::I32(1)], &mut results).unwrap();
    assert_eq!(results, [Val::I32(7)]);
    shared.set(&mut store, 0, to_seven()).unwrap();
    let Some(Ref::FuncRef(Some(found))) = shared.get(&mut store, 0) else {
        panic!("a function was put there");
    };
    results = [Val::I32(0)];
    found.call(&mut store, &[], &mut results).unwrap();
    assert_eq!(results, [Val::I32(7)]);
    shared.set(&mut store, 1, Ref::FuncRef(None)).unwrap();
    assert!(matches!(
        shared.get(&mut store, 1),
        Some(Ref::FuncRef(None))
    ));
    assert!(shared.get(&mut store, 2).is_none());

    let table_error = |error: anyhow::Error| match kind(&error) {
        ErrorKind::Table(error) => *error,
        other => panic!("{other:?}"),
    };
    let error = shared.grow(&mut store, 1, to_seven()).unwrap_err();
    assert_eq!(table_error(error), TableError::GrowOutOfBounds);
    let error = shared.set(&mut store, 2, to_seven()).unwrap_err();
    assert_eq!(table_error(error), TableError::SetOutOfBounds);
    let error = shared.set(&mut store, 0, Ref::ExternRef(None)).unwrap_err();
    assert_eq!(table_error(error), TableError::ElementTypeMismatch);
    let error = shared
        .grow(&mut store, 0, Ref::ExternRef(None))
        .unwrap_err();
    assert_eq!(table_error(error), TableError::ElementTypeMismatch);
    let ty = TableType::new(RefType::ExternRef, 1, None);
    for init in [Ref::ExternRef(None), Ref::FuncRef(None)] {
        let error = wasm_runtime_layer::Table::new(&mut store, ty, init).unwrap_err();
        assert_eq!(table_error(error), TableError::ElementTypeMismatch);
    }
}

#[test]
fn host_objects_stay_among_the_host() {
    let mut store = Store::new(&engine(), ());
    let object = ExternRef::new(&mut store, String::from("text"));
    let length = Func::new(
        &mut store,
        FuncType::new([ValType::ExternRef], [ValType::I32]),
        |ctx, args, results| {
            let Val::ExternRef(Some(object)) = &args[0] else {
                anyhow::bail!("no object");
            };
            let ctx = wasm_runtime_layer::AsContext::as_context(&ctx);
            let text: &String = object.downcast(ctx)?;
            results[0] = Val::I32(i32::try_from(text.len())?);
            Ok(())
        },
    );
    let mut results = [Val::I32(0)];
    let args = [Val::ExternRef(Some(object.clone()))];
    length.call(&mut store, &args, &mut results).unwrap();
    assert_eq!(results, [Val::I32(4)]);
    let ctx = wasm_runtime_layer::AsContext::as_context(&store);
    let error = object.downcast::<u32, _, _>(ctx).unwrap_err();
    assert_eq!(
        error.downcast_ref::<OtherType>(),
        Some(&OtherType { expected: "u32" })
    );
    let none = length.call(&mut store, &[Val::ExternRef(None)], &mut results);
    assert_eq!(none.unwrap_err().to_string(), "no object");
}

#[test]
fn a_host_without_fuel_says_so() {
    let mut store = Store::new(&engine(), ());
    let error = store.as_context_mut().inner.set_fuel(1).unwrap_err();
    assert!(matches!(
        error.kind(),
        ErrorKind::Fuel(FuelError::FuelMeteringDisabled)
    ));
}
