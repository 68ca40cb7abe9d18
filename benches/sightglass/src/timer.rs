//! Starts and stops a clock of the suite.

/// A function of the suite that takes its clock.
pub(crate) type TimerFn = extern "C" fn(*mut u8);

/// The clock of one phase.
#[derive(Clone, Copy)]
pub(crate) struct Timer {
    /// The suite's own data; only its functions look at what it points to.
    data: *mut u8,
    start: TimerFn,
    end: TimerFn,
}

/// The clocks of all phases.
#[derive(Clone, Copy)]
pub(crate) struct Timers {
    pub(crate) compilation: Timer,
    pub(crate) instantiation: Timer,
    pub(crate) execution: Timer,
}

impl Timer {
    pub(crate) fn new(data: *mut u8, start: TimerFn, end: TimerFn) -> Self {
        Self { data, start, end }
    }

    pub(crate) fn start(&self) {
        (self.start)(self.data);
    }

    pub(crate) fn end(&self) {
        (self.end)(self.data);
    }

    /// Times `work`; the clock is not stopped if it fails.
    pub(crate) fn time<T, E>(&self, work: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        self.start();
        let result = work()?;
        self.end();
        Ok(result)
    }
}
