//! Memories that are used again: nothing of one instance is ever seen by another.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]
#![allow(unsafe_code, reason = "test code that forks")]

use std::panic::AssertUnwindSafe;
use wasmelt::{Config, Engine, Error, Instance, Memory, Module, PoolConfig, Store, TrapCode};

/// Engines that keep none, little and much.
fn engines() -> Vec<Engine> {
    [(0, 0), (1, 0), (1, 4096), (8, 64 << 10), (8, 64 << 20)]
        .into_iter()
        .map(|(memories, bytes)| {
            let mut pool = PoolConfig::new();
            pool.max_memories(memories).keep_resident_bytes(bytes);
            Engine::new(Config::new().pool(pool))
        })
        .collect()
}

/// A module with so many pages, and data from `offset` on.
fn module(engine: &Engine, pages: u32, offset: u32, data: &[u8]) -> Module {
    use std::fmt::Write as _;
    let text = data.iter().fold(String::new(), |mut text, byte| {
        write!(text, "\\{byte:02x}").expect("strings take everything");
        text
    });
    let wat = format!(
        r#"(module
            (memory (export "memory") {pages} 1000)
            (data (i32.const {offset}) "{text}")
            (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
            (func (export "read") (param i32) (result i32) (i32.load8_u (local.get 0)))
            (func (export "fill") (param $from i32) (param $to i32)
                (loop
                    (i32.store8 (local.get $from) (i32.const 0xaa))
                    (local.set $from (i32.add (local.get $from) (i32.const 1)))
                    (br_if 0 (i32.lt_u (local.get $from) (local.get $to))))))"#
    );
    Module::new(engine, wat).expect("a valid module")
}

struct Guest {
    store: Store<()>,
    instance: Instance,
    memory: Memory,
}

impl Guest {
    fn new(module: &Module) -> Self {
        let mut store = Store::new(module.engine(), ());
        let instance = Instance::new(&mut store, module, &[]).expect("it imports nothing");
        let memory = instance.get_memory(&store, "memory").expect("exported");
        Self {
            store,
            instance,
            memory,
        }
    }

    fn fill(&mut self, from: u32, to: u32) {
        let fill = self
            .instance
            .get_typed_func::<(u32, u32), ()>(&self.store, "fill");
        fill.expect("exported")
            .call(&mut self.store, (from, to))
            .expect("inside");
    }

    fn grow(&mut self, pages: u32) {
        let grow = self
            .instance
            .get_typed_func::<u32, i32>(&self.store, "grow");
        let old = grow.expect("exported").call(&mut self.store, pages);
        assert!(old.expect("no trap") >= 0);
    }

    fn read(&mut self, address: u32) -> Result<u32, Error> {
        let read = self
            .instance
            .get_typed_func::<u32, u32>(&self.store, "read");
        read.expect("exported").call(&mut self.store, address)
    }

    /// The memory is a new one of this module.
    fn check(&mut self, pages: u32, offset: usize, data: &[u8]) {
        let bytes = self.memory.data(&self.store);
        assert_eq!(bytes.len(), pages as usize * 65536);
        assert!(bytes[..offset].iter().all(|byte| *byte == 0));
        assert_eq!(&bytes[offset..offset + data.len()], data);
        assert!(bytes[offset + data.len()..].iter().all(|byte| *byte == 0));
        // Nothing behind it is there.
        for address in [
            pages * 65536,
            pages * 65536 + 4096,
            (pages + 3) * 65536,
            1 << 31,
        ] {
            let error = self.read(address).expect_err("outside");
            assert_eq!(error.as_trap_code(), Some(TrapCode::MemoryOutOfBounds));
        }
    }
}

/// Pages, where the data is, and how much of it there is; the longer ones are mapped.
const SHAPES: [(u32, u32, usize); 6] = [
    (1, 100, 50),
    (3, 0, 0),
    (8, 65_536, 65_536 + 4096),
    (8, 4096, 200_000),
    (20, 12_288, 1_000_000),
    (1, 0, 65_536),
];

#[test]
fn nothing_of_a_guest_is_seen_by_the_next_one() {
    for engine in engines() {
        let modules: Vec<_> = (1u8..)
            .zip(SHAPES)
            .map(|(seed, (pages, offset, len))| {
                let data: Vec<u8> = (0..=255)
                    .map(|at| seed.wrapping_add(at))
                    .cycle()
                    .take(len)
                    .collect();
                (module(&engine, pages, offset, &data), pages, offset, data)
            })
            .collect();
        // Each shape after each other one, and after itself.
        for (before, pages, ..) in &modules {
            for (after, after_pages, offset, data) in &modules {
                let mut guest = Guest::new(before);
                guest.grow(5);
                guest.fill(0, (pages + 5) * 65536);
                drop(guest);
                Guest::new(after).check(*after_pages, *offset as usize, data);

                let mut guest = Guest::new(before);
                guest.fill(70 % (pages * 65536), 71 % (pages * 65536));
                guest.fill(pages * 65536 - 1, pages * 65536);
                drop(guest);
                Guest::new(after).check(*after_pages, *offset as usize, data);
            }
        }
    }
}

