//! Fixes what an artifact's ELF file looks like: the part that emitter and loader must agree on.
//!
//! Every address in the file equals its file offset, and the file is, in this order:
//!
//! ```text
//!      0  ELF header                                   64 bytes   ┐
//!     64  8 program headers                           448 bytes   │
//!    512  ModuleDescriptor                            512 bytes   │ PT_LOAD R
//!         .note.gnu.build-id .gnu.hash .dynsym .dynstr             │
//!         .eh_frame_hdr .eh_frame                                  │
//!         manifest, function table, trap table, offset map,        │
//!         names (and .strtab), lines, data,                        │
//!         (page-aligned) memory image                              ┘
//!  align  .text                                                     PT_LOAD RX
//!  align  .dynamic, padded to a page                                PT_LOAD RW, PT_GNU_RELRO
//!         .symtab .debug_* .shstrtab, section headers               not loaded
//!    end  signature block                                           not loaded
//! ```

/// Number of program headers, in this order: `LOAD R`, `LOAD RX`, `LOAD RW`, `DYNAMIC`, `NOTE`,
/// `GNU_EH_FRAME`, `GNU_STACK`, `GNU_RELRO`.
pub const PROGRAM_HEADER_COUNT: u16 = 8;

/// File offset of the [`crate::ModuleDescriptor`]: right behind the program headers.
pub const DESCRIPTOR_FILE_OFFSET: u64 = 64 + 56 * PROGRAM_HEADER_COUNT as u64;

/// The one symbol that an artifact exports.
pub const DESCRIPTOR_SYMBOL: &str = "wasmelt_module";

/// The tags of `.dynamic`, in order: `DT_GNU_HASH`, `DT_STRTAB`, `DT_SYMTAB`, `DT_STRSZ`,
/// `DT_SYMENT`, `DT_NULL`. Anything else is refused.
pub const DYNAMIC_TAGS: [u64; 6] = [0x6fff_fef5, 5, 6, 10, 11, 0];

/// First eight bytes of the signature block that ends the file.
pub const SIGNATURE_BLOCK_MAGIC: [u8; 8] = *b"wmeltsig";

/// Length of an empty signature block: magic, then its payload's length as a `u64` (0).
pub const SIGNATURE_BLOCK_LEN_BYTES: u64 = 16;

macro_rules! section_names {
    ($( $(#[$doc:meta])* $name:ident = $text:literal; )*) => {
        /// Names of ELF sections, for tools; the loader never reads section headers.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum SectionName { $( $(#[$doc])* $name, )* }

        impl SectionName {
            /// Every name.
            pub const ALL: &'static [SectionName] = &[ $( SectionName::$name, )* ];

            /// As written in the file.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $( SectionName::$name => $text, )* }
            }

            /// Whether only artifacts with debug information have it.
            #[must_use]
            pub const fn is_rare(self) -> bool {
                self as u8 >= SectionName::Lines as u8
            }
        }
    };
}

section_names! {
    /// The [`crate::ModuleDescriptor`].
    Descriptor = ".wasmelt.descriptor";
    /// GNU build id.
    BuildId = ".note.gnu.build-id";
    /// Symbol hash table.
    GnuHash = ".gnu.hash";
    /// Dynamic symbols.
    Dynsym = ".dynsym";
    /// Strings of the dynamic symbols.
    Dynstr = ".dynstr";
    /// Search table of the unwind information.
    EhFrameHdr = ".eh_frame_hdr";
    /// Unwind information.
    EhFrame = ".eh_frame";
    /// [`crate::SectionId::Manifest`].
    Manifest = ".wasmelt.manifest";
    /// [`crate::SectionId::FunctionTable`].
    FunctionTable = ".wasmelt.functions";
    /// [`crate::SectionId::TrapTable`].
    TrapTable = ".wasmelt.traps";
    /// [`crate::SectionId::OffsetMap`].
    OffsetMap = ".wasmelt.offsets";
    /// [`crate::SectionId::Names`], without the strings.
    Names = ".wasmelt.names";
    /// [`crate::SectionId::Data`].
    Data = ".wasmelt.data";
    /// [`crate::SectionId::MemoryImage`].
    MemoryImage = ".wasmelt.image";
    /// Machine code.
    Text = ".text";
    /// Dynamic section.
    Dynamic = ".dynamic";
    /// Symbols for debuggers and profilers.
    Symtab = ".symtab";
    /// Strings of the symbols: the end of [`crate::SectionId::Names`].
    Strtab = ".strtab";
    /// Names of the sections.
    Shstrtab = ".shstrtab";
    /// [`crate::SectionId::Lines`].
    Lines = ".wasmelt.lines";
    /// Forms of the entries of debug information.
    DebugAbbrev = ".debug_abbrev";
    /// Debug information: functions, and what was inlined where.
    DebugInfo = ".debug_info";
    /// Which line each instruction belongs to.
    DebugLine = ".debug_line";
    /// Where what was inlined is in several pieces.
    DebugRanges = ".debug_ranges";
    /// Names in the debug information.
    DebugStr = ".debug_str";
}
