//! What fuel is charged for beside operators, under the names of an interpreter.

/// Costs that depend on how much is done. Given to [`Config::fuel_cost`](crate::Config::fuel_cost).
///
/// ```
/// use wasmelt::{Config, CustomFuelCosts};
///
/// let mut config = Config::new();
/// config.consume_fuel(true).fuel_cost(CustomFuelCosts {
///     bytes_copied_per_fuel: 64,
///     fuel_per_bytes_translated: 0,
///     fuel_per_bytes_validated: 0,
/// });
/// ```
#[derive(Debug, Clone, Copy)]
pub struct CustomFuelCosts {
    /// How many bytes one unit of fuel copies: `memory.grow`, when it grows, costs its growth in bytes
    /// divided by this, besides what the operator costs. With 0 no fuel is enough for it.
    pub bytes_copied_per_fuel: u32,
    /// Without effect: translation is never charged to a guest, because it has happened before.
    pub fuel_per_bytes_translated: u32,
    /// Without effect, for the same reason.
    pub fuel_per_bytes_validated: u32,
}
