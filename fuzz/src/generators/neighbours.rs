//! Several accesses at one sum and constants beside it, in branches and loops, where 32 bits wrap.
//!
//! Aimed at accesses that the compiler makes relative to an earlier one, at indices that it proves by the
//! accesses of every round, at counters that run from a negative number up to zero, and at comparisons of
//! masked sums of bytes.

use super::call;
use super::loops::interesting;
use super::ops;
use crate::builder::{Body, Builder, at};
use crate::compare::Case;
use crate::rng::Rng;
use crate::value::{Type, Value};
use wasm_encoder::BlockType;

/// One wasm page.
const PAGE: u32 = 65_536;
/// Locals: the parameters and variables, then the counter, the rounds, and the sum of all that was read.
const PARAMS: [Type; 2] = [Type::I32, Type::I32];
const VARIABLES: u32 = 3;
const COUNTER: u32 = VARIABLES;
const ROUNDS: u32 = COUNTER + 1;
const SUM: u32 = ROUNDS + 1;
const MAX_ROUNDS: i32 = 90;

pub(super) fn generate(seed: u64) -> Case {
    let mut rng = Rng::new("neighbours", seed);
    let mut builder = Builder::default();
    builder.memory(2, 2);
    builder.data(0, rng.bytes(1024));
    builder.data(PAGE - 512, rng.bytes(1024));
    builder.data(2 * PAGE - 512, rng.bytes(512));
    let ty = builder.ty(&PARAMS, Some(Type::I64));
    let mut calls = Vec::new();
    for _ in 0..4 {
        let mut locals = vec![Type::I32; SUM as usize - PARAMS.len()];
        locals.push(Type::I64);
        let mut code = Code {
            body: Body::new(&locals),
            bias: interesting(&mut rng).cast_signed(),
            rng: &mut rng,
        };
        code.bias_variables();
        code.group(2);
        code.statement(2);
        code.statement(2);
        let mut body = code.body;
        body.code().local_get(SUM);
        let function = builder.function(ty, body);
        let name = format!("function {function}");
        builder.export(&name, function);
        for _ in 0..10 {
            let arguments = [0; 2].map(|_| Value::I32(interesting(&mut rng)));
            calls.push(call(&name, arguments));
        }
    }
    Case {
        wasm: builder.finish(),
        calls,
        shows_nans: false,
    }
}

/// A sum of variables; with the same numbers, the same sum.
#[derive(Clone, Copy)]
struct Base {
    variable: u32,
    other: Option<u32>,
    shift: i32,
}

struct Code<'a> {
    body: Body,
    /// What variables are often below what they would be as indices.
    bias: i32,
    rng: &'a mut Rng,
}

