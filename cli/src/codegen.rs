//! The options that decide generated code, for every verb that compiles.

use crate::fuel_costs::read_fuel_costs;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use wasmelt_abi::{Arch, BoundsStrategy, CpuLevel, DebugInfo, FuelCosts, OptLevel, Preset};
use wasmelt_compiler::CompileOptions;
use wasmelt_loader::host_cpu_features;

/// Options that decide generated code. Absent means the compiler's default.
#[derive(Debug, Clone, Default, PartialEq, Eq, clap::Args)]
#[command(next_help_heading = "Code generation")]
pub(crate) struct CodegenArgs {
    /// Which language the module may use, and what is done to it [default: wasm1]
    #[arg(long, value_name = "NAME", value_parser = preset_parser())]
    pub(crate) preset: Option<Preset>,

    /// Which CPU features the code may use [default: x86-64-v2, or armv8-a]
    #[arg(long, value_name = "LEVEL", value_parser = cpu_parser())]
    pub(crate) cpu: Option<CpuLevel>,

    /// How hard the compiler tries [default: speed]
    #[arg(long, value_name = "LEVEL", value_parser = opt_parser())]
    pub(crate) opt: Option<OptLevel>,

    /// How many threads compile; 1 starts none [default: the number of cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) jobs: Option<u16>,

    /// How accesses stay inside memory [default: guard, or explicit with --no-signals]
    #[arg(long, value_name = "KIND", value_parser = bounds_parser())]
    pub(crate) bounds: Option<BoundsStrategy>,

    /// Check every trap in code, so that no signal handler is needed
    #[arg(long)]
    pub(crate) no_signals: bool,

    /// Give results of float arithmetic canonical NaN bits
    #[arg(long)]
    pub(crate) nan_canonicalization: bool,

    /// Make explicit bounds checks hold under speculation too
    #[arg(long)]
    pub(crate) spectre: bool,

    /// What to say about where code comes from [default: lines]
    #[arg(long, value_name = "KIND", value_parser = debug_info_parser())]
    pub(crate) debug_info: Option<DebugInfo>,

    /// The same as --debug-info full
    #[arg(short = 'g', conflicts_with = "debug_info")]
    pub(crate) debug: bool,

    /// Meter fuel
    #[arg(long)]
    pub(crate) fuel: bool,

    /// Meter fuel, with the costs of operators in this file: {"call": 10, "i32.div_u": 8}
    #[arg(long, value_name = "FILE", value_parser = read_fuel_costs)]
    pub(crate) fuel_costs: Option<FuelCosts>,

    /// Check a flag that can interrupt the guest
    #[arg(long)]
    pub(crate) interruption: bool,

    /// Count active calls, so that they can be limited
    #[arg(long)]
    pub(crate) call_depth: bool,
}

impl CodegenArgs {
    /// The strategy that follows from the arguments.
    pub(crate) fn bounds_strategy(&self) -> BoundsStrategy {
        match self.bounds {
            Some(bounds) => bounds,
            None if self.no_signals => BoundsStrategy::Explicit,
            None => BoundsStrategy::default(),
        }
    }

    /// The compiler's options.
    ///
    /// # Errors
    ///
    /// A sentence, if the CPU level says nothing about the target.
    pub(crate) fn options(&self, arch: Arch) -> Result<CompileOptions, String> {
        let mut options = CompileOptions::for_target(arch);
        let codegen = &mut options.codegen;
        codegen.preset = self.preset.unwrap_or_default();
        codegen.opt_level = self.opt.unwrap_or_default();
        codegen.bounds = self.bounds_strategy();
        codegen.signals = !self.no_signals;
        codegen.nan_canonicalization = self.nan_canonicalization;
        codegen.spectre_mitigation = self.spectre;
        codegen.debug_info = match self.debug_info {
            _ if self.debug => DebugInfo::Full,
            Some(debug_info) => debug_info,
            None => DebugInfo::default(),
        };
        codegen.fuel = self.fuel || self.fuel_costs.is_some();
        codegen.interruption = self.interruption;
        codegen.call_depth = self.call_depth;
        options.fuel_costs = self.fuel_costs.unwrap_or_default();
        if let Some(level) = self.cpu {
            options.cpu_level = level;
            options.cpu_features = match level {
                CpuLevel::Native if Arch::host() == Some(arch) => host_cpu_features(),
                CpuLevel::Native => {
                    return Err(format!(
                        "--cpu native means this machine, which is no {arch}: name a level"
                    ));
                }
                level => level.features(),
            };
        }
        options.threads = usize::from(self.jobs.unwrap_or(0));
        Ok(options)
    }
}

