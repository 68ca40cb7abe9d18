//! Gives the results of float arithmetic canonical NaN bits, where somebody can see the bits.
//!
//! What counts is what a program would do in which every result of arithmetic were canonical at once:
//! the NaN with a clear sign and only the highest bit of the fraction set. Arithmetic, comparisons and
//! conversions to integers cannot tell one NaN from another, so results may go into them as they are,
//! and through a merge or a `select` of which all inputs are such results. Before anything else (a
//! store, a call, a change of the sign, a merge with a value whose bits must stay) they are made
//! canonical: one comparison, and a jump that is never taken in most programs.

use cranelift_codegen::{
    cursor::{Cursor, FuncCursor},
    entity::SecondaryMap,
    ir::{
        Block, Function, Inst, InstBuilder, InstructionData, Opcode, Type, Value, ValueDef,
        condcodes::FloatCC,
        immediates::{Ieee32, Ieee64},
        types,
    },
    loop_analysis::LoopAnalysis,
};
use std::collections::BTreeMap;

/// Most places in one function that get a jump; beyond, or without optimisation, selects are shorter
/// to compile.
const MAX_JUMPS: usize = 500;

/// What is known of a float's bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
enum Kind {
    /// No NaN, or the canonical one.
    #[default]
    Clean,
    /// Canonical, were it not for us.
    Raw,
    /// Whatever they are, they stay.
    Bits,
}

/// A value that becomes canonical at a place.
struct Place {
    value: Value,
    /// Instructions that use it from there on.
    users: Vec<Inst>,
}

/// Canonicalises every result of arithmetic whose bits matter. Without knowledge of loops the code is
/// short to compile rather than fast.
pub(crate) fn canonicalize(func: &mut Function, loops: Option<&LoopAnalysis>) {
    func.dfg.resolve_all_aliases();
    let flows = Flows::new(func);
    let kinds = find_kinds(func, &flows);
    let needed = find_needed(func, &flows);
    let users = find_users(func, &kinds, &needed);
    let places = find_places(func, &users, loops);
    let count: usize = places.iter().map(|(_, values)| values.len()).sum();
    let use_jumps = loops.is_some() && count <= MAX_JUMPS;
    let mut replaced: BTreeMap<Inst, BTreeMap<Value, Value>> = BTreeMap::new();
    // From the back, so that what is still to be done stays in its block.
    for (before, values) in places.into_iter().rev() {
        let canonical = if use_jumps {
            jump_if_nan(func, before, &values)
        } else {
            select_if_nan(func, before, &values)
        };
        for (place, canonical) in values.into_iter().zip(canonical) {
            for user in place.users {
                let of_user = replaced.entry(user).or_default();
                of_user.insert(place.value, canonical);
            }
        }
    }
    for (user, replaced) in replaced {
        func.dfg
            .map_inst_values(user, |value| replaced.get(&value).copied().unwrap_or(value));
    }
}

/// Which values become which others unchanged.
struct Flows {
    /// From a value to those it becomes.
    forward: SecondaryMap<Value, Vec<Value>>,
    /// From a value to those it comes from.
    backward: SecondaryMap<Value, Vec<Value>>,
}

impl Flows {
    fn new(func: &Function) -> Self {
        let mut flows = Self {
            forward: SecondaryMap::new(),
            backward: SecondaryMap::new(),
        };
        for block in func.layout.blocks() {
            for inst in func.layout.block_insts(block) {
                for_each_flow(func, inst, |from, to| {
                    flows.forward[from].push(to);
                    flows.backward[to].push(from);
                });
            }
        }
        flows
    }
}

/// Calls `flow` for every float that an instruction passes on: to its result, or to another block.
fn for_each_flow(func: &Function, inst: Inst, mut flow: impl FnMut(Value, Value)) {
    let dfg = &func.dfg;
    if let InstructionData::Ternary {
        opcode: Opcode::Select,
        args: [_, left, right],
    } = dfg.insts[inst]
    {
        let result = dfg.first_result(inst);
        if dfg.value_type(result).is_float() {
            flow(left, result);
            flow(right, result);
        }
    }
    let calls = dfg.insts[inst].branch_destination(&dfg.jump_tables, &dfg.exception_tables);
    for call in calls {
        let params = dfg.block_params(call.block(&dfg.value_lists));
        for (argument, param) in call.args(&dfg.value_lists).zip(params) {
            if let Some(argument) = argument.as_value()
                && dfg.value_type(argument).is_float()
            {
                flow(argument, *param);
            }
        }
    }
}

