//! The README's demo: compile a module to an artifact, run it cold and cached, and show the time
//! beside an interpreter's.

use anyhow::{Context, Result, ensure};
use std::{
    env, fs,
    path::Path,
    time::{Duration, Instant},
};
use wasmelt::{Cache, Config, Engine, Linker, Module, Origin, Store};

const WASM_TEXT: &str = include_str!("primes.wat");
const BOUND: i32 = 200_000;
const CALLS: u32 = 50;

fn main() -> Result<()> {
    let folder = Path::new("target/demo");
    fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;

    let artifact_path = folder.join("primes.so");
    let (artifact, compile_time) =
        timed(|| Module::compile(&Engine::default(), WASM_TEXT.as_bytes()))?;
    fs::write(&artifact_path, &artifact)
        .with_context(|| format!("cannot write {}", artifact_path.display()))?;
    println!(
        "compiled examples/primes.wat to {} ({} bytes) in {compile_time:.1?}",
        artifact_path.display(),
        artifact.len(),
    );

    // A cache of its own, so that the first run is cold every time.
    let cache_folder = env::temp_dir().join(format!("wasmelt-demo-{}", std::process::id()));
    let result = compare(&cache_folder);
    fs::remove_dir_all(&cache_folder).ok();
    result
}

fn compare(cache_folder: &Path) -> Result<()> {
    println!("\ncount_primes({BOUND}), {CALLS} times:");
    println!(
        "{:<28}{:>12}{:>12}{:>10}",
        "", "ready in", "runs in", "primes"
    );
    let (cold, origin) = run_wasmelt(cache_folder)?;
    ensure!(origin == Origin::Compiled, "the first run compiles");
    cold.print("wasmelt, cold");
    let (cached, origin) = run_wasmelt(cache_folder)?;
    ensure!(
        origin == Origin::Cache,
        "the second run finds the artifact in the cache"
    );
    cached.print("wasmelt, from its cache");
    let interpreted = run_wasmi()?;
    interpreted.print("wasmi 2.0, an interpreter");
    ensure!(
        cold.primes == interpreted.primes && cached.primes == interpreted.primes,
        "they differ"
    );
    let ratio = interpreted.run_time.as_secs_f64() / cached.run_time.as_secs_f64();
    println!("\nthe compiled module ran {ratio:.1} times as fast as the interpreted one");
    Ok(())
}

/// What one way of running the module took.
struct Run {
    ready_time: Duration,
    run_time: Duration,
    primes: i32,
}

impl Run {
    fn print(&self, name: &str) {
        let (ready, run) = (
            format!("{:.1?}", self.ready_time),
            format!("{:.1?}", self.run_time),
        );
        println!("{name:<28}{ready:>12}{run:>12}{:>10}", self.primes);
    }
}

fn run_wasmelt(cache_folder: &Path) -> Result<(Run, Origin)> {
    let mut config = Config::default();
    config.cache(Cache::open(cache_folder)?);
    let engine = Engine::new(&config);
    let (module, ready_time) = timed(|| Module::new(&engine, WASM_TEXT))?;
    let mut store = Store::new(&engine, ());
    let instance = Linker::new(&engine).instantiate_and_start(&mut store, &module)?;
    let count_primes = instance.get_typed_func::<i32, i32>(&store, "count_primes")?;
    let (primes, run_time) = timed(|| repeat(|| count_primes.call(&mut store, BOUND)))?;
    Ok((
        Run {
            ready_time,
            run_time,
            primes,
        },
        module.origin(),
    ))
}

fn run_wasmi() -> Result<Run> {
    let engine = wasmi::Engine::default();
    let (module, ready_time) = timed(|| wasmi::Module::new(&engine, WASM_TEXT))?;
    let mut store = wasmi::Store::new(&engine, ());
    let instance = wasmi::Linker::new(&engine).instantiate_and_start(&mut store, &module)?;
    let count_primes = instance.get_typed_func::<i32, i32>(&store, "count_primes")?;
    let (primes, run_time) = timed(|| repeat(|| count_primes.call(&mut store, BOUND)))?;
    Ok(Run {
        ready_time,
        run_time,
        primes,
    })
}

fn repeat<E>(mut call: impl FnMut() -> Result<i32, E>) -> Result<i32, E> {
    let mut primes = 0;
    for _ in 0..CALLS {
        primes = call()?;
    }
    Ok(primes)
}

fn timed<T, E>(work: impl FnOnce() -> Result<T, E>) -> Result<(T, Duration), E> {
    let start = Instant::now();
    let value = work()?;
    Ok((value, start.elapsed()))
}
