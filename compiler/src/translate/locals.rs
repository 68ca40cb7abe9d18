//! Locals: variables that exist once they are used, since a function may declare 50 000 of them.

use super::Translator;
use cranelift_codegen::ir;
use cranelift_frontend::Variable;
use std::collections::BTreeMap;

/// The locals of a function.
#[derive(Default)]
pub(super) struct Locals {
    /// Runs of equal types: the first index behind the run, and the type.
    runs: Vec<(u32, ir::Type)>,
    variables: BTreeMap<u32, Variable>,
}

impl Locals {
    /// Appends so many locals of a type.
    pub(super) fn declare(&mut self, count: u32, ty: ir::Type) {
        let start = self.runs.last().map_or(0, |(end, _)| *end);
        self.runs.push((start + count, ty));
    }

    fn ty(&self, index: u32) -> ir::Type {
        let run = self.runs.partition_point(|(end, _)| *end <= index);
        self.runs[run].1
    }
}

impl Translator<'_, '_> {
    pub(super) fn local_get(&mut self, index: u32) {
        let variable = self.local_variable(index);
        // A variable that was not set on some way here is zero there, as wasm demands: that is
        // what the frontend makes of a use without a definition.
        let value = self.builder.use_var(variable);
        self.push(value);
    }

    pub(super) fn local_set(&mut self, index: u32) {
        let value = self.pop();
        let variable = self.local_variable(index);
        self.builder.def_var(variable, value);
    }

    pub(super) fn local_tee(&mut self, index: u32) {
        let value = *self
            .stack
            .last()
            .expect("validated code does not underflow");
        let variable = self.local_variable(index);
        self.builder.def_var(variable, value);
    }

    pub(super) fn local_variable(&mut self, index: u32) -> Variable {
        if let Some(variable) = self.locals.variables.get(&index) {
            return *variable;
        }
        let variable = self.builder.declare_var(self.locals.ty(index));
        self.locals.variables.insert(index, variable);
        variable
    }
}
