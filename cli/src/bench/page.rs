//! Draws a comparison as a page that needs nothing else: bars by step, and what has been spent after so many calls.

use super::report::{Report, STEPS};
use std::fmt::Write as _;
use wasmelt_measure::display_time;

const COLOURS: [&str; 4] = ["#1c7ed6", "#e8590c", "#2f9e44", "#9c36b5"];
const WIDTH: f64 = 640.0;
const LABELS: f64 = 110.0;

/// The page.
pub(super) fn page(report: &Report) -> String {
    let title = format!("{}: {}", report.file, report.function);
    let mut page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>{0}</title>\n<style>\n\
         body {{ font-family: sans-serif; max-width: 50em; margin: 2em auto; }}\n\
         td, th {{ text-align: left; padding: 0.2em 1em 0.2em 0; }}\n</style>\n<h1>{0}</h1>\n",
        escaped(&title)
    );
    let _ = writeln!(
        page,
        "<p>{} bytes of wasm. {}</p>",
        report.wasm_len_bytes,
        escaped(&report.method)
    );
    let _ = writeln!(page, "<h2>Time of each step</h2>\n{}", bars(report));
    let _ = writeln!(
        page,
        "<h2>Spent after so many calls</h2>\n{}",
        curve(report)
    );
    let _ = writeln!(page, "<p>{}</p>", escaped(&report.conclusion()));
    let _ = writeln!(
        page,
        "<h2>Figures</h2>\n<table>\n<tr><th>step</th>{}</tr>",
        {
            let heads = report.engines.iter();
            heads
                .map(|engine| format!("<th>{}</th>", engine.name))
                .collect::<String>()
        }
    );
    for (index, step) in STEPS.into_iter().enumerate() {
        let cells: String = report
            .engines
            .iter()
            .map(|engine| match &engine.steps[index] {
                Some(time) => format!(
                    "<td>{} [{}, {}]</td>",
                    display_time(time.median_ns),
                    display_time(time.quartile_low_ns),
                    display_time(time.quartile_high_ns)
                ),
                None => "<td>-</td>".to_owned(),
            })
            .collect();
        let _ = writeln!(page, "<tr><th>{step}</th>{cells}</tr>");
    }
    page.push_str("</table>\n<h2>Engines</h2>\n<ul>\n");
    for engine in &report.engines {
        let _ = writeln!(
            page,
            "<li>{}: {}</li>",
            engine.name,
            escaped(&engine.settings)
        );
    }
    page.push_str("</ul>\n</html>\n");
    page
}

/// Bars on a logarithmic axis, a group for each step.
fn bars(report: &Report) -> String {
    let times = report
        .engines
        .iter()
        .flat_map(|engine| engine.steps.iter().flatten());
    let medians: Vec<f64> = times.map(|time| time.median_ns).collect();
    let low = medians
        .iter()
        .copied()
        .fold(f64::INFINITY, f64::min)
        .log10()
        .floor();
    let high = medians
        .iter()
        .copied()
        .fold(1.0, f64::max)
        .log10()
        .ceil()
        .max(low + 1.0);
    let x = |ns: f64| LABELS + (WIDTH - 2.0 * LABELS) * (ns.max(1e-3).log10() - low) / (high - low);
    let mut svg = String::new();
    let mut y = 4.0;
    for (index, step) in STEPS.into_iter().enumerate() {
        let _ = writeln!(svg, "<text x=\"0\" y=\"{:.0}\">{step}</text>", y + 14.0);
        for (engine, colour) in report.engines.iter().zip(COLOURS) {
            if let Some(time) = &engine.steps[index] {
                let end = x(time.median_ns);
                let _ = writeln!(
                    svg,
                    "<rect x=\"{LABELS}\" y=\"{y:.0}\" width=\"{:.1}\" height=\"14\" fill=\"{colour}\"/>\
                     <text x=\"{:.1}\" y=\"{:.0}\">{} {}</text>",
                    (end - LABELS).max(1.0),
                    end + 4.0,
                    y + 12.0,
                    engine.name,
                    display_time(time.median_ns)
                );
            }
            y += 17.0;
        }
        y += 8.0;
    }
    format!(
        "<svg viewBox=\"0 0 {WIDTH} {y:.0}\" font-size=\"12\" role=\"img\" aria-label=\"times\">\n{svg}</svg>\
         \n<p>The axis is logarithmic.</p>"
    )
}

/// Lines of what was spent in all, both axes logarithmic.
fn curve(report: &Report) -> String {
    const HEIGHT: f64 = 260.0;
    const BOTTOM: f64 = 30.0;
    let lines = report.lines();
    let most_calls: f64 = 10f64.powf(report.interesting_calls().log10().ceil().clamp(1.0, 12.0));
    let spent = |line: &super::report::Line, calls: f64| line.before_ns + calls * line.call_ns;
    let low = lines
        .iter()
        .map(|line| spent(line, 1.0))
        .fold(f64::INFINITY, f64::min)
        .log10();
    let high = lines
        .iter()
        .map(|line| spent(line, most_calls))
        .fold(1.0, f64::max)
        .log10()
        .max(low + 0.1);
    let x = |calls: f64| LABELS + (WIDTH - 2.0 * LABELS) * calls.log10() / most_calls.log10();
    let y = |ns: f64| (HEIGHT - BOTTOM) * (1.0 - (ns.log10() - low) / (high - low)) + 4.0;
    let mut svg = String::new();
    for (line, colour) in lines.iter().zip(COLOURS) {
        let points: String = (0..=60)
            .map(|at| most_calls.powf(f64::from(at) / 60.0))
            .map(|calls| format!("{:.1},{:.1} ", x(calls), y(spent(line, calls))))
            .collect();
        let _ = writeln!(
            svg,
            "<polyline points=\"{points}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\" fill=\"{colour}\">{}</text>",
            x(most_calls) + 4.0,
            y(spent(line, most_calls)) + 4.0,
            line.name
        );
    }
    for at in 0..=most_calls.log10().round() as i32 {
        let calls = 10f64.powi(at);
        let _ = writeln!(
            svg,
            "<text x=\"{:.1}\" y=\"{HEIGHT}\" text-anchor=\"middle\">{calls}</text>",
            x(calls)
        );
    }
    let _ = writeln!(
        svg,
        "<text x=\"0\" y=\"14\">{}</text><text x=\"0\" y=\"{:.0}\">{}</text><text x=\"0\" y=\"{HEIGHT}\">calls</text>",
        display_time(10f64.powf(high)),
        HEIGHT - BOTTOM,
        display_time(10f64.powf(low))
    );
    format!(
        "<svg viewBox=\"0 0 {} {:.0}\" font-size=\"12\" role=\"img\" aria-label=\"break-even\">\n{svg}</svg>",
        WIDTH + 90.0,
        HEIGHT + 6.0
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
