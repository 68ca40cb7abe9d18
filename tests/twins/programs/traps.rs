//! Every trap of the specification, and what an embedder learns of it.

use super::Notes;
use super::notes::instance;
use wasmi::{TrapCode, Val};

const TEXT: &str = r#"(module
    (type $none (func)) (type $one (func (param i32)))
    (memory 1 2) (table 3 funcref) (elem (i32.const 0) $none $one)
    (func $none (type $none)) (func $one (type $one))
    (func (export "unreachable") unreachable)
    (func (export "memory") (drop (i32.load (i32.const 65533))))
    (func (export "memory store") (i64.store offset=65536 (i32.const 0) (i64.const 1)))
    (func (export "memory far") (drop (i32.load8_u offset=0xffffffff (i32.const -1))))
    (func (export "table") (call_indirect (type $none) (i32.const 3)))
    (func (export "null") (call_indirect (type $none) (i32.const 2)))
    (func (export "signature") (call_indirect (type $none) (i32.const 1)))
    (func (export "division") (drop (i32.div_s (i32.const 1) (i32.const 0))))
    (func (export "remainder") (drop (i64.rem_u (i64.const 1) (i64.const 0))))
    (func (export "overflow") (drop (i32.div_s (i32.const 0x80000000) (i32.const -1))))
    (func (export "conversion") (drop (i32.trunc_f32_s (f32.const nan))))
    (func (export "conversion overflow") (drop (i64.trunc_f64_u (f64.const -1))))
    (func $deep (export "stack") (param i32) (result i32)
        (i32.add (i32.const 1) (call $deep (local.get 0))))
    (func (export "grow") (result i32) (memory.grow (i32.const 3))))"#;

const CODES: [TrapCode; 12] = [
    TrapCode::UnreachableCodeReached,
    TrapCode::MemoryOutOfBounds,
    TrapCode::TableOutOfBounds,
    TrapCode::IndirectCallToNull,
    TrapCode::IntegerDivisionByZero,
    TrapCode::IntegerOverflow,
    TrapCode::BadConversionToInteger,
    TrapCode::StackOverflow,
    TrapCode::BadSignature,
    TrapCode::OutOfFuel,
    TrapCode::GrowthOperationLimited,
    TrapCode::OutOfSystemMemory,
];

pub(crate) fn run(notes: &mut Notes) {
    for code in CODES {
        let number = u8::from(code);
        notes.debug(format!("code {number}"), code);
        notes.note(format!("code {number} message"), code.trap_message());
        notes.note(format!("code {number} display"), code.to_string());
        notes.debug(
            format!("code {number} back"),
            TrapCode::try_from(number).is_ok(),
        );
    }
    notes.debug(
        "codes that are none",
        (
            TrapCode::try_from(0).is_err(),
            TrapCode::try_from(13).is_err(),
        ),
    );
    let (mut store, instance) = instance(TEXT);
    let exports: Vec<_> = instance
        .exports(&store)
        .map(|export| export.name().to_owned())
        .collect();
    for name in exports {
        let func = instance.get_func(&store, &name).expect("a function");
        let ty = func.ty(&store);
        let params: Vec<_> = ty
            .params()
            .iter()
            .map(|ty| Val::default_for_ty(*ty))
            .collect();
        let mut results: Vec<_> = ty
            .results()
            .iter()
            .map(|ty| Val::default_for_ty(*ty))
            .collect();
        let outcome = func.call(&mut store, &params, &mut results);
        notes.outcome(&name, outcome.map(|()| results.first().and_then(Val::i32)));
    }
}
