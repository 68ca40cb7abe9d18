//! Describes what passes between C and Rust in sizes, so that a test can compare it with the headers.

use std::ffi::{c_char, c_void};
use std::mem::MaybeUninit;
use std::ptr::NonNull;

/// An exported function, as Rust sees it.
#[derive(Debug, Clone, Copy)]
pub struct Signature {
    /// Its symbol.
    pub name: &'static str,
    /// What it returns; `None` for nothing.
    pub result: Option<Shape>,
    /// What it takes.
    pub params: &'static [Shape],
}

/// The size of a value, and of what it points to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Size in bytes.
    pub size: usize,
    /// Size in bytes of what it points to; `None` for what is no pointer, and 0 for what C sees only by its name.
    pub pointee: Option<usize>,
}

/// A type of parameters and results.
pub(crate) trait CValue {
    const SHAPE: Shape;
}

/// What a pointer points to.
pub(crate) trait Pointee {
    /// 0 if C does not know it.
    const SIZE: usize;
}

const fn pointer(pointee: usize) -> Shape {
    Shape {
        size: size_of::<usize>(),
        pointee: Some(pointee),
    }
}

macro_rules! plain {
    ($($ty:ty)*) => { $(
        impl CValue for $ty {
            const SHAPE: Shape = Shape { size: size_of::<$ty>(), pointee: None };
        }

        impl Pointee for $ty {
            const SIZE: usize = size_of::<$ty>();
        }
    )* };
}

plain!(bool u8 c_char u32 u64 usize);

/// Types that C knows only by their names.
macro_rules! opaque {
    ($($ty:ty)*) => { $(
        impl crate::signature::Pointee for $ty {
            const SIZE: usize = 0;
        }
    )* };
}

pub(crate) use opaque;

opaque!(c_void);

impl<T: Pointee> CValue for Option<&T> {
    const SHAPE: Shape = pointer(T::SIZE);
}

impl<T: Pointee> CValue for Option<&mut T> {
    const SHAPE: Shape = pointer(T::SIZE);
}

impl<T: Pointee> CValue for Option<&mut MaybeUninit<T>> {
    const SHAPE: Shape = pointer(T::SIZE);
}

impl<T: Pointee> CValue for Option<Box<T>> {
    const SHAPE: Shape = pointer(T::SIZE);
}

impl<T: Pointee> CValue for Option<NonNull<T>> {
    const SHAPE: Shape = pointer(T::SIZE);
}

impl<T: Pointee> CValue for *const T {
    const SHAPE: Shape = pointer(T::SIZE);
}

impl<T: Pointee> CValue for *mut T {
    const SHAPE: Shape = pointer(T::SIZE);
}

/// An element of a vector of pointers, or a place for a pointer.
impl<T> Pointee for Option<Box<T>> {
    const SIZE: usize = size_of::<usize>();
}

impl<T, const N: usize> Pointee for [T; N]
where
    T: Pointee,
{
    // C passes arrays as pointers to their first element.
    const SIZE: usize = T::SIZE;
}
