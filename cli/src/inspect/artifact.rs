//! Describes an artifact: identity, options, digests, functions, and whether this host loads it.

use super::{line, list};
use crate::{
    describe::{ExportText, ImportText, Interface, counted, hex, memory_type, table_type},
    failure::printable_name,
};
use serde::Serialize;
use wasmelt_abi::{ABI_VERSION, Arch, CodegenOptions, CpuFeatures, DebugInfo, SectionId};
use wasmelt_loader::{FunctionSize, Inspection, host_cpu_features};

/// How many functions are listed.
const LARGEST_COUNT: usize = 10;

/// What an artifact is.
#[derive(Debug, Serialize)]
pub(super) struct ArtifactReport {
    len_bytes: usize,
    abi_version: u32,
    compiler: String,
    dependencies: Vec<String>,
    codegen_fingerprint: String,
    target: &'static str,
    cpu: &'static str,
    cpu_features: Vec<&'static str>,
    /// Features that this host lacks; absent for another target.
    cpu_features_missing: Option<Vec<&'static str>>,
    options: Options,
    /// By what fuel is metered, if it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    fuel_schedule: Option<Schedule>,
    digest: String,
    /// Whether the bytes have that digest.
    intact: bool,
    /// Who is said to have signed it; nobody verified that.
    unverified_signatures: Vec<Signature>,
    wasm_sha256: String,
    wasm_bytes: u64,
    /// Whether this host would load it.
    loads: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<String>,
    name: Option<String>,
    memory: Option<String>,
    table: Option<String>,
    start: Option<u32>,
    imported_functions: u32,
    defined_functions: usize,
    unoptimised_functions: u32,
    sections: Vec<Section>,
    largest_functions: Vec<Function>,
    imports: Vec<ImportText>,
    exports: Vec<ExportText>,
}

#[derive(Debug, Serialize)]
struct Options {
    preset: &'static str,
    opt: &'static str,
    bounds: &'static str,
    signals: bool,
    nan_canonicalization: bool,
    fuel: bool,
    interruption: bool,
    spectre: bool,
    call_depth: bool,
    debug_info: &'static str,
}

#[derive(Debug, Serialize)]
struct Schedule {
    version: u32,
    costs_hash: String,
}

#[derive(Debug, Serialize)]
struct Signature {
    /// None if it does not have the form of a signature.
    key_id: Option<String>,
    trusted_comment: String,
}

#[derive(Debug, Serialize)]
struct Section {
    name: &'static str,
    len_bytes: u64,
}

#[derive(Debug, Serialize)]
struct Function {
    index: u32,
    name: Option<String>,
    len_bytes: u32,
}

impl ArtifactReport {
    /// Describes an artifact of so many bytes.
    pub(super) fn new(inspection: &Inspection, len_bytes: usize) -> Self {
        let descriptor = &inspection.descriptor;
        let manifest = &inspection.manifest;
        let interface = Interface::from(manifest);
        let is_for_this_machine = Arch::host() == Some(descriptor.arch);
        let missing = descriptor.cpu_features.missing_from(host_cpu_features());
        let mut largest: Vec<&FunctionSize> = inspection.functions.iter().collect();
        largest
            .sort_by_key(|function| (std::cmp::Reverse(function.len_bytes), function.func_index));
        Self {
            len_bytes,
            abi_version: ABI_VERSION,
            compiler: descriptor.compiler_version().to_owned(),
            dependencies: manifest.dependencies.clone(),
            codegen_fingerprint: hex(&descriptor.codegen_fingerprint),
            target: descriptor.arch.triple(),
            cpu: descriptor.cpu_level.name(),
            cpu_features: feature_names(descriptor.cpu_features),
            cpu_features_missing: is_for_this_machine.then(|| feature_names(missing)),
            options: Options::from(descriptor.options),
            fuel_schedule: manifest.fuel_schedule.map(|schedule| Schedule {
                version: schedule.version,
                costs_hash: hex(&schedule.costs_hash),
            }),
            digest: hex(&descriptor.digest),
            intact: descriptor.digest == inspection.digest,
            unverified_signatures: inspection
                .signatures
                .iter()
                .map(|signature| Signature {
                    key_id: signature.key_id.map(|id| id.to_string()),
                    trusted_comment: signature.trusted_comment.clone(),
                })
                .collect(),
            wasm_sha256: hex(&descriptor.wasm_sha256),
            wasm_bytes: descriptor.wasm_len_bytes,
            loads: inspection.verdict.is_ok(),
            refusal: inspection.verdict.as_ref().err().map(ToString::to_string),
            name: manifest.name.clone(),
            memory: manifest.memory.map(|memory| memory_type(memory.limits)),
            table: manifest.table.map(|table| table_type(table.limits)),
            start: manifest.start,
            imported_functions: manifest.imported_function_count,
            defined_functions: inspection.functions.len(),
            unoptimised_functions: manifest.downgraded_function_count,
            sections: SectionId::ALL
                .iter()
                .map(|id| Section {
                    name: id.name(),
                    len_bytes: descriptor.section(*id).len_bytes,
                })
                .collect(),
            largest_functions: largest
                .into_iter()
                .take(LARGEST_COUNT)
                .map(|function| Function {
                    index: function.func_index,
                    name: function
                        .name
                        .as_deref()
                        .or_else(|| interface.exported_name(function.func_index))
                        .map(str::to_owned),
                    len_bytes: function.len_bytes,
                })
                .collect(),
            imports: interface.imports(),
            exports: interface.exports(),
        }
    }

