//! Which spans and events a subscriber sees, with which fields, inside of what.
//!
//! `cargo xtask test` runs this in a build of its own: in the others, the feature is off.
#![allow(clippy::unwrap_used, reason = "test code")]

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    fmt, fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    sync::Once,
};
use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
    subscriber::Interest,
};
use wasmelt::{
    Cache, CacheFailure, Caller, Config, Engine, Error, Extern, Func, Instance, Linker, Module,
    Store, TrapCode, Trust, TypedResumableCall, Val,
};

/// A span or an event: its name, its fields as text, and the spans around it, innermost last.
#[derive(Debug, Clone)]
struct Seen {
    name: &'static str,
    level: Level,
    inside: Vec<&'static str>,
    fields: BTreeMap<&'static str, String>,
}

impl Visit for Seen {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.fields.insert(field.name(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.fields.insert(field.name(), value.to_owned());
    }
}

impl Seen {
    #[track_caller]
    fn field(&self, name: &str) -> &str {
        let value = self.fields.get(name);
        value.unwrap_or_else(|| panic!("no field {name} in {self:?}"))
    }
}

thread_local! {
    static LEVEL: Cell<Level> = const { Cell::new(Level::TRACE) };
    static SEEN: RefCell<Vec<Seen>> = const { RefCell::new(Vec::new()) };
    /// Positions of the spans that are entered.
    static ENTERED: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
}

/// Keeps what each thread does by itself: a test is a thread.
struct Recorder;

impl Recorder {
    fn push(metadata: &'static Metadata<'static>, record: impl FnOnce(&mut Seen)) -> usize {
        SEEN.with_borrow_mut(|seen| {
            let inside = ENTERED.with_borrow(|entered| {
                let names = entered.iter().map(|position| seen[*position].name);
                names.collect()
            });
            let mut new = Seen {
                name: metadata.name(),
                level: *metadata.level(),
                inside,
                fields: BTreeMap::new(),
            };
            record(&mut new);
            seen.push(new);
            seen.len() - 1
        })
    }

    fn position(id: &Id) -> usize {
        usize::try_from(id.into_u64()).unwrap() - 1
    }
}

impl Subscriber for Recorder {
    fn register_callsite(&self, _metadata: &'static Metadata<'static>) -> Interest {
        Interest::sometimes()
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "wasmelt" && *metadata.level() <= LEVEL.get()
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let position = Self::push(span.metadata(), |seen| span.record(seen));
        Id::from_u64(u64::try_from(position).unwrap() + 1)
    }

    fn record(&self, span: &Id, values: &Record<'_>) {
        SEEN.with_borrow_mut(|seen| values.record(&mut seen[Self::position(span)]));
    }

    fn record_follows_from(&self, _span: &Id, _follows: &Id) {}

    fn event(&self, event: &Event<'_>) {
        Self::push(event.metadata(), |seen| event.record(seen));
    }

    fn enter(&self, span: &Id) {
        ENTERED.with_borrow_mut(|entered| entered.push(Self::position(span)));
    }

    fn exit(&self, span: &Id) {
        let left = ENTERED.with_borrow_mut(Vec::pop);
        assert_eq!(left, Some(Self::position(span)), "spans end in order");
    }
}

/// What happens in `run`, as a subscriber at this level sees it.
fn seen_at<R>(level: Level, run: impl FnOnce() -> R) -> (Vec<Seen>, R) {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| tracing::subscriber::set_global_default(Recorder).unwrap());
    LEVEL.set(level);
    SEEN.take();
    let result = run();
    assert_eq!(ENTERED.take(), [], "every span has ended");
    (SEEN.take(), result)
}

fn seen<R>(run: impl FnOnce() -> R) -> (Vec<Seen>, R) {
    seen_at(Level::TRACE, run)
}

/// The only one of this name.
#[track_caller]
fn one<'a>(seen: &'a [Seen], name: &str) -> &'a Seen {
    let mut found = seen.iter().filter(|seen| seen.name == name);
    let one = found
        .next()
        .unwrap_or_else(|| panic!("no {name}: {seen:?}"));
    assert!(found.next().is_none(), "more than one {name}: {seen:?}");
    one
}

