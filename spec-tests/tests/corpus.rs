//! Scripts of other engines, from the corpus beside the project: all that need only WebAssembly 1.0 pass.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use wasmelt_spec_tests::backend;
use wasmelt_spec_tests::collect;
use wasmelt_spec_tests::engine::Engine;
use wasmelt_spec_tests::format::{Format, Writer};
use wasmelt_spec_tests::report::{FileReport, Outcome, Tally};
use wasmelt_spec_tests::skip_list::SkipList;
use wasmelt_spec_tests::suite::{self, Settings};

/// Runs the corpus on all engines at once, so that differences between them count, and prints what was left out.
#[track_caller]
fn check(engines: &[Arc<dyn Engine>]) {
    let Some(root) = wasmelt_tests::corpus::root() else {
        println!("not run: corpus missing");
        return;
    };
    let folder = root.join("wast");
    let files = collect::collect(&[folder.display().to_string()]).expect("the corpus has scripts");
    let skip_list = SkipList::parse(include_str!("../corpus-wast.txt")).expect("the list parses");
    for entry in skip_list.entries() {
        assert!(
            folder.join(&entry.path).exists(),
            "{} is listed, but not there",
            entry.path
        );
    }
    // One at a time: some scripts have memories of 4 GiB, and an interpreter takes them at once.
    let settings = Settings {
        jobs: 1,
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
    print_groups(&reports, &folder);
    for engine in engines {
        print_skipped(&reports, &folder, engine.name());
    }
    let failures = String::from_utf8(failures).expect("reports are UTF-8");
    let tally: Tally = reports.iter().map(FileReport::tally).sum();
    println!("{tally}");
    assert_eq!(tally.failed, 0, "{failures}");
    assert!(tally.passed > 0, "the corpus has directives that pass");
}

fn print_groups(reports: &[FileReport], folder: &Path) {
    let mut groups: BTreeMap<(String, &str), (usize, Tally, usize)> = BTreeMap::new();
    for report in reports {
        let (group, _) = split_label(report, folder);
        let (files, tally, rewritten) = groups.entry((group, &report.engine)).or_default();
        *files += 1;
        *tally += report.tally();
        *rewritten += report.rewritten_tokens;
    }
    for ((group, engine), (files, tally, rewritten)) in groups {
        println!(
            "{group:<16} {engine:<24} {files:>3} files: {tally}; {rewritten} tokens of old text"
        );
    }
}

fn print_skipped(reports: &[FileReport], folder: &Path, engine: &str) {
    let mut reasons: BTreeMap<(String, String), usize> = BTreeMap::new();
    for report in reports.iter().filter(|report| report.engine == engine) {
        let (group, name) = split_label(report, folder);
        for directive in &report.directives {
            if let Outcome::Skip { reason } = &directive.outcome {
                // Dependents of a module give its reason and place.
                let reason = reason.split(" (module at").next().unwrap_or(reason);
                *reasons
                    .entry((format!("{group}/{name}"), reason.to_owned()))
                    .or_default() += 1;
            }
        }
    }
    println!("left out on {engine}:");
    for ((file, reason), count) in reasons {
        println!("  {file}: {count} × {reason}");
    }
}

fn split_label(report: &FileReport, folder: &Path) -> (String, String) {
    let path = Path::new(&report.file);
    let relative = path
        .strip_prefix(folder)
        .unwrap_or(path)
        .display()
        .to_string();
    let (group, name) = relative.split_once('/').unwrap_or(("", &relative));
    (group.to_owned(), name.to_owned())
}

#[test]
fn scripts_of_other_engines_pass_on_wasmelt_as_on_wasmi() {
    check(&backend::select_by_name(&["wasmelt", "wasmi"], false).expect("both are in this build"));
}

#[test]
fn scripts_of_other_engines_pass_without_guard_pages_without_signals_and_with_canonical_nans() {
    let names = [
        "wasmelt/explicit/none",
        "wasmelt/signal-free/speed",
        "wasmelt/canonical-nan",
        "wasmelt/metered",
    ];
    check(&backend::select_by_name(&names, false).expect("they are in this build"));
}
