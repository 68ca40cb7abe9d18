//! Addresses behind tests: branches, minima and loops that bound an index, near where 32 bits wrap.
//!
//! Aimed at the compiler's proofs from conditions: each comparison, either operand first, of indices,
//! constants and other variables, before, around and inside of loops; what was tested is changed, or
//! another value is used. What is proven wrongly reads another byte, or traps where the interpreter
//! does not.

use super::call;
use super::loops::interesting;
use crate::builder::{Body, Builder, at};
use crate::compare::Case;
use crate::rng::Rng;
use crate::value::{Type, Value};
use wasm_encoder::BlockType;

/// One wasm page.
const PAGE: u32 = 65_536;
/// Locals: the parameters and variables, then the sum of all that was read and the rounds of loops.
const PARAMS: [Type; 2] = [Type::I32, Type::I32];
const VARIABLES: u32 = 5;
const SUM: u32 = VARIABLES;
const ROUNDS: u32 = SUM + 1;
const MAX_ROUNDS: i32 = 60;

pub(super) fn generate(seed: u64) -> Case {
    let mut rng = Rng::new("guards", seed);
    let mut builder = Builder::default();
    builder.memory(2, 2);
    builder.data(0, rng.bytes(1024));
    builder.data(PAGE - 512, rng.bytes(1024));
    builder.data(2 * PAGE - 512, rng.bytes(512));
    let ty = builder.ty(&PARAMS, Some(Type::I64));
    let mut calls = Vec::new();
    for _ in 0..4 {
        let mut locals = vec![Type::I32; VARIABLES as usize - PARAMS.len()];
        locals.extend([Type::I64, Type::I32]);
        let mut code = Code {
            body: Body::new(&locals),
            rng: &mut rng,
        };
        for _ in 0..3 {
            code.assign();
        }
        for _ in 0..4 {
            code.statement(3);
        }
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

struct Code<'a> {
    body: Body,
    rng: &'a mut Rng,
}

impl Code<'_> {
    fn statement(&mut self, depth: u32) {
        let Some(depth) = depth.checked_sub(1) else {
            return self.access();
        };
        match self.rng.below(8) {
            0 | 1 => {
                self.condition();
                self.body.code().if_(BlockType::Empty);
                self.statements(depth);
                if self.rng.chance(50) {
                    self.body.code().else_();
                    self.statements(depth);
                }
                self.body.code().end();
            }
            2 => {
                self.body.code().block(BlockType::Empty);
                self.condition();
                self.body.code().br_if(0);
                self.statements(depth);
                self.body.code().end();
            }
            3 => self.minimum(),
            4 => self.assign(),
            5 => self.repeat(depth),
            _ => self.access(),
        }
    }

    fn statements(&mut self, depth: u32) {
        for _ in 0..self.rng.between(1, 3) {
            self.statement(depth);
        }
    }

    /// A loop that goes on while a variable that moves is in some relation.
    fn repeat(&mut self, depth: u32) {
        let variable = self.variable();
        self.body
            .code()
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
        self.statements(depth);
        self.body.code().local_get(variable);
        if self.rng.chance(50) {
            let other = self.variable();
            self.body.code().local_get(other).i32_const(15).i32_and();
        } else {
            let step = self.rng.pick(&[1, 2, 8, 1000, -1, -4]);
            self.body.code().i32_const(step);
        }
        self.body.code().i32_add().local_set(variable);
        if self.rng.chance(80) {
            self.comparison(variable);
        } else {
            self.condition();
        }
        self.body.code().br_if(0).end().end();
    }

    /// Sets a variable to the smaller or greater of two numbers, or to something like it.
    fn minimum(&mut self) {
        let (left, right) = (self.variable(), self.variable());
        let bound = interesting(self.rng).cast_signed();
        let is_constant = self.rng.chance(60);
        for _ in 0..2 {
            self.body.code().local_get(left);
            if is_constant {
                self.body.code().i32_const(bound);
            } else {
                self.body.code().local_get(right);
            }
        }
        self.relation();
        self.body.code().select();
        let target = self.variable();
        self.body.code().local_set(target);
    }

    fn assign(&mut self) {
        let (from, to) = (self.variable(), self.variable());
        let constant = interesting(self.rng).cast_signed();
        let mut code = self.body.code();
        code.local_get(from);
        match self.rng.below(6) {
            0 => code.i32_const(constant).i32_add(),
            1 => code.i32_const(constant & 0xfff).i32_add(),
            2 => code.i32_const(0x1_ffff).i32_and(),
            3 => code.i32_const(16).i32_shr_u(),
            4 => code.i32_const(0x3ff).i32_and().i32_load8_u(at(0)),
            _ => code.drop().i32_const(constant),
        };
        code.local_set(to);
    }

    fn condition(&mut self) {
        let variable = self.variable();
        self.comparison(variable);
    }

    /// Leaves whether a variable is in some relation to another number.
    fn comparison(&mut self, variable: u32) {
        let is_swapped = self.rng.chance(30);
        if !is_swapped {
            self.body.code().local_get(variable);
        }
        if self.rng.chance(70) {
            let bound = interesting(self.rng).cast_signed();
            self.body.code().i32_const(bound);
        } else {
            let other = self.variable();
            self.body.code().local_get(other);
        }
        if is_swapped {
            self.body.code().local_get(variable);
        }
        self.relation();
        if self.rng.chance(20) {
            self.body.code().i32_eqz();
        }
    }

    fn relation(&mut self) {
        let mut code = self.body.code();
        match self.rng.below(10) {
            0 => code.i32_lt_u(),
            1 => code.i32_le_u(),
            2 => code.i32_gt_u(),
            3 => code.i32_ge_u(),
            4 => code.i32_lt_s(),
            5 => code.i32_le_s(),
            6 => code.i32_gt_s(),
            7 => code.i32_ge_s(),
            8 => code.i32_eq(),
            _ => code.i32_ne(),
        };
    }

    fn access(&mut self) {
        let variable = self.variable();
        let constant = if self.rng.chance(60) {
            self.rng.below(2048)
        } else {
            interesting(self.rng)
        };
        let offset = self.rng.pick(&[0, 0, 0, 1, 4096]);
        self.body.code().local_get(variable);
        let is_scaled = self.rng.chance(40);
        if is_scaled {
            self.scale();
        }
        if !is_scaled || self.rng.chance(50) {
            let constant = constant.cast_signed();
            self.body.code().i32_const(constant).i32_add();
        }
        self.body
            .code()
            .i64_load8_u(at(offset))
            .local_get(SUM)
            .i64_const(5)
            .i64_rotl()
            .i64_xor()
            .local_set(SUM);
    }

    /// Multiplies what may have few bits by a power of two; sometimes that is too much.
    fn scale(&mut self) {
        let mask = self.rng.pick(&[0x7f, 0xffff, 0x1fff_ffff, 0x3fff_ffff]);
        let by = self.rng.between(0, 5).cast_signed();
        let other = self.variable();
        let mut code = self.body.code();
        match self.rng.below(4) {
            0 => code.i32_const(mask).i32_and(),
            1 => code.i32_const(by).i32_shr_u(),
            2 => code.i32_const(16).i32_shr_u().local_get(other).i32_xor(),
            _ => code
                .i32_const(24)
                .i32_shr_u()
                .local_get(other)
                .i32_const(mask)
                .i32_and()
                .i32_or(),
        };
        let by = self.rng.between(1, 4).cast_signed();
        self.body.code().i32_const(by).i32_shl();
    }

    fn variable(&mut self) -> u32 {
        self.rng.below(VARIABLES)
    }
}
