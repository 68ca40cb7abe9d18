//! Prints how long `Module::new` takes with wasmi and with wasmelt: a row of a table for each file.
//!
//! `cargo run --release -p wasmelt-twins --example compile_latency -- FILE.wasm…`

use std::hint::black_box;
use std::time::{Duration, Instant};

/// Samples of each; taken in turns, and the median counts.
const ROUNDS: usize = 7;

macro_rules! compile_time {
    ($crate_name:path, |$config:ident| $configure:expr) => {{
        use $crate_name as engine;

        |wasm: &[u8]| {
            let mut $config = engine::Config::default();
            $configure;
            let engine = engine::Engine::new(&$config);
            let start = Instant::now();
            black_box(engine::Module::new(&engine, wasm).expect("both accept the module"));
            start.elapsed()
        }
    }};
}

fn main() {
    use wasmelt_twins::wasmi::OptLevel;

    let wasmi = compile_time!(wasmelt_twins_oracle::wasmi, |config| {
        config.compilation_mode(wasmelt_twins_oracle::wasmi::CompilationMode::Eager)
    });
    // One thread, so that the clock shows what is done.
    let speed = compile_time!(wasmelt_twins::wasmi, |config| config.compile_threads(1));
    let none = compile_time!(wasmelt_twins::wasmi, |config| config
        .compile_threads(1)
        .opt_level(OptLevel::None));
    println!("| module | bytes | wasmi | wasmelt | | wasmelt, `OptLevel::None` | |");
    println!("|---|---|---|---|---|---|---|");
    for path in std::env::args().skip(1) {
        let wasm = std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
        let mut samples: [Vec<Duration>; 3] = Default::default();
        for _ in 0..ROUNDS {
            samples[0].push(wasmi(&wasm));
            samples[1].push(speed(&wasm));
            samples[2].push(none(&wasm));
        }
        let [wasmi, speed, none] = samples.map(|mut samples| {
            samples.sort();
            samples[ROUNDS / 2].as_secs_f64() * 1e3
        });
        println!(
            "| {path} | {} | {wasmi:.3} ms | {speed:.1} ms | {:.0} × | {none:.1} ms | {:.0} × |",
            wasm.len(),
            speed / wasmi,
            none / wasmi
        );
    }
}
