//! Every example prints what it should, plain and under valgrind, and leaves nothing undeleted.

use crate::support::{check, here};

fn check_example(name: &str, expected: &str) {
    check(&here(&format!("examples/{name}.c")), expected);
}

#[test]
fn hello() {
    check_example("hello", "hello, 21\n42 after 1 greeting\n");
}

#[test]
fn memory() {
    check_example(
        "memory",
        "from the guest\nfrom the host\ntrap 0: the text is outside memory\n\
         1 page, then 2, 131072 bytes\nrefused: out of bounds memory growth\n",
    );
}

#[test]
fn trap() {
    check_example(
        "trap",
        "fault of the guest, everywhere\n  \
           example!load, function 1, offset 0x53, 4 in the function\n  \
           example!out of bounds, function 2, offset 0x5e, 5 in the function\n\
         trap 2: out of bounds memory access\n\
         fault of the host, here\n  \
           example!refused, function 3, offset 0x65, 3 in the function\n\
         trap 0: the host refuses\n",
    );
}

#[test]
fn threads() {
    check_example(
        "threads",
        "sum to 100 is 5050\nsum to 200 is 20100\nsum to 300 is 45150\nsum to 400 is 80200\n",
    );
}

#[test]
fn artifact() {
    check_example(
        "artifact",
        "the answer is 42\nthe answer is 42\nrefused: the artifact is damaged\n",
    );
}

#[test]
fn limits() {
    check_example(
        "limits",
        "trap 10: all fuel consumed by WebAssembly\n0 left\ntrap 13: interrupted by the embedder\n\
         memory.grow gave -1\ntrap 11: growth operation limited\n\
         trap 0: tried to instantiate too many instances\n",
    );
}

#[test]
fn globals_and_tables() {
    check_example(
        "globals_and_tables",
        "element 0 of 7 gives 14\ntrap 4: uninitialized element\nelement 1 of 7 gives 21\n\
         element 2 of 5 gives 15\nrefused: out of bounds table access: `table.growth`\n\
         1004 calls and 3 elements\n",
    );
}
