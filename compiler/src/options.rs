//! Says what can be asked of a compilation.

use crate::error::CompileError;
use std::{fmt, sync::Arc};
use wasmelt_abi::{
    Arch, BoundsStrategy, CodegenOptions, CpuFeatures, CpuLevel, DESCRIPTOR_SYMBOL,
    FUEL_SCHEDULE_VERSION, FuelCosts, FuelSchedule, Preset, Writer,
};

/// A step of the pipeline, for progress reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Functions are translated and compiled.
    Functions,
    /// The artifact is laid out and written.
    Emit,
}

/// How far a compilation has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Current step.
    pub phase: Phase,
    /// Functions done.
    pub done: usize,
    /// Functions in all.
    pub total: usize,
}

/// Receives progress reports, from any compile thread.
pub type ProgressFn = Arc<dyn Fn(Progress) + Send + Sync>;

/// What is asked of a compilation.
///
/// Everything in `codegen`, `fuel_costs`, `arch`, `cpu_level`, `cpu_features` and `descriptor_symbol` decides
/// output bytes; `floats`, `threads`, `verify` and `progress` do not.
#[derive(Clone)]
#[non_exhaustive]
pub struct CompileOptions {
    /// Language, strategy and effort.
    pub codegen: CodegenOptions,
    /// What is charged for what, where fuel is metered; without effect elsewhere.
    pub fuel_costs: FuelCosts,
    /// Target instruction set.
    pub arch: Arch,
    /// Named CPU level.
    pub cpu_level: CpuLevel,
    /// Features the code may use: those of the level, or for [`CpuLevel::Native`] those that the
    /// caller found on the machine.
    pub cpu_features: CpuFeatures,
    /// Whether modules may compute with floats or have any. It decides only what is accepted.
    pub floats: bool,
    /// Threads to compile on; 0 means one per core, and 1 means that none is started.
    pub threads: usize,
    /// Whether Cranelift's verifier checks every function, for tests of this crate: it finds
    /// mistakes of the translator and costs a third of the time.
    pub verify: bool,
    /// Called after each function.
    pub progress: Option<ProgressFn>,
    /// Exported symbol of the descriptor in an object (`--emit obj`), so that several modules can
    /// be linked into one program. Shared objects always export [`DESCRIPTOR_SYMBOL`].
    pub descriptor_symbol: String,
}

impl Default for CompileOptions {
    fn default() -> Self {
        Self::for_target(Arch::host().unwrap_or(Arch::X86_64))
    }
}

impl CompileOptions {
    /// Default options for a target: guard pages with signals, `wasm1`, optimised for speed.
    #[must_use]
    pub fn for_target(arch: Arch) -> Self {
        let cpu_level = CpuLevel::default_for(arch);
        Self {
            codegen: CodegenOptions {
                signals: true,
                ..CodegenOptions::default()
            },
            fuel_costs: FuelCosts::default(),
            arch,
            cpu_level,
            cpu_features: cpu_level.features(),
            floats: true,
            threads: 0,
            verify: false,
            progress: None,
            descriptor_symbol: DESCRIPTOR_SYMBOL.to_owned(),
        }
    }

    /// Checks that the options fit each other and exist.
    ///
    /// # Errors
    ///
    /// If one is not available yet, or two contradict each other.
    pub fn check(&self) -> Result<(), CompileError> {
        if !self.codegen.signals && self.codegen.bounds == BoundsStrategy::Guard {
            return Err(CompileError::OptionsContradict {
                first: "guard-page bounds checks",
                second: "no signals",
            });
        }
        if self.cpu_level == CpuLevel::Armv8A && self.arch == Arch::X86_64 {
            return Err(CompileError::OptionsContradict {
                first: "armv8-a",
                second: "x86-64",
            });
        }
        if matches!(self.cpu_level, CpuLevel::X86_64V2 | CpuLevel::X86_64V3)
            && self.arch == Arch::Aarch64
        {
            return Err(CompileError::OptionsContradict {
                first: self.cpu_level.name(),
                second: "aarch64",
            });
        }
        Ok(())
    }

    /// What the artifact says of its metering: nothing if there is none.
    #[must_use]
    pub fn fuel_schedule(&self) -> Option<FuelSchedule> {
        self.codegen.fuel.then(|| FuelSchedule {
            version: FUEL_SCHEDULE_VERSION,
            costs_hash: *blake3::hash(&self.fuel_costs.encode()).as_bytes(),
        })
    }

