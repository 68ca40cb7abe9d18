//! What the host attaches to an object, and how it learns that the object is gone.
#![allow(unsafe_code, reason = "calls C's finalizers")]

use std::ffi::c_void;
use std::ptr;

/// `void (*)(void*)`.
pub(crate) type Finalizer = unsafe extern "C" fn(*mut c_void);

/// A pointer of the host's, and what to call with it in the end.
#[derive(Debug)]
pub(crate) struct HostInfo {
    data: *mut c_void,
    finalizer: Option<Finalizer>,
}

// SAFETY: the pointer is only passed on; whoever attached it knows that the object may go to other threads.
unsafe impl Send for HostInfo {}
// SAFETY: as above.
unsafe impl Sync for HostInfo {}

impl Default for HostInfo {
    fn default() -> Self {
        Self::new(ptr::null_mut(), None)
    }
}

impl HostInfo {
    pub(crate) fn new(data: *mut c_void, finalizer: Option<Finalizer>) -> Self {
        Self { data, finalizer }
    }

    pub(crate) fn data(&self) -> *mut c_void {
        self.data
    }
}

impl Drop for HostInfo {
    fn drop(&mut self) {
        if let Some(finalizer) = self.finalizer.take() {
            // SAFETY: C gave both, for this.
            unsafe { finalizer(self.data) };
        }
    }
}
