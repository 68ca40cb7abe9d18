//! Limits on memories, tables and instances, each at 0, 1, just below, at and far beyond what there is: at instantiation,
//! at growth by the guest and by the host, and at creation by the host.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

mod support;

use support::{Mode, in_every_mode};
use wasmelt::{
    Error, Instance, Linker, Memory, MemoryType, Module, Nullable, Ref, RefType, Store,
    StoreLimits, StoreLimitsBuilder, Table, TableType, TrapCode,
    errors::{ErrorKind, MemoryError, TableError},
};

const PAGE: usize = 1 << 16;

const MODULE: &str = r#"(module
  (memory (export "memory") 2 4) (table (export "table") 3 5 funcref)
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))"#;

fn store(mode: Mode, limits: StoreLimits) -> Store<StoreLimits> {
    let mut store = Store::new(&mode.engine(), limits);
    store.limiter(|limits| limits);
    store
}

fn instantiate(store: &mut Store<StoreLimits>, wat: &str) -> Result<Instance, Error> {
    let module = Module::new(store.engine(), wat).expect("valid");
    Linker::new(store.engine()).instantiate_and_start(store, &module)
}

fn instantiation_error(result: Result<Instance, Error>) -> Option<String> {
    let error = result.err()?;
    let ErrorKind::Instantiation(kind) = error.kind() else {
        panic!("{error}");
    };
    // Names of the variants.
    let name = format!("{kind:?}");
    Some(name.split('(').next().expect("not empty").to_owned())
}

#[test]
fn sizes_bound_what_a_module_defines() {
    in_every_mode(|mode| {
        for (bytes, is_enough) in [
            (0, false),
            (1, false),
            (2 * PAGE - 1, false),
            (2 * PAGE, true),
            (usize::MAX, true),
        ] {
            let limits = StoreLimitsBuilder::new().memory_size(bytes).build();
            let error = instantiation_error(instantiate(&mut store(mode, limits), MODULE));
            let expected = (!is_enough).then_some("FailedToInstantiateMemory");
            assert_eq!(error.as_deref(), expected, "{bytes} bytes");
        }
        for (elements, is_enough) in [
            (0, false),
            (1, false),
            (2, false),
            (3, true),
            (usize::MAX, true),
        ] {
            let limits = StoreLimitsBuilder::new().table_elements(elements).build();
            let error = instantiation_error(instantiate(&mut store(mode, limits), MODULE));
            let expected = (!is_enough).then_some("FailedToInstantiateTable");
            assert_eq!(error.as_deref(), expected, "{elements} elements");
        }
    });
}

#[test]
fn numbers_bound_how_many_there_are_whoever_made_them() {
    type Set = fn(StoreLimitsBuilder, usize) -> StoreLimitsBuilder;
    let kinds: [(Set, &str); 3] = [
        (StoreLimitsBuilder::instances, "TooManyInstances"),
        (StoreLimitsBuilder::tables, "TooManyTables"),
        (StoreLimitsBuilder::memories, "TooManyMemories"),
    ];
    in_every_mode(|mode| {
        for (set, expected) in kinds {
            for limit in [0, 1, 2, 3, usize::MAX] {
                let mut store = store(mode, set(StoreLimitsBuilder::new(), limit).build());
                for made in 0..4 {
                    let error = instantiation_error(instantiate(&mut store, MODULE));
                    let expected = (made >= limit).then_some(expected);
                    assert_eq!(error.as_deref(), expected, "{limit}, and {made} are there");
                }
                // What defines none is not in the way.
                let none = instantiation_error(instantiate(&mut store, "(module)"));
                let is_full = expected == "TooManyInstances" && limit <= 4;
                assert_eq!(none.is_some(), is_full, "{limit} {expected}");
            }
        }
        // What the host made counts as well.
        let limits = StoreLimitsBuilder::new().memories(1).tables(1).build();
        let mut store = store(mode, limits);
        Memory::new(&mut store, MemoryType::new(1, None)).expect("a first one");
        let error = instantiation_error(instantiate(&mut store, "(module (memory 1))"));
        assert_eq!(error.as_deref(), Some("TooManyMemories"));
        let ty = TableType::new(RefType::Func, 1, None);
        Table::new(&mut store, ty, Ref::Func(Nullable::Null)).expect("a first one");
        let error = instantiation_error(instantiate(&mut store, "(module (table 1 funcref))"));
        assert_eq!(error.as_deref(), Some("TooManyTables"));
    });
}

