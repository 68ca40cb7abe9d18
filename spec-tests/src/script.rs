//! Parses a script into directives that own what they need and know where they stand.
//!
//! Parsing is done by the crate `wast`, after [`old_text`] has brought mnemonics of old scripts up to
//! date. Modules given as text are encoded here; text that cannot be encoded becomes [`ModuleSource::Refused`], because
//! scripts expect exactly that of some modules.

use crate::old_text::{self, Modern};
use crate::value::{self, Pattern, Value};
use std::fmt;
use wast::core::{NanPattern, WastArgCore, WastRetCore};
use wast::lexer::{Lexer, TokenKind};
use wast::parser::{self, ParseBuffer};
use wast::token::{Id, Span};
use wast::{
    QuoteWat, QuoteWatTest, Wast, WastArg, WastDirective, WastExecute, WastInvoke, WastRet, Wat,
};

/// A parsed script.
#[derive(Debug, Clone)]
pub struct Script {
    /// In the order of the text.
    pub directives: Vec<Directive>,
    /// How many tokens of old text were rewritten before parsing.
    pub rewritten_tokens: usize,
}

impl Script {
    /// Parses the text of a script.
    ///
    /// # Errors
    ///
    /// [`ScriptError`] if the text is not a script.
    pub fn parse(text: &str) -> Result<Self, ScriptError> {
        let modern = old_text::modernise(text);
        let locate = Locator::new(text, &modern);
        let parse_error = |error: wast::Error| ScriptError {
            at: locate.at(error.span()),
            message: error.message(),
        };
        let mut lexer = Lexer::new(&modern.text);
        // The suite writes bidirectional marks and the like on purpose.
        lexer.allow_confusing_unicode(true);
        if is_blank(&lexer) {
            // The parser would take it for a module without fields.
            return Ok(Self {
                directives: Vec::new(),
                rewritten_tokens: 0,
            });
        }
        let buffer = ParseBuffer::new_with_lexer(lexer).map_err(parse_error)?;
        let wast = parser::parse::<Wast<'_>>(&buffer).map_err(parse_error)?;
        let directives = wast
            .directives
            .into_iter()
            .map(|directive| Directive {
                at: locate.at(directive.span()),
                kind: DirectiveKind::from_wast(directive),
            })
            .collect();
        Ok(Self {
            directives,
            rewritten_tokens: modern.rewritten(),
        })
    }
}

/// Whether the text has nothing but space and comments.
fn is_blank(lexer: &Lexer<'_>) -> bool {
    lexer.iter(0).all(|token| {
        token.is_ok_and(|token| {
            matches!(
                token.kind,
                TokenKind::Whitespace | TokenKind::LineComment | TokenKind::BlockComment
            )
        })
    })
}

/// Text that is not a script.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{at}: {message}")]
pub struct ScriptError {
    /// Where parsing stopped.
    pub at: Location,
    /// The parser's words.
    pub message: String,
}

