//! Counted loops whose counters become addresses, near the places where 32 bits wrap.
//!
//! Aimed at the compiler's proofs that an index does not wrap: every kind of start, step, bound,
//! condition and place of the test, nested, with steps that are sometimes skipped. What is proven
//! wrongly reads another byte, or traps where the interpreter does not.

use super::call;
use super::ops;
use crate::builder::{Body, Builder, at};
use crate::compare::Case;
use crate::rng::Rng;
use crate::value::{INTERESTING_32, Type, Value};
use wasm_encoder::BlockType;

/// One wasm page.
const PAGE: u32 = 65_536;
/// Rounds of all loops in one call.
const FUEL: i32 = 2_000;

/// Locals: two parameters, a value to store, counters by depth, a second variable of each loop, and
/// a sum of everything that was read.
const PARAMS: [Type; 2] = [Type::I32, Type::I32];
const COUNTERS: u32 = 2;
const MAX_DEPTH: u32 = 3;
const FOLLOWERS: u32 = COUNTERS + MAX_DEPTH;
const SUM: u32 = FOLLOWERS + MAX_DEPTH;

pub(super) fn generate(seed: u64) -> Case {
    let mut rng = Rng::new("loops", seed);
    let mut builder = Builder::default();
    builder.memory(2, 2);
    builder.data(0, rng.bytes(1024));
    builder.data(PAGE - 512, rng.bytes(1024));
    builder.data(2 * PAGE - 512, rng.bytes(512));
    let fuel = builder.global(Value::I32(0));
    let ty = builder.ty(&PARAMS, Some(Type::I64));
    let mut calls = Vec::new();
    for _ in 0..3 {
        let mut locals = vec![Type::I32; (2 * MAX_DEPTH) as usize];
        locals.push(Type::I64);
        let mut code = Code {
            body: Body::new(&locals),
            rng: &mut rng,
            fuel,
        };
        code.body.code().i32_const(FUEL).global_set(fuel);
        code.count(0);
        let mut body = code.body;
        body.code().local_get(SUM);
        let function = builder.function(ty, body);
        let name = format!("function {function}");
        builder.export(&name, function);
        for _ in 0..8 {
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

/// Numbers around which indices wrap, or memory ends.
pub(super) fn interesting(rng: &mut Rng) -> u32 {
    let near = match rng.below(5) {
        0 => rng.pick(INTERESTING_32),
        1 => rng.pick(&[0, PAGE, 2 * PAGE, 0x8000_0000, 0x4000_0000]),
        _ => 0,
    };
    near.wrapping_add(rng.below(80)).wrapping_sub(rng.below(80))
}

struct Code<'a> {
    body: Body,
    rng: &'a mut Rng,
    fuel: u32,
}

impl Code<'_> {
    /// A loop, with further loops inside.
    fn count(&mut self, depth: u32) {
        let (counter, follower) = (COUNTERS + depth, FOLLOWERS + depth);
        self.start(depth);
        self.body.code().local_set(counter);
        self.start(depth);
        self.body.code().local_set(follower);
        let step = self
            .rng
            .pick(&[1, -1, 1, -1, 2, -2, 3, 4, -4, 7, 8, -8, 16]);
        let steps_first = self.rng.chance(50);
        let tests_first = self.rng.chance(30);
        self.body
            .code()
            .block(BlockType::Empty)
            .loop_(BlockType::Empty)
            .global_get(self.fuel)
            .i32_eqz()
            .br_if(1)
            .global_get(self.fuel)
            .i32_const(1)
            .i32_sub()
            .global_set(self.fuel);
        if tests_first {
            self.condition(depth, counter);
            self.body.code().i32_eqz().br_if(1);
        }
        if steps_first {
            self.step(counter, step);
        }
        for _ in 0..self.rng.between(1, 3) {
            self.access(depth);
        }
        if depth + 1 < MAX_DEPTH && self.rng.chance(45) {
            self.count(depth + 1);
        }
        let follow = self.rng.pick(&[0, 1, 2, 3, 4, -1, -2, 8, 24, 640]);
        self.step(follower, follow);
        if self.rng.chance(25) {
            // Some rounds move further.
            self.body
                .code()
                .local_get(SUM)
                .i32_wrap_i64()
                .i32_const(1)
                .i32_and()
                .if_(BlockType::Empty);
            let (variable, by) = if self.rng.chance(50) {
                (counter, step)
            } else {
                (follower, follow)
            };
            self.step(variable, by);
            self.body.code().end();
        }
        if tests_first {
            if !steps_first {
                self.step(counter, step);
            }
            self.body.code().br(0);
        } else {
            // The present or the next value is tested.
            let is_late = self.rng.chance(50);
            if !steps_first && is_late {
                self.step(counter, step);
            }
            self.condition(depth, counter);
            if !steps_first && !is_late {
                self.step(counter, step);
            }
            self.body.code().br_if(0);
        }
        self.body.code().end().end();
    }

    fn step(&mut self, variable: u32, by: i32) {
        self.body.code().local_get(variable);
        if self.rng.chance(20) {
            self.body.code().i32_const(by.wrapping_neg()).i32_sub();
        } else {
            self.body.code().i32_const(by).i32_add();
        }
        self.body.code().local_set(variable);
    }

    /// Leaves what a variable starts with.
    fn start(&mut self, depth: u32) {
        let constant = interesting(self.rng).cast_signed();
        match self.rng.below(6) {
            0..=2 => drop(self.body.code().i32_const(constant)),
            3 => self.param(),
            4 if depth > 0 => {
                self.body
                    .code()
                    .local_get(COUNTERS + depth - 1)
                    .i32_const(constant)
                    .i32_add();
            }
            _ => drop(self.body.code().i32_const(0)),
        }
    }

    fn param(&mut self) {
        let param = self.rng.below(2);
        self.body.code().local_get(param);
        if self.rng.chance(60) {
            let mask = self.rng.pick(&[1, 7, 31, 63, 255, 0xff00]);
            self.body.code().i32_const(mask).i32_and();
        }
    }

    /// Leaves whether a loop goes on.
    fn condition(&mut self, depth: u32, counter: u32) {
        let is_swapped = self.rng.chance(30);
        if !is_swapped {
            self.body.code().local_get(counter);
        }
        let bound = interesting(self.rng).cast_signed();
        match self.rng.below(6) {
            0 => self.param(),
            1 if depth > 0 => drop(self.body.code().local_get(COUNTERS + depth - 1)),
            2 => drop(self.body.code().local_get(FOLLOWERS + depth)),
            3 => drop(self.body.code().i32_const(bound & 0xff)),
            _ => drop(self.body.code().i32_const(bound)),
        }
        if is_swapped {
            self.body.code().local_get(counter);
        }
        match self.rng.below(12) {
            0..=2 => self.body.code().i32_ne(),
            3 => self.body.code().i32_lt_u(),
            4 => self.body.code().i32_lt_s(),
            5 => self.body.code().i32_le_u(),
            6 => self.body.code().i32_le_s(),
            7 => self.body.code().i32_gt_u(),
            8 => self.body.code().i32_gt_s(),
            9 => self.body.code().i32_ge_u(),
            10 => self.body.code().i32_ge_s(),
            _ => self.body.code().i32_sub(),
        };
        if self.rng.chance(15) {
            self.body.code().i32_eqz().i32_eqz();
        }
    }

    /// Reads or writes at a sum of variables and constants.
    fn access(&mut self, depth: u32) {
        let offset = if self.rng.chance(90) {
            self.rng.pick(&[0, 0, 0, 1, 64, 4096])
        } else {
            self.rng
                .pick(&[PAGE - 8, 0x7fff, 0x8000, 0x7fff_ffff, u32::MAX])
        };
        self.address(depth, 3);
        ops::access(&mut self.body, self.rng, at(offset), 25, SUM);
    }

    fn address(&mut self, depth: u32, budget: u32) {
        let leaf = budget == 0 || self.rng.chance(25);
        if leaf {
            let variable = self.rng.below(depth + 1);
            let group = self.rng.pick(&[COUNTERS, COUNTERS, FOLLOWERS]);
            self.body.code().local_get(group + variable);
            return;
        }
        let constant = if self.rng.chance(50) {
            self.rng.below(2048)
        } else {
            interesting(self.rng)
        };
        let constant = constant.cast_signed();
        let small = self.rng.below(4).cast_signed();
        match self.rng.below(8) {
            0 => {
                self.address(depth, budget - 1);
                self.body.code().i32_const(small).i32_shl();
            }
            1 => {
                self.address(depth, budget - 1);
                let mask = self.rng.pick(&[0xff, 0xfff8, 0x1_ffff, 0x7f]);
                self.body.code().i32_const(mask).i32_and();
            }
            2 | 3 => {
                self.address(depth, budget - 1);
                self.address(depth, budget - 1);
                self.body.code().i32_add();
            }
            4 => {
                self.address(depth, budget - 1);
                self.body.code().i32_const(constant).i32_sub();
            }
            5 => self.param(),
            _ => {
                self.address(depth, budget - 1);
                self.body.code().i32_const(constant).i32_add();
            }
        }
    }
}
