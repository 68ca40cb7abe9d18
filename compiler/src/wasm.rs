//! Parses and validates a module into borrowed descriptions; bodies are validated in parallel.

use crate::{
    error::CompileError,
    features::{enabled_features, explain},
    governor::Governor,
    options::CompileOptions,
    pipeline::parallel_map,
    recognise::{Container, recognise},
    translate,
};
use std::collections::BTreeMap;
use wasmelt_abi::{
    CodegenOptions, ConstExpr, CustomSection, ElementSegment, Export, ExternKind, FuncType, Global,
    GlobalType, Import, Limits, Memory, Preset, TABLE_MAX_ELEMENTS, Table, ValType,
};
use wasmparser::{
    BinaryReaderError, FuncToValidate, FuncValidatorAllocations, FunctionBody, KnownCustom, Name,
    Operator, Parser, Payload, TypeRef, ValidPayload, Validator, ValidatorResources,
};

/// A validated module; borrows the wasm bytes.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct ModuleInfo<'a> {
    /// Name of the module from its name section.
    pub name: Option<String>,
    /// Function types.
    pub types: Vec<FuncType>,
    /// For each type index the first index with an equal type.
    pub local_signature_ids: Vec<u32>,
    /// Imports in their order.
    pub imports: Vec<Import>,
    /// Type index of every function, imports first.
    pub functions: Vec<u32>,
    /// How many functions are imported.
    pub imported_function_count: u32,
    /// How many globals are imported.
    pub imported_global_count: u32,
    /// The table, if there is one.
    pub table: Option<Table>,
    /// The memory, if there is one.
    pub memory: Option<Memory>,
    /// Globals, imports first.
    pub globals: Vec<Global>,
    /// Exports in their order.
    pub exports: Vec<Export>,
    /// Index of the start function.
    pub start: Option<u32>,
    /// Element segments.
    pub elements: Vec<ElementSegment>,
    /// Data segments: offset and bytes.
    pub data: Vec<(ConstExpr, &'a [u8])>,
    /// Custom sections without names and debug information.
    pub custom_sections: Vec<CustomSection>,
    /// Custom sections with debug information.
    pub debug_sections: Vec<(&'a str, &'a [u8])>,
    /// Offset of the code section's contents.
    pub code_start: usize,
    /// Names of functions from the name section, by index.
    pub function_names: Vec<(u32, &'a str)>,
    /// Signatures, by local id, that one entry of the table has and no other: its index and its function. What
    /// is known of a table that never changes and has only functions of the module.
    pub sole_entries: BTreeMap<u32, (u32, u32)>,
    /// Bodies of the defined functions.
    pub bodies: Vec<FunctionBody<'a>>,
    /// What the governor sees of each body.
    pub governors: Vec<Governor>,
    /// How many direct calls of each function there are, by function index.
    pub call_counts: Vec<u32>,
    /// Whether any operator computes with floats, rather than only moving them.
    pub computes_floats: bool,
    /// Whether every function that the table may ever hold is one that the module defines.
    pub is_table_own: bool,
    /// Length of the module in bytes.
    pub wasm_len_bytes: usize,
}

impl ModuleInfo<'_> {
    /// Type of a function.
    pub(crate) fn function_type(&self, index: u32) -> &FuncType {
        &self.types[self.functions[index as usize] as usize]
    }

    /// The body's index among defined functions, or `None` for an imported function.
    pub(crate) fn defined_index(&self, index: u32) -> Option<u32> {
        index.checked_sub(self.imported_function_count)
    }

    /// Names of the defined functions for listings and symbols: from the name section, the first
    /// export, or the index.
    pub(crate) fn display_names(&self) -> Vec<String> {
        let mut exported = BTreeMap::new();
        for export in &self.exports {
            if export.kind == ExternKind::Func {
                exported.entry(export.index).or_insert(&export.name);
            }
        }
        let first = self.imported_function_count;
        let defined = (first..).take(self.bodies.len());
        let name = |index: u32| {
            let named = &self.function_names;
            if let Ok(at) = named.binary_search_by_key(&index, |(index, _)| *index) {
                return named[at].1.to_owned();
            }
            match exported.get(&index) {
                Some(name) => (*name).clone(),
                None => format!("function[{index}]"),
            }
        };
        defined.map(name).collect()
    }
}

