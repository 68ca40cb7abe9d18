//! Globals of the host and of guests.

use super::Notes;
use super::notes::instance;
use wasmi::{Engine, F64, Global, GlobalType, Mutability, Store, Val, ValType};

pub(crate) fn run(notes: &mut Notes) {
    let mut store = Store::new(&Engine::default(), ());
    for mutability in [Mutability::Const, Mutability::Var] {
        let key = format!("{mutability:?}");
        notes.debug(
            format!("{key}: const, mut"),
            (mutability.is_const(), mutability.is_mut()),
        );
        let global = Global::new(&mut store, Val::I64(5), mutability);
        notes.debug(format!("{key}: type"), global.ty(&store));
        notes.debug(format!("{key}: before"), global.get(&store));
        notes.outcome(&format!("{key}: set"), global.set(&mut store, Val::I64(6)));
        notes.outcome(
            &format!("{key}: set another type"),
            global.set(&mut store, Val::F64(F64::from(6.0))),
        );
        notes.debug(format!("{key}: after"), global.get(&store));
    }
    let ty = GlobalType::new(ValType::F32, Mutability::Var);
    notes.debug("type", (ty, ty.content(), ty.mutability()));
    let (mut store, instance) = instance(
        r#"(module (global $g (export "g") (mut i32) (i32.const 1)) (global (export "c") f32 (f32.const 2))
            (func (export "read") (result i32) (global.get $g)))"#,
    );
    let global = instance.get_global(&store, "g").expect("a global");
    notes.outcome("guest's", global.set(&mut store, Val::I32(77)));
    let read = instance
        .get_typed_func::<(), i32>(&store, "read")
        .expect("a function");
    notes.outcome("guest reads", read.call(&mut store, ()));
    let constant = instance.get_global(&store, "c").expect("a global");
    notes.outcome(
        "guest's constant",
        constant.set(&mut store, Val::from(1_f32)),
    );
    notes.debug("guest's constant: value", constant.get(&store));
}
