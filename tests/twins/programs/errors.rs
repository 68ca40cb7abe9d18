//! Messages and kinds of the errors that a program can make or meet.

use super::Notes;
use super::notes::module;
use std::fmt;
use wasmi::errors::{
    ErrorKind, FuelError, FuncError, GlobalError, HostError, InstantiationError, MemoryError,
    ReadError, TableError,
};
use wasmi::{Caller, Engine, Error, Linker, Store, TrapCode};

pub(crate) fn run(notes: &mut Notes) {
    for error in [
        Error::new("a message"),
        Error::new(String::from("another\nof two lines")),
        Error::i32_exit(-7),
        Error::i32_exit(0),
        Error::from(TrapCode::BadSignature),
        Error::from(TrapCode::OutOfFuel),
    ] {
        let key = format!("{:?}", error.kind());
        notes.error(&key, &error);
        notes.debug(format!("{key}: host"), error.kind().as_host().is_some());
        notes.debug(format!("{key}: size"), size_of_val(&error));
    }
    for error in [
        FuncError::ExportedFuncNotFound,
        FuncError::MismatchingParameterType,
        FuncError::MismatchingParameterLen,
        FuncError::MismatchingResultType,
        FuncError::MismatchingResultLen,
    ] {
        notes.error(&format!("{error:?}"), &error.into());
    }
    for error in [GlobalError::ImmutableWrite, GlobalError::TypeMismatch] {
        notes.error(&format!("{error:?}"), &error.into());
    }
    for error in [
        MemoryError::OutOfSystemMemory,
        MemoryError::OutOfBoundsGrowth,
        MemoryError::OutOfBoundsAccess,
        MemoryError::InvalidMemoryType,
        MemoryError::InvalidStaticBufferSize,
        MemoryError::ResourceLimiterDeniedAllocation,
        MemoryError::MinimumSizeOverflow,
        MemoryError::MaximumSizeOverflow,
        MemoryError::OutOfFuel { required_fuel: 5 },
    ] {
        notes.error(&format!("{error:?}"), &error.into());
    }
    for error in [
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
        TableError::OutOfFuel { required_fuel: 6 },
    ] {
        notes.error(&format!("{error:?}"), &error.into());
    }
    for error in [
        FuelError::fuel_metering_disabled(),
        FuelError::out_of_fuel(3),
    ] {
        notes.error(&format!("{error:?}"), &error.into());
    }
    for error in [ReadError::EndOfStream, ReadError::UnknownError] {
        notes.error(&format!("{error:?}"), &error.into());
    }
    for error in [
        InstantiationError::TooManyInstances,
        InstantiationError::TooManyTables,
        InstantiationError::TooManyMemories,
        InstantiationError::UnexpectedStartFn { index: 4 },
        InstantiationError::mismatched_number_of_imports(1, 2),
        InstantiationError::FailedToInstantiateMemory(MemoryError::OutOfSystemMemory),
        InstantiationError::FailedToInstantiateTable(TableError::MinimumSizeOverflow),
    ] {
        notes.error(&format!("{error:?}"), &error.into());
    }
}

/// An error of the host with data.
#[derive(Debug, PartialEq)]
struct Refused {
    code: u32,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "refused with code {}", self.code)
    }
}

impl HostError for Refused {}

#[derive(Debug)]
struct Other;

impl fmt::Display for Other {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("other")
    }
}

impl HostError for Other {}

/// What a host function returns comes back through the guest.
pub(crate) fn run_host_errors(notes: &mut Notes) {
    let engine = Engine::default();
    let mut store = Store::new(&engine, 0_u32);
    let mut linker = <Linker<u32>>::new(&engine);
    linker
        .func_wrap(
            "host",
            "refuse",
            |_: Caller<'_, u32>, code: u32| -> Result<(), Error> {
                Err(Error::host(Refused { code }))
            },
        )
        .and_then(|linker| {
            linker.func_wrap("host", "exit", |code: i32| -> Result<i32, Error> {
                Err(Error::i32_exit(code))
            })
        })
        .and_then(|linker| {
            linker.func_wrap("host", "say", || -> Result<(), Error> {
                Err(Error::new("said"))
            })
        })
        .and_then(|linker| {
            linker.func_wrap("host", "trap", || -> Result<(), Error> {
                Err(TrapCode::IntegerOverflow.into())
            })
        })
        .expect("four names");
    let text = r#"(module
        (import "host" "refuse" (func $refuse (param i32)))
        (import "host" "exit" (func $exit (param i32) (result i32)))
        (import "host" "say" (func $say)) (import "host" "trap" (func $trap))
        (func (export "refuse") (call $refuse (i32.const 41)))
        (func (export "exit") (drop (call $exit (i32.const 3))))
        (func (export "say") (call $say)) (func (export "trap") (call $trap)))"#;
    let instance = linker
        .instantiate_and_start(&mut store, &module(&engine, text))
        .expect("all is defined");
    for name in ["refuse", "exit", "say", "trap"] {
        let func = instance.get_typed_func::<(), ()>(&store, name).expect(name);
        let mut error = func.call(&mut store, ()).expect_err(name);
        notes.error(name, &error);
        notes.debug(
            format!("{name}: as refused"),
            error.downcast_ref::<Refused>(),
        );
        notes.debug(
            format!("{name}: as other"),
            error.downcast_ref::<Other>().is_some(),
        );
        if let Some(refused) = error.downcast_mut::<Refused>() {
            refused.code += 1;
        }
        let is_host = matches!(error.kind(), ErrorKind::Host(host) if host.is::<Refused>());
        notes.debug(format!("{name}: is refused"), is_host);
        notes.debug(format!("{name}: into"), error.downcast::<Refused>());
    }
    notes.debug("wrong type", Error::host(Other).downcast::<Refused>());
}
