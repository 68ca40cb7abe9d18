//! Writes reports for people and for machines: human, JSON, JUnit XML, TAP.

use crate::report::{DirectiveReport, FileReport, Outcome, Tally};
use crate::script::Location;
use std::io::{self, Write};

/// How reports are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Format {
    /// A line per script, a paragraph per failure.
    #[default]
    Human,
    /// One JSON document.
    Json,
    /// JUnit XML: a suite per script and engine, a case per directive.
    Junit,
    /// Test Anything Protocol, version 14: a test point per directive.
    Tap,
}

/// Writes reports as they come, and what has to stand at the end.
pub struct Writer<W> {
    format: Format,
    out: W,
    /// Test points written so far, for TAP.
    points: usize,
    /// Reports that can only be written at the end.
    kept: Vec<FileReport>,
}

impl<W: Write> Writer<W> {
    /// A writer that has written what has to stand at the start.
    ///
    /// # Errors
    ///
    /// If `out` cannot be written to.
    pub fn new(format: Format, mut out: W) -> io::Result<Self> {
        if format == Format::Tap {
            writeln!(out, "TAP version 14")?;
        }
        Ok(Self {
            format,
            out,
            points: 0,
            kept: Vec::new(),
        })
    }

    /// Writes or keeps one report.
    ///
    /// # Errors
    ///
    /// If the output cannot be written to.
    pub fn report(&mut self, report: &FileReport) -> io::Result<()> {
        match self.format {
            Format::Human => self.human(report),
            Format::Tap => self.tap(report),
            Format::Json | Format::Junit => {
                self.kept.push(report.clone());
                Ok(())
            }
        }
    }

    /// Writes the end. The counts are the last line except in JSON and JUnit, which have a place of their own for them.
    ///
    /// # Errors
    ///
    /// If the output cannot be written to.
    pub fn finish(mut self, tally: Tally) -> io::Result<()> {
        match self.format {
            Format::Human => writeln!(self.out, "{tally}")?,
            Format::Tap => {
                writeln!(self.out, "1..{}", self.points)?;
                writeln!(self.out, "# {tally}")?;
            }
            Format::Json => {
                let document = serde_json::json!({ "files": self.kept, "total": tally });
                serde_json::to_writer_pretty(&mut self.out, &document)?;
                writeln!(self.out)?;
            }
            Format::Junit => self.junit(tally)?,
        }
        self.out.flush()
    }

    fn human(&mut self, report: &FileReport) -> io::Result<()> {
        let tally = report.tally();
        let word = if tally.failed > 0 { "FAIL" } else { "ok  " };
        let old = match report.rewritten_tokens {
            0 => String::new(),
            count => format!(" ({count} tokens of old text rewritten)"),
        };
        writeln!(
            self.out,
            "{word} {} [{}]: {tally}{old}",
            report.file, report.engine
        )?;
        for problem in problems(report) {
            problem.write_human(&mut self.out, report)?;
        }
        Ok(())
    }

    fn tap(&mut self, report: &FileReport) -> io::Result<()> {
        let FileReport { file, engine, .. } = report;
        for directive in &report.directives {
            let DirectiveReport {
                at,
                directive: text,
                outcome,
                ..
            } = directive;
            let title = tap_escape(&format!("{file}:{at} [{engine}] {text}"));
            self.points += 1;
            match outcome {
                Outcome::Pass => writeln!(self.out, "ok {} - {title}", self.points)?,
                Outcome::Skip { reason } => {
                    let reason = tap_escape(reason);
                    writeln!(self.out, "ok {} - {title} # SKIP {reason}", self.points)?;
                }
                Outcome::Fail { .. } => {}
            }
            if let Outcome::Fail { expected, got } = outcome {
                let problem = Problem::of_directive(directive, expected, got);
                writeln!(self.out, "not ok {} - {title}", self.points)?;
                problem.write_tap(&mut self.out, report)?;
            }
        }
        for problem in problems_of_file(report) {
            self.points += 1;
            let title = tap_escape(&format!(
                "{} [{engine}] {}",
                problem.place(file),
                problem.what
            ));
            writeln!(self.out, "not ok {} - {title}", self.points)?;
            problem.write_tap(&mut self.out, report)?;
        }
        Ok(())
    }

