//! Address arithmetic: the family of mistakes behind the worst escapes from other compilers.
//!
//! A 32-bit address that is added, shifted or spilled must wrap and be zero-extended before it
//! meets the memory's base; a load that is fused with its consumer must not read further than its
//! width; a memory without pages has no address at all.

use wasm_encoder::InstructionSink;

use super::call;
use super::ops::{LOADS, MemoryOp, NUMERIC_OPS, NumericOp, STORES};
use crate::builder::{Body, Builder, at};
use crate::compare::{Call, Case};
use crate::rng::Rng;
use crate::value::{INTERESTING_32, Type, Value};

/// One wasm page.
const PAGE: u32 = 65_536;

pub(super) fn generate(seed: u64) -> Case {
    let mut rng = Rng::new("addresses", seed);
    match seed % 6 {
        0 => shifted_and_added(&mut rng),
        1 => arithmetic(&mut rng),
        2 => spilled_across_a_call(&mut rng),
        3 => fused_at_the_end_of_memory(seed / 6, &mut rng),
        4 => divided_by_constants(seed / 6, &mut rng),
        _ => no_pages(&mut rng),
    }
}

/// Small static offsets, those around the memory's end, and those that leave 32 bits with nearly
/// any address.
fn offset(rng: &mut Rng) -> u32 {
    match rng.below(4) {
        0 => 0,
        1 => rng.below(PAGE),
        2 => rng.pick(&[1, 8, 4095, 4096, PAGE - 8, PAGE - 1, PAGE, 2 * PAGE]),
        _ => rng.pick(&[0x7fff_ffff, 0x8000_0000, 0xffff_0000, 0xffff_fff8, u32::MAX]),
    }
}

fn memory_of_one_page(rng: &mut Rng) -> Builder {
    let mut builder = Builder::default();
    builder.memory(1, 2);
    builder.data(0, rng.bytes(512));
    builder.data(PAGE - 512, rng.bytes(512));
    builder
}

/// An access for the address on the stack; a store takes its value from local 2 to 5.
fn access(rng: &mut Rng) -> (MemoryOp, bool) {
    let is_store = rng.chance(25);
    (rng.pick(if is_store { STORES } else { LOADS }), is_store)
}

/// `load (i32.add (i32.shl x k) c) offset=o`, at every place where one of the steps wraps.
fn shifted_and_added(rng: &mut Rng) -> Case {
    let mut builder = memory_of_one_page(rng);
    let mut calls = Vec::new();
    for _ in 0..16 {
        let shift = rng.below(32);
        let constant = if rng.chance(70) {
            rng.pick(INTERESTING_32)
        } else {
            rng.pick(&[
                PAGE,
                0u32.wrapping_sub(PAGE),
                0xffff_fff0,
                0x8000_0010,
                1 << 20,
            ])
        };
        let offset = offset(rng);
        let (op, is_store) = access(rng);
        let name = function(&mut builder, op, is_store, offset, &mut |code| {
            let shift = shift.cast_signed();
            let constant = constant.cast_signed();
            code.local_get(0)
                .i32_const(shift)
                .i32_shl()
                .i32_const(constant)
                .i32_add();
        });
        for x in interesting_inputs(rng, op.len_bytes, offset, |target| {
            let shifted = target.wrapping_sub(constant);
            (shifted.trailing_zeros() >= shift).then(|| {
                // The bits that the shift drops do not matter: any of them will do.
                let dropped = if shift == 0 {
                    0
                } else {
                    rng_bits(target) << (32 - shift)
                };
                (shifted >> shift) | dropped
            })
        }) {
            calls.push(access_call(&name, op, is_store, x, 0, rng));
        }
    }
    Case {
        wasm: builder.finish(),
        calls,
        shows_nans: false,
    }
}

/// Any bits, but the same for the same target.
fn rng_bits(target: u32) -> u32 {
    target.wrapping_mul(0x9e37_79b9).rotate_left(13)
}

