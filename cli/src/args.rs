//! The command line: verbs, options and their help.

use crate::{
    cache::CacheArgs, compile::CompileArgs, doctor::DoctorArgs, inspect::InspectArgs,
    keygen::KeygenArgs, run::RunArgs, sign::SignArgs, verify::VerifyArgs, version,
};
use clap::{Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use std::ffi::OsString;

const EXAMPLES: &str = "\
Examples:
  wasmelt compile module.wasm -o module.so    compile ahead of time
  wasmelt run module.wasm --invoke add 1 2    compile (or take from the cache) and call
  wasmelt run module.so --invoke add 1 2      load what was compiled, and call
  wasmelt inspect module.so                   what is in it, and would this host load it
  wasmelt sign module.so --key builder.key    vouch for it; `wasmelt keygen` makes keys
  wasmelt verify module.so --key builder.pub  who vouches for it
  wasmelt bench module.wasm --invoke add 1 2  time every step beside an interpreter's
  wasmelt wast suite/ --matrix                run the specification's scripts
  wasmelt cache ls                            what was compiled and kept
  wasmelt doctor                              what this host allows

Exit codes:
  0  success
  1  the guest trapped, or an assertion failed
  2  the input was refused, or the arguments cannot be followed
  3  this host could not do it (no space, no permission, no memory), or wasmelt is wrong

An unknown VERB is handed to the program `wasmelt-VERB`, beside wasmelt or on PATH.";

/// Compiles WebAssembly modules ahead of time into native shared objects, and runs them
#[derive(Debug, Parser)]
#[command(
    name = "wasmelt",
    version = version::short(),
    after_help = EXAMPLES,
    arg_required_else_help = true,
    subcommand_value_name = "VERB",
    subcommand_help_heading = "Verbs",
    disable_help_subcommand = true,
    max_term_width = 100
)]
pub(crate) struct Cli {
    /// Show no progress and no summary
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,

    /// What to do.
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Compile a module into a shared object, an object, or a listing
    Compile(CompileArgs),
    /// Say what is in a module or an artifact, without running anything
    Inspect(InspectArgs),
    /// Call a function of a module or an artifact
    Run(RunArgs),
    /// Make a key pair for signing artifacts
    Keygen(KeygenArgs),
    /// Sign an artifact, in the file or beside it
    Sign(SignArgs),
    /// Say whether an artifact is intact, and who signed it
    Verify(VerifyArgs),
    /// Look into a cache of compiled modules, and clear it
    Cache(CacheArgs),
    /// Say what this host allows, and what to do about what it does not
    Doctor(DoctorArgs),
    /// Time the steps of a module's life beside an interpreter's
    #[cfg(feature = "bench")]
    Bench(crate::bench::BenchArgs),
    /// Run specification scripts
    #[cfg(feature = "wast")]
    #[command(after_help = WAST_EXAMPLES)]
    Wast(wasmelt_spec_tests::cli::WastArgs),
    /// Print the completion script for a shell
    #[command(after_help = COMPLETIONS_EXAMPLES)]
    Completions {
        /// The shell
        shell: Shell,
    },
    /// A verb that another program offers.
    #[command(external_subcommand)]
    Extension(Vec<OsString>),
}

/// How a verb reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Format {
    /// For people
    #[default]
    Human,
    /// One JSON document on standard output
    Json,
}

#[cfg(feature = "wast")]
const WAST_EXAMPLES: &str = "\
Examples:
  wasmelt wast suite/                              every script below a folder
  wasmelt wast 'suite/f32*.wast' --format junit    some, reported for a build server
  wasmelt wast suite/ --filter i32.wast:10-20      some lines of one script
  wasmelt wast suite/ --engine wasmelt,wasmi       the first difference between two engines";

const COMPLETIONS_EXAMPLES: &str = "\
Examples:
  wasmelt completions bash > ~/.local/share/bash-completion/completions/wasmelt
  wasmelt completions zsh > ~/.zfunc/_wasmelt
  wasmelt completions fish > ~/.config/fish/completions/wasmelt.fish";

#[cfg(test)]
mod tests {
    use super::Cli;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_option_has_help() {
        fn check(command: &clap::Command) {
            for argument in command.get_arguments() {
                let is_built_in = ["help", "version"].contains(&argument.get_id().as_str());
                let place = format!("{} {}", command.get_name(), argument.get_id());
                assert!(is_built_in || argument.get_help().is_some(), "{place}");
            }
            for verb in command.get_subcommands() {
                assert!(verb.get_about().is_some(), "{}", verb.get_name());
                assert!(verb.get_after_help().is_some(), "{}", verb.get_name());
                check(verb);
            }
        }
        check(&Cli::command());
    }
}
