//! Names what is neither a module nor an artifact, and says what to do with it.

use crate::{describe::counted, failure::printable_name};
use serde::Serialize;
use wasmelt_compiler::Container;

/// What a file is that this program does not take.
#[derive(Debug, Serialize)]
pub(super) struct ForeignReport {
    /// What it is.
    what: String,
    /// What to do with it.
    advice: String,
    len_bytes: usize,
}

impl ForeignReport {
    /// Describes a file, if it is of a kind that has a name.
    pub(super) fn new(container: Container, bytes: &[u8]) -> Option<Self> {
        match container {
            Container::Empty | Container::Truncated | Container::Unknown => None,
            _ => Some(Self {
                what: container.to_string(),
                advice: container.advice().to_owned(),
                len_bytes: bytes.len(),
            }),
        }
    }

    /// Describes an ELF file that is no artifact, by `e_type` and `e_machine` of its header.
    pub(super) fn of_elf(bytes: &[u8]) -> Self {
        let half = |offset: usize| {
            let bytes = bytes.get(offset..offset + 2)?;
            Some(u16::from_le_bytes([bytes[0], bytes[1]]))
        };
        let form = match half(16) {
            Some(1) => "relocatable object",
            Some(2) => "executable",
            Some(3) => "shared object or position-independent executable",
            Some(4) => "core dump",
            _ => "file",
        };
        let machine = match half(18) {
            Some(62) => " for x86-64",
            Some(183) => " for aarch64",
            _ => "",
        };
        Self {
            what: format!("an ELF {form}{machine}, but not a wasmelt artifact"),
            advice: match half(16) {
                Some(1) => "an object made with `--emit obj` is linked into a program".to_owned(),
                _ => "artifacts are made with `wasmelt compile`".to_owned(),
            },
            len_bytes: bytes.len(),
        }
    }

    /// The report for people.
    pub(super) fn text(&self, file: &str) -> String {
        format!(
            "{}: {}, {}; {}\n",
            printable_name(file),
            self.what,
            counted(self.len_bytes, "byte"),
            self.advice
        )
    }
}
