//! Lays out the one exported object of an artifact: identity, digest, and where everything is.
//!
//! ```text
//!   0  magic            [u8; 8]   "wasmelt\0"
//!   8  abi_version      u32
//!  12  descriptor_len   u32       512
//!  16  arch             u16       ELF e_machine
//!  18  cpu_level        u8
//!  19  kind             u8        0 shared object, 1 linked into a program
//!  20  codegen options  [u8; 4]   CodegenOptions::encode
//!  24  cpu_features     u64
//!  32  file_len         u64       whole file with its empty signature block; 0 when linked
//!  40  digest           [u8; 32]  BLAKE3 of the file without this field and without the
//!                                 signature block; zero when linked
//!  72  wasm_sha256      [u8; 32]  of the module that was compiled
//! 104  wasm_len         u64       bytes of that module
//! 112  sections         9 × (offset i64 from the descriptor's first byte, len u64)
//! 256  compiler         [u8; 32]  compiler version, zero-padded UTF-8
//! 288  codegen_fingerprint [u8; 32]
//! 320  reserved, zero, up to 512
//! ```

use crate::{
    bytes::{DecodeError, Reader, Writer},
    options::CodegenOptions,
    target::{Arch, CpuFeatures, CpuLevel},
    version::{ABI_VERSION, MAGIC},
};

macro_rules! section_ids {
    ($( $(#[$doc:meta])* $name:ident = $number:literal, $text:literal; )*) => {
        /// A part of an artifact that the descriptor points to.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[repr(usize)]
        pub enum SectionId { $( $(#[$doc])* $name = $number, )* }

        impl SectionId {
            /// Every part, in the order of the descriptor.
            pub const ALL: &'static [SectionId] = &[ $( SectionId::$name, )* ];

            /// Name in messages.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $( SectionId::$name => $text, )* }
            }
        }
    };
}

section_ids! {
    /// [`crate::Manifest`].
    Manifest = 0, "manifest";
    /// Machine code: functions in the order of their indices, then stubs.
    Text = 1, "text";
    /// For each defined function its text offset and length, two `u32` each.
    FunctionTable = 2, "function table";
    /// [`crate::TrapTable`].
    TrapTable = 3, "trap table";
    /// [`crate::OffsetMap`].
    OffsetMap = 4, "offset map";
    /// Function names: a count, then for each a `u32` function index and a string.
    Names = 5, "names";
    /// Bytes of the data segments that are not in the memory image.
    Data = 6, "data";
    /// Initial memory, page-aligned; empty when segments are copied.
    MemoryImage = 7, "memory image";
    /// [`crate::SourceLines`].
    Lines = 8, "lines";
}

/// How many parts there are.
pub const SECTION_COUNT: usize = SectionId::ALL.len();

/// Where a part of the artifact is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SectionRange {
    /// Distance from the descriptor's first byte.
    pub offset: i64,
    /// Length in bytes.
    pub len_bytes: u64,
}

/// The identity card of an artifact, at the exported symbol and at a fixed file offset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModuleDescriptor {
    /// Instruction set.
    pub arch: Arch,
    /// Named CPU level.
    pub cpu_level: CpuLevel,
    /// Whether the artifact was linked into a program rather than written as a shared object.
    pub is_static: bool,
    /// Every option that decided the bytes.
    pub options: CodegenOptions,
    /// Every CPU feature that the code may use.
    pub cpu_features: CpuFeatures,
    /// Length of the whole file as emitted; 0 when linked.
    pub file_len_bytes: u64,
    /// BLAKE3 digest; zero when linked.
    pub digest: [u8; 32],
    /// SHA-256 of the module.
    pub wasm_sha256: [u8; 32],
    /// Length of the module.
    pub wasm_len_bytes: u64,
    /// Parts, in the order of [`SectionId::ALL`].
    pub sections: [SectionRange; SECTION_COUNT],
    /// Version of the compiler, zero-padded UTF-8.
    pub compiler: [u8; 32],
    /// Digest of the code that this compiler makes of a fixed probe module.
    pub codegen_fingerprint: [u8; 32],
}

impl ModuleDescriptor {
    /// Size in bytes.
    pub const SIZE: usize = 512;
    const STORED_SIZE: u32 = 512;
    /// Offset of the digest in the descriptor.
    pub const DIGEST_OFFSET: usize = 40;
    /// Length of the digest.
    pub const DIGEST_LEN_BYTES: usize = 32;
    /// Offset of the section ranges in the descriptor.
    pub const SECTIONS_OFFSET: usize = 112;

    /// Where a part is.
    #[must_use]
    pub const fn section(&self, id: SectionId) -> SectionRange {
        self.sections[id as usize]
    }

    /// The compiler's version as text.
    #[must_use]
    pub fn compiler_version(&self) -> &str {
        let len = self
            .compiler
            .iter()
            .position(|byte| *byte == 0)
            .unwrap_or(self.compiler.len());
        core::str::from_utf8(&self.compiler[..len]).unwrap_or("?")
    }

    /// The stored form.
    ///
    /// # Panics
    ///
    /// Never: the length is checked by a test.
    #[must_use]
    pub fn encode(&self) -> [u8; Self::SIZE] {
        let mut writer = Writer::new();
        writer.raw(&MAGIC);
        writer.u32(ABI_VERSION);
        writer.u32(Self::STORED_SIZE);
        writer.u16(self.arch as u16);
        writer.u8(self.cpu_level as u8);
        writer.u8(u8::from(self.is_static));
        self.options.encode(&mut writer);
        writer.u64(self.cpu_features.bits());
        writer.u64(self.file_len_bytes);
        writer.raw(&self.digest);
        writer.raw(&self.wasm_sha256);
        writer.u64(self.wasm_len_bytes);
        for section in &self.sections {
            writer.raw(&section.offset.to_le_bytes());
            writer.u64(section.len_bytes);
        }
        writer.raw(&self.compiler);
        writer.raw(&self.codegen_fingerprint);
        let mut bytes = [0; Self::SIZE];
        let written = writer.finish();
        bytes[..written.len()].copy_from_slice(&written);
        bytes
    }

    /// The magic and ABI version of stored bytes, before anything else of them is believed.
    ///
    /// # Errors
    ///
    /// If they are shorter than that, or the magic is another.
    pub fn decode_abi_version(bytes: &[u8]) -> Result<u32, DecodeError> {
        let mut reader = Reader::new(bytes);
        if reader.take(MAGIC.len())? != MAGIC {
            return Err(DecodeError {
                position: 0,
                what: "magic",
            });
        }
        reader.u32()
    }

    /// Reads what [`ModuleDescriptor::encode`] wrote.
    ///
    /// # Errors
    ///
    /// If the magic or the ABI version is another, a number is unknown, or a reserved byte is
    /// not zero.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        if Self::decode_abi_version(bytes)? != ABI_VERSION {
            return Err(DecodeError {
                position: 8,
                what: "ABI version",
            });
        }
        let mut reader = Reader::new(bytes.get(..Self::SIZE).unwrap_or(bytes));
        reader.take(12)?;
        if reader.u32()? != Self::STORED_SIZE {
            return Err(DecodeError {
                position: 12,
                what: "descriptor length",
            });
        }
        let arch = Arch::from_number(reader.u16()?).ok_or(DecodeError {
            position: 16,
            what: "architecture",
        })?;
        let cpu_level = CpuLevel::from_number(reader.u8()?).ok_or(DecodeError {
            position: 18,
            what: "CPU level",
        })?;
        let is_static = match reader.u8()? {
            0 => false,
            1 => true,
            _ => {
                return Err(DecodeError {
                    position: 19,
                    what: "artifact kind",
                });
            }
        };
        let options = CodegenOptions::decode(&mut reader)?;
        let cpu_features = CpuFeatures::from_bits(reader.u64()?);
        let file_len_bytes = reader.u64()?;
        let digest = take_array(&mut reader)?;
        let wasm_sha256 = take_array(&mut reader)?;
        let wasm_len_bytes = reader.u64()?;
        let mut sections = [SectionRange::default(); SECTION_COUNT];
        for section in &mut sections {
            section.offset = reader.u64()?.cast_signed();
            section.len_bytes = reader.u64()?;
        }
        let compiler = take_array(&mut reader)?;
        let codegen_fingerprint = take_array(&mut reader)?;
        let reserved = reader.position();
        if reader
            .take(Self::SIZE - reserved)?
            .iter()
            .any(|byte| *byte != 0)
        {
            return Err(DecodeError {
                position: reserved,
                what: "reserved bytes",
            });
        }
        Ok(Self {
            arch,
            cpu_level,
            is_static,
            options,
            cpu_features,
            file_len_bytes,
            digest,
            wasm_sha256,
            wasm_len_bytes,
            sections,
            compiler,
            codegen_fingerprint,
        })
    }
}

