//! Finds externs for imports by name.

use crate::{
    engine::Engine,
    error::Error,
    errors::{ImportName, LinkerError},
    func::{Caller, HostFuncDefinition, IntoFunc},
    instance::{Extern, Instance},
    module::{ImportType, Module},
    store::{AsContext, AsContextMut, Store},
    types::{ExternType, FuncType},
    value::Val,
    vm,
};
use core::fmt;
use std::collections::BTreeMap;

/// What a name is defined as.
pub(crate) enum Definition<T> {
    /// Something in a store.
    Extern(Extern),
    /// A host function that any store can have.
    HostFunc(HostFuncDefinition<T>),
}

impl<T> Clone for Definition<T> {
    fn clone(&self) -> Self {
        match self {
            Self::Extern(item) => Self::Extern(*item),
            Self::HostFunc(func) => Self::HostFunc(func.clone()),
        }
    }
}

impl<T> fmt::Debug for Definition<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Extern(item) => item.fmt(f),
            Self::HostFunc(func) => func.ty().fmt(f),
        }
    }
}

impl<T> Definition<T> {
    /// The extern in `store`; a host function is added to it.
    fn to_extern(&self, store: &mut Store<T>) -> Extern {
        match self {
            Self::Extern(item) => *item,
            Self::HostFunc(func) => store.create_host_func(func.clone()).into(),
        }
    }

    fn ty(&self, store: &Store<T>) -> ExternType {
        match self {
            Self::Extern(item) => item.ty(store),
            Self::HostFunc(func) => func.ty().clone().into(),
        }
    }

    /// Whether both are surely of one type: a host function's is known without a store.
    fn has_type_of(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::HostFunc(a), Self::HostFunc(b)) => a.ty() == b.ty(),
            (Self::Extern(a), Self::Extern(b)) => match (a, b) {
                (Extern::Func(a), Extern::Func(b)) => a.0 == b.0,
                (Extern::Global(a), Extern::Global(b)) => a.0 == b.0,
                (Extern::Memory(_), Extern::Memory(_)) | (Extern::Table(_), Extern::Table(_)) => {
                    true
                }
                _ => false,
            },
            _ => false,
        }
    }

    fn is_kind_of(&self, ty: &ExternType) -> bool {
        matches!(
            (self, ty),
            (
                Self::HostFunc(_) | Self::Extern(Extern::Func(_)),
                ExternType::Func(_)
            ) | (Self::Extern(Extern::Table(_)), ExternType::Table(_))
                | (Self::Extern(Extern::Memory(_)), ExternType::Memory(_))
                | (Self::Extern(Extern::Global(_)), ExternType::Global(_))
        )
    }
}

/// Definitions by module name, then field name: one, or with overloads one for each type.
type Definitions<T> = BTreeMap<Box<str>, BTreeMap<Box<str>, Vec<Definition<T>>>>;

/// Names and what they are defined as. Instantiates modules by looking up their imports.
///
/// Host functions defined here belong to no store, and are added to each one that uses them.
///
/// ```
/// use wasmelt::{Engine, Linker, Module, Store};
///
/// let engine = Engine::default();
/// let mut linker = Linker::<()>::new(&engine);
/// linker.func_wrap("host", "double", |value: i32| value * 2)?;
///
/// let module = Module::new(&engine, r#"
///     (module
///         (import "host" "double" (func $double (param i32) (result i32)))
///         (func (export "quadruple") (param i32) (result i32)
///             local.get 0 call $double call $double))
/// "#)?;
/// let mut store = Store::new(&engine, ());
/// let instance = linker.instantiate_and_start(&mut store, &module)?;
/// let quadruple = instance.get_typed_func::<i32, i32>(&store, "quadruple")?;
/// assert_eq!(quadruple.call(&mut store, 5)?, 20);
/// # Ok::<(), wasmelt::Error>(())
/// ```
pub struct Linker<T> {
    engine: Engine,
    definitions: Definitions<T>,
    is_shadowing_allowed: bool,
    are_overloads_allowed: bool,
}

impl<T> Clone for Linker<T> {
    fn clone(&self) -> Self {
        Self {
            engine: self.engine.clone(),
            definitions: self.definitions.clone(),
            is_shadowing_allowed: self.is_shadowing_allowed,
            are_overloads_allowed: self.are_overloads_allowed,
        }
    }
}

impl<T> Default for Linker<T> {
    fn default() -> Self {
        Self::new(&Engine::default())
    }
}

impl<T> fmt::Debug for Linker<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Linker")
            .field("definitions", &self.definitions)
            .finish_non_exhaustive()
    }
}

