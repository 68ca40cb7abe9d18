//! Values pass between host and guest unchanged, whatever their number, types and places.
#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "test code"
)]

mod support;

use support::{Mode, call, in_every_mode, instantiate, module};
use wasmelt::{
    Caller, Engine, Error, F32, F64, Func, FuncType, Global, Linker, Mutability, Nullable, Store,
    Val, ValType,
    errors::{ErrorKind, FuncError},
};

const ADD: &str = r#"(module
    (func (export "add") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add)
    (func (export "nothing")))"#;

#[test]
fn a_typed_call_returns_the_result() {
    in_every_mode(|mode| {
        let (mut store, instance) = instantiate(&mode.engine(), ADD);
        assert_eq!(
            call::<_, _, i32>(&mut store, instance, "add", (2, 3)).unwrap(),
            5
        );
        assert_eq!(
            call::<_, _, u32>(&mut store, instance, "add", (2u32, u32::MAX)).unwrap(),
            1
        );
        call::<_, (), ()>(&mut store, instance, "nothing", ()).unwrap();
    });
}

#[test]
fn a_type_that_does_not_fit_is_an_error() {
    let (mut store, instance) = instantiate(&Engine::default(), ADD);
    let add = instance.get_func(&store, "add").unwrap();
    let typed = |error: Error| match error.kind() {
        ErrorKind::Func(error) => *error,
        other => panic!("{other}"),
    };
    let parameters = add.typed::<i32, i32>(&store).unwrap_err();
    assert_eq!(typed(parameters), FuncError::MismatchingParameterLen);
    let parameter = add.typed::<(i32, i64), i32>(&store).unwrap_err();
    assert_eq!(typed(parameter), FuncError::MismatchingParameterType);
    let results = add.typed::<(i32, i32), ()>(&store).unwrap_err();
    assert_eq!(typed(results), FuncError::MismatchingResultLen);
    let result = add.typed::<(i32, i32), f32>(&store).unwrap_err();
    assert_eq!(typed(result), FuncError::MismatchingResultType);
    let missing = instance.get_typed_func::<(), ()>(&store, "no").unwrap_err();
    assert_eq!(typed(missing), FuncError::ExportedFuncNotFound);

    let one = [Val::I32(1)];
    let dynamic = add.call(&mut store, &one, &mut [Val::I32(0)]).unwrap_err();
    assert_eq!(typed(dynamic), FuncError::MismatchingParameterLen);
    let mut two = [Val::I32(0), Val::I32(0)];
    let dynamic = add
        .call(&mut store, &[Val::I32(1), Val::I32(2)], &mut two)
        .unwrap_err();
    assert_eq!(typed(dynamic), FuncError::MismatchingResultLen);
}

/// A module that passes its parameters on to the host function `h.f` and returns its result.
fn pass_on(params: &[ValType], result: Option<ValType>) -> String {
    let name = |ty: &ValType| match ty {
        ValType::I32 => "i32",
        ValType::I64 => "i64",
        ValType::F32 => "f32",
        ValType::F64 => "f64",
        _ => unreachable!(),
    };
    let signature = format!(
        "{} {}",
        params
            .iter()
            .map(|ty| format!("(param {})", name(ty)))
            .collect::<String>(),
        result
            .map(|ty| format!("(result {})", name(&ty)))
            .unwrap_or_default(),
    );
    let gets: String = (0..params.len())
        .map(|index| format!("local.get {index} "))
        .collect();
    format!(
        r#"(module
            (type $t (func {signature}))
            (import "h" "f" (func $f (type $t)))
            (table funcref (elem $f))
            (func (export "direct") (type $t) {gets} call $f)
            (func (export "indirect") (type $t) {gets} i32.const 0 call_indirect (type $t)))"#
    )
}

/// A value of a type that tells its position, with both halves of 64 bits used.
fn example(ty: ValType, position: usize) -> Val {
    let number = position as u64 + 1;
    match ty {
        ValType::I32 => Val::I32(-(number as i32)),
        ValType::I64 => Val::I64((number << 32 | 7) as i64),
        ValType::F32 => Val::F32(F32::from_bits(0x7fa0_0000 + number as u32)),
        ValType::F64 => Val::F64(F64::from_bits(0x7ff4_0000_0000_0000 + number)),
        _ => unreachable!(),
    }
}

fn bits(val: &Val) -> (ValType, u64) {
    let bits = match val {
        Val::I32(value) => u64::from(*value as u32),
        Val::I64(value) => *value as u64,
        Val::F32(value) => u64::from(value.to_bits()),
        Val::F64(value) => value.to_bits(),
        _ => unreachable!(),
    };
    (val.ty(), bits)
}

