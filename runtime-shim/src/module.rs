//! Compiled modules: where they come from, and what they import and export.

use crate::{
    backtrace::{CodeAddress, FrameSymbol, WasmFrame},
    engine::Engine,
    error::Error,
    errors::{ArtifactError, ImportName, TranslationError},
    source::Source,
    types::{ExternType, FuncType, GlobalType, MemoryType, TableType},
    vm,
};
use core::{fmt, iter::FusedIterator};
use std::sync::{Arc, Weak};
use wasmelt_abi::{ExternKind, Manifest};
use wasmelt_loader::{Library, LoadError, StaticDescriptor, Trust};

#[cfg(feature = "compile")]
mod compile;
mod segments;

pub use segments::{DataSegment, DataSegmentsIter, SegmentOffset};

/// Where a module's code comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Origin {
    /// It was compiled in this process.
    Compiled,
    /// The engine's cache had it.
    Cache,
    /// It was loaded from an artifact.
    Artifact,
    /// It is linked into the program.
    Static,
}

/// Compiled code of a module, ready to be instantiated. Cheap to clone, and usable from any number
/// of threads at once.
#[derive(Clone)]
pub struct Module {
    inner: Arc<ModuleInner>,
}

struct ModuleInner {
    engine: Engine,
    library: Library,
    origin: Origin,
    types: Box<[FuncType]>,
    /// Canonical id in this process of each type.
    signature_ids: Box<[u32]>,
    import_names: Box<[ImportName]>,
    /// Positions of exports, by name.
    exports_by_name: Box<[u32]>,
    #[cfg(feature = "cache")]
    cache_failure: std::sync::OnceLock<wasmelt_cache::CacheError>,
}

impl Drop for ModuleInner {
    fn drop(&mut self) {
        if self.library.manifest().image.is_some() {
            self.engine.memory_pool().forget_dead_modules();
        }
    }
}

/// A [`Module`] that does not keep it alive.
#[derive(Clone)]
pub(crate) struct ModuleWeak {
    inner: Weak<ModuleInner>,
}

impl ModuleWeak {
    /// Whether the module is gone.
    pub(crate) fn is_dead(&self) -> bool {
        self.inner.strong_count() == 0
    }

    /// Whether it is this module. No other one can be taken for it, even when it is gone.
    pub(crate) fn is(&self, module: &Module) -> bool {
        // The allocation of the counts stays as long as there is a weak reference.
        core::ptr::eq(self.inner.as_ptr(), Arc::as_ptr(&module.inner))
    }
}

impl fmt::Debug for ModuleWeak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ModuleWeak").finish_non_exhaustive()
    }
}

impl Module {
    /// A reference that does not keep the module alive.
    pub(crate) fn weak(&self) -> ModuleWeak {
        ModuleWeak {
            inner: Arc::downgrade(&self.inner),
        }
    }

