//! What the kernel says about a process: its limits, its signal handlers, its filters.

use anyhow::{Context as _, Error, anyhow};
use std::fs;

/// What `/proc` says about a process.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Status {
    /// Whether it is another process than this one.
    pub is_other: bool,
    /// Bytes of address space it may have; none if there is no limit.
    pub address_space_limit: Option<u64>,
    /// Signals that it catches: bit 0 is signal 1. Unknown without `/proc`.
    pub caught_signals: Option<u64>,
    /// 0: no filter of system calls, 1: strict, 2: a filter.
    pub seccomp: Option<u32>,
}

impl Status {
    /// Reads what there is about a process, or about this one.
    pub(super) fn read(pid: Option<u32>) -> Result<Self, Error> {
        let folder = match pid {
            Some(pid) => format!("/proc/{pid}"),
            None => "/proc/self".to_owned(),
        };
        let read = |name| fs::read_to_string(format!("{folder}/{name}"));
        let (status, limits) = (read("status"), read("limits"));
        if pid.is_none() {
            // Where there is no /proc, other lines say so.
            return Ok(Self::parse(
                &status.unwrap_or_default(),
                &limits.unwrap_or_default(),
                false,
            ));
        }
        let status = status.context("there is no such process, or /proc does not show it")?;
        let limits = limits.context("its limits are not readable: it belongs to somebody else")?;
        let parsed = Self::parse(&status, &limits, true);
        match parsed.caught_signals {
            Some(_) => Ok(parsed),
            None => Err(anyhow!("/proc does not say which signals it catches")),
        }
    }

    fn parse(status: &str, limits: &str, is_other: bool) -> Self {
        let field = |name| {
            let mut lines = status.lines();
            lines.find_map(|line| Some(line.strip_prefix(name)?.trim()))
        };
        let limit = limits.lines().find_map(|line| {
            let values = line.strip_prefix("Max address space")?;
            values.split_whitespace().next()?.parse().ok()
        });
        Self {
            is_other,
            address_space_limit: limit,
            caught_signals: field("SigCgt:").and_then(|mask| u64::from_str_radix(mask, 16).ok()),
            seccomp: field("Seccomp:").and_then(|mode| mode.parse().ok()),
        }
    }

    /// Whether it catches a signal.
    pub(super) fn catches(&self, signal: u32) -> bool {
        self.caught_signals
            .is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
    }
}

#[cfg(test)]
mod tests {
    use super::Status;

    #[test]
    fn what_proc_says_is_read() {
        let status = "Name:\tx\nSigCgt:\t0000000180014a02\nNoNewPrivs:\t0\nSeccomp:\t2\n";
        let limits = "Limit                     Soft Limit           Hard Limit           Units     \n\
                      Max address space         2147483648           unlimited            bytes     \n";
        let parsed = Status::parse(status, limits, true);
        assert_eq!(parsed.address_space_limit, Some(2 << 30));
        assert_eq!(parsed.seccomp, Some(2));
        assert!(parsed.catches(2) && parsed.catches(15));
        assert!(!parsed.catches(1) && !parsed.catches(11) && !parsed.catches(64));
        let unlimited =
            "Max address space         unlimited            unlimited            bytes\n";
        assert_eq!(Status::parse("", unlimited, false), Status::default());
    }
}
