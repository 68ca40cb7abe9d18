//! Explicit bounds checks: what is known of the memory at a place, so that little is computed again.
//!
//! Sandbox-critical: an access without a check of its own relies on what is kept here.
//!
//! - The memory's base and length are values that hold until something is called, which may grow and
//!   move it; a check of fuel counts as a call, since a guest without fuel may be paused. Where paths
//!   meet, what was known where they parted holds if nothing was called since. A loop that calls
//!   nothing, as its operators show, keeps them; they are loaded before it.
//! - A memory never shrinks while any of its guests has a frame. So an index that was checked for some end is good for every lower end,
//!   wherever the check dominates.

use super::{Translator, memory::is_access};
use cranelift_codegen::ir::Value;
use std::collections::BTreeMap;
use wasmparser::{BinaryReaderError, FunctionBody, Operator as O};

/// Checks that may use a length which was loaded before a loop. If the index does not change in the loop
/// either, each is computed before it, and lives in a register or a slot for as long as it runs.
const MAX_CHECKS_BEFORE_LOOP: u32 = 64;

/// The description of the memory, as values.
#[derive(Clone, Copy)]
pub(super) struct MemoryValues {
    pub(super) base: Value,
    pub(super) len_bytes: Value,
    /// Whether they were loaded before a loop that this place lies in.
    pub(super) is_before_loop: bool,
}

/// What the operators of a loop show.
#[derive(Clone, Copy, Default)]
struct LoopFacts {
    has_calls: bool,
    has_accesses: bool,
}

/// What is known at the current place.
#[derive(Default)]
pub(super) struct Bounds {
    /// The loops of the body that were not reached yet, the next one last.
    loops: Vec<LoopFacts>,
    memory: Option<MemoryValues>,
    /// How many calls there were.
    calls: u32,
    /// Checks since the length was loaded before a loop.
    checks_before_loop: u32,
    checked: BTreeMap<Value, Checked>,
    /// What to restore in `checked`, the last change last.
    log: Vec<(Value, Option<Checked>)>,
}

/// What is known of an index.
#[derive(Clone, Copy)]
struct Checked {
    /// How far behind it an access may end.
    end: u64,
    /// The index in 64 bits, as it was compared. Accesses use this one: what is accessed is what was
    /// checked, whatever later passes make of another extension.
    extended: Value,
}

/// What was known where a frame was opened.
#[derive(Clone, Copy, Default)]
pub(super) struct KnownBounds {
    memory: Option<MemoryValues>,
    calls: u32,
    log_len: usize,
}

/// The loops of a body that another one is being inlined into.
pub(super) struct SuspendedLoops(Vec<LoopFacts>);

impl Translator<'_, '_> {
    fn keeps_bounds(&self) -> bool {
        !self.env.has_guard_pages() && !self.env.options.codegen.spectre_mitigation
    }

    /// Looks at the loops of a body.
    pub(super) fn begin_bounds(
        &mut self,
        body: &FunctionBody<'_>,
    ) -> Result<(), BinaryReaderError> {
        if !self.keeps_bounds() {
            return Ok(());
        }
        let mut loops: Vec<LoopFacts> = Vec::new();
        // Whether each open frame is a loop, and the open loops.
        let (mut frames, mut open): (Vec<bool>, Vec<usize>) = (Vec::new(), Vec::new());
        for operator in body.get_operators_reader()? {
            let operator = operator?;
            match operator {
                O::Loop { .. } => {
                    frames.push(true);
                    open.push(loops.len());
                    loops.push(LoopFacts::default());
                }
                O::Block { .. } | O::If { .. } => frames.push(false),
                O::End => {
                    if frames.pop() == Some(true)
                        && let Some(ended) = open.pop()
                        && let Some(around) = open.last()
                    {
                        let ended = loops[ended];
                        loops[*around].has_calls |= ended.has_calls;
                        loops[*around].has_accesses |= ended.has_accesses;
                    }
                }
                _ => {
                    if let Some(inside) = open.last() {
                        loops[*inside].has_calls |= is_call(&operator);
                        loops[*inside].has_accesses |= is_access(&operator);
                    }
                }
            }
        }
        // Each round of a loop has a check of fuel.
        let is_metered = self.env.options.codegen.fuel;
        for facts in &mut loops {
            facts.has_calls |= is_metered;
        }
        loops.reverse();
        self.bounds.loops = loops;
        Ok(())
    }