    /// Checks an artifact, and loads it if it is trusted.
    ///
    /// # Errors
    ///
    /// If it is refused, this host cannot load it, or this engine does not run it.
    pub fn load<'a>(
        engine: &Engine,
        source: impl Into<Source<'a>>,
        trust: &Trust,
    ) -> Result<Self, Error> {
        let source = source.into().into_loader();
        Self::load_by(engine, Origin::Artifact, || {
            wasmelt_loader::load(source, trust)
        })
    }

    /// Loads what this process did not compile.
    fn load_by(
        engine: &Engine,
        origin: Origin,
        load: impl FnOnce() -> Result<Library, LoadError>,
    ) -> Result<Self, Error> {
        let load = || {
            engine.config().check_precompiled()?;
            trace! { let span = crate::trace::load(origin); }
            let library = load();
            trace! { crate::trace::loaded(&span, &library); }
            Self::from_library(engine, library?, origin)
        };
        counted(load())
    }

    /// The digest of an artifact, for [`Trust::Digest`]. It says which artifact it is, not who made it.
    ///
    /// # Errors
    ///
    /// If it is no artifact, or damaged.
    pub fn artifact_digest(artifact: &[u8]) -> Result<[u8; 32], Error> {
        wasmelt_loader::verify(artifact, None)?;
        Ok(wasmelt_loader::inspect(artifact)?.digest)
    }

    /// Loads an artifact after checking its form, without any reason to trust its code.
    ///
    /// # Errors
    ///
    /// As [`Module::load`].
    ///
    /// # Safety
    ///
    /// - The artifact's code was written by a wasmelt compiler, and is unchanged: it runs with all
    ///   rights of this process.
    #[allow(unsafe_code, reason = "hands on the loader's contract")]
    pub unsafe fn load_unchecked<'a>(
        engine: &Engine,
        source: impl Into<Source<'a>>,
    ) -> Result<Self, Error> {
        let source = source.into().into_loader();
        Self::load_by(engine, Origin::Artifact, || {
            // SAFETY: the caller promises what the loader demands.
            unsafe { wasmelt_loader::load_unchecked(source) }
        })
    }

    /// A module that is linked into the program as an object.
    ///
    /// # Errors
    ///
    /// If this host or this engine cannot run it.
    pub fn from_static(
        engine: &Engine,
        descriptor: &'static StaticDescriptor,
    ) -> Result<Self, Error> {
        Self::load_by(engine, Origin::Static, || {
            wasmelt_loader::from_static(descriptor)
        })
    }

    fn from_library(engine: &Engine, library: Library, origin: Origin) -> Result<Self, Error> {
        check_options(engine, &library)?;
        let manifest = library.manifest();
        if matches!(origin, Origin::Artifact | Origin::Static) {
            // Of others the module itself was checked.
            engine.config().limits().check(&manifest.into())?;
        }
        if manifest.start.is_some() && !engine.config().is_start_fn_allowed() {
            return Err(TranslationError::DisallowedStartFn.into());
        }
        let types: Box<[FuncType]> = manifest.types.iter().map(FuncType::from_abi).collect();
        let mut exports_by_name: Box<[u32]> = (0..)
            .zip(&manifest.exports)
            .map(|(position, _)| position)
            .collect();
        exports_by_name.sort_by_key(|position| &manifest.exports[*position as usize].name);
        let import_names = manifest.imports.iter();
        let import_names = import_names
            .map(|import| ImportName::new(&import.module, &import.name))
            .collect();
        Ok(Self {
            inner: Arc::new(ModuleInner {
                engine: engine.clone(),
                origin,
                signature_ids: types.iter().map(vm::canonical_signature_id).collect(),
                types,
                import_names,
                exports_by_name,
                library,
                #[cfg(feature = "cache")]
                cache_failure: std::sync::OnceLock::new(),
            }),
        })
    }

    /// The engine it belongs to.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.inner.engine
    }

    /// Whether both are the same module: clones of one, not two that were made of the same bytes.
    #[must_use]
    pub fn same(a: &Self, b: &Self) -> bool {
        Arc::ptr_eq(&a.inner, &b.inner)
    }

    /// Where the code comes from.
    #[must_use]
    pub fn origin(&self) -> Origin {
        self.inner.origin
    }

    /// What the engine's cache failed at, while the module was compiled without its help, as
    /// [`CacheFailure::RunWithout`](crate::CacheFailure::RunWithout) allows: a full disk, for example.
    #[cfg(feature = "cache")]
    #[must_use]
    pub fn cache_failure(&self) -> Option<&wasmelt_cache::CacheError> {
        self.inner.cache_failure.get()
    }

    #[cfg(all(feature = "cache", feature = "compile"))]
    fn set_cache_failure(&self, failure: wasmelt_cache::CacheError) {
        // A module is made once, and nobody else has it yet.
        let _ = self.inner.cache_failure.set(failure);
    }

    /// Name of the module, if its name section has one.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.manifest().name.as_deref()
    }

    /// The loaded artifact.
    #[must_use]
    pub fn library(&self) -> &Library {
        &self.inner.library
    }

    /// What it imports, in its order.
    #[must_use]
    pub fn imports(&self) -> ModuleImportsIter<'_> {
        ModuleImportsIter {
            module: self,
            positions: 0..self.inner.import_names.len(),
        }
    }

    /// What it exports, in its order.
    #[must_use]
    pub fn exports(&self) -> ModuleExportsIter<'_> {
        ModuleExportsIter {
            module: self,
            positions: 0..self.manifest().exports.len(),
        }
    }

    /// Type of what is exported under a name.
    #[must_use]
    pub fn get_export(&self, name: &str) -> Option<ExternType> {
        Some(self.export_type(self.lookup_export(name)?))
    }

    /// Custom sections, in their order, without names and debug information.
    #[must_use]
    pub fn custom_sections(&self) -> CustomSectionsIter<'_> {
        let sections = if self.engine().config().are_custom_sections_ignored() {
            &[]
        } else {
            self.manifest().custom_sections.as_slice()
        };
        CustomSectionsIter {
            sections: sections.iter(),
        }
    }

    /// Active data segments, in their order: what instantiation writes to the memory.
    #[must_use]
    pub fn data_segments(&self) -> DataSegmentsIter<'_> {
        DataSegmentsIter::new(self.library())
    }

    pub(crate) fn manifest(&self) -> &Manifest {
        self.inner.library.manifest()
    }

    /// Canonical ids of the types, in their order.
    pub(crate) fn signature_ids(&self) -> &[u32] {
        &self.inner.signature_ids
    }

    /// Type index of a function, imports first.
    pub(crate) fn type_index(&self, func_index: u32) -> usize {
        self.manifest().functions[func_index as usize] as usize
    }

    pub(crate) fn func_type(&self, func_index: u32) -> &FuncType {
        &self.inner.types[self.type_index(func_index)]
    }

    /// Position of an export.
    pub(crate) fn lookup_export(&self, name: &str) -> Option<usize> {
        let exports = &self.manifest().exports;
        let found = self
            .inner
            .exports_by_name
            .binary_search_by_key(&name, |position| exports[*position as usize].name.as_str());
        Some(self.inner.exports_by_name[found.ok()?] as usize)
    }

    pub(crate) fn import_name(&self, position: usize) -> &ImportName {
        &self.inner.import_names[position]
    }

    pub(crate) fn import_type(&self, position: usize) -> ExternType {
        let manifest = self.manifest();
        let import = &manifest.imports[position];
        match import.kind {
            // The loader checked that this is a type index, the one of the function.
            ExternKind::Func => self.inner.types[import.index as usize].clone().into(),
            kind => self.extern_type(kind, import.index),
        }
    }

    fn export_type(&self, position: usize) -> ExternType {
        let export = &self.manifest().exports[position];
        self.extern_type(export.kind, export.index)
    }

    fn extern_type(&self, kind: ExternKind, index: u32) -> ExternType {
        let manifest = self.manifest();
        match kind {
            ExternKind::Func => self.func_type(index).clone().into(),
            ExternKind::Table => {
                let table = manifest.table.expect("checked when loaded");
                TableType::from_abi(table.limits).into()
            }
            ExternKind::Memory => {
                let memory = manifest.memory.expect("checked when loaded");
                MemoryType::from_abi(memory.limits).into()
            }
            ExternKind::Global => GlobalType::from_abi(manifest.globals[index as usize].ty).into(),
        }
    }

    /// Functions at a place in the code, innermost first: more than one where calls were inlined.
    pub(crate) fn symbolize(&self, address: CodeAddress) -> Vec<WasmFrame> {
        let imported = self.manifest().imported_function_count;
        let compiled = u32::try_from(address.defined_func).expect("functions are 32-bit indices");
        let offsets = self.library().offset_map();
        let known = offsets.lookup(address.defined_func, address.function_offset);
        let lines = self.library().source_lines();
        let frame = |func_index, wasm_offset: Option<u32>| WasmFrame {
            module_name: self.name().map(str::to_owned),
            func_index,
            func_name: self.func_name(func_index).map(str::to_owned),
            wasm_offset,
            symbols: wasm_offset
                .map(|offset| lines.lookup(offset).into_iter().map(FrameSymbol::new))
                .into_iter()
                .flatten()
                .collect(),
        };
        if known.is_empty() {
            return vec![frame(imported + compiled, None)];
        }
        known
            .into_iter()
            .map(|known| {
                let func_index = known.inlined_func_index.unwrap_or(imported + compiled);
                frame(func_index, Some(known.wasm_offset))
            })
            .collect()
    }

    /// Refuses an engine, of the store to be instantiated in, that does not run this code.
    pub(crate) fn check_engine(&self, engine: &Engine) -> Result<(), Error> {
        if self.engine().config().are_floats_allowed() {
            engine.config().check_precompiled()?;
        }
        check_options(engine, self.library())?;
        Ok(())
    }

    pub(crate) fn func_name(&self, func_index: u32) -> Option<&str> {
        let library = self.library();
        library.function_name(func_index).or_else(|| {
            let mut exports = library.manifest().exports.iter();
            exports
                .find(|export| export.kind == ExternKind::Func && export.index == func_index)
                .map(|export| export.name.as_str())
        })
    }
}

