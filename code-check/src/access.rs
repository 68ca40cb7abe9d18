//! Judges loads and stores by where their address comes from.

use crate::{
    fault::Rule,
    parts::{ArtifactParts, count_parameters},
    state::State,
    value::{Number, U32_MAX, Value},
};
use wasmelt_abi::{
    BoundsStrategy, GUARD_IN_FRONT_LEN_BYTES, GUARD_RESERVATION_LEN_BYTES, Libcall, VMContext,
    VMFuncRef, VMGlobal, VMImportSlot, VMMemory, VMStoreContext, VMTable, WASM_PAGE_SIZE,
};

/// What is known of the module that the code belongs to.
#[derive(Debug)]
pub(crate) struct Surroundings {
    pub has_guard_pages: bool,
    pub is_table_private: bool,
    /// Least length of the memory in bytes.
    pub least_memory: i64,
    /// Entries of a table whose length never changes.
    table_len: Option<i64>,
    has_memory: bool,
    has_table: bool,
    /// Whether vmctx describes the memory itself, rather than where its description is.
    owns_memory: bool,
    owns_table: bool,
    imported_functions: i64,
    types: i64,
    /// Whether each imported global is mutable.
    imported_globals: Vec<bool>,
    /// Whether each defined global is mutable.
    defined_globals: Vec<bool>,
}

/// An access that is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Of something else than the guest's memory and table.
    Host,
    /// Of the linear memory, and whether it was shown to stay inside.
    Memory(bool),
    /// Of the table, and whether it was shown to stay inside.
    Table(bool),
}

/// What an access reads, and how it was judged.
pub(crate) struct Judged {
    pub loaded: Value,
    pub verdict: Verdict,
}

/// An access as the instruction makes it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Access {
    pub address: Value,
    pub len_bytes: u64,
    pub is_write: bool,
}

impl Surroundings {
    pub(crate) fn new(parts: &ArtifactParts<'_>) -> Self {
        let manifest = &parts.manifest;
        let is_table_private = parts.is_table_private();
        let is_mutable = |global: &wasmelt_abi::Global| global.ty.mutable;
        let (imported, defined): (Vec<_>, Vec<_>) = manifest
            .globals
            .iter()
            .partition(|global| global.init.is_none());
        let least_pages = manifest.memory.map_or(0, |memory| memory.limits.min);
        Self {
            has_guard_pages: parts.descriptor.options.bounds == BoundsStrategy::Guard,
            is_table_private,
            least_memory: i64::from(least_pages) * i64::from(WASM_PAGE_SIZE),
            table_len: manifest
                .table
                .filter(|_| is_table_private)
                .map(|table| i64::from(table.limits.min)),
            has_memory: manifest.memory.is_some(),
            has_table: manifest.table.is_some(),
            owns_memory: manifest.memory.is_some_and(|memory| !memory.imported),
            owns_table: manifest.table.is_some_and(|table| !table.imported),
            imported_functions: i64::from(manifest.imported_function_count),
            types: i64::try_from(manifest.types.len()).unwrap_or(i64::MAX),
            imported_globals: imported.into_iter().map(is_mutable).collect(),
            defined_globals: defined.into_iter().map(is_mutable).collect(),
        }
    }

    /// Judges an access of anything but the text.
    pub(crate) fn judge(
        &self,
        access: Access,
        state: &State,
        argument_bytes: i64,
    ) -> Result<Judged, Rule> {
        let Access {
            address,
            len_bytes,
            is_write,
        } = access;
        let host = |loaded| {
            Ok(Judged {
                loaded,
                verdict: Verdict::Host,
            })
        };
        let size = i64::try_from(len_bytes).map_err(|_| Rule::KnownPointer)?;
        match address {
            Value::Memory(offset, _) => {
                let is_inside = self.is_in_memory(offset, size);
                Ok(Judged {
                    loaded: Value::Any,
                    verdict: Verdict::Memory(is_inside),
                })
            }
            Value::Table(offset) => {
                if is_write {
                    return Err(Rule::WritablePlace);
                }
                let loaded = entry_field(offset, size)?;
                let verdict = Verdict::Table(self.is_in_table(offset));
                Ok(Judged { loaded, verdict })
            }
            Value::Stack(offset) => {
                self.judge_frame(state, offset, size, is_write, argument_bytes)?;
                let is_slot = size == 8 && offset < 0;
                host(if is_slot {
                    state.load(offset)
                } else {
                    Value::Any
                })
            }
            Value::Vmctx(offset) if is_write => {
                self.judge_global_write(offset, size)?;
                host(Value::Any)
            }
            Value::Vmctx(offset) => host(self.vmctx_field(offset, size)?),
            Value::Global(index) => {
                let is_mutable = self.imported_globals.get(to_usize(index)?).copied();
                match is_mutable {
                    None => Err(Rule::ReadablePlace),
                    Some(false) if is_write => Err(Rule::WritablePlace),
                    Some(_) if size > i64::from(VMGlobal::SIZE) => Err(Rule::ReadablePlace),
                    Some(_) => host(Value::Any),
                }
            }
            _ => Err(Rule::KnownPointer),
        }
    }

