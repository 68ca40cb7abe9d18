//! What a linker knows: names, kinds, shadowing, and instances.

use super::Notes;
use super::notes::module;
use wasmi::{
    Caller, Engine, Extern, Func, FuncType, Global, Linker, Memory, MemoryType, Mutability, Ref,
    RefType, Store, Table, TableType, Val, ValType,
};

fn kind(found: Option<Extern>, store: &Store<u32>) -> String {
    found.map_or("none".to_owned(), |found| format!("{:?}", found.ty(store)))
}

pub(crate) fn run(notes: &mut Notes) {
    let engine = Engine::default();
    let mut store = Store::new(&engine, 1_u32);
    let mut linker = <Linker<u32>>::new(&engine);
    let memory = Memory::new(&mut store, MemoryType::new(1, Some(2))).expect("small");
    let global = Global::new(&mut store, Val::I64(1), Mutability::Var);
    let table = Table::new(
        &mut store,
        TableType::new(RefType::Func, 1, None),
        Ref::null(RefType::Func),
    )
    .expect("small");
    let func = Func::wrap(&mut store, |a: f32| a);
    linker
        .define("a", "memory", memory)
        .and_then(|linker| linker.define("a", "global", global))
        .and_then(|linker| linker.define("a", "table", table))
        .and_then(|linker| linker.define("a", "func", func))
        .and_then(|linker| {
            linker.func_wrap("a", "wrap", |_: Caller<'_, u32>, a: i32, b: i64| (a, b))
        })
        .and_then(|linker| {
            linker.func_new("a", "new", FuncType::new([ValType::F64], []), |_, _, _| {
                Ok(())
            })
        })
        .expect("new names");
    for name in [
        "memory", "global", "table", "func", "wrap", "new", "nothing", "",
    ] {
        notes.note(
            format!("get {name}"),
            kind(linker.get(&store, "a", name), &store),
        );
    }
    notes.note(
        "get in another module",
        kind(linker.get(&store, "b", "memory"), &store),
    );
    notes.outcome(
        "define twice",
        linker
            .define("a", "memory", global)
            .map(drop)
            .map_err(wasmi::Error::from),
    );
    notes.outcome(
        "wrap twice",
        linker
            .func_wrap("a", "func", || ())
            .map(drop)
            .map_err(wasmi::Error::from),
    );
    let clone = linker.clone();
    linker.allow_shadowing(true);
    notes.outcome(
        "shadow",
        linker
            .define("a", "memory", global)
            .map(drop)
            .map_err(wasmi::Error::from),
    );
    notes.note("shadowed", kind(linker.get(&store, "a", "memory"), &store));
    notes.note(
        "in the clone",
        kind(clone.get(&store, "a", "memory"), &store),
    );
    linker.allow_shadowing(false);
    notes.outcome(
        "no more shadowing",
        linker
            .define("a", "memory", memory)
            .map(drop)
            .map_err(wasmi::Error::from),
    );

    let text = r#"(module (memory (export "m") 1) (func (export "f") (result i32) (i32.const 3))
        (global (export "g") i32 (i32.const 1)) (table (export "t") 1 funcref))"#;
    let instance = linker
        .instantiate_and_start(&mut store, &module(&engine, text))
        .expect("it has no imports");
    notes.outcome(
        "instance",
        linker.instance(&mut store, "named", instance).map(drop),
    );
    for name in ["m", "f", "g", "t"] {
        notes.note(
            format!("named {name}"),
            kind(linker.get(&store, "named", name), &store),
        );
    }
    notes.outcome(
        "instance again",
        linker.instance(&mut store, "named", instance).map(drop),
    );
    notes.outcome("alias", linker.alias_module("named", "alias"));
    notes.note("by alias", kind(linker.get(&store, "alias", "f"), &store));
    notes.outcome("alias again", linker.alias_module("named", "alias"));
    notes.outcome("alias of nothing", linker.alias_module("missing", "else"));
    let text = r#"(module (import "alias" "f" (func $f (result i32))) (import "named" "m" (memory 1))
        (func (export "twice") (result i32) (i32.mul (call $f) (i32.const 2))))"#;
    let user = linker
        .instantiate_and_start(&mut store, &module(&engine, text))
        .expect("all is defined");
    let twice = user
        .get_typed_func::<(), i32>(&store, "twice")
        .expect("a function");
    notes.outcome("through the alias", twice.call(&mut store, ()));
    // A function of the host that a linker made is one for each store.
    if let Some(Extern::Func(wrap)) = linker.get(&store, "a", "wrap") {
        let mut results = [Val::I32(0), Val::I32(0)];
        notes.outcome(
            "call what was got",
            wrap.call(&mut store, &[Val::I32(1), Val::I64(2)], &mut results),
        );
        notes.debug("call what was got: results", results);
    }
    notes.debug("same engine", Engine::same(linker.engine(), &engine));
}
