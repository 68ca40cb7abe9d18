//! Where the artifacts of a batch go, and how it is known that one is there already.

use super::jobs::Job;
use crate::{
    cache::{self, PlaceArgs},
    codegen::CodegenArgs,
    describe::hex,
    failure::{Exit, Failure},
    input::{Input, stored_descriptor},
    output::{self, Output},
    run,
};
use anyhow::Error;
use sha2::{Digest, Sha256};
use std::{fs, path::Path};
use wasmelt::{CacheMode, Engine, Module, Origin};
use wasmelt_compiler::{CompileOptions, VERSION, codegen_fingerprint};

/// Where artifacts go.
pub(super) enum Store {
    /// Files of a folder.
    Folder(Box<CompileOptions>),
    /// The cache of an engine.
    Cache(Engine),
}

/// What became of a module that was not refused.
pub(super) struct Done {
    /// Whether it was compiled now.
    pub(super) is_new: bool,
    /// Where the artifact is.
    pub(super) output: String,
    /// Its digest.
    pub(super) digest: Option<String>,
}

impl Store {
    /// A folder, for as many threads that compile at a time.
    pub(super) fn folder(mut options: CompileOptions, workers: usize) -> Self {
        if workers > 1 {
            options.threads = 1;
        }
        Self::Folder(Box::new(options))
    }

    /// A cache; it must not fail, since there is no other place.
    pub(super) fn cache(
        place: &PlaceArgs,
        codegen: &CodegenArgs,
        workers: usize,
    ) -> Result<Self, Failure> {
        let mut config = run::config(codegen)?;
        config.cache(place.open(CacheMode::ReadWrite).map_err(cache::failure)?);
        if workers > 1 {
            config.compile_threads(1);
        }
        Ok(Self::Cache(Engine::new(&config)))
    }

    /// Makes an artifact, unless it is there.
    pub(super) fn make(&self, job: &Job) -> Result<Done, Failure> {
        let is_file = fs::metadata(&job.input).is_ok_and(|facts| facts.is_file());
        if !is_file && job.input.exists() {
            return Err(Failure::refused_because(&job.name, "it is no regular file"));
        }
        let input = Input::read(&job.input)?;
        match (self, &job.output) {
            (Self::Folder(options), Some(output)) => to_folder(input, output, options),
            (Self::Folder(_), None) => unreachable!("jobs for a folder have an output"),
            (Self::Cache(engine), _) => to_cache(input, engine),
        }
    }
}

fn to_folder(input: Input, path: &Path, options: &CompileOptions) -> Result<Done, Failure> {
    let name = input.name.clone();
    let metadata = input.metadata();
    let wasm = input.into_binary()?;
    if let Some(folder) = path.parent() {
        output::create_folder(folder).map_err(|error| {
            let error = Error::new(error).context("cannot be made");
            Failure::new(Exit::Host, folder.display().to_string(), error)
        })?;
    }
    let done = |is_new, digest| Done {
        is_new,
        output: path.display().to_string(),
        digest,
    };
    if let Some(digest) = digest_if_of(path, &wasm, options) {
        return Ok(done(false, Some(digest)));
    }
    let output = Output::prepare(path, metadata.as_ref())?;
    let compiled = wasmelt_compiler::compile(&wasm, options)
        .map_err(|error| Failure::refused(&name, error))?;
    let artifact = compiled.shared_object();
    output.write(&artifact)?;
    let digest = stored_descriptor(&artifact).map(|descriptor| hex(&descriptor.digest));
    Ok(done(true, digest))
}

/// The digest of an artifact that is there, if it is whole, and what this compiler would make of the module.
fn digest_if_of(path: &Path, wasm: &[u8], options: &CompileOptions) -> Option<String> {
    let facts = fs::metadata(path).ok()?;
    if !facts.is_file() || facts.len() > u64::from(u32::MAX) {
        return None;
    }
    let bytes = fs::read(path).ok()?;
    wasmelt_loader::verify(&bytes, None).ok()?;
    let inspection = wasmelt_loader::inspect(&bytes).ok()?;
    let descriptor = &inspection.descriptor;
    let is_it = descriptor.options == options.codegen
        && descriptor.arch == options.arch
        && descriptor.cpu_level == options.cpu_level
        && descriptor.cpu_features == options.cpu_features
        && descriptor.compiler_version() == VERSION
        && descriptor.codegen_fingerprint == codegen_fingerprint(options.arch)
        && inspection.manifest.fuel_schedule == options.fuel_schedule()
        && descriptor.wasm_sha256 == <[u8; 32]>::from(Sha256::digest(wasm));
    is_it.then(|| hex(&descriptor.digest))
}

fn to_cache(input: Input, engine: &Engine) -> Result<Done, Failure> {
    let name = input.name.clone();
    let wasm = input.into_binary()?;
    let module = Module::new(engine, wasm).map_err(|error| run::failure(&name, &error))?;
    Ok(Done {
        is_new: module.origin() == Origin::Compiled,
        output: "cache".to_owned(),
        digest: Some(hex(module.library().digest())),
    })
}
