//! Runs one case on several engines in step, and finds the first difference.

use std::collections::BTreeMap;
use std::fmt;

use crate::oracle::{Engine, Limit, Session, Stop, Trap};
use crate::value::Value;

/// A module and what to call in it.
#[derive(Clone, Debug)]
pub struct Case {
    /// The module.
    pub wasm: Vec<u8>,
    /// The calls, in order, on one instance.
    pub calls: Vec<Call>,
    /// Whether bits of NaNs are seen that engines may choose, unless they are to be canonical.
    pub shows_nans: bool,
}

/// A call of an exported function.
#[derive(Clone, Debug)]
pub struct Call {
    /// The export's name.
    pub name: String,
    /// Its arguments.
    pub arguments: Vec<Value>,
}

/// What came out of one case.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// All engines agree on everything.
    Equal,
    /// They agree up to the point where one ran into a limit of its own.
    Skipped(Limit),
    /// They differ.
    Different(Difference),
}

/// The first difference between the reference and another engine.
#[derive(Clone, Debug)]
pub struct Difference {
    /// The engine that differs from the reference.
    pub engine: String,
    /// The call after which it does, as position and call, or none if it was the start.
    pub call: Option<(usize, Call)>,
    /// What differs.
    pub what: String,
}

/// Counts over many cases.
#[derive(Clone, Debug, Default)]
pub struct Stats {
    /// Modules compared.
    pub cases: u64,
    /// Calls that all engines finished alike.
    pub calls: u64,
    /// How many of the calls and starts ended with each trap.
    pub traps: BTreeMap<Trap, u64>,
    /// How many cases ended early for a limit of an engine.
    pub skipped: BTreeMap<Limit, u64>,
}

impl Stats {
    /// All skipped cases.
    #[must_use]
    pub fn skipped_cases(&self) -> u64 {
        self.skipped.values().sum()
    }

    /// Adds another's counts.
    pub fn add(&mut self, other: &Self) {
        self.cases += other.cases;
        self.calls += other.calls;
        for (trap, count) in &other.traps {
            *self.traps.entry(*trap).or_default() += count;
        }
        for (limit, count) in &other.skipped {
            *self.skipped.entry(*limit).or_default() += count;
        }
    }
}

impl fmt::Display for Stats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} modules, {} calls, ", self.cases, self.calls)?;
        write!(
            f,
            "{} traps, {} skipped",
            self.traps.values().sum::<u64>(),
            self.skipped_cases()
        )
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.call {
            None => write!(f, "{} at the start: {}", self.engine, self.what),
            Some((at, call)) => write!(
                f,
                "{} in call {at}, {}{:?}: {}",
                self.engine, call.name, call.arguments, self.what
            ),
        }
    }
}

/// Runs `case` on `reference` and on each of `subjects`, and compares them after the start and
/// after each call: results or trap, globals, memory, and the calls that reached the host.
pub fn compare(
    case: &Case,
    reference: &dyn Engine,
    subjects: &[&dyn Engine],
    stats: &mut Stats,
) -> Verdict {
    stats.cases += 1;
    let different = |engine: &str, call: Option<(usize, &Call)>, what: String| {
        let call = call.map(|(at, call)| (at, call.clone()));
        Verdict::Different(Difference {
            engine: engine.to_owned(),
            call,
            what,
        })
    };

    let expected = reference.start(&case.wasm);
    let mut sessions = Vec::new();
    for subject in subjects {
        let found = subject.start(&case.wasm);
        match judge(
            expected.as_ref().map(|_| [].as_slice()),
            found.as_ref().map(|_| [].as_slice()),
        ) {
            Judgement::Same => sessions.extend(found.ok().map(|session| (subject.name(), session))),
            Judgement::Limited(limit) => return stats.skip(limit),
            Judgement::Different(what) => return different(subject.name(), None, what),
        }
    }
    let mut expected = match expected {
        Ok(session) => session,
        Err(Stop::Trap(trap)) => {
            stats.note(trap);
            return Verdict::Equal;
        }
        // That both refuse a module is no agreement: ours are all valid.
        Err(stop) => return different(reference.name(), None, stop.to_string()),
    };
    for (engine, session) in &sessions {
        if let Some(what) = compare_state(expected.as_ref(), session.as_ref()) {
            return different(engine, None, what);
        }
    }
    for (at, call) in case.calls.iter().enumerate() {
        let result = expected.call(&call.name, &call.arguments);
        for (engine, session) in &mut sessions {
            let found = session.call(&call.name, &call.arguments);
            match judge(result.as_deref(), found.as_deref()) {
                Judgement::Same => {}
                Judgement::Limited(limit) => return stats.skip(limit),
                Judgement::Different(what) => return different(engine, Some((at, call)), what),
            }
            if let Some(what) = compare_state(expected.as_ref(), session.as_ref()) {
                return different(engine, Some((at, call)), what);
            }
        }
        match result {
            Ok(_) => {}
            Err(Stop::Trap(trap)) => stats.note(trap),
            // That all fail alike in a way that is no trap is our own mistake.
            Err(stop) => return different(reference.name(), Some((at, call)), stop.to_string()),
        }
        stats.calls += 1;
    }
    Verdict::Equal
}

