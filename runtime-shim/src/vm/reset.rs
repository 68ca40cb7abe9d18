//! Makes an instance what a new one with the same imports would be.

use super::instantiate::{initialize, initialize_globals, memory_image};
use crate::{
    error::Error,
    errors::InstanceError,
    instance::Instance,
    memory::Memory,
    module::Module,
    store::{Store, StoreInner},
    table::Table,
};

/// Resets an instance, and runs its start function.
pub(crate) fn reset<T>(store: &mut Store<T>, instance: Instance) -> Result<(), Error> {
    let index = instance.0.index(&store.inner);
    if store.inner.vm.is_guest_active() {
        return Err(InstanceError::GuestActive.into());
    }
    let module = store.inner.instance_module(instance).clone();
    let (memory, table) = store.inner.defined_by(index, &module);
    // Nothing is changed unless all of it can be.
    if let Some(memory) = memory {
        store.inner.memory(memory).check_reset()?;
    }
    if let Some(table) = table {
        store.inner.table(table).check_reset()?;
        store.inner.table_mut(table).reset();
    }
    if let Some(memory) = memory {
        store.inner.reset_memory(memory, &module)?;
    }
    initialize_globals(&mut store.inner, index);
    initialize(&mut store.inner, index).map_err(|failure| failure.error)?;
    match module.manifest().start {
        Some(start) => {
            let start = store.inner.instance_func(index, start);
            start.call(&mut *store, &[], &mut [])
        }
        None => Ok(()),
    }
}

impl StoreInner {
    /// The memory and the table that an instance defines.
    fn defined_by(&self, index: u32, module: &Module) -> (Option<Memory>, Option<Table>) {
        let entity = &self.vm.instances[index as usize];
        let manifest = module.manifest();
        let memory = manifest.memory.filter(|memory| !memory.imported);
        let table = manifest.table.filter(|table| !table.imported);
        (memory.and(entity.memory), table.and(entity.table))
    }

    /// Clears a memory that an instance of the module defines.
    fn reset_memory(&mut self, memory: Memory, module: &Module) -> Result<(), Error> {
        let memory = self.memory_mut(memory);
        memory.reset()?;
        match memory_image(module)? {
            Some(image) => memory.write_image(module, &image),
            None => Ok(()),
        }
    }
}
