//! References to functions and host objects.

use crate::{
    func::Func,
    store::{AsContextMut, Owned, StoreContext},
};
use core::any::Any;

/// What a reference refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RefType {
    /// A function.
    Func,
    /// A host object.
    Extern,
}

/// A reference that may be null.
#[derive(Debug, Default, Clone, Copy)]
pub enum Nullable<T> {
    /// Null.
    #[default]
    Null,
    /// Not null.
    Val(T),
}

impl<T> Nullable<T> {
    /// Whether it is null.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// What it refers to, unless it is null.
    pub fn val(&self) -> Option<&T> {
        match self {
            Self::Val(value) => Some(value),
            Self::Null => None,
        }
    }

    /// The same for a borrowed reference.
    pub fn as_ref(&self) -> Nullable<&T> {
        match self {
            Self::Val(value) => Nullable::Val(value),
            Self::Null => Nullable::Null,
        }
    }
}

impl<T> From<T> for Nullable<T> {
    fn from(value: T) -> Self {
        Self::Val(value)
    }
}

impl<T> From<Nullable<T>> for Option<T> {
    fn from(value: Nullable<T>) -> Self {
        match value {
            Nullable::Val(value) => Some(value),
            Nullable::Null => None,
        }
    }
}

/// A reference of either type.
#[derive(Debug, Clone, Copy)]
pub enum Ref {
    /// To a function.
    Func(Nullable<Func>),
    /// To a host object.
    Extern(Nullable<ExternRef>),
}

impl Ref {
    /// The null reference of a type.
    #[must_use]
    pub fn default_for_ty(ty: RefType) -> Self {
        Self::null(ty)
    }

    /// The null reference of a type.
    #[must_use]
    pub fn null(ty: RefType) -> Self {
        match ty {
            RefType::Func => Self::Func(Nullable::Null),
            RefType::Extern => Self::Extern(Nullable::Null),
        }
    }

    /// Whether it is null.
    #[must_use]
    pub fn is_null(&self) -> bool {
        match self {
            Self::Func(value) => value.is_null(),
            Self::Extern(value) => value.is_null(),
        }
    }

    /// Whether it is not null.
    #[must_use]
    pub fn is_non_null(&self) -> bool {
        !self.is_null()
    }

    /// Its type.
    #[must_use]
    pub fn ty(&self) -> RefType {
        match self {
            Self::Func(_) => RefType::Func,
            Self::Extern(_) => RefType::Extern,
        }
    }

    /// Whether it refers to a function.
    #[must_use]
    pub fn is_func(&self) -> bool {
        matches!(self, Self::Func(_))
    }

    /// Whether it refers to a host object.
    #[must_use]
    pub fn is_extern(&self) -> bool {
        matches!(self, Self::Extern(_))
    }

    /// The reference to a function, if it is one.
    #[must_use]
    pub fn as_func(&self) -> Option<Nullable<&Func>> {
        match self {
            Self::Func(value) => Some(value.as_ref()),
            Self::Extern(_) => None,
        }
    }

    /// The reference to a host object, if it is one.
    #[must_use]
    pub fn as_extern(&self) -> Option<Nullable<&ExternRef>> {
        match self {
            Self::Extern(value) => Some(value.as_ref()),
            Self::Func(_) => None,
        }
    }

    /// The reference to a function.
    ///
    /// # Panics
    ///
    /// If it is another kind of reference.
    #[must_use]
    pub fn unwrap_func(&self) -> Nullable<&Func> {
        self.as_func().expect("a reference to a function")
    }
}

impl From<Nullable<Func>> for Ref {
    fn from(value: Nullable<Func>) -> Self {
        Self::Func(value)
    }
}

impl From<Nullable<ExternRef>> for Ref {
    fn from(value: Nullable<ExternRef>) -> Self {
        Self::Extern(value)
    }
}

impl From<Func> for Ref {
    fn from(value: Func) -> Self {
        Self::Func(Nullable::Val(value))
    }
}

/// A handle of a host object kept in a store.
///
/// Modules cannot hold one; host functions that only the host calls can.
#[derive(Debug, Clone, Copy)]
pub struct ExternRef(pub(crate) Owned<u32>);

impl ExternRef {
    /// Keeps an object in the store and returns its handle.
    pub fn new<T>(mut ctx: impl AsContextMut, object: T) -> Self
    where
        T: 'static + Any + Send + Sync,
    {
        ctx.as_context_mut()
            .store
            .inner
            .alloc_extern_object(Box::new(object))
    }

    /// The object.
    ///
    /// # Panics
    ///
    /// If the store does not own it.
    pub fn data<'a, T: 'a>(&self, ctx: impl Into<StoreContext<'a, T>>) -> &'a dyn Any {
        ctx.into().store.inner.extern_object(*self)
    }
}
