//! Reads and checks the tables that lie beside the code: functions, traps, offsets, names, lines.

use crate::error::LoadError;
use std::ops::Range;
use wasmelt_abi::{DecodeError, OffsetMap, Reader, SectionId, SourceLines, TrapCode, TrapTable};

type Checked = Result<(), LoadError>;

/// Start and length in the text of a defined function, as stored.
pub(crate) fn function_entry(table: &[u8], defined: usize) -> Option<(u32, u32)> {
    let start = defined.checked_mul(8)?;
    let entry = table.get(start..start.checked_add(8)?)?;
    Some((word(entry, 0)?, word(entry, 1)?))
}

/// Checks that the functions fill the text in ascending order without overlap.
pub(crate) fn check_functions(table: &[u8], count: usize, text_len_bytes: u64) -> Checked {
    let section = SectionId::FunctionTable;
    if count.checked_mul(8) != Some(table.len()) {
        let position = table.len();
        let what = "number of functions";
        return Err(LoadError::Section {
            section,
            error: DecodeError { position, what },
        });
    }
    let mut end = 0u64;
    for index in 0..count {
        let rule = |rule| broken(section, index, rule);
        let (start, len_bytes) =
            function_entry(table, index).ok_or(rule("the table holds every function"))?;
        if len_bytes == 0 {
            return Err(rule("a function has code"));
        }
        if u64::from(start) < end {
            return Err(rule("functions lie one behind the other"));
        }
        end = u64::from(start) + u64::from(len_bytes);
        if end > text_len_bytes {
            return Err(rule("a function lies in the text"));
        }
    }
    Ok(())
}

/// Checks that trap sites ascend, lie in the text, and have codes that exist.
pub(crate) fn check_traps(table: &[u8], text_len_bytes: u64) -> Checked {
    let section = SectionId::TrapTable;
    let malformed = |error| LoadError::Section { section, error };
    let count = TrapTable::parse(table).map_err(malformed)?.len();
    let mut reader = Reader::new(table);
    let parts = || -> Result<_, DecodeError> {
        reader.u32()?;
        Ok((reader.take(count * 4)?, reader.take(count)?))
    };
    let (offsets, codes) = { parts }().map_err(malformed)?;
    let mut previous = None;
    for (index, code) in codes.iter().enumerate() {
        let rule = |rule| broken(section, index, rule);
        let offset = word(offsets, index).ok_or(rule("a site has an offset"))?;
        if previous.is_some_and(|previous| previous >= offset) {
            return Err(rule("sites ascend"));
        }
        if u64::from(offset) >= text_len_bytes {
            return Err(rule("a site lies in the text"));
        }
        if TrapCode::try_from(*code).is_err() {
            return Err(rule("a site has a trap code that exists"));
        }
        previous = Some(offset);
    }
    Ok(())
}

/// Checks the frame of the offset map; its streams are checked as they are read.
pub(crate) fn check_offset_map(map: &[u8], defined_count: usize, func_count: usize) -> Checked {
    let section = SectionId::OffsetMap;
    let malformed = |error| LoadError::Section { section, error };
    OffsetMap::parse(map, false).map_err(malformed)?;
    let mut reader = Reader::new(map);
    let function_count = reader.u32().map_err(malformed)? as usize;
    if function_count != defined_count {
        let what = "number of functions";
        return Err(malformed(DecodeError { position: 0, what }));
    }
    let node_count = reader.u32().map_err(malformed)? as usize;
    let starts = reader.take((function_count + 1) * 4).map_err(malformed)?;
    let nodes = reader.take(node_count * 12).map_err(malformed)?;
    let streams_len_bytes = map.len() - reader.position();
    check_stream_starts(starts, streams_len_bytes)?;
    for index in 0..node_count {
        let rule = |rule| broken(section, index, rule);
        let func_index = word(nodes, index * 3).ok_or(rule("an inline node is whole"))?;
        let parent = word(nodes, index * 3 + 2).ok_or(rule("an inline node is whole"))?;
        if func_index as usize >= func_count {
            return Err(rule("an inline node names a function"));
        }
        // Stored as parent + 1, so that a node's parent comes before it and chains end.
        if parent as usize > index {
            return Err(rule("an inline node comes behind its parent"));
        }
    }
    Ok(())
}

fn check_stream_starts(starts: &[u8], streams_len_bytes: usize) -> Checked {
    let mut previous = 0;
    let count = starts.len() / 4;
    for index in 0..count {
        let rule = |rule| broken(SectionId::OffsetMap, index, rule);
        let start = word(starts, index).ok_or(rule("a stream has a start"))?;
        if index == 0 && start != 0 {
            return Err(rule("the first stream starts at once"));
        }
        if start < previous {
            return Err(rule("streams lie one behind the other"));
        }
        previous = start;
    }
    if previous as usize != streams_len_bytes {
        return Err(broken(
            SectionId::OffsetMap,
            count - 1,
            "the streams fill the section",
        ));
    }
    Ok(())
}

/// Checks that names are UTF-8, belong to functions in ascending order, and share no byte, so that the
/// check takes no longer than the section; and that the section ends where its strings do.
pub(crate) fn check_names(names: &[u8], func_count: usize) -> Checked {
    let section = SectionId::Names;
    let entries = name_entries(names).map_err(|error| LoadError::Section { section, error })?;
    let mut previous = None;
    let mut strings_used = 0;
    for (index, (func_index, range)) in entries.into_iter().enumerate() {
        let rule = |rule| broken(section, index, rule);
        if func_index as usize >= func_count {
            return Err(rule("a name belongs to a function"));
        }
        if previous.is_some_and(|previous| previous >= func_index) {
            return Err(rule("names are in the order of their functions"));
        }
        if range.start < strings_used {
            return Err(rule("names lie one behind the other"));
        }
        strings_used = range.end;
        if names
            .get(range)
            .map(core::str::from_utf8)
            .is_none_or(|text| text.is_err())
        {
            return Err(rule("a name lies in the section and is UTF-8"));
        }
        previous = Some(func_index);
    }
    match names {
        [] | [.., 1..=u8::MAX, 0] => Ok(()),
        _ => Err(broken(section, 0, "one zero ends the strings")),
    }
}

/// Checks that lines refer to strings and functions of the source that are there.
pub(crate) fn check_lines(lines: &[u8]) -> Checked {
    let section = SectionId::Lines;
    let parsed = SourceLines::parse(lines);
    parsed
        .map(|_| ())
        .map_err(|error| LoadError::Section { section, error })
}

/// The function index of each name, and where its text is in the section.
pub(crate) fn name_entries(names: &[u8]) -> Result<Vec<(u32, Range<usize>)>, DecodeError> {
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let mut reader = Reader::new(names);
    let count = reader.count(12)?;
    let strings_start = reader.position() + 12 * count;
    let mut entries = Vec::with_capacity(count);
    for _ in 0..count {
        let func_index = reader.u32()?;
        let start = strings_start.saturating_add(reader.u32()? as usize);
        let end = start.saturating_add(reader.u32()? as usize);
        entries.push((func_index, start..end));
    }
    Ok(entries)
}

fn word(bytes: &[u8], index: usize) -> Option<u32> {
    let start = index.checked_mul(4)?;
    let word = bytes.get(start..start.checked_add(4)?)?;
    Some(u32::from_le_bytes(word.try_into().ok()?))
}

fn broken(section: SectionId, index: usize, rule: &'static str) -> LoadError {
    LoadError::Contents {
        section,
        index: index as u64,
        rule,
    }
}
