//! Control flow: nested blocks, loops, conditions and branch tables that carry values, with dead
//! code behind every branch.

use wasm_encoder::BlockType;

use super::call;
use super::ops::{NUMERIC_OPS, NumericOp};
use crate::builder::{Body, Builder};
use crate::compare::Case;
use crate::rng::Rng;
use crate::value::{Type, Value};

/// Loop turns and calls per function call.
const FUEL: u32 = 300;

/// Locals that the code reads and writes, after three parameters.
const LOCALS: [Type; 8] = [
    Type::I32,
    Type::I64,
    Type::F64,
    Type::I32,
    Type::I64,
    Type::F32,
    Type::F64,
    Type::I32,
];

/// The parameters are the first of them.
const PARAMS: usize = 3;

pub(super) fn generate(seed: u64) -> Case {
    let mut rng = Rng::new("control", seed);
    let mut builder = Builder::default();
    let fuel = builder.global(Value::I32(0));
    let mut calls = Vec::new();
    let mut functions: Vec<(u32, u32)> = Vec::new();
    for _ in 0..rng.between(1, 4) {
        let result = rng.pick(&Type::ALL);
        let ty = builder.ty(&LOCALS[..PARAMS], Some(result));
        let mut code = Code {
            body: Body::new(&[&LOCALS[PARAMS..], Type::ALL.as_slice()].concat()),
            rng: &mut rng,
            // The function itself is the outermost label.
            labels: vec![Some(result)],
            budget: 250,
            fuel,
        };
        code.body
            .code()
            .i32_const(FUEL.cast_signed())
            .global_set(fuel);
        for _ in 0..3 {
            code.statement(4);
        }
        code.value(result, 5);
        let body = code.body;
        let function = builder.function(ty, body);
        functions.push((function, ty));
        let name = format!("function {function}");
        builder.export(&name, function);
        for _ in 0..12 {
            let arguments: Vec<_> = LOCALS[..PARAMS]
                .iter()
                .map(|ty| ty.random(&mut rng))
                .collect();
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
    /// What a branch to each enclosing label carries, the innermost last.
    labels: Vec<Option<Type>>,
    /// How much more to generate.
    budget: u32,
    fuel: u32,
}

impl Code<'_> {
    /// Whether to stop nesting.
    fn is_exhausted(&mut self, depth: u32) -> bool {
        self.budget = self.budget.saturating_sub(1);
        depth == 0 || self.budget == 0
    }

    /// Leaves one value of type `ty` on the stack.
    fn value(&mut self, ty: Type, depth: u32) {
        if self.is_exhausted(depth) {
            return self.leaf(ty);
        }
        match self.rng.below(10) {
            0 | 1 => self.leaf(ty),
            2..=4 => self.operation(ty, depth),
            5 | 6 => {
                self.body.code().block(BlockType::Result(ty.into()));
                self.inside(Some(ty), ty, depth);
            }
            7 => {
                // A branch to a loop goes back to its start, and carries nothing in the MVP.
                self.body.code().loop_(BlockType::Result(ty.into()));
                self.spend_fuel();
                self.inside(None, ty, depth);
            }
            8 => {
                self.value(Type::I32, depth - 1);
                self.body.code().if_(BlockType::Result(ty.into()));
                self.labels.push(Some(ty));
                self.content(ty, depth);
                self.body.code().else_();
                self.content(ty, depth);
                self.labels.pop();
                self.body.code().end();
            }
            _ => {
                self.value(ty, depth - 1);
                self.value(ty, depth - 1);
                self.value(Type::I32, depth - 1);
                self.body.code().select();
            }
        }
    }

    /// The rest of a block that gives `ty`, up to and with its end.
    fn inside(&mut self, branch: Option<Type>, ty: Type, depth: u32) {
        self.labels.push(branch);
        self.content(ty, depth);
        self.labels.pop();
        self.body.code().end();
    }

    /// Some statements, then a value of type `ty` or a jump away from here.
    fn content(&mut self, ty: Type, depth: u32) {
        for _ in 0..self.rng.below(3) {
            self.statement(depth - 1);
        }
        if self.rng.chance(20) {
            self.jump(depth);
            // What follows cannot be reached. It may be nothing, since the stack is polymorphic.
            if self.rng.chance(50) {
                return;
            }
        }
        self.value(ty, depth - 1);
    }

    /// Leaves the stack as it was.
    fn statement(&mut self, depth: u32) {
        if self.is_exhausted(depth) {
            return;
        }
        match self.rng.below(8) {
            0..=2 => {
                let local = self.rng.below(LOCALS.len() as u32);
                self.value(LOCALS[local as usize], depth - 1);
                self.body.code().local_set(local);
            }
            3 => {
                self.body.code().block(BlockType::Empty);
                self.labels.push(None);
                self.statement(depth - 1);
                self.branch_if(depth);
                self.statement(depth - 1);
                self.labels.pop();
                self.body.code().end();
            }
            4 => {
                self.body.code().loop_(BlockType::Empty);
                self.spend_fuel();
                self.labels.push(None);
                self.statement(depth - 1);
                self.branch_if(depth);
                self.labels.pop();
                self.body.code().end();
            }
            5 => {
                self.value(Type::I32, depth - 1);
                self.body.code().if_(BlockType::Empty);
                self.labels.push(None);
                self.statement(depth - 1);
                if self.rng.chance(30) {
                    self.jump(depth);
                }
                if self.rng.chance(60) {
                    self.body.code().else_();
                    self.statement(depth - 1);
                }
                self.labels.pop();
                self.body.code().end();
            }
            6 => self.branch_if(depth),
            _ => {
                let ty = self.rng.pick(&Type::ALL);
                self.value(ty, depth - 1);
                self.body.code().drop();
            }
        }
    }

    /// A conditional branch to any label, with its value, which falls through without one.
    fn branch_if(&mut self, depth: u32) {
        let label = self.rng.below(self.labels.len() as u32);
        let carried = self.carried(label);
        if let Some(ty) = carried {
            self.value(ty, depth.saturating_sub(2));
        }
        self.value(Type::I32, depth.saturating_sub(2));
        self.body.code().br_if(label);
        if carried.is_some() {
            self.body.code().drop();
        }
    }

    /// An unconditional jump: `br`, `br_table`, `return` or `unreachable`.
    fn jump(&mut self, depth: u32) {
        let label = self.rng.below(self.labels.len() as u32);
        let carried = self.carried(label);
        let kind = self.rng.below(10);
        if kind == 0 {
            self.body.code().unreachable();
            return;
        }
        if kind == 1 {
            let ty = self.labels[0].expect("the function has a result");
            self.value(ty, depth.saturating_sub(2));
            self.body.code().return_();
            return;
        }
        if let Some(ty) = carried {
            self.value(ty, depth.saturating_sub(2));
        }
        if kind < 5 {
            self.body.code().br(label);
            return;
        }
        // All targets of a table carry the same.
        let same: Vec<u32> = (0..self.labels.len() as u32)
            .filter(|l| self.carried(*l) == carried)
            .collect();
        let len = self.rng.pick(&[0, 1, 2, 3, 5, 8, 40]);
        let targets: Vec<_> = (0..len).map(|_| self.rng.pick(&same)).collect();
        self.value(Type::I32, depth.saturating_sub(2));
        if self.rng.chance(60) {
            // Bring the index near the table's length.
            self.body.code().i32_const(len + 1).i32_rem_u();
        }
        self.body.code().br_table(targets, label);
    }

    fn carried(&self, label: u32) -> Option<Type> {
        self.labels[self.labels.len() - 1 - label as usize]
    }

    fn operation(&mut self, ty: Type, depth: u32) {
        let gives = |op: &&NumericOp| op.result == ty;
        let ops: Vec<_> = NUMERIC_OPS.iter().filter(gives).copied().collect();
        let op = self.rng.pick(&ops);
        for param in op.params {
            self.value(*param, depth - 1);
        }
        op.emit(&mut self.body.code());
        if op.gives_any_nan {
            let of_type = Type::ALL
                .iter()
                .position(|t| *t == ty)
                .expect("all types are there");
            self.body.canonical_nan(ty, (LOCALS.len() + of_type) as u32);
        }
    }

    fn leaf(&mut self, ty: Type) {
        let locals: Vec<u32> = (0..LOCALS.len() as u32)
            .filter(|at| LOCALS[*at as usize] == ty)
            .collect();
        if self.rng.chance(70) {
            let local = self.rng.pick(&locals);
            self.body.code().local_get(local);
        } else {
            let value = ty.random(self.rng);
            self.body.constant(value);
        }
    }

    /// Traps when the call has taken too many loop turns.
    fn spend_fuel(&mut self) {
        let fuel = self.fuel;
        let mut code = self.body.code();
        code.global_get(fuel)
            .i32_eqz()
            .if_(BlockType::Empty)
            .unreachable()
            .end();
        code.global_get(fuel)
            .i32_const(1)
            .i32_sub()
            .global_set(fuel);
    }
}
