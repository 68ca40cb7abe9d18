//! Counts active calls, so that recursion ends at the same call on every machine.
//!
//! How many more calls may be active is in the store's block, where the caller puts it right before a
//! call, and the callee reads it first of all. Nobody counts back when a call returns: what is there
//! then is never read, so that calls one after the other do not wait for each other through memory. A
//! function that calls nothing only compares. Functions inlined into another are compared with what
//! that one read.

use super::{Stub, Translator, traps::AFTER_RAISE};
use cranelift_codegen::ir::{InstBuilder, condcodes::IntCC, types};
use wasmelt_abi::VMStoreContext;
use wasmparser::FunctionBody;

impl Translator<'_, '_> {
    /// Where a body begins, inlined or not: traps if it is one call too many.
    pub(super) fn begin_call(&mut self, body: &FunctionBody<'_>) {
        if !self.env.options.codegen.call_depth {
            return;
        }
        // No operator has this place: the trap is the function's own, before anything of it is charged.
        self.set_offset(body.range().start);
        self.mark_fuel();
        let left = match self.calls_left {
            Some(left) => left,
            None => {
                let flags = self.regions.vmctx();
                let store = self.store_context();
                let offset = VMStoreContext::CALLS_LEFT.cast_signed();
                let left = self.builder.ins().load(types::I64, flags, store, offset);
                self.calls_left = Some(left);
                left
            }
        };
        let needed = self.inliner.depth();
        let is_too_deep = self
            .builder
            .ins()
            .icmp_imm_s(IntCC::SignedLessThan, left, needed);
        let next = self.branch_cold(is_too_deep);
        let vmctx = self.vmctx;
        self.call_stub(Stub::CallDepthExceeded, &[vmctx]);
        self.builder.ins().trap(AFTER_RAISE);
        self.builder.switch_to_block(next);
    }

    /// Before a call that is not inlined: says how many more the callee may be part of.
    pub(super) fn pass_calls_left(&mut self) {
        let Some(left) = self.calls_left else {
            return;
        };
        let depth = self.inliner.depth();
        let rest = self.builder.ins().iadd_imm_s(left, -depth);
        let flags = self.regions.vmctx();
        let store = self.store_context();
        let offset = VMStoreContext::CALLS_LEFT.cast_signed();
        self.builder.ins().store(flags, rest, store, offset);
    }
}
