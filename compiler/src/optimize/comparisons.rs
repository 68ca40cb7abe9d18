//! Lets comparisons do without masks that make no difference to them.
//!
//! C computes with bytes in 32 bits, so `(uint8_t)(c - 'a') < 26` masks the difference. If `c` is a byte, one below
//! zero is above 25 with the mask, and without it. Only comparisons change: what has room in how many bits
//! shows in masks, which addresses rely on.

use super::{constant_bits, ranges::Ranges, sum_with_constant};
use cranelift_codegen::{
    dominator_tree::DominatorTree,
    ir::{Block, Function, Inst, InstructionData, Opcode, Value, condcodes::IntCC, types},
    loop_analysis::LoopAnalysis,
};

/// A comparison of a sum's lowest bits with a constant.
struct Test {
    compare: Inst,
    sum: Value,
    /// Added to this number as a signed one, the constant gives the sum.
    number: Value,
    constant: i64,
    /// All numbers below are either in the relation or not; those not below are all in the other one.
    limit: u64,
    /// The mask, which is one less than a power of two.
    mask: u64,
}

/// Replaces masked sums of 32 bits by the sums where they are compared.
pub(super) fn compare_unmasked(func: &mut Function, domtree: &DominatorTree, loops: &LoopAnalysis) {
    let mut tests: Vec<(Block, Test)> = Vec::new();
    for block in func.layout.blocks() {
        let insts = func.layout.block_insts(block);
        tests.extend(insts.filter_map(|inst| Some((block, find_test(func, inst)?))));
    }
    if tests.is_empty() {
        return;
    }
    let mut ranges = Ranges::new(func, domtree, loops);
    tests.retain(|(block, test)| is_same_without_mask(&mut ranges, *block, test));
    for (_, test) in tests {
        if let InstructionData::IntCompare { args, .. } = &mut func.dfg.insts[test.compare] {
            args[0] = test.sum;
        }
    }
}

fn find_test(func: &Function, compare: Inst) -> Option<Test> {
    let InstructionData::IntCompare { args, cond, .. } = func.dfg.insts[compare] else {
        return None;
    };
    let [left, right] = args.map(|arg| func.dfg.resolve_aliases(arg));
    let bound = constant_bits(func, right)?;
    let limit = match cond {
        IntCC::UnsignedLessThan | IntCC::UnsignedGreaterThanOrEqual => bound,
        IntCC::UnsignedLessThanOrEqual
        | IntCC::UnsignedGreaterThan
        | IntCC::Equal
        | IntCC::NotEqual => bound.checked_add(1)?,
        _ => return None,
    };
    let masking = func.dfg.value_def(left).inst()?;
    let InstructionData::Binary {
        opcode: Opcode::Band,
        args,
    } = func.dfg.insts[masking]
    else {
        return None;
    };
    let [sum, mask] = args.map(|arg| func.dfg.resolve_aliases(arg));
    let mask = constant_bits(func, mask)?;
    let is_low = mask.checked_add(1).is_some_and(u64::is_power_of_two);
    let (number, constant) = sum_with_constant(func, sum)?;
    let is_short = func.dfg.value_type(sum) == types::I32;
    (is_low && is_short).then_some(Test {
        compare,
        sum,
        number,
        constant,
        limit,
        mask,
    })
}

/// Whether the sum, without its upper bits, is on the same side of the limit as with them.
fn is_same_without_mask(ranges: &mut Ranges<'_>, block: Block, test: &Test) -> bool {
    let range = ranges.range_in(test.number, block);
    let [low, high] = [range.low, range.high].map(|end| end.cast_signed() + test.constant);
    let mask = test.mask.cast_signed();
    // A sum from zero to the mask is itself with the mask. One below zero is `mask + 1` more with it, and far
    // above without it; both must be at the limit or above.
    high <= mask && low.min(0) + mask + 1 >= test.limit.cast_signed()
}
