//! wasmtime, the engine that the others are compared with.
#![allow(
    unsafe_code,
    reason = "wasmtime's `Module::deserialize` trusts its input"
)]

use std::cell::OnceCell;
use std::rc::Rc;

use anyhow::{Result, anyhow};
use wasmtime::{
    Config, Engine, Func, InstanceAllocationStrategy, InstancePre, Linker, Module, Store,
    TypedFunc, Val,
};

use crate::engines::{self, Variant};

/// wasmtime's settings. Without others: Cranelift for speed, guard pages, signals, no fuel, on-demand allocation.
pub(crate) const VARIANTS: &[Variant<Config>] = &[
    Variant {
        name: engines::BASELINE,
        settings: "defaults (cranelift, speed, for this processor)",
        configure: |_| {},
    },
    Variant {
        name: "wasmtime-inlining",
        settings: "defaults, but with inlining",
        configure: |config| {
            config.compiler_inlining(wasmtime::Inlining::Yes);
        },
    },
    Variant {
        name: "wasmtime-no-spectre",
        settings: "defaults, but without Spectre mitigations",
        // SAFETY: both flags exist in Cranelift and have no effect on what is computed.
        configure: |config| unsafe {
            config.cranelift_flag_set("enable_heap_access_spectre_mitigation", "false");
            config.cranelift_flag_set("enable_table_access_spectre_mitigation", "false");
        },
    },
    Variant {
        name: "wasmtime-fuel",
        settings: "defaults, but with fuel",
        configure: |config| {
            config.consume_fuel(true);
        },
    },
    Variant {
        name: "wasmtime-epoch",
        settings: "defaults, but with epoch interruption",
        configure: |config| {
            config.epoch_interruption(true);
        },
    },
    Variant {
        name: "wasmtime-explicit",
        settings: "defaults, but without reservation and guard pages",
        configure: |config| {
            config.memory_reservation(0).memory_guard_size(0);
        },
    },
    Variant {
        name: "wasmtime-no-signals",
        settings: "defaults, but without signals",
        configure: |config| {
            config.signals_based_traps(false);
        },
    },
    Variant {
        name: "wasmtime-pool",
        settings: "defaults, but with the pooling allocator in its defaults",
        configure: |config| {
            config.allocation_strategy(InstanceAllocationStrategy::pooling());
        },
    },
    Variant {
        name: "pulley",
        settings: "wasmtime's interpreter, of code that Cranelift optimised for it",
        configure: |config| {
            config.target("pulley64").expect("it is in this build");
        },
    },
    Variant {
        name: "wasmtime-nan",
        settings: "defaults, but with NaN canonicalisation",
        configure: |config| {
            config.cranelift_nan_canonicalization(true);
        },
    },
];

/// wasmtime with some settings.
pub(crate) struct WasmtimeEngine {
    variant: &'static Variant<Config>,
    engine: Engine,
    linker: Rc<Linker<()>>,
}

impl WasmtimeEngine {
    /// The engine with its settings.
    pub(crate) fn new(variant: &'static Variant<Config>) -> Result<Self> {
        let mut config = Config::new();
        (variant.configure)(&mut config);
        let engine = Engine::new(&config).map_err(lift)?;
        let mut linker = <Linker<()>>::new(&engine);
        linker
            .func_wrap("host", "step", |x: i32| x.wrapping_add(1))
            .map_err(lift)?;
        Ok(Self {
            variant,
            engine,
            linker: Rc::new(linker),
        })
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

impl engines::Engine for WasmtimeEngine {
    fn name(&self) -> &'static str {
        self.variant.name
    }

    fn version(&self) -> engines::Version {
        engines::Version::Locked("wasmtime")
    }

    fn settings(&self) -> String {
        self.variant.settings.to_owned()
    }

    fn compile(&self, wasm: &[u8]) -> Result<Box<dyn engines::Module>> {
        Ok(self.module(Module::from_binary(&self.engine, wasm).map_err(lift)?))
    }

    fn precompile(&self, wasm: &[u8]) -> Result<Option<Vec<u8>>> {
        self.engine.precompile_module(wasm).map(Some).map_err(lift)
    }

    fn load(&self, precompiled: &[u8]) -> Result<Box<dyn engines::Module>> {
        // SAFETY: the interface asks for bytes that `precompile` of this engine gave, unchanged; the benches pass
        // nothing else.
        let module = unsafe { Module::deserialize(&self.engine, precompiled) }.map_err(lift)?;
        Ok(self.module(module))
    }
}

struct Compiled {
    engine: Engine,
    linker: Rc<Linker<()>>,
    module: Module,
    prepared: OnceCell<InstancePre<()>>,
}

impl Compiled {
    fn prepared(&self) -> Result<&InstancePre<()>> {
        if let Some(prepared) = self.prepared.get() {
            return Ok(prepared);
        }
        let prepared = self.linker.instantiate_pre(&self.module).map_err(lift)?;
        Ok(self.prepared.get_or_init(|| prepared))
    }
}

impl engines::Module for Compiled {
    fn instantiate(&self) -> Result<Box<dyn engines::Instance>> {
        let mut store = Store::new(&self.engine, ());
        if store.get_fuel().is_ok() {
            store.set_fuel(u64::MAX >> 1).map_err(lift)?;
        }
        // Of no effect without epochs.
        store.set_epoch_deadline(1);
        let instance = self.prepared()?.instantiate(&mut store).map_err(lift)?;
        let func = instance
            .get_func(&mut store, "run")
            .ok_or_else(|| anyhow!("the module does not export `run`"))?;
        let typed = func.typed::<i32, i32>(&store).map_err(lift)?;
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
            result = self
                .typed
                .call(&mut self.store, n.cast_signed())
                .map_err(lift)?;
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
            let params = [Val::I32(n.cast_signed())];
            self.func
                .call(&mut self.store, &params, &mut results)
                .map_err(lift)?;
        }
        let result = results[0]
            .i32()
            .ok_or_else(|| anyhow!("`run` did not return an i32"))?;
        Ok(result.cast_unsigned())
    }
}

/// wasmtime has an error type of its own, which prints its causes with `{:?}`.
fn lift(error: wasmtime::Error) -> anyhow::Error {
    anyhow!("{error:?}")
}
