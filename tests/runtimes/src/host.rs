//! Instantiates and calls runtimes: the part of the host that touches the engine.
//!
//! Compiled once per engine; `super::engine` is the engine's crate.

use std::sync::Arc;

use super::engine::{
    AsContextMut, Caller, Error, Extern, ExternType, FuncType, Instance, Linker, Memory,
    MemoryType, Module, Store, Val, ValType,
};
use crate::calls::{CallType, HostCall};
use crate::engines::LoadedRuntime;
use crate::report::{CallError, CallOptions, CallReport, SetupError};
use crate::state::{CallState, HostError, HostKind, read};

/// The module and name under which runtimes import or export their memory.
const MEMORY: &str = "memory";
/// The exported global that says where the heap starts.
const HEAP_BASE: &str = "__heap_base";

impl super::engine::errors::HostError for HostError {}

/// A runtime that is ready to be instantiated.
pub struct Runtime {
    module: Module,
}

/// What the engine's store holds during a call.
struct StoreData {
    /// The host; taken out while it answers.
    call: Option<CallState>,
    /// The instance's memory, as soon as there is one.
    memory: Option<Memory>,
}

impl Runtime {
    /// A runtime that the engine has accepted.
    #[must_use]
    pub fn new(module: Module) -> Self {
        Self { module }
    }

    fn instantiate(&self, store: &mut Store<StoreData>) -> Result<(Instance, Memory), SetupError> {
        let engine_error = |error: Error| SetupError::Engine(error.to_string());
        let mut linker = Linker::new(self.module.engine());
        let mut imported_memory = None;
        for import in self.module.imports() {
            let (module, name) = (import.module(), import.name());
            match import.ty() {
                ExternType::Func(ty) => define_host_call(&mut linker, module, name, ty)?,
                ExternType::Memory(ty) if name == MEMORY => {
                    let minimum = ty
                        .minimum()
                        .try_into()
                        .expect("validated memories have at most 65536 pages");
                    let maximum = ty
                        .maximum()
                        .map(|pages| pages.try_into().expect("as the minimum"));
                    let memory = Memory::new(&mut *store, MemoryType::new(minimum, maximum))
                        .map_err(engine_error)?;
                    linker
                        .define(module, name, Extern::Memory(memory))
                        .map_err(|error| SetupError::Engine(error.to_string()))?;
                    imported_memory = Some(memory);
                }
                _ => {
                    return Err(SetupError::Import {
                        name: name.to_owned(),
                    });
                }
            }
        }
        let instance = linker
            .instantiate_and_start(&mut *store, &self.module)
            .map_err(engine_error)?;
        // An engine may turn the imported memory into a defined one, as nodes do; it is exported then.
        let memory = imported_memory
            .or_else(|| instance.get_memory(&*store, MEMORY))
            .ok_or(SetupError::NoMemory)?;
        Ok((instance, memory))
    }
}

impl LoadedRuntime for Runtime {
    fn exports(&self, name: &str) -> bool {
        self.module.get_export(name).is_some()
    }

    fn call(
        &self,
        name: &str,
        argument: &[u8],
        options: CallOptions,
    ) -> Result<CallReport, SetupError> {
        let mut store = Store::new(
            self.module.engine(),
            StoreData {
                call: None,
                memory: None,
            },
        );
        let (instance, memory) = self.instantiate(&mut store)?;
        let heap_base = instance
            .get_global(&store, HEAP_BASE)
            .and_then(|global| global.get(&store).i32())
            .ok_or(SetupError::NoHeapBase)?
            .cast_unsigned();
        store.data_mut().memory = Some(memory);
        store.data_mut().call = Some(CallState::new(options.kind, heap_base, options.max_pages));

        let result = enter(&mut store, &instance, memory, name, argument, heap_base);

        let pages = memory
            .size(&store)
            .try_into()
            .expect("memories have at most 65536 pages");
        let call = store
            .data_mut()
            .call
            .take()
            .expect("the host is put back after every host call");
        Ok(CallReport {
            result,
            trace: call.trace,
            pages,
            messages: call.messages,
        })
    }
}

/// Places the argument, calls the entry point, and reads what it returns.
fn enter(
    store: &mut Store<StoreData>,
    instance: &Instance,
    memory: Memory,
    name: &str,
    argument: &[u8],
    heap_base: u32,
) -> Result<Vec<u8>, CallError> {
    let entry = instance
        .get_typed_func::<(i32, i32), i64>(&*store, name)
        .map_err(|_| CallError::NoEntryPoint {
            name: name.to_owned(),
        })?;
    let pointer = with_host(&mut *store, |call, guest| match call.kind {
        HostKind::Full => call.place(guest, argument),
        HostKind::Bump => Ok(heap_base),
    })
    .map_err(CallError::Host)?;
    let len_bytes = i32::try_from(argument.len()).expect("arguments of tests are short");
    let packed = entry
        .call(&mut *store, (pointer.cast_signed(), len_bytes))
        .map_err(|error| call_error(&error))?
        .cast_unsigned();
    read(
        &GuestMemory {
            memory,
            max_pages: None,
            context: store,
        },
        packed,
    )
    .map_err(CallError::Host)
}

