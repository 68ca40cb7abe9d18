//! Declares exported functions: no panic leaves one, failures become the last error, and the signature is recorded.

use crate::failure::{self, Failure};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Exported functions under the names that C knows, and a constant with their signatures.
///
/// A body gives a `Result`; what C gets of an `Err` is the default of the result's type (null, false, zero), and the
/// failure becomes the thread's last error.
macro_rules! export {
    ($list:ident; $(
        $(#[$attribute:meta])*
        fn $name:ident($($arg:ident: $ty:ty),* $(,)?) $(-> $ret:ty)? $body:block
    )*) => {
        crate::export::export_as! { $list; $(
            $(#[$attribute])*
            fn $name as (stringify!($name)) ($($arg: $ty),*) $(-> $ret)? $body
        )* }
    };
}

/// As `export!`, with the names given as expressions, for macros that put them together.
macro_rules! export_as {
    ($list:ident; $(
        $(#[$attribute:meta])*
        fn $ident:ident as ($name:expr) ($($arg:ident: $ty:ty),* $(,)?) $(-> $ret:ty)? $body:block
    )*) => {
        $(
            $(#[$attribute])*
            #[unsafe(export_name = $name)]
            extern "C" fn $ident($($arg: $ty),*) $(-> $ret)? {
                crate::export::guard(move || -> Result<_, crate::failure::Failure> { $body })
            }
        )*

        pub(crate) const $list: &[crate::signature::Signature] = &[ $(
            crate::signature::Signature {
                name: $name,
                result: crate::export::or_unit!($($ret)?),
                params: &[ $( <$ty as crate::signature::CValue>::SHAPE ),* ],
            },
        )* ];
    };
}

/// The shape of a type, or of nothing.
macro_rules! or_unit {
    () => {
        None
    };
    ($ret:ty) => {
        Some(<$ret as crate::signature::CValue>::SHAPE)
    };
}

pub(crate) use {export, export_as, or_unit};

/// Runs the body of an exported function.
pub(crate) fn guard<R: Default>(body: impl FnOnce() -> Result<R, Failure>) -> R {
    caught(body).unwrap_or_else(|failure| {
        failure::set_last(failure);
        R::default()
    })
}

/// Runs something and makes a failure of a panic.
pub(crate) fn caught<R>(body: impl FnOnce() -> Result<R, Failure>) -> Result<R, Failure> {
    // What a panic leaves half done is in a store, whose lease its guard gives back; nothing else is shared.
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|panic| Err(Failure::bug(message(&*panic))))
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("wasmelt panicked: {}", text.unwrap_or("no message"))
}

#[cfg(test)]
mod tests {
    use super::guard;
    use crate::failure::{Failure, Fault, take_last};

    #[test]
    fn a_panic_becomes_the_last_error_and_a_null_result() {
        let result: Option<Box<u8>> = guard(|| panic!("at the disco"));
        assert!(result.is_none());
        let failure = take_last().expect("a failure");
        assert_eq!(failure.fault, Fault::Bug);
        assert_eq!(failure.message, "wasmelt panicked: at the disco");
        assert!(take_last().is_none());
    }

    #[test]
    fn a_failure_becomes_the_last_error_and_a_zero_result() {
        assert_eq!(guard(|| Err::<u32, _>(Failure::usage("no"))), 0);
        assert_eq!(
            take_last().map(|failure| failure.message),
            Some("no".into())
        );
    }

    #[test]
    fn a_success_leaves_the_last_error_alone() {
        assert!(!guard(|| Err::<bool, _>(Failure::usage("no"))));
        assert!(guard(|| Ok(true)));
        assert!(take_last().is_some());
    }
}
