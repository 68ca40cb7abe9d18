//! What the operators cost in fuel, and the mark by which two schedules are told apart.

use crate::bytes::Writer;
use alloc::{string::String, vec::Vec};
use core::fmt;

/// Version of the schedule: of the segments, of where checks are, and of what costs what by default.
/// `docs/fuel.md` says what it is, and what adds one.
///
/// - 1 (2026-11-21): first version.
/// - 2 (2026-11-22): costs come from a table, in which `return` and `unreachable` cost nothing by
///   default.
pub const FUEL_SCHEDULE_VERSION: u32 = 2;

macro_rules! define_operator_cost {
    ($($camel:ident $snake:ident $default:literal;)*) => {
        /// What each operator costs in fuel.
        ///
        /// The fields are the operators of the text format, with `_` for `.`, and behind names that
        /// are words of Rust. Operators that no module may use, because no preset includes their
        /// proposal, have a field as well, which has no effect.
        ///
        /// ```
        /// use wasmelt_abi::OperatorCost;
        ///
        /// let costs = OperatorCost { call: 10, i64_div_u: 8, ..OperatorCost::default() };
        /// assert_eq!(costs.get("i64.div_u"), Some(8));
        /// assert_eq!((costs.nop, costs.i32_add), (0, 1));
        /// ```
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub struct OperatorCost {
            $( #[doc = concat!("Cost of `", stringify!($camel), "`.")] pub $snake: u8, )*
        }

        impl Default for OperatorCost {
            /// What has no code of its own costs nothing, everything else 1.
            fn default() -> Self {
                Self { $( $snake: $default, )* }
            }
        }

        impl OperatorCost {
            /// Names of the operators, as those of the fields.
            const NAMES: &'static [&'static str] = &[ $( stringify!($snake), )* ];

            /// The costs, in the order of the names.
            fn costs(&self) -> impl Iterator<Item = u8> {
                [ $( self.$snake, )* ].into_iter()
            }

            fn field(&mut self, name: &str) -> Option<&mut u8> {
                match name {
                    $( stringify!($snake) => Some(&mut self.$snake), )*
                    _ => None,
                }
            }
        }
    };
}
crate::for_each_operator!(define_operator_cost);

/// A name that is no operator's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownOperator;

impl fmt::Display for UnknownOperator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("there is no such operator")
    }
}

impl core::error::Error for UnknownOperator {}

impl OperatorCost {
    /// All operators with the same cost.
    #[must_use]
    pub fn uniform(cost: u8) -> Self {
        let mut costs = Self::default();
        for name in Self::NAMES {
            *costs.field(name).expect("names are those of the fields") = cost;
        }
        costs
    }

    /// Cost of the operator with this name, in the text format (`i32.add`) or as the field's
    /// (`i32_add`); `None` if there is none.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<u8> {
        let mut costs = *self;
        costs.lookup(name).copied()
    }

    /// Sets the cost of the operator with this name; see [`OperatorCost::get`].
    ///
    /// # Errors
    ///
    /// If there is none.
    pub fn set(&mut self, name: &str, cost: u8) -> Result<(), UnknownOperator> {
        *self.lookup(name).ok_or(UnknownOperator)? = cost;
        Ok(())
    }

    /// Names, as those of the fields, and costs of all operators.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u8)> {
        Self::NAMES.iter().copied().zip(self.costs())
    }

    fn lookup(&mut self, name: &str) -> Option<&mut u8> {
        let mut field: String = name
            .chars()
            .map(|c| if c == '.' { '_' } else { c })
            .collect();
        if matches!(name, "loop" | "if" | "else" | "return") {
            field.push('_');
        }
        self.field(&field)
    }
}

/// Everything that decides what is charged, beside the module.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct FuelCosts {
    /// What each operator costs.
    pub operators: OperatorCost,
    /// How many bytes a memory may grow by for one unit of fuel: with 0, growth costs more than there
    /// ever is. Growth costs nothing more than its operator where this is `None`.
    pub bytes_copied_per_fuel: Option<u32>,
}

