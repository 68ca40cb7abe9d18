//! Maps wasm offsets to lines of source, for backtraces of modules that have debug information.
//!
//! ```text
//!   u32 string count
//!   u32 scope count
//!   (count + 1) × u32    where each string starts, and the end of the last
//!   scopes × 5 × u32     name + 1, call's file + 1, call's line, call's column, parent + 1
//!   strings, UTF-8
//!   rows: for each, in strictly ascending order of wasm offsets,
//!       uleb(delta of wasm offset from the previous row)
//!       uleb(file + 1)  uleb(line)  uleb(column)  uleb(scope + 1)
//! ```
//!
//! A row covers wasm offsets up to the next row. A scope is a function of the source: what the module's
//! compiler inlined is a scope inside another. Strings are names and paths; 0 means unknown everywhere.

use crate::bytes::{DecodeError, Reader, Writer};
use alloc::vec::Vec;

/// Most functions of the source at one place, each inlined into the next: what is deeper is left out, since a
/// few bytes of debug information can say any depth.
pub const MAX_SOURCE_DEPTH: usize = 64;

/// A line of source; strings by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct SourceLine {
    /// Path of the file.
    pub file: Option<u32>,
    /// Line from 1 on, or 0.
    pub line: u32,
    /// Column from 1 on, or 0.
    pub column: u32,
}

/// A function of the source, with what was inlined into it as scopes of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SourceScope {
    /// Name of the function, as its linker knows it.
    pub name: Option<u32>,
    /// Where the parent calls it.
    pub call: SourceLine,
    /// The scope that it was inlined into.
    pub parent: Option<u32>,
}

/// What is known about wasm code from an offset on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct SourceRow {
    /// The line.
    pub line: SourceLine,
    /// The innermost scope.
    pub scope: Option<u32>,
}

/// A function of the source that was active, and where; strings are those of the map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SourceSymbol<'a> {
    /// Name of the function, as its linker knows it.
    pub name: Option<&'a str>,
    /// Path of the file.
    pub file: Option<&'a str>,
    /// Line from 1 on, or 0.
    pub line: u32,
    /// Column from 1 on, or 0.
    pub column: u32,
}

/// Writes the stored form. Rows have strictly ascending wasm offsets; each repeats nothing that the one
/// before it said.
///
/// # Panics
///
/// If rows do not ascend, or a part exceeds 4 GiB.
#[must_use]
pub fn encode_source_lines(
    strings: &[impl AsRef<str>],
    scopes: &[SourceScope],
    rows: impl IntoIterator<Item = (u32, SourceRow)>,
) -> Vec<u8> {
    let mut writer = Writer::new();
    writer.count(strings.len());
    writer.count(scopes.len());
    let mut start = 0;
    for string in strings {
        writer.count(start);
        start += string.as_ref().len();
    }
    writer.count(start);
    for scope in scopes {
        writer.u32(encode_option(scope.name));
        writer.u32(encode_option(scope.call.file));
        writer.u32(scope.call.line);
        writer.u32(scope.call.column);
        writer.u32(encode_option(scope.parent));
    }
    for string in strings {
        writer.raw(string.as_ref().as_bytes());
    }
    let mut previous = None;
    for (wasm_offset, row) in rows {
        let delta = wasm_offset.checked_sub(previous.unwrap_or(0));
        let delta = delta.expect("rows ascend");
        assert!(delta > 0 || previous.is_none(), "rows ascend strictly");
        writer.uleb(delta);
        writer.uleb(encode_option(row.line.file));
        writer.uleb(row.line.line);
        writer.uleb(row.line.column);
        writer.uleb(encode_option(row.scope));
        previous = Some(wasm_offset);
    }
    writer.finish()
}

fn encode_option(number: Option<u32>) -> u32 {
    number.map_or(0, |number| number + 1)
}

/// A stored map of lines.
#[derive(Debug, Clone, Copy)]
pub struct SourceLines<'a> {
    starts: &'a [u8],
    scopes: &'a [u8],
    strings: &'a [u8],
    rows: &'a [u8],
}