/// What the opcode alone says of a result's bits.
fn kind_of(func: &Function, inst: Inst) -> Kind {
    match func.dfg.insts[inst] {
        InstructionData::UnaryIeee32 { imm, .. } => kind_of_constant(imm == F32_NAN, imm.is_nan()),
        InstructionData::UnaryIeee64 { imm, .. } => kind_of_constant(imm == F64_NAN, imm.is_nan()),
        _ => match func.dfg.insts[inst].opcode() {
            // They have the bits of what flows into them.
            Opcode::Select | Opcode::FcvtFromSint | Opcode::FcvtFromUint => Kind::Clean,
            opcode if is_arithmetic(opcode) => Kind::Raw,
            _ => Kind::Bits,
        },
    }
}

fn kind_of_constant(is_canonical: bool, is_nan: bool) -> Kind {
    if is_nan && !is_canonical {
        Kind::Bits
    } else {
        Kind::Clean
    }
}

const F32_NAN: Ieee32 = Ieee32::with_bits(0x7fc0_0000);
const F64_NAN: Ieee64 = Ieee64::with_bits(0x7ff8_0000_0000_0000);

fn is_arithmetic(opcode: Opcode) -> bool {
    matches!(
        opcode,
        Opcode::Fadd
            | Opcode::Fsub
            | Opcode::Fmul
            | Opcode::Fdiv
            | Opcode::Fmin
            | Opcode::Fmax
            | Opcode::Sqrt
            | Opcode::Ceil
            | Opcode::Floor
            | Opcode::Trunc
            | Opcode::Nearest
            | Opcode::Fdemote
            | Opcode::Fpromote
    )
}

/// Whether an instruction cannot tell one NaN from another.
fn is_blind(opcode: Opcode) -> bool {
    is_arithmetic(opcode)
        || matches!(
            opcode,
            Opcode::Fcmp
                | Opcode::FcvtToSint
                | Opcode::FcvtToUint
                | Opcode::FcvtToSintSat
                | Opcode::FcvtToUintSat
        )
}

fn find_kinds(func: &Function, flows: &Flows) -> SecondaryMap<Value, Kind> {
    let mut kinds = SecondaryMap::new();
    let mut changed = Vec::new();
    let mut set = |value, kind| {
        if func.dfg.value_type(value).is_float() && kind != Kind::Clean {
            kinds[value] = kind;
            changed.push(value);
        }
    };
    if let Some(entry) = func.layout.entry_block() {
        for param in func.dfg.block_params(entry) {
            set(*param, Kind::Bits);
        }
    }
    for block in func.layout.blocks() {
        for inst in func.layout.block_insts(block) {
            let kind = kind_of(func, inst);
            for result in func.dfg.inst_results(inst) {
                set(*result, kind);
            }
        }
    }
    // Kinds only rise, so each value is looked at twice at most.
    while let Some(value) = changed.pop() {
        for to in &flows.forward[value] {
            if kinds[*to] < kinds[value] {
                kinds[*to] = kinds[value];
                changed.push(*to);
            }
        }
    }
    kinds
}

/// Which floats go, unchanged, to an instruction that sees their bits.
fn find_needed(func: &Function, flows: &Flows) -> SecondaryMap<Value, bool> {
    let mut needed: SecondaryMap<Value, bool> = SecondaryMap::new();
    let mut changed = Vec::new();
    for block in func.layout.blocks() {
        for inst in func.layout.block_insts(block) {
            for value in seen_by(func, inst) {
                if !needed[*value] {
                    needed[*value] = true;
                    changed.push(*value);
                }
            }
        }
    }
    while let Some(value) = changed.pop() {
        for from in &flows.backward[value] {
            if !needed[*from] {
                needed[*from] = true;
                changed.push(*from);
            }
        }
    }
    needed
}

/// The operands whose bits an instruction sees, if they are floats; what it passes to other blocks is
/// not among them.
fn seen_by(func: &Function, inst: Inst) -> &[Value] {
    let opcode = func.dfg.insts[inst].opcode();
    if is_blind(opcode) || opcode == Opcode::Select {
        return &[];
    }
    func.dfg.inst_args(inst)
}

/// The instructions before which each value must become canonical, in the order of the layout.
fn find_users(
    func: &Function,
    kinds: &SecondaryMap<Value, Kind>,
    needed: &SecondaryMap<Value, bool>,
) -> BTreeMap<Value, Vec<Inst>> {
    let mut users: BTreeMap<Value, Vec<Inst>> = BTreeMap::new();
    for block in func.layout.blocks() {
        for inst in func.layout.block_insts(block) {
            let mut add = |value: Value| {
                if kinds[value] == Kind::Raw {
                    let users = users.entry(value).or_default();
                    if users.last() != Some(&inst) {
                        users.push(inst);
                    }
                }
            };
            for value in seen_by(func, inst) {
                add(*value);
            }
            // Where bits meet that must stay, it becomes canonical before.
            for_each_flow(func, inst, |from, to| {
                if kinds[to] == Kind::Bits && needed[to] {
                    add(from);
                }
            });
        }
    }
    users
}

