//! Numbers by which a program notices that it was built for another library.
#![allow(unsafe_code, reason = "exports functions by unmangled names")]

use crate::export::export;
use std::ffi::{CStr, c_char};
use std::ptr::NonNull;

/// `WASMELT_API_VERSION`: rises when programs must be built again. The shared library's name ends with it.
const API_VERSION: u32 = 0;

const VERSION: &CStr = {
    let text = concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes();
    match CStr::from_bytes_with_nul(text) {
        Ok(text) => text,
        Err(_) => panic!("a version has no zero byte"),
    }
};

export! { EXPORTS;
    fn wasmelt_version() -> Option<NonNull<c_char>> {
        Ok(NonNull::new(VERSION.as_ptr().cast_mut()))
    }

    fn wasmelt_api_version() -> u32 {
        Ok(API_VERSION)
    }

    fn wasmelt_artifact_abi_version() -> u32 {
        Ok(wasmelt_abi::ABI_VERSION)
    }
}
