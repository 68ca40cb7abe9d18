//! Values that scripts pass and expect, compared bit by bit or by the NaN patterns of the specification.

use std::fmt;

/// A WebAssembly 1.0 value. Floats are their bits, so that nothing on the way can change a NaN.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value {
    /// A 32-bit integer.
    I32(i32),
    /// A 64-bit integer.
    I64(i64),
    /// The bits of a 32-bit float.
    F32(u32),
    /// The bits of a 64-bit float.
    F64(u64),
    /// A value of a type outside WebAssembly 1.0, which no pattern matches.
    Foreign(&'static str),
}

impl Value {
    /// How the value is shown when two engines are compared: NaNs of one width are all alike, since the specification
    /// leaves their sign and payload open.
    #[must_use]
    pub fn comparable(&self) -> String {
        match *self {
            Self::F32(bits) if f32::from_bits(bits).is_nan() => "(f32.const nan)".to_owned(),
            Self::F64(bits) if f64::from_bits(bits).is_nan() => "(f64.const nan)".to_owned(),
            value => value.to_string(),
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::I32(value) => write!(f, "(i32.const {value})"),
            Self::I64(value) => write!(f, "(i64.const {value})"),
            Self::F32(bits) => {
                let value = f32::from_bits(bits);
                if value.is_nan() {
                    let sign = if value.is_sign_negative() { "-" } else { "" };
                    write!(f, "(f32.const {sign}nan:{:#x})", bits & F32_PAYLOAD)
                } else {
                    write!(f, "(f32.const {value:?} ;; bits {bits:#010x})")
                }
            }
            Self::F64(bits) => {
                let value = f64::from_bits(bits);
                if value.is_nan() {
                    let sign = if value.is_sign_negative() { "-" } else { "" };
                    write!(f, "(f64.const {sign}nan:{:#x})", bits & F64_PAYLOAD)
                } else {
                    write!(f, "(f64.const {value:?} ;; bits {bits:#018x})")
                }
            }
            Self::Foreign(ty) => write!(f, "({ty})"),
        }
    }
}

const F32_PAYLOAD: u32 = 0x007f_ffff;
const F32_QUIET: u32 = 0x0040_0000;
const F32_EXPONENT: u32 = 0x7f80_0000;
const F64_PAYLOAD: u64 = 0x000f_ffff_ffff_ffff;
const F64_QUIET: u64 = 0x0008_0000_0000_0000;
const F64_EXPONENT: u64 = 0x7ff0_0000_0000_0000;

/// What `assert_return` expects for one result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pattern {
    /// Exactly these bits.
    Exact(Value),
    /// `nan:canonical` of 32 bits: either sign, payload of only the top bit.
    F32CanonicalNan,
    /// `nan:arithmetic` of 32 bits: either sign, top payload bit set.
    F32ArithmeticNan,
    /// `nan:canonical` of 64 bits.
    F64CanonicalNan,
    /// `nan:arithmetic` of 64 bits.
    F64ArithmeticNan,
    /// Any one of several.
    Either(Vec<Pattern>),
}

impl Pattern {
    /// Whether `value` is one that the pattern allows.
    #[must_use]
    pub fn matches(&self, value: &Value) -> bool {
        match (self, *value) {
            (Self::Exact(expected), value) => {
                *expected == value && !matches!(value, Value::Foreign(_))
            }
            (Self::F32CanonicalNan, Value::F32(bits)) => {
                bits & (F32_EXPONENT | F32_PAYLOAD) == F32_EXPONENT | F32_QUIET
            }
            (Self::F32ArithmeticNan, Value::F32(bits)) => {
                bits & (F32_EXPONENT | F32_QUIET) == F32_EXPONENT | F32_QUIET
            }
            (Self::F64CanonicalNan, Value::F64(bits)) => {
                bits & (F64_EXPONENT | F64_PAYLOAD) == F64_EXPONENT | F64_QUIET
            }
            (Self::F64ArithmeticNan, Value::F64(bits)) => {
                bits & (F64_EXPONENT | F64_QUIET) == F64_EXPONENT | F64_QUIET
            }
            (Self::Either(patterns), _) => patterns.iter().any(|pattern| pattern.matches(value)),
            _ => false,
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(value) => value.fmt(f),
            Self::F32CanonicalNan => f.write_str("(f32.const nan:canonical)"),
            Self::F32ArithmeticNan => f.write_str("(f32.const nan:arithmetic)"),
            Self::F64CanonicalNan => f.write_str("(f64.const nan:canonical)"),
            Self::F64ArithmeticNan => f.write_str("(f64.const nan:arithmetic)"),
            Self::Either(patterns) => {
                f.write_str("(either")?;
                for pattern in patterns {
                    write!(f, " {pattern}")?;
                }
                f.write_str(")")
            }
        }
    }
}

/// Values or patterns as a script writes them, or `no value`.
pub fn join<T: fmt::Display>(items: &[T]) -> String {
    if items.is_empty() {
        return "no value".to_owned();
    }
    items
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::{Pattern, Value};

    #[test]
    fn canonical_nan_has_either_sign_and_only_the_quiet_bit() {
        for bits in [0x7fc0_0000, 0xffc0_0000] {
            assert!(Pattern::F32CanonicalNan.matches(&Value::F32(bits)));
        }
        for bits in [0x7fc0_0001, 0x7fa0_0000, 0x7f80_0000, 0x3f80_0000] {
            assert!(
                !Pattern::F32CanonicalNan.matches(&Value::F32(bits)),
                "{bits:#x}"
            );
        }
        assert!(Pattern::F64CanonicalNan.matches(&Value::F64(0xfff8_0000_0000_0000)));
        assert!(!Pattern::F64CanonicalNan.matches(&Value::F64(0x7ff8_0000_0000_0001)));
    }

    #[test]
    fn arithmetic_nan_needs_the_quiet_bit_and_allows_any_payload() {
        assert!(Pattern::F32ArithmeticNan.matches(&Value::F32(0xffc1_2345)));
        assert!(
            !Pattern::F32ArithmeticNan.matches(&Value::F32(0x7fa0_0000)),
            "signalling"
        );
        assert!(
            !Pattern::F32ArithmeticNan.matches(&Value::F32(0x7f80_0000)),
            "infinity"
        );
        assert!(Pattern::F64ArithmeticNan.matches(&Value::F64(0x7ffc_0000_0000_0001)));
        assert!(!Pattern::F64ArithmeticNan.matches(&Value::F64(0x7ff4_0000_0000_0000)));
    }

    #[test]
    fn zeros_of_different_sign_and_types_of_different_width_do_not_match() {
        assert!(!Pattern::Exact(Value::F32(0)).matches(&Value::F32(0x8000_0000)));
        assert!(!Pattern::Exact(Value::I32(1)).matches(&Value::I64(1)));
        assert!(!Pattern::F32CanonicalNan.matches(&Value::F64(0x7ff8_0000_0000_0000)));
    }

    #[test]
    fn nans_are_alike_only_when_engines_are_compared() {
        let (left, right) = (Value::F32(0x7fc0_0000), Value::F32(0xffc0_0001));
        assert_ne!(left.to_string(), right.to_string());
        assert_eq!(left.comparable(), right.comparable());
    }
}
