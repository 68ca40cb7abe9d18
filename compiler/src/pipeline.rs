//! The whole way from wasm bytes to a module that can be emitted: start reading here.
//!
//! ```text
//! wasm bytes ─ wasm: parse, validate ─ governor: decide ─ translate: CLIF ─ codegen: machine code
//!            ─ emit: lay out, patch, write
//! ```

use crate::{
    codegen::{CodeGenerator, CompiledFunction, Scratch, Text},
    emit::{self, ArtifactParts},
    error::CompileError,
    fingerprint::pinned_dependencies,
    governor::Governor,
    options::{CompileOptions, Phase, Progress},
    source::{Source, find_source},
    translate::{ModuleEnv, Stub},
    wasm::{ModuleInfo, parse_module},
};
use sha2::{Digest, Sha256};
use std::sync::{
    Mutex,
    atomic::{AtomicUsize, Ordering},
};
use wasmelt_abi::{DebugInfo, Manifest};

/// A compiled module, ready to be written in any form.
pub struct CompiledModule {
    parts: ArtifactParts,
}

/// Where a function ended up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompiledFunctionSize {
    /// Function index.
    pub index: u32,
    /// Name for people.
    pub name: String,
    /// Bytes of machine code.
    pub len_bytes: u32,
}

impl CompiledModule {
    /// The artifact: an ELF shared object.
    #[must_use]
    pub fn shared_object(&self) -> Vec<u8> {
        emit::shared_object(&self.parts)
    }

    /// A relocatable object with the same descriptor, for linking into a program.
    ///
    /// # Errors
    ///
    /// If the object cannot be written.
    pub fn object(&self) -> Result<Vec<u8>, CompileError> {
        emit::object(&self.parts)
    }

    /// Description of the module, as the artifact stores it.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.parts.manifest
    }

    /// The machine code, calls patched.
    #[must_use]
    pub fn text(&self) -> &[u8] {
        &self.parts.text.bytes
    }

    /// Length of the machine code in bytes.
    #[must_use]
    pub fn text_len_bytes(&self) -> usize {
        self.parts.text.bytes.len()
    }

    /// Why the module's debug information was ignored, all or in part, if it was.
    #[must_use]
    pub fn ignored_debug_info(&self) -> Option<&str> {
        self.parts.source.ignored.as_deref()
    }

    /// Every defined function and its size, in the order of indices.
    #[must_use]
    pub fn function_sizes(&self) -> Vec<CompiledFunctionSize> {
        let first = self.parts.manifest.imported_function_count;
        (first..)
            .zip(&self.parts.text.functions)
            .map(|(index, range)| CompiledFunctionSize {
                index,
                name: self.parts.symbol_names[(index - first) as usize].clone(),
                len_bytes: range.len_bytes,
            })
            .collect()
    }
}

impl std::fmt::Debug for CompiledModule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CompiledModule")
            .field("functions", &self.parts.text.functions.len())
            .field("text_len_bytes", &self.text_len_bytes())
            .finish_non_exhaustive()
    }
}

/// Compiles a module.
///
/// # Errors
///
/// If the input is no module, is invalid, needs more than the preset includes, or exceeds a limit.
///
/// # Example
///
/// ```
/// use wasmelt_compiler::{CompileError, CompileOptions, compile};
///
/// let error = compile(b"\x7fELF", &CompileOptions::default()).unwrap_err();
/// assert!(matches!(error, CompileError::NotWasm { .. }));
/// ```
pub fn compile(wasm: &[u8], options: &CompileOptions) -> Result<CompiledModule, CompileError> {
    options.check()?;
    let module = parse_module(wasm, options)?;
    let generator = CodeGenerator::new(options)?;
    let downgrades = Governor::decide(&module.governors, wasm.len());
    let env = ModuleEnv {
        module: &module,
        options,
        downgrades: &downgrades,
        frontend_config: generator.isa().frontend_config(),
    };
    let functions = compile_functions(&env, &generator)?;
    report(
        options,
        Phase::Emit,
        module.bodies.len(),
        module.bodies.len(),
    );
    let parts = lay_out(&module, options, &generator, functions, wasm)?;
    Ok(CompiledModule { parts })
}

/// Compiles every defined function, then the stubs.
fn compile_functions(
    env: &ModuleEnv<'_>,
    generator: &CodeGenerator,
) -> Result<Vec<CompiledFunction>, CompileError> {
    let total = env.downgrades.len();
    let threads = env.options.thread_count(total);
    let done = AtomicUsize::new(0);
    let jobs: Vec<u32> = (0..).take(total).collect();
    let results = parallel_map(&jobs, threads, Scratch::default, |scratch, index| {
        let result = generator.compile_function(env, *index, scratch, Text::Nothing);
        let done = done.fetch_add(1, Ordering::Relaxed) + 1;
        report(env.options, Phase::Functions, done, total);
        result.map(|(function, _)| function)
    });
    let mut functions = results.into_iter().collect::<Result<Vec<_>, _>>()?;
    let mut scratch = Scratch::default();
    for stub in Stub::ALL {
        functions.push(generator.compile_stub(env, *stub, &mut scratch)?);
    }
    Ok(functions)
}

