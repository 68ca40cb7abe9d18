//! Runs one script to its end, whatever the engine does: in a thread, or in a process of its own.
//!
//! Both ways send the same `Message`s to one collector, which knows at any time which directive is running. A process
//! that dies therefore fails its file at that directive, and only that file.

use crate::collect::{Content, ScriptFile};
use crate::engine::Engine;
use crate::report::{FileError, FileReport, Outcome};
use crate::run::{self, Event, Selection};
use crate::script::{Location, Script};
use std::io::{BufRead, BufReader, Read, Write};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

/// Enough for the deepest recursion an engine allows itself by default, whatever the thread's default is.
const STACK_BYTES: usize = 16 << 20;

/// How many lines of a crashed process's standard error are shown.
const STDERR_LINES: usize = 12;

/// What is to be run.
pub struct Task<'a> {
    /// The script.
    pub file: &'a ScriptFile,
    /// On this engine.
    pub engine: &'a Arc<dyn Engine>,
    /// These directives of it.
    pub selection: &'a Selection,
    /// For at most this long.
    pub timeout: Option<Duration>,
    /// In a process of its own that is started like this; none for a thread.
    pub isolation: Option<&'a Isolation>,
}

/// How to start a process that runs one script: it must call [`run_child`].
#[derive(Debug, Clone)]
pub struct Isolation {
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<String>,
}

/// What a child process is asked to do, on its standard input.
#[derive(serde::Serialize, serde::Deserialize)]
struct Request {
    content: Content,
    engine: String,
    selection: Selection,
}

/// What the runner of a script tells the collector; on the way out of a child process, one JSON value per line.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
enum Message {
    Parsed { rewritten_tokens: usize },
    Event(Event),
    Finished(Result<(), FileError>),
}

/// Runs `task` and reports on it. `stop_at` is asked after each failure whether to leave it at that. The flag says
/// whether all selected directives were run.
pub fn execute(task: &Task<'_>, stop_at: &dyn Fn(Location) -> bool) -> (FileReport, bool) {
    let started = Instant::now();
    let deadline = task.timeout.map(|timeout| started + timeout);
    let mut collector = Collector {
        report: FileReport::new(&task.file.label, task.engine.name()),
        running: None,
        finished: false,
    };
    let complete = match task.isolation {
        None => in_thread(task, &mut collector, deadline, stop_at),
        Some(isolation) => in_process(task, isolation, &mut collector, deadline, stop_at),
    };
    collector.report.duration = started.elapsed();
    (collector.report, complete)
}

/// The child's side of [`Isolation`]: reads a request from standard input, runs it on the engine that `find` gives for
/// its name, and writes messages to standard output.
///
/// # Errors
///
/// The reason why there was nothing to run or nobody to tell.
pub fn run_child(find: impl Fn(&str) -> Option<Arc<dyn Engine>>) -> Result<(), ChildError> {
    let mut text = String::new();
    std::io::stdin()
        .read_to_string(&mut text)
        .map_err(ChildError::Pipe)?;
    let request: Request = serde_json::from_str(&text).map_err(ChildError::Request)?;
    let Request {
        content,
        engine: name,
        selection,
    } = request;
    let engine = find(&name).ok_or(ChildError::Engine { name })?;
    let worker =
        spawn_worker(content, engine, selection, write_message).map_err(ChildError::Pipe)?;
    worker.join().map_err(|_| ChildError::Panic)
}

/// Writes one line at once, so that whatever was told before a crash has left the process. Gives whether the parent
/// still listens.
fn write_message(message: Message) -> bool {
    let Ok(mut line) = serde_json::to_vec(&message) else {
        return false;
    };
    line.push(b'\n');
    let mut out = std::io::stdout().lock();
    out.write_all(&line).and_then(|()| out.flush()).is_ok()
}

