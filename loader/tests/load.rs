//! Loads good artifacts and reads everything that the runtime reads.

#![allow(
    unsafe_code,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "test code calls into what it loaded, and counts small things"
)]

mod support;

use support::{answer, call_answer, compiled, digest};
use wasmelt_abi::{ExternKind, SourceFrame, TrapCode};
use wasmelt_loader::{Route, Source, Trust, inspect, load, load_unchecked};

#[test]
fn a_hand_made_artifact_loads_and_runs() {
    let file = answer(42).write();
    let trust = Trust::Digest(digest(&file));
    let library = load(Source::Bytes(&file), &trust).expect("it is good");
    assert_eq!(call_answer(&library), 42);
    assert_eq!(library.route(), Route::Memfd);
    assert_eq!(library.digest(), &digest(&file));
    assert_eq!(library.function_count(), 1);
    assert_eq!(library.function_range(0), 0..6);
    assert_eq!(library.lookup_function(5), Some((0, 0)));
    assert_eq!(library.lookup_function(6), None);
    assert_eq!(library.text().len(), 8);
    assert_eq!(library.text_offset(library.text().start + 7), Some(7));
    assert_eq!(library.text_offset(library.text().end), None);
    assert_eq!(library.text_offset(library.text().start - 1), None);
    assert_eq!(
        library.trap_table().lookup(6),
        Some(TrapCode::IntegerOverflow)
    );
    assert_eq!(library.trap_table().lookup(5), None);
    let frame = SourceFrame {
        inlined_func_index: None,
        wasm_offset: 30,
    };
    assert_eq!(library.offset_map().lookup(0, 3), [frame]);
    assert_eq!(library.function_name(0), Some("answer"));
    assert_eq!(library.function_name(1), None);
    assert!(library.data().is_empty() && library.image().is_empty());
    assert!(library.image_file().is_none());
}

#[test]
fn a_compiled_artifact_loads_and_runs() {
    let file = compiled(7);
    let library = load(Source::Bytes(&file), &Trust::Named).expect("it is good");
    assert_eq!(call_answer(&library), 7);
    assert_eq!(library.function_count(), 4);
    assert_eq!(library.function_name(0), Some("log"));
    assert_eq!(library.function_name(1), Some("answer"));
    let exports: Vec<_> = library.manifest().exports.iter().map(|e| e.kind).collect();
    assert!(exports.contains(&ExternKind::Table));
    for defined in 0..library.function_count() {
        let range = library.function_range(defined);
        assert_eq!(
            library.lookup_function(range.start),
            Some((defined, range.start))
        );
        assert_eq!(
            library.lookup_function(range.end - 1),
            Some((defined, range.start))
        );
        let address = library.function_address(defined).addr();
        assert_eq!(library.text_offset(address), Some(range.start));
    }
    assert!(!library.trap_table().is_empty(), "division may trap");
}

#[test]
fn the_memory_image_can_be_mapped_from_the_file() {
    let file = compiled(7);
    let library = load(Source::Bytes(&file), &Trust::Named).expect("it is good");
    let (fd, file_offset) = library.image_file().expect("80 kB of data become an image");
    let info = library.manifest().image.expect("an image is described");
    assert_eq!(info.len_bytes as usize, library.image().len());
    assert_eq!(info.memory_offset, 4096);
    assert_eq!(&library.image()[..4], b"xxxx");
    let len = library.image().len();
    let (read_write, private) = (
        rustix::mm::ProtFlags::READ | rustix::mm::ProtFlags::WRITE,
        rustix::mm::MapFlags::PRIVATE,
    );
    // SAFETY: a fresh private mapping, which stays until the process ends.
    let mapped = unsafe {
        let base = rustix::mm::mmap(
            std::ptr::null_mut(),
            len,
            read_write,
            private,
            fd,
            file_offset,
        );
        std::slice::from_raw_parts_mut(base.expect("sealed files map privately").cast::<u8>(), len)
    };
    assert_eq!(mapped, library.image());
    mapped[0] = b'y';
    assert_eq!(library.image()[0], b'x', "written pages are private");
}

#[test]
fn an_unchecked_artifact_is_still_linted() {
    let mut file = answer(42).write();
    // SAFETY: this test wrote the artifact.
    let library = unsafe { load_unchecked(Source::Bytes(&file)) }.expect("it is good");
    assert_eq!(call_answer(&library), 42);
    file[16] = 2;
    // SAFETY: as above; the change is refused.
    let refused = unsafe { load_unchecked(Source::Bytes(&file)) };
    assert!(refused.expect_err("not ET_DYN").is_artifact_refused());
}

#[test]
fn libraries_are_shared_between_threads() {
    let file = answer(9).write();
    let library = load(Source::Bytes(&file), &Trust::Named).expect("it is good");
    let library = std::sync::Arc::new(library);
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let library = std::sync::Arc::clone(&library);
            std::thread::spawn(move || call_answer(&library))
        })
        .collect();
    for thread in threads {
        assert_eq!(thread.join().expect("it does not panic"), 9);
    }
}

#[test]
fn many_threads_load_and_drop_at_once() {
    let files: Vec<_> = (0..4).map(|value| answer(value).write()).collect();
    std::thread::scope(|scope| {
        for (value, file) in files.iter().enumerate() {
            scope.spawn(move || {
                for _ in 0..100 {
                    let library = load(Source::Bytes(file), &Trust::Named).expect("it is good");
                    assert_eq!(call_answer(&library), value as u32);
                }
            });
        }
    });
}

#[test]
fn inspection_describes_without_loading() {
    let file = compiled(7);
    let inspection = inspect(&file).expect("it is an artifact");
    assert!(inspection.verdict.is_ok());
    assert_eq!(inspection.digest, inspection.descriptor.digest);
    assert_eq!(inspection.functions.len(), 4);
    assert_eq!(inspection.functions[0].func_index, 1);
    assert_eq!(inspection.functions[0].name.as_deref(), Some("answer"));
    assert!(inspection.functions[0].len_bytes > 0);

    let mut damaged = file.clone();
    let last_of_text = damaged.len() - 17;
    damaged[last_of_text] ^= 1;
    let inspection = inspect(&damaged).expect("it is still readable");
    assert_ne!(inspection.digest, inspection.descriptor.digest);
    assert!(inspection.verdict.is_err());
}
