//! Fuel: what is charged, where it ends, and what the host sees and sets of it.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

mod support;

use support::Mode;
use wasmelt::{Caller, Config, Engine, Error, Instance, Linker, Module, Store, TrapCode};

/// Engines that must all charge the same.
fn engines() -> Vec<Engine> {
    let configs = Mode::all().into_iter().map(Mode::config);
    configs
        .map(|mut config| Engine::new(config.consume_fuel(true)))
        .collect()
}

struct Guest {
    store: Store<Vec<u64>>,
    instance: Instance,
}

impl Guest {
    fn new(engine: &Engine, wat: &str) -> Self {
        let module = Module::new(engine, wat).expect("a valid module");
        let mut store = Store::new(engine, Vec::new());
        let mut linker = Linker::new(engine);
        linker
            .func_wrap("host", "look", |mut caller: Caller<'_, Vec<u64>>| {
                let fuel = caller.get_fuel().expect("metered");
                caller.data_mut().push(fuel);
            })
            .expect("one of a name");
        linker
            .func_wrap(
                "host",
                "set",
                |mut caller: Caller<'_, Vec<u64>>, fuel: u64| caller.set_fuel(fuel),
            )
            .expect("one of a name");
        linker
            .func_wrap("host", "fail", || Err::<(), _>(Error::i32_exit(7)))
            .expect("one of a name");
        linker
            .func_wrap("host", "again", |mut caller: Caller<'_, Vec<u64>>| {
                let f = caller
                    .get_export("nested")
                    .and_then(wasmelt::Extern::into_func);
                f.expect("exported").call(&mut caller, &[], &mut [])
            })
            .expect("one of a name");
        let instance = linker
            .instantiate_and_start(&mut store, &module)
            .expect("it has all imports");
        Self { store, instance }
    }

    /// Calls `f` with so much fuel: the error's code, and how much is gone.
    fn call(&mut self, name: &str, argument: i32, fuel: u64) -> (Option<TrapCode>, u64) {
        self.store.set_fuel(fuel).expect("metered");
        let f = self
            .instance
            .get_typed_func::<i32, ()>(&self.store, name)
            .expect("exported");
        let result = f.call(&mut self.store, argument);
        let left = self.store.get_fuel().expect("metered");
        let code = result.err().map(|error| error.as_trap_code());
        (
            code.map(|code| code.unwrap_or(TrapCode::UnreachableCodeReached)),
            fuel - left,
        )
    }
}

