//! Handles of tables.

use crate::{
    error::Error,
    errors::TableError,
    reference::Ref,
    store::{AsContext, AsContextMut, Owned},
    types::TableType,
};

/// A handle of a table in a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Table(pub(crate) Owned<u32>);

impl Table {
    /// Creates a table of functions, each element `init`.
    ///
    /// # Errors
    ///
    /// If the limiter refuses, the host has no memory left, or the elements are not functions.
    ///
    /// # Panics
    ///
    /// If the store does not own the table or a reference; so for all methods.
    pub fn new(mut ctx: impl AsContextMut, ty: TableType, init: Ref) -> Result<Self, Error> {
        let (store, limiter) = ctx.as_context_mut().store.with_limiter();
        Ok(store.create_table(ty, init, limiter)?)
    }

    /// Its type, as declared.
    pub fn ty(&self, ctx: impl AsContext) -> TableType {
        ctx.as_context().store.inner.table(*self).ty()
    }

    /// Number of elements.
    pub fn size(&self, ctx: impl AsContext) -> u64 {
        ctx.as_context().store.inner.table(*self).size()
    }

    /// Appends `delta` elements, each `init`, and returns the size before.
    ///
    /// # Errors
    ///
    /// If that is beyond its maximum, the limiter refuses, the host has no memory left, or the
    /// element is not a function.
    pub fn grow(
        &self,
        mut ctx: impl AsContextMut,
        delta: u64,
        init: Ref,
    ) -> Result<u64, TableError> {
        let (store, limiter) = ctx.as_context_mut().store.with_limiter();
        let init = store.to_table_element(init)?;
        store.table_mut(*self).grow(delta, &init, limiter)
    }

    /// The element at an index, if there are so many.
    pub fn get(&self, ctx: impl AsContext, index: u64) -> Option<Ref> {
        ctx.as_context().store.inner.table_element(*self, index)
    }

    /// Replaces the element at an index.
    ///
    /// # Errors
    ///
    /// If there are not so many, or the element is not a function.
    pub fn set(
        &self,
        mut ctx: impl AsContextMut,
        index: u64,
        value: Ref,
    ) -> Result<(), TableError> {
        let store = &mut ctx.as_context_mut().store.inner;
        let value = store.to_table_element(value)?;
        store
            .table_mut(*self)
            .fill(index, &value, 1)
            .map_err(|_| TableError::SetOutOfBounds)
    }

    /// Copies elements from one table to another, or within one, as if all were read first.
    ///
    /// # Errors
    ///
    /// If a range reaches outside its table; then nothing is copied.
    pub fn copy(
        mut store: impl AsContextMut,
        dst_table: &Table,
        dst_index: u64,
        src_table: &Table,
        src_index: u64,
        len: u64,
    ) -> Result<(), TableError> {
        let store = &mut store.as_context_mut().store.inner;
        let elements = store
            .table(*src_table)
            .copy_out(src_index, len)
            .ok_or(TableError::CopyOutOfBounds)?;
        store
            .table_mut(*dst_table)
            .copy_in(dst_index, &elements)
            .ok_or(TableError::CopyOutOfBounds)
    }

    /// Replaces `len` elements from `dst` on.
    ///
    /// # Errors
    ///
    /// If there are not so many, or the element is not a function; then nothing is replaced.
    pub fn fill(
        &self,
        mut ctx: impl AsContextMut,
        dst: u64,
        val: Ref,
        len: u64,
    ) -> Result<(), TableError> {
        let store = &mut ctx.as_context_mut().store.inner;
        let val = store.to_table_element(val)?;
        store.table_mut(*self).fill(dst, &val, len)
    }
}
