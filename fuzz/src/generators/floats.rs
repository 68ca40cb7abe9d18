//! Floats that are NaN half of the time, on their way through arithmetic, merges and memory.
//!
//! Aimed at canonical NaNs: every result of arithmetic may wait until its bits are seen, values whose
//! bits must stay meet such results in `select`s, blocks, loops and locals, and what was stored shows
//! which was which.

use super::call;
use crate::builder::{Body, Builder, at};
use crate::compare::Case;
use crate::rng::Rng;
use crate::value::{Type, Value};
use wasm_encoder::{BlockType, ValType};

/// Parameters: two of each type of float, and a number of rounds.
const PARAMS: [Type; 5] = [Type::F64, Type::F64, Type::F32, Type::F32, Type::I32];
const ROUNDS: u32 = 4;
/// Locals: the parameters again, two more of each, and a counter for each depth of loops.
const LOCALS: [Type; 7] = [
    Type::F64,
    Type::F64,
    Type::F32,
    Type::F32,
    Type::I32,
    Type::I32,
    Type::I32,
];
const F64_LOCALS: [u32; 4] = [0, 1, 5, 6];
const F32_LOCALS: [u32; 4] = [2, 3, 7, 8];
const COUNTERS: u32 = 9;
const MAX_LOOPS: u32 = 3;
/// Bytes of memory that are used.
const PLACES: u32 = 256;

/// NaNs of every kind as often as other floats.
const F64_BITS: [u64; 12] = [
    0x7ff8_0000_0000_0000,
    0xfff8_0000_0000_0000,
    0x7ff8_0000_0000_0001,
    0xffff_ffff_ffff_ffff,
    0x7ff0_0000_0000_0001,
    0xfff4_0000_0000_0000,
    0x7ff0_0000_0000_0000,
    0xfff0_0000_0000_0000,
    0,
    0x8000_0000_0000_0000,
    0x3ff0_0000_0000_0000,
    0xc045_0000_0000_0000,
];
const F32_BITS: [u32; 12] = [
    0x7fc0_0000,
    0xffc0_0000,
    0x7fc0_0001,
    0xffff_ffff,
    0x7f80_0001,
    0xffa0_0000,
    0x7f80_0000,
    0xff80_0000,
    0,
    0x8000_0000,
    0x3f80_0000,
    0xc228_0000,
];

pub(super) fn generate(seed: u64) -> Case {
    let mut rng = Rng::new("floats", seed);
    let mut builder = Builder::default();
    builder.memory(1, 1);
    let bytes: Vec<u8> = (0..PLACES / 8)
        .flat_map(|_| rng.pick(&F64_BITS).to_le_bytes())
        .collect();
    builder.data(0, bytes);
    let globals = [
        builder.global(Value::F64(rng.pick(&F64_BITS))),
        builder.global(Value::F32(rng.pick(&F32_BITS))),
    ];
    let mut calls = Vec::new();
    let mut callee = None;
    for _ in 0..3 {
        let result = if rng.chance(50) { Type::F64 } else { Type::F32 };
        let ty = builder.ty(&PARAMS, Some(result));
        let mut code = Code {
            body: Body::new(&LOCALS),
            rng: &mut rng,
            globals,
            callee,
            loops: 0,
        };
        code.statements(3);
        code.value(result, 3);
        let function = builder.function(ty, code.body);
        callee = Some((function, result));
        let name = format!("function {function}");
        builder.export(&name, function);
        for _ in 0..8 {
            let [a, b] = [0; 2].map(|_| Value::F64(rng.pick(&F64_BITS)));
            let [c, d] = [0; 2].map(|_| Value::F32(rng.pick(&F32_BITS)));
            calls.push(call(&name, [a, b, c, d, Value::I32(rng.below(5))]));
        }
    }
    Case {
        wasm: builder.finish(),
        calls,
        shows_nans: true,
    }
}

struct Code<'a> {
    body: Body,
    rng: &'a mut Rng,
    globals: [u32; 2],
    /// A function that may be called, and its result.
    callee: Option<(u32, Type)>,
    loops: u32,
}

