//! Stores, engines and fuel.

use super::Notes;
use super::notes::module;
use wasmi::errors::ErrorKind;
use wasmi::{
    AsContext, AsContextMut, Caller, Config, Engine, Linker, Store, StoreContextMut, TrapCode,
};

fn double(mut context: StoreContextMut<'_, u32>) -> u32 {
    *context.data_mut() *= 2;
    *context.data()
}

pub(crate) fn run(notes: &mut Notes) {
    let engine = Engine::default();
    let weak = engine.weak();
    let same = weak
        .upgrade()
        .is_some_and(|other| Engine::same(&engine, &other));
    notes.debug("weak", same);
    notes.debug("other engine", Engine::same(&engine, &Engine::default()));
    let mut store = Store::new(&engine, 4_u32);
    notes.debug("store's engine", Engine::same(store.engine(), &engine));
    *store.data_mut() += 1;
    notes.debug("context", double(store.as_context_mut()));
    notes.debug(
        "contexts",
        (
            *store.as_context().data(),
            Engine::same(store.as_context().engine(), &engine),
        ),
    );
    notes.debug("reference", *store.as_context().data());
    notes.debug("into data", store.into_data());
    notes.debug("default", *Store::<u64>::default().data());
    drop(engine);
    notes.debug("weak at last", weak.upgrade().is_some());
    notes.debug("of a dead engine", {
        let weak = Engine::default().weak();
        weak.upgrade().is_some()
    });
    let other = Store::new(&Engine::default(), ());
    let mut store = Store::new(&Engine::default(), ());
    let memory = wasmi::Memory::new(&mut store, wasmi::MemoryType::new(1, None)).expect("small");
    notes.panics("a memory of another store", || memory.size(&other));
}

const TEXT: &str = r#"(module (import "host" "fuel" (func $fuel (param i64)))
    (func (export "loop") (loop (br 0)))
    (func (export "little") (result i32) (i32.add (i32.const 1) (i32.const 2)))
    (func (export "take") (param i64) (call $fuel (local.get 0))))"#;

pub(crate) fn run_fuel(notes: &mut Notes) {
    for enable in [false, true] {
        let mut config = Config::default();
        config.consume_fuel(enable);
        let engine = Engine::new(&config);
        let mut store = Store::new(&engine, ());
        let key = |what: &str| format!("fuel {enable}: {what}");
        notes.outcome(&key("get"), store.get_fuel());
        notes.outcome(&key("set"), store.set_fuel(1_000));
        notes.outcome(&key("get again"), store.get_fuel());
        let mut linker = <Linker<()>>::new(&engine);
        linker
            .func_wrap(
                "host",
                "fuel",
                |mut caller: Caller<'_, ()>, fuel: u64| -> Result<(), wasmi::Error> {
                    caller.get_fuel()?;
                    caller.set_fuel(fuel)
                },
            )
            .expect("a new name");
        let instance = linker
            .instantiate_and_start(&mut store, &module(&engine, TEXT))
            .expect("all is defined");
        let little = instance
            .get_typed_func::<(), i32>(&store, "little")
            .expect("a function");
        notes.outcome(&key("little"), little.call(&mut store, ()));
        let take = instance
            .get_typed_func::<u64, ()>(&store, "take")
            .expect("a function");
        notes.outcome(&key("set by the host function"), take.call(&mut store, 70));
        notes.debug(
            key("something is left"),
            store.get_fuel().is_ok_and(|fuel| fuel <= 70 && fuel > 0),
        );
        if enable {
            let endless = instance
                .get_typed_func::<(), ()>(&store, "loop")
                .expect("a function");
            let error = endless.call(&mut store, ()).expect_err("it is endless");
            notes.debug(key("trap"), error.as_trap_code());
            notes.debug(
                key("trap kind"),
                matches!(error.kind(), ErrorKind::TrapCode(TrapCode::OutOfFuel)),
            );
            notes.outcome(
                &key("none is left"),
                little
                    .call(&mut store, ())
                    .map_err(|error| wasmi::Error::new(format!("{:?}", error.as_trap_code()))),
            );
            notes.outcome(
                &key("more is given"),
                store
                    .set_fuel(1_000)
                    .and_then(|()| little.call(&mut store, ())),
            );
        }
    }
}