fn take_array<const N: usize>(reader: &mut Reader<'_>) -> Result<[u8; N], DecodeError> {
    let mut array = [0; N];
    array.copy_from_slice(reader.take(N)?);
    Ok(array)
}

#[cfg(test)]
mod tests {
    use super::{ModuleDescriptor, SECTION_COUNT, SectionRange};
    use crate::{Arch, CodegenOptions, CpuLevel};

    fn example() -> ModuleDescriptor {
        ModuleDescriptor {
            arch: Arch::X86_64,
            cpu_level: CpuLevel::X86_64V2,
            is_static: false,
            options: CodegenOptions {
                signals: true,
                ..CodegenOptions::default()
            },
            cpu_features: CpuLevel::X86_64V2.features(),
            file_len_bytes: 12_345,
            digest: [7; 32],
            wasm_sha256: [8; 32],
            wasm_len_bytes: 99,
            sections: [SectionRange {
                offset: -5,
                len_bytes: 6,
            }; SECTION_COUNT],
            compiler: [0; 32],
            codegen_fingerprint: [9; 32],
        }
    }

    #[test]
    fn a_descriptor_survives_a_round_trip() {
        let bytes = example().encode();
        assert_eq!(ModuleDescriptor::decode(&bytes), Ok(example()));
        assert_eq!(&bytes[40..72], &[7; 32]);
        assert_eq!(bytes[112..120], (-5i64).to_le_bytes());
    }

    #[test]
    fn every_damaged_fixed_field_is_refused() {
        for position in [0, 8, 12, 16, 18, 19, 20, 320, 511] {
            let mut bytes = example().encode();
            bytes[position] ^= 0xe0;
            assert!(ModuleDescriptor::decode(&bytes).is_err(), "byte {position}");
        }
        // Of the flags' byte only two bits are ever wrong.
        let mut bytes = example().encode();
        bytes[23] |= 0xc0;
        assert!(ModuleDescriptor::decode(&bytes).is_err());
    }
}
