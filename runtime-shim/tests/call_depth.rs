//! The limit on active calls: exact in every mode, through every kind of call, and back after every end.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

mod support;

use support::Mode;
use wasmelt::{
    Caller, Config, Engine, Error, Extern, Instance, Linker, Module, Store, TrapCode,
    errors::{ArtifactError, ErrorKind},
};

/// Engines with that limit, metered and not: every memory strategy and effort, of which one inlines.
fn engines(depth: usize) -> Vec<Engine> {
    let mut engines = Vec::new();
    for mode in Mode::all() {
        for fuel in [false, true] {
            let mut config = mode.config();
            config.consume_fuel(fuel).set_max_recursion_depth(depth);
            engines.push(Engine::new(&config));
        }
    }
    engines
}

/// Each export calls itself, in its way, as often as its argument says; so it is active once more.
const RECURSION: &str = r#"(module
  (import "host" "call" (func $host (param i32)))
  (type $down (func (param i32)))
  (table (export "table") 3 funcref)
  (elem (i32.const 0) $indirect $direct $mutual)
  (global $entered (export "entered") (mut i32) (i32.const 0))
  (func $enter (global.set $entered (i32.add (global.get $entered) (i32.const 1))))
  (func $direct (export "direct") (param i32)
    (global.set $entered (i32.add (global.get $entered) (i32.const 1)))
    (if (local.get 0) (then (call $direct (i32.sub (local.get 0) (i32.const 1))))))
  (func $mutual (export "mutual") (param i32)
    (global.set $entered (i32.add (global.get $entered) (i32.const 1)))
    (if (local.get 0) (then (call $mutual2 (i32.sub (local.get 0) (i32.const 1))))))
  (func $mutual2 (param i32)
    (global.set $entered (i32.add (global.get $entered) (i32.const 1)))
    (block (br_if 0 (i32.eqz (local.get 0)))
      (call $mutual (i32.sub (local.get 0) (i32.const 1)))))
  (func $indirect (export "indirect") (param i32)
    (global.set $entered (i32.add (global.get $entered) (i32.const 1)))
    (if (local.get 0)
      (then (call_indirect (type $down) (i32.sub (local.get 0) (i32.const 1)) (i32.const 0)))))
  (func (export "host") (param i32)
    (global.set $entered (i32.add (global.get $entered) (i32.const 1)))
    (if (local.get 0) (then (call $host (i32.sub (local.get 0) (i32.const 1))))))
  ;; As deep again in a second call, after the first one has returned; and short functions, which are inlined.
  (func $twice (export "twice") (param i32)
    (global.set $entered (i32.add (global.get $entered) (i32.const 1)))
    (if (local.get 0) (then
      (call $leaf)
      (call $twice (i32.sub (local.get 0) (i32.const 1)))
      (call $leaf)
      (if (i32.lt_u (local.get 0) (i32.const 3))
        (then (call $twice (i32.sub (local.get 0) (i32.const 1))))))))
  (func $leaf)
  ;; A chain of three, inlined into one another, in a loop that calls nothing else.
  (func (export "chain") (param i32) (loop (call $one) (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))
  (func $one (call $enter) (call $two))
  (func $two (call $enter) (call $three))
  (func $three (call $enter)))"#;

struct Guest {
    store: Store<()>,
    instance: Instance,
}

