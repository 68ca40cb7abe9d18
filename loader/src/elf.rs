//! Compares everything that the dynamic linker reads with what the emitter writes.
//!
//! Sandbox-critical. This is an allow-list: from the descriptor alone follows what every field of
//! the ELF header, the program headers, the symbol table, its hash table and the dynamic section
//! has to be, and any other value is refused. What the dynamic linker does not read (section
//! headers, `.symtab`) is not looked at.
//!
//! Positions are those of `docs/artifact-format.md`; every address in the file equals its file
//! offset.

use crate::{
    error::{ElfPart, LoadError},
    unwind::check_unwind_info,
};
use std::ops::Range;
use wasmelt_abi::{
    DESCRIPTOR_FILE_OFFSET, DESCRIPTOR_SYMBOL, DYNAMIC_TAGS, ModuleDescriptor,
    PROGRAM_HEADER_COUNT, SIGNATURE_BLOCK_LEN_BYTES, SectionId,
};

const HEADER_LEN: u64 = 64;
const PROGRAM_HEADER_LEN: u64 = 56;
const NOTE: u64 = 1024;
const NOTE_LEN: u64 = 36;
const GNU_HASH: u64 = 1064;
const DYNSYM: u64 = 1096;
const DYNSTR: u64 = 1144;
const DYNSTR_LEN: usize = 16;
/// File offset of the unwind table.
pub(crate) const UNWIND_TABLE: u64 = 1160;
const DYNAMIC_LEN: u64 = 96;

const PT_LOAD: u64 = 1;
const PT_DYNAMIC: u64 = 2;
const PT_NOTE: u64 = 4;
const PT_GNU_EH_FRAME: u64 = 0x6474_e550;
const PT_GNU_STACK: u64 = 0x6474_e551;
const PT_GNU_RELRO: u64 = 0x6474_e552;
const R: u64 = 4;
const RX: u64 = 5;
const RW: u64 = 6;

/// Sections in the read-only segment, in the order of the file.
const READ_ONLY_SECTIONS: [SectionId; 8] = [
    SectionId::Manifest,
    SectionId::FunctionTable,
    SectionId::TrapTable,
    SectionId::OffsetMap,
    SectionId::Names,
    SectionId::Lines,
    SectionId::Data,
    SectionId::MemoryImage,
];

type Checked = Result<(), LoadError>;

/// Checks the ELF file around a descriptor that was read from it.
pub(crate) fn check_elf(bytes: &[u8], descriptor: &ModuleDescriptor) -> Checked {
    let lint = Lint { bytes };
    let alignment = descriptor.arch.segment_alignment_bytes();
    let sections_end = check_read_only_sections(&lint, descriptor, alignment)?;
    let text_start = align_up(sections_end, alignment);
    let text = text_start..text_start.saturating_add(descriptor.section(SectionId::Text).len_bytes);
    check_section_range(descriptor, SectionId::Text, text.start)?;
    let dynamic_start = align_up(text.end, alignment);
    let dynamic_segment = dynamic_start..dynamic_start.saturating_add(alignment);
    let signature_start = descriptor
        .file_len_bytes
        .saturating_sub(SIGNATURE_BLOCK_LEN_BYTES);
    if dynamic_segment.end > signature_start {
        return Err(LoadError::Length {
            expected: dynamic_segment
                .end
                .saturating_add(SIGNATURE_BLOCK_LEN_BYTES),
            found: descriptor.file_len_bytes,
        });
    }
    check_header(&lint, descriptor)?;
    // Before the program headers, whose lengths would refuse a foreign tag without its name.
    check_dynamic(&lint, dynamic_start)?;
    let segments = Segments {
        read_only_end: sections_end,
        text: text.clone(),
        dynamic: dynamic_segment.clone(),
        alignment,
    };
    let unwind_table_len = check_program_headers(&lint, &segments)?;
    check_note(&lint)?;
    check_gnu_hash(&lint)?;
    check_dynamic_symbols(&lint)?;
    check_dynamic_strings(&lint)?;
    lint.zero(sections_end..text.start)?;
    lint.zero(text.end..dynamic_start)?;
    lint.zero(dynamic_start + DYNAMIC_LEN..dynamic_segment.end)?;
    let manifest_start = section_start(descriptor, SectionId::Manifest);
    check_unwind_info(&lint, unwind_table_len, manifest_start, &text)
}

