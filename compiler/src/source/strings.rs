//! Keeps names and paths once each.

use super::Fault;
use std::collections::BTreeMap;

/// Longest name or path.
const MAX_LEN_BYTES: usize = 4096;

/// Strings by number.
#[derive(Debug)]
pub(super) struct Strings {
    numbers: BTreeMap<String, u32>,
    left_len_bytes: usize,
}

impl Strings {
    /// Room for what debug information of so many bytes may say.
    pub(super) fn for_input(given_len_bytes: usize) -> Self {
        Self {
            numbers: BTreeMap::new(),
            left_len_bytes: given_len_bytes.saturating_add(4 * MAX_LEN_BYTES),
        }
    }

    /// The number of a string; none for one that is empty or too long.
    pub(super) fn intern(&mut self, string: &str) -> Result<Option<u32>, Fault> {
        if string.is_empty() || string.len() > MAX_LEN_BYTES {
            return Ok(None);
        }
        if let Some(number) = self.numbers.get(string) {
            return Ok(Some(*number));
        }
        self.left_len_bytes = self
            .left_len_bytes
            .checked_sub(string.len())
            .ok_or(Fault::TooMuch("its names and paths are too long"))?;
        let number = u32::try_from(self.numbers.len()).expect("they are part of a module");
        self.numbers.insert(string.to_owned(), number);
        Ok(Some(number))
    }

    /// The strings in the order of their numbers.
    pub(super) fn into_list(self) -> Vec<String> {
        let mut list = vec![String::new(); self.numbers.len()];
        for (string, number) in self.numbers {
            list[number as usize] = string;
        }
        list
    }
}
