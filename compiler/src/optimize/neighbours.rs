//! Addresses accesses relative to one that was made before, so that they need no index of their own.
//!
//! Wasm adds 32-bit numbers that wrap, so `x + 5` is not 5 behind `x + 0` everywhere. But where memory was
//! accessed at one index, that index is below the memory's length, and no memory that this code runs with
//! has the last page of the 4 GiB ([`MEMORY_MAX_GROWN_PAGES`](wasmelt_abi::MEMORY_MAX_GROWN_PAGES)). So what
//! lies less than a page behind has not wrapped. What lies less than a page before it either has not wrapped
//! or is in the last page and faults, as does what the processor then finds in front of the memory.
//!
//! Sandbox-critical, but not by these proofs: whatever they say, the place of an access is that of an
//! address that was formed before, plus a displacement within the bounds of `Address::displacement`. With
//! guard pages, an address is the base, at most two indices below 2^32 (shifted ones by `Index::shifted` of
//! `addresses.rs`), and constants, so the access stays in the reservation or in what is inaccessible before it.

use super::{addresses::is_fixed_base, constant_bits, extended_value};
use cranelift_codegen::{
    dominator_tree::DominatorTree,
    ir::{Block, Function, Inst, InstructionData, Opcode, TrapCode, Value, ValueDef, types},
};
use std::collections::BTreeMap;
use wasmelt_abi::{GUARD_IN_FRONT_LEN_BYTES, WASM_PAGE_SIZE};

/// How deep sums are looked into.
const MAX_DEPTH: u32 = 4;

/// How many different numbers an index may be the sum of.
const MAX_TERMS: usize = 3;

/// How many accesses are remembered of which the later ones may be relative to one.
const MAX_ANCHORS: usize = 4;

/// What an access of the sum of two indices may have as its displacement.
pub(super) const MAX_OFFSET_BESIDE_TWO_INDICES: i64 = 0x7fff;

/// Below how many bytes before or behind an access nothing else has wrapped.
const REACH_BYTES: i64 = WASM_PAGE_SIZE as i64;
const _: () = assert!(GUARD_IN_FRONT_LEN_BYTES >= WASM_PAGE_SIZE as u64);

/// How far before the base an access may be.
pub(super) const MIN_DISPLACEMENT: i64 = 1 - REACH_BYTES;

/// Numbers and by what each is multiplied, in the order of the numbers.
type Terms = [Option<(Value, u32)>; MAX_TERMS];

/// The sum of terms and a constant, of 32 bits.
#[derive(Default)]
struct Index {
    terms: Terms,
    constant: u32,
}

/// An address as the base of the memory plus an index in 64 bits and what was added to it there.
struct Address {
    base: Option<Value>,
    index: Index,
    /// How many 32-bit numbers were extended and added in 64 bits.
    extensions: u32,
    constant: i64,
}

/// An access that was made.
struct Anchor {
    block: Block,
    address: Value,
    index_constant: u32,
    address_constant: i64,
    /// How far behind its index it was.
    offset: i64,
    extensions: u32,
}

/// Makes accesses relative to others that dominate them. Memories that the function runs with must not have
/// the last page of the 4 GiB.
pub(super) fn relate(func: &mut Function, domtree: &DominatorTree) {
    let mut anchors: BTreeMap<(Value, Terms), Vec<Anchor>> = BTreeMap::new();
    for block in domtree.cfg_postorder().iter().rev().copied() {
        let mut following = func.layout.first_inst(block);
        while let Some(inst) = following {
            following = func.layout.next_inst(inst);
            let Some((address, offset)) = accessed(func, inst) else {
                continue;
            };
            let Some((base, decoded)) = Address::decode(func, address) else {
                continue;
            };
            let known = anchors.entry((base, decoded.index.terms)).or_default();
            let related = known.iter().find_map(|anchor| {
                let is_before =
                    anchor.block == block || domtree.block_dominates(anchor.block, block);
                let displacement = decoded.displacement(anchor, offset).filter(|_| is_before)?;
                Some((anchor.address, displacement))
            });
            match related {
                Some((known_address, _)) if known_address == address => {}
                Some((known_address, displacement)) => {
                    displace(func, inst, known_address, displacement);
                }
                None if known.len() < MAX_ANCHORS => {
                    let address_constant = decoded.constant;
                    known.push(Anchor {
                        block,
                        address,
                        index_constant: decoded.index.constant,
                        address_constant,
                        offset: address_constant.saturating_add(offset.into()),
                        extensions: decoded.extensions,
                    });
                }
                None => {}
            }
        }
    }
}

impl Address {
    /// What an address of at least one index consists of, and the base in it.
    fn decode(func: &Function, address: Value) -> Option<(Value, Self)> {
        let mut decoded = Self {
            base: None,
            index: Index::default(),
            extensions: 0,
            constant: 0,
        };
        decoded.add(func, address, MAX_DEPTH)?;
        let has_index = decoded.index.terms[0].is_some();
        let base = decoded.base.filter(|_| has_index)?;
        Some((base, decoded))
    }

