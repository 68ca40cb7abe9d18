//! Artifacts: compiled to bytes, and loaded for a named reason.
#![allow(
    unsafe_code,
    reason = "exports functions by unmangled names, takes paths as C strings, and loads what the caller vouches for"
)]

use crate::engine::EngineObject;
use crate::export::export;
use crate::failure::Failure;
use crate::module::{self, Origin, given_bytes};
use crate::reference::Ref;
use crate::store::{self, StoreObject};
use crate::text::{path_of, to_binary};
use crate::trust::digest_of;
use crate::vec::{ByteVec, Out, emptied};
use std::ffi::c_char;
use std::sync::Arc;
use wasmelt::{Module, Trust};

/// The trust that a number of `wasmelt.h` means.
fn trust_of(number: u8, digest: Option<&[u8; 32]>) -> Result<Trust, Failure> {
    match (number, digest) {
        (0, Some(digest)) => Ok(Trust::Digest(*digest)),
        (0, None) => Err(Failure::null("digest")),
        (_, Some(_)) => Err(Failure::usage(
            "a digest was given with another trust than that",
        )),
        (1, None) => Ok(Trust::OwnCache),
        (2, None) => Ok(Trust::OwnCacheUnhashed),
        (3, None) => Ok(Trust::Named),
        _ => Err(Failure::usage(format!("there is no trust {number}"))),
    }
}

export! { EXPORTS;
    fn wasmelt_compile(
        engine: Option<&EngineObject>,
        wasm: Option<&ByteVec>,
        out: Out<'_, ByteVec>,
        digest_out: Out<'_, [u8; 32]>,
    ) -> bool {
        let digest_out = digest_out.map(|place| place.write([0; 32]));
        let out = emptied(out, "artifact")?;
        let engine = engine.ok_or_else(|| Failure::null("engine"))?.state();
        let artifact = Module::compile(&engine.engine()?, to_binary(given_bytes(wasm)?)?)?;
        let digest = digest_of(&artifact)?;
        *out = ByteVec::of(&artifact)?;
        engine.vouch_for(digest);
        if let Some(digest_out) = digest_out {
            *digest_out = digest;
        }
        Ok(true)
    }

    fn wasmelt_artifact_digest(artifact: Option<&ByteVec>, digest_out: Out<'_, [u8; 32]>) -> bool {
        let digest_out = emptied(digest_out, "digest")?;
        *digest_out = digest_of(given_bytes(artifact)?)?;
        Ok(true)
    }

    fn wasmelt_module_load_bytes(
        store: Option<&StoreObject>,
        artifact: Option<&ByteVec>,
        trust: u8,
        digest: Option<&[u8; 32]>,
    ) -> Option<Box<Ref>> {
        let engine = store::given(store)?.engine();
        let bytes = given_bytes(artifact)?;
        let module = Module::load(&engine.engine()?, bytes, &trust_of(trust, digest)?)?;
        Ok(Some(module::boxed(module, engine, Origin::Artifact(bytes.into()))))
    }

    fn wasmelt_module_load_file(
        store: Option<&StoreObject>,
        path: *const c_char,
        trust: u8,
        digest: Option<&[u8; 32]>,
    ) -> Option<Box<Ref>> {
        let engine = store::given(store)?.engine();
        // SAFETY: C passes a string or null.
        let path = unsafe { path_of(path) }?;
        let module = Module::load(&engine.engine()?, path, &trust_of(trust, digest)?)?;
        let origin = Origin::File(Arc::new(path.to_owned()));
        Ok(Some(module::boxed(module, engine, origin)))
    }

    fn wasmelt_module_load_bytes_unchecked_unsafe(
        store: Option<&StoreObject>,
        artifact: Option<&ByteVec>,
    ) -> Option<Box<Ref>> {
        let engine = store::given(store)?.engine();
        let bytes = given_bytes(artifact)?;
        // SAFETY: C vouches for the artifact, as the function's name says.
        let module = unsafe { Module::load_unchecked(&engine.engine()?, bytes) }?;
        Ok(Some(module::boxed(module, engine, Origin::Artifact(bytes.into()))))
    }
}
