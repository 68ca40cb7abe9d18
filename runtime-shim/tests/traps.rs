//! Every trap arrives with its code and a backtrace of names, in every mode, and the store works
//! afterwards.
#![allow(
    clippy::unwrap_used,
    unsafe_code,
    reason = "test code that changes the rounding mode, as a careless host would"
)]

mod support;

use support::{Mode, call, in_every_mode, instantiate, module, names};
use wasmelt::{
    Config, Engine, Error, Func, FuncType, Instance, Linker, Module, OptLevel, Ref, RefType, Store,
    StoreLimits, StoreLimitsBuilder, Table, TableType, TrapCode, ValType,
};

/// Exports that trap, each through a function of its own so that the backtrace has two names.
const TRAPS: &str = r#"(module $traps
    (type $nothing (func))
    (type $number (func (param i32)))
    (table 4 funcref)
    (elem (i32.const 0) $number)
    (memory 1 2)
    (func $number (type $number))
    (func $fine (export "fine") (result i32) i32.const 42)

    (func $unreachable unreachable)
    (func (export "unreachable") call $unreachable)

    (func $load (param i32) (result i32) local.get 0 i32.load)
    (func (export "load just behind") (result i32) i32.const 65533 call $load)
    (func (export "load far behind") (result i32) i32.const -1 call $load)
    (func $load_offset (param i32) (result i64) local.get 0 i64.load offset=4294967295)
    (func (export "load at the largest offset") (result i64) i32.const -1 call $load_offset)
    (func $store (param i32) local.get 0 f64.const 1 f64.store)
    (func (export "store") i32.const 65529 call $store)

    (func $div_s (param i32 i32) (result i32) local.get 0 local.get 1 i32.div_s)
    (func (export "divide by zero") (result i32) i32.const 1 i32.const 0 call $div_s)
    (func (export "divide overflow") (result i32) i32.const 0x80000000 i32.const -1 call $div_s)
    (func $rem_u (param i64 i64) (result i64) local.get 0 local.get 1 i64.rem_u)
    (func (export "remainder") (result i64) i64.const 1 i64.const 0 call $rem_u)
    (func $div64 (param i64 i64) (result i64) local.get 0 local.get 1 i64.div_s)
    (func (export "divide 64") (result i64)
        i64.const 0x8000000000000000 i64.const -1 call $div64)

    (func $trunc (param f32) (result i32) local.get 0 i32.trunc_f32_s)
    (func (export "truncate nan") (result i32) f32.const nan call $trunc)
    (func (export "truncate large") (result i32) f32.const 1e30 call $trunc)
    (func $trunc64 (param f64) (result i64) local.get 0 i64.trunc_f64_u)
    (func (export "truncate negative") (result i64) f64.const -1 call $trunc64)

    (func $indirect (param i32) local.get 0 call_indirect (type $nothing))
    (func (export "null") i32.const 1 call $indirect)
    (func (export "mismatch") i32.const 0 call $indirect)
    (func (export "outside table") i32.const 4 call $indirect)
    (func (export "far outside table") i32.const -1 call $indirect)

    (func $recurse (param i64) (result i64)
        local.get 0 i64.const 1 i64.add call $recurse i64.const 1 i64.add)
    (func (export "recurse") (result i64) i64.const 0 call $recurse)
)"#;

