//! Inputs that are refused, with the exact message: it names the place, the rule and a way out.

use wasmelt_abi::{Arch, BoundsStrategy, CpuLevel, Preset};
use wasmelt_compiler::{CompileOptions, compile};

/// Compiles and expects this refusal.
fn check(input: &[u8], options: &CompileOptions, expected: &str) {
    let error = compile(input, options).expect_err("the input is refused");
    assert_eq!(error.to_string(), expected);
}

fn check_wat(text: &str, expected: &str) {
    let wasm = wat::parse_str(text).expect("valid text");
    check(&wasm, &CompileOptions::default(), expected);
}

fn with_preset(preset: Preset) -> CompileOptions {
    let mut options = CompileOptions::default();
    options.codegen.preset = preset;
    options
}

#[test]
fn inputs_that_are_no_module_are_recognised() {
    let options = CompileOptions::default();
    for (input, expected) in [
        (
            &b""[..],
            "input is empty, not a wasm module; look whether the step that wrote it failed",
        ),
        (
            b"\0asm",
            "input is a truncated wasm file, not a wasm module; \
             it ends inside the wasm header: fetch or build it again",
        ),
        (
            b"\0asm\x0d\0\x01\0",
            "input is a wasm component, not a wasm module; components are built of modules: \
             compile the core module inside (wasm-tools component unbundle extracts it)",
        ),
        (
            b"\x7fELF\x02\x01\x01",
            "input is an ELF file, not a wasm module; \
             if it is a wasmelt artifact, load it instead of compiling it",
        ),
        (
            b"\x52\xbc\x53\x76\x46\xdb\x8e\x05\x28\xb5\x2f\xfd",
            "input is a compressed Substrate runtime (magic 52bc5376), not a wasm module; \
             drop the first 8 bytes and decompress the rest with zstd",
        ),
        (
            b"\x28\xb5\x2f\xfd\x04",
            "input is a zstd-compressed file, not a wasm module; decompress it with zstd first",
        ),
        (
            b"0x0061736d01000000",
            "input is hexadecimal text, not a wasm module; \
             decode the hexadecimal digits to bytes first",
        ),
        (
            b"(module)",
            "input is wasm text, not a wasm module; assemble the text to a binary first (wat2wasm)",
        ),
        (
            b"PVM\0",
            "input is a PolkaVM program, not a wasm module; wasmelt runs wasm: build the program for a wasm target",
        ),
        (
            b"hello",
            "input is of unknown kind, not a wasm module; \
             name a module: it begins with the bytes 00 61 73 6d 01 00 00 00",
        ),
    ] {
        check(input, &options, expected);
    }
}

#[test]
fn later_proposals_are_named_with_their_operator_function_offset_and_way_out() {
    check_wat(
        "(module (func) (func (param i32) (result i32) (i32.extend8_s (local.get 0))))",
        "module needs the proposal `sign-extension`, which preset `wasm1` does not include: \
         `i32.extend8_s` in function 1 (offset 0x22); build it for the MVP (Rust target \
         wasm32v1-none, clang -mcpu=mvp) or lower it with wasm-opt --signext-lowering",
    );
    check_wat(
        "(module (memory 1) (func (memory.fill (i32.const 0) (i32.const 0) (i32.const 0))))",
        "module needs the proposal `bulk-memory`, which preset `wasm1` does not include: \
         `memory.fill` in function 0 (offset 0x22); build it for the MVP (Rust target \
         wasm32v1-none, clang -mcpu=mvp) or lower it with wasm-opt --llvm-memory-copy-fill-lowering",
    );
    check_wat(
        "(module (func (result i32 i32) (i32.const 1) (i32.const 2)))",
        "module needs the proposal `multi-value`, which preset `wasm1` does not include: \
         func type returns multiple values but the multi-value feature is not enabled \
         (offset 0xb); build it for the MVP: Rust target wasm32v1-none, or clang -mcpu=mvp",
    );
    check_wat(
        "(module (memory 1) (memory 1))",
        "module needs the proposal `multi-memory`, which preset `wasm1` does not include: \
         multiple memories (offset 0xa); use one memory, or lower it with wasm-opt \
         --multi-memory-lowering",
    );
    let mutable_global = wat::parse_str("(module (global (export \"g\") (mut i32) (i32.const 1)))")
        .expect("valid text");
    check(
        &mutable_global,
        &with_preset(Preset::StrictMvp),
        "module needs the proposal `mutable-global`, which preset `strict-mvp` does not include: \
         mutable global support is not enabled (offset 0x13); \
         choose the preset wasm1, which includes it",
    );
}

