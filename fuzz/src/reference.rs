//! The reference: wasmi, with one of its mistakes worked around.
//!
//! wasmi 2.0.0 translates `select` wrongly when its condition is `i32.eqz`, `i32.eq 0` or
//! `i32.ne 0` of a local: it drops the comparison, but then takes the condition from a register
//! that nothing was written to (`try_fuse_select` in its `engine/translator/func/mod.rs`). Other
//! engines agree on the right result. So that this does not hide mistakes of ours, the reference
//! runs a module in which every condition of a `select` is first rotated by one bit: it is zero
//! afterwards exactly if it was before, and the comparison is no longer its last step. All other
//! engines run the module as it is.

use wasmparser::{Operator, Parser, Payload};

use crate::backend::WasmiEngine;
use crate::oracle::{Engine, Session, Stop};

/// `i32.const 1`, `i32.rotl`.
const ROTATE: [u8; 3] = [0x41, 0x01, 0x77];

/// The code section's id.
const CODE: u8 = 10;

/// wasmi as it comes, except for its `select`.
#[derive(Debug)]
pub struct Reference(WasmiEngine);

/// The engine that says what is right.
#[must_use]
pub fn reference() -> Reference {
    Reference(WasmiEngine::new("wasmi", &wasmi::Config::default()))
}

impl Engine for Reference {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn start(&self, wasm: &[u8]) -> Result<Box<dyn Session>, Stop> {
        match rotate_select_conditions(wasm) {
            Ok(rotated) => self.0.start(&rotated),
            Err(error) => Err(Stop::Refused(error.to_string())),
        }
    }
}

fn rotate_select_conditions(wasm: &[u8]) -> Result<Vec<u8>, wasmparser::BinaryReaderError> {
    let mut output = Vec::with_capacity(wasm.len() + wasm.len() / 8);
    // Up to here the input is in the output.
    let mut copied = 0;
    let mut bodies = Vec::new();
    for payload in Parser::new(0).parse_all(wasm) {
        match payload? {
            Payload::CodeSectionStart { count, range, .. } => {
                // All our modules have lengths in their shortest form.
                let mut length = Vec::new();
                leb128(&mut length, len_u32(&wasm[range.clone()]));
                let header = range.start - length.len() - 1;
                assert_eq!(wasm[header], CODE, "a section begins with its id");
                output.extend_from_slice(&wasm[copied..header]);
                copied = range.end;
                leb128(&mut bodies, count);
            }
            Payload::CodeSectionEntry(body) => {
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
                leb128(&mut bodies, len_u32(&code));
                bodies.extend_from_slice(&code);
            }
            _ => {}
        }
    }
    if !bodies.is_empty() {
        output.push(CODE);
        leb128(&mut output, len_u32(&bodies));
        output.extend_from_slice(&bodies);
    }
    output.extend_from_slice(&wasm[copied..]);
    Ok(output)
}

fn len_u32(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).expect("generated modules are small")
}

fn leb128(output: &mut Vec<u8>, mut value: u32) {
    while value >= 0x80 {
        output.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    output.push(value as u8);
}

#[cfg(test)]
mod tests {
    use super::{reference, rotate_select_conditions};
    use crate::backend::{WasmiEngine, wasmelt};
    use crate::builder::{Body, Builder};
    use crate::oracle::Engine;
    use crate::value::{Type, Value};

    /// `(param i32) (result i32)`: 11 if the parameter is 0, otherwise 22.
    fn module() -> Vec<u8> {
        let mut builder = Builder::default();
        builder.memory(1, 1);
        builder.data(3, vec![1, 2, 3]);
        let ty = builder.ty(&[Type::I32], Some(Type::I32));
        let mut body = Body::new(&[]);
        body.code()
            .i32_const(11)
            .i32_const(22)
            .local_get(0)
            .i32_eqz()
            .select();
        let function = builder.function(ty, body);
        builder.export("f", function);
        builder.finish()
    }

    fn results(engine: &dyn Engine) -> [Value; 2] {
        [0, 5].map(|argument| {
            let mut session = engine.start(&module()).expect("a valid module");
            session.call("f", &[Value::I32(argument)]).expect("no trap")[0]
        })
    }

    #[test]
    fn the_reference_selects_rightly() {
        let right = [Value::I32(11), Value::I32(22)];
        assert_eq!(results(&reference()), right);
        assert_eq!(
            results(&wasmelt("guard-speed").expect("a configuration")),
            right
        );
    }

    /// When this fails, wasmi has mended its `select`, and this module is no longer needed.
    #[test]
    fn wasmi_by_itself_selects_wrongly() {
        let wasmi = WasmiEngine::new("wasmi", &wasmi::Config::default());
        assert_eq!(results(&wasmi), [Value::I32(11), Value::I32(11)]);
    }

    #[test]
    fn a_module_without_code_is_left_alone() {
        let empty = Builder::default().finish();
        assert_eq!(rotate_select_conditions(&empty).expect("valid"), empty);
    }
}
