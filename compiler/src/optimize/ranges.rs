//! Bounds of integers, read as unsigned numbers, from how they are computed, how often loops run, and what was
//! tested before.
//!
//! What is proven: at every execution of a value's definition, the value lies within its [`Range`]; and
//! in a block, within what the branches that dominate it leave of that. Variables of loops are bounded
//! by where they start, how far one round moves them, and the number of rounds, which tests at the
//! loop's exits bound (Wolfe, "Beyond induction variables", 1992), or else by tests on the way back.

use super::{constant_bits, destinations, sum_with_constant};
use cranelift_codegen::{
    dominator_tree::DominatorTree,
    entity::SecondaryMap,
    ir::{
        Block, BlockCall, Function, Inst, InstructionData, Opcode, Type, Value, ValueDef,
        condcodes::{CondCode, IntCC},
        types,
    },
    loop_analysis::{Loop, LoopAnalysis},
};
use std::cell::Cell;

/// Inclusive bounds of a value, read as an unsigned number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Range {
    pub low: u64,
    pub high: u64,
}

/// How many definitions are followed to find one range.
const MAX_DEPTH: u32 = 24;

/// How many dominators of a block are looked at for tests.
const MAX_GUARDS: u32 = 16;

impl Range {
    fn full(ty: Type) -> Self {
        Self {
            low: 0,
            high: max_of(ty),
        }
    }

    fn exact(bits: u64) -> Self {
        Self {
            low: bits,
            high: bits,
        }
    }

    fn union(self, other: Self) -> Self {
        Self {
            low: self.low.min(other.low),
            high: self.high.max(other.high),
        }
    }

    fn is_exact(self) -> bool {
        self.low == self.high
    }

    /// What remains if a number of this type is in a relation to one within other bounds; the whole if
    /// nothing does, since then it is never asked.
    fn where_compared(self, condition: IntCC, bound: Self, ty: Type) -> Self {
        let sign = 1u64 << (ty.bits() - 1);
        let (mut low, mut high) = (self.low, self.high);
        match condition {
            IntCC::Equal => (low, high) = (low.max(bound.low), high.min(bound.high)),
            IntCC::UnsignedLessThan => high = high.min(bound.high.saturating_sub(1)),
            IntCC::UnsignedLessThanOrEqual => high = high.min(bound.high),
            IntCC::UnsignedGreaterThan => low = low.max(bound.low.saturating_add(1)),
            IntCC::UnsignedGreaterThanOrEqual => low = low.max(bound.low),
            // Neither is negative.
            IntCC::SignedLessThan if high < sign && bound.high < sign => {
                high = high.min(bound.high.saturating_sub(1));
            }
            IntCC::SignedLessThanOrEqual if high < sign && bound.high < sign => {
                high = high.min(bound.high);
            }
            // What is above a number that is not negative is not negative.
            IntCC::SignedGreaterThan if bound.high < sign => {
                (low, high) = (low.max(bound.low.saturating_add(1)), high.min(sign - 1));
            }
            IntCC::SignedGreaterThanOrEqual if bound.high < sign => {
                (low, high) = (low.max(bound.low), high.min(sign - 1));
            }
            _ => {}
        }
        if low <= high {
            Self { low, high }
        } else {
            self
        }
    }

    /// Both bounds of a number of 32 bits, if they are on one side of the sign.
    fn signed(self) -> (i64, i64) {
        const SIGN: u64 = 1 << 31;
        if self.high < SIGN {
            (self.low.cast_signed(), self.high.cast_signed())
        } else if self.low >= SIGN {
            let shift = 1i64 << 32;
            (
                self.low.cast_signed() - shift,
                self.high.cast_signed() - shift,
            )
        } else {
            (i64::from(i32::MIN), i64::from(i32::MAX))
        }
    }
}

fn max_of(ty: Type) -> u64 {
    u64::MAX >> (64 - ty.bits())
}

/// Whether ranges are known of this type.
fn is_number(ty: Type) -> bool {
    ty.is_int() && ty.bits() <= 64
}