/// Random trees of 32-bit and narrowed 64-bit arithmetic as addresses.
fn arithmetic(rng: &mut Rng) -> Case {
    let mut builder = memory_of_one_page(rng);
    let mut calls = Vec::new();
    for _ in 0..16 {
        let offset = offset(rng);
        let (op, is_store) = access(rng);
        // The tree is added to what is missing to an address that the caller picks: x is that
        // address minus the tree's value for this y, which the module computes by itself.
        let tree_seed = rng.next();
        let name = function(&mut builder, op, is_store, offset, &mut |code| {
            address_tree(code, &mut Rng::new("tree", tree_seed), 3);
        });
        for x in interesting_inputs(rng, op.len_bytes, offset, Some) {
            let y = rng.pick(INTERESTING_32);
            calls.push(access_call(&name, op, is_store, x, y, rng));
        }
    }
    Case {
        wasm: builder.finish(),
        calls,
        shows_nans: false,
    }
}

/// Pushes an `i32` made from locals 0 and 1.
fn address_tree(code: &mut InstructionSink<'_>, rng: &mut Rng, depth: u32) {
    if depth == 0 || rng.chance(15) {
        match rng.below(3) {
            0 => code.i32_const(rng.pick(INTERESTING_32).cast_signed()),
            n => code.local_get(n - 1),
        };
        return;
    }
    if rng.chance(20) {
        // The same in 64 bits, cut down at the end.
        address_tree(code, rng, depth - 1);
        if rng.chance(50) {
            code.i64_extend_i32_u()
        } else {
            code.i64_extend_i32_s()
        };
        address_tree(code, rng, depth - 1);
        if rng.chance(50) {
            code.i64_extend_i32_u()
        } else {
            code.i64_extend_i32_s()
        };
        match rng.below(4) {
            0 => code.i64_sub(),
            1 => code.i64_mul(),
            _ => code.i64_add(),
        };
        code.i32_wrap_i64();
        return;
    }
    address_tree(code, rng, depth - 1);
    match rng.below(10) {
        0..=3 => {
            address_tree(code, rng, depth - 1);
            code.i32_add()
        }
        4 => {
            address_tree(code, rng, depth - 1);
            code.i32_sub()
        }
        5 => code.i32_const(rng.below(5).cast_signed()).i32_shl(),
        6 => code
            .i32_const(rng.pick(&[2, 3, 4, 5, 8, 9, 12, 16]))
            .i32_mul(),
        7 => code
            .i32_const(rng.pick(&[0xff, 0xffff, 0xfff8, -4, -8, 0x7fff_ffff]))
            .i32_and(),
        8 => code.i32_const(rng.below(32).cast_signed()).i32_shr_s(),
        _ => code.i32_const(rng.below(32).cast_signed()).i32_shr_u(),
    };
}

