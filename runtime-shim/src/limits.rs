//! Lets an embedder bound how much memory and how many tables a store may use.

use crate::errors::{MemoryError, TableError};
use thiserror::Error;

/// What a [`ResourceLimiter`] says to make a growth end the call instead of returning −1.
#[derive(Debug, Clone, Copy, Error)]
pub enum LimiterError {
    /// The limiter refuses.
    #[error("resource limiter denied allocation")]
    ResourceLimiterDeniedAllocation,
}

/// Asked before a memory or table is created or grows, and before anything is instantiated.
///
/// Installed with [`Store::limiter`](crate::Store::limiter).
pub trait ResourceLimiter {
    /// Whether a memory may grow from `current` to `desired` bytes; `maximum` is the declared
    /// maximum in bytes. A new memory grows from 0.
    ///
    /// `Ok(false)` makes `memory.grow` return −1, and the host's calls an error.
    ///
    /// # Errors
    ///
    /// To end the call with [`TrapCode::GrowthOperationLimited`](crate::TrapCode) instead.
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> Result<bool, LimiterError>;

    /// Whether a table may grow from `current` to `desired` elements; see
    /// [`ResourceLimiter::memory_growing`].
    ///
    /// # Errors
    ///
    /// To end the call instead.
    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> Result<bool, LimiterError>;

    /// Told that a memory could not grow although it was allowed to.
    ///
    /// # Errors
    ///
    /// To end the call instead.
    fn memory_grow_failed(&mut self, _error: &MemoryError) -> Result<(), LimiterError> {
        Ok(())
    }

    /// Told that a table could not grow although it was allowed to.
    ///
    /// # Errors
    ///
    /// To end the call instead.
    fn table_grow_failed(&mut self, _error: &TableError) -> Result<(), LimiterError> {
        Ok(())
    }

    /// How many instances the store may have.
    fn instances(&self) -> usize;

    /// How many tables the store may have.
    fn tables(&self) -> usize;

    /// How many memories the store may have.
    fn memories(&self) -> usize;
}

/// Fixed limits.
#[derive(Debug, Clone)]
pub struct StoreLimits {
    memory_size: Option<usize>,
    table_elements: Option<usize>,
    instances: usize,
    tables: usize,
    memories: usize,
    trap_on_grow_failure: bool,
}

impl Default for StoreLimits {
    fn default() -> Self {
        const DEFAULT_COUNT: usize = 10_000;
        Self {
            memory_size: None,
            table_elements: None,
            instances: DEFAULT_COUNT,
            tables: DEFAULT_COUNT,
            memories: DEFAULT_COUNT,
            trap_on_grow_failure: false,
        }
    }
}

impl StoreLimits {
    fn decide(
        &self,
        desired: usize,
        limit: Option<usize>,
        maximum: Option<usize>,
    ) -> Result<bool, LimiterError> {
        let allowed = [limit, maximum]
            .into_iter()
            .flatten()
            .all(|bound| desired <= bound);
        if allowed {
            Ok(true)
        } else {
            self.refuse().map(|()| false)
        }
    }

    fn refuse(&self) -> Result<(), LimiterError> {
        if self.trap_on_grow_failure {
            return Err(LimiterError::ResourceLimiterDeniedAllocation);
        }
        Ok(())
    }
}

impl ResourceLimiter for StoreLimits {
    fn memory_growing(
        &mut self,
        _current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> Result<bool, LimiterError> {
        self.decide(desired, self.memory_size, maximum)
    }

    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> Result<bool, LimiterError> {
        self.decide(desired, self.table_elements, maximum)
    }

    fn memory_grow_failed(&mut self, _error: &MemoryError) -> Result<(), LimiterError> {
        self.refuse()
    }

    fn table_grow_failed(&mut self, _error: &TableError) -> Result<(), LimiterError> {
        self.refuse()
    }

    fn instances(&self) -> usize {
        self.instances
    }

    fn tables(&self) -> usize {
        self.tables
    }

    fn memories(&self) -> usize {
        self.memories
    }
}

/// Builds [`StoreLimits`].
#[derive(Debug, Default)]
pub struct StoreLimitsBuilder(StoreLimits);

impl StoreLimitsBuilder {
    /// Starts with no limit on sizes, and 10 000 of each kind of thing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Largest size of each memory, in bytes.
    #[must_use]
    pub fn memory_size(mut self, limit: usize) -> Self {
        self.0.memory_size = Some(limit);
        self
    }

    /// Largest size of each table, in elements.
    #[must_use]
    pub fn table_elements(mut self, limit: usize) -> Self {
        self.0.table_elements = Some(limit);
        self
    }

    /// How many instances the store may have.
    #[must_use]
    pub fn instances(mut self, limit: usize) -> Self {
        self.0.instances = limit;
        self
    }

    /// How many tables the store may have.
    #[must_use]
    pub fn tables(mut self, tables: usize) -> Self {
        self.0.tables = tables;
        self
    }

    /// How many memories the store may have.
    #[must_use]
    pub fn memories(mut self, memories: usize) -> Self {
        self.0.memories = memories;
        self
    }

    /// Whether a refused growth ends the call instead of returning −1.
    #[must_use]
    pub fn trap_on_grow_failure(mut self, trap: bool) -> Self {
        self.0.trap_on_grow_failure = trap;
        self
    }

    /// The limits.
    #[must_use]
    pub fn build(self) -> StoreLimits {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::{ResourceLimiter, StoreLimitsBuilder};

    #[test]
    fn limits_refuse_or_end_the_call_as_told() {
        let mut refuse = StoreLimitsBuilder::new().memory_size(10).build();
        assert!(refuse.memory_growing(0, 10, None).is_ok_and(|ok| ok));
        assert!(refuse.memory_growing(0, 11, None).is_ok_and(|ok| !ok));
        let mut end = StoreLimitsBuilder::new()
            .table_elements(1)
            .trap_on_grow_failure(true)
            .build();
        assert!(end.table_growing(0, 2, None).is_err());
        assert!(end.table_growing(0, 1, Some(0)).is_err());
    }
}
