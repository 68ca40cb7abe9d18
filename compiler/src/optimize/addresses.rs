//! Moves constants and multiplications out of 32-bit indices into accesses, where nothing can wrap.
//!
//! Wasm adds 32-bit numbers that wrap, hosts add addresses in 64 bits. Where the ranges of values
//! show that `index + constant` does not wrap, its extension is the index's extension plus the
//! constant, which an access takes as part of its displacement instead of an instruction. So it is where
//! the last page of the 4 GiB is in no memory, for indices of loops (`inductions.rs`) and for
//! `index - constant`, which is in that page if it wraps, so that the access faults either way.
//!
//! Of a sum of two indices, one of which does not change in a loop, that one is added to the base of
//! the memory instead, before the loop. An index that is another number times 2, 4 or 8 is shifted by
//! the access itself (x86-64).
//!
//! Sandbox-critical, but not by the proof of ranges alone. With guard pages, an access stays inside
//! the reservation of 8 GiB and 64 KiB, or in the 64 KiB before it, even if such a proof were wrong: it adds
//! to the base either one index, which is below 2^32, and two displacements, each below 2^31; or two indices
//! and a displacement below 2^15; and what it subtracts is less than 64 KiB. That a shifted index is below
//! 2^32 relies on `Index::shifted` and nothing else. Explicit checks, and those of tables, compare what they
//! then use.

use super::{
    constant_bits, extended_value, inductions,
    neighbours::{MAX_OFFSET_BESIDE_TWO_INDICES, MIN_DISPLACEMENT, accessed},
    ranges::Ranges,
    replace_by, sum_with_constant,
};
use cranelift_codegen::{
    cursor::{Cursor, FuncCursor},
    dominator_tree::DominatorTree,
    ir::{Block, Function, Inst, InstBuilder, InstructionData, Opcode, Value, ValueDef, types},
    loop_analysis::{Loop, LoopAnalysis},
};
use std::collections::{BTreeMap, BTreeSet};
use target_lexicon::Architecture;

/// Displacements are signed numbers of 32 bits.
const MAX_DISPLACEMENT: i64 = i32::MAX as i64;

/// By how many bits an access shifts its index at most.
const MAX_SCALE: u64 = 3;

/// How deep sums in sums are looked into: each access gets its own additions, at most fifteen.
const MAX_DEPTH: u32 = 4;

/// An extension of a sum or a product that does not wrap.
struct Fold {
    extension: Inst,
    /// What does not change in the innermost loop around it, if the rest does.
    fixed: Option<Index>,
    index: Index,
    /// With a fixed part, a number of 32 bits that is added to it; they may wrap.
    constant: i64,
    is_induction: bool,
}

/// What is known of where the function runs.
#[derive(Clone, Copy)]
pub(super) struct Facts {
    pub arch: Architecture,
    /// No memory has the last page of the 4 GiB.
    pub lacks_last_page: bool,
}

/// What remains of an index without the constant.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Index {
    Value(Value),
    Sum(Box<[Index; 2]>),
    Shifted(Box<Index>, Value),
    /// A number that is short enough to be shifted in 64 bits.
    Scaled(Value, Value),
}

/// Folds what can be folded.
pub(super) fn fold(
    func: &mut Function,
    domtree: &DominatorTree,
    loops: &LoopAnalysis,
    facts: Facts,
) {
    let (folds, additions) = find_folds(func, domtree, loops, facts);
    for fold in folds {
        let mut cursor = FuncCursor::new(func).at_inst(fold.extension);
        cursor.use_srcloc(fold.extension);
        let index = fold.index.extend(&mut cursor);
        let constant = fold.constant;
        let Some(fixed) = fold.fixed else {
            if constant == 0 {
                replace_by(func, fold.extension, index);
                continue;
            }
            let constant = cursor.ins().iconst(types::I64, constant);
            func.replace(fold.extension).iadd(index, constant);
            continue;
        };
        let mut fixed = fixed.build(&mut cursor);
        if constant != 0 {
            let constant = cursor.ins().iconst(types::I32, constant);
            fixed = cursor.ins().iadd(fixed, constant);
        }
        let fixed = cursor.ins().uextend(types::I64, fixed);
        let extension = func.dfg.first_result(fold.extension);
        func.replace(fold.extension).iadd(fixed, index);
        for (addition, base) in additions.get(&extension).into_iter().flatten() {
            let mut cursor = FuncCursor::new(func).at_inst(*addition);
            let base = cursor.ins().iadd(*base, fixed);
            func.replace(*addition).iadd(base, index);
        }
    }
}

