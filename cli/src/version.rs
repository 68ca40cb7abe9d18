//! Says which versions this program is made of.

use std::sync::LazyLock;
use wasmelt_abi::{ABI_VERSION, Arch};

static SHORT: LazyLock<String> = LazyLock::new(|| {
    format!(
        "{} (ABI {ABI_VERSION}, Cranelift {}, {})",
        env!("CARGO_PKG_VERSION"),
        cranelift(),
        Arch::host().map_or("unknown target", Arch::triple)
    )
});

/// What `wasmelt --version` prints behind the program's name.
pub(crate) fn short() -> &'static str {
    &SHORT
}

fn cranelift() -> String {
    wasmelt_compiler::pinned_dependencies()
        .iter()
        .find_map(|dependency| dependency.strip_prefix("cranelift-codegen "))
        .unwrap_or("unknown")
        .to_owned()
}
