//! The layer's traits of stores and of borrows of them.

use ref_cast::RefCast;
use wasm_runtime_layer::backend::{
    AsContext, AsContextMut, WasmStore, WasmStoreContext, WasmStoreContextMut,
};

use crate::{Engine, Store, StoreContext, StoreContextMut};

impl<T: 'static> WasmStore<T, Engine> for Store<T> {
    fn new(engine: &Engine, data: T) -> Self {
        Self(wasmelt::Store::new(engine, data))
    }

    fn engine(&self) -> &Engine {
        Engine::ref_cast(self.0.engine())
    }

    fn data(&self) -> &T {
        self.0.data()
    }

    fn data_mut(&mut self) -> &mut T {
        self.0.data_mut()
    }

    fn into_data(self) -> T {
        self.0.into_data()
    }
}

/// Declares who can be borrowed as a store, which is the same for the three that have one.
macro_rules! contexts {
    ($( $name:ty; )*) => {
        $(
            impl<T: 'static> AsContext<Engine> for $name {
                type UserState = T;

                fn as_context(&self) -> StoreContext<'_, T> {
                    StoreContext(wasmelt::AsContext::as_context(&self.0))
                }
            }
        )*
    };
}

contexts! {
    Store<T>;
    StoreContext<'_, T>;
    StoreContextMut<'_, T>;
}

impl<T: 'static> AsContextMut<Engine> for Store<T> {
    fn as_context_mut(&mut self) -> StoreContextMut<'_, T> {
        StoreContextMut(wasmelt::AsContextMut::as_context_mut(&mut self.0))
    }
}

impl<T: 'static> AsContextMut<Engine> for StoreContextMut<'_, T> {
    fn as_context_mut(&mut self) -> StoreContextMut<'_, T> {
        StoreContextMut(wasmelt::AsContextMut::as_context_mut(&mut self.0))
    }
}

impl<'a, T: 'static> WasmStoreContext<'a, T, Engine> for StoreContext<'a, T> {
    fn engine(&self) -> &Engine {
        Engine::ref_cast(self.0.engine())
    }

    fn data(&self) -> &T {
        self.0.data()
    }
}

impl<'a, T: 'static> WasmStoreContext<'a, T, Engine> for StoreContextMut<'a, T> {
    fn engine(&self) -> &Engine {
        Engine::ref_cast(self.0.engine())
    }

    fn data(&self) -> &T {
        self.0.data()
    }
}

impl<'a, T: 'static> WasmStoreContextMut<'a, T, Engine> for StoreContextMut<'a, T> {
    fn data_mut(&mut self) -> &mut T {
        self.0.data_mut()
    }
}
