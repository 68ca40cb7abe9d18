//! Checks what the compiler makes of the snapshot modules in every mode, and flips bits of it.

use std::{fs, path::Path, time::Instant};
use wasmelt_abi::{BoundsStrategy, CodegenOptions, CpuLevel, DebugInfo, OptLevel};
use wasmelt_code_check::{ArtifactParts, check_code};
use wasmelt_compiler::{CompileOptions, compile};

/// Bits that are flipped, one at a time.
const FLIPS: usize = 4000;

fn modules() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/disas");
    let mut modules: Vec<_> = fs::read_dir(&folder)
        .expect("the snapshots are there")
        .map(|entry| entry.expect("readable folder").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "wat"))
        .map(|path| {
            let name = path
                .file_name()
                .expect("a file")
                .to_string_lossy()
                .into_owned();
            let text = fs::read_to_string(&path).expect("a readable snapshot");
            (name, wat::parse_str(text).expect("a module"))
        })
        .collect();
    modules.sort();
    modules
}

fn modes() -> Vec<(&'static str, CompileOptions)> {
    let mode = |change: fn(&mut CodegenOptions)| {
        let mut options = CompileOptions::for_target(wasmelt_abi::Arch::X86_64);
        options.threads = 1;
        change(&mut options.codegen);
        options
    };
    let mut newer = mode(|options| options.nan_canonicalization = true);
    newer.cpu_level = CpuLevel::X86_64V3;
    newer.cpu_features = CpuLevel::X86_64V3.features();
    vec![
        ("guard", mode(|_| {})),
        (
            "explicit",
            mode(|options| options.bounds = BoundsStrategy::Explicit),
        ),
        (
            "signal-free",
            mode(|options| {
                options.bounds = BoundsStrategy::Explicit;
                options.signals = false;
            }),
        ),
        ("fuel", mode(|options| options.fuel = true)),
        ("interruption", mode(|options| options.interruption = true)),
        ("call depth", mode(|options| options.call_depth = true)),
        (
            "canonical NaNs",
            mode(|options| options.nan_canonicalization = true),
        ),
        (
            "debug",
            mode(|options| options.debug_info = DebugInfo::Full),
        ),
        (
            "unoptimised",
            mode(|options| options.opt_level = OptLevel::None),
        ),
        (
            "spectre",
            mode(|options| {
                options.bounds = BoundsStrategy::Explicit;
                options.spectre_mitigation = true;
            }),
        ),
        (
            "all without signals",
            mode(|options| {
                options.bounds = BoundsStrategy::Explicit;
                options.signals = false;
                options.fuel = true;
                options.interruption = true;
                options.call_depth = true;
                options.nan_canonicalization = true;
            }),
        ),
        ("x86-64-v3", newer),
    ]
}

#[test]
fn what_the_compiler_makes_of_the_snapshots_breaks_no_rule_in_any_mode() {
    let modules = modules();
    for (mode, options) in modes() {
        let (mut checked, mut proven, mut unproven) = (0, 0, 0);
        for (name, wasm) in &modules {
            let module = compile(wasm, &options);
            let artifact = module
                .unwrap_or_else(|error| panic!("{name}, {mode}: {error}"))
                .shared_object();
            let parts = ArtifactParts::read(&artifact).expect("the artifact is whole");
            let report =
                check_code(&parts).unwrap_or_else(|fault| panic!("{name}, {mode}: {fault}"));
            let memory = [report.memory_reads, report.memory_writes];
            let memory_unproven: u64 = memory.iter().map(|accesses| accesses.unproven).sum();
            let has_guard_pages = options.codegen.bounds == BoundsStrategy::Guard;
            assert!(
                !has_guard_pages || memory_unproven == 0,
                "{name}, {mode}:\n{report}"
            );
            proven += memory.iter().map(|accesses| accesses.proven).sum::<u64>();
            unproven += report.unproven();
            checked += 1;
        }
        println!("{mode}: {checked} modules, {proven} accesses of memory shown, {unproven} not");
        assert!(proven > 0, "{mode}: no access was shown to stay inside");
    }
}

#[test]
fn flipped_bits_never_panic() {
    // A generator of its own, so that the flips are the same each time (xorshift, Marsaglia 2003).
    let mut random = 0x9e37_79b9_7f4a_7c15u64;
    let mut next = |below: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        usize::try_from(random % below as u64).expect("below a number of bytes")
    };
    let options = CompileOptions::for_target(wasmelt_abi::Arch::X86_64);
    let artifacts: Vec<Vec<u8>> = modules()
        .iter()
        .map(|(name, wasm)| {
            let module = compile(wasm, &options);
            module
                .unwrap_or_else(|error| panic!("{name}: {error}"))
                .shared_object()
        })
        .collect();
    let started = Instant::now();
    let mut found = 0;
    for _ in 0..FLIPS {
        let artifact = &artifacts[next(artifacts.len())];
        let mut parts = ArtifactParts::read(artifact).expect("the artifact is whole");
        let mut text = parts.text.to_vec();
        let at = next(text.len());
        text[at] ^= 1 << next(8);
        parts.text = &text;
        found += usize::from(check_code(&parts).is_err());
    }
    println!(
        "{found} of {FLIPS} flipped bits are found, in {:?}",
        started.elapsed()
    );
    assert!(found > 0, "no flipped bit is found");
}

#[test]
fn damaged_artifacts_never_panic() {
    let options = CompileOptions::for_target(wasmelt_abi::Arch::X86_64);
    let (_, wasm) = &modules()[0];
    let artifact = compile(wasm, &options)
        .expect("the module compiles")
        .shared_object();
    for at in 0..artifact.len() {
        let mut damaged = artifact.clone();
        damaged[at] ^= 0xff;
        let _ = ArtifactParts::read(&damaged).and_then(|parts| check_code(&parts));
    }
    for len in (0..artifact.len()).step_by(7) {
        let shortened = ArtifactParts::read(&artifact[..len]);
        let _ = shortened.and_then(|parts| check_code(&parts));
    }
}
