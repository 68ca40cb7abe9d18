//! The engines that scripts can run on.
//!
//! wasmelt has the call interface of wasmi 2.0, so both backends are the same source, written once in
//! `interpreter_backend!` and compiled against either crate.

mod wasmelt_backend;
mod wasmi_backend;

use crate::engine::Engine;
use std::sync::Arc;
pub use wasmelt_backend::WasmeltEngine;
pub use wasmi_backend::WasmiEngine;

/// What `--engine` is without being given.
pub const DEFAULT_ENGINE: &str = "wasmelt";

/// One engine with all its configurations, the default one first.
pub struct Family {
    /// What `--engine` calls it.
    pub name: &'static str,
    /// At least one.
    pub configurations: Vec<Arc<dyn Engine>>,
}

/// Every engine of this build, the one under test first.
#[must_use]
pub fn families() -> Vec<Family> {
    vec![wasmelt_backend::family(), wasmi_backend::family()]
}

/// Chooses engines by name: a family (its default configuration, or all of them with `matrix`) or the full name of one
/// configuration.
///
/// # Errors
///
/// [`UnknownEngine`] for a name that is neither.
pub fn select(
    families: &[Family],
    names: &[String],
    matrix: bool,
) -> Result<Vec<Arc<dyn Engine>>, UnknownEngine> {
    let mut selected: Vec<Arc<dyn Engine>> = Vec::new();
    for name in names {
        let found: Vec<_> = match families.iter().find(|family| family.name == name) {
            Some(family) => {
                let count = if matrix {
                    family.configurations.len()
                } else {
                    1
                };
                family.configurations.iter().take(count).collect()
            }
            None => families
                .iter()
                .flat_map(|family| &family.configurations)
                .filter(|engine| engine.name() == name)
                .collect(),
        };
        if found.is_empty() {
            return Err(UnknownEngine {
                name: name.clone(),
                known: known_names(families),
            });
        }
        for engine in found {
            if !selected
                .iter()
                .any(|present| present.name() == engine.name())
            {
                selected.push(Arc::clone(engine));
            }
        }
    }
    Ok(selected)
}

/// [`select`] from all engines of this build.
///
/// # Errors
///
/// [`UnknownEngine`] for a name that is neither a family nor a configuration.
pub fn select_by_name(names: &[&str], matrix: bool) -> Result<Vec<Arc<dyn Engine>>, UnknownEngine> {
    let names: Vec<_> = names.iter().map(|&name| name.to_owned()).collect();
    select(&families(), &names, matrix)
}

/// A name that no engine has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no engine is called {name:?}; known: {}", known.join(", "))]
pub struct UnknownEngine {
    /// The name as given.
    pub name: String,
    /// All names there are.
    pub known: Vec<String>,
}

fn known_names(families: &[Family]) -> Vec<String> {
    let mut names = Vec::new();
    for family in families {
        names.push(family.name.to_owned());
        names.extend(
            family
                .configurations
                .iter()
                .map(|engine| engine.name().to_owned())
                .filter(|name| name != family.name),
        );
    }
    names
}

