//! Values as C has them.
#![allow(
    unsafe_code,
    reason = "C passes values as tagged unions, and finds functions by unmangled names"
)]

use crate::export::export;
use crate::failure::Failure;
use crate::object::Object;
use crate::reference::Ref;
use crate::signature::Pointee;
use crate::store::{HostData, StoreState};
use crate::types::val_type::kind;
use crate::vec::{CVec, Element, Out, declare_vec, emptied};
use std::mem;
use std::sync::Arc;
use wasmelt::{AsContextMut, Extern, ExternRef, F32, F64, Nullable, StoreContextMut, ValType};

/// `wasm_val_t`. The kind says which part of the union is meant; a reference is owned.
#[repr(C)]
pub(crate) struct Val {
    kind: u8,
    of: Union,
}

/// Floats are kept as bits, so that a NaN stays what it is.
#[repr(C)]
#[derive(Clone, Copy)]
union Union {
    i32: i32,
    i64: i64,
    f32: u32,
    f64: u64,
    reference: *mut Ref,
}

const _: () = assert!(size_of::<Val>() == 16 && align_of::<Val>() == 8);
const _: () = assert!(mem::offset_of!(Val, of) == 8);

impl Pointee for Val {
    const SIZE: usize = size_of::<Self>();
}

// SAFETY: it is the `i32` 0.
unsafe impl Element for Val {}

// SAFETY: the reference is a box, and references may go from thread to thread.
unsafe impl Send for Val {}
// SAFETY: as above.
unsafe impl Sync for Val {}

impl Default for Val {
    fn default() -> Self {
        Self {
            kind: kind::I32,
            of: Union { i64: 0 },
        }
    }
}

impl Clone for Val {
    fn clone(&self) -> Self {
        match self.reference() {
            None => Self {
                kind: self.kind,
                of: self.of,
            },
            Some(reference) => Self::of_reference(self.kind, reference.cloned().map(Box::new)),
        }
    }
}

impl Drop for Val {
    fn drop(&mut self) {
        if self.reference().flatten().is_some() {
            // SAFETY: the kind says that the part is this one; it is not null, and so a box that is ours.
            let reference = unsafe { Box::from_raw(self.of.reference) };
            self.of.reference = std::ptr::null_mut();
            drop(reference);
        }
    }
}

impl Val {
    fn new(kind: u8, set: impl FnOnce(&mut Union)) -> Self {
        // All bytes are written, so that none that C may look at is undefined.
        let mut of = Union { i64: 0 };
        set(&mut of);
        Self { kind, of }
    }

    fn of_reference(kind: u8, reference: Option<Box<Ref>>) -> Self {
        let reference = reference.map_or(std::ptr::null_mut(), Box::into_raw);
        Self::new(kind, |of| of.reference = reference)
    }

    /// The reference, which may be null, if the kind says that it is one.
    fn reference(&self) -> Option<Option<&Ref>> {
        match self.kind {
            // SAFETY: the kind says that the part is this one: null, or a box that is ours.
            kind::EXTERNREF | kind::FUNCREF => Some(unsafe { self.of.reference.as_ref() }),
            _ => None,
        }
    }

    /// The same for a store.
    pub(crate) fn to_wasmelt(
        &self,
        store: &Arc<StoreState>,
        ctx: &mut StoreContextMut<'_, HostData>,
    ) -> Result<wasmelt::Val, Failure> {
        // SAFETY: in each arm, the kind says which part was written.
        Ok(unsafe {
            match self.kind {
                kind::I32 => self.of.i32.into(),
                kind::I64 => self.of.i64.into(),
                kind::F32 => F32::from_bits(self.of.f32).into(),
                kind::F64 => F64::from_bits(self.of.f64).into(),
                kind::FUNCREF => func_ref(self.of.reference.as_ref(), store)?.into(),
                kind::EXTERNREF => extern_ref(self.of.reference.as_ref(), store, ctx)?.into(),
                kind => return Err(Failure::usage(format!("there is no kind of value {kind}"))),
            }
        })
    }