impl Stats {
    fn note(&mut self, trap: Trap) {
        *self.traps.entry(trap).or_default() += 1;
    }

    fn skip(&mut self, limit: Limit) -> Verdict {
        *self.skipped.entry(limit).or_default() += 1;
        Verdict::Skipped(limit)
    }
}

enum Judgement {
    Same,
    Limited(Limit),
    Different(String),
}

/// Compares two ends of a call; results count as bits.
fn judge(expected: Result<&[Value], &Stop>, found: Result<&[Value], &Stop>) -> Judgement {
    match (expected, found) {
        (Err(Stop::Limit(limit)), _) | (_, Err(Stop::Limit(limit))) => Judgement::Limited(*limit),
        (expected, found) if expected == found => Judgement::Same,
        (expected, found) => {
            Judgement::Different(format!("expected {}, got {}", show(expected), show(found)))
        }
    }
}

fn show(end: Result<&[Value], &Stop>) -> String {
    match end {
        Ok(values) => format!("{values:?}"),
        Err(stop) => stop.to_string(),
    }
}

/// What differs in the state that two sessions show, if anything.
fn compare_state(expected: &dyn Session, found: &dyn Session) -> Option<String> {
    for (expected, found) in expected.globals().iter().zip(found.globals()) {
        if *expected != found {
            return Some(format!("expected the global {expected:?}, got {found:?}"));
        }
    }
    if expected.host_calls() != found.host_calls() {
        let (expected, found) = (expected.host_calls().0, found.host_calls().0);
        return Some(format!(
            "calls of imports differ (expected {expected} in all, got {found}), or their arguments"
        ));
    }
    match (expected.memory(), found.memory()) {
        (Some(expected), Some(found)) => compare_bytes(expected, found),
        (None, None) => None,
        _ => Some("only one engine shows a memory".to_owned()),
    }
}

fn compare_bytes(expected: &[u8], found: &[u8]) -> Option<String> {
    if expected == found {
        return None;
    }
    if expected.len() != found.len() {
        let (expected, found) = (expected.len(), found.len());
        return Some(format!(
            "expected a memory of {expected} bytes, got one of {found}"
        ));
    }
    let at = expected
        .iter()
        .zip(found)
        .position(|(a, b)| a != b)
        .expect("they are not equal");
    let (expected, found) = (expected[at], found[at]);
    Some(format!(
        "expected {expected:#04x} at address {at:#x}, got {found:#04x}"
    ))
}

#[cfg(test)]
mod tests {
    use super::{Call, Case, Stats, Verdict, compare};
    use crate::oracle::{Engine, Limit, Session, Stop, Trap};
    use crate::value::{Type, Value};

    /// An engine that does what it is told, to see each kind of difference noticed.
    #[derive(Clone)]
    struct Scripted {
        start: Option<Stop>,
        result: Result<Vec<Value>, Stop>,
        global: u32,
        memory: Vec<u8>,
        host_calls: (u64, u64),
    }

    impl Engine for Scripted {
        fn name(&self) -> &'static str {
            "scripted"
        }

