//! Reads a crate's public items from the JSON that rustdoc writes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use public_api::{Builder, PublicItem};
use rustdoc_types::{Crate, FORMAT_VERSION, Id, ItemEnum};

use crate::compat::canonical::canonical;
use crate::compat::row::Row;

/// The public items of a crate, with those of crates below it that it re-exports.
#[derive(Debug, Default)]
pub(crate) struct Surface {
    rows: BTreeSet<Row>,
    names: BTreeSet<String>,
    canonical: BTreeSet<String>,
}

impl Surface {
    /// Reads `NAME.json` of a crate, and of each crate below it whose items it re-exports.
    pub(crate) fn read(folder: &Path, name: &str, below: &[&str]) -> Result<Self> {
        let mut crates = vec!["core", "alloc", "std", name];
        crates.extend(below);
        let upper = Json::read(folder, name, &crates)?;
        let mut surface = Self {
            rows: upper.rows.iter().cloned().collect(),
            names: upper.names(),
            canonical: BTreeSet::new(),
        };
        for lower in below {
            let aliases = upper.reexports_of(lower);
            let lower = Json::read(folder, lower, &crates)?;
            let is_replaced = |row: &Row| aliases.values().any(|location| *location == row.path());
            // Whether a type is taken over or defined here makes no difference to a program.
            surface
                .rows
                .retain(|row| !(row.text().starts_with("pub use ") && is_replaced(row)));
            surface.rows.extend(lower.rows_of(&aliases));
            let names = aliases
                .values()
                .filter_map(|location| location.rsplit("::").next());
            surface.names.extend(names.map(str::to_owned));
        }
        // The crate itself is no item.
        surface
            .rows
            .retain(|row| row.text() != format!("pub mod {name}"));
        surface.canonical = surface
            .rows
            .iter()
            .map(|row| canonical(row.text()))
            .collect();
        Ok(surface)
    }

    /// Adds the crate's cargo features.
    pub(crate) fn add_features(&mut self, features: Vec<String>) {
        for feature in features {
            let row = Row::new(&format!("feature {feature}"), &[]);
            self.canonical.insert(canonical(row.text()));
            self.rows.insert(row);
        }
    }

    pub(crate) fn rows(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter()
    }

    /// Whether there is an item that is declared the same.
    pub(crate) fn contains(&self, row: &Row) -> bool {
        self.canonical.contains(&canonical(row.text()))
    }

    /// The item with the same path, whatever its signature.
    pub(crate) fn lookup_path(&self, path: &str) -> Option<&Row> {
        self.rows
            .iter()
            .find(|row| !row.is_impl() && row.path() == path)
    }

    pub(crate) fn owner(&self, row: &Row) -> String {
        if row.text().starts_with("feature ") {
            return "Cargo features".to_owned();
        }
        row.owner(&|name| self.names.contains(name))
    }
}

/// One crate's file, read twice: for its items, and for what they refer to.
struct Json {
    krate: Crate,
    rows: Vec<Row>,
}

impl Json {
    fn read(folder: &Path, name: &str, crates: &[&str]) -> Result<Self> {
        let path: PathBuf = folder.join(format!("{name}.json"));
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {path:?}"))?;
        let krate: Crate = serde_json::from_str(&text)
            .with_context(|| format!("{path:?} is not of rustdoc's format {FORMAT_VERSION}"))?;
        if krate.format_version != FORMAT_VERSION {
            bail!(
                "{path:?} has format {}, not {FORMAT_VERSION}",
                krate.format_version
            );
        }
        let api = Builder::from_rustdoc_json(&path)
            .omit_blanket_impls(true)
            .build()?;
        let is_listed = |item: &&PublicItem| !is_in_impl_of_trait(&krate, item);
        let rows = api
            .items()
            .filter(is_listed)
            .map(|item| Row::new(&item.to_string(), crates))
            .filter(|row| row.is_nameable() && (!row.is_impl() || row.as_impl().is_some()))
            .collect();
        Ok(Self { krate, rows })
    }

    /// The types and traits that it defines.
    fn names(&self) -> BTreeSet<String> {
        let items = self.krate.index.values();
        items
            .filter(|item| {
                matches!(
                    item.inner,
                    ItemEnum::Struct(_) | ItemEnum::Enum(_) | ItemEnum::Trait(_)
                )
            })
            .filter_map(|item| item.name.clone())
            .collect()
    }

    /// Which names it takes over from a crate, and where they are found here.
    fn reexports_of(&self, lower: &str) -> BTreeMap<String, String> {
        let source = |id: &Id| {
            let path = &self.krate.paths.get(id)?.path;
            (path.first()? == lower).then(|| path.last().cloned())?
        };
        let location = |name: &str| {
            let ending = format!("::{name}");
            let found = self.rows.iter().find(|row| {
                row.text().starts_with("pub use ")
                    && (row.path() == name || row.path().ends_with(&ending))
            });
            found.map(Row::path)
        };
        let items = self.krate.index.values();
        items
            .filter_map(|item| match &item.inner {
                ItemEnum::Use(import) => {
                    Some((source(import.id.as_ref()?)?, location(&import.name)?))
                }
                _ => None,
            })
            .collect()
    }

    /// Everything about the named types, without an `impl` that cannot be used without naming others of this crate.
    fn rows_of(&self, aliases: &BTreeMap<String, String>) -> Vec<Row> {
        let hidden: Vec<_> = self
            .names()
            .into_iter()
            .filter(|name| !aliases.contains_key(name))
            .collect();
        let is_ours = |name: &str| aliases.contains_key(name);
        self.rows
            .iter()
            .filter(|row| is_ours(&row.owner(&is_ours)))
            .filter(|row| !row.is_impl() || !hidden.iter().any(|name| row.mentions(name)))
            .map(|row| {
                aliases
                    .iter()
                    .filter(|(name, alias)| name != alias)
                    .fold(row.clone(), |row, (name, alias)| row.renamed(name, alias))
            })
            .collect()
    }
}

/// Methods and types of such an `impl` are those of its trait.
fn is_in_impl_of_trait(krate: &Crate, item: &PublicItem) -> bool {
    let parent = item.parent_id().and_then(|id| krate.index.get(&id));
    parent.is_some_and(|parent| matches!(&parent.inner, ItemEnum::Impl(it) if it.trait_.is_some()))
}
