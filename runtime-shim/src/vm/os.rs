//! Maps and unmaps memory, and asks for limits.
#![allow(unsafe_code, reason = "system calls")]

use core::{
    ops::Range,
    ptr::{self, NonNull},
};
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
    /// Bytes in front of the base that nobody can access.
    in_front_bytes: usize,
}

// SAFETY: a mapping is memory like any other; it is reached through its one owner.
unsafe impl Send for Mapping {}
// SAFETY: as above; through a shared reference only its place can be asked.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Reserves address space without access to it: `len_bytes` from the base on, and `in_front_bytes`, which
    /// are whole host pages, before it.
    pub(crate) fn reserve(in_front_bytes: usize, len_bytes: usize) -> io::Result<Self> {
        let all_bytes = in_front_bytes
            .checked_add(len_bytes)
            .ok_or(io::ErrorKind::OutOfMemory)?;
        let mut mapping = Self::map(all_bytes, libc::PROT_NONE, libc::MAP_NORESERVE)?;
        // SAFETY: so many bytes lie in the mapping.
        mapping.base = unsafe { mapping.base.add(in_front_bytes) };
        mapping.len_bytes = len_bytes;
        mapping.in_front_bytes = in_front_bytes;
        Ok(mapping)
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
                in_front_bytes: 0,
            });
        }
        let flags = flags | libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        // SAFETY: a new anonymous mapping at a place of the system's choice touches nothing else.
        let base = unsafe { libc::mmap(ptr::null_mut(), len_bytes, protection, flags, -1, 0) };
        if base == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let base = NonNull::new(base.cast()).expect("the system maps nothing at zero unasked");
        Ok(Self {
            base,
            len_bytes,
            in_front_bytes: 0,
        })
    }

    /// First byte; dangling, but aligned to nothing, for an empty mapping.
    pub(crate) fn base(&self) -> *mut u8 {
        self.base.as_ptr()
    }

    /// Length in bytes from the base on.
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

    /// Takes away all access to the bytes `start..end`, which are whole host pages, and what they
    /// were.
    pub(crate) fn make_inaccessible(&mut self, start: usize, end: usize) -> io::Result<()> {
        let range = start..end;
        self.map_fixed(range, libc::PROT_NONE, libc::MAP_NORESERVE)
    }

    /// Takes away all access to the bytes of a range, which are whole host pages. What they were stays.
    pub(crate) fn forbid(&mut self, range: Range<usize>) -> io::Result<()> {
        assert!(
            range.start <= range.end && range.end <= self.len_bytes,
            "the range lies in the mapping"
        );
        // SAFETY: the range lies in this mapping, which nobody else owns.
        let status = unsafe {
            let start = self.base().add(range.start).cast();
            libc::mprotect(start, range.len(), libc::PROT_NONE)
        };
        if status == 0 {
            Ok(())
        } else {
            Err(io::Error::last_os_error())
        }
    }

    /// Replaces the bytes in a range, which are whole host pages, with accessible zeros.
    pub(crate) fn map_zeros(&mut self, range: Range<usize>) -> io::Result<()> {
        // As the rest of a reservation, so that it does not stay a mapping of its own.
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        self.map_fixed(range, protection, libc::MAP_NORESERVE)
    }

    fn map_fixed(&mut self, range: Range<usize>, protection: i32, flags: i32) -> io::Result<()> {
        assert!(
            range.start <= range.end && range.end <= self.len_bytes,
            "the range lies in the mapping"
        );
        if range.is_empty() {
            return Ok(());
        }
        let flags = flags | libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED;
        // SAFETY: the range lies in this mapping, which nobody else owns, so that replacing it
        // takes nothing from anybody.
        let mapped = unsafe {
            let start = self.base().add(range.start).cast();
            libc::mmap(start, range.len(), protection, flags, -1, 0)
        };
        if mapped == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        Ok(())
    }

    /// Gives the pages of a range, which are whole host pages, back to the system: zeros again, or
    /// the file's bytes where one is mapped.
    pub(crate) fn discard(&mut self, range: Range<usize>) -> io::Result<()> {
        assert!(
            range.start <= range.end && range.end <= self.len_bytes,
            "the range lies in the mapping"
        );
        if range.is_empty() {
            return Ok(());
        }
        // SAFETY: the range lies in this mapping, which nobody else owns.
        let status = unsafe {
            let start = self.base().add(range.start).cast();
            libc::madvise(start, range.len(), libc::MADV_DONTNEED)
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
        assert!(
            len_bytes >= self.len_bytes && self.in_front_bytes == 0,
            "mappings of zeros grow"
        );
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
        let all_bytes = self.in_front_bytes + self.len_bytes;
        if all_bytes != 0 {
            // SAFETY: the range is exactly this mapping, and its owner is gone.
            let status = unsafe {
                let start = self.base().sub(self.in_front_bytes);
                libc::munmap(start.cast(), all_bytes)
            };
            debug_assert_eq!(status, 0, "a mapping that exists can be unmapped");
        }
    }
}

/// Whether all pages were found that were written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DirtyPages {
    /// All were handed out.
    All,
    /// There are more than was allowed.
    More,
}

