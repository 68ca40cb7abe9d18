//! Follows every way through one function or stub.

use crate::{
    access::{Surroundings, Verdict, argument_bytes},
    allowed::{is_available, is_known},
    calls::{Callees, check_indirect_call},
    fault::Rule,
    parts::ArtifactParts,
    report::Report,
    state::{R15, RDI, RSP, State},
    step::{Effects, Stepper, negated},
    value::Value,
};
use iced_x86::{
    ConditionCode, Decoder, DecoderOptions, Instruction, InstructionInfoFactory, Mnemonic, OpKind,
};
use std::collections::{BTreeMap, BTreeSet};

/// How often a block's state may change before it is widened.
const VISITS_BEFORE_WIDENING: u32 = 4;

/// How often all blocks of a function are followed at most, on average.
const MAX_MEAN_VISITS: usize = 64;

/// What of the stack a stub may take without asking: the host keeps room for what it is called with there.
const STUB_STACK_LEN_BYTES: i64 = 1024;

/// A rule that is broken, and where.
pub(crate) struct Breach {
    pub at: u64,
    pub rule: Rule,
}

/// What is being checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subject {
    /// A defined function, by its position.
    Function(usize),
    Stub,
}

/// How a byte is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    Nothing,
    Start,
    Inside,
    Data,
}

struct Block {
    state: State,
    visits: u32,
}

/// Where control goes.
enum Next {
    Ends,
    Falls,
    Jumps(u64),
    Branches(u64, ConditionCode),
    Table { table: u64, count: u64 },
}

pub(crate) struct Walk<'a> {
    parts: &'a ArtifactParts<'a>,
    surroundings: &'a Surroundings,
    callees: &'a Callees,
    subject: Subject,
    start: u64,
    end: u64,
    stepper: Stepper<'a>,
    decoder: Decoder<'a>,
    marks: Vec<Mark>,
    instructions: BTreeMap<u64, Instruction>,
    verdicts: BTreeMap<u64, (Verdict, bool)>,
    tables: BTreeSet<u64>,
    blocks: BTreeMap<u64, Block>,
    work: BTreeSet<u64>,
    visits: usize,
}

impl<'a> Walk<'a> {
    /// Prepares to follow the code in a range of the text.
    pub(crate) fn new(
        parts: &'a ArtifactParts<'a>,
        surroundings: &'a Surroundings,
        callees: &'a Callees,
        subject: Subject,
        (start, end): (u64, u64),
    ) -> Option<Self> {
        let range = usize::try_from(start).ok()?..usize::try_from(end).ok()?;
        let bytes = parts.text.get(range)?;
        let argument_bytes = match subject {
            Subject::Function(defined) => argument_bytes(parts.defined_type(defined)?),
            Subject::Stub => 0,
        };
        Some(Self {
            parts,
            surroundings,
            callees,
            subject,
            start,
            end,
            stepper: Stepper {
                surroundings,
                info: InstructionInfoFactory::new(),
                argument_bytes,
                start,
                end,
            },
            decoder: Decoder::with_ip(64, bytes, start, DecoderOptions::NONE),
            marks: vec![Mark::Nothing; bytes.len()],
            instructions: BTreeMap::new(),
            verdicts: BTreeMap::new(),
            tables: BTreeSet::new(),
            blocks: BTreeMap::new(),
            work: BTreeSet::new(),
            visits: 0,
        })
    }

    /// Follows the code until nothing new is found. Returns the end of what was reached.
    pub(crate) fn run(mut self, report: &mut Report) -> Result<u64, Breach> {
        let floor = match self.subject {
            // Callers keep room for the frame pointer.
            Subject::Function(_) => -8,
            Subject::Stub => -STUB_STACK_LEN_BYTES,
        };
        self.reach(self.start, State::entry(floor));
        while let Some(block) = self.work.pop_first() {
            self.visits += 1;
            if self.visits > MAX_MEAN_VISITS * (self.blocks.len() + 16) {
                return Err(Breach {
                    at: block,
                    rule: Rule::Effort,
                });
            }
            self.follow(block)?;
        }
        Ok(self.count(report))
    }

