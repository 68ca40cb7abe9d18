//! Lists the engines that runtimes run on, behind one interface.

use crate::report::{CallOptions, CallReport, SetupError};

/// A runtime that some engine has compiled.
pub trait LoadedRuntime {
    /// Whether it exports something called `name`.
    fn exports(&self, name: &str) -> bool;

    /// Calls the entry point `name` of a fresh instance.
    ///
    /// # Errors
    ///
    /// When no instance can be made. A call that fails is reported in the [`CallReport`].
    fn call(
        &self,
        name: &str,
        argument: &[u8],
        options: CallOptions,
    ) -> Result<CallReport, SetupError>;
}

/// How many configurations of wasmelt to use beside the interpreter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Breadth {
    /// The one that nodes are expected to use.
    Main,
    /// Each way of checking bounds, and the imported memory left imported.
    Every,
}

/// A runtime on one engine in one configuration.
pub struct OnEngine {
    /// What the engine and its configuration are called.
    pub engine: String,
    /// The compiled runtime.
    pub runtime: Box<dyn LoadedRuntime>,
}

/// Compiles `wasm` on each engine, the interpreter first.
///
/// # Errors
///
/// When an engine refuses it.
pub fn load_everywhere(wasm: &[u8], breadth: Breadth) -> Result<Vec<OnEngine>, SetupError> {
    let interpreter = OnEngine {
        engine: "wasmi".to_owned(),
        runtime: Box::new(crate::on_wasmi::load(wasm)?),
    };
    let compiled = crate::on_wasmelt::load(wasm, breadth)?;
    let compiled = compiled.into_iter().map(|(name, runtime)| OnEngine {
        engine: name.to_owned(),
        runtime: Box::new(runtime),
    });
    Ok(std::iter::once(interpreter).chain(compiled).collect())
}
