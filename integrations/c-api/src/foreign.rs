//! Foreign objects: references that mean something to the host only.
#![allow(unsafe_code, reason = "exports functions by unmangled names")]

use crate::export::export;
use crate::host_info::HostInfo;
use crate::object::Object;
use crate::reference::Ref;
use crate::store::{self, StoreObject};
use std::sync::{Arc, Mutex};

/// Has no content but what the host attaches.
#[derive(Default)]
pub(crate) struct ForeignObject {
    host_info: Mutex<HostInfo>,
}

impl ForeignObject {
    pub(crate) fn host_info(&self) -> &Mutex<HostInfo> {
        &self.host_info
    }
}

export! { EXPORTS;
    fn wasm_foreign_new(store: Option<&StoreObject>) -> Option<Box<Ref>> {
        store::given(store)?;
        Ok(Some(Ref::free(Object::Foreign(Arc::default()))))
    }
}
