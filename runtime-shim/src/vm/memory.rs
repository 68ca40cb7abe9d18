//! Linear memories: with guard pages, with explicit checks, or in a buffer of the host.
//!
//! This file is part of the sandbox: what it maps accessible is what a guest can reach.
//!
//! ```text
//!   guard     | PROT_NONE 64 KiB | accessible ... len | PROT_NONE ..... 8 GiB + 64 KiB |   never moves
//!   explicit                       | accessible ... len |                                  may move
//! ```
#![allow(unsafe_code, reason = "memory that compiled code reads and writes")]

use super::{
    os::{self, Mapping},
    pool::{MemoryPool, Slot},
    store_vm::{StoreVm, VmCell},
};
use crate::{
    engine::Engine,
    error::Error,
    errors::{HostFailure, InstanceError, InstantiationError, MemoryError},
    limits::ResourceLimiter,
    memory::Memory,
    module::Module,
    store::StoreInner,
    types::MemoryType,
};
use core::slice;
use std::{io, os::fd::BorrowedFd, sync::Arc};
use wasmelt_abi::{
    BoundsStrategy, GUARD_IN_FRONT_LEN_BYTES, GUARD_RESERVATION_LEN_BYTES, MEMORY_MAX_GROWN_PAGES,
    MEMORY_MAX_PAGES, VMMemory, WASM_PAGE_SIZE,
};

const PAGE_LEN_BYTES: usize = WASM_PAGE_SIZE as usize;

/// Images shorter than this are copied, not mapped: page faults would cost more.
const MIN_MAPPED_IMAGE_LEN_BYTES: usize = 64 << 10;

/// Where the bytes of a memory are.
#[derive(Debug)]
enum Backing {
    /// A full reservation, accessible up to the current length, and where it goes in the end.
    Guard(GuardBacking),
    /// As many bytes as the memory has.
    Explicit(Mapping),
    /// The host's buffer.
    Static { capacity_bytes: usize },
}

/// A reservation on loan.
#[derive(Debug)]
struct GuardBacking {
    /// `None` once it was given back.
    slot: Option<Slot>,
    pool: Arc<MemoryPool>,
    /// Whose image is mapped in it.
    module: Option<Module>,
}

impl GuardBacking {
    fn slot(&self) -> &Slot {
        self.slot.as_ref().expect("it is given back at the end")
    }

    fn slot_mut(&mut self) -> &mut Slot {
        self.slot.as_mut().expect("it is given back at the end")
    }
}

impl Drop for GuardBacking {
    fn drop(&mut self) {
        if let Some(slot) = self.slot.take() {
            let image = self.module.as_ref().map(|module| module.library().image());
            self.pool.give_back(slot, image.unwrap_or_default());
        }
    }
}

/// A linear memory and its authoritative [`VMMemory`].
#[derive(Debug)]
pub(crate) struct MemoryEntity {
    ty: MemoryType,
    vm: VmCell<VMMemory>,
    backing: Backing,
    /// Most pages that a module which imports it relies on.
    relied_on_pages: u64,
}

/// Initial content of a memory: where in it, the bytes, and the file that also has them.
pub(crate) struct MemoryImage<'a> {
    pub(crate) memory_offset: usize,
    pub(crate) bytes: &'a [u8],
    pub(crate) file: Option<(BorrowedFd<'a>, u64)>,
}

/// Whether this process can reserve the address space of a guard-page memory now.
pub(crate) fn can_reserve_guard_memory() -> bool {
    reserve_guard_memory().is_ok()
}

/// The address space of a guard-page memory, all of it inaccessible.
pub(super) fn reserve_guard_memory() -> io::Result<Mapping> {
    Mapping::reserve(
        os::address(GUARD_IN_FRONT_LEN_BYTES),
        os::address(GUARD_RESERVATION_LEN_BYTES),
    )
}

