//! `wasmelt compile` of many modules: a folder or a list in, artifacts in a folder or in a cache out.
//!
//! Every module has a line of its own as soon as it is done, and nothing is kept in memory of it. What is there
//! already, of the same module, compiler and options, is not compiled again: a batch that was killed goes on where
//! it was.

mod jobs;
mod store;

use crate::{
    args::Format,
    cache::PlaceArgs,
    codegen::CodegenArgs,
    failure::{Exit, Failure, printable_name},
    output,
};
use jobs::Job;
use serde::Serialize;
use std::{
    path::PathBuf,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Instant,
};
use store::{Done, Store};
use wasmelt_compiler::CompileOptions;

/// Where the results of many modules go.
#[derive(Debug, clap::Args)]
pub(crate) struct BatchArgs {
    /// Compile every module of a folder, or of a list with a path on each line, and write artifacts here
    #[arg(long, value_name = "DIR", conflicts_with_all = ["output", "cache"])]
    out_dir: Option<PathBuf>,

    /// The same, but into the cache, where `run` finds them
    #[arg(long, conflicts_with = "output")]
    cache: bool,

    #[command(flatten)]
    place: PlaceArgs,

    /// Go on when a module is refused
    #[arg(long)]
    keep_going: bool,
}

/// How a module ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    /// It was compiled.
    Compiled,
    /// It was there already.
    Cached,
    /// It is not accepted.
    Refused,
    /// This host could not do it.
    Failed,
}

/// What is said about a module.
#[derive(Debug, Serialize)]
struct Line<'a> {
    input: &'a str,
    status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    seconds: f64,
}

/// How many modules ended how.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize)]
struct Summary {
    modules: usize,
    compiled: usize,
    cached: usize,
    refused: usize,
    failed: usize,
    /// Not tried, because an earlier one was refused or failed.
    left: usize,
}

/// What `--format json` prints last.
#[derive(Serialize)]
struct Last<'a> {
    summary: &'a Summary,
}

impl BatchArgs {
    /// Whether there are many modules.
    pub(crate) fn is_asked_for(&self) -> bool {
        self.out_dir.is_some() || self.cache
    }

    /// Whether they go to the cache.
    pub(crate) fn is_for_cache(&self) -> bool {
        self.cache
    }

    /// Refuses what says how many modules are compiled, where there is one.
    pub(crate) fn check_single(&self) -> Result<(), Failure> {
        if self.keep_going || self.place.is_named() {
            return Err(Failure::usage(
                "--keep-going and --cache-dir are for many modules: say where the artifacts go (--out-dir DIR or --cache)",
            ));
        }
        Ok(())
    }

    /// Compiles everything, and says so.
    pub(crate) fn run(
        &self,
        input: &std::path::Path,
        codegen: &CodegenArgs,
        options: CompileOptions,
        format: Format,
        quiet: bool,
    ) -> Result<(), Failure> {
        let jobs = jobs::list(input, self.out_dir.as_deref())?;
        let workers = worker_count(options.threads, jobs.len());
        let store = match &self.out_dir {
            Some(_) => Store::folder(options, workers),
            None => Store::cache(&self.place, codegen, workers)?,
        };
        let batch = Batch {
            jobs: &jobs,
            store: &store,
            format,
            quiet,
            keep_going: self.keep_going,
            next: AtomicUsize::new(0),
            is_over: AtomicBool::new(false),
            summary: Mutex::new(Summary {
                modules: jobs.len(),
                ..Summary::default()
            }),
        };
        let ended = thread::scope(|scope| {
            let threads: Vec<_> = (0..workers).map(|_| scope.spawn(|| batch.work())).collect();
            let ended = threads.into_iter().map(|thread| thread.join());
            ended
                .map(|ended| ended.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
                .collect::<Result<Vec<()>, Failure>>()
        });
        ended?;
        let mut summary = batch
            .summary
            .into_inner()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        summary.left =
            jobs.len() - summary.compiled - summary.cached - summary.refused - summary.failed;
        match summary.print(format, quiet) {
            Ok(()) | Err(Failure::OutputClosed) => summary.verdict(),
            Err(error) => Err(error),
        }
    }
}

/// How many modules are compiled at a time; with one, each is compiled on all threads.
fn worker_count(threads: usize, jobs: usize) -> usize {
    let threads = match threads {
        0 => thread::available_parallelism().map_or(1, std::num::NonZero::get),
        threads => threads,
    };
    // Fewer modules than threads would leave some idle.
    if jobs < 2 * threads { 1 } else { threads }
}

/// A batch on its way.
struct Batch<'a> {
    jobs: &'a [Job],
    store: &'a Store,
    format: Format,
    quiet: bool,
    keep_going: bool,
    next: AtomicUsize,
    is_over: AtomicBool,
    summary: Mutex<Summary>,
}

