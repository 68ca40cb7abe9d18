//! Calls: many parameters of mixed types (more than there are registers), indirect calls through a
//! table that holds imported and defined functions, and index spaces in which both are mixed.

use super::call;
use crate::builder::{Body, Builder, at};
use crate::compare::Case;
use crate::rng::Rng;
use crate::value::{Type, Value};

/// How many functions are entered before a module gives up: fewer than fit on any engine's stack.
const FUEL: u32 = 400;

/// Entries of the table; the last are not set.
const TABLE_LEN: u32 = 16;

/// A function that can be called: its index and signature.
#[derive(Clone, Debug)]
struct Callee {
    index: u32,
    params: Vec<Type>,
    result: Option<Type>,
}

pub(super) fn generate(seed: u64) -> Case {
    let mut rng = Rng::new("calls", seed);
    let rng = &mut rng;
    let mut builder = Builder::default();

    // Few signatures, so that indirect calls often meet the right one; some are there twice.
    let signatures: Vec<(Vec<Type>, Option<Type>)> = (0..rng.between(2, 5))
        .map(|_| {
            let len = rng.pick(&[0, 1, 3, 6, 7, 9, 14, 20, 30]);
            let params = (0..len).map(|_| rng.pick(&Type::ALL)).collect();
            (params, rng.chance(80).then(|| rng.pick(&Type::ALL)))
        })
        .collect();
    let mut types = Vec::new();
    for (params, result) in &signatures {
        types.push((
            builder.repeat_type(params, *result),
            params.clone(),
            *result,
        ));
        if rng.chance(40) {
            types.push((
                builder.repeat_type(params, *result),
                params.clone(),
                *result,
            ));
        }
    }
    let pick_type = |rng: &mut Rng| types[rng.below(types.len() as u32) as usize].clone();

    let mut callees = Vec::new();
    for at in 0..rng.below(5) {
        let (ty, params, result) = pick_type(rng);
        let prefix = if rng.chance(25) { "grow" } else { "f" };
        let index = builder.import_function(&format!("{prefix}{at}"), ty);
        callees.push(Callee {
            index,
            params,
            result,
        });
        if rng.chance(30) {
            builder.import_global(&format!("g{at}"), rng.pick(&Type::ALL), rng.chance(50));
        }
    }
    if rng.chance(30) {
        builder.import_table("table", TABLE_LEN);
    } else {
        builder.table(TABLE_LEN);
    }
    if rng.chance(30) {
        builder.import_memory("memory", 1, 4);
    } else {
        builder.memory(1, 4);
    }
    let fuel = builder.global(Value::I32(FUEL));
    let sum = builder.global(Value::I64(0));

    let defined = rng.between(3, 8);
    for _ in 0..defined {
        let (ty, params, result) = pick_type(rng);
        callees.push(Callee {
            index: builder.next_function(),
            params,
            result,
        });
        let me = callees.last().expect("pushed a line above").clone();
        let body = body(&me, &callees, &types, fuel, sum, rng);
        builder.function(ty, body);
    }
    let mut elements: Vec<_> = callees.iter().map(|callee| callee.index).collect();
    elements.truncate(TABLE_LEN as usize - 2);
    builder.elements(&elements);

    let mut calls = Vec::new();
    for callee in &callees {
        let name = format!("function {}", callee.index);
        builder.export(&name, callee.index);
        for _ in 0..6 {
            let arguments: Vec<_> = callee.params.iter().map(|ty| ty.random(rng)).collect();
            calls.push(call(&name, arguments));
        }
    }
    Case {
        wasm: builder.finish(),
        calls,
        shows_nans: false,
    }
}

