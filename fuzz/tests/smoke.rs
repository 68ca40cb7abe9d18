//! A few hundred seeds of every generator, on the default configuration and one other each.

use std::time::{Duration, Instant};

use wasmelt_fuzz::{GENERATORS, Generator, Runner, Stats, Trap, Verdict, repro_command};

/// Slow machines do fewer seeds rather than keep everybody waiting.
const TIME: Duration = Duration::from_secs(60);

/// Runs the generator's seeds; every engine must agree, few cases may end early, and each of
/// `traps` must have been met, since a generator that never gets there tests nothing.
fn check(name: &str, traps: &[Trap]) {
    let generator = Generator::named(name).expect("a generator of that name");
    let runner = Runner::rotating();
    let mut stats = Stats::default();
    let start = Instant::now();
    let mut done = 0;
    for seed in 0..generator.smoke_seeds {
        if start.elapsed() > TIME {
            println!(
                "{name}: time is up after {seed} of {} seeds",
                generator.smoke_seeds
            );
            break;
        }
        let case = generator.generate(seed);
        if let Verdict::Different(difference) = runner.run(&case, seed, &mut stats) {
            panic!(
                "{difference}\nrepeat with: {}",
                repro_command(generator, seed)
            );
        }
        done += 1;
    }
    println!("{name}: {stats} in {:.1} s", start.elapsed().as_secs_f64());
    assert!(
        stats.skipped_cases() * 5 <= stats.cases,
        "more than a fifth ended early"
    );
    assert!(done >= 50, "only {done} seeds in a minute");
    assert!(stats.calls >= done, "hardly anything was called");
    if done == generator.smoke_seeds {
        for trap in traps {
            assert!(stats.traps.contains_key(trap), "no seed ends with {trap:?}");
        }
    }
}

#[test]
fn modules_of_wasm_smith_agree() {
    check("smith", &[Trap::Unreachable]);
}

#[test]
fn single_instructions_agree() {
    use Trap::{BadConversionToInteger, IntegerDivisionByZero, IntegerOverflow, MemoryOutOfBounds};
    check(
        "single-inst",
        &[
            MemoryOutOfBounds,
            IntegerDivisionByZero,
            IntegerOverflow,
            BadConversionToInteger,
        ],
    );
}

#[test]
fn address_arithmetic_agrees() {
    check(
        "addresses",
        &[Trap::MemoryOutOfBounds, Trap::IntegerDivisionByZero],
    );
}

#[test]
fn calls_agree() {
    use Trap::{
        BadSignature, IndirectCallToNull, OutOfFuel, TableOutOfBounds, TooManyCalls, Unreachable,
    };
    check(
        "calls",
        &[
            BadSignature,
            IndirectCallToNull,
            TableOutOfBounds,
            Unreachable,
            TooManyCalls,
            OutOfFuel,
        ],
    );
}

#[test]
fn control_flow_agrees() {
    use Trap::{IntegerDivisionByZero, OutOfFuel, Unreachable};
    check("control", &[Unreachable, IntegerDivisionByZero, OutOfFuel]);
}

#[test]
fn the_same_seed_makes_the_same_case() {
    for generator in GENERATORS {
        let case = |seed| {
            let case = generator.generate(seed);
            (case.wasm, format!("{:?}", case.calls))
        };
        assert_eq!(case(3), case(3), "{}", generator.name);
        assert_ne!(case(3), case(4), "{}", generator.name);
    }
}