/// Parses and validates a module for a preset and applies the preset's treatment to it.
///
/// # Errors
///
/// If the input is no module, is invalid, uses a proposal beyond the preset, or breaks one of the
/// preset's rules.
pub fn parse_module<'a>(
    wasm: &'a [u8],
    options: &CompileOptions,
) -> Result<ModuleInfo<'a>, CompileError> {
    match recognise(wasm) {
        // wasmparser words these best, and the specification suite knows its words.
        Container::Module | Container::OtherWasmVersion(_) => {}
        container => return Err(CompileError::NotWasm { container }),
    }
    if u32::try_from(wasm.len()).is_err() {
        return Err(CompileError::LimitExceeded {
            what: "the length of the module in bytes",
            limit: u64::from(u32::MAX),
            found: wasm.len() as u64,
        });
    }
    let preset = options.codegen.preset;
    let explain = |error: &BinaryReaderError| explain(wasm, options, error);
    let (mut module, to_validate) =
        read_sections(wasm, options).map_err(|error| error.into_compile_error(explain))?;
    let bodies = validate_bodies(&module, to_validate, options).map_err(|e| explain(&e))?;
    let mut in_table = module.elements.iter().flat_map(|segment| &segment.funcs);
    module.is_table_own = module.table.is_some_and(|table| table.is_private())
        && in_table.all(|func| *func >= module.imported_function_count);
    module.sole_entries = sole_entries(&module).unwrap_or_default();
    module.call_counts = vec![0; module.functions.len()];
    for body in bodies {
        module.governors.push(body.governor);
        module.computes_floats |= body.computes_floats;
        for callee in body.callees {
            module.call_counts[callee as usize] += 1;
        }
    }
    apply_preset(&mut module, preset)?;
    check_limits(&module)?;
    Ok(module)
}

type BodyToValidate = FuncToValidate<ValidatorResources>;

/// Why reading the sections stopped.
enum ReadError {
    Invalid(BinaryReaderError),
    Refused(CompileError),
}

impl From<BinaryReaderError> for ReadError {
    fn from(error: BinaryReaderError) -> Self {
        ReadError::Invalid(error)
    }
}

impl ReadError {
    fn into_compile_error(
        self,
        explain: impl FnOnce(&BinaryReaderError) -> CompileError,
    ) -> CompileError {
        match self {
            ReadError::Invalid(error) => explain(&error),
            ReadError::Refused(error) => error,
        }
    }
}

