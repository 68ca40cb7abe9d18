//! Places functions in the text and patches the calls between them.

use crate::{
    codegen::{CallEncoding, Callee, CompiledFunction, Relocation},
    error::CompileError,
};
use cranelift_codegen::isa::TargetIsa;

/// Alignment of every function: a fetch block, so that entries never straddle two.
const FUNCTION_ALIGNMENT: u32 = 16;

/// Where a function lies in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FunctionRange {
    pub offset: u32,
    pub len_bytes: u32,
}

/// The finished text.
pub(crate) struct TextLayout {
    pub bytes: Vec<u8>,
    /// Defined functions in the order of their indices.
    pub functions: Vec<FunctionRange>,
    /// Stubs in their order, behind the functions.
    pub stubs: Vec<FunctionRange>,
}

/// Places all functions, defined ones before stubs, and patches every call.
pub(crate) fn lay_out_text(
    functions: &[CompiledFunction],
    isa: &dyn TargetIsa,
    imported_function_count: u32,
) -> Result<TextLayout, CompileError> {
    let alignment = function_alignment(isa);
    let mut ranges = Vec::with_capacity(functions.len());
    let mut end = 0u64;
    for function in functions {
        let offset = end.next_multiple_of(u64::from(alignment));
        end = offset + function.code.len() as u64;
        if end > 0x7fff_0000 {
            return Err(CompileError::LimitExceeded {
                what: "the length of the machine code in bytes",
                limit: 0x7fff_0000,
                found: end,
            });
        }
        let narrow = |value| u32::try_from(value).expect("checked against the limit");
        ranges.push(FunctionRange {
            offset: narrow(offset),
            len_bytes: narrow(function.code.len() as u64),
        });
    }
    let mut bytes = vec![0; usize::try_from(end).expect("checked against the limit")];
    for (function, range) in functions.iter().zip(&ranges) {
        let start = range.offset as usize;
        bytes[start..start + function.code.len()].copy_from_slice(&function.code);
    }
    let stubs_start = functions.len() - crate::translate::Stub::ALL.len();
    for (function, range) in functions.iter().zip(&ranges) {
        for relocation in &function.relocations {
            let target = match relocation.callee {
                Callee::Function(index) => (index - imported_function_count) as usize,
                Callee::Stub(index) => stubs_start + index as usize,
            };
            patch(&mut bytes, range.offset, relocation, ranges[target].offset)?;
        }
    }
    let stubs = ranges.split_off(stubs_start);
    Ok(TextLayout {
        bytes,
        functions: ranges,
        stubs,
    })
}

/// Alignment of functions for a target.
pub(super) fn function_alignment(isa: &dyn TargetIsa) -> u32 {
    isa.function_alignment().minimum.max(FUNCTION_ALIGNMENT)
}

fn patch(
    text: &mut [u8],
    function_offset: u32,
    relocation: &Relocation,
    target: u32,
) -> Result<(), CompileError> {
    let place = function_offset + relocation.offset;
    let distance = i64::from(target) - i64::from(place) + relocation.addend;
    let field = &mut text[place as usize..place as usize + 4];
    match relocation.encoding {
        CallEncoding::X86PcRel32 => {
            let distance = i32::try_from(distance).expect("the text is below 2 GiB");
            field.copy_from_slice(&distance.to_le_bytes());
        }
        CallEncoding::Aarch64Call26 => {
            let instructions = distance >> 2;
            if !(-(1 << 25)..1 << 25).contains(&instructions) {
                return Err(CompileError::LimitExceeded {
                    what: "the distance of a call in bytes",
                    limit: 1 << 27,
                    found: distance.unsigned_abs(),
                });
            }
            let immediate = u32::try_from(instructions & 0x03ff_ffff).expect("26 bits");
            let opcode = u32::from_le_bytes(field.try_into().expect("four bytes"));
            field.copy_from_slice(&(opcode & 0xfc00_0000 | immediate).to_le_bytes());
        }
    }
    Ok(())
}
