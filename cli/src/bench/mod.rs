//! The verb `bench`: times the steps of a module's life beside an interpreter's.
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "times and counts of calls, for people"
)]

mod engines;
mod page;
mod report;

use crate::{
    args::Format,
    codegen::CodegenArgs,
    failure::{Exit, Failure, printable_name},
    input::Input,
    output::{self, Output},
    run::{self, arguments::results_text},
};
use clap::ValueEnum;
use engines::{Engine, Instance, Module, on_wasmelt, on_wasmi};
use report::{EngineReport, Report, StepTime};
use std::{path::PathBuf, time::Duration};
use wasmelt::Val;
use wasmelt_abi::{FuncType, ValType};
use wasmelt_compiler::{CompileOptions, Container, compile, recognise};
use wasmelt_measure::{clock::Clock, repeats_for, stats};

const EXAMPLES: &str = "\
Examples:
  wasmelt bench module.wasm --invoke f 100              after how many calls compiling has paid
  wasmelt bench module.wasm --html f.html --invoke f    bars and the break-even curve
  wasmelt bench module.wat --json f.json --engines wasmelt --cpu native --invoke f

Each engine compiles (or translates), loads what it stored, instantiates and calls; steps are timed
apart, in turns, by processor time. Results are compared before anything is timed. For a module that
imports nothing. Options stand before ARGS.";

/// Arguments of `wasmelt bench`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct BenchArgs {
    /// A module, binary or text; `-` is standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// The exported function to call
    #[arg(long, value_name = "NAME")]
    invoke: String,

    /// Arguments of the call
    #[arg(value_name = "ARGS", allow_hyphen_values = true)]
    arguments: Vec<String>,

    /// The engines to compare
    #[arg(long, value_name = "ENGINE,…", value_delimiter = ',', default_values = ["wasmelt", "wasmi"])]
    engines: Vec<Name>,

    /// Samples of each step
    #[arg(long, value_name = "N", default_value_t = 15, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    rounds: u32,

    /// Write a page with bars and the break-even curve
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,

    /// Write all figures
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,

    /// How the result is written on standard output
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    format: Format,

    #[command(flatten)]
    codegen: CodegenArgs,
}

/// An engine's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Name {
    /// This compiler
    Wasmelt,
    /// An interpreter
    Wasmi,
}

/// A sample takes about so long, if its work can be repeated.
const SAMPLE_TIME: Duration = Duration::from_millis(2);

/// Measures, prints, and writes the files.
pub(crate) fn run(args: &BenchArgs) -> Result<(), Failure> {
    let input = Input::read(&args.file)?;
    let name = input.name.clone();
    if recognise(&input.bytes) == Container::Elf {
        return Err(Failure::refused_because(
            name,
            "this is an artifact: give the module, which is compiled here as well",
        ));
    }
    // Where they cannot be written, nothing needs to be measured.
    let prepare = |path: &PathBuf| Output::prepare(path, None);
    let html = args.html.as_ref().map(prepare).transpose()?;
    let json = args.json.as_ref().map(prepare).transpose()?;
    let wasm = input.into_binary()?;
    let mut report = args.measure(&name, &wasm)?;
    report.find_break_even();
    if let Some(html) = html {
        html.write(page::page(&report).as_bytes())?;
    }
    if let Some(json) = json {
        json.write(&output::to_json(&report))?;
    }
    match args.format {
        Format::Human => output::print(&report.table()),
        Format::Json => output::print_json(&report),
    }
}

impl BenchArgs {
    fn measure(&self, file: &str, wasm: &[u8]) -> Result<Report, Failure> {
        let config = run::config(&self.codegen)?;
        let arch =
            wasmelt_abi::Arch::host().ok_or_else(|| Failure::usage("this machine is no target"))?;
        let options: CompileOptions = self.codegen.options(arch).map_err(Failure::usage)?;
        let compiled = compile(wasm, &options)
            .map_err(|error| Failure::refused_because(file, error.to_string()))?;
        let manifest = compiled.manifest();
        run::refuse_imports(file, manifest)?;
        let refuse = |reason: String| Failure::refused_because(file, reason);
        let ty = run::find_function(manifest, &self.invoke).map_err(refuse)?;
        let params = self.params(ty).map_err(refuse)?;
        let engines = self.engines(&config, &options);
        let failed = |engine: &dyn Engine, error: anyhow::Error| {
            let what = format!("{}: {error:#}", engine.name());
            Failure::new(Exit::Guest, file, anyhow::Error::msg(what))
        };

        // Everything works, and gives the same, before it is timed.
        let mut expected: Option<(&str, Vec<u64>)> = None;
        let mut lanes = Vec::new();
        for engine in &engines {
            let engine = engine.as_ref();
            let lane = Lane::new(engine, wasm, &self.invoke, &params)
                .map_err(|error| failed(engine, error))?;
            let (first, results) =
                expected.get_or_insert_with(|| (engine.name(), lane.results.clone()));
            if *results != lane.results {
                let what = format!("{first} and {} give different results", engine.name());
                return Err(Failure::new(Exit::Guest, file, anyhow::Error::msg(what)));
            }
            lanes.push(lane);
        }
        let results = expected.map(|(_, results)| results).unwrap_or_default();

        let mut random = stats::Random::new(1);
        let mut order: Vec<usize> = (0..lanes.len()).collect();
        for _ in 0..self.rounds {
            random.shuffle(&mut order);
            for &index in &order {
                lanes[index]
                    .sample()
                    .map_err(|error| failed(lanes[index].engine, error))?;
            }
        }
        Ok(Report {
            file: printable_name(file),
            wasm_len_bytes: wasm.len(),
            function: format!(
                "{}({})",
                printable_name(&self.invoke),
                self.arguments.join(", ")
            ),
            results: shown(ty, &results),
            method: format!(
                "{} samples of each step, engines in turns; processor time, median [quartiles]; calls in a row on one \
                 instance",
                self.rounds
            ),
            engines: lanes.into_iter().map(Lane::finish).collect(),
            break_even: Vec::new(),
        })
    }