impl Code<'_> {
    fn float(&mut self) -> Type {
        self.rng.pick(&[Type::F64, Type::F64, Type::F32])
    }

    fn local(&mut self, ty: Type) -> u32 {
        match ty {
            Type::F64 => self.rng.pick(&F64_LOCALS),
            _ => self.rng.pick(&F32_LOCALS),
        }
    }

    fn place(&mut self) -> u32 {
        8 * self.rng.below(PLACES / 8)
    }

    fn statements(&mut self, depth: u32) {
        for _ in 0..self.rng.between(1, 4) {
            self.statement(depth);
        }
    }

    fn statement(&mut self, depth: u32) {
        let ty = self.float();
        match self.rng.below(if depth == 0 { 6 } else { 9 }) {
            0..=3 => {
                self.value(ty, depth);
                let local = self.local(ty);
                self.body.code().local_set(local);
            }
            4 => {
                let place = self.place();
                self.body.code().i32_const(0);
                self.value(ty, depth);
                match ty {
                    Type::F64 => self.body.code().f64_store(at(place)),
                    _ => self.body.code().f32_store(at(place)),
                };
            }
            5 => {
                self.value(ty, depth);
                let [wide, narrow] = self.globals;
                let global = if ty == Type::F64 { wide } else { narrow };
                self.body.code().global_set(global);
            }
            6 => {
                self.condition(depth - 1);
                self.body.code().if_(BlockType::Empty);
                self.statements(depth - 1);
                if self.rng.chance(60) {
                    self.body.code().else_();
                    self.statements(depth - 1);
                }
                self.body.code().end();
            }
            7 if self.loops < MAX_LOOPS => {
                let counter = COUNTERS + self.loops;
                self.loops += 1;
                self.body
                    .code()
                    .local_get(ROUNDS)
                    .local_set(counter)
                    .loop_(BlockType::Empty);
                self.statements(depth - 1);
                self.body
                    .code()
                    .local_get(counter)
                    .i32_const(1)
                    .i32_sub()
                    .local_tee(counter)
                    .i32_const(0)
                    .i32_gt_s()
                    .br_if(0)
                    .end();
                self.loops -= 1;
            }
            _ => {
                self.body.code().block(BlockType::Empty);
                self.statements(depth - 1);
                self.condition(depth - 1);
                self.body.code().br_if(0);
                self.statements(depth - 1);
                self.body.code().end();
            }
        }
    }

    /// Leaves a number that depends on floats, but not on the bits of NaNs.
    fn condition(&mut self, depth: u32) {
        let ty = self.float();
        self.value(ty, depth);
        self.value(ty, depth);
        let code = &mut self.body.code();
        match (ty, self.rng.below(4)) {
            (Type::F64, 0) => code.f64_eq(),
            (Type::F64, 1) => code.f64_lt(),
            (Type::F64, 2) => code.f64_ne(),
            (Type::F64, _) => code.f64_ge(),
            (_, 0) => code.f32_eq(),
            (_, 1) => code.f32_lt(),
            (_, 2) => code.f32_ne(),
            (_, _) => code.f32_ge(),
        };
    }

    fn value(&mut self, ty: Type, depth: u32) {
        if depth == 0 || self.rng.chance(25) {
            return self.leaf(ty);
        }
        let depth = depth - 1;
        let other = if ty == Type::F64 {
            Type::F32
        } else {
            Type::F64
        };
        match self.rng.below(12) {
            0..=4 => {
                self.value(ty, depth);
                self.value(ty, depth);
                self.binary(ty);
            }
            5 | 6 => {
                self.value(ty, depth);
                self.unary(ty);
            }
            7 | 8 => {
                self.value(ty, depth);
                self.value(ty, depth);
                self.condition(depth);
                self.body.code().select();
            }
            9 => {
                self.value(other, depth);
                match ty {
                    Type::F64 => self.body.code().f64_promote_f32(),
                    _ => self.body.code().f32_demote_f64(),
                };
            }
            10 => {
                self.condition(depth);
                let result = BlockType::Result(ValType::from(ty));
                self.body.code().if_(result);
                self.value(ty, depth);
                self.body.code().else_();
                self.value(ty, depth);
                self.body.code().end();
            }
            _ => self.called(ty, depth),
        }
    }

    fn leaf(&mut self, ty: Type) {
        match self.rng.below(6) {
            0 => {
                let value = match ty {
                    Type::F64 => Value::F64(self.rng.pick(&F64_BITS)),
                    _ => Value::F32(self.rng.pick(&F32_BITS)),
                };
                self.body.constant(value);
            }
            1 => {
                let place = self.place();
                self.body.code().i32_const(0);
                match ty {
                    Type::F64 => self.body.code().f64_load(at(place)),
                    _ => self.body.code().f32_load(at(place)),
                };
            }
            2 => {
                self.body.code().local_get(ROUNDS);
                match ty {
                    Type::F64 => self.body.code().f64_convert_i32_s(),
                    _ => self.body.code().f32_convert_i32_u(),
                };
            }
            _ => {
                let local = self.local(ty);
                self.body.code().local_get(local);
            }
        }
    }

    /// The result of another function, if there is one of this type.
    fn called(&mut self, ty: Type, depth: u32) {
        match self.callee {
            // Not from loops, which call others that loop.
            Some((callee, result)) if result == ty && self.loops == 0 => {
                for param in PARAMS {
                    match param {
                        Type::I32 => drop(self.body.code().local_get(ROUNDS)),
                        float => self.value(float, depth.min(1)),
                    }
                }
                self.body.code().call(callee);
            }
            _ => self.leaf(ty),
        }
    }

    fn binary(&mut self, ty: Type) {
        let code = &mut self.body.code();
        match (ty, self.rng.below(7)) {
            (Type::F64, 0) => code.f64_add(),
            (Type::F64, 1) => code.f64_sub(),
            (Type::F64, 2) => code.f64_mul(),
            (Type::F64, 3) => code.f64_div(),
            (Type::F64, 4) => code.f64_min(),
            (Type::F64, 5) => code.f64_max(),
            (Type::F64, _) => code.f64_copysign(),
            (_, 0) => code.f32_add(),
            (_, 1) => code.f32_sub(),
            (_, 2) => code.f32_mul(),
            (_, 3) => code.f32_div(),
            (_, 4) => code.f32_min(),
            (_, 5) => code.f32_max(),
            (_, _) => code.f32_copysign(),
        };
    }

    fn unary(&mut self, ty: Type) {
        let code = &mut self.body.code();
        match (ty, self.rng.below(7)) {
            (Type::F64, 0) => code.f64_neg(),
            (Type::F64, 1) => code.f64_abs(),
            (Type::F64, 2) => code.f64_sqrt(),
            (Type::F64, 3) => code.f64_ceil(),
            (Type::F64, 4) => code.f64_floor(),
            (Type::F64, 5) => code.f64_trunc(),
            (Type::F64, _) => code.f64_nearest(),
            (_, 0) => code.f32_neg(),
            (_, 1) => code.f32_abs(),
            (_, 2) => code.f32_sqrt(),
            (_, 3) => code.f32_ceil(),
            (_, 4) => code.f32_floor(),
            (_, 5) => code.f32_trunc(),
            (_, _) => code.f32_nearest(),
        };
    }
}