impl Guest {
    fn new(engine: &Engine) -> Self {
        let mut store = Store::new(engine, ());
        // Where it is metered.
        let _ = store.set_fuel(u64::MAX);
        let mut linker = Linker::new(engine);
        linker
            .func_wrap("host", "call", |mut caller: Caller<'_, ()>, depth: i32| {
                let f = caller.get_export("host").and_then(Extern::into_func);
                let f = f.expect("exported");
                let input = [wasmelt::Val::I32(depth)];
                // A call before, which traps, and one that returns: neither counts afterwards.
                let trap = [wasmelt::Val::I32(1 << 20)];
                if depth == 1 {
                    let error = f.call(&mut caller, &trap, &mut []).expect_err("too deep");
                    assert_eq!(error.as_trap_code(), Some(TrapCode::StackOverflow));
                    f.call(&mut caller, &[wasmelt::Val::I32(0)], &mut [])?;
                }
                f.call(&mut caller, &input, &mut [])
            })
            .expect("one of a name");
        let module = Module::new(engine, RECURSION).expect("valid");
        let instance = linker.instantiate_and_start(&mut store, &module);
        Self {
            instance: instance.expect("it has all imports"),
            store,
        }
    }

    fn call(&mut self, name: &str, argument: i32) -> Result<(), Error> {
        let f = self.instance.get_typed_func::<i32, ()>(&self.store, name);
        f.expect("exported").call(&mut self.store, argument)
    }

    fn entered(&mut self) -> i32 {
        let global = self.instance.get_global(&self.store, "entered");
        let global = global.expect("exported");
        let entered = global.get(&self.store).i32().expect("an integer");
        global
            .set(&mut self.store, wasmelt::Val::I32(0))
            .expect("mutable");
        entered
    }
}

fn assert_too_deep(result: Result<(), Error>, context: &str) {
    let error = result.expect_err(context);
    assert_eq!(
        error.as_trap_code(),
        Some(TrapCode::StackOverflow),
        "{context}"
    );
    assert!(error.is_deterministic(), "{context}: {error}");
    let message = "call stack exhausted: too many active calls";
    assert!(error.to_string().starts_with(message), "{error}");
}

#[test]
fn so_many_calls_may_be_active_and_not_one_more() {
    for limit in [1_i32, 2, 3, 4, 5, 10, 37] {
        for engine in engines(limit.unsigned_abs() as usize) {
            let mut guest = Guest::new(&engine);
            for name in ["direct", "mutual", "indirect"] {
                // Twice, since nothing is left of a trap.
                for _ in 0..2 {
                    guest.call(name, limit - 1).expect(name);
                    assert_eq!(guest.entered(), limit, "{name}");
                    assert_too_deep(guest.call(name, limit), name);
                    assert_eq!(guest.entered(), limit, "{name}");
                    assert_too_deep(guest.call(name, i32::MAX), name);
                    assert_eq!(guest.entered(), limit, "{name}");
                }
            }
        }
    }
}

#[test]
fn calls_that_have_returned_do_not_count() {
    for limit in 2_i32..8 {
        for engine in engines(limit.unsigned_abs() as usize) {
            let mut guest = Guest::new(&engine);
            guest.call("twice", limit - 1).expect("not too deep");
            guest.entered();
            assert_too_deep(guest.call("twice", limit), "twice");
        }
    }
}

#[test]
fn inlined_calls_count() {
    for (limit, entered) in [(1, 0), (2, 0), (3, 1), (4, 2), (5, 3)] {
        for engine in engines(limit) {
            let mut guest = Guest::new(&engine);
            // chain, one, enter: three; chain, one, two, enter: four.
            let result = guest.call("chain", 1);
            if limit < 5 {
                assert_too_deep(result, "chain");
            } else {
                result.expect("deep enough");
            }
            assert_eq!(guest.entered(), entered, "{limit}");
        }
    }
}

#[test]
fn entries_by_the_host_go_on_counting() {
    for engine in engines(6) {
        let mut guest = Guest::new(&engine);
        guest.call("host", 5).expect("six are active");
        guest.entered();
        assert_too_deep(guest.call("host", 6), "host");
        // The host's function at depth 1 makes a call that traps as deep as may be, and one that returns.
        guest.call("host", 5).expect("nothing is left of either");
    }
}

#[test]
fn a_limit_of_nothing_lets_nothing_run() {
    for engine in engines(0) {
        let mut guest = Guest::new(&engine);
        assert_too_deep(guest.call("direct", 0), "direct");
        assert_eq!(guest.entered(), 0);
        let start = "(module (func $f) (start $f))";
        let module = Module::new(&engine, start).expect("valid");
        let mut store = Store::new(&engine, ());
        let _ = store.set_fuel(u64::MAX);
        let error = Instance::new(&mut store, &module, &[]).expect_err("start is a call");
        assert_eq!(error.as_trap_code(), Some(TrapCode::StackOverflow));
    }
}