    /// Judges an access with a displacement to what vmctx points to.
    pub(crate) fn judge_field(
        &self,
        pointer: Value,
        offset: i64,
        len_bytes: u64,
        is_write: bool,
    ) -> Option<Result<Judged, Rule>> {
        if !is_structure(pointer) {
            return None;
        }
        let Ok(size) = i64::try_from(len_bytes) else {
            return Some(Err(Rule::KnownPointer));
        };
        let loaded = if is_write {
            let fields = [
                VMStoreContext::FUEL,
                VMStoreContext::FUEL_ADDED,
                VMStoreContext::CALLS_LEFT,
            ];
            let is_field = fields.iter().any(|field| i64::from(*field) == offset);
            if pointer == Value::Store && is_field && size == 8 {
                Ok(Value::Any)
            } else {
                Err(Rule::WritablePlace)
            }
        } else {
            self.field(pointer, offset, size)
        };
        Some(loaded.map(|loaded| Judged {
            loaded,
            verdict: Verdict::Host,
        }))
    }

    /// What is read of a structure that vmctx points to.
    fn field(&self, pointer: Value, offset: i64, size: i64) -> Result<Value, Rule> {
        let is = |field: u32| offset == i64::from(field) && size == 8;
        let within = |count: i64, each: i64| {
            offset >= 0 && size == each && offset % each == 0 && offset / each < count
        };
        let value = match pointer {
            Value::MemoryBlock if is(VMMemory::BASE) => self.memory_base(),
            Value::MemoryBlock if is(VMMemory::LEN_BYTES) => Value::MemoryLen(0),
            Value::TableBlock if is(VMTable::BASE) => Value::Table(Number::constant(0)),
            Value::TableBlock if is(VMTable::LEN_ELEMENTS) => Value::TableLen,
            Value::Libcalls if within(libcall_count(), 8) => Value::Libcall,
            Value::Store if within(i64::from(VMStoreContext::SIZE) / 8, 8) => Value::Any,
            Value::SignatureIds if within(self.types, 4) => Value::Any,
            Value::ImportedGlobals => {
                let count = i64::try_from(self.imported_globals.len()).unwrap_or(0);
                if !within(count, 8) {
                    return Err(Rule::ReadablePlace);
                }
                Value::Global(offset.unsigned_abs() / 8)
            }
            _ => return Err(Rule::ReadablePlace),
        };
        Ok(value)
    }

    fn memory_base(&self) -> Value {
        let mut start = Number::constant(0);
        start.room = Some(self.least_memory);
        Value::Memory(start, false)
    }

    fn vmctx_field(&self, offset: i64, size: i64) -> Result<Value, Rule> {
        let prefix = i64::from(VMContext::SIZE);
        if offset >= prefix {
            let index = self.global_index(offset, size)?;
            self.defined_globals.get(index).ok_or(Rule::ReadablePlace)?;
            return Ok(Value::Any);
        }
        if offset < 0 {
            return self.import_slot(offset, size);
        }
        let memory = VMContext::MEMORY;
        let table = VMContext::TABLE;
        // Behind guard pages vmctx has a copy also of an imported memory's base.
        let has_base = self.owns_memory || (self.has_memory && self.has_guard_pages);
        let len = VMMemory::LEN_BYTES;
        let table_base = Value::Table(Number::constant(0));
        let table_len = table + VMTable::LEN_ELEMENTS;
        let fields = [
            (memory + VMMemory::BASE, has_base, self.memory_base()),
            (memory + len, self.owns_memory, Value::MemoryLen(0)),
            (VMContext::STACK_LIMIT, true, Value::StackLimit(0)),
            (table + VMTable::BASE, self.owns_table, table_base),
            (table_len, self.owns_table, Value::TableLen),
            (
                VMContext::MEMORY_POINTER,
                self.has_memory,
                Value::MemoryBlock,
            ),
            (VMContext::TABLE_POINTER, self.has_table, Value::TableBlock),
            (VMContext::LIBCALLS, true, Value::Libcalls),
            (VMContext::STORE, true, Value::Store),
            (VMContext::SIGNATURE_IDS, true, Value::SignatureIds),
            (VMContext::IMPORTED_GLOBALS, true, Value::ImportedGlobals),
        ];
        let found = fields
            .into_iter()
            .find(|(field, is_there, _)| i64::from(*field) == offset && *is_there && size == 8);
        match found {
            Some((_, _, value)) => Ok(value),
            None if offset == i64::from(VMContext::INTERRUPT) && size == 4 => Ok(Value::Any),
            None => Err(Rule::ReadablePlace),
        }
    }

