//! Values and value types as a host sees them.

use crate::{
    float::{F32, F64},
    func::Func,
    reference::{ExternRef, Nullable, Ref, RefType},
};

/// A value type.
///
/// Modules use only the first four; the others exist so that host functions and code written
/// against an interpreter keep their types.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ValType {
    /// 32-bit integer.
    I32,
    /// 64-bit integer.
    I64,
    /// 32-bit float.
    F32,
    /// 64-bit float.
    F64,
    /// 128-bit vector.
    V128,
    /// Nullable reference to a function.
    FuncRef,
    /// Nullable reference to a host object.
    ExternRef,
}

impl ValType {
    /// Whether this is one of the four number types of WebAssembly 1.0.
    #[must_use]
    pub fn is_num(&self) -> bool {
        self.to_abi().is_some()
    }

    /// Whether this is a reference type.
    #[must_use]
    pub fn is_ref(&self) -> bool {
        matches!(self, Self::FuncRef | Self::ExternRef)
    }

    /// The reference type, if this is one.
    #[must_use]
    pub fn as_ref(&self) -> Option<RefType> {
        match self {
            Self::FuncRef => Some(RefType::Func),
            Self::ExternRef => Some(RefType::Extern),
            _ => None,
        }
    }

    pub(crate) fn from_abi(ty: wasmelt_abi::ValType) -> Self {
        match ty {
            wasmelt_abi::ValType::I32 => Self::I32,
            wasmelt_abi::ValType::I64 => Self::I64,
            wasmelt_abi::ValType::F32 => Self::F32,
            wasmelt_abi::ValType::F64 => Self::F64,
        }
    }

    /// The type as compiled code knows it, if it does.
    pub(crate) fn to_abi(self) -> Option<wasmelt_abi::ValType> {
        Some(match self {
            Self::I32 => wasmelt_abi::ValType::I32,
            Self::I64 => wasmelt_abi::ValType::I64,
            Self::F32 => wasmelt_abi::ValType::F32,
            Self::F64 => wasmelt_abi::ValType::F64,
            Self::V128 | Self::FuncRef | Self::ExternRef => return None,
        })
    }

    pub(crate) fn is_float(self) -> bool {
        matches!(self, Self::F32 | Self::F64)
    }
}

impl From<RefType> for ValType {
    fn from(ty: RefType) -> Self {
        match ty {
            RefType::Func => Self::FuncRef,
            RefType::Extern => Self::ExternRef,
        }
    }
}

/// A 128-bit vector: opaque bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct V128(u128);

impl V128 {
    /// The bits.
    #[must_use]
    pub fn as_u128(&self) -> u128 {
        self.0
    }
}

impl From<u128> for V128 {
    fn from(bits: u128) -> Self {
        Self(bits)
    }
}

/// A value.
#[derive(Debug, Clone)]
pub enum Val {
    /// 32-bit integer.
    I32(i32),
    /// 64-bit integer.
    I64(i64),
    /// 32-bit float.
    F32(F32),
    /// 64-bit float.
    F64(F64),
    /// 128-bit vector.
    V128(V128),
    /// Nullable reference to a function.
    FuncRef(Nullable<Func>),
    /// Nullable reference to a host object.
    ExternRef(Nullable<ExternRef>),
}

impl Val {
    /// Zero, or null for a reference type.
    #[must_use]
    pub fn default_for_ty(ty: ValType) -> Self {
        match ty {
            ValType::I32 => Self::I32(0),
            ValType::I64 => Self::I64(0),
            ValType::F32 => Self::F32(F32::from_bits(0)),
            ValType::F64 => Self::F64(F64::from_bits(0)),
            ValType::V128 => Self::V128(V128::default()),
            ValType::FuncRef => Self::FuncRef(Nullable::Null),
            ValType::ExternRef => Self::ExternRef(Nullable::Null),
        }
    }

    /// Zero, or null for a reference type.
    #[must_use]
    #[deprecated(note = "use `Val::default_for_ty` instead")]
    pub fn default(ty: ValType) -> Self {
        Self::default_for_ty(ty)
    }

    /// Type of the value.
    #[must_use]
    pub fn ty(&self) -> ValType {
        match self {
            Self::I32(_) => ValType::I32,
            Self::I64(_) => ValType::I64,
            Self::F32(_) => ValType::F32,
            Self::F64(_) => ValType::F64,
            Self::V128(_) => ValType::V128,
            Self::FuncRef(_) => ValType::FuncRef,
            Self::ExternRef(_) => ValType::ExternRef,
        }
    }

