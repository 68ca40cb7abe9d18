//! Output bytes depend only on input and options: not on threads, folders or repetition.

use std::{env, fmt::Write};
use wasmelt_abi::{Arch, DebugInfo, OptLevel};
use wasmelt_compiler::{CompileOptions, compile};

/// A module of many functions of different sizes, so that threads finish in different orders.
fn many_functions() -> Vec<u8> {
    let mut text = String::from("(module (memory 1) (table 8 funcref)");
    for index in 0..200u32 {
        write!(
            text,
            "(func $f{index} (param i32) (result i32) (local.get 0)"
        )
        .expect("a string");
        for step in 0..index % 37 {
            write!(text, "(i32.load offset={step} (i32.const {index})) i32.add").expect("a string");
        }
        if index > 0 {
            write!(text, " call $f{}", index - 1).expect("a string");
        }
        text.push(')');
    }
    text.push_str("(elem (i32.const 0) $f1 $f2 $f3))");
    wat::parse_str(text).expect("valid text")
}

#[test]
fn one_thread_and_many_make_the_same_bytes() {
    let wasm = many_functions();
    for arch in Arch::ALL {
        for opt_level in OptLevel::ALL {
            let artifacts = [1, 2, 3, 8].map(|threads| {
                let mut options = CompileOptions::for_target(*arch);
                options.codegen.opt_level = *opt_level;
                options.codegen.debug_info = DebugInfo::Full;
                options.threads = threads;
                options.verify = true;
                let module = compile(&wasm, &options).expect("the module compiles");
                (
                    module.shared_object(),
                    module.object().expect("the object is written"),
                )
            });
            assert!(
                artifacts.windows(2).all(|pair| pair[0] == pair[1]),
                "{arch} {opt_level}"
            );
        }
    }
}

#[test]
fn the_working_folder_does_not_reach_the_artifact() {
    let wasm = many_functions();
    let in_folder = |folder: &std::path::Path| {
        env::set_current_dir(folder).expect("the folder exists");
        compile(&wasm, &CompileOptions::default())
            .expect("the module compiles")
            .shared_object()
    };
    let here = env::current_dir().expect("a working folder");
    let first = in_folder(&env::temp_dir());
    let second = in_folder(&here);
    assert_eq!(first, second);
    for path in [env::temp_dir(), here] {
        let path = path.to_string_lossy().into_owned();
        let found = first
            .windows(path.len())
            .any(|window| window == path.as_bytes());
        assert!(!found || path.len() < 4, "the artifact contains {path}");
    }
}
