//! Runs the directives of one script in one session and judges each.
//!
//! A directive passes, fails, or is skipped. Skipped are directives that WebAssembly 1.0 has no use for, modules that
//! validation finds to need a later proposal, and whatever depends on such a module. A module that is refused for any
//! other reason fails, and so does all that depends on it.
//!
//! One habit of other engines' scripts is honoured: where a `module` imports from a name that nobody registered, but that
//! an earlier instance bears as its `$name`, that instance is registered. In a script of the specification such a module
//! would be an error, so nothing else changes; the assertions do without.

use crate::engine::{EXHAUSTION_MESSAGE, Engine, Failure, InstanceId, LinkKind, ModuleId, Session};
use crate::needs::{self, Verdict};
use crate::report::{DirectiveReport, Outcome};
use crate::script::{Action, Directive, DirectiveKind, Invoke, Location, ModuleSource, Script};
use crate::value::{self, Pattern, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::{ControlFlow, RangeInclusive};

/// Which directives of a script are judged.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub enum Selection {
    /// All.
    #[default]
    All,
    /// Those that start on these lines. Directives before them are run for their effect, but not reported.
    Lines(RangeInclusive<u32>),
}

impl Selection {
    /// Whether a directive that starts on `line` is judged.
    #[must_use]
    pub fn contains(&self, line: u32) -> bool {
        match self {
            Self::All => true,
            Self::Lines(lines) => lines.contains(&line),
        }
    }
}

/// What the runner tells while it runs.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub enum Event {
    /// A directive is about to run: if nothing follows, it took the process down.
    Begin {
        /// Where it stands.
        at: Location,
        /// The directive in short.
        directive: String,
    },
    /// A selected directive was judged.
    End(DirectiveReport),
}

/// Runs the selected directives of `script` on `engine` and tells `observer` of each, until it breaks.
///
/// # Errors
///
/// The [`Failure`] with which the engine could not open a session.
pub fn run_script(
    script: &Script,
    engine: &dyn Engine,
    selection: &Selection,
    observer: &mut dyn FnMut(Event) -> ControlFlow<()>,
) -> Result<(), Failure> {
    let mut runner = Runner {
        session: engine.open()?,
        latest: None,
        instances: BTreeMap::new(),
        latest_definition: None,
        definitions: BTreeMap::new(),
        registered: BTreeSet::new(),
        absent_imports: BTreeMap::new(),
    };
    let selected = |directive: &Directive| selection.contains(directive.at.line);
    let end = script
        .directives
        .iter()
        .rposition(selected)
        .map_or(0, |last| last + 1);
    for directive in &script.directives[..end] {
        let judged = selected(directive);
        if !judged && !directive.kind.has_effect() {
            continue;
        }
        let at = directive.at;
        let text = directive.kind.to_string();
        if observer(Event::Begin {
            at,
            directive: text.clone(),
        })
        .is_break()
        {
            break;
        }
        let Judgement { outcome, observed } = runner.run(directive);
        if !judged {
            continue;
        }
        let report = DirectiveReport {
            at,
            directive: text,
            outcome,
            observed,
        };
        if observer(Event::End(report)).is_break() {
            break;
        }
    }
    Ok(())
}

struct Runner {
    session: Box<dyn Session>,
    latest: Option<Slot<InstanceId>>,
    instances: BTreeMap<String, Slot<InstanceId>>,
    latest_definition: Option<Slot<Compiled>>,
    definitions: BTreeMap<String, Slot<Compiled>>,
    registered: BTreeSet<String>,
    /// Names under which an instance should have been registered that does not exist.
    absent_imports: BTreeMap<String, Absence>,
}

type Slot<T> = Result<T, Absence>;

/// Why what a name stands for is not there.
#[derive(Clone)]
struct Absence {
    at: Location,
    /// The reason for which the module was skipped; none if it failed.
    skipped: Option<String>,
}

#[derive(Clone)]
struct Compiled {
    module: ModuleId,
    imported_modules: Vec<String>,
}

struct Judgement {
    outcome: Outcome,
    /// What happened, in words that are the same on every engine.
    observed: String,
}

impl Judgement {
    fn pass(observed: impl Into<String>) -> Self {
        Self {
            outcome: Outcome::Pass,
            observed: observed.into(),
        }
    }

