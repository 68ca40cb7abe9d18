//! Signals that are not a guest's trap go where they would have gone without this crate. Each case
//! runs in a child process, which ends by it.
#![allow(
    clippy::unwrap_used,
    unsafe_code,
    reason = "test code that faults on purpose"
)]

mod support;

use std::{
    ffi::c_int,
    os::unix::process::ExitStatusExt,
    process::{Command, ExitStatus},
    ptr,
};
use support::{call, instantiate, module};
use wasmelt::{Engine, Extern, Linker, Store, TrapCode};

/// Exit status of a handler that was there before ours.
const HANDLED: c_int = 42;

extern "C" fn plain_handler(_signal: c_int) {
    // SAFETY: ends the process, which is allowed in a handler.
    unsafe { libc::_exit(HANDLED) };
}

extern "C" fn info_handler(
    _signal: c_int,
    info: *mut libc::siginfo_t,
    _context: *mut libc::c_void,
) {
    // SAFETY: the system gives the handler its information.
    let address = unsafe { (*info).si_addr() }.addr();
    // SAFETY: ends the process, which is allowed in a handler.
    unsafe { libc::_exit(if address == 8 { HANDLED } else { 1 }) };
}

/// Reports and returns, so that the fault is raised again.
extern "C" fn returning_handler(_signal: c_int) {
    let message = b"handled once\n";
    // SAFETY: the message is valid for its length, and a handler may write.
    let _ = unsafe { libc::write(2, message.as_ptr().cast(), message.len()) };
}

fn install(signal: c_int, handler: usize, flags: c_int) {
    // SAFETY: zero is a valid value of the struct, and the handler fits the flags.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = handler;
        action.sa_flags = flags;
        assert_eq!(
            libc::sigaction(signal, &raw const action, ptr::null_mut()),
            0
        );
    }
}

fn fault() {
    let nowhere: *const u32 = ptr::without_provenance(8);
    // SAFETY: none: the test faults.
    std::hint::black_box(unsafe { nowhere.read_volatile() });
}

/// A guest that traps by a signal is still caught.
fn trap_in_guest() {
    let (mut store, instance) = instantiate(
        &Engine::default(),
        r#"(module (memory 1) (func (export "load") (result i32) i32.const -1 i32.load)
            (func (export "div") (result i32) i32.const 1 i32.const 0 i32.div_u))"#,
    );
    for (name, code) in [
        ("load", TrapCode::MemoryOutOfBounds),
        ("div", TrapCode::IntegerDivisionByZero),
    ] {
        let error = call::<_, (), i32>(&mut store, instance, name, ()).unwrap_err();
        assert_eq!(error.as_trap_code(), Some(code));
    }
}

fn fault_in_host_function() {
    let engine = Engine::default();
    let mut linker = Linker::<()>::new(&engine);
    linker.func_wrap("h", "fault", fault).unwrap();
    let module = module(
        &engine,
        r#"(module (import "h" "fault" (func $fault)) (memory 1) (func (export "run") call $fault))"#,
    );
    let mut store = Store::new(&engine, ());
    let instance = linker.instantiate_and_start(&mut store, &module).unwrap();
    call::<_, (), ()>(&mut store, instance, "run", ()).unwrap();
}

/// A page of the accessible part of a memory is taken away: not the guest's fault.
fn fault_in_accessible_memory() {
    let engine = Engine::default();
    let mut linker = Linker::<()>::new(&engine);
    linker
        .func_wrap("h", "take", |mut caller: wasmelt::Caller<'_, ()>| {
            let memory = caller
                .get_export("memory")
                .and_then(Extern::into_memory)
                .unwrap();
            let page = memory.data_mut(&mut caller).as_mut_ptr();
            // SAFETY: the page belongs to a memory that nobody else uses.
            let status = unsafe { libc::mprotect(page.cast(), 4096, libc::PROT_NONE) };
            assert_eq!(status, 0);
        })
        .unwrap();
    let module = module(
        &engine,
        r#"(module (import "h" "take" (func $take)) (memory (export "memory") 1)
            (func (export "run") (result i32) call $take i32.const 16 i32.load))"#,
    );
    let mut store = Store::new(&engine, ());
    let instance = linker.instantiate_and_start(&mut store, &module).unwrap();
    let _ = call::<_, (), i32>(&mut store, instance, "run", ());
}

