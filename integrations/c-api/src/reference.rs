//! References: what C holds of things in a store, and of modules, traps and foreign objects. All are one Rust type, so
//! that C's casts keep the pointer, and a pointer of the wrong type is refused.
#![allow(unsafe_code, reason = "exports functions by unmangled names")]

use crate::engine::lock;
use crate::failure::Failure;
use crate::host_info::{Finalizer, HostInfo};
use crate::live::Counted;
use crate::object::Object;
use crate::signature::{CValue, Shape, opaque};
use crate::store::StoreState;
use crate::vec::declare_vec;
use std::ffi::c_void;
use std::mem;
use std::ptr::NonNull;
use std::sync::Arc;
use wasmelt::{Extern, Func, Global, Instance, Memory, Table};

/// `wasm_ref_t`, `wasm_extern_t`, `wasm_func_t`, `wasm_global_t`, `wasm_table_t`, `wasm_memory_t`, `wasm_instance_t`,
/// `wasm_module_t`, `wasm_trap_t`, `wasm_foreign_t`.
#[derive(Clone)]
pub(crate) struct Ref {
    object: Object,
    /// The store that has the object; `None` for one that stands by itself.
    store: Option<Arc<StoreState>>,
    _counted: Counted,
}

opaque!(Ref);

impl CValue for Option<Finalizer> {
    const SHAPE: Shape = Shape {
        size: size_of::<Self>(),
        pointee: None,
    };
}

impl Ref {
    /// A reference to something that no store has.
    pub(crate) fn free(object: Object) -> Box<Self> {
        Self::new(object, None)
    }

    pub(crate) fn in_store(object: Object, store: &Arc<StoreState>) -> Box<Self> {
        Self::new(object, Some(Arc::clone(store)))
    }

    fn new(object: Object, store: Option<Arc<StoreState>>) -> Box<Self> {
        Box::new(Self {
            _counted: Counted::new(object.kind()),
            object,
            store,
        })
    }

    pub(crate) fn of_extern(item: impl Into<Extern>, store: &Arc<StoreState>) -> Box<Self> {
        Self::in_store(Object::Extern(item.into()), store)
    }

    pub(crate) fn object(&self) -> &Object {
        &self.object
    }

    pub(crate) fn store(&self) -> Option<&Arc<StoreState>> {
        self.store.as_ref()
    }

    /// Whether something in `store`, or what no store has, is meant.
    pub(crate) fn fits(&self, store: &Arc<StoreState>) -> bool {
        self.store
            .as_ref()
            .is_none_or(|own| Arc::ptr_eq(own, store))
    }

    fn check_fits(&self, store: &Arc<StoreState>) -> Result<(), Failure> {
        if self.fits(store) {
            return Ok(());
        }
        Err(Failure::usage("an object of another store was given"))
    }

    /// The extern, if it is one of this store.
    pub(crate) fn extern_in(&self, store: &Arc<StoreState>) -> Result<Extern, Failure> {
        self.check_fits(store)?;
        match self.object {
            Object::Extern(item) => Ok(item),
            _ => Err(Failure::usage("the reference is to no extern")),
        }
    }

    /// Uses what the host attached to the object.
    fn with_host_info<R>(&self, work: impl FnOnce(&mut HostInfo) -> R) -> Result<R, Failure> {
        if let Some(own) = self.object.host_info() {
            return Ok(work(&mut lock(own)));
        }
        let store = self.store.as_ref();
        let store = store.ok_or_else(|| Failure::bug("a store's object without its store"))?;
        store.with(|mut ctx| {
            let infos = &mut ctx.data_mut().host_infos;
            Ok(work(infos.entry(self.object.identity()).or_default()))
        })
    }
}

/// A kind of extern and its store.
macro_rules! parts {
    ($($name:ident: $variant:ident, $text:literal;)*) => { $(
        /// What the reference is to, and the store that has it.
        pub(crate) fn $name(reference: Option<&Ref>) -> Result<($variant, &Arc<StoreState>), Failure> {
            let reference = reference.ok_or_else(|| Failure::null($text))?;
            match (&reference.object, &reference.store) {
                (Object::Extern(Extern::$variant(item)), Some(store)) => Ok((*item, store)),
                _ => Err(Failure::usage(concat!("the reference is to no ", $text))),
            }
        }
    )* };
}

parts! {
    func: Func, "func";
    global: Global, "global";
    table: Table, "table";
    memory: Memory, "memory";
}

/// As the functions above.
pub(crate) fn instance(reference: Option<&Ref>) -> Result<(Instance, &Arc<StoreState>), Failure> {
    let reference = reference.ok_or_else(|| Failure::null("instance"))?;
    match (&reference.object, &reference.store) {
        (Object::Instance(instance), Some(store)) => Ok((*instance, store)),
        _ => Err(Failure::usage("the reference is to no instance")),
    }
}

fn given(reference: Option<&Ref>) -> Result<&Ref, Failure> {
    reference.ok_or_else(|| Failure::null("reference"))
}

