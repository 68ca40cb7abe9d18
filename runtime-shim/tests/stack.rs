//! The native stack: exhaustion is a trap in every mode, on every thread, with room left for the
//! host.
#![allow(clippy::unwrap_used, reason = "test code")]

mod support;

use support::{Mode, call, in_every_mode, instantiate, module};
use wasmelt::{Caller, Config, Engine, Extern, Linker, Module, Store, TrapCode};

const RECURSE: &str = r#"(module
    (import "h" "host" (func $host (param i32) (result i32)))
    (func $recurse (export "recurse") (param i32) (result i32)
        local.get 0 i32.eqz
        if (result i32) i32.const 0
        else local.get 0 i32.const 1 i32.sub call $recurse i32.const 1 i32.add
        end)
    (func $through_host (export "through host") (param i32) (result i32)
        local.get 0 call $host))"#;

/// An instance whose host function uses some stack and calls back until the depth is 0.
fn recursive(engine: &Engine) -> (Store<()>, wasmelt::Instance) {
    let mut linker = Linker::<()>::new(engine);
    linker
        .func_wrap("h", "host", |mut caller: Caller<'_, ()>, depth: i32| {
            let used = std::hint::black_box([depth; 512]);
            if used[7] == 0 {
                return Ok(0);
            }
            let next = caller
                .get_export("through host")
                .and_then(Extern::into_func)
                .unwrap();
            let below = next
                .typed::<i32, i32>(&caller)?
                .call(&mut caller, depth - 1)?;
            Ok(below + 1)
        })
        .unwrap();
    let mut store = Store::new(engine, ());
    let module = module(engine, RECURSE);
    let instance = linker.instantiate_and_start(&mut store, &module).unwrap();
    (store, instance)
}

#[test]
fn deep_recursion_works_up_to_the_limit_and_traps_beyond() {
    in_every_mode(|mode| {
        let (mut store, instance) = recursive(&mode.engine());
        for name in ["recurse", "through host"] {
            assert_eq!(
                call::<_, i32, i32>(&mut store, instance, name, 50).unwrap(),
                50
            );
            let error = call::<_, i32, i32>(&mut store, instance, name, 1 << 30).unwrap_err();
            assert_eq!(
                error.as_trap_code(),
                Some(TrapCode::StackOverflow),
                "{error}"
            );
            assert_eq!(
                call::<_, i32, i32>(&mut store, instance, name, 50).unwrap(),
                50
            );
        }
        assert_eq!(
            call::<_, i32, i32>(&mut store, instance, "recurse", 5_000).unwrap(),
            5_000
        );
    });
}

/// Runs on a thread with a stack of so many bytes.
fn on_thread<R: Send + 'static>(
    stack_len_bytes: usize,
    run: impl FnOnce() -> R + Send + 'static,
) -> R {
    let thread = std::thread::Builder::new()
        .stack_size(stack_len_bytes)
        .spawn(run);
    thread.unwrap().join().unwrap()
}

#[test]
fn a_thread_with_a_stack_of_64_kib_can_call_and_exhaust_it() {
    for mode in Mode::all() {
        // The store is made here: compiling needs more stack.
        let (mut store, instance) = recursive(&mode.engine());
        on_thread(64 << 10, move || {
            for _ in 0..3 {
                assert_eq!(
                    call::<_, i32, i32>(&mut store, instance, "recurse", 20).unwrap(),
                    20
                );
                let error = call::<_, i32, i32>(&mut store, instance, "recurse", 1 << 30);
                assert_eq!(
                    error.unwrap_err().as_trap_code(),
                    Some(TrapCode::StackOverflow)
                );
            }
        });
    }
}

#[test]
fn host_functions_find_the_reserve_when_the_guest_used_up_its_part() {
    for stack_len_bytes in [256 << 10, 1 << 20] {
        for mode in [Mode::GUARD, Mode::SIGNAL_FREE] {
            let engine = mode.engine();
            let mut linker = Linker::<()>::new(&engine);
            linker
                .func_wrap("h", "host", |depth: i32| {
                    // 8 KiB, several times where nothing is optimised.
                    let used = std::hint::black_box([depth; 2 << 10]);
                    used[77]
                })
                .unwrap();
            let wat = r#"(module (import "h" "host" (func $host (param i32) (result i32)))
                (func $recurse (export "recurse") (param i32) (result i32)
                    local.get 0 call $host i32.const 1 i32.add call $recurse))"#;
            let module = module(&engine, wat);
            on_thread(stack_len_bytes, move || {
                let mut store = Store::new(&engine, ());
                let instance = linker.instantiate_and_start(&mut store, &module).unwrap();
                let error = call::<_, i32, i32>(&mut store, instance, "recurse", 0).unwrap_err();
                assert_eq!(error.as_trap_code(), Some(TrapCode::StackOverflow));
            });
        }
    }
}

