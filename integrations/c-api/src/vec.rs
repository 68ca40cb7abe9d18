//! Vectors as C has them: a length and a pointer, allocated by the C library.
#![allow(
    unsafe_code,
    reason = "C passes vectors as pointers and lengths, and finds functions by unmangled names"
)]

use crate::failure::Failure;
use crate::live::{Counted, Kind};
use crate::signature::Pointee;
use std::borrow::Cow;
use std::mem::MaybeUninit;
use std::ptr::{self, NonNull};
use std::slice;

/// A place of the caller's for a result.
pub(crate) type Out<'a, T> = Option<&'a mut MaybeUninit<T>>;

/// Writes to a place what C finds there if the call fails. A call does this first, before anything can fail.
pub(crate) fn emptied<'a, T: Default>(out: Out<'a, T>, what: &str) -> Result<&'a mut T, Failure> {
    let out = out.ok_or_else(|| Failure::null(&format!("place for the {what}")))?;
    Ok(out.write(T::default()))
}

/// What a vector may contain.
///
/// # Safety
///
/// - A value whose bytes are all zero is valid.
pub(crate) unsafe trait Element: Clone {}

// SAFETY: any bytes are.
unsafe impl Element for u8 {}
// SAFETY: Rust guarantees that it is `None`.
unsafe impl<T: Clone> Element for Option<Box<T>> {}

/// `wasm_xxx_vec_t`: owns its elements, unless it is only borrowed from C.
#[repr(C)]
pub(crate) struct CVec<T: Element> {
    size: usize,
    data: Option<NonNull<T>>,
}

/// `wasm_byte_vec_t`, `wasm_name_t`, `wasm_message_t`.
pub(crate) type ByteVec = CVec<u8>;

const _: () = assert!(size_of::<ByteVec>() == 16 && align_of::<ByteVec>() == 8);

impl<T: Element> Pointee for CVec<T> {
    const SIZE: usize = size_of::<Self>();
}

// SAFETY: it owns its elements as `Vec` does.
unsafe impl<T: Element + Send> Send for CVec<T> {}
// SAFETY: as above.
unsafe impl<T: Element + Sync> Sync for CVec<T> {}

impl<T: Element> Default for CVec<T> {
    fn default() -> Self {
        Self {
            size: 0,
            data: None,
        }
    }
}

impl<T: Element> CVec<T> {
    /// So many elements whose bytes are zero.
    ///
    /// # Errors
    ///
    /// If there is no memory for them.
    pub(crate) fn zeroed(size: usize) -> Result<Self, Failure> {
        if size == 0 {
            return Ok(Self::default());
        }
        // SAFETY: `calloc` takes any sizes; it refuses a product that overflows.
        let data = unsafe { libc::calloc(size, size_of::<T>()) };
        let data = NonNull::new(data.cast::<T>())
            .ok_or_else(|| Failure::host(format!("no memory for a vector of {size} elements")))?;
        core::mem::forget(Counted::new(Kind::Vector));
        Ok(Self {
            size,
            data: Some(data),
        })
    }

    /// Moves elements in, from where they are.
    ///
    /// # Safety
    ///
    /// - `data` points to `size` elements, which are not used again, unless `size` is 0.
    pub(crate) unsafe fn moved_from(data: *const T, size: usize) -> Result<Self, Failure> {
        if size != 0 && data.is_null() {
            return Err(Failure::null("array"));
        }
        let vec = Self::zeroed(size)?;
        if let Some(place) = vec.data {
            // SAFETY: both have room for so many, and the caller gives up the originals. Zeros need no drop.
            unsafe { ptr::copy_nonoverlapping(data, place.as_ptr(), size) };
        }
        Ok(vec)
    }

    pub(crate) fn collected<I>(elements: I) -> Result<Self, Failure>
    where
        I: IntoIterator<Item = T>,
        I::IntoIter: ExactSizeIterator,
    {
        let elements = elements.into_iter();
        let mut vec = Self::zeroed(elements.len())?;
        for (place, element) in vec.as_mut_slice().iter_mut().zip(elements) {
            *place = element;
        }
        Ok(vec)
    }

    pub(crate) fn as_slice(&self) -> &[T] {
        match self.data {
            // SAFETY: it points to so many elements: ours, or those that C promises.
            Some(data) if self.size != 0 => unsafe {
                slice::from_raw_parts(data.as_ptr(), self.size)
            },
            _ => &[],
        }
    }

    pub(crate) fn as_mut_slice(&mut self) -> &mut [T] {
        match self.data {
            // SAFETY: as above.
            Some(data) if self.size != 0 => unsafe {
                slice::from_raw_parts_mut(data.as_ptr(), self.size)
            },
            _ => &mut [],
        }
    }

    /// Number of elements, and the first one, of a vector whose elements may not have been written yet.
    pub(crate) fn places(&self) -> (usize, *mut T) {
        match self.data {
            Some(data) => (self.size, data.as_ptr()),
            None => (0, ptr::null_mut()),
        }
    }