/// A position in the original text, both counted from one; columns in characters.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
pub struct Location {
    /// The line.
    pub line: u32,
    /// The character in the line.
    pub column: u32,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// One directive.
#[derive(Debug, Clone)]
pub struct Directive {
    /// Where its keyword stands.
    pub at: Location,
    /// What it asks for.
    pub kind: DirectiveKind,
}

/// What a directive asks for. Names are those of the script, without the `$`.
#[derive(Debug, Clone)]
pub enum DirectiveKind {
    /// Compile and instantiate.
    Module {
        /// Its name, if it has one.
        name: Option<String>,
        /// What to compile.
        source: ModuleSource,
    },
    /// Compile only.
    ModuleDefinition {
        /// Its name, if it has one.
        name: Option<String>,
        /// What to compile.
        source: ModuleSource,
    },
    /// Instantiate a definition.
    ModuleInstance {
        /// The name of the new instance.
        instance: Option<String>,
        /// The definition; without a name, the latest one.
        module: Option<String>,
    },
    /// Make an instance importable.
    Register {
        /// As this module name.
        name: String,
        /// The instance; without a name, the latest one.
        module: Option<String>,
    },
    /// Call, results of no interest.
    Invoke(Invoke),
    /// Call or read, with these results.
    AssertReturn {
        /// What to do.
        action: Action,
        /// One pattern per result.
        results: Vec<Pattern>,
    },
    /// Call or read, which traps.
    AssertTrap {
        /// What to do.
        action: Action,
        /// Start of the trap's message.
        message: String,
    },
    /// Instantiate, which traps.
    AssertUninstantiable {
        /// What to compile and instantiate.
        source: ModuleSource,
        /// Start of the trap's message.
        message: String,
    },
    /// Call, which exhausts the stack.
    AssertExhaustion {
        /// The call.
        invoke: Invoke,
        /// Start of the message.
        message: String,
    },
    /// Decoding or parsing fails.
    AssertMalformed {
        /// What to decode or parse.
        source: ModuleSource,
        /// Not checked: engines word it differently.
        message: String,
    },
    /// Validation fails.
    AssertInvalid {
        /// What to validate.
        source: ModuleSource,
        /// Not checked: engines word it differently.
        message: String,
    },
    /// Imports cannot be satisfied.
    AssertUnlinkable {
        /// What to link.
        source: ModuleSource,
        /// Start of the message.
        message: String,
    },
    /// A directive that WebAssembly 1.0 has no use for.
    Unsupported {
        /// Its keyword.
        keyword: &'static str,
        /// Why it cannot be run.
        reason: String,
    },
}

impl DirectiveKind {
    /// The keyword by which a script writes it.
    #[must_use]
    pub fn keyword(&self) -> &'static str {
        match self {
            Self::Module { .. } => "module",
            Self::ModuleDefinition { .. } => "module definition",
            Self::ModuleInstance { .. } => "module instance",
            Self::Register { .. } => "register",
            Self::Invoke(_) => "invoke",
            Self::AssertReturn { .. } => "assert_return",
            Self::AssertTrap { .. } | Self::AssertUninstantiable { .. } => "assert_trap",
            Self::AssertExhaustion { .. } => "assert_exhaustion",
            Self::AssertMalformed { .. } => "assert_malformed",
            Self::AssertInvalid { .. } => "assert_invalid",
            Self::AssertUnlinkable { .. } => "assert_unlinkable",
            Self::Unsupported { keyword, .. } => keyword,
        }
    }

    /// Whether running it can change what later directives see.
    #[must_use]
    pub fn has_effect(&self) -> bool {
        !matches!(
            self,
            Self::AssertMalformed { .. } | Self::AssertInvalid { .. } | Self::Unsupported { .. }
        )
    }

