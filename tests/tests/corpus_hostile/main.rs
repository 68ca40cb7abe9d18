//! Malformed modules are refused, hostile ones run or are refused, and compile bombs obey a bound: each in a process of
//! its own, with limits, in which nothing panics.
//!
//! This file is the parent: it starts itself once per case (`--child <suite> <case>`), judges what the child reports or
//! how it died, and prints a table of outcomes in the end. `child.rs` is the other side.
//!
//! The bound for wasmelt's own work is 2 s and 10 s per MiB of wasm, in CPU time over all threads, and 2 GiB. Memory is
//! limited by `RLIMIT_DATA`, which counts private writable memory and not the address space that guard pages reserve;
//! the peak of resident memory is compared as well.
#![allow(
    clippy::cast_precision_loss,
    reason = "sizes and times are printed and compared with two digits"
)]

mod child;
#[path = "../modes/mod.rs"]
mod modes;
mod on_wasmelt;
mod on_wasmi;

use std::io::Write as _;
use std::process::{Command, ExitCode, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use libtest_mimic::{Arguments, Failed, Trial};
use modes::Mode;
use serde::{Deserialize, Serialize};
use wasmelt_compiler::Governor;
use wasmelt_tests::bombs::{RECIPES, Thresholds};
use wasmelt_tests::corpus::Corpus;

/// The first argument of a child.
const CHILD: &str = "--child";

/// What a case is about, and so what is expected of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Suite {
    /// Must be refused.
    Malformed,
    /// Must run like on the interpreter, or be refused.
    Hostile,
    /// Must compile and give the known result.
    Bomb,
}

impl Suite {
    const ALL: [(Self, &str); 3] = [
        (Self::Malformed, "malformed"),
        (Self::Hostile, "hostile"),
        (Self::Bomb, "bomb"),
    ];

    fn name(self) -> &'static str {
        let (_, name) = Self::ALL[self as usize];
        name
    }

    fn lookup(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .find(|(_, known)| *known == name)
            .map(|(suite, _)| *suite)
    }
}

/// How a case ended, as the child tells its parent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
enum Verdict {
    /// The module compiled, and what was called behaved as it must.
    Ran {
        /// What was called and how it compares, in words.
        summary: String,
    },
    /// The module was refused.
    Refused {
        /// The message.
        message: String,
    },
    /// Something is wrong.
    Wrong {
        /// What, in words.
        reason: String,
    },
}

/// What a child reports in one line of JSON on stdout.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Report {
    verdict: Verdict,
    /// Length of the module.
    wasm_len_bytes: u64,
    /// CPU time of compiling and loading, all threads.
    compile: Duration,
    /// CPU time of instantiating and calling, without the interpreter's part.
    run: Duration,
    /// Peak of resident memory.
    peak_resident_kib: u64,
}

impl Report {
    /// CPU time of wasmelt's own work.
    fn cpu_time(&self) -> Duration {
        self.compile + self.run
    }
}

/// CPU time that wasmelt may use for a module of this length: 2 s, and 10 s per MiB.
fn cpu_bound(wasm_len_bytes: u64) -> Duration {
    Duration::from_secs(2)
        + Duration::from_secs(10).mul_f64(wasm_len_bytes as f64 / f64::from(1 << 20))
}

/// Memory that a child may use.
const MEMORY_BOUND_BYTES: u64 = 2 << 30;

/// The thresholds that bombs are made for: the compiler's own.
fn thresholds() -> Thresholds {
    let limits = Governor::limits();
    Thresholds {
        blocks: limits.max_blocks,
        loop_depth: limits.max_loop_depth,
        block_depth: limits.max_block_depth,
        body_len_bytes: limits.max_body_len_bytes,
        locals_times_blocks: limits.max_locals_times_blocks,
        branch_targets: limits.max_branch_targets,
        values_kept_over_loops: limits.max_values_kept_over_loops,
    }
}

/// The code without signals has every check of that with explicit bounds, and more blocks.
const BOMB_MODES: [Mode; 2] = [Mode::Guard, Mode::SignalFree];

/// The register allocator's debug assertions take time in the square of a body's blocks: 9 s here, where
/// a release build takes 0.8 s for all.
const SLOW_WITH_ASSERTIONS: (Mode, &str) = (Mode::SignalFree, "stores-and-loads");

