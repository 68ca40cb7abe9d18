//! Ends calls: raising stubs, conditional traps, stack checks, and Cranelift's trap codes.

use super::{Stub, Translator};
use cranelift_codegen::ir::{self, GlobalValueData, InstBuilder, MemFlagsData, Value, types};
use wasmelt_abi::{TrapCode, VMContext};

/// Marks an instruction behind a call that never returns; no trap site of the artifact.
pub(super) const AFTER_RAISE: ir::TrapCode = ir::TrapCode::unwrap_user(1);

/// The trap code of a site that Cranelift recorded, or `None` when it is not one of ours: a memory
/// access, whose fault is recognised by its address, or the end of a raising path.
pub(crate) fn abi_trap_code(code: ir::TrapCode) -> Option<TrapCode> {
    Some(match code {
        ir::TrapCode::STACK_OVERFLOW => TrapCode::StackOverflow,
        ir::TrapCode::INTEGER_OVERFLOW => TrapCode::IntegerOverflow,
        ir::TrapCode::INTEGER_DIVISION_BY_ZERO => TrapCode::IntegerDivisionByZero,
        ir::TrapCode::BAD_CONVERSION_TO_INTEGER => TrapCode::BadConversionToInteger,
        EXPLICIT_BOUNDS => TrapCode::MemoryOutOfBounds,
        _ => return None,
    })
}

/// An explicit bounds check that failed.
const EXPLICIT_BOUNDS: ir::TrapCode = ir::TrapCode::unwrap_user(2);

impl Translator<'_, '_> {
    /// Ends the current block by raising a trap.
    pub(super) fn raise(&mut self, code: TrapCode) {
        let vmctx = self.vmctx;
        self.call_stub(Stub::Raise(code), &[vmctx]);
        self.builder.ins().trap(AFTER_RAISE);
    }

    /// Calls a stub that does not return.
    pub(super) fn call_stub(&mut self, stub: Stub, args: &[Value]) {
        let callee = self.stub_ref(stub);
        self.builder.ins().call(callee, args);
    }

    /// Raises a trap, on a cold path, when `condition` is not zero.
    pub(super) fn raise_if(&mut self, condition: Value, code: TrapCode) {
        let next = self.branch_cold(condition);
        self.raise(code);
        self.builder.switch_to_block(next);
    }

    /// Branches to a new cold block, which becomes the current one, when `condition` is not zero;
    /// returns the block where the program goes on otherwise.
    pub(super) fn branch_cold(&mut self, condition: Value) -> ir::Block {
        let cold = self.builder.create_block();
        let next = self.builder.create_block();
        self.builder.set_cold_block(cold);
        self.builder.ins().brif(condition, cold, &[], next, &[]);
        self.builder.seal_block(cold);
        self.builder.seal_block(next);
        self.builder.switch_to_block(cold);
        next
    }

    /// Traps when an explicit bounds check failed: in place with signals, else by a raise.
    pub(super) fn trap_out_of_bounds_if(&mut self, condition: Value) {
        if self.env.has_signals() {
            self.builder.ins().trapnz(condition, EXPLICIT_BOUNDS);
        } else {
            self.raise_if(condition, TrapCode::MemoryOutOfBounds);
        }
    }

    /// Makes the function trap when its frame does not fit above the stack limit. Cranelift checks
    /// in the prologue, before the frame is taken; in signal-free code the trap instruction there
    /// is then replaced by a raise.
    pub(super) fn check_stack(&mut self) {
        let offset = VMContext::STACK_LIMIT.cast_signed();
        let flags = MemFlagsData::trusted();
        let flags = self
            .builder
            .func
            .dfg
            .mem_flags
            .insert(flags)
            .expect("few flags");
        let vmctx = self.builder.create_global_value(GlobalValueData::VMContext);
        let limit = self.builder.create_global_value(GlobalValueData::Load {
            base: vmctx,
            offset: offset.into(),
            global_type: types::I64,
            flags,
        });
        self.builder.func.stack_limit = Some(limit);
    }
}