    fn from_wast(directive: WastDirective<'_>) -> Self {
        match directive {
            WastDirective::Module(module) => Self::of_module("module", module, |name, source| {
                Self::Module { name, source }
            }),
            WastDirective::ModuleDefinition(module) => {
                Self::of_module("module definition", module, |name, source| {
                    Self::ModuleDefinition { name, source }
                })
            }
            WastDirective::ModuleInstance {
                instance, module, ..
            } => Self::ModuleInstance {
                instance: own(instance),
                module: own(module),
            },
            WastDirective::Register { name, module, .. } => Self::Register {
                name: name.to_owned(),
                module: own(module),
            },
            WastDirective::Invoke(invoke) => {
                Invoke::from_wast(&invoke).map_or_else(unsupported("invoke"), Self::Invoke)
            }
            WastDirective::AssertReturn { exec, results, .. } => {
                Self::assert_return(exec, &results)
            }
            WastDirective::AssertTrap { exec, message, .. } => {
                Self::assert_trap(exec, message.to_owned())
            }
            WastDirective::AssertExhaustion { call, message, .. } => Invoke::from_wast(&call)
                .map_or_else(unsupported("assert_exhaustion"), |invoke| {
                    Self::AssertExhaustion {
                        invoke,
                        message: message.to_owned(),
                    }
                }),
            WastDirective::AssertMalformed {
                module, message, ..
            } => Self::of_module("assert_malformed", module, |_, source| {
                Self::AssertMalformed {
                    source,
                    message: message.to_owned(),
                }
            }),
            WastDirective::AssertInvalid {
                module, message, ..
            } => Self::of_module("assert_invalid", module, |_, source| Self::AssertInvalid {
                source,
                message: message.to_owned(),
            }),
            WastDirective::AssertUnlinkable {
                module, message, ..
            } => Self::of_module("assert_unlinkable", QuoteWat::Wat(module), |_, source| {
                Self::AssertUnlinkable {
                    source,
                    message: message.to_owned(),
                }
            }),
            WastDirective::AssertMalformedCustom { .. } => unsupported("assert_malformed_custom")(
                "contents of custom sections are not judged".to_owned(),
            ),
            WastDirective::AssertInvalidCustom { .. } => unsupported("assert_invalid_custom")(
                "contents of custom sections are not judged".to_owned(),
            ),
            WastDirective::AssertException { .. } => needs("assert_exception", "exceptions"),
            WastDirective::AssertSuspension { .. } => needs("assert_suspension", "stack-switching"),
            WastDirective::Thread(_) => needs("thread", "threads"),
            WastDirective::Wait { .. } => needs("wait", "threads"),
        }
    }

    fn of_module(
        keyword: &'static str,
        mut module: QuoteWat<'_>,
        build: impl FnOnce(Option<String>, ModuleSource) -> Self,
    ) -> Self {
        if matches!(
            module,
            QuoteWat::Wat(Wat::Component(_)) | QuoteWat::QuoteComponent(..)
        ) {
            return needs(keyword, "component-model");
        }
        let name = own(module.name());
        build(name, ModuleSource::from_wast(&mut module))
    }

    fn assert_return(exec: WastExecute<'_>, results: &[WastRet<'_>]) -> Self {
        let parts = Action::from_wast(&exec).and_then(|action| {
            let results = results
                .iter()
                .map(pattern_from_wast)
                .collect::<Result<_, _>>()?;
            Ok((action, results))
        });
        parts.map_or_else(unsupported("assert_return"), |(action, results)| {
            Self::AssertReturn { action, results }
        })
    }

    fn assert_trap(exec: WastExecute<'_>, message: String) -> Self {
        match exec {
            WastExecute::Wat(module) => {
                Self::of_module("assert_trap", QuoteWat::Wat(module), |_, source| {
                    Self::AssertUninstantiable { source, message }
                })
            }
            exec => Action::from_wast(&exec).map_or_else(unsupported("assert_trap"), |action| {
                Self::AssertTrap { action, message }
            }),
        }
    }
}

impl fmt::Display for DirectiveKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.keyword())?;
        match self {
            Self::Module {
                name: Some(name), ..
            }
            | Self::ModuleDefinition {
                name: Some(name), ..
            } => {
                write!(f, " ${name}")
            }
            Self::Register { name, .. } => write!(f, " {name:?}"),
            Self::Invoke(invoke) => write!(f, " {invoke}"),
            Self::AssertReturn { action, .. } => write!(f, " {action}"),
            Self::AssertTrap { action, message } => write!(f, " {action} {message:?}"),
            Self::AssertExhaustion { invoke, message } => write!(f, " ({invoke}) {message:?}"),
            Self::AssertUninstantiable { message, .. }
            | Self::AssertMalformed { message, .. }
            | Self::AssertInvalid { message, .. }
            | Self::AssertUnlinkable { message, .. } => write!(f, " (module …) {message:?}"),
            _ => Ok(()),
        }
    }
}

