//! Makes modules of wasm: looks them up in the cache, or compiles them.

use super::{Module, Origin};
use crate::{
    engine::Engine,
    error::Error,
    errors::{EnforcedLimitsError, InputError},
};
use std::borrow::Cow;
use wasmelt_abi::{Arch, CpuLevel, DESCRIPTOR_FILE_OFFSET, ModuleDescriptor};
use wasmelt_compiler::{CompileOptions, CompiledModule};
use wasmelt_loader::{Source, Trust, host_cpu_features};

impl Module {
    /// Compiles a module in this process, or finds it in the engine's cache.
    ///
    /// `wasm` is the binary format, or with the crate feature `wat` the text format.
    ///
    /// # Errors
    ///
    /// If the module is refused, an option is not available, or the host fails.
    pub fn new(engine: &Engine, wasm: impl AsRef<[u8]>) -> Result<Self, Error> {
        super::counted(Self::new_by_any_way(engine, wasm.as_ref()))
    }

    fn new_by_any_way(engine: &Engine, wasm: &[u8]) -> Result<Self, Error> {
        let wasm = to_binary(wasm)?;
        let options = compile_options(engine)?;
        check_limits(engine, &wasm)?;
        #[cfg(feature = "cache")]
        if let Some(cache) = engine.config().cache_ref() {
            if !options.floats {
                // What the cache has may have been compiled where floats are allowed.
                wasmelt_compiler::parse_module(&wasm, &options)?;
            }
            return cached::load_or_compile(engine, &wasm, &options, cache);
        }
        let artifact = compile(&wasm, &options)?.shared_object();
        Self::from_compiled(engine, &artifact)
    }

    /// The same as [`Module::new`]: everything is validated here.
    ///
    /// # Errors
    ///
    /// As [`Module::new`].
    ///
    /// # Safety
    ///
    /// - None: the function is unsafe in interpreters, and keeps that here.
    #[allow(unsafe_code, reason = "the interface demands an unsafe function")]
    pub unsafe fn new_unchecked(engine: &Engine, wasm: &[u8]) -> Result<Self, Error> {
        Self::new(engine, wasm)
    }

    /// Compiles a module to the bytes of an artifact, for [`Module::load`] here or elsewhere.
    ///
    /// # Errors
    ///
    /// If the module is refused, or an option is not available.
    pub fn compile(engine: &Engine, wasm: impl AsRef<[u8]>) -> Result<Vec<u8>, Error> {
        let compile = || {
            let wasm = to_binary(wasm.as_ref())?;
            let options = compile_options(engine)?;
            check_limits(engine, &wasm)?;
            Ok(compile(&wasm, &options)?.shared_object())
        };
        super::counted(compile())
    }

    /// Checks that a module in the binary format would be accepted, without compiling it.
    ///
    /// # Errors
    ///
    /// If it is refused.
    pub fn validate(engine: &Engine, wasm: &[u8]) -> Result<(), Error> {
        refuse_elf(wasm)?;
        let options = compile_options(engine)?;
        check_limits(engine, wasm)?;
        wasmelt_compiler::parse_module(wasm, &options)?;
        Ok(())
    }

    /// Loads what this process has just compiled, and therefore trusts.
    fn from_compiled(engine: &Engine, artifact: &[u8]) -> Result<Self, Error> {
        let trust = Trust::Digest(stored_digest(artifact));
        trace! { let span = crate::trace::load(Origin::Compiled); }
        let library = wasmelt_loader::load(Source::Bytes(artifact), &trust);
        trace! { crate::trace::loaded(&span, &library); }
        Self::from_library(engine, library?, Origin::Compiled)
    }
}

fn compile(wasm: &[u8], options: &CompileOptions) -> Result<CompiledModule, Error> {
    trace! { let span = crate::trace::compile(wasm, options); }
    count! { let begin = std::time::Instant::now(); }
    let compiled = wasmelt_compiler::compile(wasm, options);
    count! { crate::metrics::compiled(begin); }
    trace! { crate::trace::compiled(&span, &compiled); }
    Ok(compiled?)
}

/// Refuses a module that declares too much, before anything else is done with it.
fn check_limits(engine: &Engine, wasm: &[u8]) -> Result<(), EnforcedLimitsError> {
    let declared = wasmelt_compiler::count_sections(wasm).into();
    engine.config().limits().check(&declared)
}

