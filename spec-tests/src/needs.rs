//! Finds out by validation which proposals a module needs, so that nobody has to list them by hand.

use wasmparser::{Parser, Payload, Validator, WasmFeatures};

/// What validation says about a module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Valid WebAssembly 1.0, imports and exports of mutable globals included.
    Wasm1,
    /// Valid with these proposals, in the order in which they were standardised, and with no smaller set.
    Needs(Vec<String>),
    /// Not valid whatever is enabled.
    Invalid {
        /// The validator's words.
        message: String,
    },
}

/// Validates `wasm` as 1.0, and if that fails looks for a smallest set of proposals that makes it valid: from all of
/// them, the latest first, each is taken away that is not missed.
#[must_use]
pub fn classify(wasm: &[u8]) -> Verdict {
    if check(wasm, WasmFeatures::WASM1).is_ok() {
        return Verdict::Wasm1;
    }
    if let Err(message) = check(wasm, WasmFeatures::all()) {
        // A validator that was built without its feature `simd` can say no more.
        return match message.contains("SIMD") {
            true => Verdict::Needs(vec!["simd".to_owned()]),
            false => Verdict::Invalid { message },
        };
    }
    let proposals: Vec<_> = WasmFeatures::all()
        .iter_names()
        .filter(|(_, flag)| !WasmFeatures::WASM1.contains(*flag))
        .collect();
    let mut needed = WasmFeatures::all();
    for (_, flag) in proposals.iter().rev() {
        let without = needed.difference(*flag).union(WasmFeatures::WASM1);
        if check(wasm, without).is_ok() {
            needed = without;
        }
    }
    let names = needed
        .difference(WasmFeatures::WASM1)
        .iter_names()
        .map(|(name, _)| name.to_lowercase().replace('_', "-"))
        .collect();
    Verdict::Needs(names)
}

/// The module names that `wasm` imports from, as far as it can be decoded.
#[must_use]
pub fn imported_modules(wasm: &[u8]) -> Vec<String> {
    let mut modules = Vec::new();
    for payload in Parser::new(0).parse_all(wasm) {
        let Ok(payload) = payload else { break };
        if let Payload::ImportSection(section) = payload {
            modules.extend(
                section
                    .into_imports()
                    .map_while(Result::ok)
                    .map(|import| import.module.to_owned()),
            );
        }
    }
    modules.dedup();
    modules
}

fn check(wasm: &[u8], features: WasmFeatures) -> Result<(), String> {
    Validator::new_with_features(features)
        .validate_all(wasm)
        .map(|_| ())
        .map_err(|error| error.message().to_owned())
}

#[cfg(test)]
mod tests {
    use super::{Verdict, classify, imported_modules};
    use crate::script::ModuleSource;

    fn encode(text: &str) -> Vec<u8> {
        ModuleSource::Quoted(text.as_bytes().to_vec())
            .to_binary()
            .expect("the text is well-formed")
    }

    #[track_caller]
    fn check_needs(text: &str, proposals: &[&str]) {
        let expected = proposals.iter().map(|&name| name.to_owned()).collect();
        assert_eq!(classify(&encode(text)), Verdict::Needs(expected), "{text}");
    }

    #[test]
    fn module_of_the_language_needs_nothing() {
        assert_eq!(
            classify(&encode("(module (import \"m\" \"g\" (global (mut i32))))")),
            Verdict::Wasm1
        );
    }

    #[test]
    fn each_proposal_is_named_alone() {
        check_needs(
            "(func (result i32 i32) i32.const 1 i32.const 2)",
            &["multi-value"],
        );
        check_needs(
            "(func (result i32) (i32.extend8_s (i32.const 1)))",
            &["sign-extension"],
        );
        check_needs("(memory 1) (data \"x\")", &["bulk-memory"]);
        check_needs("(table 0 externref)", &["reference-types"]);
        check_needs("(memory 0) (memory 0)", &["multi-memory"]);
        check_needs("(memory i64 0)", &["memory64"]);
        check_needs("(func (return_call 0))", &["tail-call"]);
        check_needs("(func (result v128) (v128.const i32x4 0 0 0 0))", &["simd"]);
        check_needs("(func (param v128))", &["simd"]);
    }

    #[test]
    fn two_proposals_are_both_named() {
        check_needs(
            "(func (result i32 i32) (i32.extend8_s (i32.const 1)) i32.const 2)",
            &["sign-extension", "multi-value"],
        );
    }

    #[test]
    fn invalid_module_is_invalid_whatever_is_enabled() {
        let Verdict::Invalid { message } = classify(&encode("(func (result i32))")) else {
            panic!("a function without its result is invalid");
        };
        assert!(message.contains("type mismatch"), "{message}");
    }

    #[test]
    fn imported_modules_are_listed() {
        let wasm = encode(
            "(import \"a\" \"x\" (func)) (import \"a\" \"y\" (func)) (import \"b\" \"z\" (func))",
        );
        assert_eq!(imported_modules(&wasm), ["a", "b"]);
        assert!(imported_modules(b"no wasm").is_empty());
    }
}
