//! Types of functions, globals, tables and memories. All are one Rust type, so that C's casts between them and
//! `wasm_externtype_t` keep the pointer.
#![allow(
    unsafe_code,
    reason = "exports functions by unmangled names, and takes vectors that C gives up"
)]

use crate::export::export;
use crate::failure::Failure;
use crate::live::{Counted, Kind};
use crate::signature::{Pointee, opaque};
use crate::types::{ValType, declare_type};
use crate::vec::{CVec, taken};

/// `wasm_externkind_t`.
pub(crate) mod kind {
    pub(crate) const FUNC: u8 = 0;
    pub(crate) const GLOBAL: u8 = 1;
    pub(crate) const TABLE: u8 = 2;
    pub(crate) const MEMORY: u8 = 3;
}

/// `WASM_CONST` and `WASM_VAR`.
pub(crate) const CONST: u8 = 0;
pub(crate) const VAR: u8 = 1;

/// `wasm_limits_t`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub(crate) struct Limits {
    pub(crate) min: u32,
    /// [`Limits::NO_MAX`] for none.
    pub(crate) max: u32,
}

const _: () = assert!(size_of::<Limits>() == 8);

impl Pointee for Limits {
    const SIZE: usize = size_of::<Self>();
}

impl Limits {
    pub(crate) const NO_MAX: u32 = u32::MAX;
}

pub(crate) type ValTypes = CVec<Option<Box<ValType>>>;

/// What a type is the type of.
#[derive(Clone)]
pub(crate) enum Shape {
    Func {
        params: ValTypes,
        results: ValTypes,
    },
    Global {
        content: Box<ValType>,
        mutability: u8,
    },
    Table {
        element: Box<ValType>,
        limits: Limits,
    },
    Memory {
        limits: Limits,
    },
}

/// `wasm_externtype_t`, `wasm_functype_t`, `wasm_globaltype_t`, `wasm_tabletype_t`, `wasm_memorytype_t`.
#[derive(Clone)]
pub(crate) struct ExternType {
    shape: Shape,
    _counted: Counted,
}

opaque!(ExternType);

impl ExternType {
    pub(crate) fn new(shape: Shape) -> Self {
        Self {
            shape,
            _counted: Counted::new(Kind::ExternType),
        }
    }

    pub(crate) fn shape(&self) -> &Shape {
        &self.shape
    }

    fn kind(&self) -> u8 {
        match self.shape {
            Shape::Func { .. } => kind::FUNC,
            Shape::Global { .. } => kind::GLOBAL,
            Shape::Table { .. } => kind::TABLE,
            Shape::Memory { .. } => kind::MEMORY,
        }
    }
}

declare_type!(functype, "functype", ExternType);
declare_type!(globaltype, "globaltype", ExternType);
declare_type!(tabletype, "tabletype", ExternType);
declare_type!(memorytype, "memorytype", ExternType);
declare_type!(externtype, "externtype", ExternType);

/// The casts of one kind; those back are null for another kind.
macro_rules! casts {
    ($module:ident, $name:literal, $kind:expr) => {
        pub(crate) mod $module {
            use super::*;
            use crate::export::export_as;

            fn upcast(ty: Option<&ExternType>) -> Result<Option<&ExternType>, Failure> {
                Ok(ty)
            }

            fn downcast(ty: Option<&ExternType>) -> Result<Option<&ExternType>, Failure> {
                Ok(ty.filter(|ty| ty.kind() == $kind))
            }

            export_as! { EXPORTS;
                fn up as (concat!("wasm_", $name, "_as_externtype")) (ty: Option<&ExternType>)
                    -> Option<&ExternType> { upcast(ty) }
                fn up_const as (concat!("wasm_", $name, "_as_externtype_const"))
                    (ty: Option<&ExternType>) -> Option<&ExternType> { upcast(ty) }
                fn down as (concat!("wasm_externtype_as_", $name)) (ty: Option<&ExternType>)
                    -> Option<&ExternType> { downcast(ty) }
                fn down_const as (concat!("wasm_externtype_as_", $name, "_const"))
                    (ty: Option<&ExternType>) -> Option<&ExternType> { downcast(ty) }
            }
        }
    };
}

