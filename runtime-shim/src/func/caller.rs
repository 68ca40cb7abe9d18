//! What a host function sees of the guest that calls it.

use crate::{
    engine::Engine,
    error::Error,
    instance::{Extern, Instance},
    store::{AsContext, AsContextMut, StoreContext, StoreContextMut},
};
use core::fmt;

/// The store, and the instance that made the call.
pub struct Caller<'a, T> {
    ctx: StoreContextMut<'a, T>,
    instance: Option<Instance>,
}

impl<'a, T> Caller<'a, T> {
    pub(crate) fn new(ctx: StoreContextMut<'a, T>, instance: Option<Instance>) -> Self {
        Self { ctx, instance }
    }

    /// The instance whose code made the call; `None` if the host did.
    #[must_use]
    pub fn instance(&self) -> Option<Instance> {
        self.instance
    }

    /// What the calling instance exports under a name; `None` too if the host made the call.
    ///
    /// The calling instance is the one whose code made the call, also when it found the function
    /// in a table that other instances share.
    #[must_use]
    pub fn get_export(&self, name: &str) -> Option<Extern> {
        self.instance?.get_export(&self.ctx, name)
    }

    /// The host's data.
    #[must_use]
    pub fn data(&self) -> &T {
        self.ctx.store.data()
    }

    /// The host's data.
    pub fn data_mut(&mut self) -> &mut T {
        self.ctx.store.data_mut()
    }

    /// The engine of the store.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        self.ctx.store.engine()
    }

    /// Fuel left.
    ///
    /// # Errors
    ///
    /// If the engine does not meter fuel.
    pub fn get_fuel(&self) -> Result<u64, Error> {
        self.ctx.store.get_fuel()
    }

    /// Sets the fuel.
    ///
    /// # Errors
    ///
    /// If the engine does not meter fuel.
    pub fn set_fuel(&mut self, fuel: u64) -> Result<(), Error> {
        self.ctx.store.set_fuel(fuel)
    }
}

impl<T> AsContext for Caller<'_, T> {
    type Data = T;

    #[inline]
    fn as_context(&self) -> StoreContext<'_, T> {
        self.ctx.as_context()
    }
}

impl<T> AsContextMut for Caller<'_, T> {
    #[inline]
    fn as_context_mut(&mut self) -> StoreContextMut<'_, T> {
        self.ctx.as_context_mut()
    }
}

impl<'a, C: AsContextMut> From<&'a mut C> for Caller<'a, C::Data> {
    fn from(ctx: &'a mut C) -> Self {
        Self::new(ctx.as_context_mut(), None)
    }
}

impl<T> fmt::Debug for Caller<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caller")
            .field("instance", &self.instance)
            .finish_non_exhaustive()
    }
}
