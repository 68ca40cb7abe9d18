//! Instantiation: linking, the order of its steps, and what a failed one leaves behind.
#![allow(clippy::unwrap_used, reason = "test code")]

mod support;

use support::{Mode, call, in_every_mode, instantiate, module};
use wasmelt::{
    Config, Engine, Error, Extern, ExternType, Func, Global, Instance, Linker, Memory, MemoryType,
    Module, Mutability, Nullable, Preset, Ref, RefType, Store, StoreLimits, StoreLimitsBuilder,
    Table, TableType, TrapCode, Val, ValType,
    errors::{
        ErrorKind, GlobalError, InstantiationError, LinkerError, TableError, TranslationError,
    },
};

#[test]
fn a_start_function_runs_once_behind_the_segments() {
    in_every_mode(|mode| {
        let (mut store, instance) = instantiate(
            &mode.engine(),
            r#"(module (memory 1) (data (i32.const 0) "\05")
                (global $seen (mut i32) (i32.const 0))
                (func $start
                    (global.set $seen (i32.add (global.get $seen) (i32.load8_u (i32.const 0)))))
                (start $start)
                (func (export "seen") (result i32) global.get $seen))"#,
        );
        assert_eq!(
            call::<_, (), i32>(&mut store, instance, "seen", ()).unwrap(),
            5
        );
    });
}

#[test]
fn an_imported_host_function_can_be_the_start_function() {
    let engine = Engine::default();
    let mut linker = Linker::<u32>::new(&engine);
    linker
        .func_wrap("h", "f", |mut caller: wasmelt::Caller<'_, u32>| {
            *caller.data_mut() += 1
        })
        .unwrap();
    let module = module(&engine, r#"(module (import "h" "f" (func $f)) (start $f))"#);
    let mut store = Store::new(&engine, 0);
    linker.instantiate(&mut store, &module).unwrap();
    assert_eq!(*store.data(), 1);
}

#[test]
fn start_functions_can_be_forbidden() {
    let mut config = Config::default();
    config.allow_start_fn(false);
    let engine = Engine::new(&config);
    Module::new(&engine, "(module (func $f))").unwrap();
    let error = Module::new(&engine, "(module (func $f) (start $f))").unwrap_err();
    assert!(matches!(
        error.kind(),
        ErrorKind::Translation(TranslationError::DisallowedStartFn)
    ));
}

#[test]
fn globals_are_shared_and_keep_their_types() {
    in_every_mode(|mode| {
        let engine = mode.engine();
        let mut store = Store::new(&engine, ());
        let host = Global::new(&mut store, Val::I64(7), Mutability::Var);
        let constant = Global::new(&mut store, Val::I32(40), Mutability::Const);
        let module = module(
            &engine,
            r#"(module (import "h" "a" (global $a (mut i64))) (import "h" "b" (global $b i32))
                (global $c (export "c") i32 (global.get $b))
                (global $d (export "d") (mut f64) (f64.const 0.5))
                (memory (export "memory") 1) (data (global.get $b) "x")
                (export "a" (global $a))
                (func (export "run") (result i32)
                    (global.set $a (i64.add (global.get $a) (i64.const 1)))
                    (global.set $d (f64.const 2.5))
                    global.get $b global.get $c i32.add))"#,
        );
        let externs = [host.into(), constant.into()];
        let instance = Instance::new(&mut store, &module, &externs).unwrap();
        assert_eq!(
            call::<_, (), i32>(&mut store, instance, "run", ()).unwrap(),
            80
        );
        assert_eq!(host.get(&store).i64(), Some(8));
        host.set(&mut store, Val::I64(100)).unwrap();
        call::<_, (), i32>(&mut store, instance, "run", ()).unwrap();
        let a = instance.get_global(&store, "a").unwrap();
        assert_eq!(a.get(&store).i64(), Some(101));
        let d = instance.get_global(&store, "d").unwrap();
        assert_eq!(d.get(&store).f64().map(f64::from), Some(2.5));
        assert_eq!(
            instance.get_memory(&store, "memory").unwrap().data(&store)[40],
            b'x'
        );
        let c = instance.get_global(&store, "c").unwrap();
        assert_eq!(
            c.set(&mut store, Val::I32(1)),
            Err(GlobalError::ImmutableWrite)
        );
        assert_eq!(
            d.set(&mut store, Val::I32(1)),
            Err(GlobalError::TypeMismatch)
        );
        assert_eq!(
            c.ty(&store),
            wasmelt::GlobalType::new(ValType::I32, Mutability::Const)
        );
    });
}