    fn junit(&mut self, total: Tally) -> io::Result<()> {
        let out = &mut self.out;
        writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
        writeln!(
            out,
            "<testsuites tests=\"{}\" failures=\"{}\" skipped=\"{}\">",
            total.total(),
            total.failed,
            total.skipped
        )?;
        for report in &self.kept {
            let tally = report.tally();
            let name = xml(&format!("{} [{}]", report.file, report.engine));
            writeln!(
                out,
                "  <testsuite name=\"{name}\" tests=\"{}\" failures=\"{}\" skipped=\"{}\" time=\"{:.3}\">",
                tally.total(),
                tally.failed,
                tally.skipped,
                report.duration.as_secs_f64()
            )?;
            for directive in &report.directives {
                let DirectiveReport {
                    at,
                    directive: text,
                    outcome,
                    ..
                } = directive;
                let case = format!(
                    "    <testcase classname=\"{name}\" name=\"{}\" file=\"{}\" line=\"{}\"",
                    xml(&format!("{at} {text}")),
                    xml(&report.file),
                    at.line
                );
                match outcome {
                    Outcome::Pass => writeln!(out, "{case}/>")?,
                    Outcome::Skip { reason } => {
                        writeln!(
                            out,
                            "{case}><skipped message=\"{}\"/></testcase>",
                            xml(reason)
                        )?;
                    }
                    Outcome::Fail { expected, got } => {
                        write!(out, "{case}>")?;
                        Problem::of_directive(directive, expected, got).write_junit(out, report)?;
                        writeln!(out, "</testcase>")?;
                    }
                }
            }
            for problem in problems_of_file(report) {
                let case = xml(&problem.what);
                write!(out, "    <testcase classname=\"{name}\" name=\"{case}\">")?;
                problem.write_junit(out, report)?;
                writeln!(out, "</testcase>")?;
            }
            writeln!(out, "  </testsuite>")?;
        }
        writeln!(out, "</testsuites>")
    }
}

/// Something that counts as a failure, ready to be shown.
struct Problem {
    at: Option<Location>,
    /// The directive, or what the failure is about.
    what: String,
    expected: String,
    got: String,
    /// More of it, several lines.
    detail: String,
}

fn problems(report: &FileReport) -> Vec<Problem> {
    let of_directives = report
        .directives
        .iter()
        .filter_map(|directive| match &directive.outcome {
            Outcome::Fail { expected, got } => {
                Some(Problem::of_directive(directive, expected, got))
            }
            Outcome::Pass | Outcome::Skip { .. } => None,
        });
    let mut problems: Vec<_> = of_directives.chain(problems_of_file(report)).collect();
    // A difference is shown even where it is counted as a failure already.
    if let Some(difference) = report
        .difference
        .as_ref()
        .filter(|difference| difference.implied)
    {
        problems.push(Problem::of_difference(report, difference));
    }
    problems
}

fn problems_of_file(report: &FileReport) -> Vec<Problem> {
    let mut problems = Vec::new();
    if let Some(error) = &report.error {
        let detail = match error {
            crate::report::FileError::Crash { stderr, .. } => stderr.clone(),
            _ => String::new(),
        };
        problems.push(Problem {
            at: error.at(),
            what: "the script as a whole".to_owned(),
            expected: "an end".to_owned(),
            got: error.to_string(),
            detail,
        });
    }
    for entry in &report.stale_entries {
        problems.push(Problem {
            at: entry.line.map(|line| Location { line, column: 1 }),
            what: format!(
                "the entry in the skip list with the reason {:?}",
                entry.reason
            ),
            expected: "a failure".to_owned(),
            got: entry.problem.clone(),
            detail: String::new(),
        });
    }
    if let Some(difference) = report
        .difference
        .as_ref()
        .filter(|difference| !difference.implied)
    {
        problems.push(Problem::of_difference(report, difference));
    }
    problems
}

impl Problem {
    fn of_directive(directive: &DirectiveReport, expected: &str, got: &str) -> Self {
        Self {
            at: Some(directive.at),
            what: directive.directive.clone(),
            expected: expected.to_owned(),
            got: got.to_owned(),
            detail: String::new(),
        }
    }

