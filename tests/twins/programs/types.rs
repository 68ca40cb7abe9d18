//! Types: how they print, compare, and which are refused.

use super::Notes;
use wasmi::{
    ExternType, FuncType, GlobalType, MemoryType, Mutability, RefType, TableType, ValType,
};

pub(crate) fn run(notes: &mut Notes) {
    let all = [
        ValType::I32,
        ValType::I64,
        ValType::F32,
        ValType::F64,
        ValType::V128,
        ValType::FuncRef,
        ValType::ExternRef,
    ];
    for ty in all {
        notes.debug(format!("{ty:?}"), (ty.is_num(), ty.is_ref(), ty.as_ref()));
    }
    notes.debug(
        "of references",
        (ValType::from(RefType::Func), ValType::from(RefType::Extern)),
    );
    for ty in [
        FuncType::new([], []),
        FuncType::new([ValType::I32, ValType::F64], [ValType::I64]),
        FuncType::new(all, [ValType::V128, ValType::FuncRef]),
        FuncType::new([ValType::I32; 30], [ValType::F32; 30]),
    ] {
        notes.debug(format!("func {ty:?}"), (ty.params().len(), ty.results()));
    }
    notes.debug(
        "equal",
        FuncType::new([ValType::I32], []) == FuncType::new([ValType::I32], []),
    );
    notes.debug(
        "not equal",
        FuncType::new([ValType::I32], []) == FuncType::new([], [ValType::I32]),
    );
    notes.debug(
        "order",
        FuncType::new([ValType::I32], []).cmp(&FuncType::new([], [ValType::I32])),
    );
    notes.panics("most parameters", || {
        FuncType::new([ValType::I32; 1_000], [])
    });
    notes.panics("too many parameters", || {
        FuncType::new([ValType::I32; 1_001], [])
    });
    for (minimum, maximum) in [(0, None), (1, Some(1)), (0, Some(65_536)), (65_536, None)] {
        notes.debug(
            format!("memory {minimum} {maximum:?}"),
            MemoryType::new(minimum, maximum),
        );
    }
    notes.panics("memory of too many pages", || MemoryType::new(65_537, None));
    notes.panics("memory of a maximum below the minimum", || {
        MemoryType::new(2, Some(1))
    });
    for (minimum, maximum, is_64, page_size_log2) in [
        (1, Some(2), false, 16),
        (3, Some(2), false, 16),
        (70_000, None, false, 16),
        (70_000, None, true, 16),
        (1, Some(u64::MAX), true, 16),
        (1, Some(1 << 48), true, 16),
        (1, None, false, 12),
        (1, None, false, 0),
    ] {
        let mut builder = MemoryType::builder();
        builder
            .min(minimum)
            .max(maximum)
            .memory64(is_64)
            .page_size_log2(page_size_log2);
        let built = builder
            .build()
            .map(|ty| (ty.minimum(), ty.maximum(), ty.is_64()));
        notes.outcome(
            &format!("build {minimum} {maximum:?} {is_64} {page_size_log2}"),
            built,
        );
    }
    notes.debug("table", TableType::new(RefType::Func, 1, Some(2)));
    notes.debug(
        "long table",
        TableType::new64(RefType::Extern, 1, None).is_64(),
    );
    notes.panics("table of a maximum below the minimum", || {
        TableType::new(RefType::Func, 2, Some(1))
    });
    let global = GlobalType::new(ValType::I64, Mutability::Var);
    for ty in [
        ExternType::from(global),
        TableType::new(RefType::Func, 0, None).into(),
        MemoryType::new(0, None).into(),
        FuncType::new([], []).into(),
    ] {
        let parts = (
            ty.global().is_some(),
            ty.table().is_some(),
            ty.memory().is_some(),
            ty.func().is_some(),
        );
        notes.debug(format!("{ty:?}"), parts);
    }
}