/// Defines the import as the host function of this name, or as one that fails with its name.
fn define_host_call(
    linker: &mut Linker<StoreData>,
    module: &str,
    name: &str,
    ty: &FuncType,
) -> Result<(), SetupError> {
    if let Some(call) = HostCall::lookup(name) {
        let (params, results) = (types(call.params()), types(call.result().as_slice()));
        if ty.params() != params || ty.results() != results {
            return Err(SetupError::ImportType {
                name: name.to_owned(),
                expected: format!("{params:?} -> {results:?}"),
                found: format!("{:?} -> {:?}", ty.params(), ty.results()),
            });
        }
    }
    let shared: Arc<str> = name.into();
    let answer = move |mut caller: Caller<'_, StoreData>, params: &[Val], results: &mut [Val]| {
        let arguments = params.iter().map(bits).collect();
        let answer = with_host(&mut caller, |call, memory| {
            call.answer(&shared, arguments, memory)
        })
        .map_err(Error::host)?;
        if let (Some(result), Some(value)) = (results.first_mut(), answer) {
            *result = value_of(result.ty(), value);
        }
        Ok(())
    };
    linker
        .func_new(module, name, ty.clone(), answer)
        .map_err(|error| SetupError::Engine(error.to_string()))?;
    Ok(())
}

/// Lends the host and the guest's memory to `run`.
fn with_host<C: AsContextMut<Data = StoreData>, R>(
    mut context: C,
    run: impl FnOnce(&mut CallState, &mut GuestMemory<&mut C>) -> Result<R, HostError>,
) -> Result<R, HostError> {
    let mut borrowed = context.as_context_mut();
    let data = borrowed.data_mut();
    let memory = data.memory.ok_or(HostError::NoMemory)?;
    let mut call = data.call.take().ok_or(HostError::NoMemory)?;
    let mut guest = GuestMemory {
        memory,
        max_pages: call.max_pages,
        context: &mut context,
    };
    let result = run(&mut call, &mut guest);
    context.as_context_mut().data_mut().call = Some(call);
    result
}

/// The guest's memory as the allocator wants it.
struct GuestMemory<C> {
    memory: Memory,
    max_pages: Option<u32>,
    context: C,
}

impl<C: AsContextMut<Data = StoreData>> sc_allocator::Memory for GuestMemory<C> {
    fn with_access_mut<R>(&mut self, run: impl FnOnce(&mut [u8]) -> R) -> R {
        run(self.memory.data_mut(self.context.as_context_mut()))
    }

    fn with_access<R>(&self, run: impl FnOnce(&[u8]) -> R) -> R {
        run(self.memory.data(self.context.as_context()))
    }

    fn grow(&mut self, additional: u32) -> Result<(), ()> {
        self.memory
            .grow(self.context.as_context_mut(), additional.into())
            .map(drop)
            .map_err(drop)
    }

    fn pages(&self) -> u32 {
        let pages = self.memory.size(self.context.as_context());
        pages.try_into().expect("memories have at most 65536 pages")
    }

    fn max_pages(&self) -> Option<u32> {
        let declared = self.memory.ty(self.context.as_context()).maximum();
        let declared =
            declared.map(|pages| pages.try_into().expect("memories have at most 65536 pages"));
        self.max_pages.into_iter().chain(declared).min()
    }
}

fn call_error(error: &Error) -> CallError {
    if let Some(host) = error.downcast_ref::<HostError>() {
        return CallError::Host(host.clone());
    }
    match error.as_trap_code() {
        Some(code) => CallError::Trap(format!("{code:?}")),
        None => CallError::Engine(error.to_string()),
    }
}

fn types(types: &[CallType]) -> Vec<ValType> {
    types
        .iter()
        .map(|ty| match ty {
            CallType::I32 => ValType::I32,
            CallType::I64 => ValType::I64,
        })
        .collect()
}

/// An argument as bits, zero-extended. Host functions of runtimes take integers only.
fn bits(value: &Val) -> u64 {
    match value {
        Val::I32(value) => value.cast_unsigned().into(),
        Val::I64(value) => value.cast_unsigned(),
        Val::F32(value) => value.to_bits().into(),
        Val::F64(value) => value.to_bits(),
        _ => 0,
    }
}

fn value_of(ty: ValType, bits: u64) -> Val {
    match ty {
        ValType::I64 => Val::I64(bits.cast_signed()),
        _ => Val::I32(
            u32::try_from(bits)
                .expect("the host function's result is 32 bits")
                .cast_signed(),
        ),
    }
}