    fn of_difference(report: &FileReport, difference: &crate::report::Difference) -> Self {
        let more = match difference.count {
            1 => String::new(),
            count => format!(" (the first of {count} directives that differ)"),
        };
        Self {
            at: Some(difference.at),
            what: format!("{}{more}", difference.directive),
            expected: format!(
                "{} on {}",
                difference.first_observed, difference.first_engine
            ),
            got: format!("{} on {}", difference.observed, report.engine),
            detail: String::new(),
        }
    }

    fn place(&self, file: &str) -> String {
        self.at
            .map_or_else(|| file.to_owned(), |at| format!("{file}:{at}"))
    }

    /// The command that runs this alone.
    fn repeat(&self, report: &FileReport) -> String {
        let filter = self
            .at
            .map_or_else(String::new, |at| format!(" --filter :{}", at.line));
        let engines = match report
            .difference
            .as_ref()
            .filter(|difference| Some(difference.at) == self.at)
        {
            Some(difference) => format!("{},{}", difference.first_engine, report.engine),
            None => report.engine.clone(),
        };
        format!(
            "wasmelt wast {} --engine {engines}{filter}",
            shell_quote(&report.file)
        )
    }

    fn write_human(&self, out: &mut impl Write, report: &FileReport) -> io::Result<()> {
        writeln!(out, "{}", self.place(&report.file))?;
        writeln!(out, "    directive: {}", self.what)?;
        writeln!(out, "    expected:  {}", self.expected)?;
        writeln!(out, "    got:       {}", self.got)?;
        for line in self.detail.lines() {
            writeln!(out, "             | {line}")?;
        }
        writeln!(out, "    repeat:    {}", self.repeat(report))
    }

    fn write_tap(&self, out: &mut impl Write, report: &FileReport) -> io::Result<()> {
        // JSON strings are YAML strings.
        let quote = |text: &str| serde_json::Value::from(text).to_string();
        writeln!(out, "  ---")?;
        writeln!(out, "  expected: {}", quote(&self.expected))?;
        writeln!(out, "  got: {}", quote(&self.got))?;
        if !self.detail.is_empty() {
            writeln!(out, "  detail: {}", quote(&self.detail))?;
        }
        writeln!(out, "  repeat: {}", quote(&self.repeat(report)))?;
        writeln!(out, "  ...")
    }

    fn write_junit(&self, out: &mut impl Write, report: &FileReport) -> io::Result<()> {
        let message = format!("expected {}, got {}", self.expected, self.got);
        let body = format!(
            "{}\n{}\n{}",
            self.place(&report.file),
            self.detail,
            self.repeat(report)
        );
        write!(
            out,
            "<failure message=\"{}\">{}</failure>",
            xml(&message),
            xml(&body)
        )
    }
}

/// Directives of TAP are introduced by `#`.
fn tap_escape(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('#', "\\#")
        .replace('\n', " ")
}

/// XML 1.0 has no way to write most control characters, not even escaped.
fn xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push_str("&#10;"),
            '\t' => out.push_str("&#9;"),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// A word that a POSIX shell takes as `text`.
