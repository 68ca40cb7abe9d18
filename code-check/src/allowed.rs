//! Lists the instructions that the compiler is known to write, and what processors have them.

use iced_x86::{CpuidFeature, FlowControl, Instruction, Mnemonic, OpKind, Register};
use wasmelt_abi::{CpuFeature, CpuFeatures};

/// Whether the instruction is in the list and has no prefix that changes what it accesses. `bytes` are its own.
pub(crate) fn is_known(instruction: &Instruction, bytes: &[u8]) -> bool {
    // Processors differ in what a prefix for 16 bits does to a branch.
    let is_branch = instruction.flow_control() != FlowControl::Next;
    if is_branch
        && !matches!(
            bytes,
            [0x0f | 0x70..=0x7f | 0xc3 | 0xe8 | 0xe9 | 0xeb | 0xff, ..] | [0x41, 0xff, ..]
        )
    {
        return false;
    }
    // With a bit's number in a register, it accesses other places than its operand.
    let is_bit_string =
        instruction.mnemonic() == Mnemonic::Bt && instruction.op0_kind() == OpKind::Memory;
    if is_bit_string {
        return false;
    }
    let is_plain = !instruction.has_lock_prefix()
        && !instruction.has_rep_prefix()
        && !instruction.has_repne_prefix()
        && instruction.segment_prefix() == Register::None;
    is_plain && is_listed(instruction.mnemonic())
}

fn is_listed(mnemonic: Mnemonic) -> bool {
    use Mnemonic as M;
    is_integer(mnemonic)
        || is_float(mnemonic)
        || is_packed(mnemonic)
        || matches!(mnemonic, M::Call | M::Jmp | M::Ret | M::Ud2)
        || is_conditional(mnemonic)
}

fn is_integer(mnemonic: Mnemonic) -> bool {
    use Mnemonic as M;
    matches!(
        mnemonic,
        M::Adc
            | M::Add
            | M::And
            | M::Bsf
            | M::Bsr
            | M::Bswap
            | M::Bt
            | M::Cdq
            | M::Cqo
            | M::Cmp
            | M::Dec
            | M::Cwd
            | M::Cbw
            | M::Div
            | M::Idiv
            | M::Imul
            | M::Inc
            | M::Lea
            | M::Mov
            | M::Movsx
            | M::Movsxd
            | M::Movzx
            | M::Mul
            | M::Neg
            | M::Nop
            | M::Not
            | M::Or
            | M::Pop
            | M::Popcnt
            | M::Push
            | M::Rol
            | M::Ror
            | M::Sar
            | M::Sbb
            | M::Shl
            | M::Shld
            | M::Shr
            | M::Shrd
            | M::Sub
            | M::Test
            | M::Xchg
            | M::Xor
            | M::Andn
            | M::Blsi
            | M::Blsmsk
            | M::Blsr
            | M::Bzhi
            | M::Lzcnt
            | M::Mulx
            | M::Rorx
            | M::Sarx
            | M::Shlx
            | M::Shrx
            | M::Tzcnt
    )
}

fn is_conditional(mnemonic: Mnemonic) -> bool {
    use Mnemonic as M;
    matches!(
        mnemonic,
        M::Ja
            | M::Jae
            | M::Jb
            | M::Jbe
            | M::Je
            | M::Jg
            | M::Jge
            | M::Jl
            | M::Jle
            | M::Jne
            | M::Jno
            | M::Jnp
            | M::Jns
            | M::Jo
            | M::Jp
            | M::Js
            | M::Cmova
            | M::Cmovae
            | M::Cmovb
            | M::Cmovbe
            | M::Cmove
            | M::Cmovg
            | M::Cmovge
            | M::Cmovl
            | M::Cmovle
            | M::Cmovne
            | M::Cmovno
            | M::Cmovnp
            | M::Cmovns
            | M::Cmovo
            | M::Cmovp
            | M::Cmovs
            | M::Seta
            | M::Setae
            | M::Setb
            | M::Setbe
            | M::Sete
            | M::Setg
            | M::Setge
            | M::Setl
            | M::Setle
            | M::Setne
            | M::Setno
            | M::Setnp
            | M::Setns
            | M::Seto
            | M::Setp
            | M::Sets
    )
}

