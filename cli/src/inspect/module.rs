//! Describes a core module: what it needs, imports, exports and defines.

use super::{
    line, list,
    sections::{WasmSection, wasm_sections},
};
use crate::{
    describe::{ExportText, ImportText, Interface, counted, memory_type, table_type},
    failure::printable_name,
};
use serde::Serialize;
use std::fmt::Write as _;
use wasmelt_abi::Preset;
use wasmelt_compiler::{
    CompileError, CompileOptions, FeatureUse, ModuleInfo, features_needed, parse_module,
};

/// What a core module is.
#[derive(Debug, Serialize)]
pub(super) struct ModuleReport {
    len_bytes: usize,
    /// Proposals beyond the MVP, in the order of first use.
    needs: Vec<Need>,
    /// Presets under which it compiles, and why not under the others.
    presets: Vec<PresetVerdict>,
    /// What is in it; absent where it needs more than every preset has.
    contents: Option<Contents>,
    sections: Vec<WasmSection>,
}

#[derive(Debug, Serialize)]
struct Need {
    proposal: &'static str,
    offset: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    operator: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    function: Option<u32>,
}

#[derive(Debug, Serialize)]
struct PresetVerdict {
    preset: &'static str,
    compiles: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

#[derive(Debug, Serialize)]
struct Contents {
    name: Option<String>,
    types: usize,
    imported_functions: u32,
    defined_functions: usize,
    globals: usize,
    memory: Option<String>,
    table: Option<String>,
    start: Option<u32>,
    data_segments: usize,
    data_bytes: usize,
    element_segments: usize,
    largest_body: Option<Body>,
    imports: Vec<ImportText>,
    exports: Vec<ExportText>,
}

#[derive(Debug, Serialize)]
struct Body {
    function: u32,
    len_bytes: usize,
}

impl ModuleReport {
    /// Describes a module.
    ///
    /// # Errors
    ///
    /// If it is invalid whatever proposals it may use.
    pub(super) fn new(wasm: &[u8]) -> Result<Self, CompileError> {
        let needs = features_needed(wasm)?;
        let mut contents = None;
        let mut presets = Vec::new();
        // The default first, because others may treat the module before it is described.
        let mut order = Preset::ALL.to_vec();
        order.sort_by_key(|preset| *preset != Preset::default());
        for preset in order {
            let mut options = CompileOptions::default();
            options.codegen.preset = preset;
            let parsed = parse_module(wasm, &options);
            let reason = parsed.as_ref().err().map(ToString::to_string);
            presets.push(PresetVerdict {
                preset: preset.name(),
                compiles: reason.is_none(),
                reason,
            });
            if let (Ok(module), None) = (&parsed, &contents) {
                contents = Some(Contents::new(module));
            }
        }
        Ok(Self {
            len_bytes: wasm.len(),
            needs: needs.into_iter().map(Need::from).collect(),
            presets,
            contents,
            sections: wasm_sections(wasm),
        })
    }

    /// The report for people.
    pub(super) fn text(&self, file: &str) -> String {
        let mut text = format!(
            "{}: a wasm module, {}\n",
            printable_name(file),
            counted(self.len_bytes, "byte")
        );
        match self.needs.as_slice() {
            [] => line(&mut text, "language", "MVP"),
            needs => {
                for (index, need) in needs.iter().enumerate() {
                    let label = if index == 0 { "needs" } else { "" };
                    line(&mut text, label, &need.text());
                }
            }
        }
        for (index, verdict) in self.presets.iter().enumerate() {
            let label = if index == 0 { "presets" } else { "" };
            let verdict = match &verdict.reason {
                None => format!("{}: compiles", verdict.preset),
                Some(reason) => format!("{}: {reason}", verdict.preset),
            };
            line(&mut text, label, &verdict);
        }
        if let Some(contents) = &self.contents {
            contents.write(&mut text);
        }
        list(
            &mut text,
            "sections",
            self.sections.iter().map(|section| {
                let name = printable_name(&section.name);
                let size = counted(section.len_bytes, "byte");
                format!("{name}: {size} at {:#x}", section.offset)
            }),
        );
        text
    }
}

impl From<FeatureUse> for Need {
    fn from(used: FeatureUse) -> Self {
        Self {
            proposal: used.proposal,
            offset: used.offset,
            operator: used.operator,
            function: used.function,
        }
    }
}

impl Need {
    fn text(&self) -> String {
        let mut text = format!("{} (offset {:#x}", self.proposal, self.offset);
        if let Some(operator) = &self.operator {
            write!(text, ": `{operator}`").expect("writing to a string succeeds");
        }
        if let Some(function) = self.function {
            write!(text, " in function {function}").expect("writing to a string succeeds");
        }
        text.push(')');
        text
    }
}

impl Contents {
    fn new(module: &ModuleInfo<'_>) -> Self {
        let interface = Interface::from(module);
        let bodies = module.bodies.iter().map(|body| body.as_bytes().len());
        Self {
            name: module.name.clone(),
            types: module.types.len(),
            imported_functions: module.imported_function_count,
            defined_functions: module.bodies.len(),
            globals: module.globals.len(),
            memory: module.memory.map(|memory| memory_type(memory.limits)),
            table: module.table.map(|table| table_type(table.limits)),
            start: module.start,
            data_segments: module.data.len(),
            data_bytes: module.data.iter().map(|(_, bytes)| bytes.len()).sum(),
            element_segments: module.elements.len(),
            largest_body: (module.imported_function_count..)
                .zip(bodies)
                .map(|(function, len_bytes)| Body {
                    function,
                    len_bytes,
                })
                .max_by_key(|body| (body.len_bytes, std::cmp::Reverse(body.function))),
            imports: interface.imports(),
            exports: interface.exports(),
        }
    }

    fn write(&self, text: &mut String) {
        if let Some(name) = &self.name {
            line(text, "name", &printable_name(name));
        }
        let mut functions = format!(
            "{} imported, {} defined",
            self.imported_functions, self.defined_functions
        );
        if let Some(body) = &self.largest_body {
            write!(
                functions,
                ", largest body {} (function {})",
                counted(body.len_bytes, "byte"),
                body.function
            )
            .expect("writing to a string succeeds");
        }
        line(text, "functions", &functions);
        line(text, "types", &self.types.to_string());
        line(text, "globals", &self.globals.to_string());
        // Limits without the word that the label says already.
        for (label, ty) in [("memory", &self.memory), ("table", &self.table)] {
            if let Some(ty) = ty {
                let limits = ty
                    .split_once(", ")
                    .map_or(ty.as_str(), |(_, limits)| limits);
                line(text, label, limits);
            }
        }
        if let Some(start) = self.start {
            line(text, "start", &format!("function {start}"));
        }
        let data = format!(
            "{}, {}",
            counted(self.data_segments, "segment"),
            counted(self.data_bytes, "byte")
        );
        line(text, "data", &data);
        line(text, "elements", &counted(self.element_segments, "segment"));
        list(text, "imports", self.imports.iter().map(ImportText::line));
        list(text, "exports", self.exports.iter().map(ExportText::line));
    }
}
