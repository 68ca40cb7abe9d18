//! Follows what one instruction does to registers and memory.

use crate::{
    access::{Access, Judged, Surroundings, Verdict},
    fault::Rule,
    state::{Comparison, RSP, Side, State, general},
    value::{Number, U32_MAX, Value},
};
use iced_x86::{
    ConditionCode, Instruction, InstructionInfoFactory, Mnemonic, OpAccess, OpKind, Register,
};

/// Judges single instructions.
pub(crate) struct Stepper<'a> {
    pub surroundings: &'a Surroundings,
    pub info: InstructionInfoFactory,
    /// Bytes of arguments of the function on the stack.
    pub argument_bytes: i64,
    /// Where the function's bytes are in the text.
    pub start: u64,
    pub end: u64,
}

/// What an instruction read of constants in the text.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Effects {
    /// How its access was judged.
    pub verdict: Option<(Verdict, bool)>,
    /// Offset and length of a constant.
    pub constant: Option<(u64, u64)>,
}

/// A memory operand.
struct Operand {
    loaded: Value,
    /// Where on the stack it is.
    slot: Option<i64>,
    len_bytes: u64,
}

impl Stepper<'_> {
    /// Follows an instruction that control leaves at its end.
    pub(crate) fn step(
        &mut self,
        instruction: &Instruction,
        state: &mut State,
        effects: &mut Effects,
    ) -> Result<(), Rule> {
        match instruction.mnemonic() {
            Mnemonic::Push => return self.push(instruction, state),
            Mnemonic::Pop => return pop(instruction, state),
            Mnemonic::Lea => {
                let address = self.lea(instruction, state)?;
                return write_result(instruction, state, address);
            }
            Mnemonic::Nop => return Ok(()),
            _ => {}
        }
        let operand = self.memory_operand(instruction, state, effects)?;
        self.apply(instruction, state, operand)
    }

    /// The value of an operand that is not the target of a jump.
    pub(crate) fn read(
        &mut self,
        instruction: &Instruction,
        state: &State,
        effects: &mut Effects,
    ) -> Result<Value, Rule> {
        let operand = self.memory_operand(instruction, state, effects)?;
        Ok(source(instruction, 0, state, operand.as_ref()))
    }

    /// Judges the memory operand, if there is one.
    fn memory_operand(
        &mut self,
        instruction: &Instruction,
        state: &State,
        effects: &mut Effects,
    ) -> Result<Option<Operand>, Rule> {
        let has_memory = (0..instruction.op_count())
            .any(|operand| instruction.op_kind(operand) == OpKind::Memory);
        let used = self.info.info(instruction).used_memory();
        let (used, is_write) = match used {
            [] if !has_memory => return Ok(None),
            // An instruction that calls pushes as well; that is judged elsewhere.
            _ if !has_memory && instruction.mnemonic() == Mnemonic::Call => return Ok(None),
            _ if !has_memory => return Err(Rule::KnownInstruction),
            [used, ..] => (used, writes(used.access())),
            [] => return Err(Rule::KnownInstruction),
        };
        let len_bytes = used.memory_size().size() as u64;
        let displacement = instruction.memory_displacement64().cast_signed();
        let base = instruction.memory_base();
        if base == Register::RIP {
            let at = instruction.memory_displacement64();
            self.check_constant(at, len_bytes, is_write)?;
            effects.constant = Some((at, len_bytes));
            return Ok(Some(Operand {
                loaded: Value::Any,
                slot: None,
                len_bytes,
            }));
        }
        let base_value = register_value(state, base)?;
        let has_index = instruction.memory_index() != Register::None;
        if !has_index
            && let Some(judged) =
                self.surroundings
                    .judge_field(base_value, displacement, len_bytes, is_write)
        {
            let Judged { loaded, verdict } = judged?;
            effects.verdict = Some((verdict, is_write));
            return Ok(Some(Operand {
                loaded,
                slot: None,
                len_bytes,
            }));
        }
        let address = address(instruction, state)?;
        if let Some(loaded) = self.jump_offset(instruction, base_value, state, len_bytes)? {
            if is_write {
                return Err(Rule::WritablePlace);
            }
            return Ok(Some(Operand {
                loaded,
                slot: None,
                len_bytes,
            }));
        }
        let access = Access {
            address,
            len_bytes,
            is_write,
        };
        let judged = self
            .surroundings
            .judge(access, state, self.argument_bytes)?;
        effects.verdict = Some((judged.verdict, is_write));
        let slot = match address {
            Value::Stack(offset) => Some(offset),
            _ => None,
        };
        Ok(Some(Operand {
            loaded: judged.loaded,
            slot,
            len_bytes,
        }))
    }

    /// What is read of a jump table: `[table + index * 4]` with a bounded index.
    fn jump_offset(
        &self,
        instruction: &Instruction,
        base: Value,
        state: &State,
        len_bytes: u64,
    ) -> Result<Option<Value>, Rule> {
        let Value::Text(table) = base else {
            return Ok(None);
        };
        let is_load = instruction.mnemonic() == Mnemonic::Movsxd && len_bytes == 4;
        let is_plain =
            instruction.memory_index_scale() == 4 && instruction.memory_displacement64() == 0;
        let index = register_value(state, instruction.memory_index())?.number();
        let Some(index) = index.filter(|index| is_load && is_plain && index.lo >= 0) else {
            return Err(Rule::JumpTable);
        };
        let count = index.hi.unsigned_abs().saturating_add(1);
        let room = self.end.saturating_sub(table) / 4;
        if table < self.start || count > room {
            return Err(Rule::JumpTable);
        }
        Ok(Some(Value::JumpOffset { table, count }))
    }

    fn check_constant(&self, at: u64, len_bytes: u64, is_write: bool) -> Result<(), Rule> {
        if is_write {
            return Err(Rule::WritablePlace);
        }
        let end = at.checked_add(len_bytes).ok_or(Rule::ConstantInside)?;
        if at < self.start || end > self.end {
            return Err(Rule::ConstantInside);
        }
        Ok(())
    }

    fn lea(&self, instruction: &Instruction, state: &State) -> Result<Value, Rule> {
        if instruction.memory_base() == Register::RIP {
            let at = instruction.memory_displacement64();
            self.check_constant(at, 1, false)?;
            return Ok(Value::Text(at));
        }
        address(instruction, state)
    }

    fn push(&mut self, instruction: &Instruction, state: &mut State) -> Result<(), Rule> {
        let stack_pointer = state.stack_pointer().ok_or(Rule::StackPointer)?;
        let Some((register, 8)) = general(instruction.op0_register()) else {
            return Err(Rule::KnownInstruction);
        };
        let value = state.registers[register];
        move_stack_pointer(state, Value::Stack(stack_pointer - 8))?;
        state.store(stack_pointer - 8, 8, value);
        Ok(())
    }

    fn apply(
        &mut self,
        instruction: &Instruction,
        state: &mut State,
        operand: Option<Operand>,
    ) -> Result<(), Rule> {
        let operand = operand.as_ref();
        let mnemonic = instruction.mnemonic();
        if mnemonic == Mnemonic::Cmp {
            state.flags = compare(instruction, state, operand);
            return Ok(());
        }
        let result = result(instruction, state, operand);
        // A condition is judged by the flags before the instruction; `cmov` changes none.
        if instruction.rflags_modified() != 0 {
            state.flags = None;
        }
        if let Some(operand) = operand
            && instruction.op0_kind() == OpKind::Memory
        {
            if let Some(slot) = operand.slot
                && mnemonic != Mnemonic::Test
                && mnemonic != Mnemonic::Bt
            {
                state.store(slot, operand.len_bytes, result.unwrap_or(Value::Any));
            }
            if mnemonic != Mnemonic::Xchg {
                return self.forget_written(instruction, state, false);
            }
        }
        match result {
            Some(value) => write_result(instruction, state, value),
            None => self.forget_written(instruction, state, true),
        }
    }

    /// Nothing is known of registers that the instruction writes, but that writing 32 bits clears the others.
    fn forget_written(
        &mut self,
        instruction: &Instruction,
        state: &mut State,
        writes_first: bool,
    ) -> Result<(), Rule> {
        let first = general(instruction.op0_register()).filter(|_| writes_first);
        let written: Vec<(usize, OpAccess)> = self
            .info
            .info(instruction)
            .used_registers()
            .iter()
            .filter(|used| writes(used.access()))
            .filter_map(|used| Some((general(used.register())?.0, used.access())))
            .collect();
        for (register, access) in written {
            if register == RSP {
                return Err(Rule::StackPointer);
            }
            let is_whole = access == OpAccess::Write || access == OpAccess::ReadWrite;
            let value = match first {
                Some((first, 4)) if first == register && is_whole => Value::U32,
                _ => Value::Any,
            };
            state.set(register, value);
        }
        Ok(())
    }
}

