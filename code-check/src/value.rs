//! What is known of the content of a register or a slot of the stack.

/// Largest number of 32 bits.
pub(crate) const U32_MAX: i64 = u32::MAX as i64;

/// A number as a signed one of 64 bits, and what is known of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Number {
    /// Least value.
    pub lo: i64,
    /// Greatest value.
    pub hi: i64,
    /// The value and `lo` agree in so many of the lowest bits.
    pub step: u8,
    /// The number is an unknown one, by its name, plus a constant.
    pub symbol: Option<(u32, i64)>,
    /// The number plus this is at most the length of the linear memory.
    pub room: Option<i64>,
    /// The number is below the length of the table, shifted left by so many bits.
    pub in_table: Option<u8>,
}

/// What a register or a slot holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Value {
    /// Nothing is known.
    Any,
    /// A number.
    Number(Number),
    /// The vmctx of the function plus a constant.
    Vmctx(i64),
    /// The stack pointer at the function's entry plus a constant.
    Stack(i64),
    /// First byte of the linear memory plus a number; or null, if the flag is set.
    Memory(Number, bool),
    /// First byte of the table plus a number.
    Table(Number),
    /// Length of the linear memory plus a constant.
    MemoryLen(i64),
    /// Length of the table.
    TableLen,
    /// The stack limit plus a constant.
    StackLimit(i64),
    /// Address of the memory's description.
    MemoryBlock,
    /// Address of the table's description.
    TableBlock,
    /// Address of the table of libcalls.
    Libcalls,
    /// Address of the store's block.
    Store,
    /// Address of the signature ids.
    SignatureIds,
    /// Address of the addresses of imported globals.
    ImportedGlobals,
    /// Address of an imported global.
    Global(u64),
    /// A libcall's code.
    Libcall,
    /// Code of an imported function.
    ImportCode(u64),
    /// vmctx of an imported function.
    ImportVmctx(u64),
    /// Code of a table's entry.
    EntryCode,
    /// vmctx of a table's entry.
    EntryVmctx,
    /// An address in the text.
    Text(u64),
    /// An entry of a jump table with so many entries.
    JumpOffset { table: u64, count: u64 },
    /// Where a jump table leads.
    JumpTarget { table: u64, count: u64 },
    /// What a register held at the function's entry.
    Saved(u8),
    /// The address that the function returns to.
    ReturnAddress,
}

impl Number {
    pub(crate) const fn new(lo: i64, hi: i64) -> Self {
        Self {
            lo,
            hi,
            step: 0,
            symbol: None,
            room: None,
            in_table: None,
        }
    }

    pub(crate) const fn constant(value: i64) -> Self {
        Self {
            step: 63,
            ..Self::new(value, value)
        }
    }

    pub(crate) const fn as_constant(&self) -> Option<i64> {
        if self.lo == self.hi {
            Some(self.lo)
        } else {
            None
        }
    }

    pub(crate) const fn fits_u32(&self) -> bool {
        self.lo >= 0 && self.hi <= U32_MAX
    }

    /// The sum, unless it may leave 64 bits.
    pub(crate) fn plus(self, other: Self) -> Option<Self> {
        let lo = self.lo.checked_add(other.lo)?;
        let hi = self.hi.checked_add(other.hi)?;
        let mut sum = Self {
            step: self.step.min(other.step),
            ..Self::new(lo, hi)
        };
        if let Some(constant) = other.as_constant() {
            sum.add_facts(self, constant);
        } else if let Some(constant) = self.as_constant() {
            sum.add_facts(other, constant);
        }
        Some(sum)
    }

    fn add_facts(&mut self, number: Self, constant: i64) {
        self.symbol = number
            .symbol
            .and_then(|(name, add)| Some((name, add.checked_add(constant)?)));
        self.room = number.room.and_then(|room| room.checked_sub(constant));
        self.in_table = number.in_table.filter(|_| constant == 0);
    }

