//! Externs: what imports and exports have in common.
#![allow(unsafe_code, reason = "exports functions by unmangled names")]

use crate::export::export;
use crate::failure::Failure;
use crate::object::Object;
use crate::reference::Ref;
use crate::types::ExternType;
use crate::types::extern_type::kind;
use wasmelt::Extern;

export! { EXPORTS;
    fn wasm_extern_kind(reference: Option<&Ref>) -> u8 {
        match reference.ok_or_else(|| Failure::null("extern"))?.object() {
            Object::Extern(Extern::Func(_)) => Ok(kind::FUNC),
            Object::Extern(Extern::Global(_)) => Ok(kind::GLOBAL),
            Object::Extern(Extern::Table(_)) => Ok(kind::TABLE),
            Object::Extern(Extern::Memory(_)) => Ok(kind::MEMORY),
            _ => Err(Failure::usage("the reference is to no extern")),
        }
    }

    fn wasm_extern_type(reference: Option<&Ref>) -> Option<Box<ExternType>> {
        let reference = reference.ok_or_else(|| Failure::null("extern"))?;
        let state = reference.store().ok_or_else(|| Failure::usage("the reference is to no extern"))?;
        let item = reference.extern_in(state)?;
        let ty = state.with(|ctx| Ok(item.ty(ctx)))?;
        Ok(Some(ExternType::of(&ty)?))
    }
}
