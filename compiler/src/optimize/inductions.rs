//! Sums of a loop's variable that do not wrap because memory is accessed at them in every round.
//!
//! Where a loop accesses memory at `fixed + variable` in each round, that sum is below the memory's length,
//! and no memory that this code runs with has the last page of the 4 GiB. So if the variable rises by no
//! more than a page in a round, the sum of the next round has not wrapped either: by induction, none has
//! if the first has not.

use super::{
    addresses::is_fixed,
    constant_bits, low_half,
    ranges::{Range, Ranges},
    sum_with_constant,
};
use cranelift_codegen::{
    ir::{Block, Function, InstructionData, Opcode, Value, ValueDef, types},
    loop_analysis::{Loop, LoopAnalysis},
};
use wasmelt_abi::WASM_PAGE_SIZE;

/// How deep sums are looked into.
const MAX_DEPTH: u32 = 4;

/// How many numbers that the loop does not change.
const MAX_FIXED: usize = 3;

/// An index that does not wrap in its loop.
pub(super) struct Induction {
    /// What the loop does not change. These and the constant together may wrap.
    pub fixed: Vec<Value>,
    pub variable: Value,
    /// Of 32 bits. Without fixed numbers, what the index is above the variable, or less than a page below it.
    pub constant: i64,
}

/// Takes a 32-bit sum apart that is the index of an access in this block.
pub(super) fn find(
    func: &Function,
    loops: &LoopAnalysis,
    ranges: &mut Ranges<'_>,
    sum: Value,
    access: Block,
) -> Option<Induction> {
    let inside = loops.innermost_loop(access)?;
    let mut parts = Parts::default();
    parts.add(func, loops, inside, sum, MAX_DEPTH)?;
    let Parts {
        fixed,
        variable,
        constant,
    } = parts;
    let variable = variable?;
    if !ranges.is_in_every_round(access, inside) {
        return None;
    }
    let (start, step) = start_and_step(func, ranges, inside, variable)?;
    let starts_at_zero = start.high == 0;
    if !fixed.is_empty() {
        let fixed_high: u64 = fixed.iter().map(|value| ranges.range(*value).high).sum();
        let fits = start.high + fixed_high + u64::from(constant) <= u64::from(u32::MAX);
        return (starts_at_zero || fits).then_some(Induction {
            fixed,
            variable,
            constant: constant.into(),
        });
    }
    let near = i64::from(constant.cast_signed());
    let fits = if near < 0 {
        // The variable itself must not wrap either, which is so much above the index.
        let room = u64::from(WASM_PAGE_SIZE).checked_sub(near.unsigned_abs());
        start.low >= near.unsigned_abs() && room.is_some_and(|room| step <= room)
    } else {
        start.high + near.unsigned_abs() <= u64::from(u32::MAX)
    };
    (near != 0 && fits).then_some(Induction {
        fixed,
        variable,
        constant: near,
    })
}

/// A sum's parts, by whether a loop changes them.
#[derive(Default)]
struct Parts {
    fixed: Vec<Value>,
    variable: Option<Value>,
    constant: u32,
}

impl Parts {
    fn add(
        &mut self,
        func: &Function,
        loops: &LoopAnalysis,
        inside: Loop,
        value: Value,
        depth: u32,
    ) -> Option<()> {
        let value = func.dfg.resolve_aliases(value);
        if let Some(depth) = depth.checked_sub(1) {
            if let Some((rest, constant)) = sum_with_constant(func, value) {
                self.constant = self.constant.wrapping_add(low_half(constant));
                return self.add(func, loops, inside, rest, depth);
            }
            if let Some(inst) = func.dfg.value_def(value).inst()
                && let InstructionData::Binary {
                    opcode: Opcode::Iadd,
                    args: [left, right],
                } = func.dfg.insts[inst]
            {
                self.add(func, loops, inside, left, depth)?;
                return self.add(func, loops, inside, right, depth);
            }
        }
        if is_fixed(func, loops, inside, value, MAX_DEPTH) {
            self.fixed.push(value);
            return (self.fixed.len() <= MAX_FIXED).then_some(());
        }
        self.variable.replace(value).is_none().then_some(())
    }
}

/// Where a loop's variable, or one times a power of two, starts, and by how much it rises in a round: no more
/// than a page.
fn start_and_step(
    func: &Function,
    ranges: &mut Ranges<'_>,
    inside: Loop,
    variable: Value,
) -> Option<(Range, u64)> {
    let (variable, bits) = match func.dfg.value_def(variable) {
        ValueDef::Result(inst, _) => {
            let InstructionData::Binary {
                opcode: Opcode::Ishl,
                args: [shifted, by],
            } = func.dfg.insts[inst]
            else {
                return None;
            };
            let bits = constant_bits(func, func.dfg.resolve_aliases(by))?;
            (func.dfg.resolve_aliases(shifted), bits)
        }
        _ => (variable, 0),
    };
    if func.dfg.value_type(variable) != types::I32 || bits >= types::I32.bits().into() {
        return None;
    }
    let (start, back, forth) = ranges.induction(variable, inside)?;
    let rises = back >= 0 && forth <= i64::from(WASM_PAGE_SIZE) >> bits;
    let fits = start.high <= u64::from(u32::MAX) >> bits;
    let start = Range {
        low: start.low << bits,
        high: start.high << bits,
    };
    (rises && fits).then_some((start, forth.cast_unsigned() << bits))
}
