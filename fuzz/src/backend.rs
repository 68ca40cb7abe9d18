//! The engines to compare. Both have the same interface, so one text serves both: that wasmelt
//! compiles here in wasmi's place is a test in itself.

use crate::meter::FUEL_USED;
use crate::oracle::{Engine, Session, Stop};
use crate::rewrite::{Rewrite, nest_beyond_the_governor};
use crate::rng::fnv1a;
use crate::value::{Type, Value};

/// What the host remembers of the calls that the guest makes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct HostLog {
    pub(crate) calls: u64,
    pub(crate) hash: u64,
}

impl HostLog {
    /// Notes a call of `name`, and mixes what it answers.
    pub(crate) fn note(&mut self, name: &str, arguments: impl Iterator<Item = u64>) -> u64 {
        let answer = arguments.fold(fnv1a(name.as_bytes()), |hash, bits| {
            (hash.rotate_left(23) ^ bits).wrapping_mul(0x9e37_79b9_7f4a_7c15)
        });
        self.calls += 1;
        self.hash = (self.hash.rotate_left(7) ^ answer).wrapping_mul(0x0100_0000_01b3);
        answer
    }
}

/// A value of type `ty` made from random bits; floats are small integers, never NaN.
pub(crate) fn value_from(bits: u64, ty: Type) -> Value {
    let small = i16::from_le_bytes([bits.to_le_bytes()[0], bits.to_le_bytes()[1]]);
    match ty {
        Type::I32 => Value::I32((bits >> 32) as u32),
        Type::I64 => Value::I64(bits),
        Type::F32 => Value::F32(f32::from(small).to_bits()),
        Type::F64 => Value::F64(f64::from(small).to_bits()),
    }
}

/// Fuel for some calls: from 1 to 2^16, small amounts as often as large ones.
fn little_fuel(wasm: &[u8]) -> u64 {
    let hash = fnv1a(wasm);
    1 + (hash >> 8) % (1 << (1 + hash % 16))
}

