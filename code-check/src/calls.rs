//! Judges where calls go, and what the callee is passed first and last.

use crate::{
    access::Surroundings,
    fault::Rule,
    parts::{ArtifactParts, count_parameters},
    state::{RDI, State},
    value::Value,
};
use std::collections::{BTreeMap, BTreeSet};

/// Registers of integer arguments, in their order.
const ARGUMENTS: [usize; 6] = [7, 6, 2, 1, 8, 9];

/// What a direct call may go to.
#[derive(Debug, Default)]
pub(crate) struct Callees {
    /// Position of each defined function, by where it begins.
    pub functions: BTreeMap<u64, usize>,
    /// Where stubs begin.
    pub stubs: BTreeSet<u64>,
}

impl Callees {
    pub(crate) fn function_at(&self, text_offset: u64) -> Option<usize> {
        self.functions.get(&text_offset).copied()
    }

    pub(crate) fn is_stub(&self, text_offset: u64) -> bool {
        self.stubs.contains(&text_offset)
    }
}

/// Checks that code comes from a place that holds functions, and gets the vmctx from beside it.
pub(crate) fn check_indirect_call(
    parts: &ArtifactParts<'_>,
    surroundings: &Surroundings,
    state: &State,
    code: Value,
) -> Result<(), Rule> {
    let vmctx = state.registers[RDI];
    match code {
        Value::Libcall if vmctx == Value::Vmctx(0) => Ok(()),
        Value::ImportCode(index) => {
            let index_in_space = usize::try_from(index).map_err(|_| Rule::CallPointer)?;
            let ty = parts
                .function_type(index_in_space)
                .ok_or(Rule::CallPointer)?;
            let (integers, on_stack) = count_parameters(ty);
            let caller = match ARGUMENTS.get(integers) {
                Some(register) => state.registers[*register],
                None => {
                    let stack_pointer = state.stack_pointer().ok_or(Rule::StackPointer)?;
                    let slot = i64::try_from(on_stack).map_err(|_| Rule::CallArgument)? * 8;
                    state.load(stack_pointer + slot)
                }
            };
            if vmctx == Value::ImportVmctx(index) && caller == Value::Vmctx(0) {
                Ok(())
            } else {
                Err(Rule::CallArgument)
            }
        }
        // Functions of a table that nothing else reaches may be called with the vmctx of the instance.
        Value::EntryCode
            if vmctx == Value::EntryVmctx
                || (surroundings.is_table_private && vmctx == Value::Vmctx(0)) =>
        {
            Ok(())
        }
        Value::Libcall | Value::EntryCode => Err(Rule::CallArgument),
        _ => Err(Rule::CallPointer),
    }
}
