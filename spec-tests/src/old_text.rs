//! Rewrites script text from before the renaming of 2018 into today's mnemonics, one token at a time.
//!
//! The rule: a keyword token found in [`RENAMED`] is replaced by its successor, wherever it stands outside strings and
//! comments. Quoted modules (`module quote "…"`) are strings and stay as they are, because scripts quote old words on
//! purpose to have them refused. Two more forms of old scripts are handled, and the rest is left to the parser:
//!
//! - `assert_return_canonical_nan` and `assert_return_arithmetic_nan` become `assert_return` with the NaN pattern of
//!   either width;
//! - a second `(data $x …)` or `(elem $x …)` with the same identifier in one module loses the identifier: there it named
//!   the memory or table, of which there was only one, and in today's text a repeated segment name is always an error.
//!
//! Before `spectest` had a `print` function for each signature it had one for all: where a module imports that with
//! parameters, the name is completed from their types.
//!
//! Text in today's form comes back unchanged, and positions in the result can be mapped to the original.

use std::borrow::Cow;
use std::collections::BTreeSet;
use wast::lexer::{Lexer, TokenKind};

/// Old mnemonic and its successor.
pub const RENAMED: &[(&str, &str)] = &[
    ("get_local", "local.get"),
    ("set_local", "local.set"),
    ("tee_local", "local.tee"),
    ("get_global", "global.get"),
    ("set_global", "global.set"),
    ("current_memory", "memory.size"),
    ("grow_memory", "memory.grow"),
    ("anyfunc", "funcref"),
    ("i32.wrap/i64", "i32.wrap_i64"),
    ("i32.trunc_s/f32", "i32.trunc_f32_s"),
    ("i32.trunc_u/f32", "i32.trunc_f32_u"),
    ("i32.trunc_s/f64", "i32.trunc_f64_s"),
    ("i32.trunc_u/f64", "i32.trunc_f64_u"),
    ("i64.trunc_s/f32", "i64.trunc_f32_s"),
    ("i64.trunc_u/f32", "i64.trunc_f32_u"),
    ("i64.trunc_s/f64", "i64.trunc_f64_s"),
    ("i64.trunc_u/f64", "i64.trunc_f64_u"),
    ("i32.trunc_s:sat/f32", "i32.trunc_sat_f32_s"),
    ("i32.trunc_u:sat/f32", "i32.trunc_sat_f32_u"),
    ("i32.trunc_s:sat/f64", "i32.trunc_sat_f64_s"),
    ("i32.trunc_u:sat/f64", "i32.trunc_sat_f64_u"),
    ("i64.trunc_s:sat/f32", "i64.trunc_sat_f32_s"),
    ("i64.trunc_u:sat/f32", "i64.trunc_sat_f32_u"),
    ("i64.trunc_s:sat/f64", "i64.trunc_sat_f64_s"),
    ("i64.trunc_u:sat/f64", "i64.trunc_sat_f64_u"),
    ("i64.extend_s/i32", "i64.extend_i32_s"),
    ("i64.extend_u/i32", "i64.extend_i32_u"),
    ("f32.convert_s/i32", "f32.convert_i32_s"),
    ("f32.convert_u/i32", "f32.convert_i32_u"),
    ("f32.convert_s/i64", "f32.convert_i64_s"),
    ("f32.convert_u/i64", "f32.convert_i64_u"),
    ("f64.convert_s/i32", "f64.convert_i32_s"),
    ("f64.convert_u/i32", "f64.convert_i32_u"),
    ("f64.convert_s/i64", "f64.convert_i64_s"),
    ("f64.convert_u/i64", "f64.convert_i64_u"),
    ("f32.demote/f64", "f32.demote_f64"),
    ("f64.promote/f32", "f64.promote_f32"),
    ("i32.reinterpret/f32", "i32.reinterpret_f32"),
    ("i64.reinterpret/f64", "i64.reinterpret_f64"),
    ("f32.reinterpret/i32", "f32.reinterpret_i32"),
    ("f64.reinterpret/i64", "f64.reinterpret_i64"),
];

/// A text in today's form, how many tokens had to be rewritten, and the way back to the original positions.
#[derive(Debug, Clone)]
pub struct Modern<'a> {
    /// The text to parse.
    pub text: Cow<'a, str>,
    edits: Vec<Edit>,
}

