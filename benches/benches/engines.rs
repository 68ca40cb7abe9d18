//! `cargo bench`: criterion over every phase and program, one id per engine.
//!
//! `cargo bench -p wasmelt-benches -- execute/json` measures one group, `-- /wasmelt` one engine, and `-- --test` runs
//! everything once. Times are wall-clock times, as criterion's users expect; `cargo xtask bench` compares CPU times.
#![allow(missing_docs, reason = "criterion's macros define undocumented items")]

use std::time::Duration;

use anyhow::Result;
use criterion::{Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use wasmelt_benches::engines::{Engine, engines};
use wasmelt_benches::kernels::KERNELS;
use wasmelt_benches::phases::{Case, Phase, execute_case, fixed_cases};

fn every_phase(criterion: &mut Criterion) {
    let engines = engines().expect("the engines accept their settings");
    for phase in Phase::ALL {
        bench_phase(criterion, &engines, phase)
            .unwrap_or_else(|error| panic!("every engine gives the expected results: {error:#}"));
    }
}

fn bench_phase(criterion: &mut Criterion, engines: &[Box<dyn Engine>], phase: Phase) -> Result<()> {
    for case in fixed_cases(engines, phase, &[])? {
        bench_case(criterion, case);
    }
    if phase == Phase::Execute {
        for kernel in KERNELS {
            bench_case(criterion, execute_case(engines, kernel, kernel.timing)?);
        }
    }
    Ok(())
}

/// The case has checked its results on every engine; each timed call checks again.
fn bench_case(criterion: &mut Criterion, case: Case<'_>) {
    let mut group = criterion.benchmark_group(format!("{}/{}", case.phase, case.program));
    group
        .sampling_mode(SamplingMode::Flat)
        .sample_size(10)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_secs(1));
    for mut lane in case.lanes {
        if lane.operations > 1 {
            group.throughput(Throughput::Elements(lane.operations.into()));
        }
        group.bench_function(lane.engine, |bencher| {
            bencher.iter(|| (lane.work)().expect("the result was right a moment ago"));
        });
    }
    group.finish();
}

criterion_group!(benches, every_phase);
criterion_main!(benches);
