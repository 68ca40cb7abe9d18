//! Reads the units of debug information and the forms of their entries.

use super::{Fault, Reader, budget::Budget};
use gimli::{
    Abbreviations, AttributeValue, DebugInfoOffset, DebugLineOffset, DebuggingInformationEntry,
    Dwarf, IncompleteLineProgram, Reader as _, Section as _, Unit, UnitHeader, UnitOffset,
    constants,
};
use std::{collections::BTreeMap, sync::Arc};

/// Most attributes of one form of entry; compilers use about twenty.
const MAX_ATTRIBUTES: usize = 256;
/// What keeping a form, and each of its attributes, costs: some bytes for each step.
const STEPS_PER_FORM: usize = 32;
const STEPS_PER_ATTRIBUTE: usize = 4;
/// Longest list of files and folders of one line table. Compilers write some kilobytes; read, it takes a
/// hundred times as much memory.
const MAX_LINE_HEADER_LEN_BYTES: usize = 1 << 20;
/// How many strings of a unit, inline or elsewhere, may be looked for in vain: its name, its folder, and the
/// ones that end the reading of its lines and of its functions.
const MAX_VAIN_SCANS: usize = 4;
/// Bytes that one step scans for the end of a string.
const SCANNED_BYTES_PER_STEP: usize = 64;

/// A line table whose header was read.
pub(super) type LineTable<'a> = IncompleteLineProgram<Reader<'a>>;

/// All units, and the sections they refer to.
pub(super) struct Units<'a> {
    pub dwarf: Dwarf<Reader<'a>>,
    /// By ascending offset; their line tables, which many may share, are not kept.
    units: Vec<Unit<Reader<'a>>>,
}

/// A unit that is being read.
#[derive(Clone, Copy)]
pub(super) struct Within<'u, 'a> {
    pub units: &'u Units<'a>,
    pub unit: &'u Unit<Reader<'a>>,
    pub table: Option<&'u LineTable<'a>>,
}

impl<'a> Units<'a> {
    /// Reads the start of every unit. What is malformed is left out, and the first reason noted.
    pub(super) fn parse(
        dwarf: Dwarf<Reader<'a>>,
        budget: &mut Budget,
        first: &mut Option<Fault>,
    ) -> Result<Self, Fault> {
        let mut units = Vec::new();
        let mut known = BTreeMap::new();
        let vain_scans = MAX_VAIN_SCANS * scan_steps(longest_string(&dwarf));
        let mut headers = dwarf.units();
        loop {
            let header = match headers.next() {
                Ok(Some(header)) => header,
                Ok(None) => break,
                Err(error) => {
                    first.get_or_insert(error.into());
                    break;
                }
            };
            let unit = budget
                .spend(vain_scans)
                .and_then(|()| parse_unit(&dwarf, header, &mut known, budget));
            match unit {
                Ok(mut unit) => {
                    unit.line_program = None;
                    units.push(unit);
                }
                Err(Fault::TooMuch(what)) => return Err(Fault::TooMuch(what)),
                Err(fault) => {
                    first.get_or_insert(fault);
                }
            }
        }
        Ok(Self { dwarf, units })
    }

    pub(super) fn all(&self) -> &[Unit<Reader<'a>>] {
        &self.units
    }

    /// The line table of a unit, if it has one.
    pub(super) fn line_table(
        &self,
        unit: &Unit<Reader<'a>>,
        budget: &mut Budget,
    ) -> Result<Option<LineTable<'a>>, Fault> {
        let Some(offset) = line_table_offset(&unit.header, &unit.abbreviations)? else {
            return Ok(None);
        };
        charge_line_header(&self.dwarf, offset, budget)?;
        let table = self.dwarf.debug_line.program(
            offset,
            unit.header.address_size(),
            unit.comp_dir,
            unit.name,
        )?;
        Ok(Some(table))
    }

    /// The string that an attribute of a unit is or refers to.
    pub(super) fn string(
        &self,
        unit: &Unit<Reader<'a>>,
        value: AttributeValue<Reader<'a>>,
        budget: &mut Budget,
    ) -> Result<Reader<'a>, Fault> {
        let string = self.dwarf.attr_string(unit, value)?;
        budget.spend(scan_steps(string.len()))?;
        Ok(string)
    }

    /// The entry at an offset of a unit.
    pub(super) fn entry(
        unit: &Unit<Reader<'a>>,
        offset: UnitOffset,
        budget: &mut Budget,
    ) -> Result<DebuggingInformationEntry<Reader<'a>>, Fault> {
        let mut entries = unit.entries_raw(Some(offset))?;
        let mut entry = DebuggingInformationEntry::null();
        let result = entries.read_entry(&mut entry);
        // Whatever it says of its attributes, and also if it is malformed in the end.
        let len_bytes = entries.next_offset().0.saturating_sub(offset.0);
        budget.spend(1 + entry.attrs().len() + len_bytes)?;
        match result? {
            true => Ok(entry),
            false => Err(gimli::Error::NoEntryAtGivenOffset(offset.0 as u64).into()),
        }
    }

    /// The unit that an offset in the section lies in, and the offset in the unit.
    pub(super) fn lookup(
        &self,
        offset: DebugInfoOffset,
    ) -> Option<(&Unit<Reader<'a>>, UnitOffset)> {
        let start = |unit: &Unit<Reader<'a>>| unit.header.debug_info_offset();
        let after = self
            .units
            .partition_point(|unit| start(unit) <= Some(offset));
        let unit = self.units.get(after.checked_sub(1)?)?;
        let offset = gimli::UnitSectionOffset(offset.0).to_unit_offset(&unit.header)?;
        Some((unit, offset))
    }
}

