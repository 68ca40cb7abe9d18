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

const X86_64: &str = "0eeca8e5518782cbcc3fab1edb8ef0b4235648b88d7fe4a8cefc68d5fcc39041";
const AARCH64: &str = "b0a829e842296379351db423f3649d649d076bc0ef0a8562b4938e39931d9d49";

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
