//! Rust types that stand for value types, in signatures of host functions and typed calls.

use super::Func;
use crate::{
    error::Error,
    float::{F32, F64},
    reference::{ExternRef, Nullable},
    value::{Val, ValType},
    vm::{AbiResult, AbiValue, EnterWasm},
};

mod sealed {
    /// Keeps [`super::WasmTy`] to the types of this file, since trampolines rely on them.
    pub trait Sealed {}
}

/// A Rust type that stands for a value type.
pub trait WasmTy: Send + sealed::Sealed + Sized + 'static {
    /// How the value is passed in registers.
    #[doc(hidden)]
    type Abi: AbiValue;

    /// The value type.
    #[doc(hidden)]
    fn ty() -> ValType;

    #[doc(hidden)]
    fn into_abi(self) -> Self::Abi;

    #[doc(hidden)]
    fn from_abi(abi: Self::Abi) -> Self;

    #[doc(hidden)]
    fn into_val(self) -> Val;

    /// The value, if `val` has the type.
    #[doc(hidden)]
    fn from_val(val: &Val) -> Option<Self>;
}

macro_rules! wasm_types {
    ($(
        $ty:ty: $val_type:ident as $abi:ty,
        |$value:ident| $into_abi:expr, |$bits:ident| $from_abi:expr,
        |$inner:ident| $into_val:expr, |$val:ident| $from_val:expr;
    )*) => {
        $(
            impl sealed::Sealed for $ty {}

            impl WasmTy for $ty {
                type Abi = $abi;

                #[inline]
                fn ty() -> ValType {
                    ValType::$val_type
                }

                #[inline]
                fn into_abi(self) -> $abi {
                    let $value = self;
                    $into_abi
                }

                #[inline]
                fn from_abi($bits: $abi) -> Self {
                    $from_abi
                }

                fn into_val(self) -> Val {
                    let $inner = self;
                    Val::$val_type($into_val)
                }

                fn from_val(val: &Val) -> Option<Self> {
                    match val {
                        Val::$val_type($val) => Some($from_val),
                        _ => None,
                    }
                }
            }
        )*
    };
}

wasm_types! {
    i32: I32 as u32, |v| v.cast_unsigned(), |v| v.cast_signed(), |v| v, |v| *v;
    u32: I32 as u32, |v| v, |v| v, |v| v.cast_signed(), |v| v.cast_unsigned();
    i64: I64 as u64, |v| v.cast_unsigned(), |v| v.cast_signed(), |v| v, |v| *v;
    u64: I64 as u64, |v| v, |v| v, |v| v.cast_signed(), |v| v.cast_unsigned();
    f32: F32 as f32, |v| v, |v| v, |v| v.into(), |v| v.to_float();
    F32: F32 as f32, |v| v.to_float(), |v| Self::from_float(v), |v| v, |v| *v;
    f64: F64 as f64, |v| v, |v| v, |v| v.into(), |v| v.to_float();
    F64: F64 as f64, |v| v.to_float(), |v| Self::from_float(v), |v| v, |v| *v;
    // Modules have no references: functions with these are called by the host only, with `Val`s.
    Nullable<Func>: FuncRef as u64, |_v| unreachable_reference(), |_v| unreachable_reference(),
        |v| v, |v| *v;
    Nullable<ExternRef>: ExternRef as u64,
        |_v| unreachable_reference(), |_v| unreachable_reference(), |v| v, |v| *v;
}

fn unreachable_reference() -> ! {
    unreachable!("modules have no references, so none is passed in a register")
}

/// A sequence of value types: a tuple, or a single type.
pub trait WasmTyList: Send + Sized + EnterWasm {
    /// How many types.
    #[doc(hidden)]
    const LEN: usize;

    /// An array of them.
    #[doc(hidden)]
    type Types: AsRef<[ValType]> + IntoIterator<Item = ValType, IntoIter: ExactSizeIterator>;

    /// How a function returns them, if it is a guest's and has at most one.
    #[doc(hidden)]
    type Abi: AbiResult;

    #[doc(hidden)]
    fn types() -> Self::Types;

    #[doc(hidden)]
    fn into_abi_result(self) -> Self::Abi;

    #[doc(hidden)]
    fn from_abi_result(abi: Self::Abi) -> Self;

    #[doc(hidden)]
    fn into_vals(self) -> Vec<Val>;

