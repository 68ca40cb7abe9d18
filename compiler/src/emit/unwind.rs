//! Builds `.eh_frame` and its search table (Linux Standard Base 5.0, sections 10.6 and 10.7).

use crate::codegen::CompiledFunction;
use cranelift_codegen::isa::TargetIsa;
use gimli::{
    RunTimeEndian, constants,
    write::{Address, EhFrame, EndianVec, FrameTable},
};

use super::text::FunctionRange;

/// Unwind information of the whole text.
pub(super) struct Unwind {
    pub eh_frame: Vec<u8>,
    /// For each frame description: where in `eh_frame` it starts, and its function's text offset.
    pub entries: Vec<(u32, u32)>,
}

/// Where the function's address stands in a frame description.
pub(super) const PC_BEGIN: u32 = 8;

/// Builds `.eh_frame` for a text that lies `text_distance` bytes behind it.
pub(super) fn build_eh_frame(
    isa: &dyn TargetIsa,
    functions: &[CompiledFunction],
    ranges: &[FunctionRange],
    text_distance: u64,
) -> Unwind {
    let mut table = FrameTable::default();
    let mut cie = isa
        .create_systemv_cie()
        .expect("both targets unwind the System V way");
    cie.fde_address_encoding =
        constants::DwEhPe(constants::DW_EH_PE_pcrel.0 | constants::DW_EH_PE_sdata4.0);
    let cie = table.add_cie(cie);
    for (function, range) in functions.iter().zip(ranges) {
        let address = Address::Constant(text_distance.wrapping_add(u64::from(range.offset)));
        table.add_fde(cie, function.unwind.to_fde(address));
    }
    let mut section = EhFrame(EndianVec::new(RunTimeEndian::Little));
    table
        .write_eh_frame(&mut section)
        .expect("writing to memory succeeds");
    let mut eh_frame = section.0.into_vec();
    let entries = frame_descriptions(&eh_frame)
        .zip(ranges)
        .map(|(position, range)| (position, range.offset))
        .collect();
    eh_frame.extend_from_slice(&[0; 4]);
    Unwind { eh_frame, entries }
}

/// Builds `.eh_frame_hdr`, which lies `eh_frame_distance` bytes before `.eh_frame` and
/// `text_distance` bytes before the text.
pub(super) fn build_eh_frame_hdr(
    unwind: &Unwind,
    eh_frame_distance: u32,
    text_distance: u32,
) -> Vec<u8> {
    let sdata4_datarel = constants::DW_EH_PE_datarel.0 | constants::DW_EH_PE_sdata4.0;
    let sdata4_pcrel = constants::DW_EH_PE_pcrel.0 | constants::DW_EH_PE_sdata4.0;
    let mut header = vec![
        1,
        sdata4_pcrel,
        constants::DW_EH_PE_udata4.0,
        sdata4_datarel,
    ];
    let mut word = |value: u32| header.extend_from_slice(&value.to_le_bytes());
    word(eh_frame_distance - 4);
    word(u32::try_from(unwind.entries.len()).expect("functions are limited"));
    for (position, text_offset) in &unwind.entries {
        word(text_distance + text_offset);
        word(eh_frame_distance + position);
    }
    header
}

/// Length of the header for so many frame descriptions.
pub(super) const fn eh_frame_hdr_len_bytes(entries: usize) -> usize {
    12 + 8 * entries
}

/// Positions of the frame descriptions: entries whose second word is not zero.
fn frame_descriptions(eh_frame: &[u8]) -> impl Iterator<Item = u32> + '_ {
    let word = |at: usize| {
        let bytes = eh_frame.get(at..at + 4)?;
        Some(u32::from_le_bytes(bytes.try_into().expect("four bytes")))
    };
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let position = at;
            let len_bytes = word(position)? as usize;
            at = position + 4 + len_bytes;
            if word(position + 4)? != 0 {
                return u32::try_from(position).ok();
            }
        }
    })
}
