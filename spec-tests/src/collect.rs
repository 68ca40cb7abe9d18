//! Finds the scripts that files, folders, globs and a filter stand for.

use crate::run::Selection;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// A script to run.
#[derive(Debug, Clone)]
pub struct ScriptFile {
    /// What reports call it: the path as given.
    pub label: String,
    /// Where its text is.
    pub content: Content,
}

/// Where the text of a script is.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub enum Content {
    /// In a file.
    Path(PathBuf),
    /// In memory.
    Text(String),
}

impl ScriptFile {
    /// The script in a file.
    #[must_use]
    pub fn at_path(path: &Path) -> Self {
        Self {
            label: path.display().to_string(),
            content: Content::Path(path.to_owned()),
        }
    }

    /// A script in memory.
    #[must_use]
    pub fn in_memory(label: impl Into<String>, text: &str) -> Self {
        Self {
            label: label.into(),
            content: Content::Text(text.to_owned()),
        }
    }
}

/// Why no scripts could be collected.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CollectError {
    /// Neither a file, nor a folder, nor a glob that matches.
    #[error("there is no file, folder or glob match {argument:?}")]
    NotFound {
        /// As given.
        argument: String,
    },
    /// A glob that cannot be parsed.
    #[error("the glob {argument:?} is malformed")]
    BadGlob {
        /// As given.
        argument: String,
        /// What is wrong with it.
        source: glob::PatternError,
    },
    /// A folder that cannot be read.
    #[error("cannot read the folder {path}")]
    Unreadable {
        /// Its path.
        path: String,
        /// The system's error.
        source: std::io::Error,
    },
    /// A folder without scripts.
    #[error("there is no .wast file in {path}")]
    Empty {
        /// Its path.
        path: String,
    },
}

/// The scripts that `arguments` stand for, in their order and each once; folders and globs in the order of names.
///
/// # Errors
///
/// [`CollectError`] for the first argument that stands for nothing.
pub fn collect(arguments: &[String]) -> Result<Vec<ScriptFile>, CollectError> {
    let mut paths: Vec<PathBuf> = Vec::new();
    for argument in arguments {
        for path in expand(argument)? {
            if !paths.contains(&path) {
                paths.push(path);
            }
        }
    }
    Ok(paths.iter().map(|path| ScriptFile::at_path(path)).collect())
}

fn expand(argument: &str) -> Result<Vec<PathBuf>, CollectError> {
    let path = Path::new(argument);
    if path.is_dir() {
        return scripts_in(path);
    }
    if path.exists() {
        return Ok(vec![path.to_owned()]);
    }
    let matches = glob::glob(argument).map_err(|source| CollectError::BadGlob {
        argument: argument.to_owned(),
        source,
    })?;
    let mut found = Vec::new();
    for path in matches.filter_map(Result::ok) {
        if path.is_dir() {
            found.extend(scripts_in(&path)?);
        } else {
            found.push(path);
        }
    }
    if found.is_empty() {
        return Err(CollectError::NotFound {
            argument: argument.to_owned(),
        });
    }
    Ok(found)
}

fn scripts_in(folder: &Path) -> Result<Vec<PathBuf>, CollectError> {
    let mut found = Vec::new();
    walk(folder, &mut found).map_err(|source| CollectError::Unreadable {
        path: folder.display().to_string(),
        source,
    })?;
    if found.is_empty() {
        return Err(CollectError::Empty {
            path: folder.display().to_string(),
        });
    }
    found.sort();
    Ok(found)
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        // A link to a folder is not followed, so that the walk ends.
        if entry.file_type()?.is_dir() {
            walk(&entry.path(), found)?;
        } else if entry
            .path()
            .extension()
            .is_some_and(|extension| extension == "wast")
        {
            found.push(entry.path());
        }
    }
    Ok(())
}

/// `[PART][:LINE[-LINE]]`: scripts whose path contains PART, and in them the directives that start on these lines.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    /// Part of the path; empty for all.
    pub path_part: String,
    /// The directives.
    pub selection: Selection,
}

/// Lines of a filter that are none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{lines:?} is neither LINE nor LINE-LINE")]
pub struct BadFilter {
    /// As given.
    pub lines: String,
}

impl FromStr for Filter {
    type Err = BadFilter;

    fn from_str(text: &str) -> Result<Self, BadFilter> {
        let Some((path_part, lines)) = text.rsplit_once(':') else {
            return Ok(Self {
                path_part: text.to_owned(),
                selection: Selection::All,
            });
        };
        let (first, last) = lines.split_once('-').unwrap_or((lines, lines));
        let bad = |_| BadFilter {
            lines: lines.to_owned(),
        };
        let (first, last): (u32, u32) = (first.parse().map_err(bad)?, last.parse().map_err(bad)?);
        if first > last {
            return Err(BadFilter {
                lines: lines.to_owned(),
            });
        }
        Ok(Self {
            path_part: path_part.to_owned(),
            selection: Selection::Lines(first..=last),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{BadFilter, CollectError, Filter, collect};
    use crate::run::Selection;
    use std::fs;

    #[test]
    fn filter_is_a_part_of_the_path_lines_or_both() {
        let filter = |text: &str| text.parse::<Filter>();
        let made = |part: &str, selection| {
            Ok(Filter {
                path_part: part.to_owned(),
                selection,
            })
        };
        assert_eq!(filter("br_"), made("br_", Selection::All));
        assert_eq!(filter(":12"), made("", Selection::Lines(12..=12)));
        assert_eq!(filter("br_if:3-9"), made("br_if", Selection::Lines(3..=9)));
        for lines in ["x", "", "9-3", "3-"] {
            let error = BadFilter {
                lines: lines.to_owned(),
            };
            assert_eq!(filter(&format!("br_if:{lines}")), Err(error));
        }
    }

    #[test]
    fn folders_and_globs_give_sorted_scripts_and_each_once() {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let path = |name: &str| folder.path().join(name);
        fs::create_dir(path("sub")).expect("a folder can be made");
        for name in ["b.wast", "a.wast", "notes.txt", "sub/c.wast"] {
            fs::write(path(name), "(module)").expect("a file can be written");
        }
        let argument = |name: &str| path(name).display().to_string();
        let names = |arguments: &[String]| -> Vec<String> {
            let files = collect(arguments).expect("every argument stands for something");
            let prefix = format!("{}/", folder.path().display());
            files
                .iter()
                .map(|file| file.label.replace(&prefix, ""))
                .collect()
        };
        assert_eq!(names(&[argument("")]), ["a.wast", "b.wast", "sub/c.wast"]);
        assert_eq!(
            names(&[argument("b.wast"), argument("*.wast")]),
            ["b.wast", "a.wast"]
        );
        assert_eq!(
            names(&[argument("notes.txt")]),
            ["notes.txt"],
            "a file that is named is run"
        );
        assert_eq!(
            names(&[argument("**/*.wast")]),
            ["a.wast", "b.wast", "sub/c.wast"]
        );
    }

    #[test]
    fn argument_that_stands_for_nothing_is_an_error() {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let missing = folder.path().join("no.wast").display().to_string();
        let error = collect(std::slice::from_ref(&missing)).expect_err("there is no such file");
        assert!(matches!(error, CollectError::NotFound { argument } if argument == missing));
        let error =
            collect(&[folder.path().display().to_string()]).expect_err("the folder is empty");
        assert!(matches!(error, CollectError::Empty { .. }));
    }
}