    fn import_slot(&self, offset: i64, size: i64) -> Result<Value, Rule> {
        let slot_size = i64::from(VMImportSlot::SIZE);
        let index = (-offset - 1) / slot_size;
        if index >= self.imported_functions || size != 8 {
            return Err(Rule::ReadablePlace);
        }
        let index = index.unsigned_abs();
        let field = offset.rem_euclid(slot_size);
        if field == i64::from(VMImportSlot::CODE) {
            Ok(Value::ImportCode(index))
        } else if field == i64::from(VMImportSlot::VMCTX) {
            Ok(Value::ImportVmctx(index))
        } else {
            Err(Rule::ReadablePlace)
        }
    }

    /// The defined global that lies there.
    fn global_index(&self, offset: i64, size: i64) -> Result<usize, Rule> {
        let each = i64::from(VMGlobal::SIZE);
        let from_first = offset - i64::from(VMContext::SIZE);
        if from_first < 0 || from_first % each + size > each {
            return Err(Rule::ReadablePlace);
        }
        usize::try_from(from_first / each).map_err(|_| Rule::ReadablePlace)
    }

    fn judge_global_write(&self, offset: i64, size: i64) -> Result<(), Rule> {
        let written = self.global_index(offset, size);
        let index = written.map_err(|_| Rule::WritablePlace)?;
        match self.defined_globals.get(index) {
            Some(true) => Ok(()),
            _ => Err(Rule::WritablePlace),
        }
    }

    /// A frame is from the stack pointer up to the return address; arguments are behind that.
    fn judge_frame(
        &self,
        state: &State,
        offset: i64,
        size: i64,
        is_write: bool,
        argument_bytes: i64,
    ) -> Result<(), Rule> {
        let stack_pointer = state.stack_pointer().ok_or(Rule::StackPointer)?;
        let end = offset.checked_add(size).ok_or(Rule::FrameInside)?;
        let is_in_frame = offset >= stack_pointer && end <= 0;
        let is_argument = !is_write && offset >= 8 && end <= argument_bytes + 8;
        if is_in_frame || is_argument {
            Ok(())
        } else {
            Err(Rule::FrameInside)
        }
    }

    fn is_in_memory(&self, offset: Number, size: i64) -> bool {
        let Some(end) = offset.hi.checked_add(size) else {
            return false;
        };
        if self.has_guard_pages {
            let front = i64::try_from(GUARD_IN_FRONT_LEN_BYTES).unwrap_or(0);
            let reservation = i64::try_from(GUARD_RESERVATION_LEN_BYTES).unwrap_or(0);
            return offset.lo >= -front && end <= reservation;
        }
        offset.lo >= 0 && (end <= self.least_memory || offset.room.is_some_and(|room| size <= room))
    }

    fn is_in_table(&self, offset: Number) -> bool {
        let entry_bits = VMFuncRef::SIZE.trailing_zeros();
        let is_compared = offset.in_table.map(u32::from) == Some(entry_bits);
        let end = self.table_len.map(|len| len << entry_bits);
        offset.lo >= 0 && (is_compared || end.is_some_and(|end| offset.hi < end))
    }
}

/// Whether it is the address of a structure that vmctx points to.
const fn is_structure(pointer: Value) -> bool {
    matches!(
        pointer,
        Value::MemoryBlock
            | Value::TableBlock
            | Value::Libcalls
            | Value::Store
            | Value::SignatureIds
            | Value::ImportedGlobals
    )
}

/// What is read of a table's entry.
fn entry_field(offset: Number, size: i64) -> Result<Value, Rule> {
    let entry_bits = VMFuncRef::SIZE.trailing_zeros();
    if u32::from(offset.step) < entry_bits {
        return Err(Rule::ReadablePlace);
    }
    let field = offset.lo.rem_euclid(i64::from(VMFuncRef::SIZE));
    if field == i64::from(VMFuncRef::CODE) && size == 8 {
        Ok(Value::EntryCode)
    } else if field == i64::from(VMFuncRef::VMCTX) && size == 8 {
        Ok(Value::EntryVmctx)
    } else if field == i64::from(VMFuncRef::SIGNATURE_ID) && size == 4 {
        Ok(Value::Number(Number::new(0, U32_MAX)))
    } else {
        Err(Rule::ReadablePlace)
    }
}

fn libcall_count() -> i64 {
    i64::try_from(Libcall::ALL.len()).unwrap_or(0)
}

fn to_usize(index: u64) -> Result<usize, Rule> {
    usize::try_from(index).map_err(|_| Rule::ReadablePlace)
}

/// Bytes of the arguments that a function of this type finds on the stack.
pub(crate) fn argument_bytes(ty: &wasmelt_abi::FuncType) -> i64 {
    let (_, on_stack) = count_parameters(ty);
    i64::try_from(on_stack).unwrap_or(0).saturating_mul(8)
}
