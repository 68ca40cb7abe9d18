//! Floats as bit patterns, so that a NaN passes through the host unchanged.

use core::{cmp::Ordering, fmt};

macro_rules! float {
    ($(#[$doc:meta])* $name:ident, $float:ty, $bits:ty) => {
        $(#[$doc])*
        #[derive(Clone, Copy)]
        pub struct $name($bits);

        impl $name {
            /// The value with these bits.
            #[inline]
            #[must_use]
            pub fn from_bits(bits: $bits) -> Self {
                Self(bits)
            }

            /// The bits.
            #[inline]
            #[must_use]
            pub fn to_bits(self) -> $bits {
                self.0
            }

            /// The value of a Rust float.
            #[inline]
            #[must_use]
            pub fn from_float(float: $float) -> Self {
                Self(float.to_bits())
            }

            /// The Rust float with this value.
            #[inline]
            #[must_use]
            pub fn to_float(self) -> $float {
                <$float>::from_bits(self.0)
            }
        }

        impl From<$float> for $name {
            #[inline]
            fn from(float: $float) -> Self {
                Self::from_float(float)
            }
        }

        impl From<$name> for $float {
            #[inline]
            fn from(float: $name) -> Self {
                float.to_float()
            }
        }

        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                self.to_float() == other.to_float()
            }
        }

        impl PartialOrd for $name {
            fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
                self.to_float().partial_cmp(&other.to_float())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                if self.to_float().is_nan() {
                    write!(f, "nan:0x{:X}", self.0)
                } else {
                    fmt::Debug::fmt(&self.to_float(), f)
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                if self.to_float().is_nan() {
                    write!(f, "nan:0x{:X}", self.0)
                } else {
                    fmt::Display::fmt(&self.to_float(), f)
                }
            }
        }
    };
}

float! {
    /// A 32-bit float. Compares as a float does: NaN equals nothing.
    F32, f32, u32
}

float! {
    /// A 64-bit float. Compares as a float does: NaN equals nothing.
    F64, f64, u64
}

#[cfg(test)]
mod tests {
    use super::{F32, F64};

    #[test]
    fn a_signalling_nan_keeps_its_bits() {
        assert_eq!(F32::from_bits(0x7fa0_0001).to_bits(), 0x7fa0_0001);
        assert_eq!(
            F64::from_bits(0x7ff4_0000_0000_0001).to_bits(),
            0x7ff4_0000_0000_0001
        );
        assert_ne!(F32::from_bits(0x7fa0_0001), F32::from_bits(0x7fa0_0001));
        assert_eq!(F64::from_float(1.5).to_string(), "1.5");
    }
}
