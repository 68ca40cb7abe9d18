//! Owns instances and everything that they share, and lends it out.

use crate::{
    deadline::Deadline,
    engine::Engine,
    error::Error,
    errors::{ConfigError, FuelError},
    func::HostFuncDefinition,
    limits::ResourceLimiter,
    reference::ExternRef,
    vm::{self, InterruptHandle},
};
use core::{any::Any, fmt, time::Duration};
use std::sync::atomic::{AtomicU32, Ordering};

/// Tells stores apart, so that a handle of one is not used with another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct StoreId(u32);

impl StoreId {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let id = NEXT
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |id| id.checked_add(1))
            .expect("a process creates fewer than 2^32 stores");
        Self(id)
    }

    pub(crate) fn own<I>(self, index: I) -> Owned<I> {
        Owned { store: self, index }
    }
}

/// A place in a store, and the store it is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Owned<I> {
    store: StoreId,
    index: I,
}

impl<I: Copy> Owned<I> {
    /// The place.
    ///
    /// # Panics
    ///
    /// If it is in another store.
    #[inline]
    pub(crate) fn index(self, store: &StoreInner) -> I {
        assert!(
            self.store == store.id,
            "a handle was used with a store that does not own it"
        );
        self.index
    }
}

/// Told by [`Store::call_hook`] what happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallHook {
    /// The host calls the guest.
    CallingWasm,
    /// The guest returns to the host.
    ReturningFromWasm,
    /// The guest calls the host.
    CallingHost,
    /// The host returns to the guest.
    ReturningFromHost,
}

type Limiter<T> = Box<dyn (FnMut(&mut T) -> &mut dyn ResourceLimiter) + Send + Sync>;
type Hook<T> = Box<dyn FnMut(&mut T, CallHook) -> Result<(), Error> + Send + Sync>;

/// Owner of instances, and of the functions, memories, tables and globals that they share: the
/// unit of isolation. Everything in it lives until it is dropped.
pub struct Store<T> {
    pub(crate) inner: StoreInner,
    pub(crate) typed: TypedStore<T>,
}

/// What of a store does not depend on the host's data.
pub(crate) struct StoreInner {
    id: StoreId,
    engine: Engine,
    pub(crate) vm: vm::StoreVm,
    extern_objects: Vec<Box<dyn Any + Send + Sync>>,
}

/// What of a store depends on the host's data.
pub(crate) struct TypedStore<T> {
    data: Box<T>,
    /// In the order of [`vm::StoreVm`]'s host functions.
    pub(crate) host_funcs: Vec<HostFuncDefinition<T>>,
    limiter: Option<Limiter<T>>,
    call_hook: Option<Hook<T>>,
}

impl<T: Default> Default for Store<T> {
    fn default() -> Self {
        Self::new(&Engine::default(), T::default())
    }
}

impl<T> Store<T> {
    /// An empty store.
    pub fn new(engine: &Engine, data: T) -> Self {
        Self {
            inner: StoreInner {
                id: StoreId::new(),
                engine: engine.clone(),
                vm: vm::StoreVm::new::<T>(engine.config()),
                extern_objects: Vec::new(),
            },
            typed: TypedStore {
                data: Box::new(data),
                host_funcs: Vec::new(),
                limiter: None,
                call_hook: None,
            },
        }
    }

    /// The engine it belongs to.
    pub fn engine(&self) -> &Engine {
        &self.inner.engine
    }

    /// The host's data.
    pub fn data(&self) -> &T {
        &self.typed.data
    }

    /// The host's data.
    pub fn data_mut(&mut self) -> &mut T {
        &mut self.typed.data
    }

    /// Drops everything but the host's data.
    pub fn into_data(self) -> T {
        *self.typed.data
    }

    /// Installs a function that finds the limiter in the host's data.
    pub fn limiter(
        &mut self,
        limiter: impl (FnMut(&mut T) -> &mut dyn ResourceLimiter) + Send + Sync + 'static,
    ) {
        self.typed.limiter = Some(Box::new(limiter));
    }

