//! Reads and writes little-endian bytes; every read is checked.

use alloc::{string::String, vec::Vec};
use core::fmt;

/// Stored bytes that do not have the form they should.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DecodeError {
    /// Offset in the decoded bytes.
    pub position: usize,
    /// What was expected there.
    pub what: &'static str,
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "invalid {} at byte {}", self.what, self.position)
    }
}

impl core::error::Error for DecodeError {}

/// A cursor over bytes that are claims until checked.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl<'a> Reader<'a> {
    /// A cursor at the first byte.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, position: 0 }
    }

    /// Offset of the next byte.
    #[must_use]
    pub const fn position(&self) -> usize {
        self.position
    }

    /// Whether all bytes were read.
    #[must_use]
    pub const fn is_at_end(&self) -> bool {
        self.position == self.bytes.len()
    }

    /// An error that names the current position.
    #[must_use]
    pub const fn error(&self, what: &'static str) -> DecodeError {
        DecodeError {
            position: self.position,
            what,
        }
    }

    /// The next `len_bytes` bytes.
    ///
    /// # Errors
    ///
    /// If fewer are left.
    pub fn take(&mut self, len_bytes: usize) -> Result<&'a [u8], DecodeError> {
        let end = self
            .position
            .checked_add(len_bytes)
            .ok_or(self.error("length"))?;
        let taken = self
            .bytes
            .get(self.position..end)
            .ok_or(self.error("length"))?;
        self.position = end;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    /// One byte.
    ///
    /// # Errors
    ///
    /// If none is left.
    pub fn u8(&mut self) -> Result<u8, DecodeError> {
        Ok(self.array::<1>()?[0])
    }

    /// Two bytes.
    ///
    /// # Errors
    ///
    /// If fewer are left.
    pub fn u16(&mut self) -> Result<u16, DecodeError> {
        self.array().map(u16::from_le_bytes)
    }

    /// Four bytes.
    ///
    /// # Errors
    ///
    /// If fewer are left.
    pub fn u32(&mut self) -> Result<u32, DecodeError> {
        self.array().map(u32::from_le_bytes)
    }

    /// Eight bytes.
    ///
    /// # Errors
    ///
    /// If fewer are left.
    pub fn u64(&mut self) -> Result<u64, DecodeError> {
        self.array().map(u64::from_le_bytes)
    }

    /// A count of records of at least `min_record_len_bytes` each, bounded by what is left, so
    /// that a hostile count reserves no memory.
    ///
    /// # Errors
    ///
    /// If so many records cannot follow.
    pub fn count(&mut self, min_record_len_bytes: usize) -> Result<usize, DecodeError> {
        let error = self.error("count");
        let count = self.u32()? as usize;
        let left = self.bytes.len() - self.position;
        if count
            .checked_mul(min_record_len_bytes)
            .is_none_or(|needed| needed > left)
        {
            return Err(error);
        }
        Ok(count)
    }

    /// A length-prefixed byte string.
    ///
    /// # Errors
    ///
    /// If fewer bytes are left than the length says.
    pub fn bytes(&mut self) -> Result<&'a [u8], DecodeError> {
        let len_bytes = self.count(1)?;
        self.take(len_bytes)
    }

    /// A length-prefixed UTF-8 string.
    ///
    /// # Errors
    ///
    /// If fewer bytes are left than the length says, or they are not UTF-8.
    pub fn string(&mut self) -> Result<String, DecodeError> {
        let error = self.error("UTF-8 string");
        let bytes = self.bytes()?;
        core::str::from_utf8(bytes)
            .map(String::from)
            .map_err(|_| error)
    }

    /// An unsigned LEB128 number of at most 32 bits.
    ///
    /// # Errors
    ///
    /// If it is longer or cut off.
    pub fn uleb(&mut self) -> Result<u32, DecodeError> {
        let error = self.error("LEB128 number");
        let mut value = 0u64;
        for shift in (0..35).step_by(7) {
            let byte = self.u8()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return u32::try_from(value).map_err(|_| error);
            }
        }
        Err(error)
    }
}

/// Builds little-endian bytes.
#[derive(Debug, Clone, Default)]
pub struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    /// An empty writer.
    #[must_use]
    pub const fn new() -> Self {
        Self { bytes: Vec::new() }
    }

    /// The bytes written so far.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        self.bytes
    }

    /// How many bytes were written.
    #[must_use]
    pub fn len_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Appends raw bytes.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Appends one byte.
    pub fn u8(&mut self, value: u8) {
        self.bytes.push(value);
    }

    /// Appends two bytes.
    pub fn u16(&mut self, value: u16) {
        self.raw(&value.to_le_bytes());
    }

    /// Appends four bytes.
    pub fn u32(&mut self, value: u32) {
        self.raw(&value.to_le_bytes());
    }

    /// Appends eight bytes.
    pub fn u64(&mut self, value: u64) {
        self.raw(&value.to_le_bytes());
    }

    /// Appends a count or length.
    ///
    /// # Panics
    ///
    /// If it does not fit in 32 bits: wasm modules are smaller than that.
    pub fn count(&mut self, value: usize) {
        self.u32(u32::try_from(value).expect("counts of a module fit in 32 bits"));
    }

    /// Appends a length-prefixed byte string.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.count(bytes.len());
        self.raw(bytes);
    }

    /// Appends an unsigned LEB128 number.
    pub fn uleb(&mut self, mut value: u32) {
        loop {
            let low = value.to_le_bytes()[0] & 0x7f;
            value >>= 7;
            if value == 0 {
                return self.u8(low);
            }
            self.u8(low | 0x80);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Reader, Writer};

    #[test]
    fn leb_numbers_survive_a_round_trip() {
        for value in [0, 1, 127, 128, 300, 0xffff, u32::MAX] {
            let mut writer = Writer::new();
            writer.uleb(value);
            let bytes = writer.finish();
            assert_eq!(Reader::new(&bytes).uleb(), Ok(value));
        }
        assert!(Reader::new(&[0xff; 5]).uleb().is_err());
    }

    #[test]
    fn a_hostile_count_is_refused_before_it_is_believed() {
        assert!(Reader::new(&u32::MAX.to_le_bytes()).count(1).is_err());
        assert!(
            Reader::new(&u32::MAX.to_le_bytes())
                .count(usize::MAX)
                .is_err()
        );
    }
}