/// Export, the type of its result, the expected trap, and the innermost function's name.
const EXPECTED: [(&str, Option<ValType>, TrapCode, &str); 19] = {
    use TrapCode::{
        BadConversionToInteger, BadSignature, IndirectCallToNull, IntegerDivisionByZero,
        IntegerOverflow, MemoryOutOfBounds, StackOverflow, TableOutOfBounds,
        UnreachableCodeReached,
    };
    use ValType::{I32, I64};
    [
        ("unreachable", None, UnreachableCodeReached, "unreachable"),
        ("load just behind", Some(I32), MemoryOutOfBounds, "load"),
        ("load far behind", Some(I32), MemoryOutOfBounds, "load"),
        (
            "load at the largest offset",
            Some(I64),
            MemoryOutOfBounds,
            "load_offset",
        ),
        ("store", None, MemoryOutOfBounds, "store"),
        ("divide by zero", Some(I32), IntegerDivisionByZero, "div_s"),
        ("divide overflow", Some(I32), IntegerOverflow, "div_s"),
        ("remainder", Some(I64), IntegerDivisionByZero, "rem_u"),
        ("divide 64", Some(I64), IntegerOverflow, "div64"),
        ("truncate nan", Some(I32), BadConversionToInteger, "trunc"),
        ("truncate large", Some(I32), IntegerOverflow, "trunc"),
        ("truncate negative", Some(I64), IntegerOverflow, "trunc64"),
        ("null", None, IndirectCallToNull, "indirect"),
        ("mismatch", None, BadSignature, "indirect"),
        ("outside table", None, TableOutOfBounds, "indirect"),
        ("far outside table", None, TableOutOfBounds, "indirect"),
        ("recurse", Some(I64), StackOverflow, "recurse"),
        // Twice, so that a trap after a trap is covered whatever the order.
        ("load far behind", Some(I32), MemoryOutOfBounds, "load"),
        ("unreachable", None, UnreachableCodeReached, "unreachable"),
    ]
};

fn trap<T>(store: &mut Store<T>, instance: Instance, name: &str, result: Option<ValType>) -> Error {
    let func = instance.get_func(&*store, name).unwrap();
    let mut outputs: Vec<_> = result
        .into_iter()
        .map(wasmelt::Val::default_for_ty)
        .collect();
    func.call(store, &[], &mut outputs).unwrap_err()
}

#[test]
fn every_trap_has_its_code_and_the_names_of_its_functions() {
    in_every_mode(|mode| {
        let (mut store, instance) = instantiate(&mode.engine(), TRAPS);
        for (name, result, code, innermost) in EXPECTED {
            let error = trap(&mut store, instance, name, result);
            assert_eq!(error.as_trap_code(), Some(code), "{name}: {error}");
            let names = names(&error);
            assert_eq!(names[0], innermost, "{name}: {error}");
            if code == TrapCode::StackOverflow {
                assert!(error.backtrace().unwrap().is_truncated());
                assert!(names.len() > 100 && names.iter().all(|name| name == innermost));
            } else {
                assert_eq!(names.len(), 2, "{name}: {error}");
                // The export has a name only if the module exports it under one.
                assert_eq!(names[1], name, "{name}: {error}");
            }
            let frames = error.backtrace().unwrap().frames();
            assert!(frames[0].wasm_offset().is_some(), "{name}: {error}");
            assert_eq!(frames[0].module_name(), Some("traps"));
            assert_eq!(
                call::<_, (), i32>(&mut store, instance, "fine", ()).unwrap(),
                42
            );
        }
    });
}

#[test]
fn an_error_writes_its_backtrace_with_offsets_and_names() {
    let (mut store, instance) = instantiate(&Engine::default(), TRAPS);
    let error = trap(&mut store, instance, "unreachable", None);
    let text = error.to_string();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], TrapCode::UnreachableCodeReached.trap_message());
    assert_eq!(lines[1], "wasm backtrace:");
    assert!(
        lines[2].trim_start().starts_with("0: 0x") && lines[2].ends_with(" - traps!unreachable")
    );
    assert!(lines[3].trim_start().starts_with("1: 0x"));
    assert_eq!(lines.len(), 4);
}

#[test]
fn the_offset_of_a_frame_is_that_of_its_instruction() {
    let wasm = wat::parse_str(TRAPS).unwrap();
    for mode in Mode::all() {
        let (mut store, instance) = instantiate(&mode.engine(), TRAPS);
        let error = trap(&mut store, instance, "unreachable", None);
        let frames = error.backtrace().unwrap().frames();
        let byte = |frame: usize| wasm[frames[frame].wasm_offset().unwrap() as usize];
        // Opcodes of `unreachable` and `call`.
        assert_eq!((byte(0), byte(1)), (0x00, 0x10), "{mode:?} {error}");
    }
}

