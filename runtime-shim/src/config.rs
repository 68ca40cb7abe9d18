//! Configures an engine.

use crate::{costs::CustomFuelCosts, enforced_limits::EnforcedLimits, errors::ConfigError};
use core::fmt;
use wasmelt_abi::{
    BoundsStrategy, CodegenOptions, CpuLevel, DebugInfo, FUEL_SCHEDULE_VERSION, FuelCosts,
    FuelSchedule, OperatorCost, OptLevel, Preset,
};

#[cfg(feature = "cache")]
use wasmelt_cache::Cache;
#[cfg(feature = "compile")]
use wasmelt_compiler::Progress;

/// How accesses stay inside linear memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum BoundsChecks {
    /// By a reservation of 8 GiB of address space per memory, whose unused part traps: costs
    /// nothing per access, and needs signals.
    #[default]
    Guard,
    /// By a compare and a branch before each access: works with any memory.
    Explicit,
    /// Guard pages if the engine may use signals and this process can reserve the address space
    /// when the engine is created; else explicit checks.
    Auto,
}

/// When functions are compiled. Here always before the module exists, whatever is asked for: the
/// type is for programs that were written against an interpreter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum CompilationMode {
    /// At once.
    #[default]
    Eager,
    /// At once.
    LazyTranslation,
    /// At once.
    Lazy,
}

/// How many memories with guard pages an engine keeps for new instances, and how much of each.
///
/// A memory's reservation of address space goes back to its engine when the memory's store is dropped.
/// It is clean by then, whatever the guest wrote: no instance ever sees anything of another one.
/// Memories that have grown beyond 64 MiB are not kept. What a host did to the pages themselves, such
/// as `mprotect` or `userfaultfd`, it must undo before.
///
/// # Example
///
/// ```
/// use wasmelt::{Config, Engine, PoolConfig};
///
/// let mut pool = PoolConfig::new();
/// pool.max_memories(64).keep_resident_bytes(1 << 20);
/// let mut config = Config::new();
/// config.pool(pool);
/// let engine = Engine::new(&config);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolConfig {
    pub(crate) max_memories: usize,
    pub(crate) keep_resident_bytes: usize,
}

impl Default for PoolConfig {
    fn default() -> Self {
        Self::new()
    }
}

impl PoolConfig {
    /// A pool for servers: 256 memories, of each up to 2 MiB.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            max_memories: 256,
            keep_resident_bytes: 2 << 20,
        }
    }

    /// What engines keep without being asked: a few memories, of each one wasm page.
    const UNASKED: Self = Self {
        max_memories: 8,
        keep_resident_bytes: 64 << 10,
    };

    /// At most so many memories are kept; each takes 8 GiB of address space. 0 keeps none.
    pub const fn max_memories(&mut self, count: usize) -> &mut Self {
        self.max_memories = count;
        self
    }

    /// Of each memory at most so many bytes stay in RAM while nobody uses it. When a guest has
    /// written to more, all are given back to the system, and the next guest pays a page fault
    /// for each page that it uses.
    pub const fn keep_resident_bytes(&mut self, bytes: usize) -> &mut Self {
        self.keep_resident_bytes = bytes;
        self
    }
}

/// What becomes of a module when the engine's cache fails.
#[cfg(feature = "cache")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum CacheFailure {
    /// [`Module::new`](crate::Module::new) fails, too.
    #[default]
    Error,
    /// The module is compiled without the cache's help, and remembers why:
    /// [`Module::cache_failure`](crate::Module::cache_failure).
    RunWithout,
}

/// What host functions have of the stack of a resumable call, unless told otherwise.
const HOST_STACK_LEN_BYTES: usize = 1 << 20;
/// On less, no guest and no host function could run.
const MIN_RESUMABLE_STACK_LEN_BYTES: usize = 128 << 10;

#[cfg(feature = "compile")]
type ProgressFn = std::sync::Arc<dyn Fn(Progress) + Send + Sync>;

