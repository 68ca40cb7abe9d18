//! Compiles, instantiates and executes one benchmark, and times each.

use thiserror::Error;
use wasi_common::WasiCtx;
use wasmelt::errors::LinkerError;
use wasmelt::{Caller, Engine, Instance, Linker, Module, Store};

use crate::flags::Flags;
use crate::snapshot::{self, HasWasi};
use crate::timer::{Timer, Timers};
use crate::wasi::{ContextError, Files};

/// An engine, and how far it is with its benchmark.
pub(crate) struct Bench {
    engine: Engine,
    linker: Linker<Host>,
    files: Files,
    timers: Timers,
    is_metered: bool,
    module: Option<Module>,
    running: Option<(Store<Host>, Instance)>,
}

/// Data of a benchmark's store.
struct Host {
    wasi: WasiCtx,
    execution: Timer,
}

/// Why a benchmark was not instantiated.
#[derive(Debug, Error)]
pub(crate) enum InstantiateError {
    #[error("no module was compiled")]
    NotCompiled,
    #[error("cannot set up WASI")]
    Context(#[from] ContextError),
    #[error(transparent)]
    Refused(#[from] wasmelt::Error),
}

/// Why a benchmark was not executed to a good end.
#[derive(Debug, Error)]
pub(crate) enum ExecuteError {
    #[error("no module was instantiated since the last execution")]
    NotInstantiated,
    #[error("the guest exited with status {0}")]
    Exit(i32),
    #[error(transparent)]
    Guest(#[from] wasmelt::Error),
}

impl HasWasi for Host {
    fn wasi(&mut self) -> &mut WasiCtx {
        &mut self.wasi
    }
}

impl Bench {
    pub(crate) fn new(flags: &Flags, files: Files, timers: Timers) -> Self {
        let engine = Engine::new(&flags.config());
        Self {
            linker: linker(&engine).expect("no name is defined twice"),
            engine,
            files,
            timers,
            is_metered: flags.is_metered(),
            module: None,
            running: None,
        }
    }

    /// Compiles and loads a module, in the place of the one before.
    ///
    /// # Errors
    ///
    /// If it is refused, or this host fails.
    pub(crate) fn compile(&mut self, wasm: &[u8]) -> Result<(), wasmelt::Error> {
        self.running = None;
        self.module = None;
        let timer = self.timers.compilation;
        self.module = Some(timer.time(|| Module::new(&self.engine, wasm))?);
        Ok(())
    }

    /// Makes an instance of the module, in the place of the one before.
    ///
    /// # Errors
    ///
    /// If there is no module, a file cannot be opened, an import is missing, or the start function traps.
    pub(crate) fn instantiate(&mut self) -> Result<(), InstantiateError> {
        self.running = None;
        let module = self.module.as_ref().ok_or(InstantiateError::NotCompiled)?;
        let host = Host {
            wasi: self.files.context()?,
            execution: self.timers.execution,
        };
        let running = self.timers.instantiation.time(|| {
            let mut store = Store::new(&self.engine, host);
            if self.is_metered {
                store.set_fuel(u64::MAX)?;
            }
            let instance = self.linker.instantiate_and_start(&mut store, module)?;
            Ok::<_, wasmelt::Error>((store, instance))
        })?;
        self.running = Some(running);
        Ok(())
    }

    /// Runs `_start` of the instance, which is gone afterwards. The guest starts and stops the clock.
    ///
    /// # Errors
    ///
    /// If there is no instance, or it ends otherwise than by returning or with status 0.
    pub(crate) fn execute(&mut self) -> Result<(), ExecuteError> {
        let running = self.running.take();
        let (mut store, instance) = running.ok_or(ExecuteError::NotInstantiated)?;
        let start = instance.get_typed_func::<(), ()>(&store, "_start")?;
        match start.call(&mut store, ()) {
            Ok(()) => Ok(()),
            Err(error) => match error.i32_exit_status() {
                Some(0) => Ok(()),
                Some(status) => Err(ExecuteError::Exit(status)),
                None => Err(error.into()),
            },
        }
    }
}

fn linker(engine: &Engine) -> Result<Linker<Host>, LinkerError> {
    let mut linker = Linker::new(engine);
    linker.func_wrap("bench", "start", |caller: Caller<'_, Host>| {
        caller.data().execution.start();
    })?;
    linker.func_wrap("bench", "end", |caller: Caller<'_, Host>| {
        caller.data().execution.end();
    })?;
    snapshot::add_to_linker(&mut linker)?;
    Ok(linker)
}
