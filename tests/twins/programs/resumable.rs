//! Calls that stop at a host's error or without fuel, and are resumed.

use super::Notes;
use super::notes::module;
use wasmi::{
    Caller, Config, Engine, Error, Func, Instance, Linker, ResumableCall, Store,
    TypedResumableCall, Val,
};

const TEXT: &str = r#"(module (import "host" "ask" (func $ask (param i32) (result i32)))
    (func (export "run") (param i32) (result i32)
        (i32.add (call $ask (local.get 0)) (call $ask (i32.add (local.get 0) (i32.const 1)))))
    (func (export "trap") (result i32) (drop (call $ask (i32.const 7))) unreachable)
    (func (export "work") (param i32) (result i32) (local i32)
        (loop (local.set 1 (i32.add (local.get 1) (local.get 0)))
            (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
        (local.get 1)))"#;

fn setup(fuel: bool) -> (Store<u32>, Instance) {
    let mut config = Config::default();
    config.consume_fuel(fuel);
    let engine = Engine::new(&config);
    let mut store = Store::new(&engine, 0);
    let mut linker = <Linker<u32>>::new(&engine);
    linker
        .func_wrap(
            "host",
            "ask",
            |mut caller: Caller<'_, u32>, number: i32| -> Result<i32, Error> {
                *caller.data_mut() += 1;
                Err(Error::i32_exit(number))
            },
        )
        .expect("a new name");
    let instance = linker
        .instantiate_and_start(&mut store, &module(&engine, TEXT))
        .expect("all is defined");
    (store, instance)
}

/// Answers each question with ten times its number, and notes what it is told.
fn answer(
    notes: &mut Notes,
    key: &str,
    store: &mut Store<u32>,
    func: Func,
    params: &[Val],
    wrong: bool,
) {
    let mut results = [Val::I64(1)];
    let mut outcome = func.call_resumable(&mut *store, params, &mut results);
    for step in 0.. {
        let key = format!("{key}, step {step}");
        outcome = match outcome {
            Ok(ResumableCall::HostTrap(call)) => {
                notes.error(&key, call.host_error());
                notes.debug(format!("{key}: function"), call.host_func().ty(&*store));
                let number = call.host_error().i32_exit_status().unwrap_or_default();
                let values = if wrong {
                    vec![Val::I64(0)]
                } else {
                    vec![Val::I32(number * 10)]
                };
                call.resume(&mut *store, &values, &mut results)
            }
            Ok(ResumableCall::OutOfFuel(_)) => return notes.note(key, "out of fuel"),
            Ok(ResumableCall::Finished) => return notes.debug(key, results),
            Err(error) => return notes.error(&key, &error),
        };
    }
}

pub(crate) fn run(notes: &mut Notes) {
    let (mut store, instance) = setup(false);
    let func = |store: &Store<u32>, name: &str| instance.get_func(store, name).expect("a function");
    let (run, trap, work) = (
        func(&store, "run"),
        func(&store, "trap"),
        func(&store, "work"),
    );
    answer(
        notes,
        "two questions",
        &mut store,
        run,
        &[Val::I32(3)],
        false,
    );
    answer(notes, "wrong type", &mut store, run, &[Val::I32(3)], true);
    answer(notes, "trap at last", &mut store, trap, &[], false);
    answer(
        notes,
        "no question",
        &mut store,
        work,
        &[Val::I32(4)],
        false,
    );
    answer(notes, "wrong parameters", &mut store, work, &[], false);
    notes.debug("calls of the host", *store.data());
    let typed = run.typed::<i32, i32>(&store).expect("it fits");
    match typed.call_resumable(&mut store, 5) {
        Ok(TypedResumableCall::HostTrap(call)) => {
            notes.error("typed", call.host_error());
            match call.resume(&mut store, &[Val::I32(1)]) {
                Ok(TypedResumableCall::HostTrap(call)) => {
                    notes.error("typed again", call.host_error())
                }
                other => notes.debug("typed again", other.is_ok()),
            }
        }
        other => notes.debug("typed", other.is_ok()),
    }
    run_fuel(notes);
}

fn run_fuel(notes: &mut Notes) {
    let (mut store, instance) = setup(true);
    store.set_fuel(500).expect("fuel is metered");
    let work = instance
        .get_typed_func::<i32, i32>(&store, "work")
        .expect("a function");
    let mut outcome = work.call_resumable(&mut store, 1_000);
    let mut times = 0;
    loop {
        outcome = match outcome {
            Ok(TypedResumableCall::OutOfFuel(call)) => {
                times += 1;
                let fuel = store.get_fuel().expect("fuel is metered") + call.required_fuel();
                store.set_fuel(fuel).expect("fuel is metered");
                call.resume(&mut store)
            }
            Ok(TypedResumableCall::Finished(result)) => {
                notes.debug("with what it lacks", (result, times > 1));
                break;
            }
            Ok(TypedResumableCall::HostTrap(_)) => {
                notes.note("fuel", "a host's error");
                break;
            }
            Err(error) => {
                notes.error("fuel", &error);
                break;
            }
        }
    }
}
