//! The same module gives the same bytes on any machine: without that, k of n signers could never
//! sign the same artifact.

use crate::support::{Folder, Outcome, WASMELT};
use std::{fmt::Write as _, fs, os::unix::fs::PermissionsExt as _, path::Path, process::Command};

/// A module of many functions, so that threads have something to race for.
fn module() -> String {
    let mut text = String::from("(module $many (memory (export \"memory\") 2)\n");
    for index in 0..300 {
        writeln!(
            text,
            "(func $f{index} (export \"f{index}\") (param i32) (result i32) (local i32)
                (loop $again
                    (local.set 1 (i32.add (local.get 1) (i32.load offset={} (local.get 0))))
                    (br_if $again (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 4)))
                        (i32.const {}))))
                (i32.mul (local.get 1) (call $f{} (local.get 0))))",
            index * 8,
            index + 100,
            (index * 7 + 1) % 300
        )
        .unwrap();
    }
    text + "(data (i32.const 1024) \"some data\"))"
}

/// What `compile` writes with these options, the command changed so.
fn compile(folder: &Folder, program: &[&str], jobs: &str, edit: impl Fn(&mut Command)) -> Vec<u8> {
    let (output, target) = (folder.path("open/out.so"), folder.path("open"));
    let _ = fs::remove_file(&output);
    let words = [
        program,
        &[
            WASMELT,
            "compile",
            "-",
            "-q",
            "--debug-info",
            "full",
            "--jobs",
            jobs,
            "-o",
        ],
    ]
    .concat();
    let mut command = folder.program(words[0]);
    command.args(&words[1..]).arg(&output).current_dir(target);
    // Standard input, because another user cannot read the folder of the tests.
    command.stdin(fs::File::open(folder.path("module.wat")).unwrap());
    edit(&mut command);
    let outcome = Outcome::from(command.output().unwrap());
    assert_eq!(outcome.code, Some(0), "{words:?}: {outcome:?}");
    fs::read(output).unwrap()
}

/// What a program says in the changed surroundings, as a proof that they are changed.
fn ask(folder: &Folder, words: &[&str], edit: impl Fn(&mut Command)) -> Option<String> {
    let mut command = folder.program(words[0]);
    command.args(&words[1..]);
    edit(&mut command);
    let outcome = Outcome::from(command.output().ok()?);
    (outcome.code == Some(0)).then(|| outcome.stdout.trim().to_owned())
}

/// A folder that every user can enter and write, with the module.
fn open_folder() -> Folder {
    let folder = Folder::new();
    folder.write("module.wat", module());
    fs::create_dir(folder.path("open")).unwrap();
    for (name, mode) in [("", 0o755), ("open", 0o777)] {
        fs::set_permissions(folder.path(name), fs::Permissions::from_mode(mode)).unwrap();
    }
    folder
}

#[test]
fn threads_folders_locales_and_environment_change_nothing() {
    let folder = open_folder();
    let expected = compile(&folder, &["env"], "1", |_| {});
    for jobs in ["1", "2", "5", "32"] {
        assert_eq!(
            compile(&folder, &["env"], jobs, |_| {}),
            expected,
            "{jobs} jobs"
        );
    }
    let elsewhere = open_folder();
    assert_eq!(
        compile(&elsewhere, &["env"], "2", |_| {}),
        expected,
        "folder"
    );
    // By its name, too, and from the root.
    folder.succeed(&[
        "compile",
        "module.wat",
        "-q",
        "--debug-info",
        "full",
        "-o",
        "named.so",
    ]);
    let path = folder.path("module.wat");
    let from_root = folder.path("root.so");
    let mut command = folder.wasmelt(&[
        "compile",
        path.to_str().unwrap(),
        "-q",
        "--debug-info",
        "full",
        "-o",
    ]);
    command.arg(&from_root).current_dir("/");
    assert!(command.status().unwrap().success());
    assert_eq!(folder.read("named.so"), folder.read("root.so"));
    assert_eq!(folder.read("named.so"), expected);

    let surroundings: [&[(&str, &str)]; 4] = [
        &[("LC_ALL", "tr_TR.UTF-8"), ("LANG", "tr_TR.UTF-8")],
        &[
            ("LC_ALL", "de_DE"),
            ("LC_NUMERIC", "de_DE"),
            ("TZ", "Asia/Kathmandu"),
        ],
        &[("TZ", "America/Caracas"), ("SOURCE_DATE_EPOCH", "1")],
        &[
            ("HOME", "/nonexistent"),
            ("USER", "somebody"),
            ("HOSTNAME", "elsewhere"),
            ("TMPDIR", "/var/tmp"),
            ("TERM", "xterm-256color"),
            ("RUST_BACKTRACE", "1"),
        ],
    ];
    for variables in surroundings {
        let found = compile(&folder, &["env"], "2", |command| {
            command.envs(variables.iter().copied());
        });
        assert_eq!(found, expected, "{variables:?}");
    }
    let bare = compile(&folder, &["env"], "2", |command| {
        command.env_clear();
    });
    assert_eq!(bare, expected, "no environment");
}