#[test]
fn a_global_of_a_module_is_the_same_for_its_importer() {
    in_every_mode(|mode| {
        let engine = mode.engine();
        let mut store = Store::new(&engine, ());
        let mut linker = Linker::new(&engine);
        let owner = module(
            &engine,
            r#"(module (global (export "g") (mut i32) (i32.const 1))
                (func (export "get") (result i32) global.get 0))"#,
        );
        let owner = linker.instantiate_and_start(&mut store, &owner).unwrap();
        linker.instance(&mut store, "owner", owner).unwrap();
        let user = module(
            &engine,
            r#"(module (import "owner" "g" (global (mut i32)))
                (func (export "set") i32.const 9 global.set 0))"#,
        );
        let user = linker.instantiate_and_start(&mut store, &user).unwrap();
        call::<_, (), ()>(&mut store, user, "set", ()).unwrap();
        assert_eq!(call::<_, (), i32>(&mut store, owner, "get", ()).unwrap(), 9);
    });
}

#[test]
fn ten_thousand_globals_are_each_their_own() {
    let mut wat = String::from("(module (memory 1)");
    for index in 0..10_000 {
        wat += &format!("(global (mut i64) (i64.const {index}))");
    }
    wat += r#"(func (export "first") (result i64) i64.const 5 global.set 0 global.get 9999)
        (func (export "trap") (result i32) i32.const -1 i32.load))"#;
    in_every_mode(|mode| {
        let (mut store, instance) = instantiate(&mode.engine(), &wat);
        assert_eq!(
            call::<_, (), i64>(&mut store, instance, "first", ()).unwrap(),
            9999
        );
        let error = call::<_, (), i32>(&mut store, instance, "trap", ()).unwrap_err();
        assert_eq!(error.as_trap_code(), Some(TrapCode::MemoryOutOfBounds));
    });
}

#[test]
fn the_host_reads_and_writes_tables() {
    in_every_mode(|mode| {
        let engine = mode.engine();
        let mut store = Store::new(&engine, ());
        let module = module(
            &engine,
            r#"(module (table (export "table") 3 5 funcref) (elem (i32.const 1) $one)
                (func $one (result i32) i32.const 1)
                (func (export "two") (result i32) i32.const 2)
                (func (export "run") (param i32) (result i32)
                    local.get 0 call_indirect (result i32)))"#,
        );
        let instance = Instance::new(&mut store, &module, &[]).unwrap();
        let table = instance.get_table(&store, "table").unwrap();
        let run = instance.get_typed_func::<i32, i32>(&store, "run").unwrap();
        let code = |result: Result<i32, Error>| result.unwrap_err().as_trap_code();
        assert_eq!(run.call(&mut store, 1).unwrap(), 1);
        assert_eq!(
            code(run.call(&mut store, 0)),
            Some(TrapCode::IndirectCallToNull)
        );

        let Some(Ref::Func(Nullable::Val(one))) = table.get(&store, 1) else {
            panic!("the element is a function");
        };
        assert_eq!(
            one.typed::<(), i32>(&store)
                .unwrap()
                .call(&mut store, ())
                .unwrap(),
            1
        );
        assert!(
            table
                .get(&store, 0)
                .is_some_and(|element| element.is_null())
        );
        assert!(table.get(&store, 3).is_none());

        let two = instance.get_func(&store, "two").unwrap();
        table.set(&mut store, 0, two.into()).unwrap();
        assert_eq!(run.call(&mut store, 0).unwrap(), 2);
        let host = Func::wrap(&mut store, || 3i32);
        let wrong = Func::wrap(&mut store, || 3i64);
        assert_eq!(table.grow(&mut store, 2, host.into()).unwrap(), 3);
        assert_eq!(run.call(&mut store, 4).unwrap(), 3);
        table.set(&mut store, 2, wrong.into()).unwrap();
        assert_eq!(code(run.call(&mut store, 2)), Some(TrapCode::BadSignature));
        assert!(matches!(
            table.grow(&mut store, 1, host.into()),
            Err(TableError::GrowOutOfBounds)
        ));
        assert!(matches!(
            table.set(&mut store, 5, host.into()),
            Err(TableError::SetOutOfBounds)
        ));
        Table::copy(&mut store, &table, 0, &table, 1, 4).unwrap();
        assert_eq!(run.call(&mut store, 0).unwrap(), 1);
        assert_eq!(run.call(&mut store, 3).unwrap(), 3);
        assert!(Table::copy(&mut store, &table, 2, &table, 1, 4).is_err());
        table
            .fill(&mut store, 1, Ref::null(RefType::Func), 3)
            .unwrap();
        assert_eq!(
            code(run.call(&mut store, 3)),
            Some(TrapCode::IndirectCallToNull)
        );
        assert!(
            table
                .fill(&mut store, 4, Ref::null(RefType::Func), 2)
                .is_err()
        );
        assert_eq!(table.size(&store), 5);
    });
}

