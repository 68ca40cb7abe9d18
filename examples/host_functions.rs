//! Host functions: they read the caller's memory, keep state in the store, and can stop the guest.

use anyhow::{Result, bail};
use wasmelt::{Caller, Engine, Error, Extern, Linker, Module, Store};

/// The guest logs two messages, the second one at an address outside its memory.
const GUEST: &str = r#"
    (module
        (import "host" "log" (func $log (param i32 i32)))
        (memory (export "memory") 1)
        (data (i32.const 8) "hello from wasm")
        (func (export "run")
            (call $log (i32.const 8) (i32.const 15))
            (call $log (i32.const -1) (i32.const 15))))
"#;

/// What the host keeps per store.
#[derive(Default)]
struct Host {
    messages: Vec<String>,
}

fn log(mut caller: Caller<'_, Host>, address: i32, len_bytes: i32) -> Result<(), Error> {
    let Some(Extern::Memory(memory)) = caller.get_export("memory") else {
        return Err(Error::new("the guest exports no memory"));
    };
    let (address, len_bytes) = (
        address.cast_unsigned() as usize,
        len_bytes.cast_unsigned() as usize,
    );
    let (bytes, host) = memory.data_and_store_mut(&mut caller);
    let message = bytes
        .get(address..address.saturating_add(len_bytes))
        .ok_or_else(|| Error::new(format!("message at {address:#x} is outside the memory")))?;
    host.messages
        .push(String::from_utf8_lossy(message).into_owned());
    Ok(())
}

fn main() -> Result<()> {
    let engine = Engine::default();
    let module = Module::new(&engine, GUEST)?;
    let mut linker = Linker::new(&engine);
    linker.func_wrap("host", "log", log)?;
    let mut store = Store::new(&engine, Host::default());
    let instance = linker.instantiate_and_start(&mut store, &module)?;
    let run = instance.get_typed_func::<(), ()>(&store, "run")?;
    let Err(error) = run.call(&mut store, ()) else {
        bail!("the second message is refused")
    };
    println!(
        "the guest logged {:?} and was then stopped:\n{error}",
        store.data().messages
    );
    Ok(())
}