    fn params(&self, ty: &FuncType) -> Result<Vec<(ValType, u64)>, String> {
        let values = run::parse_arguments(&self.arguments, &self.invoke, ty)?;
        let pairs = ty.params.iter().zip(&values);
        Ok(pairs.map(|(ty, value)| (*ty, bits(value))).collect())
    }

    fn engines(&self, config: &wasmelt::Config, options: &CompileOptions) -> Vec<Box<dyn Engine>> {
        let mut names = self.engines.clone();
        names.dedup();
        names
            .into_iter()
            .map(|name| -> Box<dyn Engine> {
                match name {
                    Name::Wasmelt => Box::new(on_wasmelt::Configured {
                        engine: wasmelt::Engine::new(config),
                        settings: format!(
                            "{}, optimisation {}, {}, bounds {}",
                            env!("CARGO_PKG_VERSION"),
                            options.codegen.opt_level,
                            options.cpu_level.name(),
                            options.codegen.bounds
                        ),
                    }),
                    Name::Wasmi => {
                        let mut config = wasmi::Config::default();
                        config.compilation_mode(wasmi::CompilationMode::Eager);
                        Box::new(on_wasmi::Configured {
                            engine: wasmi::Engine::new(&config),
                            settings: "2.0, eager translation".to_owned(),
                        })
                    }
                }
            })
            .collect()
    }
}

/// One engine while it is being measured.
struct Lane<'a> {
    engine: &'a dyn Engine,
    wasm: &'a [u8],
    function: &'a str,
    params: &'a [(ValType, u64)],
    stored: Option<Vec<u8>>,
    module: Box<dyn Module>,
    instance: Box<dyn Instance>,
    results: Vec<u64>,
    /// How often each step is repeated in a sample.
    repeats: [u32; 4],
    samples: [Vec<f64>; 4],
}

impl<'a> Lane<'a> {
    fn new(
        engine: &'a dyn Engine,
        wasm: &'a [u8],
        function: &'a str,
        params: &'a [(ValType, u64)],
    ) -> anyhow::Result<Self> {
        let stored = engine.compile(wasm)?;
        let module = engine.load(wasm, stored.as_deref())?;
        let mut instance = module.instantiate(function)?;
        let results = instance.call(params)?;
        let mut lane = Self {
            engine,
            wasm,
            function,
            params,
            stored,
            module,
            instance,
            results,
            repeats: [1; 4],
            samples: Default::default(),
        };
        for step in 0..4 {
            let once = lane.time(step)?;
            lane.repeats[step] = repeats_for(once, SAMPLE_TIME);
        }
        Ok(lane)
    }

    /// Takes a sample of each step.
    fn sample(&mut self) -> anyhow::Result<()> {
        // Calls may leave things behind: each sample begins with a new instance.
        self.instance = self.module.instantiate(self.function)?;
        for step in 0..4 {
            if step == 1 && self.stored.is_none() {
                continue;
            }
            let taken = self.time(step)?.as_nanos() as f64 / f64::from(self.repeats[step]);
            self.samples[step].push(taken);
        }
        Ok(())
    }

    /// Does a step as often as it is repeated.
    fn time(&mut self, step: usize) -> anyhow::Result<Duration> {
        let clock = if step == 0 {
            Clock::Process
        } else {
            Clock::Thread
        };
        let start = clock.now();
        for _ in 0..self.repeats[step] {
            match step {
                0 => drop(self.engine.compile(self.wasm)?),
                1 => drop(self.engine.load(self.wasm, self.stored.as_deref())?),
                2 => drop(self.module.instantiate(self.function)?),
                _ => drop(self.instance.call(self.params)?),
            }
        }
        Ok(clock.now() - start)
    }

    fn finish(self) -> EngineReport {
        EngineReport {
            name: self.engine.name(),
            settings: self.engine.settings(),
            steps: self.samples.map(|samples| {
                (!samples.is_empty()).then(|| StepTime {
                    median_ns: stats::median(&samples),
                    quartile_low_ns: stats::quantile(&samples, 0.25),
                    quartile_high_ns: stats::quantile(&samples, 0.75),
                })
            }),
        }
    }
}

fn bits(value: &Val) -> u64 {
    match value {
        Val::I32(value) => u64::from(value.cast_unsigned()),
        Val::I64(value) => value.cast_unsigned(),
        Val::F32(value) => u64::from(value.to_bits()),
        Val::F64(value) => value.to_bits(),
        _ => unreachable!("arguments are numbers"),
    }
}

/// Results as `wasmelt run` prints them.
fn shown(ty: &FuncType, results: &[u64]) -> Vec<String> {
    let vals: Vec<Val> = ty
        .results
        .iter()
        .zip(results)
        .map(|(ty, bits)| {
            let low = (*bits & 0xffff_ffff) as u32;
            match ty {
                ValType::I32 => Val::I32(low.cast_signed()),
                ValType::I64 => Val::I64(bits.cast_signed()),
                ValType::F32 => Val::F32(wasmelt::F32::from_bits(low)),
                ValType::F64 => Val::F64(wasmelt::F64::from_bits(*bits)),
            }
        })
        .collect();
    results_text(&vals)
        .into_iter()
        .map(|result| result.value)
        .collect()
}
