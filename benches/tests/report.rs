//! The comparison tool: a smoke run of everything, the files it writes, and what it refuses.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::fs;

use clap::Parser;
use wasmelt_benches::engines::{BASELINE, engines};
use wasmelt_benches::kernels::KERNELS;
use wasmelt_benches::phases::Phase;
use wasmelt_benches::report::{Options, Report, list_kernels, report};

fn run(arguments: &[&str]) -> anyhow::Result<(Report, String)> {
    let options = Options::try_parse_from(["bench-report"].iter().chain(arguments))?;
    let mut out = Vec::new();
    let report = report(&options, &mut out)?;
    Ok((report, String::from_utf8(out)?))
}

#[test]
fn smoke_covers_every_phase_program_and_engine_and_writes_both_files() {
    let folder = tempfile::tempdir().unwrap();
    let (json, svg) = (
        folder.path().join("bench.json"),
        folder.path().join("bench.svg"),
    );
    let (report, table) = run(&[
        "--smoke",
        "--json",
        json.to_str().unwrap(),
        "--svg",
        svg.to_str().unwrap(),
    ])
    .unwrap();
    let phases: Vec<Phase> = report.phases.iter().map(|phase| phase.phase).collect();
    assert_eq!(phases, Phase::ALL);
    let execute = &report.phases[0];
    assert_eq!(execute.programs.len(), KERNELS.len());
    let names: Vec<&str> = engines()
        .unwrap()
        .iter()
        .map(|engine| engine.name())
        .collect();
    for program in &execute.programs {
        let found: Vec<&str> = program.results.iter().map(|result| result.engine).collect();
        assert_eq!(found, names, "{}", program.program);
        for result in &program.results {
            assert!(
                result.median_ns > 0.0 && result.ratio.value > 0.0,
                "{}",
                program.program
            );
        }
        let baseline = &program.results[0];
        assert_eq!((baseline.engine, baseline.ratio.value), (BASELINE, 1.0));
    }
    assert_eq!(execute.geometric_means.len(), names.len() - 1);
    for program in report.phases.iter().flat_map(|phase| &phase.programs) {
        assert!(
            table.contains(&program.program),
            "{} is not in the table",
            program.program
        );
    }
    for line in [
        "machine  ",
        "engine   wasmi 2.0.0: ",
        "engine   wasmtime 48.",
        "without calls",
    ] {
        assert!(
            table.contains(line),
            "`{line}` is not in the table:\n{table}"
        );
    }

    let json: serde_json::Value = serde_json::from_slice(&fs::read(json).unwrap()).unwrap();
    assert_eq!(json["phases"][0]["phase"], "execute");
    assert_eq!(
        json["phases"][0]["programs"].as_array().unwrap().len(),
        KERNELS.len()
    );
    assert!(
        json["phases"][0]["geometric_means"][0]["all"]["value"]
            .as_f64()
            .unwrap()
            > 0.0
    );

    let svg = fs::read_to_string(svg).unwrap();
    assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
    for kernel in KERNELS {
        assert!(
            svg.contains(kernel.name),
            "{} is not in the picture",
            kernel.name
        );
    }
}

#[test]
fn only_selects_kernels_and_engines() {
    let (report, _) = run(&[
        "--smoke",
        "--only",
        "json,fib",
        "--engines",
        "wasmi",
        "--rounds",
        "3",
    ])
    .unwrap();
    let [execute] = &report.phases[..] else {
        panic!("{} phases", report.phases.len())
    };
    let names: Vec<&str> = execute
        .programs
        .iter()
        .map(|p| p.program.as_str())
        .collect();
    assert_eq!(names, ["json", "fib"]);
    for program in &execute.programs {
        let found: Vec<_> = program
            .results
            .iter()
            .map(|r| (r.engine, r.samples_ns.len()))
            .collect();
        assert_eq!(found, [("wasmtime", 3), ("wasmi", 3)]);
    }
}

#[test]
fn an_engine_that_only_runs_when_named_gives_right_results_too() {
    let (report, _) = run(&["--smoke", "--engines", "wasmelt-native"]).unwrap();
    let execute = &report.phases[0];
    assert_eq!(execute.programs.len(), KERNELS.len());
    for program in &execute.programs {
        let found: Vec<_> = program.results.iter().map(|r| r.engine).collect();
        assert_eq!(found, ["wasmtime", "wasmelt-native"], "{}", program.program);
    }
}

#[test]
fn unknown_names_and_contradictions_are_refused() {
    for (arguments, message) in [
        (
            &["--only", "nonsense"][..],
            "no kernel `nonsense`; --list shows those there are",
        ),
        (
            &["--phase", "call", "--svg", "x.svg"][..],
            "the picture shows the execute phase, which is not selected",
        ),
    ] {
        assert_eq!(run(arguments).unwrap_err().to_string(), message);
    }
    let error = run(&["--smoke", "--only", "fib", "--json", "/no/such/folder/x"]).unwrap_err();
    assert_eq!(error.to_string(), "cannot write /no/such/folder/x");
    assert!(
        run(&["--smoke", "--quick"])
            .unwrap_err()
            .to_string()
            .contains("cannot be used with")
    );
    assert!(run(&["--rounds", "0"]).is_err());
}

#[test]
fn list_shows_every_kernel_once() {
    let mut out = Vec::new();
    list_kernels(&mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    assert_eq!(text.lines().count(), KERNELS.len());
    assert_eq!(text.matches("(call-dominated)").count(), 2);
}