fn is_float(mnemonic: Mnemonic) -> bool {
    use Mnemonic as M;
    matches!(
        mnemonic,
        M::Addsd
            | M::Addss
            | M::Cvtsd2ss
            | M::Cvtsi2sd
            | M::Cvtsi2ss
            | M::Cvtss2sd
            | M::Cvttsd2si
            | M::Cvttss2si
            | M::Divsd
            | M::Divss
            | M::Maxsd
            | M::Maxss
            | M::Minsd
            | M::Minss
            | M::Movd
            | M::Movq
            | M::Movsd
            | M::Movss
            | M::Mulsd
            | M::Mulss
            | M::Roundsd
            | M::Roundss
            | M::Sqrtsd
            | M::Sqrtss
            | M::Subsd
            | M::Subss
            | M::Ucomisd
            | M::Ucomiss
            | M::Vaddsd
            | M::Vaddss
            | M::Vcvtsd2ss
            | M::Vcvtsi2sd
            | M::Vcvtsi2ss
            | M::Vcvtss2sd
            | M::Vcvttsd2si
            | M::Vcvttss2si
            | M::Vdivsd
            | M::Vdivss
            | M::Vmaxsd
            | M::Vmaxss
            | M::Vminsd
            | M::Vminss
            | M::Vmovd
            | M::Vmovq
            | M::Vmovsd
            | M::Vmovss
            | M::Vmulsd
            | M::Vmulss
            | M::Vroundsd
            | M::Vroundss
            | M::Vsqrtsd
            | M::Vsqrtss
            | M::Vsubsd
            | M::Vsubss
            | M::Vucomisd
            | M::Vucomiss
    )
}

/// Of the instructions for several numbers at once, those that work on the bits of one.
fn is_packed(mnemonic: Mnemonic) -> bool {
    use Mnemonic as M;
    matches!(
        mnemonic,
        M::Andnpd
            | M::Andnps
            | M::Andpd
            | M::Andps
            | M::Cmppd
            | M::Cmpps
            | M::Cmpsd
            | M::Cmpss
            | M::Movapd
            | M::Movaps
            | M::Movdqa
            | M::Movdqu
            | M::Movupd
            | M::Movups
            | M::Orpd
            | M::Orps
            | M::Pand
            | M::Pandn
            | M::Pcmpeqd
            | M::Por
            | M::Psrld
            | M::Psrlq
            | M::Pslld
            | M::Psllq
            | M::Punpcklqdq
            | M::Pxor
            | M::Xorpd
            | M::Xorps
            | M::Addpd
            | M::Addps
            | M::Maxps
            | M::Maxpd
            | M::Minps
            | M::Minpd
            | M::Subpd
            | M::Subps
            | M::Punpckldq
            | M::Unpcklps
            | M::Unpcklpd
            | M::Blendvpd
            | M::Blendvps
            | M::Pblendvb
            | M::Vandnpd
            | M::Vandnps
            | M::Vandpd
            | M::Vandps
            | M::Vcmppd
            | M::Vcmpps
            | M::Vcmpsd
            | M::Vcmpss
            | M::Vmovapd
            | M::Vmovaps
            | M::Vmovdqa
            | M::Vmovdqu
            | M::Vmovupd
            | M::Vmovups
            | M::Vorpd
            | M::Vorps
            | M::Vpand
            | M::Vpandn
            | M::Vpcmpeqd
            | M::Vpor
            | M::Vpsrld
            | M::Vpsrlq
            | M::Vpslld
            | M::Vpsllq
            | M::Vpunpcklqdq
            | M::Vpxor
            | M::Vxorpd
            | M::Vxorps
            | M::Vblendvpd
            | M::Vblendvps
            | M::Vpblendvb
            | M::Vaddpd
            | M::Vaddps
            | M::Vmaxps
            | M::Vmaxpd
            | M::Vminps
            | M::Vminpd
            | M::Vsubpd
            | M::Vsubps
            | M::Vpunpckldq
            | M::Vunpcklps
            | M::Vunpcklpd
    )
}

/// Whether the processor that has these features has the instruction.
pub(crate) fn is_available(instruction: &Instruction, features: CpuFeatures) -> bool {
    instruction.cpuid_features().iter().all(|needed| {
        let feature = match needed {
            CpuidFeature::INTEL8086
            | CpuidFeature::INTEL186
            | CpuidFeature::INTEL286
            | CpuidFeature::INTEL386
            | CpuidFeature::INTEL486
            | CpuidFeature::X64
            | CpuidFeature::CMOV
            | CpuidFeature::MULTIBYTENOP
            | CpuidFeature::SSE
            | CpuidFeature::SSE2 => return true,
            CpuidFeature::SSE3 => CpuFeature::Sse3,
            CpuidFeature::SSSE3 => CpuFeature::Ssse3,
            CpuidFeature::SSE4_1 => CpuFeature::Sse41,
            CpuidFeature::SSE4_2 => CpuFeature::Sse42,
            CpuidFeature::POPCNT => CpuFeature::Popcnt,
            CpuidFeature::AVX => CpuFeature::Avx,
            CpuidFeature::AVX2 => CpuFeature::Avx2,
            CpuidFeature::FMA => CpuFeature::Fma,
            CpuidFeature::BMI1 => CpuFeature::Bmi1,
            CpuidFeature::BMI2 => CpuFeature::Bmi2,
            CpuidFeature::LZCNT => CpuFeature::Lzcnt,
            _ => return false,
        };
        features.contains(feature)
    })
}
