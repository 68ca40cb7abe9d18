//! Compiles a module and calls its exports with stubs for imports; compiled once per engine (`super::engine`).

use super::engine::{
    Engine, Error, Extern, ExternType, Global, Instance, Memory, Module, Ref, Store, Table, Val,
    ValType,
};
use crate::child::{Call, CallOutcome};

/// A compiled module.
pub(crate) struct Probe {
    module: Module,
}

impl Probe {
    /// Compiles `wasm`, or says why not.
    pub(crate) fn new(wasm: &[u8]) -> Result<Self, String> {
        let module = Module::new(&super::engine(), wasm).map_err(|error| error.to_string())?;
        Ok(Self { module })
    }

    /// Names of the exported functions.
    #[allow(dead_code, reason = "one of the two engines is asked")]
    pub(crate) fn functions(&self) -> Vec<String> {
        self.module
            .exports()
            .filter(|export| matches!(export.ty(), ExternType::Func(_)))
            .map(|export| export.name().to_owned())
            .collect()
    }

    /// Makes an instance and calls a function of it, with this much fuel where the engine counts it.
    pub(crate) fn call(&self, call: Call<'_>, fuel: Option<u64>) -> CallOutcome {
        self.try_call(call, fuel)
            .unwrap_or_else(|error| match error.as_trap_code() {
                Some(code) => CallOutcome::Trapped(format!("{code:?}")),
                None => CallOutcome::Failed(error.to_string()),
            })
    }

    fn try_call(&self, call: Call<'_>, fuel: Option<u64>) -> Result<CallOutcome, Error> {
        let engine: &Engine = self.module.engine();
        let mut store = Store::new(engine, ());
        if let Some(fuel) = fuel {
            store.set_fuel(fuel)?;
        }
        let imports = self.stub_imports(&mut store)?;
        let instance = Instance::new(&mut store, &self.module, &imports)?;
        let Some(name) = call.function else {
            return Ok(CallOutcome::Returned(Vec::new()));
        };
        let function = instance
            .get_func(&store, name)
            .expect("the module lists this function");
        let ty = function.ty(&store);
        let arguments: Vec<Val> = ty
            .params()
            .iter()
            .map(|&ty| value(ty, call.argument))
            .collect();
        let mut results: Vec<Val> = ty
            .results()
            .iter()
            .map(|&ty| Val::default_for_ty(ty))
            .collect();
        function.call(&mut store, &arguments, &mut results)?;
        Ok(CallOutcome::Returned(results.iter().map(bits).collect()))
    }

    /// Something of the right type for each import; functions return zeros.
    fn stub_imports(&self, store: &mut Store<()>) -> Result<Vec<Extern>, Error> {
        use super::engine::Func;
        let mut imports = Vec::new();
        for import in self.module.imports() {
            imports.push(match import.ty() {
                ExternType::Func(ty) => {
                    let stub = Func::new(&mut *store, ty.clone(), |_, _, results: &mut [Val]| {
                        for result in results {
                            *result = Val::default_for_ty(result.ty());
                        }
                        Ok(())
                    });
                    Extern::Func(stub)
                }
                ExternType::Memory(ty) => Extern::Memory(Memory::new(&mut *store, *ty)?),
                ExternType::Table(ty) => {
                    let null = Ref::default_for_ty(ty.element());
                    Extern::Table(Table::new(&mut *store, *ty, null)?)
                }
                ExternType::Global(ty) => {
                    let zero = Val::default_for_ty(ty.content());
                    Extern::Global(Global::new(&mut *store, zero, ty.mutability()))
                }
            });
        }
        Ok(imports)
    }
}

fn value(ty: ValType, number: i32) -> Val {
    match ty {
        ValType::I32 => Val::I32(number),
        ValType::I64 => Val::I64(number.into()),
        ValType::F32 => Val::F32((number as f32).into()),
        ValType::F64 => Val::F64(f64::from(number).into()),
        other => Val::default_for_ty(other),
    }
}

/// A value as bits; all NaNs are the same one, since engines may differ in which they give.
fn bits(value: &Val) -> u64 {
    match value {
        Val::I32(value) => value.cast_unsigned().into(),
        Val::I64(value) => value.cast_unsigned(),
        Val::F32(value) if f32::from(*value).is_nan() => f32::NAN.to_bits().into(),
        Val::F32(value) => value.to_bits().into(),
        Val::F64(value) if f64::from(*value).is_nan() => f64::NAN.to_bits(),
        Val::F64(value) => value.to_bits(),
        _ => 0,
    }
}
