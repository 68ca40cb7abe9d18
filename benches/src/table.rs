//! Lays a report out as text: a header, a table per phase, the averages.

use crate::report::{PhaseReport, ProgramReport, Report};
use crate::stats::Estimate;
use wasmelt_measure::display_time;

/// The whole report as text.
pub(crate) fn table(report: &Report) -> String {
    let mut lines = vec![report.machine.to_string()];
    for engine in &report.engines {
        lines.push(format!(
            "engine   {} {}: {}",
            engine.name, engine.version, engine.settings
        ));
    }
    lines.push(format!(
        "samples  {} per engine, taken in turns in random order (seed {}); every result checked first",
        report.rounds, report.seed
    ));
    if report.machine.build != "release" {
        lines.push("warning  this program is not optimised: figures of interpreters and of calls mean nothing".into());
    }
    for phase in &report.phases {
        lines.push(String::new());
        lines.extend(phase_lines(report, phase));
    }
    lines.push(String::new());
    lines.join("\n")
}

fn phase_lines(report: &Report, phase: &PhaseReport) -> Vec<String> {
    let others: Vec<&str> = report
        .engines
        .iter()
        .map(|engine| engine.name)
        .skip(1)
        .collect();
    let baseline = report.baseline();
    let mut rows = vec![header(baseline, &others)];
    rows.extend(
        phase
            .programs
            .iter()
            .map(|program| program_row(program, baseline, &others)),
    );
    let mean = |label: &str, pick: &dyn Fn(&str) -> Option<Estimate>| {
        let mut row = vec![label.to_owned(), String::new(), String::new()];
        row.extend(
            others
                .iter()
                .map(|engine| pick(engine).map_or_else(|| "-".into(), ratio)),
        );
        row
    };
    let of = |engine: &str| {
        phase
            .geometric_means
            .iter()
            .find(|mean| mean.engine == engine)
    };
    if !phase.geometric_means.is_empty() {
        rows.push(mean("geometric mean", &|engine| {
            of(engine).map(|mean| mean.all)
        }));
        if phase.programs.iter().any(|program| program.call_dominated) {
            rows.push(mean("  without calls", &|engine| {
                of(engine).map(|mean| mean.without_call_dominated)
            }));
        }
    }
    let mut lines = vec![format!(
        "{}: {}, median; others relative to {baseline} [95 % interval], below 1 is faster",
        phase.phase, phase.clock
    )];
    lines.extend(aligned(&rows));
    lines
}

fn header(baseline: &str, others: &[&str]) -> Vec<String> {
    let mut row = vec![
        "program".to_owned(),
        "category".to_owned(),
        baseline.to_owned(),
    ];
    row.extend(others.iter().map(|&name| name.to_owned()));
    row
}

fn program_row(program: &ProgramReport, baseline: &str, others: &[&str]) -> Vec<String> {
    let of = |engine: &str| {
        program
            .results
            .iter()
            .find(|result| result.engine == engine)
    };
    let mark = if program.call_dominated { " *" } else { "" };
    let mut row = vec![
        format!("{}{mark}", program.program),
        program
            .category
            .map(|category| category.to_string())
            .unwrap_or_default(),
        of(baseline).map_or_else(|| "-".into(), |result| display_time(result.median_ns)),
    ];
    row.extend(
        others
            .iter()
            .map(|engine| of(engine).map_or_else(|| "-".into(), |r| ratio(r.ratio))),
    );
    row
}

fn ratio(Estimate { value, low, high }: Estimate) -> String {
    format!("{value:7.3} [{low:.3}, {high:.3}]")
}

/// Columns as wide as their widest cell, two spaces apart.
fn aligned(rows: &[Vec<String>]) -> Vec<String> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter()
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count())
            .max()
    };
    let widths: Vec<usize> = (0..columns)
        .map(|column| width(column).unwrap_or(0))
        .collect();
    rows.iter()
        .map(|row| {
            let cells = row
                .iter()
                .zip(&widths)
                .enumerate()
                .map(|(column, (cell, &width))| {
                    if column == 2 {
                        format!("{cell:>width$}")
                    } else {
                        format!("{cell:<width$}")
                    }
                });
            cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        })
        .collect()
}
