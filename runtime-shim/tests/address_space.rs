//! What happens where address space or memory cannot be had, in child processes with a limit.
#![allow(
    clippy::unwrap_used,
    unsafe_code,
    reason = "test code that sets a limit"
)]

mod support;

use support::{Mode, call, instantiate, module, run_in_child};
use wasmelt::{
    BoundsChecks, Config, Engine, FaultKind, Instance, Memory, MemoryType, Store, TrapCode,
    errors::{ErrorKind, HostFailure},
};

const GIB: u64 = 1 << 30;

fn limit_address_space(bytes: u64) {
    let limit = libc::rlimit {
        rlim_cur: bytes,
        rlim_max: libc::RLIM_INFINITY,
    };
    // SAFETY: sets a limit of this process.
    let status = unsafe { libc::setrlimit(libc::RLIMIT_AS, &raw const limit) };
    assert_eq!(status, 0);
}

/// Runs `in_child` in a child process whose address space is limited.
fn with_limit(test: &str, bytes: u64, in_child: impl FnOnce()) {
    if support::child_variable().is_some() {
        limit_address_space(bytes);
        return in_child();
    }
    let (ok, output) = run_in_child(test, "child");
    assert!(ok, "{output}");
    assert!(output.contains("1 passed"), "{output}");
}

const MODULE: &str = r#"(module (memory 1)
    (func (export "grow") (param i32) (result i32) local.get 0 memory.grow)
    (func (export "load") (param i32) (result i32) local.get 0 i32.load))"#;

#[test]
fn a_reservation_that_cannot_be_had_is_an_error_that_names_limit_and_remedy() {
    let test = "a_reservation_that_cannot_be_had_is_an_error_that_names_limit_and_remedy";
    with_limit(test, 4 * GIB, || {
        let engine = Engine::default();
        let module = module(&engine, MODULE);
        let mut store = Store::new(&engine, ());
        let failed = Instance::new(&mut store, &module, &[]).unwrap_err();
        assert!(
            matches!(
                failed.kind(),
                ErrorKind::HostFailure(HostFailure::Reservation {
                    requested_bytes,
                    address_space_limit_bytes: Some(limit),
                }) if *requested_bytes > 8 * GIB && *limit == 4 * GIB
            ),
            "{failed}"
        );
        let text = failed.to_string();
        for part in [
            "ulimit -v",
            "4294967296",
            "bounds_checks(Explicit)",
            "bounds_checks(Auto)",
        ] {
            assert!(text.contains(part), "{text}");
        }
        let failed = Memory::new(&mut store, MemoryType::new(1, None)).unwrap_err();
        assert!(matches!(failed.kind(), ErrorKind::HostFailure(_)));
    });
}

#[test]
fn auto_picks_explicit_checks_where_no_reservation_can_be_had() {
    with_limit(
        "auto_picks_explicit_checks_where_no_reservation_can_be_had",
        4 * GIB,
        || {
            let mut config = Config::default();
            config.bounds_checks(BoundsChecks::Auto);
            let engine = Engine::new(&config);
            let (mut store, instance) = instantiate(&engine, MODULE);
            assert_eq!(
                call::<_, i32, i32>(&mut store, instance, "load", 0).unwrap(),
                0
            );
            let error = call::<_, i32, i32>(&mut store, instance, "load", 65_536).unwrap_err();
            assert_eq!(error.as_trap_code(), Some(TrapCode::MemoryOutOfBounds));
            let bounds = module(&engine, "(module)")
                .library()
                .descriptor()
                .options
                .bounds;
            assert_eq!(bounds.name(), "explicit");
        },
    );
}

#[test]
fn growth_that_the_host_cannot_provide_ends_the_call_as_its_failure() {
    with_limit(
        "growth_that_the_host_cannot_provide_ends_the_call_as_its_failure",
        2 * GIB,
        || {
            for mode in [Mode::EXPLICIT, Mode::SIGNAL_FREE] {
                let (mut store, instance) = instantiate(&mode.engine(), MODULE);
                assert_eq!(
                    call::<_, i32, i32>(&mut store, instance, "grow", 1).unwrap(),
                    1
                );
                let error = call::<_, i32, i32>(&mut store, instance, "grow", 60_000).unwrap_err();
                let code = error.as_trap_code().unwrap();
                assert_eq!(code, TrapCode::OutOfSystemMemory);
                assert_eq!(
                    (code.fault_kind(), code.is_deterministic()),
                    (FaultKind::Host, false)
                );
                // The memory is as it was.
                assert_eq!(
                    call::<_, i32, i32>(&mut store, instance, "load", 131_068).unwrap(),
                    0
                );
                assert_eq!(
                    call::<_, i32, i32>(&mut store, instance, "grow", 70_000).unwrap(),
                    -1
                );
            }
        },
    );
}

#[test]
fn memories_that_do_not_fit_are_errors_again_and_again() {
    with_limit(
        "memories_that_do_not_fit_are_errors_again_and_again",
        40 * GIB,
        || {
            let engine = Engine::default();
            let module = module(&engine, MODULE);
            for _ in 0..3 {
                let mut store = Store::new(&engine, ());
                let count = (0..10)
                    .take_while(|_| Instance::new(&mut store, &module, &[]).is_ok())
                    .count();
                assert_eq!(count, 4, "four reservations of 8 GiB fit in 40 GiB");
            }
        },
    );
}