impl Code<'_> {
    /// Makes variables small numbers less the bias, or leaves them as they are.
    fn bias_variables(&mut self) {
        for variable in 0..VARIABLES {
            if self.rng.chance(8) {
                continue;
            }
            let param = self.rng.below(2);
            let mask = self.rng.pick(&[7, 0x3ff, 0x3ff, 0x3ff, 0xffff]);
            let mut code = self.body.code();
            code.local_get(param).i32_const(mask).i32_and();
            code.i32_const(self.bias).i32_sub().local_set(variable);
        }
    }

    fn statement(&mut self, depth: u32) {
        let Some(depth) = depth.checked_sub(1) else {
            return self.group(0);
        };
        match self.rng.below(8) {
            0 => self.assign(),
            1 => {
                self.test();
                self.body.code().if_(BlockType::Empty);
                self.statement(depth);
                self.body.code().else_();
                self.statement(depth);
                self.body.code().end();
            }
            2..=5 => self.repeat(depth),
            _ => self.group(depth),
        }
    }

    /// A loop whose counter often starts at a negative constant and ends at zero.
    fn repeat(&mut self, depth: u32) {
        let step = if self.rng.chance(85) {
            self.rng.pick(&[1, 1, 2, 4, 8, 3, 12])
        } else {
            self.rng.pick(&[0x1000, 0x1_0000, 0x1_0004, -1])
        };
        let rounds = self.rng.between(1, 80).cast_signed();
        let start = match self.rng.below(8) {
            0..=3 => rounds.wrapping_mul(step).wrapping_neg(),
            4 | 5 => 0,
            6 => interesting(self.rng).cast_signed(),
            _ => self
                .rng
                .pick(&[i32::MIN, 0x4000_0000, 0x4000_0002, 0x2000_0000, 1, 8]),
        };
        if self.rng.chance(90) {
            self.body.code().i32_const(start);
        } else {
            self.body.code().local_get(0);
        }
        self.body
            .code()
            .local_set(COUNTER)
            .block(BlockType::Empty)
            .loop_(BlockType::Empty)
            .local_get(ROUNDS)
            .i32_const(MAX_ROUNDS)
            .i32_ge_u()
            .br_if(1)
            .local_get(ROUNDS)
            .i32_const(1)
            .i32_add()
            .local_set(ROUNDS);
        let near = self
            .rng
            .pick(&[0, 0x100, 0x400, PAGE.cast_signed(), 0x1_ff00]);
        if self.rng.chance(15) {
            // What is only accessed from some round on, in which the sum has wrapped.
            let from = self.rng.between(1, 40).cast_signed().wrapping_mul(step);
            let mut code = self.body.code();
            code.local_get(COUNTER).i32_const(start).i32_sub();
            code.i32_const(from).i32_ge_u().if_(BlockType::Empty);
            let constant = near.wrapping_sub(start).wrapping_sub(from);
            self.access(Base::of(COUNTER), constant);
            self.body.code().end();
        }
        for _ in 0..self.rng.between(0, 3) {
            let is_conditional = self.rng.chance(25);
            if is_conditional {
                self.test();
                self.body.code().if_(BlockType::Empty);
            }
            if self.rng.chance(70) {
                let shift = self.rng.pick(&[0, 0, 0, 1, 2, 3]);
                let base = Base {
                    shift,
                    ..Base::of(COUNTER)
                };
                self.accesses(base, near.wrapping_sub(start << shift));
            } else {
                let variable = self.rng.below(VARIABLES);
                let base = Base {
                    other: Some(variable),
                    ..Base::of(COUNTER)
                };
                let near = self.bias.wrapping_add(self.rng.pick(&[0, near]));
                self.accesses(base, near);
            }
            if is_conditional {
                self.body.code().end();
            }
        }
        if depth > 0 && self.rng.chance(20) {
            self.statement(depth);
        }
        let ahead = if self.rng.chance(10) { step * 2 } else { step };
        match self.rng.below(6) {
            0 => self.end_by_carry(step),
            1 => {
                self.count(step);
                let bound = interesting(self.rng).cast_signed();
                self.body
                    .code()
                    .local_get(COUNTER)
                    .i32_const(bound)
                    .i32_lt_u();
            }
            2 => {
                self.body
                    .code()
                    .local_get(COUNTER)
                    .i32_const(step.wrapping_neg())
                    .i32_ne();
                self.count(ahead);
            }
            3 => {
                self.count(step);
                let bound = start.wrapping_add(step.wrapping_mul(rounds));
                self.body
                    .code()
                    .local_get(COUNTER)
                    .i32_const(bound)
                    .i32_ne();
            }
            _ => {
                self.count(ahead);
                self.body.code().local_get(COUNTER);
            }
        }
        self.body.code().br_if(0).end().end();
    }

    fn count(&mut self, step: i32) {
        self.body
            .code()
            .local_get(COUNTER)
            .i32_const(step)
            .i32_add()
            .local_set(COUNTER);
    }

    /// Counts, and leaves whether the next number is not below this one, or not above.
    fn end_by_carry(&mut self, step: i32) {
        let is_swapped = self.rng.chance(50);
        let mut code = self.body.code();
        if is_swapped {
            code.local_get(COUNTER);
        }
        code.local_get(COUNTER).i32_const(step).i32_add();
        if !is_swapped {
            code.local_get(COUNTER);
        }
        match (is_swapped, self.rng.chance(80)) {
            (false, true) => code.i32_gt_u(),
            (false, false) => code.i32_ge_u(),
            (true, true) => code.i32_lt_u(),
            (true, false) => code.i32_le_u(),
        };
        self.count(step);
    }

    fn assign(&mut self) {
        let (from, to) = (self.rng.below(VARIABLES), self.rng.below(VARIABLES));
        let constant = self.constant();
        let mut code = self.body.code();
        code.local_get(from).i32_const(constant).i32_add();
        code.local_set(to);
    }

    /// Leaves a condition: often whether a byte is in a range, as C compares bytes.
    fn test(&mut self) {
        let variable = self.rng.below(VARIABLES);
        let mask = self.rng.pick(&[0xff, 0xff, 0xffff, 0x7f, 0x1ff, 0xfe, -1]);
        let added = self.rng.between(0, 600).cast_signed() - 400;
        let bound = if self.rng.chance(40) {
            // Where a difference below zero would be.
            added + mask + self.rng.between(0, 2).cast_signed()
        } else {
            self.rng
                .pick(&[0, 1, 10, 26, 128, 255, 256, 300, 0xfff0, -1])
        };
        let is_byte = self.rng.chance(80);
        let mut code = self.body.code();
        code.local_get(variable);
        if is_byte {
            code.i32_const(0x3ff).i32_and().i32_load8_u(at(0));
        }
        code.i32_const(added).i32_add().i32_const(mask).i32_and();
        code.i32_const(bound);
        match self.rng.below(8) {
            0 => code.i32_lt_u(),
            1 => code.i32_le_u(),
            2 => code.i32_gt_u(),
            3 => code.i32_ge_u(),
            4 => code.i32_eq(),
            5 => code.i32_lt_s(),
            6 => code.i32_gt_s(),
            _ => code.i32_ne(),
        };
    }

    /// Accesses at one base, some of them in branches.
    fn group(&mut self, depth: u32) {
        let variable = self.rng.below(VARIABLES);
        let mut base = Base::of(variable);
        if self.rng.chance(20) {
            base.other = Some(self.rng.below(VARIABLES));
        }
        if self.rng.chance(15) {
            base.shift = self.rng.pick(&[1, 2, 3, 31]);
        }
        let near = match self.rng.below(5) {
            0 if self.rng.chance(25) => self.constant(),
            _ if self.rng.chance(15) => self.bias,
            _ => self
                .bias
                .wrapping_add(self.rng.between(100, 500).cast_signed()),
        };
        for _ in 0..=depth {
            let is_conditional = self.rng.chance(40);
            if is_conditional {
                self.test();
                self.body.code().if_(BlockType::Empty);
            }
            self.accesses(base, near);
            if is_conditional {
                self.body.code().end();
            }
        }
    }

    fn accesses(&mut self, base: Base, near: i32) {
        for _ in 0..self.rng.between(1, 3) {
            let beside = if self.rng.chance(94) {
                self.rng.pick(&[0, 1, 4, -1, -4, 8, 12, 100, -100])
            } else {
                self.rng
                    .pick(&[0xffff, -0xffff, 0x1_0000, -0x1_0000, 0x1_0001])
            };
            self.access(base, near.wrapping_add(beside));
        }
    }

    fn constant(&mut self) -> i32 {
        match self.rng.below(4) {
            0 => 0,
            1 => self.rng.below(2048).cast_signed(),
            2 => -self.rng.below(300).cast_signed(),
            _ => interesting(self.rng).cast_signed(),
        }
    }

    fn access(&mut self, base: Base, constant: i32) {
        let offset = if self.rng.chance(93) {
            self.rng.pick(&[0, 0, 0, 1, 4, 100])
        } else {
            self.rng.pick(&[0x7fff, 0xffff, 0x1_0000, 0x7fff_ffff])
        };
        let mut code = self.body.code();
        code.local_get(base.variable);
        if base.shift != 0 {
            code.i32_const(base.shift).i32_shl();
        }
        if let Some(other) = base.other {
            code.local_get(other).i32_add();
        }
        if constant != 0 {
            code.i32_const(constant).i32_add();
        }
        ops::access(&mut self.body, self.rng, at(offset), 35, SUM);
    }
}

impl Base {
    fn of(variable: u32) -> Self {
        Self {
            variable,
            other: None,
            shift: 0,
        }
    }
}