impl<'a> SourceLines<'a> {
    /// Checks the frame of a stored map, and that scopes come behind their parents; rows are checked as
    /// they are read. No bytes are a map without rows.
    ///
    /// # Errors
    ///
    /// If a table does not fit in the bytes, or refers to what is not there.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        if bytes.is_empty() {
            let (starts, scopes, strings, rows) = (bytes, bytes, bytes, bytes);
            return Ok(Self {
                starts,
                scopes,
                strings,
                rows,
            });
        }
        let mut reader = Reader::new(bytes);
        let string_count = reader.count(4)?;
        let scope_count = reader.count(20)?;
        let starts = reader.take((string_count + 1) * 4)?;
        let scopes = reader.take(scope_count * 20)?;
        let mut previous = 0;
        for index in 0..=string_count {
            let start = word(starts, index).ok_or(reader.error("start of a string"))?;
            if start < previous {
                return Err(reader.error("order of the strings"));
            }
            previous = start;
        }
        let first = word(starts, 0);
        if first != Some(0) {
            return Err(reader.error("start of the first string"));
        }
        let strings = reader.take(previous as usize)?;
        let rows = reader.take(bytes.len() - reader.position())?;
        let lines = Self {
            starts,
            scopes,
            strings,
            rows,
        };
        for index in 0..string_count {
            lines.string(index).ok_or(reader.error("string in UTF-8"))?;
        }
        for index in 0..scope_count {
            let scope = lines.scope(index).ok_or(reader.error("scope"))?;
            let is_known =
                |string: Option<u32>| string.is_none_or(|string| (string as usize) < string_count);
            let is_behind = |parent: u32| (parent as usize) < index;
            if !is_known(scope.name)
                || !is_known(scope.call.file)
                || !scope.parent.is_none_or(is_behind)
            {
                return Err(reader.error("scope"));
            }
        }
        Ok(lines)
    }

    /// The functions of the source at an offset in the module, innermost first. Empty when nothing is
    /// known.
    #[must_use]
    pub fn lookup(&self, wasm_offset: u32) -> Vec<SourceSymbol<'a>> {
        let mut symbols = Vec::new();
        let Some(row) = self.lookup_row(wasm_offset) else {
            return symbols;
        };
        let SourceRow { mut line, scope } = row;
        let mut next = scope;
        while symbols.len() < MAX_SOURCE_DEPTH
            && let Some(scope) = next.and_then(|scope| self.scope(scope as usize))
        {
            symbols.push(self.symbol(scope.name, line));
            line = scope.call;
            next = scope.parent;
        }
        if symbols.is_empty() && line.file.is_some() {
            symbols.push(self.symbol(None, line));
        }
        symbols
    }

    fn symbol(&self, name: Option<u32>, line: SourceLine) -> SourceSymbol<'a> {
        let string = |index: Option<u32>| self.string(index? as usize);
        SourceSymbol {
            name: string(name),
            file: string(line.file),
            line: line.line,
            column: line.column,
        }
    }

    fn lookup_row(&self, offset: u32) -> Option<SourceRow> {
        let mut reader = Reader::new(self.rows);
        let mut position = 0u32;
        let mut found = None;
        while !reader.is_at_end() {
            position = position.checked_add(reader.uleb().ok()?)?;
            if position > offset {
                break;
            }
            found = Some(SourceRow {
                line: SourceLine {
                    file: reader.uleb().ok()?.checked_sub(1),
                    line: reader.uleb().ok()?,
                    column: reader.uleb().ok()?,
                },
                scope: reader.uleb().ok()?.checked_sub(1),
            });
        }
        found
    }

    fn scope(&self, index: usize) -> Option<SourceScope> {
        let first = index.checked_mul(5)?;
        let field = |at| word(self.scopes, first + at);
        Some(SourceScope {
            name: field(0)?.checked_sub(1),
            call: SourceLine {
                file: field(1)?.checked_sub(1),
                line: field(2)?,
                column: field(3)?,
            },
            parent: field(4)?.checked_sub(1),
        })
    }

    fn string(&self, index: usize) -> Option<&'a str> {
        let start = word(self.starts, index)? as usize;
        let end = word(self.starts, index + 1)? as usize;
        core::str::from_utf8(self.strings.get(start..end)?).ok()
    }
}

fn word(bytes: &[u8], index: usize) -> Option<u32> {
    let start = index.checked_mul(4)?;
    let word = bytes.get(start..start.checked_add(4)?)?;
    Some(u32::from_le_bytes(word.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::{
        SourceLine, SourceLines, SourceRow, SourceScope, SourceSymbol, encode_source_lines,
    };
    use alloc::vec::Vec;

    const fn line(file: u32, line: u32) -> SourceLine {
        SourceLine {
            file: Some(file),
            line,
            column: 7,
        }
    }

    fn example() -> Vec<u8> {
        let scopes = [
            SourceScope {
                name: Some(1),
                call: SourceLine::default(),
                parent: None,
            },
            SourceScope {
                name: Some(2),
                call: line(0, 30),
                parent: Some(0),
            },
        ];
        let row = |line, scope| SourceRow { line, scope };
        encode_source_lines(
            &["a.c", "outer", "inner"],
            &scopes,
            [
                (10, row(line(0, 31), Some(0))),
                (20, row(line(0, 5), Some(1))),
                (30, row(SourceLine::default(), None)),
                (40, row(line(0, 99), None)),
            ],
        )
    }

    fn symbol(name: Option<&'static str>, line: u32) -> SourceSymbol<'static> {
        SourceSymbol {
            name,
            file: Some("a.c"),
            line,
            column: 7,
        }
    }

    #[test]
    fn inlined_functions_come_before_those_that_call_them() {
        let bytes = example();
        let lines = SourceLines::parse(&bytes).expect("well-formed");
        assert_eq!(lines.lookup(9), []);
        assert_eq!(lines.lookup(10), [symbol(Some("outer"), 31)]);
        assert_eq!(
            lines.lookup(29),
            [symbol(Some("inner"), 5), symbol(Some("outer"), 30)]
        );
        assert_eq!(lines.lookup(30), []);
        assert_eq!(lines.lookup(u32::MAX), [symbol(None, 99)]);
        let empty = SourceLines::parse(&[]).expect("no bytes are a map");
        assert_eq!(empty.lookup(10), []);
    }

    #[test]
    fn damage_is_refused_or_harmless() {
        let bytes = example();
        for position in 0..bytes.len() {
            assert!(
                SourceLines::parse(&bytes[..position]).map_or(true, |lines| {
                    let _ = lines.lookup(25);
                    true
                })
            );
            for bit in 0..8 {
                let mut damaged = bytes.clone();
                damaged[position] ^= 1 << bit;
                if let Ok(lines) = SourceLines::parse(&damaged) {
                    for offset in 0..50 {
                        assert!(lines.lookup(offset).len() <= 2);
                    }
                }
            }
        }
    }
}