/// Checks that the read-only sections follow each other as laid out, and returns their end.
fn check_read_only_sections(
    lint: &Lint<'_>,
    descriptor: &ModuleDescriptor,
    alignment: u64,
) -> Result<u64, LoadError> {
    let manifest_start = section_start(descriptor, SectionId::Manifest);
    // The manifest follows the unwind information, whose length is checked there.
    let nearest = align_up(manifest_start.max(UNWIND_TABLE + 12), 8);
    check_section_range(descriptor, SectionId::Manifest, nearest)?;
    let mut end = manifest_start;
    for id in READ_ONLY_SECTIONS {
        let len_bytes = descriptor.section(id).len_bytes;
        let alignment = if id == SectionId::MemoryImage {
            alignment
        } else {
            8
        };
        let start = align_up(end, alignment);
        check_section_range(descriptor, id, start)?;
        if len_bytes == 0 {
            continue;
        }
        lint.zero(end..start)?;
        end = start.saturating_add(len_bytes);
        if end > descriptor.file_len_bytes {
            return Err(LoadError::Length {
                expected: end,
                found: descriptor.file_len_bytes,
            });
        }
    }
    Ok(end)
}

/// Checks that a section starts where the layout puts it, or has the range of one that is absent.
fn check_section_range(descriptor: &ModuleDescriptor, id: SectionId, start: u64) -> Checked {
    let range = descriptor.section(id);
    let expected = if range.len_bytes == 0 && id != SectionId::Manifest {
        0
    } else {
        start.wrapping_sub(DESCRIPTOR_FILE_OFFSET).cast_signed()
    };
    if range.offset != expected {
        return Err(LoadError::SectionRange {
            section: id,
            expected,
            found: range.offset,
            len_bytes: range.len_bytes,
        });
    }
    Ok(())
}

/// File offset of a section's first byte, as claimed.
fn section_start(descriptor: &ModuleDescriptor, id: SectionId) -> u64 {
    DESCRIPTOR_FILE_OFFSET.saturating_add_signed(descriptor.section(id).offset)
}

fn check_header(lint: &Lint<'_>, descriptor: &ModuleDescriptor) -> Checked {
    let part = ElfPart::Header;
    // Class 64, little-endian, version 1, System V, padding: the 16 bytes of e_ident.
    let ident = u64::from_le_bytes([0x7f, b'E', b'L', b'F', 2, 1, 1, 0]);
    lint.u64(part, "e_ident", 0, ident)?;
    lint.u64(part, "e_ident", 8, 0)?;
    lint.u16(part, "e_type", 16, 3)?;
    lint.u16(part, "e_machine", 18, descriptor.arch as u64)?;
    lint.u32(part, "e_version", 20, 1)?;
    lint.u64(part, "e_entry", 24, 0)?;
    lint.u64(part, "e_phoff", 32, HEADER_LEN)?;
    // e_shoff at 40, e_shnum at 60 and e_shstrndx at 62 are for tools.
    lint.u32(part, "e_flags", 48, 0)?;
    lint.u16(part, "e_ehsize", 52, HEADER_LEN)?;
    lint.u16(part, "e_phentsize", 54, PROGRAM_HEADER_LEN)?;
    lint.u16(part, "e_phnum", 56, u64::from(PROGRAM_HEADER_COUNT))?;
    lint.u16(part, "e_shentsize", 58, 64)
}

struct Segments {
    read_only_end: u64,
    text: Range<u64>,
    dynamic: Range<u64>,
    alignment: u64,
}

/// Checks the program headers and returns the length of the unwind table, the one number in them
/// that does not follow from the descriptor.
fn check_program_headers(lint: &Lint<'_>, segments: &Segments) -> Result<u64, LoadError> {
    let align = segments.alignment;
    let dynamic = &segments.dynamic;
    let dynamic_table = dynamic.start..dynamic.start + DYNAMIC_LEN;
    let unwind_part = ElfPart::ProgramHeader(5);
    let unwind_len = lint.read(unwind_part, "p_filesz", program_header(5) + 32, 8)?;
    let unwind = UNWIND_TABLE..UNWIND_TABLE.saturating_add(unwind_len);
    check_program_header(lint, 0, PT_LOAD, R, &(0..segments.read_only_end), align)?;
    check_program_header(lint, 1, PT_LOAD, RX, &segments.text, align)?;
    check_program_header(lint, 2, PT_LOAD, RW, dynamic, align)?;
    check_program_header(lint, 3, PT_DYNAMIC, RW, &dynamic_table, 8)?;
    check_program_header(lint, 4, PT_NOTE, R, &(NOTE..NOTE + NOTE_LEN), 4)?;
    check_program_header(lint, 5, PT_GNU_EH_FRAME, R, &unwind, 4)?;
    check_program_header(lint, 6, PT_GNU_STACK, RW, &(0..0), 16)?;
    check_program_header(lint, 7, PT_GNU_RELRO, R, dynamic, 1)?;
    Ok(unwind_len)
}