/// Finds ranges, each once.
pub(super) struct Ranges<'a> {
    func: &'a Function,
    domtree: &'a DominatorTree,
    loops: &'a LoopAnalysis,
    /// Branches to each block.
    incoming: SecondaryMap<Block, Vec<(Block, BlockCall)>>,
    known: SecondaryMap<Value, Option<Range>>,
    /// Values whose range became known, in that order.
    found: Vec<Value>,
    /// `None` for a loop that nobody asked for.
    rounds: SecondaryMap<Loop, Option<Option<u64>>>,
    /// The last block that every round of a loop passes; `None` for a loop that nobody asked for.
    last_in_rounds: SecondaryMap<Loop, Option<Option<Block>>>,
    /// Changes of loop variables in one round; `None` for those that nobody asked for.
    steps: SecondaryMap<Value, Option<Option<(i64, i64)>>>,
    /// Steps that may still be taken: proofs cost no more than the function is long.
    budget: Cell<u32>,
}

/// Steps for each instruction of the function.
const STEPS_PER_INSTRUCTION: u32 = 16;

/// A condition between two values.
struct Compare {
    condition: IntCC,
    left: Value,
    right: Value,
}

impl<'a> Ranges<'a> {
    pub(super) fn new(
        func: &'a Function,
        domtree: &'a DominatorTree,
        loops: &'a LoopAnalysis,
    ) -> Self {
        let mut incoming: SecondaryMap<Block, Vec<(Block, BlockCall)>> = SecondaryMap::new();
        for block in func.layout.blocks() {
            let branch = func.layout.last_inst(block);
            for call in branch.map_or(&[][..], |branch| destinations(func, branch)) {
                incoming[call.block(&func.dfg.value_lists)].push((block, *call));
            }
        }
        let insts = u32::try_from(func.dfg.num_insts()).unwrap_or(u32::MAX);
        let budget = insts.saturating_mul(STEPS_PER_INSTRUCTION);
        Self {
            func,
            domtree,
            loops,
            incoming,
            known: SecondaryMap::new(),
            found: Vec::new(),
            rounds: SecondaryMap::new(),
            last_in_rounds: SecondaryMap::new(),
            steps: SecondaryMap::new(),
            budget: Cell::new(budget),
        }
    }

    /// Takes so many steps, if there are as many left.
    fn spend(&self, steps: usize) -> Option<()> {
        let left = self.budget.get().checked_sub(u32::try_from(steps).ok()?)?;
        self.budget.set(left);
        Some(())
    }

    /// The range of an integer of up to 64 bits wherever control is in a block.
    pub(super) fn range_in(&mut self, value: Value, block: Block) -> Range {
        self.find_in(value, block, MAX_DEPTH)
    }

    /// The range of an integer of up to 64 bits wherever it is defined.
    pub(super) fn range(&mut self, value: Value) -> Range {
        self.find(value, MAX_DEPTH)
    }

    fn find_in(&mut self, value: Value, block: Block, depth: u32) -> Range {
        let value = self.func.dfg.resolve_aliases(value);
        let mut range = self.find(value, depth);
        let defined_in = self.block_of(value);
        let mut inside = Some(block);
        for _ in 0..MAX_GUARDS {
            // Nothing was tested before it was there.
            let Some(block) = inside.filter(|block| Some(*block) != defined_in) else {
                break;
            };
            if range.is_exact() || self.spend(1).is_none() {
                break;
            }
            if let [(from, _)] = self.incoming[block][..]
                && let Some(compare) = self.condition_to_go(from, block)
            {
                range = self.narrow(value, range, &compare, depth);
            }
            inside = self.domtree.idom(block);
        }
        range
    }

    /// What is true of a value without any proof.
    fn widest(&self, value: Value) -> Range {
        let ty = self.func.dfg.value_type(value);
        if is_number(ty) {
            return Range::full(ty);
        }
        Range {
            low: 0,
            high: u64::MAX,
        }
    }

