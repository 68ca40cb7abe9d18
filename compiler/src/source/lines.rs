//! Reads line tables.

use super::{Fault, Reader, Search, units::Within};
use gimli::{ColumnType, LineProgramHeader, Reader as _, UnitRef};
use std::collections::BTreeMap;
use wasmelt_abi::SourceLine;

/// A row that is not known yet to end.
struct Open {
    address: u64,
    file: u64,
    line: u32,
    column: u32,
}

impl Search {
    /// Notes the lines of one unit.
    pub(super) fn read_lines<'a>(
        &mut self,
        within: Within<'_, 'a>,
        files: &mut Files,
    ) -> Result<(), Fault> {
        let Some(table) = within.table else {
            return Ok(());
        };
        let unit = within.unit.unit_ref(&within.units.dwarf);
        self.budget.spend(table.header().raw_program_buf().len())?;
        let mut rows = table.clone().rows();
        let mut open: Option<Open> = None;
        // Whether the sequence is of code that is in the module; not known at its start.
        let mut is_own = None;
        while let Some((header, row)) = rows.next_row()? {
            self.budget.spend(1)?;
            let address = row.address();
            let is_own_sequence = *is_own.get_or_insert_with(|| self.is_own(address));
            if let Some(open) = open.take()
                && is_own_sequence
                && open.address < address
            {
                self.paint_line(open.address..address, |search| {
                    Ok(SourceLine {
                        file: files.number(search, unit, header, open.file)?,
                        line: open.line,
                        column: open.column,
                    })
                })?;
            }
            if row.end_sequence() {
                is_own = None;
                continue;
            }
            let narrow = |number: u64| u32::try_from(number).unwrap_or_default();
            open = Some(Open {
                address,
                file: row.file_index(),
                line: row.line().map_or(0, |line| narrow(line.get())),
                column: match row.column() {
                    ColumnType::LeftEdge => 0,
                    ColumnType::Column(column) => narrow(column.get()),
                },
            });
        }
        Ok(())
    }
}

/// The files of a unit's line table that were met.
#[derive(Default)]
pub(super) struct Files {
    numbers: BTreeMap<u64, Option<u32>>,
}

impl Files {
    /// The number of a file's path.
    pub(super) fn number<'a>(
        &mut self,
        search: &mut Search,
        unit: UnitRef<'_, Reader<'a>>,
        header: &LineProgramHeader<Reader<'a>>,
        index: u64,
    ) -> Result<Option<u32>, Fault> {
        if let Some(number) = self.numbers.get(&index) {
            return Ok(*number);
        }
        let number = match path(search, unit, header, index)? {
            Some(path) => search.strings.intern(&path)?,
            None => None,
        };
        self.numbers.insert(index, number);
        Ok(number)
    }
}

fn path<'a>(
    search: &mut Search,
    unit: UnitRef<'_, Reader<'a>>,
    header: &LineProgramHeader<Reader<'a>>,
    index: u64,
) -> Result<Option<String>, Fault> {
    let Some(file) = header.file(index) else {
        return Ok(None);
    };
    let mut parts = vec![unit.attr_string(file.path_name())?];
    if let Some(directory) = file.directory(header) {
        parts.push(unit.attr_string(directory)?);
    }
    parts.extend(unit.comp_dir);
    let mut path = String::new();
    for part in parts {
        search.budget.spend(part.len())?;
        let part = part.to_string_lossy();
        if path.is_empty() {
            path = part.into_owned();
        } else if !is_absolute(&path) && !part.is_empty() {
            path = format!("{}/{path}", part.trim_end_matches('/'));
        }
        if path.len() > 1 << 16 {
            return Ok(None);
        }
    }
    Ok(Some(path))
}

/// Whether a path says where it begins, on any system that modules are built on.
fn is_absolute(path: &str) -> bool {
    path.starts_with(['/', '\\', '<']) || path.as_bytes().get(1) == Some(&b':')
}