    /// Installs a function that is called on every passage between host and guest. Its error
    /// ends the call.
    pub fn call_hook(
        &mut self,
        hook: impl FnMut(&mut T, CallHook) -> Result<(), Error> + Send + Sync + 'static,
    ) {
        self.typed.call_hook = Some(Box::new(hook));
    }

    /// Fuel left.
    ///
    /// # Errors
    ///
    /// If the engine does not meter fuel.
    pub fn get_fuel(&self) -> Result<u64, Error> {
        self.check_metered()?;
        Ok(self.inner.vm.fuel())
    }

    /// Sets the fuel.
    ///
    /// # Errors
    ///
    /// If the engine does not meter fuel.
    pub fn set_fuel(&mut self, fuel: u64) -> Result<(), Error> {
        self.check_metered()?;
        self.inner.vm.set_fuel(fuel);
        Ok(())
    }

    fn check_metered(&self) -> Result<(), FuelError> {
        if self.engine().config().codegen().fuel {
            Ok(())
        } else {
            Err(FuelError::FuelMeteringDisabled)
        }
    }

    /// Stops this store's guest from another thread.
    ///
    /// # Errors
    ///
    /// If the engine has no [`Config::interruption`](crate::Config::interruption).
    pub fn interrupt_handle(&self) -> Result<InterruptHandle, Error> {
        let handle = self.inner.vm.interrupt_handle().cloned();
        handle.ok_or_else(|| {
            ConfigError::NotEnabled {
                option: "interruption(true)",
            }
            .into()
        })
    }

    /// Stops this store's guest from so much time on, until the deadline is dropped.
    ///
    /// The first deadline of a process starts a thread, which all others share.
    ///
    /// # Errors
    ///
    /// If the engine has no [`Config::interruption`](crate::Config::interruption), or the system gives
    /// no thread.
    pub fn deadline(&self, after: Duration) -> Result<Deadline, Error> {
        Deadline::new(&self.interrupt_handle()?, after)
    }

    #[inline]
    pub(crate) fn run_call_hook(&mut self, hook: CallHook) -> Result<(), Error> {
        match &mut self.typed.call_hook {
            Some(run) => run(&mut self.typed.data, hook),
            None => Ok(()),
        }
    }

    /// The part without `T`, and the limiter.
    pub(crate) fn with_limiter(&mut self) -> (&mut StoreInner, Option<&mut dyn ResourceLimiter>) {
        let limiter = match &mut self.typed.limiter {
            Some(find) => Some(find(&mut self.typed.data)),
            None => None,
        };
        (&mut self.inner, limiter)
    }

    pub(crate) fn inner_and_data_mut(&mut self) -> (&mut StoreInner, &mut T) {
        (&mut self.inner, &mut self.typed.data)
    }
}

impl StoreInner {
    pub(crate) fn id(&self) -> StoreId {
        self.id
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    pub(crate) fn alloc_extern_object(&mut self, object: Box<dyn Any + Send + Sync>) -> ExternRef {
        let index = u32::try_from(self.extern_objects.len()).expect("fewer than 2^32 objects");
        self.extern_objects.push(object);
        ExternRef(self.id.own(index))
    }

    pub(crate) fn extern_object(&self, reference: ExternRef) -> &dyn Any {
        &*self.extern_objects[reference.0.index(self) as usize]
    }
}

impl<T: fmt::Debug> fmt::Debug for Store<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store")
            .field("id", &self.inner.id)
            .field("data", &self.typed.data)
            .finish_non_exhaustive()
    }
}

/// Read access to a store, or to something that has one.
pub trait AsContext {
    /// Type of the host's data.
    type Data;

    /// The store.
    fn as_context(&self) -> StoreContext<'_, Self::Data>;
}

/// Write access to a store, or to something that has one.
pub trait AsContextMut: AsContext {
    /// The store.
    fn as_context_mut(&mut self) -> StoreContextMut<'_, Self::Data>;
}

/// A shared borrow of a store.
#[derive(Debug)]
#[repr(transparent)]
pub struct StoreContext<'a, T> {
    pub(crate) store: &'a Store<T>,
}

