//! Resumable calls: pausing at host errors and without fuel, on other threads, and being dropped.
#![allow(clippy::unwrap_used, reason = "test code")]

mod support;

use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use support::{Mode, call, in_every_mode, module, names};
use wasmelt::{
    CallHook, Caller, Config, Engine, Error, Extern, F32, F64, Func, FuncType, Instance, Linker,
    ResumableCall, Store, TrapCode, TypedResumableCall, Val, ValType, errors::FuncError,
    errors::HostError,
};

/// What pauses a guest here.
#[derive(Debug, PartialEq, Eq)]
struct Wait(i32);

impl std::fmt::Display for Wait {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "wait for {}", self.0)
    }
}

impl HostError for Wait {}

const GUEST: &str = r#"(module $guest
    (import "h" "wait" (func $wait (param i32) (result i32)))
    (import "h" "wait i64" (func $wait_i64 (result i64)))
    (import "h" "wait f32" (func $wait_f32 (result f32)))
    (import "h" "wait f64" (func $wait_f64 (result f64)))
    (import "h" "wait nothing" (func $wait_nothing))
    (import "h" "dynamic" (func $dynamic
        (param i64 f64 i64 i64 i64 i64 i64 i64 i64) (result f64)))
    (memory (export "memory") 1 10)
    (global (export "global") (mut i32) (i32.const 5))

    (func (export "sum") (param $n i32) (result i32) (local $sum i32)
        (loop $next
            (local.set $sum (i32.add (local.get $sum) (call $wait (local.get $n))))
            (local.set $n (i32.sub (local.get $n) (i32.const 1)))
            (br_if $next (local.get $n)))
        local.get $sum)
    (func (export "types") (param i32 i64 f32 f64 i32 i64 f32 f64) (result f64)
        (call $wait_nothing)
        (f64.add
            (f64.add
                (f64.convert_i64_s (i64.mul (call $wait_i64) (local.get 1)))
                (f64.promote_f32 (f32.mul (call $wait_f32) (local.get 2))))
            (f64.add
                (f64.mul (call $wait_f64) (local.get 3))
                (f64.add (local.get 7) (f64.convert_i32_s (local.get 4))))))
    (func (export "dynamic") (result f64)
        (call $dynamic (i64.const 1) (f64.const 2) (i64.const 3) (i64.const 4) (i64.const 5)
            (i64.const 6) (i64.const 7) (i64.const 8) (i64.const 9)))
    (func $then (param $what i32) (result i32)
        (drop (call $wait (local.get $what)))
        (if (i32.eq (local.get $what) (i32.const 1)) (then unreachable))
        (if (i32.eq (local.get $what) (i32.const 2)) (then
            (drop (i32.div_u (i32.const 1) (i32.sub (local.get $what) (i32.const 2))))))
        (if (i32.eq (local.get $what) (i32.const 3)) (then
            (drop (i32.load (i32.const 0x7fffffff)))))
        (if (i32.eq (local.get $what) (i32.const 4)) (then (drop (call $deep (i32.const -1)))))
        (if (i32.eq (local.get $what) (i32.const 5)) (then (loop (br 0))))
        (if (i32.eq (local.get $what) (i32.const 6)) (then
            (drop (i32.trunc_f64_s (f64.const nan)))))
        local.get $what)
    (func $outer (export "then") (param i32) (result i32) (call $then (local.get 0)))
    (func $deep (export "deep") (param i32) (result i32)
        (if (result i32) (local.get 0)
            (then (i32.add (i32.const 1) (call $deep (i32.sub (local.get 0) (i32.const 1)))))
            (else (call $wait (i32.const 0)))))
    (func (export "state") (result i32)
        (drop (call $wait (i32.const 1)))
        (i32.add (i32.load8_u (i32.const 100))
            (i32.add (global.get 0) (memory.size)))))"#;

/// A linker whose every function fails.
fn linker<T: 'static>(engine: &Engine) -> Linker<T> {
    let mut linker = Linker::new(engine);
    let wait = |what: i32| Err::<i32, _>(Error::host(Wait(what)));
    linker.func_wrap("h", "wait", wait).unwrap();
    let wait = || Err::<i64, _>(Error::host(Wait(-1)));
    linker.func_wrap("h", "wait i64", wait).unwrap();
    let wait = || Err::<f32, _>(Error::host(Wait(-2)));
    linker.func_wrap("h", "wait f32", wait).unwrap();
    let wait = || Err::<f64, _>(Error::host(Wait(-3)));
    linker.func_wrap("h", "wait f64", wait).unwrap();
    let wait = || Err::<(), _>(Error::host(Wait(-4)));
    linker.func_wrap("h", "wait nothing", wait).unwrap();
    let mut params = vec![ValType::I64; 9];
    params[1] = ValType::F64;
    let ty = FuncType::new(params, [ValType::F64]);
    linker
        .func_new("h", "dynamic", ty, |_, params, _| {
            assert_eq!(
                (params[1].f64(), params[8].i64()),
                (Some(2.0.into()), Some(9))
            );
            Err(Error::host(Wait(-5)))
        })
        .unwrap();
    linker
}

