//! Globals of instances and of the host.
#![allow(unsafe_code, reason = "values that compiled code reads and writes")]

use super::store_vm::{GlobalIndex, VmCell};
use crate::{
    errors::GlobalError,
    global::Global,
    reference::Nullable,
    store::StoreInner,
    types::{GlobalType, Mutability},
    value::Val,
};
use wasmelt_abi::VMGlobal;

/// A global that the host created.
pub(crate) struct GlobalEntity {
    ty: GlobalType,
    value: GlobalValue,
}

enum GlobalValue {
    /// A number, where compiled code reads it.
    Number(VmCell<VMGlobal>),
    /// Anything else: no module can import it.
    Other(Val),
}

impl StoreInner {
    /// Creates a global for the host.
    pub(crate) fn create_global(&mut self, value: Val, mutability: Mutability) -> Global {
        self.check_reference(&value);
        let ty = GlobalType::new(value.ty(), mutability);
        let value = match value.to_bits() {
            Some(bits) => GlobalValue::Number(VmCell::new(VMGlobal { bits })),
            None => GlobalValue::Other(value),
        };
        let index = u32::try_from(self.vm.globals.len()).expect("fewer than 2^32 globals");
        self.vm.globals.push(GlobalEntity { ty, value });
        Global(self.id().own(GlobalIndex::host(index)))
    }

    pub(crate) fn global_type(&self, global: Global) -> GlobalType {
        let index = global.0.index(self);
        match index.as_host() {
            Some(host) => self.vm.globals[host].ty,
            None => self.vm.instances[index.instance()].defined_global_type(index.index()),
        }
    }

    /// Where compiled code finds the value; `None` if it is no number.
    pub(super) fn global_place(&self, global: Global) -> Option<*mut VMGlobal> {
        let index = global.0.index(self);
        match index.as_host() {
            Some(host) => match &self.vm.globals[host].value {
                GlobalValue::Number(cell) => Some(cell.as_ptr()),
                GlobalValue::Other(_) => None,
            },
            None => {
                let instance = &self.vm.instances[index.instance()];
                Some(instance.block.global(index.index()))
            }
        }
    }

    pub(crate) fn global_value(&self, global: Global) -> Val {
        let ty = self.global_type(global).content().to_abi();
        if let (Some(place), Some(ty)) = (self.global_place(global), ty) {
            // SAFETY: the place lives as long as the store, and whoever could change it needs the
            // store exclusively.
            return Val::from_bits(ty, unsafe { (*place).bits });
        }
        match global
            .0
            .index(self)
            .as_host()
            .map(|host| &self.vm.globals[host].value)
        {
            Some(GlobalValue::Other(value)) => value.clone(),
            _ => unreachable!("globals of modules are numbers"),
        }
    }

    pub(crate) fn set_global(&mut self, global: Global, value: Val) -> Result<(), GlobalError> {
        self.check_reference(&value);
        let ty = self.global_type(global);
        if !ty.mutability().is_mut() {
            return Err(GlobalError::ImmutableWrite);
        }
        if ty.content() != value.ty() {
            return Err(GlobalError::TypeMismatch);
        }
        if let (Some(place), Some(bits)) = (self.global_place(global), value.to_bits()) {
            // SAFETY: the place lives as long as the store, which we have exclusively.
            unsafe { (*place).bits = bits };
            return Ok(());
        }
        let index = global.0.index(self);
        if let Some(host) = index.as_host() {
            self.vm.globals[host].value = GlobalValue::Other(value);
        }
        Ok(())
    }

    /// Checks that the store owns what a value refers to.
    fn check_reference(&self, value: &Val) {
        match value {
            Val::FuncRef(Nullable::Val(func)) => {
                func.0.index(self);
            }
            Val::ExternRef(Nullable::Val(object)) => {
                object.0.index(self);
            }
            _ => {}
        }
    }
}
