//! Modules: compiled, loaded, described, shared between stores.
#![allow(
    unsafe_code,
    reason = "exports functions by unmangled names, and loads what the embedder vouches for"
)]

use crate::engine::{EngineState, lock};
use crate::export::export;
use crate::failure::Failure;
use crate::host_info::HostInfo;
use crate::live::{Counted, Kind};
use crate::object::Object;
use crate::reference::Ref;
use crate::signature::opaque;
use crate::store::{self, StoreObject};
use crate::text::to_binary;
use crate::trust::{Decision, digest_of};
use crate::types::{ExportType, ExternType, ImportType};
use crate::vec::{ByteVec, CVec, Out, emptied};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use wasmelt::{Engine, Module, Trust};

/// From what a module was made, to make an artifact of it.
#[derive(Clone)]
pub(crate) enum Origin {
    Wasm(Arc<[u8]>),
    Artifact(Arc<[u8]>),
    File(Arc<PathBuf>),
}

/// What a `wasm_module_t` refers to.
pub(crate) struct ModuleObject {
    /// `None` when its engine is closed.
    module: Mutex<Option<Module>>,
    engine: Arc<EngineState>,
    origin: Origin,
    host_info: Mutex<HostInfo>,
}

/// `wasm_shared_module_t`.
pub(crate) struct SharedModule {
    object: Arc<ModuleObject>,
    _counted: Counted,
}

opaque!(SharedModule);

impl ModuleObject {
    pub(crate) fn new(module: Module, engine: &Arc<EngineState>, origin: Origin) -> Arc<Self> {
        let object = Arc::new(Self {
            module: Mutex::new(Some(module)),
            engine: Arc::clone(engine),
            origin,
            host_info: Mutex::default(),
        });
        engine.add_module(&object);
        object
    }

    pub(crate) fn host_info(&self) -> &Mutex<HostInfo> {
        &self.host_info
    }

    pub(crate) fn close(&self) {
        let module = lock(&self.module).take();
        drop(module);
    }

    fn module(&self) -> Result<Module, Failure> {
        let module = lock(&self.module).clone();
        module.ok_or_else(|| Failure::usage("the module's engine is closed"))
    }

    /// The module, for a store of this engine.
    pub(crate) fn module_for(&self, engine: &Arc<EngineState>) -> Result<Module, Failure> {
        if !Arc::ptr_eq(&self.engine, engine) {
            return Err(Failure::usage("a module of another engine was given"));
        }
        self.module()
    }

    /// Its bytes, if it was compiled here.
    pub(crate) fn wasm(&self) -> Option<Arc<[u8]>> {
        match &self.origin {
            Origin::Wasm(wasm) => Some(Arc::clone(wasm)),
            _ => None,
        }
    }

    fn artifact(&self) -> Result<Arc<[u8]>, Failure> {
        let module = self.module()?;
        let bytes: Arc<[u8]> = match &self.origin {
            Origin::Wasm(wasm) => {
                // The compiler is a pure function: these are the bytes that run.
                Module::compile(&self.engine.engine()?, wasm)?.into()
            }
            Origin::Artifact(bytes) => return Ok(Arc::clone(bytes)),
            Origin::File(path) => std::fs::read(&**path)
                .map_err(|error| Failure::host(format!("cannot read {}: {error}", path.display())))?
                .into(),
        };
        let digest = digest_of(&bytes)?;
        match self.origin {
            Origin::File(_) if digest != *module.library().digest() => Err(Failure::artifact(
                "the file that the module was loaded from is another one now",
            )),
            Origin::File(_) => Ok(bytes),
            _ => {
                self.engine.vouch_for(digest);
                Ok(bytes)
            }
        }
    }
}

/// A module that was just made, as C has it.
pub(crate) fn boxed(module: Module, engine: &Arc<EngineState>, origin: Origin) -> Box<Ref> {
    Ref::free(Object::Module(ModuleObject::new(module, engine, origin)))
}

pub(crate) fn given(module: Option<&Ref>) -> Result<&Arc<ModuleObject>, Failure> {
    match module.ok_or_else(|| Failure::null("module"))?.object() {
        Object::Module(module) => Ok(module),
        _ => Err(Failure::usage("the reference is to no module")),
    }
}

