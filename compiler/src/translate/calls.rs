//! Direct, imported and indirect calls, and calls of libcalls.
//!
//! Sandbox-critical: an indirect call is made only behind a bounds check of the index and a
//! compare of the signature id, or as a direct one behind a compare of the index.

use super::{FUNCTION_NAMESPACE, STUB_NAMESPACE, Stub, Translator, vmctx_param};
use cranelift_codegen::{
    ir::{
        self, AbiParam, ExtFuncData, ExternalName, FuncRef, InstBuilder, SigRef, Signature,
        UserExternalName, Value, condcodes::IntCC, types,
    },
    isa::CallConv,
};
use wasmelt_abi::{Libcall, TrapCode, VMContext, VMFuncRef, VMImportSlot, VMTable};

impl Translator<'_, '_> {
    pub(super) fn call(&mut self, index: u32) {
        let type_index = self.env.module.functions[index as usize];
        if self.env.module.defined_index(index).is_some() {
            self.leave_check_to_callee();
            if self.try_inline(index) {
                return;
            }
            self.before_inside_call();
            self.pass_calls_left();
            let callee = self.function_ref(index);
            let mut args = vec![self.vmctx];
            self.pop_args(type_index, &mut args);
            let call = self.builder.ins().call(callee, &args);
            self.forget_memory();
            return self.push_results(call);
        }
        self.before_outside_call();
        self.pass_calls_left();
        let flags = self.regions.vmctx();
        let slot = VMContext::import_slot_offset(index);
        let code_offset = slot + VMImportSlot::CODE.cast_signed();
        let vmctx_offset = slot + VMImportSlot::VMCTX.cast_signed();
        let code = self
            .builder
            .ins()
            .load(types::I64, flags, self.vmctx, code_offset);
        let callee_vmctx = self
            .builder
            .ins()
            .load(types::I64, flags, self.vmctx, vmctx_offset);
        self.call_outside(type_index, code, callee_vmctx);
    }

    pub(super) fn call_indirect(&mut self, type_index: u32) {
        let module = self.env.module;
        let is_inside = module.is_table_own;
        if is_inside {
            self.before_inside_call();
        } else {
            self.before_outside_call();
        }
        let index = self.pop();
        let signature = module.local_signature_ids[type_index as usize];
        if let Some((sole, function)) = module.sole_entries.get(&signature) {
            return self.call_sole_entry(index, *sole, *function);
        }
        let entry = self.table_entry(index);
        let found = self.entry_signature(entry);
        let expected = self.signature_id(type_index);
        let differs = self.builder.ins().icmp(IntCC::NotEqual, found, expected);
        let next = self.branch_cold(differs);
        self.raise_indirect(found);
        self.builder.switch_to_block(next);
        self.pass_calls_left();
        let flags = self.regions.table();
        let code_offset = VMFuncRef::CODE.cast_signed();
        let code = self
            .builder
            .ins()
            .load(types::I64, flags, entry, code_offset);
        if is_inside {
            // No vmctx but this one is needed, and nobody asks for the caller's.
            let signature = self.call_signature(type_index, false);
            let mut args = vec![self.vmctx];
            self.pop_args(type_index, &mut args);
            let call = self.builder.ins().call_indirect(signature, code, &args);
            self.forget_memory();
            return self.push_results(call);
        }
        let vmctx_offset = VMFuncRef::VMCTX.cast_signed();
        let callee_vmctx = self
            .builder
            .ins()
            .load(types::I64, flags, entry, vmctx_offset);
        self.call_outside(type_index, code, callee_vmctx);
    }

    /// Calls the one function in the table that has the signature: any other index traps, and the entry there
    /// says why.
    fn call_sole_entry(&mut self, index: Value, sole: u32, function: u32) {
        let sole = self.builder.ins().iconst(types::I32, i64::from(sole));
        let is_other = self.builder.ins().icmp(IntCC::NotEqual, index, sole);
        let next = self.branch_cold(is_other);
        let entry = self.table_entry(index);
        let found = self.entry_signature(entry);
        self.raise_indirect(found);
        self.builder.switch_to_block(next);
        self.call(function);
    }