    /// Follows a block up to where another one begins.
    fn follow(&mut self, block: u64) -> Result<(), Breach> {
        let Some(found) = self.blocks.get(&block) else {
            return Ok(());
        };
        let mut state = found.state.clone();
        let mut at = block;
        loop {
            let breach = |rule| Breach { at, rule };
            let instruction = self.decode(at).map_err(breach)?;
            let next = self.step(&instruction, &mut state).map_err(breach)?;
            match next {
                Next::Ends => return Ok(()),
                Next::Falls => {}
                Next::Jumps(target) => {
                    self.jump(target, state).map_err(breach)?;
                    return Ok(());
                }
                Next::Branches(target, condition) => {
                    let mut taken = state.clone();
                    let least = self.surroundings.least_memory;
                    taken.assume(condition, least);
                    self.jump(target, taken).map_err(breach)?;
                    state.assume(negated(condition), least);
                }
                Next::Table { table, count } => {
                    self.jump_by_table(table, count, &state).map_err(breach)?;
                    return Ok(());
                }
            }
            at = instruction.next_ip();
            if self.blocks.contains_key(&at) {
                self.reach(at, state);
                return Ok(());
            }
        }
    }

    /// Notes that control comes to a place in this state.
    fn reach(&mut self, at: u64, state: State) {
        let Some(block) = self.blocks.get_mut(&at) else {
            self.blocks.insert(at, Block { state, visits: 0 });
            self.work.insert(at);
            return;
        };
        let mut joined = block.state.join(&state);
        if joined == block.state {
            return;
        }
        block.visits += 1;
        if block.visits > VISITS_BEFORE_WIDENING {
            joined = block.state.widened(joined);
        }
        block.state = joined;
        self.work.insert(at);
    }

    fn jump(&mut self, target: u64, state: State) -> Result<(), Rule> {
        if target < self.start || target >= self.end {
            return Err(Rule::JumpInside);
        }
        let is_new = !self.blocks.contains_key(&target);
        let mark = self.marks.get(self.position(target)?).copied();
        if is_new && mark == Some(Mark::Start) {
            // The code around it was followed as one block, which has to end here from now on.
            if let Some((around, _)) = self.blocks.range(..target).next_back() {
                self.work.insert(*around);
            }
        }
        self.reach(target, state);
        Ok(())
    }

    fn jump_by_table(&mut self, table: u64, count: u64, state: &State) -> Result<(), Rule> {
        let len_bytes = count.checked_mul(4).ok_or(Rule::JumpTable)?;
        self.mark_data(table, len_bytes)?;
        self.tables.insert(table);
        let mut targets = BTreeSet::new();
        for index in 0..count {
            let entry = usize::try_from(table + index * 4).map_err(|_| Rule::JumpTable)?;
            let bytes = self.parts.text.get(entry..).and_then(<[u8]>::first_chunk);
            let distance = i32::from_le_bytes(*bytes.ok_or(Rule::JumpTable)?);
            targets.insert(table.wrapping_add_signed(i64::from(distance)));
        }
        for target in targets {
            self.jump(target, state.clone())?;
        }
        Ok(())
    }

    fn position(&self, at: u64) -> Result<usize, Rule> {
        let position = at.checked_sub(self.start).ok_or(Rule::JumpInside)?;
        usize::try_from(position).map_err(|_| Rule::JumpInside)
    }

    fn mark_data(&mut self, at: u64, len_bytes: u64) -> Result<(), Rule> {
        let start = self.position(at)?;
        let len = usize::try_from(len_bytes).map_err(|_| Rule::ConstantInside)?;
        let end = start.checked_add(len).ok_or(Rule::ConstantInside)?;
        let marks = self.marks.get_mut(start..end).ok_or(Rule::ConstantInside)?;
        for mark in marks {
            match mark {
                Mark::Start | Mark::Inside => return Err(Rule::OneReading),
                Mark::Nothing | Mark::Data => *mark = Mark::Data,
            }
        }
        Ok(())
    }

