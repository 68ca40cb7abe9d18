//! Arithmetic, comparisons and conversions.
//!
//! CLIF's operators have wasm's semantics; only division and float-to-integer conversion need
//! explicit checks, and those only where traps may not arrive as signals.

use super::Translator;
use cranelift_codegen::ir::{
    self, InstBuilder, MemFlagsData, Value,
    condcodes::{FloatCC, IntCC},
    types,
};
use wasmelt_abi::TrapCode;

/// The four integer divisions.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Division {
    DivSigned,
    DivUnsigned,
    RemSigned,
    RemUnsigned,
}

impl Translator<'_, '_> {
    pub(super) fn binary(&mut self, build: impl FnOnce(Ins<'_, '_>, Value, Value) -> Value) {
        let (left, right) = self.pop2();
        let value = build(self.builder.ins(), left, right);
        self.push(value);
    }

    pub(super) fn unary(&mut self, build: impl FnOnce(Ins<'_, '_>, Value) -> Value) {
        let operand = self.pop();
        let value = build(self.builder.ins(), operand);
        self.push(value);
    }

    pub(super) fn compare_int(&mut self, condition: IntCC) {
        let (left, right) = self.pop2();
        let value = self.builder.ins().icmp(condition, left, right);
        self.push_bool(value);
    }

    pub(super) fn compare_float(&mut self, condition: FloatCC) {
        let (left, right) = self.pop2();
        let value = self.builder.ins().fcmp(condition, left, right);
        self.push_bool(value);
    }

    pub(super) fn eqz(&mut self) {
        let operand = self.pop();
        let value = self.builder.ins().icmp_imm_u(IntCC::Equal, operand, 0);
        self.push_bool(value);
    }

    pub(super) fn select(&mut self) {
        let condition = self.pop();
        let (if_true, if_false) = self.pop2();
        let value = self.builder.ins().select(condition, if_true, if_false);
        self.push(value);
    }

    pub(super) fn divide(&mut self, division: Division) {
        let (left, right) = self.pop2();
        if !self.env.has_signals() {
            self.check_division(division, left, right);
        }
        let ins = self.builder.ins();
        let value = match division {
            Division::DivSigned => ins.sdiv(left, right),
            Division::DivUnsigned => ins.udiv(left, right),
            Division::RemSigned => ins.srem(left, right),
            Division::RemUnsigned => ins.urem(left, right),
        };
        self.push(value);
    }

    pub(super) fn truncate(&mut self, to: ir::Type, signed: bool) {
        let operand = self.pop();
        if !self.env.has_signals() {
            self.check_truncation(operand, to, signed);
        }
        let ins = self.builder.ins();
        let value = match (self.env.has_signals(), signed) {
            (true, true) => ins.fcvt_to_sint(to, operand),
            (true, false) => ins.fcvt_to_uint(to, operand),
            // Checked above: saturation never happens, and this form does not trap.
            (false, true) => ins.fcvt_to_sint_sat(to, operand),
            (false, false) => ins.fcvt_to_uint_sat(to, operand),
        };
        self.push(value);
    }

    pub(super) fn reinterpret(&mut self, to: ir::Type) {
        let operand = self.pop();
        let flags = MemFlagsData::new();
        let value = self.builder.ins().bitcast(to, flags, operand);
        self.push(value);
    }

    /// Sign-extends the low bits of an integer in place (sign-extension proposal).
    pub(super) fn extend_low(&mut self, from: ir::Type) {
        let operand = self.pop();
        let ty = self.builder.func.dfg.value_type(operand);
        let low = self.builder.ins().ireduce(from, operand);
        let value = self.builder.ins().sextend(ty, low);
        self.push(value);
    }

    fn push_bool(&mut self, value: Value) {
        let value = self.builder.ins().uextend(types::I32, value);
        self.push(value);
    }

    fn check_division(&mut self, division: Division, left: Value, right: Value) {
        let by_zero = self.builder.ins().icmp_imm_u(IntCC::Equal, right, 0);
        self.raise_if(by_zero, TrapCode::IntegerDivisionByZero);
        if division != Division::DivSigned {
            return;
        }
        let min = match self.builder.func.dfg.value_type(left) {
            types::I32 => i64::from(i32::MIN),
            _ => i64::MIN,
        };
        let is_min = self.builder.ins().icmp_imm_s(IntCC::Equal, left, min);
        let by_minus_one = self.builder.ins().icmp_imm_s(IntCC::Equal, right, -1);
        let overflows = self.builder.ins().band(is_min, by_minus_one);
        self.raise_if(overflows, TrapCode::IntegerOverflow);
    }

    /// Raises what wasm's truncation traps with: a NaN is a bad conversion, everything whose
    /// integer part is out of range an overflow (core specification 1.0, section 4.3.3).
    fn check_truncation(&mut self, operand: Value, to: ir::Type, signed: bool) {
        let is_nan = self
            .builder
            .ins()
            .fcmp(FloatCC::Unordered, operand, operand);
        self.raise_if(is_nan, TrapCode::BadConversionToInteger);
        let from = self.builder.func.dfg.value_type(operand);
        let (low, low_included, high) = truncation_range(from, to, signed);
        let low = self.float_const(from, low);
        let below = if low_included {
            FloatCC::LessThan
        } else {
            FloatCC::LessThanOrEqual
        };
        let below = self.builder.ins().fcmp(below, operand, low);
        let high = self.float_const(from, high);
        let above = self
            .builder
            .ins()
            .fcmp(FloatCC::GreaterThanOrEqual, operand, high);
        let outside = self.builder.ins().bor(below, above);
        self.raise_if(outside, TrapCode::IntegerOverflow);
    }

    fn float_const(&mut self, ty: ir::Type, value: f64) -> Value {
        if ty == types::F64 {
            return self.builder.ins().f64const(value);
        }
        #[expect(
            clippy::cast_possible_truncation,
            reason = "bounds are exact powers of two"
        )]
        let value = value as f32;
        self.builder.ins().f32const(value)
    }
}

/// What [`Translator::binary`] and [`Translator::unary`] hand out.
pub(super) type Ins<'short, 'func> = cranelift_frontend::FuncInstBuilder<'short, 'func>;

/// Lower bound, whether it is itself in range, and the upper bound, which is not. Every bound is
/// exact in both float types; where the integer's minimum minus one is not, the minimum itself
/// is the least float in range.
fn truncation_range(from: ir::Type, to: ir::Type, signed: bool) -> (f64, bool, f64) {
    match (to, signed) {
        (types::I32, true) if from == types::F64 => (-2_147_483_649.0, false, 2_147_483_648.0),
        (types::I32, true) => (-2_147_483_648.0, true, 2_147_483_648.0),
        (types::I32, false) => (-1.0, false, 4_294_967_296.0),
        (_, true) => (
            -9_223_372_036_854_775_808.0,
            true,
            9_223_372_036_854_775_808.0,
        ),
        (_, false) => (-1.0, false, 18_446_744_073_709_551_616.0),
    }
}
