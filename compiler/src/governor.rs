//! Decides which functions are compiled without optimisation, so that no module compiles for long.
//!
//! Cranelift's optimiser and its register allocator are super-linear in the number and nesting of
//! basic blocks. Functions above fixed thresholds are compiled with `opt_level=none` and the
//! single-pass register allocator, which stay linear; the ABI is the same. Every threshold depends
//! on the wasm and the options alone, so that all machines decide alike. How many functions
//! were downgraded stands in the manifest and in `wasmelt inspect`.

/// The thresholds. They are fixed: changing one changes output bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GovernorLimits {
    /// Blocks, loops and ifs in one function.
    pub max_blocks: u32,
    /// Places in one function where other operators may split a block.
    pub max_splits: u32,
    /// Nesting of loops in one function.
    pub max_loop_depth: u32,
    /// Nesting of blocks, loops and ifs in one function.
    pub max_block_depth: u32,
    /// Bytes of one function's body.
    pub max_body_len_bytes: u32,
    /// Locals (parameters included) times blocks, however they come about, of one function.
    pub max_locals_times_blocks: u64,
    /// Targets of all `br_table`s of one function.
    pub max_branch_targets: u32,
    /// Values that one function keeps over its loops once what does not change in them was moved out.
    pub max_values_kept_over_loops: u32,
    /// Super-linear work that a whole module may cost, in the units of [`Governor::work`], for
    /// each of its bytes, above a free allowance; functions that come after it is spent are
    /// downgraded.
    pub module_work_per_byte: u64,
    /// The free allowance.
    pub module_work_free: u64,
}

/// The thresholds in force.
const LIMITS: GovernorLimits = GovernorLimits {
    max_blocks: 5_000,
    max_splits: 20_000,
    max_loop_depth: 100,
    max_block_depth: 1_000,
    max_body_len_bytes: 500_000,
    max_locals_times_blocks: 1_000_000,
    max_branch_targets: 20_000,
    max_values_kept_over_loops: 1_000,
    module_work_per_byte: 2_000,
    module_work_free: 1_000_000_000,
};

/// What one function looks like to the governor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Governor {
    /// Blocks, loops and ifs.
    pub blocks: u32,
    /// Places where other operators may split a block: branches, checks, and the comparisons that replace
    /// a branch table.
    pub splits: u32,
    /// Loops.
    pub loops: u32,
    /// Deepest nesting of loops.
    pub loop_depth: u32,
    /// Deepest nesting of blocks, loops and ifs.
    pub block_depth: u32,
    /// Bytes of the body.
    pub body_len_bytes: u32,
    /// Parameters and locals.
    pub locals: u32,
    /// Targets of `br_table`s.
    pub branch_targets: u32,
    /// Calls, direct and indirect, and growths of the memory.
    pub calls: u32,
    /// Operands on the stack at each of these, its own included, added up.
    pub operands_over_calls: u64,
}

impl Governor {
    /// The thresholds in force.
    #[must_use]
    pub const fn limits() -> GovernorLimits {
        LIMITS
    }

    /// Whether this function, for itself, must be compiled without optimisation.
    #[must_use]
    pub fn must_downgrade(&self) -> bool {
        self.blocks > LIMITS.max_blocks
            || self.splits > LIMITS.max_splits
            || self.loop_depth > LIMITS.max_loop_depth
            || self.block_depth > LIMITS.max_block_depth
            || self.body_len_bytes > LIMITS.max_body_len_bytes
            || self.locals_times_blocks() > LIMITS.max_locals_times_blocks
            || self.branch_targets > LIMITS.max_branch_targets
    }

    fn locals_times_blocks(&self) -> u64 {
        let blocks = u64::from(self.blocks) + u64::from(self.splits);
        u64::from(self.locals).saturating_mul(blocks.max(1))
    }

    /// Estimated super-linear work of optimising this function, in nanoseconds of the worst code
    /// known (x86-64, Zen 5): chains of constant additions grow with the square of the body,
    /// loops in a row with the square of their number, nesting with blocks times depth, merges of
    /// variables with locals times blocks, spills with the values that live over calls.
    #[must_use]
    pub fn work(&self) -> u64 {
        let [body, blocks, loops, depth, loop_depth] = [
            self.body_len_bytes,
            self.blocks,
            self.loops,
            self.block_depth,
            self.loop_depth,
        ]
        .map(u64::from);
        // Each product of two 32-bit numbers fits; the sum may not.
        [
            body * body / 32,
            (loops * loops).saturating_mul(36),
            (blocks * depth).saturating_mul(23),
            (blocks * loop_depth).saturating_mul(400),
            self.locals_times_blocks().saturating_mul(800),
            self.operands_over_calls.saturating_mul(120),
        ]
        .into_iter()
        .fold(0, u64::saturating_add)
    }

    /// This function with another inlined where so many operands are on the stack. Depths are
    /// added up, as if it were the deepest place.
    #[must_use]
    pub(crate) fn with_inlined(mut self, callee: &Self, operands: usize) -> Self {
        let sum = |a: &mut u32, b: u32| *a = a.saturating_add(b);
        // Its end is a block of its own.
        sum(&mut self.blocks, callee.blocks.saturating_add(1));
        sum(&mut self.splits, callee.splits);
        sum(&mut self.loops, callee.loops);
        sum(&mut self.loop_depth, callee.loop_depth);
        sum(&mut self.block_depth, callee.block_depth);
        sum(&mut self.body_len_bytes, callee.body_len_bytes);
        sum(&mut self.locals, callee.locals);
        sum(&mut self.calls, callee.calls);
        let under = (operands as u64).saturating_mul(u64::from(callee.calls));
        self.operands_over_calls = self
            .operands_over_calls
            .saturating_add(callee.operands_over_calls)
            .saturating_add(under);
        self
    }

    /// Decides for every function of a module of `wasm_len_bytes`, in the order of their indices.
    #[must_use]
    pub fn decide(functions: &[Governor], wasm_len_bytes: usize) -> Vec<bool> {
        let budget = LIMITS
            .module_work_per_byte
            .saturating_mul(wasm_len_bytes as u64)
            .saturating_add(LIMITS.module_work_free);
        let mut spent = 0u64;
        functions
            .iter()
            .map(|function| {
                if function.must_downgrade() {
                    return true;
                }
                spent = spent.saturating_add(function.work());
                spent > budget
            })
            .collect()
    }
}
