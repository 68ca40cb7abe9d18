//! Gives typed views of a loaded artifact.

use crate::{
    check::Checked,
    files::PrivateFile,
    source::Route,
    sys::{Image, StaticDescriptor},
    tables::{function_entry, name_entries},
};
use std::{
    fmt,
    fs::File,
    ops::Range,
    os::fd::{AsFd, BorrowedFd},
    sync::OnceLock,
};
use wasmelt_abi::{
    DESCRIPTOR_FILE_OFFSET, Manifest, ModuleDescriptor, OffsetMap, SectionId, SourceLines,
    TrapTable,
};

/// A loaded artifact. Dropping it unloads the code, so whoever calls into the code keeps it.
///
/// Everything that the views return was checked when the artifact was loaded: every index is in
/// its space, every offset in its section, and tables ascend.
pub struct Library {
    // Fields are dropped in this order: unload first, then let go of the file.
    image: Image,
    file: Option<File>,
    _private_file: Option<PrivateFile>,
    descriptor: ModuleDescriptor,
    manifest: Manifest,
    route: Route,
    names: OnceLock<Vec<(u32, Range<usize>)>>,
}

impl Library {
    pub(crate) fn opened(
        image: Image,
        file: File,
        private_file: Option<PrivateFile>,
        checked: Checked,
        route: Route,
    ) -> Self {
        let (descriptor, manifest) = checked.into_parts();
        Self {
            image,
            file: Some(file),
            _private_file: private_file,
            descriptor,
            manifest,
            route,
            names: OnceLock::new(),
        }
    }

    pub(crate) fn linked(descriptor: &'static StaticDescriptor, checked: Checked) -> Self {
        let (module_descriptor, manifest) = checked.into_parts();
        Self {
            image: Image::linked(descriptor, module_descriptor.sections),
            file: None,
            _private_file: None,
            descriptor: module_descriptor,
            manifest,
            route: Route::Static,
            names: OnceLock::new(),
        }
    }

    /// The artifact's identity: target, options, digests, sections.
    #[must_use]
    pub const fn descriptor(&self) -> &ModuleDescriptor {
        &self.descriptor
    }

    /// What the module imports, exports, defines and initialises.
    #[must_use]
    pub const fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// BLAKE3 digest of the artifact; zero when it is linked into the program.
    #[must_use]
    pub const fn digest(&self) -> &[u8; 32] {
        &self.descriptor.digest
    }

    /// How the artifact became executable.
    #[must_use]
    pub const fn route(&self) -> Route {
        self.route
    }

    /// The addresses of the machine code, stubs included.
    #[must_use]
    pub fn text(&self) -> Range<usize> {
        let text = self.section(SectionId::Text).as_ptr_range();
        text.start.addr()..text.end.addr()
    }

    /// Where in the text `pc` is, when it is there at all. Safe to call in a signal handler.
    #[must_use]
    pub fn text_offset(&self, pc: usize) -> Option<u32> {
        let text = self.text();
        let offset = pc.checked_sub(text.start)?;
        if pc < text.end {
            u32::try_from(offset).ok()
        } else {
            None
        }
    }

    /// Number of functions that the module defines.
    #[must_use]
    pub fn function_count(&self) -> usize {
        self.section(SectionId::FunctionTable).len() / 8
    }

    /// Where a defined function is in the text, in bytes from its start.
    ///
    /// # Panics
    ///
    /// If there are not so many defined functions.
    #[must_use]
    pub fn function_range(&self, defined: usize) -> Range<u32> {
        let (start, len_bytes) = self.function_entry(defined);
        start..start + len_bytes
    }

    /// The entry point of a defined function.
    ///
    /// # Panics
    ///
    /// If there are not so many defined functions.
    #[must_use]
    pub fn function_address(&self, defined: usize) -> *const u8 {
        let (start, _) = self.function_entry(defined);
        &raw const self.section(SectionId::Text)[start as usize]
    }

    /// The defined function that covers `text_offset`, and where it starts in the text. `None` in
    /// a stub or in padding. Safe to call in a signal handler.
    #[must_use]
    pub fn lookup_function(&self, text_offset: u32) -> Option<(usize, u32)> {
        let (mut low, mut high) = (0, self.function_count());
        while low < high {
            let middle = low + (high - low) / 2;
            let (start, len_bytes) = self.function_entry(middle);
            if text_offset < start {
                high = middle;
            } else if text_offset - start < len_bytes {
                return Some((middle, start));
            } else {
                low = middle + 1;
            }
        }
        None
    }

    /// Trap codes of instructions that are no memory accesses. Safe to call in a signal handler.
    ///
    /// # Panics
    ///
    /// Never: the table was parsed when the artifact was checked.
    #[must_use]
    pub fn trap_table(&self) -> TrapTable<'_> {
        TrapTable::parse(self.section(SectionId::TrapTable)).expect("checked when loaded")
    }

    /// Offsets in the wasm module of machine instructions.
    ///
    /// # Panics
    ///
    /// Never: the map was parsed when the artifact was checked.
    #[must_use]
    pub fn offset_map(&self) -> OffsetMap<'_> {
        let is_metered = self.descriptor().options.fuel;
        OffsetMap::parse(self.section(SectionId::OffsetMap), is_metered)
            .expect("checked when loaded")
    }

    /// Lines of source for offsets in the wasm module; empty when the module has no debug information.
    ///
    /// # Panics
    ///
    /// Never: the map was parsed when the artifact was checked.
    #[must_use]
    pub fn source_lines(&self) -> SourceLines<'_> {
        SourceLines::parse(self.section(SectionId::Lines)).expect("checked when loaded")
    }

    /// The name of a function, imports counted first, when the module has one for it.
    #[must_use]
    pub fn function_name(&self, func_index: u32) -> Option<&str> {
        let bytes = self.section(SectionId::Names);
        let names = self
            .names
            .get_or_init(|| name_entries(bytes).unwrap_or_default());
        let found = names.binary_search_by_key(&func_index, |entry| entry.0);
        let (_, range) = names.get(found.ok()?)?;
        core::str::from_utf8(bytes.get(range.clone())?).ok()
    }

    /// Bytes of the data segments that are not in the memory image.
    #[must_use]
    pub fn data(&self) -> &[u8] {
        self.section(SectionId::Data)
    }

    /// The memory image; empty when every segment is copied.
    #[must_use]
    pub fn image(&self) -> &[u8] {
        self.section(SectionId::MemoryImage)
    }

    /// The file to map the memory image from, and where in it the image starts; `None` when there
    /// is no image, or when the module is linked into the program.
    ///
    /// The file is the one that was checked, or its sealed copy; map it privately.
    #[must_use]
    pub fn image_file(&self) -> Option<(BorrowedFd<'_>, u64)> {
        let range = self.descriptor.section(SectionId::MemoryImage);
        if range.len_bytes == 0 {
            return None;
        }
        let file_offset = DESCRIPTOR_FILE_OFFSET.checked_add_signed(range.offset)?;
        Some((self.file.as_ref()?.as_fd(), file_offset))
    }

    fn section(&self, id: SectionId) -> &[u8] {
        self.image.section(id)
    }

    fn function_entry(&self, defined: usize) -> (u32, u32) {
        function_entry(self.section(SectionId::FunctionTable), defined)
            .expect("the caller names a function that the module defines")
    }
}

impl fmt::Debug for Library {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Library")
            .field("route", &self.route)
            .field("text", &self.text())
            .field("functions", &self.function_count())
            .finish_non_exhaustive()
    }
}
