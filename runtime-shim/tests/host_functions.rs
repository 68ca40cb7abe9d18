//! What host functions see, and how they end: errors come back typed, panics unwind, and the store
//! works afterwards.
#![allow(clippy::unwrap_used, reason = "test code")]

mod support;

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};
use support::{Mode, call, in_every_mode, module, names};
use wasmelt::{
    CallHook, Caller, Engine, Error, Extern, Func, FuncType, Instance, Linker, Module, Ref,
    RefType, ResourceLimiter, Store, Table, TableType, Val, ValType,
    errors::{HostError, LimiterError},
};

#[derive(Debug, PartialEq)]
struct Refused {
    amount: i32,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "refused {}", self.amount)
    }
}

impl HostError for Refused {}

const CALLS_HOST: &str = r#"(module
    (import "h" "f" (func $f (param i32) (result i32)))
    (global $after (mut i32) (i32.const 0))
    (func $run (export "run") (param i32) (result i32)
        local.get 0 call $f
        i32.const 1 global.set $after)
    (func (export "after") (result i32) global.get $after))"#;

#[test]
fn a_host_error_stops_the_guest_and_comes_back_with_its_type() {
    in_every_mode(|mode| {
        let engine = mode.engine();
        let mut linker = Linker::new(&engine);
        let fail = |amount: i32| -> Result<i32, Error> {
            if amount < 0 {
                return Err(Error::host(Refused { amount }));
            }
            Ok(amount)
        };
        linker.func_wrap("h", "f", fail).unwrap();
        let module = module(&engine, CALLS_HOST);
        let mut store = Store::new(&engine, ());
        let instance = linker.instantiate_and_start(&mut store, &module).unwrap();
        for _ in 0..100 {
            let error = call::<_, i32, i32>(&mut store, instance, "run", -3).unwrap_err();
            assert_eq!(
                error.downcast_ref::<Refused>(),
                Some(&Refused { amount: -3 })
            );
            assert_eq!(names(&error), ["run"]);
            assert!(error.as_trap_code().is_none());
            assert_eq!(error.downcast::<Refused>(), Some(Refused { amount: -3 }));
            assert_eq!(
                call::<_, (), i32>(&mut store, instance, "after", ()).unwrap(),
                0
            );
        }
        assert_eq!(
            call::<_, i32, i32>(&mut store, instance, "run", 3).unwrap(),
            3
        );
        assert_eq!(
            call::<_, (), i32>(&mut store, instance, "after", ()).unwrap(),
            1
        );
    });
}

#[test]
fn an_exit_status_passes_through_the_guest() {
    in_every_mode(|mode| {
        let engine = mode.engine();
        let mut linker = Linker::new(&engine);
        let exit = |status: i32| -> Result<i32, Error> { Err(Error::i32_exit(status)) };
        linker.func_wrap("h", "f", exit).unwrap();
        let mut store = Store::new(&engine, ());
        let module = module(&engine, CALLS_HOST);
        let instance = linker.instantiate_and_start(&mut store, &module).unwrap();
        let error = call::<_, i32, i32>(&mut store, instance, "run", 7).unwrap_err();
        assert_eq!(error.i32_exit_status(), Some(7));
    });
}

/// Counts how often it is dropped.
struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn what_a_failing_host_function_owns_is_dropped() {
    in_every_mode(|mode| {
        let engine = mode.engine();
        let drops = Arc::new(AtomicUsize::new(0));
        let (typed, dynamic) = (drops.clone(), drops.clone());
        let mut linker = Linker::new(&engine);
        linker
            .func_wrap("h", "typed", move || -> Result<(), Error> {
                let _owned = Counted(typed.clone());
                Err(Error::new(String::from("typed")))
            })
            .unwrap();
        linker
            .func_new(
                "h",
                "dynamic",
                FuncType::new([ValType::I64], []),
                move |_, _, _| {
                    let _owned = Counted(dynamic.clone());
                    Err(Error::new(String::from("dynamic")))
                },
            )
            .unwrap();
        let module = module(
            &engine,
            r#"(module (import "h" "typed" (func $typed))
                (import "h" "dynamic" (func $dynamic (param i64)))
                (func (export "typed") call $typed)
                (func (export "dynamic") i64.const 1 call $dynamic))"#,
        );
        let mut store = Store::new(&engine, ());
        let instance = linker.instantiate_and_start(&mut store, &module).unwrap();
        for (count, name) in ["typed", "dynamic"].into_iter().enumerate() {
            let error = call::<_, (), ()>(&mut store, instance, name, ()).unwrap_err();
            assert!(error.to_string().starts_with(name));
            assert_eq!(drops.load(Ordering::Relaxed), count + 1);
        }
        drop((store, linker));
        assert_eq!(Arc::strong_count(&drops), 1, "the closures are gone");
    });
}