/// Counts refusals.
fn counted<T>(result: Result<T, Error>) -> Result<T, Error> {
    count! {
        if let Err(error) = &result {
            crate::metrics::refused(error);
        }
    }
    result
}

/// Refuses what this engine does not run.
fn check_options(engine: &Engine, library: &Library) -> Result<(), ArtifactError> {
    let options = library.descriptor().options;
    let config = engine.config().codegen();
    if options.signals && !config.signals {
        return Err(ArtifactError::NeedsSignals { options });
    }
    if options.fuel != config.fuel {
        return Err(ArtifactError::Metering { options });
    }
    let schedules = (engine.fuel_schedule(), library.manifest().fuel_schedule);
    if let (Some(expected), Some(found)) = schedules
        && expected != found
    {
        return Err(ArtifactError::FuelSchedule { expected, found });
    }
    if config.interruption && !options.interruption {
        return Err(ArtifactError::NoInterruption { options });
    }
    if config.call_depth && !options.call_depth {
        return Err(ArtifactError::NoCallDepth { options });
    }
    Ok(())
}

impl fmt::Debug for Module {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Module")
            .field("name", &self.name())
            .field("origin", &self.inner.origin)
            .field("library", &self.inner.library)
            .finish_non_exhaustive()
    }
}

/// An import of a module.
#[derive(Debug)]
pub struct ImportType<'module> {
    name: &'module ImportName,
    ty: ExternType,
}

