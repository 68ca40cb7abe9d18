//! Refuses ELF files that would run code, or change memory, as soon as they are opened.
//!
//! Every file carries a valid digest, so that only the lint stands between it and `dlopen`. As a
//! positive control, a plain `dlopen` of the same file in a child process does run the code.

#![allow(
    unsafe_code,
    clippy::cast_possible_truncation,
    clippy::unwrap_used,
    reason = "test code opens hostile libraries, and stops at the first surprise"
)]

mod support;

use std::{
    fs,
    path::{Path, PathBuf},
};
use support::{
    DYNSYM, PAGE, Parts, Places, answer, compiled, digest, get64, put16, put32, put64, reseal,
    run_child, write_entry,
};
use wasmelt_abi::{ABI_VERSION, Arch, CpuFeature, CpuFeatures, CpuLevel};
use wasmelt_loader::{ElfPart, LoadError, Policy, Source, Trust, load, load_with_policy};

/// Where the hostile code is in the text.
const CODE: usize = 16;
/// Where extra bytes are in the writable segment.
const EXTRA: usize = 256;

/// What a plain `dlopen` shows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Control {
    /// It runs the hostile code.
    RunsCode,
    /// It runs nothing; the file is refused for another reason.
    RunsNothing,
}

struct Case {
    name: &'static str,
    file: Vec<u8>,
    control: Control,
    message: &'static str,
}

struct Folder {
    folder: tempfile::TempDir,
}

impl Folder {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("there is a folder for temporary files");
        Self { folder }
    }

    fn marker(&self) -> PathBuf {
        self.folder.path().join("marker")
    }

    fn evil(&self) -> PathBuf {
        self.folder.path().join("evil.so")
    }

    /// A good module whose text also has code that creates the marker file.
    fn parts(&self) -> Parts {
        let mut parts = answer(42);
        parts.text.resize(CODE, 0xcc);
        parts
            .text
            .extend_from_slice(&create_file_code(&self.marker()));
        parts
    }

    /// The same with dynamic entries that are computed from where things are.
    fn dynamic(&self, extra: impl FnOnce(Places) -> (Vec<(u64, u64)>, Vec<u8>)) -> Vec<u8> {
        let mut parts = self.parts();
        (parts.extra_dynamic, parts.extra_writable) = extra(parts.places());
        parts.write()
    }

    /// The same with an entry that names a string.
    fn naming(&self, tags: &[(u64, &str)]) -> Vec<u8> {
        let mut parts = self.parts();
        let mut strings = b"\0wasmelt_module\0".to_vec();
        for (tag, text) in tags {
            parts.extra_dynamic.push((*tag, strings.len() as u64));
            strings.extend_from_slice(text.as_bytes());
            strings.push(0);
        }
        let dynamic = parts.places().dynamic;
        let len = strings.len() as u64;
        parts.extra_writable = strings;
        let mut file = parts.write();
        put64(&mut file, dynamic + 16 + 8, (dynamic + EXTRA) as u64);
        put64(&mut file, dynamic + 48 + 8, len);
        reseal(&mut file);
        file
    }

    /// The same with a change of the finished file.
    fn changed(&self, change: impl FnOnce(&mut Vec<u8>, Places)) -> Vec<u8> {
        let parts = self.parts();
        let mut file = parts.write();
        change(&mut file, parts.places());
        reseal(&mut file);
        file
    }
}

/// `close(open(path, O_WRONLY | O_CREAT, 0600)); return 0`, position-independent.
fn create_file_code(path: &Path) -> Vec<u8> {
    let mut code = vec![0x48, 0x8d, 0x3d, 0, 0, 0, 0]; // lea rdi, [rip + path]
    code.extend_from_slice(&[0xbe, 0x41, 0, 0, 0]); // mov esi, O_WRONLY | O_CREAT
    code.extend_from_slice(&[0xba, 0x80, 0x01, 0, 0]); // mov edx, 0600
    code.extend_from_slice(&[0xb8, 2, 0, 0, 0, 0x0f, 0x05]); // open
    code.extend_from_slice(&[0x89, 0xc7]); // mov edi, eax
    code.extend_from_slice(&[0xb8, 3, 0, 0, 0, 0x0f, 0x05]); // close
    code.extend_from_slice(&[0x31, 0xc0, 0xc3]); // xor eax, eax; ret
    let distance = code.len() as u32 - 7;
    code[3..7].copy_from_slice(&distance.to_le_bytes());
    code.extend_from_slice(path.to_str().unwrap().as_bytes());
    code.push(0);
    code
}

