//! Checks the unwind information, which the unwinder believes when a host panic or a debugger
//! walks through compiled frames.
//!
//! Every record must describe code in the text and name no personality function. The CFI programs
//! inside the records are believed like the code that they describe.

use crate::{
    elf::{Lint, UNWIND_TABLE, align_up},
    error::{ElfPart, LoadError},
};
use std::ops::Range;

type Checked = Result<(), LoadError>;

const DW_EH_PE_PCREL_SDATA4: u64 = 0x1b;
const DW_EH_PE_UDATA4: u64 = 0x03;
const DW_EH_PE_DATAREL_SDATA4: u64 = 0x3b;
const TABLE: ElfPart = ElfPart::UnwindTable;
const INFO: ElfPart = ElfPart::UnwindInfo;

/// An FDE: where it is in the file, and the first address that it describes.
struct Fde {
    file_offset: u64,
    pc_begin: u64,
}

/// Checks `.eh_frame_hdr` and `.eh_frame`, which end before `limit`.
pub(crate) fn check_unwind_info(
    lint: &Lint<'_>,
    table_len_bytes: u64,
    limit: u64,
    text: &Range<u64>,
) -> Checked {
    let info_start = align_up(UNWIND_TABLE.saturating_add(table_len_bytes), 8);
    if info_start > limit {
        return Err(outside("length", UNWIND_TABLE, limit, info_start));
    }
    check_table_header(lint, table_len_bytes, info_start)?;
    lint.zero(UNWIND_TABLE + table_len_bytes..info_start)?;
    let fdes = check_records(lint, info_start..limit, text)?;
    check_table(lint, &fdes)
}

fn outside(field: &'static str, file_offset: u64, expected: u64, found: u64) -> LoadError {
    LoadError::Elf {
        part: INFO,
        field,
        file_offset,
        expected,
        found,
    }
}

fn check_table_header(lint: &Lint<'_>, table_len_bytes: u64, info_start: u64) -> Checked {
    let field = |field, offset, len_bytes, expected| {
        lint.read_exact(TABLE, field, UNWIND_TABLE + offset, len_bytes, expected)
    };
    field("version", 0, 1, 1)?;
    field("eh_frame_ptr_enc", 1, 1, DW_EH_PE_PCREL_SDATA4)?;
    field("fde_count_enc", 2, 1, DW_EH_PE_UDATA4)?;
    field("table_enc", 3, 1, DW_EH_PE_DATAREL_SDATA4)?;
    field("eh_frame_ptr", 4, 4, info_start - (UNWIND_TABLE + 4))?;
    let count = table_len_bytes.saturating_sub(12) / 8;
    field("fde_count", 8, 4, count)?;
    if 12 + 8 * count != table_len_bytes {
        let expected = 12 + 8 * count;
        return Err(outside("length", UNWIND_TABLE, expected, table_len_bytes));
    }
    Ok(())
}

/// Walks the records and returns the FDEs in the order of the file.
fn check_records(
    lint: &Lint<'_>,
    range: Range<u64>,
    text: &Range<u64>,
) -> Result<Vec<Fde>, LoadError> {
    let mut fdes = Vec::new();
    let mut cies = Vec::new();
    let mut at = range.start;
    while at + 4 <= range.end {
        let len_bytes = lint.read(INFO, "length", at, 4)?;
        if len_bytes == 0 {
            break;
        }
        let end = at + 4 + len_bytes;
        if end > range.end || len_bytes < 8 {
            return Err(outside("length", at, range.end - at - 4, len_bytes));
        }
        let id = lint.read(INFO, "CIE pointer", at + 4, 4)?;
        if id == 0 {
            check_cie(lint, at, end)?;
            cies.push(at);
        } else {
            let cie = (at + 4).checked_sub(id);
            if cie.is_none_or(|cie| cies.binary_search(&cie).is_err()) {
                let nearest = cies.last().map_or(0, |cie| at + 4 - cie);
                return Err(outside("CIE pointer", at + 4, nearest, id));
            }
            fdes.push(check_fde(lint, at, end, text)?);
        }
        at = end;
    }
    lint.zero(at..range.end)?;
    Ok(fdes)
}

/// Checks a CIE: augmentation `zR` (no personality function, no signal frame), addresses relative
/// to themselves in four bytes.
fn check_cie(lint: &Lint<'_>, start: u64, end: u64) -> Checked {
    lint.read_exact(INFO, "CIE version", start + 8, 1, 1)?;
    let augmentation = u64::from(u32::from_le_bytes([b'z', b'R', 0, 0]));
    lint.read_exact(INFO, "augmentation", start + 9, 3, augmentation)?;
    let mut at = start + 12;
    // Code alignment, data alignment, return address register.
    for _ in 0..2 {
        at = skip_leb(lint, at, end)?;
    }
    at += 1;
    lint.read_exact(INFO, "augmentation length", at, 1, 1)?;
    lint.read_exact(INFO, "FDE encoding", at + 1, 1, DW_EH_PE_PCREL_SDATA4)?;
    if at + 2 > end {
        return Err(outside(
            "length",
            start,
            at + 2 - start - 4,
            end - start - 4,
        ));
    }
    Ok(())
}

fn skip_leb(lint: &Lint<'_>, mut at: u64, end: u64) -> Result<u64, LoadError> {
    while at < end {
        let byte = lint.read(INFO, "alignment factor", at, 1)?;
        at += 1;
        if byte & 0x80 == 0 {
            return Ok(at);
        }
    }
    Err(outside("alignment factor", at, end, at))
}

fn check_fde(lint: &Lint<'_>, start: u64, end: u64, text: &Range<u64>) -> Result<Fde, LoadError> {
    if end - start < 17 {
        return Err(outside("length", start, 13, end - start - 4));
    }
    let distance = lint.read(INFO, "pc_begin", start + 8, 4)?;
    let pc_begin = (start + 8).wrapping_add_signed(sign_extend(distance));
    let len_bytes = lint.read(INFO, "pc_range", start + 12, 4)?;
    let inside = text.contains(&pc_begin) && len_bytes <= text.end - pc_begin;
    if !inside {
        return Err(outside("pc_begin", start + 8, text.start, pc_begin));
    }
    lint.read_exact(INFO, "augmentation length", start + 16, 1, 0)?;
    Ok(Fde {
        file_offset: start,
        pc_begin,
    })
}

/// Checks that the search table lists every FDE in the order of the file, by ascending address.
fn check_table(lint: &Lint<'_>, fdes: &[Fde]) -> Checked {
    lint.read_exact(TABLE, "fde_count", UNWIND_TABLE + 8, 4, fdes.len() as u64)?;
    let mut at = UNWIND_TABLE + 12;
    let mut previous = None;
    for fde in fdes {
        let address = datarel(lint.read(TABLE, "initial location", at, 4)?);
        let file_offset = datarel(lint.read(TABLE, "FDE address", at + 4, 4)?);
        if file_offset != fde.file_offset {
            return Err(outside("FDE address", at + 4, fde.file_offset, file_offset));
        }
        if address != fde.pc_begin || previous.is_some_and(|previous| previous >= address) {
            return Err(outside("initial location", at, fde.pc_begin, address));
        }
        previous = Some(address);
        at += 8;
    }
    Ok(())
}

/// The address that a number relative to the unwind table means.
fn datarel(number: u64) -> u64 {
    UNWIND_TABLE.wrapping_add_signed(sign_extend(number))
}

/// The signed value of a 32-bit number.
fn sign_extend(number: u64) -> i64 {
    (number << 32).cast_signed() >> 32
}
