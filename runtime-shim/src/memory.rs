//! Handles of linear memories.

use crate::{
    error::Error,
    errors::MemoryError,
    store::{AsContext, AsContextMut, Owned, StoreContext, StoreContextMut},
    types::MemoryType,
};

/// A handle of a linear memory in a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Memory(pub(crate) Owned<u32>);

impl Memory {
    /// Creates a memory of zeros, with guard pages if the engine's modules rely on them.
    ///
    /// # Errors
    ///
    /// If the limiter refuses, or the host cannot provide it.
    pub fn new(mut ctx: impl AsContextMut, ty: MemoryType) -> Result<Self, Error> {
        let (store, limiter) = ctx.as_context_mut().store.with_limiter();
        store.create_memory(ty, limiter)
    }

    /// Creates a memory in a buffer, beyond which it cannot grow.
    ///
    /// It has no guard pages: a module that relies on them refuses it, and must be compiled with
    /// [`BoundsChecks::Explicit`](crate::BoundsChecks).
    ///
    /// # Errors
    ///
    /// If the limiter refuses, or the buffer is smaller than the initial size.
    pub fn new_static(
        mut ctx: impl AsContextMut,
        ty: MemoryType,
        buf: &'static mut [u8],
    ) -> Result<Self, Error> {
        let (store, limiter) = ctx.as_context_mut().store.with_limiter();
        store.create_static_memory(ty, buf, limiter)
    }

    /// Its type, as declared.
    ///
    /// # Panics
    ///
    /// If the store does not own it; so for all methods.
    pub fn ty(&self, ctx: impl AsContext) -> MemoryType {
        ctx.as_context().store.inner.memory(*self).ty()
    }

    /// Size in pages of 64 KiB.
    pub fn size(&self, ctx: impl AsContext) -> u64 {
        ctx.as_context().store.inner.memory(*self).size_pages()
    }

    /// Grows by a number of pages, and returns the size before.
    ///
    /// # Errors
    ///
    /// [`MemoryError::OutOfBoundsGrowth`], as in wasmi, if that is beyond its maximum, the limiter
    /// refuses, or the host has no memory left.
    pub fn grow(&self, mut ctx: impl AsContextMut, additional: u64) -> Result<u64, MemoryError> {
        let (store, limiter) = ctx.as_context_mut().store.with_limiter();
        let grown = store
            .memory_mut(*self)
            .grow(additional, limiter, &mut |_| Ok(()));
        grown.map_err(|_| MemoryError::OutOfBoundsGrowth)
    }

    /// Its content.
    pub fn data<'a, T: 'a>(&self, ctx: impl Into<StoreContext<'a, T>>) -> &'a [u8] {
        ctx.into().store.inner.memory(*self).data()
    }

    /// Its content.
    pub fn data_mut<'a, T: 'a>(&self, ctx: impl Into<StoreContextMut<'a, T>>) -> &'a mut [u8] {
        ctx.into().store.inner.memory_mut(*self).data_mut()
    }

    /// Its content, and the host's data.
    pub fn data_and_store_mut<'a, T: 'a>(
        &self,
        ctx: impl Into<StoreContextMut<'a, T>>,
    ) -> (&'a mut [u8], &'a mut T) {
        let (store, data) = ctx.into().store.inner_and_data_mut();
        (store.memory_mut(*self).data_mut(), data)
    }

    /// Its first byte. Without guard pages it moves when the memory grows.
    pub fn data_ptr(&self, ctx: impl AsContext) -> *mut u8 {
        ctx.as_context().store.inner.memory(*self).data_ptr()
    }

    /// Size in bytes.
    pub fn data_size(&self, ctx: impl AsContext) -> usize {
        ctx.as_context().store.inner.memory(*self).data().len()
    }

    /// Copies bytes out of it.
    ///
    /// # Errors
    ///
    /// If the range reaches outside it; then nothing is copied.
    pub fn read(
        &self,
        ctx: impl AsContext,
        offset: usize,
        buffer: &mut [u8],
    ) -> Result<(), MemoryError> {
        let store = ctx.as_context().store;
        let source = offset
            .checked_add(buffer.len())
            .and_then(|end| store.inner.memory(*self).data().get(offset..end))
            .ok_or(MemoryError::OutOfBoundsAccess)?;
        buffer.copy_from_slice(source);
        Ok(())
    }

    /// Copies bytes into it.
    ///
    /// # Errors
    ///
    /// If the range reaches outside it; then nothing is copied.
    pub fn write(
        &self,
        mut ctx: impl AsContextMut,
        offset: usize,
        buffer: &[u8],
    ) -> Result<(), MemoryError> {
        ctx.as_context_mut()
            .store
            .inner
            .memory_mut(*self)
            .write(offset, buffer)
    }
}