#[test]
fn one_store_goes_from_thread_to_thread() {
    in_every_mode(|mode| {
        let (mut store, instance) = recursive(&mode.engine());
        for stack_len_bytes in [1 << 20, 128 << 10, 4 << 20, 64 << 10] {
            store = on_thread(stack_len_bytes, move || {
                let error = call::<_, i32, i32>(&mut store, instance, "recurse", 1 << 30);
                assert_eq!(
                    error.unwrap_err().as_trap_code(),
                    Some(TrapCode::StackOverflow)
                );
                assert_eq!(
                    call::<_, i32, i32>(&mut store, instance, "recurse", 50).unwrap(),
                    50
                );
                store
            });
        }
        assert_eq!(
            call::<_, i32, i32>(&mut store, instance, "recurse", 1_000).unwrap(),
            1_000
        );
    });
}

/// A function with so many live locals besides its parameter, reached through as many frames of a
/// small function as the caller says.
fn many_locals(count: usize) -> String {
    let mut body = String::new();
    for index in 0..count {
        body += &format!("(local.set {} (call $opaque (local.get 0)))\n", index + 1);
    }
    body += "(call $nothing)\n(i64.const 0)\n";
    for index in 0..count {
        body += &format!("(i64.add (local.get {}))\n", index + 1);
    }
    format!(
        r#"(module
            (func $nothing)
            ;; A table of branches keeps it from being inlined.
            (func $opaque (param i64) (result i64) (block (br_table 0 0 (i32.const 0))) local.get 0)
            (func $large (param i64) (result i64) (local {}) {body})
            (func $down (export "down") (param i32) (result i64)
                local.get 0 i32.eqz
                if (result i64) i64.const 1 call $large
                else local.get 0 i32.const 1 i32.sub call $down
                end))"#,
        "i64 ".repeat(count)
    )
}

/// The frame of 50 000 live locals, one of them the parameter, is 400 KB. Called a few bytes above the limit it must trap
/// before it writes there, at whatever distance.
#[test]
fn a_frame_of_fifty_thousand_locals_traps_wherever_the_limit_is() {
    let wat = wat::parse_str(many_locals(49_999)).unwrap();
    for mode in [Mode::GUARD, Mode::EXPLICIT, Mode::SIGNAL_FREE] {
        let mut config: Config = mode.config();
        config.max_wasm_stack(1536 << 10);
        let engine = Engine::new(&config);
        let module = Module::new(&engine, &wat).unwrap();
        on_thread(4 << 20, move || {
            let mut store = Store::new(&engine, ());
            let instance = wasmelt::Instance::new(&mut store, &module, &[]).unwrap();
            let down = instance.get_typed_func::<i32, i64>(&store, "down").unwrap();
            let mut outcome = |depth: i32| match down.call(&mut store, depth) {
                Ok(sum) => {
                    assert_eq!(sum, 49_999);
                    "fits"
                }
                Err(error) => {
                    assert_eq!(
                        error.as_trap_code(),
                        Some(TrapCode::StackOverflow),
                        "{error}"
                    );
                    let names = support::names(&error);
                    if names[0] == "large" {
                        "large traps"
                    } else {
                        "small traps"
                    }
                }
            };
            // Each level is some tens of bytes: find both edges, and walk over them level by level.
            // All calls are made from this frame, so that they begin at the same place.
            for (before, behind) in [("fits", "large traps"), ("large traps", "small traps")] {
                let (mut low, mut high) = (0, 1 << 20);
                while low < high {
                    let middle = low + (high - low) / 2;
                    let found = outcome(middle);
                    if found == before || found == "fits" {
                        low = middle + 1;
                    } else {
                        high = middle;
                    }
                }
                println!("{mode:?}: {behind} from {low} levels on");
                for depth in low - 40..low + 40 {
                    let expected = if depth < low { before } else { behind };
                    assert_eq!(
                        outcome(depth),
                        expected,
                        "{mode:?} at depth {depth} of {low}"
                    );
                }
            }
        });
    }
}

#[test]
fn an_entry_with_too_little_stack_left_is_a_trap() {
    let mut config = Mode::GUARD.config();
    config.max_wasm_stack(0);
    let (mut store, instance) = instantiate(
        &Engine::new(&config),
        r#"(module (func $f (export "f") call $f))"#,
    );
    let error = call::<_, (), ()>(&mut store, instance, "f", ()).unwrap_err();
    assert_eq!(error.as_trap_code(), Some(TrapCode::StackOverflow));
}

