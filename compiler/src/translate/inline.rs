//! Replaces direct calls of short functions by their bodies, within a budget, while translating.
//!
//! The callee's locals become variables of the caller and its `return`s become branches, so nothing
//! later needs to know. What a backtrace has to know, which function was inlined where, is kept as
//! a tree of [`InlinedCall`]s: instructions of an inlined body carry offsets behind the end of the
//! module, in a range of their own for each inlined call.
//!
//! Every decision depends on the module alone. Recursion still ends in a real call, whose stack
//! check traps.

use super::{Frame, LocalStorage, Translator, locals::Locals, to_offset};
use crate::governor::Governor;
use wasmelt_abi::OptLevel;

/// Bodies up to this length are inlined wherever they are called.
const SMALL_LEN_BYTES: u32 = 16;
/// Bodies up to this length are inlined into loops.
const IN_LOOP_LEN_BYTES: u32 = 60;
/// Bodies up to this length are inlined where they are called from one place only.
const SINGLE_CALLER_LEN_BYTES: u32 = 60;
/// Bodies up to these lengths are inlined into themselves, once and a second time.
const RECURSIVE_LEN_BYTES: [u32; 2] = [100, 60];
/// Functions in one another, the one that is compiled included.
const MAX_DEPTH: usize = 5;
/// Locals, parameters included, of an inlined function.
const MAX_LOCALS: u32 = 32;

/// Estimated work in nanoseconds that inlining may add, for each byte of the function, to twice its
/// own.
const ADDED_WORK_PER_BYTE: u64 = 3_000;

/// Bytes of wasm by which a function may grow: short ones threefold, long ones by half.
fn growth_budget(body_len_bytes: u32) -> u32 {
    let most = max_growth(u64::from(body_len_bytes));
    let most = u32::try_from(most).expect("half of a length, and a little");
    (60 + 2 * body_len_bytes.min(1 << 20)).min(most)
}

/// Bytes of wasm by which a function never grows more.
pub(super) const fn max_growth(body_len_bytes: u64) -> u64 {
    500 + body_len_bytes / 2
}

/// A call that was replaced by the callee's body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct InlinedCall {
    /// Index of the callee.
    pub function: u32,
    /// Offset of the call in the module.
    pub call_offset: u32,
    /// Position of the inlined call that this one lies in.
    pub parent: Option<u32>,
    /// Where the callee's body starts in the module.
    body_start: u32,
    /// What its instructions carry instead of `body_start`.
    location_start: u32,
}

/// What the locations of a function's instructions stand for; of a stub's, which has none, nothing.
#[derive(Debug, Default)]
pub(crate) struct Locations {
    /// Where the operators of the function begin in the module: what its prologue stands for.
    pub body_start: u32,
    /// Calls that were replaced by the callee's body, by ascending `location_start`; parents come
    /// before children.
    pub inlined: Vec<InlinedCall>,
    /// From which location on how much fuel was charged and not yet subtracted, ascending.
    pub fuel: Vec<(u32, u32)>,
}

impl Locations {
    /// The offset in the module, and the position of the inlined call.
    pub(crate) fn resolve(&self, location: u32) -> (u32, Option<u32>) {
        let after = self
            .inlined
            .partition_point(|call| call.location_start <= location);
        let Some(position) = after.checked_sub(1) else {
            return (location, None);
        };
        let call = &self.inlined[position];
        let position = u32::try_from(position).expect("inlined calls are limited");
        let offset = location - call.location_start + call.body_start;
        (offset, Some(position))
    }

    /// Fuel that was charged and not yet subtracted.
    pub(crate) fn pending_fuel(&self, location: u32) -> u32 {
        let after = self.fuel.partition_point(|(from, _)| *from <= location);
        let position = after.checked_sub(1);
        position.map_or(0, |position| self.fuel[position].1)
    }
}

/// The state of inlining into one function.
pub(super) struct Inliner {
    /// Functions whose bodies are being translated, the one that is compiled first.
    active: Vec<u32>,
    /// Bytes of wasm that may still be added.
    budget: u32,
    /// What the function looks like to the governor, with everything that was inlined so far.
    total: Governor,
    /// What it may look like: more would undo what the governor decided.
    max_work: u64,
    /// All inlined calls so far, by ascending `location_start`.
    calls: Vec<InlinedCall>,
    /// Position of the inlined call that is being translated.
    current: Option<u32>,
    /// First location that nothing has yet.
    next_location: u32,
    /// Whether the call that is being translated lies in a loop of a caller.
    in_loop: bool,
}

impl Inliner {
    pub(super) fn new(function: u32, own: &Governor, wasm_len_bytes: usize) -> Self {
        let added = ADDED_WORK_PER_BYTE * u64::from(own.body_len_bytes);
        Self {
            active: vec![function],
            budget: growth_budget(own.body_len_bytes),
            total: *own,
            max_work: own.work().saturating_mul(2).saturating_add(added),
            calls: Vec::new(),
            current: None,
            next_location: to_offset(wasm_len_bytes),
            in_loop: false,
        }
    }

