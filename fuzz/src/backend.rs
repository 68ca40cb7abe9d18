//! The engines to compare. Both have the same interface, so one text serves both: that wasmelt
//! compiles here in wasmi's place is a test in itself.

pub use crate::meter::FUEL_USED;
use crate::meter::{FUEL_LIMIT, OUT_OF_FUEL, START};
use crate::oracle::{Engine, Session, Stop, Trap};
use crate::rewrite::{Rewrite, nest_beyond_the_governor};
use crate::rng::{Rng, fnv1a};
use crate::value::{Type, Value};
use wasmelt::OperatorCost;

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

/// What of a configuration goes by the module's bytes, so that all engines have the same.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ByModule {
    /// Each call has so little fuel that some end for it: less than two to the power of this.
    pub(crate) fuel_bits: Option<u32>,
    /// Each operator has another cost.
    pub(crate) has_costs: bool,
    /// So few calls may be active that some are too many.
    pub(crate) has_max_depth: bool,
}

impl ByModule {
    /// Fuel for each call, small amounts as often as large ones; all there can be for all calls together where fuel
    /// is not little.
    pub(crate) fn fuel(self, wasm: &[u8]) -> Option<u64> {
        let hash = fnv1a(wasm);
        let bits = 1 + hash % u64::from(self.fuel_bits?);
        Some(1 + (hash >> 8) % (1 << bits))
    }

    /// Costs of the operators: all small, or any.
    pub(crate) fn costs(self, wasm: &[u8]) -> OperatorCost {
        let mut costs = OperatorCost::default();
        if !self.has_costs {
            return costs;
        }
        let mut rng = Rng::new("costs", fnv1a(wasm));
        let most = [3, 20, 256][rng.below(3) as usize];
        let names: Vec<_> = costs.iter().map(|(name, _)| name).collect();
        for name in names {
            costs
                .set(name, rng.below(most) as u8)
                .expect("the name is in the table");
        }
        costs
    }

    /// How many calls may be active: from 1 to 8.
    pub(crate) fn max_depth(self, wasm: &[u8]) -> Option<usize> {
        let depth = 1 + (fnv1a(wasm) >> 16) % 8;
        self.has_max_depth.then_some(depth as usize)
    }
}

/// Where nothing else ends it: a stack in which so many calls have room.
const STACK_BYTES: usize = 4 << 20;

fn configure_wasmi(config: &mut wasmi::Config, by_module: ByModule, wasm: &[u8]) {
    if let Some(depth) = by_module.max_depth(wasm) {
        config.set_max_recursion_depth(depth);
        config.set_max_stack_height(STACK_BYTES);
    }
}

fn configure_wasmelt(config: &mut wasmelt::Config, by_module: ByModule, wasm: &[u8]) {
    if let Some(depth) = by_module.max_depth(wasm) {
        config.set_max_recursion_depth(depth);
        config.max_wasm_stack(STACK_BYTES);
    }
    config.operator_cost(by_module.costs(wasm));
}

/// wasmi does not know the schedule: its modules count themselves.
fn wasmi_required_fuel(_: &wasmi::Error) -> Option<u64> {
    None
}

fn wasmelt_required_fuel(error: &wasmelt::Error) -> Option<u64> {
    error.required_fuel()
}

/// What is shown as a global of a metered module beside [`FUEL_USED`]: how much more the last call needed.
pub const FUEL_REQUIRED: &str = "fuel required";

