//! Translates types between C's objects and wasmelt's.

use super::extern_type::{CONST, VAR, ValTypes};
use super::val_type::kind;
use super::{ExternType, Limits, Shape, ValType};
use crate::failure::Failure;
use crate::vec::CVec;
use wasmelt::{
    FuncType, GlobalType, MemoryType, Mutability, RefType, TableType, ValType as WasmType,
};

/// Most parameters, and most results, that a function type may have.
const MAX_TYPES: usize = 1_000;

fn to_wasm(kind: u8) -> Result<WasmType, Failure> {
    Ok(match kind {
        kind::I32 => WasmType::I32,
        kind::I64 => WasmType::I64,
        kind::F32 => WasmType::F32,
        kind::F64 => WasmType::F64,
        kind::EXTERNREF => WasmType::ExternRef,
        kind::FUNCREF => WasmType::FuncRef,
        _ => return Err(Failure::usage(format!("there is no value type {kind}"))),
    })
}

/// The number that C has for a type.
pub(crate) fn kind_of(ty: WasmType) -> Result<u8, Failure> {
    Ok(match ty {
        WasmType::I32 => kind::I32,
        WasmType::I64 => kind::I64,
        WasmType::F32 => kind::F32,
        WasmType::F64 => kind::F64,
        WasmType::ExternRef => kind::EXTERNREF,
        WasmType::FuncRef => kind::FUNCREF,
        WasmType::V128 => return Err(Failure::bug("C has no vectors")),
    })
}

fn val_type(ty: WasmType) -> Result<Box<ValType>, Failure> {
    Ok(Box::new(ValType::new(kind_of(ty)?)?))
}

fn val_types(types: &[WasmType]) -> Result<ValTypes, Failure> {
    let types: Result<Vec<_>, _> = types.iter().map(|ty| val_type(*ty).map(Some)).collect();
    CVec::collected(types?)
}

fn wasm_types(types: &ValTypes) -> Result<Vec<WasmType>, Failure> {
    let types = types.as_slice();
    if types.len() > MAX_TYPES {
        let message = format!("a function has at most {MAX_TYPES} parameters and as many results");
        return Err(Failure::usage(message));
    }
    let types = types.iter().flatten();
    types.map(|ty| to_wasm(ty.kind())).collect()
}

/// A size of wasm's as C has it.
fn size(size: u64) -> u32 {
    u32::try_from(size).unwrap_or(Limits::NO_MAX)
}

fn limits(minimum: u64, maximum: Option<u64>) -> Limits {
    Limits {
        min: size(minimum),
        max: maximum.map_or(Limits::NO_MAX, size),
    }
}

impl Limits {
    fn maximum(self) -> Option<u32> {
        (self.max != Self::NO_MAX).then_some(self.max)
    }
}

fn other_kind(wanted: &str) -> Failure {
    Failure::usage(format!("the type is no {wanted}"))
}

impl ExternType {
    pub(crate) fn of(ty: &wasmelt::ExternType) -> Result<Box<Self>, Failure> {
        let shape = match ty {
            wasmelt::ExternType::Func(ty) => Shape::Func {
                params: val_types(ty.params())?,
                results: val_types(ty.results())?,
            },
            wasmelt::ExternType::Global(ty) => Shape::Global {
                content: val_type(ty.content())?,
                mutability: if ty.mutability().is_mut() { VAR } else { CONST },
            },
            wasmelt::ExternType::Table(ty) => Shape::Table {
                element: val_type(ty.element().into())?,
                limits: limits(ty.minimum(), ty.maximum()),
            },
            wasmelt::ExternType::Memory(ty) => Shape::Memory {
                limits: limits(ty.minimum(), ty.maximum()),
            },
        };
        Ok(Box::new(Self::new(shape)))
    }

    pub(crate) fn to_func(&self) -> Result<FuncType, Failure> {
        let Shape::Func { params, results } = self.shape() else {
            return Err(other_kind("functype"));
        };
        Ok(FuncType::new(wasm_types(params)?, wasm_types(results)?))
    }

    pub(crate) fn to_global(&self) -> Result<GlobalType, Failure> {
        let Shape::Global {
            content,
            mutability,
        } = self.shape()
        else {
            return Err(other_kind("globaltype"));
        };
        let mutability = match *mutability {
            CONST => Mutability::Const,
            _ => Mutability::Var,
        };
        Ok(GlobalType::new(to_wasm(content.kind())?, mutability))
    }

    pub(crate) fn to_table(&self) -> Result<TableType, Failure> {
        let Shape::Table { element, limits } = self.shape() else {
            return Err(other_kind("tabletype"));
        };
        let element = match element.kind() {
            kind::FUNCREF => RefType::Func,
            kind::EXTERNREF => RefType::Extern,
            _ => return Err(Failure::usage("elements of a table are references")),
        };
        if limits.max < limits.min {
            return Err(Failure::usage("the maximum is below the minimum"));
        }
        Ok(TableType::new(element, limits.min, limits.maximum()))
    }

    pub(crate) fn to_memory(&self) -> Result<MemoryType, Failure> {
        let Shape::Memory { limits } = self.shape() else {
            return Err(other_kind("memorytype"));
        };
        let mut builder = MemoryType::builder();
        builder.min(u64::from(limits.min));
        builder.max(limits.maximum().map(u64::from));
        builder.build().map_err(Failure::of)
    }
}