fn host_info(reference: Option<&Ref>) -> Result<Option<NonNull<c_void>>, Failure> {
    given(reference)?.with_host_info(|info| NonNull::new(info.data()))
}

/// Attaches something. What was attached before is finalized, or, if this is refused, what would have been attached.
fn set_host_info(reference: Option<&Ref>, mut info: HostInfo) -> Result<(), Failure> {
    let result = given(reference)
        .and_then(|reference| reference.with_host_info(|place| mem::swap(place, &mut info)));
    // The finalizer may ask for host infos, and let go of the reference.
    drop(info);
    result
}

/// What the standard declares for every kind of reference.
macro_rules! declare_ref_base {
    ($($module:ident: $name:literal;)*) => { $(
        pub(crate) mod $module {
            use super::*;
            use crate::export::export_as;

            export_as! { EXPORTS;
                fn delete as (concat!("wasm_", $name, "_delete")) (reference: Option<Box<Ref>>) {
                    drop(reference);
                    Ok(())
                }

                fn copy as (concat!("wasm_", $name, "_copy")) (reference: Option<&Ref>)
                    -> Option<Box<Ref>>
                {
                    Ok(Some(Box::new(given(reference)?.clone())))
                }

                fn same as (concat!("wasm_", $name, "_same")) (one: Option<&Ref>, other: Option<&Ref>)
                    -> bool
                {
                    Ok(match (one, other) {
                        (Some(one), Some(other)) => one.object.identity() == other.object.identity(),
                        (None, None) => true,
                        _ => false,
                    })
                }

                fn get_host_info as (concat!("wasm_", $name, "_get_host_info"))
                    (reference: Option<&Ref>) -> Option<NonNull<c_void>>
                {
                    host_info(reference)
                }

                fn set_host_info as (concat!("wasm_", $name, "_set_host_info"))
                    (reference: Option<&Ref>, info: *mut c_void)
                {
                    super::set_host_info(reference, HostInfo::new(info, None))
                }

                fn set_host_info_with_finalizer
                    as (concat!("wasm_", $name, "_set_host_info_with_finalizer"))
                    (reference: Option<&Ref>, info: *mut c_void, finalizer: Option<Finalizer>)
                {
                    super::set_host_info(reference, HostInfo::new(info, finalizer))
                }
            }
        }
    )* };
}

/// The casts between `wasm_ref_t`, or `wasm_extern_t`, and other kinds; those back are null for another kind.
macro_rules! declare_casts {
    ($general:literal; $($module:ident: $pattern:pat => $name:literal;)*) => { $(
        pub(crate) mod $module {
            use super::*;
            use crate::export::export_as;

            fn downcast(reference: Option<&Ref>) -> Result<Option<&Ref>, Failure> {
                Ok(reference.filter(|reference| matches!(reference.object, $pattern)))
            }

            export_as! { EXPORTS;
                fn up as (concat!("wasm_", $name, "_as_", $general)) (reference: Option<&Ref>)
                    -> Option<&Ref> { Ok(reference) }
                fn up_const as (concat!("wasm_", $name, "_as_", $general, "_const"))
                    (reference: Option<&Ref>) -> Option<&Ref> { Ok(reference) }
                fn down as (concat!("wasm_", $general, "_as_", $name)) (reference: Option<&Ref>)
                    -> Option<&Ref> { downcast(reference) }
                fn down_const as (concat!("wasm_", $general, "_as_", $name, "_const"))
                    (reference: Option<&Ref>) -> Option<&Ref> { downcast(reference) }
            }
        }
    )* };
}

declare_ref_base! {
    any_base: "ref";
    trap_base: "trap";
    foreign_base: "foreign";
    module_base: "module";
    func_base: "func";
    global_base: "global";
    table_base: "table";
    memory_base: "memory";
    extern_base: "extern";
    instance_base: "instance";
}

declare_casts! { "ref";
    trap_casts: Object::Trap(_) => "trap";
    foreign_casts: Object::Foreign(_) => "foreign";
    module_casts: Object::Module(_) => "module";
    func_casts: Object::Extern(Extern::Func(_)) => "func";
    global_casts: Object::Extern(Extern::Global(_)) => "global";
    table_casts: Object::Extern(Extern::Table(_)) => "table";
    memory_casts: Object::Extern(Extern::Memory(_)) => "memory";
    extern_casts: Object::Extern(_) => "extern";
    instance_casts: Object::Instance(_) => "instance";
}

declare_casts! { "extern";
    extern_func_casts: Object::Extern(Extern::Func(_)) => "func";
    extern_global_casts: Object::Extern(Extern::Global(_)) => "global";
    extern_table_casts: Object::Extern(Extern::Table(_)) => "table";
    extern_memory_casts: Object::Extern(Extern::Memory(_)) => "memory";
}

declare_vec!(extern_vec, "extern", Option<Box<Ref>>);
