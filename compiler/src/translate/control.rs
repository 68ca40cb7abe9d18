//! Blocks, branches and returns. Results of blocks travel in variables, not in block parameters.

use super::{Translator, bounds::KnownBounds, env::clif_type};
use cranelift_codegen::ir::{self, Block, InstBuilder};
use cranelift_frontend::Variable;
use wasmelt_abi::TrapCode;
use wasmparser::BlockType;

/// A frame of the wasm control stack.
pub(super) struct Frame {
    kind: FrameKind,
    /// Where control goes at the end of the frame.
    exit: Block,
    /// Carries the frame's result to `exit`.
    result: Option<Variable>,
    /// Height of the operand stack below the frame.
    height: usize,
    /// Whether anything branches or falls to `exit`.
    exit_used: bool,
    /// Fuel that is pending at `exit`: what was pending where it was first left for.
    exit_fuel: Option<u32>,
    /// What was known of the memory where it was opened.
    bounds: KnownBounds,
}

impl Frame {
    pub(super) fn is_loop(&self) -> bool {
        matches!(self.kind, FrameKind::Loop { .. })
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum FrameKind {
    Block,
    Loop {
        header: Block,
        /// Fuel that is pending at the header.
        fuel: u32,
    },
    /// An `if` whose false edge has not been translated yet goes to `false_edge`.
    If {
        false_edge: Option<Block>,
        /// Fuel that is pending there.
        fuel: u32,
    },
    /// Opened in unreachable code: nothing in it is translated.
    Dead,
}

impl Translator<'_, '_> {
    /// Opens the frame of the function body, whose exit returns.
    pub(super) fn push_function_frame(&mut self) {
        let results = &self.env.module.function_type(self.index).results;
        let result = results.first().map(|ty| clif_type(*ty));
        self.push_frame(FrameKind::Block, result);
    }

    pub(super) fn block(&mut self, ty: BlockType) {
        if !self.reachable {
            return self.push_dead_frame();
        }
        let result = block_result(ty);
        self.push_frame(FrameKind::Block, result);
    }

    pub(super) fn loop_(&mut self, ty: BlockType) {
        self.enter_loop_bounds();
        if !self.reachable {
            return self.push_dead_frame();
        }
        let header = self.builder.create_block();
        self.builder.ins().jump(header, &[]);
        self.builder.switch_to_block(header);
        let fuel = self.meter.pending();
        self.push_frame(FrameKind::Loop { header, fuel }, block_result(ty));
    }

    pub(super) fn if_(&mut self, ty: BlockType) {
        if !self.reachable {
            return self.push_dead_frame();
        }
        let condition = self.pop();
        let true_edge = self.builder.create_block();
        let false_edge = self.builder.create_block();
        self.builder
            .ins()
            .brif(condition, true_edge, &[], false_edge, &[]);
        self.builder.seal_block(true_edge);
        self.builder.seal_block(false_edge);
        self.push_frame(
            FrameKind::If {
                false_edge: Some(false_edge),
                fuel: self.meter.pending(),
            },
            block_result(ty),
        );
        self.builder.switch_to_block(true_edge);
    }

    pub(super) fn else_(&mut self) {
        let top = self.frames.len() - 1;
        let FrameKind::If { false_edge, fuel } = &mut self.frames[top].kind else {
            return; // A dead frame has no live false edge.
        };
        let false_edge = false_edge.take().expect("an if has one else");
        let fuel = *fuel;
        if self.reachable {
            self.jump_to_exit(top);
        }
        self.stack.truncate(self.frames[top].height);
        self.builder.switch_to_block(false_edge);
        self.meter.set_pending(fuel);
        self.restore_bounds(self.frames[top].bounds);
        self.reachable = true;
    }

    pub(super) fn end(&mut self) {
        let top = self.frames.len() - 1;
        if self.frames[top].kind == FrameKind::Dead {
            self.frames.pop();
            return;
        }
        if self.reachable {
            self.jump_to_exit(top);
        }
        match self.frames[top].kind {
            FrameKind::Loop { header, .. } => self.builder.seal_block(header),
            FrameKind::If {
                false_edge: Some(false_edge),
                fuel,
            } => {
                self.builder.switch_to_block(false_edge);
                self.meter.set_pending(fuel);
                self.frames[top].exit_used = true;
                self.jump_to(top);
            }
            _ => {}
        }
        let frame = self.frames.pop().expect("the frame was there");
        self.stack.truncate(frame.height);
        self.reachable = frame.exit_used;
        if !frame.exit_used {
            return;
        }
        self.builder.switch_to_block(frame.exit);
        self.builder.seal_block(frame.exit);
        self.meter.set_pending(frame.exit_fuel.unwrap_or_default());
        self.restore_bounds(frame.bounds);
        if let Some(result) = frame.result {
            let value = self.builder.use_var(result);
            self.push(value);
        }
        if self.frames.is_empty() && !self.inliner.is_inlined() {
            self.return_();
        }
    }

    pub(super) fn br(&mut self, relative_depth: u32) {
        let position = self.set_result(relative_depth);
        self.jump_to(position);
        self.reachable = false;
    }

    pub(super) fn br_if(&mut self, relative_depth: u32) {
        let condition = self.pop();
        let position = self.set_result(relative_depth);
        if let FrameKind::Loop { fuel, .. } = self.frames[position].kind {
            // Before the branch, rather than in a block of its own for every round.
            self.adapt_fuel(fuel);
        }
        let target = self.edge_to(position);
        let next = self.builder.create_block();
        self.builder.ins().brif(condition, target, &[], next, &[]);
        self.fill_fuel_edges();
        self.builder.seal_block(next);
        self.builder.switch_to_block(next);
    }

    pub(super) fn return_(&mut self) {
        if self.inliner.is_inlined() {
            // To the end of the inlined body, where the caller goes on.
            let outermost = self.frames.len() - 1;
            return self.br(u32::try_from(outermost).expect("the body is short"));
        }
        let results = self.env.module.function_type(self.index).results.len();
        let values = self.stack.split_off(self.stack.len() - results);
        self.flush_fuel();
        self.builder.ins().return_(&values);
        self.reachable = false;
    }

    pub(super) fn unreachable(&mut self) {
        self.raise(TrapCode::UnreachableCodeReached);
        self.reachable = false;
    }

    /// Puts the result of a branch into the variable of the frame it goes to, and says which frame
    /// that is. Doing so before a conditional branch is right: variables are SSA, and the operand
    /// stack of the fall-through path does not read them.
    fn set_result(&mut self, relative_depth: u32) -> usize {
        let position = self.frames.len() - 1 - relative_depth as usize;
        if !self.frames[position].is_loop() {
            self.set_exit_result(position);
        }
        position
    }

    fn set_exit_result(&mut self, position: usize) {
        self.frames[position].exit_used = true;
        if let Some(result) = self.frames[position].result {
            let value = *self.stack.last().expect("validated code has the result");
            self.builder.def_var(result, value);
        }
    }

    /// Where a branch to a frame goes, and how much fuel is pending there.
    fn destination(&mut self, position: usize) -> (Block, u32) {
        let pending = self.meter.pending();
        let frame = &mut self.frames[position];
        match frame.kind {
            FrameKind::Loop { header, fuel } => (header, fuel),
            _ => (frame.exit, *frame.exit_fuel.get_or_insert(pending)),
        }
    }

    /// The target of one of several branches to a frame that the operator makes.
    pub(super) fn branch_edge(&mut self, relative_depth: u32) -> Block {
        let position = self.set_result(relative_depth);
        self.edge_to(position)
    }

    /// The target of a conditional branch to a frame.
    fn edge_to(&mut self, position: usize) -> Block {
        let (target, fuel) = self.destination(position);
        self.fuel_edge(target, fuel)
    }

    fn jump_to(&mut self, position: usize) {
        let (target, fuel) = self.destination(position);
        self.adapt_fuel(fuel);
        self.builder.ins().jump(target, &[]);
    }

    fn jump_to_exit(&mut self, position: usize) {
        self.set_exit_result(position);
        let frame = &mut self.frames[position];
        let exit = frame.exit;
        let fuel = *frame.exit_fuel.get_or_insert(self.meter.pending());
        self.adapt_fuel(fuel);
        self.builder.ins().jump(exit, &[]);
    }

    fn push_frame(&mut self, kind: FrameKind, result: Option<ir::Type>) {
        let exit = self.builder.create_block();
        let result = result.map(|ty| self.builder.declare_var(ty));
        let height = self.stack.len();
        self.frames.push(Frame {
            kind,
            exit,
            result,
            height,
            exit_used: false,
            exit_fuel: None,
            bounds: self.known_bounds(),
        });
    }

    fn push_dead_frame(&mut self) {
        let exit = self.frames[0].exit;
        self.frames.push(Frame {
            kind: FrameKind::Dead,
            exit,
            result: None,
            height: self.stack.len(),
            exit_used: false,
            exit_fuel: None,
            bounds: self.known_bounds(),
        });
    }
}

fn block_result(ty: BlockType) -> Option<ir::Type> {
    match ty {
        BlockType::Empty => None,
        BlockType::Type(ty) => Some(clif_type(crate::wasm::convert_type(ty))),
        BlockType::FuncType(_) => unreachable!("the validator refuses multi-value blocks"),
    }
}
