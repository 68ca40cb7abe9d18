//! Tables of functions.
#![allow(unsafe_code, reason = "elements that compiled code reads and calls")]

use super::store_vm::{FuncIndex, VmCell};
use crate::{
    errors::{InstanceError, TableError},
    func::Func,
    limits::ResourceLimiter,
    reference::{Nullable, Ref, RefType},
    store::StoreInner,
    table::Table,
    types::TableType,
};
use wasmelt_abi::{TABLE_MAX_ELEMENTS, VMFuncRef, VMTable};

/// A table and its authoritative [`VMTable`].
#[derive(Debug)]
pub(crate) struct TableEntity {
    ty: TableType,
    elements: Vec<VMFuncRef>,
    vm: VmCell<VMTable>,
    /// Most elements that a module which imports it declares.
    relied_on_elements: u64,
}

// SAFETY: elements point to code, and to blocks of the store that owns the table.
unsafe impl Send for TableEntity {}
// SAFETY: as above.
unsafe impl Sync for TableEntity {}

/// Elements that are being copied from one table to another.
pub(crate) struct Elements(Vec<VMFuncRef>);

fn copy_of(element: &VMFuncRef) -> VMFuncRef {
    VMFuncRef { ..*element }
}

impl TableEntity {
    pub(super) fn new(
        ty: TableType,
        init: &VMFuncRef,
        mut limiter: Option<&mut dyn ResourceLimiter>,
    ) -> Result<Self, TableError> {
        if ty.element() != RefType::Func {
            return Err(TableError::ElementTypeMismatch);
        }
        let to_len = |elements| usize::try_from(elements).ok();
        let len = to_len(ty.minimum()).ok_or(TableError::MinimumSizeOverflow)?;
        if let Some(limiter) = limiter.as_deref_mut()
            && !limiter.table_growing(0, len, ty.maximum().and_then(to_len))?
        {
            return Err(TableError::ResourceLimiterDeniedAllocation);
        }
        let mut elements = Vec::new();
        if ty.minimum() > u64::from(TABLE_MAX_ELEMENTS) || elements.try_reserve_exact(len).is_err()
        {
            let error = TableError::OutOfSystemMemory;
            if let Some(limiter) = limiter {
                limiter.table_grow_failed(&error)?;
            }
            return Err(error);
        }
        elements.resize_with(len, || copy_of(init));
        let vm = VmCell::new(VMTable {
            base: elements.as_mut_ptr(),
            len_elements: len as u64,
        });
        Ok(Self {
            ty,
            elements,
            vm,
            relied_on_elements: 0,
        })
    }

    /// Type, as declared.
    pub(crate) fn ty(&self) -> TableType {
        self.ty
    }

    /// Type with the current size as the minimum, for matching imports.
    pub(super) fn dynamic_ty(&self) -> TableType {
        self.ty.with_size(self.size())
    }

    /// Number of elements.
    pub(crate) fn size(&self) -> u64 {
        self.elements.len() as u64
    }

    /// What compiled code sees.
    pub(super) fn vm(&self) -> *mut VMTable {
        self.vm.as_ptr()
    }

    /// Makes a place in an instance's block the authoritative one.
    ///
    /// # Safety
    ///
    /// - `place` is valid for as long as `self`, and nothing else writes to it.
    pub(super) unsafe fn move_vm_to(&mut self, place: *mut VMTable) {
        // SAFETY: the caller promises that the place is valid and ours.
        unsafe { self.vm.move_to(place) };
    }

    /// Appends elements and returns the size before.
    pub(crate) fn grow(
        &mut self,
        delta: u64,
        init: &VMFuncRef,
        mut limiter: Option<&mut dyn ResourceLimiter>,
    ) -> Result<u64, TableError> {
        let old_size = self.size();
        if delta == 0 {
            return Ok(old_size);
        }
        let new_size = old_size
            .checked_add(delta)
            .filter(|size| *size <= u64::from(TABLE_MAX_ELEMENTS))
            .and_then(|size| usize::try_from(size).ok())
            .ok_or(TableError::GrowOutOfBounds)?;
        let maximum = self
            .ty
            .maximum()
            .and_then(|maximum| usize::try_from(maximum).ok());
        if let Some(limiter) = limiter.as_deref_mut()
            && !limiter.table_growing(self.elements.len(), new_size, maximum)?
        {
            return Err(TableError::GrowOutOfBounds);
        }
        if let Err(error) = self.grow_elements(new_size, maximum, init) {
            if let Some(limiter) = limiter {
                limiter.table_grow_failed(&error)?;
            }
            return Err(error);
        }
        Ok(old_size)
    }

    fn grow_elements(
        &mut self,
        new_size: usize,
        maximum: Option<usize>,
        init: &VMFuncRef,
    ) -> Result<(), TableError> {
        if maximum.is_some_and(|maximum| new_size > maximum) {
            return Err(TableError::GrowOutOfBounds);
        }
        self.elements
            .try_reserve(new_size - self.elements.len())
            .map_err(|_| TableError::OutOfSystemMemory)?;
        self.elements.resize_with(new_size, || copy_of(init));
        self.publish();
        Ok(())
    }

