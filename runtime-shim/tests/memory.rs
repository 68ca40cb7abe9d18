//! Linear memories: growth, limits, edges, images, and which modules can share which.
#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "test code"
)]

mod support;

use support::{Mode, call, in_every_mode, instantiate, module};
use wasmelt::{
    BoundsChecks, Caller, Config, Engine, Extern, Instance, Linker, Memory, MemoryType, Module,
    ResourceLimiter, Store, TrapCode,
    errors::{ErrorKind, InstantiationError, LimiterError, MemoryError},
};

const PAGE: usize = 65_536;

#[test]
fn memory_grow_past_maximum_returns_minus_one() {
    in_every_mode(|mode| {
        let (mut store, instance) = instantiate(
            &mode.engine(),
            r#"(module (memory (export "memory") 1 3)
                (func (export "grow") (param i32) (result i32) local.get 0 memory.grow)
                (func (export "size") (result i32) memory.size))"#,
        );
        let mut grow = |by: i32| call::<_, i32, i32>(&mut store, instance, "grow", by).unwrap();
        assert_eq!(
            [
                grow(0),
                grow(3),
                grow(1),
                grow(-1),
                grow(1),
                grow(1),
                grow(0)
            ],
            [1, -1, 1, -1, 2, -1, 3]
        );
        assert_eq!(
            call::<_, (), i32>(&mut store, instance, "size", ()).unwrap(),
            3
        );
        let memory = instance.get_memory(&store, "memory").unwrap();
        assert_eq!(
            (memory.size(&store), memory.data(&store).len()),
            (3, 3 * PAGE)
        );
        assert!(matches!(
            memory.grow(&mut store, 1),
            Err(MemoryError::OutOfBoundsGrowth)
        ));
        assert!(matches!(
            memory.grow(&mut store, u64::MAX),
            Err(MemoryError::OutOfBoundsGrowth)
        ));
        assert_eq!(memory.ty(&store), MemoryType::new(1, Some(3)));
    });
}

#[test]
fn accesses_at_the_edge_work_and_one_byte_further_trap() {
    in_every_mode(|mode| {
        let engine = mode.engine();
        for pages in [0, 1, 2] {
            let (mut store, instance) = instantiate(
                &engine,
                &format!(
                    r#"(module (memory {pages} 4)
                    (func (export "grow") (result i32) i32.const 1 memory.grow)
                    (func (export "load8") (param i32) (result i32) local.get 0 i32.load8_u)
                    (func (export "load64") (param i32) (result i64) local.get 0 i64.load)
                    (func (export "loadf") (param i32) (result f64)
                        local.get 0 f64.load offset=16 f64.const 1 f64.add)
                    (func (export "store16") (param i32) local.get 0 i32.const 7 i32.store16 offset=1))"#
                ),
            );
            for round in 0..2 {
                let len = ((pages + round) * PAGE) as i64;
                let mut check = |name: &str, width: i64, offset: i64| {
                    for start in [
                        len - width - offset,
                        len - width - offset + 1,
                        len,
                        i64::from(u32::MAX),
                    ] {
                        if start < 0 {
                            continue;
                        }
                        let address = start as u32 as i32;
                        let result = match name {
                            "load64" => {
                                call::<_, i32, i64>(&mut store, instance, name, address).map(drop)
                            }
                            "loadf" => {
                                call::<_, i32, f64>(&mut store, instance, name, address).map(drop)
                            }
                            "store16" => call::<_, i32, ()>(&mut store, instance, name, address),
                            _ => call::<_, i32, i32>(&mut store, instance, name, address).map(drop),
                        };
                        let fits = start + offset + width <= len;
                        match result {
                            Ok(()) => assert!(fits, "{name} at {start} of {len}"),
                            Err(error) => {
                                assert_eq!(error.as_trap_code(), Some(TrapCode::MemoryOutOfBounds));
                                assert!(!fits, "{name} at {start} of {len}");
                            }
                        }
                    }
                };
                check("load8", 1, 0);
                check("load64", 8, 0);
                check("loadf", 8, 16);
                check("store16", 2, 1);
                let old = call::<_, (), i32>(&mut store, instance, "grow", ()).unwrap();
                assert_eq!(old as usize, pages + round);
            }
        }
    });
}

