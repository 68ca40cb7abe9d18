//! The verb `run`: loads or compiles a module and calls an export of it.

pub(crate) mod arguments;
mod error;

pub(crate) use error::failure;

use crate::{
    args::Format,
    cache,
    codegen::CodegenArgs,
    describe::{Interface, kind_name, val_types},
    failure::{Failure, printable_name},
    input::{Input, STDIN, stored_descriptor},
    keys::KeyArgs,
    output,
    progress::Bar,
};
use arguments::{parse_value, results_text};
use serde::Serialize;
use std::{
    io::{self, Write as _},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};
use wasmelt::{
    BoundsChecks, Config, CustomFuelCosts, Engine, Error, Linker, Module, Source, Store, Trust, Val,
};
use wasmelt_abi::{Arch, BoundsStrategy, Export, ExternKind, FuncType, Manifest};
use wasmelt_compiler::{Container, recognise};

const EXAMPLES: &str = "\
Examples:
  wasmelt run module.wasm --invoke add 1 2           prints each result on a line
  wasmelt run module.wat --invoke sqrt 0x1p-3 --timings
  wasmelt run module.so --invoke add -- -1 0xffffffff
  wasmelt run module.wasm --fuel-limit 1000000 --timings --invoke f
  wasmelt run module.wasm --cache-dir /var/cache/wasm --invoke f
  wasmelt run module.so --digest 6411…5a40 --invoke f
  wasmelt run module.so --key a.pub --key b.pub --threshold 1 --invoke f
  wasmelt run module.wasm                            calls `_start`, or only starts it

Integers are decimal or hexadecimal, signed or unsigned; floats are decimal or hexadecimal, inf,
nan, or nan:0x… with the bits of the fraction. Options stand before ARGS.

What is compiled goes to the cache of this user ($XDG_CACHE_HOME/wasmelt or ~/.cache/wasmelt), so
that it starts at once the next time; `wasmelt cache` shows and clears it. An artifact runs with
your rights, as a program would: its form and integrity are checked, its origin is what you say it
is; --digest accepts one only, --key only what this key's owner signed.";

/// What is called when no name is given.
const START: &str = "_start";

/// Arguments of `wasmelt run`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct RunArgs {
    /// A module, binary or text, or an artifact; `-` is standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// The exported function to call [default: `_start`]
    #[arg(long, value_name = "NAME")]
    invoke: Option<String>,

    /// Arguments of the call
    #[arg(value_name = "ARGS", allow_hyphen_values = true)]
    arguments: Vec<String>,

    #[command(flatten)]
    cache: cache::UseArgs,

    /// Accept only the artifact with this digest (64 hexadecimal digits)
    #[arg(long, value_name = "HEX", value_parser = arguments::parse_digest, conflicts_with = "keys")]
    digest: Option<[u8; 32]>,

    #[command(flatten)]
    keys: KeyArgs,

    /// Give the guest so much fuel; implies --fuel [default with --fuel: 2^64 - 1]
    #[arg(long, value_name = "N")]
    fuel_limit: Option<u64>,

    /// Let so many calls of the guest be active at most; implies --call-depth [default: what the stack has room for]
    #[arg(long, value_name = "N")]
    max_call_depth: Option<usize>,

    /// Say on standard error how long it took, whether the cache helped, and what fuel was used
    #[arg(long)]
    timings: bool,

    /// How results are written
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    format: Format,

    #[command(flatten)]
    codegen: CodegenArgs,
}

/// What `--format json` prints.
#[derive(Debug, Serialize)]
struct Outcome<'a> {
    file: &'a str,
    origin: &'static str,
    function: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    results: Option<Vec<arguments::ResultText>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trap: Option<error::TrapText>,
    load_seconds: f64,
    run_seconds: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    fuel_used: Option<u64>,
}

/// How a call ended.
struct End {
    result: Result<(), Error>,
    /// Where fuel is metered.
    fuel_used: Option<u64>,
}

