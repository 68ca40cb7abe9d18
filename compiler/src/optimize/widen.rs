//! Keeps 32-bit values that are used as addresses in 64 bits, so that no loop extends them anew.
//!
//! Wasm indices have 32 bits and host addresses 64: each access extends its index. On x86-64 that
//! costs nothing behind an instruction that clears the upper half, but a move behind a block
//! parameter, which every variable of a loop is, and behind a load that is used twice. Here such
//! parameters become 64 bits wide, extended where control comes from, if that is executed less
//! often; and such loads extend while they load.

use super::{constant_bits, extended_value, replace_by};
use cranelift_codegen::{
    cursor::{Cursor, FuncCursor},
    entity::SecondaryMap,
    ir::{
        Block, BlockArg, BlockCall, Function, Inst, InstBuilder, InstructionData, Opcode, Value,
        ValueDef, types,
    },
    loop_analysis::LoopAnalysis,
};
use std::collections::{BTreeMap, BTreeSet};

/// How much more often a loop's body is executed than what is around it.
const LOOP_WEIGHT: u64 = 8;
/// Deeper nesting counts as this.
const MAX_LOOP_LEVEL: u32 = 5;

/// An argument that a branch passes to a 32-bit parameter.
struct Edge {
    from: Block,
    argument: Value,
    param: Value,
}

/// What the function does with its 32-bit values.
struct Uses {
    /// Estimated executions of extensions, by what they extend.
    extended: SecondaryMap<Value, u64>,
    extensions: Vec<(Inst, Value)>,
    edges: Vec<Edge>,
    params: Vec<Value>,
}

/// Widens what is worth it.
pub(super) fn widen(func: &mut Function, loops: &LoopAnalysis) {
    func.dfg.resolve_all_aliases();
    let uses = Uses::collect(func, loops);
    if uses.extensions.is_empty() {
        return;
    }
    let chosen = uses.choose(func, loops);
    let mut wide = BTreeMap::new();
    uses.widen_loads(func, &chosen, &mut wide);
    for param in chosen {
        wide.insert(param, widen_param(func, param));
    }
    widen_arguments(func, &wide);
    for (extension, narrow) in uses.extensions {
        if let Some(wide) = wide.get(&narrow) {
            replace_by(func, extension, *wide);
        }
    }
    func.dfg.resolve_all_aliases();
}

fn weight(loops: &LoopAnalysis, block: Block) -> u64 {
    let level = u32::try_from(loops.loop_level(block).level()).unwrap_or(u32::MAX);
    LOOP_WEIGHT.pow(level.min(MAX_LOOP_LEVEL))
}

impl Uses {
    fn collect(func: &Function, loops: &LoopAnalysis) -> Self {
        let mut uses = Self {
            extended: SecondaryMap::new(),
            extensions: Vec::new(),
            edges: Vec::new(),
            params: Vec::new(),
        };
        let entry = func.layout.entry_block();
        for block in func.layout.blocks() {
            if Some(block) != entry {
                let params = func.dfg.block_params(block).iter();
                uses.params
                    .extend(params.filter(|param| func.dfg.value_type(**param) == types::I32));
            }
            for inst in func.layout.block_insts(block) {
                if let Some(narrow) = extended_value(func, inst) {
                    uses.extended[narrow] += weight(loops, block);
                    uses.extensions.push((inst, narrow));
                }
            }
            uses.collect_edges(func, block);
        }
        uses
    }

    fn collect_edges(&mut self, func: &Function, block: Block) {
        let Some(last) = func.layout.last_inst(block) else {
            return;
        };
        let (tables, exceptions) = (&func.dfg.jump_tables, &func.dfg.exception_tables);
        for call in func.dfg.insts[last].branch_destination(tables, exceptions) {
            let params = func.dfg.block_params(call.block(&func.dfg.value_lists));
            let arguments = call.args(&func.dfg.value_lists);
            for (param, argument) in params.iter().zip(arguments) {
                if let BlockArg::Value(argument) = argument
                    && func.dfg.value_type(*param) == types::I32
                {
                    self.edges.push(Edge {
                        from: block,
                        argument,
                        param: *param,
                    });
                }
            }
        }
    }