#[test]
fn a_host_function_grows_the_memory_in_the_middle_of_a_call() {
    in_every_mode(|mode| {
        let engine = mode.engine();
        let mut linker = Linker::<()>::new(&engine);
        linker
            .func_wrap("h", "grow", |mut caller: Caller<'_, ()>| {
                let memory = caller
                    .get_export("memory")
                    .and_then(Extern::into_memory)
                    .unwrap();
                memory.grow(&mut caller, 66).unwrap();
                memory.data_mut(&mut caller)[80 * PAGE] = 9;
            })
            .unwrap();
        let module = module(
            &engine,
            r#"(module (import "h" "grow" (func $grow)) (memory (export "memory") 22)
                (data (i32.const 3) "\05")
                (func (export "run") (result i32)
                    (i32.store8 (i32.const 0) (i32.const 1))
                    (i32.load8_u (i32.const 3))
                    (call $grow)
                    (i32.load8_u (i32.const 0))
                    (i32.load8_u (i32.const 5242880))
                    (i32.store8 (i32.const 5767167) (i32.const 4))
                    (i32.load8_u (i32.const 5767167))
                    memory.size
                    i32.add i32.add i32.add i32.add)
                (func (export "behind") (result i32) (i32.load8_u (i32.const 5767168))))"#,
        );
        let mut store = Store::new(&engine, ());
        let instance = linker.instantiate_and_start(&mut store, &module).unwrap();
        assert_eq!(
            call::<_, (), i32>(&mut store, instance, "run", ()).unwrap(),
            5 + 1 + 9 + 4 + 88
        );
        let error = call::<_, (), i32>(&mut store, instance, "behind", ()).unwrap_err();
        assert_eq!(error.as_trap_code(), Some(TrapCode::MemoryOutOfBounds));
    });
}

#[test]
fn an_imported_memory_grows_under_both_of_its_users() {
    in_every_mode(|mode| {
        let engine = mode.engine();
        let mut store = Store::new(&engine, ());
        let mut linker = Linker::new(&engine);
        let owner = module(
            &engine,
            r#"(module (memory (export "memory") 1)
                (func (export "grow") (result i32) i32.const 1000 memory.grow)
                (func (export "load") (param i32) (result i32) local.get 0 i32.load))"#,
        );
        let owner = linker.instantiate_and_start(&mut store, &owner).unwrap();
        linker.instance(&mut store, "owner", owner).unwrap();
        let user = module(
            &engine,
            r#"(module (import "owner" "memory" (memory 1)) (import "owner" "grow" (func $grow (result i32)))
                (func (export "run") (result i32)
                    (i32.store (i32.const 100) (i32.const 11))
                    (drop (call $grow))
                    (i32.store (i32.const 65600000) (i32.const 22))
                    (i32.add (i32.load (i32.const 100)) (memory.size)))
                (func (export "grow more") (result i32) i32.const 1 memory.grow))"#,
        );
        let user = linker.instantiate_and_start(&mut store, &user).unwrap();
        assert_eq!(
            call::<_, (), i32>(&mut store, user, "run", ()).unwrap(),
            11 + 1001
        );
        assert_eq!(
            call::<_, i32, i32>(&mut store, owner, "load", 65_600_000).unwrap(),
            22
        );
        assert_eq!(
            call::<_, (), i32>(&mut store, user, "grow more", ()).unwrap(),
            1001
        );
        assert_eq!(
            call::<_, i32, i32>(&mut store, owner, "load", 65_601_536).unwrap(),
            0
        );
    });
}

