//! Opens the containers in which Substrate nodes ship their code: an 8-byte magic before a zstd frame.

use std::borrow::Cow;
use std::io::Read;

use thiserror::Error;

/// The first bytes of a compressed runtime; a zstd frame follows.
pub const COMPRESSED_MAGIC: [u8; 8] = [0x52, 0xbc, 0x53, 0x76, 0x46, 0xdb, 0x8e, 0x05];

/// Most bytes a decompressed runtime may have: 50 MiB, the limit that Substrate's nodes apply.
pub const MAX_DECOMPRESSED_BYTES: u64 = 50 * 1024 * 1024;

/// Why a container could not be opened.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BlobError {
    /// The bytes after the magic are not a zstd frame, or the frame is damaged.
    #[error("compressed runtime cannot be decompressed")]
    Frame(#[source] std::io::Error),
    /// The frame holds more than the limit; nothing past the limit was decompressed.
    #[error(
        "compressed runtime holds more than {limit_bytes} bytes: possibly a decompression bomb"
    )]
    TooLong {
        /// The limit that was exceeded.
        limit_bytes: u64,
    },
}

/// The module inside `blob`: decompressed when it starts with [`COMPRESSED_MAGIC`], unchanged otherwise.
///
/// # Errors
///
/// When the frame is damaged or holds more than [`MAX_DECOMPRESSED_BYTES`].
pub fn decompress(blob: &[u8]) -> Result<Cow<'_, [u8]>, BlobError> {
    decompress_up_to(blob, MAX_DECOMPRESSED_BYTES)
}

/// As [`decompress`], with a limit of the caller's choice.
///
/// # Errors
///
/// When the frame is damaged or holds more than `limit_bytes`.
pub fn decompress_up_to(blob: &[u8], limit_bytes: u64) -> Result<Cow<'_, [u8]>, BlobError> {
    let Some(frame) = blob.strip_prefix(COMPRESSED_MAGIC.as_slice()) else {
        return Ok(Cow::Borrowed(blob));
    };
    let decoder = ruzstd::decoding::StreamingDecoder::new(frame)
        .map_err(|error| BlobError::Frame(std::io::Error::other(error.to_string())))?;
    let mut module = Vec::new();
    // One byte above the limit tells "exactly the limit" from "more".
    decoder
        .take(limit_bytes.saturating_add(1))
        .read_to_end(&mut module)
        .map_err(BlobError::Frame)?;
    if module.len() as u64 > limit_bytes {
        return Err(BlobError::TooLong { limit_bytes });
    }
    Ok(Cow::Owned(module))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compressed(bytes: &[u8]) -> Vec<u8> {
        let mut blob = COMPRESSED_MAGIC.to_vec();
        blob.extend(ruzstd::encoding::compress_to_vec(
            bytes,
            ruzstd::encoding::CompressionLevel::Fastest,
        ));
        blob
    }

    #[test]
    fn bytes_without_the_magic_are_left_alone() {
        let module = b"\0asm\x01\0\0\0";
        let opened = decompress(module).expect("an ordinary module needs no decompression");
        assert!(matches!(opened, Cow::Borrowed(bytes) if bytes == module));
    }

    #[test]
    fn a_blob_gives_the_module_inside() {
        let module = [b"\0asm\x01\0\0\0".as_slice(), &[7; 100_000]].concat();
        assert_eq!(
            decompress(&compressed(&module)).expect("a sound frame opens"),
            module
        );
    }

    #[test]
    fn one_byte_above_the_limit_is_a_bomb() {
        let blob = compressed(&[0; 4096]);
        assert_eq!(
            decompress_up_to(&blob, 4096)
                .expect("the limit itself is allowed")
                .len(),
            4096
        );
        let refused = decompress_up_to(&blob, 4095).expect_err("above the limit");
        assert!(matches!(refused, BlobError::TooLong { limit_bytes: 4095 }));
    }

    #[test]
    fn a_damaged_or_truncated_frame_is_refused() {
        let blob = compressed(&[1; 4096]);
        for damaged in [&blob[..blob.len() - 1], &blob[..9], &COMPRESSED_MAGIC[..]] {
            assert!(matches!(decompress(damaged), Err(BlobError::Frame(_))));
        }
    }
}