/// Configures an [`Engine`](crate::Engine).
///
/// Options that this version cannot honour are remembered, and
/// [`Module::new`](crate::Module::new) refuses them with a [`ConfigError`] that names the option.
#[derive(Clone)]
pub struct Config {
    codegen: CodegenOptions,
    fuel_costs: FuelCosts,
    bounds_checks: BoundsChecks,
    cpu: Option<CpuLevel>,
    compile_threads: usize,
    max_wasm_stack_bytes: usize,
    resumable_stack_bytes: Option<usize>,
    max_cached_stacks: usize,
    max_call_depth: usize,
    ignore_custom_sections: bool,
    allow_start_fn: bool,
    enforced_limits: EnforcedLimits,
    floats: bool,
    pool: Option<PoolConfig>,
    #[cfg(feature = "compile")]
    on_progress: Option<ProgressFn>,
    #[cfg(feature = "cache")]
    cache: Option<Cache>,
    #[cfg(feature = "cache")]
    cache_failure: CacheFailure,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            codegen: CodegenOptions {
                signals: true,
                nan_canonicalization: cfg!(feature = "deterministic"),
                ..CodegenOptions::default()
            },
            fuel_costs: FuelCosts::default(),
            bounds_checks: BoundsChecks::default(),
            cpu: None,
            compile_threads: 0,
            max_wasm_stack_bytes: 1 << 20,
            resumable_stack_bytes: None,
            max_cached_stacks: 2,
            max_call_depth: usize::MAX,
            ignore_custom_sections: false,
            allow_start_fn: true,
            enforced_limits: EnforcedLimits::default(),
            floats: true,
            pool: None,
            #[cfg(feature = "compile")]
            on_progress: None,
            #[cfg(feature = "cache")]
            cache: None,
            #[cfg(feature = "cache")]
            cache_failure: CacheFailure::default(),
        }
    }
}

impl Config {
    /// The default configuration: guard pages, signals, `wasm1`, optimised for speed, no cache.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How hard the compiler tries. Default: [`OptLevel::Speed`].
    pub fn opt_level(&mut self, level: OptLevel) -> &mut Self {
        self.codegen.opt_level = level;
        self
    }

    /// How accesses stay inside linear memory. Default: [`BoundsChecks::Guard`].
    pub fn bounds_checks(&mut self, bounds_checks: BoundsChecks) -> &mut Self {
        self.bounds_checks = bounds_checks;
        self
    }

    /// Whether traps may arrive as signals. Default: true.
    ///
    /// Without, every trap is an explicit check, bounds checks are explicit whatever
    /// [`Config::bounds_checks`] says, and the engine installs no signal handler.
    pub fn signals(&mut self, enable: bool) -> &mut Self {
        self.codegen.signals = enable;
        self
    }

    /// Whether a running guest can be interrupted, with
    /// [`Store::interrupt_handle`](crate::Store::interrupt_handle). Default: false.
    pub fn interruption(&mut self, enable: bool) -> &mut Self {
        self.codegen.interruption = enable;
        self
    }

    /// Whether results of float arithmetic have canonical NaN bits. Default: false, and true with the crate feature
    /// `deterministic`.
    pub fn nan_canonicalization(&mut self, enable: bool) -> &mut Self {
        self.codegen.nan_canonicalization = enable;
        self
    }

    /// What artifacts say about where their code comes from. Default: [`DebugInfo::Lines`], which costs
    /// nothing for modules without debug information.
    pub fn debug_info(&mut self, debug_info: DebugInfo) -> &mut Self {
        self.codegen.debug_info = debug_info;
        self
    }

    /// Whether explicit bounds checks also hold under speculation. Default: false.
    pub fn spectre_mitigation(&mut self, enable: bool) -> &mut Self {
        self.codegen.spectre_mitigation = enable;
        self
    }

    /// Whether fuel is metered. Default: false.
    ///
    /// A store has none until [`Store::set_fuel`](crate::Store::set_fuel). What is charged where is
    /// in `docs/fuel.md`; it is the same on every machine, whatever the other options.
    pub fn consume_fuel(&mut self, enable: bool) -> &mut Self {
        self.codegen.fuel = enable;
        self
    }

    /// What each operator costs, where fuel is metered. Default: [`OperatorCost::default`].
    ///
    /// Modules that were compiled for other costs are refused, with
    /// [`ArtifactError::FuelSchedule`](crate::errors::ArtifactError).
    pub fn operator_cost(&mut self, cost: OperatorCost) -> &mut Self {
        self.fuel_costs.operators = cost;
        self
    }

    /// What costs fuel by how much is done. Default: nothing, so that `memory.grow` costs what its
    /// operator does.
    ///
    /// As [`Config::operator_cost`], it must be the same for the module.
    pub fn fuel_cost(&mut self, cost: CustomFuelCosts) -> &mut Self {
        self.fuel_costs.bytes_copied_per_fuel = Some(cost.bytes_copied_per_fuel);
        self
    }

