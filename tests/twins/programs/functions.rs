//! Calls with and without types, and what is refused before a function runs.

use super::Notes;
use super::notes::instance;
use wasmi::{Caller, Engine, Error, F32, F64, Func, FuncType, Store, Val, ValType};

const TEXT: &str = r#"(module
    (func (export "none")) (global (export "global") i32 (i32.const 0))
    (func (export "add") (param i32 i64) (result i64) (i64.add (i64.extend_i32_s (local.get 0)) (local.get 1)))
    (func (export "f32") (param f32) (result f32) (local.get 0))
    (func (export "f64") (param f64) (result f64) (f64.neg (local.get 0))))"#;

pub(crate) fn run(notes: &mut Notes) {
    let (mut store, instance) = instance(TEXT);
    let add = instance.get_func(&store, "add").expect("a function");
    notes.debug("type", add.ty(&store));
    let cases: [(&str, &[Val], usize); 8] = [
        ("fits", &[Val::I32(1), Val::I64(2)], 1),
        ("too few parameters", &[Val::I32(1)], 1),
        (
            "too many parameters",
            &[Val::I32(1), Val::I64(2), Val::I32(3)],
            1,
        ),
        ("another parameter", &[Val::I64(1), Val::I64(2)], 1),
        (
            "float parameter",
            &[Val::F32(F32::from(1.0)), Val::I64(2)],
            1,
        ),
        ("too few results", &[Val::I32(1), Val::I64(2)], 0),
        ("too many results", &[Val::I32(1), Val::I64(2)], 2),
        ("negative", &[Val::I32(-1), Val::I64(i64::MIN)], 1),
    ];
    for (name, params, len) in cases {
        // The type of what is in the results before does not matter.
        let mut results = vec![Val::F64(F64::from(0.5)); len];
        notes.outcome(name, add.call(&mut store, params, &mut results));
        notes.debug(format!("{name}: results"), results);
    }
    for (name, val) in [("f32", Val::from(-0.0_f32)), ("f64", Val::from(1.5_f64))] {
        let func = instance.get_func(&store, name).expect(name);
        let mut results = [Val::I32(0)];
        notes.outcome(name, func.call(&mut store, &[val], &mut results));
        notes.debug(format!("{name}: results"), results);
    }
    run_host(notes);
}

/// Host functions that are called by the host, and those that do not keep to their type.
fn run_host(notes: &mut Notes) {
    let mut store = Store::new(&Engine::default(), ());
    let ty = FuncType::new([ValType::I32], [ValType::I32, ValType::F64]);
    let two = Func::new(
        &mut store,
        ty,
        |_: Caller<'_, ()>, params: &[Val], results: &mut [Val]| {
            results[0] = params[0].clone();
            results[1] = Val::from(2.5_f64);
            Ok(())
        },
    );
    let mut results = [Val::I32(0), Val::I32(0)];
    notes.outcome(
        "two results",
        two.call(&mut store, &[Val::I32(9)], &mut results),
    );
    notes.debug("two results: results", results);
    let ty = FuncType::new([], [ValType::I32, ValType::I64, ValType::F32, ValType::F64]);
    let seen = Func::new(
        &mut store,
        ty,
        |_: Caller<'_, ()>, _: &[Val], results: &mut [Val]| Err(Error::new(format!("{results:?}"))),
    );
    let mut results = vec![Val::I32(7); 4];
    notes.outcome(
        "results before the call",
        seen.call(&mut store, &[], &mut results),
    );
    notes.debug("results after an error", results);
    let ty = FuncType::new([], [ValType::I32]);
    let wrong = Func::new(
        &mut store,
        ty,
        |_: Caller<'_, ()>, _: &[Val], results: &mut [Val]| {
            results[0] = Val::I64(1);
            Ok(())
        },
    );
    notes.outcome(
        "a result of another type",
        wrong.call(&mut store, &[], &mut [Val::I32(0)]),
    );
    let many = Func::wrap(
        &mut store,
        |a: i32,
         b: u32,
         c: i64,
         d: u64,
         e: f32,
         f: f64,
         g: F32,
         h: F64|
         -> (i32, u32, i64, u64, f32, f64, F32, F64) {
            (a + 1, b + 1, c + 1, d + 1, e + 1.0, f + 1.0, g, h)
        },
    );
    notes.debug("wrapped type", many.ty(&store));
}

pub(crate) fn run_typed(notes: &mut Notes) {
    let (mut store, instance) = instance(TEXT);
    let fits = instance
        .get_typed_func::<(i32, i64), i64>(&store, "add")
        .expect("it fits");
    notes.outcome("fits", fits.call(&mut store, (3, 4)));
    notes.debug("func", fits.func().ty(&store));
    notes.outcome(
        "unsigned",
        instance
            .get_typed_func::<(u32, u64), u64>(&store, "add")
            .and_then(|f| f.call(&mut store, (u32::MAX, 1))),
    );
    notes.outcome(
        "tuple result",
        instance
            .get_typed_func::<(i32, i64), (i64,)>(&store, "add")
            .and_then(|f| f.call(&mut store, (1, 1))),
    );
    notes.outcome(
        "single parameter",
        instance
            .get_typed_func::<f32, f32>(&store, "f32")
            .and_then(|f| f.call(&mut store, 0.5)),
    );
    notes.outcome(
        "float type",
        instance
            .get_typed_func::<F64, F64>(&store, "f64")
            .and_then(|f| f.call(&mut store, F64::from(1.0))),
    );
    notes.outcome(
        "none",
        instance
            .get_typed_func::<(), ()>(&store, "none")
            .and_then(|f| f.call(&mut store, ())),
    );
    let kinds = [
        (
            "missing",
            instance
                .get_typed_func::<(), ()>(&store, "missing")
                .map(drop),
        ),
        (
            "a global",
            instance
                .get_typed_func::<(), ()>(&store, "global")
                .map(drop),
        ),
        (
            "parameter",
            instance
                .get_typed_func::<(i64, i64), i64>(&store, "add")
                .map(drop),
        ),
        (
            "parameters",
            instance.get_typed_func::<i32, i64>(&store, "add").map(drop),
        ),
        (
            "result",
            instance
                .get_typed_func::<(i32, i64), i32>(&store, "add")
                .map(drop),
        ),
        (
            "results",
            instance
                .get_typed_func::<(i32, i64), ()>(&store, "add")
                .map(drop),
        ),
    ];
    for (name, outcome) in kinds {
        notes.outcome(name, outcome);
    }
    let sum = Func::wrap(
        &mut store,
        |a: i32,
         b: i32,
         c: i32,
         d: i32,
         e: i32,
         f: i32,
         g: i32,
         h: i32,
         i: i32,
         j: i32,
         k: i32,
         l: i32,
         m: i32,
         n: i32,
         o: i32,
         p: i32| { a + b + c + d + e + f + g + h + i + j + k + l + m + n + o + p },
    );
    type Sixteen = (
        i32,
        i32,
        i32,
        i32,
        i32,
        i32,
        i32,
        i32,
        i32,
        i32,
        i32,
        i32,
        i32,
        i32,
        i32,
        i32,
    );
    let sum = sum.typed::<Sixteen, i32>(&store).expect("it fits");
    notes.outcome(
        "sixteen",
        sum.call(
            &mut store,
            (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16),
        ),
    );
}
