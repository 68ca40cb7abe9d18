//! Points in time at which a guest is stopped.
//!
//! One thread of the process, started by the first deadline, waits for the next one.

use crate::{error::Error, errors::HostFailure, vm::InterruptHandle};
use core::{cmp::Reverse, fmt};
use std::{
    collections::BinaryHeap,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// A point in time from which on the guest of a store is stopped, for as long as this is alive.
///
/// From then on calls end with [`TrapCode::Interrupted`](crate::TrapCode::Interrupted), as
/// [`InterruptHandle`] says when: those that run, and those that begin later. It does not pass in a child
/// process that is forked after it was made.
///
/// # Example
///
/// ```
/// use std::time::Duration;
/// use wasmelt::{Config, Engine, Instance, Module, Store, TrapCode};
///
/// let mut config = Config::new();
/// config.interruption(true);
/// let engine = Engine::new(&config);
/// let module = Module::new(&engine, r#"(module (func (export "f") (loop (br 0))))"#)?;
/// let mut store = Store::new(&engine, ());
/// let instance = Instance::new(&mut store, &module, &[])?;
/// let forever = instance.get_typed_func::<(), ()>(&store, "f")?;
///
/// let deadline = store.deadline(Duration::from_millis(5))?;
/// let error = forever.call(&mut store, ()).unwrap_err();
/// assert_eq!(error.as_trap_code(), Some(TrapCode::Interrupted));
/// assert!(deadline.has_passed());
/// # Ok::<(), wasmelt::Error>(())
/// ```
#[must_use = "a deadline is in force only as long as it is alive"]
pub struct Deadline {
    state: Arc<State>,
}

struct State {
    handle: InterruptHandle,
    progress: Mutex<Progress>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Progress {
    Waiting,
    Passed,
    Dropped,
}

impl State {
    fn progress(&self) -> MutexGuard<'_, Progress> {
        // Nothing that can panic is done while it is held.
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pass(&self) {
        let mut progress = self.progress();
        if *progress == Progress::Waiting {
            *progress = Progress::Passed;
            self.handle.add_passed_deadline();
        }
    }
}

impl Deadline {
    /// A deadline after a duration. One that is too far away for the clock never passes.
    pub(crate) fn new(handle: &InterruptHandle, after: Duration) -> Result<Self, Error> {
        let state = Arc::new(State {
            handle: handle.clone(),
            progress: Mutex::new(Progress::Waiting),
        });
        if let Some(at) = Instant::now().checked_add(after) {
            wait_for(at, Arc::clone(&state))?;
        }
        Ok(Self { state })
    }

    /// Whether its time has come.
    #[must_use]
    pub fn has_passed(&self) -> bool {
        *self.state.progress() == Progress::Passed
    }
}

impl Drop for Deadline {
    fn drop(&mut self) {
        let mut progress = self.state.progress();
        if *progress == Progress::Passed {
            self.state.handle.remove_passed_deadline();
        }
        *progress = Progress::Dropped;
    }
}

impl fmt::Debug for Deadline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deadline")
            .field("progress", &*self.state.progress())
            .finish_non_exhaustive()
    }
}

/// A deadline in the order of time.
struct Entry {
    at: Instant,
    /// Tells deadlines of the same time apart.
    number: u64,
    state: Arc<State>,
}

impl Entry {
    fn key(&self) -> (Instant, u64) {
        (self.at, self.number)
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<core::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> core::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}

/// The deadlines that the thread waits for, the next one first.
#[derive(Default)]
struct Queue {
    entries: Mutex<BinaryHeap<Reverse<Entry>>>,
    is_changed: Condvar,
}

/// The queue of this process, and which process that is: a child process has no thread.
static QUEUE: Mutex<Option<(u32, Arc<Queue>)>> = Mutex::new(None);

/// Has the thread wait for one more deadline.
fn wait_for(at: Instant, state: Arc<State>) -> Result<(), Error> {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let queue = queue()?;
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let mut entries = queue.entries();
    // Those that were dropped need not be kept until their time comes.
    if entries.len() == entries.capacity() {
        entries.retain(|Reverse(entry)| *entry.state.progress() == Progress::Waiting);
    }
    entries.push(Reverse(Entry { at, number, state }));
    queue.is_changed.notify_one();
    Ok(())
}

/// The queue, with a thread that waits.
fn queue() -> Result<Arc<Queue>, HostFailure> {
    let mut place = QUEUE.lock().unwrap_or_else(PoisonError::into_inner);
    let process = std::process::id();
    if let Some((owner, queue)) = &*place
        && *owner == process
    {
        return Ok(Arc::clone(queue));
    }
    let queue = Arc::new(Queue::default());
    let for_thread = Arc::clone(&queue);
    thread::Builder::new()
        .name("wasmelt-deadline".to_owned())
        .spawn(move || for_thread.run())
        .map_err(|error| HostFailure::OperatingSystem {
            operation: "start the thread that waits for deadlines",
            error: error.to_string(),
        })?;
    *place = Some((process, Arc::clone(&queue)));
    Ok(queue)
}

impl Queue {
    fn entries(&self) -> MutexGuard<'_, BinaryHeap<Reverse<Entry>>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for deadlines, as long as the process lives.
    fn run(&self) {
        let mut entries = self.entries();
        loop {
            let now = Instant::now();
            while let Some(Reverse(next)) = entries.peek()
                && next.at <= now
            {
                let Some(Reverse(passed)) = entries.pop() else {
                    break;
                };
                passed.state.pass();
            }
            entries = match entries.peek() {
                Some(Reverse(next)) => {
                    let wait = next.at.saturating_duration_since(now);
                    let outcome = self.is_changed.wait_timeout(entries, wait);
                    outcome.unwrap_or_else(PoisonError::into_inner).0
                }
                None => self
                    .is_changed
                    .wait(entries)
                    .unwrap_or_else(PoisonError::into_inner),
            };
        }
    }
}
