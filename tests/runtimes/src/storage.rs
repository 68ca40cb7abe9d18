//! Keeps the chain state that a runtime sees: a sorted map with nested transactions.

use std::collections::BTreeMap;
use std::ops::Bound;

/// The state, and what to go back to for each open transaction.
#[derive(Debug, Clone, Default)]
pub struct Storage {
    map: BTreeMap<Vec<u8>, Vec<u8>>,
    snapshots: Vec<BTreeMap<Vec<u8>, Vec<u8>>>,
}

impl Storage {
    /// Sets `key` to `value`.
    pub fn set(&mut self, key: Vec<u8>, value: Vec<u8>) {
        self.map.insert(key, value);
    }

    /// The value of `key`.
    #[must_use]
    pub fn get(&self, key: &[u8]) -> Option<&[u8]> {
        self.map.get(key).map(Vec::as_slice)
    }

    /// Removes `key`.
    pub fn clear(&mut self, key: &[u8]) {
        self.map.remove(key);
    }

    /// The smallest key that is strictly greater than `key`.
    #[must_use]
    pub fn next_key(&self, key: &[u8]) -> Option<&[u8]> {
        let after = (Bound::Excluded(key), Bound::Unbounded);
        self.map
            .range::<[u8], _>(after)
            .next()
            .map(|(next, _)| next.as_slice())
    }

    /// Begins a transaction within those that are open.
    pub fn start_transaction(&mut self) {
        self.snapshots.push(self.map.clone());
    }

    /// Keeps the changes of the innermost transaction; `false` when none is open.
    pub fn commit_transaction(&mut self) -> bool {
        self.snapshots.pop().is_some()
    }

    /// Undoes the changes of the innermost transaction; `false` when none is open.
    pub fn rollback_transaction(&mut self) -> bool {
        let Some(snapshot) = self.snapshots.pop() else {
            return false;
        };
        self.map = snapshot;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transactions_nest() {
        let mut storage = Storage::default();
        storage.set(b"a".to_vec(), b"1".to_vec());
        storage.start_transaction();
        storage.set(b"a".to_vec(), b"2".to_vec());
        storage.start_transaction();
        storage.clear(b"a");
        assert!(storage.rollback_transaction());
        assert_eq!(storage.get(b"a"), Some(b"2".as_slice()));
        assert!(storage.commit_transaction());
        assert_eq!(storage.get(b"a"), Some(b"2".as_slice()));
        assert!(!storage.commit_transaction() && !storage.rollback_transaction());
    }

    #[test]
    fn the_next_key_is_strictly_greater() {
        let mut storage = Storage::default();
        for key in ["a", "ab", "b"] {
            storage.set(key.into(), Vec::new());
        }
        let next = |key: &str| storage.next_key(key.as_bytes());
        assert_eq!(
            (next("a"), next("aa"), next("b")),
            (Some(b"ab".as_slice()), Some(b"ab".as_slice()), None)
        );
    }
}