/// Which strategies a module that imports a memory can be linked with.
#[test]
fn modules_of_every_strategy_share_memories_by_the_rule() {
    let owner = r#"(module (memory (export "memory") 1)
        (func (export "load") (param i32) (result i32) local.get 0 i32.load))"#;
    let user = r#"(module (import "owner" "memory" (memory 1))
        (func (export "store") (param i32 i32) local.get 0 local.get 1 i32.store)
        (func (export "grow") (result i32) i32.const 1 memory.grow))"#;
    let artifact = |mode: Mode, wat: &str| Module::compile(&mode.engine(), wat).unwrap();
    let engine = Engine::default();
    let load = |bytes: &[u8]| {
        let digest: [u8; 32] = bytes[552..584].try_into().unwrap();
        Module::load(&engine, bytes, &wasmelt::Trust::Digest(digest)).unwrap()
    };
    let modes = [Mode::GUARD, Mode::EXPLICIT, Mode::SIGNAL_FREE];
    for owner_mode in modes {
        for user_mode in modes {
            let mut store = Store::new(&engine, ());
            let owner = load(&artifact(owner_mode, owner));
            let owner = Instance::new(&mut store, &owner, &[]).unwrap();
            let memory = owner.get_memory(&store, "memory").unwrap();
            let user = load(&artifact(user_mode, user));
            let linked = Instance::new(&mut store, &user, &[memory.into()]);
            if user_mode == Mode::GUARD && owner_mode != Mode::GUARD {
                let error = linked.unwrap_err();
                assert!(
                    matches!(
                        error.kind(),
                        ErrorKind::Instantiation(InstantiationError::MemoryStrategyMismatch { .. })
                    ),
                    "{error}"
                );
                assert!(
                    error.to_string().contains("bounds_checks(Explicit)"),
                    "{error}"
                );
                continue;
            }
            let user = linked.unwrap();
            for (address, value) in [(0, 1), (65_532, 2)] {
                call::<_, _, ()>(&mut store, user, "store", (address, value)).unwrap();
                assert_eq!(
                    call::<_, i32, i32>(&mut store, owner, "load", address).unwrap(),
                    value
                );
            }
            let outside = (65_536, 3);
            call::<_, _, ()>(&mut store, user, "store", outside).unwrap_err();
            assert_eq!(call::<_, (), i32>(&mut store, user, "grow", ()).unwrap(), 1);
            call::<_, _, ()>(&mut store, user, "store", outside).unwrap();
            assert_eq!(
                call::<_, i32, i32>(&mut store, owner, "load", 65_536).unwrap(),
                3
            );
        }
    }
}

const USES_IMPORT: &str = r#"(module (import "h" "memory" (memory 1))
    (func (export "run") (param i32) (result i32)
        local.get 0 i32.const 77 i32.store local.get 0 i32.load)
    (func (export "grow") (result i32) i32.const 1 memory.grow))"#;

#[test]
fn a_memory_of_the_host_fits_the_modules_of_its_engine() {
    in_every_mode(|mode| {
        let engine = mode.engine();
        let mut store = Store::new(&engine, ());
        let memory = Memory::new(&mut store, MemoryType::new(1, Some(2))).unwrap();
        let module = module(&engine, USES_IMPORT);
        let instance = Instance::new(&mut store, &module, &[memory.into()]).unwrap();
        assert_eq!(
            call::<_, i32, i32>(&mut store, instance, "run", 65_532).unwrap(),
            77
        );
        call::<_, i32, i32>(&mut store, instance, "run", 65_533).unwrap_err();
        assert_eq!(memory.data(&store)[65_532], 77);
        assert_eq!(
            call::<_, (), i32>(&mut store, instance, "grow", ()).unwrap(),
            1
        );
        assert_eq!(
            call::<_, (), i32>(&mut store, instance, "grow", ()).unwrap(),
            -1
        );
        assert_eq!(
            call::<_, i32, i32>(&mut store, instance, "run", 65_533).unwrap(),
            77
        );
        memory.write(&mut store, 0, &[1, 2, 3]).unwrap();
        let mut bytes = [0; 3];
        memory.read(&store, 0, &mut bytes).unwrap();
        assert_eq!(bytes, [1, 2, 3]);
        assert!(memory.read(&store, 2 * PAGE - 2, &mut bytes).is_err());
        assert!(memory.read(&store, usize::MAX, &mut bytes).is_err());
        assert!(memory.write(&mut store, 2 * PAGE - 2, &bytes).is_err());
        let (data, ()) = memory.data_and_store_mut(&mut store);
        data[5] = 6;
        assert_eq!(memory.data_size(&store), 2 * PAGE);
    });
}

