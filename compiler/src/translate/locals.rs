//! Locals: places that exist once they are used, since a function may declare 50 000 of them.

use super::Translator;
use cranelift_codegen::cursor::{Cursor, FuncCursor};
use cranelift_codegen::ir::{
    self, Inst, InstBuilder, StackSlot, StackSlotData, StackSlotKind,
    immediates::{Ieee32, Ieee64},
    types,
};
use cranelift_frontend::Variable;
use std::collections::BTreeMap;

/// Where the locals of a function live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LocalStorage {
    /// In SSA values: fast code, but blocks times locals to compile.
    Values,
    /// In the frame, each in a slot of its own: linear to compile.
    Frame,
}

/// The locals of a function.
pub(super) struct Locals {
    storage: LocalStorage,
    /// Runs of equal types: the first index behind the run, and the type.
    runs: Vec<(u32, ir::Type)>,
    places: BTreeMap<u32, Place>,
    /// Slots that hold zero when the body begins.
    zeroed: Vec<StackSlot>,
}

#[derive(Clone, Copy)]
enum Place {
    Variable(Variable),
    Slot(StackSlot),
}

/// Size of a slot, and the power of two it is aligned to, whatever the local's type.
const SLOT_LEN_BYTES: u32 = 8;
const SLOT_ALIGN_SHIFT: u8 = 3;

impl Locals {
    pub(super) fn new(storage: LocalStorage) -> Self {
        Self {
            storage,
            runs: Vec::new(),
            places: BTreeMap::new(),
            zeroed: Vec::new(),
        }
    }

    /// Appends so many locals of a type.
    pub(super) fn declare(&mut self, count: u32, ty: ir::Type) {
        self.runs.push((self.len() + count, ty));
    }

    pub(super) fn storage(&self) -> LocalStorage {
        self.storage
    }

    fn len(&self) -> u32 {
        self.runs.last().map_or(0, |(end, _)| *end)
    }

    fn ty(&self, index: u32) -> ir::Type {
        let run = self.runs.partition_point(|(end, _)| *end <= index);
        self.runs[run].1
    }
}

impl Translator<'_, '_> {
    /// Makes these values the first locals.
    pub(super) fn declare_params(&mut self, params: &[ir::Value]) {
        for (index, param) in (0..).zip(params) {
            let ty = self.builder.func.dfg.value_type(*param);
            self.locals.declare(1, ty);
            let place = self.local_place(index);
            self.store_local(place, *param);
        }
        self.locals.zeroed.clear();
    }

    /// Declares locals that are zero where the body begins.
    pub(super) fn declare_locals(&mut self, count: u32, ty: ir::Type) {
        let first = self.locals.len();
        self.locals.declare(count, ty);
        if !self.inliner.is_inlined() {
            return;
        }
        // The body may run many times in one call of its caller, and begins with zeros each time.
        for index in first..first + count {
            let zero = self.zero(ty);
            let place = self.local_place(index);
            self.store_local(place, zero);
        }
    }

    fn zero(&mut self, ty: ir::Type) -> ir::Value {
        match ty {
            types::F32 => self.builder.ins().f32const(Ieee32::with_bits(0)),
            types::F64 => self.builder.ins().f64const(Ieee64::with_bits(0)),
            ty => self.builder.ins().iconst(ty, 0),
        }
    }

    pub(super) fn local_get(&mut self, index: u32) {
        let value = match self.local_place(index) {
            // A variable that was not set on some way here is zero there, as wasm demands: that
            // is what the frontend makes of a use without a definition.
            Place::Variable(variable) => self.builder.use_var(variable),
            Place::Slot(slot) => {
                let ty = self.locals.ty(index);
                self.builder.ins().stack_load(types::I64, ty, slot, 0)
            }
        };
        self.push(value);
    }

    pub(super) fn local_set(&mut self, index: u32) {
        let value = self.pop();
        let place = self.local_place(index);
        self.store_local(place, value);
    }

    pub(super) fn local_tee(&mut self, index: u32) {
        let value = *self
            .stack
            .last()
            .expect("validated code does not underflow");
        let place = self.local_place(index);
        self.store_local(place, value);
    }

    /// Replaces the mark `body_start` by zeroes for the declared locals that the body uses.
    pub(super) fn zero_slots(&mut self, body_start: Inst) {
        let mut cursor = FuncCursor::new(self.builder.func).at_inst(body_start);
        cursor.remove_inst();
        if self.locals.zeroed.is_empty() {
            return;
        }
        let zero = cursor.ins().iconst(types::I64, 0);
        for slot in std::mem::take(&mut self.locals.zeroed) {
            cursor.ins().stack_store(types::I64, zero, slot, 0);
        }
    }

    fn store_local(&mut self, place: Place, value: ir::Value) {
        match place {
            Place::Variable(variable) => self.builder.def_var(variable, value),
            Place::Slot(slot) => {
                self.builder.ins().stack_store(types::I64, value, slot, 0);
            }
        }
    }

    fn local_place(&mut self, index: u32) -> Place {
        if let Some(place) = self.locals.places.get(&index) {
            return *place;
        }
        let place = match self.locals.storage {
            LocalStorage::Values => {
                Place::Variable(self.builder.declare_var(self.locals.ty(index)))
            }
            LocalStorage::Frame => {
                let slot = self.builder.create_sized_stack_slot(StackSlotData::new(
                    StackSlotKind::ExplicitSlot,
                    SLOT_LEN_BYTES,
                    SLOT_ALIGN_SHIFT,
                ));
                self.locals.zeroed.push(slot);
                Place::Slot(slot)
            }
        };
        self.locals.places.insert(index, place);
        place
    }
}
