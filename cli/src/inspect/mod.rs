//! The verb `inspect`: says what a file is and what is in it, and runs nothing.

mod artifact;
mod foreign;
mod module;
mod sections;

use crate::{args::Format, failure::Failure, input::Input, output, progress::Bar};
use serde::Serialize;
use std::path::PathBuf;
use wasmelt_compiler::{Container, recognise};
use wasmelt_loader::LoadError;

const EXAMPLES: &str = "\
Examples:
  wasmelt inspect module.wasm                  features, imports, exports, sizes
  wasmelt inspect module.so                    options, digests, functions; would it load here
  wasmelt inspect module.so --format json
  wasmelt inspect - < runtime.compact.compressed.wasm

Nothing is executed, and no artifact is opened with dlopen.";

/// Arguments of `wasmelt inspect`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct InspectArgs {
    /// A module, binary or text, an artifact, or anything else; `-` is standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// How the report is written
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    format: Format,
}

/// What a file is.
#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
enum Report {
    /// A core module.
    Module(Box<module::ModuleReport>),
    /// One of our artifacts.
    Artifact(Box<artifact::ArtifactReport>),
    /// Something else that has a name.
    Foreign(foreign::ForeignReport),
}

/// Inspects, and prints the report.
pub(crate) fn run(args: &InspectArgs, quiet: bool) -> Result<(), Failure> {
    let input = Input::read(&args.file)?;
    let name = input.name.clone();
    let bar = Bar::start(&name, quiet);
    let report = report(input)?;
    drop(bar);
    match args.format {
        Format::Json => output::print_json(&report),
        Format::Human => output::print(&match &report {
            Report::Module(report) => report.text(&name),
            Report::Artifact(report) => report.text(&name),
            Report::Foreign(report) => report.text(&name),
        }),
    }
}

fn report(input: Input) -> Result<Report, Failure> {
    let name = input.name.clone();
    if recognise(&input.bytes) == Container::Elf {
        return match wasmelt_loader::inspect(&input.bytes) {
            Ok(inspection) => {
                let report = artifact::ArtifactReport::new(&inspection, input.bytes.len());
                Ok(Report::Artifact(Box::new(report)))
            }
            Err(LoadError::NoDescriptor { .. } | LoadError::TooShort { .. }) => {
                let report = foreign::ForeignReport::of_elf(&input.bytes);
                Ok(Report::Foreign(report))
            }
            Err(error) => Err(Failure::refused(name, error)),
        };
    }
    let bytes = input.into_binary()?;
    match recognise(&bytes) {
        Container::Module => {
            let report = module::ModuleReport::new(&bytes);
            let report = report.map_err(|error| Failure::refused(name, error))?;
            Ok(Report::Module(Box::new(report)))
        }
        container => match foreign::ForeignReport::new(container, &bytes) {
            Some(report) => Ok(Report::Foreign(report)),
            None => Err(Failure::refused_because(
                name,
                format!("the file is {container}; {}", container.advice()),
            )),
        },
    }
}

/// A line of a report: a label, padded, and what it is.
fn line(text: &mut String, label: &str, value: &str) {
    use std::fmt::Write as _;
    writeln!(text, "  {label:<16}{value}").expect("writing to a string succeeds");
}

/// A list with a heading, or nothing if the list is empty.
fn list(text: &mut String, heading: &str, lines: impl IntoIterator<Item = String>) {
    let mut is_first = true;
    for line in lines {
        if is_first {
            text.push_str(heading);
            text.push_str(":\n");
            is_first = false;
        }
        text.push_str("  ");
        text.push_str(&line);
        text.push('\n');
    }
}