impl MemoryEntity {
    /// A memory of zeros, not yet accounted for; the image of `module` may be in it already.
    fn new(
        ty: MemoryType,
        strategy: BoundsStrategy,
        engine: &Engine,
        module: Option<&Module>,
    ) -> Result<Self, Error> {
        let len_bytes = byte_len(ty.minimum());
        let (backing, base) = match strategy {
            BoundsStrategy::Guard => {
                let pool = engine.memory_pool();
                let slot = pool
                    .take(len_bytes, module)
                    .map_err(|_| HostFailure::Reservation {
                        requested_bytes: GUARD_IN_FRONT_LEN_BYTES + GUARD_RESERVATION_LEN_BYTES,
                        address_space_limit_bytes: os::address_space_limit(),
                    })?;
                let base = slot.mapping().base();
                let module = module.filter(|module| slot.has_image_of(Some(module)));
                let backing = GuardBacking {
                    module: module.cloned(),
                    slot: Some(slot),
                    pool: Arc::clone(pool),
                };
                (Backing::Guard(backing), base)
            }
            BoundsStrategy::Explicit => {
                let mapping = Mapping::zeroed(len_bytes).map_err(out_of_memory)?;
                let base = mapping.base();
                (Backing::Explicit(mapping), base)
            }
        };
        Ok(Self {
            ty,
            vm: VmCell::new(VMMemory {
                base,
                len_bytes: len_bytes as u64,
            }),
            backing,
            relied_on_pages: 0,
        })
    }

    fn new_static(ty: MemoryType, buffer: &'static mut [u8]) -> Result<Self, MemoryError> {
        let len_bytes = byte_len(ty.minimum());
        if buffer.len() < len_bytes {
            return Err(MemoryError::InvalidStaticBufferSize);
        }
        buffer[..len_bytes].fill(0);
        Ok(Self {
            ty,
            vm: VmCell::new(VMMemory {
                base: buffer.as_mut_ptr(),
                len_bytes: len_bytes as u64,
            }),
            backing: Backing::Static {
                capacity_bytes: buffer.len(),
            },
            relied_on_pages: 0,
        })
    }

    /// Type, as declared.
    pub(crate) fn ty(&self) -> MemoryType {
        self.ty
    }

    /// Type with the current size as the minimum, for matching imports.
    pub(crate) fn dynamic_ty(&self) -> MemoryType {
        self.ty.with_size(self.size_pages())
    }

    /// Whether the memory has the full reservation that guard-page code relies on.
    pub(crate) fn has_guard_pages(&self) -> bool {
        matches!(self.backing, Backing::Guard(_))
    }

    /// What compiled code sees.
    pub(crate) fn vm(&self) -> *mut VMMemory {
        self.vm.as_ptr()
    }

    /// Makes a place in an instance's block the authoritative one.
    ///
    /// # Safety
    ///
    /// - `place` is valid for as long as `self`, and nothing else writes to it.
    pub(crate) unsafe fn move_vm_to(&mut self, place: *mut VMMemory) {
        // SAFETY: the caller promises that the place is valid and ours.
        unsafe { self.vm.move_to(place) };
    }

    fn len_bytes(&self) -> usize {
        // SAFETY: the cell is valid as long as `self`.
        let len_bytes = unsafe { (*self.vm()).len_bytes };
        usize::try_from(len_bytes).expect("memories fit in the address space")
    }

    /// Size in wasm pages.
    pub(crate) fn size_pages(&self) -> u64 {
        (self.len_bytes() / PAGE_LEN_BYTES) as u64
    }

    /// First byte.
    pub(crate) fn data_ptr(&self) -> *mut u8 {
        // SAFETY: the cell is valid as long as `self`.
        unsafe { (*self.vm()).base }
    }

    /// Content.
    pub(crate) fn data(&self) -> &[u8] {
        // SAFETY: `len_bytes` bytes from the base on are accessible, and whoever could change them
        // needs the store exclusively.
        unsafe { slice::from_raw_parts(self.data_ptr(), self.len_bytes()) }
    }