    /// The range of an argument that a branch passes.
    fn find_passed(&mut self, argument: Value, from: Block, to: Block, depth: u32) -> Range {
        let argument = self.func.dfg.resolve_aliases(argument);
        let range = self.find_in(argument, from, depth);
        match self.condition_to_go(from, to) {
            Some(compare) => self.narrow(argument, range, &compare, depth),
            None => range,
        }
    }

    /// What must hold at the end of a block for control to go to another one.
    fn condition_to_go(&self, from: Block, to: Block) -> Option<Compare> {
        let branch = self.func.layout.last_inst(from)?;
        let InstructionData::Brif { arg, blocks, .. } = self.func.dfg.insts[branch] else {
            return None;
        };
        let lists = &self.func.dfg.value_lists;
        let [goes, goes_otherwise] = blocks.map(|call| call.block(lists) == to);
        if goes == goes_otherwise {
            return None;
        }
        self.compare(arg, goes)
    }

    /// What a comparison leaves of a value's range, if it is one with that value.
    fn narrow(&mut self, value: Value, range: Range, compare: &Compare, depth: u32) -> Range {
        let (condition, bound) = if compare.left == value {
            (compare.condition, compare.right)
        } else if compare.right == value {
            (compare.condition.swap_args(), compare.left)
        } else {
            return range;
        };
        let ty = self.func.dfg.value_type(value);
        let Some(depth) = depth.checked_sub(1).filter(|_| is_number(ty)) else {
            return range;
        };
        let bound = self.find(bound, depth);
        range.where_compared(condition, bound, ty)
    }

    fn block_of(&self, value: Value) -> Option<Block> {
        match self.func.dfg.value_def(value) {
            ValueDef::Result(inst, _) => self.func.layout.inst_block(inst),
            ValueDef::Param(block, _) => Some(block),
            ValueDef::Union(..) => None,
        }
    }

    fn find(&mut self, value: Value, depth: u32) -> Range {
        let value = self.func.dfg.resolve_aliases(value);
        let full = self.widest(value);
        if !is_number(self.func.dfg.value_type(value)) {
            return full;
        }
        if let Some(range) = self.known[value] {
            return range;
        }
        let Some(depth) = depth.checked_sub(1).filter(|_| self.spend(1).is_some()) else {
            return full;
        };
        // Whoever asks for it meanwhile gets what is true without any proof.
        self.known[value] = Some(full);
        let range = match self.func.dfg.value_def(value) {
            ValueDef::Result(inst, _) => self.of_result(inst, full, depth),
            ValueDef::Param(block, position) => self.of_param(value, block, position, full, depth),
            ValueDef::Union(..) => full,
        };
        self.known[value] = Some(range);
        self.found.push(value);
        range
    }

    fn of_result(&mut self, inst: Inst, full: Range, depth: u32) -> Range {
        match self.func.dfg.insts[inst] {
            InstructionData::UnaryImm { .. } => {
                let bits = constant_bits(self.func, self.func.dfg.first_result(inst));
                bits.map_or(full, Range::exact)
            }
            InstructionData::Load { opcode, .. } => match opcode {
                Opcode::Uload8 => Range { low: 0, high: 0xff },
                Opcode::Uload16 => Range {
                    low: 0,
                    high: 0xffff,
                },
                Opcode::Uload32 => Range {
                    low: 0,
                    high: 0xffff_ffff,
                },
                _ => full,
            },
            InstructionData::IntCompare { .. } | InstructionData::FloatCompare { .. } => {
                Range { low: 0, high: 1 }
            }
            InstructionData::Unary { opcode, arg } => match opcode {
                Opcode::Uextend => self.find(arg, depth),
                Opcode::Ireduce => {
                    let range = self.find(arg, depth);
                    if range.high <= full.high { range } else { full }
                }
                Opcode::Clz | Opcode::Ctz | Opcode::Popcnt => Range { low: 0, high: 64 },
                _ => full,
            },
            InstructionData::Binary { opcode, args } => {
                let [left, right] = args.map(|arg| self.find(arg, depth));
                of_binary(opcode, left, right, full)
            }
            InstructionData::Ternary {
                opcode: Opcode::Select,
                args: [condition, left, right],
            } => {
                let [left, right] = [(left, true), (right, false)].map(|(arg, is_chosen)| {
                    let arg = self.func.dfg.resolve_aliases(arg);
                    let range = self.find(arg, depth);
                    match self.compare(condition, is_chosen) {
                        Some(compare) => self.narrow(arg, range, &compare, depth),
                        None => range,
                    }
                });
                left.union(right)
            }
            _ => full,
        }
    }