    /// The values, if number and types fit.
    #[doc(hidden)]
    fn from_vals(vals: &[Val]) -> Option<Self>;
}

impl<T1: WasmTy> WasmTyList for T1 {
    const LEN: usize = 1;

    type Types = [ValType; 1];
    type Abi = T1::Abi;

    fn types() -> Self::Types {
        [T1::ty()]
    }

    #[inline]
    fn into_abi_result(self) -> T1::Abi {
        self.into_abi()
    }

    #[inline]
    fn from_abi_result(abi: T1::Abi) -> Self {
        T1::from_abi(abi)
    }

    fn into_vals(self) -> Vec<Val> {
        vec![self.into_val()]
    }

    fn from_vals(vals: &[Val]) -> Option<Self> {
        match vals {
            [val] => T1::from_val(val),
            _ => None,
        }
    }
}

macro_rules! impl_list {
    ($len:literal, $abi:ty, |$this:ident| $into:expr, |$bits:pat_param| $from:expr; $($T:ident)*) => {
        impl<$($T: WasmTy),*> WasmTyList for ($($T,)*) {
            const LEN: usize = $len;

            type Types = [ValType; $len];
            type Abi = $abi;

            fn types() -> Self::Types {
                [$($T::ty()),*]
            }

            #[inline]
            fn into_abi_result(self) -> Self::Abi {
                let $this = self;
                $into
            }

            #[inline]
            fn from_abi_result($bits: Self::Abi) -> Self {
                $from
            }

            #[allow(non_snake_case, reason = "variables are named after their types")]
            fn into_vals(self) -> Vec<Val> {
                let ($($T,)*) = self;
                vec![$($T.into_val()),*]
            }

            #[allow(non_snake_case, reason = "variables are named after their types")]
            fn from_vals(vals: &[Val]) -> Option<Self> {
                match vals {
                    [$($T),*] => Some(($($T::from_val($T)?,)*)),
                    _ => None,
                }
            }
        }
    };
}

macro_rules! impl_list_for_tuple {
    (0) => { impl_list! { 0, (), |_this| (), |()| (); } };
    (1 $T:ident) => {
        impl_list! { 1, $T::Abi, |this| this.0.into_abi(), |bits| ($T::from_abi(bits),); $T }
    };
    ($len:literal $($T:ident)*) => {
        impl_list! { $len, (), |_this| unreachable_results(), |_| unreachable_results(); $($T)* }
    };
}

fn unreachable_results() -> ! {
    unreachable!("functions of modules have at most one result, and types were compared")
}

for_each_tuple!(impl_list_for_tuple);

/// What a host function may return: nothing, a value, a tuple of values, or a `Result` of one of
/// these.
pub trait WasmRet {
    /// The values without the error.
    #[doc(hidden)]
    type Ok: WasmTyList;

    #[doc(hidden)]
    fn into_fallible(self) -> Result<Self::Ok, Error>;
}

impl<T1: WasmTy> WasmRet for T1 {
    type Ok = T1;

    #[inline]
    fn into_fallible(self) -> Result<T1, Error> {
        Ok(self)
    }
}

impl<T1: WasmTy> WasmRet for Result<T1, Error> {
    type Ok = T1;

    #[inline]
    fn into_fallible(self) -> Result<T1, Error> {
        self
    }
}

macro_rules! impl_ret_for_tuple {
    ($len:literal $($T:ident)*) => {
        impl<$($T: WasmTy),*> WasmRet for ($($T,)*) {
            type Ok = ($($T,)*);

            #[inline]
            fn into_fallible(self) -> Result<Self::Ok, Error> {
                Ok(self)
            }
        }

        impl<$($T: WasmTy),*> WasmRet for Result<($($T,)*), Error> {
            type Ok = ($($T,)*);

            #[inline]
            fn into_fallible(self) -> Result<($($T,)*), Error> {
                self
            }
        }
    };
}

for_each_tuple!(impl_ret_for_tuple);

/// Parameters of a [`TypedFunc`](super::TypedFunc).
pub trait WasmParams: WasmTyList {}
impl<T: WasmTyList> WasmParams for T {}

/// Results of a [`TypedFunc`](super::TypedFunc).
pub trait WasmResults: WasmTyList {}
impl<T: WasmTyList> WasmResults for T {}
