//! Has the library stay mapped when the suite closes it, because its signal handlers stay installed.

fn main() {
    println!("cargo::rustc-link-arg-cdylib=-Wl,-z,nodelete");
    println!("cargo::rerun-if-changed=build.rs");
}