    fn of_param(
        &mut self,
        value: Value,
        block: Block,
        position: usize,
        full: Range,
        depth: u32,
    ) -> Range {
        if Some(block) == self.func.layout.entry_block() {
            return full;
        }
        let Some(inside) = self.loops.is_loop_header(block) else {
            return self.of_passed(block, position, depth).unwrap_or(full);
        };
        let before = self.found.len();
        if let Some(range) = self.of_loop_variable(value, inside, position, depth) {
            return range;
        }
        let range = self.of_passed(block, position, depth).unwrap_or(full);
        if range != full {
            // Others were found while nothing was known of this one.
            for value in self.found.drain(before..) {
                self.known[value] = None;
            }
        }
        range
    }

    /// The range of what any branch to a block passes.
    fn of_passed(&mut self, block: Block, position: usize, depth: u32) -> Option<Range> {
        let passed = self.passed(block, position, |_| true)?;
        self.union_of(passed, block, depth)
    }

    /// The range of all arguments that are passed to a block.
    fn union_of(&mut self, passed: Vec<(Block, Value)>, to: Block, depth: u32) -> Option<Range> {
        let mut union: Option<Range> = None;
        for (from, argument) in passed {
            let range = self.find_passed(argument, from, to, depth);
            let all = union.map_or(range, |union| union.union(range));
            union = Some(all);
            // No further one makes it wider.
            if all == self.widest(argument) {
                break;
            }
        }
        union
    }

    /// What branches from the chosen blocks pass, and these.
    fn passed(
        &self,
        block: Block,
        position: usize,
        is_chosen: impl Fn(Block) -> bool,
    ) -> Option<Vec<(Block, Value)>> {
        let branches = &self.incoming[block];
        // Arguments are found one after the other.
        self.spend(branches.len() * (1 + position / 16))?;
        branches
            .iter()
            .filter(|(from, _)| is_chosen(*from))
            .map(|(from, call)| {
                let argument = call.args(&self.func.dfg.value_lists).nth(position)?;
                Some((*from, argument.as_value()?))
            })
            .collect()
    }

    fn of_loop_variable(
        &mut self,
        variable: Value,
        inside: Loop,
        position: usize,
        depth: u32,
    ) -> Option<Range> {
        let start = self.start(inside, position, depth)?;
        let (back, forth) = self.step(variable, inside, position)?;
        if (back, forth) == (0, 0) {
            return Some(start);
        }
        // The variable has moved once less than there are rounds.
        let moves = i128::from(self.max_rounds(inside, depth)?) - 1;
        let low = i128::from(start.low) + i128::from(back.min(0)) * moves;
        let high = i128::from(start.high) + i128::from(forth.max(0)) * moves;
        let max = i128::from(max_of(self.func.dfg.value_type(variable)));
        (low >= 0 && high <= max).then(|| Range {
            low: u64::try_from(low).unwrap_or_default(),
            high: u64::try_from(high).unwrap_or(u64::MAX),
        })
    }

    /// Where a loop's variable starts, and the least and the greatest change of it in one round; `None` if it
    /// is not one that only constants are added to.
    pub(super) fn induction(&mut self, variable: Value, inside: Loop) -> Option<(Range, i64, i64)> {
        let header = self.loops.loop_header(inside);
        let ValueDef::Param(block, position) = self.func.dfg.value_def(variable) else {
            return None;
        };
        if block != header {
            return None;
        }
        let (back, forth) = self.step(variable, inside, position)?;
        let start = self.start(inside, position, MAX_DEPTH)?;
        Some((start, back, forth))
    }

