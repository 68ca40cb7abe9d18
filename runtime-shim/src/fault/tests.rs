//! Compares every variant of every error with its row in `docs/errors.md`.
#![allow(clippy::unwrap_used, reason = "test code stops at the first surprise")]

use crate::{
    Engine, Extern, Ref, RefType, Store, Table,
    error::{Error, ErrorKind},
    errors::{
        ArtifactError, ConfigError, EnforcedLimitsError, FuelError, FuncError, GlobalError,
        HostError, HostFailure, ImportName, InputError, InstanceError, InstantiationError,
        LinkerError, MemoryError, ReadError, TableError, TranslationError,
    },
    types::{ExternType, FuncType, GlobalType, MemoryType, Mutability, TableType},
    value::ValType,
};
use std::{collections::BTreeMap, fmt, io, path::PathBuf};
use wasmelt_abi::{
    Arch, CodegenOptions, CpuFeatures, DecodeError, FuelSchedule, SectionId, TrapCode,
};
use wasmelt_loader::{ElfPart, LoadError};

const DOCUMENT: &str = include_str!("../../../docs/errors.md");

/// Enums with their variants, by the name that `ErrorKind` has for them: where each is written.
const SOURCES: &[(&str, &str, &str)] = &[
    ("Global", "GlobalError", include_str!("../errors.rs")),
    ("Memory", "MemoryError", include_str!("../errors.rs")),
    ("Table", "TableError", include_str!("../errors.rs")),
    ("Linker", "LinkerError", include_str!("../errors.rs")),
    (
        "Instantiation",
        "InstantiationError",
        include_str!("../errors.rs"),
    ),
    (
        "UserLimits",
        "EnforcedLimitsError",
        include_str!("../errors.rs"),
    ),
    ("Instance", "InstanceError", include_str!("../errors.rs")),
    ("Fuel", "FuelError", include_str!("../errors.rs")),
    ("Func", "FuncError", include_str!("../errors.rs")),
    ("Read", "ReadError", include_str!("../errors.rs")),
    ("HostFailure", "HostFailure", include_str!("../errors.rs")),
    (
        "Translation",
        "TranslationError",
        include_str!("../errors.rs"),
    ),
    ("Config", "ConfigError", include_str!("../errors.rs")),
    ("Artifact", "ArtifactError", include_str!("../errors.rs")),
    ("Input", "InputError", include_str!("../errors.rs")),
    (
        "Load",
        "LoadError",
        include_str!("../../../loader/src/error.rs"),
    ),
    (
        "Wasm",
        "CompileError",
        include_str!("../../../compiler/src/error.rs"),
    ),
    (
        "Cache",
        "CacheError",
        include_str!("../../../cache/src/error.rs"),
    ),
];

/// A row of the document: kind, and whether it is deterministic.
type Row = (&'static str, bool);

/// The rows of all tables, by `Kind::Variant`, or by `Kind` alone.
fn documented() -> BTreeMap<String, Row> {
    let mut rows = BTreeMap::new();
    let mut heading = Vec::new();
    for line in DOCUMENT.lines() {
        if let Some(title) = line.strip_prefix("## ") {
            heading = code_words(title);
        }
        let cells: Vec<_> = line.split(" | ").collect();
        let [names, kind, deterministic, advice] = cells[..] else {
            continue;
        };
        let deterministic = match deterministic {
            "yes" => true,
            "no" => false,
            _ => continue,
        };
        assert!(advice.len() > 8, "{line} says what to do");
        for name in code_words(names) {
            let key = match &heading[..] {
                [only] if !name.contains("::") => format!("{only}::{name}"),
                _ => name.to_owned(),
            };
            let earlier = rows.insert(key, (kind, deterministic));
            assert_eq!(earlier, None, "{name} has two rows");
        }
    }
    rows
}

fn code_words(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

/// The variants of an enum, as its source has them.
fn variants<'a>(source: &'a str, name: &str) -> Vec<&'a str> {
    let (_, body) = source.split_once(&format!("pub enum {name} {{\n")).unwrap();
    let (body, _) = body.split_once("\n}").unwrap();
    body.lines()
        .filter_map(|line| line.strip_prefix("    "))
        .filter(|line| line.starts_with(|first: char| first.is_ascii_uppercase()))
        .map(|line| &line[..line.find([' ', '(', ',']).unwrap_or(line.len())])
        .collect()
}

/// `Kind::Variant`, as `Debug` writes it.
fn key(error: &Error) -> String {
    let text = format!("{:?}", error.kind());
    let mut words = text.split(|c: char| !c.is_ascii_alphanumeric());
    let kind = words.next().unwrap();
    match error.kind() {
        ErrorKind::Message(_) | ErrorKind::I32ExitStatus(_) => kind.to_owned(),
        ErrorKind::Host(_) => "Host".to_owned(),
        #[cfg(feature = "wat")]
        ErrorKind::Wat(_) => "Wat".to_owned(),
        _ => format!("{kind}::{}", words.next().unwrap()),
    }
}