fn body(
    me: &Callee,
    callees: &[Callee],
    types: &[(u32, Vec<Type>, Option<Type>)],
    fuel: u32,
    sum: u32,
    rng: &mut Rng,
) -> Body {
    let base = me.params.len() as u32;
    // One local of each type, for results of calls.
    let mut body = Body::new(&Type::ALL);
    let local_of = |ty: Type| base + Type::ALL.iter().position(|t| *t == ty).expect("all") as u32;

    body.code().global_get(fuel).i32_eqz();
    body.code()
        .if_(wasm_encoder::BlockType::Empty)
        .unreachable()
        .end();
    body.code()
        .global_get(fuel)
        .i32_const(1)
        .i32_sub()
        .global_set(fuel);
    for (index, ty) in me.params.iter().enumerate() {
        body.code().local_get(index as u32);
        mix_in(&mut body, *ty, sum);
        if rng.chance(25) {
            store(&mut body, index as u32, *ty, rng.below(4000));
        }
    }
    for _ in 0..rng.between(1, 3) {
        let indirect = rng.chance(50);
        let (ty, params, result) = if indirect {
            types[rng.below(types.len() as u32) as usize].clone()
        } else {
            // A function may call itself too: the fuel ends that.
            let callee = &callees[rng.below(callees.len() as u32) as usize];
            (callee.index, callee.params.clone(), callee.result)
        };
        for param in &params {
            argument(&mut body, me, *param, local_of(*param), rng);
        }
        if indirect {
            if rng.chance(50) {
                body.code()
                    .i32_const(rng.below(TABLE_LEN + 1).cast_signed());
            } else {
                body.code().global_get(sum).i32_wrap_i64();
                body.code()
                    .i32_const((TABLE_LEN - 1).cast_signed())
                    .i32_and();
            }
            body.code().call_indirect(0, ty);
        } else {
            body.code().call(ty);
        }
        if let Some(result) = result {
            body.code().local_tee(local_of(result));
            mix_in(&mut body, result, sum);
        }
    }
    if let Some(result) = me.result {
        if rng.chance(50) {
            body.code().local_get(local_of(result));
        } else {
            from_sum(&mut body, result, sum);
        }
    }
    body
}

/// Pushes an argument: one of our own parameters, a result, or a constant.
fn argument(body: &mut Body, me: &Callee, ty: Type, local: u32, rng: &mut Rng) {
    let mine: Vec<_> = (0u32..)
        .zip(&me.params)
        .filter(|(_, p)| **p == ty)
        .collect();
    match rng.below(3) {
        0 if !mine.is_empty() => {
            body.code()
                .local_get(mine[rng.below(mine.len() as u32) as usize].0);
        }
        1 => {
            body.code().local_get(local);
        }
        _ => body.constant(ty.random(rng)),
    }
}

/// Takes a value from the stack into the sum, all its bits and its place in the order.
fn mix_in(body: &mut Body, ty: Type, sum: u32) {
    let mut code = body.code();
    match ty {
        Type::I32 => code.i64_extend_i32_u(),
        Type::I64 => &mut code,
        Type::F32 => code.i32_reinterpret_f32().i64_extend_i32_u(),
        Type::F64 => code.i64_reinterpret_f64(),
    };
    code.global_get(sum).i64_const(9).i64_rotl().i64_xor();
    code.i64_const(0x0100_0000_01b3).i64_mul().global_set(sum);
}

/// Pushes a value made from the sum; as a float it is never NaN.
fn from_sum(body: &mut Body, ty: Type, sum: u32) {
    let mut code = body.code();
    code.global_get(sum);
    match ty {
        Type::I32 => code.i32_wrap_i64(),
        Type::I64 => &mut code,
        Type::F32 => code.f32_convert_i64_s(),
        Type::F64 => code.f64_convert_i64_u(),
    };
}

fn store(body: &mut Body, local: u32, ty: Type, address: u32) {
    let mut code = body.code();
    code.i32_const(address.cast_signed()).local_get(local);
    match ty {
        Type::I32 => code.i32_store(at(3)),
        Type::I64 => code.i64_store(at(5)),
        Type::F32 => code.f32_store(at(0)),
        Type::F64 => code.f64_store(at(1)),
    };
}