/// What to call, with its arguments.
struct Call<'a> {
    name: &'a str,
    inputs: Vec<Val>,
    outputs: Vec<Val>,
}

/// Loads, calls, and prints the results.
pub(crate) fn run(args: &RunArgs, quiet: bool) -> Result<(), Failure> {
    let input = Input::read(&args.file)?;
    let name = input.name.clone();
    let started = Instant::now();
    let module = args.load(input, quiet)?;
    let load_time = started.elapsed();
    let manifest = module.library().manifest();
    refuse_imports(&name, manifest)?;
    let mut call = args.choose_call(&name, manifest)?;
    let started = Instant::now();
    let end = args.execute(&module, call.as_mut());
    let run_time = started.elapsed();
    args.report(&name, &module, call.as_ref(), &end, [load_time, run_time])?;
    end.result
        .map_err(|failure| error::failure(&name, &failure))
}

impl RunArgs {
    fn load(&self, input: Input, quiet: bool) -> Result<Module, Failure> {
        if recognise(&input.bytes) == Container::Elf {
            return self.load_artifact(&input);
        }
        if self.digest.is_some() {
            return Err(Failure::refused_because(
                input.name,
                "--digest is for artifacts, and this is none",
            ));
        }
        if self.keys.trust()?.is_some() {
            return Err(Failure::refused_because(
                input.name,
                "--key is for artifacts, and this is none",
            ));
        }
        let name = input.name.clone();
        let wasm = input.into_binary()?;
        let bar = Bar::start(&name, quiet);
        let mut config = self.config()?;
        if let Some(callback) = bar.callback() {
            config.on_progress(move |progress| callback(progress));
        }
        if let Some(cache) = self.cache.open(quiet)? {
            config.cache(cache).cache_failure(self.cache.policy());
        }
        let module = Module::new(&Engine::new(&config), &wasm)
            .map_err(|error| error::failure(&name, &error))?;
        if let Some(failure) = module.cache_failure() {
            cache::warn_without(quiet, failure);
        }
        Ok(module)
    }

    fn load_artifact(&self, input: &Input) -> Result<Module, Failure> {
        let name = &input.name;
        // Whether signals may be used is the engine's choice as well, and costs are compared.
        let applicable = CodegenArgs {
            no_signals: self.codegen.no_signals,
            fuel_costs: self.codegen.fuel_costs,
            ..CodegenArgs::default()
        };
        if self.codegen != applicable {
            return Err(Failure::refused_because(
                name,
                "this is an artifact, and how it was compiled cannot be changed: of the options \
                 for code generation only --no-signals and --fuel-costs apply",
            ));
        }
        let trust = match (self.digest, self.keys.trust()?) {
            (Some(digest), _) => Trust::Digest(digest),
            (None, Some(keys)) => Trust::Keys(keys),
            (None, None) => Trust::Named,
        };
        let descriptor = stored_descriptor(&input.bytes);
        let is_metered = descriptor.is_some_and(|descriptor| descriptor.options.fuel);
        for (is_set, option) in [
            (self.fuel_limit.is_some(), "--fuel-limit"),
            (self.codegen.fuel_costs.is_some(), "--fuel-costs"),
        ] {
            if is_set && !is_metered {
                return Err(Failure::refused_because(
                    name,
                    format!(
                        "{option} is for code that meters fuel, and this artifact was compiled \
                         without --fuel"
                    ),
                ));
            }
        }
        let mut config = self.config()?;
        config.consume_fuel(is_metered);
        let source = if self.file == Path::new(STDIN) {
            Source::from(&input.bytes)
        } else {
            Source::from(&self.file)
        };
        Module::load(&Engine::new(&config), source, &trust)
            .map_err(|error| error::failure(name, &error))
    }

    fn config(&self) -> Result<Config, Failure> {
        let mut config = config(&self.codegen)?;
        if self.fuel_limit.is_some() {
            config.consume_fuel(true);
        }
        if let Some(depth) = self.max_call_depth {
            config.set_max_recursion_depth(depth);
        }
        Ok(config)
    }

