//! Who vouches for an artifact: keys and signatures in the format of minisign, and k of n keys.
//!
//! Sandbox-critical. What is signed is the whole file with an empty signature block, so a signature
//! is the same whether it is embedded or in a file of its own, and `minisign -V` verifies the latter.

use crate::{check::signature_block_start, error::LoadError};
use ct_codecs::{Base64, Decoder as _};
use minisign_verify::{PublicKey, Signature};
use std::{collections::BTreeSet, fmt};
use thiserror::Error;
use wasmelt_abi::ModuleDescriptor;

/// Lines of a signature: a comment, the signature, the trusted comment, and the signature of both.
const SIGNATURE_LINES: usize = 4;

/// Algorithm of signatures of a file's hash, which are the only ones accepted.
const PREHASHED: &[u8] = b"ED";

/// The number by which minisign names a key. It is a hint where to look, and proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId([u8; 8]);

impl KeyId {
    /// The number as keys and signatures store it.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 8]) -> Self {
        Self(bytes)
    }
}

/// As minisign shows it.
impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016X}", u64::from_le_bytes(self.0))
    }
}

/// The public key of somebody who signs artifacts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignerKey {
    id: KeyId,
    /// The point of the curve, by which keys are told apart: a number can be given twice.
    point: [u8; 32],
    key: PublicKey,
}

impl SignerKey {
    /// Reads a public key as minisign writes it: a file of two lines, or the second line alone.
    ///
    /// # Errors
    ///
    /// If it is something else.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let mut lines = text.trim().lines();
        let first = lines.next().unwrap_or_default();
        let (line, rest) = (lines.next().unwrap_or(first), lines.next());
        let line = line.trim();
        let bytes = Base64::decode_to_vec(line, None).map_err(|_| KeyError::PublicKey)?;
        let (Some((b"Ed" | b"ED", bytes)), None) = (bytes.split_first_chunk::<2>(), rest) else {
            return Err(KeyError::PublicKey);
        };
        let (Some((id, _)), Some((_, point))) = (
            bytes.split_first_chunk::<8>(),
            bytes.split_last_chunk::<32>(),
        ) else {
            return Err(KeyError::PublicKey);
        };
        Ok(Self {
            id: KeyId(*id),
            point: *point,
            // Refuses every other length.
            key: PublicKey::from_base64(line).map_err(|_| KeyError::PublicKey)?,
        })
    }

    /// The number of the key.
    #[must_use]
    pub const fn id(&self) -> KeyId {
        self.id
    }
}

/// Which signatures are enough: those of so many different keys of a list.
///
/// # Example
///
/// ```
/// use wasmelt_loader::{KeyTrust, SignerKey, Trust};
///
/// let key = SignerKey::parse("RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3")?;
/// assert_eq!(key.id().to_string(), "E7620F1842B4E81F");
/// let trust = Trust::Keys(KeyTrust::new(1, [key])?);
/// # let _ = trust;
/// # Ok::<(), wasmelt_loader::KeyError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyTrust {
    threshold: usize,
    keys: Vec<SignerKey>,
    detached: Vec<String>,
}

impl KeyTrust {
    /// Demands signatures by `threshold` of `keys`. A key that is in the list twice counts once.
    ///
    /// # Errors
    ///
    /// If no signature would be demanded, or more than there are keys.
    pub fn new(
        threshold: usize,
        keys: impl IntoIterator<Item = SignerKey>,
    ) -> Result<Self, KeyError> {
        let keys: Vec<_> = keys.into_iter().collect();
        let points: BTreeSet<_> = keys.iter().map(|key| key.point).collect();
        if threshold == 0 || threshold > points.len() {
            return Err(KeyError::Threshold {
                threshold,
                keys: points.len(),
            });
        }
        Ok(Self {
            threshold,
            keys,
            detached: Vec::new(),
        })
    }

