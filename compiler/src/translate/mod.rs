//! Translates validated wasm function bodies to Cranelift's intermediate representation (CLIF).
//!
//! Sandbox-critical: what this module emits is all that keeps a guest inside its memory, its table
//! and its types. Bounds are decided in `memory.rs`, indirect calls in `calls.rs`, traps in
//! `traps.rs`; everything else only moves values.

mod bounds;
mod branch_table;
mod calls;
mod control;
mod depth;
mod env;
mod fuel;
mod globals;
mod inline;
mod locals;
mod memory;
mod numeric;
mod operators;
mod stubs;
mod traps;

pub(crate) use branch_table::count_tests;
pub(crate) use env::{FUNCTION_NAMESPACE, ModuleEnv, STUB_NAMESPACE};
pub(crate) use inline::{InlinedCall, Locations};
pub(crate) use locals::LocalStorage;
pub(crate) use stubs::{Stub, build_stub};
pub(crate) use traps::abi_trap_code;

use crate::error::CompileError;
use bounds::Bounds;
use control::Frame;
use cranelift_codegen::ir::{
    AbiParam, ArgumentPurpose, Block, FuncRef, Function, InstBuilder, SigRef, SourceLoc,
    UserFuncName, Value, types,
};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
use env::Regions;
use fuel::{FuelEdge, Meter};
use inline::Inliner;
use locals::Locals;
use std::collections::BTreeMap;
use wasmparser::{BinaryReaderError, FunctionBody};

/// Translates one defined function into `func`; the result says what its locations stand for.
pub(crate) fn translate_function(
    env: &ModuleEnv<'_>,
    defined_index: u32,
    storage: LocalStorage,
    builder_context: &mut FunctionBuilderContext,
    func: &mut Function,
) -> Result<Locations, CompileError> {
    let index = env.module.imported_function_count + defined_index;
    let body = &env.module.bodies[defined_index as usize];
    func.name = UserFuncName::user(FUNCTION_NAMESPACE, index);
    func.signature = env.signature(env.module.function_type(index));
    let mut translator = Translator::new(env, index, storage, func, builder_context);
    translator.check_stack();
    let body_start = translator
        .translate_body(body)
        .map_err(|error| CompileError::Codegen {
            function: index,
            reason: format!("validated body could not be read again: {error}"),
        })?;
    let Translator {
        builder,
        inliner,
        mut fuel_marks,
        ..
    } = translator;
    fuel_marks.sort_unstable();
    builder.finalize(env.frontend_config);
    Ok(Locations {
        body_start: to_offset(body_start),
        inlined: inliner.into_calls(),
        fuel: fuel_marks,
    })
}

/// A position in the module, as locations have it.
fn to_offset(position: usize) -> u32 {
    u32::try_from(position).expect("modules are below 4 GiB")
}

/// The state of translating one function.
struct Translator<'env, 'func> {
    env: &'env ModuleEnv<'env>,
    /// The function whose body is being translated: the compiled one, or one inlined into it.
    index: u32,
    /// Offset in the module of the operator that is being translated.
    offset: u32,
    builder: FunctionBuilder<'func>,
    /// Its parameters are the function's: vmctx, then the wasm parameters.
    entry: Block,
    /// First parameter.
    vmctx: Value,
    /// The wasm operand stack.
    stack: Vec<Value>,
    /// The wasm control stack; the function itself is the first frame.
    frames: Vec<Frame>,
    /// Whether the current position can be reached. Unreachable operators are skipped.
    reachable: bool,
    locals: Locals,
    inliner: Inliner,
    bounds: Bounds,
    meter: Meter,
    /// How many calls may be active from this function on, itself included, where that is counted.
    calls_left: Option<Value>,
    /// From which location on how much fuel is pending.
    fuel_marks: Vec<(u32, u32)>,
    /// Blocks of the branch that is being translated.
    fuel_edges: BTreeMap<Block, FuelEdge>,
    regions: Regions,
    function_refs: BTreeMap<(u32, u32), FuncRef>,
    call_signatures: BTreeMap<(u32, bool), SigRef>,
    libcall_signatures: BTreeMap<u32, SigRef>,
}

impl<'env, 'func> Translator<'env, 'func> {
    fn new(
        env: &'env ModuleEnv<'env>,
        index: u32,
        storage: LocalStorage,
        func: &'func mut Function,
        builder_context: &'func mut FunctionBuilderContext,
    ) -> Self {
        let defined = (index - env.module.imported_function_count) as usize;
        let own = &env.module.governors[defined];
        let regions = Regions::new(func);
        let mut builder = FunctionBuilder::new(func, builder_context);
        let entry = builder.create_block();
        builder.append_block_params_for_function_params(entry);
        builder.switch_to_block(entry);
        builder.seal_block(entry);
        let vmctx = builder.block_params(entry)[0];
        Self {
            env,
            index,
            offset: 0,
            builder,
            entry,
            vmctx,
            stack: Vec::new(),
            frames: Vec::new(),
            reachable: true,
            locals: Locals::new(storage),
            inliner: Inliner::new(index, own, env.module.wasm_len_bytes),
            bounds: Bounds::default(),
            meter: Meter::default(),
            calls_left: None,
            fuel_marks: Vec::new(),
            fuel_edges: BTreeMap::new(),
            regions,
            function_refs: BTreeMap::new(),
            call_signatures: BTreeMap::new(),
            libcall_signatures: BTreeMap::new(),
        }
    }

    /// Translates the body of the function itself; the result is where its operators begin.
    fn translate_body(&mut self, body: &FunctionBody<'_>) -> Result<usize, BinaryReaderError> {
        let params = self.builder.block_params(self.entry)[1..].to_vec();
        self.declare_params(&params);
        let body_start = self.builder.ins().nop();
        self.translate_operators(body)?;
        self.zero_slots(body_start);
        Ok(body.get_operators_reader()?.original_position())
    }

    /// Translates a body whose parameters are declared, up to the end of its function frame.
    fn translate_operators(&mut self, body: &FunctionBody<'_>) -> Result<(), BinaryReaderError> {
        for local in body.get_locals_reader()? {
            let (count, ty) = local?;
            self.declare_locals(count, env::clif_type(crate::wasm::convert_type(ty)));
        }
        self.push_function_frame();
        let mut reader = body.get_operators_reader()?;
        self.begin_call(body);
        self.begin_bounds(body)?;
        self.begin_meter(body)?;
        while !reader.eof() {
            let (operator, offset) = reader.read_with_offset()?;
            self.set_offset(offset);
            if self.reachable {
                self.mark_fuel();
                self.pay_check_before(&operator);
            }
            self.translate_operator(&operator);
            self.meter_operator(&operator);
        }
        Ok(())
    }

    /// Begins to translate the operator at a position in the module.
    fn set_offset(&mut self, position: usize) {
        self.offset = to_offset(position);
        let location = self.inliner.location(self.offset);
        self.set_location(location);
    }

    fn set_location(&mut self, location: u32) {
        self.builder.set_srcloc(SourceLoc::new(location));
    }

    fn pop(&mut self) -> Value {
        self.stack.pop().expect("validated code does not underflow")
    }

    fn pop2(&mut self) -> (Value, Value) {
        let right = self.pop();
        (self.pop(), right)
    }

    fn push(&mut self, value: Value) {
        self.stack.push(value);
    }
}

/// Parameter list shared by every compiled function: vmctx first.
fn vmctx_param() -> AbiParam {
    AbiParam::special(types::I64, ArgumentPurpose::VMContext)
}
