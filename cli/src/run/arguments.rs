//! Reads arguments by the types of parameters, and writes results.

use serde::Serialize;
use wasmelt::{F32, F64, Val};
use wasmelt_abi::ValType;

/// A result in words.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct ResultText {
    #[serde(rename = "type")]
    ty: String,
    /// As printed: integers signed, floats in the shortest form that reads back.
    pub(crate) value: String,
    /// The bits of a float, which tell one NaN from another.
    #[serde(skip_serializing_if = "Option::is_none")]
    bits: Option<String>,
}

/// The results of a call.
pub(crate) fn results_text(results: &[Val]) -> Vec<ResultText> {
    results.iter().map(result_text).collect()
}

fn result_text(result: &Val) -> ResultText {
    let (ty, value, bits) = match result {
        Val::I32(value) => (ValType::I32.to_string(), value.to_string(), None),
        Val::I64(value) => (ValType::I64.to_string(), value.to_string(), None),
        Val::F32(value) => (
            ValType::F32.to_string(),
            value.to_float().to_string(),
            Some(format!("{:#010x}", value.to_bits())),
        ),
        Val::F64(value) => (
            ValType::F64.to_string(),
            value.to_float().to_string(),
            Some(format!("{:#018x}", value.to_bits())),
        ),
        // No module of this language has results of other types.
        other => ("other".to_owned(), format!("{other:?}"), None),
    };
    ResultText { ty, value, bits }
}

/// Reads an argument.
///
/// # Errors
///
/// Why it is none, in words that follow the argument.
pub(super) fn parse_value(text: &str, ty: ValType) -> Result<Val, String> {
    match ty {
        ValType::I32 => parse_integer(text, 32).map(|bits| {
            let low = u32::try_from(bits & u64::from(u32::MAX)).expect("32 bits are left");
            Val::I32(low.cast_signed())
        }),
        ValType::I64 => parse_integer(text, 64).map(|bits| Val::I64(bits.cast_signed())),
        ValType::F32 => parse_float(text, &SINGLE).map(|bits| {
            let low = u32::try_from(bits).expect("the format has 32 bits");
            Val::F32(F32::from_bits(low))
        }),
        ValType::F64 => parse_float(text, &DOUBLE).map(|bits| Val::F64(F64::from_bits(bits))),
    }
}

/// Reads 64 hexadecimal digits.
pub(super) fn parse_digest(text: &str) -> Result<[u8; 32], String> {
    let complaint = || "a digest has 64 hexadecimal digits".to_owned();
    if text.len() != 64 || !text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return Err(complaint());
    }
    let mut digest = [0; 32];
    for (byte, at) in digest.iter_mut().zip((0..).step_by(2)) {
        *byte = u8::from_str_radix(&text[at..at + 2], 16).map_err(|_| complaint())?;
    }
    Ok(digest)
}

/// Bits of an integer that is given signed or unsigned, decimal or hexadecimal, with `_` between
/// digits as in the text format.
fn parse_integer(text: &str, width: u32) -> Result<u64, String> {
    let not_one = || format!("is not an i{width}: decimal or hexadecimal (0x), signed or unsigned");
    let (is_negative, magnitude) = split_sign(text);
    let (digits, radix) = match strip_hex(magnitude) {
        Some(digits) => (digits, 16),
        None => (magnitude, 10),
    };
    let digits = plain_digits(digits, radix).ok_or_else(not_one)?;
    // A number too long for 128 bits is out of range as well.
    let magnitude = u128::from_str_radix(&digits, radix).unwrap_or(u128::MAX);
    let limit = if is_negative {
        1u128 << (width - 1)
    } else {
        (1u128 << width) - 1
    };
    if magnitude > limit {
        return Err(format!("is out of range for an i{width}"));
    }
    let magnitude = u64::try_from(magnitude).expect("within 64 bits");
    Ok(if is_negative {
        magnitude.wrapping_neg()
    } else {
        magnitude
    })
}

/// The shape of a float format.
struct FloatFormat {
    name: &'static str,
    width: u32,
    fraction_width: u32,
    parse_decimal: fn(&str) -> Option<u64>,
}

const SINGLE: FloatFormat = FloatFormat {
    name: "f32",
    width: 32,
    fraction_width: 23,
    parse_decimal: |text| Some(u64::from(text.parse::<f32>().ok()?.to_bits())),
};