impl Modern<'_> {
    /// How many tokens were rewritten.
    #[must_use]
    pub fn rewritten(&self) -> usize {
        self.edits.len()
    }

    /// The byte offset in the original text that `offset` in [`Modern::text`] comes from; inside a rewritten token it
    /// is the start of the original token.
    #[must_use]
    pub fn original_offset(&self, offset: usize) -> usize {
        let after = self.edits.partition_point(|edit| edit.new_start <= offset);
        let Some(edit) = after.checked_sub(1).map(|last| &self.edits[last]) else {
            return offset;
        };
        let into = offset - edit.new_start;
        if into < edit.new_len {
            edit.old_start
        } else {
            edit.old_start + edit.old_len + (into - edit.new_len)
        }
    }
}

#[derive(Debug, Clone)]
struct Edit {
    old_start: usize,
    old_len: usize,
    new_start: usize,
    new_len: usize,
}

/// Rewrites `text` into today's form. Text that does not even lex is returned unchanged, for the parser to report.
#[must_use]
pub fn modernise(text: &str) -> Modern<'_> {
    let replacements = find_replacements(text).unwrap_or_default();
    if replacements.is_empty() {
        return Modern {
            text: Cow::Borrowed(text),
            edits: Vec::new(),
        };
    }
    let mut out = String::with_capacity(text.len());
    let mut edits = Vec::with_capacity(replacements.len());
    let mut copied = 0;
    for Replacement { start, len, with } in replacements {
        out.push_str(&text[copied..start]);
        edits.push(Edit {
            old_start: start,
            old_len: len,
            new_start: out.len(),
            new_len: with.len(),
        });
        out.push_str(with);
        copied = start + len;
    }
    out.push_str(&text[copied..]);
    Modern {
        text: Cow::Owned(out),
        edits,
    }
}

struct Replacement {
    start: usize,
    len: usize,
    with: &'static str,
}

fn find_replacements(text: &str) -> Option<Vec<Replacement>> {
    let mut lexer = Lexer::new(text);
    lexer.allow_confusing_unicode(true);
    let mut scanner = Scanner::default();
    let mut position = 0;
    while let Some(token) = lexer.parse(&mut position).ok()? {
        match token.kind {
            TokenKind::Whitespace | TokenKind::LineComment | TokenKind::BlockComment => {}
            kind => scanner.token(kind, token.offset, token.src(text)),
        }
    }
    // What an import turns out to be is known only behind it.
    scanner.found.sort_by_key(|replacement| replacement.start);
    Some(scanner.found)
}

/// What has to be remembered from token to token.
#[derive(Default)]
struct Scanner<'a> {
    found: Vec<Replacement>,
    /// Open parentheses.
    depth: usize,
    /// The first keyword of the outermost form.
    form: &'a str,
    /// The two tokens before the current one.
    before: [&'a str; 2],
    /// Keyword and identifier of the segments of the outermost form.
    segments: BTreeSet<(&'a str, &'a str)>,
    /// What the outermost form lacks before its end.
    nan_pattern: Option<&'static str>,
    print_import: Option<PrintImport<'a>>,
}

/// An import of `spectest.print`.
struct PrintImport<'a> {
    /// Where its name stands.
    name_start: usize,
    /// Open parentheses inside it.
    depth: usize,
    types: Vec<&'a str>,
}

const PRINT: &str = "\"print\"";

impl<'a> Scanner<'a> {
    fn token(&mut self, kind: TokenKind, start: usize, source: &'a str) {
        match kind {
            TokenKind::LParen => self.open(),
            TokenKind::RParen => self.close(start),
            TokenKind::Keyword => self.keyword(start, source),
            TokenKind::Id => self.id(start, source),
            TokenKind::String => self.string(start, source),
            _ => {}
        }
        self.before = [self.before[1], source];
    }

    fn replace(&mut self, start: usize, len: usize, with: &'static str) {
        self.found.push(Replacement { start, len, with });
    }

    fn open(&mut self) {
        if self.depth == 0 {
            self.segments.clear();
            self.form = "";
        }
        self.depth += 1;
    }

    fn close(&mut self, start: usize) {
        self.depth = self.depth.saturating_sub(1);
        let depth = self.depth;
        if let Some(import) = self.print_import.take_if(|import| depth < import.depth)
            && let Some(with) = print_of_types(&import.types)
        {
            self.replace(import.name_start, PRINT.len(), with);
        }
        if let Some(pattern) = self.nan_pattern.take_if(|_| depth == 0) {
            self.replace(start, 0, pattern);
        }
    }

