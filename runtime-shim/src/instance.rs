//! Handles of instances, and what they export.

use crate::{
    error::Error,
    errors::FuncError,
    func::{Func, TypedFunc, WasmParams, WasmResults},
    global::Global,
    memory::Memory,
    module::Module,
    store::{AsContext, AsContextMut, Owned, StoreContext},
    table::Table,
    types::ExternType,
    vm,
};
use core::iter::FusedIterator;

/// A handle of an instance in a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Instance(pub(crate) Owned<u32>);

impl Instance {
    /// Instantiates a module with one extern for each import, in their order, and runs its start
    /// function. [`Linker`](crate::Linker) finds externs by name.
    ///
    /// # Errors
    ///
    /// If an extern does not fit its import, a limit is exceeded, a segment is out of bounds, or
    /// the start function fails. What remains then is what the specification demands: what
    /// earlier segments wrote into imported memories and tables, and the functions in the latter.
    ///
    /// # Panics
    ///
    /// If the store does not own an extern.
    pub fn new(
        mut store: impl AsContextMut,
        module: &Module,
        imports: &[Extern],
    ) -> Result<Instance, Error> {
        vm::instantiate(store.as_context_mut().store, module, imports)
    }

    /// Makes the instance what a new one with the same imports would be: the memory and the table that
    /// it defines have their first size and content, and its globals their first values; its segments
    /// are written again, also to what it imports; and its start function runs. What it imports is
    /// not reset, and handles of what it exports stay good.
    ///
    /// Links that were [switched](Self::link) stay switched.
    ///
    /// # Errors
    ///
    /// If a guest of the store runs or waits in a resumable call; if another module imports the memory or
    /// the table with a larger minimum; if the system refuses; or if the start function fails.
    ///
    /// # Example
    ///
    /// ```
    /// use wasmelt::{Engine, Instance, Module, Store};
    ///
    /// let engine = Engine::default();
    /// let module = Module::new(&engine, r#"
    ///     (module
    ///         (global $calls (mut i32) (i32.const 0))
    ///         (func (export "count") (result i32)
    ///             (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
    ///             global.get $calls))
    /// "#)?;
    /// let mut store = Store::new(&engine, ());
    /// let instance = Instance::new(&mut store, &module, &[])?;
    /// let count = instance.get_typed_func::<(), i32>(&store, "count")?;
    /// assert_eq!((count.call(&mut store, ())?, count.call(&mut store, ())?), (1, 2));
    /// instance.reset(&mut store)?;
    /// assert_eq!(count.call(&mut store, ())?, 1);
    /// # Ok::<(), wasmelt::Error>(())
    /// ```
    pub fn reset(&self, mut store: impl AsContextMut) -> Result<(), Error> {
        vm::reset(store.as_context_mut().store, *self)
    }

    /// Links an imported function of the instance to another function of the same type, from the next
    /// call on, and gives the one that it was linked to. Where the module's elements put the imported
    /// function into a table, the new one takes its place. Other instances keep their links.
    ///
    /// If several imports have the name, those with the function's type are linked.
    ///
    /// # Errors
    ///
    /// If the module imports no function of that name, or none of that type.
    ///
    /// # Panics
    ///
    /// If the store does not own the function.
    pub fn link(
        &self,
        mut store: impl AsContextMut,
        module: &str,
        name: &str,
        func: Func,
    ) -> Result<Func, Error> {
        let store = store.as_context_mut().store;
        store.inner.relink(*self, module, name, func)
    }

    /// What is exported under a name.
    ///
    /// # Panics
    ///
    /// If the store does not own the instance; so for all methods.
    pub fn get_export(&self, store: impl AsContext, name: &str) -> Option<Extern> {
        let store = &store.as_context().store.inner;
        let position = store.instance_module(*self).lookup_export(name)?;
        Some(store.instance_export(*self, position))
    }

    /// The function exported under a name.
    pub fn get_func(&self, store: impl AsContext, name: &str) -> Option<Func> {
        self.get_export(store, name)?.into_func()
    }

    /// The function exported under a name, if it has the given type.
    ///
    /// # Errors
    ///
    /// If there is none, or its type is another.
    pub fn get_typed_func<Params, Results>(
        &self,
        store: impl AsContext,
        name: &str,
    ) -> Result<TypedFunc<Params, Results>, Error>
    where
        Params: WasmParams,
        Results: WasmResults,
    {
        self.get_func(&store, name)
            .ok_or(FuncError::ExportedFuncNotFound)?
            .typed(store)
    }

    /// The global exported under a name.
    pub fn get_global(&self, store: impl AsContext, name: &str) -> Option<Global> {
        self.get_export(store, name)?.into_global()
    }

