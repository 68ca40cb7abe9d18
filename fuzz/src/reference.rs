//! The reference: wasmi, with one of its mistakes worked around.
//!
//! wasmi 2.0.0 translates `select` wrongly when its condition is `i32.eqz`, `i32.eq 0` or
//! `i32.ne 0` of a local: it drops the comparison, but then takes the condition from a register
//! that nothing was written to (`try_fuse_select` in its `engine/translator/func/mod.rs`). Other
//! engines agree on the right result. So that this does not hide mistakes of ours, the reference
//! runs a module in which every condition of a `select` is first rotated by one bit. All other engines
//! run the module as it is.

use crate::backend::{ByModule, WasmiEngine};
use crate::meter::count_fuel;
use crate::rewrite::rotate_select_conditions;

/// The engine that says what is right: wasmi as it comes, except for its `select`.
#[must_use]
pub fn reference() -> WasmiEngine {
    WasmiEngine::new("wasmi", &wasmi::Config::default())
        .rewriting(|wasm, _| rotate_select_conditions(wasm))
}

/// The same, and it counts fuel by the schedule of `docs/fuel.md`, with default costs: the number that others must
/// have, and the place where they must stop.
#[must_use]
pub fn metered_reference() -> WasmiEngine {
    metered_by_module(ByModule::default())
}

/// The same, with the costs that configurations called `costly` have, which go by the module.
#[must_use]
pub fn costly_reference() -> WasmiEngine {
    metered_by_module(ByModule {
        has_costs: true,
        ..ByModule::default()
    })
}

/// The same, where costs and fuel go by the module.
pub(crate) fn metered_by_module(by_module: ByModule) -> WasmiEngine {
    WasmiEngine::new("wasmi", &wasmi::Config::default())
        .rewriting(|wasm, by_module| count_fuel(wasm, &by_module.costs(wasm)))
        .by_module(by_module)
}

#[cfg(test)]
mod tests {
    use super::reference;
    use crate::backend::{WasmiEngine, wasmelt};
    use crate::builder::{Body, Builder};
    use crate::oracle::Engine;
    use crate::value::{Type, Value};

    /// `(param i32) (result i32)`: 11 if the parameter is 0, otherwise 22.
    fn module() -> Vec<u8> {
        let mut builder = Builder::default();
        builder.memory(1, 1);
        builder.data(3, vec![1, 2, 3]);
        let ty = builder.ty(&[Type::I32], Some(Type::I32));
        let mut body = Body::new(&[]);
        body.code()
            .i32_const(11)
            .i32_const(22)
            .local_get(0)
            .i32_eqz()
            .select();
        let function = builder.function(ty, body);
        builder.export("f", function);
        builder.finish()
    }

    fn results(engine: &dyn Engine) -> [Value; 2] {
        [0, 5].map(|argument| {
            let mut session = engine.start(&module()).expect("a valid module");
            session.call("f", &[Value::I32(argument)]).expect("no trap")[0]
        })
    }

    #[test]
    fn the_reference_selects_rightly() {
        let right = [Value::I32(11), Value::I32(22)];
        assert_eq!(results(&reference()), right);
        assert_eq!(
            results(&wasmelt("guard-speed").expect("a configuration")),
            right
        );
    }

    /// When this fails, wasmi has mended its `select`, and this module is no longer needed.
    #[test]
    fn wasmi_by_itself_selects_wrongly() {
        let wasmi = WasmiEngine::new("wasmi", &wasmi::Config::default());
        assert_eq!(results(&wasmi), [Value::I32(11), Value::I32(11)]);
    }
}
