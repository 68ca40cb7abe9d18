//! Checks an artifact in the order magic, ABI version, target, CPU, lengths, digest, ELF, contents.
//!
//! Sandbox-critical, and pure: it reads bytes and nothing else.

use crate::{
    elf::check_elf,
    error::{LoadError, other_abi_version},
    host::Host,
    manifest::{Surroundings, check_manifest},
    signature::{KeyTrust, check_signatures},
    sys::StaticDescriptor,
    tables::{check_functions, check_lines, check_names, check_offset_map, check_traps},
};
use wasmelt_abi::{
    ABI_VERSION, BoundsStrategy, CpuFeatures, DESCRIPTOR_FILE_OFFSET,
    MAX_SIGNATURE_PAYLOAD_LEN_BYTES, Manifest, ModuleDescriptor, SIGNATURE_BLOCK_LEN_BYTES,
    SIGNATURE_BLOCK_MAGIC, SectionId, decode_signature_block,
};

/// Bytes at the start of a file that hold the descriptor.
pub(crate) const HEAD_LEN_BYTES: usize = 1024;

/// Largest artifact: positions in the text are 32-bit, and everything else is smaller.
pub(crate) const MAX_FILE_LEN_BYTES: u64 = 1 << 32;

/// The digest that an artifact must have.
#[derive(Debug, Clone, Copy)]
pub(crate) enum DigestRule {
    /// Any: it is not computed.
    Unhashed,
    /// The one in its descriptor.
    Intact,
    /// The one in its descriptor, and this one.
    Exactly([u8; 32]),
}

/// What is known about an artifact of which every check succeeded. Only this file makes one.
#[derive(Debug)]
pub(crate) struct Checked {
    descriptor: ModuleDescriptor,
    manifest: Manifest,
}

impl Checked {
    pub(crate) const fn descriptor(&self) -> &ModuleDescriptor {
        &self.descriptor
    }

    pub(crate) fn into_parts(self) -> (ModuleDescriptor, Manifest) {
        (self.descriptor, self.manifest)
    }
}

/// Checks a whole file.
pub(crate) fn check_file(
    bytes: &[u8],
    rule: DigestRule,
    keys: Option<&KeyTrust>,
    host: &Host,
) -> Result<Checked, LoadError> {
    let descriptor = check_head(bytes, bytes.len() as u64, host)?;
    let signatures = check_signature_block(bytes, &descriptor)?;
    check_digest(bytes, &descriptor, rule)?;
    if let Some(keys) = keys {
        check_signatures(bytes, &descriptor, &signatures, keys)?;
    }
    check_elf(bytes, &descriptor)?;
    let manifest = check_contents(&descriptor, |id| file_section(bytes, &descriptor, id))?;
    Ok(Checked {
        descriptor,
        manifest,
    })
}

/// Checks a module that is linked into this program.
pub(crate) fn check_linked(
    linked: &'static StaticDescriptor,
    host: &Host,
) -> Result<Checked, LoadError> {
    let descriptor = decode_descriptor(linked.bytes())?;
    if !descriptor.is_static {
        return Err(LoadError::Kind {
            found_static: false,
        });
    }
    check_host(&descriptor, host)?;
    check_options(&descriptor)?;
    let section = |id| Some(linked.section(descriptor.section(id)));
    let manifest = check_contents(&descriptor, section)?;
    Ok(Checked {
        descriptor,
        manifest,
    })
}

/// Checks everything that the first bytes and the length of a file tell, so that no byte of a
/// foreign file is copied or hashed.
pub(crate) fn check_head(
    head: &[u8],
    file_len_bytes: u64,
    host: &Host,
) -> Result<ModuleDescriptor, LoadError> {
    let descriptor = decode_head(head)?;
    check_host(&descriptor, host)?;
    check_options(&descriptor)?;
    check_length(&descriptor, file_len_bytes)?;
    Ok(descriptor)
}

