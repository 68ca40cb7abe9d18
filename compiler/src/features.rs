//! Names the proposal that a refused module needs, and the way out.

use crate::error::{CompileError, InvalidModule, UnsupportedProposal};
use crate::options::CompileOptions;
use wasmelt_abi::Preset;
use wasmparser::{BinaryReaderError, FunctionBody, Parser, Payload, Validator, WasmFeatures};

/// A proposal, how wasmparser calls it, and how to build a module without it.
struct Proposal {
    name: &'static str,
    features: WasmFeatures,
    way_out: &'static str,
}

const REBUILD: &str = "build it for the MVP: Rust target wasm32v1-none, or clang -mcpu=mvp";

/// Later proposals, in the order in which they are tried: what a module needs is the first one
/// that moves its first error.
const PROPOSALS: &[Proposal] = &[
    Proposal {
        name: "mutable-global",
        features: WasmFeatures::MUTABLE_GLOBAL,
        way_out: "choose the preset wasm1, which includes it",
    },
    Proposal {
        name: "sign-extension",
        features: WasmFeatures::SIGN_EXTENSION,
        way_out: "build it for the MVP (Rust target wasm32v1-none, clang -mcpu=mvp) or lower it \
                  with wasm-opt --signext-lowering",
    },
    Proposal {
        name: "nontrapping-float-to-int",
        features: WasmFeatures::SATURATING_FLOAT_TO_INT,
        way_out: "build it for the MVP (Rust target wasm32v1-none, clang -mcpu=mvp) or lower it \
                  with wasm-opt --llvm-nontrapping-fptoint-lowering",
    },
    Proposal {
        name: "bulk-memory",
        features: WasmFeatures::BULK_MEMORY,
        way_out: "build it for the MVP (Rust target wasm32v1-none, clang -mcpu=mvp) or lower it \
                  with wasm-opt --llvm-memory-copy-fill-lowering",
    },
    Proposal {
        name: "reference-types (overlong call_indirect table index)",
        features: WasmFeatures::CALL_INDIRECT_OVERLONG,
        way_out: REBUILD,
    },
    Proposal {
        name: "reference-types",
        features: WasmFeatures::REFERENCE_TYPES,
        way_out: REBUILD,
    },
    Proposal {
        name: "multi-value",
        features: WasmFeatures::MULTI_VALUE,
        way_out: REBUILD,
    },
    Proposal {
        name: "simd",
        features: WasmFeatures::SIMD,
        way_out: "build it for the MVP: Rust target wasm32v1-none, or clang -mcpu=mvp; there is \
                  no lowering of SIMD to the MVP",
    },
    Proposal {
        name: "relaxed-simd",
        features: RELAXED_SIMD,
        way_out: REBUILD,
    },
    Proposal {
        name: "threads",
        features: WasmFeatures::THREADS,
        way_out: REBUILD,
    },
    Proposal {
        name: "tail-call",
        features: WasmFeatures::TAIL_CALL,
        way_out: REBUILD,
    },
    Proposal {
        name: "multi-memory",
        features: WasmFeatures::MULTI_MEMORY,
        way_out: "use one memory, or lower it with wasm-opt --multi-memory-lowering",
    },
    Proposal {
        name: "memory64",
        features: WasmFeatures::MEMORY64,
        way_out: "build it for wasm32, or lower it with wasm-opt --memory64-lowering",
    },
    Proposal {
        name: "extended-const",
        features: WasmFeatures::EXTENDED_CONST,
        way_out: REBUILD,
    },
    Proposal {
        name: "exception-handling",
        features: EXCEPTIONS,
        way_out: REBUILD,
    },
    Proposal {
        name: "typed function references",
        features: FUNC_REFS,
        way_out: REBUILD,
    },
    Proposal {
        name: "gc",
        features: GC,
        way_out: REBUILD,
    },
    Proposal {
        name: "custom-page-sizes",
        features: WasmFeatures::CUSTOM_PAGE_SIZES,
        way_out: REBUILD,
    },
    Proposal {
        name: "legacy exceptions",
        features: LEGACY_EXCEPTIONS,
        way_out: REBUILD,
    },
    Proposal {
        name: "stack-switching",
        features: STACK_SWITCHING,
        way_out: REBUILD,
    },
    Proposal {
        name: "wide-arithmetic",
        features: WasmFeatures::WIDE_ARITHMETIC,
        way_out: REBUILD,
    },
    Proposal {
        name: "memory-control",
        features: WasmFeatures::MEMORY_CONTROL,
        way_out: REBUILD,
    },
    Proposal {
        name: "shared-everything threads",
        features: SHARED,
        way_out: REBUILD,
    },
    Proposal {
        name: "custom descriptors",
        features: DESCRIPTORS,
        way_out: REBUILD,
    },
    Proposal {
        name: "compact imports",
        features: WasmFeatures::COMPACT_IMPORTS,
        way_out: REBUILD,
    },
];