/// Additions of an extension to a base that never changes.
type Additions = BTreeMap<Value, Vec<(Inst, Value)>>;

impl Index {
    fn is_fixed(&self, func: &Function, loops: &LoopAnalysis, inside: Loop) -> bool {
        match self {
            Self::Value(value) | Self::Scaled(value, _) => {
                is_fixed(func, loops, inside, *value, MAX_DEPTH)
            }
            Self::Sum(addends) => addends
                .iter()
                .all(|addend| addend.is_fixed(func, loops, inside)),
            Self::Shifted(index, _) => index.is_fixed(func, loops, inside),
        }
    }

    /// A number times a power of two, by an operand that is `bits`. Sandbox-critical: only what has room in
    /// 32 bits may be shifted in 64.
    fn shifted(func: &Function, value: Value, by: Value, bits: u64) -> Self {
        let is_short = u64::from(significant_bits(func, value, MAX_DEPTH)) + bits <= 32;
        if (1..=MAX_SCALE).contains(&bits) && is_short {
            Self::Scaled(value, by)
        } else {
            Self::Shifted(Box::new(Self::Value(value)), by)
        }
    }

    /// In 64 bits.
    fn extend(&self, cursor: &mut FuncCursor<'_>) -> Value {
        if let Self::Scaled(value, by) = self {
            let value = cursor.ins().uextend(types::I64, *value);
            return cursor.ins().ishl(value, *by);
        }
        let index = self.build(cursor);
        cursor.ins().uextend(types::I64, index)
    }

    fn build(&self, cursor: &mut FuncCursor<'_>) -> Value {
        match self {
            Self::Value(value) => *value,
            Self::Sum(addends) => {
                let [left, right] = [addends[0].build(cursor), addends[1].build(cursor)];
                cursor.ins().iadd(left, right)
            }
            Self::Shifted(index, by) => {
                let index = index.build(cursor);
                cursor.ins().ishl(index, *by)
            }
            Self::Scaled(value, by) => cursor.ins().ishl(*value, *by),
        }
    }
}

