//! Runs seeds: picks the configurations, and writes down what fails so that it can be repeated.

use std::path::{Path, PathBuf};

use crate::backend::{
    ByModule, CANONICAL, CONFIGURATIONS, COSTLY, COUNTED, METERED, WasmeltEngine, wasmelt,
};
use crate::compare::{Case, Stats, Verdict, compare};
use crate::generators::Generator;
use crate::oracle::Engine;
use crate::reference::{metered_by_module, reference};
use crate::wasmtime_engine::WasmtimeEngine;

/// The engines, made once for any number of cases.
pub struct Runner {
    plain: Group,
    metered: Group,
    /// With so little fuel that calls end for it.
    limited: Group,
    /// With other costs.
    costly: Group,
    costly_limited: Group,
    /// With so few active calls that some are too many.
    counted: Group,
    canonical: Group,
    /// Whether each case runs on all subjects, or on a few that go by the seed.
    all: bool,
}

/// A reference, and the subjects that it is compared with.
struct Group {
    reference: Box<dyn Engine>,
    subjects: Vec<WasmeltEngine>,
}

/// Of so many seeds, half go to the groups that are not plain, one each.
const SHARE: u64 = 12;
/// What calls have that are to end for it sometimes.
const LITTLE_FUEL_BITS: u32 = 16;

impl Runner {
    /// Runs each case in a default configuration and in one other, which go by the seed.
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
        let kinds = [METERED, COSTLY, COUNTED, CANONICAL];
        let kind = |name: &str| kinds.into_iter().find(|kind| name.starts_with(kind));
        let subjects = |wanted: Option<&str>| -> Vec<WasmeltEngine> {
            let names = configurations.iter();
            names
                .filter(|name| kind(name) == wanted)
                .map(|name| wasmelt(name).expect("the caller took the name from the list"))
                .collect()
        };
        let metered = |kind, by_module: ByModule| {
            let subjects = subjects(Some(kind)).into_iter();
            Group {
                reference: Box::new(metered_by_module(by_module)),
                subjects: subjects.map(|engine| engine.by_module(by_module)).collect(),
            }
        };
        let little_fuel = |by_module: ByModule| ByModule {
            fuel_bits: Some(LITTLE_FUEL_BITS),
            ..by_module
        };
        let costs = ByModule {
            has_costs: true,
            ..ByModule::default()
        };
        Self {
            plain: Group {
                reference: Box::new(reference()),
                subjects: subjects(None),
            },
            metered: metered(METERED, ByModule::default()),
            limited: metered(METERED, little_fuel(ByModule::default())),
            costly: metered(COSTLY, costs),
            costly_limited: metered(COSTLY, little_fuel(costs)),
            counted: Group {
                reference: Box::new(reference().by_module(ByModule {
                    has_max_depth: true,
                    ..ByModule::default()
                })),
                subjects: subjects(Some(COUNTED)),
            },
            canonical: Group {
                reference: Box::new(WasmtimeEngine::new()),
                subjects: subjects(Some(CANONICAL)),
            },
            all,
        }
    }

    /// Compares the engines on one case.
    pub fn run(&self, case: &Case, seed: u64, stats: &mut Stats) -> Verdict {
        if case.shows_nans {
            return self.canonical.run_all(case, stats);
        }
        if !self.all {
            let group = match seed % SHARE {
                0 => &self.metered,
                1 => &self.limited,
                2 => &self.canonical,
                3 => &self.costly,
                4 => &self.costly_limited,
                5 => &self.counted,
                _ => &self.plain,
            };
            return group.run_some(case, seed, stats);
        }
        let mut verdict = Verdict::Equal;
        for group in [
            &self.plain,
            &self.metered,
            &self.limited,
            &self.costly,
            &self.costly_limited,
            &self.counted,
            &self.canonical,
        ] {
            if matches!(verdict, Verdict::Equal) && !group.subjects.is_empty() {
                verdict = group.run_all(case, stats);
            }
        }
        verdict
    }
}

impl Group {
    /// On the first subject and on one other.
    fn run_some(&self, case: &Case, seed: u64, stats: &mut Stats) -> Verdict {
        let others = &self.subjects[1..];
        let other = (seed / SHARE % others.len() as u64) as usize;
        self.run(case, &[&self.subjects[0], &others[other]], stats)
    }

    fn run_all(&self, case: &Case, stats: &mut Stats) -> Verdict {
        self.run(case, &self.subjects.iter().collect::<Vec<_>>(), stats)
    }

    fn run(&self, case: &Case, subjects: &[&WasmeltEngine], stats: &mut Stats) -> Verdict {
        let subjects: Vec<_> = subjects.iter().map(|subject| as_engine(subject)).collect();
        compare(case, &*self.reference, &subjects, stats)
    }
}

fn as_engine(subject: &WasmeltEngine) -> &dyn Engine {
    subject
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
