//! Reads the `.inputs` files of fizzy's benchmarks: calls of a module's exports with what they must give.
//!
//! A file is a list of rows of seven lines each; an empty line is an empty field:
//!
//! ```text
//! name of the row
//! name of the exported function
//! signature                       params ':' results, one letter each: i = i32, I = i64
//! arguments                       decimal, separated by spaces
//! memory before the call          hexadecimal from address 0, spaces ignored
//! expected result                 decimal, unsigned
//! expected memory after the call  hexadecimal from address 0, spaces ignored; further bytes are not looked at
//! ```

use thiserror::Error;

/// A type in a row's signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InputType {
    /// Written `i`.
    I32,
    /// Written `I`.
    I64,
}

/// One call and what it must give.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputRow {
    /// What the row is called.
    pub name: String,
    /// The export to call.
    pub function: String,
    /// Arguments as bits, zero-extended, each with its type.
    pub arguments: Vec<(InputType, u64)>,
    /// Result as bits, zero-extended, with its type; `None` where the function has none.
    pub result: Option<(InputType, u64)>,
    /// Bytes to put at address 0 before the call.
    pub memory: Vec<u8>,
    /// Bytes that must be at address 0 after the call.
    pub expected_memory: Vec<u8>,
}

/// Why a file of rows cannot be read.
#[derive(Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum InputError {
    /// The file ends within a row.
    #[error("row {row} ends after its name: a row has seven lines")]
    Truncated {
        /// The row's name.
        row: String,
    },
    /// A signature is not letters, a colon, and at most one letter.
    #[error(
        "row {row} has the signature {signature:?}, which is not params:results in the letters i and I"
    )]
    Signature {
        /// The row's name.
        row: String,
        /// What stands there.
        signature: String,
    },
    /// A number is not a decimal number that fits its type, or there are too many or too few.
    #[error("row {row} has the values {values:?}, which do not fit its signature")]
    Values {
        /// The row's name.
        row: String,
        /// What stands there.
        values: String,
    },
    /// Memory is not an even number of hexadecimal digits.
    #[error("row {row} has memory that is not hexadecimal")]
    Memory {
        /// The row's name.
        row: String,
    },
}

/// The rows in `text`.
///
/// # Errors
///
/// When a row does not follow the format.
pub fn parse_rows(text: &str) -> Result<Vec<InputRow>, InputError> {
    let mut lines = text.lines();
    let mut rows = Vec::new();
    while let Some(name) = lines.next() {
        let mut field = || {
            lines
                .next()
                .ok_or_else(|| InputError::Truncated { row: name.into() })
        };
        let function = field()?.to_owned();
        let (params, result_type) = parse_signature(name, field()?)?;
        let arguments = parse_values(name, &params, field()?)?;
        let memory = parse_memory(name, field()?)?;
        let result = parse_values(name, result_type.as_slice(), field()?)?
            .first()
            .copied();
        // The last line of a file may be missing when it is empty.
        let expected_memory = parse_memory(name, field().unwrap_or_default())?;
        rows.push(InputRow {
            name: name.to_owned(),
            function,
            arguments,
            result,
            memory,
            expected_memory,
        });
    }
    Ok(rows)
}

fn parse_signature(
    row: &str,
    signature: &str,
) -> Result<(Vec<InputType>, Option<InputType>), InputError> {
    let refused = || InputError::Signature {
        row: row.into(),
        signature: signature.into(),
    };
    let types = |letters: &str| -> Result<Vec<InputType>, InputError> {
        letters
            .chars()
            .map(|letter| match letter {
                'i' => Ok(InputType::I32),
                'I' => Ok(InputType::I64),
                _ => Err(refused()),
            })
            .collect()
    };
    let (params, results) = signature.split_once(':').ok_or_else(refused)?;
    match types(results)?.as_slice() {
        [] => Ok((types(params)?, None)),
        [result] => Ok((types(params)?, Some(*result))),
        _ => Err(refused()),
    }
}

fn parse_values(
    row: &str,
    types: &[InputType],
    values: &str,
) -> Result<Vec<(InputType, u64)>, InputError> {
    let refused = || InputError::Values {
        row: row.into(),
        values: values.into(),
    };
    let parsed: Vec<(InputType, u64)> = types
        .iter()
        .zip(values.split_whitespace())
        .map(|(&ty, value)| match ty {
            InputType::I32 => value.parse::<u32>().map(|bits| (ty, u64::from(bits))),
            InputType::I64 => value.parse::<u64>().map(|bits| (ty, bits)),
        })
        .collect::<Result<_, _>>()
        .map_err(|_| refused())?;
    if parsed.len() != types.len() || values.split_whitespace().count() != types.len() {
        return Err(refused());
    }
    Ok(parsed)
}

fn parse_memory(row: &str, digits: &str) -> Result<Vec<u8>, InputError> {
    let refused = || InputError::Memory { row: row.into() };
    let nibbles: Vec<u8> = digits
        .chars()
        .filter(|character| !character.is_whitespace())
        .map(|digit| {
            digit
                .to_digit(16)
                .and_then(|value| u8::try_from(value).ok())
        })
        .collect::<Option<_>>()
        .ok_or_else(refused)?;
    if !nibbles.len().is_multiple_of(2) {
        return Err(refused());
    }
    Ok(nibbles
        .chunks_exact(2)
        .map(|pair| pair[0] << 4 | pair[1])
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_follow_each_other_and_empty_fields_are_empty_lines() {
        let rows = parse_rows(
            "a\nf\niI:i\n1 18446744073709551615\n01 fF\n4294967295\n\nb\ng\n:\n\n\n\n00\n",
        )
        .expect("both rows are well formed");
        let expected = InputRow {
            name: "a".into(),
            function: "f".into(),
            arguments: vec![(InputType::I32, 1), (InputType::I64, u64::MAX)],
            result: Some((InputType::I32, 0xffff_ffff)),
            memory: vec![0x01, 0xff],
            expected_memory: vec![],
        };
        assert_eq!(rows[0], expected);
        assert_eq!(
            (
                rows.len(),
                rows[1].result,
                rows[1].expected_memory.as_slice()
            ),
            (2, None, [0].as_slice())
        );
    }

    #[test]
    fn each_damaged_field_is_named() {
        let row = "a".to_owned();
        let cases = [
            ("a\nf\n", InputError::Truncated { row: row.clone() }),
            (
                "a\nf\nx:\n\n\n\n",
                InputError::Signature {
                    row: row.clone(),
                    signature: "x:".into(),
                },
            ),
            (
                "a\nf\n:ii\n\n\n\n",
                InputError::Signature {
                    row: row.clone(),
                    signature: ":ii".into(),
                },
            ),
            (
                "a\nf\ni:\n1 2\n\n\n",
                InputError::Values {
                    row: row.clone(),
                    values: "1 2".into(),
                },
            ),
            (
                "a\nf\ni:\n4294967296\n\n\n",
                InputError::Values {
                    row: row.clone(),
                    values: "4294967296".into(),
                },
            ),
            (
                "a\nf\n:i\n\n\n\n",
                InputError::Values {
                    row: row.clone(),
                    values: String::new(),
                },
            ),
            ("a\nf\n:\n\n0\n\n", InputError::Memory { row: row.clone() }),
            ("a\nf\n:\n\n0g\n\n", InputError::Memory { row }),
        ];
        for (text, refused) in cases {
            assert_eq!(parse_rows(text), Err(refused), "{text:?}");
        }
    }
}
