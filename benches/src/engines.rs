//! The engines that are compared, behind one interface: compile, load, instantiate, call.

mod interpreter_interface;
mod native_engine;
mod node_engine;
mod wasmelt_engine;
mod wasmi_engine;
mod wasmtime_engine;

use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};

use crate::kernels::Input;
use crate::phases::Phase;

pub(crate) use interpreter_interface::engine_with_interpreter_interface;

/// The engine that the others are compared with.
pub const BASELINE: &str = "wasmtime";

/// A way to run wasm, with fixed settings.
pub trait Engine {
    /// Its name in reports.
    fn name(&self) -> &'static str;

    /// Its version.
    fn version(&self) -> Version;

    /// What it can take part in: all, unless it says otherwise.
    fn phases(&self) -> &'static [Phase] {
        &Phase::ALL
    }

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

/// Where an engine's version stands.
pub enum Version {
    /// In `Cargo.lock`, for this crate.
    Locked(&'static str),
    /// The program said so itself.
    Found(String),
}

impl Version {
    /// As text.
    #[must_use]
    pub fn text(self) -> String {
        match self {
            Self::Locked(crate_name) => locked_version(crate_name).unwrap_or("unknown").to_owned(),
            Self::Found(version) => version,
        }
    }
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

    /// Calls `run(0)`, which traps, `times` times, and gives how often it did.
    ///
    /// # Errors
    /// When the engine cannot.
    fn run_trapping(&mut self, times: u32) -> Result<u32>;

    /// Calls `run(n)` once, and gives how long that took, if whoever calls cannot see it.
    ///
    /// # Errors
    /// When the call traps.
    fn run_timed(&mut self, n: u32) -> Result<(u32, Option<Duration>)> {
        Ok((self.run_many(n, 1)?, None))
    }

    /// Calls `run` with the input's argument and compares its result.
    ///
    /// # Errors
    /// When the call traps or gives another result.
    fn check(&mut self, input: Input) -> Result<Option<Duration>> {
        let (result, taken) = self.run_timed(input.n)?;
        check_result(input, result)?;
        Ok(taken)
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

/// The engines that are compared when none is named, the baseline first.
///
/// # Errors
/// When an engine refuses its settings.
pub fn engines() -> Result<Vec<Box<dyn Engine>>> {
    select_engines(&[], BASELINE)
}

/// Engines of which [`engines`] consists.
const USUAL: [&str; 3] = [BASELINE, "wasmelt", "wasmi"];

/// The engines of these names, [`engines`] when there is none, with the baseline first whether named or not.
///
/// # Errors
/// When there is no such engine, or one refuses its settings.
pub fn select_engines(names: &[String], baseline: &str) -> Result<Vec<Box<dyn Engine>>> {
    let mut known = known_engines();
    let wanted: Vec<&str> = match names {
        [] => USUAL.to_vec(),
        names => names.iter().map(String::as_str).collect(),
    };
    let unknown = wanted
        .iter()
        .chain([&baseline])
        .find(|name| known.iter().all(|(known, _)| known != *name));
    if let Some(name) = unknown {
        let known: Vec<_> = known.iter().map(|(name, _)| *name).collect();
        bail!("no engine `{name}`; there are {}", known.join(", "));
    }
    // Stable, so that the others keep their order.
    known.sort_by_key(|(name, _)| *name != baseline);
    known
        .into_iter()
        .filter(|(name, _)| *name == baseline || wanted.contains(name))
        .map(|(name, make)| make().with_context(|| format!("the engine {name}")))
        .collect()
}

type Make = Box<dyn FnOnce() -> Result<Box<dyn Engine>>>;

/// Every engine and variant that can be named.
fn known_engines() -> Vec<(&'static str, Make)> {
    let mut known: Vec<(&'static str, Make)> = Vec::new();
    for variant in wasmtime_engine::VARIANTS {
        let make = || Ok(Box::new(wasmtime_engine::WasmtimeEngine::new(variant)?) as _);
        known.push((variant.name, Box::new(make)));
    }
    for variant in wasmelt_engine::VARIANTS {
        let make = || Ok(Box::new(wasmelt_engine::WasmeltEngine::new(variant)?) as _);
        known.push((variant.name, Box::new(make)));
    }
    for (name, is_hashed) in [
        (wasmelt_engine::CACHED, true),
        (wasmelt_engine::UNHASHED, false),
    ] {
        let make = move || Ok(Box::new(wasmelt_engine::CachedEngine::new(is_hashed)?) as _);
        known.push((name, Box::new(make)));
    }
    for variant in native_engine::VARIANTS {
        let make = || Ok(Box::new(native_engine::NativeEngine::new(*variant)?) as _);
        known.push((variant.name, Box::new(make)));
    }
    let make = || Ok(Box::new(node_engine::NodeEngine::new()?) as _);
    known.push((node_engine::NAME, Box::new(make)));
    for variant in wasmi_engine::VARIANTS {
        let make = || Ok(Box::new(wasmi_engine::WasmiEngine::new(variant)?) as _);
        known.push((variant.name, Box::new(make)));
    }
    known
}

/// An engine with settings of its own.
pub(crate) struct Variant<C> {
    /// Its name in reports.
    pub(crate) name: &'static str,
    /// The settings in words.
    pub(crate) settings: &'static str,
    /// Sets them.
    pub(crate) configure: fn(&mut C),
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
    use anyhow::Result;

    use super::{BASELINE, USUAL, known_engines, locked_version, select_engines};

    const MAY_BE_ABSENT: [&str; 4] = ["gcc", "clang", "wasm2c", "node"];

    #[test]
    fn every_engine_has_a_version() {
        for (name, make) in known_engines() {
            let engine = match make() {
                Ok(engine) => engine,
                // A program that this machine does not have.
                Err(error) if MAY_BE_ABSENT.contains(&name) => {
                    eprintln!("not compared: {name}: {error:#}");
                    continue;
                }
                Err(error) => panic!("{name}: {error:#}"),
            };
            assert_eq!(engine.name(), name);
            let version = engine.version().text();
            assert!(
                version.starts_with(|c: char| c.is_ascii_digit()),
                "{version}"
            );
        }
        assert_eq!(locked_version("no-such-crate"), None);
    }

    fn names(named: &[&str], baseline: &str) -> Result<Vec<&'static str>> {
        let named: Vec<String> = named.iter().map(|&name| name.to_owned()).collect();
        let selected = select_engines(&named, baseline)?;
        Ok(selected.iter().map(|engine| engine.name()).collect())
    }

    #[test]
    fn the_baseline_comes_first_and_always() {
        let found = names(&["wasmi"], BASELINE).expect("both are there");
        assert_eq!(found, [BASELINE, "wasmi"]);
        let found = names(&["wasmtime", "wasmelt-fuel"], "wasmelt").expect("all are there");
        assert_eq!(found, ["wasmelt", "wasmtime", "wasmelt-fuel"]);
        assert_eq!(names(&[], BASELINE).expect("they are there"), USUAL);
    }

    #[test]
    fn an_unknown_engine_is_refused_by_name() {
        for (named, baseline) in [("v9", BASELINE), ("wasmi", "v9")] {
            let error = names(&[named], baseline).expect_err("there is no v9");
            let error = error.to_string();
            assert!(
                error.starts_with("no engine `v9`; there are wasmtime, "),
                "{error}"
            );
            assert!(error.contains(", wasmelt-native, "), "{error}");
        }
    }
}
