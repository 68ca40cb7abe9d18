//! Bounds what debug information may cost: a few bytes can refer to many others, each from many places.

use super::Fault;

/// Steps for each byte of debug information. What compilers write takes about one: 1.4 is the most of
/// forty modules by clang, rustc, TinyGo and binaryen, for one of a kilobyte.
const STEPS_PER_BYTE: u64 = 16;
/// Steps for each offset that something is to be found out about.
const STEPS_PER_OFFSET: u64 = 64;

/// Steps that may still be taken; each takes some nanoseconds.
#[derive(Debug)]
pub(super) struct Budget {
    left: u64,
}

impl Budget {
    pub(super) fn for_input(given_len_bytes: usize, offsets: usize) -> Self {
        Self {
            left: 10_000
                + STEPS_PER_BYTE * given_len_bytes as u64
                + STEPS_PER_OFFSET * offsets as u64,
        }
    }

    /// Takes so many steps.
    pub(super) fn spend(&mut self, steps: usize) -> Result<(), Fault> {
        match self.left.checked_sub(steps as u64) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => Err(Fault::TooMuch("it refers to the same bytes too often")),
        }
    }
}
