//! Links that are switched while instances live.
#![allow(clippy::unwrap_used, reason = "test code")]

mod support;

use support::{call, in_every_mode, module};
use wasmelt::{
    Caller, Engine, Error, Func, Instance, Linker, Store, Val,
    errors::{ErrorKind, InstanceError, InstantiationError},
};

const GUEST: &str = r#"(module
    (import "h" "number" (func $number (result i32)))
    (import "h" "other" (func $other (result i32)))
    (import "h" "number" (func $wide (result i64)))
    (type $result (func (result i32)))
    (table 3 funcref)
    (elem (i32.const 0) $number $other $own)
    (func $own (result i32) (i32.const -1))
    (export "re-exported" (func $number))
    (func (export "direct") (result i32) (call $number))
    (func (export "wide") (result i64) (call $wide))
    (func (export "indirect") (param i32) (result i32)
        (call_indirect (type $result) (local.get 0)))
    (func (export "twice") (result i32)
        (i32.add (i32.mul (call $number) (i32.const 100)) (call $number))))"#;

/// Instances of the guest, in one store, with all numbers linked to 1 and the other to 2.
fn guests<const COUNT: usize>(engine: &Engine) -> (Store<()>, [Instance; COUNT]) {
    let mut store = Store::new(engine, ());
    let one = Func::wrap(&mut store, || 1_i32);
    let wide = Func::wrap(&mut store, || 1_i64);
    let module = module(engine, GUEST);
    let instances = [(); COUNT].map(|()| {
        // The same function twice: only one of the imports is switched.
        let imports = [one.into(), one.into(), wide.into()];
        Instance::new(&mut store, &module, &imports).unwrap()
    });
    (store, instances)
}

fn number(store: &mut Store<()>, instance: Instance, name: &str) -> i32 {
    call(store, instance, name, ()).unwrap()
}

fn element(store: &mut Store<()>, instance: Instance, index: i32) -> i32 {
    call(store, instance, "indirect", index).unwrap()
}

#[test]
fn a_switched_link_is_in_force_from_the_next_call_on() {
    in_every_mode(|mode| {
        let (mut store, [first, second]) = guests(&mode.engine());
        let ten = Func::wrap(&mut store, || 10_i32);
        let old = first.link(&mut store, "h", "number", ten).unwrap();
        assert_eq!(number(&mut store, first, "direct"), 10);
        assert_eq!(number(&mut store, first, "twice"), 1010);
        assert_eq!(number(&mut store, first, "re-exported"), 10);
        assert_eq!(
            [0, 1, 2].map(|index| element(&mut store, first, index)),
            [10, 1, -1]
        );
        assert_eq!(
            call::<_, (), i64>(&mut store, first, "wide", ()).unwrap(),
            1
        );
        // The other instance keeps its link.
        assert_eq!(number(&mut store, second, "direct"), 1);
        assert_eq!(element(&mut store, second, 0), 1);
        // A function of a guest is as good.
        let exported = second.get_func(&store, "twice").unwrap();
        let replaced = first.link(&mut store, "h", "number", exported).unwrap();
        let mut result = [Val::I32(0)];
        replaced.call(&mut store, &[], &mut result).unwrap();
        assert_eq!(result[0].i32(), Some(10));
        assert_eq!(number(&mut store, first, "twice"), 10201);
        first.link(&mut store, "h", "number", old).unwrap();
        assert_eq!(
            [0, 1, 2].map(|index| element(&mut store, first, index)),
            [1, 1, -1]
        );
        // A reset keeps links, also in tables.
        first.link(&mut store, "h", "number", ten).unwrap();
        first.reset(&mut store).unwrap();
        assert_eq!(number(&mut store, first, "direct"), 10);
        assert_eq!(
            [0, 1, 2].map(|index| element(&mut store, first, index)),
            [10, 1, -1]
        );
    });
}

