//! Lets an embedder bound what a module may declare, so that a hostile one is refused at once.

use crate::errors::EnforcedLimitsError;
use wasmelt_abi::Manifest;

/// What a module may declare at most. Given to [`Config::enforced_limits`](crate::Config::enforced_limits).
///
/// Imports are not counted. A limit of `None`, which is the default of each, is not enforced.
///
/// - [`Module::new`](crate::Module::new), [`Module::compile`](crate::Module::compile) and
///   [`Module::validate`](crate::Module::validate) enforce all of them on the module in the binary format, before
///   anything else is done with it, also where the cache has it.
/// - Modules that were compiled elsewhere are held to those that can be seen in an artifact: all but
///   [`EnforcedLimits::min_avg_bytes_per_function`].
///
/// ```
/// use wasmelt::{Config, EnforcedLimits, Engine, Module};
///
/// let mut limits = EnforcedLimits::strict();
/// limits.max_globals(Some(1));
/// let mut config = Config::new();
/// config.enforced_limits(limits);
/// let engine = Engine::new(&config);
/// let wat = "(module (global i32 (i32.const 1)) (global i32 (i32.const 2)))";
/// assert!(Module::new(&engine, wat).is_err());
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct EnforcedLimits {
    max_globals: Option<u32>,
    max_functions: Option<u32>,
    max_tables: Option<u32>,
    max_element_segments: Option<u32>,
    max_memories: Option<u32>,
    max_data_segments: Option<u32>,
    max_params: Option<usize>,
    max_results: Option<usize>,
    min_avg_bytes_per_function: Option<AverageLimit>,
}

#[derive(Debug, Clone, Copy)]
struct AverageLimit {
    /// From how many bytes of all bodies together on the limit is enforced.
    from_bytes: u32,
    min_avg_bytes: u32,
}

impl EnforcedLimits {
    /// Limits that no compiler's output exceeds, against modules that are made to keep a compiler busy: 1000
    /// globals, element and data segments, 10 000 functions, 100 tables, a memory, 32 parameters and results, and
    /// on average 40 bytes per function where all together have 1000.
    #[must_use]
    pub fn strict() -> Self {
        let mut limits = Self::default();
        limits
            .max_globals(Some(1000))
            .max_functions(Some(10_000))
            .max_tables(Some(100))
            .max_element_segments(Some(1000))
            .max_memories(Some(1))
            .max_data_segments(Some(1000))
            .max_params(Some(32))
            .max_results(Some(32))
            .min_avg_bytes_per_function(1000, 40);
        limits
    }

    /// Requires that functions have so many bytes on average, the lengths before bodies included, where all
    /// together have at least `from_bytes`.
    pub fn min_avg_bytes_per_function(&mut self, from_bytes: u32, min_avg_bytes: u32) -> &mut Self {
        self.min_avg_bytes_per_function = Some(AverageLimit {
            from_bytes,
            min_avg_bytes,
        });
        self
    }

    /// Compares a module with the limits, in the order of a module's sections.
    pub(crate) fn check(&self, declared: &Declared) -> Result<(), EnforcedLimitsError> {
        use EnforcedLimitsError as E;
        let exceeds = |found: u32, limit: Option<u32>| limit.filter(|limit| found > *limit);
        let exceeds_len = |found: usize, limit: Option<usize>| limit.filter(|limit| found > *limit);
        if let Some(limit) = exceeds_len(declared.max_params, self.max_params) {
            return Err(E::TooManyParameters { limit });
        }
        if let Some(limit) = exceeds_len(declared.max_results, self.max_results) {
            return Err(E::TooManyResults { limit });
        }
        if let Some(limit) = exceeds(declared.functions, self.max_functions) {
            return Err(E::TooManyFunctions { limit });
        }
        if let Some(limit) = exceeds(declared.tables, self.max_tables) {
            return Err(E::TooManyTables { limit });
        }
        if let Some(limit) = exceeds(declared.memories, self.max_memories) {
            return Err(E::TooManyMemories { limit });
        }
        if let Some(limit) = exceeds(declared.globals, self.max_globals) {
            return Err(E::TooManyGlobals { limit });
        }
        if let Some(limit) = exceeds(declared.element_segments, self.max_element_segments) {
            return Err(E::TooManyElementSegments { limit });
        }
        if let (Some(average), Some(bytes)) =
            (self.min_avg_bytes_per_function, declared.bodies_len_bytes)
            && bytes >= average.from_bytes
            && let Some(avg) = bytes.checked_div(declared.functions)
            && avg < average.min_avg_bytes
        {
            let limit = average.min_avg_bytes;
            return Err(E::MinAvgBytesPerFunction { limit, avg });
        }
        if let Some(limit) = exceeds(declared.data_segments, self.max_data_segments) {
            return Err(E::TooManyDataSegments { limit });
        }
        Ok(())
    }
}

macro_rules! setters {
    ($( $(#[$doc:meta])* $field:ident: $ty:ty; )*) => {
        impl EnforcedLimits {
            $(
                $(#[$doc])*
                pub fn $field(&mut self, limit: Option<$ty>) -> &mut Self {
                    self.$field = limit;
                    self
                }
            )*
        }
    };
}

setters! {
    /// How many globals a module may define.
    max_globals: u32;
    /// How many functions a module may define.
    max_functions: u32;
    /// How many tables a module may define.
    max_tables: u32;
    /// How many element segments a module may have.
    max_element_segments: u32;
    /// How many memories a module may define. A preset that turns an imported memory into a defined one makes no
    /// difference to a module, but an artifact of it has one.
    max_memories: u32;
    /// How many data segments a module may have.
    max_data_segments: u32;
    /// How many parameters a function type may have.
    max_params: usize;
    /// How many results a function type may have.
    max_results: usize;
}

/// What a module declares.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Declared {
    max_params: usize,
    max_results: usize,
    functions: u32,
    tables: u32,
    memories: u32,
    globals: u32,
    element_segments: u32,
    data_segments: u32,
    /// `None` where nobody can see it.
    bodies_len_bytes: Option<u32>,
}

#[cfg(feature = "compile")]
impl From<wasmelt_compiler::SectionCounts> for Declared {
    fn from(counts: wasmelt_compiler::SectionCounts) -> Self {
        Self {
            max_params: counts.max_params,
            max_results: counts.max_results,
            functions: counts.functions,
            tables: counts.tables,
            memories: counts.memories,
            globals: counts.globals,
            element_segments: counts.element_segments,
            data_segments: counts.data_segments,
            bodies_len_bytes: Some(counts.bodies_len_bytes),
        }
    }
}

impl From<&Manifest> for Declared {
    fn from(manifest: &Manifest) -> Self {
        let count = |len: usize| u32::try_from(len).expect("the loader checked 32-bit indices");
        let lens = manifest.types.iter();
        let lens = lens.map(|ty| (ty.params.len(), ty.results.len()));
        let (max_params, max_results) = lens.fold((0, 0), |most: (usize, usize), len| {
            (most.0.max(len.0), most.1.max(len.1))
        });
        let defined_globals = manifest
            .globals
            .iter()
            .filter(|global| global.init.is_some());
        Self {
            max_params,
            max_results,
            functions: count(manifest.functions.len()) - manifest.imported_function_count,
            tables: u32::from(manifest.table.is_some_and(|table| !table.imported)),
            memories: u32::from(manifest.memory.is_some_and(|memory| !memory.imported)),
            globals: count(defined_globals.count()),
            element_segments: count(manifest.elements.len()),
            data_segments: count(manifest.data.len()),
            bodies_len_bytes: None,
        }
    }
}
