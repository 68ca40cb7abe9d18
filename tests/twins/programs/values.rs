//! Values and floats: conversions, printing, comparing.

use super::Notes;
use wasmi::{F32, F64, V128, Val, ValType};

pub(crate) fn run(notes: &mut Notes) {
    let vals = [
        Val::from(-1_i32),
        Val::from(i64::MIN),
        Val::from(1.5_f32),
        Val::from(-0.0_f64),
        Val::from(F32::from_bits(0x7fa0_0000)),
        Val::from(F64::from_bits(0x7ff0_0000_0000_0001)),
        Val::from(V128::from(0x0102_0304_u128)),
    ];
    for val in vals {
        notes.debug(
            format!("{val:?}"),
            (val.ty(), val.i32(), val.i64(), val.f32(), val.f64()),
        );
    }
    for ty in [
        ValType::I32,
        ValType::I64,
        ValType::F32,
        ValType::F64,
        ValType::V128,
    ] {
        notes.debug(
            format!("default {ty:?}"),
            (Val::default_for_ty(ty), ty.is_num()),
        );
    }
    for ty in [ValType::FuncRef, ValType::ExternRef] {
        let val = Val::default_for_ty(ty);
        notes.debug(
            format!("default {ty:?}"),
            (
                val.funcref().map(|f| f.is_null()),
                val.externref().map(|e| e.is_null()),
            ),
        );
    }
    for bits in [
        0,
        1,
        0x8000_0000,
        0x3f80_0000,
        0x3dcc_cccd,
        0x7f7f_ffff,
        0x7f80_0000,
        0xff80_0000,
        0x7fc0_0000,
        0xffc1_2345,
        0x4b80_0000,
    ] {
        let float = F32::from_bits(bits);
        notes.note(
            format!("f32 {bits:#x}"),
            format!("{float} {float:?} {:#x}", float.to_bits()),
        );
        let is_ordered = float.partial_cmp(&F32::from(1.0));
        notes.debug(
            format!("f32 {bits:#x}: compared"),
            (
                float == F32::from_bits(bits),
                is_ordered,
                float == F32::from_bits(0),
            ),
        );
        notes.debug(
            format!("f32 {bits:#x}: float"),
            (
                float.to_float().to_bits(),
                f32::from(float).to_bits(),
                F32::from_float(f32::from_bits(bits)).to_bits(),
            ),
        );
    }
    for bits in [
        0,
        1 << 63,
        0x3ff0_0000_0000_0000,
        0x3fb9_9999_9999_999a,
        0x7ff0_0000_0000_0000,
        0x7ff8_0000_0000_0000,
        0xfff8_0000_0000_1234,
        0x4341_c379_37e0_8000,
    ] {
        let float = F64::from_bits(bits);
        notes.note(
            format!("f64 {bits:#x}"),
            format!("{float} {float:?} {:#x}", float.to_bits()),
        );
        let is_ordered = float.partial_cmp(&F64::from(1.0));
        notes.debug(
            format!("f64 {bits:#x}: compared"),
            (
                float == F64::from_bits(bits),
                is_ordered,
                float == F64::from_bits(0),
            ),
        );
    }
    notes.debug("vector", (V128::from(7_u128), V128::from(7_u128).as_u128()));
}
