//! Instantiates a module: the specification's section 4.5.4, with today's order of segments.
#![allow(unsafe_code, reason = "fills the block that compiled code reads")]

use super::{
    instance_block::{InstanceBlock, InstanceEntity, instance_name},
    libcalls::LIBCALLS,
    memory::{MemoryEntity, MemoryImage},
    store_vm::Callable,
    table::TableEntity,
};
use crate::{
    error::Error,
    errors::{ImportName, InstantiationError, MemoryError},
    func::Func,
    global::Global,
    instance::{Extern, Instance},
    memory::Memory,
    module::Module,
    store::{Store, StoreInner},
    table::Table,
    types::{ExternType, MemoryType, TableType},
};
use core::{ptr, sync::atomic::AtomicU32};
use wasmelt_abi::{
    BoundsStrategy, ConstExpr, DataSegment, ElementSegment, MEMORY_MAX_GROWN_PAGES, Manifest,
    VMContext, VMFuncRef, VMGlobal, VMImportSlot, VMMemory, VMTable,
};

/// The externs of a module's imports, by kind.
#[derive(Default)]
struct Imports {
    funcs: Vec<Func>,
    globals: Vec<Global>,
    memory: Option<Memory>,
    table: Option<Table>,
}

/// Instantiates a module in a store and runs its start function.
pub(crate) fn instantiate<T>(
    store: &mut Store<T>,
    module: &Module,
    externs: &[Extern],
) -> Result<Instance, Error> {
    trace! { let _span = crate::trace::instantiate(module); }
    let manifest = module.manifest();
    module.check_engine(store.engine())?;
    let imports = check_imports(&store.inner, module, externs)?;
    check_counts(store, manifest)?;
    let table = new_table(store, manifest)?;
    let memory = new_memory(store, module)?;

    // From here on the instance is in the store: its functions may get into tables of others.
    let instance = add_instance(&mut store.inner, module, &imports, memory, table);
    let index = instance.0.index(&store.inner);
    if let Err(failure) = initialize(&mut store.inner, index) {
        if !failure.has_escaped {
            remove_last_instance(&mut store.inner);
        }
        return Err(failure.error);
    }
    if let Some(start) = manifest.start {
        let start = store.inner.instance_func(index, start);
        start.call(&mut *store, &[], &mut [])?;
    }
    Ok(instance)
}

/// Compares externs with imports.
fn check_imports(
    store: &StoreInner,
    module: &Module,
    externs: &[Extern],
) -> Result<Imports, InstantiationError> {
    let expected = module.manifest().imports.len();
    if externs.len() != expected {
        return Err(InstantiationError::MismatchedNumberOfImports {
            expected,
            actual: externs.len(),
        });
    }
    let mut imports = Imports::default();
    for (position, found) in externs.iter().enumerate() {
        let name = module.import_name(position);
        match (module.import_type(position), *found) {
            (ExternType::Func(expected), Extern::Func(func)) => {
                let actual = store.func_type(func);
                if *actual != expected {
                    return Err(InstantiationError::FuncTypeMismatch {
                        name: name.clone(),
                        expected,
                        actual: actual.clone(),
                    });
                }
                imports.funcs.push(func);
            }
            (ExternType::Global(expected), Extern::Global(global)) => {
                let actual = store.global_type(global);
                if actual != expected {
                    return Err(InstantiationError::GlobalTypeMismatch {
                        name: name.clone(),
                        expected,
                        actual,
                    });
                }
                imports.globals.push(global);
            }
            (ExternType::Table(expected), Extern::Table(table)) => {
                let actual = store.table(table).dynamic_ty();
                if !actual.is_subtype_of(&expected) {
                    return Err(InstantiationError::TableTypeMismatch {
                        name: name.clone(),
                        expected,
                        actual,
                    });
                }
                imports.table = Some(table);
            }
            (ExternType::Memory(expected), Extern::Memory(memory)) => {
                check_memory(module, name, expected, store.memory(memory))?;
                imports.memory = Some(memory);
            }
            (expected, actual) => {
                // Also for an extern of another kind the store must be the right one.
                check_owner(store, actual);
                return Err(InstantiationError::ImportTypeMismatch {
                    name: name.clone(),
                    expected,
                    actual,
                });
            }
        }
    }
    Ok(imports)
}

