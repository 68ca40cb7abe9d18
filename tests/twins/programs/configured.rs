//! What a configuration limits: the parts of a module, and the depth of calls.

use super::Notes;
use wasmi::{Config, EnforcedLimits, Engine, Instance, Module, Store};

fn many(count: usize, part: &str) -> String {
    format!("(module {})", part.repeat(count))
}

pub(crate) fn run_enforced_limits(notes: &mut Notes) {
    let texts = [
        ("globals", 1_000, "(global i32 (i32.const 0))"),
        ("data segments", 1_000, "(data (i32.const 0) \"\")"),
        ("element segments", 1_000, "(elem (i32.const 0))"),
        ("short functions", 999, "(func)"),
        ("functions", 10_000, "(func (local i32) unreachable)"),
    ];
    for is_strict in [false, true] {
        let mut config = Config::default();
        if is_strict {
            config.enforced_limits(EnforcedLimits::strict());
        }
        let engine = Engine::new(&config);
        let mut attempt = |key: &str, text: String| {
            let outcome = Module::new(&engine, text).map(drop);
            notes.outcome(&format!("strict {is_strict}: {key}"), outcome);
        };
        for (name, most, part) in texts {
            for count in [most, most + 1] {
                let holder = "(memory 0)(table 0 funcref)";
                let text = many(count, part).replace("(module", &format!("(module {holder}"));
                attempt(&format!("{count} {name}"), text);
            }
        }
        for count in [32, 33] {
            let params = "i32 ".repeat(count);
            attempt(
                &format!("{count} parameters"),
                format!("(module (type (func (param {params}))))"),
            );
        }
    }
}

pub(crate) fn run_call_depth(notes: &mut Notes) {
    let text = r#"(module (func $f (export "f") (param i32) (result i32)
        (if (result i32) (local.get 0)
            (then (call $f (i32.sub (local.get 0) (i32.const 1)))) (else (i32.const 42)))))"#;
    for most in [1, 5, 100] {
        let mut config = Config::default();
        config.set_max_recursion_depth(most);
        let engine = Engine::new(&config);
        let mut store = Store::new(&engine, ());
        let module = Module::new(&engine, text).expect("valid");
        let instance = Instance::new(&mut store, &module, &[]).expect("no imports");
        let func = instance
            .get_typed_func::<i32, i32>(&store, "f")
            .expect("a function");
        for depth in [0, 1, 3, 4, 5, 98, 99, 100, 101, 500] {
            let outcome = func.call(&mut store, depth);
            notes.outcome(&format!("at most {most}, {depth} more"), outcome);
        }
    }
}
