//! Makes an instance what a new one with the same imports would be.

use super::{
    instantiate::{initialize, initialize_globals, memory_image},
    memory::MemoryEntity,
};
use crate::{
    error::Error,
    errors::InstanceError,
    instance::Instance,
    module::Module,
    store::{Store, StoreInner},
};

/// Resets an instance, and runs its start function.
pub(crate) fn reset<T>(store: &mut Store<T>, instance: Instance) -> Result<(), Error> {
    let index = instance.0.index(&store.inner);
    if store.inner.vm.is_guest_active() {
        return Err(InstanceError::GuestActive.into());
    }
    let module = store.inner.instance_module(instance).clone();
    store.inner.reset_memory(index, &module)?;
    store.inner.reset_table(index, &module);
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
    /// Clears the memory that an instance defines.
    fn reset_memory(&mut self, index: u32, module: &Module) -> Result<(), Error> {
        let manifest = module.manifest();
        if manifest.memory.is_none_or(|memory| memory.imported) {
            return Ok(());
        }
        let memory = self.vm.instances[index as usize].memory;
        let memory: &mut MemoryEntity = self.memory_mut(memory.expect("it defines one"));
        memory.reset()?;
        match memory_image(module)? {
            Some(image) => memory.write_image(module, &image),
            None => Ok(()),
        }
    }

    /// Empties the table that an instance defines.
    fn reset_table(&mut self, index: u32, module: &Module) {
        let manifest = module.manifest();
        if manifest.table.is_none_or(|table| table.imported) {
            return;
        }
        let table = self.vm.instances[index as usize].table;
        self.table_mut(table.expect("it defines one")).reset();
    }
}