pub(crate) fn given_bytes(bytes: Option<&ByteVec>) -> Result<&[u8], Failure> {
    Ok(bytes
        .ok_or_else(|| Failure::null("vector of bytes"))?
        .as_slice())
}

/// Loads bytes as far as there is a reason to trust them.
fn load(engine: &Engine, bytes: &[u8], decision: Decision) -> Result<Module, Failure> {
    Ok(match decision {
        Decision::Digest(digest) => Module::load(engine, bytes, &Trust::Digest(digest))?,
        // SAFETY: the embedder said, by a function whose name ends with `unsafe`, that it vouches for all artifacts
        // that this engine is given.
        Decision::Unchecked => unsafe { Module::load_unchecked(engine, bytes) }?,
    })
}

fn text(text: &str) -> Result<ByteVec, Failure> {
    ByteVec::of(text.as_bytes())
}

export! { EXPORTS;
    fn wasm_module_new(store: Option<&StoreObject>, binary: Option<&ByteVec>) -> Option<Box<Ref>> {
        let engine = store::given(store)?.engine();
        let wasm = to_binary(given_bytes(binary)?)?;
        let module = Module::new(&engine.engine()?, &wasm)?;
        Ok(Some(boxed(module, engine, Origin::Wasm(wasm.into()))))
    }

    fn wasm_module_validate(store: Option<&StoreObject>, binary: Option<&ByteVec>) -> bool {
        let engine = store::given(store)?.engine();
        Module::validate(&engine.engine()?, &to_binary(given_bytes(binary)?)?)?;
        Ok(true)
    }

    fn wasm_module_imports(module: Option<&Ref>, out: Out<'_, CVec<Option<Box<ImportType>>>>) {
        let out = emptied(out, "imports")?;
        let module = given(module)?.module()?;
        let imports: Result<Vec<_>, Failure> = module
            .imports()
            .map(|import| {
                let ty = ExternType::of(import.ty())?;
                let import = ImportType::new(text(import.module())?, text(import.name())?, ty);
                Ok(Some(Box::new(import)))
            })
            .collect();
        *out = CVec::collected(imports?)?;
        Ok(())
    }

    fn wasm_module_exports(module: Option<&Ref>, out: Out<'_, CVec<Option<Box<ExportType>>>>) {
        let out = emptied(out, "exports")?;
        let module = given(module)?.module()?;
        let exports: Result<Vec<_>, Failure> = module
            .exports()
            .map(|export| {
                let ty = ExternType::of(export.ty())?;
                Ok(Some(Box::new(ExportType::new(text(export.name())?, ty))))
            })
            .collect();
        *out = CVec::collected(exports?)?;
        Ok(())
    }

    fn wasm_module_serialize(module: Option<&Ref>, out: Out<'_, ByteVec>) {
        let out = emptied(out, "bytes")?;
        *out = ByteVec::of(&given(module)?.artifact()?)?;
        Ok(())
    }

    fn wasm_module_deserialize(store: Option<&StoreObject>, bytes: Option<&ByteVec>)
        -> Option<Box<Ref>>
    {
        let engine = store::given(store)?.engine();
        let bytes = given_bytes(bytes)?;
        let module = load(&engine.engine()?, bytes, engine.decide(bytes)?)?;
        Ok(Some(boxed(module, engine, Origin::Artifact(bytes.into()))))
    }

    fn wasm_module_share(module: Option<&Ref>) -> Option<Box<SharedModule>> {
        Ok(Some(Box::new(SharedModule {
            object: Arc::clone(given(module)?),
            _counted: Counted::new(Kind::SharedModule),
        })))
    }

    fn wasm_module_obtain(store: Option<&StoreObject>, shared: Option<&SharedModule>)
        -> Option<Box<Ref>>
    {
        let engine = store::given(store)?.engine();
        let shared = &shared.ok_or_else(|| Failure::null("shared module"))?.object;
        let module = shared.module_for(engine)?;
        Ok(Some(boxed(module, engine, shared.origin.clone())))
    }

    fn wasm_shared_module_delete(shared: Option<Box<SharedModule>>) {
        drop(shared);
        Ok(())
    }
}