        fn start(&self, _: &[u8]) -> Result<Box<dyn Session>, Stop> {
            self.start
                .clone()
                .map_or_else(|| Ok(Box::new(self.clone()) as Box<_>), Err)
        }
    }

    impl Session for Scripted {
        fn functions(&self) -> Vec<(String, Vec<Type>)> {
            vec![("f".to_owned(), Vec::new())]
        }

        fn call(&mut self, _: &str, _: &[Value]) -> Result<Vec<Value>, Stop> {
            self.result.clone()
        }

        fn globals(&self) -> Vec<(String, Value)> {
            vec![("g".to_owned(), Value::I32(self.global))]
        }

        fn memory(&self) -> Option<&[u8]> {
            Some(&self.memory)
        }

        fn host_calls(&self) -> (u64, u64) {
            self.host_calls
        }
    }

    fn good() -> Scripted {
        Scripted {
            start: None,
            result: Ok(vec![Value::I32(7)]),
            global: 1,
            memory: vec![0; 4],
            host_calls: (0, 0),
        }
    }

    fn verdict(reference: &Scripted, change: impl Fn(&mut Scripted)) -> (Verdict, Stats) {
        let mut subject = reference.clone();
        change(&mut subject);
        let call = Call {
            name: "f".to_owned(),
            arguments: Vec::new(),
        };
        let case = Case {
            wasm: Vec::new(),
            calls: vec![call],
            shows_nans: false,
        };
        let mut stats = Stats::default();
        (compare(&case, reference, &[&subject], &mut stats), stats)
    }

    fn check_different(change: impl Fn(&mut Scripted), expected: &str) {
        match verdict(&good(), change).0 {
            Verdict::Different(found) => assert_eq!(found.to_string(), expected),
            other => panic!("not noticed: {other:?}"),
        }
    }

    #[test]
    fn equal_engines_are_equal_and_counted() {
        let (verdict, stats) = verdict(&good(), |_| {});
        assert!(matches!(verdict, Verdict::Equal));
        assert_eq!((stats.cases, stats.calls, stats.skipped_cases()), (1, 1, 0));
    }

    #[test]
    fn every_kind_of_difference_is_noticed() {
        check_different(
            |s| s.result = Ok(vec![Value::I32(8)]),
            "scripted in call 0, f[]: expected [i32:0x7], got [i32:0x8]",
        );
        check_different(
            |s| s.result = Err(Stop::Trap(Trap::IntegerOverflow)),
            "scripted in call 0, f[]: expected [i32:0x7], got trap IntegerOverflow",
        );
        check_different(
            |s| s.start = Some(Stop::Refused("no".to_owned())),
            "scripted at the start: expected [], got refused: no",
        );
        check_different(
            |s| s.global = 2,
            "scripted at the start: expected the global (\"g\", i32:0x1), got (\"g\", i32:0x2)",
        );
        check_different(
            |s| s.memory[2] = 9,
            "scripted at the start: expected 0x00 at address 0x2, got 0x09",
        );
        check_different(
            |s| s.memory.push(0),
            "scripted at the start: expected a memory of 4 bytes, got one of 5",
        );
        check_different(
            |s| s.host_calls = (0, 1),
            "scripted at the start: calls of imports differ (expected 0 in all, got 0), or their \
             arguments",
        );
    }

    #[test]
    fn nans_with_other_payloads_and_zeros_with_other_signs_are_different() {
        let check = |expected, found| {
            let reference = Scripted {
                result: Ok(vec![expected]),
                ..good()
            };
            let (verdict, _) = verdict(&reference, |s| s.result = Ok(vec![found]));
            assert!(
                matches!(verdict, Verdict::Different(_)),
                "{expected:?} {found:?}"
            );
        };
        check(Value::F32(0x7fc0_0000), Value::F32(0x7fc0_0001));
        check(Value::F64(0), Value::F64(1 << 63));
        check(Value::F64(0), Value::I64(0));
    }

    #[test]
    fn two_traps_are_equal_only_if_they_are_the_same() {
        let reference = Scripted {
            result: Err(Stop::Trap(Trap::Unreachable)),
            ..good()
        };
        let (same, stats) = verdict(&reference, |_| {});
        assert!(matches!(same, Verdict::Equal));
        assert_eq!(stats.traps.get(&Trap::Unreachable), Some(&1));
        let other = Err(Stop::Trap(Trap::MemoryOutOfBounds));
        let (verdict, _) = verdict(&reference, |s| s.result = other.clone());
        assert!(matches!(verdict, Verdict::Different(_)));
    }

    #[test]
    fn a_limit_of_either_engine_ends_the_case_without_a_verdict_on_the_rest() {
        let limit = || Err(Stop::Limit(Limit::StackOverflow));
        let (subject, stats) = verdict(&good(), |s| s.result = limit());
        assert!(matches!(subject, Verdict::Skipped(Limit::StackOverflow)));
        assert_eq!((stats.calls, stats.skipped_cases()), (0, 1));
        let reference = Scripted {
            result: limit(),
            ..good()
        };
        let (reference, _) = verdict(&reference, |s| s.result = Ok(Vec::new()));
        assert!(matches!(reference, Verdict::Skipped(Limit::StackOverflow)));
    }

    #[test]
    fn a_module_that_both_refuse_is_our_own_mistake() {
        let reference = Scripted {
            start: Some(Stop::Refused("no".to_owned())),
            ..good()
        };
        assert!(matches!(
            verdict(&reference, |_| {}).0,
            Verdict::Different(_)
        ));
    }
}
