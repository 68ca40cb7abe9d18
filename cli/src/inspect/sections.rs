//! Lists the wasm sections of a module with their sizes, also where the language is unknown.

use serde::Serialize;
use wasmelt_abi::Reader;

/// A wasm section.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct WasmSection {
    /// What it holds; for a custom section, its own name.
    pub(crate) name: String,
    /// Offset of its contents in the module.
    pub(crate) offset: usize,
    /// Length of its contents in bytes.
    pub(crate) len_bytes: usize,
}

/// The sections up to the first that does not fit in the module.
pub(crate) fn wasm_sections(wasm: &[u8]) -> Vec<WasmSection> {
    let mut sections = Vec::new();
    let mut reader = Reader::new(wasm);
    if reader.take(8).is_err() {
        return sections;
    }
    while let (Ok(id), Ok(len_bytes)) = (reader.u8(), reader.uleb()) {
        let offset = reader.position();
        let len_bytes = len_bytes as usize;
        let Ok(contents) = reader.take(len_bytes) else {
            break;
        };
        sections.push(WasmSection {
            name: section_name(id, contents),
            offset,
            len_bytes,
        });
    }
    sections
}

/// Names of the sections by their ids (core specification, section 5.5.2).
fn section_name(id: u8, contents: &[u8]) -> String {
    let names = [
        "custom",
        "type",
        "import",
        "function",
        "table",
        "memory",
        "global",
        "export",
        "start",
        "element",
        "code",
        "data",
        "data count",
        "tag",
    ];
    let Some(name) = names.get(usize::from(id)) else {
        return format!("section {id}");
    };
    if id != 0 {
        return (*name).to_owned();
    }
    let mut reader = Reader::new(contents);
    let own_name = reader.uleb().and_then(|len| reader.take(len as usize));
    format!(
        "custom \"{}\"",
        String::from_utf8_lossy(own_name.unwrap_or_default())
    )
}

#[cfg(test)]
mod tests {
    use super::wasm_sections;

    #[test]
    fn sections_are_listed_with_places_and_sizes() {
        let wasm =
            wat::parse_str("(module $named (memory 1) (data (i32.const 0) \"abc\") (func $f))")
                .expect("valid text");
        let sections = wasm_sections(&wasm);
        let names: Vec<_> = sections.iter().map(|s| s.name.as_str()).collect();
        assert_eq!(
            names,
            [
                "type",
                "function",
                "memory",
                "code",
                "data",
                "custom \"name\""
            ]
        );
        let last = sections.last().expect("six sections");
        assert_eq!(last.offset + last.len_bytes, wasm.len());
    }

    #[test]
    fn a_section_that_is_cut_off_ends_the_list() {
        let wasm = b"\0asm\x01\0\0\0\x01\x01\0\x63\x7f";
        let sections = wasm_sections(wasm);
        assert_eq!(sections.len(), 1);
        assert_eq!((sections[0].offset, sections[0].len_bytes), (10, 1));
        assert!(wasm_sections(b"\0asm").is_empty());
    }
}
