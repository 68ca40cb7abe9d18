//! The committed codegen fingerprints and pinned versions are those of reality.

use wasmelt_abi::Arch;
use wasmelt_compiler::{CompileOptions, codegen_fingerprint, compile, pinned_dependencies};

fn probe() -> Vec<u8> {
    wat::parse_str(include_str!("probe.wat")).expect("the probe is valid text")
}

#[test]
fn the_code_of_the_probe_module_has_the_committed_fingerprint() {
    let found = Arch::ALL.iter().map(|arch| {
        let options = CompileOptions::for_target(*arch);
        let module = compile(&probe(), &options).expect("the probe compiles");
        format!("{arch} {}", blake3::hash(module.text()))
    });
    let committed = Arch::ALL.iter().map(|arch| {
        format!(
            "{arch} {}",
            blake3::Hash::from_bytes(codegen_fingerprint(*arch))
        )
    });
    let (found, committed): (Vec<_>, Vec<_>) = (found.collect(), committed.collect());
    assert_eq!(
        found, committed,
        "code generation changed; if that is meant, commit the new one"
    );
}

#[test]
fn pinned_dependencies_are_those_of_the_lock_file() {
    let lock = include_str!("../../Cargo.lock");
    for dependency in pinned_dependencies() {
        let (name, version) = dependency.split_once(' ').expect("name and version");
        let entry = format!("name = \"{name}\"\nversion = \"{version}\"\n");
        assert!(
            lock.contains(&entry),
            "{dependency} is not what Cargo.lock has"
        );
    }
}
