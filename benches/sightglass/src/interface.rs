//! The C functions that the suite calls, and the configuration that it passes.
//!
//! All calls for one benchmark come from one thread: [`wasm_bench_create`], [`wasm_bench_compile`],
//! [`wasm_bench_instantiate`], [`wasm_bench_execute`], [`wasm_bench_free`]. An execution uses its
//! instance up, so a module is instantiated again to run again; a module or an instance that is not
//! wanted gives way to the next. A benchmark may be freed after any call.
//!
//! A call out of order, and any failure, gives [`ERR`] and a line on standard error that says why.
//! No panic leaves these functions.
#![allow(
    unsafe_code,
    reason = "C passes pointers, and finds functions by unmangled names"
)]

use std::error::Error;
use std::ffi::{c_int, c_void};
use std::io::{self, Write as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::{slice, str};

use crate::bench::Bench;
use crate::flags::Flags;
use crate::timer::{Timer, Timers};
use crate::wasi::{ContextError, Files};

/// What a function returns that did what it should.
pub const OK: c_int = 0;

/// What a function returns that failed.
pub const ERR: c_int = -1;

/// What the suite passes to [`wasm_bench_create`]: texts in UTF-8, each as a pointer and its length in bytes, and for
/// each phase a clock and the functions that start and stop it.
///
/// Recorders from before May 2022 end before the flags, and cannot be told from later ones: they cannot use this library.
#[repr(C)]
#[derive(Debug)]
pub struct WasmBenchConfig {
    /// The folder that guests find as `.`.
    pub working_dir_ptr: *const u8,
    /// Its length.
    pub working_dir_len: usize,

    /// The file that is made to take standard output.
    pub stdout_path_ptr: *const u8,
    /// Its length.
    pub stdout_path_len: usize,

    /// The file that is made to take standard error.
    pub stderr_path_ptr: *const u8,
    /// Its length.
    pub stderr_path_len: usize,

    /// The file that is standard input; null for an empty one.
    pub stdin_path_ptr: *const u8,
    /// Its length.
    pub stdin_path_len: usize,

    /// Handed to the next two.
    pub compilation_timer: *mut u8,
    /// Called before a module is compiled.
    pub compilation_start: extern "C" fn(*mut u8),
    /// Called after a module was compiled and loaded.
    pub compilation_end: extern "C" fn(*mut u8),

    /// Handed to the next two.
    pub instantiation_timer: *mut u8,
    /// Called before a module is instantiated.
    pub instantiation_start: extern "C" fn(*mut u8),
    /// Called after a module was instantiated.
    pub instantiation_end: extern "C" fn(*mut u8),

    /// Handed to the next two.
    pub execution_timer: *mut u8,
    /// Called when the guest calls `bench.start`.
    pub execution_start: extern "C" fn(*mut u8),
    /// Called when the guest calls `bench.end`.
    pub execution_end: extern "C" fn(*mut u8),

    /// Flags of the engine, between which there is white space (`--engine-flags` of the suite); null for none.
    pub execution_flags_ptr: *const u8,
    /// Their length.
    pub execution_flags_len: usize,
}

// Nineteen words, on a processor with 64-bit words, and in this order.
const _: () = assert!(size_of::<WasmBenchConfig>() == 152);
const _: () = assert!(std::mem::offset_of!(WasmBenchConfig, compilation_timer) == 64);
const _: () = assert!(std::mem::offset_of!(WasmBenchConfig, execution_flags_ptr) == 136);

/// Why there is no engine.
#[derive(Debug, thiserror::Error)]
enum CreateError {
    #[error("the pointer for the result is null")]
    NoPlace,
    #[error("the {what} is not UTF-8")]
    Text {
        what: &'static str,
        source: str::Utf8Error,
    },
    #[error("cannot follow the engine's flags")]
    Flags(#[from] clap::Error),
    #[error("cannot use the working directory")]
    WorkingDir(#[from] ContextError),
}

/// Makes an engine with its options, and puts a pointer to it into `*out_bench_ptr`. After a failure that place is as it
/// was.
///
/// # Safety
///
/// - Each pointer in `config` that is not null is valid for reads of its length.
/// - The clocks and their functions can be used on this thread until the engine is freed.
/// - `out_bench_ptr` is null or valid for a write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_bench_create(
    config: WasmBenchConfig,
    out_bench_ptr: *mut *mut c_void,
) -> c_int {
    report("create the engine", || {
        if out_bench_ptr.is_null() {
            return Err(CreateError::NoPlace);
        }
        // SAFETY: the caller promises it of each pointer.
        let bench = unsafe { create(&config) }?;
        // SAFETY: it is not null, and so valid, as the caller promises.
        unsafe { out_bench_ptr.write(Box::into_raw(Box::new(bench)).cast()) };
        Ok(())
    })
}

/// Frees an engine with all that is left of its benchmark; null is none.
///
/// # Safety
///
/// - `state` is null or from [`wasm_bench_create`], and is not used again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_bench_free(state: *mut c_void) {
    report("free the engine", || {
        if !state.is_null() {
            // SAFETY: the caller promises that it is the pointer that was made of a box, for the last time.
            drop(unsafe { Box::from_raw(state.cast::<Bench>()) });
        }
        Ok::<_, NoEngine>(())
    });
}

/// Compiles and loads a module in the binary format, timed.
///
/// # Safety
///
/// - `state` is null or from [`wasm_bench_create`], was not freed, and is in no other call.
/// - `wasm_bytes` is null or valid for reads of `wasm_bytes_length` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_bench_compile(
    state: *mut c_void,
    wasm_bytes: *const u8,
    wasm_bytes_length: usize,
) -> c_int {
    // SAFETY: the caller promises it.
    let wasm = unsafe { bytes(wasm_bytes, wasm_bytes_length) };
    // SAFETY: the caller promises it.
    let bench = unsafe { bench(state) };
    report("compile", || -> Result<(), Box<dyn Error>> {
        Ok(bench.ok_or(NoEngine)?.compile(wasm)?)
    })
}

