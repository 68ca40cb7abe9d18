//! Runs seeds: picks the configurations, and writes down what fails so that it can be repeated.

use std::path::{Path, PathBuf};

use crate::backend::{CONFIGURATIONS, WasmeltEngine, WasmiEngine, wasmelt};
use crate::compare::{Case, Stats, Verdict, compare};
use crate::generators::Generator;
use crate::oracle::Engine;
use crate::reference::reference;

/// The engines, made once for any number of cases.
pub struct Runner {
    reference: WasmiEngine,
    subjects: Vec<WasmeltEngine>,
    /// Whether each case runs on all subjects, or on the first and one other.
    all: bool,
}

impl Runner {
    /// Runs each case in the default configuration and in one other, which goes by the seed.
    #[must_use]
    pub fn rotating() -> Self {
        Self::new(&CONFIGURATIONS, false)
    }

    /// Runs each case in exactly these configurations.
    ///
    /// # Errors
    ///
    /// The name that is none of [`CONFIGURATIONS`].
    pub fn with(configurations: &[String]) -> Result<Self, String> {
        let unknown = configurations
            .iter()
            .find(|name| !CONFIGURATIONS.contains(&name.as_str()));
        match unknown {
            Some(name) => Err(name.clone()),
            None => {
                let names: Vec<_> = configurations.iter().map(String::as_str).collect();
                Ok(Self::new(&names, true))
            }
        }
    }

    fn new(configurations: &[&str], all: bool) -> Self {
        let subject = |name: &&str| wasmelt(name).expect("the caller took the name from the list");
        Self {
            reference: reference(),
            subjects: configurations.iter().map(subject).collect(),
            all,
        }
    }

    /// Compares the engines on one case.
    pub fn run(&self, case: &Case, seed: u64, stats: &mut Stats) -> Verdict {
        let first = self.subjects.first().into_iter();
        let others = self.subjects.get(1..).unwrap_or_default();
        let chosen = if self.all || others.is_empty() {
            others
        } else {
            let at = (seed % others.len() as u64) as usize;
            &others[at..=at]
        };
        let subjects: Vec<&dyn Engine> = first
            .chain(chosen)
            .map(|engine| -> &dyn Engine { engine })
            .collect();
        compare(case, &self.reference, &subjects, stats)
    }
}

/// Writes the case's module and its calls into `folder`, and returns the module's path.
///
/// # Errors
///
/// The operating system refuses to write there.
pub fn write_case(
    folder: &Path,
    generator: &Generator,
    seed: u64,
    case: &Case,
) -> std::io::Result<PathBuf> {
    std::fs::create_dir_all(folder)?;
    let path = folder.join(format!("{}-{seed}.wasm", generator.name));
    std::fs::write(&path, &case.wasm)?;
    let calls: String = case
        .calls
        .iter()
        .map(|call| format!("{} {:?}\n", call.name, call.arguments))
        .collect();
    std::fs::write(path.with_extension("calls"), calls)?;
    Ok(path)
}

/// The command that runs this one case again.
#[must_use]
pub fn repro_command(generator: &Generator, seed: u64) -> String {
    let end = seed.saturating_add(1);
    format!(
        "cargo xtask fuzz --generator {} --seeds {seed}..{end} --all",
        generator.name
    )
}