const PARTS: &str = r#"
(module
  (import "host" "look" (func $look))
  (import "host" "set" (func $set (param i64)))
  (import "host" "fail" (func $fail))
  (import "host" "again" (func $again))
  (memory 1)
  (func $straight (export "straight") (param i32)
    local.get 0 drop nop)                      ;; 1
  (func (export "loop") (param i32)
    (loop                                      ;; 0
      local.get 0 i32.const 1 i32.sub local.tee 0 br_if 0)) ;; 5 a round
  (func (export "branches") (param i32)
    (if (local.get 0)                          ;; 2
      (then (drop (i32.add (i32.const 1) (i32.const 2))))   ;; 3
      (else (drop (i32.const 1)))))            ;; 1
  (func $callee (param i32)
    (loop (drop (i32.load (local.get 0))))     ;; 2
    nop)
  (func (export "calls") (param i32)
    (call $callee (local.get 0))               ;; 2 + 2
    (call $callee (local.get 0)))              ;; 2 + 2
  (func (export "trap") (param i32)
    (block
      (br_if 0 (local.get 0))                  ;; 2
      (drop (i32.const 1)) (drop (i32.const 1)))            ;; 2
    (i32.store (i32.const -1) (i32.const 0))   ;; 3, traps
    (drop (i32.const 1)))                      ;; 1, charged with the segment
  ;; The load may become part of an addition that the optimiser makes anew.
  (func (export "merged") (param i32)
    (i32.store (i32.const 0) (i32.add (i32.const 5) (i32.load (local.get 0)))))   ;; 6
  ;; The load may become part of an addition that is moved out of the loop.
  (func (export "hoisted") (param i32) (local i32 i32 i32)
    (local.set 1 (i32.load (local.get 0)))     ;; 3
    (local.set 3 (i32.const 10))               ;; 2
    (loop
      (local.set 2 (i32.add (local.get 2) (i32.add (local.get 1) (local.get 0))))
      (br_if 0 (local.tee 3 (i32.sub (local.get 3) (i32.const 1)))))
    (i32.store (i32.const 0) (local.get 2)))
  ;; The second store may make the first one dead.
  (func (export "stores") (param i32)
    (i32.store (local.get 0) (i32.const 1))    ;; 3
    (if (local.get 0) (then))                  ;; 2
    (i32.store (local.get 0) (i32.const 2)))   ;; 3
  ;; The same, and what lies between is not on the way from the one to the other.
  (func (export "stores apart") (param i32) (local i32)
    (block
      (if (i32.eqz (local.get 1))              ;; 3
        (then (i32.store (local.get 0) (i32.const 1)))      ;; 3
        (else (br 1)))
      (i32.store (local.get 0) (i32.const 2))))             ;; 3
  ;; The load behind the call is part of the addition.
  (func (export "second load") (param i32)
    (drop (i32.load (i32.const 0)))            ;; 2
    (i32.store (i32.const 0)                   ;; 1
      (i32.add (i32.add (i32.load (i32.const 4)) ;; 2
          (block (result i32) (call $straight (i32.const 0)) ;; 2 + 1
            (i32.load (local.get 0))))         ;; 2
        (i32.const 1))))                       ;; 2 + 1 + 1
  (func (export "divide") (param i32)
    (drop (i32.div_u (i32.const 1) (local.get 0))))         ;; 3
  (func (export "look") (param i32)
    call $look                                 ;; 1
    (drop (i32.const 1))                       ;; 1
    call $look)                                ;; 1
  (func (export "set") (param i32)
    (call $set (i64.extend_i32_u (local.get 0)))            ;; 3
    (drop (i32.const 1)))                      ;; 1
  (func (export "fail") (param i32)
    (drop (i32.const 1)) call $fail (drop (i32.const 1)))   ;; 2, then 1
  (func (export "again") (param i32)
    call $again                                ;; 1
    call $look)                                ;; 1
  (func (export "nested")
    call $look (drop (i32.const 1)) (drop (i32.const 1)))   ;; 1 + 2
  (func (export "unreachable") (param i32)
    (drop (i32.const 1)) unreachable)          ;; 1
  (func $deep (export "deep") (param i32)
    (if (local.get 0) (then (call $deep (i32.sub (local.get 0) (i32.const 1)))))) ;; 2 + 4
  (func (export "table") (param i32) (local i32)
    (loop
      (block (block (block
        (br_table 0 1 2 4 (local.get 0)))      ;; 2
        (local.set 1 (i32.const 1)))           ;; 2 in case 0
        (drop (i32.const 1)) (drop (i32.const 1)))          ;; 2 in cases 0 and 1
      (local.set 0 (i32.add (local.get 0) (i32.const 1)))   ;; 8 in cases 0 to 2
      (br_if 0 (i32.lt_u (local.get 0) (i32.const 3)))))
)"#;

