//! Loads, stores, `memory.size` and `memory.grow`.
//!
//! Sandbox-critical: `address` is the only place where a guest index becomes a host address.
//!
//! - Guard pages: base + zext(index) + offset is at most 8 GiB + 64 KiB behind the base, all of
//!   which is reserved, so that an access outside the memory faults. `optimize/addresses.rs` moves
//!   constants from the index to the offset, down to 64 KiB before the base, which are reserved as well; it
//!   knows accesses by the form that `place` gives them, and each has an extension of its own.
//!   `optimize/neighbours.rs` lets an access use the address of another one.
//! - Explicit: index + offset + width, which cannot wrap in 64 bits, is compared with the length, or the
//!   index with the length less the others. What is kept between accesses is in `bounds.rs`.

use super::{Translator, bounds::MemoryValues};
use cranelift_codegen::ir::{self, InstBuilder, MemFlagsData, Value, condcodes::IntCC, types};
use wasmelt_abi::{Libcall, VMContext, VMMemory, WASM_PAGE_SIZE};
use wasmparser::{MemArg, Operator as O};

/// A checked place in linear memory.
struct Place {
    flags: MemFlagsData,
    address: Value,
    offset: i32,
}

/// How a load of fewer bits than its type fills the rest.
#[derive(Clone, Copy)]
pub(super) enum Extend {
    Signed,
    Unsigned,
}

impl Translator<'_, '_> {
    pub(super) fn load(&mut self, memarg: &MemArg, ty: ir::Type) {
        let place = self.pop_place(memarg, ty.bytes());
        let value = self
            .builder
            .ins()
            .load(ty, place.flags, place.address, place.offset);
        self.push(value);
    }

    pub(super) fn load_narrow(
        &mut self,
        memarg: &MemArg,
        width_bytes: u32,
        extend: Extend,
        ty: ir::Type,
    ) {
        let Place {
            flags,
            address,
            offset,
        } = self.pop_place(memarg, width_bytes);
        let ins = self.builder.ins();
        let value = match (width_bytes, extend) {
            (1, Extend::Signed) => ins.sload8(ty, flags, address, offset),
            (1, Extend::Unsigned) => ins.uload8(ty, flags, address, offset),
            (2, Extend::Signed) => ins.sload16(ty, flags, address, offset),
            (2, Extend::Unsigned) => ins.uload16(ty, flags, address, offset),
            (_, Extend::Signed) => ins.sload32(flags, address, offset),
            (_, Extend::Unsigned) => ins.uload32(flags, address, offset),
        };
        self.push(value);
    }

    pub(super) fn store(&mut self, memarg: &MemArg) {
        let value = self.pop();
        let width_bytes = self.builder.func.dfg.value_type(value).bytes();
        self.note_store();
        let place = self.pop_place(memarg, width_bytes);
        self.builder
            .ins()
            .store(place.flags, value, place.address, place.offset);
    }

    pub(super) fn store_narrow(&mut self, memarg: &MemArg, width_bytes: u32) {
        let value = self.pop();
        self.note_store();
        let Place {
            flags,
            address,
            offset,
        } = self.pop_place(memarg, width_bytes);
        let ins = self.builder.ins();
        match width_bytes {
            1 => ins.istore8(flags, value, address, offset),
            2 => ins.istore16(flags, value, address, offset),
            _ => ins.istore32(flags, value, address, offset),
        };
    }

    pub(super) fn memory_size(&mut self) {
        let len_bytes = self.memory_len_bytes();
        let page_bits = i64::from(WASM_PAGE_SIZE.trailing_zeros());
        let pages = self.builder.ins().ushr_imm_u(len_bytes, page_bits);
        let pages = self.builder.ins().ireduce(types::I32, pages);
        self.push(pages);
    }

    pub(super) fn memory_grow(&mut self) {
        let delta = self.pop();
        self.before_libcall();
        let previous = self.call_libcall(Libcall::MemoryGrow, &[delta], Some(types::I32));
        if self.env.options.fuel_costs.bytes_copied_per_fuel.is_some() {
            // The host charges for what it does.
            self.after_outside_call();
        }
        self.forget_memory();
        self.push(previous.expect("memory_grow has a result"));
    }

