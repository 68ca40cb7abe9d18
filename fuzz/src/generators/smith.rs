//! Whole modules of `wasm-smith`, restricted to the MVP.

use arbitrary::Unstructured;
use wasm_smith::Config;

use super::call;
use crate::compare::Case;
use crate::rng::Rng;
use crate::value::Type;

/// How many function entries and loop turns a module gets, over all calls: fewer than fit on any
/// engine's stack.
const FUEL: u32 = 900;

pub(super) fn generate(seed: u64) -> Case {
    let mut rng = Rng::new("smith", seed);
    let config = config(&mut rng);
    // Some byte strings end before the module does; the next one is as good.
    let wasm = loop {
        let len = rng.between(200, 6000) as usize;
        let bytes = rng.bytes(len);
        let module = wasm_smith::Module::new(config.clone(), &mut Unstructured::new(&bytes));
        if let Ok(mut module) = module {
            module
                .ensure_termination(FUEL)
                .expect("every body was generated");
            break module.to_bytes();
        }
    };
    let functions = exported_functions(&wasm);
    let mut calls = Vec::new();
    for _ in 0..3 {
        for (name, params) in &functions {
            let arguments: Vec<_> = params.iter().map(|ty| ty.random(&mut rng)).collect();
            calls.push(call(name, arguments));
        }
    }
    Case {
        wasm,
        calls,
        shows_nans: false,
    }
}

fn config(rng: &mut Rng) -> Config {
    Config {
        // Some large functions, many small ones.
        max_instructions: rng.pick(&[20usize, 100, 400, 1000]),
        max_funcs: rng.between(1, 20) as usize,
        max_values: 10,
        max_nesting_depth: rng.between(2, 12) as usize,
        min_funcs: 1,
        min_types: 1,
        max_imports: 0,
        export_everything: true,
        canonicalize_nans: true,
        allow_start_export: rng.chance(30),
        max_memories: 1,
        min_memories: u32::from(rng.chance(80)),
        max_memory32_bytes: 10 << 16,
        memory_max_size_required: true,
        max_tables: 1,
        min_tables: u32::from(rng.chance(50)),
        max_table_elements: 100,
        table_max_size_required: true,
        // Everything that came after the MVP.
        bulk_memory_enabled: false,
        compact_imports_enabled: false,
        custom_descriptors_enabled: false,
        custom_page_sizes_enabled: false,
        exceptions_enabled: false,
        extended_const_enabled: false,
        gc_enabled: false,
        memory64_enabled: false,
        multi_value_enabled: false,
        reference_types_enabled: false,
        relaxed_simd_enabled: false,
        saturating_float_to_int_enabled: false,
        shared_everything_threads_enabled: false,
        sign_extension_ops_enabled: false,
        simd_enabled: false,
        tail_call_enabled: false,
        threads_enabled: false,
        wide_arithmetic_enabled: false,
        ..Config::default()
    }
}

/// Exported functions and the types of their parameters, as the reference engine lists them.
fn exported_functions(wasm: &[u8]) -> Vec<(String, Vec<Type>)> {
    let module = wasmi::Module::new(&wasmi::Engine::default(), wasm);
    let module = module.expect("wasm-smith makes valid modules");
    let type_of = |ty: &wasmi::ValType| match ty {
        wasmi::ValType::I32 => Type::I32,
        wasmi::ValType::I64 => Type::I64,
        wasmi::ValType::F32 => Type::F32,
        wasmi::ValType::F64 => Type::F64,
        other => panic!("the MVP has no type {other:?}"),
    };
    let functions = module.exports().filter_map(|export| match export.ty() {
        wasmi::ExternType::Func(ty) => Some((
            export.name().to_owned(),
            ty.params().iter().map(type_of).collect(),
        )),
        _ => None,
    });
    functions.collect()
}