#[test]
fn a_host_panic_unwinds_through_the_guest_and_the_store_works_afterwards() {
    in_every_mode(|mode| {
        let engine = mode.engine();
        let drops = Arc::new(AtomicUsize::new(0));
        let counter = drops.clone();
        let mut linker = Linker::new(&engine);
        linker
            .func_wrap("h", "typed", move |x: i64, y: f32| -> f32 {
                let _owned = Counted(counter.clone());
                if x == 0 {
                    panic!("typed panic");
                }
                y
            })
            .unwrap();
        linker
            .func_new(
                "h",
                "dynamic",
                FuncType::new([ValType::I64], []),
                |_, params, _| {
                    assert!(params[0].i64() != Some(0), "dynamic panic");
                    Ok(())
                },
            )
            .unwrap();
        let module = module(
            &engine,
            r#"(module (import "h" "typed" (func $typed (param i64 f32) (result f32)))
                (import "h" "dynamic" (func $dynamic (param i64)))
                (func $inner (param i64) local.get 0 f32.const 2 call $typed drop)
                (func (export "typed") (param i64) local.get 0 call $inner)
                (func (export "dynamic") (param i64) local.get 0 call $dynamic)
                (func (export "trap") unreachable))"#,
        );
        let mut store = Store::new(&engine, ());
        let instance = linker.instantiate_and_start(&mut store, &module).unwrap();
        for round in 1..=10 {
            for name in ["typed", "dynamic"] {
                let run = AssertUnwindSafe(|| call::<_, i64, ()>(&mut store, instance, name, 0));
                let panic = catch_unwind(run).unwrap_err();
                let message = panic.downcast_ref::<&str>().unwrap();
                assert!(message.starts_with(name), "{message}");
                call::<_, i64, ()>(&mut store, instance, name, 1).unwrap();
                call::<_, (), ()>(&mut store, instance, "trap", ()).unwrap_err();
            }
            assert_eq!(drops.load(Ordering::Relaxed), 2 * round);
        }
    });
}

/// Calls itself through the host until the depth is reached, then does `end`.
fn nested(
    engine: &Engine,
    end: impl Fn(Caller<'_, Vec<i32>>) -> Result<i32, Error> + Send + Sync + 'static,
) -> (Store<Vec<i32>>, Instance) {
    let module = module(
        engine,
        r#"(module
            (import "h" "down" (func $down (param i32) (result i32)))
            (memory (export "memory") 1)
            (func $level (export "level") (param i32) (result i32)
                local.get 0 call $down i32.const 1 i32.add))"#,
    );
    let mut linker = Linker::new(engine);
    linker
        .func_wrap(
            "h",
            "down",
            move |mut caller: Caller<'_, Vec<i32>>, depth: i32| {
                caller.data_mut().push(depth);
                if depth == 0 {
                    return end(caller);
                }
                let level = caller
                    .get_export("level")
                    .and_then(Extern::into_func)
                    .unwrap();
                let result = level
                    .typed::<i32, i32>(&caller)?
                    .call(&mut caller, depth - 1);
                caller.data_mut().push(-depth);
                result
            },
        )
        .unwrap();
    let mut store = Store::new(engine, Vec::new());
    let instance = linker.instantiate_and_start(&mut store, &module).unwrap();
    (store, instance)
}

#[test]
fn host_and_guest_nest_four_levels_deep() {
    in_every_mode(|mode| {
        let (mut store, instance) = nested(&mode.engine(), |_| Ok(100));
        assert_eq!(
            call::<_, i32, i32>(&mut store, instance, "level", 4).unwrap(),
            105
        );
        assert_eq!(*store.data(), [4, 3, 2, 1, 0, -1, -2, -3, -4]);
    });
}

#[test]
fn a_host_error_passes_through_four_levels() {
    in_every_mode(|mode| {
        let fail = |_: Caller<'_, Vec<i32>>| Err(Error::host(Refused { amount: 4 }));
        let (mut store, instance) = nested(&mode.engine(), fail);
        let error = call::<_, i32, i32>(&mut store, instance, "level", 4).unwrap_err();
        assert_eq!(names(&error), ["level"; 5]);
        assert_eq!(error.downcast::<Refused>(), Some(Refused { amount: 4 }));
        assert_eq!(*store.data(), [4, 3, 2, 1, 0, -1, -2, -3, -4]);
    });
}