fn guest(engine: &Engine) -> (Store<()>, Instance) {
    let mut store = Store::new(engine, ());
    let module = module(engine, GUEST);
    let instance = linker(engine)
        .instantiate_and_start(&mut store, &module)
        .unwrap();
    (store, instance)
}

fn func(store: &Store<()>, instance: Instance, name: &str) -> Func {
    instance.get_func(store, name).unwrap()
}

/// The call that waits, and what for.
fn waiting(call: ResumableCall) -> (wasmelt::ResumableCallHostTrap, i32) {
    match call {
        ResumableCall::HostTrap(call) => {
            let what = call.host_error().downcast_ref::<Wait>().unwrap().0;
            (call, what)
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_call_pauses_at_each_host_error_and_goes_on_with_what_the_host_gives() {
    in_every_mode(|mode| {
        let (mut store, instance) = guest(&mode.engine());
        let sum = func(&store, instance, "sum");
        let mut results = [Val::I64(9)];
        let mut call = sum
            .call_resumable(&mut store, &[Val::I32(5)], &mut results)
            .unwrap();
        for expected in (1..=5).rev() {
            let (paused, what) = waiting(call);
            assert_eq!(what, expected);
            let ty = paused.host_func().ty(&store);
            assert_eq!(
                (ty.params(), ty.results()),
                (&[ValType::I32][..], &[ValType::I32][..])
            );
            call = paused
                .resume(&mut store, &[Val::I32(what * 10)], &mut results)
                .unwrap();
        }
        assert!(matches!(call, ResumableCall::Finished), "{call:?}");
        assert_eq!(results[0].i32(), Some(150));
    });
}

#[test]
fn results_of_every_type_arrive_and_parameters_are_kept() {
    in_every_mode(|mode| {
        let (mut store, instance) = guest(&mode.engine());
        type Params = (i32, i64, f32, f64, i32, i64, F32, F64);
        let types = instance
            .get_typed_func::<Params, f64>(&store, "types")
            .unwrap();
        let params = (1, 2, 3.0, 4.0, 5, 6, 7.0.into(), 8.0.into());
        let mut call = types.call_resumable(&mut store, params).unwrap();
        let given: [&[Val]; 4] = [
            &[],
            &[Val::I64(10)],
            &[Val::F32(0.5.into())],
            &[Val::F64(0.25.into())],
        ];
        for (value, expected) in given.into_iter().zip([-4, -1, -2, -3]) {
            let TypedResumableCall::HostTrap(paused) = call else {
                panic!("{call:?}")
            };
            assert_eq!(
                paused.host_error().downcast_ref::<Wait>(),
                Some(&Wait(expected))
            );
            call = paused.resume(&mut store, value).unwrap();
        }
        let TypedResumableCall::Finished(result) = call else {
            panic!("{call:?}")
        };
        assert_eq!(result, 20.0 + 1.5 + 1.0 + 8.0 + 5.0);

        let dynamic = instance
            .get_typed_func::<(), f64>(&store, "dynamic")
            .unwrap();
        let call = dynamic.call_resumable(&mut store, ()).unwrap();
        let TypedResumableCall::HostTrap(paused) = call else {
            panic!("{call:?}")
        };
        let call = paused.resume(&mut store, &[Val::F64(2.5.into())]).unwrap();
        assert!(
            matches!(call, TypedResumableCall::Finished(2.5)),
            "{call:?}"
        );
    });
}

#[test]
fn a_call_without_host_errors_finishes_at_once() {
    let (mut store, instance) = guest(&Engine::default());
    let then = func(&store, instance, "sum");
    // A host function that the host calls is not paused: nothing of a guest waits.
    let host = Func::wrap(&mut store, || Err::<(), _>(Error::host(Wait(1))));
    let error = host.call_resumable(&mut store, &[], &mut []).unwrap_err();
    assert_eq!(error.downcast_ref::<Wait>(), Some(&Wait(1)));
    let host = Func::wrap(&mut store, |value: i32| value + 1);
    let mut results = [Val::I32(0)];
    let call = host.call_resumable(&mut store, &[Val::I32(3)], &mut results);
    assert!(matches!(call, Ok(ResumableCall::Finished)));
    assert_eq!(results[0].i32(), Some(4));
    let call = host
        .typed::<i32, i32>(&store)
        .unwrap()
        .call_resumable(&mut store, 8)
        .unwrap();
    assert!(matches!(call, TypedResumableCall::Finished(9)), "{call:?}");
    // What does not fit is refused, as for ordinary calls.
    let error = then
        .call_resumable(&mut store, &[], &mut results)
        .unwrap_err();
    assert!(
        error.to_string().contains("number of parameters"),
        "{error}"
    );
    let error = then
        .call_resumable(&mut store, &[Val::I32(1)], &mut [])
        .unwrap_err();
    assert!(error.to_string().contains("number of results"), "{error}");
}

#[test]
fn values_that_do_not_fit_end_the_call() {
    let (mut store, instance) = guest(&Engine::default());
    let sum = func(&store, instance, "sum");
    let bad: [(&[Val], FuncError); 2] = [
        (&[], FuncError::MismatchingResultLen),
        (&[Val::I64(1)], FuncError::MismatchingResultType),
    ];
    for (inputs, expected) in bad {
        let mut results = [Val::I32(0)];
        let call = sum.call_resumable(&mut store, &[Val::I32(1)], &mut results);
        let (paused, _) = waiting(call.unwrap());
        let error = paused.resume(&mut store, inputs, &mut results).unwrap_err();
        assert_eq!(error.to_string(), expected.to_string());
    }
    let mut results = [Val::I32(0)];
    let call = sum.call_resumable(&mut store, &[Val::I32(1)], &mut results);
    let (paused, _) = waiting(call.unwrap());
    let error = paused.resume(&mut store, &[Val::I32(1)], &mut []);
    assert_eq!(
        error.unwrap_err().to_string(),
        FuncError::MismatchingResultLen.to_string()
    );
}

#[test]
fn a_paused_call_is_not_resumed_with_another_store() {
    let engine = Engine::default();
    let (mut store, instance) = guest(&engine);
    let sum = func(&store, instance, "sum");
    let mut results = [Val::I32(0)];
    let call = sum.call_resumable(&mut store, &[Val::I32(1)], &mut results);
    let (paused, _) = waiting(call.unwrap());
    // The other store may be where the first one was.
    drop(store);
    let (mut other, _) = guest(&engine);
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        paused.resume(&mut other, &[Val::I32(1)], &mut results)
    }));
    let message = *outcome.unwrap_err().downcast::<&str>().unwrap();
    assert_eq!(
        message,
        "a handle was used with a store that does not own it"
    );
}

