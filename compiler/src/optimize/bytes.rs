//! Follows bytes through shifts, masks and unions, and makes the bytes' reversal one instruction.
//!
//! Wasm has no instruction to reverse bytes, so compilers shift and mask each of them (Warren, Hacker's
//! Delight, section 7-1). Where every byte of a union comes from the opposite byte of one value, it is
//! `bswap`. A mask that removes only bytes which are zero already is no instruction, and one that keeps
//! the lowest bytes is an extension: on x86-64, that takes one instruction (`movzx`) instead of two.

use super::constant_bits;
use cranelift_codegen::{
    cursor::{Cursor, FuncCursor},
    entity::EntitySet,
    ir::{Function, Inst, InstBuilder, InstructionData, Opcode, Type, Value, ValueDef, types},
};
use std::collections::BTreeMap;
use target_lexicon::Architecture;

/// Where a byte of a value comes from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Byte {
    Zero,
    /// A byte of a value; the lowest is 0.
    Of(Value, usize),
}

/// The bytes of a value, lowest first; of narrow values, the upper ones are zero.
type Bytes = [Byte; 8];

/// How many definitions are followed.
const MAX_DEPTH: u32 = 16;

/// Replaces what only reverses or keeps bytes.
pub(super) fn replace_permutations(func: &mut Function, arch: Architecture) {
    let tested = tested_values(func);
    let mut known = BTreeMap::new();
    let mut following = func.layout.entry_block();
    while let Some(block) = following {
        following = func.layout.next_block(block);
        let mut next = func.layout.first_inst(block);
        while let Some(inst) = next {
            next = func.layout.next_inst(inst);
            match func.dfg.insts[inst] {
                InstructionData::Binary {
                    opcode: Opcode::Bor,
                    ..
                } => {
                    let union = func.dfg.first_result(inst);
                    if let Some(source) = reversed(func, &mut known, union) {
                        func.replace(inst).bswap(source);
                    }
                }
                InstructionData::Binary {
                    opcode: Opcode::Band,
                    args: [kept, mask],
                } if is_tracked(func, kept) => {
                    let masked = func.dfg.first_result(inst);
                    let bytes = find(func, &mut known, masked, MAX_DEPTH);
                    if bytes[0] != Byte::Of(masked, 0)
                        && bytes == find(func, &mut known, kept, MAX_DEPTH)
                    {
                        replace_by(func, inst, kept);
                    } else if arch == Architecture::X86_64
                        && let Some(narrow) = lowest_bytes(func, mask)
                        && !tested.contains(masked)
                    {
                        let mut cursor = FuncCursor::new(func).at_inst(inst);
                        cursor.use_srcloc(inst);
                        let narrow = cursor.ins().ireduce(narrow, kept);
                        let ty = cursor.func.dfg.value_type(masked);
                        cursor.func.replace(inst).uextend(ty, narrow);
                    }
                }
                _ => {}
            }
        }
    }
    func.dfg.resolve_all_aliases();
}

/// What conditions depend on: x86-64 masks and tests with one instruction.
fn tested_values(func: &Function) -> EntitySet<Value> {
    let mut tested = EntitySet::new();
    for block in func.layout.blocks() {
        for inst in func.layout.block_insts(block) {
            match func.dfg.insts[inst] {
                InstructionData::Brif { arg, .. }
                | InstructionData::Ternary {
                    opcode: Opcode::Select,
                    args: [arg, ..],
                }
                | InstructionData::IntCompare { args: [arg, _], .. } => {
                    tested.insert(arg);
                }
                _ => {}
            }
        }
    }
    tested
}

/// The type of the lowest bytes, if a mask keeps those and no others.
fn lowest_bytes(func: &Function, mask: Value) -> Option<Type> {
    match constant_bits(func, mask)? {
        0xff => Some(types::I8),
        0xffff => Some(types::I16),
        _ => None,
    }
}

fn replace_by(func: &mut Function, inst: Inst, value: Value) {
    let result = func.dfg.first_result(inst);
    func.dfg.clear_results(inst);
    func.dfg.change_to_alias(result, value);
    func.layout.remove_inst(inst);
}

fn is_tracked(func: &Function, value: Value) -> bool {
    matches!(func.dfg.value_type(value), types::I32 | types::I64)
}

fn bytes_in(ty: Type) -> usize {
    ty.bytes() as usize
}

