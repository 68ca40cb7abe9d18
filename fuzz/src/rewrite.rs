//! Rewrites function bodies so that they mean the same and are compiled or interpreted differently.

use crate::backend::ByModule;
use wasm_encoder::Encode;
use wasmelt_compiler::Governor;
use wasmparser::{BinaryReaderError, FunctionBody, Operator, Parser, Payload, ValType};

/// Makes another module that behaves the same, but for what it says of itself.
pub(crate) type Rewrite = fn(&[u8], ByModule) -> Result<Vec<u8>, BinaryReaderError>;

/// `i32.const 1`, `i32.rotl`.
const ROTATE: [u8; 3] = [0x41, 0x01, 0x77];
/// The first byte of `block`.
const BLOCK: u8 = 0x02;
/// `end`.
const END: u8 = 0x0b;
/// The block type without a result.
const EMPTY: u8 = 0x40;
/// The code section's id.
const CODE: u8 = 10;

/// Rotates the condition of every `select` by one bit: it is zero afterwards exactly if it was
/// before, and no comparison is its last step.
pub(crate) fn rotate_select_conditions(wasm: &[u8]) -> Result<Vec<u8>, BinaryReaderError> {
    rewrite_bodies(wasm, |body, _| {
        let range = body.range();
        let mut code = Vec::with_capacity(range.len());
        let mut from = range.start;
        for operator in body.get_operators_reader()?.into_iter_with_offsets() {
            let (operator, offset) = operator?;
            if matches!(operator, Operator::Select) {
                code.extend_from_slice(&wasm[from..offset]);
                code.extend_from_slice(&ROTATE);
                from = offset;
            }
        }
        code.extend_from_slice(&wasm[from..range.end]);
        Ok(code)
    })
}

/// Wraps every body in so many blocks that the governor compiles it without optimisation and
/// keeps its locals in the frame.
pub(crate) fn nest_beyond_the_governor(wasm: &[u8]) -> Result<Vec<u8>, BinaryReaderError> {
    let depth = Governor::limits().max_block_depth as usize + 1;
    rewrite_bodies(wasm, |body, result| {
        let range = body.range();
        let start = body.get_operators_reader()?.original_position();
        let result = result.map_or(EMPTY, |ty| match ty {
            ValType::I32 => 0x7f,
            ValType::I64 => 0x7e,
            ValType::F32 => 0x7d,
            ValType::F64 => 0x7c,
            other => unreachable!("the MVP has no type {other}"),
        });
        let mut code = wasm[range.start..start].to_vec();
        code.extend([BLOCK, result].repeat(depth));
        code.extend_from_slice(&wasm[start..range.end]);
        code.extend([END].repeat(depth));
        Ok(code)
    })
}

/// Rewrites each body, of which the result type is given as well.
pub(crate) fn rewrite_bodies(
    wasm: &[u8],
    mut rewrite: impl FnMut(&FunctionBody<'_>, Option<ValType>) -> Result<Vec<u8>, BinaryReaderError>,
) -> Result<Vec<u8>, BinaryReaderError> {
    let mut output = Vec::with_capacity(wasm.len() + wasm.len() / 8);
    output.extend_from_slice(&wasm[..8]);
    let mut bodies = Vec::new();
    let mut left = 0;
    let mut result_types = Vec::new();
    let mut functions = Vec::new();
    let mut defined = 0;
    for payload in Parser::new(0).parse_all(wasm) {
        let payload = payload?;
        let section = payload.as_section();
        match payload {
            Payload::TypeSection(section) => {
                for ty in section.into_iter_err_on_gc_types() {
                    result_types.push(ty?.results().first().copied());
                }
            }
            Payload::FunctionSection(section) => {
                functions = section.into_iter().collect::<Result<_, _>>()?;
            }
            Payload::CodeSectionStart { count, .. } => {
                left = count;
                count.encode(&mut bodies);
                if count > 0 {
                    continue;
                }
            }
            Payload::CodeSectionEntry(body) => {
                let ty: u32 = functions[defined];
                defined += 1;
                let code = rewrite(&body, result_types[ty as usize])?;
                code.as_slice().encode(&mut bodies);
                left -= 1;
                if left == 0 {
                    output.push(CODE);
                    bodies.as_slice().encode(&mut output);
                }
                continue;
            }
            _ => {}
        }
        if let Some((id, range)) = section {
            output.push(id);
            wasm[range].encode(&mut output);
        }
    }
    Ok(output)
}

#[cfg(test)]
mod tests {
    use super::{nest_beyond_the_governor, rotate_select_conditions};
    use crate::builder::Builder;
    use crate::generators::Generator;
    use wasmelt_compiler::{CompileOptions, compile};

    #[test]
    fn a_module_without_code_is_left_alone() {
        let empty = Builder::default().finish();
        assert_eq!(rotate_select_conditions(&empty).expect("valid"), empty);
        assert_eq!(nest_beyond_the_governor(&empty).expect("valid"), empty);
    }

    #[test]
    fn nested_functions_are_all_downgraded() {
        let case = Generator::named("control")
            .expect("there is one")
            .generate(1);
        let downgraded = |wasm: &[u8]| {
            let module = compile(wasm, &CompileOptions::default()).expect("a valid module");
            (
                module.manifest().downgraded_function_count,
                module.function_sizes().len(),
            )
        };
        let (before, functions) = downgraded(&case.wasm);
        assert_eq!(before, 0);
        let nested = nest_beyond_the_governor(&case.wasm).expect("valid");
        assert_eq!(downgraded(&nested), (functions as u32, functions));
    }
}
