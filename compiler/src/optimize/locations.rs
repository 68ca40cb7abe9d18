//! Gives instructions that a load may become part of the load's location.
//!
//! On x86-64 a load can be an operand of the instruction that uses its value. If it traps, it is with
//! that instruction's location, which may be that of other wasm code: where instructions were merged
//! or moved out of loops, or none at all where the optimiser made a new one.

use cranelift_codegen::ir::{Function, Inst, Opcode, SourceLoc, Value};
use std::collections::BTreeMap;

/// Relocates what depends on a load that may trap, as far as it is pure and in the same block.
pub(super) fn relocate_users_of_loads(func: &mut Function) {
    // Which load of the block it depends on: the last one, which is the one that can be merged.
    let mut loaded: BTreeMap<Value, (usize, SourceLoc)> = BTreeMap::new();
    let blocks: Vec<_> = func.layout.blocks().collect();
    for block in blocks {
        loaded.clear();
        let mut next = func.layout.first_inst(block);
        while let Some(inst) = next {
            next = func.layout.next_inst(inst);
            let load = if may_trap_as_load(func, inst) {
                Some((loaded.len(), func.srcloc(inst)))
            } else if is_pure(func.dfg.insts[inst].opcode()) {
                let args = func.dfg.inst_args(inst).iter();
                let known = args.filter_map(|arg| loaded.get(&func.dfg.resolve_aliases(*arg)));
                known.max_by_key(|(position, _)| *position).copied()
            } else {
                None
            };
            if let Some((_, location)) = load {
                func.set_srcloc(inst, location);
                if let [result] = func.dfg.inst_results(inst) {
                    loaded.extend(load.map(|load| (*result, load)));
                }
            }
        }
    }
}

/// Whether an instruction only computes.
fn is_pure(opcode: Opcode) -> bool {
    !opcode.is_terminator()
        && !opcode.is_call()
        && !opcode.can_trap()
        && !opcode.can_load()
        && !opcode.can_store()
        && !opcode.other_side_effects()
}

fn may_trap_as_load(func: &Function, inst: Inst) -> bool {
    let data = &func.dfg.insts[inst];
    let flags = data.memflags_data(&func.dfg);
    data.opcode().can_load() && flags.is_some_and(|flags| flags.trap_code().is_some())
}