const TRAPS: [(i32, TrapCode); 5] = [
    (1, TrapCode::UnreachableCodeReached),
    (2, TrapCode::IntegerDivisionByZero),
    (3, TrapCode::MemoryOutOfBounds),
    (4, TrapCode::StackOverflow),
    (6, TrapCode::BadConversionToInteger),
];

/// Starts `then` and gives the call that waits in it.
fn paused(store: &mut Store<()>, instance: Instance, what: i32) -> wasmelt::ResumableCallHostTrap {
    let then = func(store, instance, "then");
    let call = then.call_resumable(store, &[Val::I32(what)], &mut [Val::I32(0)]);
    waiting(call.unwrap()).0
}

#[test]
fn traps_after_a_resume_are_caught_also_on_another_thread() {
    in_every_mode(|mode| {
        for (what, code) in TRAPS {
            let (mut store, instance) = guest(&mode.engine());
            let call = paused(&mut store, instance, what);
            // A thread that never ran a guest, and whose stack is small.
            let thread = thread::Builder::new().stack_size(128 << 10);
            let thread = thread.spawn(move || {
                let error = call.resume(&mut store, &[Val::I32(0)], &mut [Val::I32(0)]);
                (store, error.unwrap_err())
            });
            let (mut store, error) = thread.unwrap().join().unwrap();
            assert_eq!(error.as_trap_code(), Some(code), "{error}");
            let names = names(&error);
            if what == 4 {
                assert!(names.iter().all(|name| name == "deep"));
            } else {
                assert_eq!(names, ["then", "outer"], "{error}");
            }
            // The store is as good as before.
            let call = paused(&mut store, instance, 0);
            let mut results = [Val::I32(7)];
            let call = call.resume(&mut store, &[Val::I32(0)], &mut results);
            assert!(matches!(call, Ok(ResumableCall::Finished)));
            assert_eq!(results[0].i32(), Some(0));
        }
    });
}

#[test]
fn a_call_goes_from_thread_to_thread() {
    in_every_mode(|mode| {
        let (store, instance) = guest(&mode.engine());
        let mut store = Box::new(store);
        let sum = func(&store, instance, "sum");
        let call = sum.call_resumable(&mut *store, &[Val::I32(20)], &mut [Val::I32(0)]);
        let mut call = call.unwrap();
        let mut resumes = 0;
        let result = loop {
            let ResumableCall::HostTrap(paused) = call else {
                panic!("{call:?}")
            };
            let thread = thread::spawn(move || {
                // The store moves, too.
                let mut here = *store;
                let mut results = [Val::I32(0)];
                let call = paused.resume(&mut here, &[Val::I32(3)], &mut results);
                (Box::new(here), call.unwrap(), results[0].i32())
            });
            let result;
            (store, call, result) = thread.join().unwrap();
            resumes += 1;
            if matches!(call, ResumableCall::Finished) {
                break result;
            }
        };
        assert_eq!((resumes, result), (20, Some(60)));
    });
}

/// How many mappings this process has.
fn mappings() -> usize {
    std::fs::read_to_string("/proc/self/maps")
        .unwrap()
        .lines()
        .count()
}

