//! Maps text offsets to wasm offsets, through inlined calls, for backtraces.
//!
//! ```text
//!   u32 function count
//!   u32 inline node count
//!   (count + 1) × u32    where each defined function's stream starts, and the end
//!   nodes × 3 × u32      function index of the inlined callee, wasm offset of its call, parent + 1
//!   streams: for each entry, in ascending order,
//!       uleb(delta of text offset from the previous entry, or function start) << 1 | has node
//!       uleb(zigzag(delta of wasm offset))
//!       uleb(node)                                                     when it has one
//!       uleb(fuel charged and not yet subtracted)                      in metered code
//! ```
//!
//! An entry covers text from its offset up to the next entry. What was charged is subtracted from
//! the fuel register later, where one subtraction does for many charges; at a trap both are needed.

use crate::bytes::{DecodeError, Reader, Writer};
use alloc::vec::Vec;

/// A node of the inline tree: which function was inlined where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InlineFrame {
    /// Index of the inlined function.
    pub func_index: u32,
    /// Offset of the inlined call in the module.
    pub call_wasm_offset: u32,
    /// The node that this call was itself inlined into.
    pub parent: Option<u32>,
}

/// One frame of a backtrace, innermost first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SourceFrame {
    /// Index of the inlined function; `None` for the function that was compiled.
    pub inlined_func_index: Option<u32>,
    /// Offset in the module of the instruction that was executing.
    pub wasm_offset: u32,
}

/// Collects entries function by function.
#[derive(Debug)]
pub struct OffsetMapBuilder {
    is_metered: bool,
    starts: Vec<u32>,
    nodes: Vec<InlineFrame>,
    stream: Writer,
    previous: (u32, u32),
}

/// An entry of the map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OffsetEntry {
    /// Offset in the function.
    pub function_offset: u32,
    /// Offset in the module.
    pub wasm_offset: u32,
    /// Node of the inline tree that it lies in.
    pub node: Option<u32>,
    /// Fuel that was charged and not yet subtracted; left out unless the code is metered.
    pub pending_fuel: u32,
}

impl OffsetMapBuilder {
    /// An empty map, of code that meters fuel or does not.
    #[must_use]
    pub fn new(is_metered: bool) -> Self {
        Self {
            is_metered,
            starts: Vec::new(),
            nodes: Vec::new(),
            stream: Writer::default(),
            previous: (0, 0),
        }
    }

    /// Begins the next defined function.
    ///
    /// # Panics
    ///
    /// If the map exceeds 4 GiB.
    pub fn begin_function(&mut self) {
        let start = u32::try_from(self.stream.len_bytes()).expect("offset maps fit in 32 bits");
        self.starts.push(start);
        self.previous = (0, 0);
    }

    /// Adds a node to the inline tree and returns its number.
    ///
    /// # Panics
    ///
    /// If there are more than 2³² nodes.
    pub fn push_inline_frame(&mut self, frame: InlineFrame) -> u32 {
        self.nodes.push(frame);
        u32::try_from(self.nodes.len() - 1).expect("inline nodes fit in 32 bits")
    }

    /// Adds an entry to the function begun last.
    ///
    /// # Panics
    ///
    /// If it lies before the previous entry.
    pub fn push(&mut self, entry: OffsetEntry) {
        let OffsetEntry {
            function_offset,
            wasm_offset,
            node,
            pending_fuel,
        } = entry;
        let (previous_text, previous_wasm) = self.previous;
        let delta = function_offset
            .checked_sub(previous_text)
            .expect("entries ascend");
        assert!(delta < 1 << 31, "functions are shorter than 2 GiB");
        self.stream.uleb(delta << 1 | u32::from(node.is_some()));
        let wasm_delta = wasm_offset.wrapping_sub(previous_wasm).cast_signed();
        self.stream
            .uleb((wasm_delta << 1 ^ wasm_delta >> 31).cast_unsigned());
        if let Some(node) = node {
            self.stream.uleb(node);
        }
        if self.is_metered {
            self.stream.uleb(pending_fuel);
        }
        self.previous = (function_offset, wasm_offset);
    }

    /// The stored form.
    #[must_use]
    pub fn finish(mut self) -> Vec<u8> {
        let function_count = self.starts.len();
        self.begin_function();
        let mut writer = Writer::new();
        writer.count(function_count);
        writer.count(self.nodes.len());
        for start in &self.starts {
            writer.u32(*start);
        }
        for node in &self.nodes {
            writer.u32(node.func_index);
            writer.u32(node.call_wasm_offset);
            writer.u32(node.parent.map_or(0, |parent| parent + 1));
        }
        writer.raw(&self.stream.finish());
        writer.finish()
    }
}

/// A stored offset map.
#[derive(Debug, Clone, Copy)]
pub struct OffsetMap<'a> {
    is_metered: bool,
    starts: &'a [u8],
    nodes: &'a [u8],
    streams: &'a [u8],
}

impl<'a> OffsetMap<'a> {
    /// Checks the frame of a stored map, of code that meters fuel or does not; streams are checked
    /// as they are read.
    ///
    /// # Errors
    ///
    /// If the tables do not fit in the bytes.
    pub fn parse(bytes: &'a [u8], is_metered: bool) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let function_count = reader.count(4)?;
        let node_count = reader.count(12)?;
        let starts = reader.take((function_count + 1) * 4)?;
        let nodes = reader.take(node_count * 12)?;
        let streams = reader.take(bytes.len() - reader.position())?;
        Ok(Self {
            is_metered,
            starts,
            nodes,
            streams,
        })
    }

