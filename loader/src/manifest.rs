//! Checks that every index and size in a manifest is in range, so that the runtime may use them
//! without fear.
//!
//! Sandbox-critical: the runtime indexes by what is checked here. The rules are those of
//! validation (core specification 1.0, section 3.4) as far as they concern the description of a
//! module, and those of the layout for what the compiler adds.

use crate::error::LoadError;
use std::collections::{HashMap, HashSet};
use wasmelt_abi::{
    ConstExpr, ExternKind, Limits, MEMORY_MAX_PAGES, Manifest, SectionId, ValType, WASM_PAGE_SIZE,
};

type Checked = Result<(), LoadError>;

/// Lengths of what a manifest refers to.
pub(crate) struct Surroundings {
    pub(crate) data_len_bytes: u64,
    pub(crate) image_len_bytes: u64,
    pub(crate) segment_alignment_bytes: u64,
}

/// Import slots lie at negative 32-bit offsets of 16 bytes each, globals at positive ones of 8.
const MAX_IMPORTED_FUNCTIONS: usize = 1 << 26;
const MAX_GLOBALS: usize = 1 << 27;

/// Checks a decoded manifest.
pub(crate) fn check_manifest(manifest: &Manifest, around: &Surroundings) -> Checked {
    check_types(manifest)?;
    check_functions(manifest)?;
    check_imports(manifest)?;
    check_limits(manifest)?;
    check_globals(manifest)?;
    check_exports(manifest)?;
    check_start(manifest)?;
    check_elements(manifest)?;
    check_image(manifest, around)?;
    check_data(manifest, around)
}

fn broken(index: usize, rule: &'static str) -> LoadError {
    LoadError::Contents {
        section: SectionId::Manifest,
        index: index as u64,
        rule,
    }
}

fn ensure(holds: bool, index: usize, rule: &'static str) -> Checked {
    if holds {
        Ok(())
    } else {
        Err(broken(index, rule))
    }
}

fn check_types(manifest: &Manifest) -> Checked {
    let ids = &manifest.local_signature_ids;
    ensure(
        ids.len() == manifest.types.len(),
        ids.len(),
        "every type has a local signature id",
    )?;
    let mut first_index = HashMap::new();
    for (index, (ty, id)) in manifest.types.iter().zip(ids).enumerate() {
        ensure(
            ty.results.len() <= 1,
            index,
            "a type has at most one result",
        )?;
        let first = *first_index.entry(ty).or_insert(index);
        ensure(
            *id as usize == first,
            index,
            "a local signature id is the first index of an equal type",
        )?;
    }
    Ok(())
}

fn check_functions(manifest: &Manifest) -> Checked {
    let imported = manifest.imported_function_count as usize;
    ensure(
        imported <= manifest.functions.len(),
        imported,
        "imported functions are functions",
    )?;
    ensure(
        imported <= MAX_IMPORTED_FUNCTIONS,
        imported,
        "import slots have 32-bit offsets",
    )?;
    for (index, ty) in manifest.functions.iter().enumerate() {
        ensure(
            (*ty as usize) < manifest.types.len(),
            index,
            "a function has a type",
        )?;
    }
    Ok(())
}

fn check_imports(manifest: &Manifest) -> Checked {
    let (mut functions, mut globals, mut tables, mut memories) = (0usize, 0usize, 0usize, 0usize);
    for (index, import) in manifest.imports.iter().enumerate() {
        match import.kind {
            ExternKind::Func => {
                ensure(
                    manifest.functions.get(functions) == Some(&import.index),
                    index,
                    "an imported function has the type that its import says",
                )?;
                functions += 1;
            }
            ExternKind::Global => {
                ensure(
                    import.index as usize == globals,
                    index,
                    "imported globals are numbered in their order",
                )?;
                globals += 1;
            }
            ExternKind::Table => {
                ensure(import.index == 0, index, "an imported table is table 0")?;
                tables += 1;
            }
            ExternKind::Memory => {
                ensure(import.index == 0, index, "an imported memory is memory 0")?;
                memories += 1;
            }
        }
    }
    let import_count = manifest.imports.len();
    ensure(
        functions == manifest.imported_function_count as usize,
        import_count,
        "imported functions are imports",
    )?;
    ensure(
        globals == imported_global_count(manifest),
        import_count,
        "imported globals are imports",
    )?;
    ensure(
        tables == usize::from(manifest.table.is_some_and(|table| table.imported)),
        import_count,
        "an imported table is an import",
    )?;
    ensure(
        memories == usize::from(manifest.memory.is_some_and(|memory| memory.imported)),
        import_count,
        "an imported memory is an import",
    )
}

fn imported_global_count(manifest: &Manifest) -> usize {
    let imported = |global: &&wasmelt_abi::Global| global.init.is_none();
    manifest.globals.iter().take_while(imported).count()
}

fn check_limits(manifest: &Manifest) -> Checked {
    let ordered = |limits: Limits| limits.max.is_none_or(|max| limits.min <= max);
    if let Some(table) = manifest.table {
        ensure(
            ordered(table.limits),
            0,
            "a table's minimum is at most its maximum",
        )?;
    }
    if let Some(memory) = manifest.memory {
        let limits = memory.limits;
        let largest = limits.max.unwrap_or(limits.min);
        ensure(
            ordered(limits),
            0,
            "a memory's minimum is at most its maximum",
        )?;
        ensure(
            largest <= MEMORY_MAX_PAGES,
            0,
            "a memory has at most 65536 pages",
        )?;
    }
    Ok(())
}

