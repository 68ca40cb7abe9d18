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

const X86_64: &str = "1ff4795f3528026aa6fb53e56e8409682d1cf1f8072c42adc68d1938bf6d5b6c";
const AARCH64: &str = "92aff36e0ee9433fb56ca428e0120fadb26f2947f2f313464a5c888ea35ccfb8";

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
