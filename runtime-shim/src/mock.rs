//! A host for tests: it answers a guest's calls as a script says, and records them.

use crate::{
    error::Error,
    func::{Caller, HostFuncDefinition},
    instance::Extern,
    linker::{Definition, Linker},
    module::Module,
    types::{ExternType, FuncType},
    value::Val,
};
use core::fmt;
use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use wasmelt_abi::TrapCode;

type Function<T> =
    dyn Fn(Caller<'_, T>, &[Val], &mut [Val]) -> Result<(), Error> + Send + Sync + 'static;
type Failure = dyn Fn() -> Error + Send + Sync + 'static;

/// What a function of a [`MockHost`] does when it is called.
pub struct Answer<T> {
    kind: Kind<T>,
}

enum Kind<T> {
    Values(Arc<[Val]>),
    Failure(Arc<Failure>),
    Function(Arc<Function<T>>),
}

impl<T> Clone for Answer<T> {
    fn clone(&self) -> Self {
        let kind = match &self.kind {
            Kind::Values(values) => Kind::Values(Arc::clone(values)),
            Kind::Failure(failure) => Kind::Failure(Arc::clone(failure)),
            Kind::Function(function) => Kind::Function(Arc::clone(function)),
        };
        Self { kind }
    }
}

impl<T> fmt::Debug for Answer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Values(values) => f.debug_tuple("Values").field(values).finish(),
            Kind::Failure(failure) => f.debug_tuple("Failure").field(&failure()).finish(),
            Kind::Function(_) => f.write_str("Function(..)"),
        }
    }
}

impl<T> Answer<T> {
    /// Returns values; the guest's call fails if they are not those of the function's type.
    pub fn values(values: impl IntoIterator<Item = Val>) -> Self {
        Self {
            kind: Kind::Values(values.into_iter().collect()),
        }
    }

    /// Ends the guest with a trap.
    #[must_use]
    pub fn trap(code: TrapCode) -> Self {
        Self::error(move || code.into())
    }

    /// Ends the guest with an error, made anew for each call.
    pub fn error(make: impl Fn() -> Error + Send + Sync + 'static) -> Self {
        Self {
            kind: Kind::Failure(Arc::new(make)),
        }
    }

    /// Runs a function, which gets the parameters, and zeros to put the results into.
    pub fn call(
        function: impl Fn(Caller<'_, T>, &[Val], &mut [Val]) -> Result<(), Error>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        Self {
            kind: Kind::Function(Arc::new(function)),
        }
    }

    fn give(
        &self,
        caller: Caller<'_, T>,
        ty: &FuncType,
        params: &[Val],
        results: &mut [Val],
    ) -> Result<(), Error> {
        match &self.kind {
            Kind::Values(values) => {
                ty.check_results(values)?;
                results.clone_from_slice(values);
                Ok(())
            }
            Kind::Failure(make) => Err(make()),
            Kind::Function(function) => function(caller, params, results),
        }
    }
}

/// Who answered a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnsweredBy {
    /// The script.
    Script,
    /// The function that the linker has.
    Host,
    /// Nobody: the call failed.
    Nobody,
}

/// A call that a [`MockHost`] recorded.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct MockCall {
    /// Module name of the import.
    pub module: Arc<str>,
    /// Field name of the import.
    pub name: Arc<str>,
    /// Parameters.
    pub params: Vec<Val>,
    /// Results, or the error's text.
    pub outcome: Result<Vec<Val>, String>,
    /// Who answered.
    pub answered_by: AnsweredBy,
}

impl fmt::Display for MockCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            module,
            name,
            params,
            outcome,
            ..
        } = self;
        write!(f, "{module}::{name}{params:?} ")?;
        match outcome {
            Ok(results) => write!(f, "= {results:?}"),
            Err(error) => write!(f, "failed: {error}"),
        }
    }
}