    fn entry_signature(&mut self, entry: Value) -> Value {
        let flags = self.regions.table();
        let id_offset = VMFuncRef::SIGNATURE_ID.cast_signed();
        self.builder.ins().load(types::I32, flags, entry, id_offset)
    }

    /// Traps because an entry has another signature, or none.
    fn raise_indirect(&mut self, found: Value) {
        let vmctx = self.vmctx;
        self.call_stub(Stub::RaiseIndirect, &[vmctx, found]);
        self.builder.ins().trap(super::traps::AFTER_RAISE);
    }

    /// Calls a libcall with vmctx before its arguments.
    pub(super) fn call_libcall(
        &mut self,
        libcall: Libcall,
        args: &[Value],
        result: Option<ir::Type>,
    ) -> Option<Value> {
        let constant = self.regions.constant();
        let table_offset = VMContext::LIBCALLS.cast_signed();
        let table = self
            .builder
            .ins()
            .load(types::I64, constant, self.vmctx, table_offset);
        let offset = libcall.table_offset().cast_signed();
        let code = self.builder.ins().load(types::I64, constant, table, offset);
        let signature = self.libcall_signature(libcall, args, result);
        let mut all_args = vec![self.vmctx];
        all_args.extend_from_slice(args);
        let call = self.builder.ins().call_indirect(signature, code, &all_args);
        self.builder.inst_results(call).first().copied()
    }

    /// A reference to a stub of this module.
    pub(super) fn stub_ref(&mut self, stub: Stub) -> FuncRef {
        let key = (STUB_NAMESPACE, stub.index());
        if let Some(function) = self.function_refs.get(&key) {
            return *function;
        }
        let signature = self.builder.import_signature(stub.signature());
        self.import_function(key, signature)
    }

    /// Calls a function that may be another instance's or the host's: it learns who calls.
    fn call_outside(&mut self, type_index: u32, code: Value, callee_vmctx: Value) {
        let signature = self.call_signature(type_index, true);
        let mut args = vec![callee_vmctx];
        self.pop_args(type_index, &mut args);
        args.push(self.vmctx);
        let call = self.builder.ins().call_indirect(signature, code, &args);
        self.forget_memory();
        self.push_results(call);
        self.after_outside_call();
    }

    fn pop_args(&mut self, type_index: u32, args: &mut Vec<Value>) {
        let params = self.env.module.types[type_index as usize].params.len();
        args.extend(self.stack.drain(self.stack.len() - params..));
    }

    fn push_results(&mut self, call: ir::Inst) {
        self.stack
            .extend_from_slice(self.builder.inst_results(call));
    }

    /// Address of a table entry, behind a bounds check.
    fn table_entry(&mut self, index: Value) -> Value {
        let table = self
            .env
            .module
            .table
            .expect("validated call_indirect has a table");
        let (base, len) = if table.is_private() {
            // Nothing outside can reach it, and nothing inside can grow it: it never changes.
            let constant = self.regions.constant();
            let offset = (VMContext::TABLE + VMTable::BASE).cast_signed();
            let base = self
                .builder
                .ins()
                .load(types::I64, constant, self.vmctx, offset);
            (
                base,
                self.builder
                    .ins()
                    .iconst(types::I64, i64::from(table.limits.min)),
            )
        } else {
            (
                self.table_field(VMTable::BASE),
                self.table_field(VMTable::LEN_ELEMENTS),
            )
        };
        let index = self.builder.ins().uextend(types::I64, index);
        let outside = self
            .builder
            .ins()
            .icmp(IntCC::UnsignedGreaterThanOrEqual, index, len);
        self.raise_if(outside, TrapCode::TableOutOfBounds);
        let entry_bits = i64::from(VMFuncRef::SIZE.trailing_zeros());
        let offset = self.builder.ins().ishl_imm_u(index, entry_bits);
        let entry = self.builder.ins().iadd(base, offset);
        if !self.env.options.codegen.spectre_mitigation {
            return entry;
        }
        self.builder
            .ins()
            .select_spectre_guard(outside, base, entry)
    }