/// Writes the items of a backend for a crate with wasmi 2.0's call interface: the engine, its session, and the
/// translation of values and errors. The module that uses it adds `compile_failure`, since what a module can be refused
/// for is where the crates differ.
macro_rules! interpreter_backend {
    ($engine:ident, $krate:ident) => {
        /// Turns the bytes of a module into a compiled module.
        type CompileFn = Arc<
            dyn Fn(&$krate::Engine, &[u8]) -> Result<$krate::Module, $krate::Error> + Send + Sync,
        >;

        /// The engine in one configuration.
        pub struct $engine {
            name: String,
            config: $krate::Config,
            compile: CompileFn,
        }

        impl $engine {
            /// An engine that is called `name` in reports, and that turns bytes into modules by `compile`.
            pub fn new(
                name: impl Into<String>,
                config: $krate::Config,
                compile: impl Fn(&$krate::Engine, &[u8]) -> Result<$krate::Module, $krate::Error>
                + Send
                + Sync
                + 'static,
            ) -> Self {
                Self {
                    name: name.into(),
                    config,
                    compile: Arc::new(compile),
                }
            }
        }

        impl Engine for $engine {
            fn name(&self) -> &str {
                &self.name
            }

            fn open(&self) -> Result<Box<dyn Session>, Failure> {
                let engine = $krate::Engine::new(&self.config);
                let mut store = $krate::Store::new(&engine, ());
                // Where fuel is metered.
                let _ = store.set_fuel(u64::MAX);
                let linker = define_spectest(&engine, &mut store).map_err(host_failure)?;
                Ok(Box::new(ApiSession {
                    store,
                    linker,
                    modules: Vec::new(),
                    instances: Vec::new(),
                    compile: Arc::clone(&self.compile),
                }))
            }
        }

        struct ApiSession {
            store: $krate::Store<()>,
            linker: $krate::Linker<()>,
            modules: Vec<$krate::Module>,
            instances: Vec<$krate::Instance>,
            compile: CompileFn,
        }

        impl Session for ApiSession {
            fn compile(&mut self, wasm: &[u8]) -> Result<ModuleId, Failure> {
                let module = (self.compile)(self.store.engine(), wasm)
                    .map_err(|error| compile_failure(&error))?;
                self.modules.push(module);
                Ok(ModuleId(self.modules.len() - 1))
            }

            fn instantiate(&mut self, module: ModuleId) -> Result<InstanceId, Failure> {
                let instance = self
                    .linker
                    .instantiate_and_start(&mut self.store, &self.modules[module.0])
                    .map_err(|error| instantiation_failure(&error))?;
                self.instances.push(instance);
                Ok(InstanceId(self.instances.len() - 1))
            }

            fn register(&mut self, instance: InstanceId, name: &str) -> Result<(), Failure> {
                self.linker
                    .instance(&mut self.store, name, self.instances[instance.0])
                    .map(|_| ())
                    .map_err(host_failure)
            }

            fn invoke(
                &mut self,
                instance: InstanceId,
                field: &str,
                args: &[Value],
            ) -> Result<Vec<Value>, Failure> {
                let func = self.instances[instance.0]
                    .get_func(&self.store, field)
                    .ok_or_else(|| {
                        host_failure(format!("there is no exported function {field:?}"))
                    })?;
                let args = args.iter().map(to_val).collect::<Result<Vec<_>, _>>()?;
                let mut results: Vec<_> = func
                    .ty(&self.store)
                    .results()
                    .iter()
                    .map(|ty| $krate::Val::default_for_ty(*ty))
                    .collect();
                func.call(&mut self.store, &args, &mut results)
                    .map_err(|error| call_failure(&error))?;
                Ok(results.iter().map(from_val).collect())
            }

            fn global(&mut self, instance: InstanceId, field: &str) -> Result<Value, Failure> {
                self.instances[instance.0]
                    .get_global(&self.store, field)
                    .map(|global| from_val(&global.get(&self.store)))
                    .ok_or_else(|| host_failure(format!("there is no exported global {field:?}")))
            }
        }

        /// The host module of the specification's scripts. The `print` functions print nothing.
        fn define_spectest(
            engine: &$krate::Engine,
            store: &mut $krate::Store<()>,
        ) -> Result<$krate::Linker<()>, $krate::Error> {
            use $krate::{F32, F64, Global, Memory, MemoryType, Mutability, Ref, RefType};
            use $krate::{Table, TableType, Val};
            const SPECTEST: &str = "spectest";
            let mut linker = $krate::Linker::new(engine);
            linker.allow_shadowing(true);
            linker.func_wrap(SPECTEST, "print", || {})?;
            linker.func_wrap(SPECTEST, "print_i32", |_: i32| {})?;
            linker.func_wrap(SPECTEST, "print_i64", |_: i64| {})?;
            linker.func_wrap(SPECTEST, "print_f32", |_: F32| {})?;
            linker.func_wrap(SPECTEST, "print_f64", |_: F64| {})?;
            linker.func_wrap(SPECTEST, "print_i32_f32", |_: i32, _: F32| {})?;
            linker.func_wrap(SPECTEST, "print_f64_f64", |_: F64, _: F64| {})?;
            let globals = [
                ("global_i32", Val::I32(666)),
                ("global_i64", Val::I64(666)),
                ("global_f32", Val::F32(F32::from(666.6_f32))),
                ("global_f64", Val::F64(F64::from(666.6_f64))),
            ];
            for (name, value) in globals {
                let global = Global::new(&mut *store, value, Mutability::Const);
                linker.define(SPECTEST, name, global)?;
            }
            let table_type = TableType::new(RefType::Func, 10, Some(20));
            let table = Table::new(&mut *store, table_type, Ref::null(RefType::Func))?;
            linker.define(SPECTEST, "table", table)?;
            let memory = Memory::new(&mut *store, MemoryType::new(1, Some(2)))?;
            linker.define(SPECTEST, "memory", memory)?;
            Ok(linker)
        }

        fn to_val(value: &Value) -> Result<$krate::Val, Failure> {
            Ok(match *value {
                Value::I32(value) => $krate::Val::I32(value),
                Value::I64(value) => $krate::Val::I64(value),
                Value::F32(bits) => $krate::Val::F32($krate::F32::from_bits(bits)),
                Value::F64(bits) => $krate::Val::F64($krate::F64::from_bits(bits)),
                Value::Foreign(ty) => {
                    return Err(host_failure(format!("{ty} cannot be an argument")));
                }
            })
        }

        fn from_val(value: &$krate::Val) -> Value {
            match value {
                $krate::Val::I32(value) => Value::I32(*value),
                $krate::Val::I64(value) => Value::I64(*value),
                $krate::Val::F32(value) => Value::F32(value.to_bits()),
                $krate::Val::F64(value) => Value::F64(value.to_bits()),
                $krate::Val::V128(_) => Value::Foreign("v128"),
                $krate::Val::FuncRef(_) => Value::Foreign("funcref"),
                $krate::Val::ExternRef(_) => Value::Foreign("externref"),
            }
        }

        fn instantiation_failure(error: &$krate::Error) -> Failure {
            use $krate::errors::{ErrorKind, InstantiationError, LinkerError};
            let link = |kind| Failure::Link {
                kind,
                message: error.to_string(),
            };
            match error.kind() {
                ErrorKind::Linker(LinkerError::MissingDefinition { .. }) => {
                    link(LinkKind::UnknownImport)
                }
                ErrorKind::Linker(LinkerError::InvalidTypeDefinition { .. })
                | ErrorKind::Instantiation(
                    InstantiationError::ImportTypeMismatch { .. }
                    | InstantiationError::GlobalTypeMismatch { .. }
                    | InstantiationError::FuncTypeMismatch { .. }
                    | InstantiationError::TableTypeMismatch { .. }
                    | InstantiationError::MemoryTypeMismatch { .. },
                ) => link(LinkKind::IncompatibleImportType),
                ErrorKind::Instantiation(InstantiationError::ElementSegmentDoesNotFit {
                    ..
                }) => Failure::Trap {
                    kind: TrapKind::TableOutOfBounds,
                    message: error.to_string(),
                },
                _ => call_failure(error),
            }
        }

        fn call_failure(error: &$krate::Error) -> Failure {
            use $krate::TrapCode;
            let message = error.to_string();
            let Some(code) = error.as_trap_code() else {
                return Failure::Host { message };
            };
            let kind = match code {
                TrapCode::StackOverflow => return Failure::Exhausted { message },
                TrapCode::UnreachableCodeReached => TrapKind::Unreachable,
                TrapCode::MemoryOutOfBounds => TrapKind::MemoryOutOfBounds,
                TrapCode::TableOutOfBounds => TrapKind::TableOutOfBounds,
                TrapCode::IndirectCallToNull => TrapKind::UninitializedElement,
                TrapCode::IntegerDivisionByZero => TrapKind::IntegerDivideByZero,
                TrapCode::IntegerOverflow => TrapKind::IntegerOverflow,
                TrapCode::BadConversionToInteger => TrapKind::InvalidConversion,
                TrapCode::BadSignature => TrapKind::IndirectCallTypeMismatch,
                _ => TrapKind::Other,
            };
            Failure::Trap { kind, message }
        }

        fn host_failure(message: impl ToString) -> Failure {
            Failure::Host {
                message: message.to_string(),
            }
        }
    };
}
use interpreter_backend;
