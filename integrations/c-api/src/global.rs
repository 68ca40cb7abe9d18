//! Globals: made by the host, read and set.
#![allow(unsafe_code, reason = "exports functions by unmangled names")]

use crate::export::export;
use crate::failure::Failure;
use crate::reference::{self, Ref};
use crate::store::{self, StoreObject};
use crate::types::ExternType;
use crate::val::Val;
use crate::vec::{Out, emptied};
use wasmelt::Global;

export! { EXPORTS;
    fn wasm_global_new(store: Option<&StoreObject>, ty: Option<&ExternType>, val: Option<&Val>)
        -> Option<Box<Ref>>
    {
        let state = store::given(store)?;
        let ty = ty.ok_or_else(|| Failure::null("globaltype"))?.to_global()?;
        let val = val.ok_or_else(|| Failure::null("value"))?;
        let global = state.with(|mut ctx| {
            let val = val.to_wasmelt(state, &mut ctx)?;
            if val.ty() != ty.content() {
                return Err(Failure::usage("the value is not of the global's type"));
            }
            Ok(Global::new(ctx, val, ty.mutability()))
        })?;
        Ok(Some(Ref::of_extern(global, state)))
    }

    fn wasm_global_type(global: Option<&Ref>) -> Option<Box<ExternType>> {
        let (global, state) = reference::global(global)?;
        let ty = state.with(|ctx| Ok(global.ty(ctx)))?;
        Ok(Some(ExternType::of(&ty.into())?))
    }

    fn wasm_global_get(global: Option<&Ref>, out: Out<'_, Val>) {
        let out = emptied(out, "value")?;
        let (global, state) = reference::global(global)?;
        *out = state.with(|ctx| Val::of(&global.get(&ctx), state, &ctx))?;
        Ok(())
    }

    fn wasm_global_set(global: Option<&Ref>, val: Option<&Val>) {
        let (global, state) = reference::global(global)?;
        let val = val.ok_or_else(|| Failure::null("value"))?;
        state.with(|mut ctx| {
            let val = val.to_wasmelt(state, &mut ctx)?;
            global.set(ctx, val).map_err(Failure::of)
        })
    }
}