/// Checks that the store owns an extern.
fn check_owner(store: &StoreInner, found: Extern) {
    match found {
        Extern::Func(func) => drop(func.0.index(store)),
        Extern::Global(global) => drop(global.0.index(store)),
        Extern::Table(table) => drop(table.0.index(store)),
        Extern::Memory(memory) => drop(memory.0.index(store)),
    }
}

fn check_memory(
    module: &Module,
    name: &ImportName,
    expected: MemoryType,
    memory: &MemoryEntity,
) -> Result<(), InstantiationError> {
    let actual = memory.dynamic_ty();
    if !actual.is_subtype_of(expected) {
        return Err(InstantiationError::MemoryTypeMismatch {
            name: name.clone(),
            expected,
            actual,
        });
    }
    let most = expected.minimum().max(u64::from(MEMORY_MAX_GROWN_PAGES));
    if memory.size_pages() > most {
        return Err(InstantiationError::MemoryTooLarge { name: name.clone() });
    }
    let strategy = module.library().descriptor().options.bounds;
    if strategy == BoundsStrategy::Guard && !memory.has_guard_pages() {
        return Err(InstantiationError::MemoryStrategyMismatch { name: name.clone() });
    }
    Ok(())
}

/// Asks the limiter how many things the store may have.
fn check_counts<T>(store: &mut Store<T>, manifest: &Manifest) -> Result<(), InstantiationError> {
    let (inner, limiter) = store.with_limiter();
    let Some(limiter) = limiter else {
        return Ok(());
    };
    let defines_table = manifest.table.is_some_and(|table| !table.imported);
    let defines_memory = manifest.memory.is_some_and(|memory| !memory.imported);
    if inner.vm.instance_count() + 1 > limiter.instances() {
        return Err(InstantiationError::TooManyInstances);
    }
    if inner.vm.table_count() + usize::from(defines_table) > limiter.tables() {
        return Err(InstantiationError::TooManyTables);
    }
    if inner.vm.memory_count() + usize::from(defines_memory) > limiter.memories() {
        return Err(InstantiationError::TooManyMemories);
    }
    Ok(())
}

/// The memory that the module defines, with its image.
fn new_memory<T>(store: &mut Store<T>, module: &Module) -> Result<Option<MemoryEntity>, Error> {
    let manifest = module.manifest();
    let Some(memory) = manifest.memory.filter(|memory| !memory.imported) else {
        return Ok(None);
    };
    let ty = MemoryType::from_abi(memory.limits);
    let (_, limiter) = store.with_limiter();
    let mut memory = StoreInner::new_instance_memory(ty, module, limiter)?;
    if let Some(image) = memory_image(module)? {
        memory.write_image(module, &image)?;
    }
    Ok(Some(memory))
}

/// The image of a module's memory, if it has one.
pub(super) fn memory_image(module: &Module) -> Result<Option<MemoryImage<'_>>, MemoryError> {
    let library = module.library();
    let Some(image) = library.manifest().image else {
        return Ok(None);
    };
    Ok(Some(MemoryImage {
        memory_offset: usize::try_from(image.memory_offset)
            .map_err(|_| MemoryError::OutOfBoundsAccess)?,
        bytes: library.image(),
        file: library.image_file(),
    }))
}

/// The table that the module defines.
fn new_table<T>(
    store: &mut Store<T>,
    manifest: &Manifest,
) -> Result<Option<TableEntity>, InstantiationError> {
    let Some(table) = manifest.table.filter(|table| !table.imported) else {
        return Ok(None);
    };
    let (_, limiter) = store.with_limiter();
    let ty = TableType::from_abi(table.limits);
    TableEntity::new(ty, &VMFuncRef::null(), limiter)
        .map(Some)
        .map_err(InstantiationError::FailedToInstantiateTable)
}

