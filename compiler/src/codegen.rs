//! Turns one function's CLIF into machine code, with everything the emitter must know about it.

use crate::{
    canonicalize::canonicalize,
    error::CompileError,
    governor::Governor,
    optimize::optimize,
    options::CompileOptions,
    stack_overflow::raise_on_stack_overflow,
    translate::{
        FUNCTION_NAMESPACE, InlinedCall, LocalStorage, Locations, ModuleEnv, STUB_NAMESPACE, Stub,
        abi_trap_code, build_stub, translate_function,
    },
};
use cranelift_codegen::{
    CompiledCode, Context, FinalizedRelocTarget,
    binemit::Reloc,
    ir::{self, ExternalName, Function},
    isa::{
        self, OwnedTargetIsa,
        unwind::{UnwindInfo, systemv},
    },
    settings::{self, Configurable},
};
use cranelift_control::ControlPlane;
use cranelift_frontend::FunctionBuilderContext;
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    str::FromStr,
};
use target_lexicon::Triple;
use wasmelt_abi::{DebugInfo, MEMORY_MAX_GROWN_PAGES, OptLevel, TrapCode};

/// What a call in machine code refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Callee {
    /// A function of the module, by function index.
    Function(u32),
    /// A stub, by its position.
    Stub(u32),
}

/// How a call encodes its target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CallEncoding {
    /// Four bytes, relative to the place plus addend.
    X86PcRel32,
    /// The 26-bit immediate of `bl`.
    Aarch64Call26,
}

/// A call that the emitter patches.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Relocation {
    /// Offset in the function.
    pub offset: u32,
    pub callee: Callee,
    pub addend: i64,
    pub encoding: CallEncoding,
}

/// A place in a function where a backtrace may look.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Site {
    /// Offset in the function.
    pub offset: u32,
    /// Offset in the module.
    pub wasm_offset: u32,
    /// Position of the inlined call that it lies in.
    pub call: Option<u32>,
    /// Fuel that was charged and not yet subtracted.
    pub pending_fuel: u32,
}

/// Machine code that was made of one place in the module.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    /// Offset in the function; it reaches up to the next place.
    pub offset: u32,
    /// Offset in the module.
    pub wasm_offset: u32,
    /// Position of the inlined call that it lies in.
    pub call: Option<u32>,
}

/// Machine code of one function.
pub(crate) struct CompiledFunction {
    pub code: Vec<u8>,
    pub relocations: Vec<Relocation>,
    /// Trap sites that are no memory access: offset in the function and code, ascending.
    pub traps: Vec<(u32, TrapCode)>,
    /// Where a backtrace may look, ascending.
    pub offsets: Vec<Site>,
    /// Where all its code comes from, ascending from 0 on; empty unless debuggers are to know.
    pub places: Vec<Place>,
    /// Calls that were replaced by the callee's body; parents before children.
    pub inlined: Vec<InlinedCall>,
    pub unwind: systemv::UnwindInfo,
    /// Whether the governor had it compiled without optimisation.
    pub is_downgraded: bool,
}

/// The two ways functions are compiled: as asked, and downgraded by the governor.
pub(crate) struct CodeGenerator {
    wanted: OwnedTargetIsa,
    downgraded: OwnedTargetIsa,
    /// Whether to say where all code comes from.
    keeps_places: bool,
}

/// Memory that is reused from function to function.
pub(crate) struct Scratch {
    context: Context,
    builder: FunctionBuilderContext,
    allocator: regalloc2::Ctx,
}

impl Default for Scratch {
    fn default() -> Self {
        Self {
            context: Context::new(),
            builder: FunctionBuilderContext::new(),
            allocator: regalloc2::Ctx::default(),
        }
    }
}

/// What is wanted beside the code.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Text {
    Nothing,
    Clif,
    Assembly,
}

/// What is wanted of one function beside its code.
#[derive(Clone, Copy)]
struct Wanted {
    text: Text,
    /// Where all code comes from.
    places: bool,
}

impl CodeGenerator {
    pub(crate) fn new(options: &CompileOptions) -> Result<Self, CompileError> {
        Ok(Self {
            wanted: build_isa(options, options.codegen.opt_level)?,
            downgraded: build_isa(options, OptLevel::None)?,
            keeps_places: options.codegen.debug_info == DebugInfo::Full,
        })
    }