    /// The report for people.
    pub(super) fn text(&self, file: &str) -> String {
        let mut text = format!(
            "{}: a wasmelt artifact, {}\n",
            printable_name(file),
            counted(self.len_bytes, "byte")
        );
        self.write_identity(&mut text);
        self.write_module(&mut text);
        list(
            &mut text,
            "signatures, not verified",
            self.unverified_signatures.iter().map(Signature::line),
        );
        list(
            &mut text,
            "sections",
            self.sections
                .iter()
                .map(|section| format!("{}: {} bytes", section.name, section.len_bytes)),
        );
        list(
            &mut text,
            "largest functions",
            self.largest_functions.iter().map(|function| {
                let name = function.name.as_deref().map(printable_name);
                let name = name.map(|name| format!(" ({name})")).unwrap_or_default();
                format!("{}{name}: {} bytes", function.index, function.len_bytes)
            }),
        );
        list(
            &mut text,
            "imports",
            self.imports.iter().map(ImportText::line),
        );
        list(
            &mut text,
            "exports",
            self.exports.iter().map(ExportText::line),
        );
        text
    }

    fn write_identity(&self, text: &mut String) {
        let verdict = match &self.refusal {
            None => "yes".to_owned(),
            Some(reason) => format!("no: {}", printable_name(reason)),
        };
        line(text, "loads here", &verdict);
        line(text, "ABI version", &self.abi_version.to_string());
        line(text, "compiler", &printable_name(&self.compiler));
        line(text, "", &printable_name(&self.dependencies.join(", ")));
        line(text, "target", self.target);
        let lacks = match self.cpu_features_missing.as_deref() {
            None => "for another machine".to_owned(),
            Some([]) => "this host has them all".to_owned(),
            Some(missing) => format!("this host lacks {}", missing.join(", ")),
        };
        let features = match self.cpu_features.as_slice() {
            [] => "no feature beyond the baseline".to_owned(),
            features => features.join(", "),
        };
        line(text, "CPU", &format!("{}: {features}; {lacks}", self.cpu));
        line(text, "options", &self.options.text());
        if let Some(Schedule {
            version,
            costs_hash,
        }) = &self.fuel_schedule
        {
            let schedule = format!("schedule {version}, costs {costs_hash}");
            line(text, "fuel", &schedule);
        }
        let intact = if self.intact {
            "intact"
        } else {
            "the file is DAMAGED"
        };
        line(text, "digest", &format!("{} ({intact})", self.digest));
        let wasm = format!("{} (SHA-256), {} bytes", self.wasm_sha256, self.wasm_bytes);
        line(text, "wasm", &wasm);
        line(text, "fingerprint", &self.codegen_fingerprint);
    }

    fn write_module(&self, text: &mut String) {
        if let Some(name) = &self.name {
            line(text, "name", &printable_name(name));
        }
        let mut functions = format!(
            "{} imported, {} defined",
            self.imported_functions, self.defined_functions
        );
        if self.unoptimised_functions > 0 {
            functions.push_str(&format!(
                ", {} of them not optimised (above the governor's thresholds)",
                self.unoptimised_functions
            ));
        }
        line(text, "functions", &functions);
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
    }
}

impl Signature {
    fn line(&self) -> String {
        let comment = printable_name(&self.trusted_comment);
        match &self.key_id {
            Some(id) => format!("key {id}: {comment}"),
            None => "not in the form of a signature".to_owned(),
        }
    }
}

impl From<CodegenOptions> for Options {
    fn from(options: CodegenOptions) -> Self {
        Self {
            preset: options.preset.name(),
            opt: options.opt_level.name(),
            bounds: options.bounds.name(),
            signals: options.signals,
            nan_canonicalization: options.nan_canonicalization,
            fuel: options.fuel,
            interruption: options.interruption,
            spectre: options.spectre_mitigation,
            call_depth: options.call_depth,
            debug_info: options.debug_info.name(),
        }
    }
}

impl Options {
    /// The options as `wasmelt compile` takes them.
    fn text(&self) -> String {
        let mut text = format!(
            "--preset {} --opt {} --bounds {}",
            self.preset, self.opt, self.bounds
        );
        for (is_set, option) in [
            (!self.signals, " --no-signals"),
            (self.nan_canonicalization, " --nan-canonicalization"),
            (self.fuel, " --fuel"),
            (self.interruption, " --interruption"),
            (self.spectre, " --spectre"),
            (self.call_depth, " --call-depth"),
        ] {
            if is_set {
                text.push_str(option);
            }
        }
        if self.debug_info != DebugInfo::default().name() {
            text.push_str(" --debug-info ");
            text.push_str(self.debug_info);
        }
        text
    }
}

fn feature_names(features: CpuFeatures) -> Vec<&'static str> {
    features.iter().map(wasmelt_abi::CpuFeature::name).collect()
}