fn read_sections<'a>(
    wasm: &'a [u8],
    options: &CompileOptions,
) -> Result<(ModuleInfo<'a>, Vec<BodyToValidate>), ReadError> {
    let preset = options.codegen.preset;
    let features = enabled_features(options);
    let mut module = ModuleInfo {
        wasm_len_bytes: wasm.len(),
        ..ModuleInfo::default()
    };
    let mut to_validate = Vec::new();
    let mut validator = Validator::new_with_features(features);
    // The parser, too, must know the language: memory64 lets offsets be longer, for one.
    let mut parser = Parser::new(0);
    parser.set_features(features);
    for payload in parser.parse_all(wasm) {
        let payload = payload?;
        if let ValidPayload::Func(func, body) = validator.payload(&payload)? {
            to_validate.push(func);
            module.bodies.push(body);
        }
        match payload {
            Payload::TypeSection(section) => read_types(&mut module, section)?,
            Payload::ImportSection(section) => read_imports(&mut module, section)?,
            Payload::FunctionSection(section) => {
                for type_index in section {
                    module.functions.push(type_index?);
                }
            }
            Payload::TableSection(section) => {
                for table in section {
                    module.table = Some(convert_table(&table?.ty, false));
                }
            }
            Payload::MemorySection(section) => {
                for memory in section {
                    module.memory = Some(convert_memory(&memory?, false));
                }
            }
            Payload::GlobalSection(section) => {
                for global in section {
                    let global = global?;
                    let init = Some(read_const_expr(&global.init_expr)?);
                    module.globals.push(Global {
                        ty: convert_global(&global.ty),
                        init,
                    });
                }
            }
            Payload::ExportSection(section) => read_exports(&mut module, section)?,
            Payload::StartSection { func, range } => {
                if preset == Preset::Polkadot {
                    return Err(ReadError::Refused(CompileError::PresetRule {
                        preset: preset.name(),
                        rule: "a start function",
                        offset: range.start,
                    }));
                }
                module.start = Some(func);
            }
            Payload::ElementSection(section) => read_elements(&mut module, section)?,
            Payload::DataSection(section) => {
                for segment in section {
                    let segment = segment?;
                    if let wasmparser::DataKind::Active { offset_expr, .. } = segment.kind {
                        module
                            .data
                            .push((read_const_expr(&offset_expr)?, segment.data));
                    }
                }
            }
            Payload::CodeSectionStart { range, .. } => module.code_start = range.start,
            Payload::CustomSection(section) => read_custom(&mut module, &section),
            _ => {}
        }
    }
    // A name for a function that does not exist is damage like any other (see `read_custom`).
    let function_count = module.functions.len();
    module
        .function_names
        .retain(|(index, _)| (*index as usize) < function_count);
    Ok((module, to_validate))
}

fn read_types(
    module: &mut ModuleInfo<'_>,
    section: wasmparser::TypeSectionReader<'_>,
) -> Result<(), BinaryReaderError> {
    for ty in section.into_iter_err_on_gc_types() {
        let ty = ty?;
        let ty = FuncType {
            params: convert_types(ty.params()),
            results: convert_types(ty.results()),
        };
        module.types.push(ty);
    }
    let mut first = BTreeMap::new();
    for (index, ty) in (0..).zip(&module.types) {
        module
            .local_signature_ids
            .push(*first.entry(ty).or_insert(index));
    }
    Ok(())
}

fn read_imports(
    module: &mut ModuleInfo<'_>,
    section: wasmparser::ImportSectionReader<'_>,
) -> Result<(), BinaryReaderError> {
    for import in section.into_imports() {
        let import = import?;
        let (kind, index) = match import.ty {
            TypeRef::Func(type_index) => {
                module.functions.push(type_index);
                module.imported_function_count += 1;
                (ExternKind::Func, type_index)
            }
            TypeRef::Table(table) => {
                module.table = Some(convert_table(&table, true));
                (ExternKind::Table, 0)
            }
            TypeRef::Memory(memory) => {
                module.memory = Some(convert_memory(&memory, true));
                (ExternKind::Memory, 0)
            }
            TypeRef::Global(global) => {
                module.globals.push(Global {
                    ty: convert_global(&global),
                    init: None,
                });
                module.imported_global_count += 1;
                (ExternKind::Global, module.imported_global_count - 1)
            }
            TypeRef::Tag(_) | TypeRef::FuncExact(_) => {
                unreachable!("the validator refuses imports beyond the MVP")
            }
        };
        module.imports.push(Import {
            module: import.module.to_owned(),
            name: import.name.to_owned(),
            kind,
            index,
        });
    }
    Ok(())
}

fn read_exports(
    module: &mut ModuleInfo<'_>,
    section: wasmparser::ExportSectionReader<'_>,
) -> Result<(), BinaryReaderError> {
    for export in section {
        let export = export?;
        let kind = match export.kind {
            wasmparser::ExternalKind::Func => ExternKind::Func,
            wasmparser::ExternalKind::Table => ExternKind::Table,
            wasmparser::ExternalKind::Memory => ExternKind::Memory,
            wasmparser::ExternalKind::Global => ExternKind::Global,
            wasmparser::ExternalKind::Tag | wasmparser::ExternalKind::FuncExact => {
                unreachable!("the validator refuses exports beyond the MVP")
            }
        };
        if let (ExternKind::Table, Some(table)) = (kind, module.table.as_mut()) {
            table.exported = true;
        }
        module.exports.push(Export {
            name: export.name.to_owned(),
            kind,
            index: export.index,
        });
    }
    Ok(())
}

