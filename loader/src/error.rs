//! Names every way in which loading can fail, and whose fault it is.

use crate::{signature::KeyId, source::Route};
use std::{fmt, io, path::PathBuf};
use thiserror::Error;
use wasmelt_abi::{ABI_VERSION, Arch, CpuFeatures, DecodeError, FaultKind, SectionId};

/// What helps against an artifact that is damaged or foreign.
const AGAIN: &str = "compile the module again, or fetch the artifact again";

/// Why an artifact was not loaded.
///
/// Two kinds never mix: either the artifact is refused ([`LoadError::is_artifact_refused`]), or
/// this host could not load it although nothing is known to be wrong with it
/// ([`LoadError::is_host_failure`]). Neither says anything about the guest.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The last component of the path is a symbolic link; links are never followed.
    #[error("`{}` is a symbolic link: name the file it points to", path.display())]
    SymbolicLink {
        /// The path that was given.
        path: PathBuf,
    },
    /// The path or descriptor names a folder, pipe, socket or device.
    #[error("{} is not a regular file: name the artifact itself", Name(path))]
    NotRegularFile {
        /// The path, where one is known.
        path: Option<PathBuf>,
    },
    /// The trust demands a file that nobody else can have written, and this is not one.
    #[error(
        "{} is not private to user {expected_owner}: owner {owner}, mode {mode:04o}; take its digest as the reason \
         for trust (Trust::Digest), or copy it to a folder that only this user can write",
        Name(path)
    )]
    NotPrivate {
        /// The path, where one is known.
        path: Option<PathBuf>,
        /// The user that runs this process.
        expected_owner: u32,
        /// The file's owner.
        owner: u32,
        /// The file's permission bits.
        mode: u32,
    },
    /// Bytes were given where the trust says that a private cache holds them.
    #[error(
        "trust in a private cache needs a file of that cache, and bytes were given: trust them by their digest \
         (Trust::Digest)"
    )]
    TrustNeedsFile,
    /// The file is longer than any artifact.
    #[error("{found} bytes are more than an artifact can have ({limit}): {AGAIN}", AGAIN = AGAIN)]
    TooLong {
        /// Largest length accepted.
        limit: u64,
        /// Length of the file.
        found: u64,
    },
    /// The file ends before the descriptor does.
    #[error("{found} bytes are fewer than the {needed} that every artifact has: {AGAIN}", AGAIN = AGAIN)]
    TooShort {
        /// Bytes that are needed at least.
        needed: u64,
        /// Bytes that are there.
        found: u64,
    },
    /// The file does not begin like an ELF file.
    #[error("not an ELF file: it begins with {}{}", Hex(found), NotElfHint(found))]
    NotElf {
        /// The first bytes.
        found: [u8; 4],
    },
    /// An ELF file, but not one of ours.
    #[error(
        "an ELF file without a module descriptor at byte 512: no artifact; name a file that `wasmelt compile` wrote"
    )]
    NoDescriptor {
        /// What is there in place of the magic.
        found: [u8; 8],
    },
    /// The artifact was written for another version of the contract.
    #[error("ABI version {found}, and this loader reads version {expected}: compile it again")]
    AbiVersion {
        /// The version that this loader reads.
        expected: u32,
        /// The artifact's version.
        found: u32,
    },
    /// A field of the descriptor has no meaning.
    #[error("module descriptor: {0}; {AGAIN}", AGAIN = AGAIN)]
    Descriptor(DecodeError),
    /// A descriptor of a linked module where a file's is needed, or the reverse.
    #[error("the descriptor is that of {}", kind_name(*found_static))]
    Kind {
        /// Whether the descriptor says that the module was linked into a program.
        found_static: bool,
    },
    /// The code is for another instruction set.
    #[error("compiled for {found}, and this host is {expected}: compile it for this target")]
    Target {
        /// This host.
        expected: Arch,
        /// The artifact's target.
        found: Arch,
    },
    /// The code may use instructions that this CPU does not have.
    #[error("this CPU lacks {}: compile it for a lower CPU level", Features(*missing))]
    CpuFeatures {
        /// What the code may use and the CPU lacks.
        missing: CpuFeatures,
    },
    /// Options that exclude each other.
    #[error("options contradict each other: {rule}; {AGAIN}", AGAIN = AGAIN)]
    Options {
        /// The rule that is broken.
        rule: &'static str,
    },
    /// The length in the descriptor is not that of the file.
    #[error("{found} bytes where the descriptor says {expected}: {AGAIN}", AGAIN = AGAIN)]
    Length {
        /// Length in the descriptor.
        expected: u64,
        /// Length of the file.
        found: u64,
    },
    /// There is no signature block where the artifact ends.
    #[error("invalid signature block at byte {file_offset}: {AGAIN}", AGAIN = AGAIN)]
    SignatureBlock {
        /// Where the block should be.
        file_offset: u64,
        /// What is there.
        found: [u8; 16],
    },
    /// What the signature block holds does not have its form.
    #[error("signature block: {0}; sign the artifact again, or fetch it again")]
    SignatureForm(DecodeError),
    /// The bytes are not those that were digested when the artifact was written.
    #[error("digest {}, and the descriptor says {}: {AGAIN}", Hex(found), Hex(expected), AGAIN = AGAIN)]
    Digest {
        /// Digest in the descriptor.
        expected: [u8; 32],
        /// Digest of the bytes.
        found: [u8; 32],
    },
    /// The artifact is intact, but not the one that is trusted.
    #[error(
        "digest {}, and {} is trusted: load the artifact that was trusted, or ask who vouches for this one",
        Hex(found),
        Hex(expected)
    )]
    Untrusted {
        /// The trusted digest.
        expected: [u8; 32],
        /// Digest of the artifact.
        found: [u8; 32],
    },
    /// A signature that claims to be by a trusted key is not, or is no signature at all.
    #[error(
        "invalid signature{}: {reason}; fetch the artifact and its signatures again, or have it signed again",
        BySigner(*key_id)
    )]
    InvalidSignature {
        /// The key that is said to have signed, where that can be read.
        key_id: Option<KeyId>,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Fewer of the trusted keys signed than must have.
    #[error(
        "signed by {} of the {needed} trusted keys that must have signed{}: have it signed by more of them, or name \
         the keys of those who did",
        signed.len(),
        Signers { signed, unknown }
    )]
    TooFewSignatures {
        /// How many must have signed.
        needed: usize,
        /// Which did.
        signed: Vec<KeyId>,
        /// Keys that are said to have signed and are not in the list.
        unknown: Vec<KeyId>,
    },
    /// A part of the ELF file is not what the emitter writes.
    #[error(
        "{part} {field} at byte {file_offset}: {found:#x} where an artifact has {expected:#x}{}; {AGAIN}",
        meaning(*part, field, *found), AGAIN = AGAIN)]
    Elf {
        /// The part.
        part: ElfPart,
        /// The field, in the words of the ELF specification.
        field: &'static str,
        /// Where it is in the file.
        file_offset: u64,
        /// The one value that is accepted, or the nearest one where there are several.
        expected: u64,
        /// The value found.
        found: u64,
    },
    /// A part of the artifact does not lie where the layout puts it.
    #[error(
        "{} section: {} bytes at byte {} of the file where the layout puts it at byte {}; {AGAIN}",
        section.name(), len_bytes, found, expected, AGAIN = AGAIN)]
    SectionRange {
        /// The part.
        section: SectionId,
        /// Where the layout puts it.
        expected: i64,
        /// Where the descriptor puts it.
        found: i64,
        /// Its length.
        len_bytes: u64,
    },
    /// A part of the artifact does not have its form.
    #[error("{} section: {error}; {AGAIN}", section.name(), AGAIN = AGAIN)]
    Section {
        /// The part.
        section: SectionId,
        /// Where in the part, and what was expected.
        error: DecodeError,
    },
    /// Two facts in the artifact contradict each other.
    #[error("{} section, entry {index}: {rule}; {AGAIN}", section.name(), AGAIN = AGAIN)]
    Contents {
        /// The part that holds the entry.
        section: SectionId,
        /// Position of the entry in its list, or in the part.
        index: u64,
        /// The rule that is broken.
        rule: &'static str,
    },
    /// The file became shorter while it was being copied.
    #[error(
        "{} changed while it was being loaded: load it again when it is written",
        Name(path)
    )]
    ChangedWhileLoading {
        /// The path, where one is known.
        path: Option<PathBuf>,
    },
    /// The dynamic linker came back with something else than the file that was checked.
    #[error("the dynamic linker returned another library: {what}; load it in a new process")]
    OtherLibrary {
        /// How it differs.
        what: &'static str,
    },
    /// The operating system refused something.
    #[error("cannot {action} {}", Name(path))]
    Io {
        /// What was tried.
        action: &'static str,
        /// The path, where there is one.
        path: Option<PathBuf>,
        /// The operating system's reason.
        source: io::Error,
    },
    /// The host's pages are larger than the artifact's segments are aligned to.
    #[error(
        "host pages have {found} bytes, and segments are aligned to {expected}: run it on a host with smaller pages"
    )]
    HostPageSize {
        /// Alignment of the artifact's segments.
        expected: u64,
        /// Size of the host's pages.
        found: u64,
    },
    /// No route to executable memory is open on this host.
    #[error(
        "no way to load native code is open on this host: allow one of these{}",
        Attempts(attempts)
    )]
    NoRoute {
        /// Each route that was tried and why it failed.
        attempts: Vec<Attempt>,
    },
}