/// Takes or gives back stack.
pub(crate) fn move_stack_pointer(state: &mut State, value: Value) -> Result<(), Rule> {
    let Value::Stack(offset) = value else {
        return Err(Rule::StackPointer);
    };
    if offset > 0 {
        return Err(Rule::StackBalance);
    }
    if offset < state.floor {
        return Err(Rule::StackCheck);
    }
    state.set(RSP, value);
    // What is below it may be overwritten by signal handlers and callees.
    state.slots = state.slots.split_off(&offset);
    Ok(())
}

fn pop(instruction: &Instruction, state: &mut State) -> Result<(), Rule> {
    let stack_pointer = state.stack_pointer().ok_or(Rule::StackPointer)?;
    let Some((register, 8)) = general(instruction.op0_register()) else {
        return Err(Rule::KnownInstruction);
    };
    if register == RSP {
        return Err(Rule::StackPointer);
    }
    if stack_pointer >= 0 {
        return Err(Rule::StackBalance);
    }
    let value = state.load(stack_pointer);
    move_stack_pointer(state, Value::Stack(stack_pointer + 8))?;
    state.set(register, value);
    Ok(())
}

/// Writes the result of an instruction to the register that is its first operand.
fn write_result(instruction: &Instruction, state: &mut State, value: Value) -> Result<(), Rule> {
    let Some((register, size)) = general(instruction.op0_register()) else {
        return Ok(());
    };
    let value = match size {
        8 => value,
        4 => value.low_half(),
        _ => Value::Any,
    };
    if register == RSP {
        return move_stack_pointer(state, value);
    }
    name_new_number(instruction, state, value, register);
    Ok(())
}

