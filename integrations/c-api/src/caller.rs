//! What a host function may ask about the guest that calls it.
#![allow(
    unsafe_code,
    reason = "exports functions by unmangled names, and takes names as C strings"
)]

use crate::export::export;
use crate::failure::Failure;
use crate::reference::Ref;
use crate::signature::opaque;
use crate::store::{StoreObject, StoreState};
use crate::text::text_of;
use std::ffi::c_char;
use std::sync::Arc;

/// `wasmelt_caller_t`: valid during one call of a host function.
pub(crate) struct CallerObject {
    store: StoreObject,
}

opaque!(CallerObject);

impl CallerObject {
    pub(crate) fn new(state: &Arc<StoreState>) -> Self {
        Self {
            store: StoreObject::of(Arc::clone(state)),
        }
    }
}

fn given(caller: Option<&CallerObject>) -> Result<&CallerObject, Failure> {
    caller.ok_or_else(|| Failure::null("caller"))
}

export! { EXPORTS;
    fn wasmelt_caller_store(caller: Option<&CallerObject>) -> Option<&StoreObject> {
        Ok(Some(&given(caller)?.store))
    }

    fn wasmelt_caller_export(caller: Option<&CallerObject>, name: *const c_char) -> Option<Box<Ref>> {
        let state = given(caller)?.store.state();
        // SAFETY: C passes a string or null.
        let name = unsafe { text_of(name) }?;
        let found = state.caller_export(name)?;
        Ok(found.map(|item| Ref::of_extern(item, state)))
    }
}
