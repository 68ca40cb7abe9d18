//! Reads functions of the source, and what was inlined into them.

use super::{
    Fault, Reader, Search,
    lines::Files,
    units::{Units, Within},
};
use gimli::{AttributeValue, DebugInfoOffset, DebuggingInformationEntry, Range, Unit, constants};
use std::collections::BTreeMap;
use wasmelt_abi::{MAX_SOURCE_DEPTH, SourceLine, SourceScope};

/// How many entries one may go through to find a name.
const MAX_NAME_STEPS: usize = 8;

/// A function around the entry that is being read.
struct Around {
    depth: isize,
    /// Its scope, if the module has its code.
    scope: Option<u32>,
}

impl Search {
    /// Notes the functions of one unit.
    pub(super) fn read_functions<'a>(
        &mut self,
        within: Within<'_, 'a>,
        files: &mut Files,
    ) -> Result<(), Fault> {
        let mut around: Vec<Around> = Vec::new();
        let mut names = Names::default();
        let mut entries = within.unit.entries_raw(None)?;
        let mut entry = DebuggingInformationEntry::null();
        while !entries.is_empty() {
            let depth = entries.next_depth();
            if !entries.read_entry(&mut entry)? {
                self.budget.spend(1)?;
                continue;
            }
            self.budget.spend(1 + entry.attrs().len())?;
            while around
                .last()
                .is_some_and(|function| function.depth >= depth)
            {
                around.pop();
            }
            let parent = match entry.tag() {
                constants::DW_TAG_subprogram => None,
                constants::DW_TAG_inlined_subroutine => {
                    Some(around.last().and_then(|function| function.scope))
                }
                _ => continue,
            };
            let scope = match parent {
                // Inlined into code that is not in the module.
                Some(None) => None,
                _ if around.len() >= MAX_SOURCE_DEPTH => None,
                parent => {
                    let parent = parent.flatten();
                    self.read_function(within, &entry, parent, &mut names, files)?
                }
            };
            around.push(Around { depth, scope });
        }
        Ok(())
    }

    /// Notes a function, and gives it a scope if an offset lies in it.
    fn read_function<'a>(
        &mut self,
        within: Within<'_, 'a>,
        entry: &DebuggingInformationEntry<Reader<'a>>,
        parent: Option<u32>,
        names: &mut Names,
        files: &mut Files,
    ) -> Result<Option<u32>, Fault> {
        let ranges = self.ranges(within, entry)?;
        let Some(first) = ranges.first() else {
            return Ok(None);
        };
        if parent.is_none() && !self.is_own(first.begin) {
            return Ok(None);
        }
        let number = u32::try_from(self.scopes.len()).expect("they are part of a module");
        let mut is_used = false;
        for range in ranges {
            let positions = self.positions(range.begin..range.end);
            self.budget.spend(positions.len())?;
            for row in &mut self.rows[positions] {
                // What is inlined lies in what it is inlined into, whatever its addresses say.
                if row.scope == parent {
                    row.scope = Some(number);
                    is_used = true;
                }
            }
        }
        if !is_used {
            return Ok(None);
        }
        // Rows refer to it already: it stays, even if what is said about it is malformed.
        self.scopes.push(SourceScope {
            name: None,
            call: SourceLine::default(),
            parent,
        });
        let name = names.find(self, within, entry)?;
        let call = match parent {
            Some(_) => self.call(within, entry, files)?,
            None => SourceLine::default(),
        };
        let scope = &mut self.scopes[number as usize];
        (scope.name, scope.call) = (name, call);
        Ok(Some(number))
    }

    /// Where the code of a function is.
    fn ranges<'a>(
        &mut self,
        within: Within<'_, 'a>,
        entry: &DebuggingInformationEntry<Reader<'a>>,
    ) -> Result<Vec<Range>, Fault> {
        let unit = within.unit.unit_ref(&within.units.dwarf);
        if let Some(value) = entry.attr_value(constants::DW_AT_ranges) {
            let Some(mut list) = unit.attr_ranges(value)? else {
                return Ok(Vec::new());
            };
            let mut ranges = Vec::new();
            while let Some(raw) = list.next_raw()? {
                self.budget.spend(2)?;
                ranges.extend(list.convert_raw(raw)?);
            }
            return Ok(ranges);
        }
        let address = |name| match entry.attr_value(name) {
            Some(value) => unit.attr_address(value),
            None => Ok(None),
        };
        let Some(begin) = address(constants::DW_AT_low_pc)? else {
            return Ok(Vec::new());
        };
        let end = match address(constants::DW_AT_high_pc)? {
            Some(end) => end,
            None => {
                let len_bytes = entry
                    .attr_value(constants::DW_AT_high_pc)
                    .and_then(|value| value.udata_value());
                begin.saturating_add(len_bytes.unwrap_or_default())
            }
        };
        Ok(vec![Range { begin, end }])
    }

    /// Where an inlined function was called.
    fn call<'a>(
        &mut self,
        within: Within<'_, 'a>,
        entry: &DebuggingInformationEntry<Reader<'a>>,
        files: &mut Files,
    ) -> Result<SourceLine, Fault> {
        let number = |name| {
            let value = entry.attr_value(name)?;
            match value {
                AttributeValue::FileIndex(index) => Some(index),
                value => value.udata_value(),
            }
        };
        let narrow = |number: Option<u64>| u32::try_from(number.unwrap_or_default());
        let file = match (number(constants::DW_AT_call_file), within.table) {
            (Some(index), Some(table)) => {
                let unit = within.unit.unit_ref(&within.units.dwarf);
                files.number(self, unit, table.header(), index)?
            }
            _ => None,
        };
        Ok(SourceLine {
            file,
            line: narrow(number(constants::DW_AT_call_line)).unwrap_or_default(),
            column: narrow(number(constants::DW_AT_call_column)).unwrap_or_default(),
        })
    }
}

