//! Every numeric and memory operator of the MVP, once, and random accesses by them.

use wasm_encoder::{InstructionSink, MemArg};

use crate::builder::Body;
use crate::rng::Rng;
use crate::value::Type::{self, F32, F64, I32, I64};

/// An operator on numbers.
#[derive(Clone, Copy)]
pub(super) struct NumericOp {
    pub(super) name: &'static str,
    pub(super) params: &'static [Type],
    pub(super) result: Type,
    /// Whether its result may be any NaN, so that it has to be made canonical.
    pub(super) gives_any_nan: bool,
    emit: fn(&mut InstructionSink<'_>),
}

/// A load or a store.
#[derive(Clone, Copy)]
pub(super) struct MemoryOp {
    pub(super) name: &'static str,
    /// What a load gives or a store takes.
    pub(super) ty: Type,
    pub(super) len_bytes: u32,
    emit: fn(&mut InstructionSink<'_>, MemArg),
}

impl NumericOp {
    pub(super) fn emit(&self, code: &mut InstructionSink<'_>) {
        (self.emit)(code);
    }
}

impl MemoryOp {
    pub(super) fn emit(&self, code: &mut InstructionSink<'_>, at: MemArg) {
        (self.emit)(code, at);
    }
}

macro_rules! numeric_ops {
    ($($name:ident $params:tt -> $result:ident $($any_nan:ident)?;)*) => {
        /// All operators on numbers.
        pub(super) const NUMERIC_OPS: &[NumericOp] = &[$(NumericOp {
            name: stringify!($name),
            params: &$params,
            result: $result,
            gives_any_nan: numeric_ops!(@nan $($any_nan)?),
            emit: |code| { code.$name(); },
        }),*];
    };
    (@nan) => { false };
    (@nan any_nan) => { true };
}

macro_rules! memory_ops {
    ($(#[$doc:meta])* $list:ident: $($name:ident $ty:ident $len_bytes:literal;)*) => {
        $(#[$doc])*
        pub(super) const $list: &[MemoryOp] = &[$(MemoryOp {
            name: stringify!($name),
            ty: $ty,
            len_bytes: $len_bytes,
            emit: |code, at| { code.$name(at); },
        }),*];
    };
}

numeric_ops! {
    i32_clz [I32] -> I32;
    i32_ctz [I32] -> I32;
    i32_popcnt [I32] -> I32;
    i32_eqz [I32] -> I32;
    i32_eq [I32, I32] -> I32;
    i32_ne [I32, I32] -> I32;
    i32_lt_s [I32, I32] -> I32;
    i32_lt_u [I32, I32] -> I32;
    i32_gt_s [I32, I32] -> I32;
    i32_gt_u [I32, I32] -> I32;
    i32_le_s [I32, I32] -> I32;
    i32_le_u [I32, I32] -> I32;
    i32_ge_s [I32, I32] -> I32;
    i32_ge_u [I32, I32] -> I32;
    i32_add [I32, I32] -> I32;
    i32_sub [I32, I32] -> I32;
    i32_mul [I32, I32] -> I32;
    i32_div_s [I32, I32] -> I32;
    i32_div_u [I32, I32] -> I32;
    i32_rem_s [I32, I32] -> I32;
    i32_rem_u [I32, I32] -> I32;
    i32_and [I32, I32] -> I32;
    i32_or [I32, I32] -> I32;
    i32_xor [I32, I32] -> I32;
    i32_shl [I32, I32] -> I32;
    i32_shr_s [I32, I32] -> I32;
    i32_shr_u [I32, I32] -> I32;
    i32_rotl [I32, I32] -> I32;
    i32_rotr [I32, I32] -> I32;
    i64_clz [I64] -> I64;
    i64_ctz [I64] -> I64;
    i64_popcnt [I64] -> I64;
    i64_eqz [I64] -> I32;
    i64_eq [I64, I64] -> I32;
    i64_ne [I64, I64] -> I32;
    i64_lt_s [I64, I64] -> I32;
    i64_lt_u [I64, I64] -> I32;
    i64_gt_s [I64, I64] -> I32;
    i64_gt_u [I64, I64] -> I32;
    i64_le_s [I64, I64] -> I32;
    i64_le_u [I64, I64] -> I32;
    i64_ge_s [I64, I64] -> I32;
    i64_ge_u [I64, I64] -> I32;
    i64_add [I64, I64] -> I64;
    i64_sub [I64, I64] -> I64;
    i64_mul [I64, I64] -> I64;
    i64_div_s [I64, I64] -> I64;
    i64_div_u [I64, I64] -> I64;
    i64_rem_s [I64, I64] -> I64;
    i64_rem_u [I64, I64] -> I64;
    i64_and [I64, I64] -> I64;
    i64_or [I64, I64] -> I64;
    i64_xor [I64, I64] -> I64;
    i64_shl [I64, I64] -> I64;
    i64_shr_s [I64, I64] -> I64;
    i64_shr_u [I64, I64] -> I64;
    i64_rotl [I64, I64] -> I64;
    i64_rotr [I64, I64] -> I64;
    f32_abs [F32] -> F32;
    f32_neg [F32] -> F32;
    f32_ceil [F32] -> F32 any_nan;
    f32_floor [F32] -> F32 any_nan;
    f32_trunc [F32] -> F32 any_nan;
    f32_nearest [F32] -> F32 any_nan;
    f32_sqrt [F32] -> F32 any_nan;
    f32_add [F32, F32] -> F32 any_nan;
    f32_sub [F32, F32] -> F32 any_nan;
    f32_mul [F32, F32] -> F32 any_nan;
    f32_div [F32, F32] -> F32 any_nan;
    f32_min [F32, F32] -> F32 any_nan;
    f32_max [F32, F32] -> F32 any_nan;
    f32_copysign [F32, F32] -> F32;
    f32_eq [F32, F32] -> I32;
    f32_ne [F32, F32] -> I32;
    f32_lt [F32, F32] -> I32;
    f32_gt [F32, F32] -> I32;
    f32_le [F32, F32] -> I32;
    f32_ge [F32, F32] -> I32;
    f64_abs [F64] -> F64;
    f64_neg [F64] -> F64;
    f64_ceil [F64] -> F64 any_nan;
    f64_floor [F64] -> F64 any_nan;
    f64_trunc [F64] -> F64 any_nan;
    f64_nearest [F64] -> F64 any_nan;
    f64_sqrt [F64] -> F64 any_nan;
    f64_add [F64, F64] -> F64 any_nan;
    f64_sub [F64, F64] -> F64 any_nan;
    f64_mul [F64, F64] -> F64 any_nan;
    f64_div [F64, F64] -> F64 any_nan;
    f64_min [F64, F64] -> F64 any_nan;
    f64_max [F64, F64] -> F64 any_nan;
    f64_copysign [F64, F64] -> F64;
    f64_eq [F64, F64] -> I32;
    f64_ne [F64, F64] -> I32;
    f64_lt [F64, F64] -> I32;
    f64_gt [F64, F64] -> I32;
    f64_le [F64, F64] -> I32;
    f64_ge [F64, F64] -> I32;
    i32_wrap_i64 [I64] -> I32;
    i64_extend_i32_s [I32] -> I64;
    i64_extend_i32_u [I32] -> I64;
    i32_trunc_f32_s [F32] -> I32;
    f32_convert_i32_s [I32] -> F32;
    i32_trunc_f32_u [F32] -> I32;
    f32_convert_i32_u [I32] -> F32;
    i32_trunc_f64_s [F64] -> I32;
    f64_convert_i32_s [I32] -> F64;
    i32_trunc_f64_u [F64] -> I32;
    f64_convert_i32_u [I32] -> F64;
    i64_trunc_f32_s [F32] -> I64;
    f32_convert_i64_s [I64] -> F32;
    i64_trunc_f32_u [F32] -> I64;
    f32_convert_i64_u [I64] -> F32;
    i64_trunc_f64_s [F64] -> I64;
    f64_convert_i64_s [I64] -> F64;
    i64_trunc_f64_u [F64] -> I64;
    f64_convert_i64_u [I64] -> F64;
    f32_demote_f64 [F64] -> F32 any_nan;
    f64_promote_f32 [F32] -> F64 any_nan;
    i32_reinterpret_f32 [F32] -> I32;
    i64_reinterpret_f64 [F64] -> I64;
    f32_reinterpret_i32 [I32] -> F32;
    f64_reinterpret_i64 [I64] -> F64;
}

memory_ops! {
    /// All loads.
    LOADS:
    i32_load I32 4;
    i64_load I64 8;
    f32_load F32 4;
    f64_load F64 8;
    i32_load8_s I32 1;
    i32_load8_u I32 1;
    i32_load16_s I32 2;
    i32_load16_u I32 2;
    i64_load8_s I64 1;
    i64_load8_u I64 1;
    i64_load16_s I64 2;
    i64_load16_u I64 2;
    i64_load32_s I64 4;
    i64_load32_u I64 4;
}

memory_ops! {
    /// All stores.
    STORES:
    i32_store I32 4;
    i64_store I64 8;
    f32_store F32 4;
    f64_store F64 8;
    i32_store8 I32 1;
    i32_store16 I32 2;
    i64_store8 I64 1;
    i64_store16 I64 2;
    i64_store32 I64 4;
}

/// Reads or writes at the address on the stack, writes so often of a hundred. What is read goes into the
/// 64-bit local `sum`.
pub(super) fn access(body: &mut Body, rng: &mut Rng, place: MemArg, writes_percent: u32, sum: u32) {
    if rng.chance(writes_percent) {
        let op = rng.pick(STORES);
        let value = op.ty.random(rng);
        body.constant(value);
        op.emit(&mut body.code(), place);
        return;
    }
    let op = rng.pick(LOADS);
    op.emit(&mut body.code(), place);
    let code = &mut body.code();
    match op.ty {
        Type::I32 => code.i64_extend_i32_u(),
        Type::I64 => code,
        Type::F32 => code.i32_reinterpret_f32().i64_extend_i32_u(),
        Type::F64 => code.i64_reinterpret_f64(),
    };
    code.local_get(sum)
        .i64_const(5)
        .i64_rotl()
        .i64_xor()
        .local_set(sum);
}

#[cfg(test)]
mod tests {
    use super::{LOADS, NUMERIC_OPS, STORES};

    /// The MVP has 123 numeric operators without constants, 14 loads and 9 stores.
    #[test]
    fn no_operator_is_missing_or_listed_twice() {
        assert_eq!((NUMERIC_OPS.len(), LOADS.len(), STORES.len()), (123, 14, 9));
        let mut names: Vec<_> = NUMERIC_OPS.iter().map(|op| op.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), NUMERIC_OPS.len());
    }
}
