//! Traps: why a call ended abnormally, and where in the guest.
#![allow(unsafe_code, reason = "exports functions by unmangled names")]

use crate::engine::lock;
use crate::export::export;
use crate::failure::{Failure, code_number};
use crate::frame::{Frame, FramePlace, Frames};
use crate::host_info::HostInfo;
use crate::object::Object;
use crate::reference::Ref;
use crate::store::{self, StoreObject, StoreState};
use crate::vec::{ByteVec, CVec, Out, emptied};
use std::fmt;
use std::sync::{Arc, Mutex, Weak};
use wasmelt::errors::HostError;

/// What a `wasm_trap_t` refers to.
pub(crate) struct TrapObject {
    failure: Failure,
    /// Innermost first; more are added when it passes through an outer call of a guest.
    frames: Mutex<Vec<FramePlace>>,
    /// Where the frames' instances are.
    store: Weak<StoreState>,
    host_info: Mutex<HostInfo>,
}

/// A trap on its way through a guest that called a host function.
#[derive(Clone)]
struct Passing(Arc<TrapObject>);

impl fmt::Debug for Passing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Passing").field(&self.0.failure).finish()
    }
}

impl fmt::Display for Passing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.failure.fmt(f)
    }
}

impl HostError for Passing {}

impl TrapObject {
    pub(crate) fn new(failure: Failure, store: Weak<StoreState>) -> Arc<Self> {
        Arc::new(Self {
            failure,
            frames: Mutex::default(),
            store,
            host_info: Mutex::default(),
        })
    }

    pub(crate) fn host_info(&self) -> &Mutex<HostInfo> {
        &self.host_info
    }

    /// The trap that ended a call: a new one, or the one that a host function returned.
    pub(crate) fn of(error: &wasmelt::Error, store: &Arc<StoreState>) -> Arc<Self> {
        let trap = match error.downcast_ref::<Passing>() {
            Some(Passing(trap)) => Arc::clone(trap),
            None => Self::new(Failure::from(error), Arc::downgrade(store)),
        };
        if let Some(backtrace) = error.backtrace() {
            let frames = FramePlace::all_of(backtrace, store);
            lock(&trap.frames).extend(frames);
        }
        trap
    }

    fn frame(&self, place: &FramePlace) -> Box<Frame> {
        place.to_frame(self.store.upgrade().as_ref())
    }
}

/// The error by which a host function ends its guest's call, given the trap that C returned.
pub(crate) fn to_error(trap: &Ref) -> wasmelt::Error {
    match trap.object() {
        Object::Trap(trap) => wasmelt::Error::host(Passing(Arc::clone(trap))),
        _ => wasmelt::Error::new("a host function returned something else than a trap"),
    }
}

/// A reference to a trap that tells a failure.
pub(crate) fn boxed(failure: Failure, store: Weak<StoreState>) -> Box<Ref> {
    Ref::free(Object::Trap(TrapObject::new(failure, store)))
}

fn given(trap: Option<&Ref>) -> Result<&Arc<TrapObject>, Failure> {
    match trap.ok_or_else(|| Failure::null("trap"))?.object() {
        Object::Trap(trap) => Ok(trap),
        _ => Err(Failure::usage("the reference is to no trap")),
    }
}

export! { EXPORTS;
    fn wasm_trap_new(store: Option<&StoreObject>, message: Option<&ByteVec>) -> Option<Box<Ref>> {
        let store = store::given(store)?;
        let message = message.ok_or_else(|| Failure::null("message"))?.to_text()?;
        Ok(Some(boxed(Failure::host(message), Arc::downgrade(store))))
    }

    fn wasm_trap_message(trap: Option<&Ref>, out: Out<'_, ByteVec>) {
        let out = emptied(out, "message")?;
        *out = ByteVec::nul_terminated(&given(trap)?.failure.message);
        Ok(())
    }

    fn wasm_trap_origin(trap: Option<&Ref>) -> Option<Box<Frame>> {
        let trap = given(trap)?;
        let innermost = lock(&trap.frames).first().cloned();
        Ok(innermost.map(|place| trap.frame(&place)))
    }

    fn wasm_trap_trace(trap: Option<&Ref>, out: Out<'_, Frames>) {
        let out = emptied(out, "frames")?;
        let trap = given(trap)?;
        let places = lock(&trap.frames).clone();
        let frames: Vec<_> = places.iter().map(|place| Some(trap.frame(place))).collect();
        *out = CVec::collected(frames)?;
        Ok(())
    }

    fn wasmelt_trap_code(trap: Option<&Ref>) -> u8 {
        Ok(code_number(&given(trap)?.failure))
    }

    fn wasmelt_trap_fault(trap: Option<&Ref>) -> u8 {
        Ok(given(trap)?.failure.fault as u8)
    }

    fn wasmelt_trap_is_deterministic(trap: Option<&Ref>) -> bool {
        Ok(given(trap)?.failure.is_deterministic)
    }
}
