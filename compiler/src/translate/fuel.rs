//! Metering: what is charged where, and how few instructions that takes.
//!
//! The schedule is in `docs/fuel.md`; here is how it becomes few instructions.
//!
//! Fuel is in one register ([`wasmelt_abi::vmctx`]). A charge is only added to what is *pending*,
//! which translation knows at every place: `register - pending` is what is left. It is subtracted
//! before calls and returns; where paths meet, those that come later adapt to the first one, as
//! jumps back to a loop do. At a trap the runtime finds what was pending there in the offset map.

use super::{
    LocalStorage, Stub, Translator, inline::max_growth, memory::is_access, traps::AFTER_RAISE,
};
use cranelift_codegen::ir::{Block, InstBuilder, Value, condcodes::IntCC, types};
use wasmelt_abi::{OperatorCost, OptLevel, VMContext, VMStoreContext};
use wasmparser::{BinaryReaderError, FunctionBody, Operator as O};

macro_rules! define_cost {
    ($($camel:ident $snake:ident $default:literal;)*) => {
        /// What one operator costs.
        fn cost(operator: &O<'_>, costs: &OperatorCost) -> u32 {
            let cost = match operator {
                $( O::$camel { .. } => costs.$snake, )*
                // No preset includes it.
                _ => 0,
            };
            u32::from(cost)
        }
    };
}
wasmelt_abi::for_each_operator!(define_cost);

/// Longest body that validation accepts, of operators that have at least a byte.
const MAX_BODY_LEN_BYTES: u64 = 7_654_321;
// What is pending, of a body and of those inlined into it, fits: nothing is lost in sums.
const _: () = assert!(
    (MAX_BODY_LEN_BYTES + max_growth(MAX_BODY_LEN_BYTES)) * (u8::MAX as u64) <= u32::MAX as u64
);

/// Whether a segment ends with this operator, and the next one starts behind it.
fn ends_segment(operator: &O<'_>) -> bool {
    matches!(
        operator,
        O::If { .. }
            | O::Else
            | O::End
            | O::Loop { .. }
            | O::Br { .. }
            | O::BrIf { .. }
            | O::BrTable { .. }
            | O::Return
            | O::Unreachable
            | O::Call { .. }
            | O::CallIndirect { .. }
    )
}

/// Whether nobody can tell if a check is made before this operator or behind it. An operator that a
/// preset adds belongs in the list if it may trap, branch, call or write.
fn is_silent(operator: &O<'_>) -> bool {
    if is_access(operator) {
        return false;
    }
    !matches!(
        operator,
        O::If { .. }
            | O::Else
            | O::End
            | O::Br { .. }
            | O::BrIf { .. }
            | O::BrTable { .. }
            | O::Return
            | O::Unreachable
            | O::CallIndirect { .. }
            | O::GlobalSet { .. }
            | O::MemoryGrow { .. }
            | O::I32DivS
            | O::I32DivU
            | O::I32RemS
            | O::I32RemU
            | O::I64DivS
            | O::I64DivU
            | O::I64RemS
            | O::I64RemU
            | O::I32TruncF32S
            | O::I32TruncF32U
            | O::I32TruncF64S
            | O::I32TruncF64U
            | O::I64TruncF32S
            | O::I64TruncF32U
            | O::I64TruncF64S
            | O::I64TruncF64U
    )
}

/// The state of metering one body.
#[derive(Default)]
pub(super) struct Meter {
    /// Costs of the body's segments that were not reached yet, the next one last.
    segments: Vec<u32>,
    /// What was charged and not subtracted yet at the current place.
    pending: u32,
    /// What the last mark of this body says.
    marked: Option<u32>,
    /// A check that is to be made before the next operator that is not silent.
    owed_check: Option<OwedCheck>,
    /// Cost of the segment entered last.
    segment_cost: u32,
    /// Whether anything was stored so far, on whatever path, that an optimiser may find dead.
    has_stored: bool,
}

/// A check that was left to later.
#[derive(Clone, Copy)]
struct OwedCheck {
    location: u32,
    /// What was charged for it and for the checks that were left to it.
    cost: u32,
}

/// Most that a check may have charged to be left to the function that is called next: what recursion
/// can go without a check is this for each frame.
const MAX_LEFT_TO_CALLEE: u32 = 100;

/// A block between a branch and its target.
pub(super) struct FuelEdge {
    block: Block,
    /// What is pending at the target.
    pending: u32,
}

impl Meter {
    pub(super) fn pending(&self) -> u32 {
        self.pending
    }

    pub(super) fn set_pending(&mut self, pending: u32) {
        self.pending = pending;
    }
}

impl Translator<'_, '_> {
    fn is_metered(&self) -> bool {
        self.env.options.codegen.fuel
    }