    /// Whether no round of a loop goes on to the next one without passing a block.
    pub(super) fn is_in_every_round(&mut self, block: Block, inside: Loop) -> bool {
        let last = self.last_in_every_round(inside);
        last.is_some_and(|last| self.domtree.block_dominates(block, last))
    }

    /// The last of the blocks that every round of a loop passes; those that dominate it are the others.
    fn last_in_every_round(&mut self, inside: Loop) -> Option<Block> {
        if let Some(last) = self.last_in_rounds[inside] {
            return last;
        }
        let branches = &self.incoming[self.loops.loop_header(inside)];
        let mut last: Option<Block> = None;
        let mut is_known = self.spend(branches.len()).is_some();
        for (end, _) in branches {
            if !is_known || !self.loops.is_in_loop(*end, inside) {
                continue;
            }
            let mut common = last.unwrap_or(*end);
            while is_known && !self.domtree.block_dominates(common, *end) {
                match self.domtree.idom(common) {
                    Some(block) if self.spend(1).is_some() => common = block,
                    _ => is_known = false,
                }
            }
            last = Some(common);
        }
        let last = last.filter(|_| is_known);
        self.last_in_rounds[inside] = Some(last);
        last
    }

    /// The range with which a loop's variable enters it.
    fn start(&mut self, inside: Loop, position: usize, depth: u32) -> Option<Range> {
        let loops = self.loops;
        let header = loops.loop_header(inside);
        let passed = self.passed(header, position, |from| !loops.is_in_loop(from, inside))?;
        self.union_of(passed, header, depth)
    }

    /// The least and the greatest change of a loop's variable in one round.
    fn step(&mut self, variable: Value, inside: Loop, position: usize) -> Option<(i64, i64)> {
        if let Some(step) = self.steps[variable] {
            return step;
        }
        let loops = self.loops;
        let header = loops.loop_header(inside);
        let passed = self.passed(header, position, |from| loops.is_in_loop(from, inside));
        let step = passed
            .unwrap_or_default()
            .into_iter()
            .map(|(_, next)| self.change(next, variable, inside, MAX_DEPTH))
            .reduce(union_of_changes)
            .flatten();
        self.steps[variable] = Some(step);
        step
    }

    /// The least and the greatest difference of a value and the variable it comes from, if only
    /// constants were added.
    fn change(
        &self,
        value: Value,
        variable: Value,
        inside: Loop,
        depth: u32,
    ) -> Option<(i64, i64)> {
        let value = self.func.dfg.resolve_aliases(value);
        self.spend(1)?;
        if value == variable {
            return Some((0, 0));
        }
        let depth = depth.checked_sub(1)?;
        match self.func.dfg.value_def(value) {
            ValueDef::Result(..) => {
                let (base, constant) = sum_with_constant(self.func, value)?;
                let (back, forth) = self.change(base, variable, inside, depth)?;
                Some((back.checked_add(constant)?, forth.checked_add(constant)?))
            }
            ValueDef::Param(block, position) => {
                let is_merge = self.loops.is_loop_header(block).is_none()
                    && self.loops.is_in_loop(block, inside);
                if !is_merge {
                    return None;
                }
                let passed = self.passed(block, position, |_| true)?;
                passed
                    .into_iter()
                    .map(|(_, argument)| self.change(argument, variable, inside, depth))
                    .reduce(union_of_changes)
                    .flatten()
            }
            ValueDef::Union(..) => None,
        }
    }

    /// How often the loop's header runs at most each time the loop is entered.
    fn max_rounds(&mut self, inside: Loop, depth: u32) -> Option<u64> {
        if let Some(rounds) = self.rounds[inside] {
            return rounds;
        }
        self.rounds[inside] = Some(None);
        let loops = self.loops;
        let header = loops.loop_header(inside);
        let mut least: Option<u64> = None;
        let mut passing = self.last_in_every_round(inside);
        while let Some(block) = passing.filter(|_| self.spend(1).is_some()) {
            if let Some(compare) = self.condition_to_stay(block, inside)
                && let Some(rounds) = self.rounds_while(&compare, inside, depth)
            {
                least = Some(least.map_or(rounds, |least| least.min(rounds)));
            }
            if block == header {
                break;
            }
            passing = self.domtree.idom(block);
        }
        self.rounds[inside] = Some(least);
        least
    }