fn unsupported(keyword: &'static str) -> impl FnOnce(String) -> DirectiveKind {
    move |reason| DirectiveKind::Unsupported { keyword, reason }
}

fn needs(keyword: &'static str, proposal: &str) -> DirectiveKind {
    unsupported(keyword)(format!("needs {proposal}"))
}

/// What a module directive gives to compile.
#[derive(Debug, Clone)]
pub enum ModuleSource {
    /// A binary, written as such or encoded from text in the script.
    Binary(Vec<u8>),
    /// Quoted text, to be parsed when the directive runs.
    Quoted(Vec<u8>),
    /// Text in the script that cannot be encoded.
    Refused(String),
}

impl ModuleSource {
    fn from_wast(module: &mut QuoteWat<'_>) -> Self {
        match module.to_test() {
            Ok(QuoteWatTest::Binary(bytes)) => Self::Binary(bytes),
            Ok(QuoteWatTest::Text(text)) => Self::Quoted(text),
            Err(error) => Self::Refused(error.message()),
        }
    }

    /// The binary module.
    ///
    /// # Errors
    ///
    /// The text parser's words if the text is malformed.
    pub fn to_binary(&self) -> Result<Vec<u8>, String> {
        match self {
            Self::Binary(bytes) => Ok(bytes.clone()),
            Self::Refused(message) => Err(message.clone()),
            Self::Quoted(bytes) => {
                let text = std::str::from_utf8(bytes)
                    .map_err(|_| "malformed UTF-8 encoding".to_owned())?;
                encode_text(text).map_err(|error| error.message())
            }
        }
    }
}

fn encode_text(text: &str) -> Result<Vec<u8>, wast::Error> {
    let mut lexer = Lexer::new(text);
    lexer.allow_confusing_unicode(true);
    let buffer = ParseBuffer::new_with_lexer(lexer)?;
    parser::parse::<Wat<'_>>(&buffer)?.encode()
}

/// A call or a read.
#[derive(Debug, Clone)]
pub enum Action {
    /// Call an exported function.
    Invoke(Invoke),
    /// Read an exported global.
    Get {
        /// The instance; without a name, the latest one.
        module: Option<String>,
        /// The export's name.
        field: String,
    },
}

impl Action {
    fn from_wast(exec: &WastExecute<'_>) -> Result<Self, String> {
        match exec {
            WastExecute::Invoke(invoke) => Invoke::from_wast(invoke).map(Self::Invoke),
            WastExecute::Get { module, global, .. } => Ok(Self::Get {
                module: own(*module),
                field: (*global).to_owned(),
            }),
            WastExecute::Wat(_) => Err("a module has no results".to_owned()),
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invoke(invoke) => write!(f, "(invoke {invoke})"),
            Self::Get { module, field } => {
                f.write_str("(get ")?;
                fmt_module(f, module.as_deref())?;
                write!(f, "{field:?})")
            }
        }
    }
}

/// A call.
#[derive(Debug, Clone)]
pub struct Invoke {
    /// The instance; without a name, the latest one.
    pub module: Option<String>,
    /// The export's name.
    pub field: String,
    /// The arguments.
    pub args: Vec<Value>,
}

impl Invoke {
    fn from_wast(invoke: &WastInvoke<'_>) -> Result<Self, String> {
        Ok(Self {
            module: own(invoke.module),
            field: invoke.name.to_owned(),
            args: invoke
                .args
                .iter()
                .map(value_from_wast)
                .collect::<Result<_, _>>()?,
        })
    }
}

impl fmt::Display for Invoke {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt_module(f, self.module.as_deref())?;
        write!(f, "{:?}", self.field)?;
        if self.args.is_empty() {
            Ok(())
        } else {
            write!(f, " {}", value::join(&self.args))
        }
    }
}

fn fmt_module(f: &mut fmt::Formatter<'_>, module: Option<&str>) -> fmt::Result {
    module.map_or(Ok(()), |name| write!(f, "${name} "))
}

