//! The signature block that ends a file: whose signatures it holds, and how they are stored.
//!
//! ```text
//! offset  size
//!      0     8  `wmeltsig`
//!      8     8  length of the payload; 0 without signatures, and then nothing follows
//!     16     4  number of signatures, 1 to 16
//!     20        each: u32 length in bytes, then a text in UTF-8
//! ```
//!
//! The block is outside of the digest and of [`crate::ModuleDescriptor::file_len_bytes`], so that a
//! signature is added to a finished artifact without changing a byte of what it signs.

use crate::{
    bytes::{DecodeError, Reader, Writer},
    elf::{SIGNATURE_BLOCK_LEN_BYTES, SIGNATURE_BLOCK_MAGIC},
};
use alloc::vec::Vec;

/// Most signatures that a file may have.
pub const MAX_SIGNATURES: usize = 16;

/// Longest payload of a signature block.
pub const MAX_SIGNATURE_PAYLOAD_LEN_BYTES: u64 = 64 * 1024;

/// The block with these signatures; `None` if they are more than a file may have.
#[must_use]
pub fn encode_signature_block<T: AsRef<str>>(texts: &[T]) -> Option<Vec<u8>> {
    let mut payload = Writer::new();
    if !texts.is_empty() {
        payload.count(texts.len());
        for text in texts {
            payload.bytes(text.as_ref().as_bytes());
        }
    }
    let payload = payload.finish();
    let len_bytes = payload.len() as u64;
    if texts.len() > MAX_SIGNATURES || len_bytes > MAX_SIGNATURE_PAYLOAD_LEN_BYTES {
        return None;
    }
    let mut block = Writer::new();
    block.raw(&SIGNATURE_BLOCK_MAGIC);
    block.u64(len_bytes);
    block.raw(&payload);
    Some(block.finish())
}

/// The texts in a block, which are claims: nothing of them is verified.
///
/// # Errors
///
/// If the block is in any byte not one that [`encode_signature_block`] writes.
pub fn decode_signature_block(block: &[u8]) -> Result<Vec<&str>, DecodeError> {
    let mut reader = Reader::new(block);
    let magic = reader.error("signature block");
    if reader.take(SIGNATURE_BLOCK_MAGIC.len())? != SIGNATURE_BLOCK_MAGIC {
        return Err(magic);
    }
    let length = reader.error("length of the signatures");
    let len_bytes = reader.u64()?;
    let follows = block.len() as u64 - SIGNATURE_BLOCK_LEN_BYTES;
    if len_bytes != follows || len_bytes > MAX_SIGNATURE_PAYLOAD_LEN_BYTES {
        return Err(length);
    }
    if len_bytes == 0 {
        return Ok(Vec::new());
    }
    let number = reader.error("number of signatures");
    let count = reader.count(4)?;
    if !(1..=MAX_SIGNATURES).contains(&count) {
        return Err(number);
    }
    let mut texts = Vec::with_capacity(count);
    for _ in 0..count {
        let text = reader.error("text of a signature");
        texts.push(core::str::from_utf8(reader.bytes()?).map_err(|_| text)?);
    }
    if !reader.is_at_end() {
        return Err(reader.error("end of the signatures"));
    }
    Ok(texts)
}

#[cfg(test)]
mod tests {
    use super::{
        MAX_SIGNATURE_PAYLOAD_LEN_BYTES, MAX_SIGNATURES, decode_signature_block,
        encode_signature_block,
    };
    use alloc::{string::String, vec, vec::Vec};

    #[test]
    fn what_is_written_is_read() {
        let most = vec!["x"; MAX_SIGNATURES];
        for texts in [vec![], vec!["a"], vec!["a", "", "é\n"], most] {
            let block = encode_signature_block(&texts).expect("within the bounds");
            assert_eq!(decode_signature_block(&block), Ok(texts));
        }
        let empty = encode_signature_block::<&str>(&[]).expect("within the bounds");
        assert_eq!(empty, b"wmeltsig\0\0\0\0\0\0\0\0");
    }

    #[test]
    fn more_than_a_file_may_have_is_not_written() {
        assert_eq!(encode_signature_block(&["x"; MAX_SIGNATURES + 1]), None);
        let limit = usize::try_from(MAX_SIGNATURE_PAYLOAD_LEN_BYTES).expect("small");
        let longest: String = core::iter::repeat_n('x', limit - 8).collect();
        let block = encode_signature_block(&[&longest]).expect("within the bounds");
        assert_eq!(decode_signature_block(&block), Ok(vec![longest.as_str()]));
        assert_eq!(encode_signature_block(&[longest + "x"]), None);
    }

    #[test]
    fn every_other_form_is_refused() {
        let good = encode_signature_block(&["ab", "c"]).expect("within the bounds");
        for len_bytes in 0..good.len() {
            assert!(
                decode_signature_block(&good[..len_bytes]).is_err(),
                "{len_bytes} bytes"
            );
        }
        let edits: [(&str, usize, u8); 7] = [
            ("signature block", 0, b'W'),
            ("length of the signatures", 8, 14),
            ("length of the signatures", 15, 1),
            ("number of signatures", 16, 0),
            ("number of signatures", 16, 17),
            ("count", 20, 200),
            ("text of a signature", 24, 0xff),
        ];
        for (what, at, byte) in edits {
            let mut block = good.clone();
            block[at] = byte;
            // So many must have room, before they may be too many.
            block.resize(if byte == 17 { 200 } else { block.len() }, 0);
            if byte == 17 {
                block[8] = 184;
            }
            let error = decode_signature_block(&block).expect_err("it is bent");
            assert_eq!(error.what, what, "{at}");
        }
        // One text fewer than there are: something is behind the last.
        let mut block = good.clone();
        block[16] = 1;
        let error = decode_signature_block(&block).expect_err("it is bent");
        assert_eq!(error.what, "end of the signatures");
        // A payload too long for any file, with the right length.
        let mut block: Vec<u8> = good[..8].to_vec();
        block.extend_from_slice(&(MAX_SIGNATURE_PAYLOAD_LEN_BYTES + 1).to_le_bytes());
        block.resize(block.len() + 64 * 1024 + 1, 0);
        let error = decode_signature_block(&block).expect_err("it is too long");
        assert_eq!(error.what, "length of the signatures");
    }
}
