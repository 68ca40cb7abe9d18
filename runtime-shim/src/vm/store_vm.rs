//! The part of a store that compiled code and signal handlers reach.
#![allow(unsafe_code, reason = "owns what compiled code points to")]

use super::{
    global::GlobalEntity, instance_block::InstanceEntity, interrupt::InterruptHandle,
    memory::MemoryEntity, stack, table::TableEntity,
};
use crate::{
    config::Config,
    error::Error,
    func::{Func, HostFuncDefinition},
    instance::Instance,
    module::Module,
    store::{Store, StoreInner},
    types::FuncType,
};
use core::{
    cell::{Cell, UnsafeCell},
    ffi::c_void,
    ptr::{self, NonNull},
    sync::atomic::{AtomicPtr, AtomicUsize, Ordering},
};
use std::sync::Arc;
use wasmelt_abi::{FuelCosts, VMContext, VMFuncRef, VMMemory, VMStoreContext};

/// A value that compiled code may read and write, in a box of its own or in an instance's block.
#[derive(Debug)]
pub(super) struct VmCell<V> {
    place: NonNull<V>,
    is_boxed: bool,
}

// SAFETY: the cell is reached through the store that owns it; compiled code runs only while that
// is borrowed exclusively.
unsafe impl<V> Send for VmCell<V> {}
// SAFETY: as above.
unsafe impl<V> Sync for VmCell<V> {}

impl<V> VmCell<V> {
    pub(super) fn new(value: V) -> Self {
        Self {
            place: NonNull::from(Box::leak(Box::new(value))),
            is_boxed: true,
        }
    }

    pub(super) fn as_ptr(&self) -> *mut V {
        self.place.as_ptr()
    }

    /// Moves the value into `place`, which is used from now on.
    ///
    /// # Safety
    ///
    /// - `place` is valid for as long as `self`, and nothing else writes to it.
    pub(super) unsafe fn move_to(&mut self, place: *mut V) {
        assert!(self.is_boxed, "a value moves into an instance once");
        // SAFETY: the box is ours and is not used again.
        let value = *unsafe { Box::from_raw(self.as_ptr()) };
        self.is_boxed = false;
        self.place = NonNull::new(place).expect("blocks are not at zero");
        // SAFETY: the caller promises that the place is valid and ours.
        unsafe { place.write(value) };
    }
}

impl<V> Drop for VmCell<V> {
    fn drop(&mut self) {
        if self.is_boxed {
            // SAFETY: the box is ours and is not used again.
            drop(unsafe { Box::from_raw(self.as_ptr()) });
        }
    }
}

/// A module whose code this store may run, for signal handlers and backtraces.
pub(super) struct CodeNode {
    pub(super) module: Module,
    next: *mut CodeNode,
}

/// The reservation of a guard-page memory, for signal handlers.
pub(super) struct ReservationNode {
    pub(super) base: usize,
    pub(super) len_bytes: usize,
    pub(super) memory: *const VMMemory,
    next: *mut ReservationNode,
}

/// Grows the memory of an instance; the store's type is hidden.
pub(super) type GrowMemory =
    unsafe fn(store: *mut c_void, instance: u32, delta_pages: u32) -> Result<u32, Error>;

/// What all instances of a store share, at an address that never changes.
#[repr(C)]
pub(super) struct StoreBlock {
    /// What compiled code sees: vmctx points here.
    vm: UnsafeCell<VMStoreContext>,
    /// The `Store<T>` of the innermost activation of this store.
    pub(super) store: Cell<*mut c_void>,
    pub(super) grow_memory: GrowMemory,
    pub(super) max_wasm_stack_bytes: usize,
    /// Whether traps may arrive as signals.
    pub(super) has_signals: bool,
    /// Whether any code of this store computes with floats.
    pub(super) computes_floats: Cell<bool>,
    /// Whether active calls are counted.
    pub(super) counts_calls: bool,
    /// Whether fuel is metered.
    pub(super) is_metered: bool,
    /// What costs how much, where fuel is metered.
    pub(super) fuel_costs: Option<FuelCosts>,
    /// Fuel that is left beside what compiled code has.
    pub(super) fuel_reserve: Cell<u64>,
    /// By which the guest is interrupted, if it can be.
    pub(super) interrupt: Option<InterruptHandle>,
    code: AtomicPtr<CodeNode>,
    reservations: AtomicPtr<ReservationNode>,
}

impl StoreBlock {
    /// How many more calls may be active than those that wait for the host.
    #[inline]
    pub(super) fn calls_left(&self) -> u64 {
        // SAFETY: only compiled code changes the field, and it does not run.
        unsafe { (*self.vm()).calls_left }
    }