#[test]
fn types_in_another_order_are_the_same_through_a_shared_table() {
    in_every_mode(|mode| {
        let engine = mode.engine();
        let mut store = Store::new(&engine, ());
        let mut linker = Linker::new(&engine);
        let owner = module(
            &engine,
            r#"(module (type $a (func (result i32))) (type $b (func (param i64) (result i32)))
                (type $a2 (func (result i32)))
                (table (export "table") 3 funcref) (elem (i32.const 0) $f $g $h)
                (func $f (type $a) i32.const 1) (func $g (type $b) i32.const 2)
                (func $h (type $a2) i32.const 3))"#,
        );
        let owner = linker.instantiate_and_start(&mut store, &owner).unwrap();
        linker.instance(&mut store, "owner", owner).unwrap();
        let user = module(
            &engine,
            r#"(module (type $x (func (param f32))) (type $b (func (param i64) (result i32)))
                (type $a (func (result i32)))
                (import "owner" "table" (table 3 funcref))
                (func (export "a") (param i32) (result i32) local.get 0 call_indirect (type $a))
                (func (export "b") (param i32) (result i32)
                    i64.const 0 local.get 0 call_indirect (type $b))
                (func (export "x") (param i32) f32.const 0 local.get 0 call_indirect (type $x)))"#,
        );
        let user = linker.instantiate_and_start(&mut store, &user).unwrap();
        let mut run = |name: &str, index: i32| call::<_, i32, i32>(&mut store, user, name, index);
        assert_eq!(run("a", 0).unwrap(), 1);
        assert_eq!(run("a", 2).unwrap(), 3);
        assert_eq!(run("b", 1).unwrap(), 2);
        assert_eq!(
            run("a", 1).unwrap_err().as_trap_code(),
            Some(TrapCode::BadSignature)
        );
        assert_eq!(
            run("b", 0).unwrap_err().as_trap_code(),
            Some(TrapCode::BadSignature)
        );
        let error = call::<_, i32, ()>(&mut store, user, "x", 0).unwrap_err();
        assert_eq!(error.as_trap_code(), Some(TrapCode::BadSignature));
    });
}