fn check_globals(manifest: &Manifest) -> Checked {
    let imported = imported_global_count(manifest);
    ensure(
        manifest.globals.len() <= MAX_GLOBALS,
        manifest.globals.len(),
        "globals have 32-bit offsets",
    )?;
    for (index, global) in manifest.globals.iter().enumerate().skip(imported) {
        let init = global
            .init
            .ok_or(broken(index, "imported globals come first"))?;
        check_const_expr(manifest, init, global.ty.content, index)?;
    }
    Ok(())
}

/// Checks that a constant expression has a type; constants do not say theirs, so that only the
/// high half of a 32-bit one can be wrong.
fn check_const_expr(manifest: &Manifest, expr: ConstExpr, ty: ValType, index: usize) -> Checked {
    match expr {
        ConstExpr::Bits(bits) => {
            let narrow = matches!(ty, ValType::I32 | ValType::F32);
            ensure(
                !narrow || bits >> 32 == 0,
                index,
                "a 32-bit constant has 32 bits",
            )
        }
        ConstExpr::Global(global) => {
            let found = manifest
                .globals
                .get(global as usize)
                .filter(|global| global.init.is_none())
                .ok_or(broken(index, "an initialiser reads an imported global"))?;
            ensure(
                found.ty.content == ty && !found.ty.mutable,
                index,
                "an initialiser reads an immutable global of its type",
            )
        }
    }
}

fn check_exports(manifest: &Manifest) -> Checked {
    let mut names = HashSet::new();
    let mut exports_table = false;
    for (index, export) in manifest.exports.iter().enumerate() {
        ensure(
            names.insert(export.name.as_str()),
            index,
            "export names are unique",
        )?;
        let count = match export.kind {
            ExternKind::Func => manifest.functions.len(),
            ExternKind::Table => usize::from(manifest.table.is_some()),
            ExternKind::Memory => usize::from(manifest.memory.is_some()),
            ExternKind::Global => manifest.globals.len(),
        };
        ensure(
            (export.index as usize) < count,
            index,
            "an export names something that exists",
        )?;
        exports_table |= export.kind == ExternKind::Table;
    }
    ensure(
        exports_table == manifest.table.is_some_and(|table| table.exported),
        manifest.exports.len(),
        "an exported table is marked as such",
    )
}

fn check_start(manifest: &Manifest) -> Checked {
    let Some(start) = manifest.start else {
        return Ok(());
    };
    let index = start as usize;
    let ty = manifest
        .functions
        .get(index)
        .and_then(|ty| manifest.types.get(*ty as usize))
        .ok_or(broken(index, "the start function exists"))?;
    ensure(
        ty.params.is_empty() && ty.results.is_empty(),
        index,
        "the start function takes and returns nothing",
    )
}

fn check_elements(manifest: &Manifest) -> Checked {
    for (index, segment) in manifest.elements.iter().enumerate() {
        ensure(
            manifest.table.is_some(),
            index,
            "an element segment has a table to go to",
        )?;
        check_const_expr(manifest, segment.offset, ValType::I32, index)?;
        let count = manifest.functions.len();
        ensure(
            segment.funcs.iter().all(|func| (*func as usize) < count),
            index,
            "an element is a function",
        )?;
    }
    Ok(())
}

fn check_image(manifest: &Manifest, around: &Surroundings) -> Checked {
    let Some(image) = manifest.image else {
        return ensure(
            around.image_len_bytes == 0,
            0,
            "a memory image is described",
        );
    };
    ensure(
        image.len_bytes == around.image_len_bytes && image.len_bytes != 0,
        0,
        "the memory image has the length of its section",
    )?;
    let aligned = |value: u64| value.is_multiple_of(around.segment_alignment_bytes);
    ensure(
        aligned(image.memory_offset) && aligned(image.len_bytes),
        0,
        "the memory image covers whole host pages",
    )?;
    let memory = manifest
        .memory
        .filter(|memory| !memory.imported)
        .ok_or(broken(0, "a memory image belongs to a defined memory"))?;
    let min_len_bytes = u64::from(memory.limits.min) * u64::from(WASM_PAGE_SIZE);
    let end = image.memory_offset.checked_add(image.len_bytes);
    ensure(
        end.is_some_and(|end| end <= min_len_bytes),
        0,
        "the memory image lies in the memory's minimum",
    )
}

fn check_data(manifest: &Manifest, around: &Surroundings) -> Checked {
    for (index, segment) in manifest.data.iter().enumerate() {
        ensure(
            manifest.memory.is_some(),
            index,
            "a data segment has a memory to go to",
        )?;
        check_const_expr(manifest, segment.offset, ValType::I32, index)?;
        let available = if segment.in_image {
            around.image_len_bytes
        } else {
            around.data_len_bytes
        };
        let end = segment.start.checked_add(segment.len_bytes);
        ensure(
            end.is_some_and(|end| end <= available),
            index,
            "the bytes of a data segment are there",
        )?;
        // An empty segment has no bytes to place.
        if segment.in_image && segment.len_bytes != 0 {
            let memory_offset = manifest
                .image
                .and_then(|image| image.memory_offset.checked_add(segment.start));
            let placed = matches!(segment.offset, ConstExpr::Bits(bits)
                if Some(bits) == memory_offset);
            ensure(
                placed,
                index,
                "a data segment in the image lies where the image puts it",
            )?;
        }
    }
    Ok(())
}
