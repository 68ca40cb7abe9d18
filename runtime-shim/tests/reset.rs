//! Instances that are used again: what a reset restores, when it is refused, and data segments for
//! hosts that restore by themselves.
#![allow(clippy::unwrap_used, reason = "test code")]

mod support;

use support::{call, in_every_mode, instantiate, module};
use wasmelt::{
    Caller, Config, Engine, Error, Extern, Global, Instance, Linker, Memory, MemoryType, Module,
    Mutability, Nullable, PoolConfig, Ref, RefType, ResumableCall, SegmentOffset, Store, Table,
    TableType, TrapCode, Val, errors::ErrorKind, errors::InstanceError,
};

const GUEST: &str = r#"(module
    (memory (export "memory") 2 20)
    (table (export "table") 4 8 funcref)
    (type $number (func (result i32)))
    (elem (i32.const 1) $one $two)
    (global (export "global") (mut i64) (i64.const 7))
    (data (i32.const 8) "abc")
    (data (i32.const 65536) "second page")
    (func $one (result i32) (i32.const 1))
    (func $two (result i32) (i32.const 2))
    (func (export "dirty") (param i32)
        (global.set 0 (i64.add (global.get 0) (i64.const 1)))
        (i32.store (local.get 0) (i32.const -1))
        (i32.store8 (i32.const 9) (i32.const 0))
        (drop (memory.grow (i32.const 3)))
        (i32.store (i32.const 0x3fffc) (i32.const 5)))
    (func (export "call") (param i32) (result i32)
        (call_indirect (type $number) (local.get 0)))
    (func (export "load") (param i32) (result i32) (i32.load (local.get 0))))"#;

/// FNV-1a of a memory's bytes and length.
fn hash(store: &Store<()>, instance: Instance) -> (usize, u64) {
    let memory = instance.get_memory(store, "memory").unwrap();
    let bytes = memory.data(store);
    let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3)
    });
    (bytes.len(), hash)
}

#[test]
fn a_thousand_resets_leave_the_same_memory() {
    in_every_mode(|mode| {
        let (mut store, instance) = instantiate(&mode.engine(), GUEST);
        let fresh = hash(&store, instance);
        let short = if mode.opt_level == wasmelt::OptLevel::None {
            20
        } else {
            1000
        };
        for round in 0..short {
            call::<_, i32, ()>(&mut store, instance, "dirty", round * 61 % 131_068).unwrap();
            assert_eq!(hash(&store, instance).0, 5 * 65536);
            instance.reset(&mut store).unwrap();
            if round % 250 == 0 || round + 1 == short {
                assert_eq!(hash(&store, instance), fresh, "after {round}");
            }
        }
        // What it no longer has is out of its bounds.
        let error = call::<_, i32, i32>(&mut store, instance, "load", 2 * 65536).unwrap_err();
        assert_eq!(error.as_trap_code(), Some(TrapCode::MemoryOutOfBounds));
    });
}

#[test]
fn globals_and_tables_are_as_at_first() {
    in_every_mode(|mode| {
        let (mut store, instance) = instantiate(&mode.engine(), GUEST);
        let table = instance.get_table(&store, "table").unwrap();
        let global = instance.get_global(&store, "global").unwrap();
        let two = table.get(&store, 2).unwrap();
        table.set(&mut store, 1, two).unwrap();
        table.set(&mut store, 3, two).unwrap();
        table.grow(&mut store, 4, two).unwrap();
        global.set(&mut store, Val::I64(-1)).unwrap();
        assert_eq!(
            call::<_, i32, i32>(&mut store, instance, "call", 7).unwrap(),
            2
        );
        instance.reset(&mut store).unwrap();
        // Handles from before are good.
        assert_eq!(table.size(&store), 4);
        assert_eq!(global.get(&store).i64(), Some(7));
        for (index, expected) in [
            (0, Err(TrapCode::IndirectCallToNull)),
            (1, Ok(1)),
            (2, Ok(2)),
            (3, Err(TrapCode::IndirectCallToNull)),
            (4, Err(TrapCode::TableOutOfBounds)),
        ] {
            let result = call::<_, i32, i32>(&mut store, instance, "call", index);
            let result = result.map_err(|error| error.as_trap_code().unwrap());
            assert_eq!(result, expected, "element {index}");
        }
    });
}

