//! Switches an import of an instance to another function.
#![allow(unsafe_code, reason = "writes slots that compiled code reads")]

use super::{instantiate::evaluate_offset, store_vm::Callable, table::TableEntity};
use crate::{
    error::Error,
    errors::{InstanceError, InstantiationError},
    func::Func,
    instance::Instance,
    module::Module,
    store::StoreInner,
    types::ExternType,
};
use std::collections::BTreeMap;
use wasmelt_abi::{VMFuncRef, VMImportSlot};

impl StoreInner {
    /// Links every import of a function with this name, and the type of `func`, to `func`, and gives
    /// the function that the first one was linked to.
    pub(crate) fn relink(
        &mut self,
        instance: Instance,
        module_name: &str,
        name: &str,
        func: Func,
    ) -> Result<Func, Error> {
        let index = instance.0.index(self);
        let module = self.instance_module(instance).clone();
        let found = self.imports_of_func(&module, module_name, name, func)?;
        let Callable { code, vmctx, .. } = self.callable(func);
        let mut first = None;
        for import in found {
            let entity = &mut self.vm.instances[index as usize];
            let old = std::mem::replace(&mut entity.imported_funcs[import], func);
            // SAFETY: the slot is in the instance's block. Compiled code reads both words of it again
            // for each call.
            unsafe {
                entity
                    .block
                    .import_slot(import)
                    .write(VMImportSlot { code, vmctx });
            }
            self.relink_elements(index, &module, import, old, func);
            first = first.or(Some(old));
        }
        Ok(first.expect("there is such an import"))
    }

    /// Positions of the imported functions with this name and the type of `func`.
    fn imports_of_func(
        &self,
        module: &Module,
        module_name: &str,
        name: &str,
        func: Func,
    ) -> Result<Vec<usize>, Error> {
        let actual = self.func_type(func);
        let mut mismatch = None;
        let mut found = Vec::new();
        let functions = module
            .imports()
            .filter(|import| matches!(import.ty(), ExternType::Func(_)));
        for (position, import) in functions.enumerate() {
            if (import.module(), import.name()) != (module_name, name) {
                continue;
            }
            match import.ty() {
                ExternType::Func(expected) if expected == actual => found.push(position),
                ExternType::Func(expected) => {
                    mismatch = Some(InstantiationError::FuncTypeMismatch {
                        name: import.import_name().clone(),
                        expected: expected.clone(),
                        actual: actual.clone(),
                    });
                }
                _ => {}
            }
        }
        match (found.is_empty(), mismatch) {
            (false, _) => Ok(found),
            (true, Some(mismatch)) => Err(mismatch.into()),
            (true, None) => Err(InstanceError::unknown_import(module_name, name).into()),
        }
    }

    /// Replaces an imported function where the instance's own element segments put it, unless somebody
    /// has put something else there since.
    fn relink_elements(
        &mut self,
        index: u32,
        module: &Module,
        import: usize,
        old: Func,
        new: Func,
    ) {
        let old_bits = old.0.index(self).to_bits();
        let new_ref = self.func_ref(new);
        let instance = &self.vm.instances[index as usize];
        let Some(table) = instance.table else {
            return;
        };
        // Where segments overlap, the last one decides.
        let mut funcs = BTreeMap::new();
        for segment in &module.manifest().elements {
            let start = evaluate_offset(instance, segment.offset);
            funcs.extend((start..).zip(segment.funcs.iter().copied()));
        }
        for (element, func_index) in funcs {
            if func_index as usize == import {
                self.table_mut(table).replace(element, old_bits, &new_ref);
            }
        }
    }
}

impl TableEntity {
    /// Replaces an element that is the function with these bits. The id of its type, which may be the
    /// module's own, stays.
    fn replace(&mut self, index: u64, old_bits: u64, new: &VMFuncRef) {
        let Some(element) = self.element_mut(index) else {
            return;
        };
        if element.func == old_bits && !element.code.is_null() {
            *element = VMFuncRef {
                signature_id: element.signature_id,
                ..*new
            };
        }
    }
}
