//! Reservations of guard-page memories that are used again, and how they become clean.
//!
//! Mapping and unmapping a reservation costs more than most instances live for. So a memory gives its
//! reservation back to the engine, which keeps some. Before anybody else gets it, it has become what a
//! new one would be:
//!
//! - Pages that were written are zero, or what the module's image says, again. Few are overwritten
//!   and stay mapped, so that the next guest faults on none of them; beyond a limit all are given
//!   back to the system. The system says which pages were written (`PAGEMAP_SCAN`, Linux 6.7);
//!   where it does not, all are given back.
//! - What lies behind the new memory's length is inaccessible.
//! - An image stays mapped for the next instance of the same module, and is replaced for others.
//!
//! This file is part of the sandbox: a mistake here shows one guest the memory of another.
#![allow(unsafe_code, reason = "memory that compiled code reads and writes")]

use super::{
    memory::reserve_guard_memory,
    os::{DirtyPages, Mapping, dirty_pages},
};
use crate::{
    config::PoolConfig,
    module::{Module, ModuleWeak},
};
use core::{fmt, mem::ManuallyDrop, ops::Range};
use std::{
    io,
    sync::{Mutex, MutexGuard, TryLockError},
};

/// Memories that have grown beyond this are not kept: the system's own tables for them may be large,
/// and stay.
const MAX_KEPT_LEN_BYTES: usize = 64 << 20;

/// The reservations that an engine keeps.
pub(crate) struct MemoryPool {
    config: PoolConfig,
    free: Mutex<Vec<Slot>>,
}

/// A full reservation.
#[derive(Debug)]
pub(super) struct Slot {
    mapping: ManuallyDrop<Mapping>,
    condition: Condition,
    /// From the start on, so much is readable and writable; nothing else is.
    accessible_bytes: usize,
    /// An image that is mapped in the accessible part.
    image: Option<SlotImage>,
}

/// What can be done with a reservation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Condition {
    Good,
    /// The system refused to change some access: it may have changed a part.
    Unknown,
    /// The system refused to replace a part: the old mapping may be gone, and somebody else's may be
    /// in its place. Nobody may use or unmap it any more.
    Hole,
}

impl Drop for Slot {
    fn drop(&mut self) {
        if self.condition != Condition::Hole {
            // SAFETY: it is dropped once, here, and not used any more.
            unsafe { ManuallyDrop::drop(&mut self.mapping) };
        }
    }
}

#[derive(Debug)]
struct SlotImage {
    module: ModuleWeak,
    place: Range<usize>,
}

impl MemoryPool {
    pub(crate) fn new(config: PoolConfig) -> Self {
        Self {
            config,
            free: Mutex::new(Vec::new()),
        }
    }

    /// A reservation whose first `len_bytes` bytes are accessible: zeros, and the image of `module` if
    /// [`Slot::has_image_of`] says so.
    pub(super) fn take(&self, len_bytes: usize, module: Option<&Module>) -> io::Result<Slot> {
        let found = self.lock().and_then(|mut free| {
            let position = free
                .iter()
                .rposition(|slot| slot.has_image_of(module))
                .or_else(|| free.iter().rposition(|slot| slot.image.is_none()))
                .or_else(|| free.len().checked_sub(1));
            position.map(|position| free.swap_remove(position))
        });
        if let Some(mut slot) = found
            // Otherwise a new one is made.
            && slot.prepare(len_bytes, module).is_ok()
        {
            return Ok(slot);
        }
        let mapping = reserve_guard_memory().or_else(|_| {
            // There may not be enough addresses for what is kept and this one.
            let kept = self.lock().map(|mut free| core::mem::take(&mut *free));
            drop(kept);
            reserve_guard_memory()
        })?;
        let mut slot = Slot {
            mapping: ManuallyDrop::new(mapping),
            condition: Condition::Good,
            accessible_bytes: 0,
            image: None,
        };
        slot.resize(len_bytes)?;
        Ok(slot)
    }

    /// Cleans a reservation, and keeps it unless there are enough. `image` is what its image was
    /// mapped from.
    pub(super) fn give_back(&self, mut slot: Slot, image: &[u8]) {
        let has_room = |free: &Vec<Slot>| free.len() < self.config.max_memories;
        if slot.condition != Condition::Good
            || slot.accessible_bytes > MAX_KEPT_LEN_BYTES
            || !self.lock().is_some_and(|free| has_room(&free))
            || slot.clean(self.config.keep_resident_bytes, image).is_err()
        {
            return;
        }
        if let Some(mut free) = self.lock()
            && has_room(&free)
        {
            free.push(slot);
        }
    }

    /// Of a memory that nobody uses, at most so much stays in RAM.
    pub(super) fn keep_resident_bytes(&self) -> usize {
        self.config.keep_resident_bytes
    }

    /// Unmaps images of modules that are gone, and with them their files.
    pub(crate) fn forget_dead_modules(&self) {
        let is_dead = |slot: &mut Slot| {
            let image = slot.image.as_ref();
            image.is_some_and(|image| image.module.is_dead())
        };
        let dead: Vec<Slot> = match self.lock() {
            Some(mut free) => free.extract_if(.., is_dead).collect(),
            None => Vec::new(),
        };
        drop(dead);
    }

    /// The free reservations, unless somebody else has them just now: in a child process that may be
    /// a thread which is not there.
    fn lock(&self) -> Option<MutexGuard<'_, Vec<Slot>>> {
        match self.free.try_lock() {
            Ok(free) => Some(free),
            // Nothing that can panic is done while it is held.
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }
}

impl fmt::Debug for MemoryPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryPool")
            .field("config", &self.config)
            .field("free", &self.lock().map(|free| free.len()))
            .finish()
    }
}

