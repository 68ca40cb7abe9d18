//! The verb `compile`: a module in, an artifact, an object or a listing out.

use crate::{
    args::Format,
    batch::BatchArgs,
    codegen::{CodegenArgs, target_parser},
    describe::hex,
    failure::{Failure, printable_name},
    input::{Input, stored_descriptor},
    output::{self, Output},
    progress::Bar,
    secret::{PasswordArgs, SigningKey},
    sign,
};
use clap::ValueEnum;
use serde::Serialize;
use std::{
    fmt::Write as _,
    io::{self, Write as _},
    path::PathBuf,
    time::{Duration, Instant},
};
use wasmelt_abi::{Arch, DESCRIPTOR_SYMBOL};
use wasmelt_compiler::{CompileError, CompileOptions, Listing, list_functions};

const EXAMPLES: &str = "\
Examples:
  wasmelt compile module.wasm -o module.so
  wasmelt compile module.wat -o module.so --bounds explicit --no-signals
  wasmelt compile - -o module.so --format json < module.wasm
  wasmelt compile module.wasm -o module.so --sign builder.key
  wasmelt compile module.wasm -o module.o --emit obj --symbol my_module
  wasmelt compile module.wasm --emit asm --function fib --target aarch64
  wasmelt compile contracts/ --out-dir compiled/ --keep-going --format json
  wasmelt compile list-of-paths.txt --cache

The output is written beside OUT, synchronised and renamed: an existing file is replaced as a
whole, or stays as it was. Of many modules, those whose artifact is there already are not compiled
again; each has a line on standard output, and the last line counts them.";

/// Arguments of `wasmelt compile`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct CompileArgs {
    /// The module, binary or text; `-` is standard input. With --out-dir or --cache: a folder, or a list of paths
    #[arg(value_name = "IN")]
    input: PathBuf,

    /// The file to write; `-` is standard output, which is the default for listings
    #[arg(long, short, value_name = "OUT")]
    output: Option<PathBuf>,

    /// What to write
    #[arg(long, value_enum, value_name = "FORM", default_value_t)]
    emit: Emit,

    /// List only this function
    #[arg(long, value_name = "NAME|INDEX")]
    function: Option<String>,

    /// Name of the symbol that an object exports [default: wasmelt_module]
    #[arg(long, value_name = "NAME", value_parser = parse_symbol)]
    symbol: Option<String>,

    /// What to compile for [default: this machine]
    #[arg(long, value_name = "TRIPLE", value_parser = target_parser())]
    target: Option<Arch>,

    /// Sign the artifact with this secret key, as `wasmelt sign` does
    #[arg(long, value_name = "SECRET")]
    sign: Option<PathBuf>,

    #[command(flatten)]
    password: PasswordArgs,

    #[command(flatten)]
    batch: BatchArgs,

    #[command(flatten)]
    codegen: CodegenArgs,

    /// How the summary is written
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    format: Format,
}

/// What to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
enum Emit {
    /// A shared object: the artifact that `run` and the library load
    #[default]
    So,
    /// A relocatable object with the same contents, to link into a program
    Obj,
    /// Cranelift's intermediate representation
    Clif,
    /// Assembly
    Asm,
}

/// What `--format json` prints.
#[derive(Debug, Serialize)]
struct Summary {
    output: String,
    emit: Emit,
    target: &'static str,
    cpu: &'static str,
    preset: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    functions: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unoptimised_functions: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ignored_debug_info: Option<String>,
    wasm_bytes: usize,
    output_bytes: usize,
    seconds: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    signed_by: Option<String>,
}

/// What a compilation gave.
struct Compiled {
    bytes: Vec<u8>,
    functions: Option<usize>,
    unoptimised_functions: Option<u32>,
    /// Why debug information was ignored, all or in part.
    ignored_debug_info: Option<String>,
    /// The key that signed it.
    signed_by: Option<String>,
}