    /// The instruction at a place, which was judged by itself when it was first seen.
    fn decode(&mut self, at: u64) -> Result<Instruction, Rule> {
        if let Some(instruction) = self.instructions.get(&at) {
            return Ok(*instruction);
        }
        if at >= self.end {
            return Err(Rule::Decodes);
        }
        let position = self.position(at)?;
        self.decoder
            .set_position(position)
            .map_err(|_| Rule::Decodes)?;
        self.decoder.set_ip(at);
        let instruction = self.decoder.decode();
        if instruction.is_invalid() {
            return Err(Rule::Decodes);
        }
        let bytes = usize::try_from(at)
            .ok()
            .and_then(|at| self.parts.text.get(at..));
        if !is_known(&instruction, bytes.unwrap_or_default()) {
            return Err(Rule::KnownInstruction);
        }
        if !is_available(&instruction, self.parts.descriptor.cpu_features) {
            return Err(Rule::NamedFeature);
        }
        let marks = self
            .marks
            .get_mut(position..position + instruction.len())
            .ok_or(Rule::Decodes)?;
        if marks.iter().any(|mark| *mark != Mark::Nothing) {
            return Err(Rule::OneReading);
        }
        marks.fill(Mark::Inside);
        marks[0] = Mark::Start;
        self.instructions.insert(at, instruction);
        Ok(instruction)
    }

    fn step(&mut self, instruction: &Instruction, state: &mut State) -> Result<Next, Rule> {
        let mut effects = Effects::default();
        let next = match instruction.mnemonic() {
            Mnemonic::Ud2 => Next::Ends,
            Mnemonic::Ret => {
                self.check_return(instruction, state)?;
                Next::Ends
            }
            Mnemonic::Jmp if instruction.op0_kind() == OpKind::NearBranch64 => {
                Next::Jumps(instruction.near_branch_target())
            }
            Mnemonic::Jmp if !instruction.is_jmp_near_indirect() => {
                return Err(Rule::KnownInstruction);
            }
            Mnemonic::Jmp => match self.stepper.read(instruction, state, &mut effects)? {
                Value::JumpTarget { table, count } => Next::Table { table, count },
                _ => return Err(Rule::JumpTable),
            },
            Mnemonic::Call => {
                self.call(instruction, state, &mut effects)?;
                Next::Falls
            }
            _ if instruction.is_jcc_short_or_near() => Next::Branches(
                instruction.near_branch_target(),
                instruction.condition_code(),
            ),
            _ => {
                self.stepper.step(instruction, state, &mut effects)?;
                Next::Falls
            }
        };
        if let Some((at, len_bytes)) = effects.constant {
            self.mark_data(at, len_bytes)?;
        }
        if let Some(verdict) = effects.verdict {
            self.note(instruction.ip(), verdict);
        }
        Ok(next)
    }

    /// What was shown once may not hold when control comes there in another way.
    fn note(&mut self, at: u64, (verdict, is_write): (Verdict, bool)) {
        let worse = match (self.verdicts.get(&at), verdict) {
            (Some((Verdict::Memory(before), _)), Verdict::Memory(now)) => {
                Verdict::Memory(*before && now)
            }
            (Some((Verdict::Table(before), _)), Verdict::Table(now)) => {
                Verdict::Table(*before && now)
            }
            _ => verdict,
        };
        self.verdicts.insert(at, (worse, is_write));
    }