    /// What must hold at the end of a block for control to stay in the loop.
    fn condition_to_stay(&self, block: Block, inside: Loop) -> Option<Compare> {
        let branch = self.func.layout.last_inst(block)?;
        let InstructionData::Brif { arg, blocks, .. } = self.func.dfg.insts[branch] else {
            return None;
        };
        let lists = &self.func.dfg.value_lists;
        let [stays, stays_otherwise] =
            blocks.map(|call| self.loops.is_in_loop(call.block(lists), inside));
        if stays == stays_otherwise {
            return None;
        }
        self.compare(arg, stays)
    }

    /// What it means that a value is not zero, or is.
    fn compare(&self, value: Value, is_true: bool) -> Option<Compare> {
        let mut value = self.func.dfg.resolve_aliases(value);
        let mut is_true = is_true;
        for _ in 0..MAX_DEPTH {
            self.spend(1)?;
            let ValueDef::Result(inst, _) = self.func.dfg.value_def(value) else {
                return None;
            };
            match self.func.dfg.insts[inst] {
                InstructionData::Unary {
                    opcode: Opcode::Uextend,
                    arg,
                } => value = self.func.dfg.resolve_aliases(arg),
                InstructionData::IntCompare { args, cond, .. } => {
                    let [left, right] = args.map(|arg| self.func.dfg.resolve_aliases(arg));
                    let is_zero_test = cond == IntCC::Equal
                        && constant_bits(self.func, right) == Some(0)
                        && self.is_condition(left);
                    if !is_zero_test {
                        let condition = if is_true { cond } else { cond.complement() };
                        return Some(Compare {
                            condition,
                            left,
                            right,
                        });
                    }
                    value = left;
                    is_true = !is_true;
                }
                _ => return None,
            }
        }
        None
    }

    fn is_condition(&self, value: Value) -> bool {
        let ValueDef::Result(inst, _) = self.func.dfg.value_def(value) else {
            return false;
        };
        match self.func.dfg.insts[inst] {
            InstructionData::Unary {
                opcode: Opcode::Uextend,
                arg,
            } => self.is_condition(self.func.dfg.resolve_aliases(arg)),
            InstructionData::IntCompare { .. } => true,
            _ => false,
        }
    }

    /// How many rounds a loop makes at most if it goes on only while this holds.
    fn rounds_while(&mut self, compare: &Compare, inside: Loop, depth: u32) -> Option<u64> {
        self.rounds_of(
            compare.condition,
            compare.left,
            compare.right,
            inside,
            depth,
        )
        .or_else(|| {
            let condition = compare.condition.swap_args();
            self.rounds_of(condition, compare.right, compare.left, inside, depth)
        })
    }

    fn rounds_of(
        &mut self,
        condition: IntCC,
        tested: Value,
        bound: Value,
        inside: Loop,
        depth: u32,
    ) -> Option<u64> {
        if self.func.dfg.value_type(tested) != types::I32 {
            return None;
        }
        let header = self.loops.loop_header(inside);
        let params = self.func.dfg.block_params(header);
        let (position, variable, ahead) = (0..).zip(params).find_map(|(position, param)| {
            let (back, forth) = self.change(tested, *param, inside, MAX_DEPTH)?;
            (back == forth).then_some((position, *param, back))
        })?;
        let (back, forth) = self.step(variable, inside, position)?;
        if back != forth || back == 0 {
            return None;
        }
        let start = self.start(inside, position, depth)?;
        let is_fixed = !self.is_defined_in(bound, inside);
        let bound = if is_fixed {
            self.find_in(bound, header, depth)
        } else {
            self.find(bound, depth)
        };
        if condition == IntCC::NotEqual && !is_fixed && !bound.is_exact() {
            // A bound that moves can be missed.
            return None;
        }
        count_rounds(condition, start, i128::from(ahead), i128::from(back), bound)
    }
}

