//! Turns masks of the lowest bytes into extensions.
//!
//! On x86-64, that is one move, which keeps the source, may extend to 64 bits, and has no constant: a
//! mask takes a copy first, and one of 32 bits in 64 a constant in a register.

use super::{constant_bits, extended_value};
use cranelift_codegen::{
    cursor::{Cursor, FuncCursor},
    entity::EntitySet,
    ir::{
        Function, Inst, InstBuilder, InstructionData, Opcode, Type, Value, ValueDef,
        condcodes::IntCC, types,
    },
};

/// Replaces every such mask, but where it is part of a test for zero.
pub(super) fn extend_lowest_bytes(func: &mut Function) {
    let tested = tested_for_zero(func);
    let mut following = func.layout.entry_block();
    while let Some(block) = following {
        following = func.layout.next_block(block);
        let mut cursor = FuncCursor::new(func).at_top(block);
        while let Some(inst) = cursor.next_inst() {
            let result = cursor.func.dfg.inst_results(inst).first().copied();
            if result.is_none_or(|result| tested.contains(result)) {
                continue;
            }
            cursor.use_srcloc(inst);
            if let Some((masked, kept)) = find_mask(cursor.func, inst) {
                let ty = cursor.func.dfg.ctrl_typevar(inst);
                let narrow = cursor.ins().ireduce(kept, masked);
                cursor.func.replace(inst).uextend(ty, narrow);
            } else if let Some(narrow) = extended_twice(cursor.func, inst) {
                cursor.func.replace(inst).uextend(types::I64, narrow);
            }
        }
    }
}

/// Conditions: a mask and a test for zero are one instruction.
fn tested_for_zero(func: &Function) -> EntitySet<Value> {
    let mut tested = EntitySet::new();
    for block in func.layout.blocks() {
        for inst in func.layout.block_insts(block) {
            match func.dfg.insts[inst] {
                InstructionData::Brif { arg, .. }
                | InstructionData::Ternary {
                    opcode: Opcode::Select,
                    args: [arg, ..],
                } => drop(tested.insert(arg)),
                InstructionData::IntCompare {
                    args: [arg, bound],
                    cond: IntCC::Equal | IntCC::NotEqual,
                    ..
                } if constant_bits(func, bound) == Some(0) => drop(tested.insert(arg)),
                _ => {}
            }
        }
    }
    tested
}

/// What is masked, and the type of the lowest bytes if the mask keeps those and no others.
fn find_mask(func: &Function, inst: Inst) -> Option<(Value, Type)> {
    let InstructionData::Binary {
        opcode: Opcode::Band,
        args: [masked, mask],
    } = func.dfg.insts[inst]
    else {
        return None;
    };
    let kept = match constant_bits(func, mask)? {
        0xff => types::I8,
        0xffff => types::I16,
        0xffff_ffff => types::I32,
        _ => return None,
    };
    (func.dfg.value_type(masked).bits() > kept.bits()).then_some((masked, kept))
}

/// What this instruction extends to 64 bits that was extended to 32 bits before.
fn extended_twice(func: &Function, inst: Inst) -> Option<Value> {
    let ValueDef::Result(first, _) = func.dfg.value_def(extended_value(func, inst)?) else {
        return None;
    };
    match func.dfg.insts[first] {
        InstructionData::Unary {
            opcode: Opcode::Uextend,
            arg,
        } => Some(arg),
        _ => None,
    }
}