#[test]
fn values_of_every_mix_of_types_reach_a_dynamic_host_function_and_come_back() {
    let types = [ValType::I32, ValType::F64, ValType::I64, ValType::F32];
    let mixes: Vec<Vec<ValType>> = [0, 1, 4, 5, 6, 7, 13, 20, 33, 100]
        .into_iter()
        .flat_map(|len: usize| {
            let mixed = (0..len).map(|index| types[index % 4]).collect();
            let integers = (0..len).map(|index| types[index % 2 * 2]).collect();
            let floats = (0..len).map(|index| types[index % 2 * 2 + 1]).collect();
            [mixed, integers, floats]
        })
        .collect();
    for mode in [Mode::GUARD, Mode::SIGNAL_FREE] {
        let engine = mode.engine();
        for params in &mixes {
            for result in [None, params.last().copied(), Some(ValType::F32)] {
                let ty = FuncType::new(params.clone(), result);
                let expected: Vec<Val> = params
                    .iter()
                    .enumerate()
                    .map(|(at, ty)| example(*ty, at))
                    .collect();
                let answer = result.map(|ty| example(ty, 77));
                let mut linker = Linker::new(&engine);
                let returned = answer.clone();
                linker
                    .func_new(
                        "h",
                        "f",
                        ty,
                        move |mut caller: Caller<'_, Vec<Val>>, got, results| {
                            caller.data_mut().extend_from_slice(got);
                            if let Some(answer) = &returned {
                                results[0] = answer.clone();
                            }
                            Ok(())
                        },
                    )
                    .unwrap();
                let module = module(&engine, &pass_on(params, result));
                for name in ["direct", "indirect"] {
                    let mut store = Store::new(&engine, Vec::new());
                    let instance = linker.instantiate_and_start(&mut store, &module).unwrap();
                    let func = instance.get_func(&store, name).unwrap();
                    let mut outputs = vec![Val::I32(9); usize::from(result.is_some())];
                    func.call(&mut store, &expected, &mut outputs).unwrap();
                    let got: Vec<_> = store.data().iter().map(bits).collect();
                    assert_eq!(got, expected.iter().map(bits).collect::<Vec<_>>());
                    assert_eq!(outputs.first().map(bits), answer.as_ref().map(bits));
                }
            }
        }
    }
}

/// One typed host function of so many parameters, called directly and through a table.
macro_rules! typed_host_function {
    ($name:ident, ($($ty:ident $param:ident $value:expr),*) -> $result:ident = $answer:expr) => {
        #[test]
        fn $name() {
            in_every_mode(|mode| {
                let engine = mode.engine();
                let mut linker = Linker::new(&engine);
                linker
                    .func_wrap("h", "f", |mut caller: Caller<'_, u32>, $($param: $ty),*| -> $result {
                        *caller.data_mut() += 1;
                        $( assert_eq!($param, $value); )*
                        $answer
                    })
                    .unwrap();
                let params: Vec<ValType> = vec![$( Val::from($value as $ty).ty() ),*];
                let wat = pass_on(&params, Some(Val::from($answer as $result).ty()));
                let module = module(&engine, &wat);
                let mut store = Store::new(&engine, 0);
                let instance = linker.instantiate_and_start(&mut store, &module).unwrap();
                for name in ["direct", "indirect"] {
                    let result: $result =
                        call(&mut store, instance, name, ($($value as $ty,)*)).unwrap();
                    assert_eq!(result, $answer);
                }
                assert_eq!(*store.data(), 2);
            });
        }
    };
}

typed_host_function!(no_parameters_reach_a_typed_host_function, () -> i32 = -5);
typed_host_function!(one_float_reaches_a_typed_host_function, (f32 a 1.5) -> f64 = 2.25);
typed_host_function!(
    four_integers_reach_a_typed_host_function,
    (i32 a -1, i64 b i64::MIN, i32 c 3, i64 d 1i64 << 40) -> i64 = -1
);
typed_host_function!(
    five_integers_reach_a_typed_host_function,
    (i32 a -1, i64 b i64::MIN, i32 c 3, i64 d 1i64 << 40, i32 e 5) -> i64 = -1
);
typed_host_function!(
    six_integers_reach_a_typed_host_function,
    (i32 a -1, i64 b 2, i32 c 3, i64 d 4, i32 e 5, i64 f 6) -> f32 = 0.5
);
typed_host_function!(
    sixteen_mixed_values_reach_a_typed_host_function,
    (i32 a 1, f64 b 2.0, i64 c 3, f32 d 4.0, i32 e 5, f64 f 6.0, i64 g 7, f32 h 8.0,
     i32 i 9, f64 j 10.0, i64 k 11, f32 l 12.0, i32 m 13, f64 n 14.0, i64 o 15, f32 p 16.0)
    -> i32 = 42
);
typed_host_function!(
    ten_floats_reach_a_typed_host_function,
    (f64 a 1.0, f64 b 2.0, f64 c 3.0, f64 d 4.0, f64 e 5.0, f64 f 6.0, f64 g 7.0, f64 h 8.0,
     f64 i 9.0, f32 j 10.0) -> f64 = 11.0
);

