//! Imports that fit and that do not, and start functions.

use super::Notes;
use super::notes::module;
use wasmi::{
    Config, Engine, Extern, Func, Global, Instance, Linker, Memory, MemoryType, Module, Mutability,
    Ref, RefType, Store, Table, TableType, Val,
};

pub(crate) fn run(notes: &mut Notes) {
    let engine = Engine::default();
    let mut store = Store::new(&engine, ());
    let externs: [(&str, Extern); 6] = [
        ("func", Func::wrap(&mut store, |a: i32| a).into()),
        ("other func", Func::wrap(&mut store, |a: i64| a).into()),
        (
            "memory",
            Memory::new(&mut store, MemoryType::new(1, Some(3)))
                .expect("small")
                .into(),
        ),
        (
            "table",
            Table::new(
                &mut store,
                TableType::new(RefType::Func, 2, Some(4)),
                Ref::null(RefType::Func),
            )
            .expect("small")
            .into(),
        ),
        (
            "const global",
            Global::new(&mut store, Val::I32(1), Mutability::Const).into(),
        ),
        (
            "mut global",
            Global::new(&mut store, Val::I32(1), Mutability::Var).into(),
        ),
    ];
    let imports = [
        "(func (param i32) (result i32))",
        "(func)",
        "(memory 1 3)",
        "(memory 1)",
        "(memory 2)",
        "(memory 1 2)",
        "(table 2 4 funcref)",
        "(table 1 funcref)",
        "(table 3 funcref)",
        "(table 2 3 funcref)",
        "(global i32)",
        "(global (mut i32))",
        "(global f32)",
    ];
    for import in imports {
        let module = module(&engine, &format!(r#"(module (import "a" "b" {import}))"#));
        for (name, item) in &externs {
            let key = format!("{import} given {name}");
            notes.outcome(&key, Instance::new(&mut store, &module, &[*item]).map(drop));
            let mut linker = <Linker<()>>::new(&engine);
            linker.define("a", "b", *item).expect("a new name");
            let outcome = linker.instantiate_and_start(&mut store, &module);
            notes.outcome(&format!("{key} by a linker"), outcome.map(drop));
        }
        notes.outcome(
            &format!("{import} given nothing"),
            Instance::new(&mut store, &module, &[]).map(drop),
        );
        let linker = <Linker<()>>::new(&engine);
        let outcome = linker.instantiate_and_start(&mut store, &module);
        notes.outcome(&format!("{import} not defined"), outcome.map(drop));
    }
    let none = module(&engine, "(module)");
    notes.outcome(
        "one too many",
        Instance::new(&mut store, &none, &[externs[0].1]).map(drop),
    );
    for text in [
        r#"(module (table 1 funcref) (elem (i32.const 1) 0) (func))"#,
        r#"(module (memory 1) (data (i32.const 65536) "a"))"#,
        r#"(module (memory 1) (data (i32.const 0) "ok") (data (i32.const -1) "a"))"#,
        r#"(module (memory 0) (data (i32.const 0) ""))"#,
    ] {
        let outcome = Instance::new(&mut store, &module(&engine, text), &[]);
        notes.outcome(text, outcome.map(drop));
    }
}

fn start(config: &Config, text: &str) -> (Store<u32>, Result<Instance, wasmi::Error>) {
    let engine = Engine::new(config);
    let mut store = Store::new(&engine, 0);
    let mut linker = <Linker<u32>>::new(&engine);
    linker
        .func_wrap("host", "count", |mut caller: wasmi::Caller<'_, u32>| {
            *caller.data_mut() += 1
        })
        .expect("a new name");
    let outcome = Module::new(&engine, text)
        .and_then(|module| linker.instantiate_and_start(&mut store, &module));
    (store, outcome)
}

pub(crate) fn run_start(notes: &mut Notes) {
    let texts = [
        r#"(module (import "host" "count" (func $count)) (start $count))"#,
        r#"(module (import "host" "count" (func $count)) (func $s (call $count)) (start $s))"#,
        r#"(module (import "host" "count" (func $count)) (func $s (call $count) unreachable) (start $s))"#,
        r#"(module (import "host" "count" (func)))"#,
    ];
    for allow in [true, false] {
        let mut config = Config::default();
        config.allow_start_fn(allow);
        for text in texts {
            let (store, outcome) = start(&config, text);
            let key = format!("allow {allow}: {text}");
            notes.outcome(&key, outcome.map(drop));
            notes.debug(format!("{key}: calls"), store.data());
        }
    }
}
