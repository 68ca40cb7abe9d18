//! The reference for canonical NaNs: wasmtime, which canonicalises after every operation.

use std::collections::BTreeMap;

use wasmtime::{
    Caller, Config, Engine as Wasmtime, Extern, ExternType, Func, Global, ImportType, Instance,
    Linker, Memory, Module, Mutability, Ref, Store, Table, Val, ValType,
};

use crate::backend::{HostLog, value_from};
use crate::oracle::{Engine, Limit, Session, Stop, Trap};
use crate::value::{Type, Value};

/// wasmtime with canonical NaNs.
pub(crate) struct WasmtimeEngine {
    engine: Wasmtime,
}

struct Running {
    store: Store<HostLog>,
    functions: BTreeMap<String, Func>,
    globals: Vec<(String, Global)>,
    /// Reading a global takes the store exclusively, so this is done after each call.
    global_values: Vec<(String, Value)>,
    memory: Option<Memory>,
}

impl WasmtimeEngine {
    pub(crate) fn new() -> Self {
        let mut config = Config::new();
        config.cranelift_nan_canonicalization(true);
        let engine = Wasmtime::new(&config).expect("the options fit each other");
        Self { engine }
    }
}

impl Engine for WasmtimeEngine {
    fn name(&self) -> &'static str {
        "wasmtime with canonical NaNs"
    }

    fn start(&self, wasm: &[u8]) -> Result<Box<dyn Session>, Stop> {
        let module =
            Module::new(&self.engine, wasm).map_err(|error| Stop::Refused(error.to_string()))?;
        let mut store = Store::new(&self.engine, HostLog::default());
        let mut linker = Linker::new(&self.engine);
        let mut externs = Vec::new();
        for import in module.imports() {
            define(&mut linker, &mut store, &import, &mut externs)
                .map_err(|error| Stop::Failed(error.to_string()))?;
        }
        let instance = linker
            .instantiate(&mut store, &module)
            .map_err(|error| stop_of(&error))?;
        Ok(Box::new(Running::new(store, &instance, externs)))
    }
}

impl Running {
    fn new(
        mut store: Store<HostLog>,
        instance: &Instance,
        mut externs: Vec<(String, Extern)>,
    ) -> Self {
        let exports = instance.exports(&mut store);
        externs.extend(exports.map(|export| (export.name().to_owned(), export.into_extern())));
        let (mut functions, mut globals, mut memory) = (BTreeMap::new(), Vec::new(), None);
        for (name, external) in externs {
            match external {
                Extern::Func(func) => drop(functions.insert(name, func)),
                Extern::Global(global) => globals.push((name, global)),
                Extern::Memory(exported) => memory = Some(exported),
                _ => {}
            }
        }
        globals.sort_by(|(a, _), (b, _)| a.cmp(b));
        let mut running = Self {
            store,
            functions,
            globals,
            global_values: Vec::new(),
            memory,
        };
        running.read_globals();
        running
    }

    fn read_globals(&mut self) {
        let store = &mut self.store;
        let globals = self.globals.iter();
        self.global_values = globals
            .map(|(name, global)| (name.clone(), from_val(&global.get(&mut *store))))
            .collect();
    }
}

impl Session for Running {
    fn functions(&self) -> Vec<(String, Vec<Type>)> {
        let types = |func: &Func| {
            func.ty(&self.store)
                .params()
                .map(|ty| type_of(&ty))
                .collect()
        };
        let functions = self.functions.iter();
        functions
            .map(|(name, func)| (name.clone(), types(func)))
            .collect()
    }

    fn call(&mut self, name: &str, arguments: &[Value]) -> Result<Vec<Value>, Stop> {
        let Some(func) = self.functions.get(name) else {
            return Err(Stop::Failed(format!("no function is called {name}")));
        };
        let arguments: Vec<_> = arguments.iter().copied().map(to_val).collect();
        let mut results = vec![Val::I32(0); func.ty(&self.store).results().len()];
        let outcome = func.call(&mut self.store, &arguments, &mut results);
        self.read_globals();
        outcome.map_err(|error| stop_of(&error))?;
        Ok(results.iter().map(from_val).collect())
    }

    fn globals(&self) -> Vec<(String, Value)> {
        self.global_values.clone()
    }

    fn memory(&self) -> Option<&[u8]> {
        self.memory.as_ref().map(|memory| memory.data(&self.store))
    }