    /// The number, if this is an `i32`.
    #[must_use]
    pub fn i32(&self) -> Option<i32> {
        match self {
            Self::I32(value) => Some(*value),
            _ => None,
        }
    }

    /// The number, if this is an `i64`.
    #[must_use]
    pub fn i64(&self) -> Option<i64> {
        match self {
            Self::I64(value) => Some(*value),
            _ => None,
        }
    }

    /// The number, if this is an `f32`.
    #[must_use]
    pub fn f32(&self) -> Option<F32> {
        match self {
            Self::F32(value) => Some(*value),
            _ => None,
        }
    }

    /// The number, if this is an `f64`.
    #[must_use]
    pub fn f64(&self) -> Option<F64> {
        match self {
            Self::F64(value) => Some(*value),
            _ => None,
        }
    }

    /// The reference, if this is one to a function.
    #[must_use]
    pub fn funcref(&self) -> Option<Nullable<&Func>> {
        match self {
            Self::FuncRef(value) => Some(value.as_ref()),
            _ => None,
        }
    }

    /// The reference, if this is one to a host object.
    #[must_use]
    pub fn externref(&self) -> Option<Nullable<&ExternRef>> {
        match self {
            Self::ExternRef(value) => Some(value.as_ref()),
            _ => None,
        }
    }

    /// The bits of a number; `None` for any other value.
    pub(crate) fn to_bits(&self) -> Option<u64> {
        Some(match self {
            Self::I32(value) => u64::from(value.cast_unsigned()),
            Self::I64(value) => value.cast_unsigned(),
            Self::F32(value) => u64::from(value.to_bits()),
            Self::F64(value) => value.to_bits(),
            Self::V128(_) | Self::FuncRef(_) | Self::ExternRef(_) => return None,
        })
    }

    /// The number with these bits, of which a 32-bit type uses the low half.
    pub(crate) fn from_bits(ty: wasmelt_abi::ValType, bits: u64) -> Self {
        match ty {
            wasmelt_abi::ValType::I32 => Self::I32(low_half(bits).cast_signed()),
            wasmelt_abi::ValType::I64 => Self::I64(bits.cast_signed()),
            wasmelt_abi::ValType::F32 => Self::F32(F32::from_bits(low_half(bits))),
            wasmelt_abi::ValType::F64 => Self::F64(F64::from_bits(bits)),
        }
    }
}

/// The low 32 bits.
#[expect(clippy::cast_possible_truncation, reason = "the high half is unused")]
pub(crate) fn low_half(bits: u64) -> u32 {
    bits as u32
}

macro_rules! val_from {
    ($( $ty:ty => |$value:ident| $val:expr; )*) => {
        $(
            impl From<$ty> for Val {
                fn from($value: $ty) -> Self {
                    $val
                }
            }
        )*
    };
}

val_from! {
    i32 => |value| Self::I32(value);
    i64 => |value| Self::I64(value);
    f32 => |value| Self::F32(value.into());
    f64 => |value| Self::F64(value.into());
    F32 => |value| Self::F32(value);
    F64 => |value| Self::F64(value);
    V128 => |value| Self::V128(value);
    Func => |value| Self::FuncRef(Nullable::Val(value));
    ExternRef => |value| Self::ExternRef(Nullable::Val(value));
    Nullable<Func> => |value| Self::FuncRef(value);
    Nullable<ExternRef> => |value| Self::ExternRef(value);
    Ref => |value| match value {
        Ref::Func(value) => Self::FuncRef(value),
        Ref::Extern(value) => Self::ExternRef(value),
    };
}

#[cfg(test)]
mod tests {
    use super::{Val, ValType};

    #[test]
    fn bits_of_every_number_type_survive_a_round_trip() {
        for (val, ty) in [
            (Val::from(-1i32), wasmelt_abi::ValType::I32),
            (Val::from(i64::MIN), wasmelt_abi::ValType::I64),
            (Val::from(-0.0f32), wasmelt_abi::ValType::F32),
            (Val::from(f64::MAX), wasmelt_abi::ValType::F64),
        ] {
            let bits = val.to_bits().expect("a number");
            assert_eq!(Val::from_bits(ty, bits).to_bits(), Some(bits));
            assert_eq!(val.ty(), ValType::from_abi(ty));
        }
        assert_eq!(Val::default_for_ty(ValType::FuncRef).to_bits(), None);
    }
}
