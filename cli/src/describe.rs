//! Puts types, limits and interfaces of modules into words.

use crate::failure::printable_name;
use serde::Serialize;
use std::fmt::Write as _;
use wasmelt_abi::{
    Export, ExternKind, FuncType, Global, GlobalType, Import, Limits, Manifest, Memory, Table,
    ValType,
};
use wasmelt_compiler::ModuleInfo;

/// What a module imports and exports, wherever the module was found.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Interface<'a> {
    types: &'a [FuncType],
    functions: &'a [u32],
    imports: &'a [Import],
    exports: &'a [Export],
    globals: &'a [Global],
    table: Option<Table>,
    memory: Option<Memory>,
}

impl<'a> From<&'a Manifest> for Interface<'a> {
    fn from(manifest: &'a Manifest) -> Self {
        Self {
            types: &manifest.types,
            functions: &manifest.functions,
            imports: &manifest.imports,
            exports: &manifest.exports,
            globals: &manifest.globals,
            table: manifest.table,
            memory: manifest.memory,
        }
    }
}

impl<'a> From<&'a ModuleInfo<'_>> for Interface<'a> {
    fn from(module: &'a ModuleInfo<'_>) -> Self {
        Self {
            types: &module.types,
            functions: &module.functions,
            imports: &module.imports,
            exports: &module.exports,
            globals: &module.globals,
            table: module.table,
            memory: module.memory,
        }
    }
}

/// An import in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct ImportText {
    /// Module name.
    pub(crate) module: String,
    /// Field name.
    pub(crate) name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub(crate) ty: String,
}

/// An export in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct ExportText {
    /// Name.
    pub(crate) name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub(crate) ty: String,
}

impl ImportText {
    /// `module.name: type`.
    pub(crate) fn line(&self) -> String {
        let (module, name) = (printable_name(&self.module), printable_name(&self.name));
        format!("{module}.{name}: {}", self.ty)
    }
}

impl ExportText {
    /// `name: type`.
    pub(crate) fn line(&self) -> String {
        format!("{}: {}", printable_name(&self.name), self.ty)
    }
}

impl Interface<'_> {
    /// The imports in their order.
    pub(crate) fn imports(&self) -> Vec<ImportText> {
        self.imports
            .iter()
            .map(|import| ImportText {
                module: import.module.clone(),
                name: import.name.clone(),
                ty: match import.kind {
                    ExternKind::Func => self.function(Some(&import.index)),
                    kind => self.other(kind, import.index),
                },
            })
            .collect()
    }

    /// The exports in their order.
    pub(crate) fn exports(&self) -> Vec<ExportText> {
        self.exports
            .iter()
            .map(|export| ExportText {
                name: export.name.clone(),
                ty: match export.kind {
                    ExternKind::Func => self.function(self.functions.get(export.index as usize)),
                    kind => self.other(kind, export.index),
                },
            })
            .collect()
    }

    /// The name under which a function is exported first.
    pub(crate) fn exported_name(&self, func_index: u32) -> Option<&str> {
        let is_it =
            |export: &&Export| export.kind == ExternKind::Func && export.index == func_index;
        Some(self.exports.iter().find(is_it)?.name.as_str())
    }

    fn function(&self, type_index: Option<&u32>) -> String {
        type_index
            .and_then(|index| self.types.get(*index as usize))
            .map_or_else(|| "func".to_owned(), func_type)
    }

    fn other(&self, kind: ExternKind, index: u32) -> String {
        let known = match kind {
            ExternKind::Func => None,
            ExternKind::Table => self.table.map(|table| table_type(table.limits)),
            ExternKind::Memory => self.memory.map(|memory| memory_type(memory.limits)),
            ExternKind::Global => self
                .globals
                .get(index as usize)
                .map(|global| global_type(global.ty)),
        };
        known.unwrap_or_else(|| kind_name(kind).to_owned())
    }
}

/// `func(i32, i32) -> i64`.
pub(crate) fn func_type(ty: &FuncType) -> String {
    let mut text = format!("func({})", val_types(&ty.params));
    match ty.results.as_slice() {
        [] => {}
        [result] => write!(text, " -> {result}").expect("writing to a string succeeds"),
        results => write!(text, " -> ({})", val_types(results)).expect("as above"),
    }
    text
}

/// `memory, 1 to 16 pages`.
pub(crate) fn memory_type(limits: Limits) -> String {
    format!("memory, {}", limits_text(limits, "page"))
}

/// `table, at least 10 elements`.
pub(crate) fn table_type(limits: Limits) -> String {
    format!("table, {}", limits_text(limits, "element"))
}

/// `global mut i32`.
pub(crate) fn global_type(ty: GlobalType) -> String {
    let mutability = if ty.mutable { "mut " } else { "" };
    format!("global {mutability}{}", ty.content)
}

/// Types separated by commas.
pub(crate) fn val_types(types: &[ValType]) -> String {
    let names: Vec<_> = types.iter().map(ToString::to_string).collect();
    names.join(", ")
}

/// The kind in one word.
pub(crate) const fn kind_name(kind: ExternKind) -> &'static str {
    match kind {
        ExternKind::Func => "function",
        ExternKind::Table => "table",
        ExternKind::Memory => "memory",
        ExternKind::Global => "global",
    }
}

/// Bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a string succeeds");
        text
    })
}

/// `1 function`, `2 functions`.
pub(crate) fn counted(count: usize, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}

fn limits_text(limits: Limits, unit: &str) -> String {
    let plural = |count| if count == 1 { "" } else { "s" };
    let min = limits.min;
    match limits.max {
        Some(max) if max == min => format!("exactly {max} {unit}{}", plural(max)),
        Some(max) => format!("{min} to {max} {unit}{}", plural(max)),
        None => format!("at least {min} {unit}{}", plural(min)),
    }
}

#[cfg(test)]
mod tests {
    use super::{Interface, counted, hex};
    use wasmelt_compiler::{CompileOptions, parse_module};

    #[test]
    fn imports_and_exports_have_names_and_types() {
        let wasm = wat::parse_str(
            r#"(module
                (import "env" "f" (func (param i32 i64) (result f32)))
                (import "env" "g\n" (global i32))
                (import "env" "m" (memory 1))
                (table (export "t") 2 2 funcref)
                (global (export "h") (mut f64) (f64.const 0))
                (func (export "run")))"#,
        )
        .expect("valid text");
        let module = parse_module(&wasm, &CompileOptions::default()).expect("valid module");
        let interface = Interface::from(&module);
        let imports: Vec<_> = interface.imports().iter().map(|i| i.line()).collect();
        assert_eq!(
            imports,
            [
                "env.f: func(i32, i64) -> f32",
                "env.g\\n: global i32",
                "env.m: memory, at least 1 page"
            ]
        );
        let exports: Vec<_> = interface.exports().iter().map(|e| e.line()).collect();
        assert_eq!(
            exports,
            [
                "t: table, exactly 2 elements",
                "h: global mut f64",
                "run: func()"
            ]
        );
    }

    #[test]
    fn small_words_are_right() {
        assert_eq!(hex(&[0, 0xab]), "00ab");
        assert_eq!(counted(1, "import"), "1 import");
        assert_eq!(counted(0, "import"), "0 imports");
    }
}