/// The value of which this one has all bytes in the opposite order.
fn reversed(func: &Function, known: &mut BTreeMap<Value, Bytes>, union: Value) -> Option<Value> {
    if !is_tracked(func, union) {
        return None;
    }
    let count = bytes_in(func.dfg.value_type(union));
    let bytes = find(func, known, union, MAX_DEPTH);
    let Byte::Of(source, _) = bytes[0] else {
        return None;
    };
    let is_reversed = (0..count).all(|at| bytes[at] == Byte::Of(source, count - 1 - at));
    (is_reversed && func.dfg.value_type(source) == func.dfg.value_type(union)).then_some(source)
}

fn find(func: &Function, known: &mut BTreeMap<Value, Bytes>, value: Value, depth: u32) -> Bytes {
    let value = func.dfg.resolve_aliases(value);
    if let Some(bytes) = known.get(&value) {
        return *bytes;
    }
    let count = bytes_in(func.dfg.value_type(value));
    let bytes = depth
        .checked_sub(1)
        .and_then(|depth| of_definition(func, known, value, depth))
        .unwrap_or_else(|| from_fn(count, |at| Byte::Of(value, at)));
    known.insert(value, bytes);
    bytes
}

/// Bytes up to `count`, and zeros.
fn from_fn(count: usize, byte: impl Fn(usize) -> Byte) -> Bytes {
    std::array::from_fn(|at| if at < count { byte(at) } else { Byte::Zero })
}

/// `None` where the value is a source of bytes itself.
fn of_definition(
    func: &Function,
    known: &mut BTreeMap<Value, Bytes>,
    value: Value,
    depth: u32,
) -> Option<Bytes> {
    let ValueDef::Result(inst, _) = func.dfg.value_def(value) else {
        return None;
    };
    let count = bytes_in(func.dfg.value_type(value));
    match func.dfg.insts[inst] {
        InstructionData::Load { opcode, .. } => {
            let loaded = match opcode {
                Opcode::Uload8 => 1,
                Opcode::Uload16 => 2,
                Opcode::Uload32 => 4,
                _ => return None,
            };
            Some(from_fn(loaded, |at| Byte::Of(value, at)))
        }
        InstructionData::Unary { opcode, arg } if is_tracked(func, arg) => match opcode {
            Opcode::Uextend => Some(find(func, known, arg, depth)),
            Opcode::Ireduce if is_tracked(func, value) => {
                let bytes = find(func, known, arg, depth);
                Some(from_fn(count, |at| bytes[at]))
            }
            _ => None,
        },
        InstructionData::Binary {
            opcode: Opcode::Bor,
            args,
        } if is_tracked(func, value) => {
            let [left, right] = args.map(|arg| find(func, known, arg, depth));
            let mut union = left;
            for (byte, other) in union.iter_mut().zip(right) {
                match (*byte, other) {
                    (Byte::Zero, _) => *byte = other,
                    (_, Byte::Zero) => {}
                    _ => return None,
                }
            }
            Some(union)
        }
        InstructionData::Binary {
            opcode,
            args: [moved, constant],
        } if is_tracked(func, value) => {
            let bits = constant_bits(func, func.dfg.resolve_aliases(constant))?;
            if opcode == Opcode::Band {
                let bytes = find(func, known, moved, depth);
                return mask(bytes, bits);
            }
            if !bits.is_multiple_of(8) {
                return None;
            }
            let by = usize::try_from(bits / 8).ok()? % count;
            let bytes = find(func, known, moved, depth);
            match opcode {
                Opcode::Ishl => Some(from_fn(count, |at| {
                    at.checked_sub(by).map_or(Byte::Zero, |from| bytes[from])
                })),
                Opcode::Ushr => Some(from_fn(count - by, |at| bytes[at + by])),
                Opcode::Rotl => Some(from_fn(count, |at| bytes[(at + count - by) % count])),
                Opcode::Rotr => Some(from_fn(count, |at| bytes[(at + by) % count])),
                _ => None,
            }
        }
        _ => None,
    }
}

/// The bytes that a mask of whole bytes keeps.
fn mask(bytes: Bytes, bits: u64) -> Option<Bytes> {
    let mut kept = bytes;
    for (byte, mask) in kept.iter_mut().zip(bits.to_le_bytes()) {
        match mask {
            0 => *byte = Byte::Zero,
            u8::MAX => {}
            // A byte that is zero stays so.
            _ if *byte == Byte::Zero => {}
            _ => return None,
        }
    }
    Some(kept)
}
