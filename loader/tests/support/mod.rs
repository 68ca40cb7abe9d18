//! Writes artifacts by the layout document, without the compiler, and runs what was loaded.
//!
//! It is an independent check of the emitter: it shares only the stored formats of `wasmelt-abi`.

#![allow(
    dead_code,
    clippy::cast_possible_wrap,
    reason = "each test uses a part of it; files here are small"
)]

use std::{
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Output},
};
use wasmelt_abi::{
    Arch, BoundsStrategy, CodegenOptions, CpuLevel, Export, ExternKind, FuncType, Manifest,
    ModuleDescriptor, OffsetEntry, OffsetMapBuilder, SECTION_COUNT, SectionId, SectionRange,
    TrapCode, TrapTableBuilder, ValType, Writer,
};
use wasmelt_loader::Library;

pub(crate) const DESCRIPTOR: usize = 512;
pub(crate) const NOTE: usize = 1024;
pub(crate) const GNU_HASH: usize = 1064;
pub(crate) const DYNSYM: usize = 1096;
pub(crate) const DYNSTR: usize = 1144;
pub(crate) const EH_FRAME_HDR: usize = 1160;
pub(crate) const PAGE: usize = 4096;
pub(crate) const DIGEST: std::ops::Range<usize> = DESCRIPTOR + 40..DESCRIPTOR + 72;

/// What an artifact is written from. The dynamic section and the program headers can be bent.
pub(crate) struct Parts {
    pub(crate) descriptor: ModuleDescriptor,
    pub(crate) manifest: Manifest,
    /// Put behind the stored manifest.
    pub(crate) manifest_suffix: Vec<u8>,
    pub(crate) text: Vec<u8>,
    pub(crate) function_table: Vec<u8>,
    pub(crate) trap_table: Vec<u8>,
    pub(crate) offset_map: Vec<u8>,
    pub(crate) names: Vec<u8>,
    pub(crate) lines: Vec<u8>,
    pub(crate) data: Vec<u8>,
    pub(crate) image: Vec<u8>,
    /// Put before the `DT_NULL` of the dynamic section.
    pub(crate) extra_dynamic: Vec<(u64, u64)>,
    /// Put behind the dynamic section, at byte 256 of the writable segment.
    pub(crate) extra_writable: Vec<u8>,
}

/// Where things are in a written artifact.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Places {
    pub(crate) text: usize,
    pub(crate) dynamic: usize,
}

impl Parts {
    /// Where the text and the writable segment will be.
    pub(crate) fn places(&self) -> Places {
        let (_, end) = self.read_only_ranges();
        let text = end.next_multiple_of(PAGE);
        let dynamic = (text + self.text.len()).next_multiple_of(PAGE);
        Places { text, dynamic }
    }

    fn read_only_sections(&self) -> [(SectionId, Vec<u8>); 8] {
        [
            (
                SectionId::Manifest,
                [self.manifest.encode(), self.manifest_suffix.clone()].concat(),
            ),
            (SectionId::FunctionTable, self.function_table.clone()),
            (SectionId::TrapTable, self.trap_table.clone()),
            (SectionId::OffsetMap, self.offset_map.clone()),
            (SectionId::Names, self.names.clone()),
            (SectionId::Lines, self.lines.clone()),
            (SectionId::Data, self.data.clone()),
            (SectionId::MemoryImage, self.image.clone()),
        ]
    }

    fn read_only_ranges(&self) -> (Vec<(SectionId, usize, Vec<u8>)>, usize) {
        // The unwind table has 12 bytes, the unwind information one terminator.
        let mut end = (EH_FRAME_HDR + 12).next_multiple_of(8) + 4;
        let mut ranges = Vec::new();
        for (id, bytes) in self.read_only_sections() {
            if bytes.is_empty() {
                continue;
            }
            let alignment = if id == SectionId::MemoryImage {
                PAGE
            } else {
                8
            };
            let start = end.next_multiple_of(alignment);
            end = start + bytes.len();
            ranges.push((id, start, bytes));
        }
        (ranges, end)
    }

