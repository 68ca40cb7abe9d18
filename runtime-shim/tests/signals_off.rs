//! An engine without signals leaves the process's handlers alone. A test binary of its own, so that
//! no other engine installs any.
#![allow(
    clippy::unwrap_used,
    unsafe_code,
    reason = "test code that asks for signal handlers"
)]

mod support;

use std::{mem::MaybeUninit, ptr};
use support::{Mode, call, module};
use wasmelt::{
    BoundsChecks, Engine, Instance, Linker, Memory, MemoryType, Module, OptLevel, Store, TrapCode,
    Trust,
    errors::{ArtifactError, ErrorKind},
};

const SIGNALS: [i32; 4] = [libc::SIGSEGV, libc::SIGBUS, libc::SIGFPE, libc::SIGILL];

/// Handlers, flags and the stack for handlers of this thread.
fn signal_state() -> (Vec<(usize, i32)>, (usize, usize, i32)) {
    let actions = SIGNALS.map(|signal| {
        let mut action = MaybeUninit::<libc::sigaction>::zeroed();
        // SAFETY: the call fills the struct in, of which zero is a valid value.
        unsafe {
            assert_eq!(libc::sigaction(signal, ptr::null(), action.as_mut_ptr()), 0);
            let action = action.assume_init();
            (action.sa_sigaction, action.sa_flags)
        }
    });
    let mut stack = MaybeUninit::<libc::stack_t>::zeroed();
    // SAFETY: as above.
    let stack = unsafe {
        assert_eq!(libc::sigaltstack(ptr::null(), stack.as_mut_ptr()), 0);
        stack.assume_init()
    };
    (
        actions.to_vec(),
        (stack.ss_sp.addr(), stack.ss_size, stack.ss_flags),
    )
}

fn run_everything(mode: Mode) {
    let engine = mode.engine();
    let module = module(
        &engine,
        r#"(module (import "h" "f" (func $f (result i32))) (memory 1) (table 1 funcref)
            (func (export "host") (result i32) call $f)
            (func (export "load") (result i32) i32.const -1 i32.load)
            (func (export "div") (result i32) i32.const 1 i32.const 0 i32.div_u)
            (func (export "trunc") (result i32) f64.const nan i32.trunc_f64_s)
            (func (export "null") (result i32) i32.const 0 call_indirect (result i32))
            (func $deep (export "deep") (result i32) call $deep i32.const 1 i32.add))"#,
    );
    let mut linker = Linker::new(&engine);
    linker.func_wrap("h", "f", || 42i32).unwrap();
    let mut store = Store::new(&engine, ());
    Memory::new(&mut store, MemoryType::new(1, None)).unwrap();
    let instance: Instance = linker.instantiate_and_start(&mut store, &module).unwrap();
    assert_eq!(
        call::<_, (), i32>(&mut store, instance, "host", ()).unwrap(),
        42
    );
    for (name, code) in [
        ("load", TrapCode::MemoryOutOfBounds),
        ("div", TrapCode::IntegerDivisionByZero),
        ("trunc", TrapCode::BadConversionToInteger),
        ("null", TrapCode::IndirectCallToNull),
        ("deep", TrapCode::StackOverflow),
    ] {
        let error = call::<_, (), i32>(&mut store, instance, name, ()).unwrap_err();
        assert_eq!(error.as_trap_code(), Some(code));
    }
}

#[test]
fn without_signals_no_handler_and_no_signal_stack_is_installed() {
    let before = signal_state();
    for opt_level in [OptLevel::Speed, OptLevel::None] {
        run_everything(Mode {
            opt_level,
            ..Mode::SIGNAL_FREE
        });
        assert_eq!(signal_state(), before);
        // Guard pages need signals, so that asking for them changes nothing here.
        run_everything(Mode {
            opt_level,
            bounds: BoundsChecks::Guard,
            ..Mode::SIGNAL_FREE
        });
        run_everything(Mode {
            opt_level,
            bounds: BoundsChecks::Auto,
            ..Mode::SIGNAL_FREE
        });
        assert_eq!(signal_state(), before);
    }
}

#[test]
fn without_signals_an_artifact_that_needs_them_is_refused() {
    // Compiled in a child process, whose engine has signals.
    if let Some(path) = support::child_variable() {
        let bytes = Module::compile(&Engine::default(), "(module)").unwrap();
        std::fs::write(path, bytes).unwrap();
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("artifact");
    let test = "without_signals_an_artifact_that_needs_them_is_refused";
    let (ok, output) = support::run_in_child(test, path.to_str().unwrap());
    assert!(ok, "{output}");
    let error = Module::load(&Mode::SIGNAL_FREE.engine(), &path, &Trust::Named).unwrap_err();
    assert!(
        matches!(
            error.kind(),
            ErrorKind::Artifact(ArtifactError::NeedsSignals { .. })
        ),
        "{error}"
    );
    assert!(error.to_string().contains("signals(false)"));
}
