//! Recognises what people pass by mistake instead of a core wasm module.

use std::fmt;

/// What some bytes are, judged by how they begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Container {
    /// A core wasm module of version 1.
    Module,
    /// A component (component-model binary).
    Component,
    /// The wasm magic with another version.
    OtherWasmVersion(u32),
    /// An ELF file, maybe an artifact.
    Elf,
    /// A Substrate runtime: the magic `52bc5376…` and a zstd frame.
    CompressedRuntime,
    /// A zstd frame.
    Zstd,
    /// A PolkaVM program.
    PolkaVm,
    /// Hexadecimal digits, as an RPC call returns code.
    Hex,
    /// Wasm text format.
    Text,
    /// Nothing at all.
    Empty,
    /// Fewer bytes than the eight of the wasm header.
    Truncated,
    /// Something else.
    Unknown,
}

/// Magic of a compressed Substrate runtime; its last byte, `05` to `08`, is the kind.
const COMPRESSED_RUNTIME: [u8; 7] = [0x52, 0xbc, 0x53, 0x76, 0x46, 0xdb, 0x8e];

/// Judges bytes by how they begin.
#[must_use]
pub fn recognise(bytes: &[u8]) -> Container {
    match bytes {
        [] => Container::Empty,
        [0, b'a', b's', b'm', 1, 0, 0, 0, ..] => Container::Module,
        [0, b'a', b's', b'm', _, 0, 1, 0, ..] => Container::Component,
        [0, b'a', b's', b'm', a, b, c, d, ..] => {
            Container::OtherWasmVersion(u32::from_le_bytes([*a, *b, *c, *d]))
        }
        [0x7f, b'E', b'L', b'F', ..] => Container::Elf,
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Container::Zstd,
        [b'P', b'V', b'M', 0, ..] => Container::PolkaVm,
        _ if bytes.starts_with(&COMPRESSED_RUNTIME) => Container::CompressedRuntime,
        _ if b"\0asm\x01\0\0\0".starts_with(bytes) => Container::Truncated,
        _ if is_hex(bytes) => Container::Hex,
        _ if is_text(bytes) => Container::Text,
        _ => Container::Unknown,
    }
}

fn is_hex(bytes: &[u8]) -> bool {
    let bytes = bytes.trim_ascii();
    let digits = bytes.strip_prefix(b"0x").unwrap_or(bytes);
    let has_known_start = [&b"0061736d"[..], b"52bc5376"].iter().any(|start| {
        digits
            .get(..8)
            .is_some_and(|first| first.eq_ignore_ascii_case(start))
    });
    has_known_start && digits.iter().take(64).all(u8::is_ascii_hexdigit)
}

fn is_text(bytes: &[u8]) -> bool {
    let start = bytes.trim_ascii_start();
    start.starts_with(b"(module")
        || start.starts_with(b";;")
        || start.starts_with(b"(;")
        || start.starts_with(b"(component")
}

impl Container {
    /// What the person who passed this should do instead.
    #[must_use]
    pub const fn advice(self) -> &'static str {
        match self {
            Container::Module => "it can be compiled",
            Container::Component => {
                "components are built of modules: compile the core module inside \
                 (wasm-tools component unbundle extracts it)"
            }
            Container::OtherWasmVersion(_) => "build it as version 1, the only standard one",
            Container::Elf => "if it is a wasmelt artifact, load it instead of compiling it",
            Container::CompressedRuntime => {
                "drop the first 8 bytes and decompress the rest with zstd"
            }
            Container::Zstd => "decompress it with zstd first",
            Container::PolkaVm => "wasmelt runs wasm: build the program for a wasm target",
            Container::Hex => "decode the hexadecimal digits to bytes first",
            Container::Text => "assemble the text to a binary first (wat2wasm)",
            Container::Empty => "look whether the step that wrote it failed",
            Container::Truncated => "it ends inside the wasm header: fetch or build it again",
            Container::Unknown => "name a module: it begins with the bytes 00 61 73 6d 01 00 00 00",
        }
    }
}

impl fmt::Display for Container {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Container::Module => "a wasm module",
            Container::Component => "a wasm component",
            Container::OtherWasmVersion(version) => {
                return write!(f, "a wasm file of unknown version {version:#x}");
            }
            Container::Elf => "an ELF file",
            Container::CompressedRuntime => "a compressed Substrate runtime (magic 52bc5376)",
            Container::Zstd => "a zstd-compressed file",
            Container::PolkaVm => "a PolkaVM program",
            Container::Hex => "hexadecimal text",
            Container::Text => "wasm text",
            Container::Empty => "empty",
            Container::Truncated => "a truncated wasm file",
            Container::Unknown => "of unknown kind",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Container, recognise};

    #[test]
    fn everything_people_pass_is_named() {
        for (bytes, expected) in [
            (&b""[..], Container::Empty),
            (b"\0asm\x01\0\0\0", Container::Module),
            (b"\0asm\x0d\0\x01\0", Container::Component),
            (b"\0asm\x02\0\0\0", Container::OtherWasmVersion(2)),
            (b"\0asm\x01", Container::Truncated),
            (b"\x7fELF\x02\x01\x01", Container::Elf),
            (
                b"\x52\xbc\x53\x76\x46\xdb\x8e\x05rest",
                Container::CompressedRuntime,
            ),
            (b"\x28\xb5\x2f\xfdrest", Container::Zstd),
            (b"PVM\0rest", Container::PolkaVm),
            (b"0x0061736d01000000", Container::Hex),
            (b"0061736D01000000\n", Container::Hex),
            (b"52bc537646db8e05", Container::Hex),
            (b"  (module)", Container::Text),
            (b"GIF89a", Container::Unknown),
        ] {
            assert_eq!(recognise(bytes), expected, "{bytes:?}");
        }
    }
}