    /// Which CPU features compiled code may use. Default: the named baseline of the target, so
    /// that an artifact runs on other machines too; never what this machine happens to have.
    pub fn cpu(&mut self, level: CpuLevel) -> &mut Self {
        self.cpu = Some(level);
        self
    }

    /// Which language modules may use, and what the compiler does to them. Default:
    /// [`Preset::Wasm1`].
    pub fn preset(&mut self, preset: Preset) -> &mut Self {
        self.codegen.preset = preset;
        self
    }

    /// How many threads compile: 0, the default, means one per core, and 1 means that none is
    /// ever started.
    pub fn compile_threads(&mut self, threads: usize) -> &mut Self {
        self.compile_threads = threads;
        self
    }

    /// Calls a function, from any compile thread, after each compiled function.
    #[cfg(feature = "compile")]
    pub fn on_progress(&mut self, report: impl Fn(Progress) + Send + Sync + 'static) -> &mut Self {
        self.on_progress = Some(std::sync::Arc::new(report));
        self
    }

    /// Where compiled modules are kept. Default: nowhere, so that a library never writes to a
    /// user's disk unasked.
    #[cfg(feature = "cache")]
    pub fn cache(&mut self, cache: Cache) -> &mut Self {
        self.cache = Some(cache);
        self
    }

    /// What becomes of a module when the cache fails: a full disk, say, or a folder that is gone. A bad
    /// entry is no failure, but a miss. Default: [`CacheFailure::Error`].
    #[cfg(feature = "cache")]
    pub fn cache_failure(&mut self, policy: CacheFailure) -> &mut Self {
        self.cache_failure = policy;
        self
    }

    /// How much of the calling thread's stack the guest may use, in bytes. Default: 1 MiB.
    ///
    /// A call that needs more ends with [`TrapCode::StackOverflow`](crate::TrapCode), as does one
    /// that would leave less than a reserve for host functions, whatever this says.
    pub fn max_wasm_stack(&mut self, len_bytes: usize) -> &mut Self {
        self.max_wasm_stack_bytes = len_bytes;
        self
    }

    /// The same as [`Config::max_wasm_stack`], under the name that it has in an interpreter.
    pub fn set_max_stack_height(&mut self, len_bytes: usize) -> &mut Self {
        self.max_wasm_stack(len_bytes)
    }

    /// Without effect: the guest runs on the stack of the calling thread.
    pub fn set_min_stack_height(&mut self, _len_bytes: usize) -> &mut Self {
        self
    }

    /// How many stacks of resumable calls the engine keeps for the next ones. Default: 2.
    pub fn set_max_cached_stacks(&mut self, count: usize) -> &mut Self {
        self.max_cached_stacks = count;
        self
    }

    /// How large the stack of a resumable call is, in bytes: what the guest may use
    /// ([`Config::max_wasm_stack`]), and what is left below it for host functions. Default: 1 MiB more
    /// than the guest may use. Only what is used takes memory.
    ///
    /// A host function that needs more than is left ends the process, as any stack overflow does.
    pub fn resumable_stack(&mut self, len_bytes: usize) -> &mut Self {
        self.resumable_stack_bytes = Some(len_bytes);
        self
    }

    /// How many calls of compiled functions may be active at once in a store. Default: they are not counted, and only
    /// the stack is a limit.
    ///
    /// One call more ends with [`TrapCode::StackOverflow`](crate::TrapCode), at the same call on every machine,
    /// whatever is inlined and however large frames are, for which
    /// [`Error::is_deterministic`](crate::Error::is_deterministic) stands. Calls of the host are not counted, but
    /// those of the guest that wait for it are, when it calls the guest again. The stack must suffice for so many
    /// calls ([`Config::max_wasm_stack`]); where it does not, that is what ends them.
    ///
    /// Counting is part of compiled code, and any engine that limits the depth needs it; the limit is not.
    pub fn set_max_recursion_depth(&mut self, depth: usize) -> &mut Self {
        self.codegen.call_depth = true;
        self.max_call_depth = depth;
        self
    }

    /// What modules may declare at most. Default: no limits.
    pub fn enforced_limits(&mut self, limits: EnforcedLimits) -> &mut Self {
        self.enforced_limits = limits;
        self
    }