impl Ranges<'_> {
    fn is_defined_in(&self, value: Value, inside: Loop) -> bool {
        self.block_of(value)
            .is_none_or(|block| self.loops.is_in_loop(block, inside))
    }
}

/// How many rounds a loop makes at most that goes on while `start + ahead + step * round` is in the
/// relation `condition` to `bound`; all are numbers of 32 bits. `None` if a number might wrap.
fn count_rounds(
    condition: IntCC,
    start: Range,
    ahead: i128,
    step: i128,
    bound: Range,
) -> Option<u64> {
    let is_signed = matches!(
        condition,
        IntCC::SignedLessThan
            | IntCC::SignedLessThanOrEqual
            | IntCC::SignedGreaterThan
            | IntCC::SignedGreaterThanOrEqual
    );
    let ((low, high), (bound_low, bound_high), (min, max)) = if is_signed {
        let limits = (i128::from(i32::MIN), i128::from(i32::MAX));
        (
            start.signed().into_wide(),
            bound.signed().into_wide(),
            limits,
        )
    } else {
        let limits = (0, i128::from(u32::MAX));
        (
            (start.low, start.high).into_wide(),
            (bound.low, bound.high).into_wide(),
            limits,
        )
    };
    // The first number that is tested must not have wrapped.
    let (low, high) = (low + ahead, high + ahead);
    if low < min || high > max {
        return None;
    }
    let more = match condition {
        // The numbers rise until they are not below the bound; the last step must not wrap.
        IntCC::UnsignedLessThan | IntCC::SignedLessThan if step > 0 => {
            (bound_high - 1 + step <= max).then(|| rounds_up(bound_high - low, step))
        }
        IntCC::UnsignedLessThanOrEqual | IntCC::SignedLessThanOrEqual if step > 0 => {
            (bound_high + step <= max).then(|| rounds_up(bound_high + 1 - low, step))
        }
        IntCC::UnsignedGreaterThan | IntCC::SignedGreaterThan if step < 0 => {
            (bound_low + 1 + step >= min).then(|| rounds_up(high - bound_low, -step))
        }
        IntCC::UnsignedGreaterThanOrEqual | IntCC::SignedGreaterThanOrEqual if step < 0 => {
            (bound_low + step >= min).then(|| rounds_up(high + 1 - bound_low, -step))
        }
        // They meet the bound exactly.
        IntCC::NotEqual if step > 0 => {
            let is_met = step == 1 || start.is_exact() && bound.is_exact();
            (is_met && high <= bound_low && (bound_high - low) % step == 0)
                .then(|| (bound_high - low) / step)
        }
        IntCC::NotEqual => {
            let is_met = step == -1 || start.is_exact() && bound.is_exact();
            (is_met && low >= bound_high && (high - bound_low) % step == 0)
                .then(|| (high - bound_low) / -step)
        }
        _ => None,
    }?;
    u64::try_from(more.max(0) + 1).ok()
}

fn rounds_up(distance: i128, step: i128) -> i128 {
    (distance + step - 1).div_euclid(step)
}

trait IntoWide {
    fn into_wide(self) -> (i128, i128);
}

impl<T: Into<i128>> IntoWide for (T, T) {
    fn into_wide(self) -> (i128, i128) {
        (self.0.into(), self.1.into())
    }
}

