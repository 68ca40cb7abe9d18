//! Draws the execute phase as bars (SVG): one group per kernel, time relative to the baseline on a logarithmic axis.

use crate::phases::Phase;
use crate::report::{PhaseReport, Report};
use crate::stats::Estimate;

const LABEL_WIDTH: f64 = 190.0;
const PLOT_WIDTH: f64 = 620.0;
const RIGHT_MARGIN: f64 = 60.0;
const TOP: f64 = 74.0;
const BAR_HEIGHT: f64 = 7.0;
const GROUP_GAP: f64 = 5.0;
const COLOURS: [&str; 4] = ["#d9480f", "#868e96", "#1971c2", "#2f9e44"];
const TICKS: [f64; 11] = [0.25, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0];

/// A group of bars: a kernel, or an average.
struct Group {
    label: String,
    bold: bool,
    /// One value per engine of the legend.
    ratios: Vec<Option<Estimate>>,
}

/// The picture as an SVG document; without an execute phase there is only a frame.
pub(crate) fn picture(report: &Report) -> String {
    let engines: Vec<&str> = report
        .engines
        .iter()
        .map(|engine| engine.name)
        .skip(1)
        .collect();
    let groups = report
        .phases
        .iter()
        .find(|phase| phase.phase == Phase::Execute)
        .map(|phase| groups(phase, &engines))
        .unwrap_or_default();
    let axis = Axis::fitting(&groups);
    let group_height = BAR_HEIGHT * engines.len().max(1) as f64 + GROUP_GAP;
    let bottom = TOP + group_height * groups.len() as f64;
    let (width, height) = (LABEL_WIDTH + PLOT_WIDTH + RIGHT_MARGIN, bottom + 44.0);
    let mut svg = String::new();
    let mut line = |text: String| {
        svg.push_str(&text);
        svg.push('\n');
    };
    line(format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height:.0}" viewBox="0 0 {width} {height:.0}" font-family="sans-serif" font-size="11">"#
    ));
    line(r#"<rect width="100%" height="100%" fill="white"/>"#.to_owned());
    let versions: Vec<String> = report
        .engines
        .iter()
        .map(|engine| format!("{} {}", engine.name, engine.version))
        .collect();
    line(text(
        12.0,
        20.0,
        "font-size=\"14\" font-weight=\"bold\"",
        &format!(
            "CPU time relative to {}: left of 1x is faster",
            report.baseline()
        ),
    ));
    line(text(
        12.0,
        37.0,
        "fill=\"#495057\"",
        &format!("{}; {}", versions.join(", "), report.machine.cpu),
    ));
    for (index, engine) in engines.iter().enumerate() {
        let x = 12.0 + 110.0 * index as f64;
        line(format!(
            r#"<rect x="{x}" y="46" width="10" height="10" fill="{}"/>"#,
            COLOURS[index % COLOURS.len()]
        ));
        line(text(x + 15.0, 55.0, "", engine));
    }
    for tick in TICKS.into_iter().filter(|&tick| axis.shows(tick)) {
        let x = axis.x(tick);
        let stroke = if tick == 1.0 { "#212529" } else { "#dee2e6" };
        line(format!(
            r#"<line x1="{x:.1}" y1="{:.1}" x2="{x:.1}" y2="{bottom:.1}" stroke="{stroke}"/>"#,
            TOP - 4.0
        ));
        line(text(
            x,
            bottom + 14.0,
            "text-anchor=\"middle\"",
            &format!("{tick}x"),
        ));
    }
    for (index, group) in groups.iter().enumerate() {
        let top = TOP + group_height * index as f64;
        line(group_elements(group, &axis, top, group_height));
    }
    line(text(
        12.0,
        bottom + 34.0,
        "fill=\"#495057\"",
        "Logarithmic axis; lines show 95 % intervals; * dominated by direct calls",
    ));
    line("</svg>".to_owned());
    svg
}

