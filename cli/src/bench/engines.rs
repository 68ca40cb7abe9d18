//! The engines that `wasmelt bench` compares: wasmelt, and the interpreter whose interface it has.

use anyhow::Result;
use wasmelt_abi::ValType;

/// An engine, of which one step after the other is timed.
pub(super) trait Engine {
    /// Its name.
    fn name(&self) -> &'static str;

    /// Version and settings, in words.
    fn settings(&self) -> String;

    /// Compiles, or translates, so that nothing is left to do at the first call; the result is what is stored, if the
    /// engine stores anything.
    fn compile(&self, wasm: &[u8]) -> Result<Option<Vec<u8>>>;

    /// Makes a module of what was stored, or, where nothing is, of wasm.
    fn load(&self, wasm: &[u8], stored: Option<&[u8]>) -> Result<Box<dyn Module>>;
}

/// Ready to be instantiated.
pub(super) trait Module {
    /// An instance in a store of its own.
    fn instantiate(&self, function: &str) -> Result<Box<dyn Instance>>;
}

/// Ready to be called.
pub(super) trait Instance {
    /// Calls the function once; the results are bits.
    fn call(&mut self, params: &[(ValType, u64)]) -> Result<Vec<u64>>;
}

macro_rules! engine {
    (
        $module:ident, $krate:ident,
        compile: $compile:expr,
        load: $load:expr,
    ) => {
        pub(super) mod $module {
            use super::{Engine, Instance, Module};
            use anyhow::{Result, anyhow};
            use wasmelt_abi::ValType;
            use $krate::{F32, F64, Func, Linker, Store, Val};

            pub(crate) struct Configured {
                pub(crate) engine: $krate::Engine,
                pub(crate) settings: String,
            }

            struct Loaded($krate::Module, $krate::Engine);

            struct Running {
                store: Store<()>,
                func: Func,
                results: Vec<Val>,
            }

            impl Engine for Configured {
                fn name(&self) -> &'static str {
                    stringify!($krate)
                }

                fn settings(&self) -> String {
                    self.settings.clone()
                }

                fn compile(&self, wasm: &[u8]) -> Result<Option<Vec<u8>>> {
                    let compile: fn(&$krate::Engine, &[u8]) -> Result<Option<Vec<u8>>> = $compile;
                    compile(&self.engine, wasm)
                }

                fn load(&self, wasm: &[u8], stored: Option<&[u8]>) -> Result<Box<dyn Module>> {
                    let load: fn(&$krate::Engine, &[u8], Option<&[u8]>) -> Result<$krate::Module> =
                        $load;
                    let module = load(&self.engine, wasm, stored)?;
                    Ok(Box::new(Loaded(module, self.engine.clone())))
                }
            }

            impl Module for Loaded {
                fn instantiate(&self, function: &str) -> Result<Box<dyn Instance>> {
                    let mut store = Store::new(&self.1, ());
                    // Where it is metered.
                    let _ = store.set_fuel(u64::MAX);
                    let instance =
                        Linker::new(&self.1).instantiate_and_start(&mut store, &self.0)?;
                    let func = instance
                        .get_func(&store, function)
                        .ok_or_else(|| anyhow!("there is no function `{function}`"))?;
                    let results = vec![Val::I32(0); func.ty(&store).results().len()];
                    Ok(Box::new(Running {
                        store,
                        func,
                        results,
                    }))
                }
            }

            impl Instance for Running {
                fn call(&mut self, params: &[(ValType, u64)]) -> Result<Vec<u64>> {
                    let params: Vec<Val> = params.iter().map(to_val).collect();
                    self.func
                        .call(&mut self.store, &params, &mut self.results)?;
                    Ok(self.results.iter().map(to_bits).collect())
                }
            }

            fn to_val((ty, bits): &(ValType, u64)) -> Val {
                let low = bits.to_le_bytes();
                let low = u32::from_le_bytes([low[0], low[1], low[2], low[3]]);
                match ty {
                    ValType::I32 => Val::I32(low.cast_signed()),
                    ValType::I64 => Val::I64(bits.cast_signed()),
                    ValType::F32 => Val::F32(F32::from_bits(low)),
                    ValType::F64 => Val::F64(F64::from_bits(*bits)),
                }
            }

            fn to_bits(val: &Val) -> u64 {
                match val {
                    Val::I32(value) => u64::from(value.cast_unsigned()),
                    Val::I64(value) => value.cast_unsigned(),
                    Val::F32(value) => u64::from(value.to_bits()),
                    Val::F64(value) => value.to_bits(),
                    _ => unreachable!("the MVP has four types"),
                }
            }
        }
    };
}

engine! {
    on_wasmelt, wasmelt,
    compile: |engine, wasm| Ok(Some(wasmelt::Module::compile(engine, wasm)?)),
    load: |engine, _, stored| {
        let artifact = stored.unwrap_or_default();
        Ok(wasmelt::Module::load(engine, artifact, &wasmelt::Trust::Named)?)
    },
}

engine! {
    on_wasmi, wasmi,
    compile: |engine, wasm| {
        wasmi::Module::new(engine, wasm)?;
        Ok(None)
    },
    load: |engine, wasm, _| Ok(wasmi::Module::new(engine, wasm)?),
}
