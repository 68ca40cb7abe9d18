//! Decides every section, offset and symbol of the shared object, and writes it.
//!
//! The layout is drawn in `wasmelt-abi`'s `elf.rs` and, byte by byte, in
//! `docs/artifact-format.md`. The loader accepts exactly this and nothing else.

use super::{
    ArtifactParts,
    debug::build_debug_sections,
    tables::build_tables,
    unwind::{build_eh_frame, build_eh_frame_hdr, eh_frame_hdr_len_bytes},
};
use crate::codegen::CodeGenerator;
use object::{
    Endianness, elf,
    write::elf::{FileHeader, ProgramHeader, SectionHeader, Sym, Writer},
};
use wasmelt_abi::{
    Arch, DESCRIPTOR_FILE_OFFSET, DESCRIPTOR_SYMBOL, DYNAMIC_TAGS, DebugInfo, ModuleDescriptor,
    PROGRAM_HEADER_COUNT, SECTION_COUNT, SIGNATURE_BLOCK_LEN_BYTES, SIGNATURE_BLOCK_MAGIC,
    SectionId, SectionName, SectionRange,
};

const BUILD_ID_LEN_BYTES: u8 = 20;
/// Header (12), name `GNU\0` (4), id.
const NOTE_LEN_BYTES: usize = 16 + BUILD_ID_LEN_BYTES as usize;
const DYNAMIC_LEN_BYTES: u64 = 16 * DYNAMIC_TAGS.len() as u64;

/// A run of bytes in the file.
struct Chunk<'a> {
    name: SectionName,
    bytes: &'a [u8],
    offset: usize,
}

