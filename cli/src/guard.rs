//! Turns a panic of this program into one line and an exit code.

use crate::failure::{Exit, printable_name};
use std::{
    io::{self, Write},
    panic::{self, AssertUnwindSafe, PanicHookInfo},
    process::{self, ExitCode},
    sync::{Mutex, PoisonError},
};

/// What panicked first since the last panic that was caught. Panics that a library catches (the
/// code generator's, on a compile thread) come back as errors and stay silent.
static LATEST: Mutex<Option<String>> = Mutex::new(None);

/// What a scope says on its own account when one of its threads panicked.
const ECHO: &str = "a scoped thread panicked";

/// Panics that no one can catch: the process aborts right after the hook.
const FATAL: &[&str] = &[
    "panic in a function that cannot unwind",
    "panic in a destructor during cleanup",
];

/// Runs the program; a panic in it becomes a line and [`Exit::Host`].
pub(crate) fn run(program: impl FnOnce() -> ExitCode) -> ExitCode {
    panic::set_hook(Box::new(record));
    panic::catch_unwind(AssertUnwindSafe(program)).unwrap_or_else(|_| {
        let latest = LATEST.lock().unwrap_or_else(PoisonError::into_inner).take();
        tell(latest.as_deref().unwrap_or("unknown"));
        ExitCode::from(Exit::Host as u8)
    })
}

fn record(info: &PanicHookInfo<'_>) {
    let message = info.payload_as_str().unwrap_or("panic without a message");
    let line = match info.location() {
        Some(place) => format!("{message} ({}:{})", place.file(), place.line()),
        None => message.to_owned(),
    };
    if FATAL.contains(&message) {
        let latest = LATEST.try_lock().ok().and_then(|mut latest| latest.take());
        tell(&latest.unwrap_or(line));
        process::exit(Exit::Host as i32);
    }
    if message != ECHO {
        *LATEST.lock().unwrap_or_else(PoisonError::into_inner) = Some(line);
    }
}

fn tell(what: &str) {
    let what = printable_name(what);
    let _ = writeln!(io::stderr(), "internal error: {what}; please report this");
}

#[cfg(test)]
mod tests {
    use std::{
        process::{self, Command, ExitCode, Output},
        thread,
    };

    /// Says which panic the test program, started again, is to end with.
    const CASE: &str = "WASMELT_TEST_PANIC";

    fn check(case: &str, line: &str) {
        let program = std::env::current_exe().expect("a test has a program");
        let Output { status, stderr, .. } = Command::new(program)
            .args(["--exact", "guard::tests::ends_with_the_panic_asked_for"])
            .env(CASE, case)
            .output()
            .expect("the test program starts again");
        let stderr = String::from_utf8_lossy(&stderr);
        assert_eq!(status.code(), Some(3), "{stderr}");
        assert!(stderr.starts_with("internal error: "), "{stderr}");
        assert!(stderr.contains(line), "{stderr}");
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
    }

    #[test]
    fn ends_with_the_panic_asked_for() {
        let Ok(case) = std::env::var(CASE) else {
            return;
        };
        let code = super::run(|| match case.as_str() {
            "here" => panic!("the sky\nfell"),
            "thread" => thread::scope(|scope| {
                scope.spawn(|| panic!("it fell there"));
                ExitCode::SUCCESS
            }),
            _ => {
                let caught = std::panic::catch_unwind(|| panic!("caught"));
                assert!(caught.is_err());
                panic!("not caught");
            }
        });
        if code == ExitCode::from(3) {
            process::exit(3);
        }
    }

    #[test]
    fn a_panic_becomes_one_line_and_exit_code_3() {
        check("here", "the sky\\nfell (");
        check("thread", "it fell there (");
        check("caught", "not caught (");
    }
}