/// Copies of a number without a name, and sums of one and a constant, get names, so that what is found out of one is known
/// of the other.
fn name_new_number(instruction: &Instruction, state: &mut State, value: Value, register: usize) {
    let named = unnamed(value).and_then(|number| {
        let (summand, add) = single_summand(instruction, register)?;
        let summand_number = unnamed(state.registers[summand])?;
        let name = u32::try_from(instruction.ip()).ok()?;
        Some((number, summand, summand_number, name, add))
    });
    let Some((number, summand, summand_number, name, add)) = named else {
        return state.set(register, value);
    };
    state.forget_symbol(name);
    let with_name = |number: Number, add| {
        Value::Number(Number {
            symbol: Some((name, add)),
            ..number
        })
    };
    if summand != register {
        state.registers[summand] = with_name(summand_number, 0);
    }
    state.set(register, with_name(number, add));
}

/// The value as a number that could be given a name.
fn unnamed(value: Value) -> Option<Number> {
    match value {
        Value::Any => Some(Number::new(i64::MIN, i64::MAX)),
        Value::Number(number) if number.symbol.is_none() && number.as_constant().is_none() => {
            Some(number)
        }
        _ => None,
    }
}

/// The register and the constant whose sum the instruction computes.
fn single_summand(instruction: &Instruction, register: usize) -> Option<(usize, i64)> {
    let (_, 8) = general(instruction.op0_register())? else {
        return None;
    };
    match instruction.mnemonic() {
        Mnemonic::Mov if instruction.op1_kind() == OpKind::Register => {
            let (source, _) = general(instruction.op1_register())?;
            Some((source, 0))
        }
        Mnemonic::Lea if instruction.memory_index() == Register::None => {
            let (base, _) = general(instruction.memory_base())?;
            Some((base, instruction.memory_displacement64().cast_signed()))
        }
        Mnemonic::Add => Some((register, immediate(instruction, 1)?)),
        _ => None,
    }
}

