//! What the test suites share: the corpus beside the project, generated compile bombs, a small data format, and the
//! house rules that are checked by machine.
//!
//! For authors of tests in this workspace. The suites themselves are in `tests/tests`; suites that need a heavy
//! foreign tree are workspaces of their own beside it (`tests/runtimes`).
//!
//! # Example
//!
//! ```
//! use wasmelt_tests::corpus::Corpus;
//!
//! // `None` (and one line on stderr) where the corpus is not installed: the test then passes without it.
//! if let Some(corpus) = Corpus::open().expect("a corpus that is there is readable") {
//!     let modules = corpus.modules().filter(|entry| entry.is_wasm1()).count();
//!     assert!(modules > 0);
//! }
//! ```
#![forbid(unsafe_code)]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "generators and parsers of test data, whose values are small by construction"
)]

pub mod blob;
pub mod bombs;
pub mod corpus;
pub mod deps;
pub mod documents;
pub mod inputs;
pub mod sources;