    /// How many calls are active in the body that is being translated: of the function that is compiled, and of
    /// those inlined.
    pub(super) fn depth(&self) -> i64 {
        i64::try_from(self.active.len()).expect("the depth is limited")
    }

    /// The location of the instruction at `offset` in the module.
    pub(super) fn location(&self, offset: u32) -> u32 {
        match self.current {
            None => offset,
            Some(current) => {
                let call = &self.calls[current as usize];
                offset - call.body_start + call.location_start
            }
        }
    }

    pub(super) fn into_calls(self) -> Vec<InlinedCall> {
        self.calls
    }

    pub(super) fn is_inlined(&self) -> bool {
        self.current.is_some()
    }
}

impl Translator<'_, '_> {
    /// Inlines a call of a defined function if that is worth it.
    pub(super) fn try_inline(&mut self, function: u32) -> bool {
        let in_loop = self.inliner.in_loop || self.frames.iter().any(Frame::is_loop);
        let is_chosen = self.is_worth_inlining(function, in_loop);
        if is_chosen {
            self.inline(function, in_loop);
        }
        is_chosen
    }

    fn is_worth_inlining(&self, function: u32, in_loop: bool) -> bool {
        let module = self.env.module;
        let Some(defined) = module.defined_index(function) else {
            return false;
        };
        let callee = &module.governors[defined as usize];
        let inliner = &self.inliner;
        let repeated = inliner.active.iter().filter(|active| **active == function);
        let limit = match repeated.count() {
            0 if module.call_counts[function as usize] == 1 => SINGLE_CALLER_LEN_BYTES,
            0 if in_loop => IN_LOOP_LEN_BYTES,
            0 => SMALL_LEN_BYTES,
            repeated if inliner.active.len() == repeated => {
                let limit = RECURSIVE_LEN_BYTES.get(repeated - 1);
                limit.copied().unwrap_or_default()
            }
            _ => return false,
        };
        self.env.options.codegen.opt_level == OptLevel::Speed
            && self.locals.storage() == LocalStorage::Values
            && !self.env.downgrades[defined as usize]
            && callee.body_len_bytes <= limit.min(inliner.budget)
            && callee.locals <= MAX_LOCALS
            && callee.branch_targets == 0
            && inliner.active.len() < MAX_DEPTH
            && self.fits_the_governor(callee)
            && inliner
                .next_location
                .checked_add(callee.body_len_bytes)
                .is_some_and(|end| end < u32::MAX)
    }

    /// Whether the function, with this callee in it as well, stays what the governor took it for.
    fn fits_the_governor(&self, callee: &Governor) -> bool {
        let total = self.inliner.total.with_inlined(callee, self.stack.len());
        !total.must_downgrade() && total.work() <= self.inliner.max_work
    }

    fn inline(&mut self, function: u32, in_loop: bool) {
        let env = self.env;
        let defined = env.module.defined_index(function);
        let defined = defined.expect("only defined functions are inlined") as usize;
        let body = &env.module.bodies[defined];
        let params = env.module.function_type(function).params.len();
        let arguments = self.stack.split_off(self.stack.len() - params);

        let body_start = to_offset(body.range().start);
        let body_len_bytes = env.module.governors[defined].body_len_bytes;
        let inliner = &mut self.inliner;
        let position = u32::try_from(inliner.calls.len()).expect("the budget bounds them");
        inliner.calls.push(InlinedCall {
            function,
            call_offset: self.offset,
            parent: inliner.current,
            body_start,
            location_start: inliner.next_location,
        });
        inliner.next_location += body_len_bytes;
        inliner.budget -= body_len_bytes;
        inliner.total = inliner
            .total
            .with_inlined(&env.module.governors[defined], self.stack.len());
        inliner.active.push(function);
        let outer = inliner.current.replace(position);
        let outer_in_loop = std::mem::replace(&mut inliner.in_loop, in_loop);
        let caller = std::mem::replace(&mut self.index, function);
        let locals = std::mem::replace(&mut self.locals, Locals::new(LocalStorage::Values));
        let frames = std::mem::take(&mut self.frames);
        let offset = self.offset;
        let meter = self.suspend_meter();
        let loops = self.suspend_bounds();

        self.declare_params(&arguments);
        self.translate_operators(body)
            .expect("validated code can be read again");

        self.resume_meter(meter);
        self.resume_bounds(loops);
        self.offset = offset;
        self.frames = frames;
        self.locals = locals;
        self.index = caller;
        self.inliner.in_loop = outer_in_loop;
        self.inliner.current = outer;
        self.inliner.active.pop();
        let location = self.inliner.location(offset);
        self.set_location(location);
    }
}