#[test]
fn every_error_is_what_its_row_says() {
    let mut rows = documented();
    for error in examples() {
        let key = key(&error);
        let row = rows.remove(&key);
        let (kind, deterministic) = row.unwrap_or_else(|| panic!("{key} has one row and example"));
        assert_eq!(error.fault_kind().name(), kind, "{key}");
        assert_eq!(error.is_deterministic(), deterministic, "{key}");
    }
    // What the crate was built without has no example.
    let is_absent = |key: &String| {
        (cfg!(not(feature = "compile")) && key.starts_with("Wasm::"))
            || (cfg!(not(feature = "cache")) && key.starts_with("Cache::"))
            || (cfg!(not(feature = "wat")) && key == "Wat")
    };
    rows.retain(|key, _| !is_absent(key));
    assert_eq!(rows.keys().collect::<Vec<_>>(), Vec::<&String>::new());
}

#[test]
fn every_variant_has_a_row() {
    let rows = documented();
    for (kind, name, source) in SOURCES {
        let variants = variants(source, name);
        assert!(!variants.is_empty(), "{name} has variants");
        for variant in variants {
            let key = format!("{kind}::{variant}");
            assert!(rows.contains_key(&key), "{key} has no row");
        }
    }
    for code in TrapCode::ALL {
        let key = format!("TrapCode::{code:?}");
        assert!(rows.contains_key(&key), "{key} has no row");
    }
}

#[test]
fn an_error_inside_another_keeps_its_kind() {
    let inner = MemoryError::ResourceLimiterDeniedAllocation;
    let error = Error::from(InstantiationError::FailedToInstantiateMemory(inner));
    assert_eq!(error.fault_kind(), Error::from(inner).fault_kind());
    assert!(error.is_deterministic());
}

#[derive(Debug)]
struct Own;

impl fmt::Display for Own {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("own")
    }
}

impl HostError for Own {}

/// One error of every variant.
fn examples() -> Vec<Error> {
    let mut errors: Vec<Error> = TrapCode::ALL.iter().copied().map(Error::from).collect();
    errors.extend([Error::new("no"), Error::host(Own), Error::i32_exit(1)]);
    errors.extend(single_operations());
    errors.extend(instantiations());
    errors.extend(loads().into_iter().map(Error::from));
    #[cfg(feature = "compile")]
    errors.extend(compilations().into_iter().map(Error::from));
    #[cfg(feature = "cache")]
    errors.extend(caches().into_iter().map(Error::from));
    #[cfg(feature = "wat")]
    errors.push(wat::parse_str("(").unwrap_err().into());
    errors
}

