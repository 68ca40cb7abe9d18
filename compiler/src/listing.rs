//! Prints CLIF or assembly of one function or all: what `--emit clif` and `--emit asm` show.

use crate::{
    codegen::{CodeGenerator, Scratch, Text},
    error::CompileError,
    governor::Governor,
    options::CompileOptions,
    translate::ModuleEnv,
    wasm::parse_module,
};
use std::fmt::Write;

/// What to print.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listing {
    /// Cranelift's intermediate representation, after its optimiser.
    Clif,
    /// Assembly, as the code generator made it.
    Assembly,
}

/// Prints the functions whose index or name equals `only`, or all of them.
///
/// # Errors
///
/// As [`crate::compile`]; the text is empty when no function is called `only`.
pub fn list_functions(
    wasm: &[u8],
    options: &CompileOptions,
    listing: Listing,
    only: Option<&str>,
) -> Result<String, CompileError> {
    options.check()?;
    let module = parse_module(wasm, options)?;
    let generator = CodeGenerator::new(options)?;
    let downgrades = Governor::decide(&module.governors, wasm.len());
    let env = ModuleEnv {
        module: &module,
        options,
        downgrades: &downgrades,
        frontend_config: generator.isa().frontend_config(),
    };
    let text = match listing {
        Listing::Clif => Text::Clif,
        Listing::Assembly => Text::Assembly,
    };
    let names = module.display_names();
    let mut output = String::new();
    let mut scratch = Scratch::default();
    for defined in (0..).take(downgrades.len()) {
        let index = module.imported_function_count + defined;
        let name = &names[defined as usize];
        if only.is_some_and(|only| only != *name && only != index.to_string()) {
            continue;
        }
        let (compiled, body) = generator.compile_function(&env, defined, &mut scratch, text)?;
        let note = if compiled.is_downgraded {
            " (not optimised: above the governor's thresholds)"
        } else {
            ""
        };
        writeln!(
            output,
            ";; function {index}: {name}{note}\n{}\n",
            body.trim_end()
        )
        .expect("writing to a string succeeds");
    }
    Ok(output)
}