#[test]
fn a_panic_passes_through_four_levels() {
    in_every_mode(|mode| {
        let (mut store, instance) = nested(&mode.engine(), |_| panic!("at the bottom"));
        let run = AssertUnwindSafe(|| call::<_, i32, i32>(&mut store, instance, "level", 4));
        assert!(catch_unwind(run).is_err());
        assert_eq!(*store.data(), [4, 3, 2, 1, 0]);
    });
}

#[test]
fn a_panic_can_be_caught_between_two_levels() {
    in_every_mode(|mode| {
        let engine = mode.engine();
        let inner = module(
            &engine,
            r#"(module (import "h" "panic" (func $panic)) (func (export "run") call $panic))"#,
        );
        let mut linker = Linker::<()>::new(&engine);
        linker
            .func_wrap("h", "panic", || -> () { panic!("caught") })
            .unwrap();
        let inner_linker = linker.clone();
        linker
            .func_wrap("h", "catch", move |mut caller: Caller<'_, ()>| -> i32 {
                let inner = inner_linker
                    .instantiate_and_start(&mut caller, &inner)
                    .unwrap();
                let run = inner.get_typed_func::<(), ()>(&caller, "run").unwrap();
                let result = catch_unwind(AssertUnwindSafe(|| run.call(&mut caller, ())));
                i32::from(result.is_err())
            })
            .unwrap();
        let outer = module(
            &engine,
            r#"(module (import "h" "catch" (func $catch (result i32)))
                (func (export "run") (result i32) call $catch call $catch i32.add)
                (func (export "trap") unreachable))"#,
        );
        let mut store = Store::new(&engine, ());
        let instance = linker.instantiate_and_start(&mut store, &outer).unwrap();
        assert_eq!(
            call::<_, (), i32>(&mut store, instance, "run", ()).unwrap(),
            2
        );
        call::<_, (), ()>(&mut store, instance, "trap", ()).unwrap_err();
    });
}

#[test]
fn the_caller_is_the_instance_that_calls_also_through_a_shared_table() {
    in_every_mode(|mode| {
        let engine = mode.engine();
        let mut store = Store::new(&engine, Vec::<i32>::new());
        let who = |mut caller: Caller<'_, Vec<i32>>| {
            let id = caller
                .get_export("id")
                .and_then(Extern::into_global)
                .unwrap();
            let id = id.get(&caller).i32().unwrap();
            caller.data_mut().push(id);
        };
        let typed = Func::wrap(&mut store, who);
        let dynamic = Func::new(&mut store, FuncType::new([], []), move |caller, _, _| {
            who(caller);
            Ok(())
        });
        let ty = TableType::new(RefType::Func, 2, None);
        let table = Table::new(&mut store, ty, Ref::null(RefType::Func)).unwrap();
        let mut linker = Linker::new(&engine);
        linker.define("h", "typed", typed).unwrap();
        linker.define("h", "dynamic", dynamic).unwrap();
        linker.define("h", "table", table).unwrap();
        // A puts both host functions into the table; B finds them there.
        let a = module(
            &engine,
            r#"(module (import "h" "typed" (func $typed)) (import "h" "dynamic" (func $dynamic))
                (import "h" "table" (table 2 funcref))
                (global (export "id") i32 (i32.const 1))
                (elem (i32.const 0) $typed $dynamic)
                (func (export "run") call $typed call $dynamic))"#,
        );
        let b = module(
            &engine,
            r#"(module (import "h" "table" (table 2 funcref)) (import "a" "run" (func $run))
                (global (export "id") i32 (i32.const 2))
                (func (export "run")
                    i32.const 0 call_indirect i32.const 1 call_indirect
                    call $run
                    i32.const 0 call_indirect i32.const 1 call_indirect))"#,
        );
        let a = linker.instantiate_and_start(&mut store, &a).unwrap();
        linker.instance(&mut store, "a", a).unwrap();
        let b = linker.instantiate_and_start(&mut store, &b).unwrap();
        call::<_, (), ()>(&mut store, b, "run", ()).unwrap();
        assert_eq!(*store.data(), [2, 2, 1, 1, 2, 2]);
    });
}

