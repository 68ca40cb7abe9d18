//! Wasm values as bits, so that two of them are equal only if no program can tell them apart.

use std::fmt;

use wasm_encoder::ValType;

use crate::rng::Rng;

/// Types of the values that MVP functions take and give.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Type {
    /// A 32-bit integer.
    I32,
    /// A 64-bit integer.
    I64,
    /// A 32-bit float.
    F32,
    /// A 64-bit float.
    F64,
}

/// A value of one of them. Floats are kept as bits: NaN payloads and the sign of zero count.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Value {
    /// A 32-bit integer.
    I32(u32),
    /// A 64-bit integer.
    I64(u64),
    /// The bits of a 32-bit float.
    F32(u32),
    /// The bits of a 64-bit float.
    F64(u64),
}

/// 32-bit numbers around which code generators go wrong.
#[rustfmt::skip]
pub(crate) const INTERESTING_32: &[u32] = &[
    0, 1, 2, 3, 4, 5, 7, 8, 9, 10, 12, 15, 16, 25, 31, 32, 33, 63, 64, 100, 125, 127, 128, 255,
    256, 625, 641, 1000, 0x7fff, 0x8000, 0xfffe, 0xffff, 0x1_0000, 0x1_0001, 0x00ff_ffff,
    0x0100_0000, 0x3fff_ffff, 0x4000_0000, 0x5555_5555, 0x7fff_fffe, 0x7fff_ffff, 0x8000_0000,
    0x8000_0001, 0xaaaa_aaab, 0xcccc_cccd, 0xffff_0000, 0xffff_7fff, 0xffff_8000, 0xffff_ff7f,
    0xffff_ff80, 0xffff_ffe0, 0xffff_fff6, 0xffff_fff8, 0xffff_fffb, 0xffff_fffd, 0xffff_fffe,
    0xffff_ffff,
];

/// 64-bit numbers around which code generators go wrong.
#[rustfmt::skip]
pub(crate) const INTERESTING_64: &[u64] = &[
    0, 1, 2, 3, 5, 7, 8, 10, 25, 31, 32, 33, 63, 64, 65, 100, 125, 127, 128, 255, 256, 641,
    0xffff, 0x1_0000, 0x7fff_fffe, 0x7fff_ffff, 0x8000_0000, 0x8000_0001, 0xffff_fffe,
    0xffff_ffff, 0x1_0000_0000, 0x1_0000_0001, 0x0020_0000_0000_0000, 0x0020_0000_0000_0001,
    0x7fff_ffff_ffff_fbff, 0x7fff_ffff_ffff_fffe, 0x7fff_ffff_ffff_ffff, 0x8000_0000_0000_0000,
    0x8000_0000_0000_0001, 0xaaaa_aaaa_aaaa_aaab, 0xcccc_cccc_cccc_cccd, 0xffff_ffff_0000_0000,
    0xffff_ffff_7fff_ffff, 0xffff_ffff_8000_0000, 0xffff_ffff_ffff_ff80, 0xffff_ffff_ffff_fff6,
    0xffff_ffff_ffff_fffd, 0xffff_ffff_ffff_fffe, 0xffff_ffff_ffff_ffff,
];

/// Bits of 32-bit floats at every edge: zeros, denormals, rounding ties, the limits of integers,
/// infinities, and NaNs that are canonical, quiet with a payload, and signalling.
#[rustfmt::skip]
pub(crate) const INTERESTING_F32: &[u32] = &[
    0x0000_0000, 0x8000_0000, 0x0000_0001, 0x8000_0001, 0x007f_ffff, 0x0080_0000, 0x3eff_ffff,
    0x3f00_0000, 0xbf00_0000, 0x3f00_0001, 0x3f7f_ffff, 0xbf7f_ffff, 0x3f80_0000, 0xbf80_0000,
    0x3fc0_0000, 0x4020_0000, 0xc020_0000, 0x4049_0fdb, 0x4b00_0001, 0x4b7f_ffff, 0x4b80_0000,
    0x4eff_ffff, 0x4f00_0000, 0xcf00_0000, 0xcf00_0001, 0x4f7f_ffff, 0x4f80_0000, 0x5eff_ffff,
    0x5f00_0000, 0xdf00_0000, 0xdf00_0001, 0x5f7f_ffff, 0x5f80_0000, 0x7f7f_ffff, 0xff7f_ffff,
    0x7f80_0000, 0xff80_0000, 0x7fc0_0000, 0xffc0_0000, 0x7fc0_0001, 0x7fff_ffff, 0x7f80_0001,
    0xffa0_0000,
];