    /// What to call; `None` if starting the module is all there is to do.
    fn choose_call(&self, file: &str, manifest: &Manifest) -> Result<Option<Call<'_>>, Failure> {
        let refuse = |reason: String| Failure::refused_because(file, reason);
        let Some(name) = self.invoke.as_deref() else {
            if !self.arguments.is_empty() {
                return Err(refuse(
                    "arguments need a function: --invoke NAME".to_owned(),
                ));
            }
            let start = find_function(manifest, START);
            if start.is_err() && manifest.start.is_none() {
                return Err(refuse(format!(
                    "there is neither an export `{START}` nor a start function: name one with \
                     --invoke; {}",
                    exported_functions(manifest)
                )));
            }
            let call = start.ok().map(|ty| self.call(START, ty).map_err(refuse));
            return call.transpose();
        };
        let ty = find_function(manifest, name).map_err(refuse)?;
        self.call(name, ty).map_err(refuse).map(Some)
    }

    fn call<'a>(&self, name: &'a str, ty: &FuncType) -> Result<Call<'a>, String> {
        Ok(Call {
            name,
            inputs: parse_arguments(&self.arguments, name, ty)?,
            outputs: vec![Val::I32(0); ty.results.len()],
        })
    }

    fn execute(&self, module: &Module, call: Option<&mut Call<'_>>) -> End {
        let mut store = Store::new(module.engine(), ());
        let fuel = self.fuel_limit.unwrap_or(u64::MAX);
        let is_metered = store.set_fuel(fuel).is_ok();
        let result = execute(&mut store, module, call);
        let left = store.get_fuel().unwrap_or_default();
        End {
            result,
            fuel_used: is_metered.then(|| fuel - left),
        }
    }

    fn report(
        &self,
        file: &str,
        module: &Module,
        call: Option<&Call<'_>>,
        end: &End,
        [load_time, run_time]: [Duration; 2],
    ) -> Result<(), Failure> {
        let origin = match module.origin() {
            wasmelt::Origin::Cache => "cache",
            wasmelt::Origin::Artifact => "artifact",
            _ => "compiled",
        };
        if self.timings {
            let verb = match origin {
                "cache" => "taken from the cache",
                "artifact" => "loaded",
                _ => "compiled",
            };
            let (load, run) = (load_time.as_secs_f64(), run_time.as_secs_f64());
            // A closed standard error is no reason to fail.
            let _ = writeln!(
                io::stderr(),
                "{}: {verb} in {load:.6} s, ran in {run:.6} s{}",
                printable_name(file),
                end.fuel_used
                    .map_or_else(String::new, |used| format!(", used {used} fuel"))
            );
        }
        let results = end.result.is_ok().then(|| {
            let outputs = call.map(|call| call.outputs.as_slice());
            results_text(outputs.unwrap_or_default())
        });
        match self.format {
            Format::Json => output::print_json(&Outcome {
                file,
                origin,
                function: call.map(|call| call.name),
                results,
                trap: end.result.as_ref().err().and_then(error::TrapText::new),
                load_seconds: load_time.as_secs_f64(),
                run_seconds: run_time.as_secs_f64(),
                fuel_used: end.fuel_used,
            }),
            Format::Human => {
                let lines = results.unwrap_or_default().into_iter();
                output::print(&lines.map(|result| result.value + "\n").collect::<String>())
            }
        }
    }
}

fn execute(
    store: &mut Store<()>,
    module: &Module,
    call: Option<&mut Call<'_>>,
) -> Result<(), Error> {
    let instance = Linker::new(module.engine()).instantiate_and_start(&mut *store, module)?;
    let Some(call) = call else {
        return Ok(());
    };
    let function = instance
        .get_func(&*store, call.name)
        .expect("the manifest has it");
    function.call(store, &call.inputs, &mut call.outputs)
}

