//! The shortest way to run a module: compile in process, instantiate, call.

use anyhow::Result;
use wasmelt::{Engine, Linker, Module, Store};

fn main() -> Result<()> {
    let engine = Engine::default();
    let module = Module::new(&engine, include_bytes!("primes.wat"))?;
    let mut store = Store::new(&engine, ());
    let instance = Linker::new(&engine).instantiate_and_start(&mut store, &module)?;
    let count_primes = instance.get_typed_func::<i32, i32>(&store, "count_primes")?;
    println!("{} primes below 1000", count_primes.call(&mut store, 1000)?);
    Ok(())
}