fn own(id: Option<Id<'_>>) -> Option<String> {
    id.map(|id| id.name().to_owned())
}

fn value_from_wast(arg: &WastArg<'_>) -> Result<Value, String> {
    match arg {
        WastArg::Core(WastArgCore::I32(value)) => Ok(Value::I32(*value)),
        WastArg::Core(WastArgCore::I64(value)) => Ok(Value::I64(*value)),
        WastArg::Core(WastArgCore::F32(value)) => Ok(Value::F32(value.bits)),
        WastArg::Core(WastArgCore::F64(value)) => Ok(Value::F64(value.bits)),
        WastArg::Core(WastArgCore::V128(_)) => Err("needs simd".to_owned()),
        WastArg::Core(_) => Err("needs reference-types".to_owned()),
        _ => Err("needs component-model".to_owned()),
    }
}

fn pattern_from_wast(result: &WastRet<'_>) -> Result<Pattern, String> {
    match result {
        WastRet::Core(result) => pattern_from_core(result),
        _ => Err("needs component-model".to_owned()),
    }
}

fn pattern_from_core(result: &WastRetCore<'_>) -> Result<Pattern, String> {
    Ok(match result {
        WastRetCore::I32(value) => Pattern::Exact(Value::I32(*value)),
        WastRetCore::I64(value) => Pattern::Exact(Value::I64(*value)),
        WastRetCore::F32(NanPattern::CanonicalNan) => Pattern::F32CanonicalNan,
        WastRetCore::F32(NanPattern::ArithmeticNan) => Pattern::F32ArithmeticNan,
        WastRetCore::F32(NanPattern::Value(value)) => Pattern::Exact(Value::F32(value.bits)),
        WastRetCore::F64(NanPattern::CanonicalNan) => Pattern::F64CanonicalNan,
        WastRetCore::F64(NanPattern::ArithmeticNan) => Pattern::F64ArithmeticNan,
        WastRetCore::F64(NanPattern::Value(value)) => Pattern::Exact(Value::F64(value.bits)),
        WastRetCore::Either(cases) => Pattern::Either(
            cases
                .iter()
                .map(pattern_from_core)
                .collect::<Result<_, _>>()?,
        ),
        WastRetCore::V128(_) => return Err("needs simd".to_owned()),
        _ => return Err("needs reference-types".to_owned()),
    })
}

/// Turns offsets of the modernised text into lines and columns of the original one.
struct Locator<'a> {
    text: &'a str,
    modern: &'a Modern<'a>,
    line_starts: Vec<usize>,
}

impl<'a> Locator<'a> {
    fn new(text: &'a str, modern: &'a Modern<'a>) -> Self {
        let line_starts = std::iter::once(0)
            .chain(text.match_indices('\n').map(|(at, _)| at + 1))
            .collect();
        Self {
            text,
            modern,
            line_starts,
        }
    }

    fn at(&self, span: Span) -> Location {
        let offset = self
            .modern
            .original_offset(span.offset())
            .min(self.text.len());
        let line = self.line_starts.partition_point(|&start| start <= offset);
        let start = self.line_starts[line - 1];
        let column = self
            .text
            .get(start..offset)
            .map_or(0, |before| before.chars().count())
            + 1;
        Location {
            line: saturate(line),
            column: saturate(column),
        }
    }
}

