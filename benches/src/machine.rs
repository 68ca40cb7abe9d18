//! Describes what a measurement ran on: processor, system, build, commit, command.

use std::fmt;
use std::process::Command;

use serde::Serialize;

/// The circumstances without which a figure means nothing.
#[derive(Clone, Debug, Serialize)]
pub struct Machine {
    /// Model of the processor.
    pub cpu: String,
    /// Hardware threads that this process may use.
    pub cores: usize,
    /// Operating system, kernel and architecture.
    pub system: String,
    /// Cargo profile kind of this program: `release` or `debug`.
    pub build: &'static str,
    /// Commit of the project, with `+` when files differ from it.
    pub commit: String,
    /// The command line that asked for the figures.
    pub command: String,
}

impl Machine {
    /// Looks around; what cannot be found is said to be unknown.
    pub fn inspect() -> Self {
        Self {
            cpu: cpu_model().unwrap_or_else(unknown),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            system: format!(
                "{} {} {}",
                std::env::consts::OS,
                std::fs::read_to_string("/proc/sys/kernel/osrelease")
                    .map_or_else(|_| unknown(), |release| release.trim().to_owned()),
                std::env::consts::ARCH
            ),
            build: if cfg!(debug_assertions) {
                "debug"
            } else {
                "release"
            },
            commit: commit().unwrap_or_else(unknown),
            command: command(),
        }
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "machine  {}, {} cores, {}",
            self.cpu, self.cores, self.system
        )?;
        writeln!(f, "build    {}, commit {}", self.build, self.commit)?;
        write!(f, "command  {}", self.command)
    }
}

fn cpu_model() -> Option<String> {
    let info = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = info.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

fn commit() -> Option<String> {
    let head = git(&["rev-parse", "--short", "HEAD"])?;
    let changed = !git(&["status", "--porcelain", "--untracked-files=no"])?.is_empty();
    Some(head + if changed { "+" } else { "" })
}

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git")
        .arg("-C")
        .arg(env!("CARGO_MANIFEST_DIR"))
        .args(arguments)
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}

/// The program's name without its folder, and its arguments.
fn command() -> String {
    let mut words = std::env::args();
    let program = words.next().unwrap_or_default();
    let name = program.rsplit('/').next().unwrap_or_default().to_owned();
    std::iter::once(name)
        .chain(words)
        .collect::<Vec<_>>()
        .join(" ")
}

fn unknown() -> String {
    "unknown".to_owned()
}