fn find_folds(
    func: &Function,
    domtree: &DominatorTree,
    loops: &LoopAnalysis,
    facts: Facts,
) -> (Vec<Fold>, Additions) {
    let mut additions = Additions::new();
    // The extension in each address, and the access that has it; `None` if there are several.
    let mut addresses: BTreeMap<Value, Value> = BTreeMap::new();
    let mut accesses: BTreeMap<Value, Option<Access>> = BTreeMap::new();
    let mut displaced = BTreeSet::new();
    let mut extensions = Vec::new();
    let mut far = BTreeSet::new();
    for block in func.layout.blocks() {
        for inst in func.layout.block_insts(block) {
            if let Some(narrow) = extended_value(func, inst) {
                extensions.push((inst, func.dfg.resolve_aliases(narrow)));
                continue;
            }
            if let Some((address, offset)) = accessed(func, inst)
                && let Some(extension) = addresses.get(&address)
            {
                accesses
                    .entry(*extension)
                    .and_modify(|access| *access = None)
                    .or_insert(Some(Access { block, offset }));
            }
            match func.dfg.insts[inst] {
                InstructionData::Binary {
                    opcode: Opcode::Iadd,
                    args: [left, right],
                } => {
                    let [left, right] = [left, right].map(|arg| func.dfg.resolve_aliases(arg));
                    let constant = constant_bits(func, right);
                    if constant.is_some_and(|constant| constant > MAX_DISPLACEMENT.cast_unsigned())
                    {
                        far.insert(left);
                    }
                    if is_fixed_base(func, left) {
                        additions.entry(right).or_default().push((inst, left));
                        addresses.insert(func.dfg.first_result(inst), right);
                    }
                }
                InstructionData::Load { arg, offset, .. }
                | InstructionData::Store {
                    args: [_, arg],
                    offset,
                    ..
                } if i64::from(offset) > MAX_OFFSET_BESIDE_TWO_INDICES => {
                    displaced.insert(func.dfg.resolve_aliases(arg));
                }
                _ => {}
            }
        }
    }
    let updated = indices_of_updates(func);
    let is_near = |(inst, _): &(Inst, Value)| !displaced.contains(&func.dfg.first_result(*inst));
    let mut ranges = Ranges::new(func, domtree, loops);
    let mut folds: Vec<Fold> = extensions
        .into_iter()
        .filter_map(|(extension, sum)| {
            let result = func.dfg.first_result(extension);
            if far.contains(&result) {
                return None;
            }
            let block = func.layout.inst_block(extension)?;
            let place = Place {
                block,
                can_scale: facts.arch == Architecture::X86_64 && !updated.contains(&sum),
            };
            let are_near = additions
                .get(&result)
                .is_some_and(|additions| additions.iter().all(is_near));
            let (index, constant) = split(func, &mut ranges, place, sum, MAX_DEPTH);
            let (fixed, index) = match index {
                Index::Sum(addends) if are_near => separate(func, loops, block, *addends),
                index => (None, index),
            };
            if fixed.is_none()
                && facts.lacks_last_page
                && let Some(Some(access)) = accesses.get(&result).copied()
                && let Some(fold) = (index == Index::Value(sum))
                    .then(|| fold_below(func, &mut ranges, extension, sum, access))
                    .flatten()
                    .or_else(|| {
                        let found = inductions::find(func, loops, &mut ranges, sum, access.block)?;
                        let fold = Fold::of_induction(extension, found)?;
                        (are_near || fold.fixed.is_none()).then_some(fold)
                    })
            {
                return Some(fold);
            }
            let is_scaled = matches!(index, Index::Scaled(..));
            (constant != 0 || fixed.is_some() || is_scaled).then_some(Fold {
                extension,
                fixed,
                index,
                constant,
                is_induction: false,
            })
        })
        .collect();
    // An addition takes a constant along for nothing. Without it, it must serve several accesses.
    let mut users: BTreeMap<&Index, u32> = BTreeMap::new();
    for fold in &folds {
        *users.entry(&fold.index).or_default() += 1;
    }
    let pays = |fold: &Fold| {
        let is_free = matches!(fold.index, Index::Value(_) | Index::Scaled(..));
        fold.is_induction || fold.fixed.is_some() || is_free || users[&fold.index] > 1
    };
    let pays: Vec<bool> = folds.iter().map(pays).collect();
    let mut pays = pays.into_iter();
    folds.retain(|_| pays.next() == Some(true));
    (folds, additions)
}

/// The one access that uses an extension.
#[derive(Clone, Copy)]
struct Access {
    block: Block,
    offset: i32,
}

impl Fold {
    fn of_induction(extension: Inst, found: inductions::Induction) -> Option<Self> {
        let fixed = found.fixed.into_iter().map(Index::Value);
        let fixed = fixed.reduce(|left, right| Index::Sum(Box::new([left, right])));
        let is_displacement = (MIN_DISPLACEMENT..=MAX_DISPLACEMENT).contains(&found.constant);
        (fixed.is_some() || is_displacement).then_some(Self {
            extension,
            fixed,
            index: Index::Value(found.variable),
            constant: found.constant,
            is_induction: true,
        })
    }
}

/// An index less a constant that does not wrap, or of which it does not matter: the last page of the 4 GiB is
/// as inaccessible as what is in front of the memory. With an offset, it might come back into the memory.
fn fold_below(
    func: &Function,
    ranges: &mut Ranges<'_>,
    extension: Inst,
    sum: Value,
    access: Access,
) -> Option<Fold> {
    let (index, constant) = sum_with_constant(func, sum)?;
    let is_below = (MIN_DISPLACEMENT..0).contains(&constant);
    let is_harmless =
        access.offset == 0 || ranges.range_in(index, access.block).low >= constant.unsigned_abs();
    (is_below && is_harmless).then_some(Fold {
        extension,
        fixed: None,
        index: Index::Value(index),
        constant,
        is_induction: false,
    })
}