/// One line of the table.
type Row = (String, Result<Report, String>);

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, first, mode, suite, case] = arguments.as_slice()
        && first == CHILD
    {
        let mode = Mode::ALL.into_iter().find(|known| known.name() == mode);
        on_wasmelt::choose(mode.expect("the parent names a mode"));
        let suite = Suite::lookup(suite).expect("the parent names a suite");
        let report = child::run(suite, case);
        println!(
            "{}",
            serde_json::to_string(&report).expect("a report is plain data")
        );
        return ExitCode::SUCCESS;
    }

    let rows = Arc::new(Mutex::new(Vec::new()));
    let mut trials: Vec<Trial> = RECIPES
        .iter()
        .flat_map(|recipe| BOMB_MODES.map(|mode| (mode, recipe.name)))
        .filter(|bomb| *bomb != SLOW_WITH_ASSERTIONS)
        .map(|(mode, name)| trial(mode, Suite::Bomb, name, &rows))
        .collect();
    if let Some(corpus) = Corpus::open().expect("a corpus that is there is readable") {
        // What is refused is refused alike.
        for (suite, modes) in [
            (Suite::Malformed, &Mode::ALL[..1]),
            (Suite::Hostile, &Mode::ALL),
        ] {
            for mode in modes {
                let modules = corpus.modules_in(suite.name());
                trials.extend(modules.map(|entry| trial(*mode, suite, &entry.file, &rows)));
            }
        }
    }
    let mut settings = Arguments::from_args();
    // Children compile on several threads; more at once would measure each other.
    settings.test_threads = settings.test_threads.or(Some(1));
    let conclusion = libtest_mimic::run(&settings, trials);
    if !settings.list {
        print_table(&rows.lock().expect("no trial panics while it adds a row"));
    }
    if conclusion.has_failed() {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

fn trial(mode: Mode, suite: Suite, case: &str, rows: &Arc<Mutex<Vec<Row>>>) -> Trial {
    let (case, rows) = (case.to_owned(), Arc::clone(rows));
    let folder = if suite == Suite::Bomb { "bomb/" } else { "" };
    let name = match mode {
        Mode::Guard => format!("{folder}{case}"),
        mode => format!("{folder}{case} ({})", mode.name()),
    };
    Trial::test(name.clone(), move || {
        let mut outcome = start_child(mode, suite, &case);
        // What others do on the machine costs CPU time, too: the least of three is the module's.
        for _ in 0..2 {
            let Ok(report) = &outcome else { break };
            if report.cpu_time() <= cpu_bound(report.wasm_len_bytes) {
                break;
            }
            match start_child(mode, suite, &case) {
                Ok(again) if again.cpu_time() >= report.cpu_time() => {}
                again => outcome = again,
            }
        }
        let judged = outcome
            .as_ref()
            .map_err(String::clone)
            .and_then(|report| check(suite, report));
        rows.lock()
            .expect("no trial panics while it adds a row")
            .push((name, outcome));
        judged.map_err(Failed::from)
    })
}

/// Judges a report: the verdict must be one that the suite allows, within the bounds.
fn check(suite: Suite, report: &Report) -> Result<(), String> {
    let allowed = match (&report.verdict, suite) {
        (Verdict::Wrong { reason }, _) => return Err(reason.clone()),
        (Verdict::Refused { message }, Suite::Malformed | Suite::Hostile) => !message.is_empty(),
        (Verdict::Ran { .. }, Suite::Hostile | Suite::Bomb) => true,
        (Verdict::Refused { .. }, Suite::Bomb) | (Verdict::Ran { .. }, Suite::Malformed) => false,
    };
    if !allowed {
        return Err(format!(
            "not what a {} module may do: {:?}",
            suite.name(),
            report.verdict
        ));
    }
    let (used, bound) = (report.cpu_time(), cpu_bound(report.wasm_len_bytes));
    if used > bound {
        return Err(format!(
            "used {used:.2?} of CPU time, the bound is {bound:.2?}"
        ));
    }
    if report.peak_resident_kib > MEMORY_BOUND_BYTES / 1024 {
        return Err(format!(
            "used {} MiB of memory",
            report.peak_resident_kib / 1024
        ));
    }
    Ok(())
}

/// Runs one case in a process of its own; how it died where it gave no report.
fn start_child(mode: Mode, suite: Suite, case: &str) -> Result<Report, String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let output = Command::new(program)
        .args([CHILD, mode.name(), suite.name(), case])
        .stdin(Stdio::null())
        .output()
        .map_err(|error| error.to_string())?;
    let stderr = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        return Err(format!(
            "{}: {}",
            describe_death(output.status),
            stderr.trim()
        ));
    }
    if stderr.contains("panicked at") {
        return Err(format!("a thread panicked: {}", stderr.trim()));
    }
    serde_json::from_slice(&output.stdout)
        .map_err(|error| format!("the report is not one: {error}: {}", stderr.trim()))
}

fn describe_death(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt as _;
    match status.signal() {
        Some(signal) if signal == rustix::process::Signal::XCPU.as_raw() => {
            "killed at the limit of CPU time".to_owned()
        }
        Some(signal) => format!("killed by signal {signal}"),
        None => format!("{status}"),
    }
}

/// Prints every outcome, and how many there were of each kind.
fn print_table(rows: &[Row]) {
    let mut out = std::io::stdout().lock();
    let mut counts = [("ran", 0), ("refused", 0), ("failed", 0)];
    let mut print = |line: String| writeln!(out, "{line}").expect("stdout takes a line");
    print(format!(
        "{:>9} {:>9} {:>9} {:>9}  case",
        "wasm KiB", "CPU s", "bound s", "peak MiB"
    ));
    for (case, outcome) in rows {
        let Ok(report) = outcome else {
            counts[2].1 += 1;
            print(format!("{:>39}  {case}: died", ""));
            continue;
        };
        let (kind, text) = match &report.verdict {
            Verdict::Ran { summary } => (0, summary.clone()),
            Verdict::Refused { message } => (1, format!("refused: {message}")),
            Verdict::Wrong { reason } => (2, format!("WRONG: {reason}")),
        };
        counts[kind].1 += 1;
        print(format!(
            "{:>9.1} {:>9.2} {:>9.2} {:>9}  {case}: {text}",
            report.wasm_len_bytes as f64 / 1024.0,
            (report.compile + report.run).as_secs_f64(),
            cpu_bound(report.wasm_len_bytes).as_secs_f64(),
            report.peak_resident_kib / 1024,
        ));
    }
    let summary = counts
        .map(|(kind, count)| format!("{count} {kind}"))
        .join(", ");
    print(format!("{} cases: {summary}", rows.len()));
}
