//! Traps: why a call ended abnormally, and where in the guest.
#![allow(unsafe_code, reason = "exports functions by unmangled names")]

use crate::export::export;
use crate::failure::{Failure, code_number};
use crate::frame::{Frame, FramePlace, Frames};
use crate::host_info::HostInfo;
use crate::object::Object;
use crate::reference::Ref;
use crate::store::{self, StoreObject, StoreState};
use crate::vec::{ByteVec, CVec, Out, emptied};
use std::fmt;
use std::sync::{Arc, Mutex};
use wasmelt::errors::HostError;

/// What a `wasm_trap_t` refers to.
///
/// It never changes. What passed through a guest is a new one, with more frames: the host may have kept the one that it
/// returned, and return it again.
pub(crate) struct TrapObject {
    cause: Arc<Cause>,
    /// Innermost first.
    frames: Vec<FramePlace>,
}

/// What a trap has in common with those that it becomes on its way out.
struct Cause {
    failure: Failure,
    host_info: Mutex<HostInfo>,
}

/// A trap on its way through a guest that called a host function.
#[derive(Clone)]
struct Passing(Arc<TrapObject>);

impl fmt::Debug for Passing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Passing").field(self.0.failure()).finish()
    }
}

impl fmt::Display for Passing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.failure().fmt(f)
    }
}

impl HostError for Passing {}

impl TrapObject {
    /// A trap outside every guest.
    pub(crate) fn new(failure: Failure) -> Self {
        Self {
            cause: Arc::new(Cause {
                failure,
                host_info: Mutex::default(),
            }),
            frames: Vec::new(),
        }
    }

    pub(crate) fn failure(&self) -> &Failure {
        &self.cause.failure
    }

    pub(crate) fn host_info(&self) -> &Mutex<HostInfo> {
        &self.cause.host_info
    }

    /// The trap that ended a call: the guest's own, or the one that a host function returned, with the frames that it
    /// has passed since.
    pub(crate) fn of(error: &wasmelt::Error, store: &Arc<StoreState>) -> Self {
        let mut trap = match error.downcast_ref::<Passing>() {
            Some(Passing(inner)) => Self {
                cause: Arc::clone(&inner.cause),
                frames: inner.frames.clone(),
            },
            None => Self::new(Failure::from(error)),
        };
        if let Some(backtrace) = error.backtrace() {
            trap.frames.extend(FramePlace::all_of(backtrace, store));
        }
        trap
    }

    /// A reference to it.
    pub(crate) fn boxed(self) -> Box<Ref> {
        Ref::free(Object::Trap(Arc::new(self)))
    }
}

/// The error by which a host function ends its guest's call, given the trap that C returned.
pub(crate) fn to_error(trap: &Ref) -> wasmelt::Error {
    match trap.object() {
        Object::Trap(trap) => wasmelt::Error::host(Passing(Arc::clone(trap))),
        _ => wasmelt::Error::new("a host function returned something else than a trap"),
    }
}

fn given(trap: Option<&Ref>) -> Result<&Arc<TrapObject>, Failure> {
    match trap.ok_or_else(|| Failure::null("trap"))?.object() {
        Object::Trap(trap) => Ok(trap),
        _ => Err(Failure::usage("the reference is to no trap")),
    }
}

export! { EXPORTS;
    fn wasm_trap_new(store: Option<&StoreObject>, message: Option<&ByteVec>) -> Option<Box<Ref>> {
        store::given(store)?;
        let message = message.ok_or_else(|| Failure::null("message"))?.to_text();
        Ok(Some(TrapObject::new(Failure::host(message)).boxed()))
    }

    fn wasm_trap_message(trap: Option<&Ref>, out: Out<'_, ByteVec>) {
        let out = emptied(out, "message")?;
        *out = ByteVec::nul_terminated(&given(trap)?.failure().message);
        Ok(())
    }

    fn wasm_trap_origin(trap: Option<&Ref>) -> Option<Box<Frame>> {
        Ok(given(trap)?.frames.first().map(FramePlace::to_frame))
    }

    fn wasm_trap_trace(trap: Option<&Ref>, out: Out<'_, Frames>) {
        let out = emptied(out, "frames")?;
        let frames = given(trap)?.frames.iter();
        *out = CVec::collected(frames.map(|place| Some(place.to_frame())))?;
        Ok(())
    }

    fn wasmelt_trap_code(trap: Option<&Ref>) -> u8 {
        Ok(code_number(given(trap)?.failure()))
    }

    fn wasmelt_trap_fault(trap: Option<&Ref>) -> u8 {
        Ok(given(trap)?.failure().fault as u8)
    }

    fn wasmelt_trap_is_deterministic(trap: Option<&Ref>) -> bool {
        Ok(given(trap)?.failure().is_deterministic)
    }
}