fn shell_quote(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./+:@%,=".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::{Format, Writer, shell_quote, xml};
    use crate::report::{Difference, DirectiveReport, FileReport, Outcome};
    use crate::script::Location;

    fn example() -> FileReport {
        let mut report = FileReport::new("my dir/a.wast", "wasmi");
        let mut push = |line, directive: &str, outcome| {
            let at = Location { line, column: 2 };
            let (directive, observed) = (directive.to_owned(), String::new());
            report.directives.push(DirectiveReport {
                at,
                directive,
                outcome,
                observed,
            });
        };
        push(1, "module", Outcome::Pass);
        push(
            2,
            "assert_return (invoke \"f\")",
            Outcome::Fail {
                expected: "(i32.const 1)".to_owned(),
                got: "(i32.const 2)".to_owned(),
            },
        );
        push(
            3,
            "module",
            Outcome::Skip {
                reason: "needs simd".to_owned(),
            },
        );
        report
    }

    fn written(format: Format, report: &FileReport) -> String {
        let mut out = Vec::new();
        let mut writer = Writer::new(format, &mut out).expect("a vector can be written to");
        writer.report(report).expect("a vector can be written to");
        writer
            .finish(report.tally())
            .expect("a vector can be written to");
        String::from_utf8(out).expect("reports are UTF-8")
    }

    #[test]
    fn human_report_shows_place_directive_expected_got_and_how_to_repeat() {
        let expected = "\
FAIL my dir/a.wast [wasmi]: 1 passed, 1 failed, 1 skipped
my dir/a.wast:2:2
    directive: assert_return (invoke \"f\")
    expected:  (i32.const 1)
    got:       (i32.const 2)
    repeat:    wasmelt wast 'my dir/a.wast' --engine wasmi --filter :2
1 passed, 1 failed, 1 skipped
";
        assert_eq!(written(Format::Human, &example()), expected);
    }

    #[test]
    fn tap_report_has_a_point_per_directive_and_a_plan() {
        let expected = "\
TAP version 14
ok 1 - my dir/a.wast:1:2 [wasmi] module
not ok 2 - my dir/a.wast:2:2 [wasmi] assert_return (invoke \"f\")
  ---
  expected: \"(i32.const 1)\"
  got: \"(i32.const 2)\"
  repeat: \"wasmelt wast 'my dir/a.wast' --engine wasmi --filter :2\"
  ...
ok 3 - my dir/a.wast:3:2 [wasmi] module # SKIP needs simd
1..3
# 1 passed, 1 failed, 1 skipped
";
        assert_eq!(written(Format::Tap, &example()), expected);
    }

    #[test]
    fn json_report_is_one_document_with_all_directives_and_counts() {
        let document: serde_json::Value =
            serde_json::from_str(&written(Format::Json, &example())).expect("it is JSON");
        assert_eq!(document["total"]["failed"], 1);
        let directives = &document["files"][0]["directives"];
        assert_eq!(directives[0]["status"], "pass");
        assert_eq!(directives[1]["got"], "(i32.const 2)");
        assert_eq!(directives[1]["at"]["line"], 2);
        assert_eq!(directives[2]["reason"], "needs simd");
    }

    #[test]
    fn junit_report_has_a_case_per_directive_and_escapes() {
        let xml = written(Format::Junit, &example());
        assert!(
            xml.contains("<testsuites tests=\"3\" failures=\"1\" skipped=\"1\">"),
            "{xml}"
        );
        assert_eq!(xml.matches("<testcase ").count(), 3);
        assert!(
            xml.contains("name=\"2:2 assert_return (invoke &quot;f&quot;)\""),
            "{xml}"
        );
        assert!(xml.contains("<failure message=\"expected (i32.const 1), got (i32.const 2)\">"));
        assert!(xml.contains("<skipped message=\"needs simd\"/>"), "{xml}");
    }

    #[test]
    fn difference_names_both_engines_and_repeats_both() {
        let mut report = FileReport::new("a.wast", "two");
        report.difference = Some(Difference {
            at: Location { line: 4, column: 2 },
            directive: "invoke \"f\"".to_owned(),
            first_engine: "one".to_owned(),
            first_observed: "(i32.const 1)".to_owned(),
            observed: "trap: unreachable".to_owned(),
            count: 3,
            implied: false,
        });
        let text = written(Format::Human, &report);
        assert!(text.contains("expected:  (i32.const 1) on one"), "{text}");
        assert!(
            text.contains("got:       trap: unreachable on two"),
            "{text}"
        );
        assert!(
            text.contains("wasmelt wast a.wast --engine one,two --filter :4"),
            "{text}"
        );
        assert!(text.ends_with("0 passed, 1 failed\n"), "{text}");
    }

    #[test]
    fn words_are_quoted_for_shell_and_xml() {
        assert_eq!(shell_quote("a/b-c.wast"), "a/b-c.wast");
        assert_eq!(shell_quote("it's"), "'it'\\''s'");
        assert_eq!(shell_quote(""), "''");
        assert_eq!(xml("<\u{1}&\n"), "&lt;\u{fffd}&amp;&#10;");
    }
}