/// Bits of 64-bit floats at the same edges, and at those of 32-bit floats.
#[rustfmt::skip]
pub(crate) const INTERESTING_F64: &[u64] = &[
    0x0000_0000_0000_0000, 0x8000_0000_0000_0000, 0x0000_0000_0000_0001, 0x800f_ffff_ffff_ffff,
    0x0010_0000_0000_0000, 0x3690_0000_0000_0000, 0x3810_0000_0000_0000, 0x3fdf_ffff_ffff_ffff,
    0x3fe0_0000_0000_0000, 0xbfe0_0000_0000_0000, 0x3fef_ffff_ffff_ffff, 0xbfef_ffff_ffff_ffff,
    0x3ff0_0000_0000_0000, 0xbff0_0000_0000_0000, 0x3ff8_0000_0000_0000, 0x4004_0000_0000_0000,
    0xc004_0000_0000_0000, 0x4009_21fb_5444_2d18, 0x41df_ffff_ffc0_0000, 0x41df_ffff_ffe0_0000,
    0x41e0_0000_0000_0000, 0xc1e0_0000_0000_0000, 0xc1e0_0000_001f_ffff, 0xc1e0_0000_0020_0000,
    0x41ef_ffff_ffe0_0000, 0x41ef_ffff_ffff_ffff, 0x41f0_0000_0000_0000, 0x4330_0000_0000_0001,
    0x4340_0000_0000_0000, 0x43df_ffff_ffff_ffff, 0x43e0_0000_0000_0000, 0xc3e0_0000_0000_0000,
    0xc3e0_0000_0000_0001, 0x43ef_ffff_ffff_ffff, 0x43f0_0000_0000_0000, 0x47ef_ffff_e000_0000,
    0x47ef_ffff_f000_0000, 0x7fef_ffff_ffff_ffff, 0xffef_ffff_ffff_ffff, 0x7ff0_0000_0000_0000,
    0xfff0_0000_0000_0000, 0x7ff8_0000_0000_0000, 0xfff8_0000_0000_0000, 0x7ff8_0000_0000_0001,
    0x7fff_ffff_ffff_ffff, 0x7ff0_0000_0000_0001, 0xfff4_0000_0000_0000,
];

impl Type {
    /// All four.
    pub const ALL: [Self; 4] = [Self::I32, Self::I64, Self::F32, Self::F64];

    /// A random value of this type: mostly an interesting one, otherwise any bits.
    pub fn random(self, rng: &mut Rng) -> Value {
        let is_interesting = rng.chance(75);
        match self {
            Self::I32 if is_interesting => Value::I32(rng.pick(INTERESTING_32)),
            Self::I64 if is_interesting => Value::I64(rng.pick(INTERESTING_64)),
            Self::F32 if is_interesting => Value::F32(rng.pick(INTERESTING_F32)),
            Self::F64 if is_interesting => Value::F64(rng.pick(INTERESTING_F64)),
            Self::I32 => Value::I32(rng.next_u32()),
            Self::I64 => Value::I64(rng.next()),
            Self::F32 => Value::F32(rng.next_u32()),
            Self::F64 => Value::F64(rng.next()),
        }
    }

    /// Every interesting value of this type.
    #[must_use]
    pub fn interesting(self) -> Vec<Value> {
        match self {
            Self::I32 => INTERESTING_32.iter().copied().map(Value::I32).collect(),
            Self::I64 => INTERESTING_64.iter().copied().map(Value::I64).collect(),
            Self::F32 => INTERESTING_F32.iter().copied().map(Value::F32).collect(),
            Self::F64 => INTERESTING_F64.iter().copied().map(Value::F64).collect(),
        }
    }
}

impl From<Type> for ValType {
    fn from(ty: Type) -> Self {
        match ty {
            Type::I32 => Self::I32,
            Type::I64 => Self::I64,
            Type::F32 => Self::F32,
            Type::F64 => Self::F64,
        }
    }
}

impl Value {
    /// Its type.
    #[must_use]
    pub fn ty(self) -> Type {
        match self {
            Self::I32(_) => Type::I32,
            Self::I64(_) => Type::I64,
            Self::F32(_) => Type::F32,
            Self::F64(_) => Type::F64,
        }
    }

    /// Its bits, the upper half zero for 32-bit types.
    #[must_use]
    pub fn bits(self) -> u64 {
        match self {
            Self::I32(bits) | Self::F32(bits) => bits.into(),
            Self::I64(bits) | Self::F64(bits) => bits,
        }
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::I32(bits) => write!(f, "i32:{bits:#x}"),
            Self::I64(bits) => write!(f, "i64:{bits:#x}"),
            Self::F32(bits) => write!(f, "f32:{:?}({bits:#x})", f32::from_bits(bits)),
            Self::F64(bits) => write!(f, "f64:{:?}({bits:#x})", f64::from_bits(bits)),
        }
    }
}
