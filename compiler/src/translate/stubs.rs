//! Small functions at the end of the text that raise traps, or ask the host whether to: one call each
//! at a site.

use super::{
    env::{ModuleEnv, STUB_NAMESPACE},
    traps::AFTER_RAISE,
    vmctx_param,
};
use cranelift_codegen::{
    ir::{AbiParam, Function, InstBuilder, MemFlagsData, Signature, UserFuncName, Value, types},
    isa::CallConv,
};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
use wasmelt_abi::{
    CALL_DEPTH_EXCEEDED, CodegenOptions, Libcall, TrapCode, VMContext, VMStoreContext,
};

/// A stub: its site is its return address, so a trap site costs two short instructions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stub {
    /// Raises this code.
    Raise(TrapCode),
    /// Raises what a failed `call_indirect` deserves, judged by the entry's signature id.
    RaiseIndirect,
    /// Asks for more fuel. Keeps every register but that of the fuel.
    OutOfFuel,
    /// Says that the interrupt flag was seen. Keeps every register.
    Interrupted,
    /// Raises that as many calls are active as may be.
    CallDepthExceeded,
}

impl Stub {
    /// Every stub, in the order of the text.
    pub(crate) const ALL: &'static [Stub] = &[
        Stub::Raise(TrapCode::UnreachableCodeReached),
        Stub::Raise(TrapCode::MemoryOutOfBounds),
        Stub::Raise(TrapCode::TableOutOfBounds),
        Stub::Raise(TrapCode::IntegerDivisionByZero),
        Stub::Raise(TrapCode::IntegerOverflow),
        Stub::Raise(TrapCode::BadConversionToInteger),
        Stub::Raise(TrapCode::StackOverflow),
        Stub::RaiseIndirect,
        Stub::OutOfFuel,
        Stub::Interrupted,
        Stub::CallDepthExceeded,
    ];

    /// Position in [`Stub::ALL`].
    pub(crate) fn index(self) -> u32 {
        let position = Self::ALL.iter().position(|stub| *stub == self);
        u32::try_from(position.expect("every stub is listed")).expect("there are few stubs")
    }

    /// Name for symbols and listings.
    pub(crate) fn name(self) -> String {
        match self {
            Stub::Raise(code) => format!("wasmelt::raise::{code:?}"),
            Stub::RaiseIndirect => "wasmelt::raise::indirect".to_owned(),
            Stub::OutOfFuel => "wasmelt::out_of_fuel".to_owned(),
            Stub::Interrupted => "wasmelt::interrupted".to_owned(),
            Stub::CallDepthExceeded => "wasmelt::raise::call_depth".to_owned(),
        }
    }

    /// vmctx, and for an indirect call the signature id that was found.
    pub(super) fn signature(self) -> Signature {
        let convention = match self {
            Stub::Raise(_) | Stub::RaiseIndirect | Stub::CallDepthExceeded => CallConv::SystemV,
            Stub::OutOfFuel | Stub::Interrupted => CallConv::PreserveAll,
        };
        let mut signature = Signature::new(convention);
        signature.params.push(vmctx_param());
        if self == Stub::RaiseIndirect {
            signature.params.push(AbiParam::new(types::I32));
        }
        signature
    }

    /// Whether code that is compiled with these options may call it.
    fn is_needed(self, options: &CodegenOptions) -> bool {
        match self {
            Stub::Raise(_) | Stub::RaiseIndirect => true,
            Stub::OutOfFuel => options.fuel,
            Stub::Interrupted => options.interruption,
            Stub::CallDepthExceeded => options.call_depth,
        }
    }
}

/// Builds a stub: load the libcall, call it. One that is not needed only traps.
pub(crate) fn build_stub(
    env: &ModuleEnv<'_>,
    stub: Stub,
    context: &mut FunctionBuilderContext,
    func: &mut Function,
) {
    let options = &env.options.codegen;
    func.name = UserFuncName::user(STUB_NAMESPACE, stub.index());
    func.signature = stub.signature();
    let mut builder = FunctionBuilder::new(func, context);
    let entry = builder.create_block();
    builder.append_block_params_for_function_params(entry);
    builder.switch_to_block(entry);
    builder.seal_block(entry);
    if !stub.is_needed(options) {
        builder.ins().trap(AFTER_RAISE);
        return builder.finalize(env.frontend_config);
    }
    let params = builder.block_params(entry).to_vec();
    let vmctx = params[0];
    let (libcall, argument) = match stub {
        Stub::Raise(code) => {
            let code = builder.ins().iconst(types::I32, i64::from(code as u8));
            (Libcall::Raise, Some(code))
        }
        Stub::CallDepthExceeded => {
            let code = i64::from(CALL_DEPTH_EXCEEDED);
            (Libcall::Raise, Some(builder.ins().iconst(types::I32, code)))
        }
        Stub::RaiseIndirect => (Libcall::RaiseIndirect, Some(params[1])),
        Stub::OutOfFuel => (Libcall::OutOfFuel, None),
        Stub::Interrupted => (Libcall::Interrupted, None),
    };
    let fuel = options.fuel.then(|| store_fuel(&mut builder, vmctx));
    let flags = MemFlagsData::trusted().with_readonly().with_can_move();
    let table_offset = VMContext::LIBCALLS.cast_signed();
    let libcalls = builder.ins().load(types::I64, flags, vmctx, table_offset);
    let offset = libcall.table_offset().cast_signed();
    let code = builder.ins().load(types::I64, flags, libcalls, offset);
    let mut signature = Signature::new(CallConv::SystemV);
    signature.params.push(vmctx_param());
    let mut args = vec![vmctx];
    if let Some(argument) = argument {
        signature.params.push(AbiParam::new(types::I32));
        args.push(argument);
    }
    let signature = builder.import_signature(signature);
    builder.ins().call_indirect(signature, code, &args);
    match (stub, fuel) {
        (Stub::Raise(_) | Stub::RaiseIndirect | Stub::CallDepthExceeded, _) => {
            builder.ins().trap(AFTER_RAISE);
        }
        (Stub::OutOfFuel | Stub::Interrupted, fuel) => {
            if let Some(place) = fuel {
                let offset = VMStoreContext::FUEL.cast_signed();
                let flags = MemFlagsData::trusted();
                let fuel = builder.ins().load(types::I64, flags, place, offset);
                builder.ins().set_pinned_reg(fuel);
            }
            builder.ins().return_(&[]);
        }
    }
    builder.finalize(env.frontend_config);
}

/// Shows the fuel to the host; the result is the store's block.
fn store_fuel(builder: &mut FunctionBuilder<'_>, vmctx: Value) -> Value {
    let flags = MemFlagsData::trusted();
    let offset = VMContext::STORE.cast_signed();
    let store = builder.ins().load(types::I64, flags, vmctx, offset);
    let fuel = builder.ins().get_pinned_reg(types::I64);
    let offset = VMStoreContext::FUEL.cast_signed();
    builder.ins().store(flags, fuel, store, offset);
    store
}
