//! The block around vmctx, and the instance that owns it.
#![allow(unsafe_code, reason = "a layout that compiled code reads and writes")]

use super::store_vm::{FuncIndex, GlobalIndex};
use crate::{
    func::Func, global::Global, instance::Instance, memory::Memory, module::Module,
    store::StoreInner, table::Table, types::GlobalType,
};
use core::{
    alloc::Layout,
    ptr::{self, NonNull},
};
use std::alloc::{alloc_zeroed, dealloc};
use wasmelt_abi::{ExternKind, VMContext, VMGlobal, VMImportSlot};

/// Import slots, [`VMContext`] and globals in one allocation that never moves; `wasmelt_abi`
/// draws it.
pub(super) struct InstanceBlock {
    vmctx: NonNull<VMContext>,
    allocation: NonNull<u8>,
    layout: Layout,
    import_count: usize,
    global_count: usize,
    /// What [`VMContext::imported_globals`] points to.
    imported_globals: Box<[*mut VMGlobal]>,
}

// SAFETY: the block is reached through the store that owns it; compiled code runs only while that
// is borrowed exclusively.
unsafe impl Send for InstanceBlock {}
// SAFETY: as above.
unsafe impl Sync for InstanceBlock {}

impl InstanceBlock {
    /// A block with room for so many import slots and defined globals. `context` becomes its
    /// vmctx, with `imported_globals` and nothing else filled in.
    pub(super) fn new(
        import_count: usize,
        global_count: usize,
        imported_globals: Box<[*mut VMGlobal]>,
        context: VMContext,
    ) -> Self {
        let slots_len_bytes = import_count * size_of::<VMImportSlot>();
        let globals_len_bytes = global_count * size_of::<VMGlobal>();
        let len_bytes = slots_len_bytes + size_of::<VMContext>() + globals_len_bytes;
        let layout = Layout::from_size_align(len_bytes, 16).expect("counts fit in 32 bits");
        // SAFETY: the layout holds a VMContext, so it is not empty.
        let allocation = unsafe { alloc_zeroed(layout) };
        let Some(allocation) = NonNull::new(allocation) else {
            std::alloc::handle_alloc_error(layout);
        };
        // SAFETY: the slots come before the context in the allocation, and all have sizes that
        // are multiples of 16.
        let vmctx = unsafe { allocation.add(slots_len_bytes).cast::<VMContext>() };
        let context = VMContext {
            imported_globals: imported_globals.as_ptr(),
            ..context
        };
        // SAFETY: the place is in the allocation and aligned.
        unsafe { vmctx.write(context) };
        Self {
            vmctx,
            allocation,
            layout,
            import_count,
            global_count,
            imported_globals,
        }
    }

    #[inline]
    pub(super) fn vmctx(&self) -> *mut VMContext {
        self.vmctx.as_ptr()
    }

    /// Where the slot of an imported function is.
    pub(super) fn import_slot(&self, index: usize) -> *mut VMImportSlot {
        assert!(index < self.import_count, "the module has that import");
        // SAFETY: slots lie before vmctx, growing downwards, `import_count` of them.
        unsafe { self.vmctx.as_ptr().cast::<VMImportSlot>().sub(index + 1) }
    }

    /// Where the value of a defined global is.
    pub(super) fn global(&self, index: usize) -> *mut VMGlobal {
        assert!(index < self.global_count, "the module defines that global");
        // SAFETY: globals lie behind vmctx, `global_count` of them.
        unsafe { self.vmctx.as_ptr().add(1).cast::<VMGlobal>().add(index) }
    }

    /// Where the value of an imported global is.
    pub(super) fn imported_global(&self, index: usize) -> *mut VMGlobal {
        self.imported_globals[index]
    }

    pub(super) fn set_stack_limit(&self, stack_limit: usize) {
        // SAFETY: the block lives as long as `self`, and the guest that reads the limit does not
        // run now.
        unsafe { (*self.vmctx()).stack_limit = stack_limit };
    }
}

impl Drop for InstanceBlock {
    fn drop(&mut self) {
        // SAFETY: nothing that points to the block runs any more. Clearing the mark makes a use
        // after this visible to assertions.
        unsafe {
            (*self.vmctx()).check = 0;
            dealloc(self.allocation.as_ptr(), self.layout);
        }
    }
}

/// An instance: its block, and the handles of what it imports.
pub(super) struct InstanceEntity {
    pub(super) block: InstanceBlock,
    pub(super) module: Module,
    pub(super) imported_funcs: Box<[Func]>,
    pub(super) imported_globals: Box<[Global]>,
    pub(super) memory: Option<Memory>,
    pub(super) table: Option<Table>,
}

impl InstanceEntity {
    pub(super) fn defined_global_type(&self, defined: usize) -> GlobalType {
        let globals = &self.module.manifest().globals;
        GlobalType::from_abi(globals[self.imported_globals.len() + defined].ty)
    }
}

/// The instance that a vmctx belongs to, as an index in its store.
///
/// # Safety
///
/// - `vmctx` is that of a live instance.
#[inline]
pub(super) unsafe fn instance_index(vmctx: *const VMContext) -> u32 {
    // SAFETY: the caller promises that the instance is alive.
    let (instance, check) = unsafe { ((*vmctx).instance, (*vmctx).check) };
    debug_assert_eq!(
        check,
        VMContext::CHECK_VALUE,
        "vmctx is that of a live instance"
    );
    u32::try_from(instance.addr()).expect("stores have fewer than 2^32 instances")
}

/// As [`VMContext::instance`] stores it.
pub(super) fn instance_name(index: u32) -> *mut core::ffi::c_void {
    ptr::without_provenance_mut(index as usize)
}

impl StoreInner {
    /// What an instance exports at a position of its module's exports.
    pub(crate) fn instance_export(
        &self,
        instance: Instance,
        position: usize,
    ) -> crate::instance::Extern {
        let index = instance.0.index(self);
        let entity = &self.vm.instances[index as usize];
        let export = &entity.module.manifest().exports[position];
        match export.kind {
            ExternKind::Func => self.instance_func(index, export.index).into(),
            ExternKind::Table => entity.table.expect("checked when loaded").into(),
            ExternKind::Memory => entity.memory.expect("checked when loaded").into(),
            ExternKind::Global => self.instance_global(index, export.index).into(),
        }
    }

    /// A function of an instance, imports first.
    pub(super) fn instance_func(&self, instance: u32, func_index: u32) -> Func {
        let entity = &self.vm.instances[instance as usize];
        match entity.imported_funcs.get(func_index as usize) {
            Some(imported) => *imported,
            None => {
                let imported = entity.module.manifest().imported_function_count;
                let index = FuncIndex::defined(instance, func_index - imported);
                Func(self.id().own(index))
            }
        }
    }

    fn instance_global(&self, instance: u32, global_index: u32) -> Global {
        let entity = &self.vm.instances[instance as usize];
        match entity.imported_globals.get(global_index as usize) {
            Some(imported) => *imported,
            None => {
                let imported = u32::try_from(entity.imported_globals.len())
                    .expect("modules have fewer than 2^32 imports");
                let index = GlobalIndex::defined(instance, global_index - imported);
                Global(self.id().own(index))
            }
        }
    }
}
