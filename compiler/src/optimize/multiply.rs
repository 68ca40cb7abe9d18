//! Recognises 128-bit products that wasm has to build from four 64-bit ones.
//!
//! Wasm has no instruction for the upper half of a 64-bit product, so compilers multiply the halves
//! of both factors (Warren, Hacker's Delight, section 8-2; `__multi3` of compiler-rt):
//!
//! ```text
//! first  = a1 * b0 + (a0 * b0 >> 32)
//! second = a0 * b1 + (first & 0xffff_ffff)
//! high   = a1 * b1 + (first >> 32) + (second >> 32)
//! low    = (second << 32) | (a0 * b0 & 0xffff_ffff)
//! ```
//!
//! None of these additions wraps, so `high` and `low` are exactly the halves of `a * b`, which
//! processors compute at once. Five multiplications become two.

use super::constant_bits;
use cranelift_codegen::{
    cursor::{Cursor, FuncCursor},
    ir::{Function, Inst, InstBuilder, InstructionData, Opcode, Value, ValueDef, types},
};
use std::collections::BTreeMap;

const HALF_BITS: u64 = 32;
const HALF_MASK: u64 = 0xffff_ffff;
/// Addends of one sum that are looked at.
const MAX_ADDENDS: usize = 8;

/// A factor of one of the four products.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Half {
    Low(Value),
    High(Value),
    Constant(u64),
}

/// A factor of the whole product.
#[derive(Clone, Copy)]
enum Factor {
    Value(Value),
    Constant(u64),
}

/// A product of which the sums in the middle were found.
struct Product {
    factors: [Factor; 2],
    /// The product of the lower halves.
    lowest: Value,
    /// Both halves' upper halves.
    upper: [Half; 2],
    first: Value,
    second: Value,
}

/// Replaces both halves of such products.
pub(super) fn recombine(func: &mut Function) {
    let mut products: BTreeMap<Value, Product> = BTreeMap::new();
    let mut sums = Vec::new();
    for block in func.layout.blocks() {
        for inst in func.layout.block_insts(block) {
            let InstructionData::Binary { opcode, args } = func.dfg.insts[inst] else {
                continue;
            };
            if func.dfg.ctrl_typevar(inst) != types::I64 {
                continue;
            }
            match opcode {
                Opcode::Iadd | Opcode::Bor => sums.push(inst),
                // Both halves take the upper or the lower bits of the second sum.
                Opcode::Ushr if constant_bits(func, args[1]) == Some(HALF_BITS) => {
                    if let Some(product) = find_product(func, args[0]) {
                        products.insert(args[0], product);
                    }
                }
                _ => {}
            }
        }
    }
    if products.is_empty() {
        return;
    }
    for sum in sums {
        replace_low(func, &products, sum);
        replace_high(func, &products, sum);
    }
}

/// Reads `second` from its definition.
fn find_product(func: &Function, second: Value) -> Option<Product> {
    let (masked, cross) = addends_with(func, second, |value| low_half(func, value))?;
    let other_cross = product(func, cross)?;
    let (shifted, cross) = addends_with(func, masked, |value| high_half(func, value))?;
    let cross = product(func, cross)?;
    let lowest = shifted;
    let [left, right] = product(func, lowest)?;
    // Either factor can be the one whose upper half comes first.
    [[left, right], [right, left]]
        .into_iter()
        .find_map(|[a, b]| {
            let a_high = upper_of(a, other_half(cross, b)?)?;
            let b_high = upper_of(b, other_half(other_cross, a)?)?;
            Some(Product {
                factors: [whole(a, a_high)?, whole(b, b_high)?],
                lowest,
                upper: [a_high, b_high],
                first: masked,
                second,
            })
        })
}

/// The two addends of a sum, of which one is made of what is asked for: that, and the other one.
fn addends_with(
    func: &Function,
    sum: Value,
    part: impl Fn(Value) -> Option<Value>,
) -> Option<(Value, Value)> {
    let [left, right] = operands(func, sum, Opcode::Iadd)?;
    part(left)
        .map(|found| (found, right))
        .or_else(|| Some((part(right)?, left)))
}

/// The operands of a binary instruction of 64 bits.
fn operands(func: &Function, value: Value, opcode: Opcode) -> Option<[Value; 2]> {
    let ValueDef::Result(inst, _) = func.dfg.value_def(value) else {
        return None;
    };
    match func.dfg.insts[inst] {
        InstructionData::Binary {
            opcode: found,
            args,
        } if found == opcode && func.dfg.ctrl_typevar(inst) == types::I64 => Some(args),
        _ => None,
    }
}

/// What `value` is the lower half of.
fn low_half(func: &Function, value: Value) -> Option<Value> {
    let [left, right] = operands(func, value, Opcode::Band)?;
    match (constant_bits(func, left), constant_bits(func, right)) {
        (None, Some(HALF_MASK)) => Some(left),
        (Some(HALF_MASK), None) => Some(right),
        _ => None,
    }
}