    /// The parameters whose extensions cost more than those of what they are given.
    fn choose(&self, func: &Function, loops: &LoopAnalysis) -> BTreeSet<Value> {
        let mut chosen = self.reaching_an_extension();
        let mut saved = self.extended.clone();
        let mut spent: SecondaryMap<Value, u64> = SecondaryMap::new();
        let mut into: SecondaryMap<Value, Vec<usize>> = SecondaryMap::new();
        let mut out_of: SecondaryMap<Value, Vec<usize>> = SecondaryMap::new();
        for (position, edge) in self.edges.iter().enumerate() {
            if !chosen.contains(&edge.param) || edge.argument == edge.param {
                continue;
            }
            let weight = weight(loops, edge.from);
            into[edge.param].push(position);
            if chosen.contains(&edge.argument) {
                saved[edge.argument] += weight;
                out_of[edge.argument].push(position);
            } else if !is_extended_for_free(func, edge.argument) {
                spent[edge.param] += weight;
            }
        }
        let mut pending: Vec<Value> = chosen.iter().copied().collect();
        while let Some(param) = pending.pop() {
            if saved[param] > spent[param] || !chosen.remove(&param) {
                continue;
            }
            // What it is given need not be wide for it, and it is no wide argument itself.
            for edge in into[param].iter().map(|position| &self.edges[*position]) {
                if chosen.contains(&edge.argument) {
                    saved[edge.argument] -= weight(loops, edge.from);
                    pending.push(edge.argument);
                }
            }
            for edge in out_of[param].iter().map(|position| &self.edges[*position]) {
                if chosen.contains(&edge.param) {
                    spent[edge.param] += weight(loops, edge.from);
                    pending.push(edge.param);
                }
            }
        }
        chosen
    }

    /// The parameters that are extended, or passed on to such.
    fn reaching_an_extension(&self) -> BTreeSet<Value> {
        let mut passed_from: SecondaryMap<Value, Vec<Value>> = SecondaryMap::new();
        for edge in &self.edges {
            passed_from[edge.param].push(edge.argument);
        }
        let is_param: BTreeSet<Value> = self.params.iter().copied().collect();
        let mut pending: Vec<Value> = self.params.clone();
        pending.retain(|param| self.extended[*param] > 0);
        let mut found = BTreeSet::new();
        while let Some(param) = pending.pop() {
            if found.insert(param) {
                let from = passed_from[param].iter();
                pending.extend(from.filter(|value| is_param.contains(value)));
            }
        }
        found
    }

    /// Lets loads extend that are extended later, or passed to a parameter that will be wide.
    fn widen_loads(
        &self,
        func: &mut Function,
        chosen: &BTreeSet<Value>,
        wide: &mut BTreeMap<Value, Value>,
    ) {
        let extended = self.extensions.iter().map(|(_, narrow)| *narrow);
        let edges = self.edges.iter();
        let passed = edges.filter(|edge| chosen.contains(&edge.param));
        let wanted: BTreeSet<Value> = extended.chain(passed.map(|edge| edge.argument)).collect();
        for narrow in wanted {
            let ValueDef::Result(inst, _) = func.dfg.value_def(narrow) else {
                continue;
            };
            let InstructionData::Load {
                opcode: opcode @ (Opcode::Load | Opcode::Uload8 | Opcode::Uload16),
                arg,
                flags,
                offset,
            } = func.dfg.insts[inst]
            else {
                continue;
            };
            let flags = func.dfg.mem_flags[flags];
            func.dfg.clear_results(inst);
            let load = func.replace(inst);
            match opcode {
                Opcode::Uload8 => load.uload8(types::I64, flags, arg, offset),
                Opcode::Uload16 => load.uload16(types::I64, flags, arg, offset),
                _ => load.uload32(flags, arg, offset),
            };
            let result = func.dfg.first_result(inst);
            let mut cursor = FuncCursor::new(func).after_inst(inst);
            cursor.ins().with_result(narrow).ireduce(types::I32, result);
            wide.insert(narrow, result);
        }
    }
}

