//! What was measured, in words and numbers.

use serde::Serialize;
use std::fmt::Write as _;
use wasmelt_measure::display_time;

/// The steps of a module's life, in their order.
pub(super) const STEPS: [&str; 4] = ["compile", "load", "instantiate", "call"];

/// One file on some engines.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub(super) file: String,
    pub(super) wasm_len_bytes: usize,
    pub(super) function: String,
    /// The results, which all engines agree on.
    pub(super) results: Vec<String>,
    pub(super) method: String,
    pub(super) engines: Vec<EngineReport>,
    /// After how many calls compiling has paid against each interpreter.
    pub(super) break_even: Vec<BreakEven>,
}

#[derive(Debug, Serialize)]
pub(super) struct EngineReport {
    pub(super) name: &'static str,
    pub(super) settings: String,
    /// In the order of [`STEPS`]; the interpreter stores nothing, so that it has nothing to load.
    pub(super) steps: [Option<StepTime>; 4],
}

/// The time of one step.
#[derive(Debug, Clone, Serialize)]
pub(super) struct StepTime {
    pub(super) median_ns: f64,
    pub(super) quartile_low_ns: f64,
    pub(super) quartile_high_ns: f64,
}

/// When wasmelt has spent less in all than another engine; `None` for never.
#[derive(Debug, Serialize)]
pub(super) struct BreakEven {
    pub(super) against: &'static str,
    /// When it compiles first.
    pub(super) calls_with_compilation: Option<u64>,
    /// When the artifact is there.
    pub(super) calls_from_artifact: Option<u64>,
}

/// What an engine spends: so much before the first call, and so much for each.
pub(super) struct Line {
    pub(super) name: String,
    pub(super) before_ns: f64,
    pub(super) call_ns: f64,
}

impl EngineReport {
    fn time(&self, step: usize) -> f64 {
        self.steps[step].as_ref().map_or(0.0, |time| time.median_ns)
    }

    fn line(&self, first_step: usize) -> Line {
        let name = if first_step == 0 {
            self.name.to_owned()
        } else {
            format!("{}, compiled before", self.name)
        };
        Line {
            name,
            before_ns: (first_step..3).map(|step| self.time(step)).sum(),
            call_ns: self.time(3),
        }
    }

    /// Whether it can load what it compiled before.
    fn stores(&self) -> bool {
        self.steps[1].is_some()
    }
}

impl Report {
    /// What every engine spends; one that stores what it compiles has two lines.
    pub(super) fn lines(&self) -> Vec<Line> {
        let mut lines: Vec<Line> = self.engines.iter().map(|engine| engine.line(0)).collect();
        let stored = self.engines.iter().filter(|engine| engine.stores());
        lines.extend(stored.map(|engine| engine.line(1)));
        lines
    }

    /// Fills in when the first engine that stores what it compiles has paid.
    pub(super) fn find_break_even(&mut self) {
        let Some(compiled) = self.engines.iter().find(|engine| engine.stores()) else {
            return;
        };
        let others = self.engines.iter().filter(|engine| !engine.stores());
        self.break_even = others
            .map(|other| BreakEven {
                against: other.name,
                calls_with_compilation: calls_until(&compiled.line(0), &other.line(0)),
                calls_from_artifact: calls_until(&compiled.line(1), &other.line(0)),
            })
            .collect();
    }

    /// About how many calls the curve should show.
    pub(super) fn interesting_calls(&self) -> f64 {
        let calls = self
            .break_even
            .iter()
            .filter_map(|break_even| break_even.calls_with_compilation);
        10.0 * calls.max().unwrap_or(100).max(10) as f64
    }

    /// The break-even points as sentences.
    pub(super) fn conclusion(&self) -> String {
        let mut text = String::new();
        for BreakEven {
            against,
            calls_with_compilation,
            calls_from_artifact,
        } in &self.break_even
        {
            let after = |calls: &Option<u64>| match calls {
                Some(0) => "at once".to_owned(),
                Some(1) => "after 1 call".to_owned(),
                Some(calls) => format!("after {calls} calls"),
                None => "never".to_owned(),
            };
            let _ = write!(
                text,
                "Against {against}, compiling pays {}, and loading what was compiled before {}. ",
                after(calls_with_compilation),
                after(calls_from_artifact)
            );
        }
        text.trim_end().to_owned()
    }

    /// A table for people.
    pub(super) fn table(&self) -> String {
        let mut text = format!(
            "{}: {} bytes of wasm, {} gives ({})\n{}\n",
            self.file,
            self.wasm_len_bytes,
            self.function,
            self.results.join(", "),
            self.method
        );
        for engine in &self.engines {
            let _ = writeln!(text, "engine  {}: {}", engine.name, engine.settings);
        }
        let _ = write!(text, "\n{:<14}", "step");
        for engine in &self.engines {
            let _ = write!(text, "{:<36}", engine.name);
        }
        for (index, step) in STEPS.into_iter().enumerate() {
            let _ = write!(text, "\n{step:<14}");
            for engine in &self.engines {
                let cell = match &engine.steps[index] {
                    Some(time) => format!(
                        "{} [{}, {}]",
                        display_time(time.median_ns),
                        display_time(time.quartile_low_ns),
                        display_time(time.quartile_high_ns)
                    ),
                    None => "-".to_owned(),
                };
                let _ = write!(text, "{cell:<36}");
            }
        }
        let lines: Vec<String> = text
            .lines()
            .map(|line| line.trim_end().to_owned())
            .collect();
        let mut text = lines.join("\n") + "\n";
        let conclusion = self.conclusion();
        if !conclusion.is_empty() {
            let _ = write!(text, "\n{conclusion}\n");
        }
        text
    }
}

/// The first number of calls after which `compiled` has spent less.
fn calls_until(compiled: &Line, other: &Line) -> Option<u64> {
    if compiled.before_ns <= other.before_ns {
        return Some(0);
    }
    let gained = other.call_ns - compiled.call_ns;
    if gained <= 0.0 {
        return None;
    }
    let calls = ((compiled.before_ns - other.before_ns) / gained).ceil();
    (calls < 1e18).then_some(calls as u64)
}

#[cfg(test)]
mod tests {
    use super::{Line, calls_until};

    #[test]
    fn compiling_pays_when_less_was_spent_in_all() {
        let line = |before_ns, call_ns| Line {
            name: String::new(),
            before_ns,
            call_ns,
        };
        assert_eq!(calls_until(&line(100.0, 1.0), &line(10.0, 10.0)), Some(10));
        assert_eq!(calls_until(&line(5.0, 1.0), &line(10.0, 10.0)), Some(0));
        assert_eq!(calls_until(&line(100.0, 10.0), &line(10.0, 10.0)), None);
    }
}