fn parse_unit<'a>(
    dwarf: &Dwarf<Reader<'a>>,
    header: UnitHeader<Reader<'a>>,
    known: &mut BTreeMap<usize, Arc<Abbreviations>>,
    budget: &mut Budget,
) -> Result<Unit<Reader<'a>>, Fault> {
    budget.spend(64)?;
    let offset = header.debug_abbrev_offset();
    let abbreviations = match known.get(&offset.0) {
        Some(abbreviations) => abbreviations.clone(),
        None => {
            check_abbreviations(dwarf, offset.0, budget)?;
            let abbreviations = dwarf.abbreviations(&header)?;
            known.insert(offset.0, abbreviations.clone());
            abbreviations
        }
    };
    if let Some(offset) = line_table_offset(&header, &abbreviations)? {
        // The unit reads it.
        charge_line_header(dwarf, offset, budget)?;
    }
    Ok(Unit::new_with_abbreviations(dwarf, header, abbreviations)?)
}

/// Reads a table of forms as its parser will, and counts.
fn check_abbreviations(
    dwarf: &Dwarf<Reader<'_>>,
    offset: usize,
    budget: &mut Budget,
) -> Result<(), Fault> {
    let mut reader = *dwarf.debug_abbrev.reader();
    reader.skip(offset)?;
    while reader.read_uleb128()? != 0 {
        budget.spend(STEPS_PER_FORM)?;
        reader.read_uleb128()?;
        reader.read_u8()?;
        let mut attributes = 0;
        loop {
            budget.spend(STEPS_PER_ATTRIBUTE)?;
            let name = reader.read_uleb128()?;
            let form = reader.read_uleb128()?;
            if form == u64::from(constants::DW_FORM_implicit_const.0) {
                reader.read_sleb128()?;
            }
            if (name, form) == (0, 0) {
                break;
            }
            attributes += 1;
            if attributes > MAX_ATTRIBUTES {
                return Err(Fault::TooMuch("an entry has too many attributes"));
            }
        }
    }
    Ok(())
}

/// Where the line table that a unit names is: the last one, if there are several, as for whoever makes a [`Unit`].
fn line_table_offset(
    header: &UnitHeader<Reader<'_>>,
    abbreviations: &Abbreviations,
) -> Result<Option<DebugLineOffset>, Fault> {
    let mut entries = header.entries(abbreviations);
    let Some(root) = entries.next_dfs()? else {
        return Ok(None);
    };
    for attribute in root.attrs().iter().rev() {
        if attribute.name() == constants::DW_AT_stmt_list
            && let AttributeValue::DebugLineRef(offset) = attribute.value()
        {
            return Ok(Some(offset));
        }
    }
    Ok(None)
}

/// Pays for reading the header of a line table, and refuses one that is too long.
fn charge_line_header(
    dwarf: &Dwarf<Reader<'_>>,
    offset: DebugLineOffset,
    budget: &mut Budget,
) -> Result<(), Fault> {
    let mut reader = *dwarf.debug_line.reader();
    reader.skip(offset.0)?;
    let (unit_len_bytes, format) = reader.read_initial_length()?;
    let mut table = reader.split(unit_len_bytes)?;
    if table.read_u16()? >= 5 {
        // Sizes of addresses and of selectors.
        table.skip(2)?;
    }
    let len_bytes = table.read_length(format)?;
    let header = table.split(len_bytes)?;
    if header.len() > MAX_LINE_HEADER_LEN_BYTES {
        return Err(Fault::Unit("its line table has too many files".to_owned()));
    }
    budget.spend(header.len())
}

/// The most bytes that a search for the end of a string goes through.
fn longest_string(dwarf: &Dwarf<Reader<'_>>) -> usize {
    let sections = [
        dwarf.debug_info.reader(),
        dwarf.debug_str.reader(),
        dwarf.debug_line_str.reader(),
    ];
    let strings = sections
        .into_iter()
        .flat_map(|section| section.slice().split(|byte| *byte == 0));
    strings.map(<[u8]>::len).max().unwrap_or_default()
}

fn scan_steps(len_bytes: usize) -> usize {
    1 + len_bytes / SCANNED_BYTES_PER_STEP
}