    /// Content.
    pub(crate) fn data_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in `data`, and the caller has the store exclusively.
        unsafe { slice::from_raw_parts_mut(self.data_ptr(), self.len_bytes()) }
    }

    /// Copies bytes into the memory, if all of them fit.
    pub(crate) fn write(&mut self, offset: usize, bytes: &[u8]) -> Result<(), MemoryError> {
        let end = offset
            .checked_add(bytes.len())
            .ok_or(MemoryError::OutOfBoundsAccess)?;
        self.data_mut()
            .get_mut(offset..end)
            .ok_or(MemoryError::OutOfBoundsAccess)?
            .copy_from_slice(bytes);
        Ok(())
    }

    /// Writes the image of a memory that was just created for this module.
    pub(crate) fn write_image(
        &mut self,
        module: &Module,
        image: &MemoryImage<'_>,
    ) -> Result<(), Error> {
        let len_bytes = image.bytes.len();
        let end = image.memory_offset.checked_add(len_bytes);
        if end.is_none_or(|end| end > self.len_bytes()) {
            return Err(MemoryError::OutOfBoundsAccess.into());
        }
        if let Backing::Guard(guard) = &self.backing
            && guard.module.is_some()
        {
            return Ok(());
        }
        let page = os::host_page_size();
        if let (Backing::Guard(guard), Some((file, file_offset))) = (&mut self.backing, image.file)
            && len_bytes >= MIN_MAPPED_IMAGE_LEN_BYTES
            && image.memory_offset.is_multiple_of(page)
            && len_bytes.is_multiple_of(page)
            && file_offset.is_multiple_of(page as u64)
        {
            let place = image.memory_offset..image.memory_offset + len_bytes;
            guard
                .slot_mut()
                .map_image(module, place, file, file_offset)
                .map_err(out_of_memory)?;
            guard.module = Some(module.clone());
            return Ok(());
        }
        self.write(image.memory_offset, image.bytes)?;
        Ok(())
    }

    /// Grows by a number of pages and returns the size before. What it grows by, in bytes, is charged
    /// when nothing else is in the way but the host.
    pub(crate) fn grow(
        &mut self,
        delta_pages: u64,
        mut limiter: Option<&mut dyn ResourceLimiter>,
        charge: &mut dyn FnMut(u64) -> Result<(), MemoryError>,
    ) -> Result<u64, MemoryError> {
        let old_pages = self.size_pages();
        if delta_pages == 0 {
            return Ok(old_pages);
        }
        let implemented = u64::from(MEMORY_MAX_GROWN_PAGES);
        let largest = self.ty.maximum().unwrap_or(implemented).min(implemented);
        let new_pages = old_pages
            .checked_add(delta_pages)
            .filter(|pages| *pages <= largest)
            .ok_or(MemoryError::OutOfBoundsGrowth)?;
        let new_len_bytes = byte_len(new_pages);
        if let Some(limiter) = limiter.as_deref_mut() {
            let maximum = self.ty.maximum().map(byte_len);
            if !limiter.memory_growing(self.len_bytes(), new_len_bytes, maximum)? {
                return Err(MemoryError::OutOfBoundsGrowth);
            }
        }
        let grown_bytes = (new_len_bytes - self.len_bytes()) as u64;
        let grown = charge(grown_bytes).and_then(|()| self.grow_backing(new_len_bytes));
        if let Err(error) = grown {
            if let Some(limiter) = limiter {
                limiter.memory_grow_failed(&error)?;
            }
            return Err(error);
        }
        Ok(old_pages)
    }

    /// Notes that a module imports the memory, with this minimum: its code is good for no smaller one.
    pub(super) fn rely_on(&mut self, minimum_pages: u64) {
        self.relied_on_pages = self.relied_on_pages.max(minimum_pages);
    }

    /// Whether nobody relies on more than the memory has when it is new.
    pub(super) fn check_reset(&self) -> Result<(), InstanceError> {
        if self.relied_on_pages > self.ty.minimum() {
            return Err(InstanceError::Shared { what: "memory" });
        }
        Ok(())
    }

    /// Makes the memory what it was before anybody wrote to it: of its minimum's length, and zero, but
    /// for an image that is mapped. [`Self::check_reset`] comes before.
    pub(super) fn reset(&mut self) -> Result<(), Error> {
        let len_bytes = byte_len(self.ty.minimum());
        let is_grown = len_bytes != self.len_bytes();
        match &mut self.backing {
            Backing::Guard(guard) => {
                let keep = guard.pool.keep_resident_bytes();
                let image = guard.module.clone();
                let image = image.as_ref().map(|module| module.library().image());
                guard
                    .slot_mut()
                    .reset(len_bytes, keep, image.unwrap_or_default())
                    .map_err(out_of_memory)?;
            }
            Backing::Explicit(mapping) if is_grown => {
                *mapping = Mapping::zeroed(len_bytes).map_err(out_of_memory)?;
            }
            Backing::Explicit(mapping) => {
                mapping.discard(0..len_bytes).map_err(out_of_memory)?;
            }
            Backing::Static { .. } => self.data_mut().fill(0),
        }
        let base = match &self.backing {
            Backing::Guard(guard) => guard.slot().mapping().base(),
            Backing::Explicit(mapping) => mapping.base(),
            Backing::Static { .. } => self.data_ptr(),
        };
        // SAFETY: the cell is valid as long as `self`, and the guest that reads it does not run.
        unsafe {
            *self.vm() = VMMemory {
                base,
                len_bytes: len_bytes as u64,
            };
        }
        Ok(())
    }

    fn grow_backing(&mut self, new_len_bytes: usize) -> Result<(), MemoryError> {
        let old_len_bytes = self.len_bytes();
        let base = match &mut self.backing {
            Backing::Guard(guard) => {
                let slot = guard.slot_mut();
                slot.resize(new_len_bytes)
                    .map_err(|_| MemoryError::OutOfSystemMemory)?;
                slot.mapping().base()
            }
            Backing::Explicit(mapping) => {
                mapping
                    .grow(new_len_bytes)
                    .map_err(|_| MemoryError::OutOfSystemMemory)?;
                mapping.base()
            }
            Backing::Static { capacity_bytes } => {
                if new_len_bytes > *capacity_bytes {
                    return Err(MemoryError::OutOfBoundsGrowth);
                }
                self.data_ptr()
            }
        };
        if let Backing::Static { .. } = self.backing {
            // SAFETY: the buffer has `new_len_bytes` bytes, and the caller has the store
            // exclusively.
            unsafe {
                base.add(old_len_bytes)
                    .write_bytes(0, new_len_bytes - old_len_bytes);
            }
        }
        // SAFETY: the cell is valid as long as `self`; the guest that reads it has called us, or
        // does not run.
        unsafe {
            *self.vm() = VMMemory {
                base,
                len_bytes: new_len_bytes as u64,
            };
        }
        Ok(())
    }

    /// The reservation, for signal handlers: where the memory starts in it, and the length from there.
    fn reservation(&self) -> Option<(usize, usize)> {
        match &self.backing {
            Backing::Guard(guard) => {
                let mapping = guard.slot().mapping();
                Some((mapping.base().addr(), mapping.len_bytes()))
            }
            Backing::Explicit(_) | Backing::Static { .. } => None,
        }
    }
}