    fn skip(reason: impl Into<String>) -> Self {
        Self {
            outcome: Outcome::Skip {
                reason: reason.into(),
            },
            observed: "skipped".to_owned(),
        }
    }

    fn fail(
        expected: impl Into<String>,
        got: impl Into<String>,
        observed: impl Into<String>,
    ) -> Self {
        Self {
            outcome: Outcome::Fail {
                expected: expected.into(),
                got: got.into(),
            },
            observed: observed.into(),
        }
    }

    fn fail_with(expected: impl Into<String>, failure: &Failure) -> Self {
        Self::fail(expected, failure.to_string(), failure.comparable())
    }
}

/// Why a step towards a judgement could not be done.
enum Trouble {
    Absent(Absence),
    Skip(String),
    Failure(Failure),
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

impl Trouble {
    fn judge(self, expected: impl Into<String>) -> Judgement {
        match self {
            Self::Skip(reason) => Judgement::skip(reason),
            Self::Failure(failure) => Judgement::fail_with(expected, &failure),
            Self::Absent(Absence {
                at,
                skipped: Some(reason),
            }) => Judgement::skip(format!("{reason} (module at {at})")),
            Self::Absent(Absence { at, skipped: None }) => Judgement::fail(
                expected,
                format!("no instance: the module at {at} failed"),
                "absent",
            ),
        }
    }
}

impl Runner {
    fn run(&mut self, directive: &Directive) -> Judgement {
        let at = directive.at;
        match &directive.kind {
            DirectiveKind::Module { name, source } => self.module(at, name.as_deref(), source),
            DirectiveKind::ModuleDefinition { name, source } => {
                self.module_definition(at, name.as_deref(), source)
            }
            DirectiveKind::ModuleInstance { instance, module } => {
                self.module_instance(at, instance.as_deref(), module.as_deref())
            }
            DirectiveKind::Register { name, module } => self.register(name, module.as_deref()),
            DirectiveKind::Invoke(invoke) => self.invoke(invoke),
            DirectiveKind::AssertReturn { action, results } => self.assert_return(action, results),
            DirectiveKind::AssertTrap { action, message } => {
                let result = self.act(action).map(|values| value::join(&values));
                judge_trap(result, message)
            }
            DirectiveKind::AssertUninstantiable { source, message } => {
                let result = self
                    .instantiate_source(source)
                    .map(|_| "an instance".to_owned());
                judge_trap(result, message)
            }
            DirectiveKind::AssertExhaustion { invoke, message } => {
                self.assert_exhaustion(invoke, message)
            }
            DirectiveKind::AssertMalformed { source, message } => {
                self.assert_refused(source, &format!("malformed: {message}"))
            }
            DirectiveKind::AssertInvalid { source, message } => {
                self.assert_refused(source, &format!("invalid: {message}"))
            }
            DirectiveKind::AssertUnlinkable { source, message } => {
                self.assert_unlinkable(source, message)
            }
            DirectiveKind::Unsupported { reason, .. } => Judgement::skip(reason),
        }
    }

    fn module(&mut self, at: Location, name: Option<&str>, source: &ModuleSource) -> Judgement {
        let result = self
            .compile(source)
            .and_then(|compiled| self.instantiate_by_name(&compiled));
        self.define_instance(at, name, result)
    }

    fn module_definition(
        &mut self,
        at: Location,
        name: Option<&str>,
        source: &ModuleSource,
    ) -> Judgement {
        let result = self.compile(source);
        let (slot, judgement) = settle(at, result, "a valid module");
        if let Some(name) = name {
            self.definitions.insert(name.to_owned(), slot.clone());
        }
        self.latest_definition = Some(slot);
        judgement
    }

    fn module_instance(
        &mut self,
        at: Location,
        instance: Option<&str>,
        module: Option<&str>,
    ) -> Judgement {
        let result = look_up(module, &self.definitions, self.latest_definition.as_ref())
            .and_then(|compiled| self.instantiate_by_name(&compiled));
        self.define_instance(at, instance, result)
    }

    fn define_instance(
        &mut self,
        at: Location,
        name: Option<&str>,
        result: Result<InstanceId, Trouble>,
    ) -> Judgement {
        let (slot, judgement) = settle(at, result, "an instance");
        if let Some(name) = name {
            self.instances.insert(name.to_owned(), slot.clone());
        }
        self.latest = Some(slot);
        judgement
    }

