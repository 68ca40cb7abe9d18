//! Identifies the code generator: pinned dependency versions, and a digest of the code it makes of
//! a fixed probe module. Both are constants that a test compares with reality.

use wasmelt_abi::Arch;

/// Crates that decide output bytes and the exact versions that `Cargo.toml` pins.
const PINNED: &[(&str, &str)] = &[
    ("cranelift-codegen", "0.135.8"),
    ("cranelift-frontend", "0.135.8"),
    ("gimli", "0.33.0"),
    ("object", "0.39.1"),
    ("regalloc2", "0.15.2"),
    ("wasmparser", "0.254.2"),
];

const X86_64: &str = "f27bbc4e2d1e59ee8aa26f6bbbab0bec65b884f487a2456a06b3351e156c48f4";
const AARCH64: &str = "2f17481f09495eca0d7cfe8e371e703cfed5ec7c618afc46f52fe28c02a93872";

/// `name version` of every dependency that decides output bytes.
#[must_use]
pub fn pinned_dependencies() -> Vec<String> {
    PINNED
        .iter()
        .map(|(name, version)| format!("{name} {version}"))
        .collect()
}

/// BLAKE3 digest of the machine code that this compiler makes of `tests/probe.wat` with a
/// target's default options. Compilers with different fingerprints make different code.
///
/// # Panics
///
/// Never: the committed digests are hexadecimal.
#[must_use]
pub fn codegen_fingerprint(arch: Arch) -> [u8; 32] {
    let hex = match arch {
        Arch::X86_64 => X86_64,
        Arch::Aarch64 => AARCH64,
    };
    *blake3::Hash::from_hex(hex)
        .expect("committed digests are hexadecimal")
        .as_bytes()
}