const RELAXED_SIMD: WasmFeatures = WasmFeatures::SIMD.union(WasmFeatures::RELAXED_SIMD);
const EXCEPTIONS: WasmFeatures = WasmFeatures::EXCEPTIONS
    .union(WasmFeatures::REFERENCE_TYPES)
    .union(WasmFeatures::MULTI_VALUE);
const FUNC_REFS: WasmFeatures =
    WasmFeatures::FUNCTION_REFERENCES.union(WasmFeatures::REFERENCE_TYPES);
const GC: WasmFeatures = FUNC_REFS.union(WasmFeatures::GC);
const LEGACY_EXCEPTIONS: WasmFeatures = EXCEPTIONS.union(WasmFeatures::LEGACY_EXCEPTIONS);
const STACK_SWITCHING: WasmFeatures = FUNC_REFS
    .union(WasmFeatures::STACK_SWITCHING)
    .union(WasmFeatures::EXCEPTIONS);
const SHARED: WasmFeatures = WasmFeatures::SHARED_EVERYTHING_THREADS
    .union(WasmFeatures::THREADS)
    .union(GC);
const DESCRIPTORS: WasmFeatures = WasmFeatures::CUSTOM_DESCRIPTORS.union(GC);

/// The language that modules may use.
pub(crate) fn enabled_features(options: &CompileOptions) -> WasmFeatures {
    let features = match options.codegen.preset {
        Preset::StrictMvp => WasmFeatures::MVP,
        Preset::Wasm1 => WasmFeatures::WASM1,
        Preset::Polkadot => WasmFeatures::WASM1.union(WasmFeatures::SIGN_EXTENSION),
    };
    if options.floats {
        features
    } else {
        features.difference(WasmFeatures::FLOATS)
    }
}

/// A later proposal that a module uses, and where it does so first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeatureUse {
    /// Name of the proposal.
    pub proposal: &'static str,
    /// Offset of its first use in the module.
    pub offset: usize,
    /// The operator that uses it, in text format, when it is one.
    pub operator: Option<String>,
    /// Index of the function it is in.
    pub function: Option<u32>,
}

/// Every later proposal that a module needs beyond the MVP, in the order of first use.
///
/// # Errors
///
/// If the module is invalid whatever is enabled.
pub fn features_needed(wasm: &[u8]) -> Result<Vec<FeatureUse>, CompileError> {
    let mut enabled = WasmFeatures::MVP;
    let mut uses = Vec::new();
    while let Err(error) = validate(wasm, enabled) {
        let Some(proposal) = find_proposal(wasm, enabled, error.offset()) else {
            return Err(invalid(wasm, &error));
        };
        let place = Place::find(wasm, error.offset());
        uses.push(FeatureUse {
            proposal: proposal.name,
            offset: error.offset(),
            operator: place.operator,
            function: place.function,
        });
        enabled = enabled.union(proposal.features);
    }
    Ok(uses)
}

/// Turns the first validation error of a module into the error that a user gets.
pub(crate) fn explain(
    wasm: &[u8],
    options: &CompileOptions,
    error: &BinaryReaderError,
) -> CompileError {
    let enabled = enabled_features(options);
    if !options.floats && moves_on(wasm, enabled.union(WasmFeatures::FLOATS), error.offset()) {
        let place = Place::find(wasm, error.offset());
        return CompileError::Floats {
            operator: place.operator,
            function: place.function,
            offset: error.offset(),
        };
    }
    let Some(proposal) = find_proposal(wasm, enabled, error.offset()) else {
        return invalid(wasm, error);
    };
    let preset = options.codegen.preset;
    let place = Place::find(wasm, error.offset());
    CompileError::Unsupported(Box::new(UnsupportedProposal {
        proposal: proposal.name,
        preset: preset.name(),
        operator: place.operator,
        function: place.function,
        offset: error.offset(),
        message: error.message().to_owned(),
        way_out: proposal.way_out,
    }))
}

fn invalid(wasm: &[u8], error: &BinaryReaderError) -> CompileError {
    CompileError::Invalid(InvalidModule {
        message: error.message().to_owned(),
        offset: error.offset(),
        function: Place::find(wasm, error.offset()).function,
    })
}

/// The first error of a module, function bodies included, with these features.
fn validate(wasm: &[u8], features: WasmFeatures) -> Result<(), BinaryReaderError> {
    Validator::new_with_features(features)
        .validate_all(wasm)
        .map(|_| ())
}

/// Whether the first error of a module with these features, if there is one, is behind `offset`.
fn moves_on(wasm: &[u8], features: WasmFeatures, offset: usize) -> bool {
    match validate(wasm, features) {
        Ok(()) => true,
        Err(error) => error.offset() > offset,
    }
}

