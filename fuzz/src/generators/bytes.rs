//! Bytes that are shifted, masked and put together again: reversals as compilers write them, near
//! misses, masks of bytes that are zero already, small factors, and loops until an addition wraps.

use wasm_encoder::{BlockType, Instruction};

use super::call;
use crate::builder::{Body, Builder, at};
use crate::compare::Case;
use crate::rng::Rng;
use crate::value::{Type, Value};

const FUNCTIONS: u32 = 8;
/// Calls of each.
const CALLS: u32 = 10;
/// Parameters, of both widths.
const PARAMS: [Type; 4] = [Type::I32, Type::I64, Type::I32, Type::I64];
/// Locals that parts of an expression keep values in.
const SAVED: [u32; 2] = [4, 5];
const ROUNDS: u32 = 6;
const MAX_ROUNDS: i32 = 40;

pub(super) fn generate(seed: u64) -> Case {
    let mut rng = Rng::new("bytes", seed);
    let mut builder = Builder::default();
    builder.memory(1, 1);
    builder.data(0, rng.bytes(256));
    let mut calls = Vec::new();
    for _ in 0..FUNCTIONS {
        let wide = rng.chance(50);
        let ty = builder.ty(&PARAMS, Some(type_of(wide)));
        let mut code = Code {
            body: Body::new(&[Type::I32, Type::I64, Type::I32]),
            rng: &mut rng,
        };
        if code.rng.chance(20) {
            code.loop_until_wrapped(wide);
        } else {
            code.value(wide, 5);
        }
        let function = builder.function(ty, code.body);
        let name = format!("function {function}");
        builder.export(&name, function);
        for _ in 0..CALLS {
            let arguments = PARAMS.map(|ty| ty.random(&mut rng));
            calls.push(call(&name, arguments));
        }
    }
    Case {
        wasm: builder.finish(),
        calls,
        shows_nans: false,
    }
}

fn type_of(wide: bool) -> Type {
    if wide { Type::I64 } else { Type::I32 }
}

struct Code<'a> {
    body: Body,
    rng: &'a mut Rng,
}

