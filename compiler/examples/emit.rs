//! Compiles a module to a shared object: `emit IN.wasm OUT.so`.

use std::{env, error::Error, fs, time::Instant};
use wasmelt_compiler::{CompileOptions, compile};

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = env::args().collect();
    let [_, input, output] = args.as_slice() else {
        return Err("usage: emit IN.wasm OUT.so".into());
    };
    let wasm = wat::parse_file(input)?;
    let start = Instant::now();
    let module = compile(&wasm, &CompileOptions::default())?;
    let artifact = module.shared_object();
    println!(
        "{} functions, {} -> {} bytes, {:?}",
        module.function_sizes().len(),
        wasm.len(),
        artifact.len(),
        start.elapsed()
    );
    fs::write(output, artifact)?;
    Ok(())
}