impl LoadError {
    /// Whose fault it is: [`FaultKind::Artifact`] or [`FaultKind::Host`].
    #[must_use]
    pub const fn fault_kind(&self) -> FaultKind {
        if self.is_host_failure() {
            FaultKind::Host
        } else {
            FaultKind::Artifact
        }
    }

    /// Whether the artifact is at fault: loading it again on this host fails again.
    #[must_use]
    pub const fn is_artifact_refused(&self) -> bool {
        !self.is_host_failure()
    }

    /// Whether the host is at fault: the same artifact may load elsewhere, or later.
    #[must_use]
    pub const fn is_host_failure(&self) -> bool {
        matches!(
            self,
            LoadError::Io { .. }
                | LoadError::HostPageSize { .. }
                | LoadError::NoRoute { .. }
                | LoadError::OtherLibrary { .. }
                | LoadError::ChangedWhileLoading { .. }
        )
    }
}

/// A route that was tried, and why it failed.
#[derive(Debug)]
pub struct Attempt {
    /// The route.
    pub route: Route,
    /// What was tried.
    pub action: &'static str,
    /// Why it failed.
    pub reason: String,
}

/// A part of an ELF file that the dynamic linker reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ElfPart {
    /// The ELF header.
    Header,
    /// A program header.
    ProgramHeader(u16),
    /// The build id note.
    Note,
    /// The symbol hash table.
    GnuHash,
    /// A dynamic symbol.
    DynamicSymbol(u16),
    /// The strings of the dynamic symbols.
    DynamicStrings,
    /// An entry of the dynamic section.
    DynamicEntry(u16),
    /// The search table of the unwind information.
    UnwindTable,
    /// The unwind information.
    UnwindInfo,
    /// Bytes between parts.
    Padding,
}