fn groups(phase: &PhaseReport, engines: &[&str]) -> Vec<Group> {
    let mut groups: Vec<Group> = phase
        .programs
        .iter()
        .map(|program| Group {
            label: format!(
                "{}{}",
                program.program,
                if program.call_dominated { " *" } else { "" }
            ),
            bold: false,
            ratios: engines
                .iter()
                .map(|engine| {
                    program
                        .results
                        .iter()
                        .find(|r| r.engine == *engine)
                        .map(|result| result.ratio)
                })
                .collect(),
        })
        .collect();
    let mean = |engine: &&str| {
        phase
            .geometric_means
            .iter()
            .find(|mean| mean.engine == *engine)
    };
    groups.push(Group {
        label: "geometric mean".to_owned(),
        bold: true,
        ratios: engines
            .iter()
            .map(|engine| mean(engine).map(|mean| mean.all))
            .collect(),
    });
    if phase.programs.iter().any(|program| program.call_dominated) {
        groups.push(Group {
            label: "geometric mean without *".to_owned(),
            bold: true,
            ratios: engines
                .iter()
                .map(|engine| mean(engine).map(|mean| mean.without_call_dominated))
                .collect(),
        });
    }
    groups
}

fn group_elements(group: &Group, axis: &Axis, top: f64, height: f64) -> String {
    let weight = if group.bold { "bold" } else { "normal" };
    let mut elements = text(
        LABEL_WIDTH - 8.0,
        top + (height - GROUP_GAP) / 2.0 + 4.0,
        &format!("text-anchor=\"end\" font-weight=\"{weight}\""),
        &group.label,
    );
    for (index, ratio) in group.ratios.iter().enumerate() {
        let Some(Estimate { value, low, high }) = *ratio else {
            continue;
        };
        let y = top + BAR_HEIGHT * index as f64;
        let (start, end) = (
            axis.x(value).min(axis.x(1.0)),
            axis.x(value).max(axis.x(1.0)),
        );
        let middle = y + BAR_HEIGHT / 2.0;
        let (width, bar) = ((end - start).max(0.5), BAR_HEIGHT - 1.0);
        let colour = COLOURS[index % COLOURS.len()];
        let title = format!(
            "{}: {value:.3} [{low:.3}, {high:.3}]",
            escaped(&group.label)
        );
        let (low_x, high_x) = (axis.x(low), axis.x(high));
        let (text_x, text_y) = (end.max(high_x) + 4.0, y + BAR_HEIGHT - 0.5);
        elements.push_str(&format!(
            r##"
<rect x="{start:.1}" y="{y:.1}" width="{width:.1}" height="{bar:.1}" fill="{colour}"><title>{title}</title></rect>
<line x1="{low_x:.1}" y1="{middle:.1}" x2="{high_x:.1}" y2="{middle:.1}" stroke="#212529"/>
<text x="{text_x:.1}" y="{text_y:.1}" font-size="8">{value:.2}</text>"##
        ));
    }
    elements
}

fn text(x: f64, y: f64, attributes: &str, content: &str) -> String {
    format!(
        r#"<text x="{x:.1}" y="{y:.1}" {attributes}>{}</text>"#,
        escaped(content)
    )
}

fn escaped(content: &str) -> String {
    content
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// A logarithmic axis over the plot.
struct Axis {
    low: f64,
    high: f64,
}

impl Axis {
    /// Wide enough for every value, and for a bit on both sides of 1.
    fn fitting(groups: &[Group]) -> Self {
        let values = || {
            groups
                .iter()
                .flat_map(|group| group.ratios.iter().flatten())
                .map(|ratio| ratio.value)
        };
        Self {
            low: values().fold(0.7, f64::min) / 1.1,
            high: values().fold(1.5, f64::max) * 1.1,
        }
    }

    fn x(&self, ratio: f64) -> f64 {
        let part = (ratio / self.low).ln() / (self.high / self.low).ln();
        LABEL_WIDTH + PLOT_WIDTH * part.clamp(0.0, 1.0)
    }

    fn shows(&self, tick: f64) -> bool {
        (self.low..=self.high).contains(&tick)
    }
}