/// Indices with which memory is read and written at one displacement. Where one instruction does both,
/// Cranelift computes the address once more beside it, for which a shifted index takes longer.
fn indices_of_updates(func: &Function) -> BTreeSet<Value> {
    let mut read = BTreeSet::new();
    let mut updated = BTreeSet::new();
    for block in func.layout.blocks() {
        for inst in func.layout.block_insts(block) {
            match func.dfg.insts[inst] {
                InstructionData::Load { arg, offset, .. } => {
                    read.extend(index_of(func, arg).map(|index| (index, i32::from(offset))));
                }
                InstructionData::Store {
                    args: [_, arg],
                    offset,
                    ..
                } => {
                    let index = index_of(func, arg);
                    updated
                        .extend(index.filter(|index| read.contains(&(*index, i32::from(offset)))));
                }
                _ => {}
            }
        }
    }
    updated
}

/// The 32-bit index in an address.
fn index_of(func: &Function, address: Value) -> Option<Value> {
    let inst = |value| func.dfg.value_def(func.dfg.resolve_aliases(value)).inst();
    let InstructionData::Binary {
        opcode: Opcode::Iadd,
        args: [_, extension],
    } = func.dfg.insts[inst(address)?]
    else {
        return None;
    };
    let index = extended_value(func, inst(extension)?)?;
    Some(func.dfg.resolve_aliases(index))
}

/// The addend that does not change in the innermost loop around a block, and the other; nothing and
/// the sum if both do or neither.
fn separate(
    func: &Function,
    loops: &LoopAnalysis,
    block: Block,
    addends: [Index; 2],
) -> (Option<Index>, Index) {
    let Some(innermost) = loops.innermost_loop(block) else {
        return (None, Index::Sum(Box::new(addends)));
    };
    let [is_left_fixed, is_right_fixed] = [0, 1].map(|at| {
        let addend: &Index = &addends[at];
        addend.is_fixed(func, loops, innermost)
    });
    let [left, right] = addends;
    match (is_left_fixed, is_right_fixed) {
        (true, false) => (Some(left), right),
        (false, true) => (Some(right), left),
        _ => (None, Index::Sum(Box::new([left, right]))),
    }
}

/// Whether a value does not change in a loop: it comes from outside, or only from such values.
pub(super) fn is_fixed(
    func: &Function,
    loops: &LoopAnalysis,
    inside: Loop,
    value: Value,
    depth: u32,
) -> bool {
    let value = func.dfg.resolve_aliases(value);
    match func.dfg.value_def(value) {
        ValueDef::Param(block, _) => !loops.is_in_loop(block, inside),
        ValueDef::Result(inst, _) => {
            let block = func.layout.inst_block(inst);
            let is_outside = block.is_some_and(|block| !loops.is_in_loop(block, inside));
            let is_movable = matches!(
                func.dfg.insts[inst].opcode(),
                Opcode::Iconst
                    | Opcode::Iadd
                    | Opcode::Isub
                    | Opcode::Imul
                    | Opcode::Band
                    | Opcode::Bor
                    | Opcode::Bxor
                    | Opcode::Ishl
                    | Opcode::Ushr
                    | Opcode::Ireduce
            );
            let operands = func.dfg.inst_args(inst);
            is_outside
                || is_movable
                    && depth > 0
                    && operands
                        .iter()
                        .all(|arg| is_fixed(func, loops, inside, *arg, depth - 1))
        }
        ValueDef::Union(..) => false,
    }
}