impl fmt::Display for ElfPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ElfPart::Header => f.write_str("ELF header"),
            ElfPart::ProgramHeader(index) => write!(f, "program header {index}"),
            ElfPart::Note => f.write_str("build id note"),
            ElfPart::GnuHash => f.write_str("symbol hash table"),
            ElfPart::DynamicSymbol(index) => write!(f, "dynamic symbol {index}"),
            ElfPart::DynamicStrings => f.write_str("dynamic strings"),
            ElfPart::DynamicEntry(index) => write!(f, "dynamic entry {index}"),
            ElfPart::UnwindTable => f.write_str("unwind table"),
            ElfPart::UnwindInfo => f.write_str("unwind information"),
            ElfPart::Padding => f.write_str("padding"),
        }
    }
}

/// Names a number that was found where it must not be, for people who meet a foreign file.
fn meaning(part: ElfPart, field: &str, found: u64) -> impl fmt::Display {
    let name = match (part, field) {
        (ElfPart::ProgramHeader(_), "p_type") => program_header_name(found),
        (ElfPart::DynamicEntry(_), "d_tag") => dynamic_tag_name(found),
        _ => None,
    };
    NamedNumber(name)
}

fn program_header_name(number: u64) -> Option<&'static str> {
    Some(match number {
        1 => "PT_LOAD",
        2 => "PT_DYNAMIC",
        3 => "PT_INTERP",
        4 => "PT_NOTE",
        6 => "PT_PHDR",
        7 => "PT_TLS",
        0x6474_e550 => "PT_GNU_EH_FRAME",
        0x6474_e551 => "PT_GNU_STACK",
        0x6474_e552 => "PT_GNU_RELRO",
        0x6474_e553 => "PT_GNU_PROPERTY",
        _ => return None,
    })
}

