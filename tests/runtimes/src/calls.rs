//! Lists the host functions that runtimes import: name, type and which host knows them.

/// A type of a host function's parameter or result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallType {
    /// `i32`: a number, or a pointer to bytes whose number is fixed.
    I32,
    /// `i64`: a number, or a pointer (low half) and a length (high half).
    I64,
}

/// Who knows a host function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KnownTo {
    /// Every host: allocation and logging.
    Every,
    /// The full host only: hashing and storage.
    Full,
}

macro_rules! host_calls {
    ($($call:ident = $name:literal ($($param:ident),*) $(-> $result:ident)?, $known:ident, $doc:literal;)*) => {
        /// A host function that is not just a trapping stub.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum HostCall {
            $(#[doc = $doc] $call,)*
        }

        impl HostCall {
            /// Every host function.
            pub const ALL: &[HostCall] = &[$(HostCall::$call),*];

            /// The import's name.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(HostCall::$call => $name,)*
                }
            }

            /// Types of the parameters.
            #[must_use]
            pub const fn params(self) -> &'static [CallType] {
                match self {
                    $(HostCall::$call => &[$(CallType::$param),*],)*
                }
            }

            /// Type of the result, where there is one.
            #[must_use]
            pub fn result(self) -> Option<CallType> {
                match self {
                    $(HostCall::$call => [$(CallType::$result)?].first().copied(),)*
                }
            }

            /// Which hosts know it.
            #[must_use]
            pub const fn known_to(self) -> KnownTo {
                match self {
                    $(HostCall::$call => KnownTo::$known,)*
                }
            }
        }
    };
}

host_calls! {
    Malloc = "ext_allocator_malloc_version_1" (I32) -> I32, Every, "Allocates as many bytes.";
    Free = "ext_allocator_free_version_1" (I32), Every, "Frees an allocation.";
    OldMalloc = "ext_malloc" (I32) -> I32, Every, "Allocates, in runtimes of 2018 and 2019.";
    OldFree = "ext_free" (I32), Every, "Frees, in runtimes of 2018 and 2019.";
    Log = "ext_logging_log_version_1" (I32, I64, I64), Every, "Logs: level, target, message.";
    MaxLevel = "ext_logging_max_level_version_1" () -> I32, Every, "The most detailed level that is wanted.";
    PrintUtf8 = "ext_misc_print_utf8_version_1" (I64), Every, "Prints text.";
    PrintHex = "ext_misc_print_hex_version_1" (I64), Every, "Prints bytes.";
    PrintNum = "ext_misc_print_num_version_1" (I64), Every, "Prints a number.";
    OldPrintUtf8 = "ext_print_utf8" (I32, I32), Every, "Prints text, in runtimes of 2018 and 2019.";
    OldPrintHex = "ext_print_hex" (I32, I32), Every, "Prints bytes, in runtimes of 2018 and 2019.";
    OldPrintNum = "ext_print_num" (I64), Every, "Prints a number, in runtimes of 2018 and 2019.";
    Blake2_128 = "ext_hashing_blake2_128_version_1" (I64) -> I32, Full, "BLAKE2b with 16 bytes.";
    Blake2_256 = "ext_hashing_blake2_256_version_1" (I64) -> I32, Full, "BLAKE2b with 32 bytes.";
    Twox64 = "ext_hashing_twox_64_version_1" (I64) -> I32, Full, "XXH64 with seed 0.";
    Twox128 = "ext_hashing_twox_128_version_1" (I64) -> I32, Full, "XXH64 with seeds 0 and 1.";
    Twox256 = "ext_hashing_twox_256_version_1" (I64) -> I32, Full, "XXH64 with seeds 0 to 3.";
    Keccak256 = "ext_hashing_keccak_256_version_1" (I64) -> I32, Full, "Keccak with 32 bytes.";
    Keccak512 = "ext_hashing_keccak_512_version_1" (I64) -> I32, Full, "Keccak with 64 bytes.";
    Sha256 = "ext_hashing_sha2_256_version_1" (I64) -> I32, Full, "SHA-2 with 32 bytes.";
    StorageSet = "ext_storage_set_version_1" (I64, I64), Full, "Sets a key to a value.";
    StorageGet = "ext_storage_get_version_1" (I64) -> I64, Full, "The value of a key, if it has one.";
    StorageRead = "ext_storage_read_version_1" (I64, I64, I32) -> I64, Full,
        "Copies part of a value into a buffer; how much there was, if there is a value.";
    StorageClear = "ext_storage_clear_version_1" (I64), Full, "Removes a key.";
    StorageExists = "ext_storage_exists_version_1" (I64) -> I32, Full, "Whether a key has a value.";
    StorageNextKey = "ext_storage_next_key_version_1" (I64) -> I64, Full, "The next key, if there is one.";
    StartTransaction = "ext_storage_start_transaction_version_1" (), Full, "Begins a transaction.";
    CommitTransaction = "ext_storage_commit_transaction_version_1" (), Full, "Keeps a transaction's changes.";
    RollbackTransaction = "ext_storage_rollback_transaction_version_1" (), Full, "Undoes a transaction's changes.";
}

impl HostCall {
    /// The host function called `name`.
    #[must_use]
    pub fn lookup(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|call| call.name() == name)
    }
}