#[test]
fn a_private_table_calls_imported_functions_of_equal_types() {
    in_every_mode(|mode| {
        let engine = mode.engine();
        let mut linker = Linker::<()>::new(&engine);
        linker.func_wrap("h", "f", |x: i32| x + 10).unwrap();
        let module = module(
            &engine,
            r#"(module (type $a (func (param i32) (result i32))) (type $b (func (param i32) (result i32)))
                (import "h" "f" (func $f (type $b)))
                (table 2 2 funcref) (elem (i32.const 0) $f $g)
                (func $g (type $a) local.get 0)
                (func (export "run") (param i32) (result i32)
                    i32.const 5 local.get 0 call_indirect (type $a)))"#,
        );
        let mut store = Store::new(&engine, ());
        let instance = linker.instantiate_and_start(&mut store, &module).unwrap();
        assert_eq!(
            call::<_, i32, i32>(&mut store, instance, "run", 0).unwrap(),
            15
        );
        assert_eq!(
            call::<_, i32, i32>(&mut store, instance, "run", 1).unwrap(),
            5
        );
    });
}

/// A store with a shared memory, table and host function, and the externs for [`FAILS`].
fn shared(engine: &Engine) -> (Store<()>, Memory, Table, Vec<Extern>) {
    let mut store = Store::new(engine, ());
    let memory = Memory::new(&mut store, MemoryType::new(1, None)).unwrap();
    let ty = TableType::new(RefType::Func, 4, None);
    let table = Table::new(&mut store, ty, Ref::null(RefType::Func)).unwrap();
    let fail = Func::wrap(&mut store, || -> Result<(), Error> {
        Err(Error::new("start"))
    });
    let externs = vec![fail.into(), memory.into(), table.into()];
    (store, memory, table, externs)
}

const IMPORTS: &str = r#"(import "h" "fail" (func $fail)) (import "h" "memory" (memory 1))
    (import "h" "table" (table 4 funcref))"#;

#[test]
fn a_segment_out_of_bounds_leaves_what_the_earlier_ones_wrote() {
    in_every_mode(|mode| {
        let engine = mode.engine();
        // The second element segment does not fit: no data is written.
        let (mut store, memory, table, externs) = shared(&engine);
        let wat = format!(
            r#"(module {IMPORTS} (func $f (result i32) i32.const 77)
                (elem (i32.const 1) $f) (elem (i32.const 3) $f $f) (elem (i32.const 0) $f)
                (data (i32.const 0) "a"))"#
        );
        let error = Instance::new(&mut store, &module(&engine, &wat), &externs).unwrap_err();
        assert_eq!(
            error.as_trap_code(),
            Some(TrapCode::TableOutOfBounds),
            "{error}"
        );
        assert!(error.to_string().starts_with("out of bounds table access"));
        assert_eq!(memory.data(&store)[0], 0);
        assert!(table.get(&store, 0).unwrap().is_null() && table.get(&store, 3).unwrap().is_null());
        // A function of the failed instance stays callable.
        let Some(Ref::Func(Nullable::Val(f))) = table.get(&store, 1) else {
            panic!("the first segment was written");
        };
        assert_eq!(
            f.typed::<(), i32>(&store)
                .unwrap()
                .call(&mut store, ())
                .unwrap(),
            77
        );

        // The second data segment does not fit.
        let (mut store, memory, table, externs) = shared(&engine);
        let wat = format!(
            r#"(module {IMPORTS} (func $f) (elem (i32.const 0) $f)
                (data (i32.const 0) "abc") (data (i32.const 65535) "xy") (data (i32.const 8) "z"))"#
        );
        let error = Instance::new(&mut store, &module(&engine, &wat), &externs).unwrap_err();
        assert_eq!(
            error.as_trap_code(),
            Some(TrapCode::MemoryOutOfBounds),
            "{error}"
        );
        assert_eq!(&memory.data(&store)[..9], b"abc\0\0\0\0\0\0");
        assert_eq!(memory.data(&store)[65_535], 0);
        assert!(table.get(&store, 0).unwrap().is_non_null());

        // The start function fails.
        let (mut store, memory, _, externs) = shared(&engine);
        let wat = format!(r#"(module {IMPORTS} (start $fail) (data (i32.const 0) "abc"))"#);
        let error = Instance::new(&mut store, &module(&engine, &wat), &externs).unwrap_err();
        assert!(error.to_string().starts_with("start"));
        assert_eq!(&memory.data(&store)[..3], b"abc");
    });
}