    pub(crate) fn isa(&self) -> &dyn isa::TargetIsa {
        &*self.wanted
    }

    /// A target description of its own, for who must own one.
    pub(crate) fn owned_isa(
        &self,
        options: &CompileOptions,
    ) -> Result<OwnedTargetIsa, CompileError> {
        build_isa(options, options.codegen.opt_level)
    }

    /// Compiles a defined function; `text` asks for a listing as well.
    pub(crate) fn compile_function(
        &self,
        env: &ModuleEnv<'_>,
        defined_index: u32,
        scratch: &mut Scratch,
        text: Text,
    ) -> Result<(CompiledFunction, String), CompileError> {
        let function = env.module.imported_function_count + defined_index;
        let mut is_downgraded = env.downgrades[defined_index as usize];
        let (mut compiled, listing) = guarded(function, scratch, |scratch| {
            let limit = Governor::limits().max_values_kept_over_loops;
            let (mut locations, kept) = self.prepare(env, defined_index, is_downgraded, scratch)?;
            if kept > limit as usize {
                is_downgraded = true;
                scratch.context.clear();
                (locations, _) = self.prepare(env, defined_index, is_downgraded, scratch)?;
            }
            generate_code(
                scratch,
                self.isa_for(is_downgraded),
                function,
                locations,
                Wanted {
                    text,
                    places: self.keeps_places,
                },
            )
        })?;
        compiled.is_downgraded = is_downgraded;
        if !env.options.codegen.signals {
            raise_on_stack_overflow(&mut compiled, env.options.arch)
                .map_err(|reason| CompileError::Codegen { function, reason })?;
        }
        Ok((compiled, listing))
    }

    /// Compiles a stub.
    pub(crate) fn compile_stub(
        &self,
        env: &ModuleEnv<'_>,
        stub: Stub,
        scratch: &mut Scratch,
    ) -> Result<CompiledFunction, CompileError> {
        guarded(stub.index(), scratch, |scratch| {
            build_stub(env, stub, &mut scratch.builder, &mut scratch.context.func);
            let isa = &*self.wanted;
            optimize_function(env, &mut scratch.context, isa, stub.index())?;
            let locations = Locations::default();
            let wanted = Wanted {
                text: Text::Nothing,
                places: false,
            };
            generate_code(scratch, isa, stub.index(), locations, wanted)
        })
        .map(|(compiled, _)| compiled)
    }

    fn isa_for(&self, is_downgraded: bool) -> &dyn isa::TargetIsa {
        if is_downgraded {
            &*self.downgraded
        } else {
            &*self.wanted
        }
    }

    /// Leaves the function's optimised CLIF in the context. Returns how many values it keeps over loops,
    /// too.
    fn prepare(
        &self,
        env: &ModuleEnv<'_>,
        defined_index: u32,
        is_downgraded: bool,
        scratch: &mut Scratch,
    ) -> Result<(Locations, usize), CompileError> {
        let storage = if is_downgraded {
            LocalStorage::Frame
        } else {
            LocalStorage::Values
        };
        let isa = self.isa_for(is_downgraded);
        let context = &mut scratch.context;
        let (builder, func) = (&mut scratch.builder, &mut context.func);
        let locations = translate_function(env, defined_index, storage, builder, func)?;
        if env.options.codegen.nan_canonicalization {
            canonicalize_nans(context, isa);
        }
        let function = env.module.imported_function_count + defined_index;
        let kept = optimize_function(env, context, isa, function)?;
        Ok((locations, kept))
    }
}

type Compiled = (CompiledFunction, String);

/// Runs translation and code generation so that a panic in Cranelift becomes an error.
fn guarded(
    function: u32,
    scratch: &mut Scratch,
    work: impl FnOnce(&mut Scratch) -> Result<Compiled, CompileError>,
) -> Result<Compiled, CompileError> {
    let mut taken = std::mem::take(scratch);
    taken.context.clear();
    let result = catch_unwind(AssertUnwindSafe(|| {
        let result = work(&mut taken);
        (result, taken)
    }));
    // After a panic the memory is dropped, not reused.
    let (result, taken) = result.map_err(|panic| CompileError::Codegen {
        function,
        reason: format!("the code generator panicked: {}", panic_message(&*panic)),
    })?;
    *scratch = taken;
    result
}

