//! Tables of the host and of guests.

use super::Notes;
use super::notes::instance;
use wasmi::{Engine, Func, Nullable, Ref, RefType, Store, Table, TableType};

fn contents(table: Table, store: &Store<()>) -> Vec<bool> {
    let elements = (0..table.size(store)).map(|index| table.get(store, index));
    elements
        .map(|element| element.is_some_and(|element| element.is_non_null()))
        .collect()
}

pub(crate) fn run(notes: &mut Notes) {
    let mut store = Store::new(&Engine::default(), ());
    let func = Func::wrap(&mut store, || 5_i32);
    let some = Ref::from(Nullable::Val(func));
    let null = Ref::null(RefType::Func);
    let table =
        Table::new(&mut store, TableType::new(RefType::Func, 2, Some(5)), null).expect("small");
    notes.debug("type", (table.ty(&store), table.size(&store)));
    notes.outcome("set", table.set(&mut store, 1, some));
    notes.outcome("set behind the end", table.set(&mut store, 2, some));
    notes.outcome(
        "set an extern",
        table.set(&mut store, 0, Ref::null(RefType::Extern)),
    );
    notes.debug("get behind the end", table.get(&store, 2).is_none());
    notes.debug("contents", contents(table, &store));
    notes.outcome("grow", table.grow(&mut store, 2, some));
    notes.outcome("grow by 0", table.grow(&mut store, 0, some));
    notes.outcome("grow too far", table.grow(&mut store, 2, some));
    notes.outcome("grow by all", table.grow(&mut store, u64::MAX, some));
    notes.outcome(
        "grow with an extern",
        table.grow(&mut store, 1, Ref::null(RefType::Extern)),
    );
    notes.debug("grown", contents(table, &store));
    notes.outcome("fill", table.fill(&mut store, 0, some, 2));
    notes.outcome("fill too far", table.fill(&mut store, 3, some, 2));
    notes.outcome(
        "fill nothing at the end",
        table.fill(&mut store, 4, some, 0),
    );
    notes.outcome("fill nothing behind", table.fill(&mut store, 5, some, 0));
    notes.outcome(
        "fill with an extern",
        table.fill(&mut store, 0, Ref::null(RefType::Extern), 1),
    );
    let other =
        Table::new(&mut store, TableType::new(RefType::Func, 3, None), null).expect("small");
    notes.outcome("copy", Table::copy(&mut store, &other, 1, &table, 0, 2));
    notes.debug("copied", contents(other, &store));
    notes.outcome(
        "copy too far",
        Table::copy(&mut store, &other, 2, &table, 0, 2),
    );
    notes.outcome(
        "copy from too far",
        Table::copy(&mut store, &other, 0, &table, 3, 2),
    );
    notes.outcome(
        "copy within",
        Table::copy(&mut store, &other, 0, &other, 1, 2),
    );
    notes.debug("copied within", contents(other, &store));
    let typed = table
        .get(&store, 1)
        .and_then(|element| element.as_func().and_then(|f| f.val().copied().copied()));
    notes.outcome(
        "call an element",
        typed
            .expect("a function")
            .typed::<(), i32>(&store)
            .and_then(|f| f.call(&mut store, ())),
    );
    let wrong = Table::new(
        &mut store,
        TableType::new(RefType::Func, 1, None),
        Ref::null(RefType::Extern),
    );
    notes.outcome("another initial element", wrong.map(drop));

    let (mut store, instance) = instance(
        r#"(module (type $t (func (result i32))) (table (export "t") 3 5 funcref) (elem (i32.const 0) $a)
            (func $a (result i32) (i32.const 11)) (func $b (export "b") (result i32) (i32.const 12))
            (func (export "call") (param i32) (result i32) (call_indirect (type $t) (local.get 0))))"#,
    );
    let table = instance.get_table(&store, "t").expect("a table");
    let call = instance
        .get_typed_func::<i32, i32>(&store, "call")
        .expect("a function");
    notes.debug("guest's", contents(table, &store));
    let own = instance.get_func(&store, "b").expect("a function");
    notes.outcome(
        "set the guest's own",
        table.set(&mut store, 1, Ref::from(Nullable::Val(own))),
    );
    let host = Func::wrap(&mut store, || 13_i32);
    notes.outcome(
        "set the host's",
        table.set(&mut store, 2, Ref::from(Nullable::Val(host))),
    );
    for index in 0..5 {
        notes.outcome(&format!("call {index}"), call.call(&mut store, index));
    }
    notes.outcome(
        "grow the guest's",
        table.grow(&mut store, 2, Ref::from(Nullable::Val(host))),
    );
    notes.outcome("call what was grown", call.call(&mut store, 4));
}
