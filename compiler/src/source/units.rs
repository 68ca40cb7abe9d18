//! Reads the units of debug information and the forms of their entries.

use super::{Fault, Reader, budget::Budget};
use gimli::{
    Abbreviations, AttributeValue, DebugInfoOffset, Dwarf, Reader as _, Section as _, Unit,
    UnitHeader, UnitOffset, constants,
};
use std::{collections::BTreeMap, sync::Arc};

/// Most attributes of one form of entry; compilers use about twenty.
const MAX_ATTRIBUTES: usize = 256;

/// All units, and the sections they refer to.
pub(super) struct Units<'a> {
    pub dwarf: Dwarf<Reader<'a>>,
    /// By ascending offset.
    units: Vec<Unit<Reader<'a>>>,
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
            match parse_unit(&dwarf, header, &mut known, budget) {
                Ok(unit) => units.push(unit),
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
    charge_line_header(dwarf, &header, &abbreviations, budget)?;
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
        budget.spend(4)?;
        reader.read_uleb128()?;
        reader.read_u8()?;
        let mut attributes = 0;
        loop {
            budget.spend(1)?;
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

/// Pays for the header of the line table that a unit names, which is read with the unit.
fn charge_line_header(
    dwarf: &Dwarf<Reader<'_>>,
    header: &UnitHeader<Reader<'_>>,
    abbreviations: &Abbreviations,
    budget: &mut Budget,
) -> Result<(), Fault> {
    let mut entries = header.entries(abbreviations);
    let Some(root) = entries.next_dfs()? else {
        return Ok(());
    };
    if let Some(AttributeValue::DebugLineRef(offset)) = root.attr_value(constants::DW_AT_stmt_list)
    {
        let mut reader = *dwarf.debug_line.reader();
        reader.skip(offset.0)?;
        let (unit_len_bytes, _) = reader.read_initial_length()?;
        budget.spend(unit_len_bytes.min(reader.len()) / 4)?;
    }
    Ok(())
}