#[test]
fn a_memory_in_a_buffer_of_the_host_needs_explicit_checks() {
    for mode in [Mode::GUARD, Mode::EXPLICIT, Mode::SIGNAL_FREE] {
        let engine = mode.engine();
        let mut store = Store::new(&engine, ());
        let buffer: &'static mut [u8] = vec![9; 2 * PAGE + 5].leak();
        let memory = Memory::new_static(&mut store, MemoryType::new(1, None), buffer).unwrap();
        let linked = Instance::new(&mut store, &module(&engine, USES_IMPORT), &[memory.into()]);
        if mode == Mode::GUARD {
            let text = linked.unwrap_err().to_string();
            assert!(text.contains("bounds_checks(Explicit)"), "{text}");
            continue;
        }
        let instance = linked.unwrap();
        assert_eq!(memory.data(&store)[0], 0);
        assert_eq!(
            call::<_, i32, i32>(&mut store, instance, "run", 65_532).unwrap(),
            77
        );
        call::<_, i32, i32>(&mut store, instance, "run", 65_536).unwrap_err();
        assert_eq!(
            call::<_, (), i32>(&mut store, instance, "grow", ()).unwrap(),
            1
        );
        assert_eq!(memory.data(&store)[PAGE], 0);
        assert_eq!(
            call::<_, (), i32>(&mut store, instance, "grow", ()).unwrap(),
            -1
        );
    }
    let mut store = Store::new(&Engine::default(), ());
    let small: &'static mut [u8] = vec![0; 10].leak();
    let error = Memory::new_static(&mut store, MemoryType::new(1, None), small).unwrap_err();
    assert!(matches!(
        error.kind(),
        ErrorKind::Memory(MemoryError::InvalidStaticBufferSize)
    ));
}

#[test]
fn an_import_with_other_limits_is_a_link_error() {
    let engine = Engine::default();
    let mut store = Store::new(&engine, ());
    let small = Memory::new(&mut store, MemoryType::new(0, None)).unwrap();
    let module = module(&engine, r#"(module (import "h" "memory" (memory 1 2)))"#);
    for (minimum, maximum, fits) in [
        (0, Some(2), false),
        (1, None, false),
        (1, Some(3), false),
        (1, Some(1), true),
        (2, Some(2), true),
    ] {
        let memory = Memory::new(&mut store, MemoryType::new(minimum, maximum)).unwrap();
        let linked = Instance::new(&mut store, &module, &[memory.into()]);
        assert_eq!(linked.is_ok(), fits, "{minimum} {maximum:?}");
    }
    // The current size counts, not the declared one.
    small.grow(&mut store, 1).unwrap();
    let error = Instance::new(&mut store, &module, &[small.into()]).unwrap_err();
    assert!(matches!(
        error.kind(),
        ErrorKind::Instantiation(InstantiationError::MemoryTypeMismatch { .. })
    ));
}

/// A module whose data is a large image, with a segment that says so at its ends.
fn large_data(pages: usize) -> String {
    let len = pages * PAGE - 16;
    format!(
        r#"(module (memory (export "memory") {} 100)
            (data (i32.const 16) "begin{}end")
            (func (export "load") (param i32) (result i32) local.get 0 i32.load8_u)
            (func (export "store") (param i32) local.get 0 i32.const 1 i32.store8)
            (func (export "grow") (result i32) i32.const 1 memory.grow))"#,
        pages + 1,
        "x".repeat(len - 8)
    )
}