    pub(super) fn suspend_bounds(&mut self) -> SuspendedLoops {
        SuspendedLoops(std::mem::take(&mut self.bounds.loops))
    }

    /// Goes on in the body that another one was inlined into.
    pub(super) fn resume_bounds(&mut self, SuspendedLoops(loops): SuspendedLoops) {
        self.bounds.loops = loops;
    }

    /// What is known where a frame is opened.
    pub(super) fn known_bounds(&self) -> KnownBounds {
        KnownBounds {
            memory: self.bounds.memory,
            calls: self.bounds.calls,
            log_len: self.bounds.log.len(),
        }
    }

    /// Goes back to what was known where a frame was opened, which every way here has passed.
    pub(super) fn restore_bounds(&mut self, known: KnownBounds) {
        let bounds = &mut self.bounds;
        bounds.memory = known.memory.filter(|_| bounds.calls == known.calls);
        for (index, earlier) in bounds.log.drain(known.log_len..).rev() {
            match earlier {
                Some(earlier) => drop(bounds.checked.insert(index, earlier)),
                None => drop(bounds.checked.remove(&index)),
            }
        }
    }

    /// Before the header of the next loop.
    pub(super) fn enter_loop_bounds(&mut self) {
        if !self.keeps_bounds() {
            return;
        }
        let facts = self.bounds.loops.pop().unwrap_or_default();
        if !self.reachable {
            return;
        }
        if facts.has_calls {
            self.bounds.memory = None;
        } else if facts.has_accesses {
            let memory = self.memory_values();
            if !memory.is_before_loop {
                self.bounds.checks_before_loop = 0;
            }
            self.bounds.memory = Some(MemoryValues {
                is_before_loop: true,
                ..memory
            });
        }
    }

    /// After a call, which may have grown and moved the memory.
    pub(super) fn forget_memory(&mut self) {
        self.bounds.memory = None;
        self.bounds.calls += 1;
    }

    /// The description of the memory.
    pub(super) fn memory_values(&mut self) -> MemoryValues {
        let has_spent = self.bounds.checks_before_loop >= MAX_CHECKS_BEFORE_LOOP;
        if let Some(known) = self.bounds.memory
            && !(known.is_before_loop && has_spent)
        {
            return known;
        }
        let memory = MemoryValues {
            base: self.memory_base(),
            len_bytes: self.memory_len_bytes(),
            is_before_loop: false,
        };
        if self.keeps_bounds() {
            self.bounds.memory = Some(memory);
        }
        memory
    }

    /// The index in 64 bits, if it was checked for an access that ends so far behind it.
    pub(super) fn checked_index(&self, index: Value, end: u64) -> Option<Value> {
        let known = self.bounds.checked.get(&index)?;
        (known.end >= end).then_some(known.extended)
    }

    /// Notes a check that is about to be made.
    pub(super) fn note_check(&mut self, index: Value, extended: Value, end: u64) {
        if !self.keeps_bounds() {
            return;
        }
        let bounds = &mut self.bounds;
        if bounds.memory.is_some_and(|memory| memory.is_before_loop) {
            bounds.checks_before_loop += 1;
        }
        let earlier = bounds.checked.insert(index, Checked { end, extended });
        bounds.log.push((index, earlier));
    }
}

fn is_call(operator: &O<'_>) -> bool {
    matches!(
        operator,
        O::Call { .. } | O::CallIndirect { .. } | O::MemoryGrow { .. }
    )
}