    /// What an entry may use, or what there was before it.
    #[inline]
    pub(super) fn set_calls_left(&self, calls: u64) {
        // SAFETY: the guest does not run; nothing refers to the field.
        unsafe { (*self.vm()).calls_left = calls };
    }

    /// What compiled code sees.
    #[inline]
    pub(super) fn vm(&self) -> *mut VMStoreContext {
        self.vm.get()
    }

    /// Lowest stack pointer that compiled code may have.
    #[inline]
    pub(super) fn stack_limit(&self) -> usize {
        // SAFETY: the field changes only while the store is borrowed exclusively, and never while
        // this runs.
        unsafe { (*self.vm.get()).stack_limit }
    }

    /// The modules whose code this store may run. Safe to call in a signal handler.
    pub(super) fn code(&self) -> impl Iterator<Item = &CodeNode> {
        let mut next = self.code.load(Ordering::Acquire);
        core::iter::from_fn(move || {
            // SAFETY: nodes live as long as the block, and their links do not change.
            let node = unsafe { next.as_ref() }?;
            next = node.next;
            Some(node)
        })
    }

    /// The reservations of this store's memories. Safe to call in a signal handler.
    pub(super) fn reservations(&self) -> impl Iterator<Item = &ReservationNode> {
        let mut next = self.reservations.load(Ordering::Acquire);
        core::iter::from_fn(move || {
            // SAFETY: nodes live until the store, which is exclusively borrowed then, removes
            // them, and their links do not change.
            let node = unsafe { next.as_ref() }?;
            next = node.next;
            Some(node)
        })
    }

    /// The module and text offset at an address. Safe to call in a signal handler.
    pub(super) fn lookup_code(&self, pc: usize) -> Option<(&Module, u32)> {
        self.code().find_map(|node| {
            let text_offset = node.module.library().text_offset(pc)?;
            Some((&node.module, text_offset))
        })
    }
}

/// Where a function is: in an instance, or among the host functions of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct FuncIndex {
    instance: u32,
    /// Index among the functions that the module defines, or among host functions.
    index: u32,
}

impl FuncIndex {
    const HOST: u32 = u32::MAX;

    pub(super) fn defined(instance: u32, defined: u32) -> Self {
        Self {
            instance,
            index: defined,
        }
    }

    fn host(index: u32) -> Self {
        Self {
            instance: Self::HOST,
            index,
        }
    }

    /// Position among host functions, if it is one.
    pub(super) fn as_host(self) -> Option<usize> {
        (self.instance == Self::HOST).then_some(self.index as usize)
    }

    /// As [`VMFuncRef::func`] stores it.
    pub(super) fn to_bits(self) -> u64 {
        u64::from(self.instance) << 32 | u64::from(self.index)
    }

    pub(super) fn from_bits(bits: u64) -> Self {
        Self {
            instance: crate::value::low_half(bits >> 32),
            index: crate::value::low_half(bits),
        }
    }
}

/// Where a global is: in an instance, or among the globals that the host created.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct GlobalIndex {
    instance: u32,
    /// Index among the globals that the module defines, or among the host's.
    index: u32,
}

impl GlobalIndex {
    const HOST: u32 = u32::MAX;

    pub(super) fn defined(instance: u32, defined: u32) -> Self {
        Self {
            instance,
            index: defined,
        }
    }

    pub(super) fn host(index: u32) -> Self {
        Self {
            instance: Self::HOST,
            index,
        }
    }

    /// Position among the host's globals, if it is one.
    pub(super) fn as_host(self) -> Option<usize> {
        (self.instance == Self::HOST).then_some(self.index as usize)
    }

    pub(super) fn instance(self) -> usize {
        self.instance as usize
    }

    pub(super) fn index(self) -> usize {
        self.index as usize
    }
}

/// How a function is called from compiled code.
#[derive(Debug, Clone, Copy)]
pub(super) struct Callable {
    pub(super) code: *const u8,
    pub(super) vmctx: *mut VMContext,
    pub(super) signature_id: u32,
}

/// A host function without its host's type.
#[derive(Debug)]
struct HostFuncEntity {
    callable: Callable,
    ty: FuncType,
}

// SAFETY: the pointers are to code, and to a closure that is `Send` and `Sync`.
unsafe impl Send for HostFuncEntity {}
// SAFETY: as above.
unsafe impl Sync for HostFuncEntity {}