/// Hands out the private pages of a range of a mapping, accessible and whole: those that were written since
/// they were mapped or discarded, and pages of zeros that were only read. `restore` gets their
/// places in the mapping, their bytes, and whether they are the system's page of zeros; what it
/// says it has restored counts, up to so many bytes.
///
/// # Errors
///
/// If the system cannot say.
pub(crate) fn dirty_pages(
    mapping: &mut Mapping,
    range: Range<usize>,
    max_bytes: usize,
    mut restore: impl FnMut(Range<usize>, &mut [u8], bool) -> bool,
) -> io::Result<DirtyPages> {
    assert!(
        range.start <= range.end && range.end <= mapping.len_bytes,
        "the range lies in the mapping"
    );
    let base = mapping.base().addr();
    let end = base + range.end;
    let mut from = base + range.start;
    let mut found_bytes = 0;
    while from < end {
        let mut regions = [const { PageRegion::EMPTY }; 32];
        let (count, walked_to) = pagemap::scan(from..end, &mut regions)?;
        for region in &regions[..count] {
            let place = address(region.start) - base..address(region.end) - base;
            assert!(
                range.start <= place.start && place.end <= range.end,
                "the system answers what it was asked"
            );
            let is_zero_page = region.categories & pagemap::PAGE_IS_PFNZERO != 0;
            if !is_zero_page && found_bytes + place.len() > max_bytes {
                return Ok(DirtyPages::More);
            }
            // SAFETY: the place is an accessible part of the mapping, which is lent exclusively.
            let bytes = unsafe {
                core::slice::from_raw_parts_mut(mapping.base().add(place.start), place.len())
            };
            let len_bytes = place.len();
            if restore(place, bytes, is_zero_page) {
                found_bytes += len_bytes;
            }
        }
        if walked_to <= from {
            return Err(io::ErrorKind::InvalidData.into());
        }
        from = walked_to;
    }
    Ok(DirtyPages::All)
}

/// Pages one behind the other, as the system describes them.
#[repr(C)]
struct PageRegion {
    start: u64,
    end: u64,
    categories: u64,
}

impl PageRegion {
    const EMPTY: Self = Self {
        start: 0,
        end: 0,
        categories: 0,
    };
}

/// The system's `PAGEMAP_SCAN` (Linux 6.7, `Documentation/admin-guide/mm/pagemap.rst`).
mod pagemap {
    use super::{Mapping, PageRegion, address, host_page_size};
    use core::{
        ops::Range,
        sync::atomic::{AtomicBool, Ordering},
    };
    use std::{fs::File, io, os::fd::AsRawFd, sync::OnceLock};

    /// `struct pm_scan_arg` of `linux/fs.h`.
    #[repr(C)]
    struct ScanArguments {
        size: u64,
        flags: u64,
        start: u64,
        end: u64,
        walk_end: u64,
        vec: u64,
        vec_len: u64,
        max_pages: u64,
        category_inverted: u64,
        category_mask: u64,
        category_anyof_mask: u64,
        return_mask: u64,
    }

    const SIZE: u64 = size_of::<ScanArguments>() as u64;
    /// `_IOWR('f', 16, struct pm_scan_arg)`.
    const PAGEMAP_SCAN: u64 = 3 << 30 | SIZE << 16 | (b'f' as u64) << 8 | 16;
    const PAGE_IS_FILE: u64 = 1 << 2;
    const PAGE_IS_PRESENT: u64 = 1 << 3;
    const PAGE_IS_SWAPPED: u64 = 1 << 4;
    /// The page of zeros that all share.
    pub(super) const PAGE_IS_PFNZERO: u64 = 1 << 5;

    /// Finds regions of private pages in a range of addresses; the result is how many were found, and
    /// up to where was looked.
    pub(super) fn scan(
        range: Range<usize>,
        regions: &mut [PageRegion],
    ) -> io::Result<(usize, usize)> {
        let pagemap = open()?;
        let mut arguments = ScanArguments {
            size: SIZE,
            flags: 0,
            start: range.start as u64,
            end: range.end as u64,
            walk_end: 0,
            vec: regions.as_mut_ptr().expose_provenance() as u64,
            vec_len: regions.len() as u64,
            max_pages: 0,
            // No file's page, in memory or swapped.
            category_inverted: PAGE_IS_FILE,
            category_mask: PAGE_IS_FILE,
            category_anyof_mask: PAGE_IS_PRESENT | PAGE_IS_SWAPPED,
            return_mask: PAGE_IS_PFNZERO,
        };
        // SAFETY: the arguments and the regions are valid for the call, and of these lengths.
        let count = unsafe { libc::ioctl(pagemap.as_raw_fd(), PAGEMAP_SCAN, &raw mut arguments) };
        let count = usize::try_from(count).map_err(|_| io::Error::last_os_error())?;
        Ok((count, address(arguments.walk_end)))
    }

    /// The file that describes this process's memory. It would describe that of the process that
    /// opened it, also in a child; so a child does without.
    fn open() -> io::Result<&'static File> {
        static OPENED: OnceLock<Option<(File, Mark)>> = OnceLock::new();
        let opened = OPENED.get_or_init(|| {
            let mark = Mark::new().ok()?;
            Some((File::open("/proc/self/pagemap").ok()?, mark))
        });
        match opened {
            Some((file, mark)) if mark.is_there() => Ok(file),
            _ => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    /// A page that is not handed on to children.
    struct Mark(Mapping);

    impl Mark {
        fn new() -> io::Result<Self> {
            let len_bytes = host_page_size();
            let mapping = Mapping::zeroed(len_bytes)?;
            // SAFETY: the range is exactly this mapping.
            let status =
                unsafe { libc::madvise(mapping.base().cast(), len_bytes, libc::MADV_WIPEONFORK) };
            if status != 0 {
                return Err(io::Error::last_os_error());
            }
            let mark = Self(mapping);
            mark.flag().store(true, Ordering::Relaxed);
            Ok(mark)
        }

        fn is_there(&self) -> bool {
            self.flag().load(Ordering::Relaxed)
        }

        fn flag(&self) -> &AtomicBool {
            // SAFETY: the mapping has a page, whose first byte is only used like this, and is 0 or 1.
            unsafe { AtomicBool::from_ptr(self.0.base().cast()) }
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