    /// Adds a signature that is not in the artifact, as minisign writes it to a file.
    ///
    /// # Errors
    ///
    /// If the text does not have the form of a signature.
    pub fn with_signature(mut self, text: &str) -> Result<Self, KeyError> {
        if SignatureInfo::read(text).key_id.is_none() {
            return Err(KeyError::Signature);
        }
        self.detached.push(text.to_owned());
        Ok(self)
    }

    /// How many keys must have signed.
    #[must_use]
    pub const fn threshold(&self) -> usize {
        self.threshold
    }
}

/// What is wrong with a key, a signature's file, or how many keys are demanded.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The text is no public key.
    #[error("not a public key of minisign: give the file NAME.pub, or its second line")]
    PublicKey,
    /// The text is no signature.
    #[error(
        "not a signature of minisign: give the file that `minisign -S` or `wasmelt sign --detached` wrote"
    )]
    Signature,
    /// Nobody or more than everybody would have to sign.
    #[error(
        "{threshold} of {keys} different keys cannot be demanded: demand at least 1 and at most all of them"
    )]
    Threshold {
        /// How many should be demanded.
        threshold: usize,
        /// How many different keys there are.
        keys: usize,
    },
}

/// What a signature says of itself. Nothing of it is verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignatureInfo {
    /// The key that is said to have signed; `None` if this does not have the form of a signature.
    pub key_id: Option<KeyId>,
    /// What the signer is said to have said; empty if this does not have the form of a signature.
    pub trusted_comment: String,
}

impl SignatureInfo {
    /// Reads the text of a signature.
    #[must_use]
    pub fn read(text: &str) -> Self {
        let parsed = Parsed::new(text);
        Self {
            key_id: parsed.as_ref().map(|parsed| parsed.key_id),
            trusted_comment: parsed.map_or_else(String::new, |parsed| {
                parsed.signature.trusted_comment().to_owned()
            }),
        }
    }
}

/// A signature by a key that is trusted, of the very bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signer {
    /// The key.
    pub key_id: KeyId,
    /// What its owner said when signing.
    pub trusted_comment: String,
}

/// A text that has the form of a signature.
struct Parsed {
    key_id: KeyId,
    is_prehashed: bool,
    signature: Signature,
}

impl Parsed {
    fn new(text: &str) -> Option<Self> {
        let lines: Vec<_> = text.lines().take(SIGNATURE_LINES + 1).collect();
        if lines.len() != SIGNATURE_LINES {
            return None;
        }
        let signature = Signature::decode(text).ok()?;
        let bytes = Base64::decode_to_vec(lines[1], None).ok()?;
        let (algorithm, rest) = bytes.split_at_checked(PREHASHED.len())?;
        Some(Self {
            key_id: KeyId(*rest.first_chunk()?),
            is_prehashed: algorithm == PREHASHED,
            signature,
        })
    }
}

/// Verifies that enough of the trusted keys signed a file, of which the digest was checked.
///
/// Signatures by other keys say nothing and are passed over. One that claims to be by a trusted key
/// and is not refuses the file, although others may be enough: somebody tampered with it or mixed
/// two files up, which is worth knowing, and who can do that can keep the file from loading anyway.
pub(crate) fn check_signatures(
    bytes: &[u8],
    descriptor: &ModuleDescriptor,
    embedded: &[&str],
    trust: &KeyTrust,
) -> Result<Vec<Signer>, LoadError> {
    let end = signature_block_start(descriptor).unwrap_or(bytes.len());
    let body = bytes.get(..end).unwrap_or(bytes);
    let mut points = BTreeSet::new();
    let mut signers = Vec::new();
    let mut unknown = Vec::new();
    let detached = trust.detached.iter().map(String::as_str);
    for text in embedded.iter().copied().chain(detached) {
        let invalid = |key_id, reason| LoadError::InvalidSignature { key_id, reason };
        let Some(parsed) = Parsed::new(text) else {
            return Err(invalid(None, "it does not have the form of a signature"));
        };
        let key_id = parsed.key_id;
        let mut candidates = trust.keys.iter().filter(|key| key.id == key_id).peekable();
        if candidates.peek().is_none() {
            unknown.push(key_id);
            continue;
        }
        if !parsed.is_prehashed {
            let reason = "it is in the legacy form, which does not hash the file first";
            return Err(invalid(Some(key_id), reason));
        }
        let Some(key) = candidates.find(|key| is_signed_by(body, &parsed.signature, &key.key))
        else {
            let reason = "it is of another file, or was changed";
            return Err(invalid(Some(key_id), reason));
        };
        if points.insert(key.point) {
            signers.push(Signer {
                key_id,
                trusted_comment: parsed.signature.trusted_comment().to_owned(),
            });
        }
    }
    if signers.len() < trust.threshold {
        return Err(LoadError::TooFewSignatures {
            needed: trust.threshold,
            signed: signers.iter().map(|signer| signer.key_id).collect(),
            unknown,
        });
    }
    Ok(signers)
}