/// The part of a store that compiled code and signal handlers reach, and its entities.
pub(crate) struct StoreVm {
    block: NonNull<StoreBlock>,
    pub(super) instances: Vec<InstanceEntity>,
    pub(super) memories: Vec<MemoryEntity>,
    pub(super) tables: Vec<TableEntity>,
    pub(super) globals: Vec<GlobalEntity>,
    host_funcs: Vec<HostFuncEntity>,
    /// How many calls of this store are paused.
    pub(super) paused_calls: Arc<AtomicUsize>,
}

// SAFETY: the block is reached through its one owner, or by compiled code that runs while that is
// borrowed exclusively.
unsafe impl Send for StoreVm {}
// SAFETY: as above.
unsafe impl Sync for StoreVm {}

impl StoreVm {
    /// The machine of an empty `Store<T>`.
    pub(crate) fn new<T>(config: &Config) -> Self {
        let block = StoreBlock {
            vm: UnsafeCell::new(VMStoreContext {
                stack_limit: stack::NO_LIMIT,
                fuel: 0,
                fuel_added: 0,
                calls_left: config.max_call_depth(),
                reserved: [0; 4],
            }),
            store: Cell::new(ptr::null_mut()),
            grow_memory: super::libcalls::grow_memory::<T>,
            max_wasm_stack_bytes: config.max_wasm_stack_bytes(),
            has_signals: config.codegen().signals,
            computes_floats: Cell::new(false),
            counts_calls: config.codegen().call_depth,
            is_metered: config.codegen().fuel,
            fuel_costs: config.codegen().fuel.then(|| *config.fuel_costs()),
            fuel_reserve: Cell::new(0),
            interrupt: config.codegen().interruption.then(InterruptHandle::new),
            code: AtomicPtr::new(ptr::null_mut()),
            reservations: AtomicPtr::new(ptr::null_mut()),
        };
        Self {
            block: NonNull::from(Box::leak(Box::new(block))),
            instances: Vec::new(),
            memories: Vec::new(),
            tables: Vec::new(),
            globals: Vec::new(),
            host_funcs: Vec::new(),
            paused_calls: Arc::default(),
        }
    }

    /// Whether a guest of this store has frames on some stack.
    pub(super) fn is_guest_active(&self) -> bool {
        !self.block_ref().store.get().is_null() || self.paused_calls.load(Ordering::Relaxed) != 0
    }

    #[inline]
    pub(super) fn block(&self) -> *mut StoreBlock {
        self.block.as_ptr()
    }

    pub(super) fn block_ref(&self) -> &StoreBlock {
        // SAFETY: the block lives as long as `self`.
        unsafe { self.block.as_ref() }
    }

    /// By which the guest is interrupted, if it can be.
    pub(crate) fn interrupt_handle(&self) -> Option<&InterruptHandle> {
        self.block_ref().interrupt.as_ref()
    }

    /// Makes a module's code known to signal handlers, and keeps it loaded.
    pub(super) fn add_code(&mut self, module: &Module) {
        let block = self.block_ref();
        if block.code().any(|node| Module::same(&node.module, module)) {
            return;
        }
        if module.manifest().computes_floats {
            block.computes_floats.set(true);
        }
        let node = Box::new(CodeNode {
            module: module.clone(),
            next: block.code.load(Ordering::Acquire),
        });
        block.code.store(Box::into_raw(node), Ordering::Release);
    }

    /// Makes a memory's reservation known to signal handlers.
    pub(super) fn add_reservation(
        &mut self,
        base: usize,
        len_bytes: usize,
        memory: *const VMMemory,
    ) {
        let block = self.block_ref();
        let node = Box::new(ReservationNode {
            base,
            len_bytes,
            memory,
            next: block.reservations.load(Ordering::Acquire),
        });
        let node = Box::into_raw(node);
        block.reservations.store(node, Ordering::Release);
    }

    /// Forgets the reservation added last, which belongs to `memory`, if it has one.
    pub(super) fn remove_reservation(&mut self, memory: *const VMMemory) {
        let block = self.block_ref();
        let node = block.reservations.load(Ordering::Acquire);
        // SAFETY: nodes live as long as they are linked.
        if unsafe { node.as_ref() }.is_some_and(|node| ptr::eq(node.memory, memory)) {
            // SAFETY: the node came from a box, and is not linked any more when it is dropped.
            let node = unsafe { Box::from_raw(node) };
            block.reservations.store(node.next, Ordering::Release);
        }
    }

    /// Sets the stack limit in every vmctx.
    pub(super) fn set_stack_limit(&mut self, stack_limit: usize) {
        // SAFETY: the block lives as long as `self`, and the guest that reads the limit does not
        // run while the store is borrowed exclusively.
        unsafe { (*self.block.as_ref().vm.get()).stack_limit = stack_limit };
        for instance in &self.instances {
            instance.block.set_stack_limit(stack_limit);
        }
    }

