//! Real runtimes give their known results on every engine, through equal sequences of host calls.

use sha2::{Digest, Sha256};
use wasmelt_runtime_tests::engines::{Breadth, OnEngine, load_everywhere};
use wasmelt_runtime_tests::goldens::GOLDENS;
use wasmelt_runtime_tests::report::{CallOptions, CallReport};
use wasmelt_runtime_tests::state::HostKind;
use wasmelt_tests::corpus::{Corpus, Entry, Recorded, hex};

const MALLOC: &str = "ext_allocator_malloc_version_1";

/// The corpus, unless it is missing.
fn open_corpus() -> Option<Corpus> {
    Corpus::open().expect("a corpus that is there is readable")
}

fn entry<'a>(corpus: &'a Corpus, file: &str) -> &'a Entry {
    corpus
        .lookup_file(file)
        .unwrap_or_else(|| panic!("the corpus has no {file}"))
}

/// Calls `export` on every engine, requires what happened to be the same, and gives it once.
fn check(file: &str, engines: &[OnEngine], export: &str, kind: HostKind) -> CallReport {
    let mut reports = engines.iter().map(|OnEngine { engine, runtime }| {
        let report = runtime
            .call(export, &[], CallOptions::new(kind))
            .unwrap_or_else(|error| panic!("{file} on {engine}: {error}"));
        (engine, report)
    });
    let (_, first) = reports.next().expect("there is always the interpreter");
    for (engine, report) in reports {
        if let Some(difference) = first.trace.first_difference(&report.trace) {
            panic!("{file} {export} on {engine}: {difference}");
        }
        assert_eq!(first.trace.digest(), report.trace.digest());
        assert_eq!(
            first.messages, report.messages,
            "{file} {export} on {engine}"
        );
        assert_eq!(first.pages, report.pages, "{file} {export} on {engine}");
        assert!(
            first.result == report.result,
            "{file} {export} on {engine}: another result"
        );
    }
    first
}

#[test]
fn four_runtimes_give_their_golden_values_with_the_nodes_allocator() {
    let Some(corpus) = open_corpus() else { return };
    for golden in GOLDENS {
        let file = golden.file;
        let wasm = corpus
            .read_module(entry(&corpus, file))
            .expect("the corpus is whole");
        assert_eq!(wasm.len(), golden.len_bytes, "{file}");
        assert!(
            hex(&Sha256::digest(&wasm)).starts_with(golden.sha256_prefix),
            "{file}"
        );
        let engines = load_everywhere(&wasm, Breadth::Every)
            .unwrap_or_else(|error| panic!("{file}: {error}"));
        for call in &golden.calls {
            let report = check(file, &engines, call.export, HostKind::Full);
            let output = report
                .result
                .unwrap_or_else(|error| panic!("{file} {}: {error}", call.export));
            let found = (
                output.len(),
                hex(&sp_crypto_hashing::blake2_256(&output)),
                report.trace.count(MALLOC),
                report.pages,
            );
            let expected = (
                call.len_bytes,
                call.blake2_256.to_owned(),
                call.mallocs,
                call.pages,
            );
            assert_eq!(found, expected, "{file} {}", call.export);
            println!(
                "{file} {}: {} bytes, {} host calls, trace {}, on {} engines",
                call.export,
                output.len(),
                report.trace.records().len(),
                &hex(&report.trace.digest())[..16],
                engines.len(),
            );
        }
        if let Some(versions) = golden.metadata_versions {
            let report = check(file, &engines, "Metadata_metadata_versions", HostKind::Full);
            assert_eq!(
                report.result.map(|output| hex(&output)),
                Ok(versions.to_owned()),
                "{file}"
            );
        }
    }
}

#[test]
fn the_node_template_allocates_at_the_known_addresses() {
    let Some(corpus) = open_corpus() else { return };
    let file = "gosemble/rust_node_template_runtime.wasm";
    let wasm = corpus
        .read_module(entry(&corpus, file))
        .expect("the corpus is whole");
    let engines = load_everywhere(&wasm, Breadth::Main).expect("it is a sound runtime");
    let report = check(file, &engines, "Core_version", HostKind::Full);
    let calls: Vec<String> = report
        .trace
        .records()
        .iter()
        .filter(|record| record.name.starts_with("ext_allocator_"))
        .map(|record| {
            format!(
                "{}{:?} {:?}",
                &record.name[14..18],
                record.arguments,
                record.outcome
            )
        })
        .collect();
    let expected = [
        "mall[165] Value(1122104)",
        "mall[17] Value(1122368)",
        "free[1122368] Nothing",
        "mall[17] Value(1122368)",
        "free[1122368] Nothing",
        "mall[330] Value(1122408)",
        "free[1122104] Nothing",
    ];
    assert_eq!(calls, expected);
}

#[test]
fn every_recorded_runtime_gives_its_recorded_results_with_the_simple_host() {
    let Some(corpus) = open_corpus() else { return };
    let (mut returned, mut absent) = (0, 0);
    for row in &corpus.expected().runtimes {
        let file = &row.file;
        let wasm = corpus
            .read_module(entry(&corpus, file))
            .expect("the corpus is whole");
        let engines =
            load_everywhere(&wasm, Breadth::Main).unwrap_or_else(|error| panic!("{file}: {error}"));
        for (export, recorded) in [
            ("Core_version", &row.core_version),
            ("Metadata_metadata", &row.metadata),
        ] {
            match recorded {
                Recorded::NotRun { not_run } => {
                    assert!(
                        not_run.contains(export),
                        "{file}: not run because of {not_run}"
                    );
                    assert!(
                        engines.iter().all(|on| !on.runtime.exports(export)),
                        "{file} {export}"
                    );
                    absent += 1;
                }
                Recorded::Returned {
                    len,
                    sha256,
                    hex: bytes,
                } => {
                    let report = check(file, &engines, export, HostKind::Bump);
                    let output = report
                        .result
                        .unwrap_or_else(|error| panic!("{file} {export}: {error}"));
                    let found = (output.len(), hex(&Sha256::digest(&output)));
                    assert_eq!(found, (*len, sha256.clone()), "{file} {export}");
                    if let Some(bytes) = bytes {
                        assert_eq!(&hex(&output), bytes, "{file} {export}");
                    }
                    returned += 1;
                }
            }
        }
    }
    println!(
        "{} runtimes: {returned} results as recorded, {absent} exports absent",
        corpus.expected().runtimes.len()
    );
    assert_eq!(
        (corpus.expected().runtimes.len(), returned, absent),
        (24, 46, 2)
    );
}
