//! Frames of traps: which function of the guest was at which instruction.
#![allow(unsafe_code, reason = "exports functions by unmangled names")]

use crate::code::body_offset;
use crate::export::export;
use crate::failure::Failure;
use crate::live::{Counted, Kind};
use crate::object::Object;
use crate::reference::Ref;
use crate::signature::opaque;
use crate::store::StoreState;
use crate::vec::{ByteVec, CVec, declare_vec};
use std::sync::{Arc, Weak};
use wasmelt::{Instance, Module, WasmBacktrace, WasmFrame};

/// What a trap keeps of a frame. It does not keep the store alive.
#[derive(Clone)]
pub(crate) struct FramePlace {
    frame: WasmFrame,
    func_offset: Option<usize>,
    instance: Option<Instance>,
    /// Where the instance is. Frames of one trap may be of several stores.
    store: Weak<StoreState>,
}

impl FramePlace {
    pub(crate) fn all_of(backtrace: &WasmBacktrace, store: &Arc<StoreState>) -> Vec<Self> {
        let frames = backtrace.frames().into_iter().zip(backtrace.modules());
        frames
            .map(|(frame, module)| Self {
                func_offset: func_offset(&module, &frame, store),
                instance: store.only_instance_of(&module),
                store: Arc::downgrade(store),
                frame,
            })
            .collect()
    }

    pub(crate) fn to_frame(&self) -> Box<Frame> {
        let name = |name: Option<&str>| name.map(ByteVec::nul_terminated);
        let instance = self.instance.zip(self.store.upgrade());
        let module_offset = self.frame.wasm_offset();
        Box::new(Frame {
            instance: instance
                .map(|(instance, store)| Ref::in_store(Object::Instance(instance), &store)),
            func_index: self.frame.func_index(),
            func_offset: self.func_offset.unwrap_or(UNKNOWN),
            module_offset: module_offset
                .and_then(|offset| usize::try_from(offset).ok())
                .unwrap_or(UNKNOWN),
            func_name: name(self.frame.func_name()),
            module_name: name(self.frame.module_name()),
            _counted: Counted::new(Kind::Frame),
        })
    }
}

/// An offset that nobody knows.
const UNKNOWN: usize = usize::MAX;

/// Offset of a frame's instruction in the body of its function, if the module was compiled here.
fn func_offset(module: &Module, frame: &WasmFrame, store: &StoreState) -> Option<usize> {
    let imported = module.library().manifest().imported_function_count;
    let defined = frame.func_index().checked_sub(imported)?;
    let start = body_offset(&store.wasm_of(module)?, defined)?;
    let offset = usize::try_from(frame.wasm_offset()?).ok()?;
    offset.checked_sub(start)
}

/// `wasm_frame_t`.
#[derive(Clone)]
pub(crate) struct Frame {
    instance: Option<Box<Ref>>,
    func_index: u32,
    func_offset: usize,
    module_offset: usize,
    func_name: Option<ByteVec>,
    module_name: Option<ByteVec>,
    _counted: Counted,
}

opaque!(Frame);

/// `wasm_frame_vec_t`.
pub(crate) type Frames = CVec<Option<Box<Frame>>>;

declare_vec!(vec, "frame", Option<Box<Frame>>);

fn given(frame: Option<&Frame>) -> Result<&Frame, Failure> {
    frame.ok_or_else(|| Failure::null("frame"))
}

export! { EXPORTS;
    fn wasm_frame_delete(frame: Option<Box<Frame>>) {
        drop(frame);
        Ok(())
    }

    fn wasm_frame_copy(frame: Option<&Frame>) -> Option<Box<Frame>> {
        Ok(Some(Box::new(given(frame)?.clone())))
    }

    fn wasm_frame_instance(frame: Option<&Frame>) -> Option<&Ref> {
        Ok(given(frame)?.instance.as_deref())
    }

    fn wasm_frame_func_index(frame: Option<&Frame>) -> u32 {
        Ok(given(frame)?.func_index)
    }

    fn wasm_frame_func_offset(frame: Option<&Frame>) -> usize {
        Ok(given(frame)?.func_offset)
    }

    fn wasm_frame_module_offset(frame: Option<&Frame>) -> usize {
        Ok(given(frame)?.module_offset)
    }

    fn wasmelt_frame_func_name(frame: Option<&Frame>) -> Option<&ByteVec> {
        Ok(given(frame)?.func_name.as_ref())
    }

    fn wasmelt_frame_module_name(frame: Option<&Frame>) -> Option<&ByteVec> {
        Ok(given(frame)?.module_name.as_ref())
    }
}
