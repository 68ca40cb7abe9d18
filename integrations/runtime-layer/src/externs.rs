//! The layer's traits of globals, memories, tables and host objects.

use core::any::type_name;

use anyhow::Result;
use wasm_runtime_layer::{
    GlobalType, MemoryType, TableType,
    backend::{
        AsContext, AsContextMut, Ref, Val, WasmExternRef, WasmGlobal, WasmMemory, WasmTable,
    },
};

use crate::{
    Engine, ExternRef, Global, Memory, StoreContext, Table,
    convert::{
        global_type_to_layer, memory_type_from_layer, memory_type_to_layer, mutability_from_layer,
        ref_from_layer, ref_to_layer, size, table_type_from_layer, table_type_to_layer,
        val_from_layer, val_to_layer,
    },
    error::OtherType,
};

impl WasmGlobal<Engine> for Global {
    fn new(mut ctx: impl AsContextMut<Engine>, value: Val<Engine>, mutable: bool) -> Self {
        Self(wasmelt::Global::new(
            ctx.as_context_mut().0,
            val_from_layer(&value),
            mutability_from_layer(mutable),
        ))
    }

    fn ty(&self, ctx: impl AsContext<Engine>) -> GlobalType {
        global_type_to_layer(self.0.ty(ctx.as_context().0))
    }

    fn set(&self, mut ctx: impl AsContextMut<Engine>, new_value: Val<Engine>) -> Result<()> {
        let value = val_from_layer(&new_value);
        let set = self.0.set(ctx.as_context_mut().0, value);
        Ok(set.map_err(wasmelt::Error::from)?)
    }

    fn get(&self, ctx: impl AsContextMut<Engine>) -> Val<Engine> {
        val_to_layer(self.0.get(ctx.as_context().0))
    }
}

impl WasmMemory<Engine> for Memory {
    fn new(mut ctx: impl AsContextMut<Engine>, ty: MemoryType) -> Result<Self> {
        let ty = memory_type_from_layer(ty).map_err(wasmelt::Error::from)?;
        Ok(Self(wasmelt::Memory::new(ctx.as_context_mut().0, ty)?))
    }

    fn ty(&self, ctx: impl AsContext<Engine>) -> MemoryType {
        memory_type_to_layer(self.0.ty(ctx.as_context().0))
    }

    fn grow(&self, mut ctx: impl AsContextMut<Engine>, additional: u32) -> Result<u32> {
        let grown = self.0.grow(ctx.as_context_mut().0, additional.into());
        Ok(size(grown.map_err(wasmelt::Error::from)?))
    }

    fn current_pages(&self, ctx: impl AsContext<Engine>) -> u32 {
        size(self.0.size(ctx.as_context().0))
    }

    fn read(&self, ctx: impl AsContext<Engine>, offset: usize, buffer: &mut [u8]) -> Result<()> {
        let read = self.0.read(ctx.as_context().0, offset, buffer);
        Ok(read.map_err(wasmelt::Error::from)?)
    }

    fn write(
        &self,
        mut ctx: impl AsContextMut<Engine>,
        offset: usize,
        buffer: &[u8],
    ) -> Result<()> {
        let written = self.0.write(ctx.as_context_mut().0, offset, buffer);
        Ok(written.map_err(wasmelt::Error::from)?)
    }
}

impl WasmTable<Engine> for Table {
    fn new(mut ctx: impl AsContextMut<Engine>, ty: TableType, init: Ref<Engine>) -> Result<Self> {
        let ty = table_type_from_layer(ty);
        let init = ref_from_layer(&init);
        Ok(Self(wasmelt::Table::new(ctx.as_context_mut().0, ty, init)?))
    }

    fn ty(&self, ctx: impl AsContext<Engine>) -> TableType {
        table_type_to_layer(self.0.ty(ctx.as_context().0))
    }

    fn size(&self, ctx: impl AsContext<Engine>) -> u32 {
        size(self.0.size(ctx.as_context().0))
    }

    fn grow(
        &self,
        mut ctx: impl AsContextMut<Engine>,
        delta: u32,
        init: Ref<Engine>,
    ) -> Result<u32> {
        let init = ref_from_layer(&init);
        let grown = self.0.grow(ctx.as_context_mut().0, delta.into(), init);
        Ok(size(grown.map_err(wasmelt::Error::from)?))
    }

    fn get(&self, ctx: impl AsContextMut<Engine>, index: u32) -> Option<Ref<Engine>> {
        let element = self.0.get(ctx.as_context().0, index.into())?;
        Some(ref_to_layer(element))
    }

    fn set(&self, mut ctx: impl AsContextMut<Engine>, index: u32, elem: Ref<Engine>) -> Result<()> {
        let element = ref_from_layer(&elem);
        let set = self.0.set(ctx.as_context_mut().0, index.into(), element);
        Ok(set.map_err(wasmelt::Error::from)?)
    }
}

impl WasmExternRef<Engine> for ExternRef {
    fn new<T: 'static + Send + Sync>(mut ctx: impl AsContextMut<Engine>, object: T) -> Self {
        Self(wasmelt::ExternRef::new(ctx.as_context_mut().0, object))
    }

    fn downcast<'a, 's: 'a, T: 'static, S: 'static>(
        &'a self,
        store: StoreContext<'s, S>,
    ) -> Result<&'a T> {
        let object = self.0.data(store.0).downcast_ref();
        Ok(object.ok_or(OtherType {
            expected: type_name::<T>(),
        })?)
    }
}