const fn program_header(index: u16) -> u64 {
    HEADER_LEN + PROGRAM_HEADER_LEN * index as u64
}

fn check_program_header(
    lint: &Lint<'_>,
    index: u16,
    p_type: u64,
    p_flags: u64,
    range: &Range<u64>,
    p_align: u64,
) -> Checked {
    let part = ElfPart::ProgramHeader(index);
    let at = program_header(index);
    let len_bytes = range.end - range.start;
    lint.u32(part, "p_type", at, p_type)?;
    lint.u32(part, "p_flags", at + 4, p_flags)?;
    lint.u64(part, "p_offset", at + 8, range.start)?;
    lint.u64(part, "p_vaddr", at + 16, range.start)?;
    lint.u64(part, "p_paddr", at + 24, range.start)?;
    lint.u64(part, "p_filesz", at + 32, len_bytes)?;
    lint.u64(part, "p_memsz", at + 40, len_bytes)?;
    lint.u64(part, "p_align", at + 48, p_align)
}

fn check_note(lint: &Lint<'_>) -> Checked {
    let part = ElfPart::Note;
    lint.u32(part, "n_namesz", NOTE, 4)?;
    lint.u32(part, "n_descsz", NOTE + 4, 20)?;
    lint.u32(part, "n_type", NOTE + 8, 3)?;
    let name = u64::from(u32::from_le_bytes(*b"GNU\0"));
    lint.u32(part, "name", NOTE + 12, name)?;
    // The 20 bytes of the build id may be any; nothing reads them but tools.
    lint.zero(NOTE + NOTE_LEN..GNU_HASH)
}

fn check_gnu_hash(lint: &Lint<'_>) -> Checked {
    let part = ElfPart::GnuHash;
    let hash = gnu_hash(DESCRIPTOR_SYMBOL);
    let bloom = 1u64 << (hash % 64) | 1u64 << ((hash >> 6) % 64);
    lint.u32(part, "nbuckets", GNU_HASH, 1)?;
    lint.u32(part, "symoffset", GNU_HASH + 4, 1)?;
    lint.u32(part, "bloom_size", GNU_HASH + 8, 1)?;
    lint.u32(part, "bloom_shift", GNU_HASH + 12, 6)?;
    lint.u64(part, "bloom", GNU_HASH + 16, bloom)?;
    lint.u32(part, "bucket", GNU_HASH + 24, 1)?;
    lint.u32(part, "chain", GNU_HASH + 28, u64::from(hash | 1))
}

/// The hash function of `.gnu.hash`.
fn gnu_hash(name: &str) -> u32 {
    name.bytes().fold(5381, |hash: u32, byte| {
        hash.wrapping_mul(33).wrapping_add(u32::from(byte))
    })
}

fn check_dynamic_symbols(lint: &Lint<'_>) -> Checked {
    let null = ElfPart::DynamicSymbol(0);
    for offset in (0..24).step_by(8) {
        lint.u64(null, "null symbol", DYNSYM + offset, 0)?;
    }
    let part = ElfPart::DynamicSymbol(1);
    let at = DYNSYM + 24;
    lint.u32(part, "st_name", at, 1)?;
    // STB_GLOBAL, STT_OBJECT; STV_DEFAULT.
    lint.read_exact(part, "st_info", at + 4, 1, 0x11)?;
    lint.read_exact(part, "st_other", at + 5, 1, 0)?;
    // Any defined, ordinary section will do: its number depends on the section headers.
    let section = lint.read(part, "st_shndx", at + 6, 2)?;
    if !(1..0xff00).contains(&section) {
        return lint.u16(part, "st_shndx", at + 6, 1);
    }
    lint.u64(part, "st_value", at + 8, DESCRIPTOR_FILE_OFFSET)?;
    lint.u64(part, "st_size", at + 16, ModuleDescriptor::SIZE as u64)
}

fn check_dynamic_strings(lint: &Lint<'_>) -> Checked {
    let mut expected = [0; DYNSTR_LEN];
    expected[1..=DESCRIPTOR_SYMBOL.len()].copy_from_slice(DESCRIPTOR_SYMBOL.as_bytes());
    for (offset, byte) in (0..).zip(expected) {
        let part = ElfPart::DynamicStrings;
        lint.read_exact(part, "byte", DYNSTR + offset, 1, u64::from(byte))?;
    }
    Ok(())
}