/// Whether a key signed a file, of which `body` is all but the signature block.
fn is_signed_by(body: &[u8], signature: &Signature, key: &PublicKey) -> bool {
    let Ok(mut verifier) = key.verify_stream(signature) else {
        return false;
    };
    verifier.update(body);
    verifier.update(&EMPTY_BLOCK);
    verifier.finalize().is_ok()
}

/// The signature block of an artifact that nobody signed.
pub(crate) const EMPTY_BLOCK: [u8; 16] = *b"wmeltsig\0\0\0\0\0\0\0\0";

#[cfg(test)]
mod tests {
    use super::{EMPTY_BLOCK, KeyError, KeyTrust, SignatureInfo, SignerKey};
    use wasmelt_abi::encode_signature_block;

    const KEY: &str = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";

    fn key() -> SignerKey {
        SignerKey::parse(KEY).expect("a key")
    }

    #[test]
    fn keys_are_read_as_files_and_as_lines() {
        let file = format!("untrusted comment: minisign public key E7620F1842B4E81F\n{KEY}\n");
        assert_eq!(SignerKey::parse(&file), Ok(key()));
        assert_eq!(SignerKey::parse(&format!(" {KEY}\r\n")), Ok(key()));
        assert_eq!(key().id().to_string(), "E7620F1842B4E81F");
        for wrong in [
            "",
            "\n",
            &KEY[1..],
            &KEY[..52],
            &format!("XX{}", &KEY[2..]),
            &format!("{file}{KEY}\n"),
        ] {
            assert_eq!(SignerKey::parse(wrong), Err(KeyError::PublicKey), "{wrong}");
        }
    }

    #[test]
    fn nobody_and_more_than_everybody_cannot_be_demanded() {
        for (threshold, keys, counted) in [
            (0, vec![key()], 1),
            (0, vec![], 0),
            (1, vec![], 0),
            (2, vec![key(), key()], 1),
        ] {
            let expected = KeyError::Threshold {
                threshold,
                keys: counted,
            };
            assert_eq!(KeyTrust::new(threshold, keys), Err(expected));
        }
        assert_eq!(
            KeyTrust::new(1, [key(), key()]).map(|trust| trust.threshold()),
            Ok(1)
        );
    }

    #[test]
    fn a_text_without_the_form_of_a_signature_says_nothing() {
        for text in ["", "a\nb\nc\nd\n", "\n\n\n\n", "é", KEY] {
            assert_eq!(SignatureInfo::read(text).key_id, None, "{text:?}");
        }
        let trust = KeyTrust::new(1, [key()]).expect("one of one");
        assert_eq!(trust.with_signature("x"), Err(KeyError::Signature));
    }

    #[test]
    fn the_empty_block_is_the_one_without_signatures() {
        let block = encode_signature_block::<&str>(&[]).expect("none are few");
        assert_eq!(EMPTY_BLOCK.as_slice(), block);
    }
}