fn saturate(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::{DirectiveKind, Location, ModuleSource, Script};
    use crate::value::Pattern;

    fn kinds(text: &str) -> Vec<&'static str> {
        let script = Script::parse(text).expect("the script parses");
        script
            .directives
            .iter()
            .map(|directive| directive.kind.keyword())
            .collect()
    }

    #[test]
    fn every_directive_of_the_language_is_recognised() {
        let text = r#"
            (module $m (func (export "f") (result i32) (i32.const 1)) (global (export "g") i32 (i32.const 1)))
            (register "m" $m)
            (invoke "f")
            (assert_return (invoke $m "f") (i32.const 1))
            (assert_return (get "g") (i32.const 1))
            (assert_trap (invoke "f") "unreachable")
            (assert_trap (module (func unreachable) (start 0)) "unreachable")
            (assert_exhaustion (invoke "f") "call stack exhausted")
            (assert_malformed (module quote "(func") "unexpected end")
            (assert_invalid (module (func (result i32))) "type mismatch")
            (assert_unlinkable (module (import "no" "no" (func))) "unknown import")
            (module definition $d)
            (module instance $i $d)"#;
        assert_eq!(
            kinds(text),
            [
                "module",
                "register",
                "invoke",
                "assert_return",
                "assert_return",
                "assert_trap",
                "assert_trap",
                "assert_exhaustion",
                "assert_malformed",
                "assert_invalid",
                "assert_unlinkable",
                "module definition",
                "module instance",
            ]
        );
    }

    #[test]
    fn module_without_parentheses_around_its_fields_is_one_directive() {
        assert_eq!(kinds("(func) (memory 0)"), ["module"]);
    }

    #[test]
    fn text_without_a_token_has_no_directive() {
        assert!(kinds("").is_empty());
        assert!(kinds(" ;; only\n (; comments ;)\n").is_empty());
    }

    #[test]
    fn directives_of_later_proposals_say_which_one_they_need() {
        let script = Script::parse(r#"(module) (assert_return (invoke "f" (ref.extern 1)))"#)
            .expect("the script parses");
        let DirectiveKind::Unsupported { keyword, reason } = &script.directives[1].kind else {
            panic!(
                "expected an unsupported directive, got {:?}",
                script.directives[1].kind
            );
        };
        assert_eq!(
            (*keyword, reason.as_str()),
            ("assert_return", "needs reference-types")
        );
    }

    #[test]
    fn position_is_that_of_the_original_text() {
        let script =
            Script::parse("(module)\n(; grüße ;) (module (func (drop (current_memory)))) (module)")
                .expect("the script parses");
        let at: Vec<_> = script
            .directives
            .iter()
            .map(|directive| directive.at)
            .collect();
        let last = Location {
            line: 2,
            column: 54,
        };
        assert_eq!(
            at,
            [
                Location { line: 1, column: 2 },
                Location {
                    line: 2,
                    column: 14
                },
                last
            ]
        );
        assert_eq!(script.rewritten_tokens, 1);
    }

    #[test]
    fn text_that_is_no_script_is_an_error_with_a_position() {
        let error = Script::parse("(module)\n(assert_nothing)").expect_err("it is no script");
        assert_eq!(error.at, Location { line: 2, column: 2 });
    }

    #[test]
    fn module_text_that_cannot_be_encoded_is_kept_as_refused() {
        let script =
            Script::parse(r#"(assert_invalid (module (func (call $no))) "unknown function")"#)
                .expect("the script parses");
        let DirectiveKind::AssertInvalid {
            source: ModuleSource::Refused(message),
            ..
        } = &script.directives[0].kind
        else {
            panic!(
                "expected a refused module, got {:?}",
                script.directives[0].kind
            );
        };
        assert!(message.contains("unknown func"), "{message}");
    }

    #[test]
    fn old_nan_assertion_parses_to_either_width() {
        let script = Script::parse(r#"(module) (assert_return_arithmetic_nan (invoke "f"))"#)
            .expect("the script parses");
        let DirectiveKind::AssertReturn { results, .. } = &script.directives[1].kind else {
            panic!(
                "expected assert_return, got {:?}",
                script.directives[1].kind
            );
        };
        assert_eq!(
            results,
            &[Pattern::Either(vec![
                Pattern::F32ArithmeticNan,
                Pattern::F64ArithmeticNan
            ])]
        );
    }
}