/// Bytes of a number of pages that is at most [`MEMORY_MAX_PAGES`](wasmelt_abi::MEMORY_MAX_PAGES).
fn byte_len(pages: u64) -> usize {
    // Only a maximum that was declared for 64-bit indices is too large, and a limiter sees it cut.
    usize::try_from(pages)
        .unwrap_or(usize::MAX)
        .saturating_mul(PAGE_LEN_BYTES)
}

#[expect(clippy::needless_pass_by_value, reason = "it is passed to map_err")]
fn out_of_memory(error: io::Error) -> Error {
    HostFailure::OperatingSystem {
        operation: "map a linear memory",
        error: error.to_string(),
    }
    .into()
}

impl StoreInner {
    /// Creates a memory for the host, with the strategy of the engine's modules.
    pub(crate) fn create_memory(
        &mut self,
        ty: MemoryType,
        limiter: Option<&mut dyn ResourceLimiter>,
    ) -> Result<Memory, Error> {
        let strategy = self.engine().config().codegen().bounds;
        let engine = self.engine().clone();
        let memory = new_limited(ty, limiter, || {
            MemoryEntity::new(ty, strategy, &engine, None)
        })?;
        Ok(self.add_memory(memory))
    }

    /// Creates a memory in a buffer of the host.
    pub(crate) fn create_static_memory(
        &mut self,
        ty: MemoryType,
        buffer: &'static mut [u8],
        limiter: Option<&mut dyn ResourceLimiter>,
    ) -> Result<Memory, Error> {
        let memory = new_limited(ty, limiter, || Ok(MemoryEntity::new_static(ty, buffer)?))?;
        Ok(self.add_memory(memory))
    }

