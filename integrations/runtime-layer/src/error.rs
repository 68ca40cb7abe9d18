//! Errors: what a host function returns comes back through guests as it was.

use core::fmt;

use thiserror::Error;
use wasmelt::{WasmBacktrace, errors::HostError};

/// What is known of a host function's error that has passed through a guest.
///
/// It is the context of the error: `downcast_ref` finds either.
#[derive(Debug)]
pub struct GuestContext {
    message: String,
    backtrace: WasmBacktrace,
}

impl GuestContext {
    /// Which functions of the guest were active, innermost first.
    #[must_use]
    pub fn backtrace(&self) -> &WasmBacktrace {
        &self.backtrace
    }
}

impl fmt::Display for GuestContext {
    /// As [`wasmelt::Error`] does.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{}", self.message, self.backtrace)
    }
}

/// A host object is not of the type that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the host object is of another type than {expected}")]
pub struct OtherType {
    /// Name of the type that was asked for.
    pub expected: &'static str,
}

/// A host function's error, while it passes through guests.
struct Passing(anyhow::Error);

impl fmt::Debug for Passing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for Passing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl HostError for Passing {}

/// A host function's error, for the guest that called it. One of wasmelt, such as the trap of a
/// call that the host function made, goes on as it is, unless the host has said more about it.
pub(crate) fn into_guest(error: anyhow::Error) -> wasmelt::Error {
    let is_ours = error
        .chain()
        .next()
        .is_some_and(|outermost| outermost.is::<wasmelt::Error>());
    if !is_ours {
        return wasmelt::Error::host(Passing(error));
    }
    error
        .downcast()
        .expect("the outermost error was just asked for its type")
}

/// An error of wasmelt, for the layer.
pub(crate) fn out_of_guest(error: wasmelt::Error) -> anyhow::Error {
    if error.downcast_ref::<Passing>().is_none() {
        return anyhow::Error::new(error);
    }
    let backtrace = error.backtrace().cloned();
    let Passing(error) = error.downcast().expect("the type was just asked for");
    match backtrace {
        Some(backtrace) => {
            let message = error.to_string();
            error.context(GuestContext { message, backtrace })
        }
        None => error,
    }
}

#[cfg(test)]
mod tests {
    use super::{into_guest, out_of_guest};
    use wasmelt::TrapCode;

    #[test]
    fn a_trap_passes_as_a_trap_unless_the_host_has_said_more() {
        let trap = || anyhow::Error::new(wasmelt::Error::from(TrapCode::IntegerOverflow));
        let code = Some(TrapCode::IntegerOverflow);
        assert_eq!(into_guest(trap()).as_trap_code(), code);

        let explained = into_guest(trap().context("adding prices"));
        assert_eq!(explained.as_trap_code(), None);
        let explained = out_of_guest(explained);
        assert_eq!(explained.to_string(), "adding prices");
        let trap = explained.downcast_ref::<wasmelt::Error>();
        assert_eq!(trap.and_then(wasmelt::Error::as_trap_code), code);
    }
}