    pub(crate) fn negated(self) -> Option<Self> {
        let lo = self.hi.checked_neg()?;
        let hi = self.lo.checked_neg()?;
        Some(Self {
            step: self.step,
            ..Self::new(lo, hi)
        })
    }

    /// The number shifted left, unless it may leave 64 bits.
    pub(crate) fn shifted(self, bits: u8) -> Option<Self> {
        if bits == 0 {
            return Some(self);
        }
        let factor = 1i64.checked_shl(u32::from(bits)).filter(|f| *f > 0)?;
        Some(Self {
            step: self.step.saturating_add(bits).min(63),
            in_table: self.in_table.map(|shift| shift.saturating_add(bits)),
            ..Self::new(self.lo.checked_mul(factor)?, self.hi.checked_mul(factor)?)
        })
    }

    /// The lowest 32 bits as a number without sign.
    pub(crate) fn low_half(self) -> Self {
        if self.fits_u32() {
            return self;
        }
        if let Some(constant) = self.as_constant() {
            return Self::constant(constant & U32_MAX);
        }
        let step = self.step.min(32);
        Self {
            step,
            ..Self::new(self.lo & ((1 << step) - 1), U32_MAX)
        }
    }

    pub(crate) fn join(self, other: Self) -> Self {
        let distance = self.lo.wrapping_sub(other.lo);
        let agree = u8::try_from(distance.trailing_zeros().min(63)).unwrap_or(63);
        Self {
            lo: self.lo.min(other.lo),
            hi: self.hi.max(other.hi),
            step: self.step.min(other.step).min(agree),
            symbol: self.symbol.filter(|symbol| other.symbol == Some(*symbol)),
            room: self.room.zip(other.room).map(|(a, b)| a.min(b)),
            in_table: self.in_table.filter(|shift| other.in_table == Some(*shift)),
        }
    }

    /// What to assume at last of a number that was `self` and keeps changing, now to `next`.
    fn widened(self, next: Self) -> Option<Self> {
        const HIGHEST: [i64; 5] = [0xff, 0xffff, 0x7fff_ffff, U32_MAX, 0x2_0000_ffff];
        const LOWEST: [i64; 3] = [0, -0x1_0000, -0x8000_0000];
        let hi = if next.hi > self.hi {
            HIGHEST.into_iter().find(|bound| *bound >= next.hi)?
        } else {
            next.hi
        };
        let lo = if next.lo < self.lo {
            LOWEST.into_iter().find(|bound| *bound <= next.lo)?
        } else {
            next.lo
        };
        // A step counts from `lo`, which may be another number now.
        let step = if lo == next.lo { next.step } else { 0 };
        Some(Self {
            lo,
            hi,
            step,
            room: next.room.filter(|room| self.room == Some(*room)),
            ..next
        })
    }
}

impl Value {
    pub(crate) const U32: Self = Value::Number(Number::new(0, U32_MAX));

    pub(crate) const fn constant(value: i64) -> Self {
        Value::Number(Number::constant(value))
    }

    pub(crate) fn number(self) -> Option<Number> {
        match self {
            Value::Number(number) => Some(number),
            _ => None,
        }
    }

    /// Whether both are the same number, whatever it is.
    pub(crate) fn is_same_number(self, other: Self) -> bool {
        match (self, other) {
            (Value::Number(a), Value::Number(b)) => a.symbol.is_some() && a.symbol == b.symbol,
            _ => false,
        }
    }