    /// Creates a memory for an instance, not yet in the store.
    pub(crate) fn new_instance_memory(
        ty: MemoryType,
        module: &Module,
        limiter: Option<&mut dyn ResourceLimiter>,
    ) -> Result<MemoryEntity, Error> {
        let strategy = module.library().descriptor().options.bounds;
        new_limited(ty, limiter, || {
            MemoryEntity::new(ty, strategy, module.engine(), Some(module))
        })
        .map_err(|error| match error.kind() {
            crate::errors::ErrorKind::Memory(error) => {
                InstantiationError::FailedToInstantiateMemory(*error).into()
            }
            _ => error,
        })
    }

    pub(crate) fn add_memory(&mut self, memory: MemoryEntity) -> Memory {
        if let Some((base, len_bytes)) = memory.reservation() {
            self.vm.add_reservation(base, len_bytes, memory.vm());
        }
        let index = u32::try_from(self.vm.memories.len()).expect("fewer than 2^32 memories");
        self.vm.memories.push(memory);
        Memory(self.id().own(index))
    }

    pub(crate) fn memory(&self, memory: Memory) -> &MemoryEntity {
        &self.vm.memories[memory.0.index(self) as usize]
    }

    pub(crate) fn memory_mut(&mut self, memory: Memory) -> &mut MemoryEntity {
        let index = memory.0.index(self) as usize;
        &mut self.vm.memories[index]
    }
}

impl StoreVm {
    /// Number of memories, for the limiter.
    pub(crate) fn memory_count(&self) -> usize {
        self.memories.len()
    }
}

/// Asks the limiter, and tells it if creation fails all the same.
fn new_limited(
    ty: MemoryType,
    mut limiter: Option<&mut dyn ResourceLimiter>,
    create: impl FnOnce() -> Result<MemoryEntity, Error>,
) -> Result<MemoryEntity, Error> {
    if ty.minimum() > u64::from(MEMORY_MAX_PAGES) {
        return Err(MemoryError::OutOfSystemMemory.into());
    }
    if let Some(limiter) = limiter.as_deref_mut() {
        let maximum = ty.maximum().map(byte_len);
        let allowed = limiter
            .memory_growing(0, byte_len(ty.minimum()), maximum)
            .map_err(MemoryError::from)?;
        if !allowed {
            return Err(MemoryError::ResourceLimiterDeniedAllocation.into());
        }
    }
    create().inspect_err(|_| {
        if let Some(limiter) = limiter {
            // The creation fails whatever the limiter says to this.
            let _ = limiter.memory_grow_failed(&MemoryError::OutOfSystemMemory);
        }
    })
}