/// What the instruction computes, if that is followed.
fn result(instruction: &Instruction, state: &State, operand: Option<&Operand>) -> Option<Value> {
    use Mnemonic as M;
    let size = operand_size(instruction, operand)?;
    let read = |index| {
        let value = source(instruction, index, state, operand);
        if size == 4 { value.low_half() } else { value }
    };
    let is_same = instruction.op_count() == 2
        && instruction.op0_kind() == OpKind::Register
        && instruction.op1_kind() == OpKind::Register
        && instruction.op0_register() == instruction.op1_register();
    match instruction.mnemonic() {
        M::Mov if size >= 4 => Some(read(1)),
        M::Movzx => Some(zero_extended(instruction, state, operand)),
        M::Movsxd | M::Movsx => Some(sign_extended(instruction, state, operand)),
        M::Xor | M::Sub if is_same && size >= 4 => Some(Value::constant(0)),
        M::Xor | M::Sub if size >= 4 && read(0).is_same_number(read(1)) => Some(Value::constant(0)),
        M::Add if size >= 4 => Some(read(0).plus(read(1))),
        M::Sub if size >= 4 => Some(read(0).minus(read(1))),
        M::And if size >= 4 => Some(masked(read(0), read(1), size)),
        M::Or | M::Xor if size >= 4 => combined(read(0), read(1)),
        M::Shl if size >= 4 => {
            let bits = shift_bits(instruction, size)?;
            Some(read(0).shifted(bits))
        }
        M::Shr if size >= 4 => {
            let bits = shift_bits(instruction, size)?;
            Some(shifted_right(read(0), bits))
        }
        M::Imul if size >= 4 && instruction.op_count() == 3 => multiplied(read(1), read(2)),
        M::Popcnt | M::Lzcnt | M::Tzcnt if size >= 4 => Some(Value::Number(Number::new(0, 64))),
        _ if is_conditional_move(instruction) && size >= 4 => {
            Some(conditional_move(instruction, state, operand, size))
        }
        _ => None,
    }
}

fn is_conditional_move(instruction: &Instruction) -> bool {
    instruction.condition_code() != ConditionCode::None
        && !instruction.is_jcc_short_or_near()
        && instruction.op_count() == 2
}

/// Either is possible; each holds together with what the condition says.
fn conditional_move(
    instruction: &Instruction,
    state: &State,
    operand: Option<&Operand>,
    size: usize,
) -> Value {
    let condition = instruction.condition_code();
    let mut moved = state.clone();
    moved.assume(condition, 0);
    let mut kept = state.clone();
    kept.assume(negated(condition), 0);
    let half = |value: Value| if size == 4 { value.low_half() } else { value };
    let moved = half(source(instruction, 1, &moved, operand));
    let kept = half(source(instruction, 0, &kept, None));
    moved.join(kept)
}

