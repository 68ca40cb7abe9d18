//! Lets loops test the next value of a counter, where they test the present one.
//!
//! A loop that ends with `next = i + 1; if i != 99 go on with next` needs both values at its end: a
//! move on every way back, and with it a block and a jump. Addition wraps, so `next != 100` says the
//! same, and `next` can take the place of `i`. Likewise any branch on `next < i`, which holds when the
//! addition wrapped, may as well test whether `next` is below what was added.

use super::{constant_bits, destinations, sum_with_constant};
use cranelift_codegen::{
    cursor::{Cursor, FuncCursor},
    dominator_tree::DominatorTree,
    ir::{
        Block, BlockCall, Function, Inst, InstBuilder, InstructionData, Value, ValueDef,
        condcodes::{CondCode, IntCC},
    },
};

/// A branch that depends on whether a counter has a certain value.
struct Test {
    branch: Inst,
    condition: IntCC,
    counter: Value,
    /// That value, of the counter's width.
    bits: u64,
}

/// Replaces every such test that follows the addition.
pub(super) fn test_next_values(func: &mut Function, domtree: &DominatorTree) {
    let mut following = func.layout.entry_block();
    while let Some(block) = following {
        following = func.layout.next_block(block);
        if let Some(test) = find_test(func, block)
            && let Some((next, step)) = find_next(func, domtree, block, &test)
        {
            replace_test(func, &test, next, step);
        } else if let Some((branch, condition, next, step)) = find_carry(func, block) {
            replace_condition(func, branch, condition, next, step);
        }
    }
}

/// The branch at a block's end, if it tests whether `next`, which is `counter + step`, wrapped; the same
/// condition of `next` and `step`.
fn find_carry(func: &Function, block: Block) -> Option<(Inst, IntCC, Value, i64)> {
    let (branch, tested) = find_condition(func, block)?;
    let (cond, [left, right]) = compared(func, tested)?;
    let (next, counter, condition) = match cond {
        IntCC::UnsignedLessThan | IntCC::UnsignedGreaterThanOrEqual => (left, right, cond),
        IntCC::UnsignedGreaterThan | IntCC::UnsignedLessThanOrEqual => {
            (right, left, cond.swap_args())
        }
        _ => return None,
    };
    let (base, step) = sum_with_constant(func, next)?;
    // Farther numbers would need an instruction of their own.
    let is_near = i32::try_from(step).is_ok();
    (base == counter && is_near).then_some((branch, condition, next, step))
}

fn find_test(func: &Function, block: Block) -> Option<Test> {
    let (branch, tested) = find_condition(func, block)?;
    if let ValueDef::Param(..) = func.dfg.value_def(tested) {
        return Some(Test {
            branch,
            condition: IntCC::NotEqual,
            counter: tested,
            bits: 0,
        });
    }
    let (condition, [counter, constant]) = compared(func, tested)?;
    matches!(condition, IntCC::Equal | IntCC::NotEqual).then_some(Test {
        branch,
        condition,
        counter,
        bits: constant_bits(func, constant)?,
    })
}

/// The conditional branch at a block's end, and what it depends on.
fn find_condition(func: &Function, block: Block) -> Option<(Inst, Value)> {
    let branch = func.layout.last_inst(block)?;
    let InstructionData::Brif { arg, .. } = func.dfg.insts[branch] else {
        return None;
    };
    Some((branch, arg))
}

/// How a value compares which integers.
fn compared(func: &Function, value: Value) -> Option<(IntCC, [Value; 2])> {
    let ValueDef::Result(compare, _) = func.dfg.value_def(value) else {
        return None;
    };
    let InstructionData::IntCompare { args, cond, .. } = func.dfg.insts[compare] else {
        return None;
    };
    Some((cond, args))
}

/// What a way from the branch to the counter's block puts in its place, if that is the counter and
/// a constant, and is known where the branch is.
fn find_next(
    func: &Function,
    domtree: &DominatorTree,
    block: Block,
    test: &Test,
) -> Option<(Value, i64)> {
    let ValueDef::Param(header, position) = func.dfg.value_def(test.counter) else {
        return None;
    };
    let next = destinations(func, test.branch)
        .iter()
        .find_map(|call| passed(func, call, header, position))?;
    let (base, step) = sum_with_constant(func, next)?;
    let defined_in = func.layout.inst_block(func.dfg.value_def(next).inst()?)?;
    let is_known = defined_in == block || domtree.block_dominates(defined_in, block);
    (base == test.counter && is_known).then_some((next, step))
}

/// The argument at `position` that a call of `header` passes, directly or by a block that only jumps
/// there.
fn passed(func: &Function, call: &BlockCall, header: Block, position: usize) -> Option<Value> {
    let lists = &func.dfg.value_lists;
    let target = call.block(lists);
    if target == header {
        return call.args(lists).nth(position)?.as_value();
    }
    let jump = func.layout.first_inst(target)?;
    let InstructionData::Jump { destination, .. } = func.dfg.insts[jump] else {
        return None;
    };
    if destination.block(lists) != header || !func.dfg.block_params(target).is_empty() {
        return None;
    }
    destination.args(lists).nth(position)?.as_value()
}

fn replace_test(func: &mut Function, test: &Test, next: Value, step: i64) {
    let sum = test.bits.cast_signed().wrapping_add(step);
    replace_condition(func, test.branch, test.condition, next, sum);
}

fn replace_condition(
    func: &mut Function,
    branch: Inst,
    condition: IntCC,
    tested: Value,
    bound: i64,
) {
    let ty = func.dfg.value_type(tested);
    let unused_bits = 64 - ty.bits();
    let bits = bound.cast_unsigned() << unused_bits >> unused_bits;
    let mut cursor = FuncCursor::new(func).at_inst(branch);
    let bound = cursor.ins().iconst(ty, bits.cast_signed());
    let condition = cursor.ins().icmp(condition, tested, bound);
    if let InstructionData::Brif { arg, .. } = &mut func.dfg.insts[branch] {
        *arg = condition;
    }
}
