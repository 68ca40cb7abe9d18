//! Counts fuel in wasm itself, to compare with what compiled code is charged.
//!
//! This is the schedule of `docs/fuel.md` a second time, from its text: a counter in an exported
//! global that every segment of a body adds its cost to when it is entered.

use wasmparser::{BinaryReaderError, Operator, Parser, Payload};

use crate::rewrite::{rewrite_bodies, rotate_select_conditions};
use wasm_encoder::Encode;

/// Name of the exported global.
pub(crate) const FUEL_USED: &str = "fuel used";

/// Section ids, in the order in which they must come.
const GLOBAL: u8 = 6;
const EXPORT: u8 = 7;
const TYPE_I64: u8 = 0x7e;
const MUTABLE: u8 = 1;
const EXPORT_GLOBAL: u8 = 3;

/// Adds the counter, then what [`rotate_select_conditions`] does, which costs nothing.
pub(crate) fn count_fuel(wasm: &[u8]) -> Result<Vec<u8>, BinaryReaderError> {
    let counter = count_globals(wasm)?;
    let counted = rewrite_bodies(wasm, |body, _| {
        let range = body.range();
        let mut reader = body.get_operators_reader()?;
        let start = reader.original_position();
        // Where each segment starts, what it costs, and whether it can be entered.
        let mut segments = vec![(start, 0u32, true)];
        while !reader.eof() {
            let operator = reader.read()?;
            if let Some((_, cost, _)) = segments.last_mut() {
                *cost += cost_of(&operator);
            }
            if ends_segment(&operator) {
                segments.push((reader.original_position(), 0, !never_goes_on(&operator)));
            }
        }
        let mut code = Vec::with_capacity(2 * range.len());
        let mut from = range.start;
        for (at, cost, is_entered) in segments {
            if cost == 0 || !is_entered {
                continue;
            }
            code.extend_from_slice(&wasm[from..at]);
            from = at;
            code.push(0x23); // global.get
            counter.encode(&mut code);
            code.push(0x42); // i64.const
            i64::from(cost).encode(&mut code);
            code.extend([0x7c, 0x24]); // i64.add, global.set
            counter.encode(&mut code);
        }
        code.extend_from_slice(&wasm[from..range.end]);
        Ok(code)
    })?;
    rotate_select_conditions(&add_counter(&counted, counter)?)
}

fn cost_of(operator: &Operator<'_>) -> u32 {
    use Operator as O;
    let is_free = matches!(
        operator,
        O::Unreachable
            | O::Nop
            | O::Block { .. }
            | O::Loop { .. }
            | O::Else
            | O::End
            | O::Return
            | O::Drop
    );
    u32::from(!is_free)
}

/// Whether control never goes on behind it.
fn never_goes_on(operator: &Operator<'_>) -> bool {
    use Operator as O;
    matches!(
        operator,
        O::Br { .. } | O::BrTable { .. } | O::Return | O::Unreachable
    )
}

fn ends_segment(operator: &Operator<'_>) -> bool {
    use Operator as O;
    let starts_another = matches!(
        operator,
        O::Loop { .. }
            | O::If { .. }
            | O::Else
            | O::End
            | O::BrIf { .. }
            | O::Call { .. }
            | O::CallIndirect { .. }
    );
    starts_another || never_goes_on(operator)
}

fn count_globals(wasm: &[u8]) -> Result<u32, BinaryReaderError> {
    let mut count = 0;
    for payload in Parser::new(0).parse_all(wasm) {
        match payload? {
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    count += u32::from(matches!(import?.ty, wasmparser::TypeRef::Global(_)));
                }
            }
            Payload::GlobalSection(section) => count += section.count(),
            _ => {}
        }
    }
    Ok(count)
}

/// Adds a global and its export, behind those that there are.
fn add_counter(wasm: &[u8], counter: u32) -> Result<Vec<u8>, BinaryReaderError> {
    let global = [TYPE_I64, MUTABLE, 0x42, 0, 0x0b];
    let mut export = Vec::new();
    FUEL_USED.encode(&mut export);
    export.push(EXPORT_GLOBAL);
    counter.encode(&mut export);
    let mut added = [(GLOBAL, &global[..]), (EXPORT, &export[..])]
        .into_iter()
        .peekable();

    let mut output = wasm[..8].to_vec();
    for payload in Parser::new(0).parse_all(wasm) {
        let payload = payload?;
        let is_end = matches!(payload, Payload::End(_));
        let section = payload.as_section();
        if section.is_none() && !is_end {
            continue;
        }
        let id = section.as_ref().map_or(u8::MAX, |(id, _)| *id);
        while let Some((new, entry)) = added.next_if(|(new, _)| id != 0 && *new < id) {
            push_section(&mut output, new, 1, entry);
        }
        if let Some((id, range)) = section {
            match added.next_if(|(new, _)| *new == id) {
                Some((_, entry)) => {
                    let mut reader = wasmparser::BinaryReader::new(&wasm[range.clone()], 0);
                    let count = reader.read_var_u32()?;
                    let old = &wasm[range.start + reader.original_position()..range.end];
                    push_section(&mut output, id, count + 1, &[old, entry].concat());
                }
                None => {
                    output.push(id);
                    wasm[range].encode(&mut output);
                }
            }
        }
    }
    Ok(output)
}

fn push_section(output: &mut Vec<u8>, id: u8, count: u32, entries: &[u8]) {
    let mut content = Vec::new();
    count.encode(&mut content);
    content.extend_from_slice(entries);
    output.push(id);
    content.as_slice().encode(output);
}

#[cfg(test)]
mod tests {
    use super::{FUEL_USED, count_fuel};
    use crate::generators::GENERATORS;
    use wasmparser::{ExternalKind, Parser, Payload, Validator};

    #[test]
    fn counted_modules_are_valid_and_show_the_counter() {
        for generator in GENERATORS {
            let wasm = count_fuel(&generator.generate(1).wasm).expect("valid");
            Validator::new().validate_all(&wasm).expect("valid");
            let is_shown = Parser::new(0).parse_all(&wasm).any(|payload| {
                let Ok(Payload::ExportSection(section)) = payload else {
                    return false;
                };
                section.into_iter().any(|export| {
                    export.is_ok_and(|export| {
                        export.name == FUEL_USED && export.kind == ExternalKind::Global
                    })
                })
            });
            assert!(is_shown, "{}", generator.name);
        }
    }
}
