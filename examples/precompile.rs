//! Compiles a module to an artifact file and prints its digest, for `load-only` to run:
//! `precompile OUT.so`.

use anyhow::{Context, Result};
use std::{env, fs};
use wasmelt::{Engine, Module};
use wasmelt_loader::inspect;

fn main() -> Result<()> {
    let output = env::args().nth(1).context("usage: precompile OUT.so")?;
    let artifact = Module::compile(&Engine::default(), include_bytes!("primes.wat"))?;
    fs::write(&output, &artifact).with_context(|| format!("cannot write {output}"))?;
    println!(
        "{}",
        blake3::Hash::from_bytes(inspect(&artifact)?.descriptor.digest)
    );
    Ok(())
}
