//! Names the shared library, and has it stay mapped once loaded.

fn main() {
    // Programs ask for this name: the number changes when their calls would no longer fit.
    println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libwasmelt.so.0");
    // Its signal handlers stay installed when a program closes it.
    println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");
    println!("cargo::rerun-if-changed=build.rs");
}