const DOUBLE: FloatFormat = FloatFormat {
    name: "f64",
    width: 64,
    fraction_width: 52,
    parse_decimal: |text| Some(text.parse::<f64>().ok()?.to_bits()),
};

impl FloatFormat {
    const fn infinity(&self) -> u64 {
        let exponent_width = self.width - 1 - self.fraction_width;
        ((1 << exponent_width) - 1) << self.fraction_width
    }

    const fn quiet_bit(&self) -> u64 {
        1 << (self.fraction_width - 1)
    }

    const fn sign_bit(&self) -> u64 {
        1 << (self.width - 1)
    }
}

/// Bits of a float that is given decimal or hexadecimal, or as `inf`, `nan` or `nan:0x…`.
fn parse_float(text: &str, format: &FloatFormat) -> Result<u64, String> {
    let not_one = || {
        let name = format.name;
        format!("is not an {name}: decimal or hexadecimal (0x1.8p3), inf, nan or nan:0x…")
    };
    let (is_negative, magnitude) = split_sign(text);
    let lower = magnitude.to_ascii_lowercase();
    let bits = if lower == "nan" {
        format.infinity() | format.quiet_bit()
    } else if let Some(payload) = lower.strip_prefix("nan:") {
        let payload = parse_payload(payload, format).ok_or_else(not_one)?;
        format.infinity() | payload
    } else if let Some(digits) = strip_hex(&lower) {
        parse_hex_float(digits, format).ok_or_else(not_one)?
    } else {
        // Rust's reader takes signs itself; the one sign is split off already.
        let is_plain = lower.starts_with(|c: char| c.is_ascii_digit() || c == '.' || c == 'i');
        let number = if is_plain {
            lower.replace('_', "")
        } else {
            String::new()
        };
        (format.parse_decimal)(&number).ok_or_else(not_one)?
    };
    Ok(if is_negative {
        bits | format.sign_bit()
    } else {
        bits
    })
}

fn parse_payload(text: &str, format: &FloatFormat) -> Option<u64> {
    let digits = plain_digits(strip_hex(text)?, 16)?;
    let payload = u64::from_str_radix(&digits, 16).ok()?;
    (payload != 0 && payload >> format.fraction_width == 0).then_some(payload)
}

