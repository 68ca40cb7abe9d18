//! Breaks every rule in a function that is written byte by byte, and mutates compiled code.

use wasmelt_code_check::{ArtifactParts, CodeFault, FunctionRange, Report, Rule, check_code};
use wasmelt_compiler::{CompileOptions, compile};

/// An imported function, a memory, a mutable global and one that is not; one defined function with a frame.
const MODULE: &str = r#"(module
  (import "m" "f" (func $f (param i32) (result i32)))
  (memory 1)
  (global (mut i32) (i32.const 0))
  (global i32 (i32.const 0))
  (func (export "g") (param i32) (result i32)
    (i32.add (call $f (local.get 0)) (i32.load (local.get 0)))))"#;

/// push rbp; mov rbp, rsp
const PROLOGUE: &[u8] = &[0x55, 0x48, 0x89, 0xe5];
/// mov r10, [rdi + 16]; add r10, 0x40; cmp r10, rsp; ja over the next jump to `ud2`
const CHECK: &[u8] = &[
    0x4c, 0x8b, 0x57, 0x10, 0x49, 0x83, 0xc2, 0x40, 0x4c, 0x3b, 0xd4, 0x76, 0x02, 0x0f, 0x0b,
];
/// mov rsp, rbp; pop rbp; ret
const EPILOGUE: &[u8] = &[0x48, 0x89, 0xec, 0x5d, 0xc3];

fn artifact(wat: &str) -> Vec<u8> {
    let wasm = wat::parse_str(wat).expect("the text is a module");
    compile(&wasm, &CompileOptions::default())
        .expect("the module compiles")
        .shared_object()
}

/// Checks code in the place of the one function of [`MODULE`].
fn check(parts: &[&[u8]]) -> Result<Report, CodeFault> {
    let bytes = artifact(MODULE);
    let mut artifact = ArtifactParts::read(&bytes).expect("the artifact is whole");
    let mut text = parts.concat();
    let len_bytes = text.len() as u64;
    text.resize(text.len().next_multiple_of(16), 0);
    // The stubs do not know where they are.
    let behind = artifact.functions[0].len_bytes.next_multiple_of(16);
    let stubs = usize::try_from(behind).expect("a short function");
    text.extend_from_slice(&artifact.text[stubs..]);
    artifact.text = &text;
    artifact.functions[0] = FunctionRange {
        text_offset: 0,
        len_bytes,
    };
    check_code(&artifact)
}

fn rule_of(parts: &[&[u8]]) -> Option<Rule> {
    check(parts).err().and_then(|fault| fault.rule())
}

#[test]
fn a_function_written_by_hand_is_accepted() {
    let report = check(&[PROLOGUE, EPILOGUE]).expect("it breaks no rule");
    assert_eq!((report.functions, report.stubs), (1, 11));
    assert_eq!(report.unreached_bytes, 0);
    // sub rsp, 0x20; mov [rsp + 8], esi; call [the function itself]
    let recursion = [
        0x48, 0x83, 0xec, 0x20, 0x89, 0x74, 0x24, 0x08, 0xe8, 0xe0, 0xff, 0xff, 0xff,
    ];
    let before = PROLOGUE.len() + CHECK.len() + recursion.len();
    let mut recursion = recursion.to_vec();
    let distance = -i32::try_from(before).expect("a short function");
    recursion[9..].copy_from_slice(&distance.to_le_bytes());
    let report = check(&[PROLOGUE, CHECK, &recursion, EPILOGUE]).expect("it breaks no rule");
    assert_eq!(report.direct_calls, 1);
}