/// The proposal whose absence causes the error at `offset`: enabling it moves the first error on.
fn find_proposal(wasm: &[u8], enabled: WasmFeatures, offset: usize) -> Option<&'static Proposal> {
    let moves_on = |features: WasmFeatures| moves_on(wasm, features, offset);
    let everything = PROPOSALS
        .iter()
        .fold(enabled, |all, proposal| all.union(proposal.features));
    if !moves_on(everything) {
        return None;
    }
    let is_new = |proposal: &&Proposal| !enabled.contains(proposal.features);
    PROPOSALS
        .iter()
        .filter(is_new)
        .find(|proposal| moves_on(enabled.union(proposal.features)))
        .or_else(|| {
            // No single one suffices: the last of a growing set is the one to name.
            let mut growing = enabled;
            PROPOSALS.iter().filter(is_new).find(|proposal| {
                growing = growing.union(proposal.features);
                moves_on(growing)
            })
        })
}

/// The operator and function at an offset of a module.
#[derive(Debug, Default)]
struct Place {
    operator: Option<String>,
    function: Option<u32>,
}

impl Place {
    fn find(wasm: &[u8], offset: usize) -> Self {
        let mut imported = 0u32;
        let mut defined = 0u32;
        for payload in Parser::new(0).parse_all(wasm) {
            match payload {
                Ok(Payload::ImportSection(section)) => {
                    imported = count_imported_functions(section);
                }
                Ok(Payload::CodeSectionEntry(body)) => {
                    if body.range().contains(&offset) {
                        return Self {
                            operator: operator_at(&body, offset),
                            function: Some(imported + defined),
                        };
                    }
                    defined += 1;
                }
                Ok(_) => {}
                Err(_) => break,
            }
        }
        Self::default()
    }
}

fn count_imported_functions(section: wasmparser::ImportSectionReader<'_>) -> u32 {
    let mut count = 0;
    for import in section.into_imports().map_while(Result::ok) {
        count += u32::from(matches!(import.ty, wasmparser::TypeRef::Func(_)));
    }
    count
}

fn operator_at(body: &FunctionBody<'_>, offset: usize) -> Option<String> {
    let mut reader = body.get_operators_reader().ok()?;
    while !reader.eof() {
        if reader.original_position() > offset {
            return None; // In the locals, before the first operator.
        }
        let operator = reader.read().ok()?;
        if reader.original_position() > offset {
            return Some(text_name(&format!("{operator:?}")));
        }
    }
    None
}

/// Turns `I32Extend8S` into `i32.extend8_s`.
fn text_name(debug: &str) -> String {
    let name: &str = debug.split([' ', '{', '(']).next().unwrap_or(debug);
    let mut words: Vec<String> = Vec::new();
    let mut previous_upper = false;
    for c in name.chars() {
        let lane_separator = c.is_ascii_uppercase() && !previous_upper;
        if lane_separator || words.is_empty() {
            words.push(String::new());
        }
        previous_upper = c.is_ascii_uppercase();
        if let Some(word) = words.last_mut() {
            word.push(c.to_ascii_lowercase());
        }
    }
    let dotted = words.first().is_some_and(|first| {
        let types = [
            "i32", "i64", "f32", "f64", "v128", "memory", "table", "ref", "data", "elem",
        ];
        types.contains(&first.as_str()) || first.contains('x')
    });
    if dotted && words.len() > 1 {
        format!("{}.{}", words[0], words[1..].join("_"))
    } else {
        words.join("_")
    }
}

#[cfg(test)]
mod tests {
    use super::{features_needed, text_name};

    #[test]
    fn operators_are_spelled_as_in_the_text_format() {
        for (debug, text) in [
            ("I32Extend8S", "i32.extend8_s"),
            ("MemoryCopy { dst_mem: 0, src_mem: 0 }", "memory.copy"),
            ("I64TruncSatF32U", "i64.trunc_sat_f32_u"),
            ("Unreachable", "unreachable"),
            ("RefNull { hty: x }", "ref.null"),
        ] {
            assert_eq!(text_name(debug), text);
        }
    }

    #[test]
    fn every_proposal_of_a_module_is_listed_in_the_order_of_use() {
        let wasm = wat::parse_str(
            "(module (memory 1) (func (param i32) (result i32)
                (memory.fill (i32.const 0) (i32.const 0) (i32.const 0))
                (i32.extend8_s (local.get 0))))",
        )
        .expect("valid text");
        let names: Vec<_> = features_needed(&wasm)
            .expect("valid module")
            .into_iter()
            .map(|used| (used.proposal, used.operator, used.function))
            .collect();
        assert_eq!(
            names,
            [
                ("bulk-memory", Some("memory.fill".to_owned()), Some(0)),
                ("sign-extension", Some("i32.extend8_s".to_owned()), Some(0)),
            ]
        );
    }
}