#[test]
fn users_change_nothing() {
    let folder = open_folder();
    let expected = compile(&folder, &["env"], "2", |_| {});
    // As root another user for good; as somebody else, one who seems to be root.
    let candidates: [(&[&str], &str); 2] = [
        (
            &[
                "setpriv",
                "--reuid=65534",
                "--regid=65534",
                "--clear-groups",
            ],
            "65534",
        ),
        (&["unshare", "--user", "--map-root-user"], "0"),
    ];
    let own = ask(&folder, &["id", "-u"], |_| {});
    let other = candidates.iter().find(|(program, uid)| {
        let seen = ask(&folder, &[program, &["id", "-u"][..]].concat(), |_| {});
        seen.as_deref() == Some(*uid) && seen != own
    });
    // Another user may not be able to reach the program that was built.
    let Some((program, _)) = other.filter(|(program, _)| {
        ask(
            &folder,
            &[program, &[WASMELT, "--version"][..]].concat(),
            |_| {},
        )
        .is_some()
    }) else {
        return println!("not run: root missing");
    };
    assert_eq!(compile(&folder, program, "2", |_| {}), expected);
}

/// Puts the clock of a program ten years ahead, and its process under another number.
const CLOCK: &str = r#"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
static const long ahead = 10L * 365 * 24 * 3600;
int clock_gettime(clockid_t clock, struct timespec *time) {
    int (*real)(clockid_t, struct timespec *) = dlsym(RTLD_NEXT, "clock_gettime");
    int result = real(clock, time);
    time->tv_sec += ahead;
    return result;
}
int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    struct timespec time;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &time);
    now->tv_sec = time.tv_sec;
    now->tv_usec = time.tv_nsec / 1000;
    return 0;
}
time_t time(time_t *result) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (result) *result = now.tv_sec;
    return now.tv_sec;
}
pid_t getpid(void) { return 4711; }
"#;

#[test]
fn the_clock_and_the_process_change_nothing() {
    let folder = open_folder();
    folder.write("clock.c", CLOCK);
    let built = folder
        .program("cc")
        .args([
            "-shared", "-fPIC", "-w", "-o", "clock.so", "clock.c", "-ldl",
        ])
        .status();
    match built {
        Err(_) => return println!("not run: cc missing"),
        Ok(status) => assert!(status.success()),
    }
    let clock = folder.path("clock.so");
    let preload = |path: &Path| {
        let path = path.to_owned();
        move |command: &mut Command| {
            command.env("LD_PRELOAD", &path);
        }
    };
    let year = |edit: &dyn Fn(&mut Command)| -> i32 {
        ask(&folder, &["date", "+%Y"], edit)
            .unwrap()
            .parse()
            .unwrap()
    };
    let (now, later) = (year(&|_| {}), year(&preload(&clock)));
    assert!(later >= now + 9, "the clock says {later} instead of {now}");
    let expected = compile(&folder, &["env"], "2", |_| {});
    let found = compile(&folder, &["env"], "2", preload(&clock));
    assert_eq!(found, expected);
}
