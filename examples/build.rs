//! Links the object that the variable `WASMELT_OBJECT` names into the example `linked`.

fn main() {
    println!("cargo:rerun-if-env-changed=WASMELT_OBJECT");
    if let Ok(object) = std::env::var("WASMELT_OBJECT") {
        println!("cargo:rustc-link-arg-bin=linked={object}");
    }
}