    /// Begins to meter a body, and enters its first segment.
    pub(super) fn begin_meter(&mut self, body: &FunctionBody<'_>) -> Result<(), BinaryReaderError> {
        let options = &self.env.options.codegen;
        if !options.fuel && !options.interruption {
            return Ok(());
        }
        let costs = &self.env.options.fuel_costs.operators;
        let mut segments = vec![0];
        let mut has_calls = false;
        for operator in body.get_operators_reader()? {
            let operator = operator?;
            if let Some(last) = segments.last_mut() {
                *last += cost(&operator, costs);
            }
            if ends_segment(&operator) {
                segments.push(0);
            }
            has_calls |= matches!(operator, O::Call { .. } | O::CallIndirect { .. });
        }
        segments.reverse();
        self.meter.segments = segments;
        self.meter.marked = None;
        // Whoever runs for long enters loops, or functions that call others.
        if has_calls && !self.inliner.is_inlined() {
            // No operator has this place, of which less may be pending.
            self.set_offset(body.range().start);
            if self.is_metered() {
                self.mark_fuel();
            }
            self.check_interrupt();
        }
        self.set_offset(body.get_operators_reader()?.original_position());
        if self.is_metered() {
            self.enter_segment();
            self.mark_fuel();
        }
        self.check_fuel();
        Ok(())
    }

    /// Puts the state of the body aside, for one that is inlined into it.
    pub(super) fn suspend_meter(&mut self) -> Meter {
        let inner = Meter {
            pending: self.meter.pending,
            has_stored: self.meter.has_stored,
            ..Meter::default()
        };
        std::mem::replace(&mut self.meter, inner)
    }

    /// Goes on in the body that another one was inlined into.
    pub(super) fn resume_meter(&mut self, outer: Meter) {
        self.meter = Meter {
            pending: self.meter.pending,
            marked: None,
            // The body that was inlined began with a check of its own.
            owed_check: None,
            has_stored: self.meter.has_stored,
            ..outer
        };
    }

    /// Notes what is pending at the operator that is being translated.
    pub(super) fn mark_fuel(&mut self) {
        let pending = self.meter.pending;
        if !self.is_metered() || self.meter.marked == Some(pending) {
            return;
        }
        let location = self.inliner.location(self.offset);
        self.meter.marked = Some(pending);
        match self.fuel_marks.last_mut() {
            Some((last, noted)) if *last == location => *noted = pending,
            _ => self.fuel_marks.push((location, pending)),
        }
    }

    /// Makes a check that is owed, unless the operator is silent.
    pub(super) fn pay_check_before(&mut self, operator: &O<'_>) {
        if self.meter.owed_check.is_some() && !is_silent(operator) {
            self.pay_check();
        }
    }

    /// Enters the next segment behind an operator that ends one.
    pub(super) fn meter_operator(&mut self, operator: &O<'_>) {
        let is_entered = self.reachable;
        if self.is_metered() && ends_segment(operator) {
            if is_entered {
                self.enter_segment();
            } else {
                self.meter.segments.pop();
            }
        }
        if is_entered && matches!(operator, O::Loop { .. }) {
            self.mark_fuel();
            self.check_interrupt();
            self.check_fuel();
        }
    }

    /// Notes a store that may trap.
    pub(super) fn note_store(&mut self) {
        self.meter.has_stored = true;
    }

    fn enter_segment(&mut self) {
        let is_optimised = self.env.options.codegen.opt_level == OptLevel::Speed
            && self.locals.storage() == LocalStorage::Values;
        if self.meter.has_stored && self.env.has_guard_pages() && is_optimised {
            // Another store to the same place must not make the first one dead, and trap in its stead
            // when more was charged. This sees all stores, as far as the optimiser knows, and is no
            // instruction in the end.
            let never = self.builder.ins().iconst(types::I32, 0);
            self.builder.ins().trapnz(never, AFTER_RAISE);
        }
        let cost = self.meter.segments.pop().unwrap_or_default();
        self.meter.segment_cost = cost;
        self.meter.pending += cost;
    }

    /// Subtracts what is pending.
    pub(super) fn flush_fuel(&mut self) {
        self.adapt_fuel(0);
    }

    /// Subtracts, or adds, so that so much is pending.
    pub(super) fn adapt_fuel(&mut self, pending: u32) {
        let charged = i64::from(self.meter.pending) - i64::from(pending);
        if !self.is_metered() || charged == 0 {
            return;
        }
        let fuel = self.builder.ins().get_pinned_reg(types::I64);
        let fuel = self.builder.ins().iadd_imm_s(fuel, -charged);
        self.builder.ins().set_pinned_reg(fuel);
        self.meter.pending = pending;
    }

    /// Where a conditional branch to a place goes at which so much is pending: to the place itself,
    /// or to a block in between that [`Self::fill_fuel_edges`] fills when the branch is there.
    pub(super) fn fuel_edge(&mut self, target: Block, pending: u32) -> Block {
        if pending == self.meter.pending {
            return target;
        }
        let builder = &mut self.builder;
        let edge = self.fuel_edges.entry(target).or_insert_with(|| FuelEdge {
            block: builder.create_block(),
            pending,
        });
        edge.block
    }