casts!(functype_casts, "functype", kind::FUNC);
casts!(globaltype_casts, "globaltype", kind::GLOBAL);
casts!(tabletype_casts, "tabletype", kind::TABLE);
casts!(memorytype_casts, "memorytype", kind::MEMORY);

/// The parts of a type, or a failure if it is of another kind.
macro_rules! parts {
    ($ty:expr, $variant:ident { $($field:ident),* }, $name:literal) => {
        match $ty.map(|ty| &ty.shape) {
            Some(Shape::$variant { $($field,)* .. }) => ($($field),*),
            Some(_) => return Err(Failure::usage(concat!("the type is no ", $name))),
            None => return Err(Failure::null($name)),
        }
    };
}

fn boxed(shape: Shape) -> Option<Box<ExternType>> {
    Some(Box::new(ExternType::new(shape)))
}

fn checked(types: &ValTypes) -> Result<(), Failure> {
    if types.as_slice().iter().any(Option::is_none) {
        return Err(Failure::null("valtype"));
    }
    Ok(())
}

export! { EXPORTS;
    fn wasm_functype_new(params: *mut ValTypes, results: *mut ValTypes) -> Option<Box<ExternType>> {
        // Both are ours now, whatever follows.
        // SAFETY: C passes vectors or null.
        let (params, results) = unsafe { (taken(params), taken(results)) };
        checked(&params)?;
        checked(&results)?;
        Ok(boxed(Shape::Func { params, results }))
    }

    fn wasm_functype_params(ty: Option<&ExternType>) -> Option<&ValTypes> {
        Ok(Some(parts!(ty, Func { params }, "functype")))
    }

    fn wasm_functype_results(ty: Option<&ExternType>) -> Option<&ValTypes> {
        Ok(Some(parts!(ty, Func { results }, "functype")))
    }

    fn wasm_globaltype_new(content: Option<Box<ValType>>, mutability: u8) -> Option<Box<ExternType>> {
        let content = content.ok_or_else(|| Failure::null("valtype"))?;
        if mutability > VAR {
            return Err(Failure::usage(format!("there is no mutability {mutability}")));
        }
        Ok(boxed(Shape::Global { content, mutability }))
    }

    fn wasm_globaltype_content(ty: Option<&ExternType>) -> Option<&ValType> {
        Ok(Some(&**parts!(ty, Global { content }, "globaltype")))
    }

    fn wasm_globaltype_mutability(ty: Option<&ExternType>) -> u8 {
        Ok(*parts!(ty, Global { mutability }, "globaltype"))
    }

    fn wasm_tabletype_new(element: Option<Box<ValType>>, limits: Option<&Limits>)
        -> Option<Box<ExternType>>
    {
        let element = element.ok_or_else(|| Failure::null("valtype"))?;
        let limits = *limits.ok_or_else(|| Failure::null("limits"))?;
        Ok(boxed(Shape::Table { element, limits }))
    }

    fn wasm_tabletype_element(ty: Option<&ExternType>) -> Option<&ValType> {
        Ok(Some(&**parts!(ty, Table { element }, "tabletype")))
    }

    fn wasm_tabletype_limits(ty: Option<&ExternType>) -> Option<&Limits> {
        Ok(Some(parts!(ty, Table { limits }, "tabletype")))
    }

    fn wasm_memorytype_new(limits: Option<&Limits>) -> Option<Box<ExternType>> {
        let limits = *limits.ok_or_else(|| Failure::null("limits"))?;
        Ok(boxed(Shape::Memory { limits }))
    }

    fn wasm_memorytype_limits(ty: Option<&ExternType>) -> Option<&Limits> {
        Ok(Some(parts!(ty, Memory { limits }, "memorytype")))
    }

    fn wasm_externtype_kind(ty: Option<&ExternType>) -> u8 {
        Ok(ty.ok_or_else(|| Failure::null("externtype"))?.kind())
    }
}