#[test]
fn imports_of_one_name_are_told_by_their_types() {
    in_every_mode(|mode| {
        let (mut store, [guest]) = guests(&mode.engine());
        let wide = Func::wrap(&mut store, || 1_i64 << 40);
        guest.link(&mut store, "h", "number", wide).unwrap();
        assert_eq!(
            call::<_, (), i64>(&mut store, guest, "wide", ()).unwrap(),
            1 << 40
        );
        assert_eq!(number(&mut store, guest, "direct"), 1);
    });
}

#[test]
fn what_does_not_fit_is_not_linked() {
    let (mut store, [guest]) = guests(&Engine::default());
    let float = Func::wrap(&mut store, || 1.0_f32);
    let error = guest.link(&mut store, "h", "number", float).unwrap_err();
    assert!(
        matches!(
            error.kind(),
            ErrorKind::Instantiation(InstantiationError::FuncTypeMismatch { .. })
        ),
        "{error}"
    );
    let error = guest.link(&mut store, "h", "none", float).unwrap_err();
    assert!(
        matches!(
            error.kind(),
            ErrorKind::Instance(InstanceError::UnknownImport { .. })
        ),
        "{error}"
    );
    assert!(error.to_string().contains("(h,none)"), "{error}");
    assert_eq!(number(&mut store, guest, "direct"), 1);
}

#[test]
fn a_host_function_may_switch_the_link_by_which_it_was_called() {
    in_every_mode(|mode| {
        let engine = mode.engine();
        let mut linker = Linker::<Vec<Instance>>::new(&engine);
        linker
            .func_wrap(
                "h",
                "number",
                |mut caller: Caller<'_, Vec<Instance>>| -> Result<i32, Error> {
                    let instance = caller.data()[0];
                    let next = Func::wrap(&mut caller, || 7_i32);
                    instance.link(&mut caller, "h", "number", next)?;
                    Ok(3)
                },
            )
            .unwrap();
        let module = module(
            &engine,
            r#"(module (import "h" "number" (func $number (result i32)))
                (func (export "twice") (result i32)
                    (i32.add (i32.mul (call $number) (i32.const 100)) (call $number))))"#,
        );
        let mut store = Store::new(&engine, Vec::new());
        let instance = linker.instantiate_and_start(&mut store, &module).unwrap();
        store.data_mut().push(instance);
        assert_eq!(
            call::<_, (), i32>(&mut store, instance, "twice", ()).unwrap(),
            307
        );
    });
}

#[test]
fn a_host_function_knows_the_instance_that_called_it() {
    in_every_mode(|mode| {
        let engine = mode.engine();
        let mut linker = Linker::<Vec<Option<Instance>>>::new(&engine);
        linker
            .func_wrap("h", "note", |mut caller: Caller<'_, Vec<_>>| {
                let instance = caller.instance();
                caller.data_mut().push(instance);
            })
            .unwrap();
        let module = module(
            &engine,
            r#"(module (import "h" "note" (func $note)) (func (export "call") (call $note))
                (export "note" (func $note)))"#,
        );
        let mut store = Store::new(&engine, Vec::new());
        let [one, other] =
            [(); 2].map(|()| linker.instantiate_and_start(&mut store, &module).unwrap());
        for instance in [one, other, one] {
            call::<_, (), ()>(&mut store, instance, "call", ()).unwrap();
        }
        call::<_, (), ()>(&mut store, one, "note", ()).unwrap();
        assert_eq!(*store.data(), [Some(one), Some(other), Some(one), None]);
    });
}

const OVERLOADED: &str = r#"(module
    (import "h" "f" (func $i32 (result i32)))
    (import "h" "f" (func $i64 (result i64)))
    (import "h" "f" (func $f32 (result f32)))
    (import "h" "f" (global $global i32))
    (func (export "i32") (result i32) (call $i32))
    (func (export "i64") (result i64) (call $i64))
    (func (export "f32") (result f32) (call $f32))
    (func (export "global") (result i32) (global.get $global)))"#;

