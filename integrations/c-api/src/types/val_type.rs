//! Types of values: numbers, and references that only the host passes around.
#![allow(unsafe_code, reason = "exports functions by unmangled names")]

use crate::export::export;
use crate::failure::Failure;
use crate::live::{Counted, Kind};
use crate::signature::opaque;
use crate::types::declare_type;

/// `wasm_valkind_t`.
pub(crate) mod kind {
    pub(crate) const I32: u8 = 0;
    pub(crate) const I64: u8 = 1;
    pub(crate) const F32: u8 = 2;
    pub(crate) const F64: u8 = 3;
    pub(crate) const EXTERNREF: u8 = 128;
    pub(crate) const FUNCREF: u8 = 129;
}

/// `wasm_valtype_t`.
#[derive(Debug, Clone)]
pub(crate) struct ValType {
    kind: u8,
    _counted: Counted,
}

opaque!(ValType);

impl ValType {
    pub(crate) fn new(kind: u8) -> Result<Self, Failure> {
        match kind {
            kind::I32 | kind::I64 | kind::F32 | kind::F64 | kind::EXTERNREF | kind::FUNCREF => {
                Ok(Self {
                    kind,
                    _counted: Counted::new(Kind::ValType),
                })
            }
            _ => Err(Failure::usage(format!("there is no value type {kind}"))),
        }
    }

    pub(crate) fn kind(&self) -> u8 {
        self.kind
    }
}

declare_type!(valtype, "valtype", ValType);

export! { EXPORTS;
    fn wasm_valtype_new(kind: u8) -> Option<Box<ValType>> {
        Ok(Some(Box::new(ValType::new(kind)?)))
    }

    fn wasm_valtype_kind(ty: Option<&ValType>) -> u8 {
        Ok(ty.ok_or_else(|| Failure::null("valtype"))?.kind)
    }
}