#[test]
fn a_signalling_nan_passes_both_ways_in_typed_calls() {
    in_every_mode(|mode| {
        let (mut store, instance) = instantiate(
            &mode.engine(),
            r#"(module
                (func (export "f32") (param f32) (result f32) local.get 0)
                (func (export "f64") (param f64) (result f64) local.get 0))"#,
        );
        let (f32_bits, f64_bits) = (0x7fa0_1234, 0xfff4_0000_0000_5678);
        let single: F32 = call(&mut store, instance, "f32", F32::from_bits(f32_bits)).unwrap();
        let double: F64 = call(&mut store, instance, "f64", F64::from_bits(f64_bits)).unwrap();
        assert_eq!((single.to_bits(), double.to_bits()), (f32_bits, f64_bits));
    });
}

#[test]
fn upper_bits_of_a_32_bit_register_do_not_reach_an_address() {
    in_every_mode(|mode| {
        let (mut store, instance) = instantiate(
            &mode.engine(),
            r#"(module
                (memory 1) (data (i32.const 8) "\2a")
                (func (export "wrap") (param i64) (result i32) local.get 0 i32.wrap_i64 i32.load))"#,
        );
        let value: i32 = call(&mut store, instance, "wrap", 0x7fff_ffff_0000_0008i64).unwrap();
        assert_eq!(value, 42);
    });
}

#[test]
fn host_functions_can_be_called_by_the_host() {
    let mut store = Store::new(&Engine::default(), 1u32);
    let typed = Func::wrap(
        &mut store,
        |mut caller: Caller<'_, u32>, by: u32| -> (u32, f32) {
            assert!(caller.get_export("anything").is_none());
            *caller.data_mut() += by;
            (*caller.data(), 0.5)
        },
    );
    let results = typed
        .typed::<u32, (u32, f32)>(&store)
        .unwrap()
        .call(&mut store, 2)
        .unwrap();
    assert_eq!(results, (3, 0.5));
    let mut outputs = [Val::I32(0), Val::I32(0)];
    typed
        .call(&mut store, &[Val::I32(1)], &mut outputs)
        .unwrap();
    assert_eq!(outputs[0].i32(), Some(4));

    let ty = FuncType::new([], [ValType::FuncRef]);
    let reference = Func::new(&mut store, ty, move |_, _, results| {
        results[0] = Val::from(typed);
        Ok(())
    });
    let found = reference
        .typed::<(), Nullable<Func>>(&store)
        .unwrap()
        .call(&mut store, ())
        .unwrap();
    assert!(found.val().is_some());
}

#[test]
fn a_dynamic_host_function_with_a_result_of_the_wrong_type_is_an_error() {
    let engine = Engine::default();
    let mut linker = Linker::new(&engine);
    let ty = FuncType::new([], [ValType::I32]);
    linker
        .func_new("h", "f", ty, |_, _, results| {
            results[0] = Val::I64(1);
            Ok(())
        })
        .unwrap();
    let mut store = Store::new(&engine, ());
    let module = module(&engine, &pass_on(&[], Some(ValType::I32)));
    let instance = linker.instantiate_and_start(&mut store, &module).unwrap();
    let error = call::<_, (), i32>(&mut store, instance, "direct", ()).unwrap_err();
    assert!(
        matches!(
            error.kind(),
            ErrorKind::Func(FuncError::MismatchingResultType)
        ),
        "{error}"
    );
}

#[test]
fn a_handle_of_another_store_is_refused_by_a_panic() {
    let engine = Engine::default();
    let (store, instance) = instantiate(&engine, ADD);
    let mut other = Store::new(&engine, ());
    let add = instance
        .get_typed_func::<(i32, i32), i32>(&store, "add")
        .unwrap();
    let func = instance.get_func(&store, "add").unwrap();
    let global = Global::new(&mut Store::new(&engine, ()), Val::I32(1), Mutability::Const);
    let mut panics = |action: &mut dyn FnMut(&mut Store<()>)| {
        let run = std::panic::AssertUnwindSafe(|| action(&mut other));
        let panic = std::panic::catch_unwind(run).unwrap_err();
        let message = panic.downcast_ref::<&str>().unwrap();
        assert!(message.contains("does not own"), "{message}");
    };
    panics(&mut |other| drop(add.call(other, (1, 2))));
    panics(&mut |other| drop(func.call(other, &[Val::I32(1), Val::I32(2)], &mut [Val::I32(0)])));
    panics(&mut |other| drop(func.ty(other)));
    panics(&mut |other| {
        let _ = instance.get_export(other, "add");
    });
    panics(&mut |other| {
        global.get(other);
    });
    panics(&mut |other| {
        let _ = Global::new(other, Val::from(func), Mutability::Const);
    });
}

#[test]
fn a_guest_reaches_more_results_of_recursion_than_registers_hold() {
    in_every_mode(|mode| {
        let (mut store, instance) = instantiate(
            &mode.engine(),
            r#"(module
                (func $fib (export "fib") (param i32) (result i32)
                    local.get 0 i32.const 2 i32.lt_s
                    if (result i32) local.get 0
                    else
                        local.get 0 i32.const 1 i32.sub call $fib
                        local.get 0 i32.const 2 i32.sub call $fib i32.add
                    end))"#,
        );
        assert_eq!(
            call::<_, _, i32>(&mut store, instance, "fib", 20).unwrap(),
            6765
        );
    });
}