    fn register(&mut self, name: &str, module: Option<&str>) -> Judgement {
        let result = self.instance(module).and_then(|instance| {
            self.session.register(instance, name)?;
            Ok(())
        });
        match result {
            Ok(()) => {
                self.absent_imports.remove(name);
                self.registered.insert(name.to_owned());
                Judgement::pass("registered")
            }
            Err(trouble) => {
                if let Trouble::Absent(absence) = &trouble {
                    self.absent_imports.insert(name.to_owned(), absence.clone());
                }
                trouble.judge("an instance to register")
            }
        }
    }

    fn invoke(&mut self, invoke: &Invoke) -> Judgement {
        match self.call(invoke) {
            Ok(values) => Judgement::pass(comparable(&values)),
            Err(trouble) => trouble.judge("a return"),
        }
    }

    fn assert_return(&mut self, action: &Action, results: &[Pattern]) -> Judgement {
        let expected = value::join(results);
        match self.act(action) {
            Ok(values) if matches_all(results, &values) => Judgement::pass(comparable(&values)),
            Ok(values) => Judgement::fail(expected, value::join(&values), comparable(&values)),
            Err(trouble) => trouble.judge(expected),
        }
    }

    fn assert_exhaustion(&mut self, invoke: &Invoke, message: &str) -> Judgement {
        let expected = format!("exhaustion: {message}");
        match self.call(invoke) {
            Err(Trouble::Failure(failure @ Failure::Exhausted { .. }))
                if EXHAUSTION_MESSAGE.starts_with(message) =>
            {
                Judgement::pass(failure.comparable())
            }
            Ok(values) => Judgement::fail(expected, value::join(&values), comparable(&values)),
            Err(trouble) => trouble.judge(expected),
        }
    }

    fn assert_refused(&mut self, source: &ModuleSource, expected: &str) -> Judgement {
        let Ok(wasm) = source.to_binary() else {
            return Judgement::pass(REFUSED_AS_TEXT);
        };
        match self.session.compile(&wasm) {
            Err(failure @ Failure::Refused { .. }) => Judgement::pass(failure.comparable()),
            Err(failure) => Judgement::fail_with(expected, &failure),
            Ok(_) => Judgement::fail(expected, "accepted", "accepted"),
        }
    }

    fn assert_unlinkable(&mut self, source: &ModuleSource, message: &str) -> Judgement {
        let expected = format!("unlinkable, {message}");
        match self.instantiate_source(source) {
            Err(Trouble::Failure(Failure::Link {
                kind,
                message: words,
            })) if link_message_fits(kind, message) => Judgement::pass(
                Failure::Link {
                    kind,
                    message: words,
                }
                .comparable(),
            ),
            Ok(_) => Judgement::fail(expected, "an instance", "an instance"),
            Err(trouble) => trouble.judge(expected),
        }
    }

    fn act(&mut self, action: &Action) -> Result<Vec<Value>, Trouble> {
        match action {
            Action::Invoke(invoke) => self.call(invoke),
            Action::Get { module, field } => {
                let instance = self.instance(module.as_deref())?;
                Ok(vec![self.session.global(instance, field)?])
            }
        }
    }

    fn call(&mut self, invoke: &Invoke) -> Result<Vec<Value>, Trouble> {
        let instance = self.instance(invoke.module.as_deref())?;
        Ok(self.session.invoke(instance, &invoke.field, &invoke.args)?)
    }

    fn instance(&self, name: Option<&str>) -> Result<InstanceId, Trouble> {
        look_up(name, &self.instances, self.latest.as_ref())
    }

    fn instantiate_source(&mut self, source: &ModuleSource) -> Result<InstanceId, Trouble> {
        let compiled = self.compile(source)?;
        self.instantiate(&compiled)
    }

    fn compile(&mut self, source: &ModuleSource) -> Result<Compiled, Trouble> {
        let wasm = source
            .to_binary()
            .map_err(|message| Failure::Refused { message })?;
        match self.session.compile(&wasm) {
            Ok(module) => Ok(Compiled {
                module,
                imported_modules: needs::imported_modules(&wasm),
            }),
            Err(failure @ Failure::Refused { .. }) => Err(match needs::classify(&wasm) {
                Verdict::Needs(proposals) => {
                    Trouble::Skip(format!("needs {}", proposals.join(", ")))
                }
                Verdict::Wasm1 | Verdict::Invalid { .. } => Trouble::Failure(failure),
            }),
            Err(failure) => Err(failure.into()),
        }
    }

