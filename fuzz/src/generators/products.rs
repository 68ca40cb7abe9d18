//! 128-bit products from four 64-bit ones, as compilers write them for wasm, and near misses.
//!
//! Aimed at the compiler's recognition of both halves: operands in any order, constant factors,
//! squares, further addends, and products in which one half, mask or shift is another one.

use super::call;
use crate::builder::{Body, Builder};
use crate::compare::Case;
use crate::rng::Rng;
use crate::value::{Type, Value};

/// Functions of one module.
const FUNCTIONS: u32 = 6;
/// Calls of each.
const CALLS: u32 = 12;

/// Locals: two factors, then what is computed once.
const FACTORS: [u32; 2] = [0, 1];
const LOWEST: u32 = 2;
const FIRST: u32 = 3;
const SECOND: u32 = 4;
/// Of the form that carries: one of the products of unequal halves, the sum of both, the lower half.
const CROSS: u32 = 3;
const MIDDLE: u32 = 4;
const LOW: u32 = 5;

pub(super) fn generate(seed: u64) -> Case {
    let mut rng = Rng::new("products", seed);
    let mut builder = Builder::default();
    let ty = builder.ty(&[Type::I64; 2], Some(Type::I64));
    let mut calls = Vec::new();
    for _ in 0..FUNCTIONS {
        let constant = rng.chance(30).then(|| random(&mut rng));
        let mut code = Code {
            body: Body::new(&[Type::I64; 4]),
            constant,
            is_square: rng.chance(10),
            mistake: rng.chance(30).then(|| rng.between(1, 22)),
            places: 0,
            rng: &mut rng,
        };
        if code.rng.chance(50) {
            code.masked_form();
        } else {
            code.carried_form();
        }
        let function = builder.function(ty, code.body);
        let name = format!("function {function}");
        builder.export(&name, function);
        for _ in 0..CALLS {
            let arguments = [0; 2].map(|_| Value::I64(random(&mut rng)));
            calls.push(call(&name, arguments));
        }
    }
    Case {
        wasm: builder.finish(),
        calls,
        shows_nans: false,
    }
}

/// Factors whose halves are near the ends of their range.
fn random(rng: &mut Rng) -> u64 {
    let mut half = || match rng.below(4) {
        0 => rng.pick(&[0, 1, 2, u32::MAX, u32::MAX - 1, 0x8000_0000, 0x7fff_ffff]),
        _ => rng.next_u32(),
    };
    u64::from(half()) << 32 | u64::from(half())
}

struct Code<'a> {
    body: Body,
    /// The second factor, if it is known.
    constant: Option<u64>,
    is_square: bool,
    /// The place at which something is wrong.
    mistake: Option<u32>,
    /// Places so far where something could have been.
    places: u32,
    rng: &'a mut Rng,
}