#[test]
fn instances_of_one_image_do_not_see_each_others_writes() {
    in_every_mode(|mode| {
        let engine = mode.engine();
        for pages in [1, 3] {
            let module = module(&engine, &large_data(pages));
            let mut store = Store::new(&engine, ());
            let instances: Vec<Instance> = (0..3)
                .map(|_| Instance::new(&mut store, &module, &[]).unwrap())
                .collect();
            for instance in &instances {
                let memory = instance.get_memory(&store, "memory").unwrap();
                let data = memory.data(&store);
                assert_eq!(&data[..24], b"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0beginxxx");
                assert_eq!(&data[pages * PAGE - 4..pages * PAGE], b"xend");
                assert!(data[pages * PAGE..].iter().all(|byte| *byte == 0));
                let address = (PAGE / 2) as i32;
                assert_eq!(
                    call::<_, i32, i32>(&mut store, *instance, "load", address).unwrap(),
                    i32::from(b'x')
                );
                call::<_, i32, ()>(&mut store, *instance, "store", address).unwrap();
                assert_eq!(
                    call::<_, i32, i32>(&mut store, *instance, "load", address).unwrap(),
                    1
                );
                call::<_, (), i32>(&mut store, *instance, "grow", ()).unwrap();
                assert_eq!(
                    call::<_, i32, i32>(&mut store, *instance, "load", address).unwrap(),
                    1
                );
                let end = ((pages + 2) * PAGE) as i32;
                assert_eq!(
                    call::<_, i32, i32>(&mut store, *instance, "load", end - 1).unwrap(),
                    0
                );
                call::<_, i32, i32>(&mut store, *instance, "load", end).unwrap_err();
            }
        }
    });
}

/// Remembers what it was asked.
#[derive(Default)]
struct Limiter {
    asked: Vec<(usize, usize, Option<usize>)>,
    largest: usize,
}

impl ResourceLimiter for Limiter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> Result<bool, LimiterError> {
        self.asked.push((
            current / PAGE,
            desired / PAGE,
            maximum.map(|bytes| bytes / PAGE),
        ));
        Ok(desired <= self.largest)
    }

    fn table_growing(
        &mut self,
        _current: usize,
        _desired: usize,
        _maximum: Option<usize>,
    ) -> Result<bool, LimiterError> {
        Ok(true)
    }

    fn instances(&self) -> usize {
        100
    }

    fn tables(&self) -> usize {
        100
    }

    fn memories(&self) -> usize {
        100
    }
}

#[test]
fn the_limiter_is_asked_at_creation_and_growth() {
    in_every_mode(|mode| {
        let engine = mode.engine();
        let mut store = Store::new(
            &engine,
            Limiter {
                largest: 3 * PAGE,
                ..Limiter::default()
            },
        );
        store.limiter(|limiter| limiter);
        let module = module(
            &engine,
            r#"(module (memory 1 9)
                (func (export "grow") (param i32) (result i32) local.get 0 memory.grow))"#,
        );
        let instance = Instance::new(&mut store, &module, &[]).unwrap();
        let mut grow = |by: i32| call::<_, i32, i32>(&mut store, instance, "grow", by).unwrap();
        assert_eq!([grow(2), grow(1), grow(0), grow(100)], [1, -1, 3, -1]);
        assert_eq!(
            store.data().asked,
            [(0, 1, Some(9)), (1, 3, Some(9)), (3, 4, Some(9))],
            "what is beyond the maximum is not asked"
        );
        let error = Memory::new(&mut store, MemoryType::new(4, None)).unwrap_err();
        assert!(matches!(
            error.kind(),
            ErrorKind::Memory(MemoryError::ResourceLimiterDeniedAllocation)
        ));
    });
}

#[test]
fn auto_picks_guard_pages_where_they_can_be_had() {
    let mut config = Config::default();
    config.bounds_checks(BoundsChecks::Auto);
    let module = module(&Engine::new(&config), "(module)");
    let bounds = module.library().descriptor().options.bounds;
    assert_eq!(bounds.name(), "guard");
}