    fn add(&mut self, func: &Function, value: Value, depth: u32) -> Option<()> {
        let value = func.dfg.resolve_aliases(value);
        if let Some(constant) = constant_bits(func, value) {
            self.constant = self.constant.checked_add(constant.cast_signed())?;
            return Some(());
        }
        if is_fixed_base(func, value) {
            return self.base.replace(value).is_none().then_some(());
        }
        let inst = func.dfg.value_def(value).inst()?;
        if let Some(narrow) = extended_value(func, inst) {
            self.extensions += 1;
            return self.index.add(func, narrow, 1, MAX_DEPTH);
        }
        let InstructionData::Binary {
            opcode,
            args: [left, right],
        } = func.dfg.insts[inst]
        else {
            return None;
        };
        match opcode {
            Opcode::Iadd => {
                let depth = depth.checked_sub(1)?;
                self.add(func, left, depth)?;
                self.add(func, right, depth)
            }
            // An index that has room to be shifted in 64 bits.
            Opcode::Ishl => {
                let bits = constant_bits(func, func.dfg.resolve_aliases(right))?;
                let extension = func.dfg.value_def(func.dfg.resolve_aliases(left)).inst()?;
                let narrow = extended_value(func, extension)?;
                self.extensions += 1;
                let factor = 1u32.checked_shl(u32::try_from(bits).ok()?)?;
                self.index.add(func, narrow, factor, MAX_DEPTH)
            }
            _ => None,
        }
    }

    /// With what displacement an access at this address and an offset can be made from the address of an
    /// access that was made at the same terms. Sandbox-critical.
    fn displacement(&self, anchor: &Anchor, offset: i32) -> Option<i32> {
        let distance = self.index.constant.wrapping_sub(anchor.index_constant);
        let distance = i64::from(distance.cast_signed());
        // Without the index: what it is behind the base if all terms are zero.
        let own = self.constant.checked_add(offset.into())?;
        // The index may be above the last byte by what the access was before it.
        let is_exact = (0..REACH_BYTES + anchor.offset.min(0)).contains(&distance);
        // An index before the base must not come back behind it.
        let faults_if_wrapped = (MIN_DISPLACEMENT..0).contains(&distance) && own == 0;
        if !is_exact && !faults_if_wrapped {
            return None;
        }
        let all = distance.checked_add(own)?;
        let max = match anchor.extensions {
            1 => i64::from(i32::MAX),
            2 => MAX_OFFSET_BESIDE_TWO_INDICES,
            _ => return None,
        };
        if !(MIN_DISPLACEMENT..=max).contains(&all) {
            return None;
        }
        i32::try_from(all.checked_sub(anchor.address_constant)?).ok()
    }
}

impl Index {
    fn add(&mut self, func: &Function, value: Value, factor: u32, depth: u32) -> Option<()> {
        let value = func.dfg.resolve_aliases(value);
        if let Some(bits) = constant_bits(func, value) {
            let bits = u32::try_from(bits).ok()?;
            self.constant = self.constant.wrapping_add(bits.wrapping_mul(factor));
            return Some(());
        }
        if let Some(depth) = depth.checked_sub(1)
            && let ValueDef::Result(inst, _) = func.dfg.value_def(value)
            && let InstructionData::Binary {
                opcode,
                args: [left, right],
            } = func.dfg.insts[inst]
        {
            let by = constant_bits(func, func.dfg.resolve_aliases(right));
            let by = by.and_then(|by| u32::try_from(by).ok());
            match (opcode, by) {
                (Opcode::Iadd, _) => {
                    self.add(func, left, factor, depth)?;
                    return self.add(func, right, factor, depth);
                }
                (Opcode::Isub, _) => {
                    self.add(func, left, factor, depth)?;
                    return self.add(func, right, factor.wrapping_neg(), depth);
                }
                (Opcode::Imul, Some(by)) => {
                    return self.add(func, left, factor.wrapping_mul(by), depth);
                }
                (Opcode::Ishl, Some(by)) if by < types::I32.bits() => {
                    return self.add(func, left, factor << by, depth);
                }
                _ => {}
            }
        }
        self.add_term(value, factor)
    }

    fn add_term(&mut self, value: Value, factor: u32) -> Option<()> {
        let known = self.terms.iter_mut().flatten();
        if let Some((_, sum)) = known.into_iter().find(|(known, _)| *known == value) {
            *sum = sum.wrapping_add(factor);
            return Some(());
        }
        let last = self.terms.last_mut()?;
        if last.is_some() {
            return None;
        }
        *last = Some((value, factor));
        // Those that are not there come last.
        self.terms
            .sort_unstable_by_key(|term| (term.is_none(), *term));
        Some(())
    }
}

/// The address and the offset of an access to linear memory that may fault.
pub(super) fn accessed(func: &Function, inst: Inst) -> Option<(Value, i32)> {
    let (InstructionData::Load {
        flags, arg, offset, ..
    }
    | InstructionData::Store {
        flags,
        args: [_, arg],
        offset,
        ..
    }) = func.dfg.insts[inst]
    else {
        return None;
    };
    let code = func.dfg.mem_flags[flags].trap_code();
    if code != Some(TrapCode::HEAP_OUT_OF_BOUNDS) {
        return None;
    }
    Some((func.dfg.resolve_aliases(arg), offset.into()))
}

fn displace(func: &mut Function, inst: Inst, address: Value, displacement: i32) {
    if let InstructionData::Load { arg, offset, .. }
    | InstructionData::Store {
        args: [_, arg],
        offset,
        ..
    } = &mut func.dfg.insts[inst]
    {
        *arg = address;
        *offset = displacement.into();
    }
}