/// The check lies in the prologue, behind which the first thing is an inlined call.
#[test]
fn a_stack_overflow_names_only_functions_that_were_active() {
    let wat = r#"(module
        (func $check (param i32) (if (i32.eqz (local.get 0)) (then (unreachable))))
        (func $ping (export "ping") (param i32)
            (call $check (local.get 0)) (call $pong (i32.add (local.get 0) (i32.const 1))))
        (func $pong (param i32)
            (call $check (local.get 0)) (call $ping (i32.add (local.get 0) (i32.const 1)))))"#;
    let wasm = wat::parse_str(wat).unwrap();
    in_every_mode(|mode| {
        if mode.opt_level != OptLevel::Speed {
            return; // There the check is called.
        }
        let (mut store, instance) = instantiate(&mode.engine(), wat);
        let error = call::<_, i32, ()>(&mut store, instance, "ping", 1).unwrap_err();
        assert_eq!(error.as_trap_code(), Some(TrapCode::StackOverflow));
        let names = names(&error);
        assert!(names.iter().all(|name| name != "check"), "{error}");
        assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "{error}");
        // The innermost frame is at the start of its body, where the first operator is `local.get 0`.
        let at = error.backtrace().unwrap().frames()[0].wasm_offset();
        let at = at.unwrap() as usize;
        assert_eq!(wasm[at..at + 2], [0x20, 0x00], "{error}");
    });
}

#[test]
fn a_module_without_names_has_indices_in_its_backtrace() {
    let (mut store, instance) = instantiate(
        &Engine::default(),
        r#"(module (func (export "f") call 1) (func unreachable))"#,
    );
    let error = trap(&mut store, instance, "f", None);
    assert!(error.to_string().contains("<wasm function 1>"), "{error}");
}

/// A store whose limiter refuses to grow, ending the call or not.
fn limited(engine: &Engine, trap: bool) -> (Store<StoreLimits>, Instance) {
    let limits = StoreLimitsBuilder::new()
        .memory_size(65_536)
        .trap_on_grow_failure(trap)
        .build();
    let mut store = Store::new(engine, limits);
    store.limiter(|limits| limits);
    let module = module(
        engine,
        r#"(module (memory 1) (func $grow (export "grow") (result i32) i32.const 1 memory.grow))"#,
    );
    let instance = Linker::new(engine)
        .instantiate_and_start(&mut store, &module)
        .unwrap();
    (store, instance)
}

#[test]
fn a_limiter_can_make_growth_a_trap() {
    in_every_mode(|mode| {
        let engine = mode.engine();
        let (mut store, instance) = limited(&engine, false);
        assert_eq!(
            call::<_, (), i32>(&mut store, instance, "grow", ()).unwrap(),
            -1
        );
        let (mut store, instance) = limited(&engine, true);
        let error = call::<_, (), i32>(&mut store, instance, "grow", ()).unwrap_err();
        assert_eq!(error.as_trap_code(), Some(TrapCode::GrowthOperationLimited));
        assert_eq!(names(&error), ["grow"]);
    });
}

#[test]
fn a_trap_in_a_nested_call_leaves_the_outer_call_running() {
    in_every_mode(|mode| {
        let engine = mode.engine();
        let traps = module(&engine, TRAPS);
        let mut linker = Linker::<Vec<TrapCode>>::new(&engine);
        linker
            .func_wrap(
                "h",
                "f",
                move |mut caller: wasmelt::Caller<'_, Vec<TrapCode>>| {
                    let inner = Instance::new(&mut caller, &traps, &[]).unwrap();
                    for (name, result, ..) in EXPECTED {
                        let mut outputs: Vec<_> = result
                            .into_iter()
                            .map(wasmelt::Val::default_for_ty)
                            .collect();
                        let func = inner.get_func(&caller, name).unwrap();
                        let error = func.call(&mut caller, &[], &mut outputs).unwrap_err();
                        let code = error.as_trap_code().unwrap();
                        caller.data_mut().push(code);
                    }
                },
            )
            .unwrap();
        let outer = module(
            &engine,
            r#"(module (import "h" "f" (func $f))
                (func (export "run") (result i32) call $f i32.const 7))"#,
        );
        let mut store = Store::new(&engine, Vec::new());
        let instance = linker.instantiate_and_start(&mut store, &outer).unwrap();
        assert_eq!(
            call::<_, (), i32>(&mut store, instance, "run", ()).unwrap(),
            7
        );
        let expected: Vec<TrapCode> = EXPECTED.iter().map(|(_, _, code, _)| *code).collect();
        assert_eq!(*store.data(), expected);
    });
}