fn names(seen: &[Seen]) -> Vec<(&'static str, Vec<&'static str>)> {
    let names = seen.iter().map(|seen| (seen.name, seen.inside.clone()));
    names.collect()
}

const MODULE: &str = r#"(module $shop
    (import "host" "pay" (func $pay))
    (func $buy (export "buy") (param i32) (result i32)
        (i32.div_u (i32.const 100) (local.get 0)))
    (func $checkout (export "checkout") (call $pay))
    (func $crash (export "crash") unreachable)
    (func $forever (export "forever") (loop (br 0))))"#;

/// A store with an instance of [`MODULE`], whose import does `pay`.
fn shop(
    engine: &Engine,
    pay: impl Fn(Caller<'_, ()>) -> Result<(), Error> + Send + Sync + 'static,
) -> (Store<()>, Instance) {
    let mut store = Store::new(engine, ());
    let mut linker = Linker::new(engine);
    linker.func_wrap("host", "pay", pay).unwrap();
    let module = Module::new(engine, MODULE).unwrap();
    let instance = linker.instantiate_and_start(&mut store, &module).unwrap();
    (store, instance)
}

fn metered() -> Engine {
    let mut config = Config::default();
    config.consume_fuel(true);
    Engine::new(&config)
}

#[test]
fn to_compile_is_a_span_with_what_went_in_and_came_out() {
    let engine = Engine::default();
    let wasm = wat::parse_str(MODULE).unwrap();
    let (seen, artifact) = seen(|| Module::compile(&engine, &wasm).unwrap());
    assert_eq!(names(&seen), [("compile", vec![])]);
    let compile = &seen[0];
    assert_eq!(compile.level, Level::INFO);
    assert_eq!(compile.field("wasm_len_bytes"), wasm.len().to_string());
    assert_eq!(compile.field("functions"), "4");
    assert_eq!(compile.field("opt_level"), "Speed");
    let code_len_bytes: usize = compile.field("code_len_bytes").parse().unwrap();
    assert!((1..artifact.len()).contains(&code_len_bytes), "{compile:?}");
    assert!(!compile.fields.contains_key("error"));
}

#[test]
fn a_refused_module_is_the_error_of_its_span() {
    let engine = Engine::default();
    let (seen, error) = seen(|| Module::new(&engine, b"\0asm\x02\0\0\0").unwrap_err());
    assert_eq!(one(&seen, "compile").field("error"), error.to_string());
    assert_eq!(seen.len(), 1);
}

#[test]
fn to_load_is_a_span_with_the_artifacts_length_and_digest() {
    let engine = Engine::default();
    let artifact = Module::compile(&engine, MODULE).unwrap();
    let trust = Trust::Digest(*Module::new(&engine, MODULE).unwrap().library().digest());
    let (seen_loaded, _) = seen(|| Module::load(&engine, &artifact, &trust).unwrap());
    assert_eq!(names(&seen_loaded), [("load", vec![])]);
    let load = &seen_loaded[0];
    assert_eq!(
        (load.level, load.field("origin")),
        (Level::INFO, "Artifact")
    );
    assert_eq!(load.field("module"), "shop");
    assert_eq!(load.field("artifact_len_bytes"), artifact.len().to_string());
    let Trust::Digest(digest) = &trust else {
        unreachable!()
    };
    let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(load.field("digest"), digest);

    let (seen_refused, error) = seen(|| {
        let trust = Trust::Digest([0; 32]);
        Module::load(&engine, &artifact, &trust).unwrap_err()
    });
    let load = one(&seen_refused, "load");
    assert_eq!(load.field("error"), error.to_string());
    assert!(!load.fields.contains_key("digest"));
}

#[test]
fn calls_are_spans_inside_of_what_makes_them() {
    let engine = Engine::default();
    let text = r#"(module $m
        (import "host" "twice" (func $twice))
        (func $start (call $twice))
        (func $leaf (export "leaf"))
        (func (export "outer") (call $twice))
        (start $start))"#;
    let (seen, ()) = seen(|| {
        let mut store = Store::new(&engine, ());
        let module = Module::new(&engine, text).unwrap();
        let twice = Func::wrap(
            &mut store,
            |mut caller: Caller<'_, ()>| -> Result<(), Error> {
                // The instance that is being made can be called, too.
                let leaf = caller
                    .get_export("leaf")
                    .and_then(Extern::into_func)
                    .unwrap();
                leaf.call(&mut caller, &[], &mut [])
            },
        );
        let instance = Instance::new(&mut store, &module, &[twice.into()]).unwrap();
        let outer = instance.get_func(&store, "outer").unwrap();
        outer.call(&mut store, &[], &mut []).unwrap();
        let outer = outer.typed::<(), ()>(&store).unwrap();
        outer.call(&mut store, ()).unwrap();
        // No guest runs, so there is no span.
        let host = Func::wrap(&mut store, || 1i32);
        host.call(&mut store, &[], &mut [Val::I32(0)]).unwrap();
    });
    let expected: [(_, &[_]); 9] = [
        ("compile", &[]),
        ("load", &[]),
        ("instantiate", &[]),
        ("call", &["instantiate"]),
        ("call", &["instantiate", "call"]),
        ("call", &[]),
        ("call", &["call"]),
        ("call", &[]),
        ("call", &["call"]),
    ];
    assert_eq!(
        names(&seen),
        expected.map(|(name, inside)| (name, inside.to_vec()))
    );
    let instantiate = one(&seen, "instantiate");
    assert_eq!(instantiate.level, Level::DEBUG);
    assert_eq!(
        (instantiate.field("module"), instantiate.field("imports")),
        ("m", "1")
    );
    let call = |position: usize| {
        let call = &seen[position];
        assert_eq!((call.level, call.field("module")), (Level::TRACE, "m"));
        (call.field("func"), call.field("func_index"))
    };
    assert_eq!(
        [3, 4, 5].map(call),
        [("start", "1"), ("leaf", "2"), ("outer", "3")]
    );
}