impl FuelCosts {
    /// The stored form, which is hashed: what differs from the defaults, in a fixed order. So an
    /// operator that is added later changes no table that does not name it.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        let defaults = OperatorCost::default();
        let costs = self.operators.iter().zip(defaults.costs());
        let other: Vec<_> = costs
            .filter(|((_, cost), default)| cost != default)
            .collect();
        writer.count(other.len());
        for ((name, cost), _) in other {
            writer.bytes(name.as_bytes());
            writer.u8(cost);
        }
        writer.u8(u8::from(self.bytes_copied_per_fuel.is_some()));
        writer.u32(self.bytes_copied_per_fuel.unwrap_or_default());
        writer.finish()
    }

    /// What growth by so many bytes costs beside its operator.
    #[must_use]
    pub fn for_growth(&self, len_bytes: u64) -> u64 {
        match self.bytes_copied_per_fuel {
            None => 0,
            Some(0) => u64::MAX,
            Some(per_fuel) => len_bytes / u64::from(per_fuel),
        }
    }
}

/// What code that meters fuel was compiled for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FuelSchedule {
    /// [`FUEL_SCHEDULE_VERSION`] of the compiler.
    pub version: u32,
    /// BLAKE3 of [`FuelCosts::encode`].
    pub costs_hash: [u8; 32],
}

impl fmt::Display for FuelSchedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "version {}, costs ", self.version)?;
        self.costs_hash
            .iter()
            .try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::{FuelCosts, OperatorCost, UnknownOperator};

    #[test]
    fn operators_are_found_by_both_of_their_names() {
        let mut costs = OperatorCost::default();
        for (name, cost) in [("i32.add", 3), ("local_get", 4), ("if", 5), ("return_", 6)] {
            assert_eq!(costs.set(name, cost), Ok(()), "{name}");
        }
        assert_eq!(
            (costs.i32_add, costs.local_get, costs.if_, costs.return_),
            (3, 4, 5, 6)
        );
        assert_eq!((costs.get("i32_add"), costs.get("if_")), (Some(3), Some(5)));
        for name in ["", "i32", "i32.add ", "call_", "end_"] {
            assert_eq!(costs.set(name, 1), Err(UnknownOperator), "{name}");
        }
    }

    #[test]
    fn only_what_has_no_code_of_its_own_is_free() {
        let costs = OperatorCost::default();
        let free = costs
            .iter()
            .filter(|(_, cost)| *cost == 0)
            .map(|(name, _)| name);
        let names: alloc::vec::Vec<_> = free.collect();
        let expected = [
            "unreachable",
            "nop",
            "block",
            "loop_",
            "else_",
            "end",
            "return_",
            "drop",
        ];
        assert_eq!(names, expected);
        assert!(costs.iter().all(|(_, cost)| cost <= 1));
    }

    #[test]
    fn every_other_cost_is_another_stored_form() {
        let mut forms = alloc::collections::BTreeSet::new();
        assert!(forms.insert(FuelCosts::default().encode()));
        for (name, cost) in OperatorCost::default().iter() {
            let mut costs = FuelCosts::default();
            costs.operators.set(name, cost + 1).expect("it exists");
            assert!(forms.insert(costs.encode()), "{name}");
        }
        for bytes in [0, 1, u32::MAX] {
            let costs = FuelCosts {
                bytes_copied_per_fuel: Some(bytes),
                ..FuelCosts::default()
            };
            assert!(forms.insert(costs.encode()), "{bytes}");
        }
    }

    #[test]
    fn growth_costs_by_the_byte_where_it_costs() {
        let growth = |bytes_copied_per_fuel| {
            let costs = FuelCosts {
                bytes_copied_per_fuel,
                ..FuelCosts::default()
            };
            costs.for_growth(65_536)
        };
        assert_eq!(growth(None), 0);
        assert_eq!(growth(Some(64)), 1024);
        assert_eq!(growth(Some(u32::MAX)), 0);
        assert_eq!(growth(Some(0)), u64::MAX);
    }
}
