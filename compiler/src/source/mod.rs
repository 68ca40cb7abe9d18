//! Finds the lines of source that a module's debug information (DWARF) has for offsets in its code.
//!
//! The sections are a claim of whoever made the module. Nothing here follows one without a bound: the
//! work is counted, and when it exceeds a multiple of what was given, or a section is malformed, the lines
//! found so far are kept or dropped, and the module compiles as if it had no more. A module's meaning
//! never depends on this.
//!
//! Addresses in the DWARF of wasm count from the first byte of the code section's contents
//! (`tool-conventions/Debugging.md`). Linkers leave code that they dropped at address 0 or at the largest
//! ones, and tools that change code leave old addresses, so what does not begin where a function does is
//! ignored.

mod budget;
mod functions;
mod lines;
mod strings;
mod units;

use crate::wasm::ModuleInfo;
use budget::Budget;
use gimli::{Dwarf, EndianSlice, LittleEndian, Unit};
use lines::Files;
use std::ops::Range;
use strings::Strings;
use units::{Units, Within};
use wasmelt_abi::{SourceLine, SourceRow, SourceScope};

type Reader<'a> = EndianSlice<'a, LittleEndian>;

/// What is known of the source, for a list of offsets.
#[derive(Debug, Default)]
pub(crate) struct Source {
    /// Offsets in the module, strictly ascending.
    pub offsets: Vec<u32>,
    /// For each offset its line and innermost scope.
    pub rows: Vec<SourceRow>,
    /// Functions of the source; parents come before children.
    pub scopes: Vec<SourceScope>,
    /// Names and paths.
    pub strings: Vec<String>,
    /// Why debug information was ignored, all or in part.
    pub ignored: Option<String>,
}

impl Source {
    /// What is known about an offset of the list.
    pub(crate) fn row(&self, wasm_offset: u32) -> SourceRow {
        let found = self.offsets.binary_search(&wasm_offset);
        found
            .ok()
            .and_then(|position| self.rows.get(position).copied())
            .unwrap_or_default()
    }
}

/// Why debug information is not read any further.
#[derive(Debug)]
enum Fault {
    /// This unit is malformed; others may be fine.
    Unit(String),
    /// There is more than anyone should read.
    TooMuch(&'static str),
}

impl From<gimli::Error> for Fault {
    fn from(error: gimli::Error) -> Self {
        Fault::Unit(error.to_string())
    }
}

/// Finds what the module's debug information says about offsets, which ascend strictly.
pub(crate) fn find_source(module: &ModuleInfo<'_>, offsets: Vec<u32>) -> Source {
    if module.debug_sections.is_empty() {
        return Source::default();
    }
    let mut search = Search::new(module, offsets);
    let ignored = search.run(module);
    if search.foreign > search.own {
        return Source {
            ignored: Some("it describes other code".to_owned()),
            ..Source::default()
        };
    }
    let is_kept = !matches!(ignored, Some(Fault::TooMuch(_)));
    let ignored = ignored.map(|fault| match fault {
        Fault::Unit(what) => what,
        Fault::TooMuch(what) => what.to_owned(),
    });
    if !is_kept {
        return Source {
            ignored,
            ..Source::default()
        };
    }
    Source {
        offsets: search.offsets,
        rows: search.rows,
        scopes: search.scopes,
        strings: search.strings.into_list(),
        ignored,
    }
}

/// The state of the search.
struct Search {
    offsets: Vec<u32>,
    rows: Vec<SourceRow>,
    scopes: Vec<SourceScope>,
    strings: Strings,
    budget: Budget,
    code: Code,
    /// How many functions and sequences of lines begin where a function of the module does.
    own: usize,
    /// How many do not.
    foreign: usize,
}

impl Search {
    fn new(module: &ModuleInfo<'_>, offsets: Vec<u32>) -> Self {
        let sections = module.debug_sections.iter();
        let given = sections.map(|(_, data)| data.len()).sum();
        Self {
            rows: vec![SourceRow::default(); offsets.len()],
            budget: Budget::for_input(given, offsets.len()),
            strings: Strings::for_input(given),
            scopes: Vec::new(),
            code: Code::new(module),
            own: 0,
            foreign: 0,
            offsets,
        }
    }

