//! Turns the stack check of signal-free functions from a trap into a raise.
//!
//! Cranelift compares the stack pointer, less the frame, with the limit before it takes the frame,
//! and jumps to a trap instruction. That is the right place: a check in the body would come when
//! the frame, however large, has already been taken and written to. Without signals the trap must
//! become a call of the stub that raises; it goes behind the function's end, where the jump is
//! redirected to. At the jump the frame pointer is set and the stack pointer has its alignment.
//!
//! Sandbox-critical: this changes finished machine code. Only the prologue is touched, decoded
//! instruction by instruction from its start; behind it are constants that a guest chooses.

use crate::codegen::{CallEncoding, Callee, CompiledFunction, Relocation, Site};
use crate::translate::Stub;
use wasmelt_abi::{Arch, TrapCode, VMContext};

/// Replaces the traps of the prologue's stack checks by one call of the raising stub.
///
/// # Errors
///
/// When the machine code is not what Cranelift is known to write.
pub(crate) fn raise_on_stack_overflow(
    function: &mut CompiledFunction,
    arch: Arch,
) -> Result<(), String> {
    let is_overflow = |(_, code): &&(u32, TrapCode)| *code == TrapCode::StackOverflow;
    let sites = function.traps.iter().filter(is_overflow);
    let sites: Vec<u32> = sites.map(|(offset, _)| *offset).collect();
    if sites.is_empty() {
        return Ok(());
    }
    let raise = function.code.len();
    let is_redirected = match arch {
        Arch::X86_64 => redirect_x86(&mut function.code, &sites, raise),
        Arch::Aarch64 => redirect_aarch64(&mut function.code, &sites, raise),
    };
    if !is_redirected {
        return Err("its stack check is of an unknown form".to_owned());
    }
    // What is reported for the trap is reported for the raise.
    let is_site = |offset: &u32| sites.contains(offset);
    let mut reported = function.offsets.iter().filter(|site| is_site(&site.offset));
    let reported = reported.next().copied();
    function.traps.retain(|(site, _)| !is_site(site));
    function.offsets.retain(|site| !is_site(&site.offset));

    let (instructions, call_len_bytes, field, addend, encoding): (&[u8], _, _, _, _) = match arch {
        // call rel32; ud2
        Arch::X86_64 => (
            &[0xe8, 0, 0, 0, 0, 0x0f, 0x0b],
            5,
            1,
            -4,
            CallEncoding::X86PcRel32,
        ),
        // bl; udf
        Arch::Aarch64 => (
            &[0, 0, 0, 0x94, 0x1f, 0xc1, 0, 0],
            4,
            0,
            0,
            CallEncoding::Aarch64Call26,
        ),
    };
    function.code.extend_from_slice(instructions);
    let start = u32::try_from(raise).map_err(|_| "it is longer than 4 GiB".to_owned())?;
    function.relocations.push(Relocation {
        offset: start + field,
        callee: Callee::Stub(Stub::Raise(TrapCode::StackOverflow).index()),
        addend,
        encoding,
    });
    if let Some(reported) = reported {
        function.offsets.push(Site {
            // A backtrace looks one byte before the return address.
            offset: start + call_len_bytes - 1,
            ..reported
        });
    }
    Ok(())
}

/// Redirects the jumps of the prologue:
///
/// ```text
/// push rbp; mov rbp, rsp
/// mov r10, [rdi + limit]; [cmp r10, rsp; ja site;] add r10, frame; cmp r10, rsp; ja site
/// ```
fn redirect_x86(code: &mut [u8], sites: &[u32], target: usize) -> bool {
    const ENTRY: &[u8] = &[0x55, 0x48, 0x89, 0xe5];
    const LOAD_LIMIT: &[u8] = &[0x4c, 0x8b, 0x57];
    const ADD_IMM8: &[u8] = &[0x49, 0x83, 0xc2];
    const ADD_IMM32: &[u8] = &[0x49, 0x81, 0xc2];
    const COMPARE_AND_JUMP: &[u8] = &[0x4c, 0x3b, 0xd4, 0x0f, 0x87];
    const INSTRUCTIONS: [(&[u8], usize); 5] = [
        (ENTRY, 0),
        (LOAD_LIMIT, 1),
        (ADD_IMM8, 1),
        (ADD_IMM32, 4),
        (COMPARE_AND_JUMP, 4),
    ];
    let mut left: Vec<u32> = sites.to_vec();
    let mut at = 0;
    while !left.is_empty() {
        let rest = &code[at..];
        let known = INSTRUCTIONS
            .iter()
            .find(|(opcode, _)| rest.starts_with(opcode));
        let Some((opcode, operand_len_bytes)) = known else {
            return false;
        };
        let start = at + opcode.len();
        at = start + operand_len_bytes;
        let Some(operand) = code.get_mut(start..at) else {
            return false;
        };
        if *opcode == LOAD_LIMIT && u32::from(operand[0]) != VMContext::STACK_LIMIT {
            return false;
        }
        if *opcode == COMPARE_AND_JUMP {
            let distance = i32::from_le_bytes([operand[0], operand[1], operand[2], operand[3]]);
            let aim = i64::try_from(at).map(|next| next + i64::from(distance));
            let position = left.iter().position(|site| Ok(i64::from(*site)) == aim);
            let (Some(position), Ok(distance)) = (position, i32::try_from(target - at)) else {
                return false;
            };
            left.remove(position);
            operand.copy_from_slice(&distance.to_le_bytes());
        }
    }
    true
}

/// Puts a `b` in the place of each trap instruction.
fn redirect_aarch64(code: &mut [u8], sites: &[u32], target: usize) -> bool {
    sites.iter().all(|site| {
        let site = *site as usize;
        let Some(trap) = code.get_mut(site..site + 4) else {
            return false;
        };
        let words = (target - site) / 4;
        let is_near = target.is_multiple_of(4) && words < 1 << 25;
        if is_near && let Ok(words) = u32::try_from(words) {
            trap.copy_from_slice(&(0x1400_0000 | words).to_le_bytes());
        }
        is_near
    })
}
