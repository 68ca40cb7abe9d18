//! The machine: everything that compiled code touches, and all unsafe code of this crate.
//!
//! | module | what it is |
//! |---|---|
//! | `instance_block` | the block around vmctx |
//! | `instantiate` | fills such a block, as the specification's instantiation says |
//! | `reset` | makes an instance as good as new |
//! | `relink` | switches an import to another function |
//! | `memory`, `table`, `global` | what instances share |
//! | `store_vm` | the part of a store that compiled code reaches |
//! | `signature` | canonical ids of function types |
//! | `activation`, `entry`, `stack` | from the host into compiled code and back |
//! | `coroutine` | calls that can be paused, on stacks of their own |
//! | `host` | from compiled code into host functions and back |
//! | `libcalls` | what compiled code calls by position |
//! | `signals` | traps that arrive as signals |
//! | `fuel` | what compiled code has in a register of it, and the rest |
//! | `interrupt` | stops a guest from another thread |
//! | `unwind` | the addresses of a backtrace |
//! | `pool` | reservations that are used again |
//! | `os` | system calls |
//!
//! `docs/unsafe.md` says what each one relies on.

mod activation;
mod coroutine;
mod entry;
mod fuel;
mod global;
mod host;
mod instance_block;
mod instantiate;
mod interrupt;
mod libcalls;
mod memory;
mod os;
mod pool;
mod relink;
mod reset;
mod signals;
mod signature;
mod stack;
mod store_vm;
mod table;
mod unwind;

pub(crate) use self::{
    coroutine::{PausedCall, Progress, StackPool, start as start_resumable},
    entry::{AbiResult, AbiValue, EnterWasm, TypedEntry, call_dynamic},
    host::HostFuncDefinition,
    instantiate::instantiate,
    memory::can_reserve_guard_memory,
    os::address_space_limit,
    pool::MemoryPool,
    reset::reset,
    signals::install_signal_handlers,
    signature::canonical_signature_id,
    store_vm::{FuncIndex, GlobalIndex, StoreVm},
};
pub use self::{host::IntoFunc, interrupt::InterruptHandle};