    /// Pops the index of an access and turns it into a checked host address.
    fn pop_place(&mut self, memarg: &MemArg, width_bytes: u32) -> Place {
        let narrow_index = self.pop();
        if self.env.has_guard_pages() {
            let index = self.builder.ins().uextend(types::I64, narrow_index);
            let base = self.memory_base();
            return self.place(true, base, index, memarg.offset);
        }
        let memory = self.memory_values();
        let base = memory.base;
        let end = memarg.offset + u64::from(width_bytes);
        if let Some(index) = self.checked_index(narrow_index, end) {
            return self.place(false, base, index, memarg.offset);
        }
        let index = self.builder.ins().uextend(types::I64, narrow_index);
        self.note_check(narrow_index, index, end);
        let outside = self.is_outside(index, end, memory);
        self.trap_out_of_bounds_if(outside);
        if !self.env.options.codegen.spectre_mitigation {
            return self.place(false, base, index, memarg.offset);
        }
        // Under speculation behind a wrong prediction the address is null.
        let Place {
            flags,
            address,
            offset,
        } = self.place(false, base, index, memarg.offset);
        let address = self.builder.ins().iadd_imm_s(address, i64::from(offset));
        let null = self.builder.ins().iconst(types::I64, 0);
        let address = self
            .builder
            .ins()
            .select_spectre_guard(outside, null, address);
        Place {
            flags,
            address,
            offset: 0,
        }
    }

    /// Whether an access that ends so far behind an index ends outside of the memory.
    fn is_outside(&mut self, index: Value, end: u64, memory: MemoryValues) -> Value {
        let declared = self.env.module.memory.map_or(0, |memory| memory.limits.min);
        let always_there = u64::from(declared) * u64::from(WASM_PAGE_SIZE);
        let builder = &mut self.builder;
        if memory.is_before_loop && end <= always_there {
            // One number for each distance, which does not change in the loop. It cannot be below zero.
            let last = builder
                .ins()
                .iadd_imm_s(memory.len_bytes, -end.cast_signed());
            return builder.ins().icmp(IntCC::UnsignedGreaterThan, index, last);
        }
        let end = builder.ins().iadd_imm_u(index, end.cast_signed());
        builder
            .ins()
            .icmp(IntCC::UnsignedGreaterThan, end, memory.len_bytes)
    }

    fn place(&mut self, may_fault: bool, base: Value, index: Value, offset: u64) -> Place {
        let flags = self.regions.heap(may_fault);
        if let Ok(offset) = i32::try_from(offset) {
            let address = self.builder.ins().iadd(base, index);
            return Place {
                flags,
                address,
                offset,
            };
        }
        let index = self.builder.ins().iadd_imm_u(index, offset.cast_signed());
        let address = self.builder.ins().iadd(base, index);
        Place {
            flags,
            address,
            offset: 0,
        }
    }

    /// The memory's first byte. With guard pages it never changes, and vmctx has a copy also of
    /// an imported memory's base; without, calls may move it.
    pub(super) fn memory_base(&mut self) -> Value {
        if self.env.has_guard_pages() {
            let field = (VMContext::MEMORY + VMMemory::BASE).cast_signed();
            let constant = self.regions.constant();
            return self
                .builder
                .ins()
                .load(types::I64, constant, self.vmctx, field);
        }
        self.memory_field(VMMemory::BASE)
    }

    pub(super) fn memory_len_bytes(&mut self) -> Value {
        self.memory_field(VMMemory::LEN_BYTES)
    }

    /// A field of the one authoritative description of the memory.
    fn memory_field(&mut self, field: u32) -> Value {
        let flags = self.regions.vmctx();
        let imported = self.env.module.memory.is_some_and(|memory| memory.imported);
        if !imported {
            let offset = (VMContext::MEMORY + field).cast_signed();
            return self
                .builder
                .ins()
                .load(types::I64, flags, self.vmctx, offset);
        }
        let pointer_offset = VMContext::MEMORY_POINTER.cast_signed();
        let constant = self.regions.constant();
        let pointer = self
            .builder
            .ins()
            .load(types::I64, constant, self.vmctx, pointer_offset);
        self.builder
            .ins()
            .load(types::I64, flags, pointer, field.cast_signed())
    }
}

/// Whether the operator loads or stores.
pub(super) fn is_access(operator: &O<'_>) -> bool {
    matches!(
        operator,
        O::I32Load { .. }
            | O::I64Load { .. }
            | O::F32Load { .. }
            | O::F64Load { .. }
            | O::I32Load8S { .. }
            | O::I32Load8U { .. }
            | O::I32Load16S { .. }
            | O::I32Load16U { .. }
            | O::I64Load8S { .. }
            | O::I64Load8U { .. }
            | O::I64Load16S { .. }
            | O::I64Load16U { .. }
            | O::I64Load32S { .. }
            | O::I64Load32U { .. }
            | O::I32Store { .. }
            | O::I64Store { .. }
            | O::F32Store { .. }
            | O::F64Store { .. }
            | O::I32Store8 { .. }
            | O::I32Store16 { .. }
            | O::I64Store8 { .. }
            | O::I64Store16 { .. }
            | O::I64Store32 { .. }
    )
}
