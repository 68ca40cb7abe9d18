//! Maps text offsets of trapping instructions to trap codes, for sites that are no memory access.
//!
//! Stored: a `u32` count, then that many ascending `u32` text offsets, then as many `u8` codes.

use crate::{
    bytes::{DecodeError, Reader, Writer},
    trap::TrapCode,
};
use alloc::vec::Vec;

/// Collects trap sites in ascending order.
#[derive(Debug, Default)]
pub struct TrapTableBuilder {
    offsets: Vec<u32>,
    codes: Vec<u8>,
}

impl TrapTableBuilder {
    /// Adds the instruction at `text_offset`.
    ///
    /// # Panics
    ///
    /// If it does not lie behind the one added before.
    pub fn push(&mut self, text_offset: u32, code: TrapCode) {
        assert!(
            self.offsets.last().is_none_or(|last| *last < text_offset),
            "sites ascend"
        );
        self.offsets.push(text_offset);
        self.codes.push(code as u8);
    }

    /// The stored form.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.count(self.offsets.len());
        for offset in self.offsets {
            writer.u32(offset);
        }
        writer.raw(&self.codes);
        writer.finish()
    }
}

/// A stored trap table; safe to search in a signal handler.
#[derive(Debug, Clone, Copy)]
pub struct TrapTable<'a> {
    offsets: &'a [u8],
    codes: &'a [u8],
}

impl<'a> TrapTable<'a> {
    /// Checks the lengths of a stored table.
    ///
    /// # Errors
    ///
    /// If they do not fit each other.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let count = reader.count(5)?;
        let offsets = reader.take(count * 4)?;
        let codes = reader.take(count)?;
        if !reader.is_at_end() {
            return Err(reader.error("end of trap table"));
        }
        Ok(Self { offsets, codes })
    }

    /// Number of sites.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.codes.len()
    }

    /// Whether there is no site.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.codes.is_empty()
    }

    /// The code of the instruction at `text_offset`, if it is a site.
    #[must_use]
    pub fn lookup(&self, text_offset: u32) -> Option<TrapCode> {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low + (high - low) / 2;
            match self.offset_at(middle)?.cmp(&text_offset) {
                core::cmp::Ordering::Less => low = middle + 1,
                core::cmp::Ordering::Greater => high = middle,
                core::cmp::Ordering::Equal => {
                    return TrapCode::try_from(*self.codes.get(middle)?).ok();
                }
            }
        }
        None
    }

    fn offset_at(&self, index: usize) -> Option<u32> {
        let bytes = self.offsets.get(index * 4..index * 4 + 4)?;
        Some(u32::from_le_bytes(bytes.try_into().ok()?))
    }
}

#[cfg(test)]
mod tests {
    use super::{TrapTable, TrapTableBuilder};
    use crate::TrapCode;

    #[test]
    fn sites_are_found_and_their_neighbours_are_not() {
        let mut builder = TrapTableBuilder::default();
        for site in 0..100 {
            builder.push(site * 3, TrapCode::IntegerOverflow);
        }
        let bytes = builder.finish();
        let table = TrapTable::parse(&bytes).expect("well-formed");
        assert_eq!(table.len(), 100);
        for offset in 0..300 {
            assert_eq!(table.lookup(offset).is_some(), offset % 3 == 0);
        }
        assert!(TrapTable::parse(&bytes[..bytes.len() - 1]).is_err());
    }
}