/// The condition that holds where this one does not.
pub(crate) fn negated(condition: ConditionCode) -> ConditionCode {
    use ConditionCode as C;
    match condition {
        C::o => C::no,
        C::no => C::o,
        C::b => C::ae,
        C::ae => C::b,
        C::e => C::ne,
        C::ne => C::e,
        C::be => C::a,
        C::a => C::be,
        C::s => C::ns,
        C::ns => C::s,
        C::p => C::np,
        C::np => C::p,
        C::l => C::ge,
        C::ge => C::l,
        C::le => C::g,
        C::g => C::le,
        other => other,
    }
}

fn compare(
    instruction: &Instruction,
    state: &State,
    operand: Option<&Operand>,
) -> Option<Comparison> {
    let size = operand_size(instruction, operand)?;
    if size < 4 {
        return None;
    }
    let is_wide = size == 8;
    let side = |index| {
        let value = source(instruction, index, state, operand);
        Some(Side {
            register: match instruction.op_kind(index) {
                OpKind::Register => Some(general(instruction.op_register(index))?.0),
                _ => None,
            },
            value: if is_wide { value } else { value.low_half() },
        })
    };
    Some(Comparison {
        is_wide,
        left: side(0)?,
        right: side(1)?,
    })
}

/// Bytes of the first operand.
fn operand_size(instruction: &Instruction, operand: Option<&Operand>) -> Option<usize> {
    match instruction.op0_kind() {
        OpKind::Register => general(instruction.op0_register()).map(|(_, size)| size),
        OpKind::Memory => usize::try_from(operand?.len_bytes).ok(),
        _ => None,
    }
}

/// The value of an operand in as many bits as it has; a narrower register's is that of the whole register.
fn source(
    instruction: &Instruction,
    index: u32,
    state: &State,
    operand: Option<&Operand>,
) -> Value {
    match instruction.op_kind(index) {
        OpKind::Register => match general(instruction.op_register(index)) {
            Some((register, 8)) => state.registers[register],
            Some((register, 4)) => state.registers[register].low_half(),
            _ => Value::Any,
        },
        OpKind::Memory => match operand {
            Some(Operand {
                loaded, len_bytes, ..
            }) => match (loaded, len_bytes) {
                (loaded, 8) => *loaded,
                (Value::JumpOffset { .. }, _) => *loaded,
                (_, 4) => Value::U32,
                (_, 2) => Value::Number(Number::new(0, 0xffff)),
                (_, 1) => Value::Number(Number::new(0, 0xff)),
                _ => Value::Any,
            },
            None => Value::Any,
        },
        _ => immediate(instruction, index).map_or(Value::Any, Value::constant),
    }
}

fn immediate(instruction: &Instruction, index: u32) -> Option<i64> {
    let value = instruction.try_immediate(index).ok()?;
    Some(value.cast_signed())
}

fn zero_extended(instruction: &Instruction, state: &State, operand: Option<&Operand>) -> Value {
    let (size, value) = match instruction.op1_kind() {
        OpKind::Register => {
            let register = instruction.op1_register();
            let Some((index, size)) = general(register) else {
                return Value::Any;
            };
            (size, state.registers[index])
        }
        _ => (
            operand.map_or(8, |operand| usize::try_from(operand.len_bytes).unwrap_or(8)),
            Value::Any,
        ),
    };
    let highest = match size {
        1 => 0xff,
        2 => 0xffff,
        4 => U32_MAX,
        _ => return Value::Any,
    };
    match value {
        Value::Number(number) if number.lo >= 0 && number.hi <= highest => value,
        _ => Value::Number(Number::new(0, highest)),
    }
}