#[test]
fn imports_keep_what_they_are_but_segments_are_written_again() {
    in_every_mode(|mode| {
        let engine = mode.engine();
        let mut store = Store::new(&engine, ());
        let memory = Memory::new(&mut store, MemoryType::new(1, Some(4))).unwrap();
        let table = TableType::new(RefType::Func, 2, None);
        let table = Table::new(&mut store, table, Ref::Func(Nullable::Null)).unwrap();
        let global = Global::new(&mut store, Val::I32(16), Mutability::Const);
        let counter = Global::new(&mut store, Val::I32(0), Mutability::Var);
        let mut linker = Linker::new(&engine);
        linker.define("h", "memory", memory).unwrap();
        linker.define("h", "table", table).unwrap();
        linker.define("h", "offset", global).unwrap();
        linker.define("h", "counter", counter).unwrap();
        let module = module(
            &engine,
            r#"(module
                (import "h" "memory" (memory 1))
                (import "h" "table" (table 2 funcref))
                (import "h" "offset" (global $offset i32))
                (import "h" "counter" (global $counter (mut i32)))
                (data (global.get $offset) "xyz")
                (elem (i32.const 1) $start)
                (start $start)
                (func $start (global.set $counter (i32.add (global.get $counter) (i32.const 1)))))"#,
        );
        let instance = linker.instantiate_and_start(&mut store, &module).unwrap();
        memory.write(&mut store, 15, b"......").unwrap();
        memory.grow(&mut store, 1).unwrap();
        table.set(&mut store, 1, Ref::Func(Nullable::Null)).unwrap();
        instance.reset(&mut store).unwrap();
        assert_eq!(&memory.data(&store)[14..22], b"\0.xyz..\0");
        assert_eq!(memory.size(&store), 2);
        let element = table.get(&store, 1).unwrap();
        assert!(matches!(element, Ref::Func(Nullable::Val(_))));
        // The start function has run once more.
        assert_eq!(counter.get(&store).i32(), Some(2));

        let mut segments = module.data_segments();
        let segment = segments.next().unwrap();
        assert_eq!(segment.offset(), SegmentOffset::ImportedGlobal(0));
        assert_eq!((segment.data(), segments.len()), (&b"xyz"[..], 0));
    });
}

#[test]
fn a_start_function_that_fails_says_so() {
    let engine = Engine::default();
    let module = module(
        &engine,
        r#"(module
            (import "h" "g" (global $g (mut i32)))
            (func $start (if (global.get $g) (then unreachable)))
            (start $start))"#,
    );
    let mut store = Store::new(&engine, ());
    let global = Global::new(&mut store, Val::I32(0), Mutability::Var);
    let instance = Instance::new(&mut store, &module, &[global.into()]).unwrap();
    instance.reset(&mut store).unwrap();
    global.set(&mut store, Val::I32(1)).unwrap();
    let error = instance.reset(&mut store).unwrap_err();
    assert_eq!(error.as_trap_code(), Some(TrapCode::UnreachableCodeReached));
}

/// Whether a reset was refused because a guest is active.
fn is_refused(result: Result<(), Error>) -> bool {
    match result {
        Ok(()) => false,
        Err(error) => {
            let is_busy = matches!(
                error.kind(),
                ErrorKind::Instance(InstanceError::GuestActive)
            );
            assert!(is_busy, "{error}");
            true
        }
    }
}

#[test]
fn no_instance_is_reset_while_a_guest_of_its_store_has_frames() {
    in_every_mode(|mode| {
        let engine = mode.engine();
        let mut linker = Linker::<Vec<Instance>>::new(&engine);
        linker
            .func_wrap(
                "h",
                "reset",
                |mut caller: Caller<'_, Vec<Instance>>| -> Result<(), Error> {
                    let instance = caller.data()[0];
                    instance.reset(&mut caller)
                },
            )
            .unwrap();
        let module = module(
            &engine,
            r#"(module (import "h" "reset" (func $reset)) (func (export "run") (call $reset)))"#,
        );
        let mut store = Store::new(&engine, Vec::new());
        let instance = linker.instantiate_and_start(&mut store, &module).unwrap();
        store.data_mut().push(instance);
        let run = instance.get_func(&store, "run").unwrap();
        assert!(is_refused(run.call(&mut store, &[], &mut [])));
        // The guest waits because its host function failed.
        let call = run.call_resumable(&mut store, &[], &mut []).unwrap();
        assert!(is_refused(instance.reset(&mut store)));
        let ResumableCall::HostTrap(waiting) = call else {
            panic!("{call:?}")
        };
        assert!(is_refused(Err(waiting.into_host_error())));
        assert!(!is_refused(instance.reset(&mut store)));
    });
}

/// A module whose image is long enough to be mapped.
fn with_long_image() -> String {
    let bytes = "image ".repeat(30_000);
    format!(
        r#"(module
            (memory (export "memory") 4 64)
            (data (i32.const 0) "{bytes}")
            (func (export "store") (param i32) (i32.store (local.get 0) (i32.const -1)))
            (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))"#
    )
}