/// Compiles, writes, and says so.
pub(crate) fn run(args: &CompileArgs, quiet: bool) -> Result<(), Failure> {
    args.check()?;
    let arch = match args.target.or(Arch::host()) {
        Some(arch) => arch,
        None => {
            return Err(Failure::usage(
                "this machine is no target: name one (--target)",
            ));
        }
    };
    let mut options = args.codegen.options(arch).map_err(Failure::usage)?;
    if let Some(symbol) = &args.symbol {
        options.descriptor_symbol.clone_from(symbol);
    }
    options
        .check()
        .map_err(|error| Failure::usage(error.to_string()))?;
    if args.batch.is_asked_for() {
        return args
            .batch
            .run(&args.input, &args.codegen, options, args.format, quiet);
    }
    let input = Input::read(&args.input)?;
    let output = args.prepare_output(&input)?;
    if args.emit.is_binary() && output.is_terminal() {
        return Err(Failure::usage(
            "standard output is a terminal, and this would be binary",
        ));
    }
    // Before the compilation, which may take long.
    let key = args.sign.as_deref();
    let key = key.map(|path| SigningKey::read(path, &args.password));
    let key = key.transpose()?;
    let started = Instant::now();
    let name = input.name.clone();
    let wasm = input.into_binary()?;
    let mut compiled = args.compile(&name, &wasm, &mut options, quiet)?;
    if let Some(key) = key {
        let text = key.sign(&name, &compiled.bytes)?;
        compiled.bytes = sign::embed(&name, &compiled.bytes, &[&text])?;
        compiled.signed_by = Some(key.signer().id().to_string());
    }
    output.write(&compiled.bytes)?;
    args.report(
        &output,
        &wasm,
        &options,
        &compiled,
        started.elapsed(),
        quiet,
    )
}

impl CompileArgs {
    fn check(&self) -> Result<(), Failure> {
        if self.function.is_some() && self.emit.is_binary() {
            return Err(Failure::usage(
                "--function chooses what is listed: it needs --emit clif or --emit asm",
            ));
        }
        if self.symbol.is_some() && self.emit != Emit::Obj {
            return Err(Failure::usage(format!(
                "--symbol names what an object exports: it needs --emit obj (a shared object \
                 always exports {DESCRIPTOR_SYMBOL})"
            )));
        }
        if self.sign.is_some() && self.emit != Emit::So {
            return Err(Failure::usage("--sign signs artifacts: it needs --emit so"));
        }
        if self.password.password_file.is_some() && self.sign.is_none() {
            return Err(Failure::usage(
                "--password-file has the password of a key: it needs --sign SECRET",
            ));
        }
        if self.batch.is_asked_for() {
            return self.check_batch();
        }
        self.batch.check_single()?;
        if self.output.is_none() && self.emit.is_binary() {
            return Err(Failure::usage("name the file to write: -o OUT"));
        }
        if self.format == Format::Json && self.writes_to_stdout() {
            return Err(Failure::usage(
                "--format json would mix with the output on standard output: name a file (-o OUT)",
            ));
        }
        Ok(())
    }

    fn check_batch(&self) -> Result<(), Failure> {
        if self.emit != Emit::So {
            return Err(Failure::usage(
                "of many modules only artifacts are made: leave out --emit",
            ));
        }
        if self.sign.is_some() {
            return Err(Failure::usage(
                "of many modules none is signed: leave out --sign, and sign the artifacts (`wasmelt sign`)",
            ));
        }
        if self.batch.is_for_cache() && self.target.is_some() {
            return Err(Failure::usage(
                "what a cache holds is for this machine: leave out --target, or write to a folder (--out-dir)",
            ));
        }
        Ok(())
    }

    fn writes_to_stdout(&self) -> bool {
        self.output.as_ref().is_none_or(|path| path == "-")
    }

    fn prepare_output(&self, input: &Input) -> Result<Output, Failure> {
        match &self.output {
            Some(path) if !self.writes_to_stdout() => {
                Output::prepare(path, input.metadata().as_ref())
            }
            _ => Ok(Output::Stdout),
        }
    }