#[test]
fn a_trap_is_an_event_with_its_place() {
    for engine in [Engine::default(), {
        let mut config = Config::default();
        config.signals(false);
        Engine::new(&config)
    }] {
        let (mut store, instance) = shop(&engine, |_| Ok(()));
        let buy = instance.get_typed_func::<i32, i32>(&store, "buy").unwrap();
        let (seen_buy, error) = seen(|| buy.call(&mut store, 0).unwrap_err());
        assert_eq!(names(&seen_buy), [("call", vec![]), ("trap", vec!["call"])]);
        let trap = one(&seen_buy, "trap");
        assert_eq!(
            (trap.level, trap.field("code")),
            (Level::DEBUG, "IntegerDivisionByZero")
        );
        assert_eq!((trap.field("module"), trap.field("func")), ("shop", "buy"));
        assert_eq!(trap.field("func_index"), "1");
        let frame = &error.backtrace().unwrap().frames()[0];
        assert_eq!(
            trap.field("wasm_offset"),
            frame.wasm_offset().unwrap().to_string()
        );

        let crash = instance.get_func(&store, "crash").unwrap();
        let (seen_crash, result) = seen(|| crash.call(&mut store, &[], &mut []));
        result.unwrap_err();
        let trap = one(&seen_crash, "trap");
        assert_eq!(trap.field("code"), "UnreachableCodeReached");
        assert_eq!(trap.field("func"), "crash");
    }
}

#[test]
fn fuel_that_is_spent_is_a_trap() {
    let (mut store, instance) = shop(&metered(), |_| Ok(()));
    store.set_fuel(100).unwrap();
    let forever = instance
        .get_typed_func::<(), ()>(&store, "forever")
        .unwrap();
    let (seen, error) = seen(|| forever.call(&mut store, ()).unwrap_err());
    assert_eq!(error.as_trap_code(), Some(TrapCode::OutOfFuel));
    assert_eq!(one(&seen, "trap").field("code"), "OutOfFuel");
}

