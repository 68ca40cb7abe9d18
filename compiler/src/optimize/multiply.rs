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
//! processors compute at once. Or, as in Rust's runtime library, with additions that may wrap:
//!
//! ```text
//! middle = a0 * b1 + a1 * b0
//! low    = a0 * b0 + (middle << 32)
//! high   = a1 * b1 + ((middle < a0 * b1) << 32 | middle >> 32) + (low < a0 * b0)
//! ```
//!
//! Four or five multiplications become two.

use super::{constant_bits, replace_by};
use cranelift_codegen::{
    cursor::{Cursor, FuncCursor},
    ir::{
        Function, Inst, InstBuilder, InstructionData, Opcode, Value, ValueDef, condcodes::IntCC,
        types,
    },
};
use std::collections::BTreeMap;

const HALF_BITS: u64 = 32;
const HALF_MASK: u64 = 0xffff_ffff;
/// Sums in one sum that are looked into.
const MAX_SUMS: usize = 8;

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
    /// The upper halves of both.
    upper: [Half; 2],
    /// The product of the lower halves.
    lowest: Value,
    form: Form,
}

/// How the products of unequal halves are added.
enum Form {
    Masked {
        first: Value,
        second: Value,
    },
    Carried {
        cross: [Value; 2],
        middle: Value,
        shifted: Value,
        low: Value,
    },
}

