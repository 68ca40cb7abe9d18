//! Programs for the phases other than execute: an empty call, a host call, a large data segment, many functions.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::{Context as _, Result};

use crate::kernels::{Input, KERNELS};

/// A module to compile, load or instantiate, and what its `run` must give.
#[derive(Clone, Debug)]
pub struct Program {
    /// Its name in reports.
    pub name: Cow<'static, str>,
    /// The module.
    pub wasm: Cow<'static, [u8]>,
    /// A cheap call that proves that the result works.
    pub check: Input,
    /// Whether it can be instantiated here; otherwise it is only compiled and loaded, and not checked.
    pub is_complete: bool,
    /// Whether that call is part of what is measured when it is instantiated.
    pub is_called: bool,
}

/// `run` gives its argument plus one: the cost of calling it is the cost of entering wasm.
///
/// # Errors
/// When the text does not parse, which would be a mistake here.
pub fn empty() -> Result<Program> {
    program(
        "empty",
        r#"(module (func (export "run") (param i32) (result i32) (i32.add (local.get 0) (i32.const 1))))"#,
        Input {
            n: 41,
            expected: 42,
        },
    )
}

/// `run(n)` calls the host's `host.step`, which adds one, n times.
///
/// # Errors
/// When the text does not parse, which would be a mistake here.
pub fn host_steps() -> Result<Program> {
    program(
        "host_steps",
        r#"(module
            (import "host" "step" (func $step (param i32) (result i32)))
            (func (export "run") (param $n i32) (result i32) (local $x i32)
                (block $done
                    (loop $next
                        (br_if $done (i32.eqz (local.get $n)))
                        (local.set $x (call $step (local.get $x)))
                        (local.set $n (i32.sub (local.get $n) (i32.const 1)))
                        (br $next)))
                (local.get $x)))"#,
        Input {
            n: 1000,
            expected: 1000,
        },
    )
}

/// `run` reads outside of its memory, and then `run` of the other executes `unreachable`.
///
/// # Errors
/// When the text does not parse, which would be a mistake here.
pub fn trapping() -> Result<[Program; 2]> {
    let never = Input { n: 0, expected: 0 };
    Ok([
        program(
            "trap_memory",
            r#"(module (memory 1) (func (export "run") (param i32) (result i32) (i32.load (i32.const -4))))"#,
            never,
        )?,
        program(
            "trap_unreachable",
            r#"(module (func (export "run") (param i32) (result i32) unreachable))"#,
            never,
        )?,
    ])
}

/// A memory of 16 MiB whose first MiB comes from a data segment; `run(n)` writes a byte to each of the first n
/// pages and gives the byte behind it.
///
/// # Errors
/// When the text does not parse, which would be a mistake here.
pub fn large_data() -> Result<Program> {
    const LEN_BYTES: usize = 1 << 20;
    let mut text = String::with_capacity(LEN_BYTES + 512);
    text.push_str("(module (memory 256) (data (i32.const 0) \"");
    text.extend((0..LEN_BYTES).map(|at| char::from(b'a' + (at % 26) as u8)));
    text.push_str(
        r#"") (func (export "run") (param $n i32) (result i32) (local $page i32)
            (loop $next
                (i32.store8 (i32.shl (local.get $page) (i32.const 12)) (i32.const 0))
                (local.set $page (i32.add (local.get $page) (i32.const 1)))
                (br_if $next (i32.lt_u (local.get $page) (local.get $n))))
            (i32.load8_u offset=1 (i32.const 0))))"#,
    );
    program(
        "large_data",
        &text,
        Input {
            n: 1,
            expected: u32::from(b'b'),
        },
    )
}

/// The same, and 256 pages are written each time.
fn large_data_written() -> Result<Program> {
    let large_data = large_data()?;
    Ok(Program {
        name: "large_data_written".into(),
        check: Input {
            n: 256,
            ..large_data.check
        },
        is_called: true,
        ..large_data
    })
}