    fn compile(
        &self,
        name: &str,
        wasm: &[u8],
        options: &mut CompileOptions,
        quiet: bool,
    ) -> Result<Compiled, Failure> {
        let refused = |error: CompileError| Failure::refused(name, error);
        let bar = Bar::start(name, quiet);
        options.progress = bar.callback();
        let listing = match self.emit {
            Emit::So | Emit::Obj => {
                let module = wasmelt_compiler::compile(wasm, options).map_err(refused)?;
                let bytes = match self.emit {
                    Emit::Obj => module.object().map_err(refused)?,
                    _ => module.shared_object(),
                };
                return Ok(Compiled {
                    bytes,
                    functions: Some(module.function_sizes().len()),
                    unoptimised_functions: Some(module.manifest().downgraded_function_count),
                    ignored_debug_info: module.ignored_debug_info().map(str::to_owned),
                    signed_by: None,
                });
            }
            Emit::Clif => Listing::Clif,
            Emit::Asm => Listing::Assembly,
        };
        let only = self.function.as_deref();
        let text = list_functions(wasm, options, listing, only).map_err(refused)?;
        match only {
            Some(only) if text.is_empty() => Err(Failure::refused_because(
                name,
                format!("no function of this module is called `{only}` or has that index"),
            )),
            _ => Ok(Compiled {
                bytes: text.into_bytes(),
                functions: None,
                unoptimised_functions: None,
                ignored_debug_info: None,
                signed_by: None,
            }),
        }
    }

    fn report(
        &self,
        output: &Output,
        wasm: &[u8],
        options: &CompileOptions,
        compiled: &Compiled,
        elapsed: Duration,
        quiet: bool,
    ) -> Result<(), Failure> {
        let summary = Summary {
            output: output.name().to_owned(),
            emit: self.emit,
            target: options.arch.triple(),
            cpu: options.cpu_level.name(),
            preset: options.codegen.preset.name(),
            functions: compiled.functions,
            unoptimised_functions: compiled.unoptimised_functions,
            ignored_debug_info: compiled.ignored_debug_info.clone(),
            wasm_bytes: wasm.len(),
            output_bytes: compiled.bytes.len(),
            seconds: elapsed.as_secs_f64(),
            digest: match self.emit {
                Emit::So => stored_digest(&compiled.bytes),
                _ => None,
            },
            signed_by: compiled.signed_by.clone(),
        };
        match (self.format, output) {
            (Format::Json, _) => output::print_json(&summary),
            _ if quiet => Ok(()),
            (Format::Human, Output::Stdout) if self.emit.is_binary() => {
                // The result has standard output; a summary that cannot be shown is no failure.
                let _ = writeln!(io::stderr(), "{}", summary.line());
                Ok(())
            }
            (Format::Human, Output::Stdout) => Ok(()),
            (Format::Human, _) => output::print(&format!("{}\n", summary.line())),
        }
    }
}

impl Emit {
    const fn is_binary(self) -> bool {
        matches!(self, Emit::So | Emit::Obj)
    }

    const fn noun(self) -> &'static str {
        match self {
            Emit::So => "artifact",
            Emit::Obj => "object",
            Emit::Clif => "CLIF",
            Emit::Asm => "assembly",
        }
    }
}

impl Summary {
    /// One line for people.
    fn line(&self) -> String {
        let mut line = format!("{}: ", printable_name(&self.output));
        let put = |line: &mut String, text: std::fmt::Arguments<'_>| {
            line.write_fmt(text).expect("writing to a string succeeds");
        };
        if let Some(functions) = self.functions {
            let plural = if functions == 1 { "" } else { "s" };
            put(&mut line, format_args!("{functions} function{plural}, "));
        }
        let noun = self.emit.noun();
        put(
            &mut line,
            format_args!(
                "{} bytes of wasm, {} bytes of {noun}, {:.3} s",
                self.wasm_bytes, self.output_bytes, self.seconds
            ),
        );
        if let Some(count @ 1..) = self.unoptimised_functions {
            put(
                &mut line,
                format_args!(", {count} not optimised (above the governor's thresholds)"),
            );
        }
        if let Some(id) = &self.signed_by {
            put(&mut line, format_args!(", signed by key {id}"));
        }
        if let Some(reason) = &self.ignored_debug_info {
            put(&mut line, format_args!(", debug info ignored: {reason}"));
        }
        line
    }
}

/// The digest that an artifact carries.
fn stored_digest(artifact: &[u8]) -> Option<String> {
    Some(hex(&stored_descriptor(artifact)?.digest))
}

fn parse_symbol(name: &str) -> Result<String, &'static str> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let starts_well = name.starts_with(|c: char| is_word(c) && !c.is_ascii_digit());
    if starts_well && name.chars().all(is_word) {
        Ok(name.to_owned())
    } else {
        Err("a symbol is a C identifier: letters, digits and underscores, no digit first")
    }
}
