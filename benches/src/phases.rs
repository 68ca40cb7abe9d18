//! The phases of a module's life and the work that is timed in each, for every engine.

use std::fmt;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use clap::ValueEnum;
use serde::Serialize;

use crate::clock::Clock;
use crate::engines::{Engine, check_result};
use crate::kernels::{Category, Input, Kernel};
use crate::programs::{
    Program, compiled_programs, empty, host_steps, instantiated_programs, trapping,
};

/// What a measurement is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Calls of compiled kernels; nothing is compiled or instantiated meanwhile.
    Execute,
    /// From wasm bytes to a module whose first call compiles nothing.
    Compile,
    /// From stored compiled code to a module.
    Load,
    /// From a module to an instance in a store of its own, and dropping both.
    Instantiate,
    /// Crossing between host and wasm.
    Call,
}

impl Phase {
    /// Every phase.
    pub const ALL: [Self; 5] = [
        Self::Execute,
        Self::Compile,
        Self::Load,
        Self::Instantiate,
        Self::Call,
    ];

    /// Whose time counts: only compilers start threads.
    pub fn clock(self) -> Clock {
        match self {
            Self::Compile => Clock::Process,
            Self::Execute | Self::Load | Self::Instantiate | Self::Call => Clock::Thread,
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Execute => "execute",
            Self::Compile => "compile",
            Self::Load => "load",
            Self::Instantiate => "instantiate",
            Self::Call => "call",
        })
    }
}

/// One line of a report: the same work on every engine that can do it.
pub struct Case<'e> {
    /// The phase.
    pub phase: Phase,
    /// The kernel or program.
    pub program: String,
    /// The kernel's category; the other phases have none.
    pub category: Option<Category>,
    /// Whether averages are also given without it.
    pub call_dominated: bool,
    /// One entry per engine.
    pub lanes: Vec<Lane<'e>>,
}

/// The work of one case on one engine, checked once before anything is timed.
pub struct Lane<'e> {
    /// The engine's name.
    pub engine: &'static str,
    /// Operations that one call of `work` makes; times are given per operation.
    pub operations: u32,
    /// Does the work once and checks its result; gives how long it took, if whoever calls cannot see that.
    pub work: Box<dyn FnMut() -> Result<Option<Duration>> + 'e>,
}

/// The case of one kernel, run with `input`.
///
/// # Errors
/// When an engine refuses the kernel or gives another result than the registry.
pub fn execute_case<'e>(
    engines: &'e [Box<dyn Engine>],
    kernel: &'static Kernel,
    input: Input,
) -> Result<Case<'e>> {
    let lanes = lanes(engines, Phase::Execute, kernel.name, |engine| {
        let mut instance = engine.compile(kernel.wasm)?.instantiate()?;
        instance.check(kernel.small)?;
        Ok(Some((1, Box::new(move || instance.check(input)))))
    })?;
    Ok(Case {
        phase: Phase::Execute,
        program: kernel.name.to_owned(),
        category: Some(kernel.category),
        call_dominated: kernel.call_dominated,
        lanes,
    })
}

/// The cases of a phase other than [`Phase::Execute`], which depends on kernels and inputs. Further `modules` are
/// compiled and loaded as well.
///
/// # Errors
/// When an engine refuses a program or gives another result than it should.
pub fn fixed_cases<'e>(
    engines: &'e [Box<dyn Engine>],
    phase: Phase,
    modules: &[Program],
) -> Result<Vec<Case<'e>>> {
    match phase {
        Phase::Execute => Ok(Vec::new()),
        Phase::Compile => compiled_programs()?
            .iter()
            .chain(modules)
            .map(|program| compile_case(engines, program))
            .collect(),
        Phase::Load => compiled_programs()?
            .iter()
            .chain(modules)
            .map(|program| load_case(engines, program))
            .collect(),
        Phase::Instantiate => instantiated_programs()?
            .into_iter()
            .map(|program| instantiate_case(engines, &program))
            .collect(),
        Phase::Call => call_cases(engines),
    }
}

fn compile_case<'e>(engines: &'e [Box<dyn Engine>], program: &Program) -> Result<Case<'e>> {
    let lanes = lanes(engines, Phase::Compile, &program.name, |engine| {
        let compiled = engine.compile(&program.wasm)?;
        if program.is_complete {
            compiled.instantiate()?.check(program.check)?;
        }
        let wasm = program.wasm.clone();
        Ok(Some((1, Box::new(move || seen(engine.compile(&wasm))))))
    })?;
    Ok(plain_case(Phase::Compile, &program.name, lanes))
}