#[test]
fn the_backtrace_of_a_nested_trap_goes_on_in_the_outer_call() {
    in_every_mode(|mode| {
        let engine = mode.engine();
        let inner = module(
            &engine,
            r#"(module (func $deepest unreachable) (func $inner (export "inner") call $deepest))"#,
        );
        let mut linker = Linker::<()>::new(&engine);
        linker
            .func_wrap(
                "h",
                "f",
                move |mut caller: wasmelt::Caller<'_, ()>| -> Result<(), Error> {
                    let inner = Instance::new(&mut caller, &inner, &[])?;
                    inner
                        .get_typed_func::<(), ()>(&caller, "inner")?
                        .call(&mut caller, ())
                },
            )
            .unwrap();
        let outer = module(
            &engine,
            r#"(module (import "h" "f" (func $f))
                (func $middle call $f) (func $outer (export "outer") call $middle))"#,
        );
        let mut store = Store::new(&engine, ());
        let instance = linker.instantiate_and_start(&mut store, &outer).unwrap();
        let error = call::<_, (), ()>(&mut store, instance, "outer", ()).unwrap_err();
        assert_eq!(error.as_trap_code(), Some(TrapCode::UnreachableCodeReached));
        assert_eq!(names(&error), ["deepest", "inner", "middle", "outer"]);
    });
}

#[test]
fn each_frame_of_a_backtrace_has_its_module() {
    in_every_mode(|mode| {
        let engine = mode.engine();
        let inner = module(
            &engine,
            r#"(module (func $deepest (export "deepest") unreachable))"#,
        );
        let outer = module(
            &engine,
            r#"(module (import "inner" "deepest" (func $deepest))
                (func $middle call $deepest) (func (export "outer") call $middle))"#,
        );
        let mut store = Store::new(&engine, ());
        let mut linker = Linker::new(&engine);
        let instance = linker.instantiate(&mut store, &inner).unwrap();
        linker.instance(&mut store, "inner", instance).unwrap();
        let instance = linker.instantiate(&mut store, &outer).unwrap();
        let error = call::<_, (), ()>(&mut store, instance, "outer", ()).unwrap_err();
        let backtrace = error.backtrace().unwrap();
        let modules = backtrace.modules();
        assert_eq!(modules.len(), backtrace.frames().len());
        let is_inner: Vec<bool> = modules.iter().map(|m| Module::same(m, &inner)).collect();
        assert_eq!(is_inner, [true, false, false]);
        assert!(modules[1..].iter().all(|m| Module::same(m, &outer)));
    });
}

#[test]
fn a_trap_in_another_instance_of_the_store_is_found_through_the_table() {
    in_every_mode(|mode| {
        let engine = mode.engine();
        let mut store = Store::new(&engine, ());
        let table = Table::new(
            &mut store,
            TableType::new(RefType::Func, 1, None),
            Ref::null(RefType::Func),
        )
        .unwrap();
        let mut linker = Linker::new(&engine);
        linker.define("t", "table", table).unwrap();
        let callee = module(
            &engine,
            r#"(module (import "t" "table" (table 1 funcref)) (memory 1)
                (func $callee i32.const 65536 i32.load drop) (elem (i32.const 0) $callee))"#,
        );
        let caller = module(
            &engine,
            r#"(module (import "t" "table" (table 1 funcref))
                (func $caller (export "run") i32.const 0 call_indirect))"#,
        );
        linker.instantiate_and_start(&mut store, &callee).unwrap();
        let instance = linker.instantiate_and_start(&mut store, &caller).unwrap();
        let error = call::<_, (), ()>(&mut store, instance, "run", ()).unwrap_err();
        assert_eq!(error.as_trap_code(), Some(TrapCode::MemoryOutOfBounds));
        assert_eq!(names(&error), ["callee", "caller"]);
    });
}

/// Sets bits of this thread's MXCSR while `run` runs.
fn with_mxcsr<R>(value: u32, run: impl FnOnce() -> R) -> R {
    fn load(value: u32) {
        // SAFETY: loads a control register with a value whose bits all have a meaning.
        unsafe {
            std::arch::asm!("ldmxcsr [{}]", in(reg) &raw const value, options(nostack));
        }
    }
    load(value);
    let result = run();
    load(0x1f80);
    result
}

