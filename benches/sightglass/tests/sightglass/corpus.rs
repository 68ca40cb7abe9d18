//! The suite's own benchmarks, from the corpus: those that were built for the MVP run, the others are refused.

use std::sync::Arc;

use libtest_mimic::{Failed, Trial};
use wasmelt_tests::corpus::{Corpus, Entry};

use crate::session::Session;

/// Modules that were built for the MVP.
const MVP: &str = "bench/sightglass-mvp";
/// Modules as they are built today.
const CURRENT: &str = "bench/sightglass-current";
/// Inputs and outputs, as they are today.
const FILES: &str = "bench/sightglass-io";

/// What a benchmark needs, and what it writes.
struct Benchmark {
    name: &'static str,
    /// Files of the corpus, and what the benchmark calls them.
    inputs: &'static [(&'static str, &'static str)],
    output: Output,
}

/// What is written, and where.
enum Output {
    /// Nothing, nowhere.
    Nothing,
    /// The content of a file of the corpus, to standard output.
    Stdout(&'static str),
    /// The same to standard error.
    Stderr(&'static str),
    /// This text, to standard output.
    Text(&'static str),
}

const BENCHMARKS: [Benchmark; 14] = [
    Benchmark {
        name: "ackermann",
        inputs: &[],
        // Not today's output: the source had a loop that never ends once a file is read, which is undefined in C, and
        // the build reads none. wasmi gives the same.
        output: Output::Text("[ackermann] running with M = 0 and N = 0\n[ackermann] returned 1\n"),
    },
    Benchmark {
        name: "base64",
        inputs: &[],
        output: Output::Stdout("shootout/shootout-base64.stdout.expected"),
    },
    Benchmark {
        name: "bz2",
        inputs: &[("bz2/default.input", "default.input")],
        output: Output::Stdout("bz2/benchmark.stdout.expected"),
    },
    Benchmark {
        name: "ctype",
        inputs: &[],
        output: Output::Stdout("shootout/shootout-ctype.stdout.expected"),
    },
    Benchmark {
        name: "fib2",
        inputs: &[],
        output: Output::Stdout("shootout/shootout-fib2.stdout.expected"),
    },
    silent("gimli"),
    silent("heapsort"),
    silent("keccak"),
    Benchmark {
        name: "matrix",
        inputs: &[],
        output: Output::Stdout("shootout/shootout-matrix.stdout.expected"),
    },
    silent("memmove"),
    Benchmark {
        name: "noop",
        inputs: &[],
        output: Output::Stdout("noop/benchmark.stdout.expected"),
    },
    Benchmark {
        name: "pulldown-cmark",
        inputs: &[("pulldown-cmark/default.input.md", "default.input.md")],
        output: Output::Stderr("pulldown-cmark/benchmark.stderr.expected"),
    },
    Benchmark {
        name: "ratelimit",
        inputs: &[],
        output: Output::Stdout("shootout/shootout-ratelimit.stdout.expected"),
    },
    silent("seqhash"),
];

const fn silent(name: &'static str) -> Benchmark {
    Benchmark {
        name,
        inputs: &[],
        output: Output::Nothing,
    }
}

/// One trial for each module; none without the corpus.
pub(crate) fn trials() -> Vec<Trial> {
    let Some(corpus) = Corpus::open().expect("a corpus that is there is readable") else {
        return Vec::new();
    };
    let corpus = Arc::new(corpus);
    let trials_of = |group: &str, check: fn(&Corpus, &Entry) -> Result<(), String>| {
        let modules = corpus.modules_in(group).map(|entry| entry.file.clone());
        let trial = |file: String| {
            let corpus = Arc::clone(&corpus);
            Trial::test(file.clone(), move || {
                check(&corpus, lookup(&corpus, &file)).map_err(Failed::from)
            })
        };
        modules.map(trial).collect::<Vec<_>>()
    };
    let mvp = trials_of(MVP, check_runs);
    assert_eq!(mvp.len(), BENCHMARKS.len(), "modules in {MVP}");
    mvp.into_iter()
        .chain(trials_of(CURRENT, check_refused))
        .collect()
}

/// A benchmark must write what it should, and time one execution.
fn check_runs(corpus: &Corpus, entry: &Entry) -> Result<(), String> {
    let is_it = |benchmark: &&Benchmark| entry.file == format!("{MVP}/{}.wasm", benchmark.name);
    let benchmark = BENCHMARKS.iter().find(is_it);
    let benchmark = benchmark.ok_or("it is not in the table of benchmarks")?;
    let mut session = Session::new(&read(corpus, entry));
    for (file, name) in benchmark.inputs {
        session = session.file(name, &read_file(corpus, file));
    }
    let outcome = session.run(Session::ALL);
    if outcome.transcript != Session::ALL_WELL {
        return Err(format!("{}{}", outcome.transcript, outcome.messages));
    }
    let (stdout, stderr) = match benchmark.output {
        Output::Nothing => (Vec::new(), Vec::new()),
        Output::Stdout(file) => (read_file(corpus, file), Vec::new()),
        Output::Stderr(file) => (Vec::new(), read_file(corpus, file)),
        Output::Text(text) => (text.as_bytes().to_vec(), Vec::new()),
    };
    check_output("standard output", &outcome.stdout, &stdout)?;
    check_output("standard error", &outcome.stderr, &stderr)
}

fn check_output(what: &str, found: &[u8], expected: &[u8]) -> Result<(), String> {
    if found == expected {
        return Ok(());
    }
    let start = |bytes: &[u8]| String::from_utf8_lossy(&bytes[..bytes.len().min(500)]).into_owned();
    Err(format!(
        "{what} is {} bytes, beginning\n{}\nexpected {} bytes, beginning\n{}",
        found.len(),
        start(found),
        expected.len(),
        start(expected)
    ))
}

/// The message must name a proposal.
fn check_refused(corpus: &Corpus, entry: &Entry) -> Result<(), String> {
    let outcome = Session::new(&read(corpus, entry)).run("create compile free");
    let expected = "error: cannot compile: module needs the proposal `";
    if outcome.messages.starts_with(expected) && outcome.transcript.contains("compile: -1\n") {
        return Ok(());
    }
    Err(format!("{}{}", outcome.transcript, outcome.messages))
}

fn read_file(corpus: &Corpus, file: &str) -> Vec<u8> {
    read(corpus, lookup(corpus, &format!("{FILES}/{file}")))
}

fn lookup<'a>(corpus: &'a Corpus, file: &str) -> &'a Entry {
    let entry = corpus.lookup_file(file);
    entry.unwrap_or_else(|| panic!("the corpus has no {file}"))
}

fn read(corpus: &Corpus, entry: &Entry) -> Vec<u8> {
    corpus
        .read(entry)
        .expect("a file of the corpus is readable and the one described")
}