    /// The artifact, with a valid digest.
    pub(crate) fn write(&self) -> Vec<u8> {
        let (ranges, end) = self.read_only_ranges();
        let Places { text, dynamic } = self.places();
        let mut file = vec![0; dynamic + PAGE];
        let mut descriptor = self.descriptor.clone();
        let place = |start: usize, len: usize| SectionRange {
            offset: start as i64 - DESCRIPTOR as i64,
            len_bytes: len as u64,
        };
        for (id, start, bytes) in &ranges {
            file[*start..start + bytes.len()].copy_from_slice(bytes);
            descriptor.sections[*id as usize] = place(*start, bytes.len());
        }
        descriptor.sections[SectionId::Text as usize] = place(text, self.text.len());
        file[text..text + self.text.len()].copy_from_slice(&self.text);

        let ident = [0x7f, b'E', b'L', b'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        file[..16].copy_from_slice(&ident);
        put16(&mut file, 16, 3);
        put16(&mut file, 18, descriptor.arch as u16);
        put32(&mut file, 20, 1);
        put64(&mut file, 32, 64);
        put16(&mut file, 52, 64);
        put16(&mut file, 54, 56);
        put16(&mut file, 56, 8);
        put16(&mut file, 58, 64);
        let mut table: Vec<(u64, u64)> = vec![
            (0x6fff_fef5, GNU_HASH as u64),
            (5, DYNSTR as u64),
            (6, DYNSYM as u64),
            (10, 16),
            (11, 24),
        ];
        table.extend(&self.extra_dynamic);
        table.push((0, 0));
        let dynamic_len = 16 * table.len() as u64;
        for (index, (tag, value)) in table.into_iter().enumerate() {
            put64(&mut file, dynamic + 16 * index, tag);
            put64(&mut file, dynamic + 16 * index + 8, value);
        }
        let extra = dynamic + 256;
        file[extra..extra + self.extra_writable.len()].copy_from_slice(&self.extra_writable);

        let dynamic = dynamic as u64;
        let page = PAGE as u64;
        let headers = [
            (1, 4, 0, end as u64, page),
            (1, 5, text as u64, self.text.len() as u64, page),
            (1, 6, dynamic, page, page),
            (2, 6, dynamic, dynamic_len, 8),
            (4, 4, NOTE as u64, 36, 4),
            (0x6474_e550, 4, EH_FRAME_HDR as u64, 12, 4),
            (0x6474_e551, 6, 0, 0, 16),
            (0x6474_e552, 4, dynamic, page, 1),
        ];
        for (index, (p_type, flags, offset, len, align)) in headers.into_iter().enumerate() {
            let at = 64 + 56 * index;
            put32(&mut file, at, p_type);
            put32(&mut file, at + 4, flags);
            for field in [8, 16, 24] {
                put64(&mut file, at + field, offset);
            }
            put64(&mut file, at + 32, len);
            put64(&mut file, at + 40, len);
            put64(&mut file, at + 48, align);
        }

        for (index, word) in [4, 20, 3, 0x0055_4e47].into_iter().enumerate() {
            put32(&mut file, NOTE + 4 * index, word);
        }
        file[NOTE + 16..NOTE + 36].copy_from_slice(&[0xb1; 20]);
        let hash = gnu_hash(b"wasmelt_module");
        for (index, word) in [1, 1, 1, 6].into_iter().enumerate() {
            put32(&mut file, GNU_HASH + 4 * index, word);
        }
        let bloom = 1u64 << (hash % 64) | 1u64 << (hash / 64 % 64);
        put64(&mut file, GNU_HASH + 16, bloom);
        put32(&mut file, GNU_HASH + 24, 1);
        put32(&mut file, GNU_HASH + 28, hash | 1);
        put32(&mut file, DYNSYM + 24, 1);
        file[DYNSYM + 28] = 0x11;
        put16(&mut file, DYNSYM + 30, 1);
        put64(&mut file, DYNSYM + 32, DESCRIPTOR as u64);
        put64(&mut file, DYNSYM + 40, 512);
        file[DYNSTR + 1..DYNSTR + 15].copy_from_slice(b"wasmelt_module");
        file[EH_FRAME_HDR..EH_FRAME_HDR + 4].copy_from_slice(&[1, 0x1b, 3, 0x3b]);
        put32(&mut file, EH_FRAME_HDR + 4, 16 - 4);

        file[DESCRIPTOR..DESCRIPTOR + 512].copy_from_slice(&descriptor.encode());
        file.extend_from_slice(b"wmeltsig\0\0\0\0\0\0\0\0");
        let len = file.len() as u64;
        put64(&mut file, DESCRIPTOR + 32, len);
        reseal(&mut file);
        file
    }
}

/// A module with the one function `answer: [] -> [i32]`, which returns `value`.
pub(crate) fn answer(value: u32) -> Parts {
    let mut text = vec![0xb8];
    text.extend_from_slice(&value.to_le_bytes());
    text.push(0xc3);
    // Some bytes behind the function, as stubs are: ud2.
    text.extend_from_slice(&[0x0f, 0x0b]);
    let mut function_table = Writer::new();
    function_table.u32(0);
    function_table.u32(6);
    let mut traps = TrapTableBuilder::default();
    traps.push(6, TrapCode::IntegerOverflow);
    let mut offsets = OffsetMapBuilder::new(false);
    offsets.begin_function();
    offsets.push(OffsetEntry {
        function_offset: 0,
        wasm_offset: 30,
        node: None,
        pending_fuel: 0,
    });
    let mut names = Writer::new();
    names.count(1);
    names.u32(0);
    names.u32(0);
    names.count(b"answer".len());
    names.raw(b"answer\0");
    Parts {
        descriptor: ModuleDescriptor {
            arch: Arch::X86_64,
            cpu_level: CpuLevel::X86_64V2,
            is_static: false,
            options: CodegenOptions {
                bounds: BoundsStrategy::Guard,
                signals: true,
                ..CodegenOptions::default()
            },
            cpu_features: CpuLevel::X86_64V2.features(),
            file_len_bytes: 0,
            digest: [0; 32],
            wasm_sha256: [1; 32],
            wasm_len_bytes: 40,
            sections: [SectionRange::default(); SECTION_COUNT],
            compiler: [0; 32],
            codegen_fingerprint: [2; 32],
        },
        manifest: Manifest {
            types: vec![FuncType {
                params: vec![],
                results: vec![ValType::I32],
            }],
            local_signature_ids: vec![0],
            functions: vec![0],
            exports: vec![Export {
                name: "answer".into(),
                kind: ExternKind::Func,
                index: 0,
            }],
            ..Manifest::default()
        },
        manifest_suffix: Vec::new(),
        text,
        function_table: function_table.finish(),
        trap_table: traps.finish(),
        offset_map: offsets.finish(),
        names: names.finish(),
        lines: Vec::new(),
        data: Vec::new(),
        image: Vec::new(),
        extra_dynamic: Vec::new(),
        extra_writable: Vec::new(),
    }
}

/// A module that the compiler made, with a memory image, a table, imports and names.
pub(crate) fn compiled(value: u32) -> Vec<u8> {
    let wat = format!(
        r#"(module $m
            (import "env" "log" (func $log (param i32)))
            (import "env" "base" (global $base i32))
            (type $none (func))
            (memory (export "memory") 4 8)
            (table (export "table") 3 funcref)
            (global $count (mut i64) (i64.const -1))
            (global $from (export "from") i32 (global.get $base))
            (data (i32.const 4096) "{}")
            (elem (i32.const 0) $answer $log)
            (func $answer (export "answer") (result i32)
                i32.const {value})
            (func $divide (export "divide") (param i32 i32) (result i32)
                (i32.div_s (local.get 0) (local.get 1)))
            (func $load (export "load") (param i32) (result i32)
                (call $log (local.get 0))
                (i32.load (local.get 0)))
            (start $nothing)
            (func $nothing (type $none)))"#,
        "x".repeat(80_000)
    );
    let wasm = wat::parse_str(&wat).expect("well-formed text");
    wasmelt_compiler::compile(&wasm, &wasmelt_compiler::CompileOptions::default())
        .expect("the module compiles")
        .shared_object()
}

