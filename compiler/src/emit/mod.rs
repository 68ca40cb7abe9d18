//! Lays a compiled module out completely, then writes it as a shared object or an object.

mod debug;
mod elf;
mod image;
mod object;
mod tables;
mod text;
mod unwind;

pub(crate) use elf::shared_object;
pub(crate) use image::build_image;
pub(crate) use object::object;
pub(crate) use text::{TextLayout, lay_out_text};

use crate::{
    VERSION, codegen::CompiledFunction, fingerprint::codegen_fingerprint, options::CompileOptions,
    source::Source,
};
use wasmelt_abi::{Manifest, ModuleDescriptor, SECTION_COUNT, SectionRange};

/// Everything that an artifact is written from.
pub(crate) struct ArtifactParts {
    pub options: CompileOptions,
    pub manifest: Manifest,
    /// Defined functions in the order of their indices, then stubs.
    pub functions: Vec<CompiledFunction>,
    pub text: TextLayout,
    /// Names from the name section, by function index.
    pub names: Vec<(u32, String)>,
    /// A name for every defined function.
    pub symbol_names: Vec<String>,
    /// Bytes of the data segments that are not in the image.
    pub data: Vec<u8>,
    /// Initial memory, or nothing.
    pub image: Vec<u8>,
    /// Lines of source.
    pub source: Source,
    pub wasm_sha256: [u8; 32],
    pub wasm_len_bytes: u64,
}

impl ArtifactParts {
    /// The descriptor, with what only the writer knows left at zero.
    fn descriptor(
        &self,
        is_static: bool,
        sections: [SectionRange; SECTION_COUNT],
    ) -> ModuleDescriptor {
        let mut compiler = [0; 32];
        let version = VERSION.as_bytes();
        compiler[..version.len()].copy_from_slice(version);
        ModuleDescriptor {
            arch: self.options.arch,
            cpu_level: self.options.cpu_level,
            is_static,
            options: self.options.codegen,
            cpu_features: self.options.cpu_features,
            file_len_bytes: 0,
            digest: [0; 32],
            wasm_sha256: self.wasm_sha256,
            wasm_len_bytes: self.wasm_len_bytes,
            sections,
            compiler,
            codegen_fingerprint: codegen_fingerprint(self.options.arch),
        }
    }
}