/// How many more instances a store takes, out of 5.
fn room(store: &mut Store<StoreLimits>, engine: &Engine) -> usize {
    let module = module(engine, "(module (memory 1) (table 1 funcref))");
    (0..10)
        .take_while(|_| Instance::new(&mut *store, &module, &[]).is_ok())
        .count()
}

#[test]
fn a_failed_instantiation_that_nobody_can_see_leaves_nothing_behind() {
    in_every_mode(|mode| {
        let engine = mode.engine();
        let limits = || {
            StoreLimitsBuilder::new()
                .instances(5)
                .memories(5)
                .tables(5)
                .memory_size(2 * 65_536)
        };
        let failing = [
            // The limiter refuses the memory; the table is refused; segments do not fit.
            r#"(module (import "h" "f" (func)) (memory 3))"#,
            r#"(module (import "h" "f" (func)) (memory 1) (table 100 funcref))"#,
            r#"(module (import "h" "f" (func)) (memory 1) (table 1 funcref)
                (func $f) (elem (i32.const 1) $f))"#,
            r#"(module (import "h" "f" (func)) (memory 1) (table 1 funcref)
                (func $f) (elem (i32.const 0) $f) (data (i32.const 65536) "x"))"#,
        ];
        let mut linker = Linker::<StoreLimits>::new(&engine);
        linker.func_wrap("h", "f", || {}).unwrap();
        for wat in failing {
            let module = module(&engine, wat);
            let mut store = Store::new(&engine, limits().table_elements(10).build());
            store.limiter(|limits| limits);
            for _ in 0..1000 {
                linker
                    .instantiate_and_start(&mut store, &module)
                    .unwrap_err();
            }
            assert_eq!(room(&mut store, &engine), 5, "{wat}");
        }
    });
}

#[test]
fn the_limiter_bounds_instances_memories_and_tables() {
    let engine = Engine::default();
    let builder = StoreLimitsBuilder::new;
    for (limits, module_text, expected) in [
        (builder().instances(2), "(module)", "too many instances"),
        (
            builder().memories(2),
            "(module (memory 1))",
            "too many linear memories",
        ),
        (
            builder().tables(2),
            "(module (table 1 funcref))",
            "too many tables",
        ),
        (
            builder().memory_size(1),
            "(module (memory 1))",
            "denied to allocate",
        ),
        (
            builder().table_elements(0),
            "(module (table 1 funcref))",
            "denied to allocate",
        ),
    ] {
        let mut store = Store::new(&engine, limits.build());
        store.limiter(|limits| limits);
        let module = module(&engine, module_text);
        let error = (0..3)
            .find_map(|_| Instance::new(&mut store, &module, &[]).err())
            .unwrap();
        assert!(error.to_string().contains(expected), "{error}");
    }
}

