//! Counts the values that a function keeps over its loops, for the governor.
//!
//! Cranelift moves what does not change in a loop in front of it, without regard for registers. The
//! backtracking allocator takes time in the square of what is then kept.

use cranelift_codegen::{
    entity::EntitySet,
    ir::{Block, Function, Opcode, Value, ValueDef},
    loop_analysis::LoopAnalysis,
};

/// Values that are used in a loop and defined outside of it, each counted once. Constants are made where
/// they are used.
pub(super) fn values_kept_over_loops(func: &Function, loops: &LoopAnalysis) -> usize {
    if loops.loops().next().is_none() {
        return 0;
    }
    let mut kept: EntitySet<Value> = EntitySet::with_capacity(func.dfg.num_values());
    let mut count = 0;
    for block in func.layout.blocks() {
        let Some(inside) = loops.innermost_loop(block) else {
            continue;
        };
        let insts = func.layout.block_insts(block);
        for value in insts.flat_map(|inst| func.dfg.inst_values(inst)) {
            let is_kept = defining_block(func, value)
                .is_some_and(|definition| !loops.is_in_loop(definition, inside));
            count += usize::from(is_kept && kept.insert(value));
        }
    }
    count
}

/// Where a value is defined that is no constant.
fn defining_block(func: &Function, value: Value) -> Option<Block> {
    match func.dfg.value_def(value) {
        ValueDef::Result(inst, _) => match func.dfg.insts[inst].opcode() {
            Opcode::Iconst | Opcode::F32const | Opcode::F64const => None,
            _ => func.layout.inst_block(inst),
        },
        ValueDef::Param(block, _) => Some(block),
        ValueDef::Union(..) => None,
    }
}