/// Makes a parameter 64 bits wide; the narrow value is its lower half.
fn widen_param(func: &mut Function, param: Value) -> Value {
    let ValueDef::Param(block, _) = func.dfg.value_def(param) else {
        unreachable!("only parameters are chosen");
    };
    let wide = func.dfg.replace_block_param(param, types::I64);
    let mut cursor = FuncCursor::new(func).at_first_insertion_point(block);
    cursor.ins().with_result(param).ireduce(types::I32, wide);
    wide
}

/// Passes wide values to the parameters that are wide now.
fn widen_arguments(func: &mut Function, wide: &BTreeMap<Value, Value>) {
    let mut next = func.layout.entry_block();
    while let Some(block) = next {
        next = func.layout.next_block(block);
        let Some(branch) = func.layout.last_inst(block) else {
            continue;
        };
        let mut passed: BTreeMap<Value, Value> = BTreeMap::new();
        // One list per target, with what replaces each argument.
        let replacements: Vec<Vec<Option<Value>>> = narrow_arguments(func, branch);
        for narrow in replacements.iter().flatten().flatten() {
            if !passed.contains_key(narrow) {
                let value = wide.get(narrow).copied();
                passed.insert(
                    *narrow,
                    value.unwrap_or_else(|| extend(func, branch, *narrow)),
                );
            }
        }
        let dfg = &mut func.dfg;
        let (tables, exceptions) = (&mut dfg.jump_tables, &mut dfg.exception_tables);
        let calls = dfg.insts[branch].branch_destination_mut(tables, exceptions);
        for (call, replacements) in calls.iter_mut().zip(replacements) {
            let mut replacements = replacements.into_iter();
            call.update_args(&mut dfg.value_lists, |argument| {
                let narrow = replacements.next().flatten();
                narrow.map_or(argument, |narrow| BlockArg::Value(passed[&narrow]))
            });
        }
    }
}

/// The arguments of each target of a branch that are 32 bits wide where 64 are expected.
fn narrow_arguments(func: &Function, branch: Inst) -> Vec<Vec<Option<Value>>> {
    let dfg = &func.dfg;
    let calls = dfg.insts[branch].branch_destination(&dfg.jump_tables, &dfg.exception_tables);
    let of_call = |call: &BlockCall| {
        let params = dfg.block_params(call.block(&dfg.value_lists));
        let arguments = call.args(&dfg.value_lists);
        arguments
            .zip(params)
            .map(|(argument, param)| {
                let argument = argument.as_value()?;
                let is_narrow = dfg.value_type(argument) == types::I32;
                (is_narrow && dfg.value_type(*param) == types::I64).then_some(argument)
            })
            .collect()
    };
    calls.iter().map(of_call).collect()
}

/// Extends a value before a branch.
fn extend(func: &mut Function, branch: Inst, narrow: Value) -> Value {
    let constant = constant_bits(func, narrow);
    let mut cursor = FuncCursor::new(func).at_inst(branch);
    match constant {
        Some(bits) => cursor.ins().iconst(types::I64, bits.cast_signed()),
        None => cursor.ins().uextend(types::I64, narrow),
    }
}

/// Whether Cranelift's x86-64 backend extends this 32-bit value without an instruction, or it is
/// made so here.
fn is_extended_for_free(func: &Function, value: Value) -> bool {
    let ValueDef::Result(inst, _) = func.dfg.value_def(value) else {
        return false;
    };
    let opcode = func.dfg.insts[inst].opcode();
    match opcode {
        // `value32_zeros_upper32` in the backend.
        Opcode::Iadd
        | Opcode::Isub
        | Opcode::Imul
        | Opcode::Band
        | Opcode::Bor
        | Opcode::Bxor
        | Opcode::Ishl
        | Opcode::Ushr => true,
        Opcode::Load | Opcode::Uload8 | Opcode::Uload16 | Opcode::Iconst => true,
        _ => false,
    }
}
