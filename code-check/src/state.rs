//! What is known of registers, stack and flags at one place.

use crate::value::{Number, U32_MAX, Value};
use iced_x86::{ConditionCode, Register};
use std::collections::BTreeMap;

pub(crate) const RSP: usize = 4;
pub(crate) const RDI: usize = 7;
pub(crate) const R15: usize = 15;

/// One side of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Side {
    /// The register that was compared, as long as it holds the same.
    pub register: Option<usize>,
    pub value: Value,
}

/// What the flags say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Comparison {
    /// Whether 64 bits were compared, else 32.
    pub is_wide: bool,
    pub left: Side,
    pub right: Side,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct State {
    pub registers: [Value; 16],
    /// What lies on the stack, by its distance from the stack pointer at the function's entry; what is not here is
    /// not known.
    pub slots: BTreeMap<i64, Value>,
    pub flags: Option<Comparison>,
    /// How far down the stack was compared with the limit.
    pub floor: i64,
}

impl State {
    /// Where a function or stub begins.
    pub(crate) fn entry(floor: i64) -> Self {
        let mut registers = [Value::Any; 16];
        for (number, value) in (0u8..).zip(&mut registers) {
            *value = Value::Saved(number);
        }
        registers[RSP] = Value::Stack(0);
        registers[RDI] = Value::Vmctx(0);
        Self {
            registers,
            slots: BTreeMap::from([(0, Value::ReturnAddress)]),
            flags: None,
            floor,
        }
    }

    pub(crate) fn set(&mut self, register: usize, value: Value) {
        self.registers[register] = value;
        if let Some(flags) = &mut self.flags {
            for side in [&mut flags.left, &mut flags.right] {
                side.register = side.register.filter(|compared| *compared != register);
            }
        }
    }

    pub(crate) fn stack_pointer(&self) -> Option<i64> {
        match self.registers[RSP] {
            Value::Stack(offset) => Some(offset),
            _ => None,
        }
    }

    /// Stores to the stack.
    pub(crate) fn store(&mut self, offset: i64, len_bytes: u64, value: Value) {
        let end = offset.saturating_add_unsigned(len_bytes);
        // Slots have eight bytes and are aligned; what touches one in part makes it unknown.
        let touched: Vec<i64> = self
            .slots
            .range(offset.saturating_sub(7)..end)
            .map(|(slot, _)| *slot)
            .collect();
        for slot in touched {
            self.slots.remove(&slot);
        }
        if len_bytes == 8 && value != Value::Any {
            self.slots.insert(offset, value);
        }
    }

    pub(crate) fn load(&self, offset: i64) -> Value {
        self.slots.get(&offset).copied().unwrap_or(Value::Any)
    }

    /// Replaces every value.
    pub(crate) fn map_values(&mut self, change: impl Fn(Value) -> Value) {
        for value in self.registers.iter_mut().chain(self.slots.values_mut()) {
            *value = change(*value);
        }
        if let Some(flags) = &mut self.flags {
            flags.left.value = change(flags.left.value);
            flags.right.value = change(flags.right.value);
        }
    }

    /// Makes sure that nothing else is called by a name.
    pub(crate) fn forget_symbol(&mut self, name: u32) {
        self.map_values(|value| {
            with_number(value, |number| Number {
                symbol: number.symbol.filter(|(other, _)| *other != name),
                ..number
            })
        });
    }

    /// What holds when control comes from here or there.
    pub(crate) fn join(&self, other: &Self) -> Self {
        let mut registers = [Value::Any; 16];
        for (index, value) in registers.iter_mut().enumerate() {
            *value = self.registers[index].join(other.registers[index]);
        }
        let slots = self.slots.iter().filter_map(|(slot, value)| {
            let joined = value.join(*other.slots.get(slot)?);
            (joined != Value::Any).then_some((*slot, joined))
        });
        Self {
            registers,
            slots: slots.collect(),
            flags: self.flags.filter(|flags| other.flags == Some(*flags)),
            floor: self.floor.max(other.floor),
        }
    }

    /// What to assume where the state was `self` and keeps changing, now to `next`.
    pub(crate) fn widened(&self, mut next: Self) -> Self {
        for (value, before) in next.registers.iter_mut().zip(&self.registers) {
            *value = before.widened(*value);
        }
        for (slot, value) in &mut next.slots {
            if let Some(before) = self.slots.get(slot) {
                *value = before.widened(*value);
            }
        }
        next.slots.retain(|_, value| *value != Value::Any);
        next
    }

    /// Adds what a condition says that holds. `least_memory` is the least length of the memory.
    pub(crate) fn assume(&mut self, condition: ConditionCode, least_memory: i64) {
        let Some(Comparison {
            is_wide,
            left,
            right,
        }) = self.flags
        else {
            return;
        };
        use ConditionCode as C;
        // In the form `lower < or <= upper`, without signs.
        let (lower, upper, is_strict) = match condition {
            C::b => (left, right, true),
            C::be => (left, right, false),
            C::a => (right, left, true),
            C::ae => (right, left, false),
            C::e => {
                self.assume_ordered(is_wide, left, right, false, least_memory);
                return self.assume_ordered(is_wide, right, left, false, least_memory);
            }
            C::l | C::le | C::g | C::ge => {
                let (lower, upper, is_strict) = match condition {
                    C::l => (left, right, true),
                    C::le => (left, right, false),
                    C::g => (right, left, true),
                    _ => (right, left, false),
                };
                return self.assume_signed(is_wide, lower, upper, is_strict);
            }
            _ => return,
        };
        self.assume_ordered(is_wide, lower, upper, is_strict, least_memory);
    }