fn case(name: &str) {
    let info = info_handler as *const () as usize;
    let plain = plain_handler as *const () as usize;
    match name {
        "info handler" => {
            install(libc::SIGSEGV, info, libc::SA_SIGINFO);
            trap_in_guest();
            fault();
        }
        "plain handler" => {
            install(libc::SIGSEGV, plain, 0);
            trap_in_guest();
            fault();
        }
        "handler, fault in a host function" => {
            install(libc::SIGSEGV, info, libc::SA_SIGINFO);
            fault_in_host_function();
        }
        "handler of another signal" => {
            install(libc::SIGILL, plain, 0);
            trap_in_guest();
            // SAFETY: none: the test executes an invalid instruction.
            unsafe { std::arch::asm!("ud2") };
        }
        "default" => {
            install(libc::SIGSEGV, libc::SIG_DFL, 0);
            trap_in_guest();
            fault();
        }
        "ignored" => {
            install(libc::SIGSEGV, libc::SIG_IGN, 0);
            trap_in_guest();
            fault();
        }
        "sent by somebody" => {
            install(libc::SIGSEGV, libc::SIG_DFL, 0);
            trap_in_guest();
            // SAFETY: sends a signal to this thread.
            unsafe { libc::raise(libc::SIGSEGV) };
        }
        "all blocked" => {
            // SAFETY: the set is filled before it is used.
            unsafe {
                let mut all = std::mem::zeroed();
                libc::sigfillset(&raw mut all);
                libc::pthread_sigmask(libc::SIG_SETMASK, &raw const all, ptr::null_mut());
            }
            trap_in_guest();
            std::process::exit(HANDLED);
        }
        "sent while ignored" => {
            // A flag of handlers, which means nothing without one.
            for (signal, flags) in [(libc::SIGFPE, libc::SA_RESETHAND), (libc::SIGSEGV, 0)] {
                install(signal, libc::SIG_IGN, flags);
            }
            trap_in_guest();
            for signal in [libc::SIGFPE, libc::SIGSEGV] {
                // SAFETY: sends a signal to this thread.
                unsafe { libc::raise(signal) };
            }
            trap_in_guest();
            std::process::exit(HANDLED);
        }
        "one-shot handler" => {
            let handler = returning_handler as *const () as usize;
            install(libc::SIGSEGV, handler, libc::SA_RESETHAND);
            trap_in_guest();
            fault();
        }
        "fault in accessible memory" => {
            install(libc::SIGSEGV, libc::SIG_DFL, 0);
            fault_in_accessible_memory();
        }
        "stack of the host" => {
            #[expect(unconditional_recursion, reason = "it exhausts the stack")]
            fn recurse(depth: u64) -> u64 {
                let used = std::hint::black_box([depth; 1000]);
                recurse(depth + 1) + used[3]
            }
            trap_in_guest();
            recurse(0);
        }
        other => panic!("no case {other}"),
    }
    panic!("the case {name} goes on");
}

/// Runs a case in a child process.
fn run(name: &str) -> (ExitStatus, String) {
    let output = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "signals_that_are_not_the_guests_are_passed_on",
            "--nocapture",
        ])
        .env("WASMELT_TEST_CHILD", name)
        .output()
        .unwrap();
    (
        output.status,
        String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}

#[test]
fn signals_that_are_not_the_guests_are_passed_on() {
    if let Some(name) = support::child_variable() {
        return case(&name);
    }
    for name in [
        "info handler",
        "plain handler",
        "handler, fault in a host function",
        "handler of another signal",
        "all blocked",
        "sent while ignored",
    ] {
        let (status, output) = run(name);
        assert_eq!(status.code(), Some(HANDLED), "{name}: {status} {output}");
    }
    for name in ["default", "ignored", "sent by somebody"] {
        let (status, output) = run(name);
        assert_eq!(
            status.signal(),
            Some(libc::SIGSEGV),
            "{name}: {status} {output}"
        );
        assert!(!output.contains("wasmelt:"), "{name}: {output}");
    }
    let (status, output) = run("one-shot handler");
    assert_eq!(status.signal(), Some(libc::SIGSEGV), "{status} {output}");
    assert_eq!(output.matches("handled once").count(), 1, "{output}");
    let (status, output) = run("fault in accessible memory");
    assert_eq!(status.signal(), Some(libc::SIGSEGV), "{status} {output}");
    assert!(output.contains("is no trap of the guest"), "{output}");
    // Rust's own handler reports an exhausted stack, and must still be reached.
    let (status, output) = run("stack of the host");
    assert_eq!(status.signal(), Some(libc::SIGABRT), "{status} {output}");
    assert!(output.contains("overflowed its stack"), "{output}");
}

#[test]
fn a_thread_without_a_signal_stack_gets_one_and_gives_it_back() {
    let (mut store, instance) = instantiate(
        &Engine::default(),
        r#"(module (func $deep (export "deep") call $deep))"#,
    );
    // A thread that Rust did not start has none; this one gives its own away first.
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let none = libc::stack_t {
                ss_sp: ptr::null_mut(),
                ss_flags: libc::SS_DISABLE,
                ss_size: 0,
            };
            // SAFETY: the thread does without until the call below.
            let status = unsafe { libc::sigaltstack(&raw const none, ptr::null_mut()) };
            assert_eq!(status, 0);
            for _ in 0..10 {
                let error = call::<_, (), ()>(&mut store, instance, "deep", ()).unwrap_err();
                assert_eq!(error.as_trap_code(), Some(TrapCode::StackOverflow));
            }
            let mut now = none;
            // SAFETY: asks only.
            assert_eq!(unsafe { libc::sigaltstack(ptr::null(), &raw mut now) }, 0);
            assert!(now.ss_flags & libc::SS_DISABLE == 0 && now.ss_size >= 32 << 10);
        });
    });
}

#[test]
fn a_handler_on_a_small_stack_of_the_host_is_replaced_by_a_big_enough_one() {
    let (mut store, instance) = instantiate(
        &Engine::default(),
        r#"(module (func $deep (export "deep") call $deep))"#,
    );
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut memory = vec![0u8; 8 << 10];
            let mut before = libc::stack_t {
                ss_sp: memory.as_mut_ptr().cast(),
                ss_flags: 0,
                ss_size: memory.len(),
            };
            let mut own = before;
            // SAFETY: the memory outlives its use: the thread's own stack is put back below.
            unsafe {
                assert_eq!(libc::sigaltstack(&raw const before, &raw mut own), 0);
            }
            let error = call::<_, (), ()>(&mut store, instance, "deep", ()).unwrap_err();
            assert_eq!(error.as_trap_code(), Some(TrapCode::StackOverflow));
            // SAFETY: asks, and puts back what was there when the thread began.
            unsafe {
                assert_eq!(libc::sigaltstack(ptr::null(), &raw mut before), 0);
                assert!(before.ss_size >= 32 << 10);
                assert_eq!(libc::sigaltstack(&raw const own, ptr::null_mut()), 0);
            }
        });
    });
}
