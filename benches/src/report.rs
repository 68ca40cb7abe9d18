//! Measures the engines against each other and says so: a table, JSON and a picture.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use clap::Parser;
use serde::Serialize;

use crate::clock::Clock;
use crate::engines::{BASELINE, select_engines};
use crate::kernels::{Category, KERNELS, Kernel, lookup_kernel};
use crate::machine::Machine;
use crate::phases::{Case, Phase, execute_case, fixed_cases};
use crate::picture::picture;
use crate::programs::modules_from;
use crate::sampling::{Effort, sample_interleaved};
use crate::stats::{Estimate, Random, Ratio, geometric_mean, median, quantile, ratio_of_medians};
use crate::table::table;

/// What to measure and where to write it.
#[derive(Clone, Debug, Default, Parser)]
#[command(
    name = "bench-report",
    about = "Compares wasmelt with its peers: ratios of CPU time, engines sampled in turns",
    version
)]
pub struct Options {
    /// Only these kernels of the execute phase; without --phase, no other phase
    #[arg(long, value_name = "KERNEL,…", value_delimiter = ',')]
    pub only: Vec<String>,
    /// Only these engines and variants; an unknown name lists those there are
    #[arg(long, value_name = "ENGINE,…", value_delimiter = ',')]
    pub engines: Vec<String>,
    /// The engine that the others are compared with; it always runs
    #[arg(long, value_name = "ENGINE", default_value = BASELINE)]
    pub baseline: String,
    /// Compile and load these modules as well
    #[arg(long = "module", value_name = "FILE")]
    pub modules: Vec<PathBuf>,
    /// Only these phases
    #[arg(long = "phase", value_name = "PHASE,…", value_delimiter = ',')]
    pub phases: Vec<Phase>,
    /// Fewer and shorter samples
    #[arg(long, conflicts_with = "smoke")]
    pub quick: bool,
    /// Run everything once with tiny inputs: shows that it works, not how fast
    #[arg(long)]
    pub smoke: bool,
    /// Samples of each engine
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    pub rounds: Option<u32>,
    /// Seed of the order in which engines take turns
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Write all figures to this file
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Write a picture of the execute phase to this file
    #[arg(long, value_name = "FILE")]
    pub svg: Option<PathBuf>,
    /// List the kernels and stop
    #[arg(long)]
    pub list: bool,
}

/// Everything that was measured and under which circumstances.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Where and how.
    pub machine: Machine,
    /// The engines, the baseline first.
    pub engines: Vec<EngineReport>,
    /// Samples of each engine.
    pub rounds: u32,
    /// Seed of the order of engines.
    pub seed: u64,
    /// The phases in order.
    pub phases: Vec<PhaseReport>,
}

impl Report {
    /// Name of the engine that the others are compared with.
    #[must_use]
    pub fn baseline(&self) -> &'static str {
        self.engines.first().map_or(BASELINE, |engine| engine.name)
    }
}

/// An engine's identity.
#[derive(Clone, Debug, Serialize)]
pub struct EngineReport {
    /// Its name.
    pub name: &'static str,
    /// Its version.
    pub version: String,
    /// Its settings in words.
    pub settings: String,
}

/// The programs of one phase, and their averages.
#[derive(Clone, Debug, Serialize)]
pub struct PhaseReport {
    /// The phase.
    pub phase: Phase,
    /// Whose time was taken.
    pub clock: Clock,
    /// One entry per program.
    pub programs: Vec<ProgramReport>,
    /// Geometric means of the ratios, for each engine but the baseline.
    pub geometric_means: Vec<GeometricMean>,
}

/// One program on all engines.
#[derive(Clone, Debug, Serialize)]
pub struct ProgramReport {
    /// The kernel's or program's name.
    pub program: String,
    /// A kernel's category.
    pub category: Option<Category>,
    /// Whether the program is mostly calls.
    pub call_dominated: bool,
    /// One entry per engine that took part.
    pub results: Vec<EngineResult>,
}

/// One program on one engine.
#[derive(Clone, Debug, Serialize)]
pub struct EngineResult {
    /// The engine's name.
    pub engine: &'static str,
    /// Median time of one operation.
    pub median_ns: f64,
    /// Lower quartile of the samples.
    pub quartile_low_ns: f64,
    /// Upper quartile of the samples.
    pub quartile_high_ns: f64,
    /// The samples in the order they were taken.
    pub samples_ns: Vec<f64>,
    /// The median relative to the baseline's, with its 95 % interval; 1 for the baseline itself.
    pub ratio: Estimate,
}

/// The average ratio of one engine over the programs of a phase.
#[derive(Clone, Debug, Serialize)]
pub struct GeometricMean {
    /// The engine's name.
    pub engine: &'static str,
    /// Over all programs.
    pub all: Estimate,
    /// Over the programs that are not call-dominated; the same as `all` where none is.
    pub without_call_dominated: Estimate,
}

