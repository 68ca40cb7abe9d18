//! Keys: 32 bytes, built from labelled fields that cannot run into each other.

use std::fmt;
use std::str::FromStr;

/// Address of an entry: 32 bytes that stand for everything that decides the entry's contents.
///
/// The caller builds it; two different inputs must never share a key, because an entry is never
/// compared with what the caller would have computed. [`KeyBuilder`] is the safe way.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key([u8; 32]);

/// Hashes labelled fields into a [`Key`].
///
/// Each part goes into BLAKE3 as its length (`u64`, little-endian) and then its bytes, beginning
/// with the domain and ending with the number of fields, so that no two different sequences of
/// fields feed the same bytes to the hash:
///
/// ```text
/// | len | domain | { | len | label | len | value | }* | count |
/// ```
///
/// # Example
///
/// ```
/// use wasmelt_cache::KeyBuilder;
///
/// let split = |a: &[u8], b: &[u8]| KeyBuilder::new("doc").field("a", a).field("b", b).finish();
/// assert_ne!(split(b"xy", b"z"), split(b"x", b"yz"));
/// ```
#[derive(Clone, Debug)]
pub struct KeyBuilder {
    hasher: blake3::Hasher,
    fields: u64,
}

impl Key {
    /// Takes 32 bytes that the caller made, such as a digest over its whole input.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The key that an entry's file name stands for.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        let digit = |byte: u8| match byte {
            b'0'..=b'9' => Some(byte - b'0'),
            b'a'..=b'f' => Some(byte - b'a' + 10),
            _ => None,
        };
        let digits: &[u8; 64] = name.as_bytes().try_into().ok()?;
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = digit(pair[0])? << 4 | digit(pair[1])?;
        }
        Some(Self(bytes))
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Key {
    /// 64 lower-case hexadecimal digits, as in the entry's file name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A text that is no key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is no key: one has 64 lower-case hexadecimal digits, as `wasmelt cache ls` shows them"
)]
pub struct ParseKeyError {
    text: String,
}

impl FromStr for Key {
    type Err = ParseKeyError;

    /// Reads what `Display` writes, and nothing else.
    fn from_str(text: &str) -> Result<Self, ParseKeyError> {
        Self::from_name(text).ok_or_else(|| ParseKeyError {
            text: text.to_owned(),
        })
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({self})")
    }
}

impl KeyBuilder {
    /// Begins a key in `domain`: a name and version of the set of fields that follow.
    #[must_use]
    pub fn new(domain: &str) -> Self {
        Self {
            hasher: blake3::Hasher::new(),
            fields: 0,
        }
        .part(domain.as_bytes())
    }

    /// Adds one field. Order counts, and a label may occur more than once.
    #[must_use]
    pub fn field(mut self, label: &str, value: &[u8]) -> Self {
        self.fields += 1;
        self.part(label.as_bytes()).part(value)
    }

    /// Ends the key.
    #[must_use]
    pub fn finish(mut self) -> Key {
        self.hasher.update(&self.fields.to_le_bytes());
        Key(*self.hasher.finalize().as_bytes())
    }

    fn part(mut self, bytes: &[u8]) -> Self {
        // A slice is never longer than `isize::MAX`, which fits.
        let len_bytes = u64::try_from(bytes.len()).expect("a length in memory fits in 64 bits");
        self.hasher.update(&len_bytes.to_le_bytes()).update(bytes);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::{Key, KeyBuilder, ParseKeyError};
    use std::collections::BTreeSet;

    #[test]
    fn a_key_prints_as_its_file_name() {
        let mut bytes = [0u8; 32];
        bytes[0] = 0x0f;
        bytes[31] = 0xa0;
        let text = Key::from_bytes(bytes).to_string();
        assert_eq!(text, format!("0f{}a0", "00".repeat(30)));
    }

    #[test]
    fn a_key_is_read_back_from_its_name_and_from_nothing_else() {
        let key = KeyBuilder::new("d").finish();
        let name = key.to_string();
        assert_eq!(name.parse::<Key>(), Ok(key));
        let upper = name.to_uppercase();
        let long = format!("{name}0");
        let other = format!("{}g", &name[1..]);
        for text in ["", &name[1..], &long, &upper, &other, "é"] {
            let error: ParseKeyError = text.parse::<Key>().expect_err(text);
            assert!(error.to_string().contains("64 lower-case"), "{error}");
        }
    }

    #[test]
    fn the_same_fields_give_the_same_key() {
        let key = || {
            KeyBuilder::new("d")
                .field("a", b"1")
                .field("b", b"")
                .finish()
        };
        assert_eq!(key(), key());
    }

    #[test]
    fn moving_a_byte_across_any_boundary_changes_the_key() {
        let keys = [
            KeyBuilder::new("d").finish(),
            KeyBuilder::new("").finish(),
            KeyBuilder::new("da").finish(),
            KeyBuilder::new("d").field("a", b"").finish(),
            KeyBuilder::new("d").field("", b"a").finish(),
            KeyBuilder::new("d").field("", b"").field("a", b"").finish(),
            KeyBuilder::new("d").field("a", b"").field("", b"").finish(),
            KeyBuilder::new("d")
                .field("a", b"b")
                .field("c", b"d")
                .finish(),
            KeyBuilder::new("d")
                .field("a", b"bc")
                .field("", b"d")
                .finish(),
            KeyBuilder::new("d")
                .field("ab", b"")
                .field("c", b"d")
                .finish(),
            KeyBuilder::new("d")
                .field("c", b"d")
                .field("a", b"b")
                .finish(),
        ];
        assert_eq!(keys.iter().collect::<BTreeSet<_>>().len(), keys.len());
    }

    #[test]
    fn a_field_that_contains_the_encoding_of_two_is_not_those_two() {
        let two = KeyBuilder::new("d")
            .field("a", b"b")
            .field("c", b"e")
            .finish();
        let mut value = b"b".to_vec();
        value.extend_from_slice(&1u64.to_le_bytes());
        value.extend_from_slice(b"c");
        value.extend_from_slice(&1u64.to_le_bytes());
        value.extend_from_slice(b"e");
        assert_ne!(KeyBuilder::new("d").field("a", &value).finish(), two);
    }
}