impl<T> Clone for StoreContext<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for StoreContext<'_, T> {}

impl<T> StoreContext<'_, T> {
    /// The engine it belongs to.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        self.store.engine()
    }

    /// The host's data.
    #[must_use]
    pub fn data(&self) -> &T {
        self.store.data()
    }

    /// Fuel left.
    ///
    /// # Errors
    ///
    /// If the engine does not meter fuel.
    pub fn get_fuel(&self) -> Result<u64, Error> {
        self.store.get_fuel()
    }
}

/// An exclusive borrow of a store.
#[derive(Debug)]
#[repr(transparent)]
pub struct StoreContextMut<'a, T> {
    pub(crate) store: &'a mut Store<T>,
}

impl<T> StoreContextMut<'_, T> {
    /// The engine it belongs to.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        self.store.engine()
    }

    /// The host's data.
    #[must_use]
    pub fn data(&self) -> &T {
        self.store.data()
    }

    /// The host's data.
    pub fn data_mut(&mut self) -> &mut T {
        self.store.data_mut()
    }

    /// Fuel left.
    ///
    /// # Errors
    ///
    /// If the engine does not meter fuel.
    pub fn get_fuel(&self) -> Result<u64, Error> {
        self.store.get_fuel()
    }

    /// Sets the fuel.
    ///
    /// # Errors
    ///
    /// If the engine does not meter fuel.
    pub fn set_fuel(&mut self, fuel: u64) -> Result<(), Error> {
        self.store.set_fuel(fuel)
    }
}

impl<'a, C: AsContext> From<&'a C> for StoreContext<'a, C::Data> {
    fn from(ctx: &'a C) -> Self {
        ctx.as_context()
    }
}

impl<'a, C: AsContext> From<&'a mut C> for StoreContext<'a, C::Data> {
    fn from(ctx: &'a mut C) -> Self {
        C::as_context(ctx)
    }
}

impl<'a, C: AsContextMut> From<&'a mut C> for StoreContextMut<'a, C::Data> {
    fn from(ctx: &'a mut C) -> Self {
        ctx.as_context_mut()
    }
}

impl<C: AsContext> AsContext for &C {
    type Data = C::Data;

    #[inline]
    fn as_context(&self) -> StoreContext<'_, C::Data> {
        C::as_context(self)
    }
}

impl<C: AsContext> AsContext for &mut C {
    type Data = C::Data;

    #[inline]
    fn as_context(&self) -> StoreContext<'_, C::Data> {
        C::as_context(self)
    }
}

impl<C: AsContextMut> AsContextMut for &mut C {
    #[inline]
    fn as_context_mut(&mut self) -> StoreContextMut<'_, C::Data> {
        C::as_context_mut(self)
    }
}

impl<T> AsContext for StoreContext<'_, T> {
    type Data = T;

    #[inline]
    fn as_context(&self) -> StoreContext<'_, T> {
        *self
    }
}

impl<T> AsContext for StoreContextMut<'_, T> {
    type Data = T;

    #[inline]
    fn as_context(&self) -> StoreContext<'_, T> {
        StoreContext { store: self.store }
    }
}

impl<T> AsContextMut for StoreContextMut<'_, T> {
    #[inline]
    fn as_context_mut(&mut self) -> StoreContextMut<'_, T> {
        StoreContextMut { store: self.store }
    }
}

impl<T> AsContext for Store<T> {
    type Data = T;

    #[inline]
    fn as_context(&self) -> StoreContext<'_, T> {
        StoreContext { store: self }
    }
}

impl<T> AsContextMut for Store<T> {
    #[inline]
    fn as_context_mut(&mut self) -> StoreContextMut<'_, T> {
        StoreContextMut { store: self }
    }
}

#[cfg(test)]
mod tests {
    use super::Store;

    const fn is_send_and_sync<S: Send + Sync>() {}

    #[test]
    fn a_store_goes_between_threads() {
        const { is_send_and_sync::<Store<()>>() };
    }
}