/// Makes the block, fills it, and adds the instance to the store. Segments are not written yet.
fn add_instance(
    store: &mut StoreInner,
    module: &Module,
    imports: &Imports,
    memory: Option<MemoryEntity>,
    table: Option<TableEntity>,
) -> Instance {
    let index = u32::try_from(store.vm.instances.len())
        .ok()
        .filter(|index| *index != u32::MAX)
        .expect("stores have fewer than 2^32 - 1 instances");
    let imported_globals: Box<[*mut VMGlobal]> = imports
        .globals
        .iter()
        .map(|global| {
            store
                .global_place(*global)
                .expect("imports of modules are numbers")
        })
        .collect();
    let global_count = module.manifest().globals.len() - imported_globals.len();
    let context = new_context(store, module, index);
    let block = InstanceBlock::new(imports.funcs.len(), global_count, imported_globals, context);

    for (position, func) in imports.funcs.iter().enumerate() {
        let Callable { code, vmctx, .. } = store.callable(*func);
        // SAFETY: the slot is in the new block.
        unsafe {
            block
                .import_slot(position)
                .write(VMImportSlot { code, vmctx })
        };
    }
    let vmctx = block.vmctx();
    store.vm.add_code(module);
    let memory = match memory {
        Some(mut memory) => {
            // SAFETY: the block lives as long as the store that owns both.
            unsafe { memory.move_vm_to(&raw mut (*vmctx).memory) };
            Some(store.add_memory(memory))
        }
        None => imports.memory,
    };
    let table = match table {
        Some(mut table) => {
            // SAFETY: the block lives as long as the store that owns both.
            unsafe { table.move_vm_to(&raw mut (*vmctx).table) };
            Some(store.add_table(table))
        }
        None => imports.table,
    };
    let manifest = module.manifest();
    if let (Some(memory), Some(declared)) = (imports.memory, manifest.memory) {
        let ty = MemoryType::from_abi(declared.limits);
        store.memory_mut(memory).rely_on(ty.minimum());
    }
    if let (Some(table), Some(declared)) = (imports.table, manifest.table) {
        let ty = TableType::from_abi(declared.limits);
        store.table_mut(table).rely_on(ty.minimum());
    }
    link_memory_and_table(store, vmctx, imports, memory, table);
    if let Some(interrupt) = store.vm.interrupt_handle() {
        // SAFETY: the instance lives until the store drops it, or it is removed below.
        unsafe { interrupt.add(vmctx) };
    }
    store.vm.instances.push(InstanceEntity {
        block,
        module: module.clone(),
        imported_funcs: imports.funcs.as_slice().into(),
        imported_globals: imports.globals.as_slice().into(),
        memory,
        table,
    });
    initialize_globals(store, index);
    Instance(store.id().own(index))
}

/// The context of a new instance without memory, table and globals.
fn new_context(store: &StoreInner, module: &Module, index: u32) -> VMContext {
    let block = store.vm.block();
    VMContext {
        memory: VMMemory {
            base: ptr::null_mut(),
            len_bytes: 0,
        },
        // SAFETY: the block lives as long as the store.
        stack_limit: unsafe { (*block).stack_limit() },
        table: VMTable {
            base: ptr::null_mut(),
            len_elements: 0,
        },
        memory_pointer: ptr::null_mut(),
        table_pointer: ptr::null_mut(),
        libcalls: &raw const LIBCALLS,
        store: block.cast(),
        signature_ids: module.signature_ids().as_ptr(),
        imported_globals: ptr::null(),
        instance: instance_name(index),
        check: VMContext::CHECK_VALUE,
        interrupt: AtomicU32::new(0),
        reserved_108: 0,
        reserved_112: [0; 2],
    }
}

/// Points vmctx to the memory and the table, its own or imported ones.
fn link_memory_and_table(
    store: &StoreInner,
    vmctx: *mut VMContext,
    imports: &Imports,
    memory: Option<Memory>,
    table: Option<Table>,
) {
    // SAFETY: the block is new, and nothing else refers to it yet.
    unsafe {
        if let Some(memory) = memory {
            let entity = store.memory(memory);
            (*vmctx).memory_pointer = entity.vm();
            if imports.memory.is_some() && entity.has_guard_pages() {
                // The base never moves, so that a copy of it is good for ever.
                (*vmctx).memory.base = entity.data_ptr();
            }
        }
        if let Some(table) = table {
            (*vmctx).table_pointer = store.table(table).vm();
        }
    }
}

pub(super) fn initialize_globals(store: &mut StoreInner, index: u32) {
    let instance = &store.vm.instances[index as usize];
    let imported = instance.imported_globals.len();
    let defined = &instance.module.manifest().globals[imported..];
    for (position, global) in defined.iter().enumerate() {
        let init = global.init.expect("a defined global has an initial value");
        let bits = evaluate(instance, init);
        // SAFETY: the place is in the instance's block, whose guest does not run yet.
        unsafe { *instance.block.global(position) = VMGlobal { bits } };
    }
}

