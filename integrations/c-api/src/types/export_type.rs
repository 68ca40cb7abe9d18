//! Types of exports: a name and a type.
#![allow(unsafe_code, reason = "exports functions by unmangled names")]

use crate::export::export;
use crate::failure::Failure;
use crate::live::{Counted, Kind};
use crate::signature::opaque;
use crate::types::{ExternType, declare_type};
use crate::vec::ByteVec;

/// `wasm_exporttype_t`.
#[derive(Clone)]
pub(crate) struct ExportType {
    name: ByteVec,
    ty: Box<ExternType>,
    _counted: Counted,
}

opaque!(ExportType);

impl ExportType {
    pub(crate) fn new(name: ByteVec, ty: Box<ExternType>) -> Self {
        Self {
            name,
            ty,
            _counted: Counted::new(Kind::ExportType),
        }
    }
}

declare_type!(exporttype, "exporttype", ExportType);

fn given(ty: Option<&ExportType>) -> Result<&ExportType, Failure> {
    ty.ok_or_else(|| Failure::null("exporttype"))
}

export! { EXPORTS;
    fn wasm_exporttype_new(name: Option<&mut ByteVec>, ty: Option<Box<ExternType>>)
        -> Option<Box<ExportType>>
    {
        let name = name.map(core::mem::take).unwrap_or_default();
        let ty = ty.ok_or_else(|| Failure::null("externtype"))?;
        Ok(Some(Box::new(ExportType::new(name, ty))))
    }

    fn wasm_exporttype_name(ty: Option<&ExportType>) -> Option<&ByteVec> {
        Ok(Some(&given(ty)?.name))
    }

    fn wasm_exporttype_type(ty: Option<&ExportType>) -> Option<&ExternType> {
        Ok(Some(&*given(ty)?.ty))
    }
}