/// Names that were found, by where their entry is in the section.
#[derive(Default)]
struct Names {
    numbers: BTreeMap<usize, Option<u32>>,
}

impl Names {
    /// The number of a function's name: the linker's where there is one.
    fn find<'a>(
        &mut self,
        search: &mut Search,
        within: Within<'_, 'a>,
        entry: &DebuggingInformationEntry<Reader<'a>>,
    ) -> Result<Option<u32>, Fault> {
        // Inlined functions refer to the entry that has the name.
        let key = match reference(within.unit, entry) {
            Some(offset) => offset.0,
            None => entry.offset().to_unit_section_offset(within.unit).0,
        };
        if let Some(number) = self.numbers.get(&key) {
            return Ok(*number);
        }
        let name = find_name(search, within, entry)?;
        let number = match name {
            Some(name) => {
                search.budget.spend(name.len())?;
                search.strings.intern(&name.to_string_lossy())?
            }
            None => None,
        };
        self.numbers.insert(key, number);
        Ok(number)
    }
}

fn find_name<'a>(
    search: &mut Search,
    within: Within<'_, 'a>,
    entry: &DebuggingInformationEntry<Reader<'a>>,
) -> Result<Option<Reader<'a>>, Fault> {
    let Within {
        units, mut unit, ..
    } = within;
    let mut entry = entry.clone();
    let mut short = None;
    for _ in 0..MAX_NAME_STEPS {
        for attribute in [
            constants::DW_AT_linkage_name,
            constants::DW_AT_MIPS_linkage_name,
        ] {
            if let Some(value) = entry.attr_value(attribute) {
                return Ok(Some(units.string(unit, value, &mut search.budget)?));
            }
        }
        if short.is_none()
            && let Some(value) = entry.attr_value(constants::DW_AT_name)
        {
            short = Some(units.string(unit, value, &mut search.budget)?);
        }
        let Some(next) = reference(unit, &entry).and_then(|offset| units.lookup(offset)) else {
            break;
        };
        unit = next.0;
        entry = Units::entry(unit, next.1, &mut search.budget)?;
    }
    Ok(short)
}

/// The entry that says more about a function.
fn reference<'a>(
    unit: &Unit<Reader<'a>>,
    entry: &DebuggingInformationEntry<Reader<'a>>,
) -> Option<DebugInfoOffset> {
    let value = entry
        .attr_value(constants::DW_AT_abstract_origin)
        .or_else(|| entry.attr_value(constants::DW_AT_specification))?;
    match value {
        AttributeValue::UnitRef(offset) => offset.to_debug_info_offset(&unit.header),
        AttributeValue::DebugInfoRef(offset) => Some(offset),
        _ => None,
    }
}
