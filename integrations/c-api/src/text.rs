//! Takes texts and paths as C passes them: pointers to bytes that end with a zero.
#![allow(unsafe_code, reason = "C passes pointers")]

use crate::failure::Failure;
use std::borrow::Cow;
use std::ffi::{CStr, OsStr, c_char};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// # Safety
///
/// - `text` is null, or points to bytes that end with a zero and do not change during `'a`.
unsafe fn bytes_of<'a>(text: *const c_char) -> Result<&'a [u8], Failure> {
    if text.is_null() {
        return Err(Failure::null("string"));
    }
    // SAFETY: it is not null, and the caller promises the rest.
    Ok(unsafe { CStr::from_ptr(text) }.to_bytes())
}

/// # Safety
///
/// - As [`bytes_of`].
pub(crate) unsafe fn text_of<'a>(text: *const c_char) -> Result<&'a str, Failure> {
    // SAFETY: the caller promises it.
    let bytes = unsafe { bytes_of(text) }?;
    core::str::from_utf8(bytes).map_err(|_| Failure::usage("a string is not UTF-8"))
}

/// # Safety
///
/// - As [`bytes_of`].
pub(crate) unsafe fn path_of<'a>(path: *const c_char) -> Result<&'a Path, Failure> {
    // SAFETY: the caller promises it.
    let bytes = unsafe { bytes_of(path) }?;
    Ok(Path::new(OsStr::from_bytes(bytes)))
}

/// A module in the binary format. What is neither that nor text is left to the compiler, which knows what else it may
/// be.
///
/// # Errors
///
/// If the text is not understood.
pub(crate) fn to_binary(wasm: &[u8]) -> Result<Cow<'_, [u8]>, Failure> {
    let is_text = matches!(wasm.trim_ascii_start().first(), Some(b'(' | b';'));
    if !is_text || core::str::from_utf8(wasm).is_err() {
        return Ok(Cow::Borrowed(wasm));
    }
    wat::parse_bytes(wasm).map_err(Failure::of)
}
