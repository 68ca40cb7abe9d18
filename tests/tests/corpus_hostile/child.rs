//! Runs one case under limits and reports: wasmelt's CPU time, the peak of memory, and how it compares with wasmi.

use std::collections::BTreeMap;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, setrlimit};
use rustix::time::{ClockId, clock_gettime};
use wasmelt_compiler::{CompileError, CompileOptions, compile};
use wasmelt_tests::bombs::lookup_recipe;
use wasmelt_tests::corpus::{Corpus, Entry};

use super::{
    MEMORY_BOUND_BYTES, Report, Suite, Verdict, cpu_bound, on_wasmelt, on_wasmi, thresholds,
};

/// Fuel of one call on the interpreter; what needs more is not called on wasmelt, since it might never end.
const FUEL: u64 = 5_000_000;
/// Exported functions that are called of one module.
const MAX_FUNCTIONS: usize = 64;
/// CPU time beyond the bound before the kernel kills: for reading, and for the interpreter's part.
const SLACK: Duration = Duration::from_secs(30);

/// How long a child may take, on however loaded a machine.
const WALL_LIMIT: Duration = Duration::from_secs(1_200);

/// What a call gave, in terms that both engines share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CallOutcome {
    /// It returned these bits; NaNs are all the same one.
    Returned(Vec<u64>),
    /// It trapped with the code of this name.
    Trapped(String),
    /// It failed otherwise: instantiation, or the host.
    Failed(String),
}

/// How to call an exported function.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Call<'a> {
    /// Its name; `None` only instantiates.
    pub(crate) function: Option<&'a str>,
    /// What every argument is.
    pub(crate) argument: i32,
}

/// Adds up CPU time of this process, all threads.
#[derive(Default)]
struct Stopwatch {
    total: Duration,
}

impl Stopwatch {
    fn time<R>(&mut self, work: impl FnOnce() -> R) -> R {
        let start = cpu_time();
        let result = work();
        self.total += cpu_time() - start;
        result
    }
}

/// Runs the case and says how it went.
pub(crate) fn run(suite: Suite, case: &str) -> Report {
    limit(Resource::Data, MEMORY_BOUND_BYTES);
    limit(Resource::Core, 0);
    start_watchdog();
    let corpus = (suite != Suite::Bomb).then(|| {
        Corpus::open()
            .expect("the parent read the corpus")
            .expect("the parent found the corpus")
    });
    let entry = corpus.as_ref().and_then(|corpus| corpus.lookup_file(case));
    let (wasm, expected) = match (&corpus, entry) {
        (Some(corpus), Some(entry)) => (corpus.read(entry).expect("the corpus is whole"), None),
        _ => {
            let bomb = lookup_recipe(case)
                .expect("the parent lists the recipes")
                .build(&thresholds());
            (bomb.wasm, Some(bomb.expected))
        }
    };
    let bound = cpu_bound(wasm.len() as u64) + SLACK;
    limit(Resource::Cpu, (cpu_time() + bound).as_secs() + 1);

    let (mut compile_time, mut run_time) = (Stopwatch::default(), Stopwatch::default());
    let verdict = match suite {
        Suite::Malformed => refuse(&mut compile_time, &wasm),
        Suite::Hostile => {
            let entry = entry.expect("hostile cases come from the corpus");
            probe(&mut compile_time, &mut run_time, entry, &wasm)
        }
        Suite::Bomb => {
            let expected = expected.expect("a bomb has a result");
            explode(&mut compile_time, &mut run_time, &wasm, expected)
        }
    };
    Report {
        verdict,
        wasm_len_bytes: wasm.len() as u64,
        compile: compile_time.total,
        run: run_time.total,
        peak_resident_kib: peak_resident_kib(),
    }
}

/// A malformed module: the compiler says which rule it breaks, and the engine refuses it as well.
fn refuse(compile_time: &mut Stopwatch, wasm: &[u8]) -> Verdict {
    let error = match compile_time.time(|| compile(wasm, &CompileOptions::default())) {
        Ok(_) => {
            return Verdict::Wrong {
                reason: "the compiler accepts it".to_owned(),
            };
        }
        Err(error) => error,
    };
    let names_a_rule = matches!(
        error,
        CompileError::Invalid(_)
            | CompileError::Unsupported(_)
            | CompileError::LimitExceeded { .. }
            | CompileError::NotWasm { .. }
    );
    if !names_a_rule {
        return Verdict::Wrong {
            reason: format!("refused for another reason: {error:?}"),
        };
    }
    match on_wasmelt::Probe::new(wasm) {
        Ok(_) => Verdict::Wrong {
            reason: "the compiler refuses it and the engine does not".to_owned(),
        },
        Err(message) => Verdict::Refused { message },
    }
}