#[test]
fn dropped_calls_give_their_stacks_back() {
    if support::child_variable().is_none() {
        // No other test shall map anything meanwhile.
        let (success, output) =
            support::run_in_child("dropped_calls_give_their_stacks_back", "mappings");
        assert!(success, "{output}");
        return;
    }
    in_every_mode(|mode| {
        let mut config = mode.config();
        config.set_max_cached_stacks(3);
        let engine = Engine::new(&config);
        let (mut store, instance) = guest(&engine);
        let deep = func(&store, instance, "deep");
        let mut start = |depth: i32| {
            let call = deep.call_resumable(&mut store, &[Val::I32(depth)], &mut [Val::I32(0)]);
            waiting(call.unwrap()).0
        };
        let kept: Vec<_> = (0..3).map(&mut start).collect();
        let with_three = mappings();
        drop(kept);
        assert_eq!(mappings(), with_three, "three stacks are kept");
        let many: Vec<_> = (0..8).map(&mut start).collect();
        assert!(mappings() > with_three);
        drop(many);
        for round in 0..1000 {
            let paused = start(round % 100);
            if round % 2 == 0 {
                thread::spawn(move || drop(paused)).join().unwrap();
            }
        }
        // Threads leave and bring mappings of their own.
        assert!(mappings() <= with_three + 4, "{with_three} {}", mappings());
        // What was dropped left nothing behind in the store.
        let call = deep.call_resumable(&mut store, &[Val::I32(3)], &mut [Val::I32(0)]);
        let (paused, _) = waiting(call.unwrap());
        let mut results = [Val::I32(0)];
        let call = paused.resume(&mut store, &[Val::I32(4)], &mut results);
        assert!(matches!(call, Ok(ResumableCall::Finished)));
        assert_eq!(results[0].i32(), Some(7));
    });
}

#[test]
fn a_call_may_be_dropped_after_its_store_and_its_engine() {
    in_every_mode(|mode| {
        let (mut store, instance) = guest(&mode.engine());
        let first = paused(&mut store, instance, 1);
        let second = paused(&mut store, instance, 2);
        drop(second);
        drop(store);
        thread::spawn(move || drop(first)).join().unwrap();
    });
}

#[test]
fn calls_of_one_store_wait_side_by_side_and_end_in_any_order() {
    in_every_mode(|mode| {
        let (mut store, instance) = guest(&mode.engine());
        let mut waiting: Vec<_> = (0..6).map(|_| paused(&mut store, instance, 0)).collect();
        let memory = instance.get_memory(&store, "memory").unwrap();
        for position in [3, 0, 2, 0, 1, 0] {
            let mut results = [Val::I32(1)];
            // Ordinary calls and other changes come between.
            memory.grow(&mut store, 1).unwrap();
            let error = call::<_, i32, i32>(&mut store, instance, "then", 3).unwrap_err();
            assert_eq!(error.downcast_ref::<Wait>(), Some(&Wait(3)));
            let call = waiting.remove(position);
            let call = call.resume(&mut store, &[Val::I32(0)], &mut results);
            assert!(matches!(call, Ok(ResumableCall::Finished)));
            assert_eq!(results[0].i32(), Some(0));
        }
    });
}

#[test]
fn a_guest_sees_what_the_host_changed_while_it_waited() {
    in_every_mode(|mode| {
        let (mut store, instance) = guest(&mode.engine());
        let state = func(&store, instance, "state");
        let call = state.call_resumable(&mut store, &[], &mut [Val::I32(0)]);
        let (paused, _) = waiting(call.unwrap());
        let memory = instance.get_memory(&store, "memory").unwrap();
        memory.grow(&mut store, 8).unwrap();
        memory.write(&mut store, 100, &[30]).unwrap();
        let global = instance.get_global(&store, "global").unwrap();
        global.set(&mut store, Val::I32(200)).unwrap();
        let mut results = [Val::I32(0)];
        let call = paused.resume(&mut store, &[Val::I32(0)], &mut results);
        assert!(matches!(call, Ok(ResumableCall::Finished)));
        assert_eq!(results[0].i32(), Some(30 + 200 + 9));
    });
}

#[test]
fn recursion_on_a_stack_of_its_own_is_limited_in_the_same_way() {
    in_every_mode(|mode| {
        let (mut store, instance) = guest(&mode.engine());
        let deep = func(&store, instance, "deep");
        let call = deep.call_resumable(&mut store, &[Val::I32(-1)], &mut [Val::I32(0)]);
        assert_eq!(
            call.unwrap_err().as_trap_code(),
            Some(TrapCode::StackOverflow)
        );
        // How deep an ordinary call may go.
        let is_possible = |store: &mut Store<()>, depth: i32| {
            let error = call_error(store, instance, depth);
            error.as_trap_code().is_none()
        };
        let (mut possible, mut impossible) = (1000, 1_000_000);
        while impossible - possible > 1 {
            let depth = i32::midpoint(possible, impossible);
            if is_possible(&mut store, depth) {
                possible = depth;
            } else {
                impossible = depth;
            }
        }
        // The limits are rounded differently.
        let depth = possible / 100 * 95;
        let call = deep.call_resumable(&mut store, &[Val::I32(depth)], &mut [Val::I32(0)]);
        let (paused, _) = waiting(call.unwrap());
        // An ordinary call in between has a stack limit of its own.
        assert!(is_possible(&mut store, depth));
        let mut results = [Val::I32(0)];
        let call = paused.resume(&mut store, &[Val::I32(1)], &mut results);
        assert!(matches!(call, Ok(ResumableCall::Finished)));
        assert_eq!(results[0].i32(), Some(depth + 1));
    });
}

fn call_error(store: &mut Store<()>, instance: Instance, depth: i32) -> Error {
    call::<_, i32, i32>(store, instance, "deep", depth).unwrap_err()
}

