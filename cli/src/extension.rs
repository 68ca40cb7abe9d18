//! Hands an unknown verb to the program `wasmelt-VERB`, as git and cargo do.

use crate::failure::{Exit, Failure};
use anyhow::Error;
use std::{
    env,
    ffi::{OsStr, OsString},
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::{Path, PathBuf},
    process::Command,
};

/// Becomes the program for `words[0]`, with the other words as its arguments; comes back only when
/// that is not possible.
pub(crate) fn exec(words: &[OsString]) -> Failure {
    let Some((verb, arguments)) = words.split_first() else {
        return Failure::usage("a verb is needed");
    };
    let shown = verb.to_string_lossy().into_owned();
    let Some(program) = lookup(verb) else {
        return Failure::usage(format!(
            "unknown verb `{shown}`: neither wasmelt knows it, nor is there a program \
             `wasmelt-{shown}` beside it or on PATH (wasmelt --help lists the verbs)"
        ));
    };
    let error = Command::new(&program).args(arguments).exec();
    Failure::new(
        Exit::Host,
        program.display().to_string(),
        Error::new(error).context("cannot start"),
    )
}

fn lookup(verb: &OsStr) -> Option<PathBuf> {
    if verb.as_encoded_bytes().contains(&b'/') {
        return None;
    }
    let mut name = OsString::from("wasmelt-");
    name.push(verb);
    let beside = env::current_exe().ok().and_then(|program| {
        let folder = program.parent()?;
        Some(folder.to_path_buf())
    });
    let on_path = env::var_os("PATH").unwrap_or_default();
    beside
        .into_iter()
        .chain(env::split_paths(&on_path))
        .map(|folder| folder.join(&name))
        .find(|path| is_executable(path))
}

fn is_executable(path: &Path) -> bool {
    path.metadata()
        .is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}