fn words(words: &[u64]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

fn code_address(places: Places) -> u64 {
    (places.text + CODE) as u64
}

fn extra_address(places: Places) -> u64 {
    (places.dynamic + EXTRA) as u64
}

const R_X86_64_RELATIVE: u64 = 8;
const R_X86_64_IRELATIVE: u64 = 37;

/// An array with one function, and the relocation that it needs.
fn array(places: Places, tag: u64, size_tag: u64) -> (Vec<(u64, u64)>, Vec<u8>) {
    let at = extra_address(places);
    let tags = vec![(tag, at), (size_tag, 8), (7, at + 8), (8, 24), (9, 24)];
    (
        tags,
        words(&[0, at, R_X86_64_RELATIVE, code_address(places)]),
    )
}

fn dynamic_cases(folder: &Folder) -> Vec<Case> {
    let case = |name, message, control, file| Case {
        name,
        file,
        control,
        message,
    };
    let runs = Control::RunsCode;
    let nothing = Control::RunsNothing;
    let evil = folder.evil();
    let evil = evil.to_str().unwrap();
    let evil_folder = folder.folder.path().to_str().unwrap();
    let tag = |number, value| folder.dynamic(|_| (vec![(number, value)], vec![]));
    vec![
        case(
            "DT_INIT",
            "(DT_INIT)",
            runs,
            folder.dynamic(|places| (vec![(12, code_address(places))], vec![])),
        ),
        case(
            "DT_FINI",
            "(DT_FINI)",
            runs,
            folder.dynamic(|places| (vec![(13, code_address(places))], vec![])),
        ),
        case(
            "DT_INIT_ARRAY",
            "(DT_INIT_ARRAY)",
            runs,
            folder.dynamic(|places| array(places, 25, 27)),
        ),
        case(
            "DT_FINI_ARRAY",
            "(DT_FINI_ARRAY)",
            runs,
            folder.dynamic(|places| array(places, 26, 28)),
        ),
        case(
            "DT_PREINIT_ARRAY",
            "(DT_PREINIT_ARRAY)",
            runs,
            folder.dynamic(|places| array(places, 32, 33)),
        ),
        case(
            "DT_RELA with IRELATIVE",
            "(DT_RELA)",
            runs,
            folder.dynamic(|places| {
                let at = extra_address(places);
                let tags = vec![(7, at + 8), (8, 24), (9, 24)];
                (
                    tags,
                    words(&[0, at, R_X86_64_IRELATIVE, code_address(places)]),
                )
            }),
        ),
        case(
            "DT_JMPREL with IRELATIVE",
            "(DT_JMPREL)",
            runs,
            folder.dynamic(|places| {
                // The dynamic linker fills in words 1 and 2 of the table at DT_PLTGOT.
                let at = extra_address(places);
                let tags = vec![(23, at + 32), (2, 24), (20, 7), (3, at)];
                (
                    tags,
                    words(&[
                        0,
                        0,
                        0,
                        0,
                        at + 24,
                        R_X86_64_IRELATIVE,
                        code_address(places),
                    ]),
                )
            }),
        ),
        case(
            "DT_TEXTREL with a relocation of the text",
            "(DT_TEXTREL)",
            runs,
            folder.dynamic(|places| {
                let at = extra_address(places);
                let target = (places.text + 8) as u64;
                let tags = vec![(22, 0), (7, at), (8, 24), (9, 24)];
                (
                    tags,
                    words(&[target, R_X86_64_IRELATIVE, code_address(places)]),
                )
            }),
        ),
        case(
            "DT_RELR",
            "(DT_RELR)",
            nothing,
            folder.dynamic(|places| {
                let at = extra_address(places);
                (vec![(36, at + 8), (35, 8), (37, 8)], words(&[0, at]))
            }),
        ),
        case(
            "DT_NEEDED",
            "(DT_NEEDED)",
            runs,
            folder.naming(&[(1, evil)]),
        ),
        case(
            "DT_AUXILIARY",
            "(DT_AUXILIARY)",
            runs,
            folder.naming(&[(0x7fff_fffd, evil)]),
        ),
        case(
            "DT_FILTER",
            "(DT_FILTER)",
            runs,
            folder.naming(&[(0x7fff_ffff, evil)]),
        ),
        case(
            "DT_RPATH",
            "(DT_RPATH)",
            runs,
            folder.naming(&[(15, evil_folder), (1, "evil.so")]),
        ),
        case(
            "DT_RUNPATH",
            "(DT_RUNPATH)",
            runs,
            folder.naming(&[(29, evil_folder), (1, "evil.so")]),
        ),
        case(
            "DT_SONAME",
            "(DT_SONAME)",
            nothing,
            folder.naming(&[(14, "libc.so.6")]),
        ),
        case(
            "DT_AUDIT",
            "(DT_AUDIT)",
            nothing,
            folder.naming(&[(0x6fff_fefc, evil)]),
        ),
        case("DT_FLAGS", "(DT_FLAGS)", nothing, tag(30, 0x8)),
        case("DT_FLAGS_1", "(DT_FLAGS_1)", nothing, tag(0x6fff_fffb, 0x8)),
        case(
            "an unknown tag",
            "dynamic entry 5 d_tag",
            nothing,
            tag(0x6000_0042, 1),
        ),
        case(
            "DT_INIT in place of another tag",
            "dynamic entry 4 d_tag",
            runs,
            folder.changed(|file, places| {
                put64(file, places.dynamic + 64, 12);
                put64(file, places.dynamic + 72, code_address(places));
            }),
        ),
    ]
}

/// A second dynamic section with a constructor, at `EXTRA`.
fn second_dynamic_section(file: &mut [u8], places: Places) {
    let at = places.dynamic + EXTRA;
    file.copy_within(places.dynamic..places.dynamic + 80, at);
    put64(file, at + 80, 12);
    put64(file, at + 88, code_address(places));
}

fn program_header(index: usize) -> usize {
    64 + 56 * index
}

/// Points a program header at a range of the file.
fn point(file: &mut [u8], index: usize, offset: u64, len: u64) {
    let at = program_header(index);
    for field in [8, 16, 24] {
        put64(file, at + field, offset);
    }
    put64(file, at + 32, len);
    put64(file, at + 40, len);
}

fn header_cases(folder: &Folder) -> Vec<Case> {
    let case = |name, message, control, change: &dyn Fn(&mut Vec<u8>, Places)| Case {
        name,
        file: folder.changed(change),
        control,
        message,
    };
    let runs = Control::RunsCode;
    let nothing = Control::RunsNothing;
    let p_type = |index: usize, value: u32| {
        move |file: &mut Vec<u8>, _: Places| put32(file, program_header(index), value)
    };
    let p_flags = |index: usize, value: u32| {
        move |file: &mut Vec<u8>, _: Places| put32(file, program_header(index) + 4, value)
    };
    vec![
        case(
            "a second dynamic section behind the first",
            "program header 3",
            runs,
            &|file, places| {
                second_dynamic_section(file, places);
                point(file, 3, extra_address(places), 112);
            },
        ),
        case(
            "two dynamic program headers, of which the last counts",
            "(PT_DYNAMIC)",
            runs,
            &|file, places| {
                second_dynamic_section(file, places);
                put32(file, program_header(4), 2);
                point(file, 4, extra_address(places), 112);
            },
        ),
        case("PT_INTERP", "(PT_INTERP)", nothing, &p_type(4, 3)),
        case("PT_TLS", "(PT_TLS)", nothing, &p_type(4, 7)),
        case("PT_PHDR", "(PT_PHDR)", nothing, &p_type(4, 6)),
        case(
            "PT_GNU_PROPERTY",
            "(PT_GNU_PROPERTY)",
            nothing,
            &p_type(4, 0x6474_e553),
        ),
        case(
            "no PT_GNU_STACK",
            "program header 6 p_type",
            nothing,
            &p_type(6, 0),
        ),
        case(
            "no PT_GNU_RELRO",
            "program header 7 p_type",
            nothing,
            &p_type(7, 0),
        ),
        case(
            "a W+X text",
            "program header 1 p_flags",
            nothing,
            &p_flags(1, 7),
        ),
        case(
            "a W+X data segment",
            "program header 2 p_flags",
            nothing,
            &p_flags(2, 7),
        ),
        case(
            "executable headers",
            "program header 0 p_flags",
            nothing,
            &p_flags(0, 5),
        ),
        case(
            "writable headers",
            "program header 0 p_flags",
            nothing,
            &p_flags(0, 6),
        ),
        case(
            "an executable stack",
            "program header 6 p_flags",
            nothing,
            &p_flags(6, 7),
        ),
        case(
            "text mapped over the headers",
            "program header 1 p_offset",
            nothing,
            &|file, places| point(file, 1, 0, places.text as u64),
        ),
        case(
            "a writable segment over the text",
            "program header 2 p_offset",
            nothing,
            &|file, places| point(file, 2, places.text as u64, (2 * PAGE) as u64),
        ),
        case(
            "a segment whose address is not its offset",
            "program header 1 p_vaddr",
            nothing,
            &|file, places| {
                put64(
                    file,
                    program_header(1) + 16,
                    (places.dynamic + 16 * PAGE) as u64,
                );
            },
        ),
        case(
            "a segment longer in memory than in the file",
            "program header 2 p_memsz",
            nothing,
            &|file, _| put64(file, program_header(2) + 40, 1 << 30),
        ),
        case(
            "a segment that ends early",
            "program header 1 p_filesz",
            nothing,
            &|file, _| put64(file, program_header(1) + 32, 1),
        ),
        case(
            "an alignment of one",
            "program header 0 p_align",
            nothing,
            &|file, _| put64(file, program_header(0) + 48, 1),
        ),
        case(
            "more program headers",
            "ELF header e_phnum",
            nothing,
            &|file, _| {
                put16(file, 56, 9);
            },
        ),
        case(
            "fewer program headers",
            "ELF header e_phnum",
            nothing,
            &|file, _| {
                put16(file, 56, 7);
            },
        ),
        case(
            "program headers elsewhere",
            "ELF header e_phoff",
            nothing,
            &|file, _| {
                put64(file, 32, 64 + 56);
            },
        ),
        case(
            "an entry point",
            "ELF header e_entry",
            nothing,
            &|file, places| {
                put64(file, 24, code_address(places));
            },
        ),
        case(
            "an executable file",
            "ELF header e_type",
            nothing,
            &|file, _| {
                put16(file, 16, 2);
            },
        ),
        case(
            "another machine in the header",
            "ELF header e_machine",
            nothing,
            &|file, _| {
                put16(file, 18, 183);
            },
        ),
        case(
            "a 32-bit class",
            "ELF header e_ident",
            nothing,
            &|file, _| file[4] = 1,
        ),
        case("big-endian", "ELF header e_ident", nothing, &|file, _| {
            file[5] = 2
        }),
        case(
            "another OS ABI",
            "ELF header e_ident",
            nothing,
            &|file, _| file[7] = 3,
        ),
        case("flags", "ELF header e_flags", nothing, &|file, _| {
            put32(file, 48, 1)
        }),
    ]
}

fn symbol_cases(folder: &Folder) -> Vec<Case> {
    let case = |name, message, control, change: &dyn Fn(&mut Vec<u8>, Places)| Case {
        name,
        file: folder.changed(change),
        control,
        message,
    };
    let nothing = Control::RunsNothing;
    vec![
        case(
            "an IFUNC symbol",
            "dynamic symbol 1 st_info",
            Control::RunsCode,
            &|file, places| {
                file[DYNSYM + 28] = 0x1a;
                put64(file, DYNSYM + 32, code_address(places));
            },
        ),
        case(
            "a TLS symbol",
            "dynamic symbol 1 st_info",
            nothing,
            &|file, _| {
                file[DYNSYM + 28] = 0x16;
            },
        ),
        case(
            "a unique symbol",
            "dynamic symbol 1 st_info",
            nothing,
            &|file, _| {
                file[DYNSYM + 28] = 0xa1;
            },
        ),
        case(
            "an undefined symbol",
            "dynamic symbol 1 st_shndx",
            nothing,
            &|file, _| {
                put16(file, DYNSYM + 30, 0);
            },
        ),
        case(
            "an absolute symbol",
            "dynamic symbol 1 st_shndx",
            nothing,
            &|file, _| {
                put16(file, DYNSYM + 30, 0xfff1);
            },
        ),
        case(
            "a descriptor elsewhere",
            "dynamic symbol 1 st_value",
            nothing,
            &|file, places| {
                put64(file, DYNSYM + 32, extra_address(places));
            },
        ),
        case(
            "a hidden symbol",
            "dynamic symbol 1 st_other",
            nothing,
            &|file, _| {
                file[DYNSYM + 29] = 2;
            },
        ),
        case("a symbol zero", "dynamic symbol 0", nothing, &|file, _| {
            file[DYNSYM] = 1
        }),
        case("another name", "dynamic strings", nothing, &|file, _| {
            file[support::DYNSTR + 1] = b'v';
        }),
        case(
            "more hash buckets",
            "symbol hash table nbuckets",
            nothing,
            &|file, _| {
                put32(file, support::GNU_HASH, 0x1000_0000);
            },
        ),
        case(
            "a hash chain without end",
            "symbol hash table chain",
            nothing,
            &|file, _| {
                file[support::GNU_HASH + 28] &= 0xfe;
            },
        ),
        case(
            "extra exports",
            "dynamic entry 0 d_val",
            nothing,
            &|file, places| {
                export_malloc(file, places);
            },
        ),
    ]
}

/// Moves symbols, strings and hash table to the writable segment, with one export more.
fn export_malloc(file: &mut [u8], places: Places) {
    let at = places.dynamic + EXTRA;
    let (hash, symbols, strings) = (at, at + 64, at + 192);
    for (index, word) in [1, 1, 1, 6].into_iter().enumerate() {
        put32(file, hash + 4 * index, word);
    }
    put64(file, hash + 16, u64::MAX);
    put32(file, hash + 24, 1);
    put32(file, hash + 28, support::gnu_hash(b"wasmelt_module") & !1);
    put32(file, hash + 32, support::gnu_hash(b"malloc") | 1);
    file.copy_within(DYNSYM..DYNSYM + 48, symbols);
    file.copy_within(DYNSYM + 24..DYNSYM + 48, symbols + 48);
    put32(file, symbols + 48, 16);
    file[symbols + 52] = 0x12;
    put64(file, symbols + 56, code_address(places));
    file[strings..strings + 23].copy_from_slice(b"\0wasmelt_module\0malloc\0");
    for (index, value) in [hash, strings, symbols, 23].into_iter().enumerate() {
        put64(file, places.dynamic + 16 * index + 8, value as u64);
    }
}

fn padding_cases(folder: &Folder) -> Vec<Case> {
    let case = |name, change: &dyn Fn(&mut Vec<u8>, Places)| Case {
        name,
        file: folder.changed(change),
        control: Control::RunsNothing,
        message: "padding",
    };
    vec![
        case("bytes behind the read-only sections", &|file, places| {
            file[places.text - 1] = 1;
        }),
        case("bytes behind the text", &|file, places| {
            file[places.dynamic - 1] = 0xc3
        }),
        case("bytes behind the dynamic section", &|file, places| {
            file[places.dynamic + PAGE - 1] = 1;
        }),
        case("bytes behind the note", &|file, _| file[1061] = 1),
    ]
}

/// Checks that no source and no trust makes the loader open the file, and that nothing ran.
fn check(folder: &Folder, case: &Case) {
    let Case { name, file, .. } = case;
    let path = folder.folder.path().join("hostile.so");
    write_entry(&path, file);
    let digest = Trust::Digest(digest(file));
    let outcomes = [
        load(Source::Bytes(file), &digest),
        load(Source::Path(&path), &digest),
        load(Source::Path(&path), &Trust::OwnCache),
        load(Source::Path(&path), &Trust::OwnCacheUnhashed),
        load(Source::Path(&path), &Trust::Named),
    ];
    for outcome in outcomes {
        let error = outcome.expect_err(name);
        assert!(matches!(error, LoadError::Elf { .. }), "{name}: {error}");
        assert!(
            error.is_artifact_refused() && !error.is_host_failure(),
            "{name}"
        );
        assert!(error.to_string().contains(case.message), "{name}: {error}");
    }
    assert!(!folder.marker().exists(), "{name}: code ran");

    let path = path.to_str().unwrap();
    let child = run_child(
        "child_opens_without_the_loader",
        &[("WASMELT_HOSTILE", path)],
    );
    if case.control == Control::RunsCode {
        let report = String::from_utf8_lossy(&child.stdout);
        assert!(
            folder.marker().exists(),
            "{name}: the control shows nothing: {report}"
        );
        fs::remove_file(folder.marker()).unwrap();
    }
    assert!(
        !folder.marker().exists(),
        "{name}: the control runs code, and is not said to"
    );
}

/// Not a case: the other cases run it in a child process with a path in the environment.
#[test]
fn child_opens_without_the_loader() {
    let Some(path) = std::env::var_os("WASMELT_HOSTILE") else {
        return;
    };
    // SAFETY: this process exists to run what is in the file.
    match unsafe { libloading::Library::new(&path) } {
        Ok(library) => {
            // SAFETY: as above.
            let symbol = unsafe { library.get::<*const u8>(c"wasmelt_module") };
            println!("opened, symbol found: {}", symbol.is_ok());
        }
        Err(error) => println!("{error:?}"),
    }
}

/// Writes a library with a constructor, for others to depend on.
fn write_evil(folder: &Folder) {
    let evil = folder.dynamic(|places| (vec![(12, code_address(places))], vec![]));
    fs::write(folder.evil(), evil).unwrap();
}

#[test]
fn what_the_dynamic_section_asks_for_is_refused() {
    let folder = Folder::new();
    write_evil(&folder);
    for case in dynamic_cases(&folder) {
        check(&folder, &case);
    }
}

#[test]
fn foreign_headers_are_refused() {
    let folder = Folder::new();
    for case in header_cases(&folder) {
        check(&folder, &case);
    }
}

#[test]
fn foreign_symbols_are_refused() {
    let folder = Folder::new();
    for case in symbol_cases(&folder) {
        check(&folder, &case);
    }
}

#[test]
fn bytes_between_parts_are_refused() {
    let folder = Folder::new();
    for case in padding_cases(&folder) {
        check(&folder, &case);
    }
}

#[test]
fn the_unchanged_module_of_these_cases_is_good() {
    let folder = Folder::new();
    let file = folder.parts().write();
    let library = load(Source::Bytes(&file), &Trust::Digest(digest(&file))).expect("it is good");
    assert_eq!(support::call_answer(&library), 42);
    drop(library);
    assert!(!folder.marker().exists());
}

fn refusal(file: &[u8]) -> LoadError {
    load(Source::Bytes(file), &Trust::Digest(digest(file))).expect_err("it is refused")
}

#[test]
fn another_target_is_refused() {
    let mut parts = answer(42);
    parts.descriptor.arch = Arch::Aarch64;
    parts.descriptor.cpu_level = CpuLevel::Armv8A;
    assert!(matches!(
        refusal(&parts.write()),
        LoadError::Target {
            expected: Arch::X86_64,
            found: Arch::Aarch64
        }
    ));
}

#[test]
fn another_abi_version_is_refused_before_anything_else_is_read() {
    for version in [0, ABI_VERSION - 1, ABI_VERSION + 1, u32::MAX] {
        let mut file = answer(42).write();
        put32(&mut file, support::DESCRIPTOR + 8, version);
        // Nothing behind the version makes sense.
        file[support::DESCRIPTOR + 12..support::DESCRIPTOR + 40].fill(0xff);
        reseal(&mut file);
        let error = refusal(&file);
        assert!(
            matches!(error, LoadError::AbiVersion { expected: ABI_VERSION, found } if found == version),
            "{error}"
        );
    }
}

#[test]
fn a_missing_cpu_feature_is_named() {
    let mut parts = answer(42);
    parts.descriptor.cpu_features = parts.descriptor.cpu_features.with(CpuFeature::Bmi2);
    let file = parts.write();
    let policy = Policy {
        cpu_features: CpuLevel::X86_64V2.features(),
        ..Policy::default()
    };
    let error = load_with_policy(Source::Bytes(&file), &Trust::Named, &policy).unwrap_err();
    assert_eq!(
        error.to_string(),
        "this CPU lacks bmi2: compile it for a lower CPU level"
    );
    assert!(error.is_artifact_refused());

    parts.descriptor.cpu_features = CpuFeatures::from_bits(1 << 63);
    let error = refusal(&parts.write());
    assert_eq!(
        error.to_string(),
        "this CPU lacks a feature unknown to this loader (bit 63): compile it for a lower CPU level"
    );

    // The named level counts even where the list of features forgets one.
    parts.descriptor.cpu_features = CpuFeatures::NONE;
    let policy = Policy {
        cpu_features: CpuFeatures::NONE,
        ..Policy::default()
    };
    let file = parts.write();
    let error = load_with_policy(Source::Bytes(&file), &Trust::Named, &policy).unwrap_err();
    assert_eq!(
        error.to_string(),
        "this CPU lacks sse3, ssse3, sse4.1, sse4.2, popcnt: compile it for a lower CPU level"
    );
}

#[test]
fn contradicting_options_are_refused() {
    let mut parts = answer(42);
    parts.descriptor.options.signals = false;
    assert!(matches!(refusal(&parts.write()), LoadError::Options { .. }));
    parts.descriptor.options.signals = true;
    parts.descriptor.is_static = true;
    assert!(matches!(
        refusal(&parts.write()),
        LoadError::Kind { found_static: true }
    ));
}

/// Where a part of a compiled artifact is, from its program headers.
fn unwind_places(file: &[u8]) -> (usize, usize, usize) {
    let table = get64(file, program_header(5) + 8) as usize;
    let len = get64(file, program_header(5) + 32) as usize;
    let cie = (table + len).next_multiple_of(8);
    let cie_len = u32::from_le_bytes(file[cie..cie + 4].try_into().unwrap()) as usize;
    (table, cie, cie + 4 + cie_len)
}

#[test]
fn unwind_information_that_names_foreign_code_is_refused() {
    let good = compiled(1);
    let (table, cie, fde) = unwind_places(&good);
    let cases: [(&str, usize, u8, &str); 9] = [
        ("a personality function", cie + 10, b'P', "augmentation"),
        ("absolute addresses", table + 3, 0x00, "table_enc"),
        ("another version", table, 2, "version"),
        ("information elsewhere", table + 4, 0, "eh_frame_ptr"),
        ("a count that does not fit", table + 8, 1, "fde_count"),
        ("a function elsewhere", table + 12, 0xff, "initial location"),
        ("a record elsewhere", table + 16, 0xff, "FDE address"),
        ("code outside of the text", fde + 11, 0x70, "pc_begin"),
        ("a record longer than the part", fde + 3, 0x70, "length"),
    ];
    for (name, at, value, message) in cases {
        let mut file = good.clone();
        assert_ne!(file[at], value, "{name}");
        file[at] = value;
        reseal(&mut file);
        let error = refusal(&file);
        let unwind = matches!(
            error,
            LoadError::Elf {
                part: ElfPart::UnwindInfo | ElfPart::UnwindTable,
                ..
            }
        );
        assert!(
            unwind && error.to_string().contains(message),
            "{name}: {error}"
        );
    }
}