/// Why a child process could not do its part.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChildError {
    /// Standard input or output.
    #[error("cannot talk to the parent process")]
    Pipe(#[source] std::io::Error),
    /// The request, or the answer.
    #[error("cannot read the parent's request")]
    Request(#[source] serde_json::Error),
    /// A request for an engine that this program does not have.
    #[error("this program has no engine {name:?}")]
    Engine {
        /// The engine's name.
        name: String,
    },
    /// The runner or the engine panicked.
    #[error("the script's thread panicked")]
    Panic,
}

fn spawn_worker(
    content: Content,
    engine: Arc<dyn Engine>,
    selection: Selection,
    mut tell: impl FnMut(Message) -> bool + Send + 'static,
) -> std::io::Result<thread::JoinHandle<()>> {
    thread::Builder::new()
        .name("script".to_owned())
        .stack_size(STACK_BYTES)
        .spawn(move || {
            let result = run_content(&content, &*engine, &selection, &mut tell);
            tell(Message::Finished(result));
        })
}

/// Runs a script and `tell`s of it until nobody listens any more: after a time-out, or a failure that ends the run.
fn run_content(
    content: &Content,
    engine: &dyn Engine,
    selection: &Selection,
    tell: &mut dyn FnMut(Message) -> bool,
) -> Result<(), FileError> {
    let text = match content {
        Content::Text(text) => text.clone(),
        Content::Path(path) => {
            let unreadable = |message: String| FileError::Unreadable { message };
            let bytes = std::fs::read(path).map_err(|error| unreadable(error.to_string()))?;
            String::from_utf8(bytes).map_err(|error| unreadable(error.to_string()))?
        }
    };
    let script = Script::parse(&text).map_err(|error| FileError::Unparsable {
        at: error.at,
        message: error.message,
    })?;
    tell(Message::Parsed {
        rewritten_tokens: script.rewritten_tokens,
    });
    run::run_script(&script, engine, selection, &mut |event| {
        if tell(Message::Event(event)) {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    })
    .map_err(|failure| FileError::Engine {
        message: failure.to_string(),
    })
}

fn in_thread(
    task: &Task<'_>,
    collector: &mut Collector,
    deadline: Option<Instant>,
    stop_at: &dyn Fn(Location) -> bool,
) -> bool {
    let (sender, receiver) = mpsc::channel();
    let (content, engine) = (task.file.content.clone(), Arc::clone(task.engine));
    let tell = move |message| sender.send(message).is_ok();
    let worker = match spawn_worker(content, engine, task.selection.clone(), tell) {
        Ok(worker) => worker,
        Err(error) => {
            collector.report.error = Some(FileError::Engine {
                message: error.to_string(),
            });
            return false;
        }
    };
    match collector.collect(&receiver, deadline, stop_at) {
        // Dropping the receiver stops the thread at its next directive, unless it is in an endless loop.
        Ended::Stopped => false,
        Ended::TimedOut => {
            collector.time_out(task.timeout);
            false
        }
        Ended::Closed => {
            if let Err(payload) = worker.join() {
                collector.crash(
                    format!("a panic: {}", panic_message(&*payload)),
                    String::new(),
                );
            }
            true
        }
    }
}

fn panic_message(payload: &(dyn std::any::Any + Send)) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}

fn in_process(
    task: &Task<'_>,
    isolation: &Isolation,
    collector: &mut Collector,
    deadline: Option<Instant>,
    stop_at: &dyn Fn(Location) -> bool,
) -> bool {
    let mut child = match spawn_child(task, isolation) {
        Ok(child) => child,
        Err(error) => {
            let message = format!("cannot start {}: {error}", isolation.program.display());
            collector.report.error = Some(FileError::Engine { message });
            return false;
        }
    };
    let (sender, receiver) = mpsc::channel();
    let stdout = child.stdout.take().expect("standard output is a pipe");
    let stderr = child.stderr.take().expect("standard error is a pipe");
    let reader = thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            // A line that is no message is something the engine printed.
            let Ok(message) = serde_json::from_str(&line) else {
                continue;
            };
            if sender.send(message).is_err() {
                break;
            }
        }
    });
    let errors = thread::spawn(move || last_lines(BufReader::new(stderr)));
    let ended = collector.collect(&receiver, deadline, stop_at);
    if !matches!(ended, Ended::Closed) {
        let _ = child.kill();
    }
    drop(receiver);
    let status = child.wait();
    let _ = reader.join();
    let stderr = errors.join().unwrap_or_default();
    match ended {
        Ended::Stopped => false,
        Ended::TimedOut => {
            collector.time_out(task.timeout);
            false
        }
        Ended::Closed => {
            match status {
                Ok(status) if status.success() && collector.finished => {}
                Ok(status) => collector.crash(describe_status(status), stderr),
                Err(error) => collector.crash(error.to_string(), stderr),
            }
            true
        }
    }
}