#[test]
fn every_engine_charges_what_the_schedule_says() {
    use TrapCode as T;
    for engine in engines() {
        let mut guest = Guest::new(&engine, PARTS);
        for (name, argument, expected) in [
            ("straight", 0, (None, 1)),
            ("loop", 1, (None, 5)),
            ("loop", 10, (None, 50)),
            ("branches", 1, (None, 5)),
            ("branches", 0, (None, 3)),
            ("calls", 0, (None, 8)),
            ("calls", -1, (Some(T::MemoryOutOfBounds), 4)),
            ("trap", 1, (Some(T::MemoryOutOfBounds), 6)),
            ("trap", 0, (Some(T::MemoryOutOfBounds), 8)),
            ("merged", -1, (Some(T::MemoryOutOfBounds), 6)),
            ("hoisted", -1, (Some(T::MemoryOutOfBounds), 5)),
            ("stores", -1, (Some(T::MemoryOutOfBounds), 5)),
            ("stores apart", -1, (Some(T::MemoryOutOfBounds), 6)),
            ("second load", -1, (Some(T::MemoryOutOfBounds), 10)),
            ("divide", 1, (None, 3)),
            ("divide", 0, (Some(T::IntegerDivisionByZero), 3)),
            ("look", 0, (None, 3)),
            ("fail", 0, (Some(T::UnreachableCodeReached), 2)),
            ("unreachable", 0, (Some(T::UnreachableCodeReached), 1)),
            ("deep", 0, (None, 2)),
            ("deep", 7, (None, 44)),
        ] {
            assert_eq!(
                guest.call(name, argument, 1000),
                expected,
                "{name} {argument}"
            );
        }
    }
}

#[test]
fn the_host_sees_and_sets_the_fuel_of_a_running_guest() {
    for engine in engines() {
        let mut guest = Guest::new(&engine, PARTS);
        guest.call("look", 0, 1000);
        assert_eq!(guest.store.data()[..], [999, 997]);
        guest.store.data_mut().clear();

        // Whatever was left before does not matter.
        guest.store.set_fuel(5).expect("metered");
        let f = guest
            .instance
            .get_typed_func::<i32, ()>(&guest.store, "set");
        let f = f.expect("exported");
        f.call(&mut guest.store, 500).expect("enough");
        assert_eq!(guest.store.get_fuel().expect("metered"), 499);

        // An entry within a host function spends the fuel of the guest that waits for it.
        assert_eq!(guest.call("again", 0, 1000), (None, 5));
        assert_eq!(guest.store.data()[..], [998, 995]);
    }
}

#[test]
fn a_call_ends_where_more_is_charged_than_there_was() {
    for engine in engines() {
        let mut guest = Guest::new(&engine, PARTS);
        let out = Some(TrapCode::OutOfFuel);
        assert_eq!(guest.call("straight", 0, 1), (None, 1));
        assert_eq!(guest.call("straight", 0, 0), (out, 0));
        // 10 rounds are 50; each is paid when it begins.
        assert_eq!(guest.call("loop", 10, 50), (None, 50));
        assert_eq!(guest.call("loop", 10, 49), (out, 49));
        assert_eq!(guest.call("deep", 7, 44), (None, 44));
        assert_eq!(guest.call("deep", 7, 43), (out, 43));
        // The host is not called with fuel that is not there.
        assert_eq!(guest.call("look", 0, 2), (out, 2));
        assert_eq!(guest.store.data()[..], [1]);
        let error = {
            guest.store.set_fuel(20).expect("metered");
            let f = guest
                .instance
                .get_typed_func::<i32, ()>(&guest.store, "loop");
            f.expect("exported")
                .call(&mut guest.store, 100)
                .expect_err("not enough")
        };
        assert_eq!(
            error.backtrace().expect("a trap").frames()[0].func_name(),
            Some("loop")
        );
    }
}

#[test]
fn all_64_bits_of_fuel_count() {
    for engine in engines() {
        let mut guest = Guest::new(&engine, PARTS);
        for fuel in [u64::MAX, u64::MAX / 2 + 2, 1 << 62, (1 << 62) + 10] {
            assert_eq!(guest.call("loop", 100, fuel), (None, 500), "{fuel}");
            assert_eq!(guest.call("again", 0, fuel), (None, 5), "{fuel}");
        }
    }
}

