//! The rows of fizzy's benchmarks give what they must on every engine.

mod modes;

use std::fmt::Write as _;

use modes::Mode;
use wasmelt_tests::corpus::{Corpus, Entry};
use wasmelt_tests::inputs::{InputRow, InputType, parse_rows};

/// What a call gave: its result as bits, zero-extended, and the memory afterwards, where there is one.
type Outcome = (Option<u64>, Option<Vec<u8>>);

/// Runs rows on the engine of this crate; both have the same interface.
macro_rules! on_engine {
    ($name:ident, $engine:ident) => {
        mod $name {
            use super::{InputRow, InputType, Outcome, adler32};
            pub(crate) use $engine::Engine;
            use $engine::{Caller, Error, Linker, Module, Store, Val};

            /// Calls a fresh instance of `wasm` as `row` says.
            pub(crate) fn run(
                engine: &Engine,
                wasm: &[u8],
                row: &InputRow,
            ) -> Result<Outcome, Error> {
                let module = Module::new(engine, wasm)?;
                let mut store = Store::new(engine, ());
                let mut linker = Linker::new(engine);
                linker.func_wrap(
                    "env",
                    "adler32",
                    |caller: Caller<'_, ()>, start: i32, len_bytes: i32| {
                        let memory = caller
                            .get_export("memory")
                            .and_then(|export| export.into_memory());
                        let memory =
                            memory.ok_or_else(|| Error::new("the caller exports no memory"))?;
                        let start = start.cast_unsigned() as usize;
                        let bytes = memory
                            .data(&caller)
                            .get(start..start + len_bytes.cast_unsigned() as usize)
                            .ok_or_else(|| Error::new("the bytes are outside the memory"))?;
                        Ok(adler32(bytes).cast_signed())
                    },
                )?;
                let instance = linker.instantiate_and_start(&mut store, &module)?;
                let memory = instance.get_memory(&store, "memory");
                if !row.memory.is_empty() {
                    let memory =
                        memory.ok_or_else(|| Error::new("the module exports no memory"))?;
                    memory.data_mut(&mut store)[..row.memory.len()].copy_from_slice(&row.memory);
                }
                let function = instance
                    .get_func(&store, &row.function)
                    .ok_or_else(|| Error::new("the module does not export the function"))?;
                let arguments: Vec<Val> = row
                    .arguments
                    .iter()
                    .map(|&(ty, bits)| match ty {
                        InputType::I32 => {
                            let bits = u32::try_from(bits).expect("i32 values are read as 32 bits");
                            Val::I32(bits.cast_signed())
                        }
                        InputType::I64 => Val::I64(bits.cast_signed()),
                    })
                    .collect();
                let mut results = vec![Val::I32(0); function.ty(&store).results().len()];
                function.call(&mut store, &arguments, &mut results)?;
                let result = results.first().map(|value| match value {
                    Val::I32(value) => u64::from(value.cast_unsigned()),
                    Val::I64(value) => value.cast_unsigned(),
                    other => panic!("no row expects {other:?}"),
                });
                Ok((result, memory.map(|memory| memory.data(&store).to_vec())))
            }
        }
    };
}

on_engine!(on_wasmi, wasmi);
on_engine!(on_wasmelt, wasmelt);

/// The checksum that one of the modules imports (RFC 1950).
fn adler32(bytes: &[u8]) -> u32 {
    const MODULUS: u32 = 65_521;
    let (a, b) = bytes.iter().fold((1, 0), |(a, b), &byte| {
        let a = (a + u32::from(byte)) % MODULUS;
        (a, (b + a) % MODULUS)
    });
    b << 16 | a
}

/// Compares what a row gave with what it must give.
fn check(engine: &str, row: &InputRow, outcome: Result<Outcome, String>) -> Result<(), String> {
    let (result, memory) = outcome.map_err(|error| format!("{engine}: {error}"))?;
    let expected = row.result.map(|(_, bits)| bits);
    if result != expected {
        return Err(format!("{engine}: gives {result:?}, expected {expected:?}"));
    }
    let expected = row.expected_memory.as_slice();
    let memory = memory.unwrap_or_default();
    if memory.get(..expected.len()) != Some(expected) {
        return Err(format!("{engine}: leaves other bytes in the memory"));
    }
    Ok(())
}

#[test]
fn every_row_gives_what_it_must() {
    let Some(corpus) = Corpus::open().expect("a corpus that is there is readable") else {
        return;
    };
    let interpreter = on_wasmi::Engine::default();
    let engines = Mode::ALL.map(|mode| (format!("wasmelt, {}", mode.name()), mode.engine()));
    let (mut rows, mut files, mut failures) = (0, 0, String::new());
    for inputs in corpus.files_in("bench/fizzy", "inputs") {
        let module = inputs.file.replace(".inputs", ".wasm");
        let module: &Entry = corpus
            .lookup_file(&module)
            .expect("each list of rows has its module");
        assert!(
            !module.needs_wasi(),
            "{}: this suite has no WASI",
            module.file
        );
        let wasm = corpus.read(module).expect("the corpus is whole");
        let text = String::from_utf8(corpus.read(inputs).expect("the corpus is whole"))
            .expect("lists of rows are text");
        for row in parse_rows(&text).unwrap_or_else(|error| panic!("{}: {error}", inputs.file)) {
            let outcome = on_wasmi::run(&interpreter, &wasm, &row);
            let mut outcomes = vec![("wasmi", outcome.map_err(|error| error.to_string()))];
            for (name, engine) in &engines {
                let outcome = on_wasmelt::run(engine, &wasm, &row);
                outcomes.push((name, outcome.map_err(|error| error.to_string())));
            }
            for (engine, outcome) in outcomes {
                if let Err(failure) = check(engine, &row, outcome) {
                    writeln!(failures, "{} {}: {failure}", inputs.file, row.name)
                        .expect("to a string");
                }
            }
            rows += 1;
        }
        files += 1;
    }
    println!("{rows} rows of {files} modules, 0 need WASI");
    assert!(failures.is_empty(), "\n{failures}");
    assert_eq!((files, rows > files), (11, true));
}

#[test]
fn a_row_that_differs_is_noticed() {
    let row = &parse_rows("a\nf\n:i\n\n\n7\n01\n").expect("the row is well formed")[0];
    assert_eq!(check("x", row, Ok((Some(7), Some(vec![1, 2])))), Ok(()));
    assert!(check("x", row, Ok((Some(8), Some(vec![1])))).is_err());
    assert!(check("x", row, Ok((Some(7), Some(vec![2])))).is_err());
    assert!(check("x", row, Ok((Some(7), None))).is_err());
    assert!(check("x", row, Err("trap".into())).is_err());
}

#[test]
fn the_checksum_is_the_known_one() {
    assert_eq!(adler32(b"Wikipedia"), 0x11e6_0398);
}