fn sign_extended(instruction: &Instruction, state: &State, operand: Option<&Operand>) -> Value {
    let (size, value) = match instruction.op1_kind() {
        OpKind::Register => {
            let Some((index, size)) = general(instruction.op1_register()) else {
                return Value::Any;
            };
            (size, state.registers[index])
        }
        _ => match operand {
            Some(operand) => (
                usize::try_from(operand.len_bytes).unwrap_or(8),
                operand.loaded,
            ),
            None => return Value::Any,
        },
    };
    let half = match size {
        1 => 0x80,
        2 => 0x8000,
        4 => 0x8000_0000,
        _ => return Value::Any,
    };
    match value {
        Value::JumpOffset { .. } if size == 4 && instruction.op1_kind() == OpKind::Memory => value,
        Value::Number(number) if number.lo >= -half && number.hi < half => value,
        _ => Value::Number(Number::new(-half, half - 1)),
    }
}

fn masked(a: Value, b: Value, size: usize) -> Value {
    let bound = |value: Value| value.number().filter(|number| number.lo >= 0);
    let highest = match (bound(a), bound(b)) {
        (Some(a), Some(b)) => a.hi.min(b.hi),
        (Some(number), None) | (None, Some(number)) => number.hi,
        (None, None) if size == 4 => U32_MAX,
        (None, None) => return Value::Any,
    };
    let mut number = Number::new(0, highest);
    let mask = b.number().and_then(|number| number.as_constant());
    if let Some(mask) = mask.filter(|mask| *mask != 0) {
        number.step = u8::try_from(mask.trailing_zeros()).unwrap_or(0);
    }
    Value::Number(number)
}

/// `or` and `xor` set no bit above the highest of either.
fn combined(a: Value, b: Value) -> Option<Value> {
    let bound = |value: Value| value.number().filter(|number| number.lo >= 0);
    let bits = bound(a)?.hi | bound(b)?.hi;
    let highest = match bits
        .unsigned_abs()
        .checked_add(1)?
        .checked_next_power_of_two()
    {
        Some(power) => i64::try_from(power - 1).ok()?,
        None => i64::MAX,
    };
    Some(Value::Number(Number::new(0, highest)))
}

fn shift_bits(instruction: &Instruction, size: usize) -> Option<u8> {
    let bits = immediate(instruction, 1)?;
    let bits = bits & if size == 8 { 63 } else { 31 };
    u8::try_from(bits).ok()
}

fn shifted_right(value: Value, bits: u8) -> Value {
    match value {
        _ if bits == 0 => value,
        Value::Number(number) if number.lo >= 0 => {
            Value::Number(Number::new(number.lo >> bits, number.hi >> bits))
        }
        _ => Value::Number(Number::new(0, i64::MAX >> (bits - 1))),
    }
}

fn multiplied(a: Value, b: Value) -> Option<Value> {
    let (a, b) = (a.number()?, b.number()?.as_constant()?);
    let ends = (a.lo.checked_mul(b)?, a.hi.checked_mul(b)?);
    Some(Value::Number(Number::new(
        ends.0.min(ends.1),
        ends.0.max(ends.1),
    )))
}

fn register_value(state: &State, register: Register) -> Result<Value, Rule> {
    match general(register) {
        Some((register, 8)) => Ok(state.registers[register]),
        Some(_) => Err(Rule::KnownInstruction),
        None if register == Register::None => Ok(Value::constant(0)),
        None => Err(Rule::KnownInstruction),
    }
}

/// The address that a memory operand means.
fn address(instruction: &Instruction, state: &State) -> Result<Value, Rule> {
    let base = register_value(state, instruction.memory_base())?;
    let index = register_value(state, instruction.memory_index())?;
    let scale = u8::try_from(instruction.memory_index_scale().trailing_zeros()).unwrap_or(3);
    let displacement = Value::constant(instruction.memory_displacement64().cast_signed());
    // The displacement goes to the base, where that is a place and the index is none.
    Ok(base.plus(index.shifted(scale)).plus(displacement))
}

fn writes(access: OpAccess) -> bool {
    matches!(
        access,
        OpAccess::Write | OpAccess::CondWrite | OpAccess::ReadWrite | OpAccess::ReadCondWrite
    )
}
