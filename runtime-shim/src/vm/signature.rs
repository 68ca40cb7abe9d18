//! Gives every function type one number in this process, for `call_indirect` between modules.

use crate::types::FuncType;
use std::{
    collections::HashMap,
    sync::{OnceLock, PoisonError, RwLock},
};
use wasmelt_abi::VMFuncRef;

type Registry = RwLock<HashMap<FuncType, u32>>;

/// The canonical id of a type: equal types have equal ids, whatever engine they belong to.
///
/// Ids are never reused, since a table of some store may hold one.
pub(crate) fn canonical_signature_id(ty: &FuncType) -> u32 {
    static REGISTRY: OnceLock<Registry> = OnceLock::new();
    let registry = REGISTRY.get_or_init(Registry::default);
    // A panic while the lock was held leaves the map as it was or with one entry more.
    if let Some(id) = registry
        .read()
        .unwrap_or_else(PoisonError::into_inner)
        .get(ty)
    {
        return *id;
    }
    let mut types = registry.write().unwrap_or_else(PoisonError::into_inner);
    let next = u32::try_from(types.len())
        .ok()
        .filter(|id| *id != VMFuncRef::NULL_SIGNATURE_ID)
        .expect("a process sees fewer than 2^32 - 1 function types");
    *types.entry(ty.clone()).or_insert(next)
}

#[cfg(test)]
mod tests {
    use super::canonical_signature_id;
    use crate::{types::FuncType, value::ValType};

    #[test]
    fn equal_types_have_equal_ids_on_every_thread() {
        let types: Vec<FuncType> = (0..20)
            .map(|len| FuncType::new(vec![ValType::I32; len], [ValType::F64]))
            .collect();
        let ids = || -> Vec<u32> { types.iter().map(canonical_signature_id).collect() };
        let all: Vec<Vec<u32>> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(ids)).collect();
            threads
                .into_iter()
                .map(|thread| thread.join().expect("no thread panics"))
                .collect()
        });
        assert!(all.iter().all(|ids| *ids == all[0]));
        let mut distinct = all[0].clone();
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!(distinct.len(), types.len());
    }
}
