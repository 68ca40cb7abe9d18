//! The table of generators.

mod addresses;
mod bytes;
mod calls;
mod control;
mod floats;
mod guards;
mod loops;
mod neighbours;
mod ops;
mod products;
mod single_inst;
mod smith;
mod switches;

use crate::compare::{Call, Case};
use crate::value::Value;

/// Makes cases of one kind.
#[derive(Clone, Copy, Debug)]
pub struct Generator {
    /// What `--generator` calls it.
    pub name: &'static str,
    /// What its cases are.
    pub about: &'static str,
    generate: fn(u64) -> Case,
    /// How many seeds run under `cargo test`.
    pub smoke_seeds: u64,
}

/// All of them.
pub const GENERATORS: &[Generator] = &[
    Generator {
        name: "smith",
        about: "whole modules of wasm-smith, with every MVP instruction",
        generate: smith::generate,
        smoke_seeds: 300,
    },
    Generator {
        name: "single-inst",
        about: "one numeric or memory instruction on interesting values",
        generate: single_inst::generate,
        smoke_seeds: single_inst::KINDS,
    },
    Generator {
        name: "addresses",
        about: "address arithmetic around the places where it wraps or ends",
        generate: addresses::generate,
        smoke_seeds: 120,
    },
    Generator {
        name: "bytes",
        about: "bytes shifted, masked and united, small factors, loops until an addition wraps",
        generate: bytes::generate,
        smoke_seeds: 200,
    },
    Generator {
        name: "calls",
        about: "many parameters, direct and indirect calls, imports between definitions",
        generate: calls::generate,
        smoke_seeds: 120,
    },
    Generator {
        name: "control",
        about: "nested blocks, loops and branch tables that carry values",
        generate: control::generate,
        smoke_seeds: 200,
    },
    Generator {
        name: "floats",
        about: "floats that are NaN half of the time, through arithmetic, merges and memory",
        generate: floats::generate,
        smoke_seeds: 200,
    },
    Generator {
        name: "guards",
        about: "addresses behind tests that bound an index, where 32 bits wrap",
        generate: guards::generate,
        smoke_seeds: 200,
    },
    Generator {
        name: "loops",
        about: "counted loops whose counters become addresses, where 32 bits wrap",
        generate: loops::generate,
        smoke_seeds: 200,
    },
    Generator {
        name: "neighbours",
        about: "accesses beside others, in loops and branches, where 32 bits wrap",
        generate: neighbours::generate,
        smoke_seeds: 200,
    },
    Generator {
        name: "products",
        about: "128-bit products from four 64-bit ones, and near misses",
        generate: products::generate,
        smoke_seeds: 200,
    },
    Generator {
        name: "switches",
        about: "branch tables of few targets, with each index around their ends",
        generate: switches::generate,
        smoke_seeds: 150,
    },
];

impl Generator {
    /// The generator called `name`.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        GENERATORS.iter().find(|generator| generator.name == name)
    }

    /// The case of `seed`, always the same.
    #[must_use]
    pub fn generate(&self, seed: u64) -> Case {
        (self.generate)(seed)
    }
}

fn call(name: impl Into<String>, arguments: impl Into<Vec<Value>>) -> Call {
    Call {
        name: name.into(),
        arguments: arguments.into(),
    }
}
