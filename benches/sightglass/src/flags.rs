//! Parses the engine's flags, which the suite passes as one text: those of `wasmelt compile` that apply.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Parser, value_parser};
use wasmelt::{BoundsChecks, Config, CpuLevel, OptLevel};
use wasmelt_abi::BoundsStrategy;

/// Flags of the engine. Absent means wasmelt's default.
#[derive(Debug, Parser)]
#[command(name = "--engine-flags", no_binary_name = true)]
pub(crate) struct Flags {
    /// How hard the compiler tries
    #[arg(long, value_name = "LEVEL", value_parser = one_of(OptLevel::ALL, OptLevel::name))]
    opt: Option<OptLevel>,

    /// Which CPU features the code may use
    #[arg(long, value_name = "LEVEL", value_parser = one_of(CpuLevel::ALL, CpuLevel::name))]
    cpu: Option<CpuLevel>,

    /// How many threads compile
    #[arg(long, value_name = "N", value_parser = value_parser!(u16).range(1..))]
    jobs: Option<u16>,

    /// How accesses stay inside memory
    #[arg(long, value_name = "KIND", value_parser = one_of(BoundsStrategy::ALL, BoundsStrategy::name))]
    bounds: Option<BoundsStrategy>,

    /// Check every trap in code, so that no signal handler is needed
    #[arg(long)]
    no_signals: bool,

    /// Give results of float arithmetic canonical NaN bits
    #[arg(long)]
    nan_canonicalization: bool,

    /// Make explicit bounds checks hold under speculation too
    #[arg(long)]
    spectre: bool,

    /// Meter fuel, of which there is enough
    #[arg(long)]
    fuel: bool,

    /// Check a flag that could interrupt the guest
    #[arg(long)]
    interruption: bool,

    /// Count active calls, of which there may be any number
    #[arg(long)]
    call_depth: bool,
}

impl Flags {
    /// The flags in `text`, between which there is white space.
    ///
    /// # Errors
    ///
    /// If one is unknown or has a value that it does not take. The message of `--help` is an error as well.
    pub(crate) fn parse_text(text: &str) -> Result<Self, clap::Error> {
        Self::try_parse_from(text.split_whitespace())
    }

    /// Whether stores need fuel.
    pub(crate) fn is_metered(&self) -> bool {
        self.fuel
    }

    pub(crate) fn config(&self) -> Config {
        let mut config = Config::new();
        config
            .opt_level(self.opt.unwrap_or_default())
            .compile_threads(usize::from(self.jobs.unwrap_or(0)))
            .signals(!self.no_signals)
            .nan_canonicalization(self.nan_canonicalization)
            .spectre_mitigation(self.spectre)
            .consume_fuel(self.fuel)
            .interruption(self.interruption);
        if self.call_depth {
            config.set_max_recursion_depth(usize::MAX);
        }
        if let Some(cpu) = self.cpu {
            config.cpu(cpu);
        }
        if let Some(bounds) = self.bounds {
            config.bounds_checks(match bounds {
                BoundsStrategy::Guard => BoundsChecks::Guard,
                BoundsStrategy::Explicit => BoundsChecks::Explicit,
            });
        }
        config
    }
}

/// Accepts the names of `values`.
fn one_of<T: Copy + Send + Sync + 'static>(
    values: &'static [T],
    name: fn(T) -> &'static str,
) -> impl TypedValueParser<Value = T> {
    PossibleValuesParser::new(values.iter().map(|value| name(*value))).map(move |text| {
        let value = values.iter().find(|value| name(**value) == text);
        *value.expect("only possible values are accepted")
    })
}
