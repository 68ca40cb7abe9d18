//! Machine code of real modules, in every mode, breaks no rule of `wasmelt-code-check`.
//!
//! A sample of the corpus is checked, each module in another mode; with `WASMELT_CODE_CHECK=all` every module in every
//! mode, which takes long.

use std::fmt::Write as _;
use wasmelt_abi::{BoundsStrategy, CodegenOptions, CpuLevel, DebugInfo, OptLevel};
use wasmelt_code_check::{ArtifactParts, Report, check_code};
use wasmelt_compiler::{CompileOptions, compile};
use wasmelt_tests::corpus::Corpus;

/// Asks for all modules in all modes.
const ALL_VARIABLE: &str = "WASMELT_CODE_CHECK";

/// Of the modules in their order, every so-manieth is in the sample.
const SAMPLE_STEP: usize = 3;

/// Modules with more bytes of code are not in the sample.
const SAMPLE_MAX_CODE_LEN_BYTES: u64 = 200_000;

const EXPLICIT: CodegenOptions = CodegenOptions {
    bounds: BoundsStrategy::Explicit,
    ..GUARD
};

const GUARD: CodegenOptions = CodegenOptions {
    preset: wasmelt_abi::Preset::Wasm1,
    opt_level: OptLevel::Speed,
    bounds: BoundsStrategy::Guard,
    signals: true,
    nan_canonicalization: false,
    fuel: false,
    interruption: false,
    spectre_mitigation: false,
    call_depth: false,
    debug_info: DebugInfo::Lines,
};

/// What is compiled for: a name, the options, and the processor.
const MODES: &[(&str, CodegenOptions, CpuLevel)] = &[
    ("guard", GUARD, CpuLevel::X86_64V2),
    ("explicit", EXPLICIT, CpuLevel::X86_64V2),
    (
        "signal-free",
        CodegenOptions {
            signals: false,
            ..EXPLICIT
        },
        CpuLevel::X86_64V2,
    ),
    (
        "fuel",
        CodegenOptions {
            fuel: true,
            ..GUARD
        },
        CpuLevel::X86_64V2,
    ),
    (
        "interruption and call depth",
        CodegenOptions {
            interruption: true,
            call_depth: true,
            ..GUARD
        },
        CpuLevel::X86_64V2,
    ),
    (
        "x86-64-v3 with canonical NaNs",
        CodegenOptions {
            nan_canonicalization: true,
            debug_info: DebugInfo::Full,
            ..GUARD
        },
        CpuLevel::X86_64V3,
    ),
    (
        "unoptimised",
        CodegenOptions {
            opt_level: OptLevel::None,
            ..GUARD
        },
        CpuLevel::X86_64V2,
    ),
    (
        "spectre",
        CodegenOptions {
            spectre_mitigation: true,
            ..EXPLICIT
        },
        CpuLevel::X86_64V2,
    ),
    (
        "everything without signals",
        CodegenOptions {
            signals: false,
            fuel: true,
            interruption: true,
            call_depth: true,
            nan_canonicalization: true,
            ..EXPLICIT
        },
        CpuLevel::X86_64V3,
    ),
];

fn check(wasm: &[u8], codegen: CodegenOptions, level: CpuLevel) -> Result<Report, String> {
    let mut options = CompileOptions::for_target(wasmelt_abi::Arch::X86_64);
    options.codegen = codegen;
    options.cpu_level = level;
    options.cpu_features = level.features();
    let artifact = compile(wasm, &options)
        .map_err(|error| format!("refused: {error}"))?
        .shared_object();
    let report = ArtifactParts::read(&artifact)
        .and_then(|parts| check_code(&parts))
        .map_err(|fault| fault.to_string())?;
    let unproven = report.memory_reads.unproven + report.memory_writes.unproven;
    if codegen.bounds == BoundsStrategy::Guard && unproven > 0 {
        return Err(format!(
            "accesses behind guard pages are not shown to stay inside:\n{report}"
        ));
    }
    Ok(report)
}

#[test]
fn machine_code_of_the_corpus_breaks_no_rule() {
    let Some(corpus) = Corpus::open().expect("the corpus can be read") else {
        return;
    };
    let wants_all = std::env::var_os(ALL_VARIABLE).is_some_and(|value| value == "all");
    let modules = corpus.entries().iter().filter(|entry| {
        entry.is_wasm1() && (wants_all || entry.code_bytes <= SAMPLE_MAX_CODE_LEN_BYTES)
    });
    let step = if wants_all { 1 } else { SAMPLE_STEP };
    let (mut checked, mut proven, mut unproven) = (0, 0, 0);
    let mut failures = String::new();
    for (position, entry) in modules.step_by(step).enumerate() {
        let wasm = corpus.read_module(entry).expect("a module of the corpus");
        let modes = if wants_all {
            MODES
        } else {
            std::slice::from_ref(&MODES[position % MODES.len()])
        };
        for (mode, codegen, level) in modes {
            match check(&wasm, *codegen, *level) {
                Ok(report) => {
                    proven += report.memory_reads.proven + report.memory_writes.proven;
                    unproven += report.unproven();
                    checked += 1;
                }
                Err(failure) => writeln!(failures, "{}, {mode}: {failure}", entry.file)
                    .expect("writing to a string succeeds"),
            }
        }
    }
    println!(
        "{checked} artifacts, {proven} accesses of memory shown to stay inside, {unproven} not"
    );
    assert!(failures.is_empty(), "\n{failures}");
    assert!(checked > 30, "only {checked} artifacts were checked");
}
