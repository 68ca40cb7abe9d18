//! Says what this host is.

use rustix::param::page_size;
use wasmelt_abi::{Arch, CpuFeature, CpuFeatures};

/// What an artifact is compared with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Host {
    pub(crate) arch: Arch,
    pub(crate) cpu_features: CpuFeatures,
    pub(crate) page_size: u64,
}

impl Host {
    /// The host that this code runs on.
    pub(crate) fn detect() -> Self {
        Self {
            arch: Arch::X86_64,
            cpu_features: host_cpu_features(),
            page_size: page_size() as u64,
        }
    }
}

/// The CPU features of this host that an artifact may ask for.
#[must_use]
pub fn host_cpu_features() -> CpuFeatures {
    CpuFeature::ALL
        .iter()
        .copied()
        .filter(|feature| has_feature(*feature))
        .fold(CpuFeatures::NONE, CpuFeatures::with)
}

#[cfg(target_arch = "x86_64")]
fn has_feature(feature: CpuFeature) -> bool {
    match feature {
        CpuFeature::Sse3 => is_x86_feature_detected!("sse3"),
        CpuFeature::Ssse3 => is_x86_feature_detected!("ssse3"),
        CpuFeature::Sse41 => is_x86_feature_detected!("sse4.1"),
        CpuFeature::Sse42 => is_x86_feature_detected!("sse4.2"),
        CpuFeature::Popcnt => is_x86_feature_detected!("popcnt"),
        CpuFeature::Avx => is_x86_feature_detected!("avx"),
        CpuFeature::Avx2 => is_x86_feature_detected!("avx2"),
        CpuFeature::Fma => is_x86_feature_detected!("fma"),
        CpuFeature::Bmi1 => is_x86_feature_detected!("bmi1"),
        CpuFeature::Bmi2 => is_x86_feature_detected!("bmi2"),
        CpuFeature::Lzcnt => is_x86_feature_detected!("lzcnt"),
    }
}

/// Elsewhere the crate does not build, for a reason that `lib.rs` gives; this keeps it the only one.
#[cfg(not(target_arch = "x86_64"))]
fn has_feature(_feature: CpuFeature) -> bool {
    false
}