fn refuse_elf(wasm: &[u8]) -> Result<(), InputError> {
    if wasm.starts_with(b"\x7fELF") {
        return Err(InputError::IsElf);
    }
    Ok(())
}

/// The module in the binary format. What is neither it nor text is left to the compiler, which
/// knows what else it may be.
fn to_binary(wasm: &[u8]) -> Result<Cow<'_, [u8]>, Error> {
    refuse_elf(wasm)?;
    #[cfg(feature = "wat")]
    if is_text(wasm) {
        return Ok(wat::parse_bytes(wasm)?);
    }
    Ok(Cow::Borrowed(wasm))
}

/// Whether the input is text that begins with a parenthesis or a comment, as modules do. (The magic
/// of zstd begins with a parenthesis, too.)
#[cfg(feature = "wat")]
fn is_text(wasm: &[u8]) -> bool {
    matches!(wasm.trim_ascii_start().first(), Some(b'(' | b';'))
        && core::str::from_utf8(wasm).is_ok()
}

fn compile_options(engine: &Engine) -> Result<CompileOptions, Error> {
    let config = engine.config();
    let mut options = CompileOptions::default();
    options.codegen = config.codegen();
    options.fuel_costs = *config.fuel_costs();
    options.arch = Arch::host().expect("the crate builds on supported hosts only");
    options.cpu_level = config
        .cpu_level()
        .unwrap_or(CpuLevel::default_for(options.arch));
    options.cpu_features = match options.cpu_level {
        CpuLevel::Native => host_cpu_features(),
        level => level.features(),
    };
    options.floats = config.are_floats_allowed();
    options.verify = cfg!(feature = "extra-checks");
    options.threads = config.threads();
    options.progress = config.progress();
    options.check()?;
    Ok(options)
}

/// The digest that the compiler wrote into the artifact; the loader compares it with the bytes.
fn stored_digest(artifact: &[u8]) -> [u8; 32] {
    let descriptor = usize::try_from(DESCRIPTOR_FILE_OFFSET).expect("a small constant");
    let start = descriptor + ModuleDescriptor::DIGEST_OFFSET;
    let mut digest = [0; ModuleDescriptor::DIGEST_LEN_BYTES];
    if let Some(stored) = artifact.get(start..start + digest.len()) {
        digest.copy_from_slice(stored);
    }
    digest
}

#[cfg(feature = "cache")]
mod cached {
    use super::compile;
    use crate::{
        config::CacheFailure,
        engine::Engine,
        error::{Error, ErrorKind},
        errors::InputError,
        module::{Module, Origin},
    };
    use core::time::Duration;
    use sha2::{Digest, Sha256};
    use wasmelt_abi::ABI_VERSION;
    use wasmelt_cache::{Cache, CacheError, Entry, Key, KeyBuilder, Mode};
    use wasmelt_compiler::{CompileOptions, VERSION, codegen_fingerprint, pinned_dependencies};
    use wasmelt_loader::{Library, Source, Trust};

    /// How long one waits for another process that compiles the same module, before it compiles too. A
    /// process that dies is waited for no longer; this is for one that was stopped.
    const PATIENCE: Duration = Duration::from_mins(10);

    /// Looks the module up, or compiles and publishes it. A bad entry is moved aside and treated as a
    /// miss. A failure of the cache is an error or remembered by the module, as the engine is
    /// configured, unless it must hit.
    pub(super) fn load_or_compile(
        engine: &Engine,
        wasm: &[u8],
        options: &CompileOptions,
        cache: &Cache,
    ) -> Result<Module, Error> {
        let mut lookup = Lookup {
            engine,
            wasm,
            options,
            cache,
            key: key(wasm, options),
            failure: None,
        };
        if let Some(module) = lookup.run()? {
            return Ok(module);
        }
        // Of all who miss it one compiles it, and publishes it before the others look again.
        trace! { let span = crate::trace::cache_wait(); }
        let flight = cache.take_flight(&lookup.key, PATIENCE);
        trace! { crate::trace::waited(span, &flight); }
        let flight = match flight {
            Ok(flight) => flight,
            Err(error) => {
                lookup.fail(error)?;
                None
            }
        };
        if flight.is_some()
            && let Some(module) = lookup.run()?
        {
            return Ok(module);
        }
        count! { crate::metrics::cache_missed(); }
        let artifact = compile(wasm, options)?.shared_object();
        if cache.mode() == Mode::ReadWrite && lookup.failure.is_none() {
            trace! { let span = crate::trace::cache_publish(&artifact); }
            let failure = cache.publish(&lookup.key, &artifact).err();
            trace! { crate::trace::published(span, failure.as_ref()); }
            if let Some(failure) = failure {
                lookup.fail(failure)?;
            }
        }
        drop(flight);
        let module = Module::from_compiled(engine, &artifact)?;
        if let Some(failure) = lookup.failure {
            module.set_cache_failure(failure);
        }
        Ok(module)
    }