    pub(crate) fn instance_count(&self) -> usize {
        self.instances.len()
    }

    pub(crate) fn table_count(&self) -> usize {
        self.tables.len()
    }
}

impl Drop for StoreVm {
    fn drop(&mut self) {
        if let Some(interrupt) = self.interrupt_handle() {
            interrupt.clear();
        }
        // SAFETY: the block came from a box, and nothing that points to it runs any more.
        let block = unsafe { Box::from_raw(self.block.as_ptr()) };
        let mut code = block.code.load(Ordering::Acquire);
        while !code.is_null() {
            // SAFETY: nodes came from boxes, each linked once.
            let node = unsafe { Box::from_raw(code) };
            code = node.next;
        }
        let mut reservation = block.reservations.load(Ordering::Acquire);
        while !reservation.is_null() {
            // SAFETY: nodes came from boxes, each linked once.
            let node = unsafe { Box::from_raw(reservation) };
            reservation = node.next;
        }
    }
}

impl StoreInner {
    pub(crate) fn func_type(&self, func: Func) -> &FuncType {
        let index = func.0.index(self);
        match index.as_host() {
            Some(host) => &self.vm.host_funcs[host].ty,
            None => {
                let module = &self.vm.instances[index.instance as usize].module;
                module.func_type(module.manifest().imported_function_count + index.index)
            }
        }
    }

    /// Whether a function is the host's.
    pub(crate) fn is_host_func(&self, func: Func) -> bool {
        func.0.index(self).as_host().is_some()
    }

    /// The host function that compiled code calls with this context. If the store has a definition
    /// several times, any of its functions: they are alike.
    pub(super) fn host_func_of_context(&self, context: *const VMContext) -> Option<Func> {
        let mut funcs = self.vm.host_funcs.iter();
        let index = funcs.position(|func| ptr::eq(func.callable.vmctx, context))?;
        let index = u32::try_from(index).expect("stores have fewer than 2^32 functions");
        Some(Func(self.id().own(FuncIndex::host(index))))
    }

    /// The module and the index in it of a guest's function.
    #[cfg(feature = "tracing")]
    pub(crate) fn guest_func(&self, func: Func) -> Option<(&Module, u32)> {
        let index = func.0.index(self);
        if index.as_host().is_some() {
            return None;
        }
        let module = &self.vm.instances[index.instance as usize].module;
        Some((
            module,
            module.manifest().imported_function_count + index.index,
        ))
    }

    /// How compiled code calls a function.
    pub(super) fn callable(&self, func: Func) -> Callable {
        let index = func.0.index(self);
        if let Some(host) = index.as_host() {
            return self.vm.host_funcs[host].callable;
        }
        let instance = &self.vm.instances[index.instance as usize];
        let module = &instance.module;
        let func_index = module.manifest().imported_function_count + index.index;
        Callable {
            code: module.library().function_address(index.index as usize),
            vmctx: instance.block.vmctx(),
            signature_id: module.signature_ids()[module.type_index(func_index)],
        }
    }

    /// A table entry for a function.
    pub(super) fn func_ref(&self, func: Func) -> VMFuncRef {
        let callable = self.callable(func);
        VMFuncRef {
            code: callable.code,
            vmctx: callable.vmctx,
            signature_id: callable.signature_id,
            reserved: 0,
            func: func.0.index(self).to_bits(),
        }
    }

    pub(crate) fn instance_module(&self, instance: Instance) -> &Module {
        &self.vm.instances[instance.0.index(self) as usize].module
    }
}

impl<T> Store<T> {
    /// Adds a host function.
    pub(crate) fn create_host_func(&mut self, definition: HostFuncDefinition<T>) -> Func {
        let index = u32::try_from(self.typed.host_funcs.len()).expect("fewer than 2^32 functions");
        self.inner.vm.host_funcs.push(HostFuncEntity {
            callable: definition.callable(),
            ty: definition.ty().clone(),
        });
        self.typed.host_funcs.push(definition);
        Func(self.inner.id().own(FuncIndex::host(index)))
    }

    /// How many instances and host functions there are.
    pub(crate) fn mark(&self) -> (usize, usize) {
        (self.inner.vm.instances.len(), self.typed.host_funcs.len())
    }

    /// Removes the host functions added since a mark, unless an instance was added as well.
    pub(crate) fn remove_host_funcs_since(&mut self, (instances, host_funcs): (usize, usize)) {
        if self.inner.vm.instances.len() == instances {
            self.inner.vm.host_funcs.truncate(host_funcs);
            self.typed.host_funcs.truncate(host_funcs);
        }
    }
}