fn load_case<'e>(engines: &'e [Box<dyn Engine>], program: &Program) -> Result<Case<'e>> {
    let lanes = lanes(engines, Phase::Load, &program.name, |engine| {
        let Some(stored) = engine.precompile(&program.wasm)? else {
            return Ok(None);
        };
        let loaded = engine.load(&stored)?;
        if program.is_complete {
            loaded.instantiate()?.check(program.check)?;
        }
        Ok(Some((1, Box::new(move || seen(engine.load(&stored))))))
    })?;
    Ok(plain_case(Phase::Load, &program.name, lanes))
}

fn instantiate_case<'e>(engines: &'e [Box<dyn Engine>], program: &Program) -> Result<Case<'e>> {
    let lanes = lanes(engines, Phase::Instantiate, &program.name, |engine| {
        let module = engine.compile(&program.wasm)?;
        module.instantiate()?.check(program.check)?;
        let called = program.is_called.then_some(program.check);
        let work = move || {
            let mut instance = module.instantiate()?;
            called.map_or(Ok(None), |input| instance.check(input))
        };
        Ok(Some((1, Box::new(work))))
    })?;
    Ok(plain_case(Phase::Instantiate, &program.name, lanes))
}

/// Calls of [`call_cases`] between two looks at the clock.
const CALLS: u32 = 1000;

fn call_cases(engines: &[Box<dyn Engine>]) -> Result<Vec<Case<'_>>> {
    let (empty, steps) = (empty()?, host_steps()?);
    let typed = lanes(engines, Phase::Call, "host_to_wasm_typed", |engine| {
        let mut instance = engine.compile(&empty.wasm)?.instantiate()?;
        let input = empty.check;
        let work = move || seen(check_result(input, instance.run_many(input.n, CALLS)?));
        Ok(Some((CALLS, Box::new(work))))
    })?;
    let dynamic = lanes(engines, Phase::Call, "host_to_wasm_dynamic", |engine| {
        let mut instance = engine.compile(&empty.wasm)?.instantiate()?;
        let input = empty.check;
        let work = move || {
            seen(check_result(
                input,
                instance.run_dynamic_many(input.n, CALLS)?,
            ))
        };
        Ok(Some((CALLS, Box::new(work))))
    })?;
    let to_host = lanes(engines, Phase::Call, "wasm_to_host", |engine| {
        let mut instance = engine.compile(&steps.wasm)?.instantiate()?;
        let input = steps.check;
        Ok(Some((input.n, Box::new(move || instance.check(input)))))
    })?;
    let mut cases = vec![
        plain_case(Phase::Call, "host_to_wasm_typed", typed),
        plain_case(Phase::Call, "host_to_wasm_dynamic", dynamic),
        plain_case(Phase::Call, "wasm_to_host", to_host),
    ];
    for program in trapping()? {
        let traps = lanes(engines, Phase::Call, &program.name, |engine| {
            let mut instance = engine.compile(&program.wasm)?.instantiate()?;
            let work = move || {
                ensure!(instance.run_trapping(CALLS)? == CALLS, "it does not trap");
                Ok(None)
            };
            Ok(Some((CALLS, Box::new(work))))
        })?;
        cases.push(plain_case(Phase::Call, &program.name, traps));
    }
    Ok(cases)
}

fn plain_case<'e>(phase: Phase, program: &str, lanes: Vec<Lane<'e>>) -> Case<'e> {
    Case {
        phase,
        program: program.to_owned(),
        category: None,
        call_dominated: false,
        lanes,
    }
}

/// Operations per call, and the call.
type Work<'e> = (u32, Box<dyn FnMut() -> Result<Option<Duration>> + 'e>);

/// Work whose time whoever calls it sees.
fn seen<T>(done: Result<T>) -> Result<Option<Duration>> {
    done.map(|_| None)
}

/// Prepares the work on each engine that can do it, and does it once: a wrong result ends here, before any timing.
fn lanes<'e>(
    engines: &'e [Box<dyn Engine>],
    phase: Phase,
    program: &str,
    prepare: impl Fn(&'e dyn Engine) -> Result<Option<Work<'e>>>,
) -> Result<Vec<Lane<'e>>> {
    let mut lanes = Vec::with_capacity(engines.len());
    for engine in engines
        .iter()
        .filter(|engine| engine.phases().contains(&phase))
    {
        let place = || format!("{phase}/{program} on {}", engine.name());
        let Some((operations, mut work)) = prepare(engine.as_ref()).with_context(place)? else {
            continue;
        };
        work().with_context(place)?;
        lanes.push(Lane {
            engine: engine.name(),
            operations,
            work,
        });
    }
    Ok(lanes)
}