    /// A module that is looked up.
    struct Lookup<'a> {
        engine: &'a Engine,
        wasm: &'a [u8],
        options: &'a CompileOptions,
        cache: &'a Cache,
        key: Key,
        /// What has gone wrong with the cache, where one goes on without it.
        failure: Option<CacheError>,
    }

    impl Lookup<'_> {
        fn run(&mut self) -> Result<Option<Module>, Error> {
            let must_hit = self.cache.mode() == Mode::MustHit;
            trace! { let span = crate::trace::cache_lookup(); }
            let found = self.cache.lookup(&self.key);
            trace! { crate::trace::looked_up(span, &found); }
            match found {
                Ok(Some(entry)) => match self.load(entry) {
                    Ok(module) => {
                        count! { crate::metrics::cache_hit(); }
                        return Ok(Some(module));
                    }
                    Err(error) if must_hit => return Err(error),
                    Err(error) => {
                        trace! { crate::trace::refused(&error); }
                        count! { crate::metrics::refused(&error); }
                        if let Some(failure) = set_aside(self.cache, &self.key, &error) {
                            self.fail(failure)?;
                        }
                    }
                },
                Ok(None) => {}
                Err(error) if must_hit => return Err(error.into()),
                Err(error) => self.fail(error)?,
            }
            Ok(None)
        }

        /// Goes on without the cache, if that is allowed.
        fn fail(&mut self, failure: CacheError) -> Result<(), Error> {
            count! { crate::metrics::cache_failed(); }
            match self.engine.config().cache_failure_policy() {
                CacheFailure::Error => Err(failure.into()),
                CacheFailure::RunWithout => {
                    self.failure.get_or_insert(failure);
                    Ok(())
                }
            }
        }

        fn load(&self, entry: Entry) -> Result<Module, Error> {
            let trust = if entry.is_shared() {
                Trust::SharedCache
            } else {
                Trust::OwnCache
            };
            let path = Some(entry.path().to_owned());
            let file = entry.into_file();
            trace! { let span = crate::trace::load(Origin::Cache); }
            let library = wasmelt_loader::load(Source::File { file, path }, &trust);
            trace! { crate::trace::loaded(&span, &library); }
            let library = library?;
            if !is_of(&library, self.wasm, self.options) {
                return Err(InputError::OtherModule.into());
            }
            Module::from_library(self.engine, library, Origin::Cache)
        }
    }

    /// Moves a bad entry aside, where the mode allows it, and returns what went wrong with that. An
    /// error that is not the entry's fault leaves it where it is.
    fn set_aside(cache: &Cache, key: &Key, error: &Error) -> Option<CacheError> {
        let is_bad = match error.kind() {
            ErrorKind::Load(error) => error.is_artifact_refused(),
            _ => true,
        };
        if !is_bad || cache.mode() != Mode::ReadWrite {
            return None;
        }
        cache.quarantine(key, &error.to_string()).err()
    }

    /// Everything that decides the bytes of the artifact.
    fn key(wasm: &[u8], options: &CompileOptions) -> Key {
        KeyBuilder::new("wasmelt artifact 2")
            .field("abi", &ABI_VERSION.to_le_bytes())
            .field("compiler", VERSION.as_bytes())
            .field("dependencies", pinned_dependencies().join("\n").as_bytes())
            .field("fingerprint", &codegen_fingerprint(options.arch))
            .field("options", &options.identity())
            .field("wasm", wasm)
            .finish()
    }

    fn is_of(library: &Library, wasm: &[u8], options: &CompileOptions) -> bool {
        let descriptor = library.descriptor();
        descriptor.options == options.codegen
            && library.manifest().fuel_schedule == options.fuel_schedule()
            && descriptor.cpu_level == options.cpu_level
            && descriptor.cpu_features == options.cpu_features
            && descriptor.compiler_version() == VERSION
            && descriptor.wasm_sha256 == <[u8; 32]>::from(Sha256::digest(wasm))
    }
}