/// Defines an [`Engine`] on top of a crate with wasmi's interface.
macro_rules! backend {
    ($(#[$doc:meta])* $module:ident, $engine:ident, $krate:ident, $configure:ident, $required:ident) => {
        mod $module {
            use super::{
                $configure, $required, ByModule, Engine, FUEL_LIMIT, FUEL_REQUIRED, FUEL_USED, HostLog, OUT_OF_FUEL, Rewrite,
                START, Session, Stop, Trap, Type, Value, value_from,
            };
            use $krate::{
                AsContext, Caller, Error, Extern, ExternType, F32, F64, Func, Global, Instance,
                Linker, Memory, Module, Mutability, Nullable, Ref, Store, Table, Val, ValType,
            };

            $(#[$doc])*
            #[derive(Debug)]
            pub struct $engine {
                name: String,
                config: $krate::Config,
                engine: $krate::Engine,
                rewrite: Option<Rewrite>,
                by_module: ByModule,
            }

            struct Running {
                /// Where fuel is metered: what there was.
                fuel: u64,
                /// What each call is given anew.
                fuel_per_call: Option<u64>,
                /// How much more the last call needed.
                required_fuel: u64,
                /// Whether too many active calls are no affair of this engine alone.
                counts_calls: bool,
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
                    Self {
                        name: name.to_owned(),
                        config: config.clone(),
                        engine,
                        rewrite: None,
                        by_module: ByModule::default(),
                    }
                }

                /// The same, but parts of the configuration go by the module's bytes.
                pub(crate) fn by_module(self, by_module: ByModule) -> Self {
                    Self { by_module, ..self }
                }

                fn engine_for(&self, wasm: &[u8]) -> $krate::Engine {
                    if !self.by_module.has_costs && !self.by_module.has_max_depth {
                        return self.engine.clone();
                    }
                    let mut config = self.config.clone();
                    $configure(&mut config, self.by_module, wasm);
                    $krate::Engine::new(&config)
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
                    let fuel = self.by_module.fuel(wasm);
                    let engine = self.engine_for(wasm);
                    let counts_calls = self.by_module.has_max_depth;
                    let rewritten = match self.rewrite {
                        Some(rewrite) => rewrite(wasm, self.by_module),
                        None => Ok(wasm.to_vec()),
                    };
                    let wasm = rewritten.map_err(|error| Stop::Refused(error.to_string()))?;
                    let module = Module::new(&engine, &wasm)
                        .map_err(|error| Stop::Refused(error.to_string()))?;
                    let mut store = Store::new(&engine, HostLog::default());
                    // Where it is metered.
                    let _ = store.set_fuel(fuel.unwrap_or(u64::MAX));
                    let mut linker = Linker::new(&engine);
                    let mut externs = Vec::new();
                    for import in module.imports() {
                        define(&mut linker, &mut store, &import, &mut externs)
                            .map_err(|error| Stop::Failed(error.to_string()))?;
                    }
                    let instance = linker
                        .instantiate_and_start(&mut store, &module)
                        .map_err(|error| stop_of(&error, counts_calls))?;
                    let mut running = Running::new(store, fuel, counts_calls, &instance, externs);
                    if let Some(start) = instance.get_func(&running.store, START) {
                        running.set_fuel(fuel.unwrap_or(u64::MAX));
                        let result = start.call(&mut running.store, &[], &mut []);
                        running.finish(result)?;
                    }
                    Ok(Box::new(running))
                }
            }

            impl Running {
                fn new(
                    store: Store<HostLog>,
                    fuel_per_call: Option<u64>,
                    counts_calls: bool,
                    instance: &Instance,
                    mut externs: Vec<(String, Extern)>,
                ) -> Self {
                    let exports = instance.exports(&store);
                    externs.extend(exports.map(|e| (e.name().to_owned(), e.into_extern())));
                    let (mut functions, mut globals, mut memory) = (Vec::new(), Vec::new(), None);
                    for (name, external) in externs {
                        match external {
                            Extern::Func(_) if name == START => {}
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
                    globals.sort_by(|(a, _), (b, _): &(String, Global)| a.cmp(b));
                    let fuel = fuel_per_call.unwrap_or(u64::MAX);
                    Self { fuel, fuel_per_call, required_fuel: 0, counts_calls, store, functions, globals, memory }
                }

                fn global(&self, name: &str) -> Option<Global> {
                    let mut globals = self.globals.iter();
                    globals.find(|(exported, _)| exported == name).map(|(_, global)| global.clone())
                }

                /// How a call ended, and what fuel it lacked.
                fn finish(&mut self, result: Result<(), Error>) -> Result<(), Stop> {
                    self.required_fuel = 0;
                    let Err(error) = result else { return Ok(()) };
                    self.required_fuel = $required(&error).unwrap_or_default();
                    // A module that counts by itself.
                    if let (Some(out), Some(used)) = (self.global(OUT_OF_FUEL), self.global(FUEL_USED))
                        && out.get(&self.store).i32() == Some(1)
                    {
                        out.set(&mut self.store, Val::I32(0)).expect("it is mutable");
                        self.required_fuel = from_val(&used.get(&self.store)).bits() - self.fuel;
                        return Err(Stop::Trap(Trap::OutOfFuel));
                    }
                    Err(stop_of(&error, self.counts_calls))
                }
            }

            impl Session for Running {
                fn functions(&self) -> Vec<(String, Vec<Type>)> {
                    let pair = |(name, _, params, _): &(String, _, Vec<Type>, _)| {
                        (name.clone(), params.clone())
                    };
                    self.functions.iter().map(pair).collect()
                }

                fn set_fuel(&mut self, fuel: u64) {
                    self.fuel = fuel;
                    // Where it is metered.
                    let _ = self.store.set_fuel(fuel);
                    if let (Some(used), Some(limit)) = (self.global(FUEL_USED), self.global(FUEL_LIMIT)) {
                        used.set(&mut self.store, Val::I64(0)).expect("it is mutable");
                        limit.set(&mut self.store, Val::I64(fuel.cast_signed())).expect("it is mutable");
                    }
                }

                fn call(&mut self, name: &str, arguments: &[Value]) -> Result<Vec<Value>, Stop> {
                    if let Some(fuel) = self.fuel_per_call {
                        self.set_fuel(fuel);
                    }
                    let Some((_, func, _, results)) =
                        self.functions.iter().find(|(exported, ..)| exported == name)
                    else {
                        return Err(Stop::Failed(format!("no function is called {name}")));
                    };
                    let arguments: Vec<_> = arguments.iter().copied().map(to_val).collect();
                    let mut vals = vec![Val::I32(0); results.len()];
                    let func = func.clone();
                    let result = func.call(&mut self.store, &arguments, &mut vals);
                    self.finish(result)?;
                    Ok(vals.iter().map(from_val).collect())
                }

                fn globals(&self) -> Vec<(String, Value)> {
                    let value = |global: &Global| from_val(&global.get(self.store.as_context()));
                    let used = match self.global(FUEL_USED) {
                        Some(counted) => Some(value(&counted).bits().min(self.fuel)),
                        None => self.store.get_fuel().ok().map(|left| self.fuel - left),
                    };
                    let own = self.globals.iter();
                    let own = own.filter(|(name, _)| ![FUEL_USED, FUEL_LIMIT, OUT_OF_FUEL].contains(&name.as_str()));
                    let mut globals: Vec<_> =
                        own.map(|(name, global)| (name.clone(), value(global))).collect();
                    if let Some(used) = used {
                        globals.push((FUEL_USED.to_owned(), Value::I64(used)));
                        let required = Value::I64(self.required_fuel);
                        globals.push((FUEL_REQUIRED.to_owned(), required));
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

            fn stop_of(error: &Error, counts_calls: bool) -> Stop {
                use $krate::errors::{ErrorKind, InstantiationError};

                if let ErrorKind::Instantiation(InstantiationError::ElementSegmentDoesNotFit {
                    ..
                }) = error.kind()
                {
                    // The specification's trap, which wasmi reports without a code.
                    return Stop::Trap(crate::oracle::Trap::TableOutOfBounds);
                }
                match error.as_trap_code() {
                    Some($krate::TrapCode::StackOverflow) if counts_calls => Stop::Trap(Trap::TooManyCalls),
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
    on_wasmi, WasmiEngine, wasmi, configure_wasmi, wasmi_required_fuel
}

backend! {
    /// The engine under test.
    on_wasmelt, WasmeltEngine, wasmelt, configure_wasmelt, wasmelt_required_fuel
}

/// Names of the configurations in which wasmelt is tested.
pub const CONFIGURATIONS: [&str; 27] = [
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
    "costly-guard-speed",
    "costly-explicit-speed",
    "costly-signal-free-speed",
    "costly-guard-none",
    "costly-signal-free-none",
    "counted-guard-speed",
    "counted-explicit-none",
    "counted-signal-free-speed",
    "counted-guard-downgraded",
];

/// What the names of configurations with fuel begin with. Those can be interrupted as well.
pub(crate) const METERED: &str = "metered-";
/// What the names of configurations with costs that go by the module begin with.
pub(crate) const COSTLY: &str = "costly-";
/// What the names of configurations that limit active calls begin with.
pub(crate) const COUNTED: &str = "counted-";
/// What the names of configurations with canonical NaNs begin with.
pub(crate) const CANONICAL: &str = "canonical-";

/// wasmelt in the named one of [`CONFIGURATIONS`].
#[must_use]
pub fn wasmelt(configuration: &str) -> Option<WasmeltEngine> {
    use wasmelt::{BoundsChecks, OptLevel};

    let (memory, opt_level) = configuration.rsplit_once('-')?;
    let mut config = wasmelt::Config::new();
    config.compile_threads(1);
    let mut by_module = ByModule::default();
    let memory = if let Some(memory) = memory.strip_prefix(COSTLY) {
        config.consume_fuel(true);
        by_module.has_costs = true;
        memory
    } else if let Some(memory) = memory.strip_prefix(COUNTED) {
        by_module.has_max_depth = true;
        memory
    } else if let Some(memory) = memory.strip_prefix(METERED) {
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
    let engine = engine.by_module(by_module);
    Some(if opt_level == "downgraded" {
        engine.rewriting(|wasm, _| nest_beyond_the_governor(wasm))
    } else {
        engine
    })
}
