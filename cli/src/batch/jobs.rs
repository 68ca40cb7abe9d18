//! The modules of a batch: what is in a folder, or on a list.

use crate::failure::{Exit, Failure};
use anyhow::Error;
use std::{
    collections::BTreeMap,
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
};

/// A module, and where its artifact goes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Job {
    /// How lines call it: its path.
    pub(super) name: String,
    /// Where it is.
    pub(super) input: PathBuf,
    /// The artifact's file, if artifacts go to a folder.
    pub(super) output: Option<PathBuf>,
}

/// Lists modules in the order of their paths, or of the list, with a file below `out_dir` for each.
pub(super) fn list(input: &Path, out_dir: Option<&Path>) -> Result<Vec<Job>, Failure> {
    let name = input.display().to_string();
    let facts = fs::metadata(input)
        .map_err(|error| Failure::refused(&name, Error::new(error).context("cannot look at it")))?;
    let mut found = Vec::new();
    let root = if facts.is_dir() {
        find_modules(input, &mut found)?;
        input
    } else {
        let text = fs::read_to_string(input).map_err(|_| {
            Failure::refused_because(
                &name,
                "with --out-dir or --cache, give a folder of modules, or a text file with the path of one on each line",
            )
        })?;
        let lines = text.lines().map(str::trim);
        let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
        found.extend(lines.map(PathBuf::from));
        Path::new("")
    };
    if found.is_empty() {
        return Err(Failure::refused_because(name, "there is no module in it"));
    }
    let mut jobs = Vec::new();
    let mut taken: BTreeMap<PathBuf, String> = BTreeMap::new();
    for input in found {
        let name = input.display().to_string();
        let output = out_dir.map(|folder| {
            // Of a list only names are kept: its paths may lead anywhere.
            let inside = match input.strip_prefix(root) {
                Ok(inside) if facts.is_dir() => inside,
                _ => Path::new(input.file_name().unwrap_or(OsStr::new("module"))),
            };
            folder.join(inside).with_extension("so")
        });
        if let Some(output) = &output
            && let Some(other) = taken.insert(output.clone(), name.clone())
            && other != name
        {
            return Err(Failure::refused_because(
                name,
                format!(
                    "its artifact would have the name of that of {other}: compile them to two folders"
                ),
            ));
        }
        jobs.push(Job {
            name,
            input,
            output,
        });
    }
    Ok(jobs)
}

/// Finds modules in a folder and below, by name. Links to folders are not followed.
fn find_modules(folder: &Path, found: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let refuse = |error| {
        let error = Error::new(error).context("cannot list it");
        Failure::new(Exit::Host, folder.display().to_string(), error)
    };
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(refuse)? {
        let entry = entry.map_err(refuse)?;
        let kind = entry.file_type().map_err(refuse)?;
        paths.push((entry.path(), kind.is_dir()));
    }
    paths.sort();
    for (path, is_folder) in paths {
        let is_module = || {
            let extension = path.extension().and_then(OsStr::to_str);
            matches!(extension, Some("wasm" | "wat"))
        };
        if is_folder {
            find_modules(&path, found)?;
        } else if is_module() {
            found.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::list;
    use crate::failure::Failure;
    use std::{fs, path::Path};

    #[test]
    fn a_folder_is_searched_and_mirrored() {
        let home = tempfile::tempdir().expect("a folder");
        fs::create_dir_all(home.path().join("b/c")).expect("it is new");
        for name in ["z.wasm", "b/c/y.wat", "b/x.wasm", "README", "b/a.so"] {
            fs::write(home.path().join(name), "").expect("it is new");
        }
        std::os::unix::fs::symlink(".", home.path().join("b/loop")).expect("it is new");
        let jobs = list(home.path(), Some(Path::new("out"))).expect("there are modules");
        let outputs: Vec<_> = jobs
            .iter()
            .map(|job| job.output.as_deref().expect("to a folder"))
            .collect();
        assert_eq!(
            outputs,
            [
                Path::new("out/b/c/y.so"),
                Path::new("out/b/x.so"),
                Path::new("out/z.so")
            ]
        );
        assert!(jobs[0].input.ends_with("b/c/y.wat"));
        let jobs = list(home.path(), None).expect("there are modules");
        assert!(jobs.iter().all(|job| job.output.is_none()));
    }

    #[test]
    fn a_list_has_a_path_on_each_line_and_only_names_are_kept() {
        let home = tempfile::tempdir().expect("a folder");
        let path = home.path().join("list");
        let message = |text: &str| {
            fs::write(&path, text).expect("it is ours");
            let error = list(&path, Some(Path::new("out"))).map(|_| ());
            error
                .err()
                .as_ref()
                .map(Failure::message)
                .unwrap_or_default()
        };
        assert_eq!(message("# these\n\n../a.wasm\n/x/b.wasm  \n"), "");
        let jobs = list(&path, Some(Path::new("out"))).expect("there are modules");
        assert_eq!(jobs.len(), 2);
        assert_eq!(jobs[0].output.as_deref(), Some(Path::new("out/a.so")));
        assert_eq!(jobs[1].name, "/x/b.wasm");

        assert!(message("a/m.wasm\nb/m.wasm\n").contains("that of a/m.wasm"));
        assert!(message("# nothing\n").contains("there is no module in it"));
        fs::write(&path, b"\0asm\x01\0\0\0\xff").expect("it is ours");
        let error = list(&path, None).expect_err("it is no text");
        assert!(
            error.message().contains("a text file with the path"),
            "{}",
            error.message()
        );
        let missing = list(Path::new("/nonexistent"), None).expect_err("not there");
        assert!(missing.message().contains("cannot look at it"));
    }
}