fn named<T: Clone + Send + Sync + 'static>(
    values: &'static [T],
    name: impl Fn(&T) -> &'static str,
    help: impl Fn(&T) -> &'static str,
    from_name: impl Fn(&str) -> Option<T> + Clone + Send + Sync + 'static,
) -> impl TypedValueParser<Value = T> {
    let values = values
        .iter()
        .map(|value| PossibleValue::new(name(value)).help(help(value)))
        .collect::<Vec<_>>();
    PossibleValuesParser::new(values)
        .map(move |name| from_name(&name).expect("only possible values are accepted"))
}

fn preset_parser() -> impl TypedValueParser<Value = Preset> {
    let help = |preset: &Preset| match preset {
        Preset::StrictMvp => "WebAssembly 1.0 as first published",
        Preset::Wasm1 => "with import and export of mutable globals: the 1.0 suite's language",
        Preset::Polkadot => {
            "wasm1, sign-extension, no start function; an imported memory becomes a defined one"
        }
    };
    named(Preset::ALL, |preset| preset.name(), help, Preset::from_name)
}

fn cpu_parser() -> impl TypedValueParser<Value = CpuLevel> {
    let help = |level: &CpuLevel| match level {
        CpuLevel::X86_64V2 => "SSE4.2 and popcnt: x86-64 since about 2009",
        CpuLevel::X86_64V3 => "AVX2, FMA, BMI: x86-64 since about 2015",
        CpuLevel::Armv8A => "any 64-bit Arm",
        CpuLevel::Native => "what this machine has; the artifact may not load elsewhere",
    };
    named(
        CpuLevel::ALL,
        |level| level.name(),
        help,
        CpuLevel::from_name,
    )
}

fn opt_parser() -> impl TypedValueParser<Value = OptLevel> {
    let help = |level: &OptLevel| match level {
        OptLevel::None => "compiles fastest",
        OptLevel::Speed => "runs fastest",
    };
    named(
        OptLevel::ALL,
        |level| level.name(),
        help,
        OptLevel::from_name,
    )
}

fn bounds_parser() -> impl TypedValueParser<Value = BoundsStrategy> {
    let help = |bounds: &BoundsStrategy| match bounds {
        BoundsStrategy::Guard => "by 8 GiB of reserved address space: free, but needs signals",
        BoundsStrategy::Explicit => "by a compare and a branch: works with any memory",
    };
    named(
        BoundsStrategy::ALL,
        |bounds| bounds.name(),
        help,
        BoundsStrategy::from_name,
    )
}

fn debug_info_parser() -> impl TypedValueParser<Value = DebugInfo> {
    let help = |debug_info: &DebugInfo| match debug_info {
        DebugInfo::None => "only names and offsets in the module",
        DebugInfo::Lines => "lines of source in backtraces, for modules with DWARF",
        DebugInfo::Full => "also for gdb and perf: lines of source, or offsets in the module",
    };
    named(
        DebugInfo::ALL,
        |debug_info| debug_info.name(),
        help,
        DebugInfo::from_name,
    )
}

/// Accepts target triples, and the names of their instruction sets.
pub(crate) fn target_parser() -> impl TypedValueParser<Value = Arch> {
    let values = Arch::ALL
        .iter()
        .map(|arch| PossibleValue::new(arch.triple()).alias(short_name(*arch)))
        .collect::<Vec<_>>();
    PossibleValuesParser::new(values).map(|name| {
        Arch::ALL
            .iter()
            .copied()
            .find(|arch| arch.triple() == name || short_name(*arch) == name)
            .expect("only possible values are accepted")
    })
}

fn short_name(arch: Arch) -> &'static str {
    match arch {
        Arch::X86_64 => "x86_64",
        Arch::Aarch64 => "aarch64",
    }
}

#[cfg(test)]
mod tests {
    use super::CodegenArgs;
    use wasmelt_abi::{Arch, BoundsStrategy, CpuLevel};
    use wasmelt_compiler::CompileOptions;

    #[test]
    fn no_argument_means_the_compilers_defaults() {
        let options = CodegenArgs::default()
            .options(Arch::Aarch64)
            .expect("defaults fit each other");
        let defaults = CompileOptions::for_target(Arch::Aarch64);
        assert_eq!(options.codegen, defaults.codegen);
        assert_eq!(options.cpu_level, defaults.cpu_level);
        assert_eq!(options.threads, defaults.threads);
    }

    #[test]
    fn without_signals_checks_are_explicit_unless_asked_otherwise() {
        let mut args = CodegenArgs {
            no_signals: true,
            ..CodegenArgs::default()
        };
        assert_eq!(args.bounds_strategy(), BoundsStrategy::Explicit);
        args.bounds = Some(BoundsStrategy::Guard);
        assert_eq!(args.bounds_strategy(), BoundsStrategy::Guard);
    }

    #[test]
    fn native_is_this_machine_only() {
        let args = CodegenArgs {
            cpu: Some(CpuLevel::Native),
            ..CodegenArgs::default()
        };
        for arch in Arch::ALL {
            assert_eq!(args.options(*arch).is_ok(), Arch::host() == Some(*arch));
        }
    }
}
