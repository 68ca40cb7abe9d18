//! The engines that are compared, behind one interface: compile, load, instantiate, call.

mod interpreter_interface;
mod wasmelt_engine;
mod wasmi_engine;
mod wasmtime_engine;

use anyhow::{Result, bail, ensure};

use crate::kernels::Input;

pub(crate) use interpreter_interface::engine_with_interpreter_interface;

/// The engine that the others are compared with.
pub const BASELINE: &str = "wasmtime";

/// A way to run wasm, with fixed settings.
pub trait Engine {
    /// Its name in reports.
    fn name(&self) -> &'static str;

    /// The crate whose version in `Cargo.lock` is the engine's.
    fn crate_name(&self) -> &'static str;

    /// What is set and what is left at its default, in words.
    fn settings(&self) -> String;

    /// Turns wasm bytes into something that can be instantiated; nothing is left to do at the first call.
    ///
    /// # Errors
    /// When the engine refuses the module.
    fn compile(&self, wasm: &[u8]) -> Result<Box<dyn Module>>;

    /// The bytes that [`Engine::load`] takes, or `None` for an engine that does not store compiled code.
    ///
    /// # Errors
    /// When the engine refuses the module.
    fn precompile(&self, wasm: &[u8]) -> Result<Option<Vec<u8>>>;

    /// Loads what [`Engine::precompile`] gave, with the checks that the engine makes by itself.
    ///
    /// # Errors
    /// When the engine cannot load or refuses the bytes.
    fn load(&self, precompiled: &[u8]) -> Result<Box<dyn Module>>;
}

/// Compiled code, ready to be instantiated many times.
pub trait Module {
    /// A new instance in a store of its own. The import `host.step` of type `(i32) -> i32` is there for those who ask
    /// for it, and adds one.
    ///
    /// # Errors
    /// When instantiation fails or `run` is not exported as `(i32) -> i32`.
    fn instantiate(&self) -> Result<Box<dyn Instance>>;
}

/// A running module.
pub trait Instance {
    /// Calls `run(n)` through the typed interface `times` times and gives the last result.
    ///
    /// # Errors
    /// When the call traps.
    fn run_many(&mut self, n: u32, times: u32) -> Result<u32>;

    /// As [`Instance::run_many`], but through the interface with dynamic values.
    ///
    /// # Errors
    /// When the call traps.
    fn run_dynamic_many(&mut self, n: u32, times: u32) -> Result<u32>;

    /// Calls `run` with the input's argument and compares its result.
    ///
    /// # Errors
    /// When the call traps or gives another result.
    fn check(&mut self, input: Input) -> Result<()> {
        check_result(input, self.run_many(input.n, 1)?)
    }
}

/// Compares a result with the one that the input must give.
///
/// # Errors
/// When they differ.
pub fn check_result(input: Input, found: u32) -> Result<()> {
    let Input { n, expected } = input;
    ensure!(
        found == expected,
        "run({n}) gave {found:#010x}, expected {expected:#010x}"
    );
    Ok(())
}

/// The engines that are always compared, the baseline first.
///
/// # Errors
/// When an engine refuses its settings.
pub fn engines() -> Result<Vec<Box<dyn Engine>>> {
    Ok(vec![
        Box::new(wasmtime_engine::WasmtimeEngine::new()?),
        Box::new(wasmelt_engine::WasmeltEngine::new()?),
        Box::new(wasmi_engine::WasmiEngine::new()?),
    ])
}

/// Engines that run only when named.
fn extra_engines() -> Result<Vec<Box<dyn Engine>>> {
    Ok(vec![Box::new(wasmelt_engine::WasmeltEngine::native()?)])
}

/// The engines of these names, the baseline first whether named or not; [`engines`] when no name is given.
///
/// # Errors
/// When there is no such engine, or one refuses its settings.
pub fn select_engines(names: &[String]) -> Result<Vec<Box<dyn Engine>>> {
    let mut all = engines()?;
    if names.is_empty() {
        return Ok(all);
    }
    all.extend(extra_engines()?);
    if let Some(name) = names
        .iter()
        .find(|name| !all.iter().any(|engine| engine.name() == *name))
    {
        let known: Vec<_> = all.iter().map(|engine| engine.name()).collect();
        bail!("no engine `{name}`; there are {}", known.join(", "));
    }
    all.retain(|engine| {
        engine.name() == BASELINE || names.iter().any(|name| name == engine.name())
    });
    Ok(all)
}

/// The version of a crate that this build was made with, read from the lock file.
pub fn locked_version(crate_name: &str) -> Option<&'static str> {
    const LOCK: &str = include_str!("../../Cargo.lock");
    let header = format!("name = \"{crate_name}\"\nversion = \"");
    let (_, rest) = LOCK.split_once(&header)?;
    rest.split('"').next()
}

#[cfg(test)]
mod tests {
    use super::{BASELINE, engines, locked_version, select_engines};

    #[test]
    fn every_engine_has_a_version_in_the_lock_file() {
        let all = engines().and_then(|mut all| {
            all.extend(super::extra_engines()?);
            Ok(all)
        });
        for engine in all.expect("the settings are accepted") {
            let version = locked_version(engine.crate_name());
            assert!(version.is_some_and(|v| v.starts_with(|c: char| c.is_ascii_digit())));
        }
        assert_eq!(locked_version("no-such-crate"), None);
    }

    #[test]
    fn the_baseline_comes_first_and_always() {
        let selected = select_engines(&["wasmi".to_owned()]).expect("wasmi is there");
        let names: Vec<_> = selected.iter().map(|engine| engine.name()).collect();
        assert_eq!(names, [BASELINE, "wasmi"]);
    }

    #[test]
    fn an_unknown_engine_is_refused_by_name() {
        let error = select_engines(&["v9".to_owned()])
            .err()
            .expect("there is no v9")
            .to_string();
        assert_eq!(
            error,
            "no engine `v9`; there are wasmtime, wasmelt, wasmi, wasmelt-native"
        );
    }
}