/// Instantiates the module, timed.
///
/// # Safety
///
/// - `state` is null or from [`wasm_bench_create`], was not freed, and is in no other call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_bench_instantiate(state: *mut c_void) -> c_int {
    // SAFETY: the caller promises it.
    let bench = unsafe { bench(state) };
    report("instantiate", || -> Result<(), Box<dyn Error>> {
        Ok(bench.ok_or(NoEngine)?.instantiate()?)
    })
}

/// Runs the instance, which is gone afterwards. The guest says what of it is timed.
///
/// # Safety
///
/// - `state` is null or from [`wasm_bench_create`], was not freed, and is in no other call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasm_bench_execute(state: *mut c_void) -> c_int {
    // SAFETY: the caller promises it.
    let bench = unsafe { bench(state) };
    report("execute", || -> Result<(), Box<dyn Error>> {
        Ok(bench.ok_or(NoEngine)?.execute()?)
    })
}

/// Where an engine should have been, there is a null pointer.
#[derive(Debug, thiserror::Error)]
#[error("the pointer to the engine is null")]
struct NoEngine;

/// # Safety
///
/// - As [`wasm_bench_create`] demands of the pointers in `config`.
unsafe fn create(config: &WasmBenchConfig) -> Result<Bench, CreateError> {
    let text = |what, start, len_bytes| {
        // SAFETY: the caller promises it.
        let bytes = unsafe { bytes(start, len_bytes) };
        str::from_utf8(bytes).map_err(|source| CreateError::Text { what, source })
    };
    let flags = text(
        "text of the engine's flags",
        config.execution_flags_ptr,
        config.execution_flags_len,
    )?;
    let working_dir = text(
        "path of the working directory",
        config.working_dir_ptr,
        config.working_dir_len,
    )?;
    let stdout = text(
        "path of standard output",
        config.stdout_path_ptr,
        config.stdout_path_len,
    )?;
    let stderr = text(
        "path of standard error",
        config.stderr_path_ptr,
        config.stderr_path_len,
    )?;
    let stdin = text(
        "path of standard input",
        config.stdin_path_ptr,
        config.stdin_path_len,
    )?;
    let has_stdin = !config.stdin_path_ptr.is_null();
    let files = Files::open(
        working_dir.as_ref(),
        stdout.into(),
        stderr.into(),
        has_stdin.then(|| PathBuf::from(stdin)),
    )?;
    let timers = Timers {
        compilation: Timer::new(
            config.compilation_timer,
            config.compilation_start,
            config.compilation_end,
        ),
        instantiation: Timer::new(
            config.instantiation_timer,
            config.instantiation_start,
            config.instantiation_end,
        ),
        execution: Timer::new(
            config.execution_timer,
            config.execution_start,
            config.execution_end,
        ),
    };
    Ok(Bench::new(&Flags::parse_text(flags)?, files, timers))
}

/// The bytes from `start` on; none if it is null.
///
/// # Safety
///
/// - `start` is null, or valid for reads of `len_bytes` bytes that nobody writes to during `'a`.
unsafe fn bytes<'a>(start: *const u8, len_bytes: usize) -> &'a [u8] {
    if start.is_null() {
        return &[];
    }
    // SAFETY: it is not null, and the caller promises the rest.
    unsafe { slice::from_raw_parts(start, len_bytes) }
}

/// The engine that `state` points to, unless it is null.
///
/// # Safety
///
/// - `state` is null or from [`wasm_bench_create`], and nobody else uses it during `'a`.
unsafe fn bench<'a>(state: *mut c_void) -> Option<&'a mut Bench> {
    // SAFETY: the caller promises it.
    unsafe { state.cast::<Bench>().as_mut() }
}

/// Does something, says on standard error why it failed, and gives the exit code.
fn report<E: Into<Box<dyn Error>>>(what: &str, work: impl FnOnce() -> Result<(), E>) -> c_int {
    // What a panic leaves half done can only be freed: the suite ends after the first failure.
    let message = match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(())) => return OK,
        Ok(Err(error)) => describe(&*error.into()),
        Err(_) => "this library panicked".to_owned(),
    };
    // Where nobody reads, nobody can be told.
    let _ = writeln!(io::stderr(), "error: cannot {what}: {message}");
    ERR
}

/// An error and its causes, in one text.
fn describe(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
