//! Describes an artifact without loading it.

use crate::{
    check::{
        DigestRule, check_contents, check_digest, check_host, check_length, check_options,
        check_signature_block, compute_digest, decode_head, file_section, signature_block_start,
    },
    elf::check_elf,
    error::LoadError,
    host::Host,
    signature::{EMPTY_BLOCK, KeyTrust, SignatureInfo, Signer, check_signatures},
    tables::{function_entry, name_entries},
};
use std::collections::BTreeMap;
use wasmelt_abi::{Manifest, ModuleDescriptor, SectionId};

/// What an artifact says about itself, and what is true of it.
#[derive(Debug)]
pub struct Inspection {
    /// Target, options, digests, sections.
    pub descriptor: ModuleDescriptor,
    /// Digest of the bytes; the artifact is intact when it equals the descriptor's.
    pub digest: [u8; 32],
    /// What its signatures say of themselves; nobody verified them.
    pub signatures: Vec<SignatureInfo>,
    /// What the module imports, exports, defines and initialises.
    pub manifest: Manifest,
    /// Every defined function, in the order of their indices.
    pub functions: Vec<FunctionSize>,
    /// Whether this host would load the artifact, and if not, the first reason.
    pub verdict: Result<(), LoadError>,
}

/// A compiled function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionSize {
    /// Index of the function, imports counted first.
    pub func_index: u32,
    /// Its name, when the module has one for it.
    pub name: Option<String>,
    /// Where it is in the text.
    pub text_offset: u32,
    /// Bytes of its code.
    pub len_bytes: u32,
}

/// Describes an artifact, also one for another target; never executes or dlopens anything.
///
/// # Errors
///
/// If the bytes are no artifact of this ABI version, or its manifest and tables cannot be read or
/// contradict each other. Everything else that speaks against loading is in
/// [`Inspection::verdict`].
pub fn inspect(bytes: &[u8]) -> Result<Inspection, LoadError> {
    let descriptor = decode_head(bytes)?;
    let digest = compute_digest(bytes, &descriptor);
    let verdict = judge(bytes, &descriptor);
    let signatures = check_signature_block(bytes, &descriptor).unwrap_or_default();
    let section = |id| file_section(bytes, &descriptor, id);
    let manifest = check_contents(&descriptor, section)?;
    let functions = function_sizes(
        &manifest,
        section(SectionId::FunctionTable).unwrap_or_default(),
        section(SectionId::Names).unwrap_or_default(),
    );
    Ok(Inspection {
        descriptor,
        digest,
        signatures: signatures.into_iter().map(SignatureInfo::read).collect(),
        manifest,
        functions,
        verdict,
    })
}

/// Checks an artifact, also one for another target, and who signed it, without loading it.
///
/// Without keys it says that the artifact has its form and is intact, which proves no origin.
///
/// # Errors
///
/// As [`crate::load`] with [`crate::Trust::Keys`], but for what concerns the host.
pub fn verify(bytes: &[u8], keys: Option<&KeyTrust>) -> Result<Vec<Signer>, LoadError> {
    let descriptor = decode_head(bytes)?;
    let signatures = check_form(bytes, &descriptor)?;
    let signers = keys.map(|keys| check_signatures(bytes, &descriptor, &signatures, keys));
    let signers = signers.transpose()?;
    check_elf(bytes, &descriptor)?;
    check_contents(&descriptor, |id| file_section(bytes, &descriptor, id))?;
    Ok(signers.unwrap_or_default())
}

/// An artifact as it was before anybody signed it: the bytes that signatures are of.
///
/// # Errors
///
/// As [`verify`] without keys: what is not intact should not be signed.
pub fn unsigned(artifact: &[u8]) -> Result<Vec<u8>, LoadError> {
    verify(artifact, None)?;
    let descriptor = decode_head(artifact)?;
    let body = signature_block_start(&descriptor).and_then(|end| artifact.get(..end));
    Ok([body.unwrap_or(artifact), &EMPTY_BLOCK].concat())
}

/// Every check of [`crate::load`] but those of the contents, in the same order.
fn judge(bytes: &[u8], descriptor: &ModuleDescriptor) -> Result<(), LoadError> {
    check_host(descriptor, &Host::detect())?;
    check_form(bytes, descriptor)?;
    check_elf(bytes, descriptor)
}

/// The checks between those of the host and those of the ELF file. Gives the signatures.
fn check_form<'a>(
    bytes: &'a [u8],
    descriptor: &ModuleDescriptor,
) -> Result<Vec<&'a str>, LoadError> {
    check_options(descriptor)?;
    check_length(descriptor, bytes.len() as u64)?;
    let signatures = check_signature_block(bytes, descriptor)?;
    check_digest(bytes, descriptor, DigestRule::Intact)?;
    Ok(signatures)
}

fn function_sizes(manifest: &Manifest, table: &[u8], names: &[u8]) -> Vec<FunctionSize> {
    let mut names_by_index: BTreeMap<u32, String> = name_entries(names)
        .unwrap_or_default()
        .into_iter()
        .filter_map(|(index, range)| {
            let name = core::str::from_utf8(names.get(range)?).ok()?;
            Some((index, name.to_owned()))
        })
        .collect();
    (0..)
        .map_while(|defined| function_entry(table, defined))
        .zip(manifest.imported_function_count..)
        .map(|((text_offset, len_bytes), func_index)| FunctionSize {
            func_index,
            name: names_by_index.remove(&func_index),
            text_offset,
            len_bytes,
        })
        .collect()
}
