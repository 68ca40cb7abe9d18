//! The sequence in which a call hook is called, and what its errors do.

use super::Notes;
use super::notes::module;
use wasmi::{CallHook, Caller, Engine, Error, Extern, Func, Linker, Store};

#[derive(Default)]
struct Host {
    log: Vec<String>,
    fail_at: Option<usize>,
}

pub(crate) fn run(notes: &mut Notes) {
    let engine = Engine::default();
    let text = r#"(module
        (import "host" "f" (func $f)) (import "host" "nest" (func $nest))
        (func (export "once") (call $f)) (func (export "none")) (func (export "twice") (call $f) (call $f))
        (func (export "trap") (call $f) unreachable) (func (export "nested") (call $nest))
        (export "f" (func $f)))"#;
    let module = module(&engine, text);
    for fail_at in [None, Some(1), Some(2), Some(3), Some(4)] {
        for name in ["none", "once", "twice", "trap", "nested", "f"] {
            let mut store = Store::new(&engine, Host::default());
            let mut linker = <Linker<Host>>::new(&engine);
            linker
                .func_wrap("host", "f", |mut caller: Caller<'_, Host>| {
                    caller.data_mut().log.push("host".into())
                })
                .and_then(|linker| {
                    linker.func_wrap(
                        "host",
                        "nest",
                        |mut caller: Caller<'_, Host>| -> Result<(), Error> {
                            let once = caller.get_export("once").and_then(Extern::into_func);
                            once.expect("it is exported")
                                .call(&mut caller, &[], &mut [])
                        },
                    )
                })
                .expect("new names");
            let instance = linker
                .instantiate_and_start(&mut store, &module)
                .expect("all is defined");
            store.data_mut().fail_at = fail_at;
            store.call_hook(|host, hook: CallHook| {
                host.log.push(format!("{hook:?}"));
                match host.fail_at {
                    Some(at) if host.log.len() >= at => Err(Error::new("hook")),
                    _ => Ok(()),
                }
            });
            let key = format!("{name}, fails at {fail_at:?}");
            let func = instance.get_func(&store, name).expect(name);
            notes.outcome(&key, func.call(&mut store, &[], &mut []));
            notes.debug(format!("{key}: sequence"), &store.data().log);
        }
    }
    let mut store = Store::new(&engine, Host::default());
    store.call_hook(|host, hook| {
        host.log.push(format!("{hook:?}"));
        Ok(())
    });
    let func = Func::wrap(&mut store, || ());
    notes.outcome("host calls host", func.call(&mut store, &[], &mut []));
    notes.debug("host calls host: sequence", &store.data().log);
}