/// A bomb: it compiles, and gives the known result where its frame fits the stack.
fn explode(
    compile_time: &mut Stopwatch,
    run_time: &mut Stopwatch,
    wasm: &[u8],
    expected: i32,
) -> Verdict {
    let probe = match compile_time.time(|| on_wasmelt::Probe::new(wasm)) {
        Ok(probe) => probe,
        Err(message) => return Verdict::Refused { message },
    };
    let call = Call {
        function: Some("run"),
        argument: 0,
    };
    match run_time.time(|| probe.call(call, None)) {
        CallOutcome::Returned(bits) if bits == [u64::from(expected.cast_unsigned())] => {
            Verdict::Ran {
                summary: "gives the known result".to_owned(),
            }
        }
        // A frame may be larger than the stack that a store has; that ends a call, and nothing else.
        CallOutcome::Trapped(code) if code == "StackOverflow" => Verdict::Ran {
            summary: "compiles, but needs more stack than a call has".to_owned(),
        },
        other => Verdict::Wrong {
            reason: format!("gives {other:?}, expected {expected}"),
        },
    }
}

/// A hostile module: what it can do, it does as on the interpreter.
fn probe(
    compile_time: &mut Stopwatch,
    run_time: &mut Stopwatch,
    entry: &Entry,
    wasm: &[u8],
) -> Verdict {
    let probe = match compile_time.time(|| on_wasmelt::Probe::new(wasm)) {
        Ok(_) if !entry.is_wasm1() => {
            return Verdict::Wrong {
                reason: format!("accepted, but needs {:?}", entry.needs),
            };
        }
        Ok(probe) => probe,
        Err(message) if entry.is_wasm1() => {
            return Verdict::Wrong {
                reason: format!("of the language, but refused: {message}"),
            };
        }
        Err(message) => return judge_refusal(entry, message),
    };
    let oracle = match on_wasmi::Probe::new(wasm) {
        Ok(oracle) => oracle,
        Err(message) => {
            return Verdict::Ran {
                summary: format!("compiles; the interpreter refuses it: {message}"),
            };
        }
    };
    let functions = probe.functions();
    let calls = functions.iter().take(MAX_FUNCTIONS).flat_map(|function| {
        [0, 7].map(|argument| Call {
            function: Some(function),
            argument,
        })
    });
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for call in std::iter::once(Call {
        function: None,
        argument: 0,
    })
    .chain(calls)
    {
        let expected = oracle.call(call, Some(FUEL));
        if expected == CallOutcome::Trapped("OutOfFuel".to_owned()) {
            *counts.entry("endless").or_default() += 1;
            continue;
        }
        let found = run_time.time(|| probe.call(call, None));
        let Some(comparison) = compare(&expected, &found) else {
            return Verdict::Wrong {
                reason: format!("{call:?} gives {found:?}, on the interpreter {expected:?}"),
            };
        };
        *counts.entry(comparison).or_default() += 1;
    }
    let counts: Vec<String> = counts
        .iter()
        .map(|(what, count)| format!("{count} {what}"))
        .collect();
    Verdict::Ran {
        summary: format!("calls: {}", counts.join(", ")),
    }
}

/// A valid module of a later language: the refusal must name the proposal that it needs.
fn judge_refusal(entry: &Entry, message: String) -> Verdict {
    if message.contains("the proposal `") {
        return Verdict::Refused { message };
    }
    Verdict::Wrong {
        reason: format!(
            "needs {:?}, but the refusal does not say so: {message}",
            entry.needs
        ),
    }
}

/// How two outcomes agree, in a word; `None` when they do not.
fn compare(expected: &CallOutcome, found: &CallOutcome) -> Option<&'static str> {
    // How deep the stack is differs between engines, and so does what a host can provide.
    let is_host_limit = |outcome: &CallOutcome| match outcome {
        CallOutcome::Trapped(code) => code == "StackOverflow" || code == "OutOfSystemMemory",
        CallOutcome::Failed(_) => true,
        CallOutcome::Returned(_) => false,
    };
    match (expected, found) {
        (CallOutcome::Returned(left), CallOutcome::Returned(right)) if left == right => {
            Some("equal")
        }
        (CallOutcome::Trapped(left), CallOutcome::Trapped(right)) if left == right => {
            Some("equal traps")
        }
        (CallOutcome::Failed(_), CallOutcome::Failed(_)) => Some("refused by both"),
        _ if is_host_limit(expected) || is_host_limit(found) => Some("at a host's limit"),
        _ => None,
    }
}

/// Ends this process when it waits without using CPU time, which no other limit notices.
fn start_watchdog() {
    std::thread::spawn(|| {
        std::thread::sleep(WALL_LIMIT);
        eprintln!("no end after {WALL_LIMIT:?}");
        std::process::abort();
    });
}

fn limit(resource: Resource, maximum: u64) {
    // Above the first limit of CPU time comes SIGXCPU, which says what happened; above the second one SIGKILL.
    let grace = if resource == Resource::Cpu { 5 } else { 0 };
    let limit = Rlimit {
        current: Some(maximum),
        maximum: Some(maximum + grace),
    };
    setrlimit(resource, limit).expect("a process may lower its own limits");
}

fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(
        u64::try_from(time.tv_sec).expect("CPU time is not negative"),
        u32::try_from(time.tv_nsec).expect("nanoseconds are below 10^9"),
    )
}

/// The line `VmHWM` of this process's status.
fn peak_resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux has /proc");
    status
        .lines()
        .find_map(|line| {
            line.strip_prefix("VmHWM:")?
                .trim()
                .strip_suffix(" kB")?
                .parse()
                .ok()
        })
        .expect("Linux reports the peak of resident memory")
}