/// The declared maximum of the module is four pages and five elements.
#[test]
fn growth_is_bounded_by_the_smaller_of_maximum_and_limit() {
    in_every_mode(|mode| {
        for (bytes, most) in [
            (2 * PAGE, 2),
            (3 * PAGE - 1, 2),
            (3 * PAGE, 3),
            (4 * PAGE, 4),
            (5 * PAGE, 4),
            (usize::MAX, 4),
        ] {
            for traps in [false, true] {
                for delta in [0, 1, 2, 3, u32::MAX] {
                    let limits = StoreLimitsBuilder::new()
                        .memory_size(bytes)
                        .trap_on_grow_failure(traps)
                        .build();
                    let mut store = store(mode, limits);
                    let instance = instantiate(&mut store, MODULE).expect("it fits");
                    let memory = instance.get_memory(&store, "memory").expect("exported");
                    let fits = u64::from(delta) + 2 <= most;
                    let grow = instance.get_typed_func::<u32, i32>(&store, "grow");
                    let grown = grow.expect("exported").call(&mut store, delta);
                    let is_limiters = u64::from(delta) + 2 <= 4;
                    match grown {
                        Ok(previous) => assert_eq!(previous, if fits { 2 } else { -1 }),
                        Err(error) => {
                            assert_eq!(
                                error.as_trap_code(),
                                Some(TrapCode::GrowthOperationLimited)
                            );
                            // Only the limiter ends calls, not the declared maximum.
                            assert!(traps && is_limiters && !fits, "{bytes} {delta}");
                        }
                    }
                    let size = memory.size(&store);
                    assert_eq!(size, if fits { 2 + u64::from(delta) } else { 2 });
                    // The host, from there on.
                    let grown = memory.grow(&mut store, u64::from(delta));
                    let fits = size + u64::from(delta) <= most;
                    let expected = if fits {
                        Ok(size)
                    } else {
                        Err(MemoryError::OutOfBoundsGrowth)
                    };
                    assert_eq!(grown, expected, "{bytes} {delta}");
                }
            }
        }
        for (elements, most) in [(3, 3), (4, 4), (5, 5), (6, 5), (usize::MAX, 5)] {
            for traps in [false, true] {
                for delta in [0, 1, 2, 3, u64::from(u32::MAX), u64::MAX] {
                    let limits = StoreLimitsBuilder::new()
                        .table_elements(elements)
                        .trap_on_grow_failure(traps)
                        .build();
                    let mut store = store(mode, limits);
                    let instance = instantiate(&mut store, MODULE).expect("it fits");
                    let table = instance.get_table(&store, "table").expect("exported");
                    let grown = table.grow(&mut store, delta, Ref::Func(Nullable::Null));
                    let total = 3u64.saturating_add(delta);
                    match grown {
                        Ok(previous) => assert!(previous == 3 && total <= most),
                        Err(TableError::ResourceLimiterDeniedAllocation) => {
                            assert!(traps && total > most, "{elements} {delta}");
                        }
                        Err(error) => {
                            assert_eq!(error, TableError::GrowOutOfBounds);
                            assert!(total > most, "{elements} {delta}");
                        }
                    }
                    let size = if total <= most { total } else { 3 };
                    assert_eq!(table.size(&store), size, "{elements} {delta}");
                }
            }
        }
    });
}

#[test]
fn the_host_creates_no_more_than_the_limit() {
    in_every_mode(|mode| {
        for (bytes, pages, is_enough) in [
            (0, 0, true),
            (0, 1, false),
            (1, 1, false),
            (PAGE - 1, 1, false),
            (PAGE, 1, true),
            (PAGE, 2, false),
            (usize::MAX, 2, true),
        ] {
            let mut store = store(mode, StoreLimitsBuilder::new().memory_size(bytes).build());
            let memory = Memory::new(&mut store, MemoryType::new(pages, None));
            assert_eq!(memory.is_ok(), is_enough, "{bytes} bytes, {pages} pages");
            if let Err(error) = memory {
                assert!(matches!(error.kind(), ErrorKind::Memory(_)), "{error}");
            }
            let buffer = Box::leak(vec![0; 2 * PAGE].into_boxed_slice());
            let memory = Memory::new_static(&mut store, MemoryType::new(pages, None), buffer);
            assert_eq!(memory.is_ok(), is_enough, "{bytes} bytes, {pages} pages");
        }
        for (limit, elements, is_enough) in
            [(0, 0, true), (0, 1, false), (1, 1, true), (1, 2, false)]
        {
            let mut store = store(
                mode,
                StoreLimitsBuilder::new().table_elements(limit).build(),
            );
            let ty = TableType::new(RefType::Func, elements, None);
            let table = Table::new(&mut store, ty, Ref::Func(Nullable::Null));
            assert_eq!(table.is_ok(), is_enough, "{limit}, {elements} elements");
        }
    });
}

#[test]
fn a_store_without_a_limiter_has_no_limits_but_the_declared_ones() {
    in_every_mode(|mode| {
        let mut store = Store::new(
            &mode.engine(),
            StoreLimitsBuilder::new().memory_size(0).build(),
        );
        let instance = instantiate(&mut store, MODULE).expect("the limits are not installed");
        let memory = instance.get_memory(&store, "memory").expect("exported");
        assert_eq!(memory.grow(&mut store, 2), Ok(2));
        assert_eq!(
            memory.grow(&mut store, 1),
            Err(MemoryError::OutOfBoundsGrowth)
        );
    });
}
