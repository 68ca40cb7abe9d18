//! Passes over CLIF that Cranelift does not have: some before its own, whose results those clean up,
//! and some between those and code generation.

mod addresses;
mod bytes;
mod comparisons;
mod counters;
mod exits;
mod factors;
mod inductions;
mod locations;
mod masks;
mod multiply;
mod neighbours;
mod pressure;
mod ranges;
mod widen;

use cranelift_codegen::{
    CodegenResult, Context,
    ir::{BlockCall, Function, Inst, InstructionData, Opcode, Value, ValueDef, types},
    isa::TargetIsa,
    settings::OptLevel,
};
use cranelift_control::ControlPlane;
use target_lexicon::Architecture;

/// Optimises the function in `context` as the target's settings ask for. `lacks_last_page` says that memories
/// which it runs with never have the last page of the 4 GiB. Returns how many values the function then keeps
/// over loops, as far as that was counted.
pub(crate) fn optimize(
    context: &mut Context,
    isa: &dyn TargetIsa,
    lacks_last_page: bool,
) -> CodegenResult<usize> {
    let is_wanted = isa.flags().opt_level() != OptLevel::None;
    if is_wanted {
        context.compute_cfg();
        context.compute_domtree();
        context.eliminate_unreachable_code(isa)?;
        context.remove_constant_phis(isa)?;
        context.compute_loop_analysis();
        let arch = isa.triple().architecture;
        comparisons::compare_unmasked(&mut context.func, &context.domtree, &context.loop_analysis);
        counters::count_from_zero(&mut context.func, &context.domtree, &context.loop_analysis);
        addresses::fold(
            &mut context.func,
            &context.domtree,
            &context.loop_analysis,
            addresses::Facts {
                arch,
                lacks_last_page,
            },
        );
    }
    context.optimize(isa, &mut ControlPlane::default())?;
    if !is_wanted {
        return Ok(0);
    }
    multiply::recombine(&mut context.func);
    bytes::replace_permutations(&mut context.func);
    factors::add_shifted(&mut context.func);
    exits::test_next_values(&mut context.func, &context.domtree);
    if isa.triple().architecture == Architecture::X86_64 {
        if lacks_last_page {
            neighbours::relate(&mut context.func, &context.domtree);
        }
        widen::widen(&mut context.func, &context.loop_analysis);
        masks::extend_lowest_bytes(&mut context.func);
    }
    locations::relocate_users_of_loads(&mut context.func);
    context.verify_if(isa)?;
    Ok(pressure::values_kept_over_loops(
        &context.func,
        &context.loop_analysis,
    ))
}

/// The bits of a constant of up to 64 bits, zero-extended.
fn constant_bits(func: &Function, value: Value) -> Option<u64> {
    let ValueDef::Result(inst, _) = func.dfg.value_def(value) else {
        return None;
    };
    let InstructionData::UnaryImm {
        opcode: Opcode::Iconst,
        imm,
    } = func.dfg.insts[inst]
    else {
        return None;
    };
    let unused_bits = 64 - func.dfg.value_type(value).bits();
    Some(imm.bits().cast_unsigned() << unused_bits >> unused_bits)
}

/// The other addend and the constant, read as a signed number, of a sum or a difference with a constant.
fn sum_with_constant(func: &Function, value: Value) -> Option<(Value, i64)> {
    let inst = func.dfg.value_def(value).inst()?;
    let InstructionData::Binary { opcode, args } = func.dfg.insts[inst] else {
        return None;
    };
    let ty = func.dfg.value_type(value);
    if !ty.is_int() || ty.bits() > 64 {
        return None;
    }
    let [left, right] = args.map(|arg| func.dfg.resolve_aliases(arg));
    let signed = |value| {
        let unused_bits = 64 - ty.bits();
        Some((constant_bits(func, value)? << unused_bits).cast_signed() >> unused_bits)
    };
    match opcode {
        Opcode::Iadd => signed(right)
            .map(|constant| (left, constant))
            .or_else(|| Some((right, signed(left)?))),
        Opcode::Isub => Some((left, signed(right)?.checked_neg()?)),
        _ => None,
    }
}

/// The lower 32 bits.
fn low_half(bits: i64) -> u32 {
    u32::try_from(bits & i64::from(u32::MAX)).expect("these are 32 bits")
}

/// Where a branch goes, and with what.
fn destinations(func: &Function, branch: Inst) -> &[BlockCall] {
    let dfg = &func.dfg;
    dfg.insts[branch].branch_destination(&dfg.jump_tables, &dfg.exception_tables)
}

/// Removes an instruction of one result; whoever used it is to use this value.
fn replace_by(func: &mut Function, inst: Inst, value: Value) {
    let result = func.dfg.first_result(inst);
    func.dfg.clear_results(inst);
    func.dfg.change_to_alias(result, value);
    func.layout.remove_inst(inst);
}

/// The 32-bit value that this instruction extends to 64 bits with zeros.
fn extended_value(func: &Function, inst: Inst) -> Option<Value> {
    match func.dfg.insts[inst] {
        InstructionData::Unary {
            opcode: Opcode::Uextend,
            arg,
        } if func.dfg.value_type(arg) == types::I32
            && func.dfg.ctrl_typevar(inst) == types::I64 =>
        {
            Some(arg)
        }
        _ => None,
    }
}
