//! Types of imports: two names and a type.
#![allow(unsafe_code, reason = "exports functions by unmangled names")]

use crate::export::export;
use crate::failure::Failure;
use crate::live::{Counted, Kind};
use crate::signature::opaque;
use crate::types::{ExternType, declare_type};
use crate::vec::ByteVec;

/// `wasm_importtype_t`.
#[derive(Clone)]
pub(crate) struct ImportType {
    module: ByteVec,
    name: ByteVec,
    ty: Box<ExternType>,
    _counted: Counted,
}

opaque!(ImportType);

impl ImportType {
    pub(crate) fn new(module: ByteVec, name: ByteVec, ty: Box<ExternType>) -> Self {
        Self {
            module,
            name,
            ty,
            _counted: Counted::new(Kind::ImportType),
        }
    }
}

declare_type!(importtype, "importtype", ImportType);

fn given(ty: Option<&ImportType>) -> Result<&ImportType, Failure> {
    ty.ok_or_else(|| Failure::null("importtype"))
}

export! { EXPORTS;
    fn wasm_importtype_new(
        module: Option<&mut ByteVec>,
        name: Option<&mut ByteVec>,
        ty: Option<Box<ExternType>>,
    ) -> Option<Box<ImportType>> {
        let module = module.map(core::mem::take).unwrap_or_default();
        let name = name.map(core::mem::take).unwrap_or_default();
        let ty = ty.ok_or_else(|| Failure::null("externtype"))?;
        Ok(Some(Box::new(ImportType::new(module, name, ty))))
    }

    fn wasm_importtype_module(ty: Option<&ImportType>) -> Option<&ByteVec> {
        Ok(Some(&given(ty)?.module))
    }

    fn wasm_importtype_name(ty: Option<&ImportType>) -> Option<&ByteVec> {
        Ok(Some(&given(ty)?.name))
    }

    fn wasm_importtype_type(ty: Option<&ImportType>) -> Option<&ExternType> {
        Ok(Some(&*given(ty)?.ty))
    }
}
