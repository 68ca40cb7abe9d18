//! Types of imports: two names and a type.
#![allow(
    unsafe_code,
    reason = "exports functions by unmangled names, and takes vectors that C gives up"
)]

use crate::export::export;
use crate::failure::Failure;
use crate::live::{Counted, Kind};
use crate::signature::opaque;
use crate::types::{ExternType, declare_type};
use crate::vec::{ByteVec, taken};

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
        module: *mut ByteVec,
        name: *mut ByteVec,
        ty: Option<Box<ExternType>>,
    ) -> Option<Box<ImportType>> {
        // SAFETY: C passes vectors or null.
        let (module, name) = unsafe { (taken(module), taken(name)) };
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