    /// Whether modules may have a start function. Default: true.
    pub fn allow_start_fn(&mut self, allow: bool) -> &mut Self {
        self.allow_start_fn = allow;
        self
    }

    /// Whether [`Module::custom_sections`](crate::Module::custom_sections) is empty. Default:
    /// false.
    pub fn ignore_custom_sections(&mut self, enable: bool) -> &mut Self {
        self.ignore_custom_sections = enable;
        self
    }

    /// Without effect; see [`CompilationMode`].
    pub fn compilation_mode(&mut self, _mode: CompilationMode) -> &mut Self {
        self
    }

    /// Whether mutable globals may be imported and exported: switches between
    /// [`Preset::StrictMvp`] and [`Preset::Wasm1`].
    pub fn wasm_mutable_global(&mut self, enable: bool) -> &mut Self {
        match (self.codegen.preset, enable) {
            (Preset::Wasm1, false) => self.codegen.preset = Preset::StrictMvp,
            (Preset::StrictMvp, true) => self.codegen.preset = Preset::Wasm1,
            _ => {}
        }
        self
    }

    /// Whether modules may have floats: operators, parameters, results, locals and globals. Default: true.
    ///
    /// It decides what is compiled, and artifacts do not say whether they have floats: an engine without them
    /// refuses to load any, except from its cache, where it looks at the module again; and its stores refuse
    /// modules of engines with floats.
    pub fn floats(&mut self, enable: bool) -> &mut Self {
        self.floats = enable;
        self
    }

    /// How many memories the engine keeps for new instances. Default: 8, of one page each; none if the
    /// address space of the process is limited.
    pub fn pool(&mut self, pool: PoolConfig) -> &mut Self {
        self.pool = Some(pool);
        self
    }

    /// The pool, given the limit of this process on its address space: where that is scarce, none is
    /// kept unasked.
    pub(crate) fn resolve_pool(&self, address_space_limit: Option<u64>) -> PoolConfig {
        match (self.pool, address_space_limit) {
            (Some(pool), _) => pool,
            (None, None) => PoolConfig::UNASKED,
            (None, Some(_)) => PoolConfig {
                max_memories: 0,
                ..PoolConfig::UNASKED
            },
        }
    }

    /// Refuses code that was compiled elsewhere, of which more is asked than it says.
    pub(crate) fn check_precompiled(&self) -> Result<(), ConfigError> {
        if self.floats {
            Ok(())
        } else {
            Err(ConfigError::UnknownOfArtifacts {
                option: "floats(false)",
            })
        }
    }

    pub(crate) fn are_floats_allowed(&self) -> bool {
        self.floats
    }

    /// Resolves [`BoundsChecks::Auto`], given whether a reservation can be had.
    pub(crate) fn resolve(&mut self, can_reserve: impl FnOnce() -> bool) {
        let is_guard = match self.bounds_checks {
            _ if !self.codegen.signals => false,
            BoundsChecks::Guard => true,
            BoundsChecks::Explicit => false,
            BoundsChecks::Auto => can_reserve(),
        };
        self.codegen.bounds = if is_guard {
            BoundsStrategy::Guard
        } else {
            BoundsStrategy::Explicit
        };
    }

    pub(crate) fn codegen(&self) -> CodegenOptions {
        self.codegen
    }

    pub(crate) fn fuel_costs(&self) -> &FuelCosts {
        &self.fuel_costs
    }

    /// By what modules must be metered: nothing if they are not.
    pub(crate) fn fuel_schedule(&self) -> Option<FuelSchedule> {
        self.codegen.fuel.then(|| FuelSchedule {
            version: FUEL_SCHEDULE_VERSION,
            costs_hash: *blake3::hash(&self.fuel_costs.encode()).as_bytes(),
        })
    }

    pub(crate) fn max_wasm_stack_bytes(&self) -> usize {
        self.max_wasm_stack_bytes
    }

    pub(crate) fn max_cached_stacks(&self) -> usize {
        self.max_cached_stacks
    }

    pub(crate) fn resumable_stack_len_bytes(&self) -> usize {
        let wanted = self.resumable_stack_bytes;
        let wanted = wanted.unwrap_or(
            self.max_wasm_stack_bytes
                .saturating_add(HOST_STACK_LEN_BYTES),
        );
        // No system maps more, and says so.
        wanted.clamp(MIN_RESUMABLE_STACK_LEN_BYTES, usize::MAX >> 2)
    }