    /// The same for C, which owns it then.
    pub(crate) fn of(
        val: &wasmelt::Val,
        store: &Arc<StoreState>,
        ctx: &StoreContextMut<'_, HostData>,
    ) -> Result<Self, Failure> {
        Ok(match val {
            wasmelt::Val::I32(value) => Self::new(kind::I32, |of| of.i32 = *value),
            wasmelt::Val::I64(value) => Self::new(kind::I64, |of| of.i64 = *value),
            wasmelt::Val::F32(value) => Self::new(kind::F32, |of| of.f32 = value.to_bits()),
            wasmelt::Val::F64(value) => Self::new(kind::F64, |of| of.f64 = value.to_bits()),
            wasmelt::Val::FuncRef(value) => {
                let func = value.val().map(|func| Ref::of_extern(*func, store));
                Self::of_reference(kind::FUNCREF, func)
            }
            wasmelt::Val::ExternRef(value) => {
                let object = value.val().map(|object| host_object(*object, store, ctx));
                Self::of_reference(kind::EXTERNREF, object.transpose()?)
            }
            wasmelt::Val::V128(_) => return Err(Failure::bug("C has no vectors")),
        })
    }
}

/// A reference to a function, in a table or a value.
pub(crate) fn func_ref(
    reference: Option<&Ref>,
    store: &Arc<StoreState>,
) -> Result<Nullable<wasmelt::Func>, Failure> {
    let Some(reference) = reference else {
        return Ok(Nullable::Null);
    };
    match reference.extern_in(store)? {
        Extern::Func(func) => Ok(Nullable::Val(func)),
        _ => Err(Failure::usage("the reference is to no func")),
    }
}

/// A reference to anything, which the store keeps from now on.
fn extern_ref(
    reference: Option<&Ref>,
    store: &Arc<StoreState>,
    ctx: &mut StoreContextMut<'_, HostData>,
) -> Result<Nullable<ExternRef>, Failure> {
    let Some(reference) = reference else {
        return Ok(Nullable::Null);
    };
    if !reference.fits(store) {
        return Err(Failure::usage("an object of another store was given"));
    }
    let object = reference.object();
    let identity = object.identity();
    if let Some(known) = ctx.data().extern_refs.get(&identity) {
        return Ok(Nullable::Val(*known));
    }
    let kept = ExternRef::new(ctx.as_context_mut(), object.clone());
    ctx.data_mut().extern_refs.insert(identity, kept);
    Ok(Nullable::Val(kept))
}

/// A reference to what [`extern_ref`] kept.
fn host_object(
    kept: ExternRef,
    store: &Arc<StoreState>,
    ctx: &StoreContextMut<'_, HostData>,
) -> Result<Box<Ref>, Failure> {
    let object = kept.data(ctx).downcast_ref::<Object>();
    let object = object.ok_or_else(|| Failure::bug("a reference that C did not make"))?;
    Ok(match object {
        Object::Extern(_) | Object::Instance(_) => Ref::in_store(object.clone(), store),
        _ => Ref::free(object.clone()),
    })
}

/// Places for values, each zero or null until it is written.
pub(crate) fn zeros(types: &[ValType]) -> Vec<wasmelt::Val> {
    types
        .iter()
        .map(|ty| wasmelt::Val::default_for_ty(*ty))
        .collect()
}

pub(crate) type Vals = CVec<Val>;

declare_vec!(vec, "val", Val);

export! { EXPORTS;
    fn wasm_val_delete(val: Option<&mut Val>) {
        drop(val.map(mem::take));
        Ok(())
    }

    fn wasm_val_copy(out: Out<'_, Val>, val: Option<&Val>) {
        let out = emptied(out, "value")?;
        *out = val.ok_or_else(|| Failure::null("value"))?.clone();
        Ok(())
    }
}
