//! The layer's trait of instances.

use anyhow::Result;
use wasm_runtime_layer::backend::{AsContext, AsContextMut, Export, Extern, Imports, WasmInstance};
use wasmelt::Linker;

use crate::{
    Engine, Instance, Module,
    convert::{extern_from_layer, extern_to_layer},
    error::out_of_guest,
};

impl WasmInstance<Engine> for Instance {
    fn new(
        mut store: impl AsContextMut<Engine>,
        module: &Module,
        imports: &Imports<Engine>,
    ) -> Result<Self> {
        let mut ctx = store.as_context_mut();
        let mut linker = Linker::new(ctx.engine());
        for (module, name, item) in imports.iter() {
            let defined = linker.define(module, name, extern_from_layer(item));
            defined.map_err(wasmelt::Error::from)?;
        }
        let instance = linker.instantiate_and_start(&mut ctx.0, module);
        Ok(Self(instance.map_err(out_of_guest)?))
    }

    fn exports(&self, store: impl AsContext<Engine>) -> Box<dyn Iterator<Item = Export<Engine>>> {
        let exports: Vec<_> = self
            .0
            .exports(store.as_context().0)
            .map(|export| Export {
                name: export.name().to_owned(),
                value: extern_to_layer(export.into_extern()),
            })
            .collect();
        Box::new(exports.into_iter())
    }

    fn get_export(&self, store: impl AsContext<Engine>, name: &str) -> Option<Extern<Engine>> {
        let item = self.0.get_export(store.as_context().0, name)?;
        Some(extern_to_layer(item))
    }
}
