//! What a module writes to its memory when it is instantiated, for hosts that write it again.

use core::iter::FusedIterator;
use wasmelt_abi::ConstExpr;
use wasmelt_loader::Library;

/// An active data segment of a module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DataSegment<'module> {
    offset: SegmentOffset,
    data: &'module [u8],
}

/// Where in its memory a segment begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SegmentOffset {
    /// At this address, in bytes.
    Constant(u32),
    /// At the value of the global that is imported with this index among globals.
    ImportedGlobal(u32),
}

impl<'module> DataSegment<'module> {
    /// Where it begins.
    #[must_use]
    pub fn offset(&self) -> SegmentOffset {
        self.offset
    }

    /// Its bytes.
    #[must_use]
    pub fn data(&self) -> &'module [u8] {
        self.data
    }
}

/// Active data segments of a module.
#[derive(Debug)]
pub struct DataSegmentsIter<'module> {
    library: &'module Library,
    segments: core::slice::Iter<'module, wasmelt_abi::DataSegment>,
}

impl<'module> DataSegmentsIter<'module> {
    pub(super) fn new(library: &'module Library) -> Self {
        Self {
            library,
            segments: library.manifest().data.iter(),
        }
    }
}

impl<'module> Iterator for DataSegmentsIter<'module> {
    type Item = DataSegment<'module>;

    fn next(&mut self) -> Option<DataSegment<'module>> {
        let segment = self.segments.next()?;
        let bytes = if segment.in_image {
            self.library.image()
        } else {
            self.library.data()
        };
        let checked = "checked when loaded";
        let start = usize::try_from(segment.start).expect(checked);
        let len_bytes = usize::try_from(segment.len_bytes).expect(checked);
        Some(DataSegment {
            offset: match segment.offset {
                ConstExpr::Bits(bits) => SegmentOffset::Constant(crate::value::low_half(bits)),
                ConstExpr::Global(index) => SegmentOffset::ImportedGlobal(index),
            },
            data: &bytes[start..start + len_bytes],
        })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.segments.size_hint()
    }
}

impl ExactSizeIterator for DataSegmentsIter<'_> {}
impl FusedIterator for DataSegmentsIter<'_> {}