/// Code between the prologue and the epilogue, and the rule that it breaks.
const BROKEN: &[(&str, &[u8], Rule)] = &[
    ("no instruction", &[0x06], Rule::Decodes),
    ("syscall", &[0x0f, 0x05], Rule::KnownInstruction),
    ("sysenter", &[0x0f, 0x34], Rule::KnownInstruction),
    ("int 0x80", &[0xcd, 0x80], Rule::KnownInstruction),
    ("hlt", &[0xf4], Rule::KnownInstruction),
    ("in al, dx", &[0xec], Rule::KnownInstruction),
    ("cli", &[0xfa], Rule::KnownInstruction),
    ("std", &[0xfd], Rule::KnownInstruction),
    ("rdtsc", &[0x0f, 0x31], Rule::KnownInstruction),
    ("rdrand eax", &[0x0f, 0xc7, 0xf0], Rule::KnownInstruction),
    (
        "wrfsbase rax",
        &[0xf3, 0x48, 0x0f, 0xae, 0xd0],
        Rule::KnownInstruction,
    ),
    (
        "ldmxcsr [rsp]",
        &[0x0f, 0xae, 0x14, 0x24],
        Rule::KnownInstruction,
    ),
    (
        "xsave [rsp]",
        &[0x0f, 0xae, 0x24, 0x24],
        Rule::KnownInstruction,
    ),
    ("fld1", &[0xd9, 0xe8], Rule::KnownInstruction),
    ("rep movsb", &[0xf3, 0xa4], Rule::KnownInstruction),
    (
        "mov eax, fs:[rsi]",
        &[0x64, 0x8b, 0x06],
        Rule::KnownInstruction,
    ),
    (
        "lock add [rbp - 8], eax",
        &[0xf0, 0x01, 0x45, 0xf8],
        Rule::KnownInstruction,
    ),
    ("call far [rsi]", &[0xff, 0x1e], Rule::KnownInstruction),
    ("jmp far [rsi]", &[0xff, 0x2e], Rule::KnownInstruction),
    ("retf", &[0xcb], Rule::KnownInstruction),
    ("ret of 16 bits", &[0x66, 0xc3], Rule::KnownInstruction),
    (
        "call with a prefix for 16 bits",
        &[0x66, 0xe8, 0, 0, 0, 0],
        Rule::KnownInstruction,
    ),
    (
        "bt [rsp], rsi",
        &[0x48, 0x0f, 0xa3, 0x34, 0x24],
        Rule::KnownInstruction,
    ),
    (
        "lzcnt eax, esi",
        &[0xf3, 0x0f, 0xbd, 0xc6],
        Rule::NamedFeature,
    ),
    (
        "vaddsd xmm0, xmm0, xmm0",
        &[0xc5, 0xfb, 0x58, 0xc0],
        Rule::NamedFeature,
    ),
    (
        "je into the middle of an instruction",
        &[0x85, 0xf6, 0x74, 0x01, 0xb8, 0x31, 0xc0, 0x90, 0x90],
        Rule::OneReading,
    ),
    ("jmp out of the function", &[0xeb, 0x7f], Rule::JumpInside),
    (
        "je before the function",
        &[0x0f, 0x84, 0, 0, 0, 0x80],
        Rule::JumpInside,
    ),
    ("jmp rsi", &[0xff, 0xe6], Rule::JumpTable),
    (
        "call to a place that is no entry",
        &[0xe8, 0, 0, 0, 0],
        Rule::CallTarget,
    ),
    ("call rsi", &[0xff, 0xd6], Rule::CallPointer),
    (
        "call of an import with another vmctx",
        &[0x48, 0x8b, 0x47, 0xf0, 0xff, 0xd0],
        Rule::CallArgument,
    ),
    ("mov [rsi], esi", &[0x89, 0x36], Rule::KnownPointer),
    (
        "mov eax, [0x1000]",
        &[0x8b, 0x04, 0x25, 0, 0x10, 0, 0],
        Rule::KnownPointer,
    ),
    (
        "mov [rip], eax",
        &[0x89, 0x05, 0, 0, 0, 0],
        Rule::WritablePlace,
    ),
    ("mov [vmctx], rsi", &[0x48, 0x89, 0x37], Rule::WritablePlace),
    (
        "mov [vmctx + 136], esi",
        &[0x89, 0xb7, 0x88, 0, 0, 0],
        Rule::WritablePlace,
    ),
    (
        "mov [vmctx - 16], rsi",
        &[0x48, 0x89, 0x77, 0xf0],
        Rule::WritablePlace,
    ),
    (
        "mov rax, [vmctx - 32]",
        &[0x48, 0x8b, 0x47, 0xe0],
        Rule::ReadablePlace,
    ),
    (
        "mov rax, [vmctx + 24]",
        &[0x48, 0x8b, 0x47, 0x18],
        Rule::ReadablePlace,
    ),
    (
        "mov rax, [rip + 0x1000]",
        &[0x48, 0x8b, 0x05, 0, 0x10, 0, 0],
        Rule::ConstantInside,
    ),
    (
        "mov [rbp + 8], rax",
        &[0x48, 0x89, 0x45, 0x08],
        Rule::FrameInside,
    ),
    (
        "mov [rsp - 8], rax",
        &[0x48, 0x89, 0x44, 0x24, 0xf8],
        Rule::FrameInside,
    ),
    (
        "mov rax, [rbp + 16]",
        &[0x48, 0x8b, 0x45, 0x10],
        Rule::FrameInside,
    ),
    ("mov rsp, rax", &[0x48, 0x89, 0xc4], Rule::StackPointer),
    (
        "and rsp, -16",
        &[0x48, 0x83, 0xe4, 0xf0],
        Rule::StackPointer,
    ),
    ("ret before pop rbp", &[0xc3], Rule::StackBalance),
    ("ret 8", &[0xc2, 0x08, 0], Rule::KnownInstruction),
    (
        "sub rsp, 0x20 unchecked",
        &[0x48, 0x83, 0xec, 0x20],
        Rule::StackCheck,
    ),
    ("push rax unchecked", &[0x50], Rule::StackCheck),
    ("xor ebx, ebx", &[0x31, 0xdb], Rule::KeptRegisters),
];