#[test]
fn each_part_of_a_resumable_call_is_a_span_and_each_pause_an_event() {
    let engine = metered();
    let module = Module::new(
        &engine,
        r#"(module (import "host" "wait" (func $wait)) (func (export "run") (call $wait)))"#,
    );
    let mut store = Store::new(&engine, ());
    store.set_fuel(0).unwrap();
    let mut linker = Linker::new(&engine);
    let wait = || Err::<(), _>(Error::new("not yet"));
    linker.func_wrap("host", "wait", wait).unwrap();
    let instance = linker
        .instantiate_and_start(&mut store, &module.unwrap())
        .unwrap();
    let run = instance.get_typed_func::<(), ()>(&store, "run").unwrap();
    let (seen, ()) = seen(|| {
        let call = run.call_resumable(&mut store, ()).unwrap();
        let TypedResumableCall::OutOfFuel(call) = call else {
            panic!("{call:?}")
        };
        store.set_fuel(100).unwrap();
        let TypedResumableCall::HostTrap(call) = call.resume(&mut store).unwrap() else {
            panic!("the host function fails")
        };
        call.resume(&mut store, &[]).unwrap();
    });
    let expected = ["call", "paused", "call", "paused", "call"];
    let found: Vec<_> = seen.iter().map(|seen| seen.name).collect();
    assert_eq!(found, expected);
    assert_eq!(seen[1].inside, ["call"]);
    assert!(!seen[1].field("required_fuel").is_empty());
    assert_eq!(seen[3].field("error"), "not yet");
    assert!(seen[4].inside.is_empty());
}

#[test]
fn a_host_error_is_an_event_with_the_guest_that_called() {
    let (mut store, instance) = shop(&Engine::default(), |_| Err(Error::new("no money")));
    let checkout = instance
        .get_typed_func::<(), ()>(&store, "checkout")
        .unwrap();
    let (seen, result) = seen(|| checkout.call(&mut store, ()));
    result.unwrap_err();
    assert_eq!(
        names(&seen),
        [("call", vec![]), ("host_error", vec!["call"])]
    );
    let event = one(&seen, "host_error");
    assert_eq!(
        (event.level, event.field("error")),
        (Level::DEBUG, "no money")
    );
    assert_eq!(
        (event.field("module"), event.field("func")),
        ("shop", "checkout")
    );
}

#[test]
fn what_stops_several_guests_is_told_once_where_it_happened() {
    let engine = Engine::default();
    let (mut store, instance) = shop(&engine, |mut caller| {
        let crash = caller.get_export("crash").and_then(Extern::into_func);
        crash.unwrap().call(&mut caller, &[], &mut [])
    });
    let checkout = instance
        .get_typed_func::<(), ()>(&store, "checkout")
        .unwrap();
    let (seen, error) = seen(|| checkout.call(&mut store, ()).unwrap_err());
    assert_eq!(error.backtrace().unwrap().frames().len(), 2);
    let expected = [
        ("call", vec![]),
        ("call", vec!["call"]),
        ("trap", vec!["call", "call"]),
    ];
    assert_eq!(names(&seen), expected);
    assert_eq!(one(&seen, "trap").field("func"), "crash");
}

#[test]
fn a_stack_that_overflows_between_guests_is_told_once() {
    let engine = Engine::default();
    // Each round is an entry, so that the overflow is found at one.
    let (mut store, instance) = shop(&engine, |mut caller| {
        let checkout = caller.get_export("checkout").and_then(Extern::into_func);
        checkout.unwrap().call(&mut caller, &[], &mut [])
    });
    let checkout = instance
        .get_typed_func::<(), ()>(&store, "checkout")
        .unwrap();
    let (seen, error) = seen_at(Level::DEBUG, || checkout.call(&mut store, ()).unwrap_err());
    assert_eq!(error.as_trap_code(), Some(TrapCode::StackOverflow));
    assert_eq!(names(&seen), [("trap", vec![])]);
    assert_eq!(seen[0].field("code"), "StackOverflow");
}

