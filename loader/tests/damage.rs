//! Damages good artifacts byte by byte, with and without a corrected digest.

#![allow(
    unsafe_code,
    clippy::cast_possible_truncation,
    clippy::unwrap_used,
    reason = "test code maps files by itself, and stops at the first surprise"
)]

mod support;

use std::{hint::black_box, ops::Range};
use support::{
    DESCRIPTOR, DIGEST, DYNSYM, NOTE, PAGE, answer, compiled, digest, get64, put64, reseal,
};
use wasmelt_loader::{Library, LoadError, Source, Trust, inspect, load};

/// Bytes of the ELF parts and the descriptor that may have other values, digest permitting.
const FREE: [(&str, Range<usize>); 10] = [
    ("e_shoff", 40..48),
    ("e_shnum and e_shstrndx", 60..64),
    ("CPU level", DESCRIPTOR + 18..DESCRIPTOR + 19),
    ("options", DESCRIPTOR + 20..DESCRIPTOR + 24),
    ("CPU features", DESCRIPTOR + 24..DESCRIPTOR + 32),
    (
        "SHA-256 and length of the module",
        DESCRIPTOR + 72..DESCRIPTOR + 112,
    ),
    (
        "compiler and fingerprint",
        DESCRIPTOR + 256..DESCRIPTOR + 320,
    ),
    ("build id", NOTE + 16..NOTE + 36),
    ("st_shndx", DYNSYM + 30..DYNSYM + 32),
    ("digest", DIGEST),
];

/// What the runtime reads, all of it.
fn walk(library: &Library) {
    for defined in 0..library.function_count() {
        let range = library.function_range(defined);
        assert_eq!(
            library.lookup_function(range.start),
            Some((defined, range.start))
        );
        black_box(library.function_address(defined));
        for offset in 0..20 {
            black_box(library.offset_map().lookup(defined, offset));
        }
    }
    for offset in 0..library.text().len() as u32 {
        black_box(library.trap_table().lookup(offset));
    }
    for index in 0..library.manifest().functions.len() as u32 + 2 {
        black_box(library.function_name(index));
    }
    for segment in &library.manifest().data {
        let bytes = if segment.in_image {
            library.image()
        } else {
            library.data()
        };
        let start = segment.start as usize;
        black_box(&bytes[start..start + segment.len_bytes as usize]);
    }
    black_box((library.image_file(), library.text()));
}

/// Every byte of a small file; of a large one every byte of the headers, and some of each part.
fn positions(file: &[u8]) -> Vec<usize> {
    let small = file.len() < 8 * PAGE;
    (0..file.len())
        .filter(|at| {
            let step = match at {
                _ if small => 1,
                0..1400 => 1,
                1400..12_288 => 7,
                _ => 61,
            };
            at % step == 0 || at + 64 > file.len()
        })
        .collect()
}

/// Three ways to damage a byte of the headers, one elsewhere.
fn flips(at: usize) -> Vec<u8> {
    let flips = [0x01, 0x80, 0xff];
    if at < 1400 {
        flips.into()
    } else {
        vec![flips[at % 3]]
    }
}

fn good_files() -> [Vec<u8>; 2] {
    [answer(42).write(), compiled(42)]
}

#[test]
fn every_damaged_byte_is_noticed() {
    for good in good_files() {
        let mut file = good.clone();
        for at in positions(&good) {
            for flip in flips(at) {
                file[at] ^= flip;
                let error = load(Source::Bytes(&file), &Trust::Named).expect_err("damaged");
                assert!(error.is_artifact_refused(), "byte {at}: {error}");
                file[at] ^= flip;
            }
        }
        assert_eq!(file, good);
        load(Source::Bytes(&file), &Trust::Named).expect("undamaged again");
    }
}

#[test]
fn damage_with_a_corrected_digest_is_refused_or_harmless() {
    for good in good_files() {
        let text = get64(&good, 64 + 56 + 8) as usize;
        let dynamic = get64(&good, 64 + 112 + 8) as usize;
        let unwind_len = get64(&good, 64 + 5 * 56 + 32) as usize;
        let unwind_info = support::EH_FRAME_HDR + unwind_len;
        let (mut accepted, mut refused) = (0, 0);
        let mut file = good.clone();
        for at in positions(&good) {
            let flip = [0x01, 0x80, 0xff, 0x10][at % 4];
            file[at] ^= flip;
            reseal(&mut file);
            match load(Source::Bytes(&file), &Trust::Digest(digest(&file))) {
                Ok(library) => {
                    accepted += 1;
                    walk(&library);
                    let read_by_ld_so = at < unwind_info
                        || (dynamic..dynamic + PAGE).contains(&at)
                        || at >= good.len() - 16;
                    let free = FREE.iter().any(|(_, range)| range.contains(&at));
                    assert!(!read_by_ld_so || free, "byte {at} is not checked");
                }
                Err(error) => {
                    refused += 1;
                    assert!(error.is_artifact_refused(), "byte {at}: {error}");
                    let in_text = (text..text + 8).contains(&at);
                    assert!(!in_text, "byte {at}: code is not judged: {error}");
                }
            }
            if at % 8 == 3 {
                black_box(inspect(&file).is_ok());
            }
            file[at] ^= flip;
        }
        println!("{accepted} accepted, {refused} refused");
        assert!(accepted > 100 && refused > 1000);
    }
}

