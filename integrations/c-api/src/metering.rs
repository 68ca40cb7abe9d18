//! Fuel, interruption and limits: what keeps a guest within bounds.
#![allow(unsafe_code, reason = "exports functions by unmangled names")]

use crate::export::export;
use crate::failure::Failure;
use crate::live::{Counted, Kind};
use crate::signature::{Pointee, opaque};
use crate::store::{self, StoreObject};
use crate::vec::{Out, emptied};
use wasmelt::{InterruptHandle, StoreLimits, StoreLimitsBuilder};

/// `wasmelt_interrupt_handle_t`.
pub(crate) struct InterruptObject {
    handle: InterruptHandle,
    _counted: Counted,
}

opaque!(InterruptObject);

/// `wasmelt_limits_t`.
#[repr(C)]
pub(crate) struct StoreLimit {
    memory_bytes: u64,
    table_elements: u64,
    instances: u64,
    tables: u64,
    memories: u64,
    trap_on_refusal: bool,
}

const _: () = assert!(size_of::<StoreLimit>() == 48);

impl Pointee for StoreLimit {
    const SIZE: usize = size_of::<Self>();
}

impl StoreLimit {
    /// As a store has when it is new.
    const NONE: Self = Self {
        memory_bytes: u64::MAX,
        table_elements: u64::MAX,
        instances: 10_000,
        tables: 10_000,
        memories: 10_000,
        trap_on_refusal: false,
    };

    fn to_limits(&self) -> StoreLimits {
        let size = |limit: u64| usize::try_from(limit).unwrap_or(usize::MAX);
        StoreLimitsBuilder::new()
            .memory_size(size(self.memory_bytes))
            .table_elements(size(self.table_elements))
            .instances(size(self.instances))
            .tables(size(self.tables))
            .memories(size(self.memories))
            .trap_on_grow_failure(self.trap_on_refusal)
            .build()
    }
}

fn given(handle: Option<&InterruptObject>) -> Result<&InterruptHandle, Failure> {
    Ok(&handle
        .ok_or_else(|| Failure::null("interrupt handle"))?
        .handle)
}

export! { EXPORTS;
    fn wasmelt_store_set_fuel(store: Option<&StoreObject>, fuel: u64) -> bool {
        store::given(store)?.with(|mut ctx| Ok(ctx.set_fuel(fuel)?))?;
        Ok(true)
    }

    fn wasmelt_store_get_fuel(store: Option<&StoreObject>, out: Out<'_, u64>) -> bool {
        let out = emptied(out, "fuel")?;
        *out = store::given(store)?.with(|ctx| Ok(ctx.get_fuel()?))?;
        Ok(true)
    }

    fn wasmelt_limits_init(out: Out<'_, StoreLimit>) {
        out.ok_or_else(|| Failure::null("place for the limits"))?.write(StoreLimit::NONE);
        Ok(())
    }

    fn wasmelt_store_set_limits(store: Option<&StoreObject>, limits: Option<&StoreLimit>) -> bool {
        let limits = limits.ok_or_else(|| Failure::null("limits"))?.to_limits();
        store::given(store)?.with(|mut ctx| {
            ctx.data_mut().limits = limits;
            Ok(true)
        })
    }

    fn wasmelt_interrupt_handle_new(store: Option<&StoreObject>) -> Option<Box<InterruptObject>> {
        let handle = store::given(store)?.interrupt_handle().cloned();
        let handle = handle.ok_or_else(|| {
            Failure::usage("this needs an engine with wasmelt_config_set_interruption(config, true)")
        })?;
        Ok(Some(Box::new(InterruptObject {
            handle,
            _counted: Counted::new(Kind::InterruptHandle),
        })))
    }

    fn wasmelt_interrupt_handle_interrupt(handle: Option<&InterruptObject>) -> bool {
        given(handle)?.interrupt();
        Ok(true)
    }

    fn wasmelt_interrupt_handle_withdraw(handle: Option<&InterruptObject>) -> bool {
        given(handle)?.withdraw();
        Ok(true)
    }

    fn wasmelt_interrupt_handle_delete(handle: Option<Box<InterruptObject>>) {
        drop(handle);
        Ok(())
    }
}
