//! Snapshots: each `tests/disas/*.wat` ends with the listing that the compiler makes of it.
//!
//! The first lines are directives: `;;! arch = "x86_64"`, `;;! emit = "asm"` (or `clif`, `elf`),
//! `;;! options = "explicit no-signals …"`. `WASMELT_BLESS=1 cargo test -p wasmelt-compiler --test
//! disas` (or `cargo xtask bless`) writes the listings anew; the diff is then for people to judge.

use object::{Object, ObjectSection, ObjectSymbol};
use std::{fmt::Write, fs, path::Path};
use wasmelt_abi::{Arch, BoundsStrategy, CodegenOptions, CpuLevel, DebugInfo, OptLevel, Preset};
use wasmelt_compiler::{CompileOptions, Listing, compile, list_functions};

#[test]
fn listings_are_those_of_the_snapshots() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/disas");
    let bless = std::env::var_os("WASMELT_BLESS").is_some();
    let mut paths: Vec<_> = fs::read_dir(&folder)
        .expect("the snapshots are there")
        .map(|entry| entry.expect("readable folder").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "wat"))
        .collect();
    paths.sort();
    assert!(paths.len() >= 20, "only {} snapshots", paths.len());
    let mut failures = String::new();
    for path in &paths {
        let name = path
            .file_name()
            .expect("a file")
            .to_string_lossy()
            .into_owned();
        let content = fs::read_to_string(path).expect("readable snapshot");
        let (source, expected) = split_snapshot(&content);
        let found = listing(source, &name);
        if bless {
            let snapshot = format!("{}\n\n{found}", source.trim_end());
            fs::write(path, snapshot).expect("writable snapshot");
        } else if found.trim() != expected.trim() {
            writeln!(failures, "{name}: expected\n{expected}\nfound\n{found}").expect("a string");
        }
    }
    assert!(
        failures.is_empty(),
        "{failures}\nbless with: cargo xtask bless"
    );
    println!("{} snapshots", paths.len());
}

/// The text, and the trailing comment lines that hold the listing.
fn split_snapshot(content: &str) -> (&str, &str) {
    let listing_start = content
        .find("\n;; function ")
        .or_else(|| content.find("\n;; segment "));
    listing_start.map_or((content, ""), |at| content.split_at(at + 1))
}

fn listing(source: &str, name: &str) -> String {
    let directive = |key: &str| {
        let line = source
            .lines()
            .find_map(|line| line.strip_prefix(&format!(";;! {key} = ")));
        line.map(|value| value.trim().trim_matches('"').to_owned())
    };
    let arch = match directive("arch").as_deref() {
        Some("x86_64") => Arch::X86_64,
        Some("aarch64") => Arch::Aarch64,
        other => panic!("{name}: unknown arch {other:?}"),
    };
    let options = parse_options(arch, &directive("options").unwrap_or_default(), name);
    let wasm = wat::parse_str(source).unwrap_or_else(|error| panic!("{name}: {error}"));
    let text = match directive("emit").as_deref() {
        Some("asm") => list_functions(&wasm, &options, Listing::Assembly, None),
        Some("clif") => list_functions(&wasm, &options, Listing::Clif, None),
        Some("elf") => compile(&wasm, &options).map(|module| elf_listing(&module.shared_object())),
        other => panic!("{name}: unknown emit {other:?}"),
    };
    let text = text.unwrap_or_else(|error| panic!("{name}: {error}"));
    let commented = text.trim().lines().map(|line| match line {
        "" => ";;".to_owned(),
        line if line.starts_with(";; ") => line.to_owned(),
        line => format!(";;   {line}"),
    });
    commented.collect::<Vec<_>>().join("\n") + "\n"
}