fn dynamic_tag_name(number: u64) -> Option<&'static str> {
    Some(match number {
        1 => "DT_NEEDED",
        2 => "DT_PLTRELSZ",
        7 => "DT_RELA",
        12 => "DT_INIT",
        13 => "DT_FINI",
        14 => "DT_SONAME",
        15 => "DT_RPATH",
        17 => "DT_REL",
        22 => "DT_TEXTREL",
        23 => "DT_JMPREL",
        25 => "DT_INIT_ARRAY",
        26 => "DT_FINI_ARRAY",
        29 => "DT_RUNPATH",
        30 => "DT_FLAGS",
        32 => "DT_PREINIT_ARRAY",
        36 => "DT_RELR",
        0x6fff_fffb => "DT_FLAGS_1",
        0x6fff_fefc => "DT_AUDIT",
        0x6fff_fefb => "DT_DEPAUDIT",
        0x7fff_fffd => "DT_AUXILIARY",
        0x7fff_ffff => "DT_FILTER",
        _ => return None,
    })
}

const fn kind_name(is_static: bool) -> &'static str {
    if is_static {
        "a module linked into a program, not of a file to load: use Module::from_static"
    } else {
        "a file to load, not of a module linked into a program: use Module::load"
    }
}

struct NamedNumber(Option<&'static str>);

impl fmt::Display for NamedNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |name| write!(f, " ({name})"))
    }
}

struct Name<'a>(&'a Option<PathBuf>);

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(path) => write!(f, "`{}`", path.display()),
            None => f.write_str("the artifact"),
        }
    }
}

struct Hex<'a>(&'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

struct BySigner(Option<KeyId>);

impl fmt::Display for BySigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |id| write!(f, " by key {id}"))
    }
}

struct Signers<'a> {
    signed: &'a [KeyId],
    unknown: &'a [KeyId],
}

impl fmt::Display for Signers<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lists = [("signed", self.signed), ("not trusted", self.unknown)];
        for (what, ids) in lists.iter().filter(|(_, ids)| !ids.is_empty()) {
            let ids: Vec<_> = ids.iter().map(KeyId::to_string).collect();
            write!(f, "; {what}: {}", ids.join(", "))?;
        }
        Ok(())
    }
}

struct NotElfHint<'a>(&'a [u8; 4]);

impl fmt::Display for NotElfHint<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            b"\0asm" => ", a wasm binary: compile it first",
            _ => ": name a file that `wasmelt compile` wrote",
        })
    }
}

struct Features(CpuFeatures);

impl fmt::Display for Features {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut unknown = self.0.bits();
        let mut separator = "";
        for feature in self.0.iter() {
            write!(f, "{separator}{}", feature.name())?;
            separator = ", ";
            unknown &= !(1 << feature as u8);
        }
        for bit in (0..u64::BITS).filter(|bit| unknown >> bit & 1 == 1) {
            write!(f, "{separator}a feature unknown to this loader (bit {bit})")?;
            separator = ", ";
        }
        Ok(())
    }
}

struct Attempts<'a>(&'a [Attempt]);

impl fmt::Display for Attempts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for attempt in self.0 {
            write!(
                f,
                "; {}: cannot {}: {}",
                attempt.route, attempt.action, attempt.reason
            )?;
        }
        Ok(())
    }
}

/// A refusal of the version that this loader reads.
pub(crate) const fn other_abi_version(found: u32) -> LoadError {
    LoadError::AbiVersion {
        expected: ABI_VERSION,
        found,
    }
}
