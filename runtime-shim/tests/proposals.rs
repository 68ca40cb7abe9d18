//! What a configuration says about the language: later proposals, and floats.

use wasmelt::errors::{CompileError, ConfigError, ErrorKind};
use wasmelt::{Cache, Config, Engine, Error, Instance, Module, Origin, Store, Trust};

type Configure = fn(&mut Config) -> &mut Config;

/// Every proposal that can be enabled, a module that needs it, and its name.
const PROPOSALS: &[(Configure, &str, &str)] = &[
    (
        |config| config.wasm_sign_extension(true),
        "(module (func (drop (i32.extend8_s (i32.const 0)))))",
        "sign-extension",
    ),
    (
        |config| config.wasm_saturating_float_to_int(true),
        "(module (func (drop (i32.trunc_sat_f32_s (f32.const 0)))))",
        "nontrapping-float-to-int",
    ),
    (
        |config| config.wasm_multi_value(true),
        "(module (func (result i32 i32) i32.const 0 i32.const 0))",
        "multi-value",
    ),
    (
        |config| config.wasm_multi_memory(true),
        "(module (memory 0) (memory 0))",
        "multi-memory",
    ),
    (
        |config| config.wasm_bulk_memory(true),
        "(module (memory 0) (func (memory.fill (i32.const 0) (i32.const 0) (i32.const 0))))",
        "bulk-memory",
    ),
    (
        |config| config.wasm_reference_types(true),
        "(module (func (param externref)))",
        "reference-types",
    ),
    (
        |config| config.wasm_tail_call(true),
        "(module (func return_call 0))",
        "tail-call",
    ),
    (
        |config| config.wasm_extended_const(true),
        "(module (global i32 (i32.add (i32.const 0) (i32.const 0))))",
        "extended-const",
    ),
    (
        |config| config.wasm_custom_page_sizes(true),
        "(module (memory 0 (pagesize 1)))",
        "custom-page-sizes",
    ),
    (
        |config| config.wasm_memory64(true),
        "(module (memory i64 0))",
        "memory64",
    ),
    (
        |config| config.wasm_wide_arithmetic(true),
        "(module (func (param i64 i64 i64 i64) (result i64) \
            (i64.add128 (local.get 0) (local.get 1) (local.get 2) (local.get 3)) drop))",
        "wide-arithmetic",
    ),
    (
        |config| config.wasm_simd(true),
        "(module (func (drop (v128.const i64x2 0 0))))",
        "simd",
    ),
    (
        |config| config.wasm_relaxed_simd(true),
        "(module (func (param v128) (result v128) \
            (i8x16.relaxed_swizzle (local.get 0) (local.get 0))))",
        "simd",
    ),
];

/// Modules with floats in each place that can have one.
const WITH_FLOATS: &[&str] = &[
    "(module (func (drop (f32.const 0))))",
    "(module (memory 1) (func (drop (f64.load (i32.const 0)))))",
    "(module (func (drop (f32.convert_i32_s (i32.const 0)))))",
    "(module (func (local f64)))",
    "(module (func (param f32)))",
    "(module (type (func (result f64))))",
    "(module (global f32 (f32.const 1)))",
    "(module (import \"a\" \"b\" (global f64)))",
    "(module (func (block (result f32) (unreachable)) (drop)))",
];

const WITHOUT_FLOATS: &str = "(module (func (export \"f\") (result i32) (i32.const 1)))";

fn engine(configure: Configure) -> Engine {
    let mut config = Config::new();
    configure(&mut config);
    Engine::new(&config)
}

fn refusal(engine: &Engine, text: &str) -> CompileError {
    let error = Module::new(engine, text).expect_err(text);
    match error.kind() {
        ErrorKind::Wasm(error) => error.clone(),
        _ => panic!("{text}: {error}"),
    }
}