fn read_elements(
    module: &mut ModuleInfo<'_>,
    section: wasmparser::ElementSectionReader<'_>,
) -> Result<(), BinaryReaderError> {
    for segment in section {
        let segment = segment?;
        let wasmparser::ElementKind::Active { offset_expr, .. } = segment.kind else {
            unreachable!("the validator refuses segments beyond the MVP")
        };
        let wasmparser::ElementItems::Functions(items) = segment.items else {
            unreachable!("the validator refuses segments beyond the MVP")
        };
        let funcs = items.into_iter().collect::<Result<Vec<u32>, _>>()?;
        module.elements.push(ElementSegment {
            offset: read_const_expr(&offset_expr)?,
            funcs,
        });
    }
    Ok(())
}

/// The one entry of the table for each signature that has just one, by local signature id; `None` if the table
/// may have others than the module's own functions, or at places that only an instance knows.
fn sole_entries(module: &ModuleInfo<'_>) -> Option<BTreeMap<u32, (u32, u32)>> {
    let table = module.table.filter(|_| module.is_table_own)?;
    let mut entries = BTreeMap::new();
    for segment in &module.elements {
        let ConstExpr::Bits(offset) = segment.offset else {
            return None;
        };
        let offset = u32::try_from(offset).ok()?;
        for (position, func) in (0..).zip(&segment.funcs) {
            let index = offset.checked_add(position)?;
            // Otherwise there will be no instance.
            (index < table.limits.min).then(|| entries.insert(index, *func))?;
        }
    }
    let mut sole: BTreeMap<u32, Option<(u32, u32)>> = BTreeMap::new();
    for (index, func) in entries {
        let type_index = module.functions[func as usize];
        let signature = module.local_signature_ids[type_index as usize];
        sole.entry(signature)
            .and_modify(|entry| *entry = None)
            .or_insert(Some((index, func)));
    }
    let sole = sole.into_iter();
    Some(
        sole.filter_map(|(signature, entry)| Some((signature, entry?)))
            .collect(),
    )
}

fn read_custom<'a>(module: &mut ModuleInfo<'a>, section: &wasmparser::CustomSectionReader<'a>) {
    if let KnownCustom::Name(names) = section.as_known() {
        // A damaged name section costs names, never the module (specification, appendix 7.4).
        for name in names.into_iter().map_while(Result::ok) {
            match name {
                Name::Module { name, .. } => module.name = Some(name.to_owned()),
                Name::Function(names) => {
                    module.function_names = names
                        .into_iter()
                        .map_while(Result::ok)
                        .map(|naming| (naming.index, naming.name))
                        .collect();
                }
                _ => {}
            }
        }
        module.function_names.sort_by_key(|(index, _)| *index);
        module.function_names.dedup_by_key(|(index, _)| *index);
    } else if section.name().starts_with(".debug") {
        module.debug_sections.push((section.name(), section.data()));
    } else {
        module.custom_sections.push(CustomSection {
            name: section.name().to_owned(),
            data: section.data().to_vec(),
        });
    }
}

fn convert_types(types: &[wasmparser::ValType]) -> Vec<ValType> {
    types.iter().map(|ty| convert_type(*ty)).collect()
}

/// Converts a type that the validator accepted for a preset.
pub(crate) fn convert_type(ty: wasmparser::ValType) -> ValType {
    match ty {
        wasmparser::ValType::I32 => ValType::I32,
        wasmparser::ValType::I64 => ValType::I64,
        wasmparser::ValType::F32 => ValType::F32,
        wasmparser::ValType::F64 => ValType::F64,
        wasmparser::ValType::V128 | wasmparser::ValType::Ref(_) => {
            unreachable!("the validator refuses types beyond the MVP")
        }
    }
}

fn convert_global(ty: &wasmparser::GlobalType) -> GlobalType {
    GlobalType {
        content: convert_type(ty.content_type),
        mutable: ty.mutable,
    }
}

