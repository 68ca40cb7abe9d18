//! Our own corner cases in `tests/run`: every script, every directive, on wasmelt and on its peer.

use std::path::Path;
use wasmelt_spec_tests::{
    backend,
    collect::collect,
    suite::{self, Settings},
};

/// Runs every script of `tests/run` on these engines; nothing may fail or be skipped.
fn check(engines: &[&str], matrix: bool) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/run");
    let scripts = collect(&[folder.to_string_lossy().into_owned()]).expect("the scripts are there");
    assert!(scripts.len() >= 8, "only {} scripts", scripts.len());
    let engines = backend::select_by_name(engines, matrix).expect("the engines exist");
    let reports = suite::run_suite(&scripts, &engines, &Settings::default(), |_| {});
    for report in &reports {
        let tally = report.tally().to_string();
        assert!(tally.ends_with("passed, 0 failed"), "{tally}: {report:#?}");
    }
}

#[test]
fn wasmelt_passes_our_corner_cases_in_every_configuration() {
    check(&["wasmelt"], true);
}

#[test]
fn wasmi_passes_our_corner_cases() {
    check(&["wasmi"], false);
}