    /// The sum in 64 bits.
    pub(crate) fn plus(self, other: Self) -> Self {
        use Value::{Memory, Number as Num, Stack, StackLimit, Table, Text, Vmctx};
        let sum = match (self, other) {
            (Num(a), Num(b)) => a.plus(b).map(Num),
            // Null plus a number would not be null.
            (Memory(_, true), Num(b)) | (Num(b), Memory(_, true)) if b.as_constant() != Some(0) => {
                None
            }
            (Memory(a, null), Num(b)) | (Num(b), Memory(a, null)) => {
                let sum = memory_plus(a, b).unwrap_or(Number::new(i64::MIN, i64::MAX));
                Some(Memory(sum, null))
            }
            // A place in the memory and nobody knows what: an access there is not shown to stay inside.
            (Memory(..), Value::Any | Value::Saved(_))
            | (Value::Any | Value::Saved(_), Memory(..)) => {
                Some(Memory(Number::new(i64::MIN, i64::MAX), false))
            }
            (Table(a), Num(b)) | (Num(b), Table(a)) => table_plus(a, b).map(Table),
            (Num(number), place) | (place, Num(number)) => match (place, number.as_constant()) {
                (Vmctx(a), Some(b)) => a.checked_add(b).map(Vmctx),
                (Stack(a), Some(b)) => a.checked_add(b).map(Stack),
                (StackLimit(a), Some(b)) => a.checked_add(b).map(StackLimit),
                (Value::MemoryLen(a), Some(b)) => a.checked_add(b).map(Value::MemoryLen),
                (_, Some(0)) => Some(place),
                _ => None,
            },
            (Text(at), Value::JumpOffset { table, count })
            | (Value::JumpOffset { table, count }, Text(at))
                if at == table =>
            {
                Some(Value::JumpTarget { table, count })
            }
            _ => None,
        };
        sum.unwrap_or(Value::Any)
    }

    pub(crate) fn minus(self, other: Self) -> Self {
        match other {
            Value::Number(number) => number
                .negated()
                .map_or(Value::Any, |negated| self.plus(Value::Number(negated))),
            _ => Value::Any,
        }
    }

    pub(crate) fn shifted(self, bits: u8) -> Self {
        match self {
            Value::Number(number) => number.shifted(bits).map_or(Value::Any, Value::Number),
            _ if bits == 0 => self,
            _ => Value::Any,
        }
    }

    /// What a 32-bit register shows of it; writing that clears the upper half.
    pub(crate) fn low_half(self) -> Self {
        match self {
            Value::Number(number) => Value::Number(number.low_half()),
            _ => Value::U32,
        }
    }

    pub(crate) fn join(self, other: Self) -> Self {
        if self == other {
            return self;
        }
        match (self, other) {
            (Value::Number(a), Value::Number(b)) => Value::Number(a.join(b)),
            (Value::Memory(a, a_null), Value::Memory(b, b_null)) => {
                Value::Memory(a.join(b), a_null || b_null)
            }
            (Value::Memory(a, _), Value::Number(b)) | (Value::Number(b), Value::Memory(a, _))
                if b.as_constant() == Some(0) =>
            {
                Value::Memory(a, true)
            }
            (Value::Table(a), Value::Table(b)) => Value::Table(a.join(b)),
            _ => Value::Any,
        }
    }

    /// What to assume of a place that was `self` and keeps changing, now to `next`.
    pub(crate) fn widened(self, next: Self) -> Self {
        if self == next {
            return next;
        }
        let wide = match (self, next) {
            (Value::Number(a), Value::Number(b)) => a.widened(b).map(Value::Number),
            (Value::Memory(a, _), Value::Memory(b, null)) => {
                let offset = a.widened(b).unwrap_or(Number::new(i64::MIN, i64::MAX));
                Some(Value::Memory(offset, null))
            }
            (Value::Table(a), Value::Table(b)) => a.widened(b).map(Value::Table),
            _ => Some(next),
        };
        wide.unwrap_or(Value::Any)
    }
}

/// A place in the memory plus a number: what is known of the number's room holds from the first byte on.
fn memory_plus(offset: Number, number: Number) -> Option<Number> {
    let mut sum = offset.plus(number)?;
    if offset.as_constant() == Some(0) && number.as_constant().is_none() {
        sum.room = number.room;
    }
    Some(sum)
}

fn table_plus(offset: Number, number: Number) -> Option<Number> {
    let mut sum = offset.plus(number)?;
    // An entry's field is still in the entry.
    sum.in_table = match (offset.as_constant(), number.as_constant()) {
        (Some(0), _) => number.in_table.filter(|_| number.lo == 0),
        (_, Some(0..=31)) => offset.in_table,
        _ => None,
    };
    Some(sum)
}