/// What `value` is the upper half of.
fn high_half(func: &Function, value: Value) -> Option<Value> {
    let [whole, by] = operands(func, value, Opcode::Ushr)?;
    (constant_bits(func, by) == Some(HALF_BITS)).then_some(whole)
}

fn half(func: &Function, value: Value) -> Option<Half> {
    if let Some(bits) = constant_bits(func, value) {
        return (bits <= HALF_MASK).then_some(Half::Constant(bits));
    }
    low_half(func, value)
        .map(Half::Low)
        .or_else(|| high_half(func, value).map(Half::High))
}

/// The factors of a product of halves.
fn product(func: &Function, value: Value) -> Option<[Half; 2]> {
    let [left, right] = operands(func, value, Opcode::Imul)?;
    Some([half(func, left)?, half(func, right)?])
}

fn other_half([left, right]: [Half; 2], one: Half) -> Option<Half> {
    if left == one {
        Some(right)
    } else {
        (right == one).then_some(left)
    }
}

/// `high`, if it can be the upper half of what `low` is the lower half of.
fn upper_of(low: Half, high: Half) -> Option<Half> {
    let fits = match (low, high) {
        (Half::Low(left), Half::High(right)) => left == right,
        (Half::Constant(_), Half::Constant(_)) => true,
        _ => false,
    };
    fits.then_some(high)
}

fn whole(low: Half, high: Half) -> Option<Factor> {
    match (low, high) {
        (Half::Low(value), _) => Some(Factor::Value(value)),
        (Half::Constant(low), Half::Constant(high)) => {
            Some(Factor::Constant(high << HALF_BITS | low))
        }
        _ => None,
    }
}

/// Replaces `(second << 32) | (lowest & 0xffff_ffff)`, where the bits do not overlap, so that it may
/// be a sum as well.
fn replace_low(func: &mut Function, products: &BTreeMap<Value, Product>, sum: Inst) {
    let InstructionData::Binary { args, .. } = func.dfg.insts[sum] else {
        return;
    };
    let found = [args, [args[1], args[0]]]
        .into_iter()
        .find_map(|[left, right]| {
            let [second, by] = operands(func, left, Opcode::Ishl)?;
            let product = products.get(&second)?;
            let is_low = constant_bits(func, by) == Some(HALF_BITS)
                && low_half(func, right) == Some(product.lowest);
            is_low.then_some(product)
        });
    if let Some(product) = found {
        let mut cursor = FuncCursor::new(func).at_inst(sum);
        let [a, b] = product.factors.map(|factor| factor.build(&mut cursor));
        func.replace(sum).imul(a, b);
    }
}

/// Replaces `a1 * b1 + (first >> 32) + (second >> 32)`, which may be part of a longer sum.
fn replace_high(func: &mut Function, products: &BTreeMap<Value, Product>, sum: Inst) {
    if func.dfg.insts[sum].opcode() != Opcode::Iadd {
        return;
    }
    let mut addends = Vec::new();
    collect_addends(func, func.dfg.first_result(sum), &mut addends);
    let found = addends.iter().find_map(|addend| {
        let product = products.get(&high_half(func, *addend)?)?;
        let position = |part: &dyn Fn(Value) -> bool| addends.iter().position(|at| part(*at));
        let positions = [
            position(&|at| high_half(func, at) == Some(product.second))?,
            position(&|at| high_half(func, at) == Some(product.first))?,
            position(&|at| {
                let [a, b] = product.upper;
                let halves = self::product(func, at);
                halves == Some([a, b]) || halves == Some([b, a])
            })?,
        ];
        Some((product, positions))
    });
    let Some((product, positions)) = found else {
        return;
    };
    let rest = (0..)
        .zip(&addends)
        .filter(|(at, _)| !positions.contains(at));
    let rest: Vec<Value> = rest.map(|(_, addend)| *addend).collect();
    let mut cursor = FuncCursor::new(func).at_inst(sum);
    let [a, b] = product.factors.map(|factor| factor.build(&mut cursor));
    let Some((last, others)) = rest.split_last() else {
        func.replace(sum).umulhi(a, b);
        return;
    };
    let mut total = cursor.ins().umulhi(a, b);
    for addend in others {
        total = cursor.ins().iadd(total, *addend);
    }
    func.replace(sum).iadd(total, *last);
}

fn collect_addends(func: &Function, value: Value, addends: &mut Vec<Value>) {
    match operands(func, value, Opcode::Iadd) {
        Some(args) if addends.len() < MAX_ADDENDS => {
            for arg in args {
                collect_addends(func, arg, addends);
            }
        }
        _ => addends.push(value),
    }
}

impl Factor {
    fn build(self, cursor: &mut FuncCursor<'_>) -> Value {
        match self {
            Self::Value(value) => value,
            Self::Constant(bits) => cursor.ins().iconst(types::I64, bits.cast_signed()),
        }
    }
}
