//! Maps and unmaps memory, and asks for limits.
#![allow(unsafe_code, reason = "system calls")]

use core::ptr::{self, NonNull};
use std::{
    io,
    os::fd::{AsRawFd, BorrowedFd},
    sync::OnceLock,
};

/// Size of a host page in bytes.
pub(crate) fn host_page_size() -> usize {
    static SIZE: OnceLock<usize> = OnceLock::new();
    *SIZE.get_or_init(|| {
        // SAFETY: the call reads a constant of the system.
        let size = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
        usize::try_from(size).expect("Linux has a page size")
    })
}

/// An address that compiled code or the system has as 64 bits.
#[inline]
pub(super) fn address(bits: u64) -> usize {
    usize::try_from(bits).expect("hosts have 64-bit addresses")
}

/// The limit of this process on its address space, if there is one.
pub(crate) fn address_space_limit() -> Option<u64> {
    let mut limit = libc::rlimit {
        rlim_cur: libc::RLIM_INFINITY,
        rlim_max: libc::RLIM_INFINITY,
    };
    // SAFETY: `limit` is a valid place for the answer.
    let status = unsafe { libc::getrlimit(libc::RLIMIT_AS, &raw mut limit) };
    (status == 0 && limit.rlim_cur != libc::RLIM_INFINITY).then_some(limit.rlim_cur)
}

/// An anonymous private mapping that belongs to its owner alone.
#[derive(Debug)]
pub(crate) struct Mapping {
    base: NonNull<u8>,
    len_bytes: usize,
}

// SAFETY: a mapping is memory like any other; it is reached through its one owner.
unsafe impl Send for Mapping {}
// SAFETY: as above; through a shared reference only its place can be asked.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Reserves address space without access to it.
    pub(crate) fn reserve(len_bytes: usize) -> io::Result<Self> {
        Self::map(len_bytes, libc::PROT_NONE, libc::MAP_NORESERVE)
    }

    /// Maps zeros.
    pub(crate) fn zeroed(len_bytes: usize) -> io::Result<Self> {
        Self::map(len_bytes, libc::PROT_READ | libc::PROT_WRITE, 0)
    }

    fn map(len_bytes: usize, protection: i32, flags: i32) -> io::Result<Self> {
        if len_bytes == 0 {
            return Ok(Self {
                base: NonNull::dangling(),
                len_bytes,
            });
        }
        let flags = flags | libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        // SAFETY: a new anonymous mapping at a place of the system's choice touches nothing else.
        let base = unsafe { libc::mmap(ptr::null_mut(), len_bytes, protection, flags, -1, 0) };
        if base == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let base = NonNull::new(base.cast()).expect("the system maps nothing at zero unasked");
        Ok(Self { base, len_bytes })
    }

    /// First byte; dangling, but aligned to nothing, for an empty mapping.
    pub(crate) fn base(&self) -> *mut u8 {
        self.base.as_ptr()
    }

    /// Length in bytes.
    pub(crate) fn len_bytes(&self) -> usize {
        self.len_bytes
    }

    /// Makes the bytes `start..end`, which are whole host pages, readable and writable.
    pub(crate) fn make_accessible(&mut self, start: usize, end: usize) -> io::Result<()> {
        assert!(
            start <= end && end <= self.len_bytes,
            "the range lies in the mapping"
        );
        if start == end {
            return Ok(());
        }
        // SAFETY: the range lies in this mapping, which nobody else owns.
        let status = unsafe {
            libc::mprotect(
                self.base().add(start).cast(),
                end - start,
                libc::PROT_READ | libc::PROT_WRITE,
            )
        };
        if status == 0 {
            Ok(())
        } else {
            Err(io::Error::last_os_error())
        }
    }

    /// Replaces the bytes `start..start + len_bytes`, which are whole host pages, with a private
    /// copy of a file's.
    pub(crate) fn map_file(
        &mut self,
        start: usize,
        len_bytes: usize,
        file: BorrowedFd<'_>,
        file_offset: u64,
    ) -> io::Result<()> {
        let end = start.checked_add(len_bytes);
        assert!(
            end.is_some_and(|end| end <= self.len_bytes),
            "the range lies in the mapping"
        );
        let file_offset = libc::off_t::try_from(file_offset)
            .map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
        // SAFETY: the range lies in this mapping, which nobody else owns, so that replacing it
        // takes nothing from anybody.
        let mapped = unsafe {
            libc::mmap(
                self.base().add(start).cast(),
                len_bytes,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_FIXED,
                file.as_raw_fd(),
                file_offset,
            )
        };
        if mapped == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        Ok(())
    }

    /// Grows a mapping of zeros; it may move.
    pub(crate) fn grow(&mut self, len_bytes: usize) -> io::Result<()> {
        assert!(len_bytes >= self.len_bytes, "mappings grow");
        if len_bytes == self.len_bytes {
            return Ok(());
        }
        if self.len_bytes == 0 {
            *self = Self::zeroed(len_bytes)?;
            return Ok(());
        }
        // SAFETY: the old range is exactly this mapping, whose owner asks for the new place.
        let base = unsafe {
            libc::mremap(
                self.base().cast(),
                self.len_bytes,
                len_bytes,
                libc::MREMAP_MAYMOVE,
            )
        };
        if base == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        self.base = NonNull::new(base.cast()).expect("the system maps nothing at zero unasked");
        self.len_bytes = len_bytes;
        Ok(())
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        if self.len_bytes != 0 {
            // SAFETY: the range is exactly this mapping, and its owner is gone.
            let status = unsafe { libc::munmap(self.base().cast(), self.len_bytes) };
            debug_assert_eq!(status, 0, "a mapping that exists can be unmapped");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Mapping, host_page_size};

    #[test]
    fn an_empty_mapping_grows_and_keeps_its_bytes_when_it_moves() {
        let page = host_page_size();
        let mut mapping = Mapping::zeroed(0).expect("nothing is asked of the system");
        mapping.grow(page).expect("one page");
        // SAFETY: the mapping has one accessible page.
        unsafe { mapping.base().write(7) };
        mapping.grow(64 * page).expect("64 pages");
        // SAFETY: the mapping has 64 accessible pages.
        let bytes = unsafe { (mapping.base().read(), mapping.base().add(63 * page).read()) };
        assert_eq!(bytes, (7, 0));
    }
}