fn single_operations() -> Vec<Error> {
    let required_fuel = 1;
    let limit = 1;
    let options = CodegenOptions::default();
    let name = ImportName::new("m", "f");
    let schedule = FuelSchedule {
        version: 1,
        costs_hash: [0; 32],
    };
    let ty = ExternType::Func(FuncType::new([], []));
    let mut errors: Vec<Error> = vec![
        GlobalError::ImmutableWrite.into(),
        GlobalError::TypeMismatch.into(),
        EnforcedLimitsError::TooManyGlobals { limit }.into(),
        EnforcedLimitsError::TooManyTables { limit }.into(),
        EnforcedLimitsError::TooManyFunctions { limit }.into(),
        EnforcedLimitsError::TooManyMemories { limit }.into(),
        EnforcedLimitsError::TooManyElementSegments { limit }.into(),
        EnforcedLimitsError::TooManyDataSegments { limit }.into(),
        EnforcedLimitsError::TooManyParameters { limit: 1 }.into(),
        EnforcedLimitsError::TooManyResults { limit: 1 }.into(),
        EnforcedLimitsError::MinAvgBytesPerFunction { limit, avg: 1 }.into(),
        InstanceError::GuestActive.into(),
        InstanceError::Shared { what: "table" }.into(),
        InstanceError::UnknownImport { name: name.clone() }.into(),
        FuncError::ExportedFuncNotFound.into(),
        FuncError::MismatchingParameterType.into(),
        FuncError::MismatchingParameterLen.into(),
        FuncError::MismatchingResultType.into(),
        FuncError::MismatchingResultLen.into(),
        FuelError::FuelMeteringDisabled.into(),
        FuelError::OutOfFuel { required_fuel }.into(),
        ReadError::EndOfStream.into(),
        ReadError::UnknownError.into(),
        TranslationError::DisallowedStartFn.into(),
        ConfigError::UnknownOfArtifacts { option: "a" }.into(),
        ConfigError::NotEnabled { option: "a" }.into(),
        ArtifactError::NeedsSignals { options }.into(),
        ArtifactError::Metering { options }.into(),
        ArtifactError::NoCallDepth { options }.into(),
        ArtifactError::FuelSchedule {
            expected: schedule,
            found: schedule,
        }
        .into(),
        ArtifactError::NoInterruption { options }.into(),
        InputError::IsElf.into(),
        InputError::OtherModule.into(),
        LinkerError::DuplicateDefinition {
            import_name: name.clone(),
        }
        .into(),
        LinkerError::MissingDefinition {
            name: name.clone(),
            ty: ty.clone(),
        }
        .into(),
        LinkerError::InvalidTypeDefinition {
            name,
            expected: ty.clone(),
            found: ty,
        }
        .into(),
        HostFailure::Reservation {
            requested_bytes: 1,
            address_space_limit_bytes: None,
        }
        .into(),
        HostFailure::OperatingSystem {
            operation: "map memory",
            error: String::new(),
        }
        .into(),
        HostFailure::FloatEnvironment {
            expected: 0,
            found: 1,
        }
        .into(),
    ];
    errors.extend(
        [
            MemoryError::OutOfSystemMemory,
            MemoryError::OutOfBoundsGrowth,
            MemoryError::OutOfBoundsAccess,
            MemoryError::InvalidMemoryType,
            MemoryError::InvalidStaticBufferSize,
            MemoryError::ResourceLimiterDeniedAllocation,
            MemoryError::MinimumSizeOverflow,
            MemoryError::MaximumSizeOverflow,
            MemoryError::OutOfFuel { required_fuel },
        ]
        .map(Error::from),
    );
    errors.extend(
        [
            TableError::OutOfSystemMemory,
            TableError::MinimumSizeOverflow,
            TableError::MaximumSizeOverflow,
            TableError::ResourceLimiterDeniedAllocation,
            TableError::GrowOutOfBounds,
            TableError::InitOutOfBounds,
            TableError::FillOutOfBounds,
            TableError::SetOutOfBounds,
            TableError::CopyOutOfBounds,
            TableError::ElementTypeMismatch,
            TableError::OutOfFuel { required_fuel },
        ]
        .map(Error::from),
    );
    errors
}

fn instantiations() -> Vec<Error> {
    let mut store = Store::new(&Engine::default(), ());
    let table_type = TableType::new(RefType::Func, 1, None);
    let table = Table::new(&mut store, table_type, Ref::null(RefType::Func)).unwrap();
    let name = || ImportName::new("m", "x");
    let global = GlobalType::new(ValType::I32, Mutability::Const);
    let memory = MemoryType::new(1, None);
    let func = FuncType::new([], []);
    [
        InstantiationError::MismatchedNumberOfImports {
            expected: 1,
            actual: 0,
        },
        InstantiationError::ImportTypeMismatch {
            name: name(),
            expected: ExternType::Memory(memory),
            actual: Extern::Table(table),
        },
        InstantiationError::GlobalTypeMismatch {
            name: name(),
            expected: global,
            actual: global,
        },
        InstantiationError::FuncTypeMismatch {
            name: name(),
            expected: func.clone(),
            actual: func,
        },
        InstantiationError::TableTypeMismatch {
            name: name(),
            expected: table_type,
            actual: table_type,
        },
        InstantiationError::MemoryTypeMismatch {
            name: name(),
            expected: memory,
            actual: memory,
        },
        InstantiationError::MemoryTooLarge { name: name() },
        InstantiationError::MemoryStrategyMismatch { name: name() },
        InstantiationError::ElementSegmentDoesNotFit {
            table,
            table_index: 1,
            len: 1,
        },
        InstantiationError::UnexpectedStartFn { index: 0 },
        InstantiationError::TooManyInstances,
        InstantiationError::TooManyTables,
        InstantiationError::TooManyMemories,
        InstantiationError::FailedToInstantiateMemory(MemoryError::OutOfSystemMemory),
        InstantiationError::FailedToInstantiateTable(TableError::OutOfSystemMemory),
    ]
    .map(Error::from)
    .into()
}

