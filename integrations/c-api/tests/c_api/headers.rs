//! C and C++ agree with Rust on the size of everything that passes between them.

use crate::support::{c_compiler, prefix, succeeded};
use std::fmt::Write as _;
use std::fs;
use std::process::Command;
use wasmelt_c_api::{Shape, Signature};

/// Says of a function type what Rust says of it: the size of each value, and of what it points to, which is 0 if the
/// header does not define it.
const TEMPLATES: &str = r"
#include <cstddef>
#include <type_traits>
#include <wasm.h>
#include <wasmelt.h>

template <class T, class = void> struct size_or_zero { static constexpr std::size_t value = 0; };
template <class T> struct size_or_zero<T, decltype(void(sizeof(T)))> {
  static constexpr std::size_t value = std::is_void<T>::value || std::is_function<T>::value ? 0 : sizeof(T);
};
template <class T> constexpr bool is_data_pointer =
  std::is_pointer<T>::value && !std::is_function<std::remove_pointer_t<T>>::value;
struct shape { std::size_t size; bool points; std::size_t pointee; };
template <class T> constexpr bool fits(shape s) {
  return s.size == sizeof(T) && s.points == is_data_pointer<T>
    && (!s.points || s.pointee == size_or_zero<std::remove_pointer_t<T>>::value);
}
template <class R> constexpr bool result_fits(shape s) {
  if constexpr (std::is_void<R>::value) return s.size == 0 && !s.points;
  else return fits<R>(s);
}
template <class R, class... A, class... S>
constexpr bool agree(R (*)(A...), shape result, S... params) {
  if constexpr (sizeof...(A) != sizeof...(S)) return false;
  else return result_fits<R>(result) && (true && ... && fits<A>(params));
}
";

fn shape_text(shape: Shape) -> String {
    format!(
        "shape{{{}, {}, {}}}",
        shape.size,
        shape.pointee.is_some(),
        shape.pointee.unwrap_or(0)
    )
}

fn assertion(signature: &Signature) -> String {
    let nothing = Shape {
        size: 0,
        pointee: None,
    };
    let mut text = format!(
        "static_assert(agree(&{}, {}",
        signature.name,
        shape_text(signature.result.unwrap_or(nothing))
    );
    for param in signature.params {
        let _ = write!(text, ", {}", shape_text(*param));
    }
    let _ = writeln!(text, "), \"{}\");", signature.name);
    text
}

/// What the C++ compiler says about a file; `None` if there is no such compiler.
fn compile_cpp(name: &str, text: &str) -> Option<std::process::Output> {
    let source = prefix().join(name);
    fs::write(&source, text).expect("the folder can be written to");
    let compiled = Command::new("c++")
        .args(["-std=c++17", "-Wall", "-Wextra", "-fsyntax-only"])
        .arg("-I")
        .arg(prefix().join("include"))
        .arg(&source)
        .output();
    if compiled.is_err() {
        println!("not run: c++ missing");
    }
    compiled.ok()
}

#[test]
fn every_signature_is_the_headers() {
    let signatures = wasmelt_c_api::signatures();
    let assertions: String = signatures.iter().map(assertion).collect();
    if let Some(output) = compile_cpp("signatures.cpp", &format!("{TEMPLATES}{assertions}")) {
        succeeded("c++ signatures.cpp", &output);
    }
}

/// The check can fail: an out-parameter of another size is noticed, as is a missing parameter.
#[test]
fn another_signature_is_not_the_headers() {
    let signatures = wasmelt_c_api::signatures();
    let fuel = signatures
        .iter()
        .find(|signature| signature.name == "wasmelt_store_get_fuel")
        .expect("it is exported");
    let [store, out] = fuel.params else {
        panic!("it has two parameters");
    };
    let smaller = [
        *store,
        Shape {
            pointee: Some(4),
            ..*out
        },
    ];
    let wrong = [
        Signature {
            params: smaller.to_vec().leak(),
            ..*fuel
        },
        Signature {
            params: &fuel.params[..1],
            ..*fuel
        },
        Signature {
            result: None,
            ..*fuel
        },
    ];
    for (position, signature) in wrong.iter().enumerate() {
        let name = format!("wrong{position}.cpp");
        let text = format!("{TEMPLATES}{}", assertion(signature));
        let Some(output) = compile_cpp(&name, &text) else {
            return;
        };
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "{text}");
        assert!(stderr.contains("static assertion failed"), "{stderr}");
    }
}

/// Each code that Rust has, C has under a name, with the same number.
#[test]
fn trap_codes_have_the_numbers_that_they_have_in_rust() {
    use wasmelt::TrapCode;
    let name = |code: TrapCode| match code {
        TrapCode::UnreachableCodeReached => "UNREACHABLE",
        TrapCode::MemoryOutOfBounds => "MEMORY_OUT_OF_BOUNDS",
        TrapCode::TableOutOfBounds => "TABLE_OUT_OF_BOUNDS",
        TrapCode::IndirectCallToNull => "INDIRECT_CALL_TO_NULL",
        TrapCode::IntegerDivisionByZero => "INTEGER_DIVISION_BY_ZERO",
        TrapCode::IntegerOverflow => "INTEGER_OVERFLOW",
        TrapCode::BadConversionToInteger => "BAD_CONVERSION_TO_INTEGER",
        TrapCode::StackOverflow => "STACK_OVERFLOW",
        TrapCode::BadSignature => "BAD_SIGNATURE",
        TrapCode::OutOfFuel => "OUT_OF_FUEL",
        TrapCode::GrowthOperationLimited => "GROWTH_OPERATION_LIMITED",
        TrapCode::OutOfSystemMemory => "OUT_OF_SYSTEM_MEMORY",
        TrapCode::Interrupted => "INTERRUPTED",
    };
    let mut text = "#include <wasmelt.h>\n".to_owned();
    for code in TrapCode::ALL {
        let (name, number) = (name(*code), u8::from(*code));
        let _ = writeln!(
            text,
            "_Static_assert(WASMELT_TRAP_{name} == {number}, \"{name}\");"
        );
    }
    check_c("trap_codes.c", &text);
}

/// The layouts that C code relies on, in numbers that Rust asserts, too (`size_of` and `offset_of` in `src`).
#[test]
fn structures_have_the_layout_that_rust_asserts() {
    let text = "
#include <stddef.h>
#include <wasmelt.h>
_Static_assert(sizeof(wasm_byte_vec_t) == 16 && offsetof(wasm_byte_vec_t, data) == 8, \"vector\");
_Static_assert(sizeof(wasm_val_t) == 16 && offsetof(wasm_val_t, of) == 8, \"value\");
_Static_assert(sizeof(wasm_limits_t) == 8 && offsetof(wasm_limits_t, max) == 4, \"limits\");
_Static_assert(sizeof(wasmelt_limits_t) == 48, \"limits of a store\");
_Static_assert(offsetof(wasmelt_limits_t, trap_on_refusal) == 40, \"limits of a store\");
_Static_assert(WASM_FUNCREF == 129 && WASM_EXTERN_MEMORY == 3 && WASM_VAR == 1, \"numbers\");
";
    check_c("layout.c", text);
}

/// The C compiler accepts a file.
fn check_c(name: &str, text: &str) {
    let source = prefix().join(name);
    fs::write(&source, text).expect("the folder can be written to");
    let output = c_compiler().arg("-fsyntax-only").arg(&source).output();
    succeeded(name, &output.expect("a C compiler"));
}