fn parse_options(arch: Arch, words: &str, name: &str) -> CompileOptions {
    let mut options = CompileOptions::for_target(arch);
    options.threads = 1;
    options.verify = true;
    let mut codegen = CodegenOptions { ..options.codegen };
    for word in words.split_whitespace() {
        match word {
            "debug" => codegen.debug_info = DebugInfo::Full,
            "explicit" => codegen.bounds = BoundsStrategy::Explicit,
            "fuel" => codegen.fuel = true,
            "interruption" => codegen.interruption = true,
            "call-depth" => codegen.call_depth = true,
            "no-signals" => {
                codegen.signals = false;
                codegen.bounds = BoundsStrategy::Explicit;
            }
            "none" => codegen.opt_level = OptLevel::None,
            "nan" => codegen.nan_canonicalization = true,
            "spectre" => codegen.spectre_mitigation = true,
            "polkadot" => codegen.preset = Preset::Polkadot,
            "v3" => {
                options.cpu_level = CpuLevel::X86_64V3;
                options.cpu_features = CpuLevel::X86_64V3.features();
            }
            word => panic!("{name}: unknown option {word}"),
        }
    }
    options.codegen = codegen;
    options
}

/// Segments, sections and symbols of an artifact.
fn elf_listing(artifact: &[u8]) -> String {
    let mut output = String::new();
    let file = object::read::elf::ElfFile64::<object::Endianness>::parse(artifact)
        .expect("the artifact is ELF");
    for header in file.elf_program_headers() {
        let e = object::Endianness::Little;
        writeln!(
            output,
            ";; segment type={:#x} flags={:#x} offset={:#x} vaddr={:#x} filesz={:#x} memsz={:#x} align={:#x}",
            header.p_type.get(e),
            header.p_flags.get(e),
            header.p_offset.get(e),
            header.p_vaddr.get(e),
            header.p_filesz.get(e),
            header.p_memsz.get(e),
            header.p_align.get(e),
        )
        .expect("a string");
    }
    for section in file.sections() {
        let name = section.name().expect("a name");
        let (address, size) = (section.address(), section.size());
        writeln!(output, "section {name} address={address:#x} size={size:#x}").expect("a string");
    }
    for symbol in file.symbols().chain(file.dynamic_symbols()) {
        let name = symbol.name().expect("a name");
        let (address, size) = (symbol.address(), symbol.size());
        writeln!(output, "symbol {name} address={address:#x} size={size:#x}").expect("a string");
    }
    write_lines(&mut output, &file);
    let relocations = file.dynamic_relocations().map_or(0, Iterator::count);
    let undefined = file
        .dynamic_symbols()
        .filter(ObjectSymbol::is_undefined)
        .count();
    writeln!(
        output,
        "{relocations} relocations, {undefined} undefined symbols"
    )
    .expect("a string");
    output
}

/// Rows of the line table, if there is one.
fn write_lines(output: &mut String, file: &object::read::elf::ElfFile64<'_>) {
    let section = |id: gimli::SectionId| {
        let section = file.section_by_name(id.name());
        let data = section.map_or(&[][..], |section| section.data().expect("its bytes"));
        Ok::<_, gimli::Error>(gimli::EndianSlice::new(data, gimli::LittleEndian))
    };
    let dwarf = gimli::Dwarf::load(section).expect("every section is given");
    let mut units = dwarf.units();
    while let Some(header) = units.next().expect("well-formed") {
        let unit = dwarf.unit(header).expect("well-formed");
        let unit = unit.unit_ref(&dwarf);
        let Some(program) = unit.line_program.clone() else {
            continue;
        };
        let mut rows = program.rows();
        while let Some((header, row)) = rows.next_row().expect("well-formed") {
            let file = row.file(header).expect("a known file").path_name();
            let file = unit.attr_string(file).expect("a string");
            let line = row.line().map_or(0, std::num::NonZero::get);
            let end = if row.end_sequence() { " end" } else { "" };
            writeln!(
                output,
                "line {:#x} {}:{line}{end}",
                row.address(),
                file.to_string_lossy()
            )
            .expect("a string");
        }
    }
}