impl Slot {
    pub(super) fn mapping(&self) -> &Mapping {
        &self.mapping
    }

    /// Whether the image of this module is mapped.
    pub(super) fn has_image_of(&self, module: Option<&Module>) -> bool {
        match (&self.image, module) {
            (Some(image), Some(module)) => image.module.is(module),
            _ => false,
        }
    }

    /// Maps a module's image from a file.
    pub(super) fn map_image(
        &mut self,
        module: &Module,
        place: Range<usize>,
        file: std::os::fd::BorrowedFd<'_>,
        file_offset: u64,
    ) -> io::Result<()> {
        assert!(
            self.image.is_none() && place.end <= self.accessible_bytes,
            "there is one image, in the accessible part"
        );
        self.mapping
            .map_file(place.start, place.len(), file, file_offset)
            .inspect_err(|_| self.condition = Condition::Hole)?;
        self.image = Some(SlotImage {
            module: module.weak(),
            place,
        });
        Ok(())
    }

    /// Makes so many bytes from the start on accessible, and nothing else.
    pub(super) fn resize(&mut self, len_bytes: usize) -> io::Result<()> {
        let old_len_bytes = self.accessible_bytes;
        if len_bytes >= old_len_bytes {
            self.mapping
                .make_accessible(old_len_bytes, len_bytes)
                .inspect_err(|_| self.condition = Condition::Unknown)?;
        } else {
            self.mapping
                .make_inaccessible(len_bytes, old_len_bytes)
                .inspect_err(|_| self.condition = Condition::Hole)?;
        }
        self.accessible_bytes = len_bytes;
        Ok(())
    }

    /// Makes the memory what it was when it was made, `len_bytes` long. `image` is what its image was
    /// mapped from. If the system refuses, the length stays.
    pub(super) fn reset(
        &mut self,
        len_bytes: usize,
        keep_resident_bytes: usize,
        image: &[u8],
    ) -> io::Result<()> {
        if self.condition != Condition::Good {
            return Err(io::ErrorKind::OutOfMemory.into());
        }
        self.clean(keep_resident_bytes, image)?;
        if len_bytes < self.accessible_bytes {
            // Not by a new mapping: a place in this one that is not ours must not be reachable.
            self.mapping
                .forbid(len_bytes..self.accessible_bytes)
                .inspect_err(|_| self.condition = Condition::Unknown)?;
            self.accessible_bytes = len_bytes;
        }
        Ok(())
    }

    /// Makes a clean reservation that of a new memory.
    fn prepare(&mut self, len_bytes: usize, module: Option<&Module>) -> io::Result<()> {
        if !self.has_image_of(module)
            && let Some(image) = self.image.take()
        {
            self.mapping
                .map_zeros(image.place)
                .inspect_err(|_| self.condition = Condition::Hole)?;
        }
        if len_bytes != self.accessible_bytes {
            self.resize(len_bytes)?;
        }
        Ok(())
    }

    /// Makes every byte what it was when the memory was made.
    fn clean(&mut self, keep_resident_bytes: usize, image: &[u8]) -> io::Result<()> {
        let all = 0..self.accessible_bytes;
        if keep_resident_bytes == 0 {
            return self.mapping.discard(all);
        }
        let image_place = match &self.image {
            Some(slot_image) => slot_image.place.clone(),
            None => 0..0,
        };
        let mapping = &mut self.mapping;
        let outcome = dirty_pages(
            mapping,
            all.clone(),
            keep_resident_bytes,
            |dirty, bytes, is_zero_page| {
                // Zeros are right outside of the image.
                let is_outside = dirty.end <= image_place.start || dirty.start >= image_place.end;
                let is_dirty = !(is_zero_page && is_outside);
                if is_dirty {
                    restore(dirty, bytes, &image_place, image);
                }
                is_dirty
            },
        );
        match outcome {
            Ok(DirtyPages::All) => Ok(()),
            // Unknown, or too many.
            Ok(DirtyPages::More) | Err(_) => self.mapping.discard(all),
        }
    }
}

/// Overwrites the bytes at `dirty` in a memory with those of the image, and with zeros outside.
fn restore(dirty: Range<usize>, bytes: &mut [u8], image_place: &Range<usize>, image: &[u8]) {
    let start = dirty.start.clamp(image_place.start, image_place.end);
    let end = dirty.end.clamp(image_place.start, image_place.end);
    if start >= end {
        return bytes.fill(0);
    }
    let (before, rest) = bytes.split_at_mut(start - dirty.start);
    let (inside, after) = rest.split_at_mut(end - start);
    before.fill(0);
    inside.copy_from_slice(&image[start - image_place.start..end - image_place.start]);
    after.fill(0);
}

#[cfg(test)]
mod tests {
    use super::restore;

    #[test]
    fn bytes_are_restored_inside_and_outside_of_an_image() {
        let image: Vec<u8> = (1..=4).collect();
        // The image lies at 10..14.
        for (dirty, expected) in [
            (0..4, vec![0, 0, 0, 0]),
            (8..12, vec![0, 0, 1, 2]),
            (11..13, vec![2, 3]),
            (12..16, vec![3, 4, 0, 0]),
            (8..16, vec![0, 0, 1, 2, 3, 4, 0, 0]),
            (14..16, vec![0, 0]),
        ] {
            let mut bytes = vec![9; dirty.len()];
            restore(dirty.clone(), &mut bytes, &(10..14), &image);
            assert_eq!(bytes, expected, "{dirty:?}");
        }
        let mut bytes = [9; 2];
        restore(5..7, &mut bytes, &(0..0), &[]);
        assert_eq!(bytes, [0, 0]);
    }
}