/// Decides for each value whether it becomes canonical once, where it is defined, or in each block
/// that must see it so: before which instructions, in the order of the layout, and which values.
fn find_places(
    func: &Function,
    users: &BTreeMap<Value, Vec<Inst>>,
    loops: Option<&LoopAnalysis>,
) -> Vec<(Inst, Vec<Place>)> {
    let weight = |block: Block| -> u64 {
        let level = loops.map_or(0, |loops| loops.loop_level(block).level());
        1 << (3 * level.min(10))
    };
    let mut by_first: BTreeMap<Inst, Vec<Place>> = BTreeMap::new();
    for (value, users) in users {
        let mut blocks: BTreeMap<Block, Vec<Inst>> = BTreeMap::new();
        for user in users {
            let block = func.layout.inst_block(*user).expect("it is in the layout");
            blocks.entry(block).or_default().push(*user);
        }
        let (defined_in, behind) = definition(func, *value);
        let in_blocks: u64 = blocks.keys().map(|block| weight(*block)).sum();
        let is_once = loops.is_none() || weight(defined_in) < in_blocks;
        let groups = if is_once {
            vec![(behind, users.clone())]
        } else {
            blocks
                .into_values()
                .map(|users| (users[0], users))
                .collect()
        };
        for (before, users) in groups {
            by_first.entry(before).or_default().push(Place {
                value: *value,
                users,
            });
        }
    }
    let mut places = Vec::new();
    for block in func.layout.blocks() {
        for inst in func.layout.block_insts(block) {
            places.extend(by_first.remove(&inst).map(|values| (inst, values)));
        }
    }
    places
}

/// The block of a value's definition, and the first instruction behind that.
fn definition(func: &Function, value: Value) -> (Block, Inst) {
    let (block, behind) = match func.dfg.value_def(value) {
        ValueDef::Result(inst, _) => (func.layout.inst_block(inst), func.layout.next_inst(inst)),
        ValueDef::Param(block, _) => (Some(block), func.layout.first_inst(block)),
        ValueDef::Union(..) => unreachable!("there is no e-graph yet"),
    };
    let found = block.zip(behind);
    found.expect("a float is not the result of a block's last instruction")
}

/// Goes to blocks of their own for canonical NaNs, and returns what all ways come with.
fn jump_if_nan(func: &mut Function, before: Inst, places: &[Place]) -> Vec<Value> {
    let location = func.srcloc(before);
    let mut block = func.layout.inst_block(before).expect("it is in the layout");
    let rest = func.dfg.make_block();
    func.layout.split_block(rest, before);
    let mut canonical = Vec::with_capacity(places.len());
    for (position, place) in (1..).zip(places) {
        let value = place.value;
        let ty = func.dfg.value_type(value);
        let next = if position == places.len() {
            rest
        } else {
            let next = func.dfg.make_block();
            func.layout.insert_block_after(next, block);
            next
        };
        canonical.push(func.dfg.append_block_param(next, ty));
        let cold = func.dfg.make_block();
        func.layout.insert_block_after(cold, next);
        func.layout.set_cold(cold);
        let mut cursor = FuncCursor::new(func).at_bottom(block);
        cursor.set_srcloc(location);
        let is_nan = cursor.ins().fcmp(FloatCC::Unordered, value, value);
        cursor.ins().brif(is_nan, cold, &[], next, &[value.into()]);
        cursor.goto_bottom(cold);
        let nan = nan(&mut cursor, ty);
        cursor.ins().jump(next, &[nan.into()]);
        block = next;
    }
    canonical
}

fn select_if_nan(func: &mut Function, before: Inst, places: &[Place]) -> Vec<Value> {
    let location = func.srcloc(before);
    let mut cursor = FuncCursor::new(func).at_inst(before);
    cursor.set_srcloc(location);
    let select = |place: &Place| {
        let value = place.value;
        let ty = cursor.func.dfg.value_type(value);
        let is_nan = cursor.ins().fcmp(FloatCC::Unordered, value, value);
        let nan = nan(&mut cursor, ty);
        cursor.ins().select(is_nan, nan, value)
    };
    places.iter().map(select).collect()
}

fn nan(cursor: &mut FuncCursor<'_>, ty: Type) -> Value {
    match ty {
        types::F32 => cursor.ins().f32const(F32_NAN),
        _ => cursor.ins().f64const(F64_NAN),
    }
}