#[test]
fn a_thread_with_another_float_environment_is_refused() {
    let (mut store, instance) = instantiate(&Engine::default(), TRAPS);
    let fine = instance.get_typed_func::<(), i32>(&store, "fine").unwrap();
    for (value, is_accepted) in [
        (0x1f80, true),
        // Flags of exceptions that happened do not matter.
        (0x1fbf, true),
        // Rounding to zero, flushing to zero, denormals are zero, an unmasked exception.
        (0x7f80, false),
        (0x9f80, false),
        (0x1fc0, false),
        (0x1e80, false),
    ] {
        let result = with_mxcsr(value, || fine.call(&mut store, ()));
        match result {
            Ok(value) => assert!(is_accepted && value == 42),
            Err(error) => {
                assert!(
                    !is_accepted && error.to_string().starts_with("MXCSR is"),
                    "{error}"
                );
            }
        }
    }
}

#[test]
fn code_that_computes_no_floats_runs_in_any_float_environment() {
    // Moving floats is not computing with them.
    let wat = r#"(module (memory 1)
        (func (export "answer") (result i32)
            (f64.store (i32.const 0) (f64.load (i32.const 8)))
            (drop (f32.const 1.5))
            (i32.const 42)))"#;
    let (mut store, instance) = instantiate(&Engine::default(), wat);
    let answer = instance
        .get_typed_func::<(), i32>(&store, "answer")
        .unwrap();
    let result = with_mxcsr(0x7f80, || answer.call(&mut store, ()));
    assert_eq!(result.unwrap(), 42);
    // Another module of the store that does so decides for all.
    let floats = r#"(module (func (param f64) (result f64) (f64.sqrt (local.get 0))))"#;
    let floats = module(store.engine(), floats);
    Instance::new(&mut store, &floats, &[]).unwrap();
    let result = with_mxcsr(0x7f80, || answer.call(&mut store, ()));
    assert!(result.unwrap_err().to_string().starts_with("MXCSR is"));
}

#[test]
fn a_function_that_is_too_deep_traps_and_its_store_goes_on_a_thousand_times() {
    for mode in [Mode::GUARD, Mode::SIGNAL_FREE] {
        let mut config: Config = mode.config();
        config.max_wasm_stack(64 << 10);
        let (mut store, instance) = instantiate(&Engine::new(&config), TRAPS);
        for _ in 0..1000 {
            let error = trap(&mut store, instance, "recurse", Some(ValType::I64));
            assert_eq!(error.as_trap_code(), Some(TrapCode::StackOverflow));
        }
    }
}

#[test]
fn unknown_imports_can_be_defined_as_errors() {
    let engine = Engine::default();
    let mut linker = Linker::new(&engine);
    linker.func_wrap("h", "known", || 1i32).unwrap();
    let module = module(
        &engine,
        r#"(module (import "h" "known" (func $known (result i32)))
            (import "h" "unknown" (func $unknown (param i64)))
            (func (export "known") (result i32) call $known)
            (func $run (export "unknown") i64.const 1 call $unknown))"#,
    );
    linker.define_unknown_imports_as_traps(&module).unwrap();
    let mut store = Store::new(&engine, ());
    let instance = linker.instantiate_and_start(&mut store, &module).unwrap();
    assert_eq!(
        call::<_, (), i32>(&mut store, instance, "known", ()).unwrap(),
        1
    );
    let error = call::<_, (), ()>(&mut store, instance, "unknown", ()).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("cannot find definition for import (h,unknown)")
    );
    assert_eq!(names(&error), ["run"]);
}

#[test]
fn a_dynamic_host_function_that_fails_has_a_backtrace_too() {
    in_every_mode(|mode| {
        let engine = mode.engine();
        let mut store = Store::new(&engine, ());
        let ty = FuncType::new([ValType::F64], []);
        let fail = Func::new(&mut store, ty, |_, _, _| Err(Error::new("no")));
        let module = module(
            &engine,
            r#"(module (import "h" "f" (func $f (param f64)))
                (func $inner f64.const 1 call $f) (func $outer (export "run") call $inner))"#,
        );
        let instance = Instance::new(&mut store, &module, &[fail.into()]).unwrap();
        let error = call::<_, (), ()>(&mut store, instance, "run", ()).unwrap_err();
        assert_eq!(names(&error), ["inner", "outer"]);
        assert!(error.to_string().starts_with("no\nwasm backtrace:"));
    });
}
