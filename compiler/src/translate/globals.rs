//! Reads and writes globals: own ones in the block around vmctx, imported ones behind a pointer.

use super::{Translator, env::clif_type};
use cranelift_codegen::ir::{InstBuilder, MemFlagsData, Value, types};
use wasmelt_abi::VMContext;

impl Translator<'_, '_> {
    pub(super) fn global_get(&mut self, index: u32) {
        let ty = clif_type(self.env.module.globals[index as usize].ty.content);
        let (flags, address, offset) = self.global_place(index);
        let value = self.builder.ins().load(ty, flags, address, offset);
        self.push(value);
    }

    pub(super) fn global_set(&mut self, index: u32) {
        let value = self.pop();
        let (flags, address, offset) = self.global_place(index);
        self.builder.ins().store(flags, value, address, offset);
    }

    fn global_place(&mut self, index: u32) -> (MemFlagsData, Value, i32) {
        let Some(defined) = index.checked_sub(self.env.module.imported_global_count) else {
            let constant = self.regions.constant();
            let field = VMContext::IMPORTED_GLOBALS.cast_signed();
            let pointers = self
                .builder
                .ins()
                .load(types::I64, constant, self.vmctx, field);
            let offset = i32::try_from(index * 8).expect("globals are limited");
            let address = self
                .builder
                .ins()
                .load(types::I64, constant, pointers, offset);
            return (self.regions.imported_globals(), address, 0);
        };
        let flags = self.regions.defined_global(self.builder.func, defined);
        (flags, self.vmctx, VMContext::global_offset(defined))
    }
}