impl<T> Linker<T> {
    /// A linker without definitions.
    #[must_use]
    pub fn new(engine: &Engine) -> Self {
        Self {
            engine: engine.clone(),
            definitions: Definitions::new(),
            is_shadowing_allowed: false,
            are_overloads_allowed: false,
        }
    }

    /// The engine it belongs to.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Whether a later definition may replace an earlier one. Default: false.
    pub fn allow_shadowing(&mut self, allow: bool) -> &mut Self {
        self.is_shadowing_allowed = allow;
        self
    }

    pub(crate) fn is_shadowing_allowed(&self) -> bool {
        self.is_shadowing_allowed
    }

    /// Whether a name may have several definitions of different types, of which each import gets the one
    /// of its own type. Default: false.
    ///
    /// Functions of a store ([`Linker::define`], [`Linker::instance`]) are told by their types only when
    /// a store is there, not by [`Linker::instantiate_pre`]; of two that are alike, the earlier one is
    /// found.
    ///
    /// ```
    /// use wasmelt::{Engine, Linker, Module, Store};
    ///
    /// let engine = Engine::default();
    /// let mut linker = Linker::<()>::new(&engine);
    /// linker.allow_overloads(true);
    /// linker.func_wrap("host", "abs", |value: i32| value.wrapping_abs())?;
    /// linker.func_wrap("host", "abs", |value: f64| value.abs())?;
    /// let module = Module::new(&engine, r#"
    ///     (module
    ///         (import "host" "abs" (func $i32 (param i32) (result i32)))
    ///         (import "host" "abs" (func $f64 (param f64) (result f64)))
    ///         (export "i32" (func $i32)) (export "f64" (func $f64)))
    /// "#)?;
    /// let mut store = Store::new(&engine, ());
    /// let instance = linker.instantiate_and_start(&mut store, &module)?;
    /// let abs = instance.get_typed_func::<f64, f64>(&store, "f64")?;
    /// assert_eq!(abs.call(&mut store, -1.5)?, 1.5);
    /// # Ok::<(), wasmelt::Error>(())
    /// ```
    pub fn allow_overloads(&mut self, allow: bool) -> &mut Self {
        self.are_overloads_allowed = allow;
        self
    }

    pub(crate) fn are_overloads_allowed(&self) -> bool {
        self.are_overloads_allowed
    }

    /// Defines a name as something in a store.
    ///
    /// # Errors
    ///
    /// If the name is defined already, and shadowing is not allowed.
    pub fn define(
        &mut self,
        module: &str,
        name: &str,
        item: impl Into<Extern>,
    ) -> Result<&mut Self, LinkerError> {
        self.insert(module, name, Definition::Extern(item.into()))
    }

