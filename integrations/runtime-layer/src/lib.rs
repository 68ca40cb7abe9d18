//! Runs what is written for `wasm_runtime_layer` on wasmelt.
//!
//! The layer gives a host one interface to several engines. This is its backend for wasmelt: each
//! type wraps the one of the same name in [`wasmelt`], and can be made of it and turned back.
//!
//! # Example
//!
//! ```
//! use wasm_runtime_layer::{Engine, Imports, Instance, Module, Store, Val};
//!
//! // The only line that names an engine. `Engine::from(wasmelt::Engine::new(&config))` is one with options.
//! let engine = Engine::new(wasmelt_runtime_layer::Engine::default());
//!
//! let wasm = wat::parse_str(r#"
//!     (module
//!         (func (export "double") (param i32) (result i32)
//!             local.get 0
//!             local.get 0
//!             i32.add))
//! "#)?;
//! let mut store = Store::new(&engine, ());
//! let module = Module::new(&engine, &wasm)?;
//! let instance = Instance::new(&mut store, &module, &Imports::default())?;
//! let double = instance.get_export(&store, "double").unwrap().into_func().unwrap();
//! let mut results = [Val::I32(0)];
//! double.call(&mut store, &[Val::I32(21)], &mut results)?;
//! assert_eq!(results[0], Val::I32(42));
//! # Ok::<(), anyhow::Error>(())
//! ```
//!
//! # What wasmelt lacks
//!
//! The layer knows vectors, references as values, and several results; modules for wasmelt do not.
//! A module that uses them is refused by [`wasmelt::errors::CompileError`], which names the
//! proposal. The host may have them among its own: a global of the host holds any value, and a host
//! function that the host calls has any type. Given to a module, or put into a table of another
//! type, they are refused like any extern that does not fit. Functions have at most 1000 parameters
//! and 1000 results; to create one with more panics, since the layer leaves no room for an error.
//!
//! # Errors
//!
//! The layer's errors are [`anyhow::Error`]s. Those of this backend are [`wasmelt::Error`]s, with
//! trap code and backtrace, and [`OtherType`] for host objects. What a host function returns comes back as it was, so that
//! `downcast_ref` finds its type, inside a [`GuestContext`] when it has passed through a guest.
//!
//! # More than the layer has
//!
//! The field `inner` of the layer's `StoreContextMut` is a [`StoreContextMut`], which has the methods
//! of wasmelt's, such as `set_fuel`. [`Config::cache`](wasmelt::Config), where the engine has it, is
//! used by the layer's `Module::new`, so that a module is compiled once.

#![forbid(unsafe_code)]

mod convert;
mod error;
mod externs;
mod func;
mod instance;
mod module;
mod store;

use ref_cast::RefCast;
use wasm_runtime_layer::backend::WasmEngine;

pub use crate::error::{GuestContext, OtherType};

/// Declares a type around the one of the same name in wasmelt, with conversions both ways.
macro_rules! wrapper {
    ($(#[$attribute:meta])* $name:ident $(<$($life:lifetime,)? $data:ident>)?) => {
        $(#[$attribute])*
        #[repr(transparent)]
        pub struct $name $(<$($life,)? $data: 'static>)? (
            pub(crate) wasmelt::$name $(<$($life,)? $data>)?
        );

        impl $(<$($life,)? $data>)? From<wasmelt::$name $(<$($life,)? $data>)?>
            for $name $(<$($life,)? $data>)?
        {
            fn from(inner: wasmelt::$name $(<$($life,)? $data>)?) -> Self {
                Self(inner)
            }
        }

        impl $(<$($life,)? $data>)? From<$name $(<$($life,)? $data>)?>
            for wasmelt::$name $(<$($life,)? $data>)?
        {
            fn from(wrapper: $name $(<$($life,)? $data>)?) -> Self {
                wrapper.0
            }
        }

        impl $(<$($life,)? $data>)? core::ops::Deref for $name $(<$($life,)? $data>)? {
            type Target = wasmelt::$name $(<$($life,)? $data>)?;

            fn deref(&self) -> &Self::Target {
                &self.0
            }
        }

        impl $(<$($life,)? $data>)? core::ops::DerefMut for $name $(<$($life,)? $data>)? {
            fn deref_mut(&mut self) -> &mut Self::Target {
                &mut self.0
            }
        }
    };
}

wrapper! {
    /// An engine; see [`wasmelt::Engine`].
    #[derive(Debug, Clone, Default, RefCast)]
    Engine
}
wrapper! {
    /// A handle of a host object in a store; see [`wasmelt::ExternRef`].
    #[derive(Debug, Clone)]
    ExternRef
}
wrapper! {
    /// A handle of a function in a store; see [`wasmelt::Func`].
    #[derive(Debug, Clone)]
    Func
}
wrapper! {
    /// A handle of a global in a store; see [`wasmelt::Global`].
    #[derive(Debug, Clone)]
    Global
}
wrapper! {
    /// A handle of an instance in a store; see [`wasmelt::Instance`].
    #[derive(Debug, Clone)]
    Instance
}
wrapper! {
    /// A handle of a linear memory in a store; see [`wasmelt::Memory`].
    #[derive(Debug, Clone)]
    Memory
}
wrapper! {
    /// A module; see [`wasmelt::Module`].
    #[derive(Debug, Clone)]
    Module
}
wrapper! {
    /// A store with its host's data; see [`wasmelt::Store`].
    #[derive(Debug)]
    Store<T>
}
wrapper! {
    /// A shared borrow of a store; see [`wasmelt::StoreContext`].
    #[derive(Debug)]
    StoreContext<'a, T>
}
wrapper! {
    /// An exclusive borrow of a store; see [`wasmelt::StoreContextMut`].
    #[derive(Debug)]
    StoreContextMut<'a, T>
}
wrapper! {
    /// A handle of a table in a store; see [`wasmelt::Table`].
    #[derive(Debug, Clone)]
    Table
}

impl WasmEngine for Engine {
    type ExternRef = ExternRef;
    type Func = Func;
    type Global = Global;
    type Instance = Instance;
    type Memory = Memory;
    type Module = Module;
    type Store<T: 'static> = Store<T>;
    type StoreContext<'a, T: 'static> = StoreContext<'a, T>;
    type StoreContextMut<'a, T: 'static> = StoreContextMut<'a, T>;
    type Table = Table;
}
