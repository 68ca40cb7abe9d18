//! One public item, written so that the same item of another crate is the same text.

/// Marker traits that no stable program can name.
const UNNAMEABLE: [&str; 4] = [
    "Freeze",
    "UnsafeUnpin",
    "TrivialClone",
    "StructuralPartialEq",
];

/// Words in front of an item's path.
const KINDS: [&str; 10] = [
    "pub", "const", "unsafe", "fn", "enum", "struct", "trait", "type", "use", "mod",
];

/// Those of them that define a name of a module.
const DEFINITIONS: [&str; 5] = ["enum", "struct", "trait", "use", "mod"];

/// One public item. Paths are cut to the names that programs write: of `core`, `alloc` and the crates that are compared,
/// the names of modules are left out. Parameters have no names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Row {
    text: String,
}

impl Row {
    /// Takes an item as `public_api` writes it; `crates` are those whose module names are left out.
    pub(crate) fn new(item: &str, crates: &[&str]) -> Self {
        let mut is_definition = false;
        let pieces = split_paths(item).map(|path| match path {
            // Where a type is found is a part of its definition, and of nothing else.
            path if is_definition && path.contains("::") => {
                is_definition = false;
                cut_crate(path, crates)
            }
            path => {
                is_definition |= DEFINITIONS.contains(&path);
                cut_modules(path, crates)
            }
        });
        Self {
            text: pieces.collect(),
        }
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Whether a program could tell if the item is missing.
    pub(crate) fn is_nameable(&self) -> bool {
        self.as_impl()
            .is_none_or(|(of, _)| !UNNAMEABLE.contains(&head(of)))
    }

    /// The trait and the type of an `impl` of a trait.
    pub(crate) fn as_impl(&self) -> Option<(&str, &str)> {
        let rest = without_generics(self.text.strip_prefix("impl")?).trim_start();
        let at = outside_brackets(rest, " for ")?;
        let (of, target) = (&rest[..at], &rest[at + " for ".len()..]);
        let target = &target[..outside_brackets(target, " where ").unwrap_or(target.len())];
        Some((of, target))
    }

    pub(crate) fn is_impl(&self) -> bool {
        self.text
            .strip_prefix("impl")
            .is_some_and(|rest| rest.starts_with(['<', ' ']))
    }

    /// Owner and name without signature and generic parameters, as `Memory::size`.
    pub(crate) fn path(&self) -> String {
        let rest = self.without_kind();
        let ends = ["(", ": ", " "].map(|end| outside_brackets(rest, end));
        let end = ends.into_iter().flatten().min().unwrap_or(rest.len());
        let mut path = String::new();
        let mut depth = 0;
        for part in rest[..end].chars() {
            match part {
                '<' => depth += 1,
                '>' => depth -= 1,
                part if depth == 0 => path.push(part),
                _ => {}
            }
        }
        path
    }

    /// The type, trait or module that it belongs to. Of an `impl`, that is the type if it is one of `ours`, else the trait.
    pub(crate) fn owner(&self, ours: &dyn Fn(&str) -> bool) -> String {
        if let Some((of, target)) = self.as_impl() {
            let mut candidates = vec![head(target), head(of)];
            candidates.extend(words(&self.text));
            let found = candidates.iter().copied().find(|name| ours(name));
            return found.unwrap_or(candidates[0]).to_owned();
        }
        let path = self.path();
        let is_type = |part: &&str| part.starts_with(|first: char| first.is_uppercase());
        let owner = path.split("::").find(is_type);
        owner.unwrap_or(&path).to_owned()
    }

    pub(crate) fn mentions(&self, name: &str) -> bool {
        words(&self.text).any(|word| word == name)
    }

    /// The same item where another crate has it: `location` replaces the path that a definition has.
    pub(crate) fn renamed(&self, from: &str, location: &str) -> Self {
        let to = location.rsplit("::").next().unwrap_or(location);
        let is_definition = self.path() == from && self.is_definition();
        let mut is_first = true;
        let text = split_paths(&self.text).map(|path| {
            if is_definition && path == from && core::mem::take(&mut is_first) {
                return location.to_owned();
            }
            let parts = path
                .split("::")
                .map(|part| if part == from { to } else { part });
            parts.collect::<Vec<_>>().join("::")
        });
        Self {
            text: text.collect(),
        }
    }

    fn is_definition(&self) -> bool {
        let kinds = self
            .text
            .strip_suffix(self.without_kind())
            .unwrap_or_default();
        words(kinds).any(|word| DEFINITIONS.contains(&word))
    }

    /// The number of types in the longest tuple of an `impl` that a macro wrote once for each length.
    pub(crate) fn tuple_len(&self) -> usize {
        let numbers = words(&self.text).filter_map(|word| word.strip_prefix('T')?.parse().ok());
        numbers.max().unwrap_or(0)
    }

    fn without_kind(&self) -> &str {
        let mut rest = self.text.as_str();
        while let Some(after) = rest.strip_prefix("#[") {
            rest = after.find("] ").map_or("", |at| &after[at + 2..]);
        }
        while let Some((_, after)) = rest
            .split_once(' ')
            .filter(|(word, _)| KINDS.contains(word))
        {
            rest = after;
        }
        rest
    }
}

/// Names of a text, without lifetimes' apostrophes.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|part: char| !part.is_alphanumeric() && part != '_')
        .filter(|word| !word.is_empty())
}

/// The name of a type without references and parameters.
fn head(text: &str) -> &str {
    let text = text
        .trim_start_matches(['!', '&'])
        .trim_start_matches("mut ");
    text.split(['<', ' ']).next().unwrap_or(text)
}

