//! Dispatches operators: one line each, the work is elsewhere.

use super::{Translator, memory::Extend, numeric::Division};
use cranelift_codegen::ir::{
    InstBuilder,
    condcodes::{FloatCC, IntCC},
    immediates::{Ieee32, Ieee64},
    types::{F32, F64, I8, I16, I32, I64},
};
use wasmparser::Operator as O;

impl Translator<'_, '_> {
    /// Translates one operator; in unreachable code only the control structure is followed.
    #[expect(clippy::too_many_lines, reason = "a flat match, one line per operator")]
    pub(super) fn translate_operator(&mut self, operator: &O<'_>) {
        if !self.reachable && !is_control(operator) {
            return;
        }
        match operator {
            O::Unreachable => self.unreachable(),
            O::Nop => {}
            O::Block { blockty } => self.block(*blockty),
            O::Loop { blockty } => self.loop_(*blockty),
            O::If { blockty } => self.if_(*blockty),
            O::Else => self.else_(),
            O::End => self.end(),
            O::Br { relative_depth } => self.br(*relative_depth),
            O::BrIf { relative_depth } => self.br_if(*relative_depth),
            O::BrTable { targets } => self.br_table(targets),
            O::Return => self.return_(),
            O::Call { function_index } => self.call(*function_index),
            O::CallIndirect { type_index, .. } => self.call_indirect(*type_index),
            O::Drop => drop(self.pop()),
            O::Select => self.select(),
            O::LocalGet { local_index } => self.local_get(*local_index),
            O::LocalSet { local_index } => self.local_set(*local_index),
            O::LocalTee { local_index } => self.local_tee(*local_index),
            O::GlobalGet { global_index } => self.global_get(*global_index),
            O::GlobalSet { global_index } => self.global_set(*global_index),

            O::I32Load { memarg } => self.load(memarg, I32),
            O::I64Load { memarg } => self.load(memarg, I64),
            O::F32Load { memarg } => self.load(memarg, F32),
            O::F64Load { memarg } => self.load(memarg, F64),
            O::I32Load8S { memarg } => self.load_narrow(memarg, 1, Extend::Signed, I32),
            O::I32Load8U { memarg } => self.load_narrow(memarg, 1, Extend::Unsigned, I32),
            O::I32Load16S { memarg } => self.load_narrow(memarg, 2, Extend::Signed, I32),
            O::I32Load16U { memarg } => self.load_narrow(memarg, 2, Extend::Unsigned, I32),
            O::I64Load8S { memarg } => self.load_narrow(memarg, 1, Extend::Signed, I64),
            O::I64Load8U { memarg } => self.load_narrow(memarg, 1, Extend::Unsigned, I64),
            O::I64Load16S { memarg } => self.load_narrow(memarg, 2, Extend::Signed, I64),
            O::I64Load16U { memarg } => self.load_narrow(memarg, 2, Extend::Unsigned, I64),
            O::I64Load32S { memarg } => self.load_narrow(memarg, 4, Extend::Signed, I64),
            O::I64Load32U { memarg } => self.load_narrow(memarg, 4, Extend::Unsigned, I64),
            O::I32Store { memarg }
            | O::I64Store { memarg }
            | O::F32Store { memarg }
            | O::F64Store { memarg } => self.store(memarg),
            O::I32Store8 { memarg } | O::I64Store8 { memarg } => self.store_narrow(memarg, 1),
            O::I32Store16 { memarg } | O::I64Store16 { memarg } => self.store_narrow(memarg, 2),
            O::I64Store32 { memarg } => self.store_narrow(memarg, 4),
            O::MemorySize { .. } => self.memory_size(),
            O::MemoryGrow { .. } => self.memory_grow(),

            O::I32Const { value } => self.int_const(I32, i64::from(*value)),
            O::I64Const { value } => self.int_const(I64, *value),
            O::F32Const { value } => {
                let value = self.builder.ins().f32const(Ieee32::with_bits(value.bits()));
                self.push(value);
            }
            O::F64Const { value } => {
                let value = self.builder.ins().f64const(Ieee64::with_bits(value.bits()));
                self.push(value);
            }

            O::I32Eqz | O::I64Eqz => self.eqz(),
            O::I32Eq | O::I64Eq => self.compare_int(IntCC::Equal),
            O::I32Ne | O::I64Ne => self.compare_int(IntCC::NotEqual),
            O::I32LtS | O::I64LtS => self.compare_int(IntCC::SignedLessThan),
            O::I32LtU | O::I64LtU => self.compare_int(IntCC::UnsignedLessThan),
            O::I32GtS | O::I64GtS => self.compare_int(IntCC::SignedGreaterThan),
            O::I32GtU | O::I64GtU => self.compare_int(IntCC::UnsignedGreaterThan),
            O::I32LeS | O::I64LeS => self.compare_int(IntCC::SignedLessThanOrEqual),
            O::I32LeU | O::I64LeU => self.compare_int(IntCC::UnsignedLessThanOrEqual),
            O::I32GeS | O::I64GeS => self.compare_int(IntCC::SignedGreaterThanOrEqual),
            O::I32GeU | O::I64GeU => self.compare_int(IntCC::UnsignedGreaterThanOrEqual),
            O::F32Eq | O::F64Eq => self.compare_float(FloatCC::Equal),
            O::F32Ne | O::F64Ne => self.compare_float(FloatCC::NotEqual),
            O::F32Lt | O::F64Lt => self.compare_float(FloatCC::LessThan),
            O::F32Gt | O::F64Gt => self.compare_float(FloatCC::GreaterThan),
            O::F32Le | O::F64Le => self.compare_float(FloatCC::LessThanOrEqual),
            O::F32Ge | O::F64Ge => self.compare_float(FloatCC::GreaterThanOrEqual),

            O::I32Clz | O::I64Clz => self.unary(|i, a| i.clz(a)),
            O::I32Ctz | O::I64Ctz => self.unary(|i, a| i.ctz(a)),
            O::I32Popcnt | O::I64Popcnt => self.unary(|i, a| i.popcnt(a)),
            O::I32Add | O::I64Add => self.binary(|i, a, b| i.iadd(a, b)),
            O::I32Sub | O::I64Sub => self.binary(|i, a, b| i.isub(a, b)),
            O::I32Mul | O::I64Mul => self.binary(|i, a, b| i.imul(a, b)),
            O::I32DivS | O::I64DivS => self.divide(Division::DivSigned),
            O::I32DivU | O::I64DivU => self.divide(Division::DivUnsigned),
            O::I32RemS | O::I64RemS => self.divide(Division::RemSigned),
            O::I32RemU | O::I64RemU => self.divide(Division::RemUnsigned),
            O::I32And | O::I64And => self.binary(|i, a, b| i.band(a, b)),
            O::I32Or | O::I64Or => self.binary(|i, a, b| i.bor(a, b)),
            O::I32Xor | O::I64Xor => self.binary(|i, a, b| i.bxor(a, b)),
            O::I32Shl | O::I64Shl => self.binary(|i, a, b| i.ishl(a, b)),
            O::I32ShrS | O::I64ShrS => self.binary(|i, a, b| i.sshr(a, b)),
            O::I32ShrU | O::I64ShrU => self.binary(|i, a, b| i.ushr(a, b)),
            O::I32Rotl | O::I64Rotl => self.binary(|i, a, b| i.rotl(a, b)),
            O::I32Rotr | O::I64Rotr => self.binary(|i, a, b| i.rotr(a, b)),

            O::F32Abs | O::F64Abs => self.unary(|i, a| i.fabs(a)),
            O::F32Neg | O::F64Neg => self.unary(|i, a| i.fneg(a)),
            O::F32Ceil | O::F64Ceil => self.unary(|i, a| i.ceil(a)),
            O::F32Floor | O::F64Floor => self.unary(|i, a| i.floor(a)),
            O::F32Trunc | O::F64Trunc => self.unary(|i, a| i.trunc(a)),
            O::F32Nearest | O::F64Nearest => self.unary(|i, a| i.nearest(a)),
            O::F32Sqrt | O::F64Sqrt => self.unary(|i, a| i.sqrt(a)),
            O::F32Add | O::F64Add => self.binary(|i, a, b| i.fadd(a, b)),
            O::F32Sub | O::F64Sub => self.binary(|i, a, b| i.fsub(a, b)),
            O::F32Mul | O::F64Mul => self.binary(|i, a, b| i.fmul(a, b)),
            O::F32Div | O::F64Div => self.binary(|i, a, b| i.fdiv(a, b)),
            O::F32Min | O::F64Min => self.binary(|i, a, b| i.fmin(a, b)),
            O::F32Max | O::F64Max => self.binary(|i, a, b| i.fmax(a, b)),
            O::F32Copysign | O::F64Copysign => self.binary(|i, a, b| i.fcopysign(a, b)),

            O::I32WrapI64 => self.unary(|i, a| i.ireduce(I32, a)),
            O::I64ExtendI32S => self.unary(|i, a| i.sextend(I64, a)),
            O::I64ExtendI32U => self.unary(|i, a| i.uextend(I64, a)),
            O::I32TruncF32S | O::I32TruncF64S => self.truncate(I32, true),
            O::I32TruncF32U | O::I32TruncF64U => self.truncate(I32, false),
            O::I64TruncF32S | O::I64TruncF64S => self.truncate(I64, true),
            O::I64TruncF32U | O::I64TruncF64U => self.truncate(I64, false),
            O::F32ConvertI32S | O::F32ConvertI64S => self.unary(|i, a| i.fcvt_from_sint(F32, a)),
            O::F32ConvertI32U | O::F32ConvertI64U => self.unary(|i, a| i.fcvt_from_uint(F32, a)),
            O::F64ConvertI32S | O::F64ConvertI64S => self.unary(|i, a| i.fcvt_from_sint(F64, a)),
            O::F64ConvertI32U | O::F64ConvertI64U => self.unary(|i, a| i.fcvt_from_uint(F64, a)),
            O::F32DemoteF64 => self.unary(|i, a| i.fdemote(F32, a)),
            O::F64PromoteF32 => self.unary(|i, a| i.fpromote(F64, a)),
            O::I32ReinterpretF32 => self.reinterpret(I32),
            O::I64ReinterpretF64 => self.reinterpret(I64),
            O::F32ReinterpretI32 => self.reinterpret(F32),
            O::F64ReinterpretI64 => self.reinterpret(F64),

            O::I32Extend8S | O::I64Extend8S => self.extend_low(I8),
            O::I32Extend16S | O::I64Extend16S => self.extend_low(I16),
            O::I64Extend32S => self.extend_low(I32),

            _ => unreachable!("the validator refuses operators beyond the preset: {operator:?}"),
        }
    }

    fn int_const(&mut self, ty: cranelift_codegen::ir::Type, value: i64) {
        let value = self.builder.ins().iconst(ty, value);
        self.push(value);
    }
}

/// Operators that open or close a frame, which must be followed even where nothing is executed.
fn is_control(operator: &O<'_>) -> bool {
    matches!(
        operator,
        O::Block { .. } | O::Loop { .. } | O::If { .. } | O::Else | O::End
    )
}
