//! Turns the stack check of signal-free functions from a trap into a raise.
//!
//! Cranelift compares the stack pointer, less the frame, with the limit before it takes the frame,
//! and jumps to a trap instruction. That is the right place: a check in the body would come when
//! the frame, however large, has already been taken and written to. Without signals the trap must
//! become a call of the stub that raises; it goes behind the function's end, where the jump is
//! redirected to. At the jump the frame pointer is set and the stack pointer has its alignment.

use crate::codegen::{CallEncoding, Callee, CompiledFunction, Relocation};
use crate::translate::Stub;
use wasmelt_abi::{Arch, TrapCode};

/// How far into a function its prologue can reach.
const PROLOGUE_LEN_BYTES: usize = 128;

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
    let sites: Vec<u32> = function
        .traps
        .iter()
        .filter(is_overflow)
        .map(|(offset, _)| *offset)
        .collect();
    if sites.is_empty() {
        return Ok(());
    }
    let code = &mut function.code;
    let raise = code.len();
    for site in sites {
        let is_redirected = match arch {
            Arch::X86_64 => redirect_x86(code, site as usize, raise),
            Arch::Aarch64 => redirect_aarch64(code, site as usize, raise),
        };
        if !is_redirected {
            return Err(format!(
                "its stack check at {site:#x} is of an unknown form"
            ));
        }
    }
    function
        .traps
        .retain(|(_, code)| *code != TrapCode::StackOverflow);
    let (instructions, offset, addend, encoding): (&[u8], _, _, _) = match arch {
        // call rel32; ud2
        Arch::X86_64 => (
            &[0xe8, 0, 0, 0, 0, 0x0f, 0x0b],
            raise + 1,
            -4,
            CallEncoding::X86PcRel32,
        ),
        // bl; udf
        Arch::Aarch64 => (
            &[0, 0, 0, 0x94, 0x1f, 0xc1, 0, 0],
            raise,
            0,
            CallEncoding::Aarch64Call26,
        ),
    };
    code.extend_from_slice(instructions);
    function.relocations.push(Relocation {
        offset: u32::try_from(offset).map_err(|_| "it is longer than 4 GiB".to_owned())?,
        callee: Callee::Stub(Stub::Raise(TrapCode::StackOverflow).index()),
        addend,
        encoding,
    });
    Ok(())
}

/// Redirects every `jcc rel32` of the prologue that goes to `site`.
fn redirect_x86(code: &mut [u8], site: usize, target: usize) -> bool {
    let mut is_redirected = false;
    for start in 0..code.len().saturating_sub(6).min(PROLOGUE_LEN_BYTES) {
        let (next, bytes) = (start + 6, &code[start..start + 6]);
        if bytes[0] != 0x0f || bytes[1] & 0xf0 != 0x80 {
            continue;
        }
        let distance = i32::from_le_bytes([bytes[2], bytes[3], bytes[4], bytes[5]]);
        let is_to_site = i64::try_from(next)
            .ok()
            .map(|next| next + i64::from(distance))
            == i64::try_from(site).ok();
        if is_to_site && let Ok(distance) = i32::try_from(target - next) {
            code[start + 2..next].copy_from_slice(&distance.to_le_bytes());
            is_redirected = true;
        }
    }
    is_redirected
}

/// Puts a `b` in the place of the trap instruction.
fn redirect_aarch64(code: &mut [u8], site: usize, target: usize) -> bool {
    let Some(trap) = code.get_mut(site..site + 4) else {
        return false;
    };
    let words = (target - site) / 4;
    let is_near = target.is_multiple_of(4) && words < 1 << 25;
    if is_near && let Ok(words) = u32::try_from(words) {
        trap.copy_from_slice(&(0x1400_0000 | words).to_le_bytes());
    }
    is_near
}
