//! Collects the addresses of a backtrace.
//!
//! Compiled code always keeps frame pointers, so its frames are a list: `[frame]` is the next
//! frame, `[frame + 8]` the return address. Host functions need not keep them; the system's
//! unwinder skips their frames.
#![allow(unsafe_code, reason = "reads frames of the running stack")]

use super::{activation::Activation, store_vm::StoreBlock};
use crate::{
    backtrace::{CodeAddress, MAX_FRAMES, WasmBacktrace},
    module::Module,
};
use core::ffi::{c_int, c_void};

/// Addresses of one activation, innermost first.
#[derive(Debug, Default)]
pub(super) struct Frames {
    /// The instruction that faulted, where it is known exactly.
    fault_pc: Option<usize>,
    return_addresses: Vec<usize>,
    is_truncated: bool,
}

/// Follows the chain of frames from `frame` to the entry trampoline's.
///
/// # Safety
///
/// - The frames from `frame` to `entry_frame` are those of compiled code on this stack.
pub(super) unsafe fn walk(fault_pc: Option<usize>, frame: usize, entry_frame: usize) -> Frames {
    let mut frames = Frames {
        fault_pc,
        ..Frames::default()
    };
    let mut frame = frame;
    while frame != entry_frame && frame != 0 {
        if frames.return_addresses.len() == MAX_FRAMES {
            frames.is_truncated = true;
            break;
        }
        let words: *const [usize; 2] = core::ptr::with_exposed_provenance(frame);
        // SAFETY: the caller promises that this is a frame of compiled code.
        let [next, return_address] = unsafe { words.read() };
        frames.return_addresses.push(return_address);
        frame = next;
    }
    // The last return address is the entry trampoline's: it is in no module, and `resolve` skips
    // it.
    frames
}

/// The frames of compiled code below a host function, called from that function.
///
/// # Safety
///
/// - `activation` is the innermost one of this thread.
pub(super) unsafe fn walk_from_host(activation: &Activation) -> Frames {
    let mut search = Search {
        // SAFETY: the block lives as long as the activation.
        block: unsafe { &*activation.block },
        found: None,
    };
    // SAFETY: the callback fits, and gets the pointer it expects.
    unsafe { _Unwind_Backtrace(find_compiled_frame, (&raw mut search).cast()) };
    let Some((pc, frame)) = search.found else {
        return Frames::default();
    };
    // SAFETY: the unwinder found the frame in a function of this store's modules.
    let mut frames = unsafe { walk(None, frame, activation.entry_frame()) };
    frames.return_addresses.insert(0, pc);
    frames
}

struct Search<'a> {
    block: &'a StoreBlock,
    /// Return address into compiled code, and the frame it belongs to.
    found: Option<(usize, usize)>,
}

/// DWARF's number of rbp on x86-64.
const FRAME_POINTER: c_int = 6;
/// `_URC_NO_REASON`: go on.
const GO_ON: c_int = 0;
/// `_URC_NORMAL_STOP`.
const STOP: c_int = 4;

unsafe extern "C" {
    fn _Unwind_Backtrace(
        callback: extern "C" fn(*mut c_void, *mut c_void) -> c_int,
        argument: *mut c_void,
    ) -> c_int;
    fn _Unwind_GetIP(context: *mut c_void) -> usize;
    fn _Unwind_GetGR(context: *mut c_void, register: c_int) -> usize;
}

extern "C" fn find_compiled_frame(context: *mut c_void, argument: *mut c_void) -> c_int {
    let search: *mut Search<'_> = argument.cast();
    // SAFETY: the unwinder hands us what `walk_from_host` gave it, and a context that is valid
    // during the call.
    let (search, pc, frame) = unsafe {
        (
            &mut *search,
            _Unwind_GetIP(context),
            _Unwind_GetGR(context, FRAME_POINTER),
        )
    };
    if search.block.lookup_code(pc).is_none() {
        return GO_ON;
    }
    search.found = Some((pc, frame));
    STOP
}

/// The function at an address; none for a stub.
fn lookup_function(block: &StoreBlock, pc: usize) -> Option<(&Module, CodeAddress)> {
    let (module, text_offset) = block.lookup_code(pc)?;
    let (defined_func, start) = module.library().lookup_function(text_offset)?;
    let address = CodeAddress {
        defined_func,
        function_offset: text_offset - start,
    };
    Some((module, address))
}

impl Frames {
    /// Fuel that the innermost function had charged and not yet subtracted.
    pub(super) fn pending_fuel(&self, block: &StoreBlock) -> u32 {
        let lookup = |pc: usize, distance: usize| {
            let (module, address) = lookup_function(block, pc - distance)?;
            let offsets = module.library().offset_map();
            Some(offsets.pending_fuel(address.defined_func, address.function_offset))
        };
        let fault = self.fault_pc.and_then(|pc| lookup(pc, 0));
        // The first return address may be in a stub.
        let mut callers = self.return_addresses.iter().filter_map(|pc| lookup(*pc, 1));
        fault.or_else(|| callers.next()).unwrap_or_default()
    }

    /// The functions at the addresses. Addresses in no function, such as those in stubs, are left
    /// out.
    pub(super) fn resolve(self, block: &StoreBlock) -> WasmBacktrace {
        let lookup = |pc: usize, distance: usize| {
            let (module, address) = lookup_function(block, pc - distance)?;
            Some((module.clone(), address))
        };
        // A return address may be the first one behind its function: the call is before it.
        let callers = self.return_addresses.iter().filter_map(|pc| lookup(*pc, 1));
        let fault = self.fault_pc.and_then(|pc| lookup(pc, 0));
        WasmBacktrace::new(
            fault.into_iter().chain(callers).collect(),
            self.is_truncated,
        )
    }
}
