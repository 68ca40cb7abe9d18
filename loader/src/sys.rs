//! Maps files, calls the dynamic linker, and lends out the bytes of loaded images.
//!
//! Sandbox-critical: this is the only file of the crate with `unsafe` code. It trusts
//! [`Checked`], which only [`crate::check`] makes, after every check of an artifact.

#![allow(
    unsafe_code,
    reason = "mapping a file, dlopen, and borrowing bytes of a loaded image cannot be done safely"
)]

use crate::check::Checked;
use core::ffi::{c_char, c_int, c_void};
use libloading::os::unix::{Library as DynamicLibrary, RTLD_LOCAL, RTLD_NOW};
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};
use std::{fs::File, io, path::Path, ptr, slice};
use wasmelt_abi::{
    DESCRIPTOR_FILE_OFFSET, ModuleDescriptor, SECTION_COUNT, SectionId, SectionRange,
};

/// A file's bytes, mapped to be read and checked.
///
/// The owner sees to it that the file cannot shrink meanwhile: it is sealed, or private to this
/// user.
#[derive(Debug)]
pub(crate) struct Mapping {
    base: *mut c_void,
    len_bytes: usize,
}

impl Mapping {
    /// Maps the first `len_bytes` bytes of `file`, which are at least one.
    pub(crate) fn new(file: &File, len_bytes: usize) -> io::Result<Self> {
        let flags = MapFlags::PRIVATE | MapFlags::POPULATE;
        // SAFETY: a fresh mapping at an address that the kernel picks touches nothing that exists.
        let base = unsafe { mmap(ptr::null_mut(), len_bytes, ProtFlags::READ, flags, file, 0) }?;
        Ok(Self { base, len_bytes })
    }

    /// The mapped bytes.
    pub(crate) fn bytes(&self) -> &[u8] {
        // SAFETY: `new` mapped that many readable bytes, and they stay mapped until `drop`.
        unsafe { slice::from_raw_parts(self.base.cast_const().cast(), self.len_bytes) }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: this is the range that `new` mapped; no borrow of it outlives `self`.
        let unmapped = unsafe { munmap(self.base, self.len_bytes) };
        debug_assert!(unmapped.is_ok(), "the range was mapped by `new`");
    }
}

/// Why the dynamic linker's answer was not taken.
#[derive(Debug)]
pub(crate) enum OpenError {
    /// It refused.
    Refused(String),
    /// It returned a library that is not the one that was checked.
    Other(&'static str),
}

/// The descriptor of a module that was compiled to an object and linked into this program.
///
/// Declare the symbol that the object exports, and give it to [`crate::from_static`]:
///
/// ```no_run
/// # mod linked {
/// unsafe extern "C" {
///     // SAFETY: the linked object defines it, and it is never written.
///     pub safe static wasmelt_module: wasmelt_loader::StaticDescriptor;
/// }
/// # }
/// # fn main() {}
/// ```
///
/// A value cannot be made in safe code: whoever declares the symbol promises that a wasmelt
/// object defines it, for then the sections that it points to are there as well.
#[derive(Debug)]
#[repr(C, align(8))]
pub struct StaticDescriptor {
    bytes: [u8; ModuleDescriptor::SIZE],
}

impl StaticDescriptor {
    /// The bytes of the descriptor itself.
    pub(crate) const fn bytes(&self) -> &[u8; ModuleDescriptor::SIZE] {
        &self.bytes
    }

