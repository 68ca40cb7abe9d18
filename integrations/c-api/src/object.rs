//! What references refer to, and when two refer to the same.

use crate::foreign::ForeignObject;
use crate::host_info::HostInfo;
use crate::live::Kind;
use crate::module::ModuleObject;
use crate::trap::TrapObject;
use std::sync::{Arc, Mutex};
use wasmelt::{Extern, Instance};

/// A thing in a store, or one that stands by itself.
#[derive(Clone)]
pub(crate) enum Object {
    Extern(Extern),
    Instance(Instance),
    Module(Arc<ModuleObject>),
    Trap(Arc<TrapObject>),
    Foreign(Arc<ForeignObject>),
}

/// Equal for references to the same thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Identity {
    Extern(Extern),
    Instance(Instance),
    /// Of what stands by itself.
    Address(usize),
}

impl Object {
    pub(crate) fn identity(&self) -> Identity {
        match self {
            Self::Extern(item) => Identity::Extern(*item),
            Self::Instance(instance) => Identity::Instance(*instance),
            Self::Module(module) => Identity::Address(Arc::as_ptr(module).addr()),
            Self::Trap(trap) => Identity::Address(Arc::as_ptr(trap).addr()),
            Self::Foreign(foreign) => Identity::Address(Arc::as_ptr(foreign).addr()),
        }
    }

    /// As what it is counted.
    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::Extern(Extern::Func(_)) => Kind::Func,
            Self::Extern(Extern::Global(_)) => Kind::Global,
            Self::Extern(Extern::Table(_)) => Kind::Table,
            Self::Extern(Extern::Memory(_)) => Kind::Memory,
            Self::Instance(_) => Kind::Instance,
            Self::Module(_) => Kind::Module,
            Self::Trap(_) => Kind::Trap,
            Self::Foreign(_) => Kind::Foreign,
        }
    }

    /// Where what the host attached to it is kept; `None` if its store keeps it.
    pub(crate) fn host_info(&self) -> Option<&Mutex<HostInfo>> {
        match self {
            Self::Extern(_) | Self::Instance(_) => None,
            Self::Module(module) => Some(module.host_info()),
            Self::Trap(trap) => Some(trap.host_info()),
            Self::Foreign(foreign) => Some(foreign.host_info()),
        }
    }
}