    /// The table exported under a name.
    pub fn get_table(&self, store: impl AsContext, name: &str) -> Option<Table> {
        self.get_export(store, name)?.into_table()
    }

    /// The memory exported under a name.
    pub fn get_memory(&self, store: impl AsContext, name: &str) -> Option<Memory> {
        self.get_export(store, name)?.into_memory()
    }

    /// Everything that is exported, in the module's order.
    pub fn exports<'ctx, T: 'ctx>(
        &self,
        store: impl Into<StoreContext<'ctx, T>>,
    ) -> ExportsIter<'ctx> {
        let store = &store.into().store.inner;
        let module = store.instance_module(*self);
        let exports = module.manifest().exports.iter().enumerate();
        let exports = exports.map(|(position, export)| Export {
            name: &export.name,
            definition: store.instance_export(*self, position),
        });
        ExportsIter {
            exports: exports.collect::<Vec<_>>().into_iter(),
        }
    }
}

/// A function, memory, table or global as linkers see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Extern {
    /// A global.
    Global(Global),
    /// A table.
    Table(Table),
    /// A memory.
    Memory(Memory),
    /// A function.
    Func(Func),
}

impl Extern {
    /// The global, if it is one.
    #[must_use]
    pub fn into_global(self) -> Option<Global> {
        match self {
            Self::Global(global) => Some(global),
            _ => None,
        }
    }

    /// The table, if it is one.
    #[must_use]
    pub fn into_table(self) -> Option<Table> {
        match self {
            Self::Table(table) => Some(table),
            _ => None,
        }
    }

    /// The memory, if it is one.
    #[must_use]
    pub fn into_memory(self) -> Option<Memory> {
        match self {
            Self::Memory(memory) => Some(memory),
            _ => None,
        }
    }

    /// The function, if it is one.
    #[must_use]
    pub fn into_func(self) -> Option<Func> {
        match self {
            Self::Func(func) => Some(func),
            _ => None,
        }
    }

    /// Its type, as declared.
    ///
    /// # Panics
    ///
    /// If the store does not own it.
    pub fn ty(&self, ctx: impl AsContext) -> ExternType {
        match self {
            Self::Global(global) => global.ty(ctx).into(),
            Self::Table(table) => table.ty(ctx).into(),
            Self::Memory(memory) => memory.ty(ctx).into(),
            Self::Func(func) => func.ty(ctx).into(),
        }
    }
}

impl From<Global> for Extern {
    fn from(global: Global) -> Self {
        Self::Global(global)
    }
}

impl From<Table> for Extern {
    fn from(table: Table) -> Self {
        Self::Table(table)
    }
}

impl From<Memory> for Extern {
    fn from(memory: Memory) -> Self {
        Self::Memory(memory)
    }
}

impl From<Func> for Extern {
    fn from(func: Func) -> Self {
        Self::Func(func)
    }
}

/// A name and what an instance exports under it.
#[derive(Debug, Clone)]
pub struct Export<'instance> {
    name: &'instance str,
    definition: Extern,
}

impl<'instance> Export<'instance> {
    /// The name.
    #[must_use]
    pub fn name(&self) -> &'instance str {
        self.name
    }

    /// Type of the extern, as declared.
    ///
    /// # Panics
    ///
    /// If the store does not own it.
    pub fn ty(&self, ctx: impl AsContext) -> ExternType {
        self.definition.ty(ctx)
    }

    /// The extern.
    #[must_use]
    pub fn into_extern(self) -> Extern {
        self.definition
    }

    /// The function, if it is one.
    #[must_use]
    pub fn into_func(self) -> Option<Func> {
        self.definition.into_func()
    }

    /// The table, if it is one.
    #[must_use]
    pub fn into_table(self) -> Option<Table> {
        self.definition.into_table()
    }

    /// The memory, if it is one.
    #[must_use]
    pub fn into_memory(self) -> Option<Memory> {
        self.definition.into_memory()
    }

    /// The global, if it is one.
    #[must_use]
    pub fn into_global(self) -> Option<Global> {
        self.definition.into_global()
    }
}

/// Everything that an instance exports.
#[derive(Debug)]
pub struct ExportsIter<'instance> {
    exports: std::vec::IntoIter<Export<'instance>>,
}

impl<'instance> Iterator for ExportsIter<'instance> {
    type Item = Export<'instance>;

    fn next(&mut self) -> Option<Export<'instance>> {
        self.exports.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.exports.size_hint()
    }
}

impl ExactSizeIterator for ExportsIter<'_> {}
impl FusedIterator for ExportsIter<'_> {}
