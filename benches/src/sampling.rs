//! Takes samples of all engines in turns, in a random order that changes with every round.

use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::phases::Case;
use crate::stats::Random;
use wasmelt_measure::repeats_for;

/// How long and how often to measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effort {
    /// Samples of each engine.
    pub rounds: u32,
    /// Short work is repeated until a sample takes about this long.
    pub sample_time: Duration,
}

impl Effort {
    /// For figures that are quoted.
    pub const FULL: Self = Self {
        rounds: 15,
        sample_time: Duration::from_millis(4),
    };
    /// For a look in between.
    pub const QUICK: Self = Self {
        rounds: 5,
        sample_time: Duration::from_millis(2),
    };
    /// Once, to see that everything runs.
    pub const SMOKE: Self = Self {
        rounds: 1,
        sample_time: Duration::ZERO,
    };
}

/// Nanoseconds per operation: one list per lane of the case, one value per round.
///
/// # Errors
/// When the work fails or gives a wrong result.
pub fn sample_interleaved(
    case: &mut Case<'_>,
    effort: Effort,
    random: &mut Random,
) -> Result<Vec<Vec<f64>>> {
    let clock = case.phase.clock();
    let mut repeats = Vec::with_capacity(case.lanes.len());
    for lane in &mut case.lanes {
        let start = clock.now();
        let taken = (lane.work)()?;
        let taken = taken.unwrap_or_else(|| clock.now() - start);
        repeats.push(repeats_for(taken, effort.sample_time));
    }
    let mut samples = vec![Vec::with_capacity(effort.rounds as usize); case.lanes.len()];
    let mut order: Vec<usize> = (0..case.lanes.len()).collect();
    for _ in 0..effort.rounds {
        random.shuffle(&mut order);
        for &index in &order {
            let lane = &mut case.lanes[index];
            let start = clock.now();
            let mut taken = None;
            for _ in 0..repeats[index] {
                let once = (lane.work)().with_context(|| {
                    format!("{}/{} on {}", case.phase, case.program, lane.engine)
                })?;
                taken = once.map(|once| taken.unwrap_or_default() + once);
            }
            let elapsed = taken.unwrap_or_else(|| clock.now() - start);
            let operations = f64::from(repeats[index]) * f64::from(lane.operations);
            // A clock that did not advance would make ratios infinite.
            samples[index].push((elapsed.as_nanos() as f64).max(1.0) / operations);
        }
    }
    Ok(samples)
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::time::Duration;

    use anyhow::bail;

    use super::{Effort, sample_interleaved};
    use crate::phases::{Case, Lane, Phase};
    use crate::stats::Random;

    const EFFORT: Effort = Effort {
        rounds: 40,
        sample_time: Duration::ZERO,
    };

    fn case<'a>(lanes: Vec<Lane<'a>>) -> Case<'a> {
        Case {
            phase: Phase::Call,
            program: "program".to_owned(),
            category: None,
            call_dominated: false,
            lanes,
        }
    }

    #[test]
    fn every_round_takes_each_engine_once_in_a_changing_order() {
        let log = RefCell::new(Vec::new());
        let log_ref = &log;
        let lane = |engine| Lane {
            engine,
            operations: 1,
            work: Box::new(move || {
                log_ref.borrow_mut().push(engine);
                Ok(None)
            }),
        };
        let samples = sample_interleaved(
            &mut case(vec![lane("a"), lane("b")]),
            EFFORT,
            &mut Random::new(1),
        )
        .expect("the work does not fail");
        assert_eq!(samples.iter().map(Vec::len).collect::<Vec<_>>(), [40, 40]);
        let log = log.borrow();
        let rounds: Vec<_> = log[2..].chunks(2).collect();
        assert!(rounds.iter().all(|round| round[0] != round[1]));
        assert!(rounds.contains(&&["a", "b"][..]) && rounds.contains(&&["b", "a"][..]));
    }

    #[test]
    fn a_failure_names_phase_program_and_engine() {
        let mut calls = 0;
        let work = move || {
            calls += 1;
            if calls > 1 {
                bail!("wrong result")
            } else {
                Ok(None)
            }
        };
        let lane = Lane {
            engine: "a",
            operations: 1,
            work: Box::new(work),
        };
        let error = sample_interleaved(&mut case(vec![lane]), EFFORT, &mut Random::new(1))
            .expect_err("the second call fails");
        assert_eq!(format!("{error:#}"), "call/program on a: wrong result");
    }
}