    /// Instantiates with the instances that are registered, and if that is not enough, with those that bear the names.
    fn instantiate_by_name(&mut self, compiled: &Compiled) -> Result<InstanceId, Trouble> {
        let result = self.instantiate(compiled);
        let Err(Trouble::Failure(Failure::Link {
            kind: LinkKind::UnknownImport,
            ..
        })) = &result
        else {
            return result;
        };
        let mut registered = false;
        for name in &compiled.imported_modules {
            if let (false, Some(Ok(instance))) =
                (self.registered.contains(name), self.instances.get(name))
            {
                self.session.register(*instance, name)?;
                self.registered.insert(name.clone());
                registered = true;
            }
        }
        if registered {
            self.instantiate(compiled)
        } else {
            result
        }
    }

    fn instantiate(&mut self, compiled: &Compiled) -> Result<InstanceId, Trouble> {
        self.session
            .instantiate(compiled.module)
            .map_err(|failure| {
                let absent = compiled
                    .imported_modules
                    .iter()
                    .find_map(|module| self.absent_imports.get(module))
                    .filter(|_| matches!(failure, Failure::Link { .. }));
                absent.map_or(Trouble::Failure(failure), |absence| {
                    Trouble::Absent(absence.clone())
                })
            })
    }
}

/// What is observed when a module's text is refused before an engine sees it.
pub const REFUSED_AS_TEXT: &str = "refused as text";

fn settle<T: Clone>(
    at: Location,
    result: Result<T, Trouble>,
    expected: &str,
) -> (Slot<T>, Judgement) {
    match result {
        Ok(value) => (Ok(value), Judgement::pass(expected)),
        Err(trouble) => {
            let absence = match &trouble {
                Trouble::Absent(absence) => absence.clone(),
                Trouble::Skip(reason) => Absence {
                    at,
                    skipped: Some(reason.clone()),
                },
                Trouble::Failure(_) => Absence { at, skipped: None },
            };
            (Err(absence), trouble.judge(expected))
        }
    }
}

fn look_up<T: Clone>(
    name: Option<&str>,
    named: &BTreeMap<String, Slot<T>>,
    latest: Option<&Slot<T>>,
) -> Result<T, Trouble> {
    let slot = match name {
        Some(name) => named.get(name),
        None => latest,
    };
    match slot {
        Some(Ok(value)) => Ok(value.clone()),
        Some(Err(absence)) => Err(Trouble::Absent(absence.clone())),
        None => {
            let message = match name {
                Some(name) => format!("the script has no module ${name} before this line"),
                None => "the script has no module before this line".to_owned(),
            };
            Err(Trouble::Failure(Failure::Host { message }))
        }
    }
}

fn judge_trap(result: Result<String, Trouble>, message: &str) -> Judgement {
    let expected = format!("trap: {message}");
    match result {
        Err(Trouble::Failure(Failure::Trap {
            kind,
            message: words,
        })) if kind.satisfies(message) => Judgement::pass(
            Failure::Trap {
                kind,
                message: words,
            }
            .comparable(),
        ),
        Err(Trouble::Failure(failure @ Failure::Exhausted { .. }))
            if EXHAUSTION_MESSAGE.starts_with(message) =>
        {
            Judgement::pass(failure.comparable())
        }
        Ok(got) => Judgement::fail(expected, got.clone(), got),
        Err(trouble) => trouble.judge(expected),
    }
}

/// The specification's two messages are told apart; any other wording of a script accepts both.
fn link_message_fits(kind: LinkKind, expected: &str) -> bool {
    let known = [LinkKind::UnknownImport, LinkKind::IncompatibleImportType]
        .into_iter()
        .find(|known| known.spec_message() == expected);
    known.is_none_or(|known| known == kind)
}

fn matches_all(patterns: &[Pattern], values: &[Value]) -> bool {
    patterns.len() == values.len()
        && patterns
            .iter()
            .zip(values)
            .all(|(pattern, value)| pattern.matches(value))
}

fn comparable(values: &[Value]) -> String {
    let values: Vec<_> = values.iter().map(Value::comparable).collect();
    value::join(&values)
}