impl Code<'_> {
    fn value(&mut self, wide: bool, depth: u32) {
        let Some(depth) = depth.checked_sub(1).filter(|_| self.rng.chance(85)) else {
            return self.leaf(wide);
        };
        match self.rng.below(10) {
            0 | 1 => self.reversal(wide, depth),
            2 => {
                self.value(wide, depth);
                self.value(wide, depth);
                self.operation(wide, [Instruction::I32Or, Instruction::I64Or]);
            }
            3 | 4 => {
                self.value(wide, depth);
                self.mask(wide);
            }
            5 | 6 => {
                self.value(wide, depth);
                self.shift(wide);
            }
            7 => {
                self.value(wide, depth);
                let factor = u64::from(self.rng.between(2, 10));
                self.constant(wide, factor);
                self.operation(wide, [Instruction::I32Mul, Instruction::I64Mul]);
            }
            8 => {
                self.value(!wide, depth);
                self.operation(wide, [Instruction::I32WrapI64, Instruction::I64ExtendI32U]);
            }
            // A mask that is tested.
            _ => {
                self.value(wide, depth);
                self.value(wide, depth);
                self.value(wide, depth);
                self.mask(wide);
                if self.rng.chance(50) {
                    self.operation(wide, [Instruction::I32Eqz, Instruction::I64Eqz]);
                } else {
                    let bound = u64::from(self.rng.below(256));
                    self.constant(wide, bound);
                    self.operation(wide, [Instruction::I32LtU, Instruction::I64LtU]);
                }
                self.body.code().select();
            }
        }
    }

    fn leaf(&mut self, wide: bool) {
        let parameter = 2 * self.rng.below(2) + u32::from(wide);
        let mut code = self.body.code();
        if self.rng.chance(60) {
            code.local_get(parameter);
            return;
        }
        code.local_get(0).i32_const(0xff).i32_and();
        match (wide, self.rng.below(4)) {
            (false, 0) => code.i32_load8_u(at(0)),
            (false, 1) => code.i32_load16_u(at(0)),
            (false, 2) => code.i32_load8_s(at(0)),
            (false, _) => code.i32_load(at(0)),
            (true, 0) => code.i64_load8_u(at(0)),
            (true, 1) => code.i64_load16_u(at(0)),
            (true, 2) => code.i64_load32_u(at(0)),
            (true, _) => code.i64_load(at(0)),
        };
    }

    /// Puts bytes in the opposite order; now and then, one comes from elsewhere.
    fn reversal(&mut self, wide: bool, depth: u32) {
        let saved = SAVED[usize::from(wide)];
        self.value(wide, depth.min(1));
        self.body.code().local_set(saved);
        let width = if wide { 64 } else { 32 };
        match self.rng.below(4) {
            0 if !wide => return self.rotations(saved),
            1 => return self.swaps(wide, saved),
            2 => return self.two_bytes(wide, saved),
            _ => {}
        }
        let count: u64 = width / 8;
        for to in 0..count {
            let from = count - 1 - to;
            self.body.code().local_get(saved);
            let is_masked_first = self.rng.chance(50);
            if is_masked_first {
                let mask = self.almost(0xff << (8 * from));
                self.constant(wide, mask);
                self.operation(wide, [Instruction::I32And, Instruction::I64And]);
            }
            let by = self.almost(8 * from.abs_diff(to));
            self.constant(wide, by);
            if from > to {
                self.operation(wide, [Instruction::I32ShrU, Instruction::I64ShrU]);
            } else {
                self.operation(wide, [Instruction::I32Shl, Instruction::I64Shl]);
            }
            if !is_masked_first {
                let mask = self.almost(0xff << (8 * to));
                self.constant(wide, mask);
                self.operation(wide, [Instruction::I32And, Instruction::I64And]);
            }
            if to > 0 {
                self.operation(wide, [Instruction::I32Or, Instruction::I64Or]);
            }
        }
    }

    /// As rotations of two bytes at once.
    fn rotations(&mut self, saved: u32) {
        let is_masked_first = self.rng.chance(50);
        for (by, mask) in [(8, 0x00ff_00ff), (24, 0xff00_ff00)] {
            self.body.code().local_get(saved);
            if is_masked_first {
                let mask = self.almost(!mask & 0xffff_ffff);
                self.constant(false, mask);
                self.body.code().i32_and();
            }
            if self.rng.chance(50) {
                let by = self.almost(by);
                self.constant(false, by);
                self.body.code().i32_rotl();
            } else {
                let by = self.almost(32 - by);
                self.constant(false, by);
                self.body.code().i32_rotr();
            }
            if !is_masked_first {
                let mask = self.almost(mask);
                self.constant(false, mask);
                self.body.code().i32_and();
            }
        }
        self.body.code().i32_or();
    }

    /// Of bytes, then of pairs, then of halves.
    fn swaps(&mut self, wide: bool, saved: u32) {
        let width = if wide { 64 } else { 32 };
        let mut by = 8;
        while by < width {
            let ones = (1 << by) - 1;
            let mask = (0..4).fold(0, |mask, at| {
                mask | u64::checked_shl(ones, 2 * by * at).unwrap_or(0)
            });
            for is_upper in [false, true] {
                self.body.code().local_get(saved);
                if !is_upper {
                    let mask = self.almost(mask);
                    self.constant(wide, mask);
                    self.operation(wide, [Instruction::I32And, Instruction::I64And]);
                }
                let distance = self.almost(by.into());
                self.constant(wide, distance);
                if is_upper {
                    self.operation(wide, [Instruction::I32ShrU, Instruction::I64ShrU]);
                    let mask = self.almost(mask);
                    self.constant(wide, mask);
                    self.operation(wide, [Instruction::I32And, Instruction::I64And]);
                } else {
                    self.operation(wide, [Instruction::I32Shl, Instruction::I64Shl]);
                }
            }
            self.operation(wide, [Instruction::I32Or, Instruction::I64Or]);
            self.body.code().local_set(saved);
            by *= 2;
        }
        self.body.code().local_get(saved);
    }

    /// Of the lowest two bytes only.
    fn two_bytes(&mut self, wide: bool, saved: u32) {
        for (is_upper, mask) in [(false, 0xff00), (true, 0xff)] {
            self.body.code().local_get(saved);
            let by = self.almost(8);
            self.constant(wide, by);
            if is_upper {
                self.operation(wide, [Instruction::I32ShrU, Instruction::I64ShrU]);
            } else {
                self.operation(wide, [Instruction::I32Shl, Instruction::I64Shl]);
            }
            let mask = self.almost(mask);
            self.constant(wide, mask);
            self.operation(wide, [Instruction::I32And, Instruction::I64And]);
        }
        self.operation(wide, [Instruction::I32Or, Instruction::I64Or]);
    }

    /// Mostly this number.
    fn almost(&mut self, bits: u64) -> u64 {
        match self.rng.below(100) {
            0 => bits ^ 1,
            1 => bits.wrapping_add(8),
            2 => bits >> 8,
            _ => bits,
        }
    }

    fn mask(&mut self, wide: bool) {
        let mut mask = 0;
        for at in 0..8 {
            let byte = match self.rng.below(8) {
                0..=3 => 0,
                4..=6 => 0xff,
                _ => self.rng.next() & 0xff,
            };
            mask |= byte << (8 * at);
        }
        let mask = self.rng.pick(&[mask, mask, 0xff, 0xffff, 0xffff_ffff]);
        self.constant(wide, mask);
        self.operation(wide, [Instruction::I32And, Instruction::I64And]);
    }

    fn shift(&mut self, wide: bool) {
        let by = if self.rng.chance(85) {
            8 * self.rng.below(10)
        } else {
            self.rng.below(70)
        };
        self.constant(wide, by.into());
        let kind = self.rng.below(4);
        let mut code = self.body.code();
        match (wide, kind) {
            (false, 0) => code.i32_shl(),
            (false, 1) => code.i32_shr_u(),
            (false, 2) => code.i32_rotl(),
            (false, _) => code.i32_rotr(),
            (true, 0) => code.i64_shl(),
            (true, 1) => code.i64_shr_u(),
            (true, 2) => code.i64_rotl(),
            (true, _) => code.i64_rotr(),
        };
    }

    /// Counts how often a constant can be added before the sum wraps, or for how long it does.
    fn loop_until_wrapped(&mut self, wide: bool) {
        let saved = SAVED[usize::from(wide)];
        let parameter = u32::from(wide);
        let step = self
            .rng
            .pick(&[1, 2, 0x1000_0000, u64::MAX, u64::MAX - 6, 1 << 60, 0]);
        let is_sum_first = self.rng.chance(50);
        let ends_when_wrapped = self.rng.chance(70);
        self.body
            .code()
            .block(BlockType::Empty)
            .loop_(BlockType::Empty)
            .local_get(parameter)
            .local_set(saved);
        self.body.code().local_get(parameter);
        self.constant(wide, step);
        self.operation(wide, [Instruction::I32Add, Instruction::I64Add]);
        self.body.code().local_set(parameter);
        self.body
            .code()
            .local_get(ROUNDS)
            .i32_const(1)
            .i32_add()
            .local_tee(ROUNDS)
            .i32_const(MAX_ROUNDS)
            .i32_ge_u()
            .br_if(1);
        let pair = if is_sum_first {
            [parameter, saved]
        } else {
            [saved, parameter]
        };
        self.body.code().local_get(pair[0]).local_get(pair[1]);
        match (is_sum_first, ends_when_wrapped) {
            (true, true) => self.operation(wide, [Instruction::I32GeU, Instruction::I64GeU]),
            (true, false) => self.operation(wide, [Instruction::I32LtU, Instruction::I64LtU]),
            (false, true) => self.operation(wide, [Instruction::I32LeU, Instruction::I64LeU]),
            (false, false) => self.operation(wide, [Instruction::I32GtU, Instruction::I64GtU]),
        }
        self.body.code().br_if(0).end().end().local_get(parameter);
    }

    fn constant(&mut self, wide: bool, bits: u64) {
        self.body.constant(if wide {
            Value::I64(bits)
        } else {
            Value::I32(bits as u32)
        });
    }

    /// One of two operations, by the width.
    fn operation(&mut self, wide: bool, of_width: [Instruction<'_>; 2]) {
        self.body.instruction(&of_width[usize::from(wide)]);
    }
}
