//! Branch tables of every length with few targets, in runs, and calls with each index around their ends.

use wasm_encoder::BlockType;

use super::call;
use crate::builder::{Body, Builder};
use crate::compare::Case;
use crate::rng::Rng;
use crate::value::{Type, Value};

const FUNCTIONS: u32 = 4;
const MAX_TARGETS: u32 = 7;

pub(super) fn generate(seed: u64) -> Case {
    let mut rng = Rng::new("switches", seed);
    let mut builder = Builder::default();
    let ty = builder.ty(&[Type::I32; 2], Some(Type::I32));
    let mut calls = Vec::new();
    for _ in 0..FUNCTIONS {
        let targets = rng.between(1, MAX_TARGETS);
        let table = table(targets, &mut rng);
        let function = builder.function(ty, body(targets, &table, &mut rng));
        let name = format!("function {function}");
        builder.export(&name, function);
        let entries = table.len() as u32;
        let ends = (0..entries.min(24)).chain(entries.saturating_sub(3)..entries + 3);
        for index in ends.chain([0x8000_0000, u32::MAX]) {
            let arguments = [index, rng.next_u32()].map(Value::I32);
            calls.push(call(&name, arguments));
        }
    }
    Case {
        wasm: builder.finish(),
        calls,
        shows_nans: false,
    }
}

/// Labels for each index, then for all others.
fn table(targets: u32, rng: &mut Rng) -> Vec<u32> {
    let mut table = Vec::new();
    for _ in 0..rng.between(1, 9) {
        let longest = rng.pick(&[1, 1, 2, 5, 300]);
        let len = rng.between(1, longest);
        let label = rng.below(targets);
        table.extend((0..len).map(|_| label));
    }
    table
}

/// One block for each target; some lead on to the next, some return, some go round again.
fn body(targets: u32, table: &[u32], rng: &mut Rng) -> Body {
    let mut body = Body::new(&[Type::I32]);
    let (index, number, rounds) = (0, 1, 2);
    let (labels, default) = table.split_at(table.len() - 1);
    body.code().loop_(BlockType::Empty);
    for _ in 0..targets {
        body.code().block(BlockType::Empty);
    }
    body.code()
        .local_get(index)
        .br_table(labels.to_vec(), default[0]);
    for target in 0..targets {
        body.code().end();
        body.code()
            .local_get(number)
            .i32_const(0x0101 * (target + 1).cast_signed())
            .i32_xor()
            .i32_const(5)
            .i32_rotl()
            .local_set(number);
        match rng.below(4) {
            0 => {
                body.code().local_get(number).return_();
            }
            // A few rounds with a smaller index.
            1 => {
                let depth = targets - 1 - target;
                body.code()
                    .local_get(index)
                    .i32_const(1)
                    .i32_shr_u()
                    .local_set(index)
                    .local_get(rounds)
                    .i32_const(1)
                    .i32_add()
                    .local_tee(rounds)
                    .i32_const(5)
                    .i32_lt_u()
                    .br_if(depth);
            }
            _ => {}
        }
    }
    body.code().end().local_get(number);
    body
}