    fn keyword(&mut self, start: usize, source: &'a str) {
        if self.depth == 1 && self.form.is_empty() {
            self.form = source;
            if let Some(pattern) = nan_pattern(source) {
                self.nan_pattern = Some(pattern);
                self.replace(start, source.len(), "assert_return");
            }
        }
        if let Some(with) = lookup_renamed(source) {
            self.replace(start, source.len(), with);
        }
        if let Some(import) = &mut self.print_import
            && matches!(source, "i32" | "i64" | "f32" | "f64")
        {
            import.types.push(source);
        }
    }

    fn id(&mut self, start: usize, source: &'a str) {
        let [paren, keyword] = self.before;
        let names_segment = paren == "(" && matches!(keyword, "data" | "elem");
        if names_segment && !self.segments.insert((keyword, source)) {
            self.replace(start, source.len(), "");
        }
    }

    fn string(&mut self, start: usize, source: &str) {
        // Assertions may import a wrong type on purpose.
        if self.form == "module" && self.before == ["import", "\"spectest\""] && source == PRINT {
            let depth = self.depth;
            self.print_import = Some(PrintImport {
                name_start: start,
                depth,
                types: Vec::new(),
            });
        }
    }
}

fn print_of_types(types: &[&str]) -> Option<&'static str> {
    match types {
        ["i32"] => Some("\"print_i32\""),
        ["i64"] => Some("\"print_i64\""),
        ["f32"] => Some("\"print_f32\""),
        ["f64"] => Some("\"print_f64\""),
        ["i32", "f32"] => Some("\"print_i32_f32\""),
        ["f64", "f64"] => Some("\"print_f64_f64\""),
        _ => None,
    }
}

fn lookup_renamed(keyword: &str) -> Option<&'static str> {
    RENAMED
        .iter()
        .find(|(old, _)| *old == keyword)
        .map(|(_, new)| *new)
}

fn nan_pattern(keyword: &str) -> Option<&'static str> {
    match keyword {
        "assert_return_canonical_nan" => {
            Some(" (either (f32.const nan:canonical) (f64.const nan:canonical))")
        }
        "assert_return_arithmetic_nan" => {
            Some(" (either (f32.const nan:arithmetic) (f64.const nan:arithmetic))")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::modernise;

    #[test]
    fn text_of_today_is_returned_unchanged() {
        let text = "(module (func (param i32) local.get 0 drop))";
        let modern = modernise(text);
        assert_eq!(modern.text, text);
        assert_eq!(modern.rewritten(), 0);
    }

    #[test]
    fn old_mnemonics_are_replaced_outside_strings_and_comments() {
        let modern =
            modernise("(get_local 0) ;; get_local\n(; get_local ;) \"get_local\" i32.wrap/i64");
        assert_eq!(
            modern.text,
            "(local.get 0) ;; get_local\n(; get_local ;) \"get_local\" i32.wrap_i64"
        );
        assert_eq!(modern.rewritten(), 2);
    }

    #[test]
    fn positions_behind_a_rewritten_token_map_back() {
        let old = "(current_memory) X";
        let modern = modernise(old);
        let new = modern.text.find('X').expect("the marker is kept");
        assert_eq!(
            modern.original_offset(new),
            old.find('X').expect("the marker is there")
        );
        assert_eq!(modern.original_offset(3), 1, "inside the token: its start");
        assert_eq!(modern.original_offset(0), 0);
    }

    #[test]
    fn old_nan_assertion_accepts_either_width() {
        let modern = modernise("(assert_return_canonical_nan (invoke \"f\"))");
        assert_eq!(
            modern.text,
            "(assert_return (invoke \"f\") (either (f32.const nan:canonical) (f64.const nan:canonical)))"
        );
    }

    #[test]
    fn print_of_any_signature_becomes_the_one_of_its_types_in_modules() {
        let import =
            |name| format!("(import \"spectest\" \"{name}\" (func $f (param i32) (param f32)))");
        let old = format!("(module {})", import("print"));
        assert_eq!(
            modernise(&old).text,
            format!("(module {})", import("print_i32_f32"))
        );
        let asserted = format!("(assert_unlinkable {old} \"incompatible import type\")");
        assert_eq!(modernise(&asserted).text, asserted);
        let plain = "(module (import \"spectest\" \"print\" (func)) (func (param i32)))";
        assert_eq!(modernise(plain).text, plain);
    }

    #[test]
    fn repeated_segment_identifier_is_dropped_within_one_module_only() {
        let modern = modernise("(module (data $m (x)) (data $m (y))) (module (data $m (x)))");
        assert_eq!(
            modern.text,
            "(module (data $m (x)) (data  (y))) (module (data $m (x)))"
        );
    }
}
