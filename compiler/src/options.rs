//! Says what can be asked of a compilation.

use crate::error::CompileError;
use std::{fmt, sync::Arc};
use wasmelt_abi::{
    Arch, BoundsStrategy, CodegenOptions, CpuFeatures, CpuLevel, DESCRIPTOR_SYMBOL,
    FUEL_SCHEDULE_VERSION, FuelCosts, FuelSchedule, Preset,
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