/// Reads the descriptor of a file: magic and ABI version first.
pub(crate) fn decode_head(head: &[u8]) -> Result<ModuleDescriptor, LoadError> {
    let too_short = || LoadError::TooShort {
        needed: HEAD_LEN_BYTES as u64 + SIGNATURE_BLOCK_LEN_BYTES,
        found: head.len() as u64,
    };
    let magic = *head.first_chunk::<4>().ok_or_else(too_short)?;
    if magic != *b"\x7fELF" {
        return Err(LoadError::NotElf { found: magic });
    }
    let head = head.get(..HEAD_LEN_BYTES).ok_or_else(too_short)?;
    let start = HEAD_LEN_BYTES - ModuleDescriptor::SIZE;
    let descriptor = decode_descriptor(&head[start..])?;
    if descriptor.is_static {
        return Err(LoadError::Kind { found_static: true });
    }
    Ok(descriptor)
}

fn decode_descriptor(bytes: &[u8]) -> Result<ModuleDescriptor, LoadError> {
    let Ok(abi_version) = ModuleDescriptor::decode_abi_version(bytes) else {
        let found = bytes.first_chunk().copied().unwrap_or_default();
        return Err(LoadError::NoDescriptor { found });
    };
    if abi_version != ABI_VERSION {
        return Err(other_abi_version(abi_version));
    }
    ModuleDescriptor::decode(bytes).map_err(LoadError::Descriptor)
}

/// Checks that this host can run the code.
pub(crate) fn check_host(descriptor: &ModuleDescriptor, host: &Host) -> Result<(), LoadError> {
    if descriptor.arch != host.arch {
        return Err(LoadError::Target {
            expected: host.arch,
            found: descriptor.arch,
        });
    }
    let level = descriptor.cpu_level.features();
    let needed = CpuFeatures::from_bits(descriptor.cpu_features.bits() | level.bits());
    let missing = needed.missing_from(host.cpu_features);
    if !missing.is_empty() {
        return Err(LoadError::CpuFeatures { missing });
    }
    let alignment = descriptor.arch.segment_alignment_bytes();
    if host.page_size > alignment {
        return Err(LoadError::HostPageSize {
            expected: alignment,
            found: host.page_size,
        });
    }
    Ok(())
}

/// Checks that options do not contradict each other.
pub(crate) fn check_options(descriptor: &ModuleDescriptor) -> Result<(), LoadError> {
    let options = descriptor.options;
    if options.bounds == BoundsStrategy::Guard && !options.signals {
        return Err(LoadError::Options {
            rule: "guard pages need signals",
        });
    }
    Ok(())
}

/// Checks that the file is as long as its descriptor says, but for signatures at its end.
pub(crate) fn check_length(descriptor: &ModuleDescriptor, found: u64) -> Result<(), LoadError> {
    let expected = descriptor.file_len_bytes;
    let signatures_len_bytes = found.checked_sub(expected);
    if signatures_len_bytes.is_none_or(|len_bytes| len_bytes > MAX_SIGNATURE_PAYLOAD_LEN_BYTES) {
        return Err(LoadError::Length { expected, found });
    }
    if found > MAX_FILE_LEN_BYTES {
        return Err(LoadError::TooLong {
            limit: MAX_FILE_LEN_BYTES,
            found,
        });
    }
    Ok(())
}

/// Where the signature block starts, if there is room for one.
pub(crate) fn signature_block_start(descriptor: &ModuleDescriptor) -> Option<usize> {
    let start = descriptor
        .file_len_bytes
        .checked_sub(SIGNATURE_BLOCK_LEN_BYTES)?;
    usize::try_from(start).ok()
}

/// Checks the form of the signature block, and gives the texts in it, which nobody verified.
pub(crate) fn check_signature_block<'a>(
    bytes: &'a [u8],
    descriptor: &ModuleDescriptor,
) -> Result<Vec<&'a str>, LoadError> {
    let start = signature_block_start(descriptor);
    let block = start.and_then(|start| bytes.get(start..));
    let head = block.and_then(<[u8]>::first_chunk::<16>);
    let (Some(start), Some(block), Some(head)) = (start, block, head) else {
        return Err(LoadError::TooShort {
            needed: HEAD_LEN_BYTES as u64 + SIGNATURE_BLOCK_LEN_BYTES,
            found: bytes.len() as u64,
        });
    };
    if !head.starts_with(&SIGNATURE_BLOCK_MAGIC) {
        return Err(LoadError::SignatureBlock {
            file_offset: start as u64,
            found: *head,
        });
    }
    decode_signature_block(block).map_err(LoadError::SignatureForm)
}