    fn table_field(&mut self, field: u32) -> Value {
        let flags = self.regions.vmctx();
        if !self.env.module.table.is_some_and(|table| table.imported) {
            let offset = (VMContext::TABLE + field).cast_signed();
            return self
                .builder
                .ins()
                .load(types::I64, flags, self.vmctx, offset);
        }
        let pointer_offset = VMContext::TABLE_POINTER.cast_signed();
        let constant = self.regions.constant();
        let pointer = self
            .builder
            .ins()
            .load(types::I64, constant, self.vmctx, pointer_offset);
        self.builder
            .ins()
            .load(types::I64, flags, pointer, field.cast_signed())
    }

    /// The id that entries of a type carry: local in a private table, else the process's.
    fn signature_id(&mut self, type_index: u32) -> Value {
        let module = self.env.module;
        if module.table.is_some_and(|table| table.is_private()) {
            let id = module.local_signature_ids[type_index as usize];
            return self.builder.ins().iconst(types::I32, i64::from(id));
        }
        let constant = self.regions.constant();
        let field = VMContext::SIGNATURE_IDS.cast_signed();
        let ids = self
            .builder
            .ins()
            .load(types::I64, constant, self.vmctx, field);
        let offset = i32::try_from(type_index * 4).expect("types are limited");
        self.builder.ins().load(types::I32, constant, ids, offset)
    }

    fn function_ref(&mut self, index: u32) -> FuncRef {
        let key = (FUNCTION_NAMESPACE, index);
        if let Some(function) = self.function_refs.get(&key) {
            return *function;
        }
        let signature = self.env.signature(self.env.module.function_type(index));
        let signature = self.builder.import_signature(signature);
        self.import_function(key, signature)
    }

    fn import_function(&mut self, key: (u32, u32), signature: SigRef) -> FuncRef {
        let (namespace, index) = key;
        let name = UserExternalName { namespace, index };
        let name = self.builder.func.declare_imported_user_function(name);
        let function = self.builder.import_function(ExtFuncData {
            name: ExternalName::user(name),
            signature,
            colocated: true,
            patchable: false,
        });
        self.function_refs.insert(key, function);
        function
    }

    /// The signature of indirect calls, which stay in the instance or may leave it.
    fn call_signature(&mut self, type_index: u32, may_leave: bool) -> SigRef {
        let key = (type_index, may_leave);
        if let Some(signature) = self.call_signatures.get(&key) {
            return *signature;
        }
        let ty = &self.env.module.types[type_index as usize];
        let signature = if may_leave {
            self.env.outgoing_signature(ty)
        } else {
            self.env.signature(ty)
        };
        let signature = self.builder.import_signature(signature);
        self.call_signatures.insert(key, signature);
        signature
    }

    fn libcall_signature(
        &mut self,
        libcall: Libcall,
        args: &[Value],
        result: Option<ir::Type>,
    ) -> SigRef {
        if let Some(signature) = self.libcall_signatures.get(&(libcall as u32)) {
            return *signature;
        }
        let mut signature = Signature::new(CallConv::SystemV);
        signature.params.push(vmctx_param());
        let types = args
            .iter()
            .map(|arg| self.builder.func.dfg.value_type(*arg));
        signature.params.extend(types.map(AbiParam::new));
        signature.returns.extend(result.map(AbiParam::new));
        let signature = self.builder.import_signature(signature);
        self.libcall_signatures.insert(libcall as u32, signature);
        signature
    }
}
