//! Runs a module that is linked into the program as an object: no file, no cache, no compiler.
//!
//! ```console
//! wasmelt compile examples/primes.wat --emit obj -o primes.o
//! WASMELT_OBJECT=$PWD/primes.o cargo run --features wasmelt-examples/linked --bin linked
//! ```

#![allow(unsafe_code, reason = "the linker, not rustc, knows the symbol")]

use anyhow::Result;
use wasmelt::{Engine, Linker, Module, StaticDescriptor, Store};

// SAFETY: `wasmelt compile --emit obj` writes an object that exports the symbol with this type;
// `--symbol` gives it another name, so that one program can have several.
unsafe extern "C" {
    safe static wasmelt_module: StaticDescriptor;
}

fn main() -> Result<()> {
    let engine = Engine::default();
    let module = Module::from_static(&engine, &wasmelt_module)?;
    let mut store = Store::new(&engine, ());
    let instance = Linker::new(&engine).instantiate_and_start(&mut store, &module)?;
    let count_primes = instance.get_typed_func::<i32, i32>(&store, "count_primes")?;
    println!("{} primes below 1000", count_primes.call(&mut store, 1000)?);
    Ok(())
}
