//! Decides where a user's own cache lives.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::CacheError;

/// The folder that [`Cache::user_default`](crate::Cache::user_default) opens:
/// `$XDG_CACHE_HOME/wasmelt`, or `$HOME/.cache/wasmelt` when that variable is unset.
///
/// As the XDG base directory specification demands, a relative `XDG_CACHE_HOME` is ignored.
///
/// # Errors
///
/// [`CacheError::NoHome`] when neither variable holds an absolute path.
pub fn user_default_folder() -> Result<PathBuf, CacheError> {
    let read = |name: &str| std::env::var_os(name);
    folder_for(read("XDG_CACHE_HOME").as_deref(), read("HOME").as_deref())
}

fn folder_for(xdg_cache_home: Option<&OsStr>, home: Option<&OsStr>) -> Result<PathBuf, CacheError> {
    let absolute = |value: &OsStr| Path::new(value).is_absolute().then(|| PathBuf::from(value));
    xdg_cache_home
        .and_then(absolute)
        .or_else(|| home.and_then(absolute).map(|home| home.join(".cache")))
        .map(|base| base.join("wasmelt"))
        .ok_or(CacheError::NoHome)
}

#[cfg(test)]
mod tests {
    use super::folder_for;
    use crate::CacheError;
    use std::ffi::OsStr;
    use std::path::Path;

    fn check(xdg_cache_home: Option<&str>, home: Option<&str>, expected: Option<&str>) {
        let found = folder_for(xdg_cache_home.map(OsStr::new), home.map(OsStr::new));
        match expected {
            Some(path) => assert_eq!(found.expect("a folder"), Path::new(path)),
            None => assert!(matches!(found, Err(CacheError::NoHome))),
        }
    }

    #[test]
    fn the_xdg_variable_comes_first() {
        check(Some("/fast"), Some("/home/u"), Some("/fast/wasmelt"));
    }

    #[test]
    fn home_is_used_when_the_xdg_variable_is_unset_empty_or_relative() {
        check(None, Some("/home/u"), Some("/home/u/.cache/wasmelt"));
        check(Some(""), Some("/home/u"), Some("/home/u/.cache/wasmelt"));
        check(Some("rel"), Some("/home/u"), Some("/home/u/.cache/wasmelt"));
    }

    #[test]
    fn without_a_home_there_is_no_default() {
        check(None, None, None);
        check(Some("rel"), Some(""), None);
        check(None, Some("rel"), None);
    }
}
