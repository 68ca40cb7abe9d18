//! What translation needs to know of the module and the target, and the alias regions of memory.

use super::vmctx_param;
use crate::{options::CompileOptions, wasm::ModuleInfo};
use cranelift_codegen::{
    ir::{self, AbiParam, AliasRegion, AliasRegionData, Function, MemFlagsData, Signature, types},
    isa::{CallConv, TargetFrontendConfig},
};
use wasmelt_abi::{BoundsStrategy, FuncType, ValType};

/// Namespace of external names that are wasm functions; the index is the function index.
pub(crate) const FUNCTION_NAMESPACE: u32 = 0;
/// Namespace of external names that are stubs; the index is the position in `Stub::ALL`.
pub(crate) const STUB_NAMESPACE: u32 = 1;

/// Everything that is the same for all functions of a module.
pub(crate) struct ModuleEnv<'a> {
    pub module: &'a ModuleInfo<'a>,
    pub options: &'a CompileOptions,
    /// Which defined functions the governor compiles without optimisation.
    pub downgrades: &'a [bool],
    pub frontend_config: TargetFrontendConfig,
}

impl ModuleEnv<'_> {
    /// Signature of a compiled function: vmctx, then the wasm parameters.
    pub(super) fn signature(&self, ty: &FuncType) -> Signature {
        let mut signature = Signature::new(CallConv::SystemV);
        signature.params.push(vmctx_param());
        signature
            .params
            .extend(ty.params.iter().map(|ty| AbiParam::new(clif_type(*ty))));
        signature
            .returns
            .extend(ty.results.iter().map(|ty| AbiParam::new(clif_type(*ty))));
        signature
    }

    /// Signature of a call that may leave the instance: the caller's vmctx comes last.
    pub(super) fn outgoing_signature(&self, ty: &FuncType) -> Signature {
        let mut signature = self.signature(ty);
        signature.params.push(AbiParam::new(types::I64));
        signature
    }

    pub(super) fn has_signals(&self) -> bool {
        self.options.codegen.signals
    }

    pub(super) fn has_guard_pages(&self) -> bool {
        self.options.codegen.bounds == BoundsStrategy::Guard
    }
}

/// The CLIF type of a wasm type.
pub(super) const fn clif_type(ty: ValType) -> ir::Type {
    match ty {
        ValType::I32 => types::I32,
        ValType::I64 => types::I64,
        ValType::F32 => types::F32,
        ValType::F64 => types::F64,
    }
}

/// Own globals that have an alias region each; the others share one.
const GLOBAL_REGIONS: u32 = 1000;

/// Disjoint kinds of memory, for alias analysis. Calls clobber all of them.
pub(super) struct Regions {
    heap: AliasRegion,
    table: AliasRegion,
    vmctx: AliasRegion,
    imported_globals: AliasRegion,
}

impl Regions {
    pub(super) fn new(func: &mut Function) -> Self {
        let mut region = |user_id, description: &'static str| {
            func.dfg.alias_regions.insert(AliasRegionData {
                user_id,
                description: description.into(),
            })
        };
        Self {
            heap: region(0, "heap"),
            table: region(1, "table"),
            vmctx: region(2, "vmctx"),
            imported_globals: region(3, "imported globals"),
        }
    }

    /// Linear memory: an access may trap, and nothing is known of its alignment.
    pub(super) fn heap(&self, may_fault: bool) -> MemFlagsData {
        let flags = MemFlagsData::new()
            .with_endianness(ir::Endianness::Little)
            .with_alias_region(Some(self.heap));
        if may_fault {
            flags.with_trap_code(Some(ir::TrapCode::HEAP_OUT_OF_BOUNDS))
        } else {
            flags.with_notrap()
        }
    }

    /// Entries of tables.
    pub(super) fn table(&self) -> MemFlagsData {
        MemFlagsData::trusted().with_alias_region(Some(self.table))
    }

    /// Fields of vmctx, and what they point to, that calls may change.
    pub(super) fn vmctx(&self) -> MemFlagsData {
        MemFlagsData::trusted().with_alias_region(Some(self.vmctx))
    }

    /// Fields that are written once, before compiled code runs.
    pub(super) fn constant(&self) -> MemFlagsData {
        MemFlagsData::trusted().with_readonly().with_can_move()
    }

    /// Globals of other instances: two imports may be the same global.
    pub(super) fn imported_globals(&self) -> MemFlagsData {
        MemFlagsData::trusted().with_alias_region(Some(self.imported_globals))
    }

    /// A global that this instance defines.
    pub(super) fn defined_global(&self, func: &mut Function, index: u32) -> MemFlagsData {
        let own = index.min(GLOBAL_REGIONS);
        let region = func.dfg.alias_regions.insert(AliasRegionData {
            user_id: 16 + own,
            description: "defined global".into(),
        });
        MemFlagsData::trusted().with_alias_region(Some(region))
    }
}
