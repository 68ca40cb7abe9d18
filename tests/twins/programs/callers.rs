//! What a host function sees of its caller: the guest's exports, or nothing if the host itself calls.

use super::Notes;
use super::notes::module;
use wasmi::{AsContext, AsContextMut, Caller, Engine, Error, Extern, Func, Linker, Store, Val};

type Log = Vec<String>;

fn look(mut caller: Caller<'_, Log>, note: i32) -> Result<i32, Error> {
    let mut line = format!("note {note}:");
    for name in ["memory", "look", "other", "table", "global", ""] {
        let kind = match caller.get_export(name) {
            None => "none",
            Some(Extern::Func(_)) => "func",
            Some(Extern::Memory(_)) => "memory",
            Some(Extern::Table(_)) => "table",
            Some(Extern::Global(_)) => "global",
        };
        line.push_str(&format!(" {name}={kind}"));
    }
    if let Some(Extern::Memory(memory)) = caller.get_export("memory") {
        let (data, log) = memory.data_and_store_mut(&mut caller);
        data[0] += 1;
        log.push(format!("first byte {}", data[0]));
    }
    caller.data_mut().push(line);
    Ok(note + 1)
}

pub(crate) fn run(notes: &mut Notes) {
    let engine = Engine::default();
    let mut store = Store::new(&engine, Log::new());
    let look = Func::wrap(&mut store, look);
    let mut linker = <Linker<Log>>::new(&engine);
    linker.define("host", "look", look).expect("a new name");
    let again = Func::wrap(
        &mut store,
        |mut caller: Caller<'_, Log>| -> Result<(), Error> {
            // The host calls the guest again, which calls the host again.
            if let Some(Extern::Func(func)) = caller.get_export("other") {
                let mut result = [Val::I32(0)];
                func.call(&mut caller, &[], &mut result)?;
                caller.data_mut().push(format!("again {result:?}"));
            }
            Ok(())
        },
    );
    linker.define("host", "again", again).expect("a new name");
    let text = r#"(module
        (import "host" "look" (func $look (param i32) (result i32)))
        (import "host" "again" (func $again))
        (memory (export "memory") 1) (table (export "table") 1 funcref)
        (global (export "global") i32 (i32.const 5))
        (export "look" (func $look)) (export "again" (func $again))
        (func (export "other") (result i32) (call $look (i32.const 7)))
        (func (export "nested") (call $again)))"#;
    let instance = linker
        .instantiate_and_start(&mut store, &module(&engine, text))
        .expect("all is defined");
    for name in ["other", "look", "nested", "again"] {
        let func = instance.get_func(&store, name).expect(name);
        let ty = func.ty(&store);
        let params: Vec<_> = ty.params().iter().map(|_| Val::I32(1)).collect();
        let mut results: Vec<_> = ty.results().iter().map(|_| Val::I32(0)).collect();
        notes.outcome(name, func.call(&mut store, &params, &mut results));
        notes.debug(format!("{name}: results"), results);
        notes.debug(format!("{name}: log"), std::mem::take(store.data_mut()));
    }
    // The host calls a host function that no guest has.
    let mut result = [Val::I32(0)];
    notes.outcome(
        "host alone",
        look.call(&mut store, &[Val::I32(2)], &mut result),
    );
    notes.debug("host alone: log", store.data());
    let mut context = store.as_context_mut();
    context.data_mut().clear();
    notes.debug("context", context.as_context().data());
}
