//! One implementation for the two crates that share wasmi's call interface: only names and extras differ.

/// Defines the engine `$engine` on the crate `$krate`.
///
/// An engine is made from a [`Variant`](crate::engines::Variant). `precompile` and `load` store compiled code; `prepare` is done once
/// per module before its first instance, as far as the crate can, and `instantiate` once per instance.
macro_rules! engine_with_interpreter_interface {
    (
        $(#[$meta:meta])*
        $engine:ident, $krate:ident,
        precompile: $precompile:expr,
        load: $load:expr,
        prepare: $prepare:expr => $prepared:ty,
        instantiate: $instantiate:expr,
    ) => {
        use std::cell::OnceCell;
        use std::rc::Rc;

        use anyhow::{Result, anyhow};
        use $krate::{Config, Engine, Func, Instance, Linker, Module, Store, TypedFunc, Val};

        use crate::engines;

        $(#[$meta])*
        pub(crate) struct $engine {
            engine: Engine,
            linker: Rc<Linker<()>>,
            name: &'static str,
            settings: &'static str,
        }

        impl $engine {
            pub(crate) fn new(variant: &engines::Variant<Config>) -> Result<Self> {
                let mut config = Config::default();
                (variant.configure)(&mut config);
                let engine = Engine::new(&config);
                let mut linker = <Linker<()>>::new(&engine);
                linker.func_wrap("host", "step", |x: i32| x.wrapping_add(1))?;
                Ok(Self { engine, linker: Rc::new(linker), name: variant.name, settings: variant.settings })
            }

            fn module(&self, module: Module) -> Box<dyn engines::Module> {
                Box::new(Compiled {
                    engine: self.engine.clone(),
                    linker: Rc::clone(&self.linker),
                    module,
                    prepared: OnceCell::new(),
                })
            }
        }

        impl engines::Engine for $engine {
            fn name(&self) -> &'static str {
                self.name
            }

            fn version(&self) -> engines::Version {
                engines::Version::Locked(stringify!($krate))
            }

            fn settings(&self) -> String {
                self.settings.to_owned()
            }

            fn compile(&self, wasm: &[u8]) -> Result<Box<dyn engines::Module>> {
                Ok(self.module(Module::new(&self.engine, wasm)?))
            }

            fn precompile(&self, wasm: &[u8]) -> Result<Option<Vec<u8>>> {
                let precompile: fn(&Engine, &[u8]) -> Result<Option<Vec<u8>>> = $precompile;
                precompile(&self.engine, wasm)
            }

            fn load(&self, precompiled: &[u8]) -> Result<Box<dyn engines::Module>> {
                let load: fn(&Engine, &[u8]) -> Result<Module> = $load;
                Ok(self.module(load(&self.engine, precompiled)?))
            }
        }

        struct Compiled {
            engine: Engine,
            linker: Rc<Linker<()>>,
            module: Module,
            prepared: OnceCell<$prepared>,
        }

        impl Compiled {
            fn prepared(&self) -> Result<&$prepared> {
                if let Some(prepared) = self.prepared.get() {
                    return Ok(prepared);
                }
                let prepare: fn(&Linker<()>, &Module) -> Result<$prepared> = $prepare;
                let prepared = prepare(&self.linker, &self.module)?;
                Ok(self.prepared.get_or_init(|| prepared))
            }
        }

        impl engines::Module for Compiled {
            fn instantiate(&self) -> Result<Box<dyn engines::Instance>> {
                let instantiate: fn(&Compiled, &$prepared, &mut Store<()>) -> Result<Instance> =
                    $instantiate;
                let mut store = Store::new(&self.engine, ());
                if store.get_fuel().is_ok() {
                    store.set_fuel(u64::MAX >> 1)?;
                }
                let instance = instantiate(self, self.prepared()?, &mut store)?;
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

            fn run_trapping(&mut self, times: u32) -> Result<u32> {
                let mut trapped = 0;
                for _ in 0..times {
                    trapped += u32::from(self.typed.call(&mut self.store, 0).is_err());
                }
                Ok(trapped)
            }

            fn run_dynamic_many(&mut self, n: u32, times: u32) -> Result<u32> {
                let mut results = [Val::I32(0)];
                for _ in 0..times {
                    self.func.call(&mut self.store, &[Val::I32(n.cast_signed())], &mut results)?;
                }
                let result = results[0].i32().ok_or_else(|| anyhow!("`run` did not give an i32"))?;
                Ok(result.cast_unsigned())
            }
        }
    };
}

pub(crate) use engine_with_interpreter_interface;
