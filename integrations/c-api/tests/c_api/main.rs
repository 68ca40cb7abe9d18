//! Installs the C interface, compares it with its headers, and runs programs in C against it.

mod checks;
mod examples;
mod headers;
mod install;
mod support;
mod symbols;
