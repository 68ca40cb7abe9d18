//! One implementation for the two crates that share wasmi's call interface: only the crate's name differs.

/// Defines `$engine` on the crate `$krate`, with `$config` for its settings and `$precompile` and `$load` for stored
/// code.
macro_rules! engine_with_interpreter_interface {
    (
        $(#[$meta:meta])*
        $engine:ident, $krate:ident,
        settings: $settings:expr,
        config: $config:expr,
        precompile: $precompile:expr,
        load: $load:expr,
    ) => {
        use anyhow::{Result, anyhow, ensure};
        use $krate::{Config, Engine, Func, Linker, Module, Store, TypedFunc, Val};

        use crate::engines;

        $(#[$meta])*
        #[derive(Debug)]
        pub(crate) struct $engine {
            engine: Engine,
        }

        impl $engine {
            /// The engine with its settings.
            pub(crate) fn new() -> Self {
                let configure: fn(&mut Config) = $config;
                let mut config = Config::default();
                configure(&mut config);
                Self { engine: Engine::new(&config) }
            }

            fn module(&self, module: Module) -> Result<Box<dyn engines::Module>> {
                let mut linker = <Linker<()>>::new(&self.engine);
                linker.func_wrap("host", "step", |x: i32| x.wrapping_add(1))?;
                Ok(Box::new(Compiled { engine: self.engine.clone(), module, linker }))
            }
        }

        impl engines::Engine for $engine {
            fn name(&self) -> &'static str {
                stringify!($krate)
            }

            fn settings(&self) -> String {
                $settings.to_owned()
            }

            fn compile(&self, wasm: &[u8]) -> Result<Box<dyn engines::Module>> {
                self.module(Module::new(&self.engine, wasm)?)
            }

            fn precompile(&self, wasm: &[u8]) -> Result<Option<Vec<u8>>> {
                let precompile: fn(&Engine, &[u8]) -> Result<Option<Vec<u8>>> = $precompile;
                precompile(&self.engine, wasm)
            }

            fn load(&self, precompiled: &[u8]) -> Result<Box<dyn engines::Module>> {
                let load: fn(&Engine, &[u8]) -> Result<Module> = $load;
                self.module(load(&self.engine, precompiled)?)
            }
        }

        struct Compiled {
            engine: Engine,
            module: Module,
            linker: Linker<()>,
        }

        impl engines::Module for Compiled {
            fn instantiate(&self) -> Result<Box<dyn engines::Instance>> {
                let mut store = Store::new(&self.engine, ());
                let instance = self.linker.instantiate_and_start(&mut store, &self.module)?;
                let func = instance
                    .get_func(&store, "run")
                    .ok_or_else(|| anyhow!("the module does not export `run`"))?;
                let typed = func.typed::<i32, i32>(&store)?;
                Ok(Box::new(Running { store, func, typed }))
            }
        }

        struct Running {
            store: Store<()>,
            func: Func,
            typed: TypedFunc<i32, i32>,
        }

        impl engines::Instance for Running {
            fn run_many(&mut self, n: u32, times: u32) -> Result<u32> {
                let mut result = 0;
                for _ in 0..times {
                    result = self.typed.call(&mut self.store, n.cast_signed())?;
                }
                Ok(result.cast_unsigned())
            }

            fn run_dynamic_many(&mut self, n: u32, times: u32) -> Result<u32> {
                let mut results = [Val::I32(0)];
                for _ in 0..times {
                    self.func.call(&mut self.store, &[Val::I32(n.cast_signed())], &mut results)?;
                }
                let result = results[0].i32();
                ensure!(result.is_some(), "`run` did not return an i32");
                Ok(result.unwrap_or_default().cast_unsigned())
            }
        }
    };
}

pub(crate) use engine_with_interpreter_interface;