/// A host for tests. It answers the calls of a guest's imports in the order of a script, passes those that
/// the script does not know on to the functions of a linker, and records all of them.
///
/// ```
/// use wasmelt::{
///     Engine, Linker, Module, Store, Val,
///     mock::{Answer, MockHost},
/// };
///
/// let engine = Engine::default();
/// let module = Module::new(&engine, r#"
///     (module
///         (import "env" "clock" (func $clock (result i64)))
///         (import "env" "log" (func $log (param i64)))
///         (func (export "elapsed") (result i64) (local $from i64) (local $elapsed i64)
///             (local.set $from (call $clock))
///             (local.set $elapsed (i64.sub (call $clock) (local.get $from)))
///             (call $log (local.get $elapsed))
///             local.get $elapsed))
/// "#)?;
/// let mock = MockHost::new();
/// mock.answer("env", "clock", Answer::values([Val::I64(1000)]));
/// mock.answer("env", "clock", Answer::values([Val::I64(1042)]));
/// mock.answer_always("env", "log", Answer::values([]));
///
/// let linker = mock.link(&Linker::<()>::new(&engine), &module)?;
/// let mut store = Store::new(&engine, ());
/// let instance = linker.instantiate_and_start(&mut store, &module)?;
/// let elapsed = instance.get_typed_func::<(), i64>(&store, "elapsed")?;
/// assert_eq!(elapsed.call(&mut store, ())?, 42);
///
/// let logged = mock.calls_of("env", "log");
/// assert_eq!(logged[0].params[0].i64(), Some(42));
/// assert!(mock.unused_answers().is_empty());
/// # Ok::<(), wasmelt::Error>(())
/// ```
pub struct MockHost<T> {
    state: Arc<Mutex<State<T>>>,
}

struct State<T> {
    scripts: BTreeMap<(Arc<str>, Arc<str>), Script<T>>,
    calls: Vec<MockCall>,
}

struct Script<T> {
    /// Answers for one call each.
    next: VecDeque<Answer<T>>,
    /// The answer for all other calls.
    always: Option<Answer<T>>,
}

impl<T> Default for Script<T> {
    fn default() -> Self {
        Self {
            next: VecDeque::new(),
            always: None,
        }
    }
}

impl<T> Script<T> {
    fn next(&mut self) -> Option<Answer<T>> {
        self.next.pop_front().or_else(|| self.always.clone())
    }
}

impl<T> Clone for MockHost<T> {
    /// The same host: clones share script and record.
    fn clone(&self) -> Self {
        Self {
            state: Arc::clone(&self.state),
        }
    }
}

impl<T> Default for MockHost<T> {
    fn default() -> Self {
        Self {
            state: Arc::new(Mutex::new(State {
                scripts: BTreeMap::new(),
                calls: Vec::new(),
            })),
        }
    }
}

impl<T> fmt::Debug for MockHost<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MockHost")
            .field("calls", &self.state().calls)
            .finish_non_exhaustive()
    }
}

impl<T> MockHost<T> {
    /// A host with an empty script.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the answer for one more call of a function, after those that were added before.
    pub fn answer(&self, module: &str, name: &str, answer: Answer<T>) -> &Self {
        self.script(module, name, |script| script.next.push_back(answer))
    }

    /// Sets the answer for every call of a function that has no answer of its own.
    pub fn answer_always(&self, module: &str, name: &str, answer: Answer<T>) -> &Self {
        self.script(module, name, |script| script.always = Some(answer))
    }

    fn script(&self, module: &str, name: &str, change: impl FnOnce(&mut Script<T>)) -> &Self {
        let key = (module.into(), name.into());
        change(self.state().scripts.entry(key).or_default());
        self
    }

    /// The calls so far, in their order.
    #[must_use]
    pub fn calls(&self) -> Vec<MockCall> {
        self.state().calls.clone()
    }

    /// The calls of one function so far, in their order.
    #[must_use]
    pub fn calls_of(&self, module: &str, name: &str) -> Vec<MockCall> {
        let state = self.state();
        let of_function = |call: &&MockCall| (&*call.module, &*call.name) == (module, name);
        state.calls.iter().filter(of_function).cloned().collect()
    }

    /// Forgets the calls so far, and gives them.
    #[must_use]
    pub fn take_calls(&self) -> Vec<MockCall> {
        core::mem::take(&mut self.state().calls)
    }

