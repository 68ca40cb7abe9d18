//! Branch tables of every length with few targets, in runs, and calls with each index around their
//! ends. Targets are blocks and the loop around them, reached with more or less fuel spent.

use std::collections::BTreeSet;
use wasm_encoder::BlockType;

use super::call;
use crate::builder::{Body, Builder};
use crate::compare::Case;
use crate::rng::Rng;
use crate::value::{Type, Value};

const FUNCTIONS: u32 = 4;
const MAX_TARGETS: u32 = 7;
const MAX_ROUNDS: i32 = 5;

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
        for index in indices(&table) {
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

/// Those around the ends of runs, and far ones.
fn indices(table: &[u32]) -> BTreeSet<u32> {
    let ends = (1..table.len()).filter(|at| table[at - 1] != table[*at]);
    ends.chain([0, table.len() - 1])
        .map(|at| at as u32)
        .flat_map(|at| [at.saturating_sub(1), at, at + 1])
        .chain([0x8000_0000, u32::MAX])
        .collect()
}

/// Labels for each index, then for all others. The last label is the loop's.
fn table(targets: u32, rng: &mut Rng) -> Vec<u32> {
    let mut table = Vec::new();
    for _ in 0..rng.between(1, 9) {
        let longest = rng.pick(&[1, 1, 2, 5, 300]);
        let len = rng.between(1, longest);
        let label = rng.below(targets + 1);
        table.extend((0..len).map(|_| label));
    }
    table
}

/// One block for each target, in a loop; some lead on to the next, some return, some go round again.
fn body(targets: u32, table: &[u32], rng: &mut Rng) -> Body {
    let mut body = Body::new(&[Type::I32]);
    let (index, number, rounds) = (0, 1, 2);
    let (labels, default) = table.split_at(table.len() - 1);
    let mut code = body.code();
    code.loop_(BlockType::Empty);
    code.local_get(rounds)
        .i32_const(MAX_ROUNDS)
        .i32_eq()
        .if_(BlockType::Empty)
        .local_get(number)
        .return_()
        .end();
    code.local_get(rounds)
        .i32_const(1)
        .i32_add()
        .local_set(rounds);
    for _ in 0..targets {
        code.block(BlockType::Empty);
    }
    if rng.chance(50) {
        // One target is reached with less fuel spent.
        code.local_get(number).i32_const(1).i32_and();
        code.br_if(rng.below(targets));
        code.local_get(number)
            .i32_const(3)
            .i32_mul()
            .local_set(number);
    }
    code.local_get(index).br_table(labels.to_vec(), default[0]);
    for target in 0..targets {
        code.end();
        code.local_get(number)
            .i32_const(0x0101 * (target + 1).cast_signed())
            .i32_xor()
            .i32_const(5)
            .i32_rotl()
            .local_set(number);
        match rng.below(4) {
            0 => {
                code.local_get(number).return_();
            }
            // Another round with a smaller index.
            1 => {
                code.local_get(index).i32_const(1).i32_shr_u();
                code.local_tee(index).br_if(targets - 1 - target);
            }
            _ => {}
        }
    }
    code.end().local_get(number);
    body
}
