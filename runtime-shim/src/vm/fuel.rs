//! The fuel of a store, of which compiled code has a part in a register.
//!
//! While compiled code runs, the register is the truth. When it calls the host it has stored the
//! register, which it keeps over the call, and adds afterwards what the host added meanwhile:
//! `fuel + fuel_added` is what is left of that part. The rest, of more than fits in a signed
//! register, is in reserve.
#![allow(unsafe_code, reason = "fields that compiled code reads and writes")]

use super::store_vm::{StoreBlock, StoreVm};
use crate::errors::MemoryError;

/// Most that compiled code has in its register.
const MAX_IN_REGISTER: u64 = if cfg!(debug_assertions) {
    // So little that tests ask for more.
    1 << 10
} else {
    1 << 62
};

impl StoreBlock {
    /// What is left of the part that compiled code has; negative when more was charged.
    fn fuel_in_use(&self) -> i64 {
        // SAFETY: the fields change only while the store is borrowed exclusively, and never while
        // this runs.
        let vm = unsafe { &*self.vm() };
        vm.fuel.wrapping_add(vm.fuel_added)
    }

    /// What an entry gives to the fuel register, and what the register of the guest that waits holds, if
    /// there is one.
    pub(super) fn enter_fuel(&self) -> (i64, i64) {
        let in_use = self.fuel_in_use();
        // SAFETY: the store is lent exclusively to the entry, whose guest does not run yet.
        let vm = unsafe { &mut *self.vm() };
        vm.fuel_added = 0;
        (in_use, vm.fuel)
    }

    /// Takes back what an entry's compiled code left over, which is in the block.
    pub(super) fn leave_fuel(&self, outer: i64) {
        let in_use = self.fuel_in_use();
        // SAFETY: the guest of the entry does not run any more.
        let vm = unsafe { &mut *self.vm() };
        // An outer guest has this in its register still, and adds the difference.
        vm.fuel = outer;
        vm.fuel_added = in_use.wrapping_sub(outer);
    }

    /// Stores what compiled code left in its register.
    pub(super) fn set_fuel_register(&self, register: i64) {
        // SAFETY: the guest does not run.
        let vm = unsafe { &mut *self.vm() };
        vm.fuel = register;
        vm.fuel_added = 0;
    }

    /// The register that compiled code stored when it called the host.
    pub(super) fn register(&self) -> i64 {
        // SAFETY: the guest does not run.
        unsafe { (*self.vm()).fuel }
    }

    /// Lets compiled code, which has `register` in its register, find that it is `in_use` by now.
    pub(super) fn resume_register(&self, in_use: i64, register: i64) {
        // SAFETY: the guest waits for the host function that returns after this.
        let vm = unsafe { &mut *self.vm() };
        vm.fuel = register;
        vm.fuel_added = in_use.wrapping_sub(register);
    }

    /// Takes what compiled code owed from `in_use` and the reserve. The result is what it has in use then.
    pub(super) fn pay(&self, in_use: i64, required: u64) -> i64 {
        let there = i128::from(in_use) + i128::from(self.fuel_reserve.replace(0));
        let left = u64::try_from(there - i128::from(required));
        let left = left.expect("the caller looked whether there is enough");
        let in_use = left.min(MAX_IN_REGISTER);
        self.fuel_reserve.set(left - in_use);
        in_use.cast_signed()
    }

    /// Subtracts what was charged, but not yet subtracted, when compiled code stopped.
    pub(super) fn charge(&self, pending: u32) {
        // SAFETY: the guest does not run.
        let vm = unsafe { &mut *self.vm() };
        vm.fuel = vm.fuel.wrapping_sub(i64::from(pending));
    }

    /// Moves fuel from the reserve into the register that compiled code stored, for what it has charged.
    ///
    /// # Errors
    ///
    /// How much is missing, if there is not enough.
    pub(super) fn refill(&self, pending: u32) -> Result<(), u64> {
        // SAFETY: the guest waits for the libcall that this is part of.
        let vm = unsafe { &mut *self.vm() };
        let missing = i64::from(pending).saturating_sub(vm.fuel).max(0);
        let reserve = self.fuel_reserve.get();
        let refill = reserve.min(MAX_IN_REGISTER + missing.unsigned_abs());
        self.fuel_reserve.set(reserve - refill);
        vm.fuel = vm.fuel.wrapping_add(refill.cast_signed());
        match i64::from(pending).saturating_sub(vm.fuel) {
            ..=0 => Ok(()),
            missing => Err(missing.unsigned_abs()),
        }
    }

    /// Charges for the growth of a memory, if that costs anything.
    pub(super) fn charge_growth(&self, len_bytes: u64) -> Result<(), MemoryError> {
        let charged = match &self.fuel_costs {
            Some(costs) => self.charge_host_work(costs.for_growth(len_bytes)),
            None => Ok(()),
        };
        charged.map_err(|required_fuel| MemoryError::OutOfFuel { required_fuel })
    }

    /// Charges for something that the host does in a libcall: compiled code, which has stored its
    /// register, looks at what was added afterwards. The error says how much is missing; nothing is
    /// charged then.
    fn charge_host_work(&self, cost: u64) -> Result<(), u64> {
        if cost == 0 {
            return Ok(());
        }
        let in_use = self.fuel_in_use();
        let reserve = self.fuel_reserve.get();
        let left = i128::from(in_use) + i128::from(reserve) - i128::from(cost);
        let left = u64::try_from(left).map_err(|_| u64::try_from(-left).unwrap_or(u64::MAX))?;
        self.set_left(left);
        Ok(())
    }

    /// Fuel left.
    pub(super) fn left(&self) -> u64 {
        let left = i128::from(self.fuel_in_use()) + i128::from(self.fuel_reserve.get());
        u64::try_from(left.max(0)).unwrap_or(u64::MAX)
    }

    /// Leaves nothing, in a libcall.
    pub(super) fn spend_all(&self) {
        self.set_left(0);
    }

    /// Sets what is left, while compiled code waits that has stored its register.
    fn set_left(&self, left: u64) {
        let in_use = left.min(MAX_IN_REGISTER);
        self.fuel_reserve.set(left - in_use);
        // SAFETY: the store is borrowed exclusively, and a guest that waits for the host looks at these
        // fields only when that returns.
        let vm = unsafe { &mut *self.vm() };
        vm.fuel_added = in_use.cast_signed().wrapping_sub(vm.fuel);
    }
}

impl StoreVm {
    /// Fuel left.
    pub(crate) fn fuel(&self) -> u64 {
        self.block_ref().left()
    }

    /// Sets the fuel.
    pub(crate) fn set_fuel(&mut self, fuel: u64) {
        self.block_ref().set_left(fuel);
    }
}
