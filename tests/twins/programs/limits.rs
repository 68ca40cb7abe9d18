//! What a limiter is asked, in which order, and what its answers do; and the ready-made limits.

use super::Notes;
use super::notes::module;
#[cfg(not(feature = "oracle"))]
use wasmi::errors::LimiterError;
use wasmi::errors::{MemoryError, TableError};
use wasmi::{
    Engine, Linker, Memory, MemoryType, Module, Ref, RefType, ResourceLimiter, Store, StoreLimits,
    StoreLimitsBuilder, Table, TableType,
};
// wasmi's interface has this type, and no name for it.
#[cfg(feature = "oracle")]
use wasmi_core::LimiterError;

const TEXT: &str = r#"(module
    (memory (export "m") 1 5) (table (export "t") 2 6 funcref)
    (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))"#;

/// Notes every question, and answers as it is told.
#[derive(Default)]
struct Host {
    log: Vec<String>,
    deny: bool,
    limits: [usize; 3],
}

impl ResourceLimiter for Host {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> Result<bool, LimiterError> {
        self.log
            .push(format!("memory {current} to {desired} of {maximum:?}"));
        Ok(!self.deny)
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> Result<bool, LimiterError> {
        self.log
            .push(format!("table {current} to {desired} of {maximum:?}"));
        Ok(!self.deny)
    }

    fn memory_grow_failed(&mut self, error: &MemoryError) -> Result<(), LimiterError> {
        self.log.push(format!("memory failed: {error}"));
        Ok(())
    }

    fn table_grow_failed(&mut self, error: &TableError) -> Result<(), LimiterError> {
        self.log.push(format!("table failed: {error}"));
        Ok(())
    }

    fn instances(&self) -> usize {
        self.limits[0]
    }

    fn tables(&self) -> usize {
        self.limits[1]
    }

    fn memories(&self) -> usize {
        self.limits[2]
    }
}

fn store(engine: &Engine, host: Host) -> Store<Host> {
    let mut store = Store::new(engine, host);
    store.limiter(|host| host);
    store
}

pub(crate) fn run_limiter(notes: &mut Notes) {
    let engine = Engine::default();
    let module = module(&engine, TEXT);
    let linker = <Linker<Host>>::new(&engine);
    let mut store1 = store(
        &engine,
        Host {
            limits: [3, 3, 3],
            ..Host::default()
        },
    );
    let instance = linker
        .instantiate_and_start(&mut store1, &module)
        .expect("allowed");
    notes.debug("instantiated", std::mem::take(&mut store1.data_mut().log));
    let grow = instance
        .get_typed_func::<u32, i32>(&store1, "grow")
        .expect("a function");
    let memory = instance.get_memory(&store1, "m").expect("a memory");
    let table = instance.get_table(&store1, "t").expect("a table");
    let null = || Ref::null(RefType::Func);
    for deny in [false, true] {
        store1.data_mut().deny = deny;
        for pages in [0_u32, 1, 9] {
            let key = format!("deny {deny}, {pages}");
            notes.outcome(&format!("{key}: guest"), grow.call(&mut store1, pages));
            notes.outcome(
                &format!("{key}: memory"),
                memory.grow(&mut store1, u64::from(pages)),
            );
            notes.outcome(
                &format!("{key}: table"),
                table.grow(&mut store1, u64::from(pages), null()),
            );
            notes.debug(
                format!("{key}: asked"),
                std::mem::take(&mut store1.data_mut().log),
            );
        }
        notes.outcome(
            &format!("deny {deny}: new memory"),
            Memory::new(&mut store1, MemoryType::new(1, None)).map(drop),
        );
        notes.outcome(
            &format!("deny {deny}: new table"),
            Table::new(&mut store1, TableType::new(RefType::Func, 1, None), null()).map(drop),
        );
        notes.debug(
            format!("deny {deny}: asked for new ones"),
            std::mem::take(&mut store1.data_mut().log),
        );
        let again = linker.instantiate_and_start(&mut store1, &module);
        notes.outcome(&format!("deny {deny}: instance"), again.map(drop));
        notes.debug(
            format!("deny {deny}: asked for an instance"),
            std::mem::take(&mut store1.data_mut().log),
        );
    }
    for limits in [
        [0, 9, 9],
        [1, 9, 9],
        [9, 0, 9],
        [9, 1, 9],
        [9, 9, 0],
        [9, 9, 1],
    ] {
        let mut store = store(
            &engine,
            Host {
                limits,
                ..Host::default()
            },
        );
        for attempt in 1..=2 {
            let outcome = linker.instantiate_and_start(&mut store, &module);
            notes.outcome(
                &format!("limits {limits:?}, attempt {attempt}"),
                outcome.map(drop),
            );
        }
        notes.debug(format!("limits {limits:?}: asked"), &store.data().log);
        let outcome = Memory::new(&mut store, MemoryType::new(0, None));
        notes.outcome(&format!("limits {limits:?}: memory"), outcome.map(drop));
    }
}

fn attempt(notes: &mut Notes, key: &str, limits: StoreLimits, module: &Module) {
    let engine = module.engine();
    let mut store = Store::new(engine, limits);
    store.limiter(|limits| limits);
    let outcome = <Linker<StoreLimits>>::new(engine).instantiate_and_start(&mut store, module);
    let Ok(instance) = outcome else {
        notes.outcome(key, outcome.map(drop));
        return;
    };
    let grow = instance
        .get_typed_func::<i32, i32>(&store, "grow")
        .expect("a function");
    for pages in [1, 2, 9] {
        notes.outcome(
            &format!("{key}: guest by {pages}"),
            grow.call(&mut store, pages),
        );
    }
    let memory = instance.get_memory(&store, "m").expect("a memory");
    notes.outcome(&format!("{key}: memory"), memory.grow(&mut store, 3));
    let table = instance.get_table(&store, "t").expect("a table");
    notes.outcome(
        &format!("{key}: table"),
        table.grow(&mut store, 3, Ref::null(RefType::Func)),
    );
    let second = <Linker<StoreLimits>>::new(engine).instantiate_and_start(&mut store, module);
    notes.outcome(&format!("{key}: second instance"), second.map(drop));
}

pub(crate) fn run_limits(notes: &mut Notes) {
    let engine = Engine::default();
    let module = module(&engine, TEXT);
    let new = StoreLimitsBuilder::new;
    attempt(notes, "default", StoreLimits::default(), &module);
    attempt(notes, "nothing set", new().build(), &module);
    for trap in [false, true] {
        attempt(
            notes,
            &format!("two pages, trap {trap}"),
            new()
                .memory_size(2 << 16)
                .trap_on_grow_failure(trap)
                .build(),
            &module,
        );
        attempt(
            notes,
            &format!("four elements, trap {trap}"),
            new().table_elements(4).trap_on_grow_failure(trap).build(),
            &module,
        );
        attempt(
            notes,
            &format!("no page, trap {trap}"),
            new().memory_size(0).trap_on_grow_failure(trap).build(),
            &module,
        );
    }
    attempt(notes, "one instance", new().instances(1).build(), &module);
    attempt(notes, "one table", new().tables(1).build(), &module);
    attempt(notes, "one memory", new().memories(1).build(), &module);
    attempt(notes, "no memory", new().memories(0).build(), &module);
}
