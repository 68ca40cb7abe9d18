//! Content-addressed store of compiled artifacts in a private folder of this user.
//!
//! # For whom
//!
//! For the crate `wasmelt` and its command line, which put compiled modules here so that the
//! second start of a program does not compile again. It knows neither wasm nor ELF: an entry is a
//! [`Key`] and some bytes. Whoever reads an entry checks its contents (the loader compares the
//! digest inside the artifact), and calls [`Cache::quarantine`] on one that is damaged.
//!
//! It is not for sharing between users or machines: the folder and every entry belong to the user
//! that runs this process, nobody else may write them, and an entry for which that does not hold
//! is never handed out. Beneath it there may be folders that are only read, of this user or of root
//! ([`CacheOptions::shared`]): an image that many machines start from, for example.
//!
//! # Promises
//!
//! - A reader sees a whole entry or none. An entry is written to a temporary file in the same
//!   folder, made read-only, synchronised, renamed, and the folder is synchronised after it.
//! - An entry that exists is never written to. One that is replaced keeps its inode alive for
//!   whoever has it open or mapped.
//! - Any number of processes and threads may use one folder. There is no global lock, and a writer
//!   that is killed leaves at most a temporary file, which the next [`Cache::open`] removes.
//! - A bad entry is a miss, not a failure: [`Cache::lookup`] moves it aside and says `None`.
//! - Of all processes that miss an entry one can make it while the others wait
//!   ([`Cache::take_flight`]); a key never waits for another, and the dead block nobody.
//! - Nothing is evicted that is pinned ([`Cache::pin`]), or that any process has open. That is told by
//!   locks of the kernel (`flock`), so on a file system without them it can be evicted all the same,
//!   which harms nobody who has it open already.
//!
//! # The folder
//!
//! ```text
//! <folder>/                       mode 0700, ours
//!   <64 hex digits>               an entry, mode 0400, one link; locked by whoever has it open
//!   <64 hex digits>.used          its time is that of the last use, to the hour
//!   <64 hex digits>.pins/<name>   who pins it
//!   <64 hex digits>.lock          locked by whoever makes the entry
//!   <64 hex digits>.bad           an entry that was moved aside
//!   <64 hex digits>.why           one line: why it was
//!   tmp-<pid>-<random>-<count>    being written by a live process, or left by a dead one
//! ```
//!
//! The last component of the folder's path may not be a symbolic link, and the folder may not be
//! writable by group or others. Links in earlier components are followed (a home on another disk is
//! common); that is safe because the folder is opened once, judged by its open descriptor, and
//! everything afterwards is relative to that descriptor: whoever can move our folder away can only
//! put another folder of ours, writable by nobody else, in its place.
//!
//! # Example
//!
//! ```
//! use wasmelt_cache::{Cache, KeyBuilder};
//!
//! # let home = tempfile::tempdir()?;
//! # let folder = home.path().join("cache");
//! let cache = Cache::open(&folder)?;
//! let key = KeyBuilder::new("example 1").field("wasm", b"\0asm").field("cpu", b"x86-64-v2").finish();
//!
//! assert!(cache.lookup(&key)?.is_none());
//! cache.publish(&key, b"compiled bytes")?;
//! let entry = cache.lookup(&key)?.expect("published a line above");
//! assert_eq!(entry.read()?, b"compiled bytes");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![forbid(unsafe_code)]

mod cache;
mod entry;
mod error;
mod evict;
mod flight;
mod folder;
mod inventory;
mod key;
mod location;
mod names;
mod options;
mod pins;
mod staged;

pub use crate::cache::{Cache, Mode};
pub use crate::entry::{Entry, EntryFault};
pub use crate::error::CacheError;
pub use crate::evict::{EvictLimits, Evicted};
pub use crate::flight::Flight;
pub use crate::inventory::{CacheStats, EntryInfo};
pub use crate::key::{Key, KeyBuilder, ParseKeyError};
pub use crate::location::user_default_folder;
pub use crate::options::CacheOptions;