    /// Names of the functions that were called less often than the script has answers for single calls,
    /// and how many answers are left.
    #[must_use]
    pub fn unused_answers(&self) -> Vec<(Arc<str>, Arc<str>, usize)> {
        let state = self.state();
        let left = state
            .scripts
            .iter()
            .filter(|(_, script)| !script.next.is_empty());
        left.map(|((module, name), script)| {
            (Arc::clone(module), Arc::clone(name), script.next.len())
        })
        .collect()
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        // What panics is the embedder's code, which runs without the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: 'static> MockHost<T> {
    /// A linker like `linker`, in which every function that the module imports is this host's. Calls that
    /// the script does not answer go to the function that `linker` has. If it has none, they fail.
    ///
    /// # Errors
    ///
    /// Never, so far.
    pub fn link(&self, linker: &Linker<T>, module: &Module) -> Result<Linker<T>, Error> {
        let mut mocked = linker.clone();
        let functions = || {
            let imports = module.imports();
            imports.filter(|import| matches!(import.ty(), ExternType::Func(_)))
        };
        for import in functions() {
            mocked.undefine(import.module(), import.name());
        }
        // A module may import a function twice, or two functions of one name.
        mocked.allow_shadowing(true).allow_overloads(true);
        for import in functions() {
            let ExternType::Func(ty) = import.ty() else {
                continue;
            };
            // One of another type is none.
            let known = linker
                .lookup_import(&import, None)
                .filter(|known| match known {
                    Definition::HostFunc(function) => function.ty() == ty,
                    Definition::Extern(_) => true,
                });
            let known = known.cloned();
            let function = self.function(import.module(), import.name(), ty.clone(), known);
            mocked.define_host_func(import.module(), import.name(), function)?;
        }
        mocked
            .allow_shadowing(linker.is_shadowing_allowed())
            .allow_overloads(linker.are_overloads_allowed());
        Ok(mocked)
    }

    /// A function that asks the script, then the definition that the linker has, and records.
    fn function(
        &self,
        module: &str,
        name: &str,
        ty: FuncType,
        known: Option<Definition<T>>,
    ) -> HostFuncDefinition<T> {
        let host = self.clone();
        let key: (Arc<str>, Arc<str>) = (module.into(), name.into());
        let result_ty = ty.clone();
        HostFuncDefinition::new(ty, move |caller, params, results| {
            let scripted = {
                let mut state = host.state();
                let script = state.scripts.get_mut(&key);
                script.and_then(Script::next)
            };
            let (answered_by, outcome) = match (scripted, &known) {
                (Some(answer), _) => (
                    AnsweredBy::Script,
                    answer.give(caller, &result_ty, params, results),
                ),
                (None, Some(known)) => (AnsweredBy::Host, pass_on(known, caller, params, results)),
                (None, None) => (AnsweredBy::Nobody, Err(unanswered(&key))),
            };
            host.state().calls.push(MockCall {
                module: Arc::clone(&key.0),
                name: Arc::clone(&key.1),
                params: params.to_vec(),
                outcome: match &outcome {
                    Ok(()) => Ok(results.to_vec()),
                    Err(error) => Err(error.kind().to_string()),
                },
                answered_by,
            });
            outcome
        })
    }
}

/// Calls what the linker has.
fn pass_on<T>(
    known: &Definition<T>,
    mut caller: Caller<'_, T>,
    params: &[Val],
    results: &mut [Val],
) -> Result<(), Error> {
    match known {
        Definition::HostFunc(function) => function.call(caller, params, results),
        Definition::Extern(Extern::Func(func)) => func.call(&mut caller, params, results),
        Definition::Extern(_) => Err(Error::new(
            "the linker defines the name of an imported function as something else",
        )),
    }
}

#[cold]
fn unanswered((module, name): &(Arc<str>, Arc<str>)) -> Error {
    Error::new(format!(
        "the mock host has no answer for this call of ({module},{name}): add one with \
         MockHost::answer, or define the function, with this type, in the linker"
    ))
}
