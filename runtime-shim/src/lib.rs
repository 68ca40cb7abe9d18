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
//! # Embed in ten lines
//!
//! ```
//! use wasmelt::{Engine, Linker, Module, Store};
//!
//! let wat = r#"(module (func (export "add") (param i32 i32) (result i32)
//!     (i32.add (local.get 0) (local.get 1))))"#;
//!
//! let engine = Engine::default();
//! let module = Module::new(&engine, wat)?;
//! let mut store = Store::new(&engine, ());
//! let instance = Linker::new(&engine).instantiate_and_start(&mut store, &module)?;
//! let add = instance.get_typed_func::<(i32, i32), i32>(&store, "add")?;
//! assert_eq!(add.call(&mut store, (1, 2))?, 3);
//! # Ok::<(), wasmelt::Error>(())
//! ```
//!
//! Host functions are closures, whose types decide those of the imports. They reach the host's data, and the memory
//! of the guest that calls, by a [`Caller`]:
//!
//! ```
//! use wasmelt::{Caller, Engine, Error, Linker, Module, Store};
//!
//! let engine = Engine::default();
//! let module = Module::new(&engine, r#"
//!     (module
//!         (import "host" "log" (func $log (param i32 i32)))
//!         (memory (export "memory") 1)
//!         (data (i32.const 16) "hello")
//!         (func (export "run") (call $log (i32.const 16) (i32.const 5))))
//! "#)?;
//!
//! let mut linker = Linker::<Vec<String>>::new(&engine);
//! linker.func_wrap("host", "log", |mut caller: Caller<'_, Vec<String>>, at: u32, len: u32| {
//!     let memory = caller.get_export("memory").and_then(|export| export.into_memory());
//!     let memory = memory.ok_or_else(|| Error::new("the guest exports no memory"))?;
//!     let mut bytes = vec![0; len as usize];
//!     memory.read(&caller, at as usize, &mut bytes)?;
//!     caller.data_mut().push(String::from_utf8_lossy(&bytes).into_owned());
//!     Ok::<(), Error>(())
//! })?;
//!
//! let mut store = Store::new(&engine, Vec::new());
//! let instance = linker.instantiate_and_start(&mut store, &module)?;
//! instance.get_typed_func::<(), ()>(&store, "run")?.call(&mut store, ())?;
//! assert_eq!(store.data()[..], ["hello"]);
//! # Ok::<(), wasmelt::Error>(())
//! ```
//!
//! # Switch from wasmi
//!
//! One line of a manifest changes; the sources stay as they are:
//!
//! ```toml
//! wasmi = { package = "wasmelt", version = "0.1" }
//! ```
//!
//! `docs/switching-from-wasmi.md` says what will be refused, what compilation costs beside translation, and when an
//! interpreter is the better choice; `docs/wasmi-compatibility.md` has a row for each public item of wasmi 2.0.0.
//!
//! # Precompile and ship
//!
//! [`Module::compile`] gives the bytes of an artifact: an ELF shared object that runs on any machine of the
//! [CPU level](CpuLevel) it was compiled for. A host that only loads artifacts needs no compiler: it leaves out the
//! feature `compile`.
//!
//! ```
//! use wasmelt::{Engine, Module, Trust};
//!
//! let engine = Engine::default();
//! // On the machine that compiles. The digest travels by a way that is trusted.
//! let artifact = Module::compile(&engine, r#"(module (func (export "f")))"#)?;
//! let digest = Module::artifact_digest(&artifact)?;
//!
//! // On the machine that runs.
//! let module = Module::load(&engine, &artifact, &Trust::Digest(digest))?;
//! assert!(module.get_export("f").is_some());
//! # Ok::<(), wasmelt::Error>(())
//! ```
//!
//! [`Config::cache`] keeps what [`Module::new`] compiles on disk, and [`Module::origin`] says where a module came from.
//! [`Module::from_static`] takes a module that is linked into the program as an object.
//!
//! # Trust
//!
//! An artifact is machine code that runs with all rights of the process. So [`Module::load`] demands a reason to trust
//! it, a [`Trust`], and checks its form besides: before anything of it is mapped, every byte that the dynamic linker
//! would read is compared with what the compiler writes. Without a reason there is only the unsafe
//! [`Module::load_unchecked`]. What is checked and what is not is in `docs/trust.md`.
//!
//! # Meter
//!
//! With [`Config::consume_fuel`], compiled code counts what it does. The number follows from the module alone: it is the
//! same on every machine, for every option, at every return and every trap. `docs/fuel.md` has the schedule;
//! [`Config::operator_cost`] changes what operators cost.
//!
//! ```
//! use wasmelt::{Config, Engine, Instance, Module, Store, TrapCode};
//!
//! let mut config = Config::new();
//! config.consume_fuel(true);
//! let engine = Engine::new(&config);
//! let module = Module::new(&engine, r#"(module (func (export "forever") (loop (br 0))))"#)?;
//! let mut store = Store::new(&engine, ());
//! store.set_fuel(1_000_000)?;
//! let instance = Instance::new(&mut store, &module, &[])?;
//! let forever = instance.get_typed_func::<(), ()>(&store, "forever")?;
//! let error = forever.call(&mut store, ()).unwrap_err();
//! assert_eq!(error.as_trap_code(), Some(TrapCode::OutOfFuel));
//! assert!(error.is_deterministic());
//! # Ok::<(), wasmelt::Error>(())
//! ```
//!
//! # Limit, stop, pause
//!
//! | what | by | docs |
//! |---|---|---|
//! | what a module may declare | [`Config::enforced_limits`] | `docs/limits.md` |
//! | memory, tables, instances | [`StoreLimits`], or a [`ResourceLimiter`] of one's own | |
//! | active calls, the same on every machine | [`Config::set_max_recursion_depth`] | |
//! | stack | [`Config::max_wasm_stack`] | |
//! | time | [`Store::deadline`], or an [`InterruptHandle`] that any thread may use | |
//!
//! [`Func::call_resumable`] makes a call that waits where it would have failed: when a host function returns an error, or
//! fuel runs out. It goes on later, on any thread.
//!
//! # Use again, and replace
//!
//! [`Instance::reset`] makes an instance as good as new. [`InstancePre`] looks imports up once for many instances, whose
//! memories come from a [pool](Config::pool). [`Instance::link`] switches an import while the instance lives.
//! [`mock::MockHost`] answers imports by a script, for tests.
//!
//! # When something fails
//!
//! Every operation gives an [`Error`]. [`Error::kind`] says what happened, and [`Error::backtrace`] where in the guest:
//! functions with their names, offsets in the module, and lines of source where the module has debug information
//! ([`Config::debug_info`]). [`Error::fault_kind`] says whose fault it is, and [`Error::is_deterministic`] whether other
//! nodes may be expected to have met it; `docs/errors.md` lists all. `perf` and `gdb` show a guest's functions by their
//! names without further ado (`docs/debugging.md`). With the feature `tracing`, spans and events tell what is done
//! (`docs/tracing.md`); with the feature `metrics`, it is counted (`docs/metrics.md`).
//!
//! Traps arrive as signals unless [`Config::signals`] says no. Handlers pass on every signal that is not a guest's.
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
//! | `metrics` | no | counters and histograms through the facade `metrics`, which `docs/metrics.md` lists |
//! | `deterministic` | no | [`Config::nan_canonicalization`] is on by default |
//! | `extra-checks` | no | Cranelift's verifier looks at what `Module::new` compiles, a third slower |
//!
//! The other features of wasmi exist and have no effect: `auto-dispatch`, `indirect-dispatch`, `portable-dispatch`,
//! `debug`, `hash-collections`, `libm`, `memory64`, `prefer-btree-collections`, `simd`, `stable`, `unstable`.
//!
//! Without default features a host runs artifacts that were compiled elsewhere and ships no compiler. A manifest
//! that was written for wasmi with `default-features = false` needs `features = ["std"]` to have `Module::new`.

#[macro_use]
mod metrics;
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
#[cfg(feature = "cache")]
pub use config::CacheFailure;
pub use wasmelt_abi::{
    CodegenOptions, CpuLevel, DebugInfo, FaultKind, FuelSchedule, OperatorCost, OptLevel, Preset,
    TrapCode,
};
#[cfg(feature = "cache")]
pub use wasmelt_cache::{
    Cache, CacheOptions, CacheStats, EntryInfo, EvictLimits, Evicted, Key as CacheKey,
    Mode as CacheMode, user_default_folder as default_cache_folder,
};
#[cfg(feature = "compile")]
pub use wasmelt_compiler::Progress;
pub use wasmelt_loader::{KeyError, KeyTrust, SignerKey, StaticDescriptor, Trust};