#[test]
fn pages_that_are_scattered_become_clean_as_well() {
    for engine in engines() {
        let data = vec![7; 300_000];
        let module = module(&engine, 16, 8192, &data);
        // More regions than the system is asked for at once.
        for step in [2, 3, 5] {
            let mut guest = Guest::new(&module);
            for page in (0..256).step_by(step) {
                guest.fill(page * 4096, page * 4096 + 1);
            }
            drop(guest);
            Guest::new(&module).check(16, 8192, &data);
        }
    }
}

#[test]
fn memories_that_live_together_are_not_one() {
    for engine in engines() {
        let module = module(&engine, 2, 0, b"data");
        for _ in 0..3 {
            let mut guests: Vec<_> = (0..12).map(|_| Guest::new(&module)).collect();
            for (number, guest) in (0..).zip(&mut guests) {
                guest.check(2, 0, b"data");
                guest.fill(number * 100, number * 100 + 1);
            }
            for (number, guest) in (0..).zip(&mut guests) {
                for other in 1..12 {
                    let expected = if other == number { 0xaa } else { 0 };
                    assert_eq!(guest.read(other * 100).expect("inside"), expected);
                }
            }
        }
    }
}

#[test]
fn an_instantiation_that_fails_half_way_leaves_nothing() {
    for engine in engines() {
        let broken = r#"(module (memory 2)
            (data (i32.const 10) "written before the failure")
            (data (i32.const 131072) "x"))"#;
        let broken = Module::new(&engine, broken).expect("valid");
        let trapping = r#"(module (memory 2)
            (func $start (i32.store (i32.const 70000) (i32.const -1)) unreachable)
            (start $start))"#;
        let trapping = Module::new(&engine, trapping).expect("valid");
        let good = module(&engine, 2, 0, b"");
        for failing in [&broken, &trapping] {
            let mut store = Store::new(&engine, ());
            Instance::new(&mut store, failing, &[]).expect_err("it fails");
            drop(store);
            Guest::new(&good).check(2, 0, b"");
        }
    }
}

#[test]
fn memories_of_the_host_are_used_again_too() {
    for engine in engines() {
        for pages in [1, 4, 2] {
            let mut store = Store::new(&engine, ());
            let memory = Memory::new(&mut store, wasmelt::MemoryType::new(pages, None));
            let memory = memory.expect("small");
            let bytes = memory.data_mut(&mut store);
            assert_eq!(bytes.len(), pages as usize * 65536);
            assert!(bytes.iter().all(|byte| *byte == 0));
            bytes.fill(1);
        }
    }
}

#[test]
fn an_image_of_a_module_that_is_gone_is_gone_too() {
    for engine in engines() {
        for seed in 1..5u8 {
            let data = vec![seed; 200_000];
            let module = module(&engine, 4, 4096, &data);
            let mut guest = Guest::new(&module);
            guest.check(4, 4096, &data);
            guest.fill(0, 4 * 65536);
            drop(guest);
            drop(module);
        }
        let plain = self::module(&engine, 4, 0, b"");
        Guest::new(&plain).check(4, 0, b"");
    }
}

#[test]
fn threads_share_a_pool() {
    let engine = engines().pop().expect("there are some");
    let data = vec![3; 100_000];
    let module = module(&engine, 4, 0, &data);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for round in 0..50 {
                    let mut guest = Guest::new(&module);
                    guest.check(4, 0, &data);
                    guest.fill(round * 1000, round * 1000 + 500);
                }
            });
        }
    });
}

#[test]
fn a_child_process_cleans_its_own_memories() {
    let engine = engines().pop().expect("there are some");
    let data = vec![3; 100_000];
    let module = module(&engine, 4, 0, &data);
    // The pool is in use before.
    Guest::new(&module).fill(0, 100);
    // SAFETY: the child only uses what this thread has, and leaves without running destructors of
    // others.
    let child = unsafe { libc::fork() };
    assert!(child >= 0, "one process more");
    if child == 0 {
        let outcome = std::panic::catch_unwind(AssertUnwindSafe(|| {
            for _ in 0..3 {
                let mut guest = Guest::new(&module);
                guest.check(4, 0, &data);
                guest.fill(0, 4 * 65536);
            }
        }));
        // SAFETY: ends the child.
        unsafe { libc::_exit(i32::from(outcome.is_err())) };
    }
    let mut status = 0;
    // SAFETY: waits for the child.
    assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
    assert_eq!(status, 0, "the child found its memories clean");
    Guest::new(&module).check(4, 0, &data);
}