    /// Reads everything; the result is the first fault, and the last one when it ends the search.
    fn run(&mut self, module: &ModuleInfo<'_>) -> Option<Fault> {
        let dwarf = Dwarf::load(|id| {
            let mut sections = module.debug_sections.iter();
            let found = sections.find(|(name, _)| *name == id.name());
            let bytes = found.map_or(&[][..], |(_, data)| *data);
            Ok::<_, gimli::Error>(EndianSlice::new(bytes, LittleEndian))
        });
        let mut first = None;
        let units = match dwarf
            .map_err(Fault::from)
            .and_then(|dwarf| Units::parse(dwarf, &mut self.budget, &mut first))
        {
            Ok(units) => units,
            Err(fault) => return Some(fault),
        };
        for unit in units.all() {
            if let Some(fault) = self.read_unit(&units, unit, &mut first) {
                return Some(fault);
            }
        }
        first
    }

    /// Reads a unit; the result is a fault that ends the search.
    fn read_unit<'a>(
        &mut self,
        units: &Units<'a>,
        unit: &Unit<Reader<'a>>,
        first: &mut Option<Fault>,
    ) -> Option<Fault> {
        let mut files = Files::default();
        let (table, fault) = match units.line_table(unit, &mut self.budget) {
            Ok(table) => (table, Ok(())),
            Err(fault) => (None, Err(fault)),
        };
        let within = Within {
            units,
            unit,
            table: table.as_ref(),
        };
        // Lines stay even where functions are malformed, and the other way round.
        for result in [
            fault,
            self.read_lines(within, &mut files),
            self.read_functions(within, &mut files),
        ] {
            match result {
                Ok(()) => {}
                Err(Fault::TooMuch(what)) => return Some(Fault::TooMuch(what)),
                Err(fault) => {
                    first.get_or_insert(fault);
                }
            }
        }
        None
    }

    /// Positions in the list of offsets that lie in a range of addresses, as far as this lies in the
    /// function that it begins in.
    fn positions(&self, addresses: Range<u64>) -> Range<usize> {
        let Some(range) = self.code.clip(addresses) else {
            return 0..0;
        };
        let position = |offset| self.offsets.partition_point(|known| *known < offset);
        position(range.start)..position(range.end)
    }

    /// Whether what begins at an address is code of the module; counts the answer.
    fn is_own(&mut self, address: u64) -> bool {
        if address == 0 || address >= u64::from(u32::MAX) - 1 {
            // What linkers dropped.
            return false;
        }
        let is_own = self.code.is_start(address);
        if is_own {
            self.own += 1;
        } else {
            self.foreign += 1;
        }
        is_own
    }

    /// Notes a line for a range of addresses.
    fn paint_line(
        &mut self,
        addresses: Range<u64>,
        line: impl FnOnce(&mut Self) -> Result<SourceLine, Fault>,
    ) -> Result<(), Fault> {
        let positions = self.positions(addresses);
        if positions.is_empty() {
            return Ok(());
        }
        self.budget.spend(positions.len())?;
        let line = line(self)?;
        for row in &mut self.rows[positions] {
            row.line = line;
        }
        Ok(())
    }
}

/// Where the module's functions are.
struct Code {
    /// Offset in the module of the code section's contents.
    start: u32,
    /// For each function the end of what is before it, its first byte, and its end.
    bodies: Vec<(u32, u32, u32)>,
}

impl Code {
    fn new(module: &ModuleInfo<'_>) -> Self {
        let narrow = |position| u32::try_from(position).expect("modules are below 4 GiB");
        let start = narrow(module.code_start);
        let mut before = start + 1;
        let bodies = module.bodies.iter().map(|body| {
            let range = body.range();
            let (first, end) = (narrow(range.start), narrow(range.end));
            (std::mem::replace(&mut before, end), first, end)
        });
        Self {
            start,
            bodies: bodies.collect(),
        }
    }

    /// The function that an address lies in, its length field included.
    fn body(&self, address: u64) -> Option<(u32, u32, u32)> {
        let offset = u32::try_from(u64::from(self.start).checked_add(address)?).ok()?;
        let after = self.bodies.partition_point(|(_, _, end)| *end <= offset);
        self.bodies
            .get(after)
            .copied()
            .filter(|(before, ..)| *before <= offset)
    }

    /// Whether a function begins at an address: tools disagree on whether its length is part of it.
    fn is_start(&self, address: u64) -> bool {
        self.body(address)
            .is_some_and(|(_, first, _)| u64::from(self.start) + address <= u64::from(first))
    }

    /// Offsets in the module for a range of addresses, cut off where the function ends.
    fn clip(&self, addresses: Range<u64>) -> Option<Range<u32>> {
        let (_, _, end) = self.body(addresses.start)?;
        let offset = |address: u64| u64::from(self.start).saturating_add(address);
        let start = u32::try_from(offset(addresses.start)).ok()?;
        let end = offset(addresses.end).min(u64::from(end));
        let end = u32::try_from(end).ok()?;
        (start < end).then_some(start..end)
    }
}

#[cfg(test)]
mod tests;