#[test]
fn every_truncation_is_refused() {
    for good in good_files() {
        for len in (0..good.len()).filter(|len| *len < 2 * PAGE || len % 509 == 0) {
            let error = load(Source::Bytes(&good[..len]), &Trust::Named).expect_err("truncated");
            let expected = match len {
                0..1024 => {
                    matches!(error, LoadError::TooShort { found, .. } if found == len as u64)
                }
                _ => matches!(error, LoadError::Length { found, .. } if found == len as u64),
            };
            assert!(expected, "{len} bytes: {error}");
            assert!(inspect(&good[..len]).is_err() || len > 1024);
        }
    }
}

#[test]
fn a_truncation_with_corrected_length_and_digest_is_refused() {
    for good in good_files() {
        // What is behind the dynamic section is for tools, and may be cut off.
        let loaded = get64(&good, 64 + 112 + 8) as usize + PAGE;
        for len in (1024..loaded).filter(|len| *len < 2 * PAGE || len % 509 == 0) {
            let mut file = good[..len].to_vec();
            file.extend_from_slice(&good[good.len() - 16..]);
            let file_len = file.len() as u64;
            put64(&mut file, DESCRIPTOR + 32, file_len);
            reseal(&mut file);
            let trust = Trust::Digest(digest(&file));
            let error = load(Source::Bytes(&file), &trust).expect_err("truncated");
            assert!(error.is_artifact_refused(), "{len} bytes: {error}");
        }
    }
}

#[test]
fn bytes_behind_the_end_are_refused() {
    let mut file = answer(42).write();
    file.push(0);
    let error = load(Source::Bytes(&file), &Trust::Named).expect_err("longer than it says");
    assert!(matches!(error, LoadError::SignatureForm(_)), "{error}");
    // So much that no signature block can be meant.
    file.resize(file.len() + (1 << 16), 0);
    let error = load(Source::Bytes(&file), &Trust::Named).expect_err("longer than it says");
    assert!(matches!(error, LoadError::Length { .. }), "{error}");
}

#[test]
fn the_digest_decides_who_is_trusted() {
    let file = answer(42).write();
    let error = load(Source::Bytes(&file), &Trust::Digest([7; 32])).expect_err("another digest");
    assert!(
        matches!(error, LoadError::Untrusted { expected, found }
            if expected == [7; 32] && found == digest(&file)),
        "{error}"
    );
    let mut damaged = file.clone();
    damaged[NOTE + 16] ^= 1;
    let trust = Trust::Digest(digest(&file));
    let error = load(Source::Bytes(&damaged), &trust).expect_err("damaged");
    assert!(matches!(error, LoadError::Digest { .. }), "{error}");
}

#[test]
fn what_is_no_artifact_is_named() {
    let refusal = |bytes: &[u8]| {
        load(Source::Bytes(bytes), &Trust::Named)
            .expect_err("not an artifact")
            .to_string()
    };
    assert_eq!(
        refusal(b"\0asm\x01\0\0\0"),
        "not an ELF file: it begins with 0061736d, a wasm binary: compile it first"
    );
    assert_eq!(
        refusal(b"#!/bin/sh\n"),
        "not an ELF file: it begins with 23212f62: name a file that `wasmelt compile` wrote"
    );
    assert_eq!(
        refusal(b""),
        "0 bytes are fewer than the 1040 that every artifact has: compile the module again, or fetch \
         the artifact again"
    );
    let mut elf = b"\x7fELF".to_vec();
    assert_eq!(
        refusal(&elf),
        "4 bytes are fewer than the 1040 that every artifact has: compile the module again, or fetch \
         the artifact again"
    );
    elf.resize(5000, 0);
    assert_eq!(
        refusal(&elf),
        "an ELF file without a module descriptor at byte 512: no artifact; name a file that \
         `wasmelt compile` wrote"
    );
    let own = std::fs::read(support::this_binary()).unwrap();
    assert_eq!(
        refusal(&own),
        "an ELF file without a module descriptor at byte 512: no artifact; name a file that \
         `wasmelt compile` wrote"
    );
}