/// Defines an [`Engine`] on top of a crate with wasmi's interface.
macro_rules! backend {
    ($(#[$doc:meta])* $module:ident, $engine:ident, $krate:ident) => {
        mod $module {
            use super::{Engine, FUEL_USED, HostLog, little_fuel, Rewrite, Session, Stop, Type, Value, value_from};
            use $krate::{
                AsContext, Caller, Error, Extern, ExternType, F32, F64, Func, Global, Instance,
                Linker, Memory, Module, Mutability, Nullable, Ref, Store, Table, Val, ValType,
            };

            $(#[$doc])*
            #[derive(Debug)]
            pub struct $engine {
                name: String,
                engine: $krate::Engine,
                rewrite: Option<Rewrite>,
                is_limited: bool,
            }

            struct Running {
                /// Where fuel is metered: what there was.
                fuel: u64,
                store: Store<HostLog>,
                functions: Vec<(String, Func, Vec<Type>, Vec<Type>)>,
                globals: Vec<(String, Global)>,
                memory: Option<Memory>,
            }

            impl $engine {
                /// An engine with this configuration; `name` goes into reports.
                #[must_use]
                pub fn new(name: &str, config: &$krate::Config) -> Self {
                    let engine = $krate::Engine::new(config);
                    Self { name: name.to_owned(), engine, rewrite: None, is_limited: false }
                }

                /// The same, but where fuel is metered there is little, by the module's bytes.
                #[allow(dead_code, reason = "wasmi's fuel has another schedule")]
                pub(crate) fn limited(self) -> Self {
                    Self { is_limited: true, ..self }
                }

                /// The same, but it is given modules that were rewritten.
                pub(crate) fn rewriting(self, rewrite: Rewrite) -> Self {
                    Self { rewrite: Some(rewrite), ..self }
                }
            }

            impl Engine for $engine {
                fn name(&self) -> &str {
                    &self.name
                }

                fn start(&self, wasm: &[u8]) -> Result<Box<dyn Session>, Stop> {
                    let fuel = if self.is_limited { little_fuel(wasm) } else { u64::MAX };
                    let rewritten = match self.rewrite {
                        Some(rewrite) => rewrite(wasm),
                        None => Ok(wasm.to_vec()),
                    };
                    let wasm = rewritten.map_err(|error| Stop::Refused(error.to_string()))?;
                    let module = Module::new(&self.engine, &wasm)
                        .map_err(|error| Stop::Refused(error.to_string()))?;
                    let mut store = Store::new(&self.engine, HostLog::default());
                    // Where it is metered.
                    let _ = store.set_fuel(fuel);
                    let mut linker = Linker::new(&self.engine);
                    let mut externs = Vec::new();
                    for import in module.imports() {
                        define(&mut linker, &mut store, &import, &mut externs)
                            .map_err(|error| Stop::Failed(error.to_string()))?;
                    }
                    let instance = linker
                        .instantiate_and_start(&mut store, &module)
                        .map_err(|error| stop_of(&error))?;
                    Ok(Box::new(Running::new(store, fuel, &instance, externs)))
                }
            }

            impl Running {
                fn new(
                    store: Store<HostLog>,
                    fuel: u64,
                    instance: &Instance,
                    mut externs: Vec<(String, Extern)>,
                ) -> Self {
                    let exports = instance.exports(&store);
                    externs.extend(exports.map(|e| (e.name().to_owned(), e.into_extern())));
                    let (mut functions, mut globals, mut memory) = (Vec::new(), Vec::new(), None);
                    for (name, external) in externs {
                        match external {
                            Extern::Func(func) => {
                                let ty = func.ty(&store);
                                let params = ty.params().iter().map(type_of).collect();
                                let results = ty.results().iter().map(type_of).collect();
                                functions.push((name, func, params, results));
                            }
                            Extern::Global(global) => globals.push((name, global)),
                            Extern::Memory(exported) => memory = Some(exported),
                            Extern::Table(_) => {}
                        }
                    }
                    // Engines list exports in different orders.
                    globals.sort_by(|(a, _), (b, _)| a.cmp(b));
                    Self { fuel, store, functions, globals, memory }
                }
            }

            impl Session for Running {
                fn functions(&self) -> Vec<(String, Vec<Type>)> {
                    let pair = |(name, _, params, _): &(String, _, Vec<Type>, _)| {
                        (name.clone(), params.clone())
                    };
                    self.functions.iter().map(pair).collect()
                }

                fn call(&mut self, name: &str, arguments: &[Value]) -> Result<Vec<Value>, Stop> {
                    let Some((_, func, _, results)) =
                        self.functions.iter().find(|(exported, ..)| exported == name)
                    else {
                        return Err(Stop::Failed(format!("no function is called {name}")));
                    };
                    let arguments: Vec<_> = arguments.iter().copied().map(to_val).collect();
                    let mut vals = vec![Val::I32(0); results.len()];
                    func.call(&mut self.store, &arguments, &mut vals)
                        .map_err(|error| stop_of(&error))?;
                    Ok(vals.iter().map(from_val).collect())
                }

                fn globals(&self) -> Vec<(String, Value)> {
                    let value = |global: &Global| from_val(&global.get(self.store.as_context()));
                    let mut globals: Vec<_> =
                        self.globals.iter().map(|(name, g)| (name.clone(), value(g))).collect();
                    // As the reference shows it.
                    if let Ok(left) = self.store.get_fuel() {
                        globals.push((FUEL_USED.to_owned(), Value::I64(self.fuel - left)));
                        globals.sort_by(|(a, _), (b, _)| a.cmp(b));
                    }
                    globals
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
                import: &$krate::ImportType<'_>,
                externs: &mut Vec<(String, Extern)>,
            ) -> Result<(), Error> {
                let (module, name) = (import.module(), import.name());
                let external: Extern = match import.ty() {
                    ExternType::Func(ty) => {
                        let owned = name.to_owned();
                        linker.func_new(module, name, ty.clone(), move |caller, params, results| {
                            answer(caller, &owned, params, results)
                        })?;
                        return Ok(());
                    }
                    ExternType::Global(ty) => {
                        let bits = HostLog::default().note(name, std::iter::empty());
                        let value = to_val(value_from(bits, type_of(&ty.content())));
                        let is_mutable = ty.mutability() == Mutability::Var;
                        let global = Global::new(&mut *store, value, ty.mutability());
                        if is_mutable {
                            externs.push((format!("import {name}"), global.clone().into()));
                        }
                        global.into()
                    }
                    ExternType::Memory(ty) => {
                        let memory = Memory::new(&mut *store, ty.clone())?;
                        externs.push((format!("import {name}"), memory.clone().into()));
                        memory.into()
                    }
                    ExternType::Table(ty) => {
                        Table::new(&mut *store, ty.clone(), Ref::Func(Nullable::Null))?.into()
                    }
                };
                linker.define(module, name, external)?;
                Ok(())
            }

            /// The body of every imported function.
            fn answer(
                mut caller: Caller<'_, HostLog>,
                name: &str,
                params: &[Val],
                results: &mut [Val],
            ) -> Result<(), Error> {
                let bits = params.iter().map(|val| from_val(val).bits());
                let mut answer = caller.data_mut().note(name, bits);
                if let Ok(fuel) = caller.get_fuel() {
                    // The same, but the host has set it.
                    caller.set_fuel(fuel)?;
                }
                if name.starts_with("grow") {
                    let memory = caller.get_export("memory").and_then(Extern::into_memory);
                    // What growing answers is part of the answer: both engines must agree on it.
                    let grown = memory.map(|memory| memory.grow(&mut caller, 1).is_ok());
                    answer = answer.wrapping_add(u64::from(grown == Some(true)));
                }
                for result in results {
                    *result = to_val(value_from(answer, type_of(&result.ty())));
                    answer = answer.rotate_left(17);
                }
                Ok(())
            }

            fn stop_of(error: &Error) -> Stop {
                use $krate::errors::{ErrorKind, InstantiationError};

                if let ErrorKind::Instantiation(InstantiationError::ElementSegmentDoesNotFit {
                    ..
                }) = error.kind()
                {
                    // The specification's trap, which wasmi reports without a code.
                    return Stop::Trap(crate::oracle::Trap::TableOutOfBounds);
                }
                match error.as_trap_code() {
                    Some(code) => Stop::from_code(code as u8),
                    None => Stop::Failed(error.to_string()),
                }
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
                    Value::F32(bits) => Val::F32(F32::from_bits(bits)),
                    Value::F64(bits) => Val::F64(F64::from_bits(bits)),
                }
            }

            fn from_val(val: &Val) -> Value {
                match val {
                    Val::I32(value) => Value::I32(value.cast_unsigned()),
                    Val::I64(value) => Value::I64(value.cast_unsigned()),
                    Val::F32(value) => Value::F32(value.to_bits()),
                    Val::F64(value) => Value::F64(value.to_bits()),
                    other => panic!("the MVP has no value {other:?}"),
                }
            }
        }
        pub use $module::$engine;
    };
}

backend! {
    /// wasmi, an interpreter.
    on_wasmi, WasmiEngine, wasmi
}

backend! {
    /// The engine under test.
    on_wasmelt, WasmeltEngine, wasmelt
}

/// Names of the configurations in which wasmelt is tested.
pub const CONFIGURATIONS: [&str; 18] = [
    "guard-speed",
    "explicit-speed",
    "signal-free-speed",
    "guard-none",
    "explicit-none",
    "signal-free-none",
    "guard-downgraded",
    "signal-free-downgraded",
    "metered-guard-speed",
    "metered-explicit-speed",
    "metered-signal-free-speed",
    "metered-guard-none",
    "metered-signal-free-none",
    "metered-guard-downgraded",
    "canonical-guard-speed",
    "canonical-guard-none",
    "canonical-signal-free-speed",
    "canonical-guard-downgraded",
];

/// What the names of configurations with fuel begin with. Those can be interrupted as well.
pub(crate) const METERED: &str = "metered-";
/// What the names of configurations with canonical NaNs begin with.
pub(crate) const CANONICAL: &str = "canonical-";

/// wasmelt in the named one of [`CONFIGURATIONS`].
#[must_use]
pub fn wasmelt(configuration: &str) -> Option<WasmeltEngine> {
    use wasmelt::{BoundsChecks, OptLevel};

    let (memory, opt_level) = configuration.rsplit_once('-')?;
    let mut config = wasmelt::Config::new();
    config.compile_threads(1);
    let memory = if let Some(memory) = memory.strip_prefix(METERED) {
        config.consume_fuel(true).interruption(true);
        memory
    } else if let Some(memory) = memory.strip_prefix(CANONICAL) {
        config.nan_canonicalization(true);
        memory
    } else {
        memory
    };
    match memory {
        "guard" => config.bounds_checks(BoundsChecks::Guard),
        "explicit" => config.bounds_checks(BoundsChecks::Explicit),
        "signal-free" => config.signals(false),
        _ => return None,
    };
    match opt_level {
        "speed" => config.opt_level(OptLevel::Speed),
        "none" => config.opt_level(OptLevel::None),
        "downgraded" => &mut config,
        _ => return None,
    };
    let engine = WasmeltEngine::new(&format!("wasmelt {configuration}"), &config);
    Some(if opt_level == "downgraded" {
        engine.rewriting(nest_beyond_the_governor)
    } else {
        engine
    })
}
