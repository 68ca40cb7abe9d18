//! Handles of globals.

use crate::{
    errors::GlobalError,
    store::{AsContext, AsContextMut, Owned},
    types::{GlobalType, Mutability},
    value::Val,
    vm::GlobalIndex,
};

/// A handle of a global in a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Global(pub(crate) Owned<GlobalIndex>);

impl Global {
    /// Creates a global.
    ///
    /// # Panics
    ///
    /// If the store does not own the global or a reference; so for all methods.
    pub fn new(mut ctx: impl AsContextMut, value: Val, mutability: Mutability) -> Self {
        ctx.as_context_mut()
            .store
            .inner
            .create_global(value, mutability)
    }

    /// Its type.
    pub fn ty(&self, ctx: impl AsContext) -> GlobalType {
        ctx.as_context().store.inner.global_type(*self)
    }

    /// Sets its value.
    ///
    /// # Errors
    ///
    /// If it is immutable, or the value has another type.
    pub fn set(&self, mut ctx: impl AsContextMut, new_value: Val) -> Result<(), GlobalError> {
        ctx.as_context_mut()
            .store
            .inner
            .set_global(*self, new_value)
    }

    /// Its value.
    pub fn get(&self, ctx: impl AsContext) -> Val {
        ctx.as_context().store.inner.global_value(*self)
    }
}
