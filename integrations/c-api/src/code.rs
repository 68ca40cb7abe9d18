//! Finds where functions begin in a module that was compiled, which artifacts do not record.

/// Id of the section with the bodies (core specification 1.0, 5.5.2).
const CODE: u8 = 10;
/// Magic and version.
const HEADER_LEN: usize = 8;

/// Offset in the module of the body of a function, counted among those that the module defines; `None` if the module is
/// not what the compiler accepted.
pub(crate) fn body_offset(wasm: &[u8], defined: u32) -> Option<usize> {
    let mut reader = Reader {
        bytes: wasm,
        position: HEADER_LEN,
    };
    loop {
        let id = reader.byte()?;
        let len_bytes = reader.size()?;
        if id == CODE {
            break;
        }
        reader.skip(len_bytes)?;
    }
    let count = reader.size()?;
    let defined = usize::try_from(defined)
        .ok()
        .filter(|defined| *defined < count)?;
    for _ in 0..defined {
        let len_bytes = reader.size()?;
        reader.skip(len_bytes)?;
    }
    reader.size()?;
    Some(reader.position)
}

struct Reader<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl Reader<'_> {
    fn byte(&mut self) -> Option<u8> {
        let byte = *self.bytes.get(self.position)?;
        self.position += 1;
        Some(byte)
    }

    /// An unsigned number of up to 32 bits in LEB128.
    fn size(&mut self) -> Option<usize> {
        let mut size = 0usize;
        for shift in (0..35).step_by(7) {
            let byte = self.byte()?;
            size |= usize::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(size);
            }
        }
        None
    }

    fn skip(&mut self, len_bytes: usize) -> Option<()> {
        self.position = self.position.checked_add(len_bytes)?;
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::body_offset;

    #[test]
    fn bodies_are_found_behind_their_sizes() {
        let wasm = wat::parse_str(
            r#"(module (import "m" "f" (func)) (memory 1)
                (func nop) (func (local i32) nop nop nop) (func))"#,
        )
        .expect("text format");
        let bodies: Vec<_> = (0..3)
            .map(|defined| body_offset(&wasm, defined).map(|offset| &wasm[offset..]))
            .collect();
        assert!(bodies[0].is_some_and(|body| body.starts_with(&[0, 0x01, 0x0b])));
        assert!(bodies[1].is_some_and(|body| body.starts_with(&[1, 1, 0x7f, 0x01, 0x01, 0x01])));
        assert!(bodies[2].is_some_and(|body| body.starts_with(&[0, 0x0b])));
        assert_eq!(body_offset(&wasm, 3), None);
    }

    #[test]
    fn what_is_cut_off_has_no_bodies() {
        let wasm = wat::parse_str("(module (func nop))").expect("text format");
        for len_bytes in 0..wasm.len() - 4 {
            assert_eq!(body_offset(&wasm[..len_bytes], 0), None, "{len_bytes}");
        }
    }
}