    /// Notes that a module imports the table, with this minimum.
    pub(super) fn rely_on(&mut self, minimum_elements: u64) {
        self.relied_on_elements = self.relied_on_elements.max(minimum_elements);
    }

    /// Whether nobody relies on more than the table has when it is new.
    pub(super) fn check_reset(&self) -> Result<(), InstanceError> {
        if self.relied_on_elements > self.ty.minimum() {
            return Err(InstanceError::Shared { what: "table" });
        }
        Ok(())
    }

    /// As many null elements as when the table was made. [`Self::check_reset`] comes before.
    pub(super) fn reset(&mut self) {
        self.elements.clear();
        let len = usize::try_from(self.ty.minimum()).expect("the table was made");
        self.elements.resize_with(len, VMFuncRef::null);
        self.publish();
    }

    pub(super) fn element_mut(&mut self, index: u64) -> Option<&mut VMFuncRef> {
        self.elements.get_mut(usize::try_from(index).ok()?)
    }

    /// Tells compiled code where the elements are.
    fn publish(&mut self) {
        // SAFETY: the cell is valid as long as `self`; the guest that reads it does not run while
        // the store is borrowed exclusively.
        unsafe {
            *self.vm() = VMTable {
                base: self.elements.as_mut_ptr(),
                len_elements: self.elements.len() as u64,
            };
        }
    }

    fn range(&self, start: u64, len: u64) -> Option<core::ops::Range<usize>> {
        let start = usize::try_from(start).ok()?;
        let end = start.checked_add(usize::try_from(len).ok()?)?;
        (end <= self.elements.len()).then_some(start..end)
    }

    /// Replaces `len` elements from `start` on.
    pub(crate) fn fill(
        &mut self,
        start: u64,
        value: &VMFuncRef,
        len: u64,
    ) -> Result<(), TableError> {
        let range = self.range(start, len).ok_or(TableError::FillOutOfBounds)?;
        for element in &mut self.elements[range] {
            *element = copy_of(value);
        }
        self.publish();
        Ok(())
    }

    pub(crate) fn copy_out(&self, start: u64, len: u64) -> Option<Elements> {
        let range = self.range(start, len)?;
        Some(Elements(self.elements[range].iter().map(copy_of).collect()))
    }

    pub(crate) fn copy_in(&mut self, start: u64, elements: &Elements) -> Option<()> {
        self.write(start, &elements.0)
    }

    /// Writes elements from `start` on, if all of them fit.
    pub(super) fn write(&mut self, start: u64, elements: &[VMFuncRef]) -> Option<()> {
        let range = self.range(start, elements.len() as u64)?;
        for (element, value) in self.elements[range].iter_mut().zip(elements) {
            *element = copy_of(value);
        }
        self.publish();
        Some(())
    }
}

impl StoreInner {
    /// Creates a table for the host.
    pub(crate) fn create_table(
        &mut self,
        ty: TableType,
        init: Ref,
        limiter: Option<&mut dyn ResourceLimiter>,
    ) -> Result<Table, TableError> {
        let init = self.to_table_element(init)?;
        Ok(self.add_table(TableEntity::new(ty, &init, limiter)?))
    }

    pub(super) fn add_table(&mut self, table: TableEntity) -> Table {
        let index = u32::try_from(self.vm.tables.len()).expect("fewer than 2^32 tables");
        self.vm.tables.push(table);
        Table(self.id().own(index))
    }

    pub(crate) fn table(&self, table: Table) -> &TableEntity {
        &self.vm.tables[table.0.index(self) as usize]
    }

    pub(crate) fn table_mut(&mut self, table: Table) -> &mut TableEntity {
        let index = table.0.index(self) as usize;
        &mut self.vm.tables[index]
    }

    /// The element at an index, as a reference of the host.
    pub(crate) fn table_element(&self, table: Table, index: u64) -> Option<Ref> {
        let elements = &self.table(table).elements;
        let element = elements.get(usize::try_from(index).ok()?)?;
        if element.code.is_null() {
            return Some(Ref::Func(Nullable::Null));
        }
        let func = Func(self.id().own(FuncIndex::from_bits(element.func)));
        Some(Ref::Func(Nullable::Val(func)))
    }

    /// A reference of the host as a table entry.
    pub(crate) fn to_table_element(&self, reference: Ref) -> Result<VMFuncRef, TableError> {
        match reference {
            Ref::Func(Nullable::Null) => Ok(VMFuncRef::null()),
            Ref::Func(Nullable::Val(func)) => Ok(self.func_ref(func)),
            Ref::Extern(_) => Err(TableError::ElementTypeMismatch),
        }
    }
}