/// Pieces that are paths, and those between them.
pub(crate) fn split_paths(text: &str) -> impl Iterator<Item = &str> {
    let is_path = |part: char| part.is_alphanumeric() || part == '_' || part == ':';
    let mut rest = text;
    core::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let kind = is_path(first);
        let end = rest
            .find(|part| is_path(part) != kind)
            .unwrap_or(rest.len());
        // A colon alone introduces a type.
        let is_colon_alone =
            kind && end > 1 && rest[..end].ends_with(':') && !rest[..end].ends_with("::");
        let piece;
        (piece, rest) = rest.split_at(if is_colon_alone { end - 1 } else { end });
        Some(piece)
    })
}

/// A path of one of the crates without the crate's name.
fn cut_crate<'a>(path: &'a str, crates: &[&str]) -> &'a str {
    match path.split_once("::") {
        Some((first, rest)) if crates.contains(&first) => rest,
        _ => path,
    }
}

/// A path of one of the crates without its modules, which begin in lowercase; its last name stays.
fn cut_modules<'a>(path: &'a str, crates: &[&str]) -> &'a str {
    let Some((first, mut rest)) = path.split_once("::") else {
        return path;
    };
    if !crates.contains(&first) {
        return path;
    }
    while let Some((module, after)) = rest.split_once("::") {
        if !module.starts_with(|part: char| part.is_lowercase()) {
            break;
        }
        rest = after;
    }
    rest
}

/// What follows the generic parameters at the start.
fn without_generics(text: &str) -> &str {
    if !text.starts_with('<') {
        return text;
    }
    outside_brackets(&text[1..], ">").map_or("", |at| &text[at + 2..])
}

/// Where a text first occurs outside brackets.
pub(crate) fn outside_brackets(text: &str, wanted: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut before = ' ';
    for (at, part) in text.char_indices() {
        if depth == 0 && text[at..].starts_with(wanted) {
            return Some(at);
        }
        match part {
            '<' | '(' | '[' => depth += 1,
            '>' if before == '-' => {}
            '>' | ')' | ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        before = part;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::Row;

    fn row(item: &str) -> Row {
        Row::new(item, &["wasmi", "wasmi_core", "core", "alloc"])
    }

    #[test]
    fn modules_are_left_out_and_foreign_crates_kept() {
        let check = |item: &str, expected: &str| assert_eq!(row(item).text(), expected);
        check(
            "pub wasmi::errors::ErrorKind::Fuel(wasmi_core::fuel::FuelError)",
            "pub ErrorKind::Fuel(FuelError)",
        );
        check(
            "pub wasmi::errors::ErrorKind::Wat(wat::Error)",
            "pub ErrorKind::Wat(wat::Error)",
        );
        check(
            "pub fn wasmi::Caller<'a, T>::get_fuel(&self) -> core::result::Result<u64, wasmi::Error>",
            "pub fn Caller<'a, T>::get_fuel(&self) -> Result<u64, Error>",
        );
        check(
            "pub enum wasmi::errors::FuncError",
            "pub enum errors::FuncError",
        );
    }

    #[test]
    fn a_path_has_neither_signature_nor_parameters() {
        let check = |item: &str, expected: &str| assert_eq!(row(item).path(), expected);
        check(
            "pub fn wasmi::Caller<'a, T>::data(&self) -> &T",
            "Caller::data",
        );
        check("pub wasmi::E::V::limit: u32", "E::V::limit");
        check(
            "#[non_exhaustive] pub enum wasmi::errors::ErrorKind",
            "errors::ErrorKind",
        );
        check(
            "pub trait wasmi::AsContextMut: wasmi::AsContext",
            "AsContextMut",
        );
        check(
            "pub type wasmi::IntoFunc::Params: wasmi::WasmTyList",
            "IntoFunc::Params",
        );
        check(
            "pub const fn wasmi_core::F32::from_bits(u32) -> Self",
            "F32::from_bits",
        );
    }

    #[test]
    fn what_is_taken_over_is_where_it_is_taken_over_to() {
        let check = |item: &str, location: &str, expected: &str| {
            assert_eq!(row(item).renamed("Error", location).text(), expected);
        };
        check(
            "pub enum wasmi_core::Error",
            "errors::CoreError",
            "pub enum errors::CoreError",
        );
        check(
            "pub wasmi_core::Error::V(u32)",
            "errors::CoreError",
            "pub CoreError::V(u32)",
        );
        check(
            "impl Send for wasmi_core::Error",
            "Error",
            "impl Send for Error",
        );
    }

    #[test]
    fn an_implementation_belongs_to_the_type_or_else_to_the_trait() {
        let ours = |name: &str| ["Val", "WasmTy", "Nullable", "Ref"].contains(&name);
        let check = |item: &str, expected: &str| assert_eq!(row(item).owner(&ours), expected);
        check("impl core::convert::From<wasmi::Ref> for wasmi::Val", "Val");
        check("impl wasmi::WasmTy for i32", "WasmTy");
        check(
            "impl<T> core::convert::From<wasmi::Nullable<T>> for core::option::Option<T>",
            "Nullable",
        );
        check(
            "impl<T> core::marker::Send for wasmi::Nullable<T> where T: core::marker::Send",
            "Nullable",
        );
    }

    #[test]
    fn what_the_compiler_alone_looks_at_is_no_item() {
        assert!(!row("impl core::marker::Freeze for wasmi::Val").is_nameable());
        assert!(row("impl core::marker::Send for wasmi::Val").is_nameable());
    }

    #[test]
    fn tuples_are_told_by_their_length() {
        let check = |item: &str, expected| assert_eq!(row(item).tuple_len(), expected);
        check("impl<T1, T2> wasmi::WasmTyList for (T1, T2)", 2);
        check("impl<T> wasmi::AsContext for wasmi::Store<T>", 0);
    }
}