impl<'module> ImportType<'module> {
    /// Module name.
    #[must_use]
    pub fn module(&self) -> &'module str {
        self.name.module()
    }

    /// Field name.
    #[must_use]
    pub fn name(&self) -> &'module str {
        self.name.name()
    }

    /// Type.
    #[must_use]
    pub fn ty(&self) -> &ExternType {
        &self.ty
    }

    pub(crate) fn import_name(&self) -> &'module ImportName {
        self.name
    }
}

/// Imports of a module.
#[derive(Debug)]
pub struct ModuleImportsIter<'module> {
    module: &'module Module,
    positions: core::ops::Range<usize>,
}

impl<'module> Iterator for ModuleImportsIter<'module> {
    type Item = ImportType<'module>;

    fn next(&mut self) -> Option<ImportType<'module>> {
        let position = self.positions.next()?;
        Some(ImportType {
            name: self.module.import_name(position),
            ty: self.module.import_type(position),
        })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.positions.size_hint()
    }
}

impl ExactSizeIterator for ModuleImportsIter<'_> {}
impl FusedIterator for ModuleImportsIter<'_> {}

/// An export of a module.
#[derive(Debug)]
pub struct ExportType<'module> {
    name: &'module str,
    ty: ExternType,
}

impl<'module> ExportType<'module> {
    /// Name.
    #[must_use]
    pub fn name(&self) -> &'module str {
        self.name
    }

    /// Type.
    #[must_use]
    pub fn ty(&self) -> &ExternType {
        &self.ty
    }
}

/// Exports of a module.
#[derive(Debug)]
pub struct ModuleExportsIter<'module> {
    module: &'module Module,
    positions: core::ops::Range<usize>,
}

impl<'module> Iterator for ModuleExportsIter<'module> {
    type Item = ExportType<'module>;

    fn next(&mut self) -> Option<ExportType<'module>> {
        let position = self.positions.next()?;
        Some(ExportType {
            name: &self.module.manifest().exports[position].name,
            ty: self.module.export_type(position),
        })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.positions.size_hint()
    }
}

impl ExactSizeIterator for ModuleExportsIter<'_> {}
impl FusedIterator for ModuleExportsIter<'_> {}

/// A custom section of a module.
#[derive(Debug)]
pub struct CustomSection<'module> {
    name: &'module str,
    data: &'module [u8],
}

impl<'module> CustomSection<'module> {
    /// Name.
    #[must_use]
    pub fn name(&self) -> &'module str {
        self.name
    }

    /// Content.
    #[must_use]
    pub fn data(&self) -> &'module [u8] {
        self.data
    }
}

/// Custom sections of a module.
#[derive(Debug)]
pub struct CustomSectionsIter<'module> {
    sections: core::slice::Iter<'module, wasmelt_abi::CustomSection>,
}

impl<'module> Iterator for CustomSectionsIter<'module> {
    type Item = CustomSection<'module>;

    fn next(&mut self) -> Option<CustomSection<'module>> {
        let section = self.sections.next()?;
        Some(CustomSection {
            name: &section.name,
            data: &section.data,
        })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.sections.size_hint()
    }
}