    fn call(
        &mut self,
        instruction: &Instruction,
        state: &mut State,
        effects: &mut Effects,
    ) -> Result<(), Rule> {
        let stack_pointer = state.stack_pointer().ok_or(Rule::StackPointer)?;
        // The function was entered with a return address on an aligned stack.
        if (stack_pointer - 8) % 16 != 0 {
            return Err(Rule::StackAlignment);
        }
        let is_direct = instruction.op0_kind() == OpKind::NearBranch64;
        let mut keeps_all = false;
        if is_direct {
            let target = instruction.near_branch_target();
            if state.registers[RDI] != Value::Vmctx(0) {
                return Err(Rule::CallArgument);
            }
            if let Some(defined) = self.callees.function_at(target) {
                let ty = self.parts.defined_type(defined).ok_or(Rule::CallTarget)?;
                check_room(state, stack_pointer, argument_bytes(ty))?;
            } else if self.callees.is_stub(target) {
                keeps_all = true;
            } else {
                return Err(Rule::CallTarget);
            }
        } else if instruction.is_call_near_indirect() {
            let code = self.stepper.read(instruction, state, effects)?;
            check_indirect_call(self.parts, self.surroundings, state, code)?;
            if self.subject != Subject::Stub {
                check_room(state, stack_pointer, 0)?;
            }
        } else {
            return Err(Rule::KnownInstruction);
        }
        self.after_call(state, stack_pointer, keeps_all);
        Ok(())
    }

    /// What is left of the state when a callee has returned.
    fn after_call(&self, state: &mut State, stack_pointer: i64, keeps_all: bool) {
        state.flags = None;
        if self.parts.descriptor.options.fuel {
            state.set(R15, Value::Any);
        }
        if keeps_all {
            return;
        }
        for register in [0, 1, 2, 6, 7, 8, 9, 10, 11] {
            state.set(register, Value::Any);
        }
        state.slots = state.slots.split_off(&stack_pointer);
        if !self.surroundings.has_guard_pages {
            // The callee may have let the memory grow, and so moved it.
            state.map_values(|value| match value {
                Value::Memory(..) => Value::Any,
                value => value,
            });
        }
    }

    fn check_return(&self, instruction: &Instruction, state: &mut State) -> Result<(), Rule> {
        if instruction.op_count() != 0 {
            return Err(Rule::StackBalance);
        }
        if state.registers[RSP] != Value::Stack(0) || state.load(0) != Value::ReturnAddress {
            return Err(Rule::StackBalance);
        }
        let has_fuel = self.parts.descriptor.options.fuel;
        let kept: &[usize] = match self.subject {
            Subject::Function(_) => &[3, 5, 12, 13, 14, 15],
            Subject::Stub => &[0, 1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
        };
        for register in kept.iter().copied() {
            let number = u8::try_from(register).map_err(|_| Rule::KeptRegisters)?;
            let is_kept = match state.registers[register] {
                Value::Saved(saved) => saved == number,
                Value::Vmctx(0) => register == RDI,
                _ => false,
            };
            let is_pinned = register == R15 && has_fuel;
            if !is_kept && !is_pinned {
                return Err(Rule::KeptRegisters);
            }
        }
        Ok(())
    }

    /// Adds what was found to the report. Returns the end of what was reached.
    fn count(self, report: &mut Report) -> u64 {
        report.instructions += self.instructions.len() as u64;
        report.jump_tables += self.tables.len() as u64;
        for (verdict, is_write) in self.verdicts.values() {
            report.count_access(*verdict, *is_write);
        }
        for instruction in self.instructions.values() {
            if instruction.mnemonic() == Mnemonic::Call {
                let is_direct = instruction.op0_kind() == OpKind::NearBranch64;
                report.count_call(is_direct);
            }
        }
        let mut end = self.start;
        for (at, mark) in (self.start..).zip(&self.marks) {
            match mark {
                Mark::Nothing => report.unreached_bytes += 1,
                Mark::Start | Mark::Inside => {
                    report.code_bytes += 1;
                    end = at + 1;
                }
                Mark::Data => report.data_bytes += 1,
            }
        }
        end
    }
}

/// Checks that there is stack for the arguments in this frame, and below for the return address and frame pointer.
fn check_room(state: &State, stack_pointer: i64, argument_bytes: i64) -> Result<(), Rule> {
    if stack_pointer.saturating_add(argument_bytes) > 0 {
        return Err(Rule::FrameInside);
    }
    if stack_pointer - 16 < state.floor {
        return Err(Rule::StackCheck);
    }
    Ok(())
}