#[test]
fn images_that_are_mapped_come_back_whatever_stays_resident() {
    in_every_mode(|mode| {
        for keep_resident_bytes in [0, 64 << 10, 4 << 20] {
            let mut pool = PoolConfig::new();
            pool.keep_resident_bytes(keep_resident_bytes);
            let mut config: Config = mode.config();
            config.pool(pool);
            let engine = Engine::new(&config);
            let module: Module = module(&engine, &with_long_image());
            for _ in 0..3 {
                let mut store = Store::new(&engine, ());
                let instance = Linker::new(&engine)
                    .instantiate_and_start(&mut store, &module)
                    .unwrap();
                let fresh = hash(&store, instance);
                for round in 0..4 {
                    let address = [0, 5, 100_000, 200_000][round];
                    call::<_, i32, ()>(&mut store, instance, "store", address).unwrap();
                    call::<_, i32, i32>(&mut store, instance, "grow", 20).unwrap();
                    call::<_, i32, ()>(&mut store, instance, "store", 1_500_000).unwrap();
                    instance.reset(&mut store).unwrap();
                    assert_eq!(hash(&store, instance), fresh);
                }
                // What has grown again is zero.
                call::<_, i32, i32>(&mut store, instance, "grow", 20).unwrap();
                let memory = instance.get_memory(&store, "memory").unwrap();
                assert!(
                    memory.data(&store)[4 * 65536..]
                        .iter()
                        .all(|byte| *byte == 0)
                );
            }
        }
    });
}

#[test]
fn data_segments_are_readable_as_the_module_has_them() {
    let engine = Engine::default();
    for (wat, expected) in [
        (GUEST.to_owned(), vec![(8, 3), (65536, 11)]),
        (with_long_image(), vec![(0, 180_000)]),
        ("(module)".to_owned(), vec![]),
        // Later bytes are what memory has where segments overlap.
        (
            r#"(module (memory (export "memory") 1)
                (data (i32.const 4) "aaaa") (data (i32.const 6) "bb"))"#
                .to_owned(),
            vec![(4, 4), (6, 2)],
        ),
    ] {
        let module = module(&engine, &wat);
        let segments: Vec<_> = module
            .data_segments()
            .map(|segment| match segment.offset() {
                SegmentOffset::Constant(offset) => (offset, segment.data().len()),
                other @ SegmentOffset::ImportedGlobal(_) => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(segments, expected);
        // Written to zeros, they make the memory of a new instance.
        let mut store = Store::new(&engine, ());
        let instance = Instance::new(&mut store, &module, &[]).unwrap();
        let Some(Extern::Memory(memory)) = instance.get_export(&store, "memory") else {
            continue;
        };
        let mut bytes = vec![0; memory.data_size(&store)];
        for segment in module.data_segments() {
            if let SegmentOffset::Constant(offset) = segment.offset() {
                let start = offset as usize;
                bytes[start..start + segment.data().len()].copy_from_slice(segment.data());
            }
        }
        assert!(bytes == memory.data(&store));
    }
}

#[test]
fn nothing_is_reset_to_less_than_an_importer_relies_on() {
    in_every_mode(|mode| {
        let engine = mode.engine();
        let (mut store, owner) = instantiate(&engine, GUEST);
        let memory = owner.get_memory(&store, "memory").unwrap();
        let (small, fresh) = (hash(&store, owner), memory.size(&store));
        let import = |store: &mut Store<()>, wat: &str, item: Extern| {
            Instance::new(store, &module(&engine, wat), &[item]).unwrap()
        };
        // Who relies on no more than there is at first is no obstacle.
        import(
            &mut store,
            r#"(module (import "" "" (memory 2)))"#,
            memory.into(),
        );
        memory.grow(&mut store, 9).unwrap();
        owner.reset(&mut store).unwrap();
        assert_eq!(hash(&store, owner), small);
        memory.grow(&mut store, 9).unwrap();
        let poke = import(
            &mut store,
            r#"(module (import "" "" (memory 10))
                (func (export "poke") (param i32) (local $n i32) (local.set $n (i32.const 2))
                    (loop $next
                        (i32.store offset=600000 (local.get 0) (i32.const 1))
                        (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))))"#,
            memory.into(),
        );
        let error = owner.reset(&mut store).unwrap_err();
        assert!(error.to_string().contains("whose memory"), "{error}");
        assert_eq!(memory.size(&store), fresh + 9);
        call::<_, i32, ()>(&mut store, poke, "poke", 0).unwrap();
        let error = call::<_, i32, ()>(&mut store, poke, "poke", 1 << 30).unwrap_err();
        assert_eq!(error.as_trap_code(), Some(TrapCode::MemoryOutOfBounds));
        // So for tables.
        let (mut store, owner) = instantiate(&engine, GUEST);
        let other = owner.get_table(&store, "table").unwrap();
        other
            .grow(&mut store, 2, Ref::Func(Nullable::Null))
            .unwrap();
        import(
            &mut store,
            r#"(module (import "" "" (table 6 funcref)))"#,
            other.into(),
        );
        call::<_, i32, ()>(&mut store, owner, "dirty", 0).unwrap();
        let dirty = hash(&store, owner);
        let error = owner.reset(&mut store).unwrap_err();
        assert!(error.to_string().contains("whose table"), "{error}");
        assert_eq!(hash(&store, owner), dirty, "nothing was changed");
    });
}