fn panic_message(panic: &(dyn std::any::Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}

fn canonicalize_nans(context: &mut Context, isa: &dyn isa::TargetIsa) {
    let is_optimised = isa.flags().opt_level() != settings::OptLevel::None;
    if is_optimised {
        context.compute_cfg();
        context.compute_domtree();
        context.compute_loop_analysis();
    }
    let loops = is_optimised.then_some(&context.loop_analysis);
    canonicalize(&mut context.func, loops);
}

fn optimize_function(
    env: &ModuleEnv<'_>,
    context: &mut Context,
    isa: &dyn isa::TargetIsa,
    function: u32,
) -> Result<usize, CompileError> {
    let least_pages = env.module.memory.map_or(0, |memory| memory.limits.min);
    let lacks_last_page = least_pages <= MEMORY_MAX_GROWN_PAGES;
    optimize(context, isa, lacks_last_page).map_err(|e| CompileError::Codegen {
        function,
        reason: e.to_string(),
    })
}

fn generate_code(
    scratch: &mut Scratch,
    isa: &dyn isa::TargetIsa,
    function: u32,
    locations: Locations,
    Wanted {
        text,
        places: keeps_places,
    }: Wanted,
) -> Result<Compiled, CompileError> {
    let error = |reason: String| CompileError::Codegen { function, reason };
    let context = &scratch.context;
    let clif = if text == Text::Clif {
        context.func.display().to_string()
    } else {
        String::new()
    };
    let wants_assembly = text == Text::Assembly;
    let code = isa
        .compile_function(
            &context.func,
            &context.domtree,
            &mut scratch.allocator,
            wants_assembly,
            &mut ControlPlane::default(),
        )
        .map_err(|e| error(e.to_string()))?
        .apply_params(&context.func.params);
    let unwind = match code.create_unwind_info(isa) {
        Ok(Some(UnwindInfo::SystemV(info))) => info,
        Ok(_) => return Err(error("no System V unwind information".to_owned())),
        Err(e) => return Err(error(e.to_string())),
    };
    let listing = if text == Text::Assembly {
        code.vcode.clone().unwrap_or_default()
    } else {
        clif
    };
    let relocations = collect_relocations(&code, &context.func).map_err(error)?;
    let compiled = CompiledFunction {
        relocations,
        traps: collect_traps(&code),
        offsets: collect_offsets(&code, &locations),
        places: if keeps_places {
            collect_places(&code, &locations)
        } else {
            Vec::new()
        },
        inlined: locations.inlined,
        unwind,
        is_downgraded: false,
        code: code.code_buffer().to_vec(),
    };
    Ok((compiled, listing))
}

fn collect_relocations(code: &CompiledCode, func: &Function) -> Result<Vec<Relocation>, String> {
    let mut relocations = Vec::new();
    for relocation in code.buffer.relocs() {
        let FinalizedRelocTarget::ExternalName(ExternalName::User(name)) = &relocation.target
        else {
            return Err(format!("reference to {:?}", relocation.target));
        };
        let name = &func.params.user_named_funcs()[*name];
        let callee = match name.namespace {
            FUNCTION_NAMESPACE => Callee::Function(name.index),
            STUB_NAMESPACE => Callee::Stub(name.index),
            namespace => return Err(format!("reference to namespace {namespace}")),
        };
        let encoding = match relocation.kind {
            Reloc::X86CallPCRel4 => CallEncoding::X86PcRel32,
            Reloc::Arm64Call => CallEncoding::Aarch64Call26,
            kind => return Err(format!("relocation {kind}")),
        };
        relocations.push(Relocation {
            offset: relocation.offset,
            callee,
            addend: relocation.addend,
            encoding,
        });
    }
    Ok(relocations)
}

fn collect_traps(code: &CompiledCode) -> Vec<(u32, TrapCode)> {
    let sites = code.buffer.traps().iter();
    sites
        .filter_map(|site| Some((site.offset, abi_trap_code(site.code)?)))
        .collect()
}

/// Wasm offsets of the last byte of every call, where a return address minus one points, and of
/// every instruction that may trap.
fn collect_offsets(code: &CompiledCode, locations: &Locations) -> Vec<Site> {
    let mut places: Vec<u32> = code.buffer.traps().iter().map(|site| site.offset).collect();
    places.extend(code.buffer.call_sites().map(|site| site.ret_addr - 1));
    places.sort_unstable();
    places.dedup();
    // The prologue has no location; its check belongs to the start of the body, not to what lies
    // before it in the text.
    let checks = code.buffer.traps().iter();
    let overflows: Vec<u32> = checks
        .filter(|site| site.code == ir::TrapCode::STACK_OVERFLOW)
        .map(|site| site.offset)
        .collect();
    let ranges = code.buffer.get_srclocs_sorted();
    let location_of = |place: u32| {
        let after = ranges.partition_point(|range| range.start <= place);
        let location = ranges.get(after.checked_sub(1)?)?;
        (place < location.end && !location.loc.is_default()).then(|| location.loc.bits())
    };
    places
        .into_iter()
        .filter_map(|place| {
            if overflows.contains(&place) {
                return Some(Site {
                    offset: place,
                    wasm_offset: locations.body_start,
                    call: None,
                    pending_fuel: 0,
                });
            }
            let location = location_of(place)?;
            let (wasm_offset, call) = locations.resolve(location);
            Some(Site {
                offset: place,
                wasm_offset,
                call,
                pending_fuel: locations.pending_fuel(location),
            })
        })
        .collect()
}

/// Where the code comes from. What Cranelift has no location for belongs to what is before it, and the
/// prologue to the start of the body.
fn collect_places(code: &CompiledCode, locations: &Locations) -> Vec<Place> {
    let mut places = vec![Place {
        offset: 0,
        wasm_offset: locations.body_start,
        call: None,
    }];
    for range in code.buffer.get_srclocs_sorted() {
        if range.loc.is_default() {
            continue;
        }
        let (wasm_offset, call) = locations.resolve(range.loc.bits());
        let last = places.last().expect("the first place was there");
        if (last.wasm_offset, last.call) != (wasm_offset, call) {
            places.push(Place {
                offset: range.start,
                wasm_offset,
                call,
            });
        }
    }
    places
}

fn build_isa(
    options: &CompileOptions,
    opt_level: OptLevel,
) -> Result<OwnedTargetIsa, CompileError> {
    let error = |e: &dyn std::fmt::Display| CompileError::Codegen {
        function: 0,
        reason: format!("target {}: {e}", options.arch),
    };
    let mut flags = settings::builder();
    let (opt_level, allocator) = match opt_level {
        OptLevel::None => ("none", "single_pass"),
        OptLevel::Speed => ("speed", "backtracking"),
    };
    let on = |value: bool| if value { "true" } else { "false" };
    let spectre = on(options.codegen.spectre_mitigation);
    for (name, value) in [
        ("opt_level", opt_level),
        ("regalloc_algorithm", allocator),
        ("is_pic", "false"),
        ("preserve_frame_pointers", "true"),
        ("unwind_info", "true"),
        // The stack limit covers whole frames; there is nothing to probe.
        ("enable_probestack", "false"),
        ("enable_heap_access_spectre_mitigation", spectre),
        ("enable_table_access_spectre_mitigation", spectre),
        ("enable_verifier", on(options.verify)),
        // The register that fuel is in.
        ("enable_pinned_reg", on(options.codegen.fuel)),
    ] {
        flags.set(name, value).map_err(|e| error(&e))?;
    }
    let triple = Triple::from_str(options.arch.triple()).map_err(|e| error(&e))?;
    let mut builder = isa::lookup(triple).map_err(|e| error(&e))?;
    for feature in options.cpu_features.iter() {
        builder
            .enable(feature.cranelift_flag())
            .map_err(|e| error(&e))?;
    }
    builder
        .finish(settings::Flags::new(flags))
        .map_err(|e| error(&e))
}