    fn try_clone(&self) -> Result<Self, Failure> {
        Self::collected(self.as_slice().iter().cloned())
    }
}

/// Takes the elements of a vector that C gives up, and leaves it empty; none if it is null.
///
/// A reference would not do where C may pass one vector for two parameters.
///
/// # Safety
///
/// - `vec` is null, or points to a vector.
pub(crate) unsafe fn taken<T: Element>(vec: *mut CVec<T>) -> CVec<T> {
    // SAFETY: the caller promises it, and nobody else has it now.
    unsafe { vec.as_mut() }
        .map(std::mem::take)
        .unwrap_or_default()
}

impl<T: Element> Clone for CVec<T> {
    fn clone(&self) -> Self {
        self.try_clone()
            .expect("as much memory as the original has")
    }
}

impl<T: Element> Drop for CVec<T> {
    fn drop(&mut self) {
        let Some(data) = self.data.take() else {
            return;
        };
        let elements = ptr::slice_from_raw_parts_mut(data.as_ptr(), self.size);
        self.size = 0;
        // SAFETY: they are ours, and nobody finds them any more.
        unsafe {
            ptr::drop_in_place(elements);
            libc::free(data.as_ptr().cast());
        }
        drop(Counted::existing(Kind::Vector));
    }
}

impl ByteVec {
    pub(crate) fn of(bytes: &[u8]) -> Result<Self, Failure> {
        // SAFETY: bytes can be copied.
        unsafe { Self::moved_from(bytes.as_ptr(), bytes.len()) }
    }

    /// The text and a zero byte; empty if there is no memory.
    pub(crate) fn nul_terminated(text: &str) -> Self {
        Self::of(&[text.as_bytes(), b"\0"].concat()).unwrap_or_default()
    }

    /// The text before the first zero byte, or all of it if there is none. What is not UTF-8 is replaced.
    pub(crate) fn to_text(&self) -> Cow<'_, str> {
        let text = self.as_slice().split(|byte| *byte == 0).next();
        String::from_utf8_lossy(text.unwrap_or_default())
    }
}

/// What the standard declares for each type of vector.
macro_rules! declare_vec {
    ($module:ident, $name:literal, $element:ty) => {
        pub(crate) mod $module {
            use super::*;
            use crate::export::export_as;
            use crate::vec::{CVec, Out};

            type Vector = CVec<$element>;

            fn place(out: Out<'_, Vector>) -> Result<&mut Vector, Failure> {
                crate::vec::emptied(out, "vector")
            }

            export_as! { EXPORTS;
                fn new_empty as (concat!("wasm_", $name, "_vec_new_empty")) (out: Out<'_, Vector>) {
                    place(out).map(drop)
                }

                fn new_uninitialized as (concat!("wasm_", $name, "_vec_new_uninitialized"))
                    (out: Out<'_, Vector>, size: usize)
                {
                    let out = place(out)?;
                    *out = Vector::zeroed(size)?;
                    Ok(())
                }

                fn new as (concat!("wasm_", $name, "_vec_new"))
                    (out: Out<'_, Vector>, size: usize, data: *const $element)
                {
                    let out = place(out)?;
                    // SAFETY: C gives up so many elements.
                    *out = unsafe { Vector::moved_from(data, size) }?;
                    Ok(())
                }

                fn copy as (concat!("wasm_", $name, "_vec_copy"))
                    (out: Out<'_, Vector>, original: Option<&Vector>)
                {
                    let out = place(out)?;
                    let original = original.ok_or_else(|| Failure::null("vector"))?;
                    *out = Vector::collected(original.as_slice().iter().cloned())?;
                    Ok(())
                }

                fn delete as (concat!("wasm_", $name, "_vec_delete")) (vector: Option<&mut Vector>) {
                    drop(vector.map(core::mem::take));
                    Ok(())
                }
            }
        }
    };
}

pub(crate) use declare_vec;

declare_vec!(byte, "byte", u8);

#[cfg(test)]
mod tests {
    use super::{ByteVec, CVec};

    #[test]
    fn a_vector_too_large_for_memory_is_refused() {
        assert!(CVec::<Option<Box<u8>>>::zeroed(usize::MAX / 4).is_err());
    }

    #[test]
    fn copies_are_their_own() {
        let original = CVec::collected([Some(Box::new(1)), None]).expect("memory");
        let copy = original.clone();
        drop(original);
        assert_eq!(copy.as_slice(), [Some(Box::new(1)), None]);
    }

    #[test]
    fn texts_end_with_a_zero_byte_or_with_their_vector() {
        let text = |bytes| {
            let vec = ByteVec::of(bytes).expect("memory");
            vec.to_text().into_owned()
        };
        assert_eq!(ByteVec::nul_terminated("a").as_slice(), b"a\0");
        assert_eq!(text(b"a\0"), "a");
        assert_eq!(text(b"a"), "a");
        assert_eq!(text(b"a\0b\0\0"), "a");
        assert_eq!(text(b""), "");
        assert_eq!(text(b"\0"), "");
        assert_eq!(text(b"a\xffb"), "a\u{fffd}b");
    }
}
