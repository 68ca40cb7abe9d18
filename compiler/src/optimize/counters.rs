//! Lets counters that run up to zero run up from zero.
//!
//! LLVM likes loops whose counter runs from `-length` to 0, which saves a comparison. As indices, such
//! numbers wrap with each constant that is added to them, so each access would need an addition of its own.
//! A counter from 0 to `length` is a displacement away from them.

use super::{
    constant_bits, destinations, extended_value, low_half, ranges::Ranges, sum_with_constant,
};
use cranelift_codegen::{
    cursor::{Cursor, FuncCursor},
    dominator_tree::DominatorTree,
    entity::EntitySet,
    ir::{
        Block, BlockArg, Function, Inst, InstBuilder, InstructionData, Opcode, Value,
        condcodes::{CondCode, IntCC},
        types,
    },
    loop_analysis::{Loop, LoopAnalysis},
};
use std::collections::BTreeMap;

/// How many additions of constants are followed.
const MAX_DEPTH: u32 = 8;

/// A counter to be shifted.
#[derive(Clone, Copy)]
struct Counter {
    header: Block,
    inside: Loop,
    param: Value,
    position: usize,
    /// Where it starts: a negative number of 32 bits.
    start: u32,
    step: u32,
}

/// Shifts all counters that start at negative constants and become indices by the addition of others.
pub(super) fn count_from_zero(func: &mut Function, domtree: &DominatorTree, loops: &LoopAnalysis) {
    let mut counters = find_counters(func, domtree, loops);
    if !counters.is_empty() {
        keep_indices(func, &mut counters);
    }
    if counters.is_empty() {
        return;
    }
    for counter in &mut counters {
        shift(func, counter);
    }
    pass_shifted(func, loops, &counters);
    let counters = counters
        .into_iter()
        .map(|counter| (counter.param, counter))
        .collect();
    follow(func, &counters);
}

fn find_counters(func: &Function, domtree: &DominatorTree, loops: &LoopAnalysis) -> Vec<Counter> {
    let mut counters = Vec::new();
    let mut ranges = None;
    for inside in loops.loops() {
        let header = loops.loop_header(inside);
        for (position, param) in func.dfg.block_params(header).iter().copied().enumerate() {
            if func.dfg.value_type(param) != types::I32 {
                continue;
            }
            let ranges = ranges.get_or_insert_with(|| Ranges::new(func, domtree, loops));
            let Some((start, back, forth)) = ranges.induction(param, inside) else {
                continue;
            };
            let (Ok(first), Ok(step)) = (u32::try_from(start.low), u32::try_from(forth)) else {
                continue;
            };
            let is_negative = first.cast_signed() < 0 && start.high == start.low;
            if is_negative && back == forth && step > 0 {
                counters.push(Counter {
                    header,
                    inside,
                    param,
                    position,
                    start: first,
                    step,
                });
            }
        }
    }
    counters
}

/// Keeps the counters that are indices after a constant was added, with which they wrap at the start.
fn keep_indices(func: &Function, counters: &mut Vec<Counter>) {
    let mut indices = EntitySet::new();
    let starts: BTreeMap<Value, u32> = counters
        .iter()
        .map(|counter| (counter.param, counter.start))
        .collect();
    for block in func.layout.blocks() {
        for inst in func.layout.block_insts(block) {
            if let Some(narrow) = extended_value(func, inst)
                && let (base, constant) = chain(func, narrow)
                && let Some(start) = starts.get(&base)
                && start.checked_add(constant).is_none()
            {
                indices.insert(base);
            }
        }
    }
    counters.retain(|counter| indices.contains(counter.param));
}

/// Replaces a counter by one that starts at zero; what it was is now a sum.
fn shift(func: &mut Function, counter: &mut Counter) {
    let shifted = func.dfg.replace_block_param(counter.param, types::I32);
    let mut cursor = FuncCursor::new(func).at_first_insertion_point(counter.header);
    let sum = add(&mut cursor, shifted, counter.start);
    func.dfg.change_to_alias(counter.param, sum);
    counter.param = shifted;
}

/// Lets all branches pass what the counters are now.
fn pass_shifted(func: &mut Function, loops: &LoopAnalysis, counters: &[Counter]) {
    let mut by_header: BTreeMap<Block, Vec<&Counter>> = BTreeMap::new();
    for counter in counters {
        by_header.entry(counter.header).or_default().push(counter);
    }
    let mut following = func.layout.entry_block();
    while let Some(from) = following {
        following = func.layout.next_block(from);
        let Some(branch) = func.layout.last_inst(from) else {
            continue;
        };
        for at in 0..destinations(func, branch).len() {
            let call = destinations(func, branch)[at];
            let header = call.block(&func.dfg.value_lists);
            let Some(counters) = by_header.get(&header) else {
                continue;
            };
            let mut passed: Vec<BlockArg> = call.args(&func.dfg.value_lists).collect();
            for counter in counters {
                let Some(BlockArg::Value(value)) = passed.get_mut(counter.position) else {
                    continue;
                };
                let is_inside = loops.is_in_loop(from, counter.inside);
                *value = shifted(func, branch, counter, is_inside.then_some(*value));
            }
            let mut passed = passed.into_iter();
            let dfg = &mut func.dfg;
            let calls = dfg.insts[branch]
                .branch_destination_mut(&mut dfg.jump_tables, &mut dfg.exception_tables);
            calls[at].update_args(&mut dfg.value_lists, |arg| passed.next().unwrap_or(arg));
        }
    }
}