fn spawn_child(task: &Task<'_>, isolation: &Isolation) -> std::io::Result<Child> {
    let request = Request {
        content: task.file.content.clone(),
        engine: task.engine.name().to_owned(),
        selection: task.selection.clone(),
    };
    let request = serde_json::to_string(&request)?;
    let mut child = Command::new(&isolation.program)
        .args(&isolation.args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut stdin = child.stdin.take().expect("standard input is a pipe");
    // A child that dies before it has read everything is reported by its exit status.
    let _ = stdin.write_all(request.as_bytes());
    Ok(child)
}

fn last_lines(reader: impl BufRead) -> String {
    let mut lines = std::collections::VecDeque::new();
    for line in reader.lines().map_while(Result::ok) {
        if lines.len() == STDERR_LINES {
            lines.pop_front();
        }
        lines.push_back(line);
    }
    Vec::from(lines).join("\n")
}

#[cfg(unix)]
fn describe_status(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match status.signal() {
        Some(signal) => format!("signal {signal}{}", signal_name(signal)),
        None => format!("exit code {}", status.code().unwrap_or(-1)),
    }
}

#[cfg(not(unix))]
fn describe_status(status: ExitStatus) -> String {
    status.to_string()
}

#[cfg(unix)]
fn signal_name(signal: i32) -> &'static str {
    match signal {
        4 => " (SIGILL)",
        6 => " (SIGABRT)",
        7 => " (SIGBUS)",
        8 => " (SIGFPE)",
        9 => " (SIGKILL)",
        11 => " (SIGSEGV)",
        _ => "",
    }
}

struct Collector {
    report: FileReport,
    /// The directive that was begun and not ended.
    running: Option<(Location, String)>,
    finished: bool,
}

enum Ended {
    /// The sender is gone.
    Closed,
    /// `stop_at` said so.
    Stopped,
    TimedOut,
}

impl Collector {
    fn collect(
        &mut self,
        receiver: &Receiver<Message>,
        deadline: Option<Instant>,
        stop_at: &dyn Fn(Location) -> bool,
    ) -> Ended {
        loop {
            let message = match deadline {
                None => receiver.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(deadline) => {
                    receiver.recv_timeout(deadline.saturating_duration_since(Instant::now()))
                }
            };
            match message {
                Err(RecvTimeoutError::Disconnected) => return Ended::Closed,
                Err(RecvTimeoutError::Timeout) => return Ended::TimedOut,
                Ok(Message::Parsed { rewritten_tokens }) => {
                    self.report.rewritten_tokens = rewritten_tokens;
                }
                Ok(Message::Event(Event::Begin { at, directive })) => {
                    self.running = Some((at, directive));
                }
                Ok(Message::Event(Event::End(directive))) => {
                    self.running = None;
                    let failed = matches!(directive.outcome, Outcome::Fail { .. });
                    let at = directive.at;
                    self.report.directives.push(directive);
                    if failed && stop_at(at) {
                        return Ended::Stopped;
                    }
                }
                Ok(Message::Finished(result)) => {
                    self.running = None;
                    self.finished = true;
                    self.report.error = result.err();
                }
            }
        }
    }

    fn crash(&mut self, status: String, stderr: String) {
        let (at, directive) = self.running.take().unzip();
        self.report.error = Some(FileError::Crash {
            status,
            at,
            directive,
            stderr,
        });
    }

    fn time_out(&mut self, timeout: Option<Duration>) {
        let (at, directive) = self.running.take().unzip();
        let seconds = timeout.unwrap_or_default().as_secs_f64();
        self.report.error = Some(FileError::Timeout {
            seconds,
            at,
            directive,
        });
    }
}