fn lay_out(
    module: &ModuleInfo<'_>,
    options: &CompileOptions,
    generator: &CodeGenerator,
    functions: Vec<CompiledFunction>,
    wasm: &[u8],
) -> Result<ArtifactParts, CompileError> {
    let downgraded = functions.iter().filter(|function| function.is_downgraded);
    let mut manifest = Manifest {
        dependencies: pinned_dependencies(),
        name: module.name.clone(),
        types: module.types.clone(),
        local_signature_ids: module.local_signature_ids.clone(),
        imports: module.imports.clone(),
        functions: module.functions.clone(),
        imported_function_count: module.imported_function_count,
        table: module.table,
        memory: module.memory,
        globals: module.globals.clone(),
        exports: module.exports.clone(),
        start: module.start,
        elements: module.elements.clone(),
        data: Vec::new(),
        image: None,
        custom_sections: module.custom_sections.clone(),
        downgraded_function_count: u32::try_from(downgraded.count())
            .expect("functions are limited"),
        computes_floats: module.computes_floats,
        fuel_schedule: options.fuel_schedule(),
    };
    let initial = emit::build_image(module, options.arch.segment_alignment_bytes());
    manifest.data = initial.segments;
    manifest.image = initial.info;
    let first = module.imported_function_count;
    let symbol_names = module.display_names();
    let text = emit::lay_out_text(&functions, generator.isa(), first)?;
    let source = look_up_source(module, options, &functions);
    // A row of lines and a scope have five numbers of at most five bytes each; names and paths are no longer
    // than the debug information. What debuggers read comes behind all that distances are kept for.
    let lines_len_bytes = 25 * (source.rows.len() + source.scopes.len());
    check_artifact_len(
        module,
        &text,
        initial.image.len() + initial.data.len() + lines_len_bytes,
    )?;
    Ok(ArtifactParts {
        options: options.clone(),
        manifest,
        text,
        names: module
            .function_names
            .iter()
            .map(|(index, name)| (*index, (*name).to_owned()))
            .collect(),
        symbol_names,
        data: initial.data,
        image: initial.image,
        source,
        wasm_sha256: Sha256::digest(wasm).into(),
        wasm_len_bytes: wasm.len() as u64,
        functions,
    })
}

/// Finds the lines of source of every place that a backtrace, or a debugger where one is served, may ask
/// about.
fn look_up_source(
    module: &ModuleInfo<'_>,
    options: &CompileOptions,
    functions: &[CompiledFunction],
) -> Source {
    if options.codegen.debug_info == DebugInfo::None || module.debug_sections.is_empty() {
        return Source::default();
    }
    let mut offsets: Vec<u32> = functions
        .iter()
        .flat_map(|function| {
            let sites = function.offsets.iter().map(|site| site.wasm_offset);
            let calls = function.inlined.iter().map(|call| call.call_offset);
            let places = function.places.iter().map(|place| place.wasm_offset);
            sites.chain(calls).chain(places)
        })
        .collect();
    offsets.sort_unstable();
    offsets.dedup();
    find_source(module, offsets)
}

/// Refuses what cannot be laid out: unwind tables refer to the text by signed 32-bit distances.
fn check_artifact_len(
    module: &ModuleInfo<'_>,
    text: &emit::TextLayout,
    others_len_bytes: usize,
) -> Result<(), CompileError> {
    const LIMIT: u64 = 0x7fff_0000;
    // Tables for the text are shorter than it, or than a fixed amount for each function; names and
    // custom sections are in the module.
    let tables = text.bytes.len() + 256 * text.functions.len();
    let parts = [
        text.bytes.len(),
        tables,
        others_len_bytes,
        module.wasm_len_bytes,
    ];
    let found = parts.iter().map(|len_bytes| *len_bytes as u64).sum();
    if found > LIMIT {
        return Err(CompileError::LimitExceeded {
            what: "the length of the artifact in bytes",
            limit: LIMIT,
            found,
        });
    }
    Ok(())
}

fn report(options: &CompileOptions, phase: Phase, done: usize, total: usize) {
    if let Some(progress) = &options.progress {
        progress(Progress { phase, done, total });
    }
}

/// Maps jobs to results in their order, on so many threads; one thread means none is started.
pub(crate) fn parallel_map<J: Sync, R: Send, S>(
    jobs: &[J],
    threads: usize,
    scratch: impl Fn() -> S + Sync,
    work: impl Fn(&mut S, &J) -> R + Sync,
) -> Vec<R> {
    if threads <= 1 {
        let mut scratch = scratch();
        return jobs.iter().map(|job| work(&mut scratch, job)).collect();
    }
    let next = AtomicUsize::new(0);
    let results: Vec<Mutex<Option<R>>> = jobs.iter().map(|_| Mutex::new(None)).collect();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let mut scratch = scratch();
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(job) = jobs.get(index) else { break };
                    let result = work(&mut scratch, job);
                    *results[index].lock().expect("no holder panics") = Some(result);
                }
            });
        }
    });
    results
        .into_iter()
        .map(|slot| {
            slot.into_inner()
                .expect("no holder panics")
                .expect("every job was done")
        })
        .collect()
}
