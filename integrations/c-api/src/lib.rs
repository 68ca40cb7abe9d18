//! wasmelt for C: the standard `wasm.h`, and `wasmelt.h` for what the standard lacks.
//!
//! C links the shared or the static library; `README.md` says how. Rust programs want the crate `wasmelt` instead: what
//! is public here only lets tests compare this library with its headers.
//!
//! Every exported function is declared by one macro (`src/export.rs`), which catches panics, keeps the reason of a
//! failure as the thread's last error, and records sizes. Pointers that C passes are `Option<&T>` and
//! `Option<Box<T>>`, so a null pointer is a failure rather than a crash, and what is freed is what Rust owns.

mod artifact;
mod caller;
mod code;
mod config;
mod engine;
mod export;
mod externs;
mod failure;
mod foreign;
mod frame;
mod func;
mod global;
mod host_info;
mod instance;
mod live;
mod memory;
mod metering;
mod module;
mod object;
mod reference;
mod signature;
mod store;
mod table;
mod text;
mod trap;
mod trust;
mod types;
mod val;
mod vec;
mod version;

pub use signature::{Shape, Signature};

/// Every exported function.
#[must_use]
pub fn signatures() -> Vec<Signature> {
    LISTS.concat()
}

macro_rules! lists {
    ($($($part:ident)::+;)*) => {
        const LISTS: &[&[Signature]] = &[ $( $($part)::+::EXPORTS, )* ];
    };
}

lists! {
    artifact;
    caller;
    config;
    engine;
    externs;
    failure;
    foreign;
    frame;
    frame::vec;
    func;
    global;
    instance;
    live;
    memory;
    metering;
    module;
    reference::any_base;
    reference::extern_base;
    reference::extern_casts;
    reference::extern_func_casts;
    reference::extern_global_casts;
    reference::extern_memory_casts;
    reference::extern_table_casts;
    reference::extern_vec;
    reference::foreign_base;
    reference::foreign_casts;
    reference::func_base;
    reference::func_casts;
    reference::global_base;
    reference::global_casts;
    reference::instance_base;
    reference::instance_casts;
    reference::memory_base;
    reference::memory_casts;
    reference::module_base;
    reference::module_casts;
    reference::table_base;
    reference::table_casts;
    reference::trap_base;
    reference::trap_casts;
    store;
    table;
    trap;
    types::export_type;
    types::export_type::exporttype;
    types::export_type::exporttype::vec;
    types::extern_type;
    types::extern_type::externtype;
    types::extern_type::externtype::vec;
    types::extern_type::functype;
    types::extern_type::functype::vec;
    types::extern_type::functype_casts;
    types::extern_type::globaltype;
    types::extern_type::globaltype::vec;
    types::extern_type::globaltype_casts;
    types::extern_type::memorytype;
    types::extern_type::memorytype::vec;
    types::extern_type::memorytype_casts;
    types::extern_type::tabletype;
    types::extern_type::tabletype::vec;
    types::extern_type::tabletype_casts;
    types::import_type;
    types::import_type::importtype;
    types::import_type::importtype::vec;
    types::val_type;
    types::val_type::valtype;
    types::val_type::valtype::vec;
    val;
    val::vec;
    vec::byte;
    version;
}
