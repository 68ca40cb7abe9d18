//! Identifies the format: the magic and the ABI version, with its history.

/// First eight bytes of every [`crate::ModuleDescriptor`].
pub const MAGIC: [u8; 8] = *b"wasmelt\0";

/// Version of everything in this crate. A loader refuses any other.
///
/// Any change of a layout, an encoding, a calling convention or a symbol adds one, with a line
/// here:
///
/// - 1 (2026-11-21): first version.
/// - 2 (2026-11-21): the fuel register and its two fields, fuel not yet subtracted in the offset
///   map of metered code; the interrupt flag is in every vmctx; the manifest says whether floats are
///   computed.
/// - 3 (2026-11-21): names are stored once, for backtraces and symbols.
/// - 4 (2026-11-22): code reaches into what lies in front of a memory with guard pages, and relies on no memory
///   growing into the last page of the 4 GiB.
/// - 5 (2026-11-22): the manifest names the schedule of fuel and a hash of the costs; an option counts the active
///   calls, in a field of the store's block. Lines of source have a section, and how much debug information there
///   is is an option.
///
/// What the signature block holds has no part in it: a signature is added to a finished artifact without changing a
/// byte of that, the version's bytes included. A loader that knows no signatures refuses a file that has some.
pub const ABI_VERSION: u32 = 5;
