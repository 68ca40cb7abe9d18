//! Divides the text into functions, stubs and padding, and checks each.

use crate::{
    access::Surroundings,
    calls::Callees,
    fault::{CodeFault, Place, Rule},
    function::{Breach, Subject, Walk},
    parts::ArtifactParts,
    report::Report,
};
use iced_x86::{Decoder, DecoderOptions};
use wasmelt_abi::Arch;

/// Functions and stubs begin at multiples of this.
const ALIGNMENT: u64 = 16;

/// Checks all machine code of an artifact.
///
/// # Errors
///
/// The first rule that is broken, by the order of functions; or that the target is another than x86-64.
pub fn check_code(parts: &ArtifactParts<'_>) -> Result<Report, CodeFault> {
    let arch = parts.descriptor.arch;
    if arch != Arch::X86_64 {
        return Err(CodeFault::Unsupported { arch });
    }
    let surroundings = Surroundings::new(parts);
    let mut report = Report::default();
    let mut callees = Callees::default();
    let mut end = 0;
    for (defined, range) in parts.functions.iter().enumerate() {
        let place = || parts.function_place(defined);
        report.padding_bytes += check_padding(parts, end, range.text_offset, place)?;
        callees.functions.insert(range.text_offset, defined);
        end = range.text_offset.saturating_add(range.len_bytes);
    }
    check_stubs(parts, &surroundings, &mut callees, end, &mut report)?;
    for (defined, range) in parts.functions.iter().enumerate() {
        let end = range.text_offset.saturating_add(range.len_bytes);
        let bounds = (range.text_offset, end);
        let subject = Subject::Function(defined);
        let place = || parts.function_place(defined);
        let outcome = Walk::new(parts, &surroundings, &callees, subject, bounds);
        let Some(walk) = outcome else {
            return Err(fault(parts, place(), range.text_offset, Rule::Layout));
        };
        walk.run(&mut report)
            .map_err(|Breach { at, rule }| fault(parts, place(), at, rule))?;
        report.functions += 1;
    }
    Ok(report)
}

/// Stubs are behind the functions. No table lists them, but they are code only, and each begins at the next aligned
/// place.
fn check_stubs(
    parts: &ArtifactParts<'_>,
    surroundings: &Surroundings,
    callees: &mut Callees,
    functions_end: u64,
    report: &mut Report,
) -> Result<(), CodeFault> {
    let text_end = parts.text.len() as u64;
    let mut at = functions_end;
    for position in 0.. {
        let place = || Place::Stub { position };
        let start = at.next_multiple_of(ALIGNMENT).min(text_end);
        report.padding_bytes += check_padding(parts, at, start, place)?;
        if start == text_end {
            break;
        }
        let bounds = (start, text_end);
        let mut found = Report::default();
        // Stubs call no functions, and no other stubs.
        let none = Callees::default();
        let walk = Walk::new(parts, surroundings, &none, Subject::Stub, bounds);
        let Some(walk) = walk else {
            return Err(fault(parts, place(), start, Rule::Layout));
        };
        at = walk
            .run(&mut found)
            .map_err(|Breach { at, rule }| fault(parts, place(), at, rule))?;
        callees.stubs.insert(start);
        // What is behind the stub is the next one's.
        found.unreached_bytes = 0;
        report.add(&found);
        report.stubs += 1;
    }
    Ok(())
}

/// Checks that there are zeros only, and fewer than would fill the gap to an aligned place.
fn check_padding(
    parts: &ArtifactParts<'_>,
    start: u64,
    end: u64,
    place: impl Fn() -> Place,
) -> Result<u64, CodeFault> {
    let broken = |at| fault(parts, place(), at, Rule::Layout);
    let range = usize::try_from(start).ok().zip(usize::try_from(end).ok());
    let padding = range.and_then(|(start, end)| parts.text.get(start..end));
    let Some(padding) = padding else {
        return Err(broken(start));
    };
    let is_aligned = end.is_multiple_of(ALIGNMENT) || end == parts.text.len() as u64;
    let is_padding = padding.iter().all(|byte| *byte == 0);
    if !is_aligned || !is_padding || end - start >= ALIGNMENT {
        return Err(broken(start));
    }
    Ok(end - start)
}

fn fault(parts: &ArtifactParts<'_>, place: Place, text_offset: u64, rule: Rule) -> CodeFault {
    CodeFault::Broken {
        place,
        text_offset,
        instruction: instruction_text(parts.text, text_offset),
        rule,
    }
}

/// The instruction at an offset as text, or its bytes where there is none.
fn instruction_text(text: &[u8], text_offset: u64) -> String {
    let rest = usize::try_from(text_offset)
        .ok()
        .and_then(|start| text.get(start..))
        .unwrap_or_default();
    if rest.is_empty() {
        return "end of the text".to_owned();
    }
    let instruction = Decoder::with_ip(64, rest, text_offset, DecoderOptions::NONE).decode();
    if instruction.is_invalid() {
        let bytes: Vec<String> = rest
            .iter()
            .take(8)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        return bytes.join(" ");
    }
    let mut output = String::new();
    iced_x86::FastFormatter::new().format(&instruction, &mut output);
    output
}