/// Writes the artifact.
pub(crate) fn shared_object(parts: &ArtifactParts) -> Vec<u8> {
    let segment_alignment = parts.options.arch.segment_alignment_bytes();
    let alignment = usize::try_from(segment_alignment).expect("page sizes are small");
    let tables = build_tables(parts, &parts.text.functions, &parts.text.stubs);
    let generator = CodeGenerator::new(&parts.options).expect("it was built before");
    let isa = generator.isa();
    let ranges: Vec<_> = parts
        .text
        .functions
        .iter()
        .chain(&parts.text.stubs)
        .copied()
        .collect();

    let mut buffer = Vec::new();
    let mut writer = Writer::new(Endianness::Little, true, &mut buffer);

    // Lay out: the read-only segment.
    writer.reserve_file_header();
    writer.reserve_program_headers(u32::from(PROGRAM_HEADER_COUNT));
    let descriptor_offset = writer.reserve(ModuleDescriptor::SIZE, 8);
    assert_eq!(
        descriptor_offset as u64, DESCRIPTOR_FILE_OFFSET,
        "the descriptor has its place"
    );
    let note_offset = writer.reserve(NOTE_LEN_BYTES, 4);
    let gnu_hash_offset = writer.reserve_gnu_hash(1, 1, 1);
    let descriptor_name = writer.add_dynamic_string(DESCRIPTOR_SYMBOL.as_bytes());
    writer.reserve_null_dynamic_symbol_index();
    writer.reserve_dynamic_symbol_index();
    let dynsym_offset = writer.reserve_dynsym();
    let dynstr_offset = writer.reserve_dynstr();
    let dynstr_len_bytes = writer.dynstr_len();
    let hdr_len_bytes = eh_frame_hdr_len_bytes(ranges.len());
    let hdr_offset = writer.reserve(hdr_len_bytes, 8);
    // The length of .eh_frame does not depend on where the text lies.
    let eh_frame_len_bytes = build_eh_frame(isa, &parts.functions, &ranges, 0)
        .eh_frame
        .len();
    let eh_frame_offset = writer.reserve(eh_frame_len_bytes, 8);
    let stored: [(SectionId, SectionName, &[u8], usize); 8] = [
        (
            SectionId::Manifest,
            SectionName::Manifest,
            &tables.manifest,
            8,
        ),
        (
            SectionId::FunctionTable,
            SectionName::FunctionTable,
            &tables.functions,
            8,
        ),
        (
            SectionId::TrapTable,
            SectionName::TrapTable,
            &tables.traps,
            8,
        ),
        (
            SectionId::OffsetMap,
            SectionName::OffsetMap,
            &tables.offsets,
            8,
        ),
        (
            SectionId::Names,
            SectionName::Names,
            &tables.names.section,
            8,
        ),
        (SectionId::Lines, SectionName::Lines, &tables.lines, 8),
        (SectionId::Data, SectionName::Data, &parts.data, 8),
        (
            SectionId::MemoryImage,
            SectionName::MemoryImage,
            &parts.image,
            alignment,
        ),
    ];
    let mut sections = [SectionRange::default(); SECTION_COUNT];
    let place = |offset: usize, len_bytes: usize| SectionRange {
        offset: i64::try_from(offset - descriptor_offset).expect("artifacts are below 4 GiB"),
        len_bytes: len_bytes as u64,
    };
    let mut chunks = Vec::new();
    for (id, name, bytes, alignment) in stored {
        if bytes.is_empty() {
            continue;
        }
        let offset = writer.reserve(bytes.len(), alignment);
        sections[id as usize] = place(offset, bytes.len());
        chunks.push(Chunk {
            name,
            bytes,
            offset,
        });
    }
    let read_only_len_bytes = writer.reserved_len();

    // Lay out: text, dynamic section, symbols, section headers, signature block.
    let text_offset = writer.reserve(parts.text.bytes.len(), alignment);
    sections[SectionId::Text as usize] = place(text_offset, parts.text.bytes.len());
    let dynamic_offset = writer.reserve(alignment, alignment);

    let debug_sections = match parts.options.codegen.debug_info {
        DebugInfo::Full => build_debug_sections(parts, text_offset as u64),
        DebugInfo::None | DebugInfo::Lines => Vec::new(),
    };

    let chunk_names = chunks.iter().map(|chunk| chunk.name);
    let debug_names = debug_sections.iter().map(|(name, _)| *name);
    let optional: Vec<_> = chunk_names.chain(debug_names).collect();
    let names = SectionNames::new(&mut writer, &optional);
    let descriptor_index = writer.reserve_section_index();
    writer.reserve_section_index(); // The note.
    writer.reserve_gnu_hash_section_index();
    writer.reserve_dynsym_section_index();
    writer.reserve_dynstr_section_index();
    for _ in [SectionName::EhFrameHdr, SectionName::EhFrame] {
        writer.reserve_section_index();
    }
    for _ in &chunks {
        writer.reserve_section_index();
    }
    let text_index = writer.reserve_section_index();
    writer.reserve_section_index(); // The dynamic section.
    writer.reserve_symtab_section_index();
    writer.reserve_strtab_section_index();
    for _ in &debug_sections {
        writer.reserve_section_index();
    }
    writer.reserve_shstrtab_section_index();
    writer.reserve_null_symbol_index();
    for _ in &tables.names.symbols {
        writer.reserve_symbol_index(Some(text_index));
    }
    writer.reserve_symtab();
    let debug_places: Vec<_> = debug_sections
        .iter()
        .map(|(_, bytes)| writer.reserve(bytes.len(), 1))
        .collect();
    writer.reserve_shstrtab();
    writer.reserve_section_headers();
    let signature_len_bytes =
        usize::try_from(SIGNATURE_BLOCK_LEN_BYTES).expect("the block is small");
    writer.reserve(signature_len_bytes, 1);
    let file_len_bytes = writer.reserved_len();

    // Everything has its place: build what depends on places.
    let unwind = build_eh_frame(
        isa,
        &parts.functions,
        &ranges,
        (text_offset - eh_frame_offset) as u64,
    );
    assert_eq!(
        unwind.eh_frame.len(),
        eh_frame_len_bytes,
        "the length is independent of places"
    );
    let distance = |to: usize| u32::try_from(to - hdr_offset).expect("artifacts are below 4 GiB");
    let hdr = build_eh_frame_hdr(&unwind, distance(eh_frame_offset), distance(text_offset));
    assert_eq!(
        hdr.len(),
        hdr_len_bytes,
        "one entry for each function and stub"
    );
    let mut descriptor = parts.descriptor(false, sections);
    descriptor.file_len_bytes = file_len_bytes as u64;

    // Write, in the same order.
    writer
        .write_file_header(&FileHeader {
            os_abi: elf::ELFOSABI_NONE,
            abi_version: 0,
            e_type: elf::ET_DYN,
            e_machine: match parts.options.arch {
                Arch::X86_64 => elf::EM_X86_64,
                Arch::Aarch64 => elf::EM_AARCH64,
            },
            e_entry: 0,
            e_flags: 0,
        })
        .expect("a 64-bit header holds every length");
    writer.write_align_program_headers();
    let dynamic = (dynamic_offset as u64, segment_alignment);
    let text = (text_offset as u64, parts.text.bytes.len() as u64);
    let note = (note_offset as u64, NOTE_LEN_BYTES as u64);
    let header = (hdr_offset as u64, hdr_len_bytes as u64);
    let (read, execute, write) = (elf::PF_R, elf::PF_X, elf::PF_W);
    for (p_type, p_flags, (offset, len_bytes), p_align) in [
        (
            elf::PT_LOAD,
            read,
            (0, read_only_len_bytes as u64),
            segment_alignment,
        ),
        (elf::PT_LOAD, read | execute, text, segment_alignment),
        (elf::PT_LOAD, read | write, dynamic, segment_alignment),
        (
            elf::PT_DYNAMIC,
            read | write,
            (dynamic.0, DYNAMIC_LEN_BYTES),
            8,
        ),
        (elf::PT_NOTE, read, note, 4),
        (elf::PT_GNU_EH_FRAME, read, header, 4),
        (elf::PT_GNU_STACK, read | write, (0, 0), 16),
        (elf::PT_GNU_RELRO, read, dynamic, 1),
    ] {
        writer.write_program_header(&ProgramHeader {
            p_type,
            p_flags,
            p_offset: offset,
            p_vaddr: offset,
            p_paddr: offset,
            p_filesz: len_bytes,
            p_memsz: len_bytes,
            p_align,
        });
    }
    writer.pad_until(descriptor_offset);
    writer.write(&descriptor.encode());
    writer.pad_until(note_offset);
    writer.write(&build_id_note(&tables.manifest, &parts.text.bytes));
    let hash = gnu_hash(DESCRIPTOR_SYMBOL.as_bytes());
    writer.write_gnu_hash(1, 6, 1, 1, 1, |_| hash);
    writer.write_null_dynamic_symbol();
    writer.write_dynamic_symbol(&Sym {
        name: Some(descriptor_name),
        section: Some(descriptor_index),
        st_info: elf::STB_GLOBAL << 4 | elf::STT_OBJECT,
        st_other: elf::STV_DEFAULT,
        st_shndx: 0,
        st_value: descriptor_offset as u64,
        st_size: ModuleDescriptor::SIZE as u64,
    });
    writer.write_dynstr();
    writer.pad_until(hdr_offset);
    writer.write(&hdr);
    writer.pad_until(eh_frame_offset);
    writer.write(&unwind.eh_frame);
    for chunk in &chunks {
        writer.pad_until(chunk.offset);
        writer.write(chunk.bytes);
    }
    writer.pad_until(text_offset);
    writer.write(&parts.text.bytes);
    writer.pad_until(dynamic_offset);
    let values = [
        gnu_hash_offset as u64,
        dynstr_offset as u64,
        dynsym_offset as u64,
        dynstr_len_bytes as u64,
        24,
        0,
    ];
    for (tag, value) in DYNAMIC_TAGS.into_iter().zip(values) {
        writer.write(&tag.to_le_bytes());
        writer.write(&value.to_le_bytes());
    }
    writer.pad_until(dynamic_offset + alignment);

    // What follows is for tools; the loader never reads it.
    writer.write_null_symbol();
    let text_section = u16::try_from(text_index.0).expect("there are few sections");
    for (name, range) in tables.names.symbols.iter().zip(&ranges) {
        // The writer knows only names in a table of its own.
        writer.write(&name.to_le_bytes());
        writer.write(&[elf::STB_LOCAL << 4 | elf::STT_FUNC, elf::STV_DEFAULT]);
        writer.write(&text_section.to_le_bytes());
        let address = text_offset as u64 + u64::from(range.offset);
        writer.write(&address.to_le_bytes());
        writer.write(&u64::from(range.len_bytes).to_le_bytes());
    }
    let symbol_count = writer.symbol_count();
    for (_, bytes) in &debug_sections {
        writer.write(bytes);
    }
    writer.write_shstrtab();
    writer.write_null_section_header();
    let read_only = u64::from(elf::SHF_ALLOC);
    let section =
        |writer: &mut Writer<'_>, name, sh_type, sh_flags, place: (u64, u64), sh_addralign| {
            writer.write_section_header(&SectionHeader {
                name: Some(names.id(name)),
                sh_type,
                sh_flags,
                sh_addr: place.0,
                sh_offset: place.0,
                sh_size: place.1,
                sh_link: 0,
                sh_info: 0,
                sh_addralign,
                sh_entsize: 0,
            });
        };
    let descriptor_place = (descriptor_offset as u64, ModuleDescriptor::SIZE as u64);
    let eh_frame_place = (eh_frame_offset as u64, eh_frame_len_bytes as u64);
    let data = elf::SHT_PROGBITS;
    section(
        &mut writer,
        SectionName::Descriptor,
        data,
        read_only,
        descriptor_place,
        8,
    );
    section(
        &mut writer,
        SectionName::BuildId,
        elf::SHT_NOTE,
        read_only,
        note,
        4,
    );
    writer.write_gnu_hash_section_header(gnu_hash_offset as u64);
    writer.write_dynsym_section_header(dynsym_offset as u64, 1);
    writer.write_dynstr_section_header(dynstr_offset as u64);
    section(
        &mut writer,
        SectionName::EhFrameHdr,
        data,
        read_only,
        header,
        4,
    );
    section(
        &mut writer,
        SectionName::EhFrame,
        data,
        read_only,
        eh_frame_place,
        8,
    );
    let mut strings_place = (0, 0);
    for chunk in &chunks {
        let mut place = (chunk.offset as u64, chunk.bytes.len() as u64);
        if chunk.name == SectionName::Names {
            let entries_len_bytes = tables.names.strings_offset as u64;
            strings_place = (place.0 + entries_len_bytes, place.1 - entries_len_bytes);
            place.1 = entries_len_bytes;
        }
        section(&mut writer, chunk.name, data, read_only, place, 8);
    }
    let executable = u64::from(elf::SHF_ALLOC | elf::SHF_EXECINSTR);
    section(
        &mut writer,
        SectionName::Text,
        data,
        executable,
        text,
        segment_alignment,
    );
    let dynstr_index = writer.dynstr_index();
    writer.write_section_header(&SectionHeader {
        name: Some(names.id(SectionName::Dynamic)),
        sh_type: elf::SHT_DYNAMIC,
        sh_flags: u64::from(elf::SHF_ALLOC | elf::SHF_WRITE),
        sh_addr: dynamic_offset as u64,
        sh_offset: dynamic_offset as u64,
        sh_size: DYNAMIC_LEN_BYTES,
        sh_link: dynstr_index.0,
        sh_info: 0,
        sh_addralign: 8,
        sh_entsize: 16,
    });
    writer.write_symtab_section_header(symbol_count);
    let strings = elf::SHT_STRTAB;
    section(
        &mut writer,
        SectionName::Strtab,
        strings,
        read_only,
        strings_place,
        1,
    );
    for ((name, bytes), offset) in debug_sections.iter().zip(debug_places) {
        writer.write_section_header(&SectionHeader {
            name: Some(names.id(*name)),
            sh_type: data,
            sh_flags: 0,
            sh_addr: 0,
            sh_offset: offset as u64,
            sh_size: bytes.len() as u64,
            sh_link: 0,
            sh_info: 0,
            sh_addralign: 1,
            sh_entsize: 0,
        });
    }
    writer.write_shstrtab_section_header();
    writer.write(&SIGNATURE_BLOCK_MAGIC);
    writer.write(&0u64.to_le_bytes());
    assert_eq!(
        writer.len(),
        file_len_bytes,
        "what was reserved was written"
    );
    seal(&mut buffer);
    buffer
}

