//! What `compile` does to the file it writes: all or nothing, and never to the wrong file.

use crate::support::{CALCULATOR, Folder, Outcome};
use std::{
    fs,
    io::Read,
    os::unix::{
        fs::{MetadataExt, PermissionsExt, symlink},
        process::ExitStatusExt,
    },
};

/// The signal that a process gets that writes more than it may.
const SIGXFSZ: i32 = 25;

fn folder_with_module() -> Folder {
    let folder = Folder::new();
    folder.write("a.wat", CALCULATOR);
    folder
}

#[test]
fn an_existing_file_is_replaced_not_overwritten() {
    let folder = folder_with_module();
    folder.write("a.so", "old");
    let mut old = fs::File::open(folder.path("a.so")).unwrap();
    folder.succeed(&["compile", "a.wat", "-o", "a.so", "-q"]);
    // Whoever has the old file open, or mapped, keeps its bytes.
    let mut text = String::new();
    old.read_to_string(&mut text).unwrap();
    assert_eq!(text, "old");
    let new = fs::metadata(folder.path("a.so")).unwrap();
    assert_ne!(old.metadata().unwrap().ino(), new.ino());
    assert_eq!(
        new.permissions().mode() & 0o022,
        0,
        "no one else may write it"
    );
    assert!(folder.read("a.so").starts_with(b"\x7fELF"));
    assert_eq!(folder.names(), ["a.so", "a.wat"]);
}

#[test]
fn a_symbolic_link_is_followed() {
    let folder = folder_with_module();
    folder.write("real.so", "old");
    symlink("real.so", folder.path("link.so")).unwrap();
    folder.succeed(&["compile", "a.wat", "-o", "link.so", "-q"]);
    assert!(folder.path("link.so").is_symlink());
    assert!(folder.read("real.so").starts_with(b"\x7fELF"));

    symlink("nothing", folder.path("dangling.so")).unwrap();
    folder.fail(
        &["compile", "a.wat", "-o", "dangling.so"],
        2,
        "error: dangling.so: the output is a symbolic link to nothing\n",
    );
}

#[test]
fn input_and_output_must_be_different_files() {
    let folder = folder_with_module();
    symlink("a.wat", folder.path("link")).unwrap();
    fs::hard_link(folder.path("a.wat"), folder.path("twin")).unwrap();
    for output in ["a.wat", "./a.wat", "link", "twin"] {
        folder.fail(
            &["compile", "a.wat", "-o", output],
            2,
            &format!("error: {output}: input and output are the same file\n"),
        );
    }
    let output = folder.run_in_shell("\"$@\" < a.wat", &["compile", "-", "-o", "a.wat"]);
    assert_eq!(
        Outcome::from(output).stderr,
        "error: a.wat: input and output are the same file\n"
    );
    assert_eq!(folder.read("a.wat"), CALCULATOR.as_bytes());
}

#[test]
fn folders_and_missing_folders_are_refused() {
    let folder = folder_with_module();
    folder.fail(
        &["compile", "a.wat", "-o", "."],
        2,
        "error: .: the output is a folder, not a file\n",
    );
    folder.fail(
        &["compile", "a.wat", "-o", "gone/a.so"],
        2,
        "error: gone/a.so: the folder of the output does not exist\n",
    );
    folder.fail(
        &["compile", "a.wat", "-o", "a.wat/a.so"],
        2,
        "error: a.wat/a.so: the folder of the output does not exist\n",
    );
}

#[test]
fn a_place_that_cannot_be_written_is_a_host_failure() {
    let folder = folder_with_module();
    fs::create_dir(folder.path("locked")).unwrap();
    fs::set_permissions(folder.path("locked"), fs::Permissions::from_mode(0o555)).unwrap();
    // The superuser may write there all the same, but nobody can create a file in /proc.
    let is_superuser = fs::write(folder.path("locked/probe"), "").is_ok();
    let (output, reason) = if is_superuser {
        ("/proc/a.so", "No such file or directory (os error 2)")
    } else {
        ("locked/a.so", "Permission denied (os error 13)")
    };
    // It is found out before anything is compiled: the input is not even valid.
    folder.write("broken.wasm", "\0asm\x01\0\0\0\x7f");
    folder.fail(
        &["compile", "broken.wasm", "-o", output],
        3,
        &format!("error: {output}: cannot write: {reason}\n"),
    );
}

#[test]
fn a_device_is_written_to_and_stays_a_device() {
    let folder = folder_with_module();
    folder.succeed(&["compile", "a.wat", "-o", "/dev/null", "-q"]);
    folder.fail(
        &["compile", "a.wat", "-o", "/dev/full"],
        3,
        "error: /dev/full: cannot write: No space left on device (os error 28)\n",
    );
    for device in ["/dev/null", "/dev/full"] {
        assert!(!fs::metadata(device).unwrap().is_file());
    }
}

#[test]
fn a_full_disk_leaves_the_old_file_and_nothing_else() {
    let folder = folder_with_module();
    folder.write("a.so", "old");
    let arguments = ["compile", "a.wat", "-o", "a.so"];
    let output = folder.run_in_shell("trap '' XFSZ; ulimit -f 1; exec \"$@\"", &arguments);
    assert_eq!(
        Outcome::from(output),
        Outcome {
            code: Some(3),
            stdout: String::new(),
            stderr: "error: a.so: cannot write: File too large (os error 27)\n".to_owned(),
        }
    );
    assert_eq!(folder.read("a.so"), b"old");
    assert_eq!(folder.names(), ["a.so", "a.wat"]);
}

#[test]
fn a_kill_in_the_middle_of_writing_leaves_the_old_file() {
    let folder = folder_with_module();
    folder.write("a.so", "old");
    let arguments = ["compile", "a.wat", "-o", "a.so"];
    let output = folder.run_in_shell("ulimit -c 0; ulimit -f 1; exec \"$@\"", &arguments);
    assert_eq!(output.status.signal(), Some(SIGXFSZ));
    assert_eq!(folder.read("a.so"), b"old");
    // What was staged is left, under a name that nothing else uses, and disturbs no later run.
    let staged: Vec<_> = folder.names();
    assert!(staged[0].starts_with(".wasmelt-"), "{staged:?}");
    folder.succeed(&["compile", "a.wat", "-o", "a.so", "-q"]);
    assert!(folder.read("a.so").starts_with(b"\x7fELF"));
}

#[test]
fn a_refused_module_leaves_the_old_file() {
    let folder = folder_with_module();
    folder.write("a.so", "old");
    folder.write("broken.wasm", "\0asm\x01\0\0\0\x01\x04\x01");
    assert_eq!(
        folder.run(&["compile", "broken.wasm", "-o", "a.so"]).code,
        Some(2)
    );
    assert_eq!(folder.read("a.so"), b"old");
    assert_eq!(folder.names(), ["a.so", "a.wat", "broken.wasm"]);
}