#[test]
fn invalid_modules_are_refused_with_the_place() {
    let wasm = wat::parse_str("(module (func (result i32)))").expect("valid text");
    check(
        &wasm,
        &CompileOptions::default(),
        "invalid module: type mismatch: expected i32 but nothing on stack in function 0 \
         (offset 0x18)",
    );
    check(
        &wasm[..wasm.len() - 1],
        &CompileOptions::default(),
        "invalid module: unexpected end-of-file (offset 0x17)",
    );
}

#[test]
fn an_error_in_the_locals_of_a_function_is_placed() {
    let mut wasm =
        b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x02\x01\0\x0a\x0a\x01\x08\x01".to_vec();
    wasm.extend_from_slice(b"\xff\xff\xff\xff\x0f\x7f\x0b");
    check(
        &wasm,
        &CompileOptions::default(),
        "invalid module: too many locals: locals exceed maximum in function 0 (offset 0x17)",
    );
}

/// Names are the producer's: whatever they say, the module compiles to what the loader accepts and
/// a linker takes.
#[test]
fn names_that_clash_or_belong_to_no_function_cost_nothing_but_themselves() {
    // `\1b` and 4 more bytes of a name section: function names, one entry, index 2^31, "x".
    let mut wasm = wat::parse_str("(module (func) (func $a) (func $b) (func $c))").expect("text");
    wasm.extend(*b"\0\x0f\x04name\x01\x08\x01\x80\x80\x80\x80\x08\x01x");
    let module = compile(&wasm, &CompileOptions::default()).expect("the module is valid");
    assert!(module.object().is_ok());
    let text = r#"(module (func $a) (func $b (@name "a[2]")) (func $c (@name "a")) (func $d (@name "a")))"#;
    let wasm = wat::parse_str(text).expect("text");
    let module = compile(&wasm, &CompileOptions::default()).expect("the module is valid");
    module.object().expect("every symbol has a name of its own");
}

#[test]
fn the_polkadot_preset_refuses_a_start_function_and_moves_the_memory_inside() {
    let wasm = wat::parse_str("(module (func $s) (start $s))").expect("valid text");
    check(
        &wasm,
        &with_preset(Preset::Polkadot),
        "preset `polkadot` does not allow a start function (offset 0x14): build the module without it, or \
         choose another preset",
    );
    let wasm = wat::parse_str("(module (import \"env\" \"memory\" (memory 18)))").expect("valid");
    let module = compile(&wasm, &with_preset(Preset::Polkadot)).expect("the module compiles");
    let manifest = module.manifest();
    assert!(manifest.imports.is_empty());
    assert!(
        manifest
            .memory
            .is_some_and(|memory| !memory.imported && memory.limits.min == 18)
    );
    assert_eq!(manifest.exports[0].name, "memory");
}

#[test]
fn options_that_contradict_are_refused() {
    let wasm = b"\0asm\x01\0\0\0";
    let mut guard = CompileOptions::default();
    guard.codegen.signals = false;
    guard.codegen.bounds = BoundsStrategy::Guard;
    check(
        wasm,
        &guard,
        "guard-page bounds checks cannot be combined with no signals: leave one of them out",
    );
    let mut level = CompileOptions::for_target(Arch::Aarch64);
    level.cpu_level = CpuLevel::X86_64V3;
    check(
        wasm,
        &level,
        "x86-64-v3 cannot be combined with aarch64: leave one of them out",
    );
}