    pub(crate) fn limits(&self) -> &EnforcedLimits {
        &self.enforced_limits
    }

    /// How many calls may be active, as compiled code has it: signed.
    pub(crate) fn max_call_depth(&self) -> u64 {
        const MOST: u64 = i64::MAX.cast_unsigned();
        u64::try_from(self.max_call_depth).map_or(MOST, |depth| depth.min(MOST))
    }

    pub(crate) fn is_start_fn_allowed(&self) -> bool {
        self.allow_start_fn
    }

    pub(crate) fn are_custom_sections_ignored(&self) -> bool {
        self.ignore_custom_sections
    }

    #[cfg(feature = "compile")]
    pub(crate) fn cpu_level(&self) -> Option<CpuLevel> {
        self.cpu
    }

    #[cfg(feature = "compile")]
    pub(crate) fn threads(&self) -> usize {
        self.compile_threads
    }

    #[cfg(feature = "compile")]
    pub(crate) fn progress(&self) -> Option<ProgressFn> {
        self.on_progress.clone()
    }

    #[cfg(all(feature = "cache", feature = "compile"))]
    pub(crate) fn cache_ref(&self) -> Option<&Cache> {
        self.cache.as_ref()
    }

    #[cfg(all(feature = "cache", feature = "compile"))]
    pub(crate) fn cache_failure_policy(&self) -> CacheFailure {
        self.cache_failure
    }
}

macro_rules! later_proposals {
    ($( $(#[$doc:meta])* $method:ident; )*) => {
        /// Later proposals, which are not supported: to enable one is no error, and a module that uses it is refused
        /// by an error that names it, [`ErrorKind::Wasm`](crate::errors::ErrorKind).
        impl Config {
            $(
                $(#[$doc])*
                ///
                /// Without effect: modules that need it are refused, whatever this says.
                pub fn $method(&mut self, _enable: bool) -> &mut Self {
                    self
                }
            )*
        }
    };
}

later_proposals! {
    /// Would allow the sign-extension operators, which only [`Preset::Polkadot`] has.
    wasm_sign_extension;
    /// Would allow the saturating conversions.
    wasm_saturating_float_to_int;
    /// Would allow functions and blocks several results.
    wasm_multi_value;
    /// Would allow modules several memories.
    wasm_multi_memory;
    /// Would allow the bulk memory operators.
    wasm_bulk_memory;
    /// Would allow reference types.
    wasm_reference_types;
    /// Would allow tail calls.
    wasm_tail_call;
    /// Would allow constant expressions to compute.
    wasm_extended_const;
    /// Would allow memories pages of one byte.
    wasm_custom_page_sizes;
    /// Would allow memories to be indexed with 64 bits.
    wasm_memory64;
    /// Would allow wide arithmetic.
    wasm_wide_arithmetic;
    /// Would allow vectors.
    wasm_simd;
    /// Would allow relaxed vector operators.
    wasm_relaxed_simd;
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("codegen", &self.codegen)
            .field("bounds_checks", &self.bounds_checks)
            .field("cpu", &self.cpu)
            .field("compile_threads", &self.compile_threads)
            .field("max_wasm_stack_bytes", &self.max_wasm_stack_bytes)
            .field("pool", &self.pool)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::{BoundsChecks, Config};
    use wasmelt_abi::{BoundsStrategy, Preset};

    fn bounds(config: &mut Config, can_reserve: bool) -> BoundsStrategy {
        config.resolve(|| can_reserve);
        config.codegen().bounds
    }

    #[test]
    fn auto_picks_what_the_host_allows() {
        let mut config = Config::new();
        config.bounds_checks(BoundsChecks::Auto);
        assert_eq!(bounds(&mut config.clone(), true), BoundsStrategy::Guard);
        assert_eq!(bounds(&mut config.clone(), false), BoundsStrategy::Explicit);
        config.signals(false);
        assert_eq!(bounds(&mut config, true), BoundsStrategy::Explicit);
    }

    #[test]
    fn guard_stays_guard_even_where_it_will_fail() {
        assert_eq!(bounds(&mut Config::new(), false), BoundsStrategy::Guard);
    }

    #[test]
    fn mutable_globals_can_be_switched_off() {
        let mut config = Config::new();
        config.wasm_mutable_global(false);
        assert_eq!(config.codegen().preset, Preset::StrictMvp);
    }
}
