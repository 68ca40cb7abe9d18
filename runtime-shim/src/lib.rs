//! Runs ahead-of-time compiled WebAssembly behind the interface of an interpreter.
//!
//! # For whom
//!
//! For hosts that run WebAssembly MVP modules and want machine code: compiled in this process, or
//! beforehand into artifacts that are loaded like shared objects. Names, signatures and trait
//! bounds are those of the interpreter wasmi 2.0, so that a host exchanges one `use` line.
//!
//! It is not for modules that need later proposals, and it runs on Linux on x86-64 with glibc
//! only.
//!
//! # Example
//!
//! ```
//! use wasmelt::{Caller, Engine, Linker, Module, Store};
//!
//! // The host's data, one per store.
//! struct Host {
//!     greetings: u32,
//! }
//!
//! let engine = Engine::default();
//! let module = Module::new(&engine, r#"
//!     (module
//!         (import "host" "greet" (func $greet (param i32)))
//!         (func (export "run")
//!             i32.const 3
//!             call $greet))
//! "#)?;
//!
//! let mut linker = Linker::new(&engine);
//! linker.func_wrap("host", "greet", |mut caller: Caller<'_, Host>, times: u32| {
//!     caller.data_mut().greetings += times;
//! })?;
//!
//! let mut store = Store::new(&engine, Host { greetings: 0 });
//! let instance = linker.instantiate_and_start(&mut store, &module)?;
//! instance.get_typed_func::<(), ()>(&store, "run")?.call(&mut store, ())?;
//! assert_eq!(store.data().greetings, 3);
//! # Ok::<(), wasmelt::Error>(())
//! ```
//!
//! # Beyond an interpreter
//!
//! - [`Module::compile`] gives the bytes of an artifact, and [`Module::load`] loads one, which
//!   demands a reason to trust it ([`Trust`]). [`Module::from_static`] takes a module that is
//!   linked into the program.
//! - [`Config::cache`] keeps compiled modules on disk, and [`Module::origin`] says where one came
//!   from.
//! - Traps arrive as signals unless [`Config::signals`] says no. Handlers pass on every signal
//!   that is not a guest's.
//! - [`Error::backtrace`] names the guest's functions.
//! - [`Error::fault_kind`] says whose fault an error is, and [`Error::is_deterministic`] whether other
//!   nodes may be expected to have met it; `docs/errors.md` has a table of all errors.
//!
//! # Crate features
//!
//! | feature | default | what it brings |
//! |---|---|---|
//! | `compile` | yes | `Module::new`, `Module::compile`: the compiler, with Cranelift and wasmparser |
//! | `cache` | yes | `Config::cache` |
//! | `wat` | yes | `compile`, and `Module::new` also takes the text format |
//! | `std`, `validate` | yes | `compile`; without, there is a host that compiles nothing |
//! | `tracing` | no | spans and events of the crate `tracing`, which `docs/tracing.md` lists |
//! | `deterministic` | no | [`Config::nan_canonicalization`] is on by default |
//! | `extra-checks` | no | Cranelift's verifier looks at what `Module::new` compiles, a third slower |
//!
//! The other features of wasmi exist and have no effect: `auto-dispatch`, `indirect-dispatch`, `portable-dispatch`,
//! `debug`, `hash-collections`, `libm`, `memory64`, `prefer-btree-collections`, `simd`, `stable`, `unstable`.
//!
//! Without default features a host runs artifacts that were compiled elsewhere and ships no compiler. A manifest
//! that was written for wasmi with `default-features = false` needs `features = ["std"]` to have `Module::new`.

#[macro_use]
mod trace;
#[macro_use]
mod tuples;

mod backtrace;
mod config;
mod costs;
mod deadline;
mod demangle;
mod enforced_limits;
mod engine;
mod error;
mod fault;
mod float;
mod func;
mod global;
mod instance;
mod limits;
mod linker;
mod memory;
mod module;
mod read;
mod reference;
mod resumable;
mod source;
mod store;
mod table;
mod types;
mod value;
mod vm;

pub mod errors;
pub mod mock;

pub use crate::{
    backtrace::{FrameSymbol, WasmBacktrace, WasmFrame},
    config::{BoundsChecks, CompilationMode, Config, PoolConfig},
    costs::CustomFuelCosts,
    deadline::Deadline,
    enforced_limits::EnforcedLimits,
    engine::{Engine, EngineWeak},
    error::Error,
    float::{F32, F64},
    func::{
        Caller, Func, IntoFunc, TypedFunc, WasmParams, WasmResults, WasmRet, WasmTy, WasmTyList,
    },
    global::Global,
    instance::{Export, ExportsIter, Extern, Instance},
    limits::{ResourceLimiter, StoreLimits, StoreLimitsBuilder},
    linker::{InstancePre, Linker},
    memory::Memory,
    module::{
        CustomSection, CustomSectionsIter, DataSegment, DataSegmentsIter, ExportType, ImportType,
        Module, ModuleExportsIter, ModuleImportsIter, Origin, SegmentOffset,
    },
    read::Read,
    reference::{ExternRef, Nullable, Ref, RefType},
    resumable::{
        ResumableCall, ResumableCallHostTrap, ResumableCallOutOfFuel, TypedResumableCall,
        TypedResumableCallHostTrap, TypedResumableCallOutOfFuel,
    },
    source::Source,
    store::{AsContext, AsContextMut, CallHook, Store, StoreContext, StoreContextMut},
    table::Table,
    types::{
        ExternType, FuncType, GlobalType, MemoryType, MemoryTypeBuilder, Mutability, TableType,
    },
    value::{V128, Val, ValType},
    vm::InterruptHandle,
};
pub use wasmelt_abi::{
    CodegenOptions, CpuLevel, DebugInfo, FaultKind, FuelSchedule, OperatorCost, OptLevel, Preset,
    TrapCode,
};
#[cfg(feature = "cache")]
pub use wasmelt_cache::{Cache, Mode as CacheMode};
#[cfg(feature = "compile")]
pub use wasmelt_compiler::Progress;
pub use wasmelt_loader::{StaticDescriptor, Trust};
