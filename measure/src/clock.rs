//! Reads the processor time of this thread or of the whole process.

use std::fmt;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use serde::Serialize;

/// Whose processor time counts. Neither runs while the machine is busy with something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Clock {
    /// The calling thread's: for work that stays on it.
    Thread,
    /// All threads' of this process: for compilers with a thread pool.
    Process,
}

impl Clock {
    /// The processor time used so far.
    pub fn now(self) -> Duration {
        let time = clock_gettime(match self {
            Self::Thread => ClockId::ThreadCPUTime,
            Self::Process => ClockId::ProcessCPUTime,
        });
        let seconds = u64::try_from(time.tv_sec).expect("processor time is not negative");
        let nanoseconds = u32::try_from(time.tv_nsec).expect("less than a second");
        Duration::new(seconds, nanoseconds)
    }
}

impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Thread => "thread CPU time",
            Self::Process => "process CPU time",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Clock;

    #[test]
    fn both_clocks_advance_with_work() {
        for clock in [Clock::Thread, Clock::Process] {
            let start = clock.now();
            let mut sum = 0_u64;
            while clock.now() == start {
                sum = std::hint::black_box(sum + 1);
            }
            assert!(clock.now() > start);
        }
    }
}
