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

const X86_64: &str = "d7658e2a2c223852f70dccc1b53a3e77f283367be11956ef08a63fa1dc7002a3";
const AARCH64: &str = "df41a22a969382273445c835dd81cc5c365daabb8634e6159ae00c41f15926e2";

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
