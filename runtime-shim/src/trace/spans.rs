//! Spans and events, with their names, levels and fields.

use crate::{
    error::Error,
    func::Func,
    module::{Module, Origin},
    store::StoreInner,
    vm::Progress,
};
use core::fmt;
use tracing::{
    Level,
    field::{Empty, display},
    level_filters::LevelFilter,
    span::EnteredSpan,
};
use wasmelt_loader::{Library, LoadError};

/// What filters call this crate, whatever its modules are called.
const TARGET: &str = "wasmelt";

/// A digest in hexadecimal digits.
struct Hex<'a>(&'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

fn record_error(span: &EnteredSpan, error: &dyn fmt::Display) {
    span.record("error", display(error));
}

/// Around the compilation of a module.
#[cfg(feature = "compile")]
pub(crate) fn compile(wasm: &[u8], options: &wasmelt_compiler::CompileOptions) -> EnteredSpan {
    tracing::info_span!(
        target: TARGET,
        "compile",
        wasm_len_bytes = wasm.len(),
        opt_level = ?options.codegen.opt_level,
        functions = Empty,
        code_len_bytes = Empty,
        error = Empty,
    )
    .entered()
}

/// What the compilation came to.
#[cfg(feature = "compile")]
pub(crate) fn compiled(
    span: &EnteredSpan,
    result: &Result<wasmelt_compiler::CompiledModule, wasmelt_compiler::CompileError>,
) {
    match result {
        Ok(module) => {
            let manifest = module.manifest();
            let imported = manifest.imported_function_count as usize;
            span.record("functions", manifest.functions.len() - imported);
            span.record("code_len_bytes", module.text_len_bytes());
        }
        Err(error) => record_error(span, error),
    }
}

/// Around a look-up in the cache.
#[cfg(all(feature = "cache", feature = "compile"))]
pub(crate) fn cache_lookup() -> EnteredSpan {
    tracing::debug_span!(target: TARGET, "cache_lookup", outcome = Empty, error = Empty).entered()
}

/// What the look-up found; ends its span.
#[cfg(all(feature = "cache", feature = "compile"))]
pub(crate) fn looked_up(
    span: EnteredSpan,
    result: &Result<Option<wasmelt_cache::Entry>, wasmelt_cache::CacheError>,
) {
    let outcome = match result {
        Ok(Some(_)) => "hit",
        Ok(None) => "miss",
        Err(error) => {
            record_error(&span, error);
            "failure"
        }
    };
    span.record("outcome", outcome);
}

/// Around the wait until it is this process's turn to compile what the cache does not have.
#[cfg(all(feature = "cache", feature = "compile"))]
pub(crate) fn cache_wait() -> EnteredSpan {
    tracing::debug_span!(target: TARGET, "cache_wait", outcome = Empty, error = Empty).entered()
}

/// What the wait came to; ends its span.
#[cfg(all(feature = "cache", feature = "compile"))]
pub(crate) fn waited(
    span: EnteredSpan,
    result: &Result<Option<wasmelt_cache::Flight>, wasmelt_cache::CacheError>,
) {
    let outcome = match result {
        Ok(Some(_)) => "turn",
        Ok(None) => "no turn",
        Err(error) => {
            record_error(&span, error);
            "failure"
        }
    };
    span.record("outcome", outcome);
}

/// An entry was found, but is not used.
#[cfg(all(feature = "cache", feature = "compile"))]
pub(crate) fn refused(error: &Error) {
    tracing::event!(name: "cache_refused", target: TARGET, Level::WARN, %error, "cache_refused");
}

/// Around the publication of an artifact in the cache.
#[cfg(all(feature = "cache", feature = "compile"))]
pub(crate) fn cache_publish(artifact: &[u8]) -> EnteredSpan {
    tracing::debug_span!(
        target: TARGET,
        "cache_publish",
        artifact_len_bytes = artifact.len(),
        outcome = Empty,
        error = Empty,
    )
    .entered()
}

/// Whether that failed; ends its span.
#[cfg(all(feature = "cache", feature = "compile"))]
pub(crate) fn published(span: EnteredSpan, failure: Option<&wasmelt_cache::CacheError>) {
    let outcome = match failure {
        None => "published",
        Some(error) => {
            record_error(&span, error);
            "failure"
        }
    };
    span.record("outcome", outcome);
}

/// Around checking and loading an artifact.
pub(crate) fn load(origin: Origin) -> EnteredSpan {
    tracing::info_span!(
        target: TARGET,
        "load",
        ?origin,
        module = Empty,
        artifact_len_bytes = Empty,
        digest = Empty,
        error = Empty,
    )
    .entered()
}

/// What the loader said.
pub(crate) fn loaded(span: &EnteredSpan, result: &Result<Library, LoadError>) {
    match result {
        Ok(library) => {
            span.record("module", library.manifest().name.as_deref());
            // What is linked into the program has neither.
            if !library.descriptor().is_static {
                span.record("artifact_len_bytes", library.descriptor().file_len_bytes);
                span.record("digest", display(Hex(library.digest())));
            }
        }
        Err(error) => record_error(span, error),
    }
}

/// Around an instantiation, the start function included.
pub(crate) fn instantiate(module: &Module) -> EnteredSpan {
    tracing::debug_span!(
        target: TARGET,
        "instantiate",
        module = module.name(),
        imports = module.imports().len(),
    )
    .entered()
}

/// Whether there may be a subscriber for spans of calls: one load and one comparison.
#[inline(always)]
pub(crate) fn wants_calls() -> bool {
    LevelFilter::current() >= Level::TRACE
}

/// Around a call of a guest's function by the host, if anybody wants to know.
pub(crate) fn call(store: &StoreInner, func: Func) -> Option<EnteredSpan> {
    if !wants_calls() || !tracing::enabled!(target: TARGET, Level::TRACE) {
        return None;
    }
    let (module, func_index) = store.guest_func(func)?;
    let span = tracing::trace_span!(
        target: TARGET,
        "call",
        module = module.name(),
        func = module.func_name(func_index),
        func_index,
    );
    Some(span.entered())
}

/// A resumable call has paused, or has not.
pub(crate) fn paused(progress: &Progress) {
    match progress {
        Progress::Finished(_) => {}
        Progress::HostError { error, .. } => tracing::event!(
            name: "paused",
            target: TARGET,
            Level::DEBUG,
            error = %error.kind(),
            "paused"
        ),
        Progress::OutOfFuel { required, .. } => tracing::event!(
            name: "paused",
            target: TARGET,
            Level::DEBUG,
            required_fuel = required,
            "paused"
        ),
    }
}

/// A guest was stopped, by a trap or by the error of a host function that it called.
pub(crate) fn stopped(error: &Error) {
    if !tracing::enabled!(target: TARGET, Level::DEBUG) {
        return;
    }
    let frames = error.backtrace().map(|backtrace| backtrace.frames());
    let frame = frames.as_ref().and_then(|frames| frames.first());
    let module = frame.and_then(|frame| frame.module_name());
    let func = frame.and_then(|frame| frame.func_name());
    let func_index = frame.map(|frame| frame.func_index());
    let wasm_offset = frame.and_then(|frame| frame.wasm_offset());
    match error.as_trap_code() {
        Some(code) => tracing::event!(
            name: "trap",
            target: TARGET,
            Level::DEBUG,
            ?code,
            module,
            func,
            func_index,
            wasm_offset,
            "trap"
        ),
        None => tracing::event!(
            name: "host_error",
            target: TARGET,
            Level::DEBUG,
            error = %error.kind(),
            module,
            func,
            func_index,
            wasm_offset,
            "host_error"
        ),
    }
}
