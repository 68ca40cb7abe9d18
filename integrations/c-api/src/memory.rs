//! Memories: made by the host, accessed and grown.
#![allow(unsafe_code, reason = "exports functions by unmangled names")]

use crate::export::export;
use crate::failure::Failure;
use crate::reference::{self, Ref};
use crate::store::{self, StoreObject};
use crate::types::ExternType;
use std::ptr::NonNull;
use wasmelt::Memory;

export! { EXPORTS;
    fn wasm_memory_new(store: Option<&StoreObject>, ty: Option<&ExternType>) -> Option<Box<Ref>> {
        let state = store::given(store)?;
        let ty = ty.ok_or_else(|| Failure::null("memorytype"))?.to_memory()?;
        let memory = state.with(|ctx| Ok(Memory::new(ctx, ty)?))?;
        Ok(Some(Ref::of_extern(memory, state)))
    }

    fn wasm_memory_type(memory: Option<&Ref>) -> Option<Box<ExternType>> {
        let (memory, state) = reference::memory(memory)?;
        let ty = state.with(|ctx| Ok(memory.ty(ctx)))?;
        Ok(Some(ExternType::of(&ty.into())?))
    }

    fn wasm_memory_data(memory: Option<&Ref>) -> Option<NonNull<u8>> {
        let (memory, state) = reference::memory(memory)?;
        state.with(|ctx| Ok(NonNull::new(memory.data_ptr(ctx))))
    }

    fn wasm_memory_data_size(memory: Option<&Ref>) -> usize {
        let (memory, state) = reference::memory(memory)?;
        state.with(|ctx| Ok(memory.data_size(ctx)))
    }

    fn wasm_memory_size(memory: Option<&Ref>) -> u32 {
        let (memory, state) = reference::memory(memory)?;
        let pages = state.with(|ctx| Ok(memory.size(ctx)))?;
        Ok(u32::try_from(pages).unwrap_or(u32::MAX))
    }

    fn wasm_memory_grow(memory: Option<&Ref>, delta: u32) -> bool {
        let (memory, state) = reference::memory(memory)?;
        state.with(|ctx| memory.grow(ctx, u64::from(delta)).map_err(Failure::of))?;
        Ok(true)
    }
}
