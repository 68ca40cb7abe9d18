//! Runs an artifact in a program without a compiler: `load-only FILE.so DIGEST`.
//!
//! The digest says which code is trusted; it must come from whoever compiled the file, not from
//! the file.

use anyhow::{Context, Result};
use std::{env, path::Path};
use wasmelt::{Engine, Linker, Module, Store, Trust};

fn main() -> Result<()> {
    let mut args = env::args().skip(1);
    let (Some(path), Some(digest)) = (args.next(), args.next()) else {
        anyhow::bail!("usage: load-only FILE.so DIGEST");
    };
    let digest = blake3::Hash::from_hex(digest).context("a digest is 64 hexadecimal digits")?;
    let engine = Engine::default();
    let module = Module::load(&engine, Path::new(&path), &Trust::Digest(digest.into()))?;
    let mut store = Store::new(&engine, ());
    let instance = Linker::new(&engine).instantiate_and_start(&mut store, &module)?;
    let count_primes = instance.get_typed_func::<i32, i32>(&store, "count_primes")?;
    println!(
        "{} primes below 1000000",
        count_primes.call(&mut store, 1_000_000)?
    );
    Ok(())
}