const NESTING: &str = r#"(module
    (import "h" "nest" (func $nest (param i32 i32) (result i32)))
    (import "h" "wait" (func $wait (param i32) (result i32)))
    (func (export "run") (param i32 i32) (result i32)
        (if (result i32) (local.get 0)
            (then (call $nest (i32.sub (local.get 0) (i32.const 1)) (local.get 1)))
            (else (call $wait (local.get 1))))))"#;

/// What calls of a guest inside of a guest's host functions leave behind.
#[derive(Default)]
struct Nest {
    paused: Vec<ResumableCall>,
    errors: Vec<Option<i32>>,
}

/// A guest whose host function calls it again: resumably if the second parameter is odd.
fn nesting(engine: &Engine) -> (Store<Nest>, Instance) {
    let mut linker = Linker::<Nest>::new(engine);
    linker
        .func_wrap(
            "h",
            "nest",
            |mut caller: Caller<'_, Nest>, depth: i32, what: i32| -> Result<i32, Error> {
                let run = caller
                    .get_export("run")
                    .and_then(Extern::into_func)
                    .unwrap();
                let params = [Val::I32(depth), Val::I32(what)];
                let mut results = [Val::I32(0)];
                if what % 2 == 1 {
                    let call = run.call_resumable(&mut caller, &params, &mut results)?;
                    caller.data_mut().paused.push(call);
                    return Err(Error::host(Wait(depth * 100)));
                }
                let error = run.call(&mut caller, &params, &mut results).unwrap_err();
                let what = error.downcast_ref::<Wait>().map(|wait| wait.0);
                caller.data_mut().errors.push(what);
                Err(error)
            },
        )
        .unwrap();
    let wait = |what: i32| Err::<i32, _>(Error::host(Wait(what)));
    linker.func_wrap("h", "wait", wait).unwrap();
    let mut store = Store::new(engine, Nest::default());
    let module = module(engine, NESTING);
    let instance = linker.instantiate_and_start(&mut store, &module).unwrap();
    (store, instance)
}

#[test]
fn an_error_in_an_ordinary_call_of_a_host_function_pauses_the_outer_call_only() {
    in_every_mode(|mode| {
        let (mut store, instance) = nesting(&mode.engine());
        let run = instance.get_func(&store, "run").unwrap();
        let params = [Val::I32(3), Val::I32(8)];
        let mut results = [Val::I32(0)];
        let call = run.call_resumable(&mut store, &params, &mut results);
        let (paused, what) = waiting(call.unwrap());
        assert_eq!(what, 8);
        assert_eq!(store.data().errors, [Some(8); 3]);
        let call = paused.resume(&mut store, &[Val::I32(4)], &mut results);
        assert!(matches!(call, Ok(ResumableCall::Finished)));
        assert_eq!(results[0].i32(), Some(4));
    });
}

#[test]
fn calls_that_host_functions_start_wait_and_are_resumed_elsewhere() {
    in_every_mode(|mode| {
        let (mut store, instance) = nesting(&mode.engine());
        let run = instance.get_func(&store, "run").unwrap();
        let params = [Val::I32(4), Val::I32(9)];
        let mut results = [Val::I32(0)];
        let outer = run.call_resumable(&mut store, &params, &mut results);
        let mut calls = std::mem::take(&mut store.data_mut().paused);
        calls.push(outer.unwrap());
        assert_eq!(calls.len(), 5);
        let (mut whats, mut values) = (Vec::new(), Vec::new());
        for (position, call) in calls.into_iter().enumerate() {
            let (paused, what) = waiting(call);
            whats.push(what);
            let value = Val::I32(i32::try_from(position).unwrap());
            let call = paused.resume(&mut store, &[value], &mut results).unwrap();
            assert!(matches!(call, ResumableCall::Finished));
            values.push(results[0].i32().unwrap());
        }
        assert_eq!(whats, [9, 0, 100, 200, 300]);
        assert_eq!(values, [0, 1, 2, 3, 4]);
    });
}

#[test]
fn a_panic_of_a_host_function_leaves_through_a_resumed_call() {
    in_every_mode(|mode| {
        let engine = mode.engine();
        let mut linker = Linker::<u32>::new(&engine);
        linker
            .func_wrap("h", "wait", |mut caller: Caller<'_, u32>| {
                *caller.data_mut() += 1;
                assert!(*caller.data() < 2, "enough");
                Err::<(), _>(Error::host(Wait(0)))
            })
            .unwrap();
        let module = module(
            &engine,
            r#"(module (import "h" "wait" (func $wait))
                (func (export "run") (call $wait) (call $wait)))"#,
        );
        let mut store = Store::new(&engine, 0);
        let instance = linker.instantiate_and_start(&mut store, &module).unwrap();
        let run = instance.get_func(&store, "run").unwrap();
        let call = run.call_resumable(&mut store, &[], &mut []);
        let (paused, _) = waiting(call.unwrap());
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            paused.resume(&mut store, &[], &mut [])
        }));
        assert_eq!(*outcome.unwrap_err().downcast::<&str>().unwrap(), "enough");
        // The thread and the store are as before.
        *store.data_mut() = 0;
        let error = run.call(&mut store, &[], &mut []).unwrap_err();
        assert_eq!(error.downcast_ref::<Wait>(), Some(&Wait(0)));
        *store.data_mut() = 0;
        let call = run.call_resumable(&mut store, &[], &mut []);
        waiting(call.unwrap());
    });
}