/// What a branch passes now to let a counter go on with a value, or start.
fn shifted(func: &mut Function, branch: Inst, counter: &Counter, next: Option<Value>) -> Value {
    let unshift = counter.start.wrapping_neg();
    let mut cursor = FuncCursor::new(func).at_inst(branch);
    let Some(next) = next else {
        return cursor.ins().iconst(types::I32, 0);
    };
    let (base, constant) = chain(cursor.func, next);
    if base == counter.param {
        add(&mut cursor, base, constant.wrapping_add(unshift))
    } else {
        add(&mut cursor, next, unshift)
    }
}

/// Lets additions to what the counters were, and tests of them, start from what they are.
fn follow(func: &mut Function, counters: &BTreeMap<Value, Counter>) {
    let mut following_block = func.layout.entry_block();
    while let Some(block) = following_block {
        following_block = func.layout.next_block(block);
        let mut following = func.layout.first_inst(block);
        while let Some(inst) = following {
            following = func.layout.next_inst(inst);
            match func.dfg.insts[inst] {
                InstructionData::Binary {
                    opcode: Opcode::Iadd | Opcode::Isub,
                    ..
                } => {
                    let (base, constant) = chain(func, func.dfg.first_result(inst));
                    if counters.contains_key(&base) {
                        let mut cursor = FuncCursor::new(func).at_inst(inst);
                        cursor.use_srcloc(inst);
                        let constant = cursor.ins().iconst(types::I32, i64::from(constant));
                        func.replace(inst).iadd(base, constant);
                    }
                }
                InstructionData::IntCompare { args, cond, .. } => {
                    if let Some((condition, counter, ahead, bound)) =
                        compared(func, counters, cond, args)
                    {
                        let mut cursor = FuncCursor::new(func).at_inst(inst);
                        cursor.use_srcloc(inst);
                        let sum = add(&mut cursor, counter, ahead);
                        let bound = cursor.ins().iconst(types::I32, i64::from(bound));
                        func.replace(inst).icmp(condition, sum, bound);
                    }
                }
                InstructionData::Brif { arg, .. } => {
                    let (base, constant) = chain(func, arg);
                    if let Some(counter) = counters.get(&base) {
                        let unshift = counter.start.wrapping_neg();
                        let mut cursor = FuncCursor::new(func).at_inst(inst);
                        cursor.use_srcloc(inst);
                        let sum = add(&mut cursor, base, constant.wrapping_add(unshift));
                        let bound = cursor.ins().iconst(types::I32, i64::from(unshift));
                        let condition = cursor.ins().icmp(IntCC::NotEqual, sum, bound);
                        if let InstructionData::Brif { arg, .. } = &mut func.dfg.insts[inst] {
                            *arg = condition;
                        }
                    }
                }
                _ => {}
            }
        }
    }
}

/// A comparison of what a counter was as one of what it is: the condition, the counter, what is added to it,
/// and a constant.
fn compared(
    func: &Function,
    counters: &BTreeMap<Value, Counter>,
    cond: IntCC,
    [left, right]: [Value; 2],
) -> Option<(IntCC, Value, u32, u32)> {
    let (base, sum) = chain(func, left);
    let counter = counters.get(&base)?;
    let unshift = counter.start.wrapping_neg();
    let (other, constant) = chain(func, right);
    if let Some(bits) = constant_bits(func, other) {
        let is_equality = matches!(cond, IntCC::Equal | IntCC::NotEqual);
        let bound = u32::try_from(bits).ok()?.wrapping_add(constant);
        let ahead = sum.wrapping_add(unshift);
        return is_equality.then_some((cond, base, ahead, bound.wrapping_add(unshift)));
    }
    if other != base {
        return None;
    }
    // Whether the next number is below this one: whether it is zero, if no step misses that.
    let (cond, next, this) = match cond {
        IntCC::UnsignedLessThan | IntCC::UnsignedGreaterThanOrEqual => (cond, sum, constant),
        IntCC::UnsignedGreaterThan | IntCC::UnsignedLessThanOrEqual => {
            (cond.swap_args(), constant, sum)
        }
        _ => return None,
    };
    let is_next = this == counter.start && next == counter.start.wrapping_add(counter.step);
    let meets_zero = counter.step.is_power_of_two() && counter.start.is_multiple_of(counter.step);
    let condition = if cond == IntCC::UnsignedLessThan {
        IntCC::Equal
    } else {
        IntCC::NotEqual
    };
    (is_next && meets_zero).then_some((condition, base, counter.step, unshift))
}

/// What a value of 32 bits is the sum of: another one, and a constant.
fn chain(func: &Function, value: Value) -> (Value, u32) {
    let mut base = func.dfg.resolve_aliases(value);
    let mut sum = 0i64;
    for _ in 0..MAX_DEPTH {
        let Some((rest, constant)) = sum_with_constant(func, base) else {
            break;
        };
        base = rest;
        sum = sum.wrapping_add(constant);
    }
    (base, low_half(sum))
}

fn add(cursor: &mut FuncCursor<'_>, value: Value, constant: u32) -> Value {
    if constant == 0 {
        return value;
    }
    let constant = cursor.ins().iconst(types::I32, i64::from(constant));
    cursor.ins().iadd(value, constant)
}