fn convert_limits(min: u64, max: Option<u64>) -> Limits {
    let convert = |size| u32::try_from(size).expect("32-bit limits were validated");
    Limits {
        min: convert(min),
        max: max.map(convert),
    }
}

fn convert_table(ty: &wasmparser::TableType, imported: bool) -> Table {
    Table {
        limits: convert_limits(ty.initial, ty.maximum),
        imported,
        exported: false,
    }
}

fn convert_memory(ty: &wasmparser::MemoryType, imported: bool) -> Memory {
    Memory {
        limits: convert_limits(ty.initial, ty.maximum),
        imported,
    }
}

fn read_const_expr(expr: &wasmparser::ConstExpr<'_>) -> Result<ConstExpr, BinaryReaderError> {
    Ok(match expr.get_operators_reader().read()? {
        Operator::I32Const { value } => ConstExpr::Bits(u64::from(value.cast_unsigned())),
        Operator::I64Const { value } => ConstExpr::Bits(value.cast_unsigned()),
        Operator::F32Const { value } => ConstExpr::Bits(u64::from(value.bits())),
        Operator::F64Const { value } => ConstExpr::Bits(value.bits()),
        Operator::GlobalGet { global_index } => ConstExpr::Global(global_index),
        _ => unreachable!("the validator refuses constant expressions beyond the MVP"),
    })
}

/// What is found out about a body while it is validated.
struct ValidatedBody {
    governor: Governor,
    /// Functions that it calls directly, once for each call.
    callees: Vec<u32>,
    computes_floats: bool,
}

/// Validates every body and measures it; the error at the lowest offset wins, whatever the
/// threads did.
fn validate_bodies(
    module: &ModuleInfo<'_>,
    to_validate: Vec<BodyToValidate>,
    options: &CompileOptions,
) -> Result<Vec<ValidatedBody>, BinaryReaderError> {
    let jobs: Vec<_> = to_validate.into_iter().zip(&module.bodies).collect();
    let threads = options.thread_count(jobs.len());
    let results = parallel_map(
        &jobs,
        threads,
        FuncValidatorAllocations::default,
        |allocations, (func, body)| {
            let func = FuncToValidate {
                resources: func.resources.clone(),
                index: func.index,
                ty: func.ty,
                features: func.features,
            };
            let params = module.function_type(func.index).params.len();
            validate_body(func, body, params, allocations, options)
        },
    );
    results.into_iter().collect()
}

fn validate_body(
    func: BodyToValidate,
    body: &FunctionBody<'_>,
    params: usize,
    allocations: &mut FuncValidatorAllocations,
    options: &CompileOptions,
) -> Result<ValidatedBody, BinaryReaderError> {
    let mut validator = func.into_validator(std::mem::take(allocations));
    let mut reader = body.get_binary_reader();
    validator.read_locals(&mut reader)?;
    let mut governor = Governor {
        body_len_bytes: u32::try_from(body.range().len()).expect("modules are below 4 GiB"),
        locals: validator
            .len_locals()
            .max(u32::try_from(params).unwrap_or(u32::MAX)),
        ..Governor::default()
    };
    let mut callees = Vec::new();
    let mut has_floats = false;
    let mut loops = Vec::new();
    let mut loop_depth = 0;
    let mut operators = wasmparser::OperatorsReader::new(reader);
    while !operators.eof() {
        let (operator, offset) = operators.read_with_offset()?;
        let height = validator.operand_stack_height();
        validator.op(offset, &operator)?;
        let opcode = body.as_bytes()[offset - body.range().start];
        governor.splits += count_splits(opcode, &options.codegen);
        has_floats |= computes_floats(opcode);
        match operator {
            Operator::Block { .. } | Operator::Loop { .. } | Operator::If { .. } => {
                let is_loop = matches!(operator, Operator::Loop { .. });
                loops.push(is_loop);
                loop_depth += u32::from(is_loop);
                governor.loops += u32::from(is_loop);
                governor.blocks += 1;
                governor.loop_depth = governor.loop_depth.max(loop_depth);
                governor.block_depth = governor
                    .block_depth
                    .max(u32::try_from(loops.len()).unwrap_or(u32::MAX));
            }
            Operator::End => loop_depth -= u32::from(loops.pop() == Some(true)),
            Operator::Call { .. } | Operator::CallIndirect { .. } | Operator::MemoryGrow { .. } => {
                governor.calls += 1;
                governor.operands_over_calls += u64::from(height);
                if let Operator::Call { function_index } = operator {
                    callees.push(function_index);
                }
            }
            Operator::BrTable { targets } => {
                governor.branch_targets += targets.len() + 1;
                // What comparisons replace a table by.
                let tests = translate::count_tests(&targets);
                governor.splits += u32::try_from(tests).unwrap_or(u32::MAX);
            }
            _ => {}
        }
    }
    operators.finish()?;
    *allocations = validator.into_allocations();
    Ok(ValidatedBody {
        governor,
        callees,
        computes_floats: has_floats,
    })
}