#[test]
fn a_resumed_guest_can_be_interrupted() {
    in_every_mode(|mode| {
        let mut config = mode.config();
        config.interruption(true);
        let (mut store, instance) = guest(&Engine::new(&config));
        let call = paused(&mut store, instance, 5);
        let handle = store.interrupt_handle().unwrap();
        let thread = thread::spawn(move || {
            let error = call.resume(&mut store, &[Val::I32(0)], &mut [Val::I32(0)]);
            error.unwrap_err().as_trap_code()
        });
        handle.interrupt();
        assert_eq!(thread.join().unwrap(), Some(TrapCode::Interrupted));
    });
}

#[test]
fn hooks_are_told_of_each_run() {
    static HOOKS: AtomicU32 = AtomicU32::new(0);
    let (mut store, instance) = guest(&Engine::default());
    store.call_hook(|(), hook| {
        let digit = match hook {
            CallHook::CallingWasm => 1,
            CallHook::ReturningFromWasm => 2,
            CallHook::CallingHost => 3,
            CallHook::ReturningFromHost => 4,
        };
        let hooks = HOOKS.load(Ordering::Relaxed);
        HOOKS.store(hooks * 10 + digit, Ordering::Relaxed);
        Ok(())
    });
    let call = paused(&mut store, instance, 0);
    assert_eq!(HOOKS.load(Ordering::Relaxed), 132);
    let call = call.resume(&mut store, &[Val::I32(0)], &mut [Val::I32(0)]);
    assert!(matches!(call, Ok(ResumableCall::Finished)));
    assert_eq!(HOOKS.load(Ordering::Relaxed), 13212);
}

#[test]
fn the_error_says_where_the_guest_waits() {
    let (mut store, instance) = guest(&Engine::default());
    let call = paused(&mut store, instance, 0);
    assert_eq!(names(call.host_error()), ["then", "outer"]);
    let error = call.into_host_error();
    assert_eq!(error.downcast::<Wait>(), Some(Wait(0)));
}

const METERED: &str = r#"(module
    (import "h" "look" (func $look (result i64)))
    (func $leaf (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))
    (func $work (param $n i32) (result i32) (local $sum i32)
        (loop $next
            (local.set $sum (i32.add (call $leaf (local.get $n)) (local.get $sum)))
            (if (i32.and (local.get $n) (i32.const 1))
                (then (local.set $sum (i32.add (local.get $sum) (i32.wrap_i64 (i64.sub
                    (call $look) (call $look)))))))
            (local.set $n (i32.sub (local.get $n) (i32.const 1)))
            (br_if $next (local.get $n)))
        local.get $sum)
    (func (export "run") (param i32) (result i32)
        (i32.add (call $work (local.get 0)) (call $work (i32.const 3)))))"#;

