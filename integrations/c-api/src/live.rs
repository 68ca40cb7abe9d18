//! Counts the objects that C holds, by kind.
#![allow(unsafe_code, reason = "exports functions by unmangled names")]

use crate::export::export;
use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! kinds {
    ($( $(#[$doc:meta])* $name:ident; )*) => {
        /// What is counted. `wasmelt.h` has the same list in the same order.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[repr(u8)]
        pub(crate) enum Kind { $( $(#[$doc])* $name, )* }

        impl Kind {
            const ALL: &[Self] = &[ $( Self::$name, )* ];

            /// How many there are.
            pub(crate) fn count(self) -> u64 {
                COUNTS[self as usize].load(Ordering::Relaxed)
            }
        }
    };
}

kinds! {
    Config;
    Engine;
    Store;
    /// A store that has not been closed, whether or not somebody holds a handle of it.
    OpenStore;
    Module;
    SharedModule;
    Instance;
    Func;
    Global;
    Table;
    Memory;
    Foreign;
    Trap;
    Frame;
    ValType;
    /// Of functions, globals, tables, memories, or any of these.
    ExternType;
    ImportType;
    ExportType;
    /// The elements of a vector.
    Vector;
    Error;
    InterruptHandle;
}

static COUNTS: [AtomicU64; Kind::ALL.len()] = [const { AtomicU64::new(0) }; Kind::ALL.len()];

/// An object of some kind exists as long as this does.
#[derive(Debug)]
pub(crate) struct Counted(Kind);

impl Counted {
    pub(crate) fn new(kind: Kind) -> Self {
        COUNTS[kind as usize].fetch_add(1, Ordering::Relaxed);
        Self(kind)
    }

    /// One that exists already, and was forgotten.
    pub(crate) fn existing(kind: Kind) -> Self {
        Self(kind)
    }
}

impl Clone for Counted {
    fn clone(&self) -> Self {
        Self::new(self.0)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        COUNTS[self.0 as usize].fetch_sub(1, Ordering::Relaxed);
    }
}

export! { EXPORTS;
    fn wasmelt_live_count(kind: u8) -> u64 {
        let kind = Kind::ALL.get(usize::from(kind));
        Ok(kind.map_or(0, |kind| kind.count()))
    }

    fn wasmelt_live_total() -> u64 {
        Ok(Kind::ALL.iter().map(|kind| kind.count()).sum())
    }
}

#[cfg(test)]
mod tests {
    use super::{Counted, Kind, wasmelt_live_count};

    #[test]
    fn clones_are_counted_until_they_are_dropped() {
        let count = || wasmelt_live_count(Kind::Frame as u8);
        let before = count();
        let one = Counted::new(Kind::Frame);
        let two = one.clone();
        assert_eq!(count(), before + 2);
        drop((one, two));
        assert_eq!(count(), before);
        assert_eq!(wasmelt_live_count(200), 0);
    }
}
