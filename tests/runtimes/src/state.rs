//! Answers a runtime's host calls: everything that does not depend on the engine.

use std::sync::Arc;

use parity_scale_codec::Encode;
use sc_allocator::Memory;
use thiserror::Error;

use crate::allocator::Allocator;
use crate::calls::{HostCall, KnownTo};
use crate::storage::Storage;
use crate::trace::{HostCallRecord, Outcome, Trace};

/// Which host answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostKind {
    /// The nodes' allocator, logging at level 4, hashing and storage; the argument is allocated even when it is empty.
    Full,
    /// A simple allocator and logging into nothing; every other import traps. The argument is empty and not allocated.
    Bump,
}

/// The level that the full host answers when asked: a message is wanted when its own level is below it.
const LOG_LEVEL: u64 = 4;

/// What a host knows during one call of an export.
pub struct CallState {
    /// Which host this is.
    pub kind: HostKind,
    /// Who allocates.
    pub allocator: Allocator,
    /// Most pages that the host grows the memory to.
    pub max_pages: Option<u32>,
    /// Chain state.
    pub storage: Storage,
    /// What the runtime logged and printed.
    pub messages: Vec<String>,
    /// Every host call so far.
    pub trace: Trace,
}

/// Why the host ended a call.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum HostError {
    /// The import has no implementation here.
    #[error("host function {name} is not provided")]
    NotProvided {
        /// The import's name.
        name: Arc<str>,
    },
    /// The allocator refused.
    #[error("allocator refused: {reason}")]
    Allocator {
        /// Its own words.
        reason: String,
    },
    /// A pointer and length do not lie in the memory.
    #[error("{len_bytes} bytes at {pointer:#x} are outside the memory of {memory_len_bytes} bytes")]
    OutOfRange {
        /// Where they start.
        pointer: u32,
        /// How many there are.
        len_bytes: u64,
        /// How many the memory has.
        memory_len_bytes: u64,
    },
    /// A transaction ends that never began.
    #[error("no storage transaction is open")]
    NoTransaction,
    /// A host function was called before the instance has a memory.
    #[error("the instance has no memory yet")]
    NoMemory,
}

impl CallState {
    /// A host for one call, with a heap that starts at `heap_base`.
    #[must_use]
    pub fn new(kind: HostKind, heap_base: u32, max_pages: Option<u32>) -> Self {
        let allocator = match kind {
            HostKind::Full => Allocator::freeing_bump(heap_base),
            HostKind::Bump => Allocator::bump(heap_base),
        };
        Self {
            kind,
            allocator,
            max_pages,
            storage: Storage::default(),
            messages: Vec::new(),
            trace: Trace::default(),
        }
    }

    /// Answers the host call `name` and records it.
    ///
    /// # Errors
    ///
    /// When the host does not provide it, or the runtime may not go on.
    pub fn answer(
        &mut self,
        name: &Arc<str>,
        arguments: Vec<u64>,
        memory: &mut impl Memory,
    ) -> Result<Option<u64>, HostError> {
        let known = HostCall::lookup(name)
            .filter(|call| self.kind == HostKind::Full || call.known_to() == KnownTo::Every);
        let answer = match known {
            Some(call) => self.dispatch(call, &arguments, memory),
            None => Err(HostError::NotProvided {
                name: Arc::clone(name),
            }),
        };
        let outcome = match answer {
            Ok(None) => Outcome::Nothing,
            Ok(Some(value)) => Outcome::Value(value),
            Err(_) => Outcome::Failed,
        };
        self.trace.push(HostCallRecord {
            name: Arc::clone(name),
            arguments,
            outcome,
        });
        answer
    }

    /// Allocates `bytes` in the guest's memory; not a host call, so it is not recorded.
    ///
    /// # Errors
    ///
    /// When there is no room.
    pub fn place(&mut self, memory: &mut impl Memory, bytes: &[u8]) -> Result<u32, HostError> {
        // Runtimes have 32-bit memories; what does not fit them does not fit a u32 either.
        let len_bytes = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let pointer = self.allocate(memory, len_bytes)?;
        write(memory, pointer, bytes)?;
        Ok(pointer)
    }

