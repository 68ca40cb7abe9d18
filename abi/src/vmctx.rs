//! Lays out every byte that compiled code reads or writes at run time.
//!
//! A layout is a list of `NAME @ offset: field: type`; the constants are for the compiler, the
//! structs for the runtime, and assertions keep the two equal.
//!
//! # Calling convention
//!
//! Every compiled function takes `(callee_vmctx, params…)` and returns zero or one result, in the
//! C convention of the target. Calls that may reach a function of another instance or of the host
//! (through an import slot or a table) pass one more trailing integer argument, the *caller's*
//! vmctx: a compiled callee never declares it, and since the C convention is caller-cleaned and
//! the argument comes last, ignoring it costs nothing; a host function reads it to know the
//! instance that called it.
//!
//! Code that meters fuel keeps the fuel that is left in one register, `r15` on x86-64 and `x21` on
//! aarch64, which compiled functions then neither save nor restore. What it has not subtracted yet
//! at a place is in the offset map ([`crate::OffsetMap`]). Host functions preserve the register;
//! they read and change the fuel in [`VMStoreContext`].
//!
//! # The block around vmctx
//!
//! ```text
//!   vmctx - 16*(i+1)   VMImportSlot of imported function i      (grows downwards)
//!   ...
//!   vmctx - 16         VMImportSlot of imported function 0
//!   vmctx + 0          VMContext, 128 bytes: the stable prefix
//!   vmctx + 128 + 8*j  VMGlobal of defined global j             (grows upwards)
//! ```
//!
//! One more import or global therefore moves nothing that exists.

use crate::libcall::VMLibcalls;
use core::ffi::c_void;

/// Address space that a guard-page memory reserves: every `u32` index plus every `u32` offset,
/// and one wasm page for the width of an access.
pub const GUARD_RESERVATION_LEN_BYTES: u64 = (8 << 30) + (64 << 10);

/// Inaccessible address space in front of a guard-page memory. Where an index less a constant below this would
/// wrap, compiled code may access what lies so far before the base instead.
pub const GUARD_IN_FRONT_LEN_BYTES: u64 = 64 << 10;