fn of_binary(opcode: Opcode, left: Range, right: Range, full: Range) -> Range {
    let within = |low: Option<u64>, high: Option<u64>| match (low, high) {
        (Some(low), Some(high)) if high <= full.high => Range { low, high },
        _ => full,
    };
    match opcode {
        Opcode::Iadd => {
            let sum = |left, right| u128::from(left) + u128::from(right);
            let (low, high) = (sum(left.low, right.low), sum(left.high, right.high));
            let modulus = u128::from(full.high) + 1;
            // Either no sum wraps or each does, once.
            if low / modulus == high / modulus {
                Range {
                    low: u64::try_from(low % modulus).unwrap_or_default(),
                    high: u64::try_from(high % modulus).unwrap_or(full.high),
                }
            } else {
                full
            }
        }
        Opcode::Isub => within(
            left.low.checked_sub(right.high),
            left.high.checked_sub(right.low),
        ),
        Opcode::Imul => within(
            left.low.checked_mul(right.low),
            left.high.checked_mul(right.high),
        ),
        Opcode::Band => Range {
            low: 0,
            high: left.high.min(right.high),
        },
        Opcode::Bor | Opcode::Bxor => {
            let bits = (left.high | right.high)
                .checked_ilog2()
                .map_or(0, |bit| bit + 1);
            Range {
                low: 0,
                high: full.high.min(u64::MAX.checked_shr(64 - bits).unwrap_or(0)),
            }
        }
        Opcode::Ishl if right.is_exact() => {
            let by = right.low & (u64::from(bits_of(full)) - 1);
            let fits = left.high <= full.high >> by;
            if fits {
                Range {
                    low: left.low << by,
                    high: left.high << by,
                }
            } else {
                full
            }
        }
        Opcode::Ushr if right.is_exact() => {
            let by = right.low & (u64::from(bits_of(full)) - 1);
            Range {
                low: left.low >> by,
                high: left.high >> by,
            }
        }
        Opcode::Udiv if right.low > 0 => Range {
            low: left.low / right.high,
            high: left.high / right.low,
        },
        Opcode::Urem if right.low > 0 => Range {
            low: 0,
            high: left.high.min(right.high - 1),
        },
        Opcode::Umin => Range {
            low: left.low.min(right.low),
            high: left.high.min(right.high),
        },
        Opcode::Umax => Range {
            low: left.low.max(right.low),
            high: left.high.max(right.high),
        },
        _ => full,
    }
}

/// The width of the type whose full range this is.
fn bits_of(full: Range) -> u32 {
    full.high.count_ones()
}

fn union_of_changes(left: Option<(i64, i64)>, right: Option<(i64, i64)>) -> Option<(i64, i64)> {
    let ((back, forth), (other_back, other_forth)) = (left?, right?);
    Some((back.min(other_back), forth.max(other_forth)))
}

#[cfg(test)]
mod tests {
    use super::Range;
    use cranelift_codegen::ir::{condcodes::IntCC, types};

    #[test]
    fn no_number_is_lost_that_is_in_the_relation() {
        let ends = [0u64, 1, 2, 100, 126, 127, 128, 129, 200, 254, 255];
        let ranges = || {
            let lows = ends.into_iter();
            lows.flat_map(|low| {
                let highs = ends.into_iter().filter(move |high| *high >= low);
                highs.map(move |high| Range { low, high })
            })
        };
        let mut kept = 0;
        for condition in IntCC::all() {
            for (range, bound) in ranges().flat_map(|range| ranges().map(move |b| (range, b))) {
                let left = range.where_compared(*condition, bound, types::I8);
                let bounds = [bound.low, bound.high, bound.low.midpoint(bound.high)];
                for number in range.low..=range.high {
                    if bounds.iter().any(|bound| holds(*condition, number, *bound)) {
                        let is_kept = left.low <= number && number <= left.high;
                        assert!(is_kept, "{number}: {range:?} {condition} {bound:?}");
                        kept += 1;
                    }
                }
            }
        }
        assert!(kept > 1_000_000, "only {kept} were in a relation");
    }

    fn holds(condition: IntCC, left: u64, right: u64) -> bool {
        let signed = |bits: u64| bits ^ 0x80;
        match condition {
            IntCC::Equal => left == right,
            IntCC::NotEqual => left != right,
            IntCC::UnsignedLessThan => left < right,
            IntCC::UnsignedLessThanOrEqual => left <= right,
            IntCC::UnsignedGreaterThan => left > right,
            IntCC::UnsignedGreaterThanOrEqual => left >= right,
            IntCC::SignedLessThan => signed(left) < signed(right),
            IntCC::SignedLessThanOrEqual => signed(left) <= signed(right),
            IntCC::SignedGreaterThan => signed(left) > signed(right),
            IntCC::SignedGreaterThanOrEqual => signed(left) >= signed(right),
        }
    }
}