    /// Fills the blocks between a branch, which was the last instruction, and its targets.
    pub(super) fn fill_fuel_edges(&mut self) {
        let pending = self.meter.pending;
        for (target, edge) in std::mem::take(&mut self.fuel_edges) {
            self.builder.seal_block(edge.block);
            self.builder.switch_to_block(edge.block);
            self.adapt_fuel(edge.pending);
            self.builder.ins().jump(target, &[]);
            self.meter.pending = pending;
        }
    }

    /// Before a direct call of a function that begins with a check, inlined or not: one that is owed
    /// is left to it, or made now.
    pub(super) fn leave_check_to_callee(&mut self) {
        let is_expensive = |check: OwedCheck| check.cost > MAX_LEFT_TO_CALLEE;
        if self.meter.owed_check.is_some_and(is_expensive) {
            self.pay_check();
        }
        self.meter.owed_check = None;
    }

    /// Before a call of a function of this module.
    pub(super) fn before_inside_call(&mut self) {
        self.flush_fuel();
        self.mark_fuel();
    }

    /// Before a call that may leave the module: subtracts, checks, and lets the host see the fuel.
    pub(super) fn before_outside_call(&mut self) {
        if !self.is_metered() {
            return;
        }
        self.flush_fuel();
        self.mark_fuel();
        self.check_fuel();
        self.pay_check();
        self.store_fuel();
    }

    /// After such a call: takes what the host added.
    pub(super) fn after_outside_call(&mut self) {
        if !self.is_metered() {
            return;
        }
        let flags = self.regions.vmctx();
        let store = self.store_context();
        let offset = VMStoreContext::FUEL_ADDED.cast_signed();
        let added = self.builder.ins().load(types::I64, flags, store, offset);
        let fuel = self.builder.ins().get_pinned_reg(types::I64);
        let fuel = self.builder.ins().iadd(fuel, added);
        self.builder.ins().set_pinned_reg(fuel);
        let zero = self.builder.ins().iconst(types::I64, 0);
        self.builder.ins().store(flags, zero, store, offset);
    }

    /// Before a libcall that may end the call.
    pub(super) fn before_libcall(&mut self) {
        if self.is_metered() {
            self.flush_fuel();
            self.mark_fuel();
            self.store_fuel();
        }
    }

    /// Shows the fuel to the host.
    fn store_fuel(&mut self) {
        let flags = self.regions.vmctx();
        let store = self.store_context();
        let fuel = self.builder.ins().get_pinned_reg(types::I64);
        let offset = VMStoreContext::FUEL.cast_signed();
        self.builder.ins().store(flags, fuel, store, offset);
    }

    pub(super) fn store_context(&mut self) -> Value {
        let constant = self.regions.constant();
        let offset = VMContext::STORE.cast_signed();
        self.builder
            .ins()
            .load(types::I64, constant, self.vmctx, offset)
    }

    /// Ends the call, before the next operator that is not silent, if more was charged than there was.
    fn check_fuel(&mut self) {
        if self.is_metered() {
            let earlier = self.meter.owed_check.map_or(0, |check| check.cost);
            self.meter.owed_check = Some(OwedCheck {
                location: self.inliner.location(self.offset),
                cost: earlier + self.meter.segment_cost,
            });
        }
    }

    fn pay_check(&mut self) {
        let Some(check) = self.meter.owed_check.take() else {
            return;
        };
        self.set_location(check.location);
        let pending = i64::from(self.meter.pending);
        let fuel = self.builder.ins().get_pinned_reg(types::I64);
        let is_out = self
            .builder
            .ins()
            .icmp_imm_s(IntCC::SignedLessThan, fuel, pending);
        self.call_cold_if(is_out, Stub::OutOfFuel);
        let location = self.inliner.location(self.offset);
        self.set_location(location);
        // A resumable call pauses there, and whoever runs meanwhile may grow and move the memory.
        self.forget_memory();
    }

    fn check_interrupt(&mut self) {
        if !self.env.options.codegen.interruption {
            return;
        }
        // Atomic, so that no earlier value of it is used.
        let flags = self.regions.vmctx();
        let offset = i64::from(VMContext::INTERRUPT);
        let place = self.builder.ins().iadd_imm_u(self.vmctx, offset);
        let flag = self.builder.ins().atomic_load(types::I32, flags, place);
        self.call_cold_if(flag, Stub::Interrupted);
    }

    /// Calls a stub that keeps every register, on a cold path, when `condition` is not zero.
    fn call_cold_if(&mut self, condition: Value, stub: Stub) {
        let cold = self.builder.create_block();
        let next = self.builder.create_block();
        self.builder.set_cold_block(cold);
        self.builder.ins().brif(condition, cold, &[], next, &[]);
        self.builder.seal_block(cold);
        self.builder.switch_to_block(cold);
        let vmctx = self.vmctx;
        self.call_stub(stub, &[vmctx]);
        self.builder.ins().jump(next, &[]);
        self.builder.seal_block(next);
        self.builder.switch_to_block(next);
    }
}