#[test]
fn a_stack_that_is_not_the_threads_own_is_used_as_far_as_the_limit_says() {
    // A coroutine's stack, as the thread sees it: calls run on a stack that the host mapped. The
    // stack limit is counted from where the call enters.
    for mode in [Mode::GUARD, Mode::SIGNAL_FREE] {
        let mut config = mode.config();
        config.max_wasm_stack(256 << 10);
        let (store, instance) = recursive(&Engine::new(&config));
        let mut slot = Some((store, instance, 0usize));
        on_foreign_stack(1 << 20, &mut slot, |slot| {
            let (mut store, instance, _) = slot.take().unwrap();
            let error = call::<_, i32, i32>(&mut store, instance, "recurse", 1 << 30).unwrap_err();
            assert_eq!(error.as_trap_code(), Some(TrapCode::StackOverflow));
            let frames = error.backtrace().unwrap().frames().len();
            *slot = Some((store, instance, frames));
        });
        let (mut store, instance, frames) = slot.take().unwrap();
        assert!(frames > 100);
        assert_eq!(
            call::<_, i32, i32>(&mut store, instance, "recurse", 50).unwrap(),
            50
        );
    }
}

#[test]
fn a_host_function_can_call_back_on_a_stack_of_its_own() {
    for mode in [Mode::GUARD, Mode::SIGNAL_FREE] {
        let mut config = mode.config();
        config.max_wasm_stack(256 << 10);
        let engine = Engine::new(&config);
        let mut linker = Linker::<()>::new(&engine);
        linker
            .func_wrap("h", "host", |mut caller: Caller<'_, ()>, depth: i32| {
                let recurse = caller.get_export("recurse").and_then(Extern::into_func);
                let recurse = recurse.unwrap().typed::<i32, i32>(&caller).unwrap();
                let mut slot = (&mut caller, None);
                on_foreign_stack(1 << 20, &mut slot, move |(caller, result)| {
                    *result = Some((
                        recurse.call(&mut **caller, 50),
                        recurse.call(&mut **caller, 1 << 30),
                    ));
                });
                let (fits, deep) = slot.1.unwrap();
                let deep = deep.unwrap_err().as_trap_code();
                assert_eq!(deep, Some(TrapCode::StackOverflow));
                fits.unwrap() + depth
            })
            .unwrap();
        let mut store = Store::new(&engine, ());
        let module = module(&engine, RECURSE);
        let instance = linker.instantiate_and_start(&mut store, &module).unwrap();
        for _ in 0..3 {
            let result = call::<_, i32, i32>(&mut store, instance, "through host", 7).unwrap();
            assert_eq!(result, 57);
            let error = call::<_, i32, i32>(&mut store, instance, "recurse", 1 << 30);
            assert_eq!(
                error.unwrap_err().as_trap_code(),
                Some(TrapCode::StackOverflow)
            );
        }
    }
}

/// Calls a function with the stack pointer in a buffer.
#[allow(
    unsafe_code,
    reason = "switches the stack, as a coroutine library does"
)]
fn on_foreign_stack<S>(len_bytes: usize, state: &mut S, run: impl FnOnce(&mut S)) {
    struct Start<'a, S, F>(&'a mut S, Option<F>);
    extern "C" fn start<S, F: FnOnce(&mut S)>(start: *mut Start<'_, S, F>) {
        // SAFETY: `on_foreign_stack` passes a value that outlives the call.
        let Start(state, run) = unsafe { &mut *start };
        run.take().unwrap()(state);
    }
    fn entry_of<S, F: FnOnce(&mut S)>(_: &F) -> usize {
        start::<S, F> as *const () as usize
    }
    let mut stack = vec![0u128; len_bytes / 16];
    let top = stack.as_mut_ptr_range().end;
    let entry = entry_of::<S, _>(&run);
    let mut start = Start(state, Some(run));
    // SAFETY: the buffer is aligned, large enough, and alive until the call returns; r12 keeps the
    // stack pointer, and everything that a C call may change is declared.
    unsafe {
        std::arch::asm!(
            "mov r12, rsp",
            "mov rsp, {top}",
            "call {entry}",
            "mov rsp, r12",
            top = in(reg) top,
            entry = in(reg) entry,
            in("rdi") &raw mut start,
            out("r12") _,
            clobber_abi("C"),
        );
    }
}