fn loads() -> Vec<LoadError> {
    let error = DecodeError {
        position: 0,
        what: "magic",
    };
    let section = SectionId::Manifest;
    vec![
        LoadError::SymbolicLink {
            path: PathBuf::new(),
        },
        LoadError::NotRegularFile { path: None },
        LoadError::NotPrivate {
            path: None,
            expected_owner: 0,
            owner: 1,
            mode: 0,
        },
        LoadError::TrustNeedsFile,
        LoadError::TooLong { limit: 1, found: 2 },
        LoadError::TooShort {
            needed: 2,
            found: 1,
        },
        LoadError::NotElf { found: [0; 4] },
        LoadError::NoDescriptor { found: [0; 8] },
        LoadError::AbiVersion {
            expected: 2,
            found: 1,
        },
        LoadError::Descriptor(error),
        LoadError::Kind { found_static: true },
        LoadError::Target {
            expected: Arch::X86_64,
            found: Arch::Aarch64,
        },
        LoadError::CpuFeatures {
            missing: CpuFeatures::from_bits(1),
        },
        LoadError::Options { rule: "a" },
        LoadError::Length {
            expected: 1,
            found: 2,
        },
        LoadError::SignatureBlock {
            file_offset: 0,
            found: [0; 16],
        },
        LoadError::SignatureForm(error),
        LoadError::Digest {
            expected: [0; 32],
            found: [1; 32],
        },
        LoadError::Untrusted {
            expected: [0; 32],
            found: [1; 32],
        },
        LoadError::InvalidSignature {
            key_id: None,
            reason: "a",
        },
        LoadError::TooFewSignatures {
            needed: 1,
            signed: Vec::new(),
            unknown: Vec::new(),
        },
        LoadError::Elf {
            part: ElfPart::Header,
            field: "e_type",
            file_offset: 0,
            expected: 3,
            found: 2,
        },
        LoadError::SectionRange {
            section,
            expected: 0,
            found: 1,
            len_bytes: 2,
        },
        LoadError::Section { section, error },
        LoadError::Contents {
            section,
            index: 0,
            rule: "a",
        },
        LoadError::ChangedWhileLoading { path: None },
        LoadError::OtherLibrary { what: "a" },
        LoadError::Io {
            action: "open",
            path: None,
            source: io::Error::other("no"),
        },
        LoadError::HostPageSize {
            expected: 1,
            found: 2,
        },
        LoadError::NoRoute {
            attempts: Vec::new(),
        },
    ]
}

#[cfg(feature = "compile")]
fn compilations() -> Vec<wasmelt_compiler::CompileError> {
    use wasmelt_compiler::{CompileError, Container, InvalidModule, UnsupportedProposal};
    vec![
        CompileError::NotWasm {
            container: Container::Unknown,
        },
        CompileError::Invalid(InvalidModule {
            message: String::new(),
            offset: 0,
            function: None,
        }),
        CompileError::Unsupported(Box::new(UnsupportedProposal {
            proposal: "simd",
            preset: "wasm1",
            operator: None,
            function: None,
            offset: 0,
            message: String::new(),
            way_out: "",
        })),
        CompileError::Floats {
            operator: None,
            function: None,
            offset: 8,
        },
        CompileError::PresetRule {
            preset: "polkadot",
            rule: "a start function",
            offset: 0,
        },
        CompileError::LimitExceeded {
            what: "the length",
            limit: 1,
            found: 2,
        },
        CompileError::OptionsContradict {
            first: "a",
            second: "b",
        },
        CompileError::Codegen {
            function: 0,
            reason: String::new(),
        },
        CompileError::Emit {
            reason: String::new(),
        },
    ]
}

#[cfg(feature = "cache")]
fn caches() -> Vec<wasmelt_cache::CacheError> {
    use wasmelt_cache::{CacheError, EntryFault, KeyBuilder, Mode};
    let path = PathBuf::new;
    let key = || KeyBuilder::new("test").finish();
    let source = || io::Error::other("no");
    vec![
        CacheError::NoHome,
        CacheError::MissingFolder { path: path() },
        CacheError::NotAFolder { path: path() },
        CacheError::FolderIsSymlink { path: path() },
        CacheError::FolderNotOurs {
            path: path(),
            owner: 0,
            expected: 1,
        },
        CacheError::FolderWritableByOthers {
            path: path(),
            mode: 0,
        },
        CacheError::NotWritable {
            path: path(),
            source: source(),
        },
        CacheError::DiskFull {
            path: path(),
            len_bytes: 1,
            source: source(),
        },
        CacheError::FileTooLarge {
            path: path(),
            len_bytes: 1,
            source: source(),
        },
        CacheError::ReadOnlyMode {
            path: path(),
            mode: Mode::ReadOnly,
        },
        CacheError::NotCached {
            key: key(),
            path: path(),
        },
        CacheError::BadEntry {
            path: path(),
            fault: EntryFault::Empty,
        },
        CacheError::EmptyEntry { key: key() },
        CacheError::NoEntry {
            key: key(),
            path: path(),
        },
        CacheError::Pinned {
            key: key(),
            holders: vec!["a".into()],
        },
        CacheError::InUse { key: key() },
        CacheError::HolderName { name: "a".into() },
        CacheError::Io {
            operation: "open",
            path: path(),
            source: source(),
        },
    ]
}