    fn host_calls(&self) -> (u64, u64) {
        (self.store.data().calls, self.store.data().hash)
    }
}

/// Supplies one import, and keeps what has state that the guest can change.
fn define(
    linker: &mut Linker<HostLog>,
    store: &mut Store<HostLog>,
    import: &ImportType<'_>,
    externs: &mut Vec<(String, Extern)>,
) -> wasmtime::Result<()> {
    let (module, name) = (import.module(), import.name());
    let external: Extern = match import.ty() {
        ExternType::Func(ty) => {
            let owned = name.to_owned();
            let types: Vec<Type> = ty.results().map(|ty| type_of(&ty)).collect();
            Func::new(&mut *store, ty, move |caller, params, results| {
                for (result, bits) in results
                    .iter_mut()
                    .zip(answer(caller, &owned, params, &types))
                {
                    *result = to_val(bits);
                }
                Ok(())
            })
            .into()
        }
        ExternType::Global(ty) => {
            let bits = HostLog::default().note(name, std::iter::empty());
            let value = to_val(value_from(bits, type_of(ty.content())));
            let is_mutable = ty.mutability() == Mutability::Var;
            let global = Global::new(&mut *store, ty, value)?;
            if is_mutable {
                externs.push((format!("import {name}"), global.into()));
            }
            global.into()
        }
        ExternType::Memory(ty) => {
            let memory = Memory::new(&mut *store, ty)?;
            externs.push((format!("import {name}"), memory.into()));
            memory.into()
        }
        ExternType::Table(ty) => Table::new(&mut *store, ty, Ref::Func(None))?.into(),
        other => panic!("the MVP has no import {other:?}"),
    };
    linker.define(&*store, module, name, external)?;
    Ok(())
}

/// What an imported function answers.
fn answer(
    mut caller: Caller<'_, HostLog>,
    name: &str,
    params: &[Val],
    results: &[Type],
) -> Vec<Value> {
    let bits = params.iter().map(|val| from_val(val).bits());
    let mut answer = caller.data_mut().note(name, bits);
    if name.starts_with("grow") {
        let memory = caller.get_export("memory").and_then(Extern::into_memory);
        let grown = memory.map(|memory| memory.grow(&mut caller, 1).is_ok());
        answer = answer.wrapping_add(u64::from(grown == Some(true)));
    }
    let mut next = |ty: &Type| {
        let value = value_from(answer, *ty);
        answer = answer.rotate_left(17);
        value
    };
    results.iter().map(&mut next).collect()
}

fn stop_of(error: &wasmtime::Error) -> Stop {
    use wasmtime::Trap as T;

    let Some(trap) = error.downcast_ref::<T>() else {
        return Stop::Failed(format!("{error:?}"));
    };
    Stop::Trap(match trap {
        T::StackOverflow => return Stop::Limit(Limit::StackOverflow),
        T::UnreachableCodeReached => Trap::Unreachable,
        T::MemoryOutOfBounds => Trap::MemoryOutOfBounds,
        T::TableOutOfBounds => Trap::TableOutOfBounds,
        T::IndirectCallToNull => Trap::IndirectCallToNull,
        T::IntegerDivisionByZero => Trap::IntegerDivisionByZero,
        T::IntegerOverflow => Trap::IntegerOverflow,
        T::BadConversionToInteger => Trap::BadConversionToInteger,
        T::BadSignature => Trap::BadSignature,
        other => return Stop::Failed(format!("{other:?}")),
    })
}

fn type_of(ty: &ValType) -> Type {
    match ty {
        ValType::I32 => Type::I32,
        ValType::I64 => Type::I64,
        ValType::F32 => Type::F32,
        ValType::F64 => Type::F64,
        other => panic!("the MVP has no type {other:?}"),
    }
}

fn to_val(value: Value) -> Val {
    match value {
        Value::I32(bits) => Val::I32(bits.cast_signed()),
        Value::I64(bits) => Val::I64(bits.cast_signed()),
        Value::F32(bits) => Val::F32(bits),
        Value::F64(bits) => Val::F64(bits),
    }
}

fn from_val(val: &Val) -> Value {
    match val {
        Val::I32(value) => Value::I32(value.cast_unsigned()),
        Val::I64(value) => Value::I64(value.cast_unsigned()),
        Val::F32(bits) => Value::F32(*bits),
        Val::F64(bits) => Value::F64(*bits),
        other => panic!("the MVP has no value {other:?}"),
    }
}