#[test]
fn the_cache_tells_misses_hits_and_refused_entries() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cache");
    let make = || {
        let mut config = Config::default();
        config.cache(Cache::open(&path).unwrap());
        let engine = Engine::new(&config);
        seen(|| Module::new(&engine, MODULE).unwrap())
    };
    let outcome = |seen: &[Seen], name| one(seen, name).field("outcome").to_owned();
    let plain = |seen: &[Seen]| seen.iter().map(|seen| seen.name).collect::<Vec<_>>();

    let (seen, _) = make();
    assert_eq!(
        plain(&seen),
        // Another process may have published it before this one's turn to compile came.
        [
            "cache_lookup",
            "cache_wait",
            "cache_lookup",
            "compile",
            "cache_publish",
            "load"
        ]
    );
    let outcomes = seen[..3].iter().map(|seen| seen.field("outcome"));
    assert_eq!(outcomes.collect::<Vec<_>>(), ["miss", "turn", "miss"]);
    assert_eq!(outcome(&seen, "cache_publish"), "published");
    assert_eq!(one(&seen, "load").field("origin"), "Compiled");
    let len_bytes = one(&seen, "load").field("artifact_len_bytes");
    assert_eq!(
        one(&seen, "cache_publish").field("artifact_len_bytes"),
        len_bytes
    );

    let (seen, module) = make();
    assert_eq!(plain(&seen), ["cache_lookup", "load"]);
    assert_eq!(outcome(&seen, "cache_lookup"), "hit");
    assert_eq!(one(&seen, "load").field("origin"), "Cache");
    drop(module);

    cut_entry(&path);
    let (seen, _) = make();
    let refused = one(&seen, "cache_refused");
    assert_eq!(refused.level, Level::WARN);
    assert_eq!(outcome(&seen, "cache_publish"), "published");
}

#[test]
fn a_cache_that_fails_is_the_error_of_its_span() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("cache");
    let mut config = Config::default();
    config
        .cache(Cache::open(&folder).unwrap())
        .cache_failure(CacheFailure::RunWithout);
    let engine = Engine::new(&config);
    fs::remove_dir(&folder).unwrap();
    let (seen, module) = seen(|| Module::new(&engine, MODULE).unwrap());
    let failure = module.cache_failure().unwrap().to_string();
    let failed = seen
        .iter()
        .find(|seen| seen.fields.contains_key("error"))
        .unwrap();
    assert!(failed.name.starts_with("cache_"), "{failed:?}");
    assert_eq!(failed.field("outcome"), "failure");
    assert_eq!(failed.field("error"), failure);
}

/// Cuts off the second half of the cache's only entry.
fn cut_entry(folder: &Path) {
    let mut entries = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let entry = entries.find(|path| path.extension().is_none()).unwrap();
    let mut bytes = fs::read(&entry).unwrap();
    bytes.truncate(bytes.len() / 2);
    fs::remove_file(&entry).unwrap();
    fs::write(&entry, bytes).unwrap();
    fs::set_permissions(&entry, fs::Permissions::from_mode(0o400)).unwrap();
}

#[test]
fn a_level_leaves_out_what_is_below_it() {
    let engine = Engine::default();
    let run = |level| {
        let (seen, ()) = seen_at(level, || {
            let (mut store, instance) = shop(&engine, |_| Ok(()));
            let buy = instance.get_typed_func::<i32, i32>(&store, "buy").unwrap();
            buy.call(&mut store, 0).unwrap_err();
        });
        seen.iter().map(|seen| seen.name).collect::<Vec<_>>()
    };
    assert_eq!(run(Level::WARN), Vec::<&str>::new());
    assert_eq!(run(Level::INFO), ["compile", "load"]);
    assert_eq!(
        run(Level::DEBUG),
        ["compile", "load", "instantiate", "trap"]
    );
    assert_eq!(
        run(Level::TRACE),
        ["compile", "load", "instantiate", "call", "trap"]
    );
}