impl Code<'_> {
    fn carried_form(&mut self) {
        self.product([false, false]);
        self.body.code().local_set(LOWEST);
        let cross = self.rng.chance(50);
        self.product([cross, !cross]);
        self.body.code().local_set(CROSS);
        self.sum(
            |code| {
                code.body.code().local_get(CROSS);
            },
            |code| code.product([!cross, cross]),
        );
        self.body.code().local_set(MIDDLE);
        let upper = |code: &mut Self| {
            let by = code.shift();
            code.body.code().local_get(MIDDLE).i64_const(by).i64_shl();
        };
        let lowest = |code: &mut Self| {
            code.body.code().local_get(LOWEST);
        };
        self.sum(lowest, upper);
        self.body.code().local_set(LOW);
        let parts = |code: &mut Self| {
            code.carry(MIDDLE, CROSS);
            let by = code.shift();
            code.body.code().i64_const(by).i64_shl();
            code.shifted(MIDDLE);
            code.body.code().i64_or();
        };
        match self.rng.below(4) {
            0 => drop(self.body.code().local_get(LOW)),
            1 => self.sum(
                |code| code.carry(LOW, LOWEST),
                |code| code.sum(|code| code.product([true, true]), parts),
            ),
            2 => self.sum(
                |code| code.sum(|code| code.carry(LOW, LOWEST), |code| code.factor(1)),
                |code| code.sum(parts, |code| code.product([true, true])),
            ),
            _ => {
                self.sum(parts, |code| {
                    code.sum(
                        |code| code.product([true, true]),
                        |code| code.carry(LOW, LOWEST),
                    );
                });
                self.body
                    .code()
                    .local_get(LOW)
                    .i64_const(7)
                    .i64_rotl()
                    .i64_xor();
            }
        }
    }

    /// Leaves whether a sum wrapped.
    fn carry(&mut self, sum: u32, addend: u32) {
        let (sum, addend) = if self.is_mistake() {
            (addend, sum)
        } else {
            (sum, addend)
        };
        if self.rng.chance(70) {
            self.body.code().local_get(sum).local_get(addend).i64_lt_u();
        } else {
            self.body.code().local_get(addend).local_get(sum).i64_gt_u();
        }
        self.body.code().i64_extend_i32_u();
    }

    fn masked_form(&mut self) {
        let (low, high) = (false, true);
        self.product([low, low]);
        self.body.code().local_set(LOWEST);
        let cross = if self.rng.chance(50) {
            [high, low]
        } else {
            [low, high]
        };
        self.sum(|code| code.product(cross), |code| code.shifted(LOWEST));
        self.body.code().local_set(FIRST);
        self.sum(
            |code| code.product(cross.map(|is_high| !is_high)),
            |code| code.masked(FIRST),
        );
        self.body.code().local_set(SECOND);
        match self.rng.below(4) {
            0 => self.low(),
            1 => {
                // Both halves.
                self.low();
                self.high();
                self.body.code().i64_const(7).i64_rotl().i64_xor();
            }
            _ => self.high(),
        }
    }

    fn low(&mut self) {
        let is_sum = self.rng.chance(30);
        let shifted = |code: &mut Self| {
            let by = code.shift();
            code.body.code().local_get(SECOND).i64_const(by).i64_shl();
        };
        if self.rng.chance(50) {
            shifted(self);
            self.masked(LOWEST);
        } else {
            self.masked(LOWEST);
            shifted(self);
        }
        if is_sum {
            self.body.code().i64_add();
        } else {
            self.body.code().i64_or();
        }
    }

    fn high(&mut self) {
        match self.rng.below(3) {
            0 => self.sum(
                |code| code.product([true, true]),
                |code| code.sum(|code| code.shifted(FIRST), |code| code.shifted(SECOND)),
            ),
            1 => self.sum(
                |code| code.sum(|code| code.shifted(SECOND), |code| code.shifted(FIRST)),
                |code| code.product([true, true]),
            ),
            // With something else in between.
            _ => self.sum(
                |code| code.sum(|code| code.shifted(SECOND), |code| code.factor(0)),
                |code| {
                    code.sum(
                        |code| code.product([true, true]),
                        |code| code.shifted(FIRST),
                    )
                },
            ),
        }
    }

    /// Adds in either order.
    fn sum(&mut self, one: impl FnOnce(&mut Self), other: impl FnOnce(&mut Self)) {
        if self.rng.chance(50) {
            one(self);
            other(self);
        } else {
            other(self);
            one(self);
        }
        self.body.code().i64_add();
    }

    /// Whether this place is the wrong one.
    fn is_mistake(&mut self) -> bool {
        self.places += 1;
        self.mistake == Some(self.places)
    }

    fn product(&mut self, is_high: [bool; 2]) {
        let order = if self.rng.chance(50) { [0, 1] } else { [1, 0] };
        for at in order {
            let is_high = is_high[at] != self.is_mistake();
            self.factor(at);
            if is_high {
                let by = self.shift();
                self.body.code().i64_const(by).i64_shr_u();
            } else {
                let mask = self.mask();
                self.body.code().i64_const(mask).i64_and();
            }
        }
        self.body.code().i64_mul();
    }

    fn factor(&mut self, at: usize) {
        match self.constant {
            Some(constant) if at == 1 => {
                self.body.code().i64_const(constant.cast_signed());
            }
            _ => {
                let at = if self.is_square { 0 } else { at };
                self.body.code().local_get(FACTORS[at]);
            }
        }
    }

    fn shifted(&mut self, local: u32) {
        let by = self.shift();
        self.body.code().local_get(local).i64_const(by).i64_shr_u();
    }

    fn masked(&mut self, local: u32) {
        let mask = self.mask();
        self.body.code().local_get(local).i64_const(mask).i64_and();
    }

    fn shift(&mut self) -> i64 {
        if self.is_mistake() { 31 } else { 32 }
    }

    fn mask(&mut self) -> i64 {
        if self.is_mistake() {
            0x7fff_ffff
        } else {
            0xffff_ffff
        }
    }
}
