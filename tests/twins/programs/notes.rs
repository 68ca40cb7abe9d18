//! What a program writes down: lines with a key, by which two runs are compared.

use std::any::Any;
use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind};

use wasmi::{Engine, Instance, Linker, Module, Store};

/// What a program has seen, in its order.
#[derive(Debug, Default)]
pub struct Notes {
    lines: Vec<(String, String)>,
}

/// Runs a program to its end; a panic is the last thing that it notes.
pub fn run((_, program): &super::Program) -> Vec<(String, String)> {
    let mut notes = Notes::default();
    let end = catch_unwind(AssertUnwindSafe(|| program(&mut notes)));
    if let Err(panic) = end {
        notes.note("panic", message_of(&*panic));
    }
    notes.lines
}

fn message_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
        .unwrap_or_default()
}

impl Notes {
    /// Writes one line down.
    pub fn note(&mut self, key: impl Into<String>, text: impl Into<String>) {
        self.lines.push((key.into(), text.into()));
    }

    /// Writes the debug form of a value down.
    pub(crate) fn debug(&mut self, key: impl Into<String>, value: impl Debug) {
        self.note(key, format!("{value:?}"));
    }

    /// Writes the debug form of what went well, or what is known of an error.
    pub(crate) fn outcome<T: Debug>(
        &mut self,
        key: &str,
        outcome: Result<T, impl Into<wasmi::Error>>,
    ) {
        match outcome {
            Ok(value) => self.note(key, format!("ok {value:?}")),
            Err(error) => self.error(key, &error.into()),
        }
    }

    /// Writes down what a program can know of an error: its message without what follows the first line, its kind, and
    /// what it can be asked.
    pub(crate) fn error(&mut self, key: &str, error: &wasmi::Error) {
        self.note(key, format!("error {}", error.kind()));
        self.debug(format!("{key}: kind"), error.kind());
        let facts = (error.as_trap_code(), error.i32_exit_status());
        self.debug(format!("{key}: trap, exit"), facts);
    }

    /// Whether something panics, without its words.
    pub(crate) fn panics<T>(&mut self, key: &str, action: impl FnOnce() -> T) {
        let panics = catch_unwind(AssertUnwindSafe(action)).is_err();
        self.debug(key, panics);
    }
}

/// A module with text that is known to be valid.
pub(crate) fn module(engine: &Engine, text: &str) -> Module {
    Module::new(engine, text).expect(text)
}

/// An instance of a module without imports, in a store of its own.
pub(crate) fn instance(text: &str) -> (Store<()>, Instance) {
    let engine = Engine::default();
    let mut store = Store::new(&engine, ());
    let instance = Linker::new(&engine)
        .instantiate_and_start(&mut store, &module(&engine, text))
        .expect(text);
    (store, instance)
}
