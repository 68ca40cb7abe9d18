//! Decides which bytes `wasm_module_deserialize` may run as native code.

use crate::failure::Failure;
use std::collections::BTreeSet;
use wasmelt_loader::inspect;

/// Reasons to trust an artifact that the standard has no way to name; none unless the embedder gave one.
#[derive(Debug, Clone, Default)]
pub(crate) struct DeserializePolicy {
    /// Artifacts that somebody trusted named.
    pub(crate) digests: BTreeSet<[u8; 32]>,
    /// Whether artifacts that this engine made are trusted.
    pub(crate) trusts_own: bool,
    /// Whether any artifact is: the embedder vouches for every caller.
    pub(crate) trusts_anything: bool,
}

/// How to load the bytes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// If they have this digest.
    Digest([u8; 32]),
    /// After checking their form.
    Unchecked,
}

impl DeserializePolicy {
    /// The reason to trust these bytes, given the digests of what the engine made.
    pub(crate) fn decide(
        &self,
        bytes: &[u8],
        own: &BTreeSet<[u8; 32]>,
    ) -> Result<Decision, Failure> {
        let is_empty = self.digests.is_empty() && !self.trusts_own && !self.trusts_anything;
        if is_empty {
            return Err(Failure::usage(
                "an artifact is native code, and this engine was given no reason to trust any: see \
                 wasmelt_config_trust_digest and wasmelt_module_load_bytes in wasmelt.h",
            ));
        }
        if self.trusts_anything {
            return Ok(Decision::Unchecked);
        }
        let digest = digest_of(bytes)?;
        let is_trusted =
            self.digests.contains(&digest) || (self.trusts_own && own.contains(&digest));
        if is_trusted {
            return Ok(Decision::Digest(digest));
        }
        Err(Failure::artifact(format!(
            "this engine was given no reason to trust the artifact with digest {}",
            Hex(&digest)
        )))
    }
}

/// Digest of an artifact that is intact.
pub(crate) fn digest_of(bytes: &[u8]) -> Result<[u8; 32], Failure> {
    let inspection = inspect(bytes).map_err(Failure::of)?;
    if inspection.digest != inspection.descriptor.digest {
        return Err(Failure::artifact("the artifact is damaged"));
    }
    Ok(inspection.digest)
}

struct Hex<'a>(&'a [u8]);

impl std::fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
