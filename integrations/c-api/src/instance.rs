//! Instances: made of a module and its imports.
#![allow(unsafe_code, reason = "exports functions by unmangled names")]

use crate::export::{caught, export};
use crate::failure::{self, Failure};
use crate::module;
use crate::object::Object;
use crate::reference::{self, Ref};
use crate::store::{self, StoreObject};
use crate::trap::{self, TrapObject};
use crate::vec::{CVec, Out, emptied};
use std::sync::{Arc, Weak};
use wasmelt::{Extern, Instance};

type Externs = CVec<Option<Box<Ref>>>;

/// Makes an instance. When that fails there is a trap, too, for the caller that asked for it.
fn create(
    store: Option<&StoreObject>,
    module: Option<&Ref>,
    imports: Option<&Externs>,
) -> Result<Box<Ref>, (Failure, Box<Ref>)> {
    let with_trap = |failure: Failure| {
        let state = store.map_or_else(Weak::new, |store| Arc::downgrade(store.state()));
        (failure.clone(), trap::boxed(failure, state))
    };
    let prepared = caught(|| {
        let state = store::given(store)?;
        let object = module::given(module)?;
        let module = object.module_for(state.engine())?;
        let imports = imports.map_or(&[][..], Externs::as_slice);
        let imports: Result<Vec<Extern>, Failure> = imports
            .iter()
            .map(|import| {
                let import = import.as_deref().ok_or_else(|| Failure::null("import"))?;
                import.extern_in(state)
            })
            .collect();
        // A host function that the start function calls may let go of the store's handle.
        Ok((Arc::clone(state), module, object.wasm(), imports?))
    });
    let (state, module, wasm, imports) = prepared.map_err(with_trap)?;
    let created = caught(|| state.with(|ctx| Ok(Instance::new(ctx, &module, &imports))));
    let created = created.map_err(|failure| {
        let trap = trap::boxed(failure.clone(), Arc::downgrade(&state));
        (failure, trap)
    })?;
    state.note_instance(&module, created.as_ref().ok().copied(), wasm);
    match created {
        Ok(instance) => Ok(Ref::in_store(Object::Instance(instance), &state)),
        Err(error) => {
            let trap = Ref::free(Object::Trap(TrapObject::of(&error, &state)));
            Err((Failure::from(error), trap))
        }
    }
}

export! { EXPORTS;
    fn wasm_instance_new(
        store: Option<&StoreObject>,
        module: Option<&Ref>,
        imports: Option<&Externs>,
        trap_out: Out<'_, Option<Box<Ref>>>,
    ) -> Option<Box<Ref>> {
        let trap_out = trap_out.map(|place| place.write(None));
        let (instance, trap) = match create(store, module, imports) {
            Ok(instance) => (Some(instance), None),
            Err((failure, trap)) => {
                failure::set_last(failure);
                (None, Some(trap))
            }
        };
        if let Some(trap_out) = trap_out {
            *trap_out = trap;
        }
        Ok(instance)
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