/// A metered guest, whose host function tells it how much is charged between two of its calls.
fn metered(mode: Mode) -> (Store<()>, wasmelt::TypedFunc<i32, i32>) {
    let mut config = mode.config();
    config.consume_fuel(true);
    let engine = Engine::new(&config);
    let mut linker = Linker::<()>::new(&engine);
    linker
        .func_wrap("h", "look", |caller: Caller<'_, ()>| caller.get_fuel())
        .unwrap();
    let mut store = Store::new(&engine, ());
    let module = module(&engine, METERED);
    let instance = linker.instantiate_and_start(&mut store, &module).unwrap();
    let run = instance.get_typed_func(&store, "run").unwrap();
    (store, run)
}

#[test]
fn in_portions_a_guest_needs_exactly_the_fuel_that_it_needs_at_once() {
    in_every_mode(|mode| {
        let (mut store, run) = metered(mode);
        store.set_fuel(1 << 40).unwrap();
        let expected = run.call(&mut store, 40).unwrap();
        let total = (1 << 40) - store.get_fuel().unwrap();
        for portion in [1, 7, 50, 400, total] {
            // A guest that compares what it has before and after would see the portions.
            let is_whole = portion == total;
            store.set_fuel(portion).unwrap();
            let mut given = portion;
            let mut call = run.call_resumable(&mut store, 40).unwrap();
            let result = loop {
                match call {
                    TypedResumableCall::Finished(result) => break result,
                    TypedResumableCall::OutOfFuel(paused) => {
                        assert_eq!(store.get_fuel().unwrap(), 0, "all is spent");
                        assert!(paused.required_fuel() > 0);
                        // The last part is large, since a guest may return with an overdraft.
                        let is_late = given + portion + 200 > total;
                        let fuel = portion.max(paused.required_fuel());
                        let fuel = if is_late { 10 * total } else { fuel };
                        given += fuel;
                        store.set_fuel(fuel).unwrap();
                        call = paused.resume(&mut store).unwrap();
                    }
                    TypedResumableCall::HostTrap(paused) => panic!("{paused:?}"),
                }
            };
            assert_eq!(given - store.get_fuel().unwrap(), total, "by {portion}");
            assert!(!is_whole || result == expected);
        }
    });
}

#[test]
fn a_guest_does_not_go_on_with_less_fuel_than_it_requires() {
    in_every_mode(|mode| {
        let (mut store, run) = metered(mode);
        store.set_fuel(3).unwrap();
        let call = run.call_resumable(&mut store, 40).unwrap();
        let TypedResumableCall::OutOfFuel(paused) = call else {
            panic!("{call:?}")
        };
        let required = paused.required_fuel();
        store.set_fuel(required - 1).unwrap();
        let TypedResumableCall::OutOfFuel(paused) = paused.resume(&mut store).unwrap() else {
            panic!("it has too little")
        };
        assert_eq!(paused.required_fuel(), required);
        assert_eq!(store.get_fuel().unwrap(), required - 1, "nothing is taken");
        store.set_fuel(required).unwrap();
        // That is enough to go on, and to need more later.
        let TypedResumableCall::OutOfFuel(paused) = paused.resume(&mut store).unwrap() else {
            panic!("it has just enough to go on")
        };
        drop(paused);
        store.set_fuel(u64::MAX).unwrap();
        assert!(run.call(&mut store, 1).is_ok());
    });
}

#[test]
fn fuel_that_the_host_sets_while_a_host_function_is_awaited_is_what_is_there() {
    in_every_mode(|mode| {
        let mut config = mode.config();
        config.consume_fuel(true);
        let (mut store, instance) = guest(&Engine::new(&config));
        store.set_fuel(100_000).unwrap();
        let call = paused(&mut store, instance, 0);
        let before = 100_000 - store.get_fuel().unwrap();
        assert!(before > 0);
        store.set_fuel(5_000).unwrap();
        let call = call.resume(&mut store, &[Val::I32(0)], &mut [Val::I32(0)]);
        assert!(matches!(call, Ok(ResumableCall::Finished)));
        let after = 5_000 - store.get_fuel().unwrap();
        // As much as an ordinary guest, in two parts.
        store.set_fuel(100_000).unwrap();
        let call = paused(&mut store, instance, 0);
        let call = call.resume(&mut store, &[Val::I32(0)], &mut [Val::I32(0)]);
        assert!(matches!(call, Ok(ResumableCall::Finished)));
        assert_eq!(100_000 - store.get_fuel().unwrap(), before + after);
    });
}

#[test]
fn out_of_fuel_on_one_thread_goes_on_on_another() {
    in_every_mode(|mode| {
        let (mut store, run) = metered(mode);
        store.set_fuel(50).unwrap();
        let mut call = run.call_resumable(&mut store, 10).unwrap();
        let mut resumes = 0;
        while let TypedResumableCall::OutOfFuel(paused) = call {
            let thread = thread::spawn(move || {
                store.set_fuel(50).unwrap();
                let call = paused.resume(&mut store).unwrap();
                (store, call)
            });
            (store, call) = thread.join().unwrap();
            resumes += 1;
        }
        assert!(resumes > 2);
        assert!(matches!(call, TypedResumableCall::Finished(_)), "{call:?}");
    });
}

#[test]
fn the_stack_of_a_resumable_call_can_be_chosen() {
    for (stack, wasm_stack, works) in [(8 << 20, 4 << 20, true), (256 << 10, 4 << 20, false)] {
        let mut config = Config::new();
        config.resumable_stack(stack).max_wasm_stack(wasm_stack);
        let (mut store, instance) = guest(&Engine::new(&config));
        let deep = func(&store, instance, "deep");
        let call = deep.call_resumable(&mut store, &[Val::I32(400_000)], &mut [Val::I32(0)]);
        match call {
            Ok(ResumableCall::HostTrap(_)) => assert!(works),
            Err(error) => {
                assert!(!works);
                assert_eq!(error.as_trap_code(), Some(TrapCode::StackOverflow));
            }
            other => panic!("{other:?}"),
        }
    }
}

const GROWING: &str = r#"(module
    (memory (export "memory") 1)
    (func (export "grow") (param i32) (result i32)
        (i32.add
            (i32.mul (memory.grow (local.get 0)) (i32.const 100))
            (memory.grow (local.get 0)))))"#;

#[test]
fn growth_that_cannot_be_paid_waits_too() {
    in_every_mode(|mode| {
        let mut config = mode.config();
        config
            .consume_fuel(true)
            .fuel_cost(wasmelt::CustomFuelCosts {
                bytes_copied_per_fuel: 64,
                fuel_per_bytes_translated: 0,
                fuel_per_bytes_validated: 0,
            });
        let (mut store, instance) = support::instantiate(&Engine::new(&config), GROWING);
        let grow = instance.get_typed_func::<i32, i32>(&store, "grow").unwrap();
        store.set_fuel(1 << 30).unwrap();
        assert_eq!(grow.call(&mut store, 2).unwrap(), 103);
        let total = (1 << 30) - store.get_fuel().unwrap();
        // Each page costs 1024.
        assert!((4096..4200).contains(&total), "{total}");
        let (mut given, mut pauses) = (1000, 0);
        store.set_fuel(given).unwrap();
        let mut call = grow.call_resumable(&mut store, 2).unwrap();
        let result = loop {
            match call {
                TypedResumableCall::Finished(result) => break result,
                TypedResumableCall::OutOfFuel(paused) => {
                    pauses += 1;
                    // Only enough for the growth that waits, and a little. Nothing of it is charged yet.
                    let left = store.get_fuel().unwrap();
                    let fuel = paused.required_fuel() + 50;
                    assert!(left < paused.required_fuel());
                    given += fuel - left;
                    store.set_fuel(fuel).unwrap();
                    call = paused.resume(&mut store).unwrap();
                }
                TypedResumableCall::HostTrap(paused) => panic!("{paused:?}"),
            }
        };
        assert_eq!((result, pauses), (507, 2));
        assert_eq!(given - store.get_fuel().unwrap(), total);
        // One that is dropped while it waits has not grown the memory.
        store.set_fuel(1000).unwrap();
        drop(grow.call_resumable(&mut store, 2).unwrap());
        let memory = instance.get_memory(&store, "memory").unwrap();
        assert_eq!(memory.size(&store), 9);
    });
}

