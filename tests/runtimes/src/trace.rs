//! Records every host call of a run, so that two engines can be compared call by call.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use sp_crypto_hashing::blake2_256;

/// One host call: its name, its arguments and its result as bits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostCallRecord {
    /// Name of the import.
    pub name: Arc<str>,
    /// Arguments, zero-extended.
    pub arguments: Vec<u64>,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of a host call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It returned nothing.
    Nothing,
    /// It returned this, zero-extended.
    Value(u64),
    /// It failed, which ends the run.
    Failed,
}

/// The host calls of a run, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trace {
    records: Vec<HostCallRecord>,
}

impl fmt::Display for HostCallRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}{:x?} gives {:x?}",
            self.name, self.arguments, self.outcome
        )
    }
}

impl Trace {
    /// Adds the latest host call.
    pub fn push(&mut self, record: HostCallRecord) {
        self.records.push(record);
    }

    /// Every host call, in order.
    #[must_use]
    pub fn records(&self) -> &[HostCallRecord] {
        &self.records
    }

    /// How often `name` was called.
    #[must_use]
    pub fn count(&self, name: &str) -> usize {
        self.records
            .iter()
            .filter(|record| &*record.name == name)
            .count()
    }

    /// How often each host function was called.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<&str, usize> {
        let mut counts = BTreeMap::new();
        for record in &self.records {
            *counts.entry(&*record.name).or_default() += 1;
        }
        counts
    }

    /// BLAKE2b-256 over names, arguments and results of all calls in order.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        let mut bytes = Vec::new();
        for record in &self.records {
            bytes.extend((record.name.len() as u64).to_le_bytes());
            bytes.extend(record.name.as_bytes());
            bytes.extend((record.arguments.len() as u64).to_le_bytes());
            for argument in &record.arguments {
                bytes.extend(argument.to_le_bytes());
            }
            match record.outcome {
                Outcome::Nothing => bytes.push(0),
                Outcome::Value(value) => {
                    bytes.push(1);
                    bytes.extend(value.to_le_bytes());
                }
                Outcome::Failed => bytes.push(2),
            }
        }
        blake2_256(&bytes)
    }

    /// Where `self` and `other` differ first, in words; `None` when they are equal.
    #[must_use]
    pub fn first_difference(&self, other: &Self) -> Option<String> {
        let common = self.records.iter().zip(&other.records);
        let index = common.take_while(|(left, right)| left == right).count();
        let describe = |trace: &Self| {
            trace
                .records
                .get(index)
                .map_or_else(|| "no further call".to_owned(), ToString::to_string)
        };
        (self != other).then(|| {
            format!(
                "host call {index}: {}, but {}",
                describe(self),
                describe(other)
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trace(calls: &[(&str, &[u64], Outcome)]) -> Trace {
        let mut trace = Trace::default();
        for &(name, arguments, outcome) in calls {
            trace.push(HostCallRecord {
                name: name.into(),
                arguments: arguments.into(),
                outcome,
            });
        }
        trace
    }

    #[test]
    fn every_part_of_every_call_counts() {
        let original = trace(&[("a", &[1], Outcome::Nothing), ("b", &[], Outcome::Value(2))]);
        assert_eq!(original.first_difference(&original.clone()), None);
        for changed in [
            trace(&[("a", &[1], Outcome::Nothing), ("c", &[], Outcome::Value(2))]),
            trace(&[("a", &[3], Outcome::Nothing), ("b", &[], Outcome::Value(2))]),
            trace(&[("a", &[1], Outcome::Nothing), ("b", &[], Outcome::Value(3))]),
            trace(&[("a", &[1], Outcome::Nothing), ("b", &[], Outcome::Failed)]),
            trace(&[("b", &[], Outcome::Value(2)), ("a", &[1], Outcome::Nothing)]),
            trace(&[("a", &[1], Outcome::Nothing)]),
        ] {
            assert!(original.first_difference(&changed).is_some());
            assert_ne!(original.digest(), changed.digest());
        }
        let shorter = trace(&[("a", &[1], Outcome::Nothing)]);
        assert_eq!(
            original.first_difference(&shorter).as_deref(),
            Some("host call 1: b[] gives Value(2), but no further call")
        );
    }
}
