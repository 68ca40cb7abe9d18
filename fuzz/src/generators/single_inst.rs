//! One instruction at a time, on interesting values: as parameters, and as constants that a
//! compiler folds or selects special code for.

use super::call;
use super::ops::{LOADS, MemoryOp, NUMERIC_OPS, NumericOp, STORES};
use crate::builder::{Body, Builder, at};
use crate::compare::{Call, Case};
use crate::rng::Rng;
use crate::value::{INTERESTING_32, Type, Value};

/// How many instructions there are: so many consecutive seeds meet each once.
pub(super) const KINDS: u64 = (NUMERIC_OPS.len() + LOADS.len() + STORES.len()) as u64;

/// How many constants each operand takes in a case.
const CONSTANTS: usize = 4;

/// How many argument lists each function is called with.
const CALLS: usize = 24;

pub(super) fn generate(seed: u64) -> Case {
    let mut rng = Rng::new("single-inst", seed);
    let mut kind = (seed % KINDS) as usize;
    if let Some(op) = NUMERIC_OPS.get(kind) {
        return numeric(op, &mut rng);
    }
    kind -= NUMERIC_OPS.len();
    match LOADS.get(kind) {
        Some(op) => memory(op, false, &mut rng),
        None => memory(&STORES[kind - LOADS.len()], true, &mut rng),
    }
}

/// Where an operand comes from.
#[derive(Clone, Copy)]
enum Operand {
    Param(u32),
    Constant(Value),
}

/// What becomes of the result.
#[derive(Clone, Copy, PartialEq)]
enum Consumer {
    Returned,
    /// Decides a branch, which code generators fuse with comparisons.
    Branched,
    /// Decides a `select`.
    Selected,
}

fn numeric(op: &NumericOp, rng: &mut Rng) -> Case {
    let mut builder = Builder::default();
    let mut calls = Vec::new();
    let params: Vec<_> = (0..op.params.len() as u32).map(Operand::Param).collect();
    for consumer in [Consumer::Returned, Consumer::Branched, Consumer::Selected] {
        if consumer == Consumer::Returned || op.result == Type::I32 {
            numeric_function(&mut builder, op, &params, consumer, &mut calls, rng);
        }
    }
    // Both operands from the same parameter.
    if op.params.len() == 2 {
        let same = [Operand::Param(0), Operand::Param(0)];
        numeric_function(&mut builder, op, &same, Consumer::Returned, &mut calls, rng);
    }
    for _ in 0..CONSTANTS {
        let constants: Vec<_> = op
            .params
            .iter()
            .map(|ty| Operand::Constant(ty.random(rng)))
            .collect();
        numeric_function(
            &mut builder,
            op,
            &constants,
            Consumer::Returned,
            &mut calls,
            rng,
        );
        for at in 0..op.params.len() {
            let mut operands = params.clone();
            operands[at] = constants[at];
            let consumer = if op.result == Type::I32 && rng.chance(50) {
                Consumer::Branched
            } else {
                Consumer::Returned
            };
            numeric_function(&mut builder, op, &operands, consumer, &mut calls, rng);
        }
    }
    Case {
        wasm: builder.finish(),
        calls,
        shows_nans: false,
    }
}

fn numeric_function(
    builder: &mut Builder,
    op: &NumericOp,
    operands: &[Operand],
    consumer: Consumer,
    calls: &mut Vec<Call>,
    rng: &mut Rng,
) {
    let ty = builder.ty(op.params, Some(op.result));
    let temp = op.params.len() as u32;
    let mut body = Body::new(&[op.result]);
    if consumer == Consumer::Selected {
        body.constant(Value::I32(11));
        body.constant(Value::I32(22));
    }
    for operand in operands {
        match *operand {
            Operand::Param(index) => {
                body.code().local_get(index);
            }
            Operand::Constant(value) => body.constant(value),
        }
    }
    op.emit(&mut body.code());
    if op.gives_any_nan {
        body.canonical_nan(op.result, temp);
    }
    match consumer {
        Consumer::Returned => {}
        Consumer::Selected => {
            body.code().select();
        }
        Consumer::Branched => {
            body.code()
                .if_(wasm_encoder::BlockType::Result(wasm_encoder::ValType::I32))
                .i32_const(33)
                .else_()
                .i32_const(44)
                .end();
        }
    }
    let function = builder.function(ty, body);
    let name = format!("{} {function}", op.name);
    builder.export(&name, function);
    let is_constant = operands
        .iter()
        .all(|operand| matches!(operand, Operand::Constant(_)));
    for _ in 0..if is_constant { 1 } else { CALLS } {
        let arguments: Vec<_> = op.params.iter().map(|ty| ty.random(rng)).collect();
        calls.push(call(&name, arguments));
    }
}

fn memory(op: &MemoryOp, is_store: bool, rng: &mut Rng) -> Case {
    let mut builder = Builder::default();
    let mut calls = Vec::new();
    builder.memory(1, 2);
    builder.data(0, rng.bytes(256));
    builder.data(65_536 - 256, rng.bytes(256));
    let params: &[Type] = if is_store {
        &[Type::I32, op.ty]
    } else {
        &[Type::I32]
    };
    let result = (!is_store).then_some(op.ty);
    let ty = builder.ty(params, result);
    let end = 65_536 - op.len_bytes;
    let offsets = [
        0,
        1,
        op.len_bytes,
        4095,
        4096,
        end,
        end + 1,
        65_536,
        0x7fff_ffff,
        0x8000_0000,
        u32::MAX,
    ];
    for offset in offsets {
        for constant in [None, Some(rng.pick(&[0, 1, 5, end, end + 1, u32::MAX]))] {
            let mut body = Body::new(&[]);
            match constant {
                Some(address) => body.constant(Value::I32(address)),
                None => {
                    body.code().local_get(0);
                }
            }
            if is_store {
                body.code().local_get(1);
            }
            op.emit(&mut body.code(), at(offset));
            let function = builder.function(ty, body);
            let name = format!("{} {function}", op.name);
            builder.export(&name, function);
            let edge = end.wrapping_sub(offset);
            for address in [
                0,
                1,
                17,
                edge,
                edge.wrapping_add(1),
                rng.pick(INTERESTING_32),
            ] {
                let mut arguments = vec![Value::I32(address)];
                if is_store {
                    arguments.push(op.ty.random(rng));
                }
                calls.push(call(&name, arguments));
            }
        }
    }
    Case {
        wasm: builder.finish(),
        calls,
        shows_nans: false,
    }
}