/// The value of a constant expression.
fn evaluate(instance: &InstanceEntity, expr: ConstExpr) -> u64 {
    match expr {
        ConstExpr::Bits(bits) => bits,
        // SAFETY: the loader checked that the global is an imported one; its place lives as long
        // as the store.
        ConstExpr::Global(index) => unsafe {
            (*instance.block.imported_global(index as usize)).bits
        },
    }
}

/// The value of an offset.
pub(super) fn evaluate_offset(instance: &InstanceEntity, expr: ConstExpr) -> u64 {
    u64::from(crate::value::low_half(evaluate(instance, expr)))
}

/// A failure, and whether functions of the instance are in a table of others.
pub(super) struct Failure {
    pub(super) error: Error,
    has_escaped: bool,
}

/// Writes element segments, then data segments, each in its order. One that does not fit ends
/// that; the earlier ones stay written.
pub(super) fn initialize(store: &mut StoreInner, index: u32) -> Result<(), Failure> {
    let module = store.vm.instances[index as usize].module.clone();
    let manifest = module.manifest();
    let mut has_escaped = false;
    for segment in &manifest.elements {
        write_elements(store, index, &module, segment).map_err(|error| Failure {
            error: error.into(),
            has_escaped,
        })?;
        let shared = manifest.table.is_some_and(|table| table.imported);
        has_escaped |= shared && !segment.funcs.is_empty();
    }
    for segment in &manifest.data {
        write_data(store, index, &module, segment).map_err(|error| Failure {
            error: error.into(),
            has_escaped,
        })?;
    }
    Ok(())
}

fn write_elements(
    store: &mut StoreInner,
    index: u32,
    module: &Module,
    segment: &ElementSegment,
) -> Result<(), InstantiationError> {
    let manifest = module.manifest();
    let is_private = manifest.table.is_some_and(|table| table.is_private());
    let elements: Vec<VMFuncRef> = segment
        .funcs
        .iter()
        .map(|func_index| {
            let func = store.instance_func(index, *func_index);
            let mut element = store.func_ref(func);
            if is_private {
                // No other module and no host can see it: its code compares local ids.
                let ty = module.type_index(*func_index);
                element.signature_id = manifest.local_signature_ids[ty];
            }
            element
        })
        .collect();
    let instance = &store.vm.instances[index as usize];
    let table = instance
        .table
        .expect("a module with element segments has a table");
    let start = evaluate_offset(instance, segment.offset);
    store
        .table_mut(table)
        .write(start, &elements)
        .ok_or_else(|| InstantiationError::ElementSegmentDoesNotFit {
            table,
            table_index: start,
            len: u32::try_from(elements.len()).expect("segments have fewer than 2^32 elements"),
        })
}

fn write_data(
    store: &mut StoreInner,
    index: u32,
    module: &Module,
    segment: &DataSegment,
) -> Result<(), MemoryError> {
    if segment.in_image {
        // It was checked against the memory's minimum when the module was compiled.
        return Ok(());
    }
    let instance = &store.vm.instances[index as usize];
    let memory = instance
        .memory
        .expect("a module with data segments has a memory");
    let offset = evaluate_offset(instance, segment.offset);
    let range = |start: u64, len: u64| {
        let start = usize::try_from(start).ok()?;
        Some(start..start.checked_add(usize::try_from(len).ok()?)?)
    };
    let bytes = range(segment.start, segment.len_bytes)
        .and_then(|range| module.library().data().get(range))
        .expect("checked when loaded");
    let offset = usize::try_from(offset).map_err(|_| MemoryError::OutOfBoundsAccess)?;
    store.memory_mut(memory).write(offset, bytes)
}

/// Removes the instance added last, with the memory and the table that it defined. Nobody has a
/// handle of it, or of one of its parts.
fn remove_last_instance(store: &mut StoreInner) {
    if let Some(interrupt) = store.vm.interrupt_handle() {
        interrupt.remove_last();
    }
    let instance = store.vm.instances.pop().expect("one was just added");
    let manifest = instance.module.manifest();
    if manifest.memory.is_some_and(|memory| !memory.imported) {
        let memory = store.vm.memories.pop().expect("one was just added");
        store.vm.remove_reservation(memory.vm());
    }
    if manifest.table.is_some_and(|table| !table.imported) {
        store.vm.tables.pop();
    }
}

impl StoreInner {
    /// The memory of an instance that has one.
    pub(super) fn instance_memory(&self, instance: Instance) -> Memory {
        let entity = &self.vm.instances[instance.0.index(self) as usize];
        entity.memory.expect("code that grows a memory has one")
    }
}
