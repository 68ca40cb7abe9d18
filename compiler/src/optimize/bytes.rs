//! Follows bytes through shifts, masks and unions, and makes the bytes' reversal one instruction.
//!
//! Wasm has no instruction to reverse bytes, so compilers shift and mask each of them, or swap ever
//! larger parts (Warren, Hacker's Delight, section 7-1). Where every byte of a result comes from the
//! opposite byte of one value, it is `bswap`; where each comes from the same byte, it is that value.

use super::{constant_bits, replace_by};
use cranelift_codegen::{
    cursor::{Cursor, FuncCursor},
    ir::{Function, Inst, InstBuilder, InstructionData, Opcode, Type, Value, ValueDef, types},
};
use std::collections::BTreeMap;

/// Where a byte of a value comes from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Byte {
    Zero,
    /// A byte of a value; the lowest is 0.
    Of(Value, u8),
}

/// The bytes of a value, lowest first; of narrow values, the upper ones are zero.
type Bytes = [Byte; 8];

/// How many definitions are followed.
const MAX_DEPTH: u32 = 16;

/// Replaces what only reverses or keeps bytes.
pub(super) fn replace_permutations(func: &mut Function) {
    let mut known = BTreeMap::new();
    let mut following = func.layout.entry_block();
    while let Some(block) = following {
        following = func.layout.next_block(block);
        let mut next = func.layout.first_inst(block);
        while let Some(inst) = next {
            next = func.layout.next_inst(inst);
            let InstructionData::Binary {
                opcode: opcode @ (Opcode::Bor | Opcode::Band | Opcode::Rotl | Opcode::Rotr),
                args: [first, _],
            } = func.dfg.insts[inst]
            else {
                continue;
            };
            let result = func.dfg.first_result(inst);
            let ty = func.dfg.value_type(result);
            if ty != types::I32 && ty != types::I64 {
                continue;
            }
            let bytes = find(func, &mut known, result, MAX_DEPTH);
            if opcode == Opcode::Band && bytes == find(func, &mut known, first, MAX_DEPTH) {
                replace_by(func, inst, first);
            } else if let Some((source, len)) = reversed(func, &bytes) {
                reverse(func, inst, source, len);
            }
        }
    }
    func.dfg.resolve_all_aliases();
}

/// The value of which the lowest bytes are these in the opposite order, and how many; the other bytes
/// are zero.
fn reversed(func: &Function, bytes: &Bytes) -> Option<(Value, Type)> {
    let len = bytes.iter().take_while(|byte| **byte != Byte::Zero).count();
    let ty = match len {
        2 => types::I16,
        4 => types::I32,
        8 => types::I64,
        _ => return None,
    };
    let Byte::Of(source, _) = bytes[0] else {
        return None;
    };
    let mut expected = (0..len).rev().map(|at| byte_of(source, at));
    let is_reversed = bytes[..len]
        .iter()
        .all(|byte| Some(*byte) == expected.next())
        && bytes[len..].iter().all(|byte| *byte == Byte::Zero);
    (is_reversed && func.dfg.value_type(source).bits() >= ty.bits()).then_some((source, ty))
}

/// Replaces an instruction by the reversal of the lowest bytes of a value.
fn reverse(func: &mut Function, inst: Inst, source: Value, len: Type) {
    let ty = func.dfg.ctrl_typevar(inst);
    let mut cursor = FuncCursor::new(func).at_inst(inst);
    cursor.use_srcloc(inst);
    let source = if cursor.func.dfg.value_type(source) == len {
        source
    } else {
        cursor.ins().ireduce(len, source)
    };
    if ty == len {
        func.replace(inst).bswap(source);
    } else {
        let reversed = cursor.ins().bswap(source);
        func.replace(inst).uextend(ty, reversed);
    }
}

fn byte_of(value: Value, at: usize) -> Byte {
    Byte::Of(value, u8::try_from(at).expect("integers have few bytes"))
}

/// How many bytes an integer has that is followed.
fn len_bytes(func: &Function, value: Value) -> Option<usize> {
    match func.dfg.value_type(value) {
        types::I8 => Some(1),
        types::I16 => Some(2),
        types::I32 => Some(4),
        types::I64 => Some(8),
        _ => None,
    }
}

/// The bytes of an integer.
fn find(func: &Function, known: &mut BTreeMap<Value, Bytes>, value: Value, depth: u32) -> Bytes {
    let value = func.dfg.resolve_aliases(value);
    if let Some(bytes) = known.get(&value) {
        return *bytes;
    }
    let bytes = depth
        .checked_sub(1)
        .and_then(|depth| of_definition(func, known, value, depth))
        .unwrap_or_else(|| {
            let len = len_bytes(func, value).unwrap_or_default();
            from_fn(len, |at| byte_of(value, at))
        });
    known.insert(value, bytes);
    bytes
}

/// So many bytes, and zeros.
fn from_fn(len: usize, byte: impl Fn(usize) -> Byte) -> Bytes {
    std::array::from_fn(|at| if at < len { byte(at) } else { Byte::Zero })
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
    let len = len_bytes(func, value)?;
    match func.dfg.insts[inst] {
        InstructionData::Load { opcode, .. } => {
            let loaded = match opcode {
                Opcode::Uload8 => 1,
                Opcode::Uload16 => 2,
                Opcode::Uload32 => 4,
                _ => return None,
            };
            Some(from_fn(loaded, |at| byte_of(value, at)))
        }
        InstructionData::Unary { opcode, arg } => {
            len_bytes(func, arg)?;
            match opcode {
                Opcode::Uextend => Some(find(func, known, arg, depth)),
                Opcode::Ireduce => {
                    let bytes = find(func, known, arg, depth);
                    Some(from_fn(len, |at| bytes[at]))
                }
                Opcode::Bswap => {
                    let bytes = find(func, known, arg, depth);
                    Some(from_fn(len, |at| bytes[len - 1 - at]))
                }
                _ => None,
            }
        }
        InstructionData::Binary {
            opcode: Opcode::Bor,
            args,
        } => {
            let [mut union, right] = args.map(|arg| find(func, known, arg, depth));
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
            opcode: Opcode::Band,
            args: [masked, mask],
        } => {
            let mask = constant_bits(func, mask)?;
            keep(find(func, known, masked, depth), mask)
        }
        InstructionData::Binary {
            opcode: opcode @ (Opcode::Ishl | Opcode::Ushr | Opcode::Rotl | Opcode::Rotr),
            args: [moved, by],
        } => {
            let bits = constant_bits(func, by)?;
            if !bits.is_multiple_of(8) {
                return None;
            }
            let by = usize::try_from(bits / 8).ok()? % len;
            let bytes = find(func, known, moved, depth);
            Some(match opcode {
                Opcode::Ishl => from_fn(len, |at| {
                    at.checked_sub(by).map_or(Byte::Zero, |from| bytes[from])
                }),
                Opcode::Ushr => from_fn(len - by, |at| bytes[at + by]),
                Opcode::Rotl => from_fn(len, |at| bytes[(at + len - by) % len]),
                _ => from_fn(len, |at| bytes[(at + by) % len]),
            })
        }
        _ => None,
    }
}

/// The bytes that a mask of whole bytes keeps.
fn keep(mut bytes: Bytes, mask: u64) -> Option<Bytes> {
    for (byte, mask) in bytes.iter_mut().zip(mask.to_le_bytes()) {
        match mask {
            0 => *byte = Byte::Zero,
            u8::MAX => {}
            // A byte that is zero stays so.
            _ if *byte == Byte::Zero => {}
            _ => return None,
        }
    }
    Some(bytes)
}
