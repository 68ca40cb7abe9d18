//! Checks descriptors of modules that are linked into the program.
//!
//! Running code from a linked object is the business of the suites that have a C compiler; here
//! the descriptor and its sections are written to memory by hand.

#![allow(
    unsafe_code,
    clippy::cast_possible_wrap,
    clippy::unwrap_used,
    reason = "the test vouches for the descriptors that it writes"
)]

mod support;

use support::{Parts, answer};
use wasmelt_abi::{CpuFeatures, ModuleDescriptor, SectionId, SectionRange, TrapCode};
use wasmelt_loader::{Library, LoadError, Route, StaticDescriptor, from_static};

/// Puts a descriptor and its sections into memory that stays, the sections before it.
fn link(parts: &Parts, change: fn(&mut ModuleDescriptor)) -> &'static StaticDescriptor {
    let sections = [
        (SectionId::Manifest, parts.manifest.encode()),
        (SectionId::Text, parts.text.clone()),
        (SectionId::FunctionTable, parts.function_table.clone()),
        (SectionId::TrapTable, parts.trap_table.clone()),
        (SectionId::OffsetMap, parts.offset_map.clone()),
        (SectionId::Names, parts.names.clone()),
    ];
    let mut descriptor = parts.descriptor.clone();
    descriptor.is_static = true;
    let mut bytes = Vec::new();
    for (id, section) in &sections {
        descriptor.sections[*id as usize] = SectionRange {
            offset: bytes.len() as i64,
            len_bytes: section.len() as u64,
        };
        bytes.extend_from_slice(section);
    }
    bytes.resize(bytes.len().next_multiple_of(8), 0);
    for (id, _) in sections {
        descriptor.sections[id as usize].offset -= bytes.len() as i64;
    }
    change(&mut descriptor);
    let words: Vec<u64> = [bytes.clone(), descriptor.encode().to_vec()]
        .concat()
        .chunks(8)
        .map(|word| u64::from_le_bytes(word.try_into().unwrap()))
        .collect();
    let words: &'static [u64] = words.leak();
    // SAFETY: the descriptor is there, aligned to eight bytes, and stays; its sections lie before
    // it in the same allocation, which nobody writes any more.
    unsafe { &*words.as_ptr().add(bytes.len() / 8).cast() }
}

fn refusal(parts: &Parts, change: fn(&mut ModuleDescriptor)) -> LoadError {
    let refused: Result<Library, LoadError> = from_static(link(parts, change));
    refused.expect_err("it is refused")
}

#[test]
fn a_linked_module_has_the_views_of_a_loaded_one() {
    let library = from_static(link(&answer(42), |_| {})).expect("it is good");
    assert_eq!(library.route(), Route::Static);
    assert_eq!(library.digest(), &[0; 32]);
    assert_eq!(library.function_count(), 1);
    assert_eq!(library.function_address(0).addr(), library.text().start);
    assert_eq!(
        library.trap_table().lookup(6),
        Some(TrapCode::IntegerOverflow)
    );
    assert_eq!(library.offset_map().lookup(0, 0).len(), 1);
    assert_eq!(library.function_name(0), Some("answer"));
    assert!(library.image().is_empty() && library.image_file().is_none());
    assert!(library.data().is_empty());
}

#[test]
fn a_linked_module_that_does_not_fit_is_refused() {
    let good = answer(42);
    assert!(matches!(
        refusal(&good, |descriptor| descriptor.is_static = false),
        LoadError::Kind {
            found_static: false
        }
    ));
    assert!(matches!(
        refusal(&good, |descriptor| descriptor.cpu_features =
            CpuFeatures::from_bits(1 << 40)),
        LoadError::CpuFeatures { .. }
    ));
    assert!(matches!(
        refusal(&good, |descriptor| descriptor.arch =
            wasmelt_abi::Arch::Aarch64),
        LoadError::Target { .. }
    ));
    assert!(matches!(
        refusal(&good, |descriptor| descriptor.options.signals = false),
        LoadError::Options { .. }
    ));
    let mut broken = answer(42);
    broken.manifest.exports[0].index = 1;
    assert!(matches!(
        refusal(&broken, |_| {}),
        LoadError::Contents { .. }
    ));
    let mut broken = answer(42);
    broken.trap_table.push(0);
    assert!(matches!(
        refusal(&broken, |_| {}),
        LoadError::Section { .. }
    ));
}
