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

const X86_64: &str = "d50b5d0ab6e0da9aeae0d95d9cdb9bfe17568c480dda5d57467c082368d1fa8a";
const AARCH64: &str = "1697769303dfd7f51e59ef7f65a13c3c1360c3d17f77bd5abf38271f3c1a464d";

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