macro_rules! vm_layout {
    (
        $(#[$struct_doc:meta])*
        $name:ident size $size:literal {
            $( $(#[$doc:meta])* $constant:ident @ $offset:literal: $field:ident: $ty:ty, )*
        }
    ) => {
        $(#[$struct_doc])*
        #[derive(Debug)]
        #[repr(C)]
        pub struct $name {
            $( $(#[$doc])* pub $field: $ty, )*
        }

        impl $name {
            $( $(#[$doc])* pub const $constant: u32 = $offset; )*
            /// Size in bytes.
            pub const SIZE: u32 = $size;
        }

        #[cfg(target_pointer_width = "64")]
        const _: () = {
            $( assert!(core::mem::offset_of!($name, $field) == $offset); )*
            assert!(core::mem::size_of::<$name>() == $size);
        };
    };
}

vm_layout! {
    /// A linear memory as compiled code sees it.
    VMMemory size 16 {
        /// First byte of the memory. Never moves for a memory with a full reservation.
        BASE @ 0: base: *mut u8,
        /// Accessible length in bytes, a multiple of 65 536. It never shrinks, and is never below the
        /// declared minimum.
        LEN_BYTES @ 8: len_bytes: u64,
    }
}

vm_layout! {
    /// A table as compiled code sees it.
    VMTable size 16 {
        /// First entry.
        BASE @ 0: base: *mut VMFuncRef,
        /// Number of entries.
        LEN_ELEMENTS @ 8: len_elements: u64,
    }
}

vm_layout! {
    /// A table entry: what `call_indirect` checks and calls.
    VMFuncRef size 32 {
        /// Entry point; null for a null reference.
        CODE @ 0: code: *const u8,
        /// The callee's vmctx (or host function context), its first argument.
        VMCTX @ 8: vmctx: *mut VMContext,
        /// Canonical id of the function's type; [`VMFuncRef::NULL_SIGNATURE_ID`] when null.
        SIGNATURE_ID @ 16: signature_id: u32,
        /// Zero.
        RESERVED @ 20: reserved: u32,
        /// The runtime's own name for the function; compiled code never reads it.
        FUNC @ 24: func: u64,
    }
}

impl VMFuncRef {
    /// Signature id of a null entry: it never equals the id of a type.
    pub const NULL_SIGNATURE_ID: u32 = u32::MAX;

    /// A null entry.
    #[must_use]
    pub const fn null() -> Self {
        Self {
            code: core::ptr::null(),
            vmctx: core::ptr::null_mut(),
            signature_id: Self::NULL_SIGNATURE_ID,
            reserved: 0,
            func: 0,
        }
    }
}

vm_layout! {
    /// Where an imported function is called: data, so that links can be switched.
    VMImportSlot size 16 {
        /// Entry point.
        CODE @ 0: code: *const u8,
        /// First argument of the call.
        VMCTX @ 8: vmctx: *mut VMContext,
    }
}

vm_layout! {
    /// The value of a global: the low 4 or all 8 bytes, little-endian.
    VMGlobal size 8 {
        /// The bits.
        BITS @ 0: bits: u64,
    }
}

vm_layout! {
    /// What all instances of one store share.
    VMStoreContext size 64 {
        /// Lowest stack pointer that compiled code may have. Copied into every vmctx.
        STACK_LIMIT @ 0: stack_limit: usize,
        /// What the fuel register held when compiled code last called something that may look at it
        /// or end the call.
        FUEL @ 8: fuel: i64,
        /// What the host has added to the fuel since then. Compiled code adds it to its register
        /// after such a call, and sets it to zero.
        FUEL_ADDED @ 16: fuel_added: i64,
        /// How many more calls of compiled functions may be active. Code that counts calls reads it where a
        /// function begins, and sets it before each call to what is left for the callee. At most `i64::MAX`.
        CALLS_LEFT @ 24: calls_left: u64,
        /// Zero.
        RESERVED @ 32: reserved: [u64; 4],
    }
}

vm_layout! {
    /// The block that every compiled function receives as its first argument.
    VMContext size 128 {
        /// The memory that this instance defines; for an imported memory with a full
        /// reservation a copy of its base, so that guard-page code needs one load.
        MEMORY @ 0: memory: VMMemory,
        /// Copy of [`VMStoreContext::STACK_LIMIT`], so that a prologue needs one load.
        STACK_LIMIT @ 16: stack_limit: usize,
        /// The table that this instance defines.
        TABLE @ 24: table: VMTable,
        /// Memory 0: own (the field above) or imported.
        MEMORY_POINTER @ 40: memory_pointer: *mut VMMemory,
        /// Table 0: own (the field above) or imported.
        TABLE_POINTER @ 48: table_pointer: *mut VMTable,
        /// The table of libcalls.
        LIBCALLS @ 56: libcalls: *const VMLibcalls,
        /// The store's shared block.
        STORE @ 64: store: *mut VMStoreContext,
        /// For each local type index, the canonical signature id of this process.
        SIGNATURE_IDS @ 72: signature_ids: *const u32,
        /// For each imported global, where its value is.
        IMPORTED_GLOBALS @ 80: imported_globals: *const *mut VMGlobal,
        /// The runtime's own name for this instance; compiled code never reads it.
        INSTANCE @ 88: instance: *mut c_void,
        /// [`VMContext::CHECK_VALUE`], for assertions in the runtime.
        CHECK @ 96: check: u64,
        /// Not zero when the guest shall stop: set by any thread, read with an atomic load.
        INTERRUPT @ 104: interrupt: core::sync::atomic::AtomicU32,
        /// Zero.
        RESERVED_108 @ 108: reserved_108: u32,
        /// Zero.
        RESERVED_112 @ 112: reserved_112: [u64; 2],
    }
}

impl VMContext {
    /// Content of [`VMContext::CHECK`] while the block is alive.
    pub const CHECK_VALUE: u64 = u64::from_le_bytes(*b"vmctx\0\0\x01");

    /// Offset from vmctx of the [`VMImportSlot`] of imported function `index`; negative.
    ///
    /// # Panics
    ///
    /// If the offset does not fit in 32 bits: the compiler refuses such a module before.
    #[must_use]
    pub fn import_slot_offset(index: u32) -> i32 {
        let slots = i32::try_from(index).expect("import indices fit in 31 bits") + 1;
        slots.checked_mul(-16).expect("import slots fit in 31 bits")
    }

    /// Offset from vmctx of the [`VMGlobal`] of defined global `index`.
    ///
    /// # Panics
    ///
    /// If the offset does not fit in 32 bits: the compiler refuses such a module before.
    #[must_use]
    pub fn global_offset(index: u32) -> i32 {
        i32::try_from(u64::from(Self::SIZE) + u64::from(index) * u64::from(VMGlobal::SIZE))
            .expect("globals fit in 31 bits")
    }
}