/// Reads the digits, point and exponent of a hexadecimal float, rounding to nearest, ties to even.
fn parse_hex_float(text: &str, format: &FloatFormat) -> Option<u64> {
    let (digits, exponent) = match text.split_once('p') {
        Some((digits, exponent)) => (digits, parse_exponent(exponent)?),
        None => (text, 0),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all = plain_digits(&format!("{whole}{fraction}"), 16)?;
    let fraction_digits = fraction.bytes().filter(|digit| *digit != b'_').count();
    // The leading 64 bits, and whether anything that was cut off is not zero.
    let (mut mantissa, mut sticky, mut dropped) = (0u64, false, 0i64);
    for digit in all.bytes() {
        let digit = u64::from(char::from(digit).to_digit(16)?);
        if mantissa >> 60 == 0 {
            mantissa = mantissa << 4 | digit;
        } else {
            sticky |= digit != 0;
            dropped += 4;
        }
    }
    let scale = i64::try_from(fraction_digits).ok()?.checked_mul(4)?;
    let exponent = exponent.checked_add(dropped)?.checked_sub(scale)?;
    Some(round(mantissa, sticky, exponent, format))
}

/// Bits of `mantissa × 2^exponent`, a little more if `sticky`.
fn round(mantissa: u64, sticky: bool, exponent: i64, format: &FloatFormat) -> u64 {
    if mantissa == 0 {
        return 0;
    }
    let fraction_width = i64::from(format.fraction_width);
    let bias = (1i64 << (format.width - 2 - format.fraction_width)) - 1;
    let length = i64::from(u64::BITS - mantissa.leading_zeros());
    // Exponent of the leading bit, and of the last bit that the format keeps there.
    let leading = exponent.saturating_add(length - 1);
    let last = leading.max(1 - bias) - fraction_width;
    let cut = last.saturating_sub(exponent);
    let (kept, remainder) = match cut {
        ..=0 => (u128::from(mantissa) << (-cut).min(64), 0),
        1..=64 => {
            let wide = u128::from(mantissa) << (64 - cut);
            (wide >> 64, wide & u128::from(u64::MAX))
        }
        // Less than half of the smallest float.
        _ => (0, 1),
    };
    let half = 1u128 << 63;
    let is_above_half = remainder > half || (remainder == half && sticky);
    let is_tie = remainder == half && !sticky;
    let rounded = kept + u128::from(is_above_half || (is_tie && kept & 1 == 1));
    let rounded = u64::try_from(rounded).expect("at most one bit more than the format keeps");
    // The leading bit of a normal number adds one to the stored exponent; so does a carry.
    let stored = last + fraction_width + bias - 1;
    let stored = u64::try_from(stored).expect("the last bit is one of the smallest number's");
    match stored.checked_mul(1 << format.fraction_width) {
        Some(base) => base.saturating_add(rounded).min(format.infinity()),
        None => format.infinity(),
    }
}

fn parse_exponent(text: &str) -> Option<i64> {
    let (is_negative, magnitude) = split_sign(text);
    let digits = plain_digits(magnitude, 10)?;
    // Beyond this every float is zero or infinite.
    let magnitude = digits.parse::<i64>().unwrap_or(i64::MAX).min(1 << 40);
    Some(if is_negative { -magnitude } else { magnitude })
}

fn split_sign(text: &str) -> (bool, &str) {
    match text.strip_prefix('-') {
        Some(magnitude) => (true, magnitude),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    }
}

fn strip_hex(text: &str) -> Option<&str> {
    text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"))
}

/// The digits without `_`, if there is at least one and nothing else.
fn plain_digits(text: &str, radix: u32) -> Option<String> {
    let digits: String = text.chars().filter(|c| *c != '_').collect();
    let all_are_digits = digits.chars().all(|c| c.is_digit(radix));
    (all_are_digits && !digits.is_empty()).then_some(digits)
}

#[cfg(test)]
mod tests {
    use super::{parse_digest, parse_value, results_text};
    use wasmelt::{F32, F64, Val};
    use wasmelt_abi::ValType;

    fn bits(text: &str, ty: ValType) -> Option<u64> {
        Some(match parse_value(text, ty).ok()? {
            Val::I32(value) => u64::from(value.cast_unsigned()),
            Val::I64(value) => value.cast_unsigned(),
            Val::F32(value) => u64::from(value.to_bits()),
            Val::F64(value) => value.to_bits(),
            other => panic!("no argument has the type of {other:?}"),
        })
    }

    #[test]
    fn integers_are_signed_or_unsigned_decimal_or_hexadecimal() {
        for (text, expected) in [
            ("0", Some(0)),
            ("+7", Some(7)),
            ("-1", Some(0xffff_ffff)),
            ("4294967295", Some(0xffff_ffff)),
            ("0xffffffff", Some(0xffff_ffff)),
            ("-0x80000000", Some(0x8000_0000)),
            ("1_000", Some(1000)),
            ("4294967296", None),
            ("-2147483649", None),
            ("0x1_0000_0000", None),
            ("", None),
            ("-", None),
            ("0x", None),
            ("--1", None),
            ("1.0", None),
            ("99999999999999999999999999999999999999999999", None),
        ] {
            assert_eq!(bits(text, ValType::I32), expected, "{text}");
        }
        assert_eq!(bits("-9223372036854775808", ValType::I64), Some(1 << 63));
        assert_eq!(bits("18446744073709551615", ValType::I64), Some(u64::MAX));
        assert_eq!(bits("18446744073709551616", ValType::I64), None);
    }

    #[test]
    fn floats_are_decimal_or_special() {
        for (text, expected) in [
            ("1.5", Some(0x3fc0_0000)),
            ("-0", Some(0x8000_0000)),
            ("-0.0", Some(0x8000_0000)),
            ("1e3", Some(0x447a_0000)),
            (".5", Some(0x3f00_0000)),
            ("inf", Some(0x7f80_0000)),
            ("-Infinity", Some(0xff80_0000)),
            ("nan", Some(0x7fc0_0000)),
            ("-NaN", Some(0xffc0_0000)),
            ("nan:0x1", Some(0x7f80_0001)),
            ("-nan:0x7fffff", Some(0xffff_ffff)),
            ("1e400", Some(0x7f80_0000)),
            ("nan:0x0", None),
            ("nan:0x800000", None),
            ("--1", None),
            ("-+1", None),
            ("abc", None),
            ("", None),
        ] {
            assert_eq!(bits(text, ValType::F32), expected, "{text}");
        }
        assert_eq!(bits("nan", ValType::F64), Some(0x7ff8_0000_0000_0000));
    }

    #[test]
    fn hexadecimal_floats_round_to_nearest_even() {
        for (text, single, double) in [
            ("0x1p0", 1.0f32, 1.0f64),
            ("0x1.8p1", 3.0, 3.0),
            ("0xa", 10.0, 10.0),
            ("-0x.8", -0.5, -0.5),
            ("0x0p9", 0.0, 0.0),
            ("0x1.fffffep127", f32::MAX, f64::from(f32::MAX)),
            // Half an ulp of a single above the largest rounds to infinity, less does not.
            ("0x1.ffffffp127", f32::INFINITY, 3.402_823_567_797_336_6e38),
            ("0x1.fffffeffffp127", f32::MAX, 3.402_823_567_795_789_2e38),
            ("0x1.000001p0", 1.0, 1.000_000_059_604_644_8),
            (
                "0x1.0000010000000000000000001p0",
                1.000_000_1,
                1.000_000_059_604_644_8,
            ),
            ("0x1.000003p0", 1.000_000_2, 1.000_000_178_813_934_3),
            // The smallest, half of it (a tie: to even, zero), and a little more than half.
            ("0x1p-149", f32::from_bits(1), f64::from(f32::from_bits(1))),
            ("0x1p-150", 0.0, 7.006_492_321_624_085e-46),
            ("0x1.8p-150", f32::from_bits(1), 1.050_973_848_243_612_8e-45),
            ("0x1p-126", f32::MIN_POSITIVE, f64::from(f32::MIN_POSITIVE)),
            ("0x1p99999999999999999999", f32::INFINITY, f64::INFINITY),
            ("0x1p-99999999999999999999", 0.0, 0.0),
            ("0x1p-1074", 0.0, f64::from_bits(1)),
            ("0x1.fffffffffffffp1023", f32::INFINITY, f64::MAX),
            ("0x10000000000000000p-64", 1.0, 1.0),
        ] {
            let expected = (u64::from(single.to_bits()), double.to_bits());
            let found = (bits(text, ValType::F32), bits(text, ValType::F64));
            assert_eq!(found, (Some(expected.0), Some(expected.1)), "{text}");
        }
        for text in ["0x", "0x.", "0x1p", "0x1p1.5", "0x1pp1", "0xg"] {
            assert_eq!(bits(text, ValType::F64), None, "{text}");
        }
    }

    #[test]
    fn every_single_survives_as_hexadecimal() {
        // Each exponent with some fractions, written exactly.
        for exponent in 0..=254u32 {
            for fraction in [0, 1, 0x2a_aaaa, 0x7f_ffff] {
                let stored = exponent << 23 | fraction;
                let (mantissa, scale) = match exponent {
                    0 => (fraction, -149),
                    _ => (1 << 23 | fraction, i64::from(exponent) - 150),
                };
                let text = format!("{mantissa:#x}p{scale}");
                assert_eq!(bits(&text, ValType::F32), Some(u64::from(stored)), "{text}");
            }
        }
    }

    #[test]
    fn results_are_signed_and_floats_keep_their_bits() {
        let results = [
            Val::I32(-1),
            Val::I64(i64::MIN),
            Val::F32(F32::from_bits(0x7fc0_0001)),
            Val::F64(F64::from_bits(0x8000_0000_0000_0000)),
        ];
        let texts = results_text(&results);
        let values: Vec<_> = texts.iter().map(|text| text.value.as_str()).collect();
        assert_eq!(values, ["-1", "-9223372036854775808", "NaN", "-0"]);
        assert_eq!(texts[2].bits.as_deref(), Some("0x7fc00001"));
        assert_eq!(texts[3].bits.as_deref(), Some("0x8000000000000000"));
    }

    #[test]
    fn a_digest_has_64_digits() {
        assert_eq!(parse_digest(&"0f".repeat(32)), Ok([0x0f; 32]));
        for text in [
            "",
            "0f",
            &"0g".repeat(32),
            &"é".repeat(32),
            &"+1".repeat(32),
        ] {
            assert!(parse_digest(text).is_err(), "{text}");
        }
    }
}
