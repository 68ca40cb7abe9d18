//! Reads bytes from a stream.

use crate::errors::ReadError;
use std::io;

/// A source of bytes.
pub trait Read {
    /// Reads into `buf` and returns how many bytes there were; 0 at the end.
    ///
    /// # Errors
    ///
    /// If the source fails.
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, ReadError>;
}

impl<R: io::Read> Read for R {
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, ReadError> {
        io::Read::read(self, buf).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => ReadError::EndOfStream,
            _ => ReadError::UnknownError,
        })
    }
}
