//! Small functions at the end of the text that raise traps: one call each at a trap site.

use super::{
    env::{ModuleEnv, STUB_NAMESPACE},
    traps::AFTER_RAISE,
    vmctx_param,
};
use cranelift_codegen::{
    ir::{AbiParam, Function, InstBuilder, MemFlagsData, Signature, UserFuncName, types},
    isa::CallConv,
};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
use wasmelt_abi::{Libcall, TrapCode, VMContext};

/// A stub: its site is its return address, so a trap site costs two short instructions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stub {
    /// Raises this code.
    Raise(TrapCode),
    /// Raises what a failed `call_indirect` deserves, judged by the entry's signature id.
    RaiseIndirect,
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
        }
    }

    /// vmctx, and for an indirect call the signature id that was found.
    pub(super) fn signature(self) -> Signature {
        let mut signature = Signature::new(CallConv::SystemV);
        signature.params.push(vmctx_param());
        if self == Stub::RaiseIndirect {
            signature.params.push(AbiParam::new(types::I32));
        }
        signature
    }
}

/// Builds a stub: load the libcall, call it with the code.
pub(crate) fn build_stub(
    env: &ModuleEnv<'_>,
    stub: Stub,
    context: &mut FunctionBuilderContext,
    func: &mut Function,
) {
    func.name = UserFuncName::user(STUB_NAMESPACE, stub.index());
    func.signature = stub.signature();
    let mut builder = FunctionBuilder::new(func, context);
    let entry = builder.create_block();
    builder.append_block_params_for_function_params(entry);
    builder.switch_to_block(entry);
    builder.seal_block(entry);
    let params = builder.block_params(entry).to_vec();
    let (libcall, argument) = match stub {
        Stub::Raise(code) => (
            Libcall::Raise,
            builder.ins().iconst(types::I32, i64::from(code as u8)),
        ),
        Stub::RaiseIndirect => (Libcall::RaiseIndirect, params[1]),
    };
    let flags = MemFlagsData::trusted().with_readonly().with_can_move();
    let table_offset = VMContext::LIBCALLS.cast_signed();
    let libcalls = builder
        .ins()
        .load(types::I64, flags, params[0], table_offset);
    let offset = libcall.table_offset().cast_signed();
    let code = builder.ins().load(types::I64, flags, libcalls, offset);
    let mut signature = Signature::new(CallConv::SystemV);
    signature.params.push(vmctx_param());
    signature.params.push(AbiParam::new(types::I32));
    let signature = builder.import_signature(signature);
    builder
        .ins()
        .call_indirect(signature, code, &[params[0], argument]);
    builder.ins().trap(AFTER_RAISE);
    builder.finalize(env.frontend_config);
}