/// Defines and exports a function of `(i32, i32)`, and for stores of every type, that accesses
/// what `address` pushes.
fn function(
    builder: &mut Builder,
    op: MemoryOp,
    is_store: bool,
    offset: u32,
    address: &mut dyn FnMut(&mut InstructionSink<'_>),
) -> String {
    let mut params = vec![Type::I32, Type::I32];
    if is_store {
        params.push(op.ty);
    }
    let ty = builder.ty(&params, (!is_store).then_some(op.ty));
    let mut body = Body::new(&[]);
    address(&mut body.code());
    if is_store {
        body.code().local_get(2);
    }
    op.emit(&mut body.code(), at(offset));
    let function = builder.function(ty, body);
    let name = format!("{} {function} offset={offset:#x}", op.name);
    builder.export(&name, function);
    name
}

fn access_call(name: &str, op: MemoryOp, is_store: bool, x: u32, y: u32, rng: &mut Rng) -> Call {
    let mut arguments = vec![Value::I32(x), Value::I32(y)];
    if is_store {
        arguments.push(op.ty.random(rng));
    }
    call(name, arguments)
}

/// Inputs whose address, by `solve`, lies at an edge of the memory, and some that are only
/// interesting by themselves.
fn interesting_inputs(
    rng: &mut Rng,
    len_bytes: u32,
    offset: u32,
    solve: impl Fn(u32) -> Option<u32>,
) -> Vec<u32> {
    let last = PAGE - len_bytes;
    let mut targets = vec![
        0,
        1,
        7,
        8,
        256,
        PAGE / 2,
        last,
        last + 1,
        PAGE,
        u32::MAX,
        u32::MAX - 7,
    ];
    targets.extend([
        last.wrapping_sub(offset),
        last.wrapping_sub(offset).wrapping_add(1),
    ]);
    targets.extend([0u32.wrapping_sub(offset), 16u32.wrapping_sub(offset)]);
    // Multiples of a power of two are what a shift can reach.
    targets.extend((0..4).map(|_| rng.below(PAGE) & !0xff));
    let mut inputs: Vec<_> = targets.into_iter().filter_map(solve).collect();
    inputs.extend((0..6).map(|_| rng.pick(INTERESTING_32)));
    inputs
}

/// Twenty and more 32-bit values with the highest bit set, all alive across a call, then used as
/// addresses: a spilled value that comes back sign-extended reads before the memory.
fn spilled_across_a_call(rng: &mut Rng) -> Case {
    let mut builder = Builder::default();
    let host_ty = builder.ty(&[Type::I32], Some(Type::I32));
    let host = builder.import_function("f", host_ty);
    builder.memory(1, 2);
    builder.data(0, rng.bytes(1024));
    let mut callee = Body::new(&[]);
    callee.code().local_get(0).i32_const(3).i32_mul();
    let local_callee = builder.function(host_ty, callee);

    let count = rng.between(20, 40);
    let x = rng.next_u32() | 0x8000_0000;
    // How each local is made from x, and what it is for the x of the first call.
    let steps: Vec<_> = (0..count)
        .map(|_| {
            let constant = rng.next_u32();
            match rng.below(5) {
                0 => (0, constant, x.wrapping_add(constant)),
                1 => (1, constant, x.wrapping_sub(constant)),
                2 => (2, constant | 1, x.wrapping_mul(constant | 1)),
                3 => (3, constant | 0x8000_0000, x & (constant | 0x8000_0000)),
                _ => (4, constant, x | constant),
            }
        })
        .collect();
    let ty = builder.ty(&[Type::I32, Type::I32], Some(Type::I64));
    let mut calls = Vec::new();
    for callee in [host, local_callee] {
        // Locals are used in place first (most are out of bounds), then moved to a good address.
        for direct in [None, Some(rng.below(count))] {
            let mut body = Body::new(&vec![Type::I32; count as usize]);
            let mut code = body.code();
            for (at, (step, constant, _)) in steps.iter().enumerate() {
                code.local_get(0).i32_const(constant.cast_signed());
                match step {
                    0 => code.i32_add(),
                    1 => code.i32_sub(),
                    2 => code.i32_mul(),
                    3 => code.i32_and(),
                    _ => code.i32_or(),
                };
                code.local_set(2 + at as u32);
            }
            code.local_get(1).call(callee).i64_extend_i32_u();
            for (at, (_, _, value)) in steps.iter().enumerate() {
                let local = 2 + at as u32;
                code.local_get(local);
                if direct != Some(at as u32) {
                    let target = rng.below(1000);
                    code.i32_const(target.wrapping_sub(*value).cast_signed())
                        .i32_add();
                }
                code.i64_load(crate::builder::at(0));
                code.i64_add().i64_const(7).i64_rotl();
                // The value itself, widened: the other way to notice a wrong extension.
                code.local_get(local).i64_extend_i32_u().i64_xor();
            }
            let function = builder.function(ty, body);
            let name = format!("spilled {function}");
            builder.export(&name, function);
            for other in [
                x,
                x ^ 1,
                x.wrapping_add(PAGE),
                0,
                0x7fff_ffff,
                0x8000_0000,
                u32::MAX,
            ] {
                calls.push(call(&name, [Value::I32(other), Value::I32(rng.next_u32())]));
            }
        }
    }
    Case {
        wasm: builder.finish(),
        calls,
        shows_nans: false,
    }
}

/// The last legal byte of the memory, for one load and everything that can consume its result:
/// an instruction that takes its operand from memory may read more than the load does.
fn fused_at_the_end_of_memory(which: u64, rng: &mut Rng) -> Case {
    let load = LOADS[(which % LOADS.len() as u64) as usize];
    let mut builder = Builder::default();
    builder.memory(1, 1);
    builder.data(PAGE - 64, rng.bytes(64));
    let mut calls = Vec::new();
    let end = PAGE - load.len_bytes;
    for op in NUMERIC_OPS {
        for position in 0..op.params.len() {
            if op.params[position] != load.ty {
                continue;
            }
            let in_offset = rng.chance(50);
            let name = fused_function(&mut builder, load, op, position, in_offset, end);
            for past in [0, 1, 8] {
                let address = if in_offset { past } else { end + past };
                let other = op
                    .params
                    .get(1 - position.min(1))
                    .copied()
                    .unwrap_or(load.ty);
                calls.push(call(&name, [Value::I32(address), other.random(rng)]));
            }
        }
    }
    Case {
        wasm: builder.finish(),
        calls,
        shows_nans: false,
    }
}

fn fused_function(
    builder: &mut Builder,
    load: MemoryOp,
    op: &NumericOp,
    position: usize,
    in_offset: bool,
    end: u32,
) -> String {
    let other = op
        .params
        .get(1 - position.min(1))
        .copied()
        .unwrap_or(load.ty);
    let ty = builder.ty(&[Type::I32, other], Some(op.result));
    let mut body = Body::new(&[op.result]);
    for operand in 0..op.params.len() {
        if operand == position {
            body.code().local_get(0);
            load.emit(&mut body.code(), at(if in_offset { end } else { 0 }));
        } else {
            body.code().local_get(1);
        }
    }
    op.emit(&mut body.code());
    if op.gives_any_nan {
        body.canonical_nan(op.result, 2);
    }
    let function = builder.function(ty, body);
    let name = format!("{} of {} {function}", op.name, load.name);
    builder.export(&name, function);
    name
}

/// Division and remainder by every interesting constant: compilers multiply instead.
fn divided_by_constants(which: u64, rng: &mut Rng) -> Case {
    let is_division = |op: &&NumericOp| op.name.contains("_div_") || op.name.contains("_rem_");
    let ops: Vec<_> = NUMERIC_OPS.iter().filter(is_division).collect();
    let op = ops[(which % ops.len() as u64) as usize];
    let operand = op.params[0];
    let mut builder = Builder::default();
    let mut calls = Vec::new();
    let ty = builder.ty(&[operand], Some(op.result));
    let random = [operand.random(rng), operand.random(rng)];
    for divisor in operand.interesting().into_iter().chain(random) {
        let mut body = Body::new(&[]);
        body.code().local_get(0);
        body.constant(divisor);
        op.emit(&mut body.code());
        let function = builder.function(ty, body);
        let name = format!("{} {divisor:?} {function}", op.name);
        builder.export(&name, function);
        for _ in 0..12 {
            calls.push(call(&name, [operand.random(rng)]));
        }
        // Multiples of the divisor and their neighbours are where a wrong multiplier shows.
        let multiple = divisor.bits().wrapping_mul(rng.next() >> rng.below(64));
        for near in [multiple.wrapping_sub(1), multiple, multiple.wrapping_add(1)] {
            calls.push(call(
                &name,
                [match operand {
                    Type::I32 => Value::I32(near as u32),
                    _ => Value::I64(near),
                }],
            ));
        }
    }
    Case {
        wasm: builder.finish(),
        calls,
        shows_nans: false,
    }
}

/// A memory of no pages, which may or may not grow.
fn no_pages(rng: &mut Rng) -> Case {
    let mut builder = Builder::default();
    let max_pages = rng.below(3).into();
    if rng.chance(30) {
        builder.import_memory("memory", 0, max_pages);
    } else {
        builder.memory(0, max_pages);
    }
    let mut names = Vec::new();
    for offset in [0, 1, PAGE - 1, PAGE, 0x7fff_ffff, 0xffff_fff8, u32::MAX] {
        let (op, is_store) = access(rng);
        let name = function(&mut builder, op, is_store, offset, &mut |code| {
            code.local_get(0);
        });
        names.push((name, op, is_store));
    }
    let ty = builder.ty(&[Type::I32], Some(Type::I32));
    let mut body = Body::new(&[]);
    body.code()
        .local_get(0)
        .memory_grow(0)
        .memory_size(0)
        .i32_const(16)
        .i32_shl()
        .i32_add();
    let grow = builder.function(ty, body);
    builder.export("grow", grow);

    let mut calls = Vec::new();
    for pages in [0, 1, 1, 65_536, u32::MAX] {
        for (name, op, is_store) in &names {
            let addresses = [
                0,
                1,
                PAGE - op.len_bytes,
                PAGE - 1,
                PAGE,
                0x8000_0000,
                u32::MAX,
            ];
            for address in addresses {
                calls.push(access_call(name, *op, *is_store, address, 0, rng));
            }
        }
        calls.push(call("grow", [Value::I32(pages)]));
    }
    Case {
        wasm: builder.finish(),
        calls,
        shows_nans: false,
    }
}
