//! What a host function may ask about the guest that calls it.
#![allow(
    unsafe_code,
    reason = "exports functions by unmangled names, and takes names as C strings"
)]

use crate::engine::lock;
use crate::export::export;
use crate::failure::Failure;
use crate::reference::Ref;
use crate::signature::opaque;
use crate::store::{StoreObject, StoreState};
use crate::text::text_of;
use std::ffi::c_char;
use std::ops::Deref;
use std::ptr::NonNull;
use std::sync::{Arc, Mutex};
use wasmelt::Instance;

/// Who calls a host function.
pub(crate) struct Guest<'a> {
    pub(crate) state: &'a Arc<StoreState>,
    /// `None` if the host itself made the call.
    pub(crate) instance: Option<Instance>,
}

/// `wasmelt_caller_t`: valid during one call of a host function.
///
/// A store keeps what it has made for later calls, so that C can be told when it uses one too late. During a later call
/// that got the same one it cannot: then it is that call's caller, of the same store.
#[derive(Default)]
pub(crate) struct CallerObject {
    /// `None` when the host function has returned.
    active: Mutex<Option<Active>>,
}

opaque!(CallerObject);

/// What is known of a caller during the call.
struct Active {
    store: StoreObject,
    instance: Option<Instance>,
}

/// Makes a caller active for as long as this exists.
pub(crate) struct ActiveCaller<'a> {
    caller: Arc<CallerObject>,
    state: &'a StoreState,
}

impl<'a> ActiveCaller<'a> {
    pub(crate) fn new(guest: &Guest<'a>) -> Self {
        let caller = guest.state.spare_caller();
        *lock(&caller.active) = Some(Active {
            store: StoreObject::of(Arc::clone(guest.state)),
            instance: guest.instance,
        });
        Self {
            caller,
            state: guest.state,
        }
    }
}

impl Deref for ActiveCaller<'_> {
    type Target = CallerObject;

    fn deref(&self) -> &CallerObject {
        &self.caller
    }
}

impl Drop for ActiveCaller<'_> {
    fn drop(&mut self) {
        *lock(&self.caller.active) = None;
        self.state.spare(Arc::clone(&self.caller));
    }
}

/// Asks a caller that is active.
fn ask<R>(
    caller: Option<&CallerObject>,
    question: impl FnOnce(&Active) -> R,
) -> Result<R, Failure> {
    let active = lock(&caller.ok_or_else(|| Failure::null("caller"))?.active);
    let active = active.as_ref().ok_or_else(|| {
        Failure::usage("the host function that the caller was passed to has returned")
    })?;
    Ok(question(active))
}

export! { EXPORTS;
    fn wasmelt_caller_store(caller: Option<&CallerObject>) -> Option<NonNull<StoreObject>> {
        Ok(Some(ask(caller, |active| NonNull::from(&active.store))?))
    }

    fn wasmelt_caller_export(caller: Option<&CallerObject>, name: *const c_char) -> Option<Box<Ref>> {
        let (state, instance) = ask(caller, |active| {
            (Arc::clone(active.store.state()), active.instance)
        })?;
        // SAFETY: C passes a string or null.
        let name = unsafe { text_of(name) }?;
        let found = state.with(|ctx| {
            Ok(instance.and_then(|instance| instance.get_export(&ctx, name)))
        })?;
        Ok(found.map(|item| Ref::of_extern(item, &state)))
    }
}
