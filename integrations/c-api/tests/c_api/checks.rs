//! Programs in C that check corners of the interface, plain and under valgrind.

use crate::support::{check, check_is_found_out, here};

fn check_program(name: &str) {
    check(&here(&format!("tests/c/{name}.c")), "");
}

#[test]
fn out_parameters_are_written_also_by_calls_that_fail_and_nothing_beside_them() {
    check_program("out_params");
}

#[test]
fn what_is_closed_is_freed_and_refuses() {
    check_program("closing");
}

#[test]
fn what_a_running_call_was_given_may_be_let_go_of() {
    check_program("letting_go");
}

#[test]
fn callers_are_asked_while_their_calls_run_and_refused_afterwards() {
    check_program("callers");
}

#[test]
fn strangers_and_null_pointers_are_refused() {
    check_program("strangers");
}

#[test]
fn references_are_copied_cast_and_finalized() {
    check_program("references");
}

#[test]
fn traps_have_the_frames_of_every_call_that_they_pass() {
    check_program("frames");
}

#[test]
fn traps_of_the_host_stay_as_they_are_and_frames_have_stores_of_their_own() {
    check_program("traps");
}

#[test]
fn types_are_made_and_taken_apart() {
    check_program("types");
}

#[test]
fn options_change_what_is_compiled() {
    check_program("options");
}

#[test]
fn objects_are_counted_as_what_they_are() {
    check_program("counters");
}

#[test]
fn failures_say_whose_fault_they_are() {
    check_program("faults");
}

/// The other checks can fail.
#[test]
fn a_program_that_forgets_to_delete_is_found_out() {
    check_is_found_out(
        &here("tests/c/forgetful.c"),
        "1 objects of kind 15 are left",
        ["definitely lost", "leaked in 1 allocation"],
    );
}