    fn dispatch(
        &mut self,
        call: HostCall,
        arguments: &[u64],
        memory: &mut impl Memory,
    ) -> Result<Option<u64>, HostError> {
        let narrow = |index: usize| low(arguments[index]);
        match call {
            HostCall::Malloc | HostCall::OldMalloc => {
                return self
                    .allocate(memory, narrow(0))
                    .map(|pointer| Some(pointer.into()));
            }
            HostCall::Free | HostCall::OldFree => {
                self.allocator
                    .free(memory, narrow(0))
                    .map_err(|error| refused(&error))?;
            }
            HostCall::Log => {
                let [target, message] = [read(memory, arguments[1])?, read(memory, arguments[2])?];
                self.message(format!(
                    "{} {}: {}",
                    arguments[0],
                    text(&target),
                    text(&message)
                ));
            }
            HostCall::MaxLevel => {
                return Ok(Some(if self.kind == HostKind::Full {
                    LOG_LEVEL
                } else {
                    0
                }));
            }
            HostCall::PrintUtf8 => {
                let bytes = read(memory, arguments[0])?;
                self.message(text(&bytes));
            }
            HostCall::PrintHex => {
                let bytes = read(memory, arguments[0])?;
                self.message(format!("{bytes:x?}"));
            }
            HostCall::OldPrintUtf8 => {
                let bytes = read_at(memory, narrow(0), arguments[1])?;
                self.message(text(&bytes));
            }
            HostCall::OldPrintHex => {
                let bytes = read_at(memory, narrow(0), arguments[1])?;
                self.message(format!("{bytes:x?}"));
            }
            HostCall::PrintNum | HostCall::OldPrintNum => self.message(arguments[0].to_string()),
            HostCall::Blake2_128 => {
                return self.hash(memory, arguments[0], sp_crypto_hashing::blake2_128);
            }
            HostCall::Blake2_256 => {
                return self.hash(memory, arguments[0], sp_crypto_hashing::blake2_256);
            }
            HostCall::Twox64 => return self.hash(memory, arguments[0], sp_crypto_hashing::twox_64),
            HostCall::Twox128 => {
                return self.hash(memory, arguments[0], sp_crypto_hashing::twox_128);
            }
            HostCall::Twox256 => {
                return self.hash(memory, arguments[0], sp_crypto_hashing::twox_256);
            }
            HostCall::Keccak256 => {
                return self.hash(memory, arguments[0], sp_crypto_hashing::keccak_256);
            }
            HostCall::Keccak512 => {
                return self.hash(memory, arguments[0], sp_crypto_hashing::keccak_512);
            }
            HostCall::Sha256 => {
                return self.hash(memory, arguments[0], sp_crypto_hashing::sha2_256);
            }
            HostCall::StorageSet => {
                let [key, value] = [read(memory, arguments[0])?, read(memory, arguments[1])?];
                self.storage.set(key, value);
            }
            HostCall::StorageGet => {
                let key = read(memory, arguments[0])?;
                let encoded = self.storage.get(&key).encode();
                return self.give(memory, &encoded);
            }
            HostCall::StorageRead => {
                let key = read(memory, arguments[0])?;
                let remaining = self.read_storage(&key, arguments[1], narrow(2), memory)?;
                return self.give(memory, &remaining.encode());
            }
            HostCall::StorageClear => self.storage.clear(&read(memory, arguments[0])?),
            HostCall::StorageExists => {
                let key = read(memory, arguments[0])?;
                return Ok(Some(self.storage.get(&key).is_some().into()));
            }
            HostCall::StorageNextKey => {
                let key = read(memory, arguments[0])?;
                let encoded = self.storage.next_key(&key).encode();
                return self.give(memory, &encoded);
            }
            HostCall::StartTransaction => self.storage.start_transaction(),
            HostCall::CommitTransaction => {
                self.storage
                    .commit_transaction()
                    .then_some(())
                    .ok_or(HostError::NoTransaction)?;
            }
            HostCall::RollbackTransaction => {
                self.storage
                    .rollback_transaction()
                    .then_some(())
                    .ok_or(HostError::NoTransaction)?;
            }
        }
        Ok(None)
    }