#[test]
fn what_does_not_fit_an_import_is_a_typed_error() {
    let engine = Engine::default();
    let mut store = Store::new(&engine, ());
    let mut linker = Linker::new(&engine);
    let global = Global::new(&mut store, Val::I32(1), Mutability::Const);
    let ty = TableType::new(RefType::Func, 1, None);
    let table = Table::new(&mut store, ty, Ref::null(RefType::Func)).unwrap();
    linker.func_wrap("h", "func", |x: i32| x).unwrap();
    linker.define("h", "global", global).unwrap();
    linker.define("h", "table", table).unwrap();
    let mut link = |import: &str| -> Error {
        let module = module(&engine, &format!("(module {import})"));
        linker
            .instantiate_and_start(&mut store, &module)
            .unwrap_err()
    };
    let missing = link(r#"(import "h" "none" (func (param i32)))"#);
    assert!(matches!(
        missing.kind(),
        ErrorKind::Linker(LinkerError::MissingDefinition { name, ty: ExternType::Func(_) })
            if (name.module(), name.name()) == ("h", "none")
    ));
    assert!(matches!(
        link(r#"(import "h" "func" (memory 1))"#).kind(),
        ErrorKind::Linker(LinkerError::InvalidTypeDefinition { .. })
    ));
    assert!(matches!(
        link(r#"(import "h" "global" (func))"#).kind(),
        ErrorKind::Linker(LinkerError::InvalidTypeDefinition { .. })
    ));
    assert!(matches!(
        link(r#"(import "h" "func" (func (param i64) (result i32)))"#).kind(),
        ErrorKind::Instantiation(InstantiationError::FuncTypeMismatch { .. })
    ));
    assert!(matches!(
        link(r#"(import "h" "global" (global i64))"#).kind(),
        ErrorKind::Instantiation(InstantiationError::GlobalTypeMismatch { .. })
    ));
    assert!(matches!(
        link(r#"(import "h" "table" (table 2 funcref))"#).kind(),
        ErrorKind::Instantiation(InstantiationError::TableTypeMismatch { .. })
    ));
    let two = module(
        &engine,
        r#"(module (import "a" "b" (func)) (import "c" "d" (func)))"#,
    );
    let error = Instance::new(&mut store, &two, &[global.into()]).unwrap_err();
    assert!(matches!(
        error.kind(),
        ErrorKind::Instantiation(InstantiationError::MismatchedNumberOfImports {
            expected: 2,
            actual: 1
        })
    ));
    let error = Instance::new(&mut store, &two, &[global.into(), global.into()]).unwrap_err();
    assert!(matches!(
        error.kind(),
        ErrorKind::Instantiation(InstantiationError::ImportTypeMismatch { .. })
    ));
}

#[test]
fn a_linker_refuses_to_define_a_name_twice_unless_told() {
    let engine = Engine::default();
    let mut linker = Linker::<()>::new(&engine);
    linker.func_wrap("h", "f", || 1i32).unwrap();
    let error = linker.func_wrap("h", "f", || 2i32).unwrap_err();
    assert!(matches!(error, LinkerError::DuplicateDefinition { .. }));
    linker.alias_module("h", "alias").unwrap();
    linker
        .allow_shadowing(true)
        .func_wrap("h", "f", || 2i32)
        .unwrap();
    let module = module(
        &engine,
        r#"(module (import "h" "f" (func $f (result i32))) (import "alias" "f" (func $g (result i32)))
            (func (export "run") (result i32) call $f call $g i32.sub))"#,
    );
    let clone = linker.clone();
    drop(linker);
    let mut store = Store::new(&engine, ());
    let instance = clone.instantiate_and_start(&mut store, &module).unwrap();
    drop(clone);
    assert_eq!(
        call::<_, (), i32>(&mut store, instance, "run", ()).unwrap(),
        1
    );
}

#[test]
fn imports_looked_up_once_serve_many_stores() {
    in_every_mode(|mode| {
        let engine = mode.engine();
        let mut linker = Linker::<i32>::new(&engine);
        linker
            .func_wrap("h", "f", |caller: wasmelt::Caller<'_, i32>| *caller.data())
            .unwrap();
        let module = module(
            &engine,
            r#"(module (import "h" "f" (func $f (result i32)))
                (func (export "run") (result i32) call $f))"#,
        );
        let pre = linker.instantiate_pre(&module).unwrap();
        drop(linker);
        for data in 0..5 {
            let mut store = Store::new(&engine, data);
            let instance = pre.instantiate(&mut store).unwrap();
            assert_eq!(
                call::<_, (), i32>(&mut store, instance, "run", ()).unwrap(),
                data
            );
        }
        assert_eq!(pre.module().imports().len(), 1);
        assert!(
            Linker::<i32>::new(&engine)
                .instantiate_pre(&module)
                .is_err()
        );
    });
}

#[test]
fn modules_describe_their_imports_and_exports() {
    let engine = Engine::default();
    let module = module(
        &engine,
        r#"(module $name (import "h" "f" (func (param i32 f64) (result i64)))
            (import "h" "g" (global (mut f32)))
            (memory (export "memory") 1 2) (table (export "table") 3 funcref)
            (func (export "run") (param i32))
            (@custom "first" "content"))"#,
    );
    assert_eq!(module.name(), Some("name"));
    let imports: Vec<_> = module.imports().collect();
    assert_eq!((imports[0].module(), imports[0].name()), ("h", "f"));
    let ty = imports[0].ty().func().unwrap();
    assert_eq!(ty.params(), [ValType::I32, ValType::F64]);
    assert_eq!(ty.results(), [ValType::I64]);
    assert!(imports[1].ty().global().unwrap().mutability().is_mut());
    let names: Vec<_> = module
        .exports()
        .map(|export| export.name().to_owned())
        .collect();
    assert_eq!(names, ["memory", "table", "run"]);
    let memory = module.get_export("memory").unwrap();
    assert_eq!(memory.memory(), Some(&MemoryType::new(1, Some(2))));
    assert_eq!(
        module
            .get_export("table")
            .unwrap()
            .table()
            .unwrap()
            .minimum(),
        3
    );
    assert!(module.get_export("none").is_none());
    let sections: Vec<_> = module.custom_sections().collect();
    assert_eq!(
        (sections[0].name(), sections[0].data()),
        ("first", b"content".as_slice())
    );
}

#[test]
fn the_polkadot_preset_turns_the_imported_memory_into_an_exported_one() {
    let mut config = Config::default();
    config.preset(Preset::Polkadot);
    let engine = Engine::new(&config);
    let module = module(
        &engine,
        r#"(module (import "env" "memory" (memory 2)) (data (i32.const 5) "\07")
            (func (export "load") (param i32) (result i32) local.get 0 i32.load8_u))"#,
    );
    assert_eq!(module.imports().len(), 0);
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    let memory = instance.get_memory(&store, "memory").unwrap();
    assert_eq!((memory.size(&store), memory.data(&store)[5]), (2, 7));
    assert_eq!(
        call::<_, i32, i32>(&mut store, instance, "load", 5).unwrap(),
        7
    );
}

#[test]
fn one_module_is_used_from_many_threads_at_once() {
    for mode in [Mode::GUARD, Mode::SIGNAL_FREE] {
        let engine = mode.engine();
        let module: Module = module(
            &engine,
            r#"(module (memory 1) (global $g (mut i32) (i32.const 0))
                (func $deep (export "deep") call $deep)
                (func (export "run") (param i32) (result i32)
                    (i32.store (i32.const 0) (local.get 0))
                    (global.set $g (local.get 0))
                    (i32.add (i32.load (i32.const 0)) (global.get $g)))
                (func (export "trap") (result i32) i32.const 65536 i32.load))"#,
        );
        std::thread::scope(|scope| {
            for thread in 0..8 {
                let (engine, module) = (&engine, &module);
                scope.spawn(move || {
                    for round in 0..50 {
                        let mut store = Store::new(engine, ());
                        let instance = Instance::new(&mut store, module, &[]).unwrap();
                        let number = thread * 1000 + round;
                        let sum = call::<_, i32, i32>(&mut store, instance, "run", number).unwrap();
                        assert_eq!(sum, 2 * number);
                        let error =
                            call::<_, (), i32>(&mut store, instance, "trap", ()).unwrap_err();
                        assert_eq!(error.as_trap_code(), Some(TrapCode::MemoryOutOfBounds));
                        let error =
                            call::<_, (), ()>(&mut store, instance, "deep", ()).unwrap_err();
                        assert_eq!(error.as_trap_code(), Some(TrapCode::StackOverflow));
                    }
                });
            }
        });
    }
}

/// What the test drops, in some order.
enum Part {
    Engine(Engine),
    Module(Module),
    Linker(Linker<()>),
    Store(Store<()>),
    Error(Error),
}

/// Every order of so many things.
fn orders(len: usize) -> Vec<Vec<usize>> {
    if len == 0 {
        return vec![vec![]];
    }
    let shorter = orders(len - 1);
    shorter
        .into_iter()
        .flat_map(|order| {
            (0..len).map(move |place| {
                let mut order = order.clone();
                order.insert(place, len - 1);
                order
            })
        })
        .collect()
}

#[test]
fn engine_module_store_and_error_are_dropped_in_any_order() {
    for mode in [Mode::GUARD, Mode::SIGNAL_FREE] {
        let wat = r#"(module (import "h" "f" (func $f)) (memory 1)
            (func $trap (export "trap") (result i32) call $f i32.const -1 i32.load)
            (func (export "fine") (result i32) i32.const 3))"#;
        for order in orders(5) {
            let engine = mode.engine();
            let module = module(&engine, wat);
            let mut linker = Linker::new(&engine);
            linker.func_wrap("h", "f", || {}).unwrap();
            let mut store = Store::new(&engine, ());
            let instance = linker.instantiate_and_start(&mut store, &module).unwrap();
            let error = call::<_, (), i32>(&mut store, instance, "trap", ()).unwrap_err();
            let mut parts: Vec<Option<Part>> = [
                Part::Engine(engine),
                Part::Module(module),
                Part::Linker(linker),
                Part::Store(store),
                Part::Error(error),
            ]
            .into_iter()
            .map(Some)
            .collect();
            for position in order {
                parts[position] = None;
                for part in parts.iter_mut().flatten() {
                    // Whatever is left works.
                    match part {
                        Part::Store(store) => {
                            let fine = call::<_, (), i32>(store, instance, "fine", ());
                            assert_eq!(fine.unwrap(), 3);
                            call::<_, (), i32>(store, instance, "trap", ()).unwrap_err();
                        }
                        Part::Module(module) => assert_eq!(module.exports().count(), 2),
                        Part::Error(error) => assert!(error.to_string().contains("trap")),
                        Part::Engine(engine) => assert!(engine.weak().upgrade().is_some()),
                        Part::Linker(linker) => drop(linker.clone()),
                    }
                }
            }
        }
    }
}

#[test]
fn data_of_a_store_outlives_it() {
    let (store, _) = instantiate(&Engine::default(), "(module)");
    let () = store.into_data();
    let engine = Engine::default();
    let mut store = Store::new(&engine, String::from("data"));
    store.data_mut().push('!');
    assert_eq!(store.into_data(), "data!");
}

#[test]
fn handles_are_equal_when_they_are_of_the_same_thing() {
    let engine = Engine::default();
    let module = module(
        &engine,
        r#"(module (import "h" "f" (func $f))
            (memory (export "memory") 1) (global (export "global") i32 (i32.const 1))
            (table (export "table") 1 funcref) (elem (i32.const 0) $f)
            (export "f" (func $f)) (func (export "g")) (func (export "h")))"#,
    );
    let mut store = Store::new(&engine, ());
    let f = Func::wrap(&mut store, || {});
    let instance = Instance::new(&mut store, &module, &[f.into()]).unwrap();
    let other = Instance::new(&mut store, &module, &[f.into()]).unwrap();
    assert_eq!(instance, instance);
    assert_ne!(instance, other);
    for name in ["memory", "global", "table", "g"] {
        let export = instance.get_export(&store, name);
        assert!(export.is_some());
        assert_eq!(export, instance.get_export(&store, name));
        assert_ne!(export, other.get_export(&store, name));
    }
    assert_eq!(instance.get_func(&store, "f"), Some(f));
    assert_ne!(
        instance.get_func(&store, "g"),
        instance.get_func(&store, "h")
    );
    let table = instance.get_table(&store, "table").unwrap();
    let element = table.get(&store, 0).unwrap();
    assert_eq!(element.unwrap_func().val(), Some(&&f));
    let mut second = Store::new(&engine, ());
    assert_ne!(Func::wrap(&mut second, || {}), f);
}