#[test]
fn the_largest_limit_is_none() {
    for limit in [usize::MAX, usize::MAX - 1, 1 << 63] {
        for engine in engines(limit) {
            let mut guest = Guest::new(&engine);
            guest.call("direct", 100).expect("no limit");
            let error = guest
                .call("direct", i32::MAX)
                .expect_err("the stack is one");
            assert_eq!(error.as_trap_code(), Some(TrapCode::StackOverflow));
            assert!(!error.is_deterministic());
        }
    }
}

#[test]
fn instances_of_a_store_count_together() {
    for engine in engines(9) {
        let mut store = Store::new(&engine, ());
        let _ = store.set_fuel(u64::MAX);
        let main = r#"(module (table (export "table") 2 funcref) (type $down (func (param i32)))
            (elem (i32.const 0) $down)
            (func $down (export "down") (param i32) (if (local.get 0) (then
                (call_indirect (type $down) (i32.sub (local.get 0) (i32.const 1)) (i32.const 1))))))"#;
        let other = r#"(module (import "main" "table" (table 2 funcref))
            (import "main" "down" (func $main (param i32)))
            (elem (i32.const 1) $back)
            (func $back (param i32) (if (local.get 0) (then
                (call $main (i32.sub (local.get 0) (i32.const 1)))))))"#;
        let mut linker = Linker::new(&engine);
        let main = Module::new(&engine, main).expect("valid");
        let main = linker
            .instantiate_and_start(&mut store, &main)
            .expect("no imports");
        linker
            .instance(&mut store, "main", main)
            .expect("new names");
        let other = Module::new(&engine, other).expect("valid");
        linker
            .instantiate_and_start(&mut store, &other)
            .expect("linked");
        let f = main
            .get_typed_func::<i32, ()>(&store, "down")
            .expect("exported");
        f.call(&mut store, 8).expect("nine are active");
        assert_too_deep(f.call(&mut store, 9), "down");
        f.call(&mut store, 8).expect("nothing is left of the trap");
    }
}

#[test]
fn a_trap_is_at_the_function_that_was_too_much_in_every_mode() {
    for engine in engines(4) {
        let mut guest = Guest::new(&engine);
        let error = guest.call("chain", 1).expect_err("too deep");
        let frames = error.backtrace().expect("a trap").frames();
        let names: Vec<_> = frames
            .iter()
            .map(|frame| frame.func_name().unwrap_or("?"))
            .collect();
        assert_eq!(names, ["enter", "three", "two", "one", "chain"]);
    }
}

#[test]
fn code_that_does_not_count_is_refused_where_there_is_a_limit() {
    let plain = Engine::default();
    let mut config = Config::new();
    let limited = Engine::new(config.set_max_recursion_depth(1000));
    let wat = r#"(module (func (export "f")))"#;
    let module = Module::new(&plain, wat).expect("valid");
    let error = Instance::new(&mut Store::new(&limited, ()), &module, &[]).expect_err("uncounted");
    assert!(matches!(
        error.kind(),
        ErrorKind::Artifact(ArtifactError::NoCallDepth { .. })
    ));
    // The other way round nothing is in the way, and nothing is limited.
    let module = Module::new(&limited, RECURSION).expect("valid");
    let mut linker = Linker::new(&plain);
    linker.func_wrap("host", "call", |_: i32| {}).expect("new");
    let mut store = Store::new(&plain, ());
    let instance = linker
        .instantiate_and_start(&mut store, &module)
        .expect("it has all");
    let f = instance
        .get_typed_func::<i32, ()>(&store, "direct")
        .expect("exported");
    f.call(&mut store, 2000).expect("no limit");
    let error = f
        .call(&mut store, i32::MAX)
        .expect_err("the stack is a limit");
    assert_eq!(error.as_trap_code(), Some(TrapCode::StackOverflow));
    assert!(!error.is_deterministic());
    // The limit is not part of the code.
    assert_eq!(
        Module::compile(&limited, wat).expect("valid"),
        Module::compile(&Engine::new(config.set_max_recursion_depth(5)), wat).expect("valid")
    );
}
