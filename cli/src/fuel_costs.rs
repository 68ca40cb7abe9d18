//! Reads what operators cost in fuel from a file.

use serde_json::{Map, Value};
use std::fs;
use wasmelt_abi::FuelCosts;

/// What stands in the file for what growing costs beside the operator.
const BYTES_COPIED: &str = "bytes_copied_per_fuel";

/// Reads a file like `{"call": 10, "i32.div_u": 8, "bytes_copied_per_fuel": 64}`. What it does not
/// name costs what it does by default.
pub(crate) fn read_fuel_costs(path: &str) -> Result<FuelCosts, String> {
    let text = fs::read(path).map_err(|error| format!("cannot read it: {error}"))?;
    parse(&text)
}

fn parse(text: &[u8]) -> Result<FuelCosts, String> {
    let named: Map<String, Value> = serde_json::from_slice(text)
        .map_err(|error| format!("it is no JSON object with costs of operators: {error}"))?;
    let mut costs = FuelCosts::default();
    for (name, cost) in &named {
        let out_of_range = |most: u32| format!("`{name}` is {cost}, and not from 0 to {most}");
        let number = cost.as_u64();
        if name == BYTES_COPIED {
            let bytes = number.and_then(|number| u32::try_from(number).ok());
            costs.bytes_copied_per_fuel = Some(bytes.ok_or_else(|| out_of_range(u32::MAX))?);
            continue;
        }
        let cost = number.and_then(|number| u8::try_from(number).ok());
        let cost = cost.ok_or_else(|| out_of_range(u8::MAX.into()))?;
        costs
            .operators
            .set(name, cost)
            .map_err(|error| format!("`{name}`: {error}"))?;
    }
    Ok(costs)
}

#[cfg(test)]
mod tests {
    use super::parse;
    use wasmelt_abi::FuelCosts;

    #[test]
    fn what_is_not_named_costs_what_it_does_by_default() {
        assert_eq!(parse(b"{}"), Ok(FuelCosts::default()));
        let costs = parse(br#"{"call": 10, "i32.div_u": 255, "bytes_copied_per_fuel": 64}"#);
        let mut expected = FuelCosts {
            bytes_copied_per_fuel: Some(64),
            ..FuelCosts::default()
        };
        expected.operators.call = 10;
        expected.operators.i32_div_u = 255;
        assert_eq!(costs, Ok(expected));
    }

    #[test]
    fn names_and_numbers_that_do_not_exist_are_refused_by_name() {
        for (text, expected) in [
            (
                r#"{"i32.addd": 1}"#,
                "`i32.addd`: there is no such operator",
            ),
            (r#"{"call": 256}"#, "`call` is 256, and not from 0 to 255"),
            (r#"{"call": -1}"#, "`call` is -1, and not from 0 to 255"),
            (r#"{"call": "1"}"#, "`call` is \"1\", and not from 0 to 255"),
            (
                r#"{"bytes_copied_per_fuel": 4294967296}"#,
                "`bytes_copied_per_fuel` is 4294967296, and not from 0 to 4294967295",
            ),
        ] {
            assert_eq!(parse(text.as_bytes()), Err(expected.to_owned()));
        }
        assert!(parse(b"[1]").is_err_and(|error| error.starts_with("it is no JSON object")));
    }
}