#[test]
fn imports_find_the_definition_of_their_type() {
    let engine = Engine::default();
    let mut store = Store::new(&engine, ());
    let module = module(&engine, OVERLOADED);
    let mut linker = Linker::<()>::new(&engine);
    linker.func_wrap("h", "f", || 1_i32).unwrap();
    // Unless it is asked for, a name is defined once.
    assert!(linker.func_wrap("h", "f", || 2_i64).is_err());
    linker.allow_overloads(true);
    linker.func_wrap("h", "f", || 2_i64).unwrap();
    assert!(linker.func_wrap("h", "f", || 3_i64).is_err());
    let float = Func::wrap(&mut store, || 4_f32);
    linker.define("h", "f", float).unwrap();
    let global = wasmelt::Global::new(&mut store, Val::I32(5), wasmelt::Mutability::Const);
    linker.define("h", "f", global).unwrap();
    let mut clone = linker.clone();
    clone.alias_module("h", "other").unwrap();
    for linker in [linker, clone] {
        let instance = linker.instantiate_and_start(&mut store, &module).unwrap();
        assert_eq!(
            call::<_, (), i32>(&mut store, instance, "i32", ()).unwrap(),
            1
        );
        assert_eq!(
            call::<_, (), i64>(&mut store, instance, "i64", ()).unwrap(),
            2
        );
        assert_eq!(
            call::<_, (), f32>(&mut store, instance, "f32", ()).unwrap(),
            4.0
        );
        assert_eq!(
            call::<_, (), i32>(&mut store, instance, "global", ()).unwrap(),
            5
        );
    }
}

#[test]
fn of_overloads_the_one_of_the_same_type_is_shadowed_and_a_missing_one_traps() {
    let engine = Engine::default();
    let mut store = Store::new(&engine, ());
    let module = module(
        &engine,
        r#"(module
            (import "h" "f" (func $i32 (result i32)))
            (import "h" "f" (func $i64 (result i64)))
            (export "i32" (func $i32))
            (export "i64" (func $i64)))"#,
    );
    let mut linker = Linker::<()>::new(&engine);
    linker.allow_overloads(true).allow_shadowing(true);
    linker.func_wrap("h", "f", || 1_i32).unwrap();
    linker.func_wrap("h", "f", || 2_i32).unwrap();
    let error = linker
        .instantiate_and_start(&mut store, &module)
        .unwrap_err();
    assert!(error.to_string().contains("type mismatch"), "{error}");
    linker.define_unknown_imports_as_traps(&module).unwrap();
    for instance in [
        linker.instantiate_and_start(&mut store, &module).unwrap(),
        linker
            .instantiate_pre(&module)
            .unwrap()
            .instantiate(&mut store)
            .unwrap(),
    ] {
        assert_eq!(
            call::<_, (), i32>(&mut store, instance, "i32", ()).unwrap(),
            2
        );
        let error = call::<_, (), i64>(&mut store, instance, "i64", ()).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Linker(_)), "{error}");
    }
}

#[test]
fn where_segments_overlap_the_last_one_says_which_import_is_there() {
    let engine = Engine::default();
    let module = module(
        &engine,
        r#"(module
            (import "h" "a" (func $a (result i32)))
            (import "h" "b" (func $b (result i32)))
            (type $result (func (result i32)))
            (table 1 funcref)
            (elem (i32.const 0) $a)
            (elem (i32.const 0) $b)
            (func (export "indirect") (param i32) (result i32)
                (call_indirect (type $result) (local.get 0))))"#,
    );
    let mut store = Store::new(&engine, ());
    let one = Func::wrap(&mut store, || 1_i32);
    let guest = Instance::new(&mut store, &module, &[one.into(), one.into()]).unwrap();
    let two = Func::wrap(&mut store, || 2_i32);
    guest.link(&mut store, "h", "a", two).unwrap();
    assert_eq!(element(&mut store, guest, 0), 1);
    guest.link(&mut store, "h", "b", two).unwrap();
    assert_eq!(element(&mut store, guest, 0), 2);
}
