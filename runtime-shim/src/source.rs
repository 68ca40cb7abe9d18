//! Says where an artifact is.

use std::path::{Path, PathBuf};

/// Where an artifact is: a path, or bytes in memory. Made with `from`.
///
/// ```
/// use wasmelt::Source;
/// use std::path::Path;
///
/// let file = Source::from(Path::new("module.so"));
/// let bytes = Source::from(b"\x7fELF".as_slice());
/// # let _ = (file, bytes);
/// ```
#[derive(Debug)]
pub struct Source<'a>(wasmelt_loader::Source<'a>);

impl<'a> Source<'a> {
    pub(crate) fn into_loader(self) -> wasmelt_loader::Source<'a> {
        self.0
    }
}

/// For sources that only the loader knows, such as open files.
impl<'a> From<wasmelt_loader::Source<'a>> for Source<'a> {
    fn from(source: wasmelt_loader::Source<'a>) -> Self {
        Self(source)
    }
}

impl<'a> From<&'a Path> for Source<'a> {
    fn from(path: &'a Path) -> Self {
        Self(wasmelt_loader::Source::Path(path))
    }
}

impl<'a> From<&'a PathBuf> for Source<'a> {
    fn from(path: &'a PathBuf) -> Self {
        path.as_path().into()
    }
}

impl<'a> From<&'a [u8]> for Source<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self(wasmelt_loader::Source::Bytes(bytes))
    }
}

impl<'a> From<&'a Vec<u8>> for Source<'a> {
    fn from(bytes: &'a Vec<u8>) -> Self {
        bytes.as_slice().into()
    }
}