#[test]
fn each_broken_rule_is_named() {
    for (what, code, rule) in BROKEN {
        let found = rule_of(&[PROLOGUE, code, EPILOGUE]);
        assert_eq!(found, Some(*rule), "{what}");
    }
}

#[test]
fn what_needs_a_checked_frame_is_judged_behind_the_check() {
    let cases: &[(&str, &[u8], Rule)] = &[
        // push rax; pop rbp; ret
        ("unbalanced push", &[0x50, 0x5d, 0xc3], Rule::StackBalance),
        (
            "more than was compared",
            &[0x48, 0x83, 0xec, 0x50],
            Rule::StackCheck,
        ),
        // sub rsp, 8; call
        (
            "unaligned",
            &[0x48, 0x83, 0xec, 0x08, 0xe8, 0, 0, 0, 0],
            Rule::StackAlignment,
        ),
        // xor edi, edi; call
        (
            "null for vmctx",
            &[0x31, 0xff, 0xe8, 0, 0, 0, 0],
            Rule::CallArgument,
        ),
        // the frame is taken on one way only: test esi, esi; je +4; sub rsp, 0x10; mov [rsp], esi
        (
            "different on two ways",
            &[
                0x85, 0xf6, 0x74, 0x04, 0x48, 0x83, 0xec, 0x10, 0x89, 0x34, 0x24,
            ],
            Rule::KnownPointer,
        ),
    ];
    for (what, code, rule) in cases {
        let found = rule_of(&[PROLOGUE, CHECK, code, EPILOGUE]);
        assert_eq!(found, Some(*rule), "{what}");
    }
}

#[test]
fn every_rule_but_that_of_effort_is_broken_by_some_test() {
    let elsewhere = [Rule::StackAlignment, Rule::Layout, Rule::Effort];
    for rule in Rule::ALL {
        let is_covered = BROKEN.iter().any(|(_, _, broken)| broken == rule);
        assert!(is_covered || elsewhere.contains(rule), "{rule:?}");
    }
}

#[test]
fn an_index_of_unknown_bits_is_counted_and_one_of_32_bits_is_shown_to_stay_inside() {
    // mov rax, [rdi]; mov [rax + rsi], eax
    let store: &[u8] = &[0x48, 0x8b, 0x07, 0x89, 0x04, 0x30];
    let report = check(&[PROLOGUE, store, EPILOGUE]).expect("it breaks no rule");
    assert_eq!(report.memory_writes.unproven, 1);
    // mov esi, esi
    let report = check(&[PROLOGUE, &[0x89, 0xf6], store, EPILOGUE]).expect("it breaks no rule");
    assert_eq!((report.memory_writes.proven, report.unproven()), (1, 0));
    // shl rsi, 2: up to 16 GiB
    let shift: &[u8] = &[0x89, 0xf6, 0x48, 0xc1, 0xe6, 0x02];
    let report = check(&[PROLOGUE, shift, store, EPILOGUE]).expect("it breaks no rule");
    assert_eq!(report.memory_writes.unproven, 1);
}

#[test]
fn padding_is_zero() {
    let bytes = artifact(MODULE);
    let mut parts = ArtifactParts::read(&bytes).expect("the artifact is whole");
    let end = usize::try_from(parts.functions[0].len_bytes).expect("a short function");
    assert!(
        !end.is_multiple_of(16),
        "the function ends where padding follows"
    );
    let mut text = parts.text.to_vec();
    text[end] = 0x90;
    parts.text = &text;
    let fault = check_code(&parts).expect_err("the padding is not zero");
    assert_eq!(fault.rule(), Some(Rule::Layout), "{fault}");
}

#[test]
fn compiled_code_without_its_stack_check_is_refused() {
    let bytes = artifact(MODULE);
    let mut parts = ArtifactParts::read(&bytes).expect("the artifact is whole");
    let mut text = parts.text.to_vec();
    // cmp r10, rsp; ja
    let check = [0x4c, 0x3b, 0xd4, 0x0f, 0x87];
    let at = text.windows(5).position(|bytes| bytes == check);
    let jump = at.expect("the function has a frame") + 3;
    text[jump..jump + 6].fill(0x90);
    parts.text = &text;
    let fault = check_code(&parts).expect_err("nothing compares the stack pointer");
    assert_eq!(fault.rule(), Some(Rule::StackCheck), "{fault}");
    let message = fault.to_string();
    assert!(
        message.starts_with("function 1 at text offset 0x"),
        "{message}"
    );
}

#[test]
fn other_targets_are_not_supported() {
    let wasm = wat::parse_str(MODULE).expect("the text is a module");
    let options = CompileOptions::for_target(wasmelt_abi::Arch::Aarch64);
    let module = compile(&wasm, &options).expect("the module compiles");
    let bytes = module.shared_object();
    let parts = ArtifactParts::read(&bytes).expect("the artifact is whole");
    let fault = check_code(&parts).expect_err("aarch64 is not judged");
    assert!(matches!(fault, CodeFault::Unsupported { .. }), "{fault}");
}