    /// Defines a name as a host function of a type that is known at run time only; see
    /// [`Func::new`](crate::Func::new).
    ///
    /// # Errors
    ///
    /// If the name is defined already, and shadowing is not allowed.
    pub fn func_new(
        &mut self,
        module: &str,
        name: &str,
        ty: FuncType,
        func: impl Fn(Caller<'_, T>, &[Val], &mut [Val]) -> Result<(), Error> + Send + Sync + 'static,
    ) -> Result<&mut Self, LinkerError> {
        let func = HostFuncDefinition::new(ty, func);
        self.insert(module, name, Definition::HostFunc(func))
    }

    /// Defines a name as a host function made of a closure; see
    /// [`Func::wrap`](crate::Func::wrap).
    ///
    /// # Errors
    ///
    /// If the name is defined already, and shadowing is not allowed.
    pub fn func_wrap<Params, Args>(
        &mut self,
        module: &str,
        name: &str,
        func: impl IntoFunc<T, Params, Args>,
    ) -> Result<&mut Self, LinkerError> {
        self.insert(module, name, Definition::HostFunc(func.into_func()))
    }

    /// What a name is defined as, if that is something in a store.
    ///
    /// # Panics
    ///
    /// If the store belongs to another engine.
    pub fn get(
        &self,
        context: impl AsContext<Data = T>,
        module: &str,
        name: &str,
    ) -> Option<Extern> {
        self.check_engine(context.as_context().engine());
        self.lookup(module, name)
            .iter()
            .find_map(|found| match found {
                Definition::Extern(item) => Some(*item),
                Definition::HostFunc(_) => None,
            })
    }

    /// Defines everything that an instance exports, under `module_name` and the exports' names.
    ///
    /// # Errors
    ///
    /// If a name is defined already, and shadowing is not allowed.
    ///
    /// # Panics
    ///
    /// If the store belongs to another engine, or does not own the instance.
    pub fn instance(
        &mut self,
        mut store: impl AsContextMut<Data = T>,
        module_name: &str,
        instance: Instance,
    ) -> Result<&mut Self, Error> {
        let store = store.as_context_mut();
        self.check_engine(store.engine());
        for export in instance.exports(&store) {
            let name = export.name();
            self.insert(module_name, name, Definition::Extern(export.into_extern()))?;
        }
        Ok(self)
    }

    /// Defines everything under `module` a second time under `as_module`.
    ///
    /// # Errors
    ///
    /// If a name is defined already, and shadowing is not allowed.
    pub fn alias_module(&mut self, module: &str, as_module: &str) -> Result<(), Error> {
        let definitions = self.definitions.get(module).cloned().unwrap_or_default();
        for (name, definitions) in definitions {
            for definition in definitions {
                self.insert(as_module, &name, definition)?;
            }
        }
        Ok(())
    }

    /// Defines every function that `module` imports and that is not defined yet, as one that ends
    /// the call with [`LinkerError::MissingDefinition`]. Other imports stay undefined.
    ///
    /// # Errors
    ///
    /// Never, so far.
    pub fn define_unknown_imports_as_traps(&mut self, module: &Module) -> Result<(), Error> {
        for import in module.imports() {
            let ExternType::Func(ty) = import.ty() else {
                continue;
            };
            let known = self.lookup(import.module(), import.name());
            let may_be_meant = |known: &Definition<T>| match known {
                Definition::HostFunc(func) => func.ty() == ty,
                Definition::Extern(_) => true,
            };
            let is_known = match self.are_overloads_allowed {
                true => known.iter().any(may_be_meant),
                false => !known.is_empty(),
            };
            if is_known {
                continue;
            }
            let error = missing_definition(&import);
            let func =
                HostFuncDefinition::new(ty.clone(), move |_, _, _| Err(error.clone().into()));
            self.insert(import.module(), import.name(), Definition::HostFunc(func))?;
        }
        Ok(())
    }

    /// Instantiates a module and runs its start function.
    ///
    /// # Errors
    ///
    /// If an import is not defined or does not fit, or as [`Instance::new`].
    ///
    /// # Panics
    ///
    /// If the store belongs to another engine.
    pub fn instantiate_and_start(
        &self,
        mut context: impl AsContextMut<Data = T>,
        module: &Module,
    ) -> Result<Instance, Error> {
        let store = context.as_context_mut().store;
        self.check_engine(store.engine());
        let resolved = module
            .imports()
            .map(|import| {
                let found = self.resolve(&import, Some(store))?;
                check_kind(&import, found, store)?;
                Ok(found)
            })
            .collect::<Result<Vec<_>, LinkerError>>()?;
        instantiate(store, module, resolved.into_iter())
    }

    /// Another name of [`Linker::instantiate_and_start`].
    ///
    /// # Errors
    ///
    /// As [`Linker::instantiate_and_start`].
    ///
    /// # Panics
    ///
    /// If the store belongs to another engine.
    pub fn instantiate(
        &self,
        context: impl AsContextMut<Data = T>,
        module: &Module,
    ) -> Result<Instance, Error> {
        self.instantiate_and_start(context, module)
    }

    /// Looks up the imports of a module now, to instantiate it many times later.
    ///
    /// # Errors
    ///
    /// If an import is not defined.
    pub fn instantiate_pre(&self, module: &Module) -> Result<InstancePre<T>, Error> {
        let definitions = module
            .imports()
            .map(|import| self.resolve(&import, None).cloned())
            .collect::<Result<_, _>>()?;
        Ok(InstancePre {
            engine: self.engine.clone(),
            module: module.clone(),
            definitions,
        })
    }

    fn insert(
        &mut self,
        module: &str,
        name: &str,
        definition: Definition<T>,
    ) -> Result<&mut Self, LinkerError> {
        let names = match self.definitions.get_mut(module) {
            Some(names) => names,
            None => self.definitions.entry(module.into()).or_default(),
        };
        let definitions = match names.get_mut(name) {
            Some(definitions) => definitions,
            None => names.entry(name.into()).or_default(),
        };
        let same = if self.are_overloads_allowed {
            definitions
                .iter()
                .position(|other| other.has_type_of(&definition))
        } else {
            (!definitions.is_empty()).then_some(0)
        };
        match same {
            None => definitions.push(definition),
            Some(same) if self.is_shadowing_allowed => definitions[same] = definition,
            Some(_) => {
                return Err(LinkerError::DuplicateDefinition {
                    import_name: ImportName::new(module, name),
                });
            }
        }
        Ok(self)
    }

    /// Defines a name as a host function.
    pub(crate) fn define_host_func(
        &mut self,
        module: &str,
        name: &str,
        func: HostFuncDefinition<T>,
    ) -> Result<&mut Self, LinkerError> {
        self.insert(module, name, Definition::HostFunc(func))
    }

    /// Forgets what a name is defined as.
    pub(crate) fn undefine(&mut self, module: &str, name: &str) {
        if let Some(names) = self.definitions.get_mut(module) {
            names.remove(name);
        }
    }

    fn lookup(&self, module: &str, name: &str) -> &[Definition<T>] {
        let names = self.definitions.get(module);
        let found = names.and_then(|names| names.get(name));
        found.map(Vec::as_slice).unwrap_or_default()
    }

    /// The definition for an import: of several the first one of its type, or else of its kind, or else
    /// any.
    pub(crate) fn lookup_import(
        &self,
        import: &ImportType<'_>,
        store: Option<&Store<T>>,
    ) -> Option<&Definition<T>> {
        let found = self.lookup(import.module(), import.name());
        let ty = import.ty();
        let has_type = |found: &&Definition<T>| match (found, ty, store) {
            (Definition::HostFunc(func), ExternType::Func(ty), _) => func.ty() == ty,
            (Definition::Extern(Extern::Func(func)), ExternType::Func(ty), Some(store)) => {
                store.inner.func_type(*func) == ty
            }
            (Definition::Extern(Extern::Global(global)), ExternType::Global(ty), Some(store)) => {
                store.inner.global_type(*global) == *ty
            }
            _ => false,
        };
        found
            .iter()
            .find(has_type)
            .or_else(|| found.iter().find(|found| found.is_kind_of(ty)))
            .or(found.first())
    }

    fn resolve(
        &self,
        import: &ImportType<'_>,
        store: Option<&Store<T>>,
    ) -> Result<&Definition<T>, LinkerError> {
        self.lookup_import(import, store)
            .ok_or_else(|| missing_definition(import))
    }

    fn check_engine(&self, engine: &Engine) {
        assert!(
            Engine::same(engine, &self.engine),
            "linker and store belong to different engines"
        );
    }
}

fn missing_definition(import: &ImportType<'_>) -> LinkerError {
    LinkerError::MissingDefinition {
        name: import.import_name().clone(),
        ty: import.ty().clone(),
    }
}

fn check_kind<T>(
    import: &ImportType<'_>,
    found: &Definition<T>,
    store: &Store<T>,
) -> Result<(), LinkerError> {
    if found.is_kind_of(import.ty()) {
        return Ok(());
    }
    Err(LinkerError::InvalidTypeDefinition {
        name: import.import_name().clone(),
        expected: import.ty().clone(),
        found: found.ty(store),
    })
}

/// Instantiates with definitions; when that fails and left no instance behind, the host functions
/// added for it are removed again.
fn instantiate<'a, T: 'a>(
    store: &mut Store<T>,
    module: &Module,
    definitions: impl Iterator<Item = &'a Definition<T>>,
) -> Result<Instance, Error> {
    let before = store.mark();
    let externs: Vec<Extern> = definitions.map(|found| found.to_extern(store)).collect();
    let instance = vm::instantiate(store, module, &externs);
    if instance.is_err() {
        store.remove_host_funcs_since(before);
    }
    instance
}

/// A module whose imports are looked up already.
pub struct InstancePre<T> {
    engine: Engine,
    module: Module,
    definitions: Box<[Definition<T>]>,
}

impl<T> Clone for InstancePre<T> {
    fn clone(&self) -> Self {
        Self {
            engine: self.engine.clone(),
            module: self.module.clone(),
            definitions: self.definitions.clone(),
        }
    }
}

impl<T> fmt::Debug for InstancePre<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InstancePre")
            .field("module", &self.module)
            .field("definitions", &self.definitions)
            .finish_non_exhaustive()
    }
}

impl<T> InstancePre<T> {
    /// The module.
    #[must_use]
    pub fn module(&self) -> &Module {
        &self.module
    }

    /// Instantiates the module and runs its start function.
    ///
    /// # Errors
    ///
    /// If a definition does not fit its import, or as [`Instance::new`].
    ///
    /// # Panics
    ///
    /// If the store belongs to another engine.
    pub fn instantiate(&self, mut context: impl AsContextMut<Data = T>) -> Result<Instance, Error> {
        let store = context.as_context_mut().store;
        assert!(
            Engine::same(store.engine(), &self.engine),
            "linker and store belong to different engines"
        );
        instantiate(store, &self.module, self.definitions.iter())
    }
}