/// Writes the right digest into a file that was changed.
pub(crate) fn reseal(file: &mut [u8]) {
    let end = file.len() - 16;
    let mut hasher = blake3::Hasher::new();
    hasher.update(&file[..DIGEST.start]);
    hasher.update(&file[DIGEST.end..end]);
    file[DIGEST].copy_from_slice(hasher.finalize().as_bytes());
}

/// The digest that a file claims.
pub(crate) fn digest(file: &[u8]) -> [u8; 32] {
    file[DIGEST].try_into().expect("32 bytes")
}

pub(crate) fn put16(file: &mut [u8], at: usize, value: u16) {
    file[at..at + 2].copy_from_slice(&value.to_le_bytes());
}

pub(crate) fn put32(file: &mut [u8], at: usize, value: u32) {
    file[at..at + 4].copy_from_slice(&value.to_le_bytes());
}

pub(crate) fn put64(file: &mut [u8], at: usize, value: u64) {
    file[at..at + 8].copy_from_slice(&value.to_le_bytes());
}

pub(crate) fn get64(file: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(file[at..at + 8].try_into().expect("eight bytes"))
}

pub(crate) fn gnu_hash(name: &[u8]) -> u32 {
    name.iter().fold(5381, |hash: u32, byte| {
        (hash << 5)
            .wrapping_add(hash)
            .wrapping_add(u32::from(*byte))
    })
}

/// Calls the export `answer`.
pub(crate) fn call_answer(library: &Library) -> u32 {
    let export = library
        .manifest()
        .exports
        .iter()
        .find(|e| e.name == "answer");
    let index = export.expect("the module exports it").index;
    let defined = index - library.manifest().imported_function_count;
    let address = library.function_address(defined as usize);
    // SAFETY: the function has the type [] -> [i32] and uses neither memory nor stack; its only
    // argument is the vmctx, of which it reads at most the stack limit.
    let function: extern "C" fn(*const u64) -> u32 = unsafe { std::mem::transmute(address) };
    function([0u64; 16].as_ptr())
}

/// Writes a file as a private cache does.
pub(crate) fn write_entry(path: &Path, bytes: &[u8]) {
    let _ = std::fs::remove_file(path);
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o400)
        .open(path)
        .expect("a fresh file in a fresh folder");
    file.write_all(bytes).expect("there is space");
}

/// Runs one test of this binary alone, in a process of its own, with an input in the environment.
pub(crate) fn run_child(test: &str, input: &[(&str, &str)]) -> Output {
    child_command(test, input)
        .output()
        .expect("this binary runs again")
}

/// The command of [`run_child`].
pub(crate) fn child_command(test: &str, input: &[(&str, &str)]) -> Command {
    let mut command = Command::new(this_binary());
    command
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .envs(input.iter().copied());
    command
}

pub(crate) fn this_binary() -> PathBuf {
    std::env::current_exe().expect("/proc is there")
}
