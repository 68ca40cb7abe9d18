//! Multiplies by 3, 5 and 9 with an addition of the shifted factor.
//!
//! That is one instruction of one or two cycles on x86-64 (`lea`) and on AArch64, where a
//! multiplication takes three or more.

use super::constant_bits;
use cranelift_codegen::{
    cursor::{Cursor, FuncCursor},
    ir::{Function, Inst, InstBuilder, InstructionData, Opcode, Value},
};

/// Replaces every such multiplication.
pub(super) fn add_shifted(func: &mut Function) {
    let mut following = func.layout.entry_block();
    while let Some(block) = following {
        following = func.layout.next_block(block);
        let mut cursor = FuncCursor::new(func).at_top(block);
        while let Some(inst) = cursor.next_inst() {
            if let Some((factor, shift)) = find_product(cursor.func, inst) {
                cursor.use_srcloc(inst);
                let shifted = cursor.ins().ishl_imm_u(factor, shift);
                cursor.func.replace(inst).iadd(factor, shifted);
            }
        }
    }
}

/// The variable factor of a product, and by how many bits it is shifted in the sum.
fn find_product(func: &Function, inst: Inst) -> Option<(Value, i64)> {
    let InstructionData::Binary {
        opcode: Opcode::Imul,
        args: [factor, constant],
    } = func.dfg.insts[inst]
    else {
        return None;
    };
    let shift = match constant_bits(func, constant)? {
        3 => 1,
        5 => 2,
        9 => 3,
        _ => return None,
    };
    Some((factor, shift))
}