/// Whether an operator compares, computes or converts floats, by its opcode (Core Specification 1.0, section 5.4): the
/// processor's control register decides what comes out.
fn computes_floats(opcode: u8) -> bool {
    // The last are the saturating conversions, among operators that presets may add.
    matches!(opcode, 0x5b..=0x66 | 0x8b..=0xa6 | 0xa8..=0xbf | 0xfc)
}

/// Places where an operator may split a block, by its opcode (Core Specification 1.0, section 5.4).
fn count_splits(opcode: u8, options: &CodegenOptions) -> u32 {
    let fuel = u32::from(options.fuel);
    match opcode {
        // Loops: the checks at their beginning.
        0x03 => fuel + u32::from(options.interruption),
        // Branches that may not be taken, and what they adapt.
        0x0d | 0x0e => 1 + fuel,
        // Direct calls: the check before, or those of the function when it is inlined.
        0x10 => fuel + u32::from(options.call_depth),
        // Indirect calls: the bounds and the signature.
        0x11 => 2 + fuel,
        // Loads and stores: the bounds, which only code without signals checks by branches.
        0x28..=0x3e => u32::from(!options.signals),
        // Divisions and remainders of integers.
        0x6d..=0x70 | 0x7f..=0x82 => 1,
        // Conversions that may trap: both ends of the range.
        0xa8..=0xab | 0xae..=0xb1 => 2,
        _ => 0,
    }
}

/// What a preset does to a module beyond choosing its language.
fn apply_preset(module: &mut ModuleInfo<'_>, preset: Preset) -> Result<(), CompileError> {
    if preset != Preset::Polkadot {
        return Ok(());
    }
    let Some(memory) = module.memory.as_mut().filter(|memory| memory.imported) else {
        return Ok(());
    };
    memory.imported = false;
    module
        .imports
        .retain(|import| import.kind != ExternKind::Memory);
    if module
        .exports
        .iter()
        .any(|export| export.kind == ExternKind::Memory)
    {
        return Ok(());
    }
    if module.exports.iter().any(|export| export.name == "memory") {
        return Err(CompileError::PresetRule {
            preset: preset.name(),
            rule: "an export named `memory` that is no memory",
            offset: 0,
        });
    }
    module.exports.push(Export {
        name: "memory".to_owned(),
        kind: ExternKind::Memory,
        index: 0,
    });
    Ok(())
}

fn check_limits(module: &ModuleInfo<'_>) -> Result<(), CompileError> {
    let limits = [
        (
            "the number of globals",
            module.globals.len() as u64,
            1_000_000,
        ),
        (
            "the number of imported functions",
            u64::from(module.imported_function_count),
            1_000_000,
        ),
        (
            "the minimum size of the table",
            module.table.map_or(0, |table| u64::from(table.limits.min)),
            u64::from(TABLE_MAX_ELEMENTS),
        ),
    ];
    for (what, found, limit) in limits {
        if found > limit {
            return Err(CompileError::LimitExceeded { what, limit, found });
        }
    }
    Ok(())
}