/// A number of bits that any value of this definition has room in. Sandbox-critical.
fn significant_bits(func: &Function, value: Value, depth: u32) -> u32 {
    let value = func.dfg.resolve_aliases(value);
    let all = func.dfg.value_type(value).bits();
    let ValueDef::Result(inst, _) = func.dfg.value_def(value) else {
        return all;
    };
    let Some(depth) = depth.checked_sub(1) else {
        return all;
    };
    match func.dfg.insts[inst] {
        InstructionData::UnaryImm { .. } => {
            constant_bits(func, value).map_or(all, |bits| u64::BITS - bits.leading_zeros())
        }
        InstructionData::Load { opcode, .. } => match opcode {
            Opcode::Uload8 => 8,
            Opcode::Uload16 => 16,
            _ => all,
        },
        InstructionData::Unary {
            opcode: Opcode::Uextend,
            arg,
        } => significant_bits(func, arg, depth),
        InstructionData::Binary {
            opcode: opcode @ (Opcode::Band | Opcode::Bor | Opcode::Bxor),
            args,
        } => {
            let [left, right] = args.map(|arg| significant_bits(func, arg, depth));
            match opcode {
                Opcode::Band => left.min(right),
                _ => left.max(right),
            }
        }
        InstructionData::Binary {
            opcode: Opcode::Ushr,
            args: [shifted, by],
        } => {
            let by = constant_bits(func, func.dfg.resolve_aliases(by));
            let by = by
                .and_then(|by| u32::try_from(by).ok())
                .filter(|by| *by < all);
            significant_bits(func, shifted, depth).saturating_sub(by.unwrap_or(0))
        }
        _ => all,
    }
}

/// Whether it is a load that may be made anywhere, as that of a memory's base behind guard pages.
pub(super) fn is_fixed_base(func: &Function, value: Value) -> bool {
    let ValueDef::Result(inst, _) = func.dfg.value_def(value) else {
        return false;
    };
    let InstructionData::Load { flags, .. } = func.dfg.insts[inst] else {
        return false;
    };
    let flags = func.dfg.mem_flags[flags];
    flags.readonly() && flags.can_move()
}

/// Where an index is used.
#[derive(Clone, Copy)]
struct Place {
    block: Block,
    /// Whether the access shifts it for nothing.
    can_scale: bool,
}

/// A 32-bit value as the sum of an index and a constant that together do not wrap in a block.
fn split(
    func: &Function,
    ranges: &mut Ranges<'_>,
    place: Place,
    value: Value,
    depth: u32,
) -> (Index, i64) {
    try_split(func, ranges, place, value, depth).unwrap_or((Index::Value(value), 0))
}

fn try_split(
    func: &Function,
    ranges: &mut Ranges<'_>,
    place: Place,
    value: Value,
    depth: u32,
) -> Option<(Index, i64)> {
    let depth = depth.checked_sub(1)?;
    let ValueDef::Result(inst, _) = func.dfg.value_def(value) else {
        return None;
    };
    let InstructionData::Binary { opcode, args } = func.dfg.insts[inst] else {
        return None;
    };
    let [left, right] = args.map(|arg| func.dfg.resolve_aliases(arg));
    let (index, constant) = match opcode {
        Opcode::Iadd => {
            if ranges.range_in(left, place.block).high + ranges.range_in(right, place.block).high
                > u64::from(u32::MAX)
            {
                return None;
            }
            match (constant_bits(func, left), constant_bits(func, right)) {
                (None, Some(addend)) | (Some(addend), None) => {
                    let rest = if constant_bits(func, left).is_some() {
                        right
                    } else {
                        left
                    };
                    let (index, constant) = split(func, ranges, place, rest, depth);
                    (index, constant + addend.cast_signed())
                }
                _ => {
                    let (left, first) = split(func, ranges, place, left, depth);
                    let (right, second) = split(func, ranges, place, right, depth);
                    (Index::Sum(Box::new([left, right])), first + second)
                }
            }
        }
        Opcode::Ishl => {
            let by = constant_bits(func, right).filter(|by| *by < 32)?;
            if ranges.range_in(left, place.block).high << by > u64::from(u32::MAX) {
                return None;
            }
            let (index, constant) = split(func, ranges, place, left, depth);
            let index = match index {
                Index::Value(value) if place.can_scale => Index::shifted(func, value, right, by),
                index => Index::Shifted(Box::new(index), right),
            };
            (index, constant << by)
        }
        _ => return None,
    };
    let is_split = constant > 0 || matches!(index, Index::Sum(_) | Index::Scaled(..));
    (is_split && constant <= MAX_DISPLACEMENT).then_some((index, constant))
}