/// Checks the digest by a rule.
pub(crate) fn check_digest(
    bytes: &[u8],
    descriptor: &ModuleDescriptor,
    rule: DigestRule,
) -> Result<(), LoadError> {
    let trusted = match rule {
        DigestRule::Unhashed => return Ok(()),
        DigestRule::Intact => None,
        DigestRule::Exactly(trusted) => Some(trusted),
    };
    let found = compute_digest(bytes, descriptor);
    if found != descriptor.digest {
        return Err(LoadError::Digest {
            expected: descriptor.digest,
            found,
        });
    }
    match trusted {
        Some(expected) if expected != found => Err(LoadError::Untrusted { expected, found }),
        _ => Ok(()),
    }
}

/// The BLAKE3 digest of a file, without its own field and without the signature block.
pub(crate) fn compute_digest(bytes: &[u8], descriptor: &ModuleDescriptor) -> [u8; 32] {
    let field_start = HEAD_LEN_BYTES - ModuleDescriptor::SIZE + ModuleDescriptor::DIGEST_OFFSET;
    let field_end = field_start + ModuleDescriptor::DIGEST_LEN_BYTES;
    let body = signature_block_start(descriptor)
        .and_then(|end| bytes.get(..end))
        .unwrap_or(bytes);
    let mut hasher = blake3::Hasher::new();
    hasher.update(body.get(..field_start).unwrap_or(body));
    hasher.update(body.get(field_end..).unwrap_or_default());
    hasher.finalize().into()
}

/// The bytes of a section of a file, when its range lies in the file.
pub(crate) fn file_section<'a>(
    bytes: &'a [u8],
    descriptor: &ModuleDescriptor,
    id: SectionId,
) -> Option<&'a [u8]> {
    let range = descriptor.section(id);
    if range.len_bytes == 0 {
        return Some(&[]);
    }
    let start = DESCRIPTOR_FILE_OFFSET.checked_add_signed(range.offset)?;
    let end = start.checked_add(range.len_bytes)?;
    bytes.get(usize::try_from(start).ok()?..usize::try_from(end).ok()?)
}

/// Decodes the manifest and checks it and the tables against each other.
pub(crate) fn check_contents<'a>(
    descriptor: &ModuleDescriptor,
    section: impl Fn(SectionId) -> Option<&'a [u8]>,
) -> Result<Manifest, LoadError> {
    let bytes = |id| {
        section(id).ok_or(LoadError::SectionRange {
            section: id,
            expected: 0,
            found: descriptor.section(id).offset,
            len_bytes: descriptor.section(id).len_bytes,
        })
    };
    let manifest =
        Manifest::decode(bytes(SectionId::Manifest)?).map_err(|error| LoadError::Section {
            section: SectionId::Manifest,
            error,
        })?;
    let around = Surroundings {
        data_len_bytes: bytes(SectionId::Data)?.len() as u64,
        image_len_bytes: bytes(SectionId::MemoryImage)?.len() as u64,
        segment_alignment_bytes: descriptor.arch.segment_alignment_bytes(),
    };
    check_manifest(&manifest, &around)?;
    if manifest.fuel_schedule.is_some() != descriptor.options.fuel {
        return Err(LoadError::Contents {
            section: SectionId::Manifest,
            index: 0,
            rule: "a schedule of fuel is named where fuel is metered, and nowhere else",
        });
    }
    let func_count = manifest.functions.len();
    let defined_count = func_count - manifest.imported_function_count as usize;
    let text_len_bytes = bytes(SectionId::Text)?.len() as u64;
    check_functions(
        bytes(SectionId::FunctionTable)?,
        defined_count,
        text_len_bytes,
    )?;
    check_traps(bytes(SectionId::TrapTable)?, text_len_bytes)?;
    check_offset_map(bytes(SectionId::OffsetMap)?, defined_count, func_count)?;
    check_names(bytes(SectionId::Names)?, func_count)?;
    check_lines(bytes(SectionId::Lines)?)?;
    Ok(manifest)
}
