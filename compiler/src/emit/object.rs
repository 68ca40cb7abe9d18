//! Writes a relocatable object with the same descriptor, through `cranelift-object`, for programs
//! that link their modules in. Its text is laid out and its calls are relocated by others, which
//! checks our own writer.

use super::{
    ArtifactParts,
    tables::build_tables,
    text::{FunctionRange, function_alignment},
    unwind::{PC_BEGIN, build_eh_frame},
};
use crate::{
    codegen::{CallEncoding, Callee, CodeGenerator, CompiledFunction},
    error::CompileError,
    translate::Stub,
};
use cranelift_codegen::{binemit::Reloc, ir::Signature, isa::CallConv};
use cranelift_module::{FuncId, Linkage, Module, ModuleReloc, ModuleRelocTarget};
use cranelift_object::{ObjectBuilder, ObjectModule, ObjectProduct};
use object::{
    RelocationFlags, SectionKind, SymbolFlags, SymbolKind, SymbolScope, elf,
    write::{Relocation, StandardSection, Symbol, SymbolId, SymbolSection},
};
use std::collections::BTreeSet;
use wasmelt_abi::{Arch, ModuleDescriptor, SECTION_COUNT, SectionId, SectionRange};

/// Writes the object.
pub(crate) fn object(parts: &ArtifactParts) -> Result<Vec<u8>, CompileError> {
    let error = |e: &dyn std::fmt::Display| CompileError::Emit {
        reason: e.to_string(),
    };
    let generator = CodeGenerator::new(&parts.options)?;
    let alignment = u64::from(function_alignment(generator.isa()));
    let builder = ObjectBuilder::new(
        generator.owned_isa(&parts.options)?,
        "wasmelt",
        cranelift_module::default_libcall_names(),
    )
    .map_err(|e| error(&e))?;
    let mut module = ObjectModule::new(builder);
    let ids = declare_functions(&mut module, parts).map_err(|e| error(&e))?;
    for (function, id) in parts.functions.iter().zip(&ids) {
        let relocations = relocations(parts, function, &ids);
        module
            .define_function_bytes(*id, alignment, &function.code, &relocations)
            .map_err(|e| error(&e))?;
    }
    let mut product = module.finish();
    let ranges = placed_ranges(&product, parts, &ids);
    let text_symbol = text_symbol(&mut product);
    add_descriptor(&mut product, parts, &ranges, text_symbol).map_err(|e| error(&e))?;
    add_unwind(&mut product, parts, &generator, &ranges, text_symbol).map_err(|e| error(&e))?;
    product
        .object
        .add_section(Vec::new(), b".note.GNU-stack".to_vec(), SectionKind::Other);
    product.emit().map_err(|e| error(&e))
}

/// Declares every function and stub under a name that is unique in the object.
fn declare_functions(
    module: &mut ObjectModule,
    parts: &ArtifactParts,
) -> Result<Vec<FuncId>, Box<cranelift_module::ModuleError>> {
    let signature = Signature::new(CallConv::SystemV);
    let mut taken = BTreeSet::new();
    let stubs = Stub::ALL.iter().map(|stub| stub.name());
    let functions = parts
        .symbol_names
        .iter()
        .map(|name| format!("wasm::{}", name.split('\0').next().unwrap_or_default()));
    functions
        .chain(stubs)
        .enumerate()
        .map(|(position, name)| {
            let mut unique = name;
            // Names are the module's, which may also have chosen what was made unique.
            while !taken.insert(unique.clone()) {
                unique = format!("{unique}[{position}]");
            }
            module
                .declare_function(&unique, Linkage::Local, &signature)
                .map_err(Box::new)
        })
        .collect()
}

fn relocations(
    parts: &ArtifactParts,
    function: &CompiledFunction,
    ids: &[FuncId],
) -> Vec<ModuleReloc> {
    let first_stub = ids.len() - Stub::ALL.len();
    let relocations = function.relocations.iter().map(|relocation| {
        let target = match relocation.callee {
            Callee::Function(index) => index - parts.manifest.imported_function_count,
            Callee::Stub(index) => u32::try_from(first_stub).expect("limited") + index,
        };
        ModuleReloc {
            offset: relocation.offset,
            kind: match relocation.encoding {
                CallEncoding::X86PcRel32 => Reloc::X86CallPCRel4,
                CallEncoding::Aarch64Call26 => Reloc::Arm64Call,
            },
            name: ModuleRelocTarget::from(ids[target as usize]),
            addend: relocation.addend,
        }
    });
    relocations.collect()
}

/// Where the object writer placed the functions in its text section.
fn placed_ranges(
    product: &ObjectProduct,
    parts: &ArtifactParts,
    ids: &[FuncId],
) -> Vec<FunctionRange> {
    let narrow = |value: u64| u32::try_from(value).expect("the text is below 2 GiB");
    let placed = ids.iter().zip(&parts.functions).map(|(id, function)| {
        let symbol = product.object.symbol(product.function_symbol(*id));
        FunctionRange {
            offset: narrow(symbol.value),
            len_bytes: narrow(function.code.len() as u64),
        }
    });
    placed.collect()
}