/// Two thousand functions of straight-line code, loops, loads and calls: something that takes a compiler's time.
///
/// # Errors
/// When the text does not parse, which would be a mistake here.
pub fn many_functions() -> Result<Program> {
    const FUNCTIONS: u32 = 2000;
    let mut text = String::from("(module (memory 1)\n");
    for index in 0..FUNCTIONS {
        let factor = index.wrapping_mul(2_654_435_761) | 1;
        write!(
            text,
            "(func $f{index} (param $x i32) (result i32) (local $k i32) (local $y i64)
                (local.set $k (i32.const {count}))
                (loop $next
                    (local.set $x (i32.xor (i32.mul (local.get $x) (i32.const {factor}))
                        (i32.load offset={offset} (i32.and (local.get $k) (i32.const 1023)))))
                    (local.set $y (i64.add (local.get $y) (i64.extend_i32_u (local.get $x))))
                    (i32.store offset={offset} (i32.and (local.get $x) (i32.const 1020)) (local.get $k))
                    (local.set $k (i32.sub (local.get $k) (i32.const 1)))
                    (br_if $next (local.get $k)))
                (if (result i32) (i32.and (local.get $x) (i32.const 1))
                    (then {callee})
                    (else (i32.add (local.get $x) (i32.wrap_i64 (local.get $y))))))\n",
            count = 2 + index % 3,
            offset = 4 * (index % 64),
            callee = match index.checked_sub(7) {
                Some(callee) => format!("(call $f{callee} (i32.add (local.get $x) (i32.const 1)))"),
                None => "(local.get $x)".to_owned(),
            },
        )?;
    }
    let last = FUNCTIONS - 1;
    writeln!(
        text,
        "(func (export \"run\") (param i32) (result i32) (call $f{last} (local.get 0))))"
    )?;
    program(
        "many_functions",
        &text,
        Input {
            n: 1,
            expected: MANY_FUNCTIONS_OF_1,
        },
    )
}

/// What every engine gives for `run(1)` of [`many_functions`] on a fresh instance.
const MANY_FUNCTIONS_OF_1: u32 = 0x1f8f_d120;

/// Modules from files, which may import anything.
///
/// # Errors
/// When a file cannot be read.
pub fn modules_from(paths: &[PathBuf]) -> Result<Vec<Program>> {
    let module = |path: &PathBuf| {
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let wasm =
            std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        Ok(Program {
            name: name.into_owned().into(),
            wasm: Cow::Owned(wasm),
            check: Input { n: 0, expected: 0 },
            is_complete: false,
            is_called: false,
        })
    };
    paths.iter().map(module).collect()
}

/// The modules whose compilation and loading are measured: some kernels, and [`many_functions`].
///
/// # Errors
/// When a program's text does not parse, which would be a mistake here.
pub fn compiled_programs() -> Result<Vec<Program>> {
    const NAMES: [&str; 6] = ["fib", "sha256", "fe25519", "nbody", "json", "vtable"];
    let mut programs: Vec<Program> = KERNELS
        .iter()
        .filter(|kernel| NAMES.contains(&kernel.name))
        .map(|kernel| Program {
            name: kernel.name.into(),
            wasm: Cow::Borrowed(kernel.wasm),
            check: kernel.small,
            is_complete: true,
            is_called: false,
        })
        .collect();
    programs.push(many_functions()?);
    Ok(programs)
}

/// The modules whose instantiation is measured.
///
/// # Errors
/// When a program's text does not parse, which would be a mistake here.
pub fn instantiated_programs() -> Result<Vec<Program>> {
    let vtable = KERNELS
        .iter()
        .find(|kernel| kernel.name == "vtable")
        .map(|kernel| Program {
            name: kernel.name.into(),
            wasm: Cow::Borrowed(kernel.wasm),
            check: kernel.small,
            is_complete: true,
            is_called: false,
        });
    Ok([empty()?, large_data()?, large_data_written()?]
        .into_iter()
        .chain(vtable)
        .collect())
}

fn program(name: &'static str, text: &str, check: Input) -> Result<Program> {
    Ok(Program {
        name: name.into(),
        wasm: Cow::Owned(wat::parse_str(text)?),
        check,
        is_complete: true,
        is_called: false,
    })
}
