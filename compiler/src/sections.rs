//! Counts what a module declares, without looking at a body: so cheap that it can come first.

use wasmparser::{Chunk, Parser, Payload};

/// How much a module declares. Imports are not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SectionCounts {
    /// Most parameters of a function type.
    pub max_params: usize,
    /// Most results of a function type.
    pub max_results: usize,
    /// Functions.
    pub functions: u32,
    /// Tables.
    pub tables: u32,
    /// Memories.
    pub memories: u32,
    /// Globals.
    pub globals: u32,
    /// Element segments.
    pub element_segments: u32,
    /// Data segments.
    pub data_segments: u32,
    /// Bytes of all bodies, with the lengths before them.
    pub bodies_len_bytes: u32,
}

/// Counts what the sections of a module declare, up to where the input is no module any more: why, only
/// [`parse_module`](crate::parse_module) says.
#[must_use]
pub fn count_sections(wasm: &[u8]) -> SectionCounts {
    let mut counts = SectionCounts::default();
    let mut parser = Parser::new(0);
    let mut rest = wasm;
    while let Ok(Chunk::Parsed { consumed, payload }) = parser.parse(rest, true) {
        rest = &rest[consumed..];
        match payload {
            Payload::TypeSection(section) => {
                for ty in section.into_iter_err_on_gc_types().map_while(Result::ok) {
                    counts.max_params = counts.max_params.max(ty.params().len());
                    counts.max_results = counts.max_results.max(ty.results().len());
                }
            }
            Payload::FunctionSection(section) => counts.functions = section.count(),
            Payload::TableSection(section) => counts.tables = section.count(),
            Payload::MemorySection(section) => counts.memories = section.count(),
            Payload::GlobalSection(section) => counts.globals = section.count(),
            Payload::ElementSection(section) => counts.element_segments = section.count(),
            Payload::DataSection(section) => counts.data_segments = section.count(),
            Payload::CodeSectionStart { size, .. } => {
                counts.bodies_len_bytes = size;
                parser.skip_section();
                let skipped = usize::try_from(size).unwrap_or(usize::MAX);
                rest = rest.get(skipped..).unwrap_or_default();
            }
            Payload::End(_) => break,
            _ => {}
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::{SectionCounts, count_sections};

    const MODULE: &str = r#"(module
        (import "m" "f" (func (param i32 i32 i32 i32)))
        (import "m" "g" (global i32))
        (table 1 funcref) (memory 1)
        (global i32 (i32.const 0)) (global i32 (i32.const 0))
        (func (param i32) (result i32) (local.get 0)) (func) (func)
        (elem (i32.const 0) 1) (data (i32.const 0) "a") (data (i32.const 0) "b"))"#;

    #[test]
    fn everything_that_is_declared_is_counted() {
        let wasm = wat::parse_str(MODULE).expect("well-formed");
        let expected = SectionCounts {
            max_params: 4,
            max_results: 1,
            functions: 3,
            tables: 1,
            memories: 1,
            globals: 2,
            element_segments: 1,
            data_segments: 2,
            // A length, a count of locals and `end` each, and `local.get 0`.
            bodies_len_bytes: 3 * 3 + 2,
        };
        assert_eq!(count_sections(&wasm), expected);
    }

    #[test]
    fn what_is_cut_off_or_no_module_is_counted_as_far_as_it_goes() {
        let wasm = wat::parse_str(MODULE).expect("well-formed");
        let whole = count_sections(&wasm);
        for len_bytes in 0..wasm.len() {
            let counts = count_sections(&wasm[..len_bytes]);
            assert!(counts.globals <= whole.globals && counts.functions <= whole.functions);
        }
        assert_eq!(count_sections(b"\x7fELF"), SectionCounts::default());
    }
}