    /// The frames at `function_offset` bytes into a defined function, innermost first; the last
    /// one is the compiled function itself. Empty when nothing is known.
    #[must_use]
    pub fn lookup(&self, defined_func: usize, function_offset: u32) -> Vec<SourceFrame> {
        let Some(entry) = self.lookup_entry(defined_func, function_offset) else {
            return Vec::new();
        };
        let mut frames = Vec::new();
        let mut wasm_offset = entry.wasm_offset;
        let mut node = entry.node;
        // A hostile tree cannot loop for longer than it has nodes.
        for _ in 0..=self.nodes.len() / 12 {
            let Some(frame) = node.and_then(|node| self.node(node)) else {
                break;
            };
            frames.push(SourceFrame {
                inlined_func_index: Some(frame.func_index),
                wasm_offset,
            });
            wasm_offset = frame.call_wasm_offset;
            node = frame.parent;
        }
        frames.push(SourceFrame {
            inlined_func_index: None,
            wasm_offset,
        });
        frames
    }

    /// Fuel that was charged and not yet subtracted at `function_offset` bytes into a defined
    /// function.
    #[must_use]
    pub fn pending_fuel(&self, defined_func: usize, function_offset: u32) -> u32 {
        let entry = self.lookup_entry(defined_func, function_offset);
        entry.map_or(0, |entry| entry.pending_fuel)
    }

    fn lookup_entry(&self, defined_func: usize, offset: u32) -> Option<OffsetEntry> {
        let start = self.word(self.starts, defined_func)? as usize;
        let end = self.word(self.starts, defined_func + 1)? as usize;
        let mut reader = Reader::new(self.streams.get(start..end)?);
        let (mut text, mut wasm) = (0u32, 0u32);
        let mut found = None;
        while !reader.is_at_end() {
            let head = reader.uleb().ok()?;
            text = text.checked_add(head >> 1)?;
            let zigzag = reader.uleb().ok()?;
            let delta = (zigzag >> 1).cast_signed() ^ -((zigzag & 1).cast_signed());
            wasm = wasm.wrapping_add(delta.cast_unsigned());
            let node = if head & 1 == 1 {
                Some(reader.uleb().ok()?)
            } else {
                None
            };
            let pending_fuel = if self.is_metered {
                reader.uleb().ok()?
            } else {
                0
            };
            if text > offset {
                break;
            }
            found = Some(OffsetEntry {
                function_offset: text,
                wasm_offset: wasm,
                node,
                pending_fuel,
            });
        }
        found
    }

    fn node(&self, node: u32) -> Option<InlineFrame> {
        let first = (node as usize).checked_mul(3)?;
        let parent = self.word(self.nodes, first + 2)?;
        Some(InlineFrame {
            func_index: self.word(self.nodes, first)?,
            call_wasm_offset: self.word(self.nodes, first + 1)?,
            parent: parent.checked_sub(1),
        })
    }

    fn word(&self, bytes: &[u8], index: usize) -> Option<u32> {
        let word = bytes.get(index * 4..index * 4 + 4)?;
        Some(u32::from_le_bytes(word.try_into().ok()?))
    }
}

#[cfg(test)]
mod tests {
    use super::{InlineFrame, OffsetEntry, OffsetMap, OffsetMapBuilder, SourceFrame};

    fn entry(function_offset: u32, wasm_offset: u32, node: Option<u32>) -> OffsetEntry {
        OffsetEntry {
            function_offset,
            wasm_offset,
            node,
            pending_fuel: wasm_offset / 10,
        }
    }

    #[test]
    fn offsets_are_found_in_their_function() {
        let mut builder = OffsetMapBuilder::new(false);
        builder.begin_function();
        builder.push(entry(4, 100, None));
        builder.push(entry(10, 90, None));
        builder.begin_function();
        builder.begin_function();
        let outer = builder.push_inline_frame(InlineFrame {
            func_index: 7,
            call_wasm_offset: 500,
            parent: None,
        });
        let inner = builder.push_inline_frame(InlineFrame {
            func_index: 8,
            call_wasm_offset: 700,
            parent: Some(outer),
        });
        builder.push(entry(0, 900, Some(inner)));
        let bytes = builder.finish();
        let map = OffsetMap::parse(&bytes, false).expect("well-formed");
        let plain = |wasm_offset| SourceFrame {
            inlined_func_index: None,
            wasm_offset,
        };
        assert_eq!(map.lookup(0, 3), []);
        assert_eq!(map.lookup(0, 4), [plain(100)]);
        assert_eq!(map.lookup(0, 9), [plain(100)]);
        assert_eq!(map.lookup(0, 1000), [plain(90)]);
        assert_eq!(map.lookup(1, 0), []);
        assert_eq!(
            map.lookup(2, 5),
            [
                SourceFrame {
                    inlined_func_index: Some(8),
                    wasm_offset: 900
                },
                SourceFrame {
                    inlined_func_index: Some(7),
                    wasm_offset: 700
                },
                plain(500),
            ]
        );
        assert_eq!(map.lookup(3, 0), []);
        assert_eq!(map.pending_fuel(0, 4), 0);
    }

    #[test]
    fn metered_code_says_what_is_not_subtracted_yet() {
        let mut builder = OffsetMapBuilder::new(true);
        builder.begin_function();
        builder.push(entry(4, 100, None));
        builder.push(entry(10, 2000, None));
        let bytes = builder.finish();
        let map = OffsetMap::parse(&bytes, true).expect("well-formed");
        assert_eq!(map.pending_fuel(0, 3), 0);
        assert_eq!(map.pending_fuel(0, 5), 10);
        assert_eq!(map.pending_fuel(0, 10), 200);
        assert_eq!(map.lookup(0, 10)[0].wasm_offset, 2000);
    }
}
