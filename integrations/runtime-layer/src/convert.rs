//! Values and types of the layer as wasmelt's, and the other way round.

use wasm_runtime_layer::{
    ExternType, FuncType, GlobalType, MemoryType, RefType, TableType, ValType,
    backend::{Extern, Ref, Val},
};
use wasmelt::{Mutability, Nullable, errors::MemoryError};

use crate::{Engine, ExternRef, Func, Global, Memory, Table};

pub(crate) fn val_to_layer(val: wasmelt::Val) -> Val<Engine> {
    match val {
        wasmelt::Val::I32(value) => Val::I32(value),
        wasmelt::Val::I64(value) => Val::I64(value),
        wasmelt::Val::F32(value) => Val::F32(value.to_float()),
        wasmelt::Val::F64(value) => Val::F64(value.to_float()),
        wasmelt::Val::V128(value) => Val::V128(value.as_u128()),
        wasmelt::Val::FuncRef(func) => Val::FuncRef(Option::from(func).map(Func)),
        wasmelt::Val::ExternRef(object) => Val::ExternRef(Option::from(object).map(ExternRef)),
    }
}

pub(crate) fn val_from_layer(val: &Val<Engine>) -> wasmelt::Val {
    match val {
        Val::I32(value) => wasmelt::Val::from(*value),
        Val::I64(value) => wasmelt::Val::from(*value),
        Val::F32(value) => wasmelt::Val::from(*value),
        Val::F64(value) => wasmelt::Val::from(*value),
        Val::V128(value) => wasmelt::Val::from(wasmelt::V128::from(*value)),
        Val::FuncRef(func) => wasmelt::Val::from(nullable_func(func.as_ref())),
        Val::ExternRef(object) => wasmelt::Val::from(nullable_object(object.as_ref())),
    }
}

pub(crate) fn ref_to_layer(reference: wasmelt::Ref) -> Ref<Engine> {
    match reference {
        wasmelt::Ref::Func(func) => Ref::FuncRef(Option::from(func).map(Func)),
        wasmelt::Ref::Extern(object) => Ref::ExternRef(Option::from(object).map(ExternRef)),
    }
}

pub(crate) fn ref_from_layer(reference: &Ref<Engine>) -> wasmelt::Ref {
    match reference {
        Ref::FuncRef(func) => wasmelt::Ref::from(nullable_func(func.as_ref())),
        Ref::ExternRef(object) => wasmelt::Ref::from(nullable_object(object.as_ref())),
    }
}

fn nullable_func(func: Option<&Func>) -> Nullable<wasmelt::Func> {
    func.map_or(Nullable::Null, |func| Nullable::Val(func.0))
}

fn nullable_object(object: Option<&ExternRef>) -> Nullable<wasmelt::ExternRef> {
    object.map_or(Nullable::Null, |object| Nullable::Val(object.0))
}

pub(crate) fn extern_to_layer(item: wasmelt::Extern) -> Extern<Engine> {
    match item {
        wasmelt::Extern::Global(global) => Extern::Global(Global(global)),
        wasmelt::Extern::Table(table) => Extern::Table(Table(table)),
        wasmelt::Extern::Memory(memory) => Extern::Memory(Memory(memory)),
        wasmelt::Extern::Func(func) => Extern::Func(Func(func)),
    }
}

pub(crate) fn extern_from_layer(item: &Extern<Engine>) -> wasmelt::Extern {
    match item {
        Extern::Global(global) => global.0.into(),
        Extern::Table(table) => table.0.into(),
        Extern::Memory(memory) => memory.0.into(),
        Extern::Func(func) => func.0.into(),
    }
}

pub(crate) fn val_type_to_layer(ty: wasmelt::ValType) -> ValType {
    match ty {
        wasmelt::ValType::I32 => ValType::I32,
        wasmelt::ValType::I64 => ValType::I64,
        wasmelt::ValType::F32 => ValType::F32,
        wasmelt::ValType::F64 => ValType::F64,
        wasmelt::ValType::V128 => ValType::V128,
        wasmelt::ValType::FuncRef => ValType::FuncRef,
        wasmelt::ValType::ExternRef => ValType::ExternRef,
    }
}

fn val_type_from_layer(ty: ValType) -> wasmelt::ValType {
    match ty {
        ValType::I32 => wasmelt::ValType::I32,
        ValType::I64 => wasmelt::ValType::I64,
        ValType::F32 => wasmelt::ValType::F32,
        ValType::F64 => wasmelt::ValType::F64,
        ValType::V128 => wasmelt::ValType::V128,
        ValType::FuncRef => wasmelt::ValType::FuncRef,
        ValType::ExternRef => wasmelt::ValType::ExternRef,
    }
}

pub(crate) fn func_type_to_layer(ty: &wasmelt::FuncType) -> FuncType {
    let to_layer = |ty: &wasmelt::ValType| val_type_to_layer(*ty);
    FuncType::new(
        ty.params().iter().map(to_layer),
        ty.results().iter().map(to_layer),
    )
}

pub(crate) fn func_type_from_layer(ty: &FuncType) -> wasmelt::FuncType {
    let from_layer = |ty: &ValType| val_type_from_layer(*ty);
    wasmelt::FuncType::new(
        ty.params().iter().map(from_layer),
        ty.results().iter().map(from_layer),
    )
}

pub(crate) fn global_type_to_layer(ty: wasmelt::GlobalType) -> GlobalType {
    GlobalType::new(val_type_to_layer(ty.content()), ty.mutability().is_mut())
}

pub(crate) fn mutability_from_layer(is_mutable: bool) -> Mutability {
    if is_mutable {
        Mutability::Var
    } else {
        Mutability::Const
    }
}

pub(crate) fn memory_type_to_layer(ty: wasmelt::MemoryType) -> MemoryType {
    MemoryType::new(size(ty.minimum()), ty.maximum().map(size))
}

/// The layer does not check the sizes of its memory types.
pub(crate) fn memory_type_from_layer(ty: MemoryType) -> Result<wasmelt::MemoryType, MemoryError> {
    let mut builder = wasmelt::MemoryType::builder();
    builder.min(ty.initial_pages().into());
    builder.max(ty.maximum_pages().map(u64::from));
    builder.build()
}

pub(crate) fn table_type_to_layer(ty: wasmelt::TableType) -> TableType {
    let element = match ty.element() {
        wasmelt::RefType::Func => RefType::FuncRef,
        wasmelt::RefType::Extern => RefType::ExternRef,
    };
    TableType::new(element, size(ty.minimum()), ty.maximum().map(size))
}

pub(crate) fn table_type_from_layer(ty: TableType) -> wasmelt::TableType {
    let element = match ty.element() {
        RefType::FuncRef => wasmelt::RefType::Func,
        RefType::ExternRef => wasmelt::RefType::Extern,
    };
    // The layer has compared the sizes.
    wasmelt::TableType::new(element, ty.minimum(), ty.maximum())
}

pub(crate) fn extern_type_to_layer(ty: &wasmelt::ExternType) -> ExternType {
    match ty {
        wasmelt::ExternType::Global(ty) => global_type_to_layer(*ty).into(),
        wasmelt::ExternType::Table(ty) => table_type_to_layer(*ty).into(),
        wasmelt::ExternType::Memory(ty) => memory_type_to_layer(*ty).into(),
        wasmelt::ExternType::Func(ty) => func_type_to_layer(ty).into(),
    }
}

/// A size in pages or elements.
pub(crate) fn size(size: u64) -> u32 {
    u32::try_from(size).expect("WebAssembly 1.0 counts pages and elements with 32 bits")
}
