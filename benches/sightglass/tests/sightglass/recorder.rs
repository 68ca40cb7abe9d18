//! The suite's side of the interface, in a process of its own: loads the library, calls what it is told to, and prints
//! each call's code and each call of a clock.
//!
//! The declarations are those of the suite's recorder (bytecodealliance/sightglass, `crates/recorder/src/bench_api.rs`),
//! written here a second time: that the library has the same ones is what the tests show.
#![allow(
    unsafe_code,
    reason = "the library is loaded and called as C would do it"
)]

use std::ffi::{c_int, c_void};
use std::fs;
use std::path::{Path, PathBuf};
use std::ptr;
use std::thread;

use libloading::{Library, Symbol};

/// The first argument of a child.
pub(crate) const CHILD: &str = "--recorder";

/// What stands for an absent text among the arguments.
pub(crate) const ABSENT: &str = "-";

#[repr(C)]
struct Config {
    working_dir: Text,
    stdout_path: Text,
    stderr_path: Text,
    stdin_path: Text,
    compilation: Clock,
    instantiation: Clock,
    execution: Clock,
    execution_flags: Text,
}

#[repr(C)]
struct Text {
    start: *const u8,
    len_bytes: usize,
}

#[repr(C)]
struct Clock {
    clock: *mut u8,
    start: extern "C" fn(*mut u8),
    end: extern "C" fn(*mut u8),
}

/// The library's functions, of the types that the suite takes them for.
struct Interface<'a> {
    create: Symbol<'a, unsafe extern "C" fn(Config, *mut *mut c_void) -> c_int>,
    compile: Symbol<'a, unsafe extern "C" fn(*const c_void, *const u8, usize) -> c_int>,
    instantiate: Symbol<'a, unsafe extern "C" fn(*const c_void) -> c_int>,
    execute: Symbol<'a, unsafe extern "C" fn(*const c_void) -> c_int>,
    free: Symbol<'a, unsafe extern "C" fn(*const c_void)>,
}

impl Text {
    /// A text that nobody owns again: the process is short.
    fn leak(text: &str) -> Self {
        if text == ABSENT {
            return Self {
                start: ptr::null(),
                len_bytes: 0,
            };
        }
        // No argument of a program can be other than text here; this one stands for bytes that are none.
        let bytes = if text == NOT_UTF8 {
            b"\xff".to_vec()
        } else {
            text.as_bytes().to_vec()
        };
        let bytes = bytes.leak();
        Self {
            start: bytes.as_ptr(),
            len_bytes: bytes.len(),
        }
    }
}

/// Stands for a text that is not UTF-8.
pub(crate) const NOT_UTF8: &str = "<not UTF-8>";

/// A clock that prints when it is started and stopped, and compares what it is handed with its own address.
macro_rules! clock {
    ($phase:literal) => {{
        static CLOCK: u8 = 0;
        extern "C" fn start(clock: *mut u8) {
            print_clock($phase, "start", clock, &CLOCK);
        }
        extern "C" fn end(clock: *mut u8) {
            print_clock($phase, "end", clock, &CLOCK);
        }
        Clock {
            clock: (&raw const CLOCK).cast_mut(),
            start,
            end,
        }
    }};
}

fn print_clock(phase: &str, event: &str, handed: *mut u8, clock: &'static u8) {
    assert!(ptr::eq(handed, clock), "the clock of {phase}");
    println!("{phase} {event}");
}

/// Follows the arguments: the module's file, four paths and the flags as in the configuration, then what to call.
pub(crate) fn run(arguments: &[String]) {
    let [wasm, rest @ ..] = arguments else {
        panic!("the parent names the module");
    };
    let Some((texts, calls)) = rest.split_first_chunk() else {
        panic!("the parent gives four paths and the flags: {rest:?}");
    };
    let wasm = fs::read(wasm).expect("the parent wrote the module");
    let path = library_path();
    // SAFETY: loading it runs no code but the initialisers of Rust's library.
    let library = unsafe { Library::new(&path) }.expect("the library loads");
    // On a thread that ends first: thread-local data would keep the library, too.
    thread::scope(|scope| {
        scope.spawn(|| call_all(&library, calls, texts, &wasm));
    });
    library.close().expect("the library can be closed");
    // Its signal handlers are still installed.
    assert!(is_mapped(&path), "a library that was closed stays mapped");
}

fn call_all(library: &Library, calls: &[String], texts: &[String; 5], wasm: &[u8]) {
    let interface = Interface::of(library);
    let mut engine = ptr::null_mut();
    for call in calls {
        let code = interface.call(call, &mut engine, texts, wasm);
        println!("{call}: {code}");
    }
    assert!(engine.is_null(), "an engine is freed, or was never made");
}

impl<'a> Interface<'a> {
    fn of(library: &'a Library) -> Self {
        // SAFETY: the functions have these types.
        unsafe {
            Self {
                create: symbol(library, "wasm_bench_create"),
                compile: symbol(library, "wasm_bench_compile"),
                instantiate: symbol(library, "wasm_bench_instantiate"),
                execute: symbol(library, "wasm_bench_execute"),
                free: symbol(library, "wasm_bench_free"),
            }
        }
    }

    /// Calls a function, and gives its code.
    fn call(
        &self,
        call: &str,
        engine: &mut *mut c_void,
        texts: &[String; 5],
        wasm: &[u8],
    ) -> c_int {
        // SAFETY: the texts live on, the clocks are static, and the engine is null or alive.
        unsafe {
            match call {
                "create" => (self.create)(Config::leak(texts), &raw mut *engine),
                "create-nowhere" => (self.create)(Config::leak(texts), ptr::null_mut()),
                "compile" => (self.compile)(*engine, wasm.as_ptr(), wasm.len()),
                "compile-nothing" => (self.compile)(*engine, ptr::null(), 0),
                "instantiate" => (self.instantiate)(*engine),
                "execute" => (self.execute)(*engine),
                "free" => {
                    (self.free)(*engine);
                    *engine = ptr::null_mut();
                    0
                }
                call => panic!("the parent asks for {call}"),
            }
        }
    }
}

impl Config {
    /// The paths and the flags, and clocks that print.
    fn leak([working_dir, stdout, stderr, stdin, flags]: &[String; 5]) -> Self {
        Self {
            working_dir: Text::leak(working_dir),
            stdout_path: Text::leak(stdout),
            stderr_path: Text::leak(stderr),
            stdin_path: Text::leak(stdin),
            compilation: clock!("compilation"),
            instantiation: clock!("instantiation"),
            execution: clock!("execution"),
            execution_flags: Text::leak(flags),
        }
    }
}

/// # Safety
///
/// - What the library calls `name` is of type `T`.
unsafe fn symbol<'a, T>(library: &'a Library, name: &str) -> Symbol<'a, T> {
    // SAFETY: the caller promises it.
    unsafe { library.get(name) }.expect("the library has the function")
}

/// Cargo puts the library beside the tests that depend on it.
fn library_path() -> PathBuf {
    let program = std::env::current_exe().expect("this program has a path");
    let folder = program.parent().expect("it is a file in a folder");
    folder.join(libloading::library_filename("wasmelt_sightglass"))
}

fn is_mapped(path: &Path) -> bool {
    let maps = fs::read_to_string("/proc/self/maps").expect("a process can read its own map");
    let path = path.to_str().expect("cargo's folder is text");
    maps.lines().any(|line| line.ends_with(path))
}