#[test]
fn a_proposal_may_be_enabled_and_is_named_when_a_module_uses_it() {
    for (configure, text, expected) in PROPOSALS {
        let engine = engine(*configure);
        Module::new(&engine, WITHOUT_FLOATS).expect("it does not use the proposal");
        match refusal(&engine, text) {
            CompileError::Unsupported(proposal) => {
                assert!(proposal.proposal.starts_with(expected), "{proposal}");
            }
            error => panic!("{text}: {error}"),
        }
    }
}

#[test]
fn without_floats_each_module_that_has_one_is_refused() {
    let without = engine(|config| config.floats(false));
    for text in WITH_FLOATS {
        Module::new(&Engine::default(), text).expect(text);
        let error = refusal(&without, text);
        assert!(
            matches!(error, CompileError::Floats { .. }),
            "{text}: {error}"
        );
        assert!(Module::compile(&without, text).is_err());
        let wasm = wat::parse_str(text).expect("valid text");
        assert!(Module::validate(&without, &wasm).is_err());
    }
    Module::new(&without, WITHOUT_FLOATS).expect("it has no floats");
    // Behind `unreachable`, an operator that takes a float and gives none has no float that it could take.
    let dead = "(module (func (drop (i32.reinterpret_f32 (unreachable)))))";
    Module::new(&without, dead).expect("wasmparser does not look there");
}

#[test]
fn a_refused_float_is_named_with_its_place() {
    let without = engine(|config| config.floats(false));
    let message = refusal(&without, "(module (func) (func (drop (f32.const 0))))").to_string();
    assert_eq!(
        message,
        "floats are not allowed: `f32.const` in function 1 (offset 0x1b)"
    );
    // What is wrong for another reason is not blamed on floats.
    let error = refusal(&without, "(module (func (result i32)))");
    assert!(matches!(error, CompileError::Invalid(_)), "{error}");
}

#[test]
fn floats_are_refused_also_where_the_cache_has_the_module() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut config = Config::new();
    config.cache(Cache::open(folder.path().join("cache")).expect("a cache"));
    let text = WITH_FLOATS[0];
    Module::new(&Engine::new(&config), text).expect("floats are allowed");
    let module = Module::new(&Engine::new(&config), text).expect("floats are allowed");
    assert_eq!(module.origin(), Origin::Cache);

    let without = Engine::new(config.floats(false));
    let error = refusal(&without, text);
    assert!(matches!(error, CompileError::Floats { .. }), "{error}");
    Module::new(&without, WITHOUT_FLOATS).expect("it has no floats");
    let module = Module::new(&without, WITHOUT_FLOATS).expect("it has no floats");
    assert_eq!(module.origin(), Origin::Cache);
}

#[test]
fn an_artifact_is_not_loaded_where_floats_are_refused() {
    let artifact = Module::compile(&Engine::default(), WITHOUT_FLOATS).expect("it compiles");
    let without = engine(|config| config.floats(false));
    let error = Module::load(&without, &artifact, &Trust::Named).expect_err("unknown code");
    assert_of_unknown_code(&error);
}

#[test]
fn a_module_of_an_engine_with_floats_is_not_instantiated_where_they_are_refused() {
    let with = Module::new(&Engine::default(), WITH_FLOATS[0]).expect("floats are allowed");
    let without = engine(|config| config.floats(false));
    let error = Instance::new(&mut Store::new(&without, ()), &with, &[]).expect_err("unknown code");
    assert_of_unknown_code(&error);

    // Its own modules, and those of other engines that refuse floats too, are known to have none.
    let other = engine(|config| config.floats(false));
    let module = Module::new(&other, WITHOUT_FLOATS).expect("it has no floats");
    for engine in [&without, &other, &Engine::default()] {
        Instance::new(&mut Store::new(engine, ()), &module, &[]).expect("it has no floats");
    }
}

fn assert_of_unknown_code(error: &Error) {
    assert!(
        matches!(
            error.kind(),
            ErrorKind::Config(ConfigError::UnknownOfArtifacts {
                option: "floats(false)"
            })
        ),
        "{error}"
    );
}
