//! Processor clocks and the statistics of samples, for whoever compares engines: the benches and `wasmelt bench`.
#![forbid(unsafe_code)]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "statistics on small counts; nothing here is stored or trusted"
)]

pub mod clock;
pub mod stats;

use std::time::Duration;

/// How often to do work that took `once` so that a sample takes about `sample_time`.
#[must_use]
pub fn repeats_for(once: Duration, sample_time: Duration) -> u32 {
    const MOST: u128 = 100_000;
    (sample_time.as_nanos() / once.as_nanos().max(1)).clamp(1, MOST) as u32
}

/// A time with a fitting unit and three or four digits.
#[must_use]
pub fn display_time(nanoseconds: f64) -> String {
    match nanoseconds {
        ns if ns < 1e3 => format!("{ns:.2} ns"),
        ns if ns < 1e6 => format!("{:.2} us", ns / 1e3),
        ns if ns < 1e9 => format!("{:.2} ms", ns / 1e6),
        ns => format!("{:.2} s", ns / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::{display_time, repeats_for};
    use std::time::Duration;

    #[test]
    fn short_work_is_repeated_and_long_work_is_not() {
        let [short, long] = [1, 100].map(Duration::from_micros);
        assert_eq!(repeats_for(short, 10 * short), 10);
        assert_eq!(repeats_for(long, 10 * short), 1);
        assert_eq!(repeats_for(Duration::ZERO, Duration::from_secs(1)), 100_000);
    }

    #[test]
    fn times_have_fitting_units() {
        let texts = [1.5, 1500.0, 1.5e6, 1.5e9].map(display_time);
        assert_eq!(texts, ["1.50 ns", "1.50 us", "1.50 ms", "1.50 s"]);
    }
}
