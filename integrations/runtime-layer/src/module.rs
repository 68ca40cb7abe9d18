//! The layer's trait of modules.

use anyhow::Result;
use wasm_runtime_layer::{ExportType, ExternType, ImportType, backend::WasmModule};

use crate::{Engine, Module, convert::extern_type_to_layer};

impl WasmModule<Engine> for Module {
    fn new(engine: &Engine, bytes: &[u8]) -> Result<Self> {
        Ok(Self(wasmelt::Module::new(engine, bytes)?))
    }

    fn exports(&self) -> Box<dyn '_ + Iterator<Item = ExportType<'_>>> {
        Box::new(self.0.exports().map(|export| ExportType {
            name: export.name(),
            ty: extern_type_to_layer(export.ty()),
        }))
    }

    fn get_export(&self, name: &str) -> Option<ExternType> {
        let ty = self.0.get_export(name)?;
        Some(extern_type_to_layer(&ty))
    }

    fn imports(&self) -> Box<dyn '_ + Iterator<Item = ImportType<'_>>> {
        Box::new(self.0.imports().map(|import| ImportType {
            module: import.module(),
            name: import.name(),
            ty: extern_type_to_layer(import.ty()),
        }))
    }
}
