//! The examples of wasmi's documentation, taken from its sources when this is built.

use super::Notes;
use std::cell::RefCell;

thread_local! {
    static PRINTED: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// In the examples below, this replaces the standard library's.
macro_rules! println {
    ($($arguments:tt)*) => {
        crate::examples::print(format!($($arguments)*))
    };
}

fn print(line: String) {
    PRINTED.with_borrow_mut(|printed| printed.push(line));
}

mod extracted {
    include!(concat!(env!("OUT_DIR"), "/examples.rs"));
}

pub(crate) fn run(notes: &mut Notes) {
    notes.debug("number", extracted::EXAMPLES.len());
    for (name, example) in extracted::EXAMPLES {
        example();
        let printed = PRINTED.take();
        notes.debug(*name, printed);
    }
}