/// Measures what the options ask for, prints the table to `out` and writes the files.
///
/// # Errors
/// When an option names something unknown, a kernel gives a wrong result on an engine, or a file cannot be written.
pub fn report(options: &Options, out: &mut dyn Write) -> Result<Report> {
    let kernels = select_kernels(&options.only)?;
    let engines = select_engines(&options.engines, &options.baseline)?;
    let phases = select_phases(options);
    ensure!(
        options.svg.is_none() || phases.contains(&Phase::Execute),
        "the picture shows the execute phase, which is not selected"
    );
    let modules = modules_from(&options.modules)?;
    let effort = effort(options);
    let mut report = Report {
        machine: Machine::inspect(),
        engines: engines
            .iter()
            .map(|engine| EngineReport {
                name: engine.name(),
                version: engine.version().text(),
                settings: engine.settings(),
            })
            .collect(),
        rounds: effort.rounds,
        seed: options.seed,
        phases: Vec::new(),
    };
    let mut random = Random::new(options.seed);
    for phase in phases {
        let mut measured = PhaseMeasurement::new(phase, report.baseline());
        if phase == Phase::Execute {
            for &kernel in &kernels {
                let input = if options.smoke {
                    kernel.small
                } else {
                    kernel.timing
                };
                measured.take(execute_case(&engines, kernel, input)?, effort, &mut random)?;
            }
        } else {
            for case in fixed_cases(&engines, phase, &modules)? {
                measured.take(case, effort, &mut random)?;
            }
        }
        report.phases.push(measured.finish());
    }
    out.write_all(table(&report).as_bytes())?;
    if let Some(path) = &options.json {
        let mut json = serde_json::to_string_pretty(&report)?;
        json.push('\n');
        write_file(path, &json)?;
    }
    if let Some(path) = &options.svg {
        write_file(path, &picture(&report))?;
    }
    Ok(report)
}

/// Prints the registry: name, category, inputs, description.
///
/// # Errors
/// When `out` cannot be written.
pub fn list_kernels(out: &mut dyn Write) -> Result<()> {
    for Kernel {
        name,
        category,
        call_dominated,
        about,
        timing,
        ..
    } in KERNELS
    {
        let note = if *call_dominated {
            " (call-dominated)"
        } else {
            ""
        };
        writeln!(
            out,
            "{name:<20} {category:<9} n = {:<9} {about}{note}",
            timing.n
        )?;
    }
    Ok(())
}

/// One phase while it is being measured.
struct PhaseMeasurement {
    phase: Phase,
    baseline: &'static str,
    programs: Vec<ProgramReport>,
    /// Engine, whether the program is call-dominated, ratio.
    ratios: Vec<(&'static str, bool, Ratio)>,
}

impl PhaseMeasurement {
    fn new(phase: Phase, baseline: &'static str) -> Self {
        Self {
            phase,
            baseline,
            programs: Vec::new(),
            ratios: Vec::new(),
        }
    }

    fn take(&mut self, mut case: Case<'_>, effort: Effort, random: &mut Random) -> Result<()> {
        let samples = sample_interleaved(&mut case, effort, random)?;
        let Some(base) = case
            .lanes
            .iter()
            .position(|lane| lane.engine == self.baseline)
        else {
            let baseline = self.baseline;
            bail!("{}/{} does not run on {baseline}", case.phase, case.program);
        };
        let mut results = Vec::with_capacity(samples.len());
        for (lane, taken) in case.lanes.iter().zip(&samples) {
            let ratio = ratio_of_medians(taken, &samples[base], random);
            results.push(EngineResult {
                engine: lane.engine,
                median_ns: median(taken),
                quartile_low_ns: quantile(taken, 0.25),
                quartile_high_ns: quantile(taken, 0.75),
                samples_ns: taken.clone(),
                ratio: ratio.estimate,
            });
            if lane.engine != self.baseline {
                self.ratios.push((lane.engine, case.call_dominated, ratio));
            }
        }
        self.programs.push(ProgramReport {
            program: case.program,
            category: case.category,
            call_dominated: case.call_dominated,
            results,
        });
        Ok(())
    }

    fn finish(self) -> PhaseReport {
        let mut engines: Vec<&'static str> = Vec::new();
        for (engine, ..) in &self.ratios {
            if !engines.contains(engine) {
                engines.push(engine);
            }
        }
        let geometric_means = engines
            .into_iter()
            .map(|engine| {
                let of_engine = || self.ratios.iter().filter(move |(name, ..)| *name == engine);
                let all: Vec<&Ratio> = of_engine().map(|(_, _, ratio)| ratio).collect();
                let others: Vec<&Ratio> = of_engine()
                    .filter(|(_, calls, _)| !calls)
                    .map(|(_, _, ratio)| ratio)
                    .collect();
                let all_mean = geometric_mean(&all);
                GeometricMean {
                    engine,
                    all: all_mean,
                    without_call_dominated: if others.is_empty() {
                        all_mean
                    } else {
                        geometric_mean(&others)
                    },
                }
            })
            .collect();
        PhaseReport {
            phase: self.phase,
            clock: self.phase.clock(),
            programs: self.programs,
            geometric_means,
        }
    }
}

fn select_kernels(names: &[String]) -> Result<Vec<&'static Kernel>> {
    if names.is_empty() {
        return Ok(KERNELS.iter().collect());
    }
    names
        .iter()
        .map(|name| {
            lookup_kernel(name)
                .with_context(|| format!("no kernel `{name}`; --list shows those there are"))
        })
        .collect()
}

fn select_phases(options: &Options) -> Vec<Phase> {
    if !options.phases.is_empty() {
        options.phases.clone()
    } else if !options.only.is_empty() {
        vec![Phase::Execute]
    } else {
        Phase::ALL.to_vec()
    }
}

fn effort(options: &Options) -> Effort {
    let effort = if options.smoke {
        Effort::SMOKE
    } else if options.quick {
        Effort::QUICK
    } else {
        Effort::FULL
    };
    Effort {
        rounds: options.rounds.unwrap_or(effort.rounds),
        ..effort
    }
}

fn write_file(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}
