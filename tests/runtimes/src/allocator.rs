//! Allocates in a guest's memory: with the allocator that nodes use, or by moving one pointer.

use sc_allocator::{FreeingBumpHeapAllocator, Memory};
use sp_wasm_interface::Pointer;

/// Size of a wasm page.
const WASM_PAGE_SIZE: u64 = 65_536;
/// Alignment of the simple allocator.
const ALIGNMENT: u32 = 8;

/// Who allocates.
pub enum Allocator {
    /// The nodes' allocator.
    FreeingBump(Box<FreeingBumpHeapAllocator>),
    /// One pointer that only moves up; freeing does nothing.
    Bump {
        /// Where the next allocation starts.
        next: u32,
    },
}

impl Allocator {
    /// The nodes' allocator for a heap that starts at `heap_base`.
    #[must_use]
    pub fn freeing_bump(heap_base: u32) -> Self {
        Self::FreeingBump(Box::new(FreeingBumpHeapAllocator::new(heap_base)))
    }

    /// The simple allocator for a heap that starts at `heap_base`.
    #[must_use]
    pub fn bump(heap_base: u32) -> Self {
        Self::Bump {
            next: heap_base.next_multiple_of(ALIGNMENT),
        }
    }

    /// Allocates `len_bytes` in `memory`, which grows where it is too small.
    ///
    /// # Errors
    ///
    /// When there is no room, or the guest damaged what the allocator keeps in its memory.
    pub fn allocate(
        &mut self,
        memory: &mut impl Memory,
        len_bytes: u32,
    ) -> Result<u32, sc_allocator::Error> {
        match self {
            Self::FreeingBump(allocator) => allocator.allocate(memory, len_bytes).map(u32::from),
            Self::Bump { next } => {
                let start = *next;
                let end = u64::from(start) + u64::from(len_bytes);
                let out_of_space = || sc_allocator::Error::AllocatorOutOfSpace;
                let missing = end
                    .div_ceil(WASM_PAGE_SIZE)
                    .saturating_sub(u64::from(memory.pages()));
                if missing > 0 {
                    let additional = u32::try_from(missing).map_err(|_| out_of_space())?;
                    memory.grow(additional).map_err(|()| out_of_space())?;
                }
                let end = u32::try_from(end).map_err(|_| out_of_space())?;
                *next = end
                    .checked_next_multiple_of(ALIGNMENT)
                    .ok_or_else(out_of_space)?;
                Ok(start)
            }
        }
    }

    /// Frees what [`Self::allocate`] gave.
    ///
    /// # Errors
    ///
    /// When `pointer` was not allocated, or the guest damaged what the allocator keeps in its memory.
    pub fn free(
        &mut self,
        memory: &mut impl Memory,
        pointer: u32,
    ) -> Result<(), sc_allocator::Error> {
        match self {
            Self::FreeingBump(allocator) => allocator.deallocate(memory, Pointer::new(pointer)),
            Self::Bump { .. } => Ok(()),
        }
    }
}

#[cfg(test)]
#[expect(
    clippy::cast_possible_truncation,
    reason = "memories of these tests are small"
)]
mod tests {
    use super::*;

    /// A memory without an engine.
    struct Bytes {
        bytes: Vec<u8>,
        max_pages: Option<u32>,
    }

    impl Bytes {
        fn new(pages: usize, max_pages: Option<u32>) -> Self {
            Self {
                bytes: vec![0; pages * WASM_PAGE_SIZE as usize],
                max_pages,
            }
        }
    }

    impl Memory for Bytes {
        fn with_access_mut<R>(&mut self, run: impl FnOnce(&mut [u8]) -> R) -> R {
            run(&mut self.bytes)
        }
        fn with_access<R>(&self, run: impl FnOnce(&[u8]) -> R) -> R {
            run(&self.bytes)
        }
        fn grow(&mut self, additional: u32) -> Result<(), ()> {
            let pages = self.pages() + additional;
            if self.max_pages.is_some_and(|max| pages > max) {
                return Err(());
            }
            self.bytes
                .resize((u64::from(pages) * WASM_PAGE_SIZE) as usize, 0);
            Ok(())
        }
        fn pages(&self) -> u32 {
            (self.bytes.len() as u64 / WASM_PAGE_SIZE) as u32
        }
        fn max_pages(&self) -> Option<u32> {
            self.max_pages
        }
    }

    #[test]
    fn the_nodes_allocator_gives_the_known_addresses() {
        let mut memory = Bytes::new(1, None);
        let mut allocator = Allocator::freeing_bump(0);
        let given = [1, 9, 1].map(|len_bytes| allocator.allocate(&mut memory, len_bytes));
        assert_eq!(given, [Ok(8), Ok(24), Ok(48)]);
        assert_eq!(Allocator::freeing_bump(13).allocate(&mut memory, 1), Ok(24));
    }

    #[test]
    fn a_full_memory_is_an_error() {
        for mut allocator in [Allocator::freeing_bump(13), Allocator::bump(13)] {
            let refused = allocator.allocate(&mut Bytes::new(1, Some(1)), 65_523);
            assert_eq!(refused, Err(sc_allocator::Error::AllocatorOutOfSpace));
        }
    }

    #[test]
    fn the_simple_allocator_grows_by_what_it_needs() {
        let mut memory = Bytes::new(1, None);
        let mut allocator = Allocator::bump(65_530);
        assert_eq!(allocator.allocate(&mut memory, 3), Ok(65_536));
        assert_eq!(
            (allocator.allocate(&mut memory, 65_536), memory.pages()),
            (Ok(65_544), 3)
        );
        assert_eq!(allocator.free(&mut memory, 65_536), Ok(()));
    }
}