#[test]
fn a_host_function_can_instantiate_into_the_store_that_runs() {
    in_every_mode(|mode| {
        let engine = mode.engine();
        let added: Module = module(
            &engine,
            r#"(module (memory 1) (func $f (export "f") (result i32) i32.const 65536 i32.load)
                (func $deep (export "deep") call $deep))"#,
        );
        let mut linker = Linker::<()>::new(&engine);
        linker
            .func_wrap("h", "f", move |mut caller: Caller<'_, ()>| {
                // Enough to move the store's lists.
                let instances: Vec<Instance> = (0..20)
                    .map(|_| Instance::new(&mut caller, &added, &[]).unwrap())
                    .collect();
                for instance in instances {
                    let f = instance.get_typed_func::<(), i32>(&caller, "f").unwrap();
                    let error = f.call(&mut caller, ()).unwrap_err();
                    assert_eq!(
                        error.as_trap_code(),
                        Some(wasmelt::TrapCode::MemoryOutOfBounds)
                    );
                    let deep = instance.get_typed_func::<(), ()>(&caller, "deep").unwrap();
                    let error = deep.call(&mut caller, ()).unwrap_err();
                    assert_eq!(error.as_trap_code(), Some(wasmelt::TrapCode::StackOverflow));
                }
            })
            .unwrap();
        let module = module(
            &engine,
            r#"(module (import "h" "f" (func $f)) (memory 1) (data (i32.const 5) "\07")
                (func (export "run") (result i32) call $f i32.const 5 i32.load8_u))"#,
        );
        let mut store = Store::new(&engine, ());
        let instance = linker.instantiate_and_start(&mut store, &module).unwrap();
        assert_eq!(
            call::<_, (), i32>(&mut store, instance, "run", ()).unwrap(),
            7
        );
    });
}

#[test]
fn a_host_function_can_run_another_store() {
    in_every_mode(|mode| {
        let engine = mode.engine();
        let inner = module(
            &engine,
            r#"(module (memory 1) (func $deep (export "deep") call $deep)
                (func (export "load") (param i32) (result i32) local.get 0 i32.load))"#,
        );
        let mut linker = Linker::<()>::new(&engine);
        let other_engine = engine.clone();
        linker
            .func_wrap("h", "f", move || -> i32 {
                let mut store = Store::new(&other_engine, ());
                let instance = Instance::new(&mut store, &inner, &[]).unwrap();
                call::<_, i32, i32>(&mut store, instance, "load", 65536).unwrap_err();
                call::<_, (), ()>(&mut store, instance, "deep", ()).unwrap_err();
                call::<_, i32, i32>(&mut store, instance, "load", 0).unwrap()
            })
            .unwrap();
        let outer = module(
            &engine,
            r#"(module (import "h" "f" (func $f (result i32))) (memory 1)
                (func (export "run") (result i32) call $f drop i32.const 65536 i32.load))"#,
        );
        let mut store = Store::new(&engine, ());
        let instance = linker.instantiate_and_start(&mut store, &outer).unwrap();
        let error = call::<_, (), i32>(&mut store, instance, "run", ()).unwrap_err();
        assert_eq!(
            error.as_trap_code(),
            Some(wasmelt::TrapCode::MemoryOutOfBounds)
        );
    });
}

#[test]
fn call_hooks_see_every_passage_and_can_end_the_call() {
    in_every_mode(|mode| {
        let engine = mode.engine();
        let mut linker = Linker::new(&engine);
        linker.func_wrap("h", "f", |x: i32| x).unwrap();
        let module = module(&engine, CALLS_HOST);
        let mut store = Store::new(&engine, Vec::new());
        store.call_hook(|seen: &mut Vec<CallHook>, hook| {
            seen.push(hook);
            if seen.len() > 4 && hook == CallHook::CallingHost {
                return Err(Error::new("enough"));
            }
            Ok(())
        });
        let instance = linker.instantiate_and_start(&mut store, &module).unwrap();
        assert_eq!(
            call::<_, i32, i32>(&mut store, instance, "run", 1).unwrap(),
            1
        );
        assert_eq!(
            *store.data(),
            [
                CallHook::CallingWasm,
                CallHook::CallingHost,
                CallHook::ReturningFromHost,
                CallHook::ReturningFromWasm,
            ]
        );
        let error = call::<_, i32, i32>(&mut store, instance, "run", 1).unwrap_err();
        assert!(error.to_string().starts_with("enough"));
        assert_eq!(store.data().last(), Some(&CallHook::ReturningFromWasm));
    });
}

#[test]
fn a_re_exported_host_function_is_called_by_the_host_without_a_caller() {
    let engine = Mode::GUARD.engine();
    let mut linker = Linker::new(&engine);
    linker
        .func_wrap("h", "f", |caller: Caller<'_, ()>, x: i32| -> i32 {
            assert!(caller.get_export("f").is_none());
            x + 1
        })
        .unwrap();
    let module = module(
        &engine,
        r#"(module (import "h" "f" (func $f (param i32) (result i32))) (export "f" (func $f)))"#,
    );
    let mut store = Store::new(&engine, ());
    let instance = linker.instantiate_and_start(&mut store, &module).unwrap();
    assert_eq!(
        call::<_, i32, i32>(&mut store, instance, "f", 1).unwrap(),
        2
    );
    let mut outputs = [Val::I32(0)];
    let f = instance.get_func(&store, "f").unwrap();
    f.call(&mut store, &[Val::I32(5)], &mut outputs).unwrap();
    assert_eq!(outputs[0].i32(), Some(6));
}