/// Fills in the digest of everything but itself and the signature block.
fn seal(file: &mut [u8]) {
    let digest_start =
        usize::try_from(DESCRIPTOR_FILE_OFFSET).expect("small") + ModuleDescriptor::DIGEST_OFFSET;
    let digest_end = digest_start + ModuleDescriptor::DIGEST_LEN_BYTES;
    let signature_start =
        file.len() - usize::try_from(SIGNATURE_BLOCK_LEN_BYTES).expect("the block is small");
    let mut hasher = blake3::Hasher::new();
    hasher.update(&file[..digest_start]);
    hasher.update(&file[digest_end..signature_start]);
    file[digest_start..digest_end].copy_from_slice(hasher.finalize().as_bytes());
}

/// A GNU build id, by which debuggers and profilers tell artifacts apart.
fn build_id_note(manifest: &[u8], text: &[u8]) -> Vec<u8> {
    let mut hasher = blake3::Hasher::new();
    hasher.update(manifest);
    hasher.update(text);
    let mut note = Vec::with_capacity(NOTE_LEN_BYTES);
    for word in [4, u32::from(BUILD_ID_LEN_BYTES), elf::NT_GNU_BUILD_ID] {
        note.extend_from_slice(&word.to_le_bytes());
    }
    note.extend_from_slice(b"GNU\0");
    note.extend_from_slice(&hasher.finalize().as_bytes()[..usize::from(BUILD_ID_LEN_BYTES)]);
    note
}

/// The hash of `.gnu.hash`.
fn gnu_hash(name: &[u8]) -> u32 {
    name.iter().fold(5381, |hash: u32, byte| {
        hash.wrapping_mul(33).wrapping_add(u32::from(*byte))
    })
}

/// Names of the sections that the writer does not name itself.
struct SectionNames {
    ids: Vec<(SectionName, object::write::StringId)>,
}

impl SectionNames {
    /// All names of sections that every artifact has, and those of `optional` ones.
    fn new(writer: &mut Writer<'_>, optional: &[SectionName]) -> Self {
        writer.reserve_null_section_index();
        let ids = SectionName::ALL
            .iter()
            .filter(|name| !name.is_rare() || optional.contains(name))
            .map(|name| (*name, writer.add_section_name(name.as_str().as_bytes())))
            .collect();
        Self { ids }
    }

    fn id(&self, name: SectionName) -> object::write::StringId {
        let found = self.ids.iter().find(|(known, _)| *known == name);
        found.expect("every name was added").1
    }
}