    fn allocate(&mut self, memory: &mut impl Memory, len_bytes: u32) -> Result<u32, HostError> {
        self.allocator
            .allocate(memory, len_bytes)
            .map_err(|error| refused(&error))
    }

    /// Copies what fits of the value of `key`, from `offset`, to the buffer; the bytes there were from `offset`.
    fn read_storage(
        &self,
        key: &[u8],
        buffer: u64,
        offset: u32,
        memory: &mut impl Memory,
    ) -> Result<Option<u32>, HostError> {
        let Some(value) = self.storage.get(key) else {
            return Ok(None);
        };
        let rest = value.get(offset as usize..).unwrap_or_default();
        let copied = rest.len().min(high(buffer) as usize);
        write(memory, low(buffer), &rest[..copied])?;
        Ok(Some(u32::try_from(rest.len()).unwrap_or(u32::MAX)))
    }

    /// Allocates room for the hash of the bytes at `packed` and gives the pointer.
    fn hash<const N: usize>(
        &mut self,
        memory: &mut impl Memory,
        packed: u64,
        hash: impl FnOnce(&[u8]) -> [u8; N],
    ) -> Result<Option<u64>, HostError> {
        let digest = hash(&read(memory, packed)?);
        self.place(memory, &digest)
            .map(|pointer| Some(pointer.into()))
    }

    /// Allocates room for `bytes` and gives pointer and length in one.
    fn give(&mut self, memory: &mut impl Memory, bytes: &[u8]) -> Result<Option<u64>, HostError> {
        let pointer = self.place(memory, bytes)?;
        Ok(Some((bytes.len() as u64) << 32 | u64::from(pointer)))
    }

    fn message(&mut self, message: String) {
        if self.kind == HostKind::Full {
            self.messages.push(message);
        }
    }
}

/// Reads the bytes that a pointer and a length in one number mean.
///
/// # Errors
///
/// When they do not lie in the memory; nothing is allocated before that is known.
pub fn read(memory: &impl Memory, packed: u64) -> Result<Vec<u8>, HostError> {
    read_at(memory, low(packed), u64::from(high(packed)))
}

fn read_at(memory: &impl Memory, pointer: u32, len_bytes: u64) -> Result<Vec<u8>, HostError> {
    memory.with_access(|bytes| {
        let range = range(pointer, len_bytes, bytes.len())?;
        Ok(bytes[range].to_vec())
    })
}

fn write(memory: &mut impl Memory, pointer: u32, content: &[u8]) -> Result<(), HostError> {
    memory.with_access_mut(|bytes| {
        let range = range(pointer, content.len() as u64, bytes.len())?;
        bytes[range].copy_from_slice(content);
        Ok(())
    })
}

fn range(
    pointer: u32,
    len_bytes: u64,
    memory_len_bytes: usize,
) -> Result<std::ops::Range<usize>, HostError> {
    let memory_len_bytes = memory_len_bytes as u64;
    let end = u64::from(pointer) + len_bytes;
    if end > memory_len_bytes {
        return Err(HostError::OutOfRange {
            pointer,
            len_bytes,
            memory_len_bytes,
        });
    }
    Ok(pointer as usize..usize::try_from(end).expect("the end lies within a slice"))
}

fn refused(error: &sc_allocator::Error) -> HostError {
    HostError::Allocator {
        reason: error.to_string(),
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the low half is what is asked for"
)]
fn low(packed: u64) -> u32 {
    packed as u32
}

fn high(packed: u64) -> u32 {
    low(packed >> 32)
}