    fn assume_ordered(
        &mut self,
        is_wide: bool,
        lower: Side,
        upper: Side,
        is_strict: bool,
        least_memory: i64,
    ) {
        let one = i64::from(is_strict);
        match (lower.value, upper.value) {
            (Value::StackLimit(above), Value::Stack(offset)) if is_wide => {
                if let Some(floor) = offset.checked_sub(above) {
                    self.floor = self.floor.min(floor);
                }
            }
            (_, Value::MemoryLen(add)) if is_wide && add <= 0 && least_memory + add >= 0 => {
                self.assume_room(lower, one - add);
            }
            (_, Value::TableLen) if is_wide && is_strict => {
                self.refine(lower, |number| {
                    let mut number = number.unwrap_or(Number::new(0, U32_MAX));
                    number.lo = number.lo.max(0);
                    number.in_table = Some(0);
                    Some(number)
                });
            }
            (_, Value::Number(bound)) => {
                let fits = |number: Number| number.lo >= 0 && (is_wide || number.fits_u32());
                if fits(bound) && bound.hi >= one {
                    let hi = bound.hi - one;
                    self.refine(lower, |number| match number {
                        Some(number) if fits(number) => Some(Number {
                            hi: number.hi.min(hi),
                            ..number
                        }),
                        // Without signs it is at most that, so it has none.
                        _ if is_wide => Some(Number::new(0, hi)),
                        number => number,
                    });
                }
                if let Value::Number(least) = lower.value
                    && fits(bound)
                    && fits(least)
                {
                    let least = least.lo.saturating_add(one);
                    self.refine(upper, |number| {
                        number.map(|number| {
                            if fits(number) {
                                raised(number, least)
                            } else {
                                number
                            }
                        })
                    });
                }
            }
            _ => {}
        }
    }

    fn assume_signed(&mut self, is_wide: bool, lower: Side, upper: Side, is_strict: bool) {
        let (Value::Number(low), Value::Number(high)) = (lower.value, upper.value) else {
            return;
        };
        // Numbers of 32 bits are kept without a sign: they agree only below 2^31.
        let fits = |number: Number| is_wide || (number.lo >= 0 && number.hi <= 0x7fff_ffff);
        if !fits(low) || !fits(high) {
            return;
        }
        let one = i64::from(is_strict);
        // The register may hold more than the half that was compared.
        self.refine(lower, |number| {
            number.map(|number| Number {
                hi: if fits(number) {
                    number.hi.min(high.hi.saturating_sub(one))
                } else {
                    number.hi
                },
                ..number
            })
        });
        let least = low.lo.saturating_add(one);
        self.refine(upper, |number| {
            number.map(|number| {
                if fits(number) {
                    raised(number, least)
                } else {
                    number
                }
            })
        });
    }

    /// The number is at most the length of the memory less `room`; so is what has the same name.
    fn assume_room(&mut self, side: Side, room: i64) {
        let more = |number: Number, room: i64| Number {
            room: Some(number.room.map_or(room, |known| known.max(room))),
            ..number
        };
        self.refine(side, |number| {
            let number = number.unwrap_or(Number::new(0, U32_MAX + 1));
            // Compared without signs, it is below the length, so it has none.
            let lo = number.lo.max(0);
            let number = if lo == number.lo {
                number
            } else {
                raised(number, lo)
            };
            Some(more(number, room))
        });
        let Value::Number(Number {
            symbol: Some((name, add)),
            ..
        }) = side.value
        else {
            return;
        };
        self.map_values(|value| {
            with_number(value, |number| match number.symbol {
                Some((other, other_add)) if other == name => match add.checked_sub(other_add) {
                    Some(distance) => more(number, room.saturating_add(distance)),
                    None => number,
                },
                _ => number,
            })
        });
    }

    fn refine(&mut self, side: Side, change: impl Fn(Option<Number>) -> Option<Number>) {
        let Some(register) = side.register else {
            return;
        };
        let value = &mut self.registers[register];
        let refined = match *value {
            Value::Number(number) => change(Some(number)),
            Value::Any | Value::Saved(_) => change(None),
            _ => return,
        };
        match refined {
            // A state that cannot be: whatever is known of it, it is not reached.
            Some(number) if number.lo > number.hi => {}
            Some(number) => {
                let is_changed = *value != Value::Number(number);
                *value = Value::Number(number);
                if is_changed && number.symbol.is_some() {
                    self.map_values(|value| match value {
                        Value::Number(copy) if copy.symbol == number.symbol => {
                            Value::Number(number)
                        }
                        value => value,
                    });
                }
            }
            None => {}
        }
    }
}

/// The number with another least value, from which its steps cannot be counted.
fn raised(number: Number, lo: i64) -> Number {
    if lo <= number.lo {
        return number;
    }
    let unit = 1i64 << number.step.min(62);
    // The next value that agrees in the lowest bits.
    let distance = lo.saturating_sub(number.lo);
    let steps = distance.saturating_add(unit - 1) / unit;
    let Some(lo) = unit
        .checked_mul(steps)
        .and_then(|add| number.lo.checked_add(add))
    else {
        return number;
    };
    Number { lo, ..number }
}

/// Changes the number that a value is, or that is in it.
fn with_number(value: Value, change: impl Fn(Number) -> Number) -> Value {
    match value {
        Value::Number(number) => Value::Number(change(number)),
        Value::Memory(number, null) => Value::Memory(change(number), null),
        value => value,
    }
}

/// The register's number and its width in bytes, if it is a general one.
pub(crate) fn general(register: Register) -> Option<(usize, usize)> {
    register
        .is_gpr()
        .then(|| (register.full_register().number(), register.size()))
}