    /// Everything of the options that decides the bytes of a shared object, for keys of caches: equal
    /// only where compilers with the same [`codegen_fingerprint`](crate::codegen_fingerprint) make the
    /// same of a module.
    #[must_use]
    pub fn identity(&self) -> Vec<u8> {
        // Each option is named, so that a new one has to be sorted, too.
        let Self {
            codegen,
            // By the schedule, and only where fuel is metered.
            fuel_costs: _,
            arch,
            cpu_level,
            cpu_features,
            // These decide what is accepted, how fast it is done, and who is told.
            floats: _,
            threads: _,
            verify: _,
            progress: _,
            // Only objects have it.
            descriptor_symbol: _,
        } = self;
        let mut writer = Writer::new();
        codegen.encode(&mut writer);
        writer.u16(*arch as u16);
        writer.u8(*cpu_level as u8);
        writer.u64(cpu_features.bits());
        if let Some(schedule) = self.fuel_schedule() {
            writer.u32(schedule.version);
            writer.raw(&schedule.costs_hash);
        }
        writer.finish()
    }

    /// How many threads to use for `functions` functions.
    pub(crate) fn thread_count(&self, functions: usize) -> usize {
        let wanted = match self.threads {
            0 => std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            threads => threads,
        };
        wanted.min(functions).max(1)
    }
}

impl fmt::Debug for CompileOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CompileOptions")
            .field("codegen", &self.codegen)
            .field("arch", &self.arch)
            .field("cpu_level", &self.cpu_level)
            .field("cpu_features", &self.cpu_features)
            .field("floats", &self.floats)
            .field("threads", &self.threads)
            .finish_non_exhaustive()
    }
}

/// Names of the presets that exist, separated by commas, for messages that refuse another.
#[must_use]
pub fn available_presets() -> String {
    Preset::ALL
        .iter()
        .map(|preset| preset.name())
        .collect::<Vec<_>>()
        .join(", ")
}

#[cfg(test)]
mod tests {
    use super::CompileOptions;
    use std::{collections::BTreeMap, sync::Arc};
    use wasmelt_abi::{
        Arch, BoundsStrategy, CpuFeatures, CpuLevel, DebugInfo, OperatorCost, OptLevel, Preset,
    };

    /// An option, and a change of it.
    type Change = (&'static str, fn(&mut CompileOptions));

    const DECIDING: &[Change] = &[
        ("preset", |options| {
            options.codegen.preset = Preset::StrictMvp
        }),
        ("opt_level", |options| {
            options.codegen.opt_level = OptLevel::None
        }),
        ("bounds", |options| {
            options.codegen.bounds = BoundsStrategy::Explicit
        }),
        ("signals", |options| options.codegen.signals = false),
        ("nan_canonicalization", |options| {
            options.codegen.nan_canonicalization = true
        }),
        ("fuel", |options| options.codegen.fuel = true),
        ("interruption", |options| {
            options.codegen.interruption = true
        }),
        ("spectre_mitigation", |options| {
            options.codegen.spectre_mitigation = true
        }),
        ("call_depth", |options| options.codegen.call_depth = true),
        ("debug_info", |options| {
            options.codegen.debug_info = DebugInfo::Full
        }),
        ("fuel_costs, with fuel", |options| {
            options.codegen.fuel = true;
            options.fuel_costs.operators = OperatorCost::uniform(7);
        }),
        ("arch", |options| options.arch = Arch::Aarch64),
        ("cpu_level", |options| {
            options.cpu_level = CpuLevel::X86_64V3
        }),
        ("cpu_features", |options| {
            options.cpu_features = CpuFeatures::NONE
        }),
    ];

    const INDIFFERENT: &[Change] = &[
        ("fuel_costs, without fuel", |options| {
            options.fuel_costs.operators = OperatorCost::uniform(7);
        }),
        ("floats", |options| options.floats = false),
        ("threads", |options| options.threads = 7),
        ("verify", |options| options.verify = true),
        ("progress", |options| {
            options.progress = Some(Arc::new(|_| {}))
        }),
        ("descriptor_symbol", |options| {
            options.descriptor_symbol.push('x')
        }),
    ];

    #[test]
    fn every_option_that_decides_bytes_is_part_of_the_identity_and_no_other() {
        let options = CompileOptions::for_target(Arch::X86_64);
        let mut identities = BTreeMap::from([(options.identity(), "none")]);
        for (name, change) in DECIDING {
            let mut changed = options.clone();
            change(&mut changed);
            let same = identities.insert(changed.identity(), name);
            assert_eq!(same, None, "{name}");
        }
        for (name, change) in INDIFFERENT {
            let mut changed = options.clone();
            change(&mut changed);
            assert_eq!(changed.identity(), options.identity(), "{name}");
        }
        // The options of code generation are another crate's: each is in the list.
        let listed = format!("{:#?}", options.codegen);
        let fields = listed.lines().filter_map(|line| line.strip_prefix("    "));
        let fields = fields.filter_map(|line| line.split_once(": "));
        let fields: Vec<&str> = fields.map(|(field, _)| field).collect();
        assert!(fields.len() >= 10, "{listed}");
        for field in fields {
            assert!(DECIDING.iter().any(|(name, _)| *name == field), "{field}");
        }
    }
}
