//! Lists every host function that compiled code calls by position.

use crate::vmctx::VMContext;

/// What [`Libcall::Raise`] is given instead of a trap code's number when no more calls may be active: the trap is
/// [`TrapCode::StackOverflow`](crate::TrapCode), but happens at the same place on every machine.
pub const CALL_DEPTH_EXCEEDED: u32 = 0x100;

macro_rules! libcalls {
    ($(
        $(#[$doc:meta])*
        $name:ident / $field:ident @ $position:literal ( $($arg:ident: $ty:ty),* ) -> $ret:ty;
    )*) => {
        /// A host function that compiled code calls through [`VMContext::LIBCALLS`].
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[repr(u32)]
        pub enum Libcall {
            $( $(#[$doc])* $name = $position, )*
        }

        impl Libcall {
            /// Every libcall, in the order of the table.
            pub const ALL: &'static [Libcall] = &[ $( Libcall::$name, )* ];

            /// Name for listings.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $( Libcall::$name => stringify!($field), )* }
            }

            /// Offset of this libcall's code pointer in the table, in bytes.
            #[must_use]
            pub const fn table_offset(self) -> u32 {
                self as u32 * 8
            }
        }

        /// The table that [`VMContext::LIBCALLS`] points to. All entries use the C calling
        /// convention of the target (System V on Linux).
        #[derive(Debug, Clone, Copy)]
        #[repr(C)]
        pub struct VMLibcalls {
            $( $(#[$doc])* pub $field: unsafe extern "C-unwind" fn($($ty),*) -> $ret, )*
        }

        #[cfg(target_pointer_width = "64")]
        const _: () = {
            $( assert!(core::mem::offset_of!(VMLibcalls, $field) == $position * 8); )*
        };
    };
}

libcalls! {
    /// `raise(vmctx, trap_code)`: ends the innermost activation with a trap. Never returns.
    ///
    /// The caller's frame pointer and return address identify the trap site: the site is the
    /// call that reached the module's raise stub, one frame above this libcall's caller.
    /// [`crate::CALL_DEPTH_EXCEEDED`] stands for a stack overflow of another kind.
    Raise / raise @ 0 (vmctx: *mut VMContext, trap_code: u32) -> ();
    /// `memory_grow(vmctx, delta_pages) -> previous_pages`, or `u32::MAX` when the declared
    /// maximum or the limiter refuses.
    MemoryGrow / memory_grow @ 1 (vmctx: *mut VMContext, delta_pages: u32) -> u32;
    /// `raise_indirect(vmctx, entry_signature_id)`: `call_indirect` met a null entry or a
    /// function of another type; the id that was found decides which. Never returns.
    RaiseIndirect / raise_indirect @ 2 (vmctx: *mut VMContext, entry_signature_id: u32) -> ();
    /// `out_of_fuel(vmctx)`: less fuel is left than what was charged. Returns when there was more
    /// in reserve; the fuel register is in [`crate::VMStoreContext`] before and after.
    OutOfFuel / out_of_fuel @ 3 (vmctx: *mut VMContext) -> ();
    /// `interrupted(vmctx)`: the interrupt flag was seen set. Returns when it was withdrawn. Neither
    /// this nor `out_of_fuel` may grow or move a memory: compiled code keeps base and length over
    /// them.
    Interrupted / interrupted @ 4 (vmctx: *mut VMContext) -> ();
}
