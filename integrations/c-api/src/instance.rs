//! Instances: made of a module and its imports.
#![allow(unsafe_code, reason = "exports functions by unmangled names")]

use crate::export::{caught, export};
use crate::failure::Failure;
use crate::module;
use crate::object::Object;
use crate::reference::{self, Ref};
use crate::store::{self, StoreObject};
use crate::trap::TrapObject;
use crate::vec::{CVec, Out, emptied};
use std::sync::Arc;
use wasmelt::{Extern, Instance};

type Externs = CVec<Option<Box<Ref>>>;

/// Makes an instance, or gives the trap that ended that.
fn create(
    store: Option<&StoreObject>,
    module: Option<&Ref>,
    imports: Option<&Externs>,
) -> Result<Result<Box<Ref>, TrapObject>, Failure> {
    // A host function that the start function calls may let go of all that C gave: nothing of it is used then.
    let state = Arc::clone(store::given(store)?);
    let object = module::given(module)?;
    let module = object.module_for(state.engine())?;
    let wasm = object.wasm();
    let imports = imports.map_or(&[][..], Externs::as_slice);
    let imports: Result<Vec<Extern>, Failure> = imports
        .iter()
        .map(|import| {
            let import = import.as_deref().ok_or_else(|| Failure::null("import"))?;
            import.extern_in(&state)
        })
        .collect();
    let imports = imports?;
    let created = state.with(|ctx| Ok(Instance::new(ctx, &module, &imports)))?;
    state.note_instance(&module, created.as_ref().ok().copied(), wasm);
    Ok(created
        .map(|instance| Ref::in_store(Object::Instance(instance), &state))
        .map_err(|error| TrapObject::of(&error, &state)))
}

export! { EXPORTS;
    fn wasm_instance_new(
        store: Option<&StoreObject>,
        module: Option<&Ref>,
        imports: Option<&Externs>,
        trap_out: Out<'_, Option<Box<Ref>>>,
    ) -> Option<Box<Ref>> {
        let mut trap_out = trap_out;
        if let Some(place) = &mut trap_out {
            place.write(None);
        }
        let created = caught(|| create(store, module, imports));
        let created = created.unwrap_or_else(|failure| Err(TrapObject::new(failure)));
        created.map(Some).map_err(|trap| {
            let failure = trap.failure().clone();
            if let Some(trap_out) = trap_out {
                // What a start function may have put there is not ours to drop.
                trap_out.write(Some(trap.boxed()));
            }
            failure
        })
    }

    fn wasm_instance_exports(instance: Option<&Ref>, out: Out<'_, Externs>) {
        let out = emptied(out, "exports")?;
        let (instance, state) = reference::instance(instance)?;
        let exports: Vec<Extern> = state.with(|ctx| {
            let exports = instance.exports(&ctx);
            Ok(exports.map(wasmelt::Export::into_extern).collect())
        })?;
        let exports = exports.into_iter().map(|item| Some(Ref::of_extern(item, state)));
        *out = CVec::collected(exports)?;
        Ok(())
    }
}
