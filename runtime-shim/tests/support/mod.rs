//! Modes that every test runs in, and shorthands.
#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "each test crate uses a part of it, and may panic"
)]

use wasmelt::{
    BoundsChecks, Config, Engine, Error, Instance, Linker, Module, OptLevel, Store, WasmParams,
    WasmResults,
};

/// How modules are compiled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mode {
    pub(crate) bounds: BoundsChecks,
    pub(crate) signals: bool,
    pub(crate) opt_level: OptLevel,
}

impl Mode {
    pub(crate) const GUARD: Self = Self {
        bounds: BoundsChecks::Guard,
        signals: true,
        opt_level: OptLevel::Speed,
    };
    pub(crate) const EXPLICIT: Self = Self {
        bounds: BoundsChecks::Explicit,
        ..Self::GUARD
    };
    pub(crate) const SIGNAL_FREE: Self = Self {
        signals: false,
        ..Self::EXPLICIT
    };

    /// Every memory strategy with each effort.
    pub(crate) fn all() -> Vec<Self> {
        [OptLevel::Speed, OptLevel::None]
            .into_iter()
            .flat_map(|opt_level| {
                [Self::GUARD, Self::EXPLICIT, Self::SIGNAL_FREE]
                    .map(|mode| Self { opt_level, ..mode })
            })
            .collect()
    }

    pub(crate) fn config(self) -> Config {
        let mut config = Config::default();
        config
            .bounds_checks(self.bounds)
            .signals(self.signals)
            .opt_level(self.opt_level)
            .compile_threads(1);
        config
    }

    pub(crate) fn engine(self) -> Engine {
        Engine::new(&self.config())
    }
}

/// Runs a check in every mode, with the mode in the message if it fails.
pub(crate) fn in_every_mode(check: impl Fn(Mode)) {
    for mode in Mode::all() {
        println!("{mode:?}");
        check(mode);
    }
}

/// A module of text.
pub(crate) fn module(engine: &Engine, wat: &str) -> Module {
    Module::new(engine, wat).unwrap()
}

/// An instance without imports, in a store of its own.
pub(crate) fn instantiate(engine: &Engine, wat: &str) -> (Store<()>, Instance) {
    let mut store = Store::new(engine, ());
    let instance = Linker::new(engine)
        .instantiate_and_start(&mut store, &module(engine, wat))
        .unwrap();
    (store, instance)
}

/// Calls an export.
pub(crate) fn call<T, P: WasmParams, R: WasmResults>(
    store: &mut Store<T>,
    instance: Instance,
    name: &str,
    params: P,
) -> Result<R, Error> {
    instance
        .get_typed_func::<P, R>(&*store, name)
        .unwrap()
        .call(store, params)
}

/// Names of the functions in an error's backtrace, innermost first.
pub(crate) fn names(error: &Error) -> Vec<String> {
    let frames = error.backtrace().map(wasmelt::WasmBacktrace::frames);
    frames
        .unwrap_or_default()
        .iter()
        .map(|frame| frame.func_name().unwrap_or("?").to_owned())
        .collect()
}

/// Runs one test of this binary again in a child process, with a variable set. Returns its output
/// and whether it succeeded.
pub(crate) fn run_in_child(test: &str, variable: &str) -> (bool, String) {
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env("WASMELT_TEST_CHILD", variable)
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    (
        output.status.success(),
        String::from_utf8_lossy(&text).into_owned(),
    )
}

/// What [`run_in_child`] set, in the child.
pub(crate) fn child_variable() -> Option<String> {
    std::env::var("WASMELT_TEST_CHILD").ok()
}