#[test]
fn a_resumed_call_counts_active_calls_from_where_it_began() {
    in_every_mode(|mode| {
        let mut config = mode.config();
        config.set_max_recursion_depth(50);
        let (mut store, instance) = guest(&Engine::new(&config));
        let deep = func(&store, instance, "deep");
        let start = |store: &mut Store<()>, depth: i32| {
            deep.call_resumable(store, &[Val::I32(depth)], &mut [Val::I32(0)])
        };
        let error = start(&mut store, 50).unwrap_err();
        assert_eq!(error.as_trap_code(), Some(TrapCode::StackOverflow));
        assert!(error.is_deterministic());
        let (paused, _) = waiting(start(&mut store, 49).unwrap());
        // What waits does not count for others.
        let (other, _) = waiting(start(&mut store, 49).unwrap());
        for paused in [paused, other] {
            let mut results = [Val::I32(0)];
            let call = paused.resume(&mut store, &[Val::I32(1)], &mut results);
            assert!(matches!(call, Ok(ResumableCall::Finished)));
            assert_eq!(results[0].i32(), Some(50));
        }
        assert_eq!(call_error(&mut store, instance, 49).as_trap_code(), None);
    });
}

#[test]
fn a_guest_without_fuel_finds_its_memory_where_it_is_when_it_goes_on() {
    in_every_mode(|mode| {
        let mut config = mode.config();
        config.consume_fuel(true);
        let (mut store, instance) = support::instantiate(
            &Engine::new(&config),
            r#"(module
                (memory (export "memory") 1 2000)
                (func (export "grow") (drop (memory.grow (i32.const 600))))
                (func (export "fill") (param $far i32) (local $i i32)
                    (loop $next
                        (i32.store (i32.const 0) (local.get $i))
                        (i32.store (i32.const 65532) (local.get $i))
                        (if (i32.gt_u (local.get $i) (i32.const 900))
                            (then (i32.store (local.get $far) (local.get $i))))
                        (br_if $next (i32.lt_u
                            (local.tee $i (i32.add (local.get $i) (i32.const 1)))
                            (i32.const 1000))))))"#,
        );
        let memory = instance.get_memory(&store, "memory").unwrap();
        let fill = instance.get_typed_func::<i32, ()>(&store, "fill").unwrap();
        store.set_fuel(3000).unwrap();
        let far = 500 * 65536;
        let TypedResumableCall::OutOfFuel(paused) = fill.call_resumable(&mut store, far).unwrap()
        else {
            panic!("it needs more")
        };
        // Where there are no guard pages, it moves, and other memory comes to its place.
        store.set_fuel(1 << 30).unwrap();
        call::<_, (), ()>(&mut store, instance, "grow", ()).unwrap();
        let others: Vec<_> = (0..8)
            .map(|_| wasmelt::Memory::new(&mut store, wasmelt::MemoryType::new(1, None)).unwrap())
            .collect();
        let call = paused.resume(&mut store).unwrap();
        assert!(matches!(call, TypedResumableCall::Finished(())), "{call:?}");
        for at in [0, 65532, 500 * 65536] {
            let mut bytes = [0; 4];
            memory.read(&store, at, &mut bytes).unwrap();
            assert_eq!(u32::from_le_bytes(bytes), 999, "at {at}");
        }
        for other in others {
            assert!(other.data(&store).iter().all(|byte| *byte == 0));
        }
    });
}

#[test]
fn what_stops_a_resumable_call_before_it_starts_is_an_error() {
    let mut config = Config::new();
    config.max_wasm_stack(usize::MAX);
    let (mut store, instance) = guest(&Engine::new(&config));
    let then = func(&store, instance, "then");
    let error = then
        .call_resumable(&mut store, &[Val::I32(0)], &mut [Val::I32(0)])
        .unwrap_err();
    assert!(error.to_string().contains("map a stack"), "{error}");
}

#[test]
fn fuel_of_another_store_is_not_looked_at() {
    let (mut store, run) = metered(Mode::GUARD);
    store.set_fuel(3).unwrap();
    let TypedResumableCall::OutOfFuel(paused) = run.call_resumable(&mut store, 40).unwrap() else {
        panic!("it has too little")
    };
    let (mut other, _) = metered(Mode::GUARD);
    let outcome =
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| paused.resume(&mut other)));
    assert!(outcome.is_err());
}
