//! Tables: made by the host, read, set and grown.
#![allow(unsafe_code, reason = "exports functions by unmangled names")]

use crate::export::export;
use crate::failure::Failure;
use crate::reference::{self, Ref as Reference};
use crate::store::{self, StoreObject, StoreState};
use crate::types::ExternType;
use crate::val::func_ref;
use std::sync::Arc;
use wasmelt::{Nullable, Ref, Table};

/// An element, as a table takes it.
fn element(reference: Option<&Reference>, state: &Arc<StoreState>) -> Result<Ref, Failure> {
    Ok(func_ref(reference, state)?.into())
}

export! { EXPORTS;
    fn wasm_table_new(
        store: Option<&StoreObject>,
        ty: Option<&ExternType>,
        init: Option<&Reference>,
    ) -> Option<Box<Reference>> {
        let state = store::given(store)?;
        let ty = ty.ok_or_else(|| Failure::null("tabletype"))?.to_table()?;
        let init = element(init, state)?;
        let table = state.with(|ctx| Ok(Table::new(ctx, ty, init)?))?;
        Ok(Some(Reference::of_extern(table, state)))
    }

    fn wasm_table_type(table: Option<&Reference>) -> Option<Box<ExternType>> {
        let (table, state) = reference::table(table)?;
        let ty = state.with(|ctx| Ok(table.ty(ctx)))?;
        Ok(Some(ExternType::of(&ty.into())?))
    }

    fn wasm_table_get(table: Option<&Reference>, index: u32) -> Option<Box<Reference>> {
        let (table, state) = reference::table(table)?;
        let found = state.with(|ctx| Ok(table.get(ctx, u64::from(index))))?;
        match found {
            Some(Ref::Func(Nullable::Val(func))) => Ok(Some(Reference::of_extern(func, state))),
            Some(_) => Ok(None),
            None => Err(Failure::usage(format!("the table has no element {index}"))),
        }
    }

    fn wasm_table_set(table: Option<&Reference>, index: u32, reference: Option<&Reference>) -> bool {
        let (table, state) = reference::table(table)?;
        let value = element(reference, state)?;
        state.with(|ctx| table.set(ctx, u64::from(index), value).map_err(Failure::of))?;
        Ok(true)
    }

    fn wasm_table_size(table: Option<&Reference>) -> u32 {
        let (table, state) = reference::table(table)?;
        let size = state.with(|ctx| Ok(table.size(ctx)))?;
        Ok(u32::try_from(size).unwrap_or(u32::MAX))
    }

    fn wasm_table_grow(table: Option<&Reference>, delta: u32, init: Option<&Reference>) -> bool {
        let (table, state) = reference::table(table)?;
        let init = element(init, state)?;
        state.with(|ctx| table.grow(ctx, u64::from(delta), init).map_err(Failure::of))?;
        Ok(true)
    }
}
