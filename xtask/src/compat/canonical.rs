//! Writes an item such that two declarations which mean the same are the same text.
//!
//! Bounds stand in a sorted `where` clause, wherever they were written; lifetimes and, of an `impl`, type parameters are
//! numbered; and what only adds to an item is left out: that a function is `const`, and how a type is laid out.

use std::collections::BTreeSet;

use crate::compat::row::{outside_brackets, split_paths};

pub(crate) fn canonical(text: &str) -> String {
    let text = text
        .replace("#[repr(transparent)] ", "")
        .replace("pub const fn ", "pub fn ");
    let (head, clause) = match outside_brackets(&text, " where ") {
        Some(at) => (&text[..at], &text[at + " where ".len()..]),
        None => (text.as_str(), ""),
    };
    let mut bounds: BTreeSet<String> = split_list(clause).map(str::to_owned).collect();
    let (before, parameters, after) = split_parameters(head);
    let mut names = Vec::new();
    for parameter in split_list(parameters) {
        let (name, bound) = parameter.split_once(": ").unwrap_or((parameter, ""));
        names.push(name);
        if !bound.is_empty() {
            bounds.insert(parameter.to_owned());
        }
    }
    let bounds: Vec<_> = bounds.into_iter().collect();
    let joined = format!(
        "{before}<{}>{after} where {}",
        names.join(", "),
        bounds.join(", ")
    );
    let numbered = number(&joined, &|word| word.starts_with('\''), "'");
    if head.starts_with("impl") {
        number(&numbered, &|word| names.contains(&word), "T#")
    } else {
        numbered
    }
}

/// What stands before the parameters of an `impl` or function, the parameters, and what stands behind them.
fn split_parameters(head: &str) -> (&str, &str, &str) {
    let open = if head.starts_with("impl<") {
        Some("impl".len())
    } else {
        // Of a function, behind the last part of its path.
        let end = outside_brackets(head, "(").unwrap_or(head.len());
        let name = head[..end].rfind("::").map_or(0, |at| at + 2);
        head[name..end].find('<').map(|at| name + at)
    };
    let Some(open) = open else {
        return (head, "", "");
    };
    let len = outside_brackets(&head[open + 1..], ">").unwrap_or(head.len() - open - 2);
    (
        &head[..open],
        &head[open + 1..open + 1 + len],
        &head[open + 2 + len..],
    )
}

/// The parts between commas that are not in brackets.
fn split_list(list: &str) -> impl Iterator<Item = &str> {
    let mut rest = list;
    core::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = outside_brackets(rest, ", ");
        let part = &rest[..end.unwrap_or(rest.len())];
        rest = end.map_or("", |at| &rest[at + 2..]);
        Some(part)
    })
}

/// Replaces each word that `is_chosen` by a number, in the order in which they occur.
fn number(text: &str, is_chosen: &dyn Fn(&str) -> bool, prefix: &str) -> String {
    let mut seen: Vec<String> = Vec::new();
    let mut out = String::new();
    let mut pieces = split_paths(text).peekable();
    while let Some(piece) = pieces.next() {
        // An apostrophe is not a part of a path, but of the lifetime behind it.
        let is_lifetime = piece.ends_with('\'')
            && pieces
                .peek()
                .is_some_and(|name| *name != "_" && *name != "static");
        if is_lifetime && is_chosen("'") {
            let name = pieces.next().unwrap_or_default();
            out.push_str(piece);
            out.push_str(&position(&mut seen, name).to_string());
            continue;
        }
        let (first, rest) = piece.split_once("::").unwrap_or((piece, ""));
        if is_chosen(first) {
            out.push_str(prefix);
            out.push_str(&position(&mut seen, first).to_string());
            if piece.len() > first.len() {
                out.push_str("::");
                out.push_str(rest);
            }
        } else {
            out.push_str(piece);
        }
    }
    out
}

fn position(seen: &mut Vec<String>, name: &str) -> usize {
    let found = seen.iter().position(|other| other == name);
    found.unwrap_or_else(|| {
        seen.push(name.to_owned());
        seen.len() - 1
    })
}

#[cfg(test)]
mod tests {
    use super::canonical;

    fn check(left: &str, right: &str, is_same: bool) {
        let (left, right) = (canonical(left), canonical(right));
        assert_eq!(left == right, is_same, "{left}\n{right}");
    }

    #[test]
    fn it_does_not_matter_where_a_bound_stands() {
        check(
            "pub fn Error::new<T>(T) -> Self where T: Into<String>",
            "pub fn Error::new<T: Into<String>>(T) -> Self",
            true,
        );
        check(
            "impl<T, U> Read for T where T: Read, U: Copy",
            "impl<T: Read, U: Copy> Read for T",
            true,
        );
    }

    #[test]
    fn names_of_parameters_do_not_matter() {
        check(
            "pub fn CustomSection<'a>::data(&self) -> &'a [u8]",
            "pub fn CustomSection<'module>::data(&self) -> &'module [u8]",
            true,
        );
        check(
            "impl<C: AsContext> AsContext for &C",
            "impl<T> AsContext for &T where T: AsContext",
            true,
        );
        check("impl<A, B> X<A> for Y<B>", "impl<C, D> X<C> for Y<D>", true);
        check(
            "impl<'a, 'b> X<'a> for Y<'a>",
            "impl<'a, 'b> X<'a> for Y<'b>",
            false,
        );
    }

    #[test]
    fn bounds_types_and_receivers_matter() {
        check("pub fn A::b<T: C>(T)", "pub fn A::b<T>(T)", false);
        check("pub fn A::b(&self)", "pub fn A::b(&mut self)", false);
        check("pub fn A::b() -> u32", "pub fn A::b() -> u64", false);
        check(
            "impl<T: Debug> Debug for L<T>",
            "impl<T> Debug for L<T>",
            false,
        );
        check("pub fn A::b(&'static str)", "pub fn A::b(&'_ str)", false);
    }

    #[test]
    fn what_only_adds_does_not_matter() {
        check("pub fn A::b(&self)", "pub const fn A::b(&self)", true);
        check(
            "#[repr(transparent)] pub struct A(_)",
            "pub struct A(_)",
            true,
        );
        check("#[non_exhaustive] pub enum A", "pub enum A", false);
    }
}