/// What a check may be left to must come soon: a body of arithmetic that calls itself is stopped where its
/// fuel ends, and not where its stack does.
#[test]
fn recursion_does_not_go_on_without_checks() {
    let arithmetic = "(local.set 0 (i32.mul (local.get 0) (i32.const 3)))".repeat(30);
    let wat = format!(
        r#"(module
            (func $long (export "long") (param i32) {arithmetic} (call $long (local.get 0)))
            (func $loop (export "loop") (param i32) {arithmetic} (loop (call $loop (local.get 0))))
            (func $short (export "short") (param i32) (call $short (local.get 0))))"#
    );
    for engine in engines() {
        let mut guest = Guest::new(&engine, &wat);
        for name in ["long", "loop"] {
            let (code, used) = guest.call(name, 1, 10_000);
            assert_eq!((code, used), (Some(TrapCode::OutOfFuel), 10_000), "{name}");
        }
        // Nothing but calls: the stack ends first.
        let (code, _) = guest.call("short", 1, 1000);
        assert_eq!(code, Some(TrapCode::StackOverflow));
        // What was overdrawn is in the reserve.
        let (code, used) = guest.call("short", 1, u64::MAX);
        assert_eq!(code, Some(TrapCode::StackOverflow));
        let left = guest.store.get_fuel().expect("metered");
        assert_eq!(left, u64::MAX - used);
        let f = guest
            .instance
            .get_typed_func::<i32, ()>(&guest.store, "long");
        guest.store.set_fuel(left).expect("metered");
        let error = f.expect("exported").call(&mut guest.store, 1);
        let code = error.expect_err("it never ends").as_trap_code();
        assert_eq!(code, Some(TrapCode::StackOverflow));
    }
}

/// A jump table of which each target has another amount pending.
#[test]
fn the_edges_of_a_jump_table_adapt() {
    for engine in engines() {
        let mut guest = Guest::new(&engine, PARTS);
        for (argument, expected) in [(3, 2), (2, 10), (1, 12 + 10), (0, 14 + 12 + 10)] {
            assert_eq!(
                guest.call("table", argument, 1000),
                (None, expected),
                "{argument}"
            );
        }
    }
}

#[test]
fn an_engine_without_metering_has_no_fuel() {
    let mut store = Store::new(&Engine::default(), ());
    assert!(store.get_fuel().is_err());
    assert!(store.set_fuel(1).is_err());
}

#[test]
fn metered_and_other_code_do_not_mix() {
    let wat = r#"(module (func (export "f")))"#;
    let mut config = Config::new();
    let plain = Engine::new(&config);
    let metered = Engine::new(config.consume_fuel(true));
    for (compile, run) in [(&plain, &metered), (&metered, &plain)] {
        let module = Module::new(compile, wat).expect("valid");
        let mut store = Store::new(run, ());
        let error = Instance::new(&mut store, &module, &[]).expect_err("another engine's");
        assert!(error.to_string().contains("consume_fuel"), "{error}");
    }
}

#[test]
fn a_host_function_that_the_host_calls_sees_and_sets_fuel() {
    for engine in engines() {
        let wat = r#"(module
            (import "host" "same" (func $same))
            (export "same" (func $same))
            (func (export "work") (param i32) (call $same))
            (func (export "start") (drop (i32.const 1))))"#;
        let module = Module::new(&engine, wat).expect("valid");
        let mut store = Store::new(&engine, ());
        store.set_fuel(u64::MAX).expect("metered");
        let mut linker = Linker::new(&engine);
        linker
            .func_wrap("host", "same", |mut caller: Caller<'_, ()>| {
                let fuel = caller.get_fuel()?;
                caller.set_fuel(fuel)
            })
            .expect("one of a name");
        let instance = linker
            .instantiate_and_start(&mut store, &module)
            .expect("it has all imports");
        let mut used = 0;
        for (name, cost) in [
            ("start", 1),
            ("same", 0),
            ("start", 1),
            ("same", 0),
            ("same", 0),
        ] {
            let f = instance.get_typed_func::<(), ()>(&store, name);
            f.expect("exported").call(&mut store, ()).expect("enough");
            used += cost;
            assert_eq!(
                u64::MAX - store.get_fuel().expect("metered"),
                used,
                "{name}"
            );
        }
    }
}