fn text_symbol(product: &mut ObjectProduct) -> SymbolId {
    let text = product.object.section_id(StandardSection::Text);
    product.object.section_symbol(text)
}

/// One block with the descriptor and everything it points to; only the text is elsewhere.
fn add_descriptor(
    product: &mut ObjectProduct,
    parts: &ArtifactParts,
    ranges: &[FunctionRange],
    text_symbol: SymbolId,
) -> Result<(), object::write::Error> {
    let (functions, stubs) = ranges.split_at(ranges.len() - Stub::ALL.len());
    let tables = build_tables(parts, functions, stubs);
    let text_len_bytes = ranges.last().map_or(0, |last| last.offset + last.len_bytes);
    let mut block = vec![0; ModuleDescriptor::SIZE];
    let mut sections = [SectionRange::default(); SECTION_COUNT];
    // The offset of the text is a relocation.
    sections[SectionId::Text as usize].len_bytes = u64::from(text_len_bytes);
    for (id, bytes) in [
        (SectionId::Manifest, &tables.manifest),
        (SectionId::FunctionTable, &tables.functions),
        (SectionId::TrapTable, &tables.traps),
        (SectionId::OffsetMap, &tables.offsets),
        (SectionId::Names, &tables.names.section),
        (SectionId::Lines, &tables.lines),
        (SectionId::Data, &parts.data),
        (SectionId::MemoryImage, &parts.image),
    ] {
        if bytes.is_empty() {
            continue;
        }
        block.resize(block.len().next_multiple_of(8), 0);
        let offset = i64::try_from(block.len()).expect("below 4 GiB");
        sections[id as usize] = SectionRange {
            offset,
            len_bytes: bytes.len() as u64,
        };
        block.extend_from_slice(bytes);
    }
    block[..ModuleDescriptor::SIZE].copy_from_slice(&parts.descriptor(true, sections).encode());
    let section = product
        .object
        .section_id(StandardSection::ReadOnlyDataWithRel);
    let offset = product.object.append_section_data(section, &block, 16);
    product.object.add_symbol(Symbol {
        name: parts.options.descriptor_symbol.clone().into_bytes(),
        value: offset,
        size: ModuleDescriptor::SIZE as u64,
        kind: SymbolKind::Data,
        scope: SymbolScope::Dynamic,
        weak: false,
        section: SymbolSection::Section(section),
        flags: SymbolFlags::None,
    });
    let field = (ModuleDescriptor::SECTIONS_OFFSET + 16 * SectionId::Text as usize) as u64;
    let r_type = PlaceRelative::of(parts.options.arch).bits_64;
    // text − descriptor = (text + field) − (descriptor + field).
    let addend = i64::try_from(field).expect("small");
    product.object.add_relocation(
        section,
        relative(offset + field, text_symbol, addend, r_type),
    )
}

fn add_unwind(
    product: &mut ObjectProduct,
    parts: &ArtifactParts,
    generator: &CodeGenerator,
    ranges: &[FunctionRange],
    text_symbol: SymbolId,
) -> Result<(), object::write::Error> {
    let unwind = build_eh_frame(generator.isa(), &parts.functions, ranges, 0);
    // The linker ends the section itself.
    let eh_frame = &unwind.eh_frame[..unwind.eh_frame.len() - 4];
    let section = product.object.section_id(StandardSection::EhFrame);
    let start = product.object.append_section_data(section, eh_frame, 8);
    let r_type = PlaceRelative::of(parts.options.arch).bits_32;
    for (position, text_offset) in &unwind.entries {
        let place = start + u64::from(position + PC_BEGIN);
        let target = i64::from(*text_offset);
        product
            .object
            .add_relocation(section, relative(place, text_symbol, target, r_type))?;
    }
    Ok(())
}

/// The target's relocations to `symbol + addend − place`.
struct PlaceRelative {
    bits_64: u32,
    bits_32: u32,
}

impl PlaceRelative {
    const fn of(arch: Arch) -> Self {
        match arch {
            Arch::X86_64 => Self {
                bits_64: elf::R_X86_64_PC64,
                bits_32: elf::R_X86_64_PC32,
            },
            Arch::Aarch64 => Self {
                bits_64: elf::R_AARCH64_PREL64,
                bits_32: elf::R_AARCH64_PREL32,
            },
        }
    }
}

fn relative(offset: u64, symbol: SymbolId, addend: i64, r_type: u32) -> Relocation {
    Relocation {
        offset,
        symbol,
        addend,
        flags: RelocationFlags::Elf { r_type },
    }
}
