//! Reads from an artifact what its code is judged by.

use crate::fault::{CodeFault, Place};
use wasmelt_abi::{
    DESCRIPTOR_FILE_OFFSET, DecodeError, FuncType, Manifest, ModuleDescriptor, Reader, SectionId,
    ValType,
};

/// A function's place in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FunctionRange {
    /// Offset of its first byte in the text.
    pub text_offset: u64,
    /// Bytes of its code and constants.
    pub len_bytes: u64,
}

/// What of an artifact its code is judged by.
#[derive(Debug)]
pub struct ArtifactParts<'a> {
    /// Target, CPU features and options.
    pub descriptor: ModuleDescriptor,
    /// What the module imports, defines and exports.
    pub manifest: Manifest,
    /// The machine code.
    pub text: &'a [u8],
    /// Defined functions in the order of their indices.
    pub functions: Vec<FunctionRange>,
    /// The names section.
    names: &'a [u8],
}

impl<'a> ArtifactParts<'a> {
    /// Finds the parts in the bytes of an artifact.
    ///
    /// It believes lengths and places only as far as they stay in the file, and does not ask whether the loader would
    /// take the artifact: ask that first.
    ///
    /// # Errors
    ///
    /// If the descriptor, the manifest or the function table cannot be read.
    pub fn read(bytes: &'a [u8]) -> Result<Self, CodeFault> {
        let malformed = |part| move |source| CodeFault::Malformed { part, source };
        let short = |what| DecodeError { position: 0, what };
        let head = usize::try_from(DESCRIPTOR_FILE_OFFSET)
            .ok()
            .and_then(|start| bytes.get(start..))
            .ok_or_else(|| malformed("descriptor")(short("length")))?;
        let descriptor = ModuleDescriptor::decode(head).map_err(malformed("descriptor"))?;
        let section = |id: SectionId| {
            section(bytes, &descriptor, id).ok_or_else(|| CodeFault::Malformed {
                part: id.name(),
                source: short("range in the file"),
            })
        };
        let manifest =
            Manifest::decode(section(SectionId::Manifest)?).map_err(malformed("manifest"))?;
        let text = section(SectionId::Text)?;
        let names = section(SectionId::Names)?;
        let table = section(SectionId::FunctionTable)?;
        let functions = read_functions(table, &manifest, text.len() as u64)
            .map_err(malformed("function table"))?;
        Ok(Self {
            manifest,
            text,
            functions,
            names,
            descriptor,
        })
    }

    /// The type of a defined function.
    pub(crate) fn defined_type(&self, defined: usize) -> Option<&FuncType> {
        let imported = usize::try_from(self.manifest.imported_function_count).ok()?;
        self.function_type(imported.checked_add(defined)?)
    }

    pub(crate) fn function_type(&self, index: usize) -> Option<&FuncType> {
        let ty = usize::try_from(*self.manifest.functions.get(index)?).ok()?;
        self.manifest.types.get(ty)
    }

    /// How a defined function is called in messages.
    pub(crate) fn function_place(&self, defined: usize) -> Place {
        let defined = u32::try_from(defined).unwrap_or(u32::MAX);
        let index = self
            .manifest
            .imported_function_count
            .saturating_add(defined);
        Place::Function {
            index,
            name: find_name(self.names, index),
        }
    }

    /// Whether nothing outside of the module can reach the table.
    pub(crate) fn is_table_private(&self) -> bool {
        let table = self.manifest.table;
        table.is_some_and(|table| !table.imported && !table.exported)
    }
}

/// How the parameters behind vmctx are passed: how many integers there are, and how many parameters of any kind are on
/// the stack.
pub(crate) fn count_parameters(ty: &FuncType) -> (usize, usize) {
    // vmctx takes the first of six registers.
    let (mut integers, mut floats, mut on_stack) = (1, 0, 0);
    for param in ty.params.iter() {
        let (used, registers) = match param {
            ValType::I32 | ValType::I64 => (&mut integers, 6),
            ValType::F32 | ValType::F64 => (&mut floats, 8),
        };
        if *used >= registers {
            on_stack += 1;
        }
        *used += 1;
    }
    (integers, on_stack)
}

fn section<'a>(bytes: &'a [u8], descriptor: &ModuleDescriptor, id: SectionId) -> Option<&'a [u8]> {
    let range = descriptor.section(id);
    if range.len_bytes == 0 {
        return Some(&[]);
    }
    let start = DESCRIPTOR_FILE_OFFSET.checked_add_signed(range.offset)?;
    let end = start.checked_add(range.len_bytes)?;
    bytes.get(usize::try_from(start).ok()?..usize::try_from(end).ok()?)
}

fn read_functions(
    table: &[u8],
    manifest: &Manifest,
    text_len_bytes: u64,
) -> Result<Vec<FunctionRange>, DecodeError> {
    let imported = manifest.imported_function_count as usize;
    let count = manifest.functions.len().checked_sub(imported);
    if count.and_then(|count| count.checked_mul(8)) != Some(table.len()) {
        let what = "number of functions";
        return Err(DecodeError { position: 0, what });
    }
    let mut reader = Reader::new(table);
    let mut end = 0;
    let mut functions = Vec::new();
    while reader.position() < table.len() {
        let position = reader.position();
        let range = FunctionRange {
            text_offset: u64::from(reader.u32()?),
            len_bytes: u64::from(reader.u32()?),
        };
        if range.text_offset < end || range.len_bytes == 0 {
            let what = "order of functions";
            return Err(DecodeError { position, what });
        }
        end = range.text_offset + range.len_bytes;
        functions.push(range);
    }
    if end > text_len_bytes {
        let (position, what) = (table.len(), "range of a function");
        return Err(DecodeError { position, what });
    }
    Ok(functions)
}

/// A function's name; only a message needs it, so it is searched for.
fn find_name(names: &[u8], index: u32) -> Option<String> {
    let mut reader = Reader::new(names);
    let count = reader.count(12).ok()?;
    let strings = names.get(reader.position() + 12 * count..)?;
    for _ in 0..count {
        let func_index = reader.u32().ok()?;
        let start = usize::try_from(reader.u32().ok()?).ok()?;
        let len = usize::try_from(reader.u32().ok()?).ok()?;
        if func_index == index {
            let text = strings.get(start..start.checked_add(len)?)?;
            return core::str::from_utf8(text).ok().map(str::to_owned);
        }
    }
    None
}
