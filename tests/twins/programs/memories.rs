//! Memories of the host and of guests.

use super::Notes;
use super::notes::{instance, module};
use wasmi::{Engine, Instance, Memory, MemoryType, Store};

fn describe(notes: &mut Notes, key: &str, memory: Memory, store: &Store<u8>) {
    let facts = (
        memory.ty(store),
        memory.size(store),
        memory.data_size(store),
        memory.data(store).len(),
    );
    notes.debug(key, facts);
}

pub(crate) fn run(notes: &mut Notes) {
    let engine = Engine::default();
    let mut store = Store::new(&engine, 7_u8);
    let memory = Memory::new(&mut store, MemoryType::new(1, Some(3))).expect("small");
    describe(notes, "new", memory, &store);
    notes.outcome("grow by 0", memory.grow(&mut store, 0));
    notes.outcome("grow by 1", memory.grow(&mut store, 1));
    notes.outcome("grow by 2", memory.grow(&mut store, 2));
    notes.outcome("grow by all", memory.grow(&mut store, u64::MAX));
    describe(notes, "grown", memory, &store);
    notes.outcome("write", memory.write(&mut store, 131_070, &[1, 2]));
    notes.outcome(
        "write behind the end",
        memory.write(&mut store, 131_071, &[1, 2]),
    );
    notes.outcome(
        "write far behind",
        memory.write(&mut store, usize::MAX, &[1, 2]),
    );
    notes.outcome(
        "write nothing at the end",
        memory.write(&mut store, 131_072, &[]),
    );
    notes.outcome(
        "write nothing behind",
        memory.write(&mut store, 131_073, &[]),
    );
    let mut buffer = [9; 3];
    notes.outcome("read", memory.read(&store, 131_069, &mut buffer));
    notes.debug("read: bytes", buffer);
    notes.outcome(
        "read behind the end",
        memory.read(&store, 131_070, &mut buffer),
    );
    let (data, host) = memory.data_and_store_mut(&mut store);
    data[0] = *host;
    *host += 1;
    memory.data_mut(&mut store)[1] = 5;
    notes.debug("data", (&memory.data(&store)[..3], *store.data()));
    notes.debug(
        "pointer",
        memory.data_ptr(&store).cast_const() == memory.data(&store).as_ptr(),
    );
    let unlimited = Memory::new(&mut store, MemoryType::new(0, None)).expect("empty");
    notes.outcome("beyond 4 GiB", unlimited.grow(&mut store, 65_537));
    let long = Memory::new(&mut store, MemoryType::new64(1, Some(4))).expect("small");
    describe(notes, "with 64-bit indices", long, &store);
    notes.outcome("with 64-bit indices: grow", long.grow(&mut store, 1));
    let imports = module(&engine, r#"(module (import "a" "b" (memory 1)))"#);
    notes.outcome(
        "with 64-bit indices: import",
        Instance::new(&mut store, &imports, &[long.into()]).map(drop),
    );
    run_static(notes, &mut store);
    run_guest(notes);
}

fn run_static(notes: &mut Notes, store: &mut Store<u8>) {
    let buffer = || vec![3_u8; 2 << 16].leak();
    let small = Memory::new_static(&mut *store, MemoryType::new(3, None), buffer());
    notes.outcome("static, too small", small.map(drop));
    let memory =
        Memory::new_static(&mut *store, MemoryType::new(1, Some(3)), buffer()).expect("it fits");
    describe(notes, "static", memory, store);
    notes.debug("static: first byte", memory.data(&*store)[0]);
    notes.outcome("static: grow", memory.grow(&mut *store, 1));
    notes.debug("static: byte that was grown", memory.data(&*store)[1 << 16]);
    notes.outcome(
        "static: grow beyond the buffer",
        memory.grow(&mut *store, 1),
    );
    describe(notes, "static, grown", memory, store);
}

fn run_guest(notes: &mut Notes) {
    let (mut store, instance) = instance(
        r#"(module (memory (export "m") 1 4) (data (i32.const 8) "data")
            (func (export "size") (result i32) memory.size)
            (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))"#,
    );
    let memory = instance.get_memory(&store, "m").expect("a memory");
    notes.debug("guest's data", &memory.data(&store)[6..14]);
    let size = instance
        .get_typed_func::<(), i32>(&store, "size")
        .expect("a function");
    let grow = instance
        .get_typed_func::<i32, i32>(&store, "grow")
        .expect("a function");
    for pages in [1, 0, 1, 5, -1] {
        notes.outcome(
            &format!("guest grows by {pages}"),
            grow.call(&mut store, pages),
        );
        notes.outcome(
            &format!("guest's size after {pages}"),
            size.call(&mut store, ()),
        );
    }
    notes.outcome("host grows", memory.grow(&mut store, 1));
    notes.outcome("guest's size at last", size.call(&mut store, ()));
    notes.debug("type as declared", memory.ty(&store));
}