/// The module of [`a_memory_grows_up_to_its_last_page_but_one`], with a memory of this type.
fn with_memory(ty: &str) -> String {
    format!(
        r#"(module (memory {ty})
            (func (export "grow") (param i32) (result i32) local.get 0 memory.grow)
            (func (export "load") (param i32) (result i32) local.get 0 i32.load8_u)
            (func (export "store") (param i32 i32) local.get 0 local.get 1 i32.store8)
            (func (export "both") (param i32) (result i32)
                (i32.add (i32.load8_u (local.get 0))
                    (i32.load8_u (i32.add (local.get 0) (i32.const 0xffff))))))"#
    )
}

#[test]
fn a_memory_grows_up_to_its_last_page_but_one() {
    let (mut store, instance) = instantiate(&Engine::default(), &with_memory("0"));
    let mut grow = |by: i32| call::<_, i32, i32>(&mut store, instance, "grow", by);
    assert_eq!(grow(65_536).unwrap(), -1);
    // An overcommitting host grants so much; another one ends the call as a host failure.
    let grown = grow(65_535);
    if let Err(error) = grown {
        assert_eq!(error.as_trap_code(), Some(TrapCode::OutOfSystemMemory));
        return;
    }
    assert_eq!((grown.unwrap(), grow(1).unwrap()), (0, -1));
    let last = (65_535 * PAGE - 1) as u32 as i32;
    call::<_, _, ()>(&mut store, instance, "store", (last, 7)).unwrap();
    assert_eq!(
        call::<_, _, i32>(&mut store, instance, "load", last).unwrap(),
        7
    );
    let at = last - 0xffff;
    assert_eq!(
        call::<_, _, i32>(&mut store, instance, "both", at).unwrap(),
        7
    );
    for outside in [at + 1, last, last + 1, -1] {
        let error = call::<_, _, i32>(&mut store, instance, "both", outside).unwrap_err();
        assert_eq!(error.as_trap_code(), Some(TrapCode::MemoryOutOfBounds));
    }
}

#[test]
fn a_memory_that_starts_with_the_last_page_has_it() {
    let engine = Engine::default();
    let module = module(&engine, &with_memory("65536"));
    let mut store = Store::new(&engine, ());
    let instance = match Instance::new(&mut store, &module, &[]) {
        Ok(instance) => instance,
        Err(error) => {
            // A host that does not overcommit.
            assert!(matches!(error.kind(), ErrorKind::Host(_)), "{error:?}");
            return;
        }
    };
    call::<_, _, ()>(&mut store, instance, "store", (-1, 7)).unwrap();
    call::<_, _, ()>(&mut store, instance, "store", (0xfffe, 4)).unwrap();
    assert_eq!(
        call::<_, _, i32>(&mut store, instance, "load", -1).unwrap(),
        7
    );
    // The sum wraps.
    assert_eq!(
        call::<_, _, i32>(&mut store, instance, "both", -1).unwrap(),
        11
    );
}

/// Code for other memories relies on there being nothing in the last page.
#[test]
fn a_memory_with_the_last_page_is_imported_only_where_it_is_declared() {
    in_every_mode(|mode| {
        let engine = mode.engine();
        let import = |minimum: u32| format!(r#"(module (import "" "" (memory {minimum})))"#);
        let mut store = Store::new(&engine, ());
        let memory = match Memory::new(&mut store, MemoryType::new(65_536, None)) {
            Ok(memory) => memory,
            Err(error) => {
                assert!(matches!(error.kind(), ErrorKind::Host(_)), "{error:?}");
                return;
            }
        };
        for minimum in [0, 1, 65_535] {
            let module = module(&engine, &import(minimum));
            let error = Instance::new(&mut store, &module, &[memory.into()]).unwrap_err();
            let kind = error.kind();
            assert!(
                matches!(
                    kind,
                    ErrorKind::Instantiation(InstantiationError::MemoryTooLarge { .. })
                ),
                "{error}"
            );
        }
        let module = module(&engine, &import(65_536));
        Instance::new(&mut store, &module, &[memory.into()]).unwrap();
    });
}