#[test]
fn a_function_of_a_module_can_be_imported_by_another_and_called_directly() {
    in_every_mode(|mode| {
        let engine = mode.engine();
        let mut linker = Linker::<()>::new(&engine);
        let mut store = Store::new(&engine, ());
        let counter = module(
            &engine,
            r#"(module (global $count (mut i32) (i32.const 0))
                (func (export "next") (param f64 i64) (result i32)
                    global.get $count i32.const 1 i32.add global.set $count global.get $count))"#,
        );
        let counter = linker.instantiate_and_start(&mut store, &counter).unwrap();
        linker.instance(&mut store, "counter", counter).unwrap();
        let user = module(
            &engine,
            r#"(module (import "counter" "next" (func $next (param f64 i64) (result i32)))
                (func (export "run") (result i32)
                    f64.const 1 i64.const 2 call $next drop f64.const 1 i64.const 2 call $next))"#,
        );
        let user = linker.instantiate_and_start(&mut store, &user).unwrap();
        assert_eq!(call::<_, (), i32>(&mut store, user, "run", ()).unwrap(), 2);
        assert_eq!(
            call::<_, _, i32>(&mut store, counter, "next", (0.0, 0i64)).unwrap(),
            3
        );
    });
}

/// Panics when a memory grows beyond its first page.
struct PanickingLimiter;

impl ResourceLimiter for PanickingLimiter {
    fn memory_growing(
        &mut self,
        current: usize,
        _desired: usize,
        _maximum: Option<usize>,
    ) -> Result<bool, LimiterError> {
        assert!(current == 0, "the limiter panics");
        Ok(true)
    }

    fn table_growing(
        &mut self,
        _current: usize,
        _desired: usize,
        _maximum: Option<usize>,
    ) -> Result<bool, LimiterError> {
        Ok(true)
    }

    fn instances(&self) -> usize {
        1
    }

    fn tables(&self) -> usize {
        1
    }

    fn memories(&self) -> usize {
        1
    }
}

#[test]
fn a_panic_of_the_limiter_unwinds_through_the_guest_that_grows() {
    in_every_mode(|mode| {
        let engine = mode.engine();
        let mut store = Store::new(&engine, PanickingLimiter);
        store.limiter(|limiter| limiter);
        let module = module(
            &engine,
            r#"(module (memory 1) (func $grow (result i32) i32.const 1 memory.grow)
                (func (export "run") (result i32) call $grow)
                (func (export "size") (result i32) memory.size)
                (func (export "trap") unreachable))"#,
        );
        let instance = Instance::new(&mut store, &module, &[]).unwrap();
        for _ in 0..3 {
            let run = AssertUnwindSafe(|| call::<_, (), i32>(&mut store, instance, "run", ()));
            let panic = catch_unwind(run).unwrap_err();
            assert_eq!(panic.downcast_ref::<&str>(), Some(&"the limiter panics"));
            assert_eq!(
                call::<_, (), i32>(&mut store, instance, "size", ()).unwrap(),
                1
            );
            call::<_, (), ()>(&mut store, instance, "trap", ()).unwrap_err();
        }
    });
}

#[test]
fn a_panic_of_a_call_hook_unwinds_too() {
    in_every_mode(|mode| {
        let engine = mode.engine();
        let mut linker = Linker::new(&engine);
        linker.func_wrap("h", "f", |x: i32| x).unwrap();
        let module = module(&engine, CALLS_HOST);
        let mut store = Store::new(&engine, 0);
        store.call_hook(|calls: &mut i32, hook| {
            if hook == CallHook::ReturningFromHost {
                *calls += 1;
                assert!(*calls != 2, "the hook panics");
            }
            Ok(())
        });
        let instance = linker.instantiate_and_start(&mut store, &module).unwrap();
        assert_eq!(
            call::<_, i32, i32>(&mut store, instance, "run", 1).unwrap(),
            1
        );
        let run = AssertUnwindSafe(|| call::<_, i32, i32>(&mut store, instance, "run", 1));
        assert!(catch_unwind(run).is_err());
        assert_eq!(
            call::<_, i32, i32>(&mut store, instance, "run", 1).unwrap(),
            1
        );
    });
}