fn check_dynamic(lint: &Lint<'_>, start: u64) -> Checked {
    let values = [GNU_HASH, DYNSTR, DYNSYM, DYNSTR_LEN as u64, 24, 0];
    let entries = || (0..).zip(DYNAMIC_TAGS.into_iter().zip(values));
    let place = |index: u16| start + u64::from(index) * 16;
    // All tags first: a foreign one says more than a foreign value.
    for (index, (tag, _)) in entries() {
        lint.u64(ElfPart::DynamicEntry(index), "d_tag", place(index), tag)?;
    }
    for (index, (_, value)) in entries() {
        let part = ElfPart::DynamicEntry(index);
        lint.u64(part, "d_val", place(index) + 8, value)?;
    }
    Ok(())
}

/// The next multiple of a power of two.
pub(crate) const fn align_up(value: u64, alignment: u64) -> u64 {
    value.saturating_add(alignment - 1) & !(alignment - 1)
}

/// Reads fields of a file; a position outside of it is refused like a wrong value.
pub(crate) struct Lint<'a> {
    bytes: &'a [u8],
}

impl Lint<'_> {
    /// The little-endian number of `len_bytes` (at most 8) bytes at a file offset.
    pub(crate) fn read(
        &self,
        part: ElfPart,
        field: &'static str,
        file_offset: u64,
        len_bytes: usize,
    ) -> Result<u64, LoadError> {
        let outside = || LoadError::Elf {
            part,
            field,
            file_offset,
            expected: self.bytes.len() as u64,
            found: file_offset,
        };
        let start = usize::try_from(file_offset).map_err(|_| outside())?;
        let end = start.checked_add(len_bytes).ok_or_else(outside)?;
        let field = self.bytes.get(start..end).ok_or_else(outside)?;
        if let Ok(word) = field.try_into() {
            return Ok(u64::from(u32::from_le_bytes(word)));
        }
        let mut number = [0; 8];
        number[..len_bytes].copy_from_slice(field);
        Ok(u64::from_le_bytes(number))
    }

    pub(crate) fn read_exact(
        &self,
        part: ElfPart,
        field: &'static str,
        file_offset: u64,
        len_bytes: usize,
        expected: u64,
    ) -> Checked {
        let found = self.read(part, field, file_offset, len_bytes)?;
        if found != expected {
            return Err(LoadError::Elf {
                part,
                field,
                file_offset,
                expected,
                found,
            });
        }
        Ok(())
    }

    fn u16(&self, part: ElfPart, field: &'static str, at: u64, expected: u64) -> Checked {
        self.read_exact(part, field, at, 2, expected)
    }

    fn u32(&self, part: ElfPart, field: &'static str, at: u64, expected: u64) -> Checked {
        self.read_exact(part, field, at, 4, expected)
    }

    fn u64(&self, part: ElfPart, field: &'static str, at: u64, expected: u64) -> Checked {
        self.read_exact(part, field, at, 8, expected)
    }

    /// Checks that the bytes between two parts are zero.
    pub(crate) fn zero(&self, range: Range<u64>) -> Checked {
        let (Ok(start), Ok(end)) = (usize::try_from(range.start), usize::try_from(range.end))
        else {
            return self.read_exact(ElfPart::Padding, "byte", range.start, 1, 0);
        };
        let Some(padding) = self.bytes.get(start..end) else {
            return self.read_exact(ElfPart::Padding, "byte", range.end, 1, 0);
        };
        match padding.iter().position(|byte| *byte != 0) {
            None => Ok(()),
            Some(offset) => {
                let file_offset = range.start + offset as u64;
                self.read_exact(ElfPart::Padding, "byte", file_offset, 1, 0)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{align_up, gnu_hash};

    #[test]
    fn the_hash_function_is_the_one_of_gnu_hash() {
        // Values from the description of the format by its inventors.
        assert_eq!(gnu_hash(""), 0x0000_1505);
        assert_eq!(gnu_hash("printf"), 0x156b_2bb8);
        assert_eq!(gnu_hash("exit"), 0x7c96_7e3f);
    }

    #[test]
    fn alignment_never_wraps() {
        assert_eq!(align_up(0, 8), 0);
        assert_eq!(align_up(1, 8), 8);
        assert_eq!(align_up(u64::MAX, 4096), !4095);
    }
}