/// Replaces both halves of such products.
pub(super) fn recombine(func: &mut Function) {
    // By the sum of which `high` has the upper half.
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
                Opcode::Iadd => {
                    sums.push(inst);
                    if let Some((middle, product)) = find_carried(func, inst) {
                        products.insert(middle, product);
                    }
                }
                Opcode::Bor => sums.push(inst),
                Opcode::Ushr if constant_bits(func, args[1]) == Some(HALF_BITS) => {
                    if let Some(product) = find_masked(func, args[0]) {
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
    let mut highs = BTreeMap::new();
    // One after the other: a sum that contains another one takes what was made of that.
    for sum in sums {
        if let Some((key, rest)) = find_high(func, &products, sum) {
            let high = *highs
                .entry(key)
                .or_insert_with(|| build_high(func, key, &products[&key]));
            replace_by_sum(func, sum, high, &rest);
        } else if let Some(key) = find_low(func, &products, sum) {
            let mut cursor = FuncCursor::new(func).at_inst(sum);
            let [a, b] = products[&key]
                .factors
                .map(|factor| factor.build(&mut cursor));
            func.replace(sum).imul(a, b);
        }
    }
    func.dfg.resolve_all_aliases();
}

/// Reads `middle` and the product from the definition of `low`.
fn find_carried(func: &Function, low: Inst) -> Option<(Value, Product)> {
    let low = func.dfg.first_result(low);
    let (shifted, lowest) = {
        let [left, right] = operands(func, low, Opcode::Iadd)?;
        if shifted_half(func, left).is_some() {
            (left, right)
        } else {
            (right, left)
        }
    };
    let middle = shifted_half(func, shifted)?;
    let cross = operands(func, middle, Opcode::Iadd)?;
    let halves = [product(func, cross[0])?, product(func, cross[1])?];
    let (factors, upper) = find_factors(product(func, lowest)?, halves)
        .or_else(|| find_factors(product(func, lowest)?, [halves[1], halves[0]]))?;
    let form = Form::Carried {
        cross,
        middle,
        shifted,
        low,
    };
    let product = Product {
        factors,
        upper,
        lowest,
        form,
    };
    Some((middle, product))
}

/// The factors and their upper halves, from the product of the lower ones, and those of the upper
/// half of the one and the lower half of the other.
fn find_factors(
    [left, right]: [Half; 2],
    [upper_left, upper_right]: [[Half; 2]; 2],
) -> Option<([Factor; 2], [Half; 2])> {
    // Either factor can be the one whose upper half comes first.
    [[left, right], [right, left]]
        .into_iter()
        .find_map(|[a, b]| {
            let a_high = upper_of(a, other_half(upper_left, b)?)?;
            let b_high = upper_of(b, other_half(upper_right, a)?)?;
            Some(([whole(a, a_high)?, whole(b, b_high)?], [a_high, b_high]))
        })
}

/// Reads the product from the definition of `second`.
fn find_masked(func: &Function, second: Value) -> Option<Product> {
    let (first, cross) = addends_with(func, second, |value| low_half(func, value))?;
    let other = product(func, cross)?;
    let (lowest, cross) = addends_with(func, first, |value| high_half(func, value))?;
    let cross = product(func, cross)?;
    let (factors, upper) = find_factors(product(func, lowest)?, [cross, other])?;
    Some(Product {
        factors,
        upper,
        lowest,
        form: Form::Masked { first, second },
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

/// What `value` has the lower half of as its upper half.
fn shifted_half(func: &Function, value: Value) -> Option<Value> {
    let [half, by] = operands(func, value, Opcode::Ishl)?;
    (constant_bits(func, by) == Some(HALF_BITS)).then_some(half)
}

/// Whether `value` is 1 where a sum of two addends wrapped, and else 0.
fn is_carry(func: &Function, value: Value, sum: Value, addends: [Value; 2]) -> bool {
    let ValueDef::Result(inst, _) = func.dfg.value_def(value) else {
        return false;
    };
    let InstructionData::Unary {
        opcode: Opcode::Uextend,
        arg,
    } = func.dfg.insts[inst]
    else {
        return false;
    };
    let ValueDef::Result(inst, _) = func.dfg.value_def(arg) else {
        return false;
    };
    let InstructionData::IntCompare { args, cond, .. } = func.dfg.insts[inst] else {
        return false;
    };
    let [smaller, larger] = match cond {
        IntCC::UnsignedLessThan => args,
        IntCC::UnsignedGreaterThan => [args[1], args[0]],
        _ => return false,
    };
    smaller == sum && addends.contains(&larger)
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

/// Finds `low`: a sum of parts that do not overlap where nothing is carried, so that it may be made by
/// `or` as well.
fn find_low(func: &Function, products: &BTreeMap<Value, Product>, sum: Inst) -> Option<Value> {
    let InstructionData::Binary { opcode, args } = func.dfg.insts[sum] else {
        return None;
    };
    [args, [args[1], args[0]]]
        .into_iter()
        .find_map(|[left, right]| {
            let middle = shifted_half(func, left)?;
            let product = products.get(&middle)?;
            let is_low = match product.form {
                Form::Masked { .. } => low_half(func, right) == Some(product.lowest),
                Form::Carried { .. } => opcode == Opcode::Iadd && right == product.lowest,
            };
            is_low.then_some(middle)
        })
}

/// Finds `high`, which may be part of a longer sum: the product's key, and what else is added.
fn find_high(
    func: &Function,
    products: &BTreeMap<Value, Product>,
    sum: Inst,
) -> Option<(Value, Vec<Value>)> {
    if func.dfg.insts[sum].opcode() != Opcode::Iadd {
        return None;
    }
    let addends = addends_of(func, func.dfg.first_result(sum));
    let (key, positions) = addends.iter().find_map(|addend| {
        let key = match operands(func, *addend, Opcode::Bor) {
            Some(parts) => parts.into_iter().find_map(|part| high_half(func, part))?,
            None => high_half(func, *addend)?,
        };
        let positions = find_parts(func, products.get(&key)?, &addends)?;
        Some((key, positions))
    })?;
    let rest = (0..).zip(addends);
    let rest = rest.filter(|(position, _)| !positions.contains(position));
    Some((key, rest.map(|(_, addend)| addend).collect()))
}

/// Where among the addends of a sum the three parts of `high` are.
fn find_parts(func: &Function, product: &Product, addends: &[Value]) -> Option<[usize; 3]> {
    let position = |part: &dyn Fn(Value) -> bool| addends.iter().position(|addend| part(*addend));
    let [a, b] = product.upper;
    let highest = position(&|addend| {
        let halves = self::product(func, addend);
        halves == Some([a, b]) || halves == Some([b, a])
    })?;
    let others = match product.form {
        Form::Masked { first, second } => [
            position(&|addend| high_half(func, addend) == Some(first))?,
            position(&|addend| high_half(func, addend) == Some(second))?,
        ],
        Form::Carried {
            cross,
            middle,
            shifted,
            low,
        } => [
            position(&|addend| is_carried_half(func, addend, middle, cross))?,
            position(&|addend| is_carry(func, addend, low, [product.lowest, shifted]))?,
        ],
    };
    Some([highest, others[0], others[1]])
}

/// Whether it is `(middle < one of cross) << 32 | middle >> 32`.
fn is_carried_half(func: &Function, value: Value, middle: Value, cross: [Value; 2]) -> bool {
    let Some([left, right]) = operands(func, value, Opcode::Bor) else {
        return false;
    };
    [[left, right], [right, left]]
        .into_iter()
        .any(|[carry, half]| {
            high_half(func, half) == Some(middle)
                && shifted_half(func, carry)
                    .is_some_and(|carry| is_carry(func, carry, middle, cross))
        })
}

/// Multiplies where the sum in the middle is computed, which every use of the upper half follows.
fn build_high(func: &mut Function, key: Value, product: &Product) -> Value {
    let ValueDef::Result(middle, _) = func.dfg.value_def(key) else {
        unreachable!("products are found by their sums");
    };
    let mut cursor = FuncCursor::new(func).after_inst(middle);
    let [a, b] = product.factors.map(|factor| factor.build(&mut cursor));
    cursor.ins().umulhi(a, b)
}

/// Puts the upper half and the rest of a sum in its place.
fn replace_by_sum(func: &mut Function, sum: Inst, high: Value, rest: &[Value]) {
    let mut cursor = FuncCursor::new(func).at_inst(sum);
    match rest.split_last() {
        Some((last, others)) => {
            let add = |total, addend: &Value| cursor.ins().iadd(total, *addend);
            let total = others.iter().fold(high, add);
            func.replace(sum).iadd(total, *last);
        }
        None => replace_by(func, sum, high),
    }
}

/// The addends of a sum of sums, as far as so many sums go.
fn addends_of(func: &Function, sum: Value) -> Vec<Value> {
    let mut addends = vec![sum];
    let mut at = 0;
    let mut sums = 0;
    while at < addends.len() {
        match operands(func, addends[at], Opcode::Iadd) {
            // The nearest sums first: long chains of others must not hide them.
            Some(parts) if sums < MAX_SUMS => {
                addends.remove(at);
                addends.extend(parts);
                sums += 1;
            }
            _ => at += 1,
        }
    }
    addends
}

impl Factor {
    fn build(self, cursor: &mut FuncCursor<'_>) -> Value {
        match self {
            Self::Value(value) => value,
            Self::Constant(bits) => cursor.ins().iconst(types::I64, bits.cast_signed()),
        }
    }
}