    /// The bytes of a section.
    pub(crate) fn section(&'static self, range: SectionRange) -> &'static [u8] {
        // SAFETY: whoever declared the symbol promised that a wasmelt object defines it, and the
        // ranges in such a descriptor lie in sections that the linker placed with it.
        unsafe { section_bytes(ptr::from_ref(self).cast(), range) }
    }
}

/// A module's code and sections in memory, until it is dropped.
#[derive(Debug)]
pub(crate) struct Image {
    /// Keeps a dlopened image mapped; `None` for one that is linked in.
    _handle: Option<DynamicLibrary>,
    descriptor: *const u8,
    sections: [SectionRange; SECTION_COUNT],
}

// SAFETY: an image is mapped memory that nobody writes; the pointer is only a place in it.
unsafe impl Send for Image {}
// SAFETY: as above; every access through a shared reference reads.
unsafe impl Sync for Image {}

impl Image {
    /// Lets the dynamic linker load the file at `path`, whose content was checked.
    pub(crate) fn open(path: &Path, checked: &Checked) -> Result<Self, OpenError> {
        // SAFETY: the lint found no constructor, destructor, dependency or relocation in this
        // file, so that loading and unloading it run no code.
        let handle = unsafe { DynamicLibrary::open(Some(path), RTLD_NOW | RTLD_LOCAL) }
            .map_err(|error| OpenError::Refused(reason(&error)))?;
        // SAFETY: the address of the symbol is taken, and nothing is read through this type.
        let symbol = unsafe { handle.get::<*const u8>(c"wasmelt_module") }
            .map_err(|_| OpenError::Other("it exports no module descriptor"))?;
        let descriptor = symbol.as_raw_ptr().cast_const().cast::<u8>();
        let base = load_base(descriptor).ok_or(OpenError::Other("its symbol is nowhere"))?;
        let Ok(offset) = usize::try_from(DESCRIPTOR_FILE_OFFSET) else {
            return Err(OpenError::Other("its descriptor is nowhere"));
        };
        if descriptor.addr().checked_sub(base.addr()) != Some(offset) {
            return Err(OpenError::Other("its descriptor lies elsewhere"));
        }
        // SAFETY: `dladdr` found the symbol in a loaded image, and the dynamic linker maps whole
        // pages: the 1024 bytes from the base of an image are at least its headers.
        let found = unsafe { slice::from_raw_parts(descriptor, ModuleDescriptor::SIZE) };
        if found != checked.descriptor().encode() {
            return Err(OpenError::Other("its descriptor has another digest"));
        }
        Ok(Self {
            _handle: Some(handle),
            descriptor,
            sections: checked.descriptor().sections,
        })
    }

    /// The image of a module that is linked into this program.
    pub(crate) const fn linked(
        descriptor: &'static StaticDescriptor,
        sections: [SectionRange; SECTION_COUNT],
    ) -> Self {
        Self {
            _handle: None,
            descriptor: ptr::from_ref(descriptor).cast(),
            sections,
        }
    }

    /// The bytes of a section.
    pub(crate) fn section(&self, id: SectionId) -> &[u8] {
        // SAFETY: of a dlopened image the lint checked that the range lies in its loaded
        // segments; of a linked one see `StaticDescriptor::section`. Both live as long as `self`.
        unsafe { section_bytes(self.descriptor, self.sections[id as usize]) }
    }
}

/// # Safety
///
/// - `range` lies in memory that is readable for `'a` and that nobody writes.
unsafe fn section_bytes<'a>(descriptor: *const u8, range: SectionRange) -> &'a [u8] {
    let (Ok(offset), Ok(len_bytes)) = (
        isize::try_from(range.offset),
        usize::try_from(range.len_bytes),
    ) else {
        unreachable!("ranges fit in the address space of a 64-bit host");
    };
    if len_bytes == 0 {
        return &[];
    }
    // SAFETY: the caller promises that the range is readable and not written.
    unsafe { slice::from_raw_parts(descriptor.wrapping_offset(offset), len_bytes) }
}

/// The first byte of the loaded image that contains `address`.
fn load_base(address: *const u8) -> Option<*const u8> {
    let mut info = DlInfo {
        file_name: ptr::null(),
        file_base: ptr::null(),
        symbol_name: ptr::null(),
        symbol_address: ptr::null(),
    };
    // SAFETY: `dladdr` looks the address up without reading there, and fills the structure, whose
    // layout is that of `dlfcn.h`.
    let found = unsafe { dladdr(address.cast(), &raw mut info) };
    (found != 0 && !info.file_base.is_null()).then_some(info.file_base.cast())
}

fn reason(error: &libloading::Error) -> String {
    match std::error::Error::source(error) {
        Some(source) => source.to_string(),
        None => error.to_string(),
    }
}

#[repr(C)]
struct DlInfo {
    file_name: *const c_char,
    file_base: *const c_void,
    symbol_name: *const c_char,
    symbol_address: *const c_void,
}

unsafe extern "C" {
    fn dladdr(address: *const c_void, info: *mut DlInfo) -> c_int;
}