impl Batch<'_> {
    /// Takes modules until there are none.
    fn work(&self) -> Result<(), Failure> {
        while !self.is_over.load(Ordering::Relaxed) {
            let position = self.next.fetch_add(1, Ordering::Relaxed);
            let Some(job) = self.jobs.get(position) else {
                break;
            };
            let begin = Instant::now();
            let result = self.store.make(job);
            match self.note(job, &result, begin) {
                // Whoever read the lines went away; the artifacts are wanted all the same.
                Ok(()) | Err(Failure::OutputClosed) => {}
                Err(error) => {
                    self.is_over.store(true, Ordering::Relaxed);
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    fn note(
        &self,
        job: &Job,
        result: &Result<Done, Failure>,
        begin: Instant,
    ) -> Result<(), Failure> {
        let error = result.as_ref().err().map(Failure::message);
        let status = match result {
            Ok(done) if done.is_new => Status::Compiled,
            Ok(_) => Status::Cached,
            Err(failure) if failure.exit() == Some(Exit::Refused) => Status::Refused,
            Err(_) => Status::Failed,
        };
        let done = result.as_ref().ok();
        let line = Line {
            input: &job.name,
            status,
            output: done.map(|done| done.output.as_str()),
            digest: done.and_then(|done| done.digest.as_deref()),
            error: error.as_deref(),
            seconds: begin.elapsed().as_secs_f64(),
        };
        let mut summary = self
            .summary
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        match status {
            Status::Compiled => summary.compiled += 1,
            Status::Cached => summary.cached += 1,
            Status::Refused => summary.refused += 1,
            Status::Failed => summary.failed += 1,
        }
        if matches!(status, Status::Refused | Status::Failed) && !self.keep_going {
            self.is_over.store(true, Ordering::Relaxed);
        }
        // Under the lock, so that lines do not mix.
        match self.format {
            Format::Json => output::print_json_line(&line),
            Format::Human if self.quiet && error.is_none() => Ok(()),
            Format::Human => output::print(&line.text()),
        }
    }
}

impl Line<'_> {
    fn text(&self) -> String {
        let input = printable_name(self.input);
        let seconds = self.seconds;
        match (self.status, self.output, self.error) {
            (Status::Compiled, Some(output), _) => {
                format!(
                    "{input}: compiled to {} in {seconds:.3} s\n",
                    printable_name(output)
                )
            }
            (Status::Cached, Some(output), _) => {
                format!("{input}: was there already: {}\n", printable_name(output))
            }
            (Status::Refused, _, error) => {
                format!("{input}: refused: {}\n", error.unwrap_or_default())
            }
            (_, _, error) => format!("{input}: failed: {}\n", error.unwrap_or_default()),
        }
    }
}

impl Summary {
    fn print(&self, format: Format, quiet: bool) -> Result<(), Failure> {
        match format {
            Format::Json => output::print_json_line(&Last { summary: self }),
            Format::Human if quiet => Ok(()),
            Format::Human => output::print(&format!(
                "{} modules: {} compiled, {} there already, {} refused, {} failed, {} left\n",
                self.modules, self.compiled, self.cached, self.refused, self.failed, self.left
            )),
        }
    }

    fn verdict(&self) -> Result<(), Failure> {
        let exit = match (self.failed, self.refused) {
            (0, 0) => return Ok(()),
            (0, _) => Exit::Refused,
            _ => Exit::Host,
        };
        Err(Failure::new(
            exit,
            "compile",
            anyhow::anyhow!(
                "{} modules were refused and {} failed: their lines say why",
                self.refused,
                self.failed
            ),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::worker_count;

    #[test]
    fn few_modules_are_compiled_one_after_the_other_on_all_threads() {
        assert_eq!(worker_count(1, 1000), 1);
        assert_eq!(worker_count(8, 1), 1);
        assert_eq!(worker_count(8, 15), 1);
        assert_eq!(worker_count(8, 16), 8);
    }
}