/// The engine's configuration that the options for code generation ask for.
pub(crate) fn config(codegen: &CodegenArgs) -> Result<Config, Failure> {
    let arch = Arch::host().ok_or_else(|| Failure::usage("this machine is no target"))?;
    // The compiler's own words are those of `wasmelt compile`.
    let options = codegen.options(arch).map_err(Failure::usage)?;
    options
        .check()
        .map_err(|error| Failure::usage(error.to_string()))?;
    let mut config = Config::new();
    config
        .preset(options.codegen.preset)
        .opt_level(options.codegen.opt_level)
        .bounds_checks(match codegen.bounds {
            Some(BoundsStrategy::Guard) => BoundsChecks::Guard,
            Some(BoundsStrategy::Explicit) => BoundsChecks::Explicit,
            None => BoundsChecks::Auto,
        })
        .signals(options.codegen.signals)
        .nan_canonicalization(options.codegen.nan_canonicalization)
        .spectre_mitigation(options.codegen.spectre_mitigation)
        .debug_info(options.codegen.debug_info)
        .consume_fuel(options.codegen.fuel)
        .interruption(options.codegen.interruption)
        .cpu(options.cpu_level)
        .compile_threads(options.threads)
        .operator_cost(options.fuel_costs.operators);
    if options.codegen.call_depth {
        config.set_max_recursion_depth(usize::MAX);
    }
    if let Some(bytes_copied_per_fuel) = options.fuel_costs.bytes_copied_per_fuel {
        config.fuel_cost(CustomFuelCosts {
            bytes_copied_per_fuel,
            fuel_per_bytes_translated: 0,
            fuel_per_bytes_validated: 0,
        });
    }
    Ok(config)
}

/// The arguments of a call, as they are written on the command line.
pub(crate) fn parse_arguments(
    arguments: &[String],
    function: &str,
    ty: &FuncType,
) -> Result<Vec<Val>, String> {
    let function = printable_name(function);
    if arguments.len() != ty.params.len() {
        return Err(format!(
            "`{function}` takes ({}), that is {} arguments, and {} are given",
            val_types(&ty.params),
            ty.params.len(),
            arguments.len()
        ));
    }
    let pairs = arguments.iter().zip(&ty.params);
    (1..)
        .zip(pairs)
        .map(|(number, (text, ty))| {
            parse_value(text, *ty)
                .map_err(|reason| format!("argument {number} of `{function}`, `{text}`, {reason}"))
        })
        .collect()
}

pub(crate) fn refuse_imports(file: &str, manifest: &Manifest) -> Result<(), Failure> {
    let imports = Interface::from(manifest).imports();
    if imports.is_empty() {
        return Ok(());
    }
    let lines: String = imports
        .iter()
        .map(|import| format!("\n  {}", import.line()))
        .collect();
    Err(Failure::refused_because(
        file,
        format!(
            "the module imports what this command does not provide (it provides nothing; a host \
             program can, with the crate wasmelt):{lines}"
        ),
    ))
}

/// The type of an exported function.
pub(crate) fn find_function<'a>(
    manifest: &'a Manifest,
    name: &str,
) -> Result<&'a FuncType, String> {
    let shown = printable_name(name);
    let Some(export) = manifest.exports.iter().find(|export| export.name == name) else {
        return Err(format!(
            "there is no export `{shown}`; {}",
            exported_functions(manifest)
        ));
    };
    if export.kind != ExternKind::Func {
        return Err(format!(
            "the export `{shown}` is a {}, not a function; {}",
            kind_name(export.kind),
            exported_functions(manifest)
        ));
    }
    let ty = manifest.functions[export.index as usize];
    Ok(&manifest.types[ty as usize])
}

/// `functions exported: a, b`.
fn exported_functions(manifest: &Manifest) -> String {
    let is_function = |export: &&Export| export.kind == ExternKind::Func;
    let names: Vec<_> = manifest
        .exports
        .iter()
        .filter(is_function)
        .map(|export| printable_name(&export.name))
        .collect();
    if names.is_empty() {
        "no function is exported".to_owned()
    } else {
        format!("functions exported: {}", names.join(", "))
    }
}
